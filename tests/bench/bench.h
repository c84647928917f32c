/* SPDX-License-Identifier: BSD-3-Clause */
/* What the benches share: their options, the clock, and how figures are taken and told. */
#ifndef WGTCPD_BENCH_H
#define WGTCPD_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>
#include <rte_cycles.h>
#include <rte_mempool.h>

#include <wgtcpd/base/base.h>

enum { BENCH_LIST_MAX = 8 };

struct bench_list {
    uint32_t of[BENCH_LIST_MAX];
    unsigned n;
};

struct bench_options {
    bool quick;              /* small numbers: does it work at all */
    bool stages;             /* where the clocks go */
    bool software_checksums; /* the ports compute none */
    bool crypto_worker;      /* the node has one, on another CPU */
    const char *json;        /* a file; NULL: none */
    const char *congestion;  /* NULL: the default */
    const char *only;        /* "udp" or "tcp"; NULL: both */
    const char *way;         /* "send" or "receive"; NULL: both */
    unsigned rounds;
    int cpu; /* -1: the last one */
    struct bench_list sizes, peers;
};

/* Says what is wrong and ends the process: figures of what went wrong are worth nothing. */
__attribute__((noreturn, format(printf, 1, 2))) void bench_die(const char *format, ...);

/* --- figures ---------------------------------------------------------------------------------- */

/* Values of rounds. */
struct bench_rounds {
    double *of;
    unsigned n, max;
};

void bench_rounds_init(struct bench_rounds *r, unsigned max);
void bench_rounds_fini(struct bench_rounds *r);
void bench_rounds_add(struct bench_rounds *r, double value);
/* Puts them in order. */
double bench_rounds_median(struct bench_rounds *r);

/* Clocks of the time-stamp counter. */
static inline uint64_t
bench_clock(void)
{
    return rte_rdtsc_precise();
}
/* Without what looking at the clock takes. */
uint64_t bench_clocks_since(uint64_t begin);
void bench_clock_calibrate(void);
wgt_time bench_clocks_to_time(uint64_t clocks);

/* A CPU beside the one that the bench runs on; the same if there is only one. */
int bench_another_cpu(const struct bench_options *o);

/* Resident memory of this process, bytes. */
uint64_t bench_resident(void);

/* One line of a result, kept for --json (NULL: there is none). Takes row. */
void bench_report(json_t *row);
/* Writes what was reported, with the machine and the build, to the file. */
void bench_report_write(const struct bench_options *o, const char *bench);

/* --- chance ----------------------------------------------------------------------------------- */

/* xorshift64*: the same every time. */
static inline uint64_t
bench_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

/* Below n. */
static inline uint32_t
bench_random_below(uint64_t *state, uint32_t n)
{
    return (uint32_t)((bench_random(state) >> 32) * n >> 32);
}

/* --- the benches ------------------------------------------------------------------------------ */

void bench_path(const struct bench_options *o, struct rte_mempool *pool);
void bench_handshake(const struct bench_options *o, struct rte_mempool *pool);
void bench_connections(const struct bench_options *o, struct rte_mempool *pool);
void bench_scale(const struct bench_options *o, struct rte_mempool *pool);
void bench_workers(const struct bench_options *o, struct rte_mempool *pool);

#endif
