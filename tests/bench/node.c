/* SPDX-License-Identifier: BSD-3-Clause */
#include "node.h"

#include <stdlib.h>

#include <rte_eth_ring.h>
#include <rte_ring_elem.h>

#include <wgtcpd/wire/arp.h>

#include "count.h"
#include "keys.h"

enum { RING_SIZE = 8192, SETTLE_TURNS = 4 };

static const struct eth_addr node_eth[NODE_SIDES] = {{{2, 0, 0, 0, 0, 1}}, {{2, 0, 0, 0, 0, 2}}};
static const struct eth_addr other_eth[NODE_SIDES] = {{{2, 0, 0, 0, 1, 1}}, {{2, 0, 0, 0, 1, 2}}};

static struct ip_addr
v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    return ip_addr_v4((const uint8_t[]){a, b, c, d});
}

struct ip_addr
node_address(enum node_side side)
{
    return side == NODE_OUTER ? v4(192, 0, 2, 1) : v4(172, 16, 0, 1);
}

struct ip_addr
other_address(enum node_side side)
{
    return side == NODE_OUTER ? v4(192, 0, 2, 2) : host_address();
}

struct ip_prefix
node_inner_network(void)
{
    return (struct ip_prefix){v4(10, 255, 255, 254), 8};
}

struct ip_endpoint
node_endpoint_of(uint32_t peer)
{
    uint8_t a[4];

    put_be32(a, UINT32_C(0x64400000) + peer); /* 100.64.0.0/10 */
    return (struct ip_endpoint){ip_addr_v4(a), NODE_LISTEN_PORT};
}

/* --- ports --------------------------------------------------------------------------------------
 */

static struct rte_ring *
new_ring(const char *name, unsigned element, unsigned size)
{
    struct rte_ring *r =
        rte_ring_create_elem(name, element, size, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);

    if (r == NULL)
        bench_die("no memory for the ring %s", name);
    return r;
}

static void
open_port(struct node_ports *p, enum node_side side, const char *name)
{
    struct port_config config = {.device = name};
    char error[256], in[RTE_RING_NAMESIZE], out[RTE_RING_NAMESIZE];

    snprintf(in, sizeof(in), "%s.in", name);
    snprintf(out, sizeof(out), "%s.out", name);
    p->in[side] = new_ring(in, sizeof(void *), RING_SIZE);
    p->out[side] = new_ring(out, sizeof(void *), RING_SIZE);
    /* The driver puts "net_ring_" before what it is given. */
    if (rte_eth_from_rings(name + strlen("net_ring_"), &p->in[side], 1, &p->out[side], 1, 0) < 0)
        bench_die("no port on a ring: is DPDK's net_ring there?");
    if (port_start(&p->port[side], &config, p->pool, error, sizeof(error)) != 0)
        bench_die("%s", error);
    p->port[side].eth = node_eth[side];
    p->port[side].mtu = side == NODE_OUTER ? NODE_OUTER_MTU : NODE_INNER_MTU;
}

void
node_ports_open(struct node_ports *p, struct rte_mempool *pool)
{
    *p = (struct node_ports){.pool = pool};
    open_port(p, NODE_OUTER, "net_ring_outer");
    open_port(p, NODE_INNER, "net_ring_inner");
}

/* --- frames -------------------------------------------------------------------------------------
 */

static uint8_t *
new_frame(struct bench_node *n, enum node_side side, uint16_t type, size_t len, struct rte_mbuf **m)
{
    struct eth_header h = {.dst = node_eth[side], .src = other_eth[side], .type = type};
    uint8_t *p;

    *m = rte_pktmbuf_alloc(n->ports->pool);
    if (*m == NULL)
        bench_die("no packet buffer left");
    p = (uint8_t *)rte_pktmbuf_append(*m, (uint16_t)(ETH_HEADER_LEN + len));
    if (p == NULL)
        bench_die("a packet of %zu bytes does not fit a buffer", len);
    eth_write(p, &h);
    if (n->config.offload)
        (*m)->ol_flags = RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD;
    return p + ETH_HEADER_LEN;
}

uint8_t *
node_frame(struct bench_node *n, enum node_side side, size_t len, struct rte_mbuf **m)
{
    return new_frame(n, side, ETH_IPV4, len, m);
}

void
node_give(struct bench_node *n, enum node_side side, struct rte_mbuf *const *frames, unsigned count)
{
    if (rte_ring_enqueue_bulk(n->ports->in[side], (void *const *)frames, count, NULL) != count)
        bench_die("the port's ring is full");
}

struct rte_mbuf *
node_take(struct bench_node *n, enum node_side side)
{
    struct eth_header h;
    void *frame;
    struct rte_mbuf *m;

    while (rte_ring_dequeue(n->ports->out[side], &frame) == 0) {
        m = frame;
        eth_parse(rte_pktmbuf_mtod(m, const uint8_t *), rte_pktmbuf_data_len(m), &h);
        if (h.type == ETH_IPV4) {
            rte_pktmbuf_adj(m, ETH_HEADER_LEN);
            return m;
        }
        rte_pktmbuf_free(m); /* ARP */
    }
    return NULL;
}

static void
discard_output(struct bench_node *n)
{
    for (int side = 0; side < NODE_SIDES; side++)
        for (struct rte_mbuf *m; (m = node_take(n, side)) != NULL;)
            rte_pktmbuf_free(m);
}

/* Whoever asks for us is learnt. */
static void
introduce_neighbour(struct bench_node *n, enum node_side side)
{
    struct arp_packet arp = {.operation = ARP_REQUEST,
                             .sender_eth = other_eth[side],
                             .sender = other_address(side),
                             .target = node_address(side)};
    struct rte_mbuf *m;

    arp_write(new_frame(n, side, ETH_ARP, ARP_LEN, &m), &arp);
    node_give(n, side, &m, 1);
    node_turn(n);
}

/* --- turns --------------------------------------------------------------------------------------
 */

static uint64_t
frames_moved(const struct bench_node *n)
{
    uint64_t sum = 0;

    for (int side = 0; side < NODE_SIDES; side++)
        sum += n->links[side].rx + n->links[side].tx;
    return sum;
}

/* Messages that are being sealed or opened. */
static bool
is_at_work(const struct bench_node *n)
{
    const struct tunnel_crypto *c = n->worker.tunnel.crypto;

    return c != NULL && !(crypto_queue_is_empty(&c->queues[CRYPTO_SEAL]) &&
                          crypto_queue_is_empty(&c->queues[CRYPTO_OPEN]));
}

uint64_t
node_turn(struct bench_node *n)
{
    bool at_work = is_at_work(n);
    uint64_t before = frames_moved(n), begin, took;

    count_turn_begin();
    begin = bench_clock();
    worker_turn(&n->worker);
    took = bench_clocks_since(begin);
    count_turn_end();
    n->turns++;
    if (frames_moved(n) == before && !at_work && !is_at_work(n))
        return 0;
    n->busy_turns++;
    n->now += bench_clocks_to_time(took);
    return took;
}

void
node_wait(struct bench_node *n, wgt_time other)
{
    wgt_time due = wgt_time_min(tunnel_deadline(&n->worker.tunnel), other);

    if (due == WGT_NEVER)
        bench_die("packets are missing, and nobody waits for anything");
    n->now = due > n->now ? due : n->now + WGT_USEC;
}

void
node_check_drops(const struct wgt_drop_counters *drops, const char *whose)
{
    for (unsigned i = 0; i < WGT_DROP_COUNT; i++)
        if (drops->n[i] != 0 && i != WGT_DROP_TCP_DUPLICATE)
            bench_die("%s dropped %lu packets: %s", whose, (unsigned long)drops->n[i],
                      wgt_drop_text(i));
}

void
node_check(struct bench_node *n)
{
    struct tunnel_event e;

    node_check_drops(&n->worker.tunnel.drops, "the node");
    while (rte_ring_dequeue_elem(n->events, &e, sizeof(e)) == 0)
        if (e.type == TUNNEL_EVENT_INITIATE)
            bench_die("a session has ended");
}

/* --- peers --------------------------------------------------------------------------------------
 */

static void
command(struct bench_node *n, const struct tunnel_command *c)
{
    struct tunnel_event e;

    while (rte_ring_enqueue_elem(n->commands, (void *)(uintptr_t)c, sizeof(*c)) != 0) {
        node_turn(n);
        discard_output(n); /* keepalives, by which new keys are confirmed */
        while (rte_ring_dequeue_elem(n->events, &e, sizeof(e)) == 0)
            ;
    }
}

static void
add_peer(struct bench_node *n, uint32_t i)
{
    struct ip_prefix allowed = {.addr = peer_address(i), .len = 32};
    struct tunnel_command c = {.type = TUNNEL_COMMAND_ADD_PEER, .peer = &n->peers[i]};

    put_le32(n->peers[i].public_key, i + 1);
    if (allowedips_insert(&n->allowed_ips, &allowed, &n->peers[i]) != 0)
        bench_die("no memory for allowed IPs");
    command(n, &c);
}

/* As if an initiation of ours had been answered. A connection names its path itself, later. */
static void
add_session(struct bench_node *n, uint32_t i)
{
    struct tunnel_command c = {.type = TUNNEL_COMMAND_SESSION, .peer = &n->peers[i]};

    c.keypair = keys_of_node(i, n->now);
    if (n->config.kind == TRANSPORT_UDP)
        c.path = (struct path){
            .kind = TRANSPORT_UDP,
            .local = {node_address(NODE_OUTER), NODE_LISTEN_PORT},
            .remote = node_endpoint_of(i),
        };
    command(n, &c);
}

static void
add_peers(struct bench_node *n)
{
    size_t size = (size_t)n->config.n_peers * sizeof(*n->peers);

    n->peers = aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN_CEIL(size, RTE_CACHE_LINE_SIZE));
    if (n->peers == NULL)
        bench_die("no memory for %u peers", n->config.n_peers);
    memset(n->peers, 0, size);
    for (uint32_t i = 0; i < n->config.n_peers; i++) {
        add_peer(n, i);
        add_session(n, i);
    }
}

static void
settle(struct bench_node *n)
{
    while (rte_ring_count(n->commands) > 0)
        node_turn(n);
    for (unsigned i = 0; i < SETTLE_TURNS; i++)
        node_turn(n);
    discard_output(n);
    node_check(n);
}

/* --- up and down --------------------------------------------------------------------------------
 */

static void
start_link(struct bench_node *n, enum node_side side)
{
    struct eth_link *l = &n->links[side];
    struct ip_prefix local = {.addr = node_address(side), .len = 24};
    struct ip_addr router = other_address(NODE_OUTER);

    l->port = n->ports->port[side];
    l->port.rx_checksums = n->config.offload;
    l->port.tx_udp_checksum = l->port.tx_tcp_checksum = n->config.offload;
    l->tx_drop = side == NODE_OUTER ? WGT_DROP_OUTER_TX : WGT_DROP_INNER_TX;
    addresses_init(&l->addresses);
    addresses_add_local(&l->addresses, &local);
    if (side == NODE_OUTER)
        addresses_add_gateway(&l->addresses, &router);
    n->worker.links[n->worker.n_links++] = l;
}

/* Time stands still within a turn, and is looked at once all the same, as the daemon does. */
static wgt_time
node_clock(const struct worker *w)
{
    (void)worker_clock();
    return WGT_CONTAINER_OF((struct worker *)w, struct bench_node, worker)->now;
}

static void *
crypto_main(void *crypto_worker)
{
    crypto_worker_main(crypto_worker);
    return NULL;
}

static void
start_crypto(struct bench_node *n)
{
    cpu_set_t set;

    if (n->crypto.n == 0)
        return;
    CPU_ZERO(&set);
    CPU_SET(n->config.crypto_cpu, &set);
    if (pthread_create(&n->crypto_thread, NULL, crypto_main, &n->crypto.workers[0]) != 0)
        bench_die("no thread");
    pthread_setaffinity_np(n->crypto_thread, sizeof(set), &set);
}

static void
stop_crypto(struct bench_node *n)
{
    crypto_crew_quit(&n->crypto);
    if (n->crypto.n > 0)
        pthread_join(n->crypto_thread, NULL);
}

static void
start_worker(struct bench_node *n)
{
    static unsigned nodes;
    static char name[16]; /* the tunnel keeps it */
    struct tunnel_config t = {
        .name = name,
        .listen_port = NODE_LISTEN_PORT,
        .listen_udp = true,
        .listen_tcp = true,
        .mtu = NODE_INNER_MTU,
        .max_message = 2048,
        .max_peers = n->config.n_peers,
        .max_flows = n->config.kind == TRANSPORT_TCP ? n->config.n_peers + 64 : 64,
        .congestion = n->config.congestion,
        .n_crypto = n->config.crypto_worker,
        .mac1_key = {1},
    };
    struct worker *w = &n->worker;

    snprintf(name, sizeof(name), "bench%u", nodes++);
    n->gateway.link = &n->links[NODE_INNER];
    n->gateway.locals[0] = node_inner_network();
    n->gateway.n_locals = 1;
    w->n_outer = 1;
    w->gateway = &n->gateway;
    w->pool = n->ports->pool;
    w->event_fd = -1;
    w->clock = node_clock;
    n->now = worker_clock();
    if (crypto_crew_init(&n->crypto, n->config.crypto_worker, false) != 0)
        bench_die("no crypto worker");
    w->crypto = &n->crypto;
    if (worker_init(w, &t, &n->allowed_ips, n->events, n->commands) != 0)
        bench_die("the worker does not start: not enough memory?");
}

void
node_start(struct bench_node *n, struct node_ports *p, const struct node_config *c)
{
    *n = (struct bench_node){.config = *c, .ports = p};
    n->events = new_ring("bench.events", sizeof(struct tunnel_event), TUNNEL_RING_SIZE);
    n->commands = new_ring("bench.commands", sizeof(struct tunnel_command), TUNNEL_RING_SIZE);
    allowedips_init(&n->allowed_ips);
    start_link(n, NODE_OUTER);
    start_link(n, NODE_INNER);
    start_worker(n);
    start_crypto(n);
    introduce_neighbour(n, NODE_OUTER);
    introduce_neighbour(n, NODE_INNER);
    add_peers(n);
    settle(n);
}

void
node_stop(struct bench_node *n)
{
    node_check(n);
    stop_crypto(n);
    worker_fini(&n->worker);
    crypto_crew_fini(&n->crypto);
    discard_output(n);
    allowedips_destroy(&n->allowed_ips);
    rte_ring_free(n->events);
    rte_ring_free(n->commands);
    free(n->peers);
}
