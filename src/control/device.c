/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A change is carried out in two steps: a plan, in which everything that can fail is checked, drawn
 * or reserved; then the commit, which cannot.
 */
#include <wgtcpd/control/device.h>

#include <errno.h>
#include <stdlib.h>

/* --- peers -------------------------------------------------------------------------------------
 */

const struct tcp_cc_ops *
congestion_ops(enum config_congestion which)
{
    static const char *const names[] = {
        [CONFIG_BBR] = "bbr", [CONFIG_CUBIC] = "cubic", [CONFIG_NONE] = "none"};

    return tcp_cc_find(names[which]);
}

/* With the lines of memory that the worker reads to itself. */
enum { TUNNEL_PEER_ROOM = (sizeof(struct tunnel_peer) + 63) / 64 * 64 };

_Static_assert(sizeof(struct device_peer) <= 80, "a million peers have one each");

static struct tunnel_peer *
new_tunnel_peer(struct device *d)
{
    struct tunnel_peer *t = slab_alloc(&d->tunnel_peers);

    if (t == NULL || handshaker_prepare_peer(t) == 0)
        return t;
    slab_free(&d->tunnel_peers, t);
    return NULL;
}

static struct device_name *
new_name(const char *host)
{
    size_t size = strlen(host) + 1;
    struct device_name *name = calloc(1, sizeof(*name) + size);

    if (name != NULL)
        memcpy(name->host, host, size);
    return name;
}

static void
drop_name(struct device_peer *p)
{
    if (p->name == NULL)
        return;
    LIST_REMOVE(p->name, link);
    free(p->name);
    p->name = NULL;
}

static void
free_device_peer(struct device *d, struct device_peer *p)
{
    drop_name(p);
    slab_free(&d->device_peers, p);
}

/* A peer with the interface's settings that nobody knows yet. */
static struct device_peer *
new_peer(struct device *d, const uint8_t public_key[CONFIG_KEY_LEN])
{
    struct device_peer *p = slab_alloc(&d->device_peers);

    if (p == NULL)
        return NULL;
    p->tunnel = new_tunnel_peer(d);
    if (p->tunnel == NULL) {
        slab_free(&d->device_peers, p);
        return NULL;
    }
    memcpy(p->tunnel->public_key, public_key, sizeof(p->tunnel->public_key));
    p->tunnel->owner = p;
    p->transport = d->config.transport;
    p->congestion = d->config.congestion;
    p->knock = d->config.knock;
    return p;
}

static void
discard_peer(struct device *d, struct device_peer *p)
{
    handshaker_discard_peer(p->tunnel);
    slab_free(&d->tunnel_peers, p->tunnel);
    free_device_peer(d, p);
}

struct device_peer *
device_find(const struct device *d, const uint8_t public_key[CONFIG_KEY_LEN])
{
    const struct tunnel_peer *t = handshaker_find_peer(d->handshaker, public_key);

    return t != NULL ? t->owner : NULL;
}

const uint8_t *
device_psk(const struct device_peer *p)
{
    static const uint8_t none[CONFIG_KEY_LEN];
    const struct handshaker_peer *h = p->tunnel->handshaker_peer;

    return h != NULL ? h->remote.preshared_key : none;
}

/* --- the plan ------------------------------------------------------------------------------------
 */

/* What one entry of the change comes to. */
struct step {
    const struct change_peer *from;
    struct device_peer *peer; /* whom it is about; NULL: there is nothing to do */
    bool fresh;               /* made by this step */
    struct device_name *name;
};

/* Who has a key at this point of the plan. */
struct place {
    const uint8_t *key; /* NULL: free */
    struct device_peer *peer;
};

struct plan {
    const struct change *change;
    bool new_identity;
    uint8_t public_key[NOISE_KEY_LEN]; /* ours, afterwards */
    struct step *steps;
    size_t n_steps;
    struct place *places; /* of the keys that the change names */
    size_t mask;
    size_t n_peers;    /* at this point */
    size_t n_prefixes; /* to be inserted */
};

static void
plan_identity(struct plan *plan, const struct device *d)
{
    const struct noise_local *now = &d->handshaker->local;
    struct noise_local then;

    memcpy(plan->public_key, now->public_key, sizeof(plan->public_key));
    if (!plan->change->has_private_key)
        return;
    noise_local_init(&then, plan->change->private_key);
    /* The same key again changes nothing. */
    plan->new_identity = !noise_equal(then.private_key, now->private_key, NOISE_KEY_LEN);
    memcpy(plan->public_key, then.public_key, sizeof(plan->public_key));
    noise_local_wipe(&then);
}

static int
plan_begin(struct plan *plan, const struct device *d, const struct change *c)
{
    size_t n = 0, places = 1;

    for (const struct change_peer *p = c->peers; p != NULL; p = p->next)
        n++;
    while (places < 2 * n)
        places *= 2;
    *plan = (struct plan){.change = c, .mask = places - 1};
    plan->steps = calloc(n + 1, sizeof(*plan->steps));
    plan->places = calloc(places, sizeof(*plan->places));
    if (plan->steps == NULL || plan->places == NULL)
        return -ENOMEM;
    plan_identity(plan, d);
    plan->n_peers = c->replace_peers ? 0 : d->n_peers;
    if (plan->new_identity && !c->replace_peers && device_find(d, plan->public_key) != NULL)
        plan->n_peers--;
    return 0;
}

static void
plan_free(struct plan *plan)
{
    for (size_t i = 0; i < plan->n_steps; i++)
        free(plan->steps[i].name);
    free(plan->steps);
    free(plan->places);
}

/* As if it had never been. */
static void
plan_undo(struct plan *plan, struct device *d)
{
    for (size_t i = 0; i < plan->n_steps; i++)
        if (plan->steps[i].fresh)
            discard_peer(d, plan->steps[i].peer);
}

/* Public keys are as good as random: some of their bytes are a hash. */
static struct place *
place_of(const struct plan *plan, const struct device *d, const uint8_t *key)
{
    struct place *place;
    size_t at;

    memcpy(&at, key, sizeof(at));
    for (;; at++) {
        place = &plan->places[at & plan->mask];
        if (place->key == NULL)
            break;
        if (memcmp(place->key, key, CONFIG_KEY_LEN) == 0)
            return place;
    }
    place->key = key;
    place->peer = plan->change->replace_peers ? NULL : device_find(d, key);
    return place;
}

static bool
is_prefix(const struct ip_prefix *p)
{
    return (p->addr.family == IP_V4 && p->len <= 32) || (p->addr.family == IP_V6 && p->len <= 128);
}

static int
plan_prefixes(struct plan *plan, const struct change_peer *from)
{
    for (size_t i = 0; i < from->n_allowed_ips; i++) {
        if (!is_prefix(&from->allowed_ips[i].prefix))
            return -EINVAL;
        if (!from->allowed_ips[i].remove)
            plan->n_prefixes++;
    }
    return 0;
}

static int
plan_new_peer(struct plan *plan, struct device *d, struct step *step)
{
    if (plan->n_peers >= d->handshaker->max_peers)
        return -ENOSPC;
    step->peer = new_peer(d, step->from->public_key);
    if (step->peer == NULL)
        return -ENOMEM;
    step->fresh = true;
    plan->n_peers++;
    return 0;
}

static int
plan_set(struct plan *plan, struct device *d, struct step *step, struct place *place)
{
    int rc = 0;

    step->peer = place->peer;
    if (step->peer == NULL)
        rc = step->from->update_only ? 0 : plan_new_peer(plan, d, step);
    place->peer = step->peer;
    if (rc != 0 || step->peer == NULL)
        return rc;
    if (step->from->host != NULL && (step->name = new_name(step->from->host)) == NULL)
        return -ENOMEM;
    return plan_prefixes(plan, step->from);
}

static int
plan_peer(struct plan *plan, struct device *d, const struct change_peer *from)
{
    struct step *step = &plan->steps[plan->n_steps++];
    struct place *place;

    step->from = from;
    if (memcmp(from->public_key, plan->public_key, NOISE_KEY_LEN) == 0)
        return 0;
    place = place_of(plan, d, from->public_key);
    if (!from->remove)
        return plan_set(plan, d, step, place);
    step->peer = place->peer;
    place->peer = NULL;
    if (step->peer != NULL)
        plan->n_peers--;
    return 0;
}

static int
make_plan(struct plan *plan, struct device *d, const struct change *c)
{
    int rc = plan_begin(plan, d, c);

    for (const struct change_peer *p = c->peers; p != NULL && rc == 0; p = p->next)
        rc = plan_peer(plan, d, p);
    if (rc == 0)
        rc = allowedips_reserve(d->allowed_ips, plan->n_prefixes);
    if (rc != 0)
        plan_undo(plan, d);
    return rc;
}

/* --- the commit ----------------------------------------------------------------------------------
 */

static void
wait_for_room(struct device *d)
{
    while (!handshaker_has_room(d->handshaker))
        d->wait(d->ctx);
}

/* Who reads goes on with the one behind it. */
static void
step_over(struct device *d, const struct device_peer *p)
{
    struct device_cursor *c;

    LIST_FOREACH(c, &d->cursors, link)
    if (c->next == p)
        c->next = TAILQ_NEXT(p, link);
}

static void
remove_peer(struct device *d, struct device_peer *p)
{
    struct tunnel_peer *t = p->tunnel;

    allowedips_remove_value(d->allowed_ips, t);
    wait_for_room(d);
    handshaker_remove_peer(d->handshaker, t);
    LIST_INSERT_HEAD(&d->leaving, t, gone_link);
    t->owner = NULL;
    step_over(d, p);
    TAILQ_REMOVE(&d->peers, p, link);
    d->n_peers--;
    free_device_peer(d, p);
}

void
device_peer_removed(struct device *d, struct tunnel_peer *t)
{
    LIST_REMOVE(t, gone_link);
    LIST_INSERT_HEAD(&d->gone, t, gone_link);
}

static void
commit_identity(struct device *d, const struct plan *plan)
{
    struct device_peer *own = device_find(d, plan->public_key);

    if (own != NULL)
        remove_peer(d, own);
    wait_for_room(d);
    handshaker_set_identity(d->handshaker, plan->change->private_key);
}

/* Linux's range of ephemeral ports. */
static uint16_t
draw_port(struct device *d)
{
    uint16_t r;

    d->handshaker->entropy(d->handshaker->ctx, &r, sizeof(r));
    return (uint16_t)(32768 + r % 28232);
}

static bool
commit_port(struct device *d, uint16_t port)
{
    if (port == 0)
        port = draw_port(d);
    if (port == d->listen_port)
        return false;
    wait_for_room(d);
    handshaker_set_port(d->handshaker, port);
    d->listen_port = port;
    return true;
}

static struct tunnel_peer_settings
settings_of(const struct device_peer *p, bool use_endpoint)
{
    return (struct tunnel_peer_settings){
        .endpoint = p->endpoint,
        .use_endpoint = use_endpoint && p->endpoint.addr.family != IP_NONE,
        .knock = p->knock,
        .persistent_keepalive = p->keepalive,
        .kind = p->transport == CONFIG_TCP ? TRANSPORT_TCP : TRANSPORT_UDP,
        .congestion = congestion_ops(p->congestion),
    };
}

static void
take_endpoint(struct device *d, struct device_peer *p, struct step *step)
{
    p->endpoint = step->from->endpoint;
    drop_name(p);
    p->name = step->name;
    step->name = NULL;
    if (p->name == NULL)
        return;
    p->name->peer = p;
    LIST_INSERT_HEAD(&d->names, p->name, link);
}

static void
take_settings(struct device *d, struct device_peer *p, struct step *step)
{
    const struct change_peer *from = step->from;

    if (from->has_endpoint)
        take_endpoint(d, p, step);
    if (from->has_keepalive)
        p->keepalive = from->keepalive;
    if (from->has_transport)
        p->transport = from->transport;
    if (from->has_congestion)
        p->congestion = from->congestion;
    if (from->has_knock)
        p->knock = from->knock;
}

/* The worker learns them with the peer. */
static void
commit_new_peer(struct device *d, struct device_peer *p, const struct change_peer *from)
{
    struct tunnel_peer_settings s = settings_of(p, true);
    struct tunnel_peer *t = p->tunnel;

    t->configured = s.endpoint;
    t->has_endpoint = s.use_endpoint;
    t->configured_kind = s.kind;
    t->persistent_keepalive = s.persistent_keepalive;
    t->congestion = s.congestion;
    t->knock = s.knock;
    wait_for_room(d);
    handshaker_add_peer(d->handshaker, t, from->has_psk ? from->psk : NULL);
    TAILQ_INSERT_TAIL(&d->peers, p, link);
    d->n_peers++;
}

static void
tell_settings(struct device *d, const struct device_peer *p, bool use_endpoint)
{
    struct tunnel_peer_settings s = settings_of(p, use_endpoint);

    wait_for_room(d);
    handshaker_set_peer(d->handshaker, p->tunnel, &s);
}

static void
commit_old_peer(struct device *d, const struct device_peer *p, const struct change_peer *from)
{
    if (from->has_psk)
        handshaker_set_psk(p->tunnel, from->psk);
    if (from->has_endpoint || from->has_keepalive || from->has_transport || from->has_congestion ||
        from->has_knock)
        tell_settings(d, p, from->has_endpoint);
}

static void
commit_prefixes(struct device *d, const struct device_peer *p, const struct change_peer *from)
{
    if (from->replace_allowed_ips)
        allowedips_replace_begin(d->allowed_ips, p->tunnel);
    for (size_t i = 0; i < from->n_allowed_ips; i++) {
        const struct change_prefix *a = &from->allowed_ips[i];

        if (a->remove)
            allowedips_remove(d->allowed_ips, &a->prefix, p->tunnel);
        else
            allowedips_insert(d->allowed_ips, &a->prefix, p->tunnel);
    }
    if (from->replace_allowed_ips)
        allowedips_replace_end(d->allowed_ips, p->tunnel);
}

static void
commit_step(struct device *d, struct step *step)
{
    struct device_peer *p = step->peer;

    if (p == NULL)
        return;
    if (step->from->remove) {
        remove_peer(d, p);
        return;
    }
    take_settings(d, p, step);
    if (step->fresh)
        commit_new_peer(d, p, step->from);
    else
        commit_old_peer(d, p, step->from);
    commit_prefixes(d, p, step->from);
}

static void
commit(struct device *d, struct plan *plan, struct device_effect *effect)
{
    const struct change *c = plan->change;
    uint64_t changes = d->allowed_ips->changes;
    struct device_peer *p, *next;

    *effect = (struct device_effect){.private_key = plan->new_identity};
    if (plan->new_identity)
        commit_identity(d, plan);
    if (c->has_listen_port)
        effect->listen_port = commit_port(d, c->listen_port);
    if (c->has_fwmark) {
        effect->fwmark = c->fwmark != d->fwmark;
        d->fwmark = c->fwmark;
    }
    for (p = TAILQ_FIRST(&d->peers); c->replace_peers && p != NULL; p = next) {
        next = TAILQ_NEXT(p, link);
        remove_peer(d, p);
    }
    for (size_t i = 0; i < plan->n_steps; i++)
        commit_step(d, &plan->steps[i]);
    effect->allowed_ips = d->allowed_ips->changes != changes;
}

static void
free_retired_prefixes(struct device *d)
{
    struct allowedips_retired retired = allowedips_take_retired(d->allowed_ips);

    if (allowedips_none_retired(&retired))
        return;
    d->synchronize(d->ctx);
    allowedips_free_retired(d->allowed_ips, retired);
}

int
device_apply(struct device *d, const struct change *c, struct device_effect *effect)
{
    struct device_effect unseen;
    struct plan plan;
    int rc = make_plan(&plan, d, c);

    if (rc == 0) {
        commit(d, &plan, effect != NULL ? effect : &unseen);
        allowedips_unreserve(d->allowed_ips);
        free_retired_prefixes(d);
    }
    plan_free(&plan);
    return rc;
}

void
device_set_endpoint(struct device *d, struct device_peer *p, const struct ip_endpoint *e)
{
    p->endpoint = *e;
    tell_settings(d, p, true);
}

void
device_set_link(struct device *d, bool up)
{
    wait_for_room(d);
    handshaker_set_link(d->handshaker, up);
}

void
device_set_mtu(struct device *d, const struct tunnel_mtu *mtu)
{
    wait_for_room(d);
    handshaker_set_mtu(d->handshaker, mtu);
}

/* --- reading -----------------------------------------------------------------------------------
 */

void
device_cursor_begin(struct device *d, struct device_cursor *c)
{
    *c = (struct device_cursor){.device = d, .next = TAILQ_FIRST(&d->peers)};
    LIST_INSERT_HEAD(&d->cursors, c, link);
}

size_t
device_cursor_take(struct device_cursor *c, struct device_peer **of, size_t max)
{
    size_t n = 0;

    for (; n < max && c->next != NULL; c->next = TAILQ_NEXT(c->next, link))
        of[n++] = c->next;
    return n;
}

void
device_cursor_end(struct device_cursor *c)
{
    if (c->device != NULL)
        LIST_REMOVE(c, link);
    *c = (struct device_cursor){.device = NULL};
}

/* --- life ----------------------------------------------------------------------------------------
 */

void
device_init(struct device *d, const struct device_config *config, struct handshaker *h,
            struct allowedips *allowed_ips, uint16_t listen_port, uint32_t fwmark)
{
    *d = (struct device){
        .config = *config,
        .handshaker = h,
        .allowed_ips = allowed_ips,
        .fwmark = fwmark,
    };
    TAILQ_INIT(&d->peers);
    LIST_INIT(&d->names);
    LIST_INIT(&d->leaving);
    LIST_INIT(&d->gone);
    LIST_INIT(&d->cursors);
    slab_init(&d->tunnel_peers, TUNNEL_PEER_ROOM);
    slab_init(&d->device_peers, sizeof(struct device_peer));
    d->listen_port = listen_port != 0 ? listen_port : draw_port(d);
}

static struct tunnel_peer *
take_gone(struct device *d)
{
    struct tunnel_peer *t = LIST_FIRST(&d->gone);

    if (t != NULL)
        LIST_REMOVE(t, gone_link);
    return t;
}

void
device_reap(struct device *d)
{
    struct tunnel_peer *t;

    if (LIST_EMPTY(&d->gone))
        return;
    d->synchronize(d->ctx);
    while ((t = take_gone(d)) != NULL)
        slab_free(&d->tunnel_peers, t);
}

void
device_fini(struct device *d)
{
    struct device_peer *p;
    struct tunnel_peer *t;

    while ((p = TAILQ_FIRST(&d->peers)) != NULL) {
        TAILQ_REMOVE(&d->peers, p, link);
        slab_free(&d->tunnel_peers, p->tunnel);
        free_device_peer(d, p);
    }
    while ((t = LIST_FIRST(&d->leaving)) != NULL) {
        LIST_REMOVE(t, gone_link);
        slab_free(&d->tunnel_peers, t);
    }
    while ((t = take_gone(d)) != NULL)
        slab_free(&d->tunnel_peers, t);
}
