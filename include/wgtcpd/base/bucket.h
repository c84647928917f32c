/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WGTCPD_BASE_BUCKET_H
#define WGTCPD_BASE_BUCKET_H

#include <wgtcpd/base/base.h>

/* A leaky bucket: one an interval, and a burst's worth (in time) at once. *at: 0 at first. */
static inline bool
bucket_take(wgt_time *at, wgt_time now, wgt_time interval, wgt_time burst)
{
    if (*at > now + burst)
        return false;
    *at = (*at > now ? *at : now) + interval;
    return true;
}

#endif
