/* SPDX-License-Identifier: BSD-3-Clause */
/* Between the files of the TCP transport. */
#ifndef TRANSPORT_FLOW_H
#define TRANSPORT_FLOW_H

#include <wgtcpd/transport/tcp.h>

/* Two addresses, two ports; all bytes count in a hash, so no padding. */
struct flow_key {
    uint8_t local[16], remote[16];
    uint16_t local_port, remote_port;
    uint32_t family;
};
_Static_assert(sizeof(struct flow_key) == TCP_TUPLE_LEN, "no padding in a hash key");

/* flow_table.c */
struct flow_key flow_key(const struct ip_endpoint *local, const struct ip_endpoint *remote);
struct tcp_flow *flow_find(const struct tcp_transport *t, const struct ip_endpoint *local,
                           const struct ip_endpoint *remote);
/* The same in two steps. A bucket holds the number of its first flow, plus 1; 0: it is empty. */
uint32_t *flow_bucket(const struct tcp_transport *t, const struct ip_endpoint *local,
                      const struct ip_endpoint *remote);
struct tcp_flow *flow_find_in(const struct tcp_transport *t, const uint32_t *bucket,
                              const struct ip_endpoint *local, const struct ip_endpoint *remote);
/* A flow in the table with path, decoder and deadlines set up. When the table is full, the flow
 * that nobody has used for the longest time is reset and gone; NULL (counted): all are used. Not
 * while a flow has its turn. */
struct tcp_flow *flow_new(struct tcp_transport *t, wgt_time now, const struct ip_endpoint *local,
                          const struct ip_endpoint *remote);
/* Removes the flow from everything and gives its packets back. */
void flow_free(struct tcp_transport *t, struct tcp_flow *f);
/* Nobody sends on it: its place may be given to another. */
void flow_enter_unused(struct tcp_transport *t, struct tcp_flow *f);
void flow_leave_unused(struct tcp_transport *t, struct tcp_flow *f);
/* Frees the packets that the connection is done with. */
void flow_reclaim(struct tcp_transport *t, struct tcp_flow *f);
void flow_mark_dirty(struct tcp_transport *t, struct tcp_flow *f);
struct tcp_options flow_options(struct tcp_transport *t, wgt_time now,
                                const struct ip_endpoint *local, const struct ip_endpoint *remote);

/* tcp.c */
/* A segment (m, taken) for a flow. */
void flow_rx(struct tcp_transport *t, wgt_time now, struct tcp_flow *f,
             const struct tcp_segment *seg, struct rte_mbuf *m);
/* RST, and gone at once. */
void flow_reject(struct tcp_transport *t, wgt_time now, struct tcp_flow *f);

/* stub_table.c */
/* 0 or -errno; stub_table_fini in either case. */
int stub_table_init(struct tcp_transport *t, wgt_time now);
void stub_table_fini(struct tcp_transport *t);
struct tcp_stub *stub_find(const struct tcp_transport *t, const struct ip_endpoint *local,
                           const struct ip_endpoint *remote);
/* NULL: the table is full. */
struct tcp_stub *stub_new(struct tcp_transport *t, enum tcp_stub_kind kind,
                          const struct ip_endpoint *local, const struct ip_endpoint *remote);
void stub_become(struct tcp_transport *t, struct tcp_stub *s, enum tcp_stub_kind kind);
void stub_free(struct tcp_transport *t, struct tcp_stub *s);
struct tcp_source *source_of(const struct tcp_transport *t, const struct ip_addr *a);

/* listener.c */
/* A segment for no flow; false: it is nobody's, m stays the caller's. */
bool listener_rx(struct tcp_transport *t, wgt_time now, const struct ip_header *ip,
                 const struct tcp_segment *seg, struct rte_mbuf *m);
void listener_run(struct tcp_transport *t, wgt_time now);
void listener_close(struct tcp_transport *t, wgt_time now);
/* f is in TIME-WAIT and about to be freed. */
void listener_keep_time_wait(struct tcp_transport *t, wgt_time now, const struct tcp_flow *f);

/* flow_tx.c */
/* A segment without data. */
void flow_send_bare(struct tcp_transport *t, const struct ip_addr *src, const struct ip_addr *dst,
                    const struct tcp_segment *seg);
/* Sends everything that the connection wants to send now. */
void flow_output(struct tcp_transport *t, wgt_time now, struct tcp_flow *f);
/* Lets those who wait for room send, in turn. */
void flow_pull(struct tcp_transport *t, wgt_time now, struct tcp_flow *f);
/* Once all that may leave has left: when to pull again though no ACK comes. */
wgt_time flow_pull_deadline(struct tcp_transport *t, struct tcp_flow *f, wgt_time now);
/* u waits for f no more. */
void flow_unwait(struct tcp_flow *f, struct path_user *u);
void flow_send_reset(struct tcp_transport *t, const struct ip_header *ip,
                     const struct tcp_segment *in);

/* flow_rx.c */
/* Takes received bytes out of the connection and hands whole messages on. */
void flow_read(struct tcp_transport *t, wgt_time now, struct tcp_flow *f);

/* flow_early.c */
/* Looks for messages around a chunk that the connection has just kept; before flow_read. */
void flow_early(struct tcp_transport *t, wgt_time now, struct tcp_flow *f,
                struct tcp_chunk *newcomer);

/* flow_hold.c: packets (m, taken) that wait for the hole before them */
void flow_hold(struct tcp_transport *t, wgt_time now, struct tcp_flow *f, struct rte_mbuf *m,
               uint32_t seq, uint32_t inner_flow);
/* The stream was read up to seq. */
void flow_release_before(struct tcp_transport *t, wgt_time now, struct tcp_flow *f, uint32_t seq);
void flow_release_due(struct tcp_transport *t, wgt_time now, struct tcp_flow *f);
void flow_release_all(struct tcp_transport *t, wgt_time now, struct tcp_flow *f);
wgt_time flow_hold_deadline(const struct tcp_flow *f);
/* 0 or -errno; flow_hold_fini in either case. */
int flow_hold_init(struct tcp_transport *t);
void flow_hold_fini(struct tcp_transport *t);
/* Frees them without a word. */
void flow_hold_free(struct tcp_transport *t, struct tcp_flow *f);

#endif
