/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/control/child.h>

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <wgtcpd/control/keeper.h>
#include <wgtcpd/control/log.h>

/* A file that holds the text, to be read from its beginning; -1: there is none. */
static int
file_of(const char *text)
{
    size_t len = strlen(text);
    int fd = memfd_create("input", MFD_CLOEXEC);

    if (fd >= 0 && write(fd, text, len) == (ssize_t)len && lseek(fd, 0, SEEK_SET) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

/* The child starts as an ordinary program would: no signal blocked, none of our descriptors (a tap
 * that a background job holds open would outlive us). */
static void
become(char *const argv[], int input)
{
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    if (input >= 0)
        dup2(input, STDIN_FILENO);
    close_range(STDERR_FILENO + 1, ~0U, 0);
    execvp(argv[0], argv);
    _exit(CHILD_NOT_FOUND);
}

/* Waits for the child; does what there is to do meanwhile, every few milliseconds. */
static bool
await(pid_t pid, int *status, void (*meanwhile)(void *ctx), void *ctx)
{
    for (;;) {
        pid_t done = waitpid(pid, status, meanwhile != NULL ? WNOHANG : 0);

        if (done == pid)
            return true;
        if (done < 0 && errno != EINTR)
            return false;
        if (done == 0 && meanwhile != NULL) {
            meanwhile(ctx);
            usleep(2000);
        }
    }
}

int
child_run(char *const argv[], const char *input, void (*meanwhile)(void *ctx), void *ctx)
{
    int fd, status = 0;
    pid_t pid;

    if (keeper_is_up())
        return keeper_run(argv, input, meanwhile, ctx);
    fd = input != NULL ? file_of(input) : -1;
    pid = input == NULL || fd >= 0 ? fork() : -1;
    if (pid == 0)
        become(argv, fd);
    if (pid < 0)
        log_error("cannot run %s: %s", argv[0], strerror(errno));
    if (fd >= 0)
        close(fd);
    if (pid < 0 || !await(pid, &status, meanwhile, ctx))
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
