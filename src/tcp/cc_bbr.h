/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * BBR (draft-ietf-ccwg-bbr-04, BBRv3): its state, and what the model of the path (cc_bbr_model.c)
 * offers the state machine (cc_bbr.c). Names are the draft's.
 */
#ifndef WGTCPD_SRC_TCP_CC_BBR_H
#define WGTCPD_SRC_TCP_CC_BBR_H

#include "internal.h"

enum bbr_state {
    BBR_STARTUP,
    BBR_DRAIN,
    BBR_PROBE_BW_DOWN,
    BBR_PROBE_BW_CRUISE,
    BBR_PROBE_BW_REFILL,
    BBR_PROBE_BW_UP,
    BBR_PROBE_RTT,
    BBR_NO_STATE, /* of undo_state */
};

enum bbr_ack_phase {
    BBR_ACKS_INIT,
    BBR_ACKS_REFILLING,
    BBR_ACKS_PROBE_STARTING,
    BBR_ACKS_PROBE_FEEDBACK,
    BBR_ACKS_PROBE_STOPPING,
};

/* Rates are bytes a second in 32 bits: a sample of more than 34 Gbit/s counts as that. */
#define BBR_NO_BW UINT32_MAX /* "Infinity" */
enum { BBR_NO_LIMIT = UINT32_MAX };

struct __attribute__((may_alias)) tcp_bbr {
    /* Points on the count of delivered bytes. */
    uint64_t next_round_delivered, loss_round_delivered;
    uint64_t limited_until; /* samples of ProbeRTT say nothing of the path */

    wgt_time min_rtt, min_rtt_stamp;
    wgt_time probe_rtt_min_delay, probe_rtt_min_stamp, probe_rtt_done_stamp;
    wgt_time rtt_low_of[2], rtt_low_start; /* least of the last samples, in two slots */
    wgt_time cycle_stamp, extra_acked_start;

    /* Rates, bytes a second. */
    uint32_t max_bw_of[2]; /* largest sample of the cycle before and of this one */
    uint32_t bw;           /* min(max_bw, bw_shortterm) */
    uint32_t bw_latest, bw_shortterm, undo_bw_shortterm, full_bw;

    /* Volumes, bytes. */
    uint32_t inflight_latest, inflight_shortterm, inflight_longterm;
    uint32_t undo_inflight_shortterm, undo_inflight_longterm;
    uint32_t prior_cwnd;
    uint32_t probe_up_acked_per_inc, bw_probe_up_acked;
    uint32_t extra_acked_of[2], extra_acked_delivered;
    uint32_t lost_flat, lost_queued, delivered; /* in this round of losses */
    uint32_t floor_lost, floor_delivered;       /* tcp_bbr_excessive() */
    uint32_t last_lost_inflight;                /* tx_in_flight of the last segment lost */

    uint32_t bw_probe_wait_ms;
    uint32_t random;
    uint8_t state, undo_state, ack_phase;
    uint8_t full_bw_count, bw_probe_up_rounds, rounds_since_probe_up, drain_rounds;
    uint8_t extra_acked_rounds, loss_ranges;
    bool full_bw_now : 1, full_bw_reached : 1, is_bw_probe_sample : 1;
    bool prev_probe_too_high : 1, prev_probe_precautionary : 1;
    bool is_loss_in_round : 1, congested : 1;
    bool probe_rtt_expired : 1, probe_rtt_round_done : 1, idle_restart : 1;
    bool in_recovery : 1, undo_saved : 1, rtt_seen : 1, up_persists : 1;
};

_Static_assert(sizeof(struct tcp_bbr) <= sizeof(((struct tcp_cc *)0)->state), "fits tcp_cc.state");

/* The draft's RS: one ACK, as the model sees it. */
struct bbr_sample {
    const struct tcp_cc_ack *ack;
    uint32_t bw; /* RS.delivery_rate, 0: none */
    bool app_limited;
    bool round_start, loss_round_start;
    bool congested; /* with loss_round_start: the losses of that round count */
    bool high_loss; /* with loss_round_start: they were more than BBRLossThresh */
};

static inline struct tcp_bbr *
bbr_of(struct tcp_cc *cc)
{
    return (struct tcp_bbr *)cc->state;
}

static inline const struct tcp_bbr *
bbr_of_const(const struct tcp_cc *cc)
{
    return (const struct tcp_bbr *)cc->state;
}

static inline uint32_t
bbr_max_bw(const struct tcp_bbr *b)
{
    return tcp_max(b->max_bw_of[0], b->max_bw_of[1]);
}

static inline uint32_t
bbr_extra_acked(const struct tcp_bbr *b)
{
    return tcp_max(b->extra_acked_of[0], b->extra_acked_of[1]);
}

static inline bool
bbr_is_in_probe_bw(const struct tcp_bbr *b)
{
    return b->state >= BBR_PROBE_BW_DOWN && b->state <= BBR_PROBE_BW_UP;
}

static inline bool
bbr_is_probing_bw(const struct tcp_bbr *b)
{
    return b->state == BBR_STARTUP || b->state == BBR_PROBE_BW_REFILL ||
           b->state == BBR_PROBE_BW_UP;
}

/* The least round-trip time of late: the queue as the last segments met it, without jitter. */
static inline wgt_time
bbr_rtt_low(const struct tcp_bbr *b)
{
    return wgt_time_min(b->rtt_low_of[0], b->rtt_low_of[1]);
}

void tcp_bbr_model_init(struct tcp_cc *cc, wgt_time now);

/* Bytes that a rate of bw delivers in `time`. */
uint32_t tcp_bbr_volume(uint64_t bw, wgt_time time);
/* gain / 100 times the bandwidth-delay product (BBRBDPMultiple). */
uint32_t tcp_bbr_bdp(const struct tcp_cc *cc, uint32_t bw, uint32_t gain);

/* Whether segments wait in a queue now, by their round-trip times. */
bool tcp_bbr_is_queued(const struct tcp_cc *cc);
/* Whether `lost` of `volume` bytes are more than the path loses by itself and `percent` besides. */
bool tcp_bbr_excessive(const struct tcp_cc *cc, uint32_t lost, uint32_t volume, uint32_t percent,
                       bool queued);

/* The parts of BBRUpdateModelAndState that know no states, in its order. */
void tcp_bbr_update_signals(struct tcp_cc *cc, struct bbr_sample *s);
void tcp_bbr_check_full_bw(struct tcp_cc *cc, const struct bbr_sample *s);
void tcp_bbr_update_min_rtt(struct tcp_cc *cc, const struct bbr_sample *s);
void tcp_bbr_advance_signals(struct tcp_bbr *b, const struct bbr_sample *s);

void tcp_bbr_start_round(struct tcp_bbr *b, uint64_t delivered);
void tcp_bbr_reset_full_bw(struct tcp_bbr *b, uint32_t bw);
void tcp_bbr_reset_congestion_signals(struct tcp_bbr *b);
void tcp_bbr_reset_shortterm(struct tcp_bbr *b);
void tcp_bbr_note_loss(struct tcp_cc *cc, const struct tcp_cc_loss *loss);
void tcp_bbr_note_mark(struct tcp_cc *cc);
void tcp_bbr_save(struct tcp_cc *cc);

#endif
