/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory for what has keys in it: never in a core dump, nor (as far as the limit on locked memory
 * goes) in swap space; inaccessible pages before and behind; wiped when it is given back. Small
 * pieces share regions, for a million peers have no pages of their own. Any thread may call.
 */
#ifndef WGTCPD_VAULT_VAULT_H
#define WGTCPD_VAULT_VAULT_H

#include <stdbool.h>
#include <stddef.h>

enum { VAULT_ALIGNMENT = 64 };

/* Zeroed memory, aligned to VAULT_ALIGNMENT; NULL: there is none. */
void *vault_alloc(size_t size);
/* Wipes it and takes it back: size is what vault_alloc was given; p may be NULL. */
void vault_free(void *p, size_t size);
/* Whether all that was given out so far stays out of swap space. */
bool vault_is_locked(void);

#endif
