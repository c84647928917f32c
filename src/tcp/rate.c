/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How fast the path delivers (draft-cheng-iccrg-delivery-rate-estimation-02). Each segment
 * remembers what had been delivered when it left; when it arrives itself, the difference over the
 * time between is a sample. The longer of the times over which segments left and over which their
 * ACKs came counts: neither a burst of ACKs nor one of segments looks like bandwidth.
 */
#include "internal.h"

/* 3.2: a segment leaves. pipe: bytes in the network before it. */
void
tcp_rate_sent(struct tcp_conn *c, wgt_time now, struct tcp_sent *s, uint32_t pipe)
{
    if (pipe == 0)
        c->tx->first_sent = c->rate.delivered_time = now;
    s->first_sent = c->tx->first_sent;
    s->delivered_time = c->rate.delivered_time;
    s->delivered = (uint32_t)c->rate.delivered;
    s->lost_before = (uint32_t)c->rate.lost;
    s->tx_in_flight = pipe + tcp_sent_seq_len(s);
    s->flags &= (uint8_t)~TCP_SENT_APP_LIMITED;
    if (c->rate.app_limited != 0)
        s->flags |= TCP_SENT_APP_LIMITED;
}

/* C.delivered when s left: less than 2^32 ago, for a window is smaller. */
uint64_t
tcp_rate_delivered_at(const struct tcp_conn *c, const struct tcp_sent *s)
{
    return c->rate.delivered - ((uint32_t)c->rate.delivered - s->delivered);
}

void
tcp_rate_lost(struct tcp_conn *c, uint32_t bytes)
{
    c->rate.lost += bytes;
}

/* 3.3: bytes arrived. s: the segment, if they are the whole of its last transmission. */
void
tcp_rate_delivered(struct tcp_conn *c, struct tcp_delivery *d, uint32_t bytes,
                   const struct tcp_sent *s)
{
    c->rate.delivered += bytes;
    c->rate.delivered_time = d->now;
    if (s == NULL || (d->sampled && s->order <= d->sampled_order))
        return;
    d->sampled = true;
    d->sampled_order = s->order;
    d->sampled_rtt = d->now - s->time;
    d->send_elapsed = s->time - s->first_sent;
    d->ack_elapsed = d->now - s->delivered_time;
    d->rate = (struct tcp_cc_rate){
        .prior_delivered = tcp_rate_delivered_at(c, s),
        .tx_in_flight = s->tx_in_flight,
        .lost = s->lost_before, /* made a difference in tcp_rate_sample */
        .app_limited = s->flags & TCP_SENT_APP_LIMITED,
    };
    c->tx->first_sent = s->time;
}

/* 3.3, GenerateRateSample: after all that an ACK delivers and reveals as lost. */
void
tcp_rate_sample(struct tcp_conn *c, const struct tcp_delivery *d, struct tcp_cc_rate *rate)
{
    wgt_time interval = d->send_elapsed > d->ack_elapsed ? d->send_elapsed : d->ack_elapsed;
    uint64_t bw;

    if (c->rate.app_limited != 0 && c->rate.delivered > c->rate.app_limited)
        c->rate.app_limited = 0;
    *rate = (struct tcp_cc_rate){.total_delivered = c->rate.delivered,
                                 .prior_delivered = c->rate.delivered};
    if (!d->sampled)
        return;
    *rate = d->rate;
    rate->total_delivered = c->rate.delivered;
    rate->delivered = (uint32_t)(c->rate.delivered - d->rate.prior_delivered);
    rate->lost = (uint32_t)c->rate.lost - d->rate.lost;
    /* Shorter than any round trip: the ACK cannot be this transmission's. */
    if (interval == 0 || interval < tcp_rtt_min(&c->rtt))
        return;
    rate->interval = interval;
    bw = rate->delivered * WGT_SEC / interval;
    if (!rate->app_limited || bw > c->rate.last)
        c->rate.last = bw;
}

/* 3.4. Until what is in the network now has been delivered. */
void
tcp_app_limited(struct tcp_conn *c)
{
    uint32_t pipe = tcp_pipe(c);

    if (c->tx->lost.head != NULL || c->tx->unsent != NULL || pipe >= c->cc.cwnd)
        return;
    c->rate.app_limited = c->rate.delivered + pipe;
    if (c->rate.app_limited == 0)
        c->rate.app_limited = 1;
}
