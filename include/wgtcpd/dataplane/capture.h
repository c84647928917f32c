/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets as they pass the workers' ports, copied for somebody who looks: a ring of slots that the
 * workers write, one at a time, and control reads. librte_pdump would need hugepages and a second
 * process, and knows no TUN. When the ring is full, packets are not copied, and counted; nobody
 * waits for the reader.
 */
#ifndef WGTCPD_DATAPLANE_CAPTURE_H
#define WGTCPD_DATAPLANE_CAPTURE_H

#include <rte_mbuf.h>
#include <rte_spinlock.h>

#include <wgtcpd/base/base.h>

enum { CAPTURE_SLOTS = 4096, CAPTURE_PORTS_MAX = 32 };

struct capture_packet {
    wgt_time at;       /* begin of the worker's turn */
    uint32_t len;      /* of the packet */
    uint32_t captured; /* bytes of it in data */
    uint16_t port;
    bool out; /* leaves through the port */
    uint8_t data[];
};

struct capture {
    /* control: rw before the start, ro after */
    uint32_t ports;   /* bit 0: port 0 */
    uint32_t snaplen; /* most bytes of a packet */
    size_t slot;      /* bytes of a slot */
    uint8_t *slots;

    /* workers: rw */
    wgt_time now; /* begin of a worker's last turn */
    rte_spinlock_t writer;
    uint32_t head __rte_cache_aligned; /* slots ever written; control: ro */
    uint64_t missed[CAPTURE_PORTS_MAX];
    /* control: rw */
    uint32_t tail __rte_cache_aligned; /* slots ever read; worker: ro */
};

/* NULL: no memory. */
struct capture *capture_new(uint32_t ports, uint32_t snaplen);
/* NULL is fine. The workers do not know of it any more. */
void capture_free(struct capture *c);

/* A worker: packets that pass the port. */
void capture_burst(struct capture *c, unsigned port, bool out, struct rte_mbuf *const *packets,
                   unsigned n);

/* Control: the oldest packet, valid until capture_next; NULL: there is none now. */
const struct capture_packet *capture_peek(const struct capture *c);
void capture_next(struct capture *c);
/* Packets of the port that the ring had no room for. */
uint64_t capture_missed(const struct capture *c, unsigned port);

#endif
