/* SPDX-License-Identifier: BSD-3-Clause */
/* Accepts the clients of a local socket, as many at a time as there is room for; the others wait.
 */
#ifndef WGTCPD_CONTROL_LOCAL_SERVER_H
#define WGTCPD_CONTROL_LOCAL_SERVER_H

#include <wgtcpd/control/local_socket.h>

struct event;
struct event_base;

struct local_server_config {
    struct event_base *base;
    const char *directory, *name; /* of local_socket_listen */
    unsigned max_clients;
    void *ctx;
    /* Takes the descriptor in any case. 0: local_server_left is called once when the client goes;
     * -errno: there is none. */
    int (*add)(void *ctx, int fd);
};

struct local_server {
    struct local_server_config config;
    struct local_socket socket;
    struct event *acceptable, *pause;
    unsigned n_clients;
};

/* directory and name are copied. 0, or -errno (of local_socket_listen, -ENOMEM) and it is stopped.
 */
int local_server_start(struct local_server *s, const struct local_server_config *config);
/* A client has gone: who waited for a place may have it. */
void local_server_left(struct local_server *s);
/* The clients are their owner's. One that is all zero, or stopped, is fine. */
void local_server_stop(struct local_server *s);

#endif
