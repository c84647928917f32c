/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The network between two nodes, in virtual time: delay, rate and queue of each direction, faults
 * that come and go, a middlebox that cuts TCP streams anew, and a NAT before node 0.
 *
 *     node 0 -- [middlebox] -- [NAT] -- [rate, queue] -- [faults, delay] -- node 1
 */
#ifndef SIM_NETWORK_H
#define SIM_NETWORK_H

#include <wgtcpd/base/addr.h>
#include <wgtcpd/wire/ip.h>
#include <wgtcpd/wire/tcp.h>

#include "prng.h"

/* Direction 0 leads from node 0 to node 1. */
enum { NETWORK_PACKET_MAX = 2048, NETWORK_FAULTS_MAX = 8, NETWORK_REBINDS_MAX = 4 };

/* What may go wrong with packets. Rates are per million packets. */
struct network_impairment {
    uint32_t loss, duplicate, corrupt;
    uint32_t burst_enter, burst_leave; /* into and out of a state that loses everything */
    wgt_time jitter;                   /* up to so much more delay: reorders */
    bool black_hole;
    bool resegment; /* the middlebox is at work */
};

struct network_fault {
    wgt_time from, until;
    unsigned directions; /* bit 0, bit 1 */
    struct network_impairment what;
};

struct network_link {
    wgt_time delay;
    uint64_t rate;  /* bytes a second; 0: no limit */
    uint32_t queue; /* bytes */
};

struct network_config {
    uint64_t seed;
    uint16_t mtu;
    struct network_link link[2];
    struct network_fault faults[NETWORK_FAULTS_MAX];
    unsigned n_faults;
    struct ip_addr private; /* node 0's address, with nat */
    bool nat;
    wgt_time rebinds[NETWORK_REBINDS_MAX]; /* node 0 gets another public address and ports */
    unsigned n_rebinds;
};

struct network_packet {
    wgt_time due;
    uint64_t order; /* of packets due together */
    unsigned direction;
    uint32_t len;
    uint8_t bytes[NETWORK_PACKET_MAX];
};

/* Bytes of one TCP stream that the middlebox holds. */
struct network_box {
    bool holds;
    struct ip_header ip;
    struct tcp_segment segment; /* of the newest segment; seq is of the first byte held */
    uint8_t bytes[2 * NETWORK_PACKET_MAX];
    uint32_t len;
    wgt_time flush_at;
};

struct network_stats {
    uint64_t sent, delivered, lost, duplicated, corrupted, queue_full, cut, nat_dropped;
};

struct network {
    struct network_config config;
    struct prng prng;
    struct network_packet **heap;
    size_t n_heap, heap_room;
    uint64_t order;
    bool in_burst[2];
    wgt_time busy_until[2];
    struct network_box box[2];
    struct network_stats stats;
};

void network_init(struct network *n, const struct network_config *config);
void network_fini(struct network *n);

/* A node sends an IP packet. */
void network_send(struct network *n, wgt_time now, unsigned direction, const uint8_t *packet,
                  size_t len);
/* Something arrives, or the middlebox lets go of what it held. */
wgt_time network_deadline(const struct network *n);
void network_run(struct network *n, wgt_time now);
/* The next packet that has arrived by now, or NULL; the caller frees it. */
struct network_packet *network_receive(struct network *n, wgt_time now);

/* When the last fault ends (0: there is none); a rebinding is a fault of one instant. */
wgt_time network_last_fault(const struct network_config *c);

#endif
