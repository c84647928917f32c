/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/dataplane/gateway.h>

#include <wgtcpd/base/bucket.h>
#include <wgtcpd/dataplane/fragments.h>
#include <wgtcpd/wire/forward.h>
#include <wgtcpd/wire/icmp.h>
#include <wgtcpd/wire/inner.h>

/* RFC 1812 4.3.2.8, RFC 4443 2.4 (f). */
#define ERROR_INTERVAL (10 * WGT_MSEC)
#define ERROR_BURST    (50 * ERROR_INTERVAL)

enum side { FROM_LINK, FROM_TUNNEL };

static void
drop(struct gateway *g, enum wgt_drop why, struct rte_mbuf *m)
{
    outer_drop(&g->tunnel->outer, why, m);
}

/* --- our own addresses ---------------------------------------------------------------------------
 */

static bool
have(const struct gateway *g, const struct ip_addr *a)
{
    if (addresses_have(&g->link->addresses, a))
        return true;
    for (unsigned i = 0; i < g->n_locals; i++)
        if (ip_addr_equal(&g->locals[i].addr, a))
            return true;
    return false;
}

/* Most that are not are known by their mark. */
static inline bool
is_ours(const struct gateway *g, const struct ip_addr *a)
{
    return unlikely((g->marks & addresses_mark(a)) != 0) && have(g, a);
}

static bool
is_group(const struct ip_addr *a)
{
    return a->family == IP_V6 && a->bytes[0] == 0xff;
}

/* Where an error to that host comes from: the address by which it knows us. Family IP_NONE: there
 * is none. */
static struct ip_addr
own_address_for(const struct gateway *g, const struct ip_addr *host, enum side side)
{
    struct ip_addr source = {.family = IP_NONE};

    for (unsigned i = 0; side == FROM_TUNNEL && i < g->n_locals; i++)
        if (g->locals[i].addr.family == host->family)
            return g->locals[i].addr;
    addresses_source(&g->link->addresses, host, &source);
    return source;
}

/* --- ways out ------------------------------------------------------------------------------------
 */

static void
to_link(struct gateway *g, wgt_time now, struct rte_mbuf *m)
{
    m->ol_flags = 0;
    g->tx++;
    eth_link_send(g->link, now, m);
}

/* The tunnel is in the midst of something when it hands us a packet. */
static void
back_to_tunnel(struct gateway *g, struct rte_mbuf *m)
{
    m->ol_flags = 0;
    packet_queue_push(&g->turned, m);
}

unsigned
gateway_run(struct gateway *g, wgt_time now)
{
    unsigned n = g->turned.count;

    for (unsigned i = 0; i < n; i++)
        tunnel_rx_inner(g->tunnel, now, packet_queue_pop(&g->turned));
    return n;
}

static void
answer(struct gateway *g, wgt_time now, enum side side, struct rte_mbuf *m)
{
    if (side == FROM_LINK)
        to_link(g, now, m);
    else
        back_to_tunnel(g, m);
}

/* Drops a packet and tells its sender why. */
static void
refuse(struct gateway *g, wgt_time now, enum side side, enum wgt_drop why, struct rte_mbuf *m,
       const struct inner_packet *inner, struct inner_error e)
{
    const uint8_t *packet = rte_pktmbuf_mtod(m, const uint8_t *);
    size_t headers = inner_error_headers(packet);
    uint8_t *out;

    if (rte_pktmbuf_headroom(m) < headers || !inner_may_answer(packet, inner->len) ||
        !bucket_take(&g->errors_at, now, ERROR_INTERVAL, ERROR_BURST)) {
        drop(g, why, m);
        return;
    }
    wgt_drop_count(&g->tunnel->drops, why);
    e.from = own_address_for(g, &inner->src, side);
    out = (uint8_t *)rte_pktmbuf_prepend(m, (uint16_t)headers);
    packet_set(m, out, inner_error_write(out, packet, inner->len, &e));
    answer(g, now, side, m);
}

/* --- packets for ourselves -----------------------------------------------------------------------
 */

static void
echo(struct gateway *g, wgt_time now, enum side side, const struct ip_header *ip,
     struct rte_mbuf *m)
{
    uint8_t *packet = rte_pktmbuf_mtod(m, uint8_t *);
    enum wgt_drop why = icmp_echo_reply(packet, ip);

    if (why != WGT_OK) {
        drop(g, why, m);
        return;
    }
    packet_set(m, packet, ip->header_len + ip->payload_len);
    answer(g, now, side, m);
}

static void
rx_own(struct gateway *g, wgt_time now, enum side side, struct rte_mbuf *m)
{
    uint8_t *packet = rte_pktmbuf_mtod(m, uint8_t *);
    enum wgt_drop why;
    struct ip_header ip;
    struct nd_message nd;

    why = ip_parse(packet, rte_pktmbuf_data_len(m), true, &ip);
    if (why == WGT_OK && ip.protocol != (ip.dst.family == IP_V4 ? IP_PROTO_ICMP : IP_PROTO_ICMPV6))
        why = WGT_DROP_IP_PROTOCOL;
    if (why != WGT_OK) {
        drop(g, why, m);
        return;
    }
    if (side == FROM_LINK && ip.dst.family == IP_V6 && nd_parse(packet, &ip, &nd) == WGT_OK)
        neighbours_rx_nd(&g->link->neighbours, now, &ip, &nd, m);
    else
        echo(g, now, side, &ip, m);
}

/* --- routing -------------------------------------------------------------------------------------
 */

/* RFC 791 3.2: a packet too big, whose sender lets us, is cut for what is narrower. Returns the
 * number of packets in out. */
static unsigned
fit(struct gateway *g, size_t mtu, struct rte_mbuf *m, const struct inner_packet *inner,
    struct rte_mbuf *out[FRAGMENTS_OUT_MAX])
{
    unsigned n;

    if (inner->src.family != IP_V4) {
        out[0] = m;
        return 1;
    }
    n = fragments_cut(g->pool, m, (uint16_t)mtu, 0, out);
    if (n == 0)
        wgt_drop_count(&g->tunnel->drops, WGT_DROP_NO_BUFFER);
    return n;
}

static void
link_to_tunnel(struct gateway *g, wgt_time now, struct rte_mbuf *m,
               const struct inner_packet *inner)
{
    size_t mtu = g->tunnel->config.mtu;
    struct rte_mbuf *parts[FRAGMENTS_OUT_MAX];
    unsigned n;

    /* What is too big the tunnel refuses and says so: it knows the peer's path. */
    if (likely(inner->len <= mtu) ||
        inner_exceeds(rte_pktmbuf_mtod(m, const uint8_t *), inner->len, mtu)) {
        tunnel_rx_inner_parsed(g->tunnel, now, inner, m);
        return;
    }
    n = fit(g, mtu, m, inner, parts);
    for (unsigned i = 0; i < n; i++)
        tunnel_rx_inner(g->tunnel, now, parts[i]);
}

static void
send_to_link(struct gateway *g, wgt_time now, struct rte_mbuf *m, const struct inner_packet *inner)
{
    size_t mtu = g->link->port.mtu;
    struct rte_mbuf *parts[FRAGMENTS_OUT_MAX];
    unsigned n;

    if (likely(inner->len <= mtu)) {
        to_link(g, now, m);
        return;
    }
    if (inner_exceeds(rte_pktmbuf_mtod(m, const uint8_t *), inner->len, mtu)) {
        refuse(g, now, FROM_TUNNEL, WGT_DROP_INNER_TOO_BIG, m, inner,
               (struct inner_error){.kind = INNER_ERROR_TOO_BIG, .mtu = (uint32_t)mtu});
        return;
    }
    n = fit(g, mtu, m, inner, parts);
    for (unsigned i = 0; i < n; i++)
        to_link(g, now, parts[i]);
}

/* The link's networks and routes come first, then other peers, then its default gateway. */
static void
tunnel_onwards(struct gateway *g, wgt_time now, struct rte_mbuf *m,
               const struct inner_packet *inner)
{
    const struct address_route *r = addresses_route(&g->link->addresses, &inner->dst);

    if ((r == NULL || r->to.len == 0) &&
        allowedips_lookup(g->tunnel->allowed_ips, &inner->dst) != NULL)
        back_to_tunnel(g, m);
    else if (r != NULL)
        send_to_link(g, now, m, inner);
    else
        refuse(g, now, FROM_TUNNEL, WGT_DROP_INNER_NO_ROUTE, m, inner,
               (struct inner_error){.kind = INNER_ERROR_NO_ROUTE});
}

/* m holds the packet and no more. */
static void
route(struct gateway *g, wgt_time now, enum side side, bool verify_checksum, struct rte_mbuf *m,
      const struct inner_packet *inner)
{
    enum wgt_drop why = WGT_DROP_IP_SOURCE;

    if (side == FROM_TUNNEL || !is_ours(g, &inner->src))
        why = ip_forward(rte_pktmbuf_mtod(m, uint8_t *), inner->len, verify_checksum);
    if (why == WGT_DROP_IP_TTL)
        refuse(g, now, side, why, m, inner,
               (struct inner_error){.kind = INNER_ERROR_TIME_EXCEEDED});
    else if (why != WGT_OK)
        drop(g, why, m);
    else if (side == FROM_LINK)
        link_to_tunnel(g, now, m, inner);
    else
        tunnel_onwards(g, now, m, inner);
}

void
gateway_rx_tunnel(struct gateway *g, wgt_time now, struct rte_mbuf *m,
                  const struct inner_packet *inner)
{
    if (is_ours(g, &inner->dst))
        rx_own(g, now, FROM_TUNNEL, m);
    else
        route(g, now, FROM_TUNNEL, true, m, inner);
}

/* RFC 1812 5.3.4: what came to all is not forwarded. */
static void
rx_ip(struct gateway *g, wgt_time now, bool to_all, struct rte_mbuf *m)
{
    uint8_t *packet = rte_pktmbuf_mtod(m, uint8_t *);
    bool good = g->link->port.rx_checksums &&
                (m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_GOOD;
    struct inner_packet inner;
    enum wgt_drop why = inner_parse(packet, rte_pktmbuf_data_len(m), &inner);

    if (why != WGT_OK) {
        drop(g, why, m);
        return;
    }
    packet_set(m, packet, inner.len);
    if (is_ours(g, &inner.dst) || is_group(&inner.dst))
        rx_own(g, now, FROM_LINK, m);
    else if (to_all)
        drop(g, WGT_DROP_IP_SCOPE, m);
    else
        route(g, now, FROM_LINK, !good, m, &inner);
}

void
gateway_rx_link(struct gateway *g, wgt_time now, struct rte_mbuf *m)
{
    struct eth_header eth;

    if (!eth_link_accept(g->link, m, &eth))
        return;
    g->rx++;
    if (eth.type == ETH_ARP)
        neighbours_rx_arp(&g->link->neighbours, now, m);
    else
        rx_ip(g, now, eth_addr_is_group(&eth.dst), m);
}

/* --- set-up --------------------------------------------------------------------------------------
 */

/* A host of the link does not answer ARP or ND. */
static void
host_unreachable(void *ctx, wgt_time now, struct rte_mbuf *m)
{
    struct gateway *g = ctx;
    struct inner_packet inner;
    enum wgt_drop why =
        inner_parse(rte_pktmbuf_mtod(m, const uint8_t *), rte_pktmbuf_data_len(m), &inner);

    if (why == WGT_OK && !is_ours(g, &inner.src))
        refuse(g, now, FROM_TUNNEL, WGT_DROP_NEIGHBOUR_UNRESOLVED, m, &inner,
               (struct inner_error){.kind = INNER_ERROR_HOST});
    else
        drop(g, WGT_DROP_NEIGHBOUR_UNRESOLVED, m);
}

/* What the tunnel itself refuses came from a host of the link, as a rule: it knows us by the
 * link's address. */
static void
name_error_source(struct gateway *g)
{
    const struct addresses *a = &g->link->addresses;

    for (unsigned i = a->n_locals; i-- > 0;) {
        if (a->locals[i].addr.family == IP_V4)
            g->tunnel->config.error_from_v4 = a->locals[i].addr;
        else
            g->tunnel->config.error_from_v6 = a->locals[i].addr;
    }
}

static void
mark_own(struct gateway *g)
{
    g->marks = g->link->addresses.local_marks;
    for (unsigned i = 0; i < g->n_locals; i++)
        g->marks |= addresses_mark(&g->locals[i].addr);
}

void
gateway_init(struct gateway *g)
{
    name_error_source(g);
    mark_own(g);
    packet_queue_init(&g->turned);
    g->errors_at = 0;
    g->rx = g->tx = 0;
    g->link->neighbours.unreachable = host_unreachable;
    g->link->neighbours.owner = g;
}

void
gateway_fini(struct gateway *g)
{
    packet_queue_purge(&g->turned);
}
