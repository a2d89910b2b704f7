#!/usr/bin/env python3
"""Measures what a conversion costs, beside guacenc on the same recording.

usage: cost.py BIN RECORDINGS_DIR [--only NAME ...]

CPU time (user and system) and the largest resident set are those of the command and all its children. The
figures of guacenc stand in RECORDINGS_DIR/baseline.json; ratios below 1 are better. Trust CPU time on a
machine that does other work.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lib import custody


def convert(binary, recording, to, *options):
    """Exit code, CPU seconds, wall seconds, and the largest resident set of one process in MB."""
    started = time.monotonic()
    process = subprocess.Popen(
        [binary, "convert", recording, "-o", to, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    # What the system counts for an ended process holds the descendants that it waited for.
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall_s = time.monotonic() - started
    return process.returncode, usage.ru_utime + usage.ru_stime, wall_s, usage.ru_maxrss / 1024


def ratio(value, base):
    """A column with a quotient, or a dash."""
    return f"{value / base:8.3f}" if base else f"{'-':>8}"


def main():
    args = custody.arguments(__doc__.splitlines()[0]).parse_args()
    baseline_file = args.recordings / "baseline.json"
    baseline = json.loads(baseline_file.read_text())["recordings"] if baseline_file.exists() else {}
    columns = f"{'CPU s':>8} {'guacenc':>8} {'ratio':>8} {'wall s':>8} {'RSS MB':>8}"
    print(f"{'recording':34} {columns} {'out MB':>8} {'guacenc':>8} {'ratio':>8}")
    total, failed = [0.0, 0.0, 0.0, 0.0], False
    with tempfile.TemporaryDirectory(prefix="custody-cost-") as directory:
        video = Path(directory) / "out.mp4"
        for name, recording in custody.recordings(args):
            video.unlink(missing_ok=True)
            code, cpu_s, wall_s, rss_mb = convert(args.bin, recording, video)
            base = baseline.get(name, {})
            if code not in custody.GOOD_EXIT_CODES:
                # A recording without one `sync` has no length, and no video to make.
                failed |= base.get("session_s") is not None
                print(f"{name:34} {cpu_s:8.2f} refused with exit code {code}", flush=True)
                continue
            size, base_cpu, base_size = video.stat().st_size, base.get("cpu_s", 0), base.get("out_bytes", 0)
            print(
                f"{name:34} {cpu_s:8.2f} {base_cpu:8.2f} {ratio(cpu_s, base_cpu)} {wall_s:8.2f} {rss_mb:8.1f}"
                f" {size / 1e6:8.2f} {base_size / 1e6:8.2f} {ratio(size, base_size)}",
                flush=True,
            )
            if base_cpu and base_size:
                total = [a + b for a, b in zip(total, (cpu_s, base_cpu, size, base_size))]
    print(
        f"{'all with a baseline':34} {total[0]:8.2f} {total[1]:8.2f} {ratio(total[0], total[1])} {'':17}"
        f" {total[2] / 1e6:8.2f} {total[3] / 1e6:8.2f} {ratio(total[2], total[3])}"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
