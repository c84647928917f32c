/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames found by their look: 64 bits of a data message are fixed for a reader who knows his
 * sessions, so that a false find is a forgery, and decryption tells. */
#include <wgtcpd/frame/frame.h>

bool
frame_candidate(const uint8_t p[FRAME_CANDIDATE_LEN], size_t max_len, struct frame_candidate *out)
{
    const uint8_t *message = p + FRAME_PREFIX_LEN;

    out->len = get_be16(p);
    if (out->len < MESSAGE_DATA_OVERHEAD || out->len > max_len || get_le32(message) != MESSAGE_DATA)
        return false;
    out->receiver = message_receiver(message, MESSAGE_DATA);
    out->counter = get_le64(message + 8);
    return true;
}

size_t
frame_find(const uint8_t *p, size_t len, size_t max_len, frame_wanted *wanted, void *ctx)
{
    struct frame_candidate c;

    for (size_t at = 0; at + FRAME_CANDIDATE_LEN <= len; at++)
        if (p[at + FRAME_PREFIX_LEN] == MESSAGE_DATA && frame_candidate(p + at, max_len, &c) &&
            wanted(ctx, &c))
            return at;
    return len;
}

void
frame_search_begin(struct frame_search *s, const struct frame_decoder *d)
{
    *s = (struct frame_search){.max_len = d->max_len};
    if (d->broken) /* the second byte of a bad prefix may be the first of a good one */
        s->held[s->n_held++] = d->prefix[1];
}

static void
hold(struct frame_search *s, const uint8_t *p, size_t len)
{
    memcpy(s->held + s->n_held, p, len);
    s->n_held = (uint8_t)(s->n_held + len);
}

static void
consume(struct frame_search *s, struct span *in, size_t n)
{
    in->data += n;
    in->len -= n;
    s->searched += (uint32_t)n;
}

/* Looks where the bytes held from earlier input meet the new ones. */
static bool
find_across(struct frame_search *s, struct span *in, frame_wanted *wanted, void *ctx,
            struct span *head)
{
    uint8_t seam[2 * (FRAME_CANDIDATE_LEN - 1)];
    size_t n_new = in->len < FRAME_CANDIDATE_LEN - 1 ? in->len : FRAME_CANDIDATE_LEN - 1;
    size_t len = s->n_held + n_new, at;

    memcpy(seam, s->held, s->n_held);
    if (n_new > 0)
        memcpy(seam + s->n_held, in->data, n_new);
    at = frame_find(seam, len, s->max_len, wanted, ctx);
    if (at < s->n_held) {
        *head = (struct span){s->held + at, s->n_held - at};
        return true;
    }
    if (in->len < FRAME_CANDIDATE_LEN - 1) {
        /* All of it is the seam: what may still begin a candidate is held. */
        size_t keep = len < FRAME_CANDIDATE_LEN - 1 ? len : FRAME_CANDIDATE_LEN - 1;

        s->n_held = 0;
        hold(s, seam + len - keep, keep);
        consume(s, in, in->len);
    }
    return false;
}

bool
frame_search(struct frame_search *s, struct span *in, frame_wanted *wanted, void *ctx,
             struct span *head)
{
    size_t at;

    *head = (struct span){NULL, 0};
    if (find_across(s, in, wanted, ctx, head))
        return true;
    if (in->len == 0)
        return false;
    s->n_held = 0;
    at = frame_find(in->data, in->len, s->max_len, wanted, ctx);
    if (at < in->len) {
        consume(s, in, at);
        return true;
    }
    hold(s, in->data + in->len - (FRAME_CANDIDATE_LEN - 1), FRAME_CANDIDATE_LEN - 1);
    consume(s, in, in->len);
    return false;
}
