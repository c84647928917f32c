/* SPDX-License-Identifier: BSD-3-Clause */
/* RACK (RFC 8985 6): losses by time. The round trip is 100 ms, segments have 1000 bytes. */
#include "tcp_script.h"

enum { RTT_MS = 100 };

static struct script *
established(bool ts)
{
    struct script *s = script_new();

    s->ts = ts;
    s->sack = true;
    s->peer_mss = (uint16_t)(1000 + (ts ? 12 : 0));
    s->rtt = RTT_MS * WGT_MSEC;
    open_passive(s);
    s->c.cc.pacing_rate = UINT64_C(1) << 40; /* the pacer has no say */
    return s;
}

/* Ten segments out, and a round trip gone by. */
static struct script *
ten_out(bool ts)
{
    struct script *s = established(ts);

    send_chunks(s, 40, 1000);
    assert_int_equal(count_output(s), 10);
    sleep_for(s, RTT_MS * WGT_MSEC);
    return s;
}

static void
ack_with_dsack(struct script *s, uint32_t ack, uint32_t left, uint32_t right)
{
    assert_int_equal(feed_sack(s, 1, ack, left, right, 0, 0), WGT_OK);
}

static void
rfc8985_6_2_step5_overtaken_segment_is_lost_after_the_reordering_window(void **state)
{
    struct script *s = ten_out(false);

    (void)state;
    assert_int_equal(feed_sack(s, 1, 1, 1001, 2001, 0, 0), WGT_OK);
    expect(s, TCP_ACK, 10001, 1, 1000); /* what has left the network makes room */
    expect_nothing(s);
    assert_int_equal(sleep_to_deadline(s), RTT_MS / 4 * WGT_MSEC);
    expect(s, TCP_ACK, 1, 1, 1000);
    assert_true(s->out.retransmission);
    assert_int_equal(s->c.recovery, TCP_RECOVERY_FAST);
    script_free(s);
}

static void
rfc8985_6_2_step5_what_left_later_is_not_lost(void **state)
{
    struct script *s = established(false);

    (void)state;
    send_chunks(s, 2, 1000);
    assert_int_equal(count_output(s), 2);
    sleep_for(s, 60 * WGT_MSEC);
    send_chunks(s, 3, 1000);
    assert_int_equal(count_output(s), 3);
    sleep_for(s, 40 * WGT_MSEC);
    /* The second has arrived: only the first has been overtaken. */
    assert_int_equal(feed_sack(s, 1, 1, 1001, 2001, 0, 0), WGT_OK);
    expect_nothing(s);
    sleep_for(s, 30 * WGT_MSEC);
    expect(s, TCP_ACK, 1, 1, 1000);
    expect_nothing(s);
    assert_int_equal(s->c.segments_retransmitted, 1);
    script_free(s);
}

static void
rfc8985_6_2_step4_three_sacked_need_no_window(void **state)
{
    struct script *s = ten_out(false);

    (void)state;
    assert_int_equal(feed_sack(s, 1, 1, 1001, 4001, 0, 0), WGT_OK);
    expect(s, TCP_ACK, 1, 1, 1000);
    script_free(s);
}

static void
rfc8985_6_2_step3_late_original_is_reordering(void **state)
{
    struct script *s = ten_out(false);

    (void)state;
    assert_int_equal(feed_sack(s, 1, 1, 1001, 2001, 0, 0), WGT_OK);
    assert_false(s->c.rack.reordering_seen);
    assert_int_equal(feed(s, TCP_ACK, 1, 2001, 0), WGT_OK);
    assert_true(s->c.rack.reordering_seen);
    (void)count_output(s);
    /* From now on three SACKed segments are no proof. */
    assert_int_equal(feed_sack(s, 1, 2001, 3001, 6001, 0, 0), WGT_OK);
    assert_int_equal(s->c.recovery, TCP_RECOVERY_NONE);
    (void)count_output(s);
    sleep_to_deadline(s);
    assert_true(output(s));
    assert_int_equal(s->out.seg.seq, our_seq(2001));
    assert_true(s->out.retransmission);
    script_free(s);
}

/* What one ACK reports has no order of its own: the highest block comes first. */
static void
rfc8985_6_2_step3_blocks_of_one_ack_are_no_reordering(void **state)
{
    struct script *s = ten_out(false);

    (void)state;
    assert_int_equal(feed_sack(s, 1, 1, 6001, 7001, 3001, 4001), WGT_OK);
    assert_false(s->c.rack.reordering_seen);
    script_free(s);
}

static void
rfc8985_6_2_step3_retransmission_is_no_reordering(void **state)
{
    struct script *s = ten_out(false);

    (void)state;
    assert_int_equal(feed_sack(s, 1, 1, 1001, 4001, 0, 0), WGT_OK);
    assert_true(count_output(s) > 0);
    sleep_for(s, RTT_MS * WGT_MSEC);
    assert_int_equal(feed(s, TCP_ACK, 1, 4001, 0), WGT_OK);
    assert_false(s->c.rack.reordering_seen);
    script_free(s);
}

/* RFC 8985 6.2 step 2: a copy that is acknowledged faster than any round trip was not the last. */
static void
rfc8985_6_2_step2_ack_of_an_earlier_copy_proves_nothing(void **state)
{
    for (int ts = 0; ts < 2; ts++) {
        struct script *s = ten_out(ts);
        uint32_t echo = s->echo;

        (void)state;
        assert_int_equal(feed_sack(s, 1, 1, 1001, 4001, 0, 0), WGT_OK);
        assert_true(count_output(s) > 0); /* the first again, and more behind it */
        sleep_for(s, (ts ? RTT_MS + 1 : 10) * WGT_MSEC);
        s->echo = echo; /* of the original */
        assert_int_equal(feed(s, TCP_ACK, 1, 4001, 0), WGT_OK);
        assert_int_equal(s->c.rack.rtt, RTT_MS * WGT_MSEC);
        (void)count_output(s);
        script_free(s);
    }
}

static void
rfc8985_6_2_step4_dsacks_widen_the_window_once_a_round(void **state)
{
    struct script *s = ten_out(false);

    (void)state;
    s->c.rack.reordering_seen = true;
    ack_with_dsack(s, 3001, 1, 1001);
    ack_with_dsack(s, 3001, 1001, 2001); /* the same round */
    (void)count_output(s);
    assert_int_equal(feed_sack(s, 1, 3001, 4001, 5001, 0, 0), WGT_OK);
    (void)count_output(s);
    assert_int_equal(sleep_to_deadline(s), 2 * RTT_MS / 4 * WGT_MSEC);
    assert_true(output(s));
    assert_int_equal(s->out.seg.seq, our_seq(3001));
    script_free(s);
}

static void
rfc8985_6_2_step4_window_is_no_longer_than_srtt(void **state)
{
    struct script *s = ten_out(false);

    (void)state;
    s->c.rack.reordering_seen = true;
    s->c.rack.mult = 9;
    assert_int_equal(feed_sack(s, 1, 1, 1001, 2001, 0, 0), WGT_OK);
    (void)count_output(s);
    assert_int_equal(sleep_to_deadline(s), RTT_MS * WGT_MSEC);
    script_free(s);
}

static void
rfc8985_6_2_step4_window_shrinks_after_16_recoveries(void **state)
{
    struct script *s = established(false);
    uint32_t at = 1;

    (void)state;
    send_chunks(s, 4, 1000);
    assert_int_equal(count_output(s), 4);
    sleep_for(s, RTT_MS * WGT_MSEC);
    ack_with_dsack(s, 1001, 1, 1001);
    assert_int_equal(feed(s, TCP_ACK, 1, 4001, 0), WGT_OK);
    at = 4001;
    for (int i = 0; i < 16; i++) {
        assert_int_equal(s->c.rack.mult, 2);
        s->c.cc.cwnd = 20000;
        send_chunks(s, 5, 1000);
        assert_int_equal(count_output(s), 5);
        sleep_for(s, RTT_MS * WGT_MSEC);
        assert_int_equal(feed_sack(s, 1, at, at + 1000, at + 5000, 0, 0), WGT_OK);
        assert_int_equal(count_output(s), 1);
        sleep_for(s, RTT_MS * WGT_MSEC);
        at += 5000;
        assert_int_equal(feed(s, TCP_ACK, 1, at, 0), WGT_OK);
        expect_nothing(s);
        reclaim_all(s);
    }
    assert_int_equal(s->c.rack.mult, 1);
    script_free(s);
}

static void
rfc8985_6_3_timeout_spares_what_had_no_time(void **state)
{
    struct script *s = established(false);

    (void)state;
    send_chunks(s, 1, 1000);
    assert_int_equal(count_output(s), 1);
    sleep_for(s, RTT_MS * WGT_MSEC);
    assert_int_equal(feed(s, TCP_ACK, 1, 1001, 0), WGT_OK);
    send_chunks(s, 2, 1000);
    assert_int_equal(count_output(s), 2);
    sleep_to_deadline(s);
    assert_int_equal(count_output(s), 1); /* the tail loss probe */
    sleep_for(s, tcp_deadline(&s->c) - s->now - 20 * WGT_MSEC);
    send_chunks(s, 1, 1000);
    assert_int_equal(count_output(s), 1);
    sleep_for(s, 20 * WGT_MSEC);
    expect(s, TCP_ACK, 1001, 1, 1000);
    assert_int_equal(s->c.timeouts, 1);
    assert_int_equal(s->c.tx->lost.bytes, 1000);   /* the second, which is overdue */
    assert_int_equal(s->c.tx->flight.bytes, 2000); /* the first, again, and the one just sent */
    script_free(s);
}

/* The first algorithm needs no ssthresh, the second one ends the recovery with it. */
static void
rfc6937_3_algorithm_changed_in_recovery_has_an_ssthresh(void **state)
{
    static const struct tcp_cc_ops *const first[] = {&tcp_cc_bbr, &tcp_cc_none, &tcp_cc_cubic};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct script *s = script_new();
        const struct tcp_cc_ops *second = i == 2 ? &tcp_cc_bbr : &tcp_cc_cubic;
        int n;

        s->sack = true;
        s->peer_mss = 1000;
        s->rtt = RTT_MS * WGT_MSEC;
        s->options.cc = first[i];
        open_passive(s);
        send_chunks(s, 40, 1000);
        n = count_output(s);
        assert_true(n >= 10);
        sleep_for(s, RTT_MS * WGT_MSEC);
        assert_int_equal(feed_sack(s, 1, 1, 1001, 5001, 0, 0), WGT_OK);
        assert_int_equal(s->c.recovery, TCP_RECOVERY_FAST);
        tcp_set_congestion(&s->c, s->now, second);
        n += count_output(s);
        sleep_for(s, RTT_MS * WGT_MSEC);
        assert_int_equal(feed(s, TCP_ACK, 1, s->c.snd_nxt - (uint32_t)SCRIPT_ISS, 0), WGT_OK);
        assert_int_equal(s->c.recovery, TCP_RECOVERY_NONE);
        assert_in_range(s->c.cc.cwnd, 4000, 40000);
        script_free(s);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc8985_6_2_step5_overtaken_segment_is_lost_after_the_reordering_window),
        cmocka_unit_test(rfc8985_6_2_step5_what_left_later_is_not_lost),
        cmocka_unit_test(rfc8985_6_2_step4_three_sacked_need_no_window),
        cmocka_unit_test(rfc8985_6_2_step3_late_original_is_reordering),
        cmocka_unit_test(rfc8985_6_2_step3_blocks_of_one_ack_are_no_reordering),
        cmocka_unit_test(rfc8985_6_2_step3_retransmission_is_no_reordering),
        cmocka_unit_test(rfc8985_6_2_step2_ack_of_an_earlier_copy_proves_nothing),
        cmocka_unit_test(rfc8985_6_2_step4_dsacks_widen_the_window_once_a_round),
        cmocka_unit_test(rfc8985_6_2_step4_window_is_no_longer_than_srtt),
        cmocka_unit_test(rfc8985_6_2_step4_window_shrinks_after_16_recoveries),
        cmocka_unit_test(rfc8985_6_3_timeout_spares_what_had_no_time),
        cmocka_unit_test(rfc6937_3_algorithm_changed_in_recovery_has_an_ssthresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
