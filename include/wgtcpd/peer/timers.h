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
/* T3: the peer had KEEPALIVE_TIMEOUT to answer, and REKEY_TIMEOUT for the answer to arrive. */
#define PEER_NEW_HANDSHAKE_TIMEOUT (PEER_KEEPALIVE_TIMEOUT + PEER_REKEY_TIMEOUT)
#define PEER_ZERO_KEYS_TIMEOUT     (3 * PEER_REJECT_AFTER_TIME)
enum { PEER_MAX_HANDSHAKE_ATTEMPTS = 18 };

enum peer_timer {
    PEER_TIMER_RETRANSMIT_HANDSHAKE, /* T1 */
    PEER_TIMER_SEND_KEEPALIVE,       /* T2 */
    PEER_TIMER_NEW_HANDSHAKE,        /* T3 */
    PEER_TIMER_ZERO_KEYS,            /* T4 */
    PEER_TIMER_PERSISTENT,           /* T5 */
    PEER_TIMER_COUNT,
};

/* What peer_timers_expire asks the caller to do. When several are asked for, do them in this order;
 * wiping comes first so that an initiation of the same round survives. */
enum peer_action {
    PEER_ZERO_KEYS = 1 << 0,        /* T4: wipe handshake and keypairs */
    PEER_GIVE_UP = 1 << 1,          /* T1: no answer to any attempt: drop staged packets */
    PEER_FORGET_SOURCE = 1 << 2,    /* T1, T3: forget the cached local address */
    PEER_SEND_INITIATION = 1 << 3,  /* T3: a fresh request */
    PEER_RETRY_INITIATION = 1 << 4, /* T1: a retry; attempts stay counted */
    PEER_SEND_KEEPALIVE = 1 << 5,   /* T2, T5: staged packets if any, else an empty one */
};

/*
 * Read freely, write through the functions. Which event calls what (sent, received and traversal
 * stand for the three any_authenticated functions):
 *
 *   initiation sent      initiation_sent, sent, traversal
 *   initiation received  received, traversal
 *   response sent        response_sent, session_derived, sent, traversal
 *   response received    session_derived, handshake_complete, received, traversal
 *   keepalive sent       sent, traversal
 *   keepalive received   received, traversal
 *   data sent            data_sent, sent, traversal
 *   data received        data_received, received, traversal
 *
 * The first keepalive or data message under a responder's new keys calls handshake_complete too.
 */
struct peer_timers {
    wgt_time due[PEER_TIMER_COUNT]; /* WGT_NEVER: idle */
    wgt_time keepalive_interval;    /* T5's period; 0: off */
    wgt_time initiation_sent;       /* last initiation or response sent; valid if sent_any */
    bool sent_any;
    bool need_another_keepalive;
    uint8_t attempts; /* retries of the current handshake */
};

void peer_timers_init(struct peer_timers *t);
/* Interface up: whether a keepalive is to be sent now. */
bool peer_timers_start(struct peer_timers *t, wgt_time now);
/* Interface down or peer removed: all timers idle, the stamp cleared. The configured keepalive
 * interval stays. */
void peer_timers_stop(struct peer_timers *t);
/* Our private key changed: the stamp is cleared, so that the next handshake may go at once. */
void peer_timers_identity_changed(struct peer_timers *t);

/* Configured PersistentKeepalive, seconds, 0 = off. Returns whether a keepalive is to be sent now
 * (it went from 0 to non-zero). A shorter interval holds at once, a longer one after the next
 * packet. */
bool peer_timers_set_persistent(struct peer_timers *t, wgt_time now, uint16_t seconds);

/* Whether an initiation may be sent now (5 s since the last initiation or response). A non-retry
 * request resets the attempts, also when the answer is no. A retry that is refused (a response went
 * out meanwhile) is not lost: T1 runs until it may go. */
bool peer_timers_may_initiate(struct peer_timers *t, wgt_time now, bool retry);

/* An initiation was sent (T1). jitter: uniformly random 32 bits (gives 0..333 ms). */
void peer_timers_initiation_sent(struct peer_timers *t, wgt_time now, uint32_t jitter);
/* A response was sent: stamps like an initiation, but up to 333 ms later. jitter as above. */
void peer_timers_response_sent(struct peer_timers *t, wgt_time now, uint32_t jitter);
/* A data message with an inner packet (not a keepalive) was sent (T3). jitter as above. Further
 * packets don't push T3: steady sending into the void is noticed after 15 s. */
void peer_timers_data_sent(struct peer_timers *t, wgt_time now, uint32_t jitter);
/* An authenticated data message with an inner packet was received (T2). */
void peer_timers_data_received(struct peer_timers *t, wgt_time now);
/* Any authenticated packet was sent: data, keepalive, handshake message (stops T2). */
void peer_timers_any_authenticated_sent(struct peer_timers *t);
/* Any authenticated packet was received, keepalives too (stops T3). */
void peer_timers_any_authenticated_received(struct peer_timers *t);
/* Any authenticated packet was sent or received (T5). */
void peer_timers_any_authenticated_traversal(struct peer_timers *t, wgt_time now);
/* New keys were derived (T4). */
void peer_timers_session_derived(struct peer_timers *t, wgt_time now);
/* Initiator: response processed; responder: first data message under the new keys (stops T1). */
void peer_timers_handshake_complete(struct peer_timers *t);

/* Of a run of packets at one time all but the first few change nothing: */

static inline bool
peer_timers_traversal_noted(const struct peer_timers *t, wgt_time now)
{
    return t->due[PEER_TIMER_PERSISTENT] ==
           (t->keepalive_interval != 0 ? now + t->keepalive_interval : WGT_NEVER);
}

/* Whether sent, traversal and data_sent would leave all as it is. */
static inline bool
peer_timers_data_sent_noted(const struct peer_timers *t, wgt_time now)
{
    return t->due[PEER_TIMER_NEW_HANDSHAKE] != WGT_NEVER &&
           t->due[PEER_TIMER_SEND_KEEPALIVE] == WGT_NEVER && !t->need_another_keepalive &&
           peer_timers_traversal_noted(t, now);
}

/* Whether received, traversal and data_received would. */
static inline bool
peer_timers_data_received_noted(const struct peer_timers *t, wgt_time now)
{
    return t->due[PEER_TIMER_NEW_HANDSHAKE] == WGT_NEVER &&
           t->due[PEER_TIMER_SEND_KEEPALIVE] != WGT_NEVER && t->need_another_keepalive &&
           peer_timers_traversal_noted(t, now);
}

/* Earliest deadline, WGT_NEVER if none. */
wgt_time peer_timers_deadline(const struct peer_timers *t);
/* Fire what is due; returns a set of enum peer_action. The deadline is later than now afterwards.
 */
unsigned peer_timers_expire(struct peer_timers *t, wgt_time now);

#endif
