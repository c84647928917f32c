/* SPDX-License-Identifier: BSD-3-Clause */
/* Time, byte runs and byte order: what every room shares. */
#ifndef WGTCPD_BASE_BASE_H
#define WGTCPD_BASE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Nanoseconds on the caller's monotonic clock. 0 is a valid instant. */
typedef uint64_t wgt_time;

#define WGT_NEVER UINT64_MAX
#define WGT_USEC  UINT64_C(1000)
#define WGT_MSEC  UINT64_C(1000000)
#define WGT_SEC   UINT64_C(1000000000)

static inline wgt_time
wgt_time_min(wgt_time a, wgt_time b)
{
    return a < b ? a : b;
}

/* A run of bytes that somebody else owns. */
struct span {
    uint8_t *data;
    size_t len;
};

/* Integers as they lie in messages. Through memcpy, which compilers make one load or store: bytes
 * put together one by one they do not always. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define WGT_BE(bits, v) __builtin_bswap##bits(v)
#define WGT_LE(bits, v) (v)
#else
#define WGT_BE(bits, v) (v)
#define WGT_LE(bits, v) __builtin_bswap##bits(v)
#endif

static inline uint16_t
get_be16(const uint8_t *p)
{
    uint16_t v;

    memcpy(&v, p, sizeof(v));
    return WGT_BE(16, v);
}

static inline void
put_be16(uint8_t *p, uint16_t v)
{
    v = WGT_BE(16, v);
    memcpy(p, &v, sizeof(v));
}

static inline uint32_t
get_be32(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return WGT_BE(32, v);
}

static inline void
put_be32(uint8_t *p, uint32_t v)
{
    v = WGT_BE(32, v);
    memcpy(p, &v, sizeof(v));
}

static inline uint64_t
get_be64(const uint8_t *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof(v));
    return WGT_BE(64, v);
}

static inline void
put_be64(uint8_t *p, uint64_t v)
{
    v = WGT_BE(64, v);
    memcpy(p, &v, sizeof(v));
}

static inline uint16_t
get_le16(const uint8_t *p)
{
    return (uint16_t)((uint16_t)p[1] << 8 | p[0]);
}

static inline void
put_le16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static inline uint32_t
get_le32(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return WGT_LE(32, v);
}

static inline void
put_le32(uint8_t *p, uint32_t v)
{
    uint32_t le = WGT_LE(32, v);

    memcpy(p, &le, sizeof(le));
}

static inline uint64_t
get_le64(const uint8_t *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof(v));
    return WGT_LE(64, v);
}

static inline void
put_le64(uint8_t *p, uint64_t v)
{
    uint64_t le = WGT_LE(64, v);

    memcpy(p, &le, sizeof(le));
}

#define WGT_CONTAINER_OF(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#endif
