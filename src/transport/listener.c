/* SPDX-License-Identifier: BSD-3-Clause */
/* Strangers on their way to a flow, and connections in TIME-WAIT. */
#include <wgtcpd/noise/noise.h>

#include "flow.h"

/* A segment that belongs to no flow. */
struct call {
    wgt_time now;
    struct ip_endpoint local, remote;
    const struct tcp_segment *seg;
    struct rte_mbuf *m; /* NULL once taken */
};

static struct tcp_options
stub_options(struct tcp_transport *t, wgt_time now, const struct tcp_stub *s)
{
    return flow_options(t, now, &s->local, &s->remote);
}

static void
drop(struct tcp_transport *t, enum wgt_drop why)
{
    if (why != WGT_OK)
        wgt_drop_count(t->outer->drops, why);
}

static void
arm(struct tcp_transport *t, struct tcp_stub *s)
{
    wgt_time due = s->kind == TCP_STUB_TIME_WAIT
                       ? s->time_wait.until
                       : wgt_time_min(s->deadline, tcp_embryo_deadline(&s->embryo));

    wheel_arm(&t->listener.wheel, &s->timer, due);
}

/* An embryo ends from our side. Who has not proved its address is owed nothing. */
static void
reset_embryo(struct tcp_transport *t, wgt_time now, struct tcp_stub *s)
{
    struct tcp_options o = stub_options(t, now, s);
    struct tcp_segment out;

    if (s->kind == TCP_STUB_STRANGER) {
        tcp_embryo_reset(&s->embryo, &o, &out);
        flow_send_bare(t, &s->local.addr, &s->remote.addr, &out);
    }
    stub_free(t, s);
}

/* Who is done goes first; then the strangers that have had the longest time. */
static bool
evict_stub(struct tcp_transport *t, wgt_time now)
{
    struct tcp_listener *l = &t->listener;
    struct tcp_stub *s = TAILQ_FIRST(&l->lists[TCP_STUB_TIME_WAIT]);

    if (s != NULL) {
        stub_free(t, s);
        return true;
    }
    s = TAILQ_FIRST(&l->lists[TCP_STUB_STRANGER]);
    if (s == NULL)
        s = TAILQ_FIRST(&l->lists[TCP_STUB_HALF_OPEN]);
    if (s == NULL)
        return false;
    t->stats.strangers_evicted++;
    drop(t, WGT_DROP_TCP_BACKLOG);
    reset_embryo(t, now, s);
    return true;
}

static struct tcp_stub *
make_stub(struct tcp_transport *t, wgt_time now, enum tcp_stub_kind kind,
          const struct ip_endpoint *local, const struct ip_endpoint *remote)
{
    struct tcp_stub *s = stub_new(t, kind, local, remote);

    if (s == NULL && evict_stub(t, now))
        s = stub_new(t, kind, local, remote);
    return s;
}

/* --- from stub to flow -------------------------------------------------------------------------
 */

/* The oldest stranger's flow makes room, whatever it has sent. */
static void
evict_flow(struct tcp_transport *t, wgt_time now)
{
    struct tcp_flow *f = TAILQ_FIRST(&t->strangers);

    if (f == NULL)
        return;
    t->stats.strangers_evicted++;
    drop(t, WGT_DROP_TCP_BACKLOG);
    flow_reject(t, now, f);
}

/* The first data: from here on it is a flow. Without one they are not acknowledged and come again.
 */
static void
promote(struct tcp_transport *t, struct call *c, struct tcp_stub *s)
{
    struct tcp_options o = stub_options(t, c->now, s);
    struct tcp_flow *f;

    if (t->n_unauthenticated >= t->config.max_unauthenticated ||
        (t->n_flows >= t->config.max_flows && TAILQ_EMPTY(&t->unused)))
        evict_flow(t, c->now);
    f = flow_new(t, c->now, &c->local, &c->remote);
    if (f == NULL)
        return;
    if (!tcp_open_embryo(&f->conn, &o, &s->embryo)) {
        flow_free(t, f);
        return;
    }
    f->deadline = s->deadline;
    f->stranger.source = source_of(t, &c->remote.addr);
    f->stranger.source->strangers++;
    stub_free(t, s);
    flow_rx(t, c->now, f, c->seg, c->m);
    c->m = NULL;
}

/* Its address is no forgery: it counts for its source. false: one too many. */
static bool
prove_source(struct tcp_transport *t, struct call *c, struct tcp_stub *s)
{
    stub_become(t, s, TCP_STUB_STRANGER);
    if (source_of(t, &s->remote.addr)->strangers <= t->config.max_per_source)
        return true;
    t->stats.source_refused++;
    drop(t, WGT_DROP_TCP_SOURCE);
    reset_embryo(t, c->now, s);
    return false;
}

static void
rx_embryo(struct tcp_transport *t, struct call *c, struct tcp_stub *s)
{
    struct tcp_options o = stub_options(t, c->now, s);
    enum tcp_embryo_event event;
    struct tcp_segment out;
    enum wgt_drop why;

    event = tcp_embryo_input(&s->embryo, c->now, &o, c->seg, &out, &why);
    drop(t, why);
    if (event == TCP_EMBRYO_REPLY || event == TCP_EMBRYO_RESET)
        flow_send_bare(t, &c->local.addr, &c->remote.addr, &out);
    if (event == TCP_EMBRYO_END || event == TCP_EMBRYO_RESET) {
        stub_free(t, s);
        return;
    }
    if (s->kind == TCP_STUB_HALF_OPEN && s->embryo.established && !prove_source(t, c, s))
        return;
    arm(t, s);
    if (event == TCP_EMBRYO_DATA)
        promote(t, c, s);
}

/* --- SYNs --------------------------------------------------------------------------------------
 */

static bool
listens(const struct tcp_transport *t, const struct call *c)
{
    return t->config.listen && c->seg->dst_port == t->config.listen_port;
}

static bool
is_plain_syn(const struct tcp_segment *seg)
{
    return (seg->flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == TCP_SYN;
}

/* Whether the SYN is to be answered at all. */
static bool
admit(struct tcp_transport *t, const struct call *c)
{
    struct flow_key key = flow_key(&c->local, &c->remote);
    enum wgt_drop why = WGT_OK;

    if (t->listener.knock != NULL) {
        why = tcp_knock_check(t->listener.knock, t->outer->wall_seconds(t->outer->ctx),
                              (const uint8_t *)&key, c->seg);
        t->stats.knocks_refused += why != WGT_OK;
    }
    if (why == WGT_OK && source_of(t, &c->remote.addr)->strangers >= t->config.max_per_source) {
        why = WGT_DROP_TCP_SOURCE;
        t->stats.source_refused++;
    }
    drop(t, why);
    return why == WGT_OK;
}

/* Half of the stubs may be half open, and three quarters of these are filled before cookies are
 * sent. A source that holds its share is answered by cookies, too: it may be a forged one. */
static bool
overflows(const struct tcp_transport *t, const struct call *c)
{
    uint32_t backlog = t->listener.n_stubs / 2;

    return t->listener.n[TCP_STUB_HALF_OPEN] >= backlog - backlog / 4 ||
           source_of(t, &c->remote.addr)->half_open >= t->config.max_per_source;
}

static void
answer_with_cookie(struct tcp_transport *t, const struct call *c, const struct tcp_options *o)
{
    struct flow_key key = flow_key(&c->local, &c->remote);
    struct tcp_cookies *k = &t->listener.cookies;
    struct tcp_segment out;
    uint8_t secret[16];

    if (tcp_cookies_stale(k, c->now)) {
        t->outer->entropy(t->outer->ctx, secret, sizeof(secret));
        tcp_cookies_renew(k, c->now, secret);
        noise_wipe(secret, sizeof(secret));
    }
    if (!tcp_cookie_answer(k, c->now, o, (const uint8_t *)&key, c->seg, &out)) {
        drop(t, WGT_DROP_TCP_BACKLOG);
        return;
    }
    t->stats.cookies_sent++;
    flow_send_bare(t, &c->local.addr, &c->remote.addr, &out);
}

static void
answer_syn(struct tcp_transport *t, const struct call *c, const struct tcp_options *o)
{
    struct tcp_segment out;
    struct tcp_stub *s;

    if (overflows(t, c)) {
        answer_with_cookie(t, c, o);
        return;
    }
    s = make_stub(t, c->now, TCP_STUB_HALF_OPEN, &c->local, &c->remote);
    if (s == NULL) {
        drop(t, WGT_DROP_TCP_TABLE_FULL);
        return;
    }
    (void)tcp_embryo_open(&s->embryo, c->now, o, c->seg, &out); /* it is a plain SYN */
    s->deadline = c->now + TCP_FLOW_AUTH_TIMEOUT;
    arm(t, s);
    t->stats.accepted++;
    flow_send_bare(t, &c->local.addr, &c->remote.addr, &out);
}

static void
rx_syn(struct tcp_transport *t, const struct call *c)
{
    struct tcp_options o = flow_options(t, c->now, &c->local, &c->remote);

    if (admit(t, c))
        answer_syn(t, c, &o);
}

/* An ACK out of nowhere may bring a cookie back. */
static bool
rx_cookie(struct tcp_transport *t, struct call *c)
{
    struct tcp_options o = flow_options(t, c->now, &c->local, &c->remote);
    struct flow_key key = flow_key(&c->local, &c->remote);
    struct tcp_embryo e;
    struct tcp_stub *s;

    if (!tcp_cookies_live(&t->listener.cookies, c->now))
        return false;
    if (!tcp_cookie_open(&t->listener.cookies, c->now, &o, (const uint8_t *)&key, c->seg, &e)) {
        t->stats.cookies_rejected++;
        drop(t, WGT_DROP_TCP_COOKIE);
        return false;
    }
    t->stats.cookies_accepted++;
    s = make_stub(t, c->now, TCP_STUB_HALF_OPEN, &c->local, &c->remote);
    if (s == NULL) {
        drop(t, WGT_DROP_TCP_TABLE_FULL);
        return true;
    }
    s->embryo = e;
    s->deadline = c->now + TCP_FLOW_AUTH_TIMEOUT;
    t->stats.accepted++;
    rx_embryo(t, c, s);
    return true;
}

/* --- TIME-WAIT ---------------------------------------------------------------------------------
 */

void
listener_keep_time_wait(struct tcp_transport *t, wgt_time now, const struct tcp_flow *f)
{
    struct tcp_stub *s = make_stub(t, now, TCP_STUB_TIME_WAIT, &f->path.local, &f->path.remote);

    if (s == NULL)
        return;
    tcp_time_wait_enter(&s->time_wait, &f->conn);
    arm(t, s);
}

static void
replace_time_wait(struct tcp_transport *t, const struct call *c, struct tcp_stub *s)
{
    struct tcp_options o = flow_options(t, c->now, &c->local, &c->remote);

    if (!listens(t, c)) {
        drop(t, WGT_DROP_TCP_NO_CONNECTION);
        return;
    }
    if (!admit(t, c))
        return;
    o.iss = tcp_time_wait_iss(&s->time_wait, o.iss);
    stub_free(t, s);
    answer_syn(t, c, &o);
}

static void
rx_time_wait(struct tcp_transport *t, const struct call *c, struct tcp_stub *s)
{
    struct tcp_segment out;
    enum wgt_drop why;

    switch (tcp_time_wait_input(&s->time_wait, c->now, c->seg, &out, &why)) {
    case TCP_TIME_WAIT_STAY:
        break;
    case TCP_TIME_WAIT_REPLY:
        flow_send_bare(t, &c->local.addr, &c->remote.addr, &out);
        break;
    case TCP_TIME_WAIT_END:
        stub_free(t, s);
        break;
    case TCP_TIME_WAIT_SYN:
        replace_time_wait(t, c, s);
        break;
    }
    drop(t, why);
}

/* --- what the transport calls ------------------------------------------------------------------
 */

/* true: the segment is dealt with, or must stay without an answer. */
static bool
take_call(struct tcp_transport *t, struct call *c)
{
    struct tcp_stub *s = stub_find(t, &c->local, &c->remote);

    if (s != NULL && s->kind == TCP_STUB_TIME_WAIT) {
        rx_time_wait(t, c, s);
        return true;
    }
    if (s != NULL) {
        rx_embryo(t, c, s);
        return true;
    }
    if (!listens(t, c))
        return false;
    if (is_plain_syn(c->seg)) {
        rx_syn(t, c);
        return true;
    }
    if (rx_cookie(t, c))
        return true;
    if (t->listener.knock == NULL)
        return false;
    drop(t, WGT_DROP_TCP_NO_CONNECTION);
    return true;
}

bool
listener_rx(struct tcp_transport *t, wgt_time now, const struct ip_header *ip,
            const struct tcp_segment *seg, struct rte_mbuf *m)
{
    struct call c = {
        .now = now,
        .local = {ip->dst, seg->dst_port},
        .remote = {ip->src, seg->src_port},
        .seg = seg,
        .m = m,
    };

    if (!take_call(t, &c))
        return false;
    rte_pktmbuf_free(c.m);
    return true;
}

static void
expire_embryo(struct tcp_transport *t, wgt_time now, struct tcp_stub *s)
{
    struct tcp_options o = stub_options(t, now, s);
    struct tcp_segment out;

    if (now >= s->deadline) {
        reset_embryo(t, now, s);
        return;
    }
    switch (tcp_embryo_expire(&s->embryo, now, &o, &out)) {
    case TCP_EMBRYO_REPLY:
        flow_send_bare(t, &s->local.addr, &s->remote.addr, &out);
        break;
    case TCP_EMBRYO_END:
        stub_free(t, s);
        return;
    default:
        break;
    }
    arm(t, s);
}

void
listener_run(struct tcp_transport *t, wgt_time now)
{
    struct wheel_timer *w;

    while ((w = wheel_expire(&t->listener.wheel, now)) != NULL) {
        struct tcp_stub *s = WGT_CONTAINER_OF(w, struct tcp_stub, timer);

        if (s->kind != TCP_STUB_TIME_WAIT)
            expire_embryo(t, now, s);
        else if (now >= s->time_wait.until)
            stub_free(t, s);
        else
            arm(t, s);
    }
}

void
tcp_transport_set_listener(struct tcp_transport *t, uint16_t port, bool listen)
{
    t->config.listen_port = port;
    t->config.listen = listen;
}

void
listener_close(struct tcp_transport *t, wgt_time now)
{
    static const enum tcp_stub_kind kinds[] = {TCP_STUB_HALF_OPEN, TCP_STUB_STRANGER};
    struct tcp_stub *s;

    t->config.listen = false;
    for (int i = 0; i < 2; i++) {
        while ((s = TAILQ_FIRST(&t->listener.lists[kinds[i]])) != NULL)
            reset_embryo(t, now, s);
    }
}

uint32_t
tcp_transport_embryos(const struct tcp_transport *t)
{
    return t->listener.n[TCP_STUB_HALF_OPEN] + t->listener.n[TCP_STUB_STRANGER];
}
