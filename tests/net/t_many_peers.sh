#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Many peers: who asks for all of them gets all, and the daemon holds no more than a piece at a time.
#
#        node a                  node b
#   ┌──────────────┐   UDP    ┌──────────────┐
#   │ wgtcpd       │◄─────────┤ wgtcpd       │
#   │ 20,001 peers │   wire   │ one peer     │
#   └──────▲───────┘          └──────────────┘
#    wg, wgtcpctl
. "${0%/*}/lib.sh"
need wg ping
need_built "$WGTCPCTL"

N=20000
a=$(if_name a)

wg_a() { in_ns a wg "$@"; }
resident() { awk '/^VmHWM/ {print $2}' "/proc/${PIDS[a]}/status"; } # the greatest so far, KiB

new_wire
new_wgtcpd_node a b
new_keys a b
mk_conf a "Table = off"
"$NET_PYTHON" - "$N" >>"$(conf_of a)" <<'END'
import base64, os, sys

for i in range(int(sys.argv[1])):
    key = base64.b64encode(os.urandom(32)).decode()
    print(f"[Peer]\nPublicKey = {key}\nAllowedIPs = 10.{200 + (i >> 16)}.{i >> 8 & 255}.{i & 255}/32")
END
conf_peer a b
mk_conf b
conf_peer b a "Endpoint = $(endpoint a 4)"
start_wgtcpd a
start_wgtcpd b
ping_until 10 b a
before=$(resident)

step "all of them are shown"
assert_equal "wg show dump" "$(wg_a show "$a" dump | wc -l)" $((N + 2))
assert_equal "keys once each" "$(wg_a show "$a" peers | sort -u | wc -l)" $((N + 1))
assert_equal "wgtcpctl show" "$("$WGTCPCTL" show "$a" | grep -c '^peer:')" $((N + 1))

step "for which no more memory is taken than for a few"
grown=$(($(resident) - before))
step "grown by $grown KiB"
[ "$grown" -lt 8192 ] || fail "the daemon has grown by $grown KiB"

step "those who go while they are read are left out"
wg_a show "$a" peers | sed -n 1,5000p >"$NET_DIR/go"
wg_a show "$a" dump >"$NET_DIR/beside" &
reader=$!
for ((i = 1; i < 5000; i += 500)); do
    # shellcheck disable=SC2046
    wg_a set "$a" $(sed -n "$i,$((i + 499))s/.*/peer & remove/p" "$NET_DIR/go")
done
wait "$reader" || fail "wg was not answered"
shown=$(wc -l <"$NET_DIR/beside")
((shown >= N + 2 - 5000 && shown <= N + 2)) || fail "$shown lines"
assert_equal "afterwards" "$(wg_a show "$a" dump | wc -l)" $((N + 2 - 5000))
ping_both b a
finish
