#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# SIGTERM and SIGINT end the daemon with status 0 and leave everything as it was; the peer at the
# other end of a TCP connection sees a FIN, also in the middle of a transfer.
#
#        node a                  node b
#   ┌──────────────┐   TCP    ┌──────────────┐
#   │ wgtcpd       │◄─────────┤ wgtcpd       │
#   │ 192.0.2.1    │   wire   │ 192.0.2.2    │
#   └──────────────┘          └──────────────┘
. "${0%/*}/lib.sh"
need wg nft ping

# What a daemon could leave behind in the namespace of NODE and in the file system.
traces() {
    in_ns "$1" ip -o link | sed -E 's/.*: (.*): <.* mtu ([0-9]*) .*/\1 mtu \2/'
    in_ns "$1" ip -o address
    in_ns "$1" ip -4 route show table all
    in_ns "$1" ip -6 route show table all | sed 's/ expires [0-9]*sec//'
    in_ns "$1" ip rule
    in_ns "$1" ip -6 rule
    find /run/wireguard /run/wgtcpd /dev/shm /run/dpdk -name "*$(if_name "$1")*" 2>/dev/null || true
}

new_wire
new_wgtcpd_node a b
new_keys a b
mk_conf a
conf_peer a b
mk_conf b "PostUp = touch $NET_DIR/%i.up" "PostDown = touch $NET_DIR/%i.down"
conf_peer b a "Endpoint = $(endpoint a 4)" "Transport = tcp"
traces a >"$NET_DIR/a.before"
traces b >"$NET_DIR/b.before"

both_up() {
    start_wgtcpd a
    start_wgtcpd b
    ping_until 10 b a
}

# Ends both daemons with SIGNAL, NODE first; the first end must send a FIN.
both_down() { # SIGNAL NODE NODE
    local node
    for node in "$2" "$3"; do
        count_on_wire "fin_$node" ip saddr "$(outer_addr "$node" 4)" tcp flags '&' fin == fin
        stop "$node" "$1"
        assert_equal "exit status of wgtcpd in $node after SIG$1" "$STATUS" 0
        [ "$node" = "$3" ] || retry 2 counted_at_least "fin_$node" 1 ||
            fail "no FIN from $node after SIG$1"
        traces "$node" | diff "$NET_DIR/$node.before" - || fail "$node left something behind"
    done
    in_ns wire nft flush chain bridge wire count
    in_ns wire nft delete counter bridge wire fin_a
    in_ns wire nft delete counter bridge wire fin_b
}

step "SIGTERM, the dialler first"
both_up
both_down TERM b a
[ -e "$NET_DIR/$(if_name b).up" ] || fail "PostUp did not run"
[ -e "$NET_DIR/$(if_name b).down" ] || fail "PostDown did not run"

step "SIGINT, the listener first"
both_up
both_down INT a b

step "in the middle of a transfer"
both_up
(bulk a b 4 1000000000 3 >/dev/null 2>&1) &
transfer=$!
sleep 0.5
both_down TERM b a
wait "$transfer" || true

step "never having had a session"
start_wgtcpd a
stop_wgtcpd a
traces a | diff "$NET_DIR/a.before" - || fail "a left something behind"
