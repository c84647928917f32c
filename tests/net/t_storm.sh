#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# 20,000 initiations a second whose mac1 is right: each would cost a Diffie-Hellman. The tunnel that
# is there does not feel them, since no worker does handshakes; whoever asks wgtcpd is answered; a
# peer that comes back proves its address by a cookie and gets in.
# Runs alone: the storm has to be one.
#
#        node a                wire              node b
#   ┌──────────────┐   ┌──────────────────┐   ┌──────────────┐
#   │ wgtcpd       │◄──┤ bridge           │◄──┤ wgtcpd       │    node g: the storm;
#   │ 192.0.2.1    │   └──────────────────┘   │ 192.0.2.2    │    wireguard-go, 192.0.2.3
#   └──────────────┘                          └──────────────┘
. "${0%/*}/lib.sh"
need wg wireguard-go nft ping
INITSTORM=$NET_BUILD/tests/net/initstorm
need_built "$INITSTORM"

new_wire
new_wgtcpd_node a b
new_kernel_node g
new_keys a b g
start_wggo g
mk_conf a
conf_peer a b
conf_peer a g
mk_conf b
conf_peer b a "Endpoint = $(endpoint a 4)"
start_wgtcpd a
start_wgtcpd b
ping_until 10 b a

answered_within() { # SECONDS: `wg show` and `wgtcpctl show`
    timeout "$1" wg show "$(if_name a)" dump >/dev/null &&
        timeout "$1" "$WGTCPCTL" show "$(if_name a)" >/dev/null
}
answered_within 5 || fail "nobody answers before the storm"

step "storm"
key=$(public_key a | base64 -d | od -An -v -tx1 | tr -d ' \n')
spawn storm g "$INITSTORM" "$(outer_addr a 4)" $PORT "$key" 20000
began=$SECONDS
sleep 2
start_probe b a
bulk b a 4 2000000 20
bulk a b 4 2000000 20
answered_within 2 || fail "wg or wgtcpctl waits for more than 2 s"
stop_probe
step "probe during the storm, ms: $PROBE"

step "a peer comes"
wggo_peer g a endpoint "$(endpoint a 4)"
ping_until 20 g a

step "b comes back"
kill_hard b
start_wgtcpd b
ping_until 20 b a
lasted=$((SECONDS - began))
stop storm
step "$(tail -n 1 "$(log_of storm)") in $lasted s; for want of a cookie $(drops a mac2_under_load)"
sent=$(sed -n 's/.*: \([0-9]*\) initiations sent.*/\1/p' "$(log_of storm)")
[ "$sent" -ge $(((lasted - 1) * 10000)) ] || fail "the storm was a mere breeze: $sent initiations"
[ "$(drops a mac2_under_load)" -gt 0 ] || fail "a was never under load"
ping_both a b
