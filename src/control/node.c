/* SPDX-License-Identifier: BSD-3-Clause */
/* Bringing a node up, running it, taking it down in the reverse order. */
#include <errno.h>
#include <stdlib.h>

#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_ring_elem.h>

#include <wgtcpd/control/dns.h>
#include <wgtcpd/control/hooks.h>
#include <wgtcpd/control/keeper.h>
#include <wgtcpd/control/log.h>
#include <wgtcpd/control/notify.h>
#include <wgtcpd/control/privilege.h>
#include <wgtcpd/control/seccomp.h>
#include <wgtcpd/dataplane/eal.h>
#include <wgtcpd/vault/vault.h>

#include "internal.h"

enum {
    WORKER_LCORE = 1,  /* of the first; the others follow */
    POOL_SIZE = 16384, /* for each worker; one less in all */
    POOL_CACHE = 256,
    PACKET_ROOM_MIN = 2048,
    PACKET_SLACK = 96, /* Ethernet header, message header, padding and tag */
    MAX_FLOWS = 4096,
    MAX_PEERS = 4096, /* at least; twice as many as the configuration has */
    OUTER_MTU = 1500,
    OVERHEAD_UDP = 80,  /* IPv6, UDP, message */
    OVERHEAD_TCP = 106, /* IPv6, TCP with timestamps, frame prefix, message */
    OVERHEAD_TCP_V4 = 86,
};

/* --- pieces -------------------------------------------------------------------------------------
 */

int
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

size_t
packet_room(const struct config *c)
{
    size_t room = PACKET_ROOM_MIN;

    if (room < c->mtu + PACKET_SLACK)
        room = c->mtu + PACKET_SLACK;
    for (const struct config_port *p = c->ports; p != NULL; p = p->next)
        if (room < (size_t)p->mtu + PACKET_SLACK)
            room = (size_t)p->mtu + PACKET_SLACK;
    if (c->inner_port != NULL && room < (size_t)c->inner_port->mtu + PACKET_SLACK)
        room = (size_t)c->inner_port->mtu + PACKET_SLACK;
    return room;
}

static bool
has_ipv6_outside(const struct config *c)
{
    for (const struct config_port *p = c->ports; p != NULL; p = p->next)
        for (size_t i = 0; i < p->n_addresses; i++)
            if (p->addresses[i].addr.family == IP_V6)
                return true;
    return false;
}

/* Where TCP may carry the tunnel, one message fits one segment: 1414 on 1500 when the outside is
 * IPv4 alone, else over both alike (1392, whole padding included). Over UDP alone, WireGuard's
 * 1420. */
uint32_t
inner_mtu(const struct config *c, uint32_t outer_mtu)
{
    if (c->mtu != 0)
        return c->mtu;
    if (outer_mtu > packet_room(c) - PACKET_SLACK)
        outer_mtu = OUTER_MTU;
    if (!may_use_tcp(c))
        return outer_mtu - OVERHEAD_UDP;
    if (!has_ipv6_outside(c))
        return outer_mtu - OVERHEAD_TCP_V4;
    return (outer_mtu - OVERHEAD_TCP) & ~(uint32_t)(MESSAGE_PADDING - 1);
}

static struct rte_ring *
make_ring(const char *ifname, const char *suffix, unsigned worker, unsigned element)
{
    char name[RTE_RING_NAMESIZE];

    snprintf(name, sizeof(name), "%s.%s%u", ifname, suffix, worker);
    return rte_ring_create_elem(name, element, TUNNEL_RING_SIZE, SOCKET_ID_ANY,
                                RING_F_SP_ENQ | RING_F_SC_DEQ);
}

static bool
make_rings(struct node *n)
{
    const char *name = n->config->ifname;

    for (unsigned i = 0; i < n->n_workers; i++) {
        n->events[i] = make_ring(name, "events", i, sizeof(struct tunnel_event));
        n->commands[i] = make_ring(name, "commands", i, sizeof(struct tunnel_command));
        if (n->events[i] == NULL || n->commands[i] == NULL)
            return false;
    }
    return true;
}

static int
make_memory(struct node *n)
{
    size_t room = RTE_PKTMBUF_HEADROOM + packet_room(n->config);
    size_t rcu_size = rte_rcu_qsbr_get_memsize(n->n_workers);

    n->pool = rte_pktmbuf_pool_create(n->config->ifname, n->n_workers * POOL_SIZE - 1, POOL_CACHE,
                                      PACKET_META_SIZE, (uint16_t)room, SOCKET_ID_ANY);
    n->rcu = rte_zmalloc(NULL, rcu_size, RTE_CACHE_LINE_SIZE);
    if (n->pool == NULL || n->rcu == NULL || !make_rings(n)) {
        log_error("not enough memory for packets and rings: give EAL more with EalArgs = -m MB");
        return -1;
    }
    return rte_rcu_qsbr_init(n->rcu, n->n_workers) == 0 ? 0 : complain("RCU", EINVAL);
}

static int
start_eal(struct node *n, bool verbose)
{
    const char *devices[CONFIG_PORTS_MAX + 1];
    struct eal_params p = {
        .name = n->config->ifname,
        .devices = devices,
        .workers = n->n_workers,
        .helpers = n->config->crypto_workers,
        .cores = n->config->cores,
        .extra = n->config->eal_args,
        .verbose = verbose,
        .telemetry = n->config->telemetry,
    };
    char error[256];

    for (const struct config_port *c = n->config->ports; c != NULL; c = c->next)
        if (c->tap == NULL)
            devices[p.n_devices++] = c->device;
    if (n->config->inner_port != NULL && n->config->inner_port->tap == NULL)
        devices[p.n_devices++] = n->config->inner_port->device;
    if (eal_start(&p, error, sizeof(error)) == 0) {
        n->eal_up = true;
        return 0;
    }
    log_error("%s", error);
    return -1;
}

static int
start_ports(struct node *n)
{
    if (ports_start(n) != 0)
        return -1;
    n->mtu = inner_mtu(n->config, ports_outer_mtu(n));
    return 0;
}

/* --- the tunnel ----------------------------------------------------------------------------------
 */

static void
peer_gone(void *ctx, struct tunnel_peer *peer)
{
    struct node *n = ctx;

    device_peer_removed(&n->device, peer);
}

static void
synchronize(void *ctx)
{
    struct node *n = ctx;

    rte_rcu_qsbr_synchronize(n->rcu, RTE_QSBR_THRID_INVALID);
}

static void
start_device(struct node *n)
{
    const struct config *c = n->config;
    const struct device_config config = {
        .transport = c->transport, .congestion = c->congestion, .knock = c->tcp_knock};

    device_init(&n->device, &config, &n->handshaker, &n->allowed_ips, c->listen_port, c->fwmark);
    n->device.ctx = n;
    n->device.wait = peers_wait;
    n->device.synchronize = synchronize;
}

static void
tunnel_has_stopped(void *ctx)
{
    struct node *n = ctx;

    n->stopped = true;
}

static void
report_is_back(void *ctx, struct tunnel_report *r)
{
    struct node *n = ctx;

    (void)r; /* there is one at a time: n->report */
    n->reported = true;
}

static int
start_worker(struct node *n, unsigned i, struct tunnel_config *t)
{
    struct worker *w = &n->workers[i];
    int rc = 0;

    w->tun = &n->tuns[i];
    w->pool = n->pool;
    w->rcu = n->rcu;
    w->adaptive = n->config->idle == CONFIG_IDLE_ADAPTIVE;
    w->event_fd = n->event_fd;
    w->id = i;
    w->n_workers = n->n_workers;
    w->workers = n->workers;
    w->steer = n->steer;
    w->crypto = &n->crypto;
    t->worker = i;
    t->n_workers = n->n_workers;
    if (w != n->workers) /* the handshaker knows the first */
        rc = handshaker_add_worker(&n->handshaker, n->events[i], n->commands[i]);
    if (rc != 0)
        return rc;
    rc = worker_init(w, t, &n->allowed_ips, n->events[i], n->commands[i]);
    if (rc == 0)
        n->workers_up++;
    return rc;
}

static int
start_tunnel(struct node *n)
{
    const struct config *c = n->config;
    uint32_t max_peers = c->n_peers < MAX_PEERS / 2 ? MAX_PEERS : 2 * (uint32_t)c->n_peers;
    struct tunnel_config t = {
        .name = c->ifname,
        .listen_udp = c->listen_udp,
        .listen_tcp = c->listen_tcp,
        .mtu = n->mtu,
        .fragment = c->mtu != 0,
        .max_message = packet_room(n->config),
        .max_peers = max_peers,
        .max_flows = MAX_FLOWS,
        .congestion = congestion_ops(c->congestion),
        .in_order = c->in_order,
        .knock = c->tcp_knock,
        .n_crypto = n->crypto.n,
    };
    int rc = handshaker_init(&n->handshaker, max_peers, c->private_key, n->events[0],
                             n->commands[0], worker_entropy, n);

    if (rc != 0)
        return complain("cannot start the handshaker", rc);
    n->handshaker_up = true;
    n->handshaker.peer_removed = peer_gone;
    n->handshaker.stopped = tunnel_has_stopped;
    n->handshaker.note = note_log;
    n->handshaker.reported = report_is_back;
    start_device(n);
    t.listen_port = n->device.listen_port;
    memcpy(t.mac1_key, n->handshaker.local.mac1_key, NOISE_KEY_LEN);
    noise_knock_key(t.knock_key, n->handshaker.local.public_key);
    for (unsigned i = 0; i < n->n_workers && rc == 0; i++)
        rc = start_worker(n, i, &t);
    noise_wipe(t.knock_key, sizeof(t.knock_key));
    return rc == 0 ? 0 : complain("cannot start the tunnel", rc);
}

/* The worker's list, on top of the one for all threads. */
static void
confine_worker(const void *ctx)
{
    const struct node *n = ctx;
    int rc = seccomp_confine(SECCOMP_WORKER, n->config->seccomp);

    if (rc != 0)
        log_warning("Seccomp: the worker may do what the control thread may: %s", strerror(-rc));
}

/* All is made that needs rights to be made: from here on we do with few, in every thread. */
static int
confine(struct node *n)
{
    const struct config *c = n->config;
    const struct privilege_user *user = c->user != NULL ? &n->user : NULL;
    int rc;

    rc = privilege_drop(user, privilege_needed(c));
    if (rc != 0)
        return complain("cannot give up privileges", rc);
    if (!vault_is_locked())
        log_warning("keys may get into swap space: the limit on locked memory (ulimit -l, "
                    "LimitMEMLOCK=) is too low for them");
    rc = seccomp_confine(SECCOMP_CONTROL, c->seccomp);
    if (rc != 0)
        return complain("cannot filter system calls (Seccomp = off goes without)", rc);
    for (unsigned i = 0; i < n->n_workers; i++) {
        n->workers[i].on_start = confine_worker;
        n->workers[i].on_start_ctx = n;
    }
    n->crypto.on_start = confine_worker;
    n->crypto.on_start_ctx = n;
    return 0;
}

/* On the lcores behind the workers'. */
static int
launch_crypto(struct node *n)
{
    for (unsigned i = 0; i < n->crypto.n; i++) {
        int rc = rte_eal_remote_launch(crypto_worker_main, &n->crypto.workers[i],
                                       WORKER_LCORE + n->n_workers + i);

        if (rc != 0)
            return complain("cannot start a crypto worker", rc);
        n->crypto_run++;
    }
    return 0;
}

static int
launch_workers(struct node *n)
{
    for (unsigned i = 0; i < n->n_workers; i++) {
        int rc = rte_eal_remote_launch(worker_main, &n->workers[i], WORKER_LCORE + i);

        if (rc != 0)
            return complain("cannot start a worker", rc);
        n->workers_run++;
    }
    return 0;
}

/* --- up and down
 * ------------------------------------------------------------------------------------ */

static int
bring_up(struct node *n, bool verbose)
{
    const struct config *c = n->config;

    if (c->user != NULL && !privilege_find_user(c->user, &n->user))
        return -1;
    if (loop_init(n) != 0 || hooks_run(&c->pre_up, c->ifname, NULL, NULL) != 0)
        return -1;
    n->hooks_up = true;
    if (start_eal(n, verbose) != 0 || make_memory(n) != 0 || start_ports(n) != 0 ||
        interface_up(n) != 0 || start_tunnel(n) != 0 || observe_up(n) != 0 || link_watch(n) != 0 ||
        control_up(n) != 0 || uapi_up(n) != 0 || confine(n) != 0 || launch_workers(n) != 0 ||
        launch_crypto(n) != 0 || peers_add(n) != 0 || resolve_start(n) != 0 || routes_sync(n) != 0)
        return -1;
    if (c->inner_port == NULL)
        n->dns_up = dns_set(c->ifname, &c->dns, loop_take_events, n);
    else if (c->dns.n > 0)
        log_warning("DNS has no effect with an inner port: the kernel has no interface here");
    return hooks_run(&c->post_up, c->ifname, loop_turn, n);
}

static void
stop_workers(struct node *n)
{
    if (n->workers_run == 0)
        return;
    for (unsigned i = 0; i < n->workers_run; i++)
        __atomic_store_n(&n->workers[i].quit, true, __ATOMIC_RELEASE);
    worker_wake(n->workers);
    for (unsigned i = 0; i < n->workers_run; i++)
        rte_eal_wait_lcore(WORKER_LCORE + i);
}

static void
stop_crypto(struct node *n)
{
    crypto_crew_quit(&n->crypto);
    for (unsigned i = 0; i < n->crypto_run; i++)
        rte_eal_wait_lcore(WORKER_LCORE + n->n_workers + i);
}

static int
run(struct node *n)
{
    int rc;

    log_info("%s: ready", n->config->ifname);
    notify_status("%zu peer%s", n->device.n_peers, n->device.n_peers == 1 ? "" : "s");
    notify_ready();
    rc = loop_run(n);
    notify_stopping();
    if (hooks_run(&n->config->pre_down, n->config->ifname, loop_turn, n) != 0)
        rc = -1;
    if (n->config->save_config && node_save(n) != 0)
        rc = -1;
    uapi_down(n);
    resolve_stop(n);
    control_down(n);
    loop_stop_tunnel(n);
    return rc;
}

static int
take_down(struct node *n)
{
    int rc = 0;

    control_down(n);
    uapi_down(n);
    resolve_stop(n);
    link_unwatch(n);
    if (n->dns_up)
        dns_unset(n->config->ifname, NULL, NULL);
    observe_down(n);
    stop_workers(n);
    stop_crypto(n);
    while (n->workers_up > 0)
        worker_fini(&n->workers[--n->workers_up]);
    if (n->handshaker_up) {
        handshaker_fini(&n->handshaker);
        device_fini(&n->device);
        free(n->report);
    }
    ports_stop(n);
    interface_down(n);
    allowedips_destroy(&n->allowed_ips);
    if (n->eal_up)
        eal_stop();
    if (n->hooks_up)
        rc = hooks_run(&n->config->post_down, n->config->ifname, NULL, NULL);
    loop_fini(n);
    keeper_clean();
    return rc;
}

static int
make_workers(struct node *n)
{
    uint8_t key[STEER_KEY_LEN];
    int rc;

    n->n_workers = n->config->workers;
    n->workers = vault_alloc(n->n_workers * sizeof(*n->workers)); /* keys of theirs are in it */
    n->tuns = calloc(n->n_workers, sizeof(*n->tuns));
    n->steer = n->n_workers > 1 ? malloc(sizeof(*n->steer)) : NULL;
    if (n->workers == NULL || n->tuns == NULL || (n->n_workers > 1 && n->steer == NULL))
        return complain("workers", ENOMEM);
    for (unsigned i = 0; i < n->n_workers; i++)
        n->tuns[i].fd = -1;
    rc = crypto_crew_init(&n->crypto, n->config->crypto_workers,
                          n->config->idle == CONFIG_IDLE_ADAPTIVE);
    if (rc != 0)
        return complain("crypto workers", rc);
    if (n->n_workers > 1) {
        worker_entropy(NULL, key, sizeof(key));
        steer_init(n->steer, n->n_workers, key);
    }
    return 0;
}

static void
free_workers(struct node *n)
{
    vault_free(n->workers, n->n_workers * sizeof(*n->workers));
    free(n->tuns);
    free(n->steer);
    crypto_crew_fini(&n->crypto);
}

int
node_run(struct config *config, const char *path, bool verbose)
{
    struct node *n = vault_alloc(sizeof(*n)); /* the private key is in it */
    int rc;

    if (n == NULL)
        return complain("node", ENOMEM) != 0;
    n->config = config;
    n->path = path;
    n->started = worker_clock();
    n->observe.key_log = n->event_fd = n->signal_fd = -1;
    allowedips_init(&n->allowed_ips);
    rc = make_workers(n);
    if (rc == 0)
        rc = bring_up(n, verbose);
    if (rc == 0)
        rc = run(n);
    if (take_down(n) != 0)
        rc = -1;
    free_workers(n);
    vault_free(n, sizeof(*n));
    return rc == 0 ? 0 : 1;
}
