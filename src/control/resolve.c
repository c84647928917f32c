/* SPDX-License-Identifier: BSD-3-Clause */
/* Endpoints that are names. */
#include <netdb.h>

#include <wgtcpd/control/log.h>

#include "internal.h"

static bool
have_family(const struct config *c, int family)
{
    for (const struct config_port *port = c->ports; port != NULL; port = port->next)
        for (size_t i = 0; i < port->n_addresses; i++)
            if (port->addresses[i].addr.family == family)
                return true;
    return false;
}

static void
take_sockaddr(struct ip_endpoint *out, const struct sockaddr *sa)
{
    if (sa->sa_family == AF_INET)
        out->addr =
            ip_addr_v4((const uint8_t *)&((const struct sockaddr_in *)(const void *)sa)->sin_addr);
    else
        out->addr = ip_addr_v6(
            (const uint8_t *)&((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr);
}

/* An address of the endpoint's host, of a family that an outer port has. */
bool
endpoint_resolve(const struct config *c, const struct config_endpoint *e, struct ip_endpoint *out)
{
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *list = NULL;
    int rc = getaddrinfo(e->host, NULL, &hints, &list);
    bool found = false;

    if (rc != 0) {
        log_warning("cannot resolve endpoint %s: %s", e->host, gai_strerror(rc));
        return false;
    }
    for (struct addrinfo *a = list; a != NULL && !found; a = a->ai_next) {
        int family = a->ai_family == AF_INET ? IP_V4 : a->ai_family == AF_INET6 ? IP_V6 : IP_NONE;

        if (family != IP_NONE && have_family(c, family)) {
            take_sockaddr(out, a->ai_addr);
            out->port = e->port;
            found = true;
        }
    }
    freeaddrinfo(list);
    if (!found)
        log_warning("endpoint %s has no address of a family that a port has", e->host);
    return found;
}
