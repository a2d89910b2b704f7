#!/usr/bin/env python3
"""Compares still pictures with the reference pictures of RECORDINGS_DIR/frames/NAME/frames.json.

usage: frames.py BIN RECORDINGS_DIR [--only NAME ...] [--no-cursor]

Prints the PSNR of each picture over red, green and blue. Exit code 1 when one is missing or below 40 dB.
"""

import json
import math
import sys
import tempfile
from pathlib import Path

from lib import custody, media


def compare(args, recording, folder, picture, scratch):
    """The PSNR of one picture, or why there is none."""
    stem = picture["file"].removesuffix(".png").removesuffix(".cursor")
    file = stem + (".png" if args.no_cursor else ".cursor.png")
    if not (folder / file).exists():
        return "reference missing"
    try:
        custody.frame(args.bin, recording, picture["t_ms"] / 1000, scratch, cursor=not args.no_cursor)
    except custody.Refused as refused:
        return f"refused: {refused}"
    expected, actual = media.rgb(folder / file), media.rgb(scratch)
    if expected.shape != actual.shape:
        return f"size {actual.shape[1]}x{actual.shape[0]}, expected {expected.shape[1]}x{expected.shape[0]}"
    return media.psnr(expected, actual)


def main():
    parser = custody.arguments(__doc__.splitlines()[0])
    parser.add_argument("--no-cursor", action="store_true", help="compare the pictures without the cursor")
    args = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory(prefix="custody-frames-") as directory:
        for name, recording in custody.recordings(args):
            folder = args.recordings / "frames" / name
            if not (folder / "frames.json").exists():
                continue
            for picture in json.loads((folder / "frames.json").read_text())["frames"]:
                result = compare(args, recording, folder, picture, Path(directory) / "frame.png")
                results.append(result)
                shown = result if isinstance(result, str) else f"{result:8.2f} dB"
                print(f"{name:34} {picture['t_ms'] / 1000:10.3f} s  {shown}", flush=True)
    measured = [result for result in results if not isinstance(result, str)]
    counts = {limit: sum(result >= limit for result in measured) for limit in (40, 45, math.inf)}
    print(f"{len(results)} pictures: {counts[40]} >= 40 dB, {counts[45]} >= 45 dB, {counts[math.inf]} exact")
    return 0 if results and counts[40] == len(results) else 1


if __name__ == "__main__":
    sys.exit(main())
