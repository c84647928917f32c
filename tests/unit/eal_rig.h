/* SPDX-License-Identifier: BSD-3-Clause */
/* DPDK for a test program: EAL without hugepages and cards, and a pool of packets. Once a process.
 */
#ifndef WGTCPD_TEST_EAL_RIG_H
#define WGTCPD_TEST_EAL_RIG_H

#include <rte_eal.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <wgtcpd/transport/packet.h>

/* NULL: it did not start. megabytes: "128". room: of a packet, headroom included. */
static inline struct rte_mempool *
eal_rig_start(const char *program, const char *megabytes, unsigned packets, uint16_t room)
{
    char *argv[] = {(char *)(uintptr_t)program,   (char[]){"--no-huge"},     (char[]){"-m"},
                    (char *)(uintptr_t)megabytes, (char[]){"--no-shconf"},   (char[]){"--no-pci"},
                    (char[]){"--no-telemetry"},   (char[]){"--log-level=1"}, NULL};

    if (rte_eal_init(8, argv) < 0)
        return NULL;
    return rte_pktmbuf_pool_create("rig", packets, 0, PACKET_META_SIZE, room, SOCKET_ID_ANY);
}

#endif
