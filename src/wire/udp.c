/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/wire/udp.h>

#include <wgtcpd/wire/checksum.h>

/* A checksum of 0 means that the sender made none, which IPv6 does not allow (RFC 8200 8.1). */
static bool
checksum_right(const struct ip_header *ip, const uint8_t *data, size_t len, bool verify)
{
    if (get_be16(data + 6) == 0)
        return ip->dst.family == IP_V4;
    return !verify || checksum_transport(&ip->src, &ip->dst, IP_PROTO_UDP, data, len) == 0;
}

enum wgt_drop
udp_parse(const struct ip_header *ip, uint8_t *data, bool verify_checksum, struct udp_header *out)
{
    uint16_t src_port, dst_port;
    size_t len;

    if (ip->payload_len < UDP_HEADER_LEN)
        return WGT_DROP_UDP_LENGTH;
    len = get_be16(data + 4);
    if (len < UDP_HEADER_LEN || len > ip->payload_len)
        return WGT_DROP_UDP_LENGTH;
    if (!checksum_right(ip, data, len, verify_checksum))
        return WGT_DROP_UDP_CHECKSUM;
    src_port = get_be16(data);
    dst_port = get_be16(data + 2);
    if (src_port == 0 || dst_port == 0)
        return WGT_DROP_UDP_PORT;
    out->src_port = src_port;
    out->dst_port = dst_port;
    out->payload = (struct span){data + UDP_HEADER_LEN, len - UDP_HEADER_LEN};
    return WGT_OK;
}

static uint16_t
not_none(uint16_t checksum)
{
    return checksum != 0 ? checksum : UINT16_MAX;
}

void
udp_template_checksum(const struct udp_template *t, uint8_t *packet, size_t payload_len)
{
    uint8_t *udp = packet + t->ip_len;
    size_t len = UDP_HEADER_LEN + payload_len;

    put_be16(udp + 6, 0);
    put_be16(udp + 6, not_none(checksum_finish(checksum_add(t->pseudo_sum + len, udp, len))));
}

uint16_t
udp_checksum(const struct ip_addr *src, const struct ip_addr *dst, const uint8_t *udp, size_t len)
{
    return not_none(checksum_transport(src, dst, IP_PROTO_UDP, udp, len));
}
