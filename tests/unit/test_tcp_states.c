/* SPDX-License-Identifier: BSD-3-Clause */
/* RFC 9293 3.10 in every synchronised state: what arrives, what the user asks, what is forged. */
#include "tcp_script.h"

/* A connection in a state, reached over the wire. Nothing is owed. */
struct place {
    const char *name;
    enum tcp_state state;
    void (*go)(struct script *s);
    uint32_t seq; /* the peer's next sequence number */
    uint32_t nxt; /* our next */
    uint32_t una; /* our oldest that is not acknowledged */
    bool active, peer_closed;
};

static void
go_syn_received(struct script *s)
{
    struct tcp_segment syn = peer_segment(s, TCP_SYN, 0, 0, 0);

    assert_int_equal(tcp_open_passive(&s->c, s->now, &s->options, &syn), WGT_OK);
    expect(s, TCP_SYN | TCP_ACK, 0, 1, 0);
}

static void
go_simultaneous(struct script *s)
{
    tcp_open_active(&s->c, s->now, &s->options);
    expect(s, TCP_SYN, 0, 0, 0);
    assert_int_equal(feed(s, TCP_SYN, 0, 0, 0), WGT_OK);
    expect(s, TCP_SYN | TCP_ACK, 0, 1, 0);
}

static void
go_fin_wait_1(struct script *s)
{
    open_active(s);
    tcp_close(&s->c, s->now);
    expect(s, TCP_ACK | TCP_FIN, 1, 1, 0);
}

static void
go_fin_wait_2(struct script *s)
{
    go_fin_wait_1(s);
    assert_int_equal(feed(s, TCP_ACK, 1, 2, 0), WGT_OK);
}

static void
go_close_wait(struct script *s)
{
    open_active(s);
    assert_int_equal(feed(s, TCP_ACK | TCP_FIN, 1, 1, 0), WGT_OK);
    expect(s, TCP_ACK, 1, 2, 0);
}

static void
go_closing(struct script *s)
{
    go_fin_wait_1(s);
    assert_int_equal(feed(s, TCP_ACK | TCP_FIN, 1, 1, 0), WGT_OK);
    expect(s, TCP_ACK, 2, 2, 0);
}

static void
go_last_ack(struct script *s)
{
    go_close_wait(s);
    tcp_close(&s->c, s->now);
    expect(s, TCP_ACK | TCP_FIN, 1, 2, 0);
}

static void
go_time_wait(struct script *s)
{
    go_fin_wait_2(s);
    assert_int_equal(feed(s, TCP_ACK | TCP_FIN, 1, 2, 0), WGT_OK);
    expect(s, TCP_ACK, 2, 2, 0);
}

static const struct place places[] = {
    {"SYN-RECEIVED", TCP_SYN_RECEIVED, go_syn_received, 1, 1, 0, false, false},
    {"SYN-RECEIVED, both opened", TCP_SYN_RECEIVED, go_simultaneous, 1, 1, 0, true, false},
    {"ESTABLISHED", TCP_ESTABLISHED, open_active, 1, 1, 1, true, false},
    {"FIN-WAIT-1", TCP_FIN_WAIT_1, go_fin_wait_1, 1, 2, 1, true, false},
    {"FIN-WAIT-2", TCP_FIN_WAIT_2, go_fin_wait_2, 1, 2, 2, true, false},
    {"CLOSE-WAIT", TCP_CLOSE_WAIT, go_close_wait, 2, 1, 1, true, true},
    {"CLOSING", TCP_CLOSING, go_closing, 2, 2, 1, true, true},
    {"LAST-ACK", TCP_LAST_ACK, go_last_ack, 2, 2, 1, true, true},
    {"TIME-WAIT", TCP_TIME_WAIT, go_time_wait, 2, 2, 2, true, true},
};
enum { PLACES = sizeof(places) / sizeof(places[0]) };

/* With timestamps, SACK and sequence numbers that wrap within the window. */
static struct script *
at(const struct place *p)
{
    struct script *s = script_new();

    s->ts = s->sack = true;
    p->go(s);
    expect_nothing(s);
    assert_int_equal(tcp_state(&s->c), p->state);
    return s;
}

/* --- second: RST (RFC 5961 3) --- */

static void
rfc9293_3_10_7_4_second_exact_reset_ends_every_state(void **state)
{
    (void)state;
    for (size_t i = 0; i < PLACES; i++) {
        struct script *s = at(&places[i]);
        enum tcp_end end = TCP_END_RESET;

        if (places[i].state == TCP_SYN_RECEIVED && places[i].active)
            end = TCP_END_REFUSED;
        if (places[i].state == TCP_TIME_WAIT)
            end = TCP_END_NORMAL;
        assert_int_equal(feed(s, TCP_RST, places[i].seq, 0, 0), WGT_OK);
        assert_int_equal(tcp_state(&s->c), TCP_CLOSED);
        assert_int_equal(tcp_end(&s->c), end);
        expect_nothing(s); /* a reset is never answered */
        script_free(s);
    }
}

static void
rfc5961_3_2_reset_elsewhere_in_the_window_is_challenged(void **state)
{
    (void)state;
    for (size_t i = 0; i < PLACES; i++) {
        struct script *s = at(&places[i]);

        assert_int_equal(feed(s, TCP_RST, places[i].seq + 1, 0, 0), WGT_DROP_TCP_RST_CHALLENGED);
        expect(s, TCP_ACK, places[i].nxt, places[i].seq, 0);
        expect_nothing(s);
        assert_int_equal(feed(s, TCP_RST, places[i].seq + 70000, 0, 0), WGT_DROP_TCP_RST_IGNORED);
        assert_int_equal(feed(s, TCP_RST, places[i].seq - 100, 0, 0), WGT_DROP_TCP_RST_IGNORED);
        sleep_for(s, 600 * WGT_MSEC);
        assert_int_equal(tcp_state(&s->c), places[i].state);
        script_free(s);
    }
}

/* RFC 1122 4.2.2.12: a reset may carry data; it is nobody's. */
static void
rfc1122_4_2_2_12_reset_with_data_is_a_reset(void **state)
{
    struct script *s = at(&places[2]);

    (void)state;
    assert_int_equal(feed(s, TCP_RST | TCP_ACK, 1, 1, 100), WGT_OK);
    assert_int_equal(tcp_end(&s->c), TCP_END_RESET);
    assert_int_equal(read_all(s), 0);
    script_free(s);
}

static void
reset_needs_no_acceptable_ack_or_timestamp(void **state)
{
    struct script *s = at(&places[2]);
    struct tcp_segment seg = peer_segment(s, TCP_RST | TCP_ACK, 1, 90000, 0);

    (void)state;
    seg.has_ts = true;
    seg.ts_val = s->peer_ts - 1000;
    assert_int_equal(feed_segment(s, &seg), WGT_OK);
    assert_int_equal(tcp_end(&s->c), TCP_END_RESET);
    script_free(s);
}

/* A peer that resets behind data whose beginning was lost uses its SND.NXT. */
static void
reset_behind_the_highest_sacked_data_is_taken(void **state)
{
    (void)state;
    for (int sack = 0; sack < 2; sack++) {
        struct script *s = script_established(false, sack);

        assert_int_equal(feed(s, TCP_ACK, 1001, 1, 500), WGT_OK);
        assert_int_equal(feed(s, TCP_ACK, 3001, 1, 500), WGT_OK);
        (void)count_output(s);
        assert_int_equal(feed(s, TCP_RST, 1501, 0, 0), WGT_DROP_TCP_RST_CHALLENGED);
        assert_int_equal(feed(s, TCP_RST, 3500, 0, 0), WGT_DROP_TCP_RST_CHALLENGED);
        assert_int_equal(feed(s, TCP_RST, 3501, 0, 0), sack ? WGT_OK : WGT_DROP_TCP_RST_CHALLENGED);
        assert_int_equal(tcp_state(&s->c), sack ? TCP_CLOSED : TCP_ESTABLISHED);
        script_free(s);
    }
}

/* A peer that resets before it has our ACK of its FIN. */
static void
reset_with_the_number_of_the_fin_is_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < PLACES; i++) {
        struct script *s = at(&places[i]);
        bool taken = places[i].peer_closed && places[i].state != TCP_TIME_WAIT;

        assert_int_equal(feed(s, TCP_RST, places[i].seq - 1, 0, 0),
                         taken ? WGT_OK : WGT_DROP_TCP_RST_IGNORED);
        assert_int_equal(tcp_state(&s->c), taken ? TCP_CLOSED : places[i].state);
        script_free(s);
    }
}

/* --- fourth: SYN (RFC 5961 4) --- */

static void
rfc5961_4_2_syn_is_challenged_in_every_state(void **state)
{
    static const uint32_t offsets[] = {0, 100, 70000, 0u - 20000};

    (void)state;
    for (size_t i = 0; i < PLACES; i++) {
        struct script *s = at(&places[i]);

        for (size_t j = 0; j < 4; j++) {
            s->c.challenge_at = 0;
            assert_int_equal(feed(s, TCP_SYN, places[i].seq + offsets[j], 0, 0),
                             WGT_DROP_TCP_SYN_IN_WINDOW);
            assert_int_equal(tcp_state(&s->c), places[i].state);
            expect(s, TCP_ACK, places[i].nxt, places[i].seq, 0);
            expect_nothing(s);
        }
        script_free(s);
    }
}

/* The peer's SYN,ACK again: our ACK of it was lost. */
static void
repeated_syn_ack_is_answered(void **state)
{
    struct script *s = script_new();

    (void)state;
    open_active(s);
    assert_int_equal(feed(s, TCP_SYN | TCP_ACK, 0, 1, 0), WGT_DROP_TCP_SYN_IN_WINDOW);
    expect(s, TCP_ACK, 1, 1, 0);
    expect_nothing(s);
    script_free(s);
}

/* RFC 9293 3.5.1, figure 9: the peer has restarted and dials anew from the same port. */
static void
rfc9293_3_5_1_half_open_connection_is_found_by_a_syn(void **state)
{
    (void)state;
    for (size_t i = 2; i < PLACES - 1; i++) {
        struct script *s = at(&places[i]);
        struct tcp_segment reset;

        assert_int_equal(feed(s, TCP_SYN, 123456, 0, 0), WGT_DROP_TCP_SYN_IN_WINDOW);
        expect(s, TCP_ACK, places[i].nxt, places[i].seq, 0);
        assert_true(tcp_reset_for(&s->out.seg, &reset));
        assert_int_equal(feed_segment(s, &reset), WGT_OK);
        assert_int_equal(tcp_end(&s->c), TCP_END_RESET);
        script_free(s);
    }
}

/* Figure 10: we send to a peer that knows nothing. */
static void
rfc9293_3_5_1_half_open_connection_is_found_by_data(void **state)
{
    struct script *s = at(&places[2]);
    struct tcp_segment reset;

    (void)state;
    send_chunks(s, 1, 100);
    expect(s, TCP_ACK, 1, 1, 100);
    assert_true(tcp_reset_for(&s->out.seg, &reset));
    assert_int_equal(feed_segment(s, &reset), WGT_OK);
    assert_int_equal(tcp_end(&s->c), TCP_END_RESET);
    script_free(s);
}

/* Figure 7: an old duplicate SYN reaches the listener first. */
static void
rfc9293_3_5_old_duplicate_syn(void **state)
{
    struct script *s = script_new();
    struct tcp_segment syn = peer_segment(s, TCP_SYN, 0u - 50000, 0, 0);

    (void)state;
    assert_int_equal(tcp_open_passive(&s->c, s->now, &s->options, &syn), WGT_OK);
    expect(s, TCP_SYN | TCP_ACK, 0, 0u - 50000 + 1, 0);
    /* The peer, in SYN-SENT, resets what acknowledges another SYN than its own. */
    assert_int_equal(feed(s, TCP_RST, 0u - 50000 + 1, 0, 0), WGT_OK);
    assert_int_equal(tcp_state(&s->c), TCP_CLOSED);
    script_free(s);
}

/* --- fifth: ACK --- */

static void
rfc9293_3_10_7_4_fifth_no_ack_no_effect(void **state)
{
    (void)state;
    for (size_t i = 0; i < PLACES; i++) {
        struct script *s = at(&places[i]);

        assert_int_equal(feed(s, 0, places[i].seq, 0, 10), WGT_DROP_TCP_NO_ACK);
        assert_int_equal(feed(s, TCP_FIN, places[i].seq, 0, 0), WGT_DROP_TCP_NO_ACK);
        assert_int_equal(tcp_state(&s->c), places[i].state);
        expect_nothing(s);
        script_free(s);
    }
}

static void
rfc5961_5_2_ack_of_what_was_not_sent_has_no_effect(void **state)
{
    (void)state;
    for (size_t i = 0; i < PLACES; i++) {
        struct script *s = at(&places[i]);

        assert_int_equal(feed(s, TCP_ACK | TCP_FIN, places[i].seq, places[i].nxt + 1, 10),
                         WGT_DROP_TCP_ACK);
        assert_int_equal(tcp_state(&s->c), places[i].state);
        if (places[i].state == TCP_SYN_RECEIVED)
            expect(s, TCP_RST, places[i].nxt + 1, 0, 0); /* RFC 9293 3.10.7.4 fifth */
        else
            expect(s, TCP_ACK, places[i].nxt, places[i].seq, 0);
        expect_nothing(s);
        assert_int_equal(read_all(s), 0);
        script_free(s);
    }
}

static void
rfc5961_5_2_ack_from_long_ago_has_no_effect(void **state)
{
    (void)state;
    for (size_t i = 2; i < PLACES; i++) {
        struct script *s = at(&places[i]);

        assert_int_equal(feed(s, TCP_ACK | TCP_FIN, places[i].seq, places[i].una - 60001, 10),
                         WGT_DROP_TCP_ACK);
        assert_int_equal(tcp_state(&s->c), places[i].state);
        expect(s, TCP_ACK, places[i].nxt, places[i].seq, 0);
        assert_int_equal(read_all(s), 0);
        script_free(s);
    }
}

/* Both of the handshake's ACKs: of our SYN, and beyond (data was not sent yet). */
static void
rfc9293_3_10_7_4_fifth_syn_received_needs_our_ack(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct script *s = at(&places[i]);

        assert_int_equal(feed(s, TCP_ACK, 1, 0, 0), WGT_DROP_TCP_ACK);
        expect(s, TCP_RST, 0, 0, 0);
        assert_int_equal(feed(s, TCP_ACK, 1, 1, 10), WGT_OK);
        assert_int_equal(tcp_state(&s->c), TCP_ESTABLISHED);
        assert_int_equal(read_all(s), 10);
        script_free(s);
    }
}

/* --- first: sequence numbers, PAWS --- */

static void
rfc9293_3_10_7_4_first_not_acceptable_is_acked_and_dropped(void **state)
{
    (void)state;
    for (size_t i = 0; i < PLACES; i++) {
        struct script *s = at(&places[i]);

        assert_int_equal(feed(s, TCP_ACK | TCP_FIN, places[i].seq + 70000, places[i].nxt, 10),
                         WGT_DROP_TCP_SEQUENCE);
        assert_int_equal(tcp_state(&s->c), places[i].state);
        expect(s, TCP_ACK, places[i].nxt, places[i].seq, 0);
        expect_nothing(s);
        script_free(s);
    }
}

static void
rfc7323_5_3_paws_in_every_state(void **state)
{
    (void)state;
    for (size_t i = 0; i < PLACES; i++) {
        struct script *s = at(&places[i]);

        s->peer_ts -= 1; /* timestamps start just below their wrap */
        assert_int_equal(feed(s, TCP_ACK | TCP_FIN, places[i].seq, places[i].nxt, 10),
                         WGT_DROP_TCP_PAWS);
        assert_int_equal(tcp_state(&s->c), places[i].state);
        expect(s, TCP_ACK, places[i].nxt, places[i].seq, 0);
        expect_nothing(s);
        script_free(s);
    }
}

static void
rfc7323_5_2_timestamps_wrap(void **state)
{
    struct script *s = at(&places[2]);

    (void)state;
    sleep_for(s, 15 * WGT_MSEC);
    assert_int_equal(s->peer_ts, UINT32_MAX);
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 10), WGT_OK);
    (void)count_output(s);
    sleep_for(s, 1 * WGT_MSEC);
    assert_int_equal(s->peer_ts, 0);
    assert_int_equal(feed(s, TCP_ACK, 11, 1, 10), WGT_OK);
    s->peer_ts--;
    assert_int_equal(feed(s, TCP_ACK, 21, 1, 10), WGT_OK); /* the ACK of the last is still owed */
    sleep_for(s, 50 * WGT_MSEC);
    assert_int_equal(count_output(s), 1);
    assert_int_equal(feed(s, TCP_ACK, 31, 1, 10), WGT_OK);
    s->peer_ts = UINT32_MAX;
    assert_int_equal(feed(s, TCP_ACK, 41, 1, 10), WGT_DROP_TCP_PAWS);
    script_free(s);
}

/* --- sixth: URG --- */

static void
rfc9293_3_10_7_4_sixth_urgent_data_stays_in_the_stream(void **state)
{
    static const uint16_t pointers[] = {0, 1, 5, 10, 11, 65535};
    struct script *s = at(&places[2]);
    struct tcp_info info;

    (void)state;
    for (uint32_t i = 0; i < 6; i++) {
        struct tcp_segment seg = peer_segment(s, TCP_ACK | TCP_URG, 1 + i * 10, 1, 10);

        seg.urgent = pointers[i];
        assert_int_equal(feed_segment(s, &seg), WGT_OK);
    }
    /* beyond a hole, and without data */
    for (uint32_t i = 0; i < 2; i++) {
        struct tcp_segment seg = peer_segment(s, TCP_ACK | TCP_URG, 61 + 10 * !i, 1, 10 * !i);

        seg.urgent = 3;
        assert_int_equal(feed_segment(s, &seg), WGT_OK);
    }
    assert_int_equal(feed(s, TCP_ACK, 61, 1, 10), WGT_OK);
    assert_int_equal(read_all(s), 80); /* read_all compares every byte */
    tcp_info(&s->c, &info);
    assert_int_equal(info.urgent, 8);
    script_free(s);
}

/* --- seventh and eighth: text and FIN --- */

static void
rfc9293_3_10_7_4_seventh_text_behind_the_fin_is_ignored(void **state)
{
    (void)state;
    for (size_t i = 0; i < PLACES; i++) {
        struct script *s;

        if (!places[i].peer_closed)
            continue;
        s = at(&places[i]);
        assert_int_equal(feed(s, TCP_ACK, places[i].seq, places[i].una, 10),
                         WGT_DROP_TCP_AFTER_CLOSE);
        assert_int_equal(read_all(s), 0);
        expect(s, TCP_ACK, places[i].nxt, places[i].seq, 0);
        assert_int_equal(tcp_state(&s->c), places[i].state);
        script_free(s);
    }
}

static void
rfc9293_3_10_7_4_seventh_text_is_taken_before_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < PLACES; i++) {
        struct script *s;

        if (places[i].peer_closed)
            continue;
        s = at(&places[i]);
        assert_int_equal(feed(s, TCP_ACK, places[i].seq, places[i].nxt, 10), WGT_OK);
        assert_int_equal(read_all(s), 10);
        script_free(s);
    }
}

static void
rfc9293_3_10_7_4_eighth_fin_in_every_state(void **state)
{
    /* with an ACK of nothing new, and of all that we have sent */
    static const enum tcp_state next[PLACES][2] = {
        {TCP_SYN_RECEIVED, TCP_CLOSE_WAIT}, {TCP_SYN_RECEIVED, TCP_CLOSE_WAIT},
        {TCP_CLOSE_WAIT, TCP_CLOSE_WAIT},   {TCP_CLOSING, TCP_TIME_WAIT},
        {TCP_TIME_WAIT, TCP_TIME_WAIT},     {TCP_CLOSE_WAIT, TCP_CLOSE_WAIT},
        {TCP_CLOSING, TCP_TIME_WAIT},       {TCP_LAST_ACK, TCP_CLOSED},
        {TCP_TIME_WAIT, TCP_TIME_WAIT},
    };

    (void)state;
    for (size_t i = 0; i < PLACES; i++) {
        for (size_t all = 0; all < 2; all++) {
            struct script *s = at(&places[i]);
            uint32_t ack = all ? places[i].nxt : places[i].una;

            (void)feed(s, TCP_ACK | TCP_FIN, places[i].seq, ack, 0);
            assert_int_equal(tcp_state(&s->c), next[i][all]);
            script_free(s);
        }
    }
}

/* The same FIN again: answered, and the state stays; in TIME-WAIT 2 MSL begin anew. */
static void
rfc9293_3_10_7_4_eighth_fin_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < PLACES; i++) {
        struct script *s;

        if (!places[i].peer_closed)
            continue;
        s = at(&places[i]);
        sleep_for(s, 100 * WGT_MSEC);
        (void)feed(s, TCP_ACK | TCP_FIN, places[i].seq - 1, places[i].una, 0);
        assert_int_equal(tcp_state(&s->c), places[i].state);
        expect(s, TCP_ACK, places[i].nxt, places[i].seq, 0);
        if (places[i].state == TCP_TIME_WAIT)
            assert_int_equal(tcp_deadline(&s->c) - s->now, 60 * WGT_SEC);
        script_free(s);
    }
}

static void
rfc9293_3_6_2_time_wait_ends_in_silence(void **state)
{
    struct script *s = at(&places[PLACES - 1]);

    (void)state;
    assert_int_equal(sleep_to_deadline(s), 60 * WGT_SEC);
    expect_nothing(s);
    assert_int_equal(tcp_state(&s->c), TCP_CLOSED);
    assert_int_equal(tcp_end(&s->c), TCP_END_NORMAL);
    script_free(s);
}

/* --- the user's calls --- */

static void
rfc9293_3_10_2_send_in_every_state(void **state)
{
    (void)state;
    for (size_t i = 0; i < PLACES; i++) {
        struct script *s = at(&places[i]);
        bool may = places[i].state == TCP_SYN_RECEIVED || places[i].state == TCP_ESTABLISHED ||
                   places[i].state == TCP_CLOSE_WAIT;

        assert_int_equal(send_chunk(s, 10), may);
        script_free(s);
    }
}

static void
rfc9293_3_10_4_close_in_every_state(void **state)
{
    static const enum tcp_state next[PLACES] = {
        TCP_SYN_RECEIVED, TCP_SYN_RECEIVED, TCP_FIN_WAIT_1, TCP_FIN_WAIT_1, TCP_FIN_WAIT_2,
        TCP_LAST_ACK,     TCP_CLOSING,      TCP_LAST_ACK,   TCP_TIME_WAIT,
    };

    (void)state;
    for (size_t i = 0; i < PLACES; i++) {
        struct script *s = at(&places[i]);
        bool fin = places[i].state == TCP_ESTABLISHED || places[i].state == TCP_CLOSE_WAIT;

        tcp_close(&s->c, s->now);
        tcp_close(&s->c, s->now); /* twice is once */
        assert_int_equal(tcp_state(&s->c), next[i]);
        if (fin)
            expect(s, TCP_ACK | TCP_FIN, places[i].nxt, places[i].seq, 0);
        expect_nothing(s);
        if (places[i].state == TCP_SYN_RECEIVED) {
            /* the FIN follows the handshake */
            assert_int_equal(feed(s, TCP_ACK, 1, 1, 0), WGT_OK);
            assert_int_equal(tcp_state(&s->c), TCP_FIN_WAIT_1);
            expect(s, TCP_ACK | TCP_FIN, 1, 1, 0);
        }
        script_free(s);
    }
}

static void
rfc9293_3_10_5_abort_in_every_state(void **state)
{
    (void)state;
    for (size_t i = 0; i < PLACES; i++) {
        struct script *s = at(&places[i]);

        tcp_abort(&s->c, s->now);
        assert_int_equal(tcp_state(&s->c), TCP_CLOSED);
        if (places[i].state != TCP_TIME_WAIT)
            expect(s, TCP_RST | TCP_ACK, places[i].nxt, places[i].seq, 0);
        expect_nothing(s);
        script_free(s);
    }
}

/* --- RFC 5961 7, RFC 9293 3.8.6.1 --- */

/* One limit for all kinds of challenges. */
static void
rfc5961_7_challenges_of_all_kinds_share_a_limit(void **state)
{
    struct script *s = at(&places[2]);

    (void)state;
    for (int i = 0; i < 5; i++) {
        (void)feed(s, TCP_RST, 2, 0, 0);
        (void)feed(s, TCP_SYN, 2, 0, 0);
        (void)feed(s, TCP_ACK, 1, 2, 0);
        (void)feed(s, TCP_ACK, 0, 1, 0);
        (void)feed(s, TCP_ACK, 1, 1u << 31, 0);
        sleep_for(s, 99 * WGT_MSEC);
    }
    assert_int_equal(count_output(s), 1);
    sleep_for(s, 5 * WGT_MSEC);
    (void)feed(s, TCP_RST, 2, 0, 0);
    assert_int_equal(count_output(s), 1);
    script_free(s);
}

/* Two ends that find each other's ACKs not acceptable do not talk for ever (RFC 5961 7). */
static void
no_storm_of_acks(void **state)
{
    struct script *s = at(&places[2]);
    int answers = 0;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(feed(s, TCP_ACK, 70001, 1, 0), WGT_DROP_TCP_SEQUENCE);
        answers += count_output(s);
        sleep_for(s, 1 * WGT_MSEC);
    }
    assert_int_equal(answers, 2);
    script_free(s);
}

/* A closed window that the peer keeps confirming ends nothing, for a day. */
static void
rfc9293_3_8_6_1_closed_window_for_a_day(void **state)
{
    struct script *s = at(&places[2]);
    wgt_time start = s->now;

    (void)state;
    s->window = 0;
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 0), WGT_OK);
    send_chunks(s, 1, 1000);
    expect_nothing(s);
    while (s->now - start < 86400 * WGT_SEC) {
        assert_true(sleep_to_deadline(s) <= 60 * WGT_SEC);
        expect(s, TCP_ACK, 0, 1, 0);
        expect_nothing(s);
        sleep_for(s, 10 * WGT_MSEC);
        assert_int_equal(feed(s, TCP_ACK, 1, 1, 0), WGT_OK);
        expect_nothing(s);
    }
    assert_int_equal(tcp_state(&s->c), TCP_ESTABLISHED);
    s->window = 60000;
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 0), WGT_OK);
    expect(s, TCP_ACK, 1, 1, 1000);
    script_free(s);
}

/* The peer has drawn its window back, or a FIN went out beyond it: our ACKs must be acceptable even
 * so, or the peer never learns what we have received (RFC 9293 3.10.7.4 first). */
static void
rfc9293_3_8_6_ack_lies_within_the_peers_window(void **state)
{
    struct script *s = script_new();

    (void)state;
    s->window = 10;
    open_passive(s);
    send_chunks(s, 1, 10);
    expect(s, TCP_ACK, 1, 1, 10);
    tcp_close(&s->c, s->now);
    expect(s, TCP_ACK | TCP_FIN, 11, 1, 0);
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 5), WGT_OK);
    sleep_for(s, 40 * WGT_MSEC);
    expect(s, TCP_ACK, 11, 6, 0); /* the edge, not 12 */
    s->window = 3;
    assert_int_equal(feed(s, TCP_ACK, 6, 1, 5), WGT_OK);
    sleep_for(s, 40 * WGT_MSEC);
    expect(s, TCP_ACK, 4, 11, 0);
    s->window = 1000;
    assert_int_equal(feed(s, TCP_ACK, 11, 1, 5), WGT_OK);
    sleep_for(s, 40 * WGT_MSEC);
    expect(s, TCP_ACK, 12, 16, 0);
    script_free(s);
}

static union tcp_record *
take_all_records(struct script *s)
{
    union tcp_record *all = s->memory.free;

    s->memory.free = NULL;
    return all;
}

/* A FIN takes a record. Without one it waits, and leaves by a timer of its own when there is one
 * again though nothing is heard of the peer. */
static void
rfc9293_3_6_fin_waits_for_a_record(void **state)
{
    struct script *s = script_established(true, true);
    union tcp_record *all = take_all_records(s);

    (void)state;
    tcp_close(&s->c, s->now);
    expect_nothing(s);
    for (int i = 0; i < 3; i++) {
        sleep_to_deadline(s);
        expect_nothing(s);
    }
    s->memory.free = all;
    sleep_to_deadline(s);
    expect(s, TCP_ACK | TCP_FIN, 1, 1, 0);
    assert_int_equal(feed(s, TCP_ACK, 1, 2, 0), WGT_OK);
    assert_int_equal(tcp_state(&s->c), TCP_FIN_WAIT_2);
    script_free(s);
}

/* All but the FIN of the last segment is acknowledged: it leaves its chunk, with or without a
 * record to go to. */
static void
rfc9293_3_6_fin_outlives_its_segment(void **state)
{
    (void)state;
    for (int with = 0; with < 2; with++) {
        struct script *s = script_established(true, true);
        union tcp_record *all;

        send_chunk(s, 100);
        tcp_close(&s->c, s->now);
        expect(s, TCP_ACK | TCP_FIN, 1, 1, 100);
        all = with ? NULL : take_all_records(s);
        assert_int_equal(feed(s, TCP_ACK, 1, 101, 0), WGT_OK);
        assert_int_equal(reclaim_all(s), 1);
        expect_nothing(s);
        if (!with)
            s->memory.free = all;
        sleep_to_deadline(s);
        expect(s, TCP_ACK | TCP_FIN, 101, 1, 0);
        assert_int_equal(feed(s, TCP_ACK, 1, 102, 0), WGT_OK);
        assert_int_equal(tcp_state(&s->c), TCP_FIN_WAIT_2);
        script_free(s);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc9293_3_10_7_4_second_exact_reset_ends_every_state),
        cmocka_unit_test(rfc5961_3_2_reset_elsewhere_in_the_window_is_challenged),
        cmocka_unit_test(rfc1122_4_2_2_12_reset_with_data_is_a_reset),
        cmocka_unit_test(reset_needs_no_acceptable_ack_or_timestamp),
        cmocka_unit_test(reset_behind_the_highest_sacked_data_is_taken),
        cmocka_unit_test(reset_with_the_number_of_the_fin_is_taken),
        cmocka_unit_test(rfc5961_4_2_syn_is_challenged_in_every_state),
        cmocka_unit_test(repeated_syn_ack_is_answered),
        cmocka_unit_test(rfc9293_3_5_1_half_open_connection_is_found_by_a_syn),
        cmocka_unit_test(rfc9293_3_5_1_half_open_connection_is_found_by_data),
        cmocka_unit_test(rfc9293_3_5_old_duplicate_syn),
        cmocka_unit_test(rfc9293_3_10_7_4_fifth_no_ack_no_effect),
        cmocka_unit_test(rfc5961_5_2_ack_of_what_was_not_sent_has_no_effect),
        cmocka_unit_test(rfc5961_5_2_ack_from_long_ago_has_no_effect),
        cmocka_unit_test(rfc9293_3_10_7_4_fifth_syn_received_needs_our_ack),
        cmocka_unit_test(rfc9293_3_10_7_4_first_not_acceptable_is_acked_and_dropped),
        cmocka_unit_test(rfc7323_5_3_paws_in_every_state),
        cmocka_unit_test(rfc7323_5_2_timestamps_wrap),
        cmocka_unit_test(rfc9293_3_10_7_4_sixth_urgent_data_stays_in_the_stream),
        cmocka_unit_test(rfc9293_3_10_7_4_seventh_text_behind_the_fin_is_ignored),
        cmocka_unit_test(rfc9293_3_10_7_4_seventh_text_is_taken_before_it),
        cmocka_unit_test(rfc9293_3_10_7_4_eighth_fin_in_every_state),
        cmocka_unit_test(rfc9293_3_10_7_4_eighth_fin_again),
        cmocka_unit_test(rfc9293_3_6_2_time_wait_ends_in_silence),
        cmocka_unit_test(rfc9293_3_10_2_send_in_every_state),
        cmocka_unit_test(rfc9293_3_10_4_close_in_every_state),
        cmocka_unit_test(rfc9293_3_10_5_abort_in_every_state),
        cmocka_unit_test(rfc5961_7_challenges_of_all_kinds_share_a_limit),
        cmocka_unit_test(no_storm_of_acks),
        cmocka_unit_test(rfc9293_3_8_6_1_closed_window_for_a_day),
        cmocka_unit_test(rfc9293_3_8_6_ack_lies_within_the_peers_window),
        cmocka_unit_test(rfc9293_3_6_fin_waits_for_a_record),
        cmocka_unit_test(rfc9293_3_6_fin_outlives_its_segment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
