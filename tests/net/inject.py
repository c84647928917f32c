#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Forged segments and ICMP errors against one end of a TCP connection, with scapy.

inject.py quiet IFACE VICTIM PORT KIND... -- COMMAND
    COMMAND causes some traffic on the connection (PORT is one of its ports), which tells addresses
    and sequence numbers; when it is quiet again, one forged packet of each KIND (see KINDS, "blind"
    is all but the exact RST) goes to VICTIM, and VICTIM must answer as it should, or not at all.

inject.py storm IFACE VICTIM PORT SECONDS
    beside running traffic: RSTs and SYNs at sequence numbers all over the place, and every ICMP
    error about segments under way

inject.py reset IFACE VICTIM PORT SECONDS
    beside running traffic: exact RSTs, until a new connection begins; fails if none does in time

IFACE leads to VICTIM, and what VICTIM sends comes in there.
"""
import itertools
import random
import subprocess
import sys
import time

from scapy.all import ICMP, IP, TCP, Ether, Raw, conf

QUIET = 0.3  # seconds without a segment
SILENCE = 0.3  # seconds in which nothing may come
ANSWER = 3  # seconds that an answer may take on a busy machine
HELD_BACK = 0.6  # seconds between challenge ACKs: they are limited (RFC 5961, section 7)
SPACE = 1 << 32
MIDDLE = 1 << 31  # as far outside every window as can be


class Connection:
    """One connection as it looks from beside the wire to VICTIM."""

    def __init__(self, iface, victim, port):
        self.socket = conf.L2socket(iface=iface)
        self.ear = conf.L2listen(iface=iface)  # hears both directions
        self.victim, self.port = victim, port
        self.to_victim = self.from_victim = None  # the last segment of each direction

    def take(self, timeout):
        """The next segment of the connection, or None; remembers it."""
        end = time.monotonic() + timeout
        while (left := end - time.monotonic()) > 0:
            if not self.ear.select([self.ear], left):
                return None
            frame = self.ear.recv()
            if frame is None or TCP not in frame or IP not in frame:
                continue
            if self.port not in (frame[TCP].sport, frame[TCP].dport):
                continue
            if frame[IP].dst == self.victim:
                self.to_victim = frame
            elif frame[IP].src == self.victim:
                self.from_victim = frame
            else:
                continue
            return frame
        return None

    def settle(self):
        """Reads on until nothing is said any more."""
        while self.take(QUIET) is not None:
            pass

    def known(self):
        return self.to_victim is not None and self.from_victim is not None

    def receive_next(self):
        """What the victim expects next: RCV.NXT."""
        return self.from_victim[TCP].ack

    def send_next(self):
        """What the victim will send next: SND.NXT."""
        return (self.from_victim[TCP].seq + payload_len(self.from_victim)) % SPACE

    def forge(self, flags, offset, ack=None, data=b"", base=None):
        """A segment in the peer's name, `offset` beyond what the victim expects (or `base`)."""
        like = self.to_victim
        base = self.receive_next() if base is None else base
        segment = TCP(
            sport=like[TCP].sport,
            dport=like[TCP].dport,
            flags=flags,
            seq=(base + offset) % SPACE,
            ack=self.send_next() if ack is None else ack % SPACE,
            window=like[TCP].window,
            options=[option for option in like[TCP].options if option[0] == "Timestamp"],
        )
        head = Ether(src=like.src, dst=like.dst) / IP(src=like[IP].src, dst=like[IP].dst, ttl=64)
        self.socket.send(head / segment / Raw(data) if data else head / segment)

    def forge_icmp(self, kind, code, mtu, seq):
        """An ICMP error of some router about a segment that the victim sent."""
        quoted = self.from_victim[IP].copy()
        quoted[TCP].seq = seq % SPACE
        error = ICMP(type=kind, code=code, nexthopmtu=mtu) if code == 4 else ICMP(type=kind, code=code)
        self.socket.send(
            Ether(src=self.to_victim.src, dst=self.to_victim.dst)
            / IP(src="192.0.2.254", dst=self.victim)
            / error
            / bytes(quoted)[:60]
        )


def payload_len(frame):
    ip, tcp = frame[IP], frame[TCP]
    return ip.len - ip.ihl * 4 - tcp.dataofs * 4 + ("S" in tcp.flags) + ("F" in tcp.flags)


# Name: how the segment is made, and what must come back.
#   silence: no segment; ack: an ACK, which the true peer ignores; reset: nothing, or whatever
#   belongs to a new connection
KINDS = {
    "rst-outside": (lambda c: c.forge("R", MIDDLE), "silence"),
    "rst-below": (lambda c: c.forge("R", -1), "silence"),
    "rst-in-window": (lambda c: c.forge("R", 1000), "ack"),
    "rst-next-to-exact": (lambda c: c.forge("R", 1), "ack"),
    "rst-ack-in-window": (lambda c: c.forge("RA", 1000), "ack"),
    "syn-exact": (lambda c: c.forge("S", 0), "ack"),
    "syn-in-window": (lambda c: c.forge("S", 1000), "ack"),
    "syn-outside": (lambda c: c.forge("S", MIDDLE), "ack"),
    "syn-ack": (lambda c: c.forge("SA", 0), "ack"),
    "fin-outside": (lambda c: c.forge("FA", MIDDLE), "ack"),
    "data-outside": (lambda c: c.forge("A", MIDDLE, data=b"x" * 100), "ack"),
    "ack-of-unsent": (lambda c: c.forge("A", 0, ack=c.send_next() + 100000), "ack"),
    "ack-of-long-ago": (lambda c: c.forge("A", 0, ack=c.send_next() + MIDDLE), "ack"),
    "no-flags": (lambda c: c.forge("", 0), "silence"),
    "rst-exact": (lambda c: c.forge("R", 0), "reset"),
}


def answers(connection, wanted):
    end, heard = time.monotonic() + (ANSWER if wanted == "ack" else SILENCE), []
    while (left := end - time.monotonic()) > 0:
        frame = connection.take(left)
        if frame is not None and frame[IP].src == connection.victim:
            heard.append(frame)
            end = min(end, time.monotonic() + SILENCE)
    return heard


def check(connection, kind):
    forge, wanted = KINDS[kind]
    forge(connection)
    heard = answers(connection, wanted)
    said = " ".join(str(frame[TCP].flags) or "-" for frame in heard) or "silence"
    ok = {
        "silence": not heard,
        "ack": heard and all(frame[TCP].flags == "A" for frame in heard),
        "reset": True,
    }[wanted]
    print(f"{kind}: {said}" + ("" if ok else f", not {wanted}"), flush=True)
    if heard:
        time.sleep(HELD_BACK - SILENCE)
    return bool(ok)


def quiet(connection, kinds, command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    connection.settle()
    if not connection.known():
        sys.exit("no segment of the connection was seen")
    return 0 if all([check(connection, kind) for kind in kinds]) else 1


ICMP_ERRORS = [(3, code, 0) for code in (0, 1, 2, 3, 13)]
ICMP_ERRORS += [(3, 4, mtu) for mtu in (0, 68, 576, 1400, 9000)] + [(11, 0, 0), (4, 0, 0)]


def storm(connection, seconds):
    print("listening", flush=True)
    end, sent = time.monotonic() + seconds, 0
    errors = itertools.cycle(ICMP_ERRORS)
    while time.monotonic() < end:
        if connection.take(0.1) is None or not connection.known():
            continue
        if connection.from_victim is None or random.random() > 0.1:
            continue
        for _ in range(4):
            # Anywhere but at the next byte: who guesses that one out of 2^32 has won.
            connection.forge(random.choice(["R", "S", "RA", "SA"]), random.randrange(1, SPACE))
            connection.forge(random.choice(["R", "S"]), random.randrange(100000, 1 << 20))
        kind, code, mtu = next(errors)
        connection.forge_icmp(kind, code, mtu, connection.from_victim[TCP].seq)
        connection.forge_icmp(kind, code, mtu, random.randrange(SPACE))
        sent += 10
    print(f"{sent} forged packets sent", flush=True)
    return 0 if sent > 100 else 1


def reset(connection, seconds):
    end, sent = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        frame = connection.take(0.1)
        if frame is None or not connection.known():
            continue
        if "S" in frame[TCP].flags:
            print(f"a new connection after {sent} RSTs", flush=True)
            return 0 if sent > 0 else 1
        # Only the next segment would make it inexact, and there is time until then.
        if frame[IP].dst == connection.victim and "R" not in frame[TCP].flags:
            connection.forge("R", payload_len(frame), base=frame[TCP].seq)
            sent += 1
    return 1


def main(argv):
    if len(argv) < 6 or argv[1] not in ("quiet", "storm", "reset"):
        sys.exit(__doc__)
    connection = Connection(argv[2], argv[3], int(argv[4]))
    random.seed(1)
    if argv[1] == "storm":
        return storm(connection, float(argv[5]))
    if argv[1] == "reset":
        return reset(connection, float(argv[5]))
    split = argv.index("--")
    kinds = argv[5:split]
    if kinds == ["blind"]:
        kinds = [kind for kind in KINDS if kind != "rst-exact"]
    return quiet(connection, kinds, argv[split + 1 :])


sys.exit(main(sys.argv))
