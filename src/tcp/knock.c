/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/tcp/knock.h>

#include "internal.h"

enum { CLOCK_BITS = 32 - TCP_KNOCK_NONCE_BITS, SET = 4 };

/* The clock starts in the lower part of its bits and has 16384 ms until it carries. */
enum { CLOCK_START = 1 << (CLOCK_BITS - 1) };
_Static_assert(CLOCK_START >= TCP_KNOCK_SYN_TIME / WGT_MSEC, "a SYN is repeated for so long");
_Static_assert(TCP_KNOCK_MEMORY % SET == 0, "sets of equal size");

static uint32_t
tag_of(tcp_hash hash, const uint8_t key[16], uint64_t step, uint32_t nonce)
{
    static const uint8_t label[8] = "tcpsyn-1";
    uint8_t bytes[sizeof(label) + 12];

    memcpy(bytes, label, sizeof(label));
    put_be64(bytes + sizeof(label), step);
    put_be32(bytes + sizeof(label) + 8, nonce);
    return (uint32_t)hash(key, bytes, sizeof(bytes));
}

void
tcp_knock_set(struct tcp_options *o, wgt_time now, uint64_t wall_seconds, tcp_hash hash,
              const uint8_t key[16], uint32_t random)
{
    uint32_t ts_val = random & ~(uint32_t)CLOCK_START;

    o->iss = tag_of(hash, key, wall_seconds / TCP_KNOCK_STEP, ts_val >> CLOCK_BITS);
    o->ts_offset = ts_val - (uint32_t)(now / WGT_MSEC);
}

void
tcp_knock_init(struct tcp_knock *k, tcp_hash hash, const uint8_t key[16],
               const uint8_t memory_key[16])
{
    memset(k, 0, sizeof(*k));
    k->hash = hash;
    memcpy(k->key, key, sizeof(k->key));
    memcpy(k->memory_key, memory_key, sizeof(k->memory_key));
}

static bool
expired(const struct tcp_knock_seen *s, uint32_t step)
{
    return s->tuple == 0 || (int32_t)(step - s->step) > 0;
}

/* Binds the tag to the connection. It is remembered until no step accepts it any more. When its set
 * is full of living ones, the one that expires first goes. */
static enum wgt_drop
remember(struct tcp_knock *k, uint32_t step, uint32_t tag, uint64_t tuple)
{
    struct tcp_knock_seen *set = &k->seen[tag % (TCP_KNOCK_MEMORY / SET) * SET], *at = &set[0];

    for (int i = 0; i < SET; i++) {
        if (!expired(&set[i], step) && set[i].tag == tag)
            return set[i].tuple == tuple ? WGT_OK : WGT_DROP_TCP_KNOCK_REPLAY;
        if (expired(&set[i], step) || (!expired(at, step) && (int32_t)(set[i].step - at->step) < 0))
            at = &set[i];
    }
    *at = (struct tcp_knock_seen){.tag = tag, .step = step + 2, .tuple = tuple};
    return WGT_OK;
}

enum wgt_drop
tcp_knock_check(struct tcp_knock *k, uint64_t wall_seconds, const uint8_t tuple[TCP_TUPLE_LEN],
                const struct tcp_segment *syn)
{
    uint64_t step = wall_seconds / TCP_KNOCK_STEP;
    uint32_t nonce = syn->ts_val >> CLOCK_BITS;

    if (!syn->has_ts)
        return WGT_DROP_TCP_KNOCK;
    for (uint64_t s = step - 1; s != step + 2; s++) {
        if (tag_of(k->hash, k->key, s, nonce) == syn->seq)
            return remember(k, (uint32_t)step, syn->seq,
                            k->hash(k->memory_key, tuple, TCP_TUPLE_LEN) | 1);
    }
    return WGT_DROP_TCP_KNOCK;
}
