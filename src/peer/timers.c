/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/peer/timers.h>

static void
idle(struct peer_timers *t, enum peer_timer which)
{
    t->due[which] = WGT_NEVER;
}

static bool
is_idle(const struct peer_timers *t, enum peer_timer which)
{
    return t->due[which] == WGT_NEVER;
}

static wgt_time
jitter_time(uint32_t jitter)
{
    return (jitter * PEER_REKEY_JITTER_MAX) >> 32;
}

static void
stamp(struct peer_timers *t, wgt_time now)
{
    t->initiation_sent = now;
    t->sent_any = true;
}

/* Once armed, T5 keeps itself going: a keepalive that could not be sent, for want of an endpoint
 * say, is tried again. */
static void
restart_persistent(struct peer_timers *t, wgt_time now)
{
    t->due[PEER_TIMER_PERSISTENT] =
        t->keepalive_interval != 0 ? now + t->keepalive_interval : WGT_NEVER;
}

void
peer_timers_init(struct peer_timers *t)
{
    memset(t, 0, sizeof(*t));
    peer_timers_stop(t);
}

bool
peer_timers_start(struct peer_timers *t, wgt_time now)
{
    restart_persistent(t, now);
    return t->keepalive_interval != 0;
}

void
peer_timers_stop(struct peer_timers *t)
{
    for (unsigned i = 0; i < PEER_TIMER_COUNT; i++)
        idle(t, i);
    t->sent_any = false;
    t->need_another_keepalive = false;
    t->attempts = 0;
}

void
peer_timers_identity_changed(struct peer_timers *t)
{
    t->sent_any = false;
}

bool
peer_timers_set_persistent(struct peer_timers *t, wgt_time now, uint16_t seconds)
{
    bool was_off = t->keepalive_interval == 0;
    wgt_time due = t->due[PEER_TIMER_PERSISTENT];

    t->keepalive_interval = seconds * WGT_SEC;
    restart_persistent(t, now);
    if (!was_off && seconds != 0)
        t->due[PEER_TIMER_PERSISTENT] = wgt_time_min(due, t->due[PEER_TIMER_PERSISTENT]);
    return was_off && seconds != 0;
}

bool
peer_timers_may_initiate(struct peer_timers *t, wgt_time now, bool retry)
{
    wgt_time allowed = t->initiation_sent + PEER_REKEY_TIMEOUT;

    if (!retry)
        t->attempts = 0;
    if (!t->sent_any || now >= allowed)
        return true;
    if (retry && is_idle(t, PEER_TIMER_RETRANSMIT_HANDSHAKE))
        t->due[PEER_TIMER_RETRANSMIT_HANDSHAKE] = allowed;
    return false;
}

void
peer_timers_initiation_sent(struct peer_timers *t, wgt_time now, uint32_t jitter)
{
    stamp(t, now);
    t->due[PEER_TIMER_RETRANSMIT_HANDSHAKE] = now + PEER_REKEY_TIMEOUT + jitter_time(jitter);
}

void
peer_timers_response_sent(struct peer_timers *t, wgt_time now, uint32_t jitter)
{
    /* Initiations that crossed leave both sides waiting from the same instant: without chance they
     * would cross again, for ever. */
    stamp(t, now + jitter_time(jitter));
}

void
peer_timers_data_sent(struct peer_timers *t, wgt_time now, uint32_t jitter)
{
    if (is_idle(t, PEER_TIMER_NEW_HANDSHAKE))
        t->due[PEER_TIMER_NEW_HANDSHAKE] = now + PEER_NEW_HANDSHAKE_TIMEOUT + jitter_time(jitter);
}

void
peer_timers_data_received(struct peer_timers *t, wgt_time now)
{
    if (is_idle(t, PEER_TIMER_SEND_KEEPALIVE))
        t->due[PEER_TIMER_SEND_KEEPALIVE] = now + PEER_KEEPALIVE_TIMEOUT;
    else
        t->need_another_keepalive = true;
}

void
peer_timers_any_authenticated_sent(struct peer_timers *t)
{
    idle(t, PEER_TIMER_SEND_KEEPALIVE);
    t->need_another_keepalive = false;
}

void
peer_timers_any_authenticated_received(struct peer_timers *t)
{
    idle(t, PEER_TIMER_NEW_HANDSHAKE);
}

void
peer_timers_any_authenticated_traversal(struct peer_timers *t, wgt_time now)
{
    restart_persistent(t, now);
}

void
peer_timers_session_derived(struct peer_timers *t, wgt_time now)
{
    t->due[PEER_TIMER_ZERO_KEYS] = now + PEER_ZERO_KEYS_TIMEOUT;
}

void
peer_timers_handshake_complete(struct peer_timers *t)
{
    idle(t, PEER_TIMER_RETRANSMIT_HANDSHAKE);
    t->attempts = 0;
}

wgt_time
peer_timers_deadline(const struct peer_timers *t)
{
    wgt_time earliest = WGT_NEVER;

    for (unsigned i = 0; i < PEER_TIMER_COUNT; i++)
        earliest = wgt_time_min(earliest, t->due[i]);
    return earliest;
}

static unsigned
expire_retransmit_handshake(struct peer_timers *t, wgt_time now)
{
    idle(t, PEER_TIMER_RETRANSMIT_HANDSHAKE);
    if (t->attempts <= PEER_MAX_HANDSHAKE_ATTEMPTS) {
        t->attempts++;
        return PEER_FORGET_SOURCE | PEER_RETRY_INITIATION;
    }

    idle(t, PEER_TIMER_SEND_KEEPALIVE);
    t->need_another_keepalive = false;
    /* A partial exchange may have left something behind. */
    if (is_idle(t, PEER_TIMER_ZERO_KEYS))
        t->due[PEER_TIMER_ZERO_KEYS] = now + PEER_ZERO_KEYS_TIMEOUT;
    return PEER_GIVE_UP;
}

static unsigned
expire_send_keepalive(struct peer_timers *t, wgt_time now)
{
    idle(t, PEER_TIMER_SEND_KEEPALIVE);
    if (t->need_another_keepalive) {
        t->need_another_keepalive = false;
        t->due[PEER_TIMER_SEND_KEEPALIVE] = now + PEER_KEEPALIVE_TIMEOUT;
    }
    return PEER_SEND_KEEPALIVE;
}

static unsigned
expire_new_handshake(struct peer_timers *t, wgt_time now)
{
    (void)now;
    idle(t, PEER_TIMER_NEW_HANDSHAKE);
    return PEER_FORGET_SOURCE | PEER_SEND_INITIATION;
}

static unsigned
expire_zero_keys(struct peer_timers *t, wgt_time now)
{
    (void)now;
    idle(t, PEER_TIMER_ZERO_KEYS);
    return PEER_ZERO_KEYS;
}

static unsigned
expire_persistent(struct peer_timers *t, wgt_time now)
{
    restart_persistent(t, now);
    return PEER_SEND_KEEPALIVE;
}

unsigned
peer_timers_expire(struct peer_timers *t, wgt_time now)
{
    static unsigned (*const expire[PEER_TIMER_COUNT])(struct peer_timers *, wgt_time) = {
        [PEER_TIMER_RETRANSMIT_HANDSHAKE] = expire_retransmit_handshake,
        [PEER_TIMER_SEND_KEEPALIVE] = expire_send_keepalive,
        [PEER_TIMER_NEW_HANDSHAKE] = expire_new_handshake,
        [PEER_TIMER_ZERO_KEYS] = expire_zero_keys,
        [PEER_TIMER_PERSISTENT] = expire_persistent,
    };
    unsigned actions = 0;

    for (unsigned i = 0; i < PEER_TIMER_COUNT; i++)
        if (t->due[i] <= now)
            actions |= expire[i](t, now);
    /* A fresh request stands for the retry that fell due with it. */
    if (actions & PEER_SEND_INITIATION)
        actions &= ~(unsigned)PEER_RETRY_INITIATION;
    return actions;
}
