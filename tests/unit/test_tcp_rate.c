/* SPDX-License-Identifier: BSD-3-Clause */
/* Delivery rate estimation (draft-cheng-iccrg-delivery-rate-estimation-02), as congestion control
 * is told. The round trip is 100 ms, segments have 1000 bytes. */
#include "tcp_script.h"

enum { RTT_MS = 100 };

static struct tcp_cc_ack last;
static struct tcp_cc_loss last_loss;
static int n_losses, n_acks;
static struct tcp_cc_ops recording;

static void
record_ack(struct tcp_cc *cc, const struct tcp_cc_ack *ack)
{
    (void)cc;
    last = *ack;
    n_acks++;
}

static void
record_loss(struct tcp_cc *cc, const struct tcp_cc_loss *loss)
{
    (void)cc;
    last_loss = *loss;
    n_losses++;
    assert_int_equal(n_acks, 0); /* of the same ACK: before it */
}

static struct script *
established(void)
{
    struct script *s = script_new();

    recording = tcp_cc_none;
    recording.acked = record_ack;
    recording.lost = record_loss;
    n_losses = n_acks = 0;
    s->sack = true;
    s->peer_mss = 1000;
    s->rtt = RTT_MS * WGT_MSEC;
    s->options.cc = &recording;
    open_passive(s);
    return s;
}

static void
section_3_3_sample_is_what_came_over_a_round_trip(void **state)
{
    struct script *s = established();

    (void)state;
    for (int i = 0; i < 10; i++) { /* 100 segments a second */
        send_chunks(s, 1, 1000);
        assert_int_equal(count_output(s), 1);
        sleep_for(s, 10 * WGT_MSEC);
    }
    for (uint32_t i = 1; i <= 10; i++) {
        assert_int_equal(feed(s, TCP_ACK, 1, 1 + 1000 * i, 0), WGT_OK);
        sleep_for(s, 10 * WGT_MSEC);
    }
    assert_int_equal(last.rate.total_delivered, 10000);
    assert_int_equal(last.rate.prior_delivered, 0);
    assert_int_equal(last.rate.delivered, 10000);
    /* ACKs came over 190 ms, sent were they in 90. */
    assert_int_equal(last.rate.interval, 190 * WGT_MSEC);
    assert_int_equal(last.rate.tx_in_flight, 10000);
    assert_int_equal(last.rtt, RTT_MS * WGT_MSEC);
    assert_int_equal(last.delivered, 1000);
    assert_int_equal(last.prior_flight, 1000);
    assert_int_equal(last.flight, 0);
    script_free(s);
}

/* A burst of ACKs is no bandwidth: the time over which the segments left counts. */
static void
section_3_3_slower_of_sending_and_acks_counts(void **state)
{
    struct script *s = established();

    (void)state;
    send_chunks(s, 1, 1000);
    assert_int_equal(count_output(s), 1);
    sleep_for(s, 300 * WGT_MSEC / 2);
    send_chunks(s, 1, 1000);
    assert_int_equal(count_output(s), 1);
    sleep_for(s, RTT_MS * WGT_MSEC);
    assert_int_equal(feed(s, TCP_ACK, 1, 1001, 0), WGT_OK);
    send_chunks(s, 1, 1000);
    assert_int_equal(count_output(s), 1);
    sleep_for(s, RTT_MS * WGT_MSEC);
    assert_int_equal(feed(s, TCP_ACK, 1, 3001, 0), WGT_OK);
    /* The third left 250 ms after the first, which was the last delivered when it did; the ACKs of
     * both are 100 ms apart. */
    assert_int_equal(last.rate.delivered, 2000);
    assert_int_equal(last.rate.interval, 250 * WGT_MSEC);
    script_free(s);
}

static void
section_3_3_sacked_segments_are_delivered_and_only_once(void **state)
{
    struct script *s = established();

    (void)state;
    send_chunks(s, 5, 1000);
    assert_int_equal(count_output(s), 5);
    sleep_for(s, RTT_MS * WGT_MSEC);
    assert_int_equal(feed_sack(s, 1, 1, 1001, 3001, 0, 0), WGT_OK);
    assert_int_equal(last.delivered, 2000);
    assert_int_equal(last.acked, 0);
    assert_int_equal(last.rate.total_delivered, 2000);
    assert_int_equal(feed(s, TCP_ACK, 1, 5001, 0), WGT_OK);
    assert_int_equal(last.delivered, 3000);
    assert_int_equal(last.acked, 5000);
    assert_int_equal(last.rate.total_delivered, 5000);
    script_free(s);
}

static void
section_3_4_app_limited_until_the_bubble_is_gone(void **state)
{
    struct script *s = established();

    (void)state;
    send_chunks(s, 2, 1000);
    assert_int_equal(count_output(s), 2);
    tcp_app_limited(&s->c);
    send_chunks(s, 1, 1000);
    assert_int_equal(count_output(s), 1);
    sleep_for(s, RTT_MS * WGT_MSEC);
    assert_int_equal(feed(s, TCP_ACK, 1, 2001, 0), WGT_OK);
    assert_false(last.rate.app_limited); /* they left before */
    assert_int_equal(feed(s, TCP_ACK, 1, 3001, 0), WGT_OK);
    assert_true(last.rate.app_limited);
    send_chunks(s, 1, 1000);
    assert_int_equal(count_output(s), 1);
    sleep_for(s, RTT_MS * WGT_MSEC);
    assert_int_equal(feed(s, TCP_ACK, 1, 4001, 0), WGT_OK);
    assert_false(last.rate.app_limited);
    script_free(s);
}

/* 3.3: an interval shorter than a round trip comes from an earlier copy's ACK. */
static void
section_3_3_ack_of_an_earlier_copy_is_no_sample(void **state)
{
    struct script *s = established();

    (void)state;
    send_chunks(s, 1, 1000);
    assert_int_equal(count_output(s), 1);
    while (s->c.segments_retransmitted == 0) {
        sleep_to_deadline(s);
        (void)count_output(s);
    }
    sleep_for(s, 5 * WGT_MSEC);
    n_acks = 0;
    assert_int_equal(feed(s, TCP_ACK, 1, 1001, 0), WGT_OK);
    assert_int_equal(n_acks, 1);
    assert_int_equal(last.rate.interval, 0);
    assert_true(last.rtt == WGT_NEVER); /* Karn */
    script_free(s);
}

static void
losses_are_told_one_by_one_before_the_ack(void **state)
{
    struct script *s = established();

    (void)state;
    send_chunks(s, 6, 1000);
    assert_int_equal(count_output(s), 6);
    sleep_for(s, RTT_MS * WGT_MSEC);
    assert_int_equal(feed_sack(s, 1, 1, 2001, 6001, 0, 0), WGT_OK);
    assert_int_equal(n_losses, 2);
    assert_int_equal(n_acks, 1);
    assert_int_equal(last.lost, 2000);
    assert_int_equal(last.rate.lost, 2000);
    assert_true(last.in_recovery);
    assert_int_equal(last_loss.bytes, 1000);
    assert_int_equal(last_loss.tx_in_flight, 2000); /* the second */
    assert_int_equal(last_loss.lost_since, 2000);
    assert_int_equal(last_loss.delivered_then, 0);
    assert_int_equal(last_loss.total_delivered, 4000);
    script_free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(section_3_3_sample_is_what_came_over_a_round_trip),
        cmocka_unit_test(section_3_3_slower_of_sending_and_acks_counts),
        cmocka_unit_test(section_3_3_sacked_segments_are_delivered_and_only_once),
        cmocka_unit_test(section_3_4_app_limited_until_the_bubble_is_gone),
        cmocka_unit_test(section_3_3_ack_of_an_earlier_copy_is_no_sample),
        cmocka_unit_test(losses_are_told_one_by_one_before_the_ack),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
