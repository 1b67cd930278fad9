#!/usr/bin/env python3
"""A small MongoDB client for scripts and tests: no distribution carries a shell for it.

  mongodb.py HOST:PORT run DATABASE COMMAND     runs a command (- is the one on the input), prints the answer
  mongodb.py HOST:PORT load DATABASE FILE       loads a fixture: a line for each collection or document
Options: --user U --password P (kept in admin, SCRAM-SHA-256), --ca FILE (TLS)

Commands and documents are Extended JSON, version 2, canonical; answers are too as far as they hold numbers, texts,
identifiers, dates and bytes.
"""
import argparse
import base64
import decimal
import hashlib
import hmac
import json
import os
import socket
import ssl
import struct
import sys


def c_string(text):
    return text.encode() + b"\0"


def string(text):
    data = text.encode("utf-8", "surrogatepass") + b"\0"
    return struct.pack("<i", len(data)) + data


def decimal128(text):
    """The bits of a decimal, its coefficient as an integer."""
    sign = (1 << 127) if text.startswith("-") else 0
    word = text.lstrip("+-").lower()
    if word in ("infinity", "inf"):
        return (sign | 0x78 << 120).to_bytes(16, "little")
    if word == "nan":
        return (0x7C << 120).to_bytes(16, "little")
    parts = decimal.Decimal(word).as_tuple()
    coefficient, exponent = int("".join(map(str, parts.digits))), parts.exponent
    while exponent > 6111:
        coefficient, exponent = coefficient * 10, exponent - 1
    return (sign | (exponent + 6176) << 113 | coefficient).to_bytes(16, "little")


# The one-field documents that stand for a value: the type's number, and the value's bytes.
WRAPPED = {
    "$numberDouble": lambda v: (1, struct.pack("<d", float(v.replace("Infinity", "inf")))),
    "$undefined": lambda v: (6, b""),
    "$oid": lambda v: (7, bytes.fromhex(v)),
    "$date": lambda v: (9, struct.pack("<q", int(v["$numberLong"]))),
    "$regularExpression": lambda v: (11, c_string(v["pattern"]) + c_string(v["options"])),
    "$dbPointer": lambda v: (12, string(v["$ref"]) + bytes.fromhex(v["$id"]["$oid"])),
    "$code": lambda v: (13, string(v)),
    "$symbol": lambda v: (14, string(v)),
    "$numberInt": lambda v: (16, struct.pack("<i", int(v))),
    "$timestamp": lambda v: (17, struct.pack("<II", int(v["i"]), int(v["t"]))),
    "$numberLong": lambda v: (18, struct.pack("<q", int(v))),
    "$numberDecimal": lambda v: (19, decimal128(v)),
    "$minKey": lambda v: (255, b""),
    "$maxKey": lambda v: (127, b""),
}


def binary(value):
    data, kind = base64.b64decode(value["base64"]), int(value["subType"], 16)
    if kind == 2:
        data = struct.pack("<i", len(data)) + data
    return 5, struct.pack("<iB", len(data), kind) + data


def code_with_scope(value):
    data = string(value["$code"]) + document(value["$scope"])
    return 15, struct.pack("<i", len(data) + 4) + data


def encode(value):
    """The number of a value's type, and its bytes."""
    if value is None:
        return 10, b""
    if isinstance(value, bool):
        return 8, bytes([value])
    if isinstance(value, str):
        return 2, string(value)
    if isinstance(value, int):
        small = -(2**31) <= value < 2**31
        return (16, struct.pack("<i", value)) if small else (18, struct.pack("<q", value))
    if isinstance(value, float):
        return 1, struct.pack("<d", value)
    if isinstance(value, list):
        return 4, document({str(i): item for i, item in enumerate(value)})
    names = list(value)
    if len(names) == 1 and names[0] in WRAPPED:
        return WRAPPED[names[0]](value[names[0]])
    if names == ["$binary"]:
        return binary(value["$binary"])
    if sorted(names) == ["$code", "$scope"]:
        return code_with_scope(value)
    return 3, document(value)


def document(fields):
    out = b""
    for name, value in fields.items():
        kind, data = encode(value)
        out += bytes([kind]) + c_string(name) + data
    return struct.pack("<i", len(out) + 5) + out + b"\0"


def decode(data, at=0):
    """A document; other types than answers of commands have are not known."""
    end = at + struct.unpack_from("<i", data, at)[0] - 1
    at += 4
    fields = {}
    while at < end:
        kind, stop = data[at], data.index(b"\0", at + 1)
        name, at = data[at + 1 : stop].decode(), stop + 1
        length = struct.unpack_from("<i", data, at)[0] if kind in (2, 3, 4, 5) else 0
        if kind == 1:
            value, size = struct.unpack_from("<d", data, at)[0], 8
        elif kind == 2:
            value, size = data[at + 4 : at + 3 + length].decode(), 4 + length
        elif kind in (3, 4):
            value, size = decode(data, at), length
            value = list(value.values()) if kind == 4 else value
        elif kind == 5:
            value, size = base64.b64encode(data[at + 5 : at + 5 + length]).decode(), 5 + length
        elif kind == 7:
            value, size = {"$oid": data[at : at + 12].hex()}, 12
        elif kind == 8:
            value, size = data[at] == 1, 1
        elif kind == 10:
            value, size = None, 0
        elif kind == 16:
            value, size = struct.unpack_from("<i", data, at)[0], 4
        elif kind in (9, 17, 18):
            value, size = struct.unpack_from("<q", data, at)[0], 8
        else:
            raise SystemExit(f"the answer has a value of type {kind}")
        fields[name], at = value, at + size
    return fields


class Client:
    def __init__(self, address, ca):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), 30)
        if ca:
            context = ssl.create_default_context(cafile=ca)
            self.socket = context.wrap_socket(self.socket, server_hostname=host)

    def read(self, length):
        data = b""
        while len(data) < length:
            part = self.socket.recv(length - len(data))
            if not part:
                raise SystemExit("the server closed the connection")
            data += part
        return data

    def run(self, database, command):
        body = struct.pack("<IB", 0, 0) + document({**command, "$db": database})
        self.socket.sendall(struct.pack("<iiii", 16 + len(body), 1, 0, 2013) + body)
        length = struct.unpack("<i", self.read(16)[:4])[0]
        answer = decode(self.read(length - 16), 5)
        if not answer.get("ok") or answer.get("writeErrors"):
            raise SystemExit(f"the server refuses {next(iter(command))}: {answer}")
        return answer

    def log_in(self, user, password):
        def payload(text):
            return {"$binary": {"base64": base64.b64encode(text.encode()).decode(), "subType": "0"}}

        nonce = base64.b64encode(os.urandom(18)).decode()
        first = f"n={user},r={nonce}"
        options = {"skipEmptyExchange": True}
        start = {"saslStart": 1, "mechanism": "SCRAM-SHA-256", "payload": payload("n,," + first), "options": options}
        answer = self.run("admin", start)
        challenge = base64.b64decode(answer["payload"]).decode()
        said = dict(part.split("=", 1) for part in challenge.split(","))
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(said["s"]), int(said["i"]))
        key = hmac.digest(salted, b"Client Key", "sha256")
        last = "c=biws,r=" + said["r"]
        exchange = ",".join([first, challenge, last]).encode()
        signature = hmac.digest(hashlib.sha256(key).digest(), exchange, "sha256")
        proof = base64.b64encode(bytes(a ^ b for a, b in zip(key, signature))).decode()
        proof = payload(f"{last},p={proof}")
        self.run("admin", {"saslContinue": 1, "conversationId": answer["conversationId"], "payload": proof})

    def load(self, database, path):
        collection, waiting = None, []

        def insert():
            if waiting:
                self.run(database, {"insert": collection, "documents": waiting})
                waiting.clear()

        # The order of lines counts: a capped collection keeps the last ones.
        for line in open(path, encoding="utf-8"):
            entry = json.loads(line)
            if "create" in entry:
                insert()
                self.run(database, {"create": entry["create"], **entry["options"]})
                continue
            if entry["collection"] != collection or len(waiting) == 500:
                insert()
                collection = entry["collection"]
            waiting.append(entry["document"])
        insert()


def main():
    arguments = argparse.ArgumentParser(usage=__doc__)
    arguments.add_argument("address")
    arguments.add_argument("word", choices=["run", "load"])
    arguments.add_argument("database")
    arguments.add_argument("what")
    arguments.add_argument("--user")
    arguments.add_argument("--password")
    arguments.add_argument("--ca")
    given = arguments.parse_args()
    client = Client(given.address, given.ca)
    if given.user:
        client.log_in(given.user, given.password)
    if given.word == "load":
        client.load(given.database, given.what)
    else:
        command = sys.stdin.read() if given.what == "-" else given.what
        json.dump(client.run(given.database, json.loads(command)), sys.stdout)
        print()


if __name__ == "__main__":
    main()
