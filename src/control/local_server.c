/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/control/local_server.h>

#include <errno.h>
#include <stddef.h>

#include <event2/event.h>

enum { PAUSE_S = 1 };

/* 0, or -errno when there is no more to accept now. */
static int
accept_client(struct local_server *s)
{
    int fd = local_socket_accept(&s->socket), rc;

    if (fd == -EPERM || fd == -EINTR || fd == -ECONNABORTED)
        return 0;
    if (fd < 0)
        return fd;
    rc = s->config.add(s->config.ctx, fd);
    if (rc == 0)
        s->n_clients++;
    return rc;
}

static void
on_acceptable(evutil_socket_t fd, short what, void *ctx)
{
    const struct timeval pause = {.tv_sec = PAUSE_S};
    struct local_server *s = ctx;
    int rc = 0;

    (void)fd;
    (void)what;
    while (rc == 0 && s->n_clients < s->config.max_clients)
        rc = accept_client(s);
    if (rc == -EAGAIN)
        event_add(s->acceptable, NULL);
    else if (rc != 0)
        event_add(s->pause, &pause); /* out of descriptors or memory, which may pass */
}

static int
add_events(struct local_server *s)
{
    struct event_base *base = s->config.base;

    s->acceptable = event_new(base, s->socket.fd, EV_READ, on_acceptable, s);
    s->pause = event_new(base, -1, 0, on_acceptable, s);
    if (s->acceptable == NULL || s->pause == NULL || event_add(s->acceptable, NULL) != 0)
        return -ENOMEM;
    return 0;
}

int
local_server_start(struct local_server *s, const struct local_server_config *config)
{
    int rc;

    *s = (struct local_server){.config = *config};
    s->config.directory = s->config.name = NULL; /* the caller's */
    rc = local_socket_listen(&s->socket, config->directory, config->name);
    if (rc == 0)
        rc = add_events(s);
    if (rc != 0)
        local_server_stop(s);
    return rc;
}

void
local_server_left(struct local_server *s)
{
    s->n_clients--;
    event_add(s->acceptable, NULL);
}

void
local_server_stop(struct local_server *s)
{
    if (s->config.base == NULL)
        return;
    if (s->acceptable != NULL)
        event_free(s->acceptable);
    if (s->pause != NULL)
        event_free(s->pause);
    local_socket_close(&s->socket);
    *s = (struct local_server){.n_clients = 0};
}
