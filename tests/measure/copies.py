"""Hashes the chunk files of all members, and compares with what a member says in .../replication.

    CUSTODY_TOKEN=... copies.py URL --chunks 1=/var/lib/custody/store/bytes/chunks --chunks 2=... --chunks 3=...

It needs no code of ours: a chunk's file is named RECORDING.STREAM.NUMBER.EPOCH, and its SHA-256 is what the API calls its
hash. Prints one JSON object; the exit status is 1 when the API says something else than the files.
"""

import argparse
import collections
import hashlib
import json
import os
import pathlib
import sys
import urllib.request


def get(url, path):
    request = urllib.request.Request(url + path, headers={"Authorization": "Bearer " + os.environ["CUSTODY_TOKEN"]})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=60) as answer:
        return json.load(answer)


def sessions(url):
    cursor = None
    while True:
        page = get(url, "/v1/sessions?limit=1000" + (f"&cursor={cursor}" if cursor else ""))
        yield from (session["id"] for session in page["sessions"])
        cursor = page["next"]
        if cursor is None:
            return


def replication(url, session):
    """All chunks of a session, page by page, and whether it is synced."""
    chunks, start = [], 0
    while start is not None:
        page = get(url, f"/v1/sessions/{session}/replication?from={start}")
        chunks += page["chunks"]
        start = page["next"]
    return page["synced"], chunks


def hashes(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*/*/*")}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("--chunks", action="append", required=True, metavar="MEMBER=FOLDER")
    arguments = parser.parse_args()
    folders = dict(pair.split("=", 1) for pair in arguments.chunks)
    files = {int(member): hashes(pathlib.Path(folder)) for member, folder in folders.items()}
    states, disagreements, synced = collections.Counter(good=0, bad=0, missing=0), [], 0
    for session in sessions(arguments.url):
        says_synced, chunks = replication(arguments.url, session)
        synced += says_synced
        is_whole = bool(chunks)
        for chunk in chunks:
            name = f"{session}.0.{chunk['number']}.{chunk['epoch']}"
            said = {copy["member"]: copy["state"] for copy in chunk["members"]}
            for member, hashed in files.items():
                state = "missing" if name not in hashed else "good" if hashed[name] == chunk["hash"] else "bad"
                states[state] += 1
                is_whole &= state == "good"
                expected = {"good": "verified"}.get(state, state)
                if said.get(member) != expected:
                    disagreements.append(f"{name} of member {member}: {state}, and the API says {said.get(member)}")
        if says_synced != is_whole:
            disagreements.append(f"{session}: the API says synced = {says_synced}")
    copies = sum(states.values())
    print(json.dumps({"copies": copies, "states": states, "disagreements": disagreements, "synced": synced}))
    return 1 if disagreements else 0


if __name__ == "__main__":
    sys.exit(main())
