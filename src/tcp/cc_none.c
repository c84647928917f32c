/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * No congestion control: one window for all paths, and no reaction to anything. For a lab, where
 * the path is one's own and something else is measured; never for a network that others use.
 */
#include "internal.h"

/* More than the windows peers offer: what they take is what bounds the sender. */
enum { WINDOW = 64 << 20 };

/* So fast that the engine's pacer holds nothing back. */
#define UNPACED (UINT64_C(1) << 40)

static void
none_init(struct tcp_cc *cc, wgt_time now)
{
    (void)now;
    cc->cwnd = WINDOW;
    cc->pacing_rate = UNPACED;
}

static void
none_acked(struct tcp_cc *cc, const struct tcp_cc_ack *ack)
{
    (void)ack;
    cc->cwnd = WINDOW;
}

static void
none_enter_recovery(struct tcp_cc *cc, wgt_time now, uint32_t flight)
{
    (void)now;
    (void)flight;
    cc->cwnd = WINDOW;
}

static void
none_timeout(struct tcp_cc *cc, wgt_time now, uint32_t flight, bool repeated)
{
    (void)repeated;
    none_enter_recovery(cc, now, flight);
}

const struct tcp_cc_ops tcp_cc_none = {
    .name = "none",
    .owns_recovery = true,
    .init = none_init,
    .acked = none_acked,
    .enter_recovery = none_enter_recovery,
    .timeout = none_timeout,
    .undo = none_init,
    .congestion_experienced = none_enter_recovery,
};
