/* SPDX-License-Identifier: BSD-3-Clause */
/* The TCP transport's life: segments in, timers, closing. */
#include <wgtcpd/transport/tcp.h>

#include <wgtcpd/noise/noise.h>

#include "flow.h"

enum { EPHEMERAL_FIRST = 49152, EPHEMERAL_COUNT = 65536 - EPHEMERAL_FIRST, DIAL_PORT_TRIES = 32 };

void
flow_rx(struct tcp_transport *t, wgt_time now, struct tcp_flow *f, const struct tcp_segment *seg,
        struct rte_mbuf *m)
{
    struct tcp_chunk *rx = NULL;
    enum wgt_drop why;
    bool kept = false;

    f->room = 0;
    if (seg->payload.len > 0) {
        rx = &packet_meta(m)->chunk;
        packet_meta(m)->sent = false;
    }
    why = tcp_input(&f->conn, now, seg, rx, &kept);
    if (why != WGT_OK)
        wgt_drop_count(t->outer->drops, why);
    if (kept)
        flow_early(t, now, f, rx);
    else
        rte_pktmbuf_free(m);
    flow_read(t, now, f);
    flow_mark_dirty(t, f);
}

void
tcp_transport_icmp(struct tcp_transport *t, wgt_time now, const struct icmp_error *e)
{
    struct tcp_flow *f;
    enum wgt_drop why;

    tcp_transport_rx_end(t, now); /* what came before it goes before it */
    f = flow_find(t, &e->src, &e->dst);
    why = f != NULL ? tcp_icmp(&f->conn, now, e) : WGT_DROP_ICMP_QUOTE;
    if (why != WGT_OK)
        wgt_drop_count(t->outer->drops, why);
    if (f != NULL)
        flow_mark_dirty(t, f);
}

/* Answers come to the worker that the ports decide on. */
static bool
is_ours(const struct tcp_transport *t, const struct ip_endpoint *local,
        const struct ip_endpoint *remote)
{
    return t->outer->worker_of == NULL ||
           t->outer->worker_of(t->outer->ctx, local, remote) == t->config.worker;
}

/* A free local port by RFC 6056 algorithm 1 (random). */
static bool
choose_port(struct tcp_transport *t, struct ip_endpoint *local, const struct ip_endpoint *remote)
{
    for (unsigned i = 0; i < DIAL_PORT_TRIES * t->config.n_workers; i++) {
        uint16_t r;

        t->outer->entropy(t->outer->ctx, &r, sizeof(r));
        local->port = (uint16_t)(EPHEMERAL_FIRST + r % EPHEMERAL_COUNT);
        if (local->port != t->config.listen_port && is_ours(t, local, remote) &&
            flow_find(t, local, remote) == NULL && stub_find(t, local, remote) == NULL)
            return true;
    }
    return false;
}

_Static_assert(TCP_FLOW_CONNECT_TIMEOUT <= TCP_KNOCK_SYN_TIME, "all our SYNs verify");

static void
knock(struct tcp_transport *t, wgt_time now, struct tcp_options *o, const uint8_t *key)
{
    uint32_t random;

    t->outer->entropy(t->outer->ctx, &random, sizeof(random));
    tcp_knock_set(o, now, t->outer->wall_seconds(t->outer->ctx), noise_siphash, key, random);
}

static struct tcp_options
dial_options(struct tcp_transport *t, wgt_time now, const struct ip_endpoint *local,
             const struct tcp_dial *how)
{
    struct tcp_options o = flow_options(t, now, local, &how->remote);

    if (how->congestion != NULL)
        o.cc = how->congestion;
    o.connect_timeout = how->rto > 0 ? TCP_FLOW_REDIAL_TIMEOUT : TCP_FLOW_CONNECT_TIMEOUT;
    o.syn_rto = how->rto;
    o.user_timeout = TCP_FLOW_STALL;
    o.rto_limit = TCP_FLOW_STALL_TIMEOUTS;
    o.keepalive = TCP_FLOW_KEEPALIVE_DIALLED;
    if (how->knock_key != NULL && t->outer->wall_seconds != NULL)
        knock(t, now, &o, how->knock_key);
    return o;
}

struct tcp_flow *
tcp_transport_dial(struct tcp_transport *t, wgt_time now, const struct tcp_dial *how)
{
    const struct ip_endpoint *remote = &how->remote;
    struct ip_endpoint local;
    struct tcp_options o;
    struct tcp_flow *f;

    if (!outer_source_for(t->outer, &remote->addr, &local.addr)) {
        wgt_drop_count(t->outer->drops, WGT_DROP_NO_ROUTE);
        return NULL;
    }
    if (!choose_port(t, &local, remote)) {
        wgt_drop_count(t->outer->drops, WGT_DROP_TCP_TABLE_FULL);
        return NULL;
    }
    f = flow_new(t, now, &local, remote);
    if (f == NULL)
        return NULL;
    f->dialer = how->dialer;
    o = dial_options(t, now, &local, how);
    tcp_open_active(&f->conn, now, &o);
    /* Whom we dial ourselves does not count against strangers; the user timeout guards it. */
    tcp_flow_authenticated(t, f);
    t->stats.dialled++;
    flow_mark_dirty(t, f);
    return f;
}

bool
tcp_flow_usable(const struct tcp_flow *f)
{
    enum tcp_state s = tcp_state(&f->conn);

    return !f->closing && !f->silenced &&
           (s == TCP_SYN_SENT || s == TCP_SYN_RECEIVED || s == TCP_ESTABLISHED);
}

bool
tcp_flow_stalled(const struct tcp_flow *f)
{
    return tcp_stalled(&f->conn);
}

uint32_t
tcp_flow_room(const struct tcp_flow *f, wgt_time now)
{
    return tcp_flow_usable(f) ? tcp_send_room(&f->conn, now) : 0;
}

void
tcp_flow_send(struct tcp_transport *t, wgt_time now, struct tcp_flow *f, struct rte_mbuf *m,
              bool twice)
{
    size_t len = rte_pktmbuf_pkt_len(m);
    uint8_t *prefix = (uint8_t *)rte_pktmbuf_prepend(m, FRAME_PREFIX_LEN);
    struct tcp_chunk *c = &packet_meta(m)->chunk;
    bool alone = tcp_flight(&f->conn) == 0 && tcp_unsent(&f->conn) == 0;

    if (prefix == NULL) {
        outer_drop(t->outer, WGT_DROP_NO_BUFFER, m);
        return;
    }
    frame_write_prefix(prefix, len);
    c->data = prefix;
    c->len = (uint32_t)len + FRAME_PREFIX_LEN;
    c->twice = twice;
    if (f->closing || !tcp_send(&f->conn, now, c)) {
        outer_drop(t->outer, WGT_DROP_CONNECTION_LOST, m);
        return;
    }
    /* An empty connection has room for any message, but for one: the next has to ask anew. */
    f->room = alone || f->room < c->len ? 0 : f->room - c->len;
    packet_meta(m)->sent = true;
    f->n_sent++;
    t->n_sent++;
    flow_mark_dirty(t, f);
}

/* Everybody who sends on f loses it. */
static void
lose_users(struct tcp_transport *t, wgt_time now, struct tcp_flow *f)
{
    struct path_user *u;

    while ((u = LIST_FIRST(&f->users)) != NULL) {
        LIST_REMOVE(u, link);
        flow_unwait(f, u);
        u->attached = false;
        u->path.kind = TRANSPORT_NONE;
        u->path.flow = NULL;
        t->events.path_lost(t->events.ctx, now, u, f);
    }
    flow_enter_unused(t, f);
}

void
tcp_flow_close(struct tcp_transport *t, wgt_time now, struct tcp_flow *f)
{
    if (f->closing)
        return;
    f->closing = true;
    f->deadline = now + TCP_FLOW_CLOSING;
    tcp_close(&f->conn, now);
    flow_enter_unused(t, f);
    flow_mark_dirty(t, f);
}

/* Who opens connection after connection and authenticates on each must not fill the table. */
static void
limit_unused(struct tcp_transport *t, wgt_time now, const struct path_user *u)
{
    struct tcp_flow *oldest = NULL, *f;
    unsigned n = 0;

    TAILQ_FOREACH(f, &t->unused, unused_link)
    {
        if (f->last_user != u)
            continue;
        if (oldest == NULL)
            oldest = f;
        n++;
    }
    if (n <= TCP_FLOW_UNUSED_MAX)
        return;
    t->stats.unused_evicted++;
    tcp_flow_reset(t, now, oldest);
}

void
tcp_flow_unused(struct tcp_transport *t, wgt_time now, struct tcp_flow *f,
                const struct path_user *u)
{
    if (!LIST_EMPTY(&f->users))
        return;
    f->last_user = u;
    flow_enter_unused(t, f);
    limit_unused(t, now, u);
    if (f->closing || f->deadline != WGT_NEVER)
        return;
    f->deadline = now + TCP_FLOW_LINGER;
    flow_mark_dirty(t, f);
}

void
tcp_transport_detach(struct tcp_transport *t, wgt_time now, struct path_user *u)
{
    struct tcp_flow *f;

    if (u->attached) {
        f = tcp_flow_of(&u->path);
        flow_unwait(u->path.flow, u);
        LIST_REMOVE(u, link);
        u->attached = false;
        if (f != NULL)
            tcp_flow_unused(t, now, f, u);
    }
    u->path = (struct path){.kind = TRANSPORT_NONE};
}

void
tcp_transport_attach(struct tcp_transport *t, wgt_time now, struct path_user *u,
                     const struct path *p)
{
    struct tcp_flow *f = tcp_flow_of(p);
    struct path copy = *p; /* p may be u's own */

    if (f != NULL && tcp_flow_usable(f))
        flow_leave_unused(t, f); /* now: u, who leaves another, may have too many of them */
    tcp_transport_detach(t, now, u);
    if (copy.kind == TRANSPORT_TCP && (f == NULL || !tcp_flow_usable(f)))
        return;
    u->path = copy;
    if (f != NULL) {
        LIST_INSERT_HEAD(&f->users, u, link);
        f->last_user = u;
        flow_leave_unused(t, f);
        u->attached = true;
        if (f->authenticated)
            f->deadline = WGT_NEVER;
    }
}

static void
count_end(struct tcp_transport *t, enum tcp_end why)
{
    switch (why) {
    case TCP_END_RESET:
        t->stats.reset++;
        break;
    case TCP_END_REFUSED:
        t->stats.refused++;
        break;
    case TCP_END_TIMEOUT:
        t->stats.timed_out++;
        break;
    default:
        break;
    }
}

static void
end_flow(struct tcp_transport *t, wgt_time now, struct tcp_flow *f)
{
    bool waits = tcp_state(&f->conn) == TCP_TIME_WAIT;
    enum tcp_end why = waits ? TCP_END_NORMAL : tcp_end(&f->conn);
    void *dialer;

    if (t->events.ending != NULL)
        t->events.ending(t->events.ctx, now, f);
    if (waits)
        listener_keep_time_wait(t, now, f);
    count_end(t, why);
    flow_release_all(t, now, f);
    dialer = f->dialer;
    f->closing = true;
    f->dialer = NULL;
    lose_users(t, now, f);
    if (dialer != NULL)
        t->events.dial_ended(t->events.ctx, now, dialer, f, why);
    flow_free(t, f);
}

void
tcp_flow_retire(struct tcp_transport *t, wgt_time now, struct tcp_flow *f)
{
    void *dialer = f->dialer;

    tcp_flow_close(t, now, f);
    f->dialer = NULL;
    lose_users(t, now, f);
    if (dialer != NULL)
        t->events.dial_ended(t->events.ctx, now, dialer, f, TCP_END_NORMAL);
}

void
tcp_flow_reset(struct tcp_transport *t, wgt_time now, struct tcp_flow *f)
{
    tcp_flow_retire(t, now, f);
    tcp_abort(&f->conn, now);
    flow_leave_unused(t, f); /* it will be gone after its next turn */
    flow_mark_dirty(t, f);
}

void
tcp_flow_congestion(struct tcp_flow *f, wgt_time now, const struct tcp_cc_ops *ops)
{
    f->room = 0;
    if (ops != NULL)
        tcp_set_congestion(&f->conn, now, ops);
}

/* The same end whatever was wrong: RST. */
static void
reject_stranger(struct tcp_flow *f, wgt_time now)
{
    f->closing = true;
    tcp_abort(&f->conn, now);
}

void
flow_reject(struct tcp_transport *t, wgt_time now, struct tcp_flow *f)
{
    reject_stranger(f, now);
    flow_output(t, now, f);
    end_flow(t, now, f);
}

static void
tell_established(struct tcp_transport *t, wgt_time now, struct tcp_flow *f)
{
    if (f->established || tcp_state(&f->conn) != TCP_ESTABLISHED)
        return;
    f->established = true;
    t->stats.established++;
    t->events.established(t->events.ctx, now, f);
}

static void
check_deadlines(struct tcp_transport *t, wgt_time now, struct tcp_flow *f)
{
    if (now < f->deadline)
        return;
    if (f->closing)
        tcp_abort(&f->conn, now);
    else if (!f->authenticated)
        reject_stranger(f, now);
    else
        tcp_flow_retire(t, now, f);
}

/* One turn of a flow that something happened to. */
static void
run_flow(struct tcp_transport *t, wgt_time now, struct tcp_flow *f)
{
    wgt_time due;

    flow_release_due(t, now, f);
    check_deadlines(t, now, f);
    tell_established(t, now, f);
    if (tcp_peer_closed(&f->conn) && !f->closing) {
        if (f->authenticated)
            tcp_flow_retire(t, now, f);
        else
            reject_stranger(f, now);
    }
    flow_output(t, now, f);
    flow_pull(t, now, f);
    if (f->dirty) /* something was pulled */
        flow_output(t, now, f);
    if (tcp_state(&f->conn) == TCP_CLOSED || tcp_state(&f->conn) == TCP_TIME_WAIT) {
        end_flow(t, now, f);
        return;
    }
    due = wgt_time_min(tcp_deadline(&f->conn), flow_pull_deadline(t, f, now));
    due = wgt_time_min(due, wgt_time_min(flow_hold_deadline(f), f->deadline));
    wheel_arm(&t->wheel, &f->timer, due);
}

void
tcp_transport_run(struct tcp_transport *t, wgt_time now)
{
    struct wheel_timer *w;
    struct tcp_flow *f;

    tcp_transport_rx_end(t, now);
    listener_run(t, now);
    while ((w = wheel_expire(&t->wheel, now)) != NULL)
        flow_mark_dirty(t, WGT_CONTAINER_OF(w, struct tcp_flow, timer));
    while ((f = TAILQ_FIRST(&t->dirty)) != NULL) {
        TAILQ_REMOVE(&t->dirty, f, dirty_link);
        f->dirty = false;
        run_flow(t, now, f);
    }
}

wgt_time
tcp_transport_deadline(const struct tcp_transport *t)
{
    if (!TAILQ_EMPTY(&t->dirty) || t->n_arrived > 0)
        return 0;
    return wgt_time_min(wheel_deadline(&t->wheel), wheel_deadline(&t->listener.wheel));
}

void
tcp_transport_close_all(struct tcp_transport *t, wgt_time now)
{
    listener_close(t, now);
    for (uint32_t i = 0; i < t->config.max_flows; i++)
        if (t->flows[i].in_use && !t->flows[i].closing)
            tcp_flow_retire(t, now, &t->flows[i]);
}

bool
tcp_transport_closed(const struct tcp_transport *t)
{
    if (!TAILQ_EMPTY(&t->dirty))
        return false;
    for (uint32_t i = 0; i < t->config.max_flows; i++) {
        const struct tcp_flow *f = &t->flows[i];

        if (f->in_use && tcp_state(&f->conn) != TCP_FIN_WAIT_2)
            return false;
    }
    return true;
}
