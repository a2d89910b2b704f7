#!/usr/bin/env python3
"""Puts a conversion beside other encoders on the same pictures: CPU time, bytes, likeness.

usage: compare.py BIN RECORDINGS_DIR PICTURES_AT [--only NAME ...]

PICTURES_AT is the example of the crate codec that writes pictures at given times. Each encoder is ffmpeg's, with
one thread, and gets either 25 pictures a second or only those that our video codes. CPU time of the others is that
of the encoder alone, without reading and drawing the recording; ours and guacenc's is that of the whole command.
Likeness is that of the luma to the recording's pictures: PSNR of all pictures together, and the share of equal
samples. The figures of guacenc stand in RECORDINGS_DIR/baseline.json; its pictures are not at hand.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from lib import custody, media

RATE_HZ = 25
X264 = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20"]
SVT = ["-c:v", "libsvtav1", "-preset", "12", "-svtav1-params", "lp=1:scm=1"]
MPEG4 = ["-c:v", "mpeg4", "-b:v", "2M"]
# What is told of it, whether it gets RATE_HZ pictures a second, options of ffmpeg.
ENCODERS = [
    (f"mpeg4 2 Mbit/s, {RATE_HZ} fps", True, MPEG4),
    (f"x264 veryfast crf20, {RATE_HZ} fps", True, X264),
    ("x264 veryfast crf20, our pictures", False, X264),
    ("SVT-AV1 p12 crf25, our pictures", False, [*SVT, "-crf", "25"]),
    ("SVT-AV1 p12 crf40, our pictures", False, [*SVT, "-crf", "40"]),
]


class Likeness:
    """Of two series of pictures."""

    def __init__(self):
        self.squares = self.equal = self.samples = 0

    def add(self, shown, expected):
        difference = shown.astype(media.np.int32) - expected
        self.squares += int((difference * difference).sum())
        self.equal += int((difference == 0).sum())
        self.samples += difference.size

    def __str__(self):
        if not self.samples:
            return f"{'-':>7} {'-':>7}"
        mean = self.squares / self.samples
        psnr = 10 * media.math.log10(255**2 / mean) if mean else media.math.inf
        return f"{psnr:7.2f} {self.equal / self.samples:7.2%}"


class Pictures:
    """The pictures of a recording at given times."""

    def __init__(self, program, recording, size):
        self.program, self.recording, self.size = program, recording, size

    def start(self, times_ms):
        """The process that writes them."""
        times = tempfile.TemporaryFile("w+")
        times.writelines(f"{time}\n" for time in times_ms)
        times.seek(0)
        return subprocess.Popen([self.program, self.recording], stdin=times, stdout=subprocess.PIPE)

    def lumas(self, times_ms):
        """The luma of each."""
        width, height = self.size
        chroma = 2 * ((width + 1) // 2) * ((height + 1) // 2)
        with self.start(times_ms) as process:
            for _ in times_ms:
                data = process.stdout.read(width * height + chroma)
                yield media.np.frombuffer(data, media.np.uint8, width * height).reshape(height, width)


def used_cpu_s(process):
    """CPU seconds of a process that ends well, and of the children that it waited for."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in custody.GOOD_EXIT_CODES:
        raise custody.Refused(f"{process.args[0]} ended with exit code {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def likeness(video, pictures, times_ms):
    """How like the recording a video is."""
    result = Likeness()
    for shown, expected in zip(media.lumas(video), pictures.lumas(times_ms), strict=True):
        result.add(shown, expected)
    return result


def encode(options, pictures, times_ms, to):
    """CPU seconds of another encoder."""
    width, height = pictures.size
    source = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{width}x{height}", "-r", str(RATE_HZ), "-i", "pipe:"]
    command = ["ffmpeg", "-v", "error", "-y", *source, *options, "-threads", "1", str(to)]
    with pictures.start(times_ms) as drawing:
        cpu_s = used_cpu_s(subprocess.Popen(command, stdin=drawing.stdout, stderr=subprocess.DEVNULL))
    return cpu_s


def row(name, cpu_s, size, likeness):
    print(f"  {name:36} {cpu_s:8.2f} {size / 1e6:8.2f} {likeness}", flush=True)


def compare(args, name, recording, base, directory):
    facts = custody.inspect(args.bin, recording)
    if not custody.has_pictures(facts):
        return
    sizes = {(size["width"], size["height"]) for size in facts["sizes"] if size["width"] * size["height"]}
    print(f"{name}: {facts['media_duration_ms'] / 1000:.1f} s, {' '.join(f'{w}x{h}' for w, h in sizes)}")
    print(f"  {'encoder':36} {'CPU s':>8} {'MB':>8} {'PSNR-Y':>7} {'equal':>7}")
    ours = directory / "ours.mp4"
    command = [args.bin, "convert", "--quiet", str(recording), "-o", str(ours)]
    cpu_s = used_cpu_s(subprocess.Popen(command, stderr=subprocess.DEVNULL))
    if base:
        row("guacenc (stored)", base["cpu_s"], base["out_bytes"], Likeness())
    if len(sizes) > 1:
        row("custody convert", cpu_s, ours.stat().st_size, Likeness())
        print("  the screen changes its size: no other encoder takes that")
        return
    pictures = Pictures(args.pictures_at, recording, *sizes)
    changes_ms = [round(time * 1000) for time in media.frame_times(ours)]
    row("custody convert", cpu_s, ours.stat().st_size, likeness(ours, pictures, changes_ms))
    for encoder, is_constant, options in ENCODERS:
        times_ms = range(0, facts["media_duration_ms"], 1000 // RATE_HZ) if is_constant else changes_ms
        video = directory / "other.mp4"
        cpu_s = encode(options, pictures, times_ms, video)
        row(encoder, cpu_s, video.stat().st_size, likeness(video, pictures, times_ms))


def main():
    parser = custody.arguments(__doc__.splitlines()[0])
    parser.add_argument("pictures_at", type=Path, metavar="PICTURES_AT")
    args = parser.parse_args()
    baseline_file = args.recordings / "baseline.json"
    baseline = json.loads(baseline_file.read_text())["recordings"] if baseline_file.exists() else {}
    with tempfile.TemporaryDirectory(prefix="custody-compare-") as directory:
        for name, recording in custody.recordings(args):
            compare(args, name, recording, baseline.get(name), Path(directory))
    return 0


if __name__ == "__main__":
    sys.exit(main())
