# SPDX-License-Identifier: BSD-3-Clause
# Helpers of the scenarios. Sourced, not run. Every node is a network namespace; all nodes hang on
# one bridge in the namespace "wire":
#
#   node a (wgtcpd)                     wire              node g (kernel sockets)
#   ┌─────────────────────────────┐  ┌──────────┐  ┌─────────────────────────────┐
#   │ TUN ⇄ wgtcpd ⇄ wgout0 ─ br0 ├──┤  bridge  ├──┤ eth0 192.0.2.3 ⇄ wireguard- │
#   │ 10.9.0.1   192.0.2.1 (ours) │  │  + loss  │  │ go, relay, … ⇄ TUN 10.9.0.3 │
#   └─────────────────────────────┘  └──────────┘  └─────────────────────────────┘
#
# Node number n has the outer addresses 192.0.2.n and 2001:db8::n, the inner ones 10.9.0.n and
# fd09::n. tests/net/run makes NET_ID (prefix of all names), NET_DIR (logs, keys, configs) and
# NET_BUILD, and removes whatever a scenario leaves behind.
set -euo pipefail

if [ -z "${NET_ID:-}" ]; then
    exec "$(dirname "${BASH_SOURCE[0]}")/run" -v "$0"
fi

NET_HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
NET_PYTHON=/usr/bin/python3
[ -x "$NET_PYTHON" ] || NET_PYTHON=python3
WGTCPD=$NET_BUILD/src/wgtcpd
WGTCPCTL=$NET_BUILD/src/ctl/wgtcpctl
RELAY=$NET_BUILD/tests/net/relay
IMPAIR=$NET_BUILD/tests/net/impair
PORT=51820 # of every WireGuard listener

declare -A NUMBER=([a]=1 [b]=2 [g]=3 [h]=4 [r]=5 [s]=6 [x]=9)
declare -A PIDS=()     # what runs, by its name: a node, or a node and what it is
declare -A OUTER4=() OUTER6=() # outer addresses that are not the usual ones

# ---- verdicts ----

step() { echo "[$SECONDS s] $*"; }

fail() {
    echo "FAIL: $*" >&2
    exit 1
}

# A command that fails unexpectedly is named, with its place.
set -E
trap 'echo "FAIL: ${BASH_SOURCE[0]##*/}:$LINENO: $BASH_COMMAND" >&2' ERR

# Skips the scenario if a tool is not installed.
need() {
    local tool
    for tool; do
        command -v "$tool" >/dev/null || { echo "skip: no $tool"; exit 77; }
    done
}

# Our own programs: their absence is a failure.
need_built() {
    local file
    for file; do
        [ -x "$file" ] || fail "$file is not built"
    done
}

assert_equal() { # WHAT GOT WANT
    [ "$2" = "$3" ] || fail "$1: got '$2', want '$3'"
}

assert_match() { # WHAT TEXT REGEX
    grep -qE -- "$3" <<<"$2" || fail "$1: no match for /$3/ in: $2"
}

assert_no_match() { # WHAT TEXT REGEX
    ! grep -qE -- "$3" <<<"$2" || fail "$1: unwanted match for /$3/ in: $2"
}

# retry SECONDS COMMAND...: until it succeeds or the time is over.
retry() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.1
    done
}

# ---- names ----

ns_name() { echo "$NET_ID-$1"; }
if_name() { echo "$NET_ID$1"; }
log_of() { echo "$NET_DIR/$1.log"; }
conf_of() { echo "$NET_DIR/$(if_name "$1").conf"; }

outer_addr() { # NODE 4|6
    if [ "$2" = 6 ]; then
        echo "${OUTER6[$1]:-2001:db8::${NUMBER[$1]}}"
    else
        echo "${OUTER4[$1]:-192.0.2.${NUMBER[$1]}}"
    fi
}

inner_addr() { # NODE 4|6
    if [ "$2" = 6 ]; then echo "fd09::${NUMBER[$1]}"; else echo "10.9.0.${NUMBER[$1]}"; fi
}

endpoint() { # NODE 4|6 [PORT]
    if [ "$2" = 6 ]; then
        echo "[$(outer_addr "$1" 6)]:${3:-$PORT}"
    else
        echo "$(outer_addr "$1" 4):${3:-$PORT}"
    fi
}

# ---- namespaces ----

in_ns() { # NODE COMMAND...
    local node=$1
    shift
    nsenter --net="/run/netns/$(ns_name "$node")" -- "$@"
}

# Runs in the background, its output appended to the log of NAME, its process id in PIDS[NAME].
spawn() { # NAME NODE COMMAND...
    local name=$1 node=$2
    shift 2
    # The shell makes background processes ignore SIGINT; a daemon shall see it.
    nsenter --net="/run/netns/$(ns_name "$node")" -- env --default-signal=INT,QUIT "$@" \
        >>"$(log_of "$name")" 2>&1 </dev/null &
    PIDS[$name]=$!
}

# No address or solicitation of the kernel's own making: the wire carries what we put there.
quiet_ipv6() {
    in_ns "$1" sh -c 'cd /proc/sys/net/ipv6/conf/default || exit 0
        for set in accept_ra=0 autoconf=0 accept_dad=0 dad_transmits=0 addr_gen_mode=1; do
            echo "${set#*=}" >"${set%=*}"
        done'
}

new_ns() {
    local node
    for node; do
        ip netns add "$(ns_name "$node")"
        quiet_ipv6 "$node"
        in_ns "$node" ip link set lo up
    done
}

new_wire() {
    new_ns wire
    in_ns wire ip link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0
    in_ns wire ip link set br0 up
    in_ns wire nft add table bridge wire
    in_ns wire nft add chain bridge wire loss '{ type filter hook forward priority 0; }'
    in_ns wire nft add chain bridge wire count '{ type filter hook forward priority 1; }'
}

# A cable from eth0 of NODE to the wire. Without super-packets, so that what crosses the bridge is
# what a cable would carry: one frame a segment.
connect_ns() {
    local node=$1
    in_ns wire ip link add "v-$node" type veth peer name eth0 netns "$(ns_name "$node")"
    in_ns wire ip link set "v-$node" gso_max_segs 1 master br0 up
    in_ns "$node" ip link set eth0 gso_max_segs 1 up
}

# A node whose outer side is the kernel's.
new_kernel_node() {
    local node
    for node; do
        new_ns "$node"
        connect_ns "$node"
        in_ns "$node" ip address add "$(outer_addr "$node" 4)/24" dev eth0
        in_ns "$node" ip address add "$(outer_addr "$node" 6)/64" dev eth0 nodad
    done
}

# The kernel only bridges on these; it shall not speak on them.
no_ipv6() { # NODE INTERFACE...
    local node=$1 name
    shift
    for name; do
        in_ns "$node" sh -c "echo 1 >/proc/sys/net/ipv6/conf/$name/disable_ipv6" || true
    done
}

# A node whose outer side will be wgtcpd's.
new_wgtcpd_node() {
    local node
    for node; do
        new_ns "$node"
        connect_ns "$node"
        in_ns "$node" ip link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0
        in_ns "$node" ip link set eth0 master br0
        no_ipv6 "$node" eth0 br0
        in_ns "$node" ip link set br0 up
    done
}

# Drops that share of the frames crossing the wire; 0 drops none.
loss() { # PERCENT
    in_ns wire nft flush chain bridge wire loss
    case $1 in
    0) ;;
    100) in_ns wire nft add rule bridge wire loss counter drop ;;
    *) in_ns wire nft add rule bridge wire loss numgen random mod 1000 '<' $(($1 * 10)) \
        counter drop ;;
    esac
}

# The wire has really dropped something since the last `loss`.
assert_lossy() {
    assert_match "the lossy wire" "$(in_ns wire nft list chain bridge wire loss)" \
        'counter packets [1-9]'
}

# Counts what matches the nft EXPRESSION on its way over the wire, from now on.
count_on_wire() { # NAME EXPRESSION...
    local name=$1
    shift
    in_ns wire nft add counter bridge wire "$name"
    in_ns wire nft add rule bridge wire count "$@" counter name "$name"
}

counted() { # NAME
    in_ns wire nft list counter bridge wire "$1" | sed -n 's/.*packets \([0-9]*\).*/\1/p'
}

counted_at_least() { # NAME N
    [ "$(counted "$1")" -ge "$2" ]
}

# ---- a path with delay, a bottleneck and faults ----

# The path of the measurements: a long one, with a queue before its bottleneck.
LONG_PATH=(rate=100mbit delay=20ms queue=60ms)

# A veth hands on what a cable would carry: whole segments with their checksums in place.
plain_veth() { # NODE INTERFACE
    in_ns "$1" ethtool -K "$2" tx off gso off gro off >/dev/null
}

# start_path NODE SETTING...: from now on NODE hangs on the wire by a cable with faults (impair.c
# has the settings); "ab:" is the direction from NODE, "ba:" the one to it.
start_path() {
    local node=$1 name=path-$1 before
    shift
    need_built "$IMPAIR"
    in_ns wire ip link set "v-$node" nomaster
    in_ns wire ip link add "i-$node" type veth peer name "j-$node"
    no_ipv6 wire "v-$node" "i-$node" "j-$node"
    plain_veth "$node" eth0
    plain_veth wire "j-$node"
    in_ns wire ip link set "i-$node" up
    in_ns wire ip link set "j-$node" master br0 up
    mkfifo "$NET_DIR/$name.fifo"
    before=$(log_lines "$name")
    spawn "$name" wire "$IMPAIR" --control "$NET_DIR/$name.fifo" --seed "${PATH_SEED:-1}" \
        "v-$node" "i-$node" "$@"
    retry 5 has_logged "$name" "$before" ': ready' || fail "the path of $node does not start"
}

# Changes settings of the path of NODE; what is under way keeps its fate.
set_path() { # NODE SETTING...
    local node=$1 name=path-$1 before
    shift
    before=$(log_lines "$name")
    echo "$*" >"$NET_DIR/$name.fifo"
    retry 5 has_logged "$name" "$before" ": set $*" || fail "the path of $node is not set to $*"
}

# A figure of the path of NODE so far: frames in, out, lost, … (impair.c).
path_figure() { # NODE ab|ba NAME
    set_path "$1" stats
    grep " $2: in" "$(log_of "path-$1")" | tail -n 1 | sed -n "s/.* $3 \([0-9]*\).*/\1/p"
}

# ---- keys and configurations ----

new_keys() {
    local node
    for node; do
        (umask 077 && wg genkey >"$NET_DIR/$node.key")
        wg pubkey <"$NET_DIR/$node.key" >"$NET_DIR/$node.pub"
    done
}

new_psk() {
    (umask 077 && wg genpsk >"$NET_DIR/psk")
}

public_key() { cat "$NET_DIR/$1.pub"; }

# mk_conf NODE [LINE...]: a configuration without peers; lines go to [Interface]. A test that sets
# OUTER_DEVICE has another port than a tap.
mk_conf() {
    local node=$1 file
    file=$(conf_of "$1")
    shift
    (umask 077 && : >"$file")
    {
        echo "[Interface]"
        echo "PrivateKey = $(cat "$NET_DIR/$node.key")"
        echo "ListenPort = $PORT"
        echo "Address = $(inner_addr "$node" 4)/24, $(inner_addr "$node" 6)/64"
        [ $# -eq 0 ] || printf '%s\n' "$@"
        echo
        echo "[Port]"
        echo "Device = ${OUTER_DEVICE:-tap0},iface=wgout0"
        echo "Address = $(outer_addr "$node" 4)/24, $(outer_addr "$node" 6)/64"
    } >"$file"
}

# conf_peer NODE PEER [LINE...]: adds a peer; more lines to its section.
conf_peer() {
    local node=$1 peer=$2
    shift 2
    {
        echo
        echo "[Peer]"
        echo "PublicKey = $(public_key "$peer")"
        echo "AllowedIPs = $(inner_addr "$peer" 4)/32, $(inner_addr "$peer" 6)/128"
        [ $# -eq 0 ] || printf '%s\n' "$@"
    } >>"$(conf_of "$node")"
}

# ---- wgtcpd ----

is_running() { kill -0 "${PIDS[$1]}" 2>/dev/null; }

log_since() { # NAME LINES: the log without its first LINES lines
    tail -n "+$(($2 + 1))" "$(log_of "$1")" 2>/dev/null
}

log_lines() { # NAME
    [ -e "$(log_of "$1")" ] && wc -l <"$(log_of "$1")" || echo 0
}

has_logged() { # NAME LINES REGEX
    log_since "$1" "$2" | grep -qE -- "$3"
}

ready_or_dead() {
    has_logged "$1" "$2" ': ready$' || ! is_running "$1"
}

# Starts the daemon of NODE on its configuration and puts its tap on the wire.
start_wgtcpd() { # NODE [ARGUMENT...]
    local node=$1 before
    shift
    need_built "$WGTCPD"
    before=$(log_lines "$node")
    spawn "$node" "$node" "$WGTCPD" -v -c "$(conf_of "$node")" "$@"
    retry 20 ready_or_dead "$node" "$before" || fail "wgtcpd in $node is not ready after 20 s"
    is_running "$node" || fail "wgtcpd in $node ended while starting"
    no_ipv6 "$node" wgout0
    # A known address: for the kernel's end of a net_tap, DPDK makes a new one at every start.
    in_ns "$node" ip link set wgout0 address "02:00:00:00:00:0${NUMBER[$node]}" master br0 up
}

gone() { ! kill -0 "$1" 2>/dev/null; }

# Ends NAME with SIGNAL; its exit status goes to STATUS.
stop() { # NAME [SIGNAL]
    local pid=${PIDS[$1]}
    if ! is_running "$1"; then
        STATUS=0
        wait "$pid" 2>/dev/null || STATUS=$?
        fail "$1 had ended by itself, status $STATUS"
    fi
    unset "PIDS[$1]"
    kill "-${2:-TERM}" "$pid" 2>/dev/null || true
    if ! retry 10 gone "$pid"; then
        kill -KILL "$pid"
        fail "$1 did not end 10 s after SIG${2:-TERM}"
    fi
    STATUS=0
    wait "$pid" || STATUS=$?
}

stop_wgtcpd() {
    local node
    for node; do
        stop "$node"
        assert_equal "exit status of wgtcpd in $node" "$STATUS" 0
    done
}

# As a crash would.
kill_hard() { # NAME
    local pid=${PIDS[$1]}
    unset "PIDS[$1]"
    kill -KILL "$pid"
    wait "$pid" 2>/dev/null || true
}

# What the daemon of NODE says about itself.
status() {
    local node=$1 before
    before=$(log_lines "$node")
    kill -USR1 "${PIDS[$node]}"
    retry 5 has_logged "$node" "$before" 'end of status$' || fail "wgtcpd in $node prints no status"
    log_since "$node" "$before"
}

status_matches() { # NODE REGEX
    status "$1" | grep -qE -- "$2"
}

# How often the daemon of NODE dropped for REASON (a name of base/drop.h), from its status.
drops() { # NODE REASON
    status "$1" | awk -v name="$2:" '$0 ~ /dropped \(/ {
        for (i = 1; i < NF; i++) if ($i == name) sum += $(i + 1)
    } END { print sum + 0 }'
}

# A count of the daemon of NODE by its name in JSON.
node_figure() { # NODE NAME
    "$WGTCPCTL" show "$(if_name "$1")" --json | sed -n "s/.*\"$2\": \([0-9]*\).*/\1/p" | grep .
}

# A super-packet is worth several that it was cut into or joined from.
assert_worth_it() { # WHAT SUPER-PACKETS PACKETS
    local few=$2 many=$3
    [ "$few" -gt 0 ] && [ "$many" -gt $((few * 3)) ] || fail "$1: $few for $many packets"
    step "$1: $few for $many packets"
}

# ---- wireguard-go ----

start_wggo() { # NODE
    local node=$1 name
    name=$(if_name "$node")
    spawn "$node" "$node" env LOG_LEVEL=verbose wireguard-go -f "$name"
    retry 10 in_ns "$node" wg show "$name" >/dev/null 2>&1 || fail "wireguard-go does not start"
    in_ns "$node" wg set "$name" private-key "$NET_DIR/$node.key" listen-port "$PORT"
    in_ns "$node" ip address add "$(inner_addr "$node" 4)/24" dev "$name"
    in_ns "$node" ip address add "$(inner_addr "$node" 6)/64" dev "$name" nodad
    in_ns "$node" ip link set "$name" up
}

# wggo_peer NODE PEER [WORD...]: more words as in wg set, e.g. endpoint 192.0.2.1:51820
wggo_peer() {
    local node=$1 peer=$2
    shift 2
    in_ns "$node" wg set "$(if_name "$node")" peer "$(public_key "$peer")" \
        allowed-ips "$(inner_addr "$peer" 4)/32,$(inner_addr "$peer" 6)/128" "$@"
}

wggo_endpoint_of() { # NODE PEER
    in_ns "$1" wg show "$(if_name "$1")" endpoints | sed -n "s|^$(public_key "$2")\t||p"
}

# ---- relay ----

# start_relay NAME NODE ARGUMENT...: arguments as relay.c says
start_relay() {
    local name=$1 node=$2 before
    shift 2
    need_built "$RELAY"
    before=$(log_lines "$name")
    spawn "$name" "$node" "$RELAY" "$@"
    retry 5 has_logged "$name" "$before" 'ready' || fail "relay $name does not start"
}

stop_relay() { # NAME
    stop "$1"
    assert_equal "exit status of relay $1" "$STATUS" 0
}

# ---- traffic ----

# Pings FROM -> TO inside the tunnel, both families; every packet must come back.
ping_both() { # FROM TO [PING OPTION...]
    local from=$1 to=$2 family out
    shift 2
    for family in 4 6; do
        out=$(in_ns "$from" ping -n -q -c 4 -i 0.05 -W 4 "$@" "$(inner_addr "$to" "$family")" 2>&1) ||
            fail "ping $from -> $to, IPv$family inside $*: $out"
        assert_match "ping $from -> $to, IPv$family inside $*" "$out" ' 0% packet loss'
    done
    step "ping $from -> $to $* ok"
}

# Sizes at both ends of what one packet can be, and one that the kernel fragments.
ping_sizes() { # FROM TO
    local size
    for size in 0 1 15 16 17 1200 1372 3000; do
        ping_both "$1" "$2" -c 2 -s "$size"
    done
}

ping_once() { # FROM TO 4|6 [PING OPTION...]
    in_ns "$1" ping -n -q -c 1 -W 1 "${@:4}" "$(inner_addr "$2" "$3")" >/dev/null 2>&1
}

# Pings FROM -> TO until an answer comes, both families.
ping_until() { # SECONDS FROM TO
    local started=$SECONDS family
    for family in 4 6; do
        retry "$1" ping_once "$2" "$3" "$family" ||
            fail "no answer to ping $2 -> $3, IPv$family inside, for $1 s"
    done
    step "ping $2 -> $3 answered after $((SECONDS - started)) s"
}

# Sends BYTES from FROM to TO through the tunnel over TCP; they must arrive unaltered. "2s" for BYTES
# sends for two seconds. CC names the congestion control of the kernel.
bulk() { # FROM TO 4|6 BYTES [SECONDS [PORT [CC]]]
    local from=$1 to=$2 family=$3 bytes=$4 limit=${5:-40} port=${6:-5201} cc=${7:-}
    local name=bulk-$from-$to-$port addr receiver sent got
    addr=$(inner_addr "$to" "$family")
    : >"$NET_DIR/$name.recv"
    in_ns "$to" timeout "$limit" "$NET_PYTHON" "$NET_HERE/bulk.py" recv "$addr" "$port" \
        >"$NET_DIR/$name.recv" 2>"$NET_DIR/$name.log" &
    receiver=$!
    retry 5 grep -q listening "$NET_DIR/$name.recv" || fail "receiver $name does not start"
    in_ns "$from" timeout "$limit" "$NET_PYTHON" "$NET_HERE/bulk.py" send "$addr" "$port" \
        "$bytes" $RANDOM ${cc:+"$cc"} >"$NET_DIR/$name.sent" 2>>"$NET_DIR/$name.log" ||
        fail "bulk $from -> $to, IPv$family inside: not sent within $limit s"
    wait "$receiver" || fail "bulk $from -> $to, IPv$family inside: not received"
    sent=$(cut -d' ' -f1,2 "$NET_DIR/$name.sent")
    got=$(sed 1d "$NET_DIR/$name.recv" | cut -d' ' -f1,2)
    assert_equal "bulk $from -> $to, IPv$family inside, checksum" "$got" "$sent"
    step "bulk $from -> $to IPv$family: $(awk '{ printf "%d bytes, %.1f s, %.1f Mbit/s", $2, $3,
        $2 * 8e-6 / ($3 + 1e-3) }' "$NET_DIR/$name.sent"), intact"
}

# A ping every 20 ms from FROM to TO inside the tunnel, until stop_probe.
start_probe() { # FROM TO [ADDRESS]
    : >"$(log_of probe)"
    spawn probe "$1" ping -n -D -i 0.02 "${3:-$(inner_addr "$2" 4)}"
}

# Ends the probe; PROBE gets what it saw, as probe.py says it.
stop_probe() {
    stop probe INT
    PROBE=$("$NET_PYTHON" "$NET_HERE/probe.py" "$(log_of probe)")
}

# A transfer with a probe beside it; what the probe saw is printed, not judged.
bulk_probed() { # FROM TO BYTES SECONDS [CC]
    start_probe "$1" "$2"
    bulk "$1" "$2" 4 "$3" "$4" 5201 "${5:-}"
    stop_probe
    step "    ${5:+$5 inside, }probe beside it, ms: $PROBE"
    ! grep -q 'p50 nan' <<<"$PROBE" || fail "no probe was answered beside a transfer"
}

# iperf3, one direction after the other; without it, nothing.
speed() { # NODE NODE
    command -v iperf3 >/dev/null || return 0
    local name=iperf-$1 reverse result
    spawn "$name" "$1" iperf3 -s -1 --forceflush -B "$(inner_addr "$1" 4)" # ends after one client
    retry 5 has_logged "$name" 0 listening || fail "iperf3 -s does not start"
    for reverse in '' -R; do
        is_running "$name" || spawn "$name" "$1" iperf3 -s -1 --forceflush -B "$(inner_addr "$1" 4)"
        result=$(retry 5 in_ns "$2" timeout 15 iperf3 -c "$(inner_addr "$1" 4)" -t 1 $reverse) ||
            fail "iperf3 $2 -> $1 $reverse: $result"
        step "iperf3 $2 -> $1 $reverse: $(grep 'receiver' <<<"$result")"
        retry 5 gone "${PIDS[$name]}" || fail "iperf3 -s does not end"
    done
    unset "PIDS[$name]"
}

# Both directions at the same time.
bulk_duplex() { # NODE NODE 4|6 BYTES [SECONDS]
    local first
    bulk "$1" "$2" "$3" "$4" "${5:-40}" 5202 &
    first=$!
    bulk "$2" "$1" "$3" "$4" "${5:-40}" 5203
    wait "$first" || exit 1
}

# The usual proof that a tunnel works: pings and transfers, both ways, both families inside.
check_tunnel() { # NODE NODE BYTES
    ping_both "$1" "$2"
    ping_both "$2" "$1"
    ping_sizes "$1" "$2"
    bulk "$1" "$2" 4 "$3"
    bulk "$2" "$1" 6 "$3"
    bulk_duplex "$1" "$2" 4 "$3"
}

# ---- scenarios that differ in a parameter only ----

# Two daemons: b knows a's endpoint, a learns b's. With settings, b hangs on the wire by such a path.
start_pair() { # udp|tcp 4|6 [SETTING...]
    new_wire
    new_wgtcpd_node a b
    [ $# -eq 2 ] || start_path b "${@:3}"
    new_keys a b
    mk_conf a
    conf_peer a b
    mk_conf b
    conf_peer b a "Endpoint = $(endpoint a "$2")" "Transport = $1"
    start_wgtcpd a
    start_wgtcpd b
    ping_until 10 b a
}

# One of two daemons is killed with -9 and started again: the tunnel works again, first the dialler
# killed, then the listener. The survivor is never touched.
check_kill() { # udp|tcp
    local victim
    start_pair "$1" 4
    ping_both a b
    for victim in b a; do
        step "kill -9 of $victim"
        kill_hard "$victim"
        ! ping_once b a 4 || fail "ping passes to a dead daemon"
        start_wgtcpd "$victim"
        ping_until 20 b a
        ping_both b a
        ping_both a b
        bulk a b 4 1000000
    done
}

# A wire that drops 1 %, then 5 % of all frames: transfers arrive intact, both directions at once.
check_loss() { # udp|tcp
    start_pair "$1" 4
    loss 1
    bulk b a 4 8000000 25
    bulk_duplex a b 6 8000000 25
    loss 5
    bulk a b 4 4000000 40
    bulk_duplex a b 6 2000000 40
    assert_lossy
    loss 0
    ping_until 20 a b
    ping_both a b
}

# ---- the end ----

is_wgtcpd() { # NAME
    [ "$1" = a ] || [ "$1" = b ]
}

# Daemons that a scenario leaves running must end properly; of a failed one the logs get a status.
finish() {
    local status=$? name
    trap - EXIT ERR
    set +e
    for name in "${!PIDS[@]}"; do
        if [ "$status" -ne 0 ]; then
            if ! is_running "$name"; then
                wait "${PIDS[$name]}" 2>/dev/null
                echo "$name had ended by itself, status $?"
            elif is_wgtcpd "$name"; then
                kill -USR1 "${PIDS[$name]}"
                sleep 0.3
            fi
            continue
        fi
        stop "$name"
        ! is_wgtcpd "$name" || assert_equal "exit status of wgtcpd in $name" "$STATUS" 0
    done
    exit "$status"
}
trap finish EXIT
