/* SPDX-License-Identifier: BSD-3-Clause */
/* The server: each client gets a turn for every operation, and none waits for another's reading. */
#include <errno.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include <wgtcpd/control/local_server.h>
#include <wgtcpd/control/uapi.h>
#include <wgtcpd/vault/vault.h>

enum { INPUT_SIZE = 16384 };

struct client {
    LIST_ENTRY(client) link;
    struct uapi *server;
    struct event *readable, *writable; /* one of them is waited for */
    int fd;
    bool ending; /* when the reply is written */
    struct uapi_parser parser;
    struct uapi_text reply;  /* or the piece of one that is being written */
    size_t written;          /* of the reply */
    bool getting;            /* there are more pieces */
    struct device_cursor at; /* with getting: where it stands */
    size_t input_at, input_len;
    char input[INPUT_SIZE];
};

struct uapi {
    struct uapi_config config;
    struct timeval patience;
    struct local_server server;
    int watch_fd;
    struct event *watched;
    LIST_HEAD(, client) clients;
};

static void
free_event(struct event *e)
{
    if (e != NULL)
        event_free(e);
}

/* --- a client --- */

static void
free_client(struct client *c)
{
    free_event(c->readable);
    free_event(c->writable);
    close(c->fd);
    device_cursor_end(&c->at);
    uapi_text_clear(&c->reply);
    uapi_parser_fini(&c->parser);
    vault_free(c, sizeof(*c));
}

/* Any one, off the list; NULL: there is none. */
static struct client *
take_client(struct uapi *u)
{
    struct client *c = LIST_FIRST(&u->clients);

    if (c != NULL)
        LIST_REMOVE(c, link);
    return c;
}

static void
drop_client(struct client *c)
{
    LIST_REMOVE(c, link);
    free_client(c);
}

/* A piece of the reply; the whole one, when there are few peers. */
static void
get_piece(struct client *c)
{
    const struct uapi_config *host = &c->server->config;
    int rc = host->get(host->ctx, &c->at, &c->reply);

    if (c->reply.failed)
        rc = -ENOMEM;
    if (rc < 0)
        uapi_text_clear(&c->reply);
    c->getting = rc > 0;
    if (c->getting)
        return;
    device_cursor_end(&c->at);
    uapi_format_end(&c->reply, UAPI_GET, rc);
}

static void
carry_out(struct client *c, enum uapi_parsed operation, int error)
{
    const struct uapi_config *host = &c->server->config;

    if (error == 0 && operation == UAPI_GET) {
        get_piece(c);
        return;
    }
    if (error == 0)
        error = host->set(host->ctx, &c->parser.change);
    uapi_format_end(&c->reply, operation, error);
}

enum next { NEXT_READ, NEXT_WRITE, NEXT_END };

/* Input is over. What is not complete is refused, an empty line having been its sign that it is
 * all; a client that sent nothing (as `wg` does to see whether we are there) is not answered. */
static enum next
at_end_of_input(struct client *c)
{
    if (!uapi_parser_midway(&c->parser) || c->parser.stage == UAPI_FIRST_LINE)
        return NEXT_END;
    carry_out(c, c->parser.operation, -EPROTO);
    c->ending = true;
    return NEXT_WRITE;
}

static enum next
read_some(struct client *c)
{
    ssize_t n = recv(c->fd, c->input, sizeof(c->input), 0);

    if (n == 0)
        return at_end_of_input(c);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? NEXT_READ : NEXT_END;
    c->input_at = 0;
    c->input_len = (size_t)n;
    return NEXT_WRITE;
}

/* Goes on with what was read, up to the end of one operation. */
static enum next
take_input(struct client *c)
{
    size_t used;
    enum uapi_parsed parsed =
        uapi_parse(&c->parser, c->input + c->input_at, c->input_len - c->input_at, &used);

    explicit_bzero(c->input + c->input_at, used);
    c->input_at += used;
    if (parsed == UAPI_MORE)
        return NEXT_READ;
    if (parsed == UAPI_BROKEN)
        return NEXT_END;
    carry_out(c, parsed, c->parser.error);
    return NEXT_WRITE;
}

static enum next
write_some(struct client *c)
{
    ssize_t n = send(c->fd, c->reply.data + c->written, c->reply.len - c->written, MSG_NOSIGNAL);

    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? NEXT_WRITE : NEXT_END;
    c->written += (size_t)n;
    if (c->written < c->reply.len)
        return NEXT_WRITE;
    c->written = 0;
    if (c->getting) {
        uapi_text_rewind(&c->reply);
        return NEXT_WRITE;
    }
    uapi_text_clear(&c->reply);
    if (c->ending)
        return NEXT_END;
    return c->input_at < c->input_len ? NEXT_WRITE : NEXT_READ;
}

static enum next
turn(struct client *c)
{
    enum next next;

    if (c->reply.failed)
        return NEXT_END;
    if (c->reply.len > 0)
        return write_some(c);
    if (c->getting) {
        get_piece(c);
        return NEXT_WRITE;
    }
    if (c->input_at == c->input_len) {
        next = read_some(c);
        if (next != NEXT_WRITE || c->ending)
            return next;
    }
    return take_input(c);
}

static void
end_client(struct client *c)
{
    struct uapi *u = c->server;

    drop_client(c);
    local_server_left(&u->server);
}

static void
on_client(evutil_socket_t fd, short what, void *ctx)
{
    struct client *c = ctx;
    enum next next = what == EV_TIMEOUT ? NEXT_END : turn(c);
    struct event *event = next == NEXT_READ ? c->readable : c->writable;

    (void)fd;
    /* A client's patience is not used up by what we took to answer: of many peers that is long. */
    event_base_update_cache_time(c->server->config.base);
    if (next == NEXT_END || event_add(event, &c->server->patience) != 0)
        end_client(c);
}

static int
add_client(void *ctx, int fd)
{
    struct client *c = vault_alloc(sizeof(*c));
    struct uapi *u = ctx;

    if (c == NULL) {
        close(fd);
        return -ENOMEM;
    }
    c->server = u;
    c->fd = fd;
    uapi_parser_init(&c->parser);
    LIST_INSERT_HEAD(&u->clients, c, link);
    c->readable = event_new(u->config.base, fd, EV_READ, on_client, c);
    c->writable = event_new(u->config.base, fd, EV_WRITE, on_client, c);
    if (c->readable != NULL && c->writable != NULL && event_add(c->readable, &u->patience) == 0)
        return 0;
    drop_client(c);
    return -ENOMEM;
}

/* --- the file --- */

static void
on_watched(evutil_socket_t fd, short what, void *ctx)
{
    char events[4096];
    struct uapi *u = ctx;

    (void)what;
    while (read(fd, events, sizeof(events)) > 0)
        ;
    if (!local_socket_present(&u->server.socket))
        u->config.deleted(u->config.ctx);
}

/* --- start and stop --- */

/* 0 or -errno. */
static int
watch_file(struct uapi *u)
{
    u->watch_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    /* To lose its name changes a file's attributes; it is deleted only when we close it. */
    if (u->watch_fd < 0 || inotify_add_watch(u->watch_fd, u->server.socket.address.sun_path,
                                             IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF) < 0)
        return -errno;
    u->watched = event_new(u->config.base, u->watch_fd, EV_READ | EV_PERSIST, on_watched, u);
    return u->watched != NULL && event_add(u->watched, NULL) == 0 ? 0 : -ENOMEM;
}

struct uapi *
uapi_start(const struct uapi_config *config)
{
    struct uapi *u = calloc(1, sizeof(*u));
    const struct local_server_config server = {
        .base = config->base,
        .directory = config->directory,
        .name = config->ifname,
        .max_clients = config->max_clients,
        .ctx = u,
        .add = add_client,
    };
    int rc;

    if (u == NULL)
        return NULL;
    u->config = *config;
    u->config.directory = u->config.ifname = NULL; /* not needed any more, and the caller's */
    u->patience.tv_sec = config->patience_ms / 1000;
    u->patience.tv_usec = config->patience_ms % 1000 * 1000;
    u->watch_fd = -1;
    rc = local_server_start(&u->server, &server);
    if (rc == 0)
        rc = watch_file(u);
    if (rc == 0)
        return u;
    uapi_stop(u);
    errno = -rc;
    return NULL;
}

void
uapi_stop(struct uapi *u)
{
    struct client *c;

    if (u == NULL)
        return;
    while ((c = take_client(u)) != NULL)
        free_client(c);
    free_event(u->watched);
    if (u->watch_fd >= 0)
        close(u->watch_fd);
    local_server_stop(&u->server);
    free(u);
}
