/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receiver indices: which handshake or session a message is for. An index is 32 random bits of
 * which the low ones are its slot; who draws one and finds the slot taken draws again. So there are
 * no collisions to resolve, a look-up reads one line of memory, and an insert needs no memory. To a
 * stranger an index is as hard to guess as any other: with n in use, n / 2^32 a guess.
 *
 * Two tables of the same size in which one has every index that the other has agree on what is
 * free. One thread; memory is the caller's.
 */
#ifndef WGTCPD_PEER_INDEX_TABLE_H
#define WGTCPD_PEER_INDEX_TABLE_H

#include <wgtcpd/base/base.h>

struct index_slot {
    void *value; /* NULL: free */
    uint32_t index;
};

struct index_table {
    struct index_slot *slots;
    uint32_t mask;
};

/* Slots of a table for n indices: of as many, so that with few of them in use the first draw mostly
 * finds a free one. */
uint32_t index_table_slots(uint32_t n);
/* slots: zeroed, as many as index_table_slots said. */
void index_table_init(struct index_table *t, struct index_slot *slots, uint32_t n_slots);

/* value: not NULL. false: the slot is taken. */
static inline bool
index_table_insert(struct index_table *t, uint32_t index, void *value)
{
    struct index_slot *s = &t->slots[index & t->mask];

    if (s->value != NULL)
        return false;
    *s = (struct index_slot){value, index};
    return true;
}

/* NULL: there is no such index. */
static inline void *
index_table_find(const struct index_table *t, uint32_t index)
{
    const struct index_slot *s = &t->slots[index & t->mask];

    return s->index == index ? s->value : NULL;
}

static inline void
index_table_remove(struct index_table *t, uint32_t index)
{
    struct index_slot *s = &t->slots[index & t->mask];

    if (s->index == index)
        *s = (struct index_slot){0};
}

#endif
