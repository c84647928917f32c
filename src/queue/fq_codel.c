/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/queue/fq_codel.h>

#include <wgtcpd/wire/ecn.h>

#include "codel.h"

/* RFC 8290 4.1.3: dropping a batch, half of the flow at most, keeps the search for the longest flow
 * cheap under a flood. */
enum { FQ_DROP_BATCH = 64 };

const struct fq_limits fq_no_limits = {
    .target = WGT_NEVER,
    .interval = FQ_INTERVAL,
    .sojourn_max = WGT_NEVER,
};

struct fq_limits
fq_limits_at(uint64_t rate, wgt_time rtt, wgt_time late, bool loses)
{
    wgt_time packet = rate != 0 ? FQ_PACKET_MAX * WGT_SEC / rate : 0;
    struct fq_limits l = {FQ_TARGET, FQ_INTERVAL, FQ_SOJOURN_MAX};

    if (loses) {
        l.target = wgt_time_min(2 * rtt + rtt / 2, FQ_TARGET_LOSSY_MAX);
        if (l.target < FQ_TARGET)
            l.target = FQ_TARGET;
        l.interval += l.target;
        l.sojourn_max = wgt_time_min(4 * rtt, FQ_SOJOURN_LOSSY_MAX);
    } else if (rtt / 2 > l.target) {
        l.target = wgt_time_min(rtt / 2, FQ_TARGET_MAX);
    }
    if (l.sojourn_max < FQ_SOJOURN_MAX)
        l.sojourn_max = FQ_SOJOURN_MAX;
    late = wgt_time_min(late, 2 * rtt);
    if (late + late / 2 > l.sojourn_max)
        l.sojourn_max = late + late / 2;
    if (packet > WGT_SEC)
        packet = WGT_SEC;
    if (packet + packet / 2 > l.target) {
        l.interval += packet + packet / 2 - l.target;
        l.target = packet + packet / 2;
    }
    if (2 * l.target > l.sojourn_max)
        l.sojourn_max = 2 * l.target;
    return l;
}

/* --- flow records --------------------------------------------------------------------------------
 */

void
fq_init(struct fq *f, const struct fq_config *config, struct fq_flow *flows, uint32_t n,
        struct fq_flow **buckets, uint32_t n_buckets)
{
    *f = (struct fq){.config = *config, .buckets = buckets, .n_buckets = n_buckets};
    TAILQ_INIT(&f->idle);
    memset(buckets, 0, n_buckets * sizeof(*buckets));
    for (uint32_t i = 0; i < n; i++) {
        flows[i] = (struct fq_flow){.queue = NULL};
        TAILQ_INSERT_TAIL(&f->idle, &flows[i], link);
    }
}

void
fq_queue_init(struct fq_queue *q)
{
    TAILQ_INIT(&q->fresh);
    TAILQ_INIT(&q->old);
    q->count = q->bytes = 0;
    q->held = false;
}

static struct fq_flow **
bucket_of(const struct fq *f, const struct fq_queue *q, uint16_t hash)
{
    uint64_t h = ((uint64_t)(uintptr_t)q >> 4) + hash;

    return &f->buckets[(h * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (f->n_buckets - 1)];
}

static struct fq_flow *
flow_find(const struct fq *f, const struct fq_queue *q, uint16_t hash)
{
    struct fq_flow *flow = *bucket_of(f, q, hash);

    while (flow != NULL && (flow->queue != q || flow->hash != hash))
        flow = flow->chain;
    return flow;
}

static void
flow_forget(struct fq *f, struct fq_flow *flow)
{
    struct fq_flow **at;

    if (flow->queue == NULL)
        return;
    for (at = bucket_of(f, flow->queue, flow->hash); *at != flow; at = &(*at)->chain)
        ;
    *at = flow->chain;
    flow->queue = NULL;
}

static struct fq_flow *
flow_make(struct fq *f, const struct fq_queue *q, uint16_t hash)
{
    struct fq_flow *flow = TAILQ_FIRST(&f->idle), **bucket = bucket_of(f, q, hash);

    if (flow == NULL)
        return NULL;
    flow_forget(f, flow);
    flow->queue = q;
    flow->hash = hash;
    flow->chain = *bucket;
    flow->last = WGT_NEVER;
    *bucket = flow;
    codel_init(&flow->codel);
    return flow;
}

/* RFC 8290 4.1: a flow that is not on a list becomes a new one, with a full quantum. */
static void
flow_list(struct fq *f, struct fq_queue *q, struct fq_flow *flow)
{
    TAILQ_REMOVE(&f->idle, flow, link);
    TAILQ_INSERT_TAIL(&q->fresh, flow, link);
    flow->listed = flow->fresh = true;
    flow->judged = false;
    flow->deficit = FQ_QUANTUM;
}

/* An empty flow gives its record back; what CoDel knows of it stays there for a while. */
static void
flow_unlist(struct fq *f, struct fq_queue *q, struct fq_flow *flow)
{
    TAILQ_REMOVE(flow->fresh ? &q->fresh : &q->old, flow, link);
    TAILQ_INSERT_TAIL(&f->idle, flow, link);
    flow->listed = flow->fresh = false;
    codel_empty(&flow->codel);
}

static void
flow_to_old(struct fq_queue *q, struct fq_flow *flow)
{
    TAILQ_REMOVE(flow->fresh ? &q->fresh : &q->old, flow, link);
    TAILQ_INSERT_TAIL(&q->old, flow, link);
    flow->fresh = false;
}

static struct fq_flow *
first_flow(const struct fq_queue *q)
{
    struct fq_flow *flow = TAILQ_FIRST(&q->fresh);

    return flow != NULL ? flow : TAILQ_FIRST(&q->old);
}

static struct fq_flow *
flow_after(const struct fq_queue *q, const struct fq_flow *flow)
{
    struct fq_flow *next = TAILQ_NEXT(flow, link);

    return next == NULL && flow->fresh ? TAILQ_FIRST(&q->old) : next;
}

/* The flow for a packet. When records are out it shares one of its queue; NULL: it has none. */
static struct fq_flow *
flow_for(struct fq *f, struct fq_queue *q, uint16_t hash)
{
    struct fq_flow *flow = flow_find(f, q, hash);

    if (flow == NULL)
        flow = flow_make(f, q, hash);
    if (flow == NULL)
        return first_flow(q);
    if (!flow->listed)
        flow_list(f, q, flow);
    return flow;
}

/* --- packets -------------------------------------------------------------------------------------
 */

static void
append(struct fq *f, struct fq_queue *q, struct fq_flow *flow, struct fq_packet *p)
{
    p->sparse = flow->last == WGT_NEVER || p->since - flow->last >= FQ_SPARSE_GAP;
    flow->last = p->since;
    p->next = NULL;
    if (flow->head == NULL)
        flow->head = p;
    else
        flow->tail->next = p;
    flow->tail = p;
    flow->packets++;
    flow->bytes += p->len;
    q->count++;
    q->bytes += p->len;
    f->count++;
}

static void
unlist_all(struct fq *f, struct fq_queue *q)
{
    for (struct fq_flow *flow; (flow = first_flow(q)) != NULL;)
        flow_unlist(f, q, flow);
}

static struct fq_packet *
take_head(struct fq *f, struct fq_queue *q, struct fq_flow *flow)
{
    struct fq_packet *p = flow->head;

    flow->head = p->next;
    flow->packets--;
    flow->bytes -= p->len;
    flow->judged = false;
    q->count--;
    q->bytes -= p->len;
    f->count--;
    if (q->count == 0)
        unlist_all(f, q); /* nobody is left to be overtaken */
    return p;
}

static void
drop_head(struct fq *f, struct fq_queue *q, struct fq_flow *flow, enum wgt_drop why)
{
    struct fq_packet *p = take_head(f, q, flow);

    f->config.drop(f->config.ctx, p, why);
}

static void
drop_from_longest(struct fq *f, struct fq_queue *q)
{
    struct fq_flow *longest = first_flow(q);
    uint32_t n;

    if (longest == NULL)
        return;
    for (struct fq_flow *flow = longest; flow != NULL; flow = flow_after(q, flow))
        if (flow->bytes > longest->bytes)
            longest = flow;
    n = longest->packets / 2;
    n = n < 1 ? 1 : n > FQ_DROP_BATCH ? FQ_DROP_BATCH : n;
    while (n-- > 0)
        drop_head(f, q, longest, WGT_DROP_QUEUE_FULL);
}

static void
drop_oldest(struct fq *f, struct fq_queue *q)
{
    struct fq_flow *oldest = NULL;

    for (struct fq_flow *flow = first_flow(q); flow != NULL; flow = flow_after(q, flow))
        if (flow->head != NULL && (oldest == NULL || flow->head->since < oldest->head->since))
            oldest = flow;
    if (oldest != NULL)
        drop_head(f, q, oldest, WGT_DROP_STAGED_FULL);
}

/* Room for one more packet of len bytes; false: there is none. No queue holds more than is still
 * free, so that those that do not move leave something to the others. */
static bool
make_room(struct fq *f, struct fq_queue *q, uint32_t len)
{
    const struct fq_config *c = &f->config;

    while (q->held && q->count >= c->held_packets)
        drop_oldest(f, q);
    while (q->count > 0 && (q->count >= c->queue_packets || q->bytes + len > c->queue_bytes ||
                            q->count >= c->max_packets - f->count))
        drop_from_longest(f, q);
    return f->count < c->max_packets;
}

void
fq_push(struct fq *f, struct fq_queue *q, wgt_time now, struct fq_packet *p, uint32_t hash)
{
    struct fq_flow *flow = NULL;

    p->since = now;
    if (make_room(f, q, p->len))
        flow = flow_for(f, q, hash % FQ_FLOWS_PER_QUEUE);
    if (flow == NULL)
        f->config.drop(f->config.ctx, p, WGT_DROP_STAGED_FULL);
    else
        append(f, q, flow, p);
}

/* Marks or drops what has stood too long at the head of the flow (RFC 8290 4.2). */
static void
judge(struct fq *f, struct fq_queue *q, struct fq_flow *flow, wgt_time now,
      const struct fq_limits *limits)
{
    while (flow->head != NULL) {
        wgt_time sojourn = now - flow->head->since;
        uint32_t behind = flow->bytes - flow->head->len;

        if (sojourn > limits->sojourn_max) {
            drop_head(f, q, flow, WGT_DROP_QUEUE_STALE);
            continue;
        }
        if (flow->judged || codel_judge(&flow->codel, now, sojourn, behind, limits) == CODEL_PASS)
            break;
        /* RFC 8290 5.2.6: marked instead of dropped, and let pass. */
        if (ecn_mark(flow->head->data)) {
            f->stats.marked++;
            break;
        }
        drop_head(f, q, flow, WGT_DROP_QUEUE_CODEL);
    }
    flow->judged = flow->head != NULL;
}

const struct fq_packet *
fq_peek(struct fq *f, struct fq_queue *q, wgt_time now, const struct fq_limits *limits)
{
    for (struct fq_flow *flow; (flow = first_flow(q)) != NULL;) {
        if (flow->deficit <= 0) {
            flow->deficit += FQ_QUANTUM;
            flow_to_old(q, flow);
            continue;
        }
        judge(f, q, flow, now, limits);
        if (flow->head != NULL)
            return flow->head;
        if (!flow->listed) /* the queue has run empty */
            return NULL;
        /* A new flow that runs empty goes through the list of old ones once: else one that sends a
         * packet at a time would always come first (RFC 8290 4.2). */
        if (flow->fresh)
            flow_to_old(q, flow);
        else
            flow_unlist(f, q, flow);
    }
    return NULL;
}

struct fq_packet *
fq_pop(struct fq *f, struct fq_queue *q)
{
    struct fq_flow *flow = first_flow(q);

    flow->deficit -= (int32_t)flow->head->len;
    return take_head(f, q, flow);
}

/* --- queues that cannot move ---------------------------------------------------------------------
 */

void
fq_hold(struct fq_queue *q)
{
    q->held = true;
}

void
fq_resume(struct fq_queue *q, wgt_time now)
{
    if (!q->held)
        return;
    q->held = false;
    for (struct fq_flow *flow = first_flow(q); flow != NULL; flow = flow_after(q, flow)) {
        codel_empty(&flow->codel);
        for (struct fq_packet *p = flow->head; p != NULL; p = p->next)
            p->since = now;
    }
}

static wgt_time
heads_wait_since(const struct fq_flows *flows)
{
    wgt_time since = WGT_NEVER;
    const struct fq_flow *flow;

    TAILQ_FOREACH(flow, flows, link)
    {
        if (flow->head != NULL)
            since = wgt_time_min(since, flow->head->since);
    }
    return since;
}

wgt_time
fq_waits_since(const struct fq_queue *q)
{
    return wgt_time_min(heads_wait_since(&q->fresh), heads_wait_since(&q->old));
}

void
fq_purge(struct fq *f, struct fq_queue *q, enum wgt_drop why)
{
    while (q->count > 0) {
        struct fq_flow *flow = first_flow(q);

        if (flow->head != NULL)
            drop_head(f, q, flow, why);
        else
            flow_unlist(f, q, flow);
    }
}
