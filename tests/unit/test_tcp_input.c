/* SPDX-License-Identifier: BSD-3-Clause */
/* SEGMENT ARRIVES: handshake, checks, reassembly, ends. Each test is named after its rule. */
#include "tcp_script.h"

/* --- handshake --- */

static void
rfc9293_3_5_active_open(void **state)
{
    struct script *s = script_new();

    (void)state;
    s->ts = s->sack = s->wscale = true;
    s->options.receive_buffer = 1 << 20;
    tcp_open_active(&s->c, s->now, &s->options);
    expect(s, TCP_SYN, 0, 0, 0);
    assert_true(s->out.seg.has_mss && s->out.seg.has_wscale && s->out.seg.has_sack_permitted);
    assert_int_equal(s->out.seg.mss, SCRIPT_MSS);
    assert_int_equal(s->out.seg.wscale, 5);
    assert_int_equal(s->out.seg.window, 65535);
    assert_true(s->out.seg.has_ts && s->out.seg.ts_ecr == 0);
    sleep_for(s, 30 * WGT_MSEC);
    assert_int_equal(feed(s, TCP_SYN | TCP_ACK, 0, 1, 0), WGT_OK);
    expect(s, TCP_ACK, 1, 1, 0);
    assert_int_equal(s->out.seg.window, (1 << 20) >> 5);
    assert_int_equal(s->out.seg.ts_ecr, s->peer_ts);
    assert_int_equal(s->c.rtt.srtt, 30 * WGT_MSEC);
    script_free(s);
}

static void
rfc9293_3_5_passive_open_offers_only_what_the_syn_had(void **state)
{
    struct script *s = script_new();
    struct tcp_segment syn = peer_segment(s, TCP_SYN, 0, 0, 0);

    (void)state;
    assert_int_equal(tcp_open_passive(&s->c, s->now, &s->options, &syn), WGT_OK);
    expect(s, TCP_SYN | TCP_ACK, 0, 1, 0);
    assert_true(s->out.seg.has_mss);
    assert_false(s->out.seg.has_ts || s->out.seg.has_wscale || s->out.seg.has_sack_permitted);
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 0), WGT_OK);
    assert_int_equal(tcp_state(&s->c), TCP_ESTABLISHED);
    script_free(s);
}

static void
passive_open_takes_plain_syns_only(void **state)
{
    static const uint8_t flags[] = {TCP_ACK,           TCP_SYN | TCP_ACK, TCP_SYN | TCP_RST,
                                    TCP_SYN | TCP_FIN, TCP_FIN,           0};
    struct script *s = script_new();

    (void)state;
    for (size_t i = 0; i < sizeof(flags); i++) {
        struct tcp_segment seg = peer_segment(s, flags[i], 0, 1, 0);

        assert_int_equal(tcp_open_passive(&s->c, s->now, &s->options, &seg), WGT_DROP_TCP_FLAGS);
        assert_int_equal(tcp_state(&s->c), TCP_CLOSED);
    }
    script_free(s);
}

static void
rfc9293_3_5_simultaneous_open(void **state)
{
    struct script *s = script_new();

    (void)state;
    s->ts = true;
    tcp_open_active(&s->c, s->now, &s->options);
    expect(s, TCP_SYN, 0, 0, 0);
    assert_int_equal(feed(s, TCP_SYN, 0, 0, 0), WGT_OK);
    assert_int_equal(tcp_state(&s->c), TCP_SYN_RECEIVED);
    expect(s, TCP_SYN | TCP_ACK, 0, 1, 0);
    assert_int_equal(feed(s, TCP_SYN | TCP_ACK, 0, 1, 0), WGT_OK);
    assert_int_equal(tcp_state(&s->c), TCP_ESTABLISHED);
    script_free(s);
}

static void
rfc9293_3_10_7_3_syn_sent_bad_ack_is_reset(void **state)
{
    struct script *s = script_new();

    (void)state;
    tcp_open_active(&s->c, s->now, &s->options);
    expect(s, TCP_SYN, 0, 0, 0);
    assert_int_equal(feed(s, TCP_SYN | TCP_ACK, 0, 2, 0), WGT_DROP_TCP_ACK);
    expect(s, TCP_RST, 2, 0, 0);
    assert_int_equal(feed(s, TCP_ACK, 0, 0, 0), WGT_DROP_TCP_ACK);
    expect(s, TCP_RST, 0, 0, 0);
    assert_int_equal(feed(s, TCP_RST | TCP_ACK, 0, 2, 0), WGT_DROP_TCP_ACK);
    expect_nothing(s);
    assert_int_equal(tcp_state(&s->c), TCP_SYN_SENT);
    script_free(s);
}

static void
rfc9293_3_10_7_3_syn_sent_reset_needs_our_ack(void **state)
{
    struct script *s = script_new();

    (void)state;
    tcp_open_active(&s->c, s->now, &s->options);
    expect(s, TCP_SYN, 0, 0, 0);
    assert_int_equal(feed(s, TCP_RST, 0, 0, 0), WGT_DROP_TCP_RST_IGNORED);
    assert_int_equal(tcp_state(&s->c), TCP_SYN_SENT);
    assert_int_equal(feed(s, TCP_RST | TCP_ACK, 0, 1, 0), WGT_OK);
    assert_int_equal(tcp_end(&s->c), TCP_END_REFUSED);
    expect_nothing(s);
    script_free(s);
}

static void
rfc9293_3_10_7_3_syn_sent_ignores_neither_syn_nor_reset(void **state)
{
    struct script *s = script_new();

    (void)state;
    tcp_open_active(&s->c, s->now, &s->options);
    expect(s, TCP_SYN, 0, 0, 0);
    assert_int_equal(feed(s, TCP_ACK, 0, 1, 10), WGT_DROP_TCP_FLAGS);
    assert_int_equal(tcp_state(&s->c), TCP_SYN_SENT);
    script_free(s);
}

static void
rfc9293_3_10_7_4_syn_received_bad_ack_is_reset(void **state)
{
    struct script *s = script_new();
    struct tcp_segment syn = peer_segment(s, TCP_SYN, 0, 0, 0);

    (void)state;
    assert_int_equal(tcp_open_passive(&s->c, s->now, &s->options, &syn), WGT_OK);
    expect(s, TCP_SYN | TCP_ACK, 0, 1, 0);
    assert_int_equal(feed(s, TCP_ACK, 1, 0, 0), WGT_DROP_TCP_ACK);
    expect(s, TCP_RST, 0, 0, 0);
    assert_int_equal(feed(s, TCP_ACK, 1, 2, 0), WGT_DROP_TCP_ACK);
    expect(s, TCP_RST, 2, 0, 0);
    assert_int_equal(tcp_state(&s->c), TCP_SYN_RECEIVED);
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 5), WGT_OK);
    assert_int_equal(read_all(s), 5); /* data may come with the last step */
    script_free(s);
}

static void
syn_received_answers_a_repeated_syn(void **state)
{
    struct script *s = script_new();
    struct tcp_segment syn = peer_segment(s, TCP_SYN, 0, 0, 0);

    (void)state;
    assert_int_equal(tcp_open_passive(&s->c, s->now, &s->options, &syn), WGT_OK);
    expect(s, TCP_SYN | TCP_ACK, 0, 1, 0);
    assert_int_equal(feed(s, TCP_SYN, 0, 0, 0), WGT_DROP_TCP_DUPLICATE);
    expect(s, TCP_SYN | TCP_ACK, 0, 1, 0);
    assert_int_equal(feed(s, TCP_SYN, 0, 0, 0), WGT_DROP_TCP_DUPLICATE);
    expect_nothing(s); /* limited */
    script_free(s);
}

static void
syn_received_reset_ends_quietly(void **state)
{
    struct script *s = script_new();
    struct tcp_segment syn = peer_segment(s, TCP_SYN, 0, 0, 0);

    (void)state;
    assert_int_equal(tcp_open_passive(&s->c, s->now, &s->options, &syn), WGT_OK);
    expect(s, TCP_SYN | TCP_ACK, 0, 1, 0);
    assert_int_equal(feed(s, TCP_RST, 1, 0, 0), WGT_OK);
    assert_int_equal(tcp_state(&s->c), TCP_CLOSED);
    assert_int_equal(tcp_end(&s->c), TCP_END_RESET);
    expect_nothing(s);
    script_free(s);
}

static void
rfc6691_and_rfc1122_mss(void **state)
{
    static const struct {
        uint16_t announced, local;
        bool ts;
        uint32_t mss;
    } rows[] = {{1460, 1460, false, 1460}, {1460, 1460, true, 1448}, {1400, 1460, false, 1400},
                {9000, 1460, false, 1460}, {0, 1460, false, 536},    {10, 1460, false, 48}};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct script *s = script_new();

        s->ts = rows[i].ts;
        s->peer_mss = rows[i].announced;
        s->options.mss_local = rows[i].local;
        open_passive(s);
        send_chunks(s, 1, 3000);
        expect(s, TCP_ACK, 1, 1, rows[i].mss);
        script_free(s);
    }
}

static void
rfc7323_2_2_window_of_a_syn_is_not_scaled(void **state)
{
    struct script *s = script_new();

    (void)state;
    s->wscale = true;
    s->window = 100;
    open_active(s);
    assert_int_equal(s->c.snd_wnd, 100);
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 0), WGT_OK);
    assert_int_equal(s->c.snd_wnd, 1600);
    script_free(s);
}

/* --- checks --- */

static void
rfc5961_3_reset_must_match_exactly(void **state)
{
    struct script *s = script_established(false, false);

    (void)state;
    assert_int_equal(feed(s, TCP_RST, 0, 0, 0), WGT_DROP_TCP_RST_IGNORED);
    assert_int_equal(feed(s, TCP_RST, 1 + 60000, 0, 0), WGT_DROP_TCP_RST_IGNORED);
    expect_nothing(s);
    assert_int_equal(feed(s, TCP_RST, 2, 0, 0), WGT_DROP_TCP_RST_CHALLENGED);
    expect(s, TCP_ACK, 1, 1, 0);
    assert_int_equal(tcp_state(&s->c), TCP_ESTABLISHED);
    assert_int_equal(feed(s, TCP_RST, 1, 0, 0), WGT_OK);
    assert_int_equal(tcp_end(&s->c), TCP_END_RESET);
    expect_nothing(s);
    script_free(s);
}

static void
rfc5961_4_syn_is_challenged_whatever_its_sequence_number(void **state)
{
    static const uint32_t seqs[] = {1, 500, 0, 70000};
    struct script *s = script_established(false, false);

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(feed(s, TCP_SYN, seqs[i], 0, 0), WGT_DROP_TCP_SYN_IN_WINDOW);
        expect(s, TCP_ACK, 1, 1, 0);
        expect_nothing(s);
        sleep_for(s, 600 * WGT_MSEC);
    }
    script_free(s);
}

static void
rfc5961_5_ack_outside_its_window_is_challenged(void **state)
{
    struct script *s = script_established(false, false);

    (void)state;
    assert_int_equal(feed(s, TCP_ACK, 1, 2, 10), WGT_DROP_TCP_ACK); /* of what was never sent */
    expect(s, TCP_ACK, 1, 1, 0);
    assert_int_equal(read_all(s), 0);
    sleep_for(s, 600 * WGT_MSEC);
    assert_int_equal(feed(s, TCP_ACK, 1, 0u - 60000, 10), WGT_DROP_TCP_ACK);
    expect(s, TCP_ACK, 1, 1, 0);
    /* Old, but within the largest window: the data counts. */
    assert_int_equal(feed(s, TCP_ACK, 1, 0u - 50000, 10), WGT_OK);
    assert_int_equal(read_all(s), 10);
    script_free(s);
}

static void
rfc5961_7_challenges_are_limited(void **state)
{
    struct script *s = script_established(false, false);

    (void)state;
    for (int i = 0; i < 10; i++)
        assert_int_equal(feed(s, TCP_RST, 2, 0, 0), WGT_DROP_TCP_RST_CHALLENGED);
    assert_int_equal(count_output(s), 1);
    sleep_for(s, 499 * WGT_MSEC);
    (void)feed(s, TCP_SYN, 2, 0, 0);
    expect_nothing(s);
    sleep_for(s, 1 * WGT_MSEC);
    (void)feed(s, TCP_SYN, 2, 0, 0);
    assert_int_equal(count_output(s), 1);
    script_free(s);
}

static void
rfc9293_3_10_7_4_segment_without_ack_is_dropped(void **state)
{
    struct script *s = script_established(false, false);

    (void)state;
    assert_int_equal(feed(s, 0, 1, 0, 10), WGT_DROP_TCP_NO_ACK);
    assert_int_equal(feed(s, TCP_FIN, 1, 0, 0), WGT_DROP_TCP_NO_ACK);
    expect_nothing(s);
    assert_int_equal(tcp_state(&s->c), TCP_ESTABLISHED);
    script_free(s);
}

static void
rfc9293_3_10_7_4_unacceptable_segment_is_answered(void **state)
{
    struct script *s = script_established(false, false);

    (void)state;
    assert_int_equal(feed(s, TCP_ACK, 1 + 60000, 1, 10), WGT_DROP_TCP_SEQUENCE);
    expect(s, TCP_ACK, 1, 1, 0);
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 10), WGT_OK);
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 10), WGT_DROP_TCP_DUPLICATE);
    expect(s, TCP_ACK, 1, 11, 0);
    assert_int_equal(feed(s, TCP_ACK, 0, 1, 0), WGT_DROP_TCP_SEQUENCE); /* keepalive, probe */
    expect(s, TCP_ACK, 1, 11, 0);
    script_free(s);
}

static void
rfc9293_3_10_7_4_closed_window_still_takes_ack_and_reset(void **state)
{
    struct script *s = script_new();

    (void)state;
    s->options.receive_buffer = 1000;
    open_passive(s);
    send_chunks(s, 1, 500);
    expect(s, TCP_ACK, 1, 1, 500);
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 1000), WGT_OK);
    expect_nothing(s);
    sleep_for(s, 40 * WGT_MSEC);
    expect(s, TCP_ACK, 501, 1001, 0);
    assert_int_equal(s->out.seg.window, 0);
    assert_int_equal(feed(s, TCP_ACK, 1001, 501, 10), WGT_DROP_TCP_SEQUENCE);
    assert_int_equal(s->c.snd_una, our_seq(501));
    expect(s, TCP_ACK, 501, 1001, 0);
    assert_int_equal(feed(s, TCP_RST, 1001, 0, 0), WGT_OK);
    assert_int_equal(tcp_state(&s->c), TCP_CLOSED);
    assert_int_equal(read_all(s), 1000); /* what came before can be read */
    script_free(s);
}

static void
ack_at_the_right_edge_is_taken(void **state)
{
    struct script *s = script_established(false, false);

    (void)state;
    send_chunks(s, 1, 500);
    expect(s, TCP_ACK, 1, 1, 500);
    assert_int_equal(feed(s, TCP_ACK, 1 + 60000, 501, 0), WGT_OK);
    assert_int_equal(s->c.snd_una, our_seq(501));
    script_free(s);
}

static void
rfc7323_5_3_paws_drops_older_timestamps(void **state)
{
    struct script *s = script_established(true, false);

    (void)state;
    s->peer_ts += 1000; /* past the wrap */
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 10), WGT_OK);
    assert_int_equal(count_output(s), 0);
    sleep_for(s, 40 * WGT_MSEC);
    expect(s, TCP_ACK, 1, 11, 0);
    s->peer_ts -= 100;
    assert_int_equal(feed(s, TCP_ACK, 11, 1, 10), WGT_DROP_TCP_PAWS);
    expect(s, TCP_ACK, 1, 11, 0);
    assert_int_equal(feed(s, TCP_RST, 11, 0, 0), WGT_OK); /* never of a reset */
    assert_int_equal(tcp_state(&s->c), TCP_CLOSED);
    script_free(s);
}

static void
rfc7323_5_5_paws_forgets_after_24_days(void **state)
{
    struct script *s = script_established(true, false);
    uint32_t ts = s->peer_ts;

    (void)state;
    sleep_for(s, UINT64_C(25) * 86400 * WGT_SEC);
    s->peer_ts = ts - 100;
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 10), WGT_OK);
    assert_int_equal(s->c.ts_recent, ts - 100);
    script_free(s);
}

static void
rfc7323_3_2_segment_without_the_option_is_taken(void **state)
{
    struct script *s = script_established(true, false);

    (void)state;
    s->ts = false;
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 10), WGT_OK);
    assert_int_equal(read_all(s), 10);
    script_free(s);
}

static void
rfc7323_4_3_echo_is_of_the_earliest_unanswered_segment(void **state)
{
    struct script *s = script_established(true, true);
    uint32_t first = s->peer_ts + 5;

    (void)state;
    s->peer_ts = first;
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 10), WGT_OK);
    s->peer_ts += 7;
    assert_int_equal(feed(s, TCP_ACK, 11, 1, 10), WGT_OK);
    sleep_for(s, 40 * WGT_MSEC);
    expect(s, TCP_ACK, 1, 21, 0);
    assert_int_equal(s->out.seg.ts_ecr, first);
    /* Beyond a hole: not echoed. */
    s->peer_ts += 50;
    assert_int_equal(feed(s, TCP_ACK, 31, 1, 10), WGT_OK);
    expect(s, TCP_ACK, 1, 21, 0);
    assert_int_equal(s->out.seg.ts_ecr, first);
    script_free(s);
}

/* --- reassembly --- */

static void
rfc9293_3_10_7_4_out_of_order_segments_are_put_in_order(void **state)
{
    struct script *s = script_established(false, true);

    (void)state;
    assert_int_equal(feed(s, TCP_ACK, 2001, 1, 1000), WGT_OK);
    assert_int_equal(feed(s, TCP_ACK, 1001, 1, 1000), WGT_OK);
    assert_int_equal(read_all(s), 0);
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 1000), WGT_OK);
    assert_int_equal(read_all(s), 3000);
    expect(s, TCP_ACK, 1, 3001, 0);
    script_free(s);
}

/* Random pieces, overlapping in every way: each byte is delivered once and in order. */
static void
overlapping_segments_are_trimmed_at_both_ends(void **state)
{
    uint32_t rng = 12345;

    (void)state;
    for (int round = 0; round < 400; round++) {
        struct script *s = script_established(false, true);
        uint32_t got = 0;

        while (got < 4000 && s->n_rx < SCRIPT_CHUNKS - 2) {
            uint32_t seq, len;

            rng = rng * 1664525 + 1013904223;
            seq = 1 + (rng >> 8) % 4000;
            rng = rng * 1664525 + 1013904223;
            len = 1 + (rng >> 8) % 700;
            if (seq + len > 4001)
                len = 4001 - seq;
            (void)feed(s, TCP_ACK, seq, 1, len);
            got += read_all(s);
            (void)count_output(s);
            for (const struct tcp_rx_run *run = s->c.run_head; run != s->c.run_tail;
                 run = run->next)
                assert_true(seq_lt(run->right, run->next->left));
        }
        assert_int_equal(s->c.rcv_nxt, peer_seq(1 + got));
        script_free(s);
    }
}

static void
out_of_order_queue_is_bounded(void **state)
{
    struct script *s = script_established(false, true);

    (void)state;
    /* One byte each, a hole between: the runs are bounded. */
    for (uint32_t i = 0; i < TCP_RX_RUNS; i++)
        assert_int_equal(feed(s, TCP_ACK, 3 + 2 * i, 1, 1), WGT_OK);
    assert_int_equal(feed(s, TCP_ACK, 5003, 1, 1), WGT_DROP_TCP_REASSEMBLY_FULL);
    assert_int_equal(feed(s, TCP_ACK, 4, 1, 1), WGT_OK); /* joins two */
    assert_int_equal(feed(s, TCP_ACK, 5003, 1, 1), WGT_OK);
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 2000), WGT_OK); /* covers nearly all */
    assert_int_equal(read_all(s), 2000);
    assert_int_equal(s->c.n_runs, 1);
    script_free(s);
}

static void
tiny_segments_cannot_pin_every_buffer(void **state)
{
    struct script *s = script_new();

    (void)state;
    s->options.receive_buffer = 6400;
    open_passive(s);
    for (uint32_t i = 0; i < 4 + 25; i++)
        assert_int_equal(feed(s, TCP_ACK, 1 + i, 1, 1), WGT_OK);
    assert_int_equal(feed(s, TCP_ACK, 30, 1, 1), WGT_DROP_TCP_REASSEMBLY_FULL);
    assert_int_equal(read_all(s), 29);
    assert_int_equal(feed(s, TCP_ACK, 30, 1, 1), WGT_OK);
    script_free(s);
}

static void
rfc2018_4_newest_block_first(void **state)
{
    struct script *s = script_established(false, true);

    (void)state;
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 99), WGT_OK);
    (void)count_output(s);
    assert_int_equal(feed(s, TCP_ACK, 200, 1, 100), WGT_OK);
    expect(s, TCP_ACK, 1, 100, 0);
    assert_int_equal(s->out.seg.n_sack, 1);
    expect_block(s, 0, 200, 300);
    assert_int_equal(feed(s, TCP_ACK, 400, 1, 100), WGT_OK);
    expect(s, TCP_ACK, 1, 100, 0);
    assert_int_equal(s->out.seg.n_sack, 2);
    expect_block(s, 0, 400, 500);
    expect_block(s, 1, 200, 300);
    script_free(s);
}

static void
rfc2883_4_duplicate_is_reported_first(void **state)
{
    struct script *s = script_established(false, true);

    (void)state;
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 99), WGT_OK);
    assert_int_equal(feed(s, TCP_ACK, 200, 1, 100), WGT_OK);
    assert_int_equal(feed(s, TCP_ACK, 400, 1, 100), WGT_OK);
    (void)count_output(s);
    assert_int_equal(feed(s, TCP_ACK, 200, 1, 100), WGT_DROP_TCP_DUPLICATE);
    expect(s, TCP_ACK, 1, 100, 0);
    assert_int_equal(s->out.seg.n_sack, 3);
    expect_block(s, 0, 200, 300);
    expect_block(s, 1, 200, 300);
    expect_block(s, 2, 400, 500);
    assert_int_equal(feed(s, TCP_ACK, 100, 1, 100), WGT_OK);
    (void)count_output(s);
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 99), WGT_DROP_TCP_DUPLICATE);
    expect(s, TCP_ACK, 1, 300, 0);
    assert_int_equal(s->out.seg.n_sack, 2);
    expect_block(s, 0, 1, 100);
    expect_block(s, 1, 400, 500);
    script_free(s);
}

static void
rfc2018_3_three_blocks_beside_timestamps_four_without(void **state)
{
    (void)state;
    for (int ts = 0; ts < 2; ts++) {
        struct script *s = script_established(ts, true);

        for (uint32_t i = 1; i <= 6; i++)
            assert_int_equal(feed(s, TCP_ACK, 1 + 200 * i, 1, 100), WGT_OK);
        expect(s, TCP_ACK, 1, 1, 0);
        assert_int_equal(s->out.seg.n_sack, ts ? 3 : 4);
        expect_block(s, 0, 1201, 1301);
        expect_block(s, 2, 801, 901);
        script_free(s);
    }
}

/* --- ends --- */

static void
rfc9293_3_6_active_close(void **state)
{
    struct script *s = script_established(false, false);

    (void)state;
    tcp_close(&s->c, s->now);
    assert_int_equal(tcp_state(&s->c), TCP_FIN_WAIT_1);
    expect(s, TCP_FIN | TCP_ACK, 1, 1, 0);
    assert_int_equal(feed(s, TCP_ACK, 1, 2, 0), WGT_OK);
    assert_int_equal(tcp_state(&s->c), TCP_FIN_WAIT_2);
    assert_int_equal(feed(s, TCP_FIN | TCP_ACK, 1, 2, 0), WGT_OK);
    assert_int_equal(tcp_state(&s->c), TCP_TIME_WAIT);
    expect(s, TCP_ACK, 2, 2, 0);
    assert_int_equal(sleep_to_deadline(s), 60 * WGT_SEC);
    expect_nothing(s);
    assert_int_equal(tcp_state(&s->c), TCP_CLOSED);
    assert_int_equal(tcp_end(&s->c), TCP_END_NORMAL);
    script_free(s);
}

static void
rfc9293_3_6_passive_close(void **state)
{
    struct script *s = script_established(false, false);

    (void)state;
    assert_int_equal(feed(s, TCP_FIN | TCP_ACK, 1, 1, 5), WGT_OK);
    assert_int_equal(tcp_state(&s->c), TCP_CLOSE_WAIT);
    assert_true(tcp_peer_closed(&s->c));
    expect(s, TCP_ACK, 1, 7, 0);
    send_chunks(s, 1, 10); /* half closed: we may go on */
    expect(s, TCP_ACK, 1, 7, 10);
    tcp_close(&s->c, s->now);
    assert_int_equal(tcp_state(&s->c), TCP_LAST_ACK);
    expect(s, TCP_FIN | TCP_ACK, 11, 7, 0);
    assert_int_equal(feed(s, TCP_ACK, 7, 12, 0), WGT_OK);
    assert_int_equal(tcp_state(&s->c), TCP_CLOSED);
    assert_int_equal(tcp_end(&s->c), TCP_END_NORMAL);
    assert_int_equal(read_all(s), 5);
    script_free(s);
}

static void
rfc9293_3_6_simultaneous_close(void **state)
{
    struct script *s = script_established(false, false);

    (void)state;
    tcp_close(&s->c, s->now);
    expect(s, TCP_FIN | TCP_ACK, 1, 1, 0);
    assert_int_equal(feed(s, TCP_FIN | TCP_ACK, 1, 1, 0), WGT_OK);
    assert_int_equal(tcp_state(&s->c), TCP_CLOSING);
    expect(s, TCP_ACK, 2, 2, 0);
    assert_int_equal(feed(s, TCP_ACK, 2, 2, 0), WGT_OK);
    assert_int_equal(tcp_state(&s->c), TCP_TIME_WAIT);
    script_free(s);
}

static void
fin_with_the_ack_of_ours_goes_to_time_wait(void **state)
{
    struct script *s = script_established(false, false);

    (void)state;
    tcp_close(&s->c, s->now);
    expect(s, TCP_FIN | TCP_ACK, 1, 1, 0);
    assert_int_equal(feed(s, TCP_FIN | TCP_ACK, 1, 2, 0), WGT_OK);
    assert_int_equal(tcp_state(&s->c), TCP_TIME_WAIT);
    script_free(s);
}

static void
rfc9293_3_10_7_4_fin_waits_for_what_is_before_it(void **state)
{
    struct script *s = script_established(false, true);

    (void)state;
    assert_int_equal(feed(s, TCP_FIN | TCP_ACK, 11, 1, 10), WGT_OK);
    assert_int_equal(tcp_state(&s->c), TCP_ESTABLISHED);
    assert_false(tcp_peer_closed(&s->c));
    expect(s, TCP_ACK, 1, 1, 0);
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 10), WGT_OK);
    assert_int_equal(tcp_state(&s->c), TCP_CLOSE_WAIT);
    expect(s, TCP_ACK, 1, 22, 0);
    assert_int_equal(read_all(s), 20);
    script_free(s);
}

static void
rfc9293_3_10_7_4_time_wait_answers_a_repeated_fin(void **state)
{
    struct script *s = script_established(false, false);

    (void)state;
    tcp_close(&s->c, s->now);
    expect(s, TCP_FIN | TCP_ACK, 1, 1, 0);
    assert_int_equal(feed(s, TCP_FIN | TCP_ACK, 1, 2, 0), WGT_OK);
    expect(s, TCP_ACK, 2, 2, 0);
    sleep_for(s, 50 * WGT_SEC);
    assert_int_equal(feed(s, TCP_FIN | TCP_ACK, 1, 2, 0), WGT_DROP_TCP_SEQUENCE);
    expect(s, TCP_ACK, 2, 2, 0);
    assert_int_equal(sleep_to_deadline(s), 60 * WGT_SEC); /* 2 MSL anew */
    script_free(s);
}

static void
half_close_still_receives(void **state)
{
    struct script *s = script_established(false, false);

    (void)state;
    tcp_close(&s->c, s->now);
    assert_false(send_chunk(s, 10));
    expect(s, TCP_FIN | TCP_ACK, 1, 1, 0);
    assert_int_equal(feed(s, TCP_ACK, 1, 2, 100), WGT_OK);
    assert_int_equal(read_all(s), 100);
    script_free(s);
}

static void
fin_wait_2_is_limited(void **state)
{
    struct script *s = script_established(false, false);

    (void)state;
    tcp_close(&s->c, s->now);
    expect(s, TCP_FIN | TCP_ACK, 1, 1, 0);
    assert_int_equal(feed(s, TCP_ACK, 1, 2, 0), WGT_OK);
    sleep_for(s, 59 * WGT_SEC);
    assert_int_equal(feed(s, TCP_ACK, 1, 2, 100), WGT_OK); /* not idle */
    (void)count_output(s);
    sleep_for(s, 59 * WGT_SEC);
    (void)count_output(s);
    assert_int_equal(tcp_state(&s->c), TCP_FIN_WAIT_2);
    sleep_for(s, 1 * WGT_SEC);
    expect(s, TCP_RST | TCP_ACK, 2, 101, 0);
    assert_int_equal(tcp_end(&s->c), TCP_END_TIMEOUT);
    script_free(s);
}

static void
rfc2525_2_17_data_after_the_end_is_reset(void **state)
{
    struct script *s = script_established(false, false);

    (void)state;
    tcp_abort(&s->c, s->now);
    expect(s, TCP_RST | TCP_ACK, 1, 1, 0);
    assert_int_equal(tcp_end(&s->c), TCP_END_ABORTED);
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 10), WGT_DROP_TCP_AFTER_CLOSE);
    expect(s, TCP_RST, 1, 0, 0);
    assert_int_equal(feed(s, TCP_RST, 1, 1, 0), WGT_DROP_TCP_NO_CONNECTION);
    expect_nothing(s);
    script_free(s);
}

static void
data_behind_the_peers_fin_is_not_delivered(void **state)
{
    struct script *s = script_established(false, false);

    (void)state;
    assert_int_equal(feed(s, TCP_FIN | TCP_ACK, 1, 1, 5), WGT_OK);
    assert_int_equal(feed(s, TCP_ACK, 7, 1, 5), WGT_DROP_TCP_AFTER_CLOSE);
    assert_int_equal(read_all(s), 5);
    script_free(s);
}

static void
rfc9293_3_10_5_abort_resets_synchronised_states_only(void **state)
{
    struct script *s = script_new();
    struct tcp_segment syn = peer_segment(s, TCP_SYN, 0, 0, 0);

    (void)state;
    tcp_open_active(&s->c, s->now, &s->options);
    expect(s, TCP_SYN, 0, 0, 0);
    tcp_abort(&s->c, s->now);
    expect_nothing(s);
    assert_int_equal(tcp_open_passive(&s->c, s->now, &s->options, &syn), WGT_OK);
    expect(s, TCP_SYN | TCP_ACK, 0, 1, 0);
    tcp_abort(&s->c, s->now);
    expect(s, TCP_RST | TCP_ACK, 1, 1, 0);
    expect_nothing(s);
    script_free(s);
}

static void
rfc9293_3_10_7_1_reset_for_no_connection(void **state)
{
    static uint8_t ten[10];
    static const struct {
        uint8_t flags;
        uint32_t len, seq, ack;
        uint8_t answer;
    } rows[] = {
        {TCP_SYN, 0, 0, 101, TCP_RST | TCP_ACK},
        {TCP_SYN | TCP_FIN, 0, 0, 102, TCP_RST | TCP_ACK},
        {TCP_SYN, 10, 0, 111, TCP_RST | TCP_ACK},
        {0, 0, 0, 100, TCP_RST | TCP_ACK},
        {TCP_ACK, 10, 777, 0, TCP_RST},
        {TCP_SYN | TCP_ACK, 0, 777, 0, TCP_RST},
        {TCP_RST, 0, 0, 0, 0},
        {TCP_RST | TCP_ACK | TCP_SYN, 0, 0, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tcp_segment out, in = {.src_port = 5,
                                      .dst_port = 6,
                                      .seq = 100,
                                      .ack = 777,
                                      .flags = rows[i].flags,
                                      .payload = {ten, rows[i].len}};

        assert_int_equal(tcp_reset_for(&in, &out), rows[i].answer != 0);
        if (rows[i].answer == 0)
            continue;
        assert_int_equal(out.flags, rows[i].answer);
        assert_int_equal(out.seq, rows[i].seq);
        assert_int_equal(out.ack, rows[i].ack);
        assert_int_equal(out.src_port, 6);
        assert_int_equal(out.dst_port, 5);
    }
}

static void
rfc9293_3_8_5_urgent_data_is_taken_in_line(void **state)
{
    struct script *s = script_established(false, false);
    struct tcp_segment seg = peer_segment(s, TCP_ACK | TCP_URG, 1, 1, 10);

    (void)state;
    seg.urgent = 5;
    assert_int_equal(feed_segment(s, &seg), WGT_OK);
    assert_int_equal(read_all(s), 10);
    script_free(s);
}

static void
payload_without_a_node_is_not_acknowledged(void **state)
{
    struct script *s = script_established(false, false);
    struct tcp_segment seg = peer_segment(s, TCP_ACK, 1, 1, 10);
    bool kept = true;

    (void)state;
    assert_int_equal(tcp_input(&s->c, s->now, &seg, NULL, &kept), WGT_DROP_NO_BUFFER);
    assert_false(kept);
    expect_nothing(s); /* as if it had been lost */
    assert_int_equal(s->c.rcv_nxt, peer_seq(1));
    script_free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc9293_3_5_active_open),
        cmocka_unit_test(rfc9293_3_5_passive_open_offers_only_what_the_syn_had),
        cmocka_unit_test(passive_open_takes_plain_syns_only),
        cmocka_unit_test(rfc9293_3_5_simultaneous_open),
        cmocka_unit_test(rfc9293_3_10_7_3_syn_sent_bad_ack_is_reset),
        cmocka_unit_test(rfc9293_3_10_7_3_syn_sent_reset_needs_our_ack),
        cmocka_unit_test(rfc9293_3_10_7_3_syn_sent_ignores_neither_syn_nor_reset),
        cmocka_unit_test(rfc9293_3_10_7_4_syn_received_bad_ack_is_reset),
        cmocka_unit_test(syn_received_answers_a_repeated_syn),
        cmocka_unit_test(syn_received_reset_ends_quietly),
        cmocka_unit_test(rfc6691_and_rfc1122_mss),
        cmocka_unit_test(rfc7323_2_2_window_of_a_syn_is_not_scaled),
        cmocka_unit_test(rfc5961_3_reset_must_match_exactly),
        cmocka_unit_test(rfc5961_4_syn_is_challenged_whatever_its_sequence_number),
        cmocka_unit_test(rfc5961_5_ack_outside_its_window_is_challenged),
        cmocka_unit_test(rfc5961_7_challenges_are_limited),
        cmocka_unit_test(rfc9293_3_10_7_4_segment_without_ack_is_dropped),
        cmocka_unit_test(rfc9293_3_10_7_4_unacceptable_segment_is_answered),
        cmocka_unit_test(rfc9293_3_10_7_4_closed_window_still_takes_ack_and_reset),
        cmocka_unit_test(ack_at_the_right_edge_is_taken),
        cmocka_unit_test(rfc7323_5_3_paws_drops_older_timestamps),
        cmocka_unit_test(rfc7323_5_5_paws_forgets_after_24_days),
        cmocka_unit_test(rfc7323_3_2_segment_without_the_option_is_taken),
        cmocka_unit_test(rfc7323_4_3_echo_is_of_the_earliest_unanswered_segment),
        cmocka_unit_test(rfc9293_3_10_7_4_out_of_order_segments_are_put_in_order),
        cmocka_unit_test(overlapping_segments_are_trimmed_at_both_ends),
        cmocka_unit_test(out_of_order_queue_is_bounded),
        cmocka_unit_test(tiny_segments_cannot_pin_every_buffer),
        cmocka_unit_test(rfc2018_4_newest_block_first),
        cmocka_unit_test(rfc2883_4_duplicate_is_reported_first),
        cmocka_unit_test(rfc2018_3_three_blocks_beside_timestamps_four_without),
        cmocka_unit_test(rfc9293_3_6_active_close),
        cmocka_unit_test(rfc9293_3_6_passive_close),
        cmocka_unit_test(rfc9293_3_6_simultaneous_close),
        cmocka_unit_test(fin_with_the_ack_of_ours_goes_to_time_wait),
        cmocka_unit_test(rfc9293_3_10_7_4_fin_waits_for_what_is_before_it),
        cmocka_unit_test(rfc9293_3_10_7_4_time_wait_answers_a_repeated_fin),
        cmocka_unit_test(half_close_still_receives),
        cmocka_unit_test(fin_wait_2_is_limited),
        cmocka_unit_test(rfc2525_2_17_data_after_the_end_is_reset),
        cmocka_unit_test(data_behind_the_peers_fin_is_not_delivered),
        cmocka_unit_test(rfc9293_3_10_5_abort_resets_synchronised_states_only),
        cmocka_unit_test(rfc9293_3_10_7_1_reset_for_no_connection),
        cmocka_unit_test(rfc9293_3_8_5_urgent_data_is_taken_in_line),
        cmocka_unit_test(payload_without_a_node_is_not_acknowledged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
