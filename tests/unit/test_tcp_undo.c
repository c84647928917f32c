/* SPDX-License-Identifier: BSD-3-Clause */
/* Repairs that were for nothing (RFC 3522, RFC 3708, RFC 5682). The round trip is 100 ms, segments
 * have 1000 bytes. */
#include "tcp_script.h"

enum { RTT_MS = 100 };

static struct script *
established(bool ts, bool sack)
{
    struct script *s = script_new();

    s->ts = ts;
    s->sack = sack;
    s->peer_mss = (uint16_t)(1000 + (ts ? 12 : 0));
    s->rtt = RTT_MS * WGT_MSEC;
    s->options.cc = &tcp_cc_cubic;
    open_passive(s);
    s->c.cc.pacing_rate = UINT64_C(1) << 40; /* the pacer has no say */
    return s;
}

/* Ten segments are out; 2, 3 and 4 overtook the first, which has been sent again. */
static struct script *
overtaken(bool ts, uint32_t *echo)
{
    struct script *s = established(ts, true);

    send_chunks(s, 10, 1000);
    assert_int_equal(count_output(s), 10);
    *echo = s->echo;
    sleep_for(s, RTT_MS * WGT_MSEC);
    assert_int_equal(feed_sack(s, 1, 1, 1001, 4001, 0, 0), WGT_OK);
    expect(s, TCP_ACK, 1, 1, 1000);
    expect_nothing(s);
    assert_true(s->c.cc.ssthresh < 10000);
    sleep_for(s, 10 * WGT_MSEC);
    return s;
}

/* Ten segments are out and nothing came back in time; without SACK there is no loss probe. */
static struct script *
timed_out(bool ts, bool sack, uint32_t *echo)
{
    struct script *s = established(ts, sack);

    send_chunks(s, 10, 1000);
    assert_int_equal(count_output(s), 10);
    *echo = s->echo;
    while (s->c.timeouts == 0) {
        sleep_to_deadline(s);
        (void)count_output(s);
    }
    assert_int_equal(s->out.seg.seq, our_seq(1));
    assert_int_equal(s->c.cc.cwnd, 1000);
    sleep_for(s, 10 * WGT_MSEC);
    return s;
}

static void
expect_undone(struct script *s)
{
    assert_int_equal(s->c.recovery, TCP_RECOVERY_NONE);
    assert_true(s->c.cc.cwnd >= 10000);
    assert_true(s->c.cc.ssthresh == UINT32_MAX);
    assert_null(s->c.tx->lost.head);
}

static void
rfc3522_3_2_echo_of_the_original_undoes_a_fast_retransmit(void **state)
{
    uint32_t echo;
    struct script *s = overtaken(true, &echo);

    (void)state;
    s->echo = echo;
    assert_int_equal(feed(s, TCP_ACK, 1, 4001, 0), WGT_OK);
    expect_undone(s);
    assert_true(s->c.rack.reordering_seen);
    script_free(s);
}

static void
rfc3522_3_2_echo_of_the_retransmission_does_not(void **state)
{
    uint32_t echo;
    struct script *s = overtaken(true, &echo);

    (void)state;
    sleep_for(s, RTT_MS * WGT_MSEC);
    assert_int_equal(feed(s, TCP_ACK, 1, 4001, 0), WGT_OK); /* echoes the last segment sent */
    assert_int_equal(s->c.recovery, TCP_RECOVERY_FAST);
    /* Only the first ACK can tell: a later one with an old echo is no proof. */
    s->echo = echo;
    assert_int_equal(feed(s, TCP_ACK, 1, 5001, 0), WGT_OK);
    assert_int_equal(s->c.recovery, TCP_RECOVERY_FAST);
    script_free(s);
}

static void
rfc3522_3_2_echo_of_the_original_undoes_a_timeout(void **state)
{
    for (int sack = 0; sack < 2; sack++) {
        uint32_t echo;
        struct script *s = timed_out(true, sack, &echo);

        (void)state;
        s->echo = echo;
        assert_int_equal(feed(s, TCP_ACK, 1, 1001, 0), WGT_OK);
        expect_undone(s);
        assert_int_equal(s->c.rto_backoff, 0);
        assert_int_equal(s->c.tx->flight.bytes, 9000);
        (void)count_output(s);
        assert_true(s->c.segments_retransmitted <= 2); /* with SACK a loss probe, too */
        script_free(s);
    }
}

static void
rfc3708_2_dsack_for_all_that_was_sent_again_undoes(void **state)
{
    uint32_t echo;
    struct script *s = overtaken(false, &echo);

    (void)state;
    /* The original arrives late, and with it all the others. */
    assert_int_equal(feed(s, TCP_ACK, 1, 10001, 0), WGT_OK);
    expect_nothing(s);
    assert_true(s->c.cc.ssthresh < 10000);
    sleep_for(s, RTT_MS * WGT_MSEC);
    assert_int_equal(feed_sack(s, 1, 10001, 1, 1001, 0, 0), WGT_OK);
    expect_undone(s);
    script_free(s);
}

static void
rfc3708_2_dsack_for_a_part_of_it_does_not(void **state)
{
    struct script *s = established(false, true);

    (void)state;
    send_chunks(s, 10, 1000);
    assert_int_equal(count_output(s), 10);
    sleep_for(s, RTT_MS * WGT_MSEC);
    assert_int_equal(feed_sack(s, 1, 1, 2001, 6001, 0, 0), WGT_OK);
    assert_int_equal(count_output(s), 2); /* both holes */
    sleep_for(s, RTT_MS * WGT_MSEC);
    assert_int_equal(feed_sack(s, 1, 10001, 1001, 2001, 0, 0), WGT_OK);
    assert_true(s->c.cc.ssthresh < 10000);
    script_free(s);
}

static void
rfc3708_dsack_a_round_trip_after_the_repair_says_nothing(void **state)
{
    uint32_t echo;
    struct script *s = overtaken(false, &echo);

    (void)state;
    assert_int_equal(feed(s, TCP_ACK, 1, 10001, 0), WGT_OK);
    for (uint32_t at = 10001; at < 13001; at += 1000) {
        send_chunks(s, 1, 1000);
        assert_int_equal(count_output(s), 1);
        sleep_for(s, RTT_MS * WGT_MSEC);
        assert_int_equal(feed(s, TCP_ACK, 1, at + 1000, 0), WGT_OK);
    }
    assert_int_equal(feed_sack(s, 1, 13001, 1, 1001, 0, 0), WGT_OK);
    assert_true(s->c.cc.ssthresh < 10000);
    script_free(s);
}

static void
rfc5682_3_1_step3_ack_for_what_was_sent_once_undoes_a_timeout(void **state)
{
    uint32_t echo;
    struct script *s = timed_out(false, true, &echo);

    (void)state;
    send_chunks(s, 4, 1000);
    assert_int_equal(feed(s, TCP_ACK, 1, 1001, 0), WGT_OK);
    /* Step 2: up to two new segments, and nothing again. */
    expect(s, TCP_ACK, 10001, 1, 1000);
    expect(s, TCP_ACK, 11001, 1, 1000);
    expect_nothing(s);
    assert_int_equal(feed(s, TCP_ACK, 1, 2001, 0), WGT_OK);
    expect_undone(s);
    script_free(s);
}

static void
rfc5682_3_1_step3_sack_for_new_data_only_is_a_real_loss(void **state)
{
    uint32_t echo;
    struct script *s = timed_out(false, true, &echo);

    (void)state;
    send_chunks(s, 4, 1000);
    assert_int_equal(feed(s, TCP_ACK, 1, 1001, 0), WGT_OK);
    assert_int_equal(count_output(s), 2);
    sleep_for(s, RTT_MS * WGT_MSEC);
    assert_int_equal(feed_sack(s, 1, 1001, 10001, 11001, 0, 0), WGT_OK);
    assert_int_equal(s->c.recovery, TCP_RECOVERY_LOSS);
    assert_true(output(s));
    assert_int_equal(s->out.seg.seq, our_seq(1001));
    assert_true(s->out.retransmission);
    script_free(s);
}

static void
rfc5682_3_1_step2_without_new_data_repair_goes_on(void **state)
{
    uint32_t echo;
    struct script *s = timed_out(false, true, &echo);

    (void)state;
    assert_int_equal(feed(s, TCP_ACK, 1, 1001, 0), WGT_OK);
    expect(s, TCP_ACK, 1001, 1, 1000);
    assert_true(s->out.retransmission);
    script_free(s);
}

/* Everything acknowledged at once tells nothing. */
static void
rfc5682_3_1_step2a_ack_for_all_is_no_proof(void **state)
{
    uint32_t echo;
    struct script *s = timed_out(false, true, &echo);

    (void)state;
    assert_int_equal(feed(s, TCP_ACK, 1, 10001, 0), WGT_OK);
    assert_true(s->c.cc.ssthresh < 10000);
    script_free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc3522_3_2_echo_of_the_original_undoes_a_fast_retransmit),
        cmocka_unit_test(rfc3522_3_2_echo_of_the_retransmission_does_not),
        cmocka_unit_test(rfc3522_3_2_echo_of_the_original_undoes_a_timeout),
        cmocka_unit_test(rfc3708_2_dsack_for_all_that_was_sent_again_undoes),
        cmocka_unit_test(rfc3708_2_dsack_for_a_part_of_it_does_not),
        cmocka_unit_test(rfc3708_dsack_a_round_trip_after_the_repair_says_nothing),
        cmocka_unit_test(rfc5682_3_1_step3_ack_for_what_was_sent_once_undoes_a_timeout),
        cmocka_unit_test(rfc5682_3_1_step3_sack_for_new_data_only_is_a_real_loss),
        cmocka_unit_test(rfc5682_3_1_step2_without_new_data_repair_goes_on),
        cmocka_unit_test(rfc5682_3_1_step2a_ack_for_all_is_no_proof),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
