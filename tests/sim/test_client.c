/* SPDX-License-Identifier: BSD-3-Clause */
/* Node 0 and a client that does what no node does: several peers on one connection, several
 * connections for one peer, and silence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <wgtcpd/wire/tcp.h>

#include "client.h"
#include "sim.h"

#define S  WGT_SEC
#define MS WGT_MSEC

static struct node *const server = &pair.node[0];

static void
begin(uint64_t seed, const struct node_config *of_server)
{
    struct node_config config[2];

    pair_configure(config, TRANSPORT_TCP);
    config[0] = *of_server;
    pair_begin(seed, IP_V4, config, &client_end);
    client_start();
}

static struct node_config
listens(unsigned n_peers)
{
    return (struct node_config){.kind = TRANSPORT_TCP, .listen_tcp = true, .n_peers = n_peers};
}

static void
finish(void)
{
    client_stop();
    pair_finish();
}

static int
clean_up(void **state)
{
    if (pair.begun)
        client_stop();
    return pair_clean_up(state);
}

static struct tcp_flow *
connect_client(void)
{
    struct tcp_flow *f = client_dial();

    pair_run_for(10 * MS);
    assert_true(f->established);
    return f;
}

static void
get_session(unsigned key, struct tcp_flow *f)
{
    client_initiate(key, f);
    pair_run_for(10 * MS);
    assert_int_equal(client.key[key].responses, 1);
    assert_int_equal(server->peers[1 + key]->stats.handshakes, 1);
}

static void
offer_to(unsigned key, uint32_t number)
{
    uint8_t packet[PAIR_PACKET_LEN];

    pair_packet(packet, 0, 1 + key, IP_V4, 0, number, sizeof(packet));
    node_rx_inner(server, pair.now, packet, sizeof(packet));
}

static struct tcp_flow *
servers_flow(unsigned key)
{
    return tcp_flow_of(&server->peers[1 + key]->path.path);
}

/* --- two peers on one connection -----------------------------------------------------------------
 */

/* n each way for each key, in turn; numbers say whose they are. */
static void
exchange(struct tcp_flow *f, unsigned first_key, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        for (unsigned key = first_key; key < CLIENT_KEYS; key++) {
            client_data(key, f, 1000 * key + i);
            offer_to(key, 1000 * key + i);
        }
    node_settle(server, pair.now);
    pair_run_for(S);
    for (unsigned key = first_key; key < CLIENT_KEYS; key++) {
        assert_int_equal(client.key[key].n_heard, n);
        for (unsigned i = 0; i < n; i++)
            assert_int_equal(client.key[key].heard[i], 1000 * key + i);
        assert_ptr_equal(client.key[key].heard_on, f);
        client.key[key].n_heard = 0;
    }
    assert_int_equal(pair.out[0].n, n * (CLIENT_KEYS - first_key));
    pair.out[0].n = 0;
}

/* A relay may carry several peers in one connection: a message finds its session by its index. */
static void
two_peers_share_a_connection(void **state)
{
    struct node_config config = listens(2);
    struct tcp_flow *f;

    (void)state;
    begin(500, &config);
    f = connect_client();
    get_session(0, f);
    get_session(1, f);
    assert_int_equal(server->tunnel.tcp.n_flows, 1);
    assert_non_null(servers_flow(0));
    assert_ptr_equal(servers_flow(0), servers_flow(1));
    exchange(f, 0, 100);

    /* One goes: the connection stays the other's. */
    node_remove_peer(server);
    node_settle(server, pair.now);
    assert_true(server->peer_removed);
    client_data(0, f, 0);
    pair_run_for(30 * S);
    assert_int_equal(pair.out[0].n, 0);
    assert_int_equal(pair_drops(0, WGT_DROP_DATA_INDEX), 1);
    assert_true(tcp_flow_usable(f));
    exchange(f, 1, 100);
    finish();
}

static const char *
congestion_of(const struct tcp_flow *f)
{
    struct tcp_info info;

    tcp_info(&f->conn, &info);
    return info.cc;
}

/* Its algorithm, with all that it has learnt, is not made anew whenever another of them is heard.
 */
static void
the_first_peer_chooses_the_congestion_control_of_a_connection(void **state)
{
    struct node_config config = listens(2);
    struct tcp_flow *f;

    (void)state;
    begin(501, &config);
    server->peers[1]->congestion = &tcp_cc_cubic;
    server->peers[2]->congestion = &tcp_cc_none;
    f = connect_client();
    get_session(0, f);
    assert_string_equal(congestion_of(servers_flow(0)), "cubic");
    get_session(1, f);
    exchange(f, 0, 10);
    assert_ptr_equal(servers_flow(0), servers_flow(1));
    assert_string_equal(congestion_of(servers_flow(0)), "cubic");
    finish();
}

/* They take turns where there is not room for all. */
static void
two_peers_share_the_room_of_a_connection(void **state)
{
    struct node_config config = listens(2);
    unsigned half;
    struct tcp_flow *f;

    (void)state;
    begin(501, &config);
    f = connect_client();
    get_session(0, f);
    get_session(1, f);
    for (unsigned key = 0; key < CLIENT_KEYS; key++)
        for (unsigned i = 0; i < 200; i++)
            offer_to(key, i);
    node_settle(server, pair.now);
    while (client.key[0].n_heard + client.key[1].n_heard < 200)
        pair_run_for(MS / 4);
    half = (client.key[0].n_heard + client.key[1].n_heard) / 2;
    assert_in_range(client.key[0].n_heard, half - 20, half + 20);
    finish();
}

/* --- connections come and go ---------------------------------------------------------------------
 */

/* The only flow that the server has. */
static struct tcp_flow *
flow_in_place(void)
{
    const struct tcp_transport *t = &server->tunnel.tcp;

    for (uint32_t i = 0; i < t->config.max_flows; i++)
        if (t->flows[i].in_use)
            return &t->flows[i];
    return NULL;
}

/* The connection of an initiation is gone before it is answered, and another one has its place in
 * the table. The answer is nobody's. */
static void
a_path_does_not_lead_to_the_next_connection_in_its_place(void **state)
{
    struct node_config config = listens(2);
    struct tcp_flow *f, *place;

    (void)state;
    config.control_delay = S;
    begin(502, &config);
    f = connect_client();
    client_initiate(0, f);
    pair_run_for(10 * MS);
    assert_int_equal(server->tunnel.tcp.n_flows, 1);
    place = flow_in_place();
    client_reset(f);
    pair_run_for(10 * MS);
    assert_int_equal(server->tunnel.tcp.n_flows, 0);

    f = connect_client();
    client_initiate(1, f);
    pair_run_for(10 * MS);
    assert_int_equal(server->tunnel.tcp.n_flows, 1);
    assert_ptr_equal(flow_in_place(), place);
    pair_run_for(5 * S);
    assert_int_equal(client.key[0].responses, 0);
    assert_int_equal(client.key[1].responses, 1);
    assert_int_equal(pair_drops(0, WGT_DROP_CONNECTION_LOST), 1);
    assert_null(servers_flow(0));
    assert_ptr_equal(servers_flow(1), place);
    finish();
}

static uint16_t cut_port; /* of the client: nothing but SYN and RST passes */
static unsigned n_resets, n_fins;

static bool
cut(unsigned from, uint8_t *packet, size_t len)
{
    const uint8_t *tcp = packet + IPV4_HEADER_LEN;
    uint8_t flags = tcp[13];

    (void)len;
    if (from == 0) {
        n_resets += (flags & TCP_RST) != 0;
        n_fins += (flags & TCP_FIN) != 0;
    }
    return get_be16(tcp + (from == 0 ? 2 : 0)) != cut_port || (flags & (TCP_SYN | TCP_RST)) != 0;
}

static void
watch_wire(uint16_t port)
{
    cut_port = port;
    n_resets = n_fins = 0;
    pair.wire = cut;
}

/* What is unacknowledged on a connection that no bytes pass is of no use when the peer has come on
 * another. */
static void
a_dead_connection_is_reset_when_its_peer_has_another(void **state)
{
    struct node_config config = listens(1);
    struct tcp_flow *f;

    (void)state;
    begin(503, &config);
    f = connect_client();
    get_session(0, f);
    pair_run_for(S); /* all is acknowledged */
    watch_wire(f->path.local.port);
    for (unsigned i = 0; i < 3; i++)
        offer_to(0, i);
    node_settle(server, pair.now);
    pair_run_for(2 * S);
    assert_non_null(servers_flow(0));
    assert_true(tcp_flow_stalled(servers_flow(0)));
    f = connect_client();
    assert_int_equal(n_resets, 0);
    client_keepalive(0, f);
    pair_run_for(10 * MS);
    assert_int_equal(n_resets, 1);
    assert_int_equal(server->tunnel.tcp.n_flows, 1);
    offer_to(0, 3);
    node_settle(server, pair.now);
    pair_run_for(10 * MS);
    assert_ptr_equal(client.key[0].heard_on, f);
    finish();
}

/* One that works lingers: something may be under way on it. */
static void
a_live_connection_lingers_when_its_peer_has_another(void **state)
{
    struct node_config config = listens(1);
    struct tcp_flow *f, *g;

    (void)state;
    begin(504, &config);
    f = connect_client();
    get_session(0, f);
    watch_wire(0);
    g = connect_client();
    client_keepalive(0, g);
    pair_run_for(TCP_FLOW_LINGER - S);
    assert_int_equal(server->tunnel.tcp.n_flows, 2);
    client_data(0, f, 7); /* is heard, and changes nothing */
    pair_run_for(10 * MS);
    assert_int_equal(pair.out[0].n, 1);
    offer_to(0, 0);
    node_settle(server, pair.now);
    pair_run_for(10 * MS);
    assert_ptr_equal(client.key[0].heard_on, g);
    assert_int_equal(n_fins, 0);
    pair_run_for(2 * S);
    assert_int_equal(n_fins, 1);
    assert_int_equal(n_resets, 0);
    assert_int_equal(server->tunnel.tcp.n_flows, 1);
    finish();
}

/* TCP works, but nobody answers: who acknowledges may be a proxy that has lost the way. As often as
 * an answer is waited for (Linux's KEEPALIVE_TIMEOUT + REKEY_TIMEOUT) another connection is tried,
 * and none when the handshake is given up. */
static void
a_connection_without_answers_gives_way_to_another_until_the_handshake_is_given_up(void **state)
{
    struct node_config config = listens(1);

    (void)state;
    config.dials = true;
    begin(505, &config);
    client.mute = true;
    watch_wire(0);
    pair_offer(0, 0, 1);
    pair_run_for(14 * S);
    assert_int_equal(server->peer->stats.dials, 1);
    assert_int_equal(n_fins, 0);
    assert_non_null(servers_flow(0));
    pair_run_for(3 * S);
    assert_int_equal(server->peer->stats.dials, 2);
    assert_int_equal(n_fins, 1);
    pair_run_for(73 * S);
    assert_in_range(server->peer->stats.dials, 4, 6);
    assert_int_equal(pair_drops(0, WGT_DROP_STAGED_GAVE_UP), 0);
    pair_run_for(40 * S); /* to wait for a dial is no attempt */
    assert_int_equal(pair_drops(0, WGT_DROP_STAGED_GAVE_UP), 1);
    assert_int_equal(n_fins, server->peer->stats.dials);
    assert_int_equal(server->tunnel.tcp.n_flows, 0);
    assert_null(servers_flow(0));
    n_fins = (unsigned)server->peer->stats.dials;
    pair_run_for(60 * S);
    assert_int_equal(server->peer->stats.dials, n_fins);
    /* Something to say: the next one. */
    pair_offer(0, 1, 1);
    pair_run_for(S);
    assert_int_equal(server->peer->stats.dials, n_fins + 1);
    finish();
}

int
main(void)
{
#define T(name) cmocka_unit_test_teardown(name, clean_up)
    const struct CMUnitTest tests[] = {
        T(two_peers_share_a_connection),
        T(the_first_peer_chooses_the_congestion_control_of_a_connection),
        T(two_peers_share_the_room_of_a_connection),
        T(a_path_does_not_lead_to_the_next_connection_in_its_place),
        T(a_dead_connection_is_reset_when_its_peer_has_another),
        T(a_live_connection_lingers_when_its_peer_has_another),
        T(a_connection_without_answers_gives_way_to_another_until_the_handshake_is_given_up),
    };

    return cmocka_run_group_tests(tests, sim_group_setup, sim_group_teardown);
}
