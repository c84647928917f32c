/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../src/tunnel/key_table.h"

enum { N = 500 };

static struct handshaker_peer peers[N + 1];
static struct key_table table;

static int
begin(void **state)
{
    static const uint8_t hash_key[16] = {1, 2, 3};

    (void)state;
    for (unsigned i = 0; i <= N; i++)
        put_le32(peers[i].remote.public_key, i + 1);
    return key_table_init(&table, N, hash_key);
}

static int
end(void **state)
{
    (void)state;
    key_table_fini(&table);
    return 0;
}

static void
keys_that_differ_in_a_bit_are_others(void **state)
{
    uint8_t key[NOISE_KEY_LEN];

    (void)state;
    assert_true(key_table_insert(&table, &peers[0]));
    assert_ptr_equal(key_table_find(&table, peers[0].remote.public_key), &peers[0]);
    for (unsigned bit = 0; bit < 8 * NOISE_KEY_LEN; bit++) {
        memcpy(key, peers[0].remote.public_key, sizeof(key));
        key[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_null(key_table_find(&table, key));
    }
}

static void
it_takes_as_many_as_it_was_made_for(void **state)
{
    (void)state;
    for (unsigned i = 0; i < N; i++)
        assert_true(key_table_insert(&table, &peers[i]));
    assert_false(key_table_insert(&table, &peers[N]));
    key_table_remove(&table, &peers[3]);
    assert_true(key_table_insert(&table, &peers[N]));
}

static void
each_is_visited_once(void **state)
{
    bool seen[N] = {false};
    struct handshaker_peer *p;
    uint32_t at = 0;

    (void)state;
    assert_null(key_table_next(&table, &at));
    for (unsigned i = 0; i < N; i++)
        assert_true(key_table_insert(&table, &peers[i]));
    at = 0;
    for (unsigned i = 0; i < N; i++) {
        p = key_table_next(&table, &at);
        assert_non_null(p);
        assert_false(seen[p - peers]);
        seen[p - peers] = true;
    }
    assert_null(key_table_next(&table, &at));
}

/* Removing one leaves no gap that hides another, whatever lies beside it and around the end. */
static void
those_that_stay_are_found_when_others_go(void **state)
{
    bool in[N] = {false};
    uint64_t seed = 1;

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        unsigned which;

        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        which = (unsigned)(seed >> 33) % N;
        if (in[which])
            key_table_remove(&table, &peers[which]);
        else
            assert_true(key_table_insert(&table, &peers[which]));
        in[which] = !in[which];
        for (unsigned k = 0; i % 20 == 0 && k < N; k++)
            assert_ptr_equal(key_table_find(&table, peers[k].remote.public_key),
                             in[k] ? &peers[k] : NULL);
    }
    for (unsigned k = 0; k < N; k++)
        if (in[k])
            key_table_remove(&table, &peers[k]);
    assert_int_equal(table.count, 0);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        T(keys_that_differ_in_a_bit_are_others),
        T(it_takes_as_many_as_it_was_made_for),
        T(each_is_visited_once),
        T(those_that_stay_are_found_when_others_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
