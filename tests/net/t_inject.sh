#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Somebody forges segments and ICMP errors of a live connection. Blind ones change nothing, also
# beside a transfer; an RST that hits the very next byte may end the connection, and then the tunnel
# is back at once.
#
#        node a                wire                     node b
#   ┌──────────────┐   ┌────────────────────────┐   ┌──────────────┐
#   │ wgtcpd       │◄──┤ injector ── 5 ms each  │◄──┤ wgtcpd       │
#   │ 192.0.2.1    │   │             way        │   │ 192.0.2.2    │
#   └──────────────┘   └────────────────────────┘   └──────────────┘
. "${0%/*}/lib.sh"
need wg nft ping ethtool
"$NET_PYTHON" -c 'import scapy' 2>/dev/null || { echo "skip: no scapy"; exit 77; }

start_pair tcp 4 rate=20mbit delay=5ms queue=60ms

# What leads to NODE, seen from the wire.
way_to() {
    if [ "$1" = b ]; then echo j-b; else echo v-a; fi
}

inject() { # quiet|storm VICTIM ARGUMENT...
    local how=$1 victim=$2
    shift 2
    in_ns wire "$NET_PYTHON" "$NET_HERE/inject.py" "$how" "$(way_to "$victim")" \
        "$(outer_addr "$victim" 4)" "$PORT" "$@"
}

# Quick, so that nothing is left to be said when the injector begins.
traffic() { echo nsenter "--net=/run/netns/$(ns_name b)" -- ping -n -q -c 2 -i 0.1 "$(inner_addr a 4)"; }

connections() { # of b's, so far
    status b | grep -oE 'dials [0-9]+'
}

assert_untouched() { # WHAT
    assert_equal "b's dials after $1" "$(connections)" "$before"
    ping_both b a -c 2
}

blind() { # VICTIM KIND...
    local victim=$1
    shift
    step "blind segments to $victim"
    # shellcheck disable=SC2046  # words on purpose
    inject quiet "$victim" "$@" -- $(traffic) ||
        fail "$victim does not answer forged segments as it should"
    assert_untouched "blind segments to $victim"
}

before=$(connections)
blind a blind
blind b rst-outside rst-in-window syn-exact syn-ack data-outside

for victim in a b; do
    step "forged segments and ICMP errors to $victim beside a transfer"
    lines=$(log_lines storm)
    spawn storm wire "$NET_PYTHON" "$NET_HERE/inject.py" storm "$(way_to $victim)" \
        "$(outer_addr $victim 4)" "$PORT" 3
    retry 15 has_logged storm "$lines" '^listening' || fail "the injector does not start"
    bulk b a 4 1s 20 &
    bulk a b 4 1s 20 5202
    wait $! || exit 1
    retry 10 gone "${PIDS[storm]}" || fail "the injector does not end"
    wait "${PIDS[storm]}" || fail "the injector: $(tail -n 1 "$(log_of storm)")"
    unset "PIDS[storm]"
    assert_untouched "the storm on $victim"
done

for victim in a b; do
    step "an exact RST to $victim"
    before=$(connections)
    # shellcheck disable=SC2046
    inject quiet $victim rst-exact -- $(traffic)
    ping_until 10 b a
    [ "$(connections)" != "$before" ] || fail "the RST did not end the connection: is it exact?"
    ping_both a b
done
