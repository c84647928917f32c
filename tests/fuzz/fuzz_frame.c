/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The frame decoder on an arbitrary stream that is cut at random: it must give what a reader of the
 * whole stream gives. The first byte seeds the cuts, the rest is the stream.
 */
#include <stdlib.h>

#include <wgtcpd/frame/frame.h>

enum { SEED_LEN = 1, SHORTEST = 32, LONGEST = 2048 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool holds)
{
    if (!holds)
        abort();
}

static uint32_t
next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

/* A reader that has the whole stream: the same answers in the plainest way. */
struct reference {
    const uint8_t *stream;
    size_t len, at, max_len;
};

static enum frame_event
reference_next(struct reference *r, const uint8_t **message, size_t *len)
{
    if (r->len - r->at < FRAME_PREFIX_LEN)
        return FRAME_NEED_MORE;
    *len = get_be16(r->stream + r->at);
    if (*len == 0) {
        r->at += FRAME_PREFIX_LEN;
        return FRAME_EMPTY;
    }
    if (*len < SHORTEST || *len > r->max_len)
        return FRAME_INVALID;
    if (r->len - r->at - FRAME_PREFIX_LEN < *len)
        return FRAME_NEED_MORE;
    *message = r->stream + r->at + FRAME_PREFIX_LEN;
    r->at += FRAME_PREFIX_LEN + *len;
    return FRAME_MESSAGE;
}

static void
expect(struct reference *r, enum frame_event event, const struct span *message)
{
    const uint8_t *expected = NULL;
    size_t len = 0;

    require(reference_next(r, &expected, &len) == event);
    if (event == FRAME_MESSAGE)
        require(message->len == len && memcmp(message->data, expected, len) == 0);
}

/* One piece; false once the stream is broken. */
static bool
feed(struct frame_decoder *d, struct reference *r, struct span in, uint8_t **lent)
{
    struct span message;

    for (;;) {
        enum frame_event event = frame_decode(d, &in, &message);

        if (event == FRAME_NEED_MORE) {
            require(in.len == 0);
            return true;
        }
        if (event == FRAME_NEED_BUFFER) {
            require(*lent == NULL && d->need >= SHORTEST && d->need <= d->max_len);
            *lent = malloc(d->need);
            require(*lent != NULL);
            frame_decoder_lend(d, *lent);
            continue;
        }
        expect(r, event, &message);
        if (event == FRAME_INVALID) {
            require(frame_decode(d, &in, &message) == FRAME_INVALID);
            return false;
        }
        if (event == FRAME_MESSAGE && *lent != NULL) {
            require(message.data == *lent && d->buffer == NULL);
            free(*lent);
            *lent = NULL;
        }
    }
}

/* A copy of the piece that is gone afterwards: no pointer into it may be kept. */
static bool
feed_copy(struct frame_decoder *d, struct reference *r, const uint8_t *piece, size_t len,
          uint8_t **lent)
{
    uint8_t *copy = malloc(len);
    bool whole;

    require(copy != NULL);
    memcpy(copy, piece, len);
    whole = feed(d, r, (struct span){copy, len}, lent);
    free(copy);
    return whole;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reference r = {.stream = data + SEED_LEN, .max_len = LONGEST};
    struct frame_decoder d;
    uint8_t *lent = NULL;
    uint32_t random;
    bool good = true;

    if (size <= SEED_LEN)
        return 0;
    random = data[0];
    r.len = size - SEED_LEN;
    frame_decoder_init(&d, r.max_len);
    for (size_t at = 0; at < r.len && good;) {
        size_t piece = 1 + next_random(&random) % (1u << data[0] % 12);

        if (piece > r.len - at)
            piece = r.len - at;
        good = feed_copy(&d, &r, r.stream + at, piece, &lent);
        at += piece;
    }
    if (good)
        expect(&r, FRAME_NEED_MORE, NULL);
    free(lent);
    return 0;
}
