/* SPDX-License-Identifier: BSD-3-Clause */
/* Inner packets: staged, sealed, sent. */
#include <wgtcpd/transport/udp.h>

#include "internal.h"

/* Linux's HANDSHAKE_DSCP: AF41, no ECN. */
enum { HANDSHAKE_TRAFFIC_CLASS = 0x88 };

void
peer_mark_flush(struct tunnel *t, struct tunnel_peer *p)
{
    if (p->flush_pending)
        return;
    p->flush_pending = true;
    TAILQ_INSERT_TAIL(&t->flush, p, flush_link);
}

static struct rte_mbuf *
unstage(struct tunnel *t, struct tunnel_peer *p)
{
    t->n_staged--;
    return packet_queue_pop(&p->staged);
}

void
peer_drop_staged(struct tunnel *t, struct tunnel_peer *p, enum wgt_drop why)
{
    uint32_t n = packet_queue_purge(&p->staged);

    t->n_staged -= n;
    t->drops.n[why] += n;
}

static void
path_send(struct tunnel *t, wgt_time now, const struct path *to, struct rte_mbuf *m,
          uint8_t traffic_class)
{
    struct tcp_flow *f = tcp_flow_of(to);

    if (to->kind == TRANSPORT_UDP) {
        t->tx_messages++;
        udp_transport_tx(&t->outer, to, m, traffic_class);
    } else if (f != NULL) {
        t->tx_messages++;
        tcp_flow_send(&t->tcp, now, f, m);
    } else {
        tunnel_drop(t, WGT_DROP_CONNECTION_LOST, m);
    }
}

void
path_send_handshake(struct tunnel *t, wgt_time now, const struct path *to, const uint8_t *message,
                    size_t len)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(t->outer.pool);

    if (m == NULL) {
        wgt_drop_count(&t->drops, WGT_DROP_NO_BUFFER);
        return;
    }
    memcpy(rte_pktmbuf_append(m, (uint16_t)len), message, len);
    path_send(t, now, to, m, HANDSHAKE_TRAFFIC_CLASS);
}

/* Makes the inner packet in m a data message under the current keypair. */
static bool
seal(struct tunnel *t, struct tunnel_peer *p, struct rte_mbuf *m)
{
    size_t len = rte_pktmbuf_pkt_len(m);
    size_t padded = message_padded_len(len, t->config.mtu);
    uint8_t *header = (uint8_t *)rte_pktmbuf_prepend(m, MESSAGE_DATA_HEADER_LEN);
    char *tail = rte_pktmbuf_append(m, (uint16_t)(padded - len + MESSAGE_TAG_LEN));

    if (header == NULL || tail == NULL) {
        tunnel_drop(t, WGT_DROP_INNER_TOO_BIG, m);
        return false;
    }
    memset(tail, 0, padded - len);
    if (!noise_seal(p->session.current, header, padded)) {
        tunnel_drop(t, WGT_DROP_DATA_EXPIRED, m);
        return false;
    }
    return true;
}

static void
send_data(struct tunnel *t, wgt_time now, struct tunnel_peer *p, const struct path *to,
          struct rte_mbuf *m)
{
    bool keepalive = rte_pktmbuf_pkt_len(m) == 0;

    if (!seal(t, p, m))
        return;
    p->stats.tx_bytes += rte_pktmbuf_pkt_len(m);
    p->stats.tx_packets++;
    peer_timers_any_authenticated_sent(&p->timers);
    peer_timers_any_authenticated_traversal(&p->timers, now);
    if (!keepalive)
        peer_timers_data_sent(&p->timers, now, tunnel_jitter(t));
    path_send(t, now, to, m, 0);
    session_keep_fresh_after_send(t, now, p);
}

/* What may be sealed now for this path, in message bytes. Nothing gets a counter before its
 * connection can take it: what waits, waits unsealed. */
static size_t
path_room(const struct path *to, wgt_time now)
{
    const struct tcp_flow *f = tcp_flow_of(to);

    if (to->kind == TRANSPORT_UDP)
        return SIZE_MAX;
    return f != NULL ? tcp_flow_room(f, now) : 0;
}

void
peer_flush(struct tunnel *t, wgt_time now, struct tunnel_peer *p)
{
    const struct path *to;

    if (p->staged.count == 0)
        return;
    if (!session_usable(p, now)) {
        session_request(t, now, p, false);
        return;
    }
    to = peer_path(t, now, p);
    while (to != NULL && p->staged.count > 0 && session_usable(p, now) &&
           path_room(to, now) >= rte_pktmbuf_pkt_len(p->staged.head) + MESSAGE_DATA_OVERHEAD +
                                     MESSAGE_PADDING + FRAME_PREFIX_LEN)
        send_data(t, now, p, to, unstage(t, p));
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
    if (to == NULL)
        return;
    m = rte_pktmbuf_alloc(t->outer.pool);
    if (m == NULL) {
        wgt_drop_count(&t->drops, WGT_DROP_NO_BUFFER);
        return;
    }
    send_data(t, now, p, to, m);
}

static struct tunnel_peer *
peer_of_inner(const struct tunnel *t, const uint8_t *packet, size_t len, enum wgt_drop *why)
{
    struct inner_packet inner;

    *why = inner_parse(packet, len, &inner);
    if (*why != WGT_OK)
        return NULL;
    *why = WGT_DROP_NO_PEER;
    return allowedips_lookup(t->allowed_ips, &inner.dst);
}

void
tunnel_rx_inner(struct tunnel *t, wgt_time now, struct rte_mbuf *m)
{
    enum wgt_drop why;
    struct tunnel_peer *p =
        peer_of_inner(t, rte_pktmbuf_mtod(m, const uint8_t *), rte_pktmbuf_pkt_len(m), &why);

    (void)now; /* what it makes leaves with the next tunnel_run */
    if (p == NULL || !p->added || t->stopping) {
        tunnel_drop(t, why, m);
        return;
    }
    if (!peer_has_endpoint(p)) {
        tunnel_drop(t, WGT_DROP_NO_ENDPOINT, m);
        return;
    }
    if (p->staged.count >= TUNNEL_STAGED_MAX) {
        tunnel_drop(t, WGT_DROP_STAGED_FULL, unstage(t, p)); /* keep the newest */
    } else if (t->n_staged >= t->staged_max) {
        tunnel_drop(t, WGT_DROP_STAGED_FULL, m); /* peers that are gone may not starve the others */
        return;
    }
    t->n_staged++;
    packet_queue_push(&p->staged, m);
    peer_mark_flush(t, p);
}
