/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Few packets: nodes whose pool holds 2,047, on a path of 100 Mbit/s, 20 ms each way, that loses
 * 1 %. What all packets together may hold there is less than what the path has under way.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "scenario.h"

#define RATE (100 * UINT64_C(1000000))

/* small: bit 0, bit 1: which of the nodes have few packets. */
static struct sim_config
lossy(uint64_t seed, unsigned small)
{
    struct sim_config c = scenario(seed, TRANSPORT_TCP);

    c.duration = 17 * S;
    c.shared.mtu = 1392;
    c.network.link[0] = c.network.link[1] = network_link_of(RATE, 20 * MS, 60 * MS);
    c.node[0].small_pool = small & 1;
    c.node[1].small_pool = small & 2;
    fault(&c, 0, WGT_NEVER - 1, (struct network_impairment){.loss = 10000});
    return c;
}

static void
bulk(struct sim_config *c, unsigned i, unsigned node)
{
    c->bulks[i] = (struct inner_tcp_config){
        .from = 2 * S, .until = c->duration - S, .node = node, .family = IP_V4, .cc = INNER_CUBIC};
}

/* Mbit/s of the bulk in the seconds from..until. */
static double
goodput(unsigned i, wgt_time from, wgt_time until)
{
    uint64_t before;

    run_to(from);
    before = inner_tcp_received(&world.bulk[i]);
    run_to(until);
    return (double)(inner_tcp_received(&world.bulk[i]) - before) * 8e3 / (double)(until - from);
}

/* Mbit/s to a receiver with few packets. */
static double
to_few_packets(uint64_t seed, bool in_order)
{
    struct sim_config c = lossy(seed, 2);
    double got;

    c.node[1].in_order = in_order;
    bulk(&c, 0, 0);
    begin(&c);
    got = goodput(0, 6 * S, 16 * S);
    finish();
    print_message("%s: %.1f Mbit/s\n", in_order ? "in order" : "out of order", got);
    return got;
}

static double
median_of_three(double a, double b, double c)
{
    return a < b ? (b < c ? b : (a < c ? c : a)) : (a < c ? a : (b < c ? c : b));
}

/* What comes beyond a hole waits for it, or else the inner sender takes it for lost. One seed says
 * little: of 48, half lay above 79 Mbit/s and a fifth below 70, where losses met the inner sender
 * young. */
static void
receiver_with_few_packets_keeps_order(void **state)
{
    (void)state;
    assert_true(median_of_three(to_few_packets(300, false), to_few_packets(301, false),
                                to_few_packets(302, false)) >= 70);
    assert_true(to_few_packets(300, true) >= 45);
}

/* Two transfers each way. Every second all of them get on, and no packet is ever wanting. */
static void
nodes_with_few_packets_stay_at_work(void **state)
{
    struct sim_config c = lossy(310, 3);
    uint64_t before[SIM_BULKS] = {0}, sum = 0;

    (void)state;
    for (unsigned i = 0; i < SIM_BULKS; i++)
        bulk(&c, i, i % 2);
    begin(&c);
    for (wgt_time t = 4 * S; t < 16 * S; t += 2 * S) {
        run_to(t);
        for (unsigned i = 0; i < SIM_BULKS; i++) {
            uint64_t all = inner_tcp_received(&world.bulk[i]);

            if (all - before[i] < 50000)
                fail_msg("bulk %u: %" PRIu64 " bytes in 2 s at %.0f s", i, all - before[i],
                         (double)t / 1e9);
            sum += all - before[i];
            before[i] = all;
        }
    }
    print_message("%.1f Mbit/s in all\n", (double)sum * 8e3 / 12e9);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(world.node[i].tunnel.drops.n[WGT_DROP_NO_BUFFER], 0);
    finish();
}

int
main(void)
{
#define T(name) cmocka_unit_test_teardown(name, clean_up)
    const struct CMUnitTest tests[] = {
        T(receiver_with_few_packets_keeps_order),
        T(nodes_with_few_packets_stay_at_work),
    };
#undef T

    return cmocka_run_group_tests(tests, sim_group_setup, sim_group_teardown);
}
