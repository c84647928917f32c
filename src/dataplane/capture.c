/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/dataplane/capture.h>

#include <stdlib.h>

struct capture *
capture_new(uint32_t ports, uint32_t snaplen)
{
    struct capture *c = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*c));
    size_t slot = RTE_ALIGN_CEIL(sizeof(struct capture_packet) + snaplen, sizeof(wgt_time));

    if (c == NULL)
        return NULL;
    *c = (struct capture){.ports = ports, .snaplen = snaplen, .slot = slot};
    c->slots = malloc(CAPTURE_SLOTS * slot);
    if (c->slots != NULL)
        return c;
    free(c);
    return NULL;
}

void
capture_free(struct capture *c)
{
    if (c == NULL)
        return;
    free(c->slots);
    free(c);
}

static struct capture_packet *
slot_of(const struct capture *c, uint32_t i)
{
    return (struct capture_packet *)(void *)(c->slots + i % CAPTURE_SLOTS * c->slot);
}

static void
copy(const struct capture *c, struct capture_packet *to, const struct rte_mbuf *m)
{
    const uint8_t *from;

    to->at = __atomic_load_n(&c->now, __ATOMIC_RELAXED);
    to->len = rte_pktmbuf_pkt_len(m);
    to->captured = to->len < c->snaplen ? to->len : c->snaplen;
    from = rte_pktmbuf_read(m, 0, to->captured, to->data);
    if (from != to->data) /* else it was in parts, and rte_pktmbuf_read has put them there */
        memcpy(to->data, from, to->captured);
}

static void
write_burst(struct capture *c, unsigned port, bool out, struct rte_mbuf *const *packets, unsigned n)
{
    uint32_t tail = __atomic_load_n(&c->tail, __ATOMIC_ACQUIRE);

    for (unsigned i = 0; i < n; i++) {
        struct capture_packet *p;

        if (c->head - tail == CAPTURE_SLOTS) {
            __atomic_store_n(&c->missed[port], c->missed[port] + n - i, __ATOMIC_RELAXED);
            return;
        }
        p = slot_of(c, c->head);
        p->port = (uint16_t)port;
        p->out = out;
        copy(c, p, packets[i]);
        __atomic_store_n(&c->head, c->head + 1, __ATOMIC_RELEASE);
    }
}

void
capture_burst(struct capture *c, unsigned port, bool out, struct rte_mbuf *const *packets,
              unsigned n)
{
    if ((c->ports & UINT32_C(1) << port) == 0)
        return;
    rte_spinlock_lock(&c->writer);
    write_burst(c, port, out, packets, n);
    rte_spinlock_unlock(&c->writer);
}

const struct capture_packet *
capture_peek(const struct capture *c)
{
    return __atomic_load_n(&c->head, __ATOMIC_ACQUIRE) == c->tail ? NULL : slot_of(c, c->tail);
}

void
capture_next(struct capture *c)
{
    __atomic_store_n(&c->tail, c->tail + 1, __ATOMIC_RELEASE);
}

uint64_t
capture_missed(const struct capture *c, unsigned port)
{
    return __atomic_load_n(&c->missed[port], __ATOMIC_RELAXED);
}
