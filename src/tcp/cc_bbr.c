/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * BBR (draft-ietf-ccwg-bbr-04, BBRv3): the state machine (5.3) and what it sets (5.6). The draft's
 * names are given in comments. Departures from it, each for shorter queues or for lossy paths:
 *   - what counts as congestive loss, and what refreshes min_rtt: see cc_bbr_model.c;
 *   - ProbeBW_UP also ends when it has built a queue: see has_built_queue();
 *   - and ProbeBW_CRUISE returns to DOWN: see is_time_to_drain_again(). With that to keep the queue
 *     short, CRUISE may use the whole estimate: its gain gives back the margin that is taken off
 *     the pacing rate.
 */
#include "cc_bbr.h"

/* Gains in hundredths (5.6.1). */
static const struct {
    uint16_t pacing, cwnd;
} gains[] = {
    [BBR_STARTUP] = {277, 200},         [BBR_DRAIN] = {50, 200},
    [BBR_PROBE_BW_DOWN] = {90, 200},    [BBR_PROBE_BW_CRUISE] = {101, 200},
    [BBR_PROBE_BW_REFILL] = {100, 200}, [BBR_PROBE_BW_UP] = {125, 225},
    [BBR_PROBE_RTT] = {100, 50},
};

enum {
    PACING_MARGIN_PERCENT = 1,
    LOSS_THRESH_PERCENT = 2,
    STARTUP_FULL_LOSS_COUNT = 6,
    BETA_PERCENT = 70,
    HEADROOM_PERCENT = 15,
    MIN_PIPE_CWND = 4, /* segments */
    DRAIN_ROUNDS = 3,
    RENO_ROUNDS_MAX = 63,
    UP_ROUNDS_QUEUED = 2,
    CRUISE_QUEUE_PERCENT = 6,
    SEND_QUANTUM_MAX = 64 << 10,
};

#define PROBE_RTT_DURATION (200 * WGT_MSEC)

/* RFC 9293 3.8.6 never lets a window reach 2^31. */
enum { CWND_MAX = 1 << 30 };

static uint32_t
percent(uint32_t of, uint32_t n)
{
    return (uint32_t)((uint64_t)of * n / 100);
}

/* xorshift32, stirred with what this connection alone has seen: enough to keep flows apart. */
static uint32_t
draw(struct tcp_bbr *b, wgt_time now)
{
    uint32_t x = b->random ^ (uint32_t)(now / WGT_USEC) ^ (uint32_t)b->next_round_delivered;

    x += x == 0;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    b->random = x;
    return x >> 8;
}

/* BBRQuantizationBudget, with the offload budget of 5.5.8 */
static uint32_t
quantization_budget(const struct tcp_cc *cc, uint32_t inflight)
{
    inflight = tcp_max(inflight, 3 * cc->send_quantum);
    inflight = tcp_max(inflight, MIN_PIPE_CWND * cc->mss);
    if (bbr_of_const(cc)->state == BBR_PROBE_BW_UP)
        inflight += 2 * cc->mss;
    return inflight;
}

/* BBRInflight */
static uint32_t
inflight_for(const struct tcp_cc *cc, uint32_t bw, uint32_t gain)
{
    return quantization_budget(cc, tcp_bbr_bdp(cc, bw, gain));
}

/* BBRTargetInflight */
static uint32_t
target_inflight(const struct tcp_cc *cc)
{
    return tcp_min(tcp_bbr_bdp(cc, bbr_of_const(cc)->bw, 100), cc->cwnd);
}

/* BBRInflightWithHeadroom */
static uint32_t
inflight_with_headroom(const struct tcp_cc *cc)
{
    const struct tcp_bbr *b = bbr_of_const(cc);
    uint32_t headroom;

    if (b->inflight_longterm == BBR_NO_LIMIT)
        return BBR_NO_LIMIT;
    headroom = tcp_max(cc->mss, percent(b->inflight_longterm, HEADROOM_PERCENT));
    return tcp_max(b->inflight_longterm - tcp_min(headroom, b->inflight_longterm),
                   MIN_PIPE_CWND * cc->mss);
}

/* BBRSaveCwnd, BBRRestoreCwnd */
static void
save_cwnd(struct tcp_cc *cc)
{
    struct tcp_bbr *b = bbr_of(cc);

    if (!b->in_recovery && b->state != BBR_PROBE_RTT)
        b->prior_cwnd = cc->cwnd;
    else
        b->prior_cwnd = tcp_max(b->prior_cwnd, cc->cwnd);
}

static void
restore_cwnd(struct tcp_cc *cc)
{
    cc->cwnd = tcp_max(cc->cwnd, bbr_of(cc)->prior_cwnd);
}

/* BBRPickProbeWait: 0 or 1 rounds, 2 to 3 s */
static void
pick_probe_wait(struct tcp_bbr *b, wgt_time now)
{
    b->rounds_since_probe_up = draw(b, now) & 1;
    b->bw_probe_wait_ms = 2000 + draw(b, now) % 1000;
}

/* BBRStartProbeBW_DOWN */
static void
start_down(struct tcp_bbr *b, wgt_time now, uint64_t delivered)
{
    tcp_bbr_reset_congestion_signals(b);
    b->probe_up_acked_per_inc = BBR_NO_LIMIT; /* not growing inflight_longterm */
    pick_probe_wait(b, now);
    b->cycle_stamp = now;
    b->ack_phase = BBR_ACKS_PROBE_STOPPING;
    tcp_bbr_start_round(b, delivered);
    b->state = BBR_PROBE_BW_DOWN;
}

/* BBRStartProbeBW_REFILL */
static void
start_refill(struct tcp_bbr *b, uint64_t delivered)
{
    tcp_bbr_reset_shortterm(b);
    b->bw_probe_up_rounds = 0;
    b->bw_probe_up_acked = 0;
    b->prev_probe_precautionary = false;
    b->ack_phase = BBR_ACKS_REFILLING;
    tcp_bbr_start_round(b, delivered);
    b->state = BBR_PROBE_BW_REFILL;
}

/* BBRRaiseInflightLongtermSlope */
static void
raise_longterm_slope(struct tcp_cc *cc)
{
    struct tcp_bbr *b = bbr_of(cc);

    b->probe_up_acked_per_inc = tcp_max(cc->cwnd >> b->bw_probe_up_rounds, cc->mss);
    if (b->bw_probe_up_rounds < 30)
        b->bw_probe_up_rounds++;
}

/* BBRStartProbeBW_UP */
static void
start_up(struct tcp_cc *cc, const struct bbr_sample *s)
{
    struct tcp_bbr *b = bbr_of(cc);

    b->ack_phase = BBR_ACKS_PROBE_STARTING;
    tcp_bbr_start_round(b, s->ack->rate.total_delivered);
    tcp_bbr_reset_full_bw(b, s->bw);
    b->cycle_stamp = s->ack->now;
    b->up_persists = tcp_bbr_is_queued(cc) && (draw(b, s->ack->now) & 1);
    b->state = BBR_PROBE_BW_UP;
    raise_longterm_slope(cc);
}

static void
enter_drain(struct tcp_bbr *b)
{
    b->state = BBR_DRAIN;
    b->drain_rounds = 0;
}

/* BBRIsInflightTooHigh */
static bool
is_inflight_too_high(const struct tcp_cc *cc, uint32_t lost, uint32_t tx_in_flight)
{
    return tcp_bbr_excessive(cc, lost, tx_in_flight, LOSS_THRESH_PERCENT, tcp_bbr_is_queued(cc));
}

/* BBRHandleInflightTooHigh (5.5.10.2) */
static void
handle_inflight_too_high(struct tcp_cc *cc, wgt_time now, uint32_t tx_in_flight,
                         uint64_t total_delivered, bool app_limited)
{
    struct tcp_bbr *b = bbr_of(cc);

    b->prev_probe_too_high = true;
    b->is_bw_probe_sample = false; /* only react once per bw probe */
    if (!app_limited)
        b->inflight_longterm = tcp_max(tx_in_flight, percent(target_inflight(cc), BETA_PERCENT));
    if (b->state == BBR_PROBE_BW_UP) {
        b->undo_state = BBR_PROBE_BW_UP;
        start_down(b, now, total_delivered);
    }
}

/* BBRCheckStartupHighLoss (5.3.1.3) */
static void
check_startup_high_loss(struct tcp_cc *cc, const struct bbr_sample *s)
{
    struct tcp_bbr *b = bbr_of(cc);

    if (b->full_bw_reached || !s->loss_round_start || !s->ack->in_recovery ||
        b->loss_ranges < STARTUP_FULL_LOSS_COUNT || !s->high_loss)
        return;
    b->undo_state = BBR_STARTUP;
    b->full_bw_reached = true;
    b->inflight_longterm = tcp_max(tcp_bbr_bdp(cc, bbr_max_bw(b), 100), b->inflight_latest);
}

/* BBRCheckStartupDone, BBRCheckDrainDone */
static void
check_startup_and_drain(struct tcp_cc *cc, const struct bbr_sample *s)
{
    struct tcp_bbr *b = bbr_of(cc);

    if (b->state == BBR_STARTUP) {
        check_startup_high_loss(cc, s);
        if (b->full_bw_reached)
            enter_drain(b);
    }
    if (b->state == BBR_DRAIN &&
        (s->ack->flight <= inflight_for(cc, bbr_max_bw(b), 100) || b->drain_rounds > DRAIN_ROUNDS))
        start_down(b, s->ack->now, s->ack->rate.total_delivered);
}

/* BBRProbeInflightLongtermUpward */
static void
probe_longterm_upward(struct tcp_cc *cc, const struct bbr_sample *s)
{
    struct tcp_bbr *b = bbr_of(cc);
    uint32_t steps;

    if (!s->ack->cwnd_limited || cc->cwnd < b->inflight_longterm)
        return; /* not fully using inflight_longterm, so don't grow it */
    b->bw_probe_up_acked += s->ack->delivered;
    if (b->bw_probe_up_acked >= b->probe_up_acked_per_inc) {
        steps = b->bw_probe_up_acked / b->probe_up_acked_per_inc;
        b->bw_probe_up_acked -= steps * b->probe_up_acked_per_inc;
        b->inflight_longterm = tcp_min(b->inflight_longterm + steps * cc->mss, CWND_MAX);
    }
    if (s->round_start)
        raise_longterm_slope(cc);
}

/* BBRAdvanceMaxBwFilter */
static void
advance_max_bw_filter(struct tcp_bbr *b)
{
    if (b->max_bw_of[1] == 0)
        return; /* no samples in this window; remember the old one */
    b->max_bw_of[0] = b->max_bw_of[1];
    b->max_bw_of[1] = 0;
}

/* BBRAdaptLongTermModel: whether it decided a state transition */
static bool
adapt_longterm_model(struct tcp_cc *cc, const struct bbr_sample *s)
{
    struct tcp_bbr *b = bbr_of(cc);
    const struct tcp_cc_rate *rate = &s->ack->rate;

    if (b->ack_phase == BBR_ACKS_PROBE_STARTING && s->round_start)
        b->ack_phase = BBR_ACKS_PROBE_FEEDBACK; /* starting to get bw probing samples */
    if (b->ack_phase == BBR_ACKS_PROBE_STOPPING && s->round_start) {
        /* end of samples from bw probing phase */
        b->is_bw_probe_sample = false;
        b->ack_phase = BBR_ACKS_INIT;
        if (bbr_is_in_probe_bw(b) && !s->app_limited)
            advance_max_bw_filter(b);
        if (bbr_is_in_probe_bw(b) && b->prev_probe_precautionary && !b->prev_probe_too_high) {
            start_refill(b, rate->total_delivered);
            return true;
        }
    }
    if (is_inflight_too_high(cc, rate->lost, rate->tx_in_flight) ||
        b->inflight_longterm == BBR_NO_LIMIT)
        return false;
    /* Loss rate is safe. Adjust upper bounds upward. */
    b->inflight_longterm = tcp_max(b->inflight_longterm, rate->tx_in_flight);
    if (b->state == BBR_PROBE_BW_UP)
        probe_longterm_upward(cc, s);
    return false;
}

/* BBRIsTimeToProbeBW with BBRIsRenoCoexistenceProbeTime (5.3.3.5) */
static bool
is_time_to_probe_bw(const struct tcp_cc *cc, wgt_time now)
{
    const struct tcp_bbr *b = bbr_of_const(cc);

    return now > b->cycle_stamp + b->bw_probe_wait_ms * WGT_MSEC ||
           b->rounds_since_probe_up >= tcp_min(target_inflight(cc) / cc->mss, RENO_ROUNDS_MAX);
}

/* BBRIsTimeToCruise */
static bool
is_time_to_cruise(const struct tcp_cc *cc, uint32_t flight)
{
    return flight <= inflight_with_headroom(cc) &&
           flight <= inflight_for(cc, bbr_max_bw(bbr_of_const(cc)), 100);
}

/*
 * Whether UP has built a queue: as much is in flight as the gain asks for, and round-trip times
 * show it. More time in UP would find no more bandwidth, for the delivery rate is the bottleneck's
 * already, and add a quarter of a round trip to everyone's delay in each. While there is bandwidth
 * to be found there is no queue, and UP goes on as in the draft.
 *
 * When UP found a queue, the share of other flows is what it probes for, and one round is too short
 * to get any: two flows of ours that always left would stay unequal. If they always stayed, CUBIC
 * in a buffer of one bandwidth-delay product would be left with 18 %. So every other probe, drawn,
 * goes on: then CUBIC has 23 %, and ours are as equal as before (tests/sim/dumbbell).
 */
static bool
has_built_queue(const struct tcp_cc *cc, const struct tcp_cc_ack *ack)
{
    const struct tcp_bbr *b = bbr_of_const(cc);

    return (!b->up_persists || b->full_bw_count >= UP_ROUNDS_QUEUED) && tcp_bbr_is_queued(cc) &&
           ack->now > b->cycle_stamp + b->min_rtt &&
           ack->flight >= tcp_bbr_bdp(cc, bbr_max_bw(b), gains[BBR_PROBE_BW_UP].pacing);
}

/* BBRIsTimeToGoDown (5.3.3.4.3) */
static bool
is_time_to_go_down(struct tcp_cc *cc, const struct bbr_sample *s)
{
    struct tcp_bbr *b = bbr_of(cc);

    if (b->prev_probe_too_high && s->ack->flight >= b->inflight_longterm) {
        b->prev_probe_precautionary = true;
        return true;
    }
    if (has_built_queue(cc, s->ack))
        return true;
    if (s->ack->cwnd_limited && cc->cwnd >= b->inflight_longterm) {
        tcp_bbr_reset_full_bw(b, s->bw); /* bw is limited by inflight_longterm */
        return false;
    }
    return b->full_bw_now;
}

/*
 * CRUISE has built a queue, as it does where jitter makes ACKs come closer together than data left,
 * and the largest sample is more than the path can do. Back to DOWN until it is drained; the clock
 * of the next probe runs on. Not once losses have set a limit: who fills buffers until they
 * overflow would only take what is given up.
 */
static bool
is_time_to_drain_again(const struct tcp_cc *cc, uint32_t flight)
{
    const struct tcp_bbr *b = bbr_of_const(cc);

    return b->inflight_longterm == BBR_NO_LIMIT && tcp_bbr_is_queued(cc) &&
           flight > inflight_for(cc, bbr_max_bw(b), 100 + CRUISE_QUEUE_PERCENT);
}

/* BBRUpdateProbeBWCyclePhase (5.3.3.6) */
static void
update_probe_bw_cycle_phase(struct tcp_cc *cc, const struct bbr_sample *s)
{
    struct tcp_bbr *b = bbr_of(cc);
    uint64_t delivered = s->ack->rate.total_delivered;

    if (!b->full_bw_reached || adapt_longterm_model(cc, s))
        return;
    switch (b->state) {
    case BBR_PROBE_BW_DOWN:
        if (is_time_to_probe_bw(cc, s->ack->now))
            start_refill(b, delivered);
        else if (is_time_to_cruise(cc, s->ack->flight))
            b->state = BBR_PROBE_BW_CRUISE;
        break;
    case BBR_PROBE_BW_CRUISE:
        if (is_time_to_probe_bw(cc, s->ack->now))
            start_refill(b, delivered);
        else if (is_time_to_drain_again(cc, s->ack->flight))
            b->state = BBR_PROBE_BW_DOWN;
        break;
    case BBR_PROBE_BW_REFILL:
        if (s->round_start) { /* after one round of REFILL */
            b->is_bw_probe_sample = true;
            start_up(cc, s);
        }
        break;
    case BBR_PROBE_BW_UP:
        if (is_time_to_go_down(cc, s)) {
            b->prev_probe_too_high = false; /* no high loss (yet) */
            start_down(b, s->ack->now, delivered);
        }
        break;
    default:
        break;
    }
}

/* BBRExitProbeRTT (5.3.4.4) */
static void
exit_probe_rtt(struct tcp_bbr *b, wgt_time now, uint64_t delivered)
{
    tcp_bbr_reset_shortterm(b);
    if (b->full_bw_reached) {
        start_down(b, now, delivered);
        b->state = BBR_PROBE_BW_CRUISE;
    } else {
        b->state = BBR_STARTUP;
    }
}

/* BBRCheckProbeRTTDone */
static void
check_probe_rtt_done(struct tcp_cc *cc, wgt_time now, uint64_t delivered)
{
    struct tcp_bbr *b = bbr_of(cc);

    if (b->probe_rtt_done_stamp == 0 || now <= b->probe_rtt_done_stamp)
        return;
    b->probe_rtt_min_stamp = now; /* schedule next ProbeRTT */
    restore_cwnd(cc);
    exit_probe_rtt(b, now, delivered);
}

/* BBRProbeRTTCwnd */
static uint32_t
probe_rtt_cwnd(const struct tcp_cc *cc)
{
    return tcp_max(tcp_bbr_bdp(cc, bbr_of_const(cc)->bw, gains[BBR_PROBE_RTT].cwnd),
                   MIN_PIPE_CWND * cc->mss);
}

/* BBRHandleProbeRTT */
static void
handle_probe_rtt(struct tcp_cc *cc, const struct bbr_sample *s)
{
    struct tcp_bbr *b = bbr_of(cc);
    uint64_t delivered = s->ack->rate.total_delivered;

    b->limited_until = delivered + s->ack->flight; /* MarkConnectionAppLimited */
    if (b->probe_rtt_done_stamp == 0) {
        if (s->ack->flight > probe_rtt_cwnd(cc))
            return;
        b->probe_rtt_done_stamp = s->ack->now + PROBE_RTT_DURATION;
        b->probe_rtt_round_done = false;
        tcp_bbr_start_round(b, delivered);
        return;
    }
    if (s->round_start)
        b->probe_rtt_round_done = true;
    if (b->probe_rtt_round_done)
        check_probe_rtt_done(cc, s->ack->now, delivered);
}

/* BBRCheckProbeRTT (5.3.4.3) */
static void
check_probe_rtt(struct tcp_cc *cc, const struct bbr_sample *s)
{
    struct tcp_bbr *b = bbr_of(cc);

    if (b->state != BBR_PROBE_RTT && b->probe_rtt_expired && !b->idle_restart) {
        save_cwnd(cc);
        b->state = BBR_PROBE_RTT;
        b->probe_rtt_done_stamp = 0;
        b->ack_phase = BBR_ACKS_PROBE_STOPPING;
        tcp_bbr_start_round(b, s->ack->rate.total_delivered);
    }
    if (b->state == BBR_PROBE_RTT)
        handle_probe_rtt(cc, s);
    if (s->ack->rate.delivered > 0)
        b->idle_restart = false;
}

/* BBRSetPacingRateWithGain (5.6.2) */
static void
set_pacing_rate(struct tcp_cc *cc, uint32_t gain)
{
    const struct tcp_bbr *b = bbr_of(cc);
    uint64_t rate = (uint64_t)b->bw / 100 * gain / 100 * (100 - PACING_MARGIN_PERCENT);

    if (rate > 0 && (b->full_bw_reached || rate > cc->pacing_rate))
        cc->pacing_rate = rate;
}

/* BBRInitPacingRate: until an RTT is known the engine paces by cwnd. */
static void
init_pacing_rate(struct tcp_cc *cc, wgt_time srtt)
{
    struct tcp_bbr *b = bbr_of(cc);

    if (b->rtt_seen || srtt == 0)
        return;
    b->rtt_seen = true;
    cc->pacing_rate = (uint64_t)cc->cwnd * gains[BBR_STARTUP].pacing / 100 * WGT_SEC / srtt;
}

/* BBRSetSendQuantum (5.6.3). While the path is not known yet half a window may go at once: the
 * bursts of an inner sender's slow start would otherwise wait for our own, and it takes the wait
 * for a full path (RFC 9406). */
static void
set_send_quantum(struct tcp_cc *cc)
{
    uint32_t quantum = tcp_bbr_volume(cc->pacing_rate, WGT_MSEC);

    if (!bbr_of(cc)->full_bw_reached)
        quantum = tcp_max(quantum, cc->cwnd / 2);
    cc->send_quantum = tcp_max(tcp_min(quantum, SEND_QUANTUM_MAX), 2 * cc->mss);
}

/* BBRBoundCwndForModel (5.6.4.7) */
static void
bound_cwnd_for_model(struct tcp_cc *cc)
{
    const struct tcp_bbr *b = bbr_of(cc);
    uint32_t cap = BBR_NO_LIMIT;

    if (b->state == BBR_PROBE_RTT || b->state == BBR_PROBE_BW_CRUISE)
        cap = inflight_with_headroom(cc);
    else if (bbr_is_in_probe_bw(b))
        cap = b->inflight_longterm;
    cap = tcp_min(cap, b->inflight_shortterm);
    cc->cwnd = tcp_min(cc->cwnd, tcp_max(cap, MIN_PIPE_CWND * cc->mss));
}

/* BBRSetCwnd (5.6.4.6) */
static void
set_cwnd(struct tcp_cc *cc, const struct tcp_cc_ack *ack)
{
    const struct tcp_bbr *b = bbr_of(cc);
    uint32_t max_inflight = quantization_budget(
        cc, tcp_min(tcp_bbr_bdp(cc, b->bw, gains[b->state].cwnd) + bbr_extra_acked(b), CWND_MAX));

    if (b->full_bw_reached)
        cc->cwnd = tcp_min(cc->cwnd + ack->delivered, max_inflight);
    else if (cc->cwnd < max_inflight || ack->rate.total_delivered < cc->initial_window)
        cc->cwnd = tcp_min(cc->cwnd + ack->delivered, CWND_MAX);
    cc->cwnd = tcp_max(cc->cwnd, MIN_PIPE_CWND * cc->mss);
    if (b->state == BBR_PROBE_RTT)
        cc->cwnd = tcp_min(cc->cwnd, probe_rtt_cwnd(cc));
    bound_cwnd_for_model(cc);
}

static void
bbr_init(struct tcp_cc *cc, wgt_time now)
{
    struct tcp_bbr *b = bbr_of(cc);

    *b = (struct tcp_bbr){.state = BBR_STARTUP, .undo_state = BBR_NO_STATE};
    b->random = (uint32_t)now ^ (uint32_t)(now >> 32) ^ cc->mss << 16;
    b->probe_up_acked_per_inc = BBR_NO_LIMIT;
    tcp_bbr_model_init(cc, now);
}

static struct bbr_sample
sample_of(const struct tcp_bbr *b, const struct tcp_cc_ack *ack)
{
    const struct tcp_cc_rate *rate = &ack->rate;
    struct bbr_sample s = {.ack = ack};

    if (rate->interval > 0)
        s.bw = (uint32_t)wgt_time_min(rate->delivered * WGT_SEC / rate->interval, BBR_NO_BW - 1);
    s.app_limited =
        rate->app_limited || (b->limited_until > 0 && rate->prior_delivered <= b->limited_until);
    return s;
}

/* BBRUpdateOnACK (5.2.3) */
static void
bbr_acked(struct tcp_cc *cc, const struct tcp_cc_ack *ack)
{
    struct tcp_bbr *b = bbr_of(cc);
    struct bbr_sample s = sample_of(b, ack);

    init_pacing_rate(cc, ack->srtt);
    if (ack->delivered == 0)
        return; /* a loss alone: tcp_bbr_note_loss() has it */
    /* BBRUpdateModelAndState */
    tcp_bbr_update_signals(cc, &s);
    tcp_bbr_check_full_bw(cc, &s);
    check_startup_and_drain(cc, &s);
    update_probe_bw_cycle_phase(cc, &s);
    tcp_bbr_update_min_rtt(cc, &s);
    check_probe_rtt(cc, &s);
    tcp_bbr_advance_signals(b, &s);
    /* BBRUpdateControlParameters */
    set_pacing_rate(cc, gains[b->state].pacing);
    set_send_quantum(cc);
    set_cwnd(cc, ack);
    if (!ack->in_recovery && !ack->after_timeout && ack->lost == 0)
        b->undo_saved = false;
}

/* BBRInflightAtLoss: at what part of the segment did losses cross the threshold? */
static uint32_t
inflight_at_loss(const struct tcp_cc_loss *loss)
{
    uint32_t before = loss->tx_in_flight - tcp_min(loss->bytes, loss->tx_in_flight);
    uint32_t lost = loss->lost_since - tcp_min(loss->bytes, loss->lost_since);
    uint32_t allowed = percent(before, LOSS_THRESH_PERCENT);

    if (allowed <= lost)
        return before;
    return before + tcp_min((allowed - lost) / (100 - LOSS_THRESH_PERCENT) * 100, loss->bytes);
}

/* BBRHandleLostPacket (5.5.10.2) */
static void
bbr_lost(struct tcp_cc *cc, const struct tcp_cc_loss *loss)
{
    struct tcp_bbr *b = bbr_of(cc);

    tcp_bbr_note_loss(cc, loss);
    if (!b->is_bw_probe_sample)
        return; /* not a packet sent while probing bandwidth */
    if (is_inflight_too_high(cc, loss->lost_since, loss->tx_in_flight))
        handle_inflight_too_high(cc, loss->now, inflight_at_loss(loss), loss->total_delivered,
                                 loss->app_limited);
}

/* BBROnEnterFastRecovery (5.6.4.4) */
static void
bbr_enter_recovery(struct tcp_cc *cc, wgt_time now, uint32_t flight)
{
    (void)now;
    (void)flight;
    save_cwnd(cc);
    tcp_bbr_save(cc);
    bbr_of(cc)->in_recovery = true;
}

static void
bbr_leave_recovery(struct tcp_cc *cc, wgt_time now)
{
    struct tcp_bbr *b = bbr_of(cc);

    (void)now;
    b->in_recovery = false;
    if (b->state != BBR_PROBE_RTT)
        restore_cwnd(cc);
}

/* BBROnEnterRTO: what was in flight is given up, so one segment goes. */
static void
bbr_timeout(struct tcp_cc *cc, wgt_time now, uint32_t flight, bool repeated)
{
    (void)repeated;
    bbr_enter_recovery(cc, now, flight);
    cc->cwnd = cc->mss;
}

/* BBRHandleSpuriousLossDetection (5.5.11.2) */
static void
bbr_undo(struct tcp_cc *cc, wgt_time now)
{
    struct tcp_bbr *b = bbr_of(cc);

    b->in_recovery = false;
    if (!b->undo_saved)
        return;
    b->undo_saved = false;
    restore_cwnd(cc);
    tcp_bbr_reset_congestion_signals(b);
    tcp_bbr_reset_full_bw(b, 0);
    b->bw_shortterm = tcp_max(b->bw_shortterm, b->undo_bw_shortterm);
    b->inflight_shortterm = tcp_max(b->inflight_shortterm, b->undo_inflight_shortterm);
    b->inflight_longterm = tcp_max(b->inflight_longterm, b->undo_inflight_longterm);
    /* If the flow was probing bandwidth, return to that state. */
    if (b->undo_state == BBR_STARTUP && b->state != BBR_STARTUP) {
        b->full_bw_reached = false;
        if (b->state != BBR_PROBE_RTT)
            b->state = BBR_STARTUP;
    } else if (b->undo_state == BBR_PROBE_BW_UP && b->state != BBR_PROBE_BW_UP &&
               b->state != BBR_PROBE_RTT) {
        b->cycle_stamp = now;
        start_refill(b, b->next_round_delivered);
    }
    b->undo_state = BBR_NO_STATE;
}

/* The draft leaves ECN out. RFC 3168 5: as a loss, and one that needs no proof. */
static void
bbr_congestion_experienced(struct tcp_cc *cc, wgt_time now, uint32_t flight)
{
    struct tcp_bbr *b = bbr_of(cc);

    tcp_bbr_note_mark(cc);
    if (b->state == BBR_STARTUP) {
        b->full_bw_reached = true;
        b->inflight_longterm = tcp_max(tcp_bbr_bdp(cc, bbr_max_bw(b), 100), b->inflight_latest);
    }
    if (b->is_bw_probe_sample)
        handle_inflight_too_high(cc, now, flight, b->next_round_delivered, false);
}

/* BBRHandleRestartFromIdle (5.4.1) */
static void
bbr_restart(struct tcp_cc *cc, wgt_time now, wgt_time idle, bool long_idle)
{
    struct tcp_bbr *b = bbr_of(cc);

    (void)idle;
    (void)long_idle;
    b->idle_restart = true;
    b->extra_acked_start = now;
    b->extra_acked_delivered = 0;
    if (bbr_is_in_probe_bw(b))
        set_pacing_rate(cc, 100);
    else if (b->state == BBR_PROBE_RTT)
        check_probe_rtt_done(cc, now, b->next_round_delivered);
}

const struct tcp_cc_ops tcp_cc_bbr = {
    .name = "bbr",
    .owns_recovery = true,
    .init = bbr_init,
    .acked = bbr_acked,
    .lost = bbr_lost,
    .enter_recovery = bbr_enter_recovery,
    .leave_recovery = bbr_leave_recovery,
    .timeout = bbr_timeout,
    .undo = bbr_undo,
    .congestion_experienced = bbr_congestion_experienced,
    .restart = bbr_restart,
};
