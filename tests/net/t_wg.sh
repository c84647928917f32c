#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# wg in all its commands against a live tunnel: what it shows is true, what it sets is done, and a
# peer that a command does not touch notices nothing.
#
#        node a                  node b
#   ┌──────────────┐   TCP    ┌──────────────┐
#   │ wgtcpd       │◄─────────┤ wgtcpd       │
#   │ 192.0.2.1    │   wire   │ 192.0.2.2    │
#   └──────▲───────┘          └──────────────┘
#          wg
. "${0%/*}/lib.sh"
need wg nft ping

a=$(if_name a) b=$(if_name b)

wg_a() { in_ns a wg "$@"; }
wg_b() { in_ns b wg "$@"; }

# One field of one peer, as "wg show INTERFACE FIELD" prints it.
field() { # NODE FIELD PUBLIC-KEY
    in_ns "$1" wg show "$(if_name "$1")" "$2" | sed -n "s|^$3\t||p"
}

is_field() { # NODE FIELD PUBLIC-KEY VALUE
    [ "$(field "$1" "$2" "$3")" = "$4" ]
}

assert_field() { # NODE FIELD PUBLIC-KEY VALUE
    assert_equal "$2 of $3 in $1" "$(field "$1" "$2" "$3")" "$4"
}

start_pair tcp 4
new_keys x y # nodes that exist in name only
new_psk
key_a=$(public_key a) key_b=$(public_key b) key_x=$(public_key x) key_y=$(public_key y)

step "show"
assert_match "interfaces" " $(wg show interfaces) " " $a "
assert_match "interfaces" " $(wg show interfaces) " " $b "
shown=$(WG_COLOR_MODE=never wg_a show "$a")
assert_match "show" "$shown" "^interface: $a\$"
assert_match "show" "$shown" "^  public key: ${key_a//+/\\+}\$"
assert_match "show" "$shown" '^  private key: \(hidden\)$'
assert_match "show" "$shown" "^  listening port: $PORT\$"
assert_match "show" "$shown" "^peer: ${key_b//+/\\+}\$"
assert_match "show" "$shown" '^  endpoint: 192\.0\.2\.2:[0-9]+$'
assert_match "show" "$shown" '^  allowed ips: 10\.9\.0\.2/32, fd09::2/128$'
assert_match "show" "$shown" '^  latest handshake: ([0-9]+ seconds? ago|Now)$'
assert_match "show" "$shown" '^  transfer: .* received, .* sent$'
assert_no_match "show" "$shown" 'persistent keepalive|preshared'

step "show, field by field"
assert_equal "public key" "$(wg_a show "$a" public-key)" "$key_a"
assert_equal "private key, clamped" "$(wg_a show "$a" private-key | wg pubkey)" "$key_a"
assert_equal "port" "$(wg_a show "$a" listen-port)" "$PORT"
assert_equal "fwmark" "$(wg_a show "$a" fwmark)" off
assert_equal "peers" "$(wg_a show "$a" peers)" "$key_b"
assert_field a preshared-keys "$key_b" "(none)"
assert_field b endpoints "$key_a" "192.0.2.1:$PORT"
assert_field a allowed-ips "$key_b" "10.9.0.2/32 fd09::2/128"
assert_field a persistent-keepalive "$key_b" off
age=$(($(date +%s) - $(field a latest-handshakes "$key_b")))
[ "$age" -ge 0 ] && [ "$age" -le 20 ] || fail "the latest handshake was $age s ago"
before=$(field a transfer "$key_b")
in_ns b ping -n -q -c 5 -i 0.05 -s 972 10.9.0.1 >/dev/null # 1000 bytes inside, 1040 as a message
after=$(field a transfer "$key_b")
grown=$(paste -d' ' <(tr '\t' '\n' <<<"$before") <(tr '\t' '\n' <<<"$after") |
    awk '{ print $2 - $1 }' | xargs)
for bytes in $grown; do
    [ "$bytes" -ge 5200 ] && [ "$bytes" -le 5600 ] || fail "5 pings of 1000 bytes counted as $grown"
done
assert_match "dump" "$(wg_a show "$a" dump | sed -n 1p)" "	${key_a//+/\\+}	$PORT	off\$"
assert_equal "dump, columns" "$(wg_a show "$a" dump | sed -n 2p | awk -F'\t' '{ print NF }')" 8

step "set: the interface"
wg_a set "$a" fwmark 0x10
assert_equal "fwmark" "$(wg_a show "$a" fwmark)" 0x10
wg_a set "$a" fwmark 0
assert_equal "fwmark" "$(wg_a show "$a" fwmark)" off
wg_a set "$a" listen-port 51999
assert_equal "port" "$(wg_a show "$a" listen-port)" 51999
wg_b set "$b" peer "$key_a" endpoint 192.0.2.1:51999
ping_until 20 b a
assert_field b endpoints "$key_a" 192.0.2.1:51999
wg_a set "$a" listen-port "$PORT"
wg_b set "$b" peer "$key_a" endpoint "192.0.2.1:$PORT"
ping_until 20 b a

step "set: peers"
wg_a set "$a" peer "$key_x" preshared-key "$NET_DIR/psk" endpoint 192.0.2.77:5 \
    persistent-keepalive 25 allowed-ips 10.77.0.0/16,fd77::/64 \
    peer "$key_y" endpoint '[2001:db8::77]:6' allowed-ips 10.78.0.0/16
assert_field a preshared-keys "$key_x" "$(cat "$NET_DIR/psk")"
assert_field a endpoints "$key_x" 192.0.2.77:5
assert_field a endpoints "$key_y" '[2001:db8::77]:6'
assert_field a persistent-keepalive "$key_x" 25
assert_field a allowed-ips "$key_x" "10.77.0.0/16 fd77::/64"
assert_field a allowed-ips "$key_y" 10.78.0.0/16
assert_field a latest-handshakes "$key_y" 0
wg_a set "$a" peer "$key_y" allowed-ips 10.77.0.0/16 persistent-keepalive 1
assert_field a allowed-ips "$key_x" fd77::/64
assert_field a allowed-ips "$key_y" 10.77.0.0/16
wg_a set "$a" peer "$key_x" preshared-key /dev/null persistent-keepalive off allowed-ips ''
assert_field a preshared-keys "$key_x" "(none)"
assert_field a persistent-keepalive "$key_x" off
assert_field a allowed-ips "$key_x" "(none)"
wg_a set "$a" peer "$key_x" remove peer "$key_y" remove
assert_equal "peers" "$(wg_a show "$a" peers)" "$key_b"
wg_a set "$a" peer "$key_a" allowed-ips 10.1.0.0/16 # ourselves: no peer, and no error
assert_equal "peers" "$(wg_a show "$a" peers)" "$key_b"

step "set: a peer's route is used at once"
wg_a set "$a" peer "$key_b" allowed-ips 10.9.0.2/32,fd09::2/128,10.9.7.7/32
in_ns b ip address add 10.9.7.7/32 dev "$b"
retry 5 in_ns a ping -n -q -c 1 -W 1 10.9.7.7 >/dev/null || fail "10.9.7.7 is not reached"

step "showconf and setconf: there and back"
wg_a showconf "$a" >"$NET_DIR/first"
wg_a setconf "$a" "$NET_DIR/first"
wg_a showconf "$a" >"$NET_DIR/second"
# Where b called from is nothing that could be set.
diff <(grep -v ^Endpoint "$NET_DIR/first") <(grep -v ^Endpoint "$NET_DIR/second") || fail "setconf of showconf is not the same"
wg_b showconf "$b" >"$NET_DIR/theirs"
wg_b setconf "$b" "$NET_DIR/theirs" # at both ends the other was made anew: with its transport
ping_until 5 b a
status_matches b 'transport tcp' || fail "setconf has changed the transport"

step "addconf"
printf '[Peer]\nPublicKey = %s\nAllowedIPs = 10.77.0.0/16\nEndpoint = 192.0.2.77:5\n' "$key_x" \
    >"$NET_DIR/added"
wg_a addconf "$a" "$NET_DIR/added"
assert_equal "peers" "$(wg_a show "$a" peers | sort | xargs)" "$(printf '%s\n' "$key_b" "$key_x" | sort | xargs)"

step "syncconf: whom it leaves alone notices nothing"
ping_both b a
before=$(field a latest-handshakes "$key_b")
start_probe b a
{
    cat "$NET_DIR/second"
    printf '[Peer]\nPublicKey = %s\nAllowedIPs = 10.78.0.0/16\n' "$key_y"
} >"$NET_DIR/sync"
for _ in 1 2 3 4 5; do
    wg_a syncconf "$a" "$NET_DIR/sync" # x goes, y comes
    assert_equal "peers" "$(wg_a show "$a" peers | sort | xargs)" "$(printf '%s\n' "$key_b" "$key_y" | sort | xargs)"
    wg_a addconf "$a" "$NET_DIR/added" # x comes
    wg_a syncconf "$a" "$NET_DIR/second"
    assert_equal "peers" "$(wg_a show "$a" peers)" "$key_b"
done
stop_probe
assert_match "probe beside syncconf" "$PROBE" ' lost 0\.0 '
assert_field a latest-handshakes "$key_b" "$before"

step "set: another private key, and traffic with it"
wg_a set "$a" private-key "$NET_DIR/x.key"
assert_equal "public key" "$(wg_a show "$a" public-key)" "$key_x"
wg_b set "$b" peer "$key_a" remove
wg_b set "$b" peer "$key_x" endpoint "192.0.2.1:$PORT" allowed-ips 10.9.0.1/32,fd09::1/128
ping_until 20 b a
assert_match "handshakes" "$(field b latest-handshakes "$key_x")" '^[1-9]'

step "set: a preshared key at both ends"
wg_a set "$a" peer "$key_b" preshared-key "$NET_DIR/psk"
wg_b set "$b" peer "$key_x" remove
wg_b set "$b" peer "$key_x" endpoint "192.0.2.1:$PORT" allowed-ips 10.9.0.1/32,fd09::1/128 \
    preshared-key "$NET_DIR/psk"
ping_until 20 b a

step "no private key: nothing passes any more, no error"
wg_a set "$a" private-key /dev/null
assert_equal "private key" "$(wg_a show "$a" private-key)" "(none)"
! ping_once b a 4 || fail "ping passes without a private key"
