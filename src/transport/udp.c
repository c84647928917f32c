/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/transport/udp.h>

#include <wgtcpd/wire/udp.h>

void
udp_transport_tx(struct outer *o, const struct path *to, struct rte_mbuf *m, uint8_t traffic_class)
{
    const struct ip_addr *src = &to->local.addr, *dst = &to->remote.addr;
    size_t len = rte_pktmbuf_pkt_len(m), ip_len = ip_header_len(dst);
    /* As Linux's WireGuard: a datagram may be fragmented on the way. */
    const struct ip_fields ip = {
        .protocol = IP_PROTO_UDP,
        .ttl = OUTER_TTL,
        .traffic_class = traffic_class,
        .id = o->next_ip_id++,
        .payload_len = (uint32_t)(UDP_HEADER_LEN + len),
    };
    uint8_t *packet = (uint8_t *)rte_pktmbuf_prepend(m, (uint16_t)(ip_len + UDP_HEADER_LEN));

    if (packet == NULL) {
        outer_drop(o, WGT_DROP_NO_BUFFER, m);
        return;
    }
    /* Of a datagram that leaves in parts, no hardware sees the whole. */
    udp_write(packet + ip_len, src, dst, to->local.port, to->remote.port, len,
              !o->offload_udp || ip_len + UDP_HEADER_LEN + len > o->mtu);
    ip_write_fields(packet, src, dst, &ip);
    outer_tx(o, m, o->offload_udp ? RTE_MBUF_F_TX_UDP_CKSUM : 0, ip_len, UDP_HEADER_LEN);
}
