/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The network between two nodes, in virtual time: delay, rate and queue of each direction, faults
 * that come and go, a middlebox that handles TCP streams, a router with a small MTU, a NAT before
 * node 0, and an attacker who sees all packets and adds some.
 *
 *     node 0 -- [middlebox] -- [router] -- [NAT] -- [rate, queue] -- [faults, delay] -- node 1
 */
#ifndef SIM_NETWORK_H
#define SIM_NETWORK_H

#include <wgtcpd/base/addr.h>
#include <wgtcpd/wire/ip.h>
#include <wgtcpd/wire/tcp.h>

#include "prng.h"
#include "samples.h"

/* Direction 0 leads from node 0 to node 1. */
enum {
    NETWORK_PACKET_MAX = 2048,
    NETWORK_FAULTS_MAX = 8,
    NETWORK_REBINDS_MAX = 4,
    NETWORK_ATTACKS_MAX = 4,
    NETWORK_CAPTURES = 8,
};

/* What may go wrong with packets. Rates are per million packets. */
struct network_impairment {
    uint32_t loss, duplicate, corrupt;
    uint32_t burst_enter, burst_leave; /* into and out of a state that loses everything */
    uint32_t reorder;                  /* packets that take reorder_by longer */
    wgt_time reorder_by;
    wgt_time jitter; /* up to so much more delay: reorders */
    bool black_hole;
    bool resegment;    /* the middlebox cuts streams anew, in odd pieces */
    bool coalesce;     /* it joins segments, as a proxy does, up to full ones */
    wgt_time ack_thin; /* it passes only the last pure ACK of so long a time */
    uint16_t mtu;      /* of the router; larger packets go no further. 0: no limit */
    bool mtu_silent;   /* and nobody is told */
};

/* What the attacker sends, as if it came from the node at the direction's beginning. */
enum network_attack_kind {
    ATTACK_RST_EXACT,   /* ends a connection: the sequence number is the one expected next */
    ATTACK_RST_WINDOW,  /* in the window, but not the one expected */
    ATTACK_RST_OUTSIDE, /* out of the window */
    ATTACK_SYN,         /* in the window */
    ATTACK_GARBAGE,     /* bytes of chance, next in the stream */
    ATTACK_FRAME,       /* a frame for the right session, next in the stream */
    ATTACK_REPLAY,      /* a packet seen before, unchanged */
    ATTACK_ACK_UNSENT,
    ATTACK_ACK_OLD,
    ATTACK_TOO_BIG, /* ICMP about a segment that is in the network */
    ATTACK_KINDS
};

struct network_attack {
    wgt_time from, until, interval;
    unsigned direction;
    enum network_attack_kind kind;
};

struct network_fault {
    wgt_time from, until;
    unsigned directions; /* bit 0, bit 1 */
    struct network_impairment what;
};

struct network_link {
    wgt_time delay;
    uint64_t rate;  /* bytes a second; 0: no limit */
    uint32_t queue; /* bytes */
    uint32_t mark;  /* bytes in the queue above which ECT becomes CE; 0: never */
};

struct network_config {
    uint64_t seed;
    uint16_t mtu;
    struct network_link link[2];
    struct network_fault faults[NETWORK_FAULTS_MAX];
    unsigned n_faults;
    struct ip_addr private; /* node 0's address, with nat */
    bool nat;
    wgt_time rebinds[NETWORK_REBINDS_MAX]; /* node 0 gets another public address and ports */
    unsigned n_rebinds;
    struct network_attack attacks[NETWORK_ATTACKS_MAX];
    unsigned n_attacks;
    bool measure_queue;
};

struct network_packet {
    wgt_time due;
    uint64_t order; /* of packets due together */
    unsigned direction;
    bool behind_nat; /* sent between node 0 and the NAT */
    uint32_t len;
    uint8_t bytes[NETWORK_PACKET_MAX];
};

/* Bytes of one TCP stream that the middlebox holds. */
struct network_box {
    bool holds, joins;
    struct ip_header ip;
    struct tcp_segment segment; /* of the newest segment; seq is of the first byte held */
    uint8_t bytes[2 * NETWORK_PACKET_MAX];
    uint32_t len;
    wgt_time flush_at;
};

/* The newest pure ACK, held back by the thinner. */
struct network_thinner {
    bool holds;
    struct ip_endpoint src, dst;
    uint8_t packet[128];
    size_t len;
    wgt_time flush_at;
};

/* What the attacker knows of a direction. */
struct network_view {
    bool any_tcp;
    struct ip_header ip;        /* of the newest segment */
    struct tcp_segment segment; /* without payload */
    uint32_t seq_end;           /* behind the highest byte seen */
    uint8_t frame[32];          /* beginning of the last payload that begins with a data frame */
    bool has_frame;
    uint8_t kept[NETWORK_CAPTURES][NETWORK_PACKET_MAX]; /* to be replayed */
    uint32_t kept_len[NETWORK_CAPTURES];
    unsigned n_kept;
};

struct network_stats {
    uint64_t sent, delivered, lost, duplicated, corrupted, queue_full, cut, nat_dropped, reordered,
        marked, thinned, too_big, injected;
};

struct network {
    struct network_config config;
    struct prng prng;
    struct network_packet **heap;
    size_t n_heap, heap_room;
    uint64_t order;
    bool in_burst[2];
    wgt_time busy_until[2];
    wgt_time last_due[2]; /* of packets scheduled so far */
    struct network_box box[2];
    struct network_thinner thinner[2];
    struct network_view *views; /* two, if there are attacks */
    wgt_time attack_at[NETWORK_ATTACKS_MAX];
    struct samples queue_delay[2]; /* with measure_queue */
    struct network_stats stats;
};

void network_init(struct network *n, const struct network_config *config);
void network_fini(struct network *n);

/* A node sends an IP packet. */
void network_send(struct network *n, wgt_time now, unsigned direction, const uint8_t *packet,
                  size_t len);
/* Something arrives, or the middlebox lets go of what it held. */
wgt_time network_deadline(const struct network *n);
void network_run(struct network *n, wgt_time now);
/* The next packet that has arrived by now, or NULL; the caller frees it. */
struct network_packet *network_receive(struct network *n, wgt_time now);

/* A link of so many bit/s whose queue holds so much time. */
struct network_link network_link_of(uint64_t bits, wgt_time delay, wgt_time queue);

/* When the last fault or attack ends (0: there is none); a rebinding is a fault of one instant. */
wgt_time network_last_fault(const struct network_config *c);

#endif
