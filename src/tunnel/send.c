/* SPDX-License-Identifier: BSD-3-Clause */
/* Inner packets: staged, sealed, sent. */
#include <wgtcpd/transport/udp.h>
#include <wgtcpd/wire/ecn.h>
#include <wgtcpd/wire/inner.h>
#include <wgtcpd/wire/udp.h>

#include "internal.h"

/* Linux's HANDSHAKE_DSCP: AF41, no ECN. A stranger's cookie is not worth it. */
enum { HANDSHAKE_TRAFFIC_CLASS = 0x88, COOKIE_TRAFFIC_CLASS = 0 };

void
peer_mark_flush(struct tunnel *t, struct tunnel_peer *p)
{
    if (p->flush_pending)
        return;
    p->flush_pending = true;
    TAILQ_INSERT_TAIL(&t->flush, p, flush_link);
}

void
peer_drop_staged(struct tunnel *t, struct tunnel_peer *p, enum wgt_drop why)
{
    fq_purge(&t->fq, &p->staged, why);
}

/* The MTU was chosen larger than datagrams carry whole; but a router's word counts more. */
static bool
leaves_in_fragments(const struct tunnel *t, wgt_time now, const struct tunnel_peer *p)
{
    return t->config.fragment && path_mtu_of(t, now, p) == t->outer.mtu;
}

size_t
peer_inner_mtu(const struct tunnel *t, wgt_time now, const struct tunnel_peer *p)
{
    const struct path *to = &p->path.path;
    const struct tcp_flow *f = tcp_flow_of(to);
    size_t message = 0, mtu = t->config.mtu;

    if (f != NULL)
        message = tcp_flow_message_max(f);
    else if (to->kind == TRANSPORT_UDP && t->outer.mtu > IP_HEADER_MAX + UDP_HEADER_LEN &&
             !leaves_in_fragments(t, now, p))
        message = path_mtu_of(t, now, p) - ip_header_len(&to->remote.addr) - UDP_HEADER_LEN;
    if (message <= MESSAGE_DATA_OVERHEAD)
        return mtu; /* not known yet */
    message -= MESSAGE_DATA_OVERHEAD;
    return mtu == 0 || message < mtu ? message : mtu;
}

size_t
tunnel_peer_mtu(const struct tunnel *t, wgt_time now, const struct tunnel_peer *p)
{
    return peer_inner_mtu(t, now, p);
}

void
path_send(struct tunnel *t, wgt_time now, const struct path *to, struct rte_mbuf *m,
          uint8_t traffic_class, bool twice)
{
    struct tcp_flow *f = tcp_flow_of(to);

    if (to->kind == TRANSPORT_UDP) {
        t->tx_messages++;
        udp_transport_tx(&t->outer, to, m, traffic_class);
    } else if (f != NULL) {
        t->tx_messages++;
        tcp_flow_send(&t->tcp, now, f, m, twice);
    } else {
        tunnel_drop(t, WGT_DROP_CONNECTION_LOST, m);
    }
}

/* For what the connection did not ask for: a peer that does not read gets no more of it. */
static bool
is_backlogged(struct tunnel *t, const struct path *to)
{
    const struct tcp_flow *f = tcp_flow_of(to);

    if (f == NULL || !tcp_flow_backlogged(f))
        return false;
    wgt_drop_count(&t->drops, WGT_DROP_QUEUE_FULL);
    return true;
}

static void
path_send_copy(struct tunnel *t, wgt_time now, const struct path *to, const uint8_t *message,
               size_t len, uint8_t traffic_class)
{
    struct rte_mbuf *m;

    if (is_backlogged(t, to))
        return;
    m = rte_pktmbuf_alloc(t->outer.pool);
    if (m == NULL) {
        wgt_drop_count(&t->drops, WGT_DROP_NO_BUFFER);
        return;
    }
    memcpy(rte_pktmbuf_append(m, (uint16_t)len), message, len);
    path_send(t, now, to, m, traffic_class, true);
}

void
path_send_handshake(struct tunnel *t, wgt_time now, const struct path *to, const uint8_t *message,
                    size_t len)
{
    path_send_copy(t, now, to, message, len, HANDSHAKE_TRAFFIC_CLASS);
}

void
path_send_cookie(struct tunnel *t, wgt_time now, const struct path *to, const uint8_t *message,
                 size_t len)
{
    path_send_copy(t, now, to, message, len, COOKIE_TRAFFIC_CLASS);
}

/* Makes the inner packet in m a data message under the current keypair, which is still to be
 * sealed. */
static inline bool
seal_begin(struct tunnel *t, struct tunnel_peer *p, struct rte_mbuf *m, size_t mtu,
           struct noise_sealing *s)
{
    size_t len = rte_pktmbuf_pkt_len(m);
    size_t padded = message_padded_len(len, mtu);
    uint8_t *header = (uint8_t *)rte_pktmbuf_prepend(m, MESSAGE_DATA_HEADER_LEN);
    char *tail = rte_pktmbuf_append(m, (uint16_t)(padded - len + MESSAGE_TAG_LEN));

    if (header == NULL || tail == NULL) {
        tunnel_drop(t, WGT_DROP_INNER_TOO_BIG, m);
        return false;
    }
    memset(tail, 0, MESSAGE_TAG_LEN); /* of a size known beforehand; there is less padding */
    if (!noise_seal_begin(p->session.current, header, padded, s)) {
        tunnel_drop(t, WGT_DROP_DATA_EXPIRED, m);
        return false;
    }
    return true;
}

static bool
seal(struct tunnel *t, struct tunnel_peer *p, struct rte_mbuf *m, size_t mtu)
{
    struct noise_sealing s;

    if (!seal_begin(t, p, m, mtu, &s))
        return false;
    noise_seal_many(&s, 1);
    if (!s.sealed)
        tunnel_drop(t, WGT_DROP_DATA_EXPIRED, m);
    return s.sealed;
}

/* m is the message that leaves. */
static inline void
note_sent(struct tunnel *t, wgt_time now, struct tunnel_peer *p, const struct rte_mbuf *m,
          bool keepalive)
{
    p->stats.tx_bytes += rte_pktmbuf_pkt_len(m);
    p->stats.tx_packets++;
    if (peer_timers_data_sent_noted(&p->timers, now))
        return;
    peer_timers_any_authenticated_sent(&p->timers);
    peer_timers_any_authenticated_traversal(&p->timers, now);
    if (!keepalive)
        peer_timers_data_sent(&p->timers, now, tunnel_jitter(t));
}

/* The first half of sending: others seal it meanwhile. */
static void
begin_to_send(struct tunnel *t, wgt_time now, struct tunnel_peer *p, const struct path *to,
              struct rte_mbuf *m, size_t mtu, uint8_t ecn, bool twice)
{
    struct crypto_message message = {.m = m, .path = *to, .ecn = ecn, .twice = twice};
    bool keepalive = rte_pktmbuf_pkt_len(m) == 0;
    struct noise_sealing s;

    if (!seal_begin(t, p, m, mtu, &s))
        return;
    note_sent(t, now, p, m, keepalive);
    fan_out_seal(t, now, &s, &message);
}

/* mtu: peer_inner_mtu. */
static void
send_data(struct tunnel *t, wgt_time now, struct tunnel_peer *p, const struct path *to,
          struct rte_mbuf *m, size_t mtu, bool twice)
{
    bool keepalive = rte_pktmbuf_pkt_len(m) == 0;
    uint8_t ecn = 0;

    /* DSCP stays inside. Over TCP, ECN belongs to the connection. */
    if (!keepalive && to->kind == TRANSPORT_UDP)
        ecn = ecn_encapsulate(ecn_of(rte_pktmbuf_mtod(m, const uint8_t *)));
    if (unlikely(t->crypto != NULL)) {
        begin_to_send(t, now, p, to, m, mtu, ecn, twice);
    } else {
        if (!seal(t, p, m, mtu))
            return;
        note_sent(t, now, p, m, keepalive);
        path_send(t, now, to, m, ecn, twice);
    }
    session_keep_fresh_after_send(t, now, p);
}

static struct rte_mbuf *
unstage(struct tunnel *t, struct tunnel_peer *p)
{
    return packet_of_waiting(fq_pop(&t->fq, &p->staged));
}

/* A datagram goes at once. */
static void
flush_udp(struct tunnel *t, wgt_time now, struct tunnel_peer *p, const struct path *to)
{
    size_t mtu = peer_inner_mtu(t, now, p);

    fq_resume(&p->staged, now);
    while (session_usable(p, now) && fq_peek(&t->fq, &p->staged, now, &fq_no_limits) != NULL)
        send_data(t, now, p, to, unstage(t, p), mtu, false);
}

/* Nothing gets a counter before its connection can take it: what waits, waits unsealed. */
enum path_turn
peer_take_turn(struct tunnel *t, wgt_time now, struct tunnel_peer *p)
{
    const struct path *to = &p->path.path;
    struct tcp_flow *f = tcp_flow_of(to);
    const struct fq_packet *next;
    struct fq_limits limits;
    size_t mtu, sent = 0;
    bool sparse;

    if (f == NULL || !f->established)
        return PATH_NO_ROOM;
    if (!session_usable(p, now)) {
        peer_flush(t, now, p);
        return PATH_DONE;
    }
    fq_resume(&p->staged, now);
    limits = fq_limits_at(tcp_flow_rate(f), tcp_flow_rtt(f), tcp_flow_late_rtt(f),
                          tcp_flow_loses(f, now));
    mtu = peer_inner_mtu(t, now, p);
    while ((next = fq_peek(&t->fq, &p->staged, now, &limits)) != NULL) {
        if ((sent >= FQ_QUANTUM && tcp_flow_is_shared(f)) || !session_usable(p, now))
            return PATH_MORE;
        /* Who has sent and finds no more room lets the next one be first. */
        if (!tcp_flow_fits(&t->tcp, f, now,
                           message_padded_len(next->len, mtu) + MESSAGE_DATA_OVERHEAD))
            return sent > 0 ? PATH_MORE : PATH_NO_ROOM;
        sent += next->len;
        sparse = next->sparse;
        send_data(t, now, p, to, unstage(t, p), mtu, sparse);
    }
    return PATH_DONE;
}

void
peer_flush(struct tunnel *t, wgt_time now, struct tunnel_peer *p)
{
    const struct path *to;
    struct tcp_flow *f;

    if (p->staged.count == 0)
        return;
    if (!session_usable(p, now)) {
        fq_hold(&p->staged);
        session_request(t, now, p, false);
        return;
    }
    to = peer_path(t, now, p);
    f = to != NULL ? tcp_flow_of(to) : NULL;
    if (to != NULL && to->kind == TRANSPORT_UDP)
        flush_udp(t, now, p, to);
    else if (f == NULL || !f->established)
        fq_hold(&p->staged);
    if (f != NULL)
        tcp_flow_want(&t->tcp, f, &p->path);
}

void
peer_send_keepalive(struct tunnel *t, wgt_time now, struct tunnel_peer *p)
{
    const struct path *to;
    struct rte_mbuf *m;

    if (p->staged.count > 0) {
        peer_flush(t, now, p);
        return;
    }
    if (!session_usable(p, now)) {
        session_request(t, now, p, false);
        return;
    }
    to = peer_path(t, now, p);
    if (to == NULL || is_backlogged(t, to))
        return;
    m = rte_pktmbuf_alloc(t->outer.pool);
    if (m == NULL) {
        wgt_drop_count(&t->drops, WGT_DROP_NO_BUFFER);
        return;
    }
    send_data(t, now, p, to, m, 0, false);
}

/* Now, or as soon as there is a path: what is staged before and after must not change places. */
static bool
sends_datagrams(const struct tunnel_peer *p)
{
    enum transport_kind kind = p->path.path.kind;

    return (kind != TRANSPORT_NONE ? kind : p->configured_kind) == TRANSPORT_UDP;
}

void
peer_stage(struct tunnel *t, wgt_time now, struct tunnel_peer *p, struct rte_mbuf *m)
{
    struct fq_packet *waiting = &packet_meta(m)->waiting;
    uint32_t hash = 0; /* datagrams do not wait: their order is that of arrival */

    waiting->data = rte_pktmbuf_mtod(m, uint8_t *);
    waiting->len = rte_pktmbuf_pkt_len(m);
    if (!session_usable(p, now))
        fq_hold(&p->staged); /* CoDel has no say while nothing can move */
    if (!sends_datagrams(p))
        hash = tunnel_flow_hash(t, waiting->data, waiting->len);
    fq_push(&t->fq, &p->staged, now, waiting, hash);
    peer_mark_flush(t, p);
}

/* A packet for which nothing is missing, and before which nothing waits. */
static bool
goes_at_once(const struct tunnel *t, wgt_time now, const struct tunnel_peer *p, size_t len,
             size_t mtu)
{
    const struct path *to = &p->path.path;
    struct tcp_flow *f;

    if (p->staged.count > 0 || !session_usable(p, now))
        return false;
    if (to->kind == TRANSPORT_UDP)
        return true;
    f = tcp_flow_of(to);
    return f != NULL &&
           tcp_flow_is_open(&t->tcp, f, now, message_padded_len(len, mtu) + MESSAGE_DATA_OVERHEAD);
}

/* Our own datagrams and segments, sent into the tunnel by a route that should not be there: sealed
 * again they would be larger, and come back, cut in two, without end. ICMP from our addresses is an
 * answer to someone. */
static bool
is_own_message(const struct tunnel *t, const uint8_t *packet, const struct inner_packet *inner)
{
    struct inner_upper upper;
    unsigned i = 0;

    while (i < t->outer.n_locals && !ip_addr_equal(&t->outer.locals[i].addr, &inner->src))
        i++;
    if (i == t->outer.n_locals)
        return false;
    inner_find_upper(packet, inner->len, &upper);
    return upper.protocol == IP_PROTO_UDP || upper.protocol == IP_PROTO_TCP;
}

/* --- datagrams are sealed a burst at a time ------------------------------------------------------
 */

static void
send_sealed(struct tunnel *t, wgt_time now)
{
    struct tunnel_sealing *b = &t->sealing;
    const struct tunnel_peer *to = NULL;
    struct udp_template headers;

    if (unlikely(t->crypto != NULL)) {
        fan_out_seal_burst(t, now);
        return;
    }
    noise_seal_many(b->s, b->n);
    for (unsigned i = 0; i < b->n; i++) {
        if (unlikely(!b->s[i].sealed)) {
            tunnel_drop(t, WGT_DROP_DATA_EXPIRED, b->m[i]);
            continue;
        }
        if (b->peer[i] != to) {
            to = b->peer[i];
            udp_transport_headers(&to->path.path, &headers);
        }
        t->tx_messages++;
        udp_transport_tx_under(&t->outer, &headers, b->m[i], b->ecn[i]);
    }
    b->n = 0;
}

/* goes_at_once holds. */
static void
send_datagram(struct tunnel *t, wgt_time now, struct tunnel_peer *p, struct rte_mbuf *m, size_t mtu)
{
    struct tunnel_sealing *b = &t->sealing;
    uint8_t ecn = ecn_encapsulate(ecn_of(rte_pktmbuf_mtod(m, const uint8_t *)));

    if (!seal_begin(t, p, m, mtu, &b->s[b->n]))
        return;
    b->m[b->n] = m;
    b->peer[b->n] = p;
    b->ecn[b->n++] = ecn;
    note_sent(t, now, p, m, false);
    if (b->n == TUNNEL_BURST)
        send_sealed(t, now);
}

/* --- inner packets arrive ------------------------------------------------------------------------
 */

/* Packets in a row of a burst that go to one peer. */
struct send_run {
    struct tunnel_peer *peer; /* NULL: there is none */
    size_t mtu;
    bool datagrams; /* the last one went at once as a datagram: so does the next */
};

static void
end_run(struct tunnel *t, wgt_time now, struct send_run *r)
{
    if (r->datagrams)
        session_keep_fresh_after_send(t, now, r->peer);
    r->peer = NULL;
    r->datagrams = false;
}

/* false: whose packet it is, it is not ours to send. */
static bool
is_ours_to_send(struct tunnel *t, wgt_time now, struct tunnel_peer *p,
                const struct inner_packet *inner, struct rte_mbuf *m)
{
    if (p == NULL) {
        trouble_note(&t->unrouted, now);
        t->unrouted_to = inner->dst;
        inner_unreachable(t, now, m, inner->len, WGT_DROP_NO_PEER);
        return false;
    }
    if (unlikely(!shard_has(t, p))) {
        shard_rx_inner(t, p, m);
        return false;
    }
    if (t->stopping) {
        tunnel_drop(t, WGT_DROP_NO_PEER, m);
        return false;
    }
    return true;
}

static bool
has_way(struct tunnel *t, wgt_time now, struct tunnel_peer *p, const struct inner_packet *inner,
        struct rte_mbuf *m)
{
    if (peer_has_endpoint(p))
        return true;
    peer_trouble(t, p, PEER_TROUBLE_NO_ENDPOINT, now);
    inner_unreachable(t, now, m, inner->len, WGT_DROP_NO_ENDPOINT);
    return false;
}

/* A packet that its peer takes. */
static void
send_in_run(struct tunnel *t, wgt_time now, struct send_run *r, size_t len, struct rte_mbuf *m)
{
    struct tunnel_peer *p = r->peer;

    if (!r->datagrams && !goes_at_once(t, now, p, len, r->mtu)) {
        peer_stage(t, now, p, m);
        return;
    }
    if (!r->datagrams)
        peer_mark_flush(t, p); /* for its timers */
    r->datagrams = p->path.path.kind == TRANSPORT_UDP;
    if (r->datagrams)
        send_datagram(t, now, p, m, r->mtu);
    else
        send_data(t, now, p, &p->path.path, m, r->mtu, false);
}

static void
send_inner(struct tunnel *t, wgt_time now, struct send_run *r, struct tunnel_peer *p,
           const struct inner_packet *inner, struct rte_mbuf *m)
{
    uint8_t *packet = rte_pktmbuf_mtod(m, uint8_t *);
    bool same = p != NULL && p == r->peer;

    if (!same)
        end_run(t, now, r);
    if (!same && !is_ours_to_send(t, now, p, inner, m))
        return;
    if (is_own_message(t, packet, inner)) {
        tunnel_drop(t, WGT_DROP_INNER_LOOP, m);
        return;
    }
    if (!same) {
        if (!has_way(t, now, p, inner, m))
            return;
        r->peer = p;
        r->mtu = peer_inner_mtu(t, now, p);
    }
    if (unlikely(inner_exceeds(packet, inner->len, r->mtu))) {
        peer_trouble(t, p, PEER_TROUBLE_TOO_BIG, now);
        peer_too_big(t, now, p, m, inner->len, r->mtu);
        return;
    }
    if (inner_may_be_syn(packet, inner->len))
        inner_mss_clamp(packet, inner->len, r->mtu);
    send_in_run(t, now, r, inner->len, m);
}

/* Whose each is; of neighbours to one address the second is the first one's. */
static void
find_peers(const struct tunnel *t, const struct tunnel_arrived *a, struct tunnel_peer **peers)
{
    for (unsigned i = 0; i < a->n; i++) {
        if (i > 0 && ip_addr_equal(&a->inner[i].dst, &a->inner[i - 1].dst)) {
            peers[i] = peers[i - 1];
            continue;
        }
        peers[i] = allowedips_lookup(t->allowed_ips, &a->inner[i].dst);
        if (peers[i] != NULL)
            peer_prefetch(peers[i]);
    }
}

static bool
is_first_of_run(const struct tunnel *t, struct tunnel_peer *const *peers, unsigned i)
{
    return peers[i] != NULL && (i == 0 || peers[i] != peers[i - 1]) && shard_has(t, peers[i]);
}

static void
prefetch_keys(const struct tunnel *t, struct tunnel_peer *const *peers, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (!is_first_of_run(t, peers, i))
            continue;
        if (peers[i]->session.current != NULL)
            noise_seal_prefetch(peers[i]->session.current);
        tcp_flow_prefetch(&peers[i]->path.path);
    }
}

/* What their connections have outstanding. */
static void
prefetch_sent(const struct tunnel *t, struct tunnel_peer *const *peers, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (is_first_of_run(t, peers, i))
            tcp_flow_prefetch_sent(&peers[i]->path.path);
}

/* A burst goes a stage at a time: what one packet waits for is fetched while the others have their
 * turn. */
void
tunnel_rx_inner_end(struct tunnel *t, wgt_time now)
{
    struct tunnel_arrived *a = &t->arrived;
    struct tunnel_peer *peers[TUNNEL_BURST];
    struct send_run run = {.peer = NULL};

    find_peers(t, a, peers);
    prefetch_keys(t, peers, a->n);
    prefetch_sent(t, peers, a->n);
    for (unsigned i = 0; i < a->n; i++)
        send_inner(t, now, &run, peers[i], &a->inner[i], a->m[i]);
    end_run(t, now, &run);
    a->n = 0;
    send_sealed(t, now);
}

void
tunnel_rx_inner_parsed(struct tunnel *t, wgt_time now, const struct inner_packet *inner,
                       struct rte_mbuf *m)
{
    struct tunnel_arrived *a = &t->arrived;

    if (t->down) {
        tunnel_drop(t, WGT_DROP_LINK_DOWN, m);
        return;
    }
    a->inner[a->n] = *inner;
    a->m[a->n++] = m;
    if (a->n == TUNNEL_BURST)
        tunnel_rx_inner_end(t, now);
}

void
tunnel_rx_inner(struct tunnel *t, wgt_time now, struct rte_mbuf *m)
{
    const uint8_t *packet = rte_pktmbuf_mtod(m, const uint8_t *);
    struct inner_packet inner;
    enum wgt_drop why = inner_parse(packet, rte_pktmbuf_pkt_len(m), &inner);

    if (unlikely(why != WGT_OK)) {
        tunnel_drop(t, why, m);
        return;
    }
    packet_set(m, packet, inner.len);
    tunnel_rx_inner_parsed(t, now, &inner, m);
}
