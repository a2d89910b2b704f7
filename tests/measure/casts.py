#!/usr/bin/env python3
"""Shows three pictures of each asciicast and measures the conversion of a session of an hour.

usage: casts.py BIN RECORDINGS_DIR --into DIR [--only NAME ...] [--minutes N]

Writes DIR/NAME-1.png to -3.png, at a quarter, half and the end of each cast, for somebody to look at. Then each cast is
repeated until it lasts as long as asked, and converted: CPU time and the largest resident set are those of the command
and its children. Exit code 1 when a picture is missing or a conversion fails.
"""

import json
import sys
from pathlib import Path

from cost import convert
from lib import custody


def pictures(binary, cast, into):
    """Writes three pictures."""
    end_s = custody.inspect(binary, cast)["media_duration_ms"] / 1000
    for number, at_s in enumerate((end_s / 4, end_s / 2, end_s), start=1):
        custody.frame(binary, cast, at_s, into / f"{cast.stem}-{number}.png")


def repeated(cast, length_s, to):
    """Writes a cast that is played again and again, as version 2."""
    lines = [line for line in cast.read_text().splitlines() if not line.startswith("#")]
    header = json.loads(lines[0])
    size = header.get("term", {"cols": header.get("width"), "rows": header.get("height")})
    events, at_s = [], 0.0
    for line in lines[1:]:
        own_s, code, data = json.loads(line)
        at_s = at_s + own_s if header["version"] == 3 else own_s
        events.append((at_s, code, data))
    begin_s, resized = 0.0, any(code == "r" for _, code, _ in events)
    with to.open("w") as file:
        file.write(json.dumps({"version": 2, "width": size["cols"], "height": size["rows"]}) + "\n")
        while begin_s < length_s:
            if resized:
                file.write(json.dumps([begin_s, "r", f"{size['cols']}x{size['rows']}"]) + "\n")
            for own_s, code, data in events:
                file.write(json.dumps([round(begin_s + own_s, 6), code, data]) + "\n")
            begin_s += at_s
    return begin_s


def main():
    parser = custody.arguments(__doc__.splitlines()[0])
    parser.add_argument("--into", type=Path, required=True, metavar="DIR")
    parser.add_argument("--minutes", type=float, default=60, help="how long the repeated sessions are")
    args = parser.parse_args()
    args.into.mkdir(parents=True, exist_ok=True)
    casts = [cast for cast in sorted(args.recordings.glob("*.cast")) if not args.only or cast.stem in args.only]
    failed = not casts
    columns = f"{'minutes':>8} {'MB':>7} {'CPU s':>7} {'wall s':>7} {'x real':>7} {'RSS MB':>7} {'out MB':>7}"
    print(f"{'cast':24} {columns}")
    for cast in casts:
        try:
            pictures(args.bin, cast, args.into)
        except custody.Refused as refused:
            failed = True
            print(f"{cast.stem:24} refused: {refused}", flush=True)
            continue
        long, video = args.into / "long.cast", args.into / "long.mp4"
        length_s = repeated(cast, args.minutes * 60, long)
        code, cpu_s, wall_s, rss_mb = convert(args.bin, long, video)
        if code not in custody.GOOD_EXIT_CODES:
            failed = True
            print(f"{cast.stem:24} not converted: exit code {code}", flush=True)
            continue
        sizes = [file.stat().st_size / 1e6 for file in (long, video)]
        print(
            f"{cast.stem:24} {length_s / 60:8.1f} {sizes[0]:7.2f} {cpu_s:7.1f} {wall_s:7.1f} {length_s / wall_s:7.0f} "
            f"{rss_mb:7.1f} {sizes[1]:7.2f}",
            flush=True,
        )
        long.unlink()
        video.unlink()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
