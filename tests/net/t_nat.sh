#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A peer behind a NAT that forgets a flow after two idle seconds, over UDP and TCP. With PersistentKeepalive it
# is reached from outside at any time (row 12 of the kernel's netns.sh); without, it is not once it was
# quiet, until it speaks again: at once over UDP, within seconds over TCP.
#
#     node a                         node h                     node b
#   ┌─────────────┐         ┌─────────────────────────┐       ┌─────────────────┐
#   │ wgtcpd      │◄────────┤ kernel, masquerades     ├───────┤ wgtcpd          │
#   │ 192.0.2.1   │  wire   │ 192.0.2.4   192.168.7.1 │ cable │ 192.168.7.2     │
#   └─────────────┘         └─────────────────────────┘       └─────────────────┘
. "${0%/*}/lib.sh"
need wg nft ping

OUTER4["b"]=192.168.7.2

# What a knows of b, as wg tells it.
endpoint_of_b() { in_ns a wg show "$(if_name a)" endpoints | cut -f2; }

start_b() { # TRANSPORT [LINE...]
    mk_conf b
    echo "Gateway = 192.168.7.1" >>"$(conf_of b)"
    conf_peer b a "Endpoint = $(endpoint a 4)" "Transport = $1" "${@:2}"
    start_wgtcpd b
    ping_until 10 b a
}

# Connections that b has closed stay for longer; no packet passes by them.
has_forgotten() { # TRANSPORT
    ! in_ns h grep " $1 .*192\.168\.7\.2" /proc/net/nf_conntrack | grep -qE 'udp|ESTABLISHED'
}

new_wire
new_wgtcpd_node a
new_kernel_node h
new_ns b
in_ns b ip link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0
in_ns h ip link add cable type veth peer name eth0 netns "$(ns_name b)"
in_ns h ip link set cable gso_max_segs 1 up
in_ns b ip link set eth0 gso_max_segs 1 master br0 up
no_ipv6 b eth0 br0
in_ns b ip link set br0 up
in_ns h ip address add 192.168.7.1/24 dev cable
in_ns h sysctl -qw net.ipv4.ip_forward=1
in_ns h nft -f - <<'END'
table ip nat {
    chain out {
        type nat hook postrouting priority srcnat
        ip saddr 192.168.7.0/24 oifname "eth0" masquerade
    }
}
END
in_ns h sysctl -qw net.netfilter.nf_conntrack_udp_timeout=2 net.netfilter.nf_conntrack_udp_timeout_stream=2 \
    net.netfilter.nf_conntrack_tcp_timeout_established=2 net.netfilter.nf_conntrack_tcp_timeout_unacknowledged=2 \
    net.netfilter.nf_conntrack_tcp_loose=0
new_keys a b
mk_conf a
conf_peer a b
start_wgtcpd a

for transport in udp tcp; do
    step "over $transport with PersistentKeepalive"
    start_b $transport "PersistentKeepalive = 1"
    assert_match "b as a sees it" "$(endpoint_of_b)" '^192\.0\.2\.4:[0-9]+$'
    before=$(endpoint_of_b)
    sleep 3
    ping_once a b 4 || fail "b is not reached after 3 s of silence"
    assert_equal "b as a sees it" "$(endpoint_of_b)" "$before"
    ping_both a b
    stop_wgtcpd b

    step "over $transport without"
    start_b $transport
    retry 15 has_forgotten $transport || fail "the NAT forgets nothing"
    ! ping_once a b 4 || fail "b is reached through a NAT that has forgotten it"
    started=$SECONDS
    retry 10 ping_once b a 4 || fail "a is not reached"
    ping_both a b
    step "a answers $((SECONDS - started)) s after b speaks"
    stop_wgtcpd b
done
