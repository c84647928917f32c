/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * BBR's model of the path (draft-ietf-ccwg-bbr-04 5.5): bandwidth, round-trip time, aggregation,
 * and what losses say.
 *
 * Losses are where this differs from the draft. The draft takes each for a sign of a full buffer
 * and 2 % of them for a proof; a radio link that loses 1 % by itself then costs half of the rate
 * (5.3.3.4: (1 - loss)^N). But a full buffer shows: what was sent next to the lost segment waited
 * in it. So
 *   - while round-trip times stay at their minimum (no queue), only more than FLAT_PERCENT counts;
 *     a policer, which drops without a queue, takes more than that off any probe;
 *   - what was lost in such rounds is the path's own share (floor), up to FLOOR_MAX_PERCENT, and
 *     with a queue losses count by what goes beyond twice that;
 *   - on a path that loses nothing by itself, floor is 0 and the draft's rules hold to the letter.
 */
#include "cc_bbr.h"

/* The draft's constants (2.9, 2.11, 2.12). */
#define MIN_RTT_FILTER_LEN (10 * WGT_SEC)
#define PROBE_RTT_INTERVAL (5 * WGT_SEC)
enum { EXTRA_ACKED_FILTER_LEN = 10, FULL_BW_ROUNDS = 3, BETA_PERCENT = 70 };

enum { FLAT_PERCENT = 10, FLOOR_MAX_PERCENT = 5, LOSS_THRESH_PERCENT = 2, LOSS_SLACK = 2 };

/* Losses without a queue are remembered for about so many rounds. */
enum { FLOOR_ROUNDS = 16 };

uint32_t
tcp_bbr_volume(uint64_t bw, wgt_time time)
{
    uint64_t usec = time / WGT_USEC;
    uint64_t limit = UINT64_C(1) << 30;

    if (bw == 0 || usec == 0)
        return 0;
    if (bw > UINT64_MAX / usec)
        return (uint32_t)limit;
    return (uint32_t)(bw * usec / 1000000 < limit ? bw * usec / 1000000 : limit);
}

uint32_t
tcp_bbr_bdp(const struct tcp_cc *cc, uint32_t bw, uint32_t gain)
{
    const struct tcp_bbr *b = bbr_of_const(cc);

    if (b->min_rtt == WGT_NEVER)
        return cc->initial_window; /* no valid RTT samples yet */
    return (uint32_t)((uint64_t)tcp_bbr_volume(bw, b->min_rtt) * gain / 100);
}

void
tcp_bbr_model_init(struct tcp_cc *cc, wgt_time now)
{
    struct tcp_bbr *b = bbr_of(cc);

    b->min_rtt = b->probe_rtt_min_delay = WGT_NEVER;
    b->min_rtt_stamp = b->probe_rtt_min_stamp = now;
    b->rtt_low_of[0] = b->rtt_low_of[1] = WGT_NEVER;
    b->rtt_low_start = now;
    b->extra_acked_start = now;
    b->inflight_longterm = BBR_NO_LIMIT;
    tcp_bbr_reset_congestion_signals(b);
    tcp_bbr_reset_shortterm(b);
    tcp_bbr_reset_full_bw(b, 0);
}

void
tcp_bbr_start_round(struct tcp_bbr *b, uint64_t delivered)
{
    b->next_round_delivered = delivered;
}

void
tcp_bbr_reset_full_bw(struct tcp_bbr *b, uint32_t bw)
{
    b->full_bw = bw;
    b->full_bw_count = 0;
    b->full_bw_now = false;
}

static void
reset_round_losses(struct tcp_bbr *b)
{
    b->is_loss_in_round = b->congested = false;
    b->lost_flat = b->lost_queued = b->delivered = 0;
    b->loss_ranges = 0;
}

/* BBRResetCongestionSignals */
void
tcp_bbr_reset_congestion_signals(struct tcp_bbr *b)
{
    reset_round_losses(b);
    b->bw_latest = 0;
    b->inflight_latest = 0;
}

/* BBRResetShortTermModel */
void
tcp_bbr_reset_shortterm(struct tcp_bbr *b)
{
    b->bw_shortterm = BBR_NO_BW;
    b->inflight_shortterm = BBR_NO_LIMIT;
}

/* More than a sixteenth of the way and a burst of our own. */
bool
tcp_bbr_is_queued(const struct tcp_cc *cc)
{
    const struct tcp_bbr *b = bbr_of_const(cc);
    uint32_t bw = bbr_max_bw(b);
    wgt_time burst = bw > 0 ? cc->send_quantum * WGT_SEC / bw : 0;

    if (b->min_rtt == WGT_NEVER || bbr_rtt_low(b) == WGT_NEVER)
        return false;
    return bbr_rtt_low(b) > b->min_rtt + b->min_rtt / 16 + burst;
}

bool
tcp_bbr_excessive(const struct tcp_cc *cc, uint32_t lost, uint32_t volume, uint32_t percent,
                  bool queued)
{
    const struct tcp_bbr *b = bbr_of_const(cc);
    uint64_t known = (uint64_t)b->floor_delivered + b->floor_lost + UINT64_C(64) * cc->mss;
    uint64_t allowed, floor;

    if (!queued)
        return lost > (uint64_t)volume * FLAT_PERCENT / 100 + (uint64_t)LOSS_SLACK * cc->mss;
    allowed = (uint64_t)volume * percent / 100;
    if (b->floor_lost > 0) {
        floor = (uint64_t)volume * b->floor_lost / known;
        if (floor > (uint64_t)volume * FLOOR_MAX_PERCENT / 100)
            floor = (uint64_t)volume * FLOOR_MAX_PERCENT / 100;
        allowed += 2 * floor + (uint64_t)LOSS_SLACK * cc->mss;
    }
    return lost > allowed;
}

/* BBRUpdateLatestDeliverySignals */
static void
update_latest_delivery_signals(struct tcp_bbr *b, struct bbr_sample *s)
{
    const struct tcp_cc_rate *rate = &s->ack->rate;

    b->bw_latest = tcp_max(b->bw_latest, s->bw);
    b->inflight_latest = tcp_max(b->inflight_latest, rate->delivered);
    if (rate->prior_delivered >= b->loss_round_delivered) {
        b->loss_round_delivered = rate->total_delivered;
        s->loss_round_start = true;
    }
}

/* BBRUpdateRound */
static void
update_round(struct tcp_bbr *b, struct bbr_sample *s)
{
    if (s->ack->rate.prior_delivered < b->next_round_delivered)
        return;
    tcp_bbr_start_round(b, s->ack->rate.total_delivered);
    s->round_start = true;
    if (b->rounds_since_probe_up < UINT8_MAX)
        b->rounds_since_probe_up++;
    if (b->drain_rounds < UINT8_MAX)
        b->drain_rounds++;
}

/* BBRUpdateMaxBw: the filter's slot is the cycle. */
static void
update_max_bw(struct tcp_bbr *b, const struct bbr_sample *s)
{
    if (s->bw > 0 && (s->bw >= bbr_max_bw(b) || !s->app_limited) && s->bw > b->max_bw_of[1])
        b->max_bw_of[1] = s->bw;
}

/* The path's own losses, measured while nothing queued. */
static void
measure_floor(struct tcp_bbr *b)
{
    if (b->lost_queued > 0)
        return;
    b->floor_lost += b->lost_flat;
    b->floor_lost -= b->floor_lost / FLOOR_ROUNDS;
    b->floor_delivered += b->delivered;
    b->floor_delivered -= b->floor_delivered / FLOOR_ROUNDS;
    if (b->floor_delivered >= 1 << 30) { /* only their ratio matters */
        b->floor_delivered /= 2;
        b->floor_lost /= 2;
    }
}

/* At the end of a round of losses: what do they say? */
static void
judge_losses(struct tcp_cc *cc, struct bbr_sample *s)
{
    struct tcp_bbr *b = bbr_of(cc);
    uint32_t lost = b->lost_flat + b->lost_queued;
    uint32_t volume = b->delivered + lost;
    bool queued = b->lost_queued > 0;

    s->congested = b->congested || tcp_bbr_excessive(cc, lost, volume, 0, false) ||
                   (queued && tcp_bbr_excessive(cc, lost, volume, 0, true));
    s->high_loss = b->congested || tcp_bbr_excessive(cc, lost, volume, LOSS_THRESH_PERCENT, queued);
    if (!s->congested && !tcp_bbr_is_queued(cc))
        measure_floor(b);
}

/* BBRInitLowerBounds, BBRLossLowerBounds */
static void
lower_bounds(struct tcp_cc *cc)
{
    struct tcp_bbr *b = bbr_of(cc);
    uint32_t bw;

    if (b->bw_shortterm == BBR_NO_BW)
        b->bw_shortterm = bbr_max_bw(b);
    if (b->inflight_shortterm == BBR_NO_LIMIT)
        b->inflight_shortterm = cc->cwnd;
    bw = b->bw_shortterm / 100 * BETA_PERCENT;
    b->bw_shortterm = tcp_max(b->bw_latest, bw);
    b->inflight_shortterm = tcp_max(
        b->inflight_latest, (uint32_t)((uint64_t)b->inflight_shortterm * BETA_PERCENT / 100));
}

/* BBRUpdateCongestionSignals */
static void
update_congestion_signals(struct tcp_cc *cc, struct bbr_sample *s)
{
    struct tcp_bbr *b = bbr_of(cc);

    update_round(b, s);
    update_max_bw(b, s);
    b->delivered += s->ack->delivered;
    if (!s->loss_round_start)
        return; /* wait until end of round trip */
    judge_losses(cc, s);
    if (s->congested && !bbr_is_probing_bw(b))
        lower_bounds(cc); /* BBRAdaptLowerBoundsFromCongestion */
}

/* BBRUpdateACKAggregation; the filter is two buckets of half its length. */
static void
update_ack_aggregation(struct tcp_cc *cc, const struct bbr_sample *s)
{
    struct tcp_bbr *b = bbr_of(cc);
    uint32_t expected = tcp_bbr_volume(b->bw, s->ack->now - b->extra_acked_start);
    uint32_t half = b->full_bw_reached ? EXTRA_ACKED_FILTER_LEN / 2 : 1;

    if (s->round_start && ++b->extra_acked_rounds >= half) {
        b->extra_acked_rounds = 0;
        b->extra_acked_of[0] = b->extra_acked_of[1];
        b->extra_acked_of[1] = 0;
    }
    if (b->extra_acked_delivered <= expected) {
        b->extra_acked_delivered = 0;
        b->extra_acked_start = s->ack->now;
        expected = 0;
    }
    b->extra_acked_delivered += s->ack->delivered;
    b->extra_acked_of[1] =
        tcp_max(b->extra_acked_of[1], tcp_min(b->extra_acked_delivered - expected, cc->cwnd));
}

/* Slots of an eighth of a round trip, with a sample in each. */
static void
update_rtt_low(struct tcp_bbr *b, wgt_time now, wgt_time rtt)
{
    if (rtt == WGT_NEVER)
        return;
    if (b->min_rtt != WGT_NEVER && now - b->rtt_low_start > b->min_rtt / 8) {
        b->rtt_low_of[0] = b->rtt_low_of[1];
        b->rtt_low_of[1] = WGT_NEVER;
        b->rtt_low_start = now;
    }
    b->rtt_low_of[1] = wgt_time_min(b->rtt_low_of[1], rtt);
}

void
tcp_bbr_update_signals(struct tcp_cc *cc, struct bbr_sample *s)
{
    struct tcp_bbr *b = bbr_of(cc);

    update_rtt_low(b, s->ack->now, s->ack->rtt);
    update_latest_delivery_signals(b, s);
    update_congestion_signals(cc, s);
    update_ack_aggregation(cc, s);
}

/* BBRCheckFullBWReached (5.3.1.2). A sender that had little to send and filled a queue with it has
 * found the end, too: what a tunnel has to send depends on its inner senders' windows. */
void
tcp_bbr_check_full_bw(struct tcp_cc *cc, const struct bbr_sample *s)
{
    struct tcp_bbr *b = bbr_of(cc);

    if (b->full_bw_now || !s->round_start || (s->app_limited && !tcp_bbr_is_queued(cc)))
        return; /* no need to check for a full pipe now */
    if (s->bw >= (uint64_t)b->full_bw + b->full_bw / 4) {
        tcp_bbr_reset_full_bw(b, s->bw); /* bw is still growing */
        return;
    }
    if (++b->full_bw_count < FULL_BW_ROUNDS)
        return;
    b->full_bw_now = b->full_bw_reached = true;
}

/*
 * BBRUpdateMinRTT (5.3.4.3). A sample as low as the minimum, but for clock noise, refreshes it: the
 * queue has just been empty, and ProbeRTT would find out nothing (5.3.4.2 counts on such moments).
 */
void
tcp_bbr_update_min_rtt(struct tcp_cc *cc, const struct bbr_sample *s)
{
    struct tcp_bbr *b = bbr_of(cc);
    wgt_time rtt = s->ack->rtt, now = s->ack->now;
    bool min_rtt_expired;

    b->probe_rtt_expired = now > b->probe_rtt_min_stamp + PROBE_RTT_INTERVAL;
    if (rtt != WGT_NEVER) {
        if (rtt < b->probe_rtt_min_delay || b->probe_rtt_expired) {
            b->probe_rtt_min_delay = rtt;
            b->probe_rtt_min_stamp = now;
        } else if (rtt <= b->probe_rtt_min_delay + b->probe_rtt_min_delay / 32) {
            b->probe_rtt_min_stamp = now;
        }
    }
    min_rtt_expired = now > b->min_rtt_stamp + MIN_RTT_FILTER_LEN;
    if (b->probe_rtt_min_delay < b->min_rtt || min_rtt_expired) {
        b->min_rtt = b->probe_rtt_min_delay;
        b->min_rtt_stamp = b->probe_rtt_min_stamp;
    }
}

/* BBRAdvanceLatestDeliverySignals, and the end of the round of losses */
void
tcp_bbr_advance_signals(struct tcp_bbr *b, const struct bbr_sample *s)
{
    if (s->loss_round_start) {
        b->bw_latest = s->bw;
        b->inflight_latest = s->ack->rate.delivered;
        reset_round_losses(b);
    }
    b->bw = tcp_min(bbr_max_bw(b), b->bw_shortterm); /* BBRBoundBWForModel */
}

/* BBRSaveStateUponLoss, once an episode */
void
tcp_bbr_save(struct tcp_cc *cc)
{
    struct tcp_bbr *b = bbr_of(cc);

    if (b->undo_saved)
        return;
    b->undo_saved = true;
    b->undo_state = BBR_NO_STATE;
    b->undo_bw_shortterm = b->bw_shortterm;
    b->undo_inflight_shortterm = b->inflight_shortterm;
    b->undo_inflight_longterm = b->inflight_longterm;
}

/* BBRNoteLoss. Segments lost in a row left in a row: they make one range. */
void
tcp_bbr_note_loss(struct tcp_cc *cc, const struct tcp_cc_loss *loss)
{
    struct tcp_bbr *b = bbr_of(cc);

    if (!b->is_loss_in_round) {
        b->loss_round_delivered = loss->total_delivered;
        tcp_bbr_save(cc);
    }
    b->is_loss_in_round = true;
    if (tcp_bbr_is_queued(cc))
        b->lost_queued += loss->bytes;
    else
        b->lost_flat += loss->bytes;
    if (loss->tx_in_flight != b->last_lost_inflight + loss->bytes && b->loss_ranges < UINT8_MAX)
        b->loss_ranges++;
    b->last_lost_inflight = loss->tx_in_flight;
}

/* Congestion experienced: what a queue manager says in place of a loss needs no other proof. */
void
tcp_bbr_note_mark(struct tcp_cc *cc)
{
    struct tcp_bbr *b = bbr_of(cc);

    b->is_loss_in_round = b->congested = true;
}
