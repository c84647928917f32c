/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A hierarchical timing wheel: arm, move and disarm in constant time (rte_timer costs 400 ns a
 * reset).
 *
 * Timers are intrusive and belong to the wheel's one owner thread. The wheel never fires early; it
 * fires at most one tick late. No clock and no allocation: the caller says what time it is.
 */
#ifndef WGTCPD_BASE_WHEEL_H
#define WGTCPD_BASE_WHEEL_H

#include <wgtcpd/base/base.h>

enum { WHEEL_LEVELS = 5, WHEEL_SLOT_BITS = 6, WHEEL_SLOTS = 1 << WHEEL_SLOT_BITS };

/* 2^18 ns = 0.26 ms a tick; 5 levels of 64 slots reach 78 hours. Farther deadlines are parked in
 * the last level and looked at again. */
enum { WHEEL_TICK_SHIFT = 18 };

struct wheel_timer {
    struct wheel_timer *next;
    struct wheel_timer **pprev; /* NULL when not armed */
    wgt_time due;               /* WGT_NEVER when not armed */
};

struct wheel {
    uint64_t tick; /* last tick processed */
    uint64_t occupied[WHEEL_LEVELS];
    struct wheel_timer *slots[WHEEL_LEVELS][WHEEL_SLOTS];
};

void wheel_init(struct wheel *w, wgt_time now);
void wheel_timer_init(struct wheel_timer *t);

/* Arm, or move an armed timer. due == WGT_NEVER disarms; a due time in the past fires at the next
 * wheel_expire. */
void wheel_arm(struct wheel *w, struct wheel_timer *t, wgt_time due);
void wheel_disarm(struct wheel *w, struct wheel_timer *t);
static inline bool
wheel_armed(const struct wheel_timer *t)
{
    return t->pprev != NULL;
}

/* Take one timer with due <= now off the wheel and return it (disarmed), or NULL when none is left.
 * Call until NULL; timers armed meanwhile with due <= now are returned too. */
struct wheel_timer *wheel_expire(struct wheel *w, wgt_time now);

/* A lower bound of the earliest due time, exact to the slot it is in; WGT_NEVER when empty.
 * Sleeping until then, calling wheel_expire and asking again converges: it is always later than the
 * last wheel_expire's now. */
wgt_time wheel_deadline(const struct wheel *w);

#endif
