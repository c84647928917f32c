/* SPDX-License-Identifier: BSD-3-Clause */
/* Explicit congestion notification (RFC 3168). */
#include "tcp_script.h"

/* Congestion control that counts what it is told of marks. */
static int n_experienced;
static uint32_t last_flight;

static void
experienced(struct tcp_cc *cc, wgt_time now, uint32_t flight)
{
    (void)cc;
    (void)now;
    n_experienced++;
    last_flight = flight;
}

static struct tcp_cc_ops counting;

enum { ECN_SYN = TCP_SYN | TCP_ECE | TCP_CWR };

static struct script *
ecn_script(void)
{
    struct script *s = script_new();

    s->ts = s->sack = true;
    s->options.ecn = true;
    counting = tcp_cc_cubic;
    counting.congestion_experienced = experienced;
    s->options.cc = &counting;
    n_experienced = 0;
    return s;
}

static struct script *
ecn_established(void)
{
    struct script *s = ecn_script();
    struct tcp_segment syn = peer_segment(s, ECN_SYN, 0, 0, 0);

    assert_int_equal(tcp_open_passive(&s->c, s->now, &s->options, &syn), WGT_OK);
    expect(s, TCP_SYN | TCP_ACK | TCP_ECE, 0, 1, 0);
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 0), WGT_OK);
    expect_nothing(s);
    return s;
}

static enum wgt_drop
feed_marked(struct script *s, uint8_t flags, uint32_t seq, uint32_t ack, uint32_t len)
{
    struct tcp_segment seg = peer_segment(s, flags, seq, ack, len);

    seg.ce = true;
    return feed_segment(s, &seg);
}

static bool
negotiated(const struct script *s)
{
    struct tcp_info info;

    tcp_info(&s->c, &info);
    return info.ecn;
}

/* --- setup --- */

static void
rfc3168_6_1_1_active_setup(void **state)
{
    struct script *s = ecn_script();

    (void)state;
    tcp_open_active(&s->c, s->now, &s->options);
    expect(s, ECN_SYN, 0, 0, 0);
    assert_false(s->out.ect);
    assert_int_equal(feed(s, TCP_SYN | TCP_ACK | TCP_ECE, 0, 1, 0), WGT_OK);
    expect(s, TCP_ACK, 1, 1, 0);
    assert_false(s->out.ect);
    assert_true(negotiated(s));
    send_chunks(s, 1, 100);
    expect(s, TCP_ACK, 1, 1, 100);
    assert_true(s->out.ect);
    script_free(s);
}

/* No ECE, or both bits as a middlebox reflects them. */
static void
rfc3168_6_1_1_peer_without_ecn(void **state)
{
    static const uint8_t answers[] = {0, TCP_CWR, TCP_ECE | TCP_CWR};

    (void)state;
    for (size_t i = 0; i < sizeof(answers); i++) {
        struct script *s = ecn_script();

        tcp_open_active(&s->c, s->now, &s->options);
        expect(s, ECN_SYN, 0, 0, 0);
        assert_int_equal(feed(s, TCP_SYN | TCP_ACK | answers[i], 0, 1, 0), WGT_OK);
        expect(s, TCP_ACK, 1, 1, 0);
        assert_false(negotiated(s));
        send_chunks(s, 1, 100);
        expect(s, TCP_ACK, 1, 1, 100);
        assert_false(s->out.ect);
        script_free(s);
    }
}

static void
rfc3168_6_1_1_passive_setup(void **state)
{
    static const struct {
        uint8_t syn, answer;
        bool ours;
    } cases[] = {
        {ECN_SYN, TCP_SYN | TCP_ACK | TCP_ECE, true}, {TCP_SYN, TCP_SYN | TCP_ACK, true},
        {TCP_SYN | TCP_ECE, TCP_SYN | TCP_ACK, true}, {TCP_SYN | TCP_CWR, TCP_SYN | TCP_ACK, true},
        {ECN_SYN, TCP_SYN | TCP_ACK, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct script *s = ecn_script();
        struct tcp_segment syn = peer_segment(s, cases[i].syn, 0, 0, 0);
        bool both = cases[i].answer & TCP_ECE;

        s->options.ecn = cases[i].ours;
        assert_int_equal(tcp_open_passive(&s->c, s->now, &s->options, &syn), WGT_OK);
        expect(s, cases[i].answer, 0, 1, 0);
        assert_int_equal(feed(s, TCP_ACK, 1, 1, 0), WGT_OK);
        assert_int_equal(negotiated(s), both);
        send_chunks(s, 1, 100);
        expect(s, TCP_ACK, 1, 1, 100);
        assert_int_equal(s->out.ect, both);
        script_free(s);
    }
}

static void
rfc3168_6_1_1_1_syn_again_asks_for_nothing(void **state)
{
    struct script *s = ecn_script();

    (void)state;
    tcp_open_active(&s->c, s->now, &s->options);
    expect(s, ECN_SYN, 0, 0, 0);
    expect_nothing(s);
    sleep_to_deadline(s);
    expect(s, TCP_SYN, 0, 0, 0);
    /* This may answer the first: the peer may think so, but we cannot know. */
    assert_int_equal(feed(s, TCP_SYN | TCP_ACK | TCP_ECE, 0, 1, 0), WGT_OK);
    expect(s, TCP_ACK, 1, 1, 0);
    assert_false(negotiated(s));
    script_free(s);
}

static void
rfc3168_6_1_1_1_syn_ack_again_grants_nothing(void **state)
{
    struct script *s = ecn_script();
    struct tcp_segment syn = peer_segment(s, ECN_SYN, 0, 0, 0);

    (void)state;
    assert_int_equal(tcp_open_passive(&s->c, s->now, &s->options, &syn), WGT_OK);
    expect(s, TCP_SYN | TCP_ACK | TCP_ECE, 0, 1, 0);
    expect_nothing(s);
    sleep_to_deadline(s);
    expect(s, TCP_SYN | TCP_ACK, 0, 1, 0);
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 0), WGT_OK);
    send_chunks(s, 1, 100);
    expect(s, TCP_ACK, 1, 1, 100);
    assert_false(s->out.ect);
    /* The peer may have taken the first one: its marks are echoed. */
    assert_int_equal(feed_marked(s, TCP_ACK, 1, 101, 10), WGT_OK);
    expect(s, TCP_ACK | TCP_ECE, 101, 11, 0);
    script_free(s);
}

/* Our SYN,ACK was lost on a path that drops ECN: the peer's next SYN asks for none. */
static void
rfc3168_6_1_1_1_peer_falls_back(void **state)
{
    struct script *s = ecn_script();
    struct tcp_segment syn = peer_segment(s, ECN_SYN, 0, 0, 0);

    (void)state;
    assert_int_equal(tcp_open_passive(&s->c, s->now, &s->options, &syn), WGT_OK);
    expect(s, TCP_SYN | TCP_ACK | TCP_ECE, 0, 1, 0);
    (void)feed(s, TCP_SYN, 0, 0, 0);
    expect(s, TCP_SYN | TCP_ACK, 0, 1, 0);
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 0), WGT_OK);
    assert_false(negotiated(s));
    script_free(s);
}

static void
rfc3168_6_1_1_simultaneous_open(void **state)
{
    struct script *s = ecn_script();

    (void)state;
    tcp_open_active(&s->c, s->now, &s->options);
    expect(s, ECN_SYN, 0, 0, 0);
    assert_int_equal(feed(s, ECN_SYN, 0, 0, 0), WGT_OK);
    expect(s, TCP_SYN | TCP_ACK | TCP_ECE, 0, 1, 0);
    assert_int_equal(feed(s, TCP_SYN | TCP_ACK | TCP_ECE, 0, 1, 0), WGT_OK);
    assert_true(negotiated(s));
    script_free(s);
}

/* --- receiver --- */

static void
rfc3168_6_1_3_mark_is_echoed_until_cwr(void **state)
{
    struct script *s = ecn_established();

    (void)state;
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 100), WGT_OK);
    expect_nothing(s); /* delayed */
    assert_int_equal(feed_marked(s, TCP_ACK, 101, 1, 10), WGT_OK);
    expect(s, TCP_ACK | TCP_ECE, 1, 111, 0); /* at once */
    assert_int_equal(feed(s, TCP_ACK, 111, 1, 10), WGT_OK);
    send_chunks(s, 1, 50);
    expect(s, TCP_ACK | TCP_ECE, 1, 121, 50); /* on data, too */
    /* CWR clears what came before; its own mark is new. */
    assert_int_equal(feed_marked(s, TCP_ACK | TCP_CWR, 121, 51, 10), WGT_OK);
    sleep_to_deadline(s);
    expect(s, TCP_ACK | TCP_ECE, 51, 131, 0);
    assert_int_equal(feed(s, TCP_ACK | TCP_CWR, 131, 51, 10), WGT_OK);
    sleep_to_deadline(s);
    expect(s, TCP_ACK, 51, 141, 0);
    script_free(s);
}

/* 6.1.5: a mark on a segment outside the window may be an attacker's; 6.1.4: on a bare ACK, a
 * mistake. */
static void
rfc3168_6_1_5_marks_that_do_not_count(void **state)
{
    struct script *s = ecn_established();

    (void)state;
    assert_int_equal(feed_marked(s, TCP_ACK, 1 + 60000, 1, 10), WGT_DROP_TCP_SEQUENCE);
    expect(s, TCP_ACK, 1, 1, 0);
    assert_int_equal(feed_marked(s, TCP_ACK, 1, 1, 0), WGT_OK);
    expect_nothing(s);
    assert_int_equal(feed_marked(s, TCP_ACK, 1, 2, 10), WGT_DROP_TCP_ACK);
    expect(s, TCP_ACK, 1, 1, 0);
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 10), WGT_OK);
    sleep_to_deadline(s);
    expect(s, TCP_ACK, 1, 11, 0);
    script_free(s);
}

static void
mark_without_agreement_is_nothing(void **state)
{
    struct script *s = script_established(false, false);

    (void)state;
    assert_int_equal(feed_marked(s, TCP_ACK, 1, 1, 10), WGT_OK);
    sleep_to_deadline(s);
    expect(s, TCP_ACK, 1, 11, 0);
    send_chunks(s, 1, 100);
    expect(s, TCP_ACK, 1, 11, 100);
    (void)feed(s, TCP_ACK | TCP_ECE, 11, 101, 0);
    send_chunks(s, 1, 100);
    expect(s, TCP_ACK, 101, 11, 100);
    script_free(s);
}

/* --- sender --- */

static void
rfc3168_6_1_2_reduces_once_a_window(void **state)
{
    struct script *s = ecn_established();

    (void)state;
    send_chunks(s, 8, 1000);
    assert_int_equal(count_output(s), 8);
    assert_int_equal(feed(s, TCP_ACK | TCP_ECE, 1, 1001, 0), WGT_OK);
    assert_int_equal(n_experienced, 1);
    assert_int_equal(last_flight, 8000); /* outstanding when the echo came */
    /* The echoes of what was under way are of the same congestion. */
    for (uint32_t i = 2; i < 8; i++)
        assert_int_equal(feed(s, TCP_ACK | TCP_ECE, 1, 1 + i * 1000, 0), WGT_OK);
    send_chunks(s, 2, 1000);
    expect(s, TCP_ACK | TCP_CWR, 8001, 1, 1000);
    assert_true(s->out.ect);
    expect(s, TCP_ACK, 9001, 1, 1000); /* said once */
    /* The ACK of all that left before the reduction is still of that window. */
    assert_int_equal(feed(s, TCP_ACK | TCP_ECE, 1, 8001, 0), WGT_OK);
    assert_int_equal(n_experienced, 1);
    /* Beyond it, the congestion is new. */
    assert_int_equal(feed(s, TCP_ACK | TCP_ECE, 1, 9001, 0), WGT_OK);
    assert_int_equal(n_experienced, 2);
    assert_int_equal(feed(s, TCP_ACK, 1, 10001, 0), WGT_OK);
    assert_int_equal(n_experienced, 2);
    script_free(s);
}

/* The window was reduced for a loss: not twice, but the peer is to hear of it. */
static void
rfc3168_6_1_2_not_on_top_of_a_loss(void **state)
{
    struct script *s = ecn_established();
    struct tcp_segment seg;

    (void)state;
    send_chunks(s, 8, 1000);
    assert_int_equal(count_output(s), 8);
    sleep_for(s, 20 * WGT_MSEC);
    for (uint32_t i = 2; i < 6; i++) {
        (void)feed_sack(s, 1, 1, 1001, 1 + i * 1000, 0, 0);
        (void)count_output(s);
    }
    assert_int_equal(s->c.recovery, TCP_RECOVERY_FAST);
    seg = peer_segment(s, TCP_ACK | TCP_ECE, 1, 1, 0);
    seg.n_sack = 1;
    seg.sack[0] = (struct tcp_sack_block){our_seq(1001), our_seq(6001)};
    assert_int_equal(feed_segment(s, &seg), WGT_OK);
    assert_int_equal(n_experienced, 0);
    script_free(s);
}

static void
rfc3168_6_1_4_6_1_6_what_is_not_capable(void **state)
{
    struct script *s = ecn_established();

    (void)state;
    send_chunks(s, 1, 1000);
    expect(s, TCP_ACK, 1, 1, 1000);
    assert_true(s->out.ect);
    expect_nothing(s);
    /* whatever the timers send of it again */
    for (int i = 0; i < 3; i++) {
        sleep_to_deadline(s);
        if (!output(s))
            continue;
        assert_true(s->out.seg.seq == our_seq(1) && s->out.len == 1000);
        assert_false(s->out.ect);
        expect_nothing(s);
    }
    /* window probes */
    s->window = 0;
    assert_int_equal(feed(s, TCP_ACK, 1, 1001, 0), WGT_OK);
    send_chunks(s, 1, 100);
    expect_nothing(s);
    sleep_to_deadline(s);
    expect(s, TCP_ACK, 1000, 1, 0);
    assert_false(s->out.ect);
    /* bare ACKs */
    assert_int_equal(feed(s, TCP_ACK, 1, 1001, 10), WGT_OK);
    sleep_for(s, 40 * WGT_MSEC);
    expect(s, TCP_ACK, 1001, 11, 0);
    assert_false(s->out.ect);
    /* FIN alone */
    s->window = 60000;
    assert_int_equal(feed(s, TCP_ACK, 11, 1001, 0), WGT_OK);
    expect(s, TCP_ACK | TCP_CWR, 1001, 11, 100); /* the timeout has shrunk the window */
    assert_true(s->out.ect);
    tcp_close(&s->c, s->now);
    expect(s, TCP_ACK | TCP_FIN, 1101, 11, 0);
    assert_false(s->out.ect);
    script_free(s);
}

/* An echo for an ACK that is not acceptable is nothing. */
static void
rfc5961_5_echo_needs_an_acceptable_ack(void **state)
{
    struct script *s = ecn_established();

    (void)state;
    send_chunks(s, 4, 1000);
    assert_int_equal(count_output(s), 4);
    assert_int_equal(feed(s, TCP_ACK | TCP_ECE, 1, 9001, 0), WGT_DROP_TCP_ACK);
    assert_int_equal(n_experienced, 0);
    script_free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc3168_6_1_1_active_setup),
        cmocka_unit_test(rfc3168_6_1_1_peer_without_ecn),
        cmocka_unit_test(rfc3168_6_1_1_passive_setup),
        cmocka_unit_test(rfc3168_6_1_1_1_syn_again_asks_for_nothing),
        cmocka_unit_test(rfc3168_6_1_1_1_syn_ack_again_grants_nothing),
        cmocka_unit_test(rfc3168_6_1_1_1_peer_falls_back),
        cmocka_unit_test(rfc3168_6_1_1_simultaneous_open),
        cmocka_unit_test(rfc3168_6_1_3_mark_is_echoed_until_cwr),
        cmocka_unit_test(rfc3168_6_1_5_marks_that_do_not_count),
        cmocka_unit_test(mark_without_agreement_is_nothing),
        cmocka_unit_test(rfc3168_6_1_2_reduces_once_a_window),
        cmocka_unit_test(rfc3168_6_1_2_not_on_top_of_a_loss),
        cmocka_unit_test(rfc3168_6_1_4_6_1_6_what_is_not_capable),
        cmocka_unit_test(rfc5961_5_echo_needs_an_acceptable_ack),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
