/* SPDX-License-Identifier: BSD-3-Clause */
/* Routes to allowed IPs, and the rules that a default route through the tunnel wants. */
#ifndef WGTCPD_CONTROL_ROUTES_H
#define WGTCPD_CONTROL_ROUTES_H

#include <wgtcpd/control/config.h>

struct node;

struct route {
    struct ip_prefix prefix;
    bool ours; /* else the kernel's, made with an address; or it was refused (logged) */
};

/* What is installed. All zero: nothing. */
struct routes {
    struct route *items; /* in order of allowedips_walk */
    size_t n;
    enum config_table table; /* for which it was installed */
    uint32_t table_number;
    uint32_t default_table;  /* of the default routes of Table = auto; 0: not chosen yet */
    bool rules_v4, rules_v6; /* they are there */
    uint32_t rules_mark;     /* FwMark that they have */
};

/* Brings routes and rules in line with allowed IPs, Table and FwMark. 0; -1: something was refused
 * (logged), the rest was done. */
int routes_sync(struct node *n);
/* Addresses were removed, or the link was down, and the kernel may have removed routes with them.
 */
void routes_renew(struct node *n);
/* Takes the rules away; the routes vanish with the interface. */
void routes_down(struct node *n);

#endif
