/* SPDX-License-Identifier: BSD-3-Clause */
#include "dispatch.h"

#include <wgtcpd/wire/icmp.h>

#include "classify.h"

/* Besides workers' numbers. */
enum { EVERYBODY = STEER_WORKERS_MAX };
/* Whoever reassembles has to see all parts. */
enum { REASSEMBLER = 0 };

static bool
is_neighbour_discovery(const uint8_t *icmp, const struct ip_header *ip)
{
    return ip->dst.family == IP_V6 && ip->payload_len > 0 &&
           (icmp[0] == ICMPV6_NEIGHBOUR_SOLICITATION || icmp[0] == ICMPV6_NEIGHBOUR_ADVERTISEMENT);
}

/* An error about a segment goes to its connection. One about a datagram names the receiver index of
 * the other end: whose peer has that only its worker knows. */
static unsigned
owner_of_icmp(const struct worker *w, const uint8_t *packet, const struct ip_header *ip)
{
    struct icmp_error e;

    if (is_neighbour_discovery(packet + ip->header_len, ip))
        return EVERYBODY;
    if (icmp_error_parse(packet, ip, &e) != WGT_OK)
        return w->id;
    return e.protocol == IP_PROTO_TCP ? steer_connection(w->steer, &e.src, &e.dst) : EVERYBODY;
}

static bool
is_icmp(const struct ip_header *ip)
{
    return ip->protocol == (ip->dst.family == IP_V4 ? IP_PROTO_ICMP : IP_PROTO_ICMPV6);
}

/* Hardware is not asked about what it may have read otherwise than we. */
static const uint32_t *
hash_of(const struct eth_link *l, const struct rte_mbuf *m, const struct ip_header *ip)
{
    bool plain = ip->header_len == ip_header_len(&ip->dst);

    return l->port.rx_hash && plain && (m->ol_flags & RTE_MBUF_F_RX_RSS_HASH) != 0 ? &m->hash.rss
                                                                                   : NULL;
}

/* What will be dropped is dropped by whoever has it. */
static unsigned
owner_of_ip(const struct worker *w, const struct eth_link *l, const struct rte_mbuf *m)
{
    const uint8_t *packet = rte_pktmbuf_mtod_offset(m, const uint8_t *, ETH_HEADER_LEN);
    struct ip_header ip;
    enum wgt_drop why = ip_parse(packet, rte_pktmbuf_data_len(m) - ETH_HEADER_LEN, false, &ip);

    if (why == WGT_DROP_IP_FRAGMENT)
        return REASSEMBLER;
    if (why != WGT_OK)
        return w->id;
    return is_icmp(&ip) ? owner_of_icmp(w, packet, &ip)
                        : steer_packet(w->steer, w->id, packet, &ip, hash_of(l, m, &ip));
}

/* Behind the gateway's link are no connections of ours: inner packets find their worker by the
 * peer, in the tunnel. */
static unsigned
owner_behind_gateway(const struct worker *w, const struct rte_mbuf *m)
{
    const uint8_t *packet = rte_pktmbuf_mtod_offset(m, const uint8_t *, ETH_HEADER_LEN);
    struct ip_header ip;

    if (ip_is_v4(packet) ||
        ip_parse(packet, rte_pktmbuf_data_len(m) - ETH_HEADER_LEN, false, &ip) != WGT_OK)
        return w->id;
    return is_icmp(&ip) && is_neighbour_discovery(packet + ip.header_len, &ip) ? EVERYBODY : w->id;
}

static unsigned
owner_of(const struct worker *w, unsigned link, const struct rte_mbuf *m)
{
    const struct eth_link *l = w->links[link];
    struct eth_header eth;

    if (m->nb_segs != 1 ||
        eth_parse(rte_pktmbuf_mtod(m, const uint8_t *), rte_pktmbuf_data_len(m), &eth) != WGT_OK)
        return w->id;
    if (eth.type == ETH_ARP)
        return EVERYBODY;
    if (eth.type != ETH_IPV4 && eth.type != ETH_IPV6)
        return w->id;
    if (rte_pktmbuf_data_len(m) == ETH_HEADER_LEN)
        return w->id;
    return link < w->n_outer ? owner_of_ip(w, l, m) : owner_behind_gateway(w, m);
}

uint16_t
dispatch_burst(struct worker *w, unsigned link, struct rte_mbuf **frames, uint16_t n)
{
    uint16_t own = 0;

    for (uint16_t i = 0; i < n; i++) {
        unsigned owner = owner_of(w, link, frames[i]);

        if (owner == EVERYBODY)
            handover_give_all(&w->handover, HANDED_FRAME, link, frames[i]);
        else if (owner != w->id) {
            handover_give(&w->handover, owner, HANDED_FRAME, link, frames[i]);
            continue;
        }
        frames[own++] = frames[i];
    }
    handover_flush(&w->handover);
    return own;
}

static void
take_frame(struct worker *w, unsigned link, struct rte_mbuf *m)
{
    if (link < w->n_outer)
        classify(w, w->links[link], m);
    else
        gateway_rx_link(w->gateway, w->now, m);
}

static void
take_message(struct worker *w, struct rte_mbuf *m)
{
    struct path path = handover_path(m);

    tunnel_rx_handed(&w->tunnel, w->now, &path, m);
}

void
dispatch_take(void *ctx, enum handed what, unsigned link, struct rte_mbuf *m)
{
    struct worker *w = ctx;

    switch (what) {
    case HANDED_FRAME:
        take_frame(w, link, m);
        break;
    case HANDED_SEND:
        eth_link_send_frame(w->links[link], m);
        break;
    case HANDED_INNER:
        tunnel_rx_inner(&w->tunnel, w->now, m);
        break;
    case HANDED_MESSAGE:
        take_message(w, m);
        break;
    }
}
