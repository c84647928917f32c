/* SPDX-License-Identifier: BSD-3-Clause */
/* Between the files of the TCP transport. */
#ifndef TRANSPORT_FLOW_H
#define TRANSPORT_FLOW_H

#include <wgtcpd/transport/tcp.h>

/* flow_table.c */
struct tcp_flow *flow_find(const struct tcp_transport *t, const struct ip_endpoint *local,
                           const struct ip_endpoint *remote);
/* A flow in the table with path, decoder and deadlines set up; NULL (counted): the table is full.
 */
struct tcp_flow *flow_new(struct tcp_transport *t, wgt_time now, const struct ip_endpoint *local,
                          const struct ip_endpoint *remote);
/* Removes the flow from everything and gives its packets back. */
void flow_free(struct tcp_transport *t, struct tcp_flow *f);
/* Frees the packets that the connection is done with. */
void flow_reclaim(struct tcp_flow *f);
void flow_mark_dirty(struct tcp_transport *t, struct tcp_flow *f);
struct tcp_options flow_options(struct tcp_transport *t, wgt_time now,
                                const struct ip_endpoint *local, const struct ip_endpoint *remote);

/* flow_tx.c */
/* Sends everything that the connection wants to send now. */
void flow_output(struct tcp_transport *t, wgt_time now, struct tcp_flow *f);
void flow_send_reset(struct tcp_transport *t, const struct ip_header *ip,
                     const struct tcp_segment *in);

/* flow_rx.c */
/* Takes received bytes out of the connection and hands whole messages on. */
void flow_read(struct tcp_transport *t, wgt_time now, struct tcp_flow *f);

#endif
