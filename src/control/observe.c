/* SPDX-License-Identifier: BSD-3-Clause */
/* Who looks in from outside: the service manager and its watchdog; metrics, telemetry, key log. */
#include <errno.h>
#include <unistd.h>

#include <event2/event.h>

#include <wgtcpd/control/log.h>
#include <wgtcpd/control/notify.h>

#include "internal.h"

/* --- watchdog ----------------------------------------------------------------------------------
 */

/* Our being here shows that this thread turns. The worker must have turned since the last time,
 * too; it sleeps when there is nothing to do, so it is woken for the next time. */
static void
on_watchdog(evutil_socket_t fd, short what, void *ctx)
{
    struct node *n = ctx;
    uint64_t turns = __atomic_load_n(&n->worker.stats.turns, __ATOMIC_RELAXED);

    (void)fd;
    (void)what;
    if (turns != n->observe.turns)
        notify_watchdog();
    else
        log_warning("the worker has not made a turn: the watchdog is not told that all is well");
    n->observe.turns = turns;
    worker_wake(&n->worker);
}

static int
start_watchdog(struct node *n)
{
    uint64_t us = notify_watchdog_interval() / WGT_USEC / 3;
    struct timeval interval = {.tv_sec = (time_t)(us / 1000000),
                               .tv_usec = (suseconds_t)(us % 1000000)};

    if (us == 0)
        return 0;
    n->observe.on_watchdog = event_new(n->base, -1, EV_PERSIST, on_watchdog, n);
    if (n->observe.on_watchdog == NULL || event_add(n->observe.on_watchdog, &interval) != 0)
        return complain("watchdog", ENOMEM);
    return 0;
}

/* --- beginning and end -------------------------------------------------------------------------
 */

int
observe_up(struct node *n)
{
    return start_watchdog(n);
}

void
observe_down(struct node *n)
{
    if (n->observe.on_watchdog != NULL)
        event_free(n->observe.on_watchdog);
}
