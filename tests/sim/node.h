/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A whole node without ports: tunnel, handshaker, device with one peer or some. It has its own
 * clocks and entropy; the times of these functions are the world's.
 */
#ifndef SIM_NODE_H
#define SIM_NODE_H

#include <wgtcpd/control/device.h>
#include <wgtcpd/tunnel/handshaker.h>
#include <wgtcpd/tunnel/tunnel.h>

#include "crypto.h"
#include "prng.h"
#include "shards.h"

enum { NODES_MAX = 4, NODE_PORT = 51820, NODE_MESSAGE_MAX = 2048 };
enum { NODE_POOL = 8191, NODE_POOL_SMALL = 2047 };

struct node_config {
    bool dials;               /* has the other's endpoint */
    enum transport_kind kind; /* by which to dial */
    bool listen_udp, listen_tcp;
    const struct tcp_cc_ops *congestion; /* NULL: the default */
    bool in_order, knock;
    unsigned n_peers;   /* of node 0: it has the nodes 1 .. n_peers; 0: 1 */
    unsigned n_workers; /* 0: 1 */
    unsigned n_crypto;  /* who seal and open for them */
    bool wrong_psk;
    bool small_pool;        /* NODE_POOL_SMALL packets */
    uint16_t keepalive;     /* persistent, s */
    wgt_time control_delay; /* from an event to the handshaker's look at it */
    wgt_time control_ahead; /* the handshaker's thread reads its clock so much later in a turn */
};

struct node_shared_config {
    uint64_t seed;
    uint8_t family; /* of the outside */
    bool psk;
    size_t mtu; /* inner */
    uint16_t outer_mtu;
};

/* What a node tells the world. */
struct node_host {
    void *ctx;
    void (*outer_tx)(void *ctx, unsigned node, const uint8_t *packet, size_t len);
    void (*inner_tx)(void *ctx, unsigned node, const uint8_t *packet, size_t len);
    void (*broken)(void *ctx, unsigned node, const char *what);
};

struct node {
    unsigned id;
    struct node_config config;
    struct node_shared_config shared;
    struct node_host host;
    /* these outlive a restart */
    struct rte_mempool *pool;
    struct rte_ring *events[NODE_WORKERS_MAX], *commands[NODE_WORKERS_MAX];
    struct prng entropy;
    uint8_t private_key[NOISE_KEY_LEN], public_key[NOISE_KEY_LEN];
    wgt_time clock_offset; /* node's monotonic clock - world's time */
    wgt_time wall_offset;  /* likewise of its wall clock; a test may set it at any time */
    /* these do not */
    bool up, has_peer, peer_removed, stopped;
    bool starved;                             /* somebody else has taken the packet buffers */
    struct tunnel tunnel;                     /* the first worker's */
    struct tunnel more[NODE_WORKERS_MAX - 1]; /* the others' */
    struct shards shards;
    struct crypto_crew crypto;
    struct handshaker handshaker;
    struct allowedips ips;
    struct device device;
    struct tunnel_peer *peers[NODES_MAX]; /* by their node; NULL: none, or removed */
    struct tunnel_peer *peer;             /* the first of them */
    wgt_time control_at;                  /* WGT_NEVER: no event waits */
    unsigned sent_in_turn;
    uint64_t turns; /* of the loop, in all lives */
    wgt_time now;   /* world's time of the call under way */
};

/* Pools and rings, made once a process and used by one world after the other. 0 or -1. */
int node_resources_init(void);

/* other_seed_public: keys follow from the seed and the id. */
void node_init(struct node *n, unsigned id, const struct node_config *config,
               const struct node_shared_config *shared, const struct node_host *host);
void node_start(struct node *n, wgt_time now);
/* Gone at once, without a word. */
void node_crash(struct node *n);
/* After node_crash: NULL, or what is left that should not be. */
const char *node_leak(const struct node *n);

/* Of all its workers. */
unsigned node_count_flows(const struct node *n);
uint64_t node_count_drops(const struct node *n, enum wgt_drop why);

void node_rx_outer(struct node *n, wgt_time now, const uint8_t *packet, size_t len);
void node_rx_inner(struct node *n, wgt_time now, const uint8_t *packet, size_t len);
/* Turn until there is nothing to do now. */
void node_settle(struct node *n, wgt_time now);
wgt_time node_deadline(const struct node *n);

void node_stop(struct node *n);        /* asks the tunnel to stop; then settle */
void node_remove_peer(struct node *n); /* likewise */

/* A change of its device, carried out at once and as a whole; settle afterwards. Peers of the other
 * nodes' first keys are found in `peers` again. */
void node_change(struct node *n, const struct change *c, struct device_effect *effect);

struct ip_addr node_address(unsigned id, uint8_t family);
/* Birth, in world time, of the keypair under which the node sends to that index. */
bool node_key_birth(const struct node *n, uint32_t remote_index, wgt_time *birth);

#endif
