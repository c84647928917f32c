#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A relay on kernel sockets dials the daemon's TCP listener on behalf of wireguard-go. The relay
# writes whole frames, then cuts the stream anywhere, then joins frames.
#
#            node a                          node r                     node g
#   ┌──────────────────────┐   TCP   ┌──────────────────────┐ UDP ┌──────────────────────┐
#   │ TUN 10.9.0.1 fd09::1 │         │ relay dial           │     │ TUN 10.9.0.3 fd09::3 │
#   │ wgtcpd               │◄────────┤ 192.0.2.5            │◄────┤ wireguard-go         │
#   │ 192.0.2.1            │  wire   │ 2001:db8::5          │     │ 192.0.2.3            │
#   └──────────────────────┘         └──────────────────────┘     └──────────────────────┘
. "${0%/*}/lib.sh"
need wg wireguard-go nft ping

new_wire
new_wgtcpd_node a
new_kernel_node r g
new_keys a g
start_wggo g
mk_conf a
conf_peer a g
start_wgtcpd a

variant() { # 4|6 BYTES RELAY OPTION...
    local family=$1 bytes=$2
    shift 2
    step "IPv$family outside, relay ${*:-plain}"
    start_relay relay r dial "$(endpoint a "$family")" udp-listen="$(endpoint r 4)" "$@"
    in_ns g wg set "$(if_name g)" peer "$(public_key a)" remove
    wggo_peer g a endpoint "$(endpoint r 4)"
    ping_until 10 g a
    check_tunnel g a "$bytes"
    [ $# -gt 0 ] || speed g a
    stop_relay relay
    assert_match "the relay's figures" "$(tail -n 1 "$(log_of relay)")" \
        'connections 1 eof 0 reset 0 to_udp [0-9]+ to_tcp [0-9]+ dropped 0$'
}

variant 4 10000000
variant 6 5000000
variant 4 5000000 --split 700
variant 4 500000 --split 40
variant 4 5000000 --coalesce
variant 6 5000000 --coalesce --split 3000
