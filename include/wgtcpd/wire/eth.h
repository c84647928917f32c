/* SPDX-License-Identifier: BSD-3-Clause */
/* Ethernet II. */
#ifndef WGTCPD_WIRE_ETH_H
#define WGTCPD_WIRE_ETH_H

#include <wgtcpd/base/base.h>
#include <wgtcpd/base/drop.h>

enum { ETH_HEADER_LEN = 14, ETH_ADDR_LEN = 6, ETH_VLAN_TAG_LEN = 4 };
enum { ETH_IPV4 = 0x0800, ETH_ARP = 0x0806, ETH_VLAN = 0x8100, ETH_IPV6 = 0x86dd };

struct eth_addr {
    uint8_t bytes[ETH_ADDR_LEN];
};

struct eth_header {
    struct eth_addr dst, src;
    uint16_t type;
};

/* WGT_OK or ETH_SHORT. */
enum wgt_drop eth_parse(const uint8_t *frame, size_t len, struct eth_header *out);
/* Writes ETH_HEADER_LEN bytes. */
void eth_write(uint8_t *frame, const struct eth_header *h);
/* The group bit: broadcast or multicast. */
bool eth_addr_is_group(const struct eth_addr *a);

#endif
