/* SPDX-License-Identifier: BSD-3-Clause */
/* An Ethernet device, one of DPDK's or a tap of the kernel (tun.h), with a queue pair for each
 * worker, as far as it has them. */
#ifndef WGTCPD_DATAPLANE_PORT_H
#define WGTCPD_DATAPLANE_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mempool.h>

#include <wgtcpd/dataplane/steer.h>
#include <wgtcpd/wire/eth.h>

struct port_config {
    const char *device; /* PCI address or vdev string, as the configuration names it */
    uint16_t mtu;       /* 0: as it is */
    uint16_t vlan;      /* 802.1Q tag of all frames; 0: they have none */
    uint64_t identity;  /* of which a tap's address is made */
    /* Queue pairs wanted, 0: one; with several, which of them a TCP segment should come on. */
    uint16_t queues;
    const struct steer *steer;
    const char *tap; /* the kernel's end of our own TAP; NULL: device is DPDK's */
    bool offload;    /* a TAP's super-packets, and checksums left to who takes a frame */
    bool inner;      /* frames go on to others: their checksums are to be complete */
};

struct tun_port;

struct port {
    uint16_t id;
    uint16_t mtu;
    uint16_t vlan; /* 0: none */
    struct eth_addr eth;
    bool rx_interrupt; /* the worker may sleep on it */
    bool rx_checksums; /* hardware verifies IPv4, UDP and TCP checksums */
    bool tx_udp_checksum, tx_tcp_checksum;
    bool vlan_strip, vlan_insert; /* hardware takes tags off, puts them on */
    uint16_t queues;              /* queue pairs */
    bool rx_hash;                 /* a TCP segment comes with its hash under the steer's key */
    struct tun_port *taps;        /* of each queue; NULL: DPDK's port id */
    char driver[32];
};

/* Finds the device that EAL made, or makes a TAP, configures and starts it. 0, or -1 with a message
 * in error.
 *
 * net_tap gives both ends of the link one address, a new one every time. Two ends need two (a
 * bridge takes frames to its own port's address for itself), and neighbours remember ours over a
 * restart: so a tap's is made from the identity. Other ports keep theirs. */
int port_start(struct port *p, const struct port_config *c, struct rte_mempool *pool, char *error,
               size_t error_len);
void port_stop(struct port *p);

#endif
