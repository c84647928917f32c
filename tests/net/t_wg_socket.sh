#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The configuration socket itself: what clients other than wg may say, very large operations, many
# clients at once, hooks that call wg, and the end.
#
#        node a                  node b
#   ┌──────────────┐   UDP    ┌──────────────┐
#   │ wgtcpd       │◄─────────┤ wgtcpd       │
#   │ 192.0.2.1    │   wire   │ 192.0.2.2    │
#   └──────▲───────┘          └──────────────┘
#       clients
. "${0%/*}/lib.sh"
need wg nft ping
need_built "$WGTCPCTL"

a=$(if_name a) b=$(if_name b)
socket=/run/wireguard/$a.sock

wg_a() { in_ns a wg "$@"; }

uapi() { # TEXT: printf's
    # shellcheck disable=SC2059
    printf "$1" | "$NET_PYTHON" "$NET_HERE/uapi.py" "$socket"
}

new_wire
new_wgtcpd_node a b
new_keys a b x
mk_conf a "Table = off"
conf_peer a b
mk_conf b "PostUp = $WGTCPCTL show %i --json >$NET_DIR/up.json && $WGTCPCTL reload %i && touch $NET_DIR/reloaded" \
    "PostUp = wg set %i fwmark 0x20" "PostUp = wg show %i fwmark >$NET_DIR/up.wg" \
    "PreDown = wg showconf %i >$NET_DIR/saved" "PreDown = $WGTCPCTL save %i && touch $NET_DIR/kept"
conf_peer b a "Endpoint = $(endpoint a 4)" "Transport = tcp"
start_wgtcpd a
start_wgtcpd b
ping_until 10 b a
key_b=$(public_key b)
hex_x=$(base64 -d <"$NET_DIR/x.pub" | od -An -v -tx1 | tr -d ' \n')

step "a hook may call wg and wgtcpctl"
assert_equal "fwmark in PostUp" "$(cat "$NET_DIR/up.wg")" 0x20
assert_match "wgtcpctl in PostUp" "$(cat "$NET_DIR/up.json")" "\"interface\": \"$b\""
[ -e "$NET_DIR/reloaded" ] || fail "PostUp cannot reload"
assert_match "reload" "$(cat "$(log_of b)")" 'reloaded .*: peers added 0, removed 0, changed 0, untouched 1'

step "our own lines"
got=$(uapi 'get=1\n\n')
assert_match "get" "$got" '^path=tcp$'
assert_match "get" "$got" '^tcp_state=ESTABLISHED$'
assert_match "get" "$got" '^tcp_rtt_usec=[1-9]'
assert_match "get" "$got" '^errno=0$'
assert_equal "set" "$(uapi "set=1\npublic_key=$hex_x\ntransport=tcp\ncongestion_control=cubic\n\n")" \
    'errno=0'
got=$(uapi 'get=1\n\n' | sed -n "/^public_key=$hex_x/,\$p")
assert_match "get" "$got" '^transport=tcp$'
assert_match "get" "$got" '^congestion_control=cubic$'

step "an operation that fails changes nothing"
wg_a showconf "$a" >"$NET_DIR/before"
for wrong in 'bogus=1:-22' 'endpoint=name:1:-22' 'allowed_ip=10.0.0.0:-22' 'keepalive:-71'; do
    got=$(uapi "set=1\nlisten_port=7\nfwmark=7\nreplace_peers=true\npublic_key=$hex_x\nremove=true\n${wrong%:*}\n\nget=1\n\n")
    assert_equal "$wrong" "$(head -n 1 <<<"$got")" "errno=${wrong##*:}"
    assert_match "get behind $wrong" "$got" '^errno=0$'
done
assert_equal "without an empty line" "$(uapi 'set=1\nfwmark=7\n')" errno=-71
assert_equal "no operation" "$(uapi 'bogus=1\n\n')" ''
wg_a showconf "$a" | diff "$NET_DIR/before" - || fail "a failed operation has changed something"

step "65000 allowed IPs, with traffic beside them"
{
    printf '[Peer]\nPublicKey = %s\n' "$(public_key x)"
    for ((i = 0; i < 65000; i += 100)); do
        line=
        for ((j = i; j < i + 100; j++)); do line+="10.$((j >> 8)).$((j & 255)).0/24,"; done
        echo "AllowedIPs = ${line%,}"
    done
} >"$NET_DIR/large"
start_probe b a
started=${EPOCHREALTIME/./}
wg_a addconf "$a" "$NET_DIR/large"
took=$(((${EPOCHREALTIME/./} - started) / 1000))
started=${EPOCHREALTIME/./}
assert_equal "allowed IPs" "$(wg_a show "$a" dump | tail -n 1 | cut -f 4 | tr ',' '\n' | wc -l)" 65000
step "wg addconf took $took ms, wg show $(((${EPOCHREALTIME/./} - started) / 1000)) ms"
[ "$took" -lt 5000 ] || fail "65000 allowed IPs took $took ms"
wg_a set "$a" peer "$(public_key x)" remove
stop_probe
step "probe meanwhile: $PROBE"
assert_match "probe" "$PROBE" ' lost 0\.0 '
ping_both b a

step "many clients at once"
clients=()
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
    (
        for _ in 1 2 3 4 5 6 7 8; do
            case $((i % 3)) in
            0) wg_a set "$a" peer "$key_b" persistent-keepalive "$i" ;;
            1) wg_a show "$a" dump >/dev/null ;;
            2) uapi 'get=1\n\nget=1\n\n' | grep -c '^errno=0$' | grep -qx 2 ;;
            esac || exit 1
        done
    ) &
    clients+=($!)
done
for client in "${clients[@]}"; do
    wait "$client" || fail "a client among many failed"
done
assert_match "keepalive" "$(wg_a show "$a" persistent-keepalive)" '	(3|6|9|12)$'

step "clients that say nothing take a place each, and wg still gets one"
for i in 1 2 3 4 5 6 7 8 9 10; do
    "$NET_PYTHON" -c "
import socket, time
s = socket.socket(socket.AF_UNIX); s.connect('$socket'); time.sleep(20)" &
    clients[i]=$!
done
sleep 0.3
wg_a show "$a" >/dev/null
for i in 1 2 3 4 5 6 7 8 9 10; do kill "${clients[i]}"; done

step "the hook before the end"
stop_wgtcpd b
assert_match "showconf in PreDown" "$(cat "$NET_DIR/saved")" '^FwMark = 0x20$'
[ -e "$NET_DIR/kept" ] || fail "PreDown cannot save"
assert_match "what PreDown saved" "$(cat "$(conf_of b)")" '^FwMark = 0x20$'
[ ! -e "/run/wireguard/$b.sock" ] || fail "the socket of b is still there"

step "a stale socket is replaced"
kill_hard a
[ -S "$socket" ] || fail "no socket is left by a killed daemon"
in_ns a ip link delete "$a" 2>/dev/null || true
start_wgtcpd a
wg_a show "$a" >/dev/null

step "to delete the socket ends the daemon"
rm "$socket"
pid=${PIDS[a]}
retry 5 gone "$pid" || fail "the daemon goes on without its socket"
unset 'PIDS[a]'
wait "$pid" || fail "the daemon ended with status $?"
assert_match "log" "$(cat "$(log_of a)")" 'socket of .* was deleted: ending'
! in_ns a ip link show "$a" 2>/dev/null || fail "the interface is still there"
