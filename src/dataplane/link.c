/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/dataplane/link.h>

#include <sys/epoll.h>

#include <rte_ethdev.h>

#include "vlan.h"

enum { TX_TRIES = 8 };

/* Our queue of it; NULL: the port is none. */
static struct tun_port *
tap_of(const struct eth_link *l)
{
    return l->port.taps == NULL || l->queueless ? NULL : &l->port.taps[l->queue];
}

static void hand_over(struct eth_link *l);

static void
tx_frame(void *ctx, struct rte_mbuf *frame)
{
    struct eth_link *l = ctx;

    l->tx_frames[l->n_tx++] = frame;
    if (l->n_tx == LINK_TX_BATCH)
        hand_over(l);
}

int
eth_link_init(struct eth_link *l, const char *name, struct rte_mempool *pool,
              struct wgt_drop_counters *drops, bool router)
{
    l->drops = drops;
    l->rx = l->tx = 0;
    l->n_tx = 0;
    l->capture = NULL;
    if (tap_of(l) != NULL)
        tap_of(l)->drops = drops;
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

static uint16_t
receive(struct eth_link *l, struct rte_mbuf **frames)
{
    struct tun_port *tap = tap_of(l);

    if (tap != NULL)
        return (uint16_t)tun_rx_burst(tap, l->neighbours.pool, frames, LINK_BURST);
    return rte_eth_rx_burst(l->port.id, l->queue, frames, LINK_DPDK_BURST);
}

uint16_t
eth_link_rx(struct eth_link *l, struct rte_mbuf **frames)
{
    uint16_t n;

    if (unlikely(l->queueless))
        return 0;
    n = receive(l, frames);
    l->rx += n;
    if (l->port.vlan != 0)
        n = vlan_strip_burst(&l->port, l->drops, frames, n);
    if (unlikely(l->capture != NULL))
        capture_burst(l->capture, l->capture_port, false, frames, n);
    return n;
}

void
eth_link_refuse(struct eth_link *l, enum wgt_drop why, struct rte_mbuf *m)
{
    wgt_drop_count(l->drops, why);
    rte_pktmbuf_free(m);
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

static void
transmit(struct eth_link *l, struct rte_mbuf **frames, uint16_t n)
{
    uint16_t sent = 0;

    for (int i = 0; i < TX_TRIES && sent < n; i++)
        sent = (uint16_t)(sent + rte_eth_tx_burst(l->port.id, l->queue, frames + sent,
                                                  (uint16_t)(n - sent)));
    l->tx += sent;
    l->drops->n[l->tx_drop] += (uint64_t)(n - sent);
    rte_pktmbuf_free_bulk(frames + sent, (unsigned)(n - sent));
}

/* A TAP joins what it gets until the flush. */
static void
hand_over(struct eth_link *l)
{
    struct tun_port *tap = tap_of(l);
    uint16_t n = l->n_tx;

    if (unlikely(l->queueless)) {
        l->n_tx = 0;
        l->forward(l->owner, l, l->tx_frames, n);
        return;
    }
    if (unlikely(l->capture != NULL))
        capture_burst(l->capture, l->capture_port, true, l->tx_frames, n);
    if (l->port.vlan != 0)
        n = vlan_insert_burst(&l->port, l->drops, l->tx_frames, n);
    if (tap == NULL)
        transmit(l, l->tx_frames, n);
    for (uint16_t i = 0; tap != NULL && i < n; i++)
        tun_tx(tap, l->tx_frames[i]);
    l->n_tx = 0;
}

void
eth_link_flush(struct eth_link *l)
{
    struct tun_port *tap = tap_of(l);

    if (l->n_tx > 0)
        hand_over(l);
    if (tap != NULL) {
        tun_flush(tap);
        l->tx = tap->stats.tx;
    }
}

/* --- idling --------------------------------------------------------------------------------------
 */

bool
eth_link_arm(struct eth_link *l, int epoll)
{
    const struct tun_port *tap = tap_of(l);

    if (l->queueless)
        return true;
    if (!l->port.rx_interrupt)
        return false;
    l->epoll = (struct rte_epoll_event){.epdata.event = EPOLLIN};
    if (tap != NULL)
        return rte_epoll_ctl(epoll, EPOLL_CTL_ADD, tap->fd, &l->epoll) == 0;
    return rte_eth_dev_rx_intr_ctl_q(l->port.id, l->queue, epoll, RTE_INTR_EVENT_ADD, NULL) == 0;
}

/* Ports whose interrupt is a file descriptor of their own (net_tap) refuse this and need none. */
void
eth_link_interrupt(struct eth_link *l, bool on)
{
    if (l->port.taps == NULL && !l->queueless)
        (void)(on ? rte_eth_dev_rx_intr_enable : rte_eth_dev_rx_intr_disable)(l->port.id, l->queue);
}

bool
eth_link_has_more(const struct eth_link *l)
{
    const struct tun_port *tap = tap_of(l);

    if (tap != NULL)
        return tun_has_more(tap);
    return !l->queueless && rte_eth_rx_queue_count(l->port.id, l->queue) > 0;
}

void
eth_link_add_supers(const struct eth_link *l, struct tun_stats *sum)
{
    const struct tun_port *tap = tap_of(l);

    if (tap == NULL)
        return;
    sum->rx_supers += tap->stats.rx_supers;
    sum->rx_cut += tap->stats.rx_cut;
    sum->tx_supers += tap->stats.tx_supers;
    sum->tx_joined += tap->stats.tx_joined;
}

bool
eth_link_is_gone(const struct eth_link *l)
{
    const struct tun_port *tap = tap_of(l);

    return tap != NULL && tap->error != 0;
}
