/* SPDX-License-Identifier: BSD-3-Clause */
#include "sim.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_eal.h>

#include <wgtcpd/wire/checksum.h>

enum { IDLE_TURNS_MAX = 40000 };
/* Sealed bytes may wait in a connection for as long as it lives without progress. */
#define AGE_SLACK_TCP TCP_FLOW_PATIENCE

/* One lcore that floats over the CPUs we may use: "0@(0,1)". */
static void
lcores(char *out, size_t room)
{
    cpu_set_t cpus;
    size_t at = (size_t)snprintf(out, room, "--lcores=0@(");

    CPU_ZERO(&cpus);
    sched_getaffinity(0, sizeof(cpus), &cpus);
    for (int i = 0, any = 0; i < CPU_SETSIZE && at + 8 < room; i++)
        if (CPU_ISSET(i, &cpus))
            at += (size_t)snprintf(out + at, room - at, any++ ? ",%d" : "%d", i);
    snprintf(out + at, room - at, ")");
}

int
sim_setup(const char *program)
{
    char name[64], cores[512], error[128];
    char memory[] = "-m256", huge[] = "--no-huge", shconf[] = "--no-shconf", pci[] = "--no-pci";
    char telemetry[] = "--no-telemetry", level[] = "--log-level=critical";
    char *args[] = {name, huge, memory, shconf, pci, telemetry, level, cores};

    snprintf(name, sizeof(name), "%s", program);
    lcores(cores, sizeof(cores));
    if (rte_eal_init((int)(sizeof(args) / sizeof(args[0])), args) < 0) {
        fprintf(stderr, "cannot initialise the EAL\n");
        return -1;
    }
    if (noise_crypto_init(error, sizeof(error)) != 0) {
        fprintf(stderr, "%s\n", error);
        return -1;
    }
    if (node_resources_init() != 0) {
        fprintf(stderr, "cannot make packet pools\n");
        return -1;
    }
    return 0;
}

void
sim_teardown(void)
{
    rte_eal_cleanup();
}

int
sim_group_setup(void **state)
{
    (void)state;
    return sim_setup(program_invocation_name);
}

int
sim_group_teardown(void **state)
{
    (void)state;
    sim_teardown();
    return 0;
}

struct sim_config
sim_default(uint64_t seed)
{
    struct node_config node = {.kind = TRANSPORT_UDP, .listen_udp = true, .listen_tcp = true};
    struct sim_config c = {
        .shared = {.seed = seed, .family = IP_V4, .mtu = 1420, .outer_mtu = 1500},
        .node = {node, node},
        .network.link = {{.delay = 10 * WGT_MSEC}, {.delay = 10 * WGT_MSEC}},
        .duration = 60 * WGT_SEC,
    };

    c.node[0].dials = true;
    return c;
}

wgt_time
sim_last_fault(const struct sim_config *c)
{
    wgt_time last = network_last_fault(&c->network);

    for (unsigned i = 0; i < c->n_restarts; i++) {
        wgt_time end = c->restarts[i].at + c->restarts[i].down;

        last = end > last ? end : last;
    }
    return last;
}

void
sim_fail(struct sim *s, const char *what)
{
    if (s->failed)
        return;
    s->failed = true;
    snprintf(s->failure, sizeof(s->failure), "%s (at %.6f s)", what, (double)s->now / 1e9);
}

/* --- what the nodes tell -------------------------------------------------------------------------
 */

/* The newest message of the watch: was its key young enough? */
static void
check_key_age(struct sim *s, unsigned node)
{
    const struct watch_message *m = &s->watch.messages[s->watch.n_messages - 1];
    wgt_time birth, limit = PEER_REJECT_AFTER_TIME;

    if (m->type != MESSAGE_DATA || !node_key_birth(&s->node[node], m->receiver, &birth))
        return;
    if (m->kind == TRANSPORT_TCP)
        limit += AGE_SLACK_TCP;
    if (s->now - birth > limit)
        sim_fail(s, "age: a message left under a key that is too old");
}

static void
on_outer_tx(void *ctx, unsigned node, const uint8_t *packet, size_t len)
{
    struct sim *s = ctx;
    size_t before = s->watch.n_messages;
    const char *wrong = watch_packet(&s->watch, s->now, node, packet, len);

    if (wrong != NULL)
        sim_fail(s, wrong);
    else if (s->watch.n_messages > before)
        check_key_age(s, node);
    network_send(&s->network, s->now, node, packet, len);
}

enum { ICMP_HEADER_LEN = 8 };

/* The tunnel tells the host behind a node that its TCP packet was too big. */
static const char *
deliver_too_big(struct sim *s, unsigned node, const struct ip_header *ip, const uint8_t *icmp)
{
    const uint8_t *quoted = icmp + ICMP_HEADER_LEN, *upper;
    size_t mtu = get_be32(icmp + 4);
    struct ip_addr src;

    if (checksum_transport(&ip->src, &ip->dst, ip->protocol, icmp, ip->payload_len) != 0 &&
        ip->protocol == IP_PROTO_ICMPV6)
        return "an ICMP error with a wrong checksum came out";
    if (quoted[0] >> 4 == 4 ? icmp[0] != 3 || icmp[1] != 4 : icmp[0] != 2 || icmp[1] != 0)
        return "an ICMP message came out that is no \"too big\"";
    src = quoted[0] >> 4 == 4 ? ip_addr_v4(quoted + 12) : ip_addr_v6(quoted + 8);
    if (!ip_addr_equal(&src, &ip->dst))
        return "\"too big\" came out at somebody who did not send";
    upper = quoted + (quoted[0] >> 4 == 4 ? IPV4_HEADER_LEN : IPV6_HEADER_LEN);
    for (unsigned i = 0; i < SIM_BULKS; i++)
        if (inner_tcp_owns(&s->bulk[i], get_be16(upper), get_be16(upper + 2))) {
            inner_tcp_too_big(&s->bulk[i], node, mtu);
            return NULL;
        }
    return "\"too big\" came out about a packet that nobody sent";
}

/* There was no way to the packet's destination: nobody here cares. */
static bool
is_unreachable(const struct ip_header *ip, const uint8_t *icmp)
{
    return ip->protocol == IP_PROTO_ICMP ? icmp[0] == 3 && icmp[1] == 1
                                         : icmp[0] == 1 && icmp[1] == 3;
}

/* Whose packet it is, is told by its ports; what nobody owns is an altered one of the traffic. */
static const char *
deliver(struct sim *s, unsigned node, const uint8_t *packet, size_t len)
{
    struct ip_header ip;
    const uint8_t *upper;
    uint16_t src_port, dst_port;

    if (ip_parse(packet, len, true, &ip) == WGT_OK && ip.header_len + ip.payload_len == len &&
        ip.payload_len >= 4) {
        upper = packet + ip.header_len;
        if ((ip.protocol == IP_PROTO_ICMP || ip.protocol == IP_PROTO_ICMPV6) &&
            ip.payload_len >= ICMP_HEADER_LEN + IPV6_HEADER_LEN)
            return is_unreachable(&ip, upper) ? NULL : deliver_too_big(s, node, &ip, upper);
        src_port = get_be16(upper);
        dst_port = get_be16(upper + 2);
        for (unsigned i = 0; i < SIM_BULKS && ip.protocol == IP_PROTO_TCP; i++)
            if (inner_tcp_owns(&s->bulk[i], src_port, dst_port))
                return inner_tcp_deliver(&s->bulk[i], s->now, node, &ip, packet);
        if (ip.protocol == IP_PROTO_UDP && dst_port >= PROBE_PORT &&
            dst_port < PROBE_PORT + SIM_PROBES)
            return probe_deliver(&s->probe[dst_port - PROBE_PORT], s->now, node, &ip, packet);
    }
    return traffic_deliver(&s->traffic[1 - node], s->now, packet, len);
}

static void
on_inner_tx(void *ctx, unsigned node, const uint8_t *packet, size_t len)
{
    struct sim *s = ctx;
    const char *wrong;
    char what[SIM_FAILURE_LEN];

    if (traffic_refused(&s->traffic[node], packet, len))
        return;
    wrong = deliver(s, node, packet, len);
    if (wrong != NULL) {
        snprintf(what, sizeof(what), "delivery: %s", wrong);
        sim_fail(s, what);
    }
}

static void
on_broken(void *ctx, unsigned node, const char *what)
{
    (void)node;
    sim_fail(ctx, what);
}

/* --- time --------------------------------------------------------------------------------------
 */

void
sim_init(struct sim *s, const struct sim_config *config)
{
    struct node_host host = {s, on_outer_tx, on_inner_tx, on_broken};

    *s = (struct sim){
        .config = *config, .on_failure = s->on_failure, .restart_at = {WGT_NEVER, WGT_NEVER}};
    s->config.network.seed = config->shared.seed;
    s->config.network.mtu = config->shared.outer_mtu;
    s->config.network.private = node_address(0, config->shared.family);
    network_init(&s->network, &s->config.network);
    for (unsigned i = 0; i < 2; i++) {
        traffic_init(&s->traffic[i], config->shared.seed, i, config->shared.mtu,
                     config->traffic[i]);
        node_init(&s->node[i], i, &config->node[i], &config->shared, &host);
    }
    for (unsigned i = 0; i < SIM_BULKS; i++)
        inner_tcp_init(&s->bulk[i], i, &config->bulks[i], config->shared.mtu);
    for (unsigned i = 0; i < SIM_PROBES; i++)
        probe_init(&s->probe[i], i, &config->probes[i]);
    for (unsigned i = 0; i < 2; i++)
        node_start(&s->node[i], s->now);
}

static wgt_time
next_event(const struct sim *s)
{
    wgt_time due = network_deadline(&s->network);

    for (unsigned i = 0; i < 2; i++) {
        due = wgt_time_min(due, traffic_deadline(&s->traffic[i]));
        due = wgt_time_min(due, node_deadline(&s->node[i]));
        due = wgt_time_min(due, s->restart_at[i]);
    }
    for (unsigned i = 0; i < SIM_BULKS; i++)
        due = wgt_time_min(due, inner_tcp_deadline(&s->bulk[i]));
    for (unsigned i = 0; i < SIM_PROBES; i++)
        due = wgt_time_min(due, probe_deadline(&s->probe[i]));
    if (s->next_restart < s->config.n_restarts)
        due = wgt_time_min(due, s->config.restarts[s->next_restart].at);
    return due;
}

static void
run_restarts(struct sim *s)
{
    if (s->next_restart < s->config.n_restarts &&
        s->config.restarts[s->next_restart].at <= s->now) {
        const struct sim_restart *r = &s->config.restarts[s->next_restart++];

        node_crash(&s->node[r->node]);
        if (r->reconfigure)
            s->node[r->node].config = r->config;
        s->restart_at[r->node] = s->now + r->down;
    }
    for (unsigned i = 0; i < 2; i++) {
        if (s->restart_at[i] <= s->now) {
            s->restart_at[i] = WGT_NEVER;
            node_start(&s->node[i], s->now);
        }
    }
}

/* The next packet that a host behind the node sends now. */
static size_t
offer(struct sim *s, unsigned node, uint8_t *packet)
{
    size_t len = traffic_offer(&s->traffic[node], s->now, packet);

    for (unsigned i = 0; i < SIM_PROBES && len == 0; i++)
        len = probe_offer(&s->probe[i], s->now, node, packet);
    for (unsigned i = 0; i < SIM_BULKS && len == 0; i++)
        len = inner_tcp_offer(&s->bulk[i], s->now, node, packet);
    return len;
}

static bool
run_traffic(struct sim *s, unsigned node)
{
    uint8_t packet[TRAFFIC_PACKET_MAX];
    bool any = false;
    size_t len;

    while ((len = offer(s, node, packet)) > 0) {
        node_rx_inner(&s->node[node], s->now, packet, len);
        any = true;
    }
    return any;
}

static void
run_network(struct sim *s, bool input[2])
{
    struct network_packet *p;

    network_run(&s->network, s->now);
    while ((p = network_receive(&s->network, s->now)) != NULL) {
        node_rx_outer(&s->node[1 - p->direction], s->now, p->bytes, p->len);
        input[1 - p->direction] = true;
        free(p);
    }
}

/* Turns that no packet caused and that send none are few: timers fire, and the wheel looks for
 * them. */
static void
count_idle_turns(struct sim *s, uint64_t turns)
{
    if (s->now / WGT_SEC != s->second) {
        s->second = s->now / WGT_SEC;
        s->idle_turns = 0;
    }
    s->idle_turns += turns;
    if (s->idle_turns > s->idle_turns_max)
        s->idle_turns_max = s->idle_turns;
    if (s->idle_turns > IDLE_TURNS_MAX)
        sim_fail(s, "live-lock: too many turns without input in one second");
}

static void
step(struct sim *s)
{
    bool input[2] = {false, false};

    run_restarts(s);
    run_network(s, input);
    for (unsigned i = 0; i < 2; i++) {
        struct node *n = &s->node[i];
        uint64_t turns = n->turns;

        input[i] |= run_traffic(s, i);
        if (!input[i] && node_deadline(n) > s->now)
            continue;
        node_settle(n, s->now);
        if (!input[i] && n->sent_in_turn == 0)
            count_idle_turns(s, n->turns - turns);
    }
}

bool
sim_run(struct sim *s, wgt_time until)
{
    while (!s->failed) {
        wgt_time due = next_event(s);

        if (due > until)
            break;
        if (due > s->now)
            s->now = due;
        step(s);
    }
    if (s->now < until)
        s->now = until;
    return !s->failed;
}

/* --- the end -----------------------------------------------------------------------------------
 */

static void
fail_loss(struct sim *s, unsigned node, wgt_time from, wgt_time until)
{
    const struct traffic *t = &s->traffic[node];
    char what[SIM_FAILURE_LEN];
    size_t i = 0;

    while (traffic_missing(t, from, t->records[i].offered + 1, true) == 0)
        i++;
    snprintf(what, sizeof(what),
             "loss: %zu packets from node %u are missing, one offered at %.6f s",
             traffic_missing(t, from, until, true), node, (double)t->records[i].offered / 1e9);
    sim_fail(s, what);
}

static void
check_recovery(struct sim *s)
{
    wgt_time good = sim_last_fault(&s->config) + SIM_RECOVERY;
    /* What was offered last may still be under way. */
    wgt_time end = s->config.duration > 5 * WGT_SEC ? s->config.duration - 5 * WGT_SEC : 0;

    for (unsigned i = 0; i < 2 && !s->failed && end > good; i++) {
        if (traffic_offered(&s->traffic[i], good - SIM_RECOVERY, end) > 0 &&
            traffic_delivered(&s->traffic[i], good - SIM_RECOVERY, good) == 0)
            sim_fail(s, i == 0 ? "recovery: nothing passes from node 0 to node 1"
                               : "recovery: nothing passes from node 1 to node 0");
        else if (traffic_missing(&s->traffic[i], good, end, true) > 0)
            fail_loss(s, i, good, end);
    }
}

static void
check_transfers(struct sim *s)
{
    char what[SIM_FAILURE_LEN];

    for (unsigned i = 0; i < SIM_BULKS; i++) {
        const struct inner_tcp *t = &s->bulk[i];

        if (!t->config.must_be_complete || t->complete_at != WGT_NEVER)
            continue;
        snprintf(what, sizeof(what), "transfer: %llu of %llu bytes came out of connection %u",
                 (unsigned long long)inner_tcp_received(t), (unsigned long long)t->config.bytes, i);
        sim_fail(s, what);
    }
}

static unsigned
live_flows_of(const struct tcp_transport *t)
{
    unsigned live = 0;

    for (uint32_t i = 0; i < t->config.max_flows; i++)
        live += t->flows[i].in_use && tcp_state(&t->flows[i].conn) == TCP_ESTABLISHED;
    return live;
}

static unsigned
live_flows(const struct node *n)
{
    unsigned live = 0;

    for (unsigned i = 0; i < n->shards.n; i++)
        live += live_flows_of(&n->shards.of[i]->tcp);
    return live;
}

static bool
holds_records(const struct node *n)
{
    for (unsigned i = 0; i < n->shards.n; i++) {
        const struct tcp_memory *m = &n->shards.of[i]->tcp.memory;

        if (m->n_free != m->n || m->n_busy != 0)
            return true;
    }
    return false;
}

static void
end_properly(struct sim *s)
{
    struct node *n = &s->node[s->config.ending_node];
    bool stop = s->config.ending == SIM_END_STOP;
    wgt_time begin = s->now;
    size_t fins = watch_count_flags(&s->watch, n->id, TCP_FIN, 0, WGT_NEVER);
    unsigned live = live_flows(n);

    if (stop)
        node_stop(n);
    else
        node_remove_peer(n);
    node_settle(n, s->now);
    while (!s->failed && s->now < begin + SIM_PATIENCE && !(stop ? n->stopped : n->peer_removed))
        sim_run(s, s->now + WGT_SEC / 10);
    if (!(stop ? n->stopped : n->peer_removed))
        sim_fail(s, stop ? "stop: the tunnel does not stop" : "removal: it is never told");
    if (stop && holds_records(n))
        sim_fail(s, "leak: closed connections hold records");
    /* The other node may go on asking, in vain. */
    sim_run(s, s->now + 10 * WGT_SEC);
    if (watch_count_flags(&s->watch, n->id, TCP_FIN, 0, WGT_NEVER) < fins + live)
        sim_fail(s, stop ? "stop: a connection ended without FIN"
                         : "removal: a connection ended without FIN");
}

bool
sim_finish(struct sim *s)
{
    const char *leak;

    check_recovery(s);
    check_transfers(s);
    if (s->failed && s->on_failure != NULL)
        s->on_failure(s);
    if (!s->failed && s->config.ending != SIM_END_ABRUPTLY)
        end_properly(s);
    for (unsigned i = 0; i < 2; i++)
        node_crash(&s->node[i]);
    for (unsigned i = 0; i < 2; i++) {
        leak = node_leak(&s->node[i]);
        if (leak != NULL)
            sim_fail(s, leak);
        traffic_fini(&s->traffic[i]);
    }
    for (unsigned i = 0; i < SIM_BULKS; i++)
        inner_tcp_fini(&s->bulk[i]);
    for (unsigned i = 0; i < SIM_PROBES; i++)
        probe_fini(&s->probe[i]);
    network_fini(&s->network);
    watch_fini(&s->watch);
    return !s->failed;
}

bool
sim_play(struct sim *s, const struct sim_config *config)
{
    sim_init(s, config);
    sim_run(s, config->duration);
    return sim_finish(s);
}
