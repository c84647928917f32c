/* SPDX-License-Identifier: BSD-3-Clause */
/* The control thread's loop: signals, what the worker tells, and whatever else asks for its turn
 * (libevent; n->base). */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include <wgtcpd/control/log.h>
#include <wgtcpd/control/notify.h>
#include <wgtcpd/control/status.h>

#include "internal.h"

enum { EVENTS_PER_TURN = 256, STOP_PATIENCE_S = 2 };

struct wall_clock
wall_clock(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return (struct wall_clock){(uint64_t)ts.tv_sec, (uint32_t)ts.tv_nsec};
}

void
loop_take_events(void *ctx)
{
    struct node *n = ctx;
    struct wall_clock wall = wall_clock();
    uint64_t count;
    ssize_t rc = read(n->event_fd, &count, sizeof(count));

    (void)rc; /* EAGAIN: called for something else */
    if (handshaker_run(&n->handshaker, worker_clock(), &wall, EVENTS_PER_TURN) > 0)
        worker_wake(n->workers);
    device_reap(&n->device);
}

/* The worker has seen it go. */
static const char *
gone_interface(const struct node *n)
{
    for (size_t i = 0; i < n->n_links; i++)
        if (eth_link_is_gone(&n->links[i]))
            return n->links[i].port.taps->name;
    return n->config->ifname;
}

/* Signals and others have their turns in between. */
static void
on_worker(evutil_socket_t fd, short what, void *ctx)
{
    struct node *n = ctx;

    (void)fd;
    (void)what;
    loop_take_events(n);
    if (worker_has_failed(n->workers)) {
        log_info("interface %s was deleted: ending", gone_interface(n));
        loop_stop(n, 0);
    } else if (handshaker_has_events(&n->handshaker)) {
        event_active(n->on_worker, EV_READ, 0);
    }
}

/* SIGHUP: what there is to say goes to the log. */
static void
reload(struct node *n)
{
    char *said = NULL, *rest, *line;
    size_t len;
    FILE *errors = open_memstream(&said, &len);
    int rc;

    if (errors == NULL) {
        complain("cannot reload", ENOMEM);
        return;
    }
    notify_reloading();
    rc = node_reload(n, errors);
    notify_ready();
    fclose(errors);
    rest = said;
    while ((line = strsep(&rest, "\n")) != NULL)
        if (*line != '\0')
            (rc == 0 ? log_warning : log_error)("%s", line);
    free(said);
    if (rc != 0)
        log_error("the configuration was not reloaded as a whole");
}

static void
on_signal(evutil_socket_t fd, short what, void *ctx)
{
    struct node *n = ctx;
    struct signalfd_siginfo info;

    (void)what;
    while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGUSR1)
            status_log(n);
        else if (info.ssi_signo == SIGHUP)
            reload(n);
        else
            loop_stop(n, 0);
    }
}

static int
make_descriptors(struct node *n)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    /* Before EAL makes threads, so that all of them leave these signals to us. */
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN); /* a log that nobody reads any more is no reason to die */
    n->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    n->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (n->signal_fd < 0 || n->event_fd < 0)
        return complain("cannot make event descriptors", errno);
    return 0;
}

int
loop_init(struct node *n)
{
    if (make_descriptors(n) != 0)
        return -1;
    n->base = event_base_new();
    if (n->base == NULL)
        return complain("event loop", ENOMEM);
    n->on_worker = event_new(n->base, n->event_fd, EV_READ | EV_PERSIST, on_worker, n);
    n->on_signal = event_new(n->base, n->signal_fd, EV_READ | EV_PERSIST, on_signal, n);
    if (n->on_worker == NULL || n->on_signal == NULL || event_add(n->on_worker, NULL) != 0 ||
        event_add(n->on_signal, NULL) != 0)
        return complain("event loop", ENOMEM);
    return 0;
}

static void
free_event(struct event *e)
{
    if (e != NULL)
        event_free(e);
}

static void
close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

void
loop_fini(struct node *n)
{
    free_event(n->on_worker);
    free_event(n->on_signal);
    if (n->base != NULL)
        event_base_free(n->base);
    close_fd(n->event_fd);
    close_fd(n->signal_fd);
}

void
loop_turn(void *ctx)
{
    struct node *n = ctx;

    event_base_loop(n->base, EVLOOP_NONBLOCK);
}

int
loop_run(struct node *n)
{
    if (!n->ending && event_base_dispatch(n->base) < 0)
        return complain("event loop", errno);
    return n->stop_code;
}

void
loop_stop(struct node *n, int rc)
{
    if (rc != 0)
        n->stop_code = rc;
    n->ending = true; /* a break is forgotten by the next turn */
    event_base_loopbreak(n->base);
}

void
loop_stop_tunnel(struct node *n)
{
    struct timeval patience = {.tv_sec = STOP_PATIENCE_S};

    if (handshaker_stop_tunnel(&n->handshaker) != 0)
        return;
    worker_wake(n->workers);
    event_base_loopexit(n->base, &patience);
    while (!n->stopped && !event_base_got_exit(n->base))
        if (event_base_loop(n->base, EVLOOP_ONCE) != 0)
            break;
    if (!n->stopped)
        log_debug("some peers did not answer our FIN");
}
