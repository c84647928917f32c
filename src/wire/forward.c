/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/wire/forward.h>

#include <wgtcpd/wire/checksum.h>

/* Loopback and "this network"; multicast, limited broadcast and class E. */
static bool
v4_is_no_source(uint32_t a)
{
    uint32_t net = a >> 24;

    return net - 1 >= 223 || net == 127; /* 0 - 1 is large, too */
}

/* Those, and link-local ones (RFC 3927 7). */
static bool
v4_stays(uint32_t a)
{
    return v4_is_no_source(a) || a >> 16 == 0xa9fe;
}

static enum wgt_drop
forward_v4(uint8_t *packet, size_t len, bool verify_checksum)
{
    size_t header_len = ipv4_header_len(packet);
    uint32_t src = get_be32(packet + 12), dst = get_be32(packet + 16);
    uint16_t word = get_be16(packet + 8);

    if (header_len < IPV4_HEADER_LEN || header_len > len)
        return WGT_DROP_IP_HEADER_LENGTH;
    if (verify_checksum && checksum_ipv4_header(packet, header_len) != 0)
        return WGT_DROP_IP_CHECKSUM;
    if (v4_stays(src) || v4_stays(dst))
        return v4_is_no_source(src) ? WGT_DROP_IP_SOURCE : WGT_DROP_IP_SCOPE;
    if (word < 2 << 8)
        return WGT_DROP_IP_TTL;
    put_be16(packet + 8, (uint16_t)(word - (1 << 8)));
    put_be16(packet + 10,
             checksum_update(get_be16(packet + 10), word, (uint16_t)(word - (1 << 8))));
    return WGT_OK;
}

static bool
v6_is_unspecified_or_loopback(const uint8_t *a)
{
    static const uint8_t zero[15];

    return memcmp(a, zero, sizeof(zero)) == 0 && a[15] <= 1;
}

static bool
v6_is_group(const uint8_t *a)
{
    return a[0] == 0xff;
}

static bool
v6_is_link_local(const uint8_t *a)
{
    return a[0] == 0xfe && (a[1] & 0xc0) == 0x80;
}

static enum wgt_drop
forward_v6(uint8_t *packet)
{
    const uint8_t *src = packet + 8, *dst = packet + 24;

    if (v6_is_unspecified_or_loopback(src) || v6_is_group(src))
        return WGT_DROP_IP_SOURCE;
    if (v6_is_unspecified_or_loopback(dst) || v6_is_group(dst) || v6_is_link_local(src) ||
        v6_is_link_local(dst))
        return WGT_DROP_IP_SCOPE;
    if (packet[7] <= 1)
        return WGT_DROP_IP_TTL;
    packet[7]--;
    return WGT_OK;
}

enum wgt_drop
ip_forward(uint8_t *packet, size_t len, bool verify_checksum)
{
    return ip_is_v4(packet) ? forward_v4(packet, len, verify_checksum) : forward_v6(packet);
}
