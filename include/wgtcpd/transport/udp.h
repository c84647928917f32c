/* SPDX-License-Identifier: BSD-3-Clause */
/* WireGuard messages in UDP datagrams. */
#ifndef WGTCPD_TRANSPORT_UDP_H
#define WGTCPD_TRANSPORT_UDP_H

#include <wgtcpd/transport/outer.h>
#include <wgtcpd/transport/path.h>

/* Sends the message in m (taken) along a UDP path. */
void udp_transport_tx(struct outer *o, const struct path *to, struct rte_mbuf *m,
                      uint8_t traffic_class);

#endif
