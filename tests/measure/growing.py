#!/usr/bin/env python3
"""Does Chromium play a video while it is made?

usage: growing.py BIN RECORDINGS_DIR [--only NAME ...]

Each recording is converted into a pipe, from which a server on loopback sends the video to a headless Chromium (Debian: `chromium`) as
the API sends one that is being made: without a length and without ranges. The page gets the first fragment, and of the second what
fills up the last 32 KiB of that, since Chromium looks at whole blocks only; the rest once it has said that it plays. Recordings of
which no more than that is there are left out, and said.

Prints for each video the bytes that were sent when it played and those of all of it, how far it had played, whether the conversion
was still running then (it is over early where the rest fits into the pipe), where it ended and how long it is, and corrupt pictures. Exit code 1 when
a video does not play before the rest is sent, or not to its end.
"""

import http.server
import json
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from chromium import DEADLINE_S, browse
from lib import custody, media

# The page plays so fast, and tells so many seconds of the video after it began.
RATE, PLAYED_S = 4, 1.0
# Where it ends may differ so much from its length.
END_S = 0.1
BLOCK_BYTES = 1 << 15

PAGE = """<!doctype html><video id=v muted></video><script>
const v = document.getElementById('v');
const send = (path, told) => fetch(path, {method: 'POST', body: JSON.stringify(told)});
const told = () => ({at_s: v.currentTime, corrupt: v.getVideoPlaybackQuality().corruptedVideoFrames});
const fails = error => send('/report', {error: String(error)});
v.addEventListener('error', () => fails(v.error.message));
v.addEventListener('ended', () => send('/report', told()));
const look = () => v.currentTime < PLAYED_S ? setTimeout(look, 50) : send('/playing', told());
v.src = '/video';
v.playbackRate = RATE;
v.play().then(look, fails);
</script>""".replace("PLAYED_S", str(PLAYED_S)).replace("RATE", str(RATE))


def first_bytes(video):
    """How much of a file is there at first; nothing where that is all."""
    at, types = 0, []
    while types.count(b"moof") < 2 and at < len(video):
        types.append(video[at + 4 : at + 8])
        end, at = at, at + int.from_bytes(video[at : at + 4], "big")
    first = -(-end // BLOCK_BYTES) * BLOCK_BYTES
    return first if types[-1] == b"moof" and first < len(video) else None


class Growing:
    """Serves a page and a video that is being made."""

    def __init__(self, command, first_bytes):
        self.first_bytes = first_bytes
        self.made = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.video, self.playing, self.report = b"", None, {"error": "no report"}
        self.plays, self.ended = threading.Event(), threading.Event()
        growing = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                if self.path == "/video":
                    self.send_response(200)
                    headers = ("Content-Type", "video/mp4"), ("Accept-Ranges", "none"), ("Transfer-Encoding", "chunked")
                    [self.send_header(name, value) for name, value in headers]
                    self.end_headers()
                    growing.send(self.piece)
                    self.piece(b"")
                else:
                    self.answer(PAGE.encode())

            def piece(self, content):
                self.wfile.write(b"%x\r\n%b\r\n" % (len(content), content))
                self.wfile.flush()

            def answer(self, body):
                self.send_response(200)
                [self.send_header(name, value) for name, value in (("Content-Type", "text/html"), ("Content-Length", str(len(body))))]
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self.answer(b"")
                growing.hear(self.path, told)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def send(self, piece):
        """Sends the video: what is there at first, and the rest once the page plays that."""
        while content := self.made.stdout.read(BLOCK_BYTES):
            self.video += content
            piece(content)
            if len(self.video) == self.first_bytes:
                self.plays.wait(DEADLINE_S)

    def hear(self, path, told):
        """The page plays, or has played all."""
        if path == "/playing":
            self.playing = {**told, "bytes": len(self.video), "is_made": self.made.poll() is None}
            self.plays.set()
        else:
            self.report = told
            self.plays.set()
            self.ended.set()

    def play(self, profile_directory):
        """What the page reports at the end."""
        try:
            browse(self.server, self.ended, profile_directory)
        finally:
            self.made.kill()
            self.made.wait()
        return self.report


def measure(args, name, recording, directory):
    """Whether a video plays while it is made; prints its line."""
    whole = directory / "whole.mp4"
    whole.unlink(missing_ok=True)
    custody.run(args.bin, "convert", recording, "-o", whole, "--container", "fragmented-mp4")
    first = first_bytes(whole.read_bytes())
    if first is None:
        print(f"{name:24} too short", flush=True)
        return True
    duration_s = float(media.probe(whole, "-show_entries", "format=duration")[0]["format"]["duration"])
    growing = Growing([args.bin, "convert", recording, "-o", "-", "--quiet"], first)
    told, began = growing.play(directory / "chromium"), growing.playing
    if "error" in told or began is None:
        print(f"{name:24} {told.get('error', 'played only when all of it was there')}", flush=True)
        return False
    print(
        f"{name:24} {began['bytes']:10} {len(growing.video):10} {began['at_s']:8.2f} {str(began['is_made']):>7}"
        f" {told['at_s']:9.2f} {duration_s:9.2f} {told['corrupt']:8}",
        flush=True,
    )
    is_part = began["bytes"] < len(growing.video) and growing.video == whole.read_bytes()
    return is_part and abs(told["at_s"] - duration_s) <= END_S and told["corrupt"] == 0


def main():
    args = custody.arguments(__doc__.splitlines()[0]).parse_args()
    print(f"{'recording':24} {'sent':>10} {'all':>10} {'plays s':>8} {'running':>7} {'ended s':>9} {'length s':>9} {'corrupt':>8}")
    is_good = True
    with tempfile.TemporaryDirectory(prefix="custody-growing-") as directory:
        for name, recording in custody.recordings(args, custody.SUFFIXES + custody.TERMINALS):
            if custody.has_pictures(custody.inspect(args.bin, recording)):
                is_good &= measure(args, name, recording, Path(directory))
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
