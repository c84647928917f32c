/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/dataplane/link.h>

#include <rte_ethdev.h>

#include "vlan.h"

enum { TX_TRIES = 8 };

static void
tx_frame(void *ctx, struct rte_mbuf *frame)
{
    struct eth_link *l = ctx;

    l->tx_frames[l->n_tx++] = frame;
    if (l->n_tx == LINK_TX_BATCH)
        eth_link_flush(l);
}

int
eth_link_init(struct eth_link *l, const char *name, struct rte_mempool *pool,
              struct wgt_drop_counters *drops, bool router)
{
    l->drops = drops;
    l->rx = l->tx = 0;
    l->n_tx = 0;
    l->capture = NULL;
    l->neighbours = (struct neighbours){
        .addresses = &l->addresses,
        .pool = pool,
        .eth = l->port.eth,
        .router = router,
        .drops = drops,
        .ctx = l,
        .tx = tx_frame,
    };
    return neighbours_init(&l->neighbours, name);
}

void
eth_link_fini(struct eth_link *l)
{
    neighbours_fini(&l->neighbours);
    rte_pktmbuf_free_bulk(l->tx_frames, l->n_tx);
    l->n_tx = 0;
}

uint16_t
eth_link_rx(struct eth_link *l, struct rte_mbuf **frames)
{
    uint16_t n;

    if (unlikely(l->queueless))
        return 0;
    n = rte_eth_rx_burst(l->port.id, l->queue, frames, LINK_BURST);
    l->rx += n;
    if (l->port.vlan != 0)
        n = vlan_strip_burst(&l->port, l->drops, frames, n);
    if (unlikely(l->capture != NULL))
        capture_burst(l->capture, l->capture_port, false, frames, n);
    return n;
}

static bool
is_for_us(const struct eth_link *l, const struct eth_addr *dst)
{
    return eth_addr_equal(dst, &l->port.eth) || eth_addr_is_group(dst);
}

bool
eth_link_accept(struct eth_link *l, struct rte_mbuf *m, struct eth_header *eth)
{
    enum wgt_drop why = WGT_DROP_ETH_TOO_BIG;

    if (m->nb_segs == 1)
        why = eth_parse(rte_pktmbuf_mtod(m, const uint8_t *), rte_pktmbuf_data_len(m), eth);
    if (why == WGT_OK && !is_for_us(l, &eth->dst))
        why = WGT_DROP_ETH_NOT_FOR_US;
    if (why == WGT_OK && eth->type != ETH_IPV4 && eth->type != ETH_IPV6 && eth->type != ETH_ARP)
        why = WGT_DROP_ETH_TYPE;
    if (why != WGT_OK) {
        wgt_drop_count(l->drops, why);
        rte_pktmbuf_free(m);
        return false;
    }
    rte_pktmbuf_adj(m, ETH_HEADER_LEN);
    return true;
}

void
eth_link_send(struct eth_link *l, wgt_time now, struct rte_mbuf *packet)
{
    neighbours_send(&l->neighbours, now, packet);
}

void
eth_link_send_frame(struct eth_link *l, struct rte_mbuf *frame)
{
    tx_frame(l, frame);
}

void
eth_link_flush(struct eth_link *l)
{
    uint16_t n = l->n_tx, sent = 0;

    if (n == 0)
        return;
    if (unlikely(l->queueless)) {
        l->n_tx = 0;
        l->forward(l->owner, l, l->tx_frames, n);
        return;
    }
    if (unlikely(l->capture != NULL))
        capture_burst(l->capture, l->capture_port, true, l->tx_frames, n);
    if (l->port.vlan != 0)
        n = vlan_insert_burst(&l->port, l->drops, l->tx_frames, n);
    for (int i = 0; i < TX_TRIES && sent < n; i++)
        sent = (uint16_t)(sent + rte_eth_tx_burst(l->port.id, l->queue, l->tx_frames + sent,
                                                  (uint16_t)(n - sent)));
    l->tx += sent;
    l->drops->n[l->tx_drop] += (uint64_t)(n - sent);
    rte_pktmbuf_free_bulk(l->tx_frames + sent, (unsigned)(n - sent));
    l->n_tx = 0;
}
