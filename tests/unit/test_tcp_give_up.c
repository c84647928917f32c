/* SPDX-License-Identifier: BSD-3-Clause */
/* When a connection gives up, so that its owner can dial anew. */
#include "tcp_script.h"

static struct script *
with_limits(uint8_t rto_limit, wgt_time user_timeout)
{
    struct script *s = script_new();

    s->ts = s->sack = true;
    s->options.rto_limit = rto_limit;
    s->options.user_timeout = user_timeout;
    open_passive(s);
    return s;
}

/* Lets time pass and everything that is sent get lost. Returns how long it took. */
static wgt_time
run_into_silence(struct script *s, wgt_time limit)
{
    wgt_time from = s->now;

    while (tcp_state(&s->c) != TCP_CLOSED && s->now - from < limit) {
        sleep_to_deadline(s);
        count_output(s);
    }
    return s->now - from;
}

static void
three_retransmission_timeouts_without_progress_end_it_with_a_reset(void **state)
{
    struct script *s = with_limits(3, 60 * WGT_SEC);

    (void)state;
    send_chunk(s, 100);
    expect(s, TCP_ACK, 1, 1, 100);
    expect_nothing(s);
    /* 200 + 400 + 800 ms, and a probe before the first (RFC 8985 7.2) */
    assert_in_range(run_into_silence(s, 60 * WGT_SEC) / WGT_MSEC, 1390, 1700);
    assert_int_equal(tcp_end(&s->c), TCP_END_TIMEOUT);
    assert_true(s->out.seg.flags & TCP_RST);
    script_free(s);
}

static void
progress_begins_the_count_anew(void **state)
{
    struct script *s = with_limits(3, 60 * WGT_SEC);
    wgt_time start;

    (void)state;
    send_chunk(s, 100);
    expect(s, TCP_ACK, 1, 1, 100);
    expect_nothing(s);
    for (start = s->now; s->now - start < 500 * WGT_MSEC;) {
        sleep_to_deadline(s);
        count_output(s);
    }
    assert_int_equal(tcp_state(&s->c), TCP_ESTABLISHED);
    feed(s, TCP_ACK, 1, 101, 0);
    send_chunk(s, 100);
    assert_true(count_output(s) > 0);
    assert_true(run_into_silence(s, 60 * WGT_SEC) > 1300 * WGT_MSEC);
    assert_int_equal(tcp_end(&s->c), TCP_END_TIMEOUT);
    script_free(s);
}

static void
without_a_limit_the_user_timeout_alone_ends_it(void **state)
{
    struct script *s = with_limits(0, 10 * WGT_SEC);

    (void)state;
    send_chunk(s, 100);
    expect(s, TCP_ACK, 1, 1, 100);
    expect_nothing(s);
    assert_int_equal(run_into_silence(s, 60 * WGT_SEC) / WGT_MSEC, 10000);
    assert_int_equal(tcp_end(&s->c), TCP_END_TIMEOUT);
    script_free(s);
}

/* RFC 9040: what an earlier connection learned. A wire that comes back finds a SYN soon. */
static void
rfc9040_syns_of_a_known_path_go_at_a_constant_interval(void **state)
{
    struct script *s = script_new();
    wgt_time start = s->now;
    int syns = 0;

    (void)state;
    s->options.syn_rto = 250 * WGT_MSEC;
    s->options.connect_timeout = 3 * WGT_SEC;
    tcp_open_active(&s->c, s->now, &s->options);
    expect(s, TCP_SYN, 0, 0, 0);
    expect_nothing(s);
    for (syns = 1; tcp_state(&s->c) == TCP_SYN_SENT; syns += count_output(s))
        assert_int_equal(sleep_to_deadline(s) / WGT_MSEC, 250);
    assert_int_equal(syns, 12);
    assert_int_equal((s->now - start) / WGT_MSEC, 3000);
    assert_int_equal(tcp_end(&s->c), TCP_END_TIMEOUT);
    script_free(s);
}

static void
rfc6298_2_1_syns_of_an_unknown_path_back_off(void **state)
{
    struct script *s = script_new();

    (void)state;
    tcp_open_active(&s->c, s->now, &s->options);
    expect(s, TCP_SYN, 0, 0, 0);
    expect_nothing(s);
    for (wgt_time wait = 1000; wait <= 8000; wait *= 2) {
        assert_int_equal(sleep_to_deadline(s) / WGT_MSEC, wait);
        expect(s, TCP_SYN, 0, 0, 0);
        expect_nothing(s);
    }
    script_free(s);
}

/* Simultaneous open, RFC 9293 3.5, with a SYN that nobody stands behind. */
static void
crossing_syn_does_not_prolong_the_dial(void **state)
{
    struct script *s = script_new();

    (void)state;
    s->options.connect_timeout = 3 * WGT_SEC;
    s->options.syn_rto = 250 * WGT_MSEC;
    tcp_open_active(&s->c, s->now, &s->options);
    expect(s, TCP_SYN, 0, 0, 0);
    assert_int_equal(feed(s, TCP_SYN, 0, 0, 0), WGT_OK);
    assert_int_equal(tcp_state(&s->c), TCP_SYN_RECEIVED);
    count_output(s);
    assert_int_equal(run_into_silence(s, 60 * WGT_SEC), 3 * WGT_SEC);
    assert_int_equal(tcp_end(&s->c), TCP_END_TIMEOUT);
    script_free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_retransmission_timeouts_without_progress_end_it_with_a_reset),
        cmocka_unit_test(progress_begins_the_count_anew),
        cmocka_unit_test(without_a_limit_the_user_timeout_alone_ends_it),
        cmocka_unit_test(rfc9040_syns_of_a_known_path_go_at_a_constant_interval),
        cmocka_unit_test(rfc6298_2_1_syns_of_an_unknown_path_back_off),
        cmocka_unit_test(crossing_syn_does_not_prolong_the_dial),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
