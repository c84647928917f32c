/* SPDX-License-Identifier: BSD-3-Clause */
/* WireGuard messages in UDP datagrams. */
#ifndef WGTCPD_TRANSPORT_UDP_H
#define WGTCPD_TRANSPORT_UDP_H

#include <wgtcpd/transport/outer.h>
#include <wgtcpd/transport/path.h>
#include <wgtcpd/wire/udp.h>

/* Sends the message in m (taken) along a UDP path. */
void udp_transport_tx(struct outer *o, const struct path *to, struct rte_mbuf *m,
                      uint8_t traffic_class);

/* The same for a run of messages along one path: its headers, and each message (m, taken). */
static inline void
udp_transport_headers(const struct path *to, struct udp_template *headers)
{
    udp_template_make(headers, &to->local.addr, &to->remote.addr, to->local.port, to->remote.port,
                      OUTER_TTL);
}

void udp_transport_tx_under(struct outer *o, const struct udp_template *headers, struct rte_mbuf *m,
                            uint8_t traffic_class);

#endif
