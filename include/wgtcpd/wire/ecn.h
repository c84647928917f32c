/* SPDX-License-Identifier: BSD-3-Clause */
/* Explicit congestion notification in IP headers (RFC 3168) and through tunnels (RFC 6040). The
 * packets given here have passed inner_parse or ip_parse. */
#ifndef WGTCPD_WIRE_ECN_H
#define WGTCPD_WIRE_ECN_H

#include <wgtcpd/wire/ip.h>

enum { ECN_MASK = 3, IPV6_ECN_SHIFT = 4 };

/* The ECN field, enum IP_ECN_*. */
static inline uint8_t
ecn_of(const uint8_t *packet)
{
    return (ip_is_v4(packet) ? packet[1] : packet[1] >> IPV6_ECN_SHIFT) & ECN_MASK;
}

/* Sets "congestion experienced", the IPv4 header checksum too. false: the packet is not of an
 * ECN-capable transport and stays as it is. */
bool ecn_mark(uint8_t *packet);

/* ECN field of the outer header for an inner packet: the same, but ECT(0) for CE, so that the path
 * outside says only what happened outside (RFC 3168 9.1.1 full functionality, as Linux's
 * WireGuard).
 */
static inline uint8_t
ecn_encapsulate(uint8_t inner)
{
    return inner == IP_ECN_CE ? IP_ECN_ECT0 : inner;
}

/* RFC 6040 4.2: what arrived on the outer header is put into the inner one. false: the packet is to
 * be dropped (congestion experienced, and the inner transport would not understand). */
bool ecn_decapsulate(uint8_t *packet, uint8_t outer);

#endif
