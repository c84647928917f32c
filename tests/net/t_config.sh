#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The command line and --check: exit statuses, file:line messages, refusal of a configuration that
# others can read. No daemon starts and no interface appears.
#
#   node a: wgtcpd --check -c FILE
. "${0%/*}/lib.sh"
need wg
need_built "$WGTCPD"

new_ns a
new_keys a b
conf=$(conf_of a)

# Runs the daemon with ARGUMENTS; sets said_out, said_err and STATUS.
run_wgtcpd() {
    STATUS=0
    in_ns a timeout 10 "$WGTCPD" "$@" >"$NET_DIR/out.log" 2>"$NET_DIR/err.log" </dev/null || STATUS=$?
    said_out=$(cat "$NET_DIR/out.log")
    said_err=$(cat "$NET_DIR/err.log")
}

check_good() { # WHAT
    run_wgtcpd --check -c "$conf"
    assert_equal "$1: exit status ($said_err)" "$STATUS" 0
}

# The configuration must be refused with a message for that line (or without a line, if '').
check_bad() { # WHAT LINE REGEX
    run_wgtcpd --check -c "$conf"
    assert_equal "$1: exit status" "$STATUS" 2
    assert_match "$1" "$said_err" "$conf:${2:+$2: .*}.*$3"
    step "$1: $said_err"
}

line_of() { # TEXT: its line number in the configuration
    grep -nF -- "$1" "$conf" | head -n 1 | cut -d: -f1
}

good_conf() {
    mk_conf a
    conf_peer a b "Endpoint = 192.0.2.2:51820" "Transport = tcp"
}

bad_line() { # LINE REGEX: it must be refused where it stands, in [Peer] after its other lines
    good_conf
    sed -i "/^\[Peer\]/,\$ { /^${1%% *} = /d }" "$conf"
    echo "$1" >>"$conf"
    check_bad "'$1'" "$(line_of "$1")" "$2"
}

bad_interface_line() { # LINE REGEX: the same in [Interface]
    mk_conf a "$1"
    check_bad "'$1'" "$(line_of "$1")" "$2"
}

step "command line"
run_wgtcpd --version
assert_equal "--version: exit status" "$STATUS" 0
assert_match "--version" "$said_out" '^wgtcpd [0-9]+\.[0-9]+'
run_wgtcpd --help
assert_equal "--help: exit status" "$STATUS" 0
assert_match "--help" "$said_out" '--check'
for arguments in '' '--no-such-option' '-c' '--check'; do
    run_wgtcpd $arguments
    assert_equal "wgtcpd $arguments: exit status" "$STATUS" 2
    [ -n "$said_err" ] || fail "wgtcpd $arguments: no message"
done
run_wgtcpd --check -c "$NET_DIR/none.conf"
assert_equal "a file that is not there: exit status" "$STATUS" 2
assert_match "a file that is not there" "$said_err" 'none\.conf.*No such file'

step "good configurations"
good_conf
check_good "a usual one"
sed -i -e 's/ = /=/' -e 's/^\[interface\]/[INTERFACE]/I' "$conf"
printf '\n# a comment\n  \t\nPersistentKeepalive=25 # another\r\n' >>"$conf"
check_good "spaces, comments and case as wg-quick takes them"

step "bad lines"
bad_line "NoSuchKey = 1" 'NoSuchKey'
bad_line "Transport = sctp" '(udp|tcp)'
bad_line "PersistentKeepalive = 70000" '6553[56]|PersistentKeepalive'
bad_line "AllowedIPs = 10.0.0.0/33" '10\.0\.0\.0/33'
bad_line "AllowedIPs = 10.0.0.256/32" '10\.0\.0\.256'
bad_line "Endpoint = 192.0.2.2" 'port'
bad_line "Endpoint = 192.0.2.2:99999" 'port|99999'
bad_line "PublicKey = short" 'PublicKey|key'
bad_line "PresharedKey = $(printf 'A%.0s' {1..44})" 'PresharedKey|key'
bad_line "just words" 'just words|='
bad_line "[NoSuchSection]" 'NoSuchSection'
bad_interface_line "ListenPort = abc" 'ListenPort|abc'
bad_interface_line "MTU = 1" 'MTU'
bad_interface_line "Idle = sometimes" 'adaptive'
bad_interface_line "Workers = 0" 'Workers'
bad_interface_line "Listen = carrier-pigeon" '(udp|tcp)'
bad_interface_line "PublicKey = $(public_key a)" 'PublicKey'

step "several errors are all reported"
good_conf
printf 'First = 1\nSecond = 2\n' >>"$conf"
check_bad "two unknown keys" "$(line_of 'First = 1')" 'First'
assert_match "two unknown keys" "$said_err" "$conf:$(line_of 'Second = 2'): .*Second"

step "a private key is required and never printed"
good_conf
sed -i '/^PrivateKey/d' "$conf"
check_bad "no private key" '' 'PrivateKey'
good_conf
sed -i 's/^PrivateKey = ./&&/' "$conf"
run_wgtcpd --check -c "$conf"
[ "$STATUS" -ne 0 ] || fail "a malformed private key: accepted"
assert_no_match "the message about a malformed private key" "$said_err" \
    "$(cut -c 4-20 "$NET_DIR/a.key" | sed 's/[+]/[+]/g')"

step "binary rubbish and empty files"
for size in 0 1 100 100000; do
    (umask 077 && head -c "$size" /dev/urandom >"$conf")
    run_wgtcpd --check -c "$conf"
    assert_equal "$size random bytes: exit status" "$STATUS" 2
done

step "a file that others can read"
good_conf
for mode in 644 604 602 601; do
    chmod "$mode" "$conf"
    for check in --check ''; do
        run_wgtcpd $check -c "$conf"
        assert_equal "mode $mode $check: exit status" "$STATUS" 2
        assert_match "mode $mode $check" "$said_err" "$conf .*$mode.*chmod 600"
    done
done

links=$(in_ns a ip -o link | grep -cv ': lo:' || true)
assert_equal "interfaces made by --check" "$links" 0
