/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <wgtcpd/base/pages.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

static const size_t sizes[] = {0, 1, 64, 4096, PAGES_HUGE - 1, PAGES_HUGE, 2 * PAGES_HUGE + 1};

static void
every_byte_is_zero_and_can_be_written(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 2; round++)
        for (size_t i = 0; i < COUNT_OF(sizes); i++) {
            char *p = pages_alloc(sizes[i]);

            assert_non_null(p);
            assert_int_equal((uintptr_t)p % 64, 0);
            for (size_t at = 0; at < sizes[i]; at++)
                assert_int_equal(p[at], 0);
            memset(p, 0xee, sizes[i]);
            pages_free(p, sizes[i]);
        }
}

static void
large_pieces_begin_with_a_huge_page(void **state)
{
    void *p = pages_alloc(PAGES_HUGE + 1);

    (void)state;
    assert_int_equal((uintptr_t)p % PAGES_HUGE, 0);
    pages_free(p, PAGES_HUGE + 1);
}

static void
what_cannot_be_had_is_null(void **state)
{
    (void)state;
    assert_null(pages_alloc(SIZE_MAX));
    assert_null(pages_alloc(SIZE_MAX - 2 * PAGES_HUGE));
    pages_free(NULL, 1);
    pages_free(NULL, 2 * PAGES_HUGE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_is_zero_and_can_be_written),
        cmocka_unit_test(large_pieces_begin_with_a_huge_page),
        cmocka_unit_test(what_cannot_be_had_is_null),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
