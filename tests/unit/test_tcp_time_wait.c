/* SPDX-License-Identifier: BSD-3-Clause */
/* TIME-WAIT as a record (RFC 9293 3.6.1, 3.10.7.4; RFC 6191). */
#include <wgtcpd/tcp/time_wait.h>

#include "tcp_script.h"

struct bed {
    struct script *s;
    struct tcp_time_wait w;
    struct tcp_segment out;
    enum wgt_drop why;
};

/* We closed first; the peer's FIN came last. */
static void
bed_open(struct bed *b, bool ts)
{
    b->s = script_established(ts, true);
    tcp_close(&b->s->c, b->s->now);
    expect(b->s, TCP_FIN | TCP_ACK, 1, 1, 0);
    assert_int_equal(feed(b->s, TCP_FIN | TCP_ACK, 1, 2, 0), WGT_OK);
    expect(b->s, TCP_ACK, 2, 2, 0);
    assert_int_equal(tcp_state(&b->s->c), TCP_TIME_WAIT);
    tcp_time_wait_enter(&b->w, &b->s->c);
    assert_int_equal(b->w.until, b->s->now + 60 * WGT_SEC);
}

static enum tcp_time_wait_event
input(struct bed *b, uint8_t flags, uint32_t seq, uint32_t ack, uint32_t len)
{
    struct tcp_segment seg = peer_segment(b->s, flags, seq, ack, len);

    return tcp_time_wait_input(&b->w, b->s->now, &seg, &b->out, &b->why);
}

static void
expect_ack(const struct bed *b)
{
    assert_int_equal(b->out.flags, TCP_ACK);
    assert_int_equal(b->out.seq, our_seq(2));
    assert_int_equal(b->out.ack, peer_seq(2));
    assert_int_equal(b->out.src_port, 1);
    assert_int_equal(b->out.dst_port, 2);
}

static void
rfc9293_3_10_7_4_repeated_fin_is_acknowledged_and_restarts_2msl(void **state)
{
    struct bed b;

    (void)state;
    bed_open(&b, true);
    for (int i = 0; i < 3; i++) {
        sleep_for(b.s, 10 * WGT_MSEC);
        assert_int_equal(input(&b, TCP_FIN | TCP_ACK, 1, 2, 0), TCP_TIME_WAIT_REPLY);
        expect_ack(&b);
        assert_int_equal(b.w.until, b.s->now + 60 * WGT_SEC);
    }
    script_free(b.s);
}

static void
reset_ends_it_only_if_exact(void **state)
{
    struct bed b;

    (void)state;
    bed_open(&b, false);
    assert_int_equal(input(&b, TCP_RST, 3, 0, 0), TCP_TIME_WAIT_STAY);
    assert_int_equal(b.why, WGT_DROP_TCP_RST_IGNORED);
    assert_int_equal(input(&b, TCP_RST, 2, 0, 0), TCP_TIME_WAIT_END);
    script_free(b.s);
}

static void
rfc6191_2_syn_with_a_later_timestamp_is_a_new_connection(void **state)
{
    struct bed b;

    (void)state;
    bed_open(&b, true);
    b.s->peer_ts++;
    assert_int_equal(input(&b, TCP_SYN, (uint32_t)-5000, 0, 0), TCP_TIME_WAIT_SYN);
    b.s->peer_ts -= 2;
    assert_int_equal(input(&b, TCP_SYN, 5000, 0, 0), TCP_TIME_WAIT_REPLY); /* earlier */
    expect_ack(&b);
    b.s->peer_ts++; /* the same: the sequence number decides */
    assert_int_equal(input(&b, TCP_SYN, 2, 0, 0), TCP_TIME_WAIT_STAY);
    assert_int_equal(b.why, WGT_DROP_TCP_SYN_IN_WINDOW);
    assert_int_equal(input(&b, TCP_SYN, 3, 0, 0), TCP_TIME_WAIT_SYN);
    script_free(b.s);
}

static void
rfc9293_3_10_7_4_without_timestamps_the_sequence_number_decides(void **state)
{
    struct bed b;

    (void)state;
    bed_open(&b, false);
    assert_int_equal(input(&b, TCP_SYN, 1, 0, 0), TCP_TIME_WAIT_REPLY);
    assert_int_equal(input(&b, TCP_SYN, 2, 0, 0), TCP_TIME_WAIT_STAY); /* limited */
    assert_int_equal(input(&b, TCP_SYN, 3, 0, 0), TCP_TIME_WAIT_SYN);
    assert_int_equal(input(&b, TCP_SYN | TCP_ACK, 3, 2, 0), TCP_TIME_WAIT_STAY);
    script_free(b.s);
}

static void
new_connection_sends_beyond_the_old_one(void **state)
{
    struct bed b;

    (void)state;
    bed_open(&b, false);
    assert_int_equal(tcp_time_wait_iss(&b.w, our_seq(3)), our_seq(3));
    assert_int_equal(tcp_time_wait_iss(&b.w, our_seq(1)), our_seq(2 + 65537));
    script_free(b.s);
}

static void
late_segments_are_answered_but_not_too_often(void **state)
{
    struct bed b;

    (void)state;
    bed_open(&b, false);
    assert_int_equal(input(&b, TCP_ACK, 2, 2, 0), TCP_TIME_WAIT_STAY);
    assert_int_equal(b.why, WGT_OK);
    assert_int_equal(input(&b, TCP_ACK, 1, 2, 100), TCP_TIME_WAIT_REPLY);
    expect_ack(&b);
    assert_int_equal(input(&b, TCP_ACK, 900, 2, 100), TCP_TIME_WAIT_STAY);
    assert_int_equal(b.why, WGT_DROP_TCP_SEQUENCE);
    script_free(b.s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc9293_3_10_7_4_repeated_fin_is_acknowledged_and_restarts_2msl),
        cmocka_unit_test(reset_ends_it_only_if_exact),
        cmocka_unit_test(rfc6191_2_syn_with_a_later_timestamp_is_a_new_connection),
        cmocka_unit_test(rfc9293_3_10_7_4_without_timestamps_the_sequence_number_decides),
        cmocka_unit_test(new_connection_sends_beyond_the_old_one),
        cmocka_unit_test(late_segments_are_answered_but_not_too_often),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
