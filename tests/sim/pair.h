/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two nodes on a wire of 1 ms each way, packets made by hand, and a test that sees and may alter or
 * lose each packet on the wire:
 *
 *     inner packets -- node 0 -- wire -- node 1 -- inner packets
 *
 * Node 1 may be left out: then its end of the wire is the test's own (see client.h).
 */
#ifndef SIM_PAIR_H
#define SIM_PAIR_H

#include "node.h"

#define PAIR_DELAY WGT_MSEC
enum { PAIR_OUT_MAX = 1024, PAIR_PACKET_LEN = 1000 };

struct pair_flying;

/* What came out on the inner side of a node. */
struct pair_out {
    unsigned n;
    uint32_t number[PAIR_OUT_MAX];
    uint8_t last[NODE_MESSAGE_MAX]; /* whole */
    size_t last_len;
};

/* Another end in place of node 1. */
struct pair_end {
    void (*rx)(wgt_time now, const uint8_t *packet, size_t len);
    void (*settle)(wgt_time now);
    wgt_time (*deadline)(void);
};

struct pair {
    struct node node[2];
    const struct pair_end *end; /* NULL: node 1 */
    struct node_shared_config shared;
    wgt_time now;
    struct pair_flying *first, **last;
    /* Called for each packet that leaves an end; false: it is lost. NULL: all pass. */
    bool (*wire)(unsigned from, uint8_t *packet, size_t len);
    struct pair_out out[2];
    bool begun;
};

extern struct pair pair;

/* A wire that is cut. */
bool pair_nothing_passes(unsigned from, uint8_t *packet, size_t len);

/* Keys follow from the seed; family: of the outside; end: NULL or who takes node 1's place. */
void pair_begin(uint64_t seed, uint8_t family, const struct node_config config[2],
                const struct pair_end *end);
/* Nothing may be left of it. */
void pair_finish(void);
/* Of a test that failed half-way. */
int pair_clean_up(void **state);

/* A node that dials (by kind) and one that is dialled; both listen. */
void pair_configure(struct node_config config[2], enum transport_kind kind);
/* Begins over IPv4 with a session and a packet each way; it is 2 s later then. */
void pair_begin_with_session(uint64_t seed, const struct node_config config[2]);
/* The test over UDP and over TCP, each ended by pair_finish. */
void pair_for_both(void (*test)(enum transport_kind kind));
void pair_run_to(wgt_time until);
void pair_run_for(wgt_time time);

/* The other end sends an IP packet. */
void pair_send(unsigned from, const uint8_t *packet, size_t len);

/* An inner packet of so many bytes from one node's network to another's, with a number in it.
 * Returns len. */
size_t pair_packet(uint8_t *packet, unsigned from, unsigned to, uint8_t family,
                   uint8_t traffic_class, uint32_t number, size_t len);
/* Offers n of PAIR_PACKET_LEN to the node in one instant, numbered from `first` on; the node has
 * its turn afterwards. */
void pair_offer(unsigned node, uint32_t first, unsigned n);

/* The node's clock. */
wgt_time pair_clock(unsigned node);
uint64_t pair_drops(unsigned node, enum wgt_drop why);

#endif
