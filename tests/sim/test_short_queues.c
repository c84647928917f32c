/* SPDX-License-Identifier: BSD-3-Clause */
/* What waits in front of a TCP connection waits little, and what does not fit is told so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "scenario.h"

/* A link of so many bytes a second, 20 ms each way, with buffers for 50 ms. */
static struct sim_config
narrow(uint64_t seed, uint64_t rate)
{
    struct sim_config c = scenario(seed, TRANSPORT_TCP);

    c.duration = 30 * S;
    for (unsigned i = 0; i < 2; i++)
        c.network.link[i] = (struct network_link){
            .delay = 20 * MS,
            .rate = rate,
            .queue = (uint32_t)(rate / 20 > 6000 ? rate / 20 : 6000),
        };
    return c;
}

static void
bulk(struct sim_config *c, bool ecn)
{
    c->bulks[0] = (struct inner_tcp_config){.from = 2 * S,
                                            .until = c->duration - 2 * S,
                                            .family = IP_V4,
                                            .cc = INNER_CUBIC,
                                            .ecn = ecn};
}

static void
probe(struct sim_config *c)
{
    c->probes[0] = (struct probe_config){
        .from = S, .until = c->duration, .interval = 50 * MS, .answered = true};
}

static uint64_t
drops(unsigned node, enum wgt_drop why)
{
    return world.node[node].tunnel.drops.n[why];
}

static wgt_time
probe_p95(void)
{
    struct samples rtt = {.n = 0};
    wgt_time p95;

    probe_collect(&world.probe[0], 10 * S, world.now - S, false, &rtt);
    assert_true(rtt.n > 100);
    p95 = samples_percentile(&rtt, 950);
    samples_free(&rtt);
    return p95;
}

/* A bulk flow fills the link and its own queue; what else there is passes it by. */
static void
a_probe_beside_a_bulk_flow_waits_little(void **state)
{
    static const uint64_t rates[] = {250000, 1250000, 2500000};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct sim_config c = narrow(201 + i, rates[i]);
        uint64_t received;

        bulk(&c, false);
        probe(&c);
        begin(&c);
        run_to(10 * S);
        received = inner_tcp_received(&world.bulk[0]);
        run_to(25 * S);
        received = inner_tcp_received(&world.bulk[0]) - received;
        print_message("%llu kB/s: bulk %llu %%, probe's p95 %.1f ms; %llu CoDel, %llu stale\n",
                      (unsigned long long)rates[i] / 1000,
                      (unsigned long long)(received * 100 / (rates[i] * 15)),
                      (double)probe_p95() / 1e6, (unsigned long long)drops(0, WGT_DROP_QUEUE_CODEL),
                      (unsigned long long)drops(0, WGT_DROP_QUEUE_STALE));
        assert_true(received >= rates[i] * 15 * 70 / 100);
        /* round trip, the router's queue both ways, some in the connection */
        assert_true(probe_p95() <= 40 * MS + 100 * MS + 33 * 1024 * S / rates[i]);
        finish();
    }
}

static void
an_ecn_capable_bulk_flow_is_marked_instead(void **state)
{
    struct sim_config c = narrow(210, 1250000);

    (void)state;
    bulk(&c, true);
    begin(&c);
    run_to(25 * S);
    assert_true(world.node[0].tunnel.fq.stats.marked > 0);
    assert_int_equal(drops(0, WGT_DROP_QUEUE_CODEL), 0);
    finish();
}

/* No session, no CoDel: the handshaker is slow, and all of a burst comes out. */
static void
what_waits_for_a_session_is_not_stale(void **state)
{
    struct sim_config c = scenario(220, TRANSPORT_TCP);

    (void)state;
    c.duration = 20 * S;
    c.node[0].control_delay = c.node[1].control_delay = 400 * MS;
    c.traffic[0][0] = (struct traffic_stream){.until = 500 * MS, .interval = 20 * MS, .burst = 2};
    c.traffic[1][0] = (struct traffic_stream){.from = 5 * S, .until = 6 * S, .interval = 20 * MS};
    begin(&c);
    run_to(c.duration);
    expect_all_delivered(0, c.duration);
    finish();
}

/* An interface of 1500 bytes, a path that takes 1414: SYNs agree on what fits. */
static void
inner_syns_are_clamped_both_ways(void **state)
{
    (void)state;
    for (unsigned node = 0; node < 2; node++) {
        for (unsigned v6 = 0; v6 < 2; v6++) {
            struct sim_config c = scenario(230 + node, TRANSPORT_TCP);

            c.duration = 20 * S;
            c.shared.mtu = 1500;
            /* something that makes the connection, so that its MSS is known */
            c.traffic[0][0] = (struct traffic_stream){.until = 1, .interval = S, .burst = 1};
            c.bulks[0] = (struct inner_tcp_config){.from = 2 * S,
                                                   .until = 18 * S,
                                                   .bytes = 500000,
                                                   .node = node,
                                                   .family = v6 ? IP_V6 : IP_V4,
                                                   .cc = INNER_CUBIC,
                                                   .must_be_complete = true};
            begin(&c);
            run_to(c.duration);
            assert_true(inner_tcp_received(&world.bulk[0]) >= 500000);
            assert_int_equal(world.traffic[node].limit_v4, 1500);
            assert_int_equal(world.traffic[node].limit_v6, 1500);
            finish();
        }
    }
}

static void
packets_that_do_not_fit_are_answered(void **state)
{
    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        for (unsigned udp = 0; udp < 2; udp++) {
            struct sim_config c = scenario(240 + v6, udp ? TRANSPORT_UDP : TRANSPORT_TCP);
            /* outer IP, then UDP and message, or TCP with timestamps, frame and message */
            size_t fits = 1500 - (v6 ? 40 : 20) - (udp ? 8 + 32 : 20 + 12 + 2 + 32);

            c.duration = 20 * S;
            c.shared.mtu = 1500;
            c.shared.family = v6 ? IP_V6 : IP_V4;
            steady(&c, 0);
            begin(&c);
            run_to(c.duration);
            expect_all_delivered(0, c.duration);
            for (unsigned i = 0; i < 2; i++) {
                assert_int_equal(world.traffic[i].limit_v4, fits);
                assert_int_equal(world.traffic[i].limit_v6, fits);
                assert_true(drops(i, WGT_DROP_INNER_TOO_BIG) > 0);
            }
            finish();
        }
    }
}

int
main(void)
{
#define T(f) cmocka_unit_test_teardown(f, clean_up)
    const struct CMUnitTest tests[] = {
        T(a_probe_beside_a_bulk_flow_waits_little), T(an_ecn_capable_bulk_flow_is_marked_instead),
        T(what_waits_for_a_session_is_not_stale),   T(inner_syns_are_clamped_both_ways),
        T(packets_that_do_not_fit_are_answered),
    };
#undef T

    return cmocka_run_group_tests(tests, sim_group_setup, sim_group_teardown);
}
