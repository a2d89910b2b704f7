#!/usr/bin/env python3
"""Measures what each profile costs and shows.

usage: profiles.py BIN RECORDINGS_DIR [--only NAME ...] [--seed N] [--times 50]

CPU time is that of the command and all its children. What is shown is compared at random times with the pictures
of `custody frame`, in samples of full colour resolution: PSNR of the luma (mean and least), and of both colour
differences together (mean). A time at which the video is late counts like any other, so the least says more about
pacing than about coding.
"""

import bisect
import random
import statistics
import sys
import tempfile
from pathlib import Path

from lib import custody, media
from cost import convert

PROFILES = ("fast", "balanced", "legible")


def expected_planes(pixels, size):
    """Y, Cb and Cr of a picture in the middle of a black one."""
    width, height = size
    ground = media.np.zeros((height, width, 3), media.np.uint8)
    top, left = (height - pixels.shape[0]) // 2, (width - pixels.shape[1]) // 2
    ground[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    return media.planes_of_rgb(ground)


def compare(args, recording, video, duration_s, scratch):
    """PSNR of luma and of colour at random times."""
    source = random.Random(f"{args.seed} {recording.name}")
    starts = media.frame_times(video)
    wanted = {}
    for at_s in sorted(source.uniform(0, duration_s) for _ in range(args.times)):
        wanted.setdefault(max(bisect.bisect_right(starts, at_s) - 1, 0), []).append(at_s)
    luma, colour = [], []
    for index, shown in enumerate(media.full_planes(video)):
        for at_s in wanted.get(index, ()):
            custody.frame(args.bin, recording, at_s, scratch)
            expected = expected_planes(media.rgb(scratch), (shown.shape[2], shown.shape[1]))
            luma.append(min(media.psnr(shown[0], expected[0]), 99.0))
            colour.append(min(media.psnr(shown[1:], expected[1:]), 99.0))
    return luma, colour


def main():
    parser = custody.arguments(__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--times", type=int, default=50, help="per recording")
    args = parser.parse_args()
    columns = f"{'CPU s':>8} {'MB':>8} {'pictures':>8} {'Y mean':>8} {'Y least':>8} {'C mean':>8}"
    print(f"{'recording':34} {'profile':10} {columns}")
    with tempfile.TemporaryDirectory(prefix="custody-profiles-") as directory:
        video, scratch = Path(directory) / "out.mp4", Path(directory) / "frame.png"
        for name, recording in custody.recordings(args):
            facts = custody.inspect(args.bin, recording)
            if not custody.has_pictures(facts):
                continue
            for profile in PROFILES:
                video.unlink(missing_ok=True)
                code, cpu_s, _, _ = convert(args.bin, recording, video, "--profile", profile)
                if code not in custody.GOOD_EXIT_CODES:
                    raise SystemExit(f"{name}: exit code {code}")
                luma, colour = compare(args, recording, video, facts["media_duration_ms"] / 1000, scratch)
                print(
                    f"{name:34} {profile:10} {cpu_s:8.2f} {video.stat().st_size / 1e6:8.2f}"
                    f" {len(media.frame_times(video)):8} {statistics.fmean(luma):8.2f} {min(luma):8.2f}"
                    f" {statistics.fmean(colour):8.2f}",
                    flush=True,
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
