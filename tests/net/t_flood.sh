#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# More is sent into the tunnel than it can carry, in UDP packets that don't slow down: the surplus
# is dropped, memory does not grow, and afterwards nothing old is still queued.
# Runs alone: it judges delays and memory beside as many packets as the machine can make.
#
#        node a                  node b
#   ┌──────────────┐ UDP, TCP ┌──────────────┐
#   │ wgtcpd       │◄─────────┤ wgtcpd       │◄── flood
#   │ 192.0.2.1    │   wire   │ 192.0.2.2    │
#   └──────────────┘          └──────────────┘
. "${0%/*}/lib.sh"
need wg nft ping iperf3

resident() { awk '/^VmRSS/ { print $2 }' "/proc/${PIDS[$1]}/status"; } # NODE: in KiB

new_wire
new_wgtcpd_node a b
new_keys a b
mk_conf a
conf_peer a b
start_wgtcpd a
spawn iperf a iperf3 -s -B "$(inner_addr a 4)"

for transport in udp tcp; do
    mk_conf b
    conf_peer b a "Endpoint = $(endpoint a 4)" "Transport = $transport"
    start_wgtcpd b
    ping_until 10 b a
    before=$(resident b)
    for size in 1300 64; do
        result=$(in_ns b timeout 20 iperf3 -c "$(inner_addr a 4)" -u -b 0 -l $size -t 3 2>&1) ||
            fail "iperf3 over $transport, $size bytes: $result"
        step "over $transport, $size bytes: $(grep receiver <<<"$result")"
        # What was queued is gone within a moment; a ping is quick again.
        ping_until 2 b a
        rtt=$(in_ns b ping -n -q -c 5 -i 0.1 -W 2 "$(inner_addr a 4)" |
            sed -n 's|^rtt[^=]*= [^/]*/\([0-9]*\).*|\1|p')
        [ "${rtt:-9999}" -lt 100 ] || fail "a ping after the flood takes $rtt ms"
    done
    grown=$((($(resident b) - before) / 1024))
    step "over $transport: b grew by $grown MiB"
    [ "$grown" -lt 64 ] || fail "b grew by $grown MiB"
    stop_wgtcpd b
done
stop iperf
