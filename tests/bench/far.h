/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The other ends of all tunnels: they know every peer's keys, seal what the node is to receive and
 * open what it has sent. Over TCP they are clients of the node, a connection a peer, on the same
 * engine and without congestion control, so that the node alone sets the pace.
 */
#ifndef WGTCPD_BENCH_FAR_H
#define WGTCPD_BENCH_FAR_H

#include "node.h"
#include "packet.h"

struct far {
    struct bench_node *node;
    struct ledger *ledger; /* in which arrivals are entered */
    struct outer outer;
    struct wgt_drop_counters drops;
    struct tcp_transport tcp;
    uint64_t *counters; /* of each peer's messages to the node */
    /* TCP: */
    struct tcp_flow **flows;
    uint32_t connected;
};

/* Over TCP all peers are connected when it returns. */
void far_start(struct far *f, struct bench_node *n, struct ledger *l);
void far_stop(struct far *f);

/* The ledger's packets, sealed, are on their way to the node. */
void far_send(struct far *f);
/* Takes what the node has sent, and answers. Whether there was anything. */
bool far_turn(struct far *f);
wgt_time far_deadline(const struct far *f);
/* Ends the bench when anything was dropped. */
void far_check(struct far *f);

#endif
