/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/transport/udp.h>

void
udp_transport_tx_under(struct outer *o, const struct udp_template *headers, struct rte_mbuf *m,
                       uint8_t traffic_class)
{
    size_t ip_len = headers->ip_len, len = rte_pktmbuf_pkt_len(m);
    uint8_t *packet = (uint8_t *)rte_pktmbuf_prepend(m, (uint16_t)(ip_len + UDP_HEADER_LEN));

    if (unlikely(packet == NULL)) {
        outer_drop(o, WGT_DROP_NO_BUFFER, m);
        return;
    }
    /* As Linux's WireGuard: a datagram may be fragmented on the way. */
    udp_template_write(headers, packet, traffic_class, o->next_ip_id++, len);
    /* Of a datagram that leaves in parts, no hardware sees the whole. */
    if (unlikely(!o->offload_udp || ip_len + UDP_HEADER_LEN + len > o->mtu))
        udp_template_checksum(headers, packet, len);
    outer_tx(o, m, o->offload_udp ? RTE_MBUF_F_TX_UDP_CKSUM : 0, ip_len, UDP_HEADER_LEN);
}

void
udp_transport_tx(struct outer *o, const struct path *to, struct rte_mbuf *m, uint8_t traffic_class)
{
    struct udp_template headers;

    udp_transport_headers(to, &headers);
    udp_transport_tx_under(o, &headers, m, traffic_class);
}
