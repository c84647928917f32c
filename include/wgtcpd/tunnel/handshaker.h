/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The handshake half of a node: static keys, handshake state of every peer, receiver indices,
 * cookies. It runs off the workers (four X25519 cost as much as a hundred data packets): on the
 * control thread of the daemon, between turns in a simulator.
 */
#ifndef WGTCPD_TUNNEL_HANDSHAKER_H
#define WGTCPD_TUNNEL_HANDSHAKER_H

#include <rte_ring.h>

#include <wgtcpd/noise/noise.h>
#include <wgtcpd/peer/index_table.h>
#include <wgtcpd/tunnel/messages.h>
#include <wgtcpd/tunnel/trouble.h>

/* The wall clock, for TAI64N. */
struct wall_clock {
    uint64_t seconds; /* Unix */
    uint32_t nanoseconds;
};

struct handshaker_peer {
    struct noise_remote remote;
    struct tunnel_peer *tunnel_peer;
    struct peer_history *history; /* the tunnel's; NULL: it has not asked */
    bool has_index;               /* handshake_index is in the table */
    uint32_t handshake_index;
    wgt_time initiated; /* when the handshake under way was begun by us */
    bool leads;         /* our key is the greater */
    bool crossed;       /* the peer's last initiation was ignored in favour of ours */
    bool removed;
    bool has_moved;                       /* several workers may speak of it */
    uint8_t worker;                       /* whose commands about it are */
    uint8_t stamped[NOISE_TIMESTAMP_LEN]; /* of our last initiation */
    struct trouble trouble[HANDSHAKE_TROUBLE_COUNT];
    uint32_t initiations_sent, initiations_received, responses_received;
    LIST_ENTRY(handshaker_peer) link; /* of the removed */
};

LIST_HEAD(handshaker_peers, handshaker_peer);

/* A worker, as the handshaker knows it. */
struct handshaker_worker {
    struct rte_ring *events, *commands;
    uint32_t n_peers;
    bool stopped;
    uint64_t taken, awaited; /* events: taken so far; until when `parting` stays (workers.c) */
};

struct key_slot;

/* Public key -> handshaker_peer (key_table.h). */
struct key_table {
    struct key_slot *slots;
    uint32_t mask, count, max;
    uint8_t hash_key[16];
};

struct handshaker {
    struct noise_local local;
    struct key_table by_key;
    struct index_table by_index; /* index -> handshaker_peer, of handshakes and keypairs */
    uint32_t max_peers;
    /* removed: the tunnel has not said its last word; leaving, parting: it has, but another one
     * that had the peer before may have said something that is not read yet */
    struct handshaker_peers removed, leaving, parting;
    struct noise_keypair *unforgotten; /* wiped; some worker is to be told yet */
    struct noise_cookie_secret cookie_secret;
    struct noise_ratelimit ratelimit;
    struct handshaker_worker workers[TUNNEL_WORKERS_MAX];
    unsigned n_workers, next_worker; /* whose events come first */
    bool stopping, udp_open;
    uint64_t moves; /* of peers from worker to worker */
    void *ctx;
    void (*entropy)(void *ctx, void *buf, size_t len);
    bool down; /* the host's interface is: no handshake begins or goes on */
    bool loaded_once;
    wgt_time last_loaded; /* last moment the event queue was long */
    struct wgt_drop_counters drops;
    struct strangers strangers; /* initiations of unknown keys */
    /* For the host: a peer's last reference is gone; all tunnels stopped. May be NULL. */
    void (*peer_removed)(void *ctx, struct tunnel_peer *peer);
    void (*stopped)(void *ctx);
    /* For the log: what became of a peer (e->peer, path and note). May be NULL. */
    void (*note)(void *ctx, const struct tunnel_event *e);
    /* For a key log: a handshake of ours, in either role, uses this ephemeral key. May be NULL. */
    void (*handshake_keys)(void *ctx, const struct noise_remote *remote,
                           const uint8_t ephemeral_private[NOISE_KEY_LEN]);
    /* handshaker_report's has come back. */
    void (*reported)(void *ctx, struct tunnel_report *r);
    uint64_t initiations_sent, initiations_received, responses_sent, responses_received,
        cookies_sent, cookies_received;
};

/* 0 or -errno. */
int handshaker_init(struct handshaker *h, uint32_t max_peers,
                    const uint8_t private_key[NOISE_KEY_LEN], struct rte_ring *events,
                    struct rte_ring *commands, void (*entropy)(void *ctx, void *buf, size_t len),
                    void *ctx);
/* One more worker, before there are peers. Its number is the one of its rings here. 0 or -ENOSPC.
 */
int handshaker_add_worker(struct handshaker *h, struct rte_ring *events, struct rte_ring *commands);
/* Frees the peers' handshake state and everything that still lies in the rings; wipes keys. */
void handshaker_fini(struct handshaker *h);

/* The functions below that tell a tunnel something return -ENOBUFS, with nothing changed, when
 * a ring of commands is full; handshaker_has_room tells beforehand (of at least half of each:
 * handshaker_has_much_room). */
bool handshaker_has_room(const struct handshaker *h);
bool handshaker_has_much_room(const struct handshaker *h);
/* Whether some worker has told something that handshaker_run has not taken yet. */
bool handshaker_has_events(const struct handshaker *h);

/* The peer of that key, NULL if there is none. */
struct tunnel_peer *handshaker_find_peer(const struct handshaker *h,
                                         const uint8_t public_key[NOISE_KEY_LEN]);

/* Draws the memory that handshaker_add_peer needs, so that it cannot fail for want of it while
 * there are fewer than max_peers. 0 or -ENOMEM. handshaker_discard_peer gives back what was not
 * used. */
int handshaker_prepare_peer(struct tunnel_peer *peer);
void handshaker_discard_peer(struct tunnel_peer *peer);
/* Tells the tunnel to take the peer in and keeps its handshake state. psk may be NULL. 0; -EEXIST,
 * or -EINVAL when the key is our own; -ENOMEM; -ENOBUFS. */
int handshaker_add_peer(struct handshaker *h, struct tunnel_peer *peer,
                        const uint8_t psk[NOISE_KEY_LEN]);
/* Forgets the peer at once; peer_removed tells when the tunnel has, too. Its allowed IPs must be
 * out of the trie. 0 or -ENOBUFS. */
int handshaker_remove_peer(struct handshaker *h, struct tunnel_peer *peer);
/* Of the handshakes from now on. Zero: none. */
void handshaker_set_psk(struct tunnel_peer *peer, const uint8_t psk[NOISE_KEY_LEN]);
int handshaker_set_peer(struct handshaker *h, struct tunnel_peer *peer,
                        const struct tunnel_peer_settings *settings);
/* Another private key (clamped here; zero: none): handshakes under way end, sessions still receive
 * but send no more, and the next handshakes may go at once. No peer may have the public key that
 * belongs to it. 0 or -ENOBUFS. */
int handshaker_set_identity(struct handshaker *h, const uint8_t private_key[NOISE_KEY_LEN]);
/* Where UDP is received and sent from, and TCP listens. TCP connections live on. 0 or -ENOBUFS. */
int handshaker_set_port(struct handshaker *h, uint16_t listen_port);
/* The host's interface went down: sessions, handshakes and connections end, timers stand, what is
 * staged is dropped, nothing is received; endpoints and settings stay. Or it came up again. 0 or
 * -ENOBUFS. */
int handshaker_set_link(struct handshaker *h, bool up);
/* MTU of the inner interface, and whether datagrams are cut for its sake (tunnel_config). 0 or
 * -ENOBUFS. */
int handshaker_set_mtu(struct handshaker *h, const struct tunnel_mtu *mtu);
/* The workers fill in what is their own (report.h); when all have, `reported` tells. 0 or -ENOBUFS.
 */
int handshaker_report(struct handshaker *h, struct tunnel_report *r);
int handshaker_stop_tunnel(struct handshaker *h);

/* Take up to max events. Returns how many were taken. */
unsigned handshaker_run(struct handshaker *h, wgt_time now, const struct wall_clock *wall,
                        unsigned max);

#endif
