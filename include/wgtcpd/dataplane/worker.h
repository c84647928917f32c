/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A worker lcore: polls the links and the TUN in bursts and runs the tunnel in between.
 *
 * Several workers share the ports: each has links of its own on them, with a queue pair where the
 * port has enough, with its own neighbours, and a queue of the TUN. What a worker receives that
 * belongs to another one (steer.h, or by the peer, as the tunnel says) it hands over (handover.h).
 * Nothing that is written on the way of a packet is shared but these rings and the pool.
 */
#ifndef WGTCPD_DATAPLANE_WORKER_H
#define WGTCPD_DATAPLANE_WORKER_H

#include <rte_epoll.h>
#include <rte_rcu_qsbr.h>

#include <wgtcpd/dataplane/crypto_worker.h>
#include <wgtcpd/dataplane/fragments.h>
#include <wgtcpd/dataplane/gateway.h>
#include <wgtcpd/dataplane/handover.h>
#include <wgtcpd/dataplane/link.h>
#include <wgtcpd/dataplane/tun.h>
#include <wgtcpd/tunnel/tunnel.h>

/* A burst from the TUN has room for a whole super-packet: 45 packets of a path with an MTU of 1500.
 */
enum { WORKER_BURST = 64, WORKER_OUTER_MAX = 8 };

struct worker_stats {
    uint64_t outer_rx, outer_tx, inner_rx, inner_tx, turns, sleeps;
    uint64_t handed;           /* packets to other workers */
    uint64_t reassembled, cut; /* outer datagrams: from fragments, into fragments */
    /* super-packets of the TUN, and packets that were cut from them or joined to them */
    uint64_t supers_rx, supers_tx, supers_cut, supers_joined;
    /* the same of outer ports that are taps */
    uint64_t outer_supers_rx, outer_supers_tx, outer_supers_cut, outer_supers_joined;
    struct tunnel_crypto_stats crypto; /* with crypto workers */
};

struct worker {
    /* control: rw before the start, ro after */
    struct tunnel tunnel;
    unsigned id, n_workers;    /* 0 workers: this one alone */
    struct worker *workers;    /* all of them, with several */
    const struct steer *steer; /* all of them have it, with several; NULL: there is one */
    struct eth_link *links[WORKER_OUTER_MAX + 1]; /* the outer ones first */
    unsigned n_outer, n_links;
    struct gateway *gateway;    /* the inner side on the last link; NULL: on the TUN */
    struct outer_route *routes; /* by which the tunnel chooses our address, and with it the link */
    bool interrupts;            /* every port has them: the worker may sleep on them */
    struct tun_port *tun;
    struct crypto_crew *crypto; /* who seals and opens for us; NULL: nobody (config.n_crypto 0) */
    struct rte_mempool *pool;
    struct rte_rcu_qsbr *rcu;                  /* readers of allowed IPs */
    bool adaptive;                             /* sleep when idle */
    int wake_fd;                               /* eventfd: somebody woke us; worker_init's */
    int event_fd;                              /* eventfd: events wait for control */
    wgt_time (*clock)(const struct worker *w); /* NULL: worker_clock */
    /* Called once on the worker's thread before its first turn; may be NULL. */
    void (*on_start)(const void *ctx);
    const void *on_start_ctx;

    struct handover handover; /* from and to the other workers */

    /* worker: rw */
    struct fragments fragments; /* of outer datagrams */
    /* The header of what tunnel_rx_outer had last, and where it came in. NULL: nothing so far. */
    struct ip_header received;
    const struct eth_link *received_on;
    uint32_t fragment_id; /* of the next one that we cut */
    wgt_time now, idle_since;
    bool idle;
    int epoll; /* what wakes it; its own once it runs */
    struct rte_epoll_event epoll_wake, epoll_tun;
    struct worker_stats stats;
    struct capture *capturing; /* what capture was when this turn began */

    /* control: rw, worker: ro, and the other way round */
    bool quit __rte_cache_aligned, failed;
    struct capture *capture; /* worker_capture */
};

/* Nanoseconds of CLOCK_BOOTTIME: keys age while the machine sleeps, too. */
wgt_time worker_clock(void);
/* Random bytes of the system; ctx is not looked at. */
void worker_entropy(void *ctx, void *buf, size_t len);

/* Wire worker and tunnel together: every pointer of the first part is set but routes, the links'
 * ports run and have their addresses; tunnel and neighbours are made here. Several workers: all are
 * made before one runs, and taken down when none does. 0 or -errno. */
int worker_init(struct worker *w, const struct tunnel_config *config,
                const struct allowedips *allowed_ips, struct rte_ring *events,
                struct rte_ring *commands);
void worker_fini(struct worker *w);

/* One turn: each port is polled once, the tunnel has its turn, what it made leaves. Returns how
 * much there was. For worker_main, and for who measures it. */
unsigned worker_turn(struct worker *w);
/* The lcore's main function (arg: struct worker). Returns when quit is set. */
int worker_main(void *arg);
/* From the control thread, of all workers (w: the first): look at commands and flags now. */
void worker_wake(struct worker *w);
/* Whether one of them has lost a device (w: the first). */
bool worker_has_failed(const struct worker *w);

/* From the control thread, while they run: packets of all workers (w: the first) go to c from their
 * next turns on; NULL: to nobody, and when this returns, no worker knows the last one any more.
 * Frames are seen
 * without the tag of their port's VLAN, checksums as they are handed to the hardware. Ports: the
 * links in their order, then the TUN (worker_tun_port). */
void worker_capture(struct worker *w, struct capture *c);
static inline unsigned
worker_tun_port(const struct worker *w)
{
    return w->n_links;
}

#endif
