#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# One case in one round of tests/bench/idle, which sets IDLE_CASE (TRANSPORT-POLICY), IDLE_SECONDS and
# IDLE_OUT: what an idle daemon takes of a processor, and how soon it answers. A line of JSON.
#
#        node a                  node b
#   ┌──────────────┐          ┌──────────────┐
#   │ wgtcpd       │◄─────────┤ wgtcpd       │
#   └──────────────┘   wire   └──────────────┘
. "${0%/*}/lib.sh"
need wg ping

cpu_ticks() { # NODE: processor time of its daemon so far (user + system, all threads)
    awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/${PIDS[$1]}/stat"
}

# Milliseconds: median and greatest of COUNT pings from b, INTERVAL s apart.
rtts() { # COUNT INTERVAL
    in_ns b ping -n -c "$1" -i "$2" "$(inner_addr a 4)" | sed -n 's/.*time=\([0-9.]*\) ms/\1/p' |
        sort -n | awk '{ v[NR] = $1 } END { printf "%s %s", v[int((NR + 1) / 2)], v[NR] }'
}

new_wire
new_wgtcpd_node a b
new_keys a b
mk_conf a "Idle = ${IDLE_CASE#*-}"
conf_peer a b
mk_conf b "Idle = ${IDLE_CASE#*-}"
conf_peer b a "Endpoint = $(endpoint a 4)" "Transport = ${IDLE_CASE%-*}"
start_wgtcpd a
start_wgtcpd b
ping_until 10 b a
sleep 1
before=$(cpu_ticks b)
sleep "$IDLE_SECONDS"
ticks=$(($(cpu_ticks b) - before))
percent=$(awk "BEGIN { print $ticks * 100 / ($IDLE_SECONDS * $(getconf CLK_TCK)) }")
read -r first first_max <<<"$(rtts 20 0.3)"
read -r next next_max <<<"$(rtts 300 0.002)"
printf '{"case": "%s", "cpu": %s, "first": %s, "first_max": %s, "next": %s, "next_max": %s}\n' \
    "$IDLE_CASE" "$percent" "$first" "$first_max" "$next" "$next_max" >>"$IDLE_OUT"
step "$(tail -n 1 "$IDLE_OUT")"
