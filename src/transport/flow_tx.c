/* SPDX-License-Identifier: BSD-3-Clause */
/* From segments of the TCP engine to IP packets. */
#include <wgtcpd/wire/eth.h>

#include "flow.h"

/* The segment is one whole message and nobody else holds its mbuf: headers go into its headroom and
 * the connection keeps a second reference until the bytes are acknowledged. */
static struct rte_mbuf *
segment_in_place(const struct tcp_out *out, size_t headers)
{
    struct rte_mbuf *m;

    if (out->chunk == NULL || out->offset != 0 || out->len != out->chunk->len)
        return NULL;
    m = packet_of_chunk(out->chunk);
    if (rte_mbuf_refcnt_read(m) != 1 ||
        (size_t)(out->chunk->data - (uint8_t *)m->buf_addr) < headers + ETH_HEADER_LEN)
        return NULL;
    rte_mbuf_refcnt_update(m, 1);
    packet_set(m, out->chunk->data, out->len);
    return m;
}

/* Several messages, a part of one, or a retransmission that the port still holds. */
static struct rte_mbuf *
segment_copied(struct tcp_transport *t, const struct tcp_out *out)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(t->outer->pool);
    uint32_t offset = out->offset, left = out->len;

    if (m == NULL)
        return NULL;
    for (const struct tcp_chunk *c = out->chunk; left > 0; c = c->next, offset = 0) {
        uint32_t n = c->len - offset < left ? c->len - offset : left;
        char *to = rte_pktmbuf_append(m, (uint16_t)n);

        if (to == NULL) {
            rte_pktmbuf_free(m);
            return NULL;
        }
        memcpy(to, c->data + offset, n);
        left -= n;
    }
    if (out->len > 0)
        t->stats.copies++;
    return m;
}

static void
send_segment(struct tcp_transport *t, const struct ip_addr *src, const struct ip_addr *dst,
             const struct tcp_segment *seg, struct rte_mbuf *m)
{
    size_t len = tcp_header_len(seg);
    uint8_t *p = (uint8_t *)rte_pktmbuf_prepend(m, (uint16_t)len);

    if (p == NULL) {
        outer_drop(t->outer, WGT_DROP_NO_BUFFER, m);
        return;
    }
    tcp_write(p, src, dst, seg, !t->outer->offload_tcp);
    t->stats.segments_out++;
    outer_send(t->outer, m, src, dst, IP_PROTO_TCP, 0, len);
}

void
flow_output(struct tcp_transport *t, wgt_time now, struct tcp_flow *f)
{
    struct tcp_out out;

    while (tcp_output(&f->conn, now, &out)) {
        size_t headers = ip_header_len(&f->path.remote.addr) + tcp_header_len(&out.seg);
        struct rte_mbuf *m = segment_in_place(&out, headers);

        if (m == NULL)
            m = segment_copied(t, &out);
        if (m == NULL) {
            /* As good as lost on the wire: the connection will send it again. */
            wgt_drop_count(t->outer->drops, WGT_DROP_NO_BUFFER);
            continue;
        }
        if (out.retransmission)
            t->stats.retransmissions++;
        send_segment(t, &f->path.local.addr, &f->path.remote.addr, &out.seg, m);
    }
    flow_reclaim(f);
}

void
flow_send_reset(struct tcp_transport *t, const struct ip_header *ip, const struct tcp_segment *in)
{
    struct tcp_segment out;
    struct rte_mbuf *m;

    if (!tcp_reset_for(in, &out))
        return;
    m = rte_pktmbuf_alloc(t->outer->pool);
    if (m == NULL) {
        wgt_drop_count(t->outer->drops, WGT_DROP_NO_BUFFER);
        return;
    }
    send_segment(t, &ip->dst, &ip->src, &out, m);
}
