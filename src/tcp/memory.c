/* SPDX-License-Identifier: BSD-3-Clause */
/* Records that all connections of a worker draw from. */
#include "internal.h"

static void
put(struct tcp_memory *m, union tcp_record *r)
{
    r->next = m->free;
    m->free = r;
    m->n_free++;
}

void
tcp_memory_init(struct tcp_memory *m, union tcp_record *records, uint32_t n)
{
    *m = (struct tcp_memory){.n = n, .chunks_max = UINT32_MAX};
    for (uint32_t i = n; i-- > 0;)
        put(m, &records[i]);
}

bool
tcp_record_available(const struct tcp_conn *c)
{
    const struct tcp_memory *m = c->options.memory;

    return m != NULL && m->free != NULL && c->n_records < m->n_free;
}

union tcp_record *
tcp_record_get(struct tcp_conn *c)
{
    struct tcp_memory *m = c->options.memory;
    union tcp_record *r;

    if (!tcp_record_available(c))
        return NULL;
    r = m->free;
    m->free = r->next;
    m->n_free--;
    c->n_records++;
    return r;
}

void
tcp_record_put(struct tcp_conn *c, union tcp_record *r)
{
    put(c->options.memory, r);
    c->n_records--;
}
