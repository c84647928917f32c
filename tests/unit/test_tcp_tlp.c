/* SPDX-License-Identifier: BSD-3-Clause */
/* Tail loss probe (RFC 8985 7). The round trip is 100 ms, segments have 1000 bytes. */
#include "tcp_script.h"

enum { RTT_MS = 100 };

static struct script *
established(bool sack)
{
    struct script *s = script_new();

    s->sack = sack;
    s->peer_mss = 1000;
    s->rtt = RTT_MS * WGT_MSEC;
    open_passive(s);
    s->c.cc.pacing_rate = UINT64_C(1) << 40; /* the pacer has no say */
    return s;
}

/* Three segments are out, and the last has been sent again as a probe. */
static struct script *
probed(void)
{
    struct script *s = established(true);

    send_chunks(s, 3, 1000);
    assert_int_equal(count_output(s), 3);
    sleep_to_deadline(s);
    expect(s, TCP_ACK, 2001, 1, 1000);
    assert_true(s->out.retransmission);
    expect_nothing(s);
    assert_int_equal(s->c.timeouts, 0);
    return s;
}

static void
rfc8985_7_2_probe_timeout_is_two_round_trips(void **state)
{
    struct script *s = established(true);
    wgt_time pto;

    (void)state;
    send_chunks(s, 2, 1000);
    assert_int_equal(count_output(s), 2);
    pto = tcp_deadline(&s->c) - s->now;
    assert_in_range(pto, 2 * RTT_MS * WGT_MSEC, (2 * RTT_MS + 10) * WGT_MSEC);
    script_free(s);
}

static void
rfc8985_7_2_lone_segment_allows_for_a_delayed_ack(void **state)
{
    struct script *s = established(true);
    wgt_time pto;

    (void)state;
    send_chunks(s, 1, 1000);
    assert_int_equal(count_output(s), 1);
    pto = tcp_deadline(&s->c) - s->now;
    assert_in_range(pto, (2 * RTT_MS + 40) * WGT_MSEC, (2 * RTT_MS + 70) * WGT_MSEC);
    script_free(s);
}

static void
rfc8985_7_2_no_probe_without_sack_or_with_something_sacked(void **state)
{
    struct script *s = established(false);

    (void)state;
    send_chunks(s, 2, 1000);
    assert_int_equal(count_output(s), 2);
    assert_int_equal(tcp_deadline(&s->c), s->c.rto_at);
    script_free(s);

    s = established(true);
    send_chunks(s, 3, 1000);
    assert_int_equal(count_output(s), 3);
    s->c.rack.reordering_seen = true;
    sleep_for(s, RTT_MS * WGT_MSEC);
    assert_int_equal(feed_sack(s, 1, 1, 1001, 2001, 0, 0), WGT_OK);
    assert_true(s->c.tx->tlp_at == WGT_NEVER);
    script_free(s);
}

/* The timer starts anew with each cumulative ACK and each new segment. */
static void
rfc8985_7_2_acks_and_new_data_rearm(void **state)
{
    struct script *s = established(true);
    wgt_time first;

    (void)state;
    send_chunks(s, 4, 1000);
    assert_int_equal(count_output(s), 4);
    first = s->c.tx->tlp_at;
    sleep_for(s, RTT_MS * WGT_MSEC);
    assert_int_equal(feed(s, TCP_ACK, 1, 1001, 0), WGT_OK);
    assert_int_equal(s->c.tx->tlp_at, first + RTT_MS * WGT_MSEC);
    sleep_for(s, 10 * WGT_MSEC);
    send_chunks(s, 1, 1000);
    assert_int_equal(count_output(s), 1);
    assert_int_equal(s->c.tx->tlp_at, first + (RTT_MS + 10) * WGT_MSEC);
    script_free(s);
}

static void
rfc8985_7_3_probe_is_the_last_segment_and_the_rto_runs_from_it(void **state)
{
    struct script *s = probed();

    (void)state;
    assert_int_equal(sleep_to_deadline(s), s->c.rtt.rto);
    expect(s, TCP_ACK, 1, 1, 1000); /* one probe only: now it is the retransmission timer */
    assert_int_equal(s->c.timeouts, 1);
    script_free(s);
}

static void
rfc8985_7_3_new_data_is_the_better_probe_whatever_cwnd_says(void **state)
{
    struct script *s = established(true);

    (void)state;
    send_chunks(s, 12, 1000);
    assert_int_equal(count_output(s), 10);
    sleep_to_deadline(s);
    expect(s, TCP_ACK, 10001, 1, 1000);
    assert_false(s->out.retransmission);
    expect_nothing(s);
    /* Its ACK says nothing of a loss. */
    sleep_for(s, RTT_MS * WGT_MSEC);
    assert_int_equal(feed(s, TCP_ACK, 1, 11001, 0), WGT_OK);
    assert_true(s->c.cc.cwnd >= 10000);
    assert_int_equal(count_output(s), 1);
    sleep_for(s, RTT_MS * WGT_MSEC);
    assert_int_equal(feed(s, TCP_ACK, 1, 12001, 0), WGT_OK);
    assert_true(s->c.cc.cwnd >= 10000);
    script_free(s);
}

static void
rfc8985_7_3_no_second_probe_without_a_round_trip_measured(void **state)
{
    struct script *s = probed();

    (void)state;
    sleep_for(s, RTT_MS * WGT_MSEC);
    /* All arrived; without timestamps the ACK of what was sent twice measures nothing (Karn). */
    assert_int_equal(feed_sack(s, 1, 3001, 2001, 3001, 0, 0), WGT_OK);
    s->c.tlp.sampled = false;
    send_chunks(s, 2, 1000);
    assert_int_equal(count_output(s), 2);
    sleep_to_deadline(s);
    while (s->now < s->c.rto_at && s->c.timeouts == 0) {
        assert_int_equal(count_output(s), 0);
        sleep_to_deadline(s);
    }
    expect(s, TCP_ACK, 3001, 1, 1000);
    assert_int_equal(s->c.timeouts, 1);
    script_free(s);
}

static void
rfc8985_7_3_tail_loss_is_repaired_without_a_timeout(void **state)
{
    struct script *s = probed();

    (void)state;
    sleep_for(s, RTT_MS * WGT_MSEC);
    /* The first arrived, the second did not: RACK sees it now. */
    assert_int_equal(feed_sack(s, 1, 1001, 2001, 3001, 0, 0), WGT_OK);
    (void)count_output(s);
    if (s->c.segments_retransmitted == 1) {
        sleep_to_deadline(s);
        assert_int_equal(count_output(s), 1);
    }
    assert_int_equal(s->out.seg.seq, our_seq(1001));
    assert_int_equal(s->c.timeouts, 0);
    assert_int_equal(s->c.recovery, TCP_RECOVERY_FAST);
    script_free(s);
}

static void
rfc8985_7_4_2_duplicate_reported_is_no_loss(void **state)
{
    struct script *s = probed();
    uint32_t cwnd = s->c.cc.cwnd;

    (void)state;
    assert_int_equal(feed(s, TCP_ACK, 1, 3001, 0), WGT_OK); /* the originals */
    sleep_for(s, RTT_MS * WGT_MSEC);
    assert_int_equal(feed_sack(s, 1, 3001, 2001, 3001, 0, 0), WGT_OK);
    send_chunks(s, 1, 1000);
    assert_int_equal(count_output(s), 1);
    sleep_for(s, RTT_MS * WGT_MSEC);
    assert_int_equal(feed(s, TCP_ACK, 1, 4001, 0), WGT_OK);
    assert_true(s->c.cc.cwnd >= cwnd);
    assert_int_equal(s->c.rack.mult, 1); /* a probe is no sign of reordering, either */
    script_free(s);
}

static void
rfc8985_7_4_2_plain_duplicate_ack_is_no_loss(void **state)
{
    struct script *s = probed();
    uint32_t cwnd = s->c.cc.cwnd;

    (void)state;
    assert_int_equal(feed(s, TCP_ACK, 1, 3001, 0), WGT_OK);
    send_chunks(s, 1, 1000);
    assert_int_equal(count_output(s), 1);
    assert_int_equal(feed(s, TCP_ACK, 1, 3001, 0), WGT_OK);
    sleep_for(s, RTT_MS * WGT_MSEC);
    assert_int_equal(feed(s, TCP_ACK, 1, 4001, 0), WGT_OK);
    assert_true(s->c.cc.cwnd >= cwnd);
    script_free(s);
}

static void
rfc8985_7_4_2_loss_that_the_probe_repaired_counts(void **state)
{
    struct script *s = probed();

    (void)state;
    sleep_for(s, RTT_MS * WGT_MSEC);
    assert_int_equal(feed(s, TCP_ACK, 1, 3001, 0), WGT_OK);
    assert_true(s->c.cc.ssthresh == UINT32_MAX);
    send_chunks(s, 1, 1000);
    assert_int_equal(count_output(s), 1);
    sleep_for(s, RTT_MS * WGT_MSEC);
    assert_int_equal(feed(s, TCP_ACK, 1, 4001, 0), WGT_OK); /* and no word of a duplicate */
    assert_true(s->c.cc.ssthresh < 10000);
    assert_true(s->c.cc.cwnd < 10000);
    assert_int_equal(s->c.recovery, TCP_RECOVERY_NONE);
    script_free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc8985_7_2_probe_timeout_is_two_round_trips),
        cmocka_unit_test(rfc8985_7_2_lone_segment_allows_for_a_delayed_ack),
        cmocka_unit_test(rfc8985_7_2_no_probe_without_sack_or_with_something_sacked),
        cmocka_unit_test(rfc8985_7_2_acks_and_new_data_rearm),
        cmocka_unit_test(rfc8985_7_3_probe_is_the_last_segment_and_the_rto_runs_from_it),
        cmocka_unit_test(rfc8985_7_3_new_data_is_the_better_probe_whatever_cwnd_says),
        cmocka_unit_test(rfc8985_7_3_no_second_probe_without_a_round_trip_measured),
        cmocka_unit_test(rfc8985_7_3_tail_loss_is_repaired_without_a_timeout),
        cmocka_unit_test(rfc8985_7_4_2_duplicate_reported_is_no_loss),
        cmocka_unit_test(rfc8985_7_4_2_plain_duplicate_ack_is_no_loss),
        cmocka_unit_test(rfc8985_7_4_2_loss_that_the_probe_repaired_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
