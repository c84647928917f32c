/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The device: what `wg` shows and sets, held by the control thread as the truth. It tells the
 * handshaker and the worker; it knows no ports, no files, no sockets, so that it runs the same in a
 * test.
 */
#ifndef WGTCPD_CONTROL_DEVICE_H
#define WGTCPD_CONTROL_DEVICE_H

#include <wgtcpd/control/change.h>
#include <wgtcpd/control/device_cursor.h>
#include <wgtcpd/tunnel/handshaker.h>
#include <wgtcpd/tunnel/tunnel.h>

/* The name of an endpoint, and how its look-ups go (resolve.c). */
struct device_name {
    LIST_ENTRY(device_name) link; /* of the device's */
    struct device_peer *peer;
    wgt_time ask_at;        /* not before */
    uint32_t wait_s;        /* between the last look-up and the next */
    uint64_t dial_failures; /* seen so far */
    bool troubled;          /* its address did not work since the last look-up */
    bool asking;            /* a look-up is under way */
    bool told;              /* that it has none */
    char host[];
};

/* There may be a million: what only some have is drawn for those. */
struct device_peer {
    TAILQ_ENTRY(device_peer) link;    /* in the order in which they came */
    struct tunnel_peer *tunnel;       /* its key, and what the worker has of it */
    struct device_name *name;         /* its endpoint was resolved from; NULL: set as an address */
    wgt_time handshake;               /* whose wall-clock time was told */
    struct wall_clock handshake_wall; /* snapshot.c: it is told the same each time */
    struct ip_endpoint
        endpoint;       /* as set last; family IP_NONE: never, or its name had no address */
    uint16_t keepalive; /* s, 0: off */
    enum config_transport transport : 8;
    enum config_congestion congestion : 7;
    bool knock : 1;
};
TAILQ_HEAD(device_peers, device_peer);

struct device_config {
    enum config_transport transport; /* of peers that do not say; so are these: */
    enum config_congestion congestion;
    bool knock;
};

struct device {
    struct device_config config;
    struct handshaker *handshaker;
    struct allowedips *allowed_ips;
    void *ctx;
    /* The ring to the worker is full: let it work for a moment. */
    void (*wait)(void *ctx);
    /* Readers of allowed IPs have all passed a quiet point (RCU). */
    void (*synchronize)(void *ctx);
    uint16_t listen_port;
    uint32_t fwmark;
    struct device_peers peers;
    size_t n_peers;
    LIST_HEAD(, device_name) names;
    LIST_HEAD(, tunnel_peer) leaving, gone; /* the worker still has them; it does not any more */
    LIST_HEAD(, device_cursor) cursors;
    struct slab tunnel_peers, device_peers;
};

/* handshaker and allowed_ips are set up and outlive it. The host sets ctx, wait and synchronize,
 * and calls device_peer_removed when the handshaker's peer_removed is called. listen_port 0: one is
 * drawn. */
void device_init(struct device *d, const struct device_config *config, struct handshaker *h,
                 struct allowedips *allowed_ips, uint16_t listen_port, uint32_t fwmark);
/* Tunnel and handshaker are gone. Wipes keys. */
void device_fini(struct device *d);

/*
 * Carries out a change. 0, or -errno with nothing changed: -ENOMEM, -ENOSPC (more peers than there
 * is room for), -EINVAL (a prefix that is none). As the kernel's set_device does: the private key
 * comes first and removes a peer that has our own public key; such a peer is never added and no
 * error; changes to a peer that does not exist make it, unless it is removed or update_only; an
 * allowed IP of another peer is moved. *effect (may be NULL) tells what the host must see to.
 */
struct device_effect {
    bool private_key, listen_port, fwmark; /* changed */
    bool allowed_ips;                      /* some were added, moved or removed: routes */
};
int device_apply(struct device *d, const struct change *c, struct device_effect *effect);

/* The peer of that key, or NULL. */
struct device_peer *device_find(const struct device *d, const uint8_t public_key[CONFIG_KEY_LEN]);
/* Its preshared key, the handshaker's own copy; zero: none. */
const uint8_t *device_psk(const struct device_peer *p);
/* The name of its endpoint has this address now. */
void device_set_endpoint(struct device *d, struct device_peer *p, const struct ip_endpoint *e);
/* The inner interface went down, or came up again. */
void device_set_link(struct device *d, bool up);
/* The inner interface has another MTU. */
void device_set_mtu(struct device *d, const struct tunnel_mtu *mtu);

/* The name of its endpoint; NULL: it was set as an address. */
static inline const char *
device_host(const struct device_peer *p)
{
    return p->name != NULL ? p->name->host : NULL;
}

void device_peer_removed(struct device *d, struct tunnel_peer *peer);
/* Frees what removed peers left; after the handshaker's turn. */
void device_reap(struct device *d);

const struct tcp_cc_ops *congestion_ops(enum config_congestion which);

#endif
