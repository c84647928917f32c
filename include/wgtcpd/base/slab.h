/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pieces of one size, of which there may be a million: cut from large regions without a header or a
 * gap between them, the larger regions from huge pages. What comes back is given out again; when
 * all has come back, the regions go. Not for secrets (vault.h). One thread; like pages.h never for
 * the data path.
 *
 * Under a sanitizer each piece is the C library's own, so that it can be watched.
 */
#ifndef WGTCPD_BASE_SLAB_H
#define WGTCPD_BASE_SLAB_H

#include <stddef.h>

struct slab_region;
struct slab_piece;

struct slab {
    size_t size; /* of a piece */
    size_t live; /* pieces that are out */
    struct slab_piece *free;
    char *at; /* what is left of the last region */
    size_t left;
    struct slab_region *regions;
    size_t next_region; /* bytes */
};

/* size: a multiple of 8. Pieces are aligned to the greatest power of two in it, up to 64. Takes no
 * memory yet. */
void slab_init(struct slab *s, size_t size);
/* Zeroed; NULL: there is no memory. */
void *slab_alloc(struct slab *s);
/* p may be NULL. The last one that comes back takes the regions with it. */
void slab_free(struct slab *s, void *p);

#endif
