#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Who looks at a daemon from outside.

observe.py get ADDRESS PORT PATH [ACCEPT]   one GET; prints the body, and the status on stderr
observe.py silent ADDRESS PORT              a client that says nothing; prints when it was closed
observe.py telemetry SOCKET COMMAND...      what dpdk-telemetry.py does; prints JSON, an answer a line
observe.py notify SOCKET                    a service manager; prints "SECONDS datagram" lines
observe.py freeze PID THREAD SECONDS        stops that one thread of the process, by its name; prints from
                                            when to when
observe.py ephemerals INTERFACE             prints the ephemeral key of each UDP initiation passing by
"""
import base64
import ctypes
import http.client
import json
import os
import socket
import sys
import time


def get(address, port, path, accept="text/plain"):
    c = http.client.HTTPConnection(address, int(port), timeout=10)
    c.request("GET", path, headers={"Accept": accept})
    r = c.getresponse()
    print(r.status, r.getheader("Content-Type"), file=sys.stderr)
    sys.stdout.write(r.read().decode())


def silent(address, port):
    started = time.monotonic()
    with socket.create_connection((address, int(port)), timeout=20) as s:
        s.sendall(b"GET /met")
        while s.recv(100):
            pass
    print(f"closed after {time.monotonic() - started:.0f} s")


def telemetry(path, *commands):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.settimeout(5)
        s.connect(path)
        limit = json.loads(s.recv(1024))["max_output_len"]
        for command in commands:
            s.send(command.encode())
            print(json.dumps(json.loads(s.recv(limit))), flush=True)


def notify(path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(path)
        print("listening", flush=True)
        while True:
            print(f"{time.monotonic():.1f}", s.recv(4096).decode().replace("\n", " "), flush=True)


def freeze(pid, name, seconds):
    """SIGSTOP would stop the whole process; a tracer stops a thread."""
    seize, interrupt, detach = 0x4206, 0x4207, 17
    tasks = f"/proc/{pid}/task"
    tid, = (int(t) for t in os.listdir(tasks) if open(f"{tasks}/{t}/comm").read().strip() == name)
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
    for request in seize, interrupt:
        if ptrace(request, tid, None, None) != 0:
            sys.exit(f"cannot stop it: {os.strerror(ctypes.get_errno())}")
    os.waitpid(tid, 0x40000000)  # __WALL
    stopped = time.monotonic()
    time.sleep(float(seconds))
    print(f"{stopped:.1f} {time.monotonic():.1f}")
    ptrace(detach, tid, None, None)


def ephemerals(interface):
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as s:
        s.bind((interface, 0))
        print("listening", flush=True)
        while True:
            payload = s.recv(65536)[14 + 20 + 8 :]
            if len(payload) == 148 and payload[:4] == b"\x01\0\0\0":
                print(base64.b64encode(payload[8:40]).decode(), flush=True)


COMMANDS = {f.__name__: f for f in (get, silent, telemetry, notify, freeze, ephemerals)}

if len(sys.argv) < 3 or sys.argv[1] not in COMMANDS:
    sys.exit(__doc__)
if sys.argv[1] == "notify" and os.path.exists(sys.argv[2]):
    os.unlink(sys.argv[2])
COMMANDS[sys.argv[1]](*sys.argv[2:])
