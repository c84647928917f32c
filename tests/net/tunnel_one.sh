#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# One case in one round of tests/bench/tunnel, which sets TUNNEL_CASE, TUNNEL_SECONDS and TUNNEL_OUT.
# What iperf3 and ping see goes to TUNNEL_OUT as a line of JSON.
#
#      b, g (client)         wire          a, h (server)
#   ┌─────────────────┐   ┌────────┐   ┌─────────────────┐
#   │ tunnel ─ eth0   ├───┤ bridge ├───┤   eth0 ─ tunnel │
#   └─────────────────┘   └────────┘   └─────────────────┘
. "${0%/*}/lib.sh"
need iperf3 ping ss wg

# Nothing on the wire slows anybody down.
open_wire() { # NODE...
    local node
    in_ns wire nft delete table bridge wire
    for node; do
        in_ns wire ip link set "v-$node" gso_max_segs 65535
        in_ns "$node" ip link set eth0 gso_max_segs 65535
    done
}

kernel_pair() {
    client=g server=h
    new_kernel_node g h
    open_wire g h
    target=$(outer_addr h 4)
}

wggo_pair() {
    need wireguard-go
    kernel_pair
    new_keys g h
    start_wggo g
    start_wggo h
    wggo_peer h g
    wggo_peer g h endpoint "$(endpoint h 4)"
    target=$(inner_addr h 4)
}

wgtcpd_pair() { # udp|tcp, either also with -net_tap
    local transport=${1%-net_tap}
    [ "$transport" = "$1" ] || OUTER_DEVICE=net_tap0
    client=b server=a
    new_wgtcpd_node a b
    open_wire a b
    new_keys a b
    mk_conf a
    conf_peer a b
    mk_conf b
    conf_peer b a "Endpoint = $(endpoint a 4)" "Transport = $transport"
    start_wgtcpd a
    start_wgtcpd b
    target=$(inner_addr a 4)
}

openvpn_listens() { in_ns h ss -Hlntu "sport = :$PORT" | grep -q .; }

# One client and one server with one certificate; OpenVPN has no simpler form with this cipher.
openvpn_pair() { # udp|tcp
    local file=$NET_DIR/openvpn proto=$1
    need openvpn openssl
    kernel_pair
    openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=server -days 2 \
        -keyout "$file.key" -out "$file.crt" 2>/dev/null
    printf '%s\n' "<ca>" "$(cat "$file.crt")" "</ca>" "<cert>" "$(cat "$file.crt")" "</cert>" \
        "<key>" "$(cat "$file.key")" "</key>" "dev tun" "port $PORT" "verb 1" \
        "data-ciphers CHACHA20-POLY1305" "topology subnet" >"$file.common"
    [ "$proto" = udp ] || proto=tcp
    {
        cat "$file.common"
        printf '%s\n' "proto ${proto/tcp/tcp-server}" "tls-server" "dh none" \
            "ifconfig 10.9.0.4 255.255.255.0"
    } >"$file.server"
    {
        cat "$file.common"
        printf '%s\n' "proto ${proto/tcp/tcp-client}" "tls-client" "nobind" \
            "remote $(outer_addr h 4) $PORT" "ifconfig 10.9.0.3 255.255.255.0"
    } >"$file.client"
    spawn openvpn-h h openvpn --config "$file.server"
    retry 10 openvpn_listens || fail "OpenVPN's server does not start"
    spawn openvpn-g g openvpn --config "$file.client"
    target=10.9.0.4
}

build=${TUNNEL_CASE#*=}
if [ "$build" != "$TUNNEL_CASE" ]; then
    NET_BUILD=$build
    WGTCPD=$build/src/wgtcpd
fi
new_wire
case ${TUNNEL_CASE%%=*} in
veth) kernel_pair ;;
wireguard-go) wggo_pair ;;
wgtcpd-*) wgtcpd_pair "$(sed 's/=.*//; s/^wgtcpd-//' <<<"$TUNNEL_CASE")" ;;
openvpn-*) openvpn_pair "${TUNNEL_CASE#openvpn-}" ;;
*) fail "no case $TUNNEL_CASE" ;;
esac
answers() { in_ns "$client" ping -n -q -c 1 -W 1 "$target" >/dev/null 2>&1; }
retry 15 answers || fail "no answer through the tunnel"

load() { # NAME ARGUMENT...
    local name=$1
    shift
    in_ns "$client" timeout $((TUNNEL_SECONDS + 20)) iperf3 -J -c "$target" -t "$TUNNEL_SECONDS" \
        "$@" >"$NET_DIR/$name.json" || fail "iperf3 $*: $(grep '"error"' "$NET_DIR/$name.json")"
}

pings() { # NAME COUNT INTERVAL
    in_ns "$client" ping -n -q -c "$2" -i "$3" "$target" >/dev/null || true
    in_ns "$client" ping -n -c "$2" -i "$3" "$target" >"$NET_DIR/$1.ping" || true
}

spawn iperf "$server" iperf3 -s --forceflush
retry 5 has_logged iperf 0 listening || fail "iperf3 -s does not start"
pings idle 50 0.02
load up
load down -R
load udp -u -b 0 -l 1300
in_ns "$client" ping -n -c $((TUNNEL_SECONDS * 20)) -i 0.05 "$target" >"$NET_DIR/busy.ping" &
load busy
wait $! || true
stop iperf
"$NET_PYTHON" "$NET_HERE/tunnel_figures.py" "$TUNNEL_CASE" "$NET_DIR" >>"$TUNNEL_OUT"
step "$(tail -n 1 "$TUNNEL_OUT")"
