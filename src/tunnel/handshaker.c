/* SPDX-License-Identifier: BSD-3-Clause */
/* Handshakes: events of the tunnel in, commands to it out. */
#include <wgtcpd/tunnel/handshaker.h>

#include <errno.h>
#include <stdlib.h>

#include <rte_ring_elem.h>

#include <wgtcpd/tunnel/report.h>
#include <wgtcpd/tunnel/tunnel.h>
#include <wgtcpd/vault/vault.h>

#include "internal.h"
#include "key_table.h"
#include "keypair.h"
#include "workers.h"

/* The kernel calls itself loaded when an eighth of the queue is used, and for 1 s after. */
enum { UNDER_LOAD_EVENTS = TUNNEL_RING_SIZE / 8 };
#define UNDER_LOAD_HOLD WGT_SEC
/* An initiation of the peer that comes so soon after ours was sent before ours arrived. */
#define CROSSING_TIME WGT_SEC
enum { RATELIMIT_ENTRIES = 8192, INDEX_TRIES = 64 };

int
handshaker_init(struct handshaker *h, uint32_t max_peers, const uint8_t private_key[NOISE_KEY_LEN],
                struct rte_ring *events, struct rte_ring *commands,
                void (*entropy)(void *ctx, void *buf, size_t len), void *ctx)
{
    struct noise_ratelimit_entry *entries = calloc(RATELIMIT_ENTRIES, sizeof(*entries));
    uint8_t hash_key[16], key[16];

    *h = (struct handshaker){.workers = {{.events = events, .commands = commands}},
                             .n_workers = 1,
                             .entropy = entropy,
                             .ctx = ctx,
                             .max_peers = max_peers};
    LIST_INIT(&h->removed);
    LIST_INIT(&h->leaving);
    LIST_INIT(&h->parting);
    noise_local_init(&h->local, private_key);
    entropy(ctx, hash_key, sizeof(hash_key));
    entropy(ctx, key, sizeof(key));
    if (entries == NULL || key_table_init(&h->by_key, max_peers, hash_key) != 0 ||
        indices_init(&h->by_index, max_peers) != 0) {
        key_table_fini(&h->by_key);
        free(entries);
        noise_local_wipe(&h->local);
        return -ENOMEM;
    }
    noise_ratelimit_init(&h->ratelimit, entries, RATELIMIT_ENTRIES, key);
    noise_wipe(hash_key, sizeof(hash_key));
    noise_wipe(key, sizeof(key));
    return 0;
}

int
handshaker_add_worker(struct handshaker *h, struct rte_ring *events, struct rte_ring *commands)
{
    if (h->n_workers >= TUNNEL_WORKERS_MAX)
        return -ENOSPC;
    h->workers[h->n_workers++] = (struct handshaker_worker){.events = events, .commands = commands};
    return 0;
}

static void
free_peer(struct handshaker_peer *p)
{
    noise_remote_wipe(&p->remote);
    free(p->history);
    vault_free(p, sizeof(*p));
}

static void
free_peers(struct handshaker_peers *peers)
{
    struct handshaker_peer *p;

    while ((p = LIST_FIRST(peers)) != NULL) {
        LIST_REMOVE(p, link);
        free_peer(p);
    }
}

/* Keypairs are the handshaker's while they lie in a ring; so is who was released and not adopted.
 */
static void
empty_rings(struct handshaker_worker *w)
{
    struct tunnel_command c;
    struct tunnel_event e;

    while (rte_ring_dequeue_elem(w->commands, &c, sizeof(c)) == 0) {
        keypair_free(c.keypair);
        if (c.type == TUNNEL_COMMAND_ADOPT)
            tunnel_abandon_peer(c.peer);
    }
    while (rte_ring_dequeue_elem(w->events, &e, sizeof(e)) == 0)
        keypair_free(e.keypair);
}

void
handshaker_fini(struct handshaker *h)
{
    struct handshaker_peer *p;
    uint32_t next = 0;

    for (unsigned i = 0; i < h->n_workers; i++)
        empty_rings(&h->workers[i]);
    while (h->unforgotten != NULL) {
        struct noise_keypair *k = h->unforgotten;

        h->unforgotten = k->owner;
        keypair_free(k);
    }
    while ((p = key_table_next(&h->by_key, &next)) != NULL)
        free_peer(p);
    free_peers(&h->removed);
    free_peers(&h->leaving);
    free_peers(&h->parting);
    key_table_fini(&h->by_key);
    indices_fini(&h->by_index);
    free(h->ratelimit.entries);
    noise_local_wipe(&h->local);
    noise_wipe(&h->cookie_secret, sizeof(h->cookie_secret));
    noise_wipe(h->ratelimit.key, sizeof(h->ratelimit.key));
}

/* --- indices --------------------------------------------------------------------------------- */

/* The highest bits name the peer's worker, modulo their number; any that do, so that nobody can
 * tell from an index how many workers there are. */
static uint32_t
index_of_worker(const struct handshaker *h, unsigned worker, uint32_t random)
{
    unsigned values = (MESSAGE_WORKERS_MAX - worker + h->n_workers - 1) / h->n_workers;
    unsigned top = worker + message_index_worker(random) % values * h->n_workers;

    return (random & ((UINT32_C(1) << MESSAGE_INDEX_WORKER_SHIFT) - 1)) |
           top << MESSAGE_INDEX_WORKER_SHIFT;
}

/* A random index that no handshake and no keypair has, nor its slot. */
static bool
draw_index(struct handshaker *h, struct handshaker_peer *p, uint32_t *index)
{
    for (int i = 0; i < INDEX_TRIES; i++) {
        h->entropy(h->ctx, index, sizeof(*index));
        *index = index_of_worker(h, p->worker, *index);
        if (index_table_insert(&h->by_index, *index, p))
            return true;
    }
    return false;
}

void
handshaker_release_index(struct handshaker *h, uint32_t index)
{
    index_table_remove(&h->by_index, index);
}

/* The index of the handshake under way; a keypair that took it over keeps it. */
static void
release_handshake_index(struct handshaker *h, struct handshaker_peer *p)
{
    if (p->has_index)
        handshaker_release_index(h, p->handshake_index);
    p->has_index = false;
}

/* --- peers ------------------------------------------------------------------------------------ */

/* To the worker that has the peer. */
static bool
send_command(struct handshaker *h, const struct handshaker_peer *p, const struct tunnel_command *c)
{
    return workers_send(h, p->worker, c);
}

struct tunnel_peer *
handshaker_find_peer(const struct handshaker *h, const uint8_t public_key[NOISE_KEY_LEN])
{
    const struct handshaker_peer *p = key_table_find(&h->by_key, public_key);

    return p != NULL ? p->tunnel_peer : NULL;
}

int
handshaker_prepare_peer(struct tunnel_peer *peer)
{
    peer->handshaker_peer = vault_alloc(sizeof(struct handshaker_peer));
    return peer->handshaker_peer != NULL ? 0 : -ENOMEM;
}

void
handshaker_discard_peer(struct tunnel_peer *peer)
{
    vault_free(peer->handshaker_peer, sizeof(struct handshaker_peer));
    peer->handshaker_peer = NULL;
}

static bool
our_key_leads(const struct noise_local *l, const struct tunnel_peer *peer)
{
    return memcmp(l->public_key, peer->public_key, NOISE_KEY_LEN) > 0;
}

/* The record, drawn now or before. */
static int
fill_peer(struct handshaker *h, struct tunnel_peer *peer, const uint8_t psk[NOISE_KEY_LEN])
{
    struct handshaker_peer *p;

    if (peer->handshaker_peer == NULL && handshaker_prepare_peer(peer) != 0)
        return -ENOMEM;
    p = peer->handshaker_peer;
    p->tunnel_peer = peer;
    p->worker = peer->worker = (uint8_t)workers_choose(h);
    peer->leads = p->leads = our_key_leads(&h->local, peer);
    /* A low-order key is accepted like any other; its handshakes fail. */
    peer->low_order = noise_remote_init(&p->remote, peer->public_key, psk) != WGT_OK;
    return 0;
}

/* Its datagrams come to any worker. */
static void
open_udp(struct handshaker *h)
{
    struct tunnel_command c = {.type = TUNNEL_COMMAND_UDP};

    if (h->n_workers > 1 && !h->udp_open)
        h->udp_open = workers_tell_all(h, &c);
}

int
handshaker_add_peer(struct handshaker *h, struct tunnel_peer *peer,
                    const uint8_t psk[NOISE_KEY_LEN])
{
    struct tunnel_command c = {.type = TUNNEL_COMMAND_ADD_PEER, .peer = peer};

    if (noise_equal(peer->public_key, h->local.public_key, NOISE_KEY_LEN))
        return -EINVAL;
    if (key_table_find(&h->by_key, peer->public_key) != NULL)
        return -EEXIST;
    if (!handshaker_has_room(h))
        return -ENOBUFS;
    if (fill_peer(h, peer, psk) != 0)
        return -ENOMEM;
    if (!key_table_insert(&h->by_key, peer->handshaker_peer)) {
        noise_remote_wipe(&((struct handshaker_peer *)peer->handshaker_peer)->remote);
        handshaker_discard_peer(peer);
        return -ENOMEM;
    }
    h->workers[peer->worker].n_peers++;
    send_command(h, peer->handshaker_peer, &c);
    if (peer->has_endpoint && peer->configured_kind == TRANSPORT_UDP)
        open_udp(h);
    return 0;
}

int
handshaker_remove_peer(struct handshaker *h, struct tunnel_peer *peer)
{
    struct tunnel_command c = {.type = TUNNEL_COMMAND_REMOVE_PEER, .peer = peer};
    struct handshaker_peer *p = peer->handshaker_peer;

    if (!send_command(h, p, &c))
        return -ENOBUFS;
    h->workers[p->worker].n_peers--;
    /* Lookups by key end now; the record lives until the tunnel's last event about the peer came.
     */
    p->removed = true;
    key_table_remove(&h->by_key, p);
    release_handshake_index(h, p);
    noise_remote_wipe(&p->remote);
    LIST_INSERT_HEAD(&h->removed, p, link);
    return 0;
}

/* --- what may change meanwhile -------------------------------------------------------------------
 */

void
handshaker_set_psk(struct tunnel_peer *peer, const uint8_t psk[NOISE_KEY_LEN])
{
    struct handshaker_peer *p = peer->handshaker_peer;

    memcpy(p->remote.preshared_key, psk, NOISE_KEY_LEN);
}

int
handshaker_set_peer(struct handshaker *h, struct tunnel_peer *peer,
                    const struct tunnel_peer_settings *settings)
{
    struct tunnel_command c = {
        .type = TUNNEL_COMMAND_SET_PEER, .peer = peer, .settings = *settings};

    if (!send_command(h, peer->handshaker_peer, &c))
        return -ENOBUFS;
    if (settings->kind == TRANSPORT_UDP)
        open_udp(h);
    return 0;
}

int
handshaker_set_port(struct handshaker *h, uint16_t listen_port)
{
    struct tunnel_command c = {.type = TUNNEL_COMMAND_PORT, .listen_port = listen_port};

    return workers_tell_all(h, &c) ? 0 : -ENOBUFS;
}

/* Linux's wg_set_device: static-static of every peer is of no use any more, handshakes cleared. */
static void
rekey_peers(struct handshaker *h)
{
    struct handshaker_peer *p;
    uint32_t next = 0;

    while ((p = key_table_next(&h->by_key, &next)) != NULL) {
        release_handshake_index(h, p);
        noise_remote_rekeyed(&p->remote);
        p->leads = our_key_leads(&h->local, p->tunnel_peer);
        p->crossed = false;
    }
}

int
handshaker_set_identity(struct handshaker *h, const uint8_t private_key[NOISE_KEY_LEN])
{
    struct tunnel_command c = {.type = TUNNEL_COMMAND_IDENTITY};

    if (!handshaker_has_room(h))
        return -ENOBUFS;
    noise_local_wipe(&h->local);
    noise_local_init(&h->local, private_key);
    rekey_peers(h);
    c.identity.has_identity = h->local.has_identity;
    memcpy(c.identity.public_key, h->local.public_key, NOISE_KEY_LEN);
    memcpy(c.identity.mac1_key, h->local.mac1_key, NOISE_KEY_LEN);
    noise_knock_key(c.identity.knock_key, h->local.public_key);
    workers_tell_all(h, &c);
    noise_wipe(&c.identity, sizeof(c.identity));
    return 0;
}

/* Linux's wg_stop. What the worker still sends of before is left alone, and so no handshake of then
 * can follow the command. */
int
handshaker_set_mtu(struct handshaker *h, const struct tunnel_mtu *mtu)
{
    struct tunnel_command c = {.type = TUNNEL_COMMAND_MTU, .mtu = *mtu};

    return workers_tell_all(h, &c) ? 0 : -ENOBUFS;
}

int
handshaker_set_link(struct handshaker *h, bool up)
{
    struct tunnel_command c = {.type = TUNNEL_COMMAND_LINK, .up = up};
    struct handshaker_peer *p;
    uint32_t next = 0;

    if (!workers_tell_all(h, &c))
        return -ENOBUFS;
    h->down = !up;
    while (h->down && (p = key_table_next(&h->by_key, &next)) != NULL) {
        release_handshake_index(h, p);
        noise_handshake_clear(&p->remote);
        p->crossed = false;
    }
    return 0;
}

int
handshaker_report(struct handshaker *h, struct tunnel_report *r)
{
    struct tunnel_command c = {.type = TUNNEL_COMMAND_REPORT, .report = r};

    return workers_tell_all(h, &c) ? 0 : -ENOBUFS;
}

int
handshaker_stop_tunnel(struct handshaker *h)
{
    if (!workers_tell_all(h, &(struct tunnel_command){.type = TUNNEL_COMMAND_STOP}))
        return -ENOBUFS;
    h->stopping = true;
    return 0;
}

/* --- sending -----------------------------------------------------------------------------------
 */

/* The peer takes no initiation whose timestamp is not above the last one's. */
static void
note_stamp(struct handshaker_peer *p, wgt_time now, const uint8_t stamp[NOISE_TIMESTAMP_LEN])
{
    if (memcmp(stamp, p->stamped, NOISE_TIMESTAMP_LEN) < 0)
        trouble_note(&p->trouble[HANDSHAKE_TROUBLE_CLOCK_BACK], now);
    else
        memcpy(p->stamped, stamp, NOISE_TIMESTAMP_LEN);
}

static void
tell_keys(struct handshaker *h, const struct handshaker_peer *p, uint8_t ephemeral[NOISE_KEY_LEN])
{
    if (h->handshake_keys == NULL)
        return;
    noise_clamp(ephemeral); /* as it was used */
    h->handshake_keys(h->ctx, &p->remote, ephemeral);
}

static void
initiate(struct handshaker *h, wgt_time now, const struct wall_clock *wall,
         struct handshaker_peer *p)
{
    struct tunnel_command c = {.type = TUNNEL_COMMAND_INITIATION, .peer = p->tunnel_peer};
    uint8_t ephemeral[NOISE_KEY_LEN], stamp[NOISE_TIMESTAMP_LEN];
    enum wgt_drop why;
    uint32_t index;

    release_handshake_index(h, p);
    if (!draw_index(h, p, &index)) {
        send_command(h, p, &c); /* none this time: the retry timer asks again */
        return;
    }
    h->entropy(h->ctx, ephemeral, sizeof(ephemeral));
    noise_tai64n(stamp, wall->seconds, wall->nanoseconds);
    note_stamp(p, now, stamp);
    why = noise_initiation_create(&p->remote, &h->local, now, stamp, ephemeral, index, c.message);
    if (why == WGT_OK) {
        c.len = MESSAGE_INITIATION_LEN;
        p->has_index = true;
        p->handshake_index = index;
        p->initiated = now;
        h->initiations_sent++;
        p->initiations_sent++;
        tell_keys(h, p, ephemeral);
    } else {
        wgt_drop_count(&h->drops, why);
        handshaker_release_index(h, index);
    }
    noise_wipe(ephemeral, sizeof(ephemeral));
    send_command(h, p, &c);
}

/* A keypair for the tunnel, which knows the worker (its number) of the connection that the message
 * came on by now. On failure everything is as before. */
static bool
hand_over(struct handshaker *h, struct tunnel_command *c)
{
    const struct handshaker_peer *p = c->peer->handshaker_peer;

    c->keypair->owner = c->peer;
    if (workers_mark(h, p, c->keypair) && send_command(h, p, c))
        return true;
    workers_retired(h, c->keypair);
    return false;
}

/* Whoever is heard on a connection moves to the worker that has it: answers go there. */
static bool
come_to(struct handshaker *h, struct handshaker_peer *p, unsigned worker, const struct path *from)
{
    return from->kind != TRANSPORT_TCP || workers_move(h, p, worker, NULL);
}

/* --- receiving ---------------------------------------------------------------------------------
 */

static enum wgt_drop
answer_initiation(struct handshaker *h, wgt_time now, struct handshaker_peer *p, unsigned worker,
                  const struct path *from)
{
    struct tunnel_command c = {
        .type = TUNNEL_COMMAND_RESPONSE, .peer = p->tunnel_peer, .path = *from};
    uint8_t ephemeral[NOISE_KEY_LEN];
    enum wgt_drop why;
    uint32_t index;

    if (!come_to(h, p, worker, from))
        return WGT_DROP_RING_FULL;
    c.keypair = keypair_new(from->kind);
    if (c.keypair == NULL)
        return WGT_DROP_NO_BUFFER;
    /* The initiation we may have under way is void: our role is the responder's now. */
    release_handshake_index(h, p);
    if (!draw_index(h, p, &index)) {
        keypair_free(c.keypair);
        return WGT_DROP_NO_BUFFER;
    }
    h->entropy(h->ctx, ephemeral, sizeof(ephemeral));
    why = noise_response_create(&p->remote, &h->local, now, ephemeral, index, c.message, c.keypair);
    if (why == WGT_OK)
        tell_keys(h, p, ephemeral);
    noise_wipe(ephemeral, sizeof(ephemeral));
    if (why != WGT_OK) {
        handshaker_release_index(h, index);
        keypair_free(c.keypair);
        return why;
    }
    c.len = MESSAGE_RESPONSE_LEN;
    h->responses_sent++;
    return hand_over(h, &c) ? WGT_OK : WGT_DROP_RING_FULL;
}

/*
 * Both asked at once, and the initiations crossed. Were both answered, each side would have dropped
 * its own handshake and neither answer would be of use. So the greater key goes on as initiator and
 * ignores the other's initiation; once only, for its own may not get through.
 */
static bool
initiation_crosses(wgt_time now, struct handshaker_peer *p)
{
    p->crossed = !p->crossed && p->remote.handshake.state == NOISE_CREATED_INITIATION &&
                 now - p->initiated < CROSSING_TIME && p->leads;
    return p->crossed;
}

static enum wgt_drop
receive_initiation(struct handshaker *h, wgt_time now, unsigned worker,
                   const struct tunnel_event *e)
{
    struct noise_initiation in;
    struct handshaker_peer *p = NULL;
    enum wgt_drop why = noise_initiation_open(&h->local, e->message, &in);

    if (why == WGT_OK && (p = key_table_find(&h->by_key, in.static_public)) == NULL) {
        why = WGT_DROP_HANDSHAKE_UNKNOWN_PEER;
        strangers_note(&h->strangers, now, why, &e->path.remote, in.static_public);
    }
    if (why == WGT_OK) {
        why = initiation_crosses(now, p) ? WGT_DROP_HANDSHAKE_STATE
                                         : noise_initiation_accept(&p->remote, &h->local, now, &in);
        if (why == WGT_DROP_HANDSHAKE_REPLAY)
            trouble_note(&p->trouble[HANDSHAKE_TROUBLE_INITIATION_REPLAY], now);
        if (why == WGT_OK) {
            h->initiations_received++;
            p->initiations_received++;
            why = answer_initiation(h, now, p, worker, &e->path);
        }
    }
    noise_wipe(&in, sizeof(in));
    return why;
}

static enum wgt_drop
receive_response(struct handshaker *h, wgt_time now, unsigned worker, const struct tunnel_event *e)
{
    uint32_t index = message_receiver(e->message, MESSAGE_RESPONSE);
    struct handshaker_peer *p = index_table_find(&h->by_index, index);
    struct tunnel_command c = {.type = TUNNEL_COMMAND_SESSION, .path = e->path};
    enum wgt_drop why;

    if (p == NULL || !p->has_index || p->handshake_index != index)
        return WGT_DROP_HANDSHAKE_INDEX;
    c.peer = p->tunnel_peer;
    c.keypair = keypair_new(e->path.kind);
    if (c.keypair == NULL)
        return WGT_DROP_NO_BUFFER;
    why = noise_response_consume(&p->remote, &h->local, now, e->message, c.keypair);
    if (why != WGT_OK) {
        if (why == WGT_DROP_HANDSHAKE_TAG)
            trouble_note(&p->trouble[HANDSHAKE_TROUBLE_RESPONSE_TAG], now);
        keypair_free(c.keypair);
        return why;
    }
    p->has_index = false; /* the keypair has it now */
    h->responses_received++;
    p->responses_received++;
    if (!come_to(h, p, worker, &e->path)) {
        workers_retired(h, c.keypair);
        return WGT_DROP_RING_FULL;
    }
    return hand_over(h, &c) ? WGT_OK : WGT_DROP_RING_FULL;
}

static enum wgt_drop
receive_cookie(struct handshaker *h, wgt_time now, const struct tunnel_event *e)
{
    struct handshaker_peer *p =
        index_table_find(&h->by_index, message_receiver(e->message, MESSAGE_COOKIE_REPLY));
    enum wgt_drop why;

    if (p == NULL || p->removed)
        return WGT_DROP_COOKIE_UNEXPECTED;
    why = noise_cookie_reply_consume(&p->remote, now, e->message);
    if (why == WGT_OK)
        h->cookies_received++;
    return why;
}

static bool
under_load(struct handshaker *h, wgt_time now, unsigned worker)
{
    if (rte_ring_count(h->workers[worker].events) >= UNDER_LOAD_EVENTS) {
        h->loaded_once = true;
        h->last_loaded = now;
    }
    return h->loaded_once && now - h->last_loaded < UNDER_LOAD_HOLD;
}

static void
send_cookie(struct handshaker *h, wgt_time now, unsigned worker, const struct tunnel_event *e,
            const uint8_t fresh[NOISE_COOKIE_SECRET_LEN])
{
    struct tunnel_command c = {.type = TUNNEL_COMMAND_SEND, .path = e->path};
    uint8_t nonce[NOISE_COOKIE_NONCE_LEN];

    h->entropy(h->ctx, nonce, sizeof(nonce));
    noise_cookie_reply_create(&h->cookie_secret, &h->local, now, fresh, nonce, &e->path.remote,
                              e->message, e->len, c.message);
    c.len = MESSAGE_COOKIE_REPLY_LEN;
    /* Strangers' cookies leave room in the ring for sessions. */
    if (rte_ring_free_count(h->workers[worker].commands) > TUNNEL_RING_SIZE / 4 &&
        workers_send(h, worker, &c))
        h->cookies_sent++;
}

/* Under load: only senders that proved their address, and not too many of them. */
static enum wgt_drop
check_load(struct handshaker *h, wgt_time now, unsigned worker, const struct tunnel_event *e)
{
    uint8_t fresh[NOISE_COOKIE_SECRET_LEN];
    enum wgt_drop why = WGT_OK;

    if (!under_load(h, now, worker))
        return WGT_OK;
    h->entropy(h->ctx, fresh, sizeof(fresh));
    if (!noise_mac2_check(&h->cookie_secret, now, fresh, &e->path.remote, e->message, e->len)) {
        send_cookie(h, now, worker, e, fresh);
        why = WGT_DROP_MAC2_UNDER_LOAD;
    } else if (!noise_ratelimit_allow(&h->ratelimit, now, &e->path.remote.addr)) {
        why = WGT_DROP_RATE_LIMIT;
    }
    noise_wipe(fresh, sizeof(fresh)); /* it may be the secret now */
    return why;
}

static void
receive(struct handshaker *h, wgt_time now, unsigned worker, const struct tunnel_event *e)
{
    enum message_type type;
    enum wgt_drop why = message_check(e->message, e->len, &type);

    if (h->down)
        why = WGT_DROP_LINK_DOWN;
    if (why == WGT_OK && type != MESSAGE_COOKIE_REPLY)
        why = check_load(h, now, worker, e);
    if (why == WGT_OK) {
        if (type == MESSAGE_INITIATION)
            why = receive_initiation(h, now, worker, e);
        else if (type == MESSAGE_RESPONSE)
            why = receive_response(h, now, worker, e);
        else
            why = receive_cookie(h, now, e);
    }
    if (why != WGT_OK)
        wgt_drop_count(&h->drops, why);
}

/* One that was given away already is the tunnel's alone. */
static void
begin_history(struct handshaker *h, struct handshaker_peer *p, const struct tunnel_trouble *first)
{
    struct tunnel_command c = {.type = TUNNEL_COMMAND_HISTORY, .peer = p->tunnel_peer};

    if (p->history != NULL)
        return;
    c.history = calloc(1, sizeof(*c.history));
    if (c.history == NULL)
        return;
    history_note(c.history, first);
    if (send_command(h, p, &c))
        p->history = c.history;
    else
        free(c.history);
}

void
handshaker_finish_removal(struct handshaker *h, struct handshaker_peer *p)
{
    struct tunnel_peer *peer = p->tunnel_peer;

    LIST_REMOVE(p, link);
    free_peer(p);
    peer->handshaker_peer = NULL;
    if (h->peer_removed != NULL)
        h->peer_removed(h->ctx, peer);
}

static void
worker_stopped(struct handshaker *h, unsigned worker)
{
    h->workers[worker].stopped = true;
    for (unsigned i = 0; i < h->n_workers; i++)
        if (!h->workers[i].stopped)
            return;
    if (h->stopped != NULL)
        h->stopped(h->ctx);
}

static void
worker_reported(struct handshaker *h, struct tunnel_report *r)
{
    if (++r->n_back < h->n_workers)
        return;
    tunnel_figures_sum(&r->total, r->workers, h->n_workers);
    if (h->reported != NULL)
        h->reported(h->ctx, r);
}

static void
handle_event(struct handshaker *h, wgt_time now, const struct wall_clock *wall, unsigned worker,
             const struct tunnel_event *e)
{
    struct handshaker_peer *p = e->peer != NULL ? e->peer->handshaker_peer : NULL;

    switch (e->type) {
    case TUNNEL_EVENT_HANDSHAKE:
        receive(h, now, worker, e);
        break;
    case TUNNEL_EVENT_INITIATE:
        if (!p->removed && !h->down)
            initiate(h, now, wall, p);
        break;
    case TUNNEL_EVENT_RETIRED:
        workers_retired(h, e->keypair);
        break;
    case TUNNEL_EVENT_MOVE:
        if (!p->removed && !h->down)
            workers_move(h, p, e->worker, &e->path);
        break;
    case TUNNEL_EVENT_ZERO:
        release_handshake_index(h, p);
        noise_handshake_clear(&p->remote);
        break;
    case TUNNEL_EVENT_REMOVED:
        if (workers_heard_all(h, p))
            handshaker_finish_removal(h, p);
        break;
    case TUNNEL_EVENT_STOPPED:
        worker_stopped(h, worker);
        break;
    case TUNNEL_EVENT_NOTE:
        if (h->note != NULL && !p->removed)
            h->note(h->ctx, e);
        break;
    case TUNNEL_EVENT_TROUBLE:
        if (!p->removed)
            begin_history(h, p, &e->trouble);
        break;
    case TUNNEL_EVENT_REPORT:
        worker_reported(h, e->report);
        break;
    }
}

static unsigned
take_events(struct handshaker *h, wgt_time now, const struct wall_clock *wall, unsigned worker,
            unsigned max)
{
    struct handshaker_worker *w = &h->workers[worker];
    struct tunnel_event e;
    unsigned n = 0;

    while (n < max && rte_ring_dequeue_elem(w->events, &e, sizeof(e)) == 0) {
        handle_event(h, now, wall, worker, &e);
        w->taken++;
        n++;
    }
    return n;
}

unsigned
handshaker_run(struct handshaker *h, wgt_time now, const struct wall_clock *wall, unsigned max)
{
    unsigned n = 0, share = (max + h->n_workers - 1) / h->n_workers;

    /* Who begins with a flood leaves the others their share. */
    for (unsigned i = 0; i < h->n_workers && n < max; i++)
        n += take_events(h, now, wall, (h->next_worker + i) % h->n_workers, share);
    h->next_worker = (h->next_worker + 1) % h->n_workers;
    workers_finish(h);
    return n;
}
