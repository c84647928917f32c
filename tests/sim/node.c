/* SPDX-License-Identifier: BSD-3-Clause */
#include "node.h"

#include <stdio.h>
#include <stdlib.h>

#include <rte_mempool.h>
#include <rte_ring_elem.h>

#include <wgtcpd/wire/icmp.h>

#include "traffic.h"

enum {
    NODES = NODES_MAX,
    TURNS_MAX = 64,     /* within one instant */
    SENT_MAX = 20000,   /* packets within one instant */
    CONTROL_BATCH = 32, /* events a look */
    DATA_ROOM = RTE_PKTMBUF_HEADROOM + NODE_MESSAGE_MAX + 64,
};

#define WALL_EPOCH UINT64_C(1700000000)

static struct resources {
    struct rte_mempool *pool, *small_pool;
    struct rte_ring *events[NODE_WORKERS_MAX], *commands[NODE_WORKERS_MAX];
} resources[NODES];

static struct rte_mempool *
make_pool(const char *prefix, unsigned id, unsigned packets)
{
    char name[32];

    snprintf(name, sizeof(name), "%s%u", prefix, id);
    return rte_pktmbuf_pool_create(name, packets, 0, PACKET_META_SIZE, DATA_ROOM, SOCKET_ID_ANY);
}

static struct rte_ring *
make_ring(const char *what, unsigned id, unsigned worker, unsigned element)
{
    char name[RTE_RING_NAMESIZE];

    snprintf(name, sizeof(name), "sim%u.%s%u", id, what, worker);
    return rte_ring_create_elem(name, element, TUNNEL_RING_SIZE, SOCKET_ID_ANY,
                                RING_F_SP_ENQ | RING_F_SC_DEQ);
}

int
node_resources_init(void)
{
    for (unsigned i = 0; i < NODES; i++) {
        struct resources *r = &resources[i];

        r->pool = make_pool("sim", i, NODE_POOL);
        r->small_pool = make_pool("sim.small", i, NODE_POOL_SMALL);
        if (r->pool == NULL || r->small_pool == NULL)
            return -1;
        for (unsigned w = 0; w < NODE_WORKERS_MAX; w++) {
            r->events[w] = make_ring("events", i, w, sizeof(struct tunnel_event));
            r->commands[w] = make_ring("commands", i, w, sizeof(struct tunnel_command));
            if (r->events[w] == NULL || r->commands[w] == NULL)
                return -1;
        }
    }
    return 0;
}

/* 192.0.2.(1+id), 2001:db8::(1+id) */
struct ip_addr
node_address(unsigned id, uint8_t family)
{
    uint8_t v4[4] = {192, 0, 2, (uint8_t)(1 + id)};
    uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = (uint8_t)(1 + id)};

    return family == IP_V4 ? ip_addr_v4(v4) : ip_addr_v6(v6);
}

static void
derive_keys(uint64_t seed, unsigned id, uint8_t private_key[NOISE_KEY_LEN],
            uint8_t public_key[NOISE_KEY_LEN])
{
    struct prng r = prng_fork(seed, 'k' + id);

    prng_fill(&r, private_key, NOISE_KEY_LEN);
    noise_clamp(private_key);
    noise_public_key(public_key, private_key);
}

void
node_init(struct node *n, unsigned id, const struct node_config *config,
          const struct node_shared_config *shared, const struct node_host *host)
{
    *n = (struct node){
        .id = id,
        .config = *config,
        .shared = *shared,
        .host = *host,
        .pool = config->small_pool ? resources[id].small_pool : resources[id].pool,
        .entropy = prng_fork(shared->seed, 'e' + id),
        .control_at = WGT_NEVER,
    };
    /* One node in four begins at instant 0. */
    if (prng_below(&n->entropy, 4) != 0)
        n->clock_offset = prng_below(&n->entropy, 1000000 * WGT_SEC);
    memcpy(n->events, resources[id].events, sizeof(n->events));
    memcpy(n->commands, resources[id].commands, sizeof(n->commands));
    shards_init(&n->shards, config->n_workers > 1 ? config->n_workers : 1, shared->seed + id);
    crypto_crew_init(&n->crypto, config->n_crypto, shared->seed + id);
    for (unsigned i = 0; i < n->shards.n; i++)
        n->shards.of[i] = i == 0 ? &n->tunnel : &n->more[i - 1];
    derive_keys(shared->seed, id, n->private_key, n->public_key);
}

/* --- what the tunnel calls -----------------------------------------------------------------------
 */

static void
on_outer_tx(void *ctx, struct rte_mbuf *m)
{
    struct node *n = ctx;
    uint8_t packet[NODE_MESSAGE_MAX];
    uint32_t len = rte_pktmbuf_pkt_len(m);

    /* Copied at once: a segment's packet goes back to its connection as soon as it is freed. */
    if (len <= sizeof(packet))
        memcpy(packet, rte_pktmbuf_mtod(m, uint8_t *), len);
    rte_pktmbuf_free(m);
    if (++n->sent_in_turn > SENT_MAX) {
        fprintf(stderr, "live-lock: node %u sends without end\n", n->id);
        abort(); /* there is no other way out of the loop */
    }
    if (len > sizeof(packet))
        n->host.broken(n->host.ctx, n->id, "wire: an oversized packet left");
    else
        n->host.outer_tx(n->host.ctx, n->id, packet, len);
}

static bool
is_parsed(const uint8_t *packet, size_t len, const struct inner_packet *inner)
{
    struct inner_packet again;

    return inner_parse(packet, len, &again) == WGT_OK && again.len == len && inner->len == len &&
           ip_addr_equal(&again.src, &inner->src) && ip_addr_equal(&again.dst, &inner->dst);
}

static void
on_inner_tx(void *ctx, struct rte_mbuf *m, const struct inner_packet *inner)
{
    const uint8_t *packet = rte_pktmbuf_mtod(m, const uint8_t *);
    struct node *n = ctx;

    if (!is_parsed(packet, rte_pktmbuf_pkt_len(m), inner))
        n->host.broken(n->host.ctx, n->id, "an inner packet leaves with another one's addresses");
    n->host.inner_tx(n->host.ctx, n->id, rte_pktmbuf_mtod(m, uint8_t *), rte_pktmbuf_pkt_len(m));
    rte_pktmbuf_free(m);
}

static unsigned
on_worker_of(void *ctx, const struct ip_endpoint *local, const struct ip_endpoint *remote)
{
    const struct node *n = ctx;

    return shards_of_connection(n->shards.n, local, remote);
}

static void
on_hand_over(void *ctx, unsigned worker, const struct path *from, struct rte_mbuf *m)
{
    struct node *n = ctx;

    shards_hand_over(&n->shards, worker, from, m);
}

static void
on_hand_over_inner(void *ctx, unsigned worker, struct rte_mbuf *m)
{
    struct node *n = ctx;

    shards_hand_over(&n->shards, worker, NULL, m);
}

static void
on_await(void *ctx)
{
    struct node *n = ctx;

    crypto_crew_finish(&n->crypto);
}

static void
on_entropy(void *ctx, void *buf, size_t len)
{
    struct node *n = ctx;

    prng_fill(&n->entropy, buf, len);
}

static uint64_t
on_wall_seconds(void *ctx)
{
    const struct node *n = ctx;

    return WALL_EPOCH + (n->now + n->wall_offset) / WGT_SEC;
}

static void
on_peer_removed(void *ctx, struct tunnel_peer *peer)
{
    struct node *n = ctx;

    if (handshaker_find_peer(&n->handshaker, peer->public_key) == peer)
        n->host.broken(n->host.ctx, n->id, "removal: of a peer that is there");
    device_peer_removed(&n->device, peer);
    n->peer_removed = true;
}

static void
on_wait(void *ctx)
{
    struct node *n = ctx;

    n->host.broken(n->host.ctx, n->id, "change: no room for a command");
    abort(); /* it would ask for ever */
}

/* Nodes look at allowed IPs in their own turns only. */
static void
on_synchronize(void *ctx)
{
    (void)ctx;
}

static void
on_stopped(void *ctx)
{
    struct node *n = ctx;

    n->stopped = true;
}

/* --- life --------------------------------------------------------------------------------------
 */

static void
broken(struct node *n, const char *what)
{
    n->host.broken(n->host.ctx, n->id, what);
}

static bool
start_tunnels(struct node *n, wgt_time clock, struct tunnel_config *config,
              const struct outer *outer)
{
    for (unsigned i = 0; i < n->shards.n; i++) {
        struct tunnel *t = n->shards.of[i];

        config->worker = i;
        config->n_workers = n->shards.n;
        if (i > 0 && handshaker_add_worker(&n->handshaker, n->events[i], n->commands[i]) != 0)
            return false;
        if (tunnel_init(t, clock, config, outer, on_inner_tx, &n->ips, n->events[i],
                        n->commands[i]) != 0)
            return false;
        if (t->crypto != NULL) {
            t->crypto->enough = 1;
            t->crypto->await = on_await;
        }
        t->hand_over = on_hand_over;
        t->hand_over_inner = on_hand_over_inner;
    }
    return true;
}

static bool
start_engines(struct node *n, wgt_time clock)
{
    char name[16];
    struct tunnel_config config = {
        .name = name,
        .listen_port = NODE_PORT,
        .listen_udp = n->config.listen_udp,
        .listen_tcp = n->config.listen_tcp,
        .mtu = n->shared.mtu,
        .max_message = NODE_MESSAGE_MAX,
        .max_peers = 4,
        .max_flows = 32,
        .congestion = n->config.congestion,
        .in_order = n->config.in_order,
        .knock = n->config.knock,
        .n_crypto = n->config.n_crypto,
    };
    struct outer outer = {
        .ctx = n,
        .tx = on_outer_tx,
        .entropy = on_entropy,
        .wall_seconds = on_wall_seconds,
        .pool = n->pool,
        .locals = {{.addr = node_address(n->id, n->shared.family),
                    .len = n->shared.family == IP_V4 ? 24 : 64}},
        .n_locals = 1,
        .mtu = n->shared.outer_mtu,
    };

    snprintf(name, sizeof(name), "sim%u", n->id);
    if (handshaker_init(&n->handshaker, 4, n->private_key, n->events[0], n->commands[0], on_entropy,
                        n) != 0)
        return false;
    memcpy(config.mac1_key, n->handshaker.local.mac1_key, NOISE_KEY_LEN);
    noise_knock_key(config.knock_key, n->handshaker.local.public_key);
    n->handshaker.peer_removed = on_peer_removed;
    n->handshaker.stopped = on_stopped;
    device_init(&n->device, &(struct device_config){.transport = CONFIG_UDP}, &n->handshaker,
                &n->ips, NODE_PORT, 0);
    n->device.ctx = n;
    n->device.wait = on_wait;
    n->device.synchronize = on_synchronize;
    if (n->shards.n > 1)
        outer.worker_of = on_worker_of;
    return start_tunnels(n, clock, &config, &outer);
}

static void
find_peers(struct node *n)
{
    uint8_t other_private[NOISE_KEY_LEN], other_public[NOISE_KEY_LEN];

    for (unsigned other = 0; other < NODES_MAX; other++) {
        derive_keys(n->shared.seed, other, other_private, other_public);
        n->peers[other] = handshaker_find_peer(&n->handshaker, other_public);
    }
    n->peer = n->peers[n->id == 0 ? 1 : 0];
}

void
node_change(struct node *n, const struct change *c, struct device_effect *effect)
{
    if (device_apply(&n->device, c, effect) != 0)
        broken(n, "change: refused");
    find_peers(n);
}

static void
ask_for_peer(const struct node *n, struct change *c, unsigned other)
{
    struct ip_prefix v4 = {traffic_address(other, IP_V4), 32};
    struct ip_prefix v6 = {traffic_address(other, IP_V6), 128};
    struct prng r = prng_fork(n->shared.seed, n->config.wrong_psk ? 'w' : 'p');
    uint8_t other_private[NOISE_KEY_LEN], other_public[NOISE_KEY_LEN];
    struct change_peer *p;

    derive_keys(n->shared.seed, other, other_private, other_public);
    p = change_add_peer(c, other_public);
    if (p == NULL || !change_add_prefix(p, &v4, false) || !change_add_prefix(p, &v6, false))
        abort();
    p->has_endpoint = n->config.dials;
    p->endpoint = (struct ip_endpoint){node_address(other, n->shared.family), NODE_PORT};
    p->has_transport = p->has_knock = p->has_keepalive = true;
    p->transport = n->config.kind == TRANSPORT_TCP ? CONFIG_TCP : CONFIG_UDP;
    p->knock = n->config.knock;
    p->keepalive = n->config.keepalive;
    p->has_psk = n->shared.psk;
    prng_fill(&r, p->psk, sizeof(p->psk));
}

/* The nodes of a pair know each other; in a star node 0 knows all, the others only node 0. */
static void
add_peers(struct node *n)
{
    unsigned first = n->id == 0 ? 1 : 0,
             last = n->id == 0 && n->config.n_peers > 1 ? n->config.n_peers : first;
    struct change c;

    change_init(&c);
    for (unsigned other = first; other <= last; other++)
        ask_for_peer(n, &c, other);
    node_change(n, &c, NULL);
    change_free(&c);
    /* Before the worker takes them in: also a congestion control that has no name. */
    for (unsigned other = first; other <= last; other++)
        n->peers[other]->congestion = n->config.congestion;
    n->has_peer = true;
}

void
node_start(struct node *n, wgt_time now)
{
    n->now = now;
    n->peer_removed = n->stopped = false;
    n->control_at = WGT_NEVER;
    allowedips_init(&n->ips);
    if (!start_engines(n, now + n->clock_offset)) {
        fprintf(stderr, "cannot start node %u: out of memory\n", n->id);
        abort();
    }
    n->up = true;
    add_peers(n);
    node_settle(n, now);
}

void
node_crash(struct node *n)
{
    if (!n->up)
        return;
    n->up = false;
    crypto_crew_finish(&n->crypto);
    shards_fini(&n->shards);
    for (unsigned i = 0; i < n->shards.n; i++)
        tunnel_fini(n->shards.of[i]);
    handshaker_fini(&n->handshaker);
    device_fini(&n->device);
    allowedips_destroy(&n->ips);
    memset(n->peers, 0, sizeof(n->peers));
    n->peer = NULL;
    n->has_peer = false;
}

const char *
node_leak(const struct node *n)
{
    if (rte_mempool_avail_count(n->pool) != n->pool->size)
        return "leak: packet buffers are missing after the end";
    for (unsigned i = 0; i < NODE_WORKERS_MAX; i++)
        if (rte_ring_count(n->events[i]) != 0 || rte_ring_count(n->commands[i]) != 0)
            return "leak: messages are left in a ring";
    return NULL;
}

/* --- input -------------------------------------------------------------------------------------
 */

static struct rte_mbuf *
new_packet(struct node *n, const uint8_t *bytes, size_t len)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(n->pool);

    if (m == NULL) {
        if (!n->starved)
            broken(n, "leak: no packet buffer is left");
        return NULL;
    }
    memcpy(rte_pktmbuf_append(m, (uint16_t)len), bytes, len);
    return m;
}

static void
rx_icmp(struct node *n, wgt_time now, const struct ip_header *ip, const uint8_t *packet)
{
    struct icmp_error error;

    if (icmp_error_parse(packet, ip, &error) == WGT_OK)
        for (unsigned i = 0; i < n->shards.n; i++)
            tunnel_rx_icmp_error(n->shards.of[i], now + n->clock_offset, &error);
}

/* Whether a network card would call its checksum right. */
static bool
checksum_is_right(const struct ip_header *ip, struct rte_mbuf *m)
{
    uint8_t *data = rte_pktmbuf_mtod_offset(m, uint8_t *, ip->header_len);
    struct udp_header udp;

    return ip->protocol == IP_PROTO_UDP && udp_parse(ip, data, true, &udp) == WGT_OK;
}

static void
rx_own(struct node *n, struct tunnel *t, wgt_time now, const struct ip_header *ip,
       struct rte_mbuf *m)
{
    if (!checksum_is_right(ip, m) || !tunnel_rx_outer_again(t, now + n->clock_offset, m))
        tunnel_rx_outer(t, now + n->clock_offset, ip, m, true);
}

/* What a host does before it hands a packet on: it must be a good one, and for us. */
void
node_rx_outer(struct node *n, wgt_time now, const uint8_t *packet, size_t len)
{
    struct ip_addr own = node_address(n->id, n->shared.family);
    uint8_t icmp = n->shared.family == IP_V4 ? IP_PROTO_ICMP : IP_PROTO_ICMPV6;
    struct ip_header ip;
    struct rte_mbuf *m;

    if (!n->up || ip_parse(packet, len, true, &ip) != WGT_OK || !ip_addr_equal(&ip.dst, &own))
        return;
    if (ip.protocol == icmp)
        rx_icmp(n, now, &ip, packet);
    if (ip.protocol != IP_PROTO_UDP && ip.protocol != IP_PROTO_TCP)
        return;
    m = new_packet(n, packet, len);
    if (m != NULL)
        rx_own(n, n->shards.of[shards_of_packet(&n->shards, &ip, packet, len)], now, &ip, m);
}

void
node_rx_inner(struct node *n, wgt_time now, const uint8_t *packet, size_t len)
{
    struct rte_mbuf *m = n->up ? new_packet(n, packet, len) : NULL;

    if (m != NULL)
        tunnel_rx_inner(n->shards.of[shards_of_inner(&n->shards, &n->ips, packet, len)],
                        now + n->clock_offset, m);
}

/* --- the loop ----------------------------------------------------------------------------------
 */

static unsigned
run_control(struct node *n, wgt_time now)
{
    wgt_time clock = now + n->clock_offset + n->config.control_ahead;
    struct wall_clock wall = {
        .seconds = WALL_EPOCH + (now + n->wall_offset) / WGT_SEC,
        .nanoseconds = (uint32_t)((now + n->wall_offset) % WGT_SEC),
    };
    unsigned work;

    if (!handshaker_has_events(&n->handshaker)) {
        n->control_at = WGT_NEVER;
        return 0;
    }
    if (n->control_at == WGT_NEVER)
        n->control_at = now + n->config.control_delay;
    if (n->control_at > now)
        return 0;
    n->control_at = WGT_NEVER;
    work = handshaker_run(&n->handshaker, clock, &wall, CONTROL_BATCH);
    device_reap(&n->device);
    return work;
}

/* What nobody may see once the node has come to rest. */
static void
check_rest(struct node *n, const struct tcp_transport *t, wgt_time clock)
{
    for (uint32_t i = 0; i < t->config.max_flows && t->n_held > 0; i++) {
        const struct tcp_flow *f = &t->flows[i];

        if (!f->in_use || !f->authenticated || f->early.holds == NULL)
            continue;
        /* the timer wheel's tick is a quarter of a millisecond */
        if (packet_meta(f->early.holds->head)->hold.until + WGT_MSEC <= clock)
            broken(n, "hold: a packet from beyond a hole waits longer than it may");
    }
}

static bool
rests(struct node *n, wgt_time clock)
{
    for (unsigned i = 0; i < n->shards.n; i++)
        if (!rte_ring_empty(n->commands[i]))
            return false;
    if (!shards_rest(&n->shards, clock))
        return false;
    for (unsigned i = 0; i < n->shards.n; i++)
        check_rest(n, &n->shards.of[i]->tcp, clock);
    return true;
}

unsigned
node_count_flows(const struct node *n)
{
    unsigned flows = 0;

    for (unsigned i = 0; i < n->shards.n; i++)
        flows += n->shards.of[i]->tcp.n_flows;
    return flows;
}

uint64_t
node_count_drops(const struct node *n, enum wgt_drop why)
{
    uint64_t drops = n->handshaker.drops.n[why];

    for (unsigned i = 0; i < n->shards.n; i++)
        drops += n->shards.of[i]->drops.n[why];
    return drops;
}

void
node_settle(struct node *n, wgt_time now)
{
    wgt_time clock = now + n->clock_offset;

    n->now = now;
    if (!n->up)
        return;
    n->sent_in_turn = 0;
    for (unsigned turn = 0; turn < TURNS_MAX * n->shards.n; turn++) {
        unsigned work = shards_run(&n->shards, clock);

        n->turns++;
        crypto_crew_run(&n->crypto, n->shards.of, n->shards.n);
        work += run_control(n, now);
        if (work == 0 && rests(n, clock))
            return;
    }
    broken(n, "live-lock: the node does not come to rest");
}

wgt_time
node_deadline(const struct node *n)
{
    wgt_time due;

    if (!n->up)
        return WGT_NEVER;
    due = shards_deadline(&n->shards);
    if (due != WGT_NEVER)
        due = due > n->clock_offset ? due - n->clock_offset : 0;
    return wgt_time_min(due, n->control_at);
}

void
node_stop(struct node *n)
{
    if (n->up && handshaker_stop_tunnel(&n->handshaker) != 0)
        broken(n, "stop: refused");
}

void
node_remove_peer(struct node *n)
{
    struct change c;

    if (!n->has_peer)
        return;
    n->has_peer = false;
    change_init(&c);
    if (change_add_peer(&c, n->peer->public_key) == NULL)
        abort();
    c.peers->remove = true;
    node_change(n, &c, NULL);
    change_free(&c);
}

bool
node_key_birth(const struct node *n, uint32_t remote_index, wgt_time *birth)
{
    const struct noise_session *s;
    const struct noise_keypair *keys[3];

    if (!n->up || n->peer == NULL)
        return false;
    s = &n->peer->session;
    keys[0] = s->current;
    keys[1] = s->previous;
    keys[2] = s->next;
    for (unsigned i = 0; i < 3; i++) {
        if (keys[i] != NULL && keys[i]->remote_index == remote_index) {
            *birth = keys[i]->birth - n->clock_offset;
            return true;
        }
    }
    return false;
}
