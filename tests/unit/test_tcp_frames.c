/* SPDX-License-Identifier: BSD-3-Clause */
/* How frames lie in segments, so that a receiver can read beyond a hole: the sender's rules S1, S3,
 * S4, S5. A chunk is a frame. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "tcp_script.h"

/* Sends until all is out and acknowledged; the lengths of the segments in order. */
static size_t
drain(struct script *s, uint32_t lengths[], size_t max)
{
    uint32_t sent = 1;
    size_t n = 0;

    for (int turns = 0; tcp_unsent(&s->c) > 0 || turns == 0; turns++) {
        assert_true(turns < 200);
        while (output(s)) {
            if (s->out.len == 0)
                continue;
            assert_int_equal(s->out.seg.seq - (uint32_t)SCRIPT_ISS, sent);
            assert_true(n < max);
            lengths[n++] = s->out.len;
            sent += s->out.len;
        }
        sleep_for(s, 20 * WGT_MSEC);
        feed(s, TCP_ACK, 1, sent, 0);
    }
    return n;
}

static void
expect_segments(struct script *s, const uint32_t *expected, size_t n)
{
    uint32_t lengths[64];

    assert_int_equal(drain(s, lengths, 64), n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(lengths[i], expected[i]);
}

#define EXPECT_SEGMENTS(s, ...)                                                                    \
    expect_segments(s, (uint32_t[]){__VA_ARGS__},                                                  \
                    sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static void
s1_segment_holds_whole_frames(void **state)
{
    struct script *s = script_established(false, true);

    (void)state;
    send_chunks(s, 3, 600);
    send_chunk(s, 1460);
    send_chunks(s, 2, 700);
    EXPECT_SEGMENTS(s, 1200, 600, 1460, 1400);
    script_free(s);
}

static void
s1_nothing_is_waited_for(void **state)
{
    struct script *s = script_established(false, true);

    (void)state;
    send_chunk(s, 100);
    assert_true(output(s));
    assert_int_equal(s->out.len, 100);
    send_chunk(s, 100); /* the first is not acknowledged: no Nagle */
    assert_true(output(s));
    assert_int_equal(s->out.len, 100);
    script_free(s);
}

/* Timestamps take 12 bytes of each segment. */
static void
s2_frame_of_the_effective_mss_fits(void **state)
{
    struct script *s = script_established(true, true);

    (void)state;
    send_chunks(s, 3, SCRIPT_MSS - 12);
    EXPECT_SEGMENTS(s, SCRIPT_MSS - 12, SCRIPT_MSS - 12, SCRIPT_MSS - 12);
    script_free(s);
}

static void
s3_blocks_go_in_acks_without_data(void **state)
{
    struct script *s = script_established(true, true);

    (void)state;
    send_chunks(s, 2, SCRIPT_MSS - 12);
    assert_int_equal(feed(s, TCP_ACK, 201, 1, 100), WGT_OK);
    assert_true(output(s));
    assert_int_equal(s->out.len, 0);
    assert_int_equal(s->out.seg.n_sack, 1);
    for (int i = 0; i < 2; i++) {
        assert_true(output(s));
        assert_int_equal(s->out.len, SCRIPT_MSS - 12);
        assert_int_equal(s->out.seg.n_sack, 0);
    }
    script_free(s);
}

static void
s4_nothing_follows_a_cut_frame_in_its_segment(void **state)
{
    struct script *s = script_established(false, true);

    (void)state;
    send_chunk(s, 100);
    send_chunk(s, 2000);
    send_chunks(s, 2, 100);
    EXPECT_SEGMENTS(s, 100, 1460, 540, 200);
    script_free(s);
}

/* Lost segments go again as they were, though two of them would fit one and more was queued. */
static void
s5_retransmission_keeps_its_boundaries(void **state)
{
    static const uint32_t lens[] = {100, 1300, 300, 300, 700, 700, 700};
    static const uint32_t at[] = {1, 101, 1401, 1701, 2001, 2701, 3401};
    struct script *s = script_established(false, true);
    bool again[4] = {false};

    (void)state;
    for (size_t i = 0; i < 7; i++) {
        send_chunk(s, lens[i]);
        assert_true(output(s));
        assert_int_equal(s->out.len, lens[i]);
    }
    send_chunks(s, 4, 50);
    sleep_for(s, 20 * WGT_MSEC);
    feed_sack(s, 1, 1, 2001, 4101, 0, 0);
    for (int turns = 0; !again[0] || !again[1] || !again[2] || !again[3]; turns++) {
        assert_true(turns < 100);
        while (output(s))
            for (size_t i = 0; i < 4; i++)
                if (s->out.retransmission && s->out.seg.seq == our_seq(at[i])) {
                    assert_int_equal(s->out.len, lens[i]);
                    again[i] = true;
                }
        sleep_to_deadline(s);
    }
    script_free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s1_segment_holds_whole_frames),
        cmocka_unit_test(s1_nothing_is_waited_for),
        cmocka_unit_test(s2_frame_of_the_effective_mss_fits),
        cmocka_unit_test(s3_blocks_go_in_acks_without_data),
        cmocka_unit_test(s4_nothing_follows_a_cut_frame_in_its_segment),
        cmocka_unit_test(s5_retransmission_keeps_its_boundaries),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
