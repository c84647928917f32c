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
static inline uint16_t
checksum_fold(uint64_t sum)
{
    uint32_t low = (uint32_t)sum, words = low + (uint32_t)(sum >> 32);

    words += words < low;                         /* the carry comes back in */
    words = (words & UINT16_MAX) + (words >> 16); /* <= 2^17 - 2 */
    return (uint16_t)(words + (words >> 16));
}

/* Folds and complements: the value for a header's checksum field, host byte order. */
static inline uint16_t
checksum_finish(uint64_t sum)
{
    return (uint16_t)~checksum_fold(sum);
}

/* One's-complement addition on 64 bits: the carry comes back in at the bottom. */
static inline uint64_t
checksum_add_carry(uint64_t a, uint64_t b)
{
    a += b;
    return a + (a < b);
}

/* Eight bytes as they lie in memory: the sum does not depend on byte order (RFC 1071 2 B). */
static inline uint64_t
checksum_load64(const uint8_t *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

static inline uint32_t
checksum_load32(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

/* Of an IPv4 header, its checksum field taken as it stands: 0 means correct. header_len: at least
 * 20. */
static inline uint16_t
checksum_ipv4_header(const uint8_t *header, size_t header_len)
{
    uint64_t sum = checksum_add_carry(checksum_load64(header), checksum_load64(header + 8));

    for (size_t at = 16; at < header_len; at += 4)
        sum = checksum_add_carry(sum, checksum_load32(header + at));
    return WGT_BE(16, checksum_finish(sum));
}

/* Sum of an address's words of 32 bits; of the zeros behind an IPv4 address, too. */
static inline uint64_t
checksum_address(const struct ip_addr *a)
{
    return (uint64_t)get_be32(a->bytes) + get_be32(a->bytes + 4) + get_be32(a->bytes + 8) +
           get_be32(a->bytes + 12);
}

/* Sum of the TCP/UDP/ICMPv6 pseudo header. len is the upper-layer length. RFC 9293 3.1 and
 * RFC 8200 8.1: the two pseudo headers differ in layout, not in their sum. */
static inline uint64_t
checksum_pseudo(const struct ip_addr *src, const struct ip_addr *dst, uint8_t protocol,
                uint32_t len)
{
    return (uint64_t)protocol + len + checksum_address(src) + checksum_address(dst);
}

/* Checksum of a whole upper-layer packet, its checksum field taken as it stands: 0 means correct.
 */
uint16_t checksum_transport(const struct ip_addr *src, const struct ip_addr *dst, uint8_t protocol,
                            const uint8_t *data, size_t len);

/* RFC 1624 eqn. 3: the checksum after a 16-bit word of the data went from old to new. The data must
 * not be all zero afterwards (the result would be 0000 instead of ffff); behind a pseudo header or
 * an IPv4 header's version it never is. */
static inline uint16_t
checksum_update(uint16_t checksum, uint16_t old_word, uint16_t new_word)
{
    uint32_t sum = (uint32_t)(uint16_t)~checksum + (uint16_t)~old_word + new_word;

    sum = (sum & UINT16_MAX) + (sum >> 16); /* <= 2^16 + 1 */
    return (uint16_t) ~((sum & UINT16_MAX) + (sum >> 16));
}

#endif
