/* SPDX-License-Identifier: BSD-3-Clause */
/* Nodes of several workers: peers that move between them, and what is on its way meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <rte_ring_elem.h>

#include <wgtcpd/tunnel/report.h>

#include "pair.h"
#include "sim.h"

#define S  WGT_SEC
#define MS WGT_MSEC

enum { WORKERS = 4 };

static struct node *const dialler = &pair.node[0], *const other = &pair.node[1];

static void
begin_with_workers(uint64_t seed, enum transport_kind kind, unsigned here, unsigned there)
{
    struct node_config config[2];

    pair_configure(config, kind);
    config[0].n_workers = here;
    config[1].n_workers = there;
    pair_begin_with_session(seed, config);
}

static void
expect_passes(unsigned from, unsigned n)
{
    static uint32_t number;
    struct pair_out *out = &pair.out[1 - from];

    out->n = 0;
    pair_offer(from, number, n);
    pair_run_for(2 * S);
    assert_int_equal(out->n, n);
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(out->number[i], number++);
}

static unsigned
worker_of_connection(const struct node *n, const struct path *p)
{
    return shards_of_connection(n->shards.n, &p->local, &p->remote);
}

static void
break_connection(void)
{
    unsigned worker = tunnel_peer_worker(dialler->peer);
    struct tcp_flow *f = tcp_flow_of(&dialler->peer->path.path);

    assert_non_null(f);
    tcp_flow_reset(&dialler->shards.of[worker]->tcp, pair_clock(0), f);
    node_settle(dialler, pair.now);
}

/* As a tunnel does that hears the peer on a connection of `worker`. */
static void
ask_to_move(struct node *n, struct tunnel_peer *p, unsigned worker)
{
    struct tunnel_event e = {.type = TUNNEL_EVENT_MOVE, .peer = p, .worker = worker};
    unsigned from = tunnel_peer_worker(p);

    assert_int_equal(rte_ring_enqueue_elem(n->events[from], &e, sizeof(e)), 0);
}

/* How many workers know where a message to this index is to go on to. */
static unsigned
marks(struct node *n, uint32_t index)
{
    struct path from = {.kind = TRANSPORT_UDP};
    uint8_t message[MESSAGE_MIN_LEN] = {MESSAGE_DATA};
    uint64_t before = n->shards.handed;

    put_le32(message + 4, index);
    for (unsigned i = 0; i < n->shards.n; i++) {
        struct rte_mbuf *m = rte_pktmbuf_alloc(n->pool);

        assert_non_null(m);
        memcpy(rte_pktmbuf_append(m, sizeof(message)), message, sizeof(message));
        tunnel_rx_handed(n->shards.of[i], pair_clock(n->id), &from, m);
    }
    return (unsigned)(n->shards.handed - before);
}

/* --- tests ---------------------------------------------------------------------------------------
 */

static void
a_new_peer_goes_to_the_worker_with_the_fewest(void **state)
{
    struct node_config config[2];

    (void)state;
    pair_configure(config, TRANSPORT_UDP);
    config[0].n_workers = 2;
    config[0].n_peers = 3;
    pair_begin(2, IP_V4, config, NULL);
    assert_int_equal(tunnel_peer_worker(dialler->peers[1]), 0);
    assert_int_equal(tunnel_peer_worker(dialler->peers[2]), 1);
    assert_int_equal(tunnel_peer_worker(dialler->peers[3]), 0);
    node_remove_peer(dialler);
    node_settle(dialler, pair.now);
    assert_int_equal(dialler->handshaker.workers[0].n_peers, 1);
    assert_true(dialler->peer_removed);
    pair_finish();
}

/* An index names its worker modulo their number, whatever that is. */
static void
an_index_names_the_worker_of_its_peer(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= WORKERS; n++) {
        const struct noise_keypair *k;

        begin_with_workers(n, TRANSPORT_UDP, n, n);
        k = other->peer->session.current;
        assert_int_equal(message_index_worker(k->local_index) % n, tunnel_peer_worker(other->peer));
        expect_passes(0, 20);
        expect_passes(1, 20);
        assert_int_equal(other->shards.handed, 0);
        pair_finish();
    }
}

/* Each dial comes from another port, and so to any worker. The session lives on. */
static void
a_peer_moves_to_the_worker_that_has_its_connection(void **state)
{
    bool was_at[WORKERS] = {false};

    (void)state;
    begin_with_workers(3, TRANSPORT_TCP, 1, WORKERS);
    for (unsigned i = 0; i < 24; i++) {
        unsigned at = tunnel_peer_worker(other->peer);

        assert_int_equal(at, worker_of_connection(other, &other->peer->path.path));
        assert_int_equal(node_count_flows(other), 1);
        was_at[at] = true;
        break_connection();
        expect_passes(0, 10);
        expect_passes(1, 10);
    }
    for (unsigned i = 0; i < WORKERS; i++)
        assert_true(was_at[i]);
    assert_true(other->handshaker.moves > 10);
    assert_true(other->shards.handed > 0);
    assert_int_equal(other->peer->stats.handshakes, 1);
    assert_int_equal(node_count_drops(other, WGT_DROP_DATA_INDEX), 0);
    pair_finish();
}

/* Who dials chooses a port that its own worker is given: it never moves. */
static void
a_dial_stays_at_its_worker(void **state)
{
    (void)state;
    begin_with_workers(4, TRANSPORT_TCP, WORKERS, 1);
    ask_to_move(dialler, dialler->peer, 2);
    node_settle(dialler, pair.now);
    assert_int_equal(tunnel_peer_worker(dialler->peer), 2);
    pair_run_for(S);
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(worker_of_connection(dialler, &dialler->peer->path.path), 2);
        break_connection();
        expect_passes(0, 10);
        expect_passes(1, 10);
    }
    assert_int_equal(dialler->handshaker.moves, 1);
    pair_finish();
}

/* Datagrams are steered by the index, which knows nothing of the move. */
static void
datagrams_find_a_peer_that_moved(void **state)
{
    (void)state;
    begin_with_workers(5, TRANSPORT_UDP, 1, WORKERS);
    for (unsigned i = 1; i <= 2 * WORKERS; i++) {
        ask_to_move(other, other->peer, i % WORKERS);
        node_settle(other, pair.now);
        assert_int_equal(tunnel_peer_worker(other->peer), i % WORKERS);
        expect_passes(0, 20);
        expect_passes(1, 20);
    }
    assert_true(other->shards.handed >= 20 * (WORKERS - 1));
    assert_int_equal(other->peer->stats.handshakes, 1);
    assert_int_equal(node_count_drops(other, WGT_DROP_DATA_INDEX), 0);
    pair_finish();
}

/* Inner packets that came for it before, and while it was under way. */
static void
what_waits_moves_along(void **state)
{
    (void)state;
    begin_with_workers(6, TRANSPORT_UDP, WORKERS, 1);
    for (unsigned i = 0; i < 3 * WORKERS; i++) {
        struct pair_out *out = &pair.out[1];

        out->n = 0;
        ask_to_move(dialler, dialler->peer, i % WORKERS);
        pair_offer(0, 0, 30);
        pair_offer(0, 30, 30);
        pair_run_for(S);
        assert_int_equal(out->n, 60);
    }
    assert_int_equal(node_count_drops(dialler, WGT_DROP_PEER_MOVING), 0);
    pair_finish();
}

/* Without a session packets are staged; they go with the peer. */
static void
staged_packets_move_along(void **state)
{
    struct node_config config[2];

    (void)state;
    pair_configure(config, TRANSPORT_UDP);
    config[0].n_workers = WORKERS;
    pair_begin(7, IP_V4, config, NULL);
    pair.wire = pair_nothing_passes;
    pair_offer(0, 0, 40);
    pair_run_for(MS);
    assert_int_equal(dialler->peer->staged.count, 40);
    ask_to_move(dialler, dialler->peer, 3);
    node_settle(dialler, pair.now);
    assert_int_equal(tunnel_peer_worker(dialler->peer), 3);
    assert_int_equal(dialler->peer->staged.count, 40);
    pair.wire = NULL;
    pair_run_for(10 * S);
    assert_int_equal(pair.out[1].n, 40);
    for (unsigned i = 0; i < 40; i++)
        assert_int_equal(pair.out[1].number[i], i);
    pair_finish();
}

/* Marks of an index end with its keypair, or a table would fill. */
static void
workers_forget_the_index_of_a_retired_keypair(void **state)
{
    uint32_t index;

    (void)state;
    begin_with_workers(8, TRANSPORT_UDP, 1, WORKERS);
    index = other->peer->session.current->local_index;
    for (unsigned i = 1; i <= 3; i++) {
        ask_to_move(other, other->peer, i);
        node_settle(other, pair.now);
    }
    assert_int_equal(marks(other, index), 3); /* at 0, 1 and 2 */
    node_settle(other, pair.now);
    device_set_link(&other->device, false);
    node_settle(other, pair.now);
    assert_int_equal(marks(other, index), 0);
    pair_finish();
}

/* An initiation leaves, and its peer moves before the response comes: the index is of the worker
 * that had it. */
static void
a_session_whose_index_is_of_another_worker_receives(void **state)
{
    struct node_config config[2];

    (void)state;
    pair_configure(config, TRANSPORT_UDP);
    config[0].n_workers = WORKERS;
    pair_begin(9, IP_V4, config, NULL);
    pair_offer(0, 0, 1);
    ask_to_move(dialler, dialler->peer, 2);
    pair_run_for(S);
    assert_int_equal(tunnel_peer_worker(dialler->peer), 2);
    assert_non_null(dialler->peer->session.current);
    assert_int_equal(message_index_worker(dialler->peer->session.current->local_index) % WORKERS,
                     0);
    expect_passes(1, 20);
    assert_int_equal(node_count_drops(dialler, WGT_DROP_DATA_INDEX), 0);
    pair_finish();
}

/* Commands of many moves at once, across each other: no worker waits for ever. */
static void
moves_across_each_other_end(void **state)
{
    struct node_config config[2];
    struct prng r = prng_fork(10, 'm');

    (void)state;
    pair_configure(config, TRANSPORT_UDP);
    config[0].n_workers = WORKERS;
    config[0].n_peers = 3;
    pair_begin(10, IP_V4, config, NULL);
    for (unsigned i = 0; i < 100; i++) {
        for (unsigned j = 0; j < 12; j++)
            ask_to_move(dialler, dialler->peers[1 + prng_below(&r, 3)],
                        (unsigned)prng_below(&r, WORKERS));
        node_settle(dialler, pair.now);
        for (unsigned j = 1; j <= 3; j++) {
            const struct tunnel_peer *p = dialler->peers[j];
            const struct handshaker_peer *h = p->handshaker_peer;

            assert_int_equal(tunnel_peer_worker(p), h->worker);
            assert_true(p->added && !p->moving);
        }
    }
    assert_true(dialler->handshaker.moves > 500);
    pair_finish();
}

static struct tunnel_report *back;

static void
reported(void *ctx, struct tunnel_report *r)
{
    (void)ctx;
    back = r;
}

/* Whatever moves before and after: the report is at one place among the commands. */
static void
a_report_has_each_peer_while_they_move(void **state)
{
    struct tunnel_report *r = calloc(1, sizeof(*r) + 3 * sizeof(r->peers[0]));
    struct node_config config[2];
    struct prng rng = prng_fork(11, 'r');

    (void)state;
    assert_non_null(r);
    pair_configure(config, TRANSPORT_UDP);
    config[0].n_workers = WORKERS;
    config[0].n_peers = 3;
    pair_begin(11, IP_V4, config, NULL);
    dialler->handshaker.reported = reported;
    for (unsigned i = 0; i < 50; i++) {
        memset(r, 0, sizeof(*r) + 3 * sizeof(r->peers[0]));
        r->n_peers = 3;
        back = NULL;
        for (unsigned j = 0; j < 12; j++) {
            struct wall_clock wall = {0};

            r->peers[j % 3].peer = dialler->peers[1 + j % 3];
            ask_to_move(dialler, dialler->peers[1 + prng_below(&rng, 3)],
                        (unsigned)prng_below(&rng, WORKERS));
            handshaker_run(&dialler->handshaker, pair_clock(0), &wall, 32);
            if (j == 6)
                assert_int_equal(handshaker_report(&dialler->handshaker, r), 0);
        }
        node_settle(dialler, pair.now);
        assert_ptr_equal(back, r);
        for (unsigned j = 0; j < 3; j++)
            assert_int_equal(r->peers[j].endpoint.addr.family, IP_V4);
    }
    pair_finish();
    free(r);
}

/* Whoever says the last word of it: nothing that an earlier owner had said may come later. */
static void
a_peer_is_removed_while_it_moves(void **state)
{
    (void)state;
    for (uint64_t seed = 100; seed < 140; seed++) {
        begin_with_workers(seed, TRANSPORT_TCP, 1, WORKERS);
        pair_offer(0, 0, 5);
        break_connection();
        pair_run_for((seed - 100) * 100 * WGT_USEC);
        ask_to_move(other, other->peer, seed % WORKERS);
        node_remove_peer(other);
        node_settle(other, pair.now);
        assert_true(other->peer_removed);
        pair_finish();
    }
}

/* What it carries is not lost with the node. */
static void
a_node_ends_while_a_peer_moves(void **state)
{
    (void)state;
    for (unsigned turns = 0; turns < 12; turns++) {
        struct wall_clock wall = {0};

        begin_with_workers(200 + turns, TRANSPORT_UDP, WORKERS, 1);
        pair.wire = pair_nothing_passes;
        pair_run_for(200 * S);
        pair_offer(0, 0, 20);
        ask_to_move(dialler, dialler->peer, 1);
        handshaker_run(&dialler->handshaker, pair_clock(0), &wall, 32);
        for (unsigned i = 0; i < turns; i++)
            tunnel_run(dialler->shards.of[i % WORKERS == 1 ? 2 : i % WORKERS], pair_clock(0));
        pair_finish();
    }
}

/* The other worker may have read the clock later: time never runs backwards for a peer. */
static void
a_peer_is_not_adopted_before_its_release(void **state)
{
    wgt_time late = 5 * WGT_USEC;
    struct wall_clock wall = {0};

    (void)state;
    begin_with_workers(12, TRANSPORT_UDP, WORKERS, 1);
    ask_to_move(dialler, dialler->peer, 1);
    handshaker_run(&dialler->handshaker, pair_clock(0), &wall, 32);
    tunnel_run(dialler->shards.of[1], pair_clock(0) + late);
    assert_int_equal(tunnel_peer_worker(dialler->peer), 0);
    tunnel_run(dialler->shards.of[0], pair_clock(0) + late);
    assert_int_equal(tunnel_peer_worker(dialler->peer), 1);
    tunnel_run(dialler->shards.of[1], pair_clock(0));
    assert_false(dialler->peer->added);
    assert_int_equal(tunnel_deadline(dialler->shards.of[1]), 0);
    tunnel_run(dialler->shards.of[1], pair_clock(0) + late);
    assert_true(dialler->peer->added);
    pair_run_for(S);
    expect_passes(0, 5);
    pair_finish();
}

/* The new owner has it before it knows. */
static void
what_comes_between_release_and_adoption_waits(void **state)
{
    uint8_t packet[PAIR_PACKET_LEN];
    struct wall_clock wall = {0};

    (void)state;
    begin_with_workers(13, TRANSPORT_UDP, WORKERS, 1);
    pair.out[1].n = 0;
    ask_to_move(dialler, dialler->peer, 1);
    handshaker_run(&dialler->handshaker, pair_clock(0), &wall, 32);
    tunnel_run(dialler->shards.of[0], pair_clock(0));
    pair_packet(packet, 0, 1, IP_V4, 0, 77, sizeof(packet));
    node_rx_inner(dialler, pair.now, packet, sizeof(packet));
    tunnel_rx_inner_end(dialler->shards.of[1], pair_clock(0));
    assert_int_equal(dialler->peer->carried.count, 1);
    node_settle(dialler, pair.now);
    pair_run_for(S);
    assert_int_equal(pair.out[1].n, 1);
    assert_int_equal(pair.out[1].number[0], 77);
    pair_finish();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_new_peer_goes_to_the_worker_with_the_fewest, pair_clean_up),
        cmocka_unit_test_teardown(an_index_names_the_worker_of_its_peer, pair_clean_up),
        cmocka_unit_test_teardown(a_peer_moves_to_the_worker_that_has_its_connection,
                                  pair_clean_up),
        cmocka_unit_test_teardown(a_dial_stays_at_its_worker, pair_clean_up),
        cmocka_unit_test_teardown(datagrams_find_a_peer_that_moved, pair_clean_up),
        cmocka_unit_test_teardown(what_waits_moves_along, pair_clean_up),
        cmocka_unit_test_teardown(staged_packets_move_along, pair_clean_up),
        cmocka_unit_test_teardown(workers_forget_the_index_of_a_retired_keypair, pair_clean_up),
        cmocka_unit_test_teardown(a_session_whose_index_is_of_another_worker_receives,
                                  pair_clean_up),
        cmocka_unit_test_teardown(moves_across_each_other_end, pair_clean_up),
        cmocka_unit_test_teardown(a_report_has_each_peer_while_they_move, pair_clean_up),
        cmocka_unit_test_teardown(a_peer_is_removed_while_it_moves, pair_clean_up),
        cmocka_unit_test_teardown(a_node_ends_while_a_peer_moves, pair_clean_up),
        cmocka_unit_test_teardown(what_comes_between_release_and_adoption_waits, pair_clean_up),
        cmocka_unit_test_teardown(a_peer_is_not_adopted_before_its_release, pair_clean_up),
    };

    return cmocka_run_group_tests(tests, sim_group_setup, sim_group_teardown);
}
