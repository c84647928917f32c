#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The relay against itself, on the loopback: UDP client - dial - listen - UDP echo.

usage: test_relay.py RELAY
"""
import contextlib
import random
import signal
import socket
import subprocess
import sys

RELAY = sys.argv[1]
SIZES = [0, 1, 2, 32, 148, 1452, 1500, 9000, 65505, 65507]
LOOPBACK = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}


def endpoint(sock):
    host, port = sock.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def free_endpoint(family, kind):
    with socket.socket(family, kind) as sock:
        sock.bind((LOOPBACK[family], 0))
        return endpoint(sock), sock.getsockname()


def udp_socket(family):
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.bind((LOOPBACK[family], 0))
    sock.settimeout(5)
    return sock


@contextlib.contextmanager
def relay(*arguments, status=0):
    """A running relay; a list that gets its last words when the block ends."""
    said = []
    process = subprocess.Popen([RELAY, *arguments], stderr=subprocess.PIPE, text=True)
    try:
        line = process.stderr.readline()
        assert "ready" in line, line
        yield said
        process.send_signal(signal.SIGTERM)
        said.append(process.communicate(timeout=5)[1])
        assert process.returncode == status, (process.returncode, said)
    finally:
        process.kill()
        process.wait()


def figures(text):
    words = text.strip().splitlines()[-1].split()[1:]
    return dict(zip(words[::2], map(int, words[1::2])))


def exchange(client, entry, target, sizes):
    """Each datagram must reach the target and its echo the client, whole and alone."""
    for size in sizes:
        data = random.randbytes(size)
        client.sendto(data, entry)
        got, source = target.recvfrom(65536)
        assert got == data, (size, len(got))
        target.sendto(got[::-1], source)
        assert client.recv(65536) == data[::-1], size


def burst(client, entry, target, count):
    """Many at once: in order, none lost (they fit the socket buffers), none joined or cut."""
    sent = [random.randbytes(random.randrange(32, 1500)) for _ in range(count)]
    for data in sent:
        client.sendto(data, entry)
    assert [target.recv(65536) for _ in sent] == sent


def test_datagrams_arrive_whole(family, *options):
    tcp, _ = free_endpoint(family, socket.SOCK_STREAM)
    entry_text, entry = free_endpoint(family, socket.SOCK_DGRAM)
    with udp_socket(family) as client, udp_socket(family) as target:
        with relay("listen", tcp, "udp=" + endpoint(target), *options) as listener:
            with relay("dial", tcp, "udp-listen=" + entry_text, *options) as dialler:
                exchange(client, entry, target, SIZES if family == socket.AF_INET else SIZES[:-2])
                burst(client, entry, target, 50)
    for said in dialler, listener:
        assert figures(said[0])["dropped"] == 0, said
        assert figures(said[0])["connections"] == 1, said


def test_dialler_dials_again():
    family = socket.AF_INET
    tcp, _ = free_endpoint(family, socket.SOCK_STREAM)
    entry_text, entry = free_endpoint(family, socket.SOCK_DGRAM)
    with udp_socket(family) as client, udp_socket(family) as target:
        with relay("dial", tcp, "udp-listen=" + entry_text) as dialler:
            for _ in range(3):
                with relay("listen", tcp, "udp=" + endpoint(target)):
                    exchange(client, entry, target, [148])
    assert figures(dialler[0])["connections"] == 3, dialler


def test_long_frame_closes_the_connection():
    family = socket.AF_INET
    tcp, tcp_addr = free_endpoint(family, socket.SOCK_STREAM)
    with udp_socket(family) as target, relay("listen", tcp, "udp=" + endpoint(target)):
        for data, ends in ((b"\xff\xff", True), (b"\xff\xe3", False)):  # 65535, 65507
            with socket.create_connection(tcp_addr) as conn:
                conn.sendall(data)
                conn.settimeout(5 if ends else 0.3)
                try:
                    assert conn.recv(1) == b"" and ends
                except TimeoutError:
                    assert not ends


def test_each_connection_has_its_own_udp_port():
    family = socket.AF_INET
    tcp, tcp_addr = free_endpoint(family, socket.SOCK_STREAM)
    with udp_socket(family) as target, relay("listen", tcp, "udp=" + endpoint(target)):
        with socket.create_connection(tcp_addr) as one, socket.create_connection(tcp_addr) as two:
            for conn in one, two:
                conn.settimeout(5)
            one.sendall(b"\0\3one")
            _, source_one = target.recvfrom(100)
            two.sendall(b"\0\3two")
            _, source_two = target.recvfrom(100)
            assert source_one != source_two
            target.sendto(b"1", source_one)
            target.sendto(b"2", source_two)
            assert one.recv(3, socket.MSG_WAITALL) == b"\0\1" + b"1"
            assert two.recv(3, socket.MSG_WAITALL) == b"\0\1" + b"2"


def has_ipv6():
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as sock:
        sock.bind(("::1", 0))
        return True
    return False


random.seed(1)
for fam in [socket.AF_INET] + ([socket.AF_INET6] if has_ipv6() else []):
    for opts in (), ("--split", "7"), ("--split", "700"), ("--coalesce",), ("--coalesce", "--split", "99"):
        test_datagrams_arrive_whole(fam, *opts)
test_dialler_dials_again()
test_long_frame_closes_the_connection()
test_each_connection_has_its_own_udp_port()
print("ok")
