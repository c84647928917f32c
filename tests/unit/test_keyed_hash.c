/* SPDX-License-Identifier: BSD-3-Clause */
/* Multilinear hashing (Lemire and Kaser 2014). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <wgtcpd/base/keyed_hash.h>

static uint64_t state64 = 1;

static uint64_t
random64(void)
{
    state64 = state64 * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return state64 ^ state64 >> 29;
}

static struct keyed_hash
random_key(void)
{
    struct keyed_hash h;

    for (size_t i = 0; i < sizeof(h.key) / sizeof(h.key[0]); i++)
        h.key[i] = random64() << 32 | random64() >> 32;
    return h;
}

/* Theorem 3.1's sum, by hand. */
static void
theorem_3_1_upper_half_of_the_sum_of_products(void **state)
{
    struct keyed_hash h = {{UINT64_C(7) << 32, UINT64_C(1) << 32, UINT64_C(3) << 32, 5}};
    const uint8_t data[9] = {2, 0, 0, 0, 4, 0, 0, 0, 0xff};

    (void)state;
    assert_int_equal(keyed_hash(&h, data, 0), 7);
    assert_int_equal(keyed_hash(&h, data, 4), 7 + 2);
    assert_int_equal(keyed_hash(&h, data, 8), 7 + 2 + 3 * 4);
    assert_int_equal(keyed_hash(&h, data, 9), 7 + 2 + 3 * 4); /* 5 * 255 is all in the lower half */
    h.key[3] = UINT64_C(1) << 32;
    assert_int_equal(keyed_hash(&h, data, 9), 7 + 2 + 3 * 4 + 0xff);
}

/* Two keys of one table meet in one of 256 buckets for one key in 256, however alike they are. */
static void
theorem_3_1_what_differs_collides_no_more_often_than_by_chance(void **state)
{
    enum { KEYS = 65536, BUCKETS = 256 };

    (void)state;
    for (size_t at = 0; at < KEYED_HASH_MAX; at++) {
        uint8_t a[KEYED_HASH_MAX] = {10, 0, 0, 1}, b[KEYED_HASH_MAX] = {10, 0, 0, 1};
        unsigned together = 0;

        b[at] ^= 1;
        for (unsigned i = 0; i < KEYS; i++) {
            struct keyed_hash h = random_key();

            together +=
                (keyed_hash(&h, a, sizeof(a)) ^ keyed_hash(&h, b, sizeof(b))) % BUCKETS == 0;
        }
        assert_in_range(together, KEYS / BUCKETS / 2, KEYS / BUCKETS * 2);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(theorem_3_1_upper_half_of_the_sum_of_products),
        cmocka_unit_test(theorem_3_1_what_differs_collides_no_more_often_than_by_chance),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
