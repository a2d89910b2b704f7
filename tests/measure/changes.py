#!/usr/bin/env python3
"""Looks for changes that stay on screen and are missing in a video.

usage: changes.py BIN RECORDINGS_DIR [--only NAME ...] [--videos DIR] [--seed N] [--times 40]

A picture that stays for 250 ms without a new frame or a moved pointer must be in the video before that time is
over. At that time, of a seeded choice of such pictures, the video is compared with `custody frame` in blocks of
32 x 32: a block that is off by more than LARGEST_ERROR lacks a change; coding alone stays far below. Compressed
recordings are read with zstd. Exit code 1 when a change is missing.
"""

import bisect
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from lib import custody, media
from pictures import placements

STAYS_MS = 250
BLOCK = 32
# Mean squared luma error of a block: a character that is missing gives thousands.
LARGEST_ERROR = 500
EVENT = re.compile(rb"4\.sync,\d+\.(\d+)|5\.mouse,(?:\d+\.-?\d+,){3}\d+\.(\d+)")


def lasting(recording, duration_ms):
    """Media times at which a picture has been unchanged for STAYS_MS, in milliseconds."""
    read = ["zstd", "-dc", str(recording)] if recording.suffix == ".zst" else ["cat", str(recording)]
    data = subprocess.run(read, capture_output=True, check=True).stdout
    events = [(int(m[1] or m[2]), m[1] is not None) for m in EVENT.finditer(data)]
    zero = next((at for at, is_sync in events if is_sync), 0)
    events = [(at - zero, is_sync) for at, is_sync in events if 0 <= at - zero <= duration_ms]
    ends = [at for at, _ in events[1:]] + [duration_ms]
    return [at + STAYS_MS - 1 for (at, is_sync), end in zip(events, ends) if is_sync and end - at >= STAYS_MS]


def worst_block(a, b):
    """The largest mean squared error of a block."""
    error = (a.astype(media.np.float32) - b.astype(media.np.float32)) ** 2
    height, width = (side // BLOCK * BLOCK for side in error.shape)
    blocks = error[:height, :width].reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK)
    return float(blocks.mean(axis=(1, 3)).max())


def measure(args, name, recording, video, duration_ms, scratch):
    """Prints one recording; whether nothing is missing."""
    times = lasting(recording, duration_ms)
    chosen = random.Random(f"{args.seed} {name}").sample(times, min(args.times, len(times)))
    starts = media.frame_times(video)
    wanted = {}
    for at_ms in sorted(chosen):
        wanted.setdefault(max(bisect.bisect_right(starts, at_ms / 1000 + 1e-6) - 1, 0), []).append(at_ms)
    errors = []
    for index, shown in enumerate(media.lumas(video)):
        for at_ms in wanted.get(index, ()):
            custody.frame(args.bin, recording, at_ms / 1000, scratch)
            expected = placements(media.luma_of_rgb(media.rgb(scratch)), shown.shape)
            errors.append((min(worst_block(shown, picture) for picture in expected), at_ms))
    missing = [(error, at_ms) for error, at_ms in errors if error > LARGEST_ERROR]
    worst = max(errors, default=(0, 0))[0]
    print(f"{name:34} {len(errors):4} of {len(times):4} lasting pictures  worst block {worst:7.1f}  {len(missing)} missing", flush=True)
    for error, at_ms in missing:
        print(f"    {at_ms / 1000:10.3f} s  {error:.0f}")
    return not missing


def main():
    parser = custody.arguments(__doc__.splitlines()[0], videos=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--times", type=int, default=40, help="per recording")
    args = parser.parse_args()
    videos = custody.Videos(args)
    good = True
    with tempfile.TemporaryDirectory(prefix="custody-changes-") as directory:
        for name, recording in custody.recordings(args):
            facts = custody.inspect(args.bin, recording)
            if not custody.has_pictures(facts):
                print(f"{name:34} no picture in the recording")
                continue
            video = videos.of(name, recording)
            scratch = Path(directory) / "frame.png"
            good &= measure(args, name, recording, video, facts["media_duration_ms"], scratch)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
