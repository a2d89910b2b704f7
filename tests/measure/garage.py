#!/usr/bin/env python3
"""Measures PUT and GET of three Custody members beside three Garage members, by turns on the same disk.

usage: garage.py CUSTODY GARAGE [--mib N] [--times N] [--folder FOLDER] [--into FILE]

A PUT of Custody is a session that is opened, its recording in one PATCH, and the seal; a GET is the whole recording, from the
member that took it (`get owner`) or from another one (`get other`). Those of Garage are one S3 request each, signed as AWS
Signature Version 4 wants it, the body unsigned (UNSIGNED-PAYLOAD). Clients speak plain HTTP on loopback; members encrypt what
they say to one another, in both products. Bodies are random, so that nothing makes them small; each is read back once and
compared. Reads come from the page cache. With several at a time, client N goes to member N of three.

Prints a table of MB/s (medians, lowest and highest) and of the CPU seconds that all three members and the clients took for the
median; the ratio is Custody's MB/s by Garage's. The last line is the same as JSON.
"""

import argparse
import datetime
import hashlib
import hmac
import http.client
import json
import os
import resource
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

START_LIMIT_S = 120
REQUEST_LIMIT_S = 120
READ_BYTES = 1 << 20
REGION = "garage"
BUCKET = "bench"
# What a recording begins with.
HEAD = b"4.size,1.0,3.640,3.480;"
AT_ONCE = (1, 4)
# What is said of a session of Custody that is opened.
SESSION = {"protocol": "ssh", "format": "guacamole", "device_address": "192.0.2.1", "start_ms": 1_760_000_000_000}


def free_addresses(count):
    """Addresses on loopback that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    addresses = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()
    return addresses


def wait_for(what, look):
    """Waits until `look` gives something."""
    until = time.monotonic() + START_LIMIT_S
    while not (found := look()):
        if time.monotonic() > until:
            raise SystemExit(f"waited {START_LIMIT_S} s for {what}")
        time.sleep(0.05)
    return found


def cpu_s(processes):
    """User and system time of processes so far, as proc(5) has it."""
    ticks = 0
    for process in processes:
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


class Connection:
    """One client's connection to one member."""

    def __init__(self, address):
        self.address = address
        self.http = http.client.HTTPConnection(address, timeout=REQUEST_LIMIT_S)
        self.http.connect()
        self.http.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = memoryview(bytearray(READ_BYTES))

    def send(self, method, path, body, headers):
        """Sends a request; gives the body of its answer."""
        self.http.request(method, path, body, headers)
        answer = self.http.getresponse()
        found = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"{method} {path} is answered {answer.status}: {found[:500]}")
        return found

    def read(self, path, headers, hashed=None):
        """Reads an answer to its end; gives its length."""
        self.http.request("GET", path, headers=headers)
        answer, length = self.http.getresponse(), 0
        while count := answer.readinto(self.buffer):
            length += count
            if hashed:
                hashed.update(self.buffer[:count])
        if answer.status != 200:
            raise SystemExit(f"GET {path} is answered {answer.status}")
        return length


class Product:
    """Three members in folders of a folder."""

    def __init__(self, binary, folder):
        self.binary, self.folder, self.processes = binary.resolve(), folder, []
        self.folders = [folder / f"member-{number}" for number in (1, 2, 3)]
        for one in self.folders:
            one.mkdir(parents=True)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        # What they keep goes with their folders.
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()

    def spawn(self, number, *arguments):
        log = open(self.folders[number] / "log", "w")
        self.processes.append(subprocess.Popen([self.binary, *arguments], stdin=subprocess.PIPE, stdout=log, stderr=log))

    def run(self, *arguments, given=None):
        done = subprocess.run([self.binary, *arguments], input=given, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"{self.name} {' '.join(map(str, arguments))}: {done.stderr}")
        return done.stdout.strip()

    def connection(self, member):
        return Connection(self.apis[member % len(self.apis)])


class Custody(Product):
    """As an operator sets it up: one member, two that join, a layout of three."""

    name = "custody"

    def start(self):
        free = free_addresses(9)
        self.apis, health, others = free[:3], free[3:6], free[6:]
        for number, folder in enumerate(self.folders):
            (folder / "custody.toml").write_text(
                f'data_dir = "{folder}/data"\nkek_file = "{folder}/kek"\nworkers = 1\n'
                f'listen.api = "{self.apis[number]}"\nlisten.health = "{health[number]}"\n'
                f'cluster.listen = "{others[number]}"\ncluster.address = "{others[number]}"\n'
                "limits.requests_per_s = 100000\nlimits.recorder_requests_per_s = 100000\n"
            )
        configs = [folder / "custody.toml" for folder in self.folders]
        self.run("cluster", "init", "--config", configs[0])
        self.spawn(0, "serve", "--config", configs[0], "--until-input-ends")
        token_file = self.folders[0] / "data" / "first-admin-token"
        wait_for("the first member", lambda: token_file.exists() and self.is_ready(0))
        server = ("--server", f"http://{self.apis[0]}", "--token-file", token_file)
        for number in (1, 2):
            token = self.run("cluster", "token", *server)
            self.run("cluster", "join", "-", "--config", configs[number], given=token)
            self.spawn(number, "serve", "--config", configs[number], "--until-input-ends")
            wait_for("a member that joins", lambda: self.is_ready(number))
        self.headers = {"Authorization": f"Bearer {token_file.read_text().strip()}"}
        self.set_layout()

    def is_ready(self, number):
        try:
            Connection(self.apis[number]).send("GET", "/readyz", None, {})
        except (OSError, SystemExit, http.client.HTTPException):
            return False
        return True

    def set_layout(self):
        """Applies what is staged for those that have joined, and waits until nothing is left to be moved."""
        client = self.connection(0)

        def layout():
            return json.loads(client.send("GET", "/v1/cluster/layout", None, self.headers))

        def staged():
            found = layout()
            is_whole = sum(member["staged"] is not None for member in found["members"]) == 3
            return found["staged"] if is_whole else None

        version = wait_for("a staged layout of three", staged)["version"]
        self.post(client, "/v1/cluster/layout/apply", {"version": version})
        wait_for("the layout", lambda: (found := layout())["settled"] and found["version"] >= version)

    def post(self, client, path, body):
        headers = self.headers | {"Content-Type": "application/json"}
        return json.loads(client.send("POST", path, json.dumps(body), headers))

    def put(self, client, body):
        session = self.post(client, "/v1/sessions", SESSION)["id"]
        path = f"/v1/sessions/{session}/recording"
        piece = {"Content-Type": "application/offset+octet-stream", "Tus-Resumable": "1.0.0", "Upload-Offset": "0"}
        client.send("PATCH", path, body, self.headers | piece)
        end = {"end": "finished", "end_ms": 1_760_000_100_000, "length": len(body)}
        self.post(client, f"/v1/sessions/{session}/seal", end)
        return path

    def get(self, client, path, hashed=None):
        return client.read(path, self.headers, hashed)


class Garage(Product):
    """Copies on three members, all syncs on; all else as it comes."""

    name = "garage"

    def start(self):
        free = free_addresses(9)
        self.apis, rpcs, admins = free[:3], free[3:6], free[6:]
        secret, configs = secrets.token_hex(32), [folder / "garage.toml" for folder in self.folders]
        for number, folder in enumerate(self.folders):
            configs[number].write_text(
                f'metadata_dir = "{folder}/meta"\ndata_dir = "{folder}/data"\ndb_engine = "lmdb"\n'
                "metadata_fsync = true\ndata_fsync = true\nreplication_factor = 3\n"
                f'rpc_bind_addr = "{rpcs[number]}"\nrpc_public_addr = "{rpcs[number]}"\nrpc_secret = "{secret}"\n'
                f'[s3_api]\ns3_region = "{REGION}"\napi_bind_addr = "{self.apis[number]}"\n'
                f'[admin]\napi_bind_addr = "{admins[number]}"\n'
            )
            self.spawn(number, "-c", configs[number], "server")
        operate = ("-c", configs[0])
        nodes = [self.node(config) for config in configs]
        for number in (1, 2):
            self.run(*operate, "node", "connect", nodes[number])
        for number, node in enumerate(nodes):
            self.run(*operate, "layout", "assign", "-z", f"zone-{number}", "-c", "100G", node.partition("@")[0])
        self.run(*operate, "layout", "apply", "--version", "1")
        self.key, self.secret = f"GK{secrets.token_hex(12)}", secrets.token_hex(32)
        self.run(*operate, "key", "import", "--yes", "-n", BUCKET, self.key, self.secret)
        self.run(*operate, "bucket", "create", BUCKET)
        self.run(*operate, "bucket", "allow", "--read", "--write", BUCKET, "--key", self.key)
        wait_for("the bucket on all members", lambda: all(map(self.is_known, range(3))))

    def node(self, config):
        def look():
            done = subprocess.run([self.binary, "-c", config, "node", "id", "-q"], capture_output=True, text=True, check=False)
            return done.stdout.strip() if done.returncode == 0 else None

        node = wait_for("a node's name", look)
        address = config.read_text().partition('rpc_bind_addr = "')[2].partition('"')[0]
        wait_for("a node that answers", lambda: self.answers(address))
        return node

    @staticmethod
    def answers(address):
        host, _, port = address.partition(":")
        with socket.socket() as one:
            return one.connect_ex((host, int(port))) == 0

    def is_known(self, number):
        try:
            client = self.connection(number)
            client.send("GET", f"/{BUCKET}", None, self.sign("GET", client.address, f"/{BUCKET}"))
        except (OSError, SystemExit, http.client.HTTPException):
            return False
        return True

    def sign(self, method, host, path):
        """The headers of a request without a query whose body is not signed (AWS Signature Version 4)."""
        at = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        signed = {"host": host, "x-amz-content-sha256": "UNSIGNED-PAYLOAD", "x-amz-date": at}
        names = ";".join(signed)
        listed = "".join(f"{name}:{value}\n" for name, value in signed.items())
        request = f"{method}\n{path}\n\n{listed}\n{names}\nUNSIGNED-PAYLOAD"
        scope = f"{at[:8]}/{REGION}/s3/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{at}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        key = f"AWS4{self.secret}".encode()
        for part in (*scope.split("/"), text):
            key = hmac.digest(key, part.encode(), "sha256")
        credential = f"AWS4-HMAC-SHA256 Credential={self.key}/{scope}, SignedHeaders={names}, Signature={key.hex()}"
        return {**signed, "Authorization": credential}

    def put(self, client, body):
        path = f"/{BUCKET}/{secrets.token_hex(16)}"
        client.send("PUT", path, body, self.sign("PUT", client.address, path))
        return path

    def get(self, client, path, hashed=None):
        return client.read(path, self.sign("GET", client.address, path), hashed)


class Measured:
    """One kind of request to one product, several times."""

    def __init__(self):
        self.mb_per_s, self.members_cpu_s, self.clients_cpu_s = [], [], []

    def add(self, product, work):
        """Does `work` (a function for each client) at the same time, and notes what it took."""
        # What was written before reaches the disk before.
        os.sync()
        results, go = [None] * len(work), threading.Barrier(len(work) + 1)

        def run(number, one):
            go.wait()
            results[number] = one()

        threads = [threading.Thread(target=run, args=pair) for pair in enumerate(work)]
        for thread in threads:
            thread.start()
        before, own = cpu_s(product.processes), resource.getrusage(resource.RUSAGE_SELF)
        go.wait()
        began = time.monotonic()
        for thread in threads:
            thread.join()
        took_s = time.monotonic() - began
        own_after = resource.getrusage(resource.RUSAGE_SELF)
        if None in results:
            raise SystemExit(f"{product.name}: a client has failed")
        self.members_cpu_s.append(cpu_s(product.processes) - before)
        own_s = own_after.ru_utime + own_after.ru_stime - own.ru_utime - own.ru_stime
        self.clients_cpu_s.append(own_s)
        return results, took_s

    def note(self, byte_count, took_s):
        self.mb_per_s.append(byte_count / took_s / 1e6)

    def summary(self):
        return {
            "mb_per_s": round(statistics.median(self.mb_per_s), 1),
            "min_mb_per_s": round(min(self.mb_per_s), 1),
            "max_mb_per_s": round(max(self.mb_per_s), 1),
            "members_cpu_s": round(statistics.median(self.members_cpu_s), 2),
            "clients_cpu_s": round(statistics.median(self.clients_cpu_s), 2),
        }


def body(byte_count):
    return HEAD + os.urandom(byte_count - len(HEAD))


def round_of(products, at_once, bodies, measured):
    """Each product once: it takes the bodies, and gives them back. Which one begins changes with each round."""
    for product in products:
        of = {}
        for kind in ("put", "get owner", "get other"):
            of[kind] = measured.setdefault((product.name, kind, at_once), Measured())
        clients = [product.connection(number) for number in range(at_once)]
        byte_count = sum(map(len, bodies))
        puts = [lambda c=client, b=one: product.put(c, b) for client, one in zip(clients, bodies)]
        paths, took_s = of["put"].add(product, puts)
        of["put"].note(byte_count, took_s)
        for shift, kind in enumerate(("get owner", "get other")):
            readers = [product.connection(number + shift) for number in range(at_once)]
            gets = [lambda c=client, p=path: product.get(c, p) for client, path in zip(readers, paths)]
            lengths, took_s = of[kind].add(product, gets)
            if lengths != list(map(len, bodies)):
                raise SystemExit(f"{product.name}: {lengths} bytes were read")
            of[kind].note(byte_count, took_s)
    return product


def check(product, byte_count):
    """What is taken by one member is what each of them gives; also a first run, of which nothing is measured."""
    sent = body(byte_count)
    path = product.put(product.connection(0), sent)
    for number in range(3):
        hashed = hashlib.sha256()
        product.get(product.connection(number), path, hashed)
        if hashed.digest() != hashlib.sha256(sent).digest():
            raise SystemExit(f"{product.name}: member {number + 1} gives other bytes than were sent")


def table(measured):
    """Prints it; gives it as a list."""
    lines = []
    print(f"{'request':10} {'at once':>7}  {'custody MB/s':>24} {'garage MB/s':>24} {'ratio':>6}  CPU s of members, clients")
    for kind in ("put", "get owner", "get other"):
        for at_once in AT_ONCE:
            own, other = (measured[name, kind, at_once].summary() for name in ("custody", "garage"))
            ratio = round(own["mb_per_s"] / other["mb_per_s"], 2)
            spread = [f"{one['mb_per_s']:7.1f} ({one['min_mb_per_s']}-{one['max_mb_per_s']})" for one in (own, other)]
            cpu = [f"{one['members_cpu_s']:.2f}, {one['clients_cpu_s']:.2f}" for one in (own, other)]
            print(f"{kind:10} {at_once:7}  {spread[0]:>24} {spread[1]:>24} {ratio:6.2f}  {cpu[0]} | {cpu[1]}")
            lines.append({"request": kind, "at_once": at_once, "custody": own, "garage": other, "ratio": ratio})
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("custody", type=Path)
    parser.add_argument("garage", type=Path)
    parser.add_argument("--mib", type=int, default=64, help="of one body")
    parser.add_argument("--times", type=int, default=7)
    parser.add_argument("--folder", type=Path, help="on the disk that is measured; without, where temporary files are")
    parser.add_argument("--into", type=Path, help="takes the JSON, too")
    args = parser.parse_args()
    byte_count, measured = args.mib << 20, {}
    with tempfile.TemporaryDirectory(prefix="garage-", dir=args.folder) as name:
        folder = Path(name)
        with Custody(args.custody, folder / "custody") as custody, Garage(args.garage, folder / "garage") as garage:
            products = [custody, garage]
            for product in products:
                check(product, byte_count)
            for _ in range(args.times):
                for at_once in AT_ONCE:
                    bodies = [body(byte_count) for _ in range(at_once)]
                    round_of(products, at_once, bodies, measured)
                products.reverse()
    lines = {"mib": args.mib, "times": args.times, "measured": table(measured)}
    print(json.dumps(lines))
    if args.into:
        args.into.parent.mkdir(parents=True, exist_ok=True)
        args.into.write_text(json.dumps(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
