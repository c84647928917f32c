/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP errors to senders inside the tunnel: "packet too big", "host unreachable". */
#include <wgtcpd/wire/inner.h>

#include "internal.h"

/* RFC 1812 4.3.2.8, RFC 4443 2.4 (f). A host that found one path too narrow sends few packets more
 * before it heeds the answer. */
#define ERROR_INTERVAL (10 * WGT_MSEC)
#define ERROR_BURST    (50 * ERROR_INTERVAL)

/* Drops m; its sender is told if it may be, and none of its kind was told too much. */
static void
answer(struct tunnel *t, wgt_time now, wgt_time *bucket, struct rte_mbuf *m, size_t len,
       struct inner_error e, enum wgt_drop why)
{
    const uint8_t *packet = rte_pktmbuf_mtod(m, const uint8_t *);
    size_t headers = inner_error_headers(packet);
    uint8_t *out;

    if (rte_pktmbuf_headroom(m) < headers || !inner_may_answer(packet, len) ||
        !bucket_take(bucket, now, ERROR_INTERVAL, ERROR_BURST)) {
        tunnel_drop(t, why, m);
        return;
    }
    wgt_drop_count(&t->drops, why);
    e.from = ip_is_v4(packet) ? t->config.error_from_v4 : t->config.error_from_v6;
    out = (uint8_t *)rte_pktmbuf_prepend(m, (uint16_t)headers);
    packet_set(m, out, inner_error_write(out, packet, len, &e));
    tunnel_tx_inner(t, m);
}

void
peer_too_big(struct tunnel *t, wgt_time now, struct tunnel_peer *p, struct rte_mbuf *m, size_t len,
             size_t mtu)
{
    struct inner_error e = {.kind = INNER_ERROR_TOO_BIG, .mtu = (uint32_t)mtu};

    answer(t, now, &p->too_big_at, m, len, e, WGT_DROP_INNER_TOO_BIG);
}

void
inner_unreachable(struct tunnel *t, wgt_time now, struct rte_mbuf *m, size_t len, enum wgt_drop why)
{
    struct inner_error e = {.kind = INNER_ERROR_HOST};

    answer(t, now, &t->unreachable_at, m, len, e, why);
}
