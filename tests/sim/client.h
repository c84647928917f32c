/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An end of the wire of pair.h in place of node 1, whose connections and messages the test makes
 * one by one. It holds the static keys of nodes 1 and 2, and uses any of its connections for
 * either.
 */
#ifndef SIM_CLIENT_H
#define SIM_CLIENT_H

#include "pair.h"

enum { CLIENT_KEYS = 2, CLIENT_HEARD_MAX = 512 };

/* One static key, and what it has with node 0. */
struct client_key {
    struct noise_local local;
    struct noise_remote server;
    struct noise_keypair *keypair; /* NULL: no session */
    unsigned responses, keepalives;
    unsigned n_heard; /* inner packets */
    uint32_t heard[CLIENT_HEARD_MAX];
    struct tcp_flow *heard_on; /* the last of them */
};

struct client {
    struct tcp_transport tcp;
    struct outer outer;
    struct wgt_drop_counters drops;
    struct prng entropy;
    struct client_key key[CLIENT_KEYS];
    bool mute;        /* takes what is said as genuine and answers nothing */
    unsigned n_taken; /* messages */
    uint8_t last[NODE_MESSAGE_MAX];
    size_t last_len;
    uint64_t stamp;
};

extern struct client client;
extern const struct pair_end client_end;

/* After pair_begin(.., &client_end). */
void client_start(void);
/* Before pair_finish. */
void client_stop(void);

struct tcp_flow *client_dial(void);
/* A message of any bytes. */
void client_send(struct tcp_flow *f, const uint8_t *message, size_t len);
void client_reset(struct tcp_flow *f);
/* Asks node 0 for a session of that key, on f; the answer is taken and confirmed. */
void client_initiate(unsigned key, struct tcp_flow *f);
void client_keepalive(unsigned key, struct tcp_flow *f);
/* An inner packet to node 0's network. */
void client_data(unsigned key, struct tcp_flow *f, uint32_t number);

#endif
