/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The inner side on an Ethernet port: a router between its link and the tunnel. To the hosts of the
 * link it is their gateway; to the peers it stands for what lies behind the port.
 */
#ifndef WGTCPD_DATAPLANE_GATEWAY_H
#define WGTCPD_DATAPLANE_GATEWAY_H

#include <wgtcpd/dataplane/link.h>
#include <wgtcpd/tunnel/tunnel.h>

enum { GATEWAY_LOCAL_MAX = 16 };

struct gateway {
    struct eth_link *link;
    struct tunnel *tunnel;
    struct rte_mempool *pool;
    struct ip_prefix locals[GATEWAY_LOCAL_MAX]; /* our addresses in the tunnel's network */
    unsigned n_locals;
    uint64_t marks;             /* addresses_mark of all that are ours */
    struct packet_queue turned; /* from the tunnel into the tunnel: their turn comes next */
    wgt_time errors_at;         /* rate limit of ICMP errors */
    uint64_t rx, tx;            /* packets to and from the link */
};

/* A frame from the link (m, taken). */
void gateway_rx_link(struct gateway *g, wgt_time now, struct rte_mbuf *m);
/* A packet from the tunnel (m, taken; it holds the packet and no more), and what inner_parse says
 * of it. */
void gateway_rx_tunnel(struct gateway *g, wgt_time now, struct rte_mbuf *m,
                       const struct inner_packet *inner);
/* What gateway_rx_tunnel sent back into the tunnel goes there; how many. */
unsigned gateway_run(struct gateway *g, wgt_time now);

/* link, tunnel, pool and locals are set by the caller, the link is set up. */
void gateway_init(struct gateway *g);
void gateway_fini(struct gateway *g);

#endif
