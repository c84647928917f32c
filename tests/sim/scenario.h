/* SPDX-License-Identifier: BSD-3-Clause */
/* What named scenarios share: one world, and questions to it. */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include "sim.h"

#define S  WGT_SEC
#define MS WGT_MSEC

extern struct sim world;

void begin(const struct sim_config *c);
void run_to(wgt_time t);
void finish(void);
void play(const struct sim_config *c);
/* A test that failed half-way leaves its world. */
int clean_up(void **state);
struct sim_config scenario(uint64_t seed, enum transport_kind kind);
/* Both ways, about 30 packets a second each, from first on until 2 s before the end. */
void steady(struct sim_config *c, wgt_time first);
void one_packet(struct sim_config *c, unsigned node, wgt_time at);
void fault(struct sim_config *c, wgt_time from, wgt_time until, struct network_impairment what);
/* Nothing that was offered from..until was lost, and something was offered. */
void expect_all_delivered(wgt_time from, wgt_time until);
/* When a node sent a message of a type for the first time from `from` on, or last before `until`.
 */
wgt_time oldest(unsigned node, enum message_type type, wgt_time from);
wgt_time newest(unsigned node, enum message_type type, wgt_time until);
size_t initiations(unsigned node, wgt_time from, wgt_time until);
size_t keepalives(unsigned node, wgt_time from, wgt_time until);
size_t messages(unsigned node, wgt_time from, wgt_time until);
wgt_time longest_delay(unsigned node, wgt_time offered_from);

#endif
