/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Explicit congestion notification (RFC 3168). As a receiver: marks on data are echoed until the
 * sender says that it has slowed down. As a sender: an echo is a loss without the loss.
 */
#include "internal.h"

enum { ECN_BITS = TCP_ECE | TCP_CWR };

/* 6.1.1: what our SYN or SYN,ACK says. 6.1.1.1: repeated ones ask for nothing, since middleboxes
 * exist that drop those which do. */
uint8_t
tcp_ecn_syn_flags(struct tcp_conn *c)
{
    if (c->state == TCP_SYN_SENT)
        return c->options.ecn && c->syn_sends == 0 ? ECN_BITS : 0;
    if (c->ecn.ok && c->syn_retries == 0)
        return TCP_ECE;
    c->ecn.ect = false; /* the peer may have taken either answer */
    return 0;
}

/* The peer's SYN or SYN,ACK. A middlebox that reflects reserved bits sets both on a SYN,ACK. */
void
tcp_ecn_learn(struct tcp_conn *c, const struct tcp_segment *syn)
{
    uint8_t bits = syn->flags & ECN_BITS;

    if (!c->options.ecn)
        return;
    if (syn->flags & TCP_ACK)
        c->ecn.ok = bits == TCP_ECE && c->syn_sends == 1;
    else
        c->ecn.ok = bits == ECN_BITS;
    c->ecn.ect = c->ecn.ok;
    c->ecn.reduced = c->iss;
}

/* 6.1.3: an acceptable data segment arrived. CWR answers marks that came before it. */
void
tcp_ecn_data(struct tcp_conn *c, const struct tcp_segment *seg)
{
    if (!c->ecn.ok || seg->payload.len == 0)
        return;
    if (seg->flags & TCP_CWR)
        c->ecn.echo = false;
    if (seg->ce) {
        c->ack_now = c->ack_now || !c->ecn.echo; /* the sender should know soon */
        c->ecn.echo = true;
    }
}

uint8_t
tcp_ecn_ack_flags(const struct tcp_conn *c)
{
    return c->ecn.echo ? TCP_ECE : 0;
}

/*
 * 6.1.2: an acceptable ACK arrived, SND.UNA is up to date. Once a window: until data has been
 * acknowledged that left after the last reduction. A loss in the same window has reduced already.
 * flight: bytes outstanding before the ACK.
 */
void
tcp_ecn_ack(struct tcp_conn *c, wgt_time now, const struct tcp_segment *seg, uint32_t flight)
{
    if (!c->ecn.ok || !(seg->flags & TCP_ECE) || !seq_lt(c->ecn.reduced, seg->ack))
        return;
    c->ecn.reduced = c->snd_nxt;
    c->ecn.cwr_due = true;
    if (c->recovery == TCP_RECOVERY_NONE)
        c->cc.ops->congestion_experienced(&c->cc, now, flight);
}

/* A segment of new data leaves. Nothing else is marked: no retransmission, probe or bare ACK
 * (6.1.4-6.1.6). */
void
tcp_ecn_new_data(struct tcp_conn *c, struct tcp_out *out)
{
    if (!c->ecn.ok)
        return;
    out->ect = c->ecn.ect;
    if (c->ecn.cwr_due)
        out->seg.flags |= TCP_CWR;
    c->ecn.cwr_due = false;
}
