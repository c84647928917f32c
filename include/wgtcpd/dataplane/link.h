/* SPDX-License-Identifier: BSD-3-Clause */
/* An Ethernet port as IP sees it: its addresses, its neighbours, and frames that wait to leave in
 * one burst. */
#ifndef WGTCPD_DATAPLANE_LINK_H
#define WGTCPD_DATAPLANE_LINK_H

#include <rte_epoll.h>

#include <wgtcpd/dataplane/addresses.h>
#include <wgtcpd/dataplane/capture.h>
#include <wgtcpd/dataplane/neighbours.h>
#include <wgtcpd/dataplane/port.h>
#include <wgtcpd/dataplane/tun.h>

/* A burst from a TAP has room for a whole super-packet; one of DPDK's is what its drivers are made
 * for.
 */
enum { LINK_BURST = 64, LINK_DPDK_BURST = 32, LINK_TX_BATCH = 64 };

struct eth_link {
    /* control: rw before the start, ro after */
    struct port port;
    uint16_t queue; /* the worker's queue pair */
    bool queueless; /* the port has fewer than workers: another one polls it and sends for us */
    struct addresses addresses;
    enum wgt_drop tx_drop; /* counts what the port does not take */
    bool reassemble;       /* datagrams that come in fragments */

    /* worker: rw */
    struct neighbours neighbours;
    struct wgt_drop_counters *drops;
    /* Takes what a queueless link would send; owner: set together with it. */
    void (*forward)(void *owner, const struct eth_link *l, struct rte_mbuf **frames, uint16_t n);
    void *owner;
    struct capture *capture; /* of what passes, as port number capture_port; NULL: nobody looks */
    unsigned capture_port;
    struct rte_epoll_event epoll; /* of a TAP */
    uint64_t rx, tx;              /* frames */
    uint16_t n_tx;
    struct rte_mbuf *tx_frames[LINK_TX_BATCH];
};

/* The first part is set by the caller. name: unique in the process. router: hosts of
 * the link send through us. 0 or -ENOMEM. */
int eth_link_init(struct eth_link *l, const char *name, struct rte_mempool *pool,
                  struct wgt_drop_counters *drops, bool router);
void eth_link_fini(struct eth_link *l);

/* Up to LINK_BURST frames, without a VLAN's tag. */
uint16_t eth_link_rx(struct eth_link *l, struct rte_mbuf **frames);
/* Drops a frame for that reason. */
void eth_link_refuse(struct eth_link *l, enum wgt_drop why, struct rte_mbuf *m);

/* Why the frame is not for us: not whole, to somebody else, of a type that we do not know. */
static inline enum wgt_drop
eth_link_check(const struct eth_link *l, const struct rte_mbuf *m, struct eth_header *eth)
{
    enum wgt_drop why = WGT_DROP_ETH_TOO_BIG;

    if (m->nb_segs == 1)
        why = eth_parse(rte_pktmbuf_mtod(m, const uint8_t *), rte_pktmbuf_data_len(m), eth);
    if (why != WGT_OK)
        return why;
    if (!eth_addr_equal(&eth->dst, &l->port.eth) && !eth_addr_is_group(&eth->dst))
        return WGT_DROP_ETH_NOT_FOR_US;
    return eth->type == ETH_IPV4 || eth->type == ETH_IPV6 || eth->type == ETH_ARP
               ? WGT_OK
               : WGT_DROP_ETH_TYPE;
}

/* Whether the frame is one for us or a group, and of a type that we know: then its Ethernet header
 * is off and in *eth: ETH_ARP, ETH_IPV4 or ETH_IPV6. Otherwise it was dropped and counted. */
static inline bool
eth_link_accept(struct eth_link *l, struct rte_mbuf *m, struct eth_header *eth)
{
    enum wgt_drop why = eth_link_check(l, m, eth);

    if (unlikely(why != WGT_OK)) {
        eth_link_refuse(l, why, m);
        return false;
    }
    rte_pktmbuf_adj(m, ETH_HEADER_LEN);
    return true;
}

/* An IP packet (taken) to its next hop. */
void eth_link_send(struct eth_link *l, wgt_time now, struct rte_mbuf *packet);
/* A whole frame (taken), of another worker's that has no queue. */
void eth_link_send_frame(struct eth_link *l, struct rte_mbuf *frame);
/* What eth_link_send and the neighbours left behind goes out. */
void eth_link_flush(struct eth_link *l);

/* The calling thread's epoll instance is to wake when frames come. false: the port cannot do that.
 */
bool eth_link_arm(struct eth_link *l, int epoll);
/* Before and after the thread sleeps there. */
void eth_link_interrupt(struct eth_link *l, bool on);
/* Whether frames wait of which epoll does not tell. */
bool eth_link_has_more(const struct eth_link *l);
/* Adds the super-packets of a TAP to those in *sum. */
void eth_link_add_supers(const struct eth_link *l, struct tun_stats *sum);
/* Whether the device is gone for good. */
bool eth_link_is_gone(const struct eth_link *l);

#endif
