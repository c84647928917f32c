/* SPDX-License-Identifier: BSD-3-Clause */
/* CUBIC against figures worked out by hand from RFC 9438's equations, and HyStart++. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../src/tcp/cc_cubic.h"
#include "../../src/tcp/cc_hystart.h"

enum { MSS = 1000 };

static struct tcp_cc
cubic(uint32_t cwnd, uint32_t ssthresh)
{
    struct tcp_cc cc;

    tcp_cc_init(&cc, &tcp_cc_cubic, MSS, 0, false);
    cc.cwnd = cwnd;
    cc.ssthresh = ssthresh;
    return cc;
}

static void
acked_at(struct tcp_cc *cc, wgt_time now, uint32_t bytes, wgt_time srtt)
{
    struct tcp_cc_ack ack = {.now = now,
                             .acked = bytes,
                             .delivered = bytes,
                             .srtt = srtt,
                             .rtt = srtt,
                             .cwnd_limited = true};

    cc->ops->acked(cc, &ack);
}

/* A window's worth of ACKs every srtt, evenly. */
static void
run(struct tcp_cc *cc, wgt_time from, wgt_time to, wgt_time srtt)
{
    for (wgt_time now = from; now < to; now += srtt) {
        uint32_t n = cc->cwnd / MSS;

        for (uint32_t i = 0; i < n; i++)
            acked_at(cc, now + srtt * i / n, MSS, srtt);
    }
}

static void
cubic_root(void **state)
{
    (void)state;
    assert_int_equal(tcp_cubic_root(0), 0);
    assert_int_equal(tcp_cubic_root(7), 1);
    assert_int_equal(tcp_cubic_root(8), 2);
    assert_int_equal(tcp_cubic_root(UINT64_MAX), 2642245);
    for (uint64_t r = 2; r <= 2642245; r += r / 7 + 1) {
        assert_int_equal(tcp_cubic_root(r * r * r), r);
        assert_int_equal(tcp_cubic_root(r * r * r - 1), r - 1);
    }
}

/* W_max and cwnd_epoch in segments; time and result in thousandths. */
static const struct {
    uint32_t w_max, cwnd, t, k, w;
} equations[] = {
    {10, 7, 0, 1957, 7000},          {10, 7, 500, 1957, 8762},
    {10, 7, 1000, 1957, 9649},       {10, 7, 2000, 1957, 10000},
    {10, 7, 5000, 1957, 21266},      {10, 7, 10000, 1957, 218087},
    {100, 70, 0, 4217, 70000},       {100, 70, 500, 4217, 79456},
    {100, 70, 1000, 4217, 86681},    {100, 70, 2000, 4217, 95640},
    {100, 70, 5000, 4217, 100192},   {100, 70, 10000, 4217, 177354},
    {1000, 700, 0, 9086, 700000},    {1000, 700, 500, 9086, 746853},
    {1000, 700, 1000, 9086, 788555}, {1000, 700, 2000, 9086, 857705},
    {1000, 700, 5000, 9086, 972721}, {1000, 700, 10000, 9086, 1000306},
};

static void
near(uint64_t value, uint64_t expected, uint64_t off)
{
    assert_in_range(value, expected - off, expected + off);
}

static void
rfc9438_4_2_equations_1_and_2(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(equations) / sizeof(equations[0]); i++) {
        uint32_t w_max = equations[i].w_max * MSS, cwnd = equations[i].cwnd * MSS;
        uint32_t k = tcp_cubic_k(w_max, cwnd, MSS);

        near((uint64_t)k * 1000 / 4096, equations[i].k, 1);
        near(tcp_cubic_window(equations[i].t * 4096 / 1000, k, w_max, MSS), equations[i].w,
             equations[i].w / 2000 + 2);
    }
}

static void
rfc9438_4_2_equations_at_their_ends(void **state)
{
    (void)state;
    assert_int_equal(tcp_cubic_k(1000, 1000, MSS), 0);
    assert_int_equal(tcp_cubic_k(1000, 2000, MSS), 0);
    assert_true(tcp_cubic_k(1 << 30, 1, 536) > 0);
    assert_int_equal(tcp_cubic_window(UINT32_MAX, 0, 1 << 29, 9000), 1 << 30);
    assert_int_equal(tcp_cubic_window(0, UINT32_MAX, 1 << 29, 9000), 0);
    assert_int_equal(tcp_cubic_window(5, 5, 1 << 29, 9000), 1 << 29);
}

static void
rfc9438_4_6_multiplicative_decrease(void **state)
{
    struct tcp_cc cc = cubic(100 * MSS, UINT32_MAX);

    (void)state;
    cc.ops->enter_recovery(&cc, 0, 90 * MSS);
    assert_int_equal(cc.ssthresh, 63 * MSS); /* of what is in flight */
    cc.ops->enter_recovery(&cc, 0, 2 * MSS);
    assert_int_equal(cc.ssthresh, 2 * MSS); /* two segments at least */
    cc.ops->enter_recovery(&cc, 0, 500 * MSS);
    assert_int_equal(cc.ssthresh, 70 * MSS); /* of cwnd at most */
}

/* 100 segments, a loss, and 4.217 s later 100 again. */
static void
rfc9438_4_4_concave_and_4_5_convex_growth(void **state)
{
    struct tcp_cc cc = cubic(100 * MSS, 100 * MSS);
    wgt_time t = 10 * WGT_SEC, rtt = 200 * WGT_MSEC;

    (void)state;
    cc.ops->enter_recovery(&cc, t, 100 * MSS);
    cc.cwnd = cc.ssthresh;
    run(&cc, t, t + 1000 * WGT_MSEC, rtt);
    near(cc.cwnd, 86681, 2500);
    run(&cc, t + 1000 * WGT_MSEC, t + 4200 * WGT_MSEC, rtt);
    near(cc.cwnd, 100000, 500);
    run(&cc, t + 4200 * WGT_MSEC, t + 10000 * WGT_MSEC, rtt);
    near(cc.cwnd, 177354, 6000);
}

/* The target is at most half above cwnd: no more than that in a round trip. */
static void
rfc9438_4_2_target_is_bounded(void **state)
{
    struct tcp_cc cc = cubic(100 * MSS, 100 * MSS);

    (void)state;
    acked_at(&cc, WGT_SEC, MSS, WGT_MSEC);
    cc.cwnd = 100 * MSS;
    acked_at(&cc, 60 * WGT_SEC, 100 * MSS, WGT_MSEC);
    assert_int_equal(cc.cwnd, 150 * MSS);
}

/* 4.3, equation 4: 9/17 of a segment a round trip, and a whole one once back. */
static void
rfc9438_4_3_reno_friendly_region(void **state)
{
    struct tcp_cc cc = cubic(20 * MSS, 20 * MSS);
    wgt_time rtt = 10 * WGT_MSEC, now = WGT_SEC;

    (void)state;
    cc.ops->enter_recovery(&cc, now, 20 * MSS);
    cc.cwnd = cc.ssthresh;
    assert_int_equal(cc.cwnd, 14 * MSS);
    run(&cc, now, now + 9 * rtt, rtt);
    near(cc.cwnd, 14000 + 9 * 9000 / 17, 400);
    for (now += 9 * rtt; cc.cwnd < 20 * MSS; now += rtt)
        run(&cc, now, now + 1, rtt);
    near((now - WGT_SEC) / rtt, 6 * 17 / 9 + 1, 2);
    run(&cc, now, now + 5 * rtt, rtt);
    near(cc.cwnd, 25000, 900);
}

static void
rfc9438_4_7_fast_convergence(void **state)
{
    struct tcp_cc cc = cubic(100 * MSS, 100 * MSS);
    wgt_time rtt = 200 * WGT_MSEC, t = 10 * WGT_SEC;

    (void)state;
    cc.ops->enter_recovery(&cc, t, 100 * MSS);
    cc.cwnd = 80 * MSS; /* has not come back to 100: W_max is 0.85 * 80 */
    cc.ops->enter_recovery(&cc, t, 80 * MSS);
    cc.cwnd = cc.ssthresh;
    assert_int_equal(cc.cwnd, 56 * MSS);
    /* K = cbrt((68 - 56) / 0.4) = 3.107 s */
    run(&cc, t, t + 3000 * WGT_MSEC, rtt);
    near(cc.cwnd, 68000, 1000);
}

static void
rfc9438_4_8_timeout(void **state)
{
    struct tcp_cc cc = cubic(100 * MSS, 100 * MSS);
    wgt_time rtt = 400 * WGT_MSEC, now = 10 * WGT_SEC;

    (void)state;
    cc.ops->timeout(&cc, now, 100 * MSS, false);
    assert_int_equal(cc.cwnd, MSS);
    assert_int_equal(cc.ssthresh, 70 * MSS);
    cc.ops->timeout(&cc, now, MSS, true);
    assert_int_equal(cc.ssthresh, 70 * MSS); /* RFC 5681 3.1 */
    for (; cc.cwnd < cc.ssthresh; now += rtt)
        run(&cc, now, now + 1, rtt);
    /* K is 0: convex at once, 70 + 0.4 * 3.6^3 after 3.2 s and a round trip. */
    run(&cc, now, now + 3200 * WGT_MSEC, rtt);
    near(cc.cwnd, 70000 + 18662, 3000);
}

static void
rfc9438_4_9_undo(void **state)
{
    struct tcp_cc cc = cubic(100 * MSS, 90 * MSS), before;
    wgt_time rtt = 200 * WGT_MSEC, now = 10 * WGT_SEC;

    (void)state;
    cc.ops->enter_recovery(&cc, now, 100 * MSS);
    cc.cwnd = cc.ssthresh;
    run(&cc, now, now + 2 * WGT_SEC, rtt);
    before = cc;
    cc.ops->enter_recovery(&cc, now + 2 * WGT_SEC, cc.cwnd);
    cc.cwnd = cc.ssthresh;
    cc.ops->undo(&cc, now + 2 * WGT_SEC);
    assert_int_equal(cc.cwnd, before.cwnd);
    assert_int_equal(cc.ssthresh, before.ssthresh);
    run(&before, now + 2 * WGT_SEC, now + 4 * WGT_SEC, rtt);
    run(&cc, now + 2 * WGT_SEC, now + 4 * WGT_SEC, rtt);
    assert_int_equal(cc.cwnd, before.cwnd); /* on the same curve */

    before = cc;
    cc.ops->timeout(&cc, now, cc.cwnd, false);
    cc.ops->timeout(&cc, now, MSS, true);
    cc.ops->undo(&cc, now);
    assert_int_equal(cc.cwnd, before.cwnd);
    assert_int_equal(cc.ssthresh, before.ssthresh);
    cc.cwnd = MSS;
    cc.ops->undo(&cc, now); /* once */
    assert_int_equal(cc.cwnd, MSS);
}

/* 4.2: t leaves out the time in which cwnd was not used. */
static void
rfc9438_4_2_application_limited_time_does_not_count(void **state)
{
    struct tcp_cc busy = cubic(100 * MSS, 100 * MSS), lazy;
    struct tcp_cc_ack ack = {.acked = MSS, .delivered = MSS};
    wgt_time t = 10 * WGT_SEC, rtt = 200 * WGT_MSEC, gap = 30 * WGT_SEC;

    (void)state;
    busy.ops->enter_recovery(&busy, t, 100 * MSS);
    busy.cwnd = busy.ssthresh;
    run(&busy, t, t + 2 * WGT_SEC, rtt);
    lazy = busy;
    for (wgt_time now = t + 2 * WGT_SEC; now <= t + 2 * WGT_SEC + gap; now += WGT_SEC) {
        ack.now = now;
        lazy.ops->acked(&lazy, &ack);
    }
    assert_int_equal(lazy.cwnd, busy.cwnd);
    run(&busy, t + 2 * WGT_SEC, t + 4 * WGT_SEC, rtt);
    run(&lazy, t + gap + 2 * WGT_SEC, t + gap + 4 * WGT_SEC, rtt);
    near(lazy.cwnd, busy.cwnd, 100);
}

static void
rfc5681_4_1_restart_after_idle(void **state)
{
    struct tcp_cc cc = cubic(100 * MSS, 70 * MSS);

    (void)state;
    cc.ops->restart(&cc, WGT_SEC, 100 * WGT_MSEC, false);
    assert_int_equal(cc.cwnd, 100 * MSS);
    cc.ops->restart(&cc, WGT_SEC, WGT_SEC, true);
    assert_int_equal(cc.cwnd, 10 * MSS);
    assert_int_equal(cc.ssthresh, 70 * MSS);
}

static void
rfc3168_5_a_mark_is_a_loss(void **state)
{
    struct tcp_cc cc = cubic(100 * MSS, UINT32_MAX);

    (void)state;
    cc.ops->congestion_experienced(&cc, 0, 100 * MSS);
    assert_int_equal(cc.cwnd, 70 * MSS);
    assert_int_equal(cc.ssthresh, 70 * MSS);
    cc.ops->undo(&cc, 0); /* nothing of it was spurious */
    assert_int_equal(cc.cwnd, 70 * MSS);
}

static void
rfc3465_2_1_slow_start_by_bytes(void **state)
{
    struct tcp_cc cc = cubic(10 * MSS, 30 * MSS);

    (void)state;
    acked_at(&cc, 0, 2 * MSS, WGT_MSEC);
    assert_int_equal(cc.cwnd, 12 * MSS);
    acked_at(&cc, 0, 12 * MSS, WGT_MSEC);
    assert_int_equal(cc.cwnd, 24 * MSS);
    acked_at(&cc, 0, 24 * MSS, WGT_MSEC);
    assert_int_equal(cc.cwnd, 30 * MSS); /* and not beyond ssthresh */
}

static void
rfc3465_2_3_one_segment_an_ack_after_timeout(void **state)
{
    struct tcp_cc cc = cubic(MSS, 20 * MSS);
    struct tcp_cc_ack ack = {.acked = 5 * MSS, .cwnd_limited = true, .after_timeout = true};

    (void)state;
    cc.ops->acked(&cc, &ack);
    assert_int_equal(cc.cwnd, 2 * MSS);
}

static void
rfc2861_window_not_in_use_does_not_grow(void **state)
{
    struct tcp_cc cc = cubic(10 * MSS, 20 * MSS);
    struct tcp_cc_ack ack = {.acked = 2 * MSS};

    (void)state;
    cc.ops->acked(&cc, &ack);
    assert_int_equal(cc.cwnd, 10 * MSS);
    cc.ssthresh = 5 * MSS;
    for (int i = 0; i < 20; i++)
        cc.ops->acked(&cc, &ack);
    assert_int_equal(cc.cwnd, 10 * MSS);
}

static void
no_growth_in_recovery(void **state)
{
    struct tcp_cc cc = cubic(10 * MSS, 20 * MSS);
    struct tcp_cc_ack ack = {.acked = MSS, .cwnd_limited = true, .in_recovery = true};

    (void)state;
    cc.ops->acked(&cc, &ack);
    assert_int_equal(cc.cwnd, 10 * MSS);
}

/* One round of n ACKs, each with the same RTT. una goes across the wrap. */
static uint32_t
round_of(struct tcp_hystart *h, uint32_t *una, int n, wgt_time rtt)
{
    uint32_t growth = 0;

    for (int i = 0; i < n; i++) {
        struct tcp_cc_ack ack = {.acked = MSS, .rtt = rtt};

        *una += MSS;
        ack.snd_una = *una;
        ack.snd_nxt = *una + (uint32_t)n * MSS;
        growth += tcp_hystart_acked(h, &ack);
    }
    return growth;
}

static void
rfc9406_4_2_delay_ends_slow_start(void **state)
{
    uint32_t una = 0u - 25 * MSS;
    struct tcp_hystart h;

    (void)state;
    tcp_hystart_init(&h);
    assert_int_equal(round_of(&h, &una, 10, 40 * WGT_MSEC), 10 * MSS);
    round_of(&h, &una, 10, 40 * WGT_MSEC);
    round_of(&h, &una, 10, 44 * WGT_MSEC); /* an eighth is 5 ms: not yet */
    assert_false(h.css);
    round_of(&h, &una, 10, 50 * WGT_MSEC);
    assert_true(h.css);
    assert_int_equal(round_of(&h, &una, 12, 50 * WGT_MSEC), 3 * MSS); /* a quarter of the growth */
    for (int i = 0; i < 3; i++)
        round_of(&h, &una, 10, 50 * WGT_MSEC);
    assert_false(h.done);
    round_of(&h, &una, 10, 50 * WGT_MSEC);
    assert_true(h.done);
}

static void
rfc9406_4_2_less_than_eight_samples_say_nothing(void **state)
{
    uint32_t una = 0;
    struct tcp_hystart h;

    (void)state;
    tcp_hystart_init(&h);
    round_of(&h, &una, 7, 40 * WGT_MSEC);
    for (int i = 0; i < 5; i++)
        round_of(&h, &una, 7, 400 * WGT_MSEC);
    assert_false(h.css);
}

static void
rfc9406_4_2_slow_start_resumes(void **state)
{
    uint32_t una = 0;
    struct tcp_hystart h;

    (void)state;
    tcp_hystart_init(&h);
    round_of(&h, &una, 10, 40 * WGT_MSEC);
    round_of(&h, &una, 10, 50 * WGT_MSEC);
    assert_true(h.css);
    round_of(&h, &una, 10, 49 * WGT_MSEC); /* below the baseline */
    assert_false(h.css);
    assert_false(h.done);
}

/* 4 ms at least, 16 ms at most. */
static void
rfc9406_4_3_threshold_is_clamped(void **state)
{
    uint32_t una = 0;
    struct tcp_hystart h;

    (void)state;
    tcp_hystart_init(&h);
    round_of(&h, &una, 10, WGT_MSEC);
    round_of(&h, &una, 10, 4900 * WGT_USEC);
    assert_false(h.css);
    tcp_hystart_init(&h);
    round_of(&h, &una, 10, 400 * WGT_MSEC);
    round_of(&h, &una, 10, 415 * WGT_MSEC);
    assert_false(h.css);
    round_of(&h, &una, 10, 431 * WGT_MSEC);
    assert_true(h.css);
}

/* Slow start left by HyStart++: ssthresh is where it ended, and CUBIC goes on from there. */
static void
rfc9438_4_10_from_hystart_to_cubic(void **state)
{
    struct tcp_cc cc = cubic(10 * MSS, UINT32_MAX);
    struct tcp_cc_ack ack = {.acked = MSS, .cwnd_limited = true};

    (void)state;
    for (int i = 0; i < 400 && cc.ssthresh == UINT32_MAX; i++) {
        ack.now += WGT_MSEC;
        ack.rtt = ack.srtt = i < 20 ? 40 * WGT_MSEC : 60 * WGT_MSEC;
        ack.snd_una += MSS;
        ack.snd_nxt = ack.snd_una + 10 * MSS;
        cc.ops->acked(&cc, &ack);
    }
    assert_int_equal(cc.ssthresh, cc.cwnd);
    run(&cc, WGT_SEC, 2 * WGT_SEC, 60 * WGT_MSEC);
    assert_true(cc.cwnd > cc.ssthresh);
    assert_true(cc.cwnd < cc.ssthresh + 20 * MSS);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cubic_root),
        cmocka_unit_test(rfc9438_4_2_equations_1_and_2),
        cmocka_unit_test(rfc9438_4_2_equations_at_their_ends),
        cmocka_unit_test(rfc9438_4_6_multiplicative_decrease),
        cmocka_unit_test(rfc9438_4_4_concave_and_4_5_convex_growth),
        cmocka_unit_test(rfc9438_4_2_target_is_bounded),
        cmocka_unit_test(rfc9438_4_3_reno_friendly_region),
        cmocka_unit_test(rfc9438_4_7_fast_convergence),
        cmocka_unit_test(rfc9438_4_8_timeout),
        cmocka_unit_test(rfc9438_4_9_undo),
        cmocka_unit_test(rfc9438_4_2_application_limited_time_does_not_count),
        cmocka_unit_test(rfc5681_4_1_restart_after_idle),
        cmocka_unit_test(rfc3168_5_a_mark_is_a_loss),
        cmocka_unit_test(rfc3465_2_1_slow_start_by_bytes),
        cmocka_unit_test(rfc3465_2_3_one_segment_an_ack_after_timeout),
        cmocka_unit_test(rfc2861_window_not_in_use_does_not_grow),
        cmocka_unit_test(no_growth_in_recovery),
        cmocka_unit_test(rfc9406_4_2_delay_ends_slow_start),
        cmocka_unit_test(rfc9406_4_2_less_than_eight_samples_say_nothing),
        cmocka_unit_test(rfc9406_4_2_slow_start_resumes),
        cmocka_unit_test(rfc9406_4_3_threshold_is_clamped),
        cmocka_unit_test(rfc9438_4_10_from_hystart_to_cubic),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
