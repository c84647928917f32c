/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets copied on their way: what the reader sees, and that a slow one costs the worker nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wgtcpd/dataplane/capture.h>

#include "eal_rig.h"

enum { POOL = 255, SNAPLEN = 100, PORTS = 0x5 /* 0 and 2 */ };

static struct rte_mempool *pool;
static struct capture *capture;

static struct rte_mbuf *
packet(uint8_t mark, uint16_t len)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

    assert_non_null(m);
    memset(rte_pktmbuf_append(m, len), mark, len);
    return m;
}

static void
passes(unsigned port, bool out, struct rte_mbuf *m)
{
    capture_burst(capture, port, out, &m, 1);
    rte_pktmbuf_free(m);
}

static int
set_up(void **state)
{
    (void)state;
    capture = capture_new(PORTS, SNAPLEN);
    return capture == NULL;
}

static int
tear_down(void **state)
{
    (void)state;
    capture_free(capture);
    assert_int_equal(rte_mempool_in_use_count(pool), 0);
    return 0;
}

static void
packets_are_seen_in_their_order(void **state)
{
    const struct capture_packet *p;

    (void)state;
    assert_null(capture_peek(capture));
    capture->now = 7;
    passes(0, false, packet(1, 60));
    capture->now = 8;
    passes(2, true, packet(2, 61));
    p = capture_peek(capture);
    assert_non_null(p);
    assert_int_equal(p->at, 7);
    assert_int_equal(p->port, 0);
    assert_false(p->out);
    assert_int_equal(p->len, 60);
    assert_int_equal(p->captured, 60);
    assert_int_equal(p->data[0], 1);
    assert_int_equal(p->data[59], 1);
    capture_next(capture);
    p = capture_peek(capture);
    assert_non_null(p);
    assert_int_equal(p->at, 8);
    assert_int_equal(p->port, 2);
    assert_true(p->out);
    assert_int_equal(p->data[60], 2);
    capture_next(capture);
    assert_null(capture_peek(capture));
}

static void
ports_that_nobody_asked_for_are_left_out(void **state)
{
    (void)state;
    passes(1, false, packet(1, 60));
    assert_null(capture_peek(capture));
    assert_int_equal(capture_missed(capture, 1), 0);
}

static void
of_a_long_packet_the_beginning_is_kept(void **state)
{
    const struct capture_packet *p;

    (void)state;
    passes(0, false, packet(1, SNAPLEN + 1));
    p = capture_peek(capture);
    assert_int_equal(p->len, SNAPLEN + 1);
    assert_int_equal(p->captured, SNAPLEN);
}

static void
a_packet_in_parts_is_kept_whole(void **state)
{
    struct rte_mbuf *head = packet(1, 30);
    const struct capture_packet *p;

    (void)state;
    assert_int_equal(rte_pktmbuf_chain(head, packet(2, 40)), 0);
    passes(0, true, head);
    p = capture_peek(capture);
    assert_int_equal(p->captured, 70);
    assert_int_equal(p->data[29], 1);
    assert_int_equal(p->data[30], 2);
    assert_int_equal(p->data[69], 2);
}

/* Of a burst what has room is copied; the rest is counted, and what was there is not written over.
 */
static void
what_finds_no_room_is_counted(void **state)
{
    struct rte_mbuf *burst[3] = {packet(0xb0, 60), packet(0xb1, 60), packet(0xb2, 60)};
    unsigned n = 0;

    (void)state;
    for (unsigned i = 0; i < CAPTURE_SLOTS - 1; i++)
        capture_burst(capture, 0, false, burst, 1);
    capture_burst(capture, 2, true, burst, 3);
    assert_int_equal(capture_missed(capture, 0), 0);
    assert_int_equal(capture_missed(capture, 2), 2);
    capture_next(capture);
    capture_burst(capture, 2, true, burst + 1, 1);
    assert_int_equal(capture_missed(capture, 2), 2);
    rte_pktmbuf_free_bulk(burst, 3);
    for (const struct capture_packet *p; (p = capture_peek(capture)) != NULL; n++) {
        assert_int_equal(p->data[0], n < CAPTURE_SLOTS - 1 ? 0xb0 : 0xb1);
        capture_next(capture);
    }
    assert_int_equal(n, CAPTURE_SLOTS);
}

/* Counts of slots are compared across the wrap of 32 bits. */
static void
counts_may_wrap(void **state)
{
    (void)state;
    capture->head = capture->tail = UINT32_MAX;
    passes(0, false, packet(1, 60));
    passes(0, false, packet(2, 60));
    assert_int_equal(capture_peek(capture)->data[0], 1);
    capture_next(capture);
    assert_int_equal(capture_peek(capture)->data[0], 2);
    capture_next(capture);
    assert_null(capture_peek(capture));
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(packets_are_seen_in_their_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ports_that_nobody_asked_for_are_left_out, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(of_a_long_packet_the_beginning_is_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_packet_in_parts_is_kept_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_finds_no_room_is_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(counts_may_wrap, set_up, tear_down),
    };

    (void)argc;
    pool = eal_rig_start(argv[0], "64", POOL, 2048);
    if (pool == NULL)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
