/* SPDX-License-Identifier: BSD-3-Clause */
/* UDP (RFC 768). */
#ifndef WGTCPD_WIRE_UDP_H
#define WGTCPD_WIRE_UDP_H

#include <wgtcpd/wire/ip.h>

enum { UDP_HEADER_LEN = 8 };

struct udp_header {
    uint16_t src_port, dst_port;
    struct span payload;
};

/* `data` is ip->payload_len bytes after the IP header. verify_checksum: software check.
 * Checksum 0 means that none was sent; over IPv6 that is an error, verified or not. Bytes of the IP
 * payload behind the UDP length are ignored. WGT_OK, UDP_LENGTH, UDP_CHECKSUM, UDP_PORT (port 0).
 */
enum wgt_drop udp_parse(const struct ip_header *ip, uint8_t *data, bool verify_checksum,
                        struct udp_header *out);

/* Of a datagram of len bytes whose checksum field is 0. RFC 768: a computed 0 goes out as ffff,
 * since 0 says "none". */
uint16_t udp_checksum(const struct ip_addr *src, const struct ip_addr *dst, const uint8_t *udp,
                      size_t len);

/* Datagrams one after another between the same two endpoints. */
struct udp_run {
    size_t ip_len;         /* of the IP header, which has no options; 0: there is no run */
    uint64_t addresses[4]; /* as they lie in the header, and the ports */
    uint32_t ports;
};

/* A datagram that ip_parse and udp_parse have accepted begins a run, if its header is plain. */
static inline void
udp_run_begin(struct udp_run *r, const uint8_t *packet, size_t ip_len)
{
    bool v4 = ip_is_v4(packet);

    r->ip_len = 0;
    if (ip_len != (v4 ? IPV4_HEADER_LEN : IPV6_HEADER_LEN))
        return;
    if (v4)
        memcpy(r->addresses, packet + 12, 8);
    else
        memcpy(r->addresses, packet + 8, 32);
    memcpy(&r->ports, packet + ip_len, 4);
    r->ip_len = ip_len;
}

/*
 * Whether a packet is one more datagram of the run that ip_parse and udp_parse would accept, its
 * checksums being right: version, lengths, endpoints, no fragment, no options. Then *payload is
 * what udp_parse says. If not, it is for those two to say why.
 */
static inline bool
udp_run_goes_on(const struct udp_run *r, uint8_t *packet, size_t len, struct span *payload)
{
    size_t ip_len = r->ip_len, end, udp_len;
    uint8_t *udp = packet + ip_len;

    if (ip_len == 0 || len < ip_len + UDP_HEADER_LEN)
        return false;
    if (ip_len == IPV4_HEADER_LEN) {
        if (memcmp(packet + 12, r->addresses, 8) != 0 || packet[0] != 0x45 ||
            packet[9] != IP_PROTO_UDP || (get_be16(packet + 6) & IPV4_FRAGMENT_BITS) != 0)
            return false;
        end = get_be16(packet + 2);
    } else {
        if (memcmp(packet + 8, r->addresses, 32) != 0 || packet[0] >> 4 != 6 ||
            packet[6] != IP_PROTO_UDP || get_be16(udp + 6) == 0)
            return false;
        end = IPV6_HEADER_LEN + (size_t)get_be16(packet + 4);
    }
    if (end > len || end < ip_len + UDP_HEADER_LEN || memcmp(udp, &r->ports, 4) != 0)
        return false;
    udp_len = get_be16(udp + 4);
    if (udp_len < UDP_HEADER_LEN || udp_len > end - ip_len)
        return false;
    *payload = (struct span){udp + UDP_HEADER_LEN, udp_len - UDP_HEADER_LEN};
    return true;
}

/* Writes 8 bytes in front of payload_len bytes that already lie at udp + 8. checksum_software: the
 * whole sum is computed here; otherwise only the pseudo-header sum is stored, as hardware wants it.
 */
static inline void
udp_write(uint8_t *udp, const struct ip_addr *src, const struct ip_addr *dst, uint16_t src_port,
          uint16_t dst_port, size_t payload_len, bool checksum_software)
{
    size_t len = UDP_HEADER_LEN + payload_len;
    uint16_t pseudo = checksum_fold(checksum_pseudo(src, dst, IP_PROTO_UDP, (uint32_t)len));

    put_be32(udp, (uint32_t)src_port << 16 | dst_port);
    put_be32(udp + 4, (uint32_t)len << 16 | (checksum_software ? 0 : pseudo));
    if (checksum_software)
        put_be16(udp + 6, udp_checksum(src, dst, udp, len));
}

/* The headers of a run of datagrams between two endpoints, with what is the same in all of them
 * written and summed. */
struct udp_template {
    uint8_t headers[IP_HEADER_MAX + UDP_HEADER_LEN];
    size_t ip_len; /* of the IP header; UDP's lies behind it */
    uint64_t ip_sum, pseudo_sum;
};

static inline void
udp_template_make(struct udp_template *t, const struct ip_addr *src, const struct ip_addr *dst,
                  uint16_t src_port, uint16_t dst_port, uint8_t ttl)
{
    uint64_t addresses = checksum_address(src) + checksum_address(dst);
    uint8_t *h = t->headers;

    if (dst->family == IP_V4) {
        uint32_t third = (uint32_t)ttl << 24 | (uint32_t)IP_PROTO_UDP << 16;

        put_be32(h + 8, third);
        memcpy(h + 12, src->bytes, 4);
        memcpy(h + 16, dst->bytes, 4);
        t->ip_len = IPV4_HEADER_LEN;
        t->ip_sum = third + addresses;
    } else {
        h[6] = IP_PROTO_UDP;
        h[7] = ttl;
        memcpy(h + 8, src->bytes, 16);
        memcpy(h + 24, dst->bytes, 16);
        t->ip_len = IPV6_HEADER_LEN;
    }
    put_be32(h + t->ip_len, (uint32_t)src_port << 16 | dst_port);
    t->pseudo_sum = IP_PROTO_UDP + addresses;
}

/* Computes the UDP checksum of the datagram at packet, whose headers udp_template_write made. */
void udp_template_checksum(const struct udp_template *t, uint8_t *packet, size_t payload_len);

/* Writes t->ip_len + UDP_HEADER_LEN bytes in front of payload_len bytes. IPv4: don't fragment is
 * not set. The UDP checksum field gets the pseudo header's sum, as hardware wants it;
 * without such, udp_template_checksum follows. */
static inline void
udp_template_write(const struct udp_template *t, uint8_t *packet, uint8_t traffic_class,
                   uint16_t ip_id, size_t payload_len)
{
    uint32_t len = (uint32_t)(UDP_HEADER_LEN + payload_len);
    uint16_t pseudo = checksum_fold(t->pseudo_sum + len);

    if (t->ip_len == IPV4_HEADER_LEN) {
        uint32_t first = UINT32_C(0x45) << 24 | (uint32_t)traffic_class << 16 |
                         (uint16_t)(IPV4_HEADER_LEN + len);
        uint32_t second = (uint32_t)ip_id << 16;

        memcpy(packet + 8, t->headers + 8, IPV4_HEADER_LEN + UDP_HEADER_LEN - 8);
        put_be64(packet, (uint64_t)first << 32 | second);
        put_be16(packet + 10, checksum_finish(t->ip_sum + first + second));
        put_be32(packet + IPV4_HEADER_LEN + 4, len << 16 | pseudo);
    } else {
        memcpy(packet + 6, t->headers + 6, IPV6_HEADER_LEN + UDP_HEADER_LEN - 6);
        put_be32(packet, UINT32_C(6) << 28 | (uint32_t)traffic_class << 20);
        put_be16(packet + 4, (uint16_t)len);
        put_be32(packet + IPV6_HEADER_LEN + 4, len << 16 | pseudo);
    }
}

#endif
