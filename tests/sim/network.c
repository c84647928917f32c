/* SPDX-License-Identifier: BSD-3-Clause */
#include "network.h"

#include <stdlib.h>

#include <wgtcpd/wire/udp.h>

#define BOX_HOLD (2 * WGT_MSEC)

void
network_init(struct network *n, const struct network_config *config)
{
    *n = (struct network){.config = *config, .prng = prng_fork(config->seed, 'n')};
}

void
network_fini(struct network *n)
{
    for (size_t i = 0; i < n->n_heap; i++)
        free(n->heap[i]);
    free(n->heap);
    n->heap = NULL;
    n->n_heap = 0;
}

wgt_time
network_last_fault(const struct network_config *c)
{
    wgt_time last = 0;

    for (unsigned i = 0; i < c->n_faults; i++)
        last = c->faults[i].until > last ? c->faults[i].until : last;
    for (unsigned i = 0; i < c->n_rebinds; i++)
        last = c->rebinds[i] > last ? c->rebinds[i] : last;
    return last;
}

/* --- packets under way, by time of arrival ---------------------------------------------------- */

static bool
earlier(const struct network_packet *a, const struct network_packet *b)
{
    return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static void
heap_swap(struct network *n, size_t i, size_t j)
{
    struct network_packet *p = n->heap[i];

    n->heap[i] = n->heap[j];
    n->heap[j] = p;
}

static void
heap_push(struct network *n, struct network_packet *p)
{
    size_t i = n->n_heap++;

    if (n->n_heap > n->heap_room) {
        n->heap_room = n->heap_room > 0 ? 2 * n->heap_room : 64;
        n->heap = realloc(n->heap, n->heap_room * sizeof(struct network_packet *));
        if (n->heap == NULL)
            abort();
    }
    n->heap[i] = p;
    for (; i > 0 && earlier(n->heap[i], n->heap[(i - 1) / 2]); i = (i - 1) / 2)
        heap_swap(n, i, (i - 1) / 2);
}

static struct network_packet *
heap_pop(struct network *n)
{
    struct network_packet *top = n->heap[0];

    n->heap[0] = n->heap[--n->n_heap];
    for (size_t i = 0;;) {
        size_t least = i;

        for (size_t c = 2 * i + 1; c <= 2 * i + 2; c++)
            if (c < n->n_heap && earlier(n->heap[c], n->heap[least]))
                least = c;
        if (least == i)
            return top;
        heap_swap(n, i, least);
        i = least;
    }
}

/* --- the wire ----------------------------------------------------------------------------------
 */

static uint32_t
max32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* The worst of all faults that are on. */
static struct network_impairment
impairment(const struct network *n, wgt_time now, unsigned direction)
{
    struct network_impairment all = {.burst_leave = 0};

    for (unsigned i = 0; i < n->config.n_faults; i++) {
        const struct network_fault *f = &n->config.faults[i];

        if (now < f->from || now >= f->until || !(f->directions & 1u << direction))
            continue;
        all.loss = max32(all.loss, f->what.loss);
        all.duplicate = max32(all.duplicate, f->what.duplicate);
        all.corrupt = max32(all.corrupt, f->what.corrupt);
        all.burst_enter = max32(all.burst_enter, f->what.burst_enter);
        all.burst_leave = max32(all.burst_leave, f->what.burst_leave);
        all.jitter = f->what.jitter > all.jitter ? f->what.jitter : all.jitter;
        all.black_hole |= f->what.black_hole;
        all.resegment |= f->what.resegment;
    }
    return all;
}

static bool
is_lost(struct network *n, unsigned direction, const struct network_impairment *what)
{
    if (what->burst_enter == 0)
        n->in_burst[direction] = false;
    else if (n->in_burst[direction])
        n->in_burst[direction] = !prng_chance(&n->prng, what->burst_leave);
    else
        n->in_burst[direction] = prng_chance(&n->prng, what->burst_enter);
    return what->black_hole || n->in_burst[direction] || prng_chance(&n->prng, what->loss);
}

static void
flip_bits(struct network *n, struct network_packet *p)
{
    for (uint64_t flips = prng_between(&n->prng, 1, 3); flips > 0; flips--)
        p->bytes[prng_below(&n->prng, p->len)] ^= (uint8_t)(1u << prng_below(&n->prng, 8));
    n->stats.corrupted++;
}

static void
schedule(struct network *n, wgt_time departs, unsigned direction,
         const struct network_impairment *what, const uint8_t *packet, size_t len)
{
    struct network_packet *p = malloc(sizeof(*p));

    if (p == NULL)
        abort();
    p->due = departs + n->config.link[direction].delay;
    if (what->jitter > 0)
        p->due += prng_below(&n->prng, what->jitter);
    p->order = n->order++;
    p->direction = direction;
    p->len = (uint32_t)len;
    memcpy(p->bytes, packet, len);
    if (prng_chance(&n->prng, what->corrupt))
        flip_bits(n, p);
    heap_push(n, p);
}

/* When the packet leaves a link of limited rate; WGT_NEVER: its queue is full. */
static wgt_time
departure(struct network *n, wgt_time now, unsigned direction, size_t len)
{
    const struct network_link *l = &n->config.link[direction];
    wgt_time *busy = &n->busy_until[direction];

    if (l->rate == 0)
        return now;
    if (*busy < now)
        *busy = now;
    if ((*busy - now) / WGT_USEC * l->rate / 1000000 + len > l->queue)
        return WGT_NEVER;
    *busy += len * WGT_SEC / l->rate;
    return *busy;
}

static void
onto_wire(struct network *n, wgt_time now, unsigned direction, const uint8_t *packet, size_t len)
{
    struct network_impairment what = impairment(n, now, direction);
    wgt_time departs = departure(n, now, direction, len);

    if (departs == WGT_NEVER) {
        n->stats.queue_full++;
        return;
    }
    if (is_lost(n, direction, &what)) {
        n->stats.lost++;
        return;
    }
    schedule(n, departs, direction, &what, packet, len);
    if (prng_chance(&n->prng, what.duplicate)) {
        n->stats.duplicated++;
        schedule(n, departs, direction, &what, packet, len);
    }
}

/* --- NAT ---------------------------------------------------------------------------------------
 */

enum { NAT_PORT_STEP = 251 };

static unsigned
nat_epoch(const struct network *n, wgt_time now)
{
    unsigned epoch = 0;

    for (unsigned i = 0; i < n->config.n_rebinds; i++)
        epoch += now >= n->config.rebinds[i];
    return epoch;
}

static struct ip_addr
nat_public(const struct network *n, unsigned epoch)
{
    struct ip_addr a = n->config.private;

    a.bytes[ip_addr_len(&a) - 1] = (uint8_t)(200 + epoch);
    return a;
}

/* Ports are shifted, so that both are known from one another; never to 0. */
static uint16_t
nat_port(uint16_t port, unsigned epoch, bool outward)
{
    int32_t shift = (int32_t)((epoch + 1) * NAT_PORT_STEP);

    return (uint16_t)((port - 1 + (outward ? shift : 65535 - shift)) % 65535 + 1);
}

/* Writes changed addresses and ports into a packet whose checksums are right. */
static bool
nat_rewrite(struct network *n, unsigned epoch, bool outward, uint8_t *packet, size_t len)
{
    struct ip_addr public = nat_public(n, epoch);
    struct tcp_segment tcp;
    struct udp_header udp;
    struct ip_header was, ip;
    uint8_t *upper;

    if (ip_parse(packet, len, true, &was) != WGT_OK ||
        (!outward && !ip_addr_equal(&was.dst, &public)))
        return false;
    ip = was;
    *(outward ? &ip.src : &ip.dst) = outward ? public : n->config.private;
    upper = packet + ip.header_len;
    if (ip.protocol == IP_PROTO_UDP && udp_parse(&was, upper, true, &udp) == WGT_OK) {
        uint16_t *port = outward ? &udp.src_port : &udp.dst_port;

        *port = nat_port(*port, epoch, outward);
        udp_write(upper, &ip.src, &ip.dst, udp.src_port, udp.dst_port, udp.payload.len, true);
    } else if (ip.protocol == IP_PROTO_TCP && tcp_parse(&was, upper, true, &tcp) == WGT_OK) {
        uint16_t *port = outward ? &tcp.src_port : &tcp.dst_port;

        if (tcp_header_len(&tcp) != ip.payload_len - tcp.payload.len)
            return false;
        *port = nat_port(*port, epoch, outward);
        tcp_write(upper, &ip.src, &ip.dst, &tcp, true);
    } else {
        return false;
    }
    ip_write(packet, &ip);
    return true;
}

static void
through_nat(struct network *n, wgt_time now, unsigned direction, const uint8_t *packet, size_t len)
{
    uint8_t copy[NETWORK_PACKET_MAX];

    if (!n->config.nat || direction == 1) {
        onto_wire(n, now, direction, packet, len);
        return;
    }
    memcpy(copy, packet, len);
    if (nat_rewrite(n, nat_epoch(n, now), true, copy, len))
        onto_wire(n, now, direction, copy, len);
    else
        n->stats.nat_dropped++;
}

/* --- the middlebox -------------------------------------------------------------------------------
 */

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
    through_nat(n, now, direction, packet, ip_len + tcp_len + len);
}

static uint32_t
box_mss(const struct network *n, const struct network_box *b)
{
    return (uint32_t)(n->config.mtu - ip_header_len(&b->ip.dst) - tcp_header_len(&b->segment));
}

static uint32_t
box_piece(struct network *n, const struct network_box *b)
{
    uint32_t mss = box_mss(n, b);
    uint32_t piece = (uint32_t)(prng_chance(&n->prng, 200000) ? prng_between(&n->prng, 1, 20)
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
         const struct tcp_segment *s)
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
    b->ip = *ip;
    b->segment = *s;
    b->segment.seq = first;
    memcpy(b->bytes + b->len, s->payload.data, s->payload.len);
    b->len += (uint32_t)s->payload.len;
    b->flush_at = now + BOX_HOLD;
    while (b->holds && (b->len > box_mss(n, b) || prng_chance(&n->prng, 500000)))
        box_emit(n, now, direction, box_piece(n, b));
}

static void
through_box(struct network *n, wgt_time now, unsigned direction, uint8_t *packet, size_t len)
{
    struct tcp_segment s;
    struct ip_header ip;

    if (ip_parse(packet, len, true, &ip) != WGT_OK || ip.protocol != IP_PROTO_TCP ||
        tcp_parse(&ip, packet + ip.header_len, true, &s) != WGT_OK) {
        through_nat(n, now, direction, packet, len);
    } else if (s.payload.len > 0 && !(s.flags & (TCP_SYN | TCP_FIN | TCP_RST | TCP_URG))) {
        box_take(n, now, direction, &ip, &s);
    } else {
        box_flush(n, now, direction);
        through_nat(n, now, direction, packet, len);
    }
}

/* --- both ends -----------------------------------------------------------------------------------
 */

void
network_send(struct network *n, wgt_time now, unsigned direction, const uint8_t *packet, size_t len)
{
    uint8_t copy[NETWORK_PACKET_MAX];

    n->stats.sent++;
    if (impairment(n, now, direction).resegment) {
        memcpy(copy, packet, len);
        through_box(n, now, direction, copy, len);
    } else {
        box_flush(n, now, direction);
        through_nat(n, now, direction, packet, len);
    }
}

wgt_time
network_deadline(const struct network *n)
{
    wgt_time due = n->n_heap > 0 ? n->heap[0]->due : WGT_NEVER;

    for (unsigned d = 0; d < 2; d++)
        if (n->box[d].holds)
            due = wgt_time_min(due, n->box[d].flush_at);
    return due;
}

void
network_run(struct network *n, wgt_time now)
{
    for (unsigned d = 0; d < 2; d++)
        if (n->box[d].holds && n->box[d].flush_at <= now)
            box_flush(n, now, d);
}

struct network_packet *
network_receive(struct network *n, wgt_time now)
{
    while (n->n_heap > 0 && n->heap[0]->due <= now) {
        struct network_packet *p = heap_pop(n);

        if (!n->config.nat || p->direction == 0 ||
            nat_rewrite(n, nat_epoch(n, now), false, p->bytes, p->len)) {
            n->stats.delivered++;
            return p;
        }
        n->stats.nat_dropped++;
        free(p);
    }
    return NULL;
}
