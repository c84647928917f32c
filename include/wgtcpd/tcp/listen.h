/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A listener that stands floods, sans-I/O: what a connection costs before it has sent a byte.
 *
 * An embryo is a connection in SYN-RECEIVED, or in ESTABLISHED without a byte of data in either
 * direction: a small record instead of a tcp_conn. It answers by the same rules (RFC 9293 3.10.7,
 * RFC 5961, RFC 7323). Its first data in order make a tcp_conn out of it.
 *
 * A SYN cookie (RFC 4987 3.6) is an embryo that the peer keeps for us: everything it holds is in
 * the sequence number and the timestamp of our SYN,ACK, and comes back with the peer's ACK. The
 * MSS is rounded down to one of four; without timestamps a connection from a cookie has neither
 * window scale nor SACK nor ECN.
 *
 * Options (tcp_options) are those that the connection will have. They are an argument of every call
 * and must be the same each time, but for `iss`, which counts at the opening only.
 */
#ifndef WGTCPD_TCP_LISTEN_H
#define WGTCPD_TCP_LISTEN_H

#include <wgtcpd/tcp/tcp.h>

/* SYN,ACKs sent again by the timer, after 1, 2 s; after 4 more seconds the embryo ends. One SYN of
 * a forged source draws no more than three packets to it. */
enum { TCP_EMBRYO_RETRIES = 2 };

struct tcp_embryo {
    uint32_t irs, iss;
    uint32_t ts_recent;
    uint16_t mss;    /* the peer's announcement; 0: none */
    uint16_t window; /* field of the last ACK */
    uint8_t snd_shift;
    uint8_t syn_sends, retries;
    bool established, ts_ok, sack_ok, wscale_ok, ecn_ok;
    wgt_time syn_time; /* of the last SYN,ACK */
    wgt_time established_at;
    wgt_time rtt;           /* of the handshake; WGT_NEVER: not measured (Karn) */
    wgt_time retransmit_at; /* WGT_NEVER once established */
    wgt_time challenge_at;  /* no challenge ACK before */
};

enum tcp_embryo_event {
    TCP_EMBRYO_WAIT,  /* nothing to do */
    TCP_EMBRYO_REPLY, /* send *out */
    TCP_EMBRYO_DATA,  /* the segment brings the first data: tcp_open_embryo, tcp_input */
    TCP_EMBRYO_END,   /* it is gone without a word */
    TCP_EMBRYO_RESET, /* it is gone, and *out (RST) says so */
};

/* A SYN for a listener: *out is the SYN,ACK. TCP_FLAGS: not a plain SYN. */
enum wgt_drop tcp_embryo_open(struct tcp_embryo *e, wgt_time now, const struct tcp_options *o,
                              const struct tcp_segment *syn, struct tcp_segment *out);

/* A segment for it. *why is WGT_OK or the reason why it was dropped. */
enum tcp_embryo_event tcp_embryo_input(struct tcp_embryo *e, wgt_time now,
                                       const struct tcp_options *o, const struct tcp_segment *seg,
                                       struct tcp_segment *out, enum wgt_drop *why);

/* Next time to call tcp_embryo_expire; WGT_NEVER: once established it has no timer. */
wgt_time tcp_embryo_deadline(const struct tcp_embryo *e);
/* WAIT, REPLY (SYN,ACK once more) or END. */
enum tcp_embryo_event tcp_embryo_expire(struct tcp_embryo *e, wgt_time now,
                                        const struct tcp_options *o, struct tcp_segment *out);

/* The RST that ends it from our side. */
void tcp_embryo_reset(const struct tcp_embryo *e, const struct tcp_options *o,
                      struct tcp_segment *out);

/* An ESTABLISHED connection as if it had been one from its SYN on; the embryo must be established.
 * c must not hold chunks of an earlier life. false: it could not be made (c is CLOSED then). */
bool tcp_open_embryo(struct tcp_conn *c, const struct tcp_options *o, const struct tcp_embryo *e);

/* --- SYN cookies ------------------------------------------------------------------------------ */

/* A keyed hash whose output nobody can foretell (SipHash-2-4). */
typedef uint64_t (*tcp_hash)(const uint8_t key[16], const void *data, size_t len);

/* Addresses and ports of a connection in some fixed form. */
enum { TCP_TUPLE_LEN = 40 };

/* A cookie made in one step is good in it and in the next. */
#define TCP_COOKIE_STEP (60 * WGT_SEC)

struct tcp_cookies {
    tcp_hash hash;
    uint8_t key[16];
    uint8_t secret[2][16]; /* of an even and an odd step */
    uint64_t step[2];      /* which; UINT64_MAX: none */
    wgt_time last;         /* when a cookie was sent last */
    bool sent_any;
};

/* key: 16 random bytes. */
void tcp_cookies_init(struct tcp_cookies *k, tcp_hash hash, const uint8_t key[16]);

/* Whether a new step has begun: then hand in a fresh secret, 16 random bytes, before tcp_cookie. */
bool tcp_cookies_stale(const struct tcp_cookies *k, wgt_time now);
void tcp_cookies_renew(struct tcp_cookies *k, wgt_time now, const uint8_t secret[16]);

/* Whether one was sent within two steps; others are not opened. */
bool tcp_cookies_live(const struct tcp_cookies *k, wgt_time now);

/* The SYN,ACK with a cookie. false: not a plain SYN, or its MSS is below all that a cookie can
 * name. */
bool tcp_cookie_answer(struct tcp_cookies *k, wgt_time now, const struct tcp_options *o,
                       const uint8_t tuple[TCP_TUPLE_LEN], const struct tcp_segment *syn,
                       struct tcp_segment *out);

/* An ACK that belongs to no connection: *e becomes the established embryo that it brings back (feed
 * the segment to it then). false: no cookie of ours, or not live. A guess has a
 * chance of 2^-29. */
bool tcp_cookie_open(const struct tcp_cookies *k, wgt_time now, const struct tcp_options *o,
                     const uint8_t tuple[TCP_TUPLE_LEN], const struct tcp_segment *ack,
                     struct tcp_embryo *e);

#endif
