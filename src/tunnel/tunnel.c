/* SPDX-License-Identifier: BSD-3-Clause */
/* The tunnel's life: set-up, commands, timers, one turn of the loop. */
#include <wgtcpd/tunnel/tunnel.h>

#include <errno.h>
#include <stdlib.h>

#include <rte_ring_elem.h>

#include <wgtcpd/wire/inner.h>

#include "internal.h"
#include "keypair.h"

enum { COMMANDS_PER_TURN = 32, RECEIVE_BUFFER = 4 << 20 };

static int
create_tables(struct tunnel *t)
{
    int rc = indices_init(&t->indices, t->config.max_peers);

    if (rc == 0 && t->config.n_workers > 1)
        rc = indices_init(&t->moved, t->config.max_peers);
    return rc;
}

static void
staged_dropped(void *ctx, struct fq_packet *p, enum wgt_drop why)
{
    tunnel_drop(ctx, why, packet_of_waiting(p));
}

/* One peer may have half of what all may have: the senders behind it burst when a hole has been
 * filled. */
static int
create_queues(struct tunnel *t)
{
    uint32_t max = packet_share(t->outer.pool) / t->config.n_workers,
             flows = max + FQ_FLOWS_PER_QUEUE;
    uint32_t buckets = rte_align32pow2(flows);
    struct fq_config config = {
        .max_packets = max,
        .queue_packets = max / 2,
        .queue_bytes = max / 2 * FQ_PACKET_MAX,
        .held_packets = TUNNEL_STAGED_MAX,
        .ctx = t,
        .drop = staged_dropped,
    };

    t->outer.entropy(t->outer.ctx, &t->flow_hash, sizeof(t->flow_hash));
    t->fq_flows = calloc(flows, sizeof(*t->fq_flows));
    t->fq_buckets = calloc(buckets, sizeof(*t->fq_buckets));
    if (t->fq_flows == NULL || t->fq_buckets == NULL)
        return -ENOMEM;
    fq_init(&t->fq, &config, t->fq_flows, flows, t->fq_buckets, buckets);
    return 0;
}

static void
free_tables(struct tunnel *t)
{
    indices_fini(&t->indices);
    indices_fini(&t->moved);
    free(t->fq_flows);
    free(t->fq_buckets);
}

static int
create_transport(struct tunnel *t, wgt_time now)
{
    struct tcp_transport_events events;
    struct tcp_transport_config config = {
        .listen_port = t->config.listen_port,
        .listen = t->config.listen_tcp,
        .max_flows = t->config.max_flows,
        .max_unauthenticated = t->config.max_flows / 4,
        .max_message = t->config.max_message,
        .receive_buffer = RECEIVE_BUFFER,
        .congestion = t->config.congestion,
        .in_order = t->config.in_order,
        .knock = t->config.knock,
        .worker = t->config.worker,
        .n_workers = t->config.n_workers,
    };
    int rc;

    memcpy(config.knock_key, t->config.knock_key, sizeof(config.knock_key));
    route_events(t, &events);
    rc = tcp_transport_init(&t->tcp, now, &t->outer, &events, &config);
    /* Without a key nobody is answered; the listener's tables are for later. */
    if (rc == 0 && !t->mac1.has_identity)
        tcp_transport_set_listener(&t->tcp, config.listen_port, false);
    return rc;
}

int
tunnel_init(struct tunnel *t, wgt_time now, const struct tunnel_config *config,
            const struct outer *outer, tunnel_inner_tx *inner_tx,
            const struct allowedips *allowed_ips, struct rte_ring *events,
            struct rte_ring *commands)
{
    int rc;

    *t = (struct tunnel){
        .config = *config,
        .outer = *outer,
        .inner_tx = inner_tx,
        .allowed_ips = allowed_ips,
        .events = events,
        .commands = commands,
        .udp_open = config->listen_udp,
    };
    if (t->config.n_workers == 0)
        t->config.n_workers = 1;
    t->outer.drops = &t->drops;
    t->outer.entropy(t->outer.ctx, &t->jitter, sizeof(t->jitter));
    t->jitter |= 1;
    t->mac1.has_identity = !noise_is_zero(config->mac1_key, NOISE_KEY_LEN);
    memcpy(t->mac1.mac1_key, config->mac1_key, NOISE_KEY_LEN);
    LIST_INIT(&t->peers);
    LIST_INIT(&t->removed);
    TAILQ_INIT(&t->flush);
    wheel_init(&t->wheel, now);
    rc = create_tables(t);
    if (rc == 0)
        rc = create_queues(t);
    if (rc == 0 && t->config.n_crypto > 0)
        rc = fan_out_init(t);
    if (rc == 0)
        rc = create_transport(t, now);
    if (rc != 0) {
        fan_out_fini(t);
        free_tables(t);
    }
    return rc;
}

void
tunnel_fini(struct tunnel *t)
{
    struct tunnel_peer *p;

    fan_out_fini(t);
    LIST_FOREACH(p, &t->peers, link)
    {
        session_free(p);
        fq_purge(&t->fq, &p->staged, WGT_DROP_PEER_REMOVED);
    }
    rte_pktmbuf_free_bulk(t->received.m, t->received.n);
    rte_pktmbuf_free_bulk(t->arrived.m, t->arrived.n);
    /* One that is on its way to us; if it was not released, it is still the other tunnel's. */
    if (t->adopts && tunnel_peer_worker(t->adopting.peer) == t->config.worker)
        tunnel_abandon_peer(t->adopting.peer);
    while (t->retired != NULL) {
        struct noise_keypair *k = t->retired;

        t->retired = k->owner;
        keypair_free(k);
    }
    tcp_transport_fini(&t->tcp);
    noise_wipe(&t->flow_hash, sizeof(t->flow_hash));
    noise_wipe(t->config.knock_key, sizeof(t->config.knock_key));
    free_tables(t);
}

/* --- peers -------------------------------------------------------------------------------------
 */

/* Timers are re-armed lazily: one that is armed earlier than needed fires, finds nothing and is
 * armed again. So the data path rarely touches the wheel. */
void
peer_arm(struct tunnel *t, wgt_time now, struct tunnel_peer *p)
{
    wgt_time due = wgt_time_min(peer_timers_deadline(&p->timers), peer_dial_deadline(t, p, now));

    if (due < p->timer.due)
        wheel_arm(&t->wheel, &p->timer, due);
}

static void
add_peer(struct tunnel *t, wgt_time now, struct tunnel_peer *p)
{
    fq_queue_init(&p->staged);
    peer_timers_init(&p->timers);
    wheel_timer_init(&p->timer);
    LIST_INSERT_HEAD(&t->peers, p, link);
    p->added = true;
    if (p->has_endpoint && p->configured_kind == TRANSPORT_UDP)
        t->udp_open = true;
    settings_set_keepalive(t, now, p);
    peer_arm(t, now, p);
}

static void
remove_peer(struct tunnel *t, wgt_time now, struct tunnel_peer *p)
{
    peer_drop_staged(t, p, WGT_DROP_PEER_REMOVED);
    peer_timers_stop(&p->timers);
    wheel_disarm(&t->wheel, &p->timer);
    peer_disconnect(t, now, p);
    session_forget(t, p);
    if (p->flush_pending)
        TAILQ_REMOVE(&t->flush, p, flush_link);
    p->flush_pending = false;
    LIST_REMOVE(p, link);
    LIST_INSERT_HEAD(&t->removed, p, link);
}

/* Retired keypairs go first: after REMOVED the handshaker knows the peer no more. */
static void
tell_removed(struct tunnel *t)
{
    struct tunnel_peer *p;

    if ((t->crypto != NULL && t->crypto->n_dying > 0) || !session_flush_retired(t))
        return;
    while ((p = LIST_FIRST(&t->removed)) != NULL) {
        struct tunnel_event e = {.type = TUNNEL_EVENT_REMOVED, .peer = p};

        LIST_REMOVE(p, link);
        if (!tunnel_send_event(t, &e)) {
            LIST_INSERT_HEAD(&t->removed, p, link);
            return;
        }
    }
}

static void
forget_keys(struct tunnel *t, struct tunnel_peer *p)
{
    session_forget(t, p);
    tunnel_send_event(t, &(struct tunnel_event){.type = TUNNEL_EVENT_ZERO, .peer = p});
}

static void
peer_expired(struct tunnel *t, wgt_time now, struct tunnel_peer *p)
{
    unsigned actions = peer_timers_expire(&p->timers, now);

    if (actions & PEER_GIVE_UP) {
        peer_trouble(t, p, PEER_TROUBLE_GAVE_UP, now);
        peer_note(t, p, TUNNEL_NOTE_GAVE_UP, NULL, 0);
        peer_drop_staged(t, p, WGT_DROP_STAGED_GAVE_UP);
        peer_back_to_configured(t, now, p);
    }
    if (actions & PEER_ZERO_KEYS)
        forget_keys(t, p);
    if (actions & PEER_FORGET_SOURCE)
        peer_forget_source(t, now, p);
    if (actions & PEER_RETRY_INITIATION)
        session_request(t, now, p, true);
    else if (actions & PEER_SEND_INITIATION)
        session_request(t, now, p, false);
    if (actions & PEER_SEND_KEEPALIVE)
        peer_send_keepalive(t, now, p);
    peer_dial_if_due(t, now, p);
    peer_arm(t, now, p);
}

uint32_t
tunnel_flow_hash(const struct tunnel *t, const uint8_t *packet, size_t len)
{
    uint8_t key[INNER_FLOW_KEY_LEN];

    inner_flow_key(packet, len, key);
    return keyed_hash(&t->flow_hash, key, sizeof(key));
}

/* --- the loop's turn ----------------------------------------------------------------------------
 */

/* A cookie reply. A stranger who does not read what it is sent gets no second one queued. */
static void
send_to_stranger(struct tunnel *t, wgt_time now, const struct tunnel_command *c)
{
    struct tcp_flow *f = tcp_flow_of(&c->path);

    if (f != NULL && tcp_unsent(&f->conn) > 0)
        wgt_drop_count(&t->drops, WGT_DROP_CONNECTION_LOST);
    else
        path_send_cookie(t, now, &c->path, c->message, c->len);
}

static void
handle_command(struct tunnel *t, wgt_time now, const struct tunnel_command *c)
{
    switch (c->type) {
    case TUNNEL_COMMAND_SET_PEER:
        settings_set_peer(t, now, c->peer, &c->settings);
        break;
    case TUNNEL_COMMAND_IDENTITY:
        settings_set_identity(t, &c->identity);
        break;
    case TUNNEL_COMMAND_PORT:
        settings_set_port(t, c->listen_port);
        break;
    case TUNNEL_COMMAND_MTU:
        t->config.mtu = c->mtu.mtu;
        t->config.fragment = c->mtu.fragment;
        break;
    case TUNNEL_COMMAND_LINK:
        settings_set_link(t, now, c->up);
        break;
    case TUNNEL_COMMAND_RELEASE:
        shard_release(t, now, c->peer, c->worker);
        break;
    case TUNNEL_COMMAND_ADOPT:
        t->adopting = *c;
        t->adopts = !shard_adopt(t, now, c);
        break;
    case TUNNEL_COMMAND_MARK:
        shard_mark_index(t, c->index.index, c->index.worker);
        break;
    case TUNNEL_COMMAND_FORGET:
        shard_forget_index(t, c->index.index);
        break;
    case TUNNEL_COMMAND_UDP:
        t->udp_open = true;
        break;
    case TUNNEL_COMMAND_HISTORY:
        c->peer->history = c->history;
        c->peer->history_asked = false;
        break;
    case TUNNEL_COMMAND_REPORT:
        t->report = c->report;
        break;
    case TUNNEL_COMMAND_SEND:
        send_to_stranger(t, now, c);
        break;
    case TUNNEL_COMMAND_ADD_PEER:
        add_peer(t, now, c->peer);
        break;
    case TUNNEL_COMMAND_REMOVE_PEER:
        remove_peer(t, now, c->peer);
        break;
    case TUNNEL_COMMAND_STOP:
        tunnel_stop(t, now);
        break;
    default:
        session_command(t, now, c);
        break;
    }
}

static unsigned
take_commands(struct tunnel *t, wgt_time now)
{
    struct tunnel_command c;
    unsigned n = 0;

    if (t->adopts)
        t->adopts = !shard_adopt(t, now, &t->adopting);
    while (t->report == NULL && !t->adopts && n < COMMANDS_PER_TURN &&
           rte_ring_dequeue_elem(t->commands, &c, sizeof(c)) == 0) {
        /* A path that was made before our port changed. */
        if (c.path.kind == TRANSPORT_UDP)
            c.path.local.port = t->config.listen_port;
        handle_command(t, now, &c);
        n++;
    }
    return n;
}

static void
flush_peers(struct tunnel *t, wgt_time now)
{
    struct tunnel_peer *p;

    while ((p = TAILQ_FIRST(&t->flush)) != NULL) {
        TAILQ_REMOVE(&t->flush, p, flush_link);
        p->flush_pending = false;
        peer_flush(t, now, p);
        peer_arm(t, now, p);
    }
}

static void
tell_stopped(struct tunnel *t)
{
    if (!t->stopping || t->stopped_told || !tunnel_stopped(t))
        return;
    t->stopped_told = tunnel_send_event(t, &(struct tunnel_event){.type = TUNNEL_EVENT_STOPPED});
}

/* With crypto workers, what a connection has asked for leaves when it comes back; what was too
 * little for them is back already. */
static void
run_transport(struct tunnel *t, wgt_time now)
{
    tcp_transport_run(&t->tcp, now);
    if (likely(t->crypto == NULL))
        return;
    while (t->crypto->staged.n > 0) {
        fan_out_flush(t, now);
        tcp_transport_run(&t->tcp, now);
    }
}

unsigned
tunnel_run(struct tunnel *t, wgt_time now)
{
    struct wheel_timer *w;
    unsigned n;

    tunnel_rx_outer_end(t, now);
    tunnel_rx_inner_end(t, now);
    n = take_commands(t, now);
    if (unlikely(t->crypto != NULL))
        n += fan_out_run(t, now);
    while ((w = wheel_expire(&t->wheel, now)) != NULL)
        peer_expired(t, now, WGT_CONTAINER_OF(w, struct tunnel_peer, timer));
    flush_peers(t, now);
    run_transport(t, now);
    /* TCP's turn may have heard of new paths or sessions. */
    flush_peers(t, now);
    if (unlikely(t->crypto != NULL))
        fan_out_flush(t, now);
    report_run(t, now);
    tell_removed(t);
    tell_stopped(t);
    return n;
}

wgt_time
tunnel_deadline(const struct tunnel *t)
{
    if (t->received.n > 0 || t->arrived.n > 0 || !TAILQ_EMPTY(&t->flush) || t->report != NULL ||
        t->adopts || !fan_out_is_empty(t))
        return 0;
    return wgt_time_min(wheel_deadline(&t->wheel), tcp_transport_deadline(&t->tcp));
}

void
tunnel_stop(struct tunnel *t, wgt_time now)
{
    struct tunnel_peer *p;

    t->stopping = true;
    if (t->crypto != NULL)
        fan_out_drain(t, now); /* before the FINs */
    LIST_FOREACH(p, &t->peers, link)
    {
        peer_timers_stop(&p->timers);
        peer_drop_staged(t, p, WGT_DROP_PEER_REMOVED);
    }
    tcp_transport_close_all(&t->tcp, now);
}

bool
tunnel_stopped(const struct tunnel *t)
{
    return t->stopping && tcp_transport_closed(&t->tcp);
}
