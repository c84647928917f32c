/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/transport/outer.h>

#include <wgtcpd/transport/path.h>

static bool
source_by_route(const struct outer *o, const struct ip_addr *remote, struct ip_addr *source)
{
    for (unsigned i = 0; i < o->n_routes; i++)
        if (ip_prefix_contains(&o->routes[i].to, remote)) {
            *source = o->routes[i].source;
            return true;
        }
    return false;
}

static bool
source_by_address(const struct outer *o, const struct ip_addr *remote, struct ip_addr *source)
{
    const struct ip_addr *first = NULL;

    for (unsigned i = 0; i < o->n_locals; i++) {
        const struct ip_prefix *p = &o->locals[i];

        if (p->addr.family != remote->family)
            continue;
        if (ip_prefix_contains(p, remote)) {
            *source = p->addr;
            return true;
        }
        if (first == NULL)
            first = &p->addr;
    }
    if (first == NULL)
        return false;
    *source = *first;
    return true;
}

bool
outer_source_for(const struct outer *o, const struct ip_addr *remote, struct ip_addr *source)
{
    return source_by_route(o, remote, source) || source_by_address(o, remote, source);
}

void
outer_send_segment(struct outer *o, struct rte_mbuf *m, const struct ip_addr *src,
                   const struct ip_addr *dst, uint8_t traffic_class, size_t tcp_header_len)
{
    const struct ip_fields h = {
        .protocol = IP_PROTO_TCP,
        .ttl = OUTER_TTL,
        .traffic_class = traffic_class,
        .dont_fragment = true,
        .payload_len = rte_pktmbuf_pkt_len(m),
    };
    size_t len = ip_header_len(dst);
    uint8_t *p = (uint8_t *)rte_pktmbuf_prepend(m, (uint16_t)len);

    if (p == NULL) {
        outer_drop(o, WGT_DROP_NO_BUFFER, m);
        return;
    }
    ip_write_fields(p, src, dst, &h);
    outer_tx(o, m, o->offload_tcp ? RTE_MBUF_F_TX_TCP_CKSUM : 0, len, tcp_header_len);
}

const char *
transport_kind_name(enum transport_kind k)
{
    static const char *const names[] = {"none", "udp", "tcp"};

    return (unsigned)k < 3 ? names[k] : "unknown";
}
