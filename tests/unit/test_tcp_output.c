/* SPDX-License-Identifier: BSD-3-Clause */
/* What leaves and when: segmentation, ACKs, windows, recovery, timers. Each test is named after its
 * rule. The peer's MSS is 1000 in most, so that figures are round. */
#include "tcp_script.h"

static struct script *
round_mss(bool ts, bool sack)
{
    struct script *s = script_new();

    s->ts = ts;
    s->sack = sack;
    s->peer_mss = (uint16_t)(1000 + (ts ? 12 : 0));
    open_passive(s);
    return s;
}

/* --- segmentation --- */

static void
chunk_starts_a_segment_unless_it_fits_whole(void **state)
{
    struct script *s = round_mss(false, false);

    (void)state;
    send_chunks(s, 1, 400);
    send_chunks(s, 1, 600); /* fits exactly */
    send_chunks(s, 1, 500);
    send_chunks(s, 1, 501); /* does not */
    send_chunks(s, 1, 1000);
    expect(s, TCP_ACK, 1, 1, 1000);
    assert_ptr_equal(s->out.chunk, &s->tx[0]);
    assert_null(s->out.seg.payload.data);
    expect(s, TCP_ACK, 1001, 1, 500);
    expect(s, TCP_ACK, 1501, 1, 501);
    expect(s, TCP_ACK, 2002, 1, 1000);
    assert_true(s->out.seg.flags & TCP_PSH);
    expect_nothing(s);
    script_free(s);
}

static void
chunk_longer_than_the_mss_is_cut_and_nothing_follows_its_tail(void **state)
{
    struct script *s = round_mss(false, false);

    (void)state;
    send_chunks(s, 1, 2100);
    send_chunks(s, 1, 50);
    expect(s, TCP_ACK, 1, 1, 1000);
    expect(s, TCP_ACK, 1001, 1, 1000);
    assert_int_equal(s->out.offset, 1000);
    expect(s, TCP_ACK, 2001, 1, 100);
    expect(s, TCP_ACK, 2101, 1, 50);
    assert_ptr_equal(s->out.chunk, &s->tx[1]);
    assert_int_equal(reclaim_all(s), 0);
    assert_int_equal(feed(s, TCP_ACK, 1, 2100, 0), WGT_OK);
    assert_int_equal(reclaim_all(s), 0);
    assert_int_equal(feed(s, TCP_ACK, 1, 2101, 0), WGT_OK);
    assert_int_equal(reclaim_all(s), 1);
    script_free(s);
}

static void
cut_chunks_beyond_the_spare_records_wait_for_acks(void **state)
{
    struct script *s = script_new();
    uint32_t sent = 0;

    (void)state;
    s->peer_mss = 100;
    s->window = 65535;
    open_passive(s);
    s->c.cc.cwnd = 1 << 20;
    send_chunks(s, 1, 40000);
    while (sent < 40000) {
        int n = count_output(s);

        assert_true(n > 0 && n <= 1 + SCRIPT_RECORDS);
        sent += 100 * (uint32_t)n;
        assert_int_equal(feed(s, TCP_ACK, 1, 1 + sent, 0), WGT_OK);
        s->c.cc.cwnd = 1 << 20;
    }
    assert_int_equal(reclaim_all(s), 1);
    script_free(s);
}

static void
ack_in_the_middle_of_a_chunk_leaves_the_rest_to_retransmit(void **state)
{
    struct script *s = round_mss(false, false);

    (void)state;
    send_chunks(s, 3, 300);
    expect(s, TCP_ACK, 1, 1, 900);
    assert_int_equal(feed(s, TCP_ACK, 1, 451, 0), WGT_OK);
    assert_int_equal(reclaim_all(s), 1);
    sleep_to_deadline(s);
    expect(s, TCP_ACK, 451, 1, 450);
    assert_ptr_equal(s->out.chunk, &s->tx[1]);
    assert_int_equal(s->out.offset, 150);
    assert_true(s->out.retransmission);
    script_free(s);
}

static void
no_nagle(void **state)
{
    struct script *s = round_mss(false, false);

    (void)state;
    send_chunks(s, 1, 10);
    expect(s, TCP_ACK, 1, 1, 10);
    send_chunks(s, 1, 10);
    expect(s, TCP_ACK, 11, 1, 10);
    script_free(s);
}

static void
fin_rides_on_the_last_data(void **state)
{
    struct script *s = round_mss(false, false);

    (void)state;
    send_chunks(s, 2, 1000);
    tcp_close(&s->c, s->now);
    expect(s, TCP_ACK, 1, 1, 1000);
    expect(s, TCP_FIN | TCP_ACK, 1001, 1, 1000);
    expect_nothing(s);
    /* All of the data but not the FIN is acknowledged: the FIN alone goes again. */
    assert_int_equal(feed(s, TCP_ACK, 1, 2001, 0), WGT_OK);
    assert_int_equal(tcp_state(&s->c), TCP_FIN_WAIT_1);
    assert_int_equal(reclaim_all(s), 2);
    sleep_to_deadline(s);
    expect(s, TCP_FIN | TCP_ACK, 2001, 1, 0);
    assert_int_equal(feed(s, TCP_ACK, 1, 2002, 0), WGT_OK);
    assert_int_equal(tcp_state(&s->c), TCP_FIN_WAIT_2);
    script_free(s);
}

static void
sends_before_the_handshake_wait_for_it(void **state)
{
    struct script *s = script_new();

    (void)state;
    tcp_open_active(&s->c, s->now, &s->options);
    send_chunks(s, 1, 100);
    assert_int_equal(tcp_send_room(&s->c, s->now), 0);
    expect(s, TCP_SYN, 0, 0, 0);
    expect_nothing(s);
    assert_int_equal(feed(s, TCP_SYN | TCP_ACK, 0, 1, 0), WGT_OK);
    expect(s, TCP_ACK, 1, 1, 100);
    expect_nothing(s); /* the data carried the ACK of the handshake */
    script_free(s);
}

static void
send_room_is_what_would_leave_at_once(void **state)
{
    struct script *s = round_mss(false, false);

    (void)state;
    assert_true(tcp_send_room(&s->c, s->now) >= 10000); /* nothing under way: any message goes */
    send_chunks(s, 4, 1000);
    assert_int_equal(tcp_send_room(&s->c, s->now), 6000); /* RFC 6928, less what is queued */
    send_chunks(s, 8, 1000);
    assert_int_equal(tcp_send_room(&s->c, s->now), 0);
    assert_int_equal(count_output(s), 10);
    assert_int_equal(tcp_unsent(&s->c), 2000);
    assert_int_equal(tcp_send_room(&s->c, s->now), 0);
    tcp_close(&s->c, s->now);
    assert_int_equal(tcp_send_room(&s->c, s->now), 0);
    script_free(s);
}

static void
rfc9293_3_8_6_3_ack_every_second_full_segment(void **state)
{
    struct script *s = script_established(false, false);

    (void)state;
    for (uint32_t at = 1; at < 20000; at += 2920) {
        assert_int_equal(feed(s, TCP_ACK, at, 1, 1460), WGT_OK);
        expect_nothing(s);
        assert_int_equal(feed(s, TCP_ACK, at + 1460, 1, 1460), WGT_OK);
        expect(s, TCP_ACK, 1, at + 2920, 0);
    }
    assert_int_equal(feed(s, TCP_ACK, 20441, 1, 1460), WGT_OK);
    expect_nothing(s);
    assert_int_equal(sleep_to_deadline(s), 40 * WGT_MSEC);
    expect(s, TCP_ACK, 1, 21901, 0);
    expect_nothing(s);
    script_free(s);
}

static void
rfc9293_3_8_6_3_one_ack_for_a_burst(void **state)
{
    struct script *s = script_established(false, true);

    (void)state;
    for (uint32_t i = 0; i < 20; i++)
        assert_int_equal(feed(s, TCP_ACK, 1 + 1000 * i, 1, 1000), WGT_OK);
    assert_int_equal(count_output(s), 1);
    assert_int_equal(s->out.seg.ack, peer_seq(20001));
    script_free(s);
}

static void
rfc5681_4_2_gap_and_its_filling_are_acked_at_once(void **state)
{
    struct script *s = script_established(false, true);

    (void)state;
    assert_int_equal(feed(s, TCP_ACK, 101, 1, 100), WGT_OK);
    expect(s, TCP_ACK, 1, 1, 0);
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 100), WGT_OK);
    expect(s, TCP_ACK, 1, 201, 0);
    assert_int_equal(s->out.seg.n_sack, 0);
    script_free(s);
}

static void
rfc5681_4_2_without_sack_each_duplicate_ack_is_sent(void **state)
{
    struct script *s = script_established(false, false);

    (void)state;
    for (uint32_t i = 1; i <= 4; i++)
        assert_int_equal(feed(s, TCP_ACK, 1 + 100 * i, 1, 100), WGT_OK);
    for (uint32_t i = 0; i < 4; i++)
        expect(s, TCP_ACK, 1, 1, 0);
    expect_nothing(s);
    script_free(s);
}

static void
data_carries_the_ack_but_never_sack_blocks(void **state)
{
    struct script *s = script_established(false, true);

    (void)state;
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 100), WGT_OK);
    send_chunks(s, 1, 50);
    expect(s, TCP_ACK, 1, 101, 50);
    expect_nothing(s);
    assert_int_equal(feed(s, TCP_ACK, 201, 1, 100), WGT_OK);
    send_chunks(s, 1, 50);
    expect(s, TCP_ACK, 51, 101, 0);
    assert_int_equal(s->out.seg.n_sack, 1);
    expect(s, TCP_ACK, 51, 101, 50);
    assert_int_equal(s->out.seg.n_sack, 0);
    script_free(s);
}

/* --- the receive window --- */

static void
rfc9293_3_8_6_right_edge_never_moves_left(void **state)
{
    struct script *s = script_new();
    uint32_t edge = 1 + 60000;

    (void)state;
    open_passive(s);
    for (uint32_t at = 1; at + 1460 < 60000; at += 1460) {
        assert_int_equal(feed(s, TCP_ACK, at, 1, 1460), WGT_OK);
        (void)count_output(s);
        assert_int_equal(s->c.rcv_adv, peer_seq(edge));
    }
    script_free(s);
}

static void
rfc9293_3_8_6_2_2_window_opens_in_worthwhile_steps(void **state)
{
    struct script *s = script_new();

    (void)state;
    s->options.receive_buffer = 4000;
    open_passive(s);
    for (uint32_t at = 1; at < 4000; at += 1000)
        assert_int_equal(feed(s, TCP_ACK, at, 1, 1000), WGT_OK);
    expect(s, TCP_ACK, 1, 4001, 0);
    assert_int_equal(s->out.seg.window, 0);
    give_back(s, tcp_recv(&s->c));
    expect_nothing(s); /* 1000 is less than a segment */
    give_back(s, tcp_recv(&s->c));
    expect(s, TCP_ACK, 1, 4001, 0);
    assert_int_equal(s->out.seg.window, 2000);
    expect_nothing(s);
    script_free(s);
}

/* --- the send window --- */

static void
rfc9293_3_8_4_send_window_is_respected(void **state)
{
    struct script *s = script_new();

    (void)state;
    s->peer_mss = 1000;
    s->window = 2500;
    open_passive(s);
    send_chunks(s, 5, 1000);
    assert_int_equal(count_output(s), 2); /* the third does not fit, and 500 would be silly */
    assert_int_equal(feed(s, TCP_ACK, 1, 2001, 0), WGT_OK);
    assert_int_equal(count_output(s), 2);
    script_free(s);
}

static void
rfc9293_3_10_7_4_older_segment_does_not_update_the_window(void **state)
{
    struct script *s = script_established(false, false);

    (void)state;
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 100), WGT_OK);
    s->window = 5000;
    assert_int_equal(feed(s, TCP_ACK, 101, 1, 0), WGT_OK);
    assert_int_equal(s->c.snd_wnd, 5000);
    s->window = 100;
    (void)feed(s, TCP_ACK, 50, 1, 60); /* begins before the last one that told */
    assert_int_equal(s->c.snd_wnd, 5000);
    script_free(s);
}

static void
rfc9293_3_8_6_1_zero_window_is_probed_for_ever(void **state)
{
    struct script *s = round_mss(false, false);
    wgt_time expected = 200 * WGT_MSEC;

    (void)state;
    s->window = 0;
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 0), WGT_OK);
    send_chunks(s, 1, 100);
    expect_nothing(s);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(sleep_to_deadline(s), expected);
        expect(s, TCP_ACK, 0, 1, 0); /* SND.UNA - 1 */
        expect_nothing(s);
        assert_int_equal(feed(s, TCP_ACK, 1, 1, 0), WGT_OK);
        expect_nothing(s);
        expected = wgt_time_min(2 * expected, 60 * WGT_SEC);
    }
    s->window = 1000;
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 0), WGT_OK);
    expect(s, TCP_ACK, 1, 1, 100);
    script_free(s);
}

static void
zero_window_without_answers_ends_by_user_timeout(void **state)
{
    struct script *s = round_mss(false, false);
    wgt_time start;

    (void)state;
    s->window = 0;
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 0), WGT_OK);
    send_chunks(s, 1, 100);
    expect_nothing(s);
    start = s->now;
    while (tcp_state(&s->c) != TCP_CLOSED) {
        sleep_to_deadline(s);
        (void)count_output(s);
    }
    assert_int_equal(s->now - start, 100 * WGT_SEC + 200 * WGT_MSEC); /* from the first probe on */
    assert_int_equal(s->out.seg.flags, TCP_RST | TCP_ACK);
    assert_int_equal(tcp_end(&s->c), TCP_END_TIMEOUT);
    script_free(s);
}

static void
rfc9293_3_8_6_2_1_window_smaller_than_the_segment_is_used_after_a_while(void **state)
{
    struct script *s = round_mss(false, false);

    (void)state;
    s->window = 300;
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 0), WGT_OK);
    send_chunks(s, 1, 1000);
    expect_nothing(s);
    sleep_to_deadline(s);
    expect(s, TCP_ACK, 1, 1, 300);
    expect_nothing(s);
    script_free(s);
}

/* --- recovery --- */

static void
rfc5681_3_2_third_duplicate_ack_retransmits(void **state)
{
    struct script *s = round_mss(false, false);

    (void)state;
    send_chunks(s, 20, 1000);
    assert_int_equal(count_output(s), 10);
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 0), WGT_OK);
    expect(s, TCP_ACK, 10001, 1, 1000); /* RFC 3042: limited transmit */
    expect_nothing(s);
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 0), WGT_OK);
    expect(s, TCP_ACK, 11001, 1, 1000);
    expect_nothing(s);
    assert_int_equal(s->c.cc.cwnd, 10000);
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 0), WGT_OK);
    expect(s, TCP_ACK, 1, 1, 1000);
    assert_true(s->out.retransmission);
    assert_int_equal(s->c.cc.ssthresh, 7000);
    script_free(s);
}

static void
rfc5681_2_segment_with_data_or_news_is_no_duplicate(void **state)
{
    struct script *s = round_mss(false, false);

    (void)state;
    send_chunks(s, 20, 1000);
    assert_int_equal(count_output(s), 10);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(feed(s, TCP_ACK, 1 + 10 * i, 1, 10), WGT_OK);
    for (uint32_t i = 0; i < 4; i++) {
        s->window--;
        assert_int_equal(feed(s, TCP_ACK, 41, 1, 0), WGT_OK);
    }
    assert_int_equal(s->c.tx->dup_acks, 0);
    assert_int_equal(s->c.recovery, TCP_RECOVERY_NONE);
    script_free(s);
}

static void
rfc6582_3_2_partial_ack_retransmits_the_next_hole(void **state)
{
    struct script *s = round_mss(false, false);

    (void)state;
    send_chunks(s, 10, 1000);
    assert_int_equal(count_output(s), 10);
    for (int i = 0; i < 3; i++)
        assert_int_equal(feed(s, TCP_ACK, 1, 1, 0), WGT_OK);
    expect(s, TCP_ACK, 1, 1, 1000);
    assert_int_equal(feed(s, TCP_ACK, 1, 4001, 0), WGT_OK);
    expect(s, TCP_ACK, 4001, 1, 1000);
    assert_int_equal(feed(s, TCP_ACK, 1, 7001, 0), WGT_OK);
    expect(s, TCP_ACK, 7001, 1, 1000);
    assert_int_equal(feed(s, TCP_ACK, 1, 10001, 0), WGT_OK);
    expect_nothing(s);
    assert_int_equal(s->c.recovery, TCP_RECOVERY_NONE);
    assert_int_equal(s->c.cc.cwnd, 7000);
    assert_int_equal(s->c.fast_retransmits, 1);
    script_free(s);
}

static void
rfc6582_3_2_no_second_reduction_for_old_duplicates(void **state)
{
    struct script *s = round_mss(false, false);

    (void)state;
    send_chunks(s, 10, 1000);
    assert_int_equal(count_output(s), 10);
    sleep_to_deadline(s);
    expect(s, TCP_ACK, 1, 1, 1000);
    assert_int_equal(feed(s, TCP_ACK, 1, 10001, 0), WGT_OK); /* up to the recovery point only */
    send_chunks(s, 2, 1000);
    (void)count_output(s);
    for (int i = 0; i < 5; i++)
        assert_int_equal(feed(s, TCP_ACK, 1, 10001, 0), WGT_OK);
    assert_int_equal(count_output(s), 0);
    assert_int_equal(s->c.recovery, TCP_RECOVERY_NONE);
    script_free(s);
}

static void
lost_retransmission_is_seen_without_the_timer(void **state)
{
    struct script *s = round_mss(true, true);

    (void)state;
    send_chunks(s, 40, 1000);
    assert_int_equal(count_output(s), 10);
    sleep_for(s, 50 * WGT_MSEC);
    assert_int_equal(feed_sack(s, 1, 1, 1001, 10001, 0, 0), WGT_OK);
    expect(s, TCP_ACK, 1, 1, 1000);
    assert_true(count_output(s) >= 3); /* new data goes on behind it */
    sleep_for(s, 50 * WGT_MSEC);
    assert_int_equal(feed_sack(s, 1, 1, 1001, 13001, 0, 0), WGT_OK);
    expect(s, TCP_ACK, 1, 1, 1000);
    assert_int_equal(s->c.timeouts, 0);
    script_free(s);
}

static void
rfc2018_5_sacked_segments_are_not_sent_again(void **state)
{
    struct script *s = round_mss(false, true);

    (void)state;
    send_chunks(s, 10, 1000);
    assert_int_equal(count_output(s), 10);
    assert_int_equal(feed_sack(s, 1, 1, 1001, 2001, 8001, 9001), WGT_OK);
    sleep_to_deadline(s);
    expect(s, TCP_ACK, 1, 1, 1000);
    expect_nothing(s); /* one segment, then by ACKs */
    assert_int_equal(s->c.cc.cwnd, 1000);
    assert_int_equal(feed_sack(s, 1, 2001, 8001, 9001, 0, 0), WGT_OK);
    expect(s, TCP_ACK, 2001, 1, 1000);
    expect(s, TCP_ACK, 3001, 1, 1000);
    assert_int_equal(feed_sack(s, 1, 8001, 8001, 9001, 0, 0), WGT_OK);
    script_free(s);
}

static void
rfc2018_8_reneging_is_met_at_the_timeout(void **state)
{
    struct script *s = round_mss(false, true);

    (void)state;
    send_chunks(s, 3, 1000);
    assert_int_equal(count_output(s), 3);
    assert_int_equal(feed_sack(s, 1, 1, 1001, 3001, 0, 0), WGT_OK);
    assert_int_equal(feed(s, TCP_ACK, 1, 1001, 0), WGT_OK); /* the SACKed ones are gone again */
    expect_nothing(s);
    sleep_to_deadline(s);
    expect(s, TCP_ACK, 1001, 1, 1000);
    assert_int_equal(feed(s, TCP_ACK, 1, 2001, 0), WGT_OK);
    expect(s, TCP_ACK, 2001, 1, 1000);
    script_free(s);
}

static void
forged_sack_blocks_are_ignored(void **state)
{
    static const uint32_t blocks[][2] = {
        {3001, 2001}, {5001, 20001}, {0x80000000u, 0x90000000u}, {0u - 5000, 2001}, {2001, 2001}};
    struct script *s = round_mss(false, true);

    (void)state;
    send_chunks(s, 10, 1000);
    assert_int_equal(count_output(s), 10);
    for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
        assert_int_equal(feed_sack(s, 1, 1, blocks[i][0], blocks[i][1], 0, 0), WGT_OK);
    assert_null(s->c.tx->sack_high);
    assert_int_equal(s->c.tx->flight.bytes, 10000);
    script_free(s);
}

/* --- timers --- */

static void
rfc6298_5_timer_runs_while_data_is_out(void **state)
{
    struct script *s = round_mss(false, false);

    (void)state;
    assert_true(tcp_deadline(&s->c) == WGT_NEVER);
    send_chunks(s, 2, 1000);
    assert_int_equal(count_output(s), 2);
    assert_int_equal(tcp_deadline(&s->c) - s->now, 200 * WGT_MSEC); /* 5.1 */
    sleep_for(s, 100 * WGT_MSEC);
    assert_int_equal(feed(s, TCP_ACK, 1, 1001, 0), WGT_OK);
    assert_true(tcp_deadline(&s->c) - s->now >= 200 * WGT_MSEC); /* 5.3 */
    assert_int_equal(feed(s, TCP_ACK, 1, 2001, 0), WGT_OK);
    assert_true(tcp_deadline(&s->c) == WGT_NEVER); /* 5.2 */
    script_free(s);
}

static void
rfc6298_5_4_to_5_6_timeouts_double(void **state)
{
    struct script *s = round_mss(false, false);
    wgt_time expected = 200 * WGT_MSEC, waited = 0;

    (void)state;
    send_chunks(s, 1, 1000);
    expect(s, TCP_ACK, 1, 1, 1000);
    expect_nothing(s);
    while (waited + expected < 100 * WGT_SEC) {
        assert_int_equal(sleep_to_deadline(s), expected);
        waited += expected;
        expect(s, TCP_ACK, 1, 1, 1000);
        assert_true(s->out.retransmission);
        expect_nothing(s);
        expected = wgt_time_min(2 * expected, 60 * WGT_SEC);
    }
    /* RFC 9293 3.8.3: R2. */
    sleep_to_deadline(s);
    expect(s, TCP_RST | TCP_ACK, 1001, 1, 0);
    assert_int_equal(tcp_end(&s->c), TCP_END_TIMEOUT);
    assert_int_equal(reclaim_all(s), 1);
    script_free(s);
}

static void
rfc6298_3_karn_no_sample_from_what_was_sent_twice(void **state)
{
    struct script *s = round_mss(false, false);
    wgt_time srtt = s->c.rtt.srtt;

    (void)state;
    send_chunks(s, 1, 1000);
    expect(s, TCP_ACK, 1, 1, 1000);
    expect_nothing(s);
    sleep_to_deadline(s);
    expect(s, TCP_ACK, 1, 1, 1000);
    sleep_for(s, 30 * WGT_MSEC);
    assert_int_equal(feed(s, TCP_ACK, 1, 1001, 0), WGT_OK);
    assert_int_equal(s->c.rtt.srtt, srtt);
    assert_int_equal(s->c.rto_backoff, 1); /* 5.7: kept until there is a sample */
    send_chunks(s, 1, 1000);
    expect(s, TCP_ACK, 1001, 1, 1000);
    sleep_for(s, 30 * WGT_MSEC);
    assert_int_equal(feed(s, TCP_ACK, 1, 2001, 0), WGT_OK);
    assert_int_equal(s->c.rto_backoff, 0);
    script_free(s);
}

static void
rfc7323_4_1_timestamps_give_a_sample_even_then(void **state)
{
    struct script *s = round_mss(true, true);

    (void)state;
    send_chunks(s, 1, 1000);
    expect(s, TCP_ACK, 1, 1, 1000);
    expect_nothing(s);
    sleep_to_deadline(s);
    expect(s, TCP_ACK, 1, 1, 1000);
    sleep_for(s, 80 * WGT_MSEC);
    assert_int_equal(feed(s, TCP_ACK, 1, 1001, 0), WGT_OK);
    assert_int_equal(s->c.rto_backoff, 0);
    assert_int_equal(s->c.rtt.srtt, 10 * WGT_MSEC); /* 7/8 of 0 and 1/8 of 80 */
    script_free(s);
}

static void
echo_of_a_first_copy_whose_ack_was_lost_is_no_sample(void **state)
{
    struct script *s = round_mss(true, true);
    struct tcp_segment ack;
    uint32_t echo;

    (void)state;
    send_chunks(s, 1, 1000);
    expect(s, TCP_ACK, 1, 1, 1000);
    expect_nothing(s);
    echo = s->echo;
    sleep_to_deadline(s);
    expect(s, TCP_ACK, 1, 1, 1000);
    s->echo = echo;
    ack = peer_segment(s, TCP_ACK, 1, 1001, 0);
    ack.n_sack = 1; /* D-SACK */
    ack.sack[0] = (struct tcp_sack_block){our_seq(1), our_seq(1001)};
    sleep_for(s, 30 * WGT_MSEC);
    assert_int_equal(feed_segment(s, &ack), WGT_OK);
    assert_int_equal(s->c.rtt.srtt, 0);
    script_free(s);
}

static void
rfc5681_3_1_timeout_shrinks_to_one_segment(void **state)
{
    struct script *s = round_mss(false, false);

    (void)state;
    send_chunks(s, 10, 1000);
    assert_int_equal(count_output(s), 10);
    sleep_to_deadline(s);
    assert_int_equal(count_output(s), 1);
    assert_int_equal(s->c.cc.cwnd, 1000);
    assert_int_equal(s->c.cc.ssthresh, 7000);
    sleep_to_deadline(s);
    assert_int_equal(count_output(s), 1);
    assert_int_equal(s->c.cc.ssthresh, 7000); /* held: the same segment */
    assert_int_equal(feed(s, TCP_ACK, 1, 1001, 0), WGT_OK);
    assert_int_equal(count_output(s), 2); /* slow start, by ACKs */
    script_free(s);
}

static void
rfc5681_4_1_restart_after_idle(void **state)
{
    struct script *s = round_mss(false, false);

    (void)state;
    s->c.cc.cwnd = 50000;
    send_chunks(s, 1, 1000);
    expect(s, TCP_ACK, 1, 1, 1000);
    assert_int_equal(feed(s, TCP_ACK, 1, 1001, 0), WGT_OK);
    sleep_for(s, 199 * WGT_MSEC);
    send_chunks(s, 1, 1000);
    (void)count_output(s);
    assert_true(s->c.cc.cwnd >= 50000);
    assert_int_equal(feed(s, TCP_ACK, 1, 2001, 0), WGT_OK);
    sleep_for(s, 10 * WGT_SEC);
    send_chunks(s, 20, 1000);
    assert_int_equal(count_output(s), 10);
    assert_int_equal(s->c.cc.cwnd, 10000);
    script_free(s);
}

static void
syn_is_repeated_six_times_with_doubling(void **state)
{
    struct script *s = script_new();
    wgt_time expected = WGT_SEC;

    (void)state;
    tcp_open_active(&s->c, s->now, &s->options);
    expect(s, TCP_SYN, 0, 0, 0);
    expect_nothing(s);
    send_chunks(s, 1, 100);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(sleep_to_deadline(s), expected);
        expect(s, TCP_SYN, 0, 0, 0);
        expect_nothing(s);
        expected = wgt_time_min(2 * expected, 60 * WGT_SEC);
    }
    sleep_to_deadline(s);
    expect_nothing(s);
    assert_int_equal(tcp_end(&s->c), TCP_END_TIMEOUT);
    assert_int_equal(reclaim_all(s), 1);
    script_free(s);
}

static void
syn_ack_is_repeated_five_times(void **state)
{
    struct script *s = script_new();
    struct tcp_segment syn = peer_segment(s, TCP_SYN, 0, 0, 0);

    (void)state;
    assert_int_equal(tcp_open_passive(&s->c, s->now, &s->options, &syn), WGT_OK);
    expect(s, TCP_SYN | TCP_ACK, 0, 1, 0);
    expect_nothing(s);
    for (int i = 0; i < 5; i++) {
        sleep_to_deadline(s);
        expect(s, TCP_SYN | TCP_ACK, 0, 1, 0);
        expect_nothing(s);
    }
    sleep_to_deadline(s);
    expect_nothing(s);
    assert_int_equal(tcp_end(&s->c), TCP_END_TIMEOUT);
    script_free(s);
}

static void
rfc6298_5_7_and_rfc6928_2_after_lost_syns(void **state)
{
    (void)state;
    for (int lost = 1; lost <= 2; lost++) {
        struct script *s = script_new();

        tcp_open_active(&s->c, s->now, &s->options);
        (void)count_output(s);
        for (int i = 0; i < lost; i++) {
            sleep_to_deadline(s);
            assert_int_equal(count_output(s), 1);
        }
        assert_int_equal(feed(s, TCP_SYN | TCP_ACK, 0, 1, 0), WGT_OK);
        assert_int_equal(s->c.rtt.rto, 3 * WGT_SEC);
        assert_int_equal(s->c.cc.cwnd, lost == 1 ? 14600 : 1460);
        script_free(s);
    }
}

static void
user_timeout_is_the_callers(void **state)
{
    struct script *s = script_new();
    wgt_time start;

    (void)state;
    s->options.user_timeout = 7 * WGT_SEC;
    open_passive(s);
    sleep_for(s, 1000 * WGT_SEC); /* idle is no failure */
    send_chunks(s, 1, 100);
    start = s->now;
    while (tcp_state(&s->c) != TCP_CLOSED) {
        (void)count_output(s);
        if (tcp_state(&s->c) != TCP_CLOSED)
            sleep_to_deadline(s);
    }
    assert_int_equal(s->now - start, 7 * WGT_SEC);
    script_free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunk_starts_a_segment_unless_it_fits_whole),
        cmocka_unit_test(chunk_longer_than_the_mss_is_cut_and_nothing_follows_its_tail),
        cmocka_unit_test(cut_chunks_beyond_the_spare_records_wait_for_acks),
        cmocka_unit_test(ack_in_the_middle_of_a_chunk_leaves_the_rest_to_retransmit),
        cmocka_unit_test(no_nagle),
        cmocka_unit_test(fin_rides_on_the_last_data),
        cmocka_unit_test(sends_before_the_handshake_wait_for_it),
        cmocka_unit_test(send_room_is_what_would_leave_at_once),
        cmocka_unit_test(rfc9293_3_8_6_3_ack_every_second_full_segment),
        cmocka_unit_test(rfc9293_3_8_6_3_one_ack_for_a_burst),
        cmocka_unit_test(rfc5681_4_2_gap_and_its_filling_are_acked_at_once),
        cmocka_unit_test(rfc5681_4_2_without_sack_each_duplicate_ack_is_sent),
        cmocka_unit_test(data_carries_the_ack_but_never_sack_blocks),
        cmocka_unit_test(rfc9293_3_8_6_right_edge_never_moves_left),
        cmocka_unit_test(rfc9293_3_8_6_2_2_window_opens_in_worthwhile_steps),
        cmocka_unit_test(rfc9293_3_8_4_send_window_is_respected),
        cmocka_unit_test(rfc9293_3_10_7_4_older_segment_does_not_update_the_window),
        cmocka_unit_test(rfc9293_3_8_6_1_zero_window_is_probed_for_ever),
        cmocka_unit_test(zero_window_without_answers_ends_by_user_timeout),
        cmocka_unit_test(rfc9293_3_8_6_2_1_window_smaller_than_the_segment_is_used_after_a_while),
        cmocka_unit_test(rfc5681_3_2_third_duplicate_ack_retransmits),
        cmocka_unit_test(rfc5681_2_segment_with_data_or_news_is_no_duplicate),
        cmocka_unit_test(rfc6582_3_2_partial_ack_retransmits_the_next_hole),
        cmocka_unit_test(rfc6582_3_2_no_second_reduction_for_old_duplicates),
        cmocka_unit_test(lost_retransmission_is_seen_without_the_timer),
        cmocka_unit_test(rfc2018_5_sacked_segments_are_not_sent_again),
        cmocka_unit_test(rfc2018_8_reneging_is_met_at_the_timeout),
        cmocka_unit_test(forged_sack_blocks_are_ignored),
        cmocka_unit_test(rfc6298_5_timer_runs_while_data_is_out),
        cmocka_unit_test(rfc6298_5_4_to_5_6_timeouts_double),
        cmocka_unit_test(rfc6298_3_karn_no_sample_from_what_was_sent_twice),
        cmocka_unit_test(rfc7323_4_1_timestamps_give_a_sample_even_then),
        cmocka_unit_test(echo_of_a_first_copy_whose_ack_was_lost_is_no_sample),
        cmocka_unit_test(rfc5681_3_1_timeout_shrinks_to_one_segment),
        cmocka_unit_test(rfc5681_4_1_restart_after_idle),
        cmocka_unit_test(syn_is_repeated_six_times_with_doubling),
        cmocka_unit_test(syn_ack_is_repeated_five_times),
        cmocka_unit_test(rfc6298_5_7_and_rfc6928_2_after_lost_syns),
        cmocka_unit_test(user_timeout_is_the_callers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
