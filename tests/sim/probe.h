/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A probe through the tunnel: small UDP packets at a fixed interval, whose one-way delay is
 * measured and which the other side answers at once, if told to. Each carries its number, so that
 * one which comes out twice, altered or on the wrong side is seen.
 */
#ifndef SIM_PROBE_H
#define SIM_PROBE_H

#include <wgtcpd/wire/ip.h>

#include "samples.h"

enum { PROBE_PORT = 9000, PROBE_PACKET_MAX = 256 };

struct probe_config {
    wgt_time from, until, interval; /* interval 0: no probe */
    unsigned node;                  /* that asks */
    bool answered;
};

struct probe_record {
    wgt_time sent, arrived, answered; /* WGT_NEVER: not yet */
};

struct probe {
    struct probe_config config;
    unsigned index;
    uint8_t family;
    struct probe_record *records;
    size_t n, room;
    wgt_time next;
    uint64_t *owed; /* numbers that the other side will answer */
    size_t n_owed, owed_room;
};

void probe_init(struct probe *p, unsigned index, const struct probe_config *config);
void probe_fini(struct probe *p);
wgt_time probe_deadline(const struct probe *p);
/* What `node` is to send now: the packet's length, or 0. */
size_t probe_offer(struct probe *p, wgt_time now, unsigned node, uint8_t *packet);
/* A packet to this probe's port that came out at `node`; NULL or what is wrong. */
const char *probe_deliver(struct probe *p, wgt_time now, unsigned node, const struct ip_header *ip,
                          const uint8_t *packet);

/* Of probes sent within from..until: round trips of those answered (one_way: delays of those that
 * arrived) are added; returns how many were lost. */
size_t probe_collect(const struct probe *p, wgt_time from, wgt_time until, bool one_way,
                     struct samples *out);
/* The longest time within from..until in which nothing came (an answer, or with one_way a probe).
 */
wgt_time probe_longest_silence(const struct probe *p, wgt_time from, wgt_time until);
/* When the first probe (its answer, if answered) after `from` came; WGT_NEVER: none did. */
wgt_time probe_first_after(const struct probe *p, wgt_time from);

#endif
