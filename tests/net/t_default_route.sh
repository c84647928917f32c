#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A default route through the tunnel, both families, where the kernel forwards the tunnel's own
# packets and its reverse path filter is strict: rules of policy routing keep them out of the tunnel.
# All is taken back at the end; what a killed daemon leaves is taken over by the next.
#
#         node b (a laptop)                      node h          node a (wgtcpd)
#   ┌─────────────────────────────────┐     ┌────────────┐    ┌────────────────────┐
#   │ wgtcpd 198.18.0.2 ─ wgout0 ─    │     │ router     │    │ 198.51.100.1       │
#   │ kernel, masquerade ─ 192.0.2.2  ├─────┤ 192.0.2.4  ├────┤ "the world" on lo: │
#   │ default route via 192.0.2.4     │wire │ 198.51..4  │wire│ 203.0.113.9        │
#   └─────────────────────────────────┘     └────────────┘    └────────────────────┘
. "${0%/*}/lib.sh"
need wg nft ping

world4=203.0.113.9
world6=2001:db8:113::9
OUTER4["a"]=198.51.100.1
OUTER6["a"]=2001:db8:51::1

new_wire
new_wgtcpd_node a
new_kernel_node b h
in_ns h ip address add 198.51.100.4/24 dev eth0
in_ns h ip address add 2001:db8:51::4/64 dev eth0 nodad
# Without link-local addresses the kernel solicits no neighbour for what it forwards.
in_ns b ip address add fe80::2/64 dev eth0 nodad
in_ns h ip address add fe80::4/64 dev eth0 nodad
in_ns h sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
in_ns b sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
    net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.default.rp_filter=1 net.ipv4.conf.eth0.rp_filter=1
in_ns b ip route add default via 192.0.2.4
in_ns b ip -6 route add default via 2001:db8::4
in_ns b nft -f - <<'END'
table inet nat {
    chain out {
        type nat hook postrouting priority srcnat
        ip saddr 198.18.0.2 masquerade
        ip6 saddr fd18::2 masquerade
    }
}
END
new_keys a b
mk_conf a
echo "Gateway = 198.51.100.4, 2001:db8:51::4" >>"$(conf_of a)"
conf_peer a b

# b is reached with everything by TRANSPORT over IPvFAMILY outside.
conf_b() { # TRANSPORT FAMILY [LINE...]
    mk_conf b "PostUp = ip address add 198.18.0.1/24 dev wgout0" \
        "PostUp = ip address add fd18::1/64 dev wgout0 nodad && ip link set wgout0 up" \
        "PostUp = ip address add fe80::1/64 dev wgout0 nodad" "${@:3}"
    sed -i '/^\[Port\]/,$ s|^Address = .*|Address = 198.18.0.2/24, fd18::2/64\nGateway = 198.18.0.1, fd18::1|' \
        "$(conf_of b)"
    conf_peer b a "Endpoint = $(endpoint a "$2")" "Transport = $1"
    sed -i '/^\[Peer\]/,$ s|^AllowedIPs = .*|AllowedIPs = 0.0.0.0/0, ::/0|' "$(conf_of b)"
}

start_b() {
    local before
    before=$(log_lines b)
    spawn b b "$WGTCPD" -v -c "$(conf_of b)"
    retry 20 ready_or_dead b "$before" || fail "b is not ready after 20 s"
    is_running b || fail "b ended while starting"
}

# What routing knows, apart from neighbours.
routing() {
    in_ns b sh -c 'ip rule; ip -6 rule; ip -4 route show table all; ip -6 route show table all' |
        sed 's/ expires [0-9]*sec//'
}

ping_world() { # COUNT INTERVAL
    local address out
    for address in $world4 $world6; do
        out=$(in_ns b ping -n -q -c "$1" -i "$2" -W 2 "$address" 2>&1) || fail "ping $address: $out"
        assert_match "ping $address" "$out" ' 0% packet loss'
    done
}

ping_world_once() { in_ns b ping -n -q -c 1 -W 1 $world4 >/dev/null 2>&1; }

start_wgtcpd a
in_ns a ip address add $world4/32 dev lo
in_ns a ip address add $world6/128 dev lo nodad
routing >"$NET_DIR/before"

for way in 'udp 4' 'tcp 6' 'tcp 4' 'udp 6'; do
    step "everything through the tunnel, $way outside"
    # shellcheck disable=SC2086
    conf_b $way
    start_b
    retry 10 ping_world_once || fail "no answer from the world"
    ping_world 50 0.005
    assert_match "the way into the world" "$(in_ns b ip route get $world4)" "dev $(if_name b) .*10.9.0.2"
    assert_match "the way into the world" "$(in_ns b ip -6 route get $world6)" "dev $(if_name b) "
    assert_match "the way on the link" "$(in_ns b ip route get 192.0.2.4)" "dev eth0"
    ip=$(in_ns b ping -n -q -c 2 -i 0.1 -W 2 192.0.2.4 2>&1) || fail "the router is cut off: $ip"
    stop_wgtcpd b
    routing | diff "$NET_DIR/before" - || fail "b left something behind"
done

step "a rule for FwMark"
conf_b udp 4 "FwMark = 0x77"
start_b
for family in -4 -6; do
    assert_match "rules $family" "$(in_ns b ip $family rule)" 'not from all fwmark 0x77 lookup 51820'
done
assert_match "a marked packet" "$(in_ns b ip route get $world4 mark 0x77)" 'dev eth0'
assert_equal "src_valid_mark" "$(in_ns b sysctl -n net.ipv4.conf.all.src_valid_mark)" 1

step "another table is taken when the first is in use; another's rules stay"
kill_hard b
in_ns b ip route add blackhole 203.0.113.77 table 51820
conf_b udp 4
start_b
assert_match "rules" "$(in_ns b ip rule)" '32005:.*lookup 51821'
stop_wgtcpd b
in_ns b ip route del blackhole 203.0.113.77 table 51820

step "killed 20 times, at any moment: nothing piles up"
rules() { in_ns b sh -c 'ip rule; ip -6 rule' | wc -l; }
leftovers() {
    (find /run/dpdk /run/wireguard /run/wgtcpd /dev/shm /dev/hugepages -name "*$(if_name b)*" || true) \
        2>/dev/null | wc -l
}
start_b
count=$(rules)
files=$(leftovers)
for i in {1..20}; do
    kill_hard b
    spawn b b "$WGTCPD" -v -c "$(conf_of b)"
    sleep "0.$((RANDOM % 7))"
    [ "$(rules)" -le "$count" ] || fail "after $i kills there are $(rules) rules, not $count"
done
kill_hard b
start_b
assert_equal "rules after 20 kills" "$(rules)" "$count"
assert_equal "files after 20 kills" "$(leftovers)" "$files"
assert_equal "interfaces after 20 kills" "$(in_ns b ip -o link | wc -l)" 4 # lo, eth0, the tap, the tunnel
retry 10 ping_world_once || fail "no answer from the world"
stop_wgtcpd b
routing | diff "$NET_DIR/before" - || fail "b left something behind"
assert_equal "files after a clean end" "$(leftovers)" 0

step "Table = off and a table by number"
conf_b udp 4 "Table = off"
start_b
[ -z "$(routing | grep "dev $(if_name b)" | grep default)" ] || fail "Table = off sets a default route"
stop_wgtcpd b
conf_b udp 4 "Table = 777"
start_b
assert_match "table 777" "$(in_ns b ip route show table 777)" "default dev $(if_name b)"
assert_no_match "rules" "$(in_ns b ip rule)" '777|suppress'
stop_wgtcpd b
routing | diff "$NET_DIR/before" - || fail "b left something behind"
