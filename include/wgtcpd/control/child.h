/* SPDX-License-Identifier: BSD-3-Clause */
/* Programs that the daemon runs: hooks, resolvconf. */
#ifndef WGTCPD_CONTROL_CHILD_H
#define WGTCPD_CONTROL_CHILD_H

enum {
    CHILD_NOT_FOUND = 127,  /* the shell's way to say so */
    CHILD_REFUSED = 0x1000, /* the keeper's (keeper.h); child_run gives -1 for it */
};

/*
 * Runs the program argv[0] (looked up in PATH) and waits for its end. It gets an ordinary program's
 * signals and none of our descriptors but stdout and stderr; input (NULL: our own stdin) is what it
 * reads. meanwhile (may be NULL) is called every few milliseconds, so that handshakes go on. The
 * exit code, 128 and the signal's number, or -1 when it could not be started (logged). Where there
 * is a keeper (keeper.h), it runs the program.
 */
int child_run(char *const argv[], const char *input, void (*meanwhile)(void *ctx), void *ctx);

#endif
