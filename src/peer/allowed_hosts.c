/* SPDX-License-Identifier: BSD-3-Clause */
#include "allowed_hosts.h"

#include <wgtcpd/base/pages.h>

enum { SLOT_BITS_MIN = 4 };

static size_t
size_of(size_t slots)
{
    return sizeof(struct allowed_hosts) + slots * sizeof(struct host_slot);
}

struct allowed_hosts *
allowed_hosts_copy(const struct allowed_hosts *from)
{
    size_t live = from != NULL ? from->live : 0;
    struct allowed_hosts *h;
    unsigned bits = SLOT_BITS_MIN;

    while ((size_t)1 << bits < 4 * live)
        bits++;
    h = pages_alloc(size_of((size_t)1 << bits));
    if (h == NULL)
        return NULL;
    h->shift = 64 - bits;
    h->mask = ((size_t)1 << bits) - 1;
    for (size_t i = 0; from != NULL && i <= from->mask; i++)
        if (from->slots[i].value != NULL)
            allowed_hosts_set(h, from->slots[i].bits, from->slots[i].value);
    return h;
}

void
allowed_hosts_free(struct allowed_hosts *h)
{
    if (h != NULL)
        pages_free(h, size_of(h->mask + 1));
}

static struct host_slot *
place_of(struct allowed_hosts *h, const uint64_t bits[2])
{
    size_t at = host_home(h, bits);

    while (h->slots[at].used != 0 &&
           (h->slots[at].bits[0] != bits[0] || h->slots[at].bits[1] != bits[1]))
        at = (at + 1) & h->mask;
    return &h->slots[at];
}

void
allowed_hosts_set(struct allowed_hosts *h, const uint64_t bits[2], void *value)
{
    struct host_slot *s = place_of(h, bits);

    if (s->used == 0 && value == NULL)
        return;
    if (s->value == NULL && value != NULL)
        h->live++;
    else if (s->value != NULL && value == NULL)
        h->live--;
    if (s->used != 0) {
        __atomic_store_n(&s->value, value, __ATOMIC_RELEASE);
        return;
    }
    h->used++;
    s->bits[0] = bits[0];
    s->bits[1] = bits[1];
    s->value = value;
    __atomic_store_n(&s->used, 1, __ATOMIC_RELEASE);
}
