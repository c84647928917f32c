/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <wgtcpd/peer/timers.h>

#define S          WGT_SEC
#define MAX_JITTER UINT32_MAX
#define START      (1000 * S)

static struct peer_timers peer;

static int
fresh(void **state)
{
    (void)state;
    memset(&peer, 0xa5, sizeof(peer));
    peer_timers_init(&peer);
    return 0;
}

/* --- the events of a peer, as the table in timers.h has them --- */

static void
initiation_sent(wgt_time now)
{
    peer_timers_initiation_sent(&peer, now, 0);
    peer_timers_any_authenticated_sent(&peer);
    peer_timers_any_authenticated_traversal(&peer, now);
}

static void
response_received(wgt_time now)
{
    peer_timers_session_derived(&peer, now);
    peer_timers_handshake_complete(&peer);
    peer_timers_any_authenticated_received(&peer);
    peer_timers_any_authenticated_traversal(&peer, now);
}

static void
keepalive_sent(wgt_time now)
{
    peer_timers_any_authenticated_sent(&peer);
    peer_timers_any_authenticated_traversal(&peer, now);
}

static void
keepalive_received(wgt_time now)
{
    peer_timers_any_authenticated_received(&peer);
    peer_timers_any_authenticated_traversal(&peer, now);
}

static void
data_sent(wgt_time now)
{
    peer_timers_data_sent(&peer, now, 0);
    keepalive_sent(now);
}

static void
data_received(wgt_time now)
{
    peer_timers_data_received(&peer, now);
    keepalive_received(now);
}

/* Nothing fires before `due`, and exactly `actions` at it. */
static void
expect_at(wgt_time due, unsigned actions)
{
    assert_int_equal(peer_timers_deadline(&peer), due);
    assert_int_equal(peer_timers_expire(&peer, due - 1), 0);
    assert_int_equal(peer_timers_expire(&peer, due), actions);
    assert_true(peer_timers_deadline(&peer) > due);
}

static void
expect_idle(void)
{
    assert_true(peer_timers_deadline(&peer) == WGT_NEVER);
}

/* --- general --- */

static void
a_fresh_peer_has_no_deadline(void **state)
{
    (void)state;
    expect_idle();
    assert_int_equal(peer_timers_expire(&peer, START), 0);
    assert_true(peer_timers_may_initiate(&peer, 0, false));
    assert_false(peer_timers_start(&peer, START));
    expect_idle();
}

static void
the_deadline_is_the_earliest_of_all(void **state)
{
    (void)state;
    peer_timers_session_derived(&peer, START);
    assert_int_equal(peer_timers_deadline(&peer), START + 540 * S);
    peer_timers_data_sent(&peer, START, 0);
    assert_int_equal(peer_timers_deadline(&peer), START + 15 * S);
    peer_timers_data_received(&peer, START);
    assert_int_equal(peer_timers_deadline(&peer), START + 10 * S);
    peer_timers_initiation_sent(&peer, START, 0);
    assert_int_equal(peer_timers_deadline(&peer), START + 5 * S);
    peer_timers_set_persistent(&peer, START, 3);
    assert_int_equal(peer_timers_deadline(&peer), START + 3 * S);
}

static void
stopping_idles_all_timers_and_clears_the_stamp(void **state)
{
    (void)state;
    peer_timers_set_persistent(&peer, START, 25);
    initiation_sent(START);
    data_sent(START);
    data_received(START);
    peer_timers_session_derived(&peer, START);
    assert_false(peer_timers_may_initiate(&peer, START + 1, false));
    peer_timers_stop(&peer);
    expect_idle();
    assert_true(peer_timers_may_initiate(&peer, START + 1, false));
}

static void
the_interface_coming_up_sends_a_keepalive_if_persistent(void **state)
{
    (void)state;
    peer_timers_set_persistent(&peer, START, 25);
    peer_timers_stop(&peer);
    assert_true(peer_timers_start(&peer, START + S));
    expect_at(START + 26 * S, PEER_SEND_KEEPALIVE);
}

static void
several_timers_that_are_due_fire_together(void **state)
{
    (void)state;
    peer_timers_data_sent(&peer, START, 0);
    peer_timers_session_derived(&peer, START);
    peer_timers_set_persistent(&peer, START, 25);
    assert_int_equal(peer_timers_expire(&peer, START + 600 * S),
                     PEER_ZERO_KEYS | PEER_FORGET_SOURCE | PEER_SEND_INITIATION |
                         PEER_SEND_KEEPALIVE);
    assert_int_equal(peer_timers_deadline(&peer), START + 625 * S);
}

/* --- T1, retransmit handshake --- */

static void
t1_an_unanswered_initiation_is_retried_after_5_s(void **state)
{
    (void)state;
    initiation_sent(START);
    expect_at(START + 5 * S, PEER_FORGET_SOURCE | PEER_RETRY_INITIATION);
    assert_int_equal(peer.attempts, 1);
    assert_true(peer_timers_may_initiate(&peer, START + 5 * S, true));
    assert_int_equal(peer.attempts, 1);
}

static void
t1_jitter_adds_up_to_a_third_of_a_second(void **state)
{
    (void)state;
    peer_timers_initiation_sent(&peer, START, MAX_JITTER);
    assert_in_range(peer_timers_deadline(&peer), START + 5332 * WGT_MSEC,
                    START + 5333 * WGT_MSEC - 1);
    peer_timers_initiation_sent(&peer, START, UINT32_C(1) << 31);
    assert_int_equal(peer_timers_deadline(&peer), START + 5 * S + PEER_REKEY_JITTER_MAX / 2);
}

static void
t1_stops_when_the_handshake_is_complete(void **state)
{
    (void)state;
    initiation_sent(START);
    assert_int_equal(peer_timers_expire(&peer, START + 5 * S),
                     PEER_FORGET_SOURCE | PEER_RETRY_INITIATION);
    initiation_sent(START + 5 * S);
    response_received(START + 6 * S);
    assert_int_equal(peer.attempts, 0);
    assert_int_equal(peer_timers_deadline(&peer), START + 546 * S); /* only T4 is left */
}

/* Let every initiation be lost; returns how many were sent. *now: when T1 gave up. */
static unsigned
send_until_given_up(wgt_time *now)
{
    unsigned actions, sent = 0;

    do {
        if (peer_timers_may_initiate(&peer, *now, sent > 0)) {
            initiation_sent(*now);
            sent++;
        }
        *now = peer_timers_deadline(&peer);
        actions = peer_timers_expire(&peer, *now);
    } while (actions == (PEER_FORGET_SOURCE | PEER_RETRY_INITIATION));
    assert_int_equal(actions, PEER_GIVE_UP);
    return sent;
}

static void
t1_gives_up_after_20_initiations(void **state)
{
    wgt_time now = START;

    (void)state;
    assert_int_equal(send_until_given_up(&now), 20);
    assert_int_equal(now, START + 100 * S);
}

static void
t1_giving_up_stops_t2_and_starts_t4(void **state)
{
    wgt_time now = START;

    (void)state;
    peer.attempts = PEER_MAX_HANDSHAKE_ATTEMPTS + 1;
    peer_timers_initiation_sent(&peer, now, 0);
    peer_timers_data_received(&peer, START);
    assert_int_equal(peer_timers_expire(&peer, START + 20 * S), PEER_GIVE_UP);
    expect_at(START + 560 * S, PEER_ZERO_KEYS);
    expect_idle();
}

static void
t1_giving_up_leaves_a_running_t4_alone(void **state)
{
    (void)state;
    peer_timers_session_derived(&peer, START);
    peer.attempts = PEER_MAX_HANDSHAKE_ATTEMPTS + 1;
    peer_timers_initiation_sent(&peer, START, 0);
    assert_int_equal(peer_timers_expire(&peer, START + 5 * S), PEER_GIVE_UP);
    assert_int_equal(peer_timers_deadline(&peer), START + 540 * S);
}

static void
t1_new_traffic_after_giving_up_gets_20_attempts_again(void **state)
{
    wgt_time now = START;

    (void)state;
    send_until_given_up(&now);
    assert_int_equal(send_until_given_up(&now), 20);
}

static void
t1_a_refused_retry_is_made_when_it_may_go(void **state)
{
    (void)state;
    initiation_sent(START);
    peer_timers_response_sent(&peer, START + 3 * S, 0);
    expect_at(START + 5 * S, PEER_FORGET_SOURCE | PEER_RETRY_INITIATION);
    assert_false(peer_timers_may_initiate(&peer, START + 5 * S, true));
    expect_at(START + 8 * S, PEER_FORGET_SOURCE | PEER_RETRY_INITIATION);
    assert_true(peer_timers_may_initiate(&peer, START + 8 * S, true));
}

static void
t1_a_fresh_request_stands_for_the_retry_due_with_it(void **state)
{
    (void)state;
    peer_timers_data_sent(&peer, START, 0);
    peer_timers_initiation_sent(&peer, START + 10 * S, 0);
    expect_at(START + 15 * S, PEER_FORGET_SOURCE | PEER_SEND_INITIATION);
}

/* --- the limit on initiations --- */

static void
initiations_are_5_s_apart(void **state)
{
    (void)state;
    assert_true(peer_timers_may_initiate(&peer, START, false));
    initiation_sent(START);
    assert_false(peer_timers_may_initiate(&peer, START, false));
    assert_false(peer_timers_may_initiate(&peer, START + 5 * S - 1, false));
    assert_true(peer_timers_may_initiate(&peer, START + 5 * S, false));
}

static void
a_response_holds_off_initiations_too(void **state)
{
    (void)state;
    peer_timers_response_sent(&peer, START, 0);
    assert_false(peer_timers_may_initiate(&peer, START + 5 * S - 1, false));
    expect_idle(); /* a refused fresh request starts nothing */
    assert_true(peer_timers_may_initiate(&peer, START + 5 * S, false));
}

static void
after_a_response_the_next_initiation_is_jittered(void **state)
{
    (void)state;
    peer_timers_response_sent(&peer, START, UINT32_C(1) << 31);
    assert_false(
        peer_timers_may_initiate(&peer, START + 5 * S + PEER_REKEY_JITTER_MAX / 2 - 1, false));
    assert_true(peer_timers_may_initiate(&peer, START + 5 * S + PEER_REKEY_JITTER_MAX / 2, false));
}

static void
an_initiation_at_time_zero_counts(void **state)
{
    (void)state;
    initiation_sent(0);
    assert_false(peer_timers_may_initiate(&peer, 5 * S - 1, false));
}

static void
a_fresh_request_resets_the_attempts_even_if_refused(void **state)
{
    (void)state;
    initiation_sent(START);
    peer.attempts = 7;
    assert_false(peer_timers_may_initiate(&peer, START + 1, true));
    assert_int_equal(peer.attempts, 7);
    assert_false(peer_timers_may_initiate(&peer, START + 1, false));
    assert_int_equal(peer.attempts, 0);
}

static void
a_new_private_key_lifts_the_limit(void **state)
{
    (void)state;
    initiation_sent(START);
    peer_timers_identity_changed(&peer);
    assert_true(peer_timers_may_initiate(&peer, START + 1, false));
    assert_int_equal(peer_timers_deadline(&peer), START + 5 * S); /* timers run on */
}

/* --- T2, passive keepalive --- */

static void
t2_received_data_is_answered_by_a_keepalive_after_10_s(void **state)
{
    (void)state;
    data_received(START);
    expect_at(START + 10 * S, PEER_SEND_KEEPALIVE);
    keepalive_sent(START + 10 * S);
    expect_idle();
}

static void
t2_more_data_does_not_push_it(void **state)
{
    (void)state;
    data_received(START);
    data_received(START + 6 * S);
    expect_at(START + 10 * S, PEER_SEND_KEEPALIVE);
}

static void
t2_data_received_meanwhile_asks_for_another_keepalive(void **state)
{
    (void)state;
    data_received(START);
    data_received(START + 6 * S);
    expect_at(START + 10 * S, PEER_SEND_KEEPALIVE);
    /* The keepalive could not be sent, so nothing stopped the timer. */
    expect_at(START + 20 * S, PEER_SEND_KEEPALIVE);
    expect_idle();
}

static void
t2_any_packet_sent_stops_it(void **state)
{
    (void)state;
    data_received(START);
    data_received(START + S);
    keepalive_sent(START + 2 * S);
    expect_idle();
    /* and the second packet of then does not count for the next round */
    data_received(START + 30 * S);
    expect_at(START + 40 * S, PEER_SEND_KEEPALIVE);
    expect_idle();
}

static void
t2_a_received_keepalive_is_not_answered(void **state)
{
    (void)state;
    keepalive_received(START);
    expect_idle();
}

/* --- T3, new handshake --- */

static void
t3_data_without_answer_starts_a_handshake_after_15_s(void **state)
{
    (void)state;
    data_sent(START);
    expect_at(START + 15 * S, PEER_FORGET_SOURCE | PEER_SEND_INITIATION);
    expect_idle();
}

static void
t3_jitter_adds_up_to_a_third_of_a_second(void **state)
{
    (void)state;
    peer_timers_data_sent(&peer, START, MAX_JITTER);
    assert_in_range(peer_timers_deadline(&peer), START + 15332 * WGT_MSEC,
                    START + 15333 * WGT_MSEC - 1);
}

static void
t3_steady_sending_to_a_dead_peer_does_not_push_it(void **state)
{
    unsigned actions = 0;
    wgt_time now;

    (void)state;
    for (now = START; actions == 0; now += 100 * WGT_MSEC) {
        data_sent(now);
        actions = peer_timers_expire(&peer, now);
    }
    assert_int_equal(actions, PEER_FORGET_SOURCE | PEER_SEND_INITIATION);
    assert_int_equal(now - 100 * WGT_MSEC, START + 15 * S);
}

static void
t3_a_received_keepalive_stops_it(void **state)
{
    (void)state;
    data_sent(START);
    keepalive_received(START + 10 * S);
    expect_idle();
}

static void
t3_received_data_stops_it(void **state)
{
    (void)state;
    data_sent(START);
    data_received(START + S);
    keepalive_sent(START + S);
    expect_idle();
}

static void
t3_a_sent_keepalive_does_not_start_it(void **state)
{
    (void)state;
    keepalive_sent(START);
    expect_idle();
}

static void
t3_data_sent_after_an_answer_starts_it_anew(void **state)
{
    (void)state;
    data_sent(START);
    keepalive_received(START + 10 * S);
    data_sent(START + 12 * S);
    expect_at(START + 27 * S, PEER_FORGET_SOURCE | PEER_SEND_INITIATION);
}

/* --- T4, zero keys --- */

static void
t4_keys_are_wiped_540_s_after_the_last_session(void **state)
{
    (void)state;
    response_received(START);
    response_received(START + 120 * S);
    expect_at(START + 660 * S, PEER_ZERO_KEYS);
    expect_idle();
}

static void
t4_traffic_does_not_push_it(void **state)
{
    (void)state;
    response_received(START);
    data_received(START + 100 * S);
    data_sent(START + 100 * S);
    keepalive_received(START + 101 * S);
    expect_at(START + 540 * S, PEER_ZERO_KEYS);
}

/* --- T5, persistent keepalive --- */

static void
t5_switching_it_on_sends_a_keepalive_now(void **state)
{
    (void)state;
    assert_true(peer_timers_set_persistent(&peer, START, 25));
    assert_false(peer_timers_set_persistent(&peer, START, 25));
    assert_false(peer_timers_set_persistent(&peer, START, 30));
    assert_false(peer_timers_set_persistent(&peer, START, 0));
    assert_false(peer_timers_set_persistent(&peer, START, 0));
    assert_true(peer_timers_set_persistent(&peer, START, 65535));
}

static void
t5_fires_again_and_again(void **state)
{
    (void)state;
    peer_timers_set_persistent(&peer, START, 3);
    keepalive_sent(START);
    for (unsigned i = 1; i < 10; i++) {
        expect_at(START + i * 3 * S, PEER_SEND_KEEPALIVE);
        keepalive_sent(START + i * 3 * S);
    }
}

static void
t5_keeps_trying_while_nothing_can_be_sent(void **state)
{
    (void)state;
    peer_timers_set_persistent(&peer, START, 65535);
    expect_at(START + 65535 * S, PEER_SEND_KEEPALIVE);
    expect_at(START + 2 * 65535 * S, PEER_SEND_KEEPALIVE);
}

static void
t5_every_packet_sent_or_received_restarts_it(void **state)
{
    (void)state;
    peer_timers_set_persistent(&peer, START, 25);
    keepalive_received(START + 10 * S);
    assert_int_equal(peer_timers_deadline(&peer), START + 35 * S);
    keepalive_sent(START + 20 * S);
    assert_int_equal(peer_timers_deadline(&peer), START + 45 * S);
}

static void
t5_off_means_off(void **state)
{
    (void)state;
    peer_timers_set_persistent(&peer, START, 25);
    peer_timers_set_persistent(&peer, START + S, 0);
    expect_idle();
    keepalive_sent(START + 2 * S);
    expect_idle();
}

static void
t5_a_shorter_interval_holds_at_once_a_longer_one_after_the_next_packet(void **state)
{
    (void)state;
    peer_timers_set_persistent(&peer, START, 1000);
    peer_timers_set_persistent(&peer, START + S, 25);
    assert_int_equal(peer_timers_deadline(&peer), START + 26 * S);
    peer_timers_set_persistent(&peer, START + 2 * S, 1000);
    assert_int_equal(peer_timers_deadline(&peer), START + 26 * S);
    keepalive_sent(START + 3 * S);
    assert_int_equal(peer_timers_deadline(&peer), START + 1003 * S);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup(name, fresh)
    const struct CMUnitTest tests[] = {
        T(a_fresh_peer_has_no_deadline),
        T(the_deadline_is_the_earliest_of_all),
        T(stopping_idles_all_timers_and_clears_the_stamp),
        T(the_interface_coming_up_sends_a_keepalive_if_persistent),
        T(several_timers_that_are_due_fire_together),
        T(t1_an_unanswered_initiation_is_retried_after_5_s),
        T(t1_jitter_adds_up_to_a_third_of_a_second),
        T(t1_stops_when_the_handshake_is_complete),
        T(t1_gives_up_after_20_initiations),
        T(t1_giving_up_stops_t2_and_starts_t4),
        T(t1_giving_up_leaves_a_running_t4_alone),
        T(t1_new_traffic_after_giving_up_gets_20_attempts_again),
        T(t1_a_refused_retry_is_made_when_it_may_go),
        T(t1_a_fresh_request_stands_for_the_retry_due_with_it),
        T(initiations_are_5_s_apart),
        T(a_response_holds_off_initiations_too),
        T(after_a_response_the_next_initiation_is_jittered),
        T(an_initiation_at_time_zero_counts),
        T(a_fresh_request_resets_the_attempts_even_if_refused),
        T(a_new_private_key_lifts_the_limit),
        T(t2_received_data_is_answered_by_a_keepalive_after_10_s),
        T(t2_more_data_does_not_push_it),
        T(t2_data_received_meanwhile_asks_for_another_keepalive),
        T(t2_any_packet_sent_stops_it),
        T(t2_a_received_keepalive_is_not_answered),
        T(t3_data_without_answer_starts_a_handshake_after_15_s),
        T(t3_jitter_adds_up_to_a_third_of_a_second),
        T(t3_steady_sending_to_a_dead_peer_does_not_push_it),
        T(t3_a_received_keepalive_stops_it),
        T(t3_received_data_stops_it),
        T(t3_a_sent_keepalive_does_not_start_it),
        T(t3_data_sent_after_an_answer_starts_it_anew),
        T(t4_keys_are_wiped_540_s_after_the_last_session),
        T(t4_traffic_does_not_push_it),
        T(t5_switching_it_on_sends_a_keepalive_now),
        T(t5_fires_again_and_again),
        T(t5_keeps_trying_while_nothing_can_be_sent),
        T(t5_every_packet_sent_or_received_restarts_it),
        T(t5_off_means_off),
        T(t5_a_shorter_interval_holds_at_once_a_longer_one_after_the_next_packet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
