/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/offload/coalesce.h>

#include <wgtcpd/wire/checksum.h>
#include <wgtcpd/wire/eth.h>
#include <wgtcpd/wire/inner.h>
#include <wgtcpd/wire/tcp.h>
#include <wgtcpd/wire/udp.h>

#include "fields.h"

enum { NO_CHAIN = UINT16_MAX };

void
coalesce_init(struct coalescer *c, bool tcp, bool udp)
{
    c->tcp = tcp;
    c->udp = udp;
    coalesce_clear(c);
}

void
coalesce_clear(struct coalescer *c)
{
    c->n_packets = c->n_chains = c->barrier = 0;
    memset(c->buckets, 0xff, sizeof(c->buckets));
}

/* --- what a packet is ----------------------------------------------------------------------------
 */

static size_t
payload_len(const struct coalesce_packet *p)
{
    return (size_t)(p->len - p->header_len);
}

/* Source and destination. */
static struct span
addresses_of(const struct coalesce_packet *p)
{
    if (ip_is_v4(p->data))
        return (struct span){p->data + IPV4_ADDRESSES_AT, IPV4_ADDRESSES_LEN};
    return (struct span){p->data + IPV6_ADDRESSES_AT, IPV6_ADDRESSES_LEN};
}

static uint64_t
upper_pseudo(const struct coalesce_packet *p, size_t upper_len)
{
    struct span addresses = addresses_of(p);

    return checksum_add(p->protocol + upper_len, addresses.data, addresses.len);
}

static bool
has_right_checksum(struct coalesce_packet *p)
{
    size_t len = (size_t)(p->len - p->upper);

    if (!p->verified && !p->partial)
        p->verified =
            checksum_finish(checksum_add(upper_pseudo(p, len), p->data + p->upper, len)) == 0;
    return p->verified || p->partial;
}

/* No options and no extension headers: they may mean something different in each packet. */
static bool
is_plain_ip(const struct coalesce_packet *p)
{
    if (!ip_is_v4(p->data))
        return p->upper == IPV6_HEADER_LEN;
    return p->upper == IPV4_HEADER_LEN && checksum_ipv4_header(p->data, IPV4_HEADER_LEN) == 0;
}

/* Beside ACK, the flags of a segment that carries on a stream. */
static bool
is_stream_data(const struct coalesce_packet *p)
{
    uint8_t flags = p->data[p->upper + TCP_FLAGS_AT];

    return (flags & ~(TCP_PSH | TCP_FIN | TCP_ECE | TCP_CWR)) == TCP_ACK;
}

static void
look_at_tcp(const struct coalescer *c, struct coalesce_packet *p)
{
    size_t header_len = tcp_data_offset(p->data + p->upper);

    if (header_len < TCP_HEADER_LEN || header_len >= (size_t)(p->len - p->upper))
        return;
    p->header_len = (uint16_t)(p->upper + header_len);
    p->joins = c->tcp && is_stream_data(p) && is_plain_ip(p);
}

/* RFC 8200 8.1: a checksum of zero is none, and must not become one; though it may add up. */
static void
look_at_udp(const struct coalescer *c, struct coalesce_packet *p)
{
    const uint8_t *udp = p->data + p->upper;

    p->header_len = p->upper + UDP_HEADER_LEN;
    p->joins = c->udp && payload_len(p) > 0 &&
               get_be16(udp + UDP_LENGTH_AT) == (uint16_t)(p->len - p->upper) &&
               get_be16(udp + UDP_CHECKSUM_AT) != 0 && is_plain_ip(p);
}

/* false: it may belong to any flow. */
static bool
look_at(const struct coalescer *c, struct coalesce_packet *p)
{
    struct inner_packet inner;
    struct inner_upper u;

    if (inner_parse(p->data, p->len, &inner) != WGT_OK || inner.len != p->len)
        return false;
    inner_find_upper(p->data, p->len, &u);
    if (u.fragment)
        return false;
    if (u.protocol != IP_PROTO_TCP && u.protocol != IP_PROTO_UDP)
        return true;
    if (p->len - u.offset < (u.protocol == IP_PROTO_TCP ? (size_t)TCP_HEADER_LEN : UDP_HEADER_LEN))
        return false;
    p->protocol = u.protocol;
    p->upper = (uint16_t)u.offset;
    if (p->protocol == IP_PROTO_TCP)
        look_at_tcp(c, p);
    else
        look_at_udp(c, p);
    return true;
}

/* --- whose flow it is of -------------------------------------------------------------------------
 */

static unsigned
bucket_of(const struct coalesce_packet *p)
{
    struct span addresses = addresses_of(p);
    uint32_t h = get_be32(p->data + p->upper);

    for (size_t i = 0; i < addresses.len; i += 4)
        h = (h << 5 | h >> 27) ^ get_be32(addresses.data + i);
    return (h * UINT32_C(0x9e3779b1) >> 16) % COALESCE_BUCKETS;
}

static bool
is_same_flow(const struct coalesce_packet *a, const struct coalesce_packet *b)
{
    struct span of_a = addresses_of(a), of_b = addresses_of(b);

    return a->protocol == b->protocol && of_a.len == of_b.len &&
           get_be32(a->data + a->upper) == get_be32(b->data + b->upper) &&
           memcmp(of_a.data, of_b.data, of_a.len) == 0;
}

/* The newest chain of the packet's flow; only there order allows it to be joined. */
static struct coalesce_chain *
find_chain(struct coalescer *c, const struct coalesce_packet *p, unsigned bucket)
{
    for (uint16_t i = c->buckets[bucket]; i != NO_CHAIN && i >= c->barrier; i = c->chains[i].older)
        if (is_same_flow(&c->packets[c->chains[i].first], p))
            return &c->chains[i];
    return NULL;
}

/* --- whether it carries on
 * ------------------------------------------------------------------------
 */

/* RFC 6864 4.1, 4.2: IDs of packets that may be fragmented must come out as they are. */
static bool
ipv4_carries_on(const struct coalesce_packet *first, uint16_t n, const uint8_t *p)
{
    const uint8_t *f = first->data;
    uint16_t flags = get_be16(p + IPV4_FLAGS_AT);

    return f[IPV4_TOS_AT] == p[IPV4_TOS_AT] && f[IPV4_TTL_AT] == p[IPV4_TTL_AT] &&
           get_be16(f + IPV4_FLAGS_AT) == flags &&
           ((flags & IPV4_DONT_FRAGMENT) != 0 ||
            (uint16_t)(get_be16(f + IPV4_ID_AT) + n) == get_be16(p + IPV4_ID_AT));
}

/* The first word has traffic class and flow label. */
static bool
ipv6_carries_on(const uint8_t *f, const uint8_t *p)
{
    return get_be32(f) == get_be32(p) && f[IPV6_HOP_LIMIT_AT] == p[IPV6_HOP_LIMIT_AT];
}

/* The new one's header is the first one's, but for the sequence number, the checksum, and what only
 * the first (CWR) or the last (PSH, FIN) may have. */
static bool
tcp_carries_on(const struct coalesce_chain *chain, const struct coalesce_packet *first,
               const struct coalesce_packet *p)
{
    const uint8_t *f = first->data + first->upper, *t = p->data + p->upper;
    uint8_t changed = f[TCP_FLAGS_AT] ^ t[TCP_FLAGS_AT];
    uint32_t stream = (uint32_t)chain->n * chain->size;

    return (t[TCP_FLAGS_AT] & TCP_CWR) == 0 && (changed & ~(TCP_CWR | TCP_PSH | TCP_FIN)) == 0 &&
           get_be32(t + TCP_SEQ_AT) == get_be32(f + TCP_SEQ_AT) + stream &&
           memcmp(f + TCP_ACK_AT, t + TCP_ACK_AT, 5) == 0 && /* the data offset's byte, too */
           memcmp(f + TCP_WINDOW_AT, t + TCP_WINDOW_AT, 2) == 0 &&
           memcmp(f + TCP_URGENT_AT, t + TCP_URGENT_AT,
                  (size_t)(p->header_len - p->upper - TCP_URGENT_AT)) == 0;
}

static bool
is_same_link(const struct coalesce_packet *a, const struct coalesce_packet *b)
{
    return a->link_len == b->link_len &&
           memcmp(a->data - a->link_len, b->data - b->link_len, a->link_len) == 0;
}

static bool
carries_on(const struct coalescer *c, const struct coalesce_chain *chain,
           const struct coalesce_packet *p)
{
    const struct coalesce_packet *first = &c->packets[chain->first];

    if (chain->closed || !p->joins || chain->n == COALESCE_CHAIN_MAX ||
        payload_len(p) > chain->size ||
        p->link_len + chain->len + payload_len(p) > VNET_PACKET_MAX || !is_same_link(first, p))
        return false;
    if (ip_is_v4(p->data) ? !ipv4_carries_on(first, chain->n, p->data)
                          : !ipv6_carries_on(first->data, p->data))
        return false;
    return p->protocol == IP_PROTO_UDP || tcp_carries_on(chain, first, p);
}

/* --- chains --------------------------------------------------------------------------------------
 */

static bool
ends_chain(const struct coalesce_chain *chain, const struct coalesce_packet *p)
{
    return !p->joins || payload_len(p) < chain->size ||
           (p->protocol == IP_PROTO_TCP &&
            (p->data[p->upper + TCP_FLAGS_AT] & (TCP_PSH | TCP_FIN)) != 0);
}

static void
begin_chain(struct coalescer *c, uint16_t i)
{
    const struct coalesce_packet *p = &c->packets[i];
    struct coalesce_chain *chain = &c->chains[c->n_chains++];

    *chain = (struct coalesce_chain){
        .first = i,
        .last = i,
        .n = 1,
        .older = NO_CHAIN,
        .size = p->joins ? (uint16_t)payload_len(p) : 0,
        .len = p->len,
    };
    chain->closed = ends_chain(chain, p);
}

static void
join_chain(struct coalescer *c, struct coalesce_chain *chain, uint16_t i)
{
    const struct coalesce_packet *p = &c->packets[i];

    c->packets[chain->last].next = i;
    chain->last = i;
    chain->n++;
    chain->len += (uint32_t)payload_len(p);
    chain->closed = ends_chain(chain, p);
}

static void
add_to_flow(struct coalescer *c, uint16_t i)
{
    struct coalesce_packet *p = &c->packets[i];
    unsigned bucket = bucket_of(p);
    struct coalesce_chain *chain = find_chain(c, p, bucket);

    if (chain != NULL && carries_on(c, chain, p) && has_right_checksum(&c->packets[chain->first]) &&
        has_right_checksum(p)) {
        join_chain(c, chain, i);
        return;
    }
    begin_chain(c, i);
    c->chains[c->n_chains - 1].older = c->buckets[bucket];
    c->buckets[bucket] = (uint16_t)(c->n_chains - 1);
}

/* It may belong to any flow: nothing passes it. */
static void
add_barrier(struct coalescer *c, uint16_t i)
{
    begin_chain(c, i);
    c->barrier = c->n_chains;
}

static void
add_packet(struct coalescer *c, const struct coalesce_packet *packet)
{
    uint16_t i = c->n_packets++;
    struct coalesce_packet *p = &c->packets[i];

    *p = *packet;
    if (!look_at(c, p)) {
        add_barrier(c, i);
    } else if (p->protocol == 0) {
        begin_chain(c, i);
    } else {
        add_to_flow(c, i);
    }
}

void
coalesce_add(struct coalescer *c, uint8_t *data, size_t len)
{
    add_packet(c, &(struct coalesce_packet){.data = data, .len = (uint16_t)len});
}

void
coalesce_add_frame(struct coalescer *c, uint8_t *frame, size_t len, bool partial)
{
    size_t link_len = eth_ip_offset(frame, len);

    if (link_len == 0) {
        c->packets[c->n_packets] = (struct coalesce_packet){.data = frame, .len = (uint16_t)len};
        add_barrier(c, c->n_packets++);
        return;
    }
    add_packet(c, &(struct coalesce_packet){.data = frame + link_len,
                                            .len = (uint16_t)(len - link_len),
                                            .link_len = (uint8_t)link_len,
                                            .partial = partial});
}

/* --- the super-packet ----------------------------------------------------------------------------
 */

static void
write_ip(uint8_t *packet, size_t len)
{
    if (ip_is_v4(packet)) {
        uint16_t checksum = get_be16(packet + IPV4_CHECKSUM_AT),
                 old = get_be16(packet + IPV4_LENGTH_AT);

        put_be16(packet + IPV4_LENGTH_AT, (uint16_t)len);
        put_be16(packet + IPV4_CHECKSUM_AT, checksum_update(checksum, old, (uint16_t)len));
    } else {
        put_be16(packet + IPV6_LENGTH_AT, (uint16_t)(len - IPV6_HEADER_LEN));
    }
}

static uint8_t
gso_of(const struct coalesce_packet *p)
{
    if (p->protocol == IP_PROTO_UDP)
        return VNET_GSO_UDP;
    return ip_is_v4(p->data) ? VNET_GSO_TCP_V4 : VNET_GSO_TCP_V6;
}

void
coalesce_finish(struct coalescer *c, unsigned i, uint8_t vnet[VNET_HEADER_LEN])
{
    const struct coalesce_chain *chain = &c->chains[i];
    const struct coalesce_packet *first = &c->packets[chain->first],
                                 *last = &c->packets[chain->last];
    struct vnet_header h = {.gso = VNET_GSO_NONE};
    uint8_t *upper = first->data + first->upper;
    bool tcp = first->protocol == IP_PROTO_TCP;

    if (chain->n > 1 || (first->partial && first->protocol != 0)) {
        h.needs_checksum = true;
        h.checksum_start = first->link_len + first->upper;
        h.checksum_offset = tcp ? TCP_CHECKSUM_AT : UDP_CHECKSUM_AT;
    }
    if (chain->n > 1) {
        h.ecn = tcp && (upper[TCP_FLAGS_AT] & TCP_CWR) != 0;
        h.gso = gso_of(first);
        h.header_len = first->link_len + first->header_len;
        h.gso_size = chain->size;
    }
    vnet_write(vnet, &h);
    if (chain->n == 1)
        return;
    write_ip(first->data, chain->len);
    if (tcp)
        upper[TCP_FLAGS_AT] |= last->data[last->upper + TCP_FLAGS_AT] & (TCP_PSH | TCP_FIN);
    else
        put_be16(upper + UDP_LENGTH_AT, (uint16_t)(chain->len - first->upper));
    put_be16(upper + h.checksum_offset,
             checksum_fold(upper_pseudo(first, chain->len - first->upper)));
}
