/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Loss recovery. Losses are found by time where there is SACK (rack.c, tlp.c), by duplicate ACKs
 * without it (RFC 5681, RFC 6582), by the retransmission timer (RFC 6298 5.4-5.7). In fast recovery
 * an algorithm that does not set the window itself is led to ssthresh by proportional rate
 * reduction (RFC 6937). What turns out to have been for nothing is taken back (undo.c).
 */
#include "internal.h"

/* A path that has lost something is expected to do so for this time. */
#define LOSS_MEMORY (300 * WGT_SEC)

bool
tcp_path_loses(const struct tcp_conn *c, wgt_time now)
{
    return now < c->loses_until;
}

/* An episode of recovery is over, and it was for something. */
static void
note_loss(struct tcp_conn *c, wgt_time now)
{
    c->loses_until = now + LOSS_MEMORY;
}

uint32_t
tcp_pipe(const struct tcp_conn *c)
{
    return c->tx->flight.bytes - tcp_min(c->tx->flight.bytes, c->tx->dup_bytes);
}

/* s is in flight and counts as lost from now on. */
void
tcp_recovery_lose(struct tcp_conn *c, wgt_time now, struct tcp_sent *s)
{
    uint32_t len = tcp_sent_seq_len(s);
    struct tcp_cc_loss loss = {
        .now = now,
        .bytes = len,
        .tx_in_flight = s->tx_in_flight,
        .delivered_then = tcp_rate_delivered_at(c, s),
        .total_delivered = c->rate.delivered,
        .app_limited = s->flags & TCP_SENT_APP_LIMITED,
    };

    tcp_sent_lose(c, s);
    if (tcp_mtu_lost(c, now, s))
        return; /* RFC 4821 7.5: no sign of congestion */
    tcp_rate_lost(c, len);
    loss.lost_since = (uint32_t)c->rate.lost - s->lost_before;
    c->congestion_seen = true;
    c->tx->lost_high = tcp_seq_max(c->tx->lost_high, s->seq + len);
    if (c->cc.ops->lost != NULL)
        c->cc.ops->lost(&c->cc, &loss);
}

static bool
lose_head(struct tcp_conn *c, wgt_time now)
{
    struct tcp_sent *head = c->tx->sent_head;

    if (head == NULL || head->list != &c->tx->flight || (head->flags & TCP_SENT_RETRANSMITTED))
        return false;
    tcp_recovery_lose(c, now, head);
    return true;
}

/* Without SACK nothing tells what else is missing. */
static void
lose_all(struct tcp_conn *c, wgt_time now)
{
    struct tcp_sent *next;

    for (struct tcp_sent *s = c->tx->flight.head; s != NULL; s = next) {
        next = s->after;
        tcp_recovery_lose(c, now, s);
    }
}

/* RFC 6582 3.2 step 1: not before SND.UNA has passed what was outstanding at the last loss, for the
 * duplicate ACKs may come from the retransmissions themselves. */
static bool
duplicates_count(const struct tcp_conn *c)
{
    return c->recovery == TCP_RECOVERY_NONE && seq_lt(c->recovery_point, c->snd_una);
}

/* Without SACK each duplicate ACK says that one more segment has left the network. That is what
 * limited transmit sends by (RFC 3042: two segments beyond cwnd) and what inflates the window in
 * fast recovery (RFC 5681 3.2 step 4). */
static void
count_duplicate(struct tcp_conn *c)
{
    uint32_t others = c->tx->flight.bytes - tcp_min(c->tx->flight.bytes, c->mss);

    c->tx->dup_acks++;
    if (c->recovery == TCP_RECOVERY_NONE)
        others = tcp_min(others, (duplicates_count(c) ? 3 : 2) * c->mss);
    c->tx->dup_bytes = tcp_min(c->tx->dup_bytes + c->mss, others);
}

/* RFC 3168 6.1.2: the window shrinks once for all that happened to it, losses and marks; the peer
 * is to know. */
static void
note_reduction(struct tcp_conn *c)
{
    c->ecn.reduced = c->snd_nxt;
    c->ecn.cwr_due = c->ecn.ok;
}

/* Of what was lost the first left before the last reduction, for a mark. */
static bool
is_reduced_already(const struct tcp_conn *c)
{
    return c->ecn.ok && !c->cc.ops->owns_recovery && c->tx->lost.head != NULL &&
           seq_lt(c->tx->lost.head->seq, c->ecn.reduced);
}

static void
begin_reduction(struct tcp_conn *c, uint32_t flight)
{
    c->tx->prr_delivered = c->tx->prr_out = 0;
    c->tx->prr_flight = tcp_max(flight, 1);
}

/* Fast recovery ends with the ssthresh of the algorithm that is there then: it must have set one.
 */
void
tcp_recovery_adopt(struct tcp_conn *c, wgt_time now)
{
    if (c->recovery != TCP_RECOVERY_FAST)
        return;
    c->cc.ops->enter_recovery(&c->cc, now, tcp_outstanding(c));
    begin_reduction(c, tcp_outstanding(c));
}

/* flight: bytes outstanding when what tells of the loss arrived (FlightSize in RFC 5681 (4),
 * RecoverFS in RFC 6937). */
static void
enter_fast_recovery(struct tcp_conn *c, wgt_time now, uint32_t flight)
{
    c->recovery = TCP_RECOVERY_FAST;
    c->recovery_point = c->snd_nxt;
    tcp_undo_begin(c, false);
    if (is_reduced_already(c)) {
        c->tx->undo.possible = false;
    } else {
        c->cc.ops->enter_recovery(&c->cc, now, flight);
        note_reduction(c);
    }
    c->tlp.out = false; /* what the probe has found is part of this */
    begin_reduction(c, flight);
    c->repair_due = true;
    c->fast_retransmits++;
    tcp_tlp_stop(c);
}

/* RFC 8985 7.4.2: a loss that a probe has repaired is one all the same. */
static void
slow_down(struct tcp_conn *c, wgt_time now, uint32_t flight)
{
    const struct tcp_cc_ops *ops = c->cc.ops;

    note_loss(c, now);
    ops->enter_recovery(&c->cc, now, flight);
    note_reduction(c);
    if (!ops->owns_recovery)
        c->cc.cwnd = tcp_min(c->cc.cwnd, c->cc.ssthresh);
    if (ops->leave_recovery != NULL)
        ops->leave_recovery(&c->cc, now);
}

static void
leave_recovery(struct tcp_conn *c, wgt_time now)
{
    if (c->recovery == TCP_RECOVERY_FAST && !c->cc.ops->owns_recovery)
        c->cc.cwnd = c->cc.ssthresh;
    c->recovery = TCP_RECOVERY_NONE;
    c->tx->dup_acks = c->tx->dup_bytes = 0;
    c->repair_due = false;
    tcp_undo_repaired(c);
    tcp_rack_recovery_ends(c);
    note_loss(c, now);
    if (c->cc.ops->leave_recovery != NULL)
        c->cc.ops->leave_recovery(&c->cc, now);
}

/* Nothing was lost but time; what was besides, RACK will find again. */
static void
undo(struct tcp_conn *c, wgt_time now)
{
    tcp_sent_find_all(c);
    if (!c->tx->undo.timeout)
        c->rack.reordering_seen = true; /* what was overtaken has arrived */
    c->ecn.reduced = c->snd_una - 1;    /* the next loss or mark counts */
    c->recovery = TCP_RECOVERY_NONE;
    c->tx->dup_acks = c->tx->dup_bytes = 0;
    c->repair_due = false;
    c->rto_backoff = 0;
    c->undone++;
    c->cc.ops->undo(&c->cc, now);
}

/* RFC 6937 3.1, slow start reduction bound. */
static void
reduce_proportionally(struct tcp_conn *c, uint32_t delivered)
{
    uint32_t pipe = tcp_pipe(c), ssthresh = c->cc.ssthresh;
    struct tcp_tx *tx = c->tx;
    uint32_t send = 0;

    tx->prr_delivered += delivered;
    if (pipe > ssthresh) {
        uint64_t due =
            ((uint64_t)tx->prr_delivered * ssthresh + tx->prr_flight - 1) / tx->prr_flight;

        if (due > tx->prr_out)
            send = (uint32_t)due - tx->prr_out;
    } else {
        uint32_t ahead = tx->prr_delivered - tcp_min(tx->prr_delivered, tx->prr_out);

        send = tcp_min(ssthresh - pipe, tcp_max(ahead, delivered) + c->mss);
    }
    c->cc.cwnd = pipe + send;
}

void
tcp_recovery_sent(struct tcp_conn *c, uint32_t bytes)
{
    if (c->recovery == TCP_RECOVERY_FAST)
        c->tx->prr_out += bytes;
}

static bool
detect(struct tcp_conn *c, wgt_time now, uint32_t acked, bool duplicate)
{
    if (!tcp_is_busy(c))
        return false; /* a late D-SACK */
    if (c->sack_ok)
        return tcp_rack_detect(c, now);
    if (acked > 0) {
        /* RFC 6582 3.2 step 5: a partial ACK reveals the next hole; deflate by what it covers. */
        bool partial = c->recovery == TCP_RECOVERY_FAST && seq_lt(c->snd_una, c->recovery_point);

        c->tx->dup_acks = 0;
        c->tx->dup_bytes -=
            tcp_min(c->tx->dup_bytes, partial && acked >= c->mss ? acked - c->mss : acked);
        return partial && lose_head(c, now);
    }
    if (duplicate && c->recovery != TCP_RECOVERY_LOSS) {
        count_duplicate(c);
        return c->tx->dup_acks == TCP_DUP_THRESHOLD && duplicates_count(c) && lose_head(c, now);
    }
    return false;
}

/* RFC 2861 3: a window that was not in use has proved nothing. Slow start doubles a round trip, so
 * there half in use is enough. */
static bool
cwnd_limited(const struct tcp_conn *c, wgt_time now)
{
    if (c->cc.cwnd < c->cc.ssthresh && c->tx->paused_flight >= c->cc.cwnd / 2)
        return true;
    return c->tx->paused_flight + c->mss > c->cc.cwnd ||
           (c->rate.app_limited == 0 && tcp_pace_allows(c, now) == 0);
}

/* What the algorithm learns of an ACK. */
static void
tell_algorithm(struct tcp_conn *c, const struct tcp_delivery *d, uint32_t acked,
               uint64_t lost_before, bool after_timeout)
{
    struct tcp_cc_ack ack = {
        .now = d->now,
        .rtt = d->sampled ? d->sampled_rtt : d->rtt,
        .srtt = tcp_rtt_measured(&c->rtt) ? c->rtt.srtt : 0,
        .acked = acked,
        .delivered = d->delivered,
        .lost = (uint32_t)(c->rate.lost - lost_before),
        .prior_flight = d->prior_flight,
        .flight = tcp_pipe(c),
        .snd_una = c->snd_una,
        .snd_nxt = c->snd_nxt,
        .cwnd_limited = cwnd_limited(c, d->now),
        .in_recovery = c->recovery == TCP_RECOVERY_FAST,
        .after_timeout = after_timeout || c->recovery == TCP_RECOVERY_LOSS,
    };

    if (ack.acked == 0 && ack.delivered == 0 && ack.lost == 0)
        return;
    tcp_rate_sample(c, d, &ack.rate);
    c->cc.ops->acked(&c->cc, &ack);
}

static bool
was_for_nothing(struct tcp_conn *c, const struct tcp_delivery *d, uint32_t acked)
{
    if (!tcp_undo_due(c, d, acked))
        return false;
    undo(c, d->now);
    return true;
}

/* RFC 6937: not for an algorithm that sets the window itself. */
static void
reduce(struct tcp_conn *c, uint32_t delivered, bool begins)
{
    if (c->recovery == TCP_RECOVERY_FAST && !c->cc.ops->owns_recovery && (delivered > 0 || begins))
        reduce_proportionally(c, delivered);
}

/* Called after the sent segments were updated. acked: how far SND.UNA moved. duplicate: a duplicate
 * ACK by RFC 5681 2. */
void
tcp_recovery_ack(struct tcp_conn *c, struct tcp_delivery *d, uint32_t acked, bool duplicate)
{
    bool was_in_fast = c->recovery == TCP_RECOVERY_FAST;
    bool after_timeout = c->recovery == TCP_RECOVERY_LOSS;
    bool repaired = tcp_tlp_ack(c, d, duplicate);
    bool lost, ended = false;
    uint32_t dup_before = c->tx->dup_bytes;
    bool next_window = false;
    uint32_t delivered = d->delivered;
    uint32_t flight = tcp_outstanding(c) + acked;
    uint64_t lost_before = c->rate.lost;

    if (d->dsack && tcp_copy_explains(c, d->now, &d->seg->sack[0]))
        d->dsack_expected = true;
    if (d->dsack && !d->dsack_expected)
        tcp_rack_dsack(c);
    if (was_for_nothing(c, d, acked)) {
        after_timeout = false;
    } else if (c->recovery != TCP_RECOVERY_NONE && seq_leq(c->recovery_point, c->snd_una)) {
        ended = was_in_fast;
        leave_recovery(c, d->now);
        /* RFC 5681 3.1: a loss of what left after that recovery had begun is one of its own. */
        next_window = seq_lt(c->snd_una, c->tx->lost_high);
    }
    c->congestion_seen = false;
    lost = detect(c, d->now, acked, duplicate);
    if (!c->sack_ok) {
        /* What duplicates had announced is not delivered again when it is acknowledged. */
        delivered += c->tx->dup_bytes;
        delivered -= tcp_min(delivered, dup_before);
    }
    if (((lost && c->congestion_seen) || next_window) && c->recovery == TCP_RECOVERY_NONE)
        enter_fast_recovery(c, d->now, flight);
    else if (repaired && c->recovery == TCP_RECOVERY_NONE)
        slow_down(c, d->now, flight);
    else if (lost && !c->sack_ok)
        c->repair_due = true;
    reduce(c, delivered, c->recovery == TCP_RECOVERY_FAST && !was_in_fast);
    /* The ACK that ends fast recovery sets cwnd (RFC 6582 3.2 step 3), it does not grow it. */
    if (!ended || c->cc.ops->owns_recovery)
        tell_algorithm(c, d, acked, lost_before, after_timeout);
}

/* The reordering timer: what was given time enough is lost. */
void
tcp_recovery_reorder_timer(struct tcp_conn *c, wgt_time now)
{
    struct tcp_delivery none = {.now = now, .rtt = WGT_NEVER, .prior_flight = tcp_pipe(c)};
    uint64_t lost_before = c->rate.lost;

    c->congestion_seen = false;
    if (!tcp_rack_detect(c, now))
        return;
    if (c->congestion_seen && c->recovery == TCP_RECOVERY_NONE)
        enter_fast_recovery(c, now, tcp_outstanding(c));
    reduce(c, 0, true);
    tell_algorithm(c, &none, 0, lost_before, false);
}

/* RFC 6298 5.4-5.6. */
void
tcp_recovery_timeout(struct tcp_conn *c, wgt_time now)
{
    bool repeated;

    /* RFC 2018 8: a receiver that SACKed it would have acknowledged it by now. */
    if (c->tx->sent_head->flags & TCP_SENT_SACKED)
        tcp_sent_unsack(c);
    repeated = c->recovery == TCP_RECOVERY_LOSS && c->tx->timed_out == c->snd_una;
    c->tx->timed_out = c->snd_una;
    c->recovery_point = c->snd_nxt;
    tcp_undo_begin(c, true);
    c->cc.ops->timeout(&c->cc, now, tcp_outstanding(c), repeated);
    c->recovery = TCP_RECOVERY_LOSS;
    if (c->sack_ok)
        tcp_rack_timeout(c, now);
    else
        lose_all(c, now);
    note_reduction(c);
    c->tlp.out = false;
    c->tx->dup_acks = c->tx->dup_bytes = 0;
    c->repair_due = true;
    c->timeouts++;
    tcp_tlp_stop(c);
    if (c->rto_backoff < UINT8_MAX)
        c->rto_backoff++;
}
