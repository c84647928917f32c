/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Delivery beyond holes: segments of a known stream in any size, order and overlap, as the input
 * says. Each message must be delivered exactly once and unaltered. With the first bit of the input
 * set, segments that somebody else made come in between: then a message may be lost, and still none
 * may come twice, or altered.
 */
#include <stdlib.h>

#define REQUIRE(x)                                                                                 \
    do {                                                                                           \
        if (!(x))                                                                                  \
            abort();                                                                               \
    } while (0)
#include "../unit/early_rig.h"

enum { SEGMENT_MAX = 1448, LENGTHS = 8, OPS_MAX = 200 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *p;
    size_t left;
};

static uint32_t
next(struct input *in, size_t bytes)
{
    uint32_t v = 0;

    for (; bytes > 0 && in->left > 0; bytes--, in->left--)
        v = v << 8 | *in->p++;
    return v;
}

/* A stream of 8 to 39 messages whose lengths repeat. */
static void
make_stream(struct rig *r, struct input *in)
{
    uint32_t n = 8 + next(in, 1) % 32, lengths[LENGTHS];

    for (int i = 0; i < LENGTHS; i++)
        lengths[i] = MESSAGE_DATA_OVERHEAD + next(in, 2) % 1400;
    for (uint32_t k = 0; k < n; k++) {
        r->kind[k] = (enum rig_kind)(lengths[k % LENGTHS] % 3);
        rig_add(r, lengths[k % LENGTHS]);
    }
}

static void
send_piece(struct rig *r, struct input *in)
{
    uint32_t from = next(in, 2) % r->len, len = 1 + next(in, 2) % SEGMENT_MAX;

    rig_send(r, from, from + len < r->len ? from + len : r->len);
}

static void
send_frames(struct rig *r, struct input *in)
{
    uint32_t k = next(in, 1) % r->n_frames, n = 1 + next(in, 1) % 4;

    for (; n > 0 && k < r->n_frames; k++, n--)
        rig_send(r, r->at[k], r->at[k + 1]);
}

/* Bytes that are not the stream's: shifted from elsewhere in it, with a byte changed. */
static void
send_foreign(struct rig *r, struct input *in)
{
    uint8_t bytes[SEGMENT_MAX];
    uint32_t at = next(in, 2) % r->len, len = 1 + next(in, 2) % SEGMENT_MAX;
    uint32_t from = next(in, 2) % r->len;

    if (len > r->len - from)
        len = r->len - from;
    memcpy(bytes, r->stream + from, len);
    bytes[next(in, 2) % len] ^= (uint8_t)next(in, 1);
    rig_inject(r, at, bytes, len, 0);
    rig_run(r);
}

static void
play(struct rig *r, struct input *in, bool foreign)
{
    for (int ops = 0; ops < OPS_MAX && in->left > 0 && !r->ended; ops++) {
        switch (next(in, 1) % 8) {
        case 0:
            rig_sleep(r, next(in, 1) * WGT_MSEC / 4);
            break;
        case 1:
            if (foreign)
                send_foreign(r, in);
            break;
        case 2:
        case 3:
            send_frames(r, in);
            break;
        default:
            send_piece(r, in);
        }
    }
}

/* The peer sends what is not acknowledged. */
static void
complete(struct rig *r)
{
    for (unsigned tries = 0; !r->ended && r->ack < r->len; tries++) {
        REQUIRE(tries < 4000);
        rig_send(r, r->ack, r->ack + SEGMENT_MAX < r->len ? r->ack + SEGMENT_MAX : r->len);
        rig_sleep(r, 50 * WGT_MSEC);
    }
    if (!r->ended)
        rig_sleep(r, WGT_SEC);
}

static void
check(const struct rig *r, bool foreign)
{
    bool delivered[RIG_FRAMES] = {false};

    for (uint32_t i = 0; i < r->n_log; i++) {
        REQUIRE(r->log[i] < r->n_frames && !delivered[r->log[i]]);
        delivered[r->log[i]] = true;
    }
    if (foreign)
        return;
    REQUIRE(r->n_log == r->n_frames && r->forged == 0 && r->replays == 0 && !r->reset);
    REQUIRE(r->t.stats.resyncs == 0 && r->t.stats.early_failed == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    struct rig *r;
    bool foreign;

    if (rig_pool == NULL && !rig_start("fuzz_early"))
        abort();
    if (size < 24)
        return 0;
    foreign = next(&in, 1) & 1;
    r = rig_new(false);
    make_stream(r, &in);
    play(r, &in, foreign);
    complete(r);
    check(r, foreign);
    rig_free(r);
    return 0;
}
