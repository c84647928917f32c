/* SPDX-License-Identifier: BSD-3-Clause */
/* From segments of the TCP engine to IP packets. */
#include <wgtcpd/base/share.h>
#include <wgtcpd/wire/eth.h>

#include "flow.h"

enum { BACKLOG_MAX = 16384 };

/* Room is promised in units of bytes. A thousand messages of 64 KiB can be counted. */
enum { PROMISE_UNIT = 8 };

/* Packets for sending that any flow may hold: they keep acknowledgments coming, which let a flow go
 * on that had to stop. */
enum { SENT_FLOOR = 2 };

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

/* len: of the TCP header. */
static void
send_segment(struct tcp_transport *t, const struct ip_addr *src, const struct ip_addr *dst,
             const struct tcp_segment *seg, size_t len, struct rte_mbuf *m, bool ect)
{
    uint8_t *p = (uint8_t *)rte_pktmbuf_prepend(m, (uint16_t)len);

    if (p == NULL) {
        outer_drop(t->outer, WGT_DROP_NO_BUFFER, m);
        return;
    }
    tcp_write(p, src, dst, seg, !t->outer->offload_tcp);
    t->stats.segments_out++;
    outer_send_segment(t->outer, m, src, dst, ect ? IP_ECN_ECT0 : IP_ECN_NOT_ECT, len);
}

void
flow_output(struct tcp_transport *t, wgt_time now, struct tcp_flow *f)
{
    struct tcp_out out;

    f->room = 0;
    while (tcp_output(&f->conn, now, &out)) {
        size_t len = tcp_header_len(&out.seg);
        struct rte_mbuf *m = segment_in_place(&out, ip_header_len(&f->path.remote.addr) + len);

        if (m == NULL)
            m = segment_copied(t, &out);
        if (m == NULL) {
            /* As good as lost on the wire: the connection will send it again. */
            wgt_drop_count(t->outer->drops, WGT_DROP_NO_BUFFER);
            continue;
        }
        if (out.retransmission)
            t->stats.retransmissions++;
        if (out.copy)
            t->stats.sent_twice++;
        send_segment(t, &f->path.local.addr, &f->path.remote.addr, &out.seg, len, m, out.ect);
    }
    flow_reclaim(t, f);
}

/* --- the pull model: messages are made when there is room for them -------------------------------
 */

/* What was sent keeps its packet until it is acknowledged. If flows could take all packets, none
 * would be left to receive acknowledgments in. */
static bool
has_packets(const struct tcp_transport *t, const struct tcp_flow *f)
{
    return f->n_sent < SENT_FLOOR || share_left(f->n_sent, t->n_sent, t->sent_max);
}

static struct path_user *
first_waiting(const struct tcp_flow *f)
{
    return f->unused ? NULL : TAILQ_FIRST(&f->waiting);
}

static uint32_t
unpromised_room(const struct tcp_flow *f, wgt_time now)
{
    uint32_t room = tcp_flow_room(f, now), promised = f->promised * PROMISE_UNIT;

    return room > promised ? room - promised : 0;
}

/* Room for the whole message. What was once found is only looked at again when it is used up. */
static bool
has_whole_room(struct tcp_flow *f, wgt_time now, size_t message_len)
{
    if (f->room < message_len + FRAME_PREFIX_LEN)
        f->room = unpromised_room(f, now);
    return f->room >= message_len + FRAME_PREFIX_LEN;
}

/* Of what the peer and the path allow. */
static bool
has_room(struct tcp_flow *f, wgt_time now, size_t message_len)
{
    if (has_whole_room(f, now, message_len))
        return true;
    if (f->room > 0 && f->room >= tcp_mss(&f->conn))
        return true; /* a part of it, and the rest behind */
    /* Nothing is under way that could open the window: the engine probes it (RFC 9293 3.8.6) only
     * with something to send. */
    return tcp_flight(&f->conn) == 0 && tcp_unsent(&f->conn) == 0 && f->promised == 0 &&
           tcp_send_room_at(&f->conn, now) == WGT_NEVER;
}

bool
tcp_flow_fits(const struct tcp_transport *t, struct tcp_flow *f, wgt_time now, size_t message_len)
{
    return f->established && tcp_flow_usable(f) && has_packets(t, f) &&
           has_room(f, now, message_len);
}

bool
tcp_flow_is_open(const struct tcp_transport *t, struct tcp_flow *f, wgt_time now,
                 size_t message_len)
{
    return f->established && tcp_flow_usable(f) && first_waiting(f) == NULL && has_packets(t, f) &&
           has_whole_room(f, now, message_len) && !tcp_flow_loses(f, now);
}

bool
tcp_flow_is_shared(const struct tcp_flow *f)
{
    const struct path_user *first = first_waiting(f);

    return first != NULL && TAILQ_NEXT(first, wait_link) != NULL;
}

bool
tcp_flow_backlogged(const struct tcp_flow *f)
{
    return tcp_unsent(&f->conn) > BACKLOG_MAX;
}

static uint32_t
promise_units(size_t message_len)
{
    return (uint32_t)(message_len + FRAME_PREFIX_LEN + PROMISE_UNIT - 1) / PROMISE_UNIT;
}

void
tcp_flow_promise(struct tcp_transport *t, struct tcp_flow *f, size_t message_len)
{
    uint32_t bytes = (uint32_t)message_len + FRAME_PREFIX_LEN;

    f->promised += promise_units(message_len);
    f->room -= f->room < bytes ? f->room : bytes;
    f->n_sent++;
    t->n_sent++;
}

void
tcp_flow_redeem(struct tcp_transport *t, struct tcp_flow *f, size_t message_len)
{
    f->promised -= promise_units(message_len);
    f->room = 0; /* to be looked at anew */
    f->n_sent--;
    t->n_sent--;
    flow_mark_dirty(t, f);
}

uint64_t
tcp_flow_rate(const struct tcp_flow *f)
{
    return tcp_window_rate(&f->conn);
}

wgt_time
tcp_flow_rtt(const struct tcp_flow *f)
{
    return tcp_srtt(&f->conn);
}

wgt_time
tcp_flow_late_rtt(const struct tcp_flow *f)
{
    return tcp_late_rtt(&f->conn);
}

bool
tcp_flow_loses(const struct tcp_flow *f, wgt_time now)
{
    return tcp_path_loses(&f->conn, now);
}

size_t
tcp_flow_message_max(const struct tcp_flow *f)
{
    uint32_t mss = f->established ? tcp_mss(&f->conn) : 0;

    return mss > FRAME_PREFIX_LEN ? mss - FRAME_PREFIX_LEN : 0;
}

void
tcp_flow_want(struct tcp_transport *t, struct tcp_flow *f, struct path_user *u)
{
    if (!u->waiting) {
        u->waiting = true;
        TAILQ_INSERT_TAIL(&f->waiting, u, wait_link);
    }
    flow_mark_dirty(t, f);
}

void
flow_unwait(struct tcp_flow *f, struct path_user *u)
{
    if (!u->waiting)
        return;
    u->waiting = false;
    TAILQ_REMOVE(&f->waiting, u, wait_link);
}

/* Round robin: who is not done goes to the end; who finds no room stays first. */
void
flow_pull(struct tcp_transport *t, wgt_time now, struct tcp_flow *f)
{
    struct path_user *u;

    while ((u = first_waiting(f)) != NULL) {
        enum path_turn turn = t->events.writable(t->events.ctx, now, u);

        if (turn == PATH_NO_ROOM)
            return;
        if (u != first_waiting(f))
            continue; /* it left the flow */
        TAILQ_REMOVE(&f->waiting, u, wait_link);
        u->waiting = turn == PATH_MORE;
        if (u->waiting)
            TAILQ_INSERT_TAIL(&f->waiting, u, wait_link);
    }
}

wgt_time
flow_pull_deadline(struct tcp_transport *t, struct tcp_flow *f, wgt_time now)
{
    bool limited = !has_packets(t, f);
    wgt_time at;

    /* What is promised comes, and lets it pull again. */
    if (!f->established || !tcp_flow_usable(f) || f->promised > 0)
        return WGT_NEVER;
    if (limited || first_waiting(f) == NULL) {
        if (!has_room(f, now, tcp_flow_message_max(f)))
            return WGT_NEVER;
        tcp_app_limited(&f->conn);
        t->stats.packet_limited += limited && first_waiting(f) != NULL;
        return WGT_NEVER; /* what is sent will be acknowledged */
    }
    at = tcp_send_room_at(&f->conn, now);
    return at > now ? at : now + WGT_MSEC;
}

void
flow_send_bare(struct tcp_transport *t, const struct ip_addr *src, const struct ip_addr *dst,
               const struct tcp_segment *seg)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(t->outer->pool);

    if (m == NULL) {
        wgt_drop_count(t->outer->drops, WGT_DROP_NO_BUFFER);
        return;
    }
    send_segment(t, src, dst, seg, tcp_header_len(seg), m, false);
}

void
flow_send_reset(struct tcp_transport *t, const struct ip_header *ip, const struct tcp_segment *in)
{
    struct tcp_segment out;

    if (tcp_reset_for(in, &out))
        flow_send_bare(t, &ip->dst, &ip->src, &out);
}
