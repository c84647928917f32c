/* SPDX-License-Identifier: BSD-3-Clause */
/* A router on whose far side packets must be smaller. */
#include <wgtcpd/wire/checksum.h>
#include <wgtcpd/wire/icmp.h>

#include "network_internal.h"

enum { ICMP_LEN = 8, QUOTE_MAX = 548, CODE_FRAGMENTATION_NEEDED = 4 };
#define ROUTER_DELAY WGT_MSEC

static struct ip_addr
router_address(uint8_t family)
{
    uint8_t v4[4] = {198, 51, 100, 1};
    uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, 0xff, [15] = 1};

    return family == IP_V4 ? ip_addr_v4(v4) : ip_addr_v6(v6);
}

size_t
router_too_big(uint8_t *icmp, const uint8_t *packet, size_t len, uint16_t mtu)
{
    size_t quote = len < QUOTE_MAX ? len : QUOTE_MAX, ip_len;
    struct ip_header was, ip;
    uint8_t *body;

    if (ip_parse(packet, len, true, &was) != WGT_OK || !was.dont_fragment)
        return 0;
    ip = (struct ip_header){
        .src = router_address(was.src.family),
        .dst = was.src,
        .protocol = was.src.family == IP_V4 ? IP_PROTO_ICMP : IP_PROTO_ICMPV6,
        .ttl = 60,
        .payload_len = (uint32_t)(ICMP_LEN + quote),
    };
    ip_len = ip_header_len(&ip.dst);
    body = icmp + ip_len;
    memset(body, 0, ICMP_LEN);
    memcpy(body + ICMP_LEN, packet, quote);
    if (was.src.family == IP_V4) {
        body[0] = ICMP_UNREACHABLE;
        body[1] = CODE_FRAGMENTATION_NEEDED;
        put_be16(body + 6, mtu);
        put_be16(body + 2, checksum_finish(checksum_add(0, body, ICMP_LEN + quote)));
    } else {
        body[0] = ICMPV6_TOO_BIG;
        put_be32(body + 4, mtu);
        put_be16(body + 2,
                 checksum_finish(checksum_add(checksum_pseudo(&ip.src, &ip.dst, IP_PROTO_ICMPV6,
                                                              (uint32_t)(ICMP_LEN + quote)),
                                              body, ICMP_LEN + quote)));
    }
    ip_write(icmp, &ip);
    return ip_len + ICMP_LEN + quote;
}

void
through_router(struct network *n, wgt_time now, unsigned direction, const uint8_t *packet,
               size_t len)
{
    struct network_impairment what = network_impairment_at(n, now, direction);
    uint8_t icmp[NETWORK_PACKET_MAX];
    size_t icmp_len;

    if (what.mtu == 0 || len <= what.mtu) {
        network_through_nat(n, now, direction, packet, len);
        return;
    }
    n->stats.too_big++;
    /* Fragments are not modelled: a packet that may be cut is lost, as on a path that drops them.
     */
    icmp_len = what.mtu_silent ? 0 : router_too_big(icmp, packet, len, what.mtu);
    if (icmp_len > 0)
        network_inject(n, now + ROUTER_DELAY, 1 - direction, true, icmp, icmp_len);
}
