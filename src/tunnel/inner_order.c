/* SPDX-License-Identifier: BSD-3-Clause */
#include "inner_order.h"

#include <wgtcpd/wire/inner.h>
#include <wgtcpd/wire/tcp.h>

enum { OFF_FLAGS = 13 };

enum inner_order
inner_order_of(const uint8_t *packet, size_t len)
{
    struct inner_upper upper;
    const uint8_t *tcp;
    size_t header;

    inner_find_upper(packet, len, &upper);
    if (upper.protocol != IP_PROTO_TCP || upper.fragment || len - upper.offset < TCP_HEADER_LEN)
        return INNER_AT_ONCE;
    tcp = packet + upper.offset;
    header = tcp_data_offset(tcp);
    if (len - upper.offset > header)
        return len >= INNER_WAITS_LEN ? INNER_WAITS : INNER_WITH_FLOW;
    return tcp[OFF_FLAGS] & (TCP_FIN | TCP_RST) ? INNER_WITH_FLOW : INNER_AT_ONCE;
}
