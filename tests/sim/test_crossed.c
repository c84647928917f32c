/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Both ends have the other's endpoint and dial at the same time, so that each has a connection of
 * its own and one of the other's. One of the two is to be left, the same on both ends, and nothing
 * may be lost with the other. One way takes 10 ms.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "scenario.h"

enum { SEEDS = 8 };

/* Both dial, and both have something to say from the first instant on. */
static struct sim_config
crossed(uint64_t seed, wgt_time duration)
{
    struct sim_config c = scenario(seed, TRANSPORT_TCP);

    c.node[1].dials = true;
    c.duration = duration;
    steady(&c, 0);
    c.traffic[1][0].from = 0;
    return c;
}

static size_t
syns(unsigned node, wgt_time from, wgt_time until)
{
    size_t n = 0;

    for (size_t i = 0; i < world.watch.n_flags; i++) {
        const struct watch_flag *f = &world.watch.flags[i];

        n += f->node == node && (f->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN && f->time >= from &&
             f->time < until;
    }
    return n;
}

static const struct tcp_flow *
flow_in_use(unsigned node)
{
    const struct tcp_flow *f = tcp_flow_of(&world.node[node].peer->path.path);

    if (f == NULL)
        fail_msg("node %u has no connection at %.3f s", node, (double)world.now / 1e9);
    return f;
}

static void
expect_same_connection(void)
{
    const struct tcp_flow *f = flow_in_use(0), *g = flow_in_use(1);

    assert_true(ip_endpoint_equal(&f->path.local, &g->path.remote));
    assert_true(ip_endpoint_equal(&f->path.remote, &g->path.local));
}

/* Whichever key is the greater, whatever the ends' clocks say. */
static void
crossed_dials_leave_one_connection(void **state)
{
    (void)state;
    for (uint64_t seed = 300; seed < 300 + SEEDS; seed++) {
        struct sim_config c = crossed(seed, 180 * S);

        begin(&c);
        run_to(2 * S);
        assert_int_equal(syns(0, 0, S), 1);
        assert_int_equal(syns(1, 0, S), 1);
        expect_same_connection();
        run_to(c.duration);
        for (unsigned i = 0; i < 2; i++) {
            assert_int_equal(syns(i, S, c.duration), 0);
            assert_int_equal(world.node[i].tunnel.tcp.n_flows, 1);
            assert_true(longest_delay(i, 2 * S) <= 11 * MS);
        }
        expect_all_delivered(0, c.duration);
        finish();
    }
}

/* Quiet peers settle, too: there is little to tell them which connection the other end prefers. */
static void
crossed_dials_leave_one_connection_to_those_who_say_little(void **state)
{
    (void)state;
    for (uint64_t seed = 310; seed < 310 + SEEDS; seed++) {
        struct sim_config c = scenario(seed, TRANSPORT_TCP);

        c.node[1].dials = true;
        c.node[0].keepalive = c.node[1].keepalive = 25;
        c.duration = 300 * S;
        begin(&c);
        run_to(c.duration);
        for (unsigned i = 0; i < 2; i++) {
            assert_int_equal(syns(i, 0, S), 1);
            assert_int_equal(syns(i, S, c.duration), 0);
            assert_int_equal(world.node[i].tunnel.tcp.n_flows, 1);
        }
        expect_same_connection();
        finish();
    }
}

static void
reset_towards(struct sim_config *c, unsigned node, wgt_time at)
{
    c->network.attacks[c->network.n_attacks++] = (struct network_attack){.from = at,
                                                                         .until = at + 1,
                                                                         .interval = S,
                                                                         .direction = 1 - node,
                                                                         .kind = ATTACK_RST_EXACT};
}

/* A middlebox resets the connection towards both ends, who dial again, with a session in hand: each
 * hears the other on its own connection and on the other's within one round trip. */
static void
dials_that_cross_after_a_reset_leave_one_connection(void **state)
{
    (void)state;
    for (uint64_t seed = 320; seed < 320 + SEEDS; seed++) {
        struct sim_config c = crossed(seed, 180 * S);

        reset_towards(&c, 0, 20 * S);
        reset_towards(&c, 1, 20 * S);
        begin(&c);
        run_to(22 * S);
        assert_int_equal(syns(0, 20 * S, 21 * S), 1);
        assert_int_equal(syns(1, 20 * S, 21 * S), 1);
        expect_same_connection();
        run_to(c.duration);
        for (unsigned i = 0; i < 2; i++) {
            assert_int_equal(syns(i, 21 * S, c.duration), 0);
            assert_int_equal(world.node[i].tunnel.tcp.n_flows, 1);
        }
        expect_all_delivered(21 * S, c.duration);
        finish();
    }
}

/* The same where packets are lost and overtake each other, and one end hears of it up to 30 ms
 * later: a handshake message may be repeated while the other connection is up. */
static void
dials_that_cross_on_a_bad_path_leave_one_connection(void **state)
{
    (void)state;
    for (uint64_t seed = 340; seed < 340 + 2 * SEEDS; seed++) {
        struct sim_config c = crossed(seed, 150 * S);

        reset_towards(&c, 0, 20 * S);
        reset_towards(&c, 1, 20 * S + seed % 4 * 10 * MS);
        fault(&c, 19 * S, 60 * S, (struct network_impairment){.loss = 100000, .jitter = 10 * MS});
        begin(&c);
        run_to(c.duration);
        expect_same_connection();
        for (unsigned i = 0; i < 2; i++) {
            assert_int_equal(syns(i, 75 * S, c.duration), 0);
            assert_int_equal(world.node[i].tunnel.tcp.n_flows, 1);
        }
        expect_all_delivered(62 * S, c.duration);
        finish();
    }
}

/* Where one end cannot be dialled, the other's dial is used, whoever has the greater key. */
static void
the_only_dial_that_gets_through_is_used(void **state)
{
    (void)state;
    for (unsigned deaf = 0; deaf < 2; deaf++) {
        for (uint64_t seed = 380; seed < 380 + SEEDS; seed++) {
            struct sim_config c = crossed(seed, 60 * S);

            c.node[deaf].listen_tcp = false;
            begin(&c);
            run_to(c.duration);
            expect_same_connection();
            assert_ptr_equal(flow_in_use(deaf)->dialer, world.node[deaf].peer);
            assert_int_equal(syns(1 - deaf, S, c.duration), 0);
            expect_all_delivered(0, c.duration);
            finish();
        }
    }
}

int
main(void)
{
#define T(name) cmocka_unit_test_teardown(name, clean_up)
    const struct CMUnitTest tests[] = {
        T(crossed_dials_leave_one_connection),
        T(crossed_dials_leave_one_connection_to_those_who_say_little),
        T(dials_that_cross_after_a_reset_leave_one_connection),
        T(dials_that_cross_on_a_bad_path_leave_one_connection),
        T(the_only_dial_that_gets_through_is_used),
    };

    return cmocka_run_group_tests(tests, sim_group_setup, sim_group_teardown);
}
