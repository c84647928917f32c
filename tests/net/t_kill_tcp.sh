#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# One of two daemons over TCP is killed with -9 and started again: the tunnel works again, first
# the dialler killed, then the listener. The survivor is never touched.
#
#        node a                  node b
#   ┌──────────────┐   TCP   ┌──────────────┐
#   │ wgtcpd       │◄─────────┤ wgtcpd       │
#   │ 192.0.2.1    │   wire   │ 192.0.2.2    │
#   └──────────────┘          └──────────────┘
. "${0%/*}/lib.sh"
need wg nft ping

start_pair tcp 4
ping_both a b

for victim in b a; do
    step "kill -9 of $victim"
    kill_hard "$victim"
    ! ping_once b a 4 || fail "ping passes to a dead daemon"
    start_wgtcpd "$victim"
    ping_until 20 b a
    ping_both b a
    ping_both a b
    bulk a b 4 1000000
done
