/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a node is doing at one moment, in plain figures: the one source for `wg show`, wgtcpctl,
 * metrics, telemetry and SIGUSR1. The worker fills in what is the worker's, in its own turn, so
 * that nothing is read while it changes.
 */
#ifndef WGTCPD_CONTROL_SNAPSHOT_H
#define WGTCPD_CONTROL_SNAPSHOT_H

#include <wgtcpd/base/drop.h>
#include <wgtcpd/control/device.h>
#include <wgtcpd/dataplane/worker.h>
#include <wgtcpd/tunnel/report.h>

struct node;

/* A connection as its peer uses it now. */
struct snapshot_connection {
    bool dialled; /* else accepted */
    struct ip_endpoint local;
    struct tcp_info info;
    uint64_t early_delivered, recut;
};

struct snapshot_peer {
    uint8_t public_key[CONFIG_KEY_LEN];
    const struct device_peer *device; /* psk, settings; valid until the control loop's next turn */
    enum transport_kind path;         /* in use now; TRANSPORT_NONE: none */
    struct ip_endpoint endpoint;      /* heard last, else as set; family IP_NONE: none */
    struct peer_stats stats;
    bool handshaken;
    uint64_t handshake_seconds; /* Unix time of the last completed handshake */
    uint32_t handshake_nanoseconds;
    wgt_time handshake_age;
    bool session;                    /* there are keys to send with */
    uint32_t waiting, waiting_bytes; /* inner packets that wait */
    wgt_time queue_delay;            /* of the packet that has waited longest */
    uint64_t dials, dial_failures;
    uint32_t inner_mtu; /* of packets to it now; tunnel_peer_mtu */
    struct trouble trouble[PEER_TROUBLE_COUNT];
    struct trouble handshake_trouble[HANDSHAKE_TROUBLE_COUNT];
    struct ip_addr denied_source;    /* with SOURCE_DENIED: the last one */
    struct ip_endpoint heard_before; /* where it was before its last move; family IP_NONE: never */
    uint32_t initiations_sent, responses_received, responses_bad; /* of this peer's handshakes */
    uint32_t initiations_received;
    bool connected;
    struct snapshot_connection connection; /* with `connected` */
};

struct snapshot {
    char ifname[CONFIG_IFNAME_MAX + 1];
    uint8_t public_key[CONFIG_KEY_LEN];
    bool has_private_key;
    uint16_t listen_port;
    uint32_t fwmark, mtu;
    const char *aead;
    uint64_t uptime_s;
    wgt_time now;               /* on the clock of every wgt_time here */
    struct worker_stats worker; /* all together */
    unsigned n_workers;
    struct worker_stats workers[TUNNEL_WORKERS_MAX];
    unsigned n_crypto;
    struct crypto_worker_stats crypto[CRYPTO_WORKERS_MAX];
    uint64_t moves; /* of peers from worker to worker */
    struct tcp_transport_stats tcp;
    uint32_t connections, half_open, strangers, time_wait; /* strangers: have said nothing yet */
    uint32_t strangers_heard;                              /* have, but not authenticated */
    struct wgt_drop_counters data_drops, handshake_drops;
    uint64_t initiations_sent, initiations_received, responses_sent, responses_received,
        cookies_sent, cookies_received;
    struct strangers data_strangers, handshake_strangers; /* mac1 wrong; unknown keys */
    struct trouble unrouted;                              /* inner packets for no peer */
    struct ip_addr unrouted_to;                           /* the last one's destination */
    uint64_t marked;                                      /* inner packets marked CE */
    size_t n_peers;
    struct snapshot_peer *peers; /* in the order in which they were asked for */
};

/* Peers at a time, for who goes through all: what is taken for them is small, and everybody else
 * has a turn in between. */
enum { SNAPSHOT_PIECE = 128 };

/* Of these peers, in this order. NULL: no memory, or the worker did not answer within a second, and
 * one more for 100,000 peers. snapshot_free frees it (NULL is fine). The control thread takes
 * events meanwhile. */
struct snapshot *snapshot_take(struct node *n, struct device_peer *const *of, size_t n_of);
/* Of all. */
struct snapshot *snapshot_take_all(struct node *n);
void snapshot_free(struct snapshot *s);

/* Its parts. Asks the workers about these peers; the handshaker's `reported` gives the report back,
 * and the caller frees it. workers: room for the figures of each, or NULL. NULL: no memory, or a
 * ring is full.
 */
struct tunnel_report *snapshot_ask(struct device *d, struct device_peer *const *of, size_t n_of,
                                   struct worker_stats *workers);
/* Of a report that is back; all but ifname, mtu and uptime_s. None of its peers was removed since
 * it was asked for. wall: at the time of the worker's clock `now`. NULL: no memory. */
struct snapshot *snapshot_make(const struct device *d, const struct tunnel_report *r, wgt_time now,
                               const struct wall_clock *wall);

#endif
