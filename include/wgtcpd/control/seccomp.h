/* SPDX-License-Identifier: BSD-3-Clause */
/* The system calls that threads may make (seccomp(2)): lists of our own, by thread. */
#ifndef WGTCPD_CONTROL_SECCOMP_H
#define WGTCPD_CONTROL_SECCOMP_H

#include <wgtcpd/control/config.h>

/* Control: no program is run, nothing mounted, nobody traced, no memory is written to and
 * executed. A worker moves packets, and opens nothing besides. */
enum seccomp_role { SECCOMP_CONTROL, SECCOMP_WORKER };

/*
 * From now on a call that is not on the role's list ends the process with SIGSYS, after a line on
 * stderr that names it (CONFIG_SECCOMP_ON), or is carried out and named in the kernel's log
 * (CONFIG_SECCOMP_LOG). SECCOMP_CONTROL is for all threads of the process, and those that they
 * make; SECCOMP_WORKER for the calling thread, on top of it. 0, or -errno: the kernel cannot.
 */
int seccomp_confine(enum seccomp_role role, enum config_seccomp mode);

#endif
