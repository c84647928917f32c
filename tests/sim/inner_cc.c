/* SPDX-License-Identifier: BSD-3-Clause */
#include "inner_cc.h"

#include <math.h>

#define SECONDS(t)   ((double)(t) / 1e9)
#define CUBIC_C      0.4
#define CUBIC_BETA   0.7
#define HYSTART_LOW  16 /* segments: below, slow start goes on */
#define HYSTART_SEEN 8  /* samples of a round */

void
inner_cc_init(struct inner_cc *c, enum inner_cc_kind kind)
{
    *c = (struct inner_cc){
        .kind = kind,
        .cwnd = 10, /* RFC 6928 */
        .ssthresh = 1e9,
        .epoch = -1,
        .round_min = 1e9,
        .delay_min = 1e9,
    };
}

/* RFC 9438 4.2, 4.3: the larger of the cubic window and what Reno would have. */
static double
cubic_target(struct inner_cc *c, wgt_time now, wgt_time srtt, unsigned segments)
{
    double t, cubic;

    if (c->epoch < 0) {
        c->epoch = SECONDS(now);
        c->origin = c->cwnd < c->w_max ? c->w_max : c->cwnd;
        c->k = cbrt((c->origin - c->cwnd) / CUBIC_C);
        c->w_est = c->cwnd;
    }
    t = SECONDS(now) + SECONDS(srtt) - c->epoch - c->k;
    cubic = c->origin + CUBIC_C * t * t * t;
    c->w_est += 3 * (1 - CUBIC_BETA) / (1 + CUBIC_BETA) * segments / c->cwnd;
    return cubic > c->w_est ? cubic : c->w_est;
}

static void
avoid(struct inner_cc *c, wgt_time now, wgt_time srtt, unsigned segments)
{
    double target;

    if (c->kind == INNER_RENO) {
        c->cwnd += segments / c->cwnd;
        return;
    }
    target = cubic_target(c, now, srtt, segments);
    if (target > 1.5 * c->cwnd)
        target = 1.5 * c->cwnd;
    if (target > c->cwnd)
        c->cwnd += (target - c->cwnd) / c->cwnd * segments;
}

void
inner_cc_acked(struct inner_cc *c, wgt_time now, wgt_time srtt, unsigned segments)
{
    if (c->cwnd < c->ssthresh) {
        c->cwnd += segments;
        if (c->cwnd > c->ssthresh)
            c->cwnd = c->ssthresh;
        return;
    }
    avoid(c, now, srtt, segments);
}

void
inner_cc_rtt(struct inner_cc *c, wgt_time rtt, bool new_round)
{
    double r = SECONDS(rtt), eta;

    if (new_round) {
        c->round_min = 1e9;
        c->round_samples = 0;
    }
    c->delay_min = r < c->delay_min ? r : c->delay_min;
    c->round_min = r < c->round_min ? r : c->round_min;
    eta = fmin(fmax(c->delay_min / 8, 0.004), 0.016);
    if (++c->round_samples >= HYSTART_SEEN && c->kind == INNER_CUBIC && c->cwnd >= HYSTART_LOW &&
        c->cwnd < c->ssthresh && c->round_min > c->delay_min + eta)
        c->ssthresh = c->cwnd;
}

void
inner_cc_reduce(struct inner_cc *c)
{
    double beta = c->kind == INNER_CUBIC ? CUBIC_BETA : 0.5;

    c->prior_cwnd = c->cwnd;
    c->prior_ssthresh = c->ssthresh;
    c->prior_w_max = c->w_max;
    /* Fast convergence (RFC 9438 4.7). */
    c->w_max = c->cwnd < c->w_max ? c->cwnd * (1 + CUBIC_BETA) / 2 : c->cwnd;
    c->epoch = -1;
    c->ssthresh = fmax(c->cwnd * beta, 2);
}

void
inner_cc_undo(struct inner_cc *c)
{
    c->cwnd = fmax(c->cwnd, c->prior_cwnd);
    c->ssthresh = c->prior_ssthresh;
    c->w_max = c->prior_w_max;
    c->epoch = -1;
}
