/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One server and three clients, who each dial it, over a network of 10 ms each way:
 *
 *     node 1 ---.
 *     node 2 --- node 0
 *     node 3 ---'
 *
 * Every 20 ms each client sends the server an inner packet and the server one to each client.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <rte_mempool.h>

#include <wgtcpd/wire/udp.h>

#include "sim.h"

#define DELAY    (10 * WGT_MSEC)
#define INTERVAL (20 * WGT_MSEC)

enum { NODES = 4, PORT = 7, LEN = 200, NUMBERS = 1 << 14 };

struct flying {
    wgt_time due;
    unsigned from;
    size_t len;
    struct flying *next;
    uint8_t bytes[];
};

/* Packets of one direction between the server and a client. */
struct stream {
    unsigned offered, delivered;
    bool seen[NUMBERS];
    wgt_time last;
};

static struct star {
    struct node node[NODES];
    struct node_shared_config shared;
    wgt_time now, tick;
    struct flying *first, **last;
    struct stream stream[NODES][NODES]; /* from, to */
    unsigned spoofs;                    /* client that sends with another's address; 0: none */
    uint8_t initiation[256];            /* the first that left node 1, to be replayed */
    size_t initiation_len;
    unsigned too_big[NODES]; /* answers to the server's packets, by the client they were for */
    unsigned flood;          /* so many of it arrive at the server each tick */
    bool begun;
    const char *failure;
} star;

/* --- the world -----------------------------------------------------------------------------------
 */

static void
on_outer(void *ctx, unsigned node, const uint8_t *packet, size_t len)
{
    struct flying *f = malloc(sizeof(*f) + len);

    (void)ctx;
    assert_non_null(f);
    if (node == 1 && star.initiation_len == 0 && len <= sizeof(star.initiation) &&
        packet[IPV4_HEADER_LEN + UDP_HEADER_LEN] == MESSAGE_INITIATION) {
        memcpy(star.initiation, packet, len);
        star.initiation_len = len;
    }
    *f = (struct flying){.due = star.now + DELAY, .from = node, .len = len};
    memcpy(f->bytes, packet, len);
    *star.last = f;
    star.last = &f->next;
}

static void
on_broken(void *ctx, unsigned node, const char *what)
{
    (void)ctx;
    (void)node;
    if (star.failure == NULL)
        star.failure = what;
}

static void
on_inner(void *ctx, unsigned node, const uint8_t *packet, size_t len)
{
    unsigned from = packet[15] - 1u, number;
    struct stream *s;

    (void)len;
    if (from < NODES && node == 0 && packet[9] == IP_PROTO_ICMP) {
        /* Code 4: fragmentation needed. Others tell of peers without an endpoint. */
        star.too_big[from] += packet[IPV4_HEADER_LEN + 1] == 4;
        return;
    }
    if (from >= NODES || packet[19] != 1 + node || (from != 0) == (node != 0)) {
        on_broken(ctx, node, "a packet came out where it does not belong");
        return;
    }
    s = &star.stream[from][node];
    number = (unsigned)get_le64(packet + IPV4_HEADER_LEN + UDP_HEADER_LEN);
    if (number >= s->offered || s->seen[number]) {
        on_broken(ctx, node, "a packet came out that was not offered, or twice");
        return;
    }
    s->seen[number] = true;
    s->delivered++;
    s->last = star.now;
}

static void
offer(unsigned node, unsigned from, unsigned to)
{
    struct stream *s = &star.stream[from][to];
    struct ip_header ip = {.src = traffic_address(from, IP_V4),
                           .dst = traffic_address(to, IP_V4),
                           .protocol = IP_PROTO_UDP,
                           .ttl = 64,
                           .payload_len = LEN - IPV4_HEADER_LEN};
    uint8_t packet[LEN] = {0};

    if (s->offered == NUMBERS)
        return;
    put_le64(packet + IPV4_HEADER_LEN + UDP_HEADER_LEN, s->offered);
    if (node == from)
        s->offered++;
    udp_write(packet + IPV4_HEADER_LEN, &ip.src, &ip.dst, PORT, PORT,
              LEN - IPV4_HEADER_LEN - UDP_HEADER_LEN, true);
    ip_write(packet, &ip);
    node_rx_inner(&star.node[node], star.now, packet, sizeof(packet));
}

static void
tick(void)
{
    star.tick += INTERVAL;
    for (unsigned i = 0; i < star.flood; i++)
        node_rx_outer(&star.node[0], star.now, star.initiation, star.initiation_len);
    for (unsigned i = 1; i < NODES; i++) {
        offer(i, i, 0);
        offer(0, 0, i);
        if (star.spoofs == i)
            offer(i, i % (NODES - 1) + 1, 0);
    }
    for (unsigned i = 0; i < NODES; i++)
        node_settle(&star.node[i], star.now);
}

static void
land(void)
{
    struct flying *f = star.first;
    struct ip_header ip;
    struct ip_addr address;

    star.first = f->next;
    if (star.first == NULL)
        star.last = &star.first;
    assert_int_equal(ip_parse(f->bytes, f->len, true, &ip), WGT_OK);
    for (unsigned i = 0; i < NODES; i++) {
        address = node_address(i, star.shared.family);
        if (!ip_addr_equal(&address, &ip.dst))
            continue;
        node_rx_outer(&star.node[i], star.now, f->bytes, f->len);
        node_settle(&star.node[i], star.now);
    }
    free(f);
}

static void
run_to(wgt_time until)
{
    while (star.failure == NULL) {
        wgt_time due = wgt_time_min(star.tick, star.first != NULL ? star.first->due : WGT_NEVER);

        for (unsigned i = 0; i < NODES; i++)
            due = wgt_time_min(due, node_deadline(&star.node[i]));
        if (due > until)
            break;
        star.now = due > star.now ? due : star.now;
        while (star.first != NULL && star.first->due <= star.now)
            land();
        if (star.tick <= star.now)
            tick();
        for (unsigned i = 0; i < NODES; i++)
            if (node_deadline(&star.node[i]) <= star.now)
                node_settle(&star.node[i], star.now);
    }
    if (star.failure != NULL)
        fail_msg("%s (at %.3f s)", star.failure, (double)star.now / 1e9);
    star.now = until;
}

/* config: of the four nodes. */
static void
begin(uint64_t seed, const struct node_config config[NODES])
{
    struct node_host host = {&star, on_outer, on_inner, on_broken};

    star = (struct star){
        .shared = {.seed = seed, .family = IP_V4, .psk = true, .mtu = 1392, .outer_mtu = 1500},
        .begun = true,
    };
    star.last = &star.first;
    for (unsigned i = 0; i < NODES; i++) {
        node_init(&star.node[i], i, &config[i], &star.shared, &host);
        node_start(&star.node[i], 0);
    }
}

static void
release(void)
{
    for (unsigned i = 0; i < NODES; i++)
        node_crash(&star.node[i]);
    while (star.first != NULL) {
        struct flying *f = star.first;

        star.first = f->next;
        free(f);
    }
    star.begun = false;
}

static void
finish(void)
{
    release();
    for (unsigned i = 0; i < NODES; i++)
        assert_null(node_leak(&star.node[i]));
}

static int
clean_up(void **state)
{
    (void)state;
    if (star.begun)
        release();
    return 0;
}

static void
configure(struct node_config config[NODES])
{
    for (unsigned i = 0; i < NODES; i++)
        config[i] = (struct node_config){.kind = i == 1 ? TRANSPORT_UDP : TRANSPORT_TCP,
                                         .dials = i != 0,
                                         .listen_udp = true,
                                         .listen_tcp = true,
                                         .n_peers = i == 0 ? NODES - 1 : 0};
}

/* All that was offered, but for the first packets (until there was a session) and those that are
 * still under way. */
static void
expect_exchange(unsigned client)
{
    const struct stream *up = &star.stream[client][0], *down = &star.stream[0][client];

    assert_true(up->offered > 100);
    assert_true(up->delivered + 4 >= up->offered);
    assert_true(down->delivered + 20 >= down->offered);
}

/* --- tests ---------------------------------------------------------------------------------------
 */

static void
clients_of_every_transport_share_a_server(void **state)
{
    struct node_config config[NODES];

    (void)state;
    configure(config);
    config[3].congestion = &tcp_cc_cubic;
    config[3].in_order = true;
    begin(201, config);
    run_to(20 * WGT_SEC);
    for (unsigned i = 1; i < NODES; i++)
        expect_exchange(i);
    assert_int_equal(star.node[0].peers[1]->path.path.kind, TRANSPORT_UDP);
    assert_int_equal(star.node[0].peers[2]->path.path.kind, TRANSPORT_TCP);
    finish();
}

static void
a_client_cannot_speak_with_anothers_address(void **state)
{
    struct node_config config[NODES];

    (void)state;
    configure(config);
    begin(202, config);
    star.spoofs = 2;
    run_to(10 * WGT_SEC);
    assert_true(star.node[0].tunnel.drops.n[WGT_DROP_INNER_SOURCE] > 100);
    for (unsigned i = 1; i < NODES; i++)
        expect_exchange(i);
    finish();
}

static void
a_client_with_another_psk_gets_no_session_and_disturbs_nobody(void **state)
{
    (void)state;
    for (unsigned wrong = 1; wrong <= 2; wrong++) {
        struct node_config config[NODES];

        configure(config);
        config[wrong].wrong_psk = true;
        begin(203, config);
        run_to(30 * WGT_SEC);
        for (unsigned i = 1; i < NODES; i++)
            if (i != wrong)
                expect_exchange(i);
        assert_int_equal(star.stream[wrong][0].delivered, 0);
        assert_int_equal(star.stream[0][wrong].delivered, 0);
        assert_int_equal(star.node[wrong].peer->stats.handshakes, 0);
        finish();
    }
}

/* The server gets no packet buffer for a second, then for another second one in a while. */
static void
an_exhausted_pool_is_survived(void **state)
{
    static struct rte_mbuf *taken[NODE_POOL];
    struct node_config config[NODES];
    struct node *server = &star.node[0];
    unsigned n = 0;

    (void)state;
    configure(config);
    begin(204, config);
    run_to(5 * WGT_SEC);
    server->starved = true;
    while (n < NODE_POOL && (taken[n] = rte_pktmbuf_alloc(server->pool)) != NULL)
        n++;
    assert_true(n > 1000);
    run_to(6 * WGT_SEC);
    for (unsigned i = 0; i < 100; i++) {
        rte_pktmbuf_free(taken[--n]);
        run_to(star.now + WGT_SEC / 100);
        while (i % 2 == 0 && n < NODE_POOL && (taken[n] = rte_pktmbuf_alloc(server->pool)) != NULL)
            n++;
    }
    rte_pktmbuf_free_bulk(taken, n);
    server->starved = false;
    run_to(20 * WGT_SEC);
    for (unsigned i = 1; i < NODES; i++) {
        assert_true(star.stream[i][0].last > 19 * WGT_SEC);
        assert_true(star.stream[0][i].last > 19 * WGT_SEC);
    }
    finish();
}

/* Nothing that needs the server's control thread is done within less than 3 s. */
static void
a_control_thread_that_is_seconds_late_is_survived(void **state)
{
    struct node_config config[NODES];

    (void)state;
    configure(config);
    config[0].control_delay = 3 * WGT_SEC;
    begin(205, config);
    run_to(40 * WGT_SEC);
    for (unsigned i = 1; i < NODES; i++) {
        assert_true(star.stream[i][0].last > 39 * WGT_SEC);
        assert_true(star.stream[0][i].last > 39 * WGT_SEC);
    }
    finish();
}

/* More initiations than strangers may put into the event ring, each with a good mac1 as replays
 * have, every 20 ms: rekeys after 120 s get through by cookies, and traffic doesn't notice. */
static void
handshakes_get_through_a_flood_by_cookies(void **state)
{
    struct node_config config[NODES];
    unsigned missing[NODES];

    (void)state;
    configure(config);
    config[0].control_delay = WGT_MSEC; /* 32 events each */
    begin(207, config);
    run_to(118 * WGT_SEC);
    for (unsigned i = 1; i < NODES; i++)
        missing[i] = star.stream[i][0].offered - star.stream[i][0].delivered;
    star.flood = TUNNEL_RING_SIZE / 4 * 3 + 10;
    run_to(132 * WGT_SEC);
    star.flood = 0;
    run_to(134 * WGT_SEC);
    assert_true(star.node[0].handshaker.cookies_sent > 100);
    assert_true(star.node[0].tunnel.drops.n[WGT_DROP_HANDSHAKE_QUEUE] > 100);
    assert_true(star.node[1].handshaker.cookies_received > 0);
    for (unsigned i = 1; i < NODES; i++) {
        assert_true(star.node[i].peer->stats.handshakes >= 2);
        assert_true(star.stream[i][0].offered - star.stream[i][0].delivered <= missing[i] + 4);
    }
    finish();
}

/* RFC 1812 4.3.2.8: answers are limited, for each peer. */
static void
packets_too_big_for_one_do_not_silence_answers_about_another(void **state)
{
    struct node_config config[NODES];
    uint8_t packet[1500] = {0};
    struct ip_header ip = {.src = traffic_address(0, IP_V4),
                           .protocol = IP_PROTO_UDP,
                           .ttl = 64,
                           .dont_fragment = true,
                           .payload_len = sizeof(packet) - IPV4_HEADER_LEN};

    (void)state;
    configure(config);
    begin(208, config);
    run_to(5 * WGT_SEC);
    for (unsigned i = 0; i < 1000; i++) {
        ip.dst = traffic_address(i < 999 ? 1 : 2, IP_V4);
        ip_write(packet, &ip);
        node_rx_inner(&star.node[0], star.now, packet, sizeof(packet));
    }
    node_settle(&star.node[0], star.now);
    assert_in_range(star.too_big[1], 20, 100);
    assert_int_equal(star.too_big[2], 1);
    finish();
}

static void
a_client_that_is_gone_disturbs_nobody(void **state)
{
    struct node_config config[NODES];

    (void)state;
    configure(config);
    begin(206, config);
    run_to(5 * WGT_SEC);
    node_crash(&star.node[2]);
    run_to(40 * WGT_SEC);
    expect_exchange(1);
    expect_exchange(3);
    node_start(&star.node[2], star.now);
    run_to(60 * WGT_SEC);
    assert_true(star.stream[2][0].last > 59 * WGT_SEC);
    assert_true(star.stream[0][2].last > 59 * WGT_SEC);
    finish();
}

int
main(void)
{
#define T(name) cmocka_unit_test_teardown(name, clean_up)
    const struct CMUnitTest tests[] = {
        T(clients_of_every_transport_share_a_server),
        T(a_client_cannot_speak_with_anothers_address),
        T(a_client_with_another_psk_gets_no_session_and_disturbs_nobody),
        T(an_exhausted_pool_is_survived),
        T(a_control_thread_that_is_seconds_late_is_survived),
        T(handshakes_get_through_a_flood_by_cookies),
        T(packets_too_big_for_one_do_not_silence_answers_about_another),
        T(a_client_that_is_gone_disturbs_nobody),
    };

    return cmocka_run_group_tests(tests, sim_group_setup, sim_group_teardown);
}
