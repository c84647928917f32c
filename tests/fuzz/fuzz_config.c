/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The configuration parser on arbitrary text: either a configuration that holds what the contract
 * says, or at least one message, each of them a line of printable text that names the file.
 */
#include <stdlib.h>

#include <wgtcpd/control/config.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool holds)
{
    if (!holds)
        abort();
}

static void
check_messages(const char *said, size_t len)
{
    require(len > 0 && said[len - 1] == '\n');
    for (size_t at = 0; at < len;) {
        const char *end = memchr(said + at, '\n', len - at);

        require(strncmp(said + at, "wg0.conf:", 9) == 0);
        for (const char *c = said + at; c < end; c++)
            require(*c >= ' ' && *c <= '~');
        at = (size_t)(end - said) + 1;
    }
}

static void
check_prefixes(const struct ip_prefix *list, size_t n)
{
    struct ip_prefix again;
    char text[IP_TEXT_MAX];

    for (size_t i = 0; i < n; i++) {
        require(ip_prefix_parse(&again, ip_prefix_format(text, &list[i])));
        require(again.len == list[i].len && ip_addr_equal(&again.addr, &list[i].addr));
    }
}

static void
check_config(const struct config *c)
{
    size_t peers = 0;

    require(c->has_private_key && c->workers == 1 && c->n_ports == 1);
    require(c->ports->device != NULL && c->ports->n_addresses > 0 && c->ports->next == NULL);
    check_prefixes(c->addresses, c->n_addresses);
    check_prefixes(c->ports->addresses, c->ports->n_addresses);
    for (const struct config_peer *p = c->peers; p != NULL; p = p->next) {
        require(p->has_public_key);
        require(p->endpoint.host == NULL || p->endpoint.port != 0);
        check_prefixes(p->allowed_ips, p->n_allowed_ips);
        peers++;
    }
    require(peers == c->n_peers);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *said = NULL;
    size_t said_len;
    FILE *errors = open_memstream(&said, &said_len);
    struct config *c;

    require(errors != NULL);
    c = config_parse("wg0.conf", (const char *)data, size, errors);
    fclose(errors);
    if (c == NULL)
        check_messages(said, said_len);
    else
        check_config(c);
    require(c == NULL || said_len == 0);
    config_free(c);
    free(said);
    return 0;
}
