#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Two daemons over TCP, IPv4 outside, both families inside. b dials a. The outer ports are
# DPDK's net_tap.
#
#            node a                               node b
#   ┌──────────────────────┐  TCP over IPv4  ┌──────────────────────┐
#   │ TUN 10.9.0.1 fd09::1 │                 │ TUN 10.9.0.2 fd09::2 │
#   │ wgtcpd               │◄────────────────┤ wgtcpd               │
#   │ 192.0.2.1            │      wire       │ 192.0.2.2            │
#   └──────────────────────┘                 └──────────────────────┘
. "${0%/*}/lib.sh"
OUTER_DEVICE=net_tap0
need wg nft ping

start_pair tcp 4
check_tunnel a b 20000000
speed a b
