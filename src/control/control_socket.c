/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/control/control_socket.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include <wgtcpd/control/local_server.h>

enum { WORDS_MAX = 8 };

struct client {
    LIST_ENTRY(client) link;
    struct control_socket *server;
    struct bufferevent *stream;
    struct device_cursor rest; /* begun: there is more of the answer's list */
};

struct control_socket {
    struct control_socket_config config;
    struct local_server server;
    LIST_HEAD(, client) clients;
};

static void
free_client(struct client *c)
{
    device_cursor_end(&c->rest);
    bufferevent_free(c->stream); /* closes it */
    free(c);
}

/* Any one, off the list; NULL: there is none. */
static struct client *
take_client(struct control_socket *s)
{
    struct client *c = LIST_FIRST(&s->clients);

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

static void
end_client(struct client *c)
{
    struct control_socket *s = c->server;

    drop_client(c);
    local_server_left(&s->server);
}

static void
free_text(const void *data, size_t len, void *text)
{
    (void)data;
    (void)len;
    free(text);
}

static json_t *
refusal(const char *text)
{
    return json_pack("{s:s}", "error", text);
}

static json_t *
answer_line(struct client *c, char *line)
{
    const struct control_socket_config *config = &c->server->config;
    char *words[WORDS_MAX], *rest = NULL;
    unsigned n = 0;

    for (char *w = strtok_r(line, " \t\r", &rest); w != NULL; w = strtok_r(NULL, " \t\r", &rest)) {
        if (n == WORDS_MAX)
            return refusal("too many words in the request");
        words[n++] = w;
    }
    return n > 0 ? config->answer(config->ctx, words, n, bufferevent_getfd(c->stream), &c->rest)
                 : refusal("empty request; ask `show`, `diagnose`, `reload`, `save` or `capture`");
}

/* The text of v (taken) without its first `head` and last `tail` bytes goes out. */
static bool
write_json(struct client *c, json_t *v, size_t head, size_t tail)
{
    char *text = v != NULL ? json_dumps(v, JSON_COMPACT | JSON_REAL_PRECISION(12)) : NULL;

    json_decref(v);
    if (text != NULL && evbuffer_add_reference(bufferevent_get_output(c->stream), text + head,
                                               strlen(text) - head - tail, free_text, text) == 0)
        return true;
    free(text);
    return false;
}

/* Takes answer. A list of which there is more stays open, and so does the object. */
static void
reply(struct client *c, json_t *answer)
{
    bool open = c->rest.device != NULL;

    if (json_is_null(answer)) { /* CONTROL_ANSWER_TAKEN */
        end_client(c);
        return;
    }
    bufferevent_disable(c->stream, EV_READ);
    if (!write_json(c, answer, 0, open ? strlen("]}") : 0))
        end_client(c);
    else if (!open)
        evbuffer_add(bufferevent_get_output(c->stream), "\n", 1);
}

/* Goes on with the list, and closes it behind the last item. */
static void
reply_more(struct client *c)
{
    const struct control_socket_config *config = &c->server->config;
    struct evbuffer *out = bufferevent_get_output(c->stream);
    json_t *items = config->more(config->ctx, &c->rest);

    if (items == NULL) {
        evbuffer_add_printf(out, "],\"error\":\"the rest cannot be had\"}\n");
        device_cursor_end(&c->rest);
        return;
    }
    if (json_array_size(items) > 0)
        evbuffer_add(out, ",", 1);
    if (!write_json(c, items, strlen("["), strlen("]"))) {
        end_client(c);
        return;
    }
    if (c->rest.next != NULL)
        return;
    evbuffer_add(out, "]}\n", 3);
    device_cursor_end(&c->rest);
}

static void
on_readable(struct bufferevent *stream, void *ctx)
{
    struct client *c = ctx;
    struct evbuffer *in = bufferevent_get_input(stream);
    char *line = evbuffer_readln(in, NULL, EVBUFFER_EOL_LF);

    if (line != NULL)
        reply(c, answer_line(c, line));
    else if (evbuffer_get_length(in) >= CONTROL_REQUEST_MAX)
        reply(c, refusal("request too long"));
    free(line);
}

/* All of the answer, or of what is made of it so far, is written. */
static void
on_written(struct bufferevent *stream, void *ctx)
{
    struct client *c = ctx;

    if (c->rest.device != NULL)
        reply_more(c);
    else if ((bufferevent_get_enabled(stream) & EV_READ) == 0)
        end_client(ctx);
}

/* The client has gone, or taken too long. One that ends its side behind the request gets its
 * answer. */
static void
on_event(struct bufferevent *stream, short what, void *ctx)
{
    if ((what & BEV_EVENT_EOF) == 0 || evbuffer_get_length(bufferevent_get_output(stream)) == 0)
        end_client(ctx);
}

static int
add_client(void *ctx, int fd)
{
    struct control_socket *s = ctx;
    const struct timeval patience = {.tv_sec = s->config.patience_s};
    struct client *c = calloc(1, sizeof(*c));

    if (c == NULL ||
        (c->stream = bufferevent_socket_new(s->config.base, fd, BEV_OPT_CLOSE_ON_FREE)) == NULL) {
        free(c);
        close(fd);
        return -ENOMEM;
    }
    c->server = s;
    LIST_INSERT_HEAD(&s->clients, c, link);
    bufferevent_setcb(c->stream, on_readable, on_written, on_event, c);
    bufferevent_set_timeouts(c->stream, &patience, &patience);
    bufferevent_setwatermark(c->stream, EV_READ, 0, CONTROL_REQUEST_MAX);
    if (bufferevent_enable(c->stream, EV_READ | EV_WRITE) == 0)
        return 0;
    drop_client(c);
    return -ENOMEM;
}

struct control_socket *
control_socket_start(const struct control_socket_config *config)
{
    struct control_socket *s = calloc(1, sizeof(*s));
    const struct local_server_config server = {
        .base = config->base,
        .directory = config->directory,
        .name = config->name,
        .max_clients = config->max_clients,
        .ctx = s,
        .add = add_client,
    };
    int rc;

    if (s == NULL)
        return NULL;
    s->config = *config;
    s->config.directory = s->config.name = NULL; /* the caller's */
    rc = local_server_start(&s->server, &server);
    if (rc == 0)
        return s;
    control_socket_stop(s);
    errno = -rc;
    return NULL;
}

void
control_socket_stop(struct control_socket *s)
{
    struct client *c;

    if (s == NULL)
        return;
    while ((c = take_client(s)) != NULL)
        free_client(c);
    local_server_stop(&s->server);
    free(s);
}
