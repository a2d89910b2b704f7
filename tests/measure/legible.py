#!/usr/bin/env python3
"""Is the profile `legible` lossless: does each coded picture show every pixel of `custody frame`?

usage: legible.py BIN RECORDINGS_DIR [--only NAME ...] [--pictures 200]

The pictures of a video hold Y, Cb and Cr of 8 bits in BT.709, limited range, which RGB cannot always be told from. So
the comparison goes the other way: the pixels of `custody frame`, at the time of the coded picture, are converted by
the definition in ITU-R BT.709-6 section 3 (weights with 16 fractional bits, rounded to the nearest), and all
samples of ffmpeg's yuv444p must equal them. `custody frame` draws the pointer where it was at the last `sync`, a video where
it is: so pictures are taken in whose millisecond a `sync` stands and no mouse, spread evenly over the video, all where there
are fewer. Recordings that end in .zst are read with zstd.
A screen that is smaller than the video stands in the middle of black. Ends with exit code 1 when a sample differs, or
when nothing could be compared.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from cost import convert
from lib import custody, media

np = media.np
LUMA = np.array([0.2126, 0.7152, 0.0722])
BLUE, RED = np.array([0, 0, 1]), np.array([1, 0, 0])
# Y, Cb and Cr: weights of red, green and blue with 16 fractional bits, and what stands for zero.
WEIGHTS = np.rint(
    np.stack([LUMA * 219, (BLUE - LUMA) / 1.8556 * 224, (RED - LUMA) / 1.5748 * 224]) / 255 * 65536
).astype(np.int64)
ZERO = np.array([16, 128, 128])


def samples_of(pixels, size):
    """The samples that stand for a picture in the middle of a black one: 3 x height x width."""
    width, height = size
    ground = np.zeros((height, width, 3), np.int64)
    top, left = (height - pixels.shape[0]) // 2, (width - pixels.shape[1]) // 2
    ground[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    return np.moveaxis(ZERO + ((ground @ WEIGHTS.T + (1 << 15)) >> 16), 2, 0).astype(np.uint8)


def still_syncs(recording, first_ms):
    """Milliseconds of media time with a `sync` and without a mouse, which is moved up where it is older than a `sync` before."""
    is_packed = recording.suffix == ".zst"
    unpack = ["zstd", "-dcq"] if is_packed else ["cat"]
    data = subprocess.run([*unpack, recording], capture_output=True, check=True).stdout
    now_ms, syncs, moves = first_ms, set(), set()
    for name, timestamp in re.findall(rb"(4\.sync|5\.mouse(?:,\d+\.\d+){3}),\d+\.(\d+)[,;]", data):
        now_ms = max(now_ms, int(timestamp))
        (syncs if name == b"4.sync" else moves).add(now_ms - first_ms)
    return syncs - moves


def differing(args, recording, video, scratch, syncs_ms):
    """How many pictures and samples were compared, and in how many of both are differences."""
    times = media.frame_times(video)
    at_syncs = [index for index, time in enumerate(times) if round(1000 * time) in syncs_ms]
    step = max(len(at_syncs) / args.pictures, 1)
    wanted = {at_syncs[int(index * step)] for index in range(min(args.pictures, len(at_syncs)))}
    samples = pictures_off = samples_off = 0
    for index, shown in enumerate(media.full_planes(video)):
        if index in wanted:
            custody.frame(args.bin, recording, times[index], scratch)
            expected = samples_of(media.rgb(scratch), (shown.shape[2], shown.shape[1]))
            off = int((shown != expected).sum())
            samples, samples_off, pictures_off = samples + shown.size, samples_off + off, pictures_off + (off > 0)
            if off:
                print(f"  {recording.name} at {times[index]:.3f} s: {off} samples differ", flush=True)
    return len(wanted), pictures_off, samples, samples_off


def main():
    parser = custody.arguments(__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=200, help="per recording")
    args = parser.parse_args()
    print(f"{'recording':34} {'CPU s':>8} {'MB':>8} {'pictures':>8} {'differ':>8} {'samples':>12} {'differ':>8}")
    is_exact = True
    with tempfile.TemporaryDirectory(prefix="custody-legible-") as directory:
        video, scratch = Path(directory) / "out.mp4", Path(directory) / "frame.png"
        for name, recording in custody.recordings(args):
            facts = custody.inspect(args.bin, recording)
            if not custody.has_pictures(facts):
                continue
            syncs_ms = still_syncs(recording, facts["first_timestamp_ms"])
            video.unlink(missing_ok=True)
            code, cpu_s, _, _ = convert(args.bin, recording, video, "--profile", "legible")
            if code not in custody.GOOD_EXIT_CODES:
                raise SystemExit(f"{name}: exit code {code}")
            pictures, pictures_off, samples, samples_off = differing(args, recording, video, scratch, syncs_ms)
            is_exact &= pictures_off == 0 and pictures > 0
            size = video.stat().st_size / 1e6
            print(
                f"{name:34} {cpu_s:8.2f} {size:8.2f} {pictures:8} {pictures_off:8} {samples:12} {samples_off:8}",
                flush=True,
            )
    return 0 if is_exact else 1


if __name__ == "__main__":
    sys.exit(main())
