/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench path: what a packet costs the worker, from port to port, beside what its AEAD costs alone.
 *
 * A round sends packets through the node and counts the clocks of the worker's turns; making them
 * and looking at what became of them is not counted. Rounds with the AEAD, rounds of the AEAD alone
 * (the same sizes, sessions and buffers, in place) and rounds with an AEAD that does nothing take
 * turns, so that whatever else the machine does meets all three.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "count.h"
#include "far.h"
#include "keys.h"

enum {
    ROUND = 512,
    GIVE = LINK_DPDK_BURST,
    BACKLOG_MAX = 64,   /* no more is given while so many wait for a connection's pace */
    EXCHANGE_TURNS = 8, /* of the node, to one of the far end */
    TURNS_MAX = 100000,
    TCP_PEERS_MAX = 10000,
    WARM_UP = 64,
    IN_A_ROW = 5,       /* rounds of a cell */
    SAMPLED_TIMES = 20, /* as many rounds as are measured */
};

struct figures {
    struct bench_rounds path, bare, null, ratio, beside;
    double burst;                                             /* packets a turn */
    uint64_t retransmitted;                                   /* segments */
    double counted[COUNT_EVENTS], counted_null[COUNT_EVENTS]; /* a packet; 0: not known */
};

struct cell {
    enum way way;
    size_t len;
    struct figures figures;
};

struct setting {
    const struct bench_options *options;
    struct node_ports ports;
    struct bench_node node;
    struct far far;
    struct ledger ledger;
    uint64_t chance;
    struct rte_mbuf *packets[ROUND];
};

static const char *const way_names[] = {"send", "receive"};

/* --- a round of the path ------------------------------------------------------------------------
 */

static void
prepare(struct setting *s, const struct cell *c)
{
    ledger_begin(&s->ledger, c->way, ROUND, c->len, s->node.config.n_peers, &s->chance);
    if (c->way == WAY_RECEIVE) {
        far_send(&s->far);
        return;
    }
    for (unsigned i = 0; i < ROUND; i++)
        ledger_write(&s->ledger, i, node_frame(&s->node, NODE_INNER, c->len, &s->packets[i]));
}

static void
give(struct setting *s, unsigned *given)
{
    unsigned n = ROUND - *given < GIVE ? ROUND - *given : GIVE;

    if (n == 0 || s->node.worker.tunnel.fq.count > BACKLOG_MAX)
        return;
    node_give(&s->node, NODE_INNER, s->packets + *given, n);
    *given += n;
}

static bool
take_inner(struct setting *s)
{
    struct rte_mbuf *m;
    bool any = false;

    while ((m = node_take(&s->node, NODE_INNER)) != NULL) {
        any = true;
        ledger_take(&s->ledger, rte_pktmbuf_mtod(m, uint8_t *), rte_pktmbuf_data_len(m),
                    UINT32_MAX);
        rte_pktmbuf_free(m);
    }
    return any;
}

/* Clocks of the node until all packets have arrived and nothing moves any more: acknowledgments of
 * the last ones are part of their cost. */
static uint64_t
run_path(struct setting *s, const struct cell *c)
{
    unsigned given = c->way == WAY_SEND ? 0 : ROUND, since = 0;
    uint64_t clocks = 0;

    prepare(s, c);
    for (unsigned turns = 0; turns < TURNS_MAX; turns++) {
        uint64_t took;
        bool moved;

        give(s, &given);
        took = node_turn(&s->node);
        clocks += took;
        if (took > 0 && ++since < EXCHANGE_TURNS)
            continue;
        since = 0;
        moved = far_turn(&s->far);
        moved = take_inner(s) || moved || took > 0;
        if (!moved && ledger_complete(&s->ledger))
            return clocks;
        if (!moved)
            node_wait(&s->node, far_deadline(&s->far));
    }
    bench_die("%u of %u packets arrived", s->ledger.arrived, s->ledger.n);
}

/* --- a round of the AEAD alone ------------------------------------------------------------------
 */

static struct noise_keypair *
session_of(const struct setting *s, unsigned i)
{
    return s->node.peers[s->ledger.peer[i]].session.current;
}

/* Nobody has touched the sessions: where there are many, they are as cold as on the path. */
static void
prepare_bare(struct setting *s, const struct cell *c, size_t padded)
{
    ledger_begin(&s->ledger, c->way, ROUND, c->len, s->node.config.n_peers, &s->chance);
    for (unsigned i = 0; i < ROUND; i++) {
        uint8_t *message =
            node_frame(&s->node, NODE_INNER, padded + MESSAGE_DATA_OVERHEAD, &s->packets[i]);

        memset(message + MESSAGE_DATA_HEADER_LEN + c->len, 0, padded - c->len);
        ledger_write(&s->ledger, i, message + MESSAGE_DATA_HEADER_LEN);
        if (c->way == WAY_RECEIVE)
            keys_seal(s->ledger.peer[i], i, message, padded);
    }
}

static uint64_t
run_bare(struct setting *s, const struct cell *c)
{
    const struct aead_backend *aead = aead_selected();
    size_t padded = message_padded_len(c->len, NODE_INNER_MTU);
    bool good = true;
    uint64_t begin, clocks;

    prepare_bare(s, c, padded);
    begin = bench_clock();
    for (unsigned i = 0; i < ROUND; i++) {
        uint8_t *data = rte_pktmbuf_mtod_offset(s->packets[i], uint8_t *,
                                                ETH_HEADER_LEN + MESSAGE_DATA_HEADER_LEN);
        struct noise_keypair *k = session_of(s, i);

        good &= c->way == WAY_SEND ? aead->seal(&k->send, i, data, padded)
                                   : aead->open(&k->receive, i, data, padded);
    }
    clocks = bench_clocks_since(begin);
    if (!good)
        bench_die("the AEAD alone failed");
    rte_pktmbuf_free_bulk(s->packets, ROUND);
    return clocks;
}

/* --- a cell of the table ------------------------------------------------------------------------
 */

static uint64_t
run_null(struct setting *s, const struct cell *c)
{
    const struct aead_backend *aead = aead_selected();
    uint64_t clocks;

    aead_select(&aead_null);
    clocks = run_path(s, c);
    aead_select(aead);
    return clocks;
}

/* The processor's counters, in rounds of their own. */
static void
count_path(struct setting *s, const struct cell *c, bool null, double per_packet[COUNT_EVENTS])
{
    unsigned rounds = s->options->rounds / 4 + 1;
    struct counts counts;

    count_enable(true);
    for (unsigned i = 0; i < rounds; i++)
        (void)(null ? run_null(s, c) : run_path(s, c));
    count_enable(false);
    counts = count_take();
    for (unsigned i = 0; i < COUNT_EVENTS; i++)
        per_packet[i] = (double)counts.of[i] / rounds / ROUND;
}

static void
warm_up(struct setting *s, struct cell *c)
{
    struct figures *f = &c->figures;

    bench_rounds_init(&f->path, s->options->rounds);
    bench_rounds_init(&f->bare, s->options->rounds);
    bench_rounds_init(&f->null, s->options->rounds);
    bench_rounds_init(&f->ratio, s->options->rounds);
    bench_rounds_init(&f->beside, s->options->rounds);
    for (unsigned i = 0; i < (s->options->quick ? 1 : WARM_UP); i++)
        run_path(s, c);
}

static void
measure(struct setting *s, struct cell *c)
{
    const struct tcp_transport_stats *tcp = &s->node.worker.tunnel.tcp.stats;
    uint64_t turns = s->node.busy_turns, sent_again = tcp->retransmissions;
    struct figures *f = &c->figures;
    double path = (double)run_path(s, c) / ROUND, bare;

    f->burst += (double)ROUND / (double)(s->node.busy_turns - turns) / s->options->rounds;
    f->retransmitted += tcp->retransmissions - sent_again;
    bare = (double)run_bare(s, c) / ROUND;
    bench_rounds_add(&f->path, path);
    bench_rounds_add(&f->bare, bare);
    bench_rounds_add(&f->ratio, path / bare);
    bench_rounds_add(&f->beside, path - bare);
    bench_rounds_add(&f->null, (double)run_null(s, c) / ROUND);
}

static void
print_head(void)
{
    printf("%-4s %-7s %5s %8s %8s %8s %6s %7s %9s %7s %6s %7s %7s\n", "", "", "bytes", "peers",
           "path", "AEAD", "ratio", "beside", "null AEAD", "kpps", "burst", "instr", "misses");
}

static json_t *
counted_json(const double c[COUNT_EVENTS])
{
    return json_pack("{s:f s:f s:f s:f s:f}", "cycles", c[COUNT_CYCLES], "instructions",
                     c[COUNT_INSTRUCTIONS], "l1d_misses", c[COUNT_CACHE_MISSES], "dtlb_misses",
                     c[COUNT_TLB_MISSES], "branch_misses", c[COUNT_BRANCH_MISSES]);
}

static void
tell(const struct setting *s, struct cell *c)
{
    struct figures *f = &c->figures;
    const char *kind = transport_kind_name(s->node.config.kind);
    double path = bench_rounds_median(&f->path), bare = bench_rounds_median(&f->bare);
    double ratio = bench_rounds_median(&f->ratio), beside = bench_rounds_median(&f->beside);
    double null = bench_rounds_median(&f->null);
    double kpps = (double)rte_get_tsc_hz() / path / 1000;

    printf("%-4s %-7s %5zu %8u %8.0f %8.0f %6.2f %7.0f %9.0f %7.0f %6.1f %7.0f %7.1f\n", kind,
           way_names[c->way], c->len, s->node.config.n_peers, path, bare, ratio, beside, null, kpps,
           f->burst, f->counted_null[COUNT_INSTRUCTIONS], f->counted[COUNT_CACHE_MISSES]);
    fflush(stdout);
    bench_report(json_pack(
        "{s:s s:s s:I s:I s:f s:f s:f s:f s:f s:f s:f s:I s:o s:o}", "transport", kind, "way",
        way_names[c->way], "bytes", (json_int_t)c->len, "peers", (json_int_t)s->node.config.n_peers,
        "path", path, "aead", bare, "ratio", ratio, "beside", beside, "null_aead", null, "kpps",
        kpps, "burst", f->burst, "retransmitted", (json_int_t)f->retransmitted, "counted",
        counted_json(f->counted), "counted_null_aead", counted_json(f->counted_null)));
}

static void
tell_stages(struct setting *s, const struct cell *c, double clocks)
{
    count_sample_enable(true);
    for (unsigned i = 0; i < SAMPLED_TIMES * s->options->rounds; i++) {
        run_path(s, c);
        count_sample_collect();
    }
    count_sample_enable(false);
    count_sample_tell(clocks);
}

static void
finish(struct setting *s, struct cell *c)
{
    struct figures *f = &c->figures;

    count_path(s, c, false, f->counted);
    count_path(s, c, true, f->counted_null);
    tell(s, c);
    if (s->options->stages)
        tell_stages(s, c, bench_rounds_median(&f->path));
    bench_rounds_fini(&f->path);
    bench_rounds_fini(&f->bare);
    bench_rounds_fini(&f->null);
    bench_rounds_fini(&f->ratio);
    bench_rounds_fini(&f->beside);
}

/* --- settings -----------------------------------------------------------------------------------
 */

static bool
is_wanted(const char *which, const char *name)
{
    return which == NULL || strcmp(which, name) == 0;
}

static unsigned
wanted_cells(const struct bench_options *o, struct cell cells[2 * BENCH_LIST_MAX])
{
    unsigned n = 0;

    for (unsigned i = 0; i < o->sizes.n; i++)
        for (enum way way = WAY_SEND; way <= WAY_RECEIVE; way++)
            if (is_wanted(o->way, way_names[way]))
                cells[n++] = (struct cell){.way = way, .len = o->sizes.of[i]};
    return n;
}

/* All cells again and again: a moment of noise is not one cell's. */
static void
run_cells(struct setting *s)
{
    struct cell cells[2 * BENCH_LIST_MAX];
    unsigned n = wanted_cells(s->options, cells);

    for (unsigned i = 0; i < n; i++)
        warm_up(s, &cells[i]);
    for (unsigned round = 0; round < s->options->rounds; round += IN_A_ROW)
        for (unsigned i = 0; i < n; i++)
            for (unsigned k = 0; k < IN_A_ROW && round + k < s->options->rounds; k++)
                measure(s, &cells[i]);
    for (unsigned i = 0; i < n; i++)
        finish(s, &cells[i]);
}

static void
run_setting(struct setting *s, enum transport_kind kind, uint32_t n_peers)
{
    const struct bench_options *o = s->options;
    struct node_config config = {
        .n_peers = n_peers,
        .kind = kind,
        .offload = !o->software_checksums,
        .congestion = o->congestion != NULL ? tcp_cc_find(o->congestion) : NULL,
        .crypto_worker = o->crypto_worker,
        .crypto_cpu = o->crypto_worker ? bench_another_cpu(o) : 0,
    };

    node_start(&s->node, &s->ports, &config);
    far_start(&s->far, &s->node, &s->ledger);
    run_cells(s);
    node_check(&s->node);
    far_check(&s->far);
    far_stop(&s->far);
    node_stop(&s->node);
}

void
bench_path(const struct bench_options *o, struct rte_mempool *pool)
{
    struct setting *s = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*s));

    if (s == NULL)
        bench_die("no memory");
    memset(s, 0, sizeof(*s));
    s->options = o;
    s->chance = 1;
    node_ports_open(&s->ports, pool);
    count_open(); /* where there are none, the figures are 0 */
    if (o->stages && !count_sample_open())
        bench_die("this machine takes no samples of cycles");
    print_head();
    for (enum transport_kind kind = TRANSPORT_UDP; kind <= TRANSPORT_TCP; kind++) {
        if (!is_wanted(o->only, transport_kind_name(kind)))
            continue;
        for (unsigned i = 0; i < o->peers.n; i++)
            if (kind == TRANSPORT_UDP || o->peers.of[i] <= TCP_PEERS_MAX)
                run_setting(s, kind, o->peers.of[i]);
    }
    if (rte_mempool_in_use_count(pool) != 0)
        bench_die("%u packet buffers are lost", rte_mempool_in_use_count(pool));
    free(s);
}
