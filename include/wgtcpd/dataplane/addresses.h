/* SPDX-License-Identifier: BSD-3-Clause */
/* A port's own addresses and what they make reachable: the networks on its link, static routes and
 * default gateways. Filled before the worker starts, read only after. */
#ifndef WGTCPD_DATAPLANE_ADDRESSES_H
#define WGTCPD_DATAPLANE_ADDRESSES_H

#include <wgtcpd/base/addr.h>

enum {
    ADDRESSES_LOCAL_MAX = 16,
    ADDRESSES_STATIC_MAX = 64,
    /* networks, static routes, two gateways, IPv6's link-local network */
    ADDRESSES_ROUTES_MAX = ADDRESSES_LOCAL_MAX + ADDRESSES_STATIC_MAX + 3,
};

struct address_route {
    struct ip_prefix to;
    struct ip_addr via; /* family IP_NONE: on the link itself */
};

struct addresses {
    struct ip_prefix locals[ADDRESSES_LOCAL_MAX]; /* host bits kept */
    unsigned n_locals;
    uint64_t local_marks;                              /* addresses_mark of each local */
    struct address_route routes[ADDRESSES_ROUTES_MAX]; /* longest prefix first */
    unsigned n_routes;
};

/* fe80::/10 is on every link. */
void addresses_init(struct addresses *a);
/* An address of ours and, with it, the route to its network. false: no room. */
bool addresses_add_local(struct addresses *a, const struct ip_prefix *local);
/* false: no room. */
bool addresses_add_route(struct addresses *a, const struct ip_prefix *to,
                         const struct ip_addr *via);
/* A default route; family IP_NONE: nothing is added. */
bool addresses_add_gateway(struct addresses *a, const struct ip_addr *via);

/* One bit of 64, by the address's last byte that its family has. */
static inline uint64_t
addresses_mark(const struct ip_addr *addr)
{
    return UINT64_C(1) << (addr->bytes[addr->family == IP_V4 ? 3 : 15] & 63);
}

bool addresses_have(const struct addresses *a, const struct ip_addr *addr);

/* Most that are not are known by their mark. */
static inline bool
addresses_are_local(const struct addresses *a, const struct ip_addr *addr)
{
    return (a->local_marks & addresses_mark(addr)) != 0 && addresses_have(a, addr);
}

/* The route with the longest prefix that holds dst; NULL: there is none. */
const struct address_route *addresses_route(const struct addresses *a, const struct ip_addr *dst);
/* Our address to talk to remote from: one of the network that leads there, else the first of the
 * family. false: we have none of that family. */
bool addresses_source(const struct addresses *a, const struct ip_addr *remote,
                      struct ip_addr *source);

#endif
