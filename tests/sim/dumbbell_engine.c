/* SPDX-License-Identifier: BSD-3-Clause */
/* A flow of the TCP engine: a connection that always has something to send, and its peer. */
#include <assert.h>
#include <stdlib.h>

#include "dumbbell_internal.h"

enum { RECORDS = 1 << 16, WINDOW = 64 << 20 };

/* A chunk the engine may hold. All bytes are the same, nobody looks at them. */
struct node {
    struct tcp_chunk chunk;
};

struct engine_flow {
    struct dumbbell *path;
    uint32_t flow;
    bool opened;
    struct tcp_conn sender, receiver;
    struct tcp_memory memory;
    struct tcp_tx tx[2];
    union tcp_record *records;
    uint64_t received, segments;
};

static uint8_t payload[1 << 16];

static struct tcp_options
options(struct engine_flow *f, const struct tcp_cc_ops *cc)
{
    return (struct tcp_options){.memory = &f->memory,
                                .cc = cc,
                                .src_port = 1,
                                .dst_port = 2,
                                .mss_local = DUMBBELL_MSS + 12,
                                .mss_default = 536,
                                .receive_buffer = WINDOW,
                                .iss = 0xffff0000u + f->flow,
                                .ts_offset = 7 * f->flow};
}

static struct tcp_chunk *
node_new(uint32_t len)
{
    struct node *n = malloc(sizeof(*n));

    assert(n != NULL);
    n->chunk = (struct tcp_chunk){.data = payload, .len = len};
    return &n->chunk;
}

static void
node_free(struct tcp_chunk *chunk)
{
    free(WGT_CONTAINER_OF(chunk, struct node, chunk));
}

static void
reclaim(struct tcp_conn *c)
{
    struct tcp_chunk *chunk;

    while ((chunk = tcp_reclaim(c)) != NULL)
        node_free(chunk);
}

static void
drain(struct engine_flow *f, struct tcp_conn *c, bool to_sender, wgt_time now)
{
    struct tcp_out out;

    while (tcp_output(c, now, &out)) {
        struct dumbbell_packet p = {.flow = f->flow, .to_sender = to_sender, .seg = out.seg};

        p.seg.payload.data = payload;
        p.wire = DUMBBELL_HEADERS + out.len;
        f->segments += out.len > 0;
        dumbbell_transmit(f->path, now, &p);
    }
    reclaim(c);
}

/* The pull model: as much as may leave now, and no more. */
static void
send(struct engine_flow *f, wgt_time now)
{
    drain(f, &f->sender, false, now);
    for (uint32_t room; (room = tcp_send_room(&f->sender, now)) > 0;) {
        struct tcp_chunk *chunk = node_new(DUMBBELL_MSS);

        if (!tcp_send(&f->sender, now, chunk)) {
            node_free(chunk);
            break;
        }
        if (room <= DUMBBELL_MSS)
            drain(f, &f->sender, false, now);
    }
    drain(f, &f->sender, false, now);
}

static wgt_time
next_time(const struct engine_flow *f, wgt_time now)
{
    wgt_time at = wgt_time_min(tcp_deadline(&f->sender), tcp_send_room_at(&f->sender, now));

    return f->opened ? wgt_time_min(at, tcp_deadline(&f->receiver)) : at;
}

static void
engine_wake(void *state, wgt_time now)
{
    struct engine_flow *f = state;
    wgt_time at;

    send(f, now);
    if (f->opened)
        drain(f, &f->receiver, true, now);
    at = next_time(f, now);
    assert(at > now);
    dumbbell_wake(f->path, f->flow, at);
}

static void
input(struct tcp_conn *c, wgt_time now, const struct tcp_segment *seg)
{
    struct tcp_chunk *chunk = seg->payload.len > 0 ? node_new((uint32_t)seg->payload.len) : NULL;
    bool kept = false;

    (void)tcp_input(c, now, seg, chunk, &kept);
    if (chunk != NULL && !kept)
        node_free(chunk);
}

static void
receive(struct engine_flow *f, wgt_time now, const struct tcp_segment *seg)
{
    struct tcp_chunk *chunk;

    if (!f->opened) {
        struct tcp_options o = options(f, &tcp_cc_cubic);

        f->opened = tcp_open_passive(&f->receiver, now, &o, seg) == WGT_OK;
        return;
    }
    input(&f->receiver, now, seg);
    while ((chunk = tcp_recv(&f->receiver)) != NULL) {
        f->received += chunk->len;
        node_free(chunk);
    }
}

static void
engine_arrive(void *state, wgt_time now, const struct dumbbell_packet *p)
{
    struct engine_flow *f = state;

    if (p->to_sender)
        input(&f->sender, now, &p->seg);
    else
        receive(f, now, &p->seg);
    engine_wake(f, now);
}

static void *
engine_open(struct dumbbell *d, uint32_t flow, const struct dumbbell_flow_options *o)
{
    struct engine_flow *f = calloc(1, sizeof(*f));
    struct tcp_options opt;

    assert(f != NULL);
    f->path = d;
    f->flow = flow;
    f->records = calloc(RECORDS, sizeof(*f->records));
    assert(f->records != NULL);
    tcp_memory_init(&f->memory, f->records, RECORDS, f->tx, 2);
    opt = options(f, o->cc);
    tcp_open_active(&f->sender, o->start, &opt);
    return f;
}

static uint64_t
engine_received(const void *state)
{
    return ((const struct engine_flow *)state)->received;
}

static void
engine_counters(const void *state, uint64_t *segments, uint64_t *retransmitted, uint64_t *timeouts)
{
    const struct engine_flow *f = state;
    struct tcp_info info;

    tcp_info(&f->sender, &info);
    *segments = f->segments;
    *retransmitted = info.segments_retransmitted;
    *timeouts = info.timeouts;
}

static void
engine_close(void *state, wgt_time now)
{
    struct engine_flow *f = state;

    tcp_abort(&f->sender, now);
    reclaim(&f->sender);
    if (f->opened) {
        tcp_abort(&f->receiver, now);
        reclaim(&f->receiver);
    }
    free(f->records);
    free(f);
}

const struct dumbbell_flow_ops dumbbell_engine_ops = {
    .open = engine_open,
    .arrive = engine_arrive,
    .wake = engine_wake,
    .received = engine_received,
    .counters = engine_counters,
    .close = engine_close,
};
