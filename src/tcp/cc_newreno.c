/* SPDX-License-Identifier: BSD-3-Clause */
/* NewReno (RFC 5681, RFC 6582) with appropriate byte counting (RFC 3465). */
#include "internal.h"

/* RFC 3465 sets L to 2; our receivers answer a whole burst with one ACK and so do others with
 * receive offload, hence the 8 of RFC 9406 4.3. After a timeout 1 (RFC 3465 2.3). */
enum { SLOW_START_LIMIT = 8, SLOW_START_LIMIT_AFTER_TIMEOUT = 1 };

static void
newreno_init(struct tcp_cc *cc, wgt_time now)
{
    (void)now;
    cc->state[0] = 0;
}

/* RFC 9293 3.8.6 never lets a window reach 2^31. */
static void
grow(struct tcp_cc *cc, uint32_t bytes)
{
    cc->cwnd = tcp_min(cc->cwnd + bytes, UINT32_C(1) << 30);
}

static void
newreno_acked(struct tcp_cc *cc, const struct tcp_cc_ack *ack)
{
    uint32_t limit = ack->after_timeout ? SLOW_START_LIMIT_AFTER_TIMEOUT : SLOW_START_LIMIT;

    if (ack->in_recovery || ack->acked == 0 || !ack->cwnd_limited)
        return;
    if (cc->cwnd < cc->ssthresh) {
        grow(cc, tcp_min(tcp_min(ack->acked, limit * cc->mss), cc->ssthresh - cc->cwnd));
        return;
    }
    cc->state[0] += ack->acked;
    if (cc->state[0] >= cc->cwnd) {
        cc->state[0] -= cc->cwnd;
        grow(cc, cc->mss);
        cc->state[0] = tcp_min((uint32_t)cc->state[0], cc->cwnd);
    }
}

/* RFC 5681 equation (4), but never from more than cwnd: behind a hole FlightSize counts what has
 * long arrived. */
static uint32_t
halved(const struct tcp_cc *cc, uint32_t flight)
{
    return tcp_max(tcp_min(flight, cc->cwnd) / 2, 2 * cc->mss);
}

static void
reduce(struct tcp_cc *cc, uint32_t flight)
{
    cc->ssthresh = halved(cc, flight);
    cc->state[0] = 0;
}

/* For undo: what the reduction takes. */
static void
save(struct tcp_cc *cc)
{
    cc->state[1] = cc->cwnd;
    cc->state[2] = cc->ssthresh;
}

static void
newreno_enter_recovery(struct tcp_cc *cc, wgt_time now, uint32_t flight)
{
    (void)now;
    save(cc);
    reduce(cc, flight);
}

static void
newreno_undo(struct tcp_cc *cc, wgt_time now)
{
    (void)now;
    cc->cwnd = tcp_max(cc->cwnd, (uint32_t)cc->state[1]);
    cc->ssthresh = (uint32_t)cc->state[2];
}

/* RFC 3168 6.1.2: as for a loss, with nothing to send again. */
static void
newreno_congestion_experienced(struct tcp_cc *cc, wgt_time now, uint32_t flight)
{
    (void)now;
    reduce(cc, flight);
    cc->cwnd = cc->ssthresh;
}

/* RFC 5681 3.1: ssthresh is held when the same segment times out again. */
static void
newreno_timeout(struct tcp_cc *cc, wgt_time now, uint32_t flight, bool repeated)
{
    (void)now;
    if (!repeated) {
        save(cc);
        cc->ssthresh = halved(cc, flight);
    }
    cc->cwnd = cc->mss;
    cc->state[0] = 0;
}

/* RFC 5681 4.1. */
static void
newreno_restart(struct tcp_cc *cc, wgt_time now, wgt_time idle, bool long_idle)
{
    (void)now;
    (void)idle;
    if (!long_idle)
        return;
    cc->cwnd = tcp_min(cc->cwnd, cc->initial_window);
    cc->state[0] = 0;
}

const struct tcp_cc_ops tcp_cc_newreno = {
    .name = "newreno",
    .init = newreno_init,
    .acked = newreno_acked,
    .enter_recovery = newreno_enter_recovery,
    .timeout = newreno_timeout,
    .undo = newreno_undo,
    .congestion_experienced = newreno_congestion_experienced,
    .restart = newreno_restart,
};
