#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Two daemons over UDP on a wire that drops 1 %, then 5 % of all frames: transfers arrive intact,
# both directions at once.
#
#        node a                      node b
#   ┌──────────────┐    UDP    ┌──────────────┐
#   │ wgtcpd       │◄───────────┤ wgtcpd       │
#   │ 192.0.2.1    │  wire with │ 192.0.2.2    │
#   └──────────────┘    loss    └──────────────┘
. "${0%/*}/lib.sh"
need wg nft ping

start_pair udp 4
loss 1
bulk b a 4 8000000 25
bulk_duplex a b 6 8000000 25
loss 5
bulk a b 4 4000000 40
bulk_duplex a b 6 2000000 40
assert_lossy
loss 0
ping_until 20 a b
ping_both a b
