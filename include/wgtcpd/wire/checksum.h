/* SPDX-License-Identifier: BSD-3-Clause */
/* The Internet checksum (RFC 1071) and its incremental update (RFC 1624). */
#ifndef WGTCPD_WIRE_CHECKSUM_H
#define WGTCPD_WIRE_CHECKSUM_H

#include <wgtcpd/base/addr.h>
#include <wgtcpd/base/base.h>

/* Running one's-complement sum of data; the run starts at an even offset of the whole. Not folded.
 */
uint64_t checksum_add(uint64_t sum, const uint8_t *data, size_t len);

/* Folds without complement: with the pseudo header's sum, what a checksum field must hold for
 * hardware to complete it. */
uint16_t checksum_fold(uint64_t sum);

/* Folds and complements: the value for a header's checksum field, host byte order. */
uint16_t checksum_finish(uint64_t sum);

/* Sum of the TCP/UDP/ICMPv6 pseudo header. len is the upper-layer length. */
uint64_t checksum_pseudo(const struct ip_addr *src, const struct ip_addr *dst, uint8_t protocol,
                         uint32_t len);

/* Checksum of a whole upper-layer packet, its checksum field taken as it stands: 0 means correct.
 */
uint16_t checksum_transport(const struct ip_addr *src, const struct ip_addr *dst, uint8_t protocol,
                            const uint8_t *data, size_t len);

/* RFC 1624 eqn. 3: the checksum after a 16-bit word of the data went from old to new. The data must
 * not be all zero afterwards (the result would be 0000 instead of ffff); behind a pseudo header or
 * an IPv4 header's version it never is. */
uint16_t checksum_update(uint16_t checksum, uint16_t old_word, uint16_t new_word);

#endif
