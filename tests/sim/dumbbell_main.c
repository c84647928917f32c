/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dumbbell [--table]              the table of docs: goodput and queue over rate, delay, buffer,
 * loss dumbbell --rate MBIT --delay MS --buffer MS [--loss PERCENT] [--reorder PERCENT]
 *          [--jitter MS] [--police MBIT --burst BYTES] [--seconds N]
 *          [--from N] [--seed N] FLOW...      one run
 *     FLOW: bbr | cubic | none, "model-" before it for an ideal sender, "@S" behind it to start
 *           after S seconds
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dumbbell.h"

struct path {
    double mbit, delay_ms, buffer_ms, loss;
};

static wgt_time
msec(double ms)
{
    return (wgt_time)(ms * 1e6);
}

static struct dumbbell_options
options(const struct path *p)
{
    return (struct dumbbell_options){
        .rate = (uint64_t)(p->mbit * 1e6),
        .delay = msec(p->delay_ms),
        .buffer = msec(p->buffer_ms),
        .loss = (uint32_t)(p->loss * 1e4),
        .from = 5 * WGT_SEC,
        .until = 30 * WGT_SEC,
        .seed = 1,
    };
}

static bool
add_flow(struct dumbbell_options *o, const char *text)
{
    struct dumbbell_flow_options f = {0};
    char name[16];
    double start = 0;

    if (strncmp(text, "model-", 6) == 0) {
        f.model = true;
        text += 6;
    }
    if (sscanf(text, "%15[^@]@%lf", name, &start) < 1 || o->n_flows == DUMBBELL_FLOWS_MAX)
        return false;
    f.cc = tcp_cc_find(name);
    f.start = (wgt_time)(start * 1e9);
    o->flows[o->n_flows++] = f;
    return f.cc != NULL;
}

static double
ms(wgt_time t)
{
    return (double)t / 1e6;
}

static void
print_run(const struct dumbbell_options *o)
{
    struct dumbbell_result r;

    dumbbell_run(o, &r);
    for (uint32_t i = 0; i < o->n_flows; i++)
        printf("%s%s: %.2f Mbit/s, %llu segments, %llu again, %llu timeouts\n",
               o->flows[i].model ? "model-" : "", o->flows[i].cc->name, r.flows[i].mbps,
               (unsigned long long)r.flows[i].segments,
               (unsigned long long)r.flows[i].retransmitted,
               (unsigned long long)r.flows[i].timeouts);
    printf("all %.2f Mbit/s, Jain %.3f, queue p50 %.1f p95 %.1f p99 %.1f max %.1f ms, %llu "
           "overflowed\n",
           r.mbps, r.jain, ms(r.queue_p50), ms(r.queue_p95), ms(r.queue_p99), ms(r.queue_max),
           (unsigned long long)r.overflowed);
}

static void
print_cell(const struct path *p, const char *flow)
{
    struct dumbbell_options o = options(p);
    struct dumbbell_result r;

    add_flow(&o, flow);
    dumbbell_run(&o, &r);
    printf(" %.4g | %.1f / %.1f |", r.mbps, ms(r.queue_p50), ms(r.queue_p99));
}

static void
print_table(void)
{
    static const struct path paths[] = {
        {100, 20, 60, 0},  {100, 20, 60, 1}, {100, 20, 60, 3}, {100, 20, 60, 5},
        {100, 20, 10, 0},  {100, 20, 10, 1}, {100, 20, 10, 3}, {100, 20, 160, 0},
        {100, 20, 160, 1}, {10, 50, 100, 0}, {10, 50, 100, 1}, {10, 50, 100, 3},
        {1, 100, 200, 0},  {1, 100, 200, 1}, {1000, 5, 10, 0}, {1000, 5, 10, 1},
    };

    printf("| Mbit/s | RTT ms | buffer ms | loss %% | bbr Mbit/s | queue p50 / p99 ms | cubic "
           "Mbit/s | queue p50 / p99 ms |\n|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        const struct path *p = &paths[i];

        printf("| %g | %g | %g | %g |", p->mbit, 2 * p->delay_ms, p->buffer_ms, p->loss);
        print_cell(p, "bbr");
        print_cell(p, "cubic");
        printf("\n");
    }
}

int
main(int argc, char **argv)
{
    struct path path = {100, 20, 60, 0};
    struct dumbbell_options o = options(&path);
    bool table = argc < 2;

    for (int i = 1; i < argc; i++) {
        double value = i + 1 < argc ? atof(argv[i + 1]) : 0;

        if (strcmp(argv[i], "--table") == 0) {
            table = true;
            continue;
        }
        if (strncmp(argv[i], "--", 2) != 0) {
            if (!add_flow(&o, argv[i])) {
                fprintf(stderr, "dumbbell: no such flow: %s\n", argv[i]);
                return 2;
            }
            continue;
        }
        if (strcmp(argv[i], "--rate") == 0)
            o.rate = (uint64_t)(value * 1e6);
        else if (strcmp(argv[i], "--delay") == 0)
            o.delay = msec(value);
        else if (strcmp(argv[i], "--buffer") == 0)
            o.buffer = msec(value);
        else if (strcmp(argv[i], "--loss") == 0)
            o.loss = (uint32_t)(value * 1e4);
        else if (strcmp(argv[i], "--reorder") == 0)
            o.reorder = (uint32_t)(value * 1e4);
        else if (strcmp(argv[i], "--jitter") == 0)
            o.jitter = msec(value);
        else if (strcmp(argv[i], "--police") == 0)
            o.police_rate = (uint64_t)(value * 1e6);
        else if (strcmp(argv[i], "--burst") == 0)
            o.police_burst = (uint32_t)value;
        else if (strcmp(argv[i], "--from") == 0)
            o.from = (wgt_time)(value * 1e9);
        else if (strcmp(argv[i], "--seconds") == 0)
            o.until = (wgt_time)(value * 1e9);
        else if (strcmp(argv[i], "--seed") == 0)
            o.seed = (uint64_t)value;
        else {
            fprintf(stderr, "dumbbell: no such option: %s\n", argv[i]);
            return 2;
        }
        i++;
    }
    if (table)
        print_table();
    else if (o.n_flows > 0)
        print_run(&o);
    return 0;
}
