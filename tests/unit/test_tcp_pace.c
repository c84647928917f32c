/* SPDX-License-Identifier: BSD-3-Clause */
/* Pacing and the pull model. The round trip is 100 ms, segments have 1000 bytes. */
#include "tcp_script.h"

enum { RTT_MS = 100, WARM_UP = 10 };

/* Beyond the initial window, which is not paced; nothing is out. rate: bytes a second, 0: by cwnd.
 */
static struct script *
established(uint64_t rate)
{
    struct script *s = script_new();

    s->sack = true;
    s->peer_mss = 1000;
    s->wscale = true;
    s->rtt = RTT_MS * WGT_MSEC;
    s->options.cc = &tcp_cc_cubic;
    open_passive(s);
    s->c.snd_wnd = s->c.snd_wnd_max = 1 << 20;
    s->c.cc.pacing_rate = rate;
    send_chunks(s, WARM_UP, 1000);
    assert_int_equal(count_output(s), WARM_UP);
    sleep_for(s, RTT_MS * WGT_MSEC);
    s->window = 65535;
    assert_int_equal(feed(s, TCP_ACK, 1, 1 + 1000 * WARM_UP, 0), WGT_OK);
    s->c.cc.cwnd = 200000;
    s->c.cc.ssthresh = 100000;
    expect_nothing(s);
    return s;
}

/* Sends what is queued as the deadline says; returns how long that took. */
static wgt_time
drain(struct script *s, int *largest_burst)
{
    wgt_time start = s->now;
    int n;

    *largest_burst = 0;
    while ((n = count_output(s)) > 0 || tcp_unsent(&s->c) > 0) {
        *largest_burst = n > *largest_burst ? n : *largest_burst;
        if (tcp_unsent(&s->c) == 0)
            break;
        sleep_to_deadline(s);
    }
    return s->now - start;
}

static void
initial_window_leaves_as_it_is(void **state)
{
    struct script *s = script_new();

    (void)state;
    s->rtt = RTT_MS * WGT_MSEC;
    s->peer_mss = 1000;
    s->options.cc = &tcp_cc_cubic;
    open_passive(s);
    send_chunks(s, 10, 1000);
    assert_int_equal(count_output(s), 10);
    script_free(s);
}

static void
data_leaves_at_the_rate_of_the_algorithm(void **state)
{
    struct script *s = established(1000000); /* 1 ms a segment */
    wgt_time took;
    int burst;

    (void)state;
    send_chunks(s, 110, 1000);
    took = drain(s, &burst);
    /* What a pause allows at once is no more than an initial window. */
    assert_in_range(took, 96 * WGT_MSEC, 110 * WGT_MSEC);
    assert_in_range(burst, 1, 12);
    script_free(s);
}

static void
without_a_rate_cwnd_is_spread_over_the_round_trip(void **state)
{
    struct script *s = established(0); /* 1.25 * 200000 bytes in 100 ms: 2.5 MB/s */
    wgt_time took;
    int burst;

    (void)state;
    send_chunks(s, 150, 1000);
    took = drain(s, &burst);
    assert_in_range(took, 52 * WGT_MSEC, 62 * WGT_MSEC);
    assert_in_range(burst, 1, 18);
    script_free(s);
}

static void
slow_start_is_paced_at_twice_the_window(void **state)
{
    struct script *s = established(0);
    wgt_time took;
    int burst;

    (void)state;
    s->c.cc.ssthresh = UINT32_MAX;
    send_chunks(s, 150, 1000);
    took = drain(s, &burst); /* 4 MB/s */
    assert_in_range(took, 32 * WGT_MSEC, 39 * WGT_MSEC);
    script_free(s);
}

static void
room_follows_the_pacer(void **state)
{
    struct script *s = established(100000); /* 10 ms a segment */
    uint32_t room, sent = 0;

    (void)state;
    for (int i = 0; i < 100 && (room = tcp_send_room(&s->c, s->now)) > 0; i++) {
        assert_true(tcp_send_room_at(&s->c, s->now) == WGT_NEVER || room > 0);
        send_chunks(s, 1, room < 1000 ? room : 1000);
        sent += room < 1000 ? room : 1000;
        (void)count_output(s);
    }
    assert_in_range(sent, 1000, 12000);
    assert_int_equal(tcp_unsent(&s->c), 0);
    assert_true(tcp_send_room_at(&s->c, s->now) > s->now);
    assert_true(tcp_send_room_at(&s->c, s->now) <= s->now + 20 * WGT_MSEC);
    sleep_for(s, tcp_send_room_at(&s->c, s->now) - s->now);
    assert_true(tcp_send_room(&s->c, s->now) > 0);
    send_chunks(s, 1, 1000);
    assert_int_equal(count_output(s), 1);
    script_free(s);
}

/* Room that an ACK alone can open has no time. */
static void
window_that_is_full_waits_for_no_pacer(void **state)
{
    struct script *s = established(100000);
    int burst;

    (void)state;
    s->c.cc.cwnd = 5000;
    s->c.cc.ssthresh = 5000;
    send_chunks(s, 5, 1000);
    (void)drain(s, &burst);
    assert_int_equal(tcp_send_room(&s->c, s->now), 0);
    assert_true(tcp_send_room_at(&s->c, s->now) == WGT_NEVER);
    script_free(s);
}

static void
first_retransmission_does_not_wait_for_the_pacer(void **state)
{
    struct script *s = established(100000); /* 10 ms a segment */

    (void)state;
    send_chunks(s, 60, 1000);
    (void)count_output(s);
    while (s->c.tx->flight.bytes < 12000) {
        sleep_to_deadline(s);
        (void)count_output(s);
    }
    sleep_for(s, RTT_MS * WGT_MSEC - 1);
    s->c.cc.pacing_rate = 2000; /* half a second a segment */
    (void)count_output(s);
    assert_int_equal(tcp_send_room(&s->c, s->now), 0);
    assert_int_equal(feed_sack(s, 1, 10001, 11001, 18001, 0, 0), WGT_OK);
    assert_true(output(s));
    assert_true(s->out.retransmission);
    assert_int_equal(s->out.seg.seq, our_seq(10001));
    script_free(s);
}

/* A sender that the pacer holds back uses its window; one without data does not. */
static bool told_limited;

static void
note_limited(struct tcp_cc *cc, const struct tcp_cc_ack *ack)
{
    (void)cc;
    told_limited = ack->cwnd_limited;
}

static void
rfc2861_paced_sender_is_limited_and_an_idle_one_is_not(void **state)
{
    struct tcp_cc_ops noting = tcp_cc_cubic;
    struct script *s = established(100000);

    (void)state;
    noting.acked = note_limited;
    s->c.cc.ops = &noting;
    send_chunks(s, 20, 1000);
    assert_true(count_output(s) < 20);
    assert_int_equal(feed(s, TCP_ACK, 1, 11001, 0), WGT_OK);
    assert_true(told_limited);
    while (tcp_unsent(&s->c) > 0) {
        sleep_to_deadline(s);
        (void)count_output(s);
    }
    tcp_app_limited(&s->c);
    assert_int_equal(feed(s, TCP_ACK, 1, 12001, 0), WGT_OK);
    assert_false(told_limited);
    s->c.cc.ops = &tcp_cc_cubic;
    script_free(s);
}

static void
sizes(void **state)
{
    (void)state;
    print_message("connection %zu, record of a segment %zu, chunk %zu bytes\n",
                  sizeof(struct tcp_conn), sizeof(struct tcp_sent), sizeof(struct tcp_chunk));
    assert_true(sizeof(struct tcp_sent) <= 128);
    print_message("and while busy %zu\n", sizeof(struct tcp_tx));
    assert_true(sizeof(struct tcp_tx) <= 320);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(initial_window_leaves_as_it_is),
        cmocka_unit_test(data_leaves_at_the_rate_of_the_algorithm),
        cmocka_unit_test(without_a_rate_cwnd_is_spread_over_the_round_trip),
        cmocka_unit_test(slow_start_is_paced_at_twice_the_window),
        cmocka_unit_test(room_follows_the_pacer),
        cmocka_unit_test(window_that_is_full_waits_for_no_pacer),
        cmocka_unit_test(first_retransmission_does_not_wait_for_the_pacer),
        cmocka_unit_test(rfc2861_paced_sender_is_limited_and_an_idle_one_is_not),
        cmocka_unit_test(sizes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
