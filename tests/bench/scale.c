/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench scale: what peers cost when there are many of them.
 *
 * A device with its handshaker and tunnel, as the daemon has them, takes n peers as at a start;
 * then each gets a session. Looked up at random are allowed IPs and receiver indices, with caches
 * as they are and with caches that something else has filled; beside each a bare line of memory,
 * which is what the machine asks for the least that a look-up can be.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rte_ring_elem.h>

#include <wgtcpd/base/pages.h>
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

/* Lines of memory as many as a table has, in pages of the same kind. */
struct line {
    uint64_t there; /* 1 */
    uint64_t rest[7];
};

struct lines {
    struct line *of;
    uint32_t mask;
};

struct rig {
    struct handshaker handshaker;
    struct tunnel tunnel;
    struct device device;
    struct allowedips allowed_ips;
    struct rte_ring *events, *commands;
    wgt_time now;
    uint32_t n_peers;
    struct lines lines;
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

/* Every one as likely as another. */
static bool
look_up_line(const struct rig *r, uint32_t i)
{
    return r->lines.of[i * UINT32_C(2654435761) & r->lines.mask].there != 0;
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

/* As a table of so many bytes. */
static double
look_up_lines(struct rig *r, size_t bytes, unsigned rounds)
{
    double clocks;

    r->lines.of = pages_alloc(bytes);
    if (r->lines.of == NULL)
        bench_die("no memory for a table of %zu bytes", bytes);
    r->lines.mask = (uint32_t)(bytes / sizeof(struct line)) - 1;
    for (uint32_t i = 0; i <= r->lines.mask; i++)
        r->lines.of[i].there = 1;
    clocks = look_up(r, look_up_line, true, rounds);
    pages_free(r->lines.of, bytes);
    return clocks;
}

/* --- peers, measured ----------------------------------------------------------------------------
 */

enum { HOST_SLOT = 32, INDEX_SLOT = sizeof(struct index_slot) };

struct row {
    double set_up, bytes, bytes_with_session;
    double address, address_cold, address_line; /* line: a bare one of as large a table, cold */
    double index, index_cold, index_line;
};

/* Of the table of hosts, which is at most half full. */
static size_t
size_of_hosts(uint32_t n)
{
    size_t slots = 16;

    while (slots < 2 * (size_t)n)
        slots *= 2;
    return slots * HOST_SLOT;
}

static void
tell_head(void)
{
    printf("%8s %7s %6s %8s %7s %6s %6s %6s %6s %7s %6s %6s %6s %6s\n", "", "set-up", "bytes",
           "with a", "address", "", "", "bare", "", "index", "", "", "bare", "");
    printf("%8s %7s %6s %8s %7s %6s %6s %6s %6s %7s %6s %6s %6s %6s\n", "peers", "seconds",
           "a peer", "session", "clocks", "cold", "ratio", "line", "ratio", "clocks", "cold",
           "ratio", "line", "ratio");
}

/* Ratios are to the first row. */
static void
tell_peers(uint32_t n, const struct row *r)
{
    static struct row first;

    if (first.address_cold == 0)
        first = *r;
    printf("%8u %7.2f %6.0f %8.0f %7.0f %6.0f %6.2f %6.0f %6.2f %7.0f %6.0f %6.2f %6.0f %6.2f\n", n,
           r->set_up, r->bytes, r->bytes_with_session, r->address, r->address_cold,
           r->address_cold / first.address_cold, r->address_line,
           r->address_line / first.address_line, r->index, r->index_cold,
           r->index_cold / first.index_cold, r->index_line, r->index_line / first.index_line);
    fflush(stdout);
    bench_report(json_pack("{s:I s:f s:f s:f s:f s:f s:f s:f s:f s:f}", "peers", (json_int_t)n,
                           "set_up_seconds", r->set_up, "bytes", r->bytes, "bytes_with_session",
                           r->bytes_with_session, "address", r->address, "address_cold",
                           r->address_cold, "address_line_cold", r->address_line, "index", r->index,
                           "index_cold", r->index_cold, "index_line_cold", r->index_line));
}

/* Bytes are those of all peers here. rounds 0: nothing is looked up. */
static struct row
run_rig(struct rte_mempool *pool, uint32_t n, unsigned rounds)
{
    static struct rig r;
    struct row row = {.set_up = 0};
    uint64_t before = bench_resident();

    rig_start(&r, pool, n);
    row.set_up = add_peers(&r);
    row.bytes = (double)(bench_resident() - before);
    add_sessions(&r);
    row.bytes_with_session = (double)(bench_resident() - before);
    if (rounds > 0) {
        row.address = look_up(&r, look_up_address, false, rounds * 16);
        row.address_cold = look_up(&r, look_up_address, true, rounds);
        row.address_line = look_up_lines(&r, size_of_hosts(n), rounds);
        row.index = look_up(&r, look_up_index, false, rounds * 16);
        row.index_cold = look_up(&r, look_up_index, true, rounds);
        row.index_line = look_up_lines(&r, index_table_slots(n) * (size_t)INDEX_SLOT, rounds);
    }
    rig_stop(&r);
    return row;
}

static void
run_child(struct rte_mempool *pool, uint32_t n, unsigned rounds, int to)
{
    struct row row = run_rig(pool, n, rounds);

    _exit(write(to, &row, sizeof(row)) == (ssize_t)sizeof(row) ? 0 : 1);
}

/* In a process of its own: what another row's sessions leave in guarded memory is of other sizes,
 * and would be counted with the next one's peers. */
static struct row
run_apart(struct rte_mempool *pool, uint32_t n, unsigned rounds)
{
    struct row row;
    int ends[2], status;
    pid_t child;

    fflush(stdout);
    if (pipe(ends) != 0 || (child = fork()) < 0)
        bench_die("no process for %u peers", n);
    if (child == 0)
        run_child(pool, n, rounds, ends[1]);
    close(ends[1]);
    if (read(ends[0], &row, sizeof(row)) != (ssize_t)sizeof(row) ||
        waitpid(child, &status, 0) != child || status != 0)
        bench_die("%u peers did not work", n);
    close(ends[0]);
    return row;
}

void
bench_scale(const struct bench_options *o, struct rte_mempool *pool)
{
    struct row fixed, row; /* fixed: of a node with hardly any peer */

    mallopt(M_MMAP_THRESHOLD, 1 << 20); /* large pieces are the system's again when they are free */
    fill_caches();
    tell_head();
    fixed = run_apart(pool, 1, 0);
    for (unsigned i = 0; i < o->peers.n; i++) {
        row = run_apart(pool, o->peers.of[i], o->rounds);
        row.bytes = (row.bytes - fixed.bytes) / o->peers.of[i];
        row.bytes_with_session =
            (row.bytes_with_session - fixed.bytes_with_session) / o->peers.of[i];
        tell_peers(o->peers.of[i], &row);
    }
}
