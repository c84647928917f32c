/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a peer's messages go: its path, the connections dialled for it, and when to dial again. */
#include "internal.h"

/* Back-off of dials: soon after a connection that worked, then 250 ms doubling to 30 s, each +- 50
 * %. */
#define DIAL_AGAIN_SOON  (50 * WGT_MSEC)
#define DIAL_BACKOFF     (250 * WGT_MSEC)
#define DIAL_BACKOFF_MAX (30 * WGT_SEC)

bool
peer_has_endpoint(const struct tunnel_peer *p)
{
    return p->has_endpoint || p->path.path.kind != TRANSPORT_NONE;
}

static wgt_time
dial_delay(struct tunnel *t, const struct tunnel_peer *p)
{
    unsigned shift = p->dial_attempts > 8 ? 8 : p->dial_attempts;
    wgt_time base = DIAL_AGAIN_SOON;

    if (shift > 0)
        base = wgt_time_min(DIAL_BACKOFF << (shift - 1), DIAL_BACKOFF_MAX);
    /* base * 0 .. 1, in steps that fit 64 bits */
    return base / 2 + ((base >> 10) * tunnel_jitter(t) >> 22);
}

static void
dial_failed(struct tunnel *t, wgt_time now, struct tunnel_peer *p)
{
    p->dial_at = now + dial_delay(t, p);
    if (p->dial_attempts < UINT8_MAX)
        p->dial_attempts++;
}

static void
dial(struct tunnel *t, wgt_time now, struct tunnel_peer *p)
{
    struct tcp_flow *f = tcp_transport_dial(&t->tcp, now, &p->configured, p);

    if (f == NULL) {
        p->stats.dial_failures++;
        dial_failed(t, now, p);
        return;
    }
    p->stats.dials++;
    p->dialling = f;
    tcp_transport_attach(&t->tcp, now, &p->path, &f->path);
}

static void
use_configured_udp(struct tunnel *t, wgt_time now, struct tunnel_peer *p)
{
    struct path to = {
        .kind = TRANSPORT_UDP,
        .remote = p->configured,
        .local.port = t->config.listen_port,
    };

    if (outer_source_for(&t->outer, &to.remote.addr, &to.local.addr))
        tcp_transport_attach(&t->tcp, now, &p->path, &to);
}

const struct path *
peer_path(struct tunnel *t, wgt_time now, struct tunnel_peer *p)
{
    if (p->path.path.kind == TRANSPORT_NONE && p->has_endpoint && !t->stopping) {
        if (p->configured_kind == TRANSPORT_UDP)
            use_configured_udp(t, now, p);
        else if (p->dialling != NULL)
            tcp_transport_attach(&t->tcp, now, &p->path, &p->dialling->path);
        else if (now >= p->dial_at)
            dial(t, now, p);
    }
    return p->path.path.kind != TRANSPORT_NONE ? &p->path.path : NULL;
}

/* An authenticated message of the peer came on `from`: answers go there from now on. */
void
peer_heard_on(struct tunnel *t, wgt_time now, struct tunnel_peer *p, const struct path *from)
{
    struct tcp_flow *f = tcp_flow_of(from);

    if (f != NULL) {
        tcp_flow_authenticated(&t->tcp, f);
        if (f->dialer == p)
            p->dial_attempts = 0;
    }
    if (path_equal(&p->path.path, from))
        return;
    /* A message that was under way when its connection ended says nothing about a better path. */
    if (from->kind == TRANSPORT_TCP && (f == NULL || !tcp_flow_usable(f)))
        return;
    tcp_transport_attach(&t->tcp, now, &p->path, from);
    peer_mark_flush(t, p);
}

/* A lost connection is dialled again while somebody would miss it. */
static bool
misses_connection(const struct tunnel *t, const struct tunnel_peer *p, wgt_time now)
{
    return !t->stopping && p->has_endpoint && p->configured_kind == TRANSPORT_TCP &&
           p->dialling == NULL && p->path.path.kind == TRANSPORT_NONE &&
           (p->staged.count > 0 || session_usable(p, now) ||
            p->timers.due[PEER_TIMER_RETRANSMIT_HANDSHAKE] != WGT_NEVER);
}

wgt_time
peer_dial_deadline(const struct tunnel *t, const struct tunnel_peer *p, wgt_time now)
{
    return misses_connection(t, p, now) ? p->dial_at : WGT_NEVER;
}

void
peer_dial_if_due(struct tunnel *t, wgt_time now, struct tunnel_peer *p)
{
    if (misses_connection(t, p, now) && now >= p->dial_at)
        dial(t, now, p);
}

/* Nobody answers: a peer that roamed to another transport is sought where it was configured; a
 * connection that carries no answers is replaced. */
void
peer_back_to_configured(struct tunnel *t, wgt_time now, struct tunnel_peer *p)
{
    struct tcp_flow *f = tcp_flow_of(&p->path.path);

    if (f != NULL)
        tcp_flow_retire(&t->tcp, now, f);
    else if (p->has_endpoint && p->configured_kind != p->path.path.kind)
        tcp_transport_detach(&t->tcp, now, &p->path);
}

/* The peer goes: connections that nobody else uses end with FIN. */
void
peer_disconnect(struct tunnel *t, wgt_time now, struct tunnel_peer *p)
{
    struct tcp_flow *f = tcp_flow_of(&p->path.path);

    tcp_transport_detach(&t->tcp, now, &p->path);
    if (f != NULL && LIST_EMPTY(&f->users))
        tcp_flow_close(&t->tcp, now, f);
    if (p->dialling != NULL) {
        p->dialling->dialer = NULL;
        if (LIST_EMPTY(&p->dialling->users))
            tcp_flow_close(&t->tcp, now, p->dialling);
        p->dialling = NULL;
    }
}

/* --- what the TCP transport tells ------------------------------------------------------------- */

static struct tunnel_peer *
peer_of_path(struct path_user *u)
{
    return WGT_CONTAINER_OF(u, struct tunnel_peer, path);
}

static void
on_message(void *ctx, wgt_time now, const struct path *from, struct rte_mbuf *m)
{
    receive_message(ctx, now, from, m);
}

/* A connection we dialled is up. The peer learns where we are from the first authenticated message
 * on it: what is staged, a keepalive, or a new initiation. */
static void
on_established(void *ctx, wgt_time now, struct tcp_flow *f)
{
    struct tunnel *t = ctx;
    struct tunnel_peer *p = f->dialer;

    if (p == NULL || tcp_flow_of(&p->path.path) != f)
        return;
    if (session_usable(p, now))
        peer_send_keepalive(t, now, p);
    if (p->timers.due[PEER_TIMER_RETRANSMIT_HANDSHAKE] != WGT_NEVER ||
        (p->staged.count > 0 && !session_usable(p, now))) {
        /* The last initiation found no connection, or went down with an earlier one. */
        p->timers.sent_any = false;
        session_request(t, now, p, true);
    }
    peer_arm(t, now, p);
}

static void
on_path_lost(void *ctx, wgt_time now, struct path_user *u)
{
    struct tunnel_peer *p = peer_of_path(u);

    /* Nobody knows when such a peer comes back. */
    if (!p->has_endpoint)
        peer_drop_staged(ctx, p, WGT_DROP_NO_ENDPOINT);
    peer_arm(ctx, now, p);
}

static void
on_dial_ended(void *ctx, wgt_time now, void *dialer, struct tcp_flow *f, enum tcp_end why)
{
    struct tunnel *t = ctx;
    struct tunnel_peer *p = dialer;

    (void)f;
    p->dialling = NULL;
    if (why != TCP_END_NORMAL && why != TCP_END_ABORTED)
        p->stats.dial_failures++;
    dial_failed(t, now, p);
    peer_arm(t, now, p);
}

static void
on_writable(void *ctx, wgt_time now, struct path_user *u)
{
    struct tunnel_peer *p = peer_of_path(u);

    peer_flush(ctx, now, p);
    peer_arm(ctx, now, p);
}

void
route_events(struct tunnel *t, struct tcp_transport_events *events)
{
    *events = (struct tcp_transport_events){
        .ctx = t,
        .message = on_message,
        .established = on_established,
        .path_lost = on_path_lost,
        .dial_ended = on_dial_ended,
        .writable = on_writable,
    };
}
