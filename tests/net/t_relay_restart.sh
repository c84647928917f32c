#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The relay that the daemon dials is killed, then started again: the daemon dials again and the
# tunnel goes on, with the session it had.
#
#        node a                    node r                  node g
#   ┌──────────────┐  TCP  ┌────────────────────┐ UDP ┌──────────────┐
#   │ wgtcpd       ├──────►│ relay listen :7000 ├────►│ wireguard-go │
#   │ 192.0.2.1    │       │ 192.0.2.5          │     │ 192.0.2.3    │
#   └──────────────┘       └────────────────────┘     └──────────────┘
. "${0%/*}/lib.sh"
need wg wireguard-go nft ping

new_wire
new_wgtcpd_node a
new_kernel_node r g
new_keys a g
start_wggo g
wggo_peer g a
mk_conf a
conf_peer a g "Endpoint = $(endpoint r 4 7000)" "Transport = tcp"

handshakes() { grep -c 'Received handshake initiation' "$(log_of g)" || true; }

step "the daemon starts before the relay"
start_wgtcpd a
! ping_once a g 4 || fail "ping passes without a relay"
start_relay relay r listen "$(endpoint r 4 7000)" udp="$(endpoint g 4)"
ping_until 15 a g
before=$(handshakes)

for how in stop_relay kill_hard; do
    step "the relay goes: $how"
    $how relay
    ! ping_once a g 4 || fail "ping passes without a relay"
    start_relay relay r listen "$(endpoint r 4 7000)" udp="$(endpoint g 4)"
    ping_until 15 a g
    ping_both g a
done
assert_equal "handshakes since the first" "$(($(handshakes) - before))" 0
