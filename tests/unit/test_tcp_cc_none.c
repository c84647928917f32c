/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../src/tcp/internal.h"

static void
nothing_moves_the_window(void **state)
{
    struct tcp_cc_ack ack = {.now = 1, .acked = 1000, .delivered = 1000, .lost = 5000};
    struct tcp_cc cc;
    uint32_t cwnd;

    (void)state;
    tcp_cc_init(&cc, &tcp_cc_none, 1000, 0, true);
    cwnd = cc.cwnd;
    assert_true(cwnd >= 4 << 20);
    assert_true(cwnd < 1 << 30);
    assert_true(cc.pacing_rate >= UINT64_C(100000000000)); /* no pacing, that is */
    cc.ops->enter_recovery(&cc, 1, cwnd);
    assert_int_equal(cc.cwnd, cwnd);
    cc.cwnd = 1;
    cc.ops->timeout(&cc, 2, cwnd, false);
    assert_int_equal(cc.cwnd, cwnd);
    cc.ops->congestion_experienced(&cc, 3, cwnd);
    assert_int_equal(cc.cwnd, cwnd);
    cc.cwnd = 1;
    cc.ops->undo(&cc, 4);
    assert_int_equal(cc.cwnd, cwnd);
    cc.cwnd = 1;
    cc.ops->acked(&cc, &ack);
    assert_int_equal(cc.cwnd, cwnd);
    assert_true(cc.ops->owns_recovery);
}

static void
algorithms_by_name(void **state)
{
    (void)state;
    assert_ptr_equal(tcp_cc_find("bbr"), &tcp_cc_bbr);
    assert_ptr_equal(tcp_cc_find("cubic"), &tcp_cc_cubic);
    assert_ptr_equal(tcp_cc_find("none"), &tcp_cc_none);
    assert_null(tcp_cc_find(""));
    assert_null(tcp_cc_find("reno"));
    assert_null(tcp_cc_find("BBR"));
}

static void
rfc6928_2_one_segment_after_lost_syns(void **state)
{
    struct tcp_cc cc;

    (void)state;
    tcp_cc_init(&cc, &tcp_cc_cubic, 1000, 0, true);
    assert_int_equal(cc.cwnd, 1000);
    tcp_cc_init(&cc, &tcp_cc_cubic, 1000, 0, false);
    assert_int_equal(cc.cwnd, 10000);
}

/* The window goes on, and nothing else does. */
static void
a_change_keeps_the_window(void **state)
{
    static const struct tcp_cc_ops *const all[] = {&tcp_cc_bbr, &tcp_cc_cubic};
    struct tcp_cc cc, fresh;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        tcp_cc_init(&cc, all[!i], 1000, 0, false);
        memset(cc.state, 0xa5, sizeof(cc.state));
        cc.cwnd = 123456;
        cc.ssthresh = 77;
        cc.pacing_rate = 5;
        tcp_cc_change(&cc, all[i], 9);
        assert_ptr_equal(cc.ops, all[i]);
        assert_int_equal(cc.cwnd, 123456);
        assert_int_equal(cc.ssthresh, UINT32_MAX);
        assert_int_equal(cc.pacing_rate, 0);
        tcp_cc_init(&fresh, all[i], 1000, 9, false);
        assert_memory_equal(cc.state, fresh.state, sizeof(cc.state));
    }
}

/* Its window says nothing of the path. */
static void
who_comes_after_none_begins_anew(void **state)
{
    struct tcp_cc cc;

    (void)state;
    tcp_cc_init(&cc, &tcp_cc_none, 1000, 0, false);
    tcp_cc_change(&cc, &tcp_cc_cubic, 9);
    assert_int_equal(cc.cwnd, 10000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_moves_the_window),
        cmocka_unit_test(algorithms_by_name),
        cmocka_unit_test(rfc6928_2_one_segment_after_lost_syns),
        cmocka_unit_test(a_change_keeps_the_window),
        cmocka_unit_test(who_comes_after_none_begins_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
