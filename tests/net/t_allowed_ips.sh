#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# An inner packet whose source its peer may not use is dropped and counted; so is one to nobody.
#
#            node a                         node b
#   ┌──────────────────────┐  TCP  ┌──────────────────────┐
#   │ TUN 10.9.0.1         │       │ TUN 10.9.0.2         │
#   │ wgtcpd               │◄──────┤ wgtcpd   + 10.9.0.77 │
#   └──────────────────────┘       └──────────────────────┘
. "${0%/*}/lib.sh"
need wg nft ping

start_pair tcp 4
in_ns b ip address add 10.9.0.77/32 dev "$(if_name b)"
before=$(drops a inner_source)
! in_ns b ping -n -q -c 2 -i 0.1 -W 1 -I 10.9.0.77 10.9.0.1 >/dev/null 2>&1 ||
    fail "a answers a source that b may not use"
assert_equal "a's inner_source drops" $(($(drops a inner_source) - before)) 2

before=$(drops b no_peer)
! in_ns b ping -n -q -c 2 -i 0.1 -W 1 10.9.0.99 >/dev/null 2>&1 || fail "nobody answers"
assert_equal "b's no_peer drops" $(($(drops b no_peer) - before)) 2
ping_both b a
