/* SPDX-License-Identifier: BSD-3-Clause */
/* Plays random scenarios, or measures paths: see usage. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "jobs.h"
#include "sim.h"
#include "table.h"

enum { HANG_SECONDS = 60, MAX_JOBS = 16 };

static struct sim sim;
static volatile unsigned long long playing;

/* A loop that never ends cannot be seen from inside, nor can a crash be told otherwise. */
static void
on_signal(int number)
{
    static const char text[] = "FAILED: it hangs or crashed, again: sim --seeds 1 --seed ";
    char digits[24];
    size_t at = sizeof(digits);
    unsigned long long seed = playing;

    digits[--at] = '\n';
    do
        digits[--at] = (char)('0' + seed % 10);
    while ((seed /= 10) > 0 && at > 0);
    if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0 ||
        write(STDERR_FILENO, digits + at, sizeof(digits) - at) < 0)
        _exit(2);
    signal(number, SIG_DFL);
    raise(number);
}

static void
tell(const struct sim_config *c)
{
    printf(
        "  offered %zu and %zu, delivered %zu and %zu; network: %llu sent, %llu lost, "
        "%llu corrupted, %llu queue full; idle turns/s <= %llu\n",
        sim.traffic[0].n, sim.traffic[1].n, sim.traffic[0].n_delivered, sim.traffic[1].n_delivered,
        (unsigned long long)sim.network.stats.sent, (unsigned long long)sim.network.stats.lost,
        (unsigned long long)sim.network.stats.corrupted,
        (unsigned long long)sim.network.stats.queue_full, (unsigned long long)sim.idle_turns_max);
    (void)c;
}

static void
show_drops(const char *whose, unsigned node, const struct wgt_drop_counters *drops)
{
    for (unsigned i = 1; i < WGT_DROP_COUNT; i++)
        if (drops->n[i] > 0)
            printf("  %s %u: %llu x %s\n", whose, node, (unsigned long long)drops->n[i],
                   wgt_drop_text(i));
}

static void
show_node(const struct node *n)
{
    if (!n->up)
        return;
    for (unsigned i = 0; i < n->shards.n; i++)
        show_drops("tunnel", n->id, &n->shards.of[i]->drops);
    show_drops("handshaker", n->id, &n->handshaker.drops);
    if (n->peer != NULL)
        printf("  peer of %u: path %s, %llu handshakes, %llu dials, %u staged\n", n->id,
               transport_kind_name(n->peer->path.path.kind),
               (unsigned long long)n->peer->stats.handshakes,
               (unsigned long long)n->peer->stats.dials, n->peer->staged.count);
}

static void
show_messages(const struct watch *w)
{
    static const char *const names[] = {"", "initiation", "response", "cookie reply", "data"};

    for (size_t i = 0; i < w->n_messages; i++) {
        const struct watch_message *m = &w->messages[i];

        printf("  %.6f node %u sends %s %s to %08x, counter %llu, %u bytes\n",
               (double)m->time / 1e9, m->node, transport_kind_name(m->kind), names[m->type],
               m->receiver, (unsigned long long)m->counter, m->len);
    }
}

/* What happened, for whoever looks for the cause. */
static void
show(struct sim *s)
{
    for (size_t i = 0; i < s->watch.n_flags; i++) {
        const struct watch_flag *f = &s->watch.flags[i];

        printf("  %.6f node %u port %u sends flags %02x\n", (double)f->time / 1e9, f->node,
               f->local.port, f->flags);
    }
    show_messages(&s->watch);
    show_node(&s->node[0]);
    show_node(&s->node[1]);
}

static bool
play(uint64_t seed, bool verbose)
{
    struct sim_config c = sim_random(seed);
    bool good;

    playing = seed;
    alarm(HANG_SECONDS);
    if (verbose) {
        printf("seed %llu\n", (unsigned long long)seed);
        sim.on_failure = show;
        sim_describe(&c, stdout);
        fflush(stdout);
    }
    good = sim_play(&sim, &c);
    if (verbose)
        tell(&c);
    if (!good) {
        printf("FAILED seed %llu: %s\n", (unsigned long long)seed, sim.failure);
        if (!verbose)
            sim_describe(&c, stdout);
        printf("  again: sim --seed %llu --seeds 1 --verbose\n", (unsigned long long)seed);
    }
    return good;
}

static int
usage(const char *program)
{
    fprintf(stderr,
            "usage: %s [--seeds N] [--seed S] [--jobs J] [--verbose]\n"
            "Plays N random scenarios, beginning with seed S (default: from the clock), in J "
            "processes.\n"
            "       %s --table|--targets [--jobs J]\n"
            "Measures paths and prints a page of tables, or only what figures are demanded for.\n",
            program, program);
    return 2;
}

struct run {
    const char *program;
    uint64_t seed, seeds;
    unsigned jobs;
    bool verbose;
    uint64_t failed[MAX_JOBS];
};

static bool
play_share(void *ctx, unsigned job)
{
    static const int signals[] = {SIGALRM, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    struct run *r = ctx;

    if (sim_setup(r->program) != 0)
        return false;
    for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        signal(signals[i], on_signal);
    for (uint64_t i = job; i < r->seeds; i += r->jobs)
        r->failed[job] += !play(r->seed + i, r->verbose);
    sim_teardown();
    return r->failed[job] == 0;
}

static bool
play_all(struct run *r)
{
    bool good = jobs_run(r->jobs, play_share, r);
    uint64_t failed = 0;

    for (unsigned i = 0; i < r->jobs; i++)
        failed += r->failed[i];
    printf("%llu scenarios from seed %llu: %llu failed\n", (unsigned long long)r->seeds,
           (unsigned long long)r->seed, (unsigned long long)failed);
    return good;
}

int
main(int argc, char **argv)
{
    static const struct option options[] = {{"seeds", required_argument, NULL, 'n'},
                                            {"seed", required_argument, NULL, 's'},
                                            {"jobs", required_argument, NULL, 'j'},
                                            {"verbose", no_argument, NULL, 'v'},
                                            {"table", no_argument, NULL, 't'},
                                            {"targets", no_argument, NULL, 'g'},
                                            {NULL, 0, NULL, 0}};
    struct run *r = jobs_shared(sizeof(*r));
    bool table = false, targets = false;

    *r = (struct run){
        .program = argv[0], .seed = (uint64_t)time(NULL) * 1000, .seeds = 100, .jobs = 1};
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'n')
            r->seeds = strtoull(optarg, NULL, 0);
        else if (c == 's')
            r->seed = strtoull(optarg, NULL, 0);
        else if (c == 'j')
            r->jobs = (unsigned)strtoul(optarg, NULL, 0);
        else if (c == 'v')
            r->verbose = true;
        else if (c == 't')
            table = true;
        else if (c == 'g')
            targets = true;
        else
            return usage(argv[0]);
    }
    if (optind != argc || r->seeds == 0 || r->jobs == 0 || r->jobs > MAX_JOBS)
        return usage(argv[0]);
    if (table || targets)
        return !table_print(argv[0], r->jobs, targets);
    return !play_all(r);
}
