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
static inline enum wgt_drop
eth_parse(const uint8_t *frame, size_t len, struct eth_header *out)
{
    if (len < ETH_HEADER_LEN)
        return WGT_DROP_ETH_SHORT;
    memcpy(out->dst.bytes, frame, ETH_ADDR_LEN);
    memcpy(out->src.bytes, frame + 6, ETH_ADDR_LEN);
    out->type = get_be16(frame + 12);
    return WGT_OK;
}

/* Writes ETH_HEADER_LEN bytes. */
static inline void
eth_write(uint8_t *frame, const struct eth_header *h)
{
    memcpy(frame, h->dst.bytes, ETH_ADDR_LEN);
    memcpy(frame + 6, h->src.bytes, ETH_ADDR_LEN);
    put_be16(frame + 12, h->type);
}

static inline bool
eth_addr_equal(const struct eth_addr *a, const struct eth_addr *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

/* The group bit: broadcast or multicast. */
static inline bool
eth_addr_is_group(const struct eth_addr *a)
{
    return a->bytes[0] & 1;
}

/* Where a frame's IP packet begins, behind the header and at most one 802.1Q tag; 0: there is none.
 */
static inline size_t
eth_ip_offset(const uint8_t *frame, size_t len)
{
    size_t at = ETH_HEADER_LEN;
    uint16_t type;

    if (len < ETH_HEADER_LEN + ETH_VLAN_TAG_LEN)
        return 0;
    if (get_be16(frame + at - 2) == ETH_VLAN)
        at += ETH_VLAN_TAG_LEN;
    type = get_be16(frame + at - 2);
    return type == ETH_IPV4 || type == ETH_IPV6 ? at : 0;
}

#endif
