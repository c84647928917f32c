/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/control/metrics_http.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/queue.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

enum {
    REQUEST_SECONDS = 5, /* to send the request */
    ANSWER_SECONDS = 30, /* to take all of the answer */
    PIECE = 65536,       /* of the answer, made when the one before is gone */
};

struct client {
    LIST_ENTRY(client) link;
    struct metrics_http *server;
    struct bufferevent *connection;
    struct event *deadline;
    struct metrics_request request;
    struct snapshot *snapshot; /* NULL: no request yet, or all is said */
    struct metrics_cursor cursor;
    bool answered; /* nothing more will be written */
};

struct metrics_http {
    struct event_base *base;
    struct evconnlistener *listener;
    struct snapshot *(*take)(void *ctx);
    void *ctx;
    LIST_HEAD(, client) clients;
    unsigned n_clients;
};

/* --- requests (RFC 9112 section 3) --------------------------------------------------------------
 */

struct token {
    const char *p;
    size_t len;
};

/* The next of the words of the first line, with the space behind it taken off. */
static struct token
next_token(const char **text)
{
    struct token t = {*text, strcspn(*text, " \r\n")};

    *text += t.len + (t.p[t.len] == ' ');
    return t;
}

static bool
is(struct token t, const char *word)
{
    return t.len == strlen(word) && memcmp(t.p, word, t.len) == 0;
}

/* With or without a query, which we do not look at. */
static bool
is_metrics(struct token target)
{
    const char *query = memchr(target.p, '?', target.len);

    if (query != NULL)
        target.len = (size_t)(query - target.p);
    return is(target, "/metrics");
}

struct metrics_request
metrics_request_parse(const char *text)
{
    struct token method = next_token(&text), target = next_token(&text),
                 version = next_token(&text);
    struct metrics_request r = {
        .status = 200,
        .head = is(method, "HEAD"),
        .chunked = is(version, "HTTP/1.1"),
    };

    if (strcasestr(text, "application/openmetrics-text") != NULL)
        r.format = METRICS_OPENMETRICS;
    if (method.len == 0 || target.len == 0 || version.len == 0 || strncmp(text, "\r\n", 2) != 0 ||
        strncmp(version.p, "HTTP/", 5) != 0)
        r.status = 400;
    else if (!r.chunked && !is(version, "HTTP/1.0"))
        r.status = 505;
    else if (!is_metrics(target))
        r.status = 404;
    else if (!r.head && !is(method, "GET"))
        r.status = 405;
    return r;
}

static const char *
reason(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 431:
        return "Request Header Fields Too Large";
    case 503:
        return "Service Unavailable";
    case 505:
        return "HTTP Version Not Supported";
    default:
        return "Bad Request";
    }
}

/* --- clients -----------------------------------------------------------------------------------
 */

static void
free_client(struct client *c)
{
    snapshot_free(c->snapshot);
    if (c->deadline != NULL)
        event_free(c->deadline);
    bufferevent_free(c->connection); /* and its socket */
    free(c);
}

/* Any one, off the list; NULL: there is none. */
static struct client *
take_client(struct metrics_http *h)
{
    struct client *c = LIST_FIRST(&h->clients);

    if (c != NULL)
        LIST_REMOVE(c, link);
    return c;
}

static void
drop_client(struct client *c)
{
    LIST_REMOVE(c, link);
    c->server->n_clients--;
    free_client(c);
}

static void
on_deadline(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    drop_client(ctx);
}

static void
set_deadline(struct client *c, int seconds)
{
    struct timeval after = {.tv_sec = seconds};

    event_add(c->deadline, &after);
}

/* The next piece of the answer, if there is one. */
static void
write_piece(struct client *c)
{
    struct evbuffer *out = bufferevent_get_output(c->connection);
    static char piece[PIECE]; /* one thread's */
    size_t len = metrics_next(&c->cursor, c->snapshot, piece, sizeof(piece));

    if (len > 0 && c->request.chunked)
        evbuffer_add_printf(out, "%zx\r\n", len);
    evbuffer_add(out, piece, len);
    if (c->request.chunked)
        evbuffer_add_printf(out, len > 0 ? "\r\n" : "0\r\n\r\n");
    if (len > 0)
        return;
    snapshot_free(c->snapshot);
    c->snapshot = NULL;
    c->answered = true;
}

/* All that was written is gone. */
static void
on_written(struct bufferevent *connection, void *ctx)
{
    struct client *c = ctx;

    (void)connection;
    if (c->snapshot != NULL)
        write_piece(c);
    if (c->answered && evbuffer_get_length(bufferevent_get_output(c->connection)) == 0)
        drop_client(c);
}

static void
answer(struct client *c)
{
    struct evbuffer *out = bufferevent_get_output(c->connection);
    const struct metrics_request *r = &c->request;
    int status = r->status;

    if (status == 200 && !r->head) {
        c->snapshot = c->server->take(c->server->ctx);
        if (c->snapshot == NULL)
            status = 503;
    }
    bufferevent_disable(c->connection, EV_READ);
    set_deadline(c, ANSWER_SECONDS);
    c->answered = c->snapshot == NULL;
    evbuffer_add_printf(out, "HTTP/1.1 %d %s\r\nConnection: close\r\n", status, reason(status));
    if (status == 405)
        evbuffer_add_printf(out, "Allow: GET, HEAD\r\n");
    if (status != 200) {
        evbuffer_add_printf(out, "Content-Type: text/plain\r\nContent-Length: %zu\r\n\r\n%s\n",
                            strlen(reason(status)) + 1, reason(status));
        return;
    }
    evbuffer_add_printf(out, "Content-Type: %s\r\n%s\r\n", metrics_content_type(r->format),
                        r->chunked ? "Transfer-Encoding: chunked\r\n" : "");
    metrics_begin(&c->cursor, r->format);
}

static void
on_request(struct bufferevent *connection, void *ctx)
{
    struct client *c = ctx;
    struct evbuffer *in = bufferevent_get_input(connection);
    struct evbuffer_ptr end = evbuffer_search(in, "\r\n\r\n", 4, NULL);
    char text[METRICS_REQUEST_MAX + 1];
    ev_ssize_t len;

    if (end.pos < 0 && evbuffer_get_length(in) < METRICS_REQUEST_MAX)
        return; /* more is to come */
    if (end.pos < 0 || end.pos + 4 > METRICS_REQUEST_MAX) {
        c->request = (struct metrics_request){.status = 431};
    } else {
        len = evbuffer_remove(in, text, (size_t)end.pos + 4);
        text[len > 0 ? len : 0] = '\0';
        c->request = metrics_request_parse(text);
    }
    answer(c);
}

static void
on_end(struct bufferevent *connection, short what, void *ctx)
{
    (void)connection;
    (void)what;
    drop_client(ctx);
}

static void
on_client(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from, int len,
          void *ctx)
{
    struct metrics_http *h = ctx;
    struct client *c;

    (void)listener;
    (void)from;
    (void)len;
    c = h->n_clients < METRICS_CLIENTS_MAX ? calloc(1, sizeof(*c)) : NULL;
    if (c != NULL)
        c->connection = bufferevent_socket_new(h->base, fd, BEV_OPT_CLOSE_ON_FREE);
    if (c == NULL || c->connection == NULL) {
        free(c);
        evutil_closesocket(fd);
        return;
    }
    c->server = h;
    LIST_INSERT_HEAD(&h->clients, c, link);
    h->n_clients++;
    c->deadline = event_new(h->base, -1, 0, on_deadline, c);
    if (c->deadline == NULL) {
        drop_client(c);
        return;
    }
    set_deadline(c, REQUEST_SECONDS);
    bufferevent_setwatermark(c->connection, EV_READ, 0, METRICS_REQUEST_MAX);
    bufferevent_setcb(c->connection, on_request, on_written, on_end, c);
    bufferevent_enable(c->connection, EV_READ | EV_WRITE);
}

/* --- the server --------------------------------------------------------------------------------
 */

static socklen_t
socket_address(const struct ip_endpoint *at, struct sockaddr_storage *out)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

    memset(out, 0, sizeof(*out));
    if (at->addr.family == IP_V4) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(at->port);
        memcpy(&v4->sin_addr, at->addr.bytes, sizeof(v4->sin_addr));
        return sizeof(*v4);
    }
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(at->port);
    memcpy(&v6->sin6_addr, at->addr.bytes, sizeof(v6->sin6_addr));
    return sizeof(*v6);
}

struct metrics_http *
metrics_http_start(struct event_base *base, const struct ip_endpoint *at,
                   struct snapshot *(*take)(void *ctx), void *ctx)
{
    struct metrics_http *h = calloc(1, sizeof(*h));
    struct sockaddr_storage address;
    socklen_t len = socket_address(at, &address);

    if (h == NULL)
        return NULL;
    h->base = base;
    h->take = take;
    h->ctx = ctx;
    LIST_INIT(&h->clients);
    h->listener = evconnlistener_new_bind(
        base, on_client, h, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE,
        METRICS_CLIENTS_MAX, (struct sockaddr *)&address, (int)len);
    if (h->listener == NULL) {
        free(h);
        return NULL;
    }
    return h;
}

void
metrics_http_stop(struct metrics_http *h)
{
    struct client *c;

    if (h == NULL)
        return;
    evconnlistener_free(h->listener);
    while ((c = take_client(h)) != NULL)
        free_client(c);
    free(h);
}
