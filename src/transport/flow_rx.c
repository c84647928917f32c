/* SPDX-License-Identifier: BSD-3-Clause */
/* From received bytes to whole messages. */
#include "flow.h"

/* A message in a packet of its own: the one it lies in when nothing follows it there, else a copy.
 */
static struct rte_mbuf *
message_packet(struct tcp_transport *t, const struct span *message, struct rte_mbuf **carrier,
               bool last)
{
    struct rte_mbuf *m;

    if (last) {
        m = *carrier;
        *carrier = NULL;
        packet_set(m, message->data, message->len);
        return m;
    }
    m = rte_pktmbuf_alloc(t->outer->pool);
    if (m == NULL) {
        wgt_drop_count(t->outer->drops, WGT_DROP_NO_BUFFER);
        return NULL;
    }
    memcpy(rte_pktmbuf_append(m, (uint16_t)message->len), message->data, message->len);
    return m;
}

/* Where a message begins in a packet of its own: there is headroom before it. */
static uint8_t *
message_place(const struct rte_mbuf *m)
{
    return (uint8_t *)m->buf_addr + RTE_PKTMBUF_HEADROOM;
}

/* Whether the end of *carrier, its only use from now on, can grow into the whole message there. */
static bool
can_assemble_in(struct rte_mbuf *carrier, const struct span *in, size_t len)
{
    return rte_mbuf_refcnt_read(carrier) == 1 && in->data >= message_place(carrier) &&
           packet_room_behind(carrier, message_place(carrier)) >= len;
}

/* The decoder has met a message that is cut: the packet whose end it is takes the rest, too. If
 * there is no memory for it (else), the message is lost, as on any path; the connection goes on. */
static void
lend_buffer(struct tcp_transport *t, struct tcp_flow *f, const struct span *in,
            struct rte_mbuf **carrier, bool last)
{
    if (last && can_assemble_in(*carrier, in, f->decoder.need)) {
        f->assembly = *carrier;
        *carrier = NULL;
    } else {
        f->assembly = rte_pktmbuf_alloc(t->outer->pool);
    }
    if (f->assembly == NULL) {
        wgt_drop_count(t->outer->drops, WGT_DROP_NO_BUFFER);
        frame_decoder_discard(&f->decoder);
        return;
    }
    frame_decoder_lend(&f->decoder, message_place(f->assembly));
}

static void
deliver(struct tcp_transport *t, wgt_time now, struct tcp_flow *f, const struct span *message,
        struct rte_mbuf **carrier, bool last)
{
    struct rte_mbuf *m;

    if (f->assembly != NULL) {
        m = f->assembly;
        f->assembly = NULL;
        packet_set(m, message->data, message->len);
    } else {
        m = message_packet(t, message, carrier, last);
        if (m == NULL)
            return;
    }
    t->events.message(t->events.ctx, now, &f->path, m);
}

/* Feeds bytes to the decoder. last: nothing of their packet, *carrier, follows them. */
static enum frame_event
decode(struct tcp_transport *t, wgt_time now, struct tcp_flow *f, struct span *in,
       struct rte_mbuf **carrier, bool last)
{
    struct span message;

    /* A message may have been the carrier itself: then the input is used up. */
    while (in->len > 0) {
        enum frame_event e = frame_decode(&f->decoder, in, &message);

        if (e == FRAME_MESSAGE)
            deliver(t, now, f, &message, carrier, last && in->len == 0);
        else if (e == FRAME_EMPTY)
            wgt_drop_count(t->outer->drops, WGT_DROP_FRAME_EMPTY);
        else if (e == FRAME_NEED_BUFFER)
            lend_buffer(t, f, in, carrier, last);
        else
            return e;
    }
    return FRAME_NEED_MORE;
}

/* --- after damage -------------------------------------------------------------------------------
 */

/* Whose connection a peer has used: the damage may be somebody else's work, and one segment that
 * somebody injected must not end it. */
static bool
may_resynchronise(const struct tcp_transport *t, const struct tcp_flow *f)
{
    return f->heard && t->events.wanted != NULL;
}

struct searcher {
    struct tcp_transport *t;
    struct tcp_flow *f;
    wgt_time now;
};

static bool
wanted(void *ctx, const struct frame_candidate *c)
{
    const struct searcher *s = ctx;

    return s->t->events.wanted(s->t->events.ctx, s->now, &s->f->path, c->receiver, c->counter);
}

/* The decoder met a length that no message has. */
static bool
begin_search(struct tcp_transport *t, struct tcp_flow *f)
{
    struct frame_decoder decoder;

    wgt_drop_count(t->outer->drops, WGT_DROP_FRAME_LENGTH);
    if (!may_resynchronise(t, f))
        return false;
    decoder = f->decoder; /* the search takes its place */
    f->searching = true;
    frame_search_begin(&f->search, &decoder);
    return true;
}

static void
end_search(struct tcp_transport *t, struct tcp_flow *f)
{
    f->searching = false;
    frame_decoder_init(&f->decoder, t->config.max_message);
    t->stats.resyncs++;
}

/* false: no frame within the limit. */
static bool
search(struct tcp_transport *t, wgt_time now, struct tcp_flow *f, struct span *in)
{
    struct searcher s = {t, f, now};
    uint8_t copy[FRAME_CANDIDATE_LEN];
    struct span head;

    if (frame_search(&f->search, in, wanted, &s, &head)) {
        if (head.len > 0) /* it lies in the search, whose place the decoder takes */
            head.data = memcpy(copy, head.data, head.len);
        end_search(t, f);
        /* Too short for a message: it only gets the decoder into it. */
        return head.len == 0 || decode(t, now, f, &head, NULL, false) == FRAME_NEED_MORE;
    }
    return f->search.searched <= FRAME_SEARCH_LIMIT;
}

/* Bytes in order. false: the stream is beyond use. */
static bool
read_bytes(struct tcp_transport *t, wgt_time now, struct tcp_flow *f, struct span in,
           struct rte_mbuf **carrier, bool last)
{
    while (in.len > 0) {
        enum frame_event e;

        if (f->searching) {
            if (!search(t, now, f, &in))
                return false;
            continue;
        }
        e = decode(t, now, f, &in, carrier, last);
        if (e == FRAME_INVALID ? !begin_search(t, f) : e != FRAME_NEED_MORE)
            return false;
    }
    return true;
}

/* Messages that were delivered early lie here, up to `end`: a frame begins behind them, whatever
 * the decoder believed. */
static void
skip_taken(struct tcp_transport *t, wgt_time now, struct tcp_flow *f, uint32_t len, uint32_t end)
{
    t->stats.early_skipped += len;
    if (f->searching) {
        end_search(t, f);
    } else if (!frame_decoder_skip(&f->decoder)) {
        wgt_drop_count(t->outer->drops, WGT_DROP_FRAME_LENGTH);
        t->stats.resyncs++;
        rte_pktmbuf_free(f->assembly);
        f->assembly = NULL;
    }
    flow_release_before(t, now, f, end);
}

static bool
read_chunk(struct tcp_transport *t, wgt_time now, struct tcp_flow *f, struct tcp_chunk *chunk)
{
    struct rte_mbuf *carrier = packet_of_chunk(chunk);
    struct tcp_chunk c = *chunk; /* the carrier may go to whom a message in it goes */
    bool good;

    /* A message to a segment: mostly it is all that came. */
    if (likely(c.rx.taken_len == 0 && !f->searching && frame_is_next(&f->decoder, c.data, c.len))) {
        packet_set(carrier, c.data + FRAME_PREFIX_LEN, c.len - FRAME_PREFIX_LEN);
        t->events.message(t->events.ctx, now, &f->path, carrier);
        return true;
    }
    if (c.rx.taken_len == 0) {
        good = read_bytes(t, now, f, (struct span){c.data, c.len}, &carrier, true);
    } else {
        uint32_t behind = c.rx.taken_at + c.rx.taken_len;

        good = read_bytes(t, now, f, (struct span){c.data, c.rx.taken_at}, &carrier, false);
        if (good) {
            skip_taken(t, now, f, c.rx.taken_len, c.seq + behind);
            good = read_bytes(t, now, f, (struct span){c.data + behind, c.len - behind}, &carrier,
                              true);
        }
    }
    rte_pktmbuf_free(carrier);
    return good;
}

/* Nothing more can be made of the stream. A stranger does not learn that: the reset comes when its
 * time is up, as for any other. */
static void
spoilt(struct tcp_flow *f, wgt_time now)
{
    rte_pktmbuf_free(f->assembly);
    f->assembly = NULL;
    if (!f->authenticated) {
        f->silenced = true;
        return;
    }
    f->closing = true;
    tcp_abort(&f->conn, now);
}

void
flow_read(struct tcp_transport *t, wgt_time now, struct tcp_flow *f)
{
    struct tcp_chunk *c;
    uint32_t taken, end;

    for (;;) {
        taken = tcp_recv_taken(&f->conn, &end);
        if (taken > 0)
            skip_taken(t, now, f, taken, end);
        c = tcp_recv(&f->conn);
        if (c == NULL)
            return;
        if (f->silenced) {
            wgt_drop_count(t->outer->drops, WGT_DROP_TCP_SILENCED);
            rte_pktmbuf_free(packet_of_chunk(c));
        } else if (!read_chunk(t, now, f, c)) {
            spoilt(f, now);
        }
    }
}
