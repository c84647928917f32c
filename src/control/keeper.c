/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/control/keeper.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <wgtcpd/control/child.h>
#include <wgtcpd/control/config_file.h>
#include <wgtcpd/control/log.h>
#include <wgtcpd/vault/vault.h>

#include "keeper_rules.h"

/*
 * One datagram asks, one answers. A request is what is wanted, then strings that end with NUL: of a
 * command its arguments, an empty one behind them, and what it reads (nothing: stdin is ours). With
 * a file to be saved comes the descriptor of its text. A command is run by a process of its own,
 * and answered on a pipe that comes with it: a hook may have the daemon reload, or save.
 */
enum request { REQUEST_RUN = 'r', REQUEST_OPEN = 'o', REQUEST_SAVE = 's', REQUEST_CLEAN = 'c' };
enum { REQUEST_MAX = 128 << 10, ARGS_MAX = 8, TURN_MS = 2 };

struct keeper {
    int fd;
    const char *path;
    struct keeper_rules rules;
};

/* the daemon's end */
static int keeper_fd = -1;
static pid_t keeper_pid;

/* --- datagrams that may carry a descriptor ------------------------------------------------------
 */

/* Room for one. */
union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

/* descriptor: -1 for none. */
static bool
send_message(int fd, const void *data, size_t len, int descriptor)
{
    union control control = {.bytes = {0}};
    struct iovec iov = {(void *)(uintptr_t)data, len};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

    if (descriptor >= 0) {
        m.msg_control = control.bytes;
        m.msg_controllen = sizeof(control.bytes);
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(&control.header), &descriptor, sizeof(int));
    }
    return sendmsg(fd, &m, MSG_NOSIGNAL) == (ssize_t)len;
}

/* The length, 0 at the end, -1. *descriptor is what came with it, to be closed; -1: nothing. */
static ssize_t
receive_message(int fd, void *data, size_t size, int *descriptor)
{
    union control control;
    struct iovec iov = {data, size};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof(control.bytes)};
    ssize_t n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
    const struct cmsghdr *c = n >= 0 ? CMSG_FIRSTHDR(&m) : NULL;

    *descriptor = -1;
    if (c != NULL && c->cmsg_type == SCM_RIGHTS)
        memcpy(descriptor, CMSG_DATA(c), sizeof(int));
    return n;
}

/* --- what it does -------------------------------------------------------------------------------
 */

/* Of errors in a file the daemon tells. */
static struct config *
load_silently(const char *path)
{
    FILE *nowhere = fopen("/dev/null", "we");
    struct config *c = nowhere != NULL ? config_load(path, nowhere) : NULL;

    if (nowhere != NULL)
        fclose(nowhere);
    return c;
}

static struct config *
parse_silently(const char *path, const char *text, size_t len)
{
    FILE *nowhere = fopen("/dev/null", "we");
    struct config *c = nowhere != NULL ? config_parse(path, text, len, nowhere) : NULL;

    if (nowhere != NULL)
        fclose(nowhere);
    return c;
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
    if (!keeper_rules_allow_command(&k->rules, argv, n))
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
        snprintf(a.sun_path, sizeof(a.sun_path), "/run/%s/%s.sock", directories[i],
                 k->rules.ifname);
        remove_stale(&a);
    }
    snprintf(path, sizeof(path), "%s/dpdk/wgtcpd-%s", run != NULL ? run : "/run", k->rules.ifname);
    snprintf(telemetry, sizeof(telemetry), "%s/dpdk_telemetry.v2", path);
    unlink(telemetry);
    rmdir(path); /* takes an empty one only */
}

/* The daemon reads its file again: so do we, for what is new. Who may write it is root. */
static void
learn_file(struct keeper *k)
{
    struct config *c = load_silently(k->path);

    if (c != NULL)
        (void)keeper_rules_learn(&k->rules, c);
    config_free(c);
}

/* The file, open for reading, or -errno. */
static int
serve_open(struct keeper *k)
{
    int fd = open(k->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0)
        return -errno;
    learn_file(k);
    return fd;
}

/* --- saving --- */

struct text {
    char *bytes;
    size_t len, size;
};

static void
print_text(void *ctx, FILE *to)
{
    const struct text *t = ctx;

    fwrite(t->bytes, 1, t->len, to);
}

/* A copy, which the daemon cannot change once it has been looked at. */
static int
read_text(int fd, struct text *t)
{
    struct stat st;
    ssize_t n;

    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > CONFIG_FILE_MAX)
        return -EINVAL;
    t->size = (size_t)st.st_size + 1;
    t->bytes = vault_alloc(t->size);
    if (t->bytes == NULL)
        return -ENOMEM;
    while (t->len < (size_t)st.st_size &&
           (n = pread(fd, t->bytes + t->len, (size_t)st.st_size - t->len, (off_t)t->len)) > 0)
        t->len += (size_t)n;
    return t->len == (size_t)st.st_size ? 0 : -EIO;
}

static int
save_text(const struct keeper *k, struct text *t)
{
    struct config *c = parse_silently(k->path, t->bytes, t->len);
    int rc = -EINVAL;

    if (c != NULL)
        rc = keeper_rules_allow_file(&k->rules, c) ? 0 : -EPERM;
    config_free(c);
    return rc == 0 ? config_replace(k->path, print_text, t) : rc;
}

static int
serve_save(const struct keeper *k, int fd)
{
    struct text t = {.bytes = NULL};
    int rc = read_text(fd, &t);

    if (rc == 0)
        rc = save_text(k, &t);
    vault_free(t.bytes, t.size);
    return rc;
}

/* --- requests --- */

/* Answers on descriptor. Without a process for it, nobody does, and the pipe's end says so. */
static void
start_run(const struct keeper *k, char *request, size_t len, int descriptor)
{
    pid_t pid = fork();
    int rc;

    if (pid != 0)
        return;
    close(k->fd);
    signal(SIGCHLD, SIG_DFL);
    rc = serve_run(k, request + 1, request + len);
    _exit(write(descriptor, &rc, sizeof(rc)) == (ssize_t)sizeof(rc) ? 0 : 1);
}

static void
serve(struct keeper *k, char *request, size_t len, int descriptor)
{
    int rc = 0, fd = -1;

    switch (request[0]) {
    case REQUEST_OPEN:
        fd = serve_open(k);
        rc = fd < 0 ? fd : 0;
        break;
    case REQUEST_SAVE:
        rc = serve_save(k, descriptor);
        break;
    case REQUEST_CLEAN:
        serve_clean(k);
        break;
    case REQUEST_RUN:
        start_run(k, request, len, descriptor);
        return;
    default:
        rc = CHILD_REFUSED;
    }
    (void)send_message(k->fd, &rc, sizeof(rc), fd); /* nobody there: the next receive says so */
    if (fd >= 0)
        close(fd);
}

/* Signals of a terminal or a service manager go to every process; the keeper waits for the daemon,
 * which still wants its hooks. */
static void __attribute__((noreturn)) keep(struct keeper *k)
{
    char *request = malloc(REQUEST_MAX);
    sigset_t all;
    int descriptor;
    ssize_t n;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    signal(SIGCHLD, SIG_IGN); /* nobody waits for processes that run commands */
    prctl(PR_SET_NAME, "wgtcpd-keeper", 0, 0, 0);
    while (request != NULL && (n = receive_message(k->fd, request, REQUEST_MAX, &descriptor)) > 0) {
        serve(k, request, (size_t)n, descriptor);
        if (descriptor >= 0)
            close(descriptor);
    }
    _exit(0);
}

/* --- the start --- */

int
keeper_start(struct config *c, const char *path)
{
    struct keeper k = {.path = path};
    int fds[2], rc;
    pid_t pid;

    memcpy(k.rules.ifname, c->ifname, sizeof(k.rules.ifname));
    rc = keeper_rules_learn(&k.rules, c);
    if (rc == 0 && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
        rc = -errno;
    if (rc != 0) {
        keeper_rules_clear(&k.rules);
        return rc;
    }
    pid = fork();
    if (pid == 0) {
        config_free(c); /* with its keys */
        malloc_trim(0); /* of many peers there was much */
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
    keeper_rules_clear(&k.rules);
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

/* *descriptor is what came with it, or -1. */
static int
await_answer(int *descriptor)
{
    int rc = -EPIPE;

    if (receive_message(keeper_fd, &rc, sizeof(rc), descriptor) != (ssize_t)sizeof(rc))
        return -EPIPE;
    return rc;
}

/* An answer without a descriptor. */
static int
await_number(void)
{
    int descriptor, rc = await_answer(&descriptor);

    if (descriptor >= 0)
        close(descriptor);
    return rc;
}

static bool
ask(enum request what, int descriptor)
{
    char request = (char)what;

    return send_message(keeper_fd, &request, sizeof(request), descriptor);
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

/* Other requests may come and go meanwhile. */
static int
await_command(int fd, void (*meanwhile)(void *ctx), void *ctx)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int rc;

    while (meanwhile != NULL && poll(&p, 1, TURN_MS) == 0)
        meanwhile(ctx);
    return read(fd, &rc, sizeof(rc)) == (ssize_t)sizeof(rc) ? rc : -1;
}

int
keeper_run(char *const argv[], const char *input, void (*meanwhile)(void *ctx), void *ctx)
{
    char *request = malloc(REQUEST_MAX);
    size_t len = request != NULL ? format_run(request, argv, input) : 0;
    int rc = -1, answer[2];

    if (len > 0 && pipe2(answer, O_CLOEXEC) == 0) {
        bool asked = send_message(keeper_fd, request, len, answer[1]);

        close(answer[1]); /* the other one's end tells of its death */
        if (asked)
            rc = await_command(answer[0], meanwhile, ctx);
        close(answer[0]);
    }
    free(request);
    if (rc == CHILD_REFUSED)
        log_error("%s was not run: only hooks of the configuration are, and resolvconf", argv[0]);
    else if (rc < 0)
        log_error("cannot run %s: the process that runs hooks is gone", argv[0]);
    return rc < 0 || rc == CHILD_REFUSED ? -1 : rc;
}

int
keeper_open_config(void)
{
    int fd, rc = ask(REQUEST_OPEN, -1) ? await_answer(&fd) : -EPIPE;

    return rc == 0 ? fd : rc;
}

/* The text in memory, to be read by who gets the descriptor; -errno. */
static int
text_of(void (*print)(void *ctx, FILE *to), void *ctx)
{
    int fd = memfd_create("configuration", MFD_CLOEXEC), copy, rc;

    if (fd < 0)
        return -errno;
    copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    rc = copy >= 0 ? config_write(copy, print, ctx) : -errno;
    if (rc == 0)
        return fd;
    close(fd);
    return rc;
}

int
keeper_save(void (*print)(void *ctx, FILE *to), void *ctx)
{
    int fd = text_of(print, ctx), rc;

    if (fd < 0)
        return fd;
    rc = ask(REQUEST_SAVE, fd) ? await_number() : -EPIPE;
    close(fd);
    return rc;
}

void
keeper_clean(void)
{
    if (keeper_is_up() && ask(REQUEST_CLEAN, -1))
        (void)await_number();
}
