/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reductions that were for nothing are taken back. Three things tell:
 *   - an ACK that echoes a timestamp from before the first retransmission (Eifel, RFC 3522);
 *   - D-SACKs for everything that was sent again (RFC 3708);
 *   - without timestamps, after a timeout: a second ACK for data that was sent once only, while the
 *     sender held its retransmissions back (F-RTO, RFC 5682 3.1).
 */
#include "internal.h"

enum { FRTO_OFF, FRTO_TIMEOUT, FRTO_FIRST_ACK };

/* Fast recovery or a timeout begins. A timeout within an episode counts as the same one. */
void
tcp_undo_begin(struct tcp_conn *c, bool timeout)
{
    struct tcp_undo *u = &c->tx->undo;

    if (!timeout || !u->possible)
        *u = (struct tcp_undo){.possible = true, .una = c->snd_una};
    u->order = c->tx->order;
    u->timeout = timeout;
    u->over = false;
    u->frto = FRTO_OFF;
    /* RFC 5682 3.1 step 1: not while an earlier timeout is repaired. */
    if (timeout && c->sack_ok && !c->ts_ok && c->recovery != TCP_RECOVERY_LOSS)
        u->frto = FRTO_TIMEOUT;
}

void
tcp_undo_repaired(struct tcp_conn *c)
{
    c->tx->undo.over = true;
    c->tx->undo.until = c->snd_nxt; /* D-SACKs come within a round trip */
    c->tx->undo.frto = FRTO_OFF;
}

void
tcp_undo_sent_again(struct tcp_conn *c, wgt_time now, const struct tcp_sent *s)
{
    struct tcp_undo *u = &c->tx->undo;
    uint32_t end = s->seq + tcp_sent_seq_len(s);

    if (!u->any) {
        u->ts = tcp_ts_at(c, now);
        u->end = u->high = end;
    }
    u->high = tcp_seq_max(u->high, end);
    if (u->frto == FRTO_FIRST_ACK)
        u->frto = FRTO_OFF; /* step 2: there was nothing new to send */
    u->any = true;
    u->retransmits++;
}

bool
tcp_undo_holds(const struct tcp_conn *c)
{
    return c->tx->undo.frto == FRTO_FIRST_ACK && c->tx->unsent != NULL;
}

/* RFC 3522 3.2: the first ACK for what was sent again is that of the first transmission. An ACK
 * that stops before it may answer what an earlier episode sent again. */
static bool
eifel(struct tcp_conn *c, const struct tcp_delivery *d, uint32_t acked)
{
    struct tcp_undo *u = &c->tx->undo;

    if (acked == 0 || !u->any || u->judged || seq_lt(c->snd_una, u->end))
        return false;
    u->judged = true;
    if (d->dsack)
        return false; /* 3.2 step 6: the ACKs of the first copies were lost */
    return c->ts_ok && d->seg->has_ts && seq_lt(d->seg->ts_ecr, u->ts);
}

static bool
all_duplicates(struct tcp_conn *c, const struct tcp_delivery *d)
{
    struct tcp_undo *u = &c->tx->undo;

    if (!d->dsack || d->dsack_expected || !u->any || seq_lt(d->seg->sack[0].left, u->una) ||
        seq_lt(u->high, d->seg->sack[0].right))
        return false;
    if (u->retransmits > 0)
        u->retransmits--;
    return u->retransmits == 0 && c->tx->lost.head == NULL;
}

/* RFC 5682 3.1 steps 2 and 3. Only what brings news counts: the peer's own data does not. What left
 * after the timeout proves nothing when it has arrived, too. */
static bool
f_rto(struct tcp_conn *c, const struct tcp_delivery *d, uint32_t acked)
{
    struct tcp_undo *u = &c->tx->undo;

    if (u->frto == FRTO_TIMEOUT) {
        if (acked > 0)
            u->frto = seq_lt(c->snd_una, c->recovery_point) ? FRTO_FIRST_ACK : FRTO_OFF;
        return false;
    }
    if (u->frto != FRTO_FIRST_ACK || d->delivered == 0)
        return false;
    u->frto = FRTO_OFF;
    return d->original && seq_leq(c->tx->fack, c->recovery_point);
}

/* An ACK has come. Whether what the episode has taken is to be put back. */
bool
tcp_undo_due(struct tcp_conn *c, const struct tcp_delivery *d, uint32_t acked)
{
    bool due;

    if (!c->tx->undo.possible)
        return false;
    due = eifel(c, d, acked) || all_duplicates(c, d) || f_rto(c, d, acked);
    if (due || (c->tx->undo.over && seq_leq(c->tx->undo.until, c->snd_una)))
        c->tx->undo.possible = false;
    if (due)
        c->tx->undo.frto = FRTO_OFF;
    return due;
}
