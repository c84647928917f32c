#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# wireguard-go initiates to the daemon over UDP, without and with a preshared key. a knows no
# endpoint, so the first handshake can only be g's.
#
#            node a                            node g
#   ┌──────────────────────┐      UDP     ┌──────────────────────┐
#   │ TUN 10.9.0.1 fd09::1 │              │ TUN 10.9.0.3 fd09::3 │
#   │ wgtcpd               │◄─────────────┤ wireguard-go         │
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

step "without a preshared key, IPv6 outside"
mk_conf a
conf_peer a g
start_wgtcpd a
wggo_peer g a endpoint "$(endpoint a 6)"
ping_until 10 g a
check_tunnel a g 10000000
stop_wgtcpd a

step "with a preshared key, IPv4 outside"
in_ns g wg set "$(if_name g)" peer "$(public_key a)" remove
mk_conf a
conf_peer a g "PresharedKey = $(cat "$NET_DIR/psk")"
start_wgtcpd a
wggo_peer g a endpoint "$(endpoint a 4)" preshared-key "$NET_DIR/psk"
ping_until 10 g a
check_tunnel a g 10000000
speed g a
