/* SPDX-License-Identifier: BSD-3-Clause */
/* SEGMENT ARRIVES (RFC 9293 3.10.7), with the checks of RFC 5961 and RFC 7323 in their places. */
#include "internal.h"

/* The text of a segment, as it is trimmed to what is new and wanted. */
struct arrival {
    const struct tcp_segment *seg;
    struct tcp_chunk *rx;
    bool *kept;
    uint32_t seq; /* of the first byte of text: a SYN is stripped */
    uint8_t *data;
    uint32_t len;
    bool fin;
};

static uint32_t
arrival_end(const struct arrival *a)
{
    return a->seq + a->len + a->fin;
}

static void
owe_ack(struct tcp_conn *c)
{
    c->ack_now = true;
}

/* An ACK that answers this very segment: out of order, duplicate, or not acceptable. Without SACK
 * the peer counts them, so each is owed on its own (RFC 5681 4.2). */
static void
owe_ack_alone(struct tcp_conn *c)
{
    if (!c->sack_ok && c->ack_alone && c->dup_acks_owed < TCP_DUP_ACKS_OWED_MAX)
        c->dup_acks_owed++;
    c->ack_now = c->ack_alone = true;
}

/* RFC 5681 4.2, RFC 9293 3.8.6.3: at least every second full segment, and in time. */
static void
owe_delayed_ack(struct tcp_conn *c, wgt_time now, uint32_t len)
{
    c->rcv_mss = (uint16_t)tcp_max(c->rcv_mss, tcp_min(len, c->options.mss_local));
    c->unacked_bytes += len;
    if (c->unacked_bytes >= 2u * c->rcv_mss)
        owe_ack(c);
    if (c->delayed_ack_at == WGT_NEVER)
        c->delayed_ack_at = now + TCP_DELAYED_ACK;
}

/* The peer's FIN is next in order (RFC 9293 3.10.7.4, eighth). */
static void
take_fin(struct tcp_conn *c, wgt_time now)
{
    c->rcv_nxt++;
    c->rcv_adv = tcp_seq_max(c->rcv_adv, c->rcv_nxt);
    c->fin_received = true;
    tcp_rx_discard_runs(c); /* bytes behind its own FIN */
    owe_ack(c);
    switch (c->state) {
    case TCP_ESTABLISHED:
        c->state = TCP_CLOSE_WAIT;
        break;
    case TCP_FIN_WAIT_1:
        c->state = TCP_CLOSING;
        break;
    case TCP_FIN_WAIT_2:
        tcp_enter_time_wait(c, now);
        break;
    default:
        break;
    }
}

/* Cuts what lies before RCV.NXT, beyond the window, or behind the peer's FIN. Nothing may be
 * left.*/
static void
trim(struct tcp_conn *c, struct arrival *a)
{
    uint32_t limit = c->rcv_adv;

    if (seq_lt(a->seq, c->rcv_nxt)) {
        uint32_t old = tcp_min(c->rcv_nxt - a->seq, a->len);

        tcp_dsack_note(c, a->seq, a->seq + old);
        a->seq += old;
        a->data += old;
        a->len -= old;
    }
    if (seq_lt(limit, arrival_end(a)))
        a->fin = false;
    if (c->fin_seen)
        limit = tcp_seq_min(limit, c->fin_seq);
    if (seq_lt(limit, a->seq + a->len))
        a->len = seq_lt(a->seq, limit) ? limit - a->seq : 0;
}

/* What of it is for sending stays as it is. */
static void
make_chunk(struct tcp_chunk *chunk, uint8_t *data, uint32_t len, uint32_t seq)
{
    chunk->next = NULL;
    chunk->data = data;
    chunk->len = len;
    chunk->seq = seq;
    chunk->rx = (struct tcp_chunk_rx){.prev = NULL};
}

static enum wgt_drop
take_data(struct tcp_conn *c, wgt_time now, struct arrival *a)
{
    uint32_t before = c->rcv_nxt;
    bool gap = c->n_runs > 0;
    enum wgt_drop drop;

    if (a->rx == NULL)
        return WGT_DROP_NO_BUFFER;
    make_chunk(a->rx, a->data, a->len, a->seq);
    drop = tcp_rx_take(c, a->rx, a->kept);
    c->bytes_received += c->rcv_nxt - before;
    if (c->rcv_nxt == before || drop != WGT_OK)
        owe_ack_alone(c); /* beyond a gap, or refused */
    else if (gap)
        c->ack_now = c->ack_alone = true; /* fills one: the blocks have changed */
    else
        owe_delayed_ack(c, now, c->rcv_nxt - before);
    if (c->state == TCP_FIN_WAIT_2 && *a->kept)
        c->state_at = now + TCP_FIN_WAIT_2_LENGTH;
    return drop;
}

/* Seventh and eighth: text and FIN. */
static enum wgt_drop
take_text(struct tcp_conn *c, wgt_time now, struct arrival *a)
{
    uint32_t had = a->len;
    bool had_fin = a->fin;
    enum wgt_drop drop = WGT_OK;

    if (had == 0 && !had_fin)
        return WGT_OK;
    if (c->state != TCP_ESTABLISHED && c->state != TCP_FIN_WAIT_1 && c->state != TCP_FIN_WAIT_2) {
        owe_ack(c); /* behind the peer's own FIN */
        return had > 0 ? WGT_DROP_TCP_AFTER_CLOSE : WGT_OK;
    }
    if (had_fin && !c->fin_seen && seq_leq(arrival_end(a), c->rcv_adv)) {
        c->fin_seen = true;
        c->fin_seq = arrival_end(a) - 1;
    }
    trim(c, a);
    if (a->len > 0)
        drop = take_data(c, now, a);
    else
        owe_ack_alone(c);
    if (had > 0 && a->len == 0)
        drop = seq_lt(a->seq, c->rcv_adv) ? WGT_DROP_TCP_DUPLICATE : WGT_DROP_TCP_SEQUENCE;
    if (c->fin_seen && !c->fin_received && c->rcv_nxt == c->fin_seq)
        take_fin(c, now);
    return drop;
}

/* A duplicate of what we have, or outside the window: the peer is told where we are. */
static enum wgt_drop
refuse_sequence(struct tcp_conn *c, wgt_time now, struct arrival *a)
{
    uint32_t end = arrival_end(a);

    if (a->seg->flags & TCP_SYN) {
        tcp_challenge(c, now);
        return WGT_DROP_TCP_SYN_IN_WINDOW;
    }
    if (a->len == 0 && !a->fin) {
        tcp_challenge(c, now);
        return WGT_DROP_TCP_SEQUENCE;
    }
    if (c->state == TCP_TIME_WAIT && a->fin)
        tcp_enter_time_wait(c, now);
    owe_ack_alone(c);
    if (!seq_leq(end, c->rcv_nxt))
        return WGT_DROP_TCP_SEQUENCE;
    tcp_dsack_note(c, a->seq, a->seq + a->len);
    return a->len > 0 ? WGT_DROP_TCP_DUPLICATE : WGT_DROP_TCP_SEQUENCE;
}

/*
 * RFC 5961 3.2: the next sequence number exactly. Two that a peer without our ACKs may take for it:
 * behind the highest data that we have SACKed, and that of its own FIN.
 */
static bool
reset_matches(const struct tcp_conn *c, const struct tcp_segment *seg)
{
    if (seg->seq == c->rcv_nxt)
        return true;
    if (c->sack_ok && c->run_tail != NULL && seg->seq == c->run_tail->right)
        return true;
    return c->fin_received && seg->seq == c->rcv_nxt - 1 && c->state != TCP_TIME_WAIT;
}

static enum wgt_drop
take_reset(struct tcp_conn *c, wgt_time now, const struct tcp_segment *seg)
{
    if (reset_matches(c, seg)) {
        if (c->state == TCP_TIME_WAIT)
            tcp_finish(c, TCP_END_NORMAL);
        else if (c->state == TCP_SYN_RECEIVED && !c->passive)
            tcp_finish(c, TCP_END_REFUSED);
        else
            tcp_finish(c, TCP_END_RESET);
        return WGT_OK;
    }
    if (seg->seq - c->rcv_nxt < c->rcv_adv - c->rcv_nxt) {
        tcp_challenge(c, now);
        return WGT_DROP_TCP_RST_CHALLENGED;
    }
    return WGT_DROP_TCP_RST_IGNORED;
}

/*
 * Beyond the table of acceptability: with a closed window the ACK of a data segment at RCV.NXT is
 * taken (RFC 9293 3.10.7.4, first), and so is an ACK without text at the right edge, which is where
 * SND.NXT of a peer lies that has filled the window.
 */
static bool
acceptable(const struct tcp_conn *c, const struct arrival *a)
{
    uint32_t len = arrival_end(a) - a->seq;

    if (tcp_window_accepts(c, a->seq, len))
        return true;
    if (c->rcv_adv == c->rcv_nxt)
        return a->seq == c->rcv_nxt;
    return len == 0 && a->seq == c->rcv_adv;
}

/* Our FIN is acknowledged. */
static void
fin_acknowledged(struct tcp_conn *c, wgt_time now)
{
    switch (c->state) {
    case TCP_FIN_WAIT_1:
        tcp_enter_fin_wait_2(c, now);
        break;
    case TCP_CLOSING:
        tcp_enter_time_wait(c, now);
        break;
    case TCP_LAST_ACK:
        tcp_finish(c, TCP_END_NORMAL);
        break;
    default:
        break;
    }
}

/* Fifth, in SYN-RECEIVED: does it acknowledge our SYN? */
static bool
take_handshake_ack(struct tcp_conn *c, wgt_time now, const struct arrival *a)
{
    const struct tcp_segment *seg = a->seg;

    if (!seq_lt(c->snd_una, seg->ack) || !seq_leq(seg->ack, c->snd_nxt)) {
        tcp_queue_reset_for(c, seg);
        return false;
    }
    tcp_establish(c, now, seg);
    c->snd_wnd = c->snd_wnd_max = (uint32_t)seg->window
                                  << (seg->flags & TCP_SYN ? 0 : c->snd_shift);
    c->snd_wl1 = a->seq;
    c->snd_wl2 = seg->ack;
    return true;
}

/* The peer has bytes that we never sent: somebody put them into the stream. One such ACK may be
 * forged itself and means nothing; see is_beyond_repair in timer.c. */
static void
unsent_acked(struct tcp_conn *c, uint32_t ack)
{
    if (c->unsent_una != c->snd_una)
        c->unsent_acks = 0;
    c->unsent_una = c->snd_una;
    c->unsent_ack = ack;
    if (c->unsent_acks < UINT8_MAX)
        c->unsent_acks++;
}

/* Fifth: the ACK field (RFC 5961 5.2). */
static bool
take_ack(struct tcp_conn *c, wgt_time now, const struct arrival *a)
{
    const struct tcp_segment *seg = a->seg;
    uint32_t flight = tcp_outstanding(c);

    if (c->state == TCP_SYN_RECEIVED)
        return take_handshake_ack(c, now, a);
    if (seq_lt(seg->ack, c->snd_una - c->snd_wnd_max) || seq_lt(c->snd_nxt, seg->ack)) {
        if (seq_lt(c->snd_nxt, seg->ack))
            unsent_acked(c, seg->ack);
        tcp_challenge(c, now);
        return false;
    }
    tcp_ack(c, now, seg, a->seq);
    tcp_ecn_ack(c, now, seg, flight);
    if (c->fin_sent && c->snd_una == c->snd_nxt)
        fin_acknowledged(c, now);
    return true;
}

/* In SYN-RECEIVED the peer's SYN may come again (our answer was lost), or with the ACK of ours
 * (simultaneous open). */
static bool
syn_again(const struct tcp_conn *c, const struct tcp_segment *seg)
{
    return c->state == TCP_SYN_RECEIVED && (seg->flags & (TCP_SYN | TCP_RST)) == TCP_SYN &&
           seg->seq == c->rcv_nxt - 1;
}

/* RFC 9293 3.8.4: the peer's own probe lies just before the window, and may carry a byte. */
static bool
is_keepalive_probe(const struct tcp_conn *c, const struct arrival *a)
{
    return a->seq == c->rcv_nxt - 1 && a->len <= 1 && !(a->seg->flags & (TCP_SYN | TCP_FIN));
}

static enum wgt_drop
input_synchronised(struct tcp_conn *c, wgt_time now, struct arrival *a)
{
    const struct tcp_segment *seg = a->seg;
    bool handshake = false;

    if (syn_again(c, seg)) {
        if (!(seg->flags & TCP_ACK)) {
            if (now >= c->challenge_at) {
                c->challenge_at = now + TCP_CHALLENGE_SPACE;
                c->syn_due = true;
                tcp_ecn_learn(c, seg); /* it may ask for less than the first */
            }
            return WGT_DROP_TCP_DUPLICATE;
        }
        handshake = true;
    }
    if (seg->flags & TCP_RST)
        return take_reset(c, now, seg);
    if (tcp_paws_rejects(c, now, seg)) {
        if (a->len > 0 || a->fin)
            owe_ack_alone(c);
        else
            tcp_challenge(c, now);
        return WGT_DROP_TCP_PAWS;
    }
    /* Only what cannot be forged blindly says that the peer lives. */
    if (acceptable(c, a) || is_keepalive_probe(c, a))
        tcp_keepalive_heard(c, now);
    if (!acceptable(c, a))
        return refuse_sequence(c, now, a);
    if ((seg->flags & TCP_SYN) && !handshake) {
        tcp_challenge(c, now);
        return WGT_DROP_TCP_SYN_IN_WINDOW;
    }
    if (!(seg->flags & TCP_ACK))
        return WGT_DROP_TCP_NO_ACK;
    if (!take_ack(c, now, a))
        return WGT_DROP_TCP_ACK;
    if (c->state == TCP_CLOSED)
        return WGT_OK;
    tcp_ts_update(c, now, seg, a->seq);
    tcp_ecn_data(c, seg);
    c->urgent += !!(seg->flags & TCP_URG);
    return take_text(c, now, a);
}

/* RFC 9293 3.10.7.3. */
static enum wgt_drop
input_syn_sent(struct tcp_conn *c, wgt_time now, struct arrival *a)
{
    const struct tcp_segment *seg = a->seg;
    bool acks_syn =
        (seg->flags & TCP_ACK) && seq_lt(c->iss, seg->ack) && seq_leq(seg->ack, c->snd_nxt);

    if ((seg->flags & TCP_ACK) && !acks_syn) {
        tcp_queue_reset_for(c, seg);
        return WGT_DROP_TCP_ACK;
    }
    if (seg->flags & TCP_RST) {
        if (!acks_syn)
            return WGT_DROP_TCP_RST_IGNORED;
        tcp_finish(c, TCP_END_REFUSED);
        return WGT_OK;
    }
    if (!(seg->flags & TCP_SYN))
        return WGT_DROP_TCP_FLAGS;

    c->rcv_nxt = seg->seq + 1;
    c->rcv_adv = c->rcv_nxt + tcp_window_on_syn(c);
    tcp_options_learn(c, now, seg);
    if (!acks_syn) {
        /* Simultaneous open. Text that came along will come again. */
        c->state = TCP_SYN_RECEIVED;
        c->syn_due = true;
        return WGT_OK;
    }
    tcp_keepalive_heard(c, now);
    tcp_establish(c, now, seg);
    c->snd_wnd = c->snd_wnd_max = seg->window; /* not scaled in a SYN */
    c->snd_wl1 = seg->seq;
    c->snd_wl2 = seg->ack;
    owe_ack(c);
    return take_text(c, now, a);
}

static enum wgt_drop
input_closed(struct tcp_conn *c, const struct tcp_segment *seg)
{
    tcp_queue_reset_for(c, seg);
    return seg->payload.len > 0 ? WGT_DROP_TCP_AFTER_CLOSE : WGT_DROP_TCP_NO_CONNECTION;
}

/* Anything but what was expected. */
static enum wgt_drop
input_any(struct tcp_conn *c, wgt_time now, const struct tcp_segment *seg, struct tcp_chunk *rx,
          bool *kept)
{
    struct arrival a = {.seg = seg,
                        .rx = rx,
                        .kept = kept,
                        .seq = seg->seq + !!(seg->flags & TCP_SYN),
                        .data = seg->payload.data,
                        .len = (uint32_t)seg->payload.len,
                        .fin = seg->flags & TCP_FIN};
    enum wgt_drop drop;

    *kept = false;
    if (c->state == TCP_CLOSED)
        drop = input_closed(c, seg);
    else if (c->state == TCP_SYN_SENT)
        drop = input_syn_sent(c, now, &a);
    else
        drop = input_synchronised(c, now, &a);
    tcp_timers_store(c);
    return drop;
}

/*
 * Header prediction (RFC 7323 5.6): most segments of one who only sends are the next in order, and
 * say nothing else. They pass all checks of input_synchronised: what those would do is done at
 * once.
 */
static bool
is_expected(const struct tcp_conn *c, const struct tcp_segment *seg)
{
    uint32_t wnd = (uint32_t)seg->window << c->snd_shift;

    return c->state == TCP_ESTABLISHED && seg->seq == c->rcv_nxt && seg->payload.len > 0 &&
           seg->payload.len <= c->rcv_adv - c->rcv_nxt && (seg->flags & ~TCP_PSH) == TCP_ACK &&
           !seg->ce && seg->n_sack == 0 && seg->ack == c->snd_una && c->tx->sent_head == NULL &&
           wnd == c->snd_wnd && wnd > 0 && !c->fin_seen && c->run_head == NULL &&
           c->ready_chunks == 0 && !(c->ts_ok && seg->has_ts && seq_lt(seg->ts_val, c->ts_recent));
}

static void
take_expected(struct tcp_conn *c, wgt_time now, const struct tcp_segment *seg, struct tcp_chunk *rx)
{
    uint32_t len = (uint32_t)seg->payload.len;

    tcp_keepalive_heard(c, now);
    if (!seq_lt(seg->seq, c->snd_wl1)) {
        c->snd_wl1 = seg->seq;
        c->snd_wl2 = seg->ack;
    }
    c->probe_unanswered = false;
    tcp_ts_update(c, now, seg, seg->seq);
    make_chunk(rx, seg->payload.data, len, seg->seq);
    tcp_rx_take_next(c, rx);
    c->bytes_received += len;
    owe_delayed_ack(c, now, len);
    /* No other timer comes any nearer. */
    c->deadline = wgt_time_min(c->deadline, c->delayed_ack_at);
}

enum wgt_drop
tcp_input(struct tcp_conn *c, wgt_time now, const struct tcp_segment *seg, struct tcp_chunk *rx,
          bool *kept)
{
    if (rx != NULL && is_expected(c, seg)) {
        take_expected(c, now, seg, rx);
        *kept = true;
        return WGT_OK;
    }
    return input_any(c, now, seg, rx, kept);
}
