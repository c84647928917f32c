/* SPDX-License-Identifier: BSD-3-Clause */
/* A running node is brought in line with its file, or the file with it. */
#include <errno.h>
#include <stdlib.h>

#include <wgtcpd/control/config_file.h>
#include <wgtcpd/control/dns.h>
#include <wgtcpd/control/keeper.h>
#include <wgtcpd/control/log.h>
#include <wgtcpd/control/reload.h>
#include <wgtcpd/control/save.h>

#include "internal.h"

int
node_apply(struct node *n, const struct change *c)
{
    struct device_effect effect;
    int rc = device_apply(&n->device, c, &effect);

    worker_wake(n->workers);
    if (rc == 0 && (effect.allowed_ips || effect.fwmark))
        (void)routes_sync(n); /* logged; the device has changed all the same */
    return rc;
}

/* A peer with our own public key is a mistake in a file. */
static int
check_own_key(const struct config *c, const char *path, FILE *errors)
{
    uint8_t own[NOISE_KEY_LEN];

    noise_public_key(own, c->private_key);
    for (const struct config_peer *p = c->peers; p != NULL; p = p->next)
        if (memcmp(p->public_key, own, sizeof(own)) == 0) {
            fprintf(errors,
                    "%s:%u: [Peer] has this interface's own public key; give the other side's\n",
                    path, p->line);
            return -1;
        }
    return 0;
}

static int
apply_difference(struct node *n, const struct config *new, struct reload_counts *counts,
                 FILE *errors)
{
    struct change change;
    int rc;

    change_init(&change);
    rc = reload_diff(n->config, new, &n->device, &change, counts);
    if (rc == 0)
        rc = node_apply(n, &change);
    change_free(&change);
    if (rc != 0)
        fprintf(errors, "%s: nothing was changed: %s\n", n->path, strerror(-rc));
    return rc;
}

static bool
same_strings(const struct config_strings *a, const struct config_strings *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (strcmp(a->items[i], b->items[i]) != 0)
            return false;
    return true;
}

static void
change_dns(struct node *n, const struct config *new)
{
    if (n->config->inner_port != NULL || same_strings(&n->config->dns, &new->dns))
        return;
    if (n->dns_up)
        dns_unset(n->config->ifname, loop_take_events, n);
    n->dns_up = dns_set(n->config->ifname, &new->dns, loop_take_events, n);
}

/* We may not be who may read the file any more. */
static struct config *
load_again(const struct node *n, FILE *errors)
{
    if (keeper_is_up())
        return config_load_fd(keeper_open_config(), n->path, errors);
    return config_load(n->path, errors);
}

int
node_reload(struct node *n, FILE *errors)
{
    struct config *new = load_again(n, errors);
    struct reload_counts counts;
    int rc = -1;

    if (new != NULL && check_own_key(new, n->path, errors) == 0 &&
        apply_difference(n, new, &counts, errors) == 0) {
        (void)reload_needs_start(n->config, new, errors);
        rc = interface_change(n, new, errors);
        change_dns(n, new);
        reload_take(n->config, new);
        n->device.config = (struct device_config){.transport = n->config->transport,
                                                  .congestion = n->config->congestion,
                                                  .knock = n->config->tcp_knock};
        if (routes_sync(n) != 0)
            rc = -1;
        log_info("reloaded %s: peers added %zu, removed %zu, changed %zu, untouched %zu", n->path,
                 counts.added, counts.removed, counts.changed, counts.untouched);
    }
    config_free(new);
    return rc;
}

/* --- saving --- */

static void
write_node(void *ctx, FILE *to)
{
    const struct node *n = ctx;

    save_format(n->config, &n->device, to);
}

static int
write_file(struct node *n)
{
    if (keeper_is_up())
        return keeper_save(write_node, n);
    return config_replace(n->path, write_node, n);
}

int
node_save(struct node *n)
{
    int rc;

    if (!n->handshaker.local.has_identity) {
        log_error("%s is not saved: there is no private key", n->path);
        return -1;
    }
    rc = write_file(n);
    if (rc == 0) {
        log_info("saved %s", n->path);
        return 0;
    }
    log_error("cannot save %s: %s", n->path, strerror(-rc));
    return -1;
}
