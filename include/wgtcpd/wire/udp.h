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

/* Writes 8 bytes in front of payload_len bytes that already lie at udp + 8. checksum_software: the
 * whole sum is computed here; otherwise only the pseudo-header sum is stored, as hardware wants it.
 */
void udp_write(uint8_t *udp, const struct ip_addr *src, const struct ip_addr *dst,
               uint16_t src_port, uint16_t dst_port, size_t payload_len, bool checksum_software);

#endif
