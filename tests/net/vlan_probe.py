# SPDX-License-Identifier: BSD-3-Clause
"""vlan_probe.py INTERFACE VLAN OURS THEIRS: resolves and pings THEIRS (IPv4) with frames that carry
an 802.1Q tag of our own making, since not every kernel has VLAN interfaces. Only answers with the
same tag count. Exit status 0: both were answered."""
import socket
import struct
import sys
import time

ETH_P_ALL, ETH_P_8021Q, ETH_P_ARP, ETH_P_IP = 3, 0x8100, 0x0806, 0x0800
SOL_PACKET, PACKET_AUXDATA, TP_STATUS_VLAN_VALID = 263, 8, 0x10


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


class Wire:
    def __init__(self, interface, vlan):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.bind((interface, 0))
        self.socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self.eth = self.socket.getsockname()[4]
        self.vlan = vlan

    def send(self, dst, kind, payload):
        self.socket.send(dst + self.eth + struct.pack("!HHH", ETH_P_8021Q, self.vlan, kind) +
                         payload.ljust(46, b"\0"))

    def receive(self, seconds):
        """(type, source, payload) of a frame of our VLAN, or None."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                frame, ancillary, _, _ = self.socket.recvmsg(2048, 256)
            except socket.timeout:
                return None
            tag, body = self.tag_of(frame, ancillary)
            if tag == self.vlan and frame[:6] == self.eth:
                return struct.unpack("!H", body[:2])[0], frame[6:12], body[2:]
        return None

    @staticmethod
    def tag_of(frame, ancillary):
        """The kernel may have taken the tag off and say so beside the frame."""
        for level, kind, data in ancillary:
            if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
                status, tci = struct.unpack("=I4x4x2x2xH", data[:18])
                if status & TP_STATUS_VLAN_VALID:
                    return tci & 0xFFF, frame[12:]
        if struct.unpack("!H", frame[12:14])[0] == ETH_P_8021Q:
            return struct.unpack("!H", frame[14:16])[0] & 0xFFF, frame[16:]
        return None, frame[12:]


def resolve(wire, ours, theirs):
    head = struct.pack("!HHBBH", 1, ETH_P_IP, 6, 4, 1)
    wire.send(b"\xff" * 6, ETH_P_ARP, head + wire.eth + ours + b"\0" * 6 + theirs)
    while (got := wire.receive(1)) is not None:
        kind, source, payload = got
        if kind == ETH_P_ARP and payload[6:8] == b"\0\2" and payload[14:18] == theirs:
            return source
    return None


def ping(wire, eth, ours, theirs):
    icmp = struct.pack("!BBHHH", 8, 0, 0, 7, 1) + b"tagged"
    icmp = icmp[:2] + struct.pack("!H", checksum(icmp)) + icmp[4:]
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(icmp), 1, 0, 64, 1, 0, ours, theirs)
    ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    wire.send(eth, ETH_P_IP, ip + icmp)
    while (got := wire.receive(1)) is not None:
        kind, _, payload = got
        if kind == ETH_P_IP and payload[12:16] == theirs and payload[20] == 0:
            return payload[28:34] == b"tagged"
    return False


def main():
    interface, vlan, ours, theirs = sys.argv[1:]
    wire = Wire(interface, int(vlan))
    ours, theirs = socket.inet_aton(ours), socket.inet_aton(theirs)
    eth = resolve(wire, ours, theirs)
    if eth is None:
        sys.exit("no tagged answer to ARP")
    if not ping(wire, eth, ours, theirs):
        sys.exit("no tagged answer to the ping")


main()
