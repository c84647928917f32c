/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/wire/icmp.h>

#include <wgtcpd/wire/checksum.h>

enum { ND_HOP_LIMIT = 255, ND_FIXED_LEN = 24, ND_TARGET = 8, ND_OPTION_UNIT = 8 };
enum { ND_SOURCE_LINK_ADDR = 1, ND_TARGET_LINK_ADDR = 2 };
enum { NA_ROUTER = 0x80, NA_SOLICITED = 0x40, NA_OVERRIDE = 0x20 };

static bool
is_multicast(const struct ip_addr *a)
{
    return a->bytes[0] == 0xff;
}

static bool
is_unspecified(const struct ip_addr *a)
{
    static const uint8_t zero[sizeof(a->bytes)];

    return memcmp(a->bytes, zero, sizeof(zero)) == 0;
}

static uint8_t
link_addr_option(uint8_t type)
{
    return type == ICMPV6_NEIGHBOUR_SOLICITATION ? ND_SOURCE_LINK_ADDR : ND_TARGET_LINK_ADDR;
}

/* RFC 4861 4.6.1: over Ethernet the option is 8 bytes. A group address is no neighbour's. */
static bool
parse_link_addr(const uint8_t *option, struct nd_message *m)
{
    memcpy(m->link_addr.bytes, option + 2, ETH_ADDR_LEN);
    m->has_link_addr = true;
    return option[1] == 1 && !eth_addr_is_group(&m->link_addr);
}

/* RFC 4861 4.6: unknown options are skipped, one of length 0 condemns the packet. */
static bool
parse_options(const uint8_t *options, size_t len, struct nd_message *m)
{
    while (len > 0) {
        size_t size;

        if (len < ND_OPTION_UNIT)
            return false;
        size = (size_t)options[1] * ND_OPTION_UNIT;
        if (size == 0 || size > len)
            return false;
        if (options[0] == link_addr_option(m->type) && !parse_link_addr(options, m))
            return false;
        options += size;
        len -= size;
    }
    return true;
}

/* RFC 4861 7.1.1: from the unspecified address (duplicate address detection) only to the
 * solicited-node group and without a link-layer address. */
static bool
solicitation_valid(const struct ip_header *ip, const struct nd_message *m)
{
    struct ip_addr group = nd_solicited_node(&m->target);

    if (!is_unspecified(&ip->src))
        return true;
    return !m->has_link_addr && ip_addr_equal(&ip->dst, &group);
}

/* RFC 4861 7.1.2: an advertisement to a group is not solicited. */
static bool
advertisement_valid(const struct ip_header *ip, const struct nd_message *m)
{
    return !(is_multicast(&ip->dst) && m->solicited);
}

/* The body of a message whose fixed part is present and whose checksum is right. */
static bool
parse_body(const uint8_t *icmp, const struct ip_header *ip, struct nd_message *m)
{
    *m = (struct nd_message){.type = icmp[0], .target = ip_addr_v6(icmp + ND_TARGET)};
    if (is_multicast(&m->target) ||
        !parse_options(icmp + ND_FIXED_LEN, ip->payload_len - ND_FIXED_LEN, m))
        return false;
    if (m->type == ICMPV6_NEIGHBOUR_SOLICITATION)
        return solicitation_valid(ip, m);
    m->router = icmp[4] & NA_ROUTER;
    m->solicited = icmp[4] & NA_SOLICITED;
    m->override = icmp[4] & NA_OVERRIDE;
    return advertisement_valid(ip, m);
}

enum wgt_drop
nd_parse(const uint8_t *packet, const struct ip_header *ip, struct nd_message *out)
{
    const uint8_t *icmp = packet + ip->header_len;
    struct nd_message m;

    if (ip->dst.family != IP_V6 || ip->protocol != IP_PROTO_ICMPV6)
        return WGT_DROP_ICMP_TYPE;
    if (ip->payload_len == 0)
        return WGT_DROP_ND_MALFORMED;
    if (icmp[0] != ICMPV6_NEIGHBOUR_SOLICITATION && icmp[0] != ICMPV6_NEIGHBOUR_ADVERTISEMENT)
        return WGT_DROP_ICMP_TYPE;
    if (ip->payload_len < ND_FIXED_LEN || ip->ttl != ND_HOP_LIMIT || icmp[1] != 0)
        return WGT_DROP_ND_MALFORMED;
    if (checksum_transport(&ip->src, &ip->dst, IP_PROTO_ICMPV6, icmp, ip->payload_len) != 0)
        return WGT_DROP_ICMP_CHECKSUM;
    if (!parse_body(icmp, ip, &m))
        return WGT_DROP_ND_MALFORMED;
    *out = m;
    return WGT_OK;
}

static uint8_t
advertisement_flags(const struct nd_message *m)
{
    return (uint8_t)((m->router ? NA_ROUTER : 0) | (m->solicited ? NA_SOLICITED : 0) |
                     (m->override ? NA_OVERRIDE : 0));
}

size_t
nd_write(uint8_t *packet, const struct ip_addr *src, const struct ip_addr *dst,
         const struct nd_message *m)
{
    struct ip_header ip = {
        .src = *src,
        .dst = *dst,
        .protocol = IP_PROTO_ICMPV6,
        .ttl = ND_HOP_LIMIT,
        .payload_len = ND_LEN,
    };
    uint8_t *icmp = packet + ip_write(packet, &ip);

    memset(icmp, 0, ND_LEN);
    icmp[0] = m->type;
    if (m->type == ICMPV6_NEIGHBOUR_ADVERTISEMENT)
        icmp[4] = advertisement_flags(m);
    memcpy(icmp + ND_TARGET, m->target.bytes, 16);
    icmp[ND_FIXED_LEN] = link_addr_option(m->type);
    icmp[ND_FIXED_LEN + 1] = 1;
    memcpy(icmp + ND_FIXED_LEN + 2, m->link_addr.bytes, ETH_ADDR_LEN);
    put_be16(icmp + 2, checksum_transport(src, dst, IP_PROTO_ICMPV6, icmp, ND_LEN));
    return IPV6_HEADER_LEN + ND_LEN;
}

struct ip_addr
nd_solicited_node(const struct ip_addr *target)
{
    /* ff02::1:ff00:0/104 and the target's last 24 bits */
    struct ip_addr a = {
        .bytes = {0xff, 0x02, [11] = 0x01, [12] = 0xff},
        .family = IP_V6,
    };

    memcpy(a.bytes + 13, target->bytes + 13, 3);
    return a;
}

struct eth_addr
eth_addr_of_multicast(const struct ip_addr *group)
{
    struct eth_addr a = {.bytes = {0x33, 0x33}};

    memcpy(a.bytes + 2, group->bytes + 12, 4);
    return a;
}
