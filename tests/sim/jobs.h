/* SPDX-License-Identifier: BSD-3-Clause */
/* The same work in several processes, each with an EAL of its own. */
#ifndef SIM_JOBS_H
#define SIM_JOBS_H

#include <stdbool.h>
#include <stddef.h>

/* Calls work(ctx, job) in `jobs` children (1: here); true when all returned true. Children don't
 * outlive their parent. */
bool jobs_run(unsigned jobs, bool (*work)(void *ctx, unsigned job), void *ctx);
/* Zeroed memory that children share with their parent; never freed. */
void *jobs_shared(size_t size);

#endif
