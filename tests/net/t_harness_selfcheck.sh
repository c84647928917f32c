#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The harness alone, without wgtcpd: if this fails, the other scenarios prove nothing.
#
#        node g                  node r             wire              node h
#  ┌──────────────────┐   ┌────────────────┐   ┌────────────┐   ┌─────────────────────────┐
#  │ TUN ⇄ wireguard- │UDP│ relay dial     │TCP│ bridge     │TCP│ relay listen ⇄UDP⇄      │
#  │ go, 192.0.2.3    ├───┤ 192.0.2.5      ├───┤ drops 1 %  ├───┤ wireguard-go ⇄ TUN      │
#  └──────────────────┘   └────────────────┘   └────────────┘   │ 192.0.2.4, 10.9.0.4     │
#   (all three on the wire's bridge)                            └─────────────────────────┘
. "${0%/*}/lib.sh"
need wg wireguard-go nft ping

new_wire
new_kernel_node g r h
new_keys g h
start_wggo g
start_wggo h
count_on_wire longer_than_a_cable_takes meta length gt 1518
for mode in '' '--split 300' '--coalesce'; do
    step "relays: ${mode:-plain}"
    start_relay listener h listen "$(endpoint h 4 7000)" udp=127.0.0.1:$PORT $mode
    start_relay dialler r dial "$(endpoint h 4 7000)" udp-listen="$(endpoint r 6)" $mode
    wggo_peer g h endpoint "$(endpoint r 6)"
    wggo_peer h g
    ping_until 10 g h
    check_tunnel g h 1000000
    loss 1
    bulk g h 4 500000
    assert_lossy
    loss 0
    stop_relay dialler
    stop_relay listener
done
assert_equal "frames longer than a cable takes" "$(counted longer_than_a_cable_takes)" 0
has_logged dialler 0 'to_udp [1-9][0-9]+ to_tcp [1-9][0-9]+' || fail "nothing crossed the relays"

step "a relay that is killed is dialled again"
start_relay listener h listen "$(endpoint h 6 7001)" udp=127.0.0.1:$PORT
start_relay dialler r dial "$(endpoint h 6 7001)" udp-listen="$(endpoint r 6)"
ping_until 10 g h
kill_hard listener
! ping_once g h 4 || fail "ping passes without a relay"
start_relay listener h listen "$(endpoint h 6 7001)" udp=127.0.0.1:$PORT
ping_until 10 g h
ping_both h g
