/* SPDX-License-Identifier: BSD-3-Clause */
/* What `wg` reads from a running node and changes in it. */
#include <errno.h>

#include <wgtcpd/control/log.h>
#include <wgtcpd/control/snapshot.h>
#include <wgtcpd/control/uapi.h>

#include "internal.h"

enum { MAX_CLIENTS = 16, PATIENCE_MS = 30000 };

static int
get(void *ctx, struct uapi_text *reply)
{
    struct node *n = ctx;
    const struct noise_local *local = &n->handshaker.local;
    struct snapshot *s = snapshot_take(n);

    if (s == NULL)
        return -EIO;
    uapi_format_get(reply, s, local->has_identity ? local->private_key : NULL, &n->allowed_ips);
    snapshot_free(s);
    return 0;
}

static bool
sets_endpoints(const struct change *c)
{
    for (const struct change_peer *p = c->peers; p != NULL; p = p->next)
        if (p->has_endpoint)
            return true;
    return false;
}

/* The peer of that key; looked for from *at on, where it mostly is: `wg` writes in the order in
 * which it read. */
static const struct snapshot_peer *
find(const struct snapshot *s, const uint8_t key[CONFIG_KEY_LEN], size_t *at)
{
    for (size_t i = 0; i < s->n_peers; i++) {
        size_t j = (*at + i) % s->n_peers;

        if (memcmp(s->peers[j].public_key, key, CONFIG_KEY_LEN) == 0) {
            *at = j + 1;
            return &s->peers[j];
        }
    }
    return NULL;
}

/* Where a peer called us from says nothing of where to dial it. So who writes back what he read
 * (showconf, then syncconf) sets no endpoint there, and the connection stays. */
static void
leave_callers(struct node *n, struct change *c)
{
    struct snapshot *s = sets_endpoints(c) ? snapshot_take(n) : NULL;
    const struct snapshot_peer *now;
    size_t at = 0;

    if (s == NULL)
        return;
    for (struct change_peer *p = c->peers; p != NULL; p = p->next) {
        now = p->has_endpoint ? find(s, p->public_key, &at) : NULL;
        if (now != NULL && now->connected && !now->connection.dialled &&
            ip_endpoint_equal(&now->endpoint, &p->endpoint))
            p->has_endpoint = false;
    }
    snapshot_free(s);
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
