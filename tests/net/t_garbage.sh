#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Strangers send rubbish to the listening port while the tunnel carries traffic: UDP gets no
# answer, a TCP connection gets no byte and is closed, the drops are counted, the tunnel goes on.
#
#        node b                  node a                  node x
#   ┌──────────────┐   TCP  ┌──────────────┐  TCP, UDP ┌────────────┐
#   │ wgtcpd       ├───────►│ wgtcpd       │◄──────────┤ garbage.py │
#   │ 192.0.2.2    │        │ 192.0.2.1    │           │ 192.0.2.9  │
#   └──────────────┘        └──────────────┘           └────────────┘
. "${0%/*}/lib.sh"
need wg nft ping

start_pair tcp 4
new_kernel_node x

spawn ping b ping -n -q -i 0.02 "$(inner_addr a 4)"
for family in 4 6; do
    step "garbage over IPv$family"
    in_ns x "$NET_PYTHON" "$NET_HERE/garbage.py" "$(outer_addr a $family)" "$PORT" ||
        fail "garbage over IPv$family"
done
stop ping INT
assert_match "the tunnel meanwhile" "$(cat "$(log_of ping)")" '[0-9]{2,} received, 0% packet loss'

for reason in frame_length frame_empty message_type message_length mac1; do
    [ "$(drops a $reason)" -gt 0 ] || fail "a counts no $reason"
done
retry 20 status_matches a 'tcp: connections 1,' || fail "a keeps connections of strangers"
bulk a b 4 5000000
ping_both b a
