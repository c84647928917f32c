/* SPDX-License-Identifier: BSD-3-Clause */
/* Named scenarios with fixed seeds. Node 0 dials node 1 unless a test says otherwise; one way takes
 * 10 ms. The rules of sim.h hold in all of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <wgtcpd/wire/udp.h>

#include "scenario.h"

/* --- good networks -------------------------------------------------------------------------------
 */

static void
lossless(struct sim_config *c)
{
    steady(c, 0);
    begin(c);
    run_to(c->duration);
    expect_all_delivered(0, c->duration);
    assert_int_equal(initiations(0, 0, c->duration), 1);
    for (unsigned i = 0; i < 2; i++)
        assert_true(longest_delay(i, 2 * S) <= 11 * MS);
    finish();
}

static void
udp_lossless(void **state)
{
    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        struct sim_config c = scenario(1, TRANSPORT_UDP);

        c.shared.family = v6 ? IP_V6 : IP_V4;
        c.shared.psk = v6;
        lossless(&c);
    }
}

static void
tcp_lossless(void **state)
{
    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        struct sim_config c = scenario(2, TRANSPORT_TCP);

        c.shared.family = v6 ? IP_V6 : IP_V4;
        c.shared.psk = v6;
        c.shared.mtu = 1380;
        lossless(&c);
    }
}

static void
tcp_messages_longer_than_a_segment(void **state)
{
    struct sim_config c = scenario(3, TRANSPORT_TCP);

    (void)state;
    c.shared.mtu = 1500;
    c.shared.outer_mtu = 1280;
    steady(&c, 0);
    begin(&c);
    run_to(c.duration);
    expect_all_delivered(0, c.duration);
    finish();
}

static void
tcp_bulk_fills_a_narrow_link(void **state)
{
    struct sim_config c = scenario(4, TRANSPORT_TCP);
    const uint64_t rate = 500000;

    (void)state;
    c.duration = 30 * S;
    c.network.link[0].rate = rate;
    c.network.link[0].queue = 50000;
    /* 70 packets of 800 bytes each 50 ms: twice what the link takes */
    c.traffic[0][0] = (struct traffic_stream){.until = 20 * S, .interval = 50 * MS, .burst = 70};
    begin(&c);
    run_to(c.duration);
    assert_true(world.watch.bytes[0] > rate * 20 * 85 / 100);
    assert_true(world.watch.retransmitted[0] < world.watch.bytes[0] / 20);
    finish();
}

static void
a_slow_control_thread_loses_nothing(void **state)
{
    struct sim_config c = scenario(5, TRANSPORT_TCP);

    (void)state;
    c.duration = 150 * S; /* across a rekey */
    c.node[0].control_delay = 50 * MS;
    c.node[1].control_delay = 80 * MS;
    steady(&c, 0);
    begin(&c);
    run_to(c.duration);
    expect_all_delivered(0, c.duration);
    finish();
}

static void
packets_outside_the_allowed_ips_do_not_pass(void **state)
{
    struct sim_config c = scenario(6, TRANSPORT_UDP);

    (void)state;
    steady(&c, 0);
    c.traffic[0][1] = (struct traffic_stream){
        .from = 5 * S, .until = 50 * S, .interval = S, .burst = 2, .foreign = true};
    begin(&c);
    run_to(c.duration);
    assert_true(world.node[0].tunnel.drops.n[WGT_DROP_NO_PEER] > 0);
    assert_true(world.node[1].tunnel.drops.n[WGT_DROP_INNER_SOURCE] > 0);
    finish();
}

/* --- bad networks --------------------------------------------------------------------------------
 */

static void
udp_reordered_loses_nothing(void **state)
{
    struct sim_config c = scenario(10, TRANSPORT_UDP);

    (void)state;
    steady(&c, 0);
    fault(&c, 0, c.duration, (struct network_impairment){.jitter = 60 * MS});
    begin(&c);
    run_to(c.duration);
    expect_all_delivered(S, c.duration);
    finish();
}

static void
udp_duplicates_are_dropped_as_replays(void **state)
{
    struct sim_config c = scenario(11, TRANSPORT_UDP);

    (void)state;
    steady(&c, 0);
    fault(&c, S, 50 * S, (struct network_impairment){.duplicate = 500000, .jitter = 30 * MS});
    begin(&c);
    run_to(c.duration);
    expect_all_delivered(S, c.duration);
    assert_true(world.node[1].tunnel.drops.n[WGT_DROP_DATA_REPLAY] > 100);
    finish();
}

static void
udp_corrupted_packets_never_come_out(void **state)
{
    struct sim_config c = scenario(12, TRANSPORT_UDP);

    (void)state;
    steady(&c, 0);
    fault(&c, 0, 50 * S, (struct network_impairment){.corrupt = 500000});
    begin(&c);
    run_to(c.duration);
    assert_true(world.node[1].tunnel.drops.n[WGT_DROP_UDP_CHECKSUM] > 50);
    finish();
}

/* What waited too long behind losses was dropped before it was sealed. Nothing else is missing,
 * unless a connection was given up with bytes in it. */
static void
expect_all_but_stale_delivered(wgt_time until)
{
    for (unsigned i = 0; i < 2; i++) {
        const struct node *n = &world.node[i];
        size_t missing = traffic_missing(&world.traffic[i], 0, until, false);

        if (world.node[0].peer->stats.dials == 1)
            assert_int_equal(missing, n->tunnel.drops.n[WGT_DROP_QUEUE_STALE] +
                                          n->tunnel.drops.n[WGT_DROP_QUEUE_CODEL]);
        assert_true(missing <= traffic_offered(&world.traffic[i], 0, until) / 10);
    }
}

static void
tcp_loss_5_percent(void **state)
{
    struct sim_config c = scenario(13, TRANSPORT_TCP);

    (void)state;
    steady(&c, 0);
    fault(&c, S, 50 * S, (struct network_impairment){.loss = 50000});
    begin(&c);
    run_to(c.duration);
    expect_all_but_stale_delivered(c.duration);
    assert_true(world.watch.retransmitted[0] > 1000);
    assert_int_equal(world.node[0].peer->stats.dials, 1);
    finish();
}

static void
tcp_loss_in_bursts_with_reordering(void **state)
{
    struct sim_config c = scenario(14, TRANSPORT_TCP);

    (void)state;
    steady(&c, 0);
    fault(&c, S, 50 * S,
          (struct network_impairment){
              .burst_enter = 10000, .burst_leave = 300000, .jitter = 20 * MS});
    begin(&c);
    run_to(c.duration);
    expect_all_but_stale_delivered(c.duration);
    finish();
}

static void
tcp_resegmented(void **state)
{
    struct sim_config c = scenario(15, TRANSPORT_TCP);

    (void)state;
    steady(&c, 0);
    fault(&c, 0, c.duration, (struct network_impairment){.resegment = true});
    begin(&c);
    run_to(c.duration);
    expect_all_delivered(0, c.duration);
    assert_true(world.network.stats.cut > 1000);
    finish();
}

static void
tcp_resegmented_with_loss(void **state)
{
    struct sim_config c = scenario(16, TRANSPORT_TCP);

    (void)state;
    steady(&c, 0);
    fault(&c, S, 50 * S, (struct network_impairment){.resegment = true, .loss = 20000});
    begin(&c);
    run_to(c.duration);
    expect_all_but_stale_delivered(c.duration);
    finish();
}

static void
black_hole_15s(void **state)
{
    (void)state;
    for (enum transport_kind kind = TRANSPORT_UDP; kind <= TRANSPORT_TCP; kind++) {
        struct sim_config c = scenario(17, kind);

        c.duration = 90 * S;
        steady(&c, 0);
        fault(&c, 20 * S, 35 * S, (struct network_impairment){.black_hole = true});
        begin(&c);
        run_to(c.duration);
        expect_all_delivered(0, 19 * S);
        expect_all_delivered(45 * S, c.duration);
        finish();
    }
}

static void
black_hole_200s_outlives_the_session(void **state)
{
    (void)state;
    for (enum transport_kind kind = TRANSPORT_UDP; kind <= TRANSPORT_TCP; kind++) {
        struct sim_config c = scenario(18, kind);

        c.duration = 320 * S;
        steady(&c, 0);
        fault(&c, 10 * S, 210 * S, (struct network_impairment){.black_hole = true});
        begin(&c);
        run_to(c.duration);
        /* a dial may have been put off by 45 s just before the end of the fault */
        expect_all_delivered(260 * S, c.duration);
        finish();
    }
}

/* --- restarts and roaming ------------------------------------------------------------------------
 */

static void
restart(struct sim_config *c, unsigned node, wgt_time at, wgt_time down)
{
    c->restarts[c->n_restarts++] = (struct sim_restart){.at = at, .down = down, .node = node};
}

static void
restart_listener(void **state)
{
    (void)state;
    for (enum transport_kind kind = TRANSPORT_UDP; kind <= TRANSPORT_TCP; kind++) {
        struct sim_config c = scenario(20, kind);

        c.duration = 80 * S;
        steady(&c, 0);
        restart(&c, 1, 20 * S, 2 * S);
        begin(&c);
        run_to(c.duration);
        /* data without an answer is noticed after 15 s */
        expect_all_delivered(40 * S, c.duration);
        finish();
    }
}

static void
restart_dialer(void **state)
{
    (void)state;
    for (enum transport_kind kind = TRANSPORT_UDP; kind <= TRANSPORT_TCP; kind++) {
        struct sim_config c = scenario(21, kind);

        c.duration = 60 * S;
        steady(&c, 0);
        restart(&c, 0, 20 * S, 2 * S);
        begin(&c);
        run_to(c.duration);
        /* the new node asks for a session as soon as it has something to send */
        expect_all_delivered(23 * S, c.duration);
        finish();
    }
}

static const struct path *
path_at(unsigned node)
{
    return &world.node[node].peer->path.path;
}

static void
udp_path_follows_the_last_authenticated_message(void **state)
{
    struct sim_config c = scenario(22, TRANSPORT_UDP);
    struct ip_endpoint before;

    (void)state;
    c.network.nat = true;
    c.network.rebinds[c.network.n_rebinds++] = 20 * S;
    steady(&c, 0);
    begin(&c);
    run_to(19 * S);
    before = path_at(1)->remote;
    run_to(c.duration);
    assert_false(ip_endpoint_equal(&before, &path_at(1)->remote));
    /* what was on the way to the old address is lost, nothing later */
    expect_all_delivered(21 * S, c.duration);
    assert_int_equal(initiations(0, 0, c.duration), 1);
    assert_int_equal(initiations(1, 0, c.duration), 0);
    finish();
}

static void
path_follows_from_udp_to_tcp_and_back(void **state)
{
    struct sim_config c = scenario(23, TRANSPORT_UDP);

    (void)state;
    c.duration = 90 * S;
    steady(&c, 0);
    restart(&c, 0, 20 * S, 0);
    restart(&c, 0, 50 * S, 0);
    c.restarts[0].reconfigure = c.restarts[1].reconfigure = true;
    c.restarts[0].config = c.restarts[1].config = c.node[0];
    c.restarts[0].config.kind = TRANSPORT_TCP;
    begin(&c);
    run_to(19 * S);
    assert_int_equal(path_at(1)->kind, TRANSPORT_UDP);
    run_to(40 * S);
    assert_int_equal(path_at(1)->kind, TRANSPORT_TCP);
    run_to(c.duration);
    assert_int_equal(path_at(1)->kind, TRANSPORT_UDP);
    expect_all_delivered(52 * S, c.duration);
    finish();
}

/* The NAT forgets the connection: it is dialled again, and the session goes on in the new one. */
static void
a_lost_connection_does_not_end_the_session(void **state)
{
    struct sim_config c = scenario(24, TRANSPORT_TCP);

    (void)state;
    c.network.nat = true;
    c.network.rebinds[c.network.n_rebinds++] = 20 * S;
    steady(&c, 0);
    begin(&c);
    run_to(c.duration);
    assert_int_equal(world.node[0].peer->stats.dials, 2);
    assert_int_equal(initiations(0, 0, c.duration), 1);
    expect_all_delivered(21 * S, c.duration);
    finish();
}

/* --- sessions ------------------------------------------------------------------------------------
 */

/* Both ask in the same instant; a session exists after a round trip, not after a retry 5 s later.
 */
static void
simultaneous_initiation(void **state)
{
    (void)state;
    for (enum transport_kind kind = TRANSPORT_UDP; kind <= TRANSPORT_TCP; kind++) {
        for (uint64_t seed = 30; seed < 34; seed++) { /* either key may be the greater */
            struct sim_config c = scenario(seed, kind);

            c.node[1].dials = true;
            c.duration = 30 * S;
            steady(&c, 0);
            c.traffic[1][0].from = 0;
            begin(&c);
            run_to(c.duration);
            expect_all_delivered(0, c.duration);
            assert_int_equal(initiations(0, 0, S), 1);
            assert_int_equal(initiations(1, 0, S), 1);
            assert_true(traffic_delivered(&world.traffic[0], 0, 200 * MS) > 0);
            assert_true(traffic_delivered(&world.traffic[1], 0, 200 * MS) > 0);
            finish();
        }
    }
}

static void
rekey_after_120s_without_loss_of_packets(void **state)
{
    (void)state;
    for (enum transport_kind kind = TRANSPORT_UDP; kind <= TRANSPORT_TCP; kind++) {
        struct sim_config c = scenario(35, kind);

        c.duration = 300 * S;
        steady(&c, 0);
        begin(&c);
        run_to(c.duration);
        expect_all_delivered(0, c.duration);
        assert_int_equal(initiations(0, 0, 120 * S), 1);
        assert_int_equal(initiations(0, 120 * S, 121 * S), 1);
        assert_int_equal(initiations(0, 121 * S, 240 * S), 0);
        assert_int_equal(initiations(0, 240 * S, 242 * S), 1);
        assert_int_equal(initiations(1, 0, c.duration), 0);
        finish();
    }
}

/* Who only receives asks for new keys after 165 s (180 - 10 - 5). */
static void
an_initiator_that_only_receives_rekeys_after_165s(void **state)
{
    struct sim_config c = scenario(36, TRANSPORT_UDP);

    (void)state;
    c.duration = 200 * S;
    c.traffic[1][0] = (struct traffic_stream){
        .from = S, .until = 195 * S, .interval = 100 * MS, .burst = 1, .counted = true};
    one_packet(&c, 0, 0);
    begin(&c);
    run_to(c.duration);
    /* its keepalives count as sending, and ask after 120 s */
    assert_int_equal(initiations(0, S, 119 * S), 0);
    assert_int_equal(initiations(0, 120 * S, 166 * S), 1);
    assert_int_equal(traffic_missing(&world.traffic[1], S, 195 * S, true), 0);
    finish();
}

static void
initiations_are_retried_every_5s_and_given_up_after_90s(void **state)
{
    struct sim_config c = scenario(37, TRANSPORT_UDP);
    wgt_time last = 0;
    size_t n = 0;

    (void)state;
    c.duration = 200 * S;
    one_packet(&c, 0, S);
    fault(&c, 0, 150 * S, (struct network_impairment){.black_hole = true});
    begin(&c);
    run_to(c.duration);
    for (size_t i = 0; i < world.watch.n_messages; i++) {
        wgt_time at = world.watch.messages[i].time;

        assert_int_equal(world.watch.messages[i].type, MESSAGE_INITIATION);
        if (n++ > 0)
            assert_in_range(at - last, 5 * S, 5 * S + 340 * MS);
        last = at;
    }
    assert_int_equal(n, 20);
    assert_int_equal(world.node[0].tunnel.drops.n[WGT_DROP_STAGED_GAVE_UP], 1);
    finish();
}

static void
data_without_answer_asks_for_a_new_session_after_15s(void **state)
{
    struct sim_config c = scenario(38, TRANSPORT_UDP);
    wgt_time heard, unanswered, asked;

    (void)state;
    c.duration = 60 * S;
    c.traffic[0][0] = (struct traffic_stream){.until = 50 * S, .interval = 100 * MS, .burst = 1};
    fault(&c, 20 * S, 40 * S, (struct network_impairment){.black_hole = true});
    begin(&c);
    run_to(c.duration);
    heard = newest(1, MESSAGE_DATA, 20 * S) + 10 * MS;
    unanswered = oldest(0, MESSAGE_DATA, heard);
    asked = oldest(0, MESSAGE_INITIATION, S);
    assert_in_range(asked - unanswered, 15 * S, 15 * S + 340 * MS);
    finish();
}

/* --- what is seen on the wire --------------------------------------------------------------------
 */

static void
nothing_to_say_means_silence(void **state)
{
    struct sim_config c = scenario(40, TRANSPORT_UDP);

    (void)state;
    begin(&c);
    run_to(c.duration);
    assert_int_equal(world.network.stats.sent, 0);
    finish();
}

static void
received_data_is_answered_by_one_keepalive_after_10s(void **state)
{
    (void)state;
    for (enum transport_kind kind = TRANSPORT_UDP; kind <= TRANSPORT_TCP; kind++) {
        struct sim_config c = scenario(41, kind);

        one_packet(&c, 0, S);
        begin(&c);
        run_to(c.duration);
        assert_int_equal(keepalives(1, 0, 11 * S), 0);
        assert_int_equal(keepalives(1, 11 * S, 11 * S + 100 * MS), 1);
        /* the keepalive is not answered: silence */
        assert_int_equal(messages(0, 2 * S, c.duration), 0);
        assert_int_equal(messages(1, 12 * S, c.duration), 0);
        finish();
    }
}

static void
persistent_keepalive_is_sent_every_interval(void **state)
{
    struct sim_config c = scenario(42, TRANSPORT_UDP);

    (void)state;
    c.node[0].keepalive = 7;
    begin(&c);
    run_to(c.duration);
    assert_int_equal(initiations(0, 0, S), 1);
    /* the first one proves the keys; then 7 s apart */
    assert_int_equal(keepalives(0, 0, S), 1);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(keepalives(0, S + i * 7 * S, S + (i + 1) * 7 * S), 1);
    assert_int_equal(keepalives(1, 0, c.duration), 0);
    finish();
}

static void
traffic_stands_for_keepalives(void **state)
{
    struct sim_config c = scenario(43, TRANSPORT_UDP);

    (void)state;
    c.node[0].keepalive = 7;
    steady(&c, 0);
    begin(&c);
    run_to(c.duration);
    assert_int_equal(keepalives(0, S, c.duration - 3 * S), 0);
    assert_int_equal(keepalives(1, S, c.duration - 3 * S), 0);
    finish();
}

/* A peer on TCP that nobody has anything to say to is not dialled. */
static void
tcp_is_dialled_when_there_is_something_to_send(void **state)
{
    struct sim_config c = scenario(44, TRANSPORT_TCP);

    (void)state;
    one_packet(&c, 0, 20 * S);
    begin(&c);
    run_to(20 * S - 1);
    assert_int_equal(world.network.stats.sent, 0);
    run_to(c.duration);
    assert_int_equal(watch_count_flags(&world.watch, 0, TCP_SYN, 0, c.duration), 1);
    assert_int_equal(traffic_missing(&world.traffic[0], 0, c.duration, false), 0);
    finish();
}

static void
redial_backoff(void **state)
{
    struct sim_config c = scenario(45, TRANSPORT_TCP);
    wgt_time last = 0, longest = 0;
    size_t n = 0;

    (void)state;
    c.duration = 400 * S;
    steady(&c, 0);
    c.node[1].listen_tcp = false; /* SYNs are answered with RST */
    restart(&c, 1, 300 * S, 0);
    c.restarts[0].reconfigure = true;
    c.restarts[0].config = c.node[1];
    c.restarts[0].config.listen_tcp = true;
    begin(&c);
    run_to(300 * S);
    for (size_t i = 0; i < world.watch.n_flags; i++) {
        const struct watch_flag *f = &world.watch.flags[i];

        if (f->node != 0)
            continue;
        assert_int_equal(f->flags & (TCP_SYN | TCP_ACK), TCP_SYN);
        assert_true(f->time - last <= 45 * S + 100 * MS);
        /* from the tenth dial on the back-off has its full length of 15 to 45 s */
        if (n++ >= 10)
            assert_true(f->time - last >= 15 * S);
        longest = f->time - last > longest ? f->time - last : longest;
        last = f->time;
    }
    assert_in_range(n, 10, 24);
    assert_true(longest > 25 * S); /* 30 s +- 50 % */
    assert_int_equal(watch_count_flags(&world.watch, 1, TCP_RST, 0, 300 * S), n);
    /* the listener is back */
    run_to(c.duration);
    expect_all_delivered(350 * S, c.duration);
    finish();
}

/* --- ends ----------------------------------------------------------------------------------------
 */

static void
stop_sends_fin(void **state)
{
    (void)state;
    for (unsigned who = 0; who < 2; who++) {
        struct sim_config c = scenario(50, TRANSPORT_TCP);

        c.duration = 20 * S;
        steady(&c, 0);
        begin(&c);
        run_to(c.duration);
        assert_int_equal(watch_count_flags(&world.watch, who, TCP_FIN, 0, WGT_NEVER), 0);
        node_stop(&world.node[who]);
        node_settle(&world.node[who], world.now);
        assert_int_equal(watch_count_flags(&world.watch, who, TCP_FIN, 0, WGT_NEVER), 1);
        run_to(c.duration + S);
        assert_true(world.node[who].stopped);
        assert_int_equal(watch_count_flags(&world.watch, 1 - who, TCP_FIN, 0, WGT_NEVER), 1);
        run_to(c.duration + 60 * S); /* it dials no more */
        assert_int_equal(watch_count_flags(&world.watch, who, TCP_SYN, c.duration, WGT_NEVER), 0);
        finish();
    }
}

static void
a_stop_against_a_dead_peer_ends_too(void **state)
{
    struct sim_config c = scenario(51, TRANSPORT_TCP);

    (void)state;
    c.duration = 20 * S;
    steady(&c, 0);
    fault(&c, 19 * S, 100 * S, (struct network_impairment){.black_hole = true});
    c.ending = SIM_END_STOP;
    play(&c);
}

static void
remove_peer_sends_fin(void **state)
{
    (void)state;
    for (unsigned who = 0; who < 2; who++) {
        struct sim_config c = scenario(52, TRANSPORT_TCP);

        c.duration = 20 * S;
        steady(&c, 0);
        begin(&c);
        run_to(c.duration);
        node_remove_peer(&world.node[who]);
        node_settle(&world.node[who], world.now);
        assert_int_equal(watch_count_flags(&world.watch, who, TCP_FIN, 0, WGT_NEVER), 1);
        assert_true(world.node[who].peer_removed);
        run_to(c.duration + 5 * S);
        /* nothing more is said to the stranger but TCP's own farewell */
        assert_int_equal(messages(who, c.duration + S, WGT_NEVER), 0);
        finish();
    }
}

static void
a_peer_removed_while_it_is_dialled_is_forgotten(void **state)
{
    struct sim_config c = scenario(53, TRANSPORT_TCP);

    (void)state;
    c.duration = 20 * S;
    one_packet(&c, 0, 19 * S);
    fault(&c, 0, 100 * S, (struct network_impairment){.black_hole = true});
    c.ending = SIM_END_REMOVE;
    play(&c);
}

/* --- the rules themselves ------------------------------------------------------------------------
 */

static void
a_seed_gives_the_same_world_twice(void **state)
{
    struct network_stats stats[2];
    uint64_t turns[2];

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct sim_config c = sim_random(60);

        play(&c);
        stats[i] = world.network.stats;
        turns[i] = world.node[0].turns;
    }
    assert_memory_equal(&stats[0], &stats[1], sizeof(stats[0]));
    assert_int_equal(turns[0], turns[1]);
    assert_true(stats[0].delivered > 100);
}

/* A data message of 32 bytes in UDP. */
static size_t
data_datagram(uint8_t *packet, uint64_t counter)
{
    struct ip_header ip = {.src = node_address(0, IP_V4),
                           .dst = node_address(1, IP_V4),
                           .protocol = IP_PROTO_UDP,
                           .ttl = 64,
                           .payload_len = 8 + 32};
    uint8_t *message = packet + 28;

    memset(message, 0, 32);
    put_le32(message, MESSAGE_DATA);
    put_le32(message + 4, 1234);
    put_le64(message + 8, counter);
    udp_write(packet + 20, &ip.src, &ip.dst, NODE_PORT, NODE_PORT, 32, true);
    return ip_write(packet, &ip) + ip.payload_len;
}

static void
the_watch_sees_a_counter_used_twice(void **state)
{
    struct watch w = {.n_keys = 0};
    uint8_t packet[128];
    size_t len;

    (void)state;
    for (uint64_t counter = 0; counter < 1000; counter += 7) {
        len = data_datagram(packet, counter);
        assert_null(watch_packet(&w, 0, 0, packet, len));
    }
    len = data_datagram(packet, 7);
    assert_null(watch_packet(&w, 0, 1, packet, len)); /* the other node has other keys */
    assert_non_null(watch_packet(&w, 0, 0, packet, len));
    watch_fini(&w);
}

static size_t
tcp_packet(uint8_t *packet, uint32_t seq, uint8_t flags, const void *payload, size_t len)
{
    struct ip_header ip = {.src = node_address(0, IP_V4),
                           .dst = node_address(1, IP_V4),
                           .protocol = IP_PROTO_TCP,
                           .ttl = 64,
                           .payload_len = (uint32_t)(20 + len)};
    struct tcp_segment seg = {
        .src_port = 1, .dst_port = 2, .seq = seq, .flags = flags, .payload = {.len = len}};

    if (len > 0)
        memcpy(packet + 40, payload, len);
    tcp_write(packet + 20, &ip.src, &ip.dst, &seg, true);
    return ip_write(packet, &ip) + ip.payload_len;
}

static void
the_watch_sees_what_is_wrong_with_a_stream(void **state)
{
    const uint32_t isn = UINT32_MAX - 3;
    struct watch w = {.n_keys = 0};
    uint8_t packet[256], frame[34] = {0, 32, MESSAGE_DATA};

    (void)state;
#define LEAVES(...) watch_packet(&w, 0, 0, packet, tcp_packet(packet, __VA_ARGS__))
    assert_non_null(LEAVES(isn + 1, TCP_ACK, frame, sizeof(frame))); /* no SYN before it */
    assert_null(LEAVES(isn, TCP_SYN, NULL, 0));
    assert_null(LEAVES(isn + 1, TCP_ACK, frame, 20));
    assert_null(LEAVES(isn + 1, TCP_ACK, frame, sizeof(frame)));
    assert_int_equal(watch_count(&w, 0, MESSAGE_DATA, 32, 0, 1), 1);
    assert_int_equal(w.retransmitted[0], 20);
    assert_non_null(LEAVES(isn + 36, TCP_ACK, frame, sizeof(frame))); /* a hole */
    frame[30] = 1;
    assert_non_null(LEAVES(isn + 1, TCP_ACK, frame, sizeof(frame))); /* other bytes */
    frame[30] = 0;
    assert_non_null(LEAVES(isn + 35, TCP_ACK, frame, sizeof(frame))); /* the same counter */
    assert_non_null(LEAVES(isn + 36, TCP_ACK | TCP_FIN, NULL, 0));    /* not at the end */
    assert_null(LEAVES(isn + 69, TCP_ACK | TCP_FIN, NULL, 0));
    assert_non_null(LEAVES(isn + 69, TCP_ACK, frame, 2)); /* behind FIN */
#undef LEAVES
    watch_fini(&w);
}

static void
the_traffic_sees_what_is_wrong_with_a_packet(void **state)
{
    const struct traffic_stream streams[TRAFFIC_STREAMS] = {
        {.until = S, .interval = S, .burst = 50}};
    uint8_t packet[TRAFFIC_PACKET_MAX];
    struct traffic t, other;
    size_t len;

    (void)state;
    traffic_init(&t, 1, 0, 1420, streams);
    traffic_init(&other, 1, 1, 1420, streams);
    len = traffic_offer(&t, 0, packet);
    assert_true(len > 0);
    assert_int_equal(traffic_missing(&t, 0, S, false), 1);
    assert_non_null(traffic_deliver(&other, 0, packet, len));
    assert_non_null(traffic_deliver(&t, 0, packet, len - 1));
    packet[len - 1] ^= 1;
    assert_non_null(traffic_deliver(&t, 0, packet, len));
    packet[len - 1] ^= 1;
    assert_null(traffic_deliver(&t, 0, packet, len));
    assert_non_null(traffic_deliver(&t, 0, packet, len));
    assert_int_equal(traffic_missing(&t, 0, S, false), 0);
    traffic_fini(&t);
    traffic_fini(&other);
}

/* A network that is cut for ever breaks the rule of recovery: the rule is looked at. */
static void
a_world_that_does_not_recover_fails(void **state)
{
    struct sim_config c = scenario(61, TRANSPORT_UDP);

    (void)state;
    c.duration = 200 * S;
    steady(&c, 0);
    fault(&c, 0, S, (struct network_impairment){.black_hole = true});
    c.network.link[0].rate = 1; /* not a fault by name, but nothing passes */
    sim_init(&world, &c);
    sim_run(&world, c.duration);
    assert_false(sim_finish(&world));
    assert_memory_equal(world.failure, "recovery", 8);
}

int
main(void)
{
#define T(name) cmocka_unit_test_teardown(name, clean_up)
    const struct CMUnitTest tests[] = {
        T(udp_lossless),
        T(tcp_lossless),
        T(tcp_messages_longer_than_a_segment),
        T(tcp_bulk_fills_a_narrow_link),
        T(a_slow_control_thread_loses_nothing),
        T(packets_outside_the_allowed_ips_do_not_pass),
        T(udp_reordered_loses_nothing),
        T(udp_duplicates_are_dropped_as_replays),
        T(udp_corrupted_packets_never_come_out),
        T(tcp_loss_5_percent),
        T(tcp_loss_in_bursts_with_reordering),
        T(tcp_resegmented),
        T(tcp_resegmented_with_loss),
        T(black_hole_15s),
        T(black_hole_200s_outlives_the_session),
        T(restart_listener),
        T(restart_dialer),
        T(udp_path_follows_the_last_authenticated_message),
        T(path_follows_from_udp_to_tcp_and_back),
        T(a_lost_connection_does_not_end_the_session),
        T(simultaneous_initiation),
        T(rekey_after_120s_without_loss_of_packets),
        T(an_initiator_that_only_receives_rekeys_after_165s),
        T(initiations_are_retried_every_5s_and_given_up_after_90s),
        T(data_without_answer_asks_for_a_new_session_after_15s),
        T(nothing_to_say_means_silence),
        T(received_data_is_answered_by_one_keepalive_after_10s),
        T(persistent_keepalive_is_sent_every_interval),
        T(traffic_stands_for_keepalives),
        T(tcp_is_dialled_when_there_is_something_to_send),
        T(redial_backoff),
        T(stop_sends_fin),
        T(a_stop_against_a_dead_peer_ends_too),
        T(remove_peer_sends_fin),
        T(a_peer_removed_while_it_is_dialled_is_forgotten),
        T(a_seed_gives_the_same_world_twice),
        T(the_watch_sees_a_counter_used_twice),
        T(the_watch_sees_what_is_wrong_with_a_stream),
        T(the_traffic_sees_what_is_wrong_with_a_packet),
        T(a_world_that_does_not_recover_fails),
    };

    return cmocka_run_group_tests(tests, sim_group_setup, sim_group_teardown);
}
