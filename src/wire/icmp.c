/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/wire/icmp.h>

#include <wgtcpd/wire/checksum.h>
#include <wgtcpd/wire/message.h>
#include <wgtcpd/wire/udp.h>

enum { ICMP_ECHO_HEADER_LEN = 8, ICMP_ERROR_HEADER_LEN = 8, REPLY_TTL = 64, IPV4_NOP = 1 };
enum { QUOTED_TCP_LEN = 8 };                  /* RFC 792: ports and sequence number */
enum { QUOTED_UDP_LEN = UDP_HEADER_LEN + 8 }; /* and type and receiver index of the message */

static bool
is_v4(const struct ip_header *ip)
{
    return ip->dst.family == IP_V4;
}

static bool
carries_icmp(const struct ip_header *ip)
{
    return ip->protocol == (is_v4(ip) ? IP_PROTO_ICMP : IP_PROTO_ICMPV6);
}

static uint16_t
icmp_sum(const struct ip_header *ip, const uint8_t *icmp)
{
    if (is_v4(ip))
        return checksum_finish(checksum_add(0, icmp, ip->payload_len));
    return checksum_transport(&ip->src, &ip->dst, IP_PROTO_ICMPV6, icmp, ip->payload_len);
}

/* Multicast, limited broadcast and class E. */
static bool
is_group(const struct ip_addr *a)
{
    return a->family == IP_V4 ? a->bytes[0] >= 224 : a->bytes[0] == 0xff;
}

static bool
is_unspecified(const struct ip_addr *a)
{
    static const uint8_t zero[sizeof(a->bytes)];

    return memcmp(a->bytes, zero, ip_addr_len(a)) == 0;
}

static enum wgt_drop
check_request(const uint8_t *icmp, const struct ip_header *ip)
{
    if (!carries_icmp(ip))
        return WGT_DROP_ICMP_TYPE;
    if (ip->payload_len < ICMP_ECHO_HEADER_LEN)
        return WGT_DROP_ICMP_MALFORMED;
    if (icmp_sum(ip, icmp) != 0)
        return WGT_DROP_ICMP_CHECKSUM;
    if (icmp[0] != (is_v4(ip) ? ICMP_ECHO_REQUEST : ICMPV6_ECHO_REQUEST) || is_group(&ip->dst))
        return WGT_DROP_ICMP_TYPE;
    if (icmp[1] != 0)
        return WGT_DROP_ICMP_MALFORMED;
    if (is_unspecified(&ip->src))
        return WGT_DROP_IP_SOURCE;
    return WGT_OK;
}

/* Options are blanked: a source route must not steer the answer. */
static void
turn_v4(uint8_t *packet, const struct ip_header *ip)
{
    memcpy(packet + 12, ip->dst.bytes, 4);
    memcpy(packet + 16, ip->src.bytes, 4);
    memset(packet + IPV4_HEADER_LEN, IPV4_NOP, ip->header_len - (size_t)IPV4_HEADER_LEN);
    packet[8] = REPLY_TTL;
    put_be16(packet + 10, 0);
    put_be16(packet + 10, checksum_ipv4_header(packet, ip->header_len));
}

static void
turn_v6(uint8_t *packet, const struct ip_header *ip)
{
    memcpy(packet + 8, ip->dst.bytes, 16);
    memcpy(packet + 24, ip->src.bytes, 16);
    packet[7] = REPLY_TTL;
}

enum wgt_drop
icmp_echo_reply(uint8_t *packet, const struct ip_header *ip)
{
    uint8_t *icmp = packet + ip->header_len;
    enum wgt_drop drop = check_request(icmp, ip);

    if (drop != WGT_OK)
        return drop;
    icmp[0] = is_v4(ip) ? ICMP_ECHO_REPLY : ICMPV6_ECHO_REPLY;
    /* Summed anew: an ICMPv4 reply of zeros only is where checksum_update fails. Swapped addresses
     * do not change the pseudo header's sum. */
    put_be16(icmp + 2, 0);
    put_be16(icmp + 2, icmp_sum(ip, icmp));
    if (is_v4(ip))
        turn_v4(packet, ip);
    else
        turn_v6(packet, ip);
    return WGT_OK;
}

/* RFC 1812 5.2.7.1, RFC 1122 3.2.2.1. */
static bool
kind_v4(const uint8_t *icmp, enum icmp_error_kind *kind)
{
    if (icmp[0] != ICMP_UNREACHABLE)
        return false;
    switch (icmp[1]) {
    case 0:  /* net */
    case 1:  /* host */
    case 5:  /* source route failed */
    case 6:  /* net unknown */
    case 7:  /* host unknown */
    case 8:  /* source isolated */
    case 11: /* net, for this type of service */
    case 12: /* host, for this type of service */
        *kind = ICMP_ERROR_UNREACHABLE;
        return true;
    case 2:  /* protocol */
    case 3:  /* port */
    case 9:  /* net prohibited */
    case 10: /* host prohibited */
    case 13: /* communication prohibited */
        *kind = ICMP_ERROR_REFUSED;
        return true;
    case 4:
        *kind = ICMP_ERROR_TOO_BIG;
        return true;
    default:
        return false;
    }
}

/* RFC 4443 3.1, 3.2. */
static bool
kind_v6(const uint8_t *icmp, enum icmp_error_kind *kind)
{
    if (icmp[0] == ICMPV6_TOO_BIG) {
        *kind = ICMP_ERROR_TOO_BIG;
        return true;
    }
    if (icmp[0] != ICMPV6_UNREACHABLE)
        return false;
    switch (icmp[1]) {
    case 0: /* no route */
    case 2: /* beyond scope of source address */
    case 3: /* address */
        *kind = ICMP_ERROR_UNREACHABLE;
        return true;
    case 1: /* prohibited */
    case 4: /* port */
    case 5: /* ingress or egress policy */
    case 6: /* reject route */
        *kind = ICMP_ERROR_REFUSED;
        return true;
    default:
        return false;
    }
}

/* The quoted IP header; *upper: where what is behind it begins. Its checksum and TTL were
 * changed on the way, so what counts is what we wrote: addresses, protocol, length. */
static bool
quote_v4(const uint8_t *quote, size_t len, struct icmp_error *e, size_t *upper)
{
    size_t header_len;

    if (len < IPV4_HEADER_LEN || quote[0] >> 4 != 4)
        return false;
    header_len = ipv4_header_len(quote);
    if (header_len < IPV4_HEADER_LEN || (get_be16(quote + 6) & 0x1fff) != 0)
        return false;
    e->protocol = quote[9];
    e->src.addr = ip_addr_v4(quote + 12);
    e->dst.addr = ip_addr_v4(quote + 16);
    e->packet_len = get_be16(quote + 2);
    *upper = header_len;
    return true;
}

/* Our packets have no extension headers. */
static bool
quote_v6(const uint8_t *quote, size_t len, struct icmp_error *e, size_t *upper)
{
    if (len < IPV6_HEADER_LEN || quote[0] >> 4 != 6)
        return false;
    e->protocol = quote[6];
    e->src.addr = ip_addr_v6(quote + 8);
    e->dst.addr = ip_addr_v6(quote + 24);
    e->packet_len = IPV6_HEADER_LEN + (uint32_t)get_be16(quote + 4);
    *upper = IPV6_HEADER_LEN;
    return true;
}

/* What is behind the quoted IP header. Routers quote 8 bytes at least, and as much as fits 576 or
 * 1280 bytes as a rule (RFC 1812 4.3.2.3, RFC 4443 2.4 (c)). */
static bool
quote_upper(const uint8_t *upper, size_t len, struct icmp_error *e)
{
    const uint8_t *message = upper + UDP_HEADER_LEN;

    if (e->protocol == IP_PROTO_TCP && len >= QUOTED_TCP_LEN) {
        e->seq = get_be32(upper + 4);
    } else if (e->protocol == IP_PROTO_UDP && e->kind != ICMP_ERROR_TOO_BIG &&
               len >= UDP_HEADER_LEN) {
        /* Any message; nothing is done about it but to tell the operator. */
    } else if (e->protocol == IP_PROTO_UDP && len >= QUOTED_UDP_LEN &&
               get_le32(message) == MESSAGE_DATA) {
        e->receiver = message_receiver(message, MESSAGE_DATA);
    } else {
        return false;
    }
    e->src.port = get_be16(upper);
    e->dst.port = get_be16(upper + 2);
    return true;
}

/* RFC 1191 7.1: MTUs that links are known to have. */
static uint32_t
plateau_below(uint32_t len)
{
    static const uint16_t plateaus[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296};

    for (size_t i = 0; i < sizeof(plateaus) / sizeof(plateaus[0]); i++) {
        if (plateaus[i] < len)
            return plateaus[i];
    }
    return 68;
}

static uint32_t
next_hop_mtu(const uint8_t *icmp, bool v4, uint32_t packet_len)
{
    uint32_t mtu = v4 ? get_be16(icmp + 6) : get_be32(icmp + 4);

    return v4 && mtu == 0 ? plateau_below(packet_len) : mtu;
}

enum wgt_drop
icmp_error_parse(const uint8_t *packet, const struct ip_header *ip, struct icmp_error *out)
{
    const uint8_t *icmp = packet + ip->header_len, *quote = icmp + ICMP_ERROR_HEADER_LEN;
    bool v4 = is_v4(ip);
    struct icmp_error e = {.mtu = 0};
    size_t len, upper;

    if (!carries_icmp(ip))
        return WGT_DROP_ICMP_TYPE;
    if (ip->payload_len < ICMP_ERROR_HEADER_LEN)
        return WGT_DROP_ICMP_MALFORMED;
    if (!(v4 ? kind_v4(icmp, &e.kind) : kind_v6(icmp, &e.kind)))
        return WGT_DROP_ICMP_TYPE;
    if (icmp_sum(ip, icmp) != 0)
        return WGT_DROP_ICMP_CHECKSUM;
    len = ip->payload_len - ICMP_ERROR_HEADER_LEN;
    if (!(v4 ? quote_v4(quote, len, &e, &upper) : quote_v6(quote, len, &e, &upper)) ||
        len < upper || !quote_upper(quote + upper, len - upper, &e) ||
        !ip_addr_equal(&e.src.addr, &ip->dst))
        return WGT_DROP_ICMP_QUOTE;
    if (e.kind == ICMP_ERROR_TOO_BIG)
        e.mtu = next_hop_mtu(icmp, v4, e.packet_len);
    *out = e;
    return WGT_OK;
}
