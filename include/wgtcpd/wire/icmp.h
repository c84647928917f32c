/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP and ICMPv6 echo and errors (RFC 792, RFC 4443), IPv6 neighbour discovery (RFC 4861). */
#ifndef WGTCPD_WIRE_ICMP_H
#define WGTCPD_WIRE_ICMP_H

#include <wgtcpd/wire/eth.h>
#include <wgtcpd/wire/ip.h>

enum { ICMP_ECHO_REPLY = 0, ICMP_ECHO_REQUEST = 8 };
enum { ICMP_UNREACHABLE = 3, ICMPV6_UNREACHABLE = 1, ICMPV6_TOO_BIG = 2 };
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

/* What an ICMP error says about a TCP segment, or a datagram with a WireGuard data message. */
enum icmp_error_kind {
    ICMP_ERROR_UNREACHABLE, /* no way there at present */
    ICMP_ERROR_REFUSED,     /* somebody there does not want it: port, protocol, administrator */
    ICMP_ERROR_TOO_BIG,     /* larger than the next hop takes */
};

struct icmp_error {
    enum icmp_error_kind kind;
    uint8_t protocol;            /* IP_PROTO_TCP or IP_PROTO_UDP */
    uint32_t mtu;                /* of the next hop, with TOO_BIG */
    struct ip_endpoint src, dst; /* of the packet quoted: ours, the peer's */
    uint32_t packet_len;         /* IP header included */
    uint32_t seq;                /* TCP: its sequence number */
    uint32_t receiver;           /* UDP, with TOO_BIG: the receiver index in its message */
};

/*
 * Parses destination unreachable (ICMP type 3, ICMPv6 type 1) and packet too big (ICMP type 3 code
 * 4, ICMPv6 type 2) about a TCP segment or message that ip->dst has sent; with packet too big, a
 * data message. `packet` and `ip` as for icmp_echo_reply. An IPv4 router that names no MTU (RFC
 * 1191 5) gets the plateau below the segment's length. WGT_OK, ICMP_MALFORMED, ICMP_CHECKSUM,
 * ICMP_TYPE (another message, or a code without meaning here), ICMP_QUOTE (quotes too little of the
 * packet, another message than data, or no packet of ip->dst).
 */
enum wgt_drop icmp_error_parse(const uint8_t *packet, const struct ip_header *ip,
                               struct icmp_error *out);

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
