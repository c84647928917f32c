/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/dataplane/handover.h>

#include <errno.h>
#include <unistd.h>

int
handover_init(struct handover *h, const char *name, unsigned id, unsigned n_workers)
{
    char ring[RTE_RING_NAMESIZE];

    h->id = id;
    h->n_workers = n_workers;
    h->waiting = 0;
    h->given = 0;
    h->sleeping = false;
    for (unsigned i = 0; i < n_workers; i++) {
        h->out[i].n = 0;
        h->in[i] = NULL;
    }
    for (unsigned i = 0; i < n_workers; i++) {
        if (i == id)
            continue;
        snprintf(ring, sizeof(ring), "%.15s.%u-%u", name, i, id);
        h->in[i] =
            rte_ring_create(ring, HANDOVER_RING_SIZE, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
        if (h->in[i] == NULL) {
            handover_fini(h);
            return -ENOMEM;
        }
    }
    return 0;
}

void
handover_fini(struct handover *h)
{
    void *m;

    for (unsigned i = 0; i < h->n_workers; i++) {
        rte_pktmbuf_free_bulk(h->out[i].packets, h->out[i].n);
        h->out[i].n = 0;
        while (h->in[i] != NULL && rte_ring_dequeue(h->in[i], &m) == 0)
            rte_pktmbuf_free(m);
        rte_ring_free(h->in[i]);
        h->in[i] = NULL;
    }
}

/* --- giving -------------------------------------------------------------------------------------
 */

/* The fence pairs with that of handover_sleep: either we see that it sleeps, or it sees what we
 * have put into its ring. */
static void
wake(struct handover *receiver)
{
    uint64_t one = 1;
    ssize_t n;

    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!__atomic_load_n(&receiver->sleeping, __ATOMIC_RELAXED) ||
        !__atomic_exchange_n(&receiver->sleeping, false, __ATOMIC_RELAXED))
        return;
    n = write(receiver->wake_fd, &one, sizeof(one));
    (void)n; /* a full counter wakes as well */
}

static void
flush_to(struct handover *h, unsigned to)
{
    struct handover_batch *b = &h->out[to];
    unsigned n = rte_ring_enqueue_burst(h->all[to]->in[h->id], (void **)b->packets, b->n, NULL);

    wake(h->all[to]);
    if (unlikely(n < b->n)) {
        h->drops->n[WGT_DROP_WORKER_RING] += b->n - n;
        rte_pktmbuf_free_bulk(b->packets + n, b->n - n);
    }
    b->n = 0;
    h->waiting &= ~(UINT32_C(1) << to);
}

void
handover_give(struct handover *h, unsigned to, enum handed what, unsigned link, struct rte_mbuf *m)
{
    struct handover_batch *b = &h->out[to];

    packet_meta(m)->handed = (uint8_t)what;
    packet_meta(m)->link = (uint8_t)link;
    b->packets[b->n++] = m;
    h->given++;
    h->waiting |= UINT32_C(1) << to;
    if (b->n == HANDOVER_BURST)
        flush_to(h, to);
}

/* Nobody else may look at the headroom: a packet that has a second owner is copied. */
static struct rte_mbuf *
own(struct handover *h, struct rte_mbuf *m)
{
    struct rte_mbuf *copy = m;

    if (rte_mbuf_refcnt_read(m) > 1) {
        copy = rte_pktmbuf_copy(m, m->pool, 0, UINT32_MAX);
        if (copy != NULL)
            packet_meta(copy)->ecn = packet_meta(m)->ecn;
        rte_pktmbuf_free(m);
    }
    if (copy != NULL && rte_pktmbuf_headroom(copy) >= sizeof(struct path))
        return copy;
    wgt_drop_count(h->drops, WGT_DROP_NO_BUFFER);
    rte_pktmbuf_free(copy);
    return NULL;
}

void
handover_give_message(struct handover *h, unsigned to, const struct path *from, struct rte_mbuf *m)
{
    m = own(h, m);
    if (m == NULL)
        return;
    memcpy(rte_pktmbuf_mtod(m, uint8_t *) - sizeof(*from), from, sizeof(*from));
    handover_give(h, to, HANDED_MESSAGE, 0, m);
}

struct path
handover_path(const struct rte_mbuf *message)
{
    struct path from;

    memcpy(&from, rte_pktmbuf_mtod(message, const uint8_t *) - sizeof(from), sizeof(from));
    return from;
}

void
handover_give_all(struct handover *h, enum handed what, unsigned link, struct rte_mbuf *m)
{
    for (unsigned i = 0; i < h->n_workers; i++) {
        struct rte_mbuf *copy;

        if (i == h->id)
            continue;
        copy = rte_pktmbuf_copy(m, m->pool, 0, UINT32_MAX);
        if (copy != NULL)
            handover_give(h, i, what, link, copy);
        else
            wgt_drop_count(h->drops, WGT_DROP_NO_BUFFER);
    }
}

void
handover_flush(struct handover *h)
{
    while (h->waiting != 0)
        flush_to(h, (unsigned)__builtin_ctz(h->waiting));
}

/* --- taking -------------------------------------------------------------------------------------
 */

static unsigned
take_from(struct handover *h, unsigned from)
{
    void *packets[HANDOVER_BURST];
    unsigned n = rte_ring_dequeue_burst(h->in[from], packets, HANDOVER_BURST, NULL);

    for (unsigned i = 0; i < n; i++) {
        const struct packet_meta *meta = packet_meta(packets[i]);

        h->take(h->ctx, (enum handed)meta->handed, meta->link, packets[i]);
    }
    return n;
}

unsigned
handover_run(struct handover *h)
{
    unsigned n = 0;

    for (unsigned i = 0; i < h->n_workers; i++)
        if (i != h->id)
            n += take_from(h, i);
    return n;
}

/* --- sleeping -----------------------------------------------------------------------------------
 */

static bool
is_empty(const struct handover *h)
{
    for (unsigned i = 0; i < h->n_workers; i++)
        if (i != h->id && !rte_ring_empty(h->in[i]))
            return false;
    return true;
}

bool
handover_sleep(struct handover *h)
{
    __atomic_store_n(&h->sleeping, true, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (is_empty(h))
        return true;
    handover_awake(h);
    return false;
}

void
handover_awake(struct handover *h)
{
    __atomic_store_n(&h->sleeping, false, __ATOMIC_RELAXED);
}
