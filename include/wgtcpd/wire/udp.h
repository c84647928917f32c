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

#endif
