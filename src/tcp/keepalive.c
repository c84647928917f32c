/* SPDX-License-Identifier: BSD-3-Clause */
/* Keepalive (RFC 9293 3.8.4): is the peer of an idle connection still there? */
#include "internal.h"

#define KEEPALIVE_INTERVAL_MAX (75 * WGT_SEC)
#define KEEPALIVE_INTERVAL_MIN (1 * WGT_SEC)
enum { KEEPALIVE_TRIES = 4 }; /* no single lost probe may end a connection */

static wgt_time
keepalive(const struct tcp_conn *c)
{
    return c->options.keepalive_ms * WGT_MSEC;
}

static wgt_time
user_timeout(const struct tcp_conn *c)
{
    return c->options.user_timeout_ms * WGT_MSEC;
}

/* Data in flight or a closed window is watched by timers of its own. */
static bool
is_idle(const struct tcp_conn *c)
{
    return c->options.keepalive_ms > 0 && c->tx->sent_head == NULL &&
           c->tx->persist_at == WGT_NEVER &&
           (c->state == TCP_ESTABLISHED || c->state == TCP_CLOSE_WAIT);
}

static wgt_time
interval(const struct tcp_conn *c)
{
    wgt_time t = wgt_time_min(keepalive(c) / 3, user_timeout(c) / KEEPALIVE_TRIES);

    t = wgt_time_min(t, KEEPALIVE_INTERVAL_MAX);
    return t < KEEPALIVE_INTERVAL_MIN ? KEEPALIVE_INTERVAL_MIN : t;
}

static wgt_time
gives_up_at(const struct tcp_conn *c)
{
    return c->keepalive_from == WGT_NEVER ? WGT_NEVER : c->keepalive_from + user_timeout(c);
}

/* When something is due; WGT_NEVER: nothing. */
wgt_time
tcp_keepalive_at(const struct tcp_conn *c)
{
    if (!is_idle(c))
        return WGT_NEVER;
    return wgt_time_min(c->keepalive_at, gives_up_at(c));
}

/* Something was heard that the peer has sent. */
void
tcp_keepalive_heard(struct tcp_conn *c, wgt_time now)
{
    c->keepalive_from = WGT_NEVER;
    c->keepalive_at = now + keepalive(c);
}

/* tcp_keepalive_at has passed. false: the peer is gone. */
bool
tcp_keepalive_expired(struct tcp_conn *c, wgt_time now)
{
    if (gives_up_at(c) <= now)
        return false;
    if (c->keepalive_from == WGT_NEVER)
        c->keepalive_from = now;
    c->keepalive_at = now + interval(c);
    c->probe_due = true; /* SEQ = SND.NXT - 1, no data */
    return true;
}
