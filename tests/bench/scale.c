/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench scale: what peers cost when there are many of them.
 *
 * A device with its handshaker and tunnel, as the daemon has them, takes n peers as at a start;
 * then each gets a session. Looked up at random are allowed IPs and receiver indices, with caches
 * as they are and with caches that something else has filled. At last, connections: clients of the
 * same TCP engine in this process, each from an address of its own.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_ring_elem.h>

#include <wgtcpd/control/device.h>

#include "bench.h"
#include "keys.h"
#include "node.h"

enum {
    LISTEN_PORT = 51820,
    PEERS_AT_A_TIME = 4096, /* as the daemon's start does */
    COLD_BYTES = 64 << 20,  /* more than any cache here */
    LOOK_UPS = 64,          /* between two times that the caches are filled */
};

struct rig {
    struct handshaker handshaker;
    struct tunnel tunnel;
    struct device device;
    struct allowedips allowed_ips;
    struct rte_ring *events, *commands;
    wgt_time now;
    uint32_t n_peers;
};

/* --- a device without ports ---------------------------------------------------------------------
 */

static void
discard(void *ctx, struct rte_mbuf *m)
{
    (void)ctx;
    rte_pktmbuf_free(m);
}

static void
discard_inner(void *ctx, struct rte_mbuf *m, const struct inner_packet *inner)
{
    (void)inner;
    discard(ctx, m);
}

/* The worker takes what it was told, the handshaker what came of it. */
static void
let_work(void *ctx)
{
    struct wall_clock wall = {.seconds = 1700000000};
    struct rig *r = ctx;

    while (rte_ring_count(r->commands) > 0)
        tunnel_run(&r->tunnel, r->now);
    while (handshaker_run(&r->handshaker, r->now, &wall, 64) > 0)
        ;
}

static void
synchronize(void *ctx)
{
    (void)ctx;
}

static struct rte_ring *
new_ring(const char *name, unsigned element)
{
    struct rte_ring *r = rte_ring_create_elem(name, element, TUNNEL_RING_SIZE, SOCKET_ID_ANY,
                                              RING_F_SP_ENQ | RING_F_SC_DEQ);

    if (r == NULL)
        bench_die("no memory for rings");
    return r;
}

static void
rig_start(struct rig *r, struct rte_mempool *pool, uint32_t n_peers)
{
    static const struct device_config defaults = {.transport = CONFIG_UDP};
    uint8_t key[NOISE_KEY_LEN];
    struct outer outer = {
        .ctx = r,
        .tx = discard,
        .entropy = worker_entropy,
        .pool = pool,
        .locals = {{.addr = ip_addr_v4((const uint8_t[]){192, 0, 2, 1}), .len = 24}},
        .n_locals = 1,
        .mtu = 1500,
    };
    struct tunnel_config config = {
        .name = "scale",
        .listen_port = LISTEN_PORT,
        .listen_udp = true,
        .listen_tcp = true,
        .mtu = 1420,
        .max_message = 2048,
        .max_peers = n_peers,
        .max_flows = 64,
    };

    *r = (struct rig){.now = worker_clock(), .n_peers = n_peers};
    worker_entropy(NULL, key, sizeof(key));
    noise_clamp(key);
    r->events = new_ring("scale.events", sizeof(struct tunnel_event));
    r->commands = new_ring("scale.commands", sizeof(struct tunnel_command));
    allowedips_init(&r->allowed_ips);
    if (handshaker_init(&r->handshaker, n_peers, key, r->events, r->commands, worker_entropy, r) !=
        0)
        bench_die("no memory for the handshakes of %u peers", n_peers);
    memcpy(config.mac1_key, r->handshaker.local.mac1_key, NOISE_KEY_LEN);
    if (tunnel_init(&r->tunnel, r->now, &config, &outer, discard_inner, &r->allowed_ips, r->events,
                    r->commands) != 0)
        bench_die("no memory for the sessions of %u peers", n_peers);
    device_init(&r->device, &defaults, &r->handshaker, &r->allowed_ips, LISTEN_PORT, 0);
    r->device.ctx = r;
    r->device.wait = let_work;
    r->device.synchronize = synchronize;
}

static void
rig_stop(struct rig *r)
{
    let_work(r);
    tunnel_fini(&r->tunnel);
    handshaker_fini(&r->handshaker);
    device_fini(&r->device);
    allowedips_destroy(&r->allowed_ips);
    rte_ring_free(r->events);
    rte_ring_free(r->commands);
    malloc_trim(0);
}

/* --- peers --------------------------------------------------------------------------------------
 */

static void
make_change(struct change *c, uint32_t first, uint32_t end)
{
    uint64_t chance = first + 1;

    change_init(c);
    for (uint32_t i = first; i < end; i++) {
        struct ip_prefix allowed = {.addr = peer_address(i), .len = 32};
        uint8_t key[NOISE_KEY_LEN]; /* on the curve or its twist: X25519 takes any */
        struct change_peer *p;

        for (unsigned k = 0; k < NOISE_KEY_LEN; k += 8)
            put_le64(key + k, bench_random(&chance));
        p = change_add_peer(c, key);
        if (p == NULL || !change_add_prefix(p, &allowed, false))
            bench_die("no memory to ask for peers");
        p->has_endpoint = true;
        p->endpoint = node_endpoint_of(i);
    }
}

/* Seconds. */
static double
add_peers(struct rig *r)
{
    struct change c;
    uint64_t begin = bench_clock();
    int rc = 0;

    for (uint32_t i = 0; i < r->n_peers && rc == 0; i += PEERS_AT_A_TIME) {
        make_change(&c, i, RTE_MIN(r->n_peers, i + PEERS_AT_A_TIME));
        rc = device_apply(&r->device, &c, NULL);
        let_work(r);
        change_free(&c);
    }
    begin = bench_clock() - begin;
    malloc_trim(0);
    if (rc != 0 || r->device.n_peers != r->n_peers)
        bench_die("%u peers were not taken: %d", r->n_peers, rc);
    return (double)begin / (double)rte_get_tsc_hz();
}

static struct tunnel_peer *
peer_of(const struct rig *r, uint32_t i)
{
    struct ip_addr a = peer_address(i);

    return allowedips_lookup(&r->allowed_ips, &a);
}

static void
add_sessions(struct rig *r)
{
    for (uint32_t i = 0; i < r->n_peers; i++) {
        struct tunnel_command c = {.type = TUNNEL_COMMAND_SESSION, .peer = peer_of(r, i)};

        c.keypair = keys_of_node(i, r->now);
        while (rte_ring_enqueue_elem(r->commands, &c, sizeof(c)) != 0)
            let_work(r);
    }
    let_work(r);
}

/* --- looking up ---------------------------------------------------------------------------------
 */

static void
fill_caches(void)
{
    static uint8_t *other;

    if (other == NULL && (other = malloc(COLD_BYTES)) == NULL)
        bench_die("no memory to fill the caches with");
    for (size_t i = 0; i < COLD_BYTES; i += 64)
        other[i]++;
    __asm__ volatile("" ::"r"(other) : "memory");
}

/* One look-up each: whether it found what it should. */
static bool
look_up_address(const struct rig *r, uint32_t i)
{
    uint8_t a[4];

    memcpy(a, peer_address(i).bytes, sizeof(a));
    return allowedips_lookup_v4(&r->allowed_ips, a) != NULL;
}

static bool
look_up_index(const struct rig *r, uint32_t i)
{
    return index_table_find(&r->tunnel.indices, keys_index(i)) != NULL;
}

/* Clocks of one. Each waits for the one before: it is the time that is asked for, not how many fit
 * beside each other. */
static double
look_up(const struct rig *r, bool (*one)(const struct rig *r, uint32_t i), bool cold,
        unsigned rounds)
{
    uint64_t chance = 1;
    uint32_t order[LOOK_UPS];
    struct bench_rounds took;
    double clocks;

    bench_rounds_init(&took, rounds);
    for (unsigned round = 0; round < rounds; round++) {
        uint32_t found = 0;
        uint64_t begin;

        for (unsigned i = 0; i < LOOK_UPS; i++)
            order[i] = bench_random_below(&chance, r->n_peers);
        if (cold)
            fill_caches();
        begin = bench_clock();
        for (unsigned i = 0; i < LOOK_UPS; i++)
            found += one(r, order[i] + (found - i)); /* which is 0 */
        bench_rounds_add(&took, (double)bench_clocks_since(begin) / LOOK_UPS);
        if (found != LOOK_UPS)
            bench_die("%u of %d were found", found, LOOK_UPS);
    }
    clocks = bench_rounds_median(&took);
    bench_rounds_fini(&took);
    return clocks;
}

/* --- peers, measured ----------------------------------------------------------------------------
 */

struct look_ups {
    double address, address_cold, index, index_cold;
};

static void
tell_peers(uint32_t n, double set_up, double without, double with, const struct look_ups *l)
{
    static double first_address, first_index;

    if (first_address == 0) {
        first_address = l->address_cold;
        first_index = l->index_cold;
    }
    printf("%8u %9.2f %9.0f %9.0f %9.0f %9.0f %6.2f %9.0f %9.0f %6.2f\n", n, set_up, without, with,
           l->address, l->address_cold, l->address_cold / first_address, l->index, l->index_cold,
           l->index_cold / first_index);
    fflush(stdout);
    bench_report(json_pack("{s:I s:f s:f s:f s:f s:f s:f s:f}", "peers", (json_int_t)n,
                           "set_up_seconds", set_up, "bytes", without, "bytes_with_session", with,
                           "address", l->address, "address_cold", l->address_cold, "index",
                           l->index, "index_cold", l->index_cold));
}

/* Bytes since the beginning: what earlier rigs left is used again. */
static double
run_rig(struct rte_mempool *pool, uint32_t n, unsigned rounds, double fixed)
{
    static uint64_t before;
    static struct rig r;
    double set_up, peers, sessions;
    struct look_ups l;

    if (before == 0)
        before = bench_resident();
    rig_start(&r, pool, n);
    set_up = add_peers(&r);
    peers = (double)(bench_resident() - before);
    add_sessions(&r);
    sessions = (double)(bench_resident() - before);
    if (rounds > 0) {
        l.address = look_up(&r, look_up_address, false, rounds * 16);
        l.address_cold = look_up(&r, look_up_address, true, rounds);
        l.index = look_up(&r, look_up_index, false, rounds * 16);
        l.index_cold = look_up(&r, look_up_index, true, rounds);
        tell_peers(n, set_up, (peers - fixed) / n, (sessions - fixed) / n, &l);
    }
    rig_stop(&r);
    return sessions;
}

void
bench_scale(const struct bench_options *o, struct rte_mempool *pool)
{
    double fixed; /* of a node with hardly any peer */

    mallopt(M_MMAP_THRESHOLD, 1 << 20); /* large pieces are the system's again when they are free */
    fill_caches();
    printf("%8s %9s %9s %9s %9s %9s %6s %9s %9s %6s\n", "", "set-up", "bytes", "with a", "address",
           "", "", "index", "", "");
    printf("%8s %9s %9s %9s %9s %9s %6s %9s %9s %6s\n", "peers", "seconds", "a peer", "session",
           "clocks", "cold", "ratio", "clocks", "cold", "ratio");
    fixed = run_rig(pool, 1, 0, 0);
    for (unsigned i = 0; i < o->peers.n; i++)
        run_rig(pool, o->peers.of[i], o->rounds, fixed);
}
