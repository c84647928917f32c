/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * WireGuard messages in TCP connections: a table of flows, each a TCP connection, a frame decoder
 * and the paths that use it. Owned by one worker; no lock.
 *
 * What a connection costs: a stranger a stub (listener.h), with its share of the tables at most 256
 * bytes; an idle one that has authenticated a struct tcp_flow and at most 8 bytes of tables. A
 * busy one draws besides on what all share: a struct tcp_tx while bytes are queued or outstanding;
 * packets for what is queued, in flight or waits beyond a hole; a record for each hole, further
 * piece of a cut message, and FIN; a struct tcp_holds while packets wait for order.
 */
#ifndef WGTCPD_TRANSPORT_TCP_H
#define WGTCPD_TRANSPORT_TCP_H

#include <wgtcpd/base/keyed_hash.h>
#include <wgtcpd/base/wheel.h>
#include <wgtcpd/frame/frame.h>
#include <wgtcpd/tcp/tcp.h>
#include <wgtcpd/transport/listener.h>
#include <wgtcpd/transport/outer.h>
#include <wgtcpd/transport/packet.h>
#include <wgtcpd/transport/path.h>

/* A connection must deliver an authenticated message within this time. */
#define TCP_FLOW_AUTH_TIMEOUT (10 * WGT_SEC)
/* Window offered to one who has not: an initiation and some, so that strangers pin no buffers. */
#define TCP_FLOW_STRANGER_WINDOW 1024
/* A connection that no peer sends on any more is closed after this time. */
#define TCP_FLOW_LINGER (10 * WGT_SEC)
/* So many of those may one user leave behind; the oldest is reset at once. */
enum { TCP_FLOW_UNUSED_MAX = 4 };
/* One that is closed and does not end is reset after this time, whatever still comes on it. */
#define TCP_FLOW_CLOSING (60 * WGT_SEC)
/* A connection that we dialled and that makes no progress for so long, or for so many
 * retransmission timeouts, is given up: the WireGuard session survives on the next one. */
#define TCP_FLOW_STALL (3 * WGT_SEC)
enum { TCP_FLOW_STALL_TIMEOUTS = 3 };
/* One that we accepted is kept longer: only its dialler can replace it. */
#define TCP_FLOW_PATIENCE (60 * WGT_SEC)
/* A SYN is answered within this time, or another port is tried; on a path known from an earlier
 * connection the shorter one. */
#define TCP_FLOW_CONNECT_TIMEOUT (12 * WGT_SEC)
#define TCP_FLOW_REDIAL_TIMEOUT  (3 * WGT_SEC)
/* Idle connections are probed: a dialler learns that its path is gone, a listener that its peer is.
 */
#define TCP_FLOW_KEEPALIVE_DIALLED  (20 * WGT_SEC)
#define TCP_FLOW_KEEPALIVE_ACCEPTED (60 * WGT_SEC)

/* Packets that wait for the hole before them (flow_hold.c), in stream order. A flow has this only
 * while some do. */
enum { TCP_HOLD_BUCKETS = 32 };
struct tcp_holds {
    union {
        struct rte_mbuf *head;
        struct tcp_holds *next_free;
    };
    struct rte_mbuf *tail;
    uint32_t n;
    uint16_t of_flow[TCP_HOLD_BUCKETS]; /* by hash of the inner flow: how many of it wait */
};

/* Of a flow that has authenticated: messages beyond a hole (flow_early.c, flow_hold.c). */
struct tcp_flow_early {
    struct tcp_holds *holds; /* NULL: no packet waits */
    wgt_time failures_until; /* limits on candidates that fail */
    uint32_t delivered;      /* messages */
    uint8_t failures;
    bool recut; /* segments were seen that do not begin with a frame */
};

/* Of a flow that has not. */
struct tcp_flow_stranger {
    TAILQ_ENTRY(tcp_flow) link;
    struct tcp_source *source; /* that it counts for; NULL: none */
};

struct tcp_flow {
    struct tcp_conn conn;
    union {
        struct frame_decoder decoder;
        struct frame_search search; /* while `searching` for a frame in a damaged stream */
    };
    struct rte_mbuf *assembly; /* lent to the decoder */
    union {
        struct tcp_flow_stranger stranger; /* until `authenticated` */
        struct tcp_flow_early early;       /* from then on */
    };
    struct path path; /* names itself; its generation changes when the flow is freed */
    struct path_users users;
    union {
        struct path_waiters waiting;       /* users who want to send, in the order of their turns */
        TAILQ_ENTRY(tcp_flow) unused_link; /* while `unused`: there are no users */
    };
    struct wheel_timer timer;
    union {
        TAILQ_ENTRY(tcp_flow) dirty_link;
        struct tcp_flow *next_free; /* while not in_use */
    };
    /* A stranger's to authenticate; then WGT_NEVER while used, the end of lingering while not; once
     * closing: its end. */
    wgt_time deadline;
    void *dialer;                      /* who dialled it; NULL: accepted */
    const struct path_user *last_user; /* who sent on it last; may be gone: only to compare */
    uint32_t n_sent;                   /* packets queued or not acknowledged, or promised */
    bool in_use : 1, dirty : 1, established : 1, authenticated : 1, closing : 1;
    bool silenced : 1; /* a stranger that sent nonsense: what it sends is acknowledged, not read */
    bool heard : 1;    /* a message that came on it has authenticated */
    bool searching : 1;
    bool unused : 1;        /* a peer's, but nobody sends on it (any more) */
    uint32_t promised : 23; /* to messages that are being made for it; in units (flow_tx.c) */
    uint32_t room; /* bytes that tcp_flow_room has found and nobody has used; it may be more */
    uint32_t next; /* in its bucket: number + 1; 0: none */
};

/* A data message found beyond a hole, in a packet of its own. */
struct tcp_early_message {
    struct rte_mbuf *packet;
    uint32_t inner_flow; /* out: hash of the inner flow, with TCP_EARLY_HOLD */
};
enum tcp_early_answer {
    TCP_EARLY_FAILED,    /* it did not authenticate; packet is taken */
    TCP_EARLY_DELIVERED, /* packet is taken */
    TCP_EARLY_HOLD,      /* packet, now what came out of it, shall wait for what lies before it */
};

/* A segment that waits for the others of its burst. */
struct tcp_arrival {
    struct rte_mbuf *m;
    struct tcp_flow *flow;  /* that it seems to be for; it may be another by its turn */
    const uint32_t *bucket; /* that its flow is in; NULL: the flow is that of the one before */
    struct ip_header ip;
    struct tcp_segment seg;
};
enum { TCP_BURST = 32 };

/* What happens to flows, told to the tunnel. Called from tcp_transport_* of the same worker. */
struct tcp_transport_events {
    void *ctx;
    /* A whole message arrived (m is taken). `from` is the flow's own path, which lives until
     * `ending` has been told. */
    void (*message)(void *ctx, wgt_time now, const struct path *from, struct rte_mbuf *m);
    /* The handshake completed. */
    void (*established)(void *ctx, wgt_time now, struct tcp_flow *f);
    /* A path lost its flow f; it is detached already and its kind is TRANSPORT_NONE. */
    void (*path_lost)(void *ctx, wgt_time now, struct path_user *u, const struct tcp_flow *f);
    /* A flow is about to be gone. May be NULL. */
    void (*ending)(void *ctx, wgt_time now, const struct tcp_flow *f);
    /* A dialled flow ended. */
    void (*dial_ended)(void *ctx, wgt_time now, void *dialer, struct tcp_flow *f, enum tcp_end why);
    /* The turn of a user who waits (tcp_flow_want): send about a packet's worth, or as much as
     * tcp_flow_fits allows where nobody else waits. */
    enum path_turn (*writable)(void *ctx, wgt_time now, struct path_user *u);
    /* Delivery beyond holes; all NULL: none. `wanted`: whether the receiver index names a session
     * of a peer who uses this connection, and the counter was not seen. */
    bool (*wanted)(void *ctx, wgt_time now, const struct path *from, uint32_t receiver,
                   uint64_t counter);
    enum tcp_early_answer (*early)(void *ctx, wgt_time now, const struct path *from,
                                   struct tcp_early_message *message);
    /* A packet that was held (m is taken): order is restored, or it has waited long enough. */
    void (*released)(void *ctx, wgt_time now, struct rte_mbuf *m);
};

struct tcp_transport_stats {
    uint64_t dialled, accepted, established, reset, timed_out, refused;
    uint64_t segments_in, segments_out, retransmissions, copies; /* copies: not sent in place */
    uint64_t sent_twice; /* short segments, in advance of their loss */
    /* Delivery beyond holes: messages, candidates that did not authenticate, bytes passed over
     * later in order; connections whose segments do not begin with frames; packets that waited for
     * order, and those that went without it. resyncs: damaged streams in which a frame was found
     * again. */
    uint64_t early_delivered, early_failed, early_skipped, recut_flows, held, held_expired, resyncs;
    /* Listening. accepted: SYNs that were given a stub, and cookies that came back. */
    uint64_t cookies_sent, cookies_accepted, cookies_rejected;
    uint64_t strangers_evicted; /* to make room for younger ones */
    uint64_t source_refused;    /* too many of one source */
    uint64_t knocks_refused;
    uint64_t unused_evicted; /* connections that nobody used, reset before their time */
    uint64_t packet_limited; /* turns at whose end a flow held its share of the packets */
};

struct tcp_transport_config {
    uint16_t listen_port;
    bool listen;
    uint32_t max_flows; /* all connections */
    uint32_t max_unauthenticated;
    size_t max_message; /* largest WireGuard message */
    uint32_t receive_buffer;
    const struct tcp_cc_ops *congestion; /* NULL: the engine's default; of accepted connections
                                          * until their peer is known */
    bool in_order;                       /* deliver messages in order only (OutOfOrder = off) */
    bool knock;                          /* our listener answers no SYN without a tag (knock.h) */
    uint8_t knock_key[32];               /* of our public key: noise_knock_key */
    uint32_t max_stubs;         /* connections before their first data and after their last; 0: four
                                 * for each flow, at most 16384 */
    uint32_t max_per_source;    /* unauthenticated connections of one address; 0: a default */
    unsigned worker, n_workers; /* that share the packets; 0: one. A dial goes out from a port that
                                 * outer.worker_of gives to us. */
    uint32_t records;           /* for connections with holes or cut segments; 0: a default */
};

struct tcp_transport {
    struct outer *outer;
    struct tcp_transport_events events;
    struct tcp_transport_config config;
    struct tcp_flow *flows;
    struct tcp_flow *free_flows;
    uint32_t n_fresh;  /* flows never used so far, from the beginning: their memory is untouched */
    uint32_t *buckets; /* number + 1 of the first flow */
    uint32_t bucket_mask;
    struct tcp_arrival arrived[TCP_BURST];
    unsigned n_arrived;
    struct keyed_hash table_hash;
    struct wheel wheel;
    TAILQ_HEAD(, tcp_flow) dirty;
    TAILQ_HEAD(, tcp_flow) strangers; /* not authenticated, oldest first */
    TAILQ_HEAD(, tcp_flow) unused;    /* the one that is unused for the longest time first */
    struct tcp_listener listener;
    uint32_t n_flows, n_unauthenticated;
    uint8_t isn_key[16];
    struct tcp_memory memory;  /* shared by all connections */
    uint32_t n_held, held_max; /* packets that wait for order */
    uint32_t n_sent, sent_max; /* packets that are queued or not acknowledged, of all flows */
    struct tcp_holds *holds, *free_holds;
    union tcp_record *records;
    struct tcp_tx *tx; /* as many as flows; those never used are untouched */
    struct tcp_transport_stats stats;
};

/* 0 or -errno. */
int tcp_transport_init(struct tcp_transport *t, wgt_time now, struct outer *outer,
                       const struct tcp_transport_events *events,
                       const struct tcp_transport_config *config);
/* Frees all flows without a word to anybody; wipes keys. */
void tcp_transport_fini(struct tcp_transport *t);

/* Where to listen, and whether. Connections of before live on. */
void tcp_transport_set_listener(struct tcp_transport *t, uint16_t port, bool listen);
/* Our public key is another one: SYNs that knock are to be tagged under this key. */
void tcp_transport_set_knock_key(struct tcp_transport *t, const uint8_t key[32]);

/* An IP packet (m, taken) whose payload is TCP. It is looked at with the others of its burst:
 * by tcp_transport_rx_end, at the latest in tcp_transport_run. */
void tcp_transport_rx(struct tcp_transport *t, wgt_time now, const struct ip_header *ip,
                      struct rte_mbuf *m, bool verify_checksum);
void tcp_transport_rx_end(struct tcp_transport *t, wgt_time now);
/* An ICMP error that quotes a TCP segment. */
void tcp_transport_icmp(struct tcp_transport *t, wgt_time now, const struct icmp_error *e);

/* Whom to dial, and how. */
struct tcp_dial {
    struct ip_endpoint remote;
    const struct tcp_cc_ops *congestion; /* NULL: the transport's */
    wgt_time rto; /* retransmission timeout of an earlier connection there; 0: unknown */
    const uint8_t *knock_key; /* 32 bytes, of the listener's public key; NULL: a plain SYN */
    void *dialer;
};

/* NULL: no source address or table full. */
struct tcp_flow *tcp_transport_dial(struct tcp_transport *t, wgt_time now,
                                    const struct tcp_dial *how);
/* Whose it is is known now: its congestion control (NULL: stays). */
void tcp_flow_congestion(struct tcp_flow *f, wgt_time now, const struct tcp_cc_ops *ops);
/* RST, and users and dialler lose it at once. */
void tcp_flow_reset(struct tcp_transport *t, wgt_time now, struct tcp_flow *f);

/* The live flow a path names, or NULL. */
struct tcp_flow *tcp_flow_of(const struct path *p);
/* Whether messages may be queued: connecting or established, not closing. */
bool tcp_flow_usable(const struct tcp_flow *f);
/* Whether bytes wait for an acknowledgment that is overdue. */
bool tcp_flow_stalled(const struct tcp_flow *f);
/* p, or the flow it names, will be sent on soon: fetches into the caches what that needs, the
 * connection first, and then, once that has come, what it has outstanding. */
void tcp_flow_prefetch(const struct path *p);
void tcp_flow_prefetch_sent(const struct path *p);
/* Bytes (frames included) worth sealing for this flow now. */
uint32_t tcp_flow_room(const struct tcp_flow *f, wgt_time now);
/* Whether a message of so many bytes is to be queued now: it would leave at once, or it is longer
 * than a segment and a first part would, or the engine needs it to probe a window too small; and
 * the flow holds no more than its share of the packets. */
bool tcp_flow_fits(const struct tcp_transport *t, struct tcp_flow *f, wgt_time now,
                   size_t message_len);
/* Whether a message of so many bytes need not wait for its sender's turn: nobody waits for one, the
 * whole message would leave at once, and the path loses nothing (else see `twice` of
 * tcp_flow_send). */
bool tcp_flow_is_open(const struct tcp_transport *t, struct tcp_flow *f, wgt_time now,
                      size_t message_len);
/* Whether more than one user waits for room. */
bool tcp_flow_is_shared(const struct tcp_flow *f);
/* More waits unsent than a peer leaves that reads: what is not pulled (handshake messages,
 * keepalives) had better be dropped. */
bool tcp_flow_backlogged(const struct tcp_flow *f);
/* u, attached to f, has something to send: `writable` will be called, in turn with others, when
 * there is room. */
void tcp_flow_want(struct tcp_transport *t, struct tcp_flow *f, struct path_user *u);
/* Present rate in bytes a second, 0: unknown. */
uint64_t tcp_flow_rate(const struct tcp_flow *f);
/* Its smoothed round-trip time; 0: not known yet. */
wgt_time tcp_flow_rtt(const struct tcp_flow *f);
/* A round trip is seldom longer than this. */
wgt_time tcp_flow_late_rtt(const struct tcp_flow *f);
/* Whether its path has lost segments lately. */
bool tcp_flow_loses(const struct tcp_flow *f, wgt_time now);
/* Longest message that fits one segment; 0: not established. */
size_t tcp_flow_message_max(const struct tcp_flow *f);
/* Queue a message (m, taken). twice: when it is short and the path loses segments, it leaves in two
 * copies. */
void tcp_flow_send(struct tcp_transport *t, wgt_time now, struct tcp_flow *f, struct rte_mbuf *m,
                   bool twice);
/* A message of so many bytes has been given its place, and follows when it is made: until then its
 * room is used. */
void tcp_flow_promise(struct tcp_transport *t, struct tcp_flow *f, size_t message_len);
/* It is made, and about to be queued; or comes to nothing. */
void tcp_flow_redeem(struct tcp_transport *t, struct tcp_flow *f, size_t message_len);
/* Whether a packet of this inner flow (hash) waits for order. */
bool tcp_flow_holds(const struct tcp_flow *f, uint32_t inner_flow);
/* A message that came on this flow authenticated. */
void tcp_flow_authenticated(struct tcp_transport *t, struct tcp_flow *f);
/* It is u's, who does not send on it: it lingers, unless somebody else uses it. */
void tcp_flow_unused(struct tcp_transport *t, wgt_time now, struct tcp_flow *f,
                     const struct path_user *u);
/* FIN behind what is queued. */
void tcp_flow_close(struct tcp_transport *t, wgt_time now, struct tcp_flow *f);
/* The same, and users and dialler lose it at once: it carries no more messages. */
void tcp_flow_retire(struct tcp_transport *t, wgt_time now, struct tcp_flow *f);

/* Make u a user of the path (detaching it from its old flow first). */
void tcp_transport_attach(struct tcp_transport *t, wgt_time now, struct path_user *u,
                          const struct path *p);
void tcp_transport_detach(struct tcp_transport *t, wgt_time now, struct path_user *u);

/* Run timers and send whatever is due. Call once per turn, after input. */
void tcp_transport_run(struct tcp_transport *t, wgt_time now);
wgt_time tcp_transport_deadline(const struct tcp_transport *t);

/* Connections of strangers that have sent nothing yet. */
uint32_t tcp_transport_embryos(const struct tcp_transport *t);

/* Close every flow; true when no flow has unfinished business any more. */
void tcp_transport_close_all(struct tcp_transport *t, wgt_time now);
bool tcp_transport_closed(const struct tcp_transport *t);

#endif
