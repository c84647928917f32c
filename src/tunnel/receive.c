/* SPDX-License-Identifier: BSD-3-Clause */
/* WireGuard messages: checked, opened, delivered. */
#include <wgtcpd/wire/ecn.h>
#include <wgtcpd/wire/inner.h>
#include <wgtcpd/wire/udp.h>

#include "inner_order.h"
#include "internal.h"

enum { HANDSHAKE_QUEUE_MAX = TUNNEL_RING_SIZE / 4 * 3 };

static void
receive_handshake(struct tunnel *t, wgt_time now, const struct path *from, struct rte_mbuf *m,
                  enum message_type type)
{
    struct tunnel_event e = {.type = TUNNEL_EVENT_HANDSHAKE, .path = *from};
    const uint8_t *message = rte_pktmbuf_mtod(m, const uint8_t *);

    e.len = rte_pktmbuf_pkt_len(m);
    if (type != MESSAGE_COOKIE_REPLY && !noise_mac1_check(&t->mac1, message, e.len)) {
        strangers_note(&t->strangers, now, WGT_DROP_MAC1, &from->remote, NULL);
        tunnel_drop(t, WGT_DROP_MAC1, m);
        return;
    }
    /* Strangers may not fill the ring: our own requests and retired keys need it. */
    if (rte_ring_count(t->events) >= HANDSHAKE_QUEUE_MAX) {
        tunnel_drop(t, WGT_DROP_HANDSHAKE_QUEUE, m);
        return;
    }
    memcpy(e.message, message, e.len);
    tunnel_send_event(t, &e);
    rte_pktmbuf_free(m);
}

void
tunnel_tx_inner(struct tunnel *t, struct rte_mbuf *m)
{
    struct inner_packet inner;
    enum wgt_drop why =
        inner_parse(rte_pktmbuf_mtod(m, const uint8_t *), rte_pktmbuf_pkt_len(m), &inner);

    if (why == WGT_OK)
        t->inner_tx(t->outer.ctx, m, &inner);
    else
        tunnel_drop(t, why, m);
}

/* Makes m the inner packet: the plaintext lies behind the message header, len bytes. false: m is
 * dropped. */
static bool
accept_inner(struct tunnel *t, wgt_time now, struct tunnel_peer *p, const struct path *from,
             struct rte_mbuf *m, size_t len, struct inner_packet *inner)
{
    uint8_t *packet = rte_pktmbuf_mtod_offset(m, uint8_t *, MESSAGE_DATA_HEADER_LEN);
    enum wgt_drop why = inner_parse(packet, len, inner);

    if (why == WGT_OK && allowedips_lookup(t->allowed_ips, &inner->src) != p) {
        why = WGT_DROP_INNER_SOURCE;
        peer_source_denied(t, p, &inner->src, now);
    }
    if (why == WGT_OK && from->kind == TRANSPORT_UDP &&
        !ecn_decapsulate(packet, packet_meta(m)->ecn))
        why = WGT_DROP_INNER_CE;
    if (why != WGT_OK) {
        tunnel_drop(t, why, m);
        return false;
    }
    if (inner_may_be_syn(packet, inner->len))
        inner_mss_clamp(packet, inner->len, peer_inner_mtu(t, now, p));
    packet_set(m, packet, inner->len);
    p->stats.rx_packets++;
    return true;
}

/* Of a run of messages at one time, all but the first few. */
static bool
changes_nothing(const struct tunnel_peer *p, wgt_time now, const struct noise_keypair *k,
                const struct path *from)
{
    return p->heard == now && k == p->session.current &&
           peer_timers_data_received_noted(&p->timers, now) && path_equal(&p->path.path, from);
}

/* A message authenticated and was new: sessions, path and timers follow. Whether it changed nothing
 * but counters. */
static bool
data_authenticated(struct tunnel *t, wgt_time now, struct tunnel_peer *p, struct noise_keypair *k,
                   const struct path *from, size_t message_len)
{
    struct noise_retired retired = {.n = 0};

    p->stats.rx_bytes += message_len;
    if (likely(changes_nothing(p, now, k, from)))
        return true;
    peer_heard_on(t, now, p, from);
    if (noise_session_received(&p->session, k, &retired)) {
        session_completed(t, now, p);
        peer_mark_flush(t, p);
        session_retire(t, &retired);
    }
    session_keep_fresh_after_receive(t, now, p);
    peer_timers_any_authenticated_received(&p->timers);
    peer_timers_any_authenticated_traversal(&p->timers, now);
    if (message_len > MESSAGE_DATA_OVERHEAD)
        peer_timers_data_received(&p->timers, now);
    peer_arm(t, now, p);
    return false;
}

static struct noise_keypair *
find_keypair(const struct tunnel *t, uint32_t index)
{
    return index_table_find(&t->indices, index);
}

static bool
expired(const struct noise_keypair *k, wgt_time now)
{
    return now - k->birth >= PEER_REJECT_AFTER_TIME;
}

/* Decrypts in place; whose it is in *k. */
static enum wgt_drop
open_data(struct tunnel *t, wgt_time now, struct rte_mbuf *m, struct noise_keypair **k)
{
    uint8_t *message = rte_pktmbuf_mtod(m, uint8_t *);

    *k = find_keypair(t, message_receiver(message, MESSAGE_DATA));
    if (*k == NULL)
        return WGT_DROP_DATA_INDEX;
    return expired(*k, now) ? WGT_DROP_DATA_EXPIRED
                            : noise_open(*k, message, rte_pktmbuf_pkt_len(m));
}

/* What a message carries that has authenticated. */
static void
deliver_inner(struct tunnel *t, wgt_time now, struct tunnel_peer *p, const struct path *from,
              struct rte_mbuf *m)
{
    size_t len = rte_pktmbuf_pkt_len(m);
    struct inner_packet inner;

    if (len == MESSAGE_DATA_OVERHEAD)
        rte_pktmbuf_free(m); /* a keepalive */
    else if (accept_inner(t, now, p, from, m, len - MESSAGE_DATA_OVERHEAD, &inner))
        t->inner_tx(t->outer.ctx, m, &inner);
}

/* A message of p has been opened under k, which may have been wiped since then, its session being
 * replaced by one of the messages before. */
static void
deliver_data(struct tunnel *t, wgt_time now, struct tunnel_peer *p, struct noise_keypair *k,
             const struct path *from, struct rte_mbuf *m)
{
    data_authenticated(t, now, p, k, from, rte_pktmbuf_pkt_len(m));
    deliver_inner(t, now, p, from, m);
}

void
receive_opened(struct tunnel *t, wgt_time now, struct noise_keypair *k, const struct path *from,
               struct rte_mbuf *m)
{
    deliver_data(t, now, k->owner, k, from, m);
}

/* --- messages are opened a burst at a time -------------------------------------------------------
 */

/* Finds the keypairs; those of which none is known go elsewhere or are dropped. Returns the number
 * of the others. */
static unsigned
find_keypairs(struct tunnel *t, struct received_message *opened, struct noise_keypair **keypairs)
{
    struct tunnel_received *r = &t->received;
    unsigned n = 0;

    for (unsigned i = 0; i < r->n; i++) {
        const uint8_t *message = rte_pktmbuf_mtod(r->m[i], const uint8_t *);

        keypairs[n] = find_keypair(t, message_receiver(message, MESSAGE_DATA));
        if (likely(keypairs[n] != NULL)) {
            if (n == 0 || keypairs[n] != keypairs[n - 1])
                noise_open_prefetch(keypairs[n]);
            opened[n++] = (struct received_message){.from = r->from[i], .m = r->m[i]};
        } else if (!shard_hand_over(t, r->from[i], r->m[i], false)) {
            tunnel_drop(t, WGT_DROP_DATA_INDEX, r->m[i]);
        }
    }
    return n;
}

static void
begin_to_open(wgt_time now, struct received_message *opened, struct noise_keypair *const *keypairs,
              struct noise_opening *o, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct rte_mbuf *m = opened[i].m;

        opened[i].peer = keypairs[i]->owner;
        if (i == 0 || opened[i].peer != opened[i - 1].peer)
            peer_prefetch(opened[i].peer);
        noise_open_begin(keypairs[i], rte_pktmbuf_mtod(m, uint8_t *), rte_pktmbuf_pkt_len(m),
                         &o[i]);
        if (expired(keypairs[i], now))
            o[i].why = WGT_DROP_DATA_EXPIRED;
    }
}

/* Of messages in a row under one keypair and from one place, those behind one that changed nothing
 * change nothing either. */
static void
deliver_many(struct tunnel *t, wgt_time now, const struct received_message *opened,
             const struct noise_opening *o, unsigned n)
{
    const struct noise_keypair *noted = NULL;
    const struct path *noted_from = NULL;

    for (unsigned i = 0; i < n; i++) {
        const struct received_message *r = &opened[i];
        struct noise_keypair *k = o[i].keypair;

        if (unlikely(o[i].why != WGT_OK)) {
            tunnel_drop(t, o[i].why, r->m);
            continue;
        }
        if (k == noted && r->from == noted_from) {
            r->peer->stats.rx_bytes += rte_pktmbuf_pkt_len(r->m);
        } else if (data_authenticated(t, now, r->peer, k, r->from, rte_pktmbuf_pkt_len(r->m))) {
            noted = k;
            noted_from = r->from;
        }
        deliver_inner(t, now, r->peer, r->from, r->m);
    }
}

void
receive_open_burst(struct tunnel *t, wgt_time now)
{
    struct noise_keypair *keypairs[TUNNEL_BURST];
    struct received_message opened[TUNNEL_BURST];
    struct noise_opening o[TUNNEL_BURST];
    unsigned n;

    if (unlikely(t->crypto != NULL))
        fan_out_make_room(t, now);
    n = find_keypairs(t, opened, keypairs);
    t->received.n = t->received.n_paths = 0;
    t->received.run.ip_len = 0;
    begin_to_open(now, opened, keypairs, o, n);
    if (unlikely(t->crypto != NULL && fan_out_open(t, now, opened, o, n)))
        return;
    noise_open_many(o, n);
    deliver_many(t, now, opened, o, n);
}

void
tunnel_rx_outer_end(struct tunnel *t, wgt_time now)
{
    tcp_transport_rx_end(&t->tcp, now);
    receive_open_burst(t, now);
}

static void
receive_data(struct tunnel *t, wgt_time now, const struct path *from, struct rte_mbuf *m)
{
    struct tunnel_received *r = &t->received;

    if (from == &r->paths[r->n_paths]) /* receive_udp has made it there */
        r->n_paths++;
    r->from[r->n] = from;
    r->m[r->n++] = m;
    if (r->n == TUNNEL_BURST)
        receive_open_burst(t, now);
}

void
receive_settle(struct tunnel *t, wgt_time now)
{
    if (t->received.n > 0)
        receive_open_burst(t, now);
    if (unlikely(t->crypto != NULL))
        fan_out_finish_receiving(t, now);
}

/* A connection of another worker's is no path for us: its flow may end while we look at it. */
static bool
is_elsewhere(const struct tunnel *t, const struct path *from)
{
    return from->kind == TRANSPORT_TCP &&
           t->outer.worker_of(t->outer.ctx, &from->local, &from->remote) != t->config.worker;
}

void
tunnel_rx_handed(struct tunnel *t, wgt_time now, const struct path *from, struct rte_mbuf *m)
{
    struct path path = *from;
    struct noise_keypair *k;
    enum wgt_drop why;

    if (t->down) {
        tunnel_drop(t, WGT_DROP_LINK_DOWN, m);
        return;
    }
    if (is_elsewhere(t, from))
        path.kind = TRANSPORT_ELSEWHERE;
    why = open_data(t, now, m, &k);
    if (why == WGT_OK)
        deliver_data(t, now, k->owner, k, &path, m);
    else if (why != WGT_DROP_DATA_INDEX || !shard_hand_over(t, from, m, true))
        tunnel_drop(t, why, m);
}

/* --- beyond holes of a TCP connection -----------------------------------------------------------
 */

/* The sessions of a connection are those of the peers who send on it, and of the one that we
 * dialled. */
static bool
uses_flow(const struct tunnel_peer *p, const struct path *from)
{
    const struct tcp_flow *f = tcp_flow_of(from);

    return f != NULL && (f->dialer == p || tcp_flow_of(&p->path.path) == f);
}

bool
receive_wanted(struct tunnel *t, wgt_time now, const struct path *from, uint32_t index,
               uint64_t counter)
{
    const struct noise_keypair *k = find_keypair(t, index);

    return k != NULL && uses_flow(k->owner, from) && !expired(k, now) &&
           noise_replay_would_accept(&k->replay, counter);
}

/* Whether the packet has to wait for what lies before it in the stream. */
static bool
must_wait(const struct tunnel *t, const struct path *from, struct tcp_early_message *message)
{
    const uint8_t *packet = rte_pktmbuf_mtod(message->packet, const uint8_t *);
    size_t len = rte_pktmbuf_pkt_len(message->packet);
    const struct tcp_flow *f = tcp_flow_of(from);
    enum inner_order order = inner_order_of(packet, len);

    if (order == INNER_AT_ONCE || f == NULL)
        return false;
    message->inner_flow = tunnel_flow_hash(t, packet, len);
    return order == INNER_WAITS || tcp_flow_holds(f, message->inner_flow);
}

enum tcp_early_answer
receive_early(struct tunnel *t, wgt_time now, const struct path *from,
              struct tcp_early_message *message)
{
    struct rte_mbuf *m = message->packet;
    size_t len = rte_pktmbuf_pkt_len(m);
    struct noise_keypair *k;
    struct inner_packet inner;
    struct tunnel_peer *p;

    receive_settle(t, now);
    if (open_data(t, now, m, &k) != WGT_OK) {
        tunnel_drop(t, WGT_DROP_EARLY_TAG, m);
        return TCP_EARLY_FAILED;
    }
    t->rx_messages++;
    p = k->owner;
    data_authenticated(t, now, p, k, from, len);
    if (len == MESSAGE_DATA_OVERHEAD) {
        rte_pktmbuf_free(m); /* a keepalive */
    } else if (accept_inner(t, now, p, from, m, len - MESSAGE_DATA_OVERHEAD, &inner)) {
        if (must_wait(t, from, message))
            return TCP_EARLY_HOLD;
        t->inner_tx(t->outer.ctx, m, &inner);
    }
    return TCP_EARLY_DELIVERED;
}

void
receive_message(struct tunnel *t, wgt_time now, const struct path *from, struct rte_mbuf *m)
{
    enum message_type type;
    enum wgt_drop why =
        message_check(rte_pktmbuf_mtod(m, const uint8_t *), rte_pktmbuf_pkt_len(m), &type);

    if (t->down)
        why = WGT_DROP_LINK_DOWN;
    if (why != WGT_OK) {
        tunnel_drop(t, why, m);
        return;
    }
    t->rx_messages++;
    if (type == MESSAGE_DATA)
        receive_data(t, now, from, m);
    else
        receive_handshake(t, now, from, m, type);
}

static void
take_message(struct tunnel *t, wgt_time now, const struct path *from, struct rte_mbuf *m,
             const struct span *message, uint8_t ecn)
{
    packet_set(m, message->data, message->len);
    packet_meta(m)->ecn = ecn;
    receive_message(t, now, from, m);
}

static void
receive_udp(struct tunnel *t, wgt_time now, const struct ip_header *ip, struct rte_mbuf *m,
            bool verify_checksum)
{
    uint8_t *packet = rte_pktmbuf_mtod(m, uint8_t *);
    struct tunnel_received *r = &t->received;
    struct udp_header udp;
    enum wgt_drop why = udp_parse(ip, packet + ip->header_len, verify_checksum, &udp);

    if (why == WGT_OK && (!t->udp_open || udp.dst_port != t->config.listen_port))
        why = WGT_DROP_UDP_PORT;
    if (why != WGT_OK) {
        tunnel_drop(t, why, m);
        return;
    }
    r->paths[r->n_paths] = (struct path){
        .kind = TRANSPORT_UDP,
        .local = {ip->dst, udp.dst_port},
        .remote = {ip->src, udp.src_port},
    };
    udp_run_begin(&r->run, packet, ip->header_len);
    r->run_from = r->n_paths;
    take_message(t, now, &r->paths[r->run_from], m, &udp.payload, ip->traffic_class & IP_ECN_CE);
}

bool
tunnel_rx_outer_again(struct tunnel *t, wgt_time now, struct rte_mbuf *m)
{
    uint8_t *packet = rte_pktmbuf_mtod(m, uint8_t *);
    struct tunnel_received *r = &t->received;
    struct span message;

    if (!udp_run_goes_on(&r->run, packet, rte_pktmbuf_data_len(m), &message))
        return false;
    take_message(t, now, &r->paths[r->run_from], m, &message, (uint8_t)ecn_of(packet));
    return true;
}

void
tunnel_rx_outer(struct tunnel *t, wgt_time now, const struct ip_header *ip, struct rte_mbuf *m,
                bool verify_checksum)
{
    t->received.run.ip_len = 0;
    if (ip->protocol == IP_PROTO_UDP)
        receive_udp(t, now, ip, m, verify_checksum);
    else if (ip->protocol == IP_PROTO_TCP)
        tcp_transport_rx(&t->tcp, now, ip, m, verify_checksum);
    else
        tunnel_drop(t, WGT_DROP_IP_PROTOCOL, m);
}

void
tunnel_rx_icmp_error(struct tunnel *t, wgt_time now, const struct icmp_error *e)
{
    if (e->protocol == IP_PROTO_UDP)
        path_mtu_rx(t, now, e);
    else
        tcp_transport_icmp(&t->tcp, now, e);
}
