/* SPDX-License-Identifier: BSD-3-Clause */
/* Bringing a node up, running it, taking it down in the reverse order. */
#include <wgtcpd/control/node.h>

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_ring_elem.h>

#include <wgtcpd/control/hooks.h>
#include <wgtcpd/control/log.h>
#include <wgtcpd/control/status.h>
#include <wgtcpd/dataplane/eal.h>

enum {
    WORKER_LCORE = 1,
    POOL_SIZE = 16383,
    POOL_CACHE = 256,
    PACKET_ROOM_MIN = 2048,
    PACKET_SLACK = 96, /* Ethernet header, message header, padding and tag */
    MAX_FLOWS = 4096,
    OUTER_MTU = 1500,
    OVERHEAD_UDP = 80,  /* IPv6, UDP, message */
    OVERHEAD_TCP = 106, /* IPv6, TCP with timestamps, frame prefix, message */
    EVENTS_PER_TURN = 256,
};
_Static_assert((int)CONFIG_PORT_ADDRESSES_MAX == (int)OUTER_LOCAL_MAX,
               "all addresses have a place");
#define STOP_PATIENCE (2 * WGT_SEC)

/* --- pieces -------------------------------------------------------------------------------------
 */

static int
complain(const char *what, int rc)
{
    log_error("%s: %s", what, strerror(rc < 0 ? -rc : rc));
    return -1;
}

static bool
may_use_tcp(const struct config *c)
{
    for (const struct config_peer *p = c->peers; p != NULL; p = p->next)
        if (p->transport == CONFIG_TCP)
            return true;
    return c->listen_tcp || c->transport == CONFIG_TCP;
}

/* Bytes of a packet buffer behind its headroom: an inner packet with all that sealing adds, or a
 * frame of the outer port. */
static size_t
packet_room(const struct config *c)
{
    size_t room = PACKET_ROOM_MIN;

    if (room < c->mtu + PACKET_SLACK)
        room = c->mtu + PACKET_SLACK;
    if (room < (size_t)c->ports->mtu + PACKET_SLACK)
        room = (size_t)c->ports->mtu + PACKET_SLACK;
    return room;
}

/* Where TCP may carry the tunnel, one message fits one segment over IPv4 and IPv6 alike (1392 on
 * 1500, whole padding included); over UDP alone, WireGuard's 1420. */
static uint32_t
inner_mtu(const struct config *c, uint32_t outer_mtu)
{
    if (c->mtu != 0)
        return c->mtu;
    if (outer_mtu > packet_room(c) - PACKET_SLACK)
        outer_mtu = OUTER_MTU;
    if (may_use_tcp(c))
        return (outer_mtu - OVERHEAD_TCP) & ~(uint32_t)(MESSAGE_PADDING - 1);
    return outer_mtu - OVERHEAD_UDP;
}

static struct rte_ring *
make_ring(const char *ifname, const char *suffix, unsigned element)
{
    char name[RTE_RING_NAMESIZE];

    snprintf(name, sizeof(name), "%s.%s", ifname, suffix);
    return rte_ring_create_elem(name, element, TUNNEL_RING_SIZE, SOCKET_ID_ANY,
                                RING_F_SP_ENQ | RING_F_SC_DEQ);
}

static int
make_memory(struct node *n)
{
    size_t room = RTE_PKTMBUF_HEADROOM + packet_room(n->config);
    size_t rcu_size = rte_rcu_qsbr_get_memsize(1);

    n->pool = rte_pktmbuf_pool_create(n->config->ifname, POOL_SIZE, POOL_CACHE, PACKET_META_SIZE,
                                      (uint16_t)room, SOCKET_ID_ANY);
    n->events = make_ring(n->config->ifname, "events", sizeof(struct tunnel_event));
    n->commands = make_ring(n->config->ifname, "commands", sizeof(struct tunnel_command));
    n->rcu = rte_zmalloc(NULL, rcu_size, RTE_CACHE_LINE_SIZE);
    if (n->pool == NULL || n->events == NULL || n->commands == NULL || n->rcu == NULL) {
        log_error("not enough memory for packets and rings: give EAL more with EalArgs = -m MB");
        return -1;
    }
    return rte_rcu_qsbr_init(n->rcu, 1) == 0 ? 0 : complain("RCU", EINVAL);
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
    n->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (n->signal_fd < 0 || n->event_fd < 0 || n->wake_fd < 0)
        return complain("cannot make event descriptors", errno);
    return 0;
}

static int
start_eal(struct node *n, bool verbose)
{
    struct eal_params p = {
        .name = n->config->ifname,
        .device = n->config->ports->device,
        .cores = n->config->cores,
        .extra = n->config->eal_args,
        .verbose = verbose,
    };
    char error[256];

    if (eal_start(&p, error, sizeof(error)) == 0) {
        n->eal_up = true;
        return 0;
    }
    log_error("%s", error);
    return -1;
}

/* A number that is this node's own and stays. */
static uint64_t
identity(const struct config *c)
{
    static const uint8_t key[16] = "wgtcpd port addr";
    uint8_t public_key[NOISE_KEY_LEN];

    noise_public_key(public_key, c->private_key);
    return noise_siphash(key, public_key, sizeof(public_key));
}

static int
start_port(struct node *n)
{
    const struct config_port *c = n->config->ports;
    char error[256];

    if (port_start(&n->port, c->device, c->mtu, n->pool, error, sizeof(error)) != 0) {
        log_error("%s", error);
        return -1;
    }
    n->port_up = true;
    port_part_from_kernel_end(&n->port, identity(n->config));
    n->mtu = inner_mtu(n->config, n->port.mtu);
    log_debug("port %s: driver %s, mtu %u, %s", c->device, n->port.driver, n->port.mtu,
              n->port.rx_interrupt ? "Rx interrupts" : "no Rx interrupts");
    return 0;
}

/* --- the kernel's side
 * ---------------------------------------------------------------------------- */

static int
set_up_interface(struct node *n)
{
    const struct config *c = n->config;
    char text[IP_TEXT_MAX];
    int rc = tun_open(&n->tun, c->ifname);

    if (rc != 0) {
        log_error("cannot create interface %s: %s", c->ifname,
                  rc == -EBUSY ? "the name is in use" : strerror(-rc));
        return -1;
    }
    rc = netlink_open(&n->netlink, c->ifname);
    if (rc == 0)
        rc = netlink_set_mtu(&n->netlink, n->mtu);
    if (rc != 0)
        return complain("cannot configure the interface", rc);
    for (size_t i = 0; i < c->n_addresses; i++) {
        rc = netlink_add_address(&n->netlink, &c->addresses[i]);
        if (rc != 0) {
            log_error("cannot add address %s: %s", ip_prefix_format(text, &c->addresses[i]),
                      strerror(-rc));
            return -1;
        }
    }
    rc = netlink_set_up(&n->netlink);
    return rc == 0 ? 0 : complain("cannot bring the interface up", rc);
}

static bool
same_prefix(const struct ip_prefix *a, const struct ip_prefix *b)
{
    return a->len == b->len && ip_prefix_contains(a, &b->addr);
}

/* Whether a route to the prefix through our interface exists: the kernel made it with an address,
 * or we did for an earlier peer. Any other would carry the peer's packets past the tunnel. */
static bool
leads_here_already(const struct config *c, const struct ip_prefix *p)
{
    for (size_t i = 0; i < c->n_addresses; i++)
        if (same_prefix(&c->addresses[i], p))
            return true;
    for (const struct config_peer *q = c->peers; q != NULL; q = q->next)
        for (size_t i = 0; i < q->n_allowed_ips; i++) {
            if (&q->allowed_ips[i] == p)
                return false;
            if (same_prefix(&q->allowed_ips[i], p))
                return true;
        }
    return false;
}

static int
add_route(struct node *n, const struct ip_prefix *p)
{
    uint32_t table = n->config->table == CONFIG_TABLE_NUMBER ? n->config->table_number : 0;
    char text[IP_TEXT_MAX];
    int rc;

    if (p->len == 0 && n->config->table == CONFIG_TABLE_AUTO) {
        log_warning("%s is not routed by itself yet: route it in PostUp, or set Table",
                    ip_prefix_format(text, p));
        return 0;
    }
    rc = netlink_add_route(&n->netlink, p, table);
    if (rc == 0 || (rc == -EEXIST && leads_here_already(n->config, p)))
        return 0;
    log_error("cannot add route %s: %s", ip_prefix_format(text, p),
              rc == -EEXIST
                  ? "there is one that leads elsewhere; remove it, or set Table = off and "
                    "route in PostUp"
                  : strerror(-rc));
    return -1;
}

static int
add_routes(struct node *n)
{
    if (n->config->table == CONFIG_TABLE_OFF)
        return 0;
    for (const struct config_peer *p = n->config->peers; p != NULL; p = p->next)
        for (size_t i = 0; i < p->n_allowed_ips; i++)
            if (add_route(n, &p->allowed_ips[i]) != 0)
                return -1;
    return 0;
}

/* --- the tunnel
 * ----------------------------------------------------------------------------------- */

static void
fill_outer(const struct node *n, struct outer *o)
{
    const struct config_port *c = n->config->ports;

    *o = (struct outer){
        .mtu = n->port.mtu,
        .offload_udp = n->port.tx_udp_checksum,
        .offload_tcp = n->port.tx_tcp_checksum,
    };
    for (size_t i = 0; i < c->n_addresses; i++)
        o->locals[o->n_locals++] = c->addresses[i];
}

static uint16_t
choose_listen_port(const struct config *c)
{
    uint16_t r;

    if (c->listen_port != 0)
        return c->listen_port;
    worker_entropy(NULL, &r, sizeof(r));
    return (uint16_t)(32768 + r % 28232); /* Linux's ephemeral range */
}

static void
peer_gone(void *ctx, struct tunnel_peer *peer)
{
    (void)ctx;
    (void)peer; /* freed with the node */
}

static void
tunnel_has_stopped(void *ctx)
{
    struct node *n = ctx;

    n->stopped = true;
}

static const struct tcp_cc_ops *
congestion(enum config_congestion which)
{
    static const char *const names[] = {
        [CONFIG_BBR] = "bbr", [CONFIG_CUBIC] = "cubic", [CONFIG_NONE] = "none"};

    return tcp_cc_find(names[which]);
}

static int
start_tunnel(struct node *n)
{
    const struct config *c = n->config;
    uint32_t max_peers = c->n_peers < 64 ? 64 : (uint32_t)c->n_peers;
    struct outer outer;
    struct tunnel_config t = {
        .name = c->ifname,
        .listen_udp = c->listen_udp,
        .listen_tcp = c->listen_tcp,
        .mtu = n->mtu,
        .max_message = packet_room(n->config),
        .max_peers = max_peers,
        .max_flows = MAX_FLOWS,
        .congestion = congestion(c->congestion),
        .in_order = c->in_order,
        .knock = c->tcp_knock,
    };
    int rc = handshaker_init(&n->handshaker, c->ifname, max_peers, c->private_key, n->events,
                             n->commands, worker_entropy, n);

    if (rc != 0)
        return complain("cannot start the handshaker", rc);
    n->handshaker_up = true;
    n->handshaker.peer_removed = peer_gone;
    n->handshaker.stopped = tunnel_has_stopped;
    n->listen_port = t.listen_port = choose_listen_port(c);
    memcpy(t.mac1_key, n->handshaker.local.mac1_key, NOISE_KEY_LEN);
    noise_knock_key(t.knock_key, n->handshaker.local.public_key);
    fill_outer(n, &outer);
    n->worker.port = &n->port;
    n->worker.tun = &n->tun;
    n->worker.pool = n->pool;
    n->worker.rcu = n->rcu;
    n->worker.adaptive = c->idle == CONFIG_IDLE_ADAPTIVE;
    n->worker.wake_fd = n->wake_fd;
    n->worker.event_fd = n->event_fd;
    rc = worker_init(&n->worker, &t, &outer, &n->allowed_ips, &c->ports->gateway_v4,
                     &c->ports->gateway_v6, n->events, n->commands);
    noise_wipe(t.knock_key, sizeof(t.knock_key));
    if (rc != 0)
        return complain("cannot start the tunnel", rc);
    n->worker_up = true;
    return 0;
}

static bool
port_has_family(const struct config_port *port, int family)
{
    for (size_t i = 0; i < port->n_addresses; i++)
        if (port->addresses[i].addr.family == family)
            return true;
    return false;
}

static void
take_sockaddr(struct ip_endpoint *out, const struct sockaddr *sa)
{
    if (sa->sa_family == AF_INET)
        out->addr =
            ip_addr_v4((const uint8_t *)&((const struct sockaddr_in *)(const void *)sa)->sin_addr);
    else
        out->addr = ip_addr_v6(
            (const uint8_t *)&((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr);
}

/* An address of the endpoint's host, of a family that the outer port has. */
static bool
resolve(const struct config *c, const struct config_endpoint *e, struct ip_endpoint *out)
{
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *list = NULL;
    int rc = getaddrinfo(e->host, NULL, &hints, &list);
    bool found = false;

    if (rc != 0) {
        log_warning("cannot resolve endpoint %s: %s", e->host, gai_strerror(rc));
        return false;
    }
    for (struct addrinfo *a = list; a != NULL && !found; a = a->ai_next) {
        int family = a->ai_family == AF_INET ? IP_V4 : a->ai_family == AF_INET6 ? IP_V6 : IP_NONE;

        if (family != IP_NONE && port_has_family(c->ports, family)) {
            take_sockaddr(out, a->ai_addr);
            out->port = e->port;
            found = true;
        }
    }
    freeaddrinfo(list);
    if (!found)
        log_warning("endpoint %s has no address of a family that the port has", e->host);
    return found;
}

static struct tunnel_peer *
make_peer(const struct config *c, const struct config_peer *from)
{
    struct tunnel_peer *p =
        aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN_CEIL(sizeof(*p), RTE_CACHE_LINE_SIZE));

    if (p == NULL)
        return NULL;
    memset(p, 0, sizeof(*p));
    memcpy(p->public_key, from->public_key, sizeof(p->public_key));
    p->persistent_keepalive = from->persistent_keepalive;
    p->configured_kind = from->transport == CONFIG_TCP ? TRANSPORT_TCP : TRANSPORT_UDP;
    p->congestion = congestion(from->congestion);
    p->knock = from->tcp_knock;
    if (from->endpoint.host != NULL)
        p->has_endpoint = resolve(c, &from->endpoint, &p->configured);
    return p;
}

static int
add_peer(struct node *n, const struct config_peer *from)
{
    struct tunnel_peer *p = make_peer(n->config, from);
    int rc;

    if (p == NULL)
        return complain("peer", ENOMEM);
    n->peers[n->n_peers++] = p;
    for (size_t i = 0; i < from->n_allowed_ips; i++) {
        rc = allowedips_insert(&n->allowed_ips, &from->allowed_ips[i], p);
        if (rc != 0)
            return complain("allowed IPs", rc);
    }
    rc = handshaker_add_peer(&n->handshaker, p, from->preshared_key);
    if (rc == -EINVAL) {
        log_error("the [Peer] in line %u has this interface's own public key: give the "
                  "other side's",
                  from->line);
        return -1;
    }
    return rc == 0 ? 0 : complain("cannot add a peer", rc);
}

/* What the worker may still have been reading while prefixes were added. */
static void
free_retired_prefixes(struct node *n)
{
    struct allowedips_node *retired = allowedips_take_retired(&n->allowed_ips);

    rte_rcu_qsbr_synchronize(n->rcu, RTE_QSBR_THRID_INVALID);
    allowedips_free_retired(retired);
}

static int
add_peers(struct node *n)
{
    n->peers = calloc(n->config->n_peers + 1, sizeof(*n->peers));
    if (n->peers == NULL)
        return complain("peers", ENOMEM);
    for (const struct config_peer *p = n->config->peers; p != NULL; p = p->next) {
        if (add_peer(n, p) != 0)
            return -1;
        /* Many peers: the worker takes them in as we go. */
        while (rte_ring_free_count(n->commands) == 0) {
            worker_wake(&n->worker);
            usleep(1000);
        }
    }
    worker_wake(&n->worker);
    free_retired_prefixes(n);
    return 0;
}

static int
launch_worker(struct node *n)
{
    int rc = rte_eal_remote_launch(worker_main, &n->worker, WORKER_LCORE);

    if (rc != 0)
        return complain("cannot start the worker", rc);
    n->worker_runs = true;
    return 0;
}

/* --- running
 * --------------------------------------------------------------------------------------- */

static struct wall_clock
wall_clock(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return (struct wall_clock){(uint64_t)ts.tv_sec, (uint32_t)ts.tv_nsec};
}

/* Some of the events; signals and the interface want to be looked at in between. */
static void
take_events(void *ctx)
{
    struct node *n = ctx;
    struct wall_clock wall = wall_clock();
    uint64_t count;
    ssize_t rc = read(n->event_fd, &count, sizeof(count));

    (void)rc; /* EAGAIN: woken for something else */
    if (handshaker_run(&n->handshaker, worker_clock(), &wall, EVENTS_PER_TURN) > 0)
        worker_wake(&n->worker);
}

/* How long epoll may wait: not at all while events are left. */
static int
patience(const struct node *n, int ms)
{
    return rte_ring_count(n->events) > 0 ? 0 : ms;
}

/* Returns whether to stop. */
static bool
take_signals(struct node *n)
{
    struct signalfd_siginfo info;
    bool stop = false;

    while (read(n->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGUSR1)
            status_log(n, worker_clock());
        else if (info.ssi_signo == SIGHUP)
            log_warning("this version does not reload its configuration: restart it");
        else
            stop = true;
    }
    return stop;
}

static int
make_epoll(const struct node *n)
{
    struct epoll_event signals = {.events = EPOLLIN, .data.fd = n->signal_fd};
    struct epoll_event events = {.events = EPOLLIN, .data.fd = n->event_fd};
    int fd = epoll_create1(EPOLL_CLOEXEC);

    if (fd < 0)
        return -1;
    if (epoll_ctl(fd, EPOLL_CTL_ADD, n->signal_fd, &signals) == 0 &&
        epoll_ctl(fd, EPOLL_CTL_ADD, n->event_fd, &events) == 0)
        return fd;
    close(fd);
    return -1;
}

/* Until a signal says stop (0) or the interface goes away (-1). */
static int
loop(struct node *n, int epoll)
{
    for (;;) {
        struct epoll_event e[2];

        (void)epoll_wait(epoll, e, 2, patience(n, -1));
        if (take_signals(n))
            return 0;
        take_events(n);
        if (__atomic_load_n(&n->worker.failed, __ATOMIC_ACQUIRE)) {
            log_error("interface %s was deleted", n->config->ifname);
            return -1;
        }
    }
}

/* FIN on every connection, and a moment for the answers. */
static void
stop_tunnel(struct node *n, int epoll)
{
    wgt_time end = worker_clock() + STOP_PATIENCE;

    if (handshaker_stop_tunnel(&n->handshaker) != 0)
        return;
    worker_wake(&n->worker);
    while (!n->stopped && worker_clock() < end) {
        struct epoll_event e[2];

        (void)epoll_wait(epoll, e, 2, patience(n, 50));
        take_events(n);
    }
    if (!n->stopped)
        log_debug("some peers did not answer our FIN");
}

static int
run(struct node *n)
{
    int epoll = make_epoll(n), rc;

    if (epoll < 0)
        return complain("epoll", errno);
    log_info("%s: ready", n->config->ifname);
    rc = loop(n, epoll);
    if (hooks_run(&n->config->pre_down, n->config->ifname, take_events, n) != 0)
        rc = -1;
    stop_tunnel(n, epoll);
    close(epoll);
    return rc;
}

/* --- up and down
 * ------------------------------------------------------------------------------------ */

/* Keys of the grammar that this version reads and does not act on: not in silence. */
static void
warn_of_idle_keys(const struct config *c)
{
    if (c->dns.n > 0)
        log_warning("DNS is not set up by this version: use resolvconf in PostUp and PostDown");
    if (c->fwmark != 0)
        log_warning("FwMark has no effect: outer packets do not pass the kernel's routing");
    if (c->save_config)
        log_warning("SaveConfig has no effect in this version: the file stays as it is");
}

static int
bring_up(struct node *n, bool verbose)
{
    const struct config *c = n->config;

    warn_of_idle_keys(c);
    if (make_descriptors(n) != 0 || hooks_run(&c->pre_up, c->ifname, NULL, NULL) != 0)
        return -1;
    n->hooks_up = true;
    if (start_eal(n, verbose) != 0 || make_memory(n) != 0 || start_port(n) != 0 ||
        set_up_interface(n) != 0 || start_tunnel(n) != 0 || launch_worker(n) != 0 ||
        add_peers(n) != 0 || add_routes(n) != 0)
        return -1;
    return hooks_run(&c->post_up, c->ifname, take_events, n);
}

static void
stop_worker(struct node *n)
{
    if (!n->worker_runs)
        return;
    __atomic_store_n(&n->worker.quit, true, __ATOMIC_RELEASE);
    worker_wake(&n->worker);
    rte_eal_wait_lcore(WORKER_LCORE);
}

static void
close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

static int
take_down(struct node *n)
{
    int rc = 0;

    stop_worker(n);
    if (n->worker_up)
        worker_fini(&n->worker);
    if (n->handshaker_up)
        handshaker_fini(&n->handshaker);
    if (n->port_up)
        port_stop(&n->port);
    netlink_close(&n->netlink);
    tun_close(&n->tun);
    allowedips_destroy(&n->allowed_ips);
    for (size_t i = 0; i < n->n_peers; i++)
        free(n->peers[i]);
    free(n->peers);
    if (n->eal_up)
        eal_stop();
    if (n->hooks_up)
        rc = hooks_run(&n->config->post_down, n->config->ifname, NULL, NULL);
    close_fd(n->event_fd);
    close_fd(n->wake_fd);
    close_fd(n->signal_fd);
    return rc;
}

int
node_run(const struct config *config, bool verbose)
{
    struct node *n = calloc(1, sizeof(*n));
    int rc;

    if (n == NULL)
        return complain("node", ENOMEM) != 0;
    n->config = config;
    n->tun.fd = n->event_fd = n->wake_fd = n->signal_fd = -1;
    allowedips_init(&n->allowed_ips);
    rc = bring_up(n, verbose);
    if (rc == 0)
        rc = run(n);
    if (take_down(n) != 0)
        rc = -1;
    free(n);
    return rc == 0 ? 0 : 1;
}
