/* SPDX-License-Identifier: BSD-3-Clause */
/* Boxes that handle TCP streams instead of packets. */
#include "network_internal.h"

#define BOX_HOLD (2 * WGT_MSEC)

static void
box_emit(struct network *n, wgt_time now, unsigned direction, uint32_t len)
{
    struct network_box *b = &n->box[direction];
    struct tcp_segment seg = b->segment;
    struct ip_header ip = b->ip;
    uint8_t packet[NETWORK_PACKET_MAX];
    size_t ip_len = ip_header_len(&ip.dst), tcp_len;

    seg.payload = (struct span){b->bytes, len};
    if (len < b->len)
        seg.flags &= (uint8_t)~TCP_PSH;
    tcp_len = tcp_header_len(&seg);
    ip.payload_len = (uint32_t)(tcp_len + len);
    memcpy(packet + ip_len + tcp_len, b->bytes, len);
    tcp_write(packet + ip_len, &ip.src, &ip.dst, &seg, true);
    ip_write(packet, &ip);
    b->len -= len;
    b->segment.seq += len;
    b->holds = b->len > 0;
    memmove(b->bytes, b->bytes + len, b->len);
    n->stats.cut++;
    through_router(n, now, direction, packet, ip_len + tcp_len + len);
}

static uint32_t
box_mss(const struct network *n, const struct network_box *b)
{
    return (uint32_t)(n->config.mtu - ip_header_len(&b->ip.dst) - tcp_header_len(&b->segment));
}

static uint32_t
box_piece(struct network *n, const struct network_box *b)
{
    uint32_t mss = box_mss(n, b), piece = mss;

    if (!b->joins)
        piece = (uint32_t)(prng_chance(&n->prng, 200000) ? prng_between(&n->prng, 1, 20)
                                                         : prng_between(&n->prng, 100, mss));
    return piece < b->len ? piece : b->len;
}

static void
box_flush(struct network *n, wgt_time now, unsigned direction)
{
    struct network_box *b = &n->box[direction];

    while (b->holds)
        box_emit(n, now, direction, box_piece(n, b));
}

static bool
box_continues(const struct network_box *b, const struct ip_header *ip, const struct tcp_segment *s)
{
    return b->holds && ip_addr_equal(&b->ip.dst, &ip->dst) && ip_addr_equal(&b->ip.src, &ip->src) &&
           b->segment.src_port == s->src_port && b->segment.dst_port == s->dst_port &&
           b->segment.seq + b->len == s->seq && b->len + s->payload.len <= sizeof(b->bytes);
}

static void
box_take(struct network *n, wgt_time now, unsigned direction, const struct ip_header *ip,
         const struct tcp_segment *s, bool joins)
{
    struct network_box *b = &n->box[direction];
    uint32_t first = s->seq;

    if (box_continues(b, ip, s)) {
        first = b->segment.seq;
    } else {
        box_flush(n, now, direction);
        b->len = 0;
    }
    b->holds = true;
    b->joins = joins;
    b->ip = *ip;
    b->segment = *s;
    b->segment.seq = first;
    memcpy(b->bytes + b->len, s->payload.data, s->payload.len);
    b->len += (uint32_t)s->payload.len;
    b->flush_at = now + BOX_HOLD;
    while (b->holds && (b->len > box_mss(n, b) || (!joins && prng_chance(&n->prng, 500000))))
        box_emit(n, now, direction, box_piece(n, b));
}

/* --- ACK thinning --------------------------------------------------------------------------------
 */

static void
thinner_flush(struct network *n, wgt_time now, unsigned direction)
{
    struct network_thinner *t = &n->thinner[direction];

    if (!t->holds)
        return;
    t->holds = false;
    through_router(n, now, direction, t->packet, t->len);
}

static void
thinner_take(struct network *n, wgt_time now, unsigned direction, const struct ip_header *ip,
             const struct tcp_segment *s, wgt_time window, const uint8_t *packet, size_t len)
{
    struct network_thinner *t = &n->thinner[direction];
    struct ip_endpoint src = {ip->src, s->src_port}, dst = {ip->dst, s->dst_port};

    if (t->holds && ip_endpoint_equal(&t->src, &src) && ip_endpoint_equal(&t->dst, &dst)) {
        n->stats.thinned++;
    } else {
        thinner_flush(n, now, direction);
        t->flush_at = now + window;
    }
    t->holds = true;
    t->src = src;
    t->dst = dst;
    memcpy(t->packet, packet, len);
    t->len = len;
}

/* --- both ----------------------------------------------------------------------------------------
 */

void
through_middlebox(struct network *n, wgt_time now, unsigned direction,
                  const struct network_impairment *what, uint8_t *packet, size_t len)
{
    struct tcp_segment s;
    struct ip_header ip;
    bool tcp = ip_parse(packet, len, true, &ip) == WGT_OK && ip.protocol == IP_PROTO_TCP &&
               tcp_parse(&ip, packet + ip.header_len, true, &s) == WGT_OK;

    if (tcp && what->ack_thin > 0 && s.flags == TCP_ACK && s.payload.len == 0 &&
        len <= sizeof(n->thinner[0].packet)) {
        box_flush(n, now, direction);
        thinner_take(n, now, direction, &ip, &s, what->ack_thin, packet, len);
        return;
    }
    thinner_flush(n, now, direction);
    if (tcp && (what->resegment || what->coalesce) && s.payload.len > 0 &&
        !(s.flags & (TCP_SYN | TCP_FIN | TCP_RST | TCP_URG))) {
        box_take(n, now, direction, &ip, &s, !what->resegment);
        return;
    }
    box_flush(n, now, direction);
    through_router(n, now, direction, packet, len);
}

wgt_time
middlebox_deadline(const struct network *n)
{
    wgt_time due = WGT_NEVER;

    for (unsigned d = 0; d < 2; d++) {
        if (n->box[d].holds)
            due = wgt_time_min(due, n->box[d].flush_at);
        if (n->thinner[d].holds)
            due = wgt_time_min(due, n->thinner[d].flush_at);
    }
    return due;
}

void
middlebox_run(struct network *n, wgt_time now)
{
    for (unsigned d = 0; d < 2; d++) {
        if (n->box[d].holds && n->box[d].flush_at <= now)
            box_flush(n, now, d);
        if (n->thinner[d].holds && n->thinner[d].flush_at <= now)
            thinner_flush(n, now, d);
    }
}
