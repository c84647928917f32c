#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# 20,000 SYNs a second from strangers who never answer: the tunnel that is there goes on, also with
# a connection dialled anew, and a peer that comes meanwhile gets in.
# Runs alone: the flood has to be one.
#
#        node a                wire              node b
#   ┌──────────────┐   ┌──────────────────┐   ┌──────────────┐
#   │ wgtcpd       │◄──┤ bridge           │◄──┤ wgtcpd       │
#   │ 192.0.2.1    │   │   ▲              │   │ 192.0.2.2    │
#   │ Gateway .254 │   │   │ SYNs from    │   └──────────────┘    node g: relay dial,
#   └──────────────┘   │   198.18.0.0/15  │◄───────────────────── wireguard-go, 192.0.2.3
#                      └──────────────────┘
. "${0%/*}/lib.sh"
need wg wireguard-go nft ping
SYNFLOOD=$NET_BUILD/tests/net/synflood
need_built "$SYNFLOOD"

new_wire
new_wgtcpd_node a b
new_kernel_node g
new_keys a b g
start_wggo g
# What a answers goes to a gateway that swallows it, as the way to strangers would be.
in_ns g ip address add 192.0.2.254/24 dev eth0
mk_conf a
echo "Gateway = 192.0.2.254" >>"$(conf_of a)" # still of [Port]
conf_peer a b
conf_peer a g
mk_conf b
conf_peer b a "Endpoint = $(endpoint a 4)" "Transport = tcp"
start_wgtcpd a
start_wgtcpd b
ping_until 10 b a
count_on_wire answers ip daddr 198.18.0.0/15 tcp flags syn,ack / syn,ack

# The port's own address, not the kernel's end of the tap (start_wgtcpd).
mac=$(in_ns g sh -c 'ping -c 1 -W 1 192.0.2.1 >/dev/null; ip neighbour show 192.0.2.1' |
    sed -n 's/.*lladdr \([0-9a-f:]*\).*/\1/p')
[ -n "$mac" ] || fail "a does not answer ARP"

step "flood"
spawn flood wire "$SYNFLOOD" v-a "$mac" "$(outer_addr a 4)" $PORT 20000
began=$SECONDS
sleep 2
start_probe b a
bulk b a 4 2000000 20
bulk a b 4 2000000 20
stop_probe
step "probe during the flood, ms: $PROBE"

step "a peer comes"
start_relay relay g dial "$(endpoint a 4)" udp-listen=127.0.0.1:7000
wggo_peer g a endpoint 127.0.0.1:7000
ping_until 15 g a

step "b comes back"
kill_hard b
start_wgtcpd b
ping_until 15 b a
lasted=$((SECONDS - began))
stop flood
step "$(tail -n 1 "$(log_of flood)") in $lasted s, answered $(counted answers)"
sent=$(sed -n 's/.*: \([0-9]*\) SYNs sent/\1/p' "$(log_of flood)")
[ "$sent" -ge $(((lasted - 1) * 10000)) ] || fail "the flood was a mere trickle: $sent SYNs"
ping_both a b
