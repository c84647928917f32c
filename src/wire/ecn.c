/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/wire/ecn.h>

#include <wgtcpd/wire/checksum.h>

static void
set_ecn(uint8_t *packet, uint8_t ecn)
{
    uint16_t old = get_be16(packet);

    if (!ip_is_v4(packet)) {
        packet[1] = (uint8_t)((packet[1] & ~(ECN_MASK << IPV6_ECN_SHIFT)) | ecn << IPV6_ECN_SHIFT);
        return;
    }
    packet[1] = (uint8_t)((packet[1] & ~ECN_MASK) | ecn);
    put_be16(packet + 10, checksum_update(get_be16(packet + 10), old, get_be16(packet)));
}

bool
ecn_mark(uint8_t *packet)
{
    uint8_t ecn = ecn_of(packet);

    if (ecn == IP_ECN_NOT_ECT)
        return false;
    if (ecn != IP_ECN_CE)
        set_ecn(packet, IP_ECN_CE);
    return true;
}

bool
ecn_decapsulate(uint8_t *packet, uint8_t outer)
{
    uint8_t inner = ecn_of(packet);

    if (inner == IP_ECN_NOT_ECT)
        return outer != IP_ECN_CE;
    if (outer == IP_ECN_CE)
        return ecn_mark(packet);
    if (inner == IP_ECN_ECT0 && outer == IP_ECN_ECT1)
        set_ecn(packet, IP_ECN_ECT1);
    return true;
}
