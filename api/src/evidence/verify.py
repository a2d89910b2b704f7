"""Checks an export of Custody. verify.sh says how it is called, README.txt what each line proves."""

import argparse
import base64
import hashlib
import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import time

VERSION = b"\x01"
LEAF_BYTES = 36
SPKI = bytes.fromhex("302a300506032b6570032100")  # what stands before an Ed25519 key (RFC 8410)


class Wrong(Exception):
    """A part is not what it was, and where."""


def need(holds, part, what):
    if not holds:
        raise Wrong(f"{part}: {what}")


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def unhex(text, part):
    try:
        value = bytes.fromhex(text)
    except (TypeError, ValueError) as error:
        raise Wrong(f"{part}: expected hexadecimal digits") from error
    need(value.hex() == text, part, "expected lower-case hexadecimal digits")
    return value


def unbase64(text, part):
    try:
        value = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise Wrong(f"{part}: expected base64") from error
    need(base64.b64encode(value).decode() == text, part, "expected canonical base64")
    return value


def openssl(part, *arguments, **options):
    done = subprocess.run(["openssl", *arguments], capture_output=True, check=False, **options)
    need(done.returncode == 0, part, f"openssl {arguments[0]}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


# The audit log: a C2SP signed note over the root of an RFC 6962 tree.

def read_leaf(data, part):
    """A leaf in its canonical form: version, kind, number, time, and six texts."""
    need(data[:1] == VERSION and len(data) > 18, part, "expected a leaf of version 1")
    kind, number, at_ms = struct.unpack(">BQQ", data[1:18])
    texts, rest = [], data[18:]
    for _ in range(6):
        length = int.from_bytes(rest[:2], "big")
        texts.append(rest[2 : 2 + length].decode(errors="replace"))
        rest = rest[2 + length :]
    need(not rest, part, "the leaf is too long")
    user, service, action, about, address, detail = texts
    return dict(kind=kind, number=number, at_ms=at_ms, user=user, service=service, action=action, object=about,
                address=address, detail=detail)


def proven_leaf(proof, size, root, part):
    """The leaf, if its path leads to the root (RFC 9162, 2.1.3.2)."""
    data = unhex(proof["leaf"], part)
    leaf = read_leaf(data, part)
    node, last, value = leaf["number"], size - 1, sha(b"\0", data)
    need(node < size, part, f"leaf {node} stands behind the checkpoint")
    for step in proof["path"]:
        sibling = unhex(step, part)
        need(last > 0, part, f"the path of leaf {node} is too long")
        if node & 1 or node == last:
            value = sha(b"\1", sibling, value)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            value = sha(b"\1", value, sibling)
        node, last = node >> 1, last >> 1
    need(last == 0 and value == root, part, f"leaf {leaf['number']} or its path does not lead to the checkpoint's root")
    return leaf


def named_key(proofs):
    """The key that signs, as the export says it itself."""
    try:
        return read_leaf(unhex(proofs["key"]["leaf"], "proofs.json: key"), "proofs.json: key")["detail"]
    except (KeyError, TypeError, struct.error) as error:
        raise Wrong(f"proofs.json: {error!r}") from error


def read_checkpoint(text, part):
    head, _, signature = text.partition("\n\n\u2014 ")
    origin, size, root = (head.split("\n") + ["", "", ""])[:3]
    need(head.count("\n") == 2 and size.isdigit(), part, "expected origin, size and root")
    name, _, signed = signature.partition(" ")
    need(name == origin and signed.endswith("\n"), part, "expected one signature by the origin's name")
    return origin, int(size), unbase64(root, part), f"{head}\n".encode(), unbase64(signed[:-1], part)


def trusted_key(text, origin):
    """The key in a verifier key: name, identifier, and type and key in base64."""
    name, _, rest = text.partition("+")
    need(name == origin, "checkpoint.txt", f"of {origin}, and your key is of {name}")
    typed = unbase64(rest.partition("+")[2], "--key")
    need(typed[:1] == b"\1" and len(typed) == 33, "--key", "expected an Ed25519 key")
    return typed[1:]


def check_signature(origin, key, note, signed, part):
    key_id = sha(f"{origin}\n".encode(), b"\1", key)[:4]
    need(signed[:4] == key_id, part, f"not signed with the key {key.hex()}")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        files = {"key": SPKI + key, "note": note, "signature": signed[4:]}
        for name, data in files.items():
            (folder / name).write_bytes(data)
        openssl(part, "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER", "-inkey", folder / "key",
                "-in", folder / "note", "-sigfile", folder / "signature")
    return f"{origin}+{key_id.hex()}+{base64.b64encode(VERSION + key).decode()}"


# The recording: its records are encrypted again, since the leaves are over what was stored.

def read_manifest(data, part):
    need(data[:8] == b"MNFT\0\1\0\0" and len(data) >= 92, part, "expected a manifest of version 1")
    recording, stream, count, _, leaves, length, root = struct.unpack(">16sQIIQQ32s", data[8:88])
    need(len(data) == 88 + 96 * count + 4, part, "another number of chunks than it says")
    chunks, offset = [], 0
    for at in range(88, 88 + 96 * count, 96):
        number, epoch, records, _, plaintext, _, subtree = struct.unpack(">IQIQQ32s32s", data[at : at + 96])
        chunks.append((number, epoch, records, offset, plaintext, subtree))
        offset += plaintext
    need(offset == length and sum(chunk[2] for chunk in chunks) == leaves, part, "the chunks are not the whole")
    return recording, stream, length, root, chunks


class Root:
    """The root over leaf hashes that come one by one."""

    def __init__(self):
        self.count, self.peaks = 0, []

    def push(self, value):
        count = self.count
        while count & 1:
            value, count = sha(b"\1", self.peaks.pop(), value), count >> 1
        self.peaks.append(value)
        self.count += 1

    def value(self):
        value = None
        for peak in reversed(self.peaks):
            value = peak if value is None else sha(b"\1", peak, value)
        return value or sha()


REDUCE = []
for low in range(256):
    value = low
    for _ in range(8):
        value = value >> 1 ^ (0xE1 << 120 if value & 1 else 0)
    REDUCE.append(value)


def ghash_tables(h):
    """The product of H with each byte at each of the 16 places (NIST SP 800-38D, 6.3)."""
    first, power = [0] * 256, h
    for bit in range(7, -1, -1):
        for low in range(1 << bit, 256, 2 << bit):
            for more in range(1 << bit):
                first[low + more] ^= power
        power = power >> 1 ^ (0xE1 << 120 if power & 1 else 0)
    tables = [first]
    for _ in range(15):
        tables.append([value >> 8 ^ REDUCE[value & 255] for value in tables[-1]])
    return tables


def ghash(tables, data):
    (a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p), y = tables, 0
    for at in range(0, len(data), 16):
        x = (y ^ int.from_bytes(data[at : at + 16], "big")).to_bytes(16, "big")
        y = (a[x[0]] ^ b[x[1]] ^ c[x[2]] ^ d[x[3]] ^ e[x[4]] ^ f[x[5]] ^ g[x[6]] ^ h[x[7]]
             ^ i[x[8]] ^ j[x[9]] ^ k[x[10]] ^ l[x[11]] ^ m[x[12]] ^ n[x[13]] ^ o[x[14]] ^ p[x[15]])
    return y.to_bytes(16, "big")


def padded(data):
    return data + bytes(-len(data) % 16)


def sealed_records(key, identity, offset, plaintexts, part):
    """The records as they were stored: AES-256-GCM, whose blocks openssl makes (NIST SP 800-38D, 7.1)."""
    blocks = [bytes(16)]
    for index, plaintext in enumerate(plaintexts):
        nonce = index.to_bytes(12, "big")
        blocks += (nonce + count.to_bytes(4, "big") for count in range(1, 2 + (len(plaintext) + 15) // 16))
    stream = openssl(part, "enc", "-aes-256-ecb", "-nopad", "-K", key.hex(), input=b"".join(blocks))
    tables, at = ghash_tables(int.from_bytes(stream[:16], "big")), 16
    for plaintext in plaintexts:
        length, mask = len(plaintext), stream[at : at + 16]
        pad = stream[at + 16 : at + 16 + length]
        at += 16 + (length + 15) // 16 * 16
        text = (int.from_bytes(plaintext, "big") ^ int.from_bytes(pad, "big")).to_bytes(length, "big")
        beside = VERSION + identity + offset.to_bytes(8, "big")
        sizes = struct.pack(">QQ", 8 * len(beside), 8 * length)
        tag = ghash(tables, padded(beside) + padded(text) + sizes)
        yield text + bytes(x ^ y for x, y in zip(tag, mask))
        offset += length


def read_keys(text, chunks, part):
    keys = {}
    for line in text.splitlines():
        number, _, key = line.partition(" ")
        keys[number] = unhex(key, part)
    expected = [str(chunk[0]) for chunk in chunks]
    need(list(keys) == expected and all(len(key) == 32 for key in keys.values()), part, "expected a key for each chunk")
    return [keys[number] for number in expected]


def check_chunk(recording, name, object_id, chunk, key, entries):
    """Compares what the leaves say of a chunk's records with the bytes of the recording."""
    number, epoch, _, offset, _, _ = chunk
    lengths = [int.from_bytes(entry[:4], "big") for entry in entries]
    plaintexts = [recording.read(length) for length in lengths]
    place = object_id + number.to_bytes(4, "big")
    records = sealed_records(key, place + epoch.to_bytes(8, "big"), offset, plaintexts, "keys.txt")
    for index, (record, entry) in enumerate(zip(records, entries)):
        data = VERSION + place + struct.pack(">II", index, lengths[index]) + sha(record)
        at = f"chunk {number}, record {index}: bytes {offset} to {offset + lengths[index] - 1}"
        need(len(plaintexts[index]) == lengths[index], name, f"{at} are missing")
        need(sha(b"\0", data) == entry[4:], name, f"{at} are not what was sealed, or the chunk's key in keys.txt is another")
        offset += lengths[index]


def verify(folder, trusted, say):
    def read(name):
        try:
            return (folder / name).read_bytes()
        except OSError as error:
            raise Wrong(f"{name}: {error.strerror}") from error

    def parsed(name, parse):
        try:
            return parse(read(name))
        except (ValueError, TypeError, KeyError, struct.error) as error:
            raise Wrong(f"{name}: {error!r}") from error

    when = lambda leaf: time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(leaf["at_ms"] / 1000))
    origin, size, root, note, signed = parsed("checkpoint.txt", lambda data: read_checkpoint(data.decode(), "checkpoint.txt"))
    proofs = parsed("proofs.json", json.loads)
    signing = trusted_key(trusted, origin) if trusted else unhex(named_key(proofs), "proofs.json: key")
    signer = check_signature(origin, signing, note, signed, "checkpoint.txt")
    proven = lambda name: proven_leaf(proofs[name], size, root, f"proofs.json: {name}")
    need(isinstance(proofs, dict) and sorted(proofs) == ["exported", "key", "sealed"], "proofs.json", "expected three proofs")
    try:
        key, exported = proven("key"), proven("exported")
        sealed = proofs["sealed"] and proven("sealed")
    except (KeyError, TypeError, ValueError) as error:
        raise Wrong(f"proofs.json: {error!r}") from error
    need((key["action"], key["detail"]) == ("audit-key", signing.hex()), "proofs.json: key", "the leaf names another key")
    say(f"the checkpoint of {size} leaves is signed with the key that {key['object']} has since {when(key)}")
    need(exported["action"] == "PAM.SessionManagement.Evidence", "proofs.json: exported", "the leaf tells of no export")
    facts = dict(word.split("=", 1) for word in exported["detail"].split() if "=" in word)
    need(sorted(facts) == ["manifest", "recording", "report", "root"], "proofs.json: exported", "expected four facts")
    say(f"leaf {exported['number']} of the log says that {exported['user']!a} exported this on {when(exported)}")

    manifest = read("manifest.bin")
    need(sha(manifest).hex() == facts["manifest"], "manifest.bin", "not the one that was exported")
    recording_id, stream, length, merkle_root, chunks = parsed("manifest.bin", lambda data: read_manifest(data, "manifest.bin"))
    need(merkle_root.hex() == facts["root"] and exported["object"] == f"session/{recording_id.hex()}" and stream == 0,
         "manifest.bin", "of another recording than was exported")
    need(sha(read("report.json")).hex() == facts["report"], "report.json", "not the one that was exported")
    report = parsed("report.json", json.loads)
    need(report["session_info"]["id"] == recording_id.hex() and report["session"]["root"] == facts["root"]
         and report["session"]["size_bytes"] == length, "report.json", "of another recording")
    say(f"manifest and report are those of session {recording_id.hex()} with {length} bytes and root {facts['root']}")
    if sealed:
        need((sealed["action"], sealed["object"], sealed["detail"])
             == ("recording-sealed", exported["object"], f"root={facts['root']} length={length}"),
             "proofs.json: sealed", "the leaf tells of another recording")
        say(f"leaf {sealed['number']} of the log has named this root since {when(sealed)}")
    else:
        say("NOTE: the log has no leaf of its sealing: it names this root only since the export")

    whole, object_id = Root(), recording_id + bytes(8)
    with_recording = facts["recording"] == "yes"
    keys, name = [None] * len(chunks), "leaves.bin"
    if with_recording:
        keys = read_keys(read("keys.txt").decode(errors="replace"), chunks, "keys.txt")
        names = [path.name for path in folder.glob("recording.*")]
        need(len(names) == 1, "recording.*", f"expected one file, not {len(names)}")
        name = names[0]
    with open(folder / "leaves.bin", "rb") as leaves, open(folder / name, "rb") as recording:
        for chunk, chunk_key in zip(chunks, keys):
            entries = [leaves.read(LEAF_BYTES) for _ in range(chunk[2])]
            subtree = Root()
            for entry in entries:
                subtree.push(entry[4:])
                whole.push(entry[4:])
            lengths = sum(int.from_bytes(entry[:4], "big") for entry in entries)
            need(subtree.value() == chunk[5] and lengths == chunk[4], "leaves.bin", f"chunk {chunk[0]} has other leaves")
            if with_recording:
                check_chunk(recording, name, object_id, chunk, chunk_key, entries)
        need(not leaves.read(1), "leaves.bin", "has more leaves than the manifest")
        need(whole.value() == merkle_root, "leaves.bin", "the leaves do not make the root")
        need(not with_recording or not recording.read(1), name, "has more bytes than the manifest")
    say(f"{whole.count} leaves make the root")
    if with_recording:
        say(f"every byte of {name} is what was sealed under that root")
    else:
        say("NOTE: the recording is not in the export; who exported it may not have its bytes")
    told = report["session"].get("sound")
    if told and with_recording:
        digest, length = hashlib.sha256(), 0
        with open(folder / "sound", "rb") as sound:
            while piece := sound.read(1 << 20):
                digest.update(piece)
                length += len(piece)
        need((digest.hexdigest(), length) == (told["sha256"], told["size_bytes"]), "sound", "not the file that the report tells of")
        say(f"every byte of sound is what the report tells, which begins at {told['offset_ms']} ms")
    return signer


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--key", help="the key of the member that signed, as GET /v1/audit/keys shows it")
    parser.add_argument("folder", nargs="?", type=pathlib.Path, default=pathlib.Path(__file__).parent)
    options = parser.parse_args()
    try:
        signer = verify(options.folder, options.key, lambda line: print(f"ok: {line}" if not line.startswith("NOTE") else line))
    except Wrong as wrong:
        print(f"FAILED: {wrong}", file=sys.stderr)
        return 1
    except (OSError, KeyError, TypeError, ValueError) as error:
        print(f"FAILED: {error!r}", file=sys.stderr)
        return 1
    if not options.key:
        print(f"NOTE: compare the key with the one that you know: {signer}")
    print("OK")
    return 0


if __name__ == "__main__":
    sys.exit(main())
