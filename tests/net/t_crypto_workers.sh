#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# CryptoWorkers = 1 and 2: transfers whose packets crypto workers seal and open, over UDP and TCP, in
# order and whole; once the other end knows nothing of it, and is killed and started again at work.
#
#        node a                                    node b
#   ┌───────────────────┐   UDP/v4, TCP/v6   ┌───────────────────┐
#   │ wgtcpd            │◄──────────────────►│ wgtcpd            │
#   │ CryptoWorkers = N │                    │ CryptoWorkers = M │
#   └───────────────────┘                    └───────────────────┘
. "${0%/*}/lib.sh"
need ping

new_wire
new_wgtcpd_node a b
new_keys a b

crypto() { # NODE WHAT
    "$NET_BUILD/src/ctl/wgtcpctl" show "$(if_name "$1")" --json |
        "$NET_PYTHON" -c "import json, sys; s = json.load(sys.stdin)
w = s['workers'][0]['crypto']
print({'given': w['messages'],
       'finished': sum(c['messages'] for c in s['crypto_workers'])}['$2'])"
}

check() { # udp|tcp 4|6 N M
    mk_conf a "CryptoWorkers = $3"
    conf_peer a b
    mk_conf b "Transport = $1" "CryptoWorkers = $4"
    conf_peer b a "Endpoint = $(endpoint a "$2")"
    start_wgtcpd a
    start_wgtcpd b
    ping_until 10 b a
    ping_both a b
    bulk a b 4 30000000
    bulk b a 6 30000000
    bulk_duplex a b 4 10000000
}

step "over UDP, one crypto worker here, none there"
check udp 4 1 0
[ "$(crypto a given)" -gt 1000 ] || fail "$(crypto a given) messages were given to crypto workers"
[ "$(crypto a finished)" -gt 0 ] || fail "the crypto worker has done nothing"
assert_match "status" "$(status a)" 'crypto workers: 1, batches for them [1-9]'
assert_no_match "status" "$(status b)" 'crypto workers'
for reason in data_replay data_tag data_expired data_index; do
    assert_equal "messages dropped: $reason" "$(drops a $reason) $(drops b $reason)" "0 0"
done

step "the other end is killed and comes back while they work"
in_ns a ping -q -i 0.002 -s 1300 "$(inner_addr b 4)" >/dev/null 2>&1 &
pinger=$!
kill_hard b
start_wgtcpd b
ping_until 20 b a
kill "$pinger"
wait "$pinger" 2>/dev/null || true
bulk a b 4 5000000
stop_wgtcpd a b

step "over TCP, two here and one there"
check tcp 6 2 1
for node in a b; do
    [ "$(crypto "$node" given)" -gt 1000 ] ||
        fail "$node: $(crypto "$node" given) messages were given to crypto workers"
    [ "$(crypto "$node" finished)" -gt 0 ] || fail "$node: crypto workers have done nothing"
done
for reason in data_replay data_tag data_expired data_index connection_lost; do
    assert_equal "messages dropped: $reason" "$(drops a $reason) $(drops b $reason)" "0 0"
done

stop_wgtcpd a b
