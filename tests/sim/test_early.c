/* SPDX-License-Identifier: BSD-3-Clause */
/* Delivery beyond holes in whole nodes: what it gives users of a path that loses packets. A bulk
 * transfer of inner TCP and a probe beside it, 20 ms each way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "scenario.h"

/* The outer connection's congestion control is not what is measured: one window, a little more than
 * the path holds. */
enum { WINDOW = 200 * 1000 };

static void
fixed_init(struct tcp_cc *cc, wgt_time now)
{
    (void)now;
    cc->cwnd = WINDOW;
}

static void
fixed_acked(struct tcp_cc *cc, const struct tcp_cc_ack *ack)
{
    (void)ack;
    cc->cwnd = WINDOW;
}

static void
fixed_loss(struct tcp_cc *cc, wgt_time now, uint32_t flight)
{
    (void)flight;
    fixed_init(cc, now);
}

static void
fixed_timeout(struct tcp_cc *cc, wgt_time now, uint32_t flight, bool repeated)
{
    (void)flight;
    (void)repeated;
    fixed_init(cc, now);
}

static void
fixed_restart(struct tcp_cc *cc, wgt_time now, wgt_time idle, bool long_idle)
{
    (void)idle;
    (void)long_idle;
    fixed_init(cc, now);
}

static const struct tcp_cc_ops fixed = {
    .name = "fixed",
    .owns_recovery = true,
    .init = fixed_init,
    .acked = fixed_acked,
    .enter_recovery = fixed_loss,
    .leave_recovery = fixed_init,
    .timeout = fixed_timeout,
    .undo = fixed_init,
    .congestion_experienced = fixed_loss,
    .restart = fixed_restart,
};

struct result {
    double mbit, p95_ms;
    uint64_t early, failed, recut, held, held_expired, skipped;
};

/* The receiver is node 1. */
static struct result
measure(uint32_t loss, bool in_order, bool resegment)
{
    struct sim_config c = scenario(31, TRANSPORT_TCP);
    const struct tcp_transport_stats *stats;
    struct samples delays = {0};
    struct result result;

    c.duration = 40 * S;
    c.shared.mtu = 1392;
    c.node[0].in_order = c.node[1].in_order = in_order;
    c.node[0].congestion = c.node[1].congestion = &fixed;
    c.network.link[0] = c.network.link[1] =
        network_link_of(30 * UINT64_C(1000000), 20 * MS, 60 * MS);
    c.probes[0] = (struct probe_config){.from = S, .until = c.duration - S, .interval = 10 * MS};
    c.bulks[0] = (struct inner_tcp_config){
        .from = 2 * S, .until = c.duration - 2 * S, .family = IP_V4, .cc = INNER_CUBIC};
    fault(&c, S, c.duration, (struct network_impairment){.loss = loss, .resegment = resegment});
    begin(&c);
    run_to(c.duration);
    stats = &world.node[1].tunnel.tcp.stats;
    probe_collect(&world.probe[0], 5 * S, c.duration - 5 * S, true, &delays);
    result = (struct result){
        .mbit = (double)inner_tcp_received(&world.bulk[0]) * 8 / 36e6,
        .p95_ms = (double)samples_percentile(&delays, 950) / 1e6,
        .early = stats->early_delivered,
        .failed = stats->early_failed,
        .recut = stats->recut_flows,
        .held = stats->held,
        .held_expired = stats->held_expired,
        .skipped = stats->early_skipped,
    };
    printf("loss %u, %s%s: bulk %.1f Mbit/s, probe p95 %.1f ms; early %lu, held %lu, by time %lu\n",
           loss, in_order ? "in order" : "early", resegment ? ", recut" : "", result.mbit,
           result.p95_ms, (unsigned long)result.early, (unsigned long)result.held,
           (unsigned long)result.held_expired);
    samples_free(&delays);
    finish();
    return result;
}

static void
early_delivery_shortens_delays_and_leaves_bulk_alone(void **state)
{
    (void)state;
    for (uint32_t loss = 10000; loss <= 30000; loss += 20000) {
        struct result in_order = measure(loss, true, false), early = measure(loss, false, false);

        assert_int_equal(in_order.early, 0);
        assert_true(early.early > 100);
        assert_int_equal(early.failed, 0);
        assert_int_equal(early.recut, 0);
        assert_true(early.skipped > 0);
        assert_true(early.held > 0);
        assert_true(early.p95_ms < in_order.p95_ms);
        assert_true(early.mbit > in_order.mbit * 0.85);
    }
}

/* A middlebox cuts the stream anew: less is gained, nothing lost. */
static void
recut_stream_is_found_again(void **state)
{
    struct result recut = measure(20000, false, true);

    (void)state;
    assert_true(recut.early > 100);
    assert_int_equal(recut.failed, 0);
    assert_true(recut.recut > 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(early_delivery_shortens_delays_and_leaves_bulk_alone, clean_up),
        cmocka_unit_test_teardown(recut_stream_is_found_again, clean_up),
    };

    return cmocka_run_group_tests(tests, sim_group_setup, sim_group_teardown);
}
