/* SPDX-License-Identifier: BSD-3-Clause */
/* Asks daemons over their control sockets. */
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <wgtcpd/control/control_socket.h>

#include "ctl.h"

enum { ANSWER_PATIENCE_S = 10 };

int
ctl_fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fputs("wgtcpctl: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return CTL_FAILED;
}

/* --- who is there --- */

static size_t
length_of_name(const char *file)
{
    const char *dot = strrchr(file, '.');

    return dot != NULL && strcmp(dot, ".sock") == 0 ? (size_t)(dot - file) : 0;
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
add_name(struct names *n, const char *file)
{
    size_t len = length_of_name(file);
    char **items = len > 0 ? realloc(n->items, (n->n + 1) * sizeof(*items)) : NULL;

    if (items == NULL)
        return;
    n->items = items;
    n->items[n->n] = strndup(file, len);
    if (n->items[n->n] != NULL)
        n->n++;
}

void
names_list(struct names *n)
{
    DIR *directory = opendir(CONTROL_SOCKET_DIRECTORY);

    *n = (struct names){NULL, 0};
    if (directory == NULL)
        return;
    for (struct dirent *e; (e = readdir(directory)) != NULL;)
        add_name(n, e->d_name);
    closedir(directory);
    if (n->n > 1)
        qsort(n->items, n->n, sizeof(*n->items), by_name);
}

void
names_free(struct names *n)
{
    for (size_t i = 0; i < n->n; i++)
        free(n->items[i]);
    free(n->items);
}

/* --- asking --- */

static void
say_not_running(const char *interface)
{
    struct names names;

    fprintf(stderr, "wgtcpctl: no wgtcpd runs an interface '%s'; running:", interface);
    names_list(&names);
    for (size_t i = 0; i < names.n; i++)
        fprintf(stderr, " %s", names.items[i]);
    fputs(names.n == 0 ? " none\n" : "\n", stderr);
    names_free(&names);
}

static int
open_socket(const char *interface)
{
    const struct timeval patience = {.tv_sec = ANSWER_PATIENCE_S};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd, len;

    len = snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s.sock",
                   CONTROL_SOCKET_DIRECTORY, interface);
    if (len >= (int)sizeof(address.sun_path) || strchr(interface, '/') != NULL) {
        say_not_running(interface);
        return -1;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0) {
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        return fd;
    }
    if (errno == ENOENT || errno == ECONNREFUSED)
        say_not_running(interface);
    else
        ctl_fail("%s: %s%s", address.sun_path, strerror(errno),
                 errno == EACCES ? ": be root, or who runs the daemon" : "");
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool
send_request(int fd, const char *request, const char *word)
{
    char line[CONTROL_REQUEST_MAX];
    int len = snprintf(line, sizeof(line), "%s%s%s\n", request, word != NULL ? " " : "",
                       word != NULL ? word : "");

    if (len >= (int)sizeof(line)) {
        ctl_fail("'%s' is too long", word);
        return false;
    }
    if (send(fd, line, (size_t)len, MSG_NOSIGNAL) == len)
        return true;
    ctl_fail("the daemon does not listen: %s", strerror(errno));
    return false;
}

/* Through a stream: json_loadfd reads byte by byte. */
static json_t *
read_answer(int fd)
{
    json_error_t error = {.text = "no memory"};
    int copy = dup(fd);
    FILE *from = copy >= 0 ? fdopen(copy, "r") : NULL;
    json_t *answer = from != NULL ? json_loadf(from, JSON_DISABLE_EOF_CHECK, &error) : NULL;

    if (answer == NULL)
        ctl_fail("the daemon gives no answer that can be read (%s)", error.text);
    if (from != NULL)
        fclose(from);
    else if (copy >= 0)
        close(copy);
    return answer;
}

/* A word with white space in it would be two. */
static bool
is_one_word(const char *word)
{
    return word == NULL || (*word != '\0' && strpbrk(word, " \t\r\n") == NULL);
}

json_t *
ask(const char *interface, const char *request, const char *word)
{
    json_t *answer = NULL;
    int fd;

    if (!is_one_word(word)) {
        ctl_fail("'%s' is no word", word);
        return NULL;
    }
    fd = open_socket(interface);
    if (fd < 0)
        return NULL;
    if (send_request(fd, request, word))
        answer = read_answer(fd);
    close(fd);
    if (answer != NULL && json_object_get(answer, "error") != NULL) {
        ctl_fail("%s: %s", interface, text_of(answer, "error"));
        json_decref(answer);
        answer = NULL;
    }
    return answer;
}

/* An error is told in JSON. */
static bool
begins_as_json(int fd)
{
    char first;

    return recv(fd, &first, 1, MSG_PEEK) != 1 || first == '{';
}

int
ask_for_stream(const char *interface, const char *request, const char *words)
{
    const struct timeval for_ever = {.tv_sec = 0};
    json_t *answer = NULL;
    int fd = open_socket(interface);

    if (fd < 0)
        return -1;
    if (send_request(fd, request, words) && !begins_as_json(fd)) {
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &for_ever, sizeof(for_ever));
        return fd;
    }
    answer = read_answer(fd);
    if (answer != NULL)
        ctl_fail("%s: %s", interface, text_of(answer, "error"));
    json_decref(answer);
    close(fd);
    return -1;
}
