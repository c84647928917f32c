/* SPDX-License-Identifier: BSD-3-Clause */
/* Answers to those who want to know. */
#include <wgtcpd/tunnel/report.h>

#include "internal.h"

/* Packets do not wait for more than about 50 us. */
enum { PEERS_PER_TURN = 128 };

static void
report_tunnel(struct tunnel *t, wgt_time now, struct tunnel_report *r)
{
    r->now = now;
    r->tcp = t->tcp.stats;
    r->flows = t->tcp.n_flows;
    r->unauthenticated = t->tcp.n_unauthenticated;
    memcpy(r->stubs, t->tcp.listener.n, sizeof(r->stubs));
    r->drops = t->drops;
    r->strangers = t->strangers;
    r->unrouted = t->unrouted;
    r->unrouted_to = t->unrouted_to;
    r->marked = t->fq.stats.marked;
    if (t->report_host != NULL)
        t->report_host(t->outer.ctx, r->host);
}

static void
report_connection(const struct tcp_flow *f, struct tunnel_connection_report *c)
{
    c->dialled = f->dialer != NULL;
    c->local = f->path.local;
    tcp_info(&f->conn, &c->info);
    if (f->authenticated) {
        c->early_delivered = f->early.delivered;
        c->recut = f->early.recut;
    }
}

/* Where it was heard last, else where it is to be sought. */
static struct ip_endpoint
endpoint_of(const struct tunnel_peer *p)
{
    if (p->path.path.kind != TRANSPORT_NONE)
        return p->path.path.remote;
    return p->has_endpoint ? p->configured : p->heard_at;
}

static void
report_peer(const struct tunnel *t, wgt_time now, struct tunnel_peer_report *r)
{
    const struct tunnel_peer *p = r->peer;
    const struct tcp_flow *f = tcp_flow_of(&p->path.path);
    wgt_time since = fq_waits_since(&p->staged);

    r->path = p->path.path.kind;
    r->endpoint = endpoint_of(p);
    r->stats = p->stats;
    r->session = session_usable(p, now);
    r->waiting = p->staged.count;
    r->waiting_bytes = p->staged.bytes;
    r->queue_delay = since < now ? now - since : 0;
    r->inner_mtu = (uint32_t)peer_inner_mtu(t, now, p);
    memcpy(r->trouble, p->trouble, sizeof(r->trouble));
    r->denied_source = p->denied_source;
    r->heard_before = p->heard_before;
    r->connected = f != NULL;
    if (f != NULL)
        report_connection(f, &r->connection);
}

/* A part of it in each turn; the commands behind it wait until it has gone. */
void
report_run(struct tunnel *t, wgt_time now)
{
    struct tunnel_report *r = t->report;
    size_t end;

    if (r == NULL)
        return;
    if (r->n_done == 0)
        report_tunnel(t, now, r);
    end = r->n_done + PEERS_PER_TURN;
    for (; r->n_done < r->n_peers && r->n_done < end; r->n_done++)
        report_peer(t, now, &r->peers[r->n_done]);
    if (r->n_done == r->n_peers &&
        tunnel_send_event(t, &(struct tunnel_event){.type = TUNNEL_EVENT_REPORT, .report = r}))
        t->report = NULL;
}
