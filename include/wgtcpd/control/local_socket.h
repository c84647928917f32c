/* SPDX-License-Identifier: BSD-3-Clause */
/* A listening socket in the file system (AF_UNIX), for root and for our own user. */
#ifndef WGTCPD_CONTROL_LOCAL_SOCKET_H
#define WGTCPD_CONTROL_LOCAL_SOCKET_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

struct local_socket {
    int fd; /* does not block; -1: closed */
    struct sockaddr_un address;
    dev_t device; /* of the file that is ours */
    ino_t inode;
};

/*
 * Listens on directory/name.sock (mode 0700), makes the directory (mode 0755) if there is none.
 * What a killed process left there, a socket that nobody answers, is replaced. 0 or -errno:
 * -EADDRINUSE (somebody answers, or the file is no socket), -ENAMETOOLONG, and what the file system
 * says.
 */
int local_socket_listen(struct local_socket *s, const char *directory, const char *name);

/* Closes it and removes the file if it is ours still. Nothing if it is closed. */
void local_socket_close(struct local_socket *s);

/* Whether the file is there and ours still. */
bool local_socket_present(const struct local_socket *s);

/* The next connection, one that does not block. -errno: -EAGAIN (none), -EPERM (a stranger's; it
 * was closed, there may be more), and others. */
int local_socket_accept(const struct local_socket *s);

#endif
