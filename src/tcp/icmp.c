/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP errors: hints that anybody can forge who knows a sequence number in flight (RFC 5927). */
#include "internal.h"

/* RFC 5927 5.2, RFC 9293 3.9.2.2: in a synchronised state no error ends the connection. A SYN's
 * refusal does; that there is no way may be a passing fault, so it must outlast the first SYN. */
static void
unreachable(struct tcp_conn *c, const struct icmp_error *e)
{
    c->soft_errors++;
    if (c->state != TCP_SYN_SENT)
        return;
    if (e->kind == ICMP_ERROR_REFUSED || c->syn_sends > 1)
        tcp_finish(c, TCP_END_UNREACHABLE);
}

enum wgt_drop
tcp_icmp(struct tcp_conn *c, wgt_time now, const struct icmp_error *e)
{
    enum wgt_drop drop = WGT_OK;

    /* RFC 5927 4.1 */
    if (c->state == TCP_CLOSED || seq_lt(e->seq, c->snd_una) || !seq_lt(e->seq, c->snd_nxt))
        return WGT_DROP_ICMP_SEQUENCE;
    if (e->kind != ICMP_ERROR_TOO_BIG)
        unreachable(c, e);
    else if (c->state == TCP_SYN_SENT || c->state == TCP_SYN_RECEIVED)
        drop = WGT_DROP_ICMP_MTU; /* a SYN is small */
    else
        drop = tcp_mtu_too_big(c, now, e);
    tcp_timers_store(c);
    return drop;
}
