/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A hierarchical timing wheel: arm, move and disarm in constant time.
 *
 * Timers are intrusive and belong to the wheel's one owner thread. A timer never fires early, and
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
    wgt_time now;  /* of the last wheel_expire */
    uint64_t occupied[WHEEL_LEVELS];
    struct wheel_timer *slots[WHEEL_LEVELS][WHEEL_SLOTS];
    struct wheel_timer *overdue; /* due, not yet returned; first in, first out */
    struct wheel_timer **overdue_tail;
};

/* The wheel points into itself: it must not be moved afterwards. */
void wheel_init(struct wheel *w, wgt_time now);
/* Once, before the timer's first use. */
void wheel_timer_init(struct wheel_timer *t);

/* Arm, or move an armed timer; to put it off touches nothing but the timer. due == WGT_NEVER
 * disarms; a due time that is not later than the last wheel_expire's now fires at the next
 * wheel_expire. */
void wheel_arm(struct wheel *w, struct wheel_timer *t, wgt_time due);
/* Disarming an idle timer is fine. */
void wheel_disarm(struct wheel *w, struct wheel_timer *t);
static inline bool
wheel_armed(const struct wheel_timer *t)
{
    return t->pprev != NULL;
}

/*
 * Take one timer with due <= now off the wheel and return it (disarmed), or NULL when none is left.
 * Call until NULL; timers armed meanwhile with due <= now are returned too, so a handler that
 * always arms its own timer again at due <= now keeps the round from ending: arm at later than now.
 * Timers come in order of their ticks, in no set order within a tick. A now that lies before an
 * earlier one is taken as that earlier one.
 */
struct wheel_timer *wheel_expire(struct wheel *w, wgt_time now);

/*
 * The earliest time at which wheel_expire may have a timer to return, never too late and exact to
 * the slot that the timer is in, which is that of an earlier time if it was put off; WGT_NEVER when
 * the wheel is empty. Sleeping until then, calling
 * wheel_expire and asking again converges: after wheel_expire has returned NULL the deadline is
 * later than its now, until an overdue timer is armed; then it is that now.
 */
wgt_time wheel_deadline(const struct wheel *w);

#endif
