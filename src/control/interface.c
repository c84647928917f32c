/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel's side of the tunnel: the TUN interface, its addresses and routes. */
#include <errno.h>

#include <wgtcpd/control/log.h>

#include "internal.h"

int
interface_up(struct node *n)
{
    const struct config *c = n->config;
    char text[IP_TEXT_MAX];
    int rc = tun_open(&n->tun, c->ifname);

    if (rc != 0) {
        log_error("cannot create interface %s: %s", c->ifname,
                  rc == -EBUSY ? "the name is in use" : strerror(-rc));
        return -1;
    }
    rc = netlink_open(&n->netlink, c->ifname);
    if (rc == 0)
        rc = netlink_set_mtu(&n->netlink, n->mtu);
    if (rc != 0)
        return complain("cannot configure the interface", rc);
    for (size_t i = 0; i < c->n_addresses; i++) {
        rc = netlink_add_address(&n->netlink, &c->addresses[i]);
        if (rc != 0) {
            log_error("cannot add address %s: %s", ip_prefix_format(text, &c->addresses[i]),
                      strerror(-rc));
            return -1;
        }
    }
    rc = netlink_set_up(&n->netlink);
    return rc == 0 ? 0 : complain("cannot bring the interface up", rc);
}

static bool
same_prefix(const struct ip_prefix *a, const struct ip_prefix *b)
{
    return a->len == b->len && ip_prefix_contains(a, &b->addr);
}

/* Whether a route to the prefix through our interface exists: the kernel made it with an address,
 * or we did for an earlier peer. Any other would carry the peer's packets past the tunnel. */
static bool
leads_here_already(const struct config *c, const struct ip_prefix *p)
{
    for (size_t i = 0; i < c->n_addresses; i++)
        if (same_prefix(&c->addresses[i], p))
            return true;
    for (const struct config_peer *q = c->peers; q != NULL; q = q->next)
        for (size_t i = 0; i < q->n_allowed_ips; i++) {
            if (&q->allowed_ips[i] == p)
                return false;
            if (same_prefix(&q->allowed_ips[i], p))
                return true;
        }
    return false;
}

static int
add_route(struct node *n, const struct ip_prefix *p)
{
    uint32_t table = n->config->table == CONFIG_TABLE_NUMBER ? n->config->table_number : 0;
    char text[IP_TEXT_MAX];
    int rc;

    if (p->len == 0 && n->config->table == CONFIG_TABLE_AUTO) {
        log_warning("%s is not routed by itself yet: route it in PostUp, or set Table",
                    ip_prefix_format(text, p));
        return 0;
    }
    rc = netlink_add_route(&n->netlink, p, table);
    if (rc == 0 || (rc == -EEXIST && leads_here_already(n->config, p)))
        return 0;
    log_error("cannot add route %s: %s", ip_prefix_format(text, p),
              rc == -EEXIST
                  ? "there is one that leads elsewhere; remove it, or set Table = off and "
                    "route in PostUp"
                  : strerror(-rc));
    return -1;
}

int
interface_add_routes(struct node *n)
{
    if (n->config->table == CONFIG_TABLE_OFF)
        return 0;
    for (const struct config_peer *p = n->config->peers; p != NULL; p = p->next)
        for (size_t i = 0; i < p->n_allowed_ips; i++)
            if (add_route(n, &p->allowed_ips[i]) != 0)
                return -1;
    return 0;
}

void
interface_down(struct node *n)
{
    netlink_close(&n->netlink);
    tun_close(&n->tun);
}
