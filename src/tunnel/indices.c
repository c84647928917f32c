/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include <wgtcpd/base/pages.h>

#include "internal.h"

int
indices_init(struct index_table *t, uint32_t max_peers)
{
    uint32_t n = index_table_slots(max_peers * INDICES_PER_PEER);
    struct index_slot *slots = pages_alloc(n * sizeof(*slots));

    if (slots == NULL)
        return -ENOMEM;
    index_table_init(t, slots, n);
    return 0;
}

void
indices_fini(struct index_table *t)
{
    if (t->slots == NULL)
        return;
    pages_free(t->slots, ((size_t)t->mask + 1) * sizeof(*t->slots));
    *t = (struct index_table){0};
}
