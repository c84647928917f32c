/* SPDX-License-Identifier: BSD-3-Clause */
/* What the path and the two kinds of flows share. */
#ifndef SIM_DUMBBELL_INTERNAL_H
#define SIM_DUMBBELL_INTERNAL_H

#include "dumbbell.h"
#include "prng.h"

/* Ethernet, IPv4, TCP with timestamps; a segment fills 1500 bytes. */
enum { DUMBBELL_HEADERS = 14 + 20 + 32, DUMBBELL_MSS = 1448 };

struct dumbbell;

struct dumbbell_packet {
    uint32_t flow;
    bool to_sender;
    uint32_t wire;  /* bytes */
    uint64_t model; /* of a model: number of the packet, or of the arrivals it confirms */
    struct tcp_segment seg;
};

struct dumbbell_flow_ops {
    void *(*open)(struct dumbbell *d, uint32_t flow, const struct dumbbell_flow_options *o);
    void (*arrive)(void *f, wgt_time now, const struct dumbbell_packet *p);
    /* The time asked for by dumbbell_wake has come. */
    void (*wake)(void *f, wgt_time now);
    uint64_t (*received)(const void *f); /* payload bytes that arrived for the first time */
    void (*counters)(const void *f, uint64_t *segments, uint64_t *retransmitted,
                     uint64_t *timeouts);
    void (*close)(void *f, wgt_time now);
};

extern const struct dumbbell_flow_ops dumbbell_engine_ops, dumbbell_model_ops;

/* Sends a packet on its way, which may end at once. */
void dumbbell_transmit(struct dumbbell *d, wgt_time now, const struct dumbbell_packet *p);
/* Calls wake no later than `at`; WGT_NEVER: never. The last word counts. */
void dumbbell_wake(struct dumbbell *d, uint32_t flow, wgt_time at);

#endif
