/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "config_parser.h"

enum { MTU_MIN_V6 = 1280 };

bool
config_is_host(const struct ip_addr *a)
{
    static const uint8_t zero[16], ones[4] = {255, 255, 255, 255};

    if (a->family == IP_V4)
        return a->bytes[0] != 0 && a->bytes[0] >> 4 != 14 && memcmp(a->bytes, ones, 4) != 0;
    return memcmp(a->bytes, zero, sizeof(zero)) != 0 && a->bytes[0] != 0xff;
}

static bool
is_link_local(const struct ip_addr *a)
{
    return a->family == IP_V6 && a->bytes[0] == 0xfe && a->bytes[1] >> 6 == 2;
}

static const char *
family_name(uint8_t family)
{
    return family == IP_V4 ? "IPv4" : "IPv6";
}

static bool
has_family(const struct ip_prefix *addresses, size_t n, uint8_t family)
{
    for (size_t i = 0; i < n; i++)
        if (addresses[i].addr.family == family)
            return true;
    return false;
}

/* A key that is missing, and was neither wrong nor misspelt. */
static bool
is_missing(const struct parser *ps, enum config_key key)
{
    return ps->seen[key] == 0 && !ps->meant[key];
}

static void
check_mtu(struct parser *ps, enum config_key key, uint32_t mtu, const struct ip_prefix *addresses,
          size_t n)
{
    if (mtu != 0 && mtu < MTU_MIN_V6 && has_family(addresses, n, IP_V6))
        config_error_at(ps, ps->seen[key],
                        "MTU %u is too small for the IPv6 Address; give %d or more", mtu,
                        MTU_MIN_V6);
}

/* A router must be a neighbour, and not ourselves. */
static void
check_router(struct parser *ps, enum config_key key, const struct ip_addr *router)
{
    const struct config_port *port = ps->port;
    unsigned line = ps->seen[key];
    bool on_link = is_link_local(router);
    char text[IP_TEXT_MAX];

    if (router->family == IP_NONE)
        return;
    for (size_t i = 0; i < port->n_addresses; i++) {
        if (ip_addr_equal(&port->addresses[i].addr, router)) {
            config_error_at(ps, line, "%s %s is the port's own Address; give the router's",
                            config_key_name(key), ip_addr_format(text, router));
            return;
        }
        on_link = on_link || ip_prefix_contains(&port->addresses[i], router);
    }
    if (!on_link)
        config_error_at(ps, line,
                        "%s %s is in none of the port's networks; it must lie in one that "
                        "Address names",
                        config_key_name(key), ip_addr_format(text, router));
}

static void
check_routers(struct parser *ps)
{
    const struct config_port *port = ps->port;

    if (port->n_addresses == 0)
        return;
    check_router(ps, KEY_PORT_Gateway, &port->gateway_v4);
    check_router(ps, KEY_PORT_Gateway, &port->gateway_v6);
    for (size_t i = 0; i < port->n_routes; i++)
        check_router(ps, KEY_PORT_Route, &port->routes[i].via);
}

void
config_check_port(struct parser *ps)
{
    const struct config_port *port = ps->port;

    if (is_missing(ps, KEY_PORT_Device))
        config_error_at(ps, port->line,
                        "[Port] has no Device; give one such as tap0 or a PCI address");
    if (is_missing(ps, KEY_PORT_Address))
        config_error_at(ps, port->line, "[Port] has no Address; give one such as 192.0.2.2/24");
    if (port->n_addresses > CONFIG_PORT_ADDRESSES_MAX)
        config_error_at(ps, ps->seen[KEY_PORT_Address], "[Port] has %zu addresses; give at most %d",
                        port->n_addresses, CONFIG_PORT_ADDRESSES_MAX);
    check_mtu(ps, KEY_PORT_MTU, port->mtu, port->addresses, port->n_addresses);
    if (port->n_routes > CONFIG_PORT_ROUTES_MAX)
        config_error_at(ps, ps->seen[KEY_PORT_Route], "[Port] has %zu routes; give at most %d",
                        port->n_routes, CONFIG_PORT_ROUTES_MAX);
    check_routers(ps);
}

void
config_check_peer(struct parser *ps)
{
    if (is_missing(ps, KEY_PEER_PublicKey))
        config_error_at(ps, ps->peer->line, "[Peer] has no PublicKey; give the peer's");
}

static void
check_interface(struct parser *ps)
{
    const struct config *c = ps->c;

    if (ps->interface_line == 0) {
        if (!ps->unknown_section)
            config_error_at(ps, 1, "no [Interface] section; add one with PrivateKey");
        return;
    }
    if (is_missing(ps, KEY_INTERFACE_PrivateKey))
        config_error_at(ps, ps->interface_line,
                        "[Interface] has no PrivateKey; make one with 'wg genkey'");
    check_mtu(ps, KEY_INTERFACE_MTU, c->mtu, c->addresses, c->n_addresses);
    if (c->inner_port != NULL && c->n_addresses > CONFIG_PORT_ADDRESSES_MAX)
        config_error_at(ps, ps->seen[KEY_INTERFACE_Address],
                        "[Interface] has %zu addresses; with Inner a port give at most %d",
                        c->n_addresses, CONFIG_PORT_ADDRESSES_MAX);
}

static size_t
device_name_len(const char *device)
{
    return strcspn(device, ",");
}

static void
check_pair(struct parser *ps, const struct config_port *a, const struct config_port *b)
{
    char text[IP_TEXT_MAX];
    size_t len;

    if (a->device != NULL && b->device != NULL) {
        len = device_name_len(a->device);
        if (len == device_name_len(b->device) && memcmp(a->device, b->device, len) == 0)
            config_error_at(ps, b->line,
                            "[Port] with the Device of the one on line %u; give each "
                            "its own",
                            a->line);
    }
    for (size_t i = 0; i < a->n_addresses; i++)
        for (size_t j = 0; j < b->n_addresses; j++)
            if (ip_addr_equal(&a->addresses[i].addr, &b->addresses[j].addr))
                config_error_at(ps, b->line,
                                "[Port] with the Address %s, which the one on line %u has; give "
                                "each its own",
                                ip_addr_format(text, &a->addresses[i].addr), a->line);
}

static bool
is_inner(const struct config *c, const struct config_port *port)
{
    size_t len = strlen(c->inner);

    return port->device != NULL && device_name_len(port->device) == len &&
           memcmp(port->device, c->inner, len) == 0;
}

/* The port that Inner names leaves the list of the outer ones. */
static void
part_inner_port(struct parser *ps)
{
    struct config *c = ps->c;
    char shown[SHOWN_MAX];

    if (c->inner == NULL || strcmp(c->inner, "tun") == 0)
        return;
    for (struct config_port **at = &c->ports; *at != NULL; at = &(*at)->next)
        if (is_inner(c, *at)) {
            c->inner_port = *at;
            *at = c->inner_port->next;
            c->inner_port->next = NULL;
            c->n_ports--;
            return;
        }
    config_error_at(ps, ps->seen[KEY_INTERFACE_Inner],
                    "Inner: no [Port] has the Device %s; add one, or write tun",
                    config_show(shown, (struct slice){c->inner, strlen(c->inner)}));
}

static void
check_that_there_is_a_port(struct parser *ps)
{
    if (ps->c->ports != NULL || ps->unknown_section)
        return;
    if (ps->c->inner_port != NULL)
        config_error_at(ps, ps->c->inner_port->line,
                        "the only [Port] is the Inner one; add an outer one");
    else
        config_error_at(ps, ps->interface_line != 0 ? ps->interface_line : 1,
                        "no [Port] section; add one with Device and Address");
}

static void
check_ports(struct parser *ps)
{
    const struct config *c = ps->c;

    check_that_there_is_a_port(ps);
    if (c->n_ports > CONFIG_PORTS_MAX)
        config_error_at(ps, c->ports->line, "%zu [Port] sections; give at most %d", c->n_ports,
                        CONFIG_PORTS_MAX);
    if (c->inner_port != NULL)
        for (const struct config_port *b = c->ports; b != NULL; b = b->next)
            check_pair(ps, c->inner_port, b);
    for (const struct config_port *a = c->ports; a != NULL; a = a->next)
        for (const struct config_port *b = a->next; b != NULL; b = b->next)
            check_pair(ps, a, b);
}

/* A literal endpoint needs a port that has an address of its family. */
static void
check_endpoint(struct parser *ps, const struct config_peer *peer)
{
    const struct config_port *port = ps->c->ports;
    struct ip_addr a;

    if (peer->endpoint.host == NULL || !ip_addr_parse(&a, peer->endpoint.host))
        return;
    for (; port != NULL; port = port->next)
        if (port->n_addresses == 0 || has_family(port->addresses, port->n_addresses, a.family))
            return;
    if (ps->c->ports != NULL)
        config_error_at(ps, peer->endpoint.line,
                        "Endpoint is %s, but no [Port] has an %s Address; add one to the [Port]",
                        family_name(a.family), family_name(a.family));
}

static int
by_key_and_line(const void *left, const void *right)
{
    const struct config_peer *a = *(const struct config_peer *const *)left;
    const struct config_peer *b = *(const struct config_peer *const *)right;
    int keys = memcmp(a->public_key, b->public_key, CONFIG_KEY_LEN);

    return keys != 0 ? keys : (a->line > b->line) - (a->line < b->line);
}

static void
check_duplicate_peers(struct parser *ps)
{
    const struct config_peer **sorted = calloc(ps->c->n_peers + 1, sizeof(*sorted)), *first;
    size_t n = 0;

    if (sorted == NULL) {
        config_error(ps, "out of memory");
        return;
    }
    for (const struct config_peer *peer = ps->c->peers; peer != NULL; peer = peer->next)
        if (peer->has_public_key)
            sorted[n++] = peer;
    qsort(sorted, n, sizeof(*sorted), by_key_and_line);
    first = sorted[0];
    for (size_t i = 1; i < n; i++) {
        if (memcmp(first->public_key, sorted[i]->public_key, CONFIG_KEY_LEN) != 0)
            first = sorted[i];
        else
            config_error_at(ps, sorted[i]->line,
                            "[Peer] with the PublicKey of the one on line %u; make them one",
                            first->line);
    }
    free(sorted);
}

void
config_check_all(struct parser *ps)
{
    part_inner_port(ps);
    check_interface(ps);
    check_ports(ps);
    for (struct config_peer *peer = ps->c->peers; peer != NULL; peer = peer->next) {
        check_endpoint(ps, peer);
        if (!peer->has_transport)
            peer->transport = ps->c->transport;
        if (!peer->has_congestion)
            peer->congestion = ps->c->congestion;
        if (!peer->has_tcp_knock)
            peer->tcp_knock = ps->c->tcp_knock;
    }
    check_duplicate_peers(ps);
}
