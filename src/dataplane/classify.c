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

static enum wgt_drop
parse(const struct rte_mbuf *m, bool verify_checksum, struct ip_header *ip)
{
    return ip_parse(rte_pktmbuf_mtod(m, const uint8_t *), rte_pktmbuf_data_len(m), verify_checksum,
                    ip);
}

static bool
is_to(const struct eth_link *l, const struct rte_mbuf *fragment)
{
    const uint8_t *p = rte_pktmbuf_mtod(fragment, const uint8_t *);
    struct ip_addr dst = ip_is_v4(p) ? ip_addr_v4(p + 16) : ip_addr_v6(p + 24);

    return addresses_are_local(&l->addresses, &dst);
}

/* Whether it went to the tunnel. */
static bool
rx_parsed(struct worker *w, struct eth_link *l, struct rte_mbuf *m, enum wgt_drop why,
          const struct ip_header *ip, bool verify_checksum)
{
    bool icmp = why == WGT_OK &&
                (ip->protocol == (ip->dst.family == IP_V4 ? IP_PROTO_ICMP : IP_PROTO_ICMPV6));

    if (why == WGT_OK && !addresses_are_local(&l->addresses, &ip->dst) &&
        !(icmp && is_multicast_v6(&ip->dst)))
        why = WGT_DROP_IP_NOT_FOR_US;
    if (why != WGT_OK) {
        drop(w, why, m);
        return false;
    }
    if (icmp) {
        rx_icmp(w, l, ip, m);
        return false;
    }
    tunnel_rx_outer(&w->tunnel, w->now, ip, m, verify_checksum);
    return true;
}

static void
rx_fragment(struct worker *w, struct eth_link *l, struct rte_mbuf *m)
{
    struct ip_header ip;

    if (!l->reassemble || !is_to(l, m)) {
        drop(w, WGT_DROP_IP_FRAGMENT, m);
        return;
    }
    m = fragments_add(&w->fragments, w->now, m);
    if (m != NULL)
        rx_parsed(w, l, m, parse(m, false, &ip), &ip, true);
}

/* Most packets are like the one before: on the same link, between the same two hosts. */
static bool
rx_again(struct worker *w, const struct eth_link *l, struct rte_mbuf *m, bool ip_good, bool l4_good)
{
    if (l != w->received_on)
        return false;
    if (ip_good && l4_good && tunnel_rx_outer_again(&w->tunnel, w->now, m))
        return true;
    if (!ip_parse_again(rte_pktmbuf_mtod(m, const uint8_t *), rte_pktmbuf_data_len(m), !ip_good,
                        &w->received))
        return false;
    tunnel_rx_outer(&w->tunnel, w->now, &w->received, m, !l4_good);
    return true;
}

static void
rx_ip(struct worker *w, struct eth_link *l, struct rte_mbuf *m)
{
    uint64_t flags = l->port.rx_checksums ? m->ol_flags : 0;
    bool ip_good = (flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_GOOD;
    bool l4_good = (flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD;
    enum wgt_drop why;

    if (rx_again(w, l, m, ip_good, l4_good))
        return;
    w->received_on = NULL;
    why = parse(m, !ip_good, &w->received);
    if (unlikely(why == WGT_DROP_IP_FRAGMENT))
        rx_fragment(w, l, m);
    else if (rx_parsed(w, l, m, why, &w->received, !l4_good))
        w->received_on = l;
}

void
classify(struct worker *w, struct eth_link *l, struct rte_mbuf *m)
{
    struct eth_header eth;

    if (!eth_link_accept(l, m, &eth))
        return;
    if (eth.type == ETH_ARP)
        neighbours_rx_arp(&l->neighbours, w->now, m);
    else
        rx_ip(w, l, m);
}
