/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Regions are sodium_malloc's: guard pages, a canary, mlock, MADV_DONTDUMP. That takes four pages
 * at least and a system call for each, so small pieces are cut from large regions, and what comes
 * back waits in a list by its size. Regions of small pieces are kept.
 *
 * Under a sanitizer the C library serves: what a region hides from it, it could not watch.
 */
#include <wgtcpd/vault/vault.h>

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <wgtcpd/base/sanitizer.h>

enum {
    SMALL_MAX = 16384, /* a session is one: a process may have some 65,000 mappings */
    SIZES = SMALL_MAX / VAULT_ALIGNMENT,
    REGION_FIRST = 64 << 10, /* each twice the one before */
    REGION_MAX = 4 << 20,
};

struct piece {
    struct piece *next;
};

static struct {
    pthread_mutex_t mutex;
    struct piece *free[SIZES + 1]; /* of so many times VAULT_ALIGNMENT */
    char *at;                      /* the present region's rest */
    size_t left, next_region;
    bool unlocked; /* some region could not be locked */
} vault = {.mutex = PTHREAD_MUTEX_INITIALIZER, .next_region = REGION_FIRST};

/* A multiple of the alignment; 0: there is none. */
static size_t
round_up(size_t size)
{
    if (size > SIZE_MAX - VAULT_ALIGNMENT)
        return 0;
    return (size + VAULT_ALIGNMENT - 1) / VAULT_ALIGNMENT * VAULT_ALIGNMENT;
}

/* sodium_malloc's end lies at the end of a page: what it gives is aligned as its size is. */
static void *
new_region(size_t size)
{
    void *region = sodium_init() >= 0 ? sodium_malloc(size) : NULL;

    /* It does not tell whether it could lock; to lock twice is harmless. */
    if (region != NULL && mlock(region, size) != 0)
        vault.unlocked = true;
    return region;
}

static bool
extend(void)
{
    char *region = new_region(vault.next_region);

    if (region == NULL)
        return false;
    vault.at = region; /* what was left of the other is less than a piece */
    vault.left = vault.next_region;
    if (vault.next_region < REGION_MAX)
        vault.next_region *= 2;
    return true;
}

static void *
cut(size_t size)
{
    void *p;

    if (vault.left < size && !extend())
        return NULL;
    p = vault.at;
    vault.at += size;
    vault.left -= size;
    return p;
}

static void *
take_small(size_t size)
{
    struct piece **list = &vault.free[size / VAULT_ALIGNMENT], *p = *list;

    if (p == NULL)
        return cut(size);
    *list = p->next;
    return p;
}

void *
vault_alloc(size_t size)
{
    size_t rounded = round_up(size != 0 ? size : 1);
    void *p;

    if (rounded == 0)
        return NULL;
    pthread_mutex_lock(&vault.mutex);
    if (SANITIZED)
        p = aligned_alloc(VAULT_ALIGNMENT, rounded);
    else
        p = rounded <= SMALL_MAX ? take_small(rounded) : new_region(rounded);
    pthread_mutex_unlock(&vault.mutex);
    if (p != NULL)
        memset(p, 0, rounded);
    return p;
}

static void
give_back(void *p, size_t rounded)
{
    struct piece *piece = p;

    if (rounded > SMALL_MAX) {
        sodium_free(p);
        return;
    }
    pthread_mutex_lock(&vault.mutex);
    piece->next = vault.free[rounded / VAULT_ALIGNMENT];
    vault.free[rounded / VAULT_ALIGNMENT] = piece;
    pthread_mutex_unlock(&vault.mutex);
}

void
vault_free(void *p, size_t size)
{
    if (p == NULL)
        return;
    sodium_memzero(p, size);
    if (SANITIZED)
        free(p);
    else
        give_back(p, round_up(size != 0 ? size : 1));
}

bool
vault_is_locked(void)
{
    bool locked;

    pthread_mutex_lock(&vault.mutex);
    locked = !vault.unlocked;
    pthread_mutex_unlock(&vault.mutex);
    return locked;
}
