/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages of a worker's that others may seal or open for it, in batches. The worker puts batches
 * in at one end and takes finished ones off the other, in the same order; in between whoever comes
 * by takes the oldest that nobody has taken, the worker itself being one of them, and does their
 * AEAD: nothing else of keys, peers and packets is looked at by others. There is no lock, and
 * nobody has to come by: what others do not take, the worker does.
 */
#ifndef WGTCPD_TUNNEL_CRYPTO_QUEUE_H
#define WGTCPD_TUNNEL_CRYPTO_QUEUE_H

#include <rte_mbuf.h>

#include <wgtcpd/noise/noise.h>
#include <wgtcpd/transport/path.h>

/* Half a burst a batch, so that two can share it; and how many batches there may be. */
enum { CRYPTO_BATCH = 16, CRYPTO_QUEUE_SIZE = 32 };

enum crypto_kind { CRYPTO_SEAL, CRYPTO_OPEN, CRYPTO_KINDS };

/* What the worker keeps of a message until it comes back. */
struct crypto_message {
    struct rte_mbuf *m;
    struct path path; /* where it goes, or came from */
    uint8_t ecn;      /* to seal: of the datagram */
    bool twice;       /* to seal: of tcp_flow_send */
};

struct crypto_batch {
    /* worker: rw; but while the batch is taken, whoever has taken it */
    enum crypto_kind kind;
    unsigned n;
    union {
        struct noise_sealing seal[CRYPTO_BATCH];
        struct noise_opening open[CRYPTO_BATCH];
    };
    /* worker: rw */
    struct crypto_message of[CRYPTO_BATCH];
    bool done __rte_cache_aligned;
};

struct crypto_queue {
    /* worker: rw */
    struct crypto_batch *batches;
    enum crypto_kind kind;
    uint32_t reaped; /* batches, counted from the beginning; as the next two */
    /* worker: rw, others: ro */
    uint32_t submitted __rte_cache_aligned;
    /* all: rw */
    uint32_t taken __rte_cache_aligned;
};

/* 0 or -ENOMEM. */
int crypto_queue_init(struct crypto_queue *q, enum crypto_kind kind);
/* Nobody comes by any more. What lies in it must have been dropped. */
void crypto_queue_fini(struct crypto_queue *q);

/* --- the worker's ------------------------------------------------------------------------------
 */

/* An empty batch to fill in; NULL: none is free. */
struct crypto_batch *crypto_queue_next(struct crypto_queue *q);
/* What crypto_queue_next gave is for others from here on. */
void crypto_queue_submit(struct crypto_queue *q);
/* The oldest batch, once it is done; NULL: it is not, or there is none. */
struct crypto_batch *crypto_queue_done(const struct crypto_queue *q);
/* The oldest batch, done or not; NULL: there is none. */
struct crypto_batch *crypto_queue_oldest(const struct crypto_queue *q);
/* The worker has seen to the oldest batch. */
void crypto_queue_reap(struct crypto_queue *q);

static inline unsigned
crypto_queue_count(const struct crypto_queue *q)
{
    return q->submitted - q->reaped;
}

static inline bool
crypto_queue_is_empty(const struct crypto_queue *q)
{
    return crypto_queue_count(q) == 0;
}

/* --- anybody's ---------------------------------------------------------------------------------
 */

/* Batches that nobody has taken. */
unsigned crypto_queue_waiting(const struct crypto_queue *q);
/* The oldest of them, for crypto_batch_run; NULL: there is none. */
struct crypto_batch *crypto_queue_take(struct crypto_queue *q);
/* Seals or opens its messages; it is the worker's afterwards. Returns how many messages it had. */
unsigned crypto_batch_run(struct crypto_batch *b);

#endif
