/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/wire/inner.h>

#include <wgtcpd/wire/checksum.h>
#include <wgtcpd/wire/tcp.h>

enum { OPTION_END = 0, OPTION_NOP = 1, OPTION_MSS = 2, OPTION_MSS_LEN = 4 };

/* Offset of the MSS option's value in the header, 0: it has none. */
static size_t
find_mss(const uint8_t *tcp, size_t header_len)
{
    for (size_t at = TCP_HEADER_LEN; at < header_len && tcp[at] != OPTION_END;) {
        size_t size;

        if (tcp[at] == OPTION_NOP) {
            at++;
            continue;
        }
        if (header_len - at < 2)
            return 0;
        size = tcp[at + 1];
        if (size < 2 || size > header_len - at)
            return 0;
        if (tcp[at] == OPTION_MSS && size == OPTION_MSS_LEN)
            return at + 2;
        at += size;
    }
    return 0;
}

static uint16_t
swap(uint16_t v)
{
    return (uint16_t)(v << 8 | v >> 8);
}

/* A value at an odd offset lies in two words of the sum, each half in the other's place. */
static void
replace(uint8_t *tcp, size_t at, uint16_t mss)
{
    uint16_t old = get_be16(tcp + at), checksum = get_be16(tcp + 16);

    checksum = at % 2 == 0 ? checksum_update(checksum, old, mss)
                           : checksum_update(checksum, swap(old), swap(mss));
    put_be16(tcp + 16, checksum);
    put_be16(tcp + at, mss);
}

bool
inner_mss_clamp(uint8_t *packet, size_t len, size_t mtu)
{
    size_t headers = (ip_is_v4(packet) ? IPV4_HEADER_LEN : IPV6_HEADER_LEN) + TCP_HEADER_LEN;
    struct inner_upper u;
    size_t header_len, at;
    uint8_t *tcp;

    inner_find_upper(packet, len, &u);
    if (u.protocol != IP_PROTO_TCP || u.fragment || len - u.offset < TCP_HEADER_LEN)
        return false;
    tcp = packet + u.offset;
    if ((tcp[13] & (TCP_SYN | TCP_RST)) != TCP_SYN)
        return false;
    header_len = tcp_data_offset(tcp);
    if (header_len > len - u.offset || mtu <= headers)
        return false;
    at = find_mss(tcp, header_len);
    if (at == 0 || get_be16(tcp + at) <= mtu - headers)
        return false;
    replace(tcp, at, (uint16_t)(mtu - headers));
    return true;
}
