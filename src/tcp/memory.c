/* SPDX-License-Identifier: BSD-3-Clause */
/* Records that all connections of a worker draw from. */
#include "internal.h"

void
tcp_memory_init(struct tcp_memory *m, union tcp_record *records, uint32_t n)
{
    *m = (struct tcp_memory){.n = n, .chunks_max = UINT32_MAX};
    for (uint32_t i = n; i-- > 0;)
        tcp_record_put(m, &records[i]);
}

union tcp_record *
tcp_record_get(struct tcp_memory *m)
{
    union tcp_record *r = m != NULL ? m->free : NULL;

    if (r == NULL)
        return NULL;
    m->free = r->next;
    m->n_free--;
    return r;
}

void
tcp_record_put(struct tcp_memory *m, union tcp_record *r)
{
    r->next = m->free;
    m->free = r;
    m->n_free++;
}
