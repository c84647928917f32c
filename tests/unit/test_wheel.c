/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <wgtcpd/base/wheel.h>

#define TICK (UINT64_C(1) << WHEEL_TICK_SHIFT)
#define HOUR (3600 * WGT_SEC)
#define DAY  (24 * HOUR)

static struct wheel wheel;

static struct wheel_timer
idle_timer(void)
{
    struct wheel_timer t;

    wheel_timer_init(&t);
    return t;
}

static void
an_empty_wheel_has_no_deadline(void **state)
{
    (void)state;
    wheel_init(&wheel, 12345);
    assert_true(wheel_deadline(&wheel) == WGT_NEVER);
    assert_null(wheel_expire(&wheel, 30 * DAY));
    assert_true(wheel_deadline(&wheel) == WGT_NEVER);
}

static void
a_timer_never_fires_early(void **state)
{
    struct wheel_timer t = idle_timer();

    (void)state;
    for (wgt_time due = 2000; due < 20 * DAY; due = due * 3 + 1) {
        wheel_init(&wheel, 1000);
        wheel_arm(&wheel, &t, due);
        assert_null(wheel_expire(&wheel, due - 1));
        assert_true(wheel_armed(&t));
        assert_ptr_equal(wheel_expire(&wheel, due + TICK), &t);
    }
}

static void
a_timer_fires_at_most_one_tick_late(void **state)
{
    struct wheel_timer t = idle_timer();

    (void)state;
    for (wgt_time due = 1; due < 20 * DAY; due = due * 2 + 1) {
        wheel_init(&wheel, 0);
        wheel_arm(&wheel, &t, due);
        assert_ptr_equal(wheel_expire(&wheel, due + TICK - 1), &t);
        assert_false(wheel_armed(&t));
        assert_true(t.due == WGT_NEVER);
        assert_null(wheel_expire(&wheel, due + TICK - 1));
        assert_true(wheel_deadline(&wheel) == WGT_NEVER);
    }
}

static void
a_timer_on_a_tick_fires_on_it(void **state)
{
    struct wheel_timer t = idle_timer();

    (void)state;
    wheel_init(&wheel, 0);
    wheel_arm(&wheel, &t, 5 * TICK);
    assert_true(wheel_deadline(&wheel) == 5 * TICK);
    assert_null(wheel_expire(&wheel, 5 * TICK - 1));
    assert_ptr_equal(wheel_expire(&wheel, 5 * TICK), &t);
}

static void
an_overdue_timer_fires_at_once(void **state)
{
    struct wheel_timer past = idle_timer(), present = idle_timer();

    (void)state;
    wheel_init(&wheel, 0);
    assert_null(wheel_expire(&wheel, 10 * TICK + 7));
    wheel_arm(&wheel, &past, 3);
    wheel_arm(&wheel, &present, 10 * TICK + 7);
    assert_true(wheel_deadline(&wheel) == 10 * TICK + 7);
    assert_ptr_equal(wheel_expire(&wheel, 10 * TICK + 7), &past);
    assert_ptr_equal(wheel_expire(&wheel, 10 * TICK + 7), &present);
    assert_null(wheel_expire(&wheel, 10 * TICK + 7));
}

static void
a_timer_armed_while_expiring_with_a_due_time_that_passed_fires_in_the_same_round(void **state)
{
    const wgt_time now = 100 * TICK + 5;
    struct wheel_timer a = idle_timer(), b = idle_timer(), c = idle_timer();

    (void)state;
    wheel_init(&wheel, 0);
    wheel_arm(&wheel, &a, 2 * TICK);
    wheel_arm(&wheel, &c, now + 1);
    assert_ptr_equal(wheel_expire(&wheel, now), &a);
    wheel_arm(&wheel, &b, now);
    wheel_arm(&wheel, &a, 0);
    assert_ptr_equal(wheel_expire(&wheel, now), &b);
    assert_ptr_equal(wheel_expire(&wheel, now), &a);
    assert_null(wheel_expire(&wheel, now));
    assert_true(wheel_armed(&c));
}

static void
timers_come_in_order_of_their_ticks(void **state)
{
    enum { N = 300 };
    static struct wheel_timer t[N];

    (void)state;
    wheel_init(&wheel, 0);
    for (unsigned i = 0; i < N; i++) {
        wheel_timer_init(&t[i]);
        /* 7 and 300 share no factor: every multiple of 1000 ticks once, in shuffled order */
        wheel_arm(&wheel, &t[i], (i * 7 % N + 1) * 1000 * TICK);
    }
    for (unsigned i = 0; i < N; i++) {
        struct wheel_timer *f = wheel_expire(&wheel, DAY);

        assert_int_equal((size_t)(f - t) * 7 % N, i);
    }
    assert_null(wheel_expire(&wheel, DAY));
}

static void
a_disarmed_timer_does_not_fire(void **state)
{
    struct wheel_timer a = idle_timer(), b = idle_timer(), c = idle_timer();

    (void)state;
    wheel_init(&wheel, 0);
    wheel_arm(&wheel, &a, WGT_SEC);
    wheel_arm(&wheel, &b, WGT_SEC);
    wheel_arm(&wheel, &c, 0); /* overdue */
    wheel_disarm(&wheel, &b);
    wheel_disarm(&wheel, &b);
    wheel_arm(&wheel, &c, WGT_NEVER);
    assert_false(wheel_armed(&b));
    assert_false(wheel_armed(&c));
    assert_ptr_equal(wheel_expire(&wheel, HOUR), &a);
    assert_null(wheel_expire(&wheel, HOUR));
}

static void
disarming_the_last_timer_leaves_no_deadline(void **state)
{
    struct wheel_timer t = idle_timer();

    (void)state;
    wheel_init(&wheel, 0);
    for (wgt_time due = 0; due < 20 * DAY; due = due * 2 + 1) {
        wheel_arm(&wheel, &t, due);
        assert_true(wheel_deadline(&wheel) != WGT_NEVER);
        wheel_disarm(&wheel, &t);
        assert_true(wheel_deadline(&wheel) == WGT_NEVER);
    }
}

static void
overdue_timers_can_be_taken_out_anywhere(void **state)
{
    struct wheel_timer t[4] = {idle_timer(), idle_timer(), idle_timer(), idle_timer()};

    (void)state;
    wheel_init(&wheel, 5);
    for (int i = 0; i < 4; i++)
        wheel_arm(&wheel, &t[i], 0);
    wheel_disarm(&wheel, &t[3]); /* tail */
    wheel_disarm(&wheel, &t[1]); /* middle */
    wheel_arm(&wheel, &t[3], 1);
    wheel_disarm(&wheel, &t[0]); /* head */
    assert_ptr_equal(wheel_expire(&wheel, 5), &t[2]);
    assert_ptr_equal(wheel_expire(&wheel, 5), &t[3]);
    assert_null(wheel_expire(&wheel, 5));
    wheel_arm(&wheel, &t[1], 1);
    assert_ptr_equal(wheel_expire(&wheel, 5), &t[1]);
}

/* Sleep until the deadline, expire, ask again: how often until the timer fires? */
static unsigned
sleeps_until_fired(wgt_time start, wgt_time due)
{
    struct wheel_timer t = idle_timer();
    wgt_time now = start, deadline;
    unsigned sleeps = 0;

    wheel_init(&wheel, start);
    wheel_arm(&wheel, &t, due);
    do {
        deadline = wheel_deadline(&wheel);
        assert_true(deadline > now);
        assert_true(deadline < due + TICK);
        now = deadline;
        sleeps++;
    } while (wheel_expire(&wheel, now) == NULL);
    assert_true(now >= due && now - due < TICK);
    return sleeps;
}

static void
the_deadline_converges_in_a_step_a_level(void **state)
{
    (void)state;
    for (wgt_time start = 0; start < 40 * DAY; start = start * 3 + 11)
        for (wgt_time delay = 1; delay < 3 * DAY; delay = delay * 2 + 1)
            assert_true(sleeps_until_fired(start, start + delay) <= WHEEL_LEVELS);
}

static void
a_timer_beyond_the_wheel_is_parked_and_fires_in_time(void **state)
{
    (void)state;
    /* each parking lasts about 77 hours */
    assert_true(sleeps_until_fired(3, 30 * DAY) <= 30 * 24 / 75 + WHEEL_LEVELS);
    assert_true(sleeps_until_fired(5 * DAY + 99, 400 * DAY) <= 400 * 24 / 75 + WHEEL_LEVELS);
}

static void
time_that_goes_back_is_taken_as_standing_still(void **state)
{
    struct wheel_timer t = idle_timer();

    (void)state;
    wheel_init(&wheel, 0);
    assert_null(wheel_expire(&wheel, WGT_SEC));
    wheel_arm(&wheel, &t, 2 * WGT_SEC);
    assert_null(wheel_expire(&wheel, 0));
    assert_null(wheel_expire(&wheel, 2 * WGT_SEC - 1));
    assert_ptr_equal(wheel_expire(&wheel, 2 * WGT_SEC + TICK), &t);
}

/* Neighbours in its slot are elsewhere in memory. */
static void
a_timer_that_is_put_off_keeps_its_place_until_the_wheel_comes_by(void **state)
{
    struct wheel_timer a = idle_timer(), b = idle_timer(), c = idle_timer();
    struct wheel_timer before;

    (void)state;
    wheel_init(&wheel, 0);
    wheel_arm(&wheel, &a, WGT_SEC);
    wheel_arm(&wheel, &b, WGT_SEC);
    wheel_arm(&wheel, &c, WGT_SEC);
    before = b;
    wheel_arm(&wheel, &b, 3 * WGT_SEC);
    assert_ptr_equal(b.next, before.next);
    assert_ptr_equal(b.pprev, before.pprev);
    assert_true(b.due == 3 * WGT_SEC);
    assert_non_null(wheel_expire(&wheel, WGT_SEC + TICK));
    assert_non_null(wheel_expire(&wheel, WGT_SEC + TICK));
    assert_null(wheel_expire(&wheel, 3 * WGT_SEC - 1));
    assert_ptr_equal(wheel_expire(&wheel, 3 * WGT_SEC + TICK), &b);
}

static void
a_timer_that_was_put_off_can_be_brought_forward(void **state)
{
    struct wheel_timer t = idle_timer();

    (void)state;
    wheel_init(&wheel, 0);
    wheel_arm(&wheel, &t, 2 * WGT_SEC);
    wheel_arm(&wheel, &t, 60 * WGT_SEC);
    wheel_arm(&wheel, &t, WGT_SEC);
    assert_null(wheel_expire(&wheel, WGT_SEC - 1));
    assert_ptr_equal(wheel_expire(&wheel, WGT_SEC + TICK), &t);
    assert_null(wheel_expire(&wheel, 61 * WGT_SEC));
}

static void
a_due_timer_can_be_put_off_before_it_is_taken(void **state)
{
    struct wheel_timer first = idle_timer(), t = idle_timer();

    (void)state;
    wheel_init(&wheel, 0);
    wheel_arm(&wheel, &first, WGT_SEC);
    wheel_arm(&wheel, &t, WGT_SEC + 2 * TICK);
    assert_ptr_equal(wheel_expire(&wheel, 2 * WGT_SEC), &first);
    wheel_arm(&wheel, &t, 3 * WGT_SEC);
    assert_null(wheel_expire(&wheel, 3 * WGT_SEC - 1));
    assert_ptr_equal(wheel_expire(&wheel, 3 * WGT_SEC + TICK), &t);
}

/* --- random runs against a plain table of due times --- */

enum { TIMERS = 200 };

struct model {
    struct wheel_timer timer[TIMERS];
    wgt_time due[TIMERS]; /* WGT_NEVER: idle */
    wgt_time now;
    uint64_t seed;
};

static uint64_t
rnd(struct model *m)
{
    m->seed ^= m->seed << 13;
    m->seed ^= m->seed >> 7;
    m->seed ^= m->seed << 17;
    return m->seed;
}

/* Uniform in magnitude: from 1 ns to 2^49 ns = 6.5 days. */
static wgt_time
rnd_span(struct model *m)
{
    return rnd(m) >> (15 + rnd(m) % 49);
}

static wgt_time
model_min(const struct model *m)
{
    wgt_time min = WGT_NEVER;

    for (int i = 0; i < TIMERS; i++)
        min = wgt_time_min(min, m->due[i]);
    return min;
}

static void
model_check_deadline(const struct model *m)
{
    wgt_time deadline = wheel_deadline(&wheel), min = model_min(m);

    if (min == WGT_NEVER) {
        assert_true(deadline == WGT_NEVER);
    } else {
        assert_true(deadline < min + TICK || deadline == m->now);
        assert_true(deadline > m->now || (deadline == m->now && min <= m->now));
    }
}

static void
model_arm(struct model *m, int i, wgt_time due)
{
    wheel_arm(&wheel, &m->timer[i], due);
    m->due[i] = due;
}

static void
model_random_arm(struct model *m)
{
    int i = (int)(rnd(m) % TIMERS);
    wgt_time span = rnd_span(m);

    switch (rnd(m) % 8) {
    case 0:
        wheel_disarm(&wheel, &m->timer[i]);
        m->due[i] = WGT_NEVER;
        break;
    case 1:
        model_arm(m, i, m->now - (span < m->now ? span : 0));
        break;
    default:
        model_arm(m, i, m->now + span);
    }
    assert_true(wheel_armed(&m->timer[i]) == (m->due[i] != WGT_NEVER));
}

static void
model_expire(struct model *m)
{
    struct wheel_timer *t;

    while ((t = wheel_expire(&wheel, m->now)) != NULL) {
        ptrdiff_t i = t - m->timer;

        assert_in_range(i, 0, TIMERS - 1);
        assert_true(m->due[i] <= m->now); /* armed, and never early */
        m->due[i] = WGT_NEVER;
        if (rnd(m) % 4 == 0)
            model_random_arm(m);
    }
    for (int i = 0; i < TIMERS; i++)
        assert_true(m->due[i] == WGT_NEVER ||
                    m->due[i] + TICK > m->now); /* not later than a tick */
    assert_true(wheel_deadline(&wheel) > m->now);
}

static void
random_runs_agree_with_a_table_of_due_times(void **state)
{
    static struct model m;

    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        m.seed = seed * 0x9e3779b97f4a7c15;
        m.now = rnd_span(&m);
        wheel_init(&wheel, m.now);
        for (int i = 0; i < TIMERS; i++) {
            wheel_timer_init(&m.timer[i]);
            m.due[i] = WGT_NEVER;
        }
        for (int step = 0; step < 2000; step++) {
            uint64_t what = rnd(&m) % 10;

            if (what < 6) {
                model_random_arm(&m);
            } else if (what < 8) {
                m.now += rnd_span(&m);
                model_expire(&m);
            } else {
                wgt_time deadline = wheel_deadline(&wheel);

                if (deadline != WGT_NEVER && deadline > m.now)
                    m.now = deadline;
                model_expire(&m);
            }
            model_check_deadline(&m);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_wheel_has_no_deadline),
        cmocka_unit_test(a_timer_never_fires_early),
        cmocka_unit_test(a_timer_fires_at_most_one_tick_late),
        cmocka_unit_test(a_timer_on_a_tick_fires_on_it),
        cmocka_unit_test(an_overdue_timer_fires_at_once),
        cmocka_unit_test(
            a_timer_armed_while_expiring_with_a_due_time_that_passed_fires_in_the_same_round),
        cmocka_unit_test(timers_come_in_order_of_their_ticks),
        cmocka_unit_test(a_disarmed_timer_does_not_fire),
        cmocka_unit_test(a_timer_that_is_put_off_keeps_its_place_until_the_wheel_comes_by),
        cmocka_unit_test(a_timer_that_was_put_off_can_be_brought_forward),
        cmocka_unit_test(a_due_timer_can_be_put_off_before_it_is_taken),
        cmocka_unit_test(disarming_the_last_timer_leaves_no_deadline),
        cmocka_unit_test(overdue_timers_can_be_taken_out_anywhere),
        cmocka_unit_test(the_deadline_converges_in_a_step_a_level),
        cmocka_unit_test(a_timer_beyond_the_wheel_is_parked_and_fires_in_time),
        cmocka_unit_test(time_that_goes_back_is_taken_as_standing_still),
        cmocka_unit_test(random_runs_agree_with_a_table_of_due_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
