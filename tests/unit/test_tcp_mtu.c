/* SPDX-License-Identifier: BSD-3-Clause */
/* The path MTU: lowered by ICMP errors (RFC 1191), found in black holes and searched (RFC 8899). */
#include "tcp_script.h"

enum { FULL = SCRIPT_MSS - 12, BASE = 1160 - 12, V4_HEADERS = 52, SEGMENTS_MAX = 64 };

/* The far side of a path that carries segments of `limit` bytes of payload, 20 ms away. */
struct path {
    uint32_t limit;
    uint32_t ack;     /* relative */
    uint32_t largest; /* segment that came through */
    unsigned dropped;
    bool got[1 << 16];
};

static struct script *
on_path(struct path *p, uint32_t limit)
{
    struct script *s = script_new();

    s->ts = s->sack = true;
    s->options.mss_base = 1160;
    s->options.user_timeout = 4000 * WGT_SEC;
    open_passive(s);
    *p = (struct path){.limit = limit, .ack = 1};
    return s;
}

static void
acknowledge(struct script *s, struct path *p, uint32_t seq, uint32_t len)
{
    struct tcp_segment seg;

    memset(p->got + seq, 1, len);
    while (p->got[p->ack])
        p->ack++;
    seg = peer_segment(s, TCP_ACK, 1, p->ack, 0);
    if (seq > p->ack) {
        uint32_t left = seq, right = seq + len;

        while (p->got[left - 1])
            left--;
        while (p->got[right])
            right++;
        seg.sack[seg.n_sack++] = (struct tcp_sack_block){our_seq(left), our_seq(right)};
    }
    assert_int_equal(feed_segment(s, &seg), WGT_OK);
}

/* All that leaves now crosses the path; false: nothing did. */
static bool
cross(struct script *s, struct path *p)
{
    uint32_t seq[SEGMENTS_MAX], len[SEGMENTS_MAX];
    unsigned n = 0;

    while (output(s)) {
        assert_true(n < SEGMENTS_MAX);
        seq[n] = s->out.seg.seq - (uint32_t)SCRIPT_ISS;
        len[n++] = s->out.len;
        assert_true(s->out.len <= tcp_mss(&s->c));
    }
    if (n == 0)
        return false;
    sleep_for(s, 20 * WGT_MSEC);
    for (unsigned i = 0; i < n; i++) {
        if (len[i] == 0)
            continue;
        if (len[i] > p->limit) {
            p->dropped++;
            continue;
        }
        p->largest = len[i] > p->largest ? len[i] : p->largest;
        acknowledge(s, p, seq[i], len[i]);
    }
    reclaim_all(s);
    return true;
}

/* Until all is acknowledged; returns how long that took. */
static wgt_time
carry(struct script *s, struct path *p)
{
    wgt_time start = s->now;

    for (int turns = 0; s->c.snd_una != s->c.tx_end; turns++) {
        assert_true(turns < 1000);
        if (!cross(s, p))
            sleep_to_deadline(s);
    }
    return s->now - start;
}

/* A frame every so often; the stream must not outgrow 64 KiB. */
static void
stream(struct script *s, struct path *p, int frames, uint32_t len, wgt_time gap)
{
    while (frames-- > 0) {
        s->n_tx = 0;
        send_chunks(s, 1, len);
        (void)carry(s, p);
        sleep_for(s, gap);
    }
}

static enum wgt_drop
too_big(struct script *s, uint32_t seq, uint32_t len, uint32_t payload)
{
    struct icmp_error e = {
        .kind = ICMP_ERROR_TOO_BIG,
        .mtu = payload + V4_HEADERS,
        .src = {.addr.family = IP_V4, .port = 1},
        .dst = {.addr.family = IP_V4, .port = 2},
        .packet_len = len + V4_HEADERS,
        .seq = our_seq(seq),
    };

    return tcp_icmp(&s->c, s->now, &e);
}

/* --- ICMP --- */

static void
rfc1191_6_3_larger_segments_go_out_again_in_pieces(void **state)
{
    struct path p;
    struct script *s = on_path(&p, 1300);

    (void)state;
    send_chunks(s, 3, FULL);
    for (uint32_t i = 0; i < 3; i++)
        expect(s, TCP_ACK, 1 + i * FULL, 1, FULL);
    sleep_for(s, 5 * WGT_MSEC);
    assert_int_equal(too_big(s, 1, FULL, 1300), WGT_OK);
    assert_int_equal(tcp_mss(&s->c), 1300);
    assert_int_equal(s->c.cc.mss, 1300);
    /* without waiting for any timer */
    expect(s, TCP_ACK, 1, 1, 1300);
    assert_true(s->out.retransmission);
    acknowledge(s, &p, 1, 1300);
    assert_true(carry(s, &p) < 200 * WGT_MSEC);
    assert_int_equal(s->c.tx->rto_count, 0);
    assert_int_equal(p.ack, 1 + 3 * FULL);
    script_free(s);
}

static void
chunks_are_cut_to_the_new_size(void **state)
{
    struct path p;
    struct script *s = on_path(&p, 1300);

    (void)state;
    send_chunks(s, 1, FULL);
    expect(s, TCP_ACK, 1, 1, FULL);
    assert_int_equal(too_big(s, 1, FULL, 1300), WGT_OK);
    (void)carry(s, &p);
    p.dropped = 0;
    send_chunks(s, 4, FULL);
    (void)carry(s, &p);
    assert_int_equal(p.dropped, 0);
    script_free(s);
}

/* --- black holes --- */

static void
rfc8899_4_3_black_hole_is_left_by_the_base_size(void **state)
{
    struct path p;
    struct script *s = on_path(&p, 1300);
    wgt_time took;

    (void)state;
    send_chunks(s, 8, FULL);
    took = carry(s, &p);
    assert_int_equal(p.ack, 1 + 8 * FULL);
    assert_true(took < 8 * WGT_SEC);
    assert_true(s->c.mss >= BASE && s->c.mss <= 1300);
    script_free(s);
}

/* RFC 8899 5.3: the size that the path carries is found, to within 32 bytes. */
static void
rfc8899_5_3_search_ends_below_the_limit(void **state)
{
    static const uint32_t limits[] = {1160, 1300, 1401, 1447};

    (void)state;
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        struct path p;
        struct script *s = on_path(&p, limits[i]);

        do
            stream(s, &p, 1, FULL, 1100 * WGT_MSEC);
        while (tcp_mss(&s->c) != s->c.mss && p.ack < 60000);
        assert_true(s->c.mss <= limits[i]);
        assert_true(limits[i] - s->c.mss <= 32);
        assert_int_equal(tcp_mss(&s->c), s->c.mss);
        assert_true(p.dropped <= 3 + 5 * 3);
        script_free(s);
    }
}

static void
rfc4821_7_7_outage_does_not_cost_the_size(void **state)
{
    struct path p;
    struct script *s = on_path(&p, 0);

    (void)state;
    send_chunks(s, 2, FULL);
    while (s->c.tx->rto_count < 2) {
        if (!cross(s, &p))
            sleep_to_deadline(s);
    }
    assert_int_equal(s->c.mss, BASE);
    assert_int_equal(tcp_mss(&s->c), FULL); /* not reported: nothing speaks for it yet */
    p.limit = FULL;
    (void)carry(s, &p);
    stream(s, &p, 15, FULL, 100 * WGT_MSEC);
    assert_int_equal(s->c.mss, FULL);
    script_free(s);
}

static void
black_hole_needs_a_large_segment(void **state)
{
    struct path p;
    struct script *s = on_path(&p, 0);

    (void)state;
    send_chunks(s, 1, BASE);
    while (s->c.tx->rto_count < 4) {
        if (!cross(s, &p))
            sleep_to_deadline(s);
    }
    assert_int_equal(s->c.mss, FULL);
    script_free(s);
}

static void
one_timeout_is_no_black_hole(void **state)
{
    struct path p;
    struct script *s = on_path(&p, 0);

    (void)state;
    send_chunks(s, 2, FULL);
    while (s->c.tx->rto_count < 1) {
        if (!cross(s, &p))
            sleep_to_deadline(s);
    }
    assert_int_equal(s->c.mss, FULL);
    script_free(s);
}

/* The first segment is lost again and again, but others of its size come through. */
static void
no_black_hole_while_large_segments_pass(void **state)
{
    struct path p;
    struct script *s = on_path(&p, FULL);
    uint32_t next = 1 + FULL;

    (void)state;
    send_chunks(s, 4, FULL);
    while (s->c.tx->rto_count < 4) {
        uint32_t seq[SEGMENTS_MAX];
        unsigned n = 0;

        while (output(s))
            seq[n++] = s->out.seg.seq - (uint32_t)SCRIPT_ISS;
        if (n == 0)
            sleep_to_deadline(s);
        sleep_for(s, 1 * WGT_MSEC);
        for (unsigned i = 0; i < n; i++) {
            if (seq[i] == next && next <= 1 + 2 * FULL) {
                acknowledge(s, &p, next, FULL);
                next += FULL;
            }
        }
    }
    assert_int_equal(s->c.mss, FULL);
    script_free(s);
}

/* --- the search --- */

/* Lowered by ICMP to 1300, then the path widens. */
static struct script *
lowered(struct path *p)
{
    struct script *s = on_path(p, 1300);

    send_chunks(s, 1, FULL);
    expect(s, TCP_ACK, 1, 1, FULL);
    assert_int_equal(too_big(s, 1, FULL, 1300), WGT_OK);
    (void)carry(s, p);
    assert_int_equal(s->c.mss, 1300);
    return s;
}

/* The next segment, when the pacer lets it go. */
static void
expect_soon(struct script *s, uint32_t seq, uint32_t len)
{
    wgt_time start = s->now;

    while (!output(s)) {
        sleep_to_deadline(s);
        assert_true(s->now - start < 20 * WGT_MSEC);
    }
    assert_int_equal(s->out.seg.seq, our_seq(seq));
    assert_int_equal(s->out.len, len);
}

static void
rfc1191_6_3_raised_after_ten_minutes(void **state)
{
    struct path p;
    struct script *s = lowered(&p);
    uint32_t at;

    (void)state;
    p.limit = FULL;
    sleep_for(s, 595 * WGT_SEC);
    stream(s, &p, 3, FULL, WGT_SEC);
    assert_int_equal(s->c.mss, 1300);
    sleep_for(s, 2 * WGT_SEC);
    at = p.ack;
    send_chunks(s, 3, FULL);
    expect_soon(s, at, FULL); /* the probe */
    expect_soon(s, at + FULL, 1300);
    expect_soon(s, at + FULL + 1300, FULL - 1300);
    sleep_for(s, 20 * WGT_MSEC);
    acknowledge(s, &p, at, FULL);
    assert_int_equal(s->c.mss, FULL);
    assert_int_equal(tcp_mss(&s->c), FULL);
    assert_int_equal(s->c.cc.mss, FULL);
    script_free(s);
}

/* Some peers and middleboxes acknowledge a part. The probe is then neither passed nor lost. */
static void
probe_acknowledged_in_pieces_ends(void **state)
{
    struct path p;
    struct script *s = lowered(&p);
    uint32_t at;

    (void)state;
    sleep_for(s, 600 * WGT_SEC);
    at = p.ack;
    send_chunks(s, 1, FULL);
    expect(s, TCP_ACK, at, 1, FULL);
    assert_int_equal(feed(s, TCP_ACK, 1, at + 700, 0), WGT_OK);
    assert_int_equal(feed(s, TCP_ACK, 1, at + FULL, 0), WGT_OK);
    assert_int_equal(s->c.mss, 1300);
    send_chunks(s, 1, FULL);
    expect(s, TCP_ACK, at + FULL, 1, FULL); /* the next one */
    script_free(s);
}

static void
rfc4821_7_5_loss_of_a_probe_is_no_congestion(void **state)
{
    struct path p;
    struct script *s = lowered(&p);
    uint64_t fast;

    (void)state;
    sleep_for(s, 600 * WGT_SEC);
    fast = s->c.fast_retransmits;
    send_chunks(s, 6, FULL);
    assert_true(cross(s, &p));
    assert_int_equal(p.dropped, 1); /* one probe at a time */
    for (int i = 0; i < 10 && s->c.snd_una != s->c.tx_end; i++) {
        assert_int_equal(s->c.recovery, TCP_RECOVERY_NONE);
        if (!cross(s, &p))
            sleep_to_deadline(s);
    }
    assert_int_equal(s->c.snd_una, s->c.tx_end);
    assert_int_equal(s->c.fast_retransmits, fast);
    assert_int_equal(s->c.tx->rto_count, 0);
    assert_int_equal(s->c.cc.ssthresh, UINT32_MAX);
    script_free(s);
}

static void
rfc8899_5_1_2_three_probes_of_a_size(void **state)
{
    struct path p;
    struct script *s = lowered(&p);
    wgt_time last = 0;

    (void)state;
    sleep_for(s, 600 * WGT_SEC);
    for (unsigned i = 0; i < 3; i++) {
        unsigned before = p.dropped;

        while (p.dropped == before) {
            assert_true(p.ack < 60000);
            s->n_tx = 0;
            send_chunks(s, 2, FULL);
            (void)carry(s, &p);
            sleep_for(s, 250 * WGT_MSEC);
        }
        assert_true(s->now - last >= WGT_SEC); /* 5.1.1 */
        assert_int_equal(tcp_mss(&s->c), i < 2 ? FULL : 1300 + (FULL + 1 - 1300) / 2);
        last = s->now;
    }
    script_free(s);
}

static void
rfc8899_4_6_icmp_about_a_probe_gives_the_size_at_once(void **state)
{
    struct path p;
    struct script *s = lowered(&p);
    uint32_t at;

    (void)state;
    sleep_for(s, 600 * WGT_SEC);
    at = p.ack;
    send_chunks(s, 1, FULL);
    expect(s, TCP_ACK, at, 1, FULL);
    assert_int_equal(too_big(s, at, FULL, 1380), WGT_OK);
    assert_int_equal(s->c.mss, 1300);
    assert_int_equal(tcp_mss(&s->c), 1380);
    p.limit = 1380;
    (void)carry(s, &p);
    assert_int_equal(p.dropped, 0);
    script_free(s);
}

/* --- the next connection --- */

/* It comes when the last one has found what it could, `later`. */
static struct script *
next_on_path(struct path *p, struct script *last, wgt_time later)
{
    struct tcp_path_mss found;
    struct script *s;
    wgt_time now = last->now + later;

    tcp_abort(&last->c, last->now);
    assert_true(tcp_path_mss(&last->c, &found));
    script_free(last);
    s = on_path(p, p->limit);
    assert_true(now >= s->now);
    sleep_for(s, now - s->now);
    tcp_assume_path_mss(&s->c, &found);
    return s;
}

static void
rfc9040_what_was_found_is_not_lost_anew(void **state)
{
    struct path p;
    struct script *s = lowered(&p);

    (void)state;
    s = next_on_path(&p, s, WGT_SEC);
    assert_int_equal(tcp_mss(&s->c), 1300);
    assert_int_equal(s->c.cc.mss, 1300);
    stream(s, &p, 10, FULL, WGT_SEC);
    assert_int_equal(p.dropped, 0);
    assert_int_equal(p.largest, 1300);
    /* and again, when this one has learned nothing itself */
    s = next_on_path(&p, s, WGT_SEC);
    assert_int_equal(tcp_mss(&s->c), 1300);
    /* ten minutes count from the first one's word */
    p.limit = FULL;
    sleep_for(s, 595 * WGT_SEC);
    stream(s, &p, 3, FULL, WGT_SEC);
    assert_int_equal(s->c.mss, FULL);
    assert_int_equal(p.dropped, 0);
    script_free(s);
}

/* RFC 1191 6.3, RFC 8201 4. What it costs, when nothing has changed, is probes. */
static void
rfc9040_what_is_old_is_tried_again_at_once(void **state)
{
    (void)state;
    for (uint32_t limit = 1300; limit <= FULL; limit += FULL - 1300) {
        struct path p;
        struct script *s = next_on_path(&p, lowered(&p), 601 * WGT_SEC);

        p.limit = limit;
        assert_int_equal(tcp_mss(&s->c), 1300);
        stream(s, &p, 3, FULL, 100 * WGT_MSEC);
        assert_int_equal(p.dropped, limit == 1300);
        assert_int_equal(s->c.mss, limit);
        assert_int_equal(s->c.timeouts, 0);
        script_free(s);
    }
}

/* A search that had not ended goes on; what passed so far is no worse. */
static void
rfc9040_a_search_goes_on(void **state)
{
    struct path p;
    struct script *s = on_path(&p, 1300);

    (void)state;
    send_chunks(s, 8, FULL);
    (void)carry(s, &p);
    assert_int_equal(s->c.mss, BASE);
    s = next_on_path(&p, s, WGT_SEC);
    assert_int_equal(s->c.mss, BASE);
    p.limit = FULL;
    stream(s, &p, 3, FULL, 100 * WGT_MSEC);
    assert_int_equal(s->c.mss, FULL);
    assert_int_equal(p.dropped, 0);
    script_free(s);
}

/* A wire that is dead for all sizes says nothing about one of them. */
static void
rfc9040_an_outage_is_not_remembered(void **state)
{
    struct path p;
    struct script *s = on_path(&p, 0);
    struct tcp_path_mss found;

    (void)state;
    send_chunks(s, 2, FULL);
    while (s->c.tx->rto_count < 3) {
        if (!cross(s, &p))
            sleep_to_deadline(s);
    }
    assert_int_equal(s->c.mss, BASE);
    assert_false(tcp_path_mss(&s->c, &found));
    p.limit = BASE;
    (void)carry(s, &p);
    assert_true(tcp_path_mss(&s->c, &found));
    assert_int_equal(found.mss, BASE + 12);
    script_free(s);
}

static void
rfc9040_what_passes_is_not_doubted(void **state)
{
    struct path p;
    struct script *s = on_path(&p, FULL);
    struct tcp_path_mss found;

    (void)state;
    send_chunks(s, 1, FULL);
    (void)carry(s, &p);
    tcp_assume_path_mss(&s->c, &(struct tcp_path_mss){.mss = 1312, .until = WGT_NEVER - 1});
    assert_int_equal(tcp_mss(&s->c), FULL);
    assert_true(tcp_path_mss(&s->c, &found));
    assert_int_equal(found.mss, 0);
    tcp_assume_path_mss(&s->c, &found);
    assert_int_equal(tcp_mss(&s->c), FULL);
    script_free(s);
}

/* Nor is it told anything before its handshake. */
static void
rfc9040_a_refused_connection_has_found_nothing(void **state)
{
    struct script *s = script_new();
    struct tcp_path_mss found;

    (void)state;
    tcp_open_active(&s->c, s->now, &s->options);
    assert_false(tcp_path_mss(&s->c, &found));
    tcp_assume_path_mss(&s->c, &(struct tcp_path_mss){.mss = 1312});
    assert_int_equal(tcp_mss(&s->c), 0);
    tcp_abort(&s->c, s->now);
    assert_false(tcp_path_mss(&s->c, &found));
    script_free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc1191_6_3_larger_segments_go_out_again_in_pieces),
        cmocka_unit_test(chunks_are_cut_to_the_new_size),
        cmocka_unit_test(rfc8899_4_3_black_hole_is_left_by_the_base_size),
        cmocka_unit_test(rfc8899_5_3_search_ends_below_the_limit),
        cmocka_unit_test(rfc4821_7_7_outage_does_not_cost_the_size),
        cmocka_unit_test(black_hole_needs_a_large_segment),
        cmocka_unit_test(one_timeout_is_no_black_hole),
        cmocka_unit_test(no_black_hole_while_large_segments_pass),
        cmocka_unit_test(rfc1191_6_3_raised_after_ten_minutes),
        cmocka_unit_test(probe_acknowledged_in_pieces_ends),
        cmocka_unit_test(rfc4821_7_5_loss_of_a_probe_is_no_congestion),
        cmocka_unit_test(rfc8899_5_1_2_three_probes_of_a_size),
        cmocka_unit_test(rfc8899_4_6_icmp_about_a_probe_gives_the_size_at_once),
        cmocka_unit_test(rfc9040_what_was_found_is_not_lost_anew),
        cmocka_unit_test(rfc9040_what_is_old_is_tried_again_at_once),
        cmocka_unit_test(rfc9040_a_search_goes_on),
        cmocka_unit_test(rfc9040_an_outage_is_not_remembered),
        cmocka_unit_test(rfc9040_what_passes_is_not_doubted),
        cmocka_unit_test(rfc9040_a_refused_connection_has_found_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
