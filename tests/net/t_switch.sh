#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A reload takes a peer from UDP to TCP and back in the middle of transfers: they arrive intact, with the
# session that there was.
#
#        node a                  node b
#   ┌──────────────┐ UDP, TCP ┌──────────────┐
#   │ wgtcpd       │◄─────────┤ wgtcpd       │
#   │ 192.0.2.1    │   wire   │ 192.0.2.2    │
#   └──────────────┘          └──────────────┘
. "${0%/*}/lib.sh"
need wg nft ping

switch_to() { # TRANSPORT
    local before
    mk_conf b
    conf_peer b a "Endpoint = $(endpoint a 4)" "Transport = $1"
    before=$(log_lines b)
    kill -HUP "${PIDS[b]}"
    retry 5 has_logged b "$before" 'reloaded .*: peers added 0, removed 0, changed 1' || fail "no reload to $1"
    retry 5 status_matches b "transport $1, endpoint 192\.0\.2\.1:$PORT," || fail "b does not use $1"
    retry 5 status_matches a "transport $1, endpoint 192\.0\.2\.2:" || fail "a does not answer over $1"
    step "over $1 now"
}

start_pair udp 4
before=$(status b | grep -o 'handshakes [0-9]*,')
start_probe b a
bulk b a 4 5s 30 5201 &
one=$!
bulk a b 6 5s 30 5202 &
two=$!
for transport in tcp udp tcp udp; do
    sleep 1
    switch_to $transport
done
wait $one || exit 1
wait $two || exit 1
stop_probe
step "probe beside it, ms: $PROBE"
assert_equal "b's handshakes" "$(status b | grep -o 'handshakes [0-9]*,')" "$before"
ping_both a b
