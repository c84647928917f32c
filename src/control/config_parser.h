/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parser's files share: lines come in (config.c), values are set (config_keys.c), the
 * whole is checked (config_check.c). */
#ifndef WGTCPD_CONTROL_CONFIG_PARSER_H
#define WGTCPD_CONTROL_CONFIG_PARSER_H

#include <wgtcpd/control/config.h>

enum config_section {
    SECTION_NONE, /* before the first header */
    SECTION_INTERFACE,
    SECTION_PORT,
    SECTION_PEER,
    SECTION_UNKNOWN, /* its header was an error; its lines are skipped */
};

/* Every key. First the section, so that a name may be a key of several. */
/* clang-format off */
#define CONFIG_KEY_LIST(X)                          \
    X(INTERFACE, PrivateKey, private_key)           \
    X(INTERFACE, ListenPort, listen_port)           \
    X(INTERFACE, FwMark, fwmark)                    \
    X(INTERFACE, Address, address)                  \
    X(INTERFACE, MTU, mtu)                          \
    X(INTERFACE, DNS, dns)                          \
    X(INTERFACE, Table, table)                      \
    X(INTERFACE, PreUp, pre_up)                     \
    X(INTERFACE, PostUp, post_up)                   \
    X(INTERFACE, PreDown, pre_down)                 \
    X(INTERFACE, PostDown, post_down)               \
    X(INTERFACE, SaveConfig, save_config)           \
    X(INTERFACE, Transport, transport)              \
    X(INTERFACE, Listen, listen)                    \
    X(INTERFACE, Inner, inner)                      \
    X(INTERFACE, Workers, workers)                  \
    X(INTERFACE, CryptoWorkers, crypto_workers)     \
    X(INTERFACE, Cores, cores)                      \
    X(INTERFACE, Idle, idle)                        \
    X(INTERFACE, Offload, offload)                  \
    X(INTERFACE, EalArgs, eal_args)                 \
    X(INTERFACE, CongestionControl, congestion)     \
    X(INTERFACE, OutOfOrder, out_of_order)          \
    X(INTERFACE, TcpKnock, tcp_knock)               \
    X(INTERFACE, LogLevel, log_level)               \
    X(INTERFACE, KeyLog, key_log)                   \
    X(INTERFACE, Metrics, metrics)                  \
    X(INTERFACE, Telemetry, telemetry)              \
    X(INTERFACE, User, user)                        \
    X(INTERFACE, Seccomp, seccomp)                  \
    X(PORT, Device, device)                         \
    X(PORT, Address, port_address)                  \
    X(PORT, Gateway, gateway)                       \
    X(PORT, MTU, port_mtu)                          \
    X(PORT, Vlan, vlan)                             \
    X(PORT, Route, route)                           \
    X(PORT, Reassemble, reassemble)                 \
    X(PEER, PublicKey, public_key)                  \
    X(PEER, PresharedKey, preshared_key)            \
    X(PEER, AllowedIPs, allowed_ips)                \
    X(PEER, Endpoint, endpoint)                     \
    X(PEER, PersistentKeepalive, persistent_keepalive) \
    X(PEER, Transport, peer_transport)              \
    X(PEER, CongestionControl, peer_congestion)     \
    X(PEER, TcpKnock, peer_tcp_knock)
/* clang-format on */

enum config_key {
#define CONFIG_KEY_ENUM(section, name, setter) KEY_##section##_##name,
    CONFIG_KEY_LIST(CONFIG_KEY_ENUM)
#undef CONFIG_KEY_ENUM
        KEY_COUNT,
};

/* A piece of the text. */
struct slice {
    const char *p;
    size_t len;
};

struct parser {
    const char *file;
    FILE *errors;
    bool failed;
    bool unknown_section; /* was met: a section that seems missing may be that one */
    struct config *c;
    enum config_section section;
    unsigned line;           /* being read */
    size_t passed;           /* bytes of it that are not held any more: it is too long */
    unsigned interface_line; /* 0: no [Interface] yet */
    struct config_port *port, **next_port;
    struct config_peer *peer, **next_peer;
    unsigned seen[KEY_COUNT]; /* line of the key in this section, 0: not yet */
    bool meant[KEY_COUNT];    /* a misspelling of it was reported */
};

/* Report an error of the current line, or of another. */
__attribute__((format(printf, 2, 3))) void config_error(struct parser *ps, const char *format, ...);
__attribute__((format(printf, 3, 4))) void config_error_at(struct parser *ps, unsigned line,
                                                           const char *format, ...);

/* A value as it may appear in a message: in quotes, or "the value" where it might be a key pasted
 * into the wrong line, is long, or has unprintable bytes. Returns buf. */
enum { SHOWN_MAX = 48 };
const char *config_show(char buf[SHOWN_MAX], struct slice value);

struct slice config_trim(struct slice s);
bool config_slice_is(struct slice s, const char *word); /* case does not matter */

/* Set a key of the current section from a value that is not empty. */
void config_set(struct parser *ps, enum config_key key, struct slice value);
/* Keeps the assignment as text, for what writes the file anew (save.c) and compares it (reload.c).
 */
void config_keep(struct parser *ps, enum config_key key, struct slice value);
bool config_key_repeats(enum config_key key);
bool config_key_is_hook(enum config_key key);
const char *config_key_name(enum config_key key);
enum config_section config_key_section(enum config_key key);

/* A host that a packet can be sent to: not unspecified, multicast or broadcast. */
bool config_is_host(const struct ip_addr *a);

/* The section is complete. */
void config_check_port(struct parser *ps);
void config_check_peer(struct parser *ps);
/* The file is complete. */
void config_check_all(struct parser *ps);

#endif
