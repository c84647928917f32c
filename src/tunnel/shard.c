/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Several workers: a peer that leaves for another one, or comes from there, and messages that are
 * for a peer of another worker's.
 *
 * The handshaker tells the old owner RELEASE and the new one ADOPT, one right after the other. A
 * peer's `worker` names its new owner once it is released, and nobody touches it before that; until
 * then the adopting worker leaves its commands alone. Workers cannot wait for each other in a
 * circle: commands are in all rings in the order in which they were issued, each ADOPT waits only
 * for a RELEASE that was issued before it, and a RELEASE waits for nothing but the commands before
 * it in its ring. So of all commands that are not done, the one issued first can always be done.
 */
#include "internal.h"

static unsigned
keypairs(const struct tunnel_peer *p, struct noise_keypair *k[3])
{
    struct noise_keypair *const all[3] = {p->session.previous, p->session.current, p->session.next};
    unsigned n = 0;

    for (unsigned i = 0; i < 3; i++)
        if (all[i] != NULL)
            k[n++] = all[i];
    return n;
}

/* --- indices of peers that went ------------------------------------------------------------------
 */

void
shard_mark_index(struct tunnel *t, uint32_t index, unsigned worker)
{
    if (t->moved.slots != NULL) {
        index_table_remove(&t->moved, index);
        if (index_table_insert(&t->moved, index, (void *)(uintptr_t)(worker + 1)))
            return;
    }
    wgt_drop_count(&t->drops, WGT_DROP_NO_BUFFER); /* its datagrams get lost until it rekeys */
}

void
shard_forget_index(struct tunnel *t, uint32_t index)
{
    if (t->moved.slots != NULL)
        index_table_remove(&t->moved, index);
}

/* Where a message to this index goes, which is not ours: where its peer went from here; else, when
 * it came from the network, to the worker that the index was made for. */
static bool
find_worker(const struct tunnel *t, uint32_t index, bool handed, unsigned *worker)
{
    uintptr_t went = (uintptr_t)index_table_find(&t->moved, index);

    if (went != 0)
        *worker = (unsigned)went - 1;
    else if (handed)
        return false;
    else
        *worker = message_index_worker(index) % t->config.n_workers;
    return *worker != t->config.worker;
}

bool
shard_hand_over(struct tunnel *t, const struct path *from, struct rte_mbuf *m, bool handed)
{
    uint32_t index = message_receiver(rte_pktmbuf_mtod(m, const uint8_t *), MESSAGE_DATA);
    unsigned worker;

    if (t->moved.slots == NULL || t->hand_over == NULL || !find_worker(t, index, handed, &worker))
        return false;
    t->hand_over(t->outer.ctx, worker, from, m);
    return true;
}

/* --- inner packets -------------------------------------------------------------------------------
 */

/* While a peer is under way to us it is ours already: what comes for it goes where its staged
 * packets are. */
void
shard_rx_inner(struct tunnel *t, struct tunnel_peer *p, struct rte_mbuf *m)
{
    unsigned worker = tunnel_peer_worker(p);

    if (worker != t->config.worker && t->hand_over_inner != NULL && !t->stopping)
        t->hand_over_inner(t->outer.ctx, worker, m);
    else if (worker != t->config.worker || !p->moving)
        tunnel_drop(t, WGT_DROP_NO_PEER, m);
    else if (p->carried.count < t->fq.config.queue_packets)
        packet_queue_push(&p->carried, m);
    else
        tunnel_drop(t, WGT_DROP_PEER_MOVING, m);
}

static void
carry_staged(struct tunnel *t, wgt_time now, struct tunnel_peer *p)
{
    packet_queue_init(&p->carried);
    fq_resume(&p->staged, now);
    while (fq_peek(&t->fq, &p->staged, now, &fq_no_limits) != NULL)
        packet_queue_push(&p->carried, packet_of_waiting(fq_pop(&t->fq, &p->staged)));
}

static void
stage_carried(struct tunnel *t, wgt_time now, struct tunnel_peer *p)
{
    struct rte_mbuf *m;

    while ((m = packet_queue_pop(&p->carried)) != NULL) {
        if (t->stopping || t->down || !peer_has_endpoint(p))
            tunnel_drop(t, WGT_DROP_PEER_MOVING, m);
        else
            peer_stage(t, now, p, m);
    }
}

/* --- coming and going ----------------------------------------------------------------------------
 */

void
shard_release(struct tunnel *t, wgt_time now, struct tunnel_peer *p, unsigned to)
{
    struct noise_keypair *k[3];
    unsigned n;

    if (t->crypto != NULL)
        fan_out_drain(t, now); /* its messages are of this worker */
    n = keypairs(p, k);
    peer_leave_flows(t, now, p);
    carry_staged(t, now, p);
    wheel_disarm(&t->wheel, &p->timer);
    if (p->flush_pending)
        TAILQ_REMOVE(&t->flush, p, flush_link);
    p->flush_pending = false;
    LIST_REMOVE(p, link);
    for (unsigned i = 0; i < n; i++) {
        index_table_remove(&t->indices, k[i]->local_index);
        shard_mark_index(t, k[i]->local_index, to);
        k[i]->known_to |= (uint16_t)(1u << t->config.worker);
    }
    p->added = false;
    p->moving = true;
    p->move_at = now;
    /* All of it is the other worker's from here on. */
    __atomic_store_n(&p->worker, (uint8_t)to, __ATOMIC_RELEASE);
}

static void
take_keypairs(struct tunnel *t, struct tunnel_peer *p)
{
    struct noise_keypair *k[3];
    unsigned n = keypairs(p, k);
    bool all = true;

    for (unsigned i = 0; i < n; i++) {
        shard_forget_index(t, k[i]->local_index);
        k[i]->known_to &= (uint16_t) ~(1u << t->config.worker);
        all = index_table_insert(&t->indices, k[i]->local_index, k[i]) && all;
    }
    if (all)
        return;
    wgt_drop_count(&t->drops, WGT_DROP_NO_BUFFER);
    session_forget(t, p);
}

bool
shard_adopt(struct tunnel *t, wgt_time now, const struct tunnel_command *c)
{
    struct tunnel_peer *p = c->peer;

    /* Nor before its own past: the other worker may have read the clock later than we. */
    if (tunnel_peer_worker(p) != t->config.worker || now < p->move_at)
        return false;
    take_keypairs(t, p);
    LIST_INSERT_HEAD(&t->peers, p, link);
    p->added = true;
    p->moving = false;
    if (t->stopping)
        peer_timers_stop(&p->timers);
    if (c->path.kind == TRANSPORT_TCP && tcp_flow_of(&c->path) != NULL)
        peer_heard_on(t, now, p, &c->path);
    stage_carried(t, now, p);
    peer_mark_flush(t, p);
    return true;
}

void
tunnel_abandon_peer(struct tunnel_peer *p)
{
    if (!p->moving)
        return;
    p->moving = false;
    packet_queue_purge(&p->carried);
    session_free(p);
}
