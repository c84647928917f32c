/* SPDX-License-Identifier: BSD-3-Clause */
/* What the acknowledgment, window and SACK fields of a segment do to the sender. */
#include "internal.h"

/* RFC 9293 3.10.7.4: not from an older segment than the last update. Returns whether it changed. */
static bool
update_window(struct tcp_conn *c, const struct tcp_segment *seg, uint32_t seq)
{
    uint32_t wnd = (uint32_t)seg->window << c->snd_shift;
    bool changed;

    if (seq_lt(seg->ack, c->snd_una))
        return false;
    if (!seq_lt(c->snd_wl1, seq) && !(c->snd_wl1 == seq && seq_leq(c->snd_wl2, seg->ack)))
        return false;
    changed = wnd != c->snd_wnd;
    c->snd_wnd = wnd;
    c->snd_wnd_max = tcp_max(c->snd_wnd_max, wnd);
    c->snd_wl1 = seq;
    c->snd_wl2 = seg->ack;
    if (changed) {
        c->persist_backoff = 0;
        if (tcp_is_busy(c))
            c->tx->persist_at = WGT_NEVER;
    }
    return changed;
}

/* RFC 2883 4: the first block lies below the ACK or inside the second. */
static bool
reports_duplicate(const struct tcp_segment *seg)
{
    if (seg->n_sack == 0)
        return false;
    if (seq_lt(seg->sack[0].left, seg->ack))
        return true;
    return seg->n_sack > 1 && seq_leq(seg->sack[1].left, seg->sack[0].left) &&
           seq_leq(seg->sack[0].right, seg->sack[1].right);
}

/*
 * RFC 7323 4.1: the echoed timestamp of an ACK that moves SND.UNA is a sample even when the data
 * was sent more than once. But when only the first copy's ACK was lost, the answer to the second
 * copy still echoes the first: the wait for our timer is no round trip. With SACK the D-SACK tells;
 * without, Karn's rule holds. An echo may be forged: no longer than the largest RTO.
 */
static bool
timestamp_rtt(const struct tcp_conn *c, const struct tcp_delivery *d, wgt_time *rtt)
{
    const struct tcp_segment *seg = d->seg;
    int32_t ticks = (int32_t)(tcp_ts_at(c, d->now) - seg->ts_ecr);

    if (!c->ts_ok || !seg->has_ts || ticks < 0)
        return false;
    if (d->ambiguous && seq_lt(seg->ts_ecr, tcp_ts_at(c, d->last_sent)) &&
        (!c->sack_ok || reports_duplicate(seg)))
        return false;
    *rtt = wgt_time_min(((wgt_time)ticks + (ticks == 0)) * WGT_MSEC, TCP_RTO_MAX);
    return true;
}

static void
take_rtt(struct tcp_conn *c, struct tcp_delivery *d, uint32_t flight)
{
    uint32_t per_rtt = (flight + 2 * c->mss - 1) / (2 * c->mss);
    wgt_time rtt = d->now - d->first_sent;

    if ((!d->timed || d->ambiguous) && !timestamp_rtt(c, d, &rtt))
        return;
    d->rtt = rtt;
    c->tlp.sampled = true;
    tcp_rtt_sample(&c->rtt, d->now, rtt, per_rtt);
    /* Karn's second half (RFC 6298 5.7): the back-off stays until there is a sample. */
    c->rto_backoff = 0;
}

/* Places in sequence space that lie behind must not be overtaken by its wrap. */
static void
keep_up(struct tcp_conn *c)
{
    if (c->recovery == TCP_RECOVERY_NONE && seq_lt(c->recovery_point, c->snd_una))
        c->recovery_point = c->snd_una - 1;
    c->tx->lost_high = tcp_seq_max(c->tx->lost_high, c->snd_una);
    if (seq_lt(c->ecn.reduced, c->snd_una))
        c->ecn.reduced = c->snd_una - 1;
    if (c->rack.dsack_round && seq_leq(c->rack.dsack_end, c->snd_una))
        c->rack.dsack_round = false;
}

static void
acknowledge(struct tcp_conn *c, struct tcp_delivery *d, uint32_t ack)
{
    uint32_t flight = tcp_outstanding(c);
    uint32_t acked = ack - c->snd_una;

    tcp_sent_ack(c, d, ack);
    keep_up(c);
    tcp_mtu_progress(c);
    take_rtt(c, d, flight);
    c->bytes_acked += acked - (c->fin_sent && ack == c->snd_nxt);
    c->progress = d->now;
    /* RFC 6298 5.2, 5.3. */
    c->rto_at = c->tx->sent_head != NULL ? d->now + tcp_rto(c) : WGT_NEVER;
}

/* What an acknowledgment, or SACK blocks, tell of what was sent. */
static void
take_delivery(struct tcp_conn *c, wgt_time now, const struct tcp_segment *seg, bool window_changed)
{
    struct tcp_delivery d = {
        .now = now,
        .seg = seg,
        .rtt = WGT_NEVER,
        .prior_flight = tcp_pipe(c),
        .prior_fack = c->tx->fack,
        .dsack = c->sack_ok && reports_duplicate(seg),
    };
    bool outstanding = c->tx->sent_head != NULL;
    bool bare = seg->payload.len == 0 && !(seg->flags & (TCP_SYN | TCP_FIN));
    uint32_t acked = 0;

    if (seq_lt(c->snd_una, seg->ack)) {
        acked = seg->ack - c->snd_una;
        acknowledge(c, &d, seg->ack);
    }
    if (c->sack_ok && seg->n_sack > 0 && tcp_is_busy(c))
        tcp_sent_sack(c, &d);
    /* A D-SACK may come when all has been acknowledged. */
    if (outstanding || d.dsack)
        tcp_recovery_ack(c, &d, acked,
                         outstanding && acked == 0 && seg->ack == c->snd_una && bare &&
                             !window_changed);
    if (acked > 0)
        tcp_tlp_arm(c, now);
    else if (c->tx->n_sacked > 0)
        tcp_tlp_stop(c); /* RACK has something to go by */
}

/* seg->ack was found acceptable (RFC 5961 5). seq is that of the segment, a SYN stripped. */
void
tcp_ack(struct tcp_conn *c, wgt_time now, const struct tcp_segment *seg, uint32_t seq)
{
    bool changed = update_window(c, seg, seq);

    /* RFC 9293 3.8.6.1: a window may stay closed for ever as long as the peer says so. */
    if (c->snd_wnd == 0)
        c->progress = now;
    c->probe_unanswered = false;
    /* Who only receives has nothing to learn. */
    if (c->tx->sent_head != NULL || seg->n_sack > 0 || seg->ack != c->snd_una)
        take_delivery(c, now, seg, changed);
}
