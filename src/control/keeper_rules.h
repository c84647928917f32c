/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the keeper does for a daemon that may have fallen into wrong hands: what a file of root's
 * asked for, and nothing else.
 */
#ifndef WGTCPD_CONTROL_KEEPER_RULES_H
#define WGTCPD_CONTROL_KEEPER_RULES_H

#include <wgtcpd/control/config.h>

struct keeper_rules {
    char ifname[CONFIG_IFNAME_MAX + 1];
    struct config_strings commands; /* hooks, expanded */
    struct config_strings sections; /* [Interface] and [Port] as text, without what `wg` sets */
};

/* Besides what is known, what this configuration has. 0 or -ENOMEM. */
int keeper_rules_learn(struct keeper_rules *r, const struct config *c);
void keeper_rules_clear(struct keeper_rules *r);

/* A hook, or resolvconf for this interface. */
bool keeper_rules_allow_command(const struct keeper_rules *r, char *const argv[], size_t n);
/* A file that differs from those that were learnt in keys and peers only: else it could bring a
 * hook, which root would run at the next start. */
bool keeper_rules_allow_file(const struct keeper_rules *r, const struct config *c);

#endif
