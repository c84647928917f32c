/* SPDX-License-Identifier: BSD-3-Clause */
/* What all connections of a worker draw from. */
#include "internal.h"

const struct tcp_tx tcp_tx_idle = {
    .persist_at = WGT_NEVER, .pace_wake = WGT_NEVER, .rack_at = WGT_NEVER, .tlp_at = WGT_NEVER};

static void
put(struct tcp_memory *m, union tcp_record *r)
{
    r->next = m->free;
    m->free = r;
    m->n_free++;
}

void
tcp_memory_init(struct tcp_memory *m, union tcp_record *records, uint32_t n, struct tcp_tx *tx,
                uint32_t n_tx)
{
    *m = (struct tcp_memory){.n = n, .tx = tx, .tx_fresh = n_tx, .chunks_max = UINT32_MAX};
    for (uint32_t i = n; i-- > 0;)
        put(m, &records[i]);
}

bool
tcp_record_available(const struct tcp_conn *c)
{
    const struct tcp_memory *m = c->memory;

    return m != NULL && m->free != NULL && c->n_records < m->n_free;
}

union tcp_record *
tcp_record_replace(struct tcp_conn *c)
{
    struct tcp_memory *m = c->memory;
    union tcp_record *r = m->free;

    m->free = r->next;
    m->n_free--;
    c->n_records++;
    return r;
}

union tcp_record *
tcp_record_get(struct tcp_conn *c)
{
    return tcp_record_available(c) ? tcp_record_replace(c) : NULL;
}

void
tcp_record_put(struct tcp_conn *c, union tcp_record *r)
{
    put(c->memory, r);
    c->n_records--;
}

/* Who is idle only reads it: a write would be a fault. */
void
tcp_tx_none(struct tcp_conn *c)
{
    c->tx = (struct tcp_tx *)(uintptr_t)&tcp_tx_idle;
}

bool
tcp_tx_begin(struct tcp_conn *c)
{
    struct tcp_memory *m = c->memory;

    if (tcp_is_busy(c))
        return true;
    if (m == NULL || (m->tx_free == NULL && m->tx_fresh == 0))
        return false;
    if (m->tx_free != NULL) {
        c->tx = m->tx_free;
        m->tx_free = c->tx->next_free;
    } else {
        c->tx = &m->tx[--m->tx_fresh];
    }
    m->n_busy++;
    *c->tx = tcp_tx_idle;
    c->tx->fack = c->tx->lost_high = c->snd_una;
    return true;
}

void
tcp_tx_end(struct tcp_conn *c)
{
    struct tcp_memory *m = c->memory;

    if (!tcp_is_busy(c))
        return;
    c->tx->next_free = m->tx_free;
    m->tx_free = c->tx;
    m->n_busy--;
    tcp_tx_none(c);
}

static void
prefetch_lines(const void *from, const void *end)
{
    for (const char *line = from; line < (const char *)end; line += 64)
        __builtin_prefetch(line);
}

void
tcp_prefetch(const struct tcp_conn *c)
{
    prefetch_lines(c, &c->rack);
    prefetch_lines(&c->ready, c + 1);
}

void
tcp_prefetch_busy(const struct tcp_conn *c)
{
    if (!tcp_is_busy(c))
        return;
    prefetch_lines(c->tx, c->tx + 1);
    prefetch_lines(&c->rack, &c->ready);
}
