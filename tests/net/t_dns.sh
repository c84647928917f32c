#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# DNS goes to resolvconf and is taken back, handshakes go on meanwhile; without resolvconf, and with one
# that fails, there is a warning and the tunnel works.
#
#   node a: wgtcpd ◄─── node b: wgtcpd, PATH with a resolvconf that writes down what it is asked
. "${0%/*}/lib.sh"
need wg ping

mkdir "$NET_DIR/bin"
export PATH=$NET_DIR/bin:$PATH
asked=$NET_DIR/asked

# resolvconf is this SCRIPT.
resolvconf_is() { # SCRIPT
    printf '#!/bin/sh\n%s\n' "$1" >"$NET_DIR/bin/resolvconf"
    chmod 755 "$NET_DIR/bin/resolvconf"
}

new_wire
new_wgtcpd_node a b
new_keys a b
mk_conf a
conf_peer a b
start_wgtcpd a
mk_conf b "DNS = 203.0.113.53, corp.example" "DNS = 2001:db8::53, lab.example"
conf_peer b a "Endpoint = $(endpoint a 4)"
name=$(if_name b)

step "set and taken back"
resolvconf_is "echo \"\$*\" >>$asked; [ \"\$1\" = -d ] || cat >>$asked"
start_wgtcpd b
ping_until 10 b a
stop_wgtcpd b
diff "$asked" - <<END || fail "resolvconf was asked something else"
-a $name -m 0 -x
nameserver 203.0.113.53
nameserver 2001:db8::53
search corp.example lab.example
-d $name -f
END

step "a slow resolvconf holds no handshake up"
resolvconf_is 'sleep 3'
before=$(log_lines b)
spawn b b "$WGTCPD" -v -c "$(conf_of b)"
retry 5 has_logged b "$before" 'resolvconf -a' || fail "resolvconf was not called"
in_ns b ip link set wgout0 address "02:00:00:00:00:02" master br0 up
retry 2 ping_once b a 4 || fail "no handshake beside resolvconf"
! has_logged b "$before" ': ready$' || fail "resolvconf was not waited for"
retry 10 ready_or_dead b "$before" || fail "b is not ready"
stop_wgtcpd b

step "a resolvconf that fails"
before=$(log_lines b)
resolvconf_is 'exit 3'
start_wgtcpd b
retry 2 has_logged b "$before" 'warning: DNS is not set up: resolvconf ended with 3' || fail "no warning"
stop_wgtcpd b
! has_logged b "$before" 'resolvconf -d' || fail "what was not set was taken back"

step "none"
rm "$NET_DIR/bin/resolvconf"
if ! command -v resolvconf >/dev/null; then
    before=$(log_lines b)
    start_wgtcpd b
    has_logged b "$before" 'warning: DNS is not set up: there is no resolvconf' || fail "no warning"
    ping_until 10 b a
    stop_wgtcpd b
fi
