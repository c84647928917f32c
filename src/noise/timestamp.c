/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/noise/noise.h>

/* Seconds of TAI64 at the Unix epoch, with the ten leap seconds that had passed then. */
static const uint64_t tai64_epoch = UINT64_C(0x400000000000000a);
/* The largest power of two below 1/50 s: a finer stamp would only tell the world our clock. */
static const uint32_t nanoseconds_kept = ~UINT32_C(0xffffff);

void
noise_tai64n(uint8_t out[NOISE_TIMESTAMP_LEN], uint64_t unix_seconds, uint32_t nanoseconds)
{
    put_be64(out, tai64_epoch + unix_seconds);
    put_be32(out + 8, nanoseconds & nanoseconds_kept);
}
