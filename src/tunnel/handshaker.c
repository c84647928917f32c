/* SPDX-License-Identifier: BSD-3-Clause */
/* Handshakes: events of the tunnel in, commands to it out. */
#include <wgtcpd/tunnel/handshaker.h>

#include <errno.h>
#include <stdlib.h>

#include <rte_errno.h>
#include <rte_ring_elem.h>

#include <wgtcpd/tunnel/tunnel.h>
#include <wgtcpd/vault/vault.h>

/* The kernel calls itself loaded when an eighth of the queue is used, and for 1 s after. */
enum { UNDER_LOAD_EVENTS = TUNNEL_RING_SIZE / 8 };
#define UNDER_LOAD_HOLD WGT_SEC
/* An initiation of the peer that comes so soon after ours was sent before ours arrived. */
#define CROSSING_TIME WGT_SEC
enum { RATELIMIT_ENTRIES = 8192, INDEX_TRIES = 16, INDICES_PER_PEER = 4 };

static struct rte_hash *
create_table(const char *name, const char *suffix, uint32_t entries, uint32_t key_len,
             uint32_t seed)
{
    char full[RTE_HASH_NAMESIZE];
    struct rte_hash_parameters params = {
        .name = full,
        .entries = entries < 8 ? 8 : entries,
        .key_len = key_len,
        .hash_func_init_val = seed,
        .extra_flag = RTE_HASH_EXTRA_FLAGS_EXT_TABLE,
    };

    snprintf(full, sizeof(full), "%.20s.%s", name, suffix);
    return rte_hash_create(&params);
}

int
handshaker_init(struct handshaker *h, const char *name, uint32_t max_peers,
                const uint8_t private_key[NOISE_KEY_LEN], struct rte_ring *events,
                struct rte_ring *commands, void (*entropy)(void *ctx, void *buf, size_t len),
                void *ctx)
{
    struct noise_ratelimit_entry *entries;
    uint8_t key[16];
    uint32_t seed;

    *h = (struct handshaker){.events = events,
                             .commands = commands,
                             .entropy = entropy,
                             .ctx = ctx,
                             .max_peers = max_peers};
    LIST_INIT(&h->removed);
    noise_local_init(&h->local, private_key);
    entropy(ctx, key, sizeof(key));
    entropy(ctx, &seed, sizeof(seed));
    h->by_key = create_table(name, "key", max_peers, NOISE_KEY_LEN, seed);
    h->by_index = create_table(name, "index", max_peers * INDICES_PER_PEER, sizeof(uint32_t), seed);
    entries = calloc(RATELIMIT_ENTRIES, sizeof(*entries));
    if (h->by_key == NULL || h->by_index == NULL || entries == NULL) {
        rte_hash_free(h->by_key);
        rte_hash_free(h->by_index);
        free(entries);
        noise_local_wipe(&h->local);
        return -ENOMEM;
    }
    noise_ratelimit_init(&h->ratelimit, entries, RATELIMIT_ENTRIES, key);
    noise_wipe(key, sizeof(key));
    return 0;
}

static void
free_keypair(struct noise_keypair *k)
{
    if (k == NULL)
        return;
    noise_keypair_wipe(k);
    vault_free(k, sizeof(*k));
}

static void
free_peer(struct handshaker_peer *p)
{
    noise_remote_wipe(&p->remote);
    vault_free(p, sizeof(*p));
}

void
handshaker_fini(struct handshaker *h)
{
    struct tunnel_command c;
    struct tunnel_event e;
    struct handshaker_peer *p;
    const void *key;
    void *data;
    uint32_t next = 0;

    while (rte_ring_dequeue_elem(h->commands, &c, sizeof(c)) == 0)
        free_keypair(c.keypair);
    while (rte_ring_dequeue_elem(h->events, &e, sizeof(e)) == 0)
        free_keypair(e.keypair);
    while (rte_hash_iterate(h->by_key, &key, &data, &next) >= 0)
        free_peer(data);
    while ((p = LIST_FIRST(&h->removed)) != NULL) {
        LIST_REMOVE(p, link);
        free_peer(p);
    }
    rte_hash_free(h->by_key);
    rte_hash_free(h->by_index);
    free(h->ratelimit.entries);
    noise_local_wipe(&h->local);
    noise_wipe(&h->cookie_secret, sizeof(h->cookie_secret));
    noise_wipe(h->ratelimit.key, sizeof(h->ratelimit.key));
}

/* --- indices --------------------------------------------------------------------------------- */

static struct handshaker_peer *
peer_of_index(const struct handshaker *h, uint32_t index)
{
    void *data;

    return rte_hash_lookup_data(h->by_index, &index, &data) >= 0 ? data : NULL;
}

/* A random index that no handshake and no keypair has. */
static bool
draw_index(struct handshaker *h, struct handshaker_peer *p, uint32_t *index)
{
    for (int i = 0; i < INDEX_TRIES; i++) {
        h->entropy(h->ctx, index, sizeof(*index));
        if (peer_of_index(h, *index) == NULL)
            return rte_hash_add_key_data(h->by_index, index, p) == 0;
    }
    return false;
}

static void
release_index(struct handshaker *h, uint32_t index)
{
    rte_hash_del_key(h->by_index, &index);
}

/* The index of the handshake under way; a keypair that took it over keeps it. */
static void
release_handshake_index(struct handshaker *h, struct handshaker_peer *p)
{
    if (p->has_index)
        release_index(h, p->handshake_index);
    p->has_index = false;
}

/* --- peers ------------------------------------------------------------------------------------ */

static bool
send_command(struct handshaker *h, const struct tunnel_command *c)
{
    if (rte_ring_enqueue_elem(h->commands, (void *)(uintptr_t)c, sizeof(*c)) == 0)
        return true;
    wgt_drop_count(&h->drops, WGT_DROP_RING_FULL);
    return false;
}

bool
handshaker_has_room(const struct handshaker *h)
{
    return rte_ring_free_count(h->commands) > 0;
}

struct tunnel_peer *
handshaker_find_peer(const struct handshaker *h, const uint8_t public_key[NOISE_KEY_LEN])
{
    void *data;

    if (rte_hash_lookup_data(h->by_key, public_key, &data) < 0)
        return NULL;
    return ((struct handshaker_peer *)data)->tunnel_peer;
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
    peer->leads = p->leads = our_key_leads(&h->local, peer);
    /* A low-order key is accepted like any other; its handshakes fail. */
    peer->low_order = noise_remote_init(&p->remote, peer->public_key, psk) != WGT_OK;
    return 0;
}

int
handshaker_add_peer(struct handshaker *h, struct tunnel_peer *peer,
                    const uint8_t psk[NOISE_KEY_LEN])
{
    struct tunnel_command c = {.type = TUNNEL_COMMAND_ADD_PEER, .peer = peer};

    if (noise_equal(peer->public_key, h->local.public_key, NOISE_KEY_LEN))
        return -EINVAL;
    if (rte_hash_lookup(h->by_key, peer->public_key) >= 0)
        return -EEXIST;
    if (!handshaker_has_room(h))
        return -ENOBUFS;
    if (fill_peer(h, peer, psk) != 0)
        return -ENOMEM;
    if (rte_hash_add_key_data(h->by_key, peer->public_key, peer->handshaker_peer) < 0) {
        noise_remote_wipe(&((struct handshaker_peer *)peer->handshaker_peer)->remote);
        handshaker_discard_peer(peer);
        return -ENOMEM;
    }
    send_command(h, &c);
    return 0;
}

int
handshaker_remove_peer(struct handshaker *h, struct tunnel_peer *peer)
{
    struct tunnel_command c = {.type = TUNNEL_COMMAND_REMOVE_PEER, .peer = peer};
    struct handshaker_peer *p = peer->handshaker_peer;

    if (!send_command(h, &c))
        return -ENOBUFS;
    /* Lookups by key end now; the record lives until the tunnel's last event about the peer came.
     */
    p->removed = true;
    rte_hash_del_key(h->by_key, peer->public_key);
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

    return send_command(h, &c) ? 0 : -ENOBUFS;
}

int
handshaker_set_port(struct handshaker *h, uint16_t listen_port)
{
    struct tunnel_command c = {.type = TUNNEL_COMMAND_PORT, .listen_port = listen_port};

    return send_command(h, &c) ? 0 : -ENOBUFS;
}

/* Linux's wg_set_device: static-static of every peer is of no use any more, handshakes cleared. */
static void
rekey_peers(struct handshaker *h)
{
    const void *key;
    void *data;
    uint32_t next = 0;

    while (rte_hash_iterate(h->by_key, &key, &data, &next) >= 0) {
        struct handshaker_peer *p = data;

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
    send_command(h, &c);
    noise_wipe(&c.identity, sizeof(c.identity));
    return 0;
}

/* Linux's wg_stop. What the worker still sends of before is left alone, and so no handshake of then
 * can follow the command. */
int
handshaker_set_mtu(struct handshaker *h, const struct tunnel_mtu *mtu)
{
    struct tunnel_command c = {.type = TUNNEL_COMMAND_MTU, .mtu = *mtu};

    return send_command(h, &c) ? 0 : -ENOBUFS;
}

int
handshaker_set_link(struct handshaker *h, bool up)
{
    struct tunnel_command c = {.type = TUNNEL_COMMAND_LINK, .up = up};
    const void *key;
    void *data;
    uint32_t next = 0;

    if (!send_command(h, &c))
        return -ENOBUFS;
    h->down = !up;
    while (h->down && rte_hash_iterate(h->by_key, &key, &data, &next) >= 0) {
        struct handshaker_peer *p = data;

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

    return send_command(h, &c) ? 0 : -ENOBUFS;
}

int
handshaker_stop_tunnel(struct handshaker *h)
{
    return send_command(h, &(struct tunnel_command){.type = TUNNEL_COMMAND_STOP}) ? 0 : -ENOBUFS;
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
        send_command(h, &c); /* none this time: the retry timer asks again */
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
        release_index(h, index);
    }
    noise_wipe(ephemeral, sizeof(ephemeral));
    send_command(h, &c);
}

/* A keypair for the tunnel. On failure everything is as before. */
static bool
hand_over(struct handshaker *h, struct tunnel_command *c)
{
    c->keypair->owner = c->peer;
    if (send_command(h, c))
        return true;
    release_index(h, c->keypair->local_index);
    free_keypair(c->keypair);
    return false;
}

/* --- receiving ---------------------------------------------------------------------------------
 */

static enum wgt_drop
answer_initiation(struct handshaker *h, wgt_time now, struct handshaker_peer *p,
                  const struct path *from)
{
    struct tunnel_command c = {
        .type = TUNNEL_COMMAND_RESPONSE, .peer = p->tunnel_peer, .path = *from};
    uint8_t ephemeral[NOISE_KEY_LEN];
    enum wgt_drop why;
    uint32_t index;

    c.keypair = vault_alloc(sizeof(*c.keypair));
    if (c.keypair == NULL)
        return WGT_DROP_NO_BUFFER;
    /* The initiation we may have under way is void: our role is the responder's now. */
    release_handshake_index(h, p);
    if (!draw_index(h, p, &index)) {
        free_keypair(c.keypair);
        return WGT_DROP_NO_BUFFER;
    }
    h->entropy(h->ctx, ephemeral, sizeof(ephemeral));
    why = noise_response_create(&p->remote, &h->local, now, ephemeral, index, c.message, c.keypair);
    if (why == WGT_OK)
        tell_keys(h, p, ephemeral);
    noise_wipe(ephemeral, sizeof(ephemeral));
    if (why != WGT_OK) {
        release_index(h, index);
        free_keypair(c.keypair);
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
receive_initiation(struct handshaker *h, wgt_time now, const struct tunnel_event *e)
{
    struct noise_initiation in;
    struct handshaker_peer *p;
    enum wgt_drop why = noise_initiation_open(&h->local, e->message, &in);
    void *data;

    if (why == WGT_OK && rte_hash_lookup_data(h->by_key, in.static_public, &data) < 0) {
        why = WGT_DROP_HANDSHAKE_UNKNOWN_PEER;
        strangers_note(&h->strangers, now, why, &e->path.remote, in.static_public);
    }
    if (why == WGT_OK) {
        p = data;
        why = initiation_crosses(now, p) ? WGT_DROP_HANDSHAKE_STATE
                                         : noise_initiation_accept(&p->remote, &h->local, now, &in);
        if (why == WGT_DROP_HANDSHAKE_REPLAY)
            trouble_note(&p->trouble[HANDSHAKE_TROUBLE_INITIATION_REPLAY], now);
        if (why == WGT_OK) {
            h->initiations_received++;
            p->initiations_received++;
            why = answer_initiation(h, now, p, &e->path);
        }
    }
    noise_wipe(&in, sizeof(in));
    return why;
}

static enum wgt_drop
receive_response(struct handshaker *h, wgt_time now, const struct tunnel_event *e)
{
    uint32_t index = message_receiver(e->message, MESSAGE_RESPONSE);
    struct handshaker_peer *p = peer_of_index(h, index);
    struct tunnel_command c = {.type = TUNNEL_COMMAND_SESSION, .path = e->path};
    enum wgt_drop why;

    if (p == NULL || !p->has_index || p->handshake_index != index)
        return WGT_DROP_HANDSHAKE_INDEX;
    c.peer = p->tunnel_peer;
    c.keypair = vault_alloc(sizeof(*c.keypair));
    if (c.keypair == NULL)
        return WGT_DROP_NO_BUFFER;
    why = noise_response_consume(&p->remote, &h->local, now, e->message, c.keypair);
    if (why != WGT_OK) {
        if (why == WGT_DROP_HANDSHAKE_TAG)
            trouble_note(&p->trouble[HANDSHAKE_TROUBLE_RESPONSE_TAG], now);
        free_keypair(c.keypair);
        return why;
    }
    p->has_index = false; /* the keypair has it now */
    h->responses_received++;
    p->responses_received++;
    return hand_over(h, &c) ? WGT_OK : WGT_DROP_RING_FULL;
}

static enum wgt_drop
receive_cookie(struct handshaker *h, wgt_time now, const struct tunnel_event *e)
{
    struct handshaker_peer *p =
        peer_of_index(h, message_receiver(e->message, MESSAGE_COOKIE_REPLY));
    enum wgt_drop why;

    if (p == NULL || p->removed)
        return WGT_DROP_COOKIE_UNEXPECTED;
    why = noise_cookie_reply_consume(&p->remote, now, e->message);
    if (why == WGT_OK)
        h->cookies_received++;
    return why;
}

static bool
under_load(struct handshaker *h, wgt_time now)
{
    if (rte_ring_count(h->events) >= UNDER_LOAD_EVENTS) {
        h->loaded_once = true;
        h->last_loaded = now;
    }
    return h->loaded_once && now - h->last_loaded < UNDER_LOAD_HOLD;
}

static void
send_cookie(struct handshaker *h, wgt_time now, const struct tunnel_event *e,
            const uint8_t fresh[NOISE_COOKIE_SECRET_LEN])
{
    struct tunnel_command c = {.type = TUNNEL_COMMAND_SEND, .path = e->path};
    uint8_t nonce[NOISE_COOKIE_NONCE_LEN];

    h->entropy(h->ctx, nonce, sizeof(nonce));
    noise_cookie_reply_create(&h->cookie_secret, &h->local, now, fresh, nonce, &e->path.remote,
                              e->message, e->len, c.message);
    c.len = MESSAGE_COOKIE_REPLY_LEN;
    /* Strangers' cookies leave room in the ring for sessions. */
    if (rte_ring_free_count(h->commands) > TUNNEL_RING_SIZE / 4 && send_command(h, &c))
        h->cookies_sent++;
}

/* Under load: only senders that proved their address, and not too many of them. */
static enum wgt_drop
check_load(struct handshaker *h, wgt_time now, const struct tunnel_event *e)
{
    uint8_t fresh[NOISE_COOKIE_SECRET_LEN];
    enum wgt_drop why = WGT_OK;

    if (!under_load(h, now))
        return WGT_OK;
    h->entropy(h->ctx, fresh, sizeof(fresh));
    if (!noise_mac2_check(&h->cookie_secret, now, fresh, &e->path.remote, e->message, e->len)) {
        send_cookie(h, now, e, fresh);
        why = WGT_DROP_MAC2_UNDER_LOAD;
    } else if (!noise_ratelimit_allow(&h->ratelimit, now, &e->path.remote.addr)) {
        why = WGT_DROP_RATE_LIMIT;
    }
    noise_wipe(fresh, sizeof(fresh)); /* it may be the secret now */
    return why;
}

static void
receive(struct handshaker *h, wgt_time now, const struct tunnel_event *e)
{
    enum message_type type;
    enum wgt_drop why = message_check(e->message, e->len, &type);

    if (h->down)
        why = WGT_DROP_LINK_DOWN;
    if (why == WGT_OK && type != MESSAGE_COOKIE_REPLY)
        why = check_load(h, now, e);
    if (why == WGT_OK) {
        if (type == MESSAGE_INITIATION)
            why = receive_initiation(h, now, e);
        else if (type == MESSAGE_RESPONSE)
            why = receive_response(h, now, e);
        else
            why = receive_cookie(h, now, e);
    }
    if (why != WGT_OK)
        wgt_drop_count(&h->drops, why);
}

static void
finish_removal(struct handshaker *h, struct tunnel_peer *peer)
{
    struct handshaker_peer *p = peer->handshaker_peer;

    LIST_REMOVE(p, link);
    free_peer(p);
    peer->handshaker_peer = NULL;
    if (h->peer_removed != NULL)
        h->peer_removed(h->ctx, peer);
}

static void
handle_event(struct handshaker *h, wgt_time now, const struct wall_clock *wall,
             const struct tunnel_event *e)
{
    struct handshaker_peer *p = e->peer != NULL ? e->peer->handshaker_peer : NULL;

    switch (e->type) {
    case TUNNEL_EVENT_HANDSHAKE:
        receive(h, now, e);
        break;
    case TUNNEL_EVENT_INITIATE:
        if (!p->removed && !h->down)
            initiate(h, now, wall, p);
        break;
    case TUNNEL_EVENT_RETIRED:
        release_index(h, e->keypair->local_index);
        free_keypair(e->keypair);
        break;
    case TUNNEL_EVENT_ZERO:
        release_handshake_index(h, p);
        noise_handshake_clear(&p->remote);
        break;
    case TUNNEL_EVENT_REMOVED:
        finish_removal(h, e->peer);
        break;
    case TUNNEL_EVENT_STOPPED:
        if (h->stopped != NULL)
            h->stopped(h->ctx);
        break;
    case TUNNEL_EVENT_NOTE:
        if (h->note != NULL && !p->removed)
            h->note(h->ctx, e);
        break;
    case TUNNEL_EVENT_REPORT:
        if (h->reported != NULL)
            h->reported(h->ctx, e->report);
        break;
    }
}

unsigned
handshaker_run(struct handshaker *h, wgt_time now, const struct wall_clock *wall, unsigned max)
{
    struct tunnel_event e;
    unsigned n = 0;

    while (n < max && rte_ring_dequeue_elem(h->events, &e, sizeof(e)) == 0) {
        handle_event(h, now, wall, &e);
        n++;
    }
    return n;
}
