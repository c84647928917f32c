/* SPDX-License-Identifier: BSD-3-Clause */
/* A snapshot of a running node: asking the worker, and waiting for its answer. */
#include <poll.h>
#include <stdlib.h>

#include <wgtcpd/control/log.h>
#include <wgtcpd/control/snapshot.h>

#include "internal.h"

/* The worker has its packets, too, while it reports: a million peers take some seconds. */
#define PATIENCE      WGT_SEC
#define PATIENCE_PEER (10 * WGT_USEC)

/* One that the worker did not answer in time stays its until it does. */
static bool
await_report(struct node *n, size_t n_peers)
{
    struct pollfd told = {.fd = n->event_fd, .events = POLLIN};
    wgt_time now = worker_clock(), deadline = now + PATIENCE + n_peers * PATIENCE_PEER;

    while (!n->reported && now < deadline) {
        worker_wake(n->workers);
        poll(&told, 1, (int)((deadline - now) / WGT_MSEC) + 1);
        loop_take_events(n);
        now = worker_clock();
    }
    return n->reported;
}

static void
drop_report(struct node *n)
{
    free(n->report);
    n->report = NULL;
    n->reported = false;
}

static struct snapshot *
make(struct node *n)
{
    struct wall_clock wall = wall_clock();
    struct snapshot *s = snapshot_make(&n->device, n->report, worker_clock(), &wall);

    if (s == NULL)
        return NULL;
    snprintf(s->ifname, sizeof(s->ifname), "%s", n->config->ifname);
    s->mtu = n->mtu;
    s->n_crypto = n->crypto.n;
    for (unsigned i = 0; i < s->n_crypto; i++)
        s->crypto[i] = crypto_worker_stats(&n->crypto.workers[i]);
    s->uptime_s = (s->now - n->started) / WGT_SEC;
    return s;
}

struct snapshot *
snapshot_take(struct node *n, struct device_peer *const *of, size_t n_of)
{
    struct snapshot *s = NULL;

    if (n->report != NULL && await_report(n, n->report->n_peers))
        drop_report(n); /* an old one; peers may have come and gone since */
    if (n->report != NULL)
        return NULL;
    if (!handshaker_has_room(&n->handshaker))
        peers_wait(n);
    n->report = snapshot_ask(&n->device, of, n_of, n->report_stats);
    if (n->report == NULL)
        return NULL;
    if (await_report(n, n_of)) {
        s = make(n);
        drop_report(n);
    } else {
        log_warning("the worker does not answer");
    }
    return s;
}

struct snapshot *
snapshot_take_all(struct node *n)
{
    struct device_peer **of = calloc(n->device.n_peers + 1, sizeof(*of)), *p;
    struct snapshot *s;
    size_t n_of = 0;

    if (of == NULL)
        return NULL;
    TAILQ_FOREACH(p, &n->device.peers, link)
    of[n_of++] = p;
    s = snapshot_take(n, of, n_of);
    free(of);
    return s;
}
