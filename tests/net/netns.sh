# SPDX-License-Identifier: BSD-3-Clause
# Sourced by t_netns_udp.sh and t_netns_tcp.sh: rows of the test script of the kernel's WireGuard, netns.sh,
# between two daemons and the operator's tools. README has the table of all rows.
#
#        node a                    node b                      node h
#   ┌────────────────┐        ┌────────────────┐        ┌──────────────────┐
#   │ wgtcpd         │◄───────┤ wgtcpd, kernel ├────────┤ 192.168.77.2     │
#   │ 192.0.2.1, .11 │  wire  │ masquerades    │  cable │ behind b         │
#   └────────────────┘        └────────────────┘        └──────────────────┘

# Points of small order: every secret with them is zero (RFC 7748, section 6.1).
LOW_ORDER_KEYS=(
    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
    AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
    4Ot6fDtBuK4WVuP68Z/EatoJjeucMrH9hmIFFl9JuAA=
    X5yVvKNQjCSx0LFVnIPvWwREXMRYHI6G2CJO3dCfEVc=
    7P///////////////////////////////////////38=
    7f///////////////////////////////////////38=
    7v///////////////////////////////////////38=
)

wg_of() { # NODE COMMAND [WORD...]: wg COMMAND on the interface of NODE
    in_ns "$1" wg "$2" "$(if_name "$1")" "${@:3}"
}

field() { # NODE FIELD PEER-NODE
    wg_of "$1" show "$2" | sed -n "s|^$(public_key "$3")\t||p"
}

is_endpoint() { # NODE PEER-NODE REGEX
    grep -qE -- "$3" <<<"$(field "$1" endpoints "$2")"
}

# One ping that must be answered within a second: nothing may wait for a timer.
ping_at_once() { # FROM TO
    in_ns "$1" ping -n -q -c 1 -W 1 "$(inner_addr "$2" 4)" >/dev/null ||
        fail "ping $1 -> $2 is not answered within 1 s"
}

# The two daemons by TRANSPORT, with LINES in [Interface] of both; a has two addresses of each family.
start_netns_pair() { # TRANSPORT [LINE...]
    local node
    for node in a b; do
        mk_conf $node "Transport = $1" "${@:2}"
    done
    sed -i "s|^Address = 192.*|&, 192.0.2.11/24, 2001:db8::11/64|" "$(conf_of a)"
    conf_peer a b
    conf_peer b a "Endpoint = $(endpoint a 4)"
    start_wgtcpd a
    start_wgtcpd b
}

# Row 2. What wg counts are whole messages, over TCP without the two bytes before each.
row_exact_counters() {
    step "row 2: counters after the first handshake and ten pings"
    local initiator=$((148 + 10 * 128)) responder=$((92 + 10 * 128))
    in_ns b ping -n -q -c 10 -i 0.02 -W 5 10.9.0.1 >/dev/null || fail "ten pings"
    assert_equal "b's bytes in and out" "$(field b transfer a | xargs)" "$responder $initiator"
    assert_equal "a's bytes in and out" "$(field a transfer b | xargs)" "$initiator $responder"
    assert_match "a's handshake" "$(field a latest-handshakes b)" '^[1-9]'
}

# Row 18. Also where the answer would leave from another address if the port could choose.
row_reply_to_sender() {
    step "row 18: who calls an address is answered from it"
    local address
    for address in 192.0.2.11 '[2001:db8::11]' '[2001:db8::1]' 192.0.2.1; do
        wg_of b set peer "$(public_key a)" endpoint "$address:$PORT"
        ping_until 5 b a
        ping_both a b
        assert_equal "a's endpoint in b" "$(field b endpoints a)" "$address:$PORT"
    done
}

# Row 8. The source is judged after the message has proven whose it is: the endpoint follows.
row_source_moved() {
    step "row 8: b's address is given to a more specific peer"
    local denied handshake
    wg_of a set peer "$(public_key b)" allowed-ips 10.9.0.0/24,fd09::2/128
    ping_at_once b a
    wg_of a set peer "$(public_key x)" allowed-ips 10.9.0.2/32
    denied=$(drops a inner_source)
    handshake=$(field a latest-handshakes b)
    wg_of b set peer "$(public_key a)" endpoint "$(endpoint a 6)"
    ! ping_once b a 4 || fail "a packet passes from an address of another peer"
    [ "$(drops a inner_source)" -gt "$denied" ] || fail "a does not count what it dropped"
    retry 5 is_endpoint a b '^\[2001:db8::2\]:' || fail "a thinks b at $(field a endpoints b)"
    assert_equal "b's latest handshake" "$(field a latest-handshakes b)" "$handshake"
    wg_of a set peer "$(public_key x)" remove
    ping_at_once b a
    wg_of a set peer "$(public_key b)" allowed-ips 10.9.0.2/32,fd09::2/128
    wg_of b set peer "$(public_key a)" endpoint "$(endpoint a 4)"
    ping_until 5 b a
}

# Row 9. The key goes from OLD to NEW at one end, the peer at the other.
change_key() { # NODE OTHER OLD NEW [WORD...]: the words are of the new peer
    local node=$1 other=$2 old=$3 new=$4
    wg_of "$node" set private-key "$NET_DIR/$new.key"
    wg_of "$other" set peer "$(public_key "$old")" remove
    wg_of "$other" set peer "$(public_key "$new")" \
        allowed-ips "$(inner_addr "$node" 4)/32,$(inner_addr "$node" 6)/128" "${@:5}"
}

row_private_key() {
    step "row 9: private keys change, the next ping is answered"
    change_key b a b x
    ping_at_once b a
    change_key b a x b
    ping_at_once b a
    change_key a b a y endpoint "$(endpoint a 4)"
    ping_at_once b a
    change_key a b y a endpoint "$(endpoint a 4)"
    ping_at_once b a
    # Now the end that keeps its key calls; over TCP it can only be called back on what b dialled.
    change_key b a b x endpoint "$(endpoint b 4)"
    ping_at_once a b
    change_key b a x b endpoint "$(endpoint b 4)"
    ping_at_once a b
    ping_both b a
}

# Row 16, as a host behind NAT sees it.
row_unreachable() {
    step "row 16: who sends to a peer that was removed is told"
    local said
    in_ns b ip link add cable type veth peer name cable netns "$(ns_name h)"
    in_ns b ip address add 192.168.77.1/24 dev cable
    in_ns h ip address add 192.168.77.2/24 dev cable
    in_ns b ip link set cable up
    in_ns h ip link set cable up
    in_ns h ip route add default via 192.168.77.1
    in_ns b sysctl -qw net.ipv4.ip_forward=1
    in_ns b nft -f - <<'END'
table ip nat {
    chain out {
        type nat hook postrouting priority srcnat
        ip saddr 192.168.77.0/24 masquerade
    }
}
END
    retry 5 in_ns h ping -n -q -c 1 -W 1 10.9.0.1 >/dev/null || fail "h does not reach a"
    wg_of b set peer "$(public_key a)" remove
    said=$(in_ns h ping -n -c 1 -W 2 10.9.0.1 2>&1 || true)
    assert_match "h is told" "$said" '^From 10\.9\.0\.[0-9]+ icmp_seq=1 Destination Host Unreachable'
    said=$(in_ns b ping -n -c 1 -W 2 10.9.0.1 2>&1 || true)
    assert_match "b is told" "$said" 'Destination Host Unreachable|Required key not available'
    said=$(in_ns b ping -n -c 1 -W 2 fd09::1 2>&1 || true)
    assert_match "b is told, IPv6" "$said" 'Destination unreachable: (No route|Address unreachable)'
    wg_of b set peer "$(public_key a)" endpoint "$(endpoint a 4)" allowed-ips 10.9.0.1/32,fd09::1/128
    retry 5 in_ns h ping -n -q -c 1 -W 1 10.9.0.1 >/dev/null || fail "h does not reach a again"
}

# Row 26. A secret of zero would be no secret: no message, over TCP not even a connection.
row_low_order_keys() {
    step "row 26: nothing is ever sent to a peer whose key is of small order"
    local key i=0
    count_on_wire to_low_order ip daddr 192.0.2.88
    count_on_wire asked_for_low_order arp daddr ip 192.0.2.88
    for key in "${LOW_ORDER_KEYS[@]}"; do
        i=$((i + 1))
        wg_of b set peer "$key" endpoint 192.0.2.88:$((1000 + i)) persistent-keepalive 1 \
            allowed-ips 10.66.0.$i/32
        in_ns b ping -n -q -c 1 -W 1 10.66.0.$i >/dev/null 2>&1 &
    done
    sleep 2
    assert_equal "packets to low-order peers" "$(counted to_low_order)" 0
    assert_equal "ARP requests for low-order peers" "$(counted asked_for_low_order)" 0
    # The counters do count: a key like others at the same address.
    wg_of b set peer "$(public_key y)" endpoint 192.0.2.88:1000 persistent-keepalive 1
    retry 5 counted_at_least asked_for_low_order 1 || fail "no counter sees a peer of b's"
    for key in "${LOW_ORDER_KEYS[@]}" "$(public_key y)"; do
        wg_of b set peer "$key" remove
    done
    ping_both b a
}

# Row 6. Nobody pads beyond the MTU: a full packet makes an outer one that the MTU was made for. The kernel's
# WireGuard knows the MTU of a route, too; we know the interface's.
row_mtu_padding() { # TRANSPORT
    step "row 6: padding does not pass the MTU"
    local overhead=60 size
    [ "$1" = udp ] || overhead=86 # 32 for WireGuard, 2 + 32 for TCP, 20 for IPv4
    stop_wgtcpd b a
    start_netns_pair "$1" "MTU = 1300"
    ping_until 10 b a
    count_on_wire longer ip version 4 ip length gt $((1300 + overhead))
    for size in 1295 1297 1299 1300; do
        in_ns b ping -n -q -M 'do' -c 2 -i 0.02 -W 2 -s $((size - 28)) 10.9.0.1 >/dev/null ||
            fail "a packet of $size bytes does not pass"
    done
    assert_equal "outer packets larger than the MTU allows" "$(counted longer)" 0
}

# Row 4. Over UDP a large packet's datagram leaves in fragments. Over TCP senders are told what fits a segment,
# so that a loss costs one packet; what they may not be told about is cut into segments.
row_big_mtu() { # TRANSPORT
    local said
    step "row 4: an inner MTU far beyond the outer one"
    stop_wgtcpd b a
    start_netns_pair "$1" "MTU = 8920"
    ping_until 10 b a
    if [ "$1" = udp ]; then
        ping_both b a -M 'do' -s 8800
    else
        said=$(in_ns b ping -n -c 1 -W 1 -M 'do' -s 8800 10.9.0.1 2>&1 || true)
        assert_match "a sender over TCP is told" "$said" 'mtu ?= ?1414'
        in_ns b ping -n -q -c 2 -i 0.02 -W 2 -M dont -s 8800 10.9.0.1 >/dev/null || fail "8800 bytes do not pass"
        ! ping_once b a 6 -s 8800 || fail "a packet larger than a segment passes uncut"
        ! ping_once a b 6 -s 8800 || fail "a packet larger than a segment passes uncut"
        ping_both b a -s 8800
    fi
    ping_both a b -s 20000
    bulk b a 4 3000000
    bulk a b 6 3000000
}

# Row 27. As for containers that have nothing but the tunnel; the daemon stays where its ports are.
row_other_namespace() {
    step "row 27: the interface moves to another namespace, which is then deleted"
    local pid=${PIDS[a]}
    in_ns a ip link set "$(if_name a)" netns "$(ns_name h)"
    in_ns h ip address add 10.9.0.1/24 dev "$(if_name a)"
    in_ns h ip link set "$(if_name a)" up
    # a's sessions ended when the interface went down. b would find out after 15 s.
    wg_of b set peer "$(public_key a)" remove
    wg_of b set peer "$(public_key a)" endpoint "$(endpoint a 4)" allowed-ips 10.9.0.1/32
    retry 5 ping_once b a 4 || fail "a is not reached in its new namespace"
    ping_at_once h b
    start_probe b a
    ip netns del "$(ns_name h)"
    retry 10 gone "$pid" || fail "a runs on without its interface"
    STATUS=0
    wait "$pid" || STATUS=$?
    unset "PIDS[a]"
    assert_equal "exit status of a" "$STATUS" 0
    stop_probe
    retry 5 status_matches b 'end of status' || fail "b is not well"
}

check_netns() { # TRANSPORT
    new_wire
    new_wgtcpd_node a b
    new_ns h
    new_keys a b x y
    start_netns_pair "$1"
    row_exact_counters
    row_reply_to_sender
    row_source_moved
    row_private_key
    row_unreachable
    row_low_order_keys
    row_mtu_padding "$1"
    row_big_mtu "$1"
    row_other_namespace
}
