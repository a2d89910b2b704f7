"""Drives the `custody` binary over a directory of recordings."""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

SUFFIXES = (".guac.zst", ".guac")
TERMINALS = (".cast",)
# The containers as the command line names them, and how their files are named.
CONTAINERS = {"mp4": "mp4", "webm": "webm", "fragmented-mp4": "mp4"}
# All was done; or the result is there and lacks what was damaged in the recording.
GOOD_EXIT_CODES = (0, 3)


class Refused(Exception):
    """The binary ended with an error; the message is its last line."""


def arguments(description, videos=False):
    """A parser with what every script takes, and what those take that share videos."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("bin", type=Path, metavar="BIN", help="the custody binary")
    parser.add_argument("recordings", type=Path, metavar="RECORDINGS_DIR")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these recordings, without suffix")
    if videos:
        parser.add_argument(
            "--videos",
            type=Path,
            metavar="DIR",
            help="keep videos here and use those that are there; delete it after a change of the binary",
        )
    return parser


def recordings(args, suffixes=SUFFIXES):
    """Pairs of name and file, sorted by name; a compressed copy stands for the plain one."""
    found = {}
    for suffix in reversed(suffixes):
        for path in args.recordings.glob("*" + suffix):
            found[path.name[: -len(suffix)]] = path
    unknown = set(args.only or ()) - found.keys()
    if unknown:
        raise SystemExit(f"no such recording: {', '.join(sorted(unknown))}")
    return [(name, found[name]) for name in sorted(found) if not args.only or name in args.only]


def run(binary, *arguments):
    """Standard output of the binary, or Refused."""
    done = subprocess.run([binary, *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode not in GOOD_EXIT_CODES:
        lines = done.stderr.strip().splitlines()
        raise Refused(lines[-1] if lines else f"exit code {done.returncode}")
    return done.stdout


def inspect(binary, recording):
    """What the binary knows of a recording."""
    return json.loads(run(binary, "inspect", recording, "--json"))


def has_pictures(facts):
    """Whether there is a picture to convert: `facts` as inspect() returns them."""
    return facts["sync_count"] > 0


def frame(binary, recording, at_s, to, cursor=True):
    """Writes the picture after the last sync not later than `at_s`."""
    run(binary, "frame", recording, "--at", f"{at_s:.3f}", *([] if cursor else ["--no-cursor"]), "-o", to)


class Videos:
    """Converts recordings, into `--videos` or into a directory that goes with the script."""

    def __init__(self, args, *options):
        self.binary, self.options = args.bin, options
        self.temporary = None
        if args.videos:
            self.directory = args.videos
            self.directory.mkdir(parents=True, exist_ok=True)
        else:
            self.temporary = tempfile.TemporaryDirectory(prefix="custody-videos-")
            self.directory = Path(self.temporary.name)

    def of(self, name, recording):
        """The video of a recording."""
        video = self.directory / f"{name}.mp4"
        if not video.exists():
            part = self.directory / f"{name}.part.mp4"
            part.unlink(missing_ok=True)
            run(self.binary, "convert", recording, "-o", part, *self.options)
            part.rename(video)
        return video
