/* SPDX-License-Identifier: BSD-3-Clause */
/* PreUp, PostUp, PreDown, PostDown: shell commands, as wg-quick runs them. */
#ifndef WGTCPD_CONTROL_HOOKS_H
#define WGTCPD_CONTROL_HOOKS_H

#include <wgtcpd/control/config.h>

/* The command with every %i replaced by the interface's name; to be freed. NULL: no memory. */
char *hooks_expand(const char *command, const char *ifname);

/* Runs the commands one after another with %i replaced by the interface's name; each is logged.
 * Stops at the first that fails: -1 (logged). meanwhile
 * (may be NULL) is called while a command runs: handshakes go on, for a PostUp may wait for the
 * tunnel that it follows. */
int hooks_run(const struct config_strings *commands, const char *ifname,
              void (*meanwhile)(void *ctx), void *ctx);

#endif
