/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernel's TUN device as a port: inner packets in and out. Between the kernel and us they
 * travel as super-packets of up to 64 KB, one a system call, where flows allow it; here they are
 * cut and joined, and nobody behind this port sees anything but packets as they are on the wire.
 */
#ifndef WGTCPD_DATAPLANE_TUN_H
#define WGTCPD_DATAPLANE_TUN_H

#include <stdbool.h>

#include <rte_mbuf.h>

#include <wgtcpd/base/drop.h>
#include <wgtcpd/offload/coalesce.h>
#include <wgtcpd/offload/segment.h>

struct tun_stats {
    uint64_t rx, tx;               /* packets */
    uint64_t rx_supers, rx_cut;    /* super-packets, and packets that were cut from them */
    uint64_t tx_supers, tx_joined; /* the same the other way: and packets that are in them */
};

struct tun_port {
    /* control: rw before the worker runs */
    int fd;
    char name[16];
    struct wgt_drop_counters *drops; /* set by the worker */

    /* worker: rw */
    int error; /* errno of a read that says the device is gone; 0: alive */
    struct tun_stats stats;
    uint8_t *super; /* VNET_PACKET_MAX + 1 bytes: the super-packet that is being cut */
    struct segmenter cut;
    struct coalescer joined; /* what waits for tun_flush, and is tx_packets */
    struct rte_mbuf *tx_packets[COALESCE_BATCH];
};

/* Creates the device, down. offload: super-packets both ways, as far as the kernel knows them. 0 or
 * -errno: -EBUSY when the name is taken. */
int tun_open(struct tun_port *p, const char *name, bool offload);
/* Closes the device; with it, it vanishes. Frees what waits. */
void tun_close(struct tun_port *p);

/* Up to n packets from the kernel into fresh mbufs of pool. What is left of a super-packet comes
 * with the next calls, even if nothing new does: see tun_has_more. */
unsigned tun_rx_burst(struct tun_port *p, struct rte_mempool *pool, struct rte_mbuf **packets,
                      unsigned n);

/* Whether a super-packet is not cut up yet: the descriptor does not tell. */
static inline bool
tun_has_more(const struct tun_port *p)
{
    return segment_is_left(&p->cut);
}

/* Takes a packet (one segment, nobody else's) for the kernel; it leaves with tun_flush at the
 * latest. */
void tun_tx(struct tun_port *p, struct rte_mbuf *m);
/* Gives all to the kernel. What it does not take is counted as INNER_TX. */
void tun_flush(struct tun_port *p);

#endif
