#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Two daemons over TCP on a wire that drops 1 %, then 5 % of all frames: transfers arrive intact,
# both directions at once.
#
#        node a                      node b
#   ┌──────────────┐    TCP    ┌──────────────┐
#   │ wgtcpd       │◄───────────┤ wgtcpd       │
#   │ 192.0.2.1    │  wire with │ 192.0.2.2    │
#   └──────────────┘    loss    └──────────────┘
. "${0%/*}/lib.sh"
need wg nft ping

check_loss tcp
