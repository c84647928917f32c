#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Both daemons know the other's endpoint and dial over TCP at the same time: whatever becomes of
# the two connections and two handshakes, the tunnel works at once, and again after either side
# lost everything.
#
#        node a                  node b
#   ┌──────────────┐   TCP    ┌──────────────┐
#   │ wgtcpd       ├─────────►│ wgtcpd       │
#   │ 192.0.2.1    │◄─────────┤ 192.0.2.2    │
#   └──────────────┘   wire   └──────────────┘
. "${0%/*}/lib.sh"
need wg nft ping

new_wire
new_wgtcpd_node a b
new_keys a b
mk_conf a "Transport = tcp"
conf_peer a b "Endpoint = $(endpoint b 4)"
mk_conf b "Transport = tcp"
conf_peer b a "Endpoint = $(endpoint a 4)"

both_ping() {
    ping_until "$1" a b &
    local first=$!
    ping_until "$1" b a
    wait "$first" || exit 1
}

start_wgtcpd a
start_wgtcpd b
both_ping 10
ping_both a b
bulk_duplex a b 4 10000000
for victim in a b; do
    step "kill -9 of $victim"
    kill_hard "$victim"
    start_wgtcpd "$victim"
    both_ping 25
    bulk_duplex a b 6 2000000
done
