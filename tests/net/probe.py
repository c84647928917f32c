#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What a stream of pings saw.

probe.py FILE   FILE is the output of "ping -n -D"; prints "p50 MS p99 MS lost PERCENT gap MS":
                round trips, the share of lost ones (of those before the last answer: the others
                may be under way), the longest time between two answers
"""
import re
import sys

ANSWER = re.compile(r"^\[([0-9.]+)\].* icmp_seq=([0-9]+) .* time=([0-9.]+) ms$", re.M)


def percentile(values, share):
    return sorted(values)[round((len(values) - 1) * share)] if values else float("nan")


def main(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    answers = [(float(at), int(number), float(rtt)) for at, number, rtt in ANSWER.findall(text)]
    numbers = {number for _, number, _ in answers}
    rtts = [rtt for _, _, rtt in answers]
    gaps = [later[0] - earlier[0] for earlier, later in zip(answers, answers[1:])]
    lost = 1 - len(numbers) / max(numbers) if numbers else float("nan")
    print(
        f"p50 {percentile(rtts, 0.5):.0f} p99 {percentile(rtts, 0.99):.0f}"
        f" lost {lost * 100:.1f}"
        f" gap {max(gaps, default=float('nan')) * 1000:.0f}"
    )


if len(sys.argv) != 2:
    sys.exit(__doc__)
main(sys.argv[1])
