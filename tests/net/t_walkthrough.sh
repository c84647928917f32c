#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# An operator's day with what is installed, by the commands of README and manual pages: examples made into
# configurations, both transports, a peer added live and by reload, metrics, and mistakes that diagnose finds.
# What is typed and answered goes to the file WALKTHROUGH, as docs/walkthrough.md.
#
# WGTCPD_DEB   a package to install and use; else `meson install` puts the build into a directory
# WALKTHROUGH  where the account goes
#
#   laptop 198.51.100.2             server 198.51.100.1             phone 198.51.100.4
#   ┌──────────────────────┐       ┌──────────────────────┐       ┌──────────────────────┐
#   │ wgtcpd 192.0.2.2     │       │ wgtcpd 192.0.2.2     │       │ wgtcpd 192.0.2.2     │
#   │   tap wgout0         │       │   tap wgout0         │       │   tap wgout0         │
#   │ kernel, masquerade ──┼─ TCP ─┼─ kernel, masquerade ─┼─ UDP ─┼── kernel, masquerade │
#   └──────────────────────┘ wire  └──────────────────────┘ wire  └──────────────────────┘
. "${0%/*}/lib.sh"
need wg nft ping curl

OUTER4=([a]=198.51.100.1 [b]=198.51.100.2 [h]=198.51.100.4)
declare -A NAME=([a]=server [b]=laptop [h]=phone)
ACCOUNT=$NET_DIR/walkthrough.md
PREFIX=/usr
INSTALLED= # where the build was put, bound over PREFIX in each node

# ---- the account ----

in_block=
tell() { # LINE...
    [ -z "$in_block" ] || echo '```' >>"$ACCOUNT"
    in_block=
    { echo; printf '%s\n' "$@"; echo; } | tee -a "$ACCOUNT"
}

typed() { # NODE COMMAND
    [ -n "$in_block" ] || echo '```' >>"$ACCOUNT"
    in_block=yes
    echo "${NAME[$1]}# $2" | tee -a "$ACCOUNT"
}

answered() { sed 's/[[:space:]]*$//' | tee -a "$ACCOUNT"; }

# ---- nodes: a network, and directories that belong to one machine ----

open_node() {
    local node=$1
    new_kernel_node "$node"
    spawn "shell-$node" "$node" unshare --mount --propagation private sh -c '
        for dir in /etc/wireguard /run/wireguard /run/wgtcpd /run/dpdk; do
            mkdir -p "$dir" && mount -t tmpfs -o mode=700 tmpfs "$dir" || exit
        done
        [ -z "$1" ] || mount --bind "$1" "$2" || exit
        cd / && echo ready && exec sleep 1000' sh "$INSTALLED" "$PREFIX"
    retry 5 has_logged "shell-$node" 0 '^ready$' || fail "node $node does not open"
}

# The words before a command that shall run on NODE, in ENTER: for what runs on, its process is the command's.
enter() { # NODE
    ENTER=(nsenter -t "${PIDS[shell-$1]}" --mount --net --root --wd -- env -i LANG=C.UTF-8 HOME=/root
        WG_COLOR_MODE=never PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
}

in_node() { # NODE COMMAND...
    enter "$1"
    shift
    "${ENTER[@]}" "$@"
}

# Types COMMAND on NODE; what it says is in OUTPUT, its exit status in STATUS.
try() { # NODE COMMAND
    typed "$1" "$2"
    STATUS=0
    OUTPUT=$(in_node "$1" bash -c "$2" 2>&1 </dev/null) || STATUS=$?
    [ -z "$OUTPUT" ] || answered <<<"$OUTPUT"
}

on() { # NODE COMMAND: that must do
    try "$@"
    [ "$STATUS" -eq 0 ] || fail "${NAME[$1]}# $2: exit status $STATUS"
}

start() { # NODE
    local node=$1 before
    before=$(log_lines "$node")
    typed "$node" "wgtcpd -c /etc/wireguard/wg0.conf &"
    enter "$node"
    "${ENTER[@]}" wgtcpd -c /etc/wireguard/wg0.conf >>"$(log_of "$node")" 2>&1 </dev/null &
    PIDS[$node]=$!
    retry 20 ready_or_dead "$node" "$before"
    log_since "$node" "$before" | answered
    has_logged "$node" "$before" ': ready$' || fail "wgtcpd in ${NAME[$node]} does not start"
}

end() { # NODE
    typed "$1" 'pkill wgtcpd'
    kill -TERM "${PIDS[$1]}"
    wait "${PIDS[$1]}" || fail "wgtcpd in ${NAME[$1]} ended with $?"
    unset "PIDS[$1]"
}

# What an operator does with an editor.
edit() { # NODE SED-EXPRESSION...
    local node=$1 expression arguments=()
    shift
    for expression; do arguments+=(-e "$expression"); done
    in_node "$node" sed -i "${arguments[@]}" /etc/wireguard/wg0.conf
}

# A ping makes NODE have a session with PEER, though none comes back.
has_session() { # NODE PEER
    in_node "$2" ping -n -q -c 1 -W 1 203.0.113.1 >/dev/null || true
    grep -q "^${KEY[$2]}	[1-9]" <<<"$(in_node "$1" wg show wg0 latest-handshakes)"
}

finds() { # NODE FINDING
    grep -q "\\[$2\\]" <<<"$(in_node "$1" wgtcpctl diagnose wg0 || true)"
}

make_key() { # NODE
    on "$1" 'umask 077; wgtcpctl genkey >/etc/wireguard/key; wgtcpctl pubkey </etc/wireguard/key'
    KEY["$1"]=$OUTPUT
}
declare -A KEY=()

from_example() { # NODE EXAMPLE SED-EXPRESSION...
    local node=$1 example=$PREFIX/share/doc/wgtcpd/examples/$2.conf
    on "$node" "install -m 600 $example /etc/wireguard/wg0.conf"
    edit "$node" "s|^PrivateKey = .*|PrivateKey = $(in_node "$node" cat /etc/wireguard/key)|" "${@:3}"
    tell "An editor puts in the key, and what else differs from the example:"
    on "$node" "diff $example /etc/wireguard/wg0.conf | grep '^[<>]' | grep -v PrivateKey"
    on "$node" 'wgtcpctl check wg0'
}

# ---- installed ----

install_deb() {
    typed a "apt-get install ./${WGTCPD_DEB##*/}"
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$WGTCPD_DEB" >"$(log_of apt)" 2>&1 ||
        fail "the package does not install"
    grep -E '^Setting up wgtcpd' "$(log_of apt)" | answered
}

install_build() {
    local found
    need meson
    typed a "meson install -C build"
    meson install -C "$NET_BUILD" --no-rebuild --quiet --destdir "$NET_DIR/root" >"$(log_of install)" 2>&1 ||
        fail "meson install"
    found=$(find "$NET_DIR/root" -path '*/bin/wgtcpctl')
    INSTALLED=${found%/bin/wgtcpctl}
    PREFIX=${INSTALLED#"$NET_DIR/root"}
    [ -d "$PREFIX" ] && [ "$PREFIX" != /usr ] || fail "cannot be tried in $PREFIX"
}

cat >"$ACCOUNT" <<'END'
# An operator's day

What is typed on three machines, and what they answer: a server and a laptop, whose cards stay with the kernel,
and a phone that comes later. The laptop's network lets nothing but TCP through. No service manager runs here; where
one does, `systemctl start wgtcpd@wg0` and `systemctl stop wgtcpd@wg0` stand for `wgtcpd -c … &` and `pkill`.
`tests/net/t_walkthrough.sh` does all this, checks each answer, and has written this page.

## Install

END

new_wire
if [ -n "${WGTCPD_DEB:-}" ]; then install_deb; else install_build; fi
for node in a b h; do open_node "$node"; done
on a 'wgtcpd --version'
on a "ls $PREFIX/share/doc/wgtcpd/examples"
assert_match "examples" "$OUTPUT" laptop-server.conf

tell '## The server' '' 'A key of its own, of which the others get the public one. Then an example is made its configuration.'
make_key a
make_key b
from_example a laptop-server \
    's|^Idle = adaptive|Metrics = 127.0.0.1:9586|' \
    '/^PresharedKey/d' '/^# a client that dials over TCP/,$d' '/^# the laptop/d' \
    "s|^PublicKey = .*|PublicKey = ${KEY[b]}|" \
    's|^AllowedIPs = .*|AllowedIPs = 203.0.113.3/32|'
assert_equal "check" "$OUTPUT" "/etc/wireguard/wg0.conf: ok"
start a

tell '## The laptop, over TCP'
from_example b tcp-client \
    '/^# All traffic through/d' "s|^PublicKey = .*|PublicKey = ${KEY[a]}|" \
    's|^AllowedIPs = .*|AllowedIPs = 203.0.113.0/24|' \
    's|^Endpoint = .*|Endpoint = 198.51.100.1:51820|'
start b
retry 10 in_node b ping -n -q -c 1 -W 1 203.0.113.1 >/dev/null || fail "the laptop does not reach the server"
on b 'ping -n -c 3 -i 0.2 203.0.113.1'
assert_match "ping" "$OUTPUT" ' 0% packet loss'

tell '## A look' '' '`wg` shows what it shows of every WireGuard, `wgtcpctl` what it does not know of.'
on a 'wg show'
assert_match "wg show" "$OUTPUT" '^  latest handshake: '
assert_match "wg show" "$OUTPUT" '^  allowed ips: 203\.0\.113\.3/32$'
on a 'wgtcpctl show wg0'
assert_match "wgtcpctl show" "$OUTPUT" 'tcp'
assert_match "MTU: outside there is IPv4 alone" "$OUTPUT" '^  mtu: 1414$'
on a 'wgtcpctl diagnose wg0'
assert_match "diagnose" "$OUTPUT" 'working'

tell '## A peer more, live, with a mistake' '' \
    'The phone can use UDP; its address is 203.0.113.4. The server is told of it while it runs, and somebody mistypes.'
make_key h
from_example h laptop-client \
    '/^DNS/d' '/^PresharedKey/d' 's|^Address = .*113\.2/24.*|Address = 203.0.113.4/24|' \
    "s|^PublicKey = .*|PublicKey = ${KEY[a]}|" 's|^AllowedIPs = .*|AllowedIPs = 203.0.113.0/24|'
start h
on a "wg set wg0 peer ${KEY[h]} allowed-ips 203.0.113.5/32"
retry 15 has_session a h || fail "the phone has no session"
try h 'ping -n -q -c 3 -i 0.3 -W 1 203.0.113.1'
[ "$STATUS" -ne 0 ] || fail "a source that is not allowed is answered"
try a "wgtcpctl diagnose wg0 ${KEY[h]:0:6}"
assert_equal "diagnose: exit status" "$STATUS" 3
assert_match "diagnose" "$OUTPUT" 'source_denied'
tell 'So it says, and what to do:'
on a "wg set wg0 peer ${KEY[h]} allowed-ips 203.0.113.4/32"
on h 'ping -n -q -c 3 -i 0.3 -W 1 203.0.113.1'
on a 'wg show wg0 allowed-ips'

tell '## For good: the file, and a reload' '' \
    'What `wg` has set is gone after a restart, unless `SaveConfig` or `wgtcpctl save` write it. Here it goes into the' \
    'file by hand; a file with a mistake changes nothing.'
handshakes=$(in_node a wg show wg0 latest-handshakes | sort)
on a "printf '\\n[Peer]\\nPublicKey = ${KEY[h]}\\nAllowedIPs = 203.0.113.4\\nKeepalive = 25\\n' >>/etc/wireguard/wg0.conf"
try a 'wgtcpctl reload wg0'
[ "$STATUS" -ne 0 ] || fail "a file with a mistake is taken"
assert_match "reload" "$OUTPUT" "wg0\\.conf:[0-9]+: "
on a "sed -i 's/^Keepalive = .*/PersistentKeepalive = 25/' /etc/wireguard/wg0.conf"
on a 'wgtcpctl reload wg0'
on a 'wg show wg0 persistent-keepalive'
assert_match "after the reload" "$OUTPUT" "^${KEY[h]//+/\\+}	25\$"
assert_equal "sessions over a reload" "$(in_node a wg show wg0 latest-handshakes | sort)" "$handshakes"
on b 'ping -n -q -c 3 -i 0.2 -W 1 203.0.113.1'

tell '## Metrics' '' '`Metrics = 127.0.0.1:9586` stood in the file from the start.'
on a "curl -s http://127.0.0.1:9586/metrics | grep -E '^wgtcpd_peers|^wgtcpd_peer_(receive|transmit)_bytes'"
assert_match "metrics" "$OUTPUT" '^wgtcpd_peers.* 2$'
assert_match "metrics" "$OUTPUT" '^wgtcpd_peer_receive_bytes_total.* [1-9]'

tell '## A mistake in the keys' '' 'The laptop gets a preshared key; the server was forgotten.'
end b
on b 'umask 077; wgtcpctl genpsk >/etc/wireguard/psk'
edit b "/^PublicKey/a PresharedKey = $(in_node b cat /etc/wireguard/psk)"
start b
try b 'ping -n -q -c 2 -W 1 203.0.113.1'
[ "$STATUS" -ne 0 ] || fail "another preshared key passes"
retry 15 finds b wrong_preshared_key || fail "the preshared keys are not found to differ"
try b 'wgtcpctl diagnose wg0'
assert_equal "diagnose: exit status" "$STATUS" 3
assert_match "diagnose" "$OUTPUT" 'wrong_preshared_key'
tell 'Over another way the key goes to the server:'
(umask 077 && in_node b cat /etc/wireguard/psk >"$NET_DIR/psk")
in_node a install -m 600 "$NET_DIR/psk" /etc/wireguard/psk
on a "wg set wg0 peer ${KEY[b]} preshared-key /etc/wireguard/psk"
retry 15 in_node b ping -n -q -c 1 -W 1 203.0.113.1 >/dev/null || fail "the right preshared key does not pass"
on b 'ping -n -q -c 3 -i 0.2 -W 1 203.0.113.1'
on b 'wgtcpctl diagnose wg0'
on a 'wgtcpctl save wg0'

tell '## The end'
end b
on b 'ip -brief link | grep -E "wg0|wgout0" || echo "neither interface is left"'
assert_equal "interfaces" "$OUTPUT" 'neither interface is left'
end h
end a
echo '```' >>"$ACCOUNT"
[ -z "${WALKTHROUGH:-}" ] || cp "$ACCOUNT" "$WALKTHROUGH"
