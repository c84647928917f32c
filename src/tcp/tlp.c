/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tail loss probe (RFC 8985 7): when the last segments of a flight are lost there is nothing behind
 * them whose arrival would tell. Soon after the ACKs should have come, one more segment is sent,
 * new data if there is any; what it is answered with tells RACK what is missing.
 */
#include "internal.h"

#define TLP_MAX_ACK_DELAY (50 * WGT_MSEC)
#define TLP_PTO_MIN       (10 * WGT_MSEC)

void
tcp_tlp_stop(struct tcp_conn *c)
{
    c->tx->tlp_at = WGT_NEVER;
}

/*
 * 7.2 adds max_ack_delay with one segment in flight, and so does Linux: its ACK may be delayed. But
 * what ends the delay is every second full-sized segment (RFC 9293 3.8.6.3), not every second one:
 * of small ones any number may wait for it. A receiver takes for full the largest that it has seen,
 * and at first the default MSS; ours does (owe_delayed_ack), and so does Linux.
 */
static bool
ack_may_be_delayed(const struct tcp_conn *c)
{
    uint32_t full = tcp_max(tcp_min(c->options.mss_default, c->mss), c->mtu.sent);

    return c->tx->sent_head == c->tx->sent_tail || tcp_outstanding(c) < 2 * full;
}

/* 7.2: new data left, or SND.UNA moved. */
void
tcp_tlp_arm(struct tcp_conn *c, wgt_time now)
{
    wgt_time pto = 2 * c->rtt.srtt;

    c->tx->tlp_at = WGT_NEVER;
    if (!c->sack_ok || c->recovery != TCP_RECOVERY_NONE || c->tx->n_sacked > 0 ||
        c->tx->sent_head == NULL || c->rto_backoff > 0 || !tcp_rtt_measured(&c->rtt))
        return;
    if (ack_may_be_delayed(c))
        pto += TLP_MAX_ACK_DELAY;
    if (pto < TLP_PTO_MIN)
        pto = TLP_PTO_MIN;
    /* Not after the RTO: then it takes its place. */
    c->tx->tlp_at = wgt_time_min(now + pto, c->rto_at);
}

/* 7.3. One probe at a time, and none without a round trip measured since the last. */
void
tcp_tlp_expired(struct tcp_conn *c, wgt_time now)
{
    c->tx->tlp_at = WGT_NEVER;
    if (c->tlp.out || !c->tlp.sampled || c->tx->sent_tail == NULL)
        return;
    if (c->tx->unsent == NULL && c->tx->sent_tail->list != &c->tx->flight)
        return; /* there is nothing to probe with */
    c->tlp.due = true;
    c->rto_at = now + tcp_rto(c);
}

/* The probe is s: new data, or the last segment once more. */
void
tcp_tlp_sent(struct tcp_conn *c, const struct tcp_sent *s)
{
    c->tlp.due = false;
    c->tlp.out = true;
    c->tlp.sampled = false;
    c->tlp.again = s->flags & TCP_SENT_RETRANSMITTED;
    c->tlp.end = c->snd_nxt;
    c->tlp_probes++;
}

/* 7.4.2. Whether the probe has repaired a loss that nobody else saw: the sender must slow down. */
bool
tcp_tlp_ack(struct tcp_conn *c, struct tcp_delivery *d, bool duplicate)
{
    const struct tcp_segment *seg = d->seg;
    struct tcp_tlp *t = &c->tlp;

    if (!t->out || seq_lt(seg->ack, t->end))
        return false;
    d->dsack_expected = t->again && d->dsack && seg->sack[0].right == t->end;
    if (t->again && !d->dsack_expected && seg->ack == t->end && !(duplicate && seg->n_sack == 0))
        return false; /* the first copy or the second: the next ACK will tell */
    t->out = false;
    return t->again && !d->dsack_expected && seq_lt(t->end, seg->ack);
}
