/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a set operation (`wg`), a reload or wgtcpctl asks of a running node: validated, in the order
 * asked, not yet applied. Pure data; device_apply carries it out as a whole or not at all.
 */
#ifndef WGTCPD_CONTROL_CHANGE_H
#define WGTCPD_CONTROL_CHANGE_H

#include <wgtcpd/control/config.h>

struct change_prefix {
    struct ip_prefix prefix;
    bool remove; /* take it from this peer (`allowed_ip=-...`) */
};

/* What is asked of one peer; a peer may come several times. */
struct change_peer {
    struct change_peer *next;
    uint8_t public_key[CONFIG_KEY_LEN];
    bool remove;      /* and nothing else */
    bool update_only; /* nothing if there is no such peer yet */
    bool has_psk, has_endpoint, has_keepalive, has_transport, has_congestion, has_knock;
    uint8_t psk[CONFIG_KEY_LEN]; /* zero: none */
    struct ip_endpoint endpoint; /* family IP_NONE: the host has no address so far */
    char *host;                  /* the name the endpoint comes from, or NULL; the change's */
    uint16_t keepalive;          /* s, 0: off */
    enum config_transport transport;
    enum config_congestion congestion;
    bool knock;
    bool replace_allowed_ips; /* first */
    struct change_prefix *allowed_ips;
    size_t n_allowed_ips, room_allowed_ips;
};

struct change {
    bool has_private_key, has_listen_port, has_fwmark;
    uint8_t private_key[CONFIG_KEY_LEN]; /* zero: none */
    uint16_t listen_port;                /* 0: any */
    uint32_t fwmark;
    bool replace_peers; /* first */
    struct change_peer *peers, **tail;
};

void change_init(struct change *c);
/* Wipes keys. What change_init made may be freed more than once. */
void change_free(struct change *c);
/* A further peer at the end; it stays the change's. NULL: no memory. */
struct change_peer *change_add_peer(struct change *c, const uint8_t public_key[CONFIG_KEY_LEN]);
/* The peers from *at on are let go: at is where `tail` pointed before they were added. */
void change_cut(struct change *c, struct change_peer **at);
/* false: no memory. */
bool change_add_prefix(struct change_peer *p, const struct ip_prefix *prefix, bool remove);
/* A further peer as a configuration file has it, in all but its endpoint: whose name may want an
 * address first. Its allowed IPs replace those it has. NULL: no memory. */
struct change_peer *change_add_config_peer(struct change *c, const struct config_peer *from);

#endif
