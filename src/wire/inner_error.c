/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/wire/inner.h>

#include <wgtcpd/wire/checksum.h>

enum {
    ICMP_HEADER_LEN = 8,
    ICMP_UNREACHABLE = 3,
    ICMP_NET_UNREACHABLE = 0,
    ICMP_HOST_UNREACHABLE = 1,
    ICMP_FRAGMENTATION_NEEDED = 4,
    ICMP_SOURCE_QUENCH = 4,
    ICMP_REDIRECT = 5,
    ICMP_TIME_EXCEEDED = 11,
    ICMP_PARAMETER_PROBLEM = 12,
    ICMPV6_UNREACHABLE = 1,
    ICMPV6_NO_ROUTE = 0,
    ICMPV6_ADDRESS_UNREACHABLE = 3,
    ICMPV6_PACKET_TOO_BIG = 2,
    ICMPV6_TIME_EXCEEDED = 3,
    ICMPV6_INFORMATIONAL = 128, /* types below are errors */
    ICMPV6_REDIRECT = 137,
    ERROR_MAX_V4 = 576, /* RFC 1812 4.3.2.3 */
    ERROR_TTL = 64,
    ERROR_TRAFFIC_CLASS_V4 = 0xc0, /* RFC 1812 4.3.2.5: internetwork control */
};

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
inner_error_headers(const uint8_t *packet)
{
    return (ip_is_v4(packet) ? IPV4_HEADER_LEN : IPV6_HEADER_LEN) + (size_t)ICMP_HEADER_LEN;
}

/* RFC 792, RFC 4443 3: type and code. */
struct kind {
    uint8_t type, code;
};

static struct kind
kind_of(enum inner_error_kind kind, bool v4)
{
    static const struct kind kinds[][2] = {
        [INNER_ERROR_TOO_BIG] = {{ICMPV6_PACKET_TOO_BIG, 0},
                                 {ICMP_UNREACHABLE, ICMP_FRAGMENTATION_NEEDED}},
        [INNER_ERROR_TIME_EXCEEDED] = {{ICMPV6_TIME_EXCEEDED, 0}, {ICMP_TIME_EXCEEDED, 0}},
        [INNER_ERROR_NO_ROUTE] = {{ICMPV6_UNREACHABLE, ICMPV6_NO_ROUTE},
                                  {ICMP_UNREACHABLE, ICMP_NET_UNREACHABLE}},
        [INNER_ERROR_HOST] = {{ICMPV6_UNREACHABLE, ICMPV6_ADDRESS_UNREACHABLE},
                              {ICMP_UNREACHABLE, ICMP_HOST_UNREACHABLE}},
    };

    return kinds[kind][v4];
}

/* RFC 1191 4: 16 bits unused, 16 bits MTU; RFC 4443 3.2: 32 bits. */
static uint32_t
mtu_field(const struct inner_error *e, bool v4)
{
    uint32_t least = v4 ? INNER_MTU_MIN_V4 : INNER_MTU_MIN_V6;

    if (e->kind != INNER_ERROR_TOO_BIG)
        return 0;
    return e->mtu < least ? least : e->mtu;
}

static void
write_icmp(uint8_t *icmp, size_t len, const struct inner_error *e, const struct ip_header *ip)
{
    bool v4 = ip->dst.family == IP_V4;
    struct kind kind = kind_of(e->kind, v4);

    icmp[0] = kind.type;
    icmp[1] = kind.code;
    put_be32(icmp + 4, mtu_field(e, v4));
    put_be16(icmp + 2, 0);
    put_be16(icmp + 2, v4 ? checksum_finish(checksum_add(0, icmp, len))
                          : checksum_transport(&ip->src, &ip->dst, IP_PROTO_ICMPV6, icmp, len));
}

static struct ip_addr
source_of(const uint8_t *packet)
{
    return ip_is_v4(packet) ? ip_addr_v4(packet + 12) : ip_addr_v6(packet + 8);
}

static struct ip_addr
destination_of(const uint8_t *packet)
{
    return ip_is_v4(packet) ? ip_addr_v4(packet + 16) : ip_addr_v6(packet + 24);
}

size_t
inner_error_write(uint8_t *out, const uint8_t *packet, size_t len, const struct inner_error *e)
{
    bool v4 = ip_is_v4(packet);
    size_t headers = inner_error_headers(packet), ip_len = headers - ICMP_HEADER_LEN;
    size_t max = (v4 ? ERROR_MAX_V4 : INNER_ERROR_MAX) - headers;
    size_t quoted = len < max ? len : max;
    struct ip_header ip = {
        .src = e->from.family != IP_NONE ? e->from : destination_of(packet),
        .dst = source_of(packet),
        .protocol = v4 ? IP_PROTO_ICMP : IP_PROTO_ICMPV6,
        .ttl = ERROR_TTL,
        .traffic_class = v4 ? ERROR_TRAFFIC_CLASS_V4 : 0,
        .payload_len = (uint32_t)(ICMP_HEADER_LEN + quoted),
    };

    memmove(out + headers, packet, quoted);
    write_icmp(out + ip_len, ip.payload_len, e, &ip);
    ip_write(out, &ip);
    return headers + quoted;
}

size_t
inner_too_big_write(uint8_t *out, const uint8_t *packet, size_t len, size_t mtu)
{
    struct inner_error e = {.kind = INNER_ERROR_TOO_BIG, .mtu = (uint32_t)mtu};

    return inner_error_write(out, packet, len, &e);
}
