/* SPDX-License-Identifier: BSD-3-Clause */
#include "classify.h"

static void
drop(struct worker *w, enum wgt_drop why, struct rte_mbuf *m)
{
    outer_drop(&w->tunnel.outer, why, m);
}

static bool
is_multicast_v6(const struct ip_addr *a)
{
    return a->family == IP_V6 && a->bytes[0] == 0xff;
}

static enum wgt_drop
answer_echo(struct worker *w, struct eth_link *l, const struct ip_header *ip, struct rte_mbuf *m)
{
    uint8_t *packet = rte_pktmbuf_mtod(m, uint8_t *);
    enum wgt_drop why = icmp_echo_reply(packet, ip);

    if (why != WGT_OK)
        return why;
    packet_set(m, packet, ip->header_len + ip->payload_len);
    m->ol_flags = 0;
    eth_link_send(l, w->now, m);
    return WGT_OK;
}

/* Each says ICMP_TYPE of what is not its own. */
static void
rx_icmp(struct worker *w, struct eth_link *l, const struct ip_header *ip, struct rte_mbuf *m)
{
    uint8_t *packet = rte_pktmbuf_mtod(m, uint8_t *);
    enum wgt_drop why = WGT_DROP_ICMP_TYPE;
    struct icmp_error error;
    struct nd_message nd;

    if (ip->dst.family == IP_V6) {
        why = nd_parse(packet, ip, &nd);
        if (why == WGT_OK) {
            neighbours_rx_nd(&l->neighbours, w->now, ip, &nd, m);
            return;
        }
    }
    if (why == WGT_DROP_ICMP_TYPE) {
        why = icmp_error_parse(packet, ip, &error);
        if (why == WGT_OK) {
            tunnel_rx_icmp_error(&w->tunnel, w->now, &error);
            rte_pktmbuf_free(m);
            return;
        }
    }
    if (why == WGT_DROP_ICMP_TYPE)
        why = answer_echo(w, l, ip, m);
    if (why != WGT_OK)
        drop(w, why, m);
}

static void
rx_ip(struct worker *w, struct eth_link *l, struct rte_mbuf *m)
{
    bool hardware = l->port.rx_checksums;
    bool ip_good =
        hardware && (m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_GOOD;
    bool l4_good =
        hardware && (m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD;
    struct ip_header ip;
    enum wgt_drop why =
        ip_parse(rte_pktmbuf_mtod(m, const uint8_t *), rte_pktmbuf_data_len(m), !ip_good, &ip);
    bool icmp = why == WGT_OK &&
                (ip.protocol == (ip.dst.family == IP_V4 ? IP_PROTO_ICMP : IP_PROTO_ICMPV6));
    if (why == WGT_OK && !addresses_are_local(&l->addresses, &ip.dst) &&
        !(icmp && is_multicast_v6(&ip.dst)))
        why = WGT_DROP_IP_NOT_FOR_US;
    if (why != WGT_OK)
        drop(w, why, m);
    else if (icmp)
        rx_icmp(w, l, &ip, m);
    else
        tunnel_rx_outer(&w->tunnel, w->now, &ip, m, !l4_good);
}

static bool
is_for_us(const struct eth_link *l, const struct eth_addr *dst)
{
    return memcmp(dst, &l->port.eth, sizeof(*dst)) == 0 || eth_addr_is_group(dst);
}

void
classify(struct worker *w, struct eth_link *l, struct rte_mbuf *m)
{
    struct eth_header eth;
    enum wgt_drop why = WGT_DROP_ETH_TOO_BIG;

    if (m->nb_segs == 1)
        why = eth_parse(rte_pktmbuf_mtod(m, const uint8_t *), rte_pktmbuf_data_len(m), &eth);
    if (why == WGT_OK && !is_for_us(l, &eth.dst))
        why = WGT_DROP_ETH_NOT_FOR_US;
    if (why == WGT_OK && eth.type != ETH_IPV4 && eth.type != ETH_IPV6 && eth.type != ETH_ARP)
        why = WGT_DROP_ETH_TYPE;
    if (why != WGT_OK) {
        drop(w, why, m);
        return;
    }
    rte_pktmbuf_adj(m, ETH_HEADER_LEN);
    if (eth.type == ETH_ARP)
        neighbours_rx_arp(&l->neighbours, w->now, m);
    else
        rx_ip(w, l, m);
}
