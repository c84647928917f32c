/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A model of a TCP connection between two hosts behind the tunnel, in real IP packets: one end
 * sends, the other acknowledges. The sender is modelled on Linux: SACK, RACK (RFC 8985) or a
 * threshold of three (RFC 6675), proportional rate reduction, tail loss probe, undo by timestamps,
 * RTO of at least SRTT + 200 ms, CUBIC or Reno. It is not the code under test and shares nothing
 * with it but the parsers.
 *
 * TSval counts an end's packets instead of time. So each is known when it comes out: once only, and
 * unaltered but for what the tunnel may change (the MSS of a SYN, the ECN bits).
 */
#ifndef SIM_INNER_TCP_H
#define SIM_INNER_TCP_H

#include <wgtcpd/wire/tcp.h>

#include "inner_cc.h"

enum {
    INNER_TCP_PORT = 5201, /* of receivers; senders: INNER_TCP_SENDER_PORT + index */
    INNER_TCP_SENDER_PORT = 20000,
    INNER_TCP_PACKET_MAX = 1536,
    INNER_TCP_RING = 8192, /* segments outstanding */
    INNER_TCP_RUNS = 512,
};

struct inner_tcp_config {
    wgt_time from, until; /* until 0: there is no connection */
    uint64_t bytes;       /* to send; 0: as many as possible until `until` */
    unsigned node;        /* behind which the sender is */
    uint8_t family;
    enum inner_cc_kind cc;
    bool classic; /* loss by three duplicates instead of RACK */
    bool ecn;
    uint32_t window;       /* receive window, bytes; 0: 6 MB */
    bool must_be_complete; /* all bytes by the end of the run: a rule */
};

struct inner_tcp_sent {
    wgt_time time;
    uint32_t number; /* of the packet that carried it last */
    bool sacked, lost, again;
};

struct inner_tcp_record {
    wgt_time sent;
    uint64_t hash;
    bool syn, delivered;
};

/* What both ends have. */
struct inner_tcp_end {
    struct inner_tcp_record *records; /* by packet number */
    size_t n, room;
    uint32_t ts_recent;
};

struct inner_tcp_run {
    uint32_t left, right; /* bytes of the stream */
    uint32_t stamp;
};

enum inner_tcp_state { INNER_OPEN, INNER_RECOVERY, INNER_LOSS };

struct inner_tcp {
    struct inner_tcp_config config;
    unsigned index;
    struct inner_tcp_end end[2]; /* by node */
    uint16_t mss;                /* payload bytes of a segment, once agreed */
    uint16_t piece;              /* of a packet, on a path that takes less; else mss */
    bool started, established, stopped;
    bool look; /* something came: the sender may have something to send */

    /* sender; segments are numbered from 0. On a narrow path one leaves in several packets. */
    uint32_t cut_segment, cut_at; /* the next packet begins there; cut_at 0: at none */
    struct inner_tcp_sent *sent;  /* ring */
    uint32_t una, nxt, limit;     /* limit: segments there are to send */
    uint32_t n_sacked, n_lost, high_sacked;
    enum inner_tcp_state state;
    uint32_t recover, cwr_point, round_end;
    uint32_t first_again; /* number of the episode's first retransmission; 0: none yet */
    double prr_delivered, prr_out, prr_flight;
    struct inner_cc cc;
    wgt_time srtt, rttvar, min_rtt, rack_rtt, rack_time;
    uint32_t rack_segment;
    bool reordering, tlp_used, tlp_due, cwr_due, cwnd_limited;
    unsigned backoff;
    wgt_time syn_at, timer_at, reorder_at;
    bool timer_is_tlp;

    /* receiver */
    uint32_t rcv_nxt;  /* bytes of the stream */
    uint16_t peer_mss; /* from the SYN */
    struct inner_tcp_run runs[INNER_TCP_RUNS];
    unsigned n_runs;
    uint32_t run_stamp, unacked, last_ack;
    struct inner_tcp_run dup;
    bool syn_seen, synack_due, ack_now, dup_due, ece;
    wgt_time ack_at;

    uint64_t segments_sent, retransmitted, reductions, timeouts, undone, marked, too_big;
    wgt_time complete_at; /* WGT_NEVER: not yet */
};

/* mtu: of the inner interface. */
void inner_tcp_init(struct inner_tcp *t, unsigned index, const struct inner_tcp_config *config,
                    size_t mtu);
void inner_tcp_fini(struct inner_tcp *t);
wgt_time inner_tcp_deadline(const struct inner_tcp *t);
/* What the host behind `node` sends now: the packet's length, or 0. */
size_t inner_tcp_offer(struct inner_tcp *t, wgt_time now, unsigned node, uint8_t *packet);
/* A packet of this connection that came out at `node`; NULL or what is wrong. */
const char *inner_tcp_deliver(struct inner_tcp *t, wgt_time now, unsigned node,
                              const struct ip_header *ip, const uint8_t *packet);
/* The host behind `node` hears that a packet of this connection, which ICMP quotes from its TCP
 * header on, was too big. */
void inner_tcp_too_big(struct inner_tcp *t, unsigned node, size_t mtu);
/* Whether a packet of these ports is of this connection. */
bool inner_tcp_owns(const struct inner_tcp *t, uint16_t src_port, uint16_t dst_port);
/* Bytes that the receiver has in order. */
uint64_t inner_tcp_received(const struct inner_tcp *t);

#endif
