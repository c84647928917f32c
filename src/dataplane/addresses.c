/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/dataplane/addresses.h>

static const struct ip_addr nowhere = {.family = IP_NONE};

void
addresses_init(struct addresses *a)
{
    static const struct ip_prefix link_local = {{.family = IP_V6, .bytes = {0xfe, 0x80}}, 10};

    a->n_locals = a->n_routes = 0;
    a->local_marks = 0;
    addresses_add_route(a, &link_local, &nowhere);
}

bool
addresses_add_route(struct addresses *a, const struct ip_prefix *to, const struct ip_addr *via)
{
    unsigned at = a->n_routes;

    if (at == ADDRESSES_ROUTES_MAX)
        return false;
    /* Behind those of the same length: of two, the first counts. */
    for (; at > 0 && a->routes[at - 1].to.len < to->len; at--)
        a->routes[at] = a->routes[at - 1];
    a->routes[at] = (struct address_route){.to = *to, .via = *via};
    a->n_routes++;
    return true;
}

bool
addresses_add_local(struct addresses *a, const struct ip_prefix *local)
{
    if (a->n_locals == ADDRESSES_LOCAL_MAX || !addresses_add_route(a, local, &nowhere))
        return false;
    a->locals[a->n_locals++] = *local;
    a->local_marks |= addresses_mark(&local->addr);
    return true;
}

bool
addresses_add_gateway(struct addresses *a, const struct ip_addr *via)
{
    struct ip_prefix all = {.addr.family = via->family};

    return via->family == IP_NONE || addresses_add_route(a, &all, via);
}

bool
addresses_have(const struct addresses *a, const struct ip_addr *addr)
{
    for (unsigned i = 0; i < a->n_locals; i++)
        if (ip_addr_equal(&a->locals[i].addr, addr))
            return true;
    return false;
}

const struct address_route *
addresses_route(const struct addresses *a, const struct ip_addr *dst)
{
    for (unsigned i = 0; i < a->n_routes; i++)
        if (ip_prefix_contains(&a->routes[i].to, dst))
            return &a->routes[i];
    return NULL;
}

static const struct ip_addr *
local_in_network_of(const struct addresses *a, const struct ip_addr *neighbour)
{
    for (unsigned i = 0; i < a->n_locals; i++)
        if (ip_prefix_contains(&a->locals[i], neighbour))
            return &a->locals[i].addr;
    return NULL;
}

static const struct ip_addr *
first_of_family(const struct addresses *a, uint8_t family)
{
    for (unsigned i = 0; i < a->n_locals; i++)
        if (a->locals[i].addr.family == family)
            return &a->locals[i].addr;
    return NULL;
}

bool
addresses_source(const struct addresses *a, const struct ip_addr *remote, struct ip_addr *source)
{
    const struct address_route *r = addresses_route(a, remote);
    const struct ip_addr *hop = r != NULL && r->via.family != IP_NONE ? &r->via : remote;
    const struct ip_addr *found = local_in_network_of(a, hop);

    if (found == NULL)
        found = first_of_family(a, remote->family);
    if (found == NULL)
        return false;
    *source = *found;
    return true;
}
