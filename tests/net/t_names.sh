#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Endpoints that are names: one that has no address at the start is tried on; one whose address does not
# answer, or cannot be dialled any more, is looked up again. Names come from a hosts file of b's own.
#
#   node a: wgtcpd                      node b: wgtcpd, Endpoint = server.example:51820
#   192.0.2.1                   ◄────── /etc/hosts says where
. "${0%/*}/lib.sh"
need wg ping unshare

hosts=$NET_DIR/hosts
echo 'nameserver 127.0.0.1' >"$NET_DIR/resolv.conf" # nobody is there

# The file is bound over /etc/hosts: it must stay the same file.
server_is_at() { # [ADDRESS...]
    local address
    for address; do echo "$address server.example"; done >"$hosts"
}

start_b() { # TRANSPORT
    local before
    mk_conf b
    conf_peer b a "Endpoint = server.example:$PORT" "Transport = $1"
    before=$(log_lines b)
    # shellcheck disable=SC2016
    spawn b b unshare -m sh -c 'mount --bind "$1" /etc/hosts && mount --bind "$2" /etc/resolv.conf &&
        exec "$3" -v -c "$4"' sh "$hosts" "$NET_DIR/resolv.conf" "$WGTCPD" "$(conf_of b)"
    retry 20 ready_or_dead b "$before" || fail "b is not ready"
    is_running b || fail "b ended while starting"
    no_ipv6 b wgout0
    in_ns b ip link set wgout0 address "02:00:00:00:00:02" master br0 up
}

new_wire
new_wgtcpd_node a b
new_keys a b
mk_conf a
conf_peer a b
start_wgtcpd a

step "a name without an address is waited for"
server_is_at
start_b udp
assert_match "b's log" "$(cat "$(log_of b)")" 'cannot resolve endpoint server.example: .*; trying on'
! ping_once b a 4 || fail "b has no address, and an answer"
server_is_at 192.0.2.1
ping_until 15 b a
stop_wgtcpd b

step "UDP: nobody answers at the address that the name had"
server_is_at 192.0.2.99
start_b udp
! ping_once b a 4 || fail "nobody is there, and answers"
server_is_at 192.0.2.1
ping_until 20 b a
assert_match "b's log" "$(cat "$(log_of b)")" 'endpoint server.example is at 192\.0\.2\.1:51820 now'
stop_wgtcpd b

step "TCP: it cannot be dialled; of several addresses the next one is tried"
server_is_at 192.0.2.98
start_b tcp
! ping_once b a 4 || fail "nobody is there, and answers"
server_is_at 192.0.2.98 192.0.2.1
ping_until 30 b a
stop_wgtcpd b
