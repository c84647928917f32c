/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The 2-byte big-endian length prefix that carries WireGuard messages over a byte stream: the
 * format of OpenVPN over TCP and of mullvad's udp-over-tcp.
 */
#ifndef WGTCPD_FRAME_FRAME_H
#define WGTCPD_FRAME_FRAME_H

#include <wgtcpd/base/base.h>
#include <wgtcpd/base/drop.h>
#include <wgtcpd/wire/message.h>

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
    FRAME_NEED_BUFFER, /* a message is cut: lend decoder->need bytes with frame_decoder_lend, or
                          give it up with frame_decoder_discard, and decode again; no byte of the
                          message was consumed yet */
    FRAME_EMPTY,       /* a zero-length frame was skipped: count it and go on */
    FRAME_INVALID,     /* no WireGuard message has this length: close the connection */
};

/*
 * Decoder of one stream direction. It holds no buffer of its own: a message that lies whole in the
 * input is returned in place; one that is cut over several inputs is assembled in a buffer that the
 * caller lends when asked (and not before its length was found legal).
 */
struct frame_decoder {
    uint8_t *buffer;  /* lent by the caller, NULL if none */
    uint16_t max_len; /* largest legal message */
    uint16_t need;    /* length of the message being read; 0: reading the prefix */
    uint16_t have;    /* bytes of it in the lent buffer */
    uint8_t prefix[FRAME_PREFIX_LEN];
    uint8_t prefix_have; /* 0..1 between calls */
    bool discarding;     /* the message being read: its bytes are passed over */
    bool broken;         /* FRAME_INVALID was returned; stays so */
};

/* max_len: largest message the caller can take (148..65535). */
void frame_decoder_init(struct frame_decoder *d, size_t max_len);

/*
 * Reads from the front of *in, moving it past what was consumed. Call until FRAME_NEED_MORE. With
 * FRAME_MESSAGE, *message points into the input, or is the lent buffer, which thereby goes back to
 * the caller (d->buffer becomes NULL). Legal lengths: 32..max_len; whether a
 * length suits the message's type is message_check's question.
 */
enum frame_event frame_decode(struct frame_decoder *d, struct span *in, struct span *message);

/* Whether the bytes are a frame just as it should be, no more and no less, which the decoder has
 * come to: that is one FRAME_MESSAGE, and leaves the decoder as it is. */
bool frame_is_next(const struct frame_decoder *d, const uint8_t *p, size_t len);

/* Lends `buffer` of at least d->need bytes after FRAME_NEED_BUFFER. The input may lie in it, not
 * before its beginning: then it must stay until it is used up. */
void frame_decoder_lend(struct frame_decoder *d, uint8_t *buffer);

/* After FRAME_NEED_BUFFER: there is none. The message is passed over, in whatever pieces it comes,
 * and its neighbours are read as ever. */
void frame_decoder_discard(struct frame_decoder *d);

/* Whole frames at this place were delivered early, and their bytes are gone. false: the decoder was
 * in the middle of a frame, which was none then; it is dropped, and a buffer that was lent is the
 * caller's again. Either way the decoder goes on at a frame's start. */
bool frame_decoder_skip(struct frame_decoder *d);

/*
 * Frames out of order, and after damage: what of a framed data message can be known without its
 * key, prefix and message header.
 */
enum { FRAME_CANDIDATE_LEN = FRAME_PREFIX_LEN + MESSAGE_DATA_HEADER_LEN };
struct frame_candidate {
    size_t len; /* of the message */
    uint32_t receiver;
    uint64_t counter;
};

/* Whether a data message of a legal length may begin here; *out is valid then. */
bool frame_candidate(const uint8_t p[FRAME_CANDIDATE_LEN], size_t max_len,
                     struct frame_candidate *out);

/* The reader's word on a candidate: he has that session, and has not seen that counter. */
typedef bool frame_wanted(void *ctx, const struct frame_candidate *c);

/* Offset of the first candidate that is wanted; len when there is none. */
size_t frame_find(const uint8_t *p, size_t len, size_t max_len, frame_wanted *wanted, void *ctx);

/* How far to search for the next frame before a stream is given up. */
enum { FRAME_SEARCH_LIMIT = 65536 };

/* The search for the next frame of a damaged stream. */
struct frame_search {
    uint32_t searched; /* bytes passed over since it began */
    uint16_t max_len;
    uint8_t n_held; /* the end of the last input: a candidate may begin there */
    uint8_t held[FRAME_CANDIDATE_LEN - 1];
};

/* d: the decoder that found the damage. */
void frame_search_begin(struct frame_search *s, const struct frame_decoder *d);

/* Reads from the front of *in. true: a frame was found; it consists of *head (bytes of earlier
 * input, held by s; possibly none) and of what is left in *in. false: all of *in was passed over.
 */
bool frame_search(struct frame_search *s, struct span *in, frame_wanted *wanted, void *ctx,
                  struct span *head);

#endif
