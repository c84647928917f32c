#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A client of the configuration socket that is not wg.

uapi.py SOCKET   sends standard input as it is, and prints all that comes back
"""
import socket
import sys


def main(path):
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(path)
        client.sendall(sys.stdin.buffer.read())
        client.shutdown(socket.SHUT_WR)
        while data := client.recv(65536):
            sys.stdout.buffer.write(data)


if len(sys.argv) != 2:
    sys.exit(__doc__)
main(sys.argv[1])
