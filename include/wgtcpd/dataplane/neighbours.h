/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A port's link layer: next hop by route, ARP and ND both ways, packets that wait for an answer.
 * Owned by the port's worker; time comes in.
 */
#ifndef WGTCPD_DATAPLANE_NEIGHBOURS_H
#define WGTCPD_DATAPLANE_NEIGHBOURS_H

#include <rte_hash.h>

#include <wgtcpd/dataplane/addresses.h>
#include <wgtcpd/transport/packet.h>
#include <wgtcpd/wire/eth.h>
#include <wgtcpd/wire/icmp.h>

enum {
    NEIGHBOURS_MAX = 1024,
    NEIGHBOUR_QUEUE_MAX = 32,
    NEIGHBOUR_WAITING_MAX = 512, /* of all neighbours */
    NEIGHBOUR_PROBES = 3,
    NEIGHBOUR_ANNOUNCEMENTS = 4,
};
#define NEIGHBOUR_REACHABLE_TIME (30 * WGT_SEC)
#define NEIGHBOUR_RETRY          (1 * WGT_SEC)

struct neighbour {
    struct ip_addr addr;
    uint8_t header[ETH_HEADER_LEN]; /* of frames to it, once it is resolved */
    bool in_use, resolved, probing;
    uint8_t probes; /* sent without an answer */
    wgt_time next_probe, confirmed, used;
    struct packet_queue waiting;
};

struct neighbours {
    const struct addresses *addresses;
    struct rte_mempool *pool;
    struct eth_addr eth; /* our own */
    bool router;         /* hosts of the link send through us */
    bool silent;         /* learns and asks, but another worker answers for our addresses */
    struct wgt_drop_counters *drops;
    void *ctx;
    void (*tx)(void *ctx, struct rte_mbuf *frame); /* takes it */
    /* Takes a packet that waited in vain; NULL: it is dropped and counted. */
    void (*unreachable)(void *owner, wgt_time now, struct rte_mbuf *packet);
    void *owner;
    struct rte_hash *table;
    struct neighbour *entries;
    uint32_t n_probing, n_waiting;
    unsigned announcements; /* still to be made */
    wgt_time next_announcement;
    wgt_time next_run;
    /* Where the last packet went, and by whom: the next one mostly goes there, too. */
    struct ip_addr last_dst;
    struct neighbour *last;
};

/* The caller sets what stands above ctx, ctx and tx first. 0 or -ENOMEM. */
int neighbours_init(struct neighbours *n, const char *name);
void neighbours_fini(struct neighbours *n);

/* Sends an IP packet (m, taken) to its next hop, at once or when that has answered. */
void neighbours_send(struct neighbours *n, wgt_time now, struct rte_mbuf *m);
/* An ARP packet (m, taken; data starts behind the Ethernet header). */
void neighbours_rx_arp(struct neighbours *n, wgt_time now, struct rte_mbuf *m);
/* A neighbour discovery message that was parsed already; m (taken) is only freed. */
void neighbours_rx_nd(struct neighbours *n, wgt_time now, const struct ip_header *ip,
                      const struct nd_message *nd, struct rte_mbuf *m);
/* Tell the link who we are (gratuitous ARP, unsolicited advertisements), now and again after 1, 3
 * and 7 s: a port that is not yet bridged or a switch that is not yet forwarding loses the first.
 */
void neighbours_announce(struct neighbours *n, wgt_time now);
void neighbours_run(struct neighbours *n, wgt_time now);
wgt_time neighbours_deadline(const struct neighbours *n);

#endif
