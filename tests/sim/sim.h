/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A world in virtual time: two nodes, the network between them, traffic through them, and rules
 * that must hold at every instant. Everything follows from the configuration, chance included; the
 * first rule that breaks is kept in `failure` and ends the run.
 *
 * Rules, by the name that a failure begins with:
 *   delivery   every inner packet comes out at most once, unaltered, on the right side only
 *   nonce      no counter leaves twice under one key
 *   tcp, wire  what leaves is well-formed; a retransmission carries the same bytes
 *   age        nothing is sealed under a key older than 180 s
 *   live-lock  the node comes to rest at every instant, and idle time costs few turns
 *   recovery   90 s after the last fault, packets pass in both directions
 *   loss       then, and on a good network from the start, counted streams lose nothing
 *   transfer   a TCP connection through the tunnel that must be complete by the end is
 *   leak       all packet buffers are back after the end, all records once connections are closed
 *   hold       nothing waits for a hole in its stream beyond its time
 *   stop       stopping ends connections with FIN, and ends
 *   removal    so does removing the peer
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include <stdio.h>

#include "inner_tcp.h"
#include "network.h"
#include "node.h"
#include "probe.h"
#include "traffic.h"
#include "watch.h"

enum { SIM_RESTARTS_MAX = 4, SIM_BULKS = 4, SIM_PROBES = 2, SIM_FAILURE_LEN = 160 };
#define SIM_RECOVERY (90 * WGT_SEC)
#define SIM_PATIENCE (30 * WGT_SEC) /* for stopping and removing */

/* A node dies without a word and comes back, perhaps configured otherwise. */
struct sim_restart {
    wgt_time at, down;
    unsigned node;
    bool reconfigure;
    struct node_config config;
};

enum sim_ending { SIM_END_ABRUPTLY, SIM_END_STOP, SIM_END_REMOVE };

struct sim_config {
    struct node_shared_config shared; /* shared.seed is the world's */
    struct node_config node[2];
    struct network_config network;                 /* seed, mtu and private are filled in */
    struct sim_restart restarts[SIM_RESTARTS_MAX]; /* by time */
    unsigned n_restarts;
    struct traffic_stream traffic[2][TRAFFIC_STREAMS];
    struct inner_tcp_config bulks[SIM_BULKS];
    struct probe_config probes[SIM_PROBES];
    wgt_time duration;
    enum sim_ending ending;
    unsigned ending_node;
};

struct sim {
    struct sim_config config;
    wgt_time now;
    struct node node[2];
    struct network network;
    struct watch watch;
    struct traffic traffic[2]; /* by the node that offers */
    struct inner_tcp bulk[SIM_BULKS];
    struct probe probe[SIM_PROBES];
    wgt_time restart_at[2]; /* of a node that is down */
    unsigned next_restart;
    wgt_time second; /* the current one, and turns of idle nodes in it */
    uint64_t idle_turns, idle_turns_max;
    void (*on_failure)(struct sim *s); /* before the nodes go; may be NULL */
    bool failed;
    char failure[SIM_FAILURE_LEN];
};

/* Once a process: EAL, crypto, pools. 0 or -1. */
int sim_setup(const char *program);
void sim_teardown(void);
/* The same as fixtures of a group of tests. */
int sim_group_setup(void **state);
int sim_group_teardown(void **state);

/* UDP, both ends listen, node 0 dials, IPv4, MTU 1420, 10 ms each way, no traffic. */
struct sim_config sim_default(uint64_t seed);
/* The last instant of any fault, restarts included; 0: none. */
wgt_time sim_last_fault(const struct sim_config *c);

/* The nodes start. on_failure is kept. */
void sim_init(struct sim *s, const struct sim_config *config);
/* Until this time or the first failure; false: failed. */
bool sim_run(struct sim *s, wgt_time until);
/* The ending and the rules about the whole; then everything is freed. false: failed. */
bool sim_finish(struct sim *s);
void sim_fail(struct sim *s, const char *what);

/* sim_init, the whole duration, sim_finish. */
bool sim_play(struct sim *s, const struct sim_config *config);

/* Everything chosen from a seed. */
struct sim_config sim_random(uint64_t seed);
/* In a few lines, for a person. */
void sim_describe(const struct sim_config *c, FILE *to);

#endif
