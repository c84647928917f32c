/* SPDX-License-Identifier: BSD-3-Clause */
/* What the transports know of the network below them. */
#ifndef WGTCPD_TRANSPORT_OUTER_H
#define WGTCPD_TRANSPORT_OUTER_H

#include <rte_mbuf.h>

#include <wgtcpd/base/addr.h>
#include <wgtcpd/base/drop.h>
#include <wgtcpd/wire/eth.h>
#include <wgtcpd/wire/ip.h>

enum { OUTER_LOCAL_MAX = 16, OUTER_TTL = 64 };

/* From which of our addresses to talk to those of a prefix. */
struct outer_route {
    struct ip_prefix to;
    struct ip_addr source;
};

struct outer {
    void *ctx;
    /* Sends an IP packet; takes the mbuf. A datagram larger than mtu leaves in fragments, its
     * checksum is in place whatever the offloads. A TCP segment's mbuf may have a second owner (the
     * connection keeps it until acknowledged): prepend to it, but leave its bytes alone. */
    void (*tx)(void *ctx, struct rte_mbuf *ip_packet);
    /* Fills buf with random bytes. */
    void (*entropy)(void *ctx, void *buf, size_t len);
    /* The wall clock, Unix seconds. May be NULL where nobody knocks. */
    uint64_t (*wall_seconds)(void *ctx);
    /* Which worker has the connection between these; what it names does not change. NULL: there is
     * only one worker. */
    unsigned (*worker_of)(void *ctx, const struct ip_endpoint *local,
                          const struct ip_endpoint *remote);
    struct rte_mempool *pool; /* private size PACKET_META_SIZE */
    struct ip_prefix locals[OUTER_LOCAL_MAX];
    unsigned n_locals;
    const struct outer_route *routes; /* longest prefix first; where none fits, locals count */
    unsigned n_routes;
    uint16_t mtu; /* with several ports, the smallest */
    /* every port computes these checksums; otherwise we do */
    bool offload_udp, offload_tcp;
    uint16_t next_ip_id;
    struct wgt_drop_counters *drops;
};

static inline void
outer_drop(struct outer *o, enum wgt_drop why, struct rte_mbuf *m)
{
    wgt_drop_count(o->drops, why);
    rte_pktmbuf_free(m);
}

/* Our address to talk to remote from: by the longest route, else one whose prefix holds it, else
 * the first of the family. false: no address of that family. */
bool outer_source_for(const struct outer *o, const struct ip_addr *remote, struct ip_addr *source);

/* Hands down a packet with its headers; checksum: RTE_MBUF_F_TX_UDP_CKSUM, _TCP_CKSUM or 0. */
static inline void
outer_tx(struct outer *o, struct rte_mbuf *m, uint64_t checksum, size_t ip_header_len,
         size_t transport_header_len)
{
    m->ol_flags =
        checksum | (ip_header_len == IPV4_HEADER_LEN ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6);
    m->tx_offload =
        rte_mbuf_tx_offload(ETH_HEADER_LEN, ip_header_len, transport_header_len, 0, 0, 0, 0);
    o->tx(o->ctx, m);
}

/* Prepends the IP header to a TCP segment, sets offload flags and sends it. */
void outer_send_segment(struct outer *o, struct rte_mbuf *m, const struct ip_addr *src,
                        const struct ip_addr *dst, uint8_t traffic_class, size_t tcp_header_len);

#endif
