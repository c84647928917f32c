/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pacing: segments leave spread over the round trip. The pacer is a clock that runs ahead with
 * every byte by the time it takes at the pacing rate; while it is ahead of the time nothing leaves.
 * It never lies further behind than a quantum takes, which so may leave back to back. A quantum is a
 * millisecond's worth, for timers are no finer, and at least two segments; out of idleness, where
 * nobody's queue is filled already, an initial window.
 */
#include "internal.h"

enum { PACE_SEGMENTS_MIN = 2, PACE_BYTES_MAX = 64 * 1024 };
#define PACE_QUANTUM_TIME WGT_MSEC

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

static uint32_t
quantum(const struct tcp_conn *c, uint64_t rate)
{
    uint64_t q = rate / (WGT_SEC / PACE_QUANTUM_TIME);
    uint32_t least = PACE_SEGMENTS_MIN * c->mss;

    if (c->cc.send_quantum != 0)
        q = c->cc.send_quantum;
    if (c->sent_head == NULL)
        least = c->cc.initial_window;
    if (q < least)
        q = least;
    return (uint32_t)(q < PACE_BYTES_MAX ? q : PACE_BYTES_MAX);
}

/* Time that bytes take. Quanta are small: no overflow. */
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
    most = quantum(c, rate);
    behind = now - c->pace_at;
    if (behind >= time_of(most, rate))
        return most;
    /* The segment that brings the clock ahead goes whole. */
    return tcp_min(most, (uint32_t)(behind * rate / WGT_SEC) + c->mss);
}

/* When it is worth coming back: with half a quantum at once where that is more than a few segments.
 * WGT_NEVER: nothing is held back. */
wgt_time
tcp_pace_at(const struct tcp_conn *c, wgt_time now)
{
    uint64_t rate = tcp_pacing_rate(c);
    uint32_t batch;

    if (rate == 0 || c->pace_at <= now)
        return WGT_NEVER;
    batch = quantum(c, rate);
    if (batch <= 2 * PACE_SEGMENTS_MIN * c->mss)
        return c->pace_at;
    return c->pace_at + time_of(batch / 2, rate);
}

/* New data is about to leave after a pause: what the pause may be worth. Call while the connection
 * still looks idle, if it does. */
void
tcp_pace_catch_up(struct tcp_conn *c, wgt_time now)
{
    uint64_t rate = tcp_pacing_rate(c);
    wgt_time credit = rate != 0 ? time_of(quantum(c, rate), rate) : 0;

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
