/* SPDX-License-Identifier: BSD-3-Clause */
/* A peer's keypairs: installing, promoting, refreshing and retiring them. */
#include <stdlib.h>

#include <rte_ring_elem.h>

#include "internal.h"
#include "keypair.h"

bool
tunnel_send_event(struct tunnel *t, const struct tunnel_event *e)
{
    if (rte_ring_enqueue_elem(t->events, (void *)(uintptr_t)e, sizeof(*e)) == 0)
        return true;
    wgt_drop_count(&t->drops, WGT_DROP_RING_FULL);
    return false;
}

/* xorshift64*: timers' jitter is no secret and must not cost a system call a packet. */
uint32_t
tunnel_jitter(struct tunnel *t)
{
    t->jitter ^= t->jitter >> 12;
    t->jitter ^= t->jitter << 25;
    t->jitter ^= t->jitter >> 27;
    return (uint32_t)(t->jitter * UINT64_C(0x2545f4914f6cdd1d) >> 32);
}

bool
session_usable(const struct tunnel_peer *p, wgt_time now)
{
    const struct noise_keypair *k = p->session.current;

    return k != NULL && k->send_allowed && now - k->birth < PEER_REJECT_AFTER_TIME &&
           k->send_counter < NOISE_REJECT_AFTER_MESSAGES;
}

void
session_request(struct tunnel *t, wgt_time now, struct tunnel_peer *p, bool retry)
{
    struct tunnel_event e = {.type = TUNNEL_EVENT_INITIATE, .peer = p};

    /* One that was not answered for so long is lost. */
    if (t->stopping || t->down ||
        (p->initiation_requested && now - p->requested_at < PEER_REKEY_TIMEOUT))
        return;
    if (!peer_timers_may_initiate(&p->timers, now, retry))
        return;
    if (!peer_has_endpoint(p))
        return;
    p->initiation_requested = tunnel_send_event(t, &e);
    p->requested_at = now;
    /* The retry timer runs from here, whatever becomes of the request. */
    peer_timers_initiation_sent(&p->timers, now, tunnel_jitter(t));
}

void
session_keep_fresh_after_send(struct tunnel *t, wgt_time now, struct tunnel_peer *p)
{
    const struct noise_keypair *k = p->session.current;

    if (k->send_counter > NOISE_REKEY_AFTER_MESSAGES ||
        (k->initiator && now - k->birth >= PEER_REKEY_AFTER_TIME))
        session_request(t, now, p, false);
}

void
session_keep_fresh_after_receive(struct tunnel *t, wgt_time now, struct tunnel_peer *p)
{
    const struct noise_keypair *k = p->session.current;

    if (p->rekey_after_receive_done || k == NULL || !k->initiator || !k->send_allowed ||
        now - k->birth < PEER_REJECT_AFTER_TIME - PEER_KEEPALIVE_TIMEOUT - PEER_REKEY_TIMEOUT)
        return;
    p->rekey_after_receive_done = true;
    session_request(t, now, p, false);
}

void
session_bury(struct tunnel *t, struct noise_keypair *k)
{
    keypair_wipe(k); /* the handshaker frees it, and sees that others forget it */
    k->owner = t->retired;
    t->retired = k;
}

/* What others seal or open under it they may go on with; it comes to nothing. */
static void
retire_keypair(struct tunnel *t, struct noise_keypair *k)
{
    index_table_remove(&t->indices, k->local_index);
    k->retired = true;
    if (likely(k->in_flight == 0))
        session_bury(t, k);
    else
        t->crypto->n_dying++;
}

bool
session_flush_retired(struct tunnel *t)
{
    while (t->retired != NULL) {
        struct tunnel_event e = {.type = TUNNEL_EVENT_RETIRED, .keypair = t->retired};
        struct noise_keypair *next = t->retired->owner;

        if (!tunnel_send_event(t, &e))
            return false;
        t->retired = next;
    }
    return true;
}

void
session_retire(struct tunnel *t, struct noise_retired *retired)
{
    for (unsigned i = 0; i < retired->n; i++)
        retire_keypair(t, retired->k[i]);
    session_flush_retired(t);
}

void
session_free(struct tunnel_peer *p)
{
    struct noise_retired retired = {.n = 0};

    noise_session_clear(&p->session, &retired);
    for (unsigned i = 0; i < retired.n; i++)
        keypair_free(retired.k[i]);
}

void
session_forget(struct tunnel *t, struct tunnel_peer *p)
{
    struct noise_retired retired = {.n = 0};

    noise_session_clear(&p->session, &retired);
    session_retire(t, &retired);
}

void
session_stop_sending(struct tunnel_peer *p)
{
    if (p->session.current != NULL)
        p->session.current->send_allowed = false;
    if (p->session.next != NULL)
        p->session.next->send_allowed = false;
}

void
session_completed(struct tunnel *t, wgt_time now, struct tunnel_peer *p)
{
    bool renewed =
        p->stats.handshakes > 0 && now - p->stats.last_handshake < PEER_REJECT_AFTER_TIME;

    peer_note(t, p, renewed ? TUNNEL_NOTE_REKEYED : TUNNEL_NOTE_SESSION, &p->path.path, 0);
    peer_timers_handshake_complete(&p->timers);
    p->rekey_after_receive_done = false;
    p->stats.handshakes++;
    if (p->history != NULL)
        p->history->trouble[PEER_TROUBLE_UNANSWERED].n =
            p->history->trouble[PEER_TROUBLE_UNCONFIRMED].n = 0;
    p->stats.last_handshake = now;
}

static bool
install(struct tunnel *t, wgt_time now, struct tunnel_peer *p, struct noise_keypair *k)
{
    struct noise_retired retired = {.n = 0};

    if (!index_table_insert(&t->indices, k->local_index, k)) {
        retired = (struct noise_retired){.k = {k}, .n = 1};
        wgt_drop_count(&t->drops, WGT_DROP_NO_BUFFER);
        session_retire(t, &retired);
        return false;
    }
    k->owner = p;
    if (k->birth > now) /* by the other thread's clock, read after this turn began */
        k->birth = now;
    noise_session_install(&p->session, k, &retired);
    peer_timers_session_derived(&p->timers, now);
    session_retire(t, &retired);
    return true;
}

static void
authenticated_sent(struct tunnel_peer *p, wgt_time now, size_t len)
{
    p->stats.tx_bytes += len;
    peer_timers_any_authenticated_sent(&p->timers);
    peer_timers_any_authenticated_traversal(&p->timers, now);
}

static void
authenticated_received(struct tunnel *t, struct tunnel_peer *p, wgt_time now,
                       const struct path *from, size_t len)
{
    p->stats.rx_bytes += len;
    peer_heard_on(t, now, p, from);
    peer_timers_any_authenticated_received(&p->timers);
    peer_timers_any_authenticated_traversal(&p->timers, now);
}

/* Where an initiation can go now. One that waited for its connection would be stale, and answered
 * although a newer one had replaced it: on_established asks for a fresh one instead. */
static const struct path *
initiation_path(struct tunnel *t, wgt_time now, struct tunnel_peer *p)
{
    const struct path *to = peer_path(t, now, p);
    const struct tcp_flow *f = to != NULL ? tcp_flow_of(to) : NULL;

    return f != NULL && !f->established ? NULL : to;
}

static void
send_initiation(struct tunnel *t, wgt_time now, const struct tunnel_command *c)
{
    struct tunnel_peer *p = c->peer;
    const struct path *to;

    p->initiation_requested = p->history_asked = false; /* the ring may have been full */
    peer_timers_initiation_sent(&p->timers, now, tunnel_jitter(t));
    if (c->len == 0)
        return;
    to = initiation_path(t, now, p);
    if (to == NULL) {
        /* A dial is being waited for; the retry timer runs. */
        tunnel_send_event(t, &(struct tunnel_event){.type = TUNNEL_EVENT_ZERO, .peer = p});
        return;
    }
    peer_trouble(t, p, PEER_TROUBLE_UNANSWERED, now);
    authenticated_sent(p, now, c->len);
    path_send_handshake(t, now, to, c->message, c->len);
}

static void
begin_as_responder(struct tunnel *t, wgt_time now, const struct tunnel_command *c)
{
    struct tunnel_peer *p = c->peer;

    authenticated_received(t, p, now, &c->path, MESSAGE_INITIATION_LEN);
    if (!install(t, now, p, c->keypair))
        return;
    peer_timers_response_sent(&p->timers, now, tunnel_jitter(t));
    peer_trouble(t, p, PEER_TROUBLE_UNCONFIRMED, now);
    authenticated_sent(p, now, c->len);
    path_send_handshake(t, now, &c->path, c->message, c->len);
}

static void
begin_as_initiator(struct tunnel *t, wgt_time now, const struct tunnel_command *c)
{
    struct tunnel_peer *p = c->peer;

    authenticated_received(t, p, now, &c->path, MESSAGE_RESPONSE_LEN);
    if (!install(t, now, p, c->keypair))
        return;
    session_completed(t, now, p);
    /* Key confirmation: the responder may not send before it. */
    peer_send_keepalive(t, now, p);
}

void
session_command(struct tunnel *t, wgt_time now, const struct tunnel_command *c)
{
    if (c->type == TUNNEL_COMMAND_INITIATION)
        send_initiation(t, now, c);
    else if (c->type == TUNNEL_COMMAND_RESPONSE)
        begin_as_responder(t, now, c);
    else
        begin_as_initiator(t, now, c);
    peer_arm(t, now, c->peer);
}
