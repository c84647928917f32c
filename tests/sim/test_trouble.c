/* SPDX-License-Identifier: BSD-3-Clause */
/* What a peer's counters of trouble say after each of the usual mistakes. Node 0 dials node 1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <wgtcpd/wire/udp.h>

#include "pair.h"
#include "sim.h"
#include "traffic.h"

#define S WGT_SEC

static const struct node_config *
config_of(enum transport_kind kind)
{
    static struct node_config config[2];

    pair_configure(config, kind);
    return config;
}

static uint32_t
trouble(unsigned node, enum peer_trouble what)
{
    const struct peer_history *h = pair.node[node].peer->history;

    return h != NULL ? h->trouble[what].n : 0;
}

static struct handshaker_peer *
handshaker_peer(unsigned node)
{
    return pair.node[node].peer->handshaker_peer;
}

static uint32_t
handshake_trouble(unsigned node, enum handshake_trouble what)
{
    return handshaker_peer(node)->trouble[what].n;
}

static void
begin(uint64_t seed, enum transport_kind kind)
{
    pair_begin(seed, IP_V4, config_of(kind), NULL);
}

static void
offer(unsigned node, unsigned from, unsigned to, uint8_t family, size_t len)
{
    uint8_t packet[NODE_MESSAGE_MAX];

    pair_packet(packet, from, to, family, 0, 0, len);
    node_rx_inner(&pair.node[node], pair.now, packet, len);
    node_settle(&pair.node[node], pair.now);
}

static void
nothing_is_noted_of_a_good_session(void **state)
{
    (void)state;
    for (enum transport_kind kind = TRANSPORT_UDP; kind <= TRANSPORT_TCP; kind++) {
        begin(500, kind);
        pair_offer(0, 0, 10);
        pair_run_to(S);
        pair_offer(1, 0, 10);
        pair_run_to(400 * S);
        pair_offer(0, 10, 10);
        pair_run_to(800 * S);
        for (unsigned node = 0; node < 2; node++) {
            for (unsigned i = 0; i < PEER_TROUBLE_COUNT; i++)
                assert_int_equal(trouble(node, i), 0);
            for (unsigned i = 0; i < HANDSHAKE_TROUBLE_COUNT; i++)
                assert_int_equal(handshake_trouble(node, i), 0);
            assert_int_equal(pair.node[node].tunnel.strangers.of[0].why, WGT_OK);
            assert_int_equal(pair.node[node].handshaker.strangers.of[0].why, WGT_OK);
            assert_int_equal(pair.node[node].tunnel.unrouted.n, 0);
        }
        assert_true(handshaker_peer(0)->initiations_sent > 1);
        assert_int_equal(handshaker_peer(0)->responses_received,
                         handshaker_peer(1)->initiations_received);
        pair_finish();
    }
}

/* It costs memory, and of many peers most are never heard of. */
static void
a_history_begins_with_the_first_trouble(void **state)
{
    (void)state;
    begin(520, TRANSPORT_UDP);
    pair_run_to(S);
    assert_null(pair.node[0].peer->history);
    pair.wire = pair_nothing_passes;
    pair_offer(0, 0, 1);
    pair_run_to(2 * S);
    assert_non_null(pair.node[0].peer->history);
    assert_int_equal(trouble(0, PEER_TROUBLE_UNANSWERED), 1);
    assert_null(pair.node[1].peer->history);
    pair_finish();
}

/* Not even the note that asks for one gets through: the next trouble asks again. */
static void
a_history_is_asked_for_again_when_there_was_no_room(void **state)
{
    (void)state;
    begin(521, TRANSPORT_UDP);
    pair.wire = pair_nothing_passes;
    pair.node[0].peer->history_asked = true; /* and what was asked got lost */
    pair_offer(0, 0, 1);
    pair_run_to(19 * S);
    assert_non_null(pair.node[0].peer->history);
    assert_true(trouble(0, PEER_TROUBLE_UNANSWERED) >= 3);
    pair_finish();
}

static void
initiations_without_an_answer_are_counted_until_one_comes(void **state)
{
    (void)state;
    begin(501, TRANSPORT_UDP);
    pair.wire = pair_nothing_passes;
    pair_offer(0, 0, 1);
    pair_run_to(19 * S);
    assert_int_equal(trouble(0, PEER_TROUBLE_UNANSWERED), 4);
    assert_int_equal(trouble(0, PEER_TROUBLE_GAVE_UP), 0);
    pair_run_to(120 * S);
    assert_int_equal(trouble(0, PEER_TROUBLE_GAVE_UP), 1);
    pair.wire = NULL;
    pair_offer(0, 0, 1);
    pair_run_to(130 * S);
    assert_int_equal(trouble(0, PEER_TROUBLE_UNANSWERED), 0);
    pair_finish();
}

static bool
mac1_is_damaged(unsigned from, uint8_t *packet, size_t len)
{
    uint8_t *udp = packet + IPV4_HEADER_LEN;

    (void)len;
    if (from == 0) {
        udp[UDP_HEADER_LEN + 116] ^= 1;
        udp[6] = udp[7] = 0; /* no checksum */
    }
    return true;
}

static void
a_wrong_public_key_here_is_a_bad_mac1_there(void **state)
{
    const struct stranger *s = &pair.node[1].tunnel.strangers.of[0];
    struct ip_addr dialler = node_address(0, IP_V4);

    (void)state;
    begin(502, TRANSPORT_UDP);
    pair.wire = mac1_is_damaged;
    pair_offer(0, 0, 1);
    pair_run_to(8 * S);
    assert_int_equal(s->why, WGT_DROP_MAC1);
    assert_int_equal(s->seen.n, 2);
    assert_true(ip_addr_equal(&s->from.addr, &dialler));
    assert_int_equal(s[1].why, WGT_OK);
    assert_int_equal(trouble(0, PEER_TROUBLE_UNANSWERED), 2);
    pair_finish();
}

static void
a_wrong_public_key_there_is_an_unknown_key_there(void **state)
{
    const struct stranger *s = &pair.node[1].handshaker.strangers.of[0];

    (void)state;
    begin(503, TRANSPORT_UDP);
    node_remove_peer(&pair.node[1]);
    node_settle(&pair.node[1], pair.now);
    pair_offer(0, 0, 1);
    pair_run_to(8 * S);
    assert_int_equal(s->why, WGT_DROP_HANDSHAKE_UNKNOWN_PEER);
    assert_int_equal(s->seen.n, 2);
    assert_memory_equal(s->key, pair.node[0].public_key, NOISE_KEY_LEN);
    pair_finish();
}

static void
a_wrong_preshared_key_is_a_bad_tag_here_and_no_confirmation_there(void **state)
{
    (void)state;
    begin(504, TRANSPORT_UDP);
    handshaker_peer(0)->remote.preshared_key[0] ^= 1;
    pair_offer(0, 0, 1);
    pair_run_to(8 * S);
    assert_int_equal(handshake_trouble(0, HANDSHAKE_TROUBLE_RESPONSE_TAG), 2);
    assert_int_equal(trouble(1, PEER_TROUBLE_UNCONFIRMED), 2);
    assert_int_equal(handshaker_peer(1)->initiations_received, 2);
    assert_int_equal(handshaker_peer(0)->responses_received, 0);
    pair_finish();
}

static void
a_clock_that_went_back_is_noted_on_either_side(void **state)
{
    (void)state;
    begin(505, TRANSPORT_UDP);
    memset(handshaker_peer(0)->stamped, 0xff, NOISE_TIMESTAMP_LEN);
    memset(handshaker_peer(1)->remote.latest_timestamp, 0xff, NOISE_TIMESTAMP_LEN);
    pair_offer(0, 0, 1);
    pair_run_to(8 * S);
    assert_int_equal(handshake_trouble(0, HANDSHAKE_TROUBLE_CLOCK_BACK), 2);
    assert_int_equal(handshake_trouble(1, HANDSHAKE_TROUBLE_INITIATION_REPLAY), 2);
    pair_finish();
}

static void
inner_packets_that_go_nowhere_are_noted(void **state)
{
    struct ip_addr third = traffic_address(3, IP_V4);

    (void)state;
    begin(506, TRANSPORT_UDP);
    offer(1, 1, 0, IP_V4, 100);
    assert_int_equal(trouble(1, PEER_TROUBLE_NO_ENDPOINT), 1);
    offer(0, 0, 3, IP_V4, 100);
    assert_int_equal(pair.node[0].tunnel.unrouted.n, 1);
    assert_true(ip_addr_equal(&pair.node[0].tunnel.unrouted_to, &third));
    offer(0, 3, 1, IP_V4, 100);
    pair_run_to(S);
    assert_int_equal(trouble(1, PEER_TROUBLE_SOURCE_DENIED), 1);
    assert_true(ip_addr_equal(&pair.node[1].peer->history->denied_source, &third));
    offer(0, 0, 1, IP_V6, pair.shared.mtu + 1);
    assert_int_equal(trouble(0, PEER_TROUBLE_TOO_BIG), 1);
    pair_finish();
}

static void
icmp_about_datagrams_is_noted_and_nothing_else(void **state)
{
    struct icmp_error e = {
        .kind = ICMP_ERROR_REFUSED,
        .protocol = IP_PROTO_UDP,
        .src = {node_address(0, IP_V4), NODE_PORT},
        .dst = {node_address(1, IP_V4), NODE_PORT},
    };

    (void)state;
    begin(510, TRANSPORT_UDP);
    pair_offer(0, 0, 1);
    pair_run_to(S);
    tunnel_rx_icmp_error(&pair.node[0].tunnel, pair_clock(0), &e);
    e.kind = ICMP_ERROR_UNREACHABLE;
    tunnel_rx_icmp_error(&pair.node[0].tunnel, pair_clock(0), &e);
    assert_int_equal(trouble(0, PEER_TROUBLE_UDP_REFUSED), 1);
    assert_int_equal(trouble(0, PEER_TROUBLE_UDP_UNREACHABLE), 1);
    e.dst.port++; /* nobody is there */
    tunnel_rx_icmp_error(&pair.node[0].tunnel, pair_clock(0), &e);
    e.dst.port--;
    e.src.port++; /* not ours */
    tunnel_rx_icmp_error(&pair.node[0].tunnel, pair_clock(0), &e);
    assert_int_equal(trouble(0, PEER_TROUBLE_UDP_UNREACHABLE), 1);
    assert_int_equal(pair_drops(0, WGT_DROP_ICMP_TYPE), 4);
    pair_offer(0, 1, 1);
    pair_run_to(2 * S);
    assert_int_equal(pair.out[1].n, 2);
    pair_finish();
}

static uint16_t source_port;

static bool
from_another_port(unsigned from, uint8_t *packet, size_t len)
{
    uint8_t *udp = packet + IPV4_HEADER_LEN;

    (void)len;
    if (from == 0) {
        put_be16(udp, source_port);
        udp[6] = udp[7] = 0; /* no checksum */
    }
    return true;
}

static void
a_peer_that_moves_is_no_trouble_and_one_that_moves_to_and_fro_is(void **state)
{
    (void)state;
    begin(507, TRANSPORT_UDP);
    pair_offer(0, 0, 1);
    pair_run_to(S);
    pair.wire = from_another_port;
    for (source_port = 1000; source_port < 1004; source_port++) {
        pair_offer(0, 0, 1);
        pair_run_for(S);
        assert_int_equal(pair.node[1].peer->path.path.remote.port, source_port);
    }
    assert_int_equal(trouble(1, PEER_TROUBLE_ENDPOINT_FLAP), 0);
    for (unsigned i = 1; i <= 4; i++) {
        source_port = i % 2 ? 1002 : 1003;
        pair_offer(0, 0, 1);
        pair_run_for(S);
        assert_int_equal(trouble(1, PEER_TROUBLE_ENDPOINT_FLAP), i);
    }
    pair_finish();
}

/* --- TCP ---------------------------------------------------------------------------------------
 */

static void
a_closed_tcp_port_is_told_from_a_silent_one(void **state)
{
    struct node_config config[2];

    (void)state;
    pair_configure(config, TRANSPORT_TCP);
    config[1].listen_tcp = false;
    pair_begin(508, IP_V4, config, NULL);
    pair_offer(0, 0, 1);
    pair_run_to(2 * S);
    assert_true(trouble(0, PEER_TROUBLE_DIAL_REFUSED) >= 1);
    assert_int_equal(trouble(0, PEER_TROUBLE_DIAL_UNANSWERED), 0);
    assert_int_equal(trouble(0, PEER_TROUBLE_UNANSWERED), 0);
    pair_finish();

    begin(509, TRANSPORT_TCP);
    pair.wire = pair_nothing_passes;
    pair_offer(0, 0, 1);
    pair_run_to(20 * S);
    assert_int_equal(trouble(0, PEER_TROUBLE_DIAL_REFUSED), 0);
    assert_int_equal(trouble(0, PEER_TROUBLE_DIAL_UNANSWERED), 1);
    pair_finish();
}

/* --- strangers ---------------------------------------------------------------------------------
 */

static void
strangers_are_told_apart_by_address_reason_and_key(void **state)
{
    struct ip_endpoint from = {.addr = node_address(0, IP_V4), .port = 1};
    struct strangers s = {0};
    uint8_t key[32] = {1};

    (void)state;
    strangers_note(&s, 1, WGT_DROP_MAC1, &from, NULL);
    from.port = 2;
    strangers_note(&s, 2, WGT_DROP_MAC1, &from, NULL);
    assert_int_equal(s.of[0].seen.n, 2);
    assert_int_equal(s.of[0].seen.last, 2);
    assert_int_equal(s.of[0].from.port, 2);
    strangers_note(&s, 3, WGT_DROP_HANDSHAKE_UNKNOWN_PEER, &from, key);
    key[0] = 2;
    strangers_note(&s, 4, WGT_DROP_HANDSHAKE_UNKNOWN_PEER, &from, key);
    assert_int_equal(s.of[1].key[0], 1);
    assert_int_equal(s.of[2].key[0], 2);
    for (unsigned i = 0; i < STRANGERS_MAX; i++) {
        from.addr.bytes[0] = (uint8_t)(100 + i);
        strangers_note(&s, 10 + i, WGT_DROP_MAC1, &from, NULL);
    }
    for (unsigned i = 0; i < STRANGERS_MAX; i++) /* the oldest have given their places */
        assert_true(s.of[i].from.addr.bytes[0] >= 100 && s.of[i].seen.n == 1);
}

int
main(void)
{
#define T(name) cmocka_unit_test_teardown(name, pair_clean_up)
    const struct CMUnitTest tests[] = {
        T(nothing_is_noted_of_a_good_session),
        T(a_history_begins_with_the_first_trouble),
        T(a_history_is_asked_for_again_when_there_was_no_room),
        T(initiations_without_an_answer_are_counted_until_one_comes),
        T(a_wrong_public_key_here_is_a_bad_mac1_there),
        T(a_wrong_public_key_there_is_an_unknown_key_there),
        T(a_wrong_preshared_key_is_a_bad_tag_here_and_no_confirmation_there),
        T(a_clock_that_went_back_is_noted_on_either_side),
        T(inner_packets_that_go_nowhere_are_noted),
        T(icmp_about_datagrams_is_noted_and_nothing_else),
        T(a_peer_that_moves_is_no_trouble_and_one_that_moves_to_and_fro_is),
        T(a_closed_tcp_port_is_told_from_a_silent_one),
        T(strangers_are_told_apart_by_address_reason_and_key),
    };

    return cmocka_run_group_tests(tests, sim_group_setup, sim_group_teardown);
}
