#!/usr/bin/env python3
"""How much of the sound is left after Opus, as another decoder hears it?

usage: opus.py BIN

Makes a recording with ten seconds of known sound: chords that fade and a voice-like pulse train, stereo, 48 kHz. It is
converted into each container, and ffmpeg decodes the sound twice: by libopus and by its own decoder. Prints for each by how
many samples the sound is moved, and the signal-to-noise ratio in dB against the samples that were put in. Exit code 1 when a
ratio is below 20 dB, the sound is moved by a millisecond or more, or the decoders differ by more than rounding.
"""

import argparse
import base64
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from lib import custody, media

SECONDS = 10
PIECE_MS = 50
MOVED_MAX = 2_400
LEAST_DB = 20
ALIKE_DB = 60


def sound():
    """What is put in: samples x 2."""
    t = np.arange(SECONDS * media.SOUND_RATE_HZ) / media.SOUND_RATE_HZ
    fading = np.exp(-2 * (t % 1.0)) * np.minimum(1, (t % 1.0) / 0.005)
    chords = [(220.0, 277.2, 329.6), (246.9, 293.7, 370.0), (196.0, 246.9, 293.7)]
    left = np.zeros_like(t)
    for index, chord in enumerate(chords):
        here = (t.astype(int) % len(chords)) == index
        left += here * sum(np.sin(2 * np.pi * hz * t) for hz in chord)
    pulses = sum(np.sin(2 * np.pi * 120 * k * t) / k for k in range(1, 25))
    voice = pulses * (0.5 + 0.5 * np.sin(2 * np.pi * 3 * t))
    both = np.stack([left * fading / 3 + 0.2 * voice, 0.5 * left * fading / 3 + 0.3 * voice], axis=1)
    return np.round(both / np.abs(both).max() * 16_000).astype("<i2")


def instruction(*elements):
    """As it stands in a recording."""
    return ",".join(f"{len(str(element))}.{element}" for element in elements) + ";"


def recording(samples):
    """A small picture that changes, and the sound as one stream."""
    parts = [instruction("size", 0, 64, 64), instruction("audio", 1, "audio/L16;rate=48000,channels=2")]
    piece = media.SOUND_RATE_HZ * PIECE_MS // 1000
    for number in range(SECONDS * 1000 // PIECE_MS + 1):
        if number > 0:
            data = base64.b64encode(samples[(number - 1) * piece : number * piece].tobytes()).decode()
            parts += [instruction("blob", 1, data[start : start + 8000]) for start in range(0, len(data), 8000)]
        parts += [instruction("rect", 0, 0, 0, 64, 64), instruction("cfill", 14, 0, number % 256, 0, 0, 255)]
        parts.append(instruction("sync", 7_000_000 + number * PIECE_MS))
    return "".join(parts)


def decoded(video, decoder):
    """The sound of a video: samples x 2."""
    command = ["ffmpeg", "-v", "error", "-c:a", decoder, "-i", str(video), "-map", "0:a", "-f", "f32le", "-"]
    data = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(data, "<f4").reshape(-1, 2).astype(np.float64) * 32768


def moved(heard, put_in):
    """By how many samples `heard` is later."""
    length = 1 << (len(put_in) + MOVED_MAX).bit_length()
    product = np.fft.rfft(heard.mean(axis=1), length) * np.conj(np.fft.rfft(put_in.mean(axis=1), length))
    likeness = np.fft.irfft(product, length)
    later = int(np.argmax(np.concatenate([likeness[-MOVED_MAX:], likeness[:MOVED_MAX]])))
    return later - MOVED_MAX


def ratio_db(heard, put_in):
    """Signal to noise, without the first and the last tenth of a second."""
    edge = media.SOUND_RATE_HZ // 10
    length = min(len(heard), len(put_in))
    heard, put_in = heard[edge : length - edge], put_in[edge : length - edge]
    return 10 * np.log10((put_in**2).sum() / ((heard - put_in) ** 2).sum())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bin", type=Path, metavar="BIN", help="the custody binary")
    args = parser.parse_args()
    samples = sound()
    put_in, is_good = samples.astype(np.float64), True
    print(f"{'container':14} {'decoder':8} {'moved':>6} {'SNR dB':>7}")
    with tempfile.TemporaryDirectory(prefix="custody-opus-") as directory:
        session = Path(directory) / "sound.guac"
        session.write_text(recording(samples))
        for container, ending in custody.CONTAINERS.items():
            video = session.with_name(f"{container}.{ending}")
            custody.run(args.bin, "convert", session, "-o", video, "--container", container)
            both = {decoder: decoded(video, decoder) for decoder in ("libopus", "opus")}
            for decoder, heard in both.items():
                later = moved(heard, put_in)
                shifted = heard[max(later, 0) :], put_in[max(-later, 0) :]
                db = ratio_db(*shifted)
                print(f"{container:14} {decoder:8} {later:6} {db:7.2f}", flush=True)
                is_good &= db >= LEAST_DB and abs(later) < media.SOUND_RATE_HZ // 1000
            is_good &= ratio_db(both["opus"], both["libopus"]) >= ALIKE_DB
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
