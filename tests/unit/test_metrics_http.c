/* SPDX-License-Identifier: BSD-3-Clause */
/* The server of metrics and clients of all manners, over real sockets and turn by turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <wgtcpd/control/metrics_http.h>

enum { TURNS = 2000, TEXT_MAX = 8 << 20 };

static struct event_base *base;
static struct metrics_http *server;
static struct ip_endpoint at = {.addr = {.family = IP_V4, .bytes = {127, 0, 0, 1}}};
static size_t n_peers; /* of the next snapshot */
static bool busy;      /* there is none */
static unsigned taken;

static struct snapshot *
take(void *ctx)
{
    struct snapshot *s = calloc(1, sizeof(*s));

    (void)ctx;
    taken++;
    if (busy) {
        free(s);
        return NULL;
    }
    strcpy(s->ifname, "wg0");
    s->aead = "none";
    s->n_peers = n_peers;
    s->peers = calloc(n_peers + 1, sizeof(*s->peers));
    return s;
}

static int
start(void **state)
{
    (void)state;
    n_peers = 1;
    busy = false;
    taken = 0;
    base = event_base_new();
    for (int i = 0; i < 100 && server == NULL; i++) {
        at.port = (uint16_t)(20000 + (getpid() * 7 + i * 101) % 12000);
        server = metrics_http_start(base, &at, take, NULL);
    }
    return server != NULL ? 0 : -1;
}

static int
stop(void **state)
{
    (void)state;
    metrics_http_stop(server);
    server = NULL;
    event_base_free(base);
    return 0;
}

static void
turn(void)
{
    event_base_loop(base, EVLOOP_NONBLOCK);
}

static int
client(const char *request)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(at.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
    fcntl(fd, F_SETFL, O_NONBLOCK);
    turn();
    return fd;
}

/* All that comes until the end; NULL: there was no end. */
static char *
answer(int fd)
{
    char *text = malloc(TEXT_MAX);
    size_t len = 0;

    for (int i = 0; i < TURNS; i++) {
        ssize_t n = recv(fd, text + len, TEXT_MAX - 1 - len, 0);

        if (n > 0)
            len += (size_t)n;
        if (n == 0 || (n < 0 && errno != EAGAIN)) {
            text[len] = '\0';
            close(fd);
            return text;
        }
        turn();
    }
    free(text);
    return NULL;
}

static void
expect_status(int fd, const char *status)
{
    char *text = answer(fd);

    assert_non_null(text);
    assert_memory_equal(text, status, strlen(status));
    free(text);
}

static void
a_get_is_answered_in_chunks_and_closed(void **state)
{
    char *text = answer(client("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")), *body;
    size_t len;

    (void)state;
    assert_non_null(text);
    assert_non_null(strstr(text, "HTTP/1.1 200 OK\r\n"));
    assert_non_null(strstr(text, "\r\nContent-Type: text/plain; version=0.0.4"));
    assert_non_null(strstr(text, "\r\nTransfer-Encoding: chunked\r\n"));
    body = strstr(text, "\r\n\r\n") + 4;
    len = strtoul(body, &body, 16);
    assert_memory_equal(body, "\r\n# HELP wgtcpd_build_info", 26);
    assert_string_equal(body + 2 + len, "\r\n0\r\n\r\n"); /* RFC 9112 section 7.1 */
    free(text);
}

static void
an_old_client_gets_it_until_the_end(void **state)
{
    char *text = answer(client("GET /metrics HTTP/1.0\r\n\r\n"));

    (void)state;
    assert_non_null(text);
    assert_null(strstr(text, "chunked"));
    assert_memory_equal(strstr(text, "\r\n\r\n") + 4, "# HELP", 6);
    assert_int_equal(text[strlen(text) - 1], '\n');
    free(text);
}

static void
a_head_takes_no_snapshot(void **state)
{
    char *text = answer(client("HEAD /metrics HTTP/1.1\r\n\r\n"));

    (void)state;
    assert_non_null(text);
    assert_non_null(strstr(text, "HTTP/1.1 200 OK\r\n"));
    assert_string_equal(text + strlen(text) - 4, "\r\n\r\n");
    assert_int_equal(taken, 0);
    free(text);
}

static void
mistakes_get_their_status(void **state)
{
    char *text = answer(client("POST /metrics HTTP/1.1\r\n\r\n"));

    (void)state;
    assert_non_null(strstr(text, "405 Method Not Allowed\r\n"));
    assert_non_null(strstr(text, "\r\nAllow: GET, HEAD\r\n"));
    free(text);
    expect_status(client("GET /secret HTTP/1.1\r\n\r\n"), "HTTP/1.1 404 Not Found\r\n");
    expect_status(client("\r\n\r\n"), "HTTP/1.1 400 Bad Request\r\n");
    assert_int_equal(taken, 0);
    busy = true;
    expect_status(client("GET /metrics HTTP/1.1\r\n\r\n"), "HTTP/1.1 503 Service Unavailable\r\n");
}

static void
a_request_may_come_in_pieces(void **state)
{
    int fd = client("GET /met");

    (void)state;
    assert_int_equal(send(fd, "rics HTTP/1.1\r\n\r", 16, 0), 16);
    turn();
    assert_int_equal(send(fd, "\n", 1, 0), 1);
    expect_status(fd, "HTTP/1.1 200 OK\r\n");
}

static void
a_request_that_does_not_end_is_refused(void **state)
{
    char big[METRICS_REQUEST_MAX + 1];

    (void)state;
    memset(big, 'x', METRICS_REQUEST_MAX);
    big[METRICS_REQUEST_MAX] = '\0';
    expect_status(client(big), "HTTP/1.1 431 ");
}

static void
more_clients_than_eight_are_sent_away(void **state)
{
    int fds[METRICS_CLIENTS_MAX];
    char *text;

    (void)state;
    for (int i = 0; i < METRICS_CLIENTS_MAX; i++)
        fds[i] = client("GET ");
    text = answer(client(""));
    assert_non_null(text);
    assert_string_equal(text, "");
    free(text);
    close(fds[0]); /* its place is free again */
    turn();
    expect_status(client("GET /metrics HTTP/1.1\r\n\r\n"), "HTTP/1.1 200 OK\r\n");
    for (int i = 1; i < METRICS_CLIENTS_MAX; i++)
        close(fds[i]);
    turn();
}

static void
a_large_answer_waits_for_its_reader(void **state)
{
    int fd;
    char *text;

    (void)state;
    n_peers = 2000;
    fd = client("GET /metrics HTTP/1.0\r\n\r\n");
    for (int i = 0; i < TURNS; i++)
        turn();
    text = answer(fd);
    assert_non_null(text);
    assert_null(strstr(text, "\nwgtcpd_connection_early_messages_total")); /* nobody has one */
    assert_non_null(strstr(text, "# TYPE wgtcpd_connection_early_messages_total counter\n"));
    free(text);
}

static void
stopping_drops_who_is_served(void **state)
{
    int fd = client("GET ");

    (void)state;
    n_peers = 2000;
    client("GET /metrics HTTP/1.1\r\n\r\n"); /* and does not read; the process closes it */
    metrics_http_stop(server);
    server = NULL;
    turn(); /* libevent closes in its own turn */
    errno = 0;
    assert_false(recv(fd, &(char){0}, 1, 0) > 0 || errno == EAGAIN);
    close(fd);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_get_is_answered_in_chunks_and_closed, start, stop),
        cmocka_unit_test_setup_teardown(an_old_client_gets_it_until_the_end, start, stop),
        cmocka_unit_test_setup_teardown(a_head_takes_no_snapshot, start, stop),
        cmocka_unit_test_setup_teardown(mistakes_get_their_status, start, stop),
        cmocka_unit_test_setup_teardown(a_request_may_come_in_pieces, start, stop),
        cmocka_unit_test_setup_teardown(a_request_that_does_not_end_is_refused, start, stop),
        cmocka_unit_test_setup_teardown(more_clients_than_eight_are_sent_away, start, stop),
        cmocka_unit_test_setup_teardown(a_large_answer_waits_for_its_reader, start, stop),
        cmocka_unit_test_setup_teardown(stopping_drops_who_is_served, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
