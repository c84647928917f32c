/* SPDX-License-Identifier: BSD-3-Clause */
/* The one exit door: every segment a connection sends is built here. */
#include "internal.h"

static void
address(const struct tcp_conn *c, struct tcp_segment *seg)
{
    seg->src_port = c->options.src_port;
    seg->dst_port = c->options.dst_port;
}

static bool
send_reset(struct tcp_conn *c, struct tcp_out *out)
{
    if (!c->rst_due)
        return false;
    c->rst_due = false;
    address(c, &out->seg);
    out->seg.seq = c->rst_seq;
    out->seg.ack = c->rst_ack;
    out->seg.flags = c->rst_flags;
    return true;
}

static bool
send_syn(struct tcp_conn *c, wgt_time now, struct tcp_out *out)
{
    if (!c->syn_due)
        return false;
    c->syn_due = false;
    address(c, &out->seg);
    out->seg.seq = c->iss;
    out->seg.flags = TCP_SYN | tcp_ecn_syn_flags(c);
    out->seg.window = (uint16_t)tcp_window_on_syn(c);
    if (c->state == TCP_SYN_RECEIVED) {
        out->seg.flags |= TCP_ACK;
        out->seg.ack = c->rcv_nxt;
        c->last_ack_sent = c->rcv_nxt;
        c->ack_now = c->ack_alone = false; /* the SYN,ACK says it too */
    }
    tcp_options_offer(c, now, &out->seg);
    out->retransmission = c->syn_sends > 0;
    c->last_sent = now;
    if (c->syn_sends < UINT8_MAX)
        c->syn_sends++;
    c->snd_nxt = c->iss + 1;
    if (c->rto_at == WGT_NEVER)
        c->rto_at = now + tcp_rto(c);
    return true;
}

/* What every segment of a synchronised connection carries. */
static void
fill(struct tcp_conn *c, wgt_time now, struct tcp_out *out, uint32_t seq)
{
    address(c, &out->seg);
    out->seg.seq = seq;
    out->seg.ack = c->rcv_nxt;
    out->seg.flags = TCP_ACK | tcp_ecn_ack_flags(c);
    out->seg.window = tcp_window_announce(c);
    if (c->ts_ok) {
        out->seg.has_ts = true;
        out->seg.ts_val = tcp_ts_at(c, now);
        out->seg.ts_ecr = c->ts_recent;
    }
    c->last_ack_sent = c->rcv_nxt;
    c->ack_now = c->window_opened = false;
    c->unacked_bytes = 0;
    c->delayed_ack_at = WGT_NEVER;
}

/* A segment without data must be acceptable, too (RFC 9293 3.4): when a FIN went out beyond the
 * window, or the window was drawn back, SND.NXT lies behind its edge. */
static uint32_t
ack_seq(const struct tcp_conn *c)
{
    if (c->state == TCP_SYN_RECEIVED) /* no window is known yet */
        return c->snd_nxt;
    return tcp_seq_min(c->snd_nxt, c->snd_una + c->snd_wnd);
}

/* SACK blocks go in segments without data only: beside data they would cost a frame its place. */
static void
send_ack(struct tcp_conn *c, wgt_time now, struct tcp_out *out)
{
    fill(c, now, out, ack_seq(c));
    tcp_sack_fill(c, &out->seg);
    c->ack_alone = false;
}

/* An ACK that must go even though data follows. */
static bool
send_ack_alone(struct tcp_conn *c, wgt_time now, struct tcp_out *out)
{
    if (!c->ack_alone)
        return false;
    send_ack(c, now, out);
    if (c->dup_acks_owed > 0) {
        c->dup_acks_owed--;
        c->ack_now = c->ack_alone = true;
    }
    return true;
}

/* A sequence number already acknowledged makes the peer answer with its window, and costs no byte
 * that would have to be sent again. */
static bool
send_probe(struct tcp_conn *c, wgt_time now, struct tcp_out *out)
{
    if (!c->probe_due)
        return false;
    c->probe_due = false;
    fill(c, now, out, c->snd_una - 1);
    return true;
}

static bool
may_send_data(const struct tcp_conn *c)
{
    switch (c->state) {
    case TCP_ESTABLISHED:
    case TCP_CLOSE_WAIT:
    case TCP_FIN_WAIT_1:
    case TCP_CLOSING:
    case TCP_LAST_ACK:
        return true;
    default:
        return false;
    }
}

/* One segment is always let out into an empty network. */
static bool
cwnd_allows(const struct tcp_conn *c, uint32_t len)
{
    uint32_t pipe = tcp_pipe(c);

    return pipe == 0 || pipe + len <= c->cc.cwnd;
}

static void
fill_data(struct tcp_conn *c, wgt_time now, struct tcp_out *out, const struct tcp_sent *s)
{
    fill(c, now, out, s->seq);
    if (s->flags & TCP_SENT_PSH)
        out->seg.flags |= TCP_PSH;
    if (s->flags & TCP_SENT_FIN)
        out->seg.flags |= TCP_FIN;
    out->seg.payload.len = s->len;
    out->chunk = s->chunk;
    out->offset = s->offset;
    out->len = s->len;
}

static void
emit(struct tcp_conn *c, wgt_time now, struct tcp_sent *s, struct tcp_out *out)
{
    fill_data(c, now, out, s);
    out->retransmission = s->flags & TCP_SENT_RETRANSMITTED;
    tcp_sent_transmit(c, now, s);
    tcp_pace_sent(c, now, s->len);
    tcp_recovery_sent(c, s->len);
    if (s == c->tx->sent_head && !(s->flags & TCP_SENT_RETRANSMITTED))
        c->progress = now; /* from here on the peer owes an answer */
    c->last_sent = now;
    /* RFC 6675 6: a repair of the first segment has as much time as any. */
    if (c->rto_at == WGT_NEVER || (s == c->tx->sent_head && (s->flags & TCP_SENT_RETRANSMITTED)))
        c->rto_at = now + tcp_rto(c);
}

static void
send_again(struct tcp_conn *c, wgt_time now, struct tcp_sent *s, struct tcp_out *out)
{
    tcp_pace_catch_up(c, now);
    s->flags |= TCP_SENT_RETRANSMITTED;
    c->segments_retransmitted++;
    tcp_undo_sent_again(c, now, s);
    emit(c, now, s, out);
}

static bool
pacer_allows(struct tcp_conn *c, wgt_time now)
{
    if (c->pace_at <= now || tcp_pace_allows(c, now) > 0) /* mostly the first: no division */
        return true;
    c->tx->pace_wake = tcp_pace_at(c, now);
    return false;
}

static uint32_t
usable_window(const struct tcp_conn *c)
{
    uint32_t edge = c->snd_una + c->snd_wnd;

    return seq_lt(c->snd_nxt, edge) ? edge - c->snd_nxt : 0;
}

/* RFC 5682 3.1 step 2: new data goes before repairs, if the peer has room for it. */
static bool
is_new_data_first(const struct tcp_conn *c)
{
    return tcp_undo_holds(c) &&
           usable_window(c) >= tcp_min(c->mss, c->tx->unsent->len - c->tx->unsent_offset);
}

/* The peer has drawn its window back; the first segment goes all the same. */
static bool
is_beyond_window(const struct tcp_conn *c, const struct tcp_sent *s)
{
    return s != c->tx->sent_head && seq_lt(c->snd_una + c->snd_wnd, s->seq + s->len);
}

/* The stored segment goes out again as it was, unless it has become too large for the path. Beyond
 * a window that the peer has drawn back only the first one does. */
static bool
retransmit(struct tcp_conn *c, wgt_time now, struct tcp_out *out)
{
    struct tcp_sent *s = c->tx->lost.head;

    if (s == NULL) {
        c->repair_due = false;
        return false;
    }
    if (s->len > c->mss && !tcp_sent_split(c, s, c->mss))
        return false;
    if (is_beyond_window(c, s))
        return false;
    if (!c->repair_due &&
        (is_new_data_first(c) || !cwnd_allows(c, s->len) || !pacer_allows(c, now)))
        return false;
    c->repair_due = false;
    send_again(c, now, s, out);
    return true;
}

/* RFC 9293 3.8.6.2.1: what does not fit the window goes out cut only when that is half of the
 * largest window ever seen, or after the override time. 0: wait. */
static uint32_t
fit_window(const struct tcp_conn *c, uint32_t len, uint32_t usable)
{
    if (len <= usable)
        return len;
    if (usable > 0 && (c->override_due || usable >= c->snd_wnd_max / 2))
        return usable;
    return 0;
}

/* Chunks that fit whole behind a first whole chunk of len bytes. */
static uint32_t
append_whole(struct tcp_conn *c, wgt_time now, const struct tcp_chunk *chunk, uint32_t len,
             uint32_t usable)
{
    uint32_t limit = tcp_min(tcp_mtu_limit(c, now), usable);

    for (chunk = chunk->next; chunk != NULL && chunk->len <= limit - len; chunk = chunk->next) {
        if (!cwnd_allows(c, len + chunk->len))
            break;
        len += chunk->len;
    }
    return len;
}

static void
advance_unsent(struct tcp_conn *c, uint32_t len)
{
    c->tx->unsent_offset += len;
    while (c->tx->unsent != NULL && c->tx->unsent_offset >= c->tx->unsent->len) {
        c->tx->unsent_offset -= c->tx->unsent->len;
        c->tx->unsent = c->tx->unsent->next;
    }
}

/* The window keeps data back and nothing is in flight whose ACK would bring news. */
static void
start_persist(struct tcp_conn *c, wgt_time now)
{
    if (c->tx->sent_head != NULL || c->tx->persist_at != WGT_NEVER)
        return;
    c->persist_backoff = 0;
    c->tx->persist_at = now + c->rtt.rto;
    c->progress = now;
}

/* RFC 5681 4.1. */
static void
restart_if_idle(struct tcp_conn *c, wgt_time now)
{
    bool long_idle = now - c->last_sent > tcp_rto(c);
    wgt_time since = c->rate.delivered_time > c->last_sent ? c->rate.delivered_time : c->last_sent;

    /* Idle is who had nothing to send, not who waits for the pacer. */
    if (c->tx->sent_head != NULL || c->cc.ops->restart == NULL ||
        !(long_idle || (c->rate.app_limited != 0 && now > since)))
        return;
    c->cc.ops->restart(&c->cc, now, now - since, long_idle);
}

/* free_of_cwnd: a probe may go beyond it. */
static uint32_t
next_segment_len(struct tcp_conn *c, wgt_time now, bool free_of_cwnd)
{
    struct tcp_chunk *chunk = c->tx->unsent;
    uint32_t usable = usable_window(c);
    uint32_t want = tcp_min(chunk->len - c->tx->unsent_offset, tcp_mtu_limit(c, now));
    uint32_t len = fit_window(c, want, usable);

    if (len == 0) {
        start_persist(c, now);
        return 0;
    }
    if (!free_of_cwnd && (!cwnd_allows(c, len) || !pacer_allows(c, now)))
        return 0;
    if (c->tx->unsent_offset == 0 && len == chunk->len)
        len = append_whole(c, now, chunk, len, usable);
    return len;
}

/* A segment of len bytes never sent before. NULL: no record is free. */
static struct tcp_sent *
new_segment(struct tcp_conn *c, uint32_t len)
{
    struct tcp_sent *s = tcp_sent_new(c, c->tx->unsent);

    if (s == NULL)
        return NULL;
    s->offset = c->tx->unsent_offset;
    s->len = len;
    c->mtu.sent = (uint16_t)tcp_max(c->mtu.sent, len);
    advance_unsent(c, len);
    if (c->tx->unsent == NULL)
        s->flags |= TCP_SENT_PSH;
    if (c->tx->unsent == NULL && c->fin_queued && usable_window(c) > len) {
        s->flags |= TCP_SENT_FIN;
        c->fin_sent = true;
    }
    c->snd_nxt += tcp_sent_seq_len(s);
    return s;
}

static struct tcp_sent *
send_new_segment(struct tcp_conn *c, wgt_time now, struct tcp_out *out, bool free_of_cwnd)
{
    struct tcp_sent *s;
    uint32_t len;

    if (c->tx->unsent == NULL)
        return NULL;
    restart_if_idle(c, now);
    len = next_segment_len(c, now, free_of_cwnd);
    if (len == 0)
        return NULL;
    tcp_pace_catch_up(c, now);
    s = new_segment(c, len);
    if (s == NULL)
        return NULL;
    c->override_due = false;
    c->tx->persist_at = WGT_NEVER;
    c->persist_backoff = 0;
    tcp_mtu_sent(c, s);
    emit(c, now, s, out);
    tcp_ecn_new_data(c, out);
    tcp_copy_sent(c, now, s);
    return s;
}

/* RFC 3168 6.1.5: like a retransmission it is not ECN-capable. */
static bool
send_copy(struct tcp_conn *c, wgt_time now, struct tcp_out *out)
{
    const struct tcp_sent *s = tcp_copy_take(c, now);

    if (s == NULL)
        return false;
    fill_data(c, now, out, s);
    out->copy = true;
    tcp_pace_sent(c, now, s->len);
    return true;
}

static bool
send_new(struct tcp_conn *c, wgt_time now, struct tcp_out *out)
{
    if ((c->tx->lost.head != NULL && !is_new_data_first(c)) ||
        send_new_segment(c, now, out, false) == NULL)
        return false;
    tcp_tlp_arm(c, now);
    return true;
}

/* RFC 8985 7.3: new data if the peer has room for it, else the last segment again. */
static bool
send_tail_probe(struct tcp_conn *c, wgt_time now, struct tcp_out *out)
{
    struct tcp_sent *s;

    if (!c->tlp.due)
        return false;
    c->tlp.due = false;
    s = send_new_segment(c, now, out, true);
    if (s == NULL) {
        s = c->tx->sent_tail;
        if (s == NULL || s->list != &c->tx->flight || is_beyond_window(c, s))
            return false;
        if (s->len > c->mss) {
            /* A probe of the path MTU: mostly that is why nobody answers. It goes again in pieces.
             */
            tcp_recovery_lose(c, now, s);
            return retransmit(c, now, out);
        }
        send_again(c, now, s, out);
    }
    tcp_tlp_sent(c, s);
    return true;
}

/* The FIN takes no buffer of the peer: it does not wait for windows. */
static bool
send_fin(struct tcp_conn *c, wgt_time now, struct tcp_out *out)
{
    struct tcp_sent *s;

    if (!c->fin_queued || c->fin_sent || c->tx->unsent != NULL)
        return false;
    s = tcp_sent_new(c, NULL);
    if (s == NULL) {
        /* No record is free: another try when ACKs come, or else when this timer runs out. */
        if (c->rto_at == WGT_NEVER)
            c->rto_at = now + tcp_rto(c);
        return false;
    }
    s->flags |= TCP_SENT_FIN;
    c->fin_sent = true;
    c->snd_nxt++;
    emit(c, now, s, out);
    tcp_tlp_arm(c, now);
    return true;
}

static bool
send_owed_ack(struct tcp_conn *c, wgt_time now, struct tcp_out *out)
{
    if (!c->ack_now && !tcp_window_update_due(c))
        return false;
    send_ack(c, now, out);
    return true;
}

static bool
send_synchronised(struct tcp_conn *c, wgt_time now, struct tcp_out *out)
{
    if (tcp_is_busy(c))
        c->tx->pace_wake = WGT_NEVER;
    if (send_ack_alone(c, now, out) || send_probe(c, now, out))
        return true;
    if (may_send_data(c)) {
        if (send_copy(c, now, out) || retransmit(c, now, out) || send_tail_probe(c, now, out) ||
            send_new(c, now, out) || send_fin(c, now, out))
            return true;
        if (tcp_is_busy(c))
            c->tx->paused_flight = tcp_pipe(c);
    }
    return send_owed_ack(c, now, out);
}

static bool
send_any(struct tcp_conn *c, wgt_time now, struct tcp_out *out)
{
    if (send_reset(c, out))
        return true;
    if (now >= c->deadline) {
        tcp_timers_expire(c, now);
        tcp_timers_store(c);
        if (send_reset(c, out))
            return true;
    }
    switch (c->state) {
    case TCP_CLOSED:
        return false;
    case TCP_SYN_SENT:
        return send_syn(c, now, out);
    case TCP_SYN_RECEIVED:
        return send_syn(c, now, out) || send_ack_alone(c, now, out);
    default:
        return send_synchronised(c, now, out);
    }
}

/* Nothing is queued nor outstanding, and nothing that was sent again can still turn out to have
 * been needless: D-SACKs come within a round trip of the last transmission. */
static void
rest_if_idle(struct tcp_conn *c, wgt_time now)
{
    const struct tcp_tx *tx = c->tx;

    if (tx->queue.head != NULL || tx->sent_head != NULL || c->recovery != TCP_RECOVERY_NONE ||
        (tx->undo.possible && now - c->last_sent <= tcp_rto(c)))
        return;
    tcp_tx_end(c);
}

static void
clear(struct tcp_out *out)
{
    tcp_segment_clear(&out->seg);
    out->chunk = NULL;
    out->offset = out->len = 0;
    out->retransmission = out->copy = out->ect = false;
}

bool
tcp_output(struct tcp_conn *c, wgt_time now, struct tcp_out *out)
{
    clear(out);
    if (send_any(c, now, out))
        return true; /* who asks on finds the timers right when there is no more */
    if (c->state != TCP_CLOSED)
        rest_if_idle(c, now);
    tcp_timers_store(c);
    return false;
}
