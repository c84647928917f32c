#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# TCP between two daemons through what the Internet has of odd boxes: one that lowers the MSS to 536, a proxy
# that hands on every byte in a segment of its own, reads nothing for a while, or ends one direction only. Then
# a thousand strangers who connect and say nothing.
#
#     node a                      node g                     node b
#   ┌─────────────┐         ┌───────────────────┐        ┌─────────────┐
#   │ wgtcpd      │◄────────┤ odd_proxy.py      │◄───────┤ wgtcpd      │
#   │ 192.0.2.1   │  wire   │ 192.0.2.3 :7000   │  wire  │ 192.0.2.2   │
#   └─────────────┘         └───────────────────┘        └─────────────┘
. "${0%/*}/lib.sh"
need wg nft ping

key_a='' proxy=$NET_DIR/proxy.fifo

connections_dialled() { status b | sed -n 's/.*tcp: connections .* dialled \([0-9]*\),.*/\1/p'; }
handshakes() { status b | sed -n 's/.*, handshakes \([0-9]*\),.*/\1/p'; }

tell_proxy() { # LINE
    local before
    before=$(log_lines proxy)
    echo "$1" >&7
    retry 10 has_logged proxy "$before" "^done $1\$" || fail "the proxy does not do: $1"
}

call_by() { # ENDPOINT
    in_ns b wg set "$(if_name b)" peer "$key_a" endpoint "$1"
    ping_until 10 b a
}

new_wire
new_wgtcpd_node a b
new_kernel_node g
new_keys a b
key_a=$(public_key a)
mk_conf a
conf_peer a b
mk_conf b
conf_peer b a "Endpoint = $(endpoint a 4)" "Transport = tcp"
start_wgtcpd a

step "a box that lowers the MSS to 536"
in_ns wire nft add rule bridge wire loss tcp flags syn tcp option maxseg size set 536
start_wgtcpd b
ping_until 10 b a
status_matches b ', mss 5[0-3][0-9],' || fail "the MSS is not what the box made of it"
for family in 4 6; do # senders are told what fits, and cut their packets from then on
    ping_once a b $family -s 1300 || true
    ping_once b a $family -s 1300 || true
done
ping_both b a -s 1232 # 1280 bytes of IPv6: in several segments, since every link must carry them
ping_sizes a b
bulk b a 4 1000000
bulk a b 6 1000000
loss 0

step "every byte in a segment of its own"
mkfifo "$proxy"
nsenter --net="/run/netns/$(ns_name g)" -- "$NET_PYTHON" "$NET_HERE/odd_proxy.py" \
    "$(outer_addr g 4)" 7000 "$(outer_addr a 4)" "$PORT" <"$proxy" >>"$(log_of proxy)" 2>&1 &
PIDS[proxy]=$!
exec 7>"$proxy"
retry 5 has_logged proxy 0 ready || fail "the proxy does not start"
call_by "$(endpoint g 4 7000)"
tell_proxy bytes
before=$(connections_dialled)
ping_both b a
ping_both a b -s 1300
bulk b a 4 10000
bulk a b 6 10000
assert_equal "connections that b has dialled" "$(connections_dialled)" "$before"
tell_proxy whole

step "the other end reads nothing for 4 s: its window is zero"
spawn flood b ping -n -q -i 0.005 -s 1200 10.9.0.1
sleep 0.3
before=$(handshakes)
tell_proxy stop
sleep 4
! ping_once b a 4 || fail "a ping passes a proxy that does not read"
tell_proxy go
ping_until 5 b a
stop flood INT
ping_both b a
bulk b a 4 1000000
assert_equal "b's handshakes" "$(handshakes)" "$before"

for side in client target; do
    step "the proxy ends its direction to the $side, and goes on reading"
    before=$(connections_dialled)
    tell_proxy "half $side"
    ping_until 10 b a
    ping_both a b
    [ "$(connections_dialled)" -gt "$before" ] || fail "b has not dialled again"
done
call_by "$(endpoint a 4)"

step "a thousand connections that say nothing"
sources=()
for i in {100..149}; do
    in_ns g ip address add 192.0.2.$i/24 dev eth0
    sources+=("192.0.2.$i")
done
start_probe b a
spawn idle g "$NET_PYTHON" "$NET_HERE/idle_connections.py" "$(outer_addr a 4)" "$PORT" 1000 "${sources[@]}"
retry 10 has_logged idle 0 ready || fail "the strangers do not come"
bulk b a 4 5000000
bulk a b 4 5000000
stop_probe
step "probe beside them, ms: $PROBE"
assert_match "probe beside them" "$PROBE" ' lost 0\.0 '
assert_match "a's status" "$(status a)" 'strangers [1-9][0-9]'
kill_hard b
start_wgtcpd b
ping_until 15 b a
ping_both a b
is_running idle || fail "the strangers: $(tail -n 1 "$(log_of idle)")"
kill_hard idle
retry 20 status_matches a 'half open 0, strangers 0 ' || fail "a keeps connections of strangers"
exec 7>&-
