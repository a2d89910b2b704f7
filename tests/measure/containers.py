#!/usr/bin/env python3
"""Are WebM and fragmented MP4 ordinary files, and do they show the same as MP4?

usage: containers.py BIN RECORDINGS_DIR [--only NAME ...] [--seed N] [--times 3]

Each recording is converted into each container, with its keystrokes. ffprobe names the streams; mkvmerge and mediainfo
recognise each file and complain of nothing. All pictures decode to the same pixels at the same times as those of the MP4, and
so do those that ffmpeg finds when it seeks to random times. The fragments in the first two thirds of a fragmented file decode
to the first pictures. Prints a line for each file; exit code 1 when anything differs.
"""

import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from lib import custody, media

TITLE = "A title – of «this»"
FORMATS = {"mp4": "MPEG-4", "webm": "WebM", "fragmented-mp4": "MPEG-4"}
MATROSKA_TYPES = {"mp4": "QuickTime/MP4", "webm": "Matroska", "fragmented-mp4": "QuickTime/MP4"}
CODECS = {"mp4": ["av1", "opus", "mov_text", "bin_data"], "webm": ["av1", "opus", "webvtt"]}
CODECS["fragmented-mp4"] = CODECS["mp4"]
TWO_ENTRIES = 'Only using the first one (0x61763031 "av01": AV1) and not this one (0x61763031 "av01": AV1)'


def told(*command):
    """Standard output of a program, as JSON."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    return json.loads(done.stdout)


def pictures(video, from_s=None):
    """The hash of the pixels of each picture, in order; of the first one only when it is sought."""
    # By the file's own times: sound that begins before 0, in its pre-skip, would move all others.
    seek = [] if from_s is None else ["-seek_timestamp", "1", "-ss", f"{max(from_s, 0):.4f}"]
    one = [] if from_s is None else ["-frames:v", "1"]
    command = ["ffmpeg", "-v", "fatal", *seek, "-i", str(video), "-map", "0:v:0", *one, "-fps_mode", "passthrough"]
    command += ["-enc_time_base", "-1", "-f", "framemd5", "-"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return [line.split(",")[5].strip() for line in lines if not line.startswith("#")]


def faults(video, container):
    """What programs say against a file."""
    found = []
    facts, warnings = media.probe(video, "-show_entries", "format:stream=codec_name:chapter")
    # Chapters of MP4 are a track of texts, which ffprobe takes for data.
    warnings = [line for line in warnings.splitlines() if not line.startswith("Unsupported codec with id")]
    codecs = [stream["codec_name"] for stream in facts["streams"]]
    expected = [codec for codec in CODECS[container] if codec in codecs]
    if codecs != expected or "av1" not in codecs or warnings:
        found.append(f"ffprobe: {codecs} {warnings}")
    if facts["format"]["tags"].get("title") != TITLE or facts["format"]["tags"].get("encoder") != "Custody":
        found.append(f"ffprobe: {facts['format']['tags']}")
    merged = told("mkvmerge", "-J", video)
    kind = merged["container"].get("type")
    # A file that is written while it is coded announces what either encoder may write; key frames hold what they need.
    warnings = [line for line in merged["warnings"] if not (container == "fragmented-mp4" and TWO_ENTRIES in line)]
    if kind != MATROSKA_TYPES[container] or merged["errors"] or warnings:
        found.append(f"mkvmerge: {kind} {merged['errors']} {warnings}")
    general = told("mediainfo", "--Output=JSON", video)["media"]["track"][0]
    kinds = {general["Format"], general.get("Format_Profile")}
    if not kinds & {FORMATS[container], "iso6"} or general.get("Movie") != TITLE:
        found.append(f"mediainfo: {general}")
    if "IsTruncated" in general.get("extra", {}):
        found.append("mediainfo: truncated")
    return found


def beginning_faults(video, expected):
    """What is wrong with the whole fragments in the first two thirds of a file, if there are any."""
    data, at, end = video.read_bytes(), 0, 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        at += length
        if data[at - length + 4 : at - length + 8] == b"mdat" and at <= len(data) * 2 // 3:
            end = at
    if b"moof" not in data[:end]:
        return []
    beginning = video.with_name("beginning.mp4")
    beginning.write_bytes(data[:end])
    begun = pictures(beginning)
    if not begun or len(begun) == len(expected) or begun != expected[: len(begun)]:
        return [f"its beginning shows {len(begun)} pictures"]
    return []


def measure(args, name, recording, directory):
    """Whether all files of a recording are good; prints a line for each."""
    source = random.Random(f"{args.seed} {name}")
    expected, starts_s, is_good = None, None, True
    for container, ending in custody.CONTAINERS.items():
        video = directory / f"{name}.{container}.{ending}"
        options = ["--container", container, "--keystrokes", "--title", TITLE]
        custody.run(args.bin, "convert", recording, "-o", video, *options)
        found, shown, times_s = faults(video, container), pictures(video), media.frame_times(video)
        if expected is None:
            expected, starts_s = shown, times_s
        if shown != expected:
            found.append(f"{len(shown)} pictures that are not those of the MP4")
        if any(abs(a - b) > 0.001 for a, b in zip(times_s, starts_s, strict=True)):
            found.append("pictures at other times than those of the MP4")
        for _ in range(args.times):
            index = source.randrange(len(starts_s))
            # Of pictures a millisecond apart, rounding would find a neighbour.
            sought = pictures(video, from_s=starts_s[index] - 0.0004)
            if sought != expected[index : index + 1]:
                found.append(f"not the picture of {starts_s[index]} s after seeking")
        if container == "fragmented-mp4":
            found += beginning_faults(video, expected)
        print(f"{name:24} {container:14} {video.stat().st_size:10} {len(shown):6} {'; '.join(found) or 'ok'}", flush=True)
        is_good &= not found
    return is_good


def main():
    parser = custody.arguments(__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--times", type=int, default=3, help="seeks per file")
    args = parser.parse_args()
    print(f"{'recording':24} {'container':14} {'bytes':>10} {'shown':>6} verdict")
    is_good = True
    with tempfile.TemporaryDirectory(prefix="custody-containers-") as directory:
        for name, recording in custody.recordings(args):
            if custody.has_pictures(custody.inspect(args.bin, recording)):
                is_good &= measure(args, name, recording, Path(directory))
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
