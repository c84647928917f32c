/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory for tables that are read at random: huge pages where the kernel has them to give. A
 * look-up in a table of ordinary pages misses the caches twice, once for the entry and once for the
 * page table's own entry. For set-up and the control thread, never for the data path.
 */
#ifndef WGTCPD_BASE_PAGES_H
#define WGTCPD_BASE_PAGES_H

#include <stddef.h>

/* From this size on whole huge pages are asked for. */
#define PAGES_HUGE ((size_t)2 << 20)

/* Zeroed memory, aligned to a cache line at least, resident only where it was touched; NULL: there
 * is none. */
void *pages_alloc(size_t size);
/* size is what pages_alloc was given; p may be NULL. */
void pages_free(void *p, size_t size);

#endif
