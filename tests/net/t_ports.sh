#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Two daemons with two outer ports each, the second in VLAN 7, and a kernel node in that VLAN. b
# dials a by the first port over UDP, then by the second over TCP: each connection stays on the port
# whose network it is in. Node g speaks to the tagged port with frames of its own making; a peer of
# a's lies behind a router of that VLAN, by a Route.
#
#            node a                      wire                   node b
#   ┌──────────────────────┐                          ┌──────────────────────┐
#   │ wgtcpd   192.0.2.1   ├──────────────────────────┤ 192.0.2.2     wgtcpd │
#   │       198.51.100.1   ├──── VLAN 7 ──┬───────────┤ 198.51.100.2         │
#   └──────────────────────┘              │           └──────────────────────┘
#                  node g 198.51.100.3 ───┴─── 198.51.100.9 ─── 203.0.113.0/24
. "${0%/*}/lib.sh"
need wg nft ping

new_wire
new_wgtcpd_node a b
new_kernel_node g
count_on_wire tagged vlan id 7 ip daddr 198.51.100.1
count_on_wire plain ip daddr 192.0.2.1
count_on_wire asked vlan id 7 arp saddr ip 198.51.100.1 arp daddr ip 198.51.100.9

second_port() { # NODE [LINE...]
    local node=$1
    shift
    {
        echo
        echo "[Port]"
        echo "Device = tap1,iface=wgout1"
        echo "Address = 198.51.100.${NUMBER[$node]}/24, 2001:db8:7::${NUMBER[$node]}/64"
        echo "Vlan = 7"
        [ $# -eq 0 ] || printf '%s\n' "$@"
    } >>"$(conf_of "$node")"
}

start_both() { # NODE
    start_wgtcpd "$1"
    no_ipv6 "$1" wgout1
    in_ns "$1" ip link set wgout1 address "02:00:00:00:01:0${NUMBER[$1]}" master br0 up
}

dial_from_b() { # UDP|TCP ADDRESS
    mk_conf b
    second_port b
    conf_peer b a "Endpoint = $2:$PORT" "Transport = $1"
    start_both b
    ping_until 10 b a
}

new_keys a b g s
mk_conf a
second_port a "Route = 203.0.113.0/24 via 198.51.100.9"
conf_peer a b
conf_peer a g "Endpoint = 203.0.113.9:$PORT" "PersistentKeepalive = 1"
start_both a

step "a neighbour in the VLAN"
in_ns g "$NET_PYTHON" "$NET_HERE/vlan_probe.py" eth0 7 198.51.100.3 198.51.100.1 ||
    fail "the tagged port does not answer tagged frames"
! in_ns g "$NET_PYTHON" "$NET_HERE/vlan_probe.py" eth0 8 198.51.100.4 198.51.100.1 2>/dev/null ||
    fail "the tagged port answers another tag"
retry 10 counted_at_least asked 1 || fail "the router of the second port's Route is not asked for"

step "a port whose driver takes tags off and puts them on"
new_ns s
connect_ns s
no_ipv6 s eth0
mk_conf s "Listen = udp"
sed -i -e 's/^Device = .*/Device = net_af_packet0,iface=eth0/' \
    -e 's|^Address = 192.*|Address = 198.51.100.6/24\nVlan = 7|' "$(conf_of s)"
spawn s s "$WGTCPD" -v -c "$(conf_of s)"
retry 20 ready_or_dead s 0 || fail "wgtcpd in s is not ready"
in_ns g "$NET_PYTHON" "$NET_HERE/vlan_probe.py" eth0 7 198.51.100.3 198.51.100.6 ||
    fail "the port of s does not answer tagged frames"
! in_ns g "$NET_PYTHON" "$NET_HERE/vlan_probe.py" eth0 8 198.51.100.4 198.51.100.6 2>/dev/null ||
    fail "the port of s answers another tag"
stop s

step "by the first port"
before=$(counted tagged)
dial_from_b udp 192.0.2.1
bulk b a 4 4000000
bulk a b 6 4000000
assert_equal "IP packets to the tagged port" "$(counted tagged)" "$before"
counted_at_least plain 100 || fail "the first port carried nothing"
stop_wgtcpd b

step "by the second port"
before=$(counted plain)
dial_from_b tcp 198.51.100.1
bulk b a 6 4000000
bulk a b 4 4000000
assert_equal "IP packets to the first port" "$(counted plain)" "$before"
counted_at_least tagged 100 || fail "the second port carried nothing"

[ "$(drops a eth_vlan)" -gt 0 ] || fail "untagged frames at the tagged port are not counted"
assert_equal "packets that found no way out" "$(drops a no_route)" 0
