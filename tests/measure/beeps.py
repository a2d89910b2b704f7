#!/usr/bin/env python3
"""Measures how far the beeps of a video are from the flashes that belong to them.

usage: beeps.py BIN RECORDINGS_DIR [--only NAME ...] [--videos DIR]

Reads RECORDINGS_DIR/NAME.audio-truth.json. Per pair: when the recording flashes, when the video shows the
flash at the watched pixel, when the video beeps, and the loudness beside that of the recording. Exit code 1 when
a beep is not found, is further than 60 ms from the flash of the recording or from that of the video, or when the
median of these distances is above 40 ms.
"""

import json
import statistics
import subprocess
import sys

import numpy as np

from lib import custody, media

SEARCH_S = 1.0
AVERAGE_S = 0.010
BEEP_S = 0.150
WHITE = 180
WORST_S = 0.060
MEDIAN_S = 0.040


def envelope(samples, hertz):
    """The amplitude of one frequency, averaged over AVERAGE_S around each sample."""
    turns = np.arange(len(samples)) * (hertz / media.SOUND_RATE_HZ)
    mixed = samples * np.exp(-2j * np.pi * turns)
    width = round(AVERAGE_S * media.SOUND_RATE_HZ)
    return 2 * np.abs(np.convolve(mixed, np.full(width, 1 / width), "same"))


def onset(sound, pair):
    """When the beep of a pair begins, in seconds, and its RMS left and right; None when there is none."""
    start = max(round((pair["flash_ms"] / 1000 - SEARCH_S) * media.SOUND_RATE_HZ), 0)
    window = sound[start : start + round(2 * SEARCH_S * media.SOUND_RATE_HZ)]
    if not len(window):
        return None
    level = envelope(window.mean(axis=1), pair["dominant_hz"])
    expected = max(pair["left_right_rms"]) / 32768 * np.sqrt(2)
    if level.max() < expected / 8:
        return None
    # A symmetric average of a tone that begins at once passes one half at its first sample.
    first = int(np.argmax(level > level.max() / 2))
    beep = window[first : first + round(BEEP_S * media.SOUND_RATE_HZ)].astype(np.float64)
    return (start + first) / media.SOUND_RATE_HZ, np.sqrt((beep**2).mean(axis=0)) * 32768


def flashes_shown(video, pixel):
    """When the watched pixel of the video turns white, in seconds."""
    x, y = pixel
    white = [luma[y, x] > WHITE for luma in media.lumas(video)]
    times = media.frame_times(video)
    return [at for at, now, before in zip(times, white, [False, *white]) if now and not before]


def report(name, video, truth):
    """Prints the pairs of one recording; whether all beeps were found near their flashes."""
    sound, shown = media.sound(video), flashes_shown(video, truth["pixel_watched"])
    offsets, shown_offsets, missing = [], [], 0
    print(f"{name}: {len(truth['pairs'])} pairs")
    for pair in truth["pairs"]:
        flash_s = pair["flash_ms"] / 1000
        picture_s = min(shown, key=lambda at: abs(at - flash_s), default=float("nan"))
        found = onset(sound, pair)
        if found is None:
            missing += 1
            print(f"    flash {flash_s:9.3f} s  shown {picture_s:9.3f} s  no beep")
            continue
        beep_s, (left, right) = found
        offsets.append(beep_s - flash_s)
        shown_offsets.append(beep_s - picture_s)
        print(
            f"    flash {flash_s:9.3f} s  shown {picture_s:9.3f} s  beep {beep_s:9.3f} s"
            f"  beep - flash {offsets[-1] * 1000:+6.0f} ms  beep - shown {shown_offsets[-1] * 1000:+6.0f} ms"
            f"  RMS {left:6.0f} {right:6.0f} (recorded {pair['left_right_rms'][0]} {pair['left_right_rms'][1]})"
        )
    good = missing == 0
    for distances in (list(map(abs, offsets)), list(map(abs, shown_offsets))):
        # A flash that is not shown has no distance, and no comparison with it holds.
        good &= all(distance <= WORST_S for distance in distances)
        good &= bool(distances) and statistics.median(distances) <= MEDIAN_S
    if offsets:
        worst = max(offsets, key=abs)
        median = statistics.median(offsets)
        print(f"    worst {worst * 1000:+.0f} ms, median {median * 1000:+.0f} ms, {missing} missing", flush=True)
    return good


def main():
    args = custody.arguments(__doc__.splitlines()[0], videos=True).parse_args()
    videos = custody.Videos(args)
    good = True
    for name, recording in custody.recordings(args):
        truth = args.recordings / f"{name}.audio-truth.json"
        if not truth.exists():
            continue
        try:
            good &= report(name, videos.of(name, recording), json.loads(truth.read_text()))
        except custody.Refused as refused:
            print(f"{name}: refused: {refused}", flush=True)
            good = False
        except subprocess.CalledProcessError as failed:
            print(f"{name}: the video's sound does not decode: {failed}", flush=True)
            good = False
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
