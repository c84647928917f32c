#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""`meson install --destdir` puts every file in its place, and what it puts there is of use.

    check_install.py BUILD PREFIX UNITDIR WITH-MAN(yes|no)
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD, PREFIX, UNITDIR, WITH_MAN = "", "", "", ""
FILES = """
    bin/wgtcpctl
    bin/wgtcpd
    share/bash-completion/completions/wgtcpctl
    share/bash-completion/completions/wgtcpd
    share/doc/wgtcpd/CHANGELOG.md
    share/doc/wgtcpd/README.md
    share/doc/wgtcpd/operations.md
    share/doc/wgtcpd/protocol.md
    share/doc/wgtcpd/walkthrough.md
    share/doc/wgtcpd/examples/gateway.conf
    share/doc/wgtcpd/examples/grafana-wgtcpd.json
    share/doc/wgtcpd/examples/laptop-client.conf
    share/doc/wgtcpd/examples/laptop-server.conf
    share/doc/wgtcpd/examples/nic-server.conf
    share/doc/wgtcpd/examples/tcp-client.conf
"""
PAGES = """
    share/man/man5/wgtcpd.conf.5
    share/man/man8/wgtcpctl.8
    share/man/man8/wgtcpd.8
"""


def run(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, encoding="utf-8",
                          check=False)


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="wgtcpd-install.")
        cls.root = os.path.join(cls.dir, "root")
        done = run("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", cls.root)
        if done.returncode != 0:
            raise RuntimeError(done.stdout)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.dir)

    def path(self, name):
        return os.path.join(self.root, PREFIX.lstrip("/"), name)

    def test_files(self):
        found = set()
        for at, _, names in os.walk(self.root):
            found |= {"/" + os.path.relpath(os.path.join(at, name), self.root) for name in names}
        expected = {os.path.join(PREFIX, name) for name in (FILES + (PAGES if WITH_MAN == "yes" else "")).split()}
        expected.add(os.path.join(UNITDIR, "wgtcpd@.service"))
        self.assertEqual(found, expected)

    def test_examples_pass_the_check(self):
        examples = self.path("share/doc/wgtcpd/examples")
        names = [name for name in os.listdir(examples) if name.endswith(".conf")]
        self.assertGreaterEqual(len(names), 4)
        for name in names:
            mine = os.path.join(self.dir, name)
            shutil.copyfile(os.path.join(examples, name), mine)
            os.chmod(mine, 0o600)
            for command in ("wgtcpd", "-c", mine, "--check"), ("wgtcpctl", "check", mine):
                done = run(self.path("bin/" + command[0]), *command[1:])
                self.assertEqual((done.returncode, done.stdout), (0, f"{mine}: ok\n"), command)

    def test_manual_pages_have_no_faults(self):
        if WITH_MAN != "yes" or shutil.which("groff") is None:
            self.skipTest("no manual pages, or no groff")
        for page in PAGES.split():
            done = run("groff", "-k", "-man", "-Tutf8", "-ww", "-z", self.path(page))
            self.assertEqual((done.returncode, done.stdout), (0, ""), page)

    def unit(self):
        with open(self.root + os.path.join(UNITDIR, "wgtcpd@.service"), encoding="utf-8") as f:
            return f.read()

    def test_unit_names_what_is_installed(self):
        commands = re.findall(r"^Exec\w+=(\S+)", self.unit(), re.M)
        self.assertEqual(len(commands), 2)
        for command in commands:
            self.assertTrue(os.access(self.root + command, os.X_OK), command)

    def test_unit_is_valid(self):
        if shutil.which("systemd-analyze") is None:
            self.skipTest("no systemd-analyze")
        unit = os.path.join(self.dir, "wgtcpd@wg0.service")
        with open(unit, "w", encoding="utf-8") as f:
            f.write(self.unit().replace(PREFIX + "/bin", self.path("bin")))
        done = run("systemd-analyze", "verify", "--man=no", "--generators=no", unit)
        about_us = [line for line in done.stdout.split("\n") if "wgtcpd" in line]
        self.assertEqual((done.returncode, about_us), (0, []), done.stdout)


if __name__ == "__main__":
    BUILD, PREFIX, UNITDIR, WITH_MAN = sys.argv[1:5]
    unittest.main(argv=sys.argv[:1])
