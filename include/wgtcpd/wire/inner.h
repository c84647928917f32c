/* SPDX-License-Identifier: BSD-3-Clause */
/* What a tunnel reads and writes in the packets inside it. All packets given here have passed
 * inner_parse; len is their own length as it says. */
#ifndef WGTCPD_WIRE_INNER_H
#define WGTCPD_WIRE_INNER_H

#include <wgtcpd/wire/ip.h>

/* The upper-layer header. */
struct inner_upper {
    uint8_t protocol;
    bool fragment;  /* any fragment */
    bool continued; /* not the first: there is no upper-layer header here */
    size_t offset;  /* of the header; at most len */
};

/* Walks IPv4 options and IPv6 extension headers; where they make no sense protocol is that of the
 * header which could not be walked. */
void inner_find_upper(const uint8_t *packet, size_t len, struct inner_upper *out);

enum { INNER_FLOW_KEY_LEN = 37 };
/* What tells flows apart: addresses, protocol, and the ports of TCP and UDP. Fragments of one
 * packet have one key: they count by addresses. */
void inner_flow_key(const uint8_t *packet, size_t len, uint8_t key[INNER_FLOW_KEY_LEN]);

/* Lowers the MSS option of a TCP SYN to what fits a packet of mtu bytes, its checksum by RFC 1624.
 * Whether it did. */
bool inner_mss_clamp(uint8_t *packet, size_t len, size_t mtu);

/* IPv6 links carry this much at least (RFC 8200 5), and every IPv4 host takes so much (RFC
 * 791 3.1): senders go no lower, so it is carried whatever the path. */
enum { INNER_MTU_MIN_V6 = 1280, INNER_MTU_MIN_V4 = 576 };

/* Whether a packet may not be carried beyond mtu bytes: larger than it, and IPv6 or IPv4 with
 * "don't fragment". Never true up to the smallest MTU of its kind. */
bool inner_exceeds(const uint8_t *packet, size_t len, size_t mtu);

/* Longest message that inner_too_big_write writes, and what it puts in front of the quoted packet.
 */
enum { INNER_TOO_BIG_MAX = 1280, INNER_TOO_BIG_HEADERS_MAX = IPV6_HEADER_LEN + 8 };

/* Bytes that the error about this packet puts before the part that it quotes. */
size_t inner_too_big_headers(const uint8_t *packet);

/* Whether its sender may be answered with an ICMP error at all (RFC 1122 3.2.2, RFC 4443 2.4). */
bool inner_may_answer(const uint8_t *packet, size_t len);

/*
 * ICMP "fragmentation needed and DF set" (RFC 792, RFC 1191 4) or ICMPv6 "packet too big" (RFC 4443
 * 3.2) to the packet's sender. out: room for INNER_TOO_BIG_MAX bytes; the packet may already lie at
 * out + inner_too_big_headers. It comes from the packet's destination: a host takes no packet whose
 * source is an address of its own, and takes one from there, since its route leads into the tunnel.
 * Returns the length.
 */
size_t inner_too_big_write(uint8_t *out, const uint8_t *packet, size_t len, size_t mtu);

#endif
