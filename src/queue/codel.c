/* SPDX-License-Identifier: BSD-3-Clause */
#include "codel.h"

/* A flow with no more than a packet behind its head has no standing queue (RFC 8289 5.6). */
enum { CODEL_MAXPACKET = FQ_PACKET_MAX, CODEL_MEMORY_INTERVALS = 16 };

void
codel_init(struct codel *c)
{
    *c = (struct codel){.first_above = WGT_NEVER};
}

void
codel_empty(struct codel *c)
{
    c->first_above = WGT_NEVER;
    c->dropping = false;
}

/* floor(sqrt(x)) */
static uint64_t
square_root(uint64_t x)
{
    uint64_t root = 0;

    for (uint64_t bit = UINT64_C(1) << 31; bit != 0; bit >>= 1)
        if ((root | bit) * (root | bit) <= x)
            root |= bit;
    return root;
}

/* RFC 8289 5.5: t + interval / sqrt(count). */
static wgt_time
control_law(wgt_time t, wgt_time interval, uint32_t count)
{
    return t + (interval << 16) / square_root((uint64_t)count << 32);
}

/* RFC 8289 5.6, dodequeue(): whether the flow has been above target for an interval. */
static bool
stands_too_long(struct codel *c, wgt_time now, wgt_time sojourn, uint32_t behind,
                const struct fq_limits *limits)
{
    if (sojourn < limits->target || behind <= CODEL_MAXPACKET) {
        c->first_above = WGT_NEVER;
        return false;
    }
    if (c->first_above == WGT_NEVER) {
        c->first_above = now + limits->interval;
        return false;
    }
    return now >= c->first_above;
}

/* RFC 8289 5.5: back soon after the last time, it goes on near the rate that worked then. */
static void
begin_dropping(struct codel *c, wgt_time now, const struct fq_limits *limits)
{
    uint32_t delta = c->count - c->last_count;
    bool soon =
        now < c->drop_next || now - c->drop_next < CODEL_MEMORY_INTERVALS * limits->interval;

    c->dropping = true;
    c->count = delta > 1 && soon ? delta : 1;
    c->drop_next = control_law(now, limits->interval, c->count);
    c->last_count = c->count;
}

enum codel_verdict
codel_judge(struct codel *c, wgt_time now, wgt_time sojourn, uint32_t behind,
            const struct fq_limits *limits)
{
    bool bad = stands_too_long(c, now, sojourn, behind, limits);

    if (!bad) {
        c->dropping = false;
        return CODEL_PASS;
    }
    if (!c->dropping) {
        begin_dropping(c, now, limits);
        return CODEL_PUNISH;
    }
    /* The drop that entered the state is one; the next comes at drop_next. */
    if (now < c->drop_next)
        return CODEL_PASS;
    c->count++;
    c->drop_next = control_law(c->drop_next, limits->interval, c->count);
    return CODEL_PUNISH;
}
