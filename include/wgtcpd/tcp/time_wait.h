/* SPDX-License-Identifier: BSD-3-Clause */
/* A connection in TIME-WAIT as a small record instead of a tcp_conn (RFC 9293 3.6.1), sans-I/O. */
#ifndef WGTCPD_TCP_TIME_WAIT_H
#define WGTCPD_TCP_TIME_WAIT_H

#include <wgtcpd/tcp/tcp.h>

struct tcp_time_wait {
    uint32_t snd_nxt, rcv_nxt;
    uint32_t ts_recent, ts_offset;
    uint16_t window; /* field of our ACKs */
    bool ts_ok;
    wgt_time until;
    wgt_time challenge_at; /* no ACK before, but in answer to a FIN */
};

enum tcp_time_wait_event {
    TCP_TIME_WAIT_STAY,
    TCP_TIME_WAIT_REPLY, /* send *out */
    TCP_TIME_WAIT_END,   /* reset by the peer */
    TCP_TIME_WAIT_SYN,   /* a new connection may take its place (RFC 6191, RFC 9293 3.10.7.4) */
};

/* c is in TIME-WAIT. */
void tcp_time_wait_enter(struct tcp_time_wait *w, const struct tcp_conn *c);

enum tcp_time_wait_event tcp_time_wait_input(struct tcp_time_wait *w, wgt_time now,
                                             const struct tcp_segment *seg, struct tcp_segment *out,
                                             enum wgt_drop *why);

/* The initial sequence number of a connection in its place: beyond all that it has sent. */
uint32_t tcp_time_wait_iss(const struct tcp_time_wait *w, uint32_t iss);

#endif
