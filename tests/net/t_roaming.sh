#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The endpoint of a peer follows its last authenticated message: to another address, from UDP to
# TCP and back. a knows no endpoint of b or g and is never restarted.
#
#        node b                          node a                  node g
#   ┌────────────────────┐ UDP,   ┌──────────────┐ UDP ┌─────────────────────┐
#   │ wgtcpd 192.0.2.2,  ├───────►│ wgtcpd       │◄────┤ wireguard-go        │
#   │ then 192.0.2.22, … │ TCP    │ 192.0.2.1    │     │ 192.0.2.3, then .33 │
#   └────────────────────┘        └──────────────┘     └─────────────────────┘
. "${0%/*}/lib.sh"
need wg wireguard-go nft ping

new_wire
new_wgtcpd_node a b
new_kernel_node g
new_keys a b g
start_wggo g
wggo_peer g a endpoint "$(endpoint a 4)"
mk_conf a
conf_peer a b
conf_peer a g
start_wgtcpd a

# b appears at ADDRESS with TRANSPORT; a must answer it there.
appear() { # ADDRESS4 TRANSPORT FAMILY
    step "b at $1 over $2, IPv$3"
    OUTER4["b"]=$1
    mk_conf b
    conf_peer b a "Endpoint = $(endpoint a "$3")" "Transport = $2"
    start_wgtcpd b
    ping_until 20 b a
    ping_both a b
    assert_match "a's status" "$(status a)" "transport $2, endpoint \\[?$(outer_addr b "$3")\\]?:"
}

appear 192.0.2.2 udp 4
stop_wgtcpd b
appear 192.0.2.22 udp 4
stop_wgtcpd b
appear 192.0.2.23 tcp 4
kill_hard b # no FIN: a still has the old connection
appear 192.0.2.24 tcp 4
kill_hard b
appear 192.0.2.24 tcp 6
stop_wgtcpd b
appear 192.0.2.24 udp 6

step "g changes its address and port in the middle of a session"
ping_until 10 g a
in_ns g ip address del 192.0.2.3/24 dev eth0
in_ns g ip address add 192.0.2.33/24 dev eth0
in_ns g wg set "$(if_name g)" listen-port 51999 # it then forgets its own old address, too
before=$(grep -c 'handshake' "$(log_of g)")
ping_until 10 g a
OUTER4["g"]=192.0.2.33
ping_both a g
assert_equal "g's handshakes on the way" $(($(grep -c 'handshake' "$(log_of g)") - before)) 0
assert_match "a's status" "$(status a)" "transport udp, endpoint 192\.0\.2\.33:51999,"
