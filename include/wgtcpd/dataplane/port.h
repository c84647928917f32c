/* SPDX-License-Identifier: BSD-3-Clause */
/* An outer port: a DPDK Ethernet device with one queue pair. */
#ifndef WGTCPD_DATAPLANE_PORT_H
#define WGTCPD_DATAPLANE_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mempool.h>

#include <wgtcpd/wire/eth.h>

struct port {
    uint16_t id;
    uint16_t mtu;
    struct eth_addr eth;
    bool rx_interrupt; /* the worker may sleep on it */
    bool rx_checksums; /* hardware verifies IPv4, UDP and TCP checksums */
    bool tx_udp_checksum, tx_tcp_checksum;
    char driver[32];
};

/* Finds the device EAL made for the configuration's Device string, configures and starts it. mtu 0:
 * as it is. 0, or -1 with a message in error. */
int port_start(struct port *p, const char *device, uint16_t mtu, struct rte_mempool *pool,
               char *error, size_t error_len);
/* net_tap gives both ends of the link one address, a new one every time. Two ends need two (a
 * bridge takes frames to its own port's address for itself), and neighbours remember ours over a
 * restart: so a tap's is made from `identity`. Other ports keep theirs. */
void port_part_from_kernel_end(struct port *p, uint64_t identity);
void port_stop(struct port *p);

#endif
