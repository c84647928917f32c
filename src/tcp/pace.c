/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pacing: segments leave spread over the round trip. The pacer is a clock that runs ahead with
 * every byte by the time it takes at the pacing rate; while it is ahead of the time nothing leaves.
 * It never lies further behind than a burst takes: a millisecond's worth, for timers are hardly
 * finer, or an initial window, which no path is too narrow for.
 */
#include "internal.h"

enum { PACE_BURST_MAX = 64 * 1024, PACE_BATCH_MIN = 4 /* segments */ };
#define PACE_BURST_TIME WGT_MSEC

/* Of the algorithm, or from cwnd: twice a window a round trip while it may double, a quarter more
 * than one after. 0: not paced. What leaves before the first ACK of data is the initial window. */
uint64_t
tcp_pacing_rate(const struct tcp_conn *c)
{
    uint64_t srtt_us = c->rtt.srtt / WGT_USEC;

    if (c->bytes_acked == 0)
        return 0;
    if (c->cc.pacing_rate != 0)
        return c->cc.pacing_rate;
    if (srtt_us == 0)
        return 0;
    return (uint64_t)c->cc.cwnd * (c->cc.cwnd < c->cc.ssthresh ? 200 : 125) * 10000 / srtt_us;
}

/* What may leave back to back after a pause. */
static uint32_t
burst(const struct tcp_conn *c, uint64_t rate)
{
    uint64_t bytes =
        c->cc.send_quantum != 0 ? c->cc.send_quantum : rate / (WGT_SEC / PACE_BURST_TIME);

    if (bytes < c->cc.initial_window)
        bytes = c->cc.initial_window;
    return (uint32_t)(bytes < PACE_BURST_MAX ? bytes : PACE_BURST_MAX);
}

/* Time that bytes take. Bursts are small: no overflow. */
static wgt_time
time_of(uint64_t bytes, uint64_t rate)
{
    return bytes * WGT_SEC / rate;
}

/* Bytes that the pacer lets go now; UINT32_MAX: it does not hold back. */
uint32_t
tcp_pace_allows(const struct tcp_conn *c, wgt_time now)
{
    uint64_t rate = tcp_pacing_rate(c);
    uint64_t behind;
    uint32_t most;

    if (rate == 0)
        return UINT32_MAX;
    if (c->pace_at > now)
        return 0;
    most = burst(c, rate);
    behind = now - c->pace_at;
    if (behind >= time_of(most, rate))
        return most;
    /* The segment that brings the clock ahead goes whole. */
    return tcp_min(most, (uint32_t)(behind * rate / WGT_SEC) + c->mss);
}

/* When it is worth coming back: with half a millisecond's worth at once where that is more than a
 * few segments. WGT_NEVER: nothing is held back. */
wgt_time
tcp_pace_at(const struct tcp_conn *c, wgt_time now)
{
    uint64_t rate = tcp_pacing_rate(c);

    if (rate == 0 || c->pace_at <= now)
        return WGT_NEVER;
    if (time_of((uint64_t)PACE_BATCH_MIN * c->mss, rate) >= PACE_BURST_TIME / 2)
        return c->pace_at;
    return c->pace_at + PACE_BURST_TIME / 2;
}

/* Something is about to leave: what a pause before it is worth at most. */
void
tcp_pace_catch_up(struct tcp_conn *c, wgt_time now)
{
    uint64_t rate;
    wgt_time credit;

    if (c->last_sent == now)
        return; /* this is no pause */
    rate = tcp_pacing_rate(c);
    credit = rate != 0 ? time_of(burst(c, rate), rate) : 0;
    if (c->pace_at + credit < now)
        c->pace_at = now - credit;
}

void
tcp_pace_sent(struct tcp_conn *c, wgt_time now, uint32_t bytes)
{
    uint64_t rate = tcp_pacing_rate(c);

    if (rate == 0)
        c->pace_at = now;
    else
        c->pace_at += time_of(bytes, rate);
}
