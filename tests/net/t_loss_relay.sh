#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The daemon's TCP against the kernel's on a wire that drops 1 %, then 5 %: transfers arrive
# intact both ways, whoever dialled.
#
#        node a                                 node g
#   ┌──────────────┐  TCP, wire   ┌────────────────────────────────────┐
#   │ wgtcpd       │◄────────────►│ relay ◄── UDP, lo ──► wireguard-go │
#   │ 192.0.2.1    │  with loss   │ 192.0.2.3                          │
#   └──────────────┘              └────────────────────────────────────┘
. "${0%/*}/lib.sh"
need wg wireguard-go nft ping

new_wire
new_wgtcpd_node a
new_kernel_node g
new_keys a g
start_wggo g

lossy_transfers() {
    loss 1
    bulk a g 4 4000000 20
    bulk g a 6 4000000 20
    loss 5
    bulk a g 6 2000000 30
    bulk g a 4 2000000 30
    loss 0
}

step "the daemon dials"
wggo_peer g a
start_relay relay g listen "$(endpoint g 4 7000)" udp=127.0.0.1:$PORT
mk_conf a
conf_peer a g "Endpoint = $(endpoint g 4 7000)" "Transport = tcp"
start_wgtcpd a
ping_until 10 a g
lossy_transfers
stop_wgtcpd a
stop_relay relay

step "the relay dials"
in_ns g wg set "$(if_name g)" peer "$(public_key a)" remove
mk_conf a
conf_peer a g
start_wgtcpd a
start_relay relay g dial "$(endpoint a 6)" udp-listen=127.0.0.1:7000
wggo_peer g a endpoint 127.0.0.1:7000
ping_until 15 g a
lossy_transfers
