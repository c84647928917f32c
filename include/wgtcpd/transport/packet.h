/* SPDX-License-Identifier: BSD-3-Clause */
/* What we keep in an mbuf's private area, and queues of mbufs linked through it. */
#ifndef WGTCPD_TRANSPORT_PACKET_H
#define WGTCPD_TRANSPORT_PACKET_H

#include <rte_mbuf.h>

#include <wgtcpd/queue/fq_codel.h>
#include <wgtcpd/tcp/tcp.h>

/* A packet that came beyond a hole and waits for what lies before it. */
struct packet_hold {
    uint32_t seq;        /* its place in the stream */
    uint32_t inner_flow; /* hash */
    wgt_time until;      /* when it waits no longer */
};

/* Every packet pool is made with this as its private size. */
struct packet_meta {
    union {
        struct tcp_chunk chunk;   /* while lent to a TCP connection */
        struct packet_hold hold;  /* while it waits for order */
        struct fq_packet waiting; /* while it waits to be sealed */
    };
    uint8_t ecn;           /* of the datagram it came in */
    bool sent;             /* lent to a TCP connection, to be sent */
    uint8_t handed, link;  /* while between two workers (handover.h) */
    struct rte_mbuf *next; /* while on a packet_queue */
};

enum { PACKET_META_SIZE = RTE_ALIGN_CEIL(sizeof(struct packet_meta), RTE_MBUF_PRIV_ALIGN) };

/* Of a pool, for each of those who keep packets for long: what waits to be sealed, what was sent
 * and is not acknowledged, what lies beyond holes, what waits for order. An eighth remains for what
 * moves and for the ports' queues. */
static inline uint32_t
packet_share(const struct rte_mempool *pool)
{
    return pool->size / 32 * 7;
}

static inline struct packet_meta *
packet_meta(struct rte_mbuf *m)
{
    return rte_mbuf_to_priv(m);
}

static inline struct rte_mbuf *
packet_of_chunk(struct tcp_chunk *chunk)
{
    return (struct rte_mbuf *)WGT_CONTAINER_OF(chunk, struct packet_meta, chunk) - 1;
}

static inline struct rte_mbuf *
packet_of_waiting(struct fq_packet *waiting)
{
    return (struct rte_mbuf *)WGT_CONTAINER_OF(waiting, struct packet_meta, waiting) - 1;
}

/* Makes data..data+len the packet's bytes; they lie in its buffer already. */
static inline void
packet_set(struct rte_mbuf *m, const uint8_t *data, size_t len)
{
    m->data_off = (uint16_t)(data - (const uint8_t *)m->buf_addr);
    m->data_len = (uint16_t)len;
    m->pkt_len = (uint32_t)len;
}

/* Bytes that still fit behind p within the packet's buffer. */
static inline size_t
packet_room_behind(const struct rte_mbuf *m, const uint8_t *p)
{
    return (size_t)((const uint8_t *)m->buf_addr + m->buf_len - p);
}

struct packet_queue {
    struct rte_mbuf *head, **tail;
    uint32_t count;
};

static inline void
packet_queue_init(struct packet_queue *q)
{
    q->head = NULL;
    q->tail = &q->head;
    q->count = 0;
}

static inline void
packet_queue_push(struct packet_queue *q, struct rte_mbuf *m)
{
    packet_meta(m)->next = NULL;
    *q->tail = m;
    q->tail = &packet_meta(m)->next;
    q->count++;
}

static inline struct rte_mbuf *
packet_queue_pop(struct packet_queue *q)
{
    struct rte_mbuf *m = q->head;

    if (m == NULL)
        return NULL;
    q->head = packet_meta(m)->next;
    if (q->head == NULL)
        q->tail = &q->head;
    q->count--;
    return m;
}

/* Frees all packets; returns how many there were. */
static inline uint32_t
packet_queue_purge(struct packet_queue *q)
{
    uint32_t n = q->count;

    for (struct rte_mbuf *m; (m = packet_queue_pop(q)) != NULL;)
        rte_pktmbuf_free(m);
    return n;
}

#endif
