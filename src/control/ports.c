/* SPDX-License-Identifier: BSD-3-Clause */
/* The DPDK ports of a configuration: started with their addresses, and stopped. */
#include <errno.h>
#include <stdlib.h>

#include <wgtcpd/control/log.h>

#include "internal.h"

_Static_assert((int)CONFIG_PORTS_MAX == (int)WORKER_OUTER_MAX, "all ports have a place");
_Static_assert((int)CONFIG_PORT_ADDRESSES_MAX == (int)ADDRESSES_LOCAL_MAX,
               "all addresses have a place");
_Static_assert((int)CONFIG_PORT_ADDRESSES_MAX == (int)OUTER_LOCAL_MAX,
               "all addresses have a place");
_Static_assert((int)CONFIG_PORT_ADDRESSES_MAX == (int)GATEWAY_LOCAL_MAX,
               "all addresses have a place");
_Static_assert((int)CONFIG_PORT_ROUTES_MAX == (int)ADDRESSES_STATIC_MAX, "all routes have a place");

/* A number that is this node's and this port's own and stays. */
static uint64_t
identity(const struct config *c, size_t port)
{
    static const uint8_t key[16] = "wgtcpd port addr";
    uint8_t data[NOISE_KEY_LEN + 1];

    noise_public_key(data, c->private_key);
    data[NOISE_KEY_LEN] = (uint8_t)port;
    return noise_siphash(key, data, sizeof(data));
}

static void
fill_addresses(const struct config_port *c, struct addresses *a)
{
    addresses_init(a);
    for (size_t i = 0; i < c->n_addresses; i++)
        addresses_add_local(a, &c->addresses[i]);
    for (size_t i = 0; i < c->n_routes; i++)
        addresses_add_route(a, &c->routes[i].to, &c->routes[i].via);
    addresses_add_gateway(a, &c->gateway_v4);
    addresses_add_gateway(a, &c->gateway_v6);
}

static int
start_port(struct node *n, const struct config_port *c, bool inner)
{
    struct eth_link *l = &n->links[n->n_links];
    struct port_config port = {
        .device = c->device,
        .mtu = c->mtu,
        .vlan = c->vlan,
        .identity = identity(n->config, n->n_links),
        .tap = c->tap,
        .offload = !n->config->no_offload,
        .inner = inner,
        .queues = (uint16_t)n->n_workers,
        .steer = n->steer,
    };
    char error[256];

    if (port_start(&l->port, &port, n->pool, error, sizeof(error)) != 0) {
        log_error("%s", error);
        return -1;
    }
    n->n_links++;
    fill_addresses(c, &l->addresses);
    log_debug("port %s: driver %s, mtu %u, %s, %u queue%s%s", c->device, l->port.driver,
              l->port.mtu, l->port.rx_interrupt ? "Rx interrupts" : "no Rx interrupts",
              l->port.queues, l->port.queues == 1 ? "" : "s",
              l->port.rx_hash ? " and hashes by RSS" : "");
    return 0;
}

/* Each worker has a link of its own on it. l: the first worker's, complete. */
static void
share_link(struct node *n, struct eth_link *l)
{
    for (unsigned i = 0; i < n->n_workers; i++) {
        struct worker *w = &n->workers[i];
        struct eth_link *own = l + i * (CONFIG_PORTS_MAX + 1);

        if (i > 0)
            *own = *l;
        w->links[w->n_links++] = own;
    }
}

static int
start_outer(struct node *n, const struct config_port *c)
{
    struct eth_link *l = &n->links[n->n_links];

    if (start_port(n, c, false) != 0)
        return -1;
    l->tx_drop = WGT_DROP_OUTER_TX;
    l->reassemble = !c->no_reassembly;
    share_link(n, l);
    for (unsigned i = 0; i < n->n_workers; i++)
        n->workers[i].n_outer++;
    return 0;
}

/* On the worker's last link. */
static void
add_gateway(struct worker *w, struct gateway *g, const struct config *c)
{
    g->link = w->links[w->n_links - 1];
    for (size_t i = 0; i < c->n_addresses; i++)
        g->locals[g->n_locals++] = c->addresses[i];
    w->gateway = g;
}

static int
start_inner(struct node *n, const struct config *c)
{
    struct eth_link *l = &n->links[n->n_links];

    if (start_port(n, c->inner_port, true) != 0)
        return -1;
    l->tx_drop = WGT_DROP_INNER_TX;
    share_link(n, l);
    for (unsigned i = 0; i < n->n_workers; i++)
        add_gateway(&n->workers[i], &n->gateways[i], c);
    return 0;
}

int
ports_start(struct node *n)
{
    n->links = calloc((size_t)n->n_workers * (CONFIG_PORTS_MAX + 1), sizeof(*n->links));
    if (n->links == NULL)
        return complain("ports", ENOMEM);
    for (const struct config_port *c = n->config->ports; c != NULL; c = c->next)
        if (start_outer(n, c) != 0)
            return -1;
    return n->config->inner_port != NULL ? start_inner(n, n->config) : 0;
}

void
ports_stop(struct node *n)
{
    for (size_t i = 0; i < n->n_links; i++)
        port_stop(&n->links[i].port);
    free(n->links);
    n->links = NULL;
    n->n_links = 0;
}

uint16_t
ports_outer_mtu(const struct node *n)
{
    uint16_t mtu = UINT16_MAX;

    for (unsigned i = 0; i < n->workers->n_outer; i++)
        if (n->workers->links[i]->port.mtu < mtu)
            mtu = n->workers->links[i]->port.mtu;
    return mtu;
}
