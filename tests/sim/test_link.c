/* SPDX-License-Identifier: BSD-3-Clause */
/* A node whose interface goes down and comes up, and one whose way to its peer is no good any more.
 * Node 0 dials node 1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <wgtcpd/wire/tcp.h>
#include <wgtcpd/wire/udp.h>

#include "pair.h"
#include "sim.h"

#define S  WGT_SEC
#define MS WGT_MSEC

static struct node *const node = &pair.node[0];

/* --- words -------------------------------------------------------------------------------------
 */

static unsigned n_from[2], n_fins, n_resets;

static bool
count(unsigned from, uint8_t *packet, size_t len)
{
    (void)len;
    n_from[from]++;
    if (packet[9] == IP_PROTO_TCP) {
        n_fins += (packet[IPV4_HEADER_LEN + 13] & TCP_FIN) != 0;
        n_resets += (packet[IPV4_HEADER_LEN + 13] & TCP_RST) != 0;
    }
    return true;
}

static bool
lose_all(unsigned from, uint8_t *packet, size_t len)
{
    count(from, packet, len);
    return false;
}

static void
watch(bool (*wire)(unsigned from, uint8_t *packet, size_t len))
{
    n_from[0] = n_from[1] = n_fins = n_resets = 0;
    pair.wire = wire;
}

static void
set_link(unsigned which, bool up)
{
    assert_int_equal(handshaker_set_link(&pair.node[which].handshaker, up), 0);
    node_settle(&pair.node[which], pair.now);
}

/* A session, and a packet each way. */
static void
begin_with_session(uint64_t seed, enum transport_kind kind, uint16_t keepalive)
{
    struct node_config config[2];

    pair_configure(config, kind);
    config[0].keepalive = keepalive;
    pair_begin_with_session(seed, config);
    watch(count);
}

/* Packets offered now arrive at once. */
static void
expect_traffic(unsigned first)
{
    static uint32_t number = 1000;

    for (unsigned i = 0; i < 2; i++) {
        unsigned from = i == 0 ? first : 1 - first;

        pair_offer(from, ++number, 1);
        pair_run_for(100 * MS);
        assert_int_equal(pair.out[1 - from].n, 1);
        assert_int_equal(pair.out[1 - from].number[0], number);
        pair.out[1 - from].n = 0;
    }
}

/* --- down and up ---------------------------------------------------------------------------------
 */

/* Linux's wg_stop: keys are wiped, timers stopped, staged packets purged; with the session's end a
 * connection ends, too. */
static void
keys_and_timers(enum transport_kind kind)
{
    const struct handshaker_peer *hp;
    const struct noise_keypair *k;

    begin_with_session(600, kind, 25);
    k = node->peer->session.current;
    assert_non_null(k);
    assert_int_equal(handshaker_set_link(&node->handshaker, false), 0);
    tunnel_run(&node->tunnel, pair_clock(0));
    assert_true(noise_is_zero(&k->send, sizeof(k->send))); /* the handshaker has yet to free it */
    node_settle(node, pair.now);
    assert_null(node->peer->session.current);
    assert_null(node->peer->session.previous);
    assert_null(node->peer->session.next);
    assert_true(peer_timers_deadline(&node->peer->timers) == WGT_NEVER);
    hp = node->peer->handshaker_peer;
    assert_false(hp->has_index);
    assert_true(noise_is_zero(&hp->remote.handshake, sizeof(hp->remote.handshake)));
    pair_run_for(10 * MS);
    assert_int_equal(n_fins, kind == TRANSPORT_TCP ? 2 : 0);
    watch(count);
    pair_run_for(600 * S); /* not even a keepalive */
    assert_int_equal(n_from[0], 0);
    assert_int_equal(node->tunnel.tcp.n_flows, 0);
}

static void
an_interface_that_goes_down_wipes_keys_and_stops_timers(void **state)
{
    (void)state;
    pair_for_both(keys_and_timers);
}

static void
packets_that_wait(enum transport_kind kind)
{
    const struct handshaker_peer *hp;
    struct node_config config[2];

    pair_configure(config, kind);
    pair_begin(601, IP_V4, config, NULL);
    hp = node->peer->handshaker_peer;
    watch(lose_all);
    pair_offer(0, 0, 5);
    pair_run_to(S);
    assert_int_equal(node->peer->staged.count, 5);
    assert_true(kind == TRANSPORT_TCP || hp->has_index);
    set_link(0, false);
    assert_false(hp->has_index);
    assert_true(noise_is_zero(&hp->remote.handshake, sizeof(hp->remote.handshake)));
    assert_int_equal(node->peer->staged.count, 0);
    assert_int_equal(pair_drops(0, WGT_DROP_LINK_DOWN), 5);
    pair_offer(0, 5, 1); /* on its way when the link went */
    assert_int_equal(pair_drops(0, WGT_DROP_LINK_DOWN), 6);
    watch(count);
    pair_run_to(120 * S);
    assert_int_equal(n_from[0], 0); /* the handshake is not tried again */
    set_link(0, true);
    expect_traffic(0);
}

static void
an_interface_that_goes_down_drops_what_is_staged(void **state)
{
    (void)state;
    pair_for_both(packets_that_wait);
}

/* Sockets are closed: nobody is answered, and a TCP port is as closed as any other. */
static void
nobody_gets_in(enum transport_kind kind)
{
    begin_with_session(602, kind, 0);
    set_link(1, false);
    pair_run_for(S);
    watch(count);
    pair_offer(0, 0, 1);
    pair_run_for(60 * S);
    assert_int_equal(pair.out[1].n, 0);
    assert_true(n_from[0] > 0);
    if (kind == TRANSPORT_UDP) {
        assert_int_equal(n_from[1], 0);
        assert_true(pair_drops(1, WGT_DROP_LINK_DOWN) > 0);
    } else {
        assert_int_equal(n_from[1], n_resets);
    }
    set_link(1, true);
    pair_run_for(100 * S); /* dials have backed off */
    pair.out[1].n = 0;
    expect_traffic(0);
}

static void
an_interface_that_is_down_answers_nobody(void **state)
{
    (void)state;
    pair_for_both(nobody_gets_in);
}

/* Linux's wg_open: the stamp of the last initiation is gone, and who has a persistent keepalive
 * sends one, which makes a session. */
static void
at_once(enum transport_kind kind)
{
    unsigned handshakes;

    begin_with_session(603, kind, 25);
    set_link(0, false);
    pair_run_for(10 * MS);
    handshakes = node->peer->stats.handshakes;
    set_link(0, true);
    pair_run_for(100 * MS);
    assert_int_equal(node->peer->stats.handshakes, handshakes + 1);
    expect_traffic(1);
}

static void
an_interface_that_comes_up_sends_persistent_keepalives(void **state)
{
    (void)state;
    pair_for_both(at_once);
}

static void
silently(enum transport_kind kind)
{
    begin_with_session(604, kind, 0);
    pair_run_for(20 * S); /* nobody waits for an answer */
    set_link(0, false);
    pair_run_for(S);
    watch(count);
    set_link(0, true);
    pair_run_for(60 * S);
    assert_int_equal(n_from[0], 0);
    expect_traffic(0); /* the first packet makes a session; no 5 s are to be waited for */
}

static void
an_interface_that_comes_up_is_silent_without_persistent_keepalives(void **state)
{
    (void)state;
    pair_for_both(silently);
}

/* A peer and a keepalive that are set meanwhile hold from the moment when it comes up. */
static void
set_while_down(enum transport_kind kind)
{
    struct change_peer *p;
    struct change c;

    begin_with_session(605, kind, 0);
    set_link(0, false);
    pair_run_for(S);
    watch(count);
    change_init(&c);
    p = change_add_peer(&c, pair.node[1].public_key);
    assert_non_null(p);
    p->has_keepalive = true;
    p->keepalive = 10;
    node_change(node, &c, NULL);
    change_free(&c);
    node_settle(node, pair.now);
    assert_true(peer_timers_deadline(&node->peer->timers) == WGT_NEVER);
    pair_run_for(60 * S);
    assert_int_equal(n_from[0], 0);
    set_link(0, true);
    pair_run_for(100 * MS);
    assert_int_equal(node->peer->stats.handshakes, 2);
}

static void
what_is_set_while_the_interface_is_down_waits_for_it(void **state)
{
    (void)state;
    pair_for_both(set_while_down);
}

/* A handshake message that was in the queue when the interface went down begins nothing. */
static void
a_handshake_in_the_queue_ends_with_the_interface(void **state)
{
    struct node_config config[2];

    (void)state;
    pair_configure(config, TRANSPORT_UDP);
    config[1].control_delay = S;
    pair_begin(606, IP_V4, config, NULL);
    pair_offer(0, 0, 1);
    pair_run_to(500 * MS); /* node 1 has the initiation and has not looked at it */
    watch(count);
    set_link(1, false);
    pair_run_to(4 * S);
    assert_int_equal(n_from[1], 0);
    assert_int_equal(pair.node[1].handshaker.drops.n[WGT_DROP_LINK_DOWN], 1);
    assert_null(pair.node[1].peer->session.next);
    set_link(1, true);
    pair_run_to(20 * S);
    assert_int_equal(pair.out[1].n, 1);
    pair_finish();
}

/* --- another way ---------------------------------------------------------------------------------
 */

/* Linux's wg_socket_clear_peer_endpoint_src, called by T1 and T3: replies leave from the address at
 * which the peer was heard last; when nothing comes back, the source is looked up anew. */
static void
a_source_without_answers_is_looked_up_anew(void **state)
{
    const struct ip_endpoint *local;
    struct ip_addr right;

    (void)state;
    begin_with_session(610, TRANSPORT_UDP, 0);
    local = &node->peer->path.path.local;
    right = local->addr;
    node->peer->path.path.local.addr = node_address(3, IP_V4); /* one that is no good any more */
    watch(lose_all);
    pair_offer(0, 0, 1);
    pair_run_for(14 * S);
    assert_false(ip_addr_equal(&local->addr, &right));
    pair_run_for(2 * S); /* T3 */
    assert_true(ip_addr_equal(&local->addr, &right));
    node->peer->path.path.local.addr = node_address(3, IP_V4);
    pair_run_for(6 * S); /* T1 */
    assert_true(ip_addr_equal(&local->addr, &right));
    assert_int_equal(local->port, NODE_PORT);
    pair_finish();
}

/* A connection has its source for life: it gives way to a new dial (test_client.c), but not while
 * messages of the peer come on it, as when only its handshakes take long. */
static void
a_connection_with_answers_stays(void **state)
{
    (void)state;
    begin_with_session(611, TRANSPORT_TCP, 0);
    pair_run_to(119 * S);
    pair.node[1].config.control_delay = 1000 * S;
    for (unsigned i = 0; i < 50; i++) {
        pair_offer(1, i, 1);
        pair_run_for(S);
    }
    assert_true(node->handshaker.initiations_sent >= 8); /* T1 has come */
    assert_int_equal(node->handshaker.responses_received, 1);
    assert_int_equal(pair.out[0].n, 50);
    assert_int_equal(node->peer->stats.dials, 1);
    pair_finish();
}

int
main(void)
{
#define T(name) cmocka_unit_test_teardown(name, pair_clean_up)
    const struct CMUnitTest tests[] = {
        T(an_interface_that_goes_down_wipes_keys_and_stops_timers),
        T(an_interface_that_goes_down_drops_what_is_staged),
        T(an_interface_that_is_down_answers_nobody),
        T(an_interface_that_comes_up_sends_persistent_keepalives),
        T(an_interface_that_comes_up_is_silent_without_persistent_keepalives),
        T(what_is_set_while_the_interface_is_down_waits_for_it),
        T(a_handshake_in_the_queue_ends_with_the_interface),
        T(a_source_without_answers_is_looked_up_anew),
        T(a_connection_with_answers_stays),
    };

    return cmocka_run_group_tests(tests, sim_group_setup, sim_group_teardown);
}
