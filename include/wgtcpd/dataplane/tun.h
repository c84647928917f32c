/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel's TUN device as a port: inner packets in and out. */
#ifndef WGTCPD_DATAPLANE_TUN_H
#define WGTCPD_DATAPLANE_TUN_H

#include <stdbool.h>

#include <rte_mbuf.h>

struct tun_port {
    int fd;
    char name[16];
    int error; /* errno of a read that says the device is gone; 0: alive */
};

/* Creates the device, down. 0 or -errno: -EBUSY when the name is taken. */
int tun_open(struct tun_port *p, const char *name);
/* Closes the device; with it, it vanishes. */
void tun_close(struct tun_port *p);

/* Up to n packets from the kernel into fresh mbufs of pool. */
unsigned tun_rx_burst(struct tun_port *p, struct rte_mempool *pool, struct rte_mbuf **packets,
                      unsigned n);
/* Gives a packet to the kernel and frees it; false: the kernel did not take it. */
bool tun_tx(struct tun_port *p, struct rte_mbuf *m);

#endif
