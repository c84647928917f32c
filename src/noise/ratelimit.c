/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A token bucket per source, in a hash table of the caller's memory.
 *
 * A source may sit in any of the PROBES slots behind its hash, all of which are always looked at:
 * so an entry can be freed without leaving a mark. The hash is keyed: nobody can choose addresses
 * that crowd one place.
 */
#include <wgtcpd/noise/noise.h>

enum { PROBES = 16, SWEPT_PER_CALL = 4 };

static const uint64_t packet_cost = WGT_SEC / 20;
static const uint64_t tokens_max = 5 * (WGT_SEC / 20);
static const wgt_time idle_limit = WGT_SEC;

void
noise_ratelimit_init(struct noise_ratelimit *rl, struct noise_ratelimit_entry *entries,
                     size_t capacity, const uint8_t key[16])
{
    memset(rl, 0, sizeof(*rl));
    rl->entries = entries;
    rl->capacity = capacity;
    memcpy(rl->key, key, sizeof(rl->key));
    if (capacity > 0)
        memset(entries, 0, capacity * sizeof(*entries));
}

/* One customer of the IPv6 Internet has a /64. */
static struct ip_addr
bucket_of(const struct ip_addr *source)
{
    struct ip_addr a = *source;

    if (a.family == IP_V6)
        memset(a.bytes + 8, 0, 8);
    return a;
}

static wgt_time
since(wgt_time now, wgt_time then)
{
    return now > then ? now - then : 0;
}

static bool
stale(const struct noise_ratelimit_entry *e, wgt_time now)
{
    return since(now, e->last) > idle_limit;
}

/* Forget the idle, a few slots at a time. */
static void
sweep(struct noise_ratelimit *rl, wgt_time now)
{
    for (unsigned i = 0; i < SWEPT_PER_CALL; i++) {
        struct noise_ratelimit_entry *e = &rl->entries[rl->cursor & (rl->capacity - 1)];

        rl->cursor++;
        if (e->used && stale(e, now)) {
            e->used = false;
            rl->used--;
        }
    }
}

static struct noise_ratelimit_entry *
find(struct noise_ratelimit *rl, wgt_time now, const struct ip_addr *bucket,
     struct noise_ratelimit_entry **room)
{
    const uint64_t home = noise_siphash(rl->key, bucket, sizeof(*bucket));

    *room = NULL;
    for (size_t i = 0; i < PROBES && i < rl->capacity; i++) {
        struct noise_ratelimit_entry *e = &rl->entries[(home + i) & (rl->capacity - 1)];

        if (e->used && ip_addr_equal(&e->source, bucket))
            return e;
        if (*room == NULL && (!e->used || stale(e, now)))
            *room = e;
    }
    return NULL;
}

static bool
spend(struct noise_ratelimit_entry *e, wgt_time now)
{
    const uint64_t earned = since(now, e->last);

    /* A packet that is denied moves the clock too, but costs nothing. */
    e->tokens = earned < tokens_max - e->tokens ? e->tokens + earned : tokens_max;
    e->last = now;
    if (e->tokens < packet_cost)
        return false;
    e->tokens -= packet_cost;
    return true;
}

bool
noise_ratelimit_allow(struct noise_ratelimit *rl, wgt_time now, const struct ip_addr *source)
{
    const struct ip_addr bucket = bucket_of(source);
    struct noise_ratelimit_entry *e, *room;

    if (rl->capacity == 0)
        return false;
    sweep(rl, now);
    e = find(rl, now, &bucket, &room);
    if (e != NULL)
        return spend(e, now);
    if (room == NULL)
        return false;
    if (!room->used)
        rl->used++;
    *room = (struct noise_ratelimit_entry){
        .source = bucket, .last = now, .tokens = tokens_max - packet_cost, .used = true};
    return true;
}
