/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/wire/inner.h>

enum { IPV4_MORE_FRAGMENTS = 0x2000, IPV4_FRAGMENT_OFFSET = 0x1fff };
enum {
    IPV6_HOP_BY_HOP = 0,
    IPV6_ROUTING = 43,
    IPV6_FRAGMENT = 44,
    IPV6_DESTINATION_OPTIONS = 60,
    IPV6_EXTENSIONS_MAX = 8,
    IPV6_EXTENSION_UNIT = 8,
    IPV6_FRAGMENT_OFFSET = 0xfff8,
};

static void
find_upper_v4(const uint8_t *packet, size_t len, struct inner_upper *out)
{
    uint16_t fragment = get_be16(packet + 6);
    size_t header_len = ipv4_header_len(packet);

    out->protocol = packet[9];
    out->fragment = (fragment & (IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET)) != 0;
    out->continued = (fragment & IPV4_FRAGMENT_OFFSET) != 0;
    out->offset = header_len < IPV4_HEADER_LEN || header_len > len ? len : header_len;
}

static bool
is_walkable(uint8_t next_header)
{
    return next_header == IPV6_HOP_BY_HOP || next_header == IPV6_ROUTING ||
           next_header == IPV6_FRAGMENT || next_header == IPV6_DESTINATION_OPTIONS;
}

static void
find_upper_v6(const uint8_t *packet, size_t len, struct inner_upper *out)
{
    *out = (struct inner_upper){.protocol = packet[6], .offset = IPV6_HEADER_LEN};
    for (int i = 0; i < IPV6_EXTENSIONS_MAX && is_walkable(out->protocol) && !out->continued; i++) {
        const uint8_t *header = packet + out->offset;
        size_t left = len - out->offset, size = IPV6_EXTENSION_UNIT;

        if (left < IPV6_EXTENSION_UNIT)
            return;
        if (out->protocol == IPV6_FRAGMENT) {
            out->fragment = true;
            out->continued = (get_be16(header + 2) & IPV6_FRAGMENT_OFFSET) != 0;
        } else {
            size *= header[1] + 1u;
        }
        if (size > left)
            return;
        out->protocol = header[0];
        out->offset += size;
    }
}

void
inner_find_upper(const uint8_t *packet, size_t len, struct inner_upper *out)
{
    if (ip_is_v4(packet))
        find_upper_v4(packet, len, out);
    else
        find_upper_v6(packet, len, out);
}

void
inner_flow_key(const uint8_t *packet, size_t len, uint8_t key[INNER_FLOW_KEY_LEN])
{
    struct inner_upper u;

    memset(key, 0, INNER_FLOW_KEY_LEN);
    if (ip_is_v4(packet))
        memcpy(key, packet + 12, 8);
    else
        memcpy(key, packet + 8, 32);
    inner_find_upper(packet, len, &u);
    if (u.fragment)
        return;
    key[32] = u.protocol;
    if ((u.protocol == IP_PROTO_TCP || u.protocol == IP_PROTO_UDP) && len - u.offset >= 4)
        memcpy(key + 33, packet + u.offset, 4);
}
