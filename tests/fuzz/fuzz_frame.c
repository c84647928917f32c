/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The frame decoder must read the same messages however the stream is cut. The first byte seeds
 * the cuts; the rest is the stream, decoded once in one piece and once in pieces.
 */
#include <stdlib.h>

#include <wgtcpd/frame/frame.h>

enum { MAX_LEN = 2048 };

/* What a decoding run saw: a hash over all events and messages. */
struct trace {
    uint64_t hash;
    bool broken;
};

static void
trace_bytes(struct trace *t, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        t->hash = (t->hash ^ data[i]) * UINT64_C(0x100000001b3);
}

static void
trace_message(struct trace *t, const struct span *message)
{
    uint8_t prefix[FRAME_PREFIX_LEN];

    if (message->len < 32 || message->len > MAX_LEN)
        abort();
    frame_write_prefix(prefix, message->len);
    trace_bytes(t, prefix, sizeof prefix);
    trace_bytes(t, message->data, message->len);
}

static void
decode_piece(struct frame_decoder *d, struct trace *t, struct span in, uint8_t buffer[MAX_LEN])
{
    struct span message;
    const uint8_t empty[FRAME_PREFIX_LEN] = {0, 0};

    for (;;) {
        switch (frame_decode(d, &in, &message)) {
        case FRAME_NEED_MORE:
            if (in.len != 0)
                abort();
            return;
        case FRAME_MESSAGE:
            trace_message(t, &message);
            break;
        case FRAME_NEED_BUFFER:
            if (d->need < 32 || d->need > MAX_LEN)
                abort();
            frame_decoder_lend(d, buffer);
            break;
        case FRAME_EMPTY:
            trace_bytes(t, empty, sizeof empty);
            break;
        case FRAME_INVALID:
            t->broken = true;
            return;
        }
    }
}

/* cut: 0 for one piece, else the seed of piece lengths. */
static struct trace
decode_all(const uint8_t *data, size_t len, uint32_t cut)
{
    struct frame_decoder d;
    struct trace t = {UINT64_C(0xcbf29ce484222325), false};
    uint8_t buffer[MAX_LEN];

    frame_decoder_init(&d, MAX_LEN);
    while (len > 0 && !t.broken) {
        size_t take = len;
        if (cut != 0) {
            cut = cut * 1664525 + 1013904223;
            take = 1 + (cut >> 16) % ((cut & 1) ? 3 : 200);
            take = take < len ? take : len;
        }
        /* A copy of exactly this size, so that a sanitizer sees every step beyond it. */
        uint8_t *piece = malloc(take);
        if (piece == NULL)
            abort();
        memcpy(piece, data, take);
        decode_piece(&d, &t, (struct span){piece, take}, buffer);
        free(piece);
        data += take;
        len -= take;
    }
    return t;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct trace whole = decode_all(data + 1, size - 1, 0);
    struct trace pieces = decode_all(data + 1, size - 1, data[0] + 1U);
    if (whole.hash != pieces.hash || whole.broken != pieces.broken)
        abort();
    return 0;
}
