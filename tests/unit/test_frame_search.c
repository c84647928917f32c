/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames found by their look, and the decoder's way over what was delivered early. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wgtcpd/frame/frame.h>

enum { MAX_LEN = 1500, INDEX = 0x04040404, COUNTER = 77 };

static bool
wanted(void *ctx, const struct frame_candidate *c)
{
    (void)ctx;
    return c->receiver == INDEX && c->counter == COUNTER;
}

static void
candidate(uint8_t p[FRAME_CANDIDATE_LEN], size_t len)
{
    frame_write_prefix(p, len);
    put_le32(p + 2, MESSAGE_DATA);
    put_le32(p + 6, INDEX);
    put_le64(p + 10, COUNTER);
}

static void
candidate_says_what_it_is(void **state)
{
    static const struct {
        size_t len;
        bool good;
    } lengths[] = {{0, 0}, {31, 0}, {32, 1}, {MAX_LEN, 1}, {MAX_LEN + 1, 0}, {65535, 0}};
    uint8_t p[FRAME_CANDIDATE_LEN];
    struct frame_candidate c;

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        candidate(p, lengths[i].len);
        assert_int_equal(frame_candidate(p, MAX_LEN, &c), lengths[i].good);
    }
    candidate(p, 48);
    assert_true(frame_candidate(p, MAX_LEN, &c));
    assert_int_equal(c.len, 48);
    assert_int_equal(c.receiver, INDEX);
    assert_int_equal(c.counter, COUNTER);
    for (size_t i = 2; i < 6; i++) {
        p[i] ^= 1;
        assert_false(frame_candidate(p, MAX_LEN, &c));
        p[i] ^= 1;
    }
}

static void
find_at_every_place(void **state)
{
    uint8_t bytes[100];

    (void)state;
    for (size_t at = 0; at + FRAME_CANDIDATE_LEN <= sizeof(bytes); at++) {
        memset(bytes, MESSAGE_DATA,
               sizeof(bytes)); /* the worst filling: every byte may begin one */
        candidate(bytes + at, 32);
        assert_int_equal(frame_find(bytes, sizeof(bytes), MAX_LEN, wanted, NULL), at);
        assert_int_equal(frame_find(bytes, at + FRAME_CANDIDATE_LEN - 1, MAX_LEN, wanted, NULL),
                         at + FRAME_CANDIDATE_LEN - 1);
    }
}

/* The stream in pieces of any one size: the candidate is found where it is. */
static void
search_over_any_cuts(void **state)
{
    uint8_t bytes[90];

    (void)state;
    for (size_t at = 0; at + FRAME_CANDIDATE_LEN <= sizeof(bytes); at++) {
        for (size_t piece = 1; piece <= sizeof(bytes); piece++) {
            struct frame_decoder d;
            struct frame_search s;
            size_t pos = 0;
            bool found = false;

            memset(bytes, 0xff, sizeof(bytes));
            candidate(bytes + at, 32);
            frame_decoder_init(&d, MAX_LEN);
            frame_search_begin(&s, &d);
            while (!found && pos < sizeof(bytes)) {
                size_t n = piece < sizeof(bytes) - pos ? piece : sizeof(bytes) - pos;
                struct span in = {bytes + pos, n}, head;

                found = frame_search(&s, &in, wanted, NULL, &head);
                pos += n - in.len;
                if (found) {
                    assert_int_equal(pos - head.len, at);
                    if (head.len > 0)
                        assert_memory_equal(head.data, bytes + at, head.len);
                } else {
                    assert_int_equal(in.len, 0);
                }
                assert_int_equal(s.searched, pos);
            }
            assert_true(found);
        }
    }
}

/* The frame may begin at the second byte of the prefix that was none. */
static void
search_begins_within_the_bad_prefix(void **state)
{
    uint8_t stream[1 + FRAME_CANDIDATE_LEN] = {0xff};
    struct span in = {stream, sizeof(stream)}, message, head;
    struct frame_decoder d;
    struct frame_search s;

    (void)state;
    candidate(stream + 1, 32);
    frame_decoder_init(&d, MAX_LEN);
    assert_int_equal(frame_decode(&d, &in, &message), FRAME_INVALID);
    frame_search_begin(&s, &d);
    assert_true(frame_search(&s, &in, wanted, NULL, &head));
    assert_int_equal(head.len, 1);
    assert_int_equal(head.data[0], stream[1]);
    assert_ptr_equal(in.data, stream + 2);
}

static void
skip_at_a_boundary_and_within_a_frame(void **state)
{
    uint8_t stream[60] = {0, 50}, buffer[50];
    struct frame_decoder d;
    struct span in, message;

    (void)state;
    for (size_t n = 0; n <= 52; n++) {
        frame_decoder_init(&d, MAX_LEN);
        in = (struct span){stream, n};
        while (frame_decode(&d, &in, &message) == FRAME_NEED_BUFFER)
            frame_decoder_lend(&d, buffer);
        assert_int_equal(frame_decoder_skip(&d), n == 0 || n == 52);
        assert_null(d.buffer);
        /* a frame begins */
        in = (struct span){stream, 52};
        assert_int_equal(frame_decode(&d, &in, &message), FRAME_MESSAGE);
        assert_int_equal(message.len, 50);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(candidate_says_what_it_is),
        cmocka_unit_test(find_at_every_place),
        cmocka_unit_test(search_over_any_cuts),
        cmocka_unit_test(search_begins_within_the_bad_prefix),
        cmocka_unit_test(skip_at_a_boundary_and_within_a_frame),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
