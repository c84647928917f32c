#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# SIGHUP applies the difference: peers that the file does not touch lose no packet and no session, what
# changed follows, a bad file changes nothing. SaveConfig writes what runs. Deleting the interface is a
# clean end.
#
#   node b: wgtcpd ──TCP──►┌────────────────────┐
#     untouched            │ node a: wgtcpd     │ its configuration changes
#   node h: wgtcpd ──UDP──►└────────────────────┘
#     changed, removed, added again
. "${0%/*}/lib.sh"
need wg ping

new_wire
new_wgtcpd_node a b h
new_keys a b g h
name=$(if_name a)

# The configuration of a, with LINES in [Interface], up to the peers.
conf_a() { # [LINE...]
    mk_conf a "$@"
    conf_peer a b
}

# SIGHUP; what the daemon says must match REGEX.
reload() { # REGEX
    local before
    before=$(log_lines a)
    kill -HUP "${PIDS[a]}"
    retry 5 has_logged a "$before" "$1" || fail "reload: no match for /$1/ in: $(log_since a "$before")"
}

ping_h() { ping_once h a 4; }

connections() { status a | sed -n 's/.*tcp: connections .* accepted \([0-9]*\),.*/\1/p'; }

handshakes_of() { # NODE: as a counts them
    status a | grep -F "peer $(public_key "$1")" | sed -n 's/.*, handshakes \([0-9]*\),.*/\1/p'
}

for node in b h; do
    mk_conf $node
    [ $node = b ] && transport=tcp || transport=udp
    conf_peer $node a "Endpoint = $(endpoint a 4)" "Transport = $transport"
done
conf_a
conf_peer a h
start_wgtcpd a
start_wgtcpd b
start_wgtcpd h
ping_until 10 b a
ping_until 10 h a

accepted=$(connections)
sessions=$(handshakes_of b)
start_probe b a

step "nothing changed"
reload 'reloaded .*: peers added 0, removed 0, changed 0, untouched 2'

step "addresses, MTU, routes and peers follow"
conf_a "Address = 10.88.0.1/24" "MTU = 1300"
conf_peer a h "AllowedIPs = 10.77.0.0/24"
conf_peer a g
reload 'reloaded .*: peers added 1, removed 0, changed 1, untouched 1'
assert_match "routes" "$(in_ns a ip route)" "10\.77\.0\.0/24 dev $name"
assert_match "addresses" "$(in_ns a ip address show dev "$name")" 'mtu 1300.*'
assert_match "addresses" "$(in_ns a ip address show dev "$name")" 'inet 10\.88\.0\.1/24'
ping_both h a
assert_equal "MTUs of peers" "$("$NET_BUILD/src/ctl/wgtcpctl" show "$name" --json | grep -o '"inner_mtu_bytes": [0-9]*' |
    sort -u)" '"inner_mtu_bytes": 1300'

step "an IPv4 address goes with its network, routes stay"
conf_a
sed -i "s|^Address = 10\.9\.0\.1/24, |Address = 10.9.0.1/16, |" "$(conf_of a)"
conf_peer a h "AllowedIPs = 10.77.0.0/24"
reload 'reloaded .*: peers added 0, removed 1, changed 0, untouched 2'
assert_match "routes" "$(in_ns a ip route)" "10\.77\.0\.0/24 dev $name"
assert_match "routes" "$(in_ns a ip route)" "10\.9\.0\.0/16 dev $name"
assert_no_match "addresses" "$(in_ns a ip address show dev "$name")" '10\.88|10\.9\.0\.1/24'

step "a bad file changes nothing"
cp "$(conf_of a)" "$NET_DIR/good"
printf 'AllowedIPs = 10.0.0.0/33\nNonsense = 1\n' >>"$(conf_of a)"
sed -i 's/^ListenPort = .*/ListenPort = 1/' "$(conf_of a)"
last=$(wc -l <"$(conf_of a)")
reload "$name.conf:$last: unknown key 'Nonsense'"
reload "$name.conf:$((last - 1)): AllowedIPs: '10\.0\.0\.0/33'"
reload 'was not reloaded'
chmod 644 "$(conf_of a)"
reload 'is open to everyone'
assert_match "a's status" "$(status a)" "listening port $PORT,"
ping_both h a
chmod 600 "$(conf_of a)"
cp "$NET_DIR/good" "$(conf_of a)"

step "a peer goes and comes again"
conf_a
reload 'removed 1, changed 0, untouched 1'
! ping_h || fail "a removed peer is answered"
assert_no_match "routes" "$(in_ns a ip route)" "10\.77"
conf_a
conf_peer a h
reload 'added 1, removed 0, changed 0, untouched 1'
stop_wgtcpd h
start_wgtcpd h
ping_until 10 h a

step "what counts at the start is named"
conf_a "Idle = poll" "OutOfOrder = off" "SaveConfig = true" "# a comment"
conf_peer a h "PersistentKeepalive = 21"
echo "# another" >>"$(conf_of a)"
sed -i 's/^Device = .*/Device = tap0,iface=other/' "$(conf_of a)"
reload 'warning: Idle of \[Interface\] was changed: that counts from the next start'
cp "$(conf_of a)" "$NET_DIR/good"
log_since a 0 | grep -q 'warning: OutOfOrder of \[Interface\]' || fail "OutOfOrder is not named"
log_since a 0 | grep -q 'warning: Device of \[Port\]' || fail "Device is not named"

step "the untouched peer has noticed nothing"
stop_probe
assert_match "the probe" "$PROBE" ' lost 0.0 '
assert_equal "handshakes of b" "$(handshakes_of b)" "$sessions"
assert_equal "connections accepted" "$(connections)" "$accepted"
step "probe, ms: $PROBE"

step "the interface goes down: sessions and connections end, nobody is answered"
before=$(log_lines a)
in_ns a ip link set "$name" down
retry 5 has_logged a "$before" 'interface is down' || fail "a has not noticed"
assert_match "a's status" "$(status a)" 'tcp: connections 0,'
! ping_h || fail "an interface that is down answers"
echo "AllowedIPs = 10.77.0.0/24, fd77::/64" >>"$(conf_of a)" # of h, whose lines are the last
reload 'reloaded .*: peers added 0, removed 0, changed 1, untouched 1'
step "it comes up: routes and addresses of before, and sessions when they are wanted"
in_ns a ip link set "$name" up
ping_until 5 a h # at the endpoint that it had
ping_both a h
assert_match "addresses" "$(in_ns a ip address show dev "$name")" 'inet6 fd09::1/'
assert_match "routes" "$(in_ns a ip route)" "10\.77\.0\.0/24 dev $name"
assert_match "routes" "$(in_ns a ip -6 route)" "fd77::/64 dev $name"
cp "$NET_DIR/good" "$(conf_of a)"
reload 'reloaded .*: peers added 0, removed 0, changed 1, untouched 1'
connected() { [ "$(connections)" -gt "$accepted" ]; }
retry 10 connected || fail "b does not dial again"

step "SaveConfig"
stop_wgtcpd a
assert_equal "mode of the file" "$(stat -c %a "$(conf_of a)")" 600
grep -v '^#' "$NET_DIR/good" | diff -B - "$(conf_of a)" || fail "saved otherwise than it was read"
sed -i -e 's/iface=other$/iface=wgout0/' -e '/^Idle = /d' "$(conf_of a)"
stop_wgtcpd b
start_wgtcpd a
start_wgtcpd b
ping_until 10 b a

step "the interface is deleted"
in_ns a ip link delete "$name"
retry 10 gone "${PIDS[a]}" || fail "a does not end"
STATUS=0
wait "${PIDS[a]}" || STATUS=$?
unset "PIDS[a]"
assert_equal "exit status" "$STATUS" 0
assert_match "a's log" "$(tail -n 20 "$(log_of a)")" "interface $name was deleted"
