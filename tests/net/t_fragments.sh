#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# An MTU that asks for fragments: full packets inside leave as datagrams in parts, over IPv4 and
# IPv6, and are put together at the other end; also those of a kernel's UDP. With Reassemble = off
# they are counted and dropped.
#
#        node a                 wire                node b            node g
#   ┌──────────────┐                          ┌──────────────┐   ┌──────────────┐
#   │ wgtcpd       ├──────── fragments ───────┤ wgtcpd       │   │ wireguard-go │
#   │ TUN MTU 1500 │                          │ TUN MTU 1500 │   │ MTU 1500     │
#   └──────────────┘                          └──────────────┘   └──────────────┘
. "${0%/*}/lib.sh"
need wg nft ping

new_wire
new_wgtcpd_node a b
new_kernel_node g
new_keys a b g
count_on_wire parts4 ip frag-off '&' 0x3fff '!=' 0
count_on_wire parts6 exthdr frag exists

start_a() { # [LINE...]
    mk_conf a "MTU = 1500"
    [ $# -eq 0 ] || printf '%s\n' "$@" >>"$(conf_of a)"
    conf_peer a b
    conf_peer a g
    start_wgtcpd a
}

start_b() { # 4|6
    mk_conf b "MTU = 1500"
    conf_peer b a "Endpoint = $(endpoint a "$1")"
    start_wgtcpd b
    ping_until 10 b a
}

start_a
for family in 4 6; do
    step "in fragments over IPv$family"
    start_b "$family"
    before=$(counted "parts$family")
    ping_both b a -M "do" -s 1452
    ping_both a b -M "do" -s 1452
    bulk b a 4 4000000
    counted_at_least "parts$family" $((before + 1000)) || fail "nothing left in fragments"
    status_matches a 'fragments: put together [1-9][0-9]*, cut [1-9]' ||
        fail "a does not count fragments"
    stop_wgtcpd b
done

if command -v wireguard-go >/dev/null; then
    step "a kernel's fragments"
    start_wggo g
    in_ns g ip link set "$(if_name g)" mtu 1500
    wggo_peer g a endpoint "$(endpoint a 4)"
    ping_until 10 g a
    ping_both g a -M "do" -s 1452
    stop g
fi

step "reassembly off"
stop_wgtcpd a
start_a "Reassemble = off"
start_b 4
ping_both b a
! in_ns b ping -n -q -c 2 -i 0.2 -W 1 -M "do" -s 1452 "$(inner_addr a 4)" >/dev/null ||
    fail "fragments pass though they are not to be put together"
[ "$(drops a ip_fragment)" -ge 4 ] || fail "fragments are not counted"
