"""Reads pictures and sound with ffmpeg, and compares pictures."""

import json
import math
import struct
import subprocess

import numpy as np

SOUND_RATE_HZ = 48_000


def probe(video, *options):
    """What ffprobe says, and what it complains about."""
    command = ["ffprobe", "-v", "warning", *options, "-of", "json", str(video)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout), done.stderr.strip()


def frame_times(video):
    """When each picture of a video is shown first, in seconds, in order."""
    facts, _ = probe(video, "-select_streams", "v:0", "-show_packets", "-show_entries", "packet=pts_time")
    return sorted(float(packet["pts_time"]) for packet in facts["packets"])


def lumas(video):
    """The luma of each picture, in order, as stored; one picture is held at a time."""
    facts, _ = probe(video, "-select_streams", "v:0", "-show_entries", "stream=width,height")
    width, height = facts["streams"][0]["width"], facts["streams"][0]["height"]
    # extractplanes copies the plane; a conversion to gray would stretch its range.
    command = ["ffmpeg", "-v", "error", "-i", str(video), "-map", "0:v:0", "-vf", "extractplanes=y"]
    # The time base of the video instead of one guessed from its frame rate, which pictures 1 ms apart break.
    command += ["-fps_mode", "passthrough", "-enc_time_base", "-1", "-f", "rawvideo", "-pix_fmt", "gray", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        while len(data := process.stdout.read(width * height)) == width * height:
            yield np.frombuffer(data, np.uint8).reshape(height, width)
    if process.returncode != 0 or data:
        raise RuntimeError(f"{video} does not decode to whole pictures")


def full_planes(video):
    """Y, Cb and Cr of each picture, in order, all at the size of the luma: 3 x height x width."""
    facts, _ = probe(video, "-select_streams", "v:0", "-show_entries", "stream=width,height")
    width, height = facts["streams"][0]["width"], facts["streams"][0]["height"]
    command = ["ffmpeg", "-v", "error", "-i", str(video), "-map", "0:v:0", "-fps_mode", "passthrough"]
    command += ["-enc_time_base", "-1", "-f", "rawvideo", "-pix_fmt", "yuv444p", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        while len(data := process.stdout.read(3 * width * height)) == 3 * width * height:
            yield np.frombuffer(data, np.uint8).reshape(3, height, width)
    if process.returncode != 0 or data:
        raise RuntimeError(f"{video} does not decode to whole pictures")


def rgb(png):
    """The pixels of a PNG: height x width x 3."""
    width, height = struct.unpack(">II", png.read_bytes()[16:24])
    command = ["ffmpeg", "-v", "error", "-i", str(png), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    data = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(data, np.uint8).reshape(height, width, 3)


def luma_of_rgb(pixels):
    """Luma as BT.709 in limited range has it."""
    weights = np.array([0.2126, 0.7152, 0.0722]) * 219 / 255
    return np.rint(16 + pixels @ weights).astype(np.uint8)


def planes_of_rgb(pixels):
    """Y, Cb and Cr as BT.709 in limited range has them, one of each for every pixel: 3 x height x width."""
    luma = pixels @ np.array([0.2126, 0.7152, 0.0722])
    blue, red = (pixels[:, :, 2] - luma) / 1.8556, (pixels[:, :, 0] - luma) / 1.5748
    planes = [16 + luma * 219 / 255, 128 + blue * 224 / 255, 128 + red * 224 / 255]
    return np.rint(np.stack(planes)).astype(np.uint8)


def psnr(a, b):
    """Peak signal-to-noise ratio in dB; infinite when equal."""
    error = np.mean((a.astype(np.float32) - b.astype(np.float32)) ** 2, dtype=np.float64)
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def sound(video):
    """Left and right as heard, from media time 0: samples x 2 at SOUND_RATE_HZ, full scale 1."""
    command = ["ffmpeg", "-v", "error", "-i", str(video), "-map", "0:a:0", "-af", "aresample=first_pts=0"]
    command += ["-ac", "2", "-ar", str(SOUND_RATE_HZ), "-f", "f32le", "-"]
    data = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(data, np.float32).reshape(-1, 2)
