/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What workers hand to one another: a ring of packets for each pair of them and direction, so that
 * each ring has one writer and one reader. Packets are collected per receiver and go in bursts; a
 * receiver that sleeps is woken. A full ring drops (WORKER_RING): nobody waits for anybody.
 */
#ifndef WGTCPD_DATAPLANE_HANDOVER_H
#define WGTCPD_DATAPLANE_HANDOVER_H

#include <rte_ring.h>

#include <wgtcpd/dataplane/steer.h>
#include <wgtcpd/transport/packet.h>
#include <wgtcpd/transport/path.h>

enum { HANDOVER_BURST = 32, HANDOVER_RING_SIZE = 2048 };

enum handed {
    HANDED_FRAME,   /* received on the link of that number: an Ethernet frame */
    HANDED_SEND,    /* the same, to be sent there */
    HANDED_INNER,   /* an inner packet on its way into the tunnel */
    HANDED_MESSAGE, /* a WireGuard message; its path lies in the headroom (handover_path) */
};

struct handover_batch {
    struct rte_mbuf *packets[HANDOVER_BURST];
    unsigned n;
};

struct handover {
    /* control: rw before the start, ro after */
    unsigned id, n_workers;
    struct handover *all[STEER_WORKERS_MAX]; /* by worker */
    struct rte_ring *in[STEER_WORKERS_MAX];  /* by who hands over; NULL: ourselves */
    int wake_fd;                             /* eventfd on which our worker sleeps */
    struct wgt_drop_counters *drops;
    void *ctx;
    /* Takes a packet that another worker has handed over. */
    void (*take)(void *ctx, enum handed what, unsigned link, struct rte_mbuf *m);

    /* worker: rw */
    struct handover_batch out[STEER_WORKERS_MAX]; /* by receiver */
    uint32_t waiting;                             /* bit i: out[i] is not empty */
    uint64_t given;                               /* packets */

    /* worker: rw, the others: rw. Alone on its cache line: it changes only around a sleep. */
    bool sleeping __rte_cache_aligned;
};

/* all, wake_fd, drops, ctx and take are the caller's. name: unique in the process. 0 or -ENOMEM. */
int handover_init(struct handover *h, const char *name, unsigned id, unsigned n_workers);
/* Frees what lies in the rings, and them. The others hand over no more. */
void handover_fini(struct handover *h);

/* m (taken) goes to worker `to`, with handover_flush at the latest. */
void handover_give(struct handover *h, unsigned to, enum handed what, unsigned link,
                   struct rte_mbuf *m);
/* The same for a message: its path goes with it. */
void handover_give_message(struct handover *h, unsigned to, const struct path *from,
                           struct rte_mbuf *m);
/* A copy to each of the others, as far as there are buffers; m stays the caller's. */
void handover_give_all(struct handover *h, enum handed what, unsigned link, struct rte_mbuf *m);
void handover_flush(struct handover *h);

/* Takes what the others have handed over, a burst of each. How much. */
unsigned handover_run(struct handover *h);
/* The path of a message that was handed over. */
struct path handover_path(const struct rte_mbuf *message);

/* The worker is about to sleep: from here on it is woken. false: it had better not, there is
 * something. handover_awake ends it. */
bool handover_sleep(struct handover *h);
void handover_awake(struct handover *h);

#endif
