/* SPDX-License-Identifier: BSD-3-Clause */
/* The server of the configuration protocol, on a socket in a directory of its own. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include <wgtcpd/control/device.h>
#include <wgtcpd/control/uapi.h>

enum { MAX_CLIENTS = 3, TURNS = 64, LONG_MS = 60000, SHORT_MS = 50 };

static char parent[64], directory[80], path[112];
static struct event_base *base;
static struct uapi *server;
static unsigned n_gets, n_sets, n_deleted;
static uint32_t fwmark;
static int host_error;
static unsigned get_ms; /* how long a host takes to answer */
static size_t reply_lines;
static unsigned pieces, fails_at; /* of a reply; the piece that fails, from 1 on */
static struct device device;      /* for the cursors */
static struct device_peer peers[3];

/* --- the host --- */

static int
host_get(void *ctx, struct device_cursor *at, struct uapi_text *reply)
{
    struct device_peer *one;

    (void)ctx;
    n_gets++;
    usleep(get_ms * 1000);
    if (at->device == NULL)
        device_cursor_begin(&device, at);
    for (size_t i = 0; i < reply_lines; i++)
        uapi_format_end(reply, UAPI_GET, (int)i); /* some text */
    if (pieces == 0 || host_error != 0)
        return host_error;
    assert_int_equal(device_cursor_take(at, &one, 1), 1);
    if (fails_at > 0 && one == &peers[fails_at - 1])
        return -EIO;
    return one != &peers[pieces - 1];
}

static void
make_device(void)
{
    device = (struct device){.n_peers = 3};
    TAILQ_INIT(&device.peers);
    LIST_INIT(&device.cursors);
    for (int i = 0; i < 3; i++)
        TAILQ_INSERT_TAIL(&device.peers, &peers[i], link);
    pieces = fails_at = 0;
}

static int
host_set(void *ctx, struct change *change)
{
    (void)ctx;
    n_sets++;
    fwmark = change->fwmark;
    return host_error;
}

static void
host_deleted(void *ctx)
{
    (void)ctx;
    n_deleted++;
}

static struct uapi *
start(const char *name, unsigned patience_ms)
{
    const struct uapi_config config = {
        .directory = directory,
        .ifname = name,
        .base = base,
        .max_clients = MAX_CLIENTS,
        .patience_ms = patience_ms,
        .get = host_get,
        .set = host_set,
        .deleted = host_deleted,
    };

    return uapi_start(&config);
}

static int
set_up(void **state)
{
    (void)state;
    strcpy(parent, "/tmp/test_uapi.XXXXXX");
    assert_non_null(mkdtemp(parent));
    snprintf(directory, sizeof(directory), "%s/wireguard", parent);
    snprintf(path, sizeof(path), "%s/wg0.sock", directory);
    n_gets = n_sets = n_deleted = 0;
    fwmark = 0;
    host_error = 0;
    reply_lines = 0;
    get_ms = 0;
    make_device();
    base = event_base_new();
    server = start("wg0", LONG_MS);
    assert_non_null(server);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    uapi_stop(server);
    assert_true(LIST_EMPTY(&device.cursors));
    event_base_free(base);
    unlink(path);
    assert_int_equal(rmdir(directory), 0); /* nothing is left behind */
    assert_int_equal(rmdir(parent), 0);
    return 0;
}

/* --- clients --- */

static void
pump(void)
{
    for (int i = 0; i < TURNS; i++)
        event_base_loop(base, EVLOOP_NONBLOCK);
}

static int
dial(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    strcpy(a.sun_path, path);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    return fd;
}

static void
say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), 0), strlen(text));
    pump();
}

static void
expect_reply(int fd, const char *expected)
{
    char text[4096];
    ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

    assert_true(n >= 0);
    text[n] = '\0';
    assert_string_equal(text, expected);
}

static void
expect_silence(int fd)
{
    char byte;

    pump();
    assert_int_equal(recv(fd, &byte, 1, 0), -1);
    assert_int_equal(errno, EAGAIN);
}

static void
expect_closed(int fd)
{
    char byte;

    pump();
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
}

/* --- operations --- */

static void
test_operations_are_handed_to_the_host(void **state)
{
    int fd = dial();

    (void)state;
    say(fd, "set=1\nfwmark=5\n\n");
    expect_reply(fd, "errno=0\n\n");
    assert_int_equal(fwmark, 5);
    reply_lines = 2;
    say(fd, "get=1\n\n");
    expect_reply(fd, "errno=0\n\nerrno=1\n\nerrno=0\n\n");
    close(fd);
}

static void
test_several_operations_in_one_write(void **state)
{
    int fd = dial();

    (void)state;
    say(fd, "set=1\nfwmark=5\n\nset=1\nfwmark=6\n\nget=1\n\nset=1\nbogus=1\n\nget=1\n\n");
    expect_reply(fd, "errno=0\n\nerrno=0\n\nerrno=0\n\nerrno=-22\n\nerrno=0\n\n");
    assert_int_equal(n_sets, 2);
    assert_int_equal(n_gets, 2);
    assert_int_equal(fwmark, 6);
    close(fd);
}

static void
test_bytes_may_come_one_by_one(void **state)
{
    static const char text[] = "set=1\nfwmark=7\n\n";
    int fd = dial();

    (void)state;
    for (size_t i = 0; text[i] != '\0'; i++) {
        assert_int_equal(send(fd, text + i, 1, 0), 1);
        pump();
    }
    expect_reply(fd, "errno=0\n\n");
    assert_int_equal(fwmark, 7);
    close(fd);
}

static void
test_what_the_parser_refuses_the_host_does_not_see(void **state)
{
    int fd = dial();

    (void)state;
    say(fd, "set=1\nfwmark=5\nfwmark\n\n");
    expect_reply(fd, "errno=-71\n\n");
    say(fd, "get=1\nfwmark=5\n\n");
    expect_reply(fd, "errno=22\n\n");
    assert_int_equal(n_sets + n_gets, 0);
    close(fd);
}

static void
test_errors_of_the_host_are_told(void **state)
{
    int fd = dial();

    (void)state;
    host_error = -ENOSPC;
    reply_lines = 3; /* a beginning of a reply is not sent */
    say(fd, "set=1\n\n");
    expect_reply(fd, "errno=-28\n\n");
    say(fd, "get=1\n\n");
    expect_reply(fd, "errno=28\n\n");
    close(fd);
}

static void
test_an_unknown_operation_is_closed_without_a_reply(void **state)
{
    int fd = dial();

    (void)state;
    say(fd, "get=2\n\n");
    expect_closed(fd);
    close(fd);
}

static void
test_a_probe_gets_silence(void **state)
{
    int fd = dial();

    (void)state;
    expect_silence(fd);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    expect_closed(fd);
    close(fd);
}

static void
test_end_of_input_is_no_empty_line(void **state)
{
    int fd = dial();

    (void)state;
    say(fd, "set=1\nfwmark=5\n");
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    pump();
    expect_reply(fd, "errno=-71\n\n");
    expect_closed(fd);
    assert_int_equal(n_sets, 0);
    close(fd);
}

static void
test_end_of_input_after_an_operation_waits_for_the_reply(void **state)
{
    int fd = dial();

    (void)state;
    assert_int_equal(send(fd, "get=1\n\nget=1\n\n", 14, 0), 14);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    pump();
    expect_reply(fd, "errno=0\n\nerrno=0\n\n");
    expect_closed(fd);
    close(fd);
}

/* --- clients beside each other --- */

/* Takes what there is; true when it ends with an empty line. */
static bool
drain(int fd, size_t *total)
{
    static char text[65536];
    static char last[2];
    ssize_t n;

    while ((n = recv(fd, text, sizeof(text), 0)) > 0) {
        *total += (size_t)n;
        if (n >= 2)
            memcpy(last, text + n - 2, 2);
    }
    return memcmp(last, "\n\n", 2) == 0;
}

/* Of what host_get says. */
static size_t
length_of_lines(size_t n)
{
    char line[32];
    size_t len = 0;

    for (size_t i = 0; i < n; i++)
        len += (size_t)snprintf(line, sizeof(line), "errno=%zu\n\n", i);
    return len;
}

static void
test_a_slow_reader_holds_up_nobody(void **state)
{
    size_t total = 0, expected;
    int slow = dial(), quick = dial();

    (void)state;
    reply_lines = 300000;
    expected = length_of_lines(reply_lines);
    say(slow, "get=1\n\nget=1\n\n");
    say(quick, "set=1\n\n");
    expect_reply(quick, "errno=0\n\n");
    assert_int_equal(n_gets, 1); /* the second one waits for the first one's reply to be taken */
    reply_lines = 0;
    for (int i = 0; i < 1000 && total < expected + 2 * strlen("errno=0\n\n"); i++) {
        drain(slow, &total);
        pump();
    }
    assert_int_equal(total, expected + 2 * strlen("errno=0\n\n"));
    assert_int_equal(n_gets, 2);
    close(slow);
    close(quick);
}

static void
test_a_reply_may_come_in_pieces(void **state)
{
    int fd = dial();

    (void)state;
    pieces = 3;
    reply_lines = 1;
    say(fd, "get=1\n\nget=1\n\n");
    expect_reply(fd, "errno=0\n\nerrno=0\n\nerrno=0\n\nerrno=0\n\n"
                     "errno=0\n\nerrno=0\n\nerrno=0\n\nerrno=0\n\n");
    assert_int_equal(n_gets, 6);
    assert_true(LIST_EMPTY(&device.cursors));
    close(fd);
}

/* So that no more of it is held than one piece, and others have their turn. */
static void
test_a_piece_is_made_when_the_one_before_was_taken(void **state)
{
    size_t total = 0, expected;
    int slow = dial(), quick = dial();

    (void)state;
    pieces = 3;
    reply_lines = 100000;
    expected = 3 * length_of_lines(reply_lines) + strlen("errno=0\n\n");
    say(slow, "get=1\n\n");
    assert_int_equal(n_gets, 1);
    say(quick, "set=1\n\n");
    expect_reply(quick, "errno=0\n\n");
    for (int i = 0; i < 1000 && total < expected; i++) {
        assert_int_equal(n_gets, 1 + total / length_of_lines(reply_lines));
        drain(slow, &total);
        pump();
    }
    assert_int_equal(total, expected);
    assert_int_equal(n_gets, 3);
    close(slow);
    close(quick);
}

static void
test_an_error_amid_the_pieces_ends_the_reply(void **state)
{
    int fd = dial();

    (void)state;
    pieces = 3;
    fails_at = 2;
    reply_lines = 1;
    say(fd, "get=1\n\n");
    expect_reply(fd, "errno=0\n\nerrno=5\n\n");
    assert_int_equal(n_gets, 2);
    fails_at = 0;
    say(fd, "get=1\n\n"); /* the connection serves on */
    expect_reply(fd, "errno=0\n\nerrno=0\n\nerrno=0\n\nerrno=0\n\n");
    close(fd);
}

static void
test_a_client_that_leaves_amid_the_pieces_is_forgotten(void **state)
{
    int fd = dial();

    (void)state;
    pieces = 3;
    reply_lines = 100000;
    say(fd, "get=1\n\n");
    assert_false(LIST_EMPTY(&device.cursors));
    close(fd);
    pump();
    assert_true(LIST_EMPTY(&device.cursors));
    fd = dial(); /* and one that is there when the server stops (tear_down) */
    say(fd, "get=1\n\n");
    assert_false(LIST_EMPTY(&device.cursors));
}

static void
test_clients_beyond_the_limit_wait_for_a_place(void **state)
{
    int fd[MAX_CLIENTS + 1];

    (void)state;
    for (int i = 0; i <= MAX_CLIENTS; i++) {
        fd[i] = dial();
        say(fd[i], "get=1\n\n");
    }
    for (int i = 0; i < MAX_CLIENTS; i++)
        expect_reply(fd[i], "errno=0\n\n");
    expect_silence(fd[MAX_CLIENTS]);
    close(fd[1]);
    pump();
    expect_reply(fd[MAX_CLIENTS], "errno=0\n\n");
    for (int i = 0; i <= MAX_CLIENTS; i++)
        if (i != 1)
            close(fd[i]);
}

/* Longer than a server's short patience, which begins when it has taken the clients in: on a busy
 * machine that may be late. */
static void
outlast_patience(void)
{
    const struct timeval longer = {.tv_usec = 5 * SHORT_MS * 1000};

    pump();
    event_base_loopexit(base, &longer);
    event_base_dispatch(base);
}

static void
test_who_says_nothing_is_closed(void **state)
{
    int idle, midway;

    (void)state;
    uapi_stop(server);
    server = start("wg0", SHORT_MS);
    idle = dial();
    midway = dial();
    say(midway, "set=1\nfwmark=1\n");
    outlast_patience();
    expect_closed(idle);
    expect_closed(midway);
    assert_int_equal(n_sets, 0);
    close(idle);
    close(midway);
}

static void
test_who_takes_nothing_is_closed(void **state)
{
    size_t total = 0;
    int fd;

    (void)state;
    uapi_stop(server);
    server = start("wg0", SHORT_MS);
    reply_lines = 30000; /* more than the kernel keeps for us */
    fd = dial();
    say(fd, "get=1\n\n");
    outlast_patience();
    drain(fd, &total);
    assert_true(total > 0 && total < reply_lines * 9);
    expect_closed(fd);
    close(fd);
}

static void
test_what_an_answer_takes_is_not_the_clients_patience(void **state)
{
    size_t total = 0, expected;
    int fd;

    (void)state;
    uapi_stop(server);
    server = start("wg0", 6 * SHORT_MS);
    reply_lines = 100000; /* more than the kernel keeps for us */
    expected = length_of_lines(reply_lines) + strlen("errno=0\n\n");
    get_ms = 7 * SHORT_MS;
    fd = dial();
    say(fd, "get=1\n\n");
    for (int i = 0; i < 1000 && total < expected; i++) {
        pump();
        drain(fd, &total);
    }
    assert_int_equal(total, expected);
    close(fd);
}

/* --- the file --- */

static mode_t
mode_of(const char *name)
{
    struct stat st;

    assert_int_equal(lstat(name, &st), 0);
    return st.st_mode;
}

static void
test_the_file_is_ours_alone(void **state)
{
    (void)state;
    assert_int_equal(mode_of(path), S_IFSOCK | 0700);
    assert_int_equal(mode_of(directory), S_IFDIR | 0755);
}

static void
test_the_file_is_removed_in_the_end(void **state)
{
    (void)state;
    uapi_stop(server);
    server = NULL;
    assert_int_equal(access(path, F_OK), -1);
}

static void
test_who_answers_is_not_replaced(void **state)
{
    int fd;

    (void)state;
    assert_null(start("wg0", LONG_MS));
    assert_int_equal(errno, EADDRINUSE);
    fd = dial();
    say(fd, "get=1\n\n");
    expect_reply(fd, "errno=0\n\n");
    close(fd);
}

/* As a killed daemon leaves it. */
static void
leave_stale_socket(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    strcpy(a.sun_path, path);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(fd, 1), 0);
    close(fd);
}

static void
test_a_stale_socket_is_replaced(void **state)
{
    int fd;

    (void)state;
    uapi_stop(server);
    leave_stale_socket();
    server = start("wg0", LONG_MS);
    assert_non_null(server);
    fd = dial();
    say(fd, "get=1\n\n");
    expect_reply(fd, "errno=0\n\n");
    close(fd);
}

static void
make_file(void)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

    assert_true(fd >= 0);
    close(fd);
}

static void
test_a_file_that_is_no_socket_stays(void **state)
{
    (void)state;
    uapi_stop(server);
    make_file();
    server = start("wg0", LONG_MS);
    assert_null(server);
    assert_int_equal(errno, EADDRINUSE);
    assert_true(S_ISREG(mode_of(path)));
}

static void
test_deletion_is_noticed(void **state)
{
    (void)state;
    assert_int_equal(chmod(path, 0755), 0);
    pump();
    assert_int_equal(n_deleted, 0);
    assert_int_equal(unlink(path), 0);
    pump();
    assert_int_equal(n_deleted, 1);
}

static void
test_somebody_elses_file_stays(void **state)
{
    (void)state;
    assert_int_equal(unlink(path), 0);
    make_file();
    pump();
    assert_int_equal(n_deleted, 1);
    uapi_stop(server);
    server = NULL;
    assert_true(S_ISREG(mode_of(path)));
}

static void
test_a_name_that_is_too_long(void **state)
{
    char name[128];

    (void)state;
    memset(name, 'x', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    assert_null(start(name, LONG_MS));
    assert_int_equal(errno, ENAMETOOLONG);
}

/* Says get=1 as nobody; the exit code tells what came of it. */
static int
ask_as_nobody(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = 5};
    char byte;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    strcpy(a.sun_path, path);
    if (setuid(65534) != 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0)
        return 1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (send(fd, "get=1\n\n", 7, MSG_NOSIGNAL) != 7 && errno != EPIPE)
        return 2;
    return recv(fd, &byte, 1, 0) == 1 ? 3 : 0;
}

static void
test_only_root_and_our_own_user_are_answered(void **state)
{
    int status, fd;
    pid_t pid;

    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(chmod(parent, 0755), 0);
    assert_int_equal(chmod(path, 0777), 0); /* whatever somebody did to the file */
    pid = fork();
    if (pid == 0)
        _exit(ask_as_nobody());
    while (waitpid(pid, &status, WNOHANG) == 0)
        pump();
    assert_int_equal(status, 0);
    assert_int_equal(n_gets, 0);
    fd = dial();
    say(fd, "get=1\n\n");
    expect_reply(fd, "errno=0\n\n");
    close(fd);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_operations_are_handed_to_the_host),
        TEST(test_several_operations_in_one_write),
        TEST(test_bytes_may_come_one_by_one),
        TEST(test_what_the_parser_refuses_the_host_does_not_see),
        TEST(test_errors_of_the_host_are_told),
        TEST(test_an_unknown_operation_is_closed_without_a_reply),
        TEST(test_a_probe_gets_silence),
        TEST(test_end_of_input_is_no_empty_line),
        TEST(test_end_of_input_after_an_operation_waits_for_the_reply),
        TEST(test_a_slow_reader_holds_up_nobody),
        TEST(test_a_reply_may_come_in_pieces),
        TEST(test_a_piece_is_made_when_the_one_before_was_taken),
        TEST(test_an_error_amid_the_pieces_ends_the_reply),
        TEST(test_a_client_that_leaves_amid_the_pieces_is_forgotten),
        TEST(test_clients_beyond_the_limit_wait_for_a_place),
        TEST(test_who_says_nothing_is_closed),
        TEST(test_who_takes_nothing_is_closed),
        TEST(test_what_an_answer_takes_is_not_the_clients_patience),
        TEST(test_the_file_is_ours_alone),
        TEST(test_the_file_is_removed_in_the_end),
        TEST(test_who_answers_is_not_replaced),
        TEST(test_a_stale_socket_is_replaced),
        TEST(test_a_file_that_is_no_socket_stays),
        TEST(test_deletion_is_noticed),
        TEST(test_somebody_elses_file_stays),
        TEST(test_a_name_that_is_too_long),
        TEST(test_only_root_and_our_own_user_are_answered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
