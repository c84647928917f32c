/* SPDX-License-Identifier: BSD-3-Clause */
/* Figures: medians, the clock, memory, and what is written down. */
#include "bench.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <rte_version.h>

#include <wgtcpd/noise/noise.h>

static json_t *rows;

void
bench_die(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fputs("bench: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

/* --- rounds -------------------------------------------------------------------------------------
 */

void
bench_rounds_init(struct bench_rounds *r, unsigned max)
{
    *r = (struct bench_rounds){.of = calloc(max, sizeof(*r->of)), .max = max};
    if (r->of == NULL)
        bench_die("no memory for %u rounds", max);
}

void
bench_rounds_fini(struct bench_rounds *r)
{
    free(r->of);
}

void
bench_rounds_add(struct bench_rounds *r, double value)
{
    if (r->n < r->max)
        r->of[r->n++] = value;
}

static int
compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double
bench_rounds_median(struct bench_rounds *r)
{
    if (r->n == 0)
        return 0;
    qsort(r->of, r->n, sizeof(*r->of), compare);
    return r->n % 2 != 0 ? r->of[r->n / 2] : (r->of[r->n / 2 - 1] + r->of[r->n / 2]) / 2;
}

/* --- clock and memory ---------------------------------------------------------------------------
 */

static uint64_t clock_cost;

void
bench_clock_calibrate(void)
{
    clock_cost = UINT64_MAX;
    for (int i = 0; i < 1000; i++) {
        uint64_t begin = bench_clock(), took = bench_clock() - begin;

        if (took < clock_cost)
            clock_cost = took;
    }
}

uint64_t
bench_clocks_since(uint64_t begin)
{
    uint64_t took = bench_clock() - begin;

    return took > clock_cost ? took - clock_cost : 0;
}

wgt_time
bench_clocks_to_time(uint64_t clocks)
{
    return clocks * 1000 / (rte_get_tsc_hz() / 1000000);
}

uint64_t
bench_resident(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    unsigned long total, resident = 0;

    if (f == NULL || fscanf(f, "%lu %lu", &total, &resident) != 2)
        bench_die("/proc/self/statm cannot be read");
    fclose(f);
    return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* --- writing down -------------------------------------------------------------------------------
 */

void
bench_report(json_t *row)
{
    if (row == NULL)
        bench_die("no memory for a row");
    if (rows == NULL)
        rows = json_array();
    json_array_append_new(rows, row);
}

static void
processor(char *model, size_t len)
{
    FILE *f = fopen("/proc/cpuinfo", "r");
    char line[256];

    snprintf(model, len, "unknown");
    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        char *colon = strchr(line, ':');

        if (strncmp(line, "model name", 10) != 0 || colon == NULL)
            continue;
        snprintf(model, len, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
        break;
    }
    if (f != NULL)
        fclose(f);
}

void
bench_report_write(const struct bench_options *o, const char *bench)
{
    char model[128];
    struct utsname kernel;
    json_t *root;

    if (o->json == NULL)
        return;
    processor(model, sizeof(model));
    uname(&kernel);
    root = json_pack("{s:s s:s s:s s:s s:s s:s s:I s:b s:i s:O}", "bench", bench, "version",
                     WGTCPD_VERSION, "aead", noise_aead_name(), "dpdk", rte_version(), "cpu", model,
                     "kernel", kernel.release, "tsc_hz", (json_int_t)rte_get_tsc_hz(), "quick",
                     o->quick, "rounds", (int)o->rounds, "rows", rows);
    if (root == NULL || json_dump_file(root, o->json, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) != 0)
        bench_die("%s cannot be written", o->json);
    json_decref(root);
}
