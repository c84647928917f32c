#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What the kernel's WireGuard tests of itself in netns.sh, over TCP. netns.sh beside has the topology.
. "${0%/*}/lib.sh"
. "${0%/*}/netns.sh"
need wg nft ping

check_netns tcp
