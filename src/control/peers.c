/* SPDX-License-Identifier: BSD-3-Clause */
/* The peers of a node. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <wgtcpd/control/log.h>

#include "internal.h"

static struct tunnel_peer *
make_peer(const struct config *c, const struct config_peer *from)
{
    struct tunnel_peer *p =
        aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN_CEIL(sizeof(*p), RTE_CACHE_LINE_SIZE));

    if (p == NULL)
        return NULL;
    memset(p, 0, sizeof(*p));
    memcpy(p->public_key, from->public_key, sizeof(p->public_key));
    p->persistent_keepalive = from->persistent_keepalive;
    p->configured_kind = from->transport == CONFIG_TCP ? TRANSPORT_TCP : TRANSPORT_UDP;
    p->congestion = congestion_ops(from->congestion);
    p->knock = from->tcp_knock;
    if (from->endpoint.host != NULL)
        p->has_endpoint = endpoint_resolve(c, &from->endpoint, &p->configured);
    return p;
}

static int
add_peer(struct node *n, const struct config_peer *from)
{
    struct tunnel_peer *p = make_peer(n->config, from);
    int rc;

    if (p == NULL)
        return complain("peer", ENOMEM);
    n->peers[n->n_peers++] = p;
    for (size_t i = 0; i < from->n_allowed_ips; i++) {
        rc = allowedips_insert(&n->allowed_ips, &from->allowed_ips[i], p);
        if (rc != 0)
            return complain("allowed IPs", rc);
    }
    rc = handshaker_add_peer(&n->handshaker, p, from->preshared_key);
    if (rc == -EINVAL) {
        log_error("the [Peer] in line %u has this interface's own public key: give the "
                  "other side's",
                  from->line);
        return -1;
    }
    return rc == 0 ? 0 : complain("cannot add a peer", rc);
}

/* What the worker may still have been reading while prefixes were added. */
static void
free_retired_prefixes(struct node *n)
{
    struct allowedips_node *retired = allowedips_take_retired(&n->allowed_ips);

    rte_rcu_qsbr_synchronize(n->rcu, RTE_QSBR_THRID_INVALID);
    allowedips_free_retired(retired);
}

int
peers_add(struct node *n)
{
    n->peers = calloc(n->config->n_peers + 1, sizeof(*n->peers));
    if (n->peers == NULL)
        return complain("peers", ENOMEM);
    for (const struct config_peer *p = n->config->peers; p != NULL; p = p->next) {
        if (add_peer(n, p) != 0)
            return -1;
        /* Many peers: the worker takes them in as we go. */
        while (rte_ring_free_count(n->commands) == 0) {
            worker_wake(&n->worker);
            usleep(1000);
        }
    }
    worker_wake(&n->worker);
    free_retired_prefixes(n);
    return 0;
}

void
peers_free(struct node *n)
{
    for (size_t i = 0; i < n->n_peers; i++)
        free(n->peers[i]);
    free(n->peers);
}
