/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP and ICMPv6 echo (RFC 792, RFC 4443) and IPv6 neighbour discovery (RFC 4861). */
#ifndef WGTCPD_WIRE_ICMP_H
#define WGTCPD_WIRE_ICMP_H

#include <wgtcpd/wire/eth.h>
#include <wgtcpd/wire/ip.h>

enum { ICMP_ECHO_REPLY = 0, ICMP_ECHO_REQUEST = 8 };
enum { ICMPV6_ECHO_REQUEST = 128, ICMPV6_ECHO_REPLY = 129 };
enum { ICMPV6_NEIGHBOUR_SOLICITATION = 135, ICMPV6_NEIGHBOUR_ADVERTISEMENT = 136 };

/*
 * Turns an echo request into its reply in place: `packet` is the whole IP packet parsed into `ip`
 * (header_len and payload_len as ip_parse gave them). Verifies the ICMP checksum, swaps addresses,
 * sets TTL 64 and updates checksums. WGT_OK: send the packet back (ip->header_len + payload_len
 * bytes). IPv4 options are blanked, so that a source route does not steer the reply.
 *
 * Otherwise the packet is untouched: ICMP_MALFORMED (short, or code not 0), ICMP_CHECKSUM,
 * ICMP_TYPE (no echo request, or one to a group address: not answered), IP_SOURCE (unspecified
 * source: nobody to answer).
 */
enum wgt_drop icmp_echo_reply(uint8_t *packet, const struct ip_header *ip);

enum { ND_LEN = 32 }; /* solicitation or advertisement with one link-layer address option */

struct nd_message {
    uint8_t type; /* ICMPV6_NEIGHBOUR_* */
    struct ip_addr target;
    bool has_link_addr; /* source (NS) or target (NA) link-layer address option present */
    struct eth_addr link_addr;
    bool solicited, override, router; /* NA flags */
};

/* Parses the ICMPv6 message of the IPv6 packet `packet`/`ip`. Checks hop limit 255, code 0,
 * checksum, lengths, options, target not multicast (RFC 4861 7.1). WGT_OK, ND_MALFORMED,
 * ICMP_CHECKSUM, or ICMP_TYPE when it is no NS/NA. */
enum wgt_drop nd_parse(const uint8_t *packet, const struct ip_header *ip, struct nd_message *out);

/* Writes a whole IPv6 packet (40 + ND_LEN bytes, hop limit 255, link-layer address option always
 * present, checksum). Returns its length. */
size_t nd_write(uint8_t *packet, const struct ip_addr *src, const struct ip_addr *dst,
                const struct nd_message *m);

/* The solicited-node multicast address of a target (RFC 4291 2.7.1), and the Ethernet group address
 * of any IPv6 multicast address (RFC 2464 7). */
struct ip_addr nd_solicited_node(const struct ip_addr *target);
struct eth_addr eth_addr_of_multicast(const struct ip_addr *group);

#endif
