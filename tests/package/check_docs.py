#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What an operator can type stands in the manual and is completed: keys, options, commands, findings.

    check_docs.py SOURCE WGTCPD WGTCPCTL
"""
import os
import re
import subprocess
import sys
import tempfile
import unittest

SOURCE, WGTCPD, WGTCPCTL = "", "", ""
SECTIONS = {"INTERFACE": "[Interface]", "PORT": "[Port]", "PEER": "[Peer]"}


def read(path):
    with open(os.path.join(SOURCE, path), encoding="utf-8") as f:
        return f.read()


def manual(page):
    return re.sub(r"\\(.)", r"\1", read(f"docs/man/{page}.scd"))


def run(*command, **more):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=20, encoding="utf-8", **more).stdout


def options_of(text):
    return set(re.findall(r"(?<![\w-])(--?[a-zA-Z][\w-]*)", text))


def parser_keys():
    found = re.findall(r"X\((INTERFACE|PORT|PEER), (\w+), \w+\)", read("src/control/config_parser.h"))
    return {(SECTIONS[section], key) for section, key in found}


def complete(function, program, *words):
    """What bash would offer for the last of the words."""
    script = f"""
        . "$1"; shift
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        {function} "$1" "${{@: -1}}" "${{@: -2:1}}"
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    file = os.path.join(SOURCE, f"tools/completion/{os.path.basename(program)}.bash")
    return set(run("bash", "-c", script, "bash", file, program, *words).split())


class Configuration(unittest.TestCase):
    def documented(self, text, heading, entry):
        section = None
        for line in text.split("\n"):
            if re.match(heading, line):
                title = re.search(r"\[\w+\]", line)
                section = title and "[" + title[0][1:].capitalize()
            elif section and re.match(entry, line):
                for key in re.findall(r"[A-Z]\w+", re.match(entry, line)[1]):
                    yield section, key

    def test_keys_stand_in_configuration_md(self):
        keys = set(self.documented(read("docs/configuration.md"), "## ", r"\| (`[A-Z].*?`) \|"))
        self.assertEqual(keys, parser_keys())

    def test_keys_stand_in_the_manual(self):
        page = run(os.path.join(SOURCE, "docs/man/conf2scd"), os.path.join(SOURCE, "docs/configuration.md"), "/doc")
        page = re.sub(r"\\(.)", r"\1", page)
        keys = set(self.documented(page, "# ", r"(\*[A-Z][^(]*)(?:\(|$)"))
        self.assertEqual(keys, parser_keys())
        self.assertIn("/doc/examples/gateway.conf", page)

    def test_parser_has_keys(self):
        self.assertGreater(len(parser_keys()), 40)
        self.assertIn(("[Peer]", "AllowedIPs"), parser_keys())


class Daemon(unittest.TestCase):
    def test_options_stand_in_the_manual(self):
        options = options_of(run(WGTCPD, "--help"))
        self.assertIn("--check", options)
        self.assertEqual(options - options_of(manual("wgtcpd.8")), set())

    def test_options_are_completed(self):
        self.assertEqual(complete("_wgtcpd", WGTCPD, "-"), options_of(run(WGTCPD, "--help")))
        self.assertEqual(complete("_wgtcpd", WGTCPD, "--ch"), {"--check"})

    def test_configurations_are_completed(self):
        with tempfile.TemporaryDirectory() as d:
            for name in ("wg0.conf", "wg1.conf", "wg.txt"):
                open(os.path.join(d, name), "w", encoding="utf-8").close()
            expected = {os.path.join(d, name) for name in ("wg0.conf", "wg1.conf")}
            self.assertEqual(complete("_wgtcpd", WGTCPD, "-c", d + "/w"), expected)


class Control(unittest.TestCase):
    def commands(self):
        return set(re.findall(r"^  wgtcpctl (\w+)", run(WGTCPCTL, "--help"), re.M))

    def test_commands_stand_in_the_manual(self):
        terms = set(re.findall(r"\*(\w+)\*", "\n".join(re.findall(r"^\*.*", manual("wgtcpctl.8"), re.M))))
        self.assertIn("diagnose", self.commands())
        self.assertEqual(self.commands() - terms, set())

    def test_options_stand_in_the_manual(self):
        options = options_of(run(WGTCPCTL, "--help"))
        self.assertIn("--watch", options)
        self.assertEqual(options - options_of(manual("wgtcpctl.8")), set())

    def test_findings_stand_in_the_manual(self):
        findings = set(re.findall(r'"(?:error|warning|ok)",\s*"(\w+)"', read("src/control/diagnose.c")))
        listed = manual("wgtcpctl.8").split("# FINDINGS")[1].split("# EXIT STATUS")[0]
        self.assertGreater(len(findings), 25)
        self.assertEqual(findings - set(re.findall(r"\*(\w+)\*", listed)), set())

    def test_commands_are_completed(self):
        self.assertEqual(complete("_wgtcpctl", WGTCPCTL, ""), self.commands() | {"--help", "--version"})
        self.assertEqual(complete("_wgtcpctl", WGTCPCTL, "dia"), {"diagnose"})
        self.assertEqual(complete("_wgtcpctl", WGTCPCTL, "help", "gen"), {"genkey", "genpsk"})

    def test_options_of_commands_are_completed(self):
        for command in self.commands():
            options = options_of(run(WGTCPCTL, "help", command)) | {"--help"}
            self.assertEqual(complete("_wgtcpctl", WGTCPCTL, command, "-"), options, command)

    def test_interfaces_are_completed(self):
        with tempfile.TemporaryDirectory() as d:
            program = os.path.join(d, "wgtcpctl")
            with open(program, "w", encoding="utf-8") as f:
                f.write('#!/bin/sh\n[ "$1" = interfaces ] && echo wg0 && echo office\n')
            os.chmod(program, 0o755)
            self.assertEqual(complete("_wgtcpctl", program, "show", ""), {"wg0", "office", "all"})
            self.assertEqual(complete("_wgtcpctl", program, "reload", "w"), {"wg0"})
            self.assertEqual(complete("_wgtcpctl", program, "show", "--json", "of"), {"office"})
            self.assertEqual(complete("_wgtcpctl", program, "reload", "wg0", ""), set())
            self.assertEqual(complete("_wgtcpctl", program, "genkey", ""), set())


if __name__ == "__main__":
    SOURCE, WGTCPD, WGTCPCTL = sys.argv[1:4]
    unittest.main(argv=sys.argv[:1])
