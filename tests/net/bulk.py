#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""One bulk transfer over TCP, with a checksum.

bulk.py recv ADDR PORT            accepts one connection, reads to its end
bulk.py send ADDR PORT BYTES SEED sends that many pseudo-random bytes

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


def send(addr, port, total, seed):
    source, digest, started = random.Random(seed), hashlib.sha256(), time.monotonic()
    left = total
    with socket.socket(family(addr)) as conn:
        conn.connect((addr, port))
        while left > 0:
            data = source.randbytes(min(CHUNK, left))
            digest.update(data)
            conn.sendall(data)
            left -= len(data)
        conn.shutdown(socket.SHUT_WR)
        conn.recv(1)  # the receiver closes once it has everything
    report(digest, total, started)


def main(argv):
    if len(argv) == 4 and argv[1] == "recv":
        recv(argv[2], int(argv[3]))
    elif len(argv) == 6 and argv[1] == "send":
        send(argv[2], int(argv[3]), int(argv[4]), int(argv[5]))
    else:
        sys.exit(__doc__)


main(sys.argv)
