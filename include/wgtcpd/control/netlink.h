/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel's view of the interface: addresses, MTU, state, routes and rules, over rtnetlink. */
#ifndef WGTCPD_CONTROL_NETLINK_H
#define WGTCPD_CONTROL_NETLINK_H

#include <wgtcpd/base/addr.h>

struct mnl_socket;

struct netlink {
    struct mnl_socket *socket;
    struct mnl_socket *watch; /* NULL: netlink_watch was not called */
    unsigned ifindex;
    unsigned sequence;
};

/* Opens a socket for the interface of that name. 0 or -errno; so do all the others. */
int netlink_open(struct netlink *n, const char *ifname);
void netlink_close(struct netlink *n);

int netlink_set_mtu(struct netlink *n, uint32_t mtu);
int netlink_set_up(struct netlink *n);
/* Has the kernel tell of links from now on: a non-blocking descriptor that is readable when there
 * is news, or -errno. netlink_close closes it. */
int netlink_watch(struct netlink *n);
/* Takes the news. 1: the interface is up now; 0: down; -EAGAIN: nothing was said of it. One that
 * was moved to another network namespace, of which we hear nothing any more, counts as up. */
int netlink_link_state(struct netlink *n);
/* IPv6 without duplicate address detection: nobody else is on the link. */
int netlink_add_address(struct netlink *n, const struct ip_prefix *address);
int netlink_del_address(struct netlink *n, const struct ip_prefix *address);
/* Route to the prefix through the interface. table 0: main. -EEXIST when there is one already. */
int netlink_add_route(struct netlink *n, const struct ip_prefix *prefix, uint32_t table);
int netlink_del_route(struct netlink *n, const struct ip_prefix *prefix, uint32_t table);
/* 1: the table has a route of the family; 0: none. */
int netlink_table_used(struct netlink *n, enum ip_family family, uint32_t table);

/* A rule of policy routing: what matches looks into the table. */
struct netlink_rule {
    enum ip_family family;
    uint32_t priority;   /* small ones come first */
    struct ip_addr from; /* the source; family IP_NONE: any */
    uint32_t not_mark;   /* not packets with this mark; 0: whatever the mark */
    uint32_t table;
    bool no_default; /* what the table finds by a route of length 0 does not count */
};

enum { NETLINK_RULE_PROTOCOL = 84 }; /* says that a rule is ours */

/* -EEXIST when the same is there. */
int netlink_add_rule(struct netlink *n, const struct netlink_rule *rule);
int netlink_del_rule(struct netlink *n, const struct netlink_rule *rule);
/* Takes away every rule of the family that is ours and has a priority from..to. */
int netlink_clear_rules(struct netlink *n, enum ip_family family, uint32_t from, uint32_t to);

#endif
