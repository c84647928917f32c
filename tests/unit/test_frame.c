/* SPDX-License-Identifier: BSD-3-Clause */
/* The length prefix of a stream: the same messages come out, however the stream is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <wgtcpd/frame/frame.h>

enum { MAX_LEN = 1500, STREAM_MAX = 8192 };

static uint32_t
next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

/* Appends a frame of len bytes that depend on its length and place. */
static void
put_frame(struct span *stream, size_t len)
{
    uint8_t *p = stream->data + stream->len;

    frame_write_prefix(p, len);
    for (size_t i = 0; i < len; i++)
        p[FRAME_PREFIX_LEN + i] = (uint8_t)(len * 7 + stream->len + i * 13);
    stream->len += FRAME_PREFIX_LEN + len;
}

/* The receiver: lends a buffer when asked, compares each message with the stream's next one. */
struct receiver {
    struct frame_decoder decoder;
    struct span expected; /* the stream, from the next frame on */
    unsigned messages, empties, lent, in_place;
    uint8_t *lent_buffer;
};

static void
receiver_init(struct receiver *r, struct span stream)
{
    *r = (struct receiver){.expected = stream};
    frame_decoder_init(&r->decoder, MAX_LEN);
}

static void
expect_frame(struct receiver *r, const uint8_t *message, size_t len)
{
    size_t frame_len = FRAME_PREFIX_LEN + len;

    assert_true(r->expected.len >= frame_len);
    assert_int_equal(get_be16(r->expected.data), len);
    if (len > 0)
        assert_memory_equal(message, r->expected.data + FRAME_PREFIX_LEN, len);
    r->expected.data += frame_len;
    r->expected.len -= frame_len;
}

static void
lend(struct receiver *r)
{
    assert_null(r->lent_buffer);
    assert_in_range(r->decoder.need, 32, MAX_LEN);
    r->lent_buffer = malloc(r->decoder.need); /* exactly: a sanitizer sees one byte too many */
    assert_non_null(r->lent_buffer);
    frame_decoder_lend(&r->decoder, r->lent_buffer);
    r->lent++;
}

static void
take_message(struct receiver *r, struct span message, struct span whole)
{
    assert_null(r->decoder.buffer);
    expect_frame(r, message.data, message.len);
    r->messages++;
    if (r->lent_buffer != NULL) {
        assert_ptr_equal(message.data, r->lent_buffer);
        free(r->lent_buffer);
        r->lent_buffer = NULL;
        return;
    }
    assert_true(message.data >= whole.data && message.data + message.len <= whole.data + whole.len);
    r->in_place++;
}

static void
feed_copy(struct receiver *r, struct span whole)
{
    struct span in = whole, message;

    for (;;) {
        switch (frame_decode(&r->decoder, &in, &message)) {
        case FRAME_NEED_MORE:
            assert_int_equal(in.len, 0);
            assert_ptr_equal(in.data, whole.data + whole.len);
            return;
        case FRAME_NEED_BUFFER:
            lend(r);
            break;
        case FRAME_MESSAGE:
            take_message(r, message, whole);
            break;
        case FRAME_EMPTY:
            expect_frame(r, NULL, 0);
            r->empties++;
            break;
        default:
            fail_msg("a good stream was called invalid");
        }
    }
}

/* Feeds an exact heap copy that is gone afterwards: the decoder must not keep pointers into it. */
static void
feed(struct receiver *r, const uint8_t *data, size_t len)
{
    uint8_t *copy = malloc(len + (len == 0));

    assert_non_null(copy);
    memcpy(copy, data, len);
    feed_copy(r, (struct span){copy, len});
    free(copy);
}

static void
receiver_done(struct receiver *r, unsigned messages, unsigned empties)
{
    assert_int_equal(r->expected.len, 0);
    assert_int_equal(r->messages, messages);
    assert_int_equal(r->empties, empties);
    assert_null(r->lent_buffer);
    assert_int_equal(r->decoder.need, 0);
    assert_int_equal(r->decoder.prefix_have, 0);
}

/* An initiation, a keepalive and a data message, as they open a tunnel. */
static struct span
sample_stream(uint8_t *storage)
{
    struct span stream = {storage, 0};

    put_frame(&stream, 148);
    put_frame(&stream, 32);
    put_frame(&stream, 128);
    return stream;
}

static void
prefix_is_the_length_big_endian(void **state)
{
    static const struct {
        size_t len;
        uint8_t prefix[2];
    } cases[] = {
        {32, {0x00, 0x20}},   {64, {0x00, 0x40}},   {92, {0x00, 0x5c}},    {148, {0x00, 0x94}},
        {1452, {0x05, 0xac}}, {1500, {0x05, 0xdc}}, {65535, {0xff, 0xff}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t prefix[FRAME_PREFIX_LEN];

        frame_write_prefix(prefix, cases[i].len);
        assert_memory_equal(prefix, cases[i].prefix, 2);
    }
}

static void
several_frames_of_one_input_are_read_in_place(void **state)
{
    uint8_t storage[STREAM_MAX];
    struct span stream = sample_stream(storage);
    struct receiver r;

    (void)state;
    receiver_init(&r, stream);
    feed(&r, stream.data, stream.len);
    receiver_done(&r, 3, 0);
    assert_int_equal(r.in_place, 3);
    assert_int_equal(r.lent, 0);
}

static void
stream_of_single_bytes(void **state)
{
    uint8_t storage[STREAM_MAX];
    struct span stream = sample_stream(storage);
    struct receiver r;

    (void)state;
    receiver_init(&r, stream);
    for (size_t i = 0; i < stream.len; i++)
        feed(&r, stream.data + i, 1);
    receiver_done(&r, 3, 0);
    assert_int_equal(r.lent, 3);
}

static void
stream_cut_in_two_anywhere(void **state)
{
    uint8_t storage[STREAM_MAX];
    struct span stream = sample_stream(storage);

    (void)state;
    for (size_t cut = 0; cut <= stream.len; cut++) {
        struct receiver r;

        receiver_init(&r, stream);
        feed(&r, stream.data, cut);
        feed(&r, stream.data + cut, stream.len - cut);
        receiver_done(&r, 3, 0);
        assert_true(r.lent <= 1);
    }
}

static void
stream_cut_in_three_anywhere(void **state)
{
    uint8_t storage[STREAM_MAX];
    struct span stream = {storage, 0};

    (void)state;
    put_frame(&stream, 32);
    put_frame(&stream, 0);
    put_frame(&stream, 33);
    for (size_t a = 0; a <= stream.len; a++)
        for (size_t b = a; b <= stream.len; b++) {
            struct receiver r;

            receiver_init(&r, stream);
            feed(&r, stream.data, a);
            feed(&r, stream.data + a, b - a);
            feed(&r, stream.data + b, stream.len - b);
            receiver_done(&r, 2, 1);
        }
}

static void
random_streams_cut_at_random(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 2000; seed++) {
        uint32_t random = seed;
        uint8_t storage[STREAM_MAX];
        struct span stream = {storage, 0};
        unsigned messages = 0, empties = 0;
        size_t piece_max = 1 + next_random(&random) % 400;
        struct receiver r;

        while (stream.len + FRAME_PREFIX_LEN + MAX_LEN <= sizeof(storage)) {
            size_t len = 32 + next_random(&random) % (MAX_LEN - 31);

            if (next_random(&random) % 8 == 0)
                len = 0;
            put_frame(&stream, len);
            len == 0 ? empties++ : messages++;
        }
        receiver_init(&r, stream);
        for (size_t at = 0; at < stream.len;) {
            size_t piece = next_random(&random) % (piece_max + 1);

            if (piece > stream.len - at)
                piece = stream.len - at;
            feed(&r, stream.data + at, piece);
            at += piece;
        }
        receiver_done(&r, messages, empties);
    }
}

static void
empty_input_needs_more(void **state)
{
    struct frame_decoder d;
    struct span in = {NULL, 0}, message;

    (void)state;
    frame_decoder_init(&d, MAX_LEN);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(frame_decode(&d, &in, &message), FRAME_NEED_MORE);
}

static void
zero_length_frames_are_skipped_one_event_each(void **state)
{
    uint8_t storage[STREAM_MAX];
    struct span stream = {storage, 0};
    struct receiver r;

    (void)state;
    put_frame(&stream, 0);
    put_frame(&stream, 0);
    put_frame(&stream, 32);
    put_frame(&stream, 0);
    receiver_init(&r, stream);
    feed(&r, stream.data, stream.len);
    receiver_done(&r, 1, 3);
    assert_int_equal(r.in_place, 1);
}

static enum frame_event
event_of_length(size_t len, size_t max_len)
{
    uint8_t prefix[FRAME_PREFIX_LEN];
    struct span in = {prefix, sizeof(prefix)}, message;
    struct frame_decoder d;

    frame_write_prefix(prefix, len);
    frame_decoder_init(&d, max_len);
    return frame_decode(&d, &in, &message);
}

static void
length_below_a_keepalive_is_invalid(void **state)
{
    (void)state;
    for (size_t len = 1; len < 32; len++)
        assert_int_equal(event_of_length(len, MAX_LEN), FRAME_INVALID);
    assert_int_equal(event_of_length(32, MAX_LEN), FRAME_NEED_MORE);
}

static void
length_above_the_maximum_is_invalid(void **state)
{
    (void)state;
    assert_int_equal(event_of_length(148, 148), FRAME_NEED_MORE);
    assert_int_equal(event_of_length(149, 148), FRAME_INVALID);
    assert_int_equal(event_of_length(MAX_LEN, MAX_LEN), FRAME_NEED_MORE);
    assert_int_equal(event_of_length(MAX_LEN + 1, MAX_LEN), FRAME_INVALID);
    assert_int_equal(event_of_length(65535, MAX_LEN), FRAME_INVALID);
    assert_int_equal(event_of_length(65535, 65535), FRAME_NEED_MORE);
}

/* A length is judged when its second byte is there, and before a buffer is asked for. */
static void
invalid_length_takes_no_buffer(void **state)
{
    uint8_t data[100] = {0xff, 0xff};
    struct span in = {data, 1}, message;
    struct frame_decoder d;

    (void)state;
    frame_decoder_init(&d, MAX_LEN);
    assert_int_equal(frame_decode(&d, &in, &message), FRAME_NEED_MORE);
    in = (struct span){data + 1, sizeof(data) - 1};
    assert_int_equal(frame_decode(&d, &in, &message), FRAME_INVALID);
}

static void
invalid_stays_invalid(void **state)
{
    uint8_t storage[STREAM_MAX], bad[2] = {0, 31};
    struct span stream = sample_stream(storage), in = {bad, sizeof(bad)}, message;
    struct frame_decoder d;

    (void)state;
    frame_decoder_init(&d, MAX_LEN);
    assert_int_equal(frame_decode(&d, &in, &message), FRAME_INVALID);
    assert_int_equal(frame_decode(&d, &stream, &message), FRAME_INVALID);
    assert_ptr_equal(stream.data, storage); /* nothing is read any more */
}

static void
messages_before_an_invalid_length_come_out(void **state)
{
    uint8_t storage[STREAM_MAX];
    struct span stream = {storage, 0}, message;
    struct frame_decoder d;

    (void)state;
    put_frame(&stream, 92);
    put_frame(&stream, 31);
    frame_decoder_init(&d, MAX_LEN);
    assert_int_equal(frame_decode(&d, &stream, &message), FRAME_MESSAGE);
    assert_int_equal(message.len, 92);
    assert_int_equal(frame_decode(&d, &stream, &message), FRAME_INVALID);
}

/* A segment that starts right behind the prefix is still read in place. */
static void
no_buffer_is_asked_for_before_a_byte_of_the_message(void **state)
{
    uint8_t storage[STREAM_MAX];
    struct span stream = sample_stream(storage);
    struct receiver r;

    (void)state;
    receiver_init(&r, stream);
    feed(&r, stream.data, FRAME_PREFIX_LEN);
    assert_int_equal(r.lent, 0);
    feed(&r, stream.data + FRAME_PREFIX_LEN, stream.len - FRAME_PREFIX_LEN);
    receiver_done(&r, 3, 0);
    assert_int_equal(r.lent, 0);
}

static void
buffer_is_asked_for_until_it_is_lent(void **state)
{
    uint8_t storage[STREAM_MAX], buffer[148];
    struct span stream = sample_stream(storage), in = {storage, 100}, message;
    struct frame_decoder d;

    (void)state;
    frame_decoder_init(&d, MAX_LEN);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(frame_decode(&d, &in, &message), FRAME_NEED_BUFFER);
        assert_int_equal(d.need, 148);
        assert_ptr_equal(in.data, storage + FRAME_PREFIX_LEN);
        assert_int_equal(in.len, 98);
    }
    frame_decoder_lend(&d, buffer);
    assert_int_equal(frame_decode(&d, &in, &message), FRAME_NEED_MORE);
    assert_ptr_equal(d.buffer, buffer);
    assert_int_equal(d.have, 98);
    in = (struct span){storage + 100, stream.len - 100};
    assert_int_equal(frame_decode(&d, &in, &message), FRAME_MESSAGE);
    assert_ptr_equal(message.data, buffer);
    assert_int_equal(message.len, 148);
    assert_memory_equal(buffer, storage + FRAME_PREFIX_LEN, 148);
    assert_null(d.buffer); /* back with its owner */
    assert_ptr_equal(in.data, storage + FRAME_PREFIX_LEN + 148);
}

/* A caller without a buffer may keep the bytes and come back with more of them. */
static void
input_that_grew_is_read_in_place(void **state)
{
    uint8_t storage[STREAM_MAX];
    struct span stream = sample_stream(storage), in = {storage, 100}, message;
    struct frame_decoder d;

    (void)state;
    frame_decoder_init(&d, MAX_LEN);
    assert_int_equal(frame_decode(&d, &in, &message), FRAME_NEED_BUFFER);
    in.len = stream.len - FRAME_PREFIX_LEN;
    assert_int_equal(frame_decode(&d, &in, &message), FRAME_MESSAGE);
    assert_ptr_equal(message.data, storage + FRAME_PREFIX_LEN);
    assert_int_equal(message.len, 148);
}

/* The rest of a cut message moves to its beginning within one buffer. */
static void
buffer_may_be_where_the_input_lies(void **state)
{
    uint8_t storage[STREAM_MAX], packet[200];
    struct span stream = sample_stream(storage), in = {packet + 40, 100}, message;
    struct frame_decoder d;

    (void)state;
    memcpy(packet + 40, storage, 100);
    frame_decoder_init(&d, MAX_LEN);
    assert_int_equal(frame_decode(&d, &in, &message), FRAME_NEED_BUFFER);
    frame_decoder_lend(&d, packet + 20);
    assert_int_equal(frame_decode(&d, &in, &message), FRAME_NEED_MORE);
    in = (struct span){storage + 100, stream.len - 100};
    assert_int_equal(frame_decode(&d, &in, &message), FRAME_MESSAGE);
    assert_ptr_equal(message.data, packet + 20);
    assert_memory_equal(packet + 20, storage + FRAME_PREFIX_LEN, 148);
}

/* In pieces of any size; what follows is read as ever. */
static void
discarded_message_costs_itself(void **state)
{
    (void)state;
    for (size_t piece = 1; piece <= 160; piece++) {
        uint8_t storage[STREAM_MAX];
        struct span stream = sample_stream(storage), in = {storage, 100}, message;
        size_t n = 100;
        struct frame_decoder d;

        frame_decoder_init(&d, MAX_LEN);
        assert_int_equal(frame_decode(&d, &in, &message), FRAME_NEED_BUFFER);
        frame_decoder_discard(&d);
        assert_int_equal(frame_decode(&d, &in, &message), FRAME_NEED_MORE);
        assert_int_equal(in.len, 0);
        while (n < FRAME_PREFIX_LEN + 148) {
            in = (struct span){storage + n, piece};
            if (n + piece > FRAME_PREFIX_LEN + 148)
                in.len = FRAME_PREFIX_LEN + 148 - n;
            n += in.len;
            assert_int_equal(frame_decode(&d, &in, &message), FRAME_NEED_MORE);
            assert_int_equal(in.len, 0);
        }
        in = (struct span){storage + n, stream.len - n};
        assert_int_equal(frame_decode(&d, &in, &message), FRAME_MESSAGE);
        assert_true(message.data > storage + n);
    }
}

/* It was none: bytes that lie in it were delivered early. */
static void
frame_begins_behind_what_was_taken_from_a_discarded_message(void **state)
{
    uint8_t storage[STREAM_MAX];
    struct span stream = sample_stream(storage), in = {storage, 100}, message;
    struct frame_decoder d;

    (void)state;
    frame_decoder_init(&d, MAX_LEN);
    assert_int_equal(frame_decode(&d, &in, &message), FRAME_NEED_BUFFER);
    frame_decoder_discard(&d);
    assert_int_equal(frame_decode(&d, &in, &message), FRAME_NEED_MORE);
    assert_false(frame_decoder_skip(&d));
    in = stream;
    assert_int_equal(frame_decode(&d, &in, &message), FRAME_MESSAGE);
    assert_int_equal(message.len, 148);
}

/* What frame_is_next promises: one message, all of the input, and the decoder where it was. */
static void
a_frame_that_is_next_is_one_message(void **state)
{
    static const size_t lengths[] = {0, 31, 32, 33, 148, MAX_LEN, MAX_LEN + 1};
    uint8_t bytes[2 * STREAM_MAX];

    (void)state;
    for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
        for (int more = -1; more <= 1; more++) {
            struct span stream = {.data = bytes}, in, message;
            struct frame_decoder d;
            bool next, is_message;

            frame_decoder_init(&d, MAX_LEN);
            put_frame(&stream, lengths[i]);
            in = (struct span){bytes, stream.len + (size_t)more};
            next = frame_is_next(&d, in.data, in.len);
            is_message = frame_decode(&d, &in, &message) == FRAME_MESSAGE && in.len == 0;
            assert_true(next == is_message);
            if (next) {
                assert_ptr_equal(message.data, bytes + FRAME_PREFIX_LEN);
                assert_int_equal(message.len, lengths[i]);
                assert_true(frame_is_next(&d, bytes, stream.len));
            }
        }
}

static void
within_a_frame_or_behind_damage_none_is_next(void **state)
{
    uint8_t bytes[STREAM_MAX], odd[] = {0};
    struct span stream = {.data = bytes}, in, message;
    struct frame_decoder d;

    (void)state;
    put_frame(&stream, 100);
    frame_decoder_init(&d, MAX_LEN);
    in = (struct span){odd, 1};
    assert_int_equal(frame_decode(&d, &in, &message), FRAME_NEED_MORE);
    assert_false(frame_is_next(&d, bytes, stream.len));

    frame_decoder_init(&d, MAX_LEN);
    in = (struct span){bytes, 50};
    assert_int_equal(frame_decode(&d, &in, &message), FRAME_NEED_BUFFER);
    assert_false(frame_is_next(&d, bytes, stream.len));
    frame_decoder_discard(&d);
    assert_false(frame_is_next(&d, bytes, stream.len));

    frame_decoder_init(&d, MAX_LEN);
    in = (struct span){(uint8_t[]){0xff, 0xff}, 2};
    assert_int_equal(frame_decode(&d, &in, &message), FRAME_INVALID);
    assert_false(frame_is_next(&d, bytes, stream.len));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prefix_is_the_length_big_endian),
        cmocka_unit_test(a_frame_that_is_next_is_one_message),
        cmocka_unit_test(within_a_frame_or_behind_damage_none_is_next),
        cmocka_unit_test(several_frames_of_one_input_are_read_in_place),
        cmocka_unit_test(stream_of_single_bytes),
        cmocka_unit_test(stream_cut_in_two_anywhere),
        cmocka_unit_test(stream_cut_in_three_anywhere),
        cmocka_unit_test(random_streams_cut_at_random),
        cmocka_unit_test(empty_input_needs_more),
        cmocka_unit_test(zero_length_frames_are_skipped_one_event_each),
        cmocka_unit_test(length_below_a_keepalive_is_invalid),
        cmocka_unit_test(length_above_the_maximum_is_invalid),
        cmocka_unit_test(invalid_length_takes_no_buffer),
        cmocka_unit_test(invalid_stays_invalid),
        cmocka_unit_test(messages_before_an_invalid_length_come_out),
        cmocka_unit_test(no_buffer_is_asked_for_before_a_byte_of_the_message),
        cmocka_unit_test(buffer_is_asked_for_until_it_is_lent),
        cmocka_unit_test(input_that_grew_is_read_in_place),
        cmocka_unit_test(buffer_may_be_where_the_input_lies),
        cmocka_unit_test(discarded_message_costs_itself),
        cmocka_unit_test(frame_begins_behind_what_was_taken_from_a_discarded_message),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
