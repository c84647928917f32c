/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/wire/inner.h>

#include <wgtcpd/wire/checksum.h>

enum {
    ICMP_HEADER_LEN = 8,
    ICMP_UNREACHABLE = 3,
    ICMP_FRAGMENTATION_NEEDED = 4,
    ICMP_SOURCE_QUENCH = 4,
    ICMP_REDIRECT = 5,
    ICMP_TIME_EXCEEDED = 11,
    ICMP_PARAMETER_PROBLEM = 12,
    ICMPV6_PACKET_TOO_BIG = 2,
    ICMPV6_INFORMATIONAL = 128, /* types below are errors */
    ICMPV6_REDIRECT = 137,
    IPV4_DONT_FRAGMENT = 0x4000,
    TOO_BIG_MAX_V4 = 576, /* RFC 1812 4.3.2.3 */
    ERROR_TTL = 64,
    ERROR_TRAFFIC_CLASS_V4 = 0xc0, /* RFC 1812 4.3.2.5: internetwork control */
};

bool
inner_exceeds(const uint8_t *packet, size_t len, size_t mtu)
{
    if (ip_is_v4(packet))
        return len > mtu && len > INNER_MTU_MIN_V4 && (get_be16(packet + 6) & IPV4_DONT_FRAGMENT);
    return len > mtu && len > INNER_MTU_MIN_V6;
}

static bool
is_icmp_error(const uint8_t *packet, size_t len, const struct inner_upper *u)
{
    uint8_t type;

    if (u->protocol != (ip_is_v4(packet) ? IP_PROTO_ICMP : IP_PROTO_ICMPV6))
        return false;
    if (u->offset >= len)
        return true; /* who knows */
    type = packet[u->offset];
    if (!ip_is_v4(packet))
        return type < ICMPV6_INFORMATIONAL || type == ICMPV6_REDIRECT;
    return type == ICMP_UNREACHABLE || type == ICMP_SOURCE_QUENCH || type == ICMP_REDIRECT ||
           type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETER_PROBLEM;
}

/* The source does not name one host, or (IPv4) the destination names several. ICMPv6 packet too big
 * may answer multicast (RFC 4443 2.4 e.3); but the answer would come from a group. */
static bool
has_odd_address(const uint8_t *packet)
{
    static const uint8_t zero[16];

    if (!ip_is_v4(packet))
        return packet[8] == 0xff || packet[24] == 0xff || memcmp(packet + 8, zero, 16) == 0;
    return packet[12] == 0 || packet[12] == 127 || packet[12] >= 224 || packet[16] >= 224;
}

bool
inner_may_answer(const uint8_t *packet, size_t len)
{
    struct inner_upper u;

    inner_find_upper(packet, len, &u);
    return !u.continued && !is_icmp_error(packet, len, &u) && !has_odd_address(packet);
}

size_t
inner_too_big_headers(const uint8_t *packet)
{
    return (ip_is_v4(packet) ? IPV4_HEADER_LEN : IPV6_HEADER_LEN) + (size_t)ICMP_HEADER_LEN;
}

static void
write_v4(uint8_t *icmp, size_t len, size_t mtu)
{
    icmp[0] = ICMP_UNREACHABLE;
    icmp[1] = ICMP_FRAGMENTATION_NEEDED;
    put_be32(icmp + 4, (uint32_t)mtu); /* 16 bits unused, 16 bits MTU (RFC 1191 4) */
    put_be16(icmp + 2, 0);
    put_be16(icmp + 2, checksum_finish(checksum_add(0, icmp, len)));
}

static void
write_v6(uint8_t *icmp, size_t len, size_t mtu, const struct ip_header *ip)
{
    icmp[0] = ICMPV6_PACKET_TOO_BIG;
    icmp[1] = 0;
    put_be32(icmp + 4, (uint32_t)mtu);
    put_be16(icmp + 2, 0);
    put_be16(icmp + 2, checksum_transport(&ip->src, &ip->dst, IP_PROTO_ICMPV6, icmp, len));
}

size_t
inner_too_big_write(uint8_t *out, const uint8_t *packet, size_t len, size_t mtu)
{
    bool v4 = ip_is_v4(packet);
    size_t headers = inner_too_big_headers(packet), ip_len = headers - ICMP_HEADER_LEN;
    size_t max = (v4 ? TOO_BIG_MAX_V4 : INNER_TOO_BIG_MAX) - headers;
    size_t quoted = len < max ? len : max;
    struct ip_header ip = {
        .src = v4 ? ip_addr_v4(packet + 16) : ip_addr_v6(packet + 24),
        .dst = v4 ? ip_addr_v4(packet + 12) : ip_addr_v6(packet + 8),
        .protocol = v4 ? IP_PROTO_ICMP : IP_PROTO_ICMPV6,
        .ttl = ERROR_TTL,
        .traffic_class = v4 ? ERROR_TRAFFIC_CLASS_V4 : 0,
        .payload_len = (uint32_t)(ICMP_HEADER_LEN + quoted),
    };

    if (v4 && mtu < INNER_MTU_MIN_V4)
        mtu = INNER_MTU_MIN_V4;
    else if (!v4 && mtu < INNER_MTU_MIN_V6)
        mtu = INNER_MTU_MIN_V6;
    memmove(out + headers, packet, quoted);
    if (v4)
        write_v4(out + ip_len, ip.payload_len, mtu);
    else
        write_v6(out + ip_len, ip.payload_len, mtu, &ip);
    ip_write(out, &ip);
    return headers + quoted;
}
