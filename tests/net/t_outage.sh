#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The wire is cut for a while, with traffic waiting on both sides: the tunnel comes back by itself,
# with the session it had.
#
#        node a                  node b
#   ┌──────────────┐ UDP, TCP ┌──────────────┐
#   │ wgtcpd       │◄───╳─────┤ wgtcpd       │
#   │ 192.0.2.1    │   wire   │ 192.0.2.2    │
#   └──────────────┘          └──────────────┘
. "${0%/*}/lib.sh"
need wg nft ping

new_wire
new_wgtcpd_node a b
new_keys a b
mk_conf a
conf_peer a b
start_wgtcpd a

cut_wire() { # SECONDS
    step "the wire is cut for $1 s"
    loss 100
    spawn ping-b b ping -n -q -i 0.1 "$(inner_addr a 4)"
    spawn ping-a a ping -n -q -i 0.1 "$(inner_addr b 6)"
    sleep "$1"
    ! ping_once b a 4 || fail "ping passes a cut wire"
    loss 0
    ping_until "$2" b a
    stop ping-a INT
    stop ping-b INT
    ping_both a b
}

for transport in udp tcp; do
    step "over $transport"
    mk_conf b
    conf_peer b a "Endpoint = $(endpoint a 4)" "Transport = $transport"
    start_wgtcpd b
    ping_until 10 b a
    before=$(status b | grep -o 'handshakes [0-9]*,')
    cut_wire 3 10
    cut_wire 10 20
    assert_equal "b's handshakes" "$(status b | grep -o 'handshakes [0-9]*,')" "$before"
    bulk a b 4 2000000
    stop_wgtcpd b
done
