/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The five timers of a WireGuard peer (paper section 6; Linux timers.c), sans-I/O. Functions are
 * named after the event that calls them. Re-arming on the data path is one store: deadlines are
 * absolute and looked at only when the earliest one has passed.
 */
#ifndef WGTCPD_PEER_TIMERS_H
#define WGTCPD_PEER_TIMERS_H

#include <wgtcpd/base/base.h>

#define PEER_REKEY_AFTER_TIME  (120 * WGT_SEC)
#define PEER_REJECT_AFTER_TIME (180 * WGT_SEC)
#define PEER_REKEY_TIMEOUT     (5 * WGT_SEC)
#define PEER_KEEPALIVE_TIMEOUT (10 * WGT_SEC)
#define PEER_REKEY_JITTER_MAX  (333 * WGT_MSEC)
#define PEER_COOKIE_MAX_AGE    (120 * WGT_SEC)
enum { PEER_MAX_HANDSHAKE_ATTEMPTS = 18 };

enum peer_timer {
    PEER_TIMER_RETRANSMIT_HANDSHAKE, /* T1 */
    PEER_TIMER_SEND_KEEPALIVE,       /* T2 */
    PEER_TIMER_NEW_HANDSHAKE,        /* T3 */
    PEER_TIMER_ZERO_KEYS,            /* T4 */
    PEER_TIMER_PERSISTENT,           /* T5 */
    PEER_TIMER_COUNT,
};

/* What peer_timers_expire asks the caller to do, in this order of bits. */
enum peer_action {
    PEER_GIVE_UP = 1 << 0,          /* 18 retries: drop staged packets */
    PEER_FORGET_SOURCE = 1 << 1,    /* forget the cached local address */
    PEER_SEND_INITIATION = 1 << 2,  /* a fresh request (T3) */
    PEER_RETRY_INITIATION = 1 << 3, /* a retry (T1): attempts stay counted */
    PEER_SEND_KEEPALIVE = 1 << 4,   /* T2 or T5: staged packets if any, else an empty one */
    PEER_ZERO_KEYS = 1 << 5,        /* wipe handshake and keypairs */
};

struct peer_timers {
    wgt_time due[PEER_TIMER_COUNT]; /* WGT_NEVER: idle */
    wgt_time keepalive_interval;    /* T5's period; 0: off */
    wgt_time initiation_sent;       /* last initiation or response sent; valid if sent_any */
    bool sent_any;
    bool need_another_keepalive;
    uint8_t attempts; /* retries of the current handshake */
};

void peer_timers_init(struct peer_timers *t);
/* Interface down or peer removed: all timers idle, the stamp cleared. */
void peer_timers_stop(struct peer_timers *t);

/* Configured PersistentKeepalive, seconds, 0 = off. Returns whether a keepalive is to be sent now
 * (it went from 0 to non-zero). */
bool peer_timers_set_persistent(struct peer_timers *t, wgt_time now, uint16_t seconds);

/* Whether an initiation may be sent now (5 s since the last initiation or response). A non-retry
 * request resets the attempts, also when the answer is no. */
bool peer_timers_may_initiate(struct peer_timers *t, wgt_time now, bool retry);

/* An initiation was sent. jitter: uniformly random 32 bits (gives 0..333 ms). */
void peer_timers_initiation_sent(struct peer_timers *t, wgt_time now, uint32_t jitter);
/* A response was sent (stamps like an initiation). */
void peer_timers_response_sent(struct peer_timers *t, wgt_time now);
/* A data message with an inner packet (not a keepalive) was sent. */
void peer_timers_data_sent(struct peer_timers *t, wgt_time now, uint32_t jitter);
/* An authenticated data message with an inner packet was received. */
void peer_timers_data_received(struct peer_timers *t, wgt_time now);
/* Any authenticated packet was sent: data, keepalive, handshake message. */
void peer_timers_any_authenticated_sent(struct peer_timers *t);
/* Any authenticated packet was received. */
void peer_timers_any_authenticated_received(struct peer_timers *t);
/* Any authenticated packet was sent or received (T5). */
void peer_timers_any_authenticated_traversal(struct peer_timers *t, wgt_time now);
/* New keys were derived (T4). */
void peer_timers_session_derived(struct peer_timers *t, wgt_time now);
/* Initiator: response processed; responder: first data message under the new keys. */
void peer_timers_handshake_complete(struct peer_timers *t);

/* Earliest deadline, WGT_NEVER if none. */
wgt_time peer_timers_deadline(const struct peer_timers *t);
/* Fire what is due; returns a set of enum peer_action. have_staged is not needed: see PEER_GIVE_UP.
 */
unsigned peer_timers_expire(struct peer_timers *t, wgt_time now);

#endif
