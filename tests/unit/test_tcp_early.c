/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading beyond a hole, at the engine: what is taken, what is acknowledged, what comes in order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "tcp_script.h"

/* Data that lies beyond a hole; the place of its first byte. */
static struct tcp_early
arrive(struct script *s, uint32_t seq, uint32_t len)
{
    struct tcp_early e = {.seq = 0};
    size_t at = s->n_rx;

    assert_int_equal(feed(s, TCP_ACK, seq, 1, len), WGT_OK);
    assert_int_equal(s->n_rx, at + 1);
    assert_true(tcp_early_at(&s->c, &s->rx[at], &e));
    return e;
}

static void
take(struct script *s, struct tcp_early *e, uint32_t len)
{
    assert_true(tcp_early_may_take(e, len));
    tcp_early_take(&s->c, e, len);
}

static uint32_t
place(const struct tcp_early *e)
{
    return e->seq - (uint32_t)SCRIPT_PEER_ISS;
}

static void
expect_bytes(struct script *s, const struct tcp_early *e, uint32_t n)
{
    uint8_t bytes[4096];

    assert_int_equal(tcp_early_peek(e, NULL, sizeof(bytes)), n);
    assert_int_equal(tcp_early_peek(e, bytes, sizeof(bytes)), n);
    assert_memory_equal(bytes, s->bytes + place(e), n);
}

/* The stream in order: pairs of lengths, taken and there. */
static void
expect_stream(struct script *s, const uint32_t *lengths, size_t n)
{
    size_t i = 0;

    for (;;) {
        uint32_t end, taken = tcp_recv_taken(&s->c, &end);
        struct tcp_chunk *chunk = tcp_recv(&s->c);

        assert_true(i < n);
        assert_int_equal(taken, lengths[i++]);
        if (chunk == NULL)
            break;
        assert_int_equal(chunk->seq, end);
        if (chunk->rx.taken_len > 0) {
            assert_true(i + 2 < n);
            assert_int_equal(chunk->rx.taken_at, lengths[i++]);
            assert_int_equal(chunk->rx.taken_len, lengths[i++]);
            assert_int_equal(chunk->len - chunk->rx.taken_at - chunk->rx.taken_len, lengths[i++]);
        } else {
            assert_true(i < n);
            assert_int_equal(chunk->len, lengths[i++]);
        }
        assert_memory_equal(chunk->data, s->bytes + (chunk->seq - (uint32_t)SCRIPT_PEER_ISS),
                            chunk->len);
        give_back(s, chunk);
    }
    assert_int_equal(i, n);
}

#define EXPECT_STREAM(s, ...)                                                                      \
    expect_stream(s, (uint32_t[]){__VA_ARGS__},                                                    \
                  sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static void
in_order_data_has_no_early_place(void **state)
{
    struct script *s = script_established(false, true);
    struct tcp_early e;

    (void)state;
    feed(s, TCP_ACK, 1, 1, 100);
    assert_false(tcp_early_at(&s->c, &s->rx[0], &e));
    read_all(s);
    script_free(s);
}

static void
whole_chunk_comes_back_at_once_and_as_a_length(void **state)
{
    struct script *s = script_established(false, true);
    struct tcp_early e = arrive(s, 101, 100);

    (void)state;
    expect_bytes(s, &e, 100);
    take(s, &e, 100);
    assert_null(e.chunk);
    assert_true(e.known);
    assert_int_equal(reclaim_all(s), 1);
    expect(s, TCP_ACK, 1, 1, 0);
    expect_block(s, 0, 101, 201);
    feed(s, TCP_ACK, 1, 1, 100);
    expect(s, TCP_ACK, 1, 201, 0);
    assert_int_equal(s->out.seg.n_sack, 0);
    EXPECT_STREAM(s, 0, 100, 100);
    script_free(s);
}

static void
front_middle_and_back_of_a_chunk(void **state)
{
    static const struct {
        uint32_t skip, len;
        uint32_t stream[5];
        size_t n;
    } cases[] = {
        {0, 40, {0, 100, 40, 60, 0}, 5},
        {60, 40, {0, 100, 0, 60, 40}, 5},
        {0, 100, {0, 100, 100}, 3},
    };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct script *s = script_established(false, true);
        struct tcp_early e = arrive(s, 101, 100);

        if (cases[i].skip > 0)
            tcp_early_step(&e, cases[i].skip);
        take(s, &e, cases[i].len);
        feed(s, TCP_ACK, 1, 1, 100);
        expect_stream(s, cases[i].stream, cases[i].n);
        script_free(s);
    }
}

static void
one_range_leaves_the_middle_and_may_grow(void **state)
{
    struct script *s = script_established(false, true);
    struct tcp_early e = arrive(s, 101, 100), again;

    (void)state;
    tcp_early_step(&e, 40);
    take(s, &e, 10);
    take(s, &e, 10);
    assert_int_equal(place(&e), 161);
    expect_bytes(s, &e, 40);
    /* a second range is refused, one that touches is not */
    again = e;
    tcp_early_step(&again, 10);
    assert_false(tcp_early_may_take(&again, 10));
    assert_true(tcp_early_may_take(&again, 30));
    assert_true(tcp_early_at(&s->c, &s->rx[0], &again));
    expect_bytes(s, &again, 40);
    tcp_early_step(&again, 30);
    take(s, &again, 10);
    assert_int_equal(place(&again), 161);
    feed(s, TCP_ACK, 1, 1, 100);
    EXPECT_STREAM(s, 0, 100, 0, 30, 30, 40, 0);
    script_free(s);
}

static void
middle_range_that_reaches_the_end_or_the_front(void **state)
{
    struct script *s = script_established(false, true);
    struct tcp_early e = arrive(s, 101, 100);

    (void)state;
    tcp_early_step(&e, 40);
    take(s, &e, 20);
    take(s, &e, 40);
    assert_null(e.chunk);
    assert_true(tcp_early_at(&s->c, &s->rx[0], &e));
    expect_bytes(s, &e, 40);
    take(s, &e, 40);
    assert_null(e.chunk);
    assert_int_equal(reclaim_all(s), 1);
    feed(s, TCP_ACK, 1, 1, 100);
    EXPECT_STREAM(s, 0, 100, 100);
    script_free(s);
}

static void
range_over_several_chunks(void **state)
{
    struct script *s = script_established(false, true);
    struct tcp_early e = arrive(s, 101, 100);

    (void)state;
    arrive(s, 201, 100);
    arrive(s, 301, 100);
    tcp_early_step(&e, 50);
    expect_bytes(s, &e, 250);
    take(s, &e, 200);
    assert_int_equal(place(&e), 351);
    expect_bytes(s, &e, 50);
    assert_int_equal(reclaim_all(s), 1);
    feed(s, TCP_ACK, 1, 1, 100);
    EXPECT_STREAM(s, 0, 100, 0, 50, 200, 50, 0);
    script_free(s);
}

static void
resume_leads_behind_what_was_taken(void **state)
{
    struct script *s = script_established(false, true);
    struct tcp_early e = arrive(s, 101, 100);

    (void)state;
    assert_false(tcp_early_resume(&e));
    assert_false(e.known);
    take(s, &e, 80);
    e = arrive(s, 201, 100);
    assert_false(e.known);
    assert_true(tcp_early_resume(&e));
    assert_true(e.known);
    assert_int_equal(place(&e), 181);
    take(s, &e, 120);
    e = arrive(s, 301, 50);
    assert_true(e.known); /* right behind it */
    assert_false(tcp_early_resume(&e));
    tcp_early_give_up(&e);
    e = arrive(s, 351, 50);
    assert_false(tcp_early_resume(&e));
    assert_int_equal(place(&e), 351);
    script_free(s);
}

static void
mark_leads_back_without_a_promise(void **state)
{
    struct script *s = script_established(false, true);
    struct tcp_early e = arrive(s, 101, 100);

    (void)state;
    tcp_early_step(&e, 30);
    tcp_early_mark(&e);
    e = arrive(s, 201, 100);
    assert_true(tcp_early_resume(&e));
    assert_false(e.known);
    assert_int_equal(place(&e), 131);
    expect_bytes(s, &e, 170);
    script_free(s);
}

/* Two runs become one: the left one's place counts for who fills the hole between. */
static void
runs_that_join_keep_their_gaps(void **state)
{
    struct script *s = script_established(false, true);
    struct tcp_early e = arrive(s, 401, 100);

    (void)state;
    take(s, &e, 100);
    e = arrive(s, 201, 100);
    take(s, &e, 60);
    assert_int_equal(s->c.n_runs, 2);
    e = arrive(s, 301, 100);
    assert_int_equal(s->c.n_runs, 1);
    assert_true(tcp_early_resume(&e));
    assert_int_equal(place(&e), 261);
    take(s, &e, 140);
    assert_int_equal(place(&e), 501);
    assert_null(e.chunk);
    e = arrive(s, 501, 10);
    assert_true(e.known);
    e = arrive(s, 101, 100); /* before all of it */
    assert_false(e.known);
    assert_false(tcp_early_resume(&e));
    feed(s, TCP_ACK, 1, 1, 100);
    EXPECT_STREAM(s, 0, 100, 0, 100, 300, 10, 0);
    script_free(s);
}

/* RFC 2018 8: what was reported by SACK and taken stays reported. */
static void
newcomer_over_a_taken_run_is_cut(void **state)
{
    struct script *s = script_established(false, true);
    struct tcp_early e = arrive(s, 201, 100);

    (void)state;
    take(s, &e, 100);
    assert_int_equal(feed(s, TCP_ACK, 101, 1, 400), WGT_OK);
    assert_int_equal(s->c.n_runs, 1);
    assert_int_equal(s->c.run_head->left - (uint32_t)SCRIPT_PEER_ISS, 101);
    assert_int_equal(s->c.run_head->right - (uint32_t)SCRIPT_PEER_ISS, 301);
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 400), WGT_OK);
    assert_int_equal(s->c.rcv_nxt - (uint32_t)SCRIPT_PEER_ISS, 301);
    EXPECT_STREAM(s, 0, 100, 0, 100, 100);
    script_free(s);
}

static void
reading_passes_over_gaps_in_silence(void **state)
{
    struct script *s = script_established(false, true);
    struct tcp_early e = arrive(s, 101, 100);

    (void)state;
    take(s, &e, 100);
    arrive(s, 201, 100);
    feed(s, TCP_ACK, 1, 1, 100);
    assert_int_equal(read_all(s), 200);
    assert_int_equal(s->c.ready_bytes, 0);
    script_free(s);
}

static void
end_of_the_connection_gives_all_back(void **state)
{
    struct script *s = script_established(false, true);
    struct tcp_early e = arrive(s, 201, 100);

    (void)state;
    tcp_early_step(&e, 10);
    take(s, &e, 20);
    arrive(s, 401, 100);
    assert_int_equal(s->memory.chunks, 2);
    script_free(s); /* asserts that nothing is lent and every record is back */
}

static void
fin_behind_taken_bytes(void **state)
{
    struct script *s = script_established(false, true);
    struct tcp_early e;

    (void)state;
    feed(s, TCP_ACK | TCP_FIN, 101, 1, 100);
    assert_true(tcp_early_at(&s->c, &s->rx[0], &e));
    take(s, &e, 100);
    feed(s, TCP_ACK, 1, 1, 100);
    assert_true(tcp_peer_closed(&s->c));
    EXPECT_STREAM(s, 0, 100, 100);
    script_free(s);
}

/* --- what connections share ---------------------------------------------------------------------
 */

static void
no_record_left_refuses_a_new_run_only(void **state)
{
    struct script *s = script_established(false, true);
    union tcp_record *taken[SCRIPT_RECORDS];
    size_t n = 0;

    (void)state;
    arrive(s, 201, 100);
    for (union tcp_record *record; (record = s->memory.free) != NULL; n++) {
        taken[n] = record;
        s->memory.free = record->next;
        s->memory.n_free--;
    }
    assert_int_equal(feed(s, TCP_ACK, 401, 1, 100), WGT_DROP_TCP_REASSEMBLY_FULL);
    assert_int_equal(feed(s, TCP_ACK, 301, 1, 100), WGT_OK); /* continues one */
    assert_int_equal(feed(s, TCP_ACK, 101, 1, 100), WGT_OK); /* likewise */
    while (n > 0) {
        taken[--n]->next = s->memory.free;
        s->memory.free = taken[n];
        s->memory.n_free++;
    }
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 100), WGT_OK);
    assert_int_equal(read_all(s), 400);
    script_free(s);
}

static void
nobody_holds_more_records_than_are_free(void **state)
{
    struct script *s = script_established(false, true);

    (void)state;
    tcp_memory_init(&s->memory, s->records, 4, &s->tx_block, 1);
    arrive(s, 101, 100);
    arrive(s, 301, 100);
    assert_int_equal(feed(s, TCP_ACK, 501, 1, 100), WGT_DROP_TCP_REASSEMBLY_FULL);
    assert_int_equal(feed(s, TCP_ACK, 401, 1, 100), WGT_OK); /* continues one */
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 100), WGT_OK);
    assert_int_equal(feed(s, TCP_ACK, 601, 1, 100), WGT_OK);
    assert_int_equal(s->memory.n_free, 2);
    read_all(s);
    script_free(s);
}

/* Another connection has taken records meanwhile, and this one holds more than are free: what
 * covers a run whole takes its place all the same. */
static void
run_that_takes_the_place_of_another_needs_no_share(void **state)
{
    struct script *s = script_established(false, true);

    (void)state;
    arrive(s, 201, 100);
    arrive(s, 501, 100);
    arrive(s, 801, 100);
    s->memory.n_free = 1; /* the rest is another's */
    assert_int_equal(feed(s, TCP_ACK, 1001, 1, 100), WGT_DROP_TCP_REASSEMBLY_FULL);
    assert_int_equal(feed(s, TCP_ACK, 401, 1, 300), WGT_OK);
    assert_int_equal(s->c.n_runs, 3);
    assert_int_equal(s->memory.n_free, 1);
    s->memory.n_free = SCRIPT_RECORDS - 3;
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 200), WGT_OK);
    assert_int_equal(feed(s, TCP_ACK, 301, 1, 100), WGT_OK);
    assert_int_equal(feed(s, TCP_ACK, 701, 1, 100), WGT_OK);
    assert_int_equal(read_all(s), 900);
    script_free(s);
}

/* Beyond a hole, from seq on; returns where it was refused. */
static uint32_t
fill_with_chunks(struct script *s, uint32_t seq)
{
    while (feed(s, TCP_ACK, seq, 1, 10) == WGT_OK)
        seq += 10;
    return seq;
}

static void
nobody_holds_more_chunks_than_four_times_what_is_free(void **state)
{
    struct script *s = script_established(false, true);

    (void)state;
    s->memory.chunks_max = 20;
    fill_with_chunks(s, 101);
    assert_int_equal(s->memory.chunks, 16);
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 100), WGT_OK); /* in order always goes */
    assert_int_equal(s->memory.chunks, 0);
    read_all(s);
    script_free(s);
}

static void
strangers_find_half_of_the_chunks(void **state)
{
    struct script *s = script_new();
    uint32_t seq;

    (void)state;
    s->options.receive_buffer_max = 2 * s->options.receive_buffer;
    open_passive(s);
    s->memory.chunks_max = 40;
    s->memory.chunks = 15; /* others' */
    seq = fill_with_chunks(s, 101);
    assert_int_equal(s->memory.chunks, 15 + 4);
    tcp_widen(&s->c, s->options.receive_buffer_max);
    fill_with_chunks(s, seq);
    assert_int_equal(s->memory.chunks, 15 + 20);
    read_all(s);
    script_free(s);
}

static void
connection_is_small(void **state)
{
    (void)state;
    assert_true(sizeof(struct tcp_conn) <= 792);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_order_data_has_no_early_place),
        cmocka_unit_test(whole_chunk_comes_back_at_once_and_as_a_length),
        cmocka_unit_test(front_middle_and_back_of_a_chunk),
        cmocka_unit_test(one_range_leaves_the_middle_and_may_grow),
        cmocka_unit_test(middle_range_that_reaches_the_end_or_the_front),
        cmocka_unit_test(range_over_several_chunks),
        cmocka_unit_test(resume_leads_behind_what_was_taken),
        cmocka_unit_test(mark_leads_back_without_a_promise),
        cmocka_unit_test(runs_that_join_keep_their_gaps),
        cmocka_unit_test(newcomer_over_a_taken_run_is_cut),
        cmocka_unit_test(reading_passes_over_gaps_in_silence),
        cmocka_unit_test(end_of_the_connection_gives_all_back),
        cmocka_unit_test(fin_behind_taken_bytes),
        cmocka_unit_test(no_record_left_refuses_a_new_run_only),
        cmocka_unit_test(nobody_holds_more_records_than_are_free),
        cmocka_unit_test(run_that_takes_the_place_of_another_needs_no_share),
        cmocka_unit_test(nobody_holds_more_chunks_than_four_times_what_is_free),
        cmocka_unit_test(strangers_find_half_of_the_chunks),
        cmocka_unit_test(connection_is_small),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
