/* SPDX-License-Identifier: BSD-3-Clause */
/* What a connection has only while something is queued or outstanding (struct tcp_tx): when it is
 * drawn, when it goes back, and that nobody misses it. */
#include "tcp_script.h"

enum { RTT_MS = 100 };

static struct script *
established(bool sack)
{
    struct script *s = script_new();

    s->sack = sack;
    s->ts = true;
    s->peer_mss = 1012;
    s->rtt = RTT_MS * WGT_MSEC;
    open_passive(s);
    return s;
}

static void
held_from_the_first_chunk_to_the_last_ack(void **state)
{
    (void)state;
    for (int sack = 0; sack < 2; sack++) {
        struct script *s = established(sack);

        assert_int_equal(s->memory.n_busy, 0);
        for (uint32_t i = 0; i < 3; i++) {
            send_chunks(s, 2, 1000);
            assert_int_equal(s->memory.n_busy, 1);
            assert_int_equal(count_output(s), 2);
            sleep_for(s, RTT_MS * WGT_MSEC);
            assert_int_equal(feed(s, TCP_ACK, 1, 2000 * i + 1001, 0), WGT_OK);
            expect_nothing(s);
            assert_int_equal(s->memory.n_busy, 1);
            assert_int_equal(feed(s, TCP_ACK, 1, 2000 * i + 2001, 0), WGT_OK);
            expect_nothing(s);
            assert_int_equal(s->memory.n_busy, 0);
            assert_int_equal(tcp_flight(&s->c), 0);
            assert_int_equal(tcp_unsent(&s->c), 0);
        }
        script_free(s);
    }
}

/* Closed windows, and the FIN. */
static void
held_while_the_window_is_closed_and_for_the_fin(void **state)
{
    struct script *s = established(true);

    (void)state;
    s->window = 0;
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 0), WGT_OK);
    expect_nothing(s);
    send_chunks(s, 1, 1000);
    expect_nothing(s);
    assert_int_equal(s->memory.n_busy, 1);
    sleep_to_deadline(s);
    expect(s, TCP_ACK, 0, 1, 0); /* a window probe */
    s->window = 60000;
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 0), WGT_OK);
    expect(s, TCP_ACK, 1, 1, 1000);
    assert_int_equal(feed(s, TCP_ACK, 1, 1001, 0), WGT_OK);
    expect_nothing(s);
    assert_int_equal(s->memory.n_busy, 0);
    tcp_close(&s->c, s->now);
    expect(s, TCP_ACK | TCP_FIN, 1001, 1, 0);
    assert_int_equal(s->memory.n_busy, 1);
    assert_int_equal(feed(s, TCP_ACK, 1, 1002, 0), WGT_OK);
    expect_nothing(s);
    assert_int_equal(s->memory.n_busy, 0);
    script_free(s);
}

/* Nothing that a peer can say to an idle connection needs it, or writes to the one that all share.
 */
static void
idle_connection_takes_every_ack(void **state)
{
    (void)state;
    for (int sack = 0; sack < 2; sack++) {
        struct script *s = established(sack);
        struct icmp_error e = {.kind = ICMP_ERROR_TOO_BIG,
                               .mtu = 576,
                               .seq = our_seq(1001),
                               .packet_len = 1052,
                               .dst.addr.family = IP_V4};

        send_chunks(s, 1, 1000);
        assert_int_equal(count_output(s), 1);
        assert_int_equal(feed(s, TCP_ACK, 1, 1001, 0), WGT_OK);
        expect_nothing(s);
        assert_int_equal(feed(s, TCP_ACK, 1, 1001, 0), WGT_OK);
        s->window = 3000; /* another window */
        assert_int_equal(feed(s, TCP_ACK, 1, 1001, 0), WGT_OK);
        if (sack) {
            assert_int_equal(feed_sack(s, 1, 1001, 1, 1001, 0, 0), WGT_OK);       /* D-SACK */
            assert_int_equal(feed_sack(s, 1, 1001, 2001, 3001, 0, 0), WGT_OK);    /* not sent */
            assert_int_equal(feed_sack(s, 1, 1001, 501, 601, 401, 1001), WGT_OK); /* both old */
        }
        assert_int_equal(tcp_icmp(&s->c, s->now, &e), WGT_DROP_ICMP_SEQUENCE);
        assert_int_equal(feed(s, TCP_ACK, 1, 5001, 0), WGT_DROP_TCP_ACK);
        assert_int_equal(feed(s, TCP_ACK | TCP_PSH, 1, 1001, 10), WGT_OK);
        assert_int_equal(read_all(s), 10);
        (void)count_output(s);
        tcp_app_limited(&s->c);
        assert_true(tcp_send_room(&s->c, s->now) > 0);
        assert_false(tcp_stalled(&s->c));
        assert_int_equal(s->memory.n_busy, 0);
        script_free(s);
    }
}

/* RFC 3708: a D-SACK says within a round trip that the repair was needless; so long it is kept, and
 * one RTO after the last transmission it is not. */
static void
kept_until_no_d_sack_can_undo_the_repair(void **state)
{
    (void)state;
    for (int late = 0; late < 2; late++) {
        struct script *s = established(true);

        send_chunks(s, 10, 1000);
        assert_int_equal(count_output(s), 10);
        sleep_for(s, RTT_MS * WGT_MSEC);
        assert_int_equal(feed_sack(s, 1, 1, 1001, 4001, 0, 0), WGT_OK);
        expect(s, TCP_ACK, 1, 1, 1000);
        expect_nothing(s);
        assert_true(s->c.cc.ssthresh < 10000);
        sleep_for(s, RTT_MS * WGT_MSEC);
        assert_int_equal(feed(s, TCP_ACK, 1, 10001, 0), WGT_OK);
        expect_nothing(s);
        assert_int_equal(s->memory.n_busy, 1);
        if (late) {
            sleep_for(s, WGT_SEC);
            expect_nothing(s);
            assert_int_equal(s->memory.n_busy, 0);
        }
        assert_int_equal(feed_sack(s, 1, 10001, 1, 1001, 0, 0), WGT_OK);
        assert_int_equal(s->c.undone, !late);
        assert_int_equal(s->c.rack.mult, 2); /* RFC 8985 6.2 step 4: in either case */
        expect_nothing(s);
        assert_int_equal(s->memory.n_busy, 0);
        script_free(s);
    }
}

/* RFC 8985 7.4.2: whether a probe has repaired a loss is judged by the next flight's ACK. */
static void
probe_is_judged_in_the_next_flight(void **state)
{
    struct script *s = established(true);

    (void)state;
    send_chunks(s, 1, 1000);
    assert_int_equal(count_output(s), 1);
    sleep_to_deadline(s);
    expect(s, TCP_ACK, 1, 1, 1000);
    expect_nothing(s);
    assert_int_equal(s->c.tlp_probes, 1);
    assert_int_equal(feed(s, TCP_ACK, 1, 1001, 0), WGT_OK);
    expect_nothing(s);
    assert_int_equal(s->memory.n_busy, 0);
    assert_true(s->c.cc.ssthresh == UINT32_MAX);
    send_chunks(s, 1, 1000);
    expect(s, TCP_ACK, 1001, 1, 1000);
    assert_int_equal(feed(s, TCP_ACK, 1, 2001, 0), WGT_OK);
    assert_true(s->c.cc.ssthresh < UINT32_MAX);
    script_free(s);
}

static void
goes_back_with_the_connection(void **state)
{
    (void)state;
    for (int reset = 0; reset < 2; reset++) {
        struct script *s = established(true);

        send_chunks(s, 20, 1000);
        (void)count_output(s);
        if (reset)
            assert_int_equal(feed(s, TCP_RST, 1, 0, 0), WGT_OK);
        else
            tcp_abort(&s->c, s->now);
        assert_int_equal(tcp_state(&s->c), TCP_CLOSED);
        assert_int_equal(s->memory.n_busy, 0);
        assert_int_equal(reclaim_all(s), 20);
        script_free(s);
    }
}

/* Who gives fewer than connections breaks the contract; still nothing is lost: a chunk stays the
 * caller's, and the FIN waits for a timer. */
static void
with_none_left_the_caller_keeps_the_chunk(void **state)
{
    struct script *s = established(true);

    (void)state;
    s->memory.tx_fresh = 0;
    assert_false(send_chunk(s, 1000));
    tcp_close(&s->c, s->now);
    expect_nothing(s);
    s->memory.tx_fresh = 1;
    sleep_to_deadline(s);
    expect(s, TCP_ACK | TCP_FIN, 1, 1, 0);
    script_free(s);
}

static void
used_ones_before_fresh_ones(void **state)
{
    static struct tcp_tx tx[3];
    struct script *s = script_new();

    (void)state;
    tcp_memory_init(&s->memory, s->records, SCRIPT_RECORDS, tx, 3);
    open_passive(s);
    for (uint32_t i = 0; i < 5; i++) {
        send_chunks(s, 1, 100);
        expect(s, TCP_ACK, 1 + 100 * i, 1, 100);
        assert_int_equal(feed(s, TCP_ACK, 1, 101 + 100 * i, 0), WGT_OK);
        expect_nothing(s);
    }
    assert_int_equal(s->memory.tx_fresh, 2);
    script_free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(held_from_the_first_chunk_to_the_last_ack),
        cmocka_unit_test(held_while_the_window_is_closed_and_for_the_fin),
        cmocka_unit_test(idle_connection_takes_every_ack),
        cmocka_unit_test(kept_until_no_d_sack_can_undo_the_repair),
        cmocka_unit_test(probe_is_judged_in_the_next_flight),
        cmocka_unit_test(goes_back_with_the_connection),
        cmocka_unit_test(with_none_left_the_caller_keeps_the_chunk),
        cmocka_unit_test(used_ones_before_fresh_ones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
