/* SPDX-License-Identifier: BSD-3-Clause */
/* What the host may change while the tunnel runs. */
#include "internal.h"

/* --- a peer ------------------------------------------------------------------------------------
 */

static bool
is_connecting(const struct tunnel_peer *p)
{
    return p->dialling != NULL && !p->dialling->established;
}

/* A SYN under way goes the old way, or without the tag that it needs. */
static void
set_dialling(struct tunnel *t, wgt_time now, struct tunnel_peer *p,
             const struct tunnel_peer_settings *s)
{
    bool set = s->endpoint.addr.family != IP_NONE;
    bool moves = set && !ip_endpoint_equal(&s->endpoint, &p->configured);
    bool other = moves || s->kind != p->configured_kind;
    bool stale = is_connecting(p) && (other || s->knock != p->knock);

    if (stale)
        peer_disconnect(t, now, p);
    p->configured_kind = s->kind;
    p->knock = s->knock;
    if (set) {
        p->configured = s->endpoint;
        p->has_endpoint = true;
    }
    if (!p->has_endpoint)
        return;
    if (s->kind == TRANSPORT_UDP)
        t->udp_open = true;
    if (s->use_endpoint || other || stale)
        peer_seek_configured(t, now, p);
}

static void
set_congestion(struct tunnel *t, wgt_time now, struct tunnel_peer *p, const struct tcp_cc_ops *ops)
{
    struct tcp_flow *f = tcp_flow_of(&p->path.path);

    if (ops == p->congestion)
        return;
    p->congestion = ops;
    if (f != NULL)
        tcp_flow_congestion(f, now, ops != NULL ? ops : t->config.congestion);
}

void
settings_set_keepalive(struct tunnel *t, wgt_time now, struct tunnel_peer *p)
{
    bool due = peer_timers_set_persistent(&p->timers, now, p->persistent_keepalive);

    if (t->down)
        peer_timers_stop(&p->timers); /* no timer runs then */
    else if (due)
        peer_send_keepalive(t, now, p);
}

void
settings_set_peer(struct tunnel *t, wgt_time now, struct tunnel_peer *p,
                  const struct tunnel_peer_settings *s)
{
    if (t->stopping)
        return;
    set_dialling(t, now, p, s);
    set_congestion(t, now, p, s->congestion);
    p->persistent_keepalive = s->persistent_keepalive;
    settings_set_keepalive(t, now, p);
    peer_arm(t, now, p);
}

/* --- the interface -------------------------------------------------------------------------------
 */

/* Who has no key answers nobody. */
static void
set_listener(struct tunnel *t)
{
    tcp_transport_set_listener(&t->tcp, t->config.listen_port,
                               t->config.listen_tcp && t->mac1.has_identity && !t->stopping &&
                                   !t->down);
}

/* Linux's wg_noise_expire_current_peer_keypairs for each peer, and what waits asks anew. */
void
settings_set_identity(struct tunnel *t, const struct tunnel_identity *id)
{
    struct tunnel_peer *p;

    t->mac1.has_identity = id->has_identity;
    memcpy(t->mac1.mac1_key, id->mac1_key, NOISE_KEY_LEN);
    tcp_transport_set_knock_key(&t->tcp, id->knock_key);
    set_listener(t);
    LIST_FOREACH(p, &t->peers, link)
    {
        session_stop_sending(p);
        peer_timers_identity_changed(&p->timers);
        p->leads = memcmp(id->public_key, p->public_key, NOISE_KEY_LEN) > 0;
        if (p->staged.count > 0)
            peer_mark_flush(t, p);
    }
}

void
settings_set_port(struct tunnel *t, uint16_t listen_port)
{
    struct tunnel_peer *p;

    t->config.listen_port = listen_port;
    set_listener(t);
    LIST_FOREACH(p, &t->peers, link)
    {
        if (p->path.path.kind == TRANSPORT_UDP)
            p->path.path.local.port = listen_port;
    }
}

/* --- the host's interface ------------------------------------------------------------------------
 */

/* Linux's wg_stop: what a session or a handshake needs is gone, sockets are closed. Endpoints stay.
 */
static void
link_down(struct tunnel *t, wgt_time now)
{
    struct tunnel_peer *p;

    LIST_FOREACH(p, &t->peers, link)
    {
        peer_drop_staged(t, p, WGT_DROP_LINK_DOWN);
        peer_timers_stop(&p->timers);
        session_forget(t, p);
        p->initiation_requested = false;
        p->rekey_after_receive_done = false;
    }
    tcp_transport_close_all(&t->tcp, now);
}

/* Linux's wg_open. */
static void
link_up(struct tunnel *t, wgt_time now)
{
    struct tunnel_peer *p;

    set_listener(t);
    LIST_FOREACH(p, &t->peers, link)
    {
        p->dial_attempts = p->dial_timeouts = 0;
        p->dial_at = now;
        if (peer_timers_start(&p->timers, now))
            peer_send_keepalive(t, now, p);
        peer_arm(t, now, p);
    }
}

void
settings_set_link(struct tunnel *t, wgt_time now, bool up)
{
    if (t->stopping || t->down == !up)
        return;
    t->down = !up;
    if (up)
        link_up(t, now);
    else
        link_down(t, now);
}
