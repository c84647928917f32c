/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The 2-byte big-endian length prefix that carries WireGuard messages over a byte stream: the
 * format of OpenVPN over TCP and of mullvad's udp-over-tcp.
 */
#ifndef WGTCPD_FRAME_FRAME_H
#define WGTCPD_FRAME_FRAME_H

#include <wgtcpd/base/base.h>
#include <wgtcpd/base/drop.h>

enum { FRAME_PREFIX_LEN = 2 };

/* Writes the prefix of a message of len bytes (32..65535). */
static inline void
frame_write_prefix(uint8_t prefix[FRAME_PREFIX_LEN], size_t len)
{
    put_be16(prefix, (uint16_t)len);
}

enum frame_event {
    FRAME_NEED_MORE,   /* the input is used up */
    FRAME_MESSAGE,     /* *message is a whole message */
    FRAME_NEED_BUFFER, /* a message is cut: lend decoder->need bytes with frame_decoder_lend and
                          decode again; no byte of the message was consumed yet */
    FRAME_EMPTY,       /* a zero-length frame was skipped: count it and go on */
    FRAME_INVALID,     /* no WireGuard message has this length: close the connection */
};

/*
 * Decoder of one stream direction. It holds no buffer of its own: a message that lies whole in the
 * input is returned in place; one that is cut over several inputs is assembled in a buffer that the
 * caller lends when asked (and not before its length was found legal).
 */
struct frame_decoder {
    size_t max_len;  /* largest legal message */
    size_t need;     /* length of the message being read; 0: reading the prefix */
    size_t have;     /* bytes of it in the lent buffer */
    uint8_t *buffer; /* lent by the caller, NULL if none */
    uint8_t prefix[FRAME_PREFIX_LEN];
    uint8_t prefix_have; /* 0..1 between calls */
    bool broken;         /* FRAME_INVALID was returned; stays so */
};

/* max_len: largest message the caller can take (>= 148). */
void frame_decoder_init(struct frame_decoder *d, size_t max_len);

/*
 * Reads from the front of *in, moving it past what was consumed. Call until FRAME_NEED_MORE. With
 * FRAME_MESSAGE, *message points into the input, or is the lent buffer, which thereby goes back to
 * the caller (d->buffer becomes NULL). Legal lengths: 32..max_len; whether a
 * length suits the message's type is message_check's question.
 */
enum frame_event frame_decode(struct frame_decoder *d, struct span *in, struct span *message);

/* Lends `buffer` of at least d->need bytes after FRAME_NEED_BUFFER. */
void frame_decoder_lend(struct frame_decoder *d, uint8_t *buffer);

#endif
