#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The daemon's TCP against the kernel's, CUBIC and BBR, on a long path with losses: transfers arrive
# intact both ways, whoever dialled, also when the stream is cut anywhere or its frames are joined.
#
#        node a                wire                            node g
#   ┌──────────────┐   ┌───────────────────┐   ┌────────────────────────────────────┐
#   │ wgtcpd       │◄─►│ bridge ── impair  │◄─►│ relay ◄── UDP, lo ──► wireguard-go │
#   │ 192.0.2.1    │   │ 20 ms each way    │   │ 192.0.2.3                          │
#   └──────────────┘   └───────────────────┘   └────────────────────────────────────┘
. "${0%/*}/lib.sh"
need wg wireguard-go nft ping ethtool

new_wire
new_wgtcpd_node a
new_kernel_node g
new_keys a g
start_wggo g
start_path g "${LONG_PATH[@]}"

transfers() { # PERCENT LOST...
    local percent
    for percent; do
        step "$percent % lost each way"
        set_path g loss="$percent%"
        bulk_probed g a 1s 25
        bulk_probed a g 1s 25
    done
    set_path g loss=0
}

relay_listens() { # RELAY OPTION...
    step "the daemon dials, relay $*"
    in_ns g wg set "$(if_name g)" peer "$(public_key a)" remove
    wggo_peer g a
    start_relay relay g listen "$(endpoint g 4 7000)" udp=127.0.0.1:$PORT "$@"
    mk_conf a
    conf_peer a g "Endpoint = $(endpoint g 4 7000)" "Transport = tcp"
    start_wgtcpd a
    ping_until 10 a g
}

relay_dials() { # RELAY OPTION...
    step "the relay dials, relay $*"
    in_ns g wg set "$(if_name g)" peer "$(public_key a)" remove
    mk_conf a
    conf_peer a g
    start_wgtcpd a
    start_relay relay g dial "$(endpoint a 6)" udp-listen=127.0.0.1:7000 "$@"
    wggo_peer g a endpoint 127.0.0.1:7000
    ping_until 15 g a
}

stop_both() {
    stop_wgtcpd a
    stop_relay relay
}

relay_listens --cc cubic
transfers 0 1
stop_both
relay_dials --cc bbr
transfers 1 3
stop_both
relay_listens --cc bbr --split 700
transfers 1
stop_both
relay_dials --cc bbr --coalesce
transfers 1
