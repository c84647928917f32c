#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# One row of the tables of tests/net/measure, which sets MEASURE_CASE (the tunnel), MEASURE_WHAT
# (speed, recovery), MEASURE_SECONDS and MEASURE_PATH (settings of impair). The row goes to
# MEASURE_OUT.
#
#     client                        wire                         server
#   ┌──────────┐   ┌─────┐   ┌───────────────────┐   ┌──────────────────────────┐
#   │ b or g   ├───┤ NAT ├───┤ impair ── bridge  ├───┤ a (wgtcpd) or h (kernel) │
#   └──────────┘   └─────┘   └───────────────────┘   └──────────────────────────┘
#              (only for recovery)
. "${0%/*}/lib.sh"
need wg wireguard-go nft ping ethtool iperf3

NUMBER["n"]=6
read -ra path <<<"$MEASURE_PATH"

# ---- nodes ----

# The client, behind a NAT box if need be. Sets `at`, the node on whose cable the path is.
hang() { # wgtcpd|kernel CLIENT
    at=$2
    "new_$1_node" "$2"
    [ "$MEASURE_WHAT" = recovery ] || return 0
    at=n
    new_kernel_node n
    in_ns wire ip link set "v-$2" nomaster
    in_ns wire ip link set "v-$2" netns "$(ns_name n)"
    in_ns n ip address add 10.8.0.1/24 dev "v-$2"
    in_ns n ip link set "v-$2" up
    in_ns n sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
    in_ns n nft add table ip nat
    in_ns n nft add chain ip nat out '{ type nat hook postrouting priority 100; }'
    in_ns n nft add rule ip nat out oifname eth0 masquerade
    OUTER4["$2"]=10.8.0.2
    [ "$1" = kernel ] || return 0
    in_ns "$2" ip address flush dev eth0
    in_ns "$2" ip address add 10.8.0.2/24 dev eth0
    in_ns "$2" ip route add default via 10.8.0.1
}

kernel_pair() {
    hang kernel g
    new_kernel_node h
    client=g server=h target=$(outer_addr h 4)
}

wggo_pair() {
    kernel_pair
    new_keys g h
    start_wggo g
    start_wggo h
    wggo_peer h g
    target=$(inner_addr h 4)
}

relay_pair() { # CC
    wggo_pair
    start_relay listener h listen "$(endpoint h 4)" udp=127.0.0.1:$PORT --cc "$1"
    start_relay dialler g dial "$(endpoint h 4)" udp-listen=127.0.0.1:7000 --cc "$1"
    wggo_peer g h endpoint 127.0.0.1:7000
}

# The path is: with addresses of the other family outside, the tunnel's MTU would be smaller.
ipv4_alone() { # NODE...
    local node
    for node in "$@"; do
        sed -i '/^\[Port\]/,/^\[Peer\]/s/^\(Address = [^,]*\),.*/\1/' "$(conf_of "$node")"
    done
}

wgtcpd_pair() { # udp|tcp [LINE...]: of [Interface]
    local transport=$1
    shift
    hang wgtcpd b
    new_wgtcpd_node a
    new_keys a b
    mk_conf a "$@"
    conf_peer a b
    mk_conf b "$@"
    [ "$at" = b ] || echo "Gateway = 10.8.0.1" >>"$(conf_of b)"
    conf_peer b a "Endpoint = $(endpoint a 4)" "Transport = $transport"
    ipv4_alone a b
    start_wgtcpd a
    start_wgtcpd b
    client=b server=a target=$(inner_addr a 4)
}

in_order=("OutOfOrder = off")
new_wire
case $MEASURE_CASE in
none) kernel_pair ;;
wggo)
    wggo_pair
    wggo_peer g h endpoint "$(endpoint h 4)"
    ;;
relay-*) relay_pair "${MEASURE_CASE#relay-}" ;;
wgtcpd-udp) wgtcpd_pair udp ;;
wgtcpd-tcp-*)
    cc=${MEASURE_CASE#wgtcpd-tcp-}
    if [ "$cc" = "${cc%-inorder}" ]; then in_order=(); fi
    wgtcpd_pair tcp "CongestionControl = ${cc%-inorder}" "${in_order[@]}"
    ;;
*) fail "no case $MEASURE_CASE" ;;
esac
start_path "$at" "${LONG_PATH[@]}" "${path[@]}"
answers() { in_ns "$client" ping -n -q -c 1 -W 1 "$target" >/dev/null 2>&1; }
retry 15 answers || fail "no answer through the tunnel"

cell() { # KEY: of the probe
    sed -n "s/.*$1 \([^ ]*\).*/\1/p" <<<"$PROBE"
}

row="| $MEASURE_CASE |"
add() { row+=" $* |"; }

# ---- speed ----

# Goodput of a transfer, and what a probe sees beside it once it has got going.
speed_with() { # INNER CC
    local out
    in_ns "$client" timeout $((MEASURE_SECONDS + 40)) iperf3 -c "$target" -C "$1" -O 2 \
        -t "$MEASURE_SECONDS" -f m ${MEASURE_REVERSE:+-R} >"$NET_DIR/iperf.out" 2>&1 &
    local load=$!
    sleep 2
    start_probe "$client" "$server" "$target"
    sleep $((MEASURE_SECONDS - 1))
    stop_probe
    if wait $load; then
        out=$(sed -n 's/.* \([0-9.]*\) Mbits.*receiver/\1/p' "$NET_DIR/iperf.out")
    else
        out=failed
    fi
    step "$MEASURE_CASE, inner $1: $out Mbit/s, $PROBE"
    add "$out"
    add "$(cell p50)"
    add "$(cell p99)"
    add "$(cell lost)"
    retry 20 answers || fail "no answer after the transfer"
    sleep 1
}

measure_speed() {
    start_probe "$client" "$server" "$target"
    sleep 10
    stop_probe
    add "$(cell p50)"
    add "$(cell p99)"
    spawn iperf "$server" iperf3 -s --forceflush
    retry 5 has_logged iperf 0 listening || fail "iperf3 -s does not start"
    speed_with cubic
    speed_with bbr
    stop iperf
}

# ---- recovery ----

# The longest time without an answer to a probe while COMMAND runs, and 5 s longer.
gap_of() { # COMMAND...
    start_probe "$client" "$server" "$target"
    sleep 2
    "$@"
    sleep 5
    stop_probe
    step "$MEASURE_CASE, $*: $PROBE"
    retry 30 answers || fail "no answer after $*"
    sleep 1
}

reset_connection() { # IN_NODE INTERFACE VICTIM
    in_ns "$1" "$NET_PYTHON" "$NET_HERE/inject.py" reset "$2" "$(outer_addr "$3" 4)" $PORT 8 ||
        fail "the connection can't be reset"
}

black_hole() { # SECONDS
    set_path "$at" blackhole=on
    sleep "$1"
    set_path "$at" blackhole=off
}

# The NAT box gets another address, and forgets everything.
change_address() {
    in_ns n ip address del 192.0.2.6/24 dev eth0
    in_ns n ip address add 192.0.2.66/24 dev eth0
}

measure_recovery() {
    case $MEASURE_CASE in
    relay-* | wgtcpd-tcp-*)
        gap_of reset_connection wire "v-$server" "$server"
        add "$(cell gap)"
        gap_of reset_connection n "v-$client" "$client"
        add "$(cell gap)"
        ;;
    *)
        add –
        add –
        ;;
    esac
    gap_of black_hole 2
    add $(($(cell gap) - 2000))
    gap_of black_hole 15
    add $(($(cell gap) - 15000))
    gap_of change_address
    add "$(cell gap)"
}

"measure_$MEASURE_WHAT"
echo "$row" >>"$MEASURE_OUT"
