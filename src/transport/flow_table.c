/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of TCP flows: making, finding and freeing them. */
#include <errno.h>
#include <stdlib.h>

#include <wgtcpd/base/pages.h>
#include <wgtcpd/noise/noise.h>

#include "flow.h"

enum { DEFAULT_RECORDS = 16384, RECLAIM_BURST = 64 };

struct flow_key
flow_key(const struct ip_endpoint *local, const struct ip_endpoint *remote)
{
    struct flow_key k = {
        .local_port = local->port,
        .remote_port = remote->port,
        .family = remote->addr.family,
    };

    memcpy(k.local, local->addr.bytes, 16);
    memcpy(k.remote, remote->addr.bytes, 16);
    return k;
}

static uint32_t
power_of_two(uint32_t at_least)
{
    uint32_t n = 1;

    while (n < at_least)
        n *= 2;
    return n;
}

static void
free_tables(struct tcp_transport *t)
{
    flow_hold_fini(t);
    stub_table_fini(t);
    noise_wipe(t->isn_key, sizeof(t->isn_key));
    noise_wipe(&t->table_hash, sizeof(t->table_hash));
    noise_wipe(t->config.knock_key, sizeof(t->config.knock_key));
    pages_free(t->buckets, ((size_t)t->bucket_mask + 1) * sizeof(*t->buckets));
    pages_free(t->flows, t->config.max_flows * sizeof(*t->flows));
    free(t->records);
    pages_free(t->tx, t->config.max_flows * sizeof(*t->tx));
    t->buckets = NULL;
    t->flows = NULL;
    t->records = NULL;
    t->tx = NULL;
}

int
tcp_transport_init(struct tcp_transport *t, wgt_time now, struct outer *outer,
                   const struct tcp_transport_events *events,
                   const struct tcp_transport_config *config)
{
    uint32_t n_buckets = power_of_two(config->max_flows);
    int rc;

    *t = (struct tcp_transport){.outer = outer, .events = *events, .config = *config};
    outer->entropy(outer->ctx, t->isn_key, sizeof(t->isn_key));
    outer->entropy(outer->ctx, &t->table_hash, sizeof(t->table_hash));
    t->buckets = pages_alloc(n_buckets * sizeof(*t->buckets));
    t->bucket_mask = n_buckets - 1;
    t->flows = pages_alloc(config->max_flows * sizeof(*t->flows));
    if (t->config.n_workers == 0)
        t->config.n_workers = 1;
    if (t->config.records == 0)
        t->config.records = DEFAULT_RECORDS;
    t->records = calloc(t->config.records, sizeof(*t->records));
    t->tx = pages_alloc(config->max_flows * sizeof(*t->tx));
    wheel_init(&t->wheel, now);
    TAILQ_INIT(&t->dirty);
    TAILQ_INIT(&t->strangers);
    TAILQ_INIT(&t->unused);
    rc =
        t->buckets != NULL && t->flows != NULL && t->records != NULL && t->tx != NULL ? 0 : -ENOMEM;
    if (rc == 0)
        rc = stub_table_init(t, now);
    if (rc == 0)
        rc = flow_hold_init(t);
    if (rc != 0) {
        free_tables(t);
        return rc;
    }
    tcp_memory_init(&t->memory, t->records, t->config.records, t->tx, config->max_flows);
    t->memory.chunks_max = t->held_max = t->sent_max =
        packet_share(outer->pool) / t->config.n_workers;
    t->n_fresh = config->max_flows;
    return 0;
}

void
tcp_transport_fini(struct tcp_transport *t)
{
    for (unsigned i = 0; i < t->n_arrived; i++)
        rte_pktmbuf_free(t->arrived[i].m);
    t->n_arrived = 0;
    for (uint32_t i = 0; t->flows != NULL && i < t->config.max_flows; i++) {
        struct tcp_flow *f = &t->flows[i];
        struct path_user *u;

        if (!f->in_use)
            continue;
        while ((u = LIST_FIRST(&f->users)) != NULL) {
            LIST_REMOVE(u, link);
            u->attached = u->waiting = false;
            u->path.kind = TRANSPORT_NONE;
        }
        flow_free(t, f);
    }
    free_tables(t);
}

/* A keyed hash: nobody chooses whose bucket he is in. */
uint32_t *
flow_bucket(const struct tcp_transport *t, const struct ip_endpoint *local,
            const struct ip_endpoint *remote)
{
    struct flow_key k = flow_key(local, remote);

    return &t->buckets[keyed_hash(&t->table_hash, &k, sizeof(k)) & t->bucket_mask];
}

struct tcp_flow *
flow_find_in(const struct tcp_transport *t, const uint32_t *bucket, const struct ip_endpoint *local,
             const struct ip_endpoint *remote)
{
    for (uint32_t i = *bucket; i != 0; i = t->flows[i - 1].next) {
        struct tcp_flow *f = &t->flows[i - 1];

        if (ip_endpoint_equal(&f->path.remote, remote) && ip_endpoint_equal(&f->path.local, local))
            return f;
    }
    return NULL;
}

struct tcp_flow *
flow_find(const struct tcp_transport *t, const struct ip_endpoint *local,
          const struct ip_endpoint *remote)
{
    return flow_find_in(t, flow_bucket(t, local, remote), local, remote);
}

static void
enter_table(struct tcp_transport *t, struct tcp_flow *f)
{
    uint32_t *bucket = flow_bucket(t, &f->path.local, &f->path.remote);

    f->next = *bucket;
    *bucket = (uint32_t)(f - t->flows) + 1;
}

static void
leave_table(struct tcp_transport *t, const struct tcp_flow *f)
{
    uint32_t *link = flow_bucket(t, &f->path.local, &f->path.remote);

    while (*link != (uint32_t)(f - t->flows) + 1)
        link = &t->flows[*link - 1].next;
    *link = f->next;
}

void
flow_enter_unused(struct tcp_transport *t, struct tcp_flow *f)
{
    if (f->unused || !f->authenticated || !LIST_EMPTY(&f->users))
        return;
    f->unused = true;
    TAILQ_INSERT_TAIL(&t->unused, f, unused_link);
}

void
flow_leave_unused(struct tcp_transport *t, struct tcp_flow *f)
{
    if (!f->unused)
        return;
    f->unused = false;
    TAILQ_REMOVE(&t->unused, f, unused_link);
    TAILQ_INIT(&f->waiting);
}

static bool
evict_unused(struct tcp_transport *t, wgt_time now)
{
    struct tcp_flow *f = TAILQ_FIRST(&t->unused);

    if (f == NULL)
        return false;
    t->stats.unused_evicted++;
    flow_reject(t, now, f);
    return true;
}

/* n_flows < max_flows */
static struct tcp_flow *
take_free(struct tcp_transport *t)
{
    struct tcp_flow *f = t->free_flows;

    if (f == NULL)
        return &t->flows[--t->n_fresh];
    t->free_flows = f->next_free;
    return f;
}

struct tcp_flow *
flow_new(struct tcp_transport *t, wgt_time now, const struct ip_endpoint *local,
         const struct ip_endpoint *remote)
{
    struct tcp_flow *f;
    uint32_t generation;

    if (t->n_flows >= t->config.max_flows && !evict_unused(t, now)) {
        wgt_drop_count(t->outer->drops, WGT_DROP_TCP_TABLE_FULL);
        return NULL;
    }
    f = take_free(t);
    generation = f->path.generation + 1;
    *f = (struct tcp_flow){
        .path = {.kind = TRANSPORT_TCP,
                 .local = *local,
                 .remote = *remote,
                 .flow = f,
                 .since = now,
                 .generation = generation},
        .deadline = now + TCP_FLOW_AUTH_TIMEOUT,
        .in_use = true,
    };
    LIST_INIT(&f->users);
    TAILQ_INIT(&f->waiting);
    wheel_timer_init(&f->timer);
    frame_decoder_init(&f->decoder, t->config.max_message);
    enter_table(t, f);
    TAILQ_INSERT_TAIL(&t->strangers, f, stranger.link);
    t->n_flows++;
    t->n_unauthenticated++;
    return f;
}

/* Received packets come out here as well. */
void
flow_reclaim(struct tcp_transport *t, struct tcp_flow *f)
{
    struct rte_mbuf *done[RECLAIM_BURST];
    unsigned n = 0;
    struct tcp_chunk *c;

    while ((c = tcp_reclaim(&f->conn)) != NULL) {
        struct rte_mbuf *m = packet_of_chunk(c);

        if (packet_meta(m)->sent) {
            packet_meta(m)->sent = false;
            f->n_sent--;
            t->n_sent--;
        }
        done[n++] = m;
        if (n == RECLAIM_BURST) {
            rte_pktmbuf_free_bulk(done, n);
            n = 0;
        }
    }
    if (n > 0)
        rte_pktmbuf_free_bulk(done, n);
}

static void
leave_strangers(struct tcp_transport *t, struct tcp_flow *f)
{
    TAILQ_REMOVE(&t->strangers, f, stranger.link);
    t->n_unauthenticated--;
    if (f->stranger.source != NULL)
        f->stranger.source->strangers--;
}

void
tcp_flow_authenticated(struct tcp_transport *t, struct tcp_flow *f)
{
    f->heard |= tcp_state(&f->conn) != TCP_SYN_SENT; /* else we are only dialling */
    if (f->authenticated || f->silenced)             /* nothing more is read: its time runs on */
        return;
    f->authenticated = true;
    if (!f->closing)
        f->deadline = WGT_NEVER;
    leave_strangers(t, f);
    f->early = (struct tcp_flow_early){0};
    tcp_widen(&f->conn, t->config.receive_buffer);
    flow_mark_dirty(t, f);
}

void
flow_free(struct tcp_transport *t, struct tcp_flow *f)
{
    struct tcp_chunk *c;

    /* Abort lets go of what was queued; what was received and not read comes through tcp_recv. */
    tcp_abort(&f->conn, 0);
    while ((c = tcp_recv(&f->conn)) != NULL)
        rte_pktmbuf_free(packet_of_chunk(c));
    flow_reclaim(t, f);
    t->n_sent -= f->n_sent; /* what was promised finds it gone */
    flow_hold_free(t, f);
    rte_pktmbuf_free(f->assembly);
    wheel_disarm(&t->wheel, &f->timer);
    if (f->dirty)
        TAILQ_REMOVE(&t->dirty, f, dirty_link);
    leave_table(t, f);
    flow_leave_unused(t, f);
    if (!f->authenticated)
        leave_strangers(t, f);
    t->n_flows--;
    f->path.generation++;
    f->in_use = f->dirty = false;
    f->next_free = t->free_flows;
    t->free_flows = f;
}

void
flow_mark_dirty(struct tcp_transport *t, struct tcp_flow *f)
{
    if (f->dirty)
        return;
    f->dirty = true;
    TAILQ_INSERT_TAIL(&t->dirty, f, dirty_link);
}

/* RFC 6528: a 4 us clock plus a keyed function of the connection's addresses. */
struct tcp_options
flow_options(struct tcp_transport *t, wgt_time now, const struct ip_endpoint *local,
             const struct ip_endpoint *remote)
{
    struct flow_key k = flow_key(local, remote);
    uint64_t h = noise_siphash(t->isn_key, &k, sizeof(k));
    bool v4 = remote->addr.family == IP_V4;

    return (struct tcp_options){
        .memory = &t->memory,
        .src_port = local->port,
        .dst_port = remote->port,
        .mss_local = (uint16_t)(t->outer->mtu - (v4 ? 40 : 60)),
        .mss_default = v4 ? 536 : 1220,
        /* Of packets of 1200 bytes (RFC 8899 5.1.2), or of the smallest MTU that IPv6 has. */
        .mss_base = v4 ? 1160 : 1220,
        .ecn = true,
        .receive_buffer = TCP_FLOW_STRANGER_WINDOW,
        .receive_buffer_max = t->config.receive_buffer,
        .iss = (uint32_t)(now / (4 * WGT_USEC)) + (uint32_t)h,
        .ts_offset = (uint32_t)(h >> 32),
        .cc = t->config.congestion,
        .user_timeout = TCP_FLOW_PATIENCE,
        .keepalive = TCP_FLOW_KEEPALIVE_ACCEPTED,
    };
}

struct tcp_flow *
tcp_flow_of(const struct path *p)
{
    struct tcp_flow *f = p->flow;

    if (p->kind != TRANSPORT_TCP || f == NULL || !f->in_use || f->path.generation != p->generation)
        return NULL;
    return f;
}
