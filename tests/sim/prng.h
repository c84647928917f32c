/* SPDX-License-Identifier: BSD-3-Clause */
/* The simulator's only source of chance: SplitMix64. Not for keys of real nodes. */
#ifndef SIM_PRNG_H
#define SIM_PRNG_H

#include <wgtcpd/base/base.h>

struct prng {
    uint64_t state;
};

static inline uint64_t
prng_next(struct prng *r)
{
    uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* A generator of its own for each purpose: what one draws does not shift the others. */
static inline struct prng
prng_fork(uint64_t seed, uint64_t purpose)
{
    struct prng r = {seed ^ purpose * UINT64_C(0xd6e8feb86659fd93)};

    prng_next(&r);
    return (struct prng){prng_next(&r)};
}

/* 0 .. n - 1; n > 0. */
static inline uint64_t
prng_below(struct prng *r, uint64_t n)
{
    return prng_next(r) % n;
}

/* Both ends included. */
static inline uint64_t
prng_between(struct prng *r, uint64_t low, uint64_t high)
{
    return low + prng_below(r, high - low + 1);
}

static inline bool
prng_chance(struct prng *r, uint32_t per_million)
{
    return per_million > 0 && prng_below(r, 1000000) < per_million;
}

static inline void
prng_fill(struct prng *r, void *buf, size_t len)
{
    uint8_t *p = buf;

    for (; len >= 8; p += 8, len -= 8)
        put_le64(p, prng_next(r));
    for (uint64_t last = prng_next(r); len > 0; p++, len--, last >>= 8)
        *p = (uint8_t)last;
}

#endif
