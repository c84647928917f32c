#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Two daemons over UDP, IPv6 outside, both families inside. b dials a. The outer ports are
# DPDK's net_tap.
#
#            node a                               node b
#   ┌──────────────────────┐  UDP over IPv6  ┌──────────────────────┐
#   │ TUN 10.9.0.1 fd09::1 │                 │ TUN 10.9.0.2 fd09::2 │
#   │ wgtcpd               │◄────────────────┤ wgtcpd               │
#   │ 2001:db8::1          │      wire       │ 2001:db8::2          │
#   └──────────────────────┘                 └──────────────────────┘
. "${0%/*}/lib.sh"
OUTER_DEVICE=net_tap0
need wg nft ping

start_pair udp 6
check_tunnel a b 20000000
speed a b
