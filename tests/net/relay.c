/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A relay between kernel TCP and UDP: u16 big-endian length + datagram on the TCP side, plain
 * datagrams on the UDP side. It stands for the relays of other projects, so it shares no code with
 * wgtcpd.
 *
 *   relay listen TCPADDR:PORT udp=ADDR:PORT          one UDP socket per accepted connection
 *   relay dial   TCPADDR:PORT udp-listen=ADDR:PORT   dials on the first datagram, then again
 *                                                    whenever the connection breaks
 *
 * --split N     writes the stream in random pieces of 1..N bytes
 * --coalesce    holds frames back for a moment and writes several at once
 * --seed N      seed of --split
 * --cc NAME     congestion control of the TCP side, e.g. cubic; the kernel's default without it
 *
 * SIGTERM and SIGINT end it with a FIN and a line of figures.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    PREFIX_LEN = 2,
    DATAGRAM_MAX = 65507, /* the largest UDP payload over IPv4 */
    STREAM_MAX = 4 * 65536,
    LINKS_MAX = 64,
    WAITING_MAX = 16384, /* bytes kept for a connection that is not up yet */
    COALESCE_BYTES = 6000,
    COALESCE_MS = 10,
    BACKOFF_MIN_MS = 100,
    BACKOFF_MAX_MS = 2000,
    CONNECT_MS = 3000,
    USER_TIMEOUT_MS = 10000,
};

struct endpoint {
    struct sockaddr_storage addr;
    socklen_t len;
};

/* A byte queue: bytes[head..tail) are waiting. */
struct stream {
    uint8_t *bytes;
    size_t head, tail;
};

enum link_state {
    LINK_IDLE,    /* dialler: no datagram seen yet */
    LINK_WAITING, /* dialler: backing off until `due` */
    LINK_CONNECTING,
    LINK_UP,
};

/* One TCP connection and its UDP side. */
struct link {
    enum link_state state;
    int tcp; /* -1: none */
    int udp;
    struct endpoint client; /* dialler: who sent the last datagram; len 0: nobody yet */
    struct stream in;       /* from TCP */
    struct stream out;      /* to TCP */
    int64_t due;            /* WAITING: dial; CONNECTING: give up; UP with --coalesce: write */
    int64_t backoff;
};

struct relay {
    bool dials;
    struct endpoint tcp, udp;
    int listener; /* -1 in a dialler */
    size_t split; /* 0: whole */
    bool coalesce;
    const char *congestion; /* NULL: the kernel's default */
    uint64_t seed;
    struct link *links[LINKS_MAX];
    size_t n_links;
    uint64_t to_udp, to_tcp, dropped, connections, eof, reset;
};

static volatile sig_atomic_t stopped;

static void
on_stop(int sig)
{
    (void)sig;
    stopped = 1;
}

__attribute__((format(printf, 1, 2))) static void
say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("relay: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

__attribute__((noreturn)) static void
die(const char *what)
{
    say("%s: %s", what, strerror(errno));
    exit(1);
}

static int64_t
now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static uint64_t
next_random(struct relay *r) /* xorshift64 */
{
    r->seed ^= r->seed << 13;
    r->seed ^= r->seed >> 7;
    r->seed ^= r->seed << 17;
    return r->seed;
}

/* ---- sockets ---- */

/* "192.0.2.1:51820" or "[2001:db8::1]:51820" */
static bool
endpoint_parse(struct endpoint *e, const char *text)
{
    char host[INET6_ADDRSTRLEN];
    const char *colon = strrchr(text, ':');
    if (colon == NULL)
        return false;
    bool v6 = text[0] == '[';
    const char *from = v6 ? text + 1 : text;
    const char *to = v6 ? colon - 1 : colon;
    if (to <= from || (size_t)(to - from) >= sizeof(host) || (v6 && *to != ']'))
        return false;
    memcpy(host, from, (size_t)(to - from));
    host[to - from] = '\0';
    char *end;
    unsigned long port = strtoul(colon + 1, &end, 10);
    if (end == colon + 1 || *end != '\0' || port == 0 || port > 65535)
        return false;

    memset(e, 0, sizeof(*e));
    if (v6) {
        struct sockaddr_in6 *a = (struct sockaddr_in6 *)&e->addr;
        a->sin6_family = AF_INET6;
        a->sin6_port = htons((uint16_t)port);
        e->len = sizeof(*a);
        return inet_pton(AF_INET6, host, &a->sin6_addr) == 1;
    }
    struct sockaddr_in *a = (struct sockaddr_in *)&e->addr;
    a->sin_family = AF_INET;
    a->sin_port = htons((uint16_t)port);
    e->len = sizeof(*a);
    return inet_pton(AF_INET, host, &a->sin_addr) == 1;
}

static int
open_socket(const struct endpoint *e, int type)
{
    int fd = socket(e->addr.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        die("socket");
    int on = 1, bytes = 1 << 20;
    if (type == SOCK_STREAM)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    else
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
    return fd;
}

static void
tune_tcp(const struct relay *r, int fd)
{
    int on = 1, timeout = USER_TIMEOUT_MS;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof(timeout));
    if (r->congestion != NULL && setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, r->congestion,
                                            (socklen_t)strlen(r->congestion)) < 0)
        die(r->congestion);
}

static int
bound_socket(const struct endpoint *e, int type)
{
    int fd = open_socket(e, type);
    if (bind(fd, (const struct sockaddr *)&e->addr, e->len) < 0)
        die("bind");
    return fd;
}

/* ---- byte queues ---- */

static void
stream_init(struct stream *s)
{
    s->bytes = malloc(STREAM_MAX);
    if (s->bytes == NULL)
        die("malloc");
    s->head = s->tail = 0;
}

static size_t
stream_len(const struct stream *s)
{
    return s->tail - s->head;
}

/* Moves what waits to the front; returns the room behind it. */
static size_t
stream_room(struct stream *s)
{
    if (s->head > 0) {
        memmove(s->bytes, s->bytes + s->head, stream_len(s));
        s->tail -= s->head;
        s->head = 0;
    }
    return STREAM_MAX - s->tail;
}

/* ---- links ---- */

static struct link *
link_new(struct relay *r, int tcp, int udp, enum link_state state)
{
    struct link *l = calloc(1, sizeof(*l));
    if (l == NULL)
        die("calloc");
    l->tcp = tcp;
    l->udp = udp;
    l->state = state;
    l->backoff = BACKOFF_MIN_MS;
    stream_init(&l->in);
    stream_init(&l->out);
    r->links[r->n_links++] = l;
    return l;
}

static void
link_free(struct link *l)
{
    if (l->tcp >= 0)
        close(l->tcp);
    close(l->udp);
    free(l->in.bytes);
    free(l->out.bytes);
    free(l);
}

/* The connection is gone. A dialler's link waits to dial again, a listener's is to be freed. */
static void
link_broken(struct link *l, const char *why)
{
    say("connection closed: %s", why);
    close(l->tcp);
    l->tcp = -1;
    l->in.head = l->in.tail = 0;
    l->out.head = l->out.tail = 0; /* it may start in the middle of a frame */
    l->state = LINK_WAITING;
    l->due = now_ms() + l->backoff;
    l->backoff = l->backoff * 2 < BACKOFF_MAX_MS ? l->backoff * 2 : BACKOFF_MAX_MS;
}

static void
link_up(struct relay *r, struct link *l, const char *how)
{
    say("connection %s", how);
    l->state = LINK_UP;
    l->due = 0;
    l->backoff = BACKOFF_MIN_MS;
    r->connections++;
}

static void
link_dial(struct relay *r, struct link *l)
{
    l->tcp = open_socket(&r->tcp, SOCK_STREAM);
    tune_tcp(r, l->tcp);
    l->state = LINK_CONNECTING;
    l->due = now_ms() + CONNECT_MS;
    if (connect(l->tcp, (const struct sockaddr *)&r->tcp.addr, r->tcp.len) == 0)
        link_up(r, l, "dialled");
    else if (errno != EINPROGRESS)
        link_broken(l, strerror(errno));
}

static void
link_connected(struct relay *r, struct link *l)
{
    int error = 0;
    socklen_t len = sizeof(error);
    getsockopt(l->tcp, SOL_SOCKET, SO_ERROR, &error, &len);
    if (error != 0)
        link_broken(l, strerror(error));
    else
        link_up(r, l, "dialled");
}

static void
link_write(struct relay *r, struct link *l)
{
    while (stream_len(&l->out) > 0) {
        size_t n = stream_len(&l->out);
        if (r->split > 0) {
            size_t piece = 1 + next_random(r) % r->split;
            n = piece < n ? piece : n;
        }
        ssize_t sent = send(l->tcp, l->out.bytes + l->out.head, n, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno != EAGAIN && errno != EINTR) {
                r->reset++;
                link_broken(l, strerror(errno));
            }
            return;
        }
        l->out.head += (size_t)sent;
    }
}

/* Whether --coalesce still holds the queue back. */
static bool
link_holds(const struct relay *r, const struct link *l, int64_t now)
{
    return r->coalesce && stream_len(&l->out) < COALESCE_BYTES && now < l->due;
}

static void
send_datagram(struct relay *r, struct link *l, const uint8_t *data, size_t len)
{
    ssize_t sent;
    if (!r->dials)
        sent = send(l->udp, data, len, 0);
    else if (l->client.len > 0)
        sent =
            sendto(l->udp, data, len, 0, (const struct sockaddr *)&l->client.addr, l->client.len);
    else
        sent = -1;
    if (sent < 0)
        r->dropped++;
    else
        r->to_udp++;
}

/* Sends every whole frame on; false if the stream is not one of frames. */
static bool
link_deframe(struct relay *r, struct link *l)
{
    struct stream *in = &l->in;
    while (stream_len(in) >= PREFIX_LEN) {
        const uint8_t *frame = in->bytes + in->head;
        size_t len = (size_t)frame[0] << 8 | frame[1];
        if (len > DATAGRAM_MAX)
            return false;
        if (stream_len(in) < PREFIX_LEN + len)
            break;
        send_datagram(r, l, frame + PREFIX_LEN, len);
        in->head += PREFIX_LEN + len;
    }
    return true;
}

static void
link_read_tcp(struct relay *r, struct link *l)
{
    size_t room = stream_room(&l->in);
    ssize_t got = recv(l->tcp, l->in.bytes + l->in.tail, room, 0);
    if (got < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            r->reset++;
            link_broken(l, strerror(errno));
        }
        return;
    }
    if (got == 0) {
        r->eof++;
        link_broken(l, "end of stream");
        return;
    }
    l->in.tail += (size_t)got;
    if (!link_deframe(r, l))
        link_broken(l, "frame too long");
}

/* Whether another datagram of any size fits. */
static bool
link_has_room(const struct link *l)
{
    return stream_len(&l->out) + PREFIX_LEN + DATAGRAM_MAX <= STREAM_MAX;
}

static void
link_read_udp(struct relay *r, struct link *l)
{
    while (link_has_room(l)) {
        struct endpoint from = {.len = sizeof(from.addr)};
        stream_room(&l->out);
        uint8_t *frame = l->out.bytes + l->out.tail;
        ssize_t got = recvfrom(l->udp, frame + PREFIX_LEN, DATAGRAM_MAX, 0,
                               (struct sockaddr *)&from.addr, &from.len);
        if (got < 0) /* nothing more, or an ICMP error of the target: not ours to judge */
            break;
        if (l->state != LINK_UP && stream_len(&l->out) > WAITING_MAX) {
            r->dropped++;
            continue;
        }
        frame[0] = (uint8_t)(got >> 8);
        frame[1] = (uint8_t)got;
        if (stream_len(&l->out) == 0)
            l->due = l->state == LINK_UP ? now_ms() + COALESCE_MS : l->due;
        l->out.tail += PREFIX_LEN + (size_t)got;
        r->to_tcp++;
        if (r->dials)
            l->client = from;
        if (l->state == LINK_IDLE)
            link_dial(r, l);
    }
}

/* ---- the loop ---- */

static void
accept_link(struct relay *r)
{
    int tcp = accept4(r->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (tcp < 0)
        return;
    if (r->n_links == LINKS_MAX) {
        say("too many connections");
        close(tcp);
        return;
    }
    tune_tcp(r, tcp);
    int udp = open_socket(&r->udp, SOCK_DGRAM);
    if (connect(udp, (const struct sockaddr *)&r->udp.addr, r->udp.len) < 0)
        die("connect to the UDP target");
    link_up(r, link_new(r, tcp, udp, LINK_UP), "accepted");
}

/* What time brings: dialling again, giving up on a dial, writing what was held back. */
static void
link_tick(struct relay *r, struct link *l, int64_t now)
{
    if (l->state == LINK_WAITING && r->dials && now >= l->due)
        link_dial(r, l);
    else if (l->state == LINK_CONNECTING && now >= l->due)
        link_broken(l, "connect timed out");
    else if (l->state == LINK_UP && stream_len(&l->out) > 0 && !link_holds(r, l, now))
        link_write(r, l);
}

static int
poll_timeout(const struct relay *r, int64_t now)
{
    int64_t wait = 1000;
    for (size_t i = 0; i < r->n_links; i++) {
        const struct link *l = r->links[i];
        bool timed = l->state == LINK_WAITING || l->state == LINK_CONNECTING ||
                     (stream_len(&l->out) > 0 && link_holds(r, l, now));
        if (timed && l->due - now < wait)
            wait = l->due > now ? l->due - now : 0;
    }
    return (int)wait;
}

static short
tcp_events(const struct relay *r, const struct link *l, int64_t now)
{
    if (l->state == LINK_CONNECTING)
        return POLLOUT;
    bool writes = stream_len(&l->out) > 0 && !link_holds(r, l, now);
    return writes ? POLLIN | POLLOUT : POLLIN;
}

static void
link_event(struct relay *r, struct link *l, short tcp, short udp)
{
    if (l->state == LINK_CONNECTING && tcp != 0)
        link_connected(r, l);
    else if (l->state == LINK_UP && (tcp & (POLLIN | POLLHUP | POLLERR)) != 0)
        link_read_tcp(r, l);
    if (udp != 0)
        link_read_udp(r, l);
    link_tick(r, l, now_ms());
}

/* Frees the links of a listener whose connection is gone. */
static void
sweep(struct relay *r)
{
    if (r->dials)
        return;
    for (size_t i = 0; i < r->n_links;) {
        if (r->links[i]->state == LINK_UP) {
            i++;
            continue;
        }
        link_free(r->links[i]);
        r->links[i] = r->links[--r->n_links];
    }
}

static void
turn(struct relay *r)
{
    struct pollfd fds[1 + 2 * LINKS_MAX];
    size_t n_links = r->n_links; /* accepting adds one, which waits for the next turn */
    int64_t now = now_ms();
    fds[0] = (struct pollfd){.fd = r->listener, .events = POLLIN};
    for (size_t i = 0; i < n_links; i++) {
        struct link *l = r->links[i];
        fds[1 + 2 * i] = (struct pollfd){.fd = l->tcp, .events = tcp_events(r, l, now)};
        fds[2 + 2 * i] = (struct pollfd){.fd = link_has_room(l) ? l->udp : -1, .events = POLLIN};
    }
    if (poll(fds, (nfds_t)(1 + 2 * n_links), poll_timeout(r, now)) < 0) {
        if (errno == EINTR)
            return;
        die("poll");
    }
    for (size_t i = 0; i < n_links; i++)
        link_event(r, r->links[i], fds[1 + 2 * i].revents, fds[2 + 2 * i].revents);
    if (fds[0].revents != 0)
        accept_link(r);
    sweep(r);
}

static void
usage(void)
{
    fputs("usage: relay listen TCPADDR:PORT udp=ADDR:PORT [--split N] [--coalesce] [--seed N]"
          " [--cc NAME]\n"
          "       relay dial TCPADDR:PORT udp-listen=ADDR:PORT [same options]\n"
          "an IPv6 address is written [ADDR]:PORT\n",
          stderr);
    exit(2);
}

static uint64_t
number(const char *text)
{
    char *end;
    if (text == NULL)
        usage();
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || n == 0)
        usage();
    return n;
}

static void
parse_arguments(struct relay *r, int argc, char **argv)
{
    if (argc < 4)
        usage();
    r->dials = strcmp(argv[1], "dial") == 0;
    if (!r->dials && strcmp(argv[1], "listen") != 0)
        usage();
    const char *key = r->dials ? "udp-listen=" : "udp=";
    if (strncmp(argv[3], key, strlen(key)) != 0 || !endpoint_parse(&r->tcp, argv[2]) ||
        !endpoint_parse(&r->udp, argv[3] + strlen(key)))
        usage();
    for (int i = 4; i < argc; i++) {
        if (strcmp(argv[i], "--coalesce") == 0)
            r->coalesce = true;
        else if (strcmp(argv[i], "--split") == 0)
            r->split = number(argv[++i]);
        else if (strcmp(argv[i], "--seed") == 0)
            r->seed = number(argv[++i]);
        else if (strcmp(argv[i], "--cc") == 0 && i + 1 < argc)
            r->congestion = argv[++i];
        else
            usage();
    }
}

int
main(int argc, char **argv)
{
    struct relay r = {.listener = -1, .seed = (uint64_t)now_ms() | 1};
    parse_arguments(&r, argc, argv);
    struct sigaction stop = {.sa_handler = on_stop};
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGINT, &stop, NULL);

    if (r.dials) {
        link_new(&r, -1, bound_socket(&r.udp, SOCK_DGRAM), LINK_IDLE);
    } else {
        r.listener = bound_socket(&r.tcp, SOCK_STREAM);
        if (listen(r.listener, LINKS_MAX) < 0)
            die("listen");
    }
    say("ready (seed %" PRIu64 ")", r.seed);
    while (!stopped)
        turn(&r);

    for (size_t i = 0; i < r.n_links; i++)
        link_free(r.links[i]);
    if (r.listener >= 0)
        close(r.listener);
    say("connections %" PRIu64 " eof %" PRIu64 " reset %" PRIu64 " to_udp %" PRIu64
        " to_tcp %" PRIu64 " dropped %" PRIu64,
        r.connections, r.eof, r.reset, r.to_udp, r.to_tcp, r.dropped);
    return 0;
}
