/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bursts whose messages others seal or open (CryptoWorkers = N). Counters are taken before, in the
 * order of the packets; the window, the peer and the packet are seen to afterwards, in the order in
 * which messages came. Both by the worker, which takes finished batches off the queue's one end
 * only: who was first to finish changes nothing.
 *
 * A keypair counts its messages that are in flight. Retired with some, it dies with the last; they
 * are dropped. A peer is not told to be removed while a keypair is dying, and does not leave for
 * another worker before all is back.
 *
 * A connection knows what it is promised: messages that have a counter, but no place in its stream
 * yet. They find it again by their path, or that it has ended. Of what comes on connections only
 * that in order is here: who hands on anything else first has all delivered (receive_settle).
 */
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

/* Places for a burst. */
enum { BATCHES_PER_BURST = TUNNEL_BURST / CRYPTO_BATCH };

_Static_assert(TUNNEL_BURST % CRYPTO_BATCH == 0, "a burst's batches");
_Static_assert(CRYPTO_KINDS *CRYPTO_QUEUE_SIZE *CRYPTO_BATCH + TUNNEL_BURST <= UINT16_MAX,
               "in_flight counts");

int
fan_out_init(struct tunnel *t)
{
    struct tunnel_crypto *c = aligned_alloc(_Alignof(struct tunnel_crypto), sizeof(*c));

    if (c == NULL)
        return -ENOMEM;
    *c = (struct tunnel_crypto){.enough = CRYPTO_BATCH + 1, .backlog = t->config.n_crypto + 1};
    t->crypto = c;
    for (enum crypto_kind kind = 0; kind < CRYPTO_KINDS; kind++)
        if (crypto_queue_init(&c->queues[kind], kind) != 0)
            return -ENOMEM;
    return 0;
}

/* --- back from others ----------------------------------------------------------------------------
 */

/* Whether the keypair still lives. */
static bool
is_back(struct tunnel *t, struct noise_keypair *k)
{
    k->in_flight--;
    if (likely(!k->retired))
        return true;
    if (k->in_flight == 0) {
        t->crypto->n_dying--;
        session_bury(t, k);
    }
    return false;
}

static void
send_one(struct tunnel *t, wgt_time now, const struct noise_sealing *s,
         struct crypto_message *message)
{
    struct tcp_flow *f = tcp_flow_of(&message->path);
    bool lives = is_back(t, s->keypair);

    if (f != NULL)
        tcp_flow_redeem(&t->tcp, f, rte_pktmbuf_pkt_len(message->m));
    if (unlikely(!lives || !s->sealed))
        tunnel_drop(t, WGT_DROP_DATA_EXPIRED, message->m);
    else
        path_send(t, now, &message->path, message->m, message->ecn, message->twice);
}

static void
deliver_one(struct tunnel *t, wgt_time now, struct noise_opening *o, struct crypto_message *message)
{
    if (unlikely(!is_back(t, o->keypair)))
        o->why = WGT_DROP_DATA_INDEX;
    else
        noise_open_accept(o);
    if (likely(o->why == WGT_OK))
        receive_opened(t, now, o->keypair, &message->path, message->m);
    else
        tunnel_drop(t, o->why, message->m);
}

static unsigned
send_done(struct tunnel *t, wgt_time now)
{
    struct crypto_queue *q = &t->crypto->queues[CRYPTO_SEAL];
    struct crypto_batch *b;
    unsigned n = 0;

    for (; (b = crypto_queue_done(q)) != NULL; n += b->n, crypto_queue_reap(q))
        for (unsigned i = 0; i < b->n; i++)
            send_one(t, now, &b->seal[i], &b->of[i]);
    return n;
}

static unsigned
deliver_done(struct tunnel *t, wgt_time now)
{
    struct crypto_queue *q = &t->crypto->queues[CRYPTO_OPEN];
    struct crypto_batch *b;
    unsigned n = 0;

    for (; (b = crypto_queue_done(q)) != NULL; n += b->n, crypto_queue_reap(q))
        for (unsigned i = 0; i < b->n; i++)
            deliver_one(t, now, &b->open[i], &b->of[i]);
    return n;
}

/* --- to others -----------------------------------------------------------------------------------
 */

static bool
do_one(struct tunnel_crypto *c, struct crypto_queue *q)
{
    struct crypto_batch *b = crypto_queue_take(q);

    if (b == NULL)
        return false;
    crypto_batch_run(b);
    c->stats.own++;
    return true;
}

/* Until the oldest batch is done: by us, if nobody has it. */
static void
finish_oldest(struct tunnel *t, struct crypto_queue *q)
{
    struct tunnel_crypto *c = t->crypto;
    bool waits = false;

    while (crypto_queue_done(q) == NULL) {
        if (do_one(c, q))
            continue;
        c->stats.waits += !waits;
        waits = true;
        if (c->await != NULL)
            c->await(t->outer.ctx);
        else
            rte_pause();
    }
}

/* An empty batch. Sending what is done needs nothing of the tunnel's and may happen at any time;
 * for what is received room has been made. */
static struct crypto_batch *
next_batch(struct tunnel *t, wgt_time now, struct crypto_queue *q)
{
    struct crypto_batch *b;

    while ((b = crypto_queue_next(q)) == NULL) {
        finish_oldest(t, q);
        send_done(t, now);
    }
    return b;
}

/* More than others can begin with at once is not left to them. */
static void
submit(struct tunnel *t, struct crypto_queue *q, const struct crypto_batch *b)
{
    struct tunnel_crypto *c = t->crypto;

    c->fed[q->kind] = true;
    c->stats.batches++;
    c->stats.messages += b->n;
    crypto_queue_submit(q);
    if (c->wake != NULL)
        c->wake(t->outer.ctx);
    while (crypto_queue_waiting(q) > c->backlog && do_one(c, q))
        ;
}

/* What comes behind something in flight stays behind it, however little. */
static bool
is_worth_it(struct tunnel_crypto *c, const struct crypto_queue *q, unsigned n)
{
    if (n >= c->enough || !crypto_queue_is_empty(q))
        return n > 0;
    c->stats.at_once += n;
    return false;
}

static void
share_staged(struct tunnel *t, wgt_time now, struct crypto_queue *q)
{
    const struct tunnel_staged *from = &t->crypto->staged;
    struct crypto_batch *b;

    for (unsigned i = 0; i < from->n; i += b->n) {
        b = next_batch(t, now, q);
        for (; b->n < CRYPTO_BATCH && i + b->n < from->n; b->n++) {
            b->seal[b->n] = from->s[i + b->n];
            b->of[b->n] = from->of[i + b->n];
        }
        submit(t, q, b);
    }
}

static void
send_staged(struct tunnel *t, wgt_time now)
{
    struct tunnel_staged *from = &t->crypto->staged;

    noise_seal_many(from->s, from->n);
    for (unsigned i = 0; i < from->n; i++)
        send_one(t, now, &from->s[i], &from->of[i]);
}

void
fan_out_flush(struct tunnel *t, wgt_time now)
{
    struct crypto_queue *q = &t->crypto->queues[CRYPTO_SEAL];

    if (is_worth_it(t->crypto, q, t->crypto->staged.n))
        share_staged(t, now, q);
    else
        send_staged(t, now);
    t->crypto->staged.n = 0;
}

void
fan_out_seal(struct tunnel *t, wgt_time now, const struct noise_sealing *s,
             const struct crypto_message *message)
{
    struct tunnel_staged *to = &t->crypto->staged;
    struct tcp_flow *f = tcp_flow_of(&message->path);

    to->s[to->n] = *s;
    to->of[to->n++] = *message;
    s->keypair->in_flight++;
    if (f != NULL)
        tcp_flow_promise(&t->tcp, f, rte_pktmbuf_pkt_len(message->m));
    if (to->n == TUNNEL_BURST)
        fan_out_flush(t, now);
}

void
fan_out_seal_burst(struct tunnel *t, wgt_time now)
{
    struct tunnel_sealing *b = &t->sealing;

    for (unsigned i = 0; i < b->n; i++) {
        struct crypto_message message = {
            .m = b->m[i], .path = b->peer[i]->path.path, .ecn = b->ecn[i]};

        fan_out_seal(t, now, &b->s[i], &message);
    }
    b->n = 0;
    fan_out_flush(t, now);
}

void
fan_out_make_room(struct tunnel *t, wgt_time now)
{
    struct crypto_queue *q = &t->crypto->queues[CRYPTO_OPEN];

    deliver_done(t, now);
    while (CRYPTO_QUEUE_SIZE - crypto_queue_count(q) < BATCHES_PER_BURST) {
        finish_oldest(t, q);
        deliver_done(t, now);
    }
}

bool
fan_out_open(struct tunnel *t, wgt_time now, const struct received_message *messages,
             const struct noise_opening *o, unsigned n)
{
    struct crypto_queue *q = &t->crypto->queues[CRYPTO_OPEN];
    struct crypto_batch *b;

    if (!is_worth_it(t->crypto, q, n))
        return false;
    for (unsigned i = 0; i < n; i += b->n) {
        b = next_batch(t, now, q);
        for (; b->n < CRYPTO_BATCH && i + b->n < n; b->n++) {
            b->open[b->n] = o[i + b->n];
            b->of[b->n].m = messages[i + b->n].m;
            b->of[b->n].path = *messages[i + b->n].from;
            o[i + b->n].keypair->in_flight++;
        }
        submit(t, q, b);
    }
    return true;
}

/* --- the loop's turn -----------------------------------------------------------------------------
 */

unsigned
fan_out_run(struct tunnel *t, wgt_time now)
{
    struct tunnel_crypto *c = t->crypto;
    unsigned n = send_done(t, now) + deliver_done(t, now);

    for (enum crypto_kind kind = 0; kind < CRYPTO_KINDS; kind++) {
        if (!c->fed[kind])
            do_one(c, &c->queues[kind]);
        c->fed[kind] = false;
    }
    return n + send_done(t, now) + deliver_done(t, now);
}

void
fan_out_finish_receiving(struct tunnel *t, wgt_time now)
{
    struct crypto_queue *q = &t->crypto->queues[CRYPTO_OPEN];

    for (; !crypto_queue_is_empty(q); deliver_done(t, now))
        finish_oldest(t, q);
}

void
fan_out_drain(struct tunnel *t, wgt_time now)
{
    struct crypto_queue *q = &t->crypto->queues[CRYPTO_SEAL];

    fan_out_finish_receiving(t, now);
    for (fan_out_flush(t, now); !crypto_queue_is_empty(q); send_done(t, now))
        finish_oldest(t, q);
}

/* Who takes batches has stopped: they are as they were taken, or done. */
static void
drop_all(struct tunnel *t, struct crypto_queue *q)
{
    struct crypto_batch *b;

    for (; (b = crypto_queue_oldest(q)) != NULL; crypto_queue_reap(q))
        for (unsigned i = 0; i < b->n; i++) {
            is_back(t, q->kind == CRYPTO_SEAL ? b->seal[i].keypair : b->open[i].keypair);
            rte_pktmbuf_free(b->of[i].m);
        }
}

void
fan_out_fini(struct tunnel *t)
{
    struct tunnel_staged *staged;

    if (t->crypto == NULL)
        return;
    staged = &t->crypto->staged;
    for (unsigned i = 0; i < staged->n; i++) {
        is_back(t, staged->s[i].keypair);
        rte_pktmbuf_free(staged->of[i].m);
    }
    for (enum crypto_kind kind = 0; kind < CRYPTO_KINDS; kind++) {
        if (t->crypto->queues[kind].batches != NULL)
            drop_all(t, &t->crypto->queues[kind]);
        crypto_queue_fini(&t->crypto->queues[kind]);
    }
    free(t->crypto);
    t->crypto = NULL;
}
