#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Super-packets of the outer port, a tap: what the kernel makes of them when they leave are frames as the
# daemon wrote them, every length and checksum right, seen by a raw receiver on a cable without
# offloads; transfers arrive unaltered, over UDP and TCP, IPv4 and IPv6, with and without a VLAN,
# whole between two taps as well as cut in between. The same without, by Offload = off. The port goes
# down and up, and is deleted, which ends the daemon.
#
#      a (wgtcpd)             wire              b (wgtcpd)
#   ┌──────────────┐   ┌────────────────┐   ┌──────────────┐
#   │ daemon ⇄ tap ├───┤ bridge, sniffer├───┤ tap ⇄ daemon │
#   └──────────────┘   └────────────────┘   └──────────────┘
. "${0%/*}/lib.sh"
need wg iperf3 ethtool
need_built "$WGTCPCTL"

nothing_wrong() {
    local node reason
    for node in a b; do
        for reason in eth_offload eth_too_big ip_checksum udp_checksum tcp_checksum outer_tx; do
            assert_equal "$reason in $node" "$(drops $node $reason)" 0
        done
    done
}

# Frames on the cable of a, both ways, until SIGTERM; says how many there were of each kind and what
# was wrong.
start_sniffer() { # NODE INTERFACE
    spawn sniffer "$1" "$NET_PYTHON" "$NET_HERE/sniffer.py" "$2" 1514
    retry 5 has_logged sniffer 0 listening || fail "the sniffer does not start"
}

stop_sniffer() { # KIND
    stop sniffer
    log_since sniffer 0 | tail -n 1 >"$NET_DIR/sniffed"
    step "seen: $(cat "$NET_DIR/sniffed")"
    grep -q ' wrong 0$' "$NET_DIR/sniffed" || fail "wrong on the wire: $(log_since sniffer 0 | grep -m 3 wrong)"
    [ "$(sed -n "s/.*$1 \([0-9]*\).*/\1/p" "$NET_DIR/sniffed")" -gt 2000 ] || fail "too few frames of $1"
}

# Cables that carry what a real one would: the kernel cuts and sums before them.
bare_cables() {
    local node
    for node in a b; do
        plain_veth wire "v-$node"
        plain_veth $node eth0
    done
}

transfers() {
    bulk a b 4 4000000
    bulk b a 6 4000000
}

begin() { # TRANSPORT FAMILY [LINE OF PORT]
    local node
    mk_conf a
    mk_conf b "Transport = $1"
    for node in a b; do
        [ -z "${3:-}" ] || sed -i "/^\[Port\]/a $3" "$(conf_of $node)"
    done
    conf_peer a b
    conf_peer b a "Endpoint = $(endpoint a "$2")"
    start_wgtcpd a
    start_wgtcpd b
    ping_until 10 b a
}

new_wire
new_wgtcpd_node a b
new_keys a b
bare_cables
for case in "udp 4" "tcp 6" "udp 6 Vlan=7" "tcp 4 Vlan=7"; do
    set -- $case
    step "over $1, IPv$2${3:+, $3}, cut by the kernel"
    begin "$@"
    start_sniffer wire v-a
    transfers
    stop_sniffer "$1"
    nothing_wrong
    for node in a b; do
        assert_worth_it "super-packets to the tap of $node" \
            "$(node_figure $node outer_super_sent)" "$(node_figure $node outer_joined)"
    done
    stop_wgtcpd a b
done

step "whole between the taps"
for node in a b; do
    in_ns wire ip link set "v-$node" gso_max_segs 65535
    in_ns $node ip link set eth0 gso_max_segs 65535
    in_ns wire ethtool -K "v-$node" tx on gso on tso on tx-udp-segmentation on >/dev/null
    in_ns $node ethtool -K eth0 tx on gso on tso on tx-udp-segmentation on >/dev/null
done
for transport in udp tcp; do
    begin $transport 4
    transfers
    nothing_wrong
    for node in a b; do
        assert_worth_it "super-packets from the tap of $node" \
            "$(node_figure $node outer_super_received)" "$(node_figure $node outer_cut)"
    done
    [ $transport = tcp ] || stop_wgtcpd a b
done

step "down and up"
in_ns b ip link set wgout0 down
! in_ns b ping -n -q -c 1 -W 1 "$(inner_addr a 4)" >/dev/null || fail "a port that is down carries packets"
in_ns b ip link set wgout0 up
ping_until 15 b a
bulk b a 4 2000000

step "deleted"
before=$(log_lines b)
in_ns b ip link delete wgout0
retry 5 has_logged b "$before" 'interface wgout0 was deleted: ending' || fail "b has not noticed"
retry 5 gone "${PIDS[b]}" || fail "b goes on"
unset "PIDS[b]"
stop_wgtcpd a

step "one that is there already, and Offload = off"
for node in a b; do
    in_ns $node ip tuntap add wgout0 mode tap
    sed -i '/^\[Interface\]/a Offload = off' "$(conf_of $node)"
    start_wgtcpd $node
done
ping_until 10 b a
transfers
nothing_wrong
for node in a b; do
    for name in outer_super_received outer_super_sent outer_cut outer_joined; do
        assert_equal "$name of $node" "$(node_figure $node $name)" 0
    done
done
stop_wgtcpd a b
in_ns a ip link show wgout0 >/dev/null || fail "a tap of somebody else's is gone"
