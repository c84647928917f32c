/* SPDX-License-Identifier: BSD-3-Clause */
/* The records of sent segments: what lies in which, when segments are cut again and acknowledged in
 * pieces; and what must outlive the wrap of sequence space. Looks into the connection. */
#include "tcp_script.h"

static struct script *
established(void)
{
    struct script *s = script_established(false, true);

    s->c.cc.pacing_rate = UINT64_C(1) << 40;
    return s;
}

static void
lower_the_mss_at(struct script *s, uint16_t mtu, uint32_t seq)
{
    struct icmp_error e = {.kind = ICMP_ERROR_TOO_BIG,
                           .mtu = mtu,
                           .seq = our_seq(seq),
                           .packet_len = 1460 + 40,
                           .dst.addr.family = IP_V4};

    assert_int_equal(tcp_icmp(&s->c, s->now, &e), WGT_OK);
}

static void
lower_the_mss(struct script *s, uint16_t mtu)
{
    lower_the_mss_at(s, mtu, 1);
}

/* Both lists and the flags say the same. */
static void
check_lists(const struct script *s)
{
    const struct tcp_conn *c = &s->c;
    uint32_t flight = 0, lost = 0, sacked = 0, seq = c->snd_una;
    uint64_t order = 0;

    for (const struct tcp_sent *r = c->tx->sent_head; r != NULL; r = r->next) {
        uint32_t len = r->len + !!(r->flags & 0x04);

        assert_int_equal(r->seq, seq);
        assert_true(len > 0);
        seq += len;
        flight += r->list == &c->tx->flight ? len : 0;
        lost += r->list == &c->tx->lost ? len : 0;
        sacked += r->list == NULL;
        assert_true(r->next != NULL || r == c->tx->sent_tail);
    }
    assert_int_equal(seq, c->snd_nxt);
    assert_int_equal(flight, c->tx->flight.bytes);
    assert_int_equal(lost, c->tx->lost.bytes);
    assert_int_equal(sacked, c->tx->n_sacked);
    for (const struct tcp_sent *r = c->tx->flight.head; r != NULL; r = r->after) {
        assert_true(r->order > order);
        order = r->order;
    }
    seq = c->snd_una;
    for (const struct tcp_sent *r = c->tx->lost.head; r != NULL; r = r->after) {
        assert_true((int32_t)(r->seq - seq) >= 0);
        seq = r->seq + r->len;
    }
}

/* Where the bytes of the segment that left lie. */
static void
expect_bytes(const struct script *s, size_t chunk, uint32_t offset)
{
    assert_ptr_equal(s->out.chunk, &s->tx[chunk]);
    assert_int_equal(s->out.offset, offset);
}

/* Four chunks of 300 make a segment; it is cut behind 496: in the middle of the second. */
static void
segment_of_several_chunks_is_cut_where_the_path_wants_it(void **state)
{
    struct script *s = established();

    (void)state;
    send_chunks(s, 4, 300);
    expect(s, TCP_ACK, 1, 1, 1200);
    lower_the_mss(s, 576);
    expect(s, TCP_ACK, 1, 1, 536);
    expect_bytes(s, 0, 0);
    expect(s, TCP_ACK, 537, 1, 536);
    expect_bytes(s, 1, 236);
    expect(s, TCP_ACK, 1073, 1, 128);
    expect_bytes(s, 3, 172);
    assert_true(s->out.seg.flags & TCP_PSH);
    check_lists(s);
    /* into the second chunk: the first piece moves on; then beyond it */
    assert_int_equal(feed(s, TCP_ACK, 1, 401, 0), WGT_OK);
    check_lists(s);
    assert_int_equal(s->c.tx->sent_head->len, 136);
    assert_ptr_equal(s->c.tx->sent_head->chunk, &s->tx[1]);
    assert_int_equal(feed(s, TCP_ACK, 1, 1000, 0), WGT_OK);
    check_lists(s);
    assert_ptr_equal(s->c.tx->sent_head->chunk, &s->tx[3]);
    assert_int_equal(s->c.tx->sent_head->offset, 99);
    assert_int_equal(feed(s, TCP_ACK, 1, 1201, 0), WGT_OK);
    check_lists(s);
    assert_int_equal(reclaim_all(s), 4);
    assert_int_equal(s->memory.n_free, s->memory.n);
    script_free(s);
}

/* The rest begins where a chunk does: no record of another segment may be taken for that chunk's.
 */
static void
rest_that_starts_with_a_chunk(void **state)
{
    struct script *s = established();

    (void)state;
    send_chunks(s, 2, 536);
    expect(s, TCP_ACK, 1, 1, 1072);
    lower_the_mss(s, 576);
    expect(s, TCP_ACK, 1, 1, 536);
    expect(s, TCP_ACK, 537, 1, 536);
    expect_bytes(s, 1, 0);
    check_lists(s);
    assert_int_equal(feed(s, TCP_ACK, 1, 537, 0), WGT_OK);
    assert_int_equal(reclaim_all(s), 1);
    assert_int_equal(feed(s, TCP_ACK, 1, 600, 0), WGT_OK);
    check_lists(s);
    sleep_to_deadline(s);
    assert_true(output(s));
    assert_int_equal(s->out.seg.seq, our_seq(600));
    expect_bytes(s, 1, 63);
    assert_int_equal(feed(s, TCP_ACK, 1, 1073, 0), WGT_OK);
    assert_int_equal(s->memory.n_free, s->memory.n);
    script_free(s);
}

static void
fin_stays_with_the_last_piece(void **state)
{
    struct script *s = established();

    (void)state;
    send_chunks(s, 2, 600);
    tcp_close(&s->c, s->now);
    expect(s, TCP_ACK | TCP_FIN, 1, 1, 1200);
    lower_the_mss(s, 576);
    expect(s, TCP_ACK, 1, 1, 536);
    assert_false(s->out.seg.flags & TCP_PSH);
    expect(s, TCP_ACK, 537, 1, 536);
    expect(s, TCP_ACK | TCP_FIN, 1073, 1, 128);
    check_lists(s);
    /* all but the FIN */
    assert_int_equal(feed(s, TCP_ACK, 1, 1201, 0), WGT_OK);
    check_lists(s);
    assert_int_equal(reclaim_all(s), 2);
    assert_int_equal(feed(s, TCP_ACK, 1, 1202, 0), WGT_OK);
    assert_int_equal(tcp_state(&s->c), TCP_FIN_WAIT_2);
    assert_int_equal(s->memory.n_free, s->memory.n);
    script_free(s);
}

static void
without_a_record_the_cut_waits(void **state)
{
    struct script *s = established();
    union tcp_record *all = s->memory.free;

    (void)state;
    send_chunks(s, 2, 600);
    expect(s, TCP_ACK, 1, 1, 1200);
    lower_the_mss(s, 576);
    s->memory.free = NULL;
    expect_nothing(s);
    check_lists(s);
    s->memory.free = all;
    expect(s, TCP_ACK, 1, 1, 536);
    check_lists(s);
    script_free(s);
}

/* One connection alone gets a half of the records; the first piece of a chunk needs none. */
static void
nobody_holds_more_records_than_are_free(void **state)
{
    struct script *s = script_new();

    (void)state;
    s->peer_mss = 48;
    tcp_memory_init(&s->memory, s->records, 4, &s->tx_block, 1);
    open_passive(s);
    s->c.cc.pacing_rate = UINT64_C(1) << 40;
    send_chunks(s, 1, 400);
    for (uint32_t i = 0; i < 3; i++)
        expect(s, TCP_ACK, 1 + i * 48, 1, 48);
    expect_nothing(s);
    assert_int_equal(s->memory.n_free, 2);
    check_lists(s);
    assert_int_equal(feed(s, TCP_ACK, 1, 97, 0), WGT_OK);
    expect(s, TCP_ACK, 145, 1, 48);
    expect(s, TCP_ACK, 193, 1, 48);
    expect_nothing(s);
    assert_int_equal(s->memory.n_free, 2);
    check_lists(s);
    script_free(s);
}

/* Any order of SACKs, losses, partial ACKs, cuts: the lists agree at every step. */
static void
lists_agree_whatever_happens(void **state)
{
    uint32_t r = 1;

    (void)state;
    for (int round = 0; round < 300; round++) {
        struct script *s = established();
        uint32_t end = 1;

        send_chunks(s, 40, 200 + (uint32_t)round % 7 * 100);
        for (int step = 0; step < 60; step++) {
            uint32_t una, out, ack, left;

            (void)count_output(s);
            check_lists(s);
            una = s->c.snd_una - our_seq(0);
            out = s->c.snd_nxt - our_seq(0);
            end = out;
            r = r * 1664525 + 1013904223;
            ack = una + (out > una && r >> 28 == 0 ? (r >> 8) % (out - una + 1) : 0);
            r = r * 1664525 + 1013904223;
            left = ack + 1 + (out > ack ? (r >> 8) % (out - ack) : 0);
            sleep_for(s, (r >> 30) * 5 * WGT_MSEC);
            if (r >> 27 == 3 && tcp_deadline(&s->c) != WGT_NEVER)
                sleep_to_deadline(s);
            if (round % 5 == 0 && step == 20 && out > una)
                lower_the_mss_at(s, 1000, una);
            if (left < out)
                (void)feed_sack(s, 1, ack, left, left + 1 + (r >> 9) % (out - left), 0, 0);
            else
                (void)feed(s, TCP_ACK, 1, ack, 0);
            if (tcp_state(&s->c) == TCP_CLOSED)
                break;
            check_lists(s);
        }
        (void)feed(s, TCP_ACK, 1, end, 0);
        script_free(s);
    }
}

/* The pacer lets 64 KiB go at a time. */
static int
count_over_time(struct script *s)
{
    int n = 0;

    for (int i = 0; i < 10; i++) {
        n += count_output(s);
        sleep_for(s, WGT_MSEC);
    }
    return n;
}

/* Bytes acknowledged without a loss, more than half of sequence space. */
static void
send_much(struct script *s)
{
    for (uint64_t sent = 0; sent < (UINT64_C(1) << 31) + (1 << 20);) {
        uint32_t una = s->c.snd_una;

        s->n_tx = s->n_rx = 0;
        for (int i = 0; i < 8; i++)
            assert_true(send_chunk(s, 64000));
        s->window = 65535;
        while (output(s))
            continue;
        sleep_for(s, 50 * WGT_MSEC);
        while (s->c.snd_una != s->c.tx_end) {
            assert_int_equal(feed(s, TCP_ACK, 1, s->c.snd_nxt - our_seq(0), 0), WGT_OK);
            while (output(s))
                continue;
            sleep_for(s, 50 * WGT_MSEC);
        }
        (void)reclaim_all(s);
        sent += s->c.snd_una - una;
    }
}

static struct script *
established_with_huge_segments(bool ecn)
{
    struct script *s = script_new();
    struct tcp_segment syn;

    s->options.mss_local = 65000;
    s->options.ecn = ecn;
    s->peer_mss = 65000;
    s->wscale = true;
    syn = peer_segment(s, ecn ? TCP_SYN | TCP_ECE | TCP_CWR : TCP_SYN, 0, 0, 0);
    assert_int_equal(tcp_open_passive(&s->c, s->now, &s->options, &syn), WGT_OK);
    assert_true(output(s));
    sleep_for(s, 50 * WGT_MSEC);
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 0), WGT_OK);
    s->c.cc.pacing_rate = UINT64_C(1) << 40;
    return s;
}

static void
rfc6582_fast_retransmit_works_2_gigabytes_after_the_last_loss(void **state)
{
    struct script *s = established_with_huge_segments(false);
    uint32_t una;

    (void)state;
    send_much(s);
    una = s->c.snd_una - our_seq(0);
    s->n_tx = 0;
    s->c.cc.cwnd = 1 << 20;
    send_chunks(s, 8, 64000);
    assert_true(count_over_time(s) >= 5);
    sleep_for(s, 50 * WGT_MSEC);
    for (int i = 0; i < 4; i++)
        assert_int_equal(feed(s, TCP_ACK, 1, una, 0), WGT_OK);
    assert_int_equal(s->c.recovery, TCP_RECOVERY_FAST);
    script_free(s);
}

static void
rfc3168_marks_count_2_gigabytes_after_the_last_one(void **state)
{
    struct script *s = established_with_huge_segments(true);
    uint32_t una;

    (void)state;
    assert_true(s->c.ecn.ok);
    send_much(s);
    una = s->c.snd_una - our_seq(0);
    s->n_tx = 0;
    s->c.cc.cwnd = 1 << 20;
    send_chunks(s, 8, 64000);
    assert_true(count_over_time(s) >= 5);
    assert_int_equal(s->c.cc.ssthresh, UINT32_MAX);
    assert_int_equal(feed(s, TCP_ACK | TCP_ECE, 1, una + 64000, 0), WGT_OK);
    assert_true(s->c.cc.ssthresh < UINT32_MAX);
    script_free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segment_of_several_chunks_is_cut_where_the_path_wants_it),
        cmocka_unit_test(rest_that_starts_with_a_chunk),
        cmocka_unit_test(fin_stays_with_the_last_piece),
        cmocka_unit_test(without_a_record_the_cut_waits),
        cmocka_unit_test(nobody_holds_more_records_than_are_free),
        cmocka_unit_test(lists_agree_whatever_happens),
        cmocka_unit_test(rfc6582_fast_retransmit_works_2_gigabytes_after_the_last_loss),
        cmocka_unit_test(rfc3168_marks_count_2_gigabytes_after_the_last_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
