/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the worker knows of itself and of peers, copied in its own turn: nobody reads what it is
 * writing. The asker allocates a report with the peers it wants (handshaker_report); it is the
 * worker's until it comes back.
 */
#ifndef WGTCPD_TUNNEL_REPORT_H
#define WGTCPD_TUNNEL_REPORT_H

#include <wgtcpd/tunnel/tunnel.h>

/* A connection as its peer uses it now. */
struct tunnel_connection_report {
    bool dialled; /* else accepted */
    struct ip_endpoint local;
    struct tcp_info info;
    uint64_t early_delivered; /* messages taken from beyond holes */
    bool recut;               /* its segments do not begin with frames */
};

struct tunnel_peer_report {
    struct tunnel_peer *peer; /* set by who asks; not removed before the report is back */
    enum transport_kind path; /* in use now */
    struct ip_endpoint endpoint;
    struct peer_stats stats;
    bool session; /* there are keys to send with */
    uint32_t waiting, waiting_bytes;
    wgt_time queue_delay;
    uint32_t inner_mtu;
    struct trouble trouble[PEER_TROUBLE_COUNT];
    struct ip_addr denied_source;
    struct ip_endpoint heard_before;
    bool connected;
    struct tunnel_connection_report connection;
};

/* A tunnel, or all of a node together. */
struct tunnel_figures {
    wgt_time now; /* the worker's clock when it began */
    struct tcp_transport_stats tcp;
    uint32_t flows, unauthenticated, stubs[TCP_STUB_KINDS];
    struct wgt_drop_counters drops;
    struct strangers strangers;
    struct trouble unrouted;
    struct ip_addr unrouted_to;
    uint64_t marked;
};

/* What one worker fills in. */
struct tunnel_worker_report {
    void *host; /* room for the host's own figures (tunnel.report_host); may be NULL */
    struct tunnel_figures figures;
    size_t n_done; /* of the peers */
};

/* All workers answer at one time, each for the peers that it has. */
struct tunnel_report {
    struct tunnel_worker_report workers[TUNNEL_WORKERS_MAX];
    struct tunnel_figures total; /* made when the last one has answered */
    unsigned n_back;
    size_t n_peers;
    struct tunnel_peer_report peers[];
};

/* The sums. of: n >= 1. */
void tunnel_figures_sum(struct tunnel_figures *total, const struct tunnel_worker_report *of,
                        unsigned n);

#endif
