/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WGTCPD_BASE_SHARE_H
#define WGTCPD_BASE_SHARE_H

#include <wgtcpd/base/base.h>

enum { SHARE_TIMES_FREE = 4 };

/* Who holds `mine` of `max` things, of which all together hold `held`, may take one more: nobody
 * holds more than a multiple of what is still free. One alone has four fifths, two have four ninths
 * each, and a newcomer always finds some. */
static inline bool
share_left(uint32_t mine, uint32_t held, uint32_t max)
{
    return held < max && mine / SHARE_TIMES_FREE < max - held;
}

#endif
