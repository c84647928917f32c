/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/base/slab.h>

#include <stdbool.h>
#include <string.h>

#include <wgtcpd/base/pages.h>
#include <wgtcpd/base/sanitizer.h>

enum { REGION_FIRST = 4096, REGION_HEAD = 64 }; /* the head keeps what follows aligned */

struct slab_region {
    struct slab_region *next;
    size_t size;
};

struct slab_piece {
    struct slab_piece *next;
};

_Static_assert(sizeof(struct slab_region) <= REGION_HEAD, "the first piece lies behind it");

void
slab_init(struct slab *s, size_t size)
{
    *s = (struct slab){.size = size, .next_region = REGION_FIRST};
}

/* Each twice the one before, up to a huge page: a few pieces take little, many no more than they
 * need. */
static bool
extend(struct slab *s)
{
    size_t size = s->next_region;
    struct slab_region *r = pages_alloc(size);

    if (r == NULL)
        return false;
    *r = (struct slab_region){s->regions, size};
    s->regions = r;
    s->at = (char *)r + REGION_HEAD;
    s->left = size - REGION_HEAD;
    if (size < PAGES_HUGE)
        s->next_region = 2 * size;
    return true;
}

static void *
cut(struct slab *s)
{
    void *p;

    if (s->left < s->size && !extend(s))
        return NULL;
    p = s->at;
    s->at += s->size;
    s->left -= s->size;
    return p;
}

static void *
take(struct slab *s)
{
    struct slab_piece *p;

    if (SANITIZED)
        return pages_alloc(s->size);
    p = s->free;
    if (p == NULL)
        return cut(s);
    s->free = p->next;
    return p;
}

void *
slab_alloc(struct slab *s)
{
    void *p = take(s);

    if (p == NULL)
        return NULL;
    s->live++;
    return memset(p, 0, s->size);
}

static void
give_back_regions(struct slab *s)
{
    struct slab_region *r, *next;

    for (r = s->regions; r != NULL; r = next) {
        next = r->next;
        pages_free(r, r->size);
    }
    slab_init(s, s->size);
}

void
slab_free(struct slab *s, void *p)
{
    struct slab_piece *piece = p;

    if (p == NULL)
        return;
    if (SANITIZED) {
        pages_free(p, s->size);
    } else {
        piece->next = s->free;
        s->free = piece;
    }
    if (--s->live == 0)
        give_back_regions(s);
}
