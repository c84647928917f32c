/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/control/hooks.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <wgtcpd/control/log.h>

/* The command with every %i replaced; to be freed. */
static char *
expand(const char *command, const char *ifname)
{
    size_t n = strlen(command), name_len = strlen(ifname), room = n * (name_len + 1) + 1;
    char *out = malloc(room), *to = out;

    if (out == NULL)
        return NULL;
    for (const char *p = command; *p != '\0';) {
        if (p[0] == '%' && p[1] == 'i') {
            to = stpcpy(to, ifname);
            p += 2;
        } else {
            *to++ = *p++;
        }
    }
    *to = '\0';
    return out;
}

/* The child starts as an ordinary program would: no signal blocked, none of our descriptors (a tap
 * that a background job holds open would outlive us). */
static void
run_child(const char *command)
{
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    close_range(STDERR_FILENO + 1, ~0U, 0);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
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

static int
run(const char *command, void (*meanwhile)(void *ctx), void *ctx)
{
    int status;
    pid_t pid;

    log_info("[#] %s", command);
    pid = fork();
    if (pid == 0)
        run_child(command);
    if (pid < 0) {
        log_error("cannot run a hook: %s", strerror(errno));
        return -1;
    }
    if (!await(pid, &status, meanwhile, ctx))
        return -1;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    log_error("hook failed (%s %d): %s", WIFEXITED(status) ? "exit code" : "signal",
              WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), command);
    return -1;
}

int
hooks_run(const struct config_strings *commands, const char *ifname, void (*meanwhile)(void *ctx),
          void *ctx)
{
    for (size_t i = 0; i < commands->n; i++) {
        char *command = expand(commands->items[i], ifname);
        int rc = command != NULL ? run(command, meanwhile, ctx) : -1;

        free(command);
        if (rc != 0)
            return rc;
    }
    return 0;
}
