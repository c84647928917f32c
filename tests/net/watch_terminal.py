#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""wgtcpctl show --watch on a terminal: it draws within the window, follows its size, and leaves the
terminal as it was.

    watch_terminal.py WGTCPCTL INTERFACE
"""
import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time


def resize(fd, rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def read_for(fd, seconds):
    text = b""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        if select.select([fd], [], [], left)[0]:
            try:
                text += os.read(fd, 65536)
            except OSError:
                break
    return text.decode()


def widest(text):
    plain = re.sub(r"\033\[[0-9;?]*[A-Za-z]", "", text)
    return max(len(line) for line in plain.replace("\r", "").split("\n"))


def check(what, good, text=""):
    if not good:
        sys.exit(f"{what}: {text!r}")


def main():
    program, interface = sys.argv[1:]
    main_end, other_end = pty.openpty()
    resize(main_end, 24, 100)
    before = termios.tcgetattr(other_end)
    pid = os.fork()
    if pid == 0:
        os.setsid()
        fcntl.ioctl(other_end, termios.TIOCSCTTY, 0)
        for fd in range(3):
            os.dup2(other_end, fd)
        os.environ.pop("NO_COLOR", None)
        os.execv(program, [program, "show", interface, "--watch", "0.2"])
    text = read_for(main_end, 1)
    check("begins on a screen of its own", text.startswith("\033[?1049h\033[?25l"), text[:40])
    check("shows the interface in colour", f"\033[1;32m{interface}\033[0m" in text, text)
    check("draws again and again", text.count("\033[H") >= 3, text)
    check("stays within 100 columns", widest(text.split("\033[H")[1]) <= 100, text)
    check("takes single keys", not termios.tcgetattr(other_end)[3] & termios.ICANON)
    resize(main_end, 4, 40)
    frames = read_for(main_end, 0.8).split("\033[H")
    check("follows the window's width", widest(frames[-1]) <= 40, frames[-1])
    check("follows the window's height", frames[-1].count("\r\n") <= 3, frames[-1])
    os.write(main_end, b"q")
    text = read_for(main_end, 0.5)
    check("leaves the screen as it was", text.endswith("\033[?25h\033[?1049l"), text[-40:])
    check("leaves the keyboard as it was", termios.tcgetattr(other_end) == before)
    check("ends well", os.waitpid(pid, 0)[1] == 0)


if __name__ == "__main__":
    main()
