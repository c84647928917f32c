/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/wire/ip.h>

#include <wgtcpd/wire/checksum.h>

/* IANA's list of IPv6 extension header types. */
enum {
    IPV6_HOP_BY_HOP = 0,
    IPV6_ROUTING = 43,
    IPV6_FRAGMENT = 44,
    IPV6_ESP = 50,
    IPV6_AUTHENTICATION = 51,
    IPV6_DESTINATION_OPTIONS = 60,
    IPV6_MOBILITY = 135,
    IPV6_HIP = 139,
    IPV6_SHIM6 = 140,
    IPV6_EXPERIMENT_1 = 253,
    IPV6_EXPERIMENT_2 = 254,
};

enum { IPV6_EXTENSIONS_MAX = 8, IPV6_EXTENSION_UNIT = 8 };

static unsigned
ip_version(const uint8_t *packet)
{
    return packet[0] >> 4;
}

static enum wgt_drop
parse_v4(const uint8_t *packet, size_t len, bool verify_checksum, struct ip_header *out)
{
    size_t header_len, total_len;
    uint16_t fragment;

    if (len < IPV4_HEADER_LEN)
        return WGT_DROP_IP_SHORT;
    header_len = ipv4_header_len(packet);
    if (header_len < IPV4_HEADER_LEN || header_len > len)
        return WGT_DROP_IP_HEADER_LENGTH;
    total_len = get_be16(packet + 2);
    if (total_len < header_len || total_len > len)
        return WGT_DROP_IP_TOTAL_LENGTH;
    if (verify_checksum && checksum_ipv4_header(packet, header_len) != 0)
        return WGT_DROP_IP_CHECKSUM;
    fragment = get_be16(packet + 6);
    if (fragment & IPV4_FRAGMENT_BITS)
        return WGT_DROP_IP_FRAGMENT;
    if (packet[12] >= 224)
        return WGT_DROP_IP_SOURCE;

    *out = (struct ip_header){
        .src = ip_addr_v4(packet + 12),
        .dst = ip_addr_v4(packet + 16),
        .protocol = packet[9],
        .ttl = packet[8],
        .traffic_class = packet[1],
        .dont_fragment = fragment & IPV4_DONT_FRAGMENT,
        .id = get_be16(packet + 4),
        .header_len = (uint16_t)header_len,
        .payload_len = (uint32_t)(total_len - header_len),
    };
    return WGT_OK;
}

static bool
is_extension(uint8_t next_header)
{
    switch (next_header) {
    case IPV6_HOP_BY_HOP:
    case IPV6_ROUTING:
    case IPV6_FRAGMENT:
    case IPV6_ESP:
    case IPV6_AUTHENTICATION:
    case IPV6_DESTINATION_OPTIONS:
    case IPV6_MOBILITY:
    case IPV6_HIP:
    case IPV6_SHIM6:
    case IPV6_EXPERIMENT_1:
    case IPV6_EXPERIMENT_2:
        return true;
    default:
        return false;
    }
}

/* RFC 8200 4.2: we know no option but padding, so one whose two highest bits forbid skipping it
 * makes the packet undeliverable. */
static bool
options_may_be_skipped(const uint8_t *options, size_t len)
{
    for (size_t at = 0; at < len;) {
        if (options[at] == 0) { /* Pad1 has no length */
            at++;
            continue;
        }
        if (options[at] >> 6 != 0 || len - at < 2 || options[at + 1] > len - at - 2)
            return false;
        at += 2u + options[at + 1];
    }
    return true;
}

/* RFC 8200 4.1: hop-by-hop options may only come first. */
static bool
is_option_header(uint8_t next_header, unsigned position)
{
    return next_header == IPV6_DESTINATION_OPTIONS ||
           (next_header == IPV6_HOP_BY_HOP && position == 0);
}

/* Moves *offset and *next_header past the option headers of packet[0..end). */
static enum wgt_drop
walk_extensions(const uint8_t *packet, size_t end, uint8_t *next_header, size_t *offset)
{
    for (unsigned n = 0; is_extension(*next_header); n++) {
        const uint8_t *header = packet + *offset;
        size_t left = end - *offset, size;

        if (*next_header == IPV6_FRAGMENT)
            return WGT_DROP_IP_FRAGMENT;
        if (n == IPV6_EXTENSIONS_MAX || !is_option_header(*next_header, n) ||
            left < IPV6_EXTENSION_UNIT)
            return WGT_DROP_IP_EXTENSION;
        size = (header[1] + 1u) * IPV6_EXTENSION_UNIT;
        if (size > left || !options_may_be_skipped(header + 2, size - 2))
            return WGT_DROP_IP_EXTENSION;
        *next_header = header[0];
        *offset += size;
    }
    return WGT_OK;
}

static enum wgt_drop
parse_v6(const uint8_t *packet, size_t len, struct ip_header *out)
{
    size_t offset = IPV6_HEADER_LEN, payload_len, end;
    uint8_t next_header;
    enum wgt_drop drop;

    if (len < IPV6_HEADER_LEN)
        return WGT_DROP_IP_SHORT;
    payload_len = get_be16(packet + 4);
    /* Payload length 0 announces a jumbogram (RFC 2675), or a packet that carries nothing. */
    if (payload_len == 0 || payload_len > len - IPV6_HEADER_LEN)
        return WGT_DROP_IP_TOTAL_LENGTH;
    if (packet[8] == 0xff)
        return WGT_DROP_IP_SOURCE;
    end = IPV6_HEADER_LEN + payload_len;
    next_header = packet[6];
    drop = walk_extensions(packet, end, &next_header, &offset);
    if (drop != WGT_OK)
        return drop;

    *out = (struct ip_header){
        .src = ip_addr_v6(packet + 8),
        .dst = ip_addr_v6(packet + 24),
        .protocol = next_header,
        .ttl = packet[7],
        .traffic_class = (uint8_t)(get_be16(packet) >> 4),
        .dont_fragment = true,
        .header_len = (uint16_t)offset,
        .payload_len = (uint32_t)(end - offset),
    };
    return WGT_OK;
}

enum wgt_drop
ip_parse(const uint8_t *packet, size_t len, bool verify_checksum, struct ip_header *out)
{
    if (len == 0)
        return WGT_DROP_IP_SHORT;
    switch (ip_version(packet)) {
    case 4:
        return parse_v4(packet, len, verify_checksum, out);
    case 6:
        return parse_v6(packet, len, out);
    default:
        return WGT_DROP_IP_VERSION;
    }
}

size_t
ip_write(uint8_t *packet, const struct ip_header *h)
{
    const struct ip_fields fields = {
        .protocol = h->protocol,
        .ttl = h->ttl,
        .traffic_class = h->traffic_class,
        .dont_fragment = h->dont_fragment,
        .id = h->id,
        .payload_len = h->payload_len,
    };

    return ip_write_fields(packet, &h->src, &h->dst, &fields);
}
