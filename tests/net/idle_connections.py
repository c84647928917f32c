#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Strangers who connect and say nothing.

idle_connections.py ADDR PORT COUNT SOURCE...   keeps COUNT connections open, from those addresses in turn, and
                                                opens each again when it is closed, until it is killed
"""
import itertools
import selectors
import socket
import sys


def main(addr, port, count, sources):
    selector, source = selectors.DefaultSelector(), itertools.cycle(sources)
    opened = received = closed = 0

    def start():
        nonlocal opened
        stranger = socket.socket()
        stranger.setblocking(False)
        stranger.bind((next(source), 0))
        stranger.connect_ex((addr, port))
        selector.register(stranger, selectors.EVENT_READ)
        opened += 1
        if opened == count:
            print("ready", flush=True)

    for _ in range(count):
        start()
    while True:
        for key, _ in selector.select():
            try:
                received += len(key.fileobj.recv(4096))
            except OSError:
                pass
            closed += 1
            if received:
                sys.exit(f"{received} bytes came back")
            selector.unregister(key.fileobj)
            key.fileobj.close()
            start()


if len(sys.argv) < 5:
    sys.exit(__doc__)
main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
