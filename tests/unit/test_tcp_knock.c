/* SPDX-License-Identifier: BSD-3-Clause */
/* The silent SYN: only who knows the public key is answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <wgtcpd/noise/noise.h>
#include <wgtcpd/tcp/knock.h>

static struct tcp_knock listener;
static uint8_t key[NOISE_KEY_LEN];
static uint8_t here[TCP_TUPLE_LEN], there[TCP_TUPLE_LEN] = {1};
static const uint64_t wall = UINT64_C(1767225600); /* a step begins here */
static const wgt_time dialled = 12345 * WGT_MSEC;

static int
set_up(void **state)
{
    static const uint8_t public_key[NOISE_KEY_LEN] = {9}, memory_key[16] = {3};

    (void)state;
    noise_knock_key(key, public_key);
    tcp_knock_init(&listener, noise_siphash, key, memory_key);
    return 0;
}

/* The SYN as it leaves `after` the dial. */
static struct tcp_segment
syn_after(uint64_t at, uint32_t random, wgt_time after)
{
    struct tcp_options o = {0};

    tcp_knock_set(&o, dialled, at, noise_siphash, key, random);
    return (struct tcp_segment){.flags = TCP_SYN,
                                .seq = o.iss,
                                .has_ts = true,
                                .ts_val = (uint32_t)((dialled + after) / WGT_MSEC) + o.ts_offset};
}

static void
knock_opens(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 1000; i++) {
        struct tcp_segment syn = syn_after(wall, i * 0x9e3779b9u, 0);

        assert_int_equal(tcp_knock_check(&listener, wall, here, &syn), WGT_OK);
    }
}

static void
repeated_syn_verifies(void **state)
{
    static const wgt_time after[] = {0, 1 * WGT_SEC, 3 * WGT_SEC, 7 * WGT_SEC, TCP_KNOCK_SYN_TIME};

    (void)state;
    for (uint32_t random = 0; random < 64; random++) {
        for (unsigned i = 0; i < 5; i++) {
            struct tcp_segment syn = syn_after(wall, random * 0x04000001u + 0xffffffc0u, after[i]);

            assert_int_equal(tcp_knock_check(&listener, wall + after[i] / WGT_SEC, here, &syn),
                             WGT_OK);
        }
    }
}

static void
a_step_of_clock_difference_is_allowed_and_no_more(void **state)
{
    struct tcp_segment syn = syn_after(wall + 30, 77, 0);

    (void)state;
    assert_int_equal(tcp_knock_check(&listener, wall - 61, here, &syn), WGT_DROP_TCP_KNOCK);
    assert_int_equal(tcp_knock_check(&listener, wall - 60, here, &syn), WGT_OK);
    assert_int_equal(tcp_knock_check(&listener, wall + 59, here, &syn), WGT_OK);
    assert_int_equal(tcp_knock_check(&listener, wall + 119, here, &syn), WGT_OK);
    assert_int_equal(tcp_knock_check(&listener, wall + 120, here, &syn), WGT_DROP_TCP_KNOCK);
}

static void
others_are_refused(void **state)
{
    struct tcp_segment good = syn_after(wall, 5, 0), bad = good;

    (void)state;
    bad.has_ts = false;
    assert_int_equal(tcp_knock_check(&listener, wall, here, &bad), WGT_DROP_TCP_KNOCK);
    for (int bit = 0; bit < 32; bit++) {
        bad = good;
        bad.seq ^= 1u << bit;
        assert_int_equal(tcp_knock_check(&listener, wall, here, &bad), WGT_DROP_TCP_KNOCK);
    }
    for (int bit = 15; bit < 32; bit++) { /* below lies the clock */
        bad = good;
        bad.ts_val ^= 1u << bit;
        assert_int_equal(tcp_knock_check(&listener, wall, here, &bad), WGT_DROP_TCP_KNOCK);
    }
    key[0] ^= 1; /* of another public key */
    bad = syn_after(wall, 5, 0);
    assert_int_equal(tcp_knock_check(&listener, wall, here, &bad), WGT_DROP_TCP_KNOCK);
}

/* What was overheard is of no use from elsewhere, however long it would be good. */
static void
replay_from_another_connection_is_refused(void **state)
{
    struct tcp_segment syn = syn_after(wall + 60, 5, 0); /* a caller whose clock is ahead */

    (void)state;
    assert_int_equal(tcp_knock_check(&listener, wall, here, &syn), WGT_OK);
    for (uint64_t t = 0; t < 180; t++) {
        assert_int_equal(tcp_knock_check(&listener, wall + t, there, &syn),
                         WGT_DROP_TCP_KNOCK_REPLAY);
        assert_int_equal(tcp_knock_check(&listener, wall + t, here, &syn), WGT_OK);
    }
    assert_int_equal(tcp_knock_check(&listener, wall + 180, there, &syn), WGT_DROP_TCP_KNOCK);
}

/* Memory is bounded, and whoever fills it knows the key. */
static void
memory_forgets_only_when_it_is_full(void **state)
{
    unsigned forgotten = 0;

    (void)state;
    for (uint32_t i = 0; i < TCP_KNOCK_MEMORY / 4; i++) {
        struct tcp_segment syn = syn_after(wall, i << 15, 0);

        assert_int_equal(tcp_knock_check(&listener, wall, here, &syn), WGT_OK);
    }
    for (uint32_t i = 0; i < TCP_KNOCK_MEMORY / 4; i++) {
        struct tcp_segment syn = syn_after(wall, i << 15, 0);

        forgotten += tcp_knock_check(&listener, wall, there, &syn) != WGT_DROP_TCP_KNOCK_REPLAY;
    }
    assert_true(forgotten < TCP_KNOCK_MEMORY / 4 / 50);
    for (uint32_t i = 0; i < 100000; i++) { /* expired ones make room */
        struct tcp_segment syn = syn_after(wall + 600 + i, i << 15, 0);

        assert_int_equal(tcp_knock_check(&listener, wall + 600 + i, here, &syn), WGT_OK);
    }
}

static void
syn_looks_like_any_other(void **state)
{
    unsigned ones[64] = {0};

    (void)state;
    srand(3);
    for (int i = 0; i < 4000; i++) {
        struct tcp_segment syn =
            syn_after(wall + (uint64_t)i, (uint32_t)rand() << 16 ^ (uint32_t)rand(), 0);

        for (int bit = 0; bit < 32; bit++) {
            ones[bit] += syn.seq >> bit & 1;
            ones[32 + bit] += syn.ts_val >> bit & 1;
        }
    }
    for (int bit = 0; bit < 64; bit++) {
        if (bit != 32 + 14) /* kept clear, so that the clock has room */
            assert_in_range(ones[bit], 1800, 2200);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup(f, set_up)
        T(knock_opens),
        T(repeated_syn_verifies),
        T(a_step_of_clock_difference_is_allowed_and_no_more),
        T(others_are_refused),
        T(replay_from_another_connection_is_refused),
        T(memory_forgets_only_when_it_is_full),
        T(syn_looks_like_any_other),
#undef T
    };

    return noise_crypto_init(NULL, 0) != 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
