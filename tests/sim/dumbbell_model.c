/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A flow without TCP: a congestion control and an ideal sender around it. Every ACK tells all that
 * has arrived, a packet is lost when three sent later have arrived, lost bytes go out again as new
 * ones. What the congestion control is told is exact, so that what comes out is its own doing.
 */
#include <assert.h>
#include <stdlib.h>

#include "dumbbell_internal.h"

enum { RING = 1 << 16, PACKETS_AN_ACK = 2, REORDER = 3 };

#define DELAYED_ACK (40 * WGT_MSEC)
#define RTO_MIN     (200 * WGT_MSEC)

enum packet_state { PACKET_FREE, PACKET_FLYING };

struct sent {
    enum packet_state state;
    wgt_time time, delivered_time, first_send_time;
    uint64_t delivered, lost;
    uint32_t tx_in_flight;
};

struct model_flow {
    struct dumbbell *path;
    uint32_t flow;
    struct tcp_cc cc;

    /* Sender. */
    struct sent *sent;     /* by number */
    uint64_t next, oldest; /* numbers */
    uint64_t highest;      /* highest number delivered, plus one */
    uint64_t confirmed;    /* arrivals known */
    uint64_t recovery_end; /* recovery lasts until this number is delivered */
    bool in_recovery, after_timeout, was_limited;
    uint32_t flight;
    uint64_t delivered, lost;
    wgt_time delivered_time, first_send_time, srtt, next_send, progress;
    uint64_t lost_packets, timeouts;

    /* Receiver. */
    uint64_t *arrivals; /* numbers, in order of arrival */
    uint64_t n_arrivals, acknowledged;
    wgt_time ack_due;
};

static struct sent *
sent_of(struct model_flow *f, uint64_t number)
{
    return &f->sent[number % RING];
}

static uint64_t
pacing_rate(const struct model_flow *f)
{
    if (f->cc.pacing_rate > 0 || f->srtt == 0)
        return f->cc.pacing_rate;
    return (f->cc.cwnd < f->cc.ssthresh ? 200 : 120) * (uint64_t)f->cc.cwnd / 100 * WGT_SEC /
           f->srtt;
}

static void
transmit(struct model_flow *f, wgt_time now)
{
    struct sent *s = sent_of(f, f->next);
    struct dumbbell_packet p = {
        .flow = f->flow, .wire = DUMBBELL_HEADERS + DUMBBELL_MSS, .model = f->next};

    assert(f->next - f->oldest < RING && s->state == PACKET_FREE);
    if (f->flight == 0)
        f->first_send_time = f->delivered_time = f->progress = now;
    f->flight += DUMBBELL_MSS;
    *s = (struct sent){.state = PACKET_FLYING,
                       .time = now,
                       .delivered_time = f->delivered_time,
                       .first_send_time = f->first_send_time,
                       .delivered = f->delivered,
                       .lost = f->lost,
                       .tx_in_flight = f->flight};
    f->next++;
    dumbbell_transmit(f->path, now, &p);
}

static bool
cwnd_allows(const struct model_flow *f)
{
    return f->flight == 0 || f->flight + DUMBBELL_MSS <= f->cc.cwnd;
}

/* A burst of a quantum, and then nothing until it is paid for. */
static void
send(struct model_flow *f, wgt_time now)
{
    uint64_t rate = pacing_rate(f);
    uint32_t quantum = f->cc.send_quantum > 0 ? f->cc.send_quantum : 2 * DUMBBELL_MSS, sent = 0;

    while (cwnd_allows(f) && (rate == 0 || f->next_send <= now) && sent < quantum) {
        transmit(f, now);
        sent += DUMBBELL_MSS;
    }
    if (sent > 0 && rate > 0)
        f->next_send = now + sent * WGT_SEC / rate;
    if (!cwnd_allows(f))
        f->was_limited = true;
}

static wgt_time
rto(const struct model_flow *f)
{
    return f->srtt == 0 ? WGT_SEC : 2 * f->srtt + RTO_MIN;
}

static void
settle(struct model_flow *f, uint64_t number)
{
    sent_of(f, number)->state = PACKET_FREE;
    f->flight -= DUMBBELL_MSS;
    while (f->oldest < f->next && sent_of(f, f->oldest)->state == PACKET_FREE)
        f->oldest++;
}

static void
lose(struct model_flow *f, wgt_time now, uint64_t number)
{
    struct sent *s = sent_of(f, number);

    f->lost += DUMBBELL_MSS;
    f->lost_packets++;
    if (f->cc.ops->lost != NULL)
        f->cc.ops->lost(&f->cc, &(struct tcp_cc_loss){
                                    .now = now,
                                    .bytes = DUMBBELL_MSS,
                                    .tx_in_flight = s->tx_in_flight,
                                    .lost_since = (uint32_t)(f->lost - s->lost),
                                    .delivered_then = s->delivered,
                                    .total_delivered = f->delivered,
                                });
    settle(f, number);
}

static void
enter_recovery(struct model_flow *f, wgt_time now, uint32_t flight)
{
    f->in_recovery = true;
    f->recovery_end = f->next;
    f->cc.ops->enter_recovery(&f->cc, now, flight);
    if (!f->cc.ops->owns_recovery)
        f->cc.cwnd = f->cc.ssthresh;
}

static void
leave_recovery(struct model_flow *f, wgt_time now)
{
    f->in_recovery = f->after_timeout = false;
    if (f->cc.ops->leave_recovery != NULL)
        f->cc.ops->leave_recovery(&f->cc, now);
}

static void
time_out(struct model_flow *f, wgt_time now)
{
    bool repeated = f->after_timeout;

    f->timeouts++;
    f->cc.ops->timeout(&f->cc, now, f->flight, repeated);
    for (uint64_t n = f->oldest; n < f->next; n++) {
        if (sent_of(f, n)->state == PACKET_FLYING)
            lose(f, now, n);
    }
    f->in_recovery = false;
    f->after_timeout = true;
    f->recovery_end = f->next;
    f->progress = now;
}

/* What the newest packet of this ACK says of the path (draft-ietf-ccwg-bbr-04 4.1). */
static void
take_rate(struct model_flow *f, wgt_time now, const struct sent *s, struct tcp_cc_ack *ack)
{
    wgt_time by_send = s->time - s->first_send_time, by_ack = now - s->delivered_time;

    ack->rtt = now - s->time;
    ack->rate = (struct tcp_cc_rate){
        .total_delivered = f->delivered,
        .prior_delivered = s->delivered,
        .delivered = (uint32_t)(f->delivered - s->delivered),
        .interval = by_send > by_ack ? by_send : by_ack,
        .tx_in_flight = s->tx_in_flight,
    };
    f->first_send_time = s->time;
}

static void
take_arrivals(struct model_flow *f, wgt_time now, uint64_t until, struct tcp_cc_ack *ack,
              struct sent *newest)
{
    for (; f->confirmed < until; f->confirmed++) {
        uint64_t number = f->arrivals[f->confirmed % RING];
        struct sent *s = sent_of(f, number);

        if (number < f->oldest || s->state != PACKET_FLYING)
            continue;
        if (number + 1 > f->highest)
            f->highest = number + 1;
        if (ack->delivered == 0 || s->time >= newest->time)
            *newest = *s;
        ack->delivered += DUMBBELL_MSS;
        f->delivered += DUMBBELL_MSS;
        f->delivered_time = f->progress = now;
        settle(f, number);
    }
}

static void
confirm(struct model_flow *f, wgt_time now, uint64_t until)
{
    struct tcp_cc_ack ack = {.now = now, .rtt = WGT_NEVER, .prior_flight = f->flight};
    uint64_t lost_before = f->lost;
    struct sent newest = {0};

    take_arrivals(f, now, until, &ack, &newest);
    if (ack.delivered == 0)
        return;
    take_rate(f, now, &newest, &ack);
    f->srtt = f->srtt == 0 ? ack.rtt : f->srtt - f->srtt / 8 + ack.rtt / 8;
    if ((f->in_recovery || f->after_timeout) && f->highest > f->recovery_end)
        leave_recovery(f, now);
    for (uint64_t n = f->oldest; n + REORDER < f->highest; n++) {
        if (sent_of(f, n)->state == PACKET_FLYING)
            lose(f, now, n);
    }
    ack.lost = (uint32_t)(f->lost - lost_before);
    if (ack.lost > 0 && !f->in_recovery && !f->after_timeout)
        enter_recovery(f, now, ack.prior_flight);
    ack.srtt = f->srtt;
    ack.acked = ack.delivered;
    ack.flight = f->flight;
    ack.snd_una = (uint32_t)(f->oldest * DUMBBELL_MSS);
    ack.snd_nxt = (uint32_t)(f->next * DUMBBELL_MSS);
    ack.cwnd_limited = f->was_limited;
    ack.in_recovery = f->in_recovery;
    ack.after_timeout = f->after_timeout;
    ack.rate.lost = (uint32_t)(f->lost - newest.lost);
    f->was_limited = false;
    f->cc.ops->acked(&f->cc, &ack);
}

static void
acknowledge(struct model_flow *f, wgt_time now)
{
    struct dumbbell_packet p = {
        .flow = f->flow, .to_sender = true, .wire = DUMBBELL_HEADERS, .model = f->n_arrivals};

    f->acknowledged = f->n_arrivals;
    f->ack_due = WGT_NEVER;
    dumbbell_transmit(f->path, now, &p);
}

static void
model_wake(void *state, wgt_time now)
{
    struct model_flow *f = state;
    wgt_time at;

    if (f->ack_due <= now)
        acknowledge(f, now);
    if (f->flight > 0 && now >= f->progress + rto(f))
        time_out(f, now);
    send(f, now);
    at = wgt_time_min(f->ack_due, f->flight > 0 ? f->progress + rto(f) : WGT_NEVER);
    if (cwnd_allows(f))
        at = wgt_time_min(at, f->next_send > now ? f->next_send : now + 1);
    dumbbell_wake(f->path, f->flow, at);
}

static void
model_arrive(void *state, wgt_time now, const struct dumbbell_packet *p)
{
    struct model_flow *f = state;

    if (p->to_sender) {
        confirm(f, now, p->model);
    } else {
        f->arrivals[f->n_arrivals++ % RING] = p->model;
        if (f->n_arrivals - f->acknowledged >= PACKETS_AN_ACK)
            acknowledge(f, now);
        else
            f->ack_due = now + DELAYED_ACK;
    }
    model_wake(f, now);
}

static void *
model_open(struct dumbbell *d, uint32_t flow, const struct dumbbell_flow_options *o)
{
    struct model_flow *f = calloc(1, sizeof(*f));

    assert(f != NULL);
    f->path = d;
    f->flow = flow;
    f->sent = calloc(RING, sizeof(*f->sent));
    f->arrivals = calloc(RING, sizeof(*f->arrivals));
    assert(f->sent != NULL && f->arrivals != NULL);
    f->ack_due = WGT_NEVER;
    tcp_cc_init(&f->cc, o->cc, DUMBBELL_MSS, o->start, false);
    return f;
}

static uint64_t
model_received(const void *state)
{
    return ((const struct model_flow *)state)->n_arrivals * DUMBBELL_MSS;
}

static void
model_counters(const void *state, uint64_t *segments, uint64_t *retransmitted, uint64_t *timeouts)
{
    const struct model_flow *f = state;

    *segments = f->next;
    *retransmitted = f->lost_packets;
    *timeouts = f->timeouts;
}

static void
model_close(void *state, wgt_time now)
{
    struct model_flow *f = state;

    (void)now;
    free(f->sent);
    free(f->arrivals);
    free(f);
}

const struct dumbbell_flow_ops dumbbell_model_ops = {
    .open = model_open,
    .arrive = model_arrive,
    .wake = model_wake,
    .received = model_received,
    .counters = model_counters,
    .close = model_close,
};
