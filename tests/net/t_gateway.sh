#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A gateway: a's inner side is an Ethernet port. A host h of that LAN and a peer b reach each other
# over UDP, then over TCP: pings and transfers both ways, ARP and ND both ways, what is too big is
# cut or refused with the MTU, hops and missing routes are told, a router behind the LAN is used.
#
#    node h                        node a                               node b
#   ┌──────────────────┐   LAN   ┌───────────────────────┐   wire     ┌──────────────────────┐
#   │ kernel 10.1.0.4  ├─────────┤ 10.1.0.1   192.0.2.1  ├────────────┤ 192.0.2.2     wgtcpd │
#   │        fd01::4   │  lan0   │ fd01::1               │            │                      │
#   │   (10.2.0.1)     │         │ 10.9.0.1      wgtcpd  │            │ 10.9.0.2 fd09::2 TUN │
#   └──────────────────┘         └───────────────────────┘            └──────────────────────┘
. "${0%/*}/lib.sh"
need wg nft ping tcpdump

inner_addr() { # NODE 4|6
    case $1$2 in
    h4) echo 10.1.0.4 ;;
    h6) echo fd01::4 ;;
    *4) echo "10.9.0.${NUMBER[$1]}" ;;
    *6) echo "fd09::${NUMBER[$1]}" ;;
    esac
}

# h and a's tap lan0 on one bridge of node a.
new_lan() {
    new_ns h
    in_ns a ip link add lan-br type bridge stp_state 0 forward_delay 0 mcast_snooping 0
    in_ns a ip link add v-h type veth peer name eth0 netns "$(ns_name h)"
    in_ns a ip link set v-h master lan-br
    no_ipv6 a lan-br v-h
    in_ns a ip link set lan-br up
    in_ns a ip link set v-h up
    plain_veth h eth0
    in_ns h ip link set eth0 up
    in_ns h ip address add 10.1.0.4/24 dev eth0
    in_ns h ip address add fd01::4/64 dev eth0 nodad
    in_ns h ip address add 10.2.0.1/32 dev lo
    in_ns h ip route add default via 10.1.0.1
    in_ns h ip -6 route add default via fd01::1
}

gateway_conf() {
    mk_conf a "Inner = tap1"
    {
        echo
        echo "[Port]"
        echo "Device = tap1,iface=lan0"
        echo "Address = 10.1.0.1/24, fd01::1/64"
        echo "Route = 10.2.0.0/24 via 10.1.0.4"
    } >>"$(conf_of a)"
    conf_peer a b
}

start_gateway() {
    start_wgtcpd a
    no_ipv6 a lan0
    in_ns a ip link set lan0 address 02:00:00:00:01:01 master lan-br up
}

start_b() { # udp|tcp
    mk_conf b
    conf_peer b a "Endpoint = $(endpoint a 4)" "Transport = $1" \
        "AllowedIPs = 10.1.0.0/24, 10.2.0.0/24, 10.3.0.0/24, fd01::/64, fd03::/64"
    start_wgtcpd b
    ping_until 10 b h
}

answers() { # WHAT NODE REGEX PING-ARGUMENT...: what ping prints
    local what=$1 node=$2 want=$3 out
    shift 3
    out=$(in_ns "$node" ping -n -c 1 -W 2 "$@" 2>&1) || true
    assert_match "$what" "$out" "$want"
}

check_gateway() {
    ping_both h b
    ping_both b h
    step "the gateway's own addresses, from both sides"
    for address in 10.1.0.1 10.9.0.1 fd01::1 fd09::1; do
        answers "ping h -> $address" h ' 0% packet loss' "$address"
        answers "ping b -> $address" b ' 0% packet loss' "$address"
    done
    bulk h b 4 4000000
    bulk b h 6 4000000
    step "what is larger than the tunnel"
    in_ns h ip route flush cache
    in_ns h ip -6 route flush cache
    answers "too big, IPv4" h 'From 10.1.0.1 .*mtu = 1392' -M "do" -s 1472 10.9.0.2
    answers "too big, IPv6" h 'From fd01::1 .*mtu ?= ?1392' -M "do" -s 1400 fd09::2
    in_ns h ip route flush cache
    answers "cut by the gateway" h ' 0% packet loss' -M dont -s 1472 10.9.0.2
    answers "cut by h" h ' 0% packet loss' -s 3000 10.9.0.2
    answers "cut by h, IPv6" h ' 0% packet loss' -s 3000 fd09::2
    step "hops and routes"
    answers "first hop from h" h 'From 10.1.0.1 .*Time to live exceeded' -t 1 10.9.0.2
    answers "first hop from h, IPv6" h 'From fd01::1 .*Hop limit' -t 1 fd09::2
    answers "first hop from b" b 'From 10.9.0.1 .*Time to live exceeded' -t 1 10.1.0.4
    answers "no route" b 'From 10.9.0.1 .*Destination Net Unreachable' 10.3.0.9
    answers "no route, IPv6" b 'From fd09::1 .*(No route|unreachable)' fd03::9
    answers "by the LAN's router" b ' 0% packet loss' 10.2.0.1
}

new_wire
new_wgtcpd_node a b
new_lan
new_keys a b
gateway_conf
start_gateway
start_b udp
check_gateway
assert_match "wg shows a gateway" "$(in_ns a wg show "$(if_name a)" 2>&1)" 'latest handshake'
step "a capture of the LAN's side, where no interface is the kernel's"
"$NET_BUILD/src/ctl/wgtcpctl" capture "$(if_name a)" "$NET_DIR/lan.pcapng" --inner --count 4 2>"$NET_DIR/capture.log" &
capture=$!
retry 5 test -s "$NET_DIR/lan.pcapng" || fail "no capture begins: $(cat "$NET_DIR/capture.log")"
ping_both h b
wait "$capture" || fail "the capture: $(cat "$NET_DIR/capture.log")"
assert_match "captured" "$(tcpdump -e -n -r - <"$NET_DIR/lan.pcapng" 2>/dev/null)" \
    'ethertype IPv4 .*: 10\.1\.0\.4 > 10\.9\.0\.2: ICMP echo request'
step "h's neighbours: $(in_ns h ip neighbour show | tr '\n' ';')"
assert_match "a in h's table" "$(in_ns h ip -6 neighbour show fd01::1)" 'lladdr.*router'
answers "nobody there" b 'From 10.9.0.1 .*Destination Host Unreachable' -W 5 10.1.0.99
stop_wgtcpd b
start_b tcp
check_gateway
in_ns h ip neighbour flush all
ping_both b h
command -v iperf3 >/dev/null && speed h b
assert_equal "packets that the LAN did not take" "$(drops a inner_tx)" 0
