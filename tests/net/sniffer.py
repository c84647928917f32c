#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""sniffer.py INTERFACE LONGEST: verifies what crosses an interface, until SIGTERM.

Of every frame of UDP or TCP: it is no longer than LONGEST (and a VLAN tag), no offload of the kernel is
pending, the IP length is that of the frame, all checksums are right. Prints the first that are wrong, and
at the end how many there were of each kind: "udp N tcp N wrong N".
"""
import signal
import socket
import struct
import sys

ETH_P_ALL = 3
SOL_PACKET, PACKET_AUXDATA, PACKET_VNET_HDR = 263, 8, 15
VNET_LEN = 10
NAMES = {6: "tcp", 17: "udp"}
counts = {"udp": 0, "tcp": 0, "wrong": 0}


def folded(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def upper_of(packet):
    """Protocol, pseudo header's addresses, upper-layer packet; or why not."""
    if packet[0] >> 4 == 4:
        header = (packet[0] & 15) * 4
        length = struct.unpack_from("!H", packet, 2)[0]
        if folded(packet[:header]) != 0xFFFF:
            raise ValueError("IPv4 checksum")
        protocol, addresses = packet[9], packet[12:20]
    else:
        header = 40
        length = 40 + struct.unpack_from("!H", packet, 4)[0]
        protocol, addresses = packet[6], packet[8:40]
    if protocol in NAMES and length != len(packet):
        raise ValueError(f"IP length {length} in {len(packet)} bytes")
    return protocol, addresses, packet[header:length]


def verify(frame, longest, vnet):
    at = 12
    if frame[at : at + 2] == b"\x81\x00":
        at += 4
        longest += 4
    if frame[at : at + 2] not in (b"\x08\x00", b"\x86\xdd"):
        return
    protocol, addresses, upper = upper_of(frame[at + 2 :])
    if protocol not in NAMES:
        return
    if len(frame) > longest:
        raise ValueError(f"{len(frame)} bytes")
    if vnet[0] & 1 or vnet[1]:
        raise ValueError(f"offload pending: {vnet.hex()}")
    if protocol == 17 and struct.unpack_from("!H", upper, 4)[0] != len(upper):
        raise ValueError("UDP length")
    if folded(addresses + struct.pack("!II", protocol, len(upper)) + upper) != 0xFFFF:
        raise ValueError("checksum")
    counts[NAMES[protocol]] += 1


def stop(*_):
    print(" ".join(f"{name} {n}" for name, n in counts.items()), flush=True)
    sys.exit(0)


def main():
    interface, longest = sys.argv[1], int(sys.argv[2])
    signal.signal(signal.SIGTERM, stop)
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    s.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    s.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
    s.bind((interface, 0))
    print("listening", flush=True)
    while True:
        data = s.recv(70000)
        try:
            verify(data[VNET_LEN:], longest, data[:VNET_LEN])
        except (ValueError, IndexError, struct.error) as e:
            counts["wrong"] += 1
            if counts["wrong"] <= 3:
                print(f"wrong: {e}: {data[:100].hex()}", flush=True)


main()
