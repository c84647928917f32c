/* SPDX-License-Identifier: BSD-3-Clause */
/* The TUN port with a socket that keeps messages apart in the kernel's place: no super-packet is
 * lost between bursts, and every buffer comes back. The TAP port: frames, and what is said about
 * their checksums. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <wgtcpd/dataplane/tun.h>

#include "eal_rig.h"
#include "offload_rig.h"

enum { POOL = 255, ROOM = 2048, BURST = 32, SIZE = 1000 };

static struct rte_mempool *pool;
static struct tun_port port;
static struct wgt_drop_counters drops;
static int kernel; /* its end */

static int
set_up(void **state)
{
    int ends[2];

    (void)state;
    memset(&drops, 0, sizeof(drops));
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends) != 0)
        return -1;
    port = (struct tun_port){
        .fd = ends[0],
        .drops = &drops,
        .super = malloc(TUN_SUPER_ROOM),
        .reasons = {WGT_DROP_INNER_OFFLOAD, WGT_DROP_INNER_TOO_BIG, WGT_DROP_INNER_TX}};
    coalesce_init(&port.joined, true, true);
    kernel = ends[1];
    return port.super != NULL ? 0 : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    tun_close(&port);
    close(kernel);
    assert_int_equal(rte_mempool_avail_count(pool), POOL);
    return 0;
}

static void
hand_out(const struct vnet_header *h, const uint8_t *packet, size_t len)
{
    static uint8_t message[VNET_HEADER_LEN + RIG_PACKET_MAX];

    vnet_write(message, h);
    memcpy(message + VNET_HEADER_LEN, packet, len);
    assert_int_equal(write(kernel, message, VNET_HEADER_LEN + len), VNET_HEADER_LEN + len);
}

static void
hand_out_super(uint32_t seq, unsigned segments)
{
    static uint8_t super[RIG_PACKET_MAX];
    struct rig_packet p = rig_tcp(seq, (size_t)segments * SIZE);
    size_t len;
    struct vnet_header h = rig_write_super(super, &p, SIZE, &len);

    hand_out(&h, super, len);
}

/* The next burst has these segments in order; frees them. */
static void
expect_burst(unsigned n, uint32_t seq)
{
    struct rte_mbuf *m[BURST];

    assert_int_equal(tun_rx_burst(&port, pool, m, BURST), n);
    for (unsigned i = 0; i < n; i++) {
        static uint8_t expected[ROOM];
        struct rig_packet p = rig_tcp(seq + i * SIZE, SIZE);
        size_t len = rig_write(expected, &p);
        uint8_t *got = rte_pktmbuf_mtod(m[i], uint8_t *);

        assert_int_equal(rte_pktmbuf_pkt_len(m[i]), len);
        assert_memory_equal(got + 20, expected + 20, len - 20);
    }
    rte_pktmbuf_free_bulk(m, n);
}

static void
a_super_packet_may_be_longer_than_a_burst(void **state)
{
    (void)state;
    hand_out_super(1, 50);
    hand_out_super(1 + 50 * SIZE, 3);
    expect_burst(32, 1);
    assert_true(tun_has_more(&port));
    expect_burst(18 + 3, 1 + 32 * SIZE);
    assert_false(tun_has_more(&port));
    expect_burst(0, 0);
    assert_int_equal(port.stats.rx, 53);
    assert_int_equal(port.stats.rx_supers, 2);
    assert_int_equal(port.stats.rx_cut, 53);
}

static void
a_super_packet_waits_for_buffers(void **state)
{
    struct rte_mbuf *taken[POOL];

    (void)state;
    hand_out_super(1, 10);
    assert_int_equal(rte_pktmbuf_alloc_bulk(pool, taken, POOL - 4), 0);
    expect_burst(4, 1);
    assert_true(tun_has_more(&port));
    rte_pktmbuf_free_bulk(taken, POOL - 4);
    expect_burst(6, 1 + 4 * SIZE);
}

static void
a_packet_is_read_into_its_buffer_and_completed(void **state)
{
    static uint8_t packet[ROOM];
    struct rig_packet p = rig_tcp(7, SIZE);
    size_t len = rig_write(packet, &p);
    struct vnet_header h = rig_make_partial(packet, len);

    (void)state;
    hand_out(&h, packet, len);
    expect_burst(1, 7);
    assert_int_equal(port.stats.rx_supers, 0);
}

static void
what_makes_no_sense_is_counted_and_passed_over(void **state)
{
    static uint8_t packet[3 * ROOM];
    struct vnet_header ufo = {.gso = 3}, none = {.gso = VNET_GSO_NONE};

    (void)state;
    hand_out(&ufo, packet, 100);
    hand_out(&none, packet, sizeof(packet)); /* larger than a buffer */
    hand_out(&none, packet, 0);
    hand_out_super(1, 2);
    expect_burst(2, 1);
    assert_int_equal(drops.n[WGT_DROP_INNER_OFFLOAD], 1);
    assert_int_equal(drops.n[WGT_DROP_INNER_TOO_BIG], 2);
}

static void
pieces_larger_than_a_buffer_are_refused(void **state)
{
    static uint8_t super[RIG_PACKET_MAX];
    struct rig_packet p = rig_tcp(1, 3 * ROOM);
    size_t len;
    struct vnet_header h = rig_write_super(super, &p, ROOM, &len);

    (void)state;
    hand_out(&h, super, len);
    expect_burst(0, 0);
    assert_false(tun_has_more(&port));
    assert_int_equal(drops.n[WGT_DROP_INNER_TOO_BIG], 1);
}

static void
give(uint32_t seq, uint16_t src_port)
{
    struct rig_packet p = rig_tcp(seq, SIZE);
    struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

    assert_non_null(m);
    p.src_port = src_port;
    rte_pktmbuf_append(m, (uint16_t)rig_write(rte_pktmbuf_mtod(m, uint8_t *), &p));
    tun_tx(&port, m);
}

static void
what_is_sent_leaves_with_the_flush_as_one(void **state)
{
    static uint8_t message[VNET_HEADER_LEN + RIG_PACKET_MAX];
    struct vnet_header h;

    (void)state;
    for (uint32_t i = 0; i < 10; i++)
        give(1 + i * SIZE, 40000);
    assert_int_equal(read(kernel, message, sizeof(message)), -1);
    tun_flush(&port);
    assert_int_equal(read(kernel, message, sizeof(message)), VNET_HEADER_LEN + 52 + 10 * SIZE);
    vnet_read(&h, message);
    assert_int_equal(h.gso, VNET_GSO_TCP_V4);
    for (uint32_t i = 0; i < 10 * SIZE; i++)
        assert_int_equal(message[VNET_HEADER_LEN + 52 + i], rig_byte(0, 1 + i));
    assert_int_equal(port.stats.tx, 10);
    assert_int_equal(port.stats.tx_supers, 1);
    assert_int_equal(port.stats.tx_joined, 10);
    tun_flush(&port);
    assert_int_equal(read(kernel, message, sizeof(message)), -1);
}

static void
a_full_batch_leaves_by_itself(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COALESCE_BATCH + 1; i++)
        give(1 + i * SIZE, 40000);
    assert_int_equal(port.stats.tx, COALESCE_BATCH);
    tun_flush(&port);
    assert_int_equal(port.stats.tx, COALESCE_BATCH + 1);
}

static void
what_the_kernel_does_not_take_is_counted(void **state)
{
    (void)state;
    shutdown(kernel, SHUT_RD);
    for (uint32_t i = 0; i < 5; i++)
        give(1 + i * SIZE, 40000);
    give(1, 40001);
    tun_flush(&port);
    assert_int_equal(drops.n[WGT_DROP_INNER_TX], 6);
    assert_int_equal(port.stats.tx, 0);
}

static void
closing_frees_what_waits(void **state)
{
    (void)state;
    hand_out_super(1, 40);
    expect_burst(32, 1);
    give(1, 40000);
    tun_close(&port); /* tear_down counts */
    assert_false(tun_has_more(&port));
}

/* --- the same as a TAP --- */

static int
set_up_tap(void **state)
{
    int rc = set_up(state);

    port.ethernet = true;
    port.reasons =
        (struct tun_reasons){WGT_DROP_ETH_OFFLOAD, WGT_DROP_ETH_TOO_BIG, WGT_DROP_OUTER_TX};
    return rc;
}

static void
write_link(uint8_t *frame)
{
    memset(frame, 2, 12);
    put_be16(frame + 12, ETH_IPV4);
}

static void
hand_out_super_frame(unsigned segments)
{
    static uint8_t super[ETH_HEADER_LEN + RIG_PACKET_MAX];
    struct rig_packet p = rig_tcp(1, (size_t)segments * SIZE);
    size_t len;
    struct vnet_header h = rig_write_super(super + ETH_HEADER_LEN, &p, SIZE, &len);

    write_link(super);
    h.checksum_start += ETH_HEADER_LEN;
    hand_out(&h, super, ETH_HEADER_LEN + len);
}

/* Frame i of the ones that rig_tcp(1, SIZE) begins. */
static size_t
expected_frame(uint8_t *frame, uint32_t i, bool partial)
{
    struct rig_packet p = rig_tcp(1 + i * SIZE, SIZE);
    size_t len;

    p.id = (uint16_t)i;
    write_link(frame);
    len = rig_write(frame + ETH_HEADER_LEN, &p);
    if (partial)
        rig_make_partial(frame + ETH_HEADER_LEN, len);
    return ETH_HEADER_LEN + len;
}

static void
expect_frame(const struct rte_mbuf *m, uint32_t i, bool partial, uint64_t flags)
{
    static uint8_t expected[ROOM];
    size_t len = expected_frame(expected, i, partial);

    assert_int_equal(rte_pktmbuf_pkt_len(m), len);
    assert_memory_equal(rte_pktmbuf_mtod(m, const uint8_t *), expected, len);
    assert_int_equal(m->ol_flags, flags);
}

static const uint64_t good = RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD;

static void
checksums_that_the_kernel_never_wrote_are_good(void **state)
{
    struct rte_mbuf *m[BURST];

    (void)state;
    hand_out_super_frame(5);
    assert_int_equal(tun_rx_burst(&port, pool, m, BURST), 5);
    for (uint32_t i = 0; i < 5; i++)
        expect_frame(m[i], i, true, good);
    rte_pktmbuf_free_bulk(m, 5);
}

static void
a_port_whose_frames_go_on_completes_them(void **state)
{
    struct rte_mbuf *m[BURST];

    (void)state;
    port.complete = true;
    hand_out_super_frame(5);
    assert_int_equal(tun_rx_burst(&port, pool, m, BURST), 5);
    for (uint32_t i = 0; i < 5; i++)
        expect_frame(m[i], i, false, 0);
    rte_pktmbuf_free_bulk(m, 5);
}

static void
a_frame_that_is_vouched_for_stays_as_it_is(void **state)
{
    static uint8_t frame[ROOM];
    struct vnet_header partial = {.needs_checksum = true,
                                  .checksum_start = ETH_HEADER_LEN + 20,
                                  .checksum_offset = 16},
                       none = {.gso = VNET_GSO_NONE};
    struct rte_mbuf *m[BURST];

    (void)state;
    for (int complete = 0; complete < 2; complete++) {
        size_t len = expected_frame(frame, 0, true);

        port.complete = complete;
        hand_out(&partial, frame, len);
        hand_out(&none, frame, len);
        assert_int_equal(tun_rx_burst(&port, pool, m, BURST), 2);
        expect_frame(m[0], 0, !complete, complete ? 0 : RTE_MBUF_F_RX_L4_CKSUM_GOOD);
        expect_frame(m[1], 0, true, 0); /* to be found wrong */
        rte_pktmbuf_free_bulk(m, 2);
    }
}

static void
frames_that_make_no_sense_are_counted_as_such(void **state)
{
    static uint8_t frame[3 * ROOM];
    struct vnet_header ufo = {.gso = 3}, none = {.gso = VNET_GSO_NONE};

    (void)state;
    hand_out(&ufo, frame, 100);
    hand_out(&none, frame, sizeof(frame));
    expect_burst(0, 0);
    expect_burst(0, 0);
    assert_int_equal(drops.n[WGT_DROP_ETH_OFFLOAD], 1);
    assert_int_equal(drops.n[WGT_DROP_ETH_TOO_BIG], 1);
}

/* A connection keeps the payload of what it has sent. */
static void
frames_leave_as_one_and_payloads_stay_as_they_are(void **state)
{
    static uint8_t message[VNET_HEADER_LEN + RIG_PACKET_MAX], expected[ROOM];
    struct rte_mbuf *m[10];
    struct vnet_header h;

    (void)state;
    for (uint32_t i = 0; i < 10; i++) {
        m[i] = rte_pktmbuf_alloc(pool);
        rte_pktmbuf_append(m[i],
                           (uint16_t)expected_frame(rte_pktmbuf_mtod(m[i], uint8_t *), i, true));
        m[i]->ol_flags = RTE_MBUF_F_TX_TCP_CKSUM;
        rte_mbuf_refcnt_update(m[i], 1);
        tun_tx(&port, m[i]);
    }
    tun_flush(&port);
    assert_int_equal(read(kernel, message, sizeof(message)),
                     VNET_HEADER_LEN + ETH_HEADER_LEN + 52 + 10 * SIZE);
    vnet_read(&h, message);
    assert_int_equal(h.gso, VNET_GSO_TCP_V4);
    assert_int_equal(h.checksum_start, ETH_HEADER_LEN + 20);
    for (uint32_t i = 0; i < 10; i++) {
        size_t len = expected_frame(expected, i, true);

        assert_memory_equal(rte_pktmbuf_mtod(m[i], uint8_t *) + len - SIZE, expected + len - SIZE,
                            SIZE);
        assert_int_equal(rte_mbuf_refcnt_read(m[i]), 1);
    }
    rte_pktmbuf_free_bulk(m, 10);
}

static void
a_frame_says_whether_its_checksum_is_left_to_the_kernel(void **state)
{
    static uint8_t message[VNET_HEADER_LEN + RIG_PACKET_MAX];

    (void)state;
    for (int partial = 0; partial < 2; partial++) {
        struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
        struct vnet_header h;

        rte_pktmbuf_append(m, (uint16_t)expected_frame(rte_pktmbuf_mtod(m, uint8_t *), 0, partial));
        m->ol_flags = RTE_MBUF_F_TX_IPV4 | (partial ? RTE_MBUF_F_TX_TCP_CKSUM : 0);
        tun_tx(&port, m);
        tun_flush(&port);
        assert_true(read(kernel, message, sizeof(message)) > 0);
        vnet_read(&h, message);
        assert_int_equal(h.needs_checksum, partial);
    }
}

static void
frames_that_the_kernel_does_not_take_are_counted(void **state)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

    (void)state;
    shutdown(kernel, SHUT_RD);
    rte_pktmbuf_append(m, (uint16_t)expected_frame(rte_pktmbuf_mtod(m, uint8_t *), 0, false));
    tun_tx(&port, m);
    tun_flush(&port);
    assert_int_equal(drops.n[WGT_DROP_OUTER_TX], 1);
}

int
main(int argc, char **argv)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(a_super_packet_may_be_longer_than_a_burst),
        T(a_super_packet_waits_for_buffers),
        T(a_packet_is_read_into_its_buffer_and_completed),
        T(what_makes_no_sense_is_counted_and_passed_over),
        T(pieces_larger_than_a_buffer_are_refused),
        T(what_is_sent_leaves_with_the_flush_as_one),
        T(a_full_batch_leaves_by_itself),
        T(what_the_kernel_does_not_take_is_counted),
        T(closing_frees_what_waits),
#undef T
#define T(name) cmocka_unit_test_setup_teardown(name, set_up_tap, tear_down)
        T(checksums_that_the_kernel_never_wrote_are_good),
        T(a_port_whose_frames_go_on_completes_them),
        T(a_frame_that_is_vouched_for_stays_as_it_is),
        T(frames_that_make_no_sense_are_counted_as_such),
        T(frames_leave_as_one_and_payloads_stay_as_they_are),
        T(a_frame_says_whether_its_checksum_is_left_to_the_kernel),
        T(frames_that_the_kernel_does_not_take_are_counted),
#undef T
    };

    (void)argc;
    signal(SIGPIPE, SIG_IGN);
    pool = eal_rig_start(argv[0], "64", POOL, ROOM + RTE_PKTMBUF_HEADROOM);
    if (pool == NULL)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
