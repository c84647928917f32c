/* SPDX-License-Identifier: BSD-3-Clause */
#include "dumbbell.h"

#include <assert.h>
#include <stdlib.h>

#include "dumbbell_internal.h"

#define PROBE_INTERVAL (10 * WGT_MSEC)

enum event_kind { EVENT_START, EVENT_ARRIVE, EVENT_WAKE, EVENT_PROBE, EVENT_MEASURE };

struct event {
    wgt_time at;
    uint64_t order; /* of those at the same time the older goes first */
    enum event_kind kind;
    uint32_t index; /* of a flow, or of a packet */
};

struct flow {
    const struct dumbbell_flow_ops *ops;
    void *state;
    wgt_time wake_at, wake_event; /* asked for; the earliest event that will come */
    uint64_t received_before;
};

struct dumbbell {
    struct dumbbell_options o;
    wgt_time now, link_free, policed_at;
    uint64_t order, overflowed;
    double tokens;
    struct prng loss_data, loss_acks, reorder, jitter;
    wgt_time last_arrival[2];
    struct event *heap;
    size_t n_events, max_events;
    struct dumbbell_packet *packets;
    uint32_t *free_packets;
    uint32_t n_packets, n_free;
    struct flow flows[DUMBBELL_FLOWS_MAX];
    wgt_time *waits;
    size_t n_waits;
};

static bool
before(const struct event *a, const struct event *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void
push(struct dumbbell *d, wgt_time at, enum event_kind kind, uint32_t index)
{
    struct event e = {.at = at, .order = d->order++, .kind = kind, .index = index};
    size_t i;

    if (d->n_events == d->max_events) {
        d->max_events = d->max_events > 0 ? 2 * d->max_events : 1024;
        d->heap = realloc(d->heap, d->max_events * sizeof(*d->heap));
        assert(d->heap != NULL);
    }
    for (i = d->n_events++; i > 0 && before(&e, &d->heap[(i - 1) / 2]); i = (i - 1) / 2)
        d->heap[i] = d->heap[(i - 1) / 2];
    d->heap[i] = e;
}

static struct event
pop(struct dumbbell *d)
{
    struct event first = d->heap[0], last = d->heap[--d->n_events];
    size_t i = 0;

    for (;;) {
        size_t child = 2 * i + 1;

        if (child >= d->n_events)
            break;
        if (child + 1 < d->n_events && before(&d->heap[child + 1], &d->heap[child]))
            child++;
        if (!before(&d->heap[child], &last))
            break;
        d->heap[i] = d->heap[child];
        i = child;
    }
    d->heap[i] = last;
    return first;
}

static uint32_t
packet_new(struct dumbbell *d, const struct dumbbell_packet *p)
{
    uint32_t index;

    if (d->n_free == 0) {
        uint32_t n = d->n_packets > 0 ? 2 * d->n_packets : 1024;

        d->packets = realloc(d->packets, n * sizeof(*d->packets));
        d->free_packets = realloc(d->free_packets, n * sizeof(*d->free_packets));
        assert(d->packets != NULL && d->free_packets != NULL);
        while (d->n_packets < n)
            d->free_packets[d->n_free++] = d->n_packets++;
    }
    index = d->free_packets[--d->n_free];
    d->packets[index] = *p;
    return index;
}

static bool
policed(struct dumbbell *d, uint32_t wire)
{
    double burst = d->o.police_burst;

    if (d->o.police_rate == 0)
        return false;
    d->tokens += (double)(d->now - d->policed_at) * (double)d->o.police_rate / 8e9;
    d->tokens = d->tokens < burst ? d->tokens : burst;
    d->policed_at = d->now;
    if (d->tokens < wire)
        return true;
    d->tokens -= wire;
    return false;
}

static wgt_time
wait_now(const struct dumbbell *d)
{
    return d->link_free > d->now ? d->link_free - d->now : 0;
}

/* The bottleneck; false: dropped. */
static bool
pass_bottleneck(struct dumbbell *d, uint32_t wire, wgt_time *out)
{
    wgt_time takes = wire * UINT64_C(8) * WGT_SEC / d->o.rate, wait = wait_now(d);

    if (policed(d, wire) || wait + takes > d->o.buffer) {
        d->overflowed += d->now >= d->o.from;
        return false;
    }
    d->link_free = d->now + wait + takes;
    *out = d->link_free;
    return true;
}

void
dumbbell_transmit(struct dumbbell *d, wgt_time now, const struct dumbbell_packet *p)
{
    wgt_time at = now;

    d->now = now;
    if (!p->to_sender && !pass_bottleneck(d, p->wire, &at))
        return;
    if (prng_chance(p->to_sender ? &d->loss_acks : &d->loss_data, d->o.loss))
        return;
    at += d->o.delay;
    if (d->o.jitter > 0) {
        wgt_time *last = &d->last_arrival[p->to_sender];

        at += prng_below(&d->jitter, d->o.jitter);
        at = *last = at > *last ? at : *last;
    }
    if (!p->to_sender && prng_chance(&d->reorder, d->o.reorder))
        at += d->o.delay / 4;
    push(d, at, EVENT_ARRIVE, packet_new(d, p));
}

void
dumbbell_wake(struct dumbbell *d, uint32_t flow, wgt_time at)
{
    struct flow *f = &d->flows[flow];

    f->wake_at = at;
    if (at < f->wake_event) {
        f->wake_event = at;
        push(d, at, EVENT_WAKE, flow);
    }
}

static void
wake(struct dumbbell *d, uint32_t flow)
{
    struct flow *f = &d->flows[flow];

    if (d->now < f->wake_event)
        return;
    f->wake_event = WGT_NEVER;
    if (d->now >= f->wake_at)
        f->ops->wake(f->state, d->now);
    else
        dumbbell_wake(d, flow, f->wake_at);
}

static void
start(struct dumbbell *d, uint32_t flow)
{
    const struct dumbbell_flow_options *o = &d->o.flows[flow];
    struct flow *f = &d->flows[flow];

    f->ops = o->model ? &dumbbell_model_ops : &dumbbell_engine_ops;
    f->wake_at = f->wake_event = WGT_NEVER;
    f->state = f->ops->open(d, flow, o);
    f->ops->wake(f->state, d->now);
}

static void
arrive(struct dumbbell *d, uint32_t index)
{
    struct dumbbell_packet p = d->packets[index];
    struct flow *f = &d->flows[p.flow];

    d->free_packets[d->n_free++] = index;
    f->ops->arrive(f->state, d->now, &p);
}

static void
begin_measuring(struct dumbbell *d)
{
    for (uint32_t i = 0; i < d->o.n_flows; i++) {
        struct flow *f = &d->flows[i];

        if (f->state != NULL)
            f->received_before = f->ops->received(f->state);
    }
}

static void
handle(struct dumbbell *d, const struct event *e)
{
    switch (e->kind) {
    case EVENT_START:
        start(d, e->index);
        break;
    case EVENT_ARRIVE:
        arrive(d, e->index);
        break;
    case EVENT_WAKE:
        wake(d, e->index);
        break;
    case EVENT_PROBE:
        d->waits[d->n_waits++] = wait_now(d);
        push(d, d->now + PROBE_INTERVAL, EVENT_PROBE, 0);
        break;
    case EVENT_MEASURE:
        begin_measuring(d);
        break;
    }
}

static int
compare_times(const void *a, const void *b)
{
    wgt_time x = *(const wgt_time *)a, y = *(const wgt_time *)b;

    return (x > y) - (x < y);
}

static void
report(struct dumbbell *d, struct dumbbell_result *r)
{
    double seconds = (double)(d->o.until - d->o.from) / 1e9, squares = 0;

    *r = (struct dumbbell_result){.overflowed = d->overflowed};
    for (uint32_t i = 0; i < d->o.n_flows; i++) {
        struct flow *f = &d->flows[i];
        uint64_t bytes = f->ops->received(f->state) - f->received_before;

        r->flows[i].mbps = (double)bytes * 8 / 1e6 / seconds;
        r->mbps += r->flows[i].mbps;
        squares += r->flows[i].mbps * r->flows[i].mbps;
        f->ops->counters(f->state, &r->flows[i].segments, &r->flows[i].retransmitted,
                         &r->flows[i].timeouts);
    }
    r->jain = squares > 0 ? r->mbps * r->mbps / squares / d->o.n_flows : 0;
    qsort(d->waits, d->n_waits, sizeof(*d->waits), compare_times);
    if (d->n_waits == 0)
        return;
    r->queue_p50 = d->waits[d->n_waits / 2];
    r->queue_p95 = d->waits[d->n_waits * 95 / 100];
    r->queue_p99 = d->waits[d->n_waits * 99 / 100];
    r->queue_max = d->waits[d->n_waits - 1];
}

void
dumbbell_run(const struct dumbbell_options *o, struct dumbbell_result *result)
{
    struct dumbbell *d = calloc(1, sizeof(*d));

    assert(d != NULL);
    d->o = *o;
    d->loss_data = prng_fork(o->seed, 1);
    d->loss_acks = prng_fork(o->seed, 2);
    d->reorder = prng_fork(o->seed, 3);
    d->jitter = prng_fork(o->seed, 4);
    d->tokens = o->police_burst;
    d->waits = calloc((o->until - o->from) / PROBE_INTERVAL + 2, sizeof(*d->waits));
    assert(d->waits != NULL);
    push(d, o->from, EVENT_MEASURE, 0);
    push(d, o->from, EVENT_PROBE, 0);
    for (uint32_t i = 0; i < o->n_flows; i++)
        push(d, o->flows[i].start, EVENT_START, i);
    while (d->heap[0].at < o->until) {
        struct event e = pop(d);

        d->now = e.at;
        handle(d, &e);
    }
    report(d, result);
    for (uint32_t i = 0; i < o->n_flows; i++)
        d->flows[i].ops->close(d->flows[i].state, d->now);
    free(d->heap);
    free(d->packets);
    free(d->free_packets);
    free(d->waits);
    free(d);
}
