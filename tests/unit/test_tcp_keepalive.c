/* SPDX-License-Identifier: BSD-3-Clause */
/* Keepalive (RFC 9293 3.8.4). */
#include "tcp_script.h"

static struct script *
watched(wgt_time idle, wgt_time user_timeout)
{
    struct script *s = script_new();

    s->ts = s->sack = true;
    s->options.keepalive = idle;
    s->options.user_timeout = user_timeout;
    open_passive(s);
    return s;
}

static void
rfc9293_3_8_4_off_unless_asked_for(void **state)
{
    struct script *s = script_established(true, true);

    (void)state;
    assert_true(tcp_deadline(&s->c) == WGT_NEVER);
    script_free(s);
}

static void
rfc9293_3_8_4_probe_without_data_behind_what_was_sent(void **state)
{
    struct script *s = watched(30 * WGT_SEC, 12 * WGT_SEC);

    (void)state;
    send_chunks(s, 1, 100);
    expect(s, TCP_ACK, 1, 1, 100);
    assert_int_equal(feed(s, TCP_ACK, 1, 101, 0), WGT_OK);
    expect_nothing(s);
    assert_int_equal(sleep_to_deadline(s), 30 * WGT_SEC);
    expect(s, TCP_ACK, 100, 1, 0); /* SND.NXT - 1 */
    assert_false(s->out.ect);
    expect_nothing(s);
    /* The answer: again a whole idle time. */
    sleep_for(s, 20 * WGT_MSEC);
    assert_int_equal(feed(s, TCP_ACK, 1, 101, 0), WGT_OK);
    expect_nothing(s);
    assert_int_equal(sleep_to_deadline(s), 30 * WGT_SEC);
    expect(s, TCP_ACK, 100, 1, 0);
    script_free(s);
}

static void
anything_received_counts(void **state)
{
    struct script *s = watched(30 * WGT_SEC, 12 * WGT_SEC);

    (void)state;
    for (uint32_t i = 0; i < 10; i++) {
        sleep_for(s, 20 * WGT_SEC);
        expect_nothing(s);
        assert_int_equal(feed(s, TCP_ACK, 1 + i * 10, 1, 10), WGT_OK);
        expect_nothing(s);
        sleep_for(s, 40 * WGT_MSEC);
        assert_int_equal(count_output(s), 1); /* the delayed ACK */
    }
    assert_int_equal(read_all(s), 100);
    expect_nothing(s);
    sleep_for(s, 1);
    /* the peer's own keepalive probe */
    assert_int_equal(feed(s, TCP_ACK, 100, 1, 0), WGT_DROP_TCP_SEQUENCE);
    expect(s, TCP_ACK, 1, 101, 0);
    expect_nothing(s);
    assert_int_equal(sleep_to_deadline(s), 30 * WGT_SEC);
    script_free(s);
}

/* Anybody can send those: they say nothing about the peer. */
static void
what_fails_the_sequence_check_does_not_count(void **state)
{
    struct script *s = watched(30 * WGT_SEC, 12 * WGT_SEC);

    (void)state;
    sleep_for(s, 20 * WGT_SEC);
    assert_int_equal(feed(s, TCP_ACK, 70000, 1, 0), WGT_DROP_TCP_SEQUENCE);
    assert_int_equal(feed(s, TCP_ACK, 70000, 1, 10), WGT_DROP_TCP_SEQUENCE);
    assert_int_equal(feed(s, TCP_RST, 70000, 0, 0), WGT_DROP_TCP_RST_IGNORED);
    while (output(s))
        assert_int_equal(s->out.len, 0);
    assert_int_equal(sleep_to_deadline(s), 10 * WGT_SEC);
    expect(s, TCP_ACK, 0, 1, 0);
    script_free(s);
}

static void
rfc9293_3_8_4_no_single_probe_ends_it_the_user_timeout_does(void **state)
{
    struct script *s = watched(30 * WGT_SEC, 12 * WGT_SEC);
    wgt_time first;
    int probes = 0;

    (void)state;
    sleep_to_deadline(s);
    first = s->now;
    while (tcp_state(&s->c) == TCP_ESTABLISHED && output(s)) {
        if (s->out.seg.flags & TCP_RST)
            break;
        assert_int_equal(s->out.seg.seq, our_seq(0));
        assert_int_equal(s->out.len, 0);
        probes++;
        expect_nothing(s);
        sleep_to_deadline(s);
    }
    assert_int_equal(probes, 4);
    assert_int_equal(s->now - first, 12 * WGT_SEC);
    assert_int_equal(tcp_state(&s->c), TCP_CLOSED);
    assert_int_equal(tcp_end(&s->c), TCP_END_TIMEOUT);
    assert_int_equal(s->out.seg.flags, TCP_RST | TCP_ACK);
    script_free(s);
}

static void
interval_lies_between_1_and_75_seconds(void **state)
{
    static const struct {
        wgt_time idle, user_timeout, interval;
    } cases[] = {
        {30 * WGT_SEC, 100 * WGT_SEC, 10 * WGT_SEC},
        {7200 * WGT_SEC, 1000 * WGT_SEC, 75 * WGT_SEC},
        {1 * WGT_SEC, 100 * WGT_SEC, 1 * WGT_SEC},
        {7200 * WGT_SEC, 100 * WGT_SEC, 25 * WGT_SEC},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct script *s = watched(cases[i].idle, cases[i].user_timeout);

        assert_int_equal(sleep_to_deadline(s), cases[i].idle);
        expect(s, TCP_ACK, 0, 1, 0);
        expect_nothing(s);
        assert_int_equal(sleep_to_deadline(s), cases[i].interval);
        expect(s, TCP_ACK, 0, 1, 0);
        script_free(s);
    }
}

/* RFC 9293 3.8.4: only when nothing is outstanding; other timers watch then. */
static void
data_in_flight_is_watched_by_its_own_timer(void **state)
{
    struct script *s = watched(1 * WGT_SEC, 100 * WGT_SEC);

    (void)state;
    send_chunks(s, 1, 100);
    expect(s, TCP_ACK, 1, 1, 100);
    expect_nothing(s);
    for (int i = 0; i < 5; i++) {
        sleep_to_deadline(s);
        while (output(s))
            assert_int_equal(s->out.seg.seq, our_seq(1));
    }
    script_free(s);
}

static void
half_closed_by_the_peer_is_watched_ours_is_not(void **state)
{
    struct script *s = watched(30 * WGT_SEC, 12 * WGT_SEC);

    (void)state;
    assert_int_equal(feed(s, TCP_ACK | TCP_FIN, 1, 1, 0), WGT_OK);
    expect(s, TCP_ACK, 1, 2, 0);
    expect_nothing(s);
    assert_int_equal(sleep_to_deadline(s), 30 * WGT_SEC);
    expect(s, TCP_ACK, 0, 2, 0);
    tcp_close(&s->c, s->now);
    expect(s, TCP_ACK | TCP_FIN, 1, 2, 0);
    assert_int_equal(feed(s, TCP_ACK, 2, 2, 0), WGT_OK);
    assert_int_equal(tcp_state(&s->c), TCP_CLOSED);
    script_free(s);
}

/* The peer has forgotten the connection: its RST in answer to the probe ends ours. */
static void
rfc9293_3_5_1_probe_finds_a_peer_that_has_forgotten(void **state)
{
    struct script *s = watched(30 * WGT_SEC, 12 * WGT_SEC);
    struct tcp_segment reset;

    (void)state;
    sleep_to_deadline(s);
    expect(s, TCP_ACK, 0, 1, 0);
    assert_true(tcp_reset_for(&s->out.seg, &reset));
    assert_int_equal(feed_segment(s, &reset), WGT_OK);
    assert_int_equal(tcp_end(&s->c), TCP_END_RESET);
    script_free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc9293_3_8_4_off_unless_asked_for),
        cmocka_unit_test(rfc9293_3_8_4_probe_without_data_behind_what_was_sent),
        cmocka_unit_test(anything_received_counts),
        cmocka_unit_test(what_fails_the_sequence_check_does_not_count),
        cmocka_unit_test(rfc9293_3_8_4_no_single_probe_ends_it_the_user_timeout_does),
        cmocka_unit_test(interval_lies_between_1_and_75_seconds),
        cmocka_unit_test(data_in_flight_is_watched_by_its_own_timer),
        cmocka_unit_test(half_closed_by_the_peer_is_watched_ours_is_not),
        cmocka_unit_test(rfc9293_3_5_1_probe_finds_a_peer_that_has_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
