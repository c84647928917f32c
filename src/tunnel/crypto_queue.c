/* SPDX-License-Identifier: BSD-3-Clause */
/* Three counts of batches, each at most the one before: submitted, taken, reaped. A place is used
 * anew only when its batch has been reaped, and that only when it is done; so who has taken one has
 * it alone, and the counts may wrap. */
#include <wgtcpd/tunnel/crypto_queue.h>

#include <errno.h>
#include <stdlib.h>

_Static_assert((CRYPTO_QUEUE_SIZE & (CRYPTO_QUEUE_SIZE - 1)) == 0, "places are masked");

static struct crypto_batch *
place(const struct crypto_queue *q, uint32_t number)
{
    return &q->batches[number & (CRYPTO_QUEUE_SIZE - 1)];
}

int
crypto_queue_init(struct crypto_queue *q, enum crypto_kind kind)
{
    *q = (struct crypto_queue){.kind = kind};
    q->batches = aligned_alloc(_Alignof(struct crypto_batch),
                               CRYPTO_QUEUE_SIZE * sizeof(struct crypto_batch));
    return q->batches != NULL ? 0 : -ENOMEM;
}

void
crypto_queue_fini(struct crypto_queue *q)
{
    free(q->batches);
    q->batches = NULL;
}

struct crypto_batch *
crypto_queue_next(struct crypto_queue *q)
{
    struct crypto_batch *b = place(q, q->submitted);

    if (crypto_queue_count(q) == CRYPTO_QUEUE_SIZE)
        return NULL;
    b->kind = q->kind;
    b->n = 0;
    b->done = false;
    return b;
}

void
crypto_queue_submit(struct crypto_queue *q)
{
    __atomic_store_n(&q->submitted, q->submitted + 1, __ATOMIC_RELEASE);
}

struct crypto_batch *
crypto_queue_oldest(const struct crypto_queue *q)
{
    return crypto_queue_is_empty(q) ? NULL : place(q, q->reaped);
}

struct crypto_batch *
crypto_queue_done(const struct crypto_queue *q)
{
    struct crypto_batch *b = crypto_queue_oldest(q);

    return b != NULL && __atomic_load_n(&b->done, __ATOMIC_ACQUIRE) ? b : NULL;
}

void
crypto_queue_reap(struct crypto_queue *q)
{
    q->reaped++;
}

unsigned
crypto_queue_waiting(const struct crypto_queue *q)
{
    /* Read first what is never ahead of the other. */
    uint32_t taken = __atomic_load_n(&q->taken, __ATOMIC_ACQUIRE);

    return __atomic_load_n(&q->submitted, __ATOMIC_ACQUIRE) - taken;
}

struct crypto_batch *
crypto_queue_take(struct crypto_queue *q)
{
    uint32_t taken = __atomic_load_n(&q->taken, __ATOMIC_ACQUIRE);

    do {
        if (taken == __atomic_load_n(&q->submitted, __ATOMIC_ACQUIRE))
            return NULL;
    } while (!__atomic_compare_exchange_n(&q->taken, &taken, taken + 1, false, __ATOMIC_ACQ_REL,
                                          __ATOMIC_ACQUIRE));
    return place(q, taken);
}

unsigned
crypto_batch_run(struct crypto_batch *b)
{
    unsigned n = b->n;

    if (b->kind == CRYPTO_SEAL)
        noise_seal_many(b->seal, n);
    else
        noise_open_aead(b->open, n);
    __atomic_store_n(&b->done, true, __ATOMIC_RELEASE);
    return n;
}
