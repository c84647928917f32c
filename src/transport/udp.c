/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/transport/udp.h>

#include <wgtcpd/wire/udp.h>

void
udp_transport_tx(struct outer *o, const struct path *to, struct rte_mbuf *m, uint8_t traffic_class)
{
    size_t len = rte_pktmbuf_pkt_len(m);
    uint8_t *udp = (uint8_t *)rte_pktmbuf_prepend(m, UDP_HEADER_LEN);

    if (udp == NULL) {
        outer_drop(o, WGT_DROP_NO_BUFFER, m);
        return;
    }
    /* Of a datagram that leaves in parts, no hardware sees the whole. */
    udp_write(udp, &to->local.addr, &to->remote.addr, to->local.port, to->remote.port, len,
              !o->offload_udp || ip_header_len(&to->remote.addr) + UDP_HEADER_LEN + len > o->mtu);
    outer_send(o, m, &to->local.addr, &to->remote.addr, IP_PROTO_UDP, traffic_class,
               UDP_HEADER_LEN);
}
