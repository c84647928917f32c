#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""One bulk transfer over TCP, with a checksum.

bulk.py recv ADDR PORT                 accepts one connection, reads to its end
bulk.py send ADDR PORT BYTES SEED [CC] sends that many pseudo-random bytes; "2s" instead of BYTES:
                                       for so many seconds. CC: congestion control, e.g. cubic

Both print "SHA256 BYTES SECONDS". The receiver prints "listening" first.
"""
import hashlib
import random
import socket
import sys
import time

CHUNK = 65536


def family(addr):
    return socket.AF_INET6 if ":" in addr else socket.AF_INET


def report(digest, total, started):
    print(digest.hexdigest(), total, f"{time.monotonic() - started:.3f}", flush=True)


def recv(addr, port):
    with socket.socket(family(addr)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((addr, port))
        listener.listen(1)
        print("listening", flush=True)
        conn, _ = listener.accept()
    digest, total, started = hashlib.sha256(), 0, time.monotonic()
    with conn:
        while data := conn.recv(CHUNK):
            digest.update(data)
            total += len(data)
    report(digest, total, started)


def chunks(amount, seed):
    source = random.Random(seed)
    if amount.endswith("s"):
        end = time.monotonic() + float(amount[:-1])
        while time.monotonic() < end:
            yield source.randbytes(CHUNK)
        return
    left = int(amount)
    while left > 0:
        yield source.randbytes(min(CHUNK, left))
        left -= min(CHUNK, left)


def send(addr, port, amount, seed, congestion=None):
    digest, total, started = hashlib.sha256(), 0, time.monotonic()
    with socket.socket(family(addr)) as conn:
        if congestion:
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, congestion.encode())
        conn.connect((addr, port))
        for data in chunks(amount, seed):
            digest.update(data)
            total += len(data)
            conn.sendall(data)
        conn.shutdown(socket.SHUT_WR)
        conn.recv(1)  # the receiver closes once it has everything
    report(digest, total, started)


def main(argv):
    if len(argv) == 4 and argv[1] == "recv":
        recv(argv[2], int(argv[3]))
    elif len(argv) in (6, 7) and argv[1] == "send":
        send(argv[2], int(argv[3]), argv[4], int(argv[5]), *argv[6:])
    else:
        sys.exit(__doc__)


main(sys.argv)
