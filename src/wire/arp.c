/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/wire/arp.h>

enum { ARP_HARDWARE_ETHERNET = 1, ARP_IPV4_LEN = 4 };

/* Offsets of RFC 826's fields for 6-byte hardware and 4-byte protocol addresses. */
enum { AT_SENDER_ETH = 8, AT_SENDER = 14, AT_TARGET_ETH = 18, AT_TARGET = 24 };

static bool
is_ipv4_over_ethernet(const uint8_t *data)
{
    return get_be16(data) == ARP_HARDWARE_ETHERNET && get_be16(data + 2) == ETH_IPV4 &&
           data[4] == ETH_ADDR_LEN && data[5] == ARP_IPV4_LEN;
}

enum wgt_drop
arp_parse(const uint8_t *data, size_t len, struct arp_packet *out)
{
    struct arp_packet p;

    if (len < ARP_LEN || !is_ipv4_over_ethernet(data))
        return WGT_DROP_ARP_MALFORMED;
    p.operation = get_be16(data + 6);
    if (p.operation != ARP_REQUEST && p.operation != ARP_REPLY)
        return WGT_DROP_ARP_MALFORMED;
    memcpy(p.sender_eth.bytes, data + AT_SENDER_ETH, ETH_ADDR_LEN);
    if (eth_addr_is_group(&p.sender_eth))
        return WGT_DROP_ARP_MALFORMED;
    memcpy(p.target_eth.bytes, data + AT_TARGET_ETH, ETH_ADDR_LEN);
    p.sender = ip_addr_v4(data + AT_SENDER);
    p.target = ip_addr_v4(data + AT_TARGET);
    *out = p;
    return WGT_OK;
}

void
arp_write(uint8_t *data, const struct arp_packet *p)
{
    put_be16(data, ARP_HARDWARE_ETHERNET);
    put_be16(data + 2, ETH_IPV4);
    data[4] = ETH_ADDR_LEN;
    data[5] = ARP_IPV4_LEN;
    put_be16(data + 6, p->operation);
    memcpy(data + AT_SENDER_ETH, p->sender_eth.bytes, ETH_ADDR_LEN);
    memcpy(data + AT_SENDER, p->sender.bytes, ARP_IPV4_LEN);
    memcpy(data + AT_TARGET_ETH, p->target_eth.bytes, ETH_ADDR_LEN);
    memcpy(data + AT_TARGET, p->target.bytes, ARP_IPV4_LEN);
}
