/* SPDX-License-Identifier: BSD-3-Clause */
/* Life of a connection: opening, closing, ending; what is asked of it from outside. */
#include "internal.h"

static uint32_t
milliseconds(wgt_time t)
{
    return (uint32_t)wgt_time_min((t + WGT_MSEC - 1) / WGT_MSEC, UINT32_MAX);
}

static void
keep_options(struct tcp_settings *s, const struct tcp_options *o)
{
    uint32_t buffer = tcp_min(o->receive_buffer, UINT32_C(1) << 30);

    *s = (struct tcp_settings){
        .src_port = o->src_port,
        .dst_port = o->dst_port,
        .mss_local = o->mss_local,
        .mss_default = o->mss_default,
        .mss_base = o->mss_base,
        .rto_limit = o->rto_limit,
        .ecn = o->ecn,
        .syn_rto_known = o->syn_rto > 0,
        .receive_buffer = buffer,
        .receive_buffer_max = tcp_max(buffer, tcp_min(o->receive_buffer_max, UINT32_C(1) << 30)),
        .ts_offset = o->ts_offset,
        .keepalive_ms = milliseconds(o->keepalive),
        .connect_timeout_ms = milliseconds(o->connect_timeout),
        .user_timeout_ms = milliseconds(o->user_timeout > 0 ? o->user_timeout : TCP_USER_TIMEOUT),
    };
}

static void
open_common(struct tcp_conn *c, wgt_time now, const struct tcp_options *o)
{
    memset(c, 0, sizeof(*c));
    keep_options(&c->options, o);
    c->memory = o->memory;
    c->cc.ops = o->cc != NULL ? o->cc : &tcp_cc_bbr;
    c->iss = c->snd_una = c->snd_nxt = o->iss;
    c->recovery_point = o->iss;
    tcp_tx_none(c);
    c->tx_end = o->iss + 1;
    c->syn_due = true;
    c->rcv_mss = (uint16_t)tcp_min(o->mss_default, o->mss_local);
    c->progress = now;
    c->last_sent = now;
    tcp_keepalive_heard(c, now);
    tcp_rtt_init(&c->rtt);
    tcp_rack_init(c);
    if (o->syn_rto > 0)
        c->rtt.rto = o->syn_rto;
    tcp_timers_stop(c);
}

void
tcp_open_active(struct tcp_conn *c, wgt_time now, const struct tcp_options *o)
{
    open_common(c, now, o);
    c->state = TCP_SYN_SENT;
    tcp_timers_store(c);
}

enum wgt_drop
tcp_open_passive(struct tcp_conn *c, wgt_time now, const struct tcp_options *o,
                 const struct tcp_segment *syn)
{
    if ((syn->flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) != TCP_SYN)
        return WGT_DROP_TCP_FLAGS;
    open_common(c, now, o);
    c->passive = true;
    c->state = TCP_SYN_RECEIVED;
    c->rcv_nxt = syn->seq + 1;
    c->rcv_adv = c->rcv_nxt + tcp_window_on_syn(c);
    tcp_options_learn(c, now, syn);
    tcp_timers_store(c);
    return WGT_OK;
}

/* RTT of the handshake; Karn's rule holds for SYNs too (RFC 6298 3). */
static void
handshake_rtt(struct tcp_conn *c, wgt_time now, const struct tcp_segment *seg)
{
    int32_t ticks = (int32_t)(tcp_ts_at(c, now) - seg->ts_ecr);

    if (c->syn_sends == 1)
        tcp_rtt_sample(&c->rtt, now, now - c->last_sent, 1);
    else if (c->ts_ok && seg->has_ts && ticks >= 0)
        tcp_rtt_sample(&c->rtt, now, wgt_time_min((wgt_time)ticks * WGT_MSEC, TCP_RTO_MAX), 1);
    else
        c->rtt.rto = TCP_RTO_AFTER_SYN;
}

/* Our SYN is acknowledged by seg. */
void
tcp_establish(struct tcp_conn *c, wgt_time now, const struct tcp_segment *seg)
{
    c->state = c->fin_queued ? TCP_FIN_WAIT_1 : TCP_ESTABLISHED;
    c->snd_una = seg->ack;
    c->syn_due = false;
    handshake_rtt(c, now, seg);
    c->rto_at = WGT_NEVER;
    c->rto_backoff = 0;
    c->progress = c->last_sent = now;
    c->tlp.sampled = tcp_rtt_measured(&c->rtt);
    tcp_cc_init(&c->cc, c->cc.ops, c->mss, now, c->syn_retries > 1);
}

static void
discard_sending(struct tcp_conn *c)
{
    tcp_sent_forget(c);
    tcp_give_back(c, c->tx->queue.head, c->tx->queue.tail);
    tcp_tx_end(c);
}

void
tcp_finish(struct tcp_conn *c, enum tcp_end end)
{
    c->state = TCP_CLOSED;
    c->end = end;
    discard_sending(c);
    tcp_rx_discard_runs(c);
    tcp_timers_stop(c);
    c->syn_due = c->probe_due = c->ack_now = c->ack_alone = false;
    c->dup_acks_owed = 0;
}

void
tcp_enter_time_wait(struct tcp_conn *c, wgt_time now)
{
    c->state = TCP_TIME_WAIT;
    c->rto_at = WGT_NEVER;
    c->state_at = now + TCP_TIME_WAIT_LENGTH;
}

void
tcp_enter_fin_wait_2(struct tcp_conn *c, wgt_time now)
{
    c->state = TCP_FIN_WAIT_2;
    c->state_at = now + TCP_FIN_WAIT_2_LENGTH;
}

void
tcp_queue_reset(struct tcp_conn *c)
{
    c->rst_due = true;
    c->rst_flags = TCP_RST | TCP_ACK;
    c->rst_seq = c->snd_nxt;
    c->rst_ack = c->rcv_nxt;
}

bool
tcp_reset_for(const struct tcp_segment *in, struct tcp_segment *out)
{
    if (in->flags & TCP_RST)
        return false;
    *out = (struct tcp_segment){.src_port = in->dst_port, .dst_port = in->src_port};
    if (in->flags & TCP_ACK) {
        out->seq = in->ack;
        out->flags = TCP_RST;
    } else {
        out->ack = in->seq + tcp_segment_seq_len(in);
        out->flags = TCP_RST | TCP_ACK;
    }
    return true;
}

void
tcp_queue_reset_for(struct tcp_conn *c, const struct tcp_segment *seg)
{
    struct tcp_segment reset;

    /* A reset of the connection itself goes first. */
    if (c->rst_due || !tcp_reset_for(seg, &reset))
        return;
    c->rst_due = true;
    c->rst_flags = reset.flags;
    c->rst_seq = reset.seq;
    c->rst_ack = reset.ack;
}

/* RFC 5961 7: a limit of this connection alone; one that connections share would tell a third party
 * about them. */
void
tcp_challenge(struct tcp_conn *c, wgt_time now)
{
    if (now < c->challenge_at)
        return;
    c->challenge_at = now + TCP_CHALLENGE_SPACE;
    c->ack_now = c->ack_alone = true;
}

bool
tcp_send(struct tcp_conn *c, wgt_time now, struct tcp_chunk *chunk)
{
    (void)now;
    if (chunk->len == 0 || c->fin_queued)
        return false;
    if (c->state != TCP_SYN_SENT && c->state != TCP_SYN_RECEIVED && c->state != TCP_ESTABLISHED &&
        c->state != TCP_CLOSE_WAIT)
        return false;
    if (!tcp_tx_begin(c))
        return false;
    chunk->seq = c->tx_end;
    chunk->sent.flags = 0;
    c->tx_end += chunk->len;
    tcp_queue_push(&c->tx->queue, chunk);
    if (c->tx->unsent == NULL)
        c->tx->unsent = chunk;
    return true;
}

void
tcp_close(struct tcp_conn *c, wgt_time now)
{
    (void)now;
    if (c->fin_queued)
        return;
    switch (c->state) {
    case TCP_SYN_SENT:
        tcp_finish(c, TCP_END_ABORTED);
        break;
    case TCP_SYN_RECEIVED: /* the FIN waits for the handshake (RFC 9293 3.10.4) */
        c->fin_queued = true;
        break;
    case TCP_ESTABLISHED:
        c->fin_queued = true;
        c->state = TCP_FIN_WAIT_1;
        break;
    case TCP_CLOSE_WAIT:
        c->fin_queued = true;
        c->state = TCP_LAST_ACK;
        break;
    default:
        break;
    }
    tcp_timers_store(c);
}

void
tcp_abort(struct tcp_conn *c, wgt_time now)
{
    (void)now;
    if (c->state == TCP_CLOSED)
        return;
    if (c->state != TCP_SYN_SENT && c->state != TCP_TIME_WAIT)
        tcp_queue_reset(c);
    tcp_finish(c, TCP_END_ABORTED);
    tcp_give_back(c, c->ready.head, c->ready.tail);
    c->ready = (struct tcp_chunk_queue){0};
    c->ready_bytes = c->ready_chunks = 0;
    tcp_timers_store(c);
}

struct tcp_chunk *
tcp_reclaim(struct tcp_conn *c)
{
    struct tcp_chunk *chunk = c->done;

    if (chunk == NULL)
        return c->state == TCP_CLOSED ? tcp_recv(c) : NULL;
    c->done = chunk->next;
    chunk->next = NULL;
    return chunk;
}

/* Bytes that both windows would let out now. */
static uint32_t
open_window(const struct tcp_conn *c)
{
    uint32_t edge = c->snd_una + c->snd_wnd;
    uint32_t by_peer = seq_lt(c->snd_nxt, edge) ? edge - c->snd_nxt : 0;
    uint32_t pipe = tcp_pipe(c);
    uint32_t by_network = c->cc.cwnd - tcp_min(c->cc.cwnd, pipe);

    return tcp_min(by_peer, by_network - tcp_min(by_network, c->tx->lost.bytes));
}

static bool
may_queue(const struct tcp_conn *c)
{
    return !c->fin_queued && (c->state == TCP_ESTABLISHED || c->state == TCP_CLOSE_WAIT);
}

/* With nothing under way something must be: it is what window probes ask for room for. */
uint32_t
tcp_send_room(const struct tcp_conn *c, wgt_time now)
{
    uint32_t room, unsent = tcp_unsent(c);

    if (!may_queue(c))
        return 0;
    room = open_window(c);
    if (c->tx->sent_head == NULL && unsent == 0)
        room = tcp_max(room, TCP_ROOM_MIN);
    room = tcp_min(room, tcp_pace_allows(c, now));
    return room - tcp_min(room, unsent);
}

wgt_time
tcp_send_room_at(const struct tcp_conn *c, wgt_time now)
{
    if (!may_queue(c) || open_window(c) == 0)
        return WGT_NEVER;
    return tcp_pace_at(c, now);
}

uint32_t
tcp_unsent(const struct tcp_conn *c)
{
    return c->tx->unsent == NULL ? 0 : c->tx_end - c->tx->unsent->seq - c->tx->unsent_offset;
}

struct tcp_chunk *
tcp_first_queued(const struct tcp_conn *c)
{
    return c->tx->queue.head;
}

uint32_t
tcp_flight(const struct tcp_conn *c)
{
    return tcp_outstanding(c);
}

wgt_time
tcp_srtt(const struct tcp_conn *c)
{
    return c->rtt.srtt;
}

wgt_time
tcp_late_rtt(const struct tcp_conn *c)
{
    return c->rtt.srtt + 4 * c->rtt.rttvar;
}

uint64_t
tcp_window_rate(const struct tcp_conn *c)
{
    return c->rtt.srtt > 0 ? c->cc.cwnd * WGT_SEC / c->rtt.srtt : 0;
}

void
tcp_set_congestion(struct tcp_conn *c, wgt_time now, const struct tcp_cc_ops *ops)
{
    if (c->cc.cwnd == 0 || c->cc.ops == ops)
        return;
    tcp_cc_change(&c->cc, ops, now);
    tcp_recovery_adopt(c, now);
}

enum tcp_state
tcp_state(const struct tcp_conn *c)
{
    return c->state;
}

bool
tcp_stalled(const struct tcp_conn *c)
{
    return c->tx->sent_head != NULL && c->tx->rto_count > 0 && c->tx->timed_out == c->snd_una;
}

enum tcp_end
tcp_end(const struct tcp_conn *c)
{
    return c->end;
}

bool
tcp_peer_closed(const struct tcp_conn *c)
{
    return c->fin_received;
}

const char *
tcp_state_name(enum tcp_state s)
{
    static const char *const names[] = {
        [TCP_CLOSED] = "CLOSED",
        [TCP_SYN_SENT] = "SYN-SENT",
        [TCP_SYN_RECEIVED] = "SYN-RECEIVED",
        [TCP_ESTABLISHED] = "ESTABLISHED",
        [TCP_FIN_WAIT_1] = "FIN-WAIT-1",
        [TCP_FIN_WAIT_2] = "FIN-WAIT-2",
        [TCP_CLOSE_WAIT] = "CLOSE-WAIT",
        [TCP_CLOSING] = "CLOSING",
        [TCP_LAST_ACK] = "LAST-ACK",
        [TCP_TIME_WAIT] = "TIME-WAIT",
    };

    return (unsigned)s < sizeof(names) / sizeof(names[0]) ? names[s] : "unknown";
}

static const char *
recovery_name(enum tcp_recovery r)
{
    return r == TCP_RECOVERY_FAST ? "fast" : r == TCP_RECOVERY_LOSS ? "timeout" : "none";
}

void
tcp_info(const struct tcp_conn *c, struct tcp_info *out)
{
    *out = (struct tcp_info){
        .state = c->state,
        .cc = c->cc.ops != NULL ? c->cc.ops->name : "none",
        .recovery = recovery_name(c->recovery),
        .min_rtt = tcp_rtt_min(&c->rtt),
        .pacing_rate = tcp_pacing_rate(c),
        .delivery_rate = c->rate.last,
        .app_limited = c->rate.app_limited != 0,
        .reordering_seen = c->rack.reordering_seen,
        .bytes_lost = c->rate.lost,
        .loss_probes = c->tlp_probes,
        .copies = c->copies,
        .spurious = c->undone,
        .srtt = c->rtt.srtt,
        .rttvar = c->rtt.rttvar,
        .rto = tcp_rto(c),
        .cwnd = c->cc.cwnd,
        .ssthresh = c->cc.ssthresh,
        .mss = tcp_mss(c),
        .flight = tcp_outstanding(c),
        .unsent = tcp_unsent(c),
        .snd_wnd = c->snd_wnd,
        .rcv_wnd = c->rcv_adv - c->rcv_nxt,
        .bytes_acked = c->bytes_acked,
        .bytes_received = c->bytes_received,
        .segments_retransmitted = c->segments_retransmitted,
        .timeouts = c->timeouts,
        .fast_retransmits = c->fast_retransmits,
        .ecn = c->ecn.ok,
        .soft_errors = c->soft_errors,
        .urgent = c->urgent,
    };
}
