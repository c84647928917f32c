/* SPDX-License-Identifier: BSD-3-Clause */
#include "inner_sender.h"

#define RTO_MIN      (200 * WGT_MSEC)
#define RTO_INITIAL  WGT_SEC
#define RTO_MAX      (20 * WGT_SEC) /* below Linux's 120 s, so that a transfer ends with the run */
#define WINDOW       (6u << 20)
#define DUP_THRESH   3
#define DELACK_GUESS (200 * WGT_MSEC) /* a lone segment's ACK may be delayed (RFC 8985 7.2) */

static struct inner_tcp_sent *
sent_of(struct inner_tcp *t, uint32_t segment)
{
    return &t->sent[segment % INNER_TCP_RING];
}

static uint32_t
in_flight(const struct inner_tcp *t)
{
    return t->nxt - t->una - t->n_sacked - t->n_lost;
}

/* --- timers --------------------------------------------------------------------------------------
 */

static wgt_time
rto(const struct inner_tcp *t)
{
    wgt_time base = RTO_INITIAL;

    if (t->srtt > 0)
        base = t->srtt + (4 * t->rttvar > RTO_MIN ? 4 * t->rttvar : RTO_MIN);
    return wgt_time_min(base << (t->backoff < 10 ? t->backoff : 10), RTO_MAX);
}

static void
arm(struct inner_tcp *t, wgt_time now)
{
    wgt_time probe;

    t->timer_at = WGT_NEVER;
    t->timer_is_tlp = false;
    if (t->una == t->nxt)
        return;
    t->timer_at = now + rto(t);
    if (t->state != INNER_OPEN || t->tlp_used || t->srtt == 0 || t->n_sacked > 0)
        return;
    probe = now + 2 * t->srtt + (in_flight(t) == 1 ? DELACK_GUESS : 0);
    if (probe < t->timer_at) {
        t->timer_at = probe;
        t->timer_is_tlp = true;
    }
}

wgt_time
inner_sender_deadline(const struct inner_tcp *t)
{
    return wgt_time_min(t->timer_at, t->reorder_at);
}

static void
update_rtt(struct inner_tcp *t, wgt_time rtt)
{
    wgt_time off = rtt > t->srtt ? rtt - t->srtt : t->srtt - rtt;
    bool round = t->una >= t->round_end;

    if (t->srtt == 0) {
        t->srtt = rtt;
        t->rttvar = rtt / 2;
        t->min_rtt = rtt;
    } else {
        t->rttvar = (3 * t->rttvar + off) / 4;
        t->srtt = (7 * t->srtt + rtt) / 8;
    }
    t->min_rtt = wgt_time_min(t->min_rtt, rtt);
    if (round)
        t->round_end = t->nxt;
    inner_cc_rtt(&t->cc, rtt, round);
}

/* --- loss ----------------------------------------------------------------------------------------
 */

static void
mark_lost(struct inner_tcp *t, uint32_t segment)
{
    struct inner_tcp_sent *s = sent_of(t, segment);

    if (s->sacked || s->lost)
        return;
    s->lost = true;
    t->n_lost++;
}

static wgt_time
reorder_window(const struct inner_tcp *t)
{
    if (!t->reordering && (t->state != INNER_OPEN || t->n_sacked >= DUP_THRESH))
        return 0;
    return wgt_time_min(t->min_rtt / 4, t->srtt);
}

/* RFC 8985 6.2: lost is what left a reordering window before something delivered. */
static uint32_t
detect_by_time(struct inner_tcp *t, wgt_time now)
{
    wgt_time limit = t->rack_rtt + reorder_window(t);
    uint32_t before = t->n_lost;

    t->reorder_at = WGT_NEVER;
    for (uint32_t i = t->una; i != t->nxt; i++) {
        struct inner_tcp_sent *s = sent_of(t, i);

        if (s->sacked || s->lost || s->time > t->rack_time ||
            (s->time == t->rack_time && i >= t->rack_segment))
            continue;
        if (s->time + limit <= now)
            mark_lost(t, i);
        else
            t->reorder_at = wgt_time_min(t->reorder_at, s->time + limit);
    }
    return t->n_lost - before;
}

/* RFC 6675: lost is what three SACKed segments lie above, and was sent once only. */
static uint32_t
detect_by_count(struct inner_tcp *t)
{
    uint32_t above = 0, before = t->n_lost;

    for (uint32_t i = t->nxt; i-- != t->una;) {
        struct inner_tcp_sent *s = sent_of(t, i);

        above += s->sacked;
        if (above >= DUP_THRESH && !s->again)
            mark_lost(t, i);
    }
    return t->n_lost - before;
}

static void
begin_episode(struct inner_tcp *t, enum inner_tcp_state state)
{
    if (t->state == INNER_OPEN) {
        inner_cc_reduce(&t->cc);
        t->first_again = 0;
        t->reductions++;
    }
    t->state = state;
    t->recover = t->nxt;
    t->prr_delivered = t->prr_out = 0;
    t->prr_flight = t->nxt - t->una;
}

static void
detect(struct inner_tcp *t, wgt_time now)
{
    uint32_t found;

    if (t->n_sacked == 0 && t->state == INNER_OPEN) {
        t->reorder_at = WGT_NEVER;
        return;
    }
    found = t->config.classic ? detect_by_count(t) : detect_by_time(t, now);
    if (found > 0 && t->state == INNER_OPEN)
        begin_episode(t, INNER_RECOVERY);
}

static void
time_out(struct inner_tcp *t, wgt_time now)
{
    t->timeouts++;
    begin_episode(t, INNER_LOSS);
    t->cc.cwnd = 1;
    for (uint32_t i = t->una; i != t->nxt; i++)
        mark_lost(t, i);
    t->backoff++;
    t->reorder_at = WGT_NEVER;
    arm(t, now);
}

void
inner_sender_repeat(struct inner_tcp *t)
{
    for (uint32_t i = t->una; i != t->nxt; i++)
        mark_lost(t, i);
    if (t->state != INNER_OPEN)
        return;
    t->cc.prior_cwnd = t->cc.cwnd;
    t->cc.prior_ssthresh = t->cc.ssthresh;
    t->cc.prior_w_max = t->cc.w_max;
    t->first_again = 0;
    t->state = INNER_LOSS;
    t->recover = t->nxt;
}

void
inner_sender_expire(struct inner_tcp *t, wgt_time now)
{
    if (t->reorder_at <= now)
        detect(t, now);
    if (t->timer_at > now)
        return;
    if (!t->timer_is_tlp) {
        time_out(t, now);
        return;
    }
    t->tlp_used = t->tlp_due = true;
    arm(t, now);
}

/* --- acknowledgments -----------------------------------------------------------------------------
 */

/* What an ACK brought. */
struct news {
    uint32_t delivered, acked;
    wgt_time rtt; /* WGT_NEVER: no sample */
};

static void
delivered(struct inner_tcp *t, wgt_time now, uint32_t segment, struct news *news)
{
    struct inner_tcp_sent *s = sent_of(t, segment);
    wgt_time rtt = now - s->time;

    if (s->lost) {
        s->lost = false;
        t->n_lost--;
    }
    news->delivered++;
    if (!s->again) {
        news->rtt = wgt_time_min(news->rtt, rtt);
        if (segment < t->high_sacked)
            t->reordering = true;
    } else if (rtt < t->min_rtt) {
        return; /* it was the original that arrived */
    }
    if (segment >= t->high_sacked)
        t->high_sacked = segment;
    if (s->time > t->rack_time || (s->time == t->rack_time && segment > t->rack_segment)) {
        t->rack_time = s->time;
        t->rack_segment = segment;
        t->rack_rtt = rtt;
    }
}

static uint32_t
segment_at(const struct inner_tcp *t, uint32_t seq)
{
    return (seq - INNER_TCP_FIRST_SEQ) / t->mss;
}

static void
take_cumulative(struct inner_tcp *t, wgt_time now, uint32_t to, struct news *news)
{
    for (; t->una != to; t->una++) {
        struct inner_tcp_sent *s = sent_of(t, t->una);

        if (s->sacked)
            t->n_sacked--;
        else
            delivered(t, now, t->una, news);
        news->acked++;
    }
}

static void
take_sack(struct inner_tcp *t, wgt_time now, const struct tcp_segment *ack, struct news *news)
{
    for (unsigned b = 0; b < ack->n_sack; b++) {
        uint32_t left = segment_at(t, ack->sack[b].left + t->mss - 1),
                 right = segment_at(t, ack->sack[b].right);

        for (uint32_t i = left < t->una ? t->una : left; i < right && i < t->nxt; i++) {
            struct inner_tcp_sent *s = sent_of(t, i);

            if (s->sacked)
                continue;
            delivered(t, now, i, news);
            s->sacked = true;
            t->n_sacked++;
        }
    }
}

/* The ACK answers to an original that was repeated in vain (RFC 3522): all is put back. */
static void
undo(struct inner_tcp *t)
{
    inner_cc_undo(&t->cc);
    for (uint32_t i = t->una; i != t->nxt; i++)
        sent_of(t, i)->lost = false;
    t->n_lost = 0;
    t->state = INNER_OPEN;
    t->undone++;
}

static void
update_state(struct inner_tcp *t, const struct tcp_segment *ack, const struct news *news)
{
    if (t->state == INNER_OPEN || news->acked == 0)
        return;
    if (t->first_again != 0 && ack->ts_ecr != 0 && ack->ts_ecr < t->first_again) {
        undo(t);
    } else if (t->una >= t->recover) {
        if (t->state == INNER_RECOVERY)
            t->cc.cwnd = t->cc.ssthresh;
        t->state = INNER_OPEN;
    }
}

/* RFC 6937. */
static void
reduce_proportionally(struct inner_tcp *t, const struct news *news)
{
    double flight = in_flight(t), send, limit;

    t->prr_delivered += news->delivered;
    if (flight > t->cc.ssthresh) {
        send = t->prr_delivered * t->cc.ssthresh / t->prr_flight - t->prr_out;
    } else {
        limit = t->prr_delivered - t->prr_out;
        if (limit < news->delivered)
            limit = news->delivered;
        send = t->cc.ssthresh - flight < limit + 1 ? t->cc.ssthresh - flight : limit + 1;
    }
    if (send < 0)
        send = 0;
    if (t->prr_out == 0 && send < 1)
        send = 1; /* the fast retransmission itself */
    t->cc.cwnd = flight + send;
}

static void
take_ecn(struct inner_tcp *t, const struct tcp_segment *ack)
{
    if (!t->config.ecn || !(ack->flags & TCP_ECE) || t->una < t->cwr_point ||
        t->state != INNER_OPEN)
        return;
    inner_cc_reduce(&t->cc);
    t->cc.cwnd = t->cc.ssthresh;
    t->cwr_point = t->nxt;
    t->cwr_due = true;
    t->reductions++;
}

static void
grow_window(struct inner_tcp *t, wgt_time now, const struct news *news)
{
    if (t->state == INNER_RECOVERY)
        reduce_proportionally(t, news);
    else if (news->acked > 0 && (t->cwnd_limited || t->state == INNER_LOSS))
        inner_cc_acked(&t->cc, now, t->srtt, news->acked);
}

void
inner_sender_acked(struct inner_tcp *t, wgt_time now, const struct tcp_segment *ack)
{
    struct news news = {.rtt = WGT_NEVER};
    uint32_t to = segment_at(t, ack->ack);

    if (!t->established || to < t->una || to > t->nxt)
        return;
    take_cumulative(t, now, to, &news);
    take_sack(t, now, ack, &news);
    if (news.delivered == 0 && news.acked == 0) {
        take_ecn(t, ack);
        return;
    }
    if (news.rtt != WGT_NEVER)
        update_rtt(t, news.rtt);
    if (news.acked > 0) {
        t->backoff = 0;
        t->tlp_used = t->tlp_due = false;
    }
    update_state(t, ack, &news);
    detect(t, now);
    take_ecn(t, ack);
    grow_window(t, now, &news);
    if (news.acked > 0)
        arm(t, now);
    if (t->config.bytes > 0 && t->una == t->limit && t->complete_at == WGT_NEVER)
        t->complete_at = now;
}

/* --- departures ----------------------------------------------------------------------------------
 */

static bool
may_send_new(const struct inner_tcp *t)
{
    uint32_t window = (t->config.window > 0 ? t->config.window : WINDOW) / t->mss;

    return !t->stopped && t->nxt < t->limit && t->nxt - t->una < window &&
           t->nxt - t->una < INNER_TCP_RING;
}

bool
inner_sender_next(struct inner_tcp *t, uint32_t *segment)
{
    if (!t->established)
        return false;
    if (t->tlp_due && t->una != t->nxt) {
        *segment = may_send_new(t) ? t->nxt : t->nxt - 1;
        return true;
    }
    if ((double)in_flight(t) + 1 > t->cc.cwnd && in_flight(t) > 0) {
        t->cwnd_limited = true;
        return false;
    }
    for (uint32_t i = t->una; t->n_lost > 0 && i != t->nxt; i++) {
        if (sent_of(t, i)->lost) {
            *segment = i;
            return true;
        }
    }
    if (!may_send_new(t)) {
        t->cwnd_limited = false;
        return false;
    }
    *segment = t->nxt;
    return true;
}

void
inner_sender_sent(struct inner_tcp *t, wgt_time now, uint32_t segment, uint32_t number)
{
    struct inner_tcp_sent *s = sent_of(t, segment);

    t->segments_sent++;
    t->tlp_due = false;
    t->prr_out++;
    if (segment == t->nxt) {
        *s = (struct inner_tcp_sent){.time = now, .number = number};
        t->nxt++;
        if (t->timer_at == WGT_NEVER)
            arm(t, now);
        return;
    }
    t->retransmitted++;
    if (s->lost) {
        s->lost = false;
        t->n_lost--;
    }
    s->time = now;
    s->number = number;
    s->again = true;
    if (t->first_again == 0)
        t->first_again = number;
    arm(t, now);
}
