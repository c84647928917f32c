/* SPDX-License-Identifier: BSD-3-Clause */
/* What the daemon may do once its ports are made: as little as will do. */
#ifndef WGTCPD_CONTROL_PRIVILEGE_H
#define WGTCPD_CONTROL_PRIVILEGE_H

#include <sys/types.h>

#include <wgtcpd/control/config.h>

/* Before keys are read: the process is never dumped to a file, and nobody but root traces it. */
void privilege_no_dumps(void);

/* Before keys are read: as much memory as may be is kept out of swap space when that is asked for
 * (vault.h), by CAP_IPC_LOCK or, later, without it. */
void privilege_lock_memory(void);

/* A user to become. */
struct privilege_user {
    const char *name;
    uid_t uid;
    gid_t gid;
};
/* false (logged): there is no such user. */
bool privilege_find_user(const char *name, struct privilege_user *user);

/* The capabilities that a node of this configuration needs while it runs, a bit each
 * (capabilities(7)). */
uint64_t privilege_needed(const struct config *c);

/*
 * In every thread of the process: becomes the user (NULL: stays who it is), gives up every
 * capability that is not in `keep`, for ever, and with them the means to get more by running a
 * program. 0, or -errno: some thread could not.
 */
int privilege_drop(const struct privilege_user *user, uint64_t keep);

#endif
