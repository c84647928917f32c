/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a peer's messages go: its path, the connections dialled for it, and when to dial again. */
#include "internal.h"

/* Back-off of dials: at once after a connection that worked, then 250 ms doubling to 30 s, each
 * +- 50 %. */
#define DIAL_BACKOFF     (250 * WGT_MSEC)
#define DIAL_BACKOFF_MAX (30 * WGT_SEC)
/* A connection that lived shorter did not work: whatever ends it would end the next one, too. */
#define DIAL_WORKED (1 * WGT_SEC)
/* SYNs on a known path go no faster than this: a lost one must not be repeated while its answer is
 * under way. */
#define REDIAL_RTO_MIN (250 * WGT_MSEC)
#define REDIAL_RTO_MAX (1 * WGT_SEC)
/* A connection of the peer's that is heard so soon after we dialled was dialled before ours was
 * known there. Whichever is not used is closed after that time. */
#define CROSSING_TIME TCP_FLOW_LINGER
/* So long after a dial a datagram moves nothing: with traffic there are always some under way, and
 * they would win against every connection, which needs a round trip to begin. */
#define DIAL_PRECEDENCE (2 * WGT_SEC)
/* It is asked for again when nothing came of it. */
#define MOVE_INTERVAL (100 * WGT_MSEC)
/* So many dials of TCP_FLOW_REDIAL_TIMEOUT each on a path that used to work: 30 s. */
enum { REDIALS = 10 };

bool
peer_has_endpoint(const struct tunnel_peer *p)
{
    return p->has_endpoint || p->path.path.kind != TRANSPORT_NONE;
}

static wgt_time
dial_delay(struct tunnel *t, const struct tunnel_peer *p)
{
    unsigned shift = p->dial_attempts > 8 ? 8 : p->dial_attempts;
    wgt_time base;

    if (shift == 0)
        return 0;
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
    struct tcp_dial how = {
        .remote = p->configured,
        .congestion = p->congestion,
        .rto = p->dial_rto,
        .dialer = p,
    };
    uint8_t knock_key[NOISE_KEY_LEN];
    struct tcp_flow *f;

    if (p->knock) {
        noise_knock_key(knock_key, p->public_key);
        how.knock_key = knock_key;
    }
    f = tcp_transport_dial(&t->tcp, now, &how);
    noise_wipe(knock_key, sizeof(knock_key));
    if (f == NULL) {
        p->stats.dial_failures++;
        peer_trouble(t, p, PEER_TROUBLE_DIAL_UNSENT, now);
        dial_failed(t, now, p);
        return;
    }
    p->stats.dials++;
    p->dialled_at = now;
    p->dial_proved = false;
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

/* A peer's connection ends, whoever dialled it. */
static void
remember_mss(struct tunnel_peer *p, const struct tcp_flow *f)
{
    struct tcp_path_mss found;

    if (p->history != NULL && tcp_path_mss(&f->conn, &found))
        p->history->path_mss =
            (struct tunnel_path_mss){f->path.local.addr, f->path.remote.addr, found};
}

/* The next one goes the same way: its full segments need not be lost before that is known. */
static void
recall_mss(const struct tunnel_peer *p, struct tcp_flow *f)
{
    const struct tunnel_path_mss *known = &history_of(p)->path_mss;

    if (ip_addr_equal(&known->local, &f->path.local.addr) &&
        ip_addr_equal(&known->remote, &f->path.remote.addr))
        tcp_assume_path_mss(&f->conn, &known->found);
}

/* A connection's congestion control is its dialler's, or of who is the first to be heard on it:
 * several peers may share it. */
static void
flow_proved(struct tunnel *t, wgt_time now, struct tunnel_peer *p, struct tcp_flow *f)
{
    if (!f->heard && f->dialer == NULL)
        tcp_flow_congestion(f, now, p->congestion);
    tcp_flow_authenticated(&t->tcp, f);
    if (f->dialer == p)
        p->dial_proved = true;
}

/* Each end has dialled, and each hears the other on both connections. */
static bool
dials_cross(const struct tunnel_peer *p, wgt_time now, const struct tcp_flow *f,
            const struct tcp_flow *now_used)
{
    return (f->dialer == p) != (now_used->dialer == p) && now - p->dialled_at < CROSSING_TIME;
}

/* A message that was under way when its connection ended, or on an older connection when a newer
 * one had proved itself, says nothing about a better path. Of dials that cross, each end sees its
 * own as the older one, and they would change places: there the greater key's stays, unless it is
 * found not to work. */
static bool
is_better_path(const struct tunnel_peer *p, wgt_time now, const struct path *from,
               const struct tcp_flow *f)
{
    const struct tcp_flow *now_used = tcp_flow_of(&p->path.path);

    if (from->kind != TRANSPORT_TCP)
        return now_used == NULL || now_used->dialer != p || now - p->dialled_at >= DIAL_PRECEDENCE;
    if (f == NULL || !tcp_flow_usable(f))
        return false;
    if (now_used == NULL || !now_used->established || !tcp_flow_usable(now_used))
        return true;
    if (dials_cross(p, now, f, now_used))
        return p->leads == (f->dialer == p) || tcp_flow_stalled(now_used);
    return now_used->path.since < f->path.since;
}

static bool
is_same_place(const struct ip_endpoint *a, const struct ip_endpoint *b, enum transport_kind kind)
{
    /* Each connection has a port of its own. */
    return kind == TRANSPORT_TCP ? ip_addr_equal(&a->addr, &b->addr) : ip_endpoint_equal(a, b);
}

/* Who moves back and forth is two devices with one key, or behind a NAT that cannot decide. */
static void
note_move(struct tunnel *t, struct tunnel_peer *p, wgt_time now, const struct path *from)
{
    if (is_same_place(&p->heard_at, &from->remote, from->kind))
        return;
    if (p->heard_at.addr.family != IP_NONE)
        peer_note(t, p, TUNNEL_NOTE_MOVED, from, 0);
    if (is_same_place(&history_of(p)->heard_before, &from->remote, from->kind))
        peer_trouble(t, p, PEER_TROUBLE_ENDPOINT_FLAP, now);
    if (p->history != NULL)
        p->history->heard_before = p->heard_at;
    p->heard_at = from->remote;
}

/* The same question about a connection that another worker has. Ours we dial from other ports than
 * the one we listen on. */
static bool
is_better_elsewhere(const struct tunnel *t, const struct tunnel_peer *p, wgt_time now,
                    const struct path *from)
{
    const struct tcp_flow *now_used = tcp_flow_of(&p->path.path);
    bool dialled = from->local.port != t->config.listen_port;

    if (now_used == NULL || !now_used->established || !tcp_flow_usable(now_used))
        return true;
    if (dialled != (now_used->dialer == p) && now - p->dialled_at < CROSSING_TIME)
        return p->leads == dialled || tcp_flow_stalled(now_used);
    return now_used->path.since < from->since;
}

/* Answers can go there only from that worker: the peer has to move. */
static void
heard_elsewhere(struct tunnel *t, wgt_time now, struct tunnel_peer *p, const struct path *from)
{
    struct tunnel_event e = {.type = TUNNEL_EVENT_MOVE, .peer = p, .path = *from};

    if ((p->move_at != 0 && now - p->move_at < MOVE_INTERVAL) ||
        !is_better_elsewhere(t, p, now, from))
        return;
    e.path.kind = TRANSPORT_TCP;
    e.worker = t->outer.worker_of(t->outer.ctx, &from->local, &from->remote);
    if (tunnel_send_event(t, &e))
        p->move_at = now;
}

/* An authenticated message of the peer came on `from`: answers go there from now on. What an old
 * connection still holds unacknowledged is of no use to anybody. */
void
peer_heard_on(struct tunnel *t, wgt_time now, struct tunnel_peer *p, const struct path *from)
{
    struct tcp_flow *f = tcp_flow_of(from), *old;

    p->heard = now;
    if (unlikely(from->kind == TRANSPORT_ELSEWHERE)) {
        heard_elsewhere(t, now, p, from);
        return;
    }
    if (f != NULL)
        flow_proved(t, now, p, f);
    if (path_equal(&p->path.path, from))
        return;
    if (!is_better_path(p, now, from, f)) {
        if (f != NULL)
            tcp_flow_unused(&t->tcp, now, f, &p->path);
        return;
    }
    note_move(t, p, now, from);
    old = tcp_flow_of(&p->path.path);
    if (old != NULL)
        remember_mss(p, old);
    tcp_transport_attach(&t->tcp, now, &p->path, from);
    if (f != NULL)
        recall_mss(p, f);
    if (old != NULL && LIST_EMPTY(&old->users) && tcp_flow_stalled(old))
        tcp_flow_reset(&t->tcp, now, old);
    peer_mark_flush(t, p);
}

/* A lost connection is dialled again while somebody would miss it; and where a handshake could
 * follow. */
static bool
misses_connection(const struct tunnel *t, const struct tunnel_peer *p, wgt_time now)
{
    return !t->stopping && t->mac1.has_identity && !p->low_order && p->has_endpoint &&
           p->configured_kind == TRANSPORT_TCP && p->dialling == NULL &&
           p->path.path.kind == TRANSPORT_NONE &&
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

/* A connection may be acknowledged by somebody on the way who cannot reach the peer any more. */
static bool
brings_no_answers(const struct tunnel_peer *p, wgt_time now, const struct tcp_flow *f)
{
    return f->established && now - p->heard >= PEER_NEW_HANDSHAKE_TIMEOUT &&
           (f->dialer != p || now - p->dialled_at >= PEER_NEW_HANDSHAKE_TIMEOUT);
}

/* Linux's wg_socket_clear_peer_endpoint_src: a datagram's source is looked up anew. A connection
 * has its source for life, and gives way to a new dial. */
void
peer_forget_source(struct tunnel *t, wgt_time now, struct tunnel_peer *p)
{
    struct path *to = &p->path.path;
    struct tcp_flow *f = tcp_flow_of(to);

    if (to->kind == TRANSPORT_UDP)
        (void)outer_source_for(&t->outer, &to->remote.addr, &to->local.addr);
    if (f == NULL || !p->has_endpoint || !brings_no_answers(p, now, f))
        return;
    if (f->dialer == p)
        tcp_flow_retire(&t->tcp, now, f);
    else
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

void
peer_leave_flows(struct tunnel *t, wgt_time now, struct tunnel_peer *p)
{
    struct tcp_flow *used = tcp_flow_of(&p->path.path), *dialled = p->dialling;

    p->dialling = NULL;
    if (dialled != NULL)
        dialled->dialer = NULL;
    if (used != NULL) {
        remember_mss(p, used);
        tcp_transport_detach(&t->tcp, now, &p->path);
    }
    if (dialled != NULL && !dialled->established && LIST_EMPTY(&dialled->users))
        tcp_flow_close(&t->tcp, now, dialled);
    else if (dialled != NULL)
        tcp_flow_unused(&t->tcp, now, dialled, &p->path);
}

/* A connection from the peer's address is as good as one to it. */
static bool
leads_to_configured(const struct tunnel_peer *p)
{
    const struct path *now_used = &p->path.path;
    const struct tcp_flow *f = tcp_flow_of(now_used);

    if (now_used->kind != p->configured_kind)
        return false;
    if (f != NULL && f->dialer == NULL)
        return ip_addr_equal(&now_used->remote.addr, &p->configured.addr);
    return ip_endpoint_equal(&now_used->remote, &p->configured);
}

void
peer_seek_configured(struct tunnel *t, wgt_time now, struct tunnel_peer *p)
{
    if (leads_to_configured(p))
        return;
    peer_disconnect(t, now, p);
    p->dial_attempts = p->dial_timeouts = 0;
    p->dial_rto = 0;
    p->dial_at = now;
    fq_hold(&p->staged);
    peer_mark_flush(t, p);
    peer_dial_if_due(t, now, p); /* before the next datagram of the peer's finds no path */
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
    recall_mss(p, f);
    peer_note(t, p, TUNNEL_NOTE_CONNECTED, &f->path, 0);
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

/* Messages of it wait to be opened, and name it. */
static void
on_ending(void *ctx, wgt_time now, const struct tcp_flow *f)
{
    struct tunnel *t = ctx;

    (void)f;
    if (t->received.n > 0)
        receive_open_burst(t, now);
}

static void
on_path_lost(void *ctx, wgt_time now, struct path_user *u, const struct tcp_flow *f)
{
    struct tunnel_peer *p = peer_of_path(u);

    remember_mss(p, f);
    /* What is staged waits for the next one; but nobody knows when a peer without an endpoint
     * comes back. */
    if (p->has_endpoint)
        fq_hold(&p->staged);
    else
        peer_drop_staged(ctx, p, WGT_DROP_NO_ENDPOINT);
    peer_arm(ctx, now, p);
}

/* A wire that was good and is silent now may come back any moment: the SYNs themselves are the
 * pace. After some time it counts as unknown, and failures back off. */
static void
schedule_dial(struct tunnel *t, wgt_time now, struct tunnel_peer *p, bool unanswered)
{
    if (unanswered && p->dial_rto > 0) {
        if (p->dial_timeouts < REDIALS) {
            p->dial_timeouts++;
            p->dial_at = now;
            return;
        }
        p->dial_rto = 0;
    }
    dial_failed(t, now, p);
}

/* The next connection takes the same way: it need not wait a second for its SYN's answer. */
static void
remember_path(struct tunnel_peer *p, const struct tcp_flow *f)
{
    struct tcp_info info;

    if (!f->established)
        return;
    tcp_info(&f->conn, &info);
    if (info.srtt == 0)
        return;
    p->dial_rto = info.srtt + 4 * info.rttvar;
    if (p->dial_rto < REDIAL_RTO_MIN)
        p->dial_rto = REDIAL_RTO_MIN;
    p->dial_rto = wgt_time_min(p->dial_rto, REDIAL_RTO_MAX);
}

static void
note_end(struct tunnel *t, struct tunnel_peer *p, wgt_time now, const struct tcp_flow *f,
         enum tcp_end why)
{
    static const enum peer_trouble troubles[] = {
        [TCP_END_RESET] = PEER_TROUBLE_DIAL_RESET,
        [TCP_END_REFUSED] = PEER_TROUBLE_DIAL_REFUSED,
        [TCP_END_TIMEOUT] = PEER_TROUBLE_DIAL_UNANSWERED,
        [TCP_END_UNREACHABLE] = PEER_TROUBLE_DIAL_UNREACHABLE,
    };

    if (why == TCP_END_NORMAL || why == TCP_END_ABORTED)
        return;
    p->stats.dial_failures++;
    if (why != TCP_END_NONE && !(why == TCP_END_TIMEOUT && f->established))
        peer_trouble(t, p, troubles[why], now);
}

static void
on_dial_ended(void *ctx, wgt_time now, void *dialer, struct tcp_flow *f, enum tcp_end why)
{
    struct tunnel *t = ctx;
    struct tunnel_peer *p = dialer;

    p->dialling = NULL;
    remember_path(p, f);
    note_end(t, p, now, f, why);
    peer_note(t, p,
              p->dial_attempts > 0 && !f->established ? TUNNEL_NOTE_DIAL_ENDED_AGAIN
                                                      : TUNNEL_NOTE_DIAL_ENDED,
              &f->path, why);
    if (p->dial_proved && now - p->dialled_at >= DIAL_WORKED)
        p->dial_attempts = p->dial_timeouts = 0;
    schedule_dial(t, now, p, why == TCP_END_TIMEOUT && !f->established);
    peer_arm(t, now, p);
}

static enum path_turn
on_writable(void *ctx, wgt_time now, struct path_user *u)
{
    struct tunnel_peer *p = peer_of_path(u);
    enum path_turn turn = peer_take_turn(ctx, now, p);

    peer_arm(ctx, now, p);
    return turn;
}

static bool
on_wanted(void *ctx, wgt_time now, const struct path *from, uint32_t receiver, uint64_t counter)
{
    return receive_wanted(ctx, now, from, receiver, counter);
}

static enum tcp_early_answer
on_early(void *ctx, wgt_time now, const struct path *from, struct tcp_early_message *message)
{
    return receive_early(ctx, now, from, message);
}

static void
on_released(void *ctx, wgt_time now, struct rte_mbuf *m)
{
    struct tunnel *t = ctx;

    receive_settle(t, now);
    tunnel_tx_inner(t, m);
}

void
route_events(struct tunnel *t, struct tcp_transport_events *events)
{
    *events = (struct tcp_transport_events){
        .ctx = t,
        .message = on_message,
        .established = on_established,
        .ending = on_ending,
        .path_lost = on_path_lost,
        .dial_ended = on_dial_ended,
        .writable = on_writable,
        .wanted = on_wanted,
        .early = on_early,
        .released = on_released,
    };
}
