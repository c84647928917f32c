/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel's side of the tunnel: the TUN interface and its addresses. With an inner port the
 * kernel has none. */
#include <errno.h>

#include <wgtcpd/control/log.h>

#include "internal.h"

int
interface_up(struct node *n)
{
    const struct config *c = n->config;
    char text[IP_TEXT_MAX];
    int rc;

    if (c->inner_port != NULL)
        return 0;
    rc = tun_open(n->tuns, n->n_workers, c->ifname, !c->no_offload);
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
has_address(const struct config *c, const struct ip_prefix *p)
{
    for (size_t i = 0; i < c->n_addresses; i++)
        if (c->addresses[i].len == p->len && ip_addr_equal(&c->addresses[i].addr, &p->addr))
            return true;
    return false;
}

static int
refused(FILE *errors, const char *what, const struct ip_prefix *p, int rc)
{
    char text[IP_TEXT_MAX];

    fprintf(errors, "cannot %s address %s: %s\n", what, ip_prefix_format(text, p), strerror(-rc));
    return -1;
}

static int
add_addresses(struct node *n, const struct config *new, FILE *errors)
{
    int rc, result = 0;

    for (size_t i = 0; i < new->n_addresses; i++) {
        rc = netlink_add_address(&n->netlink, &new->addresses[i]);
        if (rc != 0 && rc != -EEXIST && errors != NULL)
            result = refused(errors, "add", &new->addresses[i], rc);
    }
    return result;
}

/* What comes is there before what goes, so that an address whose length changes is never missing.
 * That IPv6 refuses, and IPv4 may take others of the same network along with one that goes: so what
 * should be there is added once more. */
static int
change_addresses(struct node *n, const struct config *new, FILE *errors)
{
    const struct config *old = n->config;
    int rc, result = 0;

    (void)add_addresses(n, new, NULL);
    for (size_t i = 0; i < old->n_addresses; i++) {
        if (has_address(new, &old->addresses[i]))
            continue;
        rc = netlink_del_address(&n->netlink, &old->addresses[i]);
        if (rc != 0 && rc != -EADDRNOTAVAIL)
            result = refused(errors, "remove", &old->addresses[i], rc);
    }
    return add_addresses(n, new, errors) == 0 ? result : -1;
}

static bool
same_addresses(const struct config *a, const struct config *b)
{
    for (size_t i = 0; i < a->n_addresses; i++)
        if (!has_address(b, &a->addresses[i]))
            return false;
    return a->n_addresses == b->n_addresses;
}

static int
change_mtu(struct node *n, const struct config *new, FILE *errors)
{
    uint32_t mtu = inner_mtu(new, ports_outer_mtu(n));
    size_t room = rte_pktmbuf_data_room_size(n->pool) - RTE_PKTMBUF_HEADROOM;
    int rc;

    if (mtu == n->mtu)
        return 0;
    if (packet_room(new) > room) {
        fprintf(errors,
                "MTU %u is too large for the packet buffers made at the start: that counts "
                "from the next start on\n",
                mtu);
        return 0;
    }
    rc = netlink_set_mtu(&n->netlink, mtu);
    if (rc != 0) {
        fprintf(errors, "cannot set MTU %u: %s\n", mtu, strerror(-rc));
        return -1;
    }
    n->mtu = mtu;
    device_set_mtu(&n->device, &(struct tunnel_mtu){.mtu = mtu, .fragment = new->mtu != 0});
    worker_wake(n->workers);
    return 0;
}

/* IPv6 addresses and all routes went with the link. */
void
interface_came_up(struct node *n)
{
    (void)add_addresses(n, n->config, NULL);
    routes_renew(n);
}

int
interface_change(struct node *n, const struct config *new, FILE *errors)
{
    int rc = 0;

    if (n->netlink.socket == NULL) { /* the inner side is no interface of the kernel's */
        if (!same_addresses(n->config, new) || n->config->mtu != new->mtu)
            fputs("with an inner port, Address and MTU of [Interface] count from the next start "
                  "on\n",
                  errors);
        return 0;
    }
    if (!same_addresses(n->config, new)) {
        rc = change_addresses(n, new, errors);
        routes_renew(n);
    }
    return change_mtu(n, new, errors) == 0 ? rc : -1;
}

void
interface_down(struct node *n)
{
    if (n->config->inner_port != NULL)
        return;
    routes_down(n);
    netlink_close(&n->netlink);
    for (unsigned i = 0; n->tuns != NULL && i < n->n_workers; i++)
        tun_close(&n->tuns[i]);
}
