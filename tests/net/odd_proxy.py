#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A TCP proxy with bad manners, between two daemons.

odd_proxy.py LISTEN-ADDR PORT TARGET-ADDR TARGET-PORT

Standard input takes a line at a time, each is answered by "done LINE" on standard output:
  bytes | whole    hands every byte on in a segment of its own | hands on what comes as it comes
  stop | go        reads nothing any more, so that windows close | reads again
  half client      ends its own sending to the clients (FIN), and reads on from them
  half target      the same towards the target
"""
import os
import select
import socket
import sys

CHUNK = 65536
RECEIVE_BUFFER = 16384  # small, so that a window closes soon


class Proxy:
    def __init__(self, listen, target):
        self.listener = socket.create_server(listen, backlog=16)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self.target = target
        self.other = {}  # each socket's counterpart
        self.clients = set()
        self.step = CHUNK
        self.reads = True

    def accept(self):
        client, _ = self.listener.accept()
        server = socket.create_connection(self.target)
        for side in (client, server):
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            side.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self.other[client], self.other[server] = server, client
        self.clients.add(client)

    def close(self, side):
        for each in (side, self.other.pop(side)):
            self.other.pop(each, None)
            self.clients.discard(each)
            each.close()

    def pass_on(self, side):
        try:
            data = side.recv(CHUNK if self.step == CHUNK else 2000)
            for at in range(0, len(data), self.step):
                self.other[side].sendall(data[at : at + self.step])
        except OSError:
            data = b""
        if not data:
            self.close(side)

    def half_close(self, whom):
        for side in list(self.other):
            if (side in self.clients) == (whom == "client"):
                side.shutdown(socket.SHUT_WR)

    def command(self, line):
        if line in ("bytes", "whole"):
            self.step = 1 if line == "bytes" else CHUNK
        elif line in ("stop", "go"):
            self.reads = line == "go"
        elif line in ("half client", "half target"):
            self.half_close(line.split()[1])
        else:
            sys.exit(f"odd_proxy: {line}?")
        print(f"done {line}", flush=True)

    def run(self):
        print("ready", flush=True)
        while True:
            sides = list(self.other) if self.reads else []
            for ready in select.select([sys.stdin.fileno(), self.listener, *sides], [], [])[0]:
                if ready is self.listener:
                    self.accept()
                elif ready in self.other:
                    self.pass_on(ready)
                elif isinstance(ready, int):
                    for line in os.read(ready, CHUNK).decode().splitlines():
                        self.command(line)


if len(sys.argv) != 5:
    sys.exit(__doc__)
Proxy((sys.argv[1], int(sys.argv[2])), (sys.argv[3], int(sys.argv[4]))).run()
