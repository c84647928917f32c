/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The node under test: the daemon's worker as it is, in gateway mode, between two ports in memory
 * (net_ring). Time is virtual and goes on only while the worker works, so that whoever prepares its
 * packets and looks at what comes out takes none of it.
 *
 *     host 172.16.0.2 --- 172.16.0.1 [inner] node [outer] 192.0.2.1 --- 192.0.2.2 far end or router
 */
#ifndef WGTCPD_BENCH_NODE_H
#define WGTCPD_BENCH_NODE_H

#include <pthread.h>

#include <wgtcpd/dataplane/worker.h>

#include "bench.h"

enum { NODE_LISTEN_PORT = 51820, NODE_INNER_MTU = 1420, NODE_OUTER_MTU = 1600 };
enum node_side { NODE_OUTER, NODE_INNER, NODE_SIDES };

/* Ports and rings, once a process. */
struct node_ports {
    struct rte_mempool *pool;
    struct port port[NODE_SIDES];
    struct rte_ring *in[NODE_SIDES], *out[NODE_SIDES]; /* as the node sees it */
};

struct node_config {
    uint32_t n_peers;
    enum transport_kind kind;
    bool offload; /* ports compute and verify checksums */
    const struct tcp_cc_ops *congestion;
    bool crypto_worker; /* it has one, on crypto_cpu */
    int crypto_cpu;
};

struct bench_node {
    struct node_config config;
    struct node_ports *ports;
    struct worker worker;
    struct crypto_crew crypto;
    pthread_t crypto_thread;
    struct eth_link links[NODE_SIDES];
    struct gateway gateway;
    struct allowedips allowed_ips;
    struct rte_ring *events, *commands;
    struct tunnel_peer *peers;
    wgt_time now;
    uint64_t turns, busy_turns;
};

void node_ports_open(struct node_ports *p, struct rte_mempool *pool);

/* With all its peers, their sessions and (UDP) their paths. */
void node_start(struct bench_node *n, struct node_ports *p, const struct node_config *c);
void node_stop(struct bench_node *n);

/* One turn of the worker. Clocks that it took; 0 when there was nothing to do: then the daemon
 * would sleep. */
uint64_t node_turn(struct bench_node *n);
/* Nothing moves: the next deadline comes. other: the far end's. */
void node_wait(struct bench_node *n, wgt_time other);
/* Ends the bench when anything was dropped, or a session was asked for. */
void node_check(struct bench_node *n);
/* What TCP received twice is no loss: a tail loss probe may be early. */
void node_check_drops(const struct wgt_drop_counters *drops, const char *whose);

/* A frame for the node with len bytes of IP packet; its data are returned. */
uint8_t *node_frame(struct bench_node *n, enum node_side side, size_t len, struct rte_mbuf **m);
void node_give(struct bench_node *n, enum node_side side, struct rte_mbuf *const *frames,
               unsigned count);
/* What the node has sent, without its Ethernet header; NULL: nothing. */
struct rte_mbuf *node_take(struct bench_node *n, enum node_side side);

/* Addresses of the node, and of whom it has on that side. */
struct ip_addr node_address(enum node_side side);
struct ip_addr other_address(enum node_side side);
/* Its own address inside, and the peers'. */
struct ip_prefix node_inner_network(void);
/* Where a peer is (UDP). */
struct ip_endpoint node_endpoint_of(uint32_t peer);

#endif
