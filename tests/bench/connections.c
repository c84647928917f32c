/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench connections: what a live TCP connection costs a node that has many of them. Their other
 * ends are clients of the same TCP engine in this process, each from an address of its own; so half
 * of the memory that connecting takes is the node's. What other benches leave behind would be used
 * again and missed: this one runs alone.
 */
#include <malloc.h>
#include <stdio.h>

#include "bench.h"
#include "far.h"

enum { ROUND = 512, ROUNDS = 16 };

/* Packets over connections at random. */
static void
exercise(struct bench_node *n, struct far *f, struct ledger *l, uint64_t *chance)
{
    struct rte_mbuf *m;

    ledger_begin(l, WAY_RECEIVE, ROUND, PACKET_MIN, n->config.n_peers, chance);
    far_send(f);
    while (!ledger_complete(l)) {
        bool moved = node_turn(n) > 0;

        moved = far_turn(f) || moved;
        while ((m = node_take(n, NODE_INNER)) != NULL) {
            ledger_take(l, rte_pktmbuf_mtod(m, uint8_t *), rte_pktmbuf_data_len(m), UINT32_MAX);
            rte_pktmbuf_free(m);
        }
        if (!moved && !ledger_complete(l))
            node_wait(n, far_deadline(f));
    }
}

static uint32_t
live(const struct bench_node *n)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < n->config.n_peers; i++) {
        const struct tcp_flow *f = tcp_flow_of(&n->peers[i].path.path);

        count += f != NULL && f->established;
    }
    return count;
}

static void
run(struct rte_mempool *pool, uint32_t n_connections)
{
    static struct bench_node n;
    static struct node_ports ports;
    static struct far f;
    static struct ledger l;
    struct node_config config = {.n_peers = n_connections, .kind = TRANSPORT_TCP, .offload = true};
    uint64_t chance = 1, before, begin;
    double seconds, bytes;

    node_ports_open(&ports, pool);
    node_start(&n, &ports, &config);
    malloc_trim(0);
    before = bench_resident();
    begin = bench_clock();
    far_start(&f, &n, &l);
    seconds = (double)(bench_clock() - begin) / (double)rte_get_tsc_hz();
    bytes = (double)(bench_resident() - before) / 2 / n_connections; /* both ends are here */
    for (unsigned i = 0; i < ROUNDS; i++)
        exercise(&n, &f, &l, &chance);
    if (live(&n) != n_connections)
        bench_die("%u of %u connections live", live(&n), n_connections);
    node_check(&n);
    far_check(&f);
    printf("%u live connections of one node: %.0f bytes each (%zu of them struct tcp_flow), "
           "%.0f set up a second, both ends\n",
           n_connections, bytes, sizeof(struct tcp_flow), n_connections / seconds);
    bench_report(json_pack("{s:I s:f s:I s:f}", "connections", (json_int_t)n_connections, "bytes",
                           bytes, "struct", (json_int_t)sizeof(struct tcp_flow), "set_up_seconds",
                           seconds));
    far_stop(&f);
    node_stop(&n);
}

void
bench_connections(const struct bench_options *o, struct rte_mempool *pool)
{
    if (o->peers.n != 1)
        bench_die("one number of connections at a time");
    run(pool, o->peers.of[0]);
}
