/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/dataplane/worker.h>

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <rte_log.h>

#include "classify.h"
#include "dispatch.h"

/* Idle for this long: sleep until something happens, and wake so long before a deadline; with less
 * left, poll on. */
#define IDLE_SPELL (50 * WGT_USEC)
#define WAKE_EARLY (30 * WGT_USEC)
#define SLEEP_MIN  (100 * WGT_USEC)
#define SLEEP_MAX  WGT_SEC
/* Ports without Rx interrupts are looked at this often. */
#define NAP_MIN (20 * WGT_USEC)
#define NAP_MAX (250 * WGT_USEC)

wgt_time
worker_clock(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_BOOTTIME, &ts);
    return (wgt_time)ts.tv_sec * WGT_SEC + (wgt_time)ts.tv_nsec;
}

void
worker_entropy(void *ctx, void *buf, size_t len)
{
    uint8_t *p = buf;

    (void)ctx;
    while (len > 0) {
        ssize_t n = getrandom(p, len, 0);

        if (n > 0) {
            p += n;
            len -= (size_t)n;
        }
    }
}

static uint64_t
wall_seconds(void *ctx)
{
    struct timespec ts;

    (void)ctx;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (uint64_t)ts.tv_sec;
}

/* --- sending -------------------------------------------------------------------------------------
 */

/* Only datagrams are ever longer than the port takes: those that the configured MTU asks for, and
 * those that every tunnel has to carry (inner_exceeds). */
static void
send_cut(struct worker *w, struct eth_link *l, struct rte_mbuf *packet)
{
    struct rte_mbuf *parts[FRAGMENTS_OUT_MAX];
    unsigned n = fragments_cut(w->pool, packet, l->port.mtu, w->fragment_id++, parts);

    if (n == 0)
        wgt_drop_count(&w->tunnel.drops, WGT_DROP_OUTER_TX);
    else
        w->stats.cut++;
    for (unsigned i = 0; i < n; i++)
        eth_link_send(l, w->now, parts[i]);
}

static void
send_outer(struct worker *w, struct eth_link *l, struct rte_mbuf *packet)
{
    if (unlikely(rte_pktmbuf_pkt_len(packet) > l->port.mtu))
        send_cut(w, l, packet);
    else
        eth_link_send(l, w->now, packet);
}

static void
tx_only_link(void *ctx, struct rte_mbuf *packet)
{
    struct worker *w = ctx;

    send_outer(w, w->links[0], packet);
}

/* Answers leave where the question came in, and dials where outer_source_for found the way: both
 * show in the packet's source. */
static void
tx_by_source(void *ctx, struct rte_mbuf *packet)
{
    const uint8_t *p = rte_pktmbuf_mtod(packet, const uint8_t *);
    struct ip_addr source = ip_is_v4(p) ? ip_addr_v4(p + 12) : ip_addr_v6(p + 8);
    struct worker *w = ctx;

    for (unsigned i = 0; i < w->n_outer; i++)
        if (addresses_are_local(&w->links[i]->addresses, &source)) {
            send_outer(w, w->links[i], packet);
            return;
        }
    outer_drop(&w->tunnel.outer, WGT_DROP_NO_ROUTE, packet);
}

static void
tx_tun(void *ctx, struct rte_mbuf *packet, const struct inner_packet *inner)
{
    struct worker *w = ctx;

    (void)inner;
    if (unlikely(w->capturing != NULL))
        capture_burst(w->capturing, worker_tun_port(w), true, &packet, 1);
    tun_tx(w->tun, packet);
}

static void
tx_gateway(void *ctx, struct rte_mbuf *packet, const struct inner_packet *inner)
{
    struct worker *w = ctx;

    gateway_rx_tunnel(w->gateway, w->now, packet, inner);
}

/* --- polling -------------------------------------------------------------------------------------
 */

static unsigned
poll_outer(struct worker *w, unsigned link)
{
    struct eth_link *l = w->links[link];
    struct rte_mbuf *m[LINK_BURST];
    uint16_t n = eth_link_rx(l, m), own = n;

    /* Read now, not before: whenever the thread stood still in between, round-trip times would come
     * out shorter than any is, and TCP believes the shortest. */
    w->now = w->clock(w);
    if (unlikely(w->steer != NULL))
        own = dispatch_burst(w, link, m, n);
    for (uint16_t i = 0; i < own; i++)
        classify(w, l, m[i]);
    return n;
}

static unsigned
poll_tun(struct worker *w)
{
    struct rte_mbuf *m[WORKER_BURST];
    unsigned n = tun_rx_burst(w->tun, w->pool, m, WORKER_BURST);

    if (unlikely(w->capturing != NULL))
        capture_burst(w->capturing, worker_tun_port(w), false, m, n);
    for (unsigned i = 0; i < n; i++)
        tunnel_rx_inner(&w->tunnel, w->now, m[i]);
    return n;
}

static unsigned
poll_gateway(struct worker *w)
{
    struct rte_mbuf *m[LINK_BURST];
    unsigned turned = gateway_run(w->gateway, w->now);
    uint16_t n = eth_link_rx(w->gateway->link, m);

    if (unlikely(w->steer != NULL))
        n = dispatch_burst(w, w->n_outer, m, n);
    for (uint16_t i = 0; i < n; i++)
        gateway_rx_link(w->gateway, w->now, m[i]);
    return n + turned;
}

static void
kick(int fd)
{
    uint64_t one = 1;
    ssize_t n = write(fd, &one, sizeof(one));

    (void)n; /* a full counter wakes as well */
}

/* Before the tunnel's turn, so that its answers leave in it. */
static unsigned
exchange(struct worker *w)
{
    if (likely(w->steer == NULL))
        return 0;
    handover_flush(&w->handover);
    return handover_run(&w->handover);
}

static void
finish_handover(struct worker *w)
{
    if (unlikely(w->steer != NULL))
        handover_flush(&w->handover);
}

static void
finish_links(struct worker *w)
{
    for (unsigned i = 0; i < w->n_links; i++) {
        neighbours_run(&w->links[i]->neighbours, w->now);
        eth_link_flush(w->links[i]);
    }
}

static void
count_outer(struct worker *w)
{
    uint64_t rx = 0, tx = 0;
    struct tun_stats s = {.rx = 0};

    for (unsigned i = 0; i < w->n_outer; i++) {
        rx += w->links[i]->rx;
        tx += w->links[i]->tx;
        eth_link_add_supers(w->links[i], &s);
    }
    w->stats.outer_rx = rx;
    w->stats.outer_tx = tx;
    w->stats.outer_supers_rx = s.rx_supers;
    w->stats.outer_supers_tx = s.tx_supers;
    w->stats.outer_supers_cut = s.rx_cut;
    w->stats.outer_supers_joined = s.tx_joined;
    w->stats.reassembled = w->fragments.reassembled;
    w->stats.handed = w->handover.given;
}

static void
flush_tun(struct worker *w)
{
    if (w->gateway == NULL)
        tun_flush(w->tun);
}

static void
count_inner(struct worker *w)
{
    const struct tun_stats *t;

    if (w->gateway != NULL) {
        w->stats.inner_rx = w->gateway->rx;
        w->stats.inner_tx = w->gateway->tx;
        return;
    }
    t = &w->tun->stats;
    w->stats.inner_rx = t->rx;
    w->stats.inner_tx = t->tx;
    w->stats.supers_rx = t->rx_supers;
    w->stats.supers_tx = t->tx_supers;
    w->stats.supers_cut = t->rx_cut;
    w->stats.supers_joined = t->tx_joined;
}

static void
look_for_capture(struct worker *w)
{
    struct capture *c = __atomic_load_n(&w->capture, __ATOMIC_ACQUIRE);

    if (unlikely(c != w->capturing)) {
        w->capturing = c;
        for (unsigned i = 0; i < w->n_links; i++)
            w->links[i]->capture = c;
    }
    if (unlikely(c != NULL))
        __atomic_store_n(&c->now, w->clock(w), __ATOMIC_RELAXED);
}

unsigned
worker_turn(struct worker *w)
{
    unsigned n = 0;

    look_for_capture(w);
    for (unsigned i = 0; i < w->n_outer; i++)
        n += poll_outer(w, i);
    tunnel_rx_outer_end(&w->tunnel, w->now);
    flush_tun(w); /* whoever waits for it can begin while we go on */
    n += w->gateway != NULL ? poll_gateway(w) : poll_tun(w);
    n += exchange(w);
    n += tunnel_run(&w->tunnel, w->now);
    flush_tun(w);
    finish_links(w);
    finish_handover(w);
    count_outer(w);
    count_inner(w);
    if (rte_ring_count(w->tunnel.events) > 0)
        kick(w->event_fd);
    w->stats.turns++;
    return n;
}

/* --- idling --------------------------------------------------------------------------------------
 */

/* Whoever wakes us ends it. */
static void
nap(struct worker *w, wgt_time left)
{
    struct pollfd wake = {.fd = w->wake_fd, .events = POLLIN};
    /* The longer the idle spell, the longer the nap, within bounds. */
    wgt_time length = (w->now - w->idle_since) / 8;
    struct timespec ts = {.tv_nsec = 0};

    if (length < NAP_MIN)
        length = NAP_MIN;
    length = wgt_time_min(wgt_time_min(length, NAP_MAX), left);
    ts.tv_nsec = (long)length;
    (void)ppoll(&wake, 1, &ts, NULL);
}

static void
drain_wake_fd(struct worker *w)
{
    uint64_t n;
    ssize_t rc = read(w->wake_fd, &n, sizeof(n));

    (void)rc;
}

static void
interrupts(struct worker *w, bool on)
{
    for (unsigned i = 0; i < w->n_links; i++)
        eth_link_interrupt(w->links[i], on);
}

static bool
frames_wait(const struct worker *w)
{
    for (unsigned i = 0; i < w->n_links; i++)
        if (eth_link_has_more(w->links[i]))
            return true;
    return false;
}

/* Until something happens, or a little before the deadline: DPDK's own wait knows milliseconds
 * only, in which a pacer on its way would miss its time or, polling on, take a CPU from the other
 * end. */
static void
wait_for_events(struct worker *w, wgt_time left)
{
    struct pollfd any = {.fd = w->epoll, .events = POLLIN};
    wgt_time length = wgt_time_min(left - WAKE_EARLY, SLEEP_MAX);
    struct timespec ts = {.tv_sec = (time_t)(length / WGT_SEC),
                          .tv_nsec = (long)(length % WGT_SEC)};
    struct rte_epoll_event events[4];

    (void)ppoll(&any, 1, &ts, NULL);
    rte_epoll_wait(w->epoll, events, 4, 0);
}

static void
sleep_on_interrupts(struct worker *w, wgt_time left)
{
    interrupts(w, true);
    if (!frames_wait(w))
        wait_for_events(w, left);
    interrupts(w, false);
}

static wgt_time
next_deadline(const struct worker *w)
{
    wgt_time deadline = tunnel_deadline(&w->tunnel);

    if (w->gateway != NULL ? w->gateway->turned.count > 0 : tun_has_more(w->tun))
        return 0;
    for (unsigned i = 0; i < w->n_links; i++)
        deadline = wgt_time_min(deadline, neighbours_deadline(&w->links[i]->neighbours));
    return deadline;
}

static void
idle(struct worker *w)
{
    wgt_time deadline = next_deadline(w);
    wgt_time left = deadline > w->now ? deadline - w->now : 0;

    if (left < (w->interrupts ? SLEEP_MIN : NAP_MIN) ||
        (w->steer != NULL && !handover_sleep(&w->handover)))
        return;
    w->stats.sleeps++;
    rte_rcu_qsbr_thread_offline(w->rcu, w->id);
    if (w->interrupts)
        sleep_on_interrupts(w, left);
    else
        nap(w, left);
    rte_rcu_qsbr_thread_online(w->rcu, w->id);
    if (w->steer != NULL)
        handover_awake(&w->handover);
    drain_wake_fd(w);
}

/* false: some port or descriptor cannot wake us. */
static bool
arm_all(struct worker *w)
{
    for (unsigned i = 0; i < w->n_links; i++)
        if (!eth_link_arm(w->links[i], w->epoll))
            return false;
    return rte_epoll_ctl(w->epoll, EPOLL_CTL_ADD, w->wake_fd, &w->epoll_wake) == 0 &&
           (w->gateway != NULL ||
            rte_epoll_ctl(w->epoll, EPOLL_CTL_ADD, w->tun->fd, &w->epoll_tun) == 0);
}

static void
arm_interrupts(struct worker *w)
{
    uint32_t level = rte_log_get_global_level();

    w->epoll_wake = (struct rte_epoll_event){.epdata.event = EPOLLIN};
    w->epoll_tun = (struct rte_epoll_event){.epdata.event = EPOLLIN};
    /* A driver that has none accepts the wish and says so, loudly, only here. */
    rte_log_set_global_level(RTE_LOG_CRIT);
    w->epoll = epoll_create1(EPOLL_CLOEXEC);
    w->interrupts = w->epoll >= 0 && arm_all(w);
    rte_log_set_global_level(level);
}

static bool
device_is_gone(const struct worker *w)
{
    for (unsigned i = 0; i < w->n_links; i++)
        if (eth_link_is_gone(w->links[i]))
            return true;
    return w->tun->error != 0;
}

int
worker_main(void *arg)
{
    struct worker *w = arg;

    rte_rcu_qsbr_thread_register(w->rcu, w->id);
    rte_rcu_qsbr_thread_online(w->rcu, w->id);
    arm_interrupts(w);
    (void)prctl(PR_SET_TIMERSLACK, 1UL); /* ns: short sleeps are to be short */
    if (w->on_start != NULL)
        w->on_start(w->on_start_ctx);
    w->now = w->clock(w);
    for (unsigned i = 0; i < w->n_links && w->id == 0; i++)
        neighbours_announce(&w->links[i]->neighbours, w->now);
    while (!__atomic_load_n(&w->quit, __ATOMIC_ACQUIRE)) {
        if (worker_turn(w) > 0) {
            w->idle = false;
        } else if (!w->idle) {
            w->idle = true;
            w->idle_since = w->now;
        } else if (w->adaptive && w->now - w->idle_since > IDLE_SPELL) {
            idle(w);
        }
        rte_rcu_qsbr_quiescent(w->rcu, w->id);
        if (!w->failed && device_is_gone(w)) {
            __atomic_store_n(&w->failed, true, __ATOMIC_RELEASE);
            kick(w->event_fd);
        }
    }
    rte_rcu_qsbr_thread_offline(w->rcu, w->id);
    rte_rcu_qsbr_thread_unregister(w->rcu, w->id);
    if (w->epoll >= 0)
        close(w->epoll);
    return 0;
}

static unsigned
count(const struct worker *w)
{
    return w->n_workers > 1 ? w->n_workers : 1;
}

void
worker_wake(struct worker *w)
{
    for (unsigned i = 0; i < count(w); i++)
        kick(w[i].wake_fd);
}

bool
worker_has_failed(const struct worker *w)
{
    for (unsigned i = 0; i < count(w); i++)
        if (__atomic_load_n(&w[i].failed, __ATOMIC_ACQUIRE))
            return true;
    return false;
}

void
worker_capture(struct worker *w, struct capture *c)
{
    for (unsigned i = 0; i < count(w); i++)
        __atomic_store_n(&w[i].capture, c, __ATOMIC_RELEASE);
    worker_wake(w);
    if (c == NULL)
        rte_rcu_qsbr_synchronize(w->rcu, RTE_QSBR_THRID_INVALID);
}

static void
report_stats(void *ctx, void *host)
{
    const struct worker *w = ctx;

    struct worker_stats *stats = host;

    *stats = w->stats;
    if (w->tunnel.crypto != NULL)
        stats->crypto = w->tunnel.crypto->stats;
}

/* --- set-up --------------------------------------------------------------------------------------
 */

/* Of routes of one length, those of the first link come first. */
static void
add_routes_of(struct worker *w, const struct addresses *a, unsigned *n)
{
    for (unsigned i = 0; i < a->n_routes; i++) {
        struct outer_route r = {.to = a->routes[i].to};
        unsigned at = *n;

        if (!addresses_source(
                a, a->routes[i].via.family != IP_NONE ? &a->routes[i].via : &r.to.addr, &r.source))
            continue;
        for (; at > 0 && w->routes[at - 1].to.len < r.to.len; at--)
            w->routes[at] = w->routes[at - 1];
        w->routes[at] = r;
        (*n)++;
    }
}

static int
make_routes(struct worker *w, struct outer *o)
{
    w->routes = calloc((size_t)w->n_outer * ADDRESSES_ROUTES_MAX, sizeof(*w->routes));
    if (w->routes == NULL)
        return -ENOMEM;
    for (unsigned i = 0; i < w->n_outer; i++)
        add_routes_of(w, &w->links[i]->addresses, &o->n_routes);
    o->routes = w->routes;
    return 0;
}

/* What all ports can do. */
static void
join_ports(const struct worker *w, struct outer *o)
{
    o->mtu = UINT16_MAX;
    o->offload_udp = o->offload_tcp = true;
    for (unsigned i = 0; i < w->n_outer; i++) {
        const struct port *p = &w->links[i]->port;

        if (p->mtu < o->mtu)
            o->mtu = p->mtu;
        o->offload_udp = o->offload_udp && p->tx_udp_checksum;
        o->offload_tcp = o->offload_tcp && p->tx_tcp_checksum;
    }
}

static unsigned
worker_of(void *ctx, const struct ip_endpoint *local, const struct ip_endpoint *remote)
{
    const struct worker *w = ctx;

    return steer_connection(w->steer, local, remote);
}

static int
make_outer(struct worker *w, struct outer *o)
{
    const struct addresses *first = &w->links[0]->addresses;

    *o = (struct outer){
        .ctx = w,
        .tx = w->n_outer == 1 ? tx_only_link : tx_by_source,
        .entropy = worker_entropy,
        .wall_seconds = wall_seconds,
        .worker_of = w->steer != NULL ? worker_of : NULL,
        .pool = w->pool,
        .n_locals = first->n_locals,
    };
    memcpy(o->locals, first->locals, first->n_locals * sizeof(*first->locals));
    join_ports(w, o);
    return make_routes(w, o);
}

/* --- several workers -----------------------------------------------------------------------------
 */

/* Frames of a link without a queue, to the worker that has one on its port. */
static void
forward(void *owner, const struct eth_link *l, struct rte_mbuf **frames, uint16_t n)
{
    struct worker *w = owner;
    unsigned to = w->id % l->port.queues;

    for (uint16_t i = 0; i < n; i++)
        handover_give(&w->handover, to, HANDED_SEND, l->capture_port, frames[i]);
}

static void
hand_over(void *ctx, unsigned to, const struct path *from, struct rte_mbuf *m)
{
    struct worker *w = ctx;

    handover_give_message(&w->handover, to, from, m);
}

static void
hand_over_inner(void *ctx, unsigned to, struct rte_mbuf *m)
{
    struct worker *w = ctx;

    handover_give(&w->handover, to, HANDED_INNER, 0, m);
}

/* The others' places in the array are there, if not filled in yet. */
static int
join_others(struct worker *w, const char *name)
{
    struct handover *h = &w->handover;

    if (w->steer == NULL)
        return 0;
    for (unsigned i = 0; i < w->n_workers; i++)
        h->all[i] = &w->workers[i].handover;
    h->wake_fd = w->wake_fd;
    h->drops = &w->tunnel.drops;
    h->ctx = w;
    h->take = dispatch_take;
    w->tunnel.hand_over = hand_over;
    w->tunnel.hand_over_inner = hand_over_inner;
    return handover_init(h, name, w->id, w->n_workers);
}

static int
init_links(struct worker *w, const char *ifname)
{
    char name[RTE_HASH_NAMESIZE];

    for (unsigned i = 0; i < w->n_links; i++) {
        bool inner = w->gateway != NULL && w->links[i] == w->gateway->link;
        struct eth_link *l = w->links[i];

        snprintf(name, sizeof(name), "%.15s.%u.nb%u", ifname, w->id, i);
        l->queue = (uint16_t)w->id;
        l->queueless = w->id > 0 && w->id >= l->port.queues;
        l->forward = forward;
        l->owner = w;
        l->capture_port = i;
        if (eth_link_init(l, name, w->pool, &w->tunnel.drops, inner) != 0)
            return -ENOMEM;
        l->neighbours.silent = w->id > 0;
    }
    return fragments_init(&w->fragments, &w->tunnel.drops);
}

static void
init_gateway(struct worker *w)
{
    if (w->gateway == NULL)
        return;
    w->gateway->tunnel = &w->tunnel;
    w->gateway->pool = w->pool;
    gateway_init(w->gateway);
}

static void
wake_crypto(void *ctx)
{
    const struct worker *w = ctx;

    crypto_crew_wake(w->crypto);
}

/* It may be that it wants our CPU. */
static void
await_crypto(void *ctx)
{
    (void)ctx;
    (void)sched_yield();
}

static void
join_crypto(struct worker *w)
{
    struct tunnel_crypto *c = w->tunnel.crypto;

    if (c == NULL)
        return;
    c->wake = wake_crypto;
    c->await = await_crypto;
    for (unsigned kind = 0; kind < CRYPTO_KINDS; kind++)
        crypto_crew_add(w->crypto, &c->queues[kind]);
}

static wgt_time
boot_clock(const struct worker *w)
{
    (void)w;
    return worker_clock();
}

int
worker_init(struct worker *w, const struct tunnel_config *config,
            const struct allowedips *allowed_ips, struct rte_ring *events,
            struct rte_ring *commands)
{
    struct outer outer;
    int rc = make_outer(w, &outer);

    w->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (rc == 0 && w->wake_fd < 0)
        rc = -errno;
    if (w->clock == NULL)
        w->clock = boot_clock;
    w->now = w->clock(w);
    worker_entropy(NULL, &w->fragment_id, sizeof(w->fragment_id));
    if (rc == 0)
        rc = tunnel_init(&w->tunnel, w->now, config, &outer,
                         w->gateway != NULL ? tx_gateway : tx_tun, allowed_ips, events, commands);
    if (rc != 0) {
        close(w->wake_fd);
        free(w->routes);
        return rc;
    }
    w->tunnel.report_host = report_stats;
    if (w->gateway == NULL)
        w->tun->drops = &w->tunnel.drops;
    rc = join_others(w, config->name);
    if (rc == 0)
        rc = init_links(w, config->name);
    if (rc != 0)
        worker_fini(w);
    else {
        init_gateway(w);
        join_crypto(w);
    }
    return rc;
}

void
worker_fini(struct worker *w)
{
    if (w->gateway != NULL && w->gateway->tunnel != NULL)
        gateway_fini(w->gateway);
    for (unsigned i = 0; i < w->n_links; i++)
        eth_link_fini(w->links[i]);
    tunnel_fini(&w->tunnel);
    fragments_fini(&w->fragments);
    handover_fini(&w->handover);
    close(w->wake_fd);
    free(w->routes);
}
