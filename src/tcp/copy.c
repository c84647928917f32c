/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Copies in advance. The round trip that a lost segment's repair costs is paid by whoever waits for
 * just that segment: a keystroke, a voice packet, a ping. Where the path loses and the caller says
 * that a short chunk is worth it (tcp_chunk.twice), its segment leaves twice at once. On the wire
 * that is a retransmission (RFC 9293 allows one at any time); for the sender it never happened: the
 * segment is in flight once, and its D-SACK, which comes mostly, says nothing.
 */
#include "internal.h"

enum {
    COPY_MAX = 512, /* payload bytes of a segment sent twice */
    COPY_SHARE = 16 /* of the path may be taken by copies: one part in so many */
};

static bool
is_affordable(const struct tcp_conn *c, wgt_time now, uint32_t len)
{
    uint64_t rate = tcp_pacing_rate(c);

    return rate == 0 || now - c->copied_at >= len * COPY_SHARE * WGT_SEC / rate;
}

/* s, the newest, has just left for the first time. */
void
tcp_copy_sent(struct tcp_conn *c, wgt_time now, const struct tcp_sent *s)
{
    /* Without D-SACK the peer's answer would be a duplicate ACK, which says that something is lost.
     */
    c->tx->copy_due = s->chunk != NULL && s->chunk->twice && s->len <= COPY_MAX && c->sack_ok &&
                      tcp_path_loses(c, now) && is_affordable(c, now, s->len);
}

/* The segment to send once more now, or NULL. */
const struct tcp_sent *
tcp_copy_take(struct tcp_conn *c, wgt_time now)
{
    if (!c->tx->copy_due)
        return NULL;
    c->tx->copy_due = false;
    if (c->tx->sent_tail == NULL || c->tx->sent_tail->list != &c->tx->flight)
        return NULL;
    c->copied_at = now;
    c->copies++;
    return c->tx->sent_tail;
}

/* Whether a D-SACK can be due to a copy: by its length, within the time that answers take. */
bool
tcp_copy_explains(const struct tcp_conn *c, wgt_time now, const struct tcp_sack_block *dsack)
{
    return c->copies > 0 && dsack->right - dsack->left <= COPY_MAX &&
           now - c->copied_at <= c->rtt.rto;
}
