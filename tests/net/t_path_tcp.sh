#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Two daemons over TCP on a long path that loses up to 5 % each way, then one that reorders and
# doubles: transfers arrive intact both ways, with CUBIC and BBR inside. Speeds and the delay of a
# probe beside are printed; tests/net/measure compares them.
#
#        node a                wire                  node b
#   ┌──────────────┐   ┌───────────────────┐   ┌──────────────┐
#   │ wgtcpd       │◄──┤ bridge ── impair  │◄──┤ wgtcpd       │
#   │ 192.0.2.1    │   │ 20 ms each way    │   │ 192.0.2.2    │
#   └──────────────┘   └───────────────────┘   └──────────────┘
. "${0%/*}/lib.sh"
need wg nft ping ethtool

start_pair tcp 4 "${LONG_PATH[@]}"

both_ways() { # WHAT SETTING...
    step "$1"
    shift
    set_path b "$@"
    bulk_probed b a 1s 25 cubic
    bulk_probed a b 1s 25 bbr
}

for percent in 0 1 3 5; do
    both_ways "$percent % lost each way" loss=$percent%
done
both_ways "reordered and doubled" loss=0 reorder=1%,3ms duplicate=1%
both_ways "lost in bursts" reorder=0 duplicate=0 burst=200ppm,20
ping_until 20 a b
