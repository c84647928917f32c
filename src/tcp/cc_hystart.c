/* SPDX-License-Identifier: BSD-3-Clause */
#include "cc_hystart.h"
#include "internal.h"

/* RFC 9406 4.3. L is infinite, for the engine paces. */
enum { N_RTT_SAMPLE = 8, MIN_RTT_DIVISOR = 8, CSS_GROWTH_DIVISOR = 4, CSS_ROUNDS = 5 };
#define MIN_RTT_THRESH (4 * WGT_MSEC)
#define MAX_RTT_THRESH (16 * WGT_MSEC)

void
tcp_hystart_init(struct tcp_hystart *h)
{
    *h = (struct tcp_hystart){
        .last_round_min = WGT_NEVER,
        .round_min = WGT_NEVER,
        .css_baseline = WGT_NEVER,
    };
}

static void
start_round(struct tcp_hystart *h, uint32_t snd_nxt)
{
    h->last_round_min = h->round_min;
    h->round_min = WGT_NEVER;
    h->samples = 0;
    h->round_end = snd_nxt;
    h->running = true;
}

static wgt_time
rtt_thresh(wgt_time last_round_min)
{
    wgt_time t = last_round_min / MIN_RTT_DIVISOR;

    return t < MIN_RTT_THRESH ? MIN_RTT_THRESH : wgt_time_min(t, MAX_RTT_THRESH);
}

/* Slow start: has the delay grown since the last round? */
static void
check_delay_increase(struct tcp_hystart *h)
{
    if (h->samples < N_RTT_SAMPLE || h->round_min == WGT_NEVER || h->last_round_min == WGT_NEVER)
        return;
    if (h->round_min < h->last_round_min + rtt_thresh(h->last_round_min))
        return;
    h->css_baseline = h->round_min;
    h->css = true;
    h->css_rounds = 0;
}

/* Conservative slow start: a smaller delay says that it was left too early. */
static void
check_delay_decrease(struct tcp_hystart *h)
{
    if (h->samples < N_RTT_SAMPLE || h->round_min >= h->css_baseline)
        return;
    h->css_baseline = WGT_NEVER;
    h->css = false;
}

uint32_t
tcp_hystart_acked(struct tcp_hystart *h, const struct tcp_cc_ack *ack)
{
    uint32_t growth;

    if (!h->running || seq_leq(h->round_end, ack->snd_una)) {
        if (h->css && ++h->css_rounds >= CSS_ROUNDS)
            h->done = true;
        start_round(h, ack->snd_nxt);
    }
    if (ack->rtt != WGT_NEVER) {
        h->round_min = wgt_time_min(h->round_min, ack->rtt);
        if (h->samples < N_RTT_SAMPLE)
            h->samples++;
    }
    growth = h->css ? ack->acked / CSS_GROWTH_DIVISOR : ack->acked;
    if (h->css)
        check_delay_decrease(h);
    else
        check_delay_increase(h);
    return growth;
}
