/* SPDX-License-Identifier: BSD-3-Clause */
#include "far.h"

#include <stdlib.h>

#include <wgtcpd/transport/udp.h>
#include <wgtcpd/wire/udp.h>

#include "keys.h"

/* So many connect at a time: the listener counts those of one address that have said nothing. */
enum { CONNECT_AT_ONCE = 16, CONNECT_TURNS = 1000, SPARE_FLOWS = 64 };

static struct ip_addr
node_outer_address(void)
{
    return ip_addr_v4((const uint8_t[]){192, 0, 2, 1});
}

/* --- messages -----------------------------------------------------------------------------------
 */

/* A packet with a sealed message of len bytes of plaintext: the ledger's packet i, or nothing. */
static struct rte_mbuf *
sealed(struct far *f, uint32_t peer, unsigned i, size_t len)
{
    size_t padded = message_padded_len(len, NODE_INNER_MTU);
    struct rte_mbuf *m = rte_pktmbuf_alloc(f->outer.pool);
    uint8_t *message;

    if (m == NULL)
        bench_die("no packet buffer left at the far end");
    message = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)(padded + MESSAGE_DATA_OVERHEAD));
    if (len > 0) {
        ledger_write(f->ledger, i, message + MESSAGE_DATA_HEADER_LEN);
        memset(message + MESSAGE_DATA_HEADER_LEN + len, 0, padded - len);
    }
    keys_seal(peer, f->counters[peer]++, message, padded);
    return m;
}

static void
take_message(struct far *f, uint8_t *message, size_t len)
{
    uint32_t peer = keys_open(message, len);

    if (len > MESSAGE_DATA_OVERHEAD)
        ledger_take(f->ledger, message + MESSAGE_DATA_HEADER_LEN, len - MESSAGE_DATA_OVERHEAD,
                    peer);
}

/* --- packets ------------------------------------------------------------------------------------
 */

/* Whoever sends keeps the packet until it is acknowledged: what is on the wire is a copy. */
static void
to_node(void *ctx, struct rte_mbuf *packet)
{
    struct far *f = ctx;
    size_t len = rte_pktmbuf_data_len(packet);
    struct rte_mbuf *m;

    memcpy(node_frame(f->node, NODE_OUTER, len, &m), rte_pktmbuf_mtod(packet, uint8_t *), len);
    rte_pktmbuf_free(packet);
    node_give(f->node, NODE_OUTER, &m, 1);
}

static struct rte_mbuf *
off_the_wire(struct far *f, struct rte_mbuf *m)
{
    struct rte_mbuf *copy = rte_pktmbuf_copy(m, f->outer.pool, 0, UINT32_MAX);

    if (copy == NULL)
        bench_die("no packet buffer left at the far end");
    rte_pktmbuf_free(m);
    return copy;
}

static void
take_udp(struct far *f, const struct ip_header *ip, struct rte_mbuf *m)
{
    struct udp_header udp;

    if (udp_parse(ip, rte_pktmbuf_mtod_offset(m, uint8_t *, ip->header_len),
                  !f->node->config.offload, &udp) != WGT_OK)
        bench_die("the node sent a bad datagram");
    take_message(f, udp.payload.data, udp.payload.len);
    rte_pktmbuf_free(m);
}

static void
take_packet(struct far *f, struct rte_mbuf *m)
{
    struct ip_header ip;

    if (ip_parse(rte_pktmbuf_mtod(m, const uint8_t *), rte_pktmbuf_data_len(m), true, &ip) !=
        WGT_OK)
        bench_die("the node sent a bad IP packet");
    if (ip.protocol == IP_PROTO_UDP)
        take_udp(f, &ip, m);
    else
        tcp_transport_rx(&f->tcp, f->node->now, &ip, m, !f->node->config.offload);
}

bool
far_turn(struct far *f)
{
    uint64_t given = rte_ring_count(f->node->ports->in[NODE_OUTER]);
    struct rte_mbuf *m;
    bool any = false;

    while ((m = node_take(f->node, NODE_OUTER)) != NULL) {
        any = true;
        take_packet(f, off_the_wire(f, m));
    }
    if (f->node->config.kind == TRANSPORT_TCP)
        tcp_transport_run(&f->tcp, f->node->now);
    return any || rte_ring_count(f->node->ports->in[NODE_OUTER]) != given;
}

static void
send_udp(struct far *f, uint32_t peer, struct rte_mbuf *m)
{
    struct path to = {
        .kind = TRANSPORT_UDP,
        .local = node_endpoint_of(peer),
        .remote = {node_outer_address(), NODE_LISTEN_PORT},
    };

    udp_transport_tx(&f->outer, &to, m, 0);
}

void
far_send(struct far *f)
{
    const struct ledger *l = f->ledger;

    for (unsigned i = 0; i < l->n; i++) {
        struct rte_mbuf *m = sealed(f, l->peer[i], i, l->len);

        if (f->node->config.kind == TRANSPORT_UDP)
            send_udp(f, l->peer[i], m);
        else
            tcp_flow_send(&f->tcp, f->node->now, f->flows[l->peer[i]], m, false);
    }
    if (f->node->config.kind == TRANSPORT_TCP)
        tcp_transport_run(&f->tcp, f->node->now);
}

/* --- connections --------------------------------------------------------------------------------
 */

static void
on_message(void *ctx, wgt_time now, const struct path *from, struct rte_mbuf *m)
{
    (void)now;
    (void)from;
    take_message(ctx, rte_pktmbuf_mtod(m, uint8_t *), rte_pktmbuf_pkt_len(m));
    rte_pktmbuf_free(m);
}

/* A keepalive, by which the node learns whose connection it is. */
static void
on_established(void *ctx, wgt_time now, struct tcp_flow *flow)
{
    struct far *f = ctx;
    uint32_t peer = *(const uint32_t *)flow->dialer;

    tcp_flow_send(&f->tcp, now, flow, sealed(f, peer, 0, 0), false);
    f->connected++;
}

static void
on_path_lost(void *ctx, wgt_time now, struct path_user *u, const struct tcp_flow *flow)
{
    (void)ctx;
    (void)now;
    (void)u;
    (void)flow;
}

static void
on_dial_ended(void *ctx, wgt_time now, void *dialer, struct tcp_flow *flow, enum tcp_end why)
{
    (void)ctx;
    (void)now;
    (void)flow;
    bench_die("the connection of peer %u ended: %d", *(const uint32_t *)dialer, (int)why);
}

static enum path_turn
on_writable(void *ctx, wgt_time now, struct path_user *u)
{
    (void)ctx;
    (void)now;
    (void)u;
    return PATH_DONE;
}

static void
exchange_until(struct far *f, uint32_t connected)
{
    for (unsigned i = 0; i < CONNECT_TURNS; i++) {
        bool any = node_turn(f->node) > 0;

        any = far_turn(f) || any;
        if (!any && f->connected >= connected)
            return;
        if (!any)
            node_wait(f->node, far_deadline(f));
    }
    bench_die("only %u of %u connections came about", f->connected, connected);
}

static void
connect_all(struct far *f)
{
    struct tcp_dial how = {.remote = {node_outer_address(), NODE_LISTEN_PORT}};
    uint32_t n = f->node->config.n_peers, *names = calloc(n, sizeof(*names));

    if (names == NULL)
        bench_die("no memory for %u connections", n);
    for (uint32_t i = 0; i < n; i++) {
        names[i] = i;
        how.dialer = &names[i];
        f->outer.locals[0].addr = node_endpoint_of(i).addr; /* each is somebody else */
        f->flows[i] = tcp_transport_dial(&f->tcp, f->node->now, &how);
        if (f->flows[i] == NULL)
            bench_die("peer %u cannot dial", i);
        if (i % CONNECT_AT_ONCE == CONNECT_AT_ONCE - 1 || i == n - 1)
            exchange_until(f, i + 1);
    }
    for (uint32_t i = 0; i < n; i++)
        f->flows[i]->dialer = NULL;
    free(names);
}

static void
start_tcp(struct far *f)
{
    uint32_t n = f->node->config.n_peers;
    struct tcp_transport_events events = {
        .ctx = f,
        .message = on_message,
        .established = on_established,
        .path_lost = on_path_lost,
        .dial_ended = on_dial_ended,
        .writable = on_writable,
    };
    struct tcp_transport_config config = {
        .listen_port = NODE_LISTEN_PORT,
        .max_flows = n + SPARE_FLOWS,
        .max_unauthenticated = SPARE_FLOWS,
        .max_message = 2048,
        .receive_buffer = 4 << 20,
        .congestion = tcp_cc_find("none"),
    };

    f->flows = calloc(n, sizeof(*f->flows));
    if (f->flows == NULL ||
        tcp_transport_init(&f->tcp, f->node->now, &f->outer, &events, &config) != 0)
        bench_die("no memory for %u connections", n);
    connect_all(f);
}

/* --- up and down --------------------------------------------------------------------------------
 */

void
far_start(struct far *f, struct bench_node *n, struct ledger *l)
{
    *f = (struct far){.node = n, .ledger = l};
    f->outer = (struct outer){
        .ctx = f,
        .tx = to_node,
        .entropy = worker_entropy,
        .pool = n->ports->pool,
        .n_locals = 1,
        .mtu = NODE_OUTER_MTU,
        .offload_udp = n->config.offload,
        .offload_tcp = n->config.offload,
        .drops = &f->drops,
    };
    f->counters = calloc(n->config.n_peers, sizeof(*f->counters));
    if (f->counters == NULL)
        bench_die("no memory for the far ends");
    if (n->config.kind == TRANSPORT_TCP)
        start_tcp(f);
    node_check(n);
    far_check(f);
}

void
far_stop(struct far *f)
{
    if (f->node->config.kind == TRANSPORT_TCP)
        tcp_transport_fini(&f->tcp);
    free(f->flows);
    free(f->counters);
}

wgt_time
far_deadline(const struct far *f)
{
    return f->node->config.kind == TRANSPORT_TCP ? tcp_transport_deadline(&f->tcp) : WGT_NEVER;
}

void
far_check(struct far *f)
{
    node_check_drops(&f->drops, "the far end");
}
