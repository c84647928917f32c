/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages that others seal and open for a worker: order, keys and peers meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <rte_ring_elem.h>

#include "pair.h"
#include "sim.h"

#define S  WGT_SEC
#define MS WGT_MSEC

enum { KEPT_MAX = 64, DATA_AT = IPV4_HEADER_LEN + 8 };

static struct node *const dialler = &pair.node[0], *const other = &pair.node[1];

/* Packets that left node 0, kept by the wire; and counters of those that passed. */
static struct {
    unsigned n;
    uint8_t packet[KEPT_MAX][NODE_MESSAGE_MAX];
    size_t len[KEPT_MAX];
    uint64_t next_counter;
    bool disorder;
} wire;

static void
begin(uint64_t seed, enum transport_kind kind, unsigned n_crypto)
{
    struct node_config config[2];

    memset(&wire, 0, sizeof(wire));
    pair_configure(config, kind);
    config[0].n_crypto = config[1].n_crypto = n_crypto;
    pair_begin_with_session(seed, config);
    pair.out[0].n = pair.out[1].n = 0;
}

static bool
is_data(const uint8_t *packet, size_t len)
{
    return packet[9] == IP_PROTO_UDP && len > DATA_AT + MESSAGE_DATA_OVERHEAD &&
           packet[DATA_AT] == MESSAGE_DATA;
}

static bool
note_counters(unsigned from, uint8_t *packet, size_t len)
{
    uint64_t counter = get_le64(packet + DATA_AT + 8);

    if (from == 0 && is_data(packet, len)) {
        wire.disorder = wire.disorder || counter < wire.next_counter;
        wire.next_counter = counter + 1;
    }
    return true;
}

static bool
keep(unsigned from, uint8_t *packet, size_t len)
{
    if (from != 0 || !is_data(packet, len))
        return true;
    assert_in_range(wire.n, 0, KEPT_MAX - 1);
    memcpy(wire.packet[wire.n], packet, len);
    wire.len[wire.n++] = len;
    return false;
}

/* Segments with a message of node 0's. */
static bool
keep_segments(unsigned from, uint8_t *packet, size_t len)
{
    if (from != 0 || packet[9] != IP_PROTO_TCP || len < PAIR_PACKET_LEN)
        return true;
    assert_in_range(wire.n, 0, KEPT_MAX - 1);
    memcpy(wire.packet[wire.n], packet, len);
    wire.len[wire.n++] = len;
    return false;
}

static void
expect_numbers(unsigned node, uint32_t first, unsigned n)
{
    assert_int_equal(pair.out[node].n, n);
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(pair.out[node].number[i], first + i);
}

/* In one burst, of which node 1 has had no turn yet. */
static void
arrive(unsigned first, unsigned n)
{
    for (unsigned i = first; i < first + n; i++)
        node_rx_outer(other, pair.now, wire.packet[i], wire.len[i]);
    tunnel_rx_outer_end(&other->tunnel, pair_clock(1));
}

/* A segment whose messages are in the same burst as what came before. */
static void
come(unsigned i)
{
    node_rx_outer(other, pair.now, wire.packet[i], wire.len[i]);
    tcp_transport_rx_end(&other->tunnel.tcp, pair_clock(1));
}

static struct tunnel_crypto_stats *
stats(unsigned node)
{
    return &pair.node[node].tunnel.crypto->stats;
}

/* --- order ---------------------------------------------------------------------------------------
 */

static void
packets_leave_and_arrive_in_order_though_batches_finish_out_of_order(void **state)
{
    (void)state;
    begin(800, TRANSPORT_UDP, 4);
    pair.wire = note_counters;
    for (unsigned i = 0; i < 8; i++) {
        pair_offer(0, 100 * i, 100);
        pair_run_for(20 * MS);
    }
    expect_numbers(1, 0, 800);
    assert_false(wire.disorder);
    assert_true(dialler->crypto.late > 0 && other->crypto.late > 0);
    pair_finish();
}

/* What waited for a session leaves one by one, behind what is in flight. */
static void
staged_packets_stay_behind_those_in_flight(void **state)
{
    struct tunnel *t = &dialler->tunnel;
    uint8_t packet[PAIR_PACKET_LEN];

    (void)state;
    begin(801, TRANSPORT_UDP, 2);
    pair.wire = note_counters;
    dialler->crypto.idle = true;
    for (uint32_t i = 0; i < 20; i++) {
        size_t len = pair_packet(packet, 0, 1, IP_V4, 0, i, sizeof(packet));

        dialler->peer->session.current->send_allowed = i < 10;
        node_rx_inner(dialler, pair.now, packet, len);
        tunnel_rx_inner_end(t, pair_clock(0));
    }
    assert_int_equal(dialler->peer->staged.count, 10);
    dialler->peer->session.current->send_allowed = true;
    node_settle(dialler, pair.now);
    pair_run_for(S);
    expect_numbers(1, 0, 20);
    assert_false(wire.disorder);
    pair_finish();
}

/* --- nobody comes by, or is slow
 * ------------------------------------------------------------------
 */

static void
what_nobody_takes_the_worker_does(void **state)
{
    (void)state;
    begin(802, TRANSPORT_UDP, 1);
    dialler->crypto.idle = other->crypto.idle = true;
    *stats(0) = *stats(1) = (struct tunnel_crypto_stats){.own = 0};
    pair_offer(0, 0, 600);
    pair_run_for(S);
    expect_numbers(1, 0, 600);
    assert_int_equal(stats(0)->messages, 600);
    assert_int_equal(stats(0)->own, stats(0)->batches);
    assert_int_equal(stats(1)->own, stats(1)->batches);
    assert_int_equal(stats(0)->waits, 0);
    pair_finish();
}

/* Nobody comes by, and the worker has something to send in every turn. */
static void
sending_does_not_keep_what_was_received_waiting(void **state)
{
    struct tunnel *t = &other->tunnel;
    uint8_t packet[PAIR_PACKET_LEN];
    size_t len = pair_packet(packet, 1, 0, IP_V4, 0, 0, sizeof(packet));

    (void)state;
    begin(811, TRANSPORT_UDP, 1);
    other->crypto.idle = true;
    pair.wire = keep;
    pair_offer(0, 0, 5);
    arrive(0, 5);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(pair.out[1].n, 0);
        node_rx_inner(other, pair.now, packet, len);
        tunnel_rx_inner_end(t, pair_clock(1));
        tunnel_run(t, pair_clock(1));
    }
    expect_numbers(1, 0, 5);
    assert_int_equal(crypto_queue_waiting(&t->crypto->queues[CRYPTO_SEAL]), 2);
    node_settle(other, pair.now);
    pair_finish();
}

/* The one who has the oldest batch is not done with it before all places are in use. */
static void
with_every_place_in_use_the_worker_waits_and_loses_nothing(void **state)
{
    struct crypto_hand *h = &dialler->crypto.hands[0];
    uint8_t packet[PAIR_PACKET_LEN];
    size_t len = pair_packet(packet, 0, 1, IP_V4, 0, 0, sizeof(packet));

    (void)state;
    begin(803, TRANSPORT_UDP, 1);
    dialler->crypto.idle = true;
    node_rx_inner(dialler, pair.now, packet, len);
    tunnel_rx_inner_end(&dialler->tunnel, pair_clock(0));
    h->batch = crypto_queue_take(&dialler->tunnel.crypto->queues[CRYPTO_SEAL]);
    h->turn = UINT64_MAX;
    assert_non_null(h->batch);
    pair_offer(0, 1, CRYPTO_BATCH * CRYPTO_QUEUE_SIZE);
    assert_null(h->batch);
    assert_int_equal(stats(0)->waits, 1);
    pair_run_for(S);
    expect_numbers(1, 0, 1 + CRYPTO_BATCH * CRYPTO_QUEUE_SIZE);
    pair_finish();
}

/* Others are woken for half a burst and more; but what comes behind something stays behind it. */
static void
a_few_messages_go_at_once_when_nothing_is_in_flight(void **state)
{
    (void)state;
    begin(804, TRANSPORT_UDP, 1);
    dialler->tunnel.crypto->enough = CRYPTO_BATCH + 1;
    *stats(0) = (struct tunnel_crypto_stats){.own = 0};
    pair_offer(0, 0, CRYPTO_BATCH);
    assert_int_equal(stats(0)->messages, 0);
    assert_int_equal(stats(0)->at_once, CRYPTO_BATCH);
    pair_offer(0, CRYPTO_BATCH, TUNNEL_BURST + 1);
    assert_int_equal(stats(0)->messages, TUNNEL_BURST + 1);
    pair_run_for(S);
    expect_numbers(1, 0, CRYPTO_BATCH + TUNNEL_BURST + 1);
    pair_finish();
}

/* --- what is forged or comes twice ---------------------------------------------------------------
 */

static void
a_forged_message_in_a_batch_drops_alone(void **state)
{
    (void)state;
    begin(805, TRANSPORT_UDP, 2);
    pair.wire = keep;
    pair_offer(0, 0, 20);
    wire.packet[7][wire.len[7] - 1] ^= 1;
    put_be16(wire.packet[7] + IPV4_HEADER_LEN + 6, 0); /* no checksum: nobody else objects */
    arrive(0, 20);
    node_settle(other, pair.now);
    assert_int_equal(pair.out[1].n, 19);
    for (unsigned i = 0; i < 19; i++)
        assert_int_equal(pair.out[1].number[i], i < 7 ? i : i + 1);
    assert_int_equal(pair_drops(1, WGT_DROP_DATA_TAG), 1);
    pair_finish();
}

static void
a_replay_is_seen_within_a_batch_and_across_batches(void **state)
{
    (void)state;
    begin(806, TRANSPORT_UDP, 2);
    other->crypto.idle = true;
    pair.wire = keep;
    pair_offer(0, 0, 10);
    for (unsigned i = 0; i < 10; i++) { /* each twice in one batch or the next */
        memcpy(wire.packet[10 + i], wire.packet[i], wire.len[i]);
        wire.len[10 + i] = wire.len[i];
    }
    arrive(0, 20);
    arrive(0, 10); /* while those are in flight */
    assert_int_equal(crypto_queue_count(&other->tunnel.crypto->queues[CRYPTO_OPEN]), 3);
    node_settle(other, pair.now);
    arrive(0, 10); /* and afterwards */
    node_settle(other, pair.now);
    expect_numbers(1, 0, 10);
    assert_int_equal(pair_drops(1, WGT_DROP_DATA_REPLAY), 30);
    pair_finish();
}

/* --- keys and peers ------------------------------------------------------------------------------
 */

/* Two messages of which one is sealed, under a key that the worker retires meanwhile. */
static void
a_key_dies_with_the_last_message_under_it(void **state)
{
    struct tunnel *t = &dialler->tunnel;
    struct crypto_queue *q;
    struct crypto_batch *first, *second;
    uint8_t packet[PAIR_PACKET_LEN];
    struct noise_keypair *k;
    size_t len = pair_packet(packet, 0, 1, IP_V4, 0, 0, sizeof(packet));

    (void)state;
    begin(807, TRANSPORT_UDP, 1);
    q = &t->crypto->queues[CRYPTO_SEAL];
    k = dialler->peer->session.current;
    for (unsigned i = 0; i < 2; i++) {
        node_rx_inner(dialler, pair.now, packet, len);
        tunnel_rx_inner_end(t, pair_clock(0));
    }
    first = crypto_queue_take(q);
    second = crypto_queue_take(q);
    assert_non_null(second);
    node_remove_peer(dialler);
    tunnel_run(t, pair_clock(0));
    assert_true(k->retired);
    assert_int_equal(k->in_flight, 2);
    assert_true(rte_ring_empty(t->events)); /* nobody is told of the peer's end */
    crypto_batch_run(first);
    tunnel_run(t, pair_clock(0));
    assert_int_equal(k->in_flight, 1);
    assert_false(noise_is_zero(k->send.state, sizeof(k->send.state)));
    assert_true(rte_ring_empty(t->events));
    crypto_batch_run(second);
    assert_true(second->seal[0].sealed); /* under a key that was whole */
    tunnel_run(t, pair_clock(0));
    assert_true(noise_is_zero(k->send.state, sizeof(k->send.state)));
    assert_true(noise_is_zero(k->receive.state, sizeof(k->receive.state)));
    assert_false(rte_ring_empty(t->events));
    assert_int_equal(pair_drops(0, WGT_DROP_DATA_EXPIRED), 2);
    node_settle(dialler, pair.now);
    assert_true(dialler->peer_removed);
    pair_run_for(S);
    assert_int_equal(pair.out[1].n, 0);
    pair_finish();
}

static void
what_is_received_under_keys_that_are_gone_is_dropped(void **state)
{
    struct tunnel *t = &other->tunnel;
    struct crypto_batch *b;

    (void)state;
    begin(808, TRANSPORT_UDP, 1);
    pair.wire = keep;
    pair_offer(0, 0, 5);
    arrive(0, 5);
    b = crypto_queue_take(&t->crypto->queues[CRYPTO_OPEN]);
    assert_non_null(b);
    node_remove_peer(other);
    tunnel_run(t, pair_clock(1));
    crypto_batch_run(b);
    assert_int_equal(b->open[0].why, WGT_OK);
    node_settle(other, pair.now);
    assert_true(other->peer_removed);
    assert_int_equal(pair.out[1].n, 0);
    assert_int_equal(pair_drops(1, WGT_DROP_DATA_INDEX), 5);
    pair_finish();
}

static void
a_node_that_ends_leaves_nothing_behind(void **state)
{
    uint8_t packet[PAIR_PACKET_LEN];
    size_t len = pair_packet(packet, 0, 1, IP_V4, 0, 0, sizeof(packet));

    (void)state;
    begin(809, TRANSPORT_UDP, 1);
    for (unsigned i = 0; i < 3; i++) { /* one done, one taken, one not */
        node_rx_inner(dialler, pair.now, packet, len);
        tunnel_rx_inner_end(&dialler->tunnel, pair_clock(0));
        if (i == 0)
            crypto_batch_run(crypto_queue_take(&dialler->tunnel.crypto->queues[CRYPTO_SEAL]));
    }
    dialler->crypto.hands[0].batch =
        crypto_queue_take(&dialler->tunnel.crypto->queues[CRYPTO_SEAL]);
    pair_finish(); /* looks for packets */
}

/* As a tunnel does that hears the peer on a connection of `worker`. */
static void
ask_to_move(struct node *n, unsigned worker)
{
    struct tunnel_event e = {.type = TUNNEL_EVENT_MOVE, .peer = n->peer, .worker = worker};

    assert_int_equal(rte_ring_enqueue_elem(n->events[tunnel_peer_worker(n->peer)], &e, sizeof(e)),
                     0);
}

static void
a_peer_leaves_its_worker_when_all_is_back(void **state)
{
    struct node_config config[2];
    struct crypto_hand *h = &dialler->crypto.hands[0];
    uint8_t packet[PAIR_PACKET_LEN];
    unsigned from;

    (void)state;
    pair_configure(config, TRANSPORT_UDP);
    config[0].n_workers = 2;
    config[0].n_crypto = 1;
    pair_begin_with_session(810, config);
    pair.out[1].n = 0;
    from = tunnel_peer_worker(dialler->peer);
    node_rx_inner(dialler, pair.now, packet,
                  pair_packet(packet, 0, 1, IP_V4, 0, 0, sizeof(packet)));
    tunnel_rx_inner_end(dialler->shards.of[from], pair_clock(0));
    h->batch = crypto_queue_take(&dialler->shards.of[from]->crypto->queues[CRYPTO_SEAL]);
    h->turn = UINT64_MAX; /* unless somebody waits */
    assert_non_null(h->batch);
    ask_to_move(dialler, 1 - from);
    pair_offer(0, 1, 40);
    assert_int_equal(tunnel_peer_worker(dialler->peer), 1 - from);
    assert_null(h->batch);
    pair_run_for(S);
    expect_numbers(1, 0, 41);
    pair_finish();
}

/* --- connections ---------------------------------------------------------------------------------
 */

/* Of an inner TCP connection, and large: it waits for what lies before it. */
static void
offer_inner_tcp(unsigned n)
{
    uint8_t packet[PAIR_PACKET_LEN];
    struct ip_header ip;

    for (unsigned i = 0; i < n; i++) {
        pair_packet(packet, 0, 1, IP_V4, 0, i, sizeof(packet));
        assert_int_equal(ip_parse(packet, sizeof(packet), true, &ip), WGT_OK);
        ip.protocol = IP_PROTO_TCP;
        ip_write(packet, &ip);
        packet[IPV4_HEADER_LEN + 12] = 0x50; /* a header of 20 bytes; the number acknowledges */
        node_rx_inner(dialler, pair.now, packet, sizeof(packet));
    }
    node_settle(dialler, pair.now);
}

static struct tcp_flow *
flow_of(const struct node *n)
{
    struct tcp_flow *f = tcp_flow_of(&n->peer->path.path);

    assert_non_null(f);
    return f;
}

/* Packets for the other node; the dialler's worker has had a turn, and nobody else. */
static void
offer_and_run(unsigned n)
{
    uint8_t packet[PAIR_PACKET_LEN];

    for (uint32_t i = 0; i < n; i++)
        node_rx_inner(dialler, pair.now, packet,
                      pair_packet(packet, 0, 1, IP_V4, 0, i, sizeof(packet)));
    tunnel_run(&dialler->tunnel, pair_clock(0));
}

static void
over_tcp_too_packets_arrive_in_order(void **state)
{
    (void)state;
    begin(820, TRANSPORT_TCP, 4);
    *stats(0) = *stats(1) = (struct tunnel_crypto_stats){.own = 0};
    for (unsigned i = 0; i < 20; i++) {
        pair_offer(0, 40 * i, 40);
        pair_run_for(20 * MS);
    }
    expect_numbers(1, 0, 800);
    assert_in_range(stats(0)->messages, 800, 820);
    assert_in_range(stats(1)->messages, 800, 820);
    assert_true(dialler->crypto.late > 0);
    assert_int_equal(dialler->tunnel.tcp.n_sent, 0);
    pair_finish();
}

/* Whether others open messages (n_crypto) or nobody does. */
static void
expect_order_around_a_hole(uint64_t seed, unsigned n_crypto)
{
    begin(seed, TRANSPORT_TCP, n_crypto);
    other->crypto.idle = true;
    pair.wire = keep_segments;
    pair_offer(0, 0, 8);
    assert_int_equal(wire.n, 8);
    arrive(0, 2);
    come(2);
    come(3);
    assert_int_equal(pair.out[1].n, n_crypto > 0 ? 0 : 2);
    come(5); /* beyond a hole: at once, but behind all that */
    come(6);
    assert_int_equal(other->tunnel.tcp.stats.early_delivered, 2);
    assert_int_equal(pair.out[1].n, 6);
    arrive(4, 1);
    arrive(7, 1);
    node_settle(other, pair.now);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(pair.out[1].number[i], ((const unsigned[]){0, 1, 2, 3, 5, 6, 4, 7})[i]);
    assert_int_equal(pair.out[1].n, 8);
    pair_finish();
}

static void
what_lies_before_a_hole_comes_out_before_what_lies_beyond(void **state)
{
    (void)state;
    expect_order_around_a_hole(821, 0);
    expect_order_around_a_hole(822, 2);
}

static void
expect_order_at_a_filled_hole(uint64_t seed, unsigned n_crypto)
{
    begin(seed, TRANSPORT_TCP, n_crypto);
    other->crypto.idle = true;
    pair.wire = keep_segments;
    offer_inner_tcp(5);
    assert_int_equal(wire.n, 5);
    arrive(0, 1);
    come(2);
    come(3);
    assert_int_equal(other->tunnel.tcp.stats.held, 2);
    expect_numbers(1, 0, 1);
    come(1); /* and releases what waited */
    expect_numbers(1, 0, 4);
    arrive(4, 1);
    node_settle(other, pair.now);
    expect_numbers(1, 0, 5);
    pair_finish();
}

static void
what_waited_for_a_hole_comes_out_behind_what_filled_it(void **state)
{
    (void)state;
    expect_order_at_a_filled_hole(823, 0);
    expect_order_at_a_filled_hole(824, 2);
}

/* It ends in the burst in which messages came on it, or while they are opened. */
static void
expect_messages_to_outlive_their_connection(uint64_t seed, unsigned n_crypto)
{
    struct tcp_transport *tcp = &other->tunnel.tcp;

    begin(seed, TRANSPORT_TCP, n_crypto);
    other->crypto.idle = true;
    pair.wire = keep_segments;
    pair_offer(0, 0, 3);
    come(0);
    come(1);
    come(2);
    tcp_flow_reset(tcp, pair_clock(1), flow_of(other));
    tcp_transport_run(tcp, pair_clock(1));
    assert_int_equal(tcp->n_flows, 0); /* its place may be another's now */
    assert_int_equal(pair.out[1].n, n_crypto > 0 ? 0 : 3);
    node_settle(other, pair.now);
    expect_numbers(1, 0, 3);
    assert_int_equal(other->peer->path.path.kind, TRANSPORT_NONE);
    pair_finish();
}

static void
messages_outlive_the_connection_that_they_came_on(void **state)
{
    (void)state;
    expect_messages_to_outlive_their_connection(825, 0);
    expect_messages_to_outlive_their_connection(826, 1);
}

static void
room_that_is_promised_is_not_given_twice(void **state)
{
    struct tunnel *t = &dialler->tunnel;
    struct tcp_flow *f;
    uint32_t room;

    (void)state;
    begin(827, TRANSPORT_TCP, 1);
    dialler->crypto.idle = true;
    t->crypto->backlog = CRYPTO_QUEUE_SIZE;
    f = flow_of(dialler);
    room = tcp_flow_room(f, pair_clock(0));
    assert_in_range(room, 5 * PAIR_PACKET_LEN, 50 * PAIR_PACKET_LEN);
    offer_and_run(100);
    assert_true(crypto_queue_count(&t->crypto->queues[CRYPTO_SEAL]) > 0);
    assert_int_equal(tcp_flow_room(f, pair_clock(0)), room); /* as if nothing were under way */
    assert_in_range(t->tcp.n_sent * PAIR_PACKET_LEN, room / 2, room + PAIR_PACKET_LEN);
    assert_in_range(dialler->peer->staged.count, 1, 100 - t->tcp.n_sent);
    node_settle(dialler, pair.now);
    pair_run_for(S);
    expect_numbers(1, 0, 100);
    assert_int_equal(t->tcp.n_sent, 0);
    pair_finish();
}

static void
a_connection_that_ends_loses_what_was_promised_to_it(void **state)
{
    struct tunnel *t = &dialler->tunnel;
    struct crypto_batch *b;

    (void)state;
    begin(828, TRANSPORT_TCP, 1);
    offer_and_run(5);
    b = crypto_queue_take(&t->crypto->queues[CRYPTO_SEAL]);
    assert_non_null(b);
    assert_int_equal(t->tcp.n_sent, 5);
    tcp_flow_reset(&t->tcp, pair_clock(0), flow_of(dialler));
    tcp_transport_run(&t->tcp, pair_clock(0));
    assert_int_equal(t->tcp.n_sent, 0);
    crypto_batch_run(b);
    tunnel_run(t, pair_clock(0));
    assert_int_equal(pair_drops(0, WGT_DROP_CONNECTION_LOST), 5);
    assert_int_equal(t->tcp.n_sent, 0);
    pair_run_for(5 * S);
    pair_offer(0, 7, 1); /* over the next one */
    pair_run_for(S);
    expect_numbers(1, 7, 1);
    pair_finish();
}

static void
a_key_that_died_gives_its_room_back(void **state)
{
    struct tunnel *t = &dialler->tunnel;
    struct crypto_batch *b;
    struct tcp_flow *f;

    (void)state;
    begin(829, TRANSPORT_TCP, 1);
    f = flow_of(dialler);
    offer_and_run(5);
    b = crypto_queue_take(&t->crypto->queues[CRYPTO_SEAL]);
    node_remove_peer(dialler);
    tunnel_run(t, pair_clock(0));
    assert_true(b->seal[0].keypair->retired);
    assert_int_not_equal(f->promised, 0);
    crypto_batch_run(b);
    tunnel_run(t, pair_clock(0));
    assert_int_equal(f->promised, 0);
    assert_int_equal(t->tcp.n_sent, 0);
    assert_int_equal(pair_drops(0, WGT_DROP_DATA_EXPIRED), 5);
    node_settle(dialler, pair.now);
    assert_true(dialler->peer_removed);
    pair_finish();
}

static void
what_is_being_sealed_leaves_before_a_node_that_stops(void **state)
{
    (void)state;
    begin(830, TRANSPORT_TCP, 1);
    dialler->crypto.idle = true;
    offer_and_run(5);
    node_stop(dialler);
    pair_run_for(S);
    expect_numbers(1, 0, 5);
    pair_finish();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(
            packets_leave_and_arrive_in_order_though_batches_finish_out_of_order, pair_clean_up),
        cmocka_unit_test_teardown(staged_packets_stay_behind_those_in_flight, pair_clean_up),
        cmocka_unit_test_teardown(what_nobody_takes_the_worker_does, pair_clean_up),
        cmocka_unit_test_teardown(sending_does_not_keep_what_was_received_waiting, pair_clean_up),
        cmocka_unit_test_teardown(with_every_place_in_use_the_worker_waits_and_loses_nothing,
                                  pair_clean_up),
        cmocka_unit_test_teardown(a_few_messages_go_at_once_when_nothing_is_in_flight,
                                  pair_clean_up),
        cmocka_unit_test_teardown(a_forged_message_in_a_batch_drops_alone, pair_clean_up),
        cmocka_unit_test_teardown(a_replay_is_seen_within_a_batch_and_across_batches,
                                  pair_clean_up),
        cmocka_unit_test_teardown(a_key_dies_with_the_last_message_under_it, pair_clean_up),
        cmocka_unit_test_teardown(what_is_received_under_keys_that_are_gone_is_dropped,
                                  pair_clean_up),
        cmocka_unit_test_teardown(a_node_that_ends_leaves_nothing_behind, pair_clean_up),
        cmocka_unit_test_teardown(a_peer_leaves_its_worker_when_all_is_back, pair_clean_up),
        cmocka_unit_test_teardown(over_tcp_too_packets_arrive_in_order, pair_clean_up),
        cmocka_unit_test_teardown(what_lies_before_a_hole_comes_out_before_what_lies_beyond,
                                  pair_clean_up),
        cmocka_unit_test_teardown(what_waited_for_a_hole_comes_out_behind_what_filled_it,
                                  pair_clean_up),
        cmocka_unit_test_teardown(messages_outlive_the_connection_that_they_came_on, pair_clean_up),
        cmocka_unit_test_teardown(room_that_is_promised_is_not_given_twice, pair_clean_up),
        cmocka_unit_test_teardown(a_connection_that_ends_loses_what_was_promised_to_it,
                                  pair_clean_up),
        cmocka_unit_test_teardown(a_key_that_died_gives_its_room_back, pair_clean_up),
        cmocka_unit_test_teardown(what_is_being_sealed_leaves_before_a_node_that_stops,
                                  pair_clean_up),
    };

    return cmocka_run_group_tests(tests, sim_group_setup, sim_group_teardown);
}
