/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * CUBIC (RFC 9438), in bytes and integers. Equations and sections are those of the RFC. Slow start
 * is HyStart++ (RFC 9406) until the first congestion, and the usual one after it; every ACK counts
 * by its bytes (RFC 3465).
 */
#include "cc_cubic.h"
#include "cc_hystart.h"

/* Time runs in steps of 2^-12 s: with that W_cubic is exact to a thousandth of a segment at
 * ordinary windows, and the cube of 128 s, when cwnd has reached any limit, fits 64 bits. */
enum { TIME_SHIFT = 12, TIME_MAX = 128 << TIME_SHIFT };

/* A fraction of a byte: W_est and cwnd grow by less than one an ACK. */
enum { FRACTION = 16 };

/* RFC 9293 3.8.6 never lets a window reach 2^31. */
enum { CWND_MAX = 1 << 30 };

/* What a congestion event changes, kept for a spurious one (4.9). */
struct epoch {
    wgt_time start; /* of this stage of congestion avoidance, moved by time not used */
    uint64_t w_est; /* 4.3, with FRACTION */
    uint32_t k;     /* equation 2, in TIME_SHIFT */
    uint32_t w_max; /* 4.1.2, bytes */
    uint32_t cwnd_prior;
    uint32_t growth;    /* part of a byte that cwnd has still to grow by */
    bool running;       /* congestion avoidance has begun */
    bool after_timeout; /* 4.8: the next stage starts from where it finds itself */
};

struct __attribute__((may_alias)) cubic {
    struct epoch now, undo;
    struct tcp_hystart hystart;
    wgt_time last_ack;
    uint32_t undo_cwnd, undo_ssthresh;
    bool undo_ok;
};

_Static_assert(sizeof(struct cubic) <= sizeof(((struct tcp_cc *)0)->state), "fits tcp_cc.state");

static struct cubic *
cubic_of(struct tcp_cc *cc)
{
    return (struct cubic *)cc->state;
}

uint32_t
tcp_cubic_root(uint64_t x)
{
    uint64_t root = 0;

    for (int bit = 21; bit >= 0; bit--) {
        uint64_t next = root | UINT64_C(1) << bit;

        /* 2^22 cubed is beyond 64 bits; the largest root is 2642245. */
        if (next <= 2642245 && next * next * next <= x)
            root = next;
    }
    return (uint32_t)root;
}

/* Equation 2: K = cubic root of (W_max - cwnd_epoch) / C, with C = 2/5. */
uint32_t
tcp_cubic_k(uint32_t w_max, uint32_t cwnd_epoch, uint32_t mss)
{
    uint64_t segments;

    if (w_max <= cwnd_epoch)
        return 0;
    segments = ((uint64_t)(w_max - cwnd_epoch) * 5 << 24) / (2 * (uint64_t)mss);
    return tcp_cubic_root(segments << 12); /* 36 bits: the cube of 2^TIME_SHIFT */
}

/* Equation 1: W_cubic(t) = C * (t - K)^3 + W_max. */
uint32_t
tcp_cubic_window(uint32_t t, uint32_t k, uint32_t w_max, uint32_t mss)
{
    uint64_t offset = tcp_min(t > k ? t - k : k - t, TIME_MAX);
    uint64_t bytes = ((offset * offset * offset >> 10) * mss / 5 * 2) >> (3 * TIME_SHIFT - 10);

    if (t < k)
        return bytes < w_max ? w_max - (uint32_t)bytes : 0;
    return bytes + w_max < CWND_MAX ? w_max + (uint32_t)bytes : CWND_MAX;
}

static uint32_t
steps(wgt_time t)
{
    wgt_time limit = (wgt_time)(TIME_MAX >> TIME_SHIFT) * WGT_SEC;

    return (uint32_t)((wgt_time_min(t, limit) << TIME_SHIFT) / WGT_SEC);
}

static void
cubic_init(struct tcp_cc *cc, wgt_time now)
{
    struct cubic *c = cubic_of(cc);

    *c = (struct cubic){.last_ack = now};
    tcp_hystart_init(&c->hystart);
}

/* 4.2: a stage of congestion avoidance begins. 4.8, 4.10: without a loss that led to it, or after a
 * timeout, W_max is where it begins and K is 0. */
static void
start_epoch(struct tcp_cc *cc, wgt_time now)
{
    struct cubic *c = cubic_of(cc);

    c->now.start = now;
    c->now.running = true;
    c->now.growth = 0;
    if (c->now.w_max == 0 || c->now.after_timeout) {
        c->now.w_max = cc->cwnd;
        c->now.cwnd_prior = cc->cwnd;
    }
    c->now.after_timeout = false;
    c->now.k = tcp_cubic_k(c->now.w_max, cc->cwnd, cc->mss);
    c->now.w_est = (uint64_t)cc->cwnd << FRACTION;
}

/* 4.3, equation 4: what Reno would have. alpha is 3 (1 - beta) / (1 + beta) = 9/17 until W_est has
 * come back to where it was. */
static void
grow_estimate(struct tcp_cc *cc, uint32_t acked)
{
    struct cubic *c = cubic_of(cc);
    bool below = c->now.w_est >> FRACTION < c->now.cwnd_prior;
    uint64_t step = ((uint64_t)tcp_min(acked, cc->cwnd) * cc->mss << FRACTION) / cc->cwnd;

    c->now.w_est += below ? step / 17 * 9 : step;
    if (c->now.w_est >> FRACTION > CWND_MAX)
        c->now.w_est = (uint64_t)CWND_MAX << FRACTION;
}

/* 4.4, 4.5: towards W_cubic(t + RTT), (target - cwnd) / cwnd for every segment acknowledged. */
static void
grow_towards(struct tcp_cc *cc, uint32_t target, uint32_t acked)
{
    struct cubic *c = cubic_of(cc);
    uint64_t growth;

    if (target <= cc->cwnd)
        return;
    growth = ((uint64_t)(target - cc->cwnd) * tcp_min(acked, cc->cwnd) << 4) / cc->cwnd;
    growth += c->now.growth;
    c->now.growth = growth & 15;
    cc->cwnd += (uint32_t)(growth >> 4);
}

static void
avoid_congestion(struct tcp_cc *cc, const struct tcp_cc_ack *ack)
{
    struct cubic *c = cubic_of(cc);
    uint32_t t, target;

    if (!c->now.running)
        start_epoch(cc, ack->now);
    t = steps(ack->now - c->now.start);
    grow_estimate(cc, ack->acked);
    if (tcp_cubic_window(t, c->now.k, c->now.w_max, cc->mss) < c->now.w_est >> FRACTION) {
        /* 4.3: the Reno-friendly region. */
        cc->cwnd = tcp_max(cc->cwnd, (uint32_t)(c->now.w_est >> FRACTION));
    } else {
        /* 4.2: the target lies between cwnd and 1.5 cwnd. */
        target = tcp_cubic_window(t + steps(ack->srtt), c->now.k, c->now.w_max, cc->mss);
        grow_towards(cc, tcp_min(target, cc->cwnd + cc->cwnd / 2), ack->acked);
    }
    cc->cwnd = tcp_min(cc->cwnd, CWND_MAX);
}

static void
slow_start(struct tcp_cc *cc, const struct tcp_cc_ack *ack)
{
    struct cubic *c = cubic_of(cc);
    uint32_t growth = ack->acked;

    /* RFC 3465 2.3: what a timeout gave up may have arrived long ago. */
    if (ack->after_timeout)
        growth = tcp_min(growth, cc->mss);
    else if (cc->ssthresh == UINT32_MAX)
        growth = tcp_hystart_acked(&c->hystart, ack);
    cc->cwnd = tcp_min(cc->cwnd + tcp_min(growth, cc->ssthresh - cc->cwnd), CWND_MAX);
    if (c->hystart.done && cc->ssthresh == UINT32_MAX)
        cc->ssthresh = cc->cwnd;
}

static void
cubic_acked(struct tcp_cc *cc, const struct tcp_cc_ack *ack)
{
    struct cubic *c = cubic_of(cc);
    wgt_time since = ack->now - c->last_ack;

    c->last_ack = ack->now;
    if (ack->in_recovery || ack->acked == 0)
        return;
    if (!ack->cwnd_limited) {
        /* 4.2: t leaves out the time in which cwnd was not used. */
        c->now.start += wgt_time_min(since, ack->now - c->now.start);
        return;
    }
    if (cc->cwnd < cc->ssthresh)
        slow_start(cc, ack);
    else
        avoid_congestion(cc, ack);
}

static void
save(struct tcp_cc *cc)
{
    struct cubic *c = cubic_of(cc);

    c->undo = c->now;
    c->undo_cwnd = cc->cwnd;
    c->undo_ssthresh = cc->ssthresh;
    c->undo_ok = true;
}

/* 4.6 and 4.7. Behind a hole FlightSize counts what has long arrived: never from more than cwnd. */
static void
reduce(struct tcp_cc *cc, uint32_t flight)
{
    struct cubic *c = cubic_of(cc);
    uint64_t used = tcp_min(flight, cc->cwnd);

    c->now.cwnd_prior = cc->cwnd;
    /* 4.7, fast convergence: others want a part of what this flow had. */
    c->now.w_max = cc->cwnd < c->now.w_max ? (uint32_t)((uint64_t)cc->cwnd * 85 / 100) : cc->cwnd;
    c->now.running = false;
    cc->ssthresh = tcp_max((uint32_t)(used * 7 / 10), 2 * cc->mss);
}

static void
cubic_enter_recovery(struct tcp_cc *cc, wgt_time now, uint32_t flight)
{
    (void)now;
    save(cc);
    reduce(cc, flight);
}

/* 4.8; RFC 5681 3.1: ssthresh is held when the same segment times out again. */
static void
cubic_timeout(struct tcp_cc *cc, wgt_time now, uint32_t flight, bool repeated)
{
    (void)now;
    if (!repeated) {
        save(cc);
        reduce(cc, flight);
    }
    cubic_of(cc)->now.after_timeout = true;
    cc->cwnd = cc->mss;
}

/* 4.9: only what was taken is given back. */
static void
cubic_undo(struct tcp_cc *cc, wgt_time now)
{
    struct cubic *c = cubic_of(cc);

    (void)now;
    if (!c->undo_ok)
        return;
    c->undo_ok = false;
    if (cc->cwnd >= c->undo_cwnd && cc->ssthresh >= c->undo_ssthresh)
        return;
    cc->cwnd = tcp_max(cc->cwnd, c->undo_cwnd);
    cc->ssthresh = c->undo_ssthresh;
    c->now = c->undo;
}

/* 4.6: as a loss, and cwnd falls at once, for there is nothing to repair. */
static void
cubic_congestion_experienced(struct tcp_cc *cc, wgt_time now, uint32_t flight)
{
    (void)now;
    reduce(cc, flight);
    cubic_of(cc)->undo_ok = false;
    cc->cwnd = tcp_min(cc->cwnd, cc->ssthresh);
}

/* RFC 5681 4.1; the time of silence is no time of growth (4.2). */
static void
cubic_restart(struct tcp_cc *cc, wgt_time now, wgt_time idle, bool long_idle)
{
    struct cubic *c = cubic_of(cc);

    c->now.start += wgt_time_min(idle, now - c->now.start);
    c->last_ack = now;
    if (!long_idle)
        return;
    cc->cwnd = tcp_min(cc->cwnd, cc->initial_window);
    c->now.running = false;
}

const struct tcp_cc_ops tcp_cc_cubic = {
    .name = "cubic",
    .init = cubic_init,
    .acked = cubic_acked,
    .enter_recovery = cubic_enter_recovery,
    .timeout = cubic_timeout,
    .undo = cubic_undo,
    .congestion_experienced = cubic_congestion_experienced,
    .restart = cubic_restart,
};
