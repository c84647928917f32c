/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Loss detection and recovery: by SACK (RFC 6675, losses counted in order of transmission), by
 * duplicate ACKs without it (RFC 5681, RFC 6582), by the retransmission timer (RFC 6298 5.4-5.7).
 * In fast recovery proportional rate reduction paces the sender (RFC 6937).
 */
#include "internal.h"

uint32_t
tcp_pipe(const struct tcp_conn *c)
{
    return c->flight.bytes - tcp_min(c->flight.bytes, c->dup_bytes);
}

/* Segments sent before three that have arrived. */
static bool
lose_overtaken(struct tcp_conn *c)
{
    uint64_t third = c->delivered_order[TCP_DUP_THRESHOLD - 1];
    bool found = false;

    while (c->flight.head != NULL && c->flight.head->order < third) {
        tcp_sent_lose(c, c->flight.head);
        found = true;
    }
    return found;
}

static bool
lose_head(struct tcp_conn *c)
{
    struct tcp_sent *head = c->sent_head;

    if (head == NULL || head->list != &c->flight || (head->flags & TCP_SENT_RETRANSMITTED))
        return false;
    tcp_sent_lose(c, head);
    return true;
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
    uint32_t others = c->flight.bytes - tcp_min(c->flight.bytes, c->mss);

    c->dup_acks++;
    if (c->recovery == TCP_RECOVERY_NONE)
        others = tcp_min(others, (duplicates_count(c) ? 3 : 2) * c->mss);
    c->dup_bytes = tcp_min(c->dup_bytes + c->mss, others);
}

static void
enter_fast_recovery(struct tcp_conn *c, wgt_time now)
{
    uint32_t flight = tcp_outstanding(c);

    c->recovery = TCP_RECOVERY_FAST;
    c->recovery_point = c->snd_nxt;
    c->cc.ops->enter_recovery(&c->cc, now, flight);
    c->prr_delivered = c->prr_out = 0;
    c->prr_flight = tcp_max(flight, 1);
    c->repair_due = true;
    c->fast_retransmits++;
}

static void
leave_recovery(struct tcp_conn *c)
{
    if (c->recovery == TCP_RECOVERY_FAST)
        c->cc.cwnd = c->cc.ssthresh;
    c->recovery = TCP_RECOVERY_NONE;
    c->dup_acks = c->dup_bytes = 0;
    c->repair_due = false;
}

/* RFC 6937 3.1, slow start reduction bound. */
static void
reduce_proportionally(struct tcp_conn *c, uint32_t delivered)
{
    uint32_t pipe = tcp_pipe(c), ssthresh = c->cc.ssthresh;
    uint32_t send = 0;

    c->prr_delivered += delivered;
    if (pipe > ssthresh) {
        uint64_t due = ((uint64_t)c->prr_delivered * ssthresh + c->prr_flight - 1) / c->prr_flight;

        if (due > c->prr_out)
            send = (uint32_t)due - c->prr_out;
    } else {
        uint32_t ahead = c->prr_delivered - tcp_min(c->prr_delivered, c->prr_out);

        send = tcp_min(ssthresh - pipe, tcp_max(ahead, delivered) + c->mss);
    }
    c->cc.cwnd = pipe + send;
}

void
tcp_recovery_sent(struct tcp_conn *c, uint32_t bytes)
{
    if (c->recovery == TCP_RECOVERY_FAST)
        c->prr_out += bytes;
}

static bool
detect(struct tcp_conn *c, uint32_t acked, bool duplicate)
{
    if (c->sack_ok)
        return lose_overtaken(c);
    if (acked > 0) {
        /* RFC 6582 3.2 step 5: a partial ACK reveals the next hole; deflate by what it covers. */
        bool partial = c->recovery == TCP_RECOVERY_FAST && seq_lt(c->snd_una, c->recovery_point);

        c->dup_acks = 0;
        c->dup_bytes -= tcp_min(c->dup_bytes, partial && acked >= c->mss ? acked - c->mss : acked);
        return partial && lose_head(c);
    }
    if (duplicate && c->recovery != TCP_RECOVERY_LOSS) {
        count_duplicate(c);
        return c->dup_acks == TCP_DUP_THRESHOLD && duplicates_count(c) && lose_head(c);
    }
    return false;
}

/* RFC 2861 3: a window that was not in use has proved nothing. Slow start doubles a round trip, so
 * there half in use is enough. */
static bool
cwnd_limited(const struct tcp_conn *c)
{
    if (c->cc.cwnd < c->cc.ssthresh)
        return c->paused_flight >= c->cc.cwnd / 2;
    return c->paused_flight + c->mss > c->cc.cwnd;
}

/* Called after the sent segments were updated. acked: how far SND.UNA moved. duplicate: a duplicate
 * ACK by RFC 5681 2. */
void
tcp_recovery_ack(struct tcp_conn *c, const struct tcp_delivery *d, uint32_t acked, bool duplicate)
{
    bool was_in_fast = c->recovery == TCP_RECOVERY_FAST;
    bool lost, repaired;
    uint32_t dup_before = c->dup_bytes;
    uint32_t delivered = d->delivered;

    if (c->recovery != TCP_RECOVERY_NONE && seq_leq(c->recovery_point, c->snd_una))
        leave_recovery(c);
    repaired = was_in_fast && c->recovery == TCP_RECOVERY_NONE;
    lost = detect(c, acked, duplicate) || c->lost.head != NULL;
    if (!c->sack_ok) {
        /* What duplicates had announced is not delivered again when it is acknowledged. */
        delivered += c->dup_bytes;
        delivered -= tcp_min(delivered, dup_before);
    }

    was_in_fast = c->recovery == TCP_RECOVERY_FAST;
    if (lost && c->recovery == TCP_RECOVERY_NONE)
        enter_fast_recovery(c, d->now);
    if (c->recovery == TCP_RECOVERY_FAST) {
        if (lost && was_in_fast && !c->sack_ok)
            c->repair_due = true;
        if (delivered > 0 || !was_in_fast)
            reduce_proportionally(c, delivered);
        return;
    }
    /* The ACK that ends fast recovery sets cwnd (RFC 6582 3.2 step 3), it does not grow it. */
    if (acked > 0 && !repaired) {
        struct tcp_cc_ack ack = {.now = d->now,
                                 .acked = acked,
                                 .flight = tcp_pipe(c),
                                 .cwnd_limited = cwnd_limited(c),
                                 .after_timeout = c->recovery == TCP_RECOVERY_LOSS};

        c->cc.ops->acked(&c->cc, &ack);
    }
}

/* RFC 6298 5.4-5.6: everything not SACKed is taken for lost; the first goes out again at once, the
 * rest as ACKs come in. */
void
tcp_recovery_timeout(struct tcp_conn *c, wgt_time now)
{
    bool repeated;

    /* RFC 2018 8: a receiver that SACKed it would have acknowledged it by now. */
    if (c->sent_head->flags & TCP_SENT_SACKED)
        tcp_sent_unsack(c);
    repeated = c->recovery == TCP_RECOVERY_LOSS && c->timed_out == c->snd_una;
    c->timed_out = c->snd_una;
    c->cc.ops->timeout(&c->cc, now, tcp_outstanding(c), repeated);
    for (struct tcp_sent *s = c->sent_head; s != NULL; s = s->next) {
        if (!(s->flags & TCP_SENT_SACKED) && s->list != &c->lost)
            tcp_sent_lose(c, s);
    }
    c->recovery = TCP_RECOVERY_LOSS;
    c->recovery_point = c->snd_nxt;
    c->dup_acks = c->dup_bytes = 0;
    c->repair_due = true;
    c->timeouts++;
    if (c->rto_backoff < UINT8_MAX)
        c->rto_backoff++;
}
