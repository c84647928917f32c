/* SPDX-License-Identifier: BSD-3-Clause */
#include "table.h"

#include <stdio.h>
#include <stdlib.h>

#include "jobs.h"
#include "sim.h"

#define BULK_FROM    (2 * WGT_SEC)
#define MEASURE_FROM (7 * WGT_SEC)
#define MEASURE_TO   (22 * WGT_SEC)

enum { TABLE_CELLS = 512, INTERVAL_MS = 10 };
#define MBIT UINT64_C(1000000)

enum table_transport { TABLE_UDP, TABLE_BBR, TABLE_CUBIC, TABLE_IN_ORDER, TABLE_TRANSPORTS };

static const char *const transport_names[] = {"UDP", "TCP bbr", "TCP cubic", "TCP bbr, in order"};

/* A path; rate and loss in both directions. */
struct table_path {
    uint64_t rate;   /* bit/s */
    unsigned rtt;    /* ms */
    unsigned buffer; /* % of the bandwidth-delay product; 0: buffer_ms */
    unsigned buffer_ms;
    unsigned loss; /* per 1000 packets */
    bool idle;     /* no bulk */
};

struct table_cell {
    struct table_path path;
    enum table_transport transport;
    /* results */
    double goodput;              /* Mbit/s */
    double p50, p95, p99;        /* of the probe's round trip, ms */
    double probes_lost;          /* % */
    double retransmitted;        /* % of the outer bytes */
    double queue_p50, queue_p99; /* at the bottleneck, ms */
    char failure[SIM_FAILURE_LEN];
};

struct table {
    const char *program;
    unsigned jobs;
    unsigned n;
    struct table_cell cell[TABLE_CELLS];
};

/* --- one cell ------------------------------------------------------------------------------------
 */

static wgt_time
buffer_time(const struct table_path *p)
{
    return p->buffer == 0 ? p->buffer_ms * WGT_MSEC : p->rtt * WGT_MSEC * p->buffer / 100;
}

static struct sim_config
configure(const struct table_cell *cell)
{
    const struct table_path *p = &cell->path;
    struct sim_config c = sim_default(1);
    struct network_link link = network_link_of(p->rate, p->rtt * WGT_MSEC / 2, buffer_time(p));

    c.duration = MEASURE_TO;
    c.shared.mtu = cell->transport == TABLE_UDP ? 1420 : 1392;
    if (link.queue < 3 * 1500)
        link.queue = 3 * 1500;
    c.network.link[0] = c.network.link[1] = link;
    c.network.measure_queue = true;
    if (p->loss > 0)
        c.network.faults[c.network.n_faults++] = (struct network_fault){
            .until = WGT_NEVER, .directions = 3, .what.loss = p->loss * 1000};
    for (unsigned i = 0; i < 2; i++) {
        c.node[i].kind = cell->transport == TABLE_UDP ? TRANSPORT_UDP : TRANSPORT_TCP;
        c.node[i].congestion = cell->transport == TABLE_CUBIC ? &tcp_cc_cubic : &tcp_cc_bbr;
        c.node[i].in_order = cell->transport == TABLE_IN_ORDER;
    }
    if (!p->idle)
        c.bulks[0] = (struct inner_tcp_config){
            .from = BULK_FROM, .until = WGT_NEVER - 1, .family = IP_V4, .cc = INNER_CUBIC};
    c.probes[0] = (struct probe_config){
        .from = WGT_SEC, .until = MEASURE_TO, .interval = INTERVAL_MS * WGT_MSEC, .answered = true};
    return c;
}

static double
ms(wgt_time t)
{
    return (double)t / 1e6;
}

static void
measure(struct sim *s, struct table_cell *cell, uint64_t bytes_before, uint64_t outer_before,
        uint64_t again_before)
{
    wgt_time last = MEASURE_TO - WGT_SEC; /* answers to later ones are still under way */
    struct samples rtt = {.n = 0};
    size_t lost = probe_collect(&s->probe[0], MEASURE_FROM, last, false, &rtt);
    uint64_t bytes = inner_tcp_received(&s->bulk[0]) - bytes_before;

    cell->goodput = (double)bytes * 8e3 / (double)(MEASURE_TO - MEASURE_FROM);
    cell->p50 = ms(samples_percentile(&rtt, 500));
    cell->p95 = ms(samples_percentile(&rtt, 950));
    cell->p99 = ms(samples_percentile(&rtt, 990));
    cell->probes_lost = 100.0 * (double)lost / (double)(lost + rtt.n + (lost + rtt.n == 0));
    cell->retransmitted = 100.0 * (double)(s->watch.retransmitted[0] - again_before) /
                          (double)(s->watch.bytes[0] - outer_before + 1);
    cell->queue_p50 = ms(samples_percentile(&s->network.queue_delay[0], 500));
    cell->queue_p99 = ms(samples_percentile(&s->network.queue_delay[0], 990));
    samples_free(&rtt);
}

static void
run_cell(struct table_cell *cell)
{
    static struct sim s;
    struct sim_config c = configure(cell);
    uint64_t bytes, outer, again;

    sim_init(&s, &c);
    sim_run(&s, MEASURE_FROM);
    bytes = inner_tcp_received(&s.bulk[0]);
    outer = s.watch.bytes[0];
    again = s.watch.retransmitted[0];
    samples_free(&s.network.queue_delay[0]);
    sim_run(&s, MEASURE_TO);
    measure(&s, cell, bytes, outer, again);
    if (!sim_finish(&s))
        snprintf(cell->failure, sizeof(cell->failure), "%s", s.failure);
}

static bool
run_cells(void *ctx, unsigned job)
{
    struct table *t = ctx;
    bool good = true;

    if (sim_setup(t->program) != 0)
        return false;
    for (unsigned i = job; i < t->n; i += t->jobs) {
        run_cell(&t->cell[i]);
        good &= t->cell[i].failure[0] == '\0';
    }
    sim_teardown();
    return good;
}

/* --- the page ------------------------------------------------------------------------------------
 */

static void
add_path(struct table *t, struct table_path path)
{
    for (unsigned i = 0; i < TABLE_TRANSPORTS; i++)
        t->cell[t->n++] = (struct table_cell){.path = path, .transport = (enum table_transport)i};
}

static void
add_targets(struct table *t)
{
    struct table_path path = {.rate = 100 * MBIT, .rtt = 40, .buffer_ms = 60};

    add_path(t, path);
    path.loss = 10;
    add_path(t, path);
    path.loss = 0;
    path.idle = true;
    add_path(t, path);
    path.loss = 10;
    add_path(t, path);
}

static void
add_matrix(struct table *t)
{
    static const uint64_t rates[] = {100 * MBIT, 10 * MBIT};
    static const unsigned rtts[] = {10, 40, 100}, losses[] = {0, 1, 10, 30}, buffers[] = {25, 150};

    for (unsigned r = 0; r < 2; r++)
        for (unsigned d = 0; d < 3; d++)
            for (unsigned l = 0; l < 4; l++)
                for (unsigned b = 0; b < 2; b++)
                    add_path(t, (struct table_path){.rate = rates[r],
                                                    .rtt = rtts[d],
                                                    .loss = losses[l],
                                                    .buffer = buffers[b]});
}

static void
print_header(void)
{
    printf(
        "\n| loss | buffer | transport | goodput, Mbit/s | of the rate | probe p50 | p95 | p99 | "
        "probes lost | sent again | queue p50 | p99 |\n"
        "|---:|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n");
}

static void
print_cell(const struct table_cell *c)
{
    const struct table_path *p = &c->path;

    if (p->buffer > 0)
        printf("| %g %% | %g BDP ", p->loss / 10.0, p->buffer / 100.0);
    else
        printf("| %g %% | %u ms ", p->loss / 10.0, p->buffer_ms);
    if (c->failure[0] != '\0') {
        printf("| %s | broke a rule: %s |\n", transport_names[c->transport], c->failure);
        return;
    }
    printf("| %s | %.1f | %.0f %% | %.1f | %.1f | %.1f | %.1f %% | %.1f %% | %.1f | %.1f |\n",
           transport_names[c->transport], c->goodput, 1e8 * c->goodput / (double)p->rate, c->p50,
           c->p95, c->p99, c->probes_lost, c->retransmitted, c->queue_p50, c->queue_p99);
}

static void
print_intro(void)
{
    printf("# Simulation\n\n"
           "Two whole nodes in virtual time (`tests/sim`), one bulk transfer through the tunnel "
           "(CUBIC as in Linux: SACK, RACK, HyStart) and beside it a probe each %d ms, whose round "
           "trip is measured. Rate, loss and buffer are the same in both directions. Measured over "
           "%.0f s, after %.0f s of warming up. Times are in ms; the queue is the bottleneck's, in "
           "the bulk's direction; \"sent again\" is the share of TCP bytes that left more than "
           "once. Nothing here depends on the machine: the same sources give the same page.\n\n"
           "    build/tests/sim/sim --table --jobs 2 > docs/simulation.md\n",
           INTERVAL_MS, (double)(MEASURE_TO - MEASURE_FROM) / 1e9,
           (double)(MEASURE_FROM - BULK_FROM) / 1e9);
}

/* Whether it is met. */
static bool
print_target(const char *text, double measured, bool at_least, double limit)
{
    bool good = at_least ? measured >= limit : measured <= limit;

    printf("| %s | %s %.1f | %.1f | %s |\n", text, at_least ? ">=" : "<=", limit, measured,
           good ? "yes" : "**no**");
    return good;
}

static double
percent_of(double a, double b)
{
    return 100 * a / (b + 1e-9);
}

/* The first cells are those of add_targets. Whether all targets are met. */
static bool
print_targets(const struct table *t)
{
    const struct table_cell *clean = &t->cell[0], *lossy = clean + TABLE_TRANSPORTS,
                            *idle = lossy + TABLE_TRANSPORTS, *idle_lossy = idle + TABLE_TRANSPORTS;
    bool good;

    printf("\n## 100 Mbit/s, 20 ms each way, a buffer of 60 ms\n\n"
           "| TCP bbr | demanded | measured | met |\n|---|---:|---:|---|\n");
    good = print_target("1 % loss each way: goodput, Mbit/s", lossy[TABLE_BBR].goodput, true, 85);
    good &= print_target("1 % loss each way: probe p50, ms", lossy[TABLE_BBR].p50, false, 55);
    good &= print_target("1 % loss each way: probe p99, ms", lossy[TABLE_BBR].p99, false, 80);
    good &= print_target("no loss: goodput, % of UDP's",
                         percent_of(clean[TABLE_BBR].goodput, clean[TABLE_UDP].goodput), true, 97);
    good &= print_target("no loss: probe p99, ms", clean[TABLE_BBR].p99, false, 65);
    good &= print_target("no load: probe p99, % of UDP's",
                         percent_of(idle[TABLE_BBR].p99, idle[TABLE_UDP].p99), false, 110);
    good &=
        print_target("no load, 1 % loss each way: probe p99, % of UDP's",
                     percent_of(idle_lossy[TABLE_BBR].p99, idle_lossy[TABLE_UDP].p99), false, 110);
    print_header();
    for (unsigned i = 0; i < 2 * TABLE_TRANSPORTS; i++)
        print_cell(&clean[i]);
    printf("\nWithout load:\n");
    print_header();
    for (unsigned i = 0; i < 2 * TABLE_TRANSPORTS; i++)
        print_cell(&idle[i]);
    return good;
}

static void
print_matrix(const struct table *t, unsigned first)
{
    for (unsigned i = first; i < t->n; i++) {
        const struct table_path *p = &t->cell[i].path, *last = &t->cell[i - 1].path;

        if (i == first || p->rate != last->rate || p->rtt != last->rtt) {
            printf("\n## %g Mbit/s, %u ms round trip\n", (double)p->rate / 1e6, p->rtt);
            print_header();
        }
        print_cell(&t->cell[i]);
    }
}

bool
table_print(const char *program, unsigned jobs, bool targets_only)
{
    struct table *t = jobs_shared(sizeof(*t));
    unsigned n_targets;
    bool good;

    t->program = program;
    t->jobs = jobs;
    add_targets(t);
    n_targets = t->n;
    if (!targets_only)
        add_matrix(t);
    good = jobs_run(jobs, run_cells, t);
    print_intro();
    good &= print_targets(t);
    print_matrix(t, n_targets);
    return good;
}
