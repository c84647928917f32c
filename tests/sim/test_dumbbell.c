/* SPDX-License-Identifier: BSD-3-Clause */
/* What congestion control does to a bottleneck, to the delay and to others. Rates in Mbit/s on the
 * wire; of full segments 95.6 % is payload. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dumbbell.h"

struct path {
    double mbit, delay_ms, buffer_ms, loss;
    wgt_time until; /* seconds */
};

static struct dumbbell_options
on_path(const struct path *p)
{
    return (struct dumbbell_options){
        .rate = (uint64_t)(p->mbit * 1e6),
        .delay = (wgt_time)(p->delay_ms * 1e6),
        .buffer = (wgt_time)(p->buffer_ms * 1e6),
        .loss = (uint32_t)(p->loss * 1e4),
        .from = 5 * WGT_SEC,
        .until = p->until * WGT_SEC,
        .seed = 1,
    };
}

static void
add(struct dumbbell_options *o, const struct tcp_cc_ops *cc, bool model, wgt_time start)
{
    o->flows[o->n_flows++] = (struct dumbbell_flow_options){cc, model, start};
}

/* One flow alone: at least so much of the payload the link can carry, and no more wait. */
static void
alone(const struct path *p, const struct tcp_cc_ops *cc, bool model, double share, double p50_ms,
      double p99_ms)
{
    struct dumbbell_options o = on_path(p);
    struct dumbbell_result r;

    add(&o, cc, model, 0);
    dumbbell_run(&o, &r);
    if (r.mbps < share * p->mbit * 1448 / 1514 || (double)r.queue_p50 > p50_ms * 1e6 ||
        (double)r.queue_p99 > p99_ms * 1e6)
        fail_msg("%s at %g Mbit/s, %g ms, buffer %g ms, loss %g %%: %.2f Mbit/s, queue %.1f / %.1f "
                 "ms",
                 cc->name, p->mbit, 2 * p->delay_ms, p->buffer_ms, p->loss, r.mbps,
                 (double)r.queue_p50 / 1e6, (double)r.queue_p99 / 1e6);
}

static const struct {
    struct path path;
    double share, p50_ms, p99_ms;
} bbr_rows[] = {
    {{100, 20, 60, 0, 35}, 0.98, 2, 20},   {{100, 20, 60, 1, 35}, 0.96, 2, 20},
    {{100, 20, 60, 3, 35}, 0.92, 2, 20},   {{100, 20, 60, 5, 35}, 0.87, 2, 20},
    {{100, 20, 10, 0, 35}, 0.95, 2, 10},   {{100, 20, 10, 1, 35}, 0.93, 2, 10},
    {{100, 20, 10, 3, 35}, 0.90, 2, 10},   {{1000, 5, 10, 0, 10}, 0.97, 1, 6},
    {{1000, 5, 10, 1, 10}, 0.96, 1, 6},    {{1, 100, 200, 0, 60}, 0.95, 60, 200},
    {{1, 100, 200, 1, 60}, 0.90, 60, 200}, {{10, 50, 100, 0, 60}, 0.95, 5, 60},
    {{10, 50, 100, 3, 60}, 0.90, 5, 60},
};

static void
bbr_fills_the_link_and_not_the_buffer(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bbr_rows) / sizeof(bbr_rows[0]); i++)
        alone(&bbr_rows[i].path, &tcp_cc_bbr, true, bbr_rows[i].share, bbr_rows[i].p50_ms,
              bbr_rows[i].p99_ms);
}

/* Jitter makes some samples of the rate too large: no standing queue comes of it, and losses are
 * still told from those of a full buffer. */
static void
bbr_stands_jitter(void **state)
{
    (void)state;
    for (uint32_t loss = 0; loss <= 3; loss += 3) {
        struct dumbbell_options o = on_path(&(struct path){100, 20, 60, loss, 60});
        struct dumbbell_result r;

        o.jitter = 2 * WGT_MSEC;
        add(&o, &tcp_cc_bbr, true, 0);
        dumbbell_run(&o, &r);
        assert_true(r.mbps > (loss > 0 ? 0.92 : 0.97) * 100 * 1448 / 1514);
        assert_true(r.queue_p50 < 5 * WGT_MSEC);
        assert_true(r.queue_p99 < 40 * WGT_MSEC);
    }
}

static void
cubic_fills_the_link(void **state)
{
    (void)state;
    alone(&(struct path){100, 20, 60, 0, 35}, &tcp_cc_cubic, true, 0.97, 60, 60);
    alone(&(struct path){10, 50, 100, 0, 60}, &tcp_cc_cubic, true, 0.95, 100, 100);
}

/* A token bucket drops without a queue that could be seen. */
static void
bbr_finds_the_rate_of_a_policer(void **state)
{
    struct dumbbell_options o = on_path(&(struct path){100, 20, 60, 0, 35});
    struct dumbbell_result r;

    (void)state;
    o.police_rate = 20000000;
    o.police_burst = 100000;
    add(&o, &tcp_cc_bbr, true, 0);
    dumbbell_run(&o, &r);
    assert_true(r.mbps > 0.9 * 20 * 1448 / 1514);
    assert_true(r.overflowed * 25 < r.flows[0].segments);
}

static struct dumbbell_result
together(double buffer_ms, double loss, const struct tcp_cc_ops *other, bool model, wgt_time first,
         wgt_time second)
{
    struct dumbbell_options o = on_path(&(struct path){100, 20, buffer_ms, loss, 100});
    struct dumbbell_result r;

    o.from = 40 * WGT_SEC;
    add(&o, &tcp_cc_bbr, model, first);
    add(&o, other, model, second);
    dumbbell_run(&o, &r);
    return r;
}

static void
bbr_shares_with_itself(void **state)
{
    static const double rows[][2] = {{60, 0}, {20, 0}, {10, 0}, {60, 1}, {60, 3}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (wgt_time late = 0; late <= 20 * WGT_SEC; late += 20 * WGT_SEC) {
            struct dumbbell_result r =
                together(rows[i][0], rows[i][1], &tcp_cc_bbr, true, 0, late + 100 * WGT_MSEC);

            assert_true(r.jain >= 0.9);
            assert_true(r.mbps > 0.9 * 100 * 1448 / 1514);
        }
    }
}

/* Over one and two bandwidth-delay products of buffer, on the average of some starts: a fifth at
 * least. One start alone may end a little below. */
static void
bbr_and_cubic_leave_each_other_a_share(void **state)
{
    enum { STARTS = 8 };

    (void)state;
    for (double buffer = 40; buffer <= 80; buffer += 40) {
        double bbr = 0, cubic = 0;

        for (wgt_time i = 0; i < STARTS; i++) {
            struct dumbbell_result r =
                together(buffer, 0, &tcp_cc_cubic, true, i * 370 * WGT_MSEC, 1500 * WGT_MSEC);

            assert_true(r.flows[0].mbps / r.mbps >= 0.15);
            assert_true(r.flows[1].mbps / r.mbps >= 0.15);
            bbr += r.flows[0].mbps / r.mbps / STARTS;
            cubic += r.flows[1].mbps / r.mbps / STARTS;
        }
        assert_true(bbr >= 0.2);
        assert_true(cubic >= 0.2);
    }
}

/* The same through the TCP engine: its rate samples, pacing and loss recovery. */
static void
engine_with_bbr_fills_the_link_and_not_the_buffer(void **state)
{
    (void)state;
    alone(&(struct path){100, 20, 60, 0, 25}, &tcp_cc_bbr, false, 0.97, 5, 25);
    alone(&(struct path){100, 20, 60, 1, 25}, &tcp_cc_bbr, false, 0.95, 5, 25);
    alone(&(struct path){100, 20, 60, 3, 25}, &tcp_cc_bbr, false, 0.91, 5, 25);
    alone(&(struct path){100, 20, 60, 5, 25}, &tcp_cc_bbr, false, 0.87, 5, 25);
    alone(&(struct path){100, 20, 10, 1, 25}, &tcp_cc_bbr, false, 0.93, 5, 10);
    alone(&(struct path){1, 100, 200, 1, 60}, &tcp_cc_bbr, false, 0.90, 60, 200);
}

static void
engine_shares_with_itself(void **state)
{
    struct dumbbell_result r = together(60, 0, &tcp_cc_bbr, false, 0, 20 * WGT_SEC);

    (void)state;
    assert_true(r.jain >= 0.9);
}

/* A fifth at least in two bandwidth-delay products of buffer. In one, CUBIC is short of it: 14 to
 * 18 % in five of six starts measured, 37 % in one. What is held there is that it does not get
 * worse.
 */
static void
engine_with_bbr_leaves_cubic_a_share(void **state)
{
    struct dumbbell_result two = together(80, 0, &tcp_cc_cubic, false, 0, 1500 * WGT_MSEC);
    struct dumbbell_result one = together(40, 0, &tcp_cc_cubic, false, 0, 1500 * WGT_MSEC);

    (void)state;
    assert_true(two.flows[0].mbps / two.mbps >= 0.2);
    assert_true(two.flows[1].mbps / two.mbps >= 0.2);
    assert_true(one.flows[1].mbps / one.mbps >= 0.1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bbr_fills_the_link_and_not_the_buffer),
        cmocka_unit_test(bbr_stands_jitter),
        cmocka_unit_test(cubic_fills_the_link),
        cmocka_unit_test(bbr_finds_the_rate_of_a_policer),
        cmocka_unit_test(bbr_shares_with_itself),
        cmocka_unit_test(bbr_and_cubic_leave_each_other_a_share),
        cmocka_unit_test(engine_with_bbr_fills_the_link_and_not_the_buffer),
        cmocka_unit_test(engine_shares_with_itself),
        cmocka_unit_test(engine_with_bbr_leaves_cubic_a_share),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
