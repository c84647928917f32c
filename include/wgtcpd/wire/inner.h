/* SPDX-License-Identifier: BSD-3-Clause */
/* What a tunnel reads and writes in the packets inside it. All packets given here have passed
 * inner_parse; len is their own length as it says. */
#ifndef WGTCPD_WIRE_INNER_H
#define WGTCPD_WIRE_INNER_H

#include <wgtcpd/wire/ip.h>
#include <wgtcpd/wire/tcp.h>

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

/* Whether it may be a TCP SYN: false for nearly everything, soon. */
static inline bool
inner_may_be_syn(const uint8_t *packet, size_t len)
{
    bool v4 = ip_is_v4(packet);
    uint8_t protocol = v4 ? packet[9] : packet[6];
    size_t flags = (v4 ? ipv4_header_len(packet) : IPV6_HEADER_LEN) + 13;

    if (protocol == IP_PROTO_TCP)
        return flags < len && (packet[flags] & TCP_SYN);
    return !v4 && protocol != IP_PROTO_UDP && protocol != IP_PROTO_ICMPV6; /* extensions */
}

/* Lowers the MSS option of a TCP SYN to what fits a packet of mtu bytes, its checksum by RFC 1624.
 * Whether it did. */
bool inner_mss_clamp(uint8_t *packet, size_t len, size_t mtu);

/* IPv6 links carry this much at least (RFC 8200 5), and every IPv4 host takes so much (RFC
 * 791 3.1): senders go no lower, so it is carried whatever the path. */
enum { INNER_MTU_MIN_V6 = 1280, INNER_MTU_MIN_V4 = 576 };

/* Whether a packet may not be carried beyond mtu bytes: larger than it, and IPv6 or IPv4 with
 * "don't fragment". Never true up to the smallest MTU of its kind. */
static inline bool
inner_exceeds(const uint8_t *packet, size_t len, size_t mtu)
{
    if (len <= mtu)
        return false;
    if (!ip_is_v4(packet))
        return len > INNER_MTU_MIN_V6;
    return len > INNER_MTU_MIN_V4 && (get_be16(packet + 6) & IPV4_DONT_FRAGMENT);
}

/* Whether its sender may be answered with an ICMP error at all (RFC 1122 3.2.2, RFC 4443 2.4). */
bool inner_may_answer(const uint8_t *packet, size_t len);

/* Longest error that is written, and what it puts in front of the quoted packet. */
enum { INNER_ERROR_MAX = 1280, INNER_ERROR_HEADERS_MAX = IPV6_HEADER_LEN + 8 };

/* Bytes that the error about this packet puts before the part that it quotes. */
size_t inner_error_headers(const uint8_t *packet);

enum inner_error_kind {
    INNER_ERROR_TOO_BIG,       /* RFC 1191 4, RFC 4443 3.2 */
    INNER_ERROR_TIME_EXCEEDED, /* RFC 792, RFC 4443 3.3 */
    INNER_ERROR_NO_ROUTE,      /* net unreachable, no route to destination */
    INNER_ERROR_HOST,          /* host unreachable, address unreachable */
};

struct inner_error {
    enum inner_error_kind kind;
    uint32_t mtu;        /* with TOO_BIG; given out no smaller than the smallest of its kind */
    struct ip_addr from; /* family IP_NONE: the packet's destination. A host takes no packet whose
                            source is an address of its own, and takes one from there, since its
                            route leads into the tunnel. */
};

/* The ICMP or ICMPv6 error to the packet's sender. out: room for INNER_ERROR_MAX bytes; the packet
 * may already lie at out + inner_error_headers. Returns the length. */
size_t inner_error_write(uint8_t *out, const uint8_t *packet, size_t len,
                         const struct inner_error *e);

/* The same: too big, from the packet's destination. */
size_t inner_too_big_write(uint8_t *out, const uint8_t *packet, size_t len, size_t mtu);

#endif
