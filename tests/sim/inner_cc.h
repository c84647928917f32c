/* SPDX-License-Identifier: BSD-3-Clause */
/* Congestion control of the model TCP inside the tunnel: Reno (RFC 5681) and CUBIC (RFC 9438) with
 * delay-based HyStart, as Linux has them. Windows in segments, times in seconds. */
#ifndef SIM_INNER_CC_H
#define SIM_INNER_CC_H

#include <wgtcpd/base/base.h>

enum inner_cc_kind { INNER_CUBIC, INNER_RENO };

struct inner_cc {
    enum inner_cc_kind kind;
    double cwnd, ssthresh;
    /* CUBIC */
    double w_max, k, w_est, origin;
    double epoch; /* when this avoidance phase began; < 0: not yet */
    /* HyStart */
    double round_min, delay_min;
    unsigned round_samples;
    /* before the last reduction, to undo it by */
    double prior_cwnd, prior_ssthresh, prior_w_max;
};

void inner_cc_init(struct inner_cc *c, enum inner_cc_kind kind);
/* segments newly acknowledged outside recovery while cwnd kept the sender back. */
void inner_cc_acked(struct inner_cc *c, wgt_time now, wgt_time srtt, unsigned segments);
void inner_cc_rtt(struct inner_cc *c, wgt_time rtt, bool new_round);
/* Loss or ECN: ssthresh falls; cwnd is the caller's. */
void inner_cc_reduce(struct inner_cc *c);
void inner_cc_undo(struct inner_cc *c);

#endif
