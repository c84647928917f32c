/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/control/snapshot.h>

#include <stdlib.h>

struct tunnel_report *
snapshot_ask(struct device *d, struct device_peer *const *of, size_t n_of,
             struct worker_stats *workers)
{
    struct tunnel_report *r = calloc(1, sizeof(*r) + n_of * sizeof(r->peers[0]));

    if (r == NULL)
        return NULL;
    for (unsigned i = 0; i < d->handshaker->n_workers && workers != NULL; i++)
        r->workers[i].host = &workers[i];
    for (; r->n_peers < n_of; r->n_peers++)
        r->peers[r->n_peers].peer = of[r->n_peers]->tunnel;
    if (handshaker_report(d->handshaker, r) == 0)
        return r;
    free(r);
    return NULL;
}

/* --- the interface -------------------------------------------------------------------------------
 */

_Static_assert(sizeof(struct worker_stats) % sizeof(uint64_t) == 0, "counters");

static void
take_worker_stats(struct snapshot *s, unsigned worker, const struct worker_stats *w)
{
    const uint64_t *of = (const uint64_t *)w;
    uint64_t *total = (uint64_t *)&s->worker;

    if (w == NULL)
        return;
    s->workers[worker] = *w;
    for (size_t i = 0; i < sizeof(*w) / sizeof(*of); i++)
        total[i] += of[i];
}

static void
take_interface(struct snapshot *s, const struct device *d, const struct tunnel_report *r)
{
    const struct handshaker *h = d->handshaker;

    memcpy(s->public_key, h->local.public_key, sizeof(s->public_key));
    s->has_private_key = h->local.has_identity;
    s->listen_port = d->listen_port;
    s->fwmark = d->fwmark;
    s->aead = noise_aead_name();
    s->handshake_drops = h->drops;
    s->handshake_strangers = h->strangers;
    s->initiations_sent = h->initiations_sent;
    s->initiations_received = h->initiations_received;
    s->responses_sent = h->responses_sent;
    s->responses_received = h->responses_received;
    s->cookies_sent = h->cookies_sent;
    s->cookies_received = h->cookies_received;
    s->n_workers = h->n_workers;
    s->moves = h->moves;
    for (unsigned i = 0; i < h->n_workers; i++)
        take_worker_stats(s, i, r->workers[i].host);
}

static void
take_tunnel(struct snapshot *s, const struct tunnel_figures *r)
{
    s->tcp = r->tcp;
    s->connections = r->flows;
    s->half_open = r->stubs[TCP_STUB_HALF_OPEN];
    s->strangers = r->stubs[TCP_STUB_STRANGER];
    s->strangers_heard = r->unauthenticated;
    s->time_wait = r->stubs[TCP_STUB_TIME_WAIT];
    s->data_drops = r->drops;
    s->data_strangers = r->strangers;
    s->unrouted = r->unrouted;
    s->unrouted_to = r->unrouted_to;
    s->marked = r->marked;
}

/* --- a peer ------------------------------------------------------------------------------------
 */

static struct wall_clock
wall_before(const struct wall_clock *wall, wgt_time age)
{
    struct wall_clock w = {wall->seconds - age / WGT_SEC, wall->nanoseconds};

    if (age % WGT_SEC > w.nanoseconds) {
        w.seconds--;
        w.nanoseconds += (uint32_t)WGT_SEC;
    }
    w.nanoseconds -= (uint32_t)(age % WGT_SEC);
    return w;
}

/* The worker knows it by the monotonic clock. It is told the same each time, whatever becomes of
 * the wall clock. */
static void
take_handshake(struct snapshot_peer *s, struct device_peer *p, wgt_time now,
               const struct wall_clock *wall)
{
    if (s->stats.handshakes == 0)
        return;
    s->handshaken = true;
    s->handshake_age = now > s->stats.last_handshake ? now - s->stats.last_handshake : 0;
    if (p->handshake != s->stats.last_handshake || p->handshake_wall.seconds == 0) {
        p->handshake = s->stats.last_handshake;
        p->handshake_wall = wall_before(wall, s->handshake_age);
    }
    s->handshake_seconds = p->handshake_wall.seconds;
    s->handshake_nanoseconds = p->handshake_wall.nanoseconds;
}

static void
take_handshaker(struct snapshot_peer *s, const struct handshaker_peer *h)
{
    memcpy(s->handshake_trouble, h->trouble, sizeof(s->handshake_trouble));
    s->initiations_sent = h->initiations_sent;
    s->initiations_received = h->initiations_received;
    s->responses_received = h->responses_received;
    s->responses_bad = h->trouble[HANDSHAKE_TROUBLE_RESPONSE_TAG].n;
}

static void
take_worker(struct snapshot_peer *s, const struct tunnel_peer_report *r)
{
    s->path = r->path;
    s->endpoint = r->endpoint;
    s->stats = r->stats;
    s->dials = r->stats.dials;
    s->dial_failures = r->stats.dial_failures;
    s->session = r->session;
    s->waiting = r->waiting;
    s->waiting_bytes = r->waiting_bytes;
    s->queue_delay = r->queue_delay;
    s->inner_mtu = r->inner_mtu;
    memcpy(s->trouble, r->trouble, sizeof(s->trouble));
    s->denied_source = r->denied_source;
    s->heard_before = r->heard_before;
    s->connected = r->connected;
    s->connection = (struct snapshot_connection){
        .dialled = r->connection.dialled,
        .local = r->connection.local,
        .info = r->connection.info,
        .early_delivered = r->connection.early_delivered,
        .recut = r->connection.recut,
    };
}

static void
take_peer(struct snapshot_peer *s, const struct tunnel_peer_report *r, wgt_time now,
          const struct wall_clock *wall)
{
    struct device_peer *p = r->peer->owner;

    memcpy(s->public_key, r->peer->public_key, sizeof(s->public_key));
    s->device = p;
    take_worker(s, r);
    take_handshake(s, p, now, wall);
    take_handshaker(s, r->peer->handshaker_peer);
}

struct snapshot *
snapshot_make(const struct device *d, const struct tunnel_report *r, wgt_time now,
              const struct wall_clock *wall)
{
    struct snapshot *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return NULL;
    s->peers = calloc(r->n_peers + 1, sizeof(*s->peers));
    if (s->peers == NULL) {
        free(s);
        return NULL;
    }
    s->now = now;
    take_interface(s, d, r);
    take_tunnel(s, &r->total);
    for (; s->n_peers < r->n_peers; s->n_peers++)
        take_peer(&s->peers[s->n_peers], &r->peers[s->n_peers], now, wall);
    return s;
}

void
snapshot_free(struct snapshot *s)
{
    if (s == NULL)
        return;
    free(s->peers);
    free(s);
}
