/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A hash for tables on the data path: nobody who does not know the key chooses whose bucket he is
 * in. Multilinear hashing of 32-bit words, strongly universal in its upper half (Lemire and Kaser,
 * "Strongly universal string hashing is fast", 2014, theorem 3.1). It hides nothing of its key from
 * those who see results: where they are seen, use noise_siphash.
 */
#ifndef WGTCPD_BASE_KEYED_HASH_H
#define WGTCPD_BASE_KEYED_HASH_H

#include <wgtcpd/base/base.h>

enum { KEYED_HASH_MAX = 40 };

/* Filled with random bytes. */
struct keyed_hash {
    uint64_t key[KEYED_HASH_MAX / 4 + 1];
};

/* len: at most KEYED_HASH_MAX, the same for all data of a table. */
static inline uint32_t
keyed_hash(const struct keyed_hash *h, const void *data, size_t len)
{
    const uint8_t *p = data;
    uint64_t sum = h->key[0];
    size_t i = 0;

    for (; 4 * i + 4 <= len; i++)
        sum += h->key[i + 1] * get_le32(p + 4 * i);
    if (4 * i < len) {
        uint32_t rest = 0;

        memcpy(&rest, p + 4 * i, len - 4 * i);
        sum += h->key[i + 1] * rest;
    }
    return (uint32_t)(sum >> 32);
}

#endif
