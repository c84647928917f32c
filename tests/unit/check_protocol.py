#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Whether every function and test that docs/protocol.md names exists.

check_protocol.py SOURCE_ROOT
"""

import pathlib
import re
import sys

WHERE = re.compile(r"([a-z]+/[a-z0-9_]+\.[ch]): ((?:`[a-z0-9_]+`(?:, )?)+)")
NAME = re.compile(r"`([a-z][a-z0-9_]*)`")


def functions(path):
    return set(re.findall(r"^([a-z][a-z0-9_]*)\(", path.read_text(), re.MULTILINE))


def tests(root):
    names = {p.stem for p in root.glob("tests/net/t_*.sh")}
    for path in root.glob("tests/*/test_*.c"):
        text = path.read_text()
        # Defined and listed: one that is not run proves nothing.
        for name in re.findall(r"^([a-z][a-z0-9_]*)\(void \*\*state\)", text, re.MULTILINE):
            if len(re.findall(rf"\b{name}\b", text)) > 1:
                names.add(name)
    return names


def rows(text):
    for number, line in enumerate(text.splitlines(), 1):
        cells = [c.strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]]
        if cells and not set(cells[0]) <= set("-: "):
            yield number, cells


def check_row(number, cells, root, known):
    """A rule has four cells, a difference three: then tests are named in the second."""
    wrong = []
    if len(cells) == 4:
        places = WHERE.findall(cells[2])
        if not places:
            wrong.append("no place is named")
        for file, names in places:
            path = root / ("src" if file.endswith(".c") else "include/wgtcpd") / file
            there = functions(path) if path.exists() else set()
            wrong += [f"{path.relative_to(root)} has no function {n}" for n in NAME.findall(names) if n not in there]
    named = NAME.findall(cells[3] if len(cells) == 4 else cells[1])
    if len(cells) == 3: # names of the kernel and functions of ours may stand there, too
        named = [n for n in named if n.count("_") > 2]
    elif not named:
        wrong.append("no test is named")
    wrong += [f"there is no test {n}" for n in named if n not in known]
    return [f"docs/protocol.md:{number}: {w}" for w in wrong]


def main():
    root = pathlib.Path(sys.argv[1])
    known = tests(root)
    wrong, n = [], 0
    for number, cells in rows((root / "docs" / "protocol.md").read_text()):
        if len(cells) in (3, 4) and cells[0] not in ("Rule", "Linux"):
            wrong += check_row(number, cells, root, known)
            n += 1
    for line in wrong:
        print(line, file=sys.stderr)
    if n < 80:
        print(f"docs/protocol.md: only {n} rows were found", file=sys.stderr)
    return 1 if wrong or n < 80 else 0


sys.exit(main())
