/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The processor's own counters, of the worker's turns alone: they are switched on and off around
 * each. That takes two system calls a turn, so figures of time come from other rounds. Kernels and
 * hypervisors may refuse; then there are none.
 */
#ifndef WGTCPD_BENCH_COUNT_H
#define WGTCPD_BENCH_COUNT_H

#include <stdbool.h>
#include <stdint.h>

enum count_event {
    COUNT_CYCLES,
    COUNT_INSTRUCTIONS,
    COUNT_CACHE_MISSES, /* of the first level, data reads */
    COUNT_TLB_MISSES,   /* data reads */
    COUNT_BRANCH_MISSES,
    COUNT_EVENTS
};

struct counts {
    uint64_t of[COUNT_EVENTS];
};

/* false: this machine has none. */
bool count_open(void);
/* From here on counted turns count, or no longer. */
void count_enable(bool on);
void count_turn_begin(void);
void count_turn_end(void);
/* Since the last time. */
struct counts count_take(void);

/* Where the cycles go: samples of the instruction counter, taken in counted turns only. false: this
 * machine takes none. */
bool count_sample_open(void);
void count_sample_enable(bool on);
void count_sample_turn(bool begins);
/* Takes what was sampled out of the kernel's buffer. */
void count_sample_collect(void);
/* Prints what share of `clocks` (of a packet) belongs to which room and to which function, and
 * forgets the samples. */
void count_sample_tell(double clocks);

#endif
