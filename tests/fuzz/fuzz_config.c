/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The configuration parser: any text gives a configuration or at least one message, and what it
 * accepts is within bounds. Leaks are the sanitizer's business.
 */
#include <stdio.h>
#include <stdlib.h>

#include <wgtcpd/control/config.h>

static void
require(bool holds)
{
    if (!holds)
        abort();
}

static void
check_prefixes(const struct ip_prefix *prefixes, size_t n)
{
    char text[IP_TEXT_MAX];
    struct ip_prefix again;

    for (size_t i = 0; i < n; i++)
        require(ip_prefix_parse(&again, ip_prefix_format(text, &prefixes[i])));
}

static void
check_config(const struct config *c)
{
    size_t ports = 0, peers = 0;

    require(c->has_private_key && c->ifname[0] != '\0');
    check_prefixes(c->addresses, c->n_addresses);
    for (const struct config_port *port = c->ports; port != NULL; port = port->next, ports++)
        check_prefixes(port->addresses, port->n_addresses);
    for (const struct config_peer *peer = c->peers; peer != NULL; peer = peer->next, peers++) {
        require(peer->has_public_key);
        check_prefixes(peer->allowed_ips, peer->n_allowed_ips);
    }
    require(ports == c->n_ports && peers == c->n_peers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *said = NULL;
    size_t said_len = 0;
    FILE *errors = open_memstream(&said, &said_len);
    char *text = malloc(size + 1); /* never a NULL pointer */

    if (errors == NULL || text == NULL)
        abort();
    memcpy(text, data, size);
    struct config *c = config_parse("wg0.conf", text, size, errors);
    fclose(errors);
    if (c != NULL)
        check_config(c);
    else
        require(said_len > 0 && said[said_len - 1] == '\n');
    config_free(c);
    free(text);
    free(said);
    return 0;
}
