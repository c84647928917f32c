/* SPDX-License-Identifier: BSD-3-Clause */
/* Rings between workers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <wgtcpd/dataplane/handover.h>

#include "eal_rig.h"

enum { WORKERS = 3, POOL = 4095, RACE = 5000 };

static struct rte_mempool *pool;
static struct handover workers[WORKERS];
static struct wgt_drop_counters drops[WORKERS];

/* What was taken, by anybody. */
static struct {
    unsigned n, by, link;
    enum handed what;
    uint32_t last;
    struct path path;
    uint8_t ecn;
    bool in_order;
} taken;

static void
take(void *ctx, enum handed what, unsigned link, struct rte_mbuf *m)
{
    uint32_t number = *rte_pktmbuf_mtod(m, uint32_t *);

    taken.in_order = taken.in_order && (taken.n == 0 || number == taken.last + 1);
    taken.last = number;
    taken.n++;
    taken.by = ((struct handover *)ctx)->id;
    taken.link = link;
    taken.what = what;
    taken.ecn = packet_meta(m)->ecn;
    if (what == HANDED_MESSAGE)
        taken.path = handover_path(m);
    rte_pktmbuf_free(m);
}

static int
set_up(void **state)
{
    (void)state;
    memset(workers, 0, sizeof(workers));
    memset(drops, 0, sizeof(drops));
    memset(&taken, 0, sizeof(taken));
    taken.in_order = true;
    for (unsigned i = 0; i < WORKERS; i++) {
        for (unsigned k = 0; k < WORKERS; k++)
            workers[i].all[k] = &workers[k];
        workers[i].wake_fd = eventfd(0, EFD_NONBLOCK);
        workers[i].drops = &drops[i];
        workers[i].ctx = &workers[i];
        workers[i].take = take;
        if (handover_init(&workers[i], "test", i, WORKERS) != 0)
            return -1;
    }
    return 0;
}

/* Every test ends with every packet back in the pool. */
static int
tear_down(void **state)
{
    (void)state;
    for (unsigned i = 0; i < WORKERS; i++) {
        handover_fini(&workers[i]);
        close(workers[i].wake_fd);
    }
    assert_int_equal(rte_mempool_avail_count(pool), POOL);
    return 0;
}

static struct rte_mbuf *
packet(uint32_t number)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

    assert_non_null(m);
    *(uint32_t *)(void *)rte_pktmbuf_append(m, sizeof(number)) = number;
    return m;
}

static bool
woken(unsigned worker)
{
    uint64_t n;

    return read(workers[worker].wake_fd, &n, sizeof(n)) == sizeof(n);
}

static void
packets_arrive_in_order_and_with_what_they_are(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 3 * HANDOVER_BURST + 5; i++)
        handover_give(&workers[2], 0, HANDED_SEND, 7, packet(i));
    handover_flush(&workers[2]);
    assert_int_equal(handover_run(&workers[1]), 0);
    while (handover_run(&workers[0]) > 0)
        ;
    assert_int_equal(taken.n, 3 * HANDOVER_BURST + 5);
    assert_true(taken.in_order);
    assert_int_equal(taken.by, 0);
    assert_int_equal(taken.link, 7);
    assert_int_equal(taken.what, HANDED_SEND);
}

static void
nothing_moves_before_the_flush(void **state)
{
    (void)state;
    handover_give(&workers[0], 1, HANDED_INNER, 0, packet(0));
    handover_give(&workers[0], 2, HANDED_FRAME, 0, packet(0));
    assert_int_equal(handover_run(&workers[1]), 0);
    handover_flush(&workers[0]);
    assert_int_equal(handover_run(&workers[1]), 1);
    assert_int_equal(taken.what, HANDED_INNER);
    assert_int_equal(handover_run(&workers[2]), 1);
    assert_int_equal(taken.what, HANDED_FRAME);
}

static void
a_full_ring_drops_and_counts(void **state)
{
    unsigned room = HANDOVER_RING_SIZE - 1;

    (void)state;
    for (uint32_t i = 0; i < room + 40; i++)
        handover_give(&workers[0], 1, HANDED_INNER, 0, packet(i));
    handover_flush(&workers[0]);
    assert_int_equal(drops[0].n[WGT_DROP_WORKER_RING], 40);
    while (handover_run(&workers[1]) > 0)
        ;
    assert_int_equal(taken.n, room);
    assert_true(taken.in_order);
}

static void
a_message_takes_its_path_along(void **state)
{
    struct path path = {.kind = TRANSPORT_TCP, .generation = 9, .remote.port = 443};
    struct rte_mbuf *m = packet(5);

    (void)state;
    packet_meta(m)->ecn = 3;
    handover_give_message(&workers[1], 2, &path, m);
    handover_flush(&workers[1]);
    assert_int_equal(handover_run(&workers[2]), 1);
    assert_int_equal(taken.what, HANDED_MESSAGE);
    assert_memory_equal(&taken.path, &path, sizeof(path));
    assert_int_equal(taken.last, 5);
    assert_int_equal(taken.ecn, 3);
}

/* The other owner's headroom is left alone. */
static void
a_message_with_two_owners_is_copied(void **state)
{
    struct path path = {.kind = TRANSPORT_UDP};
    struct rte_mbuf *m = packet(6);
    uint8_t before[sizeof(path)];

    (void)state;
    memset((uint8_t *)m->buf_addr, 0xee, m->data_off);
    memcpy(before, rte_pktmbuf_mtod(m, uint8_t *) - sizeof(path), sizeof(path));
    packet_meta(m)->ecn = 2;
    rte_mbuf_refcnt_update(m, 1);
    handover_give_message(&workers[1], 2, &path, m);
    handover_flush(&workers[1]);
    assert_int_equal(handover_run(&workers[2]), 1);
    assert_int_equal(taken.last, 6);
    assert_int_equal(taken.ecn, 2);
    assert_memory_equal(rte_pktmbuf_mtod(m, uint8_t *) - sizeof(path), before, sizeof(path));
    assert_int_equal(rte_mbuf_refcnt_read(m), 1);
    rte_pktmbuf_free(m);
}

static void
without_headroom_a_message_is_dropped(void **state)
{
    struct path path = {.kind = TRANSPORT_UDP};
    struct rte_mbuf *m = packet(6);

    (void)state;
    m->data_off = sizeof(path) - 1;
    handover_give_message(&workers[1], 2, &path, m);
    handover_flush(&workers[1]);
    assert_int_equal(handover_run(&workers[2]), 0);
    assert_int_equal(drops[1].n[WGT_DROP_NO_BUFFER], 1);
}

static void
what_all_are_to_hear_is_copied_to_all(void **state)
{
    struct rte_mbuf *m = packet(1);

    (void)state;
    handover_give_all(&workers[1], HANDED_FRAME, 3, m);
    rte_pktmbuf_free(m);
    handover_flush(&workers[1]);
    assert_int_equal(handover_run(&workers[0]), 1);
    assert_int_equal(taken.link, 3);
    assert_int_equal(handover_run(&workers[2]), 1);
    assert_int_equal(handover_run(&workers[1]), 0);
}

/* --- sleeping -----------------------------------------------------------------------------------
 */

static void
only_who_sleeps_is_woken(void **state)
{
    (void)state;
    handover_give(&workers[0], 1, HANDED_INNER, 0, packet(0));
    handover_flush(&workers[0]);
    assert_false(woken(1));
    handover_run(&workers[1]);
    assert_true(handover_sleep(&workers[1]));
    handover_give(&workers[0], 1, HANDED_INNER, 0, packet(1));
    handover_give(&workers[0], 2, HANDED_INNER, 0, packet(1));
    handover_flush(&workers[0]);
    assert_true(woken(1));
    assert_false(woken(2));
    handover_give(&workers[2], 1, HANDED_INNER, 0, packet(2));
    handover_flush(&workers[2]); /* it was woken already */
    assert_false(woken(1));
    handover_awake(&workers[1]);
    handover_give(&workers[0], 1, HANDED_INNER, 0, packet(3));
    handover_flush(&workers[0]);
    assert_false(woken(1));
}

static void
nobody_sleeps_on_a_full_ring(void **state)
{
    (void)state;
    handover_give(&workers[0], 1, HANDED_INNER, 0, packet(0));
    handover_flush(&workers[0]);
    assert_false(handover_sleep(&workers[1]));
    handover_give(&workers[0], 1, HANDED_INNER, 0, packet(1));
    handover_flush(&workers[0]);
    assert_false(woken(1));
}

/* Sleeps whenever there is nothing, until all has come; as the worker's loop does. */
static void *
sleeper(void *arg)
{
    struct handover *h = arg;

    while (taken.n < RACE) {
        struct pollfd wake = {.fd = h->wake_fd, .events = POLLIN};
        uint64_t n;

        if (handover_run(h) > 0 || !handover_sleep(h))
            continue;
        if (poll(&wake, 1, 5000) == 0)
            return h; /* slept through it */
        handover_awake(h);
        (void)!read(h->wake_fd, &n, sizeof(n));
    }
    return NULL;
}

/* Each packet waits until the one before it was taken, and so meets the other going to sleep. */
static void
nobody_sleeps_through_a_packet(void **state)
{
    pthread_t thread;
    void *slept;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, sleeper, &workers[1]), 0);
    for (uint32_t i = 0; i < RACE; i++) {
        handover_give(&workers[0], 1, HANDED_INNER, 0, packet(i));
        handover_flush(&workers[0]);
        while (!rte_ring_empty(workers[1].in[0]))
            ;
    }
    pthread_join(thread, &slept);
    assert_null(slept);
    assert_int_equal(taken.n, RACE);
    assert_true(taken.in_order);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(packets_arrive_in_order_and_with_what_they_are),
        T(nothing_moves_before_the_flush),
        T(a_full_ring_drops_and_counts),
        T(a_message_takes_its_path_along),
        T(a_message_with_two_owners_is_copied),
        T(without_headroom_a_message_is_dropped),
        T(what_all_are_to_hear_is_copied_to_all),
        T(only_who_sleeps_is_woken),
        T(nobody_sleeps_on_a_full_ring),
        T(nobody_sleeps_through_a_packet),
#undef T
    };

    (void)argc;
    pool = eal_rig_start(argv[0], "64", POOL, 2048);
    if (pool == NULL)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
