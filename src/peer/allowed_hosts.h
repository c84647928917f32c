/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A short cut beside the trie of allowed IPs: the prefixes of one address, most of what a node with
 * a million peers has, in a hash table. A look-up that finds its address here has the longest
 * prefix there can be, for one line of memory instead of one a level of the trie. Which has them,
 * too: without memory for a table it is as right without, only slower.
 *
 * One writer, any number of readers. An entry never moves within a table and its address never
 * changes; one that is removed keeps its place until the table is replaced by another, and the old
 * one waits for its readers to leave. So each change is one release store.
 */
#ifndef PEER_ALLOWED_HOSTS_H
#define PEER_ALLOWED_HOSTS_H

#include <wgtcpd/base/base.h>

struct host_slot {
    uint64_t bits[2]; /* the address; of IPv4 in the first half of the first word */
    void *value;      /* NULL: removed */
    uint64_t used;    /* 0: nothing was ever here, a search ends */
};

struct allowed_hosts {
    struct allowed_hosts *next; /* among the retired */
    unsigned shift;             /* from a hash to a slot */
    size_t mask;
    size_t used, live; /* the writer's; at most half of the slots are used */
    _Alignas(64) struct host_slot slots[];
};

/* Two slots are a line of memory: a search begins at its beginning. Multilinear, so that addresses
 * which are alike lie apart; the keys are no secret, for who chooses addresses is the operator. */
static inline size_t
host_home(const struct allowed_hosts *h, const uint64_t bits[2])
{
    uint64_t hash = bits[0] * UINT64_C(0x9e3779b97f4a7c15) + bits[1] * UINT64_C(0xc2b2ae3d27d4eb4f);

    return hash >> h->shift & ~(size_t)1;
}

/* For readers. h may be NULL. */
static inline void *
allowed_hosts_find(const struct allowed_hosts *h, const uint64_t bits[2])
{
    if (h == NULL)
        return NULL;
    for (size_t at = host_home(h, bits);; at = (at + 1) & h->mask) {
        const struct host_slot *s = &h->slots[at];

        if (__atomic_load_n(&s->used, __ATOMIC_ACQUIRE) == 0)
            return NULL;
        if (s->bits[0] == bits[0] && s->bits[1] == bits[1])
            return __atomic_load_n(&s->value, __ATOMIC_ACQUIRE);
    }
}

/* A table that takes as many again as are in `from` (NULL: none), and has those; of this room's
 * readers nobody knows it yet. NULL: no memory. */
struct allowed_hosts *allowed_hosts_copy(const struct allowed_hosts *from);
void allowed_hosts_free(struct allowed_hosts *h);

/* Whether a host that is not in it yet can be set. */
static inline bool
allowed_hosts_has_room(const struct allowed_hosts *h)
{
    return 2 * (h->used + 1) <= h->mask + 1;
}

/* There must be room, unless the host is there. value NULL: removes it. */
void allowed_hosts_set(struct allowed_hosts *h, const uint64_t bits[2], void *value);

#endif
