/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/control/change.h>

#include <stdlib.h>

#include <wgtcpd/vault/vault.h>

enum { FIRST_PREFIXES = 4 };

void
change_init(struct change *c)
{
    memset(c, 0, sizeof(*c));
    c->tail = &c->peers;
}

static void
free_peer(struct change_peer *p)
{
    free(p->host);
    free(p->allowed_ips);
    vault_free(p, sizeof(*p));
}

void
change_cut(struct change *c, struct change_peer **at)
{
    struct change_peer *next;

    for (struct change_peer *p = *at; p != NULL; p = next) {
        next = p->next;
        free_peer(p);
    }
    *at = NULL;
    c->tail = at;
}

void
change_free(struct change *c)
{
    change_cut(c, &c->peers);
    explicit_bzero(c, sizeof(*c));
    change_init(c);
}

struct change_peer *
change_add_peer(struct change *c, const uint8_t public_key[CONFIG_KEY_LEN])
{
    struct change_peer *p = vault_alloc(sizeof(*p));

    if (p == NULL)
        return NULL;
    memcpy(p->public_key, public_key, sizeof(p->public_key));
    *c->tail = p;
    c->tail = &p->next;
    return p;
}

bool
change_add_prefix(struct change_peer *p, const struct ip_prefix *prefix, bool remove)
{
    if (p->n_allowed_ips == p->room_allowed_ips) {
        size_t room = p->room_allowed_ips != 0 ? 2 * p->room_allowed_ips : FIRST_PREFIXES;
        struct change_prefix *more = reallocarray(p->allowed_ips, room, sizeof(*more));

        if (more == NULL)
            return false;
        p->allowed_ips = more;
        p->room_allowed_ips = room;
    }
    p->allowed_ips[p->n_allowed_ips++] = (struct change_prefix){*prefix, remove};
    return true;
}

struct change_peer *
change_add_config_peer(struct change *c, const struct config_peer *from)
{
    struct change_peer *p = change_add_peer(c, from->public_key);

    if (p == NULL)
        return NULL;
    p->has_psk = p->has_keepalive = p->has_transport = p->has_congestion = p->has_knock = true;
    if (from->preshared_key != NULL)
        memcpy(p->psk, from->preshared_key, sizeof(p->psk));
    p->keepalive = from->persistent_keepalive;
    p->transport = from->transport;
    p->congestion = from->congestion;
    p->knock = from->tcp_knock;
    p->replace_allowed_ips = true;
    for (size_t i = 0; i < from->n_allowed_ips; i++)
        if (!change_add_prefix(p, &from->allowed_ips[i], false))
            return NULL;
    return p;
}
