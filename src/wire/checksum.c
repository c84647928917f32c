/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/wire/checksum.h>

/* The sum does not depend on byte order (RFC 1071 2 B): words are added as they lie in memory and
 * the folded result is read back as a big-endian word. Four independent chains hide the latency of
 * the carries. */
uint64_t
checksum_add(uint64_t sum, const uint8_t *data, size_t len)
{
    uint64_t a = 0, b = 0, c = 0, d = 0;
    uint16_t word;
    uint8_t bytes[2];

    for (; len >= 32; data += 32, len -= 32) {
        a = checksum_add_carry(a, checksum_load64(data));
        b = checksum_add_carry(b, checksum_load64(data + 8));
        c = checksum_add_carry(c, checksum_load64(data + 16));
        d = checksum_add_carry(d, checksum_load64(data + 24));
    }
    for (; len >= 8; data += 8, len -= 8)
        a = checksum_add_carry(a, checksum_load64(data));
    if (len > 0) {
        uint64_t tail = 0;

        memcpy(&tail, data, len);
        b = checksum_add_carry(b, tail);
    }
    word = checksum_fold(checksum_add_carry(checksum_add_carry(a, b), checksum_add_carry(c, d)));
    memcpy(bytes, &word, sizeof(bytes));
    return sum + get_be16(bytes);
}

uint16_t
checksum_transport(const struct ip_addr *src, const struct ip_addr *dst, uint8_t protocol,
                   const uint8_t *data, size_t len)
{
    return checksum_finish(
        checksum_add(checksum_pseudo(src, dst, protocol, (uint32_t)len), data, len));
}
