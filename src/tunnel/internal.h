/* SPDX-License-Identifier: BSD-3-Clause */
/* Between the files of the tunnel room. */
#ifndef TUNNEL_INTERNAL_H
#define TUNNEL_INTERNAL_H

#include <wgtcpd/base/bucket.h>
#include <wgtcpd/tunnel/tunnel.h>

/* indices.c: tables of receiver indices, all of the same size for the same number of peers. 0 or
 * -ENOMEM. */
int indices_init(struct index_table *t, uint32_t max_peers);
void indices_fini(struct index_table *t);

/* session.c: keypairs, handshakes and what hangs on them */
bool session_usable(const struct tunnel_peer *p, wgt_time now);
void session_request(struct tunnel *t, wgt_time now, struct tunnel_peer *p, bool retry);
void session_keep_fresh_after_send(struct tunnel *t, wgt_time now, struct tunnel_peer *p);
void session_keep_fresh_after_receive(struct tunnel *t, wgt_time now, struct tunnel_peer *p);
void session_forget(struct tunnel *t, struct tunnel_peer *p);
/* Its keys receive but send no more. */
void session_stop_sending(struct tunnel_peer *p);
void session_completed(struct tunnel *t, wgt_time now, struct tunnel_peer *p);
void session_command(struct tunnel *t, wgt_time now, const struct tunnel_command *c);
void session_retire(struct tunnel *t, struct noise_retired *retired);
/* A retired keypair is in use no more: wiped, and handed to the handshaker some time. */
void session_bury(struct tunnel *t, struct noise_keypair *k);
/* At the end of all: its keys are wiped and freed. */
void session_free(struct tunnel_peer *p);
/* Hands wiped keypairs to the handshaker; false while some wait. */
bool session_flush_retired(struct tunnel *t);
bool tunnel_send_event(struct tunnel *t, const struct tunnel_event *e);
uint32_t tunnel_jitter(struct tunnel *t);

/* send.c: from the inner side to a path */
void peer_mark_flush(struct tunnel *t, struct tunnel_peer *p);
void peer_flush(struct tunnel *t, wgt_time now, struct tunnel_peer *p);
/* Its turn to send on the connection that its path names. */
enum path_turn peer_take_turn(struct tunnel *t, wgt_time now, struct tunnel_peer *p);
/* Largest inner packet that fits a datagram or a segment to the peer; never above the interface's
 * MTU. */
size_t peer_inner_mtu(const struct tunnel *t, wgt_time now, const struct tunnel_peer *p);
/* Fetches into the cache what sending to it and receiving from it reads. */
static inline void
peer_prefetch(const struct tunnel_peer *p)
{
    const char *from = (const char *)&p->session, *to = (const char *)&p->heard_at;

    for (; from < to; from += RTE_CACHE_LINE_SIZE)
        rte_prefetch0(from);
    rte_prefetch0(&p->heard);
}

void peer_send_keepalive(struct tunnel *t, wgt_time now, struct tunnel_peer *p);
void peer_drop_staged(struct tunnel *t, struct tunnel_peer *p, enum wgt_drop why);
/* A packet (m, taken) that may go to p waits for its turn. */
void peer_stage(struct tunnel *t, wgt_time now, struct tunnel_peer *p, struct rte_mbuf *m);
/* A message (m, taken). traffic_class: of a datagram; twice: of tcp_flow_send. */
void path_send(struct tunnel *t, wgt_time now, const struct path *to, struct rte_mbuf *m,
               uint8_t traffic_class, bool twice);
/* An initiation or a response along a path; a cookie reply. */
void path_send_handshake(struct tunnel *t, wgt_time now, const struct path *to,
                         const uint8_t *message, size_t len);
void path_send_cookie(struct tunnel *t, wgt_time now, const struct path *to, const uint8_t *message,
                      size_t len);

/* shard.c: with several workers */
/* Whether p is here; true of all peers in the tunnel's list. */
static inline bool
shard_has(const struct tunnel *t, const struct tunnel_peer *p)
{
    return tunnel_peer_worker(p) == t->config.worker && p->added;
}
void shard_release(struct tunnel *t, wgt_time now, struct tunnel_peer *p, unsigned to);
/* false: not yet. */
bool shard_adopt(struct tunnel *t, wgt_time now, const struct tunnel_command *c);
void shard_mark_index(struct tunnel *t, uint32_t index, unsigned worker);
void shard_forget_index(struct tunnel *t, uint32_t index);
/* A data message to an index that is not ours; handed: another worker had it before us. false:
 * there is nobody to give it to. */
bool shard_hand_over(struct tunnel *t, const struct path *from, struct rte_mbuf *m, bool handed);
/* An inner packet (m, taken) to a peer that is not here. */
void shard_rx_inner(struct tunnel *t, struct tunnel_peer *p, struct rte_mbuf *m);

/* A data message in a burst. */
struct received_message {
    struct tunnel_peer *peer;
    const struct path *from;
    struct rte_mbuf *m;
};

/* fan_out.c: bursts of which others do the AEAD. The functions want t->crypto, unless they say
 * otherwise. */
/* 0 or -ENOMEM. */
int fan_out_init(struct tunnel *t);
/* Whether or not there is t->crypto. */
void fan_out_fini(struct tunnel *t);
/* A message that only lacks its seal (its packet is taken, its counter too) leaves when it is its
 * turn: after fan_out_flush, or when a burst of them has come. */
void fan_out_seal(struct tunnel *t, wgt_time now, const struct noise_sealing *s,
                  const struct crypto_message *message);
/* Those in t->sealing, and no more now. */
void fan_out_seal_burst(struct tunnel *t, wgt_time now);
/* No more of them come now. Too few go at once. */
void fan_out_flush(struct tunnel *t, wgt_time now);
/* A burst of up to TUNNEL_BURST messages that is yet to be found can be taken. To be called when
 * the tunnel is at rest: what is done is delivered here. */
void fan_out_make_room(struct tunnel *t, wgt_time now);
/* Takes such a burst; false: it is too small, and may be opened at once. */
bool fan_out_open(struct tunnel *t, wgt_time now, const struct received_message *messages,
                  const struct noise_opening *o, unsigned n);
/* Sends and delivers what is done; with nothing else to do, does something itself. Returns how many
 * messages there were. */
unsigned fan_out_run(struct tunnel *t, wgt_time now);
/* All that is in flight on its way in is delivered. */
void fan_out_finish_receiving(struct tunnel *t, wgt_time now);
/* All that is in flight is sent and delivered. */
void fan_out_drain(struct tunnel *t, wgt_time now);
/* Whether or not there is t->crypto. */
static inline bool
fan_out_is_empty(const struct tunnel *t)
{
    return t->crypto == NULL ||
           (t->crypto->staged.n == 0 && crypto_queue_is_empty(&t->crypto->queues[CRYPTO_SEAL]) &&
            crypto_queue_is_empty(&t->crypto->queues[CRYPTO_OPEN]));
}

/* note.c: a line for the operator's log. path may be NULL. */
void peer_note(struct tunnel *t, struct tunnel_peer *p, enum tunnel_note_kind kind,
               const struct path *path, unsigned detail);

/* history.c */
void peer_trouble(struct tunnel *t, struct tunnel_peer *p, enum peer_trouble what, wgt_time now);
void peer_source_denied(struct tunnel *t, struct tunnel_peer *p, const struct ip_addr *source,
                        wgt_time now);
void history_note(struct peer_history *h, const struct tunnel_trouble *what);
/* The peer's, or that of one without: to be read only. */
const struct peer_history *history_of(const struct tunnel_peer *p);

/* path_mtu.c */
/* Largest IP packet to the peer's UDP endpoint. */
size_t path_mtu_of(const struct tunnel *t, wgt_time now, const struct tunnel_peer *p);
/* An ICMP error about a datagram. */
void path_mtu_rx(struct tunnel *t, wgt_time now, const struct icmp_error *e);

/* settings.c: what may change while the tunnel runs */
void settings_set_peer(struct tunnel *t, wgt_time now, struct tunnel_peer *p,
                       const struct tunnel_peer_settings *s);
/* Its persistent_keepalive holds from now on. */
void settings_set_keepalive(struct tunnel *t, wgt_time now, struct tunnel_peer *p);
void settings_set_identity(struct tunnel *t, const struct tunnel_identity *id);
void settings_set_port(struct tunnel *t, uint16_t listen_port);
void settings_set_link(struct tunnel *t, wgt_time now, bool up);

/* report.c */
void report_run(struct tunnel *t, wgt_time now);

/* inner_error.c */
/* Drops an inner packet to p (m, taken; its own length is len) and tells its sender what would fit.
 */
void peer_too_big(struct tunnel *t, wgt_time now, struct tunnel_peer *p, struct rte_mbuf *m,
                  size_t len, size_t mtu);
/* Drops an inner packet (m, taken; its own length is len) and tells its sender that there is no way
 * to its destination. */
void inner_unreachable(struct tunnel *t, wgt_time now, struct rte_mbuf *m, size_t len,
                       enum wgt_drop why);

/* route.c: a peer's path and its connections */
/* The peer's path, made or dialled if need be; NULL when there is none now. */
const struct path *peer_path(struct tunnel *t, wgt_time now, struct tunnel_peer *p);
void peer_heard_on(struct tunnel *t, wgt_time now, struct tunnel_peer *p, const struct path *from);
bool peer_has_endpoint(const struct tunnel_peer *p);
wgt_time peer_dial_deadline(const struct tunnel *t, const struct tunnel_peer *p, wgt_time now);
void peer_dial_if_due(struct tunnel *t, wgt_time now, struct tunnel_peer *p);
void peer_back_to_configured(struct tunnel *t, wgt_time now, struct tunnel_peer *p);
/* Nothing came back: the next attempt finds its way anew. */
void peer_forget_source(struct tunnel *t, wgt_time now, struct tunnel_peer *p);
void peer_disconnect(struct tunnel *t, wgt_time now, struct tunnel_peer *p);
/* It goes to another worker: connections linger for what is still under way on them. */
void peer_leave_flows(struct tunnel *t, wgt_time now, struct tunnel_peer *p);
/* Its endpoint has been set: it is sought there, unless the path in use leads there. */
void peer_seek_configured(struct tunnel *t, wgt_time now, struct tunnel_peer *p);
void route_events(struct tunnel *t, struct tcp_transport_events *events);

/* receive.c: from a path to the inner side */
/* An inner packet (m, taken; it has passed inner_parse before) leaves the tunnel. */
void tunnel_tx_inner(struct tunnel *t, struct rte_mbuf *m);
/* A data message under k has been opened, and was new. */
void receive_opened(struct tunnel *t, wgt_time now, struct noise_keypair *k,
                    const struct path *from, struct rte_mbuf *m);
/* from: lives until the burst has been received. */
void receive_message(struct tunnel *t, wgt_time now, const struct path *from, struct rte_mbuf *m);
/* Opens the messages that have come so far. */
void receive_open_burst(struct tunnel *t, wgt_time now);
/* What came before has been delivered when this returns: what comes out of order may follow it. */
void receive_settle(struct tunnel *t, wgt_time now);
/* tcp_transport_events.wanted and .early */
bool receive_wanted(struct tunnel *t, wgt_time now, const struct path *from, uint32_t index,
                    uint64_t counter);
enum tcp_early_answer receive_early(struct tunnel *t, wgt_time now, const struct path *from,
                                    struct tcp_early_message *message);

/* tunnel.c */
void peer_arm(struct tunnel *t, wgt_time now, struct tunnel_peer *p);
/* Tells inner flows apart; strangers cannot choose which collide. */
uint32_t tunnel_flow_hash(const struct tunnel *t, const uint8_t *packet, size_t len);

static inline void
tunnel_drop(struct tunnel *t, enum wgt_drop why, struct rte_mbuf *m)
{
    outer_drop(&t->outer, why, m);
}

#endif
