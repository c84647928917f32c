/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Timers. Each is one instant in the connection; what expires is decided here and acted on by
 * tcp_output, and the earliest is the deadline. Both read the same fields, so that a deadline that
 * has passed always causes something.
 */
#include "internal.h"

/* Whether the peer owes us progress (R2 of RFC 9293 3.8.3). A user timeout below the RTO would end
 * a connection before it could say anything (RFC 5482 3.1). */
static wgt_time
give_up_at(const struct tcp_conn *c)
{
    wgt_time patience = c->options.user_timeout_ms * WGT_MSEC;

    /* A SYN that crosses ours (somebody may have forged it) gives no more time. */
    if (c->state == TCP_SYN_SENT || (c->state == TCP_SYN_RECEIVED && !c->passive))
        return c->options.connect_timeout_ms > 0
                   ? c->progress + c->options.connect_timeout_ms * WGT_MSEC
                   : WGT_NEVER;
    if (c->tx->sent_head == NULL && !c->probe_unanswered)
        return WGT_NEVER;
    if (patience < 2 * c->rtt.rto)
        patience = 2 * c->rtt.rto;
    return c->progress + patience;
}

void
tcp_timers_stop(struct tcp_conn *c)
{
    c->rto_at = c->delayed_ack_at = c->state_at = WGT_NEVER;
}

void
tcp_timers_store(struct tcp_conn *c)
{
    const struct tcp_tx *tx = c->tx;
    wgt_time at;

    if (c->state == TCP_CLOSED)
        return; /* tcp_deadline knows */
    at = wgt_time_min(c->rto_at, tx->persist_at);
    at = wgt_time_min(at, wgt_time_min(c->delayed_ack_at, c->state_at));
    at = wgt_time_min(at, tcp_keepalive_at(c));
    at = wgt_time_min(at, wgt_time_min(tx->tlp_at, tx->rack_at));
    at = wgt_time_min(at, tx->pace_wake);
    c->deadline = wgt_time_min(at, give_up_at(c));
}

wgt_time
tcp_deadline(const struct tcp_conn *c)
{
    return c->state == TCP_CLOSED ? WGT_NEVER : c->deadline;
}

static void
give_up(struct tcp_conn *c)
{
    if (c->state != TCP_SYN_SENT) /* RFC 9293 3.10.5: there is nobody to reset yet */
        tcp_queue_reset(c);
    tcp_finish(c, TCP_END_TIMEOUT);
}

/* The SYN or SYN,ACK was not answered. */
static void
syn_expired(struct tcp_conn *c, wgt_time now)
{
    int limit = c->state == TCP_SYN_SENT ? TCP_SYN_RETRIES : TCP_SYN_ACK_RETRIES;

    if (!c->options.syn_rto_known && c->syn_retries >= limit) {
        tcp_finish(c, TCP_END_TIMEOUT);
        return;
    }
    if (c->syn_retries < UINT8_MAX)
        c->syn_retries++;
    if (!c->options.syn_rto_known)
        c->rto_backoff++;
    c->syn_due = true;
    c->rto_at = now + tcp_rto(c);
}

/* The peer acknowledges again and again what we have not sent, and nothing else any more: bytes
 * were forged into our stream, and each side takes the other's segments for old or mad (RFC 9293
 * has no way out). That it times out as well is what nobody can bring about by forging ACKs alone.
 */
static bool
is_beyond_repair(const struct tcp_conn *c)
{
    return c->unsent_acks >= TCP_UNSENT_ACKS && c->unsent_una == c->snd_una;
}

static void
retransmission_expired(struct tcp_conn *c, wgt_time now)
{
    if (c->state == TCP_SYN_SENT || c->state == TCP_SYN_RECEIVED) {
        syn_expired(c, now);
        return;
    }
    if (c->tx->sent_head == NULL) {
        c->rto_at = WGT_NEVER;
        return;
    }
    if (is_beyond_repair(c)) {
        give_up(c);
        c->rst_seq = c->unsent_ack; /* where the peer believes the stream to be */
        return;
    }
    c->tx->rto_count = tcp_stalled(c) ? c->tx->rto_count + 1 : 1;
    if (c->options.rto_limit > 0 && c->tx->rto_count >= c->options.rto_limit) {
        give_up(c);
        return;
    }
    tcp_mtu_timeout(c, now);
    tcp_recovery_timeout(c, now);
    c->rto_at = now + tcp_rto(c);
}

/* RFC 9293 3.8.6.1 for a window of zero; 3.8.6.2.1 (override) for one smaller than a segment. */
static void
persist_expired(struct tcp_conn *c, wgt_time now)
{
    wgt_time interval;

    /* Probes grow rare; only from the first that finds no answer on is the peer silent. */
    if (!c->probe_unanswered)
        c->progress = now;
    c->probe_unanswered = true;
    if (c->snd_wnd == 0)
        c->probe_due = true;
    else
        c->override_due = true;
    if (c->persist_backoff < 16)
        c->persist_backoff++;
    interval = c->rtt.rto << c->persist_backoff;
    c->tx->persist_at = now + wgt_time_min(interval, TCP_RTO_MAX);
}

static void
state_expired(struct tcp_conn *c)
{
    if (c->state == TCP_TIME_WAIT) {
        tcp_finish(c, TCP_END_NORMAL);
        return;
    }
    tcp_queue_reset(c); /* FIN-WAIT-2: the peer forgot to close, or is gone */
    tcp_finish(c, TCP_END_TIMEOUT);
}

void
tcp_timers_expire(struct tcp_conn *c, wgt_time now)
{
    if (c->state == TCP_CLOSED)
        return;
    if (give_up_at(c) <= now) {
        give_up(c);
        return;
    }
    if (tcp_keepalive_at(c) <= now && !tcp_keepalive_expired(c, now)) {
        give_up(c);
        return;
    }
    if (c->state_at <= now) {
        state_expired(c);
        return;
    }
    if (c->delayed_ack_at <= now) {
        c->delayed_ack_at = WGT_NEVER;
        c->ack_now = true;
    }
    if (c->tx->persist_at <= now)
        persist_expired(c, now);
    if (c->tx->pace_wake <= now)
        c->tx->pace_wake = WGT_NEVER;
    if (c->tx->rack_at <= now)
        tcp_recovery_reorder_timer(c, now);
    if (c->tx->tlp_at <= now)
        tcp_tlp_expired(c, now);
    if (c->rto_at <= now)
        retransmission_expired(c, now);
}
