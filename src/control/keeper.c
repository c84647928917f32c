/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/control/keeper.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <wgtcpd/control/child.h>
#include <wgtcpd/control/config_file.h>
#include <wgtcpd/control/hooks.h>
#include <wgtcpd/control/log.h>

/*
 * One datagram asks, one answers. A request is what is wanted, then strings that end with NUL: of a
 * command its arguments, an empty one behind them, and what it reads (nothing: stdin is ours).
 */
enum request { REQUEST_RUN = 'r', REQUEST_OPEN = 'o', REQUEST_CLEAN = 'c' };
enum { REQUEST_MAX = 128 << 10, ARGS_MAX = 8, TURN_MS = 2 };

struct keeper {
    int fd;
    char ifname[CONFIG_IFNAME_MAX + 1];
    const char *path;
    char **commands; /* the hooks, expanded */
    size_t n_commands;
};

/* the daemon's end */
static int keeper_fd = -1;
static pid_t keeper_pid;

/* --- what it does -------------------------------------------------------------------------------
 */

static int
add_list(struct keeper *k, const struct config_strings *hooks)
{
    char **more = reallocarray(k->commands, k->n_commands + hooks->n + 1, sizeof(*more));

    if (more == NULL)
        return -ENOMEM;
    k->commands = more;
    for (size_t i = 0; i < hooks->n; i++) {
        k->commands[k->n_commands] = hooks_expand(hooks->items[i], k->ifname);
        if (k->commands[k->n_commands] == NULL)
            return -ENOMEM;
        k->n_commands++;
    }
    return 0;
}

/* All hooks of the configuration, besides those that we have. */
static int
add_hooks(struct keeper *k, const struct config *c)
{
    const struct config_strings *hooks[] = {&c->pre_up, &c->post_up, &c->pre_down, &c->post_down};
    int rc = 0;

    for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]) && rc == 0; i++)
        rc = add_list(k, hooks[i]);
    return rc;
}

/* The daemon reads its file again: so do we, for hooks that are new. Who may write it is root. */
static void
learn_hooks(struct keeper *k)
{
    FILE *nowhere = fopen("/dev/null", "we");
    struct config *c = nowhere != NULL ? config_load(k->path, nowhere) : NULL;

    if (c != NULL)
        (void)add_hooks(k, c);
    config_free(c);
    if (nowhere != NULL)
        fclose(nowhere);
}

static bool
is_hook(const struct keeper *k, char *const argv[], size_t n)
{
    if (n != 3 || strcmp(argv[0], "sh") != 0 || strcmp(argv[1], "-c") != 0)
        return false;
    for (size_t i = 0; i < k->n_commands; i++)
        if (strcmp(argv[2], k->commands[i]) == 0)
            return true;
    return false;
}

/* The name of our record: the interface's, perhaps behind a prefix and a dot (dns.c). */
static bool
is_our_record(const struct keeper *k, const char *name)
{
    size_t len = strlen(name), own = strlen(k->ifname);

    if (len < own || name[0] == '-' || strcmp(name + len - own, k->ifname) != 0)
        return false;
    return len == own || name[len - own - 1] == '.';
}

static bool
is_resolvconf(const struct keeper *k, char *const argv[], size_t n)
{
    static const char *const add[] = {"-m", "0", "-x"};

    if (n < 3 || strcmp(argv[0], "resolvconf") != 0 || !is_our_record(k, argv[2]))
        return false;
    if (strcmp(argv[1], "-d") == 0)
        return n == 3 || (n == 4 && strcmp(argv[3], "-f") == 0);
    if (strcmp(argv[1], "-a") != 0 || n > 6)
        return false;
    for (size_t i = 3; i < n; i++)
        if (strcmp(argv[i], add[i - 3]) != 0)
            return false;
    return true;
}

/* The string at *at, and on to the next; NULL: the request ends before it does. */
static char *
take_string(char **at, const char *end)
{
    char *s = *at, *nul = memchr(s, '\0', (size_t)(end - s));

    if (nul == NULL)
        return NULL;
    *at = nul + 1;
    return s;
}

static int
serve_run(const struct keeper *k, char *at, const char *end)
{
    char *argv[ARGS_MAX + 1], *input;
    size_t n = 0;

    while ((argv[n] = take_string(&at, end)) != NULL && argv[n][0] != '\0')
        if (++n > ARGS_MAX)
            return CHILD_REFUSED;
    if (argv[n] == NULL)
        return CHILD_REFUSED;
    argv[n] = NULL;
    input = take_string(&at, end);
    if (!is_hook(k, argv, n) && !is_resolvconf(k, argv, n))
        return CHILD_REFUSED;
    return child_run(argv, input, NULL, NULL);
}

/* A socket that nobody listens to: not of another daemon of that name, which may be why ours did
 * not start. */
static void
remove_stale(const struct sockaddr_un *a)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return;
    if (connect(fd, (const struct sockaddr *)a, sizeof(*a)) != 0 && errno == ECONNREFUSED)
        unlink(a->sun_path);
    close(fd);
}

/* EAL makes its directory where systemd says, or in /run. */
static void
serve_clean(const struct keeper *k)
{
    static const char *const directories[] = {"wireguard", "wgtcpd"};
    const char *run = getenv("RUNTIME_DIRECTORY");
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    char path[PATH_MAX], telemetry[PATH_MAX + 32];

    for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
        snprintf(a.sun_path, sizeof(a.sun_path), "/run/%s/%s.sock", directories[i], k->ifname);
        remove_stale(&a);
    }
    snprintf(path, sizeof(path), "%s/dpdk/wgtcpd-%s", run != NULL ? run : "/run", k->ifname);
    snprintf(telemetry, sizeof(telemetry), "%s/dpdk_telemetry.v2", path);
    unlink(telemetry);
    rmdir(path); /* takes an empty one only */
}

/* Answers with a number, and a descriptor if there is one. */
static void
answer(int fd, int rc, int descriptor)
{
    char control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec data = {&rc, sizeof(rc)};
    struct msghdr m = {.msg_iov = &data, .msg_iovlen = 1};
    struct cmsghdr *c;

    if (descriptor >= 0) {
        m.msg_control = control;
        m.msg_controllen = sizeof(control);
        c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &descriptor, sizeof(int));
    }
    (void)sendmsg(fd, &m, MSG_NOSIGNAL); /* nobody there: the next recv says so */
}

static void
serve_open(struct keeper *k)
{
    int fd = open(k->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), rc = fd >= 0 ? 0 : -errno;

    if (rc == 0)
        learn_hooks(k);
    answer(k->fd, rc, fd);
    if (fd >= 0)
        close(fd);
}

static void
serve(struct keeper *k, char *request, size_t len)
{
    int rc = 0;

    switch (request[0]) {
    case REQUEST_OPEN:
        serve_open(k);
        return;
    case REQUEST_CLEAN:
        serve_clean(k);
        break;
    case REQUEST_RUN:
        rc = serve_run(k, request + 1, request + len);
        break;
    default:
        rc = CHILD_REFUSED;
    }
    answer(k->fd, rc, -1);
}

/* Signals of a terminal or a service manager go to every process; the keeper waits for the daemon,
 * which still wants its hooks. */
static void __attribute__((noreturn)) keep(struct keeper *k)
{
    char *request = malloc(REQUEST_MAX);
    sigset_t all;
    ssize_t n;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    prctl(PR_SET_NAME, "wgtcpd-keeper", 0, 0, 0);
    while (request != NULL && (n = recv(k->fd, request, REQUEST_MAX, 0)) > 0)
        serve(k, request, (size_t)n);
    _exit(0);
}

/* --- the start --- */

static void
forget(struct keeper *k)
{
    for (size_t i = 0; i < k->n_commands; i++)
        free(k->commands[i]);
    free(k->commands);
}

int
keeper_start(struct config *c, const char *path)
{
    struct keeper k = {.path = path};
    int fds[2], rc;
    pid_t pid;

    memcpy(k.ifname, c->ifname, sizeof(k.ifname));
    rc = add_hooks(&k, c);
    if (rc == 0 && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
        rc = -errno;
    if (rc != 0) {
        forget(&k);
        return rc;
    }
    pid = fork();
    if (pid == 0) {
        config_free(c); /* with its keys */
        close(fds[0]);
        k.fd = fds[1];
        keep(&k);
    }
    rc = pid < 0 ? -errno : 0;
    close(fds[1]);
    if (rc == 0) {
        keeper_fd = fds[0];
        keeper_pid = pid;
    } else {
        close(fds[0]);
    }
    forget(&k);
    return rc;
}

void
keeper_stop(void)
{
    if (keeper_fd < 0)
        return;
    close(keeper_fd);
    keeper_fd = -1;
    waitpid(keeper_pid, NULL, 0);
}

bool
keeper_is_up(void)
{
    return keeper_fd >= 0;
}

/* --- asking it --- */

/* Waits for the answer; *descriptor (may be NULL) is what came with it, or -1. */
static int
await_answer(int *descriptor, void (*meanwhile)(void *ctx), void *ctx)
{
    char control[CMSG_SPACE(sizeof(int))];
    struct pollfd p = {.fd = keeper_fd, .events = POLLIN};
    int rc = -1;
    struct iovec data = {&rc, sizeof(rc)};
    struct msghdr m = {.msg_iov = &data, .msg_iovlen = 1};
    struct cmsghdr *c;

    while (meanwhile != NULL && poll(&p, 1, TURN_MS) == 0)
        meanwhile(ctx);
    if (descriptor != NULL) {
        *descriptor = -1;
        m.msg_control = control;
        m.msg_controllen = sizeof(control);
    }
    if (recvmsg(keeper_fd, &m, MSG_CMSG_CLOEXEC) != (ssize_t)sizeof(rc))
        return -EPIPE;
    c = descriptor != NULL ? CMSG_FIRSTHDR(&m) : NULL;
    if (c != NULL && c->cmsg_type == SCM_RIGHTS)
        memcpy(descriptor, CMSG_DATA(c), sizeof(int));
    return rc;
}

static bool
ask(const char *request, size_t len)
{
    return send(keeper_fd, request, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* Behind the kind: the arguments, an empty one, the input. 0: too long. */
static size_t
format_run(char *request, char *const argv[], const char *input)
{
    size_t len = 1;

    request[0] = REQUEST_RUN;
    for (size_t i = 0; argv[i] != NULL; i++) {
        size_t n = strlen(argv[i]) + 1;

        if (n > REQUEST_MAX - 1 - len)
            return 0;
        memcpy(request + len, argv[i], n);
        len += n;
    }
    request[len++] = '\0';
    if (input == NULL)
        return len;
    if (strlen(input) + 1 > REQUEST_MAX - len)
        return 0;
    memcpy(request + len, input, strlen(input) + 1);
    return len + strlen(input) + 1;
}

int
keeper_run(char *const argv[], const char *input, void (*meanwhile)(void *ctx), void *ctx)
{
    char *request = malloc(REQUEST_MAX);
    size_t len = request != NULL ? format_run(request, argv, input) : 0;
    int rc = len > 0 && ask(request, len) ? await_answer(NULL, meanwhile, ctx) : -1;

    free(request);
    if (rc == CHILD_REFUSED)
        log_error("%s was not run: only hooks that the configuration had at the start are, and "
                  "resolvconf",
                  argv[0]);
    else if (rc < 0)
        log_error("cannot run %s: the process that runs hooks is gone", argv[0]);
    return rc < 0 || rc == CHILD_REFUSED ? -1 : rc;
}

int
keeper_open_config(void)
{
    char request = REQUEST_OPEN;
    int fd, rc = ask(&request, 1) ? await_answer(&fd, NULL, NULL) : -EPIPE;

    return rc == 0 ? fd : rc;
}

void
keeper_clean(void)
{
    char request = REQUEST_CLEAN;

    if (keeper_is_up() && ask(&request, 1))
        (void)await_answer(NULL, NULL, NULL);
}
