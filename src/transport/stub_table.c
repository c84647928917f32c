/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of stubs: making, finding and freeing them; counters of their sources. */
#include <errno.h>
#include <stdlib.h>

#include <wgtcpd/noise/noise.h>

#include "flow.h"

enum { STUBS_MIN = 64, STUBS_MAX = 16384, STUBS_PER_FLOW = 4, BUCKETS_PER_STUB = 2 };
enum { SOURCES_PER_STUB = 4, SOURCE_DEFAULT = 64 };

static uint32_t
power_of_two(uint32_t at_least)
{
    uint32_t n = 1;

    while (n < at_least)
        n *= 2;
    return n;
}

static void
set_defaults(struct tcp_transport_config *c)
{
    uint32_t stubs = c->max_flows * STUBS_PER_FLOW;

    if (c->max_stubs == 0)
        c->max_stubs = stubs < STUBS_MIN ? STUBS_MIN : stubs > STUBS_MAX ? STUBS_MAX : stubs;
    if (c->max_per_source == 0)
        c->max_per_source = SOURCE_DEFAULT;
}

static int
init_knock(struct tcp_transport *t)
{
    uint8_t memory_key[16];

    if (!t->config.knock || !t->config.listen)
        return 0;
    if (t->outer->wall_seconds == NULL)
        return -EINVAL;
    t->listener.knock = calloc(1, sizeof(*t->listener.knock));
    if (t->listener.knock == NULL)
        return -ENOMEM;
    t->outer->entropy(t->outer->ctx, memory_key, sizeof(memory_key));
    tcp_knock_init(t->listener.knock, noise_siphash, t->config.knock_key, memory_key);
    noise_wipe(memory_key, sizeof(memory_key));
    return 0;
}

void
tcp_transport_set_knock_key(struct tcp_transport *t, const uint8_t key[32])
{
    uint8_t memory_key[16];

    memcpy(t->config.knock_key, key, sizeof(t->config.knock_key));
    if (t->listener.knock == NULL)
        return;
    t->outer->entropy(t->outer->ctx, memory_key, sizeof(memory_key));
    tcp_knock_init(t->listener.knock, noise_siphash, key, memory_key);
    noise_wipe(memory_key, sizeof(memory_key));
}

int
stub_table_init(struct tcp_transport *t, wgt_time now)
{
    struct tcp_listener *l = &t->listener;
    uint32_t n_buckets, n_sources;
    uint8_t key[16];

    set_defaults(&t->config);
    n_buckets = power_of_two(t->config.max_stubs * BUCKETS_PER_STUB);
    n_sources = power_of_two(t->config.max_stubs * SOURCES_PER_STUB);
    l->n_stubs = l->n_fresh = t->config.max_stubs;
    l->bucket_mask = n_buckets - 1;
    l->source_mask = n_sources - 1;
    l->stubs = calloc(l->n_stubs, sizeof(*l->stubs));
    l->buckets = calloc(n_buckets, sizeof(*l->buckets));
    l->sources = calloc(n_sources, sizeof(*l->sources));
    for (int i = 0; i < TCP_STUB_KINDS; i++)
        TAILQ_INIT(&l->lists[i]);
    wheel_init(&l->wheel, now);
    t->outer->entropy(t->outer->ctx, l->key, sizeof(l->key));
    t->outer->entropy(t->outer->ctx, key, sizeof(key));
    tcp_cookies_init(&l->cookies, noise_siphash, key);
    noise_wipe(key, sizeof(key));
    if (l->stubs == NULL || l->buckets == NULL || l->sources == NULL)
        return -ENOMEM;
    return init_knock(t);
}

void
stub_table_fini(struct tcp_transport *t)
{
    struct tcp_listener *l = &t->listener;

    noise_wipe(l->key, sizeof(l->key));
    noise_wipe(&l->cookies, sizeof(l->cookies));
    if (l->knock != NULL)
        noise_wipe(l->knock, sizeof(*l->knock));
    free(l->stubs);
    free(l->buckets);
    free(l->sources);
    free(l->knock);
    l->stubs = NULL;
    l->buckets = NULL;
    l->sources = NULL;
    l->knock = NULL;
}

static uint32_t *
bucket_of(const struct tcp_listener *l, const struct ip_endpoint *local,
          const struct ip_endpoint *remote)
{
    struct flow_key k = flow_key(local, remote);

    return &l->buckets[noise_siphash(l->key, &k, sizeof(k)) & l->bucket_mask];
}

struct tcp_stub *
stub_find(const struct tcp_transport *t, const struct ip_endpoint *local,
          const struct ip_endpoint *remote)
{
    const struct tcp_listener *l = &t->listener;

    for (uint32_t i = *bucket_of(l, local, remote); i != 0; i = l->stubs[i - 1].next) {
        struct tcp_stub *s = &l->stubs[i - 1];

        if (ip_endpoint_equal(&s->remote, remote) && ip_endpoint_equal(&s->local, local))
            return s;
    }
    return NULL;
}

struct tcp_source *
source_of(const struct tcp_transport *t, const struct ip_addr *a)
{
    uint8_t prefix[9] = {a->family};

    memcpy(prefix + 1, a->bytes, 8); /* the rest of an IPv4 address is zero */
    return &t->listener.sources[noise_siphash(t->listener.key, prefix, sizeof(prefix)) &
                                t->listener.source_mask];
}

/* +1 or -1 for the stub's source. */
static void
count_source(const struct tcp_transport *t, const struct tcp_stub *s, int by)
{
    struct tcp_source *source = source_of(t, &s->remote.addr);

    if (s->kind == TCP_STUB_HALF_OPEN)
        source->half_open = (uint16_t)(source->half_open + by);
    else if (s->kind == TCP_STUB_STRANGER)
        source->strangers = (uint16_t)(source->strangers + by);
}

static void
leave_kind(struct tcp_transport *t, struct tcp_stub *s)
{
    count_source(t, s, -1);
    TAILQ_REMOVE(&t->listener.lists[s->kind], s, link);
    t->listener.n[s->kind]--;
}

static void
join_kind(struct tcp_transport *t, struct tcp_stub *s, enum tcp_stub_kind kind)
{
    s->kind = kind;
    TAILQ_INSERT_TAIL(&t->listener.lists[kind], s, link);
    t->listener.n[kind]++;
    count_source(t, s, 1);
}

void
stub_become(struct tcp_transport *t, struct tcp_stub *s, enum tcp_stub_kind kind)
{
    leave_kind(t, s);
    join_kind(t, s, kind);
}

static struct tcp_stub *
take_free(struct tcp_listener *l)
{
    struct tcp_stub *s = TAILQ_FIRST(&l->lists[TCP_STUB_FREE]);

    if (s != NULL) {
        TAILQ_REMOVE(&l->lists[TCP_STUB_FREE], s, link);
        l->n[TCP_STUB_FREE]--;
        return s;
    }
    return l->n_fresh > 0 ? &l->stubs[--l->n_fresh] : NULL;
}

struct tcp_stub *
stub_new(struct tcp_transport *t, enum tcp_stub_kind kind, const struct ip_endpoint *local,
         const struct ip_endpoint *remote)
{
    struct tcp_listener *l = &t->listener;
    struct tcp_stub *s = take_free(l);
    uint32_t *bucket;

    if (s == NULL)
        return NULL;
    bucket = bucket_of(l, local, remote);
    *s = (struct tcp_stub){.local = *local, .remote = *remote, .next = *bucket};
    *bucket = (uint32_t)(s - l->stubs) + 1;
    wheel_timer_init(&s->timer);
    join_kind(t, s, kind);
    return s;
}

void
stub_free(struct tcp_transport *t, struct tcp_stub *s)
{
    struct tcp_listener *l = &t->listener;
    uint32_t *at = bucket_of(l, &s->local, &s->remote);

    while (*at != (uint32_t)(s - l->stubs) + 1)
        at = &l->stubs[*at - 1].next;
    *at = s->next;
    wheel_disarm(&l->wheel, &s->timer);
    stub_become(t, s, TCP_STUB_FREE);
}
