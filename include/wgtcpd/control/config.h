/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The configuration file: the wg-quick grammar plus our own keys. A pure parser: text in, struct
 * out; it opens no file and resolves no name. Errors say file:line, what is wrong and what would be
 * right.
 */
#ifndef WGTCPD_CONTROL_CONFIG_H
#define WGTCPD_CONTROL_CONFIG_H

#include <stdio.h>

#include <wgtcpd/base/addr.h>

enum {
    CONFIG_KEY_LEN = 32,
    CONFIG_IFNAME_MAX = 15,
    CONFIG_PORTS_MAX = 8, /* outer ones */
    CONFIG_PORT_ADDRESSES_MAX = 16,
    CONFIG_PORT_ROUTES_MAX = 64,
};

/* LogLevel: lines of a level and of all before it are written. */
enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum config_transport { CONFIG_UDP, CONFIG_TCP };
enum config_congestion { CONFIG_BBR, CONFIG_CUBIC, CONFIG_NONE };
enum config_seccomp { CONFIG_SECCOMP_ON, CONFIG_SECCOMP_LOG, CONFIG_SECCOMP_OFF };
enum config_idle { CONFIG_IDLE_ADAPTIVE, CONFIG_IDLE_POLL };
enum config_table { CONFIG_TABLE_AUTO, CONFIG_TABLE_OFF, CONFIG_TABLE_NUMBER };

/* A list of strings in file order. */
struct config_strings {
    char **items;
    size_t n;
};

bool config_strings_have(const struct config_strings *list, const char *text);
/* Frees what is in it. */
void config_strings_clear(struct config_strings *list);

/* An endpoint as written; host may be a name. */
struct config_endpoint {
    char *host; /* NULL: no Endpoint; without brackets */
    uint16_t port;
    unsigned line;
};

struct config_peer {
    struct config_peer *next;
    unsigned line; /* of its [Peer] */
    uint8_t public_key[CONFIG_KEY_LEN];
    bool has_public_key;
    uint8_t *preshared_key; /* NULL: none */
    struct ip_prefix *allowed_ips;
    size_t n_allowed_ips;
    struct config_endpoint endpoint;
    uint16_t persistent_keepalive; /* s, 0: off */
    bool has_transport;
    enum config_transport transport; /* resolved: own or the interface's, and so are these: */
    bool has_congestion, has_tcp_knock;
    enum config_congestion congestion;
    bool tcp_knock; /* when we dial it */
};

struct config_route {
    struct ip_prefix to; /* host bits are zero */
    struct ip_addr via;
};

struct config_port {
    struct config_port *next;
    unsigned line;
    char *device;                /* PCI address, vdev string, or a TAP of our own */
    char *tap;                   /* the interface of that; NULL: device is DPDK's */
    struct ip_prefix *addresses; /* host bits kept */
    size_t n_addresses;
    struct ip_addr gateway_v4, gateway_v6; /* family IP_NONE: none */
    uint16_t mtu;                          /* 0: the device's own */
    uint16_t vlan;                         /* 802.1Q tag of all frames; 0: none */
    struct config_route *routes;
    size_t n_routes;
    struct config_strings lines; /* all of it as "Key = value" */
    bool no_reassembly;          /* Reassemble = off */
};

struct config {
    char ifname[CONFIG_IFNAME_MAX + 1];
    bool has_private_key;
    uint8_t private_key[CONFIG_KEY_LEN];
    uint16_t listen_port; /* 0: random */
    uint32_t fwmark;
    struct ip_prefix *addresses; /* host bits kept */
    size_t n_addresses;
    uint32_t mtu; /* 0: by transport */
    struct config_strings dns, pre_up, post_up, pre_down, post_down;
    enum config_table table;
    uint32_t table_number;
    bool save_config;
    enum config_transport transport; /* how to dial peers that do not say */
    bool listen_udp, listen_tcp;
    char *inner; /* "tun", or the name of a port's device: gateway mode */
    unsigned workers;
    unsigned crypto_workers;
    char *cores; /* NULL: not set; "2-5" */
    enum config_idle idle;
    bool no_offload; /* Offload = off */
    char *eal_args;  /* NULL: none */
    enum config_congestion congestion;
    bool in_order;  /* OutOfOrder = off */
    bool tcp_knock; /* the listener answers only SYNs of those who know our public key */
    enum log_level log_level;
    char *key_log;               /* path; NULL: off */
    struct ip_endpoint metrics;  /* where to serve them; family IP_NONE: nowhere */
    bool telemetry;              /* DPDK's */
    struct config_strings lines; /* [Interface] as "Key = value", without what `wg` may set */
    char *user;                  /* whom the running daemon becomes; NULL: nobody else */
    enum config_seccomp seccomp;
    struct config_port *ports; /* the outer ones */
    size_t n_ports;
    struct config_port *inner_port; /* NULL: the inner side is a TUN */
    struct config_peer *peers;
    size_t n_peers;
};

/*
 * Parse `text` (len bytes, no NUL needed) of `file` (used for messages and, without its directory
 * and .conf, as the interface name). Returns a configuration that the caller frees with
 * config_free, or NULL after writing one or more "file:line: ..." lines to errors. All errors of a
 * file are reported, not only the first.
 */
struct config *config_parse(const char *file, const char *text, size_t len, FILE *errors);

/* The same of a text that comes in pieces, so that a long one is never held as a whole. read puts
 * up to size bytes into buf and says how many; 0: that was all. */
struct config *config_parse_from(const char *file,
                                 size_t (*read)(void *ctx, char *buf, size_t size), void *ctx,
                                 FILE *errors);

/* Wipes the keys too. NULL is fine. */
void config_free(struct config *c);
/* Only its peers, from the first one up to `end`, which stays; NULL: all. */
void config_drop_peers(struct config *c, const struct config_peer *end);

/* Text forms. Parsers take the whole string and return false on anything else. */
bool config_key_parse(uint8_t key[CONFIG_KEY_LEN], const char *text);
void config_key_format(char text[45], const uint8_t key[CONFIG_KEY_LEN]);
bool config_key_parse_hex(uint8_t key[CONFIG_KEY_LEN], const char *text); /* either case */
void config_key_format_hex(char text[65], const uint8_t key[CONFIG_KEY_LEN]);
bool ip_addr_parse(struct ip_addr *a, const char *text);
bool ip_prefix_parse(struct ip_prefix *p, const char *text); /* "addr" or "addr/len" */
enum { IP_TEXT_MAX = 64 };
/* Formats return text. */
char *ip_addr_format(char text[IP_TEXT_MAX], const struct ip_addr *a);
char *ip_prefix_format(char text[IP_TEXT_MAX], const struct ip_prefix *p);
char *ip_endpoint_format(char text[IP_TEXT_MAX], const struct ip_endpoint *e);

#endif
