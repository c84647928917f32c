#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Checks a text of metrics as `promtool check metrics` would, and a dashboard against it.

    check_metrics.py [--dashboard FILE] [--openmetrics] [PROGRAM ARGUMENT...]

The text comes from the program's stdout, or from stdin. With a dashboard: every metric that it names
must be exported, and those that it leaves out are listed.
"""
import argparse
import json
import re
import subprocess
import sys

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"'
SAMPLE = re.compile(rf"^({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? (\S+)$")
# https://prometheus.io/docs/practices/naming: base units, in the plural, before _total.
UNITS_TO_AVOID = ("_ms", "_milliseconds", "_ns", "_nanoseconds", "_us", "_minutes", "_kilobytes", "_bits")


class Wrong(Exception):
    pass


def want(condition, complaint):
    if not condition:
        raise Wrong(complaint)


def family_of(sample, family, openmetrics):
    """The name a sample's family must have."""
    if openmetrics and family["type"] == "counter":
        want(sample.endswith("_total"), f"{sample}: a counter's sample ends in _total")
        return sample[: -len("_total")]
    return sample


def check_name(name, kind, openmetrics):
    want(re.fullmatch(NAME, name), f"{name}: no name of a metric")
    want(name.startswith("wgtcpd_"), f"{name}: ours begin with wgtcpd_")
    want(name == name.lower(), f"{name}: capital letters")
    base = name[: -len("_total")] if name.endswith("_total") else name
    want(not base.endswith(UNITS_TO_AVOID), f"{name}: not a base unit")
    want((kind == "counter" and not openmetrics) == name.endswith("_total"),
         f"{name}: _total is for counters")


def check_text(text, openmetrics):
    """Returns the names of all samples."""
    want(text.endswith("\n"), "the last line has no end")
    families, current, seen = {}, None, set()
    lines = text.split("\n")[:-1]
    if openmetrics:
        want(lines and lines[-1] == "# EOF", "OpenMetrics ends with # EOF")
        lines.pop()
    for number, line in enumerate(lines, 1):
        try:
            if line.startswith("# HELP "):
                name, _, words = line[len("# HELP "):].partition(" ")
                want(name not in families, f"{name}: its samples stand in two places")
                want(words.strip(), f"{name}: no help text")
                current = families[name] = {"name": name, "type": None}
            elif line.startswith("# TYPE "):
                name, _, kind = line[len("# TYPE "):].partition(" ")
                want(current and current["name"] == name, f"{name}: TYPE without HELP")
                want(kind in ("counter", "gauge"), f"{name}: unknown type {kind}")
                check_name(name, kind, openmetrics)
                current["type"] = kind
            else:
                match = SAMPLE.match(line)
                want(match, "neither a comment nor a sample")
                want(current and current["type"], "sample before HELP and TYPE")
                want(family_of(match[1], current, openmetrics) == current["name"],
                     f"{match[1]} stands among the samples of {current['name']}")
                labels = re.findall(LABEL, match[2] or "")
                want(len(dict(labels)) == len(labels), "a label twice")
                series = (match[1], tuple(sorted(labels)))
                want(series not in seen, "a series twice")
                seen.add(series)
                value = float(match[len(match.groups())])
                want(current["type"] == "gauge" or value >= 0, "a counter below zero")
        except (Wrong, ValueError) as e:
            raise Wrong(f"line {number}: {e}: {line}") from None
    want(families, "no metrics")
    total = "_total" if openmetrics else ""
    return {n + (total if f["type"] == "counter" else "") for n, f in families.items()}


def expressions(node):
    """Every query of a dashboard."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("expr", "query") and isinstance(value, str):
                yield value
            else:
                yield from expressions(value)
    elif isinstance(node, list):
        for item in node:
            yield from expressions(item)


def check_dashboard(path, exported):
    with open(path, encoding="utf-8") as f:
        dashboard = json.load(f)
    named = set()
    for expression in expressions(dashboard):
        named |= set(re.findall(r"\bwgtcpd_[a-z0-9_]+", expression))
    want(named, f"{path} names no metric")
    missing = sorted(named - exported)
    want(not missing, f"{path} names what is not exported: {', '.join(missing)}")
    print(f"{path}: {len(named)} metrics; not shown: {', '.join(sorted(exported - named))}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dashboard")
    parser.add_argument("--openmetrics", action="store_true")
    parser.add_argument("program", nargs=argparse.REMAINDER)
    a = parser.parse_args()
    if a.program:
        text = subprocess.run(a.program, check=True, stdout=subprocess.PIPE).stdout.decode()
    else:
        text = sys.stdin.read()
    try:
        exported = check_text(text, a.openmetrics)
        if a.dashboard:
            check_dashboard(a.dashboard, exported)
    except Wrong as e:
        sys.exit(f"check_metrics: {e}")
    print(f"{len(exported)} metrics are well-formed")


if __name__ == "__main__":
    main()
