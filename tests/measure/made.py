#!/usr/bin/env python3
"""Makes recordings of what the others lack: films, a scrolled page, a picture that is as large as pictures get.

usage: made.py INTO [--only NAME ...]

    film            1280x720, a film on the whole screen, 25 pictures a second, then a still page
    film-window     1920x1080, a film of 480x270 beside text that is scrolled three times a second
    film-large      1920x1080, a film of 960x540 over a still page
    scroll          1920x1080, a page of 1400x800 that is scrolled without `copy`
    large           4096x2304, a whole picture, four times

A film is a section of a texture whose strength falls with the frequency, as that of photographs, under a patch that moves
the other way, with a little grain; it comes as JPEG in tiles, all else as PNG. Pages are glyphs of soft strokes in lines,
so that their edges have many levels. The same NAME is the same bytes wherever numpy and ffmpeg are the same.
"""

import argparse
import base64
import subprocess
import sys
from pathlib import Path

import numpy as np

FILM_MS = 40
# As guacd cuts what it sends, no blob holds more.
BLOB_BYTES = 6048
# A film's tiles, as images of a server that paints in stripes.
TILE = 640
LINE, GLYPH = 18, 9
OVER = 14


class Recording:
    """Instructions, as they are drawn."""

    def __init__(self, width, height):
        self.parts, self.stream, self.now_ms = [], 0, 1000
        self.add("size", 0, width, height)

    def add(self, *elements):
        self.parts.append(",".join(f"{len(str(element))}.{element}" for element in elements) + ";")

    def image(self, mimetype, left, top, data):
        self.stream = self.stream % 8 + 1
        self.add("img", self.stream, OVER, 0, mimetype, left, top)
        for start in range(0, len(data), BLOB_BYTES):
            self.add("blob", self.stream, base64.b64encode(data[start : start + BLOB_BYTES]).decode())
        self.add("end", self.stream)

    def sync(self, after_ms):
        self.now_ms += after_ms
        self.add("sync", self.now_ms, 1)

    def write(self, to):
        packed = subprocess.run(["zstd", "-qc"], input="".join(self.parts).encode(), capture_output=True, check=True)
        to.write_bytes(packed.stdout)


def images(pictures, *options):
    """Pictures of one size, each as an image of its own."""
    height, width = pictures[0].shape[:2]
    command = ["ffmpeg", "-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-i", "-"]
    coded = []
    for picture in pictures:
        done = subprocess.run(
            [*command, *options, "-f", "image2pipe", "-"],
            input=np.ascontiguousarray(picture).tobytes(),
            capture_output=True,
            check=True,
        )
        coded.append(done.stdout)
    return coded


def png(picture):
    return images([picture], "-c:v", "png")[0]


def jpeg(picture):
    return images([picture], "-c:v", "mjpeg", "-q:v", "4", "-pix_fmt", "yuvj420p")[0]


def texture(random, height, width, slope):
    """Noise whose amplitude falls with the frequency, mean 0 and deviation 1."""
    frequencies = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    frequencies[0, 0] = 1
    waves = (random.normal(size=frequencies.shape) + 1j * random.normal(size=frequencies.shape)) / frequencies**slope
    waves[0, 0] = 0
    samples = np.fft.irfft2(waves, (height, width))
    return samples / samples.std()


def photograph(random, height, width):
    """Levels of red, green and blue, not yet cut to bytes."""
    light, warm = texture(random, height, width, 1.2), texture(random, height, width, 1.6)
    return np.stack([128 + 40 * light + 20 * warm, 128 + 40 * light, 128 + 40 * light - 20 * warm], 2)


def film(random, height, width, count):
    """Pictures of a film."""
    margin = 160
    ground = photograph(random, height + margin, width + margin)
    patch = photograph(random, height // 4, width // 6)
    for index in range(count):
        top, left = (round(margin / 2 * (1 + np.sin(index / speed))) for speed in (31, 40))
        picture = ground[top : top + height, left : left + width].copy()
        down, right = (height - patch.shape[0]) / 2, (width - patch.shape[1]) / 2
        down, right = round(down * (1 + np.cos(index / 23))), round(right * (1 - np.sin(index / 17)))
        picture[down : down + patch.shape[0], right : right + patch.shape[1]] = patch
        grain = random.normal(size=(height, width, 1)) * 2
        yield np.clip(picture + grain, 0, 255).astype(np.uint8)


def page(random, height, width):
    """Lines of words in soft glyphs, dark on light, some of them coloured."""
    strokes = random.random((64, 4, 4)) * (random.random((64, 4, 4)) < 0.5)
    alphabet = np.zeros((64, LINE, GLYPH))
    alphabet[:, 3 : 3 + 12, : GLYPH - 1] = np.kron(strokes, np.ones((3, 2)))
    alphabet = (alphabet + np.roll(alphabet, 1, 2) * 0.6 + np.roll(alphabet, 1, 1) * 0.3) / 1.9
    ink = np.zeros((height + LINE, width + GLYPH))
    color = np.zeros((height + LINE, width + GLYPH, 3))
    for top in range(0, height, LINE):
        end = random.integers(width // 3, width)
        shade = random.integers(0, 200, 3) if random.random() < 0.2 else np.zeros(3)
        color[top : top + LINE] = shade
        for left in range(GLYPH, end, GLYPH):
            if random.random() < 0.83:
                ink[top : top + LINE, left : left + GLYPH] = alphabet[random.integers(64)]
    pixels = 246 * (1 - ink[:, :, None]) + color * ink[:, :, None]
    return pixels[:height, :width].astype(np.uint8)


def show(recording, picture, left, top):
    """A picture of a film, in tiles."""
    for down in range(0, picture.shape[0], TILE):
        for right in range(0, picture.shape[1], TILE):
            tile = picture[down : down + TILE, right : right + TILE]
            recording.image("image/jpeg", left + right, top + down, jpeg(tile))


def whole_film(random):
    recording = Recording(1280, 720)
    for picture in film(random, 720, 1280, 200):
        show(recording, picture, 0, 0)
        recording.sync(FILM_MS)
    recording.image("image/png", 0, 0, png(page(random, 720, 1280)))
    recording.sync(FILM_MS)
    recording.sync(3000)
    return recording


def film_window(random, size, scrolled, count):
    """A film of `size` within a page, beside an area of text that is scrolled, or not."""
    recording = Recording(1920, 1080)
    recording.image("image/png", 0, 0, png(page(random, 1080, 1920)))
    recording.sync(0)
    text, top = page(random, 4000, 800), 0
    for index, picture in enumerate(film(random, *size, count)):
        show(recording, picture, 1000, 150)
        if scrolled and index % 8 == 0:
            # Three lines: what stays on the screen moves, the rest is drawn.
            recording.add("copy", 0, 60, 100 + 3 * LINE, 800, 800 - 3 * LINE, OVER, 0, 60, 100)
            recording.image("image/png", 60, 900 - 3 * LINE, png(text[top : top + 3 * LINE]))
            top += 3 * LINE
        recording.sync(FILM_MS)
    return recording


def scroll(random):
    recording = Recording(1920, 1080)
    recording.image("image/png", 0, 0, png(page(random, 1080, 1920)))
    recording.sync(0)
    text, top = page(random, 6000, 1400), 0
    for _ in range(80):
        recording.image("image/png", 100, 150, png(text[top : top + 800]))
        recording.sync(60)
        top += int(random.integers(10, 60))
    return recording


def large(random):
    recording = Recording(4096, 2304)
    for picture in film(random, 2304, 4096, 4):
        show(recording, picture, 0, 0)
        recording.sync(1000)
    return recording


MAKERS = {
    "film": whole_film,
    "film-window": lambda random: film_window(random, (270, 480), True, 250),
    "film-large": lambda random: film_window(random, (540, 960), False, 150),
    "scroll": scroll,
    "large": large,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("into", type=Path, metavar="INTO")
    parser.add_argument("--only", nargs="+", choices=MAKERS, default=list(MAKERS))
    args = parser.parse_args()
    args.into.mkdir(parents=True, exist_ok=True)
    for name in args.only:
        to = args.into / f"{name}.guac.zst"
        MAKERS[name](np.random.default_rng(list(MAKERS).index(name))).write(to)
        print(f"{to}: {to.stat().st_size / 1e6:.1f} MB", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
