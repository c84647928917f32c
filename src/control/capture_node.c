/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `wgtcpctl capture`: the worker's packets as a capture file, into the client's connection. One at
 * a time. What the client does not take in time stays in the ring, and what finds no room there is
 * counted: the worker never waits, and no memory grows.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include <wgtcpd/control/log.h>
#include <wgtcpd/control/pcapng.h>

#include "internal.h"

enum {
    TURN_MS = 10,
    UNSENT_MAX = 1 << 20, /* bytes that wait for the client */
    SNAPLEN_MIN = 64,
    END_PATIENCE_S = 5, /* for the client to take the last of it */
};

struct capture_session {
    struct node *node;
    struct bufferevent *client;
    struct event *turn;
    struct capture *capture;
    uint32_t interfaces[CAPTURE_PORTS_MAX]; /* number in the file, by port */
    uint64_t wall_offset;                   /* wall clock less the worker's, at the start */
    uint8_t *block;
    bool ending; /* the client wants no more; the last of it is on its way */
};

/* --- what is to be seen --- */

static unsigned
n_ports(const struct node *n)
{
    return worker_tun_port(n->workers) + (n->workers->gateway == NULL ? 1 : 0);
}

static bool
is_inner(const struct node *n, unsigned port)
{
    return port >= n->workers->n_outer;
}

/* The devices as the configuration has them; the TUN by its name. */
static const char *
port_name(const struct node *n, unsigned port)
{
    const struct config_port *c = n->config->ports;

    if (is_inner(n, port))
        return n->config->inner_port != NULL ? n->config->inner_port->device : n->config->ifname;
    for (unsigned i = 0; i < port && c->next != NULL; i++)
        c = c->next;
    return c->device;
}

static bool
parse_side(const struct node *n, const char *word, uint32_t *ports)
{
    bool inner = strcmp(word, "inner") == 0, outer = strcmp(word, "outer") == 0;

    *ports = 0;
    for (unsigned i = 0; i < n_ports(n); i++)
        if (is_inner(n, i) ? !outer : !inner)
            *ports |= UINT32_C(1) << i;
    return inner || outer || strcmp(word, "all") == 0;
}

static bool
parse_snaplen(const struct node *n, const char *word, uint32_t *snaplen)
{
    uint32_t most = (uint32_t)rte_pktmbuf_data_room_size(n->pool);
    char *end;
    unsigned long v = strtoul(word, &end, 10);

    if (*word < '0' || *word > '9' || *end != '\0' || (v != 0 && v < SNAPLEN_MIN))
        return false;
    *snaplen = v == 0 || v > most ? most : (uint32_t)v;
    return true;
}

/* --- the file --- */

static void
put(struct capture_session *s, size_t len)
{
    bufferevent_write(s->client, s->block, len);
}

static void
put_headings(struct capture_session *s)
{
    const struct node *n = s->node;
    uint32_t next = 0;

    put(s, pcapng_section(s->block, "wgtcpd " WGTCPD_VERSION));
    for (unsigned i = 0; i < n_ports(n); i++) {
        bool is_tun = i == worker_tun_port(n->workers);

        if ((s->capture->ports & UINT32_C(1) << i) == 0)
            continue;
        s->interfaces[i] = next++;
        put(s,
            pcapng_interface(s->block, is_tun ? PCAPNG_RAW : PCAPNG_ETHERNET, s->capture->snaplen,
                             port_name(n, i), is_inner(n, i) ? "inner" : "outer"));
    }
}

static void
put_packet(struct capture_session *s, const struct capture_packet *p)
{
    const struct pcapng_packet packet = {
        .interface = s->interfaces[p->port],
        .time_ns = p->at + s->wall_offset,
        .out = p->out,
        .len = p->len,
        .captured = p->captured,
        .data = p->data,
    };

    put(s, pcapng_packet(s->block, &packet));
}

/* most: bytes that may wait for the client. */
static void
put_packets(struct capture_session *s, size_t most)
{
    const struct evbuffer *out = bufferevent_get_output(s->client);
    const struct capture_packet *p;

    while (evbuffer_get_length(out) < most && (p = capture_peek(s->capture)) != NULL) {
        put_packet(s, p);
        capture_next(s->capture);
    }
}

static void
put_statistics(struct capture_session *s)
{
    uint64_t now = worker_clock() + s->wall_offset;

    for (unsigned i = 0; i < n_ports(s->node); i++)
        if ((s->capture->ports & UINT32_C(1) << i) != 0)
            put(s,
                pcapng_statistics(s->block, s->interfaces[i], now, capture_missed(s->capture, i)));
}

/* --- its life --- */

static void
free_session(struct capture_session *s)
{
    if (s->turn != NULL)
        event_free(s->turn);
    if (s->client != NULL)
        bufferevent_free(s->client); /* closes it */
    capture_free(s->capture);
    free(s->block);
    free(s);
}

static void
end_session(struct capture_session *s)
{
    struct node *n = s->node;

    if (!s->ending)
        worker_capture(n->workers, NULL);
    n->capture = NULL;
    free_session(s);
    log_info("the capture has ended");
}

/* The client has seen enough: what is there already goes to it, and the end. */
static void
finish_session(struct capture_session *s)
{
    const struct timeval patience = {.tv_sec = END_PATIENCE_S};

    worker_capture(s->node->workers, NULL);
    s->ending = true;
    event_del(s->turn);
    put_packets(s, SIZE_MAX);
    put_statistics(s);
    bufferevent_set_timeouts(s->client, NULL, &patience);
}

static void
on_turn(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    put_packets(ctx, UNSENT_MAX);
}

/* There is nothing more to say. */
static void
on_readable(struct bufferevent *client, void *ctx)
{
    struct evbuffer *in = bufferevent_get_input(client);

    (void)ctx;
    evbuffer_drain(in, evbuffer_get_length(in));
}

static void
on_written(struct bufferevent *client, void *ctx)
{
    struct capture_session *s = ctx;

    (void)client;
    if (s->ending)
        end_session(s);
}

static void
on_event(struct bufferevent *client, short what, void *ctx)
{
    struct capture_session *s = ctx;

    (void)client;
    if ((what & BEV_EVENT_EOF) != 0 && !s->ending)
        finish_session(s);
    else
        end_session(s);
}

static struct capture_session *
new_session(struct node *n, uint32_t ports, uint32_t snaplen, int fd)
{
    struct capture_session *s = calloc(1, sizeof(*s));
    struct wall_clock wall = wall_clock();

    if (s == NULL)
        return NULL;
    s->node = n;
    s->wall_offset = wall.seconds * WGT_SEC + wall.nanoseconds - worker_clock();
    s->block = malloc(snaplen + PCAPNG_PACKET_OVERHEAD + PCAPNG_BLOCK_MAX);
    s->capture = capture_new(ports, snaplen);
    s->turn = event_new(n->base, -1, EV_PERSIST, on_turn, s);
    if (s->block != NULL && s->capture != NULL && s->turn != NULL)
        s->client = bufferevent_socket_new(n->base, fd, BEV_OPT_CLOSE_ON_FREE);
    if (s->client != NULL)
        return s;
    free_session(s);
    return NULL;
}

/* Takes fd, if it is 0; -ENOMEM. */
static int
start_session(struct node *n, uint32_t ports, uint32_t snaplen, int fd)
{
    const struct timeval turn = {.tv_usec = TURN_MS * 1000};
    struct capture_session *s = new_session(n, ports, snaplen, fd);

    if (s == NULL)
        return -ENOMEM;
    bufferevent_setcb(s->client, on_readable, on_written, on_event, s);
    event_add(s->turn, &turn);
    bufferevent_enable(s->client, EV_READ | EV_WRITE);
    put_headings(s);
    n->capture = s;
    worker_capture(n->workers, s->capture);
    return 0;
}

const char *
capture_start(struct node *n, const char *side, const char *snaplen, int connection)
{
    uint32_t ports, most;
    int fd, rc;

    if (!parse_side(n, side, &ports))
        return "`capture` takes inner, outer or all";
    if (!parse_snaplen(n, snaplen, &most))
        return "the most bytes of a packet are a number from 64 on, or 0: whole packets";
    if (n->capture != NULL)
        return "somebody captures already: one at a time";
    if (n->workers_run == 0)
        return "the interface is not up yet";
    fd = fcntl(connection, F_DUPFD_CLOEXEC, 0);
    rc = fd >= 0 ? start_session(n, ports, most, fd) : -errno;
    if (rc == 0) {
        log_info("a capture of %s packets has begun", side);
        return NULL;
    }
    if (fd >= 0)
        close(fd);
    return strerror(-rc);
}

void
capture_stop(struct node *n)
{
    if (n->capture != NULL)
        end_session(n->capture);
}
