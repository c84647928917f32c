#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Where keys lie in the memory of a running process.

    secrets.py PID KEY...        (base64, as wg prints them)

Prints a line for each key: how often its 32 bytes are found in memory that is guarded (in no dump, and locked),
how often elsewhere, and how often it is found as text, base64 or hexadecimal.
"""

import array
import base64
import mmap
import re
import sys

MAPPING = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(.*)$")
PAGE = mmap.PAGESIZE


def mappings(pid):
    """(from, to, flags) of what can be written."""
    place = None
    with open(f"/proc/{pid}/smaps", encoding="utf-8", errors="replace") as smaps:
        for line in smaps:
            found = MAPPING.match(line)
            if found:
                place = (int(found[1], 16), int(found[2], 16)) if "w" in found[3] else None
            elif line.startswith("VmFlags:") and place:
                yield (*place, line.split()[1:])


def runs(pagemap, start, end):
    """(from, to) of pages that are there, side by side: most of DPDK's memory was never touched."""
    pagemap.seek(start // PAGE * 8)
    entries = array.array("Q", pagemap.read((end - start) // PAGE * 8))
    begin = None
    for page, entry in enumerate([*entries, 0]):
        there = entry >> 62  # in memory, or swapped out
        if there and begin is None:
            begin = page
        elif not there and begin is not None:
            yield start + begin * PAGE, start + page * PAGE
            begin = None


def contents(pid):
    """(bytes, guarded) of each."""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory, open(f"/proc/{pid}/pagemap", "rb") as pagemap:
        for start, end, flags in mappings(pid):
            for first, last in runs(pagemap, start, end):
                try:
                    memory.seek(first)
                    yield memory.read(last - first), "dd" in flags and "lo" in flags
                except OSError:
                    continue  # a device's


def main():
    pid, texts = sys.argv[1], sys.argv[2:]
    counts = {text: [0, 0, 0] for text in texts}
    for data, guarded in contents(pid):
        for text, count in counts.items():
            key = base64.b64decode(text)
            count[0 if guarded else 1] += data.count(key)
            count[2] += data.count(text[:40].encode()) + data.count(key.hex().encode())
    for guarded, elsewhere, as_text in counts.values():
        print(f"guarded {guarded} elsewhere {elsewhere} text {as_text}")


main()
