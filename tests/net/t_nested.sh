#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A tunnel inside a tunnel: the daemons c and d, whose outer packets the kernels of a and b route into theirs.
# Then c is looked for behind d's own tunnel, which would carry its own packets without end.
# (Rows 10, 11 and 14 of the kernel's netns.sh.)
#
#           namespace a                                  namespace b
#   ┌───────────────────────────┐                ┌───────────────────────────┐
#   │ c: 10.8.0.1, 198.18.1.2   │◄╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┤ d: 10.8.0.2, 198.18.2.2   │
#   │    │ kernel, routes       │                │    │ kernel, routes       │
#   │ a: 10.9.0.1, 192.0.2.1    │◄───────────────┤ b: 10.9.0.2, 192.0.2.2    │
#   └───────────────────────────┘      wire      └───────────────────────────┘
. "${0%/*}/lib.sh"
need wg nft ping

NUMBER["c"]=1 NUMBER["d"]=2

# c lives where a does, d where b does.
ns_name() {
    case $1 in
    c) echo "$NET_ID-a" ;;
    d) echo "$NET_ID-b" ;;
    *) echo "$NET_ID-$1" ;;
    esac
}

inner_addr() { # NODE 4|6
    local net=9
    [[ $1 != [cd] ]] || net=8
    if [ "$2" = 6 ]; then echo "fd0$net::${NUMBER[$1]}"; else echo "10.$net.0.${NUMBER[$1]}"; fi
}

bytes_sent() { # NODE
    in_ns "$1" wg show "$(if_name "$1")" transfer | awk '{ print $3 }'
}

# The daemon NODE inside the tunnel of PEER's namespace. What does not fit is for the default MTU to know.
start_inner() { # NODE PEER TRANSPORT
    local node=$1 peer=$2 before
    local net=198.18.${NUMBER[$1]}
    mk_conf "$node" "Transport = $3" "PostUp = ip address add $net.1/24 dev wgout1" \
        "PostUp = ip link set wgout1 up"
    sed -i "/^\[Port\]/,\$ {
        s|^Device = .*|Device = tap0,iface=wgout1\nMTU = 1392|
        s|^Address = .*|Address = $net.2/24\nGateway = $net.1|
    }" "$(conf_of "$node")"
    conf_peer "$node" "$peer" "Endpoint = 198.18.${NUMBER[$peer]}.2:$PORT"
    before=$(log_lines "$node")
    spawn "$node" "$node" "$WGTCPD" -v -c "$(conf_of "$node")"
    retry 20 ready_or_dead "$node" "$before" || fail "$node is not ready after 20 s"
    is_running "$node" || fail "$node ended while starting"
}

# What d's peer is set to find c again, and nothing circles: of ten pings little may become much.
loop_back() { # ENDPOINT
    local before grown
    step "row 11, 14: c is to be found at $1"
    in_ns d wg set "$(if_name d)" peer "$(public_key c)" endpoint "$1"
    in_ns d ping -n -q -f -c 10 -W 1 10.8.0.1 >/dev/null 2>&1 || true
    before=$(bytes_sent d)
    sleep 1
    grown=$(($(bytes_sent d) - before))
    [ "$grown" -lt 70000 ] || fail "d sent $grown bytes in a second"
    step "d sent $grown bytes in a second"
    is_running d || fail "d has ended"
}

new_wire
new_wgtcpd_node a b
new_keys a b c d
for node in a b; do
    in_ns $node sysctl -qw net.ipv4.ip_forward=1
done

for way in 'tcp udp' 'udp tcp'; do
    read -r outer inner <<<"$way"
    step "row 10: $inner inside $outer"
    mk_conf a "Transport = $outer"
    conf_peer a b "AllowedIPs = 198.18.2.0/24"
    mk_conf b "Transport = $outer"
    conf_peer b a "AllowedIPs = 198.18.1.0/24" "Endpoint = $(endpoint a 4)"
    start_wgtcpd a
    start_wgtcpd b
    start_inner c d "$inner"
    start_inner d c "$inner"
    ping_until 10 d c
    ping_both d c
    ping_both c d -s 1200
    bulk d c 4 3000000
    bulk c d 6 3000000

    loop_back "10.8.0.1:$PORT"                    # behind its own tunnel
    loop_back "$(in_ns d ip -4 -o address show dev "$(if_name d)" | awk '{ sub("/.*", "", $4); print $4 }'):$PORT" # itself
    in_ns d wg set "$(if_name d)" peer "$(public_key c)" endpoint "198.18.1.2:$PORT"
    ping_until 20 d c
    ping_both c d
    for node in d c b a; do
        stop $node
        assert_equal "exit status of wgtcpd $node" "$STATUS" 0
    done
done
