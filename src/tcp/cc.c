/* SPDX-License-Identifier: BSD-3-Clause */
/* Congestion control algorithms by name, and what each of them starts from. */
#include "internal.h"

const struct tcp_cc_ops *
tcp_cc_find(const char *name)
{
    static const struct tcp_cc_ops *const all[] = {&tcp_cc_bbr, &tcp_cc_cubic, &tcp_cc_none};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    }
    return NULL;
}

uint32_t
tcp_cc_initial_window(uint32_t mss)
{
    return tcp_min(10 * mss, tcp_max(2 * mss, 14600));
}

void
tcp_cc_init(struct tcp_cc *cc, const struct tcp_cc_ops *ops, uint32_t mss, wgt_time now,
            bool only_one)
{
    *cc = (struct tcp_cc){.mss = mss};
    cc->initial_window = tcp_cc_initial_window(mss);
    cc->cwnd = only_one ? mss : cc->initial_window;
    tcp_cc_change(cc, ops, now);
}

void
tcp_cc_change(struct tcp_cc *cc, const struct tcp_cc_ops *ops, wgt_time now)
{
    if (cc->ops == &tcp_cc_none) /* its window says nothing of the path */
        cc->cwnd = cc->initial_window;
    cc->ops = ops;
    cc->ssthresh = UINT32_MAX;
    cc->pacing_rate = 0;
    cc->send_quantum = 0;
    memset(cc->state, 0, sizeof(cc->state));
    ops->init(cc, now);
}
