/* SPDX-License-Identifier: BSD-3-Clause */
/* ARP for IPv4 over Ethernet (RFC 826). */
#ifndef WGTCPD_WIRE_ARP_H
#define WGTCPD_WIRE_ARP_H

#include <wgtcpd/base/addr.h>
#include <wgtcpd/wire/eth.h>

enum { ARP_LEN = 28 };
enum arp_operation { ARP_REQUEST = 1, ARP_REPLY = 2 };

struct arp_packet {
    uint16_t operation;
    struct eth_addr sender_eth, target_eth;
    struct ip_addr sender, target; /* IPv4 */
};

/* data starts after the Ethernet header; trailing padding is ignored. WGT_OK or ARP_MALFORMED
 * (other hardware or protocol, other operation, short, group sender hardware address). */
enum wgt_drop arp_parse(const uint8_t *data, size_t len, struct arp_packet *out);
/* Writes ARP_LEN bytes. */
void arp_write(uint8_t *data, const struct arp_packet *p);

#endif
