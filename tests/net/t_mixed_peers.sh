#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# One daemon with a TCP peer and a UDP peer at a time, IPv4 and IPv6 outside; both carry traffic
# at once.
#
#        node b                  node a                  node g
#   ┌──────────────┐ TCP/v6 ┌──────────────┐ UDP/v4 ┌──────────────┐
#   │ wgtcpd       ├───────►│ wgtcpd       │◄───────┤ wireguard-go │
#   │ 10.9.0.2     │        │ 10.9.0.1     │        │ 10.9.0.3     │
#   └──────────────┘        └──────────────┘        └──────────────┘
. "${0%/*}/lib.sh"
need wg wireguard-go nft ping

new_wire
new_wgtcpd_node a b
new_kernel_node g
new_keys a b g
start_wggo g
wggo_peer g a endpoint "$(endpoint a 4)"
mk_conf a
conf_peer a b
conf_peer a g
mk_conf b "Transport = tcp"
conf_peer b a "Endpoint = $(endpoint a 6)"
start_wgtcpd a
start_wgtcpd b
ping_until 10 b a
ping_until 10 g a
bulk b a 4 10000000 40 5301 &
one=$!
bulk a g 6 10000000 40 5302
wait "$one" || exit 1
ping_both a b
ping_both a g
