/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The reverse of segment.h: of a batch of packets for the kernel, those of one flow that follow
 * each other become one super-packet, whose cutting would give the same packets again (but for the
 * IPv4 ID of packets that may not be fragmented, which nobody may look at: RFC 6864 4.1). The rules
 * are those of the kernel's GRO, and stricter where it forgets something: the window, and PSH
 * within.
 *
 * Sans-I/O: packets, with an Ethernet header before them or not, are looked at where they lie, and
 * joined by naming them in order; only headers of a first packet are written. Checksums are
 * verified before packets are joined, so that a wrong one is not hidden by the new one. Within a
 * flow the order stays; flows may change places.
 */
#ifndef WGTCPD_OFFLOAD_COALESCE_H
#define WGTCPD_OFFLOAD_COALESCE_H

#include <wgtcpd/offload/vnet.h>

enum { COALESCE_BATCH = 128, COALESCE_CHAIN_MAX = 64, COALESCE_BUCKETS = 64 };

/* What one packet is to the coalescer. */
struct coalesce_packet {
    uint8_t *data; /* the IP packet, or what else is in a frame */
    uint16_t len;
    uint16_t upper;      /* offset of the TCP or UDP header */
    uint16_t header_len; /* of all headers */
    uint16_t next;       /* of its chain; valid but for the last */
    uint8_t link_len;    /* bytes of an Ethernet header before data */
    uint8_t protocol;    /* TCP, UDP; 0: of no flow that we follow */
    bool joins;          /* it can be part of a super-packet */
    bool partial;        /* its checksum holds the pseudo header's sum only, and that is right */
    bool verified;       /* its checksum is right */
};

/* Packets that leave as one: n of them, from first on by next. */
struct coalesce_chain {
    uint16_t first, last;
    uint16_t n;
    uint16_t older; /* chain of its bucket */
    uint16_t size;  /* payload of every packet but the last */
    uint32_t len;   /* of the super-packet, without an Ethernet header */
    bool closed;    /* takes no more */
};

struct coalescer {
    bool tcp, udp; /* what is joined */
    uint16_t n_packets, n_chains;
    uint16_t barrier; /* chains before it take no more, whatever flow they are of */
    uint16_t buckets[COALESCE_BUCKETS]; /* the newest chain of each */
    struct coalesce_packet packets[COALESCE_BATCH];
    struct coalesce_chain chains[COALESCE_BATCH];
};

void coalesce_init(struct coalescer *c, bool tcp, bool udp);

static inline bool
coalesce_is_full(const struct coalescer *c)
{
    return c->n_packets == COALESCE_BATCH;
}

/* Adds an IP packet as number n_packets; not while it is full. data: len bytes, the packet's own
 * length; they stay the caller's and stay as they are until coalesce_clear. */
void coalesce_add(struct coalescer *c, uint8_t *data, size_t len);
/* The same for an Ethernet frame. partial: the checksum of its TCP segment or UDP datagram, without
 * IP extension headers, is left to who takes it; its field holds the pseudo header's sum. */
void coalesce_add_frame(struct coalescer *c, uint8_t *frame, size_t len, bool partial);

/* Chain i is about to leave: writes its vnet header, and the headers of its first packet when it
 * is a super-packet. The first packet goes with its Ethernet header; of those behind it only the
 * payload is to follow, from header_len on. */
void coalesce_finish(struct coalescer *c, unsigned i, uint8_t vnet[VNET_HEADER_LEN]);

/* All have left. */
void coalesce_clear(struct coalescer *c);

#endif
