#!/usr/bin/env python3
"""Puts a conversion beside other encoders on the same pictures: CPU time, bytes, likeness.

usage: compare.py BIN RECORDINGS_DIR EXAMPLES [--only NAME ...]

EXAMPLES holds `pictures_at` and `screen_encoder`, examples of the crate codec. For each recording:

- the whole command: CPU, wall time and file of `custody convert`, and of guacenc as RECORDINGS_DIR/baseline.json has it;
- encoders alone, that is without reading and drawing the recording, on the pictures that our video codes or on 25 a
  second. Those of ffmpeg run with one thread and as many key frames as we have; their time holds taking the pictures
  from a pipe. Time for each frame is known of ours and rav1e, which run within `screen_encoder`.

Pictures smaller than the video stand in its middle for all of them. Bytes are those of the video's packets; likeness
is that of the luma to the recording's pictures: PSNR of all pictures together, and the share of equal samples.
Below stands how many times SVT-AV1's bytes ours are at our PSNR: the logarithm of its bytes is interpolated between
the two of its qualities around ours. Where it reaches our PSNR with none, the ratio to its best is an upper bound (<).

All development recordings take about 15 minutes, most of it for 25 pictures a second; `--fast` leaves that out.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from cost import convert
from lib import custody, media

RATE_HZ = 25
# The quantizer index of the profile `balanced`.
QUANTIZER = 80
X264 = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20"]
MPEG4 = ["-c:v", "mpeg4", "-b:v", "2M"]
SVT_CRFS = (10, 25, 40)


def svt(crf):
    return ["-c:v", "libsvtav1", "-preset", "12", "-svtav1-params", "lp=1:scm=1", "-crf", str(crf)]


class Likeness:
    """Of two series of pictures."""

    def __init__(self):
        self.squares = self.equal = self.samples = 0

    def add(self, shown, expected):
        difference = shown.astype(media.np.int32) - expected
        self.squares += int((difference * difference).sum())
        self.equal += int((difference == 0).sum())
        self.samples += difference.size

    def psnr(self):
        mean = self.squares / self.samples
        return 10 * media.math.log10(255**2 / mean) if mean else media.math.inf

    def exact(self):
        return self.equal / self.samples


class Pictures:
    """The pictures of a recording at given times, in the size of its video."""

    def __init__(self, program, recording, size):
        self.program, self.recording, self.size = program, recording, size

    def start(self, times_ms):
        """The process that writes them."""
        times = tempfile.TemporaryFile("w+")
        times.writelines(f"{time}\n" for time in times_ms)
        times.seek(0)
        command = [self.program, self.recording, "x".join(map(str, self.size))]
        return subprocess.Popen(command, stdin=times, stdout=subprocess.PIPE)

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


def packet_bytes(video):
    facts, _ = media.probe(video, "-select_streams", "v:0", "-show_packets", "-show_entries", "packet=size")
    return sum(int(packet["size"]) for packet in facts["packets"])


def encode(options, pictures, times_ms, to):
    """CPU seconds of another encoder."""
    width, height = pictures.size
    source = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{width}x{height}", "-r", str(RATE_HZ), "-i", "pipe:"]
    command = ["ffmpeg", "-v", "error", "-y", *source, *options, "-threads", "1", str(to)]
    with pictures.start(times_ms) as drawing:
        cpu_s = used_cpu_s(subprocess.Popen(command, stdin=drawing.stdout, stderr=subprocess.DEVNULL))
    return cpu_s


def number(value, form):
    width = int(form.split(".")[0])
    return f"{'-':>{width}}" if value is None else f"{value:{form}}"


def row(name, cpu_s, size, *, wall_s=None, mean_ms=None, p90_ms=None, psnr=None, exact=None):
    """A line of the table."""
    columns = [number(cpu_s, "8.2f"), number(wall_s, "7.2f"), number(mean_ms, "7.2f"), number(p90_ms, "7.2f")]
    columns += [number(size / 1e6, "8.3f"), number(psnr, "7.2f"), number(exact, "7.2%")]
    print(f"  {name:32} {' '.join(columns)}", flush=True)


def bytes_at(psnr, points):
    """Bytes of an encoder at a PSNR, from pairs of PSNR and bytes. Where none is that high, the ratio to the highest is
    an upper bound (<), where all are higher, that to the lowest a lower one (>)."""
    points = sorted(points)
    if psnr >= points[-1][0]:
        return points[-1][1], "<"
    if psnr <= points[0][0]:
        return points[0][1], ">"
    above = next(index for index, point in enumerate(points) if point[0] > psnr)
    (low, few), (high, many) = points[above - 1], points[above]
    return few * (many / few) ** ((psnr - low) / (high - low)), ""


def compare(args, name, recording, base, directory):
    facts = custody.inspect(args.bin, recording)
    if not custody.has_pictures(facts):
        return
    ours = directory / "ours.mp4"
    ours.unlink(missing_ok=True)
    code, cpu_s, wall_s, _ = convert(args.bin, recording, ours)
    if code not in custody.GOOD_EXIT_CODES:
        raise custody.Refused(f"{name}: exit code {code}")
    stream, _ = media.probe(ours, "-select_streams", "v:0", "-show_entries", "stream=width,height")
    size = stream["streams"][0]["width"], stream["streams"][0]["height"]
    pictures = Pictures(args.examples / "pictures_at", recording, size)
    changes_ms = [round(time * 1000) for time in media.frame_times(ours)]
    duration_s = facts["media_duration_ms"] / 1000
    print(f"{name}: {duration_s:.1f} s, {size[0]}x{size[1]}, {len(changes_ms)} pictures")
    print(
        f"  {'':32} {'CPU s':>8} {'wall s':>7} {'ms each':>7} {'p90':>7} {'MB':>8} {'PSNR-Y':>7} {'exact':>7}"
    )
    whole = likeness(ours, pictures, changes_ms)
    row("custody convert", cpu_s, ours.stat().st_size, wall_s=wall_s, psnr=whole.psnr(), exact=whole.exact())
    if base:
        row("guacenc (stored)", base["cpu_s"], base["out_bytes"], wall_s=base["wall_s"])
    alone = encoders_alone(args.examples, recording)
    for encoder in ("ours", "rav1e"):
        told = alone[encoder]
        values = {key: told[key] for key in ("mean_ms", "p90_ms", "psnr", "exact")}
        row(f"{encoder}, alone", told["cpu_s"], told["bytes"], **values)
    others(args, pictures, changes_ms, facts["media_duration_ms"], alone["ours"], directory / "other.mp4")


def encoders_alone(examples, recording):
    """What `screen_encoder` tells, by encoder."""
    command = [examples / "screen_encoder", "ours,rav1e", str(QUANTIZER), recording]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return {line["encoder"]: line for line in map(json.loads, lines)}


def others(args, pictures, changes_ms, duration_ms, ours, video):
    """The lines of other encoders, and how ours compares."""
    key_frames = ["-g", str(max(1, len(changes_ms) // ours["key_frames"]))]
    if not args.fast:
        times_ms = range(0, duration_ms, 1000 // RATE_HZ)
        for encoder, options in [("mpeg4 2 Mbit/s", MPEG4), ("x264 veryfast crf20", X264)]:
            cpu_s = encode(options, pictures, times_ms, video)
            like = likeness(video, pictures, times_ms)
            row(f"{encoder}, {RATE_HZ} fps", cpu_s, packet_bytes(video), psnr=like.psnr(), exact=like.exact())
    named = [("x264 veryfast crf20", X264), *((f"SVT-AV1 p12 crf{crf}", svt(crf)) for crf in SVT_CRFS)]
    times, points = {}, []
    for encoder, options in named:
        cpu_s = encode([*options, *key_frames], pictures, changes_ms, video)
        like, size = likeness(video, pictures, changes_ms), packet_bytes(video)
        row(encoder, cpu_s, size, mean_ms=1e3 * cpu_s / len(changes_ms), psnr=like.psnr(), exact=like.exact())
        times[encoder] = cpu_s
        if options is not X264:
            points.append((like.psnr(), size))
    size, bound = bytes_at(ours["psnr"], points)
    print(
        f"  ours: {ours['cpu_s'] / times['x264 veryfast crf20']:.2f} x the CPU of x264,"
        f" {bound}{ours['bytes'] / size:.2f} x the bytes of SVT-AV1 at {ours['psnr']:.2f} dB",
        flush=True,
    )


def main():
    parser = custody.arguments(__doc__.splitlines()[0])
    parser.add_argument("examples", type=Path, metavar="EXAMPLES")
    parser.add_argument("--fast", action="store_true", help=f"without {RATE_HZ} pictures a second")
    args = parser.parse_args()
    baseline_file = args.recordings / "baseline.json"
    baseline = json.loads(baseline_file.read_text())["recordings"] if baseline_file.exists() else {}
    with tempfile.TemporaryDirectory(prefix="custody-compare-") as directory:
        for name, recording in custody.recordings(args):
            compare(args, name, recording, baseline.get(name), Path(directory))
    return 0


if __name__ == "__main__":
    sys.exit(main())
