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

    if (!r->any || seq_lt(r->fack, end))
        r->fack = end;
    if (seq_lt(end, d->prior_fack) && !(s->flags & TCP_SENT_RETRANSMITTED))
        r->reordering_seen = true;
    r->any = true;
    if (!last || s->order < r->order)
        return;
    r->order = s->order;
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
    c->rack = (struct tcp_rack){.mult = 1, .at = WGT_NEVER};
}

static wgt_time
reordering_window(const struct tcp_conn *c)
{
    const struct tcp_rack *r = &c->rack;
    wgt_time min = tcp_rtt_min(&c->rtt);

    if (!r->reordering_seen &&
        (c->recovery != TCP_RECOVERY_NONE || c->n_sacked >= TCP_DUP_THRESHOLD))
        return 0;
    if (min == WGT_NEVER)
        return 0;
    return wgt_time_min(r->mult * (min / 4), c->rtt.srtt);
}

/* 6.2 step 5. Whether there was one. */
bool
tcp_rack_detect(struct tcp_conn *c, wgt_time now)
{
    struct tcp_rack *r = &c->rack;
    wgt_time patience = r->rtt + reordering_window(c);
    bool found = false;

    r->at = WGT_NEVER;
    while (c->flight.head != NULL && c->flight.head->order < r->order) {
        struct tcp_sent *s = c->flight.head;

        if (s->time + patience > now) {
            r->at = s->time + patience;
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

    for (struct tcp_sent *s = c->flight.head; s != NULL; s = next) {
        next = s->after;
        if (s == c->sent_head || s->time + patience <= now)
            tcp_recovery_lose(c, now, s);
    }
    c->rack.at = WGT_NEVER;
}
