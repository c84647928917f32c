/* SPDX-License-Identifier: BSD-3-Clause */
/*
 *  sender 0 ──┐                                   ┌── receiver 0
 *  sender 1 ──┼──[ buffer > rate ]── delay, loss ─┼── receiver 1
 *     ...   ──┘                                   └──    ...
 *                ACKs: delay and loss, no queue
 *
 * Bulk senders share one bottleneck in virtual time: what a congestion control does to a path, to
 * others on it, and to the delay. A flow is two connections of the TCP engine, or a model: an ideal
 * sender around a congestion control alone, that knows of every arrival and repairs every loss.
 */
#ifndef SIM_DUMBBELL_H
#define SIM_DUMBBELL_H

#include <wgtcpd/tcp/tcp.h>

enum { DUMBBELL_FLOWS_MAX = 8 };

struct dumbbell_flow_options {
    const struct tcp_cc_ops *cc;
    bool model;
    wgt_time start;
};

struct dumbbell_options {
    uint64_t rate;         /* bits a second, headers down to Ethernet included */
    wgt_time delay;        /* one way */
    wgt_time buffer;       /* what waits at most, in time at that rate */
    uint32_t loss;         /* of a million packets, each way; behind the bottleneck */
    uint32_t reorder;      /* of a million data packets: late by a quarter of the delay */
    wgt_time jitter;       /* each packet is late by up to so much; order is kept */
    uint64_t police_rate;  /* bits a second; a token bucket before the buffer; 0: none */
    uint32_t police_burst; /* bytes */
    wgt_time from, until;  /* what is measured; the run begins at 0 */
    uint64_t seed;
    uint32_t n_flows;
    struct dumbbell_flow_options flows[DUMBBELL_FLOWS_MAX];
};

struct dumbbell_result {
    struct {
        double mbps; /* payload that arrived for the first time */
        uint64_t segments, retransmitted, timeouts;
    } flows[DUMBBELL_FLOWS_MAX];
    double mbps; /* of all */
    double jain; /* fairness index of Jain: 1 is equal shares */
    /* Wait in the buffer of a probe every 10 ms. */
    wgt_time queue_p50, queue_p95, queue_p99, queue_max;
    uint64_t overflowed; /* data packets that found the buffer full, or were policed */
};

void dumbbell_run(const struct dumbbell_options *o, struct dumbbell_result *result);

#endif
