/* SPDX-License-Identifier: BSD-3-Clause */
/* Two connections and a bad network between them, in virtual time. Every chunk that is lent is
 * tracked, every byte of the streams is checked, and so is the deadline after each output. */
#ifndef WGTCPD_TEST_TCP_LINK_H
#define WGTCPD_TEST_TCP_LINK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <wgtcpd/tcp/tcp.h>

struct link_options {
    uint32_t loss, duplicate, reorder; /* of 1000 packets */
    wgt_time delay, jitter;
    uint64_t rate;                  /* bytes a second, 0: no limit */
    wgt_time queue;                 /* longest wait at that rate before packets are dropped */
    bool no_sack, no_ts, no_wscale; /* a middlebox takes the option off the SYNs */
    uint32_t chunk_max;             /* chunks of 1..chunk_max bytes */
    uint32_t read_of_8;             /* the application reads in so many of 8 turns */
    uint64_t bytes[2];              /* to send, each way */
    uint32_t iss[2], receive_buffer[2];
    uint16_t mss[2];
    bool simultaneous; /* both dial */
    bool close_early;  /* side 0 closes as soon as it has queued all, else after reading all too */
    wgt_time black_hole_from, black_hole_to;
    const struct tcp_cc_ops *cc; /* NULL: cubic */
};

/* A chunk with its bytes, and who has it. */
struct link_node {
    struct tcp_chunk chunk;
    bool lent;
    uint8_t bytes[];
};

struct link_packet {
    struct tcp_segment seg;
    wgt_time at;
    uint64_t order;
    int to;
    struct link_node *node;
};

struct link_side {
    struct tcp_conn c;
    uint64_t sent, received; /* stream positions of the application */
    uint64_t lent;           /* chunks out */
    uint32_t last_edge;      /* right edge last announced */
    bool edge_known, opened, closed;
    wgt_time link_free;
};

enum { LINK_RECORDS = 256 };

struct link {
    struct tcp_memory memory;
    union tcp_record records[LINK_RECORDS];
    struct tcp_tx tx[2];
    struct link_options o;
    struct link_side side[2];
    struct link_packet packets[4096];
    size_t n;
    wgt_time now;
    uint64_t rng, order, turns;
    uint64_t segments, pure_acks, retracted;
};

static inline uint32_t
link_random(struct link *l)
{
    l->rng ^= l->rng << 13;
    l->rng ^= l->rng >> 7;
    l->rng ^= l->rng << 17;
    return (uint32_t)(l->rng >> 16);
}

static inline bool
link_chance(struct link *l, uint32_t of_1000)
{
    return link_random(l) % 1000 < of_1000;
}

static inline uint8_t
link_byte(int side, uint64_t position)
{
    return (uint8_t)((position * UINT64_C(0x9e3779b97f4a7c15)) >> 29 ^ (uint64_t)side * 0x5a);
}

static inline struct link_node *
link_node_new(size_t len)
{
    struct link_node *node = malloc(sizeof(*node) + len);

    assert_non_null(node);
    node->lent = false;
    node->chunk = (struct tcp_chunk){.data = node->bytes, .len = (uint32_t)len};
    return node;
}

static inline void
link_take_back(struct link_side *s, struct tcp_chunk *chunk)
{
    struct link_node *node = WGT_CONTAINER_OF(chunk, struct link_node, chunk);

    assert_true(node->lent);
    assert_true(s->lent > 0);
    s->lent--;
    free(node);
}

static inline void
link_transmit(struct link *l, int from, const struct tcp_out *out)
{
    wgt_time start = l->now > l->side[from].link_free ? l->now : l->side[from].link_free;
    struct link_packet *p = &l->packets[l->n];
    const struct tcp_chunk *chunk = out->chunk;
    uint32_t offset = out->offset, done = 0;

    if (l->o.rate != 0) {
        if (start - l->now > l->o.queue)
            return;
        start += (out->len + 60) * WGT_SEC / l->o.rate;
        l->side[from].link_free = start;
    }
    if (link_chance(l, l->o.loss) ||
        (l->now >= l->o.black_hole_from && l->now < l->o.black_hole_to))
        return;
    assert_true(l->n < 4096);
    p->seg = out->seg;
    p->to = !from;
    p->order = l->order++;
    p->at = start + l->o.delay + (l->o.jitter ? link_random(l) % l->o.jitter : 0);
    if (link_chance(l, l->o.reorder))
        p->at += 2 * l->o.delay / 3;
    p->node = link_node_new(out->len);
    while (done < out->len) {
        uint32_t n;

        assert_non_null(chunk);
        n = chunk->len - offset < out->len - done ? chunk->len - offset : out->len - done;
        memcpy(p->node->bytes + done, chunk->data + offset, n);
        done += n;
        offset = 0;
        chunk = chunk->next;
    }
    if (p->seg.flags & TCP_SYN) {
        p->seg.has_sack_permitted = p->seg.has_sack_permitted && !l->o.no_sack;
        p->seg.has_ts = p->seg.has_ts && !l->o.no_ts;
        p->seg.has_wscale = p->seg.has_wscale && !l->o.no_wscale;
    }
    l->n++;
}

static inline void
link_check_window(struct link *l, struct link_side *s, const struct tcp_segment *seg)
{
    uint32_t edge;

    if (!(seg->flags & TCP_ACK) || (seg->flags & (TCP_RST | TCP_SYN)))
        return;
    edge = seg->ack + ((uint32_t)seg->window << s->c.rcv_shift);
    if (s->edge_known && seq_lt(edge, s->last_edge)) {
        /* RFC 7323 2.4: no more than the rounding of the scale. */
        assert_true(s->last_edge - edge < 1u << s->c.rcv_shift);
        l->retracted++;
    } else {
        s->last_edge = edge;
    }
    s->edge_known = true;
}

static inline void
link_app_read(struct link *l, int i)
{
    struct link_side *s = &l->side[i];
    struct tcp_chunk *chunk;

    while ((chunk = tcp_recv(&s->c)) != NULL) {
        for (uint32_t j = 0; j < chunk->len; j++)
            assert_int_equal(chunk->data[j], link_byte(!i, s->received + j));
        s->received += chunk->len;
        link_take_back(s, chunk);
    }
}

/* The tcp_output discipline: until false, and then nothing is due before its deadline. */
static inline void
link_output(struct link *l, int i)
{
    struct link_side *s = &l->side[i];
    struct tcp_chunk *chunk;
    struct tcp_out out;
    int count = 0;

    while (tcp_output(&s->c, l->now, &out)) {
        assert_true(++count < 4000);
        assert_int_equal(out.len, out.seg.payload.len);
        assert_true(out.len <= tcp_mss(&s->c));
        link_check_window(l, s, &out.seg);
        l->segments++;
        l->pure_acks += out.len == 0;
        link_transmit(l, i, &out);
        if (link_chance(l, l->o.duplicate))
            link_transmit(l, i, &out);
    }
    assert_true(tcp_deadline(&s->c) > l->now);
    if (tcp_state(&s->c) == TCP_CLOSED)
        link_app_read(l, i); /* what is not read now comes back unread */
    while ((chunk = tcp_reclaim(&s->c)) != NULL)
        link_take_back(s, chunk);
}

static inline void
link_deliver(struct link *l, struct link_packet *p)
{
    struct link_side *s = &l->side[p->to];
    struct link_node *node = p->node;
    bool kept = false;

    p->seg.payload = (struct span){.data = node->bytes, .len = node->chunk.len};
    if (!s->opened) {
        struct tcp_options o = {.memory = &l->memory,
                                .cc = l->o.cc != NULL ? l->o.cc : &tcp_cc_cubic,
                                .src_port = 2,
                                .dst_port = 1,
                                .mss_local = l->o.mss[p->to],
                                .mss_default = 536,
                                .receive_buffer = l->o.receive_buffer[p->to],
                                .iss = l->o.iss[p->to]};

        s->opened = tcp_open_passive(&s->c, l->now, &o, &p->seg) == WGT_OK;
    } else {
        node->lent = true;
        s->lent++;
        (void)tcp_input(&s->c, l->now, &p->seg, node->chunk.len > 0 ? &node->chunk : NULL, &kept);
        if (!kept) {
            s->lent--;
            node->lent = false;
        }
    }
    if (!kept)
        free(node);
}

static inline void
link_app_write(struct link *l, int i)
{
    struct link_side *s = &l->side[i];
    uint32_t room = tcp_send_room(&s->c, l->now);

    while (s->sent < l->o.bytes[i] && room > 0) {
        uint64_t left = l->o.bytes[i] - s->sent;
        uint32_t len = 1 + link_random(l) % l->o.chunk_max;
        struct link_node *node;

        len = len < left ? len : (uint32_t)left;
        node = link_node_new(len);
        for (uint32_t j = 0; j < len; j++)
            node->bytes[j] = link_byte(i, s->sent + j);
        node->lent = true;
        s->lent++;
        assert_true(tcp_send(&s->c, l->now, &node->chunk));
        s->sent += len;
        room -= len < room ? len : room;
    }
}

static inline void
link_app(struct link *l, int i)
{
    struct link_side *s = &l->side[i];

    if (!s->opened)
        return;
    if (link_random(l) % 8 < l->o.read_of_8)
        link_app_read(l, i);
    link_app_write(l, i);
    if (!s->closed && s->sent == l->o.bytes[i] && tcp_state(&s->c) >= TCP_ESTABLISHED &&
        (l->o.close_early || s->received == l->o.bytes[!i])) {
        tcp_close(&s->c, l->now);
        s->closed = true;
    }
}

/* What happens next; false when nothing ever will. */
static inline bool
link_advance(struct link *l)
{
    wgt_time next = WGT_NEVER;

    for (size_t i = 0; i < l->n; i++)
        next = wgt_time_min(next, l->packets[i].at);
    for (int i = 0; i < 2; i++) {
        if (l->side[i].opened)
            next = wgt_time_min(next, tcp_deadline(&l->side[i].c));
        if (l->side[i].c.ready.head != NULL) /* the application comes back to read */
            next = wgt_time_min(next, l->now + 5 * WGT_MSEC);
    }
    if (next == WGT_NEVER)
        return false;
    assert_true(next >= l->now);
    l->now = next;
    return true;
}

/* All packets that are due, in order of arrival: one burst. */
static inline void
link_arrivals(struct link *l)
{
    for (;;) {
        struct link_packet p, *first = NULL;

        for (size_t i = 0; i < l->n; i++) {
            struct link_packet *q = &l->packets[i];

            if (q->at <= l->now && (first == NULL || q->at < first->at ||
                                    (q->at == first->at && q->order < first->order)))
                first = q;
        }
        if (first == NULL)
            return;
        p = *first;
        *first = l->packets[--l->n];
        link_deliver(l, &p);
    }
}

static inline void
link_turn(struct link *l)
{
    link_arrivals(l);
    for (int i = 0; i < 2; i++) {
        link_app(l, i);
        if (l->side[i].opened)
            link_output(l, i);
    }
    l->turns++;
}

static inline struct link *
link_new(const struct link_options *o, uint64_t seed)
{
    struct link *l = calloc(1, sizeof(*l));

    assert_non_null(l);
    l->o = *o;
    l->rng = seed * UINT64_C(0x9e3779b97f4a7c15) + 0x1234567;
    l->now = 1000 * WGT_SEC;
    tcp_memory_init(&l->memory, l->records, LINK_RECORDS, l->tx, 2);
    for (int i = 0; i < (o->simultaneous ? 2 : 1); i++) {
        struct tcp_options options = {.memory = &l->memory,
                                      .cc = l->o.cc != NULL ? l->o.cc : &tcp_cc_cubic,
                                      .src_port = (uint16_t)(1 + i),
                                      .dst_port = (uint16_t)(2 - i),
                                      .mss_local = o->mss[i],
                                      .mss_default = 536,
                                      .receive_buffer = o->receive_buffer[i],
                                      .iss = o->iss[i],
                                      .ts_offset = 0xffffff00u};

        tcp_open_active(&l->side[i].c, l->now, &options);
        l->side[i].opened = true;
    }
    return l;
}

/* Takes everything back and checks that nothing is lent any more. */
static inline void
link_free(struct link *l)
{
    for (int i = 0; i < 2; i++) {
        struct tcp_chunk *chunk;

        if (!l->side[i].opened)
            continue;
        tcp_abort(&l->side[i].c, l->now);
        while ((chunk = tcp_reclaim(&l->side[i].c)) != NULL)
            link_take_back(&l->side[i], chunk);
        assert_null(tcp_recv(&l->side[i].c));
        assert_int_equal(l->side[i].lent, 0);
    }
    assert_int_equal(l->memory.n_free, l->memory.n);
    assert_int_equal(l->memory.n_busy, 0);
    for (size_t i = 0; i < l->n; i++)
        free(l->packets[i].node);
    free(l);
}

/* Runs until both are CLOSED, or `limit` of time has passed. */
static inline void
link_run(struct link *l, wgt_time limit)
{
    wgt_time end = l->now + limit;

    link_turn(l);
    while (link_advance(l) && l->now < end) {
        link_turn(l);
        if (l->side[0].opened && l->side[1].opened && tcp_state(&l->side[0].c) == TCP_CLOSED &&
            tcp_state(&l->side[1].c) == TCP_CLOSED)
            break;
    }
    for (int i = 0; i < 2; i++)
        link_app_read(l, i);
}

#endif
