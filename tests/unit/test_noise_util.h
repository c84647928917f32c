/* SPDX-License-Identifier: BSD-3-Clause */
/* Two parties who know each other, for the tests of noise. */
#ifndef TEST_NOISE_UTIL_H
#define TEST_NOISE_UTIL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wgtcpd/noise/noise.h>

#include "../../src/noise/identity.h"
#include "vectors_hex.h"
#include "vectors_noise.h"

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

/* Any instant will do. */
static const wgt_time start = 1000 * WGT_SEC;

/* One side: who it is, and what it knows of the other. */
struct party {
    struct noise_local local;
    struct noise_remote remote;
};

static inline int
load_crypto(void **state)
{
    char error[80];

    (void)state;
    return noise_crypto_init(error, sizeof(error));
}

static inline void
unhex_key(uint8_t key[NOISE_KEY_LEN], const char *text)
{
    assert_int_equal(unhex(key, NOISE_KEY_LEN, text), NOISE_KEY_LEN);
}

static inline void
assert_hex(const void *data, size_t len, const char *text)
{
    uint8_t expected[2048];

    assert_int_equal(unhex(expected, sizeof(expected), text), len);
    if (len > 0)
        assert_memory_equal(data, expected, len);
}

/* splitmix64: the same numbers in each run. */
static inline uint64_t
random_u64(uint64_t *seed)
{
    uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static inline void
random_fill(uint64_t *seed, void *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)out)[i] = (uint8_t)random_u64(seed);
}

static inline void
introduce(struct party *a, struct party *b, const uint8_t a_private[NOISE_KEY_LEN],
          const uint8_t b_private[NOISE_KEY_LEN], const uint8_t psk[NOISE_KEY_LEN])
{
    noise_local_init(&a->local, a_private);
    noise_local_init(&b->local, b_private);
    assert_int_equal(noise_remote_init(&a->remote, b->local.public_key, psk), WGT_OK);
    assert_int_equal(noise_remote_init(&b->remote, a->local.public_key, psk), WGT_OK);
    /* So that a remote before and after a message can be compared. */
    assert_true(remote_static_static(&a->remote, &a->local));
    assert_true(remote_static_static(&b->remote, &b->local));
}

static inline void
introduce_vector(struct party *i, struct party *r, const struct vector_handshake *v)
{
    uint8_t s_i[NOISE_KEY_LEN], s_r[NOISE_KEY_LEN], psk[NOISE_KEY_LEN];

    unhex_key(s_i, v->s_i);
    unhex_key(s_r, v->s_r);
    unhex_key(psk, v->psk);
    introduce(i, r, s_i, s_r, psk);
}

static inline void
introduce_random(struct party *a, struct party *b, uint64_t *seed)
{
    uint8_t a_private[NOISE_KEY_LEN], b_private[NOISE_KEY_LEN], psk[NOISE_KEY_LEN];

    random_fill(seed, a_private, sizeof(a_private));
    random_fill(seed, b_private, sizeof(b_private));
    random_fill(seed, psk, sizeof(psk));
    introduce(a, b, a_private, b_private, psk);
}

/* The vector's initiation, by its initiator. */
static inline void
initiate_vector(struct party *i, const struct vector_handshake *v,
                uint8_t message[MESSAGE_INITIATION_LEN])
{
    uint8_t e_i[NOISE_KEY_LEN], tai64n[NOISE_TIMESTAMP_LEN];

    unhex_key(e_i, v->e_i);
    unhex(tai64n, sizeof(tai64n), v->tai64n);
    assert_int_equal(noise_initiation_create(&i->remote, &i->local, start, tai64n, e_i,
                                             v->initiator_index, message),
                     WGT_OK);
}

/* Both halves of consuming, as a node with this one peer does. */
static inline enum wgt_drop
consume_initiation(struct party *p, wgt_time now, const uint8_t message[MESSAGE_INITIATION_LEN])
{
    struct noise_initiation in;
    enum wgt_drop rc = noise_initiation_open(&p->local, message, &in);

    if (rc != WGT_OK)
        return rc;
    if (!noise_equal(in.static_public, p->remote.public_key, NOISE_KEY_LEN))
        return WGT_DROP_HANDSHAKE_UNKNOWN_PEER;
    return noise_initiation_accept(&p->remote, &p->local, now, &in);
}

static inline void
respond_vector(struct party *r, const struct vector_handshake *v,
               uint8_t message[MESSAGE_RESPONSE_LEN], struct noise_keypair *keypair)
{
    uint8_t e_r[NOISE_KEY_LEN];

    unhex_key(e_r, v->e_r);
    assert_int_equal(noise_response_create(&r->remote, &r->local, start, e_r, v->responder_index,
                                           message, keypair),
                     WGT_OK);
}

/* The vector's whole handshake. */
static inline void
complete_vector(struct party *i, struct party *r, const struct vector_handshake *v,
                struct noise_keypair *k_i, struct noise_keypair *k_r)
{
    uint8_t initiation[MESSAGE_INITIATION_LEN], response[MESSAGE_RESPONSE_LEN];

    introduce_vector(i, r, v);
    initiate_vector(i, v, initiation);
    assert_int_equal(consume_initiation(r, start, initiation), WGT_OK);
    respond_vector(r, v, response, k_r);
    assert_int_equal(noise_response_consume(&i->remote, &i->local, start, response, k_i), WGT_OK);
}

/* One empty message from one to the other. */
static inline enum wgt_drop
pass_keepalive(struct noise_keypair *from, struct noise_keypair *to)
{
    uint8_t message[MESSAGE_MIN_LEN];

    assert_true(noise_seal(from, message, 0));
    assert_int_equal(get_le32(message + 4), to->local_index);
    return noise_open(to, message, sizeof(message));
}

#endif
