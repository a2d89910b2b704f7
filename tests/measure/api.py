"""Sends requests that schemathesis makes of the OpenAPI document to a member of its own, and counts what it finds.

    api.py CUSTODY [--requests N] [--seed N] [--into FOLDER]

Rounds with further seeds follow until so many requests were sent. A failure of a check is printed with a curl line, the
report stands in FOLDER, and the exit status is 1.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

# Everything that the document promises of answers; 503 and 507 are promised, too.
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "ignored_auth",
]
# A stream that goes on as long as a video is made.
ENDLESS = "/v1/videos/{id}/events"
LIMITS = """
[limits]
requests_per_s = 1000000
recorder_requests_per_s = 1000000
logins_per_min = 1000000
address_logins_per_min = 1000000
"""
# A list has so many optional filters that all combinations of the values at their bounds never come to an end; it gets
# the random ones.
CONFIG = """
[checks]
not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", "503", "507"]

[[operations]]
include-name = "GET /v1/sessions"
phases.coverage.enabled = false
"""
# Half of the identifiers are of something that is there, bytes may be sent as what tus calls them, and headers hold
# no controls and begin with no blank: what has them is refused before it is a request, without a problem, or never sent.
HOOKS = """
import schemathesis

THERE = {there}

@schemathesis.hook
def map_path_parameters(context, path_parameters):
    if not isinstance(path_parameters, dict):
        return path_parameters
    for name in ["id", "hold"]:
        number = sum(str(path_parameters.get(name)).encode())
        if name in path_parameters and number % 2 == 0:
            path_parameters[name] = THERE[2] if name == "hold" else THERE[number // 2 % 2]
    return path_parameters

@schemathesis.hook
def map_headers(context, headers):
    for name, value in headers.items() if isinstance(headers, dict) else []:
        headers[name] = "".join(c for c in str(value) if c >= " " and c != chr(127)).strip()
    return headers

schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
"""
START_LIMIT_S = 60
REQUEST_LIMIT_S = 30


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("custody", type=pathlib.Path)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--into", type=pathlib.Path, default=pathlib.Path("target/soak"))
    options = parser.parse_args()
    # It is written to from another folder.
    options.into = options.into.resolve()
    options.into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, Member(options.custody, pathlib.Path(folder)) as member:
        member.fill()
        sent, failed, seed = 0, False, options.seed
        while sent < options.requests and not failed:
            report = options.into / f"api-{seed}.har"
            failed = run(member, pathlib.Path(folder), seed, report)
            more = len(json.loads(report.read_text())["log"]["entries"])
            sent, seed = sent + more, seed + 1
            print(f"{sent} requests, {'with failures' if failed else '0 failures'}", flush=True)
            failed = failed or more == 0 or not member.lives()
        if failed:
            print("".join(line for line in member.log_lines() if '"level":"ERROR"' in line))
    sys.exit(1 if failed else 0)


class Member:
    """A member on loopback that keeps what it has in a folder."""

    def __init__(self, custody, folder):
        self.custody, self.folder = custody.resolve(), folder

    def __enter__(self):
        config, data = self.folder / "custody.toml", self.folder / "data"
        listen = '[listen]\napi = "127.0.0.1:0"\nhealth = "127.0.0.1:0"\n'
        config.write_text(f'data_dir = "{data}"\nlog = "json"\n{listen}{LIMITS}')
        self.log = open(self.folder / "log", "w+")
        self.child = subprocess.Popen([self.custody, "serve", "--config", config], stderr=self.log)
        until = time.monotonic() + START_LIMIT_S
        while not (found := re.search(r'"address":"([^"]+)"', (self.folder / "log").read_text())):
            assert self.lives() and time.monotonic() < until, "the member does not serve"
            time.sleep(0.1)
        self.url = f"http://{found.group(1)}"
        self.token = (data / "first-admin-token").read_text().strip()
        return self

    def __exit__(self, *_):
        self.child.terminate()
        self.child.wait()
        self.log.close()

    def lives(self):
        return self.child.poll() is None

    def log_lines(self):
        return (self.folder / "log").read_text().splitlines(keepends=True)

    def send(self, method, path, body, **headers):
        headers = {"Authorization": f"Bearer {self.token}", **headers}
        if not isinstance(body, bytes):
            headers.setdefault("Content-Type", "application/json")
            body = json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, body, headers, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                return json.loads(answer.read() or "null")
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.read().decode()}") from error

    def fill(self):
        """A live session and an ended one with a hold and a video."""
        info = {"protocol": "ssh", "format": "guacamole", "device_address": "10.0.0.7", "start_ms": 1_000}
        for ends in [False, True]:
            session = self.send("POST", "/v1/sessions", info)["id"]
            piece = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
            picture = b"4.size,1.0,2.64,2.64;4.sync,4.1000;4.rect,1.0,1.0,1.0,1.9,1.9;4.sync,4.1500;"
            self.send("PATCH", f"/v1/sessions/{session}/recording", picture, **piece)
            if ends:
                self.send("POST", f"/v1/sessions/{session}/seal", {"end": "finished", "end_ms": 61_000})
        anything = {"If-Match": "*"}
        self.send("PUT", "/v1/parameters/video_download_enabled", {"value": True}, **anything)
        hold = self.send("POST", f"/v1/sessions/{session}/holds", {"justification": "inquiry"})["id"]
        video = self.send("POST", f"/v1/sessions/{session}/videos", {})["id"]
        self.session, self.video, self.hold = session, video, hold


def run(member, folder, seed, report):
    """One round; whether it has found something."""
    config, hooks = folder / "schemathesis.toml", folder / "hooks.py"
    config.write_text(CONFIG)
    hooks.write_text(HOOKS.format(there=[member.session, member.video, member.hold]))
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", config, "run"]
    command += [f"{member.url}/openapi.json", "--header", f"Authorization: Bearer {member.token}"]
    command += ["--checks", ",".join(CHECKS), "--exclude-path", ENDLESS, "--seed", str(seed), "--max-examples", "100"]
    command += ["--phases", "examples,coverage,fuzzing", "--request-timeout", str(REQUEST_LIMIT_S), "--workers", "1"]
    command += ["--generation-database", "none", "--continue-on-failure", "--no-color"]
    command += ["--report", "har", "--report-har-path", report]
    command += ["--generation-with-security-parameters", "false"]
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(command, cwd=folder, env=os.environ | {"PYTHONHASHSEED": "0", "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": path}).returncode != 0


if __name__ == "__main__":
    main()
