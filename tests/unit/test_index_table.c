/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <wgtcpd/peer/index_table.h>

enum { N = 1000 };

static struct index_table table;

static int
begin(void **state)
{
    uint32_t n = index_table_slots(N);
    struct index_slot *slots = calloc(n, sizeof(*slots));

    (void)state;
    index_table_init(&table, slots, n);
    return slots != NULL ? 0 : -1;
}

static int
end(void **state)
{
    (void)state;
    free(table.slots);
    return 0;
}

static void
there_are_a_power_of_two_of_slots_and_one_for_each(void **state)
{
    (void)state;
    assert_int_equal(index_table_slots(0), 256);
    assert_int_equal(index_table_slots(256), 256);
    assert_int_equal(index_table_slots(257), 512);
    assert_int_equal(index_table_slots(4000000), 1 << 22);
    assert_int_equal(index_table_slots(UINT32_MAX), UINT32_C(1) << 31);
}

static void
all_32_bits_of_an_index_count(void **state)
{
    int v;

    (void)state;
    assert_true(index_table_insert(&table, 0x12345678, &v));
    assert_ptr_equal(index_table_find(&table, 0x12345678), &v);
    for (unsigned bit = 0; bit < 32; bit++)
        assert_null(index_table_find(&table, 0x12345678 ^ UINT32_C(1) << bit));
}

static void
a_taken_slot_stays_its_owners(void **state)
{
    uint32_t same_slot = 5 + table.mask + 1;
    int a, b;

    (void)state;
    assert_true(index_table_insert(&table, 5, &a));
    assert_false(index_table_insert(&table, 5, &b));
    assert_false(index_table_insert(&table, same_slot, &b));
    index_table_remove(&table, same_slot);
    assert_ptr_equal(index_table_find(&table, 5), &a);
    index_table_remove(&table, 5);
    assert_null(index_table_find(&table, 5));
    assert_true(index_table_insert(&table, same_slot, &b));
    assert_ptr_equal(index_table_find(&table, same_slot), &b);
    assert_null(index_table_find(&table, 5));
}

static void
index_zero_is_one_like_any_other(void **state)
{
    int v;

    (void)state;
    assert_null(index_table_find(&table, 0));
    index_table_remove(&table, 0);
    assert_true(index_table_insert(&table, 0, &v));
    assert_ptr_equal(index_table_find(&table, 0), &v);
    index_table_remove(&table, 0);
    assert_null(index_table_find(&table, 0));
}

/* As handshakes and sessions come and go; the model is who has which slot. */
static void
random_indices_come_and_go(void **state)
{
    static uint32_t model[N];
    uint64_t seed = 1;
    unsigned inserted = 0;

    (void)state;
    for (unsigned i = 0; i < 100000; i++) {
        uint32_t *m, index;

        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        m = &model[(seed >> 40) % N];
        index = (uint32_t)(seed >> 32) | 1;
        assert_true(*m == 0 || index_table_find(&table, *m) == m);
        if (*m != 0) {
            index_table_remove(&table, *m);
            assert_null(index_table_find(&table, *m));
            *m = 0;
        } else if (index_table_insert(&table, index, m)) {
            *m = index;
            inserted++;
        }
    }
    assert_in_range(inserted, 25000, 50000);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        T(there_are_a_power_of_two_of_slots_and_one_for_each),
        T(all_32_bits_of_an_index_count),
        T(a_taken_slot_stays_its_owners),
        T(index_zero_is_one_like_any_other),
        T(random_indices_come_and_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
