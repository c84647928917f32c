/* SPDX-License-Identifier: BSD-3-Clause */
/* How soon what users see goes on after the path or the connection was hurt, and what an attacker
 * on the path can do. Node 0 dials node 1 over TCP, 20 ms each way; a probe goes every 10 ms. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "scenario.h"

#define RATE (100 * UINT64_C(1000000))

static struct sim_config
probed(uint64_t seed)
{
    struct sim_config c = scenario(seed, TRANSPORT_TCP);

    c.duration = 40 * S;
    c.shared.mtu = 1392;
    c.network.link[0] = c.network.link[1] = network_link_of(RATE, 20 * MS, 60 * MS);
    c.probes[0] = (struct probe_config){
        .from = S, .until = c.duration - S, .interval = 10 * MS, .answered = true};
    return c;
}

static void
attack(struct sim_config *c, enum network_attack_kind kind, unsigned direction, wgt_time from,
       wgt_time until)
{
    c->network.attacks[c->network.n_attacks++] = (struct network_attack){
        .from = from, .until = until, .interval = 100 * MS, .direction = direction, .kind = kind};
}

static void
bulk(struct sim_config *c)
{
    c->bulks[0] = (struct inner_tcp_config){
        .from = 2 * S, .until = c->duration - 2 * S, .family = IP_V4, .cc = INNER_CUBIC};
}

/* Mbit/s of the bulk from now until then. */
static double
goodput(wgt_time until)
{
    uint64_t before = inner_tcp_received(&world.bulk[0]);
    wgt_time from = world.now;

    run_to(until);
    return (double)(inner_tcp_received(&world.bulk[0]) - before) * 8e3 / (double)(until - from);
}

static void
expect_silence_at_most(wgt_time from, wgt_time until, wgt_time limit)
{
    wgt_time silence = probe_longest_silence(&world.probe[0], from, until);

    if (silence > limit)
        fail_msg("%.3f s without an answer", (double)silence / 1e9);
}

/* --- interruptions -------------------------------------------------------------------------------
 */

static void
after_an_injected_reset_probes_go_on_within_500ms(void **state)
{
    (void)state;
    for (unsigned direction = 0; direction < 2; direction++) {
        struct sim_config c = probed(101 + direction);

        attack(&c, ATTACK_RST_EXACT, direction, 10 * S, 10 * S + 1);
        begin(&c);
        run_to(c.duration);
        assert_int_equal(world.network.stats.injected, 1);
        expect_silence_at_most(2 * S, c.duration - 2 * S, 500 * MS);
        finish();
    }
}

static void
after_an_injected_reset_a_bulk_goes_on(void **state)
{
    struct sim_config c = probed(103);

    (void)state;
    bulk(&c);
    attack(&c, ATTACK_RST_EXACT, 1, 10 * S, 10 * S + 1);
    begin(&c);
    run_to(12 * S);
    assert_true(goodput(20 * S) > 60);
    finish();
}

static void
after_a_black_hole_of_15s_probes_go_on_within_600ms(void **state)
{
    (void)state;
    for (unsigned loaded = 0; loaded < 2; loaded++) {
        struct sim_config c = probed(104);
        wgt_time first, over = 25 * S;

        if (loaded)
            bulk(&c);
        fault(&c, 10 * S, over, (struct network_impairment){.black_hole = true});
        begin(&c);
        run_to(c.duration);
        first = probe_first_after(&world.probe[0], over);
        if (first == WGT_NEVER || first - over > 600 * MS)
            fail_msg("%s load: the first answer comes %.3f s after the end",
                     loaded ? "with" : "without", ((double)first - (double)over) / 1e9);
        /* and they keep coming */
        expect_silence_at_most(over + 600 * MS, c.duration - 2 * S, 500 * MS);
        finish();
    }
}

static void
after_a_nat_rebinding_probes_go_on_within_500ms(void **state)
{
    (void)state;
    for (unsigned loaded = 0; loaded < 2; loaded++) {
        struct sim_config c = probed(105);

        if (loaded)
            bulk(&c);
        c.network.nat = true;
        c.network.rebinds[c.network.n_rebinds++] = 10 * S;
        begin(&c);
        run_to(c.duration);
        expect_silence_at_most(5 * S, c.duration - 2 * S, 500 * MS);
        finish();
    }
}

/* SYN, SYN,ACK, initiation, response, key confirmation: 20 ms each. */
static void
a_nat_rebinding_in_the_middle_of_the_handshakes_costs_one_syn(void **state)
{
    (void)state;
    for (unsigned ms = 0; ms <= 140; ms += 10) {
        struct sim_config c = probed(107);
        wgt_time first;

        c.duration = 15 * S;
        c.probes[0].until = c.duration - S;
        c.network.nat = true;
        c.network.rebinds[c.network.n_rebinds++] = S + ms * MS;
        begin(&c);
        run_to(c.duration);
        first = probe_first_after(&world.probe[0], S);
        if (first == WGT_NEVER || first > S + 1200 * MS)
            fail_msg("rebinding %u ms after the SYN: no answer", ms);
        expect_silence_at_most(first, c.duration - 2 * S, 500 * MS);
        finish();
    }
}

static void
after_the_listener_restarted_probes_go_on(void **state)
{
    struct sim_config c = probed(106);

    (void)state;
    c.restarts[c.n_restarts++] = (struct sim_restart){.at = 10 * S, .down = 0, .node = 1};
    begin(&c);
    run_to(c.duration);
    /* It knows no session: data is answered by a RST, then a handshake by 15 s of silence at most
     * (WireGuard's KEEPALIVE + REKEY timeouts). */
    expect_silence_at_most(5 * S, c.duration - 2 * S, 16 * S);
    finish();
}

/* --- an attacker on the path ---------------------------------------------------------------------
 */

/* What doesn't hit the sequence number expected next must change nothing. */
static void
forged_segments_beside_the_mark_cost_nothing(void **state)
{
    static const enum network_attack_kind kinds[] = {
        ATTACK_RST_WINDOW, ATTACK_RST_OUTSIDE, ATTACK_SYN,    ATTACK_REPLAY,
        ATTACK_ACK_UNSENT, ATTACK_ACK_OLD,     ATTACK_TOO_BIG};

    (void)state;
    for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        for (unsigned direction = 0; direction < 2; direction++) {
            struct sim_config c = probed(110 + i);

            c.duration = 15 * S;
            c.probes[0].until = c.duration - S;
            attack(&c, kinds[i], direction, 3 * S, 12 * S);
            begin(&c);
            run_to(c.duration);
            assert_true(world.network.stats.injected > 50);
            if (world.node[0].peer->stats.dials != 1)
                fail_msg("attack %u towards node %u ended the connection", kinds[i], 1 - direction);
            expect_silence_at_most(2 * S, c.duration - 2 * S, 150 * MS);
            finish();
        }
    }
}

/* Bytes in the stream that are none of ours: RFC 9293 has no defence, WireGuard has. */
static void
forged_bytes_in_the_stream_cost_at_most_500ms(void **state)
{
    (void)state;
    for (enum network_attack_kind kind = ATTACK_GARBAGE; kind <= ATTACK_FRAME; kind++) {
        for (unsigned direction = 0; direction < 2; direction++) {
            struct sim_config c = probed(120);

            attack(&c, kind, direction, 10 * S, 10 * S + 1);
            begin(&c);
            run_to(c.duration);
            assert_int_equal(world.network.stats.injected, 1);
            expect_silence_at_most(2 * S, c.duration - 2 * S, 500 * MS);
            finish();
        }
    }
}

static void
expect_goodput_until(wgt_time until, double least)
{
    double got = goodput(until);

    if (got < least)
        fail_msg("%.1f Mbit/s", got);
}

/* --- long paths ----------------------------------------------------------------------------------
 */

/* 300 ms there and back, hardly a ms more or less, and 0.5 % lost: repairs take longer than the
 * least RTO, and that must not run out meanwhile. */
static void
a_long_and_steady_path_that_loses_costs_no_timeouts(void **state)
{
    static const struct tcp_cc_ops *const algorithms[] = {&tcp_cc_bbr, &tcp_cc_cubic};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct sim_config c = probed(140 + i);
        const struct tcp_flow *f;

        c.duration = 60 * S;
        c.probes[0].interval = 0;
        c.node[0].congestion = algorithms[i];
        bulk(&c);
        c.network.link[0] = c.network.link[1] = network_link_of(RATE / 5, 150 * MS, 150 * MS);
        fault(&c, 5 * S, WGT_NEVER - 1, (struct network_impairment){.loss = 5000});
        begin(&c);
        run_to(58 * S);
        f = tcp_flow_of(&world.node[0].peer->path.path);
        assert_non_null(f);
        print_message("%s: %u timeouts, %u for nothing\n", algorithms[i]->name, f->conn.timeouts,
                      f->conn.undone);
        assert_true(f->conn.timeouts <= 2);
        finish();
    }
}

/* --- middleboxes and routers ---------------------------------------------------------------------
 */

/* One way only: else acknowledgments ride on data. About 35 Mbit/s. */
static void
a_stream_passes_where_acks_are_thinned(void **state)
{
    struct sim_config c = probed(130);

    (void)state;
    c.probes[0].interval = 0;
    c.traffic[0][0] = (struct traffic_stream){
        .from = 2 * S, .until = c.duration - 2 * S, .interval = 200 * WGT_USEC, .counted = true};
    fault(&c, 0, WGT_NEVER - 1, (struct network_impairment){.ack_thin = 5 * MS});
    c.network.faults[0].directions = 2;
    begin(&c);
    run_to(c.duration);
    assert_int_equal(traffic_missing(&world.traffic[0], 3 * S, c.duration, true), 0);
    assert_true(longest_delay(0, 5 * S) < 60 * MS);
    assert_true(world.network.stats.thinned > 10000);
    finish();
}

static void
a_bulk_passes_where_segments_are_joined(void **state)
{
    struct sim_config c = probed(131);

    (void)state;
    bulk(&c);
    fault(&c, 0, WGT_NEVER - 1, (struct network_impairment){.coalesce = true});
    begin(&c);
    run_to(7 * S);
    expect_goodput_until(17 * S, 70);
    finish();
}

static void
a_bulk_passes_where_single_packets_are_late(void **state)
{
    struct sim_config c = probed(132);

    (void)state;
    bulk(&c);
    fault(&c, 0, WGT_NEVER - 1,
          (struct network_impairment){.reorder = 10000, .reorder_by = 5 * MS});
    begin(&c);
    run_to(7 * S);
    expect_goodput_until(17 * S, 70);
    finish();
}

/* From 10 s on the path takes 1300 bytes only. */
static void
after_the_path_mtu_shrank_a_bulk_goes_on(void **state)
{
    (void)state;
    for (unsigned silent = 0; silent < 2; silent++) {
        struct sim_config c = probed(133);

        bulk(&c);
        fault(&c, 10 * S, WGT_NEVER - 1,
              (struct network_impairment){.mtu = 1300, .mtu_silent = silent});
        begin(&c);
        run_to(20 * S);
        assert_true(world.network.stats.too_big > 0);
        if (goodput(36 * S) < 40)
            fail_msg("%s", silent ? "a black hole for large packets stops the bulk"
                                  : "the router's word is not heard");
        finish();
    }
}

/* In the direction of the bulk only probes of the search may be lost, one a second and a first one
 * of the new connection, whichever end dialled. */
static void
after_a_reset_the_path_mtu_is_known(void **state)
{
    (void)state;
    for (unsigned from = 0; from < 2; from++) {
        struct sim_config c = probed(134 + from);
        uint64_t before;

        bulk(&c);
        c.bulks[0].node = from;
        c.network.link[0] = c.network.link[1] = network_link_of(RATE / 5, 20 * MS, 60 * MS);
        fault(&c, 0, WGT_NEVER - 1, (struct network_impairment){.mtu = 1300, .mtu_silent = true});
        attack(&c, ATTACK_RST_EXACT, 1 - from, 24 * S, 24 * S + 1);
        begin(&c);
        run_to(23 * S);
        before = world.network.stats.too_big;
        run_to(27 * S);
        assert_int_equal(world.network.stats.injected, 1);
        if (world.network.stats.too_big > before + 5)
            fail_msg("%u: %" PRIu64 " too large packets", from,
                     world.network.stats.too_big - before);
        finish();
    }
}

int
main(void)
{
#define T(name) cmocka_unit_test_teardown(name, clean_up)
    const struct CMUnitTest tests[] = {
        T(after_an_injected_reset_probes_go_on_within_500ms),
        T(after_an_injected_reset_a_bulk_goes_on),
        T(after_a_black_hole_of_15s_probes_go_on_within_600ms),
        T(after_a_nat_rebinding_probes_go_on_within_500ms),
        T(a_nat_rebinding_in_the_middle_of_the_handshakes_costs_one_syn),
        T(after_the_listener_restarted_probes_go_on),
        T(forged_segments_beside_the_mark_cost_nothing),
        T(forged_bytes_in_the_stream_cost_at_most_500ms),
        T(a_long_and_steady_path_that_loses_costs_no_timeouts),
        T(a_stream_passes_where_acks_are_thinned),
        T(a_bulk_passes_where_segments_are_joined),
        T(a_bulk_passes_where_single_packets_are_late),
        T(after_the_path_mtu_shrank_a_bulk_goes_on),
        T(after_a_reset_the_path_mtu_is_known),
    };

    return cmocka_run_group_tests(tests, sim_group_setup, sim_group_teardown);
}
