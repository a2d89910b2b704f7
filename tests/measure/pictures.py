#!/usr/bin/env python3
"""Compares what a video shows with what the recording shows, at random times.

usage: pictures.py BIN RECORDINGS_DIR [--only NAME ...] [--videos DIR] [--seed N] [--times 50] [--from-s S]

The luma of the picture that is shown at each time is compared with that of `custody frame`. Times below
34 dB are listed with their distance to the video's changes around them, and with the PSNR against the
recording 0.1 s before: a video of 10 to 15 pictures a second is allowed to be that late. A picture smaller
than the video may stand at its top left or in its middle, on black; one that is larger was scaled and is not
compared. With --from-s, the videos begin there. Exit code 1 when a time is below 34 dB and not late, the mean of
a recording is below 38 dB, or a recording cannot be compared at all.
"""

import bisect
import random
import statistics
import sys
import tempfile
from pathlib import Path

from lib import custody, media

LEAST_DB = 34
LEAST_MEAN_DB = 38
LATE_S = 0.1
BLACK = 16


def placements(picture, shape):
    """The picture on a black ground of the video's size: at the top left, and in the middle."""
    height, width = picture.shape
    if (height, width) == shape:
        return [picture]
    if height > shape[0] or width > shape[1]:
        return []
    placed = []
    for top, left in {(0, 0), ((shape[0] - height) // 2, (shape[1] - width) // 2)}:
        ground = media.np.full(shape, BLACK, media.np.uint8)
        ground[top : top + height, left : left + width] = picture
        placed.append(ground)
    return placed


class Sample:
    """One time: the PSNR then (None: not compared), that of LATE_S before, and the video's changes around it."""

    def __init__(self, at_s, since_s, until_s):
        self.at_s, self.since_s, self.until_s = at_s, since_s, until_s
        self.psnr = self.late_psnr = None

    def is_low(self):
        return self.psnr is not None and self.psnr < LEAST_DB

    def is_wrong(self):
        return self.is_low() and (self.late_psnr is None or self.late_psnr < LEAST_DB)


def compare(args, recording, at_s, shown, scratch):
    """The PSNR of what the video shows against the recording at a time; None when the sizes do not allow it."""
    custody.frame(args.bin, recording, at_s, scratch)
    expected = placements(media.luma_of_rgb(media.rgb(scratch)), shown.shape)
    return max((media.psnr(shown, picture) for picture in expected), default=None)


def measure(args, recording, video, duration_s, scratch):
    """Samples at random times, in order."""
    source = random.Random(f"{args.seed} {recording.name}")
    starts = [args.from_s + start_s for start_s in media.frame_times(video)]
    wanted = {}
    for at_s in sorted(source.uniform(args.from_s, duration_s) for _ in range(args.times)):
        wanted.setdefault(max(bisect.bisect_right(starts, at_s) - 1, 0), []).append(at_s)
    results, count = [], 0
    for index, shown in enumerate(media.lumas(video)):
        count += 1
        for at_s in wanted.get(index, ()):
            end_s = starts[index + 1] if index + 1 < len(starts) else duration_s
            sample = Sample(at_s, at_s - starts[index], end_s - at_s)
            sample.psnr = compare(args, recording, at_s, shown, scratch)
            if sample.is_low():
                sample.late_psnr = compare(args, recording, max(at_s - LATE_S, 0), shown, scratch)
            results.append(sample)
    if count != len(starts):
        raise custody.Refused(f"{len(starts)} packets decode to {count} pictures")
    return results


def report(name, samples):
    """Prints one recording; whether it is good."""
    known = [min(sample.psnr, 99.0) for sample in samples if sample.psnr is not None]
    scaled = len(samples) - len(known)
    note = f"  {scaled} times not compared: the picture is larger than the video" if scaled else ""
    if not known:
        print(f"{name:34} nothing compared{note}", flush=True)
        return False
    low, wrong = (sum(map(test, samples)) for test in (Sample.is_low, Sample.is_wrong))
    figures = f"min {min(known):6.2f}  mean {statistics.fmean(known):6.2f} dB"
    print(f"{name:34} {len(known):5} times  {figures}  {low} low, {low - wrong} of them late{note}", flush=True)
    for sample in filter(Sample.is_low, samples):
        late = "" if sample.late_psnr is None else f"{sample.late_psnr:6.2f} dB against {LATE_S} s before"
        print(
            f"    {sample.at_s:10.3f} s  {sample.psnr:6.2f} dB  {late}"
            f"  changed {sample.since_s:.3f} s before, {sample.until_s:.3f} s after"
        )
    return wrong == 0 and statistics.fmean(known) >= LEAST_MEAN_DB


def main():
    parser = custody.arguments(__doc__.splitlines()[0], videos=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--times", type=int, default=50, help="per recording")
    parser.add_argument("--from-s", type=float, default=0.0, metavar="S", help="where the videos begin")
    args = parser.parse_args()
    videos = custody.Videos(args, *(["--from", args.from_s] if args.from_s else []))
    good = True
    print(f"seed {args.seed}")
    with tempfile.TemporaryDirectory(prefix="custody-pictures-") as directory:
        for name, recording in custody.recordings(args):
            try:
                facts = custody.inspect(args.bin, recording)
                if not custody.has_pictures(facts):
                    print(f"{name:34} no picture in the recording")
                    continue
                video = videos.of(name, recording)
                duration_s = facts["media_duration_ms"] / 1000
                results = measure(args, recording, video, duration_s, Path(directory) / "frame.png")
                good &= report(name, results)
            except custody.Refused as refused:
                print(f"{name:34} refused: {refused}", flush=True)
                good = False
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
