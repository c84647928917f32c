#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The impaired path alone, without wgtcpd: it delays, limits, loses, doubles, reorders and swallows
# what it is told to. If this fails, the scenarios on such a path prove nothing.
# Runs alone: it judges delays and rates.
#
#        node g                  wire                      node h
#   ┌──────────────┐   ┌──────────────────────┐   ┌──────────────────┐
#   │ kernel       ├───┤ impair ── bridge     ├───┤ kernel           │
#   │ 192.0.2.3    │   │ 20 ms each way       │   │ 192.0.2.4        │
#   └──────────────┘   └──────────────────────┘   └──────────────────┘
. "${0%/*}/lib.sh"
need nft ping ethtool iperf3

new_wire
new_kernel_node g h
start_path g "${LONG_PATH[@]}"

pings() { # COUNT: what ping says of them
    in_ns g ping -n -q -i 0.005 -c "$1" -W 1 "$(outer_addr h 4)" 2>&1 || true
}

received() { sed -n 's/.* \([0-9]*\) received.*/\1/p' <<<"$1"; }

between() { # WHAT GOT MIN MAX
    awk -v got="$2" -v min="$3" -v max="$4" 'BEGIN { exit !(got >= min && got <= max) }' ||
        fail "$1: $2 is not within $3 and $4"
    step "$1: $2"
}

retry 5 in_ns g ping -n -q -c 1 -W 1 "$(outer_addr h 4)" >/dev/null || fail "nothing passes"
out=$(pings 100)
assert_equal "pings that came back" "$(received "$out")" 100
between "shortest round trip in ms" "$(sed -n 's|^rtt[^=]*= \([0-9.]*\)/.*|\1|p' <<<"$out")" 40 42

step "the bottleneck, and its queue"
spawn iperf h iperf3 -s --forceflush
retry 5 has_logged iperf 0 listening || fail "iperf3 -s does not start"
in_ns g iperf3 -c "$(outer_addr h 4)" -u -b 150m -l 1200 -t 1 >"$NET_DIR/iperf-g.log" 2>&1 ||
    fail "iperf3 -u"
between "longest wait in the queue in us" "$(path_figure g ab queue_max_us)" 55000 60000
between "frames the queue had no room for" "$(path_figure g ab overflow)" 1000 8000
out=$(in_ns g iperf3 -c "$(outer_addr h 4)" -t 2 -R -f m) || fail "iperf3: $out"
rate=$(sed -n 's|.* \([0-9.]*\) Mbits/sec.*receiver|\1|p' <<<"$out")
between "what a kernel's TCP gets in Mbit/s" "$rate" 20 95
stop iperf

step "losses"
set_path g ab:loss=10%
between "pings of 300 that came back" "$(received "$(pings 300)")" 235 295
set_path g ab:loss=0 ba:burst=3%,10
between "pings of 300 that came back" "$(received "$(pings 300)")" 100 298
between "frames lost in bursts" "$(path_figure g ba burst)" 2 200
set_path g ba:burst=0 duplicate=100%
assert_match "pings on a path that doubles" "$(pings 10)" ' 10 received, \+[1-9]'
set_path g duplicate=0 ab:reorder=20%,20ms
out=$(in_ns g ping -n -i 0.005 -c 100 -W 1 "$(outer_addr h 4)" || true)
order=$(sed -n 's/.*icmp_seq=\([0-9]*\).*/\1/p' <<<"$out")
[ "$order" != "$(sort -n <<<"$order")" ] || fail "nothing is reordered"
set_path g reorder=0 ba:blackhole=on
assert_equal "pings that came back from a black hole" "$(received "$(pings 10)")" 0
set_path g blackhole=off
assert_equal "pings that came back thereafter" "$(received "$(pings 10)")" 10
for direction in ab ba; do
    assert_equal "frames that impair failed to carry" "$(path_figure g $direction failed)" 0
done
