/* SPDX-License-Identifier: BSD-3-Clause */
/* The control socket: one request a connection, and nobody holds up the others. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include <event2/event.h>

#include <wgtcpd/control/control_socket.h>
#include <wgtcpd/control/device.h>

enum { MAX_CLIENTS = 3, TURNS = 200 };

static struct event_base *base;
static struct control_socket *server;
static char directory[] = "/tmp/wgtcpd-control-XXXXXX";
static struct sockaddr_un address;
static char seen[128]; /* the words of the last request */
static size_t answer_len;
static int taken = -1; /* the connection of a request to take it */
static struct device device;
static struct device_peer peers[3];
static unsigned n_more, fails_at; /* pieces of a list; the one that fails */

/* One item, as long as answer_len. */
static json_t *
item(void)
{
    char *text = calloc(1, answer_len + 1);
    json_t *list;

    memset(text, 'x', answer_len);
    list = json_pack("[s]", text);
    free(text);
    return list;
}

static json_t *
more(void *ctx, struct device_cursor *rest)
{
    struct device_peer *one;

    assert_ptr_equal(ctx, &seen);
    assert_int_equal(device_cursor_take(rest, &one, 1), 1);
    n_more++;
    return n_more == fails_at ? NULL : item();
}

static json_t *
begin_list(struct device_cursor *rest)
{
    device = (struct device){.n_peers = 3};
    TAILQ_INIT(&device.peers);
    for (int i = 0; i < 3; i++)
        TAILQ_INSERT_TAIL(&device.peers, &peers[i], link);
    device_cursor_begin(&device, rest);
    n_more = 0;
    return json_pack("{s:i s:o}", "n", 4, "list", item());
}

static json_t *
answer(void *ctx, char **words, unsigned n, int fd, struct device_cursor *rest)
{
    char *text;
    json_t *o;

    assert_ptr_equal(ctx, &seen);
    seen[0] = '\0';
    for (unsigned i = 0; i < n; i++) {
        strcat(seen, i > 0 ? "," : "");
        strcat(seen, words[i]);
    }
    if (strcmp(words[0], "take") == 0) {
        taken = dup(fd);
        return CONTROL_ANSWER_TAKEN;
    }
    if (strcmp(words[0], "list") == 0)
        return begin_list(rest);
    text = malloc(answer_len + 1);
    memset(text, 'x', answer_len);
    text[answer_len] = '\0';
    o = json_pack("{s:s}", "text", text);
    free(text);
    return o;
}

static int
setup(void **state)
{
    struct control_socket_config config = {.directory = directory,
                                           .name = "wg0",
                                           .max_clients = MAX_CLIENTS,
                                           .patience_s = 60,
                                           .ctx = &seen,
                                           .answer = answer,
                                           .more = more};

    (void)state;
    strcpy(directory + sizeof(directory) - 7, "XXXXXX");
    assert_non_null(mkdtemp(directory));
    answer_len = 2;
    fails_at = 0;
    seen[0] = '\0';
    config.base = base = event_base_new();
    server = control_socket_start(&config);
    assert_non_null(server);
    address.sun_family = AF_UNIX;
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/wg0.sock", directory);
    return 0;
}

static int
teardown(void **state)
{
    struct stat st;

    (void)state;
    control_socket_stop(server);
    event_base_free(base);
    assert_int_equal(stat(address.sun_path, &st), -1);
    rmdir(directory);
    return 0;
}

static int
connect_client(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void
say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* What comes until the server ends the connection; its length. */
static size_t
hear(int fd, char *buf, size_t size)
{
    size_t len = 0;
    ssize_t n = -1;

    for (int turn = 0; turn < TURNS && n != 0; turn++) {
        event_base_loop(base, EVLOOP_NONBLOCK);
        while (len < size - 1 && (n = recv(fd, buf + len, size - 1 - len, 0)) > 0)
            len += (size_t)n;
    }
    assert_int_equal(n, 0);
    buf[len] = '\0';
    close(fd);
    return len;
}

static void
expect_answer(int fd, const char *want)
{
    char got[1024];

    hear(fd, got, sizeof(got));
    assert_string_equal(got, want);
}

static void
a_request_is_answered_and_the_connection_ends(void **state)
{
    int fd = connect_client();

    (void)state;
    say(fd, "diagnose  KEY=\r\n");
    expect_answer(fd, "{\"text\":\"xx\"}\n");
    assert_string_equal(seen, "diagnose,KEY=");
}

/* It is no client any more: nobody ends it, and it takes no place. */
static void
a_connection_may_be_taken(void **state)
{
    int fds[MAX_CLIENTS + 1];
    char got[3] = "";

    (void)state;
    for (int i = 0; i <= MAX_CLIENTS; i++) {
        fds[i] = connect_client();
        say(fds[i], "take it\n");
        event_base_loop(base, EVLOOP_NONBLOCK);
        event_base_loop(base, EVLOOP_NONBLOCK);
        assert_string_equal(seen, "take,it");
        seen[0] = '\0';
        assert_int_equal(write(taken, "ok", 2), 2);
        assert_int_equal(recv(fds[i], got, sizeof(got), 0), 2);
        assert_string_equal(got, "ok");
        close(taken);
        assert_int_equal(recv(fds[i], got, sizeof(got), 0), 0);
    }
    for (int i = 0; i <= MAX_CLIENTS; i++)
        close(fds[i]);
}

static void
a_request_may_come_in_pieces(void **state)
{
    int fd = connect_client();

    (void)state;
    say(fd, "sh");
    event_base_loop(base, EVLOOP_NONBLOCK);
    assert_string_equal(seen, "");
    say(fd, "ow\nand more that nobody reads\n");
    shutdown(fd, SHUT_WR);
    expect_answer(fd, "{\"text\":\"xx\"}\n");
    assert_string_equal(seen, "show");
}

static void
an_answer_larger_than_the_socket_takes_arrives_whole(void **state)
{
    static char got[4 << 20];
    int fd = connect_client();

    (void)state;
    answer_len = 3 << 20;
    say(fd, "show\n");
    shutdown(fd, SHUT_WR);
    assert_int_equal(hear(fd, got, sizeof(got)), answer_len + strlen("{\"text\":\"\"}\n"));
}

static void
nonsense_is_refused(void **state)
{
    char line[CONTROL_REQUEST_MAX + 1];
    int fd = connect_client();

    (void)state;
    say(fd, " \n");
    expect_answer(
        fd,
        "{\"error\":\"empty request; ask `show`, `diagnose`, `reload`, `save` or `capture`\"}\n");
    fd = connect_client();
    say(fd, "1 2 3 4 5 6 7 8 9\n");
    expect_answer(fd, "{\"error\":\"too many words in the request\"}\n");
    memset(line, 'a', CONTROL_REQUEST_MAX);
    line[CONTROL_REQUEST_MAX] = '\0';
    fd = connect_client();
    say(fd, line);
    expect_answer(fd, "{\"error\":\"request too long\"}\n");
    fd = connect_client();
    shutdown(fd, SHUT_WR);
    expect_answer(fd, "");
    assert_string_equal(seen, "");
}

static void
who_finds_no_place_waits_for_one(void **state)
{
    int idle[MAX_CLIENTS], fd;
    char byte;

    (void)state;
    for (unsigned i = 0; i < MAX_CLIENTS; i++)
        idle[i] = connect_client();
    event_base_loop(base, EVLOOP_NONBLOCK);
    fd = connect_client();
    say(fd, "show\n");
    for (unsigned i = 0; i < 10; i++)
        event_base_loop(base, EVLOOP_NONBLOCK);
    assert_int_equal(recv(fd, &byte, 1, 0), -1);
    close(idle[0]);
    expect_answer(fd, "{\"text\":\"xx\"}\n");
    for (unsigned i = 1; i < MAX_CLIENTS; i++)
        close(idle[i]);
}

static void
a_stop_leaves_nobody_waiting(void **state)
{
    int fd = connect_client();
    char byte;

    (void)state;
    event_base_loop(base, EVLOOP_NONBLOCK);
    control_socket_stop(server);
    server = NULL;
    event_base_loop(base, EVLOOP_NONBLOCK); /* libevent closes in its own time */
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
    close(fd);
}

static void
others_may_not_open_it(void **state)
{
    struct stat st;

    (void)state;
    assert_int_equal(stat(address.sun_path, &st), 0);
    assert_int_equal(st.st_mode & 077, 0);
}

static void
a_list_may_come_in_pieces(void **state)
{
    int fd = connect_client();

    (void)state;
    say(fd, "list\n");
    expect_answer(fd, "{\"n\":4,\"list\":[\"xx\",\"xx\",\"xx\",\"xx\"]}\n");
    assert_int_equal(n_more, 3);
    assert_true(LIST_EMPTY(&device.cursors));
}

/* So that no more of it is held than one piece. */
static void
a_piece_is_made_when_the_one_before_was_taken(void **state)
{
    static char got[16 << 20];
    int fd = connect_client();

    (void)state;
    answer_len = 3 << 20;
    say(fd, "list\n");
    for (int turn = 0; turn < TURNS; turn++)
        event_base_loop(base, EVLOOP_NONBLOCK);
    assert_int_equal(n_more, 0);
    assert_int_equal(hear(fd, got, sizeof(got)),
                     strlen("{\"n\":4,\"list\":[]}\n") + 4 * (answer_len + 2) + 3);
    assert_int_equal(n_more, 3);
}

static void
a_list_that_cannot_be_had_ends_with_an_error(void **state)
{
    int fd = connect_client();

    (void)state;
    fails_at = 2;
    say(fd, "list\n");
    expect_answer(fd, "{\"n\":4,\"list\":[\"xx\",\"xx\"],\"error\":\"the rest cannot be had\"}\n");
    assert_true(LIST_EMPTY(&device.cursors));
}

static void
who_leaves_amid_a_list_is_forgotten(void **state)
{
    int fd = connect_client();

    (void)state;
    answer_len = 3 << 20;
    say(fd, "list\n");
    for (int turn = 0; turn < TURNS; turn++)
        event_base_loop(base, EVLOOP_NONBLOCK);
    assert_false(LIST_EMPTY(&device.cursors));
    close(fd);
    for (int turn = 0; turn < TURNS; turn++)
        event_base_loop(base, EVLOOP_NONBLOCK);
    assert_true(LIST_EMPTY(&device.cursors));
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_request_is_answered_and_the_connection_ends),
        T(a_list_may_come_in_pieces),
        T(a_piece_is_made_when_the_one_before_was_taken),
        T(a_list_that_cannot_be_had_ends_with_an_error),
        T(who_leaves_amid_a_list_is_forgotten),
        T(a_connection_may_be_taken),
        T(a_request_may_come_in_pieces),
        T(an_answer_larger_than_the_socket_takes_arrives_whole),
        T(nonsense_is_refused),
        T(who_finds_no_place_waits_for_one),
        T(a_stop_leaves_nobody_waiting),
        T(others_may_not_open_it),
    };

    signal(SIGPIPE, SIG_IGN); /* as the daemon does */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
