/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages found beyond a hole. Where a chunk that was just received begins, or where the last such
 * message of its run ended, a frame may begin. What looks like a data message of one of this
 * connection's sessions is decrypted in a copy: only when it authenticates do its bytes leave the
 * stream, and what follows it is a frame again. The parser at RCV.NXT stays the authority; what is
 * not found here waits for it.
 */
#include "flow.h"

enum {
    GUESSES_PER_SEGMENT = 4, /* decryptions at places that no authenticated message vouches for */
    FAILURES_PER_RTT = 2,    /* then the connection waits for order */
    STEPS_PER_SEGMENT = 4,   /* frames passed over: handshake messages, duplicates */
};
#define FAILURE_SPACE_UNKNOWN_RTT (100 * WGT_MSEC)

/* The work on one received chunk. */
struct attempt {
    struct tcp_transport *t;
    struct tcp_flow *f;
    wgt_time now;
    unsigned guesses, steps;
};

/* What stopped a chain of frames. */
enum stop {
    STOP_NO_FRAME, /* what is here is none, or is not for us */
    STOP_WAIT,     /* the rest of it has not arrived, or no more may be tried now */
};

static bool
wanted(void *ctx, const struct frame_candidate *c)
{
    const struct attempt *a = ctx;

    return a->t->events.wanted(a->t->events.ctx, a->now, &a->f->path, c->receiver, c->counter);
}

static wgt_time
failure_space(const struct tcp_flow *f)
{
    wgt_time srtt = tcp_srtt(&f->conn);

    return srtt != 0 ? srtt : FAILURE_SPACE_UNKNOWN_RTT;
}

static bool
failures_spent(const struct attempt *a)
{
    const struct tcp_flow_early *early = &a->f->early;

    return early->failures >= FAILURES_PER_RTT && a->now < early->failures_until;
}

static void
count_failure(const struct attempt *a)
{
    struct tcp_flow_early *early = &a->f->early;

    if (a->now >= early->failures_until) {
        early->failures = 0;
        early->failures_until = a->now + failure_space(a->f);
    }
    early->failures++;
    a->t->stats.early_failed++;
}

/* The message at *e, behind its prefix, in a packet of its own. */
static struct rte_mbuf *
copy_message(struct tcp_transport *t, const struct tcp_early *e, size_t len)
{
    struct tcp_early message = *e;
    struct rte_mbuf *m = rte_pktmbuf_alloc(t->outer->pool);

    if (m == NULL) {
        wgt_drop_count(t->outer->drops, WGT_DROP_NO_BUFFER);
        return NULL;
    }
    tcp_early_step(&message, FRAME_PREFIX_LEN);
    tcp_early_peek(&message, (uint8_t *)rte_pktmbuf_append(m, (uint16_t)len), (uint32_t)len);
    return m;
}

/* Decrypts a candidate that is there whole. */
static bool
try_message(struct attempt *a, struct tcp_early *e, size_t len)
{
    struct tcp_transport *t = a->t;
    struct tcp_flow *f = a->f;
    struct rte_mbuf *m = copy_message(t, e, len);
    struct tcp_early_message message = {.packet = m};
    uint32_t seq = e->seq;

    if (m == NULL)
        return false;
    if (!e->known)
        a->guesses++;
    switch (t->events.early(t->events.ctx, a->now, &f->path, &message)) {
    case TCP_EARLY_FAILED:
        count_failure(a);
        return false;
    case TCP_EARLY_DELIVERED:
        break;
    case TCP_EARLY_HOLD:
        flow_hold(t, a->now, f, message.packet, seq, message.inner_flow);
        break;
    }
    t->stats.early_delivered++;
    f->early.delivered++;
    /* What the message set off may have ended the connection. */
    if (tcp_state(&f->conn) == TCP_CLOSED)
        return false;
    tcp_early_take(&f->conn, e, (uint32_t)len + FRAME_PREFIX_LEN);
    return true;
}

/* A frame that is left to the parser in order may be passed over where a frame surely begins. */
static bool
looks_like_frame(const uint8_t *head, uint32_t n, size_t max_len)
{
    enum message_type type;
    size_t len = get_be16(head);

    return n >= FRAME_PREFIX_LEN + 4 && len <= max_len &&
           message_check(head + FRAME_PREFIX_LEN, len, &type) == WGT_OK;
}

/* One frame at *e. true: taken or passed over, go on behind it. */
static bool
try_frame(struct attempt *a, struct tcp_early *e, bool vouched, enum stop *why)
{
    size_t max_len = a->t->config.max_message;
    uint8_t head[FRAME_CANDIDATE_LEN];
    uint32_t n = tcp_early_peek(e, head, sizeof(head)), whole;
    struct frame_candidate c;
    bool candidate = n == sizeof(head) && frame_candidate(head, max_len, &c) && wanted(a, &c);

    *why = n < FRAME_PREFIX_LEN + 4 ? STOP_WAIT : STOP_NO_FRAME;
    if (!candidate && (!vouched || !looks_like_frame(head, n, max_len)))
        return false;
    whole = (uint32_t)get_be16(head) + FRAME_PREFIX_LEN;
    *why = STOP_WAIT;
    if (tcp_early_peek(e, NULL, whole) < whole) {
        if (candidate)
            tcp_early_mark(e);
        return false;
    }
    if (!candidate) {
        if (a->steps++ >= STEPS_PER_SEGMENT)
            return false;
        tcp_early_step(e, whole);
        return true;
    }
    if (failures_spent(a) || (!e->known && a->guesses >= GUESSES_PER_SEGMENT) ||
        !tcp_early_may_take(e, whole))
        return false;
    *why = STOP_NO_FRAME;
    return try_message(a, e, c.len);
}

/* Frame after frame from *e on. vouched: an authenticated message ends there. */
static enum stop
follow_chain(struct attempt *a, struct tcp_early *e, bool vouched)
{
    enum stop why = STOP_WAIT;

    while (e->chunk != NULL && try_frame(a, e, vouched, &why))
        vouched = true;
    if (e->chunk == NULL || tcp_state(&a->f->conn) == TCP_CLOSED)
        return STOP_WAIT;
    if (why == STOP_NO_FRAME)
        tcp_early_give_up(e);
    return why;
}

/* The segments of this connection do not begin with frames: somebody on the way cuts them anew, or
 * its frames do not fit them. */
static void
note_recut(struct attempt *a, const struct tcp_early *start)
{
    uint8_t head[FRAME_CANDIDATE_LEN];
    uint32_t n = tcp_early_peek(start, head, sizeof(head));

    if (a->f->early.recut || looks_like_frame(head, n, a->t->config.max_message))
        return;
    a->f->early.recut = true;
    a->t->stats.recut_flows++;
}

/* Looks once through the chunk for what may be the start of a data message. */
static void
search_chunk(struct attempt *a, struct tcp_early *e)
{
    const struct tcp_chunk *chunk = e->chunk;
    uint32_t offset = e->seq - chunk->seq + 1, at;

    if (chunk->rx.taken_len > 0 || offset >= chunk->len)
        return;
    at = (uint32_t)frame_find(chunk->data + offset, chunk->len - offset, a->t->config.max_message,
                              wanted, a);
    if (offset + at >= chunk->len)
        return;
    tcp_early_step(e, 1 + at);
    follow_chain(a, e, false);
}

static bool
enabled(const struct tcp_transport *t, const struct tcp_flow *f)
{
    return !t->config.in_order && t->events.early != NULL && f->authenticated;
}

void
flow_early(struct tcp_transport *t, wgt_time now, struct tcp_flow *f, struct tcp_chunk *newcomer)
{
    struct attempt a = {.t = t, .f = f, .now = now};
    struct tcp_early start, e;
    bool tried = false;

    if (!enabled(t, f) || !tcp_early_at(&f->conn, newcomer, &start))
        return;
    e = start;
    if (tcp_early_resume(&e)) {
        if (follow_chain(&a, &e, e.known) == STOP_WAIT || seq_lt(start.seq, e.seq))
            return;
        tried = e.seq == start.seq;
    }
    e = start;
    if (!tried && (follow_chain(&a, &e, start.known) == STOP_WAIT || e.seq != start.seq))
        return;
    note_recut(&a, &start);
    search_chunk(&a, &start);
}
