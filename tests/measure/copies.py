"""Hashes the chunk files of all members, and compares with what a member says in .../replication of sessions and videos.

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


def videos(url, session):
    """Those of which there is a file."""
    shown = get(url, f"/v1/sessions/{session}/videos")["videos"]
    return [video["id"] for video in shown if video["state"] == "ready"]


def replication(url, path):
    """All chunks of a session or a video, page by page, whether it is synced, and what its files are named by."""
    chunks, start = [], 0
    while start is not None:
        page = get(url, f"{path}/replication?from={start}")
        chunks += page["chunks"]
        start = page["next"]
    return page["object"], page["synced"], chunks


def hashes(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*/*/*")}


class Comparison:
    """What the files are, and where the API says something else."""

    def __init__(self, url, files, replicas):
        self.url, self.files, self.replicas = url, files, replicas
        self.states, self.disagreements = collections.Counter(good=0, bad=0, missing=0), []

    def look_at(self, path):
        """Compares an object; whether it is synced."""
        named, says_synced, chunks = replication(self.url, path)
        is_whole = bool(chunks)
        for chunk in chunks:
            is_whole &= self.compare(f"{named}.{chunk['number']}.{chunk['epoch']}", chunk)
        if says_synced != is_whole:
            self.disagreements.append(f"{path}: the API says synced = {says_synced}")
        return is_whole

    def compare(self, name, chunk):
        """Compares a chunk; whether enough members have it, and all that are said to be to."""
        said = {copy["member"]: copy["state"] for copy in chunk["members"]}
        found = collections.Counter()
        for member, hashed in self.files.items():
            if name not in hashed and member not in said:
                continue  # It is not to hold this one, and does not.
            state = "missing" if name not in hashed else "good" if hashed[name] == chunk["hash"] else "bad"
            found[state] += 1
            expected = {"good": "verified"}.get(state, state)
            if said.get(member) != expected:
                self.disagreements.append(f"{name} of member {member}: {state}, and the API says {said.get(member)}")
        self.states += found
        return found["good"] >= self.replicas and found["good"] == len(said)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("--chunks", action="append", required=True, metavar="MEMBER=FOLDER")
    arguments = parser.parse_args()
    folders = dict(pair.split("=", 1) for pair in arguments.chunks)
    files = {int(member): hashes(pathlib.Path(folder)) for member, folder in folders.items()}
    comparison = Comparison(arguments.url, files, get(arguments.url, "/v1/cluster/layout")["replicas"])
    counts = collections.Counter(synced=0, videos=0, videos_synced=0)
    for session in sessions(arguments.url):
        counts["synced"] += comparison.look_at(f"/v1/sessions/{session}")
        for video in videos(arguments.url, session):
            counts["videos"] += 1
            counts["videos_synced"] += comparison.look_at(f"/v1/videos/{video}")
    states = {state: comparison.states[state] for state in ("good", "bad", "missing")}
    found = {"copies": sum(states.values()), "states": states, "disagreements": comparison.disagreements}
    print(json.dumps(found | counts))
    return 1 if comparison.disagreements else 0


if __name__ == "__main__":
    sys.exit(main())
