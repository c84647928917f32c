#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What a stranger may send to a listening port, and what must come back: nothing.

usage: garbage.py ADDR PORT

Every TCP connection must be closed by the other side without a byte, at the latest LIMIT seconds
after it was opened. UDP must stay unanswered, by ICMP too. Prints a line for each kind; the exit
status tells whether all went well.
"""
import random
import socket
import struct
import sys
import threading
import time

LIMIT = 20
MANY = 300
ADDR, PORT = sys.argv[1], int(sys.argv[2])
FAMILY = socket.AF_INET6 if ":" in ADDR else socket.AF_INET
random.seed(1)


def frame(message):
    return struct.pack(">H", len(message)) + message


def message(kind, size):
    return struct.pack("<I", kind) + random.randbytes(size - 4)


STREAMS = {
    "tcp random": random.randbytes(4000),
    "tcp long frame": b"\xff\xff" + random.randbytes(100),
    "tcp short frame": frame(b"\x01\x00\x00\x00\x00"),
    "tcp forged initiation": frame(message(1, 148)) * 3,
    "tcp forged response": frame(message(2, 92)),
    "tcp forged data": frame(message(4, 1452)) * 10,
    "tcp unknown type": frame(message(9, 148)),
    "tcp wrong length for its type": frame(message(1, 147)),
    "tcp empty frames": b"\0\0" * 500,
    "tcp half a frame": frame(message(1, 148))[:20],
    "tcp one byte": b"\0",
    "tcp http": b"GET / HTTP/1.1\r\nHost: example.net\r\n\r\n",
    "tcp silence": b"",
}


def connect():
    return socket.create_connection((ADDR, PORT), timeout=LIMIT)


def expect_close(conn):
    """Closed by the other side, by FIN or RST, without a byte."""
    try:
        got = conn.recv(1)
    except ConnectionResetError:
        return
    assert got == b"", f"{len(got)} byte came back"


def stream(data):
    with connect() as conn:
        try:
            conn.sendall(data)
        except (ConnectionResetError, BrokenPipeError):
            return
        expect_close(conn)


def closed_by_us():
    for _ in range(20):
        with connect() as conn:
            conn.shutdown(socket.SHUT_WR)
            expect_close(conn)


def reset_by_us():
    for _ in range(20):
        with connect() as conn:
            conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def datagrams():
    with socket.socket(FAMILY, socket.SOCK_DGRAM) as sock:
        sock.connect((ADDR, PORT))
        sock.settimeout(1)
        sizes = [0, 1, 3, 4, 31, 32, 64, 92, 148, 149, 1400]
        for data in [random.randbytes(n) for n in sizes] + [
            message(kind, n) for kind in range(6) for n in sizes if n >= 4
        ]:
            sock.send(data)
        try:
            got = sock.recv(2000)
        except TimeoutError:
            return
        raise AssertionError(f"{len(got)} bytes came back")


def many():
    """More connections than a listener keeps for strangers: all end, and it still listens."""
    conns = []
    for _ in range(MANY):
        conn = socket.socket(FAMILY)
        conn.setblocking(False)
        conn.connect_ex((ADDR, PORT))
        conns.append(conn)
    time.sleep(1)
    for conn in conns:
        conn.close()
    closed_by_us()


failed = []


def attempt(name, test, *arguments):
    started = time.monotonic()
    try:
        test(*arguments)
        verdict = "ok"
    except (AssertionError, OSError) as error:
        verdict = f"{type(error).__name__}: {error}"
        failed.append(name)
    print(f"{name}: {verdict} ({time.monotonic() - started:.1f} s)", flush=True)


threads = [
    threading.Thread(target=attempt, args=("udp", datagrams)),
    threading.Thread(target=attempt, args=("tcp closed by us", closed_by_us)),
    threading.Thread(target=attempt, args=("tcp reset by us", reset_by_us)),
] + [threading.Thread(target=attempt, args=(name, stream, data)) for name, data in STREAMS.items()]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
attempt("tcp many", many)
sys.exit(1 if failed else 0)
