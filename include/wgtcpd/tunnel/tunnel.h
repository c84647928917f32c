/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One worker's shard of the node: sessions, staged packets, timers and transports of its peers. The
 * node without ports: IP packets of the outer network and inner packets go in and out as mbufs,
 * time and entropy come in; it runs the same on an lcore and in a simulator.
 *
 * Handshake crypto is done elsewhere (handshaker.h): the tunnel sends it events and takes commands,
 * both by value through single-producer single-consumer rings.
 */
#ifndef WGTCPD_TUNNEL_TUNNEL_H
#define WGTCPD_TUNNEL_TUNNEL_H

#include <rte_ring.h>

#include <wgtcpd/base/keyed_hash.h>
#include <wgtcpd/base/wheel.h>
#include <wgtcpd/noise/noise.h>
#include <wgtcpd/peer/allowedips.h>
#include <wgtcpd/peer/index_table.h>
#include <wgtcpd/peer/timers.h>
#include <wgtcpd/transport/outer.h>
#include <wgtcpd/transport/packet.h>
#include <wgtcpd/transport/tcp.h>
#include <wgtcpd/tunnel/crypto_queue.h>
#include <wgtcpd/tunnel/messages.h>
#include <wgtcpd/tunnel/trouble.h>
#include <wgtcpd/wire/udp.h>

enum { TUNNEL_STAGED_MAX = 128 };

/* Counters of a peer. worker: rw, control: ro (torn reads of a 64-bit counter don't exist here). */
struct peer_stats {
    uint64_t tx_bytes, rx_bytes; /* of WireGuard messages, as `wg` counts them */
    uint64_t tx_packets, rx_packets;
    uint64_t handshakes;     /* completed */
    wgt_time last_handshake; /* valid if handshakes > 0 */
    uint32_t dials, dial_failures;
    uint64_t path_mtu_lowered; /* of its UDP endpoint, by ICMP */
};

/* What a router has said of the way to a UDP endpoint. */
struct tunnel_path_mtu {
    struct ip_endpoint remote;
    uint16_t mtu;
    wgt_time until; /* 0: nothing */
};

/* What its last connection has found the way to carry. */
struct tunnel_path_mss {
    struct ip_addr local, remote; /* the ends of that way */
    struct tcp_path_mss found;
};

/* What an operator may ask, and the next connection, of a peer that was tried or has been in touch.
 * Of a million most are only configured: the handshaker draws it when there is something. */
struct peer_history {
    struct trouble trouble[PEER_TROUBLE_COUNT];
    struct ip_addr denied_source;    /* the last one, with SOURCE_DENIED */
    struct ip_endpoint heard_before; /* before its last move */
    struct tunnel_path_mss path_mss;
};

struct tunnel_peer {
    /* fixed when the peer is added (control: rw before, ro after) */
    uint8_t public_key[NOISE_KEY_LEN];
    void *handshaker_peer;

    /* control: rw */
    void *owner;                       /* what it keeps of the peer */
    LIST_ENTRY(tunnel_peer) gone_link; /* removed, not freed yet */

    /* control: rw before the peer is added; then worker: rw (settings.c) */
    const struct tcp_cc_ops *congestion; /* NULL: the interface's */
    struct ip_endpoint configured;
    uint16_t persistent_keepalive; /* s */
    bool has_endpoint;
    bool knock;                          /* our SYNs to it carry a tag */
    enum transport_kind configured_kind; /* how to dial */
    bool leads;                          /* our key is the greater: of what crosses, ours goes on */
    bool low_order;                      /* fixed; public_key is: no handshake will ever work */

    /* worker: rw, control: ro for display */
    struct noise_session session;
    struct peer_timers timers;
    struct wheel_timer timer;
    struct packet_queue carried; /* what was staged when it left its last worker, and came since */
    wgt_time move_at;            /* when it was last asked to move, or did */
    struct fq_queue staged;      /* inner packets that wait for a session or for room */
    struct path_user path;
    struct tcp_flow *dialling; /* a flow that we dialled and that lives */
    wgt_time dial_at;          /* not before */
    wgt_time dialled_at;       /* the last time */
    wgt_time dial_rto;         /* of the last connection that we dialled; 0: there was none */
    wgt_time requested_at;
    struct tunnel_path_mtu path_mtu;
    struct peer_history *history; /* NULL: there is none (yet) */
    wgt_time too_big_at;          /* rate limit of "packet too big" to those who send to it */
    bool history_asked;           /* an event is on its way */
    bool rekey_after_receive_done;
    bool added;     /* the worker has it; it may be in the allowed IPs before */
    bool moving;    /* released, not adopted yet */
    uint8_t worker; /* whose it is: shard_of */
    bool flush_pending;
    TAILQ_ENTRY(tunnel_peer) flush_link;
    LIST_ENTRY(tunnel_peer) link;
    struct peer_stats stats;
    struct ip_endpoint heard_at; /* since its last move */
    uint8_t dial_attempts;       /* since a dialled connection worked, to back off by */
    uint8_t dial_timeouts;       /* of them, unanswered ones on a path that used to work */
    bool dial_proved;            /* the peer was heard on the connection dialled last */
    bool initiation_requested;   /* an event is on its way */
    wgt_time heard;              /* the last time; 0: never */
};

enum { TUNNEL_BURST = 32 };

/* Inner packets that have come and wait for their turn; each mbuf holds its packet and no more. */
struct tunnel_arrived {
    unsigned n;
    struct rte_mbuf *m[TUNNEL_BURST];
    struct inner_packet inner[TUNNEL_BURST];
};

/* Data messages that wait for their turn. */
struct tunnel_received {
    unsigned n, n_paths;
    struct rte_mbuf *m[TUNNEL_BURST];
    const struct path *from[TUNNEL_BURST]; /* a connection's own, or one of the next */
    struct path paths[TUNNEL_BURST];       /* of datagrams; those of a run have one */
    struct udp_run run;                    /* of datagrams from paths[run_from] */
    unsigned run_from;
};

/* Datagrams on their way out; only the seal is missing. */
struct tunnel_sealing {
    unsigned n;
    struct noise_sealing s[TUNNEL_BURST];
    struct rte_mbuf *m[TUNNEL_BURST];
    struct tunnel_peer *peer[TUNNEL_BURST];
    uint8_t ecn[TUNNEL_BURST];
};

/* Messages on their way out that others may seal, in their order. */
struct tunnel_staged {
    unsigned n;
    struct noise_sealing s[TUNNEL_BURST];
    struct crypto_message of[TUNNEL_BURST];
};

/* What others have sealed and opened for us, and what not. */
struct tunnel_crypto_stats {
    uint64_t batches, messages; /* that others could take */
    uint64_t own;               /* batches of them that nobody took: done by ourselves */
    uint64_t at_once;           /* messages that were too few for that */
    uint64_t waits;             /* for others, when there was nothing else to go on with */
};

/* With CryptoWorkers (fan_out.c). */
struct tunnel_crypto {
    struct crypto_queue queues[CRYPTO_KINDS]; /* for others to take from */
    struct tunnel_staged staged; /* a burst that is to be sealed, as far as it has come */
    unsigned enough;             /* so many messages are worth it */
    unsigned backlog;            /* more batches do not wait for others */
    bool fed[CRYPTO_KINDS];      /* since the last turn */
    unsigned n_dying;            /* keypairs that are retired, but in use by others */
    struct tunnel_crypto_stats stats;
    /* Of the host's, set after tunnel_init; ctx is outer.ctx. There is something to take; may be
     * NULL. */
    void (*wake)(void *ctx);
    /* We cannot go on before who has taken something has done it: called until it has. NULL: we
     * look on. */
    void (*await)(void *ctx);
};

struct tunnel_config {
    const char *name; /* unique in the process */
    uint16_t listen_port;
    bool listen_udp, listen_tcp;
    size_t mtu; /* inner */
    /* ICMP errors to senders inside come from here; family IP_NONE: inner_error.from says whence */
    struct ip_addr error_from_v4, error_from_v6;
    bool fragment;      /* datagrams may be larger than the outer MTU and leave in fragments */
    size_t max_message; /* largest WireGuard message a packet buffer takes */
    uint32_t max_peers;
    uint32_t max_flows;
    const struct tcp_cc_ops *congestion; /* NULL: the default */
    bool in_order;                       /* OutOfOrder = off */
    bool knock;                          /* TcpKnock = on */
    unsigned worker, n_workers;          /* ours, and how many share the peers; 0: one */
    unsigned n_crypto;                   /* how many seal and open for all workers; 0: nobody */
    uint8_t mac1_key[NOISE_KEY_LEN];     /* of messages to us: noise_local's; zero: no identity */
    uint8_t knock_key[NOISE_KEY_LEN];    /* of SYNs to us: noise_knock_key; used with knock */
};

/* Takes an inner packet (m holds it and no more) that leaves the tunnel, and inner_parse's result.
 * ctx is outer.ctx. */
typedef void tunnel_inner_tx(void *ctx, struct rte_mbuf *m, const struct inner_packet *inner);

struct tunnel {
    struct tunnel_config config;
    struct outer outer;
    tunnel_inner_tx *inner_tx;
    const struct allowedips *allowed_ips;
    struct noise_local mac1;    /* public half only: checks mac1 */
    struct index_table indices; /* receiver index -> keypair */
    struct index_table
        moved; /* receiver index -> worker + 1, of what was ours; empty: one worker */
    /* With several workers, set by the host after tunnel_init; ctx is outer.ctx. A data message
     * for another worker's peer (m, taken; path: where it came from), for tunnel_rx_handed there.
     */
    void (*hand_over)(void *ctx, unsigned worker, const struct path *from, struct rte_mbuf *m);
    /* An inner packet for such a peer (m, taken), for tunnel_rx_inner there. */
    void (*hand_over_inner)(void *ctx, unsigned worker, struct rte_mbuf *m);
    struct tunnel_command adopting; /* waits for the peer's release */
    bool adopts;
    struct tcp_transport tcp;
    struct wheel wheel;
    LIST_HEAD(, tunnel_peer) peers, removed; /* removed: the handshaker is to be told */
    TAILQ_HEAD(, tunnel_peer) flush;
    struct rte_ring *events, *commands;
    struct noise_keypair *retired; /* wiped, waiting for room in the event ring */
    struct tunnel_report *report;  /* being filled in; NULL: none */
    /* The host's own figures, into a report's `host`; ctx is outer.ctx. May be NULL. */
    void (*report_host)(void *ctx, void *host);
    struct wgt_drop_counters drops;
    struct strangers strangers; /* mac1 wrong */
    struct trouble unrouted;    /* inner packets that no peer is to have */
    struct ip_addr unrouted_to; /* the last one's destination */
    struct fq fq;               /* the peers' staged packets */
    struct fq_flow *fq_flows;
    struct fq_flow **fq_buckets;
    struct keyed_hash flow_hash; /* tells inner flows apart */
    wgt_time path_mtu_at;        /* rate limit of ICMP errors about datagrams */
    wgt_time unreachable_at;     /* rate limit of "unreachable" to inner senders */
    struct tunnel_received received;
    struct tunnel_arrived arrived;
    struct tunnel_sealing sealing;
    struct tunnel_crypto *crypto; /* NULL: nobody seals and opens for us */
    uint64_t rx_messages, tx_messages;
    uint64_t jitter; /* state of the timers' random source */
    bool udp_open;   /* we listen on UDP, or dial some peer over it */
    bool down;       /* the host's interface is: nothing is sent, nothing taken */
    bool stopping, stopped_told;
};

/* rings: elements of struct tunnel_event and struct tunnel_command. outer is copied; its drops
 * pointer is set to the tunnel's own counters. 0 or -errno. */
int tunnel_init(struct tunnel *t, wgt_time now, const struct tunnel_config *config,
                const struct outer *outer, tunnel_inner_tx *inner_tx,
                const struct allowedips *allowed_ips, struct rte_ring *events,
                struct rte_ring *commands);
/* Frees packets and tables, wipes keys. Peers stay the caller's; keypairs of peers are wiped and
 * freed. */
void tunnel_fini(struct tunnel *t);

/* At the end of all, when workers and handshaker stand still: what a peer carries that was released
 * and never adopted. */
void tunnel_abandon_peer(struct tunnel_peer *p);

/* An IP packet of the outer network whose protocol is UDP or TCP and whose destination is ours (m,
 * taken; data starts at the IP header). verify_checksum: hardware has not. Data messages are
 * opened when a burst of them has come, or at tunnel_rx_outer_end, or at the next tunnel_run. */
void tunnel_rx_outer(struct tunnel *t, wgt_time now, const struct ip_header *ip, struct rte_mbuf *m,
                     bool verify_checksum);
/* Takes a packet if it is a datagram between the same endpoints as the one that tunnel_rx_outer
 * took last, and hardware has verified its checksums. false: it is not, and still the caller's. */
bool tunnel_rx_outer_again(struct tunnel *t, wgt_time now, struct rte_mbuf *m);
void tunnel_rx_outer_end(struct tunnel *t, wgt_time now);

/* A data message that another worker has handed over (m, taken), and where it came from there. */
void tunnel_rx_handed(struct tunnel *t, wgt_time now, const struct path *from, struct rte_mbuf *m);

/* An ICMP error about a segment or a datagram of ours. */
void tunnel_rx_icmp_error(struct tunnel *t, wgt_time now, const struct icmp_error *e);

/* An inner packet to be sent through the tunnel (m, taken): when a burst of them has come, or at
 * tunnel_rx_inner_end, or at the next tunnel_run. */
void tunnel_rx_inner(struct tunnel *t, wgt_time now, struct rte_mbuf *m);
/* The same for who knows inner_parse's result; m holds the packet and no more. */
void tunnel_rx_inner_parsed(struct tunnel *t, wgt_time now, const struct inner_packet *inner,
                            struct rte_mbuf *m);
void tunnel_rx_inner_end(struct tunnel *t, wgt_time now);

/* One turn: commands, timers, staged packets, TCP output. Call after every burst of input and when
 * the deadline has passed. Returns the number of commands taken, and of messages that came back
 * from others who seal and open. */
unsigned tunnel_run(struct tunnel *t, wgt_time now);

/* When to call tunnel_run though nothing else happened; WGT_NEVER if never. */
wgt_time tunnel_deadline(const struct tunnel *t);

/* Whose shard a peer is in, or is about to be: for any thread (under RCU: peers are found in the
 * allowed IPs). */
static inline unsigned
tunnel_peer_worker(const struct tunnel_peer *p)
{
    return __atomic_load_n(&p->worker, __ATOMIC_ACQUIRE);
}

/* Largest inner packet that the peer's path takes now. */
size_t tunnel_peer_mtu(const struct tunnel *t, wgt_time now, const struct tunnel_peer *p);

/* Begin to stop: FIN on every connection, listeners closed, no new sends. Then call tunnel_run
 * until tunnel_stopped or patience ends. */
void tunnel_stop(struct tunnel *t, wgt_time now);
bool tunnel_stopped(const struct tunnel *t);

#endif
