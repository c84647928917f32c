/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/frame/frame.h>

#include <wgtcpd/wire/message.h>

void
frame_decoder_init(struct frame_decoder *d, size_t max_len)
{
    *d = (struct frame_decoder){.max_len = (uint16_t)max_len};
}

void
frame_decoder_lend(struct frame_decoder *d, uint8_t *buffer)
{
    d->buffer = buffer;
}

void
frame_decoder_discard(struct frame_decoder *d)
{
    d->discarding = true;
}

bool
frame_decoder_skip(struct frame_decoder *d)
{
    bool whole = d->need == 0 && d->prefix_have == 0 && !d->broken;

    frame_decoder_init(d, d->max_len);
    return whole;
}

static uint8_t *
take(struct span *in, size_t n)
{
    uint8_t *taken = in->data;

    in->data += n;
    in->len -= n;
    return taken;
}

/* Collects the prefix; true when both bytes are there. */
static bool
read_prefix(struct frame_decoder *d, struct span *in)
{
    while (d->prefix_have < FRAME_PREFIX_LEN) {
        if (in->len == 0)
            return false;
        d->prefix[d->prefix_have++] = *take(in, 1);
    }
    d->prefix_have = 0;
    return true;
}

static enum frame_event
read_in_place(struct frame_decoder *d, struct span *in, struct span *message)
{
    if (in->len == 0)
        return FRAME_NEED_MORE;
    if (in->len < d->need)
        return FRAME_NEED_BUFFER;
    *message = (struct span){take(in, d->need), d->need};
    d->need = 0;
    return FRAME_MESSAGE;
}

static enum frame_event
read_into_buffer(struct frame_decoder *d, struct span *in, struct span *message)
{
    size_t missing = (size_t)d->need - d->have;
    size_t n = in->len < missing ? in->len : missing;

    if (n > 0)
        memmove(d->buffer + d->have, take(in, n), n); /* the input may lie in it */
    d->have = (uint16_t)(d->have + n);
    if (d->have < d->need)
        return FRAME_NEED_MORE;
    *message = (struct span){d->buffer, d->need};
    d->buffer = NULL;
    d->need = d->have = 0;
    return FRAME_MESSAGE;
}

/* true: the message has ended. */
static bool
pass_over(struct frame_decoder *d, struct span *in)
{
    size_t missing = (size_t)d->need - d->have;
    size_t n = in->len < missing ? in->len : missing;

    take(in, n);
    d->have = (uint16_t)(d->have + n);
    if (d->have < d->need)
        return false;
    d->need = d->have = 0;
    d->discarding = false;
    return true;
}

bool
frame_is_next(const struct frame_decoder *d, const uint8_t *p, size_t len)
{
    return d->need == 0 && d->prefix_have == 0 && !d->broken && !d->discarding &&
           len >= FRAME_PREFIX_LEN + MESSAGE_MIN_LEN &&
           len <= FRAME_PREFIX_LEN + (size_t)d->max_len && get_be16(p) == len - FRAME_PREFIX_LEN;
}

enum frame_event
frame_decode(struct frame_decoder *d, struct span *in, struct span *message)
{
    if (d->broken)
        return FRAME_INVALID;
    if (d->discarding && !pass_over(d, in))
        return FRAME_NEED_MORE;
    if (d->need == 0) {
        size_t len;

        if (!read_prefix(d, in))
            return FRAME_NEED_MORE;
        len = get_be16(d->prefix);
        if (len == 0)
            return FRAME_EMPTY;
        if (len < MESSAGE_MIN_LEN || len > d->max_len) {
            d->broken = true;
            return FRAME_INVALID;
        }
        d->need = (uint16_t)len;
    }
    return d->buffer == NULL ? read_in_place(d, in, message) : read_into_buffer(d, in, message);
}
