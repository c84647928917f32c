/* SPDX-License-Identifier: BSD-3-Clause */
/* What `wg` reads from a running node and changes in it. */
#include <errno.h>

#include <wgtcpd/control/log.h>
#include <wgtcpd/control/snapshot.h>
#include <wgtcpd/control/uapi.h>

#include "internal.h"

enum { MAX_CLIENTS = 16, PATIENCE_MS = 30000 };

/* The interface with the first peers, or the next ones. */
static int
get(void *ctx, struct device_cursor *at, struct uapi_text *reply)
{
    struct device_peer *of[SNAPSHOT_PIECE];
    struct node *n = ctx;
    const struct noise_local *local = &n->handshaker.local;
    bool first = at->device == NULL;
    struct snapshot *s;
    size_t n_of;

    if (first)
        device_cursor_begin(&n->device, at);
    n_of = device_cursor_take(at, of, SNAPSHOT_PIECE);
    s = snapshot_take(n, of, n_of);
    if (s == NULL)
        return -EIO;
    if (first)
        uapi_format_device(reply, s, local->has_identity ? local->private_key : NULL);
    uapi_format_peers(reply, s, &n->allowed_ips);
    snapshot_free(s);
    return at->next != NULL;
}

/* Those from *p on that the change sets an endpoint of, as many as a snapshot is taken of at a
 * time; *p moves on. */
static size_t
some_with_endpoint(const struct device *d, struct change_peer **p, struct change_peer **change,
                   struct device_peer **of)
{
    size_t n = 0;

    for (; *p != NULL && n < SNAPSHOT_PIECE; *p = (*p)->next) {
        of[n] = (*p)->has_endpoint ? device_find(d, (*p)->public_key) : NULL;
        change[n] = *p;
        n += of[n] != NULL;
    }
    return n;
}

static bool
is_caller_at(const struct snapshot_peer *now, const struct ip_endpoint *e)
{
    return now->connected && !now->connection.dialled && ip_endpoint_equal(&now->endpoint, e);
}

/* Where a peer called us from says nothing of where to dial it. So who writes back what he read
 * (showconf, then syncconf) sets no endpoint there, and the connection stays. */
static void
leave_callers(struct node *n, struct change *c)
{
    struct change_peer *change[SNAPSHOT_PIECE], *next = c->peers;
    struct device_peer *of[SNAPSHOT_PIECE];
    struct snapshot *s;
    size_t n_of;

    while ((n_of = some_with_endpoint(&n->device, &next, change, of)) > 0) {
        s = snapshot_take(n, of, n_of);
        if (s == NULL)
            return;
        for (size_t i = 0; i < n_of; i++)
            if (is_caller_at(&s->peers[i], &change[i]->endpoint))
                change[i]->has_endpoint = false;
        snapshot_free(s);
    }
}

/* `wg setconf` makes all peers anew and knows nothing of our settings: who comes back has them as
 * before. */
static void
keep_ours(const struct device *d, struct change *c)
{
    const struct device_peer *before;

    for (struct change_peer *p = c->replace_peers ? c->peers : NULL; p != NULL; p = p->next) {
        before = device_find(d, p->public_key);
        if (before == NULL)
            continue;
        if (!p->has_transport)
            p->transport = before->transport;
        if (!p->has_congestion)
            p->congestion = before->congestion;
        if (!p->has_knock)
            p->knock = before->knock;
        p->has_transport = p->has_congestion = p->has_knock = true;
    }
}

static int
set(void *ctx, struct change *change)
{
    struct node *n = ctx;

    keep_ours(&n->device, change);
    leave_callers(n, change);
    return node_apply(n, change);
}

static void
deleted(void *ctx)
{
    struct node *n = ctx;

    log_info("the socket of %s was deleted: ending", n->config->ifname);
    loop_stop(n, 0);
}

int
uapi_up(struct node *n)
{
    const struct uapi_config config = {
        .directory = "/run/wireguard",
        .ifname = n->config->ifname,
        .base = n->base,
        .max_clients = MAX_CLIENTS,
        .patience_ms = PATIENCE_MS,
        .ctx = n,
        .get = get,
        .set = set,
        .deleted = deleted,
    };

    n->uapi = uapi_start(&config);
    if (n->uapi != NULL)
        return 0;
    if (errno == EADDRINUSE)
        log_error("%s/%s.sock belongs to another daemon that runs", config.directory,
                  config.ifname);
    else
        log_error("cannot listen on %s/%s.sock: %s", config.directory, config.ifname,
                  strerror(errno));
    return -1;
}

void
uapi_down(struct node *n)
{
    uapi_stop(n->uapi);
    n->uapi = NULL;
}
