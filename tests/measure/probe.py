#!/usr/bin/env python3
"""Checks every video with ffprobe.

usage: probe.py BIN RECORDINGS_DIR [--only NAME ...] [--videos DIR]

One AV1 stream; one Opus stream exactly when the recording has sound; the duration is the media duration to
0.1 s; the index stands before the packets; no warning. Exit code 1 when one check fails.
"""

import sys

from lib import custody, media

TOLERANCE_S = 0.1


def top_boxes(video):
    """The types of the outermost boxes, in order."""
    kinds, end = [], video.stat().st_size
    with video.open("rb") as file:
        while file.tell() < end:
            start = file.tell()
            length, kind = int.from_bytes(file.read(4), "big"), file.read(4)
            if length == 1:
                length = int.from_bytes(file.read(8), "big")
            kinds.append(kind.decode("latin-1"))
            if length < 8:
                break
            file.seek(start + length)
    return kinds


def faults(facts, video):
    """What is wrong with a video; and its duration."""
    found, warnings = media.probe(video, "-show_format", "-show_streams")
    wrong = [f"warning: {line}" for line in warnings.splitlines()]
    codecs = [stream["codec_name"] for stream in found["streams"]]
    expected = ["av1", "opus"] if facts["sound"] else ["av1"]
    if codecs != expected:
        wrong.append(f"streams {codecs}, expected {expected}")
    duration_s = float(found["format"]["duration"])
    media_s = facts["media_duration_ms"] / 1000
    if abs(duration_s - media_s) > TOLERANCE_S:
        wrong.append(f"duration {duration_s:.3f} s, expected {media_s:.3f} s")
    for stream in found["streams"]:
        if stream["codec_name"] == "av1" and abs(float(stream["duration"]) - media_s) > TOLERANCE_S:
            wrong.append(f"pictures last {stream['duration']} s, expected {media_s:.3f} s")
    kinds = top_boxes(video)
    if "moov" not in kinds or kinds.index("moov") > kinds.index("mdat"):
        wrong.append(f"boxes {kinds}, expected moov before mdat")
    return wrong, duration_s


def main():
    args = custody.arguments(__doc__.splitlines()[0], videos=True).parse_args()
    videos = custody.Videos(args)
    good = True
    for name, recording in custody.recordings(args):
        try:
            facts = custody.inspect(args.bin, recording)
            if not custody.has_pictures(facts):
                print(f"{name:34} no picture in the recording")
                continue
            video = videos.of(name, recording)
            wrong, duration_s = faults(facts, video)
        except custody.Refused as refused:
            wrong, duration_s = [f"refused: {refused}"], 0.0
        good &= not wrong
        print(f"{name:34} {duration_s:10.3f} s  {'; '.join(wrong) or 'ok'}", flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
