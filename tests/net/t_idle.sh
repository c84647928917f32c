#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# An idle daemon leaves the processor alone, with a session over TCP and keepalives, and wakes up
# at once when there is something to do.
# Runs alone: it judges how much of the processor an idle daemon takes.
#
#        node a                  node b
#   ┌──────────────┐   TCP    ┌──────────────┐
#   │ wgtcpd       │◄─────────┤ wgtcpd       │
#   │ 192.0.2.1    │   wire   │ 192.0.2.2    │
#   └──────────────┘          └──────────────┘
. "${0%/*}/lib.sh"
need wg nft ping

# Processor time of the daemon of NODE so far, in clock ticks (user + system, all threads).
cpu_ticks() {
    awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/${PIDS[$1]}/stat"
}

start_pair tcp 4
ping_both a b
sleep 1
declare -A ticks
for node in a b; do ticks[$node]=$(cpu_ticks "$node"); done
sleep 5
hz=$(getconf CLK_TCK)
for node in a b; do
    percent=$((($(cpu_ticks "$node") - ticks[$node]) * 100 / (5 * hz)))
    step "$node used $percent % of a processor"
    [ "$percent" -le 2 ] || fail "$node used $percent % of a processor while idle"
done
rtt=$(in_ns b ping -n -c 5 -i 0.5 -q "$(inner_addr a 4)" | sed -n 's|^rtt[^=]*= [^/]*/\([0-9]*\).*|\1|p')
[ "$rtt" -lt 50 ] || fail "a ping after idle takes $rtt ms"
step "a ping after idle takes $rtt ms"
