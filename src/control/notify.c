/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/control/notify.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int fd = -1; /* nobody wants to know */
static struct sockaddr_un where;
static socklen_t where_len;
static wgt_time watchdog_interval;

/* A path, or with a leading @ a name in the abstract name space. */
static void
set_socket(const char *name)
{
    size_t len = strlen(name);

    if (len < 2 || len >= sizeof(where.sun_path) || (name[0] != '/' && name[0] != '@'))
        return;
    memcpy(where.sun_path, name, len + 1);
    if (name[0] == '@')
        where.sun_path[0] = '\0';
    where.sun_family = AF_UNIX;
    where_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* sd_watchdog_enabled(3): WATCHDOG_PID, where it is set, names who is meant. */
static void
set_watchdog(const char *usec, const char *pid)
{
    char *end;
    unsigned long long n;

    if (usec == NULL || (pid != NULL && strtoull(pid, NULL, 10) != (unsigned long long)getpid()))
        return;
    n = strtoull(usec, &end, 10);
    if (*end == '\0' && n > 0 && n < WGT_NEVER / WGT_USEC)
        watchdog_interval = n * WGT_USEC;
}

void
notify_init(void)
{
    const char *name = getenv("NOTIFY_SOCKET");

    if (name != NULL)
        set_socket(name);
    set_watchdog(getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"));
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

/* Lost when nobody listens: what we are told to do does not depend on it. */
static void
tell(const char *state)
{
    ssize_t rc;

    if (fd < 0)
        return;
    rc = sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&where, where_len);
    (void)rc;
}

void
notify_ready(void)
{
    tell("READY=1");
}

/* Type=notify-reload wants the moment, on CLOCK_MONOTONIC, to tell this reload from an older one.
 */
void
notify_reloading(void)
{
    char state[64];
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
             (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000);
    tell(state);
}

void
notify_stopping(void)
{
    tell("STOPPING=1");
}

void
notify_status(const char *format, ...)
{
    char state[256] = "STATUS=";
    size_t used = strlen(state);
    va_list args;

    va_start(args, format);
    vsnprintf(state + used, sizeof(state) - used, format, args);
    va_end(args);
    tell(state);
}

wgt_time
notify_watchdog_interval(void)
{
    return watchdog_interval;
}

bool
notify_watchdog(uint64_t *seen, uint64_t turns)
{
    if (turns == *seen)
        return false;
    *seen = turns;
    tell("WATCHDOG=1");
    return true;
}
