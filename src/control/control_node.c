/* SPDX-License-Identifier: BSD-3-Clause */
/* What a node answers on its control socket. */
#include <wgtcpd/control/control_socket.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <wgtcpd/control/diagnose.h>
#include <wgtcpd/control/log.h>
#include <wgtcpd/control/report.h>

#include "internal.h"

enum { MAX_CLIENTS = 16, PATIENCE_S = 5 };

static json_t *
refuse(const char *text)
{
    return json_pack("{s:s}", "error", text);
}

static json_t *
no_snapshot(void)
{
    return refuse("the worker does not answer: is its core taken by something else?");
}

static struct snapshot *
take_some(struct node *n, struct device_cursor *from)
{
    struct device_peer *of[SNAPSHOT_PIECE];
    size_t n_of = device_cursor_take(from, of, SNAPSHOT_PIECE);

    return snapshot_take(n, of, n_of);
}

static json_t *
answer_show(struct node *n, char **words, unsigned n_words, int fd, struct device_cursor *rest)
{
    struct snapshot *s;
    json_t *o;

    (void)words;
    (void)fd;
    if (n_words != 1)
        return refuse("`show` takes no more words");
    device_cursor_begin(&n->device, rest);
    s = take_some(n, rest);
    o = s != NULL ? report_show(s, &n->allowed_ips) : no_snapshot();
    snapshot_free(s);
    if (s == NULL || rest->next == NULL)
        device_cursor_end(rest);
    return o;
}

/* The peers that come next. */
static json_t *
more(void *node, struct device_cursor *rest)
{
    struct node *n = node;
    struct snapshot *s = take_some(n, rest);
    json_t *list = s != NULL ? report_peers(s, &n->allowed_ips) : NULL;

    snapshot_free(s);
    return list;
}

static json_t *
answer_diagnose(struct node *n, char **words, unsigned n_words, int fd, struct device_cursor *rest)
{
    char error[DIAGNOSE_ERROR_MAX];
    struct snapshot *s;
    json_t *o;

    (void)fd;
    (void)rest;
    if (n_words > 2)
        return refuse("`diagnose` takes one peer or address");
    s = snapshot_take_all(n);
    if (s == NULL)
        return no_snapshot();
    o = diagnose(s, &n->allowed_ips, n_words == 2 ? words[1] : NULL, error);
    snapshot_free(s);
    return o != NULL ? o : refuse(error);
}

/* Lines of text as a list. */
static json_t *
lines_of(char *text)
{
    json_t *list = json_array();
    char *rest = NULL;

    for (char *l = strtok_r(text, "\n", &rest); l != NULL; l = strtok_r(NULL, "\n", &rest))
        json_array_append_new(list, json_string(l));
    return list;
}

static json_t *
answer_reload(struct node *n, char **words, unsigned n_words, int fd, struct device_cursor *rest)
{
    char *text = NULL;
    size_t size;
    FILE *errors;
    json_t *o;
    int rc;

    (void)words;
    (void)fd;
    (void)rest;
    if (n_words != 1)
        return refuse("`reload` takes no more words");
    errors = open_memstream(&text, &size);
    if (errors == NULL)
        return NULL;
    rc = node_reload(n, errors);
    fclose(errors);
    if (rc == 0)
        o = json_pack("{s:o}", "notes", lines_of(text));
    else
        o = refuse(*text != '\0' ? text : "not all of it could be done; the log says what");
    free(text);
    return o;
}

static json_t *
answer_save(struct node *n, char **words, unsigned n_words, int fd, struct device_cursor *rest)
{
    (void)words;
    (void)fd;
    (void)rest;
    if (n_words != 1)
        return refuse("`save` takes no more words");
    return node_save(n) == 0 ? json_object() : refuse("it was not saved; the log says why");
}

static json_t *
answer_capture(struct node *n, char **words, unsigned n_words, int fd, struct device_cursor *rest)
{
    const char *wrong;

    (void)rest;
    if (n_words > 3)
        return refuse("`capture` takes a side and the most bytes of a packet");
    wrong = capture_start(n, n_words > 1 ? words[1] : "all", n_words > 2 ? words[2] : "0", fd);
    return wrong != NULL ? refuse(wrong) : CONTROL_ANSWER_TAKEN;
}

static json_t *
answer(void *node, char **words, unsigned n_words, int fd, struct device_cursor *rest)
{
    static const struct {
        const char *word;
        json_t *(*answer)(struct node *n, char **words, unsigned n_words, int fd,
                          struct device_cursor *rest);
    } requests[] = {
        {"show", answer_show}, {"diagnose", answer_diagnose}, {"reload", answer_reload},
        {"save", answer_save}, {"capture", answer_capture},
    };

    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
        if (strcmp(words[0], requests[i].word) == 0)
            return requests[i].answer(node, words, n_words, fd, rest);
    return refuse("unknown request; ask `show`, `diagnose`, `reload`, `save` or `capture`");
}

int
control_up(struct node *n)
{
    struct control_socket_config config = {
        .base = n->base,
        .directory = CONTROL_SOCKET_DIRECTORY,
        .name = n->config->ifname,
        .max_clients = MAX_CLIENTS,
        .patience_s = PATIENCE_S,
        .ctx = n,
        .answer = answer,
        .more = more,
    };

    n->control_socket = control_socket_start(&config);
    if (n->control_socket != NULL)
        return 0;
    log_error("%s/%s.sock: %s", config.directory, config.name,
              errno == EADDRINUSE ? "another wgtcpd runs this interface" : strerror(errno));
    return -1;
}

void
control_down(struct node *n)
{
    capture_stop(n);
    control_socket_stop(n->control_socket);
    n->control_socket = NULL;
}
