/* SPDX-License-Identifier: BSD-3-Clause */
/* What is left of root, in every thread; each case in a process of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <linux/capability.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <wgtcpd/base/sanitizer.h>
#include <wgtcpd/control/privilege.h>

enum { THREADS = 3, GOOD = 0 };
#define BIT(capability) (UINT64_C(1) << (capability))
#define ADMIN           BIT(CAP_NET_ADMIN)

static void
in_a_process(int (*act)(void))
{
    pid_t pid = fork();
    int status;

    if (pid == 0)
        _exit(act());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) != GOOD)
        fail_msg("line %d", WEXITSTATUS(status)); /* tells where; lines of this file are < 256 */
}

/* A case ends with the line on which it failed. */
#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return __LINE__;                                                                       \
    } while (0)

static void *
linger(void *arg)
{
    for (;;)
        poll(NULL, 0, -1);
    return arg;
}

static bool
start_threads(void)
{
    pthread_t t;

    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&t, NULL, linger, NULL) != 0)
            return false;
    return true;
}

/* "name:\t<number>" of every thread is `expected`; there are as many threads as there shall be. */
static bool
every_thread_has(const char *name, int base, uint64_t expected)
{
    DIR *d = opendir("/proc/self/task");
    struct dirent *e;
    int n = 0;

    while (d != NULL && (e = readdir(d)) != NULL) {
        char path[300], line[128];
        bool found = false;
        FILE *f;

        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "/proc/self/task/%s/status", e->d_name);
        f = fopen(path, "re");
        while (f != NULL && fgets(line, sizeof(line), f) != NULL)
            if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
                found = strtoull(line + strlen(name) + 1, NULL, base) == expected;
        if (f != NULL)
            fclose(f);
        n += found;
    }
    if (d != NULL)
        closedir(d);
    return n == THREADS + 1;
}

static int
drop_as_root(void)
{
    REQUIRE(start_threads());
    REQUIRE(!every_thread_has("CapEff", 16, ADMIN));
    REQUIRE(privilege_drop(NULL, ADMIN) == 0);
    REQUIRE(every_thread_has("CapEff", 16, ADMIN));
    REQUIRE(every_thread_has("CapPrm", 16, ADMIN));
    REQUIRE(every_thread_has("CapInh", 16, 0));
    REQUIRE(every_thread_has("CapBnd", 16, ADMIN));
    REQUIRE(every_thread_has("NoNewPrivs", 10, 1));
    return GOOD;
}

static int
become_nobody(void)
{
    struct privilege_user u;

    REQUIRE(start_threads());
    REQUIRE(privilege_find_user("nobody", &u));
    REQUIRE(privilege_drop(&u, ADMIN) == 0);
    REQUIRE(every_thread_has("Uid", 10, u.uid));
    REQUIRE(every_thread_has("Gid", 10, u.gid));
    REQUIRE(every_thread_has("CapEff", 16, ADMIN));
    REQUIRE(every_thread_has("CapBnd", 16, ADMIN));
    REQUIRE(setuid(0) != 0 && errno == EPERM);
    REQUIRE(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
    return GOOD;
}

static int
drop_all(void)
{
    REQUIRE(start_threads());
    REQUIRE(privilege_drop(NULL, 0) == 0);
    REQUIRE(every_thread_has("CapPrm", 16, 0));
    REQUIRE(privilege_drop(NULL, ADMIN) == 0); /* what is gone does not come back */
    REQUIRE(every_thread_has("CapPrm", 16, 0));
    return GOOD;
}

static int
no_dumps(void)
{
    struct rlimit l;

    privilege_no_dumps();
    REQUIRE(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
    REQUIRE(getrlimit(RLIMIT_CORE, &l) == 0 && l.rlim_cur == 0 && l.rlim_max == 0);
    return GOOD;
}

static void
every_thread_drops(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    in_a_process(drop_as_root);
    in_a_process(drop_all);
}

static void
every_thread_becomes_the_user(void **state)
{
    (void)state;
    if (geteuid() != 0 || SANITIZED)
        skip();
    in_a_process(become_nobody);
}

static void
a_process_with_keys_is_not_dumped(void **state)
{
    (void)state;
    if (SANITIZED)
        skip();
    in_a_process(no_dumps);
}

static void
ports_say_what_is_needed(void **state)
{
    static char tap[] = "net_tap0,iface=wgout0", card[] = "0000:03:00.0",
                packet[] = "net_af_packet0", ours[] = "tap0";
    struct config_port second = {.device = card}, first = {.device = tap};
    struct config c = {.ports = &first};

    (void)state;
    assert_int_equal(privilege_needed(&c), ADMIN);
    first.device = ours;
    first.tap = ours;
    assert_int_equal(privilege_needed(&c), ADMIN);
    first.tap = NULL;
    first.device = packet;
    assert_int_equal(privilege_needed(&c), ADMIN);
    first.next = &second;
    assert_int_equal(privilege_needed(&c),
                     ADMIN | BIT(CAP_NET_RAW) | BIT(CAP_IPC_LOCK) | BIT(CAP_SYS_RAWIO));
    first.next = NULL;
    c.inner_port = &second;
    assert_int_equal(privilege_needed(&c),
                     ADMIN | BIT(CAP_NET_RAW) | BIT(CAP_IPC_LOCK) | BIT(CAP_SYS_RAWIO));
}

static void
an_unknown_user_is_found_out(void **state)
{
    struct privilege_user u;

    (void)state;
    assert_false(privilege_find_user("no-such-user-here", &u));
    assert_true(privilege_find_user("root", &u));
    assert_int_equal(u.uid, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_thread_drops),
        cmocka_unit_test(every_thread_becomes_the_user),
        cmocka_unit_test(a_process_with_keys_is_not_dumped),
        cmocka_unit_test(ports_say_what_is_needed),
        cmocka_unit_test(an_unknown_user_is_found_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
