/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A node of several workers: who gets what comes in, and what workers hand to one another, which
 * takes some turns.
 */
#ifndef SIM_SHARDS_H
#define SIM_SHARDS_H

#include <wgtcpd/tunnel/tunnel.h>

#include "prng.h"

enum { NODE_WORKERS_MAX = 4 };

/* A packet on its way between workers. */
struct shards_handed {
    struct shards_handed *next;
    unsigned worker; /* to whom */
    uint64_t turn;   /* when it arrives */
    bool inner;
    struct path path;
    struct rte_mbuf *m;
};

struct shards {
    unsigned n;                          /* workers */
    struct tunnel *of[NODE_WORKERS_MAX]; /* theirs */
    struct prng chance;
    uint64_t turn;
    struct shards_handed *first, **last;
    uint64_t handed, handed_inner;
};

void shards_init(struct shards *s, unsigned n, uint64_t seed);
/* Packets under way are gone. */
void shards_fini(struct shards *s);

/* outer.worker_of: any function that does not change will do. */
unsigned shards_of_connection(unsigned n, const struct ip_endpoint *local,
                              const struct ip_endpoint *remote);
/* A packet of the outer network, UDP or TCP, whole. */
unsigned shards_of_packet(struct shards *s, const struct ip_header *ip, const uint8_t *packet,
                          size_t len);
/* An inner packet; any worker when it is nobody's. */
unsigned shards_of_inner(struct shards *s, const struct allowedips *ips, const uint8_t *packet,
                         size_t len);

/* tunnel.hand_over and hand_over_inner */
void shards_hand_over(struct shards *s, unsigned worker, const struct path *from,
                      struct rte_mbuf *m);
/* One turn: what has arrived by now, and each worker's own, unless chance has it wait. Returns how
 * much there was to do. */
unsigned shards_run(struct shards *s, wgt_time clock);
/* Nothing is under way, and nobody has to do anything now. */
bool shards_rest(const struct shards *s, wgt_time clock);
wgt_time shards_deadline(const struct shards *s);

#endif
