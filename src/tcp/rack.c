/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Losses by time (RACK, RFC 8985 6): what left a round trip and a reordering window before
 * something that has arrived is lost. Transmissions are numbered, so "sent after" needs no
 * tie-break, and the list of what is in flight is in that order: detection walks over what it finds
 * lost and no more.
 */
#include "internal.h"

enum { RACK_PERSIST = 16, RACK_MULT_MAX = 16 };

/* 6.2 steps 2 and 3: s has arrived; last: by its last transmission. What one ACK reports has no
 * order of its own: reordering is judged by what was known before it. */
void
tcp_rack_delivered(struct tcp_conn *c, const struct tcp_delivery *d, const struct tcp_sent *s,
                   bool last)
{
    struct tcp_rack *r = &c->rack;
    uint32_t end = s->seq + tcp_sent_seq_len(s);

    c->tx->fack = tcp_seq_max(c->tx->fack, end);
    if (seq_lt(end, d->prior_fack) && !(s->flags & TCP_SENT_RETRANSMITTED))
        r->reordering_seen = true;
    if (!last || s->order < c->tx->rack_order)
        return;
    c->tx->rack_order = s->order;
    r->rtt = d->now - s->time;
}

/* 6.2 step 4: D-SACKs say that the window was too small. Once a round trip. */
void
tcp_rack_dsack(struct tcp_conn *c)
{
    struct tcp_rack *r = &c->rack;

    if (r->dsack_round)
        return;
    r->dsack_round = true;
    r->dsack_end = c->snd_nxt;
    if (r->mult < RACK_MULT_MAX)
        r->mult++;
    r->persist = RACK_PERSIST;
}

void
tcp_rack_recovery_ends(struct tcp_conn *c)
{
    struct tcp_rack *r = &c->rack;

    if (r->persist > 0)
        r->persist--;
    if (r->persist == 0)
        r->mult = 1;
}

void
tcp_rack_init(struct tcp_conn *c)
{
    c->rack = (struct tcp_rack){.mult = 1};
}

static wgt_time
reordering_window(const struct tcp_conn *c)
{
    const struct tcp_rack *r = &c->rack;
    wgt_time min = tcp_rtt_min(&c->rtt);

    if (!r->reordering_seen &&
        (c->recovery != TCP_RECOVERY_NONE || c->tx->n_sacked >= TCP_DUP_THRESHOLD))
        return 0;
    if (min == WGT_NEVER)
        return 0;
    return wgt_time_min(r->mult * (min / 4), c->rtt.srtt);
}

/* 6.2 step 5. Whether there was one. */
bool
tcp_rack_detect(struct tcp_conn *c, wgt_time now)
{
    struct tcp_tx *tx = c->tx;
    wgt_time patience = c->rack.rtt + reordering_window(c);
    bool found = false;

    tx->rack_at = WGT_NEVER;
    while (tx->flight.head != NULL && tx->flight.head->order < tx->rack_order) {
        struct tcp_sent *s = tx->flight.head;

        if (s->time + patience > now) {
            tx->rack_at = s->time + patience;
            break;
        }
        tcp_recovery_lose(c, now, s);
        found = true;
    }
    return found;
}

/* 6.3: the retransmission timer has expired: the first segment is lost, of the others those that
 * had time enough to arrive. */
void
tcp_rack_timeout(struct tcp_conn *c, wgt_time now)
{
    wgt_time patience = c->rack.rtt + reordering_window(c);
    struct tcp_sent *next;

    for (struct tcp_sent *s = c->tx->flight.head; s != NULL; s = next) {
        next = s->after;
        if (s == c->tx->sent_head || s->time + patience <= now)
            tcp_recovery_lose(c, now, s);
    }
    c->tx->rack_at = WGT_NEVER;
}
