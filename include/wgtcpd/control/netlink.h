/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel's view of the interface: addresses, MTU, state, routes, over rtnetlink. */
#ifndef WGTCPD_CONTROL_NETLINK_H
#define WGTCPD_CONTROL_NETLINK_H

#include <wgtcpd/base/addr.h>

struct mnl_socket;

struct netlink {
    struct mnl_socket *socket;
    unsigned ifindex;
    unsigned sequence;
};

/* Opens a socket for the interface of that name. 0 or -errno; so do all the others. */
int netlink_open(struct netlink *n, const char *ifname);
void netlink_close(struct netlink *n);

int netlink_set_mtu(struct netlink *n, uint32_t mtu);
int netlink_set_up(struct netlink *n);
/* IPv6 without duplicate address detection: nobody else is on the link. */
int netlink_add_address(struct netlink *n, const struct ip_prefix *address);
/* Route to the prefix through the interface. table 0: main. -EEXIST when there is one already. */
int netlink_add_route(struct netlink *n, const struct ip_prefix *prefix, uint32_t table);

#endif
