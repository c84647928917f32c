/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The keeper: a small process that stays as the daemon was started (root), while the daemon itself
 * gives its privileges up. It runs the configuration's hooks and resolvconf, hands out the
 * configuration file for a reload and writes it for SaveConfig, removes what a daemon without
 * rights cannot, and refuses all else. It keeps no keys. It ends when the daemon does, however that
 * ends.
 */
#ifndef WGTCPD_CONTROL_KEEPER_H
#define WGTCPD_CONTROL_KEEPER_H

#include <stdio.h>

#include <wgtcpd/control/config.h>

/*
 * Forks the keeper of the configuration read from path: the hooks that it has now are those that
 * may be run, and those that the file has at a reload. To be called while there is one thread and,
 * in `c`, the only copy of keys. 0, or -errno.
 */
int keeper_start(struct config *c, const char *path);
/* Lets it end; there need not be one. */
void keeper_stop(void);
bool keeper_is_up(void);

/* child_run of child.h, in the keeper. CHILD_REFUSED: not one of the commands that it may run. */
int keeper_run(char *const argv[], const char *input, void (*meanwhile)(void *ctx), void *ctx);
/* The configuration file, open for reading, as for a reload; -errno. */
int keeper_open_config(void);
/*
 * config_replace of config_file.h, in the keeper. -EPERM: the text has an [Interface] or a [Port]
 * that no file of root's had but for what `wg` sets; -EINVAL: it is no configuration.
 */
int keeper_save(void (*print)(void *ctx, FILE *to), void *ctx);
/* Removes sockets and directories that the daemon of this interface makes under /run. */
void keeper_clean(void);

#endif
