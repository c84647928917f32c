/* SPDX-License-Identifier: BSD-3-Clause */
/* What each thread may call, each case in a process of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <wgtcpd/base/sanitizer.h>
#include <wgtcpd/control/seccomp.h>

enum { WORKS = 0, BROKEN = 1 };

struct result {
    int status;     /* of waitpid */
    char said[256]; /* on stderr */
};

/* Runs act in a process confined as a thread of that role is. */
static struct result
confined(enum seccomp_role role, enum config_seccomp mode, int (*act)(void))
{
    struct result r = {.said = ""};
    int fds[2], rc;
    ssize_t n;
    pid_t pid;

    assert_int_equal(pipe(fds), 0);
    pid = fork();
    if (pid == 0) {
        dup2(fds[1], STDERR_FILENO);
        rc = seccomp_confine(SECCOMP_CONTROL, mode);
        if (rc == 0 && role == SECCOMP_WORKER)
            rc = seccomp_confine(role, mode);
        _exit(rc == 0 ? act() : BROKEN);
    }
    close(fds[1]);
    n = read(fds[0], r.said, sizeof(r.said) - 1);
    if (n > 0)
        r.said[n] = '\0';
    close(fds[0]);
    assert_int_equal(waitpid(pid, &r.status, 0), pid);
    return r;
}

static void
expect_works(enum seccomp_role role, int (*act)(void))
{
    struct result r = confined(role, CONFIG_SECCOMP_ON, act);

    if (!WIFEXITED(r.status) || WEXITSTATUS(r.status) != WORKS)
        fail_msg("status %x: %s", r.status, r.said);
}

/* name NULL: it cannot be said, for signals are blocked around the call. */
static void
expect_refused(enum seccomp_role role, int (*act)(void), const char *name)
{
    struct result r = confined(role, CONFIG_SECCOMP_ON, act);
    char expected[64];

    assert_true(WIFSIGNALED(r.status));
    assert_int_equal(WTERMSIG(r.status), SIGSYS);
    if (name == NULL)
        return;
    snprintf(expected, sizeof(expected), "system call %s:", name);
    if (strstr(r.said, expected) == NULL)
        fail_msg("'%s' does not say '%s'", r.said, expected);
}

/* --- acts --- */

static int
run_program(void)
{
    char name[] = "true", *argv[] = {name, NULL};

    execvp(name, argv);
    return BROKEN;
}

static int
make_process(void)
{
    return fork() > 0 ? WORKS : BROKEN;
}

static int
trace(void)
{
    return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 ? WORKS : BROKEN;
}

static int
write_and_execute(void)
{
    void *p =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return p != MAP_FAILED ? WORKS : BROKEN;
}

static int
map_program(void)
{
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);

    return p != MAP_FAILED ? WORKS : BROKEN;
}

static int
make_executable(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0 ? WORKS : BROKEN;
}

static int
packet_socket(void)
{
    return socket(AF_PACKET, SOCK_RAW, 0) >= 0 ? WORKS : BROKEN;
}

static int
inet_socket(void)
{
    return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0 ? WORKS : BROKEN;
}

static int
type_for_the_user(void)
{
    char c = 'x';

    (void)ioctl(STDIN_FILENO, TIOCSTI, &c);
    return WORKS;
}

static int
kill_another(void)
{
    return syscall(SYS_tgkill, getppid(), getppid(), 0) == 0 ? WORKS : BROKEN;
}

static int
open_file(void)
{
    return open("/dev/null", O_RDWR | O_CLOEXEC) >= 0 ? WORKS : BROKEN;
}

static int
become_root(void)
{
    return setuid(0) == 0 ? WORKS : BROKEN;
}

static int
move_bytes(void)
{
    struct timespec ts = {.tv_nsec = 1000};
    char c = 0, *heap;
    int rc = nanosleep(&ts, NULL);

    heap = malloc(1 << 20);
    if (heap == NULL || syscall(SYS_getrandom, heap, 32, 0) != 32 || rc != 0)
        return BROKEN;
    free(heap);
    return write(STDERR_FILENO, &c, 1) == 1 ? WORKS : BROKEN;
}

static void *
thread_main(void *arg)
{
    *(int *)arg = WORKS;
    return NULL;
}

static int
make_thread(void)
{
    pthread_t t;
    int rc = BROKEN;

    if (pthread_create(&t, NULL, thread_main, &rc) != 0 || pthread_join(t, NULL) != 0)
        return BROKEN;
    return rc;
}

static int
abort_works(void)
{
    abort();
}

/* --- tests --- */

static void
control_runs_no_program_and_traces_nobody(void **state)
{
    (void)state;
    expect_refused(SECCOMP_CONTROL, run_program, "execve");
    expect_refused(SECCOMP_CONTROL, make_process, "clone");
    expect_refused(SECCOMP_CONTROL, trace, "ptrace");
    expect_refused(SECCOMP_CONTROL, kill_another, "tgkill");
    expect_refused(SECCOMP_CONTROL, become_root, "setuid");
    expect_refused(SECCOMP_CONTROL, packet_socket, "socket");
    expect_refused(SECCOMP_CONTROL, type_for_the_user, "ioctl");
}

static void
nothing_is_both_written_and_executed(void **state)
{
    (void)state;
    expect_refused(SECCOMP_CONTROL, write_and_execute, "mmap");
    expect_refused(SECCOMP_CONTROL, make_executable, "mprotect");
    expect_refused(SECCOMP_WORKER, write_and_execute, "mmap");
    expect_refused(SECCOMP_WORKER, make_executable, "mprotect");
}

static void
control_has_sockets_files_and_threads(void **state)
{
    (void)state;
    expect_works(SECCOMP_CONTROL, inet_socket);
    expect_works(SECCOMP_CONTROL, open_file);
    expect_works(SECCOMP_CONTROL, make_thread);
    expect_works(SECCOMP_CONTROL, map_program);
    expect_works(SECCOMP_CONTROL, move_bytes);
}

static void
a_worker_only_moves_bytes(void **state)
{
    (void)state;
    expect_works(SECCOMP_WORKER, move_bytes);
    expect_refused(SECCOMP_WORKER, open_file, "openat");
    expect_refused(SECCOMP_WORKER, inet_socket, "socket");
    expect_refused(SECCOMP_WORKER, make_thread, NULL);
    expect_refused(SECCOMP_WORKER, run_program, "execve");
    expect_refused(SECCOMP_WORKER, become_root, "setuid");
}

static void
a_broken_invariant_still_aborts(void **state)
{
    struct result r = confined(SECCOMP_WORKER, CONFIG_SECCOMP_ON, abort_works);

    (void)state;
    assert_true(WIFSIGNALED(r.status));
    assert_int_equal(WTERMSIG(r.status), SIGABRT);
}

static void
log_and_off_carry_everything_out(void **state)
{
    struct result r = confined(SECCOMP_WORKER, CONFIG_SECCOMP_LOG, run_program);

    (void)state;
    assert_true(WIFEXITED(r.status));
    assert_int_equal(WEXITSTATUS(r.status), 0);
    r = confined(SECCOMP_WORKER, CONFIG_SECCOMP_OFF, run_program);
    assert_true(WIFEXITED(r.status));
    assert_int_equal(WEXITSTATUS(r.status), 0);
}

/* A thread that was there before. */
static int started[2];

static void *
late_program(void *arg)
{
    char c;

    (void)arg;
    if (read(started[0], &c, 1) == 1)
        _exit(run_program());
    return NULL;
}

static void
threads_that_are_there_already_are_confined_too(void **state)
{
    int status;
    pid_t pid = fork();

    (void)state;
    if (pid == 0) {
        pthread_t t;

        if (pipe(started) != 0 || pthread_create(&t, NULL, late_program, NULL) != 0 ||
            seccomp_confine(SECCOMP_CONTROL, CONFIG_SECCOMP_ON) != 0 ||
            write(started[1], "x", 1) != 1)
            _exit(BROKEN);
        for (;;)
            poll(NULL, 0, -1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSYS);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(control_runs_no_program_and_traces_nobody),
        cmocka_unit_test(nothing_is_both_written_and_executed),
        cmocka_unit_test(control_has_sockets_files_and_threads),
        cmocka_unit_test(a_worker_only_moves_bytes),
        cmocka_unit_test(a_broken_invariant_still_aborts),
        cmocka_unit_test(log_and_off_carry_everything_out),
        cmocka_unit_test(threads_that_are_there_already_are_confined_too),
    };

    if (SANITIZED) /* it has system calls of its own: nothing is filtered */
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
