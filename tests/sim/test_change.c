/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a set operation means for traffic: keys, peers, endpoints, ports and transports that change
 * while packets flow both ways. Node 0 dials node 1.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pair.h"
#include "sim.h"
#include "traffic.h"

#define S  WGT_SEC
#define MS WGT_MSEC

enum { OTHER_PORT = 7000 };

static struct change change;
static struct device_effect effect;

/* --- words -------------------------------------------------------------------------------------
 */

static void
carry_out(unsigned node)
{
    node_change(&pair.node[node], &change, &effect);
    change_free(&change);
    node_settle(&pair.node[node], pair.now);
}

static void
new_key(uint8_t n, uint8_t private_key[NOISE_KEY_LEN], uint8_t public_key[NOISE_KEY_LEN])
{
    memset(private_key, n, NOISE_KEY_LEN);
    noise_clamp(private_key);
    noise_public_key(public_key, private_key);
}

static void
take_key(unsigned node, uint8_t n)
{
    uint8_t public_key[NOISE_KEY_LEN];

    change.has_private_key = true;
    new_key(n, change.private_key, public_key);
    carry_out(node);
}

static struct change_peer *
about(const uint8_t public_key[NOISE_KEY_LEN])
{
    struct change_peer *p = change_add_peer(&change, public_key);

    assert_non_null(p);
    return p;
}

/* What the node's peer is made of, at an address and with a key of the test's choice. */
static struct change_peer *
about_other(unsigned node, const uint8_t public_key[NOISE_KEY_LEN], enum transport_kind kind)
{
    struct ip_prefix a = {traffic_address(1 - node, IP_V4), 32};
    struct change_peer *p = about(public_key);

    assert_true(change_add_prefix(p, &a, false));
    p->has_transport = true;
    p->transport = kind == TRANSPORT_TCP ? CONFIG_TCP : CONFIG_UDP;
    p->has_endpoint = node == 0;
    p->endpoint = (struct ip_endpoint){node_address(1 - node, IP_V4), NODE_PORT};
    return p;
}

/* The peer is another one from now on. */
static void
exchange_peer(unsigned node, uint8_t n, enum transport_kind kind)
{
    uint8_t private_key[NOISE_KEY_LEN], public_key[NOISE_KEY_LEN];

    new_key(n, private_key, public_key);
    about(pair.node[1 - node].public_key)->remove = true;
    about_other(node, public_key, kind);
    carry_out(node);
}

static void
begin_with_session(uint64_t seed, enum transport_kind kind)
{
    struct node_config config[2];

    change_init(&change);
    pair_configure(config, kind);
    pair_begin_with_session(seed, config);
}

/* Packets offered now arrive within the time. */
static void
expect_traffic(wgt_time within)
{
    static uint32_t number = 1000;

    for (unsigned i = 0; i < 2; i++) {
        unsigned before = pair.out[1 - i].n;

        pair_offer(i, ++number, 1);
        pair_run_for(within);
        assert_int_equal(pair.out[1 - i].n, before + 1);
        assert_int_equal(pair.out[1 - i].number[before], number);
    }
    pair.out[0].n = pair.out[1].n = 0;
}

/* --- keys --------------------------------------------------------------------------------------
 */

/* netns.sh: "Test that changing keys works": the next ping goes through at once. */
static void
keys_on_both_sides(enum transport_kind kind)
{
    begin_with_session(500, kind);
    take_key(0, 100);
    take_key(1, 101);
    exchange_peer(0, 101, kind);
    exchange_peer(1, 100, kind);
    expect_traffic(100 * MS);
}

static void
new_private_keys_need_no_wait(void **state)
{
    (void)state;
    pair_for_both(keys_on_both_sides);
}

/* Linux: sessions of before receive, and send no more. */
static void
key_on_one_side(enum transport_kind kind)
{
    begin_with_session(501, kind);
    take_key(0, 100);
    pair_offer(1, 7, 1);
    pair_run_for(100 * MS);
    assert_int_equal(pair.out[0].n, 1);
    pair_offer(0, 8, 1);
    pair_run_for(4 * S);
    assert_int_equal(pair.out[1].n, 0);
    assert_true(pair.node[1].handshaker.drops.n[WGT_DROP_HANDSHAKE_UNKNOWN_PEER] > 0);
    /* What waited goes when the other side knows the new key. */
    exchange_peer(1, 100, kind);
    pair_run_for(7 * S);
    assert_int_equal(pair.out[1].n, 1);
    assert_int_equal(pair.out[1].number[0], 8);
    pair.out[0].n = 0;
    expect_traffic(100 * MS);
}

static void
a_session_under_the_old_key_receives_and_does_not_send(void **state)
{
    (void)state;
    pair_for_both(key_on_one_side);
}

static void
no_key_at_all(enum transport_kind kind)
{
    uint8_t key[NOISE_KEY_LEN];

    begin_with_session(502, kind);
    memcpy(key, pair.node[1].private_key, sizeof(key));
    change.has_private_key = true;
    carry_out(1);
    pair_offer(1, 7, 1);
    pair_run_for(10 * S);
    assert_int_equal(pair.out[0].n, 0);
    change.has_private_key = true;
    memcpy(change.private_key, key, sizeof(key));
    carry_out(1);
    pair_run_for(6 * S);
    assert_int_equal(pair.out[0].n, 1);
    pair.out[0].n = 0;
    expect_traffic(100 * MS);
}

static void
an_interface_without_a_key_is_silent_until_it_has_one(void **state)
{
    (void)state;
    pair_for_both(no_key_at_all);
}

static void
a_psk_that_changes(enum transport_kind kind)
{
    begin_with_session(503, kind);
    for (unsigned i = 0; i < 2; i++) {
        struct change_peer *p = about(pair.node[1 - i].public_key);

        p->has_psk = true;
        p->psk[3] = 9;
        carry_out(i);
    }
    expect_traffic(100 * MS);
    assert_int_equal(pair.node[0].peer->stats.handshakes, 1);
    pair_run_for(125 * S);
    expect_traffic(S);
    assert_int_equal(pair.node[0].peer->stats.handshakes, 2);
    /* on one side alone, the next handshake fails */
    about(pair.node[0].public_key)->has_psk = true;
    carry_out(1);
    pair_run_for(125 * S);
    pair_offer(0, 1, 1);
    pair_run_for(10 * S);
    assert_int_equal(pair.node[0].peer->stats.handshakes, 2);
    pair.out[1].n = 0;
}

static void
a_new_psk_disturbs_no_session_and_holds_for_the_next(void **state)
{
    (void)state;
    pair_for_both(a_psk_that_changes);
}

/* --- peers -------------------------------------------------------------------------------------
 */

static void
remove_and_add(enum transport_kind kind)
{
    begin_with_session(504, kind);
    for (unsigned i = 0; i < 2; i++) {
        about(pair.node[1 - i].public_key)->remove = true;
        pair_offer(i, 10, 20);
        carry_out(i);
        pair_offer(1 - i, 10, 20);
        pair_run_for(S);
        assert_true(LIST_EMPTY(&pair.node[i].device.leaving));
        assert_true(LIST_EMPTY(&pair.node[i].device.gone));
        about_other(i, pair.node[1 - i].public_key, kind);
        carry_out(i);
        /* Node 1 knows no endpoint before node 0 speaks, which finds out after 15 s. */
        pair_offer(0, 50, 1);
        pair_run_for(16 * S);
        pair_offer(0, 60, 1);
        pair_run_for(6 * S);
        pair.out[0].n = pair.out[1].n = 0;
        expect_traffic(S);
    }
}

static void
a_peer_removed_and_added_under_traffic_works_again(void **state)
{
    (void)state;
    pair_for_both(remove_and_add);
}

static void
a_peer_that_holds_the_new_key_of_ours_is_removed_under_traffic(void **state)
{
    (void)state;
    begin_with_session(505, TRANSPORT_UDP);
    pair_offer(0, 1, 20);
    change.has_private_key = true;
    memcpy(change.private_key, pair.node[1].private_key, NOISE_KEY_LEN);
    carry_out(0);
    assert_true(effect.private_key && effect.allowed_ips);
    assert_int_equal(pair.node[0].device.n_peers, 0);
    pair_run_for(10 * S);
    pair_finish();
}

/* --- where from and where to ---------------------------------------------------------------------
 */

/* The listener of node 1 moves; node 0 is told. */
static void
move_listener(enum transport_kind kind)
{
    struct change_peer *p;

    begin_with_session(506, kind);
    change.has_listen_port = true;
    change.listen_port = OTHER_PORT;
    carry_out(1);
    assert_true(effect.listen_port);
    /* Over UDP node 0 hears it from the next packet; a TCP connection lives on. */
    pair_offer(1, 1, 1);
    pair_run_for(100 * MS);
    assert_int_equal(pair.out[0].n, 1);
    pair.out[0].n = 0;
    expect_traffic(100 * MS);
    assert_int_equal(pair.node[0].peer->path.path.remote.port,
                     kind == TRANSPORT_UDP ? OTHER_PORT : NODE_PORT);
    p = about(pair.node[1].public_key);
    p->has_endpoint = true;
    p->endpoint = (struct ip_endpoint){node_address(1, IP_V4), OTHER_PORT};
    carry_out(0);
    expect_traffic(S);
    assert_int_equal(pair.node[0].peer->path.path.remote.port, OTHER_PORT);
    assert_int_equal(pair.node[0].peer->stats.handshakes, 1);
}

static void
a_listen_port_that_changes_loses_no_session(void **state)
{
    (void)state;
    pair_for_both(move_listener);
}

static unsigned seen_from_other_port;

static bool
note_source(unsigned from, uint8_t *packet, size_t len)
{
    (void)len;
    if (from == 0 && packet[9] == IP_PROTO_UDP && get_be16(packet + IPV4_HEADER_LEN) == OTHER_PORT)
        seen_from_other_port++;
    return true;
}

static void
a_new_port_is_the_source_of_the_next_datagram(void **state)
{
    (void)state;
    begin_with_session(507, TRANSPORT_UDP);
    pair.wire = note_source;
    seen_from_other_port = 0;
    change.has_listen_port = true;
    change.listen_port = OTHER_PORT;
    carry_out(0);
    pair_offer(0, 1, 1);
    assert_int_equal(seen_from_other_port, 1);
    pair_run_for(100 * MS);
    assert_int_equal(pair.node[1].peer->path.path.remote.port, OTHER_PORT);
    pair.out[1].n = 0;
    expect_traffic(100 * MS);
    pair_finish();
}

static unsigned left_from_old_port;

static bool
note_old_source(unsigned from, uint8_t *packet, size_t len)
{
    (void)len;
    if (from == 1 && get_be16(packet + IPV4_HEADER_LEN) == NODE_PORT)
        left_from_old_port++;
    return true;
}

/* The answer to an initiation that came to the old port is sent from the new one, and so is what
 * follows: the old one is not heard any more. */
static void
a_handshake_that_the_new_port_overtakes_goes_on_from_there(void **state)
{
    struct node_config config[2];

    (void)state;
    change_init(&change);
    pair_configure(config, TRANSPORT_UDP);
    config[1].control_delay = 50 * MS;
    pair_begin(510, IP_V4, config, NULL);
    pair.wire = note_old_source;
    left_from_old_port = 0;
    pair_offer(0, 1, 1);
    pair_run_for(10 * MS);
    change.has_listen_port = true;
    change.listen_port = OTHER_PORT;
    carry_out(1);
    pair_run_for(S);
    assert_int_equal(pair.out[1].n, 1);
    pair.out[1].n = 0;
    expect_traffic(10 * MS);
    assert_int_equal(left_from_old_port, 0);
    pair_finish();
}

static void
another_transport_takes_over_at_once(void **state)
{
    (void)state;
    for (enum transport_kind kind = TRANSPORT_UDP; kind <= TRANSPORT_TCP; kind++) {
        enum transport_kind other = kind == TRANSPORT_UDP ? TRANSPORT_TCP : TRANSPORT_UDP;
        struct change_peer *p;

        begin_with_session(508, kind);
        p = about(pair.node[1].public_key);
        p->has_transport = true;
        p->transport = other == TRANSPORT_TCP ? CONFIG_TCP : CONFIG_UDP;
        carry_out(0);
        expect_traffic(S);
        for (unsigned i = 0; i < 2; i++) {
            assert_int_equal(pair.node[i].peer->path.path.kind, other);
            assert_int_equal(pair.node[i].peer->stats.handshakes, 1);
        }
        pair_finish();
    }
}

/* Datagrams of the peer's that were under way come before the answer to the SYN. */
static void
another_transport_takes_over_in_the_middle_of_traffic(void **state)
{
    (void)state;
    for (enum transport_kind kind = TRANSPORT_UDP; kind <= TRANSPORT_TCP; kind++) {
        enum transport_kind other = kind == TRANSPORT_UDP ? TRANSPORT_TCP : TRANSPORT_UDP;
        struct change_peer *p;

        begin_with_session(515, kind);
        p = about(pair.node[1].public_key);
        p->has_transport = true;
        p->transport = other == TRANSPORT_TCP ? CONFIG_TCP : CONFIG_UDP;
        pair_offer(1, 1, 20);
        carry_out(0);
        for (unsigned i = 0; i < 500; i++) {
            pair_offer(0, i, 1);
            pair_offer(1, i, 1);
            pair_run_for(MS);
            pair.out[0].n = pair.out[1].n = 0;
        }
        for (unsigned i = 0; i < 2; i++) {
            assert_int_equal(pair.node[i].peer->path.path.kind, other);
            assert_int_equal(pair.node[i].peer->stats.handshakes, 1);
        }
        pair_finish();
    }
}

static void
the_same_again(enum transport_kind kind)
{
    struct change_peer *p;

    begin_with_session(509, kind);
    for (unsigned i = 0; i < 2; i++) {
        p = about_other(i, pair.node[1 - i].public_key, kind);
        p->replace_allowed_ips = p->has_keepalive = p->has_psk = true;
        p->has_endpoint = i == 0;
        carry_out(i);
    }
    expect_traffic(10 * MS);
    assert_int_equal(pair.node[0].peer->stats.handshakes, 1);
    assert_int_equal(pair.node[0].peer->stats.dials, kind == TRANSPORT_TCP ? 1 : 0);
}

/* What `wg syncconf` sends when nothing is new. */
static void
the_same_settings_again_disturb_nothing(void **state)
{
    (void)state;
    pair_for_both(the_same_again);
}

/* --- everything at random ------------------------------------------------------------------------
 */

static struct prng chance;

static void
ask_something(unsigned node, enum transport_kind kind)
{
    const uint8_t *other = pair.node[1 - node].public_key;
    struct change_peer *p;

    switch (prng_below(&chance, 9)) {
    case 0:
        change.has_private_key = true;
        memcpy(change.private_key, pair.node[node].private_key, NOISE_KEY_LEN);
        change.private_key[5] ^= (uint8_t)prng_below(&chance, 2);
        break;
    case 1:
        change.has_listen_port = true;
        change.listen_port = (uint16_t)(NODE_PORT + prng_below(&chance, 2));
        break;
    case 2:
        about(other)->remove = true;
        break;
    case 3:
        change.replace_peers = true;
        about_other(node, other, kind);
        break;
    case 4:
        p = about(other);
        p->update_only = p->has_transport = true;
        p->transport = prng_below(&chance, 2) ? CONFIG_TCP : CONFIG_UDP;
        break;
    case 5:
        p = about(other);
        p->update_only = p->has_endpoint = true;
        p->endpoint = (struct ip_endpoint){node_address(1 - node, IP_V4),
                                           (uint16_t)(NODE_PORT + prng_below(&chance, 2))};
        break;
    case 6:
        p = about(other);
        p->update_only = p->has_keepalive = true;
        p->keepalive = (uint16_t)prng_below(&chance, 3);
        break;
    case 7:
        p = about(other);
        p->update_only = p->has_knock = p->has_congestion = true;
        p->knock = prng_below(&chance, 2);
        p->congestion = (enum config_congestion)prng_below(&chance, 3);
        break;
    default:
        about_other(node, other, prng_below(&chance, 2) ? TRANSPORT_TCP : TRANSPORT_UDP);
        break;
    }
}

/* As it was in the beginning. */
static void
ask_all_back(unsigned node, enum transport_kind kind)
{
    struct change_peer *p;

    change.has_private_key = change.has_listen_port = true;
    memcpy(change.private_key, pair.node[node].private_key, NOISE_KEY_LEN);
    change.listen_port = NODE_PORT;
    p = about_other(node, pair.node[1 - node].public_key, kind);
    p->has_knock = p->has_keepalive = p->has_congestion = true;
}

static void
any_changes_under_traffic_end_well(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++) {
        enum transport_kind kind = seed % 2 ? TRANSPORT_TCP : TRANSPORT_UDP;

        begin_with_session(600 + seed, kind);
        chance = prng_fork(seed, 'c');
        for (unsigned i = 0; i < 60; i++) {
            unsigned node = prng_below(&chance, 2);

            ask_something(node, kind);
            carry_out(node);
            pair_offer(prng_below(&chance, 2), i, 1 + prng_below(&chance, 5));
            pair_run_for(prng_below(&chance, 400 * MS));
            pair.out[0].n = pair.out[1].n = 0;
        }
        for (unsigned i = 0; i < 2; i++) {
            ask_all_back(i, kind);
            carry_out(i);
        }
        pair_run_for(10 * S);
        pair_offer(0, 1, 1);
        pair_run_for(40 * S);
        pair.out[0].n = pair.out[1].n = 0;
        expect_traffic(10 * S);
        pair_finish();
    }
}

int
main(void)
{
#define T(f) cmocka_unit_test_teardown(f, pair_clean_up)
    const struct CMUnitTest tests[] = {
        T(new_private_keys_need_no_wait),
        T(a_session_under_the_old_key_receives_and_does_not_send),
        T(an_interface_without_a_key_is_silent_until_it_has_one),
        T(a_new_psk_disturbs_no_session_and_holds_for_the_next),
        T(a_peer_removed_and_added_under_traffic_works_again),
        T(a_peer_that_holds_the_new_key_of_ours_is_removed_under_traffic),
        T(a_listen_port_that_changes_loses_no_session),
        T(a_new_port_is_the_source_of_the_next_datagram),
        T(a_handshake_that_the_new_port_overtakes_goes_on_from_there),
        T(another_transport_takes_over_at_once),
        T(another_transport_takes_over_in_the_middle_of_traffic),
        T(the_same_settings_again_disturb_nothing),
        T(any_changes_under_traffic_end_well),
    };

    return cmocka_run_group_tests(tests, sim_group_setup, sim_group_teardown);
}
