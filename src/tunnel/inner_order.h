/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which inner packets may overtake others. Large segments of an inner TCP connection that overtake
 * look like loss to its sender, who then sends less; all else gains by going at once.
 */
#ifndef TUNNEL_INNER_ORDER_H
#define TUNNEL_INNER_ORDER_H

#include <wgtcpd/base/base.h>

enum inner_order {
    INNER_AT_ONCE,   /* not TCP; a fragment; an ACK without data */
    INNER_WITH_FLOW, /* little TCP data, or an end: at once, but behind what waits of its flow */
    INNER_WAITS,     /* TCP data in a large packet */
};

/* TCP packets of this length wait for the hole before them. */
enum { INNER_WAITS_LEN = 1000 };

/* The packet has passed inner_parse; len is its own length. */
enum inner_order inner_order_of(const uint8_t *packet, size_t len);

#endif
