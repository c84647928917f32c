/* SPDX-License-Identifier: BSD-3-Clause */
/* Round-trip time and retransmission timeout (RFC 6298). */
#include "internal.h"

#define MIN_PERIOD (150 * WGT_SEC)

void
tcp_rtt_init(struct tcp_rtt *r)
{
    *r = (struct tcp_rtt){.rto = TCP_RTO_INITIAL, .min = {WGT_NEVER, WGT_NEVER}};
}

/* RFC 8985 6.2 step 1: a minimum over a window of time, since routes change. */
static void
note_min(struct tcp_rtt *r, wgt_time now, wgt_time rtt)
{
    if (now - r->period >= MIN_PERIOD) {
        r->min[1] = now - r->period >= 2 * MIN_PERIOD ? WGT_NEVER : r->min[0];
        r->min[0] = WGT_NEVER;
        r->period = now;
    }
    r->min[0] = wgt_time_min(r->min[0], rtt);
}

wgt_time
tcp_rtt_min(const struct tcp_rtt *r)
{
    return wgt_time_min(r->min[0], r->min[1]);
}

/* RFC 6298 2.2: the first sample. */
static void
first_sample(struct tcp_rtt *r, wgt_time rtt)
{
    r->srtt = rtt;
    r->rttvar = rtt / 2;
}

/* RFC 6298 2.3: RTTVAR first, it uses the old SRTT. Gains shrink with the number of samples a round
 * trip gives, so that the history stays as long as with one (RFC 7323 appendix G). */
static void
next_sample(struct tcp_rtt *r, wgt_time rtt, uint32_t samples_per_rtt)
{
    int64_t n = samples_per_rtt > 0 ? samples_per_rtt : 1;
    int64_t err = (int64_t)rtt - (int64_t)r->srtt;
    int64_t deviation = err < 0 ? -err : err;

    r->rttvar = (wgt_time)((int64_t)r->rttvar + (deviation - (int64_t)r->rttvar) / (4 * n));
    r->srtt = (wgt_time)((int64_t)r->srtt + err / (8 * n));
}

/* RFC 6298 2.3, 2.4: its least RTO of 1 s leaves time for a delayed ACK or a repair on any path.
 * Ours is shorter, and RTTVAR goes to nothing where times are steady: on a long path that time
 * stands beside SRTT, as in all large stacks. */
static wgt_time
margin(const struct tcp_rtt *r)
{
    wgt_time least = wgt_time_min(r->srtt, TCP_RTO_MIN), variation = 4 * r->rttvar;

    if (least < TCP_CLOCK_GRANULARITY)
        least = TCP_CLOCK_GRANULARITY;
    return variation > least ? variation : least;
}

void
tcp_rtt_sample(struct tcp_rtt *r, wgt_time now, wgt_time rtt, uint32_t samples_per_rtt)
{
    bool first = !tcp_rtt_measured(r);

    note_min(r, now, rtt);
    if (first)
        first_sample(r, rtt);
    else
        next_sample(r, rtt, samples_per_rtt);

    r->rto = r->srtt + margin(r);
    if (r->rto < TCP_RTO_MIN)
        r->rto = TCP_RTO_MIN;
    if (r->rto > TCP_RTO_MAX)
        r->rto = TCP_RTO_MAX;
}

/* RFC 6298 5.5: each expiry doubles, up to the maximum. */
wgt_time
tcp_rto(const struct tcp_conn *c)
{
    if (c->rto_backoff >= 16)
        return TCP_RTO_MAX;
    return wgt_time_min(c->rtt.rto << c->rto_backoff, TCP_RTO_MAX);
}
