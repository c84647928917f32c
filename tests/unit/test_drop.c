/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <wgtcpd/base/base.h>
#include <wgtcpd/base/drop.h>

static void
zero_means_not_dropped(void **state)
{
    (void)state;
    assert_int_equal(WGT_OK, 0);
    assert_string_equal(wgt_drop_name(WGT_OK), "ok");
}

static void
names_are_lower_case_words_and_unique(void **state)
{
    (void)state;
    for (int i = 0; i < WGT_DROP_COUNT; i++) {
        const char *name = wgt_drop_name(i);

        assert_true(name[0] != '\0');
        for (const char *c = name; *c != '\0'; c++)
            assert_true(islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '_');
        for (int j = 0; j < i; j++)
            assert_string_not_equal(name, wgt_drop_name(j));
    }
    assert_string_equal(wgt_drop_name(WGT_DROP_TCP_PAWS), "tcp_paws");
}

static void
texts_are_there_and_unique(void **state)
{
    (void)state;
    for (int i = 0; i < WGT_DROP_COUNT; i++) {
        assert_true(strlen(wgt_drop_text(i)) > 5);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(wgt_drop_text(i), wgt_drop_text(j));
    }
    assert_string_equal(wgt_drop_text(WGT_DROP_DATA_REPLAY), "data message replayed or too old");
}

static void
a_counter_counts_its_own_reason_only(void **state)
{
    struct wgt_drop_counters c = {0};

    (void)state;
    wgt_drop_count(&c, WGT_DROP_MAC1);
    wgt_drop_count(&c, WGT_DROP_MAC1);
    for (int i = 0; i < WGT_DROP_COUNT; i++)
        assert_int_equal(c.n[i], i == WGT_DROP_MAC1 ? 2 : 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_means_not_dropped),
        cmocka_unit_test(names_are_lower_case_words_and_unique),
        cmocka_unit_test(texts_are_there_and_unique),
        cmocka_unit_test(a_counter_counts_its_own_reason_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
