/* SPDX-License-Identifier: BSD-3-Clause */
/* mac1 and mac2, the last 32 bytes of an initiation or response. */
#ifndef NOISE_MACS_H
#define NOISE_MACS_H

#include <wgtcpd/noise/noise.h>

enum { MACS_LEN = 2 * NOISE_MAC_LEN };

/* Fill in both, and remember mac1 for a cookie reply. */
void macs_add(struct noise_remote *r, wgt_time now, uint8_t *message, size_t len);

static inline bool
macs_present(size_t len)
{
    return len == MESSAGE_INITIATION_LEN || len == MESSAGE_RESPONSE_LEN;
}

static inline const uint8_t *
macs_mac1(const uint8_t *message, size_t len)
{
    return message + len - MACS_LEN;
}

static inline const uint8_t *
macs_mac2(const uint8_t *message, size_t len)
{
    return message + len - NOISE_MAC_LEN;
}

#endif
