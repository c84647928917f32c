/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The handshaker's side of several workers. Commands about a peer go to the worker that has it, or
 * will have it once it has done what was asked of it before (shard.c says why that ends). Events
 * of different workers have no order among each other, but for what one did after it had seen the
 * other's doing: a peer's release comes before its adoption.
 */
#include "workers.h"

#include "keypair.h"

#include <rte_ring_elem.h>

#include <wgtcpd/tunnel/tunnel.h>

static bool
has_room(const struct handshaker *h, unsigned worker)
{
    return rte_ring_free_count(h->workers[worker].commands) > 0;
}

bool
handshaker_has_room(const struct handshaker *h)
{
    for (unsigned i = 0; i < h->n_workers; i++)
        if (!has_room(h, i))
            return false;
    return true;
}

bool
handshaker_has_much_room(const struct handshaker *h)
{
    for (unsigned i = 0; i < h->n_workers; i++)
        if (rte_ring_free_count(h->workers[i].commands) <= TUNNEL_RING_SIZE / 2)
            return false;
    return true;
}

bool
handshaker_has_events(const struct handshaker *h)
{
    for (unsigned i = 0; i < h->n_workers; i++)
        if (rte_ring_count(h->workers[i].events) > 0)
            return true;
    return false;
}

bool
workers_send(struct handshaker *h, unsigned worker, const struct tunnel_command *c)
{
    if (rte_ring_enqueue_elem(h->workers[worker].commands, (void *)(uintptr_t)c, sizeof(*c)) == 0)
        return true;
    wgt_drop_count(&h->drops, WGT_DROP_RING_FULL);
    return false;
}

bool
workers_tell_all(struct handshaker *h, const struct tunnel_command *c)
{
    if (!handshaker_has_room(h)) {
        wgt_drop_count(&h->drops, WGT_DROP_RING_FULL);
        return false;
    }
    for (unsigned i = 0; i < h->n_workers; i++)
        workers_send(h, i, c);
    return true;
}

unsigned
workers_choose(const struct handshaker *h)
{
    unsigned best = 0;

    for (unsigned i = 1; i < h->n_workers; i++)
        if (h->workers[i].n_peers < h->workers[best].n_peers)
            best = i;
    return best;
}

/* --- moving -------------------------------------------------------------------------------------
 */

bool
workers_move(struct handshaker *h, struct handshaker_peer *p, unsigned to, const struct path *path)
{
    struct tunnel_command release = {
        .type = TUNNEL_COMMAND_RELEASE, .peer = p->tunnel_peer, .worker = to};
    struct tunnel_command adopt = {.type = TUNNEL_COMMAND_ADOPT, .peer = p->tunnel_peer};

    if (p->worker == to)
        return true;
    if (h->stopping || !has_room(h, p->worker) || !has_room(h, to)) {
        wgt_drop_count(&h->drops, WGT_DROP_RING_FULL);
        return false;
    }
    if (path != NULL)
        adopt.path = *path;
    workers_send(h, p->worker, &release);
    workers_send(h, to, &adopt);
    h->workers[p->worker].n_peers--;
    h->workers[to].n_peers++;
    p->worker = (uint8_t)to;
    p->has_moved = true;
    h->moves++;
    return true;
}

/* --- indices ------------------------------------------------------------------------------------
 */

bool
workers_mark(struct handshaker *h, const struct handshaker_peer *p, struct noise_keypair *k)
{
    unsigned first = message_index_worker(k->local_index) % h->n_workers;
    struct tunnel_command c = {.type = TUNNEL_COMMAND_MARK, .index = {k->local_index, p->worker}};

    if (first == p->worker)
        return true;
    if (!has_room(h, p->worker) || !workers_send(h, first, &c))
        return false;
    k->known_to = (uint16_t)(1u << first);
    return true;
}

/* false: not all could be told. */
static bool
forget(struct handshaker *h, struct noise_keypair *k)
{
    struct tunnel_command c = {.type = TUNNEL_COMMAND_FORGET, .index.index = k->local_index};

    for (unsigned i = 0; i < h->n_workers; i++)
        if ((k->known_to & 1u << i) != 0 && has_room(h, i) && workers_send(h, i, &c))
            k->known_to &= (uint16_t) ~(1u << i);
    return k->known_to == 0;
}

/* Nobody else may draw the index before all have forgotten it. */
void
workers_retired(struct handshaker *h, struct noise_keypair *k)
{
    if (!forget(h, k)) {
        k->owner = h->unforgotten;
        h->unforgotten = k;
        return;
    }
    handshaker_release_index(h, k->local_index);
    keypair_free(k);
}

/* --- removing -----------------------------------------------------------------------------------
 */

bool
workers_heard_all(struct handshaker *h, struct handshaker_peer *p)
{
    if (!p->has_moved)
        return true;
    LIST_REMOVE(p, link); /* of the removed */
    LIST_INSERT_HEAD(&h->leaving, p, link);
    return false;
}

static bool
awaited_are_taken(const struct handshaker *h)
{
    for (unsigned i = 0; i < h->n_workers; i++)
        if (h->workers[i].taken < h->workers[i].awaited)
            return false;
    return true;
}

/* What a worker said of a peer before another one adopted it lies in the rings by the time that the
 * other one's last word is read. */
static void
part(struct handshaker *h)
{
    struct handshaker_peer *p;

    if (!awaited_are_taken(h))
        return;
    while ((p = LIST_FIRST(&h->parting)) != NULL)
        handshaker_finish_removal(h, p);
    while ((p = LIST_FIRST(&h->leaving)) != NULL) {
        LIST_REMOVE(p, link);
        LIST_INSERT_HEAD(&h->parting, p, link);
    }
    for (unsigned i = 0; i < h->n_workers; i++)
        h->workers[i].awaited = h->workers[i].taken + rte_ring_count(h->workers[i].events);
}

void
workers_finish(struct handshaker *h)
{
    struct noise_keypair *k = h->unforgotten, *next;

    for (h->unforgotten = NULL; k != NULL; k = next) {
        next = k->owner;
        workers_retired(h, k);
    }
    /* Once to await what lies there now, which may be nothing. */
    for (int i = 0; i < 2 && (!LIST_EMPTY(&h->leaving) || !LIST_EMPTY(&h->parting)); i++)
        part(h);
}
