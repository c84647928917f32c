/* SPDX-License-Identifier: BSD-3-Clause */
#include "crypto.h"

enum { TURNS_MAX = 4 };

void
crypto_crew_init(struct crypto_crew *c, unsigned n, uint64_t seed)
{
    *c = (struct crypto_crew){.n = n, .chance = prng_fork(seed, 'c')};
}

static void
finish(struct crypto_crew *c, struct crypto_hand *h)
{
    for (unsigned i = 0; i < c->n; i++)
        if (c->hands[i].batch != NULL && c->hands[i].batch < h->batch) {
            c->late++;
            break;
        }
    crypto_batch_run(h->batch);
    h->batch = NULL;
    c->batches++;
}

static void
take(struct crypto_crew *c, struct crypto_hand *h, struct tunnel *const *tunnels, unsigned n)
{
    unsigned first = (unsigned)prng_below(&c->chance, n * CRYPTO_KINDS);

    for (unsigned i = 0; i < n * CRYPTO_KINDS && h->batch == NULL; i++) {
        unsigned k = (first + i) % (n * CRYPTO_KINDS);

        h->batch = crypto_queue_take(&tunnels[k / CRYPTO_KINDS]->crypto->queues[k % CRYPTO_KINDS]);
    }
    h->turn = c->turn + 1 + prng_below(&c->chance, TURNS_MAX);
}

void
crypto_crew_run(struct crypto_crew *c, struct tunnel *const *tunnels, unsigned n)
{
    c->turn++;
    for (unsigned i = 0; i < c->n; i++) {
        struct crypto_hand *h = &c->hands[i];

        if (h->batch != NULL && h->turn <= c->turn)
            finish(c, h);
        if (h->batch == NULL && !c->idle && prng_below(&c->chance, 3) != 0)
            take(c, h, tunnels, n);
    }
}

void
crypto_crew_finish(struct crypto_crew *c)
{
    for (unsigned i = 0; i < c->n; i++)
        if (c->hands[i].batch != NULL)
            finish(c, &c->hands[i]);
}
