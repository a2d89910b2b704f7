#!/usr/bin/env python3
"""Measures how many facts a second three Custody members commit, and how long each takes.

usage: writes.py CUSTODY [--clients N ...] [--seconds N] [--folder FOLDER] [--into FILE]

A write is a session that is opened: a command of the catalog, answered when a majority has it on disk. Each client is a process
with one connection and sends its next write when the last one is answered; client N goes to member N of three. Members and
clients share this machine's cores and one disk, and all sessions stay open.

Prints a table: clients at one time, writes a second, and the milliseconds of one write (median, 99th percentile). The last line
is the same as JSON.
"""

import argparse
import json
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import garage

# All clients write after less than that; what they write before is not counted.
BEGIN_LIMIT_S = 3


def write(address, headers, since, until):
    """One client; how many seconds each of its writes took that began from `since` to `until`."""
    if time.monotonic() > since:
        raise SystemExit(f"a client has not begun within {BEGIN_LIMIT_S} s")
    client, body, took_s = garage.Connection(address), json.dumps(garage.SESSION), []
    while (began := time.monotonic()) < until:
        client.send("POST", "/v1/sessions", body, headers)
        if began >= since:
            took_s.append(time.monotonic() - began)
    return took_s


def measure(custody, clients, seconds):
    """A line of the table: so many clients at one time."""
    headers = custody.headers | {"Content-Type": "application/json"}
    since = time.monotonic() + BEGIN_LIMIT_S
    with ProcessPoolExecutor(clients) as pool:
        addresses = [custody.apis[number % len(custody.apis)] for number in range(clients)]
        writing = [pool.submit(write, address, headers, since, since + seconds) for address in addresses]
        took_s = sorted(one for each in writing for one in each.result())
    return {
        "clients": clients,
        "writes_per_s": round(len(took_s) / seconds),
        "p50_ms": round(1000 * took_s[len(took_s) // 2], 1),
        "p99_ms": round(1000 * took_s[len(took_s) * 99 // 100], 1),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("custody", type=Path)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 16, 64], help="at one time")
    parser.add_argument("--seconds", type=int, default=10, help="for each number of clients")
    parser.add_argument("--folder", type=Path, help="on the disk that is measured; without, where temporary files are")
    parser.add_argument("--into", type=Path, help="takes the JSON, too")
    args = parser.parse_args()
    measured = []
    print(f"{'clients':>7} {'writes/s':>9} {'p50 ms':>8} {'p99 ms':>8}")
    with tempfile.TemporaryDirectory(prefix="writes-", dir=args.folder) as name:
        with garage.Custody(args.custody, Path(name).resolve()) as custody:
            for clients in args.clients:
                line = measure(custody, clients, args.seconds)
                print("{clients:7} {writes_per_s:9} {p50_ms:8.1f} {p99_ms:8.1f}".format(**line), flush=True)
                measured.append(line)
    lines = {"seconds": args.seconds, "measured": measured}
    print(json.dumps(lines))
    if args.into:
        args.into.parent.mkdir(parents=True, exist_ok=True)
        args.into.write_text(json.dumps(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
