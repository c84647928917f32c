#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What a daemon shows of itself: metrics, telemetry, a key log, log levels, and what the service
# manager hears; and packets, captured inside and outside.
#
#        node a                  node b
#   ┌──────────────┐   UDP    ┌──────────────┐
#   │ wgtcpd       │◄─────────┤ wgtcpd       │
#   │ 192.0.2.1    │   wire   │ 192.0.2.2    │
#   └──┬───────────┘          └──────────────┘
#      └ metrics at 127.0.0.1:9586 of its namespace
. "${0%/*}/lib.sh"
need wg nft ping tcpdump
need_built "$WGTCPCTL"

observe() { # NODE ARGUMENT...
    local node=$1
    shift
    in_ns "$node" "$NET_PYTHON" "$NET_HERE/observe.py" "$@"
}

telemetry() { # COMMAND...
    observe a telemetry "/run/dpdk/wgtcpd-$(if_name a)/dpdk_telemetry.v2" "$@"
}

metrics() { # [ACCEPT]: sets TEXT and ANSWER
    TEXT=$(observe a get 127.0.0.1 9586 /metrics "$@" 2>"$NET_DIR/answer.txt")
    ANSWER=$(cat "$NET_DIR/answer.txt")
}

value() { # NAME [LABEL]: of the first such sample in TEXT
    awk -v name="$1{" -v label="${2:-}" 'index($0, name) == 1 && index($0, label) { print $NF; exit }' \
        <<<"$TEXT"
}

watchdogs() { grep -c 'WATCHDOG=1$' "$(log_of manager)" || true; }

more_watchdogs() { [ "$(watchdogs)" -gt "$1" ]; } # THAN

new_wire
new_wgtcpd_node a b
new_keys a b
mk_conf a "Metrics = 127.0.0.1:9586" "KeyLog = $NET_DIR/wireshark.keys" "LogLevel = info"
conf_peer a b
mk_conf b "LogLevel = error"
conf_peer b a "Endpoint = $(endpoint a 4)"

step "the service manager"
spawn manager a "$NET_PYTHON" "$NET_HERE/observe.py" notify "$NET_DIR/notify"
retry 5 has_logged manager 0 listening || fail "no service manager"
spawn wire wire "$NET_PYTHON" "$NET_HERE/observe.py" ephemerals v-b
retry 5 has_logged wire 0 listening || fail "nobody listens on the wire"
NOTIFY_SOCKET=$NET_DIR/notify WATCHDOG_USEC=900000 start_wgtcpd a
retry 5 has_logged manager 0 'READY=1$' || fail "the manager does not hear that a is ready"
assert_match "status" "$(cat "$(log_of manager)")" 'STATUS=1 peers?$'
start_wgtcpd b
observe a silent 127.0.0.1 9586 >"$NET_DIR/silent.txt" &
silent=$!
ping_until 10 b a
ping_both b a -c 10

step "the watchdog hears of a worker that turns, idle or not"
before=$(watchdogs)
sleep 1
more_watchdogs $((before + 1)) || fail "no watchdog"

step "and not of one that hangs, whatever the control thread does"
worker=$(grep -lE '^(rte|lcore)-worker-1$' "/proc/${PIDS[a]}/task/"*/comm) || fail "a has no worker"
said=$(log_lines a)
read -r from to < <(observe a freeze "${PIDS[a]}" "$(cat "$worker")" 1.6)
# One may come for the turns made before; a busy machine hears of it late.
hung=$(awk -v from="$from" -v to="$to" '/WATCHDOG=1$/ && $1 > from + 0.6 && $1 < to - 0.1' "$(log_of manager)")
assert_equal "WATCHDOG=1 while the worker hung" "$hung" ""
has_logged a "$said" 'warning: a worker has not made a turn' || fail "nothing is said of a worker that hangs"
retry 5 more_watchdogs "$(watchdogs)" ||
    fail "the watchdog does not hear that the worker turns again"

step "the log"
short=$(public_key b | sed -E 's/^(.{4}).*(.{4})=$/\1…\2/')
assert_equal "lines about b" "$(grep -cF "wgtcpd: peer $short: session with 192.0.2.2:51820 over udp" \
    "$(log_of a)")" 1

step "metrics"
metrics
assert_match "answer" "$ANSWER" '^200 text/plain; version=0.0.4'
"$NET_PYTHON" "$NET_HERE/../unit/check_metrics.py" --dashboard "$NET_HERE/../../conf/grafana-wgtcpd.json" \
    <<<"$TEXT" >/dev/null || fail "the text of metrics"
[ "$(value wgtcpd_peer_receive_packets_total "peer=\"$(public_key b)\"")" -ge 10 ] ||
    fail "packets of b are not counted"
assert_equal "handshakes with b" "$(value wgtcpd_peer_handshakes_total)" 1
assert_equal "sessions" "$(value wgtcpd_peer_session)" 1
assert_match "b's transport" "$TEXT" 'wgtcpd_peer_info\{.*,transport="udp"\} 1'
age=$(($(date +%s) - $(value wgtcpd_peer_last_handshake_timestamp_seconds)))
[ "$age" -ge 0 ] && [ "$age" -lt 60 ] || fail "the last handshake was $age s ago"
for secret in "$NET_DIR"/*.key; do
    assert_no_match "metrics" "$TEXT" "$(cut -c 4-20 "$secret" | sed 's/[+]/[+]/g')"
done
metrics 'application/openmetrics-text; version=1.0.0'
assert_match "answer" "$ANSWER" '^200 application/openmetrics-text'
assert_match "end" "$TEXT" '^# EOF$'
assert_match "something else than metrics" "$(observe a get 127.0.0.1 9586 / 2>&1)" '^404 '

step "telemetry"
assert_equal "interfaces" "$(telemetry /wgtcpd/interfaces)" \
    "{\"/wgtcpd/interfaces\": [\"$(if_name a)\"]}"
assert_match "commands" "$(telemetry /)" '"/wgtcpd/drops"'
assert_match "interface" "$(telemetry /wgtcpd/interface)" "\"listen_port\": $PORT,"
assert_equal "peers" "$(telemetry /wgtcpd/peers)" "{\"/wgtcpd/peers\": [\"$(public_key b)\"]}"
assert_equal "peers from the second on" "$(telemetry /wgtcpd/peers,1)" '{"/wgtcpd/peers": []}'
assert_match "b" "$(telemetry "/wgtcpd/peer,$(public_key b)")" \
    '"transport": "udp", "endpoint": "192.0.2.2:51820".*"handshakes": 1,'
assert_match "TCP" "$(telemetry /wgtcpd/tcp)" '"connections": 0,'
assert_match "drops" "$(telemetry /wgtcpd/drops)" '"handshake": \{'
assert_equal "no such peer" "$(telemetry "/wgtcpd/peer,$(public_key a)")" '{"/wgtcpd/peer": null}'
assert_equal "no key" "$(telemetry /wgtcpd/peer,x)" '{"/wgtcpd/peer": null}'
socket=/run/dpdk/wgtcpd-$(if_name a)
assert_equal "mode of its directory" "$(stat -c %a "$socket")" 700

step "the key log"
assert_equal "mode" "$(stat -c %a "$NET_DIR/wireshark.keys")" 600
assert_equal "lines" "$(wc -l <"$NET_DIR/wireshark.keys")" 4
assert_equal "ours" "$(sed -n 's/^LOCAL_STATIC_PRIVATE_KEY = //p' "$NET_DIR/wireshark.keys" | wg pubkey)" \
    "$(public_key a)"
assert_equal "theirs" "$(sed -n 's/^REMOTE_STATIC_PUBLIC_KEY = //p' "$NET_DIR/wireshark.keys")" \
    "$(public_key b)"
assert_match "there is a warning" "$(cat "$(log_of a)")" 'warning: KeyLog: .* can read all traffic'
assert_no_match "no key without KeyLog" "$(cat "$(log_of b)")" 'KeyLog'

step "captures"
inside=$NET_DIR/inner.pcapng outside=$NET_DIR/outer.pcapng
capture=("$WGTCPCTL" capture "$(if_name a)")
shown() { tcpdump -n -r - "${@:2}" <"$1" 2>>"$NET_DIR/tcpdump.log"; } # FILE ARGUMENT...
seen() { shown "$@" | wc -l; }
"${capture[@]}" "$inside" --inner --snaplen 64 2>"$NET_DIR/inner.log" &
inner=$!
retry 5 test -s "$inside" || fail "no capture begins: $(cat "$NET_DIR/inner.log")"
! "${capture[@]}" - --outer >"$NET_DIR/second" 2>&1 || fail "there are two captures"
assert_match "a second capture" "$(cat "$NET_DIR/second")" 'somebody captures already'
ping_both b a -c 10 -s 1000
kill -INT "$inner"
wait "$inner" || fail "the capture: $(cat "$NET_DIR/inner.log")"
assert_match "its end" "$(cat "$NET_DIR/inner.log")" '^wgtcpctl: [0-9]+ packets captured, 0 missed'
assert_equal "mode of the file" "$(stat -c %a "$inside")" 600
for family in icmp icmp6; do
    [ "$(seen "$inside" "$family and greater 1000")" -ge 20 ] ||
        fail "too few of $family: $(shown "$inside")"
    [ "$(seen "$inside" -Q in "$family")" -eq "$(seen "$inside" -Q out "$family")" ] ||
        fail "requests and answers of $family go different ways"
done
late=$(shown "$inside" -tt | awk -v now="$(date +%s)" '$1 < now - 60 || $1 > now + 1' | wc -l)
assert_equal "packets that were not seen now" "$late" 0
assert_match "bytes kept" "$(tcpdump -r - -c 1 <"$inside" 2>&1)" 'snapshot length 64'
"${capture[@]}" --outer --count 12 >"$outside" 2>"$NET_DIR/outer.log" &
outer=$!
retry 5 test -s "$outside" || fail "no capture begins: $(cat "$NET_DIR/outer.log")"
ping_both b a -c 10
wait "$outer" || fail "the capture: $(cat "$NET_DIR/outer.log")"
assert_match "its end" "$(cat "$NET_DIR/outer.log")" '12 packets captured'
assert_equal "packets captured" "$(seen "$outside")" 12
assert_match "outside" "$(shown "$outside")" "IP 192.0.2.2.$PORT > 192.0.2.1.$PORT: UDP"
assert_equal "inner addresses outside" "$(seen "$outside" host 10.9.0.1)" 0
STATUS=0
"${capture[@]}" /nowhere/file 2>"$NET_DIR/err.log" || STATUS=$?
assert_equal "a file that cannot be: exit status" "$STATUS" 1
"${capture[@]}" "$NET_DIR/ends" 2>"$NET_DIR/ends.log" & # and a is still its subject when it ends
last=$!
retry 5 test -s "$NET_DIR/ends" || fail "no capture begins: $(cat "$NET_DIR/ends.log")"

step "a client that says nothing is sent away"
wait "$silent" || fail "the silent client"
assert_equal "it" "$(cat "$NET_DIR/silent.txt")" "closed after 5 s"

step "the end"
stop_wgtcpd a b
wait "$last" || fail "the capture does not end with a: $(cat "$NET_DIR/ends.log")"
retry 5 has_logged manager 0 'STOPPING=1$' || fail "the manager does not hear that a stops"
[ ! -e "$socket" ] || fail "telemetry leaves $socket behind"
stop manager INT

step "the initiator's keys are those on the wire; lines are as the level says, without -v"
mk_conf b "KeyLog = $NET_DIR/b.keys" "LogLevel = warning" "Telemetry = off"
conf_peer b a "Endpoint = $(endpoint a 4)"
before=$(log_lines wire)
start_wgtcpd a
spawn b b "$WGTCPD" -c "$(conf_of b)"
retry 10 in_ns b ip link show wgout0 >/dev/null 2>&1 || fail "b does not start"
in_ns b ip link set wgout0 address 02:00:00:00:00:02 master br0 up
ping_until 10 b a
sed -n 's/^LOCAL_EPHEMERAL_PRIVATE_KEY = //p' "$NET_DIR/b.keys" | while read -r key; do
    wg pubkey <<<"$key"
done | sort >"$NET_DIR/logged.txt"
log_since wire "$before" | sort >"$NET_DIR/seen.txt"
[ -s "$NET_DIR/seen.txt" ] || fail "no initiation was seen"
unlogged=$(comm -13 "$NET_DIR/logged.txt" "$NET_DIR/seen.txt")
assert_equal "initiations on the wire that are not in the log" "$unlogged" ""
log=$(log_since b "$(grep -n 'ready$' "$(log_of b)" | tail -n 1 | cut -d: -f1)")
assert_match "warnings" "$log" 'wgtcpd: warning: KeyLog'
assert_no_match "lines below the level" "$log" ': ready$|debug: '
[ ! -e "/run/dpdk/wgtcpd-$(if_name b)/dpdk_telemetry.v2" ] || fail "telemetry, though it is off"
stop_wgtcpd a b

step "what cannot be"
mk_conf a "KeyLog = /dev/null"
spawn a a "$WGTCPD" -c "$(conf_of a)"
retry 10 gone "${PIDS[a]}" || fail "a key log that is no file is taken"
STATUS=0
wait "${PIDS[a]}" || STATUS=$?
unset "PIDS[a]"
assert_equal "exit status" "$STATUS" 1
assert_match "KeyLog" "$(cat "$(log_of a)")" 'error: KeyLog: cannot open /dev/null: it must be'
