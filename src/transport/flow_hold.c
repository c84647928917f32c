/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets that came beyond a hole and wait for it: a flow's list in stream order, each with the
 * time at which patience ends. None has to wait longer than the one behind it, so that they leave
 * in stream order whatever lets them go.
 */
#include <errno.h>
#include <stdlib.h>

#include <wgtcpd/base/share.h>

#include "flow.h"

/* A repair comes after one round trip and a quarter, after two and a quarter when it was lost, too:
 * whoever gives up before that makes the inner sender see a loss, and to a CUBIC that is still
 * seeking its rate this is the end of the search. Three and a half, then; but nothing may wait so
 * long that the sender's timer takes it for lost, which is 200 ms beyond its own round-trip time in
 * Linux and the least elsewhere. Times are rounded up to an eighth, so that packets leave together
 * and a timer serves many. */
#define HOLD_UNKNOWN_RTT   (100 * WGT_MSEC)
#define HOLD_INNER_RTO_MIN (200 * WGT_MSEC)
#define HOLD_MAX           (500 * WGT_MSEC)
enum { HOLD_SLICES = 8 };

/* How many flows may hold packets at a time; others deliver at once. */
enum { HOLDERS_MAX = 1024 };

int
flow_hold_init(struct tcp_transport *t)
{
    uint32_t n = t->config.max_flows < HOLDERS_MAX ? t->config.max_flows : HOLDERS_MAX;

    t->holds = calloc(n, sizeof(*t->holds));
    if (t->holds == NULL)
        return -ENOMEM;
    for (uint32_t i = n; i-- > 0;) {
        t->holds[i].next_free = t->free_holds;
        t->free_holds = &t->holds[i];
    }
    return 0;
}

void
flow_hold_fini(struct tcp_transport *t)
{
    free(t->holds);
    t->holds = t->free_holds = NULL;
}

/* NULL: nothing waits. */
static struct tcp_holds *
holds_of(const struct tcp_flow *f)
{
    return f->authenticated ? f->early.holds : NULL;
}

static struct tcp_holds *
holds_for(struct tcp_transport *t, struct tcp_flow *f)
{
    struct tcp_holds *h = f->early.holds;

    if (h != NULL || t->free_holds == NULL)
        return h;
    h = t->free_holds;
    t->free_holds = h->next_free;
    *h = (struct tcp_holds){0};
    f->early.holds = h;
    return h;
}

static void
give_back_empty(struct tcp_transport *t, struct tcp_flow *f)
{
    struct tcp_holds *h = f->early.holds;

    if (h->head != NULL)
        return;
    f->early.holds = NULL;
    h->next_free = t->free_holds;
    t->free_holds = h;
}

static struct packet_hold *
hold_of(struct rte_mbuf *m)
{
    return &packet_meta(m)->hold;
}

static wgt_time
patience_ends(const struct tcp_flow *f, wgt_time now)
{
    wgt_time srtt = tcp_srtt(&f->conn), patience, slice;

    if (srtt == 0)
        srtt = HOLD_UNKNOWN_RTT;
    patience = wgt_time_min(3 * srtt, HOLD_INNER_RTO_MIN);
    if (patience < srtt)
        patience = srtt;
    patience = wgt_time_min(patience + srtt / 2, HOLD_MAX);
    slice = patience / HOLD_SLICES + 1;
    return (now + patience + slice - 1) / slice * slice;
}

static uint16_t *
count_of(struct tcp_holds *h, uint32_t inner_flow)
{
    return &h->of_flow[inner_flow % TCP_HOLD_BUCKETS];
}

bool
tcp_flow_holds(const struct tcp_flow *f, uint32_t inner_flow)
{
    struct tcp_holds *h = holds_of(f);

    return h != NULL && *count_of(h, inner_flow) > 0;
}

static bool
may_hold(const struct tcp_transport *t, const struct tcp_flow *f)
{
    uint32_t n = f->early.holds != NULL ? f->early.holds->n : 0;

    return share_left(n, t->n_held, t->held_max) && n < UINT16_MAX;
}

/* Behind all that lies before it in the stream: mostly at the end. */
static void
insert(struct tcp_holds *h, struct rte_mbuf *m)
{
    struct rte_mbuf **link = &h->head;

    if (h->tail != NULL && !seq_lt(hold_of(m)->seq, hold_of(h->tail)->seq))
        link = &packet_meta(h->tail)->next;
    else
        while (*link != NULL && seq_leq(hold_of(*link)->seq, hold_of(m)->seq))
            link = &packet_meta(*link)->next;
    packet_meta(m)->next = *link;
    *link = m;
    if (packet_meta(m)->next == NULL)
        h->tail = m;
    else
        hold_of(m)->until = wgt_time_min(hold_of(m)->until, hold_of(packet_meta(m)->next)->until);
}

void
flow_hold(struct tcp_transport *t, wgt_time now, struct tcp_flow *f, struct rte_mbuf *m,
          uint32_t seq, uint32_t inner_flow)
{
    struct tcp_holds *h = may_hold(t, f) ? holds_for(t, f) : NULL;

    if (h == NULL) {
        t->events.released(t->events.ctx, now, m);
        return;
    }
    *hold_of(m) =
        (struct packet_hold){.seq = seq, .inner_flow = inner_flow, .until = patience_ends(f, now)};
    insert(h, m);
    ++*count_of(h, inner_flow);
    h->n++;
    t->n_held++;
    t->stats.held++;
}

/* NULL: nothing waits. */
static struct rte_mbuf *
first(const struct tcp_flow *f)
{
    const struct tcp_holds *h = holds_of(f);

    return h != NULL ? h->head : NULL;
}

static struct rte_mbuf *
take_first(struct tcp_transport *t, struct tcp_flow *f)
{
    struct tcp_holds *h = f->early.holds;
    struct rte_mbuf *m = h->head;

    h->head = packet_meta(m)->next;
    if (h->head == NULL)
        h->tail = NULL;
    --*count_of(h, hold_of(m)->inner_flow);
    h->n--;
    t->n_held--;
    give_back_empty(t, f);
    return m;
}

void
flow_release_before(struct tcp_transport *t, wgt_time now, struct tcp_flow *f, uint32_t seq)
{
    struct rte_mbuf *m;

    while ((m = first(f)) != NULL && seq_lt(hold_of(m)->seq, seq))
        t->events.released(t->events.ctx, now, take_first(t, f));
}

/* All up to the last whose time has come: those before it are no later by order of the list, and
 * the first has the earliest. */
void
flow_release_due(struct tcp_transport *t, wgt_time now, struct tcp_flow *f)
{
    struct rte_mbuf *m;

    while ((m = first(f)) != NULL && hold_of(m)->until <= now) {
        t->stats.held_expired++;
        t->events.released(t->events.ctx, now, take_first(t, f));
    }
}

void
flow_release_all(struct tcp_transport *t, wgt_time now, struct tcp_flow *f)
{
    while (first(f) != NULL)
        t->events.released(t->events.ctx, now, take_first(t, f));
}

void
flow_hold_free(struct tcp_transport *t, struct tcp_flow *f)
{
    while (first(f) != NULL)
        rte_pktmbuf_free(take_first(t, f));
}

wgt_time
flow_hold_deadline(const struct tcp_flow *f)
{
    struct rte_mbuf *m = first(f);

    return m != NULL ? hold_of(m)->until : WGT_NEVER;
}
