/* SPDX-License-Identifier: BSD-3-Clause */
/* BBR by hand-made ACKs. Sections and figures: draft-ietf-ccwg-bbr-04. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../src/tcp/cc_bbr.h"

#define RTT (40 * WGT_MSEC)
enum { MSS = 1000, BW = 12500000, BDP = 500000 };

struct path {
    struct tcp_cc cc;
    struct tcp_bbr *b;
    wgt_time now, rtt;
    uint64_t delivered;
    uint32_t flight, rate_lost, tx_in_flight, ack_lost;
    bool app_limited, cwnd_limited, in_recovery;
};

static void
path_init(struct path *p)
{
    *p = (struct path){.now = 1000 * WGT_SEC, .rtt = RTT, .flight = BDP, .tx_in_flight = BDP};
    tcp_cc_init(&p->cc, &tcp_cc_bbr, MSS, p->now, false);
    p->b = bbr_of(&p->cc);
}

/* One ACK after `wait`; of the newest segment it says that it left in this round or in the one
 * before. */
static void
feed(struct path *p, wgt_time wait, uint32_t bytes, uint64_t bw, bool new_round)
{
    uint64_t round = p->b->next_round_delivered;
    struct tcp_cc_ack ack;

    p->now += wait;
    p->delivered += bytes;
    ack = (struct tcp_cc_ack){
        .now = p->now,
        .rtt = p->rtt,
        .srtt = p->rtt,
        .acked = bytes,
        .delivered = bytes,
        .lost = p->ack_lost,
        .flight = p->flight,
        .cwnd_limited = p->cwnd_limited,
        .in_recovery = p->in_recovery,
        .rate = {.total_delivered = p->delivered,
                 .prior_delivered = new_round ? round : round - (round > 0),
                 .delivered = (uint32_t)(bw * p->rtt / WGT_SEC),
                 .interval = p->rtt == WGT_NEVER ? 0 : p->rtt,
                 .tx_in_flight = p->tx_in_flight,
                 .lost = p->rate_lost,
                 .app_limited = p->app_limited},
    };
    p->cc.ops->acked(&p->cc, &ack);
}

static void
round_trip(struct path *p, uint64_t bw)
{
    feed(p, p->rtt, MSS, bw, true);
    for (int i = 0; i < 20; i++)
        feed(p, 0, 20 * MSS, bw, false);
}

static void
lose(struct path *p, uint32_t bytes, uint32_t lost_since, uint32_t tx_in_flight)
{
    struct tcp_cc_loss loss = {.now = p->now,
                               .bytes = bytes,
                               .tx_in_flight = tx_in_flight,
                               .lost_since = lost_since,
                               .total_delivered = p->delivered};

    p->cc.ops->lost(&p->cc, &loss);
}

/* n segments, none beside another. */
static void
lose_apart(struct path *p, int n)
{
    for (int i = 0; i < n; i++)
        lose(p, MSS, MSS, BDP - 3 * MSS * (uint32_t)(i % 100));
}

static void
to_drain(struct path *p)
{
    path_init(p);
    p->flight = 2 * BDP;
    for (int i = 0; i < 10 && p->b->state == BBR_STARTUP; i++)
        round_trip(p, BW);
    assert_int_equal(p->b->state, BBR_DRAIN);
}

static void
to_down(struct path *p)
{
    to_drain(p);
    p->flight = BDP;
    feed(p, 0, MSS, BW, false);
    assert_in_range(p->b->state, BBR_PROBE_BW_DOWN, BBR_PROBE_BW_CRUISE);
    p->b->state = BBR_PROBE_BW_DOWN;
}

static void
to_cruise(struct path *p)
{
    to_down(p);
    round_trip(p, BW);
    assert_int_equal(p->b->state, BBR_PROBE_BW_CRUISE);
}

static void
to_refill(struct path *p)
{
    to_cruise(p);
    feed(p, 3001 * WGT_MSEC, MSS, BW, false);
    assert_int_equal(p->b->state, BBR_PROBE_BW_REFILL);
}

static void
to_up(struct path *p)
{
    to_refill(p);
    feed(p, p->rtt, MSS, BW, true);
    assert_int_equal(p->b->state, BBR_PROBE_BW_UP);
}

/* The last segments met a queue of a quarter of the way. */
static void
see_queue(struct path *p)
{
    p->rtt = RTT + RTT / 4;
    for (int i = 0; i < 3; i++) /* the least of the last quarter of a round trip */
        feed(p, RTT / 8 + 1, 100, BW / 2, false);
    assert_true(tcp_bbr_is_queued(&p->cc));
}

static void
s5_3_1_2_startup_ends_after_three_rounds_without_growth(void **state)
{
    struct path p;

    (void)state;
    path_init(&p);
    p.flight = 2 * BDP;
    for (uint64_t bw = BW / 8; bw <= BW; bw *= 2)
        round_trip(&p, bw);
    round_trip(&p, BW + BW / 5);
    round_trip(&p, BW + BW / 5);
    assert_int_equal(p.b->state, BBR_STARTUP);
    round_trip(&p, BW + BW / 5);
    assert_int_equal(p.b->state, BBR_DRAIN);
    assert_true(p.b->full_bw_reached);
}

static void
s5_3_1_2_growth_of_a_quarter_goes_on(void **state)
{
    struct path p;

    (void)state;
    path_init(&p);
    for (uint64_t bw = 100000; bw < BW; bw += bw / 4 + 1)
        round_trip(&p, bw);
    assert_int_equal(p.b->state, BBR_STARTUP);
    assert_int_equal(p.b->full_bw_count, 0);
}

static void
s5_3_1_2_application_limited_rounds_prove_nothing(void **state)
{
    struct path p;

    (void)state;
    path_init(&p);
    p.app_limited = true;
    for (int i = 0; i < 20; i++)
        round_trip(&p, BW);
    assert_int_equal(p.b->state, BBR_STARTUP);
}

/* Little to send, and yet a queue: then the path is full. */
static void
application_limited_rounds_with_a_queue_end_startup(void **state)
{
    struct path p;

    (void)state;
    path_init(&p);
    p.app_limited = true;
    for (int i = 0; i < 3; i++)
        round_trip(&p, BW);
    p.rtt = RTT + RTT / 2;
    for (int i = 0; i < 5 && p.b->state == BBR_STARTUP; i++)
        round_trip(&p, BW);
    assert_true(p.b->full_bw_reached);
}

/* `ranges` segments lost apart in one round of `volume` delivered, with a queue or without. */
static uint8_t
startup_with_losses(int ranges, bool queued, bool in_recovery, uint32_t volume)
{
    struct path p;

    path_init(&p);
    p.flight = 8 * BDP;
    round_trip(&p, BW);
    round_trip(&p, 2 * (uint64_t)BW);
    if (queued)
        see_queue(&p);
    p.in_recovery = in_recovery;
    p.b->delivered = 0;
    lose_apart(&p, ranges);
    feed(&p, RTT, volume, 2 * (uint64_t)BW, true);
    p.delivered += BDP;
    feed(&p, RTT, MSS, 3 * (uint64_t)BW, true);
    return p.b->state;
}

static void
s5_3_1_3_startup_ends_by_losses_and_a_queue(void **state)
{
    (void)state;
    assert_int_equal(startup_with_losses(6, true, true, 200 * MSS), BBR_DRAIN);
    assert_int_equal(startup_with_losses(5, true, true, 160 * MSS), BBR_STARTUP); /* ranges */
    assert_int_equal(startup_with_losses(6, true, true, 400 * MSS), BBR_STARTUP); /* 2 % */
    assert_int_equal(startup_with_losses(6, true, false, 200 * MSS), BBR_STARTUP);
}

/* Not of the draft: without a queue only a tenth counts. */
static void
startup_goes_on_while_losses_come_without_a_queue(void **state)
{
    (void)state;
    assert_int_equal(startup_with_losses(10, false, true, 200 * MSS), BBR_STARTUP);
    assert_int_equal(startup_with_losses(40, false, true, 200 * MSS), BBR_DRAIN);
}

static void
s5_3_2_drain_ends_at_the_bdp(void **state)
{
    struct path p;

    (void)state;
    to_drain(&p);
    assert_true(p.cc.pacing_rate <= BW / 2);
    p.flight = BDP + MSS;
    feed(&p, 0, MSS, BW, false);
    assert_int_equal(p.b->state, BBR_DRAIN);
    p.flight = BDP;
    feed(&p, 0, MSS, BW, false);
    assert_in_range(p.b->state, BBR_PROBE_BW_DOWN, BBR_PROBE_BW_CRUISE);
}

static void
s5_3_2_drain_ends_after_three_rounds(void **state)
{
    struct path p;

    (void)state;
    to_drain(&p);
    for (int i = 0; i < 3; i++)
        round_trip(&p, BW);
    assert_int_equal(p.b->state, BBR_DRAIN);
    feed(&p, RTT, MSS, BW, true);
    assert_int_equal(p.b->state, BBR_PROBE_BW_DOWN);
}

static void
s5_3_3_down_ends_at_bdp_and_headroom(void **state)
{
    struct path p;

    (void)state;
    to_down(&p);
    p.b->inflight_longterm = BDP;
    p.tx_in_flight = MSS;
    p.flight = BDP;
    feed(&p, 0, MSS, BW, false);
    assert_int_equal(p.b->state, BBR_PROBE_BW_DOWN);
    p.flight = BDP * 85 / 100;
    feed(&p, 0, MSS, BW, false);
    assert_int_equal(p.b->state, BBR_PROBE_BW_CRUISE);

    to_down(&p);
    p.flight = BDP + MSS;
    feed(&p, 0, MSS, BW, false);
    assert_int_equal(p.b->state, BBR_PROBE_BW_DOWN);
    feed(&p, 3001 * WGT_MSEC, MSS, BW, false); /* too long: probe at once */
    assert_int_equal(p.b->state, BBR_PROBE_BW_REFILL);
}

static void
s5_3_3_5_cruise_lasts_two_to_three_seconds(void **state)
{
    struct path p;
    wgt_time began;

    (void)state;
    to_cruise(&p);
    assert_in_range(p.b->bw_probe_wait_ms, 2000, 2999);
    began = p.b->cycle_stamp;
    feed(&p, began + p.b->bw_probe_wait_ms * WGT_MSEC - p.now, MSS, BW, false);
    assert_int_equal(p.b->state, BBR_PROBE_BW_CRUISE);
    feed(&p, 1, MSS, BW, false);
    assert_int_equal(p.b->state, BBR_PROBE_BW_REFILL);
    assert_true(p.b->bw_shortterm == BBR_NO_BW);
}

static void
s5_3_3_5_reno_would_have_probed(void **state)
{
    struct path p;
    int rounds = 0;

    (void)state;
    path_init(&p);
    p.rtt = 4 * WGT_MSEC; /* 50 segments */
    p.flight = 3 * MSS;
    for (int i = 0; i < 20 && p.b->state != BBR_PROBE_BW_CRUISE; i++)
        round_trip(&p, BW);
    for (; p.b->state == BBR_PROBE_BW_CRUISE; rounds++)
        feed(&p, p.rtt, MSS, BW, true);
    assert_int_equal(p.b->state, BBR_PROBE_BW_REFILL);
    assert_in_range(rounds, 47, 51);
}

static void
s5_3_3_3_refill_lasts_one_round(void **state)
{
    struct path p;

    (void)state;
    to_refill(&p);
    feed(&p, 0, MSS, BW, false);
    assert_int_equal(p.b->state, BBR_PROBE_BW_REFILL);
    assert_in_range(p.cc.pacing_rate, BW * 98ull / 100, BW);
    feed(&p, RTT, MSS, BW, true);
    assert_int_equal(p.b->state, BBR_PROBE_BW_UP);
    assert_in_range(p.cc.pacing_rate, BW * 123ull / 100, BW * 125ull / 100);
}

static void
s5_3_3_4_up_ends_when_bandwidth_does_not_grow(void **state)
{
    struct path p;

    (void)state;
    to_up(&p);
    for (int i = 0; i < 2; i++)
        round_trip(&p, BW);
    assert_int_equal(p.b->state, BBR_PROBE_BW_UP);
    feed(&p, RTT, MSS, BW, true);
    assert_int_equal(p.b->state, BBR_PROBE_BW_DOWN);
    assert_false(p.b->prev_probe_too_high);
}

/* Not of the draft. */
static void
up_ends_when_it_has_built_a_queue(void **state)
{
    struct path p;

    (void)state;
    to_up(&p);
    p.flight = BDP * 5 / 4;
    feed(&p, RTT, MSS, BW, true);
    feed(&p, 1, MSS, BW, false);
    assert_int_equal(p.b->state, BBR_PROBE_BW_UP); /* no queue */
    p.rtt = RTT + RTT / 4;
    feed(&p, RTT / 8 + 1, MSS, BW, false);
    p.rtt = RTT + RTT / 20; /* some came through faster: jitter, not a queue */
    feed(&p, 0, MSS, BW, false);
    p.rtt = RTT + RTT / 4;
    feed(&p, RTT / 8 + 1, MSS, BW, false);
    assert_int_equal(p.b->state, BBR_PROBE_BW_UP);
    feed(&p, RTT / 8 + 1, MSS, BW, false);
    assert_int_equal(p.b->state, BBR_PROBE_BW_DOWN);
}

/* Not of the draft. */
static void
cruise_drains_a_queue_of_its_own(void **state)
{
    struct path p;
    wgt_time clock;

    (void)state;
    to_cruise(&p);
    clock = p.b->cycle_stamp;
    p.flight = BDP * 107 / 100;
    feed(&p, RTT, MSS, BW, false);
    assert_int_equal(p.b->state, BBR_PROBE_BW_CRUISE); /* no queue */
    p.flight = BDP;
    see_queue(&p);
    assert_int_equal(p.b->state, BBR_PROBE_BW_CRUISE);
    p.flight = BDP * 107 / 100;
    feed(&p, 0, MSS, BW, false);
    assert_int_equal(p.b->state, BBR_PROBE_BW_DOWN);
    assert_true(p.b->cycle_stamp == clock);

    p.b->state = BBR_PROBE_BW_CRUISE;
    p.b->inflight_longterm = 2 * BDP;
    feed(&p, 0, MSS, BW, false);
    assert_int_equal(p.b->state, BBR_PROBE_BW_CRUISE);
}

/* A probe that found a queue: how many rounds it lasted. */
static int
rounds_of_queued_up(uint32_t random)
{
    struct path p;
    int rounds = 0;

    to_refill(&p);
    see_queue(&p);
    p.b->random = random;
    p.flight = BDP * 5 / 4;
    feed(&p, RTT, MSS, BW, true);
    assert_int_equal(p.b->state, BBR_PROBE_BW_UP);
    for (; p.b->state == BBR_PROBE_BW_UP; rounds++)
        feed(&p, 2 * RTT, MSS, BW, true);
    return rounds;
}

static void
every_other_up_that_found_a_queue_goes_on(void **state)
{
    int lasted[4] = {0};

    (void)state;
    for (uint32_t i = 1; i <= 200; i++) {
        int rounds = rounds_of_queued_up(i * 2654435761u);

        assert_in_range(rounds, 1, 2);
        lasted[rounds]++;
    }
    assert_in_range(lasted[1], 70, 130);
    assert_in_range(lasted[2], 70, 130);
}

static void
s5_5_10_2_losses_end_up_and_set_the_limit(void **state)
{
    struct path p;

    (void)state;
    to_up(&p);
    see_queue(&p);
    p.b->state = BBR_PROBE_BW_UP;
    lose(&p, MSS, BDP / 50, BDP); /* 2 % exactly */
    assert_int_equal(p.b->state, BBR_PROBE_BW_UP);
    lose(&p, MSS, BDP / 50 + MSS, BDP);
    assert_int_equal(p.b->state, BBR_PROBE_BW_DOWN);
    assert_true(p.b->prev_probe_too_high);
    assert_in_range(p.b->inflight_longterm, BDP - MSS, BDP);
}

static void
s5_5_10_2_the_limit_falls_to_beta_at_most(void **state)
{
    struct path p;

    (void)state;
    to_up(&p);
    see_queue(&p);
    p.b->state = BBR_PROBE_BW_UP;
    lose(&p, MSS, 20 * MSS, 100 * MSS);
    assert_in_range(p.b->inflight_longterm, BDP * 7 / 10 - MSS, BDP * 7 / 10 + MSS);
}

/* Not of the draft: 5 % without a queue, and nothing happens. */
static void
losses_without_a_queue_do_not_end_up(void **state)
{
    struct path p;

    (void)state;
    to_up(&p);
    lose(&p, MSS, BDP / 20, BDP);
    assert_int_equal(p.b->state, BBR_PROBE_BW_UP);
    lose(&p, MSS, BDP / 10 + 3 * MSS, BDP);
    assert_int_equal(p.b->state, BBR_PROBE_BW_DOWN);
}

static void
s5_3_3_4_2_precautionary_probe(void **state)
{
    struct path p;

    (void)state;
    to_up(&p);
    p.b->prev_probe_too_high = true;
    p.b->inflight_longterm = BDP;
    p.tx_in_flight = MSS;
    p.flight = BDP;
    feed(&p, 0, MSS, BW, false);
    assert_int_equal(p.b->state, BBR_PROBE_BW_DOWN);
    assert_true(p.b->prev_probe_precautionary);
    assert_false(p.b->prev_probe_too_high);
    feed(&p, RTT, MSS, BW, true); /* a round without harm: again, and without caution */
    assert_int_equal(p.b->state, BBR_PROBE_BW_REFILL);
    assert_false(p.b->prev_probe_precautionary);
}

static void
s5_3_3_6_the_limit_grows_faster_every_round(void **state)
{
    struct path p;
    uint32_t before;

    (void)state;
    to_up(&p);
    p.b->inflight_longterm = BDP;
    p.cc.cwnd = BDP;
    p.tx_in_flight = MSS;
    p.flight = BDP - MSS;
    p.cwnd_limited = true;
    p.b->probe_up_acked_per_inc = BDP;
    p.b->bw_probe_up_acked = 0;
    p.b->bw_probe_up_rounds = 1;
    for (uint32_t step = 1; step <= 8; step *= 2) {
        before = p.b->inflight_longterm;
        for (int i = 0; i < 60; i++)
            feed(&p, 0, 10 * MSS, BW, false);
        assert_in_range(p.b->inflight_longterm, before + step * MSS, before + (step + 2) * MSS);
        feed(&p, RTT, 0, BW, true);
        feed(&p, RTT, 1, BW, true);
    }
}

static void
s5_3_4_probe_rtt_when_min_rtt_is_old(void **state)
{
    struct path p;

    (void)state;
    to_cruise(&p);
    p.rtt = RTT + RTT / 8;
    feed(&p, 4990 * WGT_MSEC, MSS, BW, false);
    assert_int_not_equal(p.b->state, BBR_PROBE_RTT);
    feed(&p, 200 * WGT_MSEC, MSS, BW, false);
    assert_int_equal(p.b->state, BBR_PROBE_RTT);
    assert_in_range(p.cc.cwnd, BDP / 2 - MSS, BDP / 2 + MSS);
    p.flight = BDP / 2;
    feed(&p, RTT, MSS, BW / 2, true);
    feed(&p, 199 * WGT_MSEC, MSS, BW / 2, true);
    assert_int_equal(p.b->state, BBR_PROBE_RTT);
    feed(&p, 2 * WGT_MSEC, MSS, BW / 2, true);
    assert_int_equal(p.b->state, BBR_PROBE_BW_CRUISE);
    assert_true(p.cc.cwnd > BDP);
}

static void
s5_3_4_probe_rtt_takes_a_round_at_least(void **state)
{
    struct path p;

    (void)state;
    to_cruise(&p);
    p.rtt = RTT + RTT / 8;
    feed(&p, 5100 * WGT_MSEC, MSS, BW, false);
    p.flight = BDP / 2;
    feed(&p, RTT, MSS, BW / 2, true);
    feed(&p, 300 * WGT_MSEC, MSS, BW / 2, false);
    assert_int_equal(p.b->state, BBR_PROBE_RTT);
    feed(&p, 1, MSS, BW / 2, true);
    assert_int_equal(p.b->state, BBR_PROBE_BW_CRUISE);
}

/* The queue was empty a moment ago: nothing to find out. */
static void
s5_3_4_2_a_sample_near_the_minimum_refreshes_it(void **state)
{
    struct path p;

    (void)state;
    to_cruise(&p);
    for (int i = 0; i < 10; i++) {
        p.rtt = RTT + RTT / 40;
        feed(&p, 2 * WGT_SEC, MSS, BW, true);
        assert_int_not_equal(p.b->state, BBR_PROBE_RTT);
        assert_true(p.b->min_rtt == RTT);
    }
}

static void
s5_3_4_low_rates_of_probe_rtt_are_not_believed(void **state)
{
    struct path p;
    struct tcp_bbr *b;

    (void)state;
    to_cruise(&p);
    b = p.b;
    p.rtt = RTT + RTT / 8;
    feed(&p, 5100 * WGT_MSEC, MSS, BW, false);
    b->max_bw_of[1] = 0; /* the last cycle is all there is */
    p.flight = BDP / 2;
    for (int i = 0; i < 12; i++)
        feed(&p, RTT, 10 * MSS, BW / 2, true);
    assert_int_equal(b->state, BBR_PROBE_BW_CRUISE);
    assert_true(bbr_max_bw(b) >= BW);
}

static void
s5_5_3_min_rtt_rises_after_ten_seconds_only(void **state)
{
    struct path p;

    (void)state;
    to_cruise(&p);
    p.rtt = 2 * RTT;
    p.flight = 4 * MSS;
    for (int i = 0; i < 45; i++)
        feed(&p, 200 * WGT_MSEC, MSS, BW, true);
    assert_true(p.b->min_rtt == RTT);
    for (int i = 0; i < 10; i++)
        feed(&p, 200 * WGT_MSEC, MSS, BW, true);
    assert_true(p.b->min_rtt == 2 * RTT);
    p.rtt = RTT;
    feed(&p, 0, MSS, BW, false);
    assert_true(p.b->min_rtt == RTT); /* and falls at once */
}

static void
s5_4_1_restart_from_idle(void **state)
{
    struct path p;

    (void)state;
    to_cruise(&p);
    p.b->state = BBR_PROBE_BW_DOWN;
    p.now += 20 * WGT_SEC;
    p.cc.ops->restart(&p.cc, p.now, 20 * WGT_SEC, true);
    assert_in_range(p.cc.pacing_rate, BW * 98ull / 100, BW);
    assert_true(p.cc.cwnd > BDP);
    feed(&p, RTT, MSS, BW, true);
    assert_int_not_equal(p.b->state, BBR_PROBE_RTT); /* the silence has drained the queue */
}

static void
s5_5_2_max_bw_lasts_two_cycles(void **state)
{
    struct path p;

    (void)state;
    to_cruise(&p);
    for (int cycle = 0; cycle < 2; cycle++) {
        assert_true(bbr_max_bw(p.b) >= BW);
        feed(&p, 3001 * WGT_MSEC, MSS, BW / 2, false);
        assert_int_equal(p.b->state, BBR_PROBE_BW_REFILL);
        for (int i = 0; i < 10 && p.b->state != BBR_PROBE_BW_CRUISE; i++) {
            p.flight = MSS;
            round_trip(&p, BW / 2);
        }
        round_trip(&p, BW / 2);
    }
    assert_in_range(bbr_max_bw(p.b), BW / 2 - 10, BW / 2 + 10);
}

/* Rates have 32 bits: more counts as 34 Gbit/s, never as less, nor as "no limit". */
static void
rate_beyond_32_bits_is_the_largest(void **state)
{
    struct path p;

    (void)state;
    to_cruise(&p);
    for (int i = 0; i < 3; i++)
        round_trip(&p, UINT64_C(10000000000));
    assert_int_equal(bbr_max_bw(p.b), UINT32_MAX - 1);
    assert_true(p.b->bw > BW && p.b->bw != BBR_NO_BW);
    assert_true(p.cc.pacing_rate > BW);
}

static void
s5_5_2_application_limited_samples_can_only_raise(void **state)
{
    struct path p;

    (void)state;
    to_cruise(&p);
    p.b->max_bw_of[0] = BW;
    p.b->max_bw_of[1] = 0;
    p.app_limited = true;
    feed(&p, 0, MSS, BW / 2, false);
    assert_true(p.b->max_bw_of[1] == 0);
    feed(&p, 0, MSS, 2 * (uint64_t)BW, false);
    assert_true(bbr_max_bw(p.b) > BW);
}

static void
s5_5_9_acks_in_lumps_widen_the_window(void **state)
{
    struct path p;
    uint32_t before;

    (void)state;
    to_cruise(&p);
    p.b->extra_acked_delivered = 0;
    for (int i = 0; i < 500; i++) /* even ACKs: 12.5 kB a millisecond */
        feed(&p, WGT_MSEC, BW / 1000, BW, i % 40 == 0);
    before = bbr_extra_acked(p.b);
    for (int i = 0; i < 50; i++) /* lumps of 20 ms */
        feed(&p, 20 * WGT_MSEC, BW / 50, BW, i % 2 == 0);
    assert_true(before < 20 * MSS);
    assert_in_range(bbr_extra_acked(p.b), 200 * MSS, 300 * MSS);
    assert_in_range(p.cc.cwnd, 2 * BDP + 190 * MSS, 2 * BDP + 300 * MSS);

    /* Remembered for five to ten rounds. */
    for (int i = 0; i < 4; i++)
        feed(&p, RTT, MSS, BW, true);
    assert_true(bbr_extra_acked(p.b) >= 200 * MSS);
    for (int i = 0; i < 6; i++)
        feed(&p, RTT, MSS, BW, true);
    assert_true(bbr_extra_acked(p.b) <= MSS);
}

/* A round with a lost segment, as seen in CRUISE: whether the model was lowered. */
static bool
cruise_with_losses(struct path *p, int lost, uint64_t bw)
{
    lose_apart(p, lost);
    for (int i = 0; i < 10; i++)
        feed(p, 0, BDP / 10, bw, false);
    p->delivered += MSS;
    feed(p, RTT, MSS, bw, true);
    feed(p, RTT, MSS, bw, true);
    return p->b->bw_shortterm != BBR_NO_BW;
}

static void
s5_5_10_3_losses_lower_the_bounds_to_what_arrives(void **state)
{
    struct path p;

    (void)state;
    to_cruise(&p);
    see_queue(&p);
    tcp_bbr_reset_congestion_signals(p.b);
    assert_true(cruise_with_losses(&p, 1, BW * 9ull / 10));
    assert_in_range(p.b->bw_shortterm, BW * 89ull / 100, BW * 91ull / 100);

    to_cruise(&p);
    see_queue(&p);
    tcp_bbr_reset_congestion_signals(p.b);
    assert_true(cruise_with_losses(&p, 1, BW / 3)); /* but to beta at most */
    assert_in_range(p.b->bw_shortterm, BW * 69ull / 100, BW * 71ull / 100);
    assert_in_range(p.cc.pacing_rate, BW * 68ull / 100, BW * 71ull / 100);
}

/* Not of the draft. */
static void
losses_without_a_queue_lower_nothing_up_to_a_tenth(void **state)
{
    struct path p;

    (void)state;
    to_cruise(&p);
    assert_false(cruise_with_losses(&p, 25, BW * 9ull / 10));
    to_cruise(&p);
    assert_true(cruise_with_losses(&p, 200, BW * 9ull / 10));
}

/* Not of the draft: what a path loses by itself is not held against it when there is a queue. */
static void
own_losses_of_the_path_are_learned(void **state)
{
    struct path p;

    (void)state;
    to_cruise(&p);
    p.b->bw_probe_wait_ms = 100000;
    for (int i = 0; i < 40; i++) {
        p.b->rounds_since_probe_up = 0;
        assert_false(cruise_with_losses(&p, 5, BW));
    }
    see_queue(&p);
    tcp_bbr_reset_congestion_signals(p.b);
    assert_false(cruise_with_losses(&p, 6, BW));
    tcp_bbr_reset_congestion_signals(p.b);
    assert_true(cruise_with_losses(&p, 30, BW));
}

static void
s5_5_11_undo_gives_back(void **state)
{
    struct path p;
    uint32_t cwnd;

    (void)state;
    to_cruise(&p);
    p.b->cycle_stamp = p.now;
    cwnd = p.cc.cwnd;
    see_queue(&p);
    tcp_bbr_reset_congestion_signals(p.b);
    p.in_recovery = true;
    p.cc.ops->enter_recovery(&p.cc, p.now, BDP);
    assert_true(cruise_with_losses(&p, 1, BW / 2));
    assert_true(p.cc.cwnd < cwnd);
    p.cc.ops->undo(&p.cc, p.now);
    assert_true(p.b->bw_shortterm == BBR_NO_BW);
    assert_int_equal(p.b->inflight_shortterm, BBR_NO_LIMIT);
    assert_true(p.cc.cwnd >= cwnd);
}

static void
s5_5_11_undo_returns_to_the_probe(void **state)
{
    struct path p;

    (void)state;
    to_up(&p);
    see_queue(&p);
    p.b->state = BBR_PROBE_BW_UP;
    p.cc.ops->enter_recovery(&p.cc, p.now, BDP);
    lose(&p, MSS, BDP / 50 + MSS, BDP);
    assert_int_equal(p.b->state, BBR_PROBE_BW_DOWN);
    p.cc.ops->undo(&p.cc, p.now);
    assert_int_equal(p.b->state, BBR_PROBE_BW_REFILL);
    assert_int_equal(p.b->inflight_longterm, BBR_NO_LIMIT);
}

static void
s5_5_11_undo_returns_to_startup(void **state)
{
    struct path p;

    (void)state;
    path_init(&p);
    round_trip(&p, BW);
    round_trip(&p, 2 * (uint64_t)BW);
    see_queue(&p);
    p.in_recovery = true;
    p.cc.ops->enter_recovery(&p.cc, p.now, BDP);
    p.b->delivered = 0;
    p.flight = 4 * BDP;
    lose_apart(&p, 20);
    feed(&p, RTT, 200 * MSS, 2 * (uint64_t)BW, true);
    p.delivered += BDP;
    feed(&p, RTT, MSS, 3 * (uint64_t)BW, true);
    assert_int_equal(p.b->state, BBR_DRAIN);
    p.cc.ops->undo(&p.cc, p.now);
    assert_int_equal(p.b->state, BBR_STARTUP);
    assert_false(p.b->full_bw_reached);
    assert_int_equal(p.b->full_bw, 0);
    assert_int_equal(p.b->inflight_longterm, BBR_NO_LIMIT);
}

static void
s5_6_2_first_pacing_rate(void **state)
{
    struct path p;

    (void)state;
    path_init(&p);
    assert_int_equal(p.cc.pacing_rate, 0); /* the engine paces by cwnd */
    feed(&p, 0, MSS, 1000, true);
    assert_in_range(p.cc.pacing_rate, 10000 * 25 * 2.76, 10000 * 25 * 2.78);
}

static void
s5_6_2_pacing_by_state(void **state)
{
    static const struct {
        uint8_t state;
        uint32_t percent;
    } rows[] = {{BBR_DRAIN, 50},
                {BBR_PROBE_BW_DOWN, 90},
                {BBR_PROBE_BW_CRUISE, 101}}; /* the draft: 100 (departure, cc_bbr.c) */
    struct path p;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t expected = BW / 100ull * rows[i].percent * 99 / 100; /* 1 % of margin */

        to_cruise(&p);
        p.b->state = rows[i].state;
        p.flight = 3 * BDP;
        feed(&p, 0, MSS, BW, false);
        assert_int_equal(p.b->state, rows[i].state);
        assert_in_range(p.cc.pacing_rate, expected - expected / 1000, expected + expected / 1000);
    }
}

static void
s5_6_3_send_quantum(void **state)
{
    struct path p;
    uint32_t cwnd;

    (void)state;
    to_cruise(&p);
    assert_in_range(p.cc.send_quantum, 12000, 12500); /* a millisecond */
    path_init(&p);
    feed(&p, RTT, MSS, 1000, true);
    p.cc.pacing_rate = 1000;
    cwnd = p.cc.cwnd;
    feed(&p, RTT, MSS, 1000, true);
    assert_int_equal(p.cc.send_quantum, cwnd / 2); /* while the path is not known */
    p.b->full_bw_reached = true;
    p.cc.pacing_rate = 1000;
    p.b->bw = 1000;
    feed(&p, RTT, MSS, 1000, true);
    assert_int_equal(p.cc.send_quantum, 2 * MSS);
    path_init(&p);
    round_trip(&p, 1000 * (uint64_t)BW);
    assert_int_equal(p.cc.send_quantum, 64 << 10);
}

static void
s5_6_4_2_window_of_two_bdp(void **state)
{
    struct path p;

    (void)state;
    to_cruise(&p);
    p.b->extra_acked_delivered = 0;
    for (int i = 0; i < 1500; i++)
        feed(&p, WGT_MSEC, BW / 1000, BW, i % 40 == 0);
    assert_in_range(p.cc.cwnd, 2 * BDP, 2 * BDP + 20 * MSS);
}

static void
s5_6_4_4_timeout_leaves_one_segment(void **state)
{
    struct path p;
    uint32_t cwnd;

    (void)state;
    to_cruise(&p);
    cwnd = p.cc.cwnd;
    p.cc.ops->timeout(&p.cc, p.now, BDP, false);
    assert_int_equal(p.cc.cwnd, MSS);
    p.cc.ops->timeout(&p.cc, p.now + WGT_SEC, MSS, true);
    assert_int_equal(p.cc.cwnd, MSS);
    p.flight = MSS;
    feed(&p, RTT, MSS, BW, true);
    assert_int_equal(p.cc.cwnd, 4 * MSS); /* 5.6.4.3: enough to keep ACKs coming */
    p.cc.ops->leave_recovery(&p.cc, p.now);
    assert_int_equal(p.cc.cwnd, cwnd);
}

static void
s5_6_4_4_fast_recovery_keeps_the_window(void **state)
{
    struct path p;
    uint32_t cwnd;

    (void)state;
    to_cruise(&p);
    cwnd = p.cc.cwnd;
    p.cc.ops->enter_recovery(&p.cc, p.now, BDP);
    assert_int_equal(p.cc.cwnd, cwnd);
}

static void
s5_6_4_7_cruise_leaves_headroom(void **state)
{
    struct path p;

    (void)state;
    to_cruise(&p);
    p.b->inflight_longterm = BDP;
    p.tx_in_flight = MSS;
    feed(&p, 0, MSS, BW, false);
    assert_int_equal(p.cc.cwnd, BDP * 85 / 100);
}

/* RFC 3168 5: a mark is as a loss. */
static void
rfc3168_5_a_mark_ends_the_probe(void **state)
{
    struct path p;

    (void)state;
    to_up(&p);
    p.cc.ops->congestion_experienced(&p.cc, p.now, BDP);
    assert_int_equal(p.b->state, BBR_PROBE_BW_DOWN);
    assert_int_equal(p.b->inflight_longterm, BDP);

    to_cruise(&p);
    p.cc.ops->congestion_experienced(&p.cc, p.now, BDP);
    assert_true(cruise_with_losses(&p, 0, BW * 9ull / 10));

    path_init(&p);
    p.flight = 2 * BDP;
    round_trip(&p, BW);
    p.cc.ops->congestion_experienced(&p.cc, p.now, BDP);
    feed(&p, 0, MSS, BW, false);
    assert_int_equal(p.b->state, BBR_DRAIN);
}

/* Volumes at the largest rates and times do not wrap. */
static void
volumes_saturate(void **state)
{
    struct path p;

    (void)state;
    assert_int_equal(tcp_bbr_volume(BW, RTT), BDP);
    assert_int_equal(tcp_bbr_volume(UINT64_MAX, WGT_SEC), 1 << 30);
    assert_int_equal(tcp_bbr_volume(BW, WGT_NEVER), 1 << 30);
    assert_int_equal(tcp_bbr_volume(0, RTT), 0);
    path_init(&p);
    p.rtt = 60 * WGT_SEC;
    for (int i = 0; i < 20; i++)
        feed(&p, RTT, 1 << 30, 50000000, true);
    assert_true(p.cc.cwnd <= 1u << 31);
}

static void
any_events(struct path *p, uint64_t *random)
{
    uint64_t r = *random = *random * UINT64_C(6364136223846793005) + 1442695040888963407;
    uint32_t x = (uint32_t)(r >> 33);

    p->rtt = x % 50 == 0 ? WGT_NEVER : ((uint64_t)1 << (r >> 60) * 2) + x % 1000;
    p->flight = x;
    p->rate_lost = x >> (x % 31);
    p->tx_in_flight = (uint32_t)(r >> 20) >> (x % 29);
    p->app_limited = x & 4;
    p->in_recovery = x & 8;
    p->cwnd_limited = x & 16;
    switch (x % 40) {
    case 0:
        p->cc.ops->enter_recovery(&p->cc, p->now, x);
        break;
    case 1:
        p->cc.ops->timeout(&p->cc, p->now, x, x & 1024);
        break;
    case 2:
        p->cc.ops->undo(&p->cc, p->now);
        break;
    case 3:
        p->cc.ops->leave_recovery(&p->cc, p->now);
        break;
    case 4:
        p->cc.ops->congestion_experienced(&p->cc, p->now, x);
        break;
    case 5:
        p->cc.ops->restart(&p->cc, p->now, x, false);
        break;
    default:
        lose(p, x % 70000, x, (uint32_t)(r >> 10));
    }
}

/* Whatever an engine or a peer makes it see: a window, a rate and a burst one can send by. */
static void
any_acks_keep_the_bounds(void **state)
{
    uint64_t random = 1;
    struct path p;

    (void)state;
    path_init(&p);
    for (int i = 0; i < 200000; i++) {
        any_events(&p, &random);
        feed(&p, random >> 36, (uint32_t)(random >> 34) >> (random >> 59), random >> (random >> 58),
             random & (1 << 20));
        assert_in_range(p.cc.cwnd, MSS, 1 << 30);
        assert_true(p.cc.send_quantum <= 64 << 10);
        assert_true(p.b->state <= BBR_PROBE_RTT);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s5_3_1_2_startup_ends_after_three_rounds_without_growth),
        cmocka_unit_test(s5_3_1_2_growth_of_a_quarter_goes_on),
        cmocka_unit_test(s5_3_1_2_application_limited_rounds_prove_nothing),
        cmocka_unit_test(application_limited_rounds_with_a_queue_end_startup),
        cmocka_unit_test(s5_3_1_3_startup_ends_by_losses_and_a_queue),
        cmocka_unit_test(startup_goes_on_while_losses_come_without_a_queue),
        cmocka_unit_test(s5_3_2_drain_ends_at_the_bdp),
        cmocka_unit_test(s5_3_2_drain_ends_after_three_rounds),
        cmocka_unit_test(s5_3_3_down_ends_at_bdp_and_headroom),
        cmocka_unit_test(s5_3_3_5_cruise_lasts_two_to_three_seconds),
        cmocka_unit_test(s5_3_3_5_reno_would_have_probed),
        cmocka_unit_test(s5_3_3_3_refill_lasts_one_round),
        cmocka_unit_test(s5_3_3_4_up_ends_when_bandwidth_does_not_grow),
        cmocka_unit_test(up_ends_when_it_has_built_a_queue),
        cmocka_unit_test(cruise_drains_a_queue_of_its_own),
        cmocka_unit_test(every_other_up_that_found_a_queue_goes_on),
        cmocka_unit_test(s5_5_10_2_losses_end_up_and_set_the_limit),
        cmocka_unit_test(s5_5_10_2_the_limit_falls_to_beta_at_most),
        cmocka_unit_test(losses_without_a_queue_do_not_end_up),
        cmocka_unit_test(s5_3_3_4_2_precautionary_probe),
        cmocka_unit_test(s5_3_3_6_the_limit_grows_faster_every_round),
        cmocka_unit_test(s5_3_4_probe_rtt_when_min_rtt_is_old),
        cmocka_unit_test(s5_3_4_probe_rtt_takes_a_round_at_least),
        cmocka_unit_test(s5_3_4_2_a_sample_near_the_minimum_refreshes_it),
        cmocka_unit_test(s5_3_4_low_rates_of_probe_rtt_are_not_believed),
        cmocka_unit_test(s5_5_3_min_rtt_rises_after_ten_seconds_only),
        cmocka_unit_test(s5_4_1_restart_from_idle),
        cmocka_unit_test(s5_5_2_max_bw_lasts_two_cycles),
        cmocka_unit_test(rate_beyond_32_bits_is_the_largest),
        cmocka_unit_test(s5_5_2_application_limited_samples_can_only_raise),
        cmocka_unit_test(s5_5_9_acks_in_lumps_widen_the_window),
        cmocka_unit_test(s5_5_10_3_losses_lower_the_bounds_to_what_arrives),
        cmocka_unit_test(losses_without_a_queue_lower_nothing_up_to_a_tenth),
        cmocka_unit_test(own_losses_of_the_path_are_learned),
        cmocka_unit_test(s5_5_11_undo_gives_back),
        cmocka_unit_test(s5_5_11_undo_returns_to_the_probe),
        cmocka_unit_test(s5_5_11_undo_returns_to_startup),
        cmocka_unit_test(s5_6_2_first_pacing_rate),
        cmocka_unit_test(s5_6_2_pacing_by_state),
        cmocka_unit_test(s5_6_3_send_quantum),
        cmocka_unit_test(s5_6_4_2_window_of_two_bdp),
        cmocka_unit_test(s5_6_4_4_timeout_leaves_one_segment),
        cmocka_unit_test(s5_6_4_4_fast_recovery_keeps_the_window),
        cmocka_unit_test(s5_6_4_7_cruise_leaves_headroom),
        cmocka_unit_test(rfc3168_5_a_mark_ends_the_probe),
        cmocka_unit_test(volumes_saturate),
        cmocka_unit_test(any_acks_keep_the_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
