/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The parser of the configuration protocol on arbitrary bytes. Whatever comes: an operation with an
 * error asks for nothing, the values of one without are what the contract says, and how the bytes
 * were cut into pieces makes no difference. The first byte says how they are cut.
 */
#include <stdlib.h>

#include <wgtcpd/control/uapi.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool holds)
{
    if (!holds)
        abort();
}

static void
check_prefix(const struct ip_prefix *p)
{
    struct ip_prefix masked = *p, again;
    char text[IP_TEXT_MAX];

    ip_prefix_mask(&masked);
    require(ip_addr_equal(&masked.addr, &p->addr));
    require(ip_prefix_parse(&again, ip_prefix_format(text, p)));
    require(again.len == p->len && ip_addr_equal(&again.addr, &p->addr));
}

static void
check_peer(const struct change_peer *p)
{
    require(!p->has_endpoint || (p->endpoint.port != 0 && p->endpoint.addr.family != IP_NONE));
    require(p->transport <= CONFIG_TCP && p->congestion <= CONFIG_NONE);
    for (size_t i = 0; i < p->n_allowed_ips; i++)
        check_prefix(&p->allowed_ips[i].prefix);
}

static void
check_change(const struct change *c, int error)
{
    if (error != 0)
        require(c->peers == NULL && !c->has_private_key && !c->has_listen_port && !c->has_fwmark &&
                !c->replace_peers);
    for (const struct change_peer *p = c->peers; p != NULL; p = p->next)
        check_peer(p);
}

static void
same_peer(const struct change_peer *a, const struct change_peer *b)
{
    require(memcmp(a->public_key, b->public_key, CONFIG_KEY_LEN) == 0);
    require(memcmp(a->psk, b->psk, CONFIG_KEY_LEN) == 0);
    require(a->remove == b->remove && a->update_only == b->update_only);
    require(a->keepalive == b->keepalive && a->transport == b->transport && a->knock == b->knock);
    require(a->n_allowed_ips == b->n_allowed_ips);
    require(a->replace_allowed_ips == b->replace_allowed_ips);
}

static void
same_change(const struct change *a, const struct change *b)
{
    const struct change_peer *p = a->peers, *q = b->peers;

    require(memcmp(a->private_key, b->private_key, CONFIG_KEY_LEN) == 0);
    require(a->listen_port == b->listen_port && a->fwmark == b->fwmark);
    for (; p != NULL && q != NULL; p = p->next, q = q->next)
        same_peer(p, q);
    require(p == NULL && q == NULL);
}

/* The next operation, from pieces of `piece` bytes. */
static enum uapi_parsed
next_operation(struct uapi_parser *p, const char *data, size_t size, size_t *at, size_t piece)
{
    enum uapi_parsed parsed = UAPI_MORE;
    size_t n, used;

    while (*at < size && parsed == UAPI_MORE) {
        n = size - *at < piece ? size - *at : piece;
        parsed = uapi_parse(p, data + *at, n, &used);
        require(used <= n && (parsed != UAPI_MORE || used == n));
        *at += used;
    }
    return parsed;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct uapi_parser whole, cut;
    enum uapi_parsed parsed = UAPI_MORE;
    size_t at = 0, cut_at = 0, piece = size > 0 && data[0] != 0 ? data[0] : 1;
    const char *text = (const char *)data + 1;

    if (size == 0)
        return 0;
    size--;
    uapi_parser_init(&whole);
    uapi_parser_init(&cut);
    while (at < size && parsed != UAPI_BROKEN) {
        parsed = next_operation(&whole, text, size, &at, size);
        require(next_operation(&cut, text, size, &cut_at, piece) == parsed && cut_at == at);
        require(whole.error == cut.error && uapi_parser_midway(&whole) == uapi_parser_midway(&cut));
        check_change(&whole.change, whole.error);
        same_change(&whole.change, &cut.change);
    }
    uapi_parser_fini(&whole);
    uapi_parser_fini(&cut);
    return 0;
}
