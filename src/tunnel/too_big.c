/* SPDX-License-Identifier: BSD-3-Clause */
/* "Packet too big" to senders inside the tunnel. */
#include <wgtcpd/wire/inner.h>

#include "internal.h"

/* RFC 1812 4.3.2.8, RFC 4443 2.4 (f). A host that found one path too narrow sends few packets more
 * before it heeds the answer. */
#define TOO_BIG_INTERVAL (10 * WGT_MSEC)
#define TOO_BIG_BURST    (50 * TOO_BIG_INTERVAL)

void
peer_too_big(struct tunnel *t, wgt_time now, struct tunnel_peer *p, struct rte_mbuf *m, size_t len,
             size_t mtu)
{
    const uint8_t *packet = rte_pktmbuf_mtod(m, const uint8_t *);
    size_t headers = inner_error_headers(packet);
    uint8_t *out;

    if (rte_pktmbuf_headroom(m) < headers || !inner_may_answer(packet, len) ||
        !bucket_take(&p->too_big_at, now, TOO_BIG_INTERVAL, TOO_BIG_BURST)) {
        tunnel_drop(t, WGT_DROP_INNER_TOO_BIG, m);
        return;
    }
    wgt_drop_count(&t->drops, WGT_DROP_INNER_TOO_BIG);
    out = (uint8_t *)rte_pktmbuf_prepend(m, (uint16_t)headers);
    packet_set(m, out, inner_too_big_write(out, packet, len, mtu));
    t->inner_tx(t->outer.ctx, m);
}
