#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Figures of tests/bench/tunnel.

tunnel_figures.py CASE DIR        one round of one case, from what iperf3 and ping left in DIR: a line of JSON
tunnel_figures.py --table FILE [JSON]  the medians of the lines in FILE as a table in markdown; JSON keeps all
"""
import json
import os
import re
import statistics
import sys

COLUMNS = [
    ("up", "TCP up, Mbit/s"),
    ("down", "TCP down, Mbit/s"),
    ("udp", "UDP up, Mbit/s"),
    ("idle_p50", "ping idle p50, ms"),
    ("idle_p99", "p99"),
    ("busy_p50", "beside TCP p50, ms"),
    ("busy_p99", "p99"),
]
RTT = re.compile(r"time=([0-9.]+) ms")


def percentile(values, share):
    return sorted(values)[round((len(values) - 1) * share)] if values else None


def received(path):
    with open(path, encoding="utf-8") as file:
        end = json.load(file)["end"]
    if "sum_received" in end and end["sum_received"]["bits_per_second"]:
        total = end["sum_received"]
        return total["bits_per_second"] / 1e6
    total = end["sum"]
    return total["bits_per_second"] / 1e6 * (1 - total["lost_percent"] / 100)


def measure(case, directory):
    row = {"case": case.split("=")[0] if "=" not in case else case}
    for name in ("up", "down", "udp"):
        row[name] = round(received(os.path.join(directory, name + ".json")), 1)
    for name in ("idle", "busy"):
        with open(os.path.join(directory, name + ".ping"), encoding="utf-8") as file:
            rtts = [float(rtt) for rtt in RTT.findall(file.read())]
        row[name + "_p50"] = percentile(rtts, 0.5)
        row[name + "_p99"] = percentile(rtts, 0.99)
    print(json.dumps(row))


def median(rows, name):
    values = [row[name] for row in rows if row[name] is not None]
    return statistics.median(values) if values else None


def shown(value, name, base):
    if value is None:
        return "–"
    if "_p" in name:
        return f"{value:.2f}"
    return f"{value:.0f}" + (f" ({value / base:.1f} ×)" if base else "")


def table(path, kept):
    with open(path, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    cases = {}
    for row in lines:
        cases.setdefault(row["case"], []).append(row)
    base = cases.get("wireguard-go")
    print("| tunnel | " + " | ".join(title for _, title in COLUMNS) + " |")
    print("|---" * (len(COLUMNS) + 1) + "|")
    for case, rows in cases.items():
        cells = [
            shown(median(rows, name), name, base and case != "wireguard-go" and median(base, name))
            for name, _ in COLUMNS
        ]
        print(f"| {case} | " + " | ".join(cells) + " |")
    if base:
        print("\nMedians; in brackets, times wireguard-go.")
    if kept:
        with open(kept, "w", encoding="utf-8") as file:
            json.dump({"rounds": lines}, file, indent=1)
            file.write("\n")


if len(sys.argv) in (3, 4) and sys.argv[1] == "--table":
    table(sys.argv[2], sys.argv[3] if len(sys.argv) == 4 else None)
elif len(sys.argv) == 3:
    measure(sys.argv[1], sys.argv[2])
else:
    sys.exit(__doc__)
