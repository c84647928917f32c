/* SPDX-License-Identifier: BSD-3-Clause */
#include "network.h"

#include <stdlib.h>

#include "network_internal.h"

void
network_init(struct network *n, const struct network_config *config)
{
    *n = (struct network){.config = *config, .prng = prng_fork(config->seed, 'n')};
    for (unsigned i = 0; i < config->n_attacks; i++)
        n->attack_at[i] = config->attacks[i].from;
    if (config->n_attacks == 0)
        return;
    n->views = calloc(2, sizeof(*n->views));
    if (n->views == NULL)
        abort();
}

struct network_link
network_link_of(uint64_t bits, wgt_time delay, wgt_time queue)
{
    return (struct network_link){
        .delay = delay,
        .rate = bits / 8,
        .queue = (uint32_t)(bits / 8 * (queue / WGT_USEC) / 1000000),
    };
}

void
network_fini(struct network *n)
{
    for (size_t i = 0; i < n->n_heap; i++)
        free(n->heap[i]);
    free(n->heap);
    free(n->views);
    for (unsigned d = 0; d < 2; d++)
        samples_free(&n->queue_delay[d]);
    n->heap = NULL;
    n->views = NULL;
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
    for (unsigned i = 0; i < c->n_attacks; i++)
        last = c->attacks[i].until > last ? c->attacks[i].until : last;
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

static wgt_time
max_time(wgt_time a, wgt_time b)
{
    return a > b ? a : b;
}

/* The worst of all faults that are on. */
struct network_impairment
network_impairment_at(const struct network *n, wgt_time now, unsigned direction)
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
        all.reorder = max32(all.reorder, f->what.reorder);
        all.reorder_by = max_time(all.reorder_by, f->what.reorder_by);
        all.jitter = max_time(all.jitter, f->what.jitter);
        all.black_hole |= f->what.black_hole;
        all.resegment |= f->what.resegment;
        all.coalesce |= f->what.coalesce;
        all.ack_thin = max_time(all.ack_thin, f->what.ack_thin);
        if (f->what.mtu > 0 && (all.mtu == 0 || f->what.mtu < all.mtu))
            all.mtu = f->what.mtu;
        all.mtu_silent |= f->what.mtu_silent;
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

static struct network_packet *
push_packet(struct network *n, wgt_time due, unsigned direction, const uint8_t *packet, size_t len)
{
    struct network_packet *p = malloc(sizeof(*p));

    if (p == NULL)
        abort();
    p->due = due;
    p->order = n->order++;
    p->direction = direction;
    p->behind_nat = false;
    p->len = (uint32_t)len;
    memcpy(p->bytes, packet, len);
    n->last_due[direction] = max_time(n->last_due[direction], due);
    heap_push(n, p);
    return p;
}

void
network_inject(struct network *n, wgt_time due, unsigned direction, bool behind_nat,
               const uint8_t *packet, size_t len)
{
    push_packet(n, due, direction, packet, len)->behind_nat = behind_nat;
    n->stats.injected++;
}

static void
schedule(struct network *n, wgt_time departs, unsigned direction,
         const struct network_impairment *what, const uint8_t *packet, size_t len)
{
    wgt_time due = departs + n->config.link[direction].delay;
    struct network_packet *p;

    if (what->jitter > 0)
        due += prng_below(&n->prng, what->jitter);
    if (prng_chance(&n->prng, what->reorder)) {
        due += what->reorder_by;
        n->stats.reordered++;
    }
    p = push_packet(n, due, direction, packet, len);
    if (prng_chance(&n->prng, what->corrupt))
        flip_bits(n, p);
}

/* What a queue has before a packet, in time; nothing when there is no limit of rate. */
static wgt_time
backlog(const struct network *n, wgt_time now, unsigned direction)
{
    wgt_time busy = n->busy_until[direction];

    return n->config.link[direction].rate > 0 && busy > now ? busy - now : 0;
}

/* When the packet leaves a link of limited rate; WGT_NEVER: its queue is full. */
static wgt_time
departure(struct network *n, wgt_time now, unsigned direction, size_t len, bool *congested)
{
    const struct network_link *l = &n->config.link[direction];
    wgt_time waits = backlog(n, now, direction);
    uint64_t queued = waits / WGT_USEC * l->rate / 1000000;

    *congested = false;
    if (l->rate == 0)
        return now;
    if (queued + len > l->queue)
        return WGT_NEVER;
    *congested = l->mark > 0 && queued > l->mark;
    n->busy_until[direction] = now + waits + len * WGT_SEC / l->rate;
    if (n->config.measure_queue)
        samples_add(&n->queue_delay[direction], waits);
    return n->busy_until[direction];
}

/* RFC 3168 5: a queue marks what understands marks. */
static bool
mark(struct network *n, uint8_t *packet, size_t len)
{
    struct ip_header ip;

    if (ip_parse(packet, len, true, &ip) != WGT_OK || (ip.traffic_class & 3) == IP_ECN_NOT_ECT ||
        ip.header_len != ip_header_len(&ip.dst))
        return false;
    ip.traffic_class |= IP_ECN_CE;
    ip_write(packet, &ip);
    n->stats.marked++;
    return true;
}

static void
onto_wire(struct network *n, wgt_time now, unsigned direction, const uint8_t *packet, size_t len)
{
    struct network_impairment what = network_impairment_at(n, now, direction);
    uint8_t copy[NETWORK_PACKET_MAX];
    bool congested;
    wgt_time departs = departure(n, now, direction, len, &congested);

    if (n->views != NULL)
        attacker_sees(n, direction, packet, len);
    if (departs == WGT_NEVER) {
        n->stats.queue_full++;
        return;
    }
    if (is_lost(n, direction, &what)) {
        n->stats.lost++;
        return;
    }
    if (congested) {
        memcpy(copy, packet, len);
        if (mark(n, copy, len))
            packet = copy;
    }
    schedule(n, departs, direction, &what, packet, len);
    if (prng_chance(&n->prng, what.duplicate)) {
        n->stats.duplicated++;
        schedule(n, departs, direction, &what, packet, len);
    }
}

void
network_through_nat(struct network *n, wgt_time now, unsigned direction, const uint8_t *packet,
                    size_t len)
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

/* --- both ends -----------------------------------------------------------------------------------
 */

void
network_send(struct network *n, wgt_time now, unsigned direction, const uint8_t *packet, size_t len)
{
    struct network_impairment what = network_impairment_at(n, now, direction);
    uint8_t copy[NETWORK_PACKET_MAX];

    n->stats.sent++;
    memcpy(copy, packet, len);
    through_middlebox(n, now, direction, &what, copy, len);
}

wgt_time
network_deadline(const struct network *n)
{
    wgt_time due = n->n_heap > 0 ? n->heap[0]->due : WGT_NEVER;

    due = wgt_time_min(due, middlebox_deadline(n));
    return wgt_time_min(due, attacker_deadline(n));
}

void
network_run(struct network *n, wgt_time now)
{
    middlebox_run(n, now);
    attacker_run(n, now);
}

struct network_packet *
network_receive(struct network *n, wgt_time now)
{
    while (n->n_heap > 0 && n->heap[0]->due <= now) {
        struct network_packet *p = heap_pop(n);

        if (!n->config.nat || p->direction == 0 || p->behind_nat ||
            nat_rewrite(n, nat_epoch(n, now), false, p->bytes, p->len)) {
            n->stats.delivered++;
            return p;
        }
        n->stats.nat_dropped++;
        free(p);
    }
    return NULL;
}
