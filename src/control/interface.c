/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel's side of the tunnel: the TUN interface and its addresses. */
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

void
interface_down(struct node *n)
{
    routes_down(n);
    netlink_close(&n->netlink);
    tun_close(&n->tun);
}
