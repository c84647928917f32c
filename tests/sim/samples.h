/* SPDX-License-Identifier: BSD-3-Clause */
/* A heap of measured times, and what of them lies below. */
#ifndef SIM_SAMPLES_H
#define SIM_SAMPLES_H

#include <wgtcpd/base/base.h>

struct samples {
    wgt_time *v;
    size_t n, room;
    bool sorted;
};

void samples_add(struct samples *s, wgt_time t);
/* The time that per_mille of them do not exceed; 0 when there are none. */
wgt_time samples_percentile(struct samples *s, unsigned per_mille);
void samples_free(struct samples *s);

#endif
