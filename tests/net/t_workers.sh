#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Workers = 2 and 3: peers over TCP and UDP on several workers at a time, one daemon dialled and one
# dialling; peers move to the worker that has their new connection; what shows and changes the daemon
# does so with several workers, too.
#
#        node b                         node a                       node g
#   ┌────────────────┐ TCP/v4 ┌───────────────────────────┐ UDP ┌──────────────┐
#   │ wgtcpd         ├───────►│ wgtcpd, Workers = N       │◄────┤ wireguard-go │
#   │ Workers = N    │        └───────────────────────────┘     └──────────────┘
#   └────────────────┘                      ▲ UDP/v6
#                                    ┌──────┴───────┐
#                                    │ wgtcpd     h │
#                                    └──────────────┘
. "${0%/*}/lib.sh"
need wg wireguard-go ping

new_wire
new_wgtcpd_node a b h
new_kernel_node g
new_keys a b g h
start_wggo g
wggo_peer g a endpoint "$(endpoint a 4)"

moved() { status a | sed -n 's/.*workers: .*, peers moved \([0-9]*\),.*/\1/p'; }

check_workers() { # N
    local node
    mk_conf a "Workers = $1"
    for node in b g h; do conf_peer a $node; done
    mk_conf b "Transport = tcp" "Workers = $1"
    conf_peer b a "Endpoint = $(endpoint a 4)"
    mk_conf h
    conf_peer h a "Endpoint = $(endpoint a 6)"
    for node in a b h; do start_wgtcpd $node; done
    # wireguard-go misses an answer after 15 s, when a is new and has forgotten it.
    for node in b g h; do ping_until 20 $node a; done
    for node in b g h; do ping_both a $node; done
    step "transfers of all peers at once"
    bulk b a 4 1000000 40 5301 &
    local one=$!
    bulk a g 6 1000000 40 5302 &
    local two=$!
    bulk h a 4 1000000 40 5303 &
    local three=$!
    bulk a b 6 1000000 40 5304
    wait $one && wait $two && wait $three || exit 1
    assert_match "status" "$(status a)" "workers: $1, "
}

check_workers 2
step "b comes back on other connections, until one is another worker's"
for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
    [ "$(moved)" -eq 0 ] || break
    kill_hard b
    start_wgtcpd b
    ping_until 20 b a
    ping_both a b
done
[ "$(moved)" -gt 0 ] || fail "no peer has moved"
bulk a b 4 1000000
bulk b a 6 1000000

step "wg, capture, reload"
assert_equal "peers that have shaken hands" \
    "$(in_ns a wg show "$(if_name a)" latest-handshakes | awk '$2 > 0' | wc -l)" 3
"$NET_BUILD/src/ctl/wgtcpctl" capture "$(if_name a)" "$NET_DIR/all.pcapng" --count 40 2>"$NET_DIR/capture.log" &
capture=$!
retry 5 test -s "$NET_DIR/all.pcapng" || fail "no capture begins: $(cat "$NET_DIR/capture.log")"
for node in b g h; do ping_both a $node; done
wait "$capture" || fail "the capture: $(cat "$NET_DIR/capture.log")"
echo "PersistentKeepalive = 5" >>"$(conf_of a)" # of the last peer
before=$(log_lines a)
kill -HUP "${PIDS[a]}"
retry 5 has_logged a "$before" 'reloaded .*: peers added 0, removed 0, changed 1, untouched 2' ||
    fail "reload: $(log_since a "$before")"
for node in b g h; do ping_both a $node; done

step "three workers"
stop_wgtcpd a b h
check_workers 3
kill_hard a
start_wgtcpd a
for node in b g h; do ping_until 20 $node a; done
stop_wgtcpd a b h
