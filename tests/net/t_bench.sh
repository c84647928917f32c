#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The benches of whole daemons work: one short round each, whose figures nobody judges. They make
# namespaces of their own.
. "${0%/*}/lib.sh"
need iperf3 ping wg

WGTCPD_BUILD=$NET_BUILD "$NET_HERE/../bench/tunnel" --quick >"$NET_DIR/tunnel.md" ||
    fail "tests/bench/tunnel --quick"
assert_match "tunnel" "$(cat "$NET_DIR/tunnel.md")" '\| wgtcpd-tcp \| [0-9]'
step "tunnel"
WGTCPD_BUILD=$NET_BUILD "$NET_HERE/../bench/idle" --seconds 1 udp-adaptive tcp-poll >"$NET_DIR/idle.md" ||
    fail "tests/bench/idle"
assert_match "idle" "$(cat "$NET_DIR/idle.md")" '\| tcp, poll \| [0-9]'
step "idle"
