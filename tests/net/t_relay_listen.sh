#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The daemon's TCP dials a relay on kernel sockets, which passes the datagrams to wireguard-go.
# The relay writes whole frames, then cuts the stream anywhere, then joins frames.
#
#            node a                          node r                     node g
#   ┌──────────────────────┐   TCP   ┌──────────────────────┐ UDP ┌──────────────────────┐
#   │ TUN 10.9.0.1 fd09::1 │         │ relay listen         │     │ TUN 10.9.0.3 fd09::3 │
#   │ wgtcpd               ├────────►│ 192.0.2.5:7000       ├────►│ wireguard-go         │
#   │ 192.0.2.1            │  wire   │ [2001:db8::5]:7000   │     │ 192.0.2.3            │
#   └──────────────────────┘         └──────────────────────┘     └──────────────────────┘
. "${0%/*}/lib.sh"
need wg wireguard-go nft ping

new_wire
new_wgtcpd_node a
new_kernel_node r g
new_keys a g
start_wggo g
wggo_peer g a

variant() { # 4|6 BYTES RELAY OPTION...
    local family=$1 bytes=$2
    shift 2
    step "IPv$family outside, relay ${*:-plain}"
    start_relay relay r listen "$(endpoint r "$family" 7000)" udp="$(endpoint g 4)" "$@"
    mk_conf a
    conf_peer a g "Endpoint = $(endpoint r "$family" 7000)" "Transport = tcp"
    start_wgtcpd a
    ping_until 10 a g
    check_tunnel a g "$bytes"
    [ $# -gt 0 ] || speed a g
    stop_wgtcpd a
    stop_relay relay
    # One connection all along, which the daemon ended with a FIN.
    assert_match "the relay's figures" "$(tail -n 1 "$(log_of relay)")" \
        'connections 1 eof 1 reset 0 to_udp [0-9]+ to_tcp [0-9]+ dropped 0$'
}

variant 4 10000000
variant 6 5000000
variant 4 5000000 --split 700
variant 4 500000 --split 40
variant 4 5000000 --coalesce
variant 6 5000000 --coalesce --split 3000
