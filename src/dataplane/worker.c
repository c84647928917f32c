/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/dataplane/worker.h>

#include <errno.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <rte_ethdev.h>
#include <rte_log.h>

#include "classify.h"

/* Idle for this long: sleep until something happens. Below a deadline of 1 ms poll on: the sleep's
 * resolution is a millisecond. */
#define IDLE_SPELL (50 * WGT_USEC)
#define IDLE_POLL  WGT_MSEC
/* Ports without Rx interrupts are looked at this often. */
#define NAP_MIN (20 * WGT_USEC)
#define NAP_MAX (250 * WGT_USEC)
enum { SLEEP_MAX_MS = 1000, TX_TRIES = 8 };

wgt_time
worker_clock(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
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

static void
flush_tx(struct worker *w)
{
    uint16_t sent = 0;

    for (int i = 0; i < TX_TRIES && sent < w->n_tx; i++)
        sent = (uint16_t)(sent + rte_eth_tx_burst(w->port->id, 0, w->tx + sent,
                                                  (uint16_t)(w->n_tx - sent)));
    w->stats.outer_tx += sent;
    w->tunnel.drops.n[WGT_DROP_OUTER_TX] += (uint64_t)(w->n_tx - sent);
    for (; sent < w->n_tx; sent++)
        rte_pktmbuf_free(w->tx[sent]);
    w->n_tx = 0;
}

static void
tx_frame(void *ctx, struct rte_mbuf *frame)
{
    struct worker *w = ctx;

    w->tx[w->n_tx++] = frame;
    if (w->n_tx == WORKER_TX_BATCH)
        flush_tx(w);
}

static void
tx_outer(void *ctx, struct rte_mbuf *packet)
{
    struct worker *w = ctx;

    neighbours_send(&w->neighbours, w->now, packet);
}

static void
tx_inner(void *ctx, struct rte_mbuf *packet)
{
    struct worker *w = ctx;

    if (tun_tx(w->tun, packet))
        w->stats.inner_tx++;
    else
        wgt_drop_count(&w->tunnel.drops, WGT_DROP_INNER_TX);
}

/* --- polling -------------------------------------------------------------------------------------
 */

static unsigned
poll_outer(struct worker *w)
{
    struct rte_mbuf *m[WORKER_BURST];
    uint16_t n = rte_eth_rx_burst(w->port->id, 0, m, WORKER_BURST);

    for (uint16_t i = 0; i < n; i++)
        classify(w, m[i]);
    w->stats.outer_rx += n;
    return n;
}

static unsigned
poll_inner(struct worker *w)
{
    struct rte_mbuf *m[WORKER_BURST];
    unsigned n = tun_rx_burst(w->tun, w->pool, m, WORKER_BURST);

    for (unsigned i = 0; i < n; i++)
        tunnel_rx_inner(&w->tunnel, w->now, m[i]);
    w->stats.inner_rx += n;
    return n;
}

static void
kick(int fd)
{
    uint64_t one = 1;
    ssize_t n = write(fd, &one, sizeof(one));

    (void)n; /* a full counter wakes as well */
}

static unsigned
turn(struct worker *w)
{
    unsigned n;

    w->now = worker_clock();
    n = poll_outer(w);
    n += poll_inner(w);
    n += tunnel_run(&w->tunnel, w->now);
    neighbours_run(&w->neighbours, w->now);
    if (w->n_tx > 0)
        flush_tx(w);
    if (rte_ring_count(w->tunnel.events) > 0)
        kick(w->event_fd);
    w->stats.turns++;
    return n;
}

/* --- idling --------------------------------------------------------------------------------------
 */

static void
nap(struct worker *w, wgt_time left)
{
    /* The longer the idle spell, the longer the nap, within bounds. */
    wgt_time length = (w->now - w->idle_since) / 8;
    struct timespec ts = {.tv_nsec = 0};

    if (length < NAP_MIN)
        length = NAP_MIN;
    length = wgt_time_min(wgt_time_min(length, NAP_MAX), left);
    ts.tv_nsec = (long)length;
    nanosleep(&ts, NULL);
}

static void
drain_wake_fd(struct worker *w)
{
    uint64_t n;
    ssize_t rc = read(w->wake_fd, &n, sizeof(n));

    (void)rc;
}

static void
sleep_on_interrupts(struct worker *w, wgt_time left)
{
    struct rte_epoll_event events[4];
    wgt_time ms = left / WGT_MSEC;

    /* Ports whose interrupt is a file descriptor of their own (tap) refuse this and need none. */
    (void)rte_eth_dev_rx_intr_enable(w->port->id, 0);
    if (rte_eth_rx_queue_count(w->port->id, 0) <= 0)
        rte_epoll_wait(RTE_EPOLL_PER_THREAD, events, 4, ms < SLEEP_MAX_MS ? (int)ms : SLEEP_MAX_MS);
    (void)rte_eth_dev_rx_intr_disable(w->port->id, 0);
}

static void
idle(struct worker *w)
{
    wgt_time deadline =
        wgt_time_min(tunnel_deadline(&w->tunnel), neighbours_deadline(&w->neighbours));
    wgt_time left = deadline > w->now ? deadline - w->now : 0;

    if (left < IDLE_POLL && w->port->rx_interrupt)
        return;
    if (left < NAP_MIN)
        return;
    w->stats.sleeps++;
    rte_rcu_qsbr_thread_offline(w->rcu, 0);
    if (w->port->rx_interrupt)
        sleep_on_interrupts(w, left);
    else
        nap(w, left);
    rte_rcu_qsbr_thread_online(w->rcu, 0);
    drain_wake_fd(w);
}

static void
arm_interrupts(struct worker *w)
{
    uint32_t level = rte_log_get_global_level();

    w->epoll_wake = (struct rte_epoll_event){.epdata.event = EPOLLIN};
    w->epoll_tun = (struct rte_epoll_event){.epdata.event = EPOLLIN};
    if (!w->port->rx_interrupt)
        return;
    /* A driver that has none accepts the wish and says so, loudly, only here. */
    rte_log_set_global_level(RTE_LOG_CRIT);
    if (rte_eth_dev_rx_intr_ctl_q(w->port->id, 0, RTE_EPOLL_PER_THREAD, RTE_INTR_EVENT_ADD, NULL) !=
            0 ||
        rte_epoll_ctl(RTE_EPOLL_PER_THREAD, EPOLL_CTL_ADD, w->wake_fd, &w->epoll_wake) != 0 ||
        rte_epoll_ctl(RTE_EPOLL_PER_THREAD, EPOLL_CTL_ADD, w->tun->fd, &w->epoll_tun) != 0)
        w->port->rx_interrupt = false;
    rte_log_set_global_level(level);
}

int
worker_main(void *arg)
{
    struct worker *w = arg;

    rte_rcu_qsbr_thread_register(w->rcu, 0);
    rte_rcu_qsbr_thread_online(w->rcu, 0);
    arm_interrupts(w);
    w->now = worker_clock();
    neighbours_announce(&w->neighbours, w->now);
    while (!__atomic_load_n(&w->quit, __ATOMIC_ACQUIRE)) {
        if (turn(w) > 0) {
            w->idle = false;
        } else if (!w->idle) {
            w->idle = true;
            w->idle_since = w->now;
        } else if (w->adaptive && w->now - w->idle_since > IDLE_SPELL) {
            idle(w);
        }
        rte_rcu_qsbr_quiescent(w->rcu, 0);
        if (w->tun->error != 0 && !w->failed) {
            __atomic_store_n(&w->failed, true, __ATOMIC_RELEASE);
            kick(w->event_fd);
        }
    }
    rte_rcu_qsbr_thread_offline(w->rcu, 0);
    rte_rcu_qsbr_thread_unregister(w->rcu, 0);
    return 0;
}

void
worker_wake(struct worker *w)
{
    kick(w->wake_fd);
}

/* --- set-up --------------------------------------------------------------------------------------
 */

int
worker_init(struct worker *w, const struct tunnel_config *config, struct outer *outer,
            const struct allowedips *allowed_ips, const struct ip_addr *gateway_v4,
            const struct ip_addr *gateway_v6, struct rte_ring *events, struct rte_ring *commands)
{
    char name[RTE_HASH_NAMESIZE];
    int rc;

    outer->ctx = w;
    outer->tx = tx_outer;
    outer->entropy = worker_entropy;
    outer->wall_seconds = wall_seconds;
    outer->pool = w->pool;
    w->now = worker_clock();
    rc = tunnel_init(&w->tunnel, w->now, config, outer, tx_inner, allowed_ips, events, commands);
    if (rc != 0)
        return rc;
    w->neighbours = (struct neighbours){
        .outer = &w->tunnel.outer,
        .eth = w->port->eth,
        .gateway_v4 = *gateway_v4,
        .gateway_v6 = *gateway_v6,
        .drops = &w->tunnel.drops,
        .ctx = w,
        .tx = tx_frame,
    };
    snprintf(name, sizeof(name), "%.20s.nb", config->name);
    rc = neighbours_init(&w->neighbours, name);
    if (rc != 0)
        tunnel_fini(&w->tunnel);
    return rc;
}

void
worker_fini(struct worker *w)
{
    neighbours_fini(&w->neighbours);
    tunnel_fini(&w->tunnel);
}
