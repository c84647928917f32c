/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/base/pages.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { CACHE_LINE = 64 };

static size_t
round_up(size_t size, size_t to)
{
    return (size + to - 1) / to * to;
}

static void *
alloc_small(size_t size)
{
    size_t rounded = round_up(size != 0 ? size : 1, CACHE_LINE);
    void *p = aligned_alloc(CACHE_LINE, rounded);

    if (p != NULL)
        memset(p, 0, rounded);
    return p;
}

/* Only what covers a huge page's whole range, aligned, can become one. */
static void *
alloc_huge(size_t size)
{
    size_t wanted = round_up(size, PAGES_HUGE), head;
    char *all =
        mmap(NULL, wanted + PAGES_HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *p;

    if (all == MAP_FAILED)
        return NULL;
    head = round_up((uintptr_t)all, PAGES_HUGE) - (uintptr_t)all;
    p = all + head;
    if (head < PAGES_HUGE)
        munmap(p + wanted, PAGES_HUGE - head);
    if (head > 0)
        munmap(all, head);
    /* Without them it is as good, only slower. */
    (void)madvise(p, wanted, MADV_HUGEPAGE);
    return p;
}

void *
pages_alloc(size_t size)
{
    if (size > SIZE_MAX - 2 * PAGES_HUGE)
        return NULL;
    return size < PAGES_HUGE ? alloc_small(size) : alloc_huge(size);
}

void
pages_free(void *p, size_t size)
{
    if (p == NULL)
        return;
    if (size < PAGES_HUGE)
        free(p);
    else
        munmap(p, round_up(size, PAGES_HUGE));
}
