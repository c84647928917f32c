#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The daemon initiates to wireguard-go over UDP, without and with a preshared key. g knows no
# endpoint, so the first handshake can only be the daemon's.
#
#            node a                            node g
#   ┌──────────────────────┐      UDP     ┌──────────────────────┐
#   │ TUN 10.9.0.1 fd09::1 │              │ TUN 10.9.0.3 fd09::3 │
#   │ wgtcpd               ├─────────────►│ wireguard-go         │
#   │ 192.0.2.1            │     wire     │ 192.0.2.3            │
#   └──────────────────────┘              └──────────────────────┘
. "${0%/*}/lib.sh"
need wg wireguard-go nft ping

new_wire
new_wgtcpd_node a
new_kernel_node g
new_keys a g
new_psk
start_wggo g

step "without a preshared key, IPv4 outside"
mk_conf a
conf_peer a g "Endpoint = $(endpoint g 4)"
wggo_peer g a
start_wgtcpd a
ping_until 10 a g
check_tunnel a g 10000000
assert_equal "a's endpoint as g sees it" "$(wggo_endpoint_of g a)" "$(endpoint a 4)"
stop_wgtcpd a

step "with a preshared key on one side only, nothing may pass"
in_ns g wg set "$(if_name g)" peer "$(public_key a)" remove
wggo_peer g a
mk_conf a
conf_peer a g "Endpoint = $(endpoint g 6)" "PresharedKey = $(cat "$NET_DIR/psk")"
start_wgtcpd a
! retry 3 ping_once a g 4 || fail "ping passes without the preshared key"

step "with a preshared key, IPv6 outside"
wggo_peer g a preshared-key "$NET_DIR/psk"
ping_until 15 a g
check_tunnel a g 10000000
assert_equal "a's endpoint as g sees it" "$(wggo_endpoint_of g a)" "$(endpoint a 6)"
speed a g
