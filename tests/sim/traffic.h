/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inner packets of one direction: made, numbered, and judged when they come out. Every byte of a
 * packet follows from (seed, direction, number), so what arrives can be compared whole.
 */
#ifndef SIM_TRAFFIC_H
#define SIM_TRAFFIC_H

#include <wgtcpd/wire/ip.h>

#include "prng.h"

enum { TRAFFIC_STREAMS = 3, TRAFFIC_PACKET_MAX = 1536 };

/* A burst of packets every interval (+- 50 %): `burst` on average, at most twice as many, so that
 * small ones fit into an initial window. */
struct traffic_stream {
    wgt_time from, until, interval; /* interval 0: no stream */
    unsigned burst;
    bool counted; /* below capacity: on a good network every packet must arrive */
    bool foreign; /* with a source or destination that the tunnel must refuse */
};

struct traffic_record {
    wgt_time offered, delivered;
    bool is_delivered, counted, foreign;
    bool refused;              /* answered with "packet too big" */
    size_t limit_v4, limit_v6; /* path MTUs known when it was offered */
};

struct traffic {
    uint64_t seed;
    unsigned direction;
    size_t size_max, limit_v4, limit_v6;
    struct prng prng;
    struct traffic_stream streams[TRAFFIC_STREAMS];
    wgt_time next[TRAFFIC_STREAMS];
    unsigned in_burst[TRAFFIC_STREAMS];
    struct traffic_record *records;
    size_t n, room, n_delivered;
    wgt_time last_delivered;
};

void traffic_init(struct traffic *t, uint64_t seed, unsigned direction, size_t size_max,
                  const struct traffic_stream streams[TRAFFIC_STREAMS]);
void traffic_fini(struct traffic *t);
wgt_time traffic_deadline(const struct traffic *t);
/* The next packet due: its length, or 0 when none is. */
size_t traffic_offer(struct traffic *t, wgt_time now, uint8_t packet[TRAFFIC_PACKET_MAX]);
/* What came out; NULL when it is a packet of this direction, unaltered, for the first time. */
const char *traffic_deliver(struct traffic *t, wgt_time now, const uint8_t *packet, size_t len);

/* Whether what came out on the side of the sender is an ICMP error about one of its packets.
 * "Packet too big" is heeded, and the packet does not count as lost; "host unreachable" changes
 * nothing. */
bool traffic_refused(struct traffic *t, const uint8_t *packet, size_t len);

/* Offered within from..until and never delivered; foreign ones left out. */
size_t traffic_missing(const struct traffic *t, wgt_time from, wgt_time until, bool counted_only);
size_t traffic_offered(const struct traffic *t, wgt_time from, wgt_time until);
/* Delivered within from..until. */
size_t traffic_delivered(const struct traffic *t, wgt_time from, wgt_time until);

/* Inner addresses: 10.77.0.(1+node), fd77::(1+node). */
struct ip_addr traffic_address(unsigned node, uint8_t family);

#endif
