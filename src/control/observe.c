/* SPDX-License-Identifier: BSD-3-Clause */
/* Who looks in from outside: the service manager and its watchdog; metrics, telemetry, key log. */
#include <errno.h>
#include <unistd.h>

#include <event2/event.h>

#include <wgtcpd/control/key_log.h>
#include <wgtcpd/control/log.h>
#include <wgtcpd/control/metrics_http.h>
#include <wgtcpd/control/notify.h>
#include <wgtcpd/control/telemetry.h>

#include "internal.h"

/* --- watchdog ----------------------------------------------------------------------------------
 */

static bool
all_have_turned(struct node *n)
{
    bool all = true;

    for (unsigned i = 0; i < n->n_workers; i++) {
        uint64_t turns = __atomic_load_n(&n->workers[i].stats.turns, __ATOMIC_RELAXED);

        all = all && turns != n->observe.turns[i];
        n->observe.turns[i] = turns;
    }
    return all;
}

/* Our being here shows that this thread turns. The workers must have turned since the last time,
 * too; they sleep when there is nothing to do, so they are woken for the next time. */
static void
on_watchdog(evutil_socket_t fd, short what, void *ctx)
{
    struct node *n = ctx;

    (void)fd;
    (void)what;
    if (all_have_turned(n))
        n->observe.rounds++;
    if (!notify_watchdog(&n->observe.told, n->observe.rounds))
        log_warning("a worker has not made a turn: the watchdog is not told that all is well");
    worker_wake(n->workers);
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

/* --- key log -----------------------------------------------------------------------------------
 */

static void
log_handshake_keys(void *ctx, const struct noise_remote *remote,
                   const uint8_t ephemeral_private[NOISE_KEY_LEN])
{
    static struct log_limit limit = {.per_second = 1};
    struct node *n = ctx;

    if (!key_log_write(n->observe.key_log, &n->handshaker.local, remote, ephemeral_private))
        log_limited(&limit, LOG_LEVEL_WARNING, "KeyLog: cannot write %s: %s", n->config->key_log,
                    strerror(errno));
}

static int
start_key_log(struct node *n)
{
    const char *path = n->config->key_log;

    if (path == NULL)
        return 0;
    n->observe.key_log = key_log_open(path);
    if (n->observe.key_log < 0) {
        log_error("KeyLog: cannot open %s: %s", path,
                  errno == EPERM ? "it must be a regular file of our own, of one name and mode 0600"
                                 : strerror(errno));
        return -1;
    }
    log_warning("KeyLog: who reads %s can read all traffic of this tunnel; for debugging only",
                path);
    n->handshaker.handshake_keys = log_handshake_keys;
    return 0;
}

/* --- metrics and telemetry
 * -----------------------------------------------------------------------------------
 */

static struct snapshot *
take_snapshot(void *ctx)
{
    return snapshot_take_all(ctx);
}

static int
start_metrics(struct node *n)
{
    const struct ip_endpoint *at = &n->config->metrics;
    char text[IP_TEXT_MAX];

    if (at->addr.family == IP_NONE)
        return 0;
    ip_endpoint_format(text, at);
    n->observe.metrics = metrics_http_start(n->base, at, take_snapshot, n);
    if (n->observe.metrics == NULL) {
        log_error("Metrics: cannot listen on %s: %s", text, strerror(errno));
        return -1;
    }
    log_info("metrics at http://%s/metrics", text);
    return 0;
}

static int
start_telemetry(struct node *n)
{
    int rc = n->config->telemetry ? telemetry_start(n->base, take_snapshot, n) : 0;

    return rc == 0 ? 0 : complain("Telemetry", rc);
}

/* --- beginning and end -------------------------------------------------------------------------
 */

int
observe_up(struct node *n)
{
    if (start_key_log(n) != 0 || start_metrics(n) != 0 || start_telemetry(n) != 0 ||
        start_watchdog(n) != 0)
        return -1;
    return 0;
}

void
observe_down(struct node *n)
{
    if (n->observe.on_watchdog != NULL)
        event_free(n->observe.on_watchdog);
    telemetry_stop();
    metrics_http_stop(n->observe.metrics);
    n->observe.metrics = NULL;
    n->handshaker.handshake_keys = NULL;
    if (n->observe.key_log >= 0)
        close(n->observe.key_log);
}
