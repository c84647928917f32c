/* SPDX-License-Identifier: BSD-3-Clause */
/* What the service manager hears (sd_notify(3), sd_watchdog_enabled(3)). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include <wgtcpd/control/notify.h>

static int manager = -1;
static char heard[512];

/* Listens at name, a path or @abstract, and says so in the environment. */
static void
listen_at(const char *name)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    size_t len = strlen(name);

    memcpy(at.sun_path, name, len);
    if (name[0] == '@')
        at.sun_path[0] = '\0';
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_true(manager >= 0);
    assert_int_equal(bind(manager, (struct sockaddr *)&at,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
                     0);
    setenv("NOTIFY_SOCKET", name, 1);
}

static const char *
hear(void)
{
    ssize_t n = recv(manager, heard, sizeof(heard) - 1, 0);

    heard[n > 0 ? n : 0] = '\0';
    return heard;
}

static void
without_a_manager_nothing_happens(void **state)
{
    (void)state;
    notify_init();
    notify_ready();
    notify_status("nobody listens");
    assert_int_equal(notify_watchdog_interval(), 0);
}

static void
states_are_told_one_a_datagram(void **state)
{
    char directory[] = "/tmp/wgtcpd-notify.XXXXXX", path[64];
    unsigned long long usec;
    uint64_t seen = 0;

    (void)state;
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/socket", directory);
    listen_at(path);
    notify_init();
    assert_null(getenv("NOTIFY_SOCKET")); /* no child speaks in our name */
    notify_ready();
    assert_string_equal(hear(), "READY=1");
    notify_reloading();
    assert_int_equal(sscanf(hear(), "RELOADING=1\nMONOTONIC_USEC=%llu", &usec), 1);
    assert_true(usec > 0);
    notify_status("%d peers", 7);
    assert_string_equal(hear(), "STATUS=7 peers");
    assert_true(notify_watchdog(&seen, 1));
    assert_string_equal(hear(), "WATCHDOG=1");
    notify_stopping();
    assert_string_equal(hear(), "STOPPING=1");
    close(manager);
    notify_ready(); /* nobody there any more: no harm */
    unlink(path);
    rmdir(directory);
}

static void
the_socket_may_be_abstract(void **state)
{
    char name[64];

    (void)state;
    snprintf(name, sizeof(name), "@wgtcpd-test-%d", (int)getpid());
    listen_at(name);
    notify_init();
    notify_ready();
    assert_string_equal(hear(), "READY=1");
    close(manager);
}

/* sd_notify(3): the service is restarted when nothing comes; a worker that hangs must not be
 * covered by a control thread that does not. */
static void
a_worker_that_does_not_turn_is_not_alive(void **state)
{
    char name[64];
    uint64_t seen = 0;

    (void)state;
    snprintf(name, sizeof(name), "@wgtcpd-watchdog-%d", (int)getpid());
    listen_at(name);
    notify_init();
    assert_true(notify_watchdog(&seen, 5));
    assert_string_equal(hear(), "WATCHDOG=1");
    assert_false(notify_watchdog(&seen, 5));
    assert_false(notify_watchdog(&seen, 5));
    assert_string_equal(hear(), "");
    assert_true(notify_watchdog(&seen, 6)); /* it was only slow */
    assert_string_equal(hear(), "WATCHDOG=1");
    close(manager);
}

static void
the_watchdog_is_ours_or_nobodys(void **state)
{
    char pid[32];

    (void)state;
    setenv("WATCHDOG_USEC", "3000000", 1);
    setenv("WATCHDOG_PID", "1", 1);
    notify_init();
    assert_int_equal(notify_watchdog_interval(), 0);
    assert_null(getenv("WATCHDOG_USEC"));
    assert_null(getenv("WATCHDOG_PID"));
    setenv("WATCHDOG_USEC", "3x", 1);
    notify_init();
    assert_int_equal(notify_watchdog_interval(), 0);
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    setenv("WATCHDOG_USEC", "3000000", 1);
    setenv("WATCHDOG_PID", pid, 1);
    notify_init();
    assert_int_equal(notify_watchdog_interval(), 3 * WGT_SEC);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_manager_nothing_happens),
        cmocka_unit_test(states_are_told_one_a_datagram),
        cmocka_unit_test(the_socket_may_be_abstract),
        cmocka_unit_test(a_worker_that_does_not_turn_is_not_alive),
        cmocka_unit_test(the_watchdog_is_ours_or_nobodys),
    };

    unsetenv("NOTIFY_SOCKET");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
