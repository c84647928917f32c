#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Super-packets between the kernel and the daemon: transfers arrive unaltered while they are cut and
# joined, every checksum is right, an application's datagrams come one by one, a capture shows
# packets as they cross the tunnel. The same without, by Offload = off.
#
#      a (wgtcpd)        wire        b (wgtcpd)
#   ┌──────────────┐   ┌──────┐   ┌──────────────┐
#   │ TUN ⇄ daemon ├───┤bridge├───┤ daemon ⇄ TUN │
#   └──────────────┘   └──────┘   └──────────────┘
. "${0%/*}/lib.sh"
need wg
need_built "$WGTCPCTL"

nothing_wrong() {
    local node
    for node in a b; do
        assert_equal "super-packets that were refused in $node" "$(drops $node inner_offload)" 0
        assert_equal "packets that the kernel of $node did not take" "$(drops $node inner_tx)" 0
        assert_equal "wrong checksums in $node" \
            "$(in_ns $node awk '/^(Tcp|Udp):/ { for (i = 2; i <= NF; i++)
                if ($1 in names) { if (names[$1, i] == "InCsumErrors") sum += $i }
                else names[$1, i] = $i
                names[$1] } END { print sum + 0 }' /proc/net/snmp)" 0
    done
}

transfers() {
    ping_both a b -s 3000
    bulk a b 4 6000000
    bulk b a 6 6000000
    bulk_duplex a b 6 2000000
}

for transport in udp tcp; do
    step "over $transport"
    [ "$transport" = tcp ] || { start_pair udp 4; }
    if [ "$transport" = tcp ]; then
        stop_wgtcpd a b
        sed -i 's/^Transport = udp/Transport = tcp/' "$(conf_of b)"
        start_wgtcpd a
        start_wgtcpd b
        ping_until 10 b a
    fi
    transfers
    nothing_wrong
    for node in a b; do
        assert_worth_it "super-packets of the kernel of $node" \
            "$(node_figure $node inner_super_received)" "$(node_figure $node inner_cut)"
        assert_worth_it "super-packets to the kernel of $node" \
            "$(node_figure $node inner_super_sent)" "$(node_figure $node inner_joined)"
    done
done

step "a capture beside a transfer"
"$WGTCPCTL" capture "$(if_name a)" "$NET_DIR/inner.pcapng" --inner --count 2000 \
    >"$NET_DIR/capture.log" 2>&1 &
capture=$!
sleep 0.5
bulk a b 4 4000000
wait $capture || fail "the capture failed: $(cat "$NET_DIR/capture.log")"
largest=$("$NET_PYTHON" - "$NET_DIR/inner.pcapng" <<'PYTHON'
import struct, sys
data, at, largest = open(sys.argv[1], "rb").read(), 0, 0
while at < len(data):
    kind, size = struct.unpack_from("<II", data, at)
    if kind == 6:  # enhanced packet block
        largest = max(largest, struct.unpack_from("<I", data, at + 24)[0])
    at += size
print(largest)
PYTHON
)
mtu=$(in_ns a ip link show "$(if_name a)" | sed -n 's/.* mtu \([0-9]*\) .*/\1/p')
assert_equal "the largest packet in the capture" "$largest" "$mtu"

step "datagrams that an application hands over at once"
in_ns a timeout 20 "$NET_PYTHON" - "$(inner_addr a 4)" >"$NET_DIR/udp.got" 2>&1 <<'PYTHON' &
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
s.bind((sys.argv[1], 5300))
s.settimeout(10)
print("listening", flush=True)
got = [s.recv(65536) for _ in range(200)]
print([len(d) for d in got[:20]] == [1000] * 19 + [600] and len(set(len(d) for d in got)) == 2,
      got == [bytes([i // 20, i % 20]) * (500 if i % 20 < 19 else 300) for i in range(200)])
PYTHON
receiver=$!
retry 5 grep -q listening "$NET_DIR/udp.got" || fail "the receiver does not start"
in_ns b "$NET_PYTHON" - "$(inner_addr a 4)" <<'PYTHON'
import socket, sys, time
UDP_SEGMENT = 103
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_UDP, UDP_SEGMENT, 1000)
for i in range(10):
    s.sendto(b"".join(bytes([i, n]) * (500 if n < 19 else 300) for n in range(20)), (sys.argv[1], 5300))
    time.sleep(0.02)
PYTHON
wait $receiver || fail "datagrams are missing: $(cat "$NET_DIR/udp.got")"
assert_equal "sizes and order of datagrams" "$(sed -n 2p "$NET_DIR/udp.got")" "True True"
nothing_wrong

step "Offload = off"
stop_wgtcpd a b
for node in a b; do
    sed -i '/^\[Interface\]/a Offload = off' "$(conf_of $node)"
    start_wgtcpd $node
done
ping_until 10 b a
transfers
nothing_wrong
for node in a b; do
    for name in inner_super_received inner_super_sent inner_cut inner_joined; do
        assert_equal "$name of $node" "$(node_figure $node $name)" 0
    done
done
