/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/wire/icmp.h>

#include <wgtcpd/wire/checksum.h>

enum { ICMP_ECHO_HEADER_LEN = 8, REPLY_TTL = 64, IPV4_NOP = 1 };

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
    put_be16(packet + 10, checksum_finish(checksum_add(0, packet, ip->header_len)));
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
