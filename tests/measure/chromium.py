#!/usr/bin/env python3
"""Does Chromium play the video, seek in it, and show there what the recording shows?

usage: chromium.py BIN RECORDINGS_DIR [--only NAME ...] [--seed N] [--times 20] [--profiles fast balanced legible]
                   [--container mp4|webm|fragmented-mp4 ...]

Each recording is converted in each profile and container and served on loopback to a headless Chromium (Debian: `chromium`). Its page
plays the beginning at twice the speed, then seeks to random times, waits until each is shown, draws it on a canvas and
sends the pixels back. Their luma is compared with that of `custody frame` at the start of the picture that is shown
there, as a video may be later than the recording by a fifth of a second. Prints for each video how far it played, pictures
dropped and corrupt, the largest distance between the time asked for and `currentTime`, and the PSNR: mean and least.
Exit code 1 when a video does not play, a time is missed by more than a millisecond, or a picture is below 38 dB and not late.
"""

import bisect
import http.server
import itertools
import json
import random
import statistics
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from lib import custody, media
from pictures import placements

LEAST_DB = 38
# What stands for infinite in a mean.
EQUAL_DB = 99
LATE_S = 0.2
DEADLINE_S = 180
PLAYED_S_MIN = 1.0

PAGE = """<!doctype html><video id=v muted preload=auto></video><canvas id=c></canvas><script>
const v = document.getElementById('v'), c = document.getElementById('c');
const event = name => new Promise((resolve, refuse) => {
  v.addEventListener(name, resolve, {once: true});
  v.addEventListener('error', () => refuse(new Error(v.error.message)), {once: true});
});
const send = (path, body) => fetch(path, {method: 'POST', body});
const run = async () => {
  const wanted = await (await fetch('/times')).json();
  const loaded = event('loadeddata');
  v.src = '/video';
  await loaded;
  c.width = v.videoWidth;
  c.height = v.videoHeight;
  const context = c.getContext('2d', {willReadFrequently: true});
  v.playbackRate = 2;
  const ended = event('ended');
  await v.play();
  await Promise.race([ended, new Promise(resolve => setTimeout(resolve, 3000))]);
  v.pause();
  const quality = v.getVideoPlaybackQuality();
  const report = {
    played_s: v.currentTime, dropped: quality.droppedVideoFrames, corrupt: quality.corruptedVideoFrames,
    width: v.videoWidth, height: v.videoHeight, sought_s: [],
  };
  for (const [index, time] of wanted.entries()) {
    const sought = event('seeked');
    const presented = new Promise(resolve => v.requestVideoFrameCallback(resolve));
    v.currentTime = time;
    await sought;
    // On a busy machine the picture comes later than the event; it may also be the one that is there.
    await Promise.race([presented, new Promise(resolve => setTimeout(resolve, 1000))]);
    await new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    context.drawImage(v, 0, 0);
    await send('/picture/' + index, context.getImageData(0, 0, c.width, c.height).data);
    report.sought_s.push(v.currentTime);
  }
  await send('/report', JSON.stringify(report));
};
run().catch(error => send('/report', JSON.stringify({error: String(error)})));
</script>"""


class Player:
    """Serves a page that plays one video, and takes what it tells."""

    def __init__(self, video, times_s):
        self.video, self.times_s = video.read_bytes(), times_s
        self.media_type = f"video/{video.suffix[1:]}"
        self.pictures, self.report, self.ended = {}, {"error": "no report"}, threading.Event()
        player = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def answer(self, code, kind, body, *headers):
                self.send_response(code)
                for name, value in [("Content-Type", kind), ("Content-Length", len(body)), *headers]:
                    self.send_header(name, str(value))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                if self.path == "/times":
                    self.answer(200, "application/json", json.dumps(player.times_s).encode())
                elif self.path == "/video":
                    self.part(player.video)
                else:
                    self.answer(200, "text/html", PAGE.encode())

            def part(self, video):
                start, _, end = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
                start, end = int(start), int(end or len(video) - 1)
                ranges = ("Accept-Ranges", "bytes"), ("Content-Range", f"bytes {start}-{end}/{len(video)}")
                try:
                    self.answer(206, player.media_type, video[start : end + 1], *ranges)
                except ConnectionError:
                    # A player lets go of what it does not need.
                    self.close_connection = True

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == "/report":
                    player.report = json.loads(body)
                    player.ended.set()
                else:
                    player.pictures[int(self.path.rsplit("/", 1)[1])] = body
                self.answer(200, "text/plain", b"")

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def play(self, profile_directory):
        """What the page reports; `pictures` then holds what it has drawn."""
        browse(self.server, self.ended, profile_directory)
        return self.report


def browse(server, ended, profile_directory):
    """Shows a server's page to a headless Chromium until the page has told all."""
    threading.Thread(target=server.serve_forever, daemon=True).start()
    command = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--mute-audio", "--no-first-run"]
    command += ["--autoplay-policy=no-user-gesture-required", "--force-color-profile=srgb"]
    command += [f"--user-data-dir={profile_directory}"]
    url = f"http://127.0.0.1:{server.server_port}/"
    silent = {stream: subprocess.DEVNULL for stream in ("stdin", "stdout", "stderr")}
    browser = subprocess.Popen([*command, url], **silent)
    try:
        ended.wait(DEADLINE_S)
    finally:
        browser.terminate()
        browser.wait()
        server.shutdown()
        server.server_close()


def compare(args, recording, starts_s, at_s, shown, scratch):
    """The PSNR of a picture against the recording: when it began to be shown, or later, as far as a video may be late."""
    began_s = starts_s[max(bisect.bisect_right(starts_s, at_s + 1e-6) - 1, 0)]
    best = 0
    for then_s in (began_s, at_s, max(at_s - LATE_S / 2, 0), max(at_s - LATE_S, 0)):
        custody.frame(args.bin, recording, then_s, scratch)
        expected = placements(media.luma_of_rgb(media.rgb(scratch)), shown.shape)
        best = max([best, *(media.psnr(shown, picture) for picture in expected)])
        if best >= LEAST_DB:
            break
    return best


def measure(args, name, recording, profile, container, directory):
    """Whether a video plays; prints its line."""
    video, scratch = directory / f"{name}.{custody.CONTAINERS[container]}", directory / "frame.png"
    video.unlink(missing_ok=True)
    custody.run(args.bin, "convert", recording, "-o", video, "--profile", profile, "--container", container)
    duration_s = float(media.probe(video, "-show_entries", "format=duration")[0]["format"]["duration"])
    starts_s = media.frame_times(video)
    source = random.Random(f"{args.seed} {name}")
    times_s = [round(source.uniform(0, duration_s - 0.1), 3) for _ in range(args.times)]
    player = Player(video, times_s)
    told = player.play(directory / "chromium")
    if "error" in told:
        print(f"{name:24} {profile:10} {container:14} {told['error']}", flush=True)
        return False
    missed_s = max(abs(a - b) for a, b in zip(told["sought_s"], times_s, strict=True))
    likeness = []
    for index, at_s in enumerate(times_s):
        pixels = media.np.frombuffer(player.pictures[index], media.np.uint8).reshape(told["height"], told["width"], 4)
        shown = media.luma_of_rgb(pixels[:, :, :3])
        psnr = min(compare(args, recording, starts_s, at_s, shown, scratch), EQUAL_DB)
        likeness.append(psnr)
        if psnr < LEAST_DB:
            print(f"  {name} {profile} {container}: {psnr:.1f} dB at {at_s} s", flush=True)
    print(
        f"{name:24} {profile:10} {container:14} {told['played_s']:8.2f} {told['dropped']:8} {told['corrupt']:8} {1e3 * missed_s:9.3f}"
        f" {statistics.mean(likeness):8.2f} {min(likeness):8.2f}",
        flush=True,
    )
    played_all = told["played_s"] >= min(PLAYED_S_MIN, duration_s)
    return played_all and told["corrupt"] == 0 and missed_s <= 0.001 and min(likeness) >= LEAST_DB


def main():
    parser = custody.arguments(__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--times", type=int, default=20, help="per video")
    parser.add_argument("--profiles", nargs="+", default=["fast", "balanced", "legible"])
    parser.add_argument("--container", nargs="+", choices=custody.CONTAINERS, default=["mp4"])
    args = parser.parse_args()
    columns = f"{'played s':>8} {'dropped':>8} {'corrupt':>8} {'missed ms':>9} {'mean dB':>8} {'least dB':>8}"
    print(f"{'recording':24} {'profile':10} {'container':14} {columns}")
    is_good = True
    with tempfile.TemporaryDirectory(prefix="custody-chromium-") as directory:
        for name, recording in custody.recordings(args, custody.SUFFIXES + custody.TERMINALS):
            if custody.has_pictures(custody.inspect(args.bin, recording)):
                for profile, container in itertools.product(args.profiles, args.container):
                    is_good &= measure(args, name, recording, profile, container, Path(directory))
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
