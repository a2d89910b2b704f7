"""Runs commands one after the other and tells how each ended and what it took, its child processes included.

measured.py; reads lines of JSON {"command": [...], "deadline_s": n, "stderr": path}, answers lines of JSON
{"code": n or null, "signal": n or null, "late": bool, "wall_s": x, "cpu_s": x, "peak_kib": n}.

wait4 tells the largest resident set of a command and of those of its children that it waited for.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time

for line in sys.stdin:
    order = json.loads(line)
    late = threading.Event()
    with open(order["stderr"], "wb") as stderr:
        started = time.monotonic()
        child = subprocess.Popen(
            order["command"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr, start_new_session=True
        )

        def end(group=child.pid):
            late.set()
            os.killpg(group, signal.SIGKILL)

        timer = threading.Timer(order["deadline_s"], end)
        timer.start()
        _, status, usage = os.wait4(child.pid, 0)
        timer.cancel()
        wall_s = time.monotonic() - started
        child.returncode = 0
    print(
        json.dumps(
            {
                "code": os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
                "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else None,
                "late": late.is_set(),
                "wall_s": wall_s,
                "cpu_s": usage.ru_utime + usage.ru_stime,
                "peak_kib": usage.ru_maxrss,
            }
        ),
        flush=True,
    )
