/* SPDX-License-Identifier: BSD-3-Clause */
#include "key_table.h"

#include <errno.h>

#include <wgtcpd/base/pages.h>

struct key_slot {
    struct handshaker_peer *peer; /* NULL: free */
    uint64_t hash;
};

enum { SLOTS_MIN = 16 };

static size_t
size_of(const struct key_table *t)
{
    return ((size_t)t->mask + 1) * sizeof(*t->slots);
}

int
key_table_init(struct key_table *t, uint32_t max_peers, const uint8_t hash_key[16])
{
    uint64_t slots = SLOTS_MIN;

    while (slots < 2 * (uint64_t)max_peers)
        slots *= 2;
    *t = (struct key_table){.mask = (uint32_t)(slots - 1), .max = max_peers};
    memcpy(t->hash_key, hash_key, sizeof(t->hash_key));
    t->slots = pages_alloc(size_of(t));
    return t->slots != NULL ? 0 : -ENOMEM;
}

void
key_table_fini(struct key_table *t)
{
    pages_free(t->slots, size_of(t));
    noise_wipe(t, sizeof(*t));
}

static bool
is_peer(const struct key_slot *s, uint64_t hash, const uint8_t public_key[NOISE_KEY_LEN])
{
    return s->hash == hash && memcmp(s->peer->remote.public_key, public_key, NOISE_KEY_LEN) == 0;
}

/* Where the key is, or the free slot where it would be. */
static uint32_t
place_of(const struct key_table *t, uint64_t hash, const uint8_t public_key[NOISE_KEY_LEN])
{
    uint32_t at = (uint32_t)hash & t->mask;

    while (t->slots[at].peer != NULL && !is_peer(&t->slots[at], hash, public_key))
        at = (at + 1) & t->mask;
    return at;
}

static uint64_t
hash_of(const struct key_table *t, const uint8_t public_key[NOISE_KEY_LEN])
{
    return noise_siphash(t->hash_key, public_key, NOISE_KEY_LEN);
}

struct handshaker_peer *
key_table_find(const struct key_table *t, const uint8_t public_key[NOISE_KEY_LEN])
{
    return t->slots[place_of(t, hash_of(t, public_key), public_key)].peer;
}

bool
key_table_insert(struct key_table *t, struct handshaker_peer *p)
{
    uint64_t hash = hash_of(t, p->remote.public_key);

    if (t->count >= t->max)
        return false;
    t->slots[place_of(t, hash, p->remote.public_key)] = (struct key_slot){p, hash};
    t->count++;
    return true;
}

/* Whether what is in slot `from` may not stay behind when slot `hole`, before it, becomes free: a
 * search that begins at its home would end there. */
static bool
must_move(const struct key_table *t, uint32_t hole, uint32_t from)
{
    uint32_t home = (uint32_t)t->slots[from].hash & t->mask;

    return ((from - home) & t->mask) >= ((from - hole) & t->mask);
}

void
key_table_remove(struct key_table *t, const struct handshaker_peer *p)
{
    const uint8_t *key = p->remote.public_key;
    uint32_t hole = place_of(t, hash_of(t, key), key), at;

    if (t->slots[hole].peer != p)
        return;
    for (at = (hole + 1) & t->mask; t->slots[at].peer != NULL; at = (at + 1) & t->mask)
        if (must_move(t, hole, at)) {
            t->slots[hole] = t->slots[at];
            hole = at;
        }
    t->slots[hole] = (struct key_slot){0};
    t->count--;
}

struct handshaker_peer *
key_table_next(const struct key_table *t, uint32_t *at)
{
    struct handshaker_peer *p = NULL;

    while (p == NULL && *at <= t->mask)
        p = t->slots[(*at)++].peer;
    return p;
}
