/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets that came beyond a hole and wait for it: a flow's list in stream order, each with the
 * time at which patience ends. None has to wait longer than the one behind it, so that they leave
 * in stream order whatever lets them go.
 */
#include "flow.h"

/* One and a half round trips: what the sender needs to see the hole and to fill it. Times are
 * rounded up to an eighth of that, so that packets leave together and a timer serves many. */
#define HOLD_UNKNOWN_RTT (100 * WGT_MSEC)
#define HOLD_MAX         (500 * WGT_MSEC)
enum { HOLD_SLICES = 8 };

static struct packet_hold *
hold_of(struct rte_mbuf *m)
{
    return &packet_meta(m)->hold;
}

static wgt_time
patience_ends(const struct tcp_flow *f, wgt_time now)
{
    struct tcp_info info;
    wgt_time patience, slice;

    tcp_info(&f->conn, &info);
    if (info.srtt == 0)
        info.srtt = HOLD_UNKNOWN_RTT;
    patience = wgt_time_min(info.srtt + info.srtt / 2, HOLD_MAX);
    slice = patience / HOLD_SLICES + 1;
    return (now + patience + slice - 1) / slice * slice;
}

static uint16_t *
count_of(struct tcp_flow *f, uint32_t inner_flow)
{
    return &f->holds.of_flow[inner_flow % TCP_HOLD_BUCKETS];
}

bool
tcp_flow_holds(const struct tcp_flow *f, uint32_t inner_flow)
{
    return f->holds.of_flow[inner_flow % TCP_HOLD_BUCKETS] > 0;
}

/* Nobody holds more than is still free of what all may hold. */
static bool
may_hold(const struct tcp_transport *t, const struct tcp_flow *f)
{
    return t->n_held < t->held_max && f->holds.n < t->held_max - t->n_held &&
           f->holds.n < UINT16_MAX;
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
    if (!may_hold(t, f)) {
        t->events.released(t->events.ctx, now, m);
        return;
    }
    *hold_of(m) =
        (struct packet_hold){.seq = seq, .inner_flow = inner_flow, .until = patience_ends(f, now)};
    insert(&f->holds, m);
    ++*count_of(f, inner_flow);
    f->holds.n++;
    t->n_held++;
    t->stats.held++;
}

static struct rte_mbuf *
take_first(struct tcp_transport *t, struct tcp_flow *f)
{
    struct rte_mbuf *m = f->holds.head;

    f->holds.head = packet_meta(m)->next;
    if (f->holds.head == NULL)
        f->holds.tail = NULL;
    --*count_of(f, hold_of(m)->inner_flow);
    f->holds.n--;
    t->n_held--;
    return m;
}

void
flow_release_before(struct tcp_transport *t, wgt_time now, struct tcp_flow *f, uint32_t seq)
{
    while (f->holds.head != NULL && seq_lt(hold_of(f->holds.head)->seq, seq))
        t->events.released(t->events.ctx, now, take_first(t, f));
}

/* All up to the last whose time has come: those before it are no later by order of the list, and
 * the first has the earliest. */
void
flow_release_due(struct tcp_transport *t, wgt_time now, struct tcp_flow *f)
{
    while (f->holds.head != NULL && hold_of(f->holds.head)->until <= now) {
        t->stats.held_expired++;
        t->events.released(t->events.ctx, now, take_first(t, f));
    }
}

void
flow_release_all(struct tcp_transport *t, wgt_time now, struct tcp_flow *f)
{
    while (f->holds.head != NULL)
        t->events.released(t->events.ctx, now, take_first(t, f));
}

void
flow_hold_free(struct tcp_transport *t, struct tcp_flow *f)
{
    while (f->holds.head != NULL)
        rte_pktmbuf_free(take_first(t, f));
}

wgt_time
flow_hold_deadline(const struct tcp_flow *f)
{
    return f->holds.head != NULL ? hold_of(f->holds.head)->until : WGT_NEVER;
}
