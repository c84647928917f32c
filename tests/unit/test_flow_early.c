/* SPDX-License-Identifier: BSD-3-Clause */
/* Delivery beyond holes, by the rules of docs: R1..R10 are named where they are held. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define REQUIRE(x) assert_true(x)
#include "early_rig.h"

static struct rig *r;

static int
set_up(void **state)
{
    (void)state;
    r = rig_new(false);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    rig_free(r);
    return 0;
}

/* n data messages of 1000 bytes, one to a segment. */
static void
add_frames(uint32_t n)
{
    while (n-- > 0)
        rig_add(r, 1000);
}

static void
expect_log(uint32_t n, const uint32_t *counters)
{
    assert_int_equal(r->n_log, n);
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(r->log[i], counters[i]);
}

#define EXPECT_LOG(...)                                                                            \
    expect_log(sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t), (uint32_t[]){__VA_ARGS__})

/* All that was sent arrived once, and the stream is acknowledged to its end. */
static void
expect_all(uint32_t n_data)
{
    assert_int_equal(r->n_log, n_data);
    assert_int_equal(r->replays, 0);
    assert_int_equal(r->forged, 0);
    rig_sleep(r, WGT_SEC); /* a delayed ACK */
    assert_int_equal(r->ack, r->len);
}

static void
r2_messages_behind_a_lost_segment_arrive_at_once(void **state)
{
    (void)state;
    add_frames(5);
    rig_send_frames(r, 0, 0);
    rig_send_frames(r, 2, 4);
    EXPECT_LOG(0, 2, 3, 4);
    assert_int_equal(r->t.stats.early_delivered, 3);
    rig_send_frames(r, 1, 1);
    EXPECT_LOG(0, 2, 3, 4, 1);
    assert_int_equal(r->t.stats.early_skipped, r->len - r->at[2]);
    expect_all(5);
}

static void
r5_r6_loss_at_every_position_and_every_pair(void **state)
{
    enum { N = 9 };

    (void)state;
    for (uint32_t i = 0; i < N; i++) {
        for (uint32_t j = i; j < N; j++) {
            rig_free(r);
            r = rig_new(false);
            add_frames(N);
            for (uint32_t k = 0; k < N; k++)
                if (k != i && k != j)
                    rig_send_frames(r, k, k);
            assert_int_equal(r->n_log, N - (i == j ? 1 : 2));
            rig_sleep(r, 50 * WGT_MSEC); /* a delayed ACK */
            assert_int_equal(r->ack, r->at[i]);
            /* the later of two comes first, in half of the cases */
            rig_send_frames(r, (i + j) % 2 ? i : j, (i + j) % 2 ? i : j);
            rig_send_frames(r, i, i);
            rig_send_frames(r, j, j);
            expect_all(N);
        }
    }
}

static void
r2_chain_through_coalesced_frames(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++)
        rig_add(r, 100);
    rig_send(r, 0, r->at[2]);
    rig_send(r, r->at[4], r->at[12]);
    rig_send(r, r->at[12], r->at[20]);
    assert_int_equal(r->n_log, 18);
    rig_send(r, r->at[2], r->at[4]);
    expect_all(20);
    assert_int_equal(r->t.stats.recut_flows, 0);
}

static void
r2_a_cut_frame_waits_for_its_rest(void **state)
{
    (void)state;
    add_frames(4);
    rig_send_frames(r, 0, 0);
    rig_send(r, r->at[2], r->at[2] + 600);
    assert_int_equal(r->early_tried, 0);
    rig_send(r, r->at[2] + 600, r->at[3] + 300);
    EXPECT_LOG(0, 2);
    rig_send(r, r->at[3] + 300, r->at[4]);
    EXPECT_LOG(0, 2, 3);
    rig_send_frames(r, 1, 1);
    expect_all(4);
}

/* Somebody cuts the stream into segments of his own. */
static void
r3_recut_segments(void **state)
{
    (void)state;
    add_frames(12);
    rig_send(r, 0, 700);
    for (uint32_t from = 1400; from < r->len; from += 700)
        rig_send(r, from, from + 700 < r->len ? from + 700 : r->len);
    assert_int_equal(r->t.stats.recut_flows, 1);
    /* all but those that reach into the hole: the first frame that begins behind it was found */
    assert_int_equal(r->n_log, 10);
    rig_send(r, 700, 1400);
    expect_all(12);
}

/* A frame in the middle of a chunk leaves both of its ends in the stream. */
static void
r5_range_from_the_middle_of_a_chunk(void **state)
{
    (void)state;
    rig_add(r, 400);
    rig_add(r, 400);
    rig_add(r, 400);
    rig_add(r, 400);
    rig_send(r, 600, 1400);
    EXPECT_LOG(2);
    rig_send(r, 1400, r->len);
    EXPECT_LOG(2, 3);
    rig_send(r, 0, 600);
    EXPECT_LOG(2, 3, 0, 1);
    expect_all(4);
}

static void
r4_handshake_messages_wait_for_order(void **state)
{
    (void)state;
    rig_add(r, 200);
    rig_add(r, 200);
    rig_add_handshake(r);
    rig_add(r, 200);
    rig_add(r, 200);
    rig_send(r, r->at[1], r->at[4]); /* data, handshake, data in one segment */
    EXPECT_LOG(1, 3);
    rig_send(r, r->at[4], r->at[5]);
    assert_int_equal(r->handshakes, 0);
    rig_send(r, 0, r->at[1]);
    EXPECT_LOG(1, 3, 4, 0);
    assert_int_equal(r->handshakes, 1);
    assert_int_equal(r->ack, r->len);
}

/* The packet a whole message lies in is not given away while more of it is to be read. */
static void
r4_handshake_message_before_a_range_from_the_middle(void **state)
{
    (void)state;
    rig_add(r, 200);
    rig_add(r, 200);
    rig_add_handshake(r);
    rig_add(r, 200);
    rig_add(r, 200);
    rig_send(r, r->at[1], r->at[4] + 50);
    EXPECT_LOG(1, 3);
    rig_send(r, 0, r->at[1]);
    assert_int_equal(r->handshakes, 1);
    rig_send(r, r->at[4] + 50, r->at[5]);
    EXPECT_LOG(1, 3, 0, 4);
    assert_int_equal(r->forged, 0);
}

static void
r4_handshake_message_at_a_segment_s_start(void **state)
{
    (void)state;
    add_frames(1);
    rig_add_handshake(r);
    add_frames(2);
    rig_send_frames(r, 1, 3);
    EXPECT_LOG(2, 3);
    assert_int_equal(r->t.stats.recut_flows, 0);
    rig_send_frames(r, 0, 0);
    assert_int_equal(r->handshakes, 1);
    EXPECT_LOG(2, 3, 0);
}

static void
r6_selective_acknowledgment_covers_what_was_taken(void **state)
{
    (void)state;
    add_frames(6);
    rig_send_frames(r, 0, 0);
    rig_send_frames(r, 2, 3);
    assert_int_equal(r->ack, r->at[1]);
    assert_int_equal(r->n_sack, 1);
    assert_int_equal(r->sack[0].left, r->at[2]);
    assert_int_equal(r->sack[0].right, r->at[4]);
    rig_send_frames(r, 5, 5);
    assert_int_equal(r->sack[0].left, r->at[5]);
    assert_int_equal(r->sack[1].left, r->at[2]);
    assert_int_equal(r->sack[1].right, r->at[4]);
}

/* The payload goes back to the pool at once. */
static void
r6_taken_bytes_cost_no_buffer(void **state)
{
    unsigned before;

    (void)state;
    add_frames(100);
    rig_send_frames(r, 1, 1);
    before = rte_mempool_avail_count(rig_pool);
    rig_send_frames(r, 2, 99);
    assert_int_equal(r->n_log, 99);
    assert_int_equal(rte_mempool_avail_count(rig_pool), before);
    assert_int_equal(r->t.memory.chunks, 0);
    rig_send_frames(r, 0, 0);
    expect_all(100);
}

static void
duplicates_of_taken_bytes_are_not_delivered_again(void **state)
{
    (void)state;
    add_frames(6);
    rig_send_frames(r, 2, 4);
    rig_send_frames(r, 2, 4);
    rig_send(r, r->at[2] + 100, r->at[4] - 100);
    EXPECT_LOG(2, 3, 4);
    rig_send_frames(r, 0, 1);
    EXPECT_LOG(2, 3, 4, 0, 1);
    rig_send_frames(r, 2, 5);
    EXPECT_LOG(2, 3, 4, 0, 1, 5);
    expect_all(6);
}

/* One retransmission that covers hole, taken range and what follows: the taken bytes do not come
 * back. */
static void
retransmission_over_a_taken_range(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++)
        rig_add(r, 200);
    rig_send(r, r->at[2], r->at[4]);
    EXPECT_LOG(2, 3);
    rig_send(r, r->at[1], r->at[6]); /* beyond a hole itself */
    EXPECT_LOG(2, 3, 1);
    rig_send(r, r->at[0], r->at[6]); /* in order */
    EXPECT_LOG(2, 3, 1, 0);
    assert_int_equal(r->ack, r->at[4]);
    rig_send(r, r->at[4], r->at[6]);
    expect_all(6);
}

static void
fin_behind_a_hole(void **state)
{
    (void)state;
    add_frames(3);
    rig_send_frames(r, 0, 0);
    rig_inject(r, r->at[2], r->stream + r->at[2], r->at[3] - r->at[2], TCP_FIN);
    rig_run(r);
    EXPECT_LOG(0, 2);
    assert_false(tcp_peer_closed(&r->f->conn));
    rig_send_frames(r, 1, 1);
    EXPECT_LOG(0, 2, 1);
    assert_int_equal(r->ack, r->len + 1);
    assert_true(r->fin);
}

/* The last byte of the window, and one more. */
static void
window_s_edge(void **state)
{
    uint32_t window;

    (void)state;
    add_frames(190);
    for (uint32_t k = 1; k < 190; k++)
        rig_send_frames(r, k, k);
    window = r->right_edge;
    assert_int_equal(r->n_log, 189);
    assert_int_equal(r->ack, 0);
    rig_inject(r, window - 10, r->stream, 200, 0);
    rig_run(r);
    assert_int_equal(r->sack[0].right, window);
    rig_send_frames(r, 0, 0);
    assert_int_equal(r->n_log, 190);
    assert_int_equal(r->ack, r->len);
}

static void
a_connection_nobody_was_heard_on_may_deliver_early(void **state)
{
    (void)state;
    add_frames(2);
    rig_send_frames(r, 1, 1); /* the first message ever */
    EXPECT_LOG(1);
    rig_send_frames(r, 0, 0);
    expect_all(2);
}

static void
in_order_switches_it_off(void **state)
{
    (void)state;
    rig_free(r);
    r = rig_new(true);
    add_frames(4);
    rig_send_frames(r, 1, 3);
    assert_int_equal(r->n_log, 0);
    rig_send_frames(r, 0, 0);
    EXPECT_LOG(0, 1, 2, 3);
    expect_all(4);
}

/* --- forgeries ----------------------------------------------------------------------------------
 */

/* Frame k as an attacker would forge it. */
static void
forge(uint32_t k, uint32_t len)
{
    uint8_t fake[1500];

    memcpy(fake, r->stream + r->at[k], len);
    fake[FRAME_PREFIX_LEN + 100] ^= 1;
    rig_inject(r, r->at[k], fake, len, 0);
    rig_run(r);
}

/* A candidate that fails leaves the stream as it was; in order it is a bad message, and no more. */
static void
r2_forged_candidate_costs_itself(void **state)
{
    (void)state;
    add_frames(5);
    rig_send_frames(r, 0, 0);
    forge(2, 1002);
    assert_int_equal(r->t.stats.early_failed, 1);
    rig_send_frames(r, 3, 4);
    EXPECT_LOG(0, 3, 4);
    rig_send_frames(r, 1, 2);
    EXPECT_LOG(0, 3, 4, 1);
    assert_int_equal(r->forged, 1);
    assert_int_equal(r->ack, r->len);
}

static void
r3_two_failures_a_round_trip(void **state)
{
    (void)state;
    add_frames(40);
    rig_send_frames(r, 0, 0);
    for (uint32_t k = 2; k < 20; k += 2)
        forge(k, 1002);
    assert_int_equal(r->early_tried, 2);
    rig_send_frames(r, 21, 21); /* waits for order, though it is good */
    EXPECT_LOG(0);
    rig_sleep(r, RIG_RTT_MS * WGT_MSEC);
    rig_send_frames(r, 23, 23);
    EXPECT_LOG(0, 23);
}

/* R3: a forged segment full of candidates gives no more than the guesses of one segment. */
static void
r3_decryptions_of_one_segment_are_bounded(void **state)
{
    uint8_t fake[1400];

    (void)state;
    add_frames(10);
    memset(fake, 0, sizeof(fake));
    for (size_t at = 0; at + 34 <= sizeof(fake); at += 34) {
        frame_write_prefix(fake + at, 32);
        put_le32(fake + at + 2, MESSAGE_DATA);
        put_le32(fake + at + 6, RIG_INDEX);
        put_le64(fake + at + 10, at);
    }
    rig_inject(r, r->at[5], fake, sizeof(fake), 0);
    rig_run(r);
    assert_true(r->early_tried <= 2);
    assert_int_equal(r->n_log, 0);
}

/* A failed chain is not tried again with every segment. */
static void
r3_a_chain_that_failed_is_given_up(void **state)
{
    (void)state;
    add_frames(30);
    rig_send_frames(r, 2, 2);
    forge(3, 1002);
    assert_int_equal(r->early_tried, 2);
    rig_send_frames(r, 4, 29);
    assert_int_equal(r->n_log, 27);
    assert_int_equal(r->early_tried, 2 + 26);
}

static void
replayed_counters_are_no_candidates(void **state)
{
    (void)state;
    add_frames(4);
    rig_send_frames(r, 0, 0);
    rig_inject(r, r->at[2], r->stream, 1002, 0); /* message 0 again, further on */
    rig_run(r);
    assert_int_equal(r->early_tried, 0);
}

/* --- R8: damage in order ------------------------------------------------------------------------
 */

static void
garbage(uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        p[i] = 0xff;
}

static void
r8_injected_segment_costs_a_frame(void **state)
{
    uint8_t junk[1002];

    (void)state;
    garbage(junk, sizeof(junk));
    add_frames(5);
    rig_send_frames(r, 0, 0);
    rig_inject(r, r->at[1], junk, sizeof(junk), 0);
    rig_send_frames(r, 1, 4); /* the true one comes too late */
    EXPECT_LOG(0, 2, 3, 4);
    assert_int_equal(r->t.stats.resyncs, 1);
    assert_false(r->reset);
    assert_int_equal(r->drops.n[WGT_DROP_FRAME_LENGTH], 1);
}

/* Of any length, so that frames and damage meet anywhere in a segment. */
static void
r8_damage_of_any_length(void **state)
{
    uint8_t junk[1300];

    (void)state;
    garbage(junk, sizeof(junk));
    for (uint32_t n = 1; n < sizeof(junk); n += 7) {
        rig_free(r);
        r = rig_new(false);
        add_frames(6);
        rig_send_frames(r, 0, 0);
        rig_inject(r, r->at[1], junk, n, 0);
        for (uint32_t from = r->at[1] + n; from < r->len; from += 333)
            rig_send(r, from, from + 333 < r->len ? from + 333 : r->len);
        assert_int_equal(r->t.stats.resyncs, 1);
        assert_int_equal(r->n_log, n <= 1002 ? 5 : 4);
        assert_int_equal(r->replays + r->forged, 0);
    }
}

static void
r8_no_frame_within_the_limit_resets(void **state)
{
    uint8_t junk[1000];

    (void)state;
    garbage(junk, sizeof(junk));
    add_frames(80);
    rig_send_frames(r, 0, 0);
    for (uint32_t i = 0; i < FRAME_SEARCH_LIMIT / 1000; i++) {
        rig_inject(r, r->at[1] + i * 1000, junk, sizeof(junk), 0);
        rig_run(r);
        assert_false(r->reset);
    }
    for (uint32_t i = 0; i < 2; i++)
        rig_inject(r, r->at[1] + (FRAME_SEARCH_LIMIT / 1000 + i) * 1000, junk, sizeof(junk), 0);
    rig_run(r);
    assert_true(r->reset);
}

static void
r8_unheard_connection_is_closed(void **state)
{
    uint8_t junk[100];

    (void)state;
    garbage(junk, sizeof(junk));
    rig_inject(r, 0, junk, sizeof(junk), 0);
    rig_run(r);
    assert_true(r->reset);
    assert_int_equal(r->t.stats.resyncs, 0);
}

/* R5: a frame in order that reaches into a range delivered early was none. */
static void
r5_r8_taken_range_overrules_the_chain_in_order(void **state)
{
    uint8_t fake[1002];

    (void)state;
    add_frames(5);
    rig_send_frames(r, 0, 0);
    rig_send_frames(r, 2, 3);
    memset(fake, 0, sizeof(fake));
    frame_write_prefix(fake, 1900);
    fake[2] = MESSAGE_DATA;
    rig_inject(r, r->at[1], fake, sizeof(fake), 0);
    rig_send_frames(r, 4, 4);
    EXPECT_LOG(0, 2, 3, 4);
    assert_int_equal(r->t.stats.resyncs, 1);
    assert_int_equal(r->ack, r->len);
}

static void
r8_taken_range_ends_the_search(void **state)
{
    uint8_t junk[1002];

    (void)state;
    garbage(junk, sizeof(junk));
    add_frames(5);
    rig_send_frames(r, 0, 0);
    rig_send_frames(r, 2, 2);
    rig_inject(r, r->at[1], junk, sizeof(junk), 0);
    rig_send_frames(r, 3, 4);
    EXPECT_LOG(0, 2, 3, 4);
    assert_int_equal(r->t.stats.resyncs, 1);
}

/* --- short of memory ----------------------------------------------------------------------------
 */

static struct rte_mbuf *hoard[RIG_POOL];
static unsigned n_hoard;

/* So many packets are left. */
static void
leave_packets(unsigned n)
{
    while (rte_mempool_avail_count(rig_pool) > n) {
        hoard[n_hoard] = rte_pktmbuf_alloc(rig_pool);
        assert_non_null(hoard[n_hoard++]);
    }
    while (n_hoard > 0 && rte_mempool_avail_count(rig_pool) < n)
        rte_pktmbuf_free(hoard[--n_hoard]);
}

/* Each segment finds one packet to arrive in, and no other one. */
static void
cut_messages_are_assembled_without_memory(void **state)
{
    (void)state;
    add_frames(12);
    for (uint32_t from = 0, n; from < r->len; from += n) {
        n = r->len - from < 700 ? r->len - from : 700;
        leave_packets(1);
        rig_send(r, from, from + n);
    }
    leave_packets(RIG_POOL);
    assert_int_equal(r->drops.n[WGT_DROP_FRAME_LENGTH], 0);
    expect_all(12);
}

/* Where the packet is not the message's alone: it costs this message, and the connection stays. */
static void
cut_message_without_a_packet_is_lost_alone(void **state)
{
    uint8_t junk[1002];
    uint64_t short_before;

    (void)state;
    garbage(junk, sizeof(junk));
    add_frames(6);
    rig_send_frames(r, 0, 0);
    rig_inject(r, r->at[1], junk, sizeof(junk), 0);
    rig_send(r, r->at[2], r->at[2] + 7); /* the search finds a frame over this seam */
    leave_packets(1);
    short_before = r->drops.n[WGT_DROP_NO_BUFFER];
    rig_inject(r, r->at[2] + 7, r->stream + r->at[2] + 7, 500, 0);
    assert_int_equal(r->drops.n[WGT_DROP_NO_BUFFER], short_before + 1);
    leave_packets(RIG_POOL);
    rig_send(r, r->at[2] + 507, r->at[3] + 100);
    rig_send(r, r->at[3] + 100, r->at[4]);
    rig_send_frames(r, 4, 5);
    EXPECT_LOG(0, 3, 4, 5);
    assert_int_equal(r->t.stats.resyncs, 1);
    assert_int_equal(r->replays + r->forged, 0);
    assert_false(r->reset);
    rig_sleep(r, WGT_SEC);
    assert_int_equal(r->ack, r->len);
}

/* --- R10 ----------------------------------------------------------------------------------------
 */

static void
r10_large_tcp_waits_for_the_hole(void **state)
{
    (void)state;
    add_frames(6);
    r->kind[2] = r->kind[4] = RIG_WAITS;
    rig_send_frames(r, 0, 0);
    rig_send_frames(r, 2, 5);
    EXPECT_LOG(0, 3, 5);
    assert_int_equal(r->t.stats.held, 2);
    rig_send_frames(r, 1, 1);
    EXPECT_LOG(0, 3, 5, 1, 2, 4);
    assert_int_equal(r->t.stats.held_expired, 0);
    expect_all(6);
}

static void
expect_patience(wgt_time patience)
{
    wgt_time eighth = patience / 8 + WGT_MSEC; /* to which it is rounded up */

    add_frames(4);
    r->kind[2] = RIG_WAITS;
    rig_send_frames(r, 0, 0);
    rig_send_frames(r, 2, 2);
    rig_sleep(r, patience - WGT_MSEC);
    EXPECT_LOG(0);
    assert_true(tcp_transport_deadline(&r->t) <= r->now + eighth + WGT_MSEC);
    rig_sleep(r, eighth + WGT_MSEC);
    EXPECT_LOG(0, 2);
    assert_int_equal(r->t.stats.held_expired, 1);
}

/* A lost repair is repeated within two round trips and a quarter. */
static void
r10_patience_ends_after_three_and_a_half_round_trips(void **state)
{
    (void)state;
    expect_patience(RIG_RTT_MS * 7 / 2 * WGT_MSEC);
}

static void
r10_patience_ends_before_the_inner_senders_timer(void **state)
{
    (void)state;
    rig_free(r);
    r = rig_new_at(false, 160 * WGT_MSEC);
    expect_patience((80 + 200) * WGT_MSEC);
}

static void
r10_patience_is_one_and_a_half_round_trips_at_least(void **state)
{
    (void)state;
    rig_free(r);
    r = rig_new_at(false, 240 * WGT_MSEC);
    expect_patience(360 * WGT_MSEC);
}

/* Stream order, though the later one came first and its time is up first. */
static void
r10_order_is_kept_when_time_is_up(void **state)
{
    (void)state;
    add_frames(6);
    r->kind[2] = r->kind[4] = RIG_WAITS;
    rig_send_frames(r, 4, 4);
    rig_sleep(r, 30 * WGT_MSEC);
    rig_send_frames(r, 2, 2);
    rig_sleep(r, 130 * WGT_MSEC);
    EXPECT_LOG(2, 4);
}

/* Two holes: each holds what lies behind it. */
static void
r10_first_hole_releases_up_to_the_second(void **state)
{
    (void)state;
    add_frames(8);
    for (int k = 0; k < 8; k++)
        r->kind[k] = RIG_WAITS;
    rig_send_frames(r, 1, 2);
    rig_send_frames(r, 4, 5);
    assert_int_equal(r->n_log, 0);
    rig_send_frames(r, 0, 0);
    EXPECT_LOG(0, 1, 2);
    rig_send_frames(r, 3, 3);
    EXPECT_LOG(0, 1, 2, 3, 4, 5);
}

static void
r10_small_data_of_a_waiting_flow_waits_too(void **state)
{
    (void)state;
    add_frames(5);
    r->kind[1] = r->kind[3] = RIG_WITH_FLOW;
    r->kind[2] = RIG_WAITS;
    rig_send_frames(r, 1, 1); /* nothing waits yet */
    EXPECT_LOG(1);
    rig_send_frames(r, 2, 4);
    EXPECT_LOG(1, 4);
    rig_send_frames(r, 0, 0);
    EXPECT_LOG(1, 4, 0, 2, 3);
}

static void
r10_what_waits_is_delivered_when_the_connection_ends(void **state)
{
    struct tcp_segment rst = {.flags = TCP_RST};

    (void)state;
    add_frames(4);
    r->kind[2] = r->kind[3] = RIG_WAITS;
    rig_send_frames(r, 2, 3);
    assert_int_equal(r->n_log, 0);
    rst.seq = r->peer_iss + 1;
    rig_segment(r, &rst, NULL, 0);
    rig_run(r);
    assert_true(r->ended);
    EXPECT_LOG(2, 3);
}

/* Nobody may hold more than is still free. */
static void
r10_held_packets_are_bounded(void **state)
{
    (void)state;
    add_frames(60);
    r->t.held_max = 40;
    for (int k = 0; k < 60; k++)
        r->kind[k] = RIG_WAITS;
    rig_send_frames(r, 1, 59);
    assert_int_equal(r->t.n_held, 32);
    assert_int_equal(r->n_log, 27);
    rig_send_frames(r, 0, 0);
    assert_int_equal(r->n_log, 60);
    assert_int_equal(r->t.n_held, 0);
}

/* --- all together -------------------------------------------------------------------------------
 */

static uint64_t prng;

static uint32_t
draw(uint32_t below)
{
    prng = prng * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(prng >> 33) % below;
}

/* Any segmentation, any order, duplicates, overlaps: each message once, none corrupted. */
static void
random_segments_deliver_each_message_once(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 150; round++) {
        uint32_t n = 2 + draw(40);

        prng = round;
        rig_free(r);
        r = rig_new(false);
        for (uint32_t k = 0; k < n; k++) {
            rig_add(r, 32 + draw(round % 3 == 0 ? 100 : 1200));
            r->kind[k] = (enum rig_kind)draw(3);
        }
        for (unsigned i = 0; i < 2 * n; i++) {
            uint32_t from = draw(r->len), to = from + 1 + draw(1400);

            if (draw(2) == 0)
                from = r->at[draw(n)];
            if (draw(2) == 0)
                to = r->at[1 + draw(n)];
            if (from < to && to - from <= 1448)
                rig_send(r, from, to < r->len ? to : r->len);
            if (draw(8) == 0)
                rig_sleep(r, draw(30) * WGT_MSEC);
        }
        for (unsigned tries = 0; r->ack < r->len; tries++) {
            assert_true(tries < 2000);
            rig_send(r, r->ack, r->ack + 1448 < r->len ? r->ack + 1448 : r->len);
            rig_sleep(r, WGT_MSEC);
            rig_sleep(r, 50 * WGT_MSEC);
        }
        expect_all(n);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        T(r2_messages_behind_a_lost_segment_arrive_at_once),
        T(r5_r6_loss_at_every_position_and_every_pair),
        T(r2_chain_through_coalesced_frames),
        T(r2_a_cut_frame_waits_for_its_rest),
        T(r3_recut_segments),
        T(r5_range_from_the_middle_of_a_chunk),
        T(r4_handshake_messages_wait_for_order),
        T(r4_handshake_message_before_a_range_from_the_middle),
        T(r4_handshake_message_at_a_segment_s_start),
        T(r6_selective_acknowledgment_covers_what_was_taken),
        T(r6_taken_bytes_cost_no_buffer),
        T(duplicates_of_taken_bytes_are_not_delivered_again),
        T(retransmission_over_a_taken_range),
        T(fin_behind_a_hole),
        T(window_s_edge),
        T(a_connection_nobody_was_heard_on_may_deliver_early),
        T(in_order_switches_it_off),
        T(r2_forged_candidate_costs_itself),
        T(r3_two_failures_a_round_trip),
        T(r3_decryptions_of_one_segment_are_bounded),
        T(r3_a_chain_that_failed_is_given_up),
        T(replayed_counters_are_no_candidates),
        T(r8_injected_segment_costs_a_frame),
        T(r8_damage_of_any_length),
        T(r8_no_frame_within_the_limit_resets),
        T(r8_unheard_connection_is_closed),
        T(r5_r8_taken_range_overrules_the_chain_in_order),
        T(r8_taken_range_ends_the_search),
        T(cut_messages_are_assembled_without_memory),
        T(cut_message_without_a_packet_is_lost_alone),
        T(r10_large_tcp_waits_for_the_hole),
        T(r10_patience_ends_after_three_and_a_half_round_trips),
        T(r10_patience_ends_before_the_inner_senders_timer),
        T(r10_patience_is_one_and_a_half_round_trips_at_least),
        T(r10_order_is_kept_when_time_is_up),
        T(r10_first_hole_releases_up_to_the_second),
        T(r10_small_data_of_a_waiting_flow_waits_too),
        T(r10_what_waits_is_delivered_when_the_connection_ends),
        T(r10_held_packets_are_bounded),
        T(random_segments_deliver_each_message_once),
#undef T
    };

    if (!rig_start("test_flow_early"))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
