/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernel's TUN/TAP device as a port: IP packets (TUN) or Ethernet frames (TAP) in and out.
 * Between the kernel and us they travel as super-packets of up to 64 KB, one a system call, where
 * flows allow it; here they are cut and joined, and nobody behind this port sees anything but
 * packets as they are on the wire.
 *
 * Checksums are as with a network card: of a TAP's frame that the kernel vouches for they are
 * unwritten, and its mbuf says that they are good. A frame to a TAP may leave its own to us, as its
 * mbuf says. A TUN's are complete both ways.
 */
#ifndef WGTCPD_DATAPLANE_TUN_H
#define WGTCPD_DATAPLANE_TUN_H

#include <stdbool.h>

#include <rte_mbuf.h>

#include <wgtcpd/base/drop.h>
#include <wgtcpd/offload/coalesce.h>
#include <wgtcpd/offload/segment.h>
#include <wgtcpd/wire/eth.h>

/* The longest super-packet with its Ethernet header and tag; a byte more shows what is longer. */
enum { TUN_SUPER_ROOM = ETH_HEADER_LEN + ETH_VLAN_TAG_LEN + VNET_PACKET_MAX + 1 };

struct tun_stats {
    uint64_t rx, tx;               /* packets */
    uint64_t rx_supers, rx_cut;    /* super-packets, and packets that were cut from them */
    uint64_t tx_supers, tx_joined; /* the same the other way: and packets that are in them */
};

/* As what is counted what cannot be taken. */
struct tun_reasons {
    enum wgt_drop offload; /* from the kernel: its offloads make no sense */
    enum wgt_drop too_big; /* from the kernel: larger than a buffer */
    enum wgt_drop tx;      /* by the kernel */
};

struct tun_port {
    /* control: rw before the worker runs */
    int fd;
    char name[16];
    int kind;      /* IFF_... */
    bool ethernet; /* a TAP: frames */
    bool offload;  /* the kernel completes checksums that are left to it, and leaves some to us */
    bool complete; /* TAP: complete checksums nevertheless; frames go on to others */
    struct tun_reasons reasons;
    struct wgt_drop_counters *drops; /* set by the worker */

    /* worker: rw */
    int error; /* errno of a read that says the device is gone; 0: alive */
    struct tun_stats stats;
    uint8_t *super; /* TUN_SUPER_ROOM bytes: the super-packet that is being cut */
    struct segmenter cut;
    struct coalescer joined; /* what waits for tun_flush, and is tx_packets */
    struct rte_mbuf *tx_packets[COALESCE_BATCH];
};

/* Creates the device, down, with n queues: each is a port, of one worker. The kernel has a flow
 * come on the queue that its packets went out last. offload: super-packets both ways, as far as the
 * kernel knows them. 0 or -errno: -EBUSY when the name is taken. */
int tun_open(struct tun_port *queues, unsigned n, const char *name, bool offload);
/* The same for a TAP; or takes one that is there (ip tuntap add) and that nobody has: -EBUSY when
 * somebody does, -EINVAL when it is no such device. several: it is one queue of several, all opened
 * with this name. tx: how frames are counted that the kernel does
 * not take. complete: see there. */
int tap_open(struct tun_port *p, const char *name, bool several, bool offload, bool complete,
             enum wgt_drop tx);
/* Brings the device up, with this MTU (0: as it is), which is in *mtu then. 0 or -errno. */
int tap_up(const struct tun_port *p, uint16_t *mtu);
/* Closes the device; with it, it vanishes unless it was there before. Frees what waits. */
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
/* Gives all to the kernel. What it does not take is counted. */
void tun_flush(struct tun_port *p);

#endif
