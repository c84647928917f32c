#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# One of two daemons over TCP is killed with -9 and started again: the tunnel works again, first
# the dialler killed, then the listener. The survivor is never touched.
#
#        node a                  node b
#   ┌──────────────┐   TCP   ┌──────────────┐
#   │ wgtcpd       │◄─────────┤ wgtcpd       │
#   │ 192.0.2.1    │   wire   │ 192.0.2.2    │
#   └──────────────┘          └──────────────┘
. "${0%/*}/lib.sh"
need wg nft ping

check_kill tcp
