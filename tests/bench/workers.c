/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench workers: what two workers do in the time of one. Each turns on a CPU of its own, between
 * ports in memory, over UDP; beside it the AEAD alone on one and on two CPUs, which is what this
 * machine has to give. Rounds of all take turns. What comes out is looked at packet by packet.
 *
 *   spread    each packet comes on the queue of the worker that has its peer, as network cards and
 *             the kernel's TUN bring most
 *   crossed   each comes on the other one's, and is handed over
 *   one queue the ports have a single queue: the first worker receives and sends for both
 *   crypto    all packets are of one peer: a single worker, and a crypto worker on the other CPU
 */
#include <pthread.h>
#include <stdlib.h>

#include <rte_eth_ring.h>
#include <rte_lcore.h>
#include <rte_ring_elem.h>

#include <wgtcpd/wire/arp.h>
#include <wgtcpd/wire/udp.h>

#include "keys.h"
#include "node.h"

enum {
    WORKERS = 2,
    ROUND = 1024,
    PEERS = 64,
    RING_SIZE = 4096,
    ROUNDS_QUICK = 2,
    TURNS_MAX = 100000000
};

enum arrangement { ALONE, SPREAD, CROSSED, ONE_QUEUE, CRYPTO, ARRANGEMENTS };
static const char *const arrangement_names[] = {"alone", "spread", "crossed", "one queue",
                                                "crypto"};

static const struct eth_addr own_eth[NODE_SIDES] = {{{2, 0, 0, 0, 0, 1}}, {{2, 0, 0, 0, 0, 2}}};
static const struct eth_addr far_eth[NODE_SIDES] = {{{2, 0, 0, 0, 1, 1}}, {{2, 0, 0, 0, 1, 2}}};

/* A port of several queues, or of one. */
struct crew_port {
    struct port port;
    struct rte_ring *in[WORKERS], *out[WORKERS];
};

struct member {
    struct eth_link links[NODE_SIDES];
    struct gateway gateway;
    struct rte_ring *events, *commands;
    uint64_t sent __rte_cache_aligned; /* packets of this round, told to the others */
};

/* A node of one or two workers. */
struct crew {
    enum arrangement arrangement;
    unsigned n;
    struct worker workers[WORKERS];
    struct crypto_crew crypto;
    struct member members[WORKERS];
    struct crew_port *ports[NODE_SIDES];
    struct steer steer;
    struct allowedips allowed_ips;
    struct tunnel_peer peers[PEERS];
    uint64_t counters[PEERS]; /* of messages to the node */
    wgt_time now;
};

/* What the second CPU is to do. */
enum job { JOB_NONE, JOB_PATH, JOB_CRYPTO, JOB_AEAD, JOB_END };

static struct {
    struct rte_mempool *pool;
    struct crew crews[ARRANGEMENTS];
    struct crew_port ports[2][NODE_SIDES]; /* with one queue, with two */
    struct crew *crew;                     /* of the present round */
    enum way way;
    size_t len;
    uint32_t peers; /* that it is about */
    struct ledger ledger;
    uint64_t chance;
    struct rte_mbuf *aead[WORKERS][ROUND];
    enum job job;     /* changed by the first CPU */
    unsigned ordered; /* jobs, by it; */
    unsigned done;    /* by the second */
    int cpu;          /* the second one */
} b;

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
open_port(struct crew_port *p, unsigned queues, enum node_side side)
{
    char name[32], full[48], ring[48], error[256];
    struct port_config config = {.device = full, .queues = (uint16_t)queues};

    snprintf(name, sizeof(name), "workers%u%u", queues, (unsigned)side);
    snprintf(full, sizeof(full), "net_ring_%s", name);
    for (unsigned i = 0; i < queues; i++) {
        snprintf(ring, sizeof(ring), "%s.in%u", name, i);
        p->in[i] = new_ring(ring, sizeof(void *), RING_SIZE);
        snprintf(ring, sizeof(ring), "%s.out%u", name, i);
        p->out[i] = new_ring(ring, sizeof(void *), RING_SIZE);
    }
    if (rte_eth_from_rings(name, p->in, queues, p->out, queues, 0) < 0)
        bench_die("no port on a ring: is DPDK's net_ring there?");
    if (port_start(&p->port, &config, b.pool, error, sizeof(error)) != 0)
        bench_die("%s", error);
    p->port.eth = own_eth[side];
    p->port.mtu = side == NODE_OUTER ? NODE_OUTER_MTU : NODE_INNER_MTU;
    p->port.rx_checksums = p->port.tx_udp_checksum = p->port.tx_tcp_checksum = true;
}

static uint8_t *
new_frame(enum node_side side, uint16_t type, size_t len, struct rte_mbuf **m)
{
    struct eth_header h = {.dst = own_eth[side], .src = far_eth[side], .type = type};
    uint8_t *p;

    *m = rte_pktmbuf_alloc(b.pool);
    if (*m == NULL)
        bench_die("no packet buffer left");
    p = (uint8_t *)rte_pktmbuf_append(*m, (uint16_t)(ETH_HEADER_LEN + len));
    if (p == NULL)
        bench_die("a packet of %zu bytes does not fit a buffer", len);
    eth_write(p, &h);
    (*m)->ol_flags = RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD;
    return p + ETH_HEADER_LEN;
}

static void
give(const struct crew *c, enum node_side side, unsigned queue, struct rte_mbuf *m)
{
    if (rte_ring_enqueue(c->ports[side]->in[queue], m) != 0)
        bench_die("the port's ring is full");
}

/* What came out, without its Ethernet header; NULL: nothing. */
static struct rte_mbuf *
take(const struct crew *c, enum node_side side)
{
    for (unsigned queue = 0; queue < c->ports[side]->port.queues; queue++) {
        void *m;

        while (rte_ring_dequeue(c->ports[side]->out[queue], &m) == 0) {
            struct eth_header h;

            eth_parse(rte_pktmbuf_mtod((struct rte_mbuf *)m, const uint8_t *),
                      rte_pktmbuf_data_len((struct rte_mbuf *)m), &h);
            if (h.type == ETH_IPV4) {
                rte_pktmbuf_adj(m, ETH_HEADER_LEN);
                return m;
            }
            rte_pktmbuf_free(m); /* ARP */
        }
    }
    return NULL;
}

/* --- a crew --------------------------------------------------------------------------------------
 */

static unsigned
owner_of(const struct crew *c, uint32_t peer)
{
    return peer % c->n;
}

/* Where a packet of that peer comes in. */
static unsigned
queue_of(const struct crew *c, uint32_t peer)
{
    unsigned owner = owner_of(c, peer);

    return c->arrangement == CROSSED ? (owner + 1) % c->n : c->arrangement == SPREAD ? owner : 0;
}

static uint32_t
index_of(const struct crew *c, uint32_t peer)
{
    return owner_of(c, peer) << MESSAGE_INDEX_WORKER_SHIFT | peer;
}

/* Time stands still: no timer sends anything of its own accord. */
static wgt_time
crew_clock(const struct worker *w)
{
    (void)worker_clock();
    return WGT_CONTAINER_OF((struct worker *)w - w->id, struct crew, workers[0])->now;
}

static void
start_link(struct crew *c, unsigned worker, enum node_side side)
{
    struct eth_link *l = &c->members[worker].links[side];
    struct ip_prefix local = {.addr = node_address(side), .len = 24};
    struct ip_addr router = other_address(NODE_OUTER);
    struct worker *w = &c->workers[worker];

    l->port = c->ports[side]->port;
    l->tx_drop = side == NODE_OUTER ? WGT_DROP_OUTER_TX : WGT_DROP_INNER_TX;
    addresses_init(&l->addresses);
    addresses_add_local(&l->addresses, &local);
    if (side == NODE_OUTER)
        addresses_add_gateway(&l->addresses, &router);
    w->links[w->n_links++] = l;
}

static void
start_member(struct crew *c, unsigned i)
{
    struct member *m = &c->members[i];
    struct worker *w = &c->workers[i];
    char ring[32];
    struct tunnel_config t = {
        .name = arrangement_names[c->arrangement],
        .listen_port = NODE_LISTEN_PORT,
        .listen_udp = true,
        .mtu = NODE_INNER_MTU,
        .max_message = 2048,
        .max_peers = PEERS,
        .max_flows = 64,
        .worker = i,
        .n_workers = c->n,
        .n_crypto = c->crypto.n,
        .mac1_key = {1},
    };

    snprintf(ring, sizeof(ring), "crew.e%u%u", (unsigned)c->arrangement, i);
    m->events = new_ring(ring, sizeof(struct tunnel_event), TUNNEL_RING_SIZE);
    snprintf(ring, sizeof(ring), "crew.c%u%u", (unsigned)c->arrangement, i);
    m->commands = new_ring(ring, sizeof(struct tunnel_command), TUNNEL_RING_SIZE);
    start_link(c, i, NODE_OUTER);
    start_link(c, i, NODE_INNER);
    m->gateway.link = &m->links[NODE_INNER];
    m->gateway.locals[0] = node_inner_network();
    m->gateway.n_locals = 1;
    w->n_outer = 1;
    w->gateway = &m->gateway;
    w->pool = b.pool;
    w->event_fd = -1;
    w->clock = crew_clock;
    w->id = i;
    w->n_workers = c->n;
    w->workers = c->workers;
    w->steer = c->n > 1 ? &c->steer : NULL;
    w->crypto = &c->crypto;
    if (worker_init(w, &t, &c->allowed_ips, m->events, m->commands) != 0)
        bench_die("a worker does not start: not enough memory?");
}

static void
command(struct crew *c, uint32_t peer, const struct tunnel_command *what)
{
    if (rte_ring_enqueue_elem(c->members[owner_of(c, peer)].commands, (void *)(uintptr_t)what,
                              sizeof(*what)) != 0)
        bench_die("the ring of commands is full");
}

/* As if an initiation of ours had been answered. */
static void
add_peer(struct crew *c, uint32_t i)
{
    struct ip_prefix allowed = {.addr = peer_address(i), .len = 32};
    struct tunnel_command add = {.type = TUNNEL_COMMAND_ADD_PEER, .peer = &c->peers[i]};
    struct tunnel_command session = {.type = TUNNEL_COMMAND_SESSION, .peer = &c->peers[i]};

    put_le32(c->peers[i].public_key, i + 1);
    c->peers[i].worker = (uint8_t)owner_of(c, i);
    if (allowedips_insert(&c->allowed_ips, &allowed, &c->peers[i]) != 0)
        bench_die("no memory for allowed IPs");
    session.keypair = keys_of_node(i, c->now);
    session.keypair->local_index = index_of(c, i);
    session.path = (struct path){
        .kind = TRANSPORT_UDP,
        .local = {node_address(NODE_OUTER), NODE_LISTEN_PORT},
        .remote = node_endpoint_of(i),
    };
    command(c, i, &add);
    command(c, i, &session);
}

/* The worker would tell of them every turn. */
static void
forget_events(struct crew *c)
{
    struct tunnel_event e;

    for (unsigned i = 0; i < c->n; i++)
        while (rte_ring_dequeue_elem(c->members[i].events, &e, sizeof(e)) == 0)
            ;
}

/* By one CPU. */
static void
settle(struct crew *c)
{
    for (unsigned turn = 0; turn < 64; turn++)
        for (unsigned i = 0; i < c->n; i++)
            worker_turn(&c->workers[i]);
    for (int side = 0; side < NODE_SIDES; side++)
        for (struct rte_mbuf *m; (m = take(c, side)) != NULL;)
            rte_pktmbuf_free(m);
    forget_events(c);
}

static void
introduce_neighbour(struct crew *c, enum node_side side)
{
    struct arp_packet arp = {.operation = ARP_REQUEST,
                             .sender_eth = far_eth[side],
                             .sender = other_address(side),
                             .target = node_address(side)};
    struct rte_mbuf *m;

    arp_write(new_frame(side, ETH_ARP, ARP_LEN, &m), &arp);
    give(c, side, 0, m);
}

static void
start_crew(enum arrangement a)
{
    struct crew *c = &b.crews[a];
    uint8_t key[STEER_KEY_LEN];

    c->arrangement = a;
    c->n = a == ALONE || a == CRYPTO ? 1 : WORKERS;
    if (a == CRYPTO && crypto_crew_init(&c->crypto, 1, false) != 0)
        bench_die("no crypto worker");
    c->now = worker_clock();
    worker_entropy(NULL, key, sizeof(key));
    steer_init(&c->steer, c->n, key);
    allowedips_init(&c->allowed_ips);
    for (int side = 0; side < NODE_SIDES; side++)
        c->ports[side] = &b.ports[a == SPREAD || a == CROSSED][side];
    for (unsigned i = 0; i < c->n; i++)
        start_member(c, i);
    introduce_neighbour(c, NODE_OUTER);
    introduce_neighbour(c, NODE_INNER);
    settle(c);
    for (uint32_t i = 0; i < PEERS; i++)
        add_peer(c, i);
    settle(c);
}

static void
stop_crew(struct crew *c)
{
    for (unsigned i = 0; i < c->n; i++)
        node_check_drops(&c->workers[i].tunnel.drops, arrangement_names[c->arrangement]);
    for (unsigned i = c->n; i-- > 0;) {
        worker_fini(&c->workers[i]);
        rte_ring_free(c->members[i].events);
        rte_ring_free(c->members[i].commands);
    }
    crypto_crew_fini(&c->crypto);
    allowedips_destroy(&c->allowed_ips);
}

/* --- a round -------------------------------------------------------------------------------------
 */

static enum node_side
way_out(void)
{
    return b.way == WAY_SEND ? NODE_OUTER : NODE_INNER;
}

/* An outer datagram of the peer with packet i of the ledger. */
static void
give_datagram(struct crew *c, unsigned i)
{
    uint32_t peer = b.ledger.peer[i];
    size_t padded = message_padded_len(b.len, NODE_INNER_MTU);
    size_t message_len = padded + MESSAGE_DATA_OVERHEAD;
    struct ip_header ip = {
        .src = node_endpoint_of(peer).addr,
        .dst = node_address(NODE_OUTER),
        .protocol = IP_PROTO_UDP,
        .ttl = 64,
        .payload_len = (uint32_t)(UDP_HEADER_LEN + message_len),
    };
    struct rte_mbuf *m;
    uint8_t *packet =
        new_frame(NODE_OUTER, ETH_IPV4, IPV4_HEADER_LEN + UDP_HEADER_LEN + message_len, &m);
    uint8_t *udp = packet + IPV4_HEADER_LEN, *message = udp + UDP_HEADER_LEN;

    memset(message, 0, message_len);
    ledger_write(&b.ledger, i, message + MESSAGE_DATA_HEADER_LEN);
    keys_seal(peer, c->counters[peer]++, message, padded);
    put_le32(message + 4, index_of(c, peer)); /* nothing vouches for it */
    udp_write(udp, &ip.src, &ip.dst, NODE_LISTEN_PORT, NODE_LISTEN_PORT, message_len, false);
    ip_write(packet, &ip);
    give(c, NODE_OUTER, queue_of(c, peer), m);
}

static void
prepare(struct crew *c)
{
    forget_events(c);
    ledger_begin(&b.ledger, b.way, ROUND, b.len, b.peers, &b.chance);
    for (unsigned i = 0; i < ROUND; i++) {
        struct rte_mbuf *m;

        if (b.way == WAY_RECEIVE) {
            give_datagram(c, i);
            continue;
        }
        ledger_write(&b.ledger, i, new_frame(NODE_INNER, ETH_IPV4, b.len, &m));
        give(c, NODE_INNER, queue_of(c, b.ledger.peer[i]), m);
    }
}

static void
check(struct crew *c)
{
    struct rte_mbuf *m;

    while ((m = take(c, way_out())) != NULL) {
        uint8_t *packet = rte_pktmbuf_mtod(m, uint8_t *);
        size_t len = rte_pktmbuf_data_len(m);

        if (b.way == WAY_SEND) {
            uint8_t *message = packet + IPV4_HEADER_LEN + UDP_HEADER_LEN;
            size_t message_len = len - IPV4_HEADER_LEN - UDP_HEADER_LEN;
            uint32_t peer = keys_open(message, message_len);

            ledger_take(&b.ledger, message + MESSAGE_DATA_HEADER_LEN,
                        message_len - MESSAGE_DATA_OVERHEAD, peer);
        } else {
            ledger_take(&b.ledger, packet, len, UINT32_MAX);
        }
        rte_pktmbuf_free(m);
    }
    if (!ledger_complete(&b.ledger))
        bench_die("%u of %u packets arrived", b.ledger.arrived, b.ledger.n);
    if (b.peers == 1 && !b.ledger.in_order)
        bench_die("packets have changed places");
}

/* --- two CPUs ------------------------------------------------------------------------------------
 */

static uint64_t
sent_by_all(const struct crew *c)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < c->n; i++)
        sum += __atomic_load_n(&c->members[i].sent, __ATOMIC_ACQUIRE);
    return sum;
}

/* Until all packets of the round are out. */
static void
turn_worker(struct crew *c, unsigned i)
{
    const struct eth_link *out = &c->members[i].links[way_out()];
    const struct worker *w = &c->workers[i];
    uint64_t before = out->tx, begun = w->stats.turns;

    while (sent_by_all(c) < ROUND) {
        worker_turn(&c->workers[i]);
        if (w->stats.turns - begun > TURNS_MAX) {
            for (unsigned k = 0; k < c->n; k++)
                node_check_drops(&c->workers[k].tunnel.drops, arrangement_names[c->arrangement]);
            bench_die("%u of %u packets came out", (unsigned)sent_by_all(c), ROUND);
        }
        __atomic_store_n(&c->members[i].sent, out->tx - before, __ATOMIC_RELEASE);
    }
}

/* Half of a round's AEAD, or all of it. */
static void
seal_packets(unsigned worker, unsigned n)
{
    const struct aead_backend *aead = aead_selected();
    size_t padded = message_padded_len(b.len, NODE_INNER_MTU);

    for (unsigned i = 0; i < n; i++) {
        struct tunnel_peer *p = &b.crews[ALONE].peers[b.ledger.peer[i]];

        (void)aead->seal(&p->session.current->send, i,
                         rte_pktmbuf_mtod(b.aead[worker][i], uint8_t *), padded);
    }
}

static void *
second_cpu(void *arg)
{
    cpu_set_t set;
    unsigned seen = 0;

    (void)arg;
    CPU_ZERO(&set);
    CPU_SET(b.cpu, &set);
    pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
    rte_thread_register(); /* with a cache of packets of its own */
    for (;;) {
        while (__atomic_load_n(&b.ordered, __ATOMIC_ACQUIRE) == seen)
            rte_pause();
        seen++;
        if (b.job == JOB_PATH)
            turn_worker(b.crew, 1);
        else if (b.job == JOB_CRYPTO)
            while (sent_by_all(b.crew) < ROUND)
                crypto_worker_turn(&b.crew->crypto.workers[0]);
        else if (b.job == JOB_AEAD)
            seal_packets(1, ROUND / WORKERS);
        __atomic_store_n(&b.done, seen, __ATOMIC_RELEASE);
        if (b.job == JOB_END)
            break;
    }
    rte_thread_unregister();
    return NULL;
}

static void
order(enum job job)
{
    b.job = job;
    __atomic_store_n(&b.ordered, b.ordered + 1, __ATOMIC_RELEASE);
}

static void
await_second(void)
{
    while (__atomic_load_n(&b.done, __ATOMIC_ACQUIRE) != b.ordered)
        rte_pause();
}

/* Clocks from the first packet's being there to the last one's being out. */
static double
run_path(enum arrangement a, uint32_t peers)
{
    struct crew *c = &b.crews[a];
    uint64_t begin, clocks;

    b.crew = c;
    b.peers = peers;
    prepare(c);
    for (unsigned i = 0; i < c->n; i++)
        c->members[i].sent = 0;
    begin = bench_clock();
    if (c->n > 1)
        order(JOB_PATH);
    else if (c->crypto.n > 0)
        order(JOB_CRYPTO);
    turn_worker(c, 0);
    clocks = bench_clocks_since(begin);
    await_second();
    check(c);
    return (double)clocks / ROUND;
}

static double
run_aead(unsigned cpus)
{
    uint64_t begin = bench_clock();

    if (cpus > 1)
        order(JOB_AEAD);
    seal_packets(0, ROUND / cpus);
    await_second();
    return (double)bench_clocks_since(begin) / ROUND;
}

/* --- the bench -----------------------------------------------------------------------------------
 */

static void
tell(const char *what, double one, double two)
{
    printf("%-8s %5zu  %-10s %8.0f %8.0f %6.2f\n", b.way == WAY_SEND ? "send" : "receive", b.len,
           what, one, two, one / two);
    bench_report(json_pack("{s:s s:I s:s s:f s:f s:f}", "way",
                           b.way == WAY_SEND ? "send" : "receive", "bytes", (json_int_t)b.len,
                           "arrangement", what, "one", one, "two", two, "ratio", one / two));
}

static void
run_cell(unsigned n)
{
    struct bench_rounds path[ARRANGEMENTS], one_peer, aead[WORKERS];

    for (unsigned a = 0; a < ARRANGEMENTS; a++)
        bench_rounds_init(&path[a], n);
    bench_rounds_init(&one_peer, n);
    for (unsigned i = 0; i < WORKERS; i++)
        bench_rounds_init(&aead[i], n);
    for (unsigned round = 0; round < n; round++) {
        for (enum arrangement a = ALONE; a < ARRANGEMENTS; a++)
            bench_rounds_add(&path[a], run_path(a, a == CRYPTO ? 1 : PEERS));
        bench_rounds_add(&one_peer, run_path(ALONE, 1));
        for (unsigned i = 0; i < WORKERS; i++)
            bench_rounds_add(&aead[i], run_aead(i + 1));
    }
    tell("AEAD alone", bench_rounds_median(&aead[0]), bench_rounds_median(&aead[1]));
    for (enum arrangement a = SPREAD; a < ARRANGEMENTS; a++)
        tell(arrangement_names[a], bench_rounds_median(a == CRYPTO ? &one_peer : &path[ALONE]),
             bench_rounds_median(&path[a]));
    bench_rounds_fini(&one_peer);
    for (unsigned a = 0; a < ARRANGEMENTS; a++)
        bench_rounds_fini(&path[a]);
    for (unsigned i = 0; i < WORKERS; i++)
        bench_rounds_fini(&aead[i]);
}

static void
make_aead_packets(void)
{
    for (unsigned i = 0; i < WORKERS; i++)
        for (unsigned k = 0; k < ROUND; k++) {
            b.aead[i][k] = rte_pktmbuf_alloc(b.pool);
            if (b.aead[i][k] == NULL)
                bench_die("no packet buffer left");
            memset(rte_pktmbuf_mtod(b.aead[i][k], void *), 0, NODE_INNER_MTU + MESSAGE_TAG_LEN);
        }
}

void
bench_workers(const struct bench_options *o, struct rte_mempool *pool)
{
    pthread_t second;

    b.pool = pool;
    b.chance = 1;
    b.cpu = bench_another_cpu(o);
    for (unsigned queues = 1; queues <= WORKERS; queues++)
        for (int side = 0; side < NODE_SIDES; side++)
            open_port(&b.ports[queues - 1][side], queues, side);
    for (enum arrangement a = ALONE; a < ARRANGEMENTS; a++)
        start_crew(a);
    make_aead_packets();
    if (pthread_create(&second, NULL, second_cpu, NULL) != 0)
        bench_die("no thread");
    printf("%-8s %5s  %-10s %8s %8s %6s\n", "", "bytes", "", "one", "two", "ratio");
    for (unsigned i = 0; i < o->sizes.n; i++)
        for (b.way = WAY_SEND; b.way <= WAY_RECEIVE; b.way++) {
            b.len = o->sizes.of[i];
            run_cell(o->quick ? ROUNDS_QUICK : o->rounds);
        }
    order(JOB_END);
    pthread_join(second, NULL);
    for (enum arrangement a = ALONE; a < ARRANGEMENTS; a++)
        stop_crew(&b.crews[a]);
    for (unsigned i = 0; i < WORKERS; i++)
        rte_pktmbuf_free_bulk(b.aead[i], ROUND);
    if (rte_mempool_in_use_count(pool) != 0)
        bench_die("%u packet buffers are lost", rte_mempool_in_use_count(pool));
}
