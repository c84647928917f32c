#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What the running daemon may still do: every thread has CAP_NET_ADMIN and nothing more, User= is
# another user for whom `wg`, wgtcpctl, reload, SaveConfig and the end work all the same, hooks run as
# root, no core is dumped, and who runs code in the daemon cannot run a program.
#
#        node a                  node b
#   ┌──────────────┐   TCP    ┌──────────────┐
#   │ wgtcpd (root)│◄─────────┤ wgtcpd       │
#   │ 192.0.2.1    │   wire   │ (nobody)     │
#   └──────────────┘          └──────────────┘
. "${0%/*}/lib.sh"
need wg nft ping
CAP_NET_ADMIN=0000000000001000
SIGSYS=31
nobody=$(id -u nobody)

new_wire
new_wgtcpd_node a b
new_keys a b

# FIELD of /proc/PID/task/*/status, each value once
threads_have() { # PID FIELD
    sed -n "s/^$2:\t\([^\t]*\).*/\1/p" /proc/"$1"/task/*/status | sort -u
}

keeper_of() { # NODE
    tr -d ' ' <"/proc/${PIDS[$1]}/task/${PIDS[$1]}/children"
}

# Nobody may have asked for its exit status yet.
ended() { # PID
    gone "$1" || grep -qs '^State:.*Z' "/proc/$1/status"
}

note() { echo "id -u >$NET_DIR/%i.$1"; }

step "both start, one as another user"
mk_conf a
conf_peer a b
mk_conf b "User = nobody" "SaveConfig = true" "PostUp = $(note up)" "PreDown = $(note pre_down)" \
    "PostDown = $(note down)"
conf_peer b a "Endpoint = $(endpoint a 4)" "Transport = tcp"
start_wgtcpd a
start_wgtcpd b
ping_until 10 b a

step "what their threads have"
sanitized=
! grep -q libasan "/proc/${PIDS[a]}/maps" || sanitized=yes
for node in a b; do
    for set in CapEff CapPrm CapBnd; do
        assert_equal "$set in $node" "$(threads_have "${PIDS[$node]}" $set)" $CAP_NET_ADMIN
    done
    assert_equal "NoNewPrivs in $node" "$(threads_have "${PIDS[$node]}" NoNewPrivs)" 1
    [ -n "$sanitized" ] ||
        assert_equal "Seccomp in $node" "$(threads_have "${PIDS[$node]}" Seccomp)" 2
    [ -n "$sanitized" ] || assert_match "limits in $node" "$(cat "/proc/${PIDS[$node]}/limits")" \
        'Max core file size +0 +0 '
done
assert_equal "user of a" "$(threads_have "${PIDS[a]}" Uid)" 0
assert_equal "user of b" "$(threads_have "${PIDS[b]}" Uid)" "$nobody"
# Of a process that must not be dumped, /proc belongs to root.
assert_equal "owner of b's /proc" "$(stat -c %u "/proc/${PIDS[b]}/maps")" 0
assert_equal "what b's keeper has" "$(threads_have "$(keeper_of b)" Uid)" 0

step "root's tools reach the daemon of another user, which reloads and saves a file of root's"
assert_match "wg show" "$(in_ns b wg show "$(if_name b)")" 'latest handshake'
in_ns b "$NET_BUILD/src/ctl/wgtcpctl" show "$(if_name b)" >/dev/null || fail "wgtcpctl show"
sed -i "s/^PostUp = .*/&\nPostDown = $(note reloaded | sed 's/[&/]/\\&/g')/" "$(conf_of b)"
in_ns b "$NET_BUILD/src/ctl/wgtcpctl" reload "$(if_name b)" || fail "reload"
assert_equal "owner of the file" "$(stat -c %U:%a "$(conf_of b)")" root:600
psk=$(wg genpsk)
in_ns b wg set "$(if_name b)" peer "$(public_key a)" preshared-key <(echo "$psk")
in_ns b "$NET_BUILD/src/ctl/wgtcpctl" save "$(if_name b)" || fail "save"
grep -qF "PresharedKey = $psk" "$(conf_of b)" || fail "save did not save"
in_ns b wg show "$(if_name b)" private-key >/dev/null

# What secrets.py finds in b, a line a key.
found() { # KEY...
    "${0%/*}/secrets.py" "${PIDS[b]}" "$@"
}

if [ -z "$sanitized" ]; then
    step "keys are in guarded memory and nowhere else, and gone when they are replaced"
    assert_equal "lines of keys that are guarded and nowhere else" \
        "$(found "$(cat "$NET_DIR/b.key")" "$psk" | grep -c '^guarded [1-9][0-9]* elsewhere 0 text 0$')" 2
fi
in_ns b wg set "$(if_name b)" peer "$(public_key a)" preshared-key /dev/null
[ -n "$sanitized" ] || assert_equal "old preshared key" "$(found "$psk")" 'guarded 0 elsewhere 0 text 0'

step "a tunnel works so, and ends so"
ping_both a b
bulk b a 4 2000000
keeper=$(keeper_of b)
stop_wgtcpd b
for hook in up pre_down down reloaded; do
    assert_equal "user of hook $hook" "$(cat "$NET_DIR/$(if_name b).$hook")" 0
done
retry 2 ended "$keeper" || fail "the keeper stays"
assert_equal "owner of the saved file" "$(stat -c %U:%a "$(conf_of b)")" root:600
! grep -q PresharedKey "$(conf_of b)" || fail "SaveConfig did not save at the end"
left=$(find /run/wireguard /run/wgtcpd /run/dpdk -name "*$(if_name b)*" 2>/dev/null || true)
assert_equal "what b left behind" "$left" ''

step "a user that does not exist is found out before anything is done"
mk_conf b "User = no-such-user" "PreUp = $(note early)"
STATUS=0
in_ns b "$WGTCPD" -c "$(conf_of b)" 2>"$NET_DIR/said" || STATUS=$?
assert_equal "exit status" "$STATUS" 1
assert_match "message" "$(cat "$NET_DIR/said")" "no user 'no-such-user'"
[ ! -e "$NET_DIR/$(if_name b).early" ] || fail "PreUp ran"

# Runs the daemon of b with an intruder in it that runs a program; its end goes to STATUS.
intrude() { # SECCOMP
    local pid before keeper
    before=$(log_lines b)
    mk_conf b "Seccomp = $1"
    rm -f "$NET_DIR/go"
    WGTCPD_PRELOAD_GO=$NET_DIR/go LD_PRELOAD=$NET_BUILD/tests/net/libpreload.so \
        start_wgtcpd b
    pid=${PIDS[b]}
    keeper=$(keeper_of b)
    touch "$NET_DIR/go"
    retry 5 gone "$pid" || fail "nothing came of the intruder"
    unset 'PIDS[b]'
    STATUS=0
    wait "$pid" || STATUS=$?
    retry 2 ended "$keeper" || fail "the keeper stays"
    said=$(log_since b "$before")
}

if [ -z "$sanitized" ]; then
    step "an intruder who runs a program"
    intrude on
    assert_equal "exit status with Seccomp = on" "$STATUS" $((128 + SIGSYS))
    assert_match "what it says" "$said" 'refused the system call execve'
    intrude log
    assert_equal "exit status with Seccomp = log: the program's" "$STATUS" 0
    intrude off
    assert_equal "exit status with Seccomp = off: the program's" "$STATUS" 0
fi
