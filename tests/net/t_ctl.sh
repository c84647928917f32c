#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# wgtcpctl against running daemons: every usual mistake is made and must be told by its name, on the
# side that made it or on the other; then the same pair works, and is shown.
#
#   node a (wgtcpd)      wire      node b (wgtcpd)   node s (wgtcpd with b's key)
#   192.0.2.1       ◄────────────► 192.0.2.2         192.0.2.6
#                        │
#                   node g (kernel): port 1000 is closed, TCP port 1001 is silent
. "${0%/*}/lib.sh"
need wg nft ping
need_built "$WGTCPCTL"

ctl() { # COMMAND NODE [ARGUMENT...]
    local command=$1 node=$2
    shift 2
    "$WGTCPCTL" "$command" "$(if_name "$node")" "$@"
}

# Prints one value of the report of NODE, by a Python expression over `r` and its peers `p` by key.
figure() { # NODE EXPRESSION
    ctl show "$1" --json | "$NET_PYTHON" -c '
import json, sys
r = json.load(sys.stdin)
p = {x["public_key"]: x for x in r["peers"]}
print(eval(sys.argv[1]))' "$2"
}

# Whether NODE finds ID about the peer of that key.
finds() { # NODE KEY ID
    ctl diagnose "$1" "$2" >"$NET_DIR/found.log" 2>&1 || [ $? -eq 3 ] || return 1
    grep -qF "[$3]" "$NET_DIR/found.log"
}

expect_finding() { # NODE KEY ID SECONDS
    retry "$4" finds "$1" "$2" "$3" || fail "$1 does not find $3: $(cat "$NET_DIR/found.log")"
    step "$1: $(grep -F "[$3]" "$NET_DIR/found.log" | sed 's/^ *//')"
}

send_to() { # NODE ADDRESS: one packet that nobody answers
    in_ns "$1" ping -n -q -c 1 -W 1 "$2" >/dev/null 2>&1 || true
}

# A peer that lies at ENDPOINT of another node; its only allowed IP is the one given.
add_peer() { # NODE KEY ALLOWED [LINE...]
    local node=$1
    printf '\n[Peer]\nPublicKey = %s\nAllowedIPs = %s\n' "$2" "$3" >>"$(conf_of "$node")"
    shift 3
    [ $# -eq 0 ] || printf '%s\n' "$@" >>"$(conf_of "$node")"
}

new_wire
new_kernel_node g
new_wgtcpd_node a b s
new_keys a b g h r u x
cp "$NET_DIR/b.key" "$NET_DIR/s.key"
new_psk
in_ns g nft add table inet silent
in_ns g nft add chain inet silent in '{ type filter hook input priority 0; }'
in_ns g nft add rule inet silent in tcp dport 1001 drop

step "without a daemon"
STATUS=0
ctl show a 2>"$NET_DIR/err.log" || STATUS=$?
assert_equal "show without a daemon: exit status" "$STATUS" 1
assert_match "show without a daemon" "$(cat "$NET_DIR/err.log")" "no wgtcpd runs an interface '$(if_name a)'"

step "a has a wrong key of b; b's other peers: a closed ports, a silent one, nobody knows where"
mk_conf a
add_peer a "$(public_key x)" 10.9.0.2/32
mk_conf b
add_peer b "$(public_key a)" 10.9.0.1/32 "Endpoint = $(endpoint a 4)"
add_peer b "$(public_key g)" 10.9.0.3/32 "Endpoint = $(endpoint g 4 1000)" "Transport = tcp"
add_peer b "$(public_key h)" 10.9.0.4/32 "Endpoint = $(endpoint g 4 1001)" "Transport = tcp"
add_peer b "$(public_key r)" 10.9.0.5/32
add_peer b "$(public_key u)" 10.9.0.6/32 "Endpoint = $(endpoint g 4 1000)"
start_wgtcpd a
start_wgtcpd b
expect_finding b "$(public_key a)" never_tried 5
for address in 10.9.0.{1,3,4,5,6}; do
    send_to b "$address"
done
expect_finding a "$(public_key x)" wrong_public_key_here 10
assert_match "what a found" "$(cat "$NET_DIR/found.log")" "PublicKey = $(public_key b | sed 's/[+]/[+]/g')"
expect_finding b "$(public_key a)" no_answer 10
expect_finding b "$(public_key g)" tcp_refused 10
expect_finding b "$(public_key u)" udp_refused 10
expect_finding b "$(public_key h)" tcp_unanswered 10
expect_finding b "$(public_key r)" no_endpoint 10
stop_wgtcpd a b

step "b has a wrong key of a"
mk_conf a
conf_peer a b "PresharedKey = $(cat "$NET_DIR/psk")"
mk_conf b
add_peer b "$(public_key x)" 10.9.0.1/32 "Endpoint = $(endpoint a 4)"
start_wgtcpd a
start_wgtcpd b
send_to b 10.9.0.1
expect_finding a "$(public_key b)" wrong_public_key_there 10
assert_match "what a found" "$(cat "$NET_DIR/found.log")" "PublicKey = $(public_key a | sed 's/[+]/[+]/g')"
expect_finding b "$(public_key x)" no_answer 10
stop_wgtcpd b

step "the preshared keys differ"
mk_conf b
conf_peer b a "Endpoint = $(endpoint a 4)"
start_wgtcpd b
send_to b 10.9.0.1
expect_finding b "$(public_key a)" wrong_preshared_key 10
expect_finding a "$(public_key b)" responses_unconfirmed 10
stop_wgtcpd b

step "nothing gets through"
loss 100
mk_conf b
conf_peer b a "Endpoint = $(endpoint a 4)" "Transport = tcp" "PresharedKey = $(cat "$NET_DIR/psk")"
start_wgtcpd b
send_to b 10.9.0.1
expect_finding b "$(public_key a)" tcp_unanswered 20
loss 0

step "it works"
ping_until 20 b a
ping_both b a
STATUS=0
ctl diagnose b "$(public_key a)" >"$NET_DIR/found.log" || STATUS=$?
assert_equal "diagnose of a peer that works: exit status ($(cat "$NET_DIR/found.log"))" "$STATUS" 0
expect_finding b "$(public_key a)" working 5
expect_finding b 10.9.0.1 working 5

step "show"
said=$(ctl show b)
for line in "^interface: $(if_name b)\$" '^  private key: \(hidden\)$' "^  listening port: $PORT\$" \
    '^  preshared key: \(hidden\)$' '^  endpoint: 192\.0\.2\.1:51820$' \
    '^  allowed ips: 10\.9\.0\.1/32, fd09::1/128$' '^  latest handshake: [0-9]+ seconds? ago$' \
    '^  transfer: .* received, .* sent$' '^  transport: tcp, dialled, ESTABLISHED, bbr' \
    '^  path: rtt [0-9.]+ ms'; do
    assert_match "show" "$said" "$line"
done
assert_match "show, whole key" "$said" "^peer: $(public_key a | sed 's/[+]/[+]/g')\$"
assert_no_match "show: colours without a terminal" "$said" $'\033'
said=$(ctl show b --json; ctl diagnose b --json; ctl drops b --json)
for secret in a.key b.key psk; do
    ! grep -qF "$(cat "$NET_DIR/$secret")" <<<"$said" || fail "a secret is shown: $secret"
done
assert_equal "json: transport" "$(figure b 'r["peers"][0]["transport"]')" tcp
assert_equal "json: state" "$(figure b 'r["peers"][0]["connection"]["state"]')" ESTABLISHED
assert_equal "json: both sides know both" \
    "$(figure a 'r["peers"][0]["received_bytes"] > 0 and r["peers"][0]["session"]')" True
assert_match "interfaces" "$("$WGTCPCTL" interfaces | tr '\n' ' ')" "$(if_name a) $(if_name b) "
# Daemons of other scenarios come and go meanwhile.
assert_match "show all" "$("$WGTCPCTL" show all || true)" "^interface: $(if_name a)\$"
said=$(timeout --preserve-status -s INT 2 "$WGTCPCTL" show "$(if_name b)" --watch 0.3 --json)
[ "$(wc -l <<<"$said")" -ge 3 ] || fail "--watch --json: $said"
assert_match "--watch" "$(timeout --preserve-status -s INT 1 "$WGTCPCTL" show "$(if_name b)" --watch=0.3)" \
    'tcp 192\.0\.2\.1:51820 ESTABLISHED'
"$NET_PYTHON" "$NET_HERE/watch_terminal.py" "$WGTCPCTL" "$(if_name b)" || fail "watch on a terminal"

step "reload and save"
handshakes=$(figure b 'r["peers"][0]["handshakes"]')
add_peer b "$(public_key h)" 10.9.0.4/32
ctl reload b || fail "reload"
assert_equal "peers after a reload" "$(figure b 'len(p)')" 2
assert_equal "handshakes of the peer that was not touched" \
    "$(figure b "p['$(public_key a)']['handshakes']")" "$handshakes"
echo "Nonsense = 1" >>"$(conf_of b)"
STATUS=0
ctl reload b 2>"$NET_DIR/err.log" || STATUS=$?
assert_equal "reload of a broken file: exit status" "$STATUS" 1
assert_match "reload of a broken file" "$(cat "$NET_DIR/err.log")" "$(conf_of b):[0-9]+: .*Nonsense"
assert_equal "peers after a reload that was refused" "$(figure b 'len(p)')" 2
"$WGTCPCTL" check "$(conf_of b)" >/dev/null 2>&1 && fail "check takes a broken file"
ctl save b || fail "save"
"$WGTCPCTL" check "$(conf_of b)" >/dev/null || fail "check of what was saved"
assert_match "what was saved" "$(cat "$(conf_of b)")" "^PublicKey = $(public_key h | sed 's/[+]/[+]/g')\$"
"$WGTCPCTL" strip "$(conf_of b)" >"$NET_DIR/stripped.conf"
assert_equal "peers that strip leaves" "$(grep -c '^\[Peer\]' "$NET_DIR/stripped.conf")" 2
assert_no_match "strip" "$(cat "$NET_DIR/stripped.conf")" '^(Address|Device|Transport)'

step "packets for nobody, and from where none may come"
send_to b 10.9.0.77
assert_match "drops" "$(ctl drops b)" '^  data +no_peer +[1-9]'
STATUS=0
ctl diagnose b 10.9.0.77 2>"$NET_DIR/err.log" || STATUS=$?
assert_equal "diagnose of an address that no peer has: exit status" "$STATUS" 1
assert_match "diagnose of an address" "$(cat "$NET_DIR/err.log")" 'no peer .* 10\.9\.0\.77 in its AllowedIPs'
ctl diagnose b >"$NET_DIR/found.log" || true
assert_match "diagnose" "$(cat "$NET_DIR/found.log")" 'no_peer_for_destination'
in_ns b ip address add 10.9.0.66/32 dev "$(if_name b)"
in_ns b ping -n -q -c 1 -W 1 -I 10.9.0.66 10.9.0.1 >/dev/null 2>&1 || true
expect_finding a "$(public_key b)" source_denied 5
assert_match "drops of the peer" "$(ctl drops a)" '^  peer +packets_source_denied +1$'

step "two devices with one key"
mk_conf s
sed -i 's/10\.9\.0\.6/10.9.0.2/; s/fd09::6/fd09::2/' "$(conf_of s)"
conf_peer s a "Endpoint = $(endpoint a 4)" "PresharedKey = $(cat "$NET_DIR/psk")"
start_wgtcpd s
for round in 1 2 3 4 5 6 7 8; do
    for node in b s; do
        in_ns "$node" ping -n -q -c 2 -i 0.1 -W 1 10.9.0.1 >/dev/null 2>&1 || true
    done
    ! finds a "$(public_key b)" two_devices || break
done
expect_finding a "$(public_key b)" two_devices 2
stop_wgtcpd s a b
[ ! -e "/run/wgtcpd/$(if_name a).sock" ] || fail "a socket is left behind"
