/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lcores that seal and open for the workers (CryptoWorkers = N): each goes round the queues of all
 * workers and does the AEAD of what lies there. They look at nothing of the tunnels but these
 * queues, have no ports and no timers, and sleep when there is nothing to do.
 */
#ifndef WGTCPD_DATAPLANE_CRYPTO_WORKER_H
#define WGTCPD_DATAPLANE_CRYPTO_WORKER_H

#include <wgtcpd/tunnel/crypto_queue.h>
#include <wgtcpd/tunnel/messages.h>

enum { CRYPTO_WORKERS_MAX = 16 };

/* Written by the crypto worker; whoever reads them (crypto_worker_stats) finds each whole. */
struct crypto_worker_stats {
    uint64_t batches, messages, sleeps;
};

struct crypto_crew;

struct crypto_worker {
    /* control: rw before the start, ro after */
    struct crypto_crew *crew;
    unsigned id;
    int wake_fd;
    /* crypto worker: rw */
    struct crypto_worker_stats stats __rte_cache_aligned;
};

struct crypto_crew {
    /* control: rw before the start, ro after */
    unsigned n, n_queues;
    struct crypto_queue *queues[TUNNEL_WORKERS_MAX * CRYPTO_KINDS];
    struct crypto_worker workers[CRYPTO_WORKERS_MAX];
    bool adaptive;                     /* sleep when idle */
    void (*on_start)(const void *ctx); /* as of struct worker; may be NULL */
    const void *on_start_ctx;

    bool quit __rte_cache_aligned; /* control: rw, crypto workers: ro */
    /* bit i: crypto worker i sleeps, or is about to. All: rw, but only around a sleep. */
    uint32_t sleeping __rte_cache_aligned;
};

/* n crypto workers without queues. 0 or -errno. */
int crypto_crew_init(struct crypto_crew *c, unsigned n, bool adaptive);
void crypto_crew_fini(struct crypto_crew *c);
/* Before they run. */
void crypto_crew_add(struct crypto_crew *c, struct crypto_queue *q);

/* The lcore's main function (arg: struct crypto_worker). Returns when quit is set, with nothing
 * half done. */
int crypto_worker_main(void *arg);
/* One look at every queue. Returns how many messages there were. */
unsigned crypto_worker_turn(struct crypto_worker *w);

/* A worker has put something into a queue: one who sleeps is woken. */
void crypto_crew_wake(struct crypto_crew *c);
/* From the control thread: they come to an end, with what they have taken done. */
void crypto_crew_quit(struct crypto_crew *c);
/* From any thread. */
struct crypto_worker_stats crypto_worker_stats(const struct crypto_worker *w);

#endif
