/* SPDX-License-Identifier: BSD-3-Clause */
/* Answers to those who want to know. */
#include <wgtcpd/tunnel/report.h>

#include "internal.h"

/* Packets do not wait for more than about 50 us. */
enum { PEERS_PER_TURN = 128 };

static void
report_tunnel(struct tunnel *t, wgt_time now, struct tunnel_figures *r)
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
    const struct peer_history *h = history_of(p);
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
    memcpy(r->trouble, h->trouble, sizeof(r->trouble));
    r->denied_source = h->denied_source;
    r->heard_before = h->heard_before;
    r->connected = f != NULL;
    if (f != NULL)
        report_connection(f, &r->connection);
}

/* A part of it in each turn; the commands behind it wait until it has gone. So does a peer's move,
 * which is in the same place among the commands of all workers: each peer is one worker's here. */
void
report_run(struct tunnel *t, wgt_time now)
{
    struct tunnel_report *r = t->report;
    struct tunnel_worker_report *own;
    size_t end;

    if (r == NULL)
        return;
    own = &r->workers[t->config.worker];
    if (own->n_done == 0) {
        report_tunnel(t, now, &own->figures);
        if (t->report_host != NULL && own->host != NULL)
            t->report_host(t->outer.ctx, own->host);
    }
    end = own->n_done + PEERS_PER_TURN;
    for (; own->n_done < r->n_peers && own->n_done < end; own->n_done++)
        if (shard_has(t, r->peers[own->n_done].peer))
            report_peer(t, now, &r->peers[own->n_done]);
    if (own->n_done == r->n_peers &&
        tunnel_send_event(t, &(struct tunnel_event){.type = TUNNEL_EVENT_REPORT, .report = r}))
        t->report = NULL;
}

/* --- sums ----------------------------------------------------------------------------------------
 */

static void
add_counters(uint64_t *total, const uint64_t *of, size_t bytes)
{
    for (size_t i = 0; i < bytes / sizeof(*total); i++)
        total[i] += of[i];
}

_Static_assert(sizeof(struct tcp_transport_stats) % sizeof(uint64_t) == 0, "counters");

static void
add_unrouted(struct tunnel_figures *total, const struct tunnel_figures *f)
{
    if (f->unrouted.n == 0)
        return;
    if (total->unrouted.n == 0 || f->unrouted.last >= total->unrouted.last) {
        total->unrouted.last = f->unrouted.last;
        total->unrouted_to = f->unrouted_to;
    }
    total->unrouted.n += f->unrouted.n;
}

static void
add_figures(struct tunnel_figures *total, const struct tunnel_figures *f)
{
    if (f->now > total->now)
        total->now = f->now;
    add_counters((uint64_t *)&total->tcp, (const uint64_t *)&f->tcp, sizeof(f->tcp));
    add_counters(total->drops.n, f->drops.n, sizeof(f->drops.n));
    total->flows += f->flows;
    total->unauthenticated += f->unauthenticated;
    for (unsigned i = 0; i < TCP_STUB_KINDS; i++)
        total->stubs[i] += f->stubs[i];
    strangers_add(&total->strangers, &f->strangers);
    add_unrouted(total, f);
    total->marked += f->marked;
}

void
tunnel_figures_sum(struct tunnel_figures *total, const struct tunnel_worker_report *of, unsigned n)
{
    *total = of[0].figures;
    for (unsigned i = 1; i < n; i++)
        add_figures(total, &of[i].figures);
}
