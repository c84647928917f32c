/* SPDX-License-Identifier: BSD-3-Clause */
#include "inner_order.h"

#include <wgtcpd/wire/inner.h>
#include <wgtcpd/wire/tcp.h>

enum { TCP_MIN_HEADER = 20, OFF_DATA_OFFSET = 12, OFF_FLAGS = 13 };

enum inner_order
inner_order_of(const uint8_t *packet, size_t len)
{
    struct inner_upper upper;
    const uint8_t *tcp;
    size_t header;

    inner_find_upper(packet, len, &upper);
    if (upper.protocol != IP_PROTO_TCP || upper.fragment || len - upper.offset < TCP_MIN_HEADER)
        return INNER_AT_ONCE;
    tcp = packet + upper.offset;
    header = (size_t)(tcp[OFF_DATA_OFFSET] >> 4) * 4;
    if (len - upper.offset > header)
        return len >= INNER_WAITS_LEN ? INNER_WAITS : INNER_WITH_FLOW;
    return tcp[OFF_FLAGS] & (TCP_FIN | TCP_RST) ? INNER_WITH_FLOW : INNER_AT_ONCE;
}
