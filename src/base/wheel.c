/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/base/wheel.h>

/* A timer due at tick d hangs at the lowest level whose units put d less than 64 slots ahead, so no
 * timer ever hangs in the slot that the wheel stands in. One that was put off may hang nearer. */

static uint64_t
tick_before(wgt_time t)
{
    return t >> WHEEL_TICK_SHIFT;
}

/* First tick that starts at or after t: rounding up is what keeps timers from firing early. */
static uint64_t
tick_after(wgt_time t)
{
    return tick_before(t) + ((t & ((UINT64_C(1) << WHEEL_TICK_SHIFT) - 1)) != 0);
}

/* A tick counted in slots of a level. */
static uint64_t
level_unit(uint64_t tick, unsigned level)
{
    return tick >> (level * WHEEL_SLOT_BITS);
}

static void
push_overdue(struct wheel *w, struct wheel_timer *t)
{
    t->next = NULL;
    t->pprev = w->overdue_tail;
    *w->overdue_tail = t;
    w->overdue_tail = &t->next;
}

static void
push_slot(struct wheel *w, struct wheel_timer *t, unsigned level, unsigned slot)
{
    struct wheel_timer **head = &w->slots[level][slot];

    t->next = *head;
    t->pprev = head;
    if (*head != NULL)
        (*head)->pprev = &t->next;
    *head = t;
    w->occupied[level] |= UINT64_C(1) << slot;
}

/* Hang the timer where its due tick belongs, seen from the wheel's tick. */
static void
place(struct wheel *w, struct wheel_timer *t)
{
    uint64_t due = tick_after(t->due), unit;
    unsigned level = 0;

    if (due <= w->tick) {
        push_overdue(w, t);
        return;
    }
    while (level < WHEEL_LEVELS - 1 &&
           level_unit(due, level) - level_unit(w->tick, level) >= WHEEL_SLOTS)
        level++;

    unit = level_unit(due, level);
    if (unit - level_unit(w->tick, level) >= WHEEL_SLOTS)
        unit = level_unit(w->tick, level) + WHEEL_SLOTS - 1; /* beyond the wheel: parked */
    push_slot(w, t, level, unit % WHEEL_SLOTS);
}

static void
unlink_timer(struct wheel *w, struct wheel_timer *t)
{
    uintptr_t first = (uintptr_t)&w->slots[0][0], at = (uintptr_t)t->pprev;
    size_t slot = (at - first) / sizeof(w->slots[0][0]);

    *t->pprev = t->next;
    if (t->next != NULL)
        t->next->pprev = t->pprev;
    else if (w->overdue_tail == &t->next)
        w->overdue_tail = t->pprev;
    else if (at >= first && slot < (size_t)WHEEL_LEVELS * WHEEL_SLOTS)
        w->occupied[slot / WHEEL_SLOTS] &= ~(UINT64_C(1) << slot % WHEEL_SLOTS);
    t->next = NULL;
    t->pprev = NULL;
}

/* The tick at which the level's next occupied slot begins, UINT64_MAX if there is none. */
static uint64_t
level_next(const struct wheel *w, unsigned level)
{
    uint64_t unit = level_unit(w->tick, level), bits = w->occupied[level];
    unsigned here = unit % WHEEL_SLOTS;

    if (bits == 0)
        return UINT64_MAX;
    bits = bits >> here | bits << (-here % WHEEL_SLOTS);
    return (unit + (unsigned)__builtin_ctzll(bits)) << (level * WHEEL_SLOT_BITS);
}

static uint64_t
next_tick(const struct wheel *w)
{
    uint64_t next = UINT64_MAX;

    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        uint64_t at = level_next(w, level);

        next = at < next ? at : next;
    }
    return next;
}

/* Empty the slot that the wheel stands in; its timers are due or move to lower levels. */
static void
cascade(struct wheel *w, unsigned level)
{
    unsigned slot = level_unit(w->tick, level) % WHEEL_SLOTS;
    struct wheel_timer *t = w->slots[level][slot], *next;

    w->slots[level][slot] = NULL;
    w->occupied[level] &= ~(UINT64_C(1) << slot);
    for (; t != NULL; t = next) {
        next = t->next;
        place(w, t);
    }
}

static void
advance(struct wheel *w, uint64_t tick)
{
    w->tick = tick;
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        /* Only a tick that begins a slot of this level has something to empty. */
        if (level_unit(tick, level) << (level * WHEEL_SLOT_BITS) != tick)
            break;
        cascade(w, level);
    }
}

void
wheel_init(struct wheel *w, wgt_time now)
{
    memset(w, 0, sizeof(*w));
    w->tick = tick_before(now);
    w->now = now;
    w->overdue_tail = &w->overdue;
}

void
wheel_timer_init(struct wheel_timer *t)
{
    *t = (struct wheel_timer){.due = WGT_NEVER};
}

/* Most timers are put off again and again and never fire. One that hangs in a slot stays there:
 * when the wheel comes to the slot it finds the later time, and places it anew. Overdue ones are
 * due. */
static bool
put_off(const struct wheel *w, struct wheel_timer *t, wgt_time due)
{
    if (!wheel_armed(t) || due < t->due || t->due <= w->now || due == WGT_NEVER)
        return false;
    t->due = due;
    return true;
}

void
wheel_arm(struct wheel *w, struct wheel_timer *t, wgt_time due)
{
    if (put_off(w, t, due))
        return;
    wheel_disarm(w, t);
    if (due == WGT_NEVER)
        return;
    t->due = due;
    if (due <= w->now)
        push_overdue(w, t);
    else
        place(w, t);
}

void
wheel_disarm(struct wheel *w, struct wheel_timer *t)
{
    if (!wheel_armed(t))
        return;
    unlink_timer(w, t);
    t->due = WGT_NEVER;
}

struct wheel_timer *
wheel_expire(struct wheel *w, wgt_time now)
{
    struct wheel_timer *t;
    uint64_t next;

    if (now > w->now)
        w->now = now;
    while (w->overdue == NULL) {
        next = next_tick(w);
        if (next > tick_before(w->now)) {
            w->tick = tick_before(w->now);
            return NULL;
        }
        advance(w, next);
    }
    t = w->overdue;
    wheel_disarm(w, t);
    return t;
}

wgt_time
wheel_deadline(const struct wheel *w)
{
    uint64_t next;

    if (w->overdue != NULL)
        return w->now;
    next = next_tick(w);
    return next == UINT64_MAX ? WGT_NEVER : next << WHEEL_TICK_SHIFT;
}
