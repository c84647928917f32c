/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The header that stands before every packet of a kernel device with IFF_VNET_HDR (virtio 1.2,
 * 5.1.6), in little endian (TUNSETVNETLE). It says what the side that made the packet has left to
 * the other: to complete a checksum, to cut a super-packet.
 */
#ifndef WGTCPD_OFFLOAD_VNET_H
#define WGTCPD_OFFLOAD_VNET_H

#include <wgtcpd/base/base.h>

enum { VNET_HEADER_LEN = 10, VNET_PACKET_MAX = 65535 };

enum vnet_gso {
    VNET_GSO_NONE = 0,
    VNET_GSO_TCP_V4 = 1,
    VNET_GSO_TCP_V6 = 4,
    VNET_GSO_UDP = 5, /* UDP_L4 of Linux 6.2: datagrams of one size, each with its header */
};

struct vnet_header {
    bool needs_checksum; /* the field holds the pseudo header's sum only */
    bool checked;        /* the checksum was found to be right; only from the kernel to us */
    bool ecn;            /* TCP with CWR, which only the first segment is to have */
    uint8_t gso;         /* enum vnet_gso, or what we do not know */
    uint16_t header_len; /* up to the payload; a hint */
    uint16_t gso_size;   /* payload of every packet but the last */
    uint16_t checksum_start, checksum_offset; /* the field lies at their sum */
};

void vnet_read(struct vnet_header *h, const uint8_t in[VNET_HEADER_LEN]);
void vnet_write(uint8_t out[VNET_HEADER_LEN], const struct vnet_header *h);

#endif
