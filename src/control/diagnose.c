/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * WireGuard answers mistakes with silence; what each side has seen of the other tells them apart.
 * First why there is no handshake, from the particular to the general; then what happens to packets
 * although there is one.
 */
#include <wgtcpd/control/diagnose.h>

#include <inttypes.h>

/* Trouble of longer ago says nothing about today. */
#define RECENT (600 * WGT_SEC)
/* Answers may be under way for so long. */
#define PATIENCE (3 * WGT_SEC)
enum { FLAPS_MANY = 3, UNCONFIRMED_MANY = 2, PACKETS_MANY = 10, LOSS_PERCENT = 5 };
#define QUEUE_LONG (200 * WGT_MSEC)

struct case_file {
    const struct snapshot *s;
    const struct snapshot_peer *p; /* NULL: about none */
    const struct allowedips *allowed_ips;
    json_t *findings;
    json_t *evidence, *advice; /* of the finding made last */
};

/* --- making findings --- */

__attribute__((format(printf, 4, 5))) static void
find(struct case_file *c, const char *severity, const char *id, const char *format, ...)
{
    json_t *finding = json_object();
    va_list args;

    c->evidence = json_array();
    c->advice = json_array();
    va_start(args, format);
    json_object_set_new(finding, "id", json_string(id));
    json_object_set_new(finding, "severity", json_string(severity));
    json_object_set_new(finding, "text", json_vsprintf(format, args));
    va_end(args);
    json_object_set_new(finding, "evidence", c->evidence);
    json_object_set_new(finding, "advice", c->advice);
    json_array_append_new(c->findings, finding);
}

__attribute__((format(printf, 2, 3))) static void
evidence(struct case_file *c, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    json_array_append_new(c->evidence, json_vsprintf(format, args));
    va_end(args);
}

__attribute__((format(printf, 2, 3))) static void
advice(struct case_file *c, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    json_array_append_new(c->advice, json_vsprintf(format, args));
    va_end(args);
}

struct text {
    char s[IP_TEXT_MAX];
};

static struct text
key_text(const uint8_t key[CONFIG_KEY_LEN])
{
    struct text t;

    config_key_format(t.s, key);
    return t;
}

static struct text
endpoint_text(const struct ip_endpoint *e)
{
    struct text t;

    ip_endpoint_format(t.s, e);
    return t;
}

static struct text
addr_text(const struct ip_addr *a)
{
    struct text t;

    ip_addr_format(t.s, a);
    return t;
}

static struct text
prefix_text(const struct ip_addr *a)
{
    struct ip_prefix p = {*a, (uint8_t)(ip_addr_len(a) * 8)};
    struct text t;

    ip_prefix_format(t.s, &p);
    return t;
}

/* --- reading the snapshot --- */

static wgt_time
age(const struct case_file *c, const struct trouble *t)
{
    return c->s->now - t->last;
}

static uint64_t
age_s(const struct case_file *c, const struct trouble *t)
{
    return age(c, t) / WGT_SEC;
}

static bool
is_recent(const struct case_file *c, const struct trouble *t)
{
    return t->n > 0 && age(c, t) < RECENT;
}

/* It has happened since the last handshake completed. */
static bool
is_since_handshake(const struct case_file *c, const struct trouble *t)
{
    return t->n > 0 && (!c->p->handshaken || age(c, t) < c->p->handshake_age);
}

static const struct trouble *
trouble(const struct case_file *c, enum peer_trouble which)
{
    return &c->p->trouble[which];
}

static const struct trouble *
handshake_trouble(const struct case_file *c, enum handshake_trouble which)
{
    return &c->p->handshake_trouble[which];
}

static enum transport_kind
transport(const struct case_file *c)
{
    if (c->p->path != TRANSPORT_NONE)
        return c->p->path;
    return c->p->device->transport == CONFIG_TCP ? TRANSPORT_TCP : TRANSPORT_UDP;
}

static bool
has_endpoint(const struct case_file *c)
{
    return c->p->endpoint.addr.family != IP_NONE;
}

/* It was heard under its right key since: somebody has mended that. */
static bool
was_heard_since(const struct case_file *c, const struct trouble *t)
{
    const struct trouble *const heard[] = {
        trouble(c, PEER_TROUBLE_UNCONFIRMED),
        handshake_trouble(c, HANDSHAKE_TROUBLE_RESPONSE_TAG),
        handshake_trouble(c, HANDSHAKE_TROUBLE_INITIATION_REPLAY),
    };

    for (size_t i = 0; i < sizeof(heard) / sizeof(heard[0]); i++)
        if (heard[i]->n > 0 && heard[i]->last > t->last)
            return true;
    return c->p->handshaken && age(c, t) > c->p->handshake_age;
}

/* The stranger comes from where the peer is, or might: who has no endpoint may come from anywhere.
 */
static bool
may_be_peer(const struct case_file *c, const struct stranger *s, enum wgt_drop why)
{
    return s->why == why && is_recent(c, &s->seen) && !was_heard_since(c, &s->seen) &&
           (!has_endpoint(c) || ip_addr_equal(&s->from.addr, &c->p->endpoint.addr));
}

static const struct snapshot_peer *
peer_of_tunnel(const struct snapshot *s, const struct tunnel_peer *t)
{
    for (size_t i = 0; t != NULL && i < s->n_peers; i++)
        if (s->peers[i].device->tunnel == t)
            return &s->peers[i];
    return NULL;
}

static bool
see_prefix(void *ctx, const struct ip_prefix *p, void *value)
{
    (void)p;
    (void)value;
    *(bool *)ctx = true;
    return false;
}

static bool
has_allowed_ips(const struct case_file *c)
{
    bool any = false;

    allowedips_walk_value(c->allowed_ips, c->p->device->tunnel, see_prefix, &any);
    return any;
}

/* --- why there is no handshake --- */

static bool
no_endpoint(struct case_file *c)
{
    const struct trouble *t = trouble(c, PEER_TROUBLE_NO_ENDPOINT);

    if (has_endpoint(c))
        return false;
    if (device_host(c->p->device) != NULL) {
        find(c, "error", "name_unresolved", "The name of its endpoint, %s, has no address.",
             device_host(c->p->device));
        advice(c, "look it up with `getent ahosts %s`; DNS must work without the tunnel",
               device_host(c->p->device));
    } else {
        find(c, is_recent(c, t) ? "error" : "warning", "no_endpoint",
             "Nobody knows where it is: it has no Endpoint, and has not come to us.");
        advice(c, "set Endpoint here, or there with this host's address and port %u",
               c->s->listen_port);
    }
    if (t->n > 0)
        evidence(c, "%" PRIu32 " packets for it were dropped, the last %" PRIu64 " s ago", t->n,
                 age_s(c, t));
    return true;
}

static bool
wrong_preshared_key(struct case_file *c)
{
    const struct trouble *t = handshake_trouble(c, HANDSHAKE_TROUBLE_RESPONSE_TAG);

    if (!is_since_handshake(c, t))
        return false;
    find(c, "error", "wrong_preshared_key",
         "It answers, and its answers do not decrypt: the preshared keys differ.");
    evidence(c, "%" PRIu32 " responses did not decrypt, the last %" PRIu64 " s ago", t->n,
             age_s(c, t));
    evidence(c, "both public keys are right, or it had not answered");
    evidence(c, "here it has %s PresharedKey",
             noise_is_zero(device_psk(c->p->device), CONFIG_KEY_LEN) ? "no" : "a");
    advice(c, "give both sides the same PresharedKey, or none");
    return true;
}

static bool
unconfirmed(struct case_file *c)
{
    const struct trouble *t = trouble(c, PEER_TROUBLE_UNCONFIRMED);

    if (c->p->session || !is_since_handshake(c, t) ||
        (t->n < UNCONFIRMED_MANY && age(c, t) < PATIENCE))
        return false;
    find(c, "error", "responses_unconfirmed",
         "Its initiations are good and we answer them, but it makes nothing of our answers.");
    evidence(c, "%" PRIu32 " responses sent, the last %" PRIu64 " s ago, none of them confirmed",
             t->n, age_s(c, t));
    advice(c, "most likely the preshared keys differ: give both sides the same, or none");
    advice(c, "or what we send does not reach it: a firewall before it, an address that changed");
    return true;
}

static bool
clock_here(struct case_file *c)
{
    const struct trouble *t = handshake_trouble(c, HANDSHAKE_TROUBLE_CLOCK_BACK);

    if (!is_since_handshake(c, t))
        return false;
    find(c, "error", "clock_here",
         "This host's clock was set back: the peer takes our initiations for replayed ones.");
    evidence(c, "%" PRIu32 " initiations sent with a time before an earlier one's", t->n);
    advice(c, "set the clock (timedatectl); or restart wgtcpd at the peer, which then forgets");
    return true;
}

static bool
clock_there(struct case_file *c)
{
    const struct trouble *t = handshake_trouble(c, HANDSHAKE_TROUBLE_INITIATION_REPLAY);

    if (!is_since_handshake(c, t))
        return false;
    find(c, "error", "clock_there",
         "Its initiations carry a time that is not after the last one's: its clock was set back, "
         "or two devices have its key.");
    evidence(c, "%" PRIu32 " initiations were taken for replayed ones, the last %" PRIu64 " s ago",
             t->n, age_s(c, t));
    advice(c, "set the clock there; or restart wgtcpd here, which then forgets the later time");
    return true;
}

/* Handshake messages that were made for another public key than ours. */
static bool
wrong_key_of_ours(struct case_file *c)
{
    bool found = false;

    for (unsigned i = 0; i < STRANGERS_MAX; i++) {
        const struct stranger *s = &c->s->data_strangers.of[i];

        if (!may_be_peer(c, s, WGT_DROP_MAC1))
            continue;
        find(c, "error", "wrong_public_key_there",
             "From %s come handshake messages for another public key than ours.",
             endpoint_text(&s->from).s);
        evidence(c, "%" PRIu32 " with a wrong mac1, the last %" PRIu64 " s ago", s->seen.n,
                 age_s(c, &s->seen));
        advice(c, "if that is this peer: there, set PublicKey = %s", key_text(c->s->public_key).s);
        found = true;
    }
    return found;
}

static bool
wrong_key_of_its(struct case_file *c)
{
    bool found = false;

    for (unsigned i = 0; i < STRANGERS_MAX; i++) {
        const struct stranger *s = &c->s->handshake_strangers.of[i];

        if (!may_be_peer(c, s, WGT_DROP_HANDSHAKE_UNKNOWN_PEER))
            continue;
        find(c, "error", "wrong_public_key_here",
             "From %s comes somebody whose public key no peer here has.",
             endpoint_text(&s->from).s);
        evidence(c, "%" PRIu32 " initiations of %s, the last %" PRIu64 " s ago", s->seen.n,
                 key_text(s->key).s, age_s(c, &s->seen));
        advice(c, "if that is this peer: here, set PublicKey = %s", key_text(s->key).s);
        found = true;
    }
    return found;
}

/* How the last dial ended; none: PEER_TROUBLE_COUNT. */
static enum peer_trouble
last_dial(const struct case_file *c)
{
    enum peer_trouble last = PEER_TROUBLE_COUNT;

    for (enum peer_trouble i = PEER_TROUBLE_DIAL_REFUSED; i <= PEER_TROUBLE_DIAL_UNSENT; i++)
        if (is_since_handshake(c, trouble(c, i)) &&
            (last == PEER_TROUBLE_COUNT || trouble(c, i)->last > trouble(c, last)->last))
            last = i;
    return last;
}

static void
dial_refused(struct case_file *c, const char *where)
{
    find(c, "error", "tcp_refused", "Nothing listens on the TCP port %s: it was refused.", where);
    advice(c, "check the port, and that wgtcpd runs there with tcp in Listen");
    advice(c, "WireGuard of other makes has no TCP: set Transport = udp for those");
}

static void
dial_unanswered(struct case_file *c, const char *where)
{
    find(c, "error", "tcp_unanswered", "SYNs to %s are not answered.", where);
    advice(c, "check the address, and that firewalls let TCP to that port through");
    advice(c, "with TcpKnock = on there, it must be on here, the public key of the peer right, and "
              "the clocks within a minute of each other");
}

static void
dial_reset(struct case_file *c, const char *where)
{
    find(c, "error", "tcp_reset", "The TCP connection to %s stood, and was reset.", where);
    advice(c, "a wgtcpd resets who has not shown a known key within 10 s: run `wgtcpctl diagnose` "
              "there, it tells which key is wrong");
    advice(c, "else something other than wgtcpd has that port, or a firewall ends connections");
}

static bool
dial_fails(struct case_file *c)
{
    enum peer_trouble which = last_dial(c);
    struct text where = endpoint_text(&c->p->endpoint);
    const struct tcp_info *i = &c->p->connection.info;
    /* It begins with 1 s (RFC 6298 2.1): the SYN was repeated. */
    bool waits = c->p->connected && i->state == TCP_SYN_SENT && i->rto > WGT_SEC;

    if (which == PEER_TROUBLE_COUNT && !waits)
        return false;
    switch (which) {
    case PEER_TROUBLE_DIAL_REFUSED:
        dial_refused(c, where.s);
        break;
    case PEER_TROUBLE_DIAL_UNREACHABLE:
        find(c, "error", "tcp_unreachable", "A router says that %s cannot be reached.", where.s);
        advice(c, "check the address, and the route to it");
        break;
    case PEER_TROUBLE_DIAL_RESET:
        dial_reset(c, where.s);
        break;
    case PEER_TROUBLE_DIAL_UNSENT:
        find(c, "error", "tcp_unsent", "No connection to %s can be begun.", where.s);
        advice(c, "no [Port] has an Address of the endpoint's family, or the table of connections "
                  "is full (`wgtcpctl show` has their number)");
        break;
    default:
        dial_unanswered(c, where.s);
        break;
    }
    if (which != PEER_TROUBLE_COUNT)
        evidence(c, "%" PRIu32 " times since the start, the last %" PRIu64 " s ago",
                 trouble(c, which)->n, age_s(c, trouble(c, which)));
    evidence(c, "%" PRIu64 " connections begun, %" PRIu64 " failed", c->p->dials,
             c->p->dial_failures);
    return true;
}

/* It says so of datagrams that were not answered since. */
static bool
icmp_says_no(struct case_file *c)
{
    const struct trouble *refused = trouble(c, PEER_TROUBLE_UDP_REFUSED);
    const struct trouble *unreachable = trouble(c, PEER_TROUBLE_UDP_UNREACHABLE);
    struct text where = endpoint_text(&c->p->endpoint);

    if (is_since_handshake(c, refused)) {
        find(c, "error", "udp_refused", "Nothing listens on the UDP port %s, says its host.",
             where.s);
        evidence(
            c, "%" PRIu32 " times ICMP port unreachable, or prohibited, the last %" PRIu64 " s ago",
            refused->n, age_s(c, refused));
        advice(c, "check the port, and that WireGuard runs there; a firewall may say so, too");
        return true;
    }
    if (is_since_handshake(c, unreachable)) {
        find(c, "error", "udp_unreachable", "A router says that %s cannot be reached.", where.s);
        evidence(c, "%" PRIu32 " times ICMP unreachable, the last %" PRIu64 " s ago",
                 unreachable->n, age_s(c, unreachable));
        advice(c, "check the address, and the route to it");
        return true;
    }
    return false;
}

/* What the outer side says when nothing at all comes back. */
static void
add_outer_evidence(struct case_file *c)
{
    const struct wgt_drop_counters *d = &c->s->data_drops;

    if (c->s->worker.outer_rx == 0)
        evidence(c, "nothing at all has arrived on the outer port: is it connected?");
    if (d->n[WGT_DROP_NEIGHBOUR_UNRESOLVED] > 0)
        evidence(c,
                 "%" PRIu64
                 " packets were dropped since a next hop did not answer ARP or ND: check "
                 "Address and Gateway of [Port]",
                 d->n[WGT_DROP_NEIGHBOUR_UNRESOLVED]);
    if (d->n[WGT_DROP_NO_ROUTE] > 0)
        evidence(c, "%" PRIu64 " packets had no route outside: check Gateway of [Port]",
                 d->n[WGT_DROP_NO_ROUTE]);
    if (d->n[WGT_DROP_UDP_PORT] > 0 && transport(c) == TRANSPORT_UDP)
        evidence(c, "%" PRIu64 " datagrams came to another UDP port than ours, %u",
                 d->n[WGT_DROP_UDP_PORT], c->s->listen_port);
}

static bool
no_answer(struct case_file *c)
{
    const struct trouble *t = trouble(c, PEER_TROUBLE_UNANSWERED);

    if (!is_since_handshake(c, t) || (t->n == 1 && age(c, t) < PATIENCE))
        return false;
    find(c, "error", "no_answer", "Nothing comes back from %s (%s).",
         endpoint_text(&c->p->endpoint).s, transport_kind_name(transport(c)));
    evidence(c, "%" PRIu32 " initiations sent, the last %" PRIu64 " s ago, 0 answers", t->n,
             age_s(c, t));
    if (trouble(c, PEER_TROUBLE_GAVE_UP)->n > 0)
        evidence(c, "given up after 90 s, %" PRIu32 " times", trouble(c, PEER_TROUBLE_GAVE_UP)->n);
    add_outer_evidence(c);
    if (transport(c) == TRANSPORT_TCP)
        advice(c, "the TCP connection is no part of it: keys are wrong");
    else
        advice(c, "check Endpoint, and that firewalls let UDP to that port through; where nothing "
                  "but TCP gets through, set Transport = tcp");
    advice(c,
           "WireGuard does not answer strangers: the peer must have PublicKey = %s, and %s must "
           "be its public key. `wgtcpctl diagnose` there tells",
           key_text(c->s->public_key).s, key_text(c->p->public_key).s);
    return true;
}

static void
never_tried(struct case_file *c)
{
    if (!has_allowed_ips(c)) {
        find(c, "error", "no_allowed_ips", "It has no AllowedIPs: no packet is meant for it.");
        advice(c, "set AllowedIPs to what lies behind it");
        return;
    }
    find(c, "warning", "never_tried",
         "No handshake was needed yet: there was no packet for it, nor did it come.");
    advice(c, "ping an address in its AllowedIPs, then ask again");
}

static void
explain_no_handshake(struct case_file *c)
{
    bool found = wrong_key_of_ours(c);

    found = wrong_key_of_its(c) || found;
    found = no_endpoint(c) || found;
    if (found)
        return;
    if (wrong_preshared_key(c) || unconfirmed(c) || clock_here(c) || clock_there(c))
        return;
    if (transport(c) == TRANSPORT_TCP && dial_fails(c))
        return;
    if (transport(c) == TRANSPORT_UDP && icmp_says_no(c))
        return;
    if (no_answer(c))
        return;
    if (!c->p->handshaken && c->p->initiations_sent == 0 && c->p->dials == 0)
        never_tried(c);
}

/* Or a session that nobody could renew is on its way out. */
static bool
handshake_fails(const struct case_file *c)
{
    return !c->p->session || trouble(c, PEER_TROUBLE_UNANSWERED)->n > 1 ||
           trouble(c, PEER_TROUBLE_UNCONFIRMED)->n > 1;
}

/* --- packets --- */

static void
source_denied(struct case_file *c)
{
    const struct trouble *t = trouble(c, PEER_TROUBLE_SOURCE_DENIED);
    const struct ip_addr *source = &c->p->denied_source;
    const struct snapshot_peer *owner;

    if (!is_recent(c, t))
        return;
    owner = peer_of_tunnel(c->s, allowedips_lookup(c->allowed_ips, source));
    find(c, "error", "source_denied",
         "It sends from %s inside, which its AllowedIPs here do not hold.", addr_text(source).s);
    evidence(c, "%" PRIu32 " packets were dropped, the last %" PRIu64 " s ago", t->n, age_s(c, t));
    if (owner == c->p)
        evidence(c, "meanwhile its AllowedIPs hold that address");
    else if (owner != NULL)
        evidence(c, "that address belongs to the peer %s", key_text(owner->public_key).s);
    else
        evidence(c, "no peer here has that address");
    advice(c, "here, add %s to its AllowedIPs; or there, send from an address that it has",
           prefix_text(source).s);
}

static void
unrouted(struct case_file *c)
{
    const struct trouble *t = &c->s->unrouted;

    if (!is_recent(c, t))
        return;
    find(c, "warning", "no_peer_for_destination", "Packets to %s are for no peer.",
         addr_text(&c->s->unrouted_to).s);
    evidence(c,
             "%" PRIu32 " were dropped since no AllowedIPs hold the destination, the last %" PRIu64
             " s ago",
             t->n, age_s(c, t));
    advice(c, "add %s to the AllowedIPs of the peer that has it, or take the route to it away",
           prefix_text(&c->s->unrouted_to).s);
}

static void
path_mtu(struct case_file *c)
{
    const struct trouble *t = trouble(c, PEER_TROUBLE_TOO_BIG);
    bool narrow = c->p->inner_mtu != 0 && c->p->inner_mtu < c->s->mtu;

    if (!is_recent(c, t) && !narrow)
        return;
    find(c, "warning", "mtu",
         "The way to it takes inner packets of %" PRIu32 " bytes; the interface's MTU is %" PRIu32
         ".",
         c->p->inner_mtu, c->s->mtu);
    if (t->n > 0)
        evidence(c,
                 "%" PRIu32 " packets were too big, the last %" PRIu64 " s ago; their senders "
                 "were told by ICMP",
                 t->n, age_s(c, t));
    if (narrow)
        advice(c,
               "set MTU = %" PRIu32 ", for senders that ICMP does not reach: large transfers "
               "hang there while ping works",
               c->p->inner_mtu);
}

static void
two_devices(struct case_file *c)
{
    const struct trouble *t = trouble(c, PEER_TROUBLE_ENDPOINT_FLAP);

    if (t->n < FLAPS_MANY || !is_recent(c, t))
        return;
    find(c, "error", "two_devices",
         "It moves to and fro between addresses: two devices have the same key.");
    evidence(c, "%" PRIu32 " times it was back where it had been, the last %" PRIu64 " s ago", t->n,
             age_s(c, t));
    evidence(c, "between %s and %s", endpoint_text(&c->p->endpoint).s,
             endpoint_text(&c->p->heard_before).s);
    advice(c, "give each device a key and a [Peer] section of its own");
}

static void
one_way(struct case_file *c)
{
    const struct peer_stats *st = &c->p->stats;

    if (!c->p->session || st->tx_packets < PACKETS_MANY || st->rx_packets > 0 ||
        is_recent(c, trouble(c, PEER_TROUBLE_SOURCE_DENIED)))
        return;
    find(c, "error", "nothing_inside_comes_back",
         "The handshake is good and packets leave, but none has come back inside the tunnel.");
    evidence(c, "%" PRIu64 " packets sent, 0 received", st->tx_packets);
    advice(c, "there, this side's inner address must be in AllowedIPs: `wgtcpctl diagnose` there "
              "tells (source_denied)");
    advice(c, "there, look at routes back, forwarding (net.ipv4.ip_forward), firewall and "
              "rp_filter");
}

static void
bad_path(struct case_file *c)
{
    const struct tcp_info *i = &c->p->connection.info;
    uint64_t lost = i->bytes_lost, acked = i->bytes_acked;

    if (c->p->connected && acked > 1000000 && lost > acked / (100 / LOSS_PERCENT)) {
        find(c, "warning", "loss", "The path loses %" PRIu64 " %% of what is sent.",
             lost * 100 / (acked + lost));
        evidence(c, "%" PRIu64 " segments sent again, %" PRIu64 " timeouts, rtt %" PRIu64 " ms",
                 i->segments_retransmitted, i->timeouts, i->srtt / WGT_MSEC);
    }
    if (c->p->session && c->p->queue_delay > QUEUE_LONG) {
        find(c, "warning", "queue", "Packets wait %" PRIu64 " ms before they are sent.",
             c->p->queue_delay / WGT_MSEC);
        evidence(c, "%" PRIu32 " packets wait", c->p->waiting);
        if (c->p->connected)
            evidence(c,
                     "cwnd %" PRIu32 " bytes, peer's window %" PRIu32 " bytes, in flight %" PRIu32,
                     i->cwnd, i->snd_wnd, i->flight);
    }
}

static void
nothing_wrong(struct case_file *c)
{
    const struct peer_stats *st = &c->p->stats;

    if (!c->p->handshaken)
        find(c, "ok", "handshake_under_way", "A handshake is under way; ask again in a moment.");
    else if (!c->p->session)
        find(c, "ok", "idle", "It is idle: the next packet makes a new session.");
    else
        find(c, "ok", "working", "It works, over %s at %s.", transport_kind_name(transport(c)),
             endpoint_text(&c->p->endpoint).s);
    if (c->p->handshaken)
        evidence(c, "latest handshake %" PRIu64 " s ago", c->p->handshake_age / WGT_SEC);
    evidence(c, "packets sent %" PRIu64 ", received %" PRIu64, st->tx_packets, st->rx_packets);
}

/* --- all of it --- */

static json_t *
diagnose_peer(const struct snapshot *s, const struct allowedips *allowed_ips,
              const struct snapshot_peer *p)
{
    struct case_file c = {.s = s, .p = p, .allowed_ips = allowed_ips, .findings = json_array()};
    json_t *o = json_object();

    if (handshake_fails(&c))
        explain_no_handshake(&c);
    source_denied(&c);
    path_mtu(&c);
    two_devices(&c);
    one_way(&c);
    bad_path(&c);
    if (json_array_size(c.findings) == 0)
        nothing_wrong(&c);
    json_object_set_new(o, "public_key", json_string(key_text(p->public_key).s));
    json_object_set_new(o, "findings", c.findings);
    return o;
}

static json_t *
diagnose_interface(const struct snapshot *s)
{
    struct case_file c = {.s = s, .findings = json_array()};

    if (!s->has_private_key) {
        find(&c, "error", "no_private_key", "The interface has no private key.");
        advice(&c, "set one: wg set %s private-key FILE", s->ifname);
    }
    if (s->n_peers == 0) {
        find(&c, "warning", "no_peers", "The interface has no peers.");
        advice(&c, "add a [Peer] and reload, or: wg set %s peer KEY allowed-ips ...", s->ifname);
    }
    unrouted(&c);
    return c.findings;
}

/* --- who is meant --- */

static bool
is_meant(const struct snapshot_peer *p, const char *who)
{
    struct text key = key_text(p->public_key);
    size_t len = strlen(who);

    return len >= DIAGNOSE_KEY_MIN && len < sizeof(key.s) && memcmp(key.s, who, len) == 0;
}

static const struct snapshot_peer *
peer_of_key(const struct snapshot *s, const char *who, char error[DIAGNOSE_ERROR_MAX])
{
    const struct snapshot_peer *found = NULL;

    for (size_t i = 0; i < s->n_peers; i++) {
        if (!is_meant(&s->peers[i], who))
            continue;
        if (found != NULL) {
            snprintf(error, DIAGNOSE_ERROR_MAX,
                     "%.44s is the beginning of several peers' keys: give more of it", who);
            return NULL;
        }
        found = &s->peers[i];
    }
    if (found == NULL && strncmp(key_text(s->public_key).s, who, 44) == 0)
        snprintf(error, DIAGNOSE_ERROR_MAX,
                 "that is the interface's own public key: give a peer's, or an inner address");
    else if (found == NULL)
        snprintf(error, DIAGNOSE_ERROR_MAX,
                 "%s has no peer '%.44s': give a public key, its first %d characters or more, or "
                 "an inner address",
                 s->ifname, who, DIAGNOSE_KEY_MIN);
    return found;
}

static const struct snapshot_peer *
peer_of_word(const struct snapshot *s, const struct allowedips *allowed_ips, const char *who,
             char error[DIAGNOSE_ERROR_MAX])
{
    const struct snapshot_peer *p;
    struct ip_addr a;

    if (!ip_addr_parse(&a, who))
        return peer_of_key(s, who, error);
    p = peer_of_tunnel(s, allowedips_lookup(allowed_ips, &a));
    if (p == NULL)
        snprintf(error, DIAGNOSE_ERROR_MAX,
                 "no peer of %s has %.45s in its AllowedIPs: packets to it are dropped; add it to "
                 "the peer's that has it",
                 s->ifname, who);
    return p;
}

json_t *
diagnose(const struct snapshot *s, const struct allowedips *allowed_ips, const char *who,
         char error_text[DIAGNOSE_ERROR_MAX])
{
    const struct snapshot_peer *one = NULL;
    json_t *o, *peers;

    if (who != NULL && (one = peer_of_word(s, allowed_ips, who, error_text)) == NULL)
        return NULL;
    o = json_object();
    peers = json_array();
    json_object_set_new(o, "interface", json_string(s->ifname));
    for (size_t i = 0; i < s->n_peers; i++)
        if (one == NULL || one == &s->peers[i])
            json_array_append_new(peers, diagnose_peer(s, allowed_ips, &s->peers[i]));
    json_object_set_new(o, "peers", peers);
    json_object_set_new(o, "findings", diagnose_interface(s));
    return o;
}
