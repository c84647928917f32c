/* SPDX-License-Identifier: BSD-3-Clause */
/* What a path gives: a bulk transfer inside the tunnel and a probe beside it, for many paths and
 * every transport, as a Markdown page. */
#ifndef SIM_TABLE_H
#define SIM_TABLE_H

#include <stdbool.h>

/* program: for the EAL. targets_only: the paths for which figures are demanded, no tables. false: a
 * run broke a rule, or a figure is missed. */
bool table_print(const char *program, unsigned jobs, bool targets_only);

#endif
