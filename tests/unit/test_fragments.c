/* SPDX-License-Identifier: BSD-3-Clause */
/* IP fragments: what is cut can be put together, in any order, within bounds of number and time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wgtcpd/dataplane/fragments.h>
#include <wgtcpd/transport/packet.h>
#include <wgtcpd/wire/ip.h>
#include <wgtcpd/wire/udp.h>

#include "eal_rig.h"

/* RFC 8200 5: no IPv6 link is narrower than 1280. */
enum { POOL = 2047, ROOM = 2048, DATA = 1700, MTU = 600, MTU_V6 = 1280, PARTS = 3, PARTS_V6 = 2 };

static struct rte_mempool *pool;
static struct fragments f;
static struct wgt_drop_counters drops;

static int
set_up(void **state)
{
    (void)state;
    memset(&drops, 0, sizeof(drops));
    return fragments_init(&f, &drops);
}

/* Every test ends with every packet back in the pool. */
static int
tear_down(void **state)
{
    (void)state;
    fragments_fini(&f);
    assert_int_equal(rte_mempool_avail_count(pool), POOL);
    return 0;
}

static struct rte_mbuf *
datagram(bool v6, uint16_t id, uint8_t protocol, bool df, size_t data)
{
    struct ip_header ip = {
        .src =
            v6 ? ip_addr_v6((uint8_t[16]){0xfd, [15] = 1}) : ip_addr_v4((uint8_t[4]){10, 0, 0, 1}),
        .dst =
            v6 ? ip_addr_v6((uint8_t[16]){0xfd, [15] = 2}) : ip_addr_v4((uint8_t[4]){10, 0, 0, 2}),
        .protocol = protocol,
        .ttl = 64,
        .dont_fragment = df,
        .id = id,
        .payload_len = (uint32_t)(UDP_HEADER_LEN + data),
    };
    struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
    size_t len = ip_header_len(&ip.dst);
    uint8_t *p = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)(len + UDP_HEADER_LEN + data));

    for (size_t i = 0; i < data; i++)
        p[len + UDP_HEADER_LEN + i] = (uint8_t)(i * 7 + id);
    udp_write(p + len, &ip.src, &ip.dst, 1000, 2000, data, true);
    ip_write(p, &ip);
    m->l3_len = len & 0x1ff;
    m->ol_flags = RTE_MBUF_F_TX_UDP_CKSUM;
    return m;
}

/* The datagram that datagram(v6, id, ...) makes. */
static void
assert_whole(struct rte_mbuf *m, uint16_t id, size_t data)
{
    uint8_t *p;
    struct ip_header ip;
    struct udp_header udp;

    assert_non_null(m);
    p = rte_pktmbuf_mtod(m, uint8_t *);
    assert_int_equal(m->nb_segs, 1);
    assert_int_equal(ip_parse(p, rte_pktmbuf_data_len(m), false, &ip), WGT_OK);
    assert_int_equal(udp_parse(&ip, p + ip.header_len, true, &udp), WGT_OK);
    assert_int_equal(udp.payload.len, data);
    for (size_t i = 0; i < data; i++)
        assert_int_equal(udp.payload.data[i], (uint8_t)(i * 7 + id));
    rte_pktmbuf_free(m);
}

static unsigned
cut(bool v6, uint16_t id, struct rte_mbuf **out)
{
    uint16_t mtu = v6 ? MTU_V6 : MTU;
    unsigned n = fragments_cut(pool, datagram(v6, id, IP_PROTO_UDP, false, DATA), mtu, id, out);

    assert_int_equal(n, v6 ? PARTS_V6 : PARTS);
    for (unsigned i = 0; i < n; i++) {
        struct ip_header ip;

        assert_true(rte_pktmbuf_pkt_len(out[i]) <= mtu);
        assert_int_equal(out[i]->nb_segs, 1);
        assert_true(out[i]->ol_flags == 0);
        assert_int_equal(rte_mbuf_refcnt_read(out[i]), 1);
        /* the checksum and the lengths of each are right */
        assert_int_equal(
            ip_parse(rte_pktmbuf_mtod(out[i], uint8_t *), rte_pktmbuf_data_len(out[i]), true, &ip),
            WGT_DROP_IP_FRAGMENT);
    }
    return n;
}

static void
what_is_cut_is_put_together(void **state)
{
    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        struct rte_mbuf *part[FRAGMENTS_OUT_MAX], *whole = NULL;
        unsigned n = cut(v6, 77, part);

        for (unsigned i = 0; i < n; i++) {
            assert_null(whole);
            whole = fragments_add(&f, 1000, part[i]);
        }
        assert_whole(whole, 77, DATA);
    }
    assert_int_equal(f.reassembled, 2);
    assert_int_equal(drops.n[WGT_DROP_IP_REASSEMBLY], 0);
}

static void
the_order_of_parts_and_padding_behind_them_do_not_matter(void **state)
{
    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        struct rte_mbuf *part[FRAGMENTS_OUT_MAX], *whole = NULL;
        unsigned n = cut(v6, 78, part);

        for (unsigned i = n; i-- > 0;) {
            memset(rte_pktmbuf_append(part[i], 6), 0xee, 6);
            whole = fragments_add(&f, 1000, part[i]);
        }
        assert_whole(whole, 78, DATA);
    }
}

static void
rfc8200_4_5_the_identification_tells_datagrams_apart(void **state)
{
    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        struct rte_mbuf *a[FRAGMENTS_OUT_MAX], *b[FRAGMENTS_OUT_MAX], *whole_a = NULL,
                                                                      *whole_b = NULL;
        unsigned n = cut(v6, 1, a);

        cut(v6, 2, b);
        for (unsigned i = 0; i < n; i++) {
            whole_a = fragments_add(&f, 1000, a[i]);
            whole_b = fragments_add(&f, 1000, b[n - 1 - i]);
        }
        assert_whole(whole_a, 1, DATA);
        assert_whole(whole_b, 2, DATA);
    }
}

static void
a_part_that_comes_too_late_finds_nothing(void **state)
{
    struct rte_mbuf *part[FRAGMENTS_OUT_MAX];

    (void)state;
    cut(false, 5, part);
    assert_null(fragments_add(&f, WGT_SEC, part[0]));
    assert_null(fragments_add(&f, WGT_SEC, part[1]));
    assert_null(fragments_add(&f, WGT_SEC + FRAGMENTS_TIME + 1, part[2]));
    assert_int_equal(drops.n[WGT_DROP_IP_REASSEMBLY], 2);
}

static void
a_part_that_comes_twice_spoils_no_other_datagram(void **state)
{
    struct rte_mbuf *part[FRAGMENTS_OUT_MAX], *again[FRAGMENTS_OUT_MAX], *whole = NULL;

    (void)state;
    cut(false, 5, part);
    cut(false, 5, again);
    fragments_add(&f, 1000, part[0]);
    fragments_add(&f, 1000, again[0]);
    rte_pktmbuf_free_bulk(part + 1, 2);
    rte_pktmbuf_free_bulk(again + 1, 2);
    cut(false, 6, part);
    for (unsigned i = 0; i < 3; i++)
        whole = fragments_add(&f, 1000, part[i]);
    assert_whole(whole, 6, DATA);
}

static void
who_sends_only_halves_takes_bounded_room(void **state)
{
    struct rte_mbuf *part[FRAGMENTS_OUT_MAX], *whole = NULL;
    unsigned free_at_first = rte_mempool_avail_count(pool);

    (void)state;
    for (uint16_t id = 0; id < 1000; id++) {
        cut(false, id, part);
        fragments_add(&f, 1000, part[0]);
        rte_pktmbuf_free_bulk(part + 1, 2);
        assert_true(free_at_first - rte_mempool_avail_count(pool) <= FRAGMENTS_DATAGRAMS_MAX);
    }
    assert_true(drops.n[WGT_DROP_IP_REASSEMBLY] >= 1000 - FRAGMENTS_DATAGRAMS_MAX);
    /* and later there is room again */
    cut(false, 2000, part);
    for (unsigned i = 0; i < 3; i++)
        whole = fragments_add(&f, 1000 + 2 * FRAGMENTS_TIME, part[i]);
    assert_whole(whole, 2000, DATA);
}

static void
only_udp_is_put_together(void **state)
{
    struct rte_mbuf *part[FRAGMENTS_OUT_MAX];

    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        struct rte_mbuf *m = datagram(v6, 1, IP_PROTO_TCP, false, DATA);
        unsigned n = fragments_cut(pool, m, v6 ? MTU_V6 : MTU, 1, part);

        assert_true(n > 1);
        assert_null(fragments_add(&f, 1000, part[0]));
        assert_int_equal(drops.n[WGT_DROP_IP_FRAGMENT], v6 + 1);
        rte_pktmbuf_free_bulk(part + 1, n - 1);
    }
}

static void
a_fragment_header_without_data_is_dropped(void **state)
{
    struct rte_mbuf *part[FRAGMENTS_OUT_MAX];
    uint8_t *p;

    (void)state;
    cut(true, 1, part);
    p = rte_pktmbuf_mtod(part[0], uint8_t *);
    put_be16(p + 4, 8);
    assert_null(fragments_add(&f, 1000, part[0]));
    assert_int_equal(drops.n[WGT_DROP_IP_FRAGMENT], 1);
    rte_pktmbuf_free_bulk(part + 1, PARTS_V6 - 1);
}

/* RFC 791: offset 65528 and more data behind it is beyond what a packet can be. */
static void
parts_beyond_64_kb_are_dropped(void **state)
{
    struct rte_mbuf *part[FRAGMENTS_OUT_MAX];
    uint8_t *p;

    (void)state;
    cut(false, 1, part);
    p = rte_pktmbuf_mtod(part[2], uint8_t *);
    put_be16(p + 6, 0x1fff);
    for (unsigned i = 0; i < 3; i++)
        assert_null(fragments_add(&f, 1000, part[i]));
}

static void
a_datagram_larger_than_a_buffer_is_dropped(void **state)
{
    struct rte_mbuf *first[FRAGMENTS_OUT_MAX], *second[FRAGMENTS_OUT_MAX];

    (void)state;
    cut(false, 9, first);
    cut(false, 9, second);
    /* the second copy continues where the first one ends */
    for (unsigned i = 0; i < 3; i++) {
        uint8_t *a = rte_pktmbuf_mtod(first[i], uint8_t *);
        uint8_t *b = rte_pktmbuf_mtod(second[i], uint8_t *);
        uint16_t more = i < 2 ? 0x2000 : 0;

        put_be16(a + 6, (uint16_t)(0x2000 | (get_be16(a + 6) & 0x1fff)));
        if (i == 2) { /* a whole number of units */
            put_be16(a + 2, (uint16_t)(20 + (get_be16(a + 2) - 20) / 8 * 8));
        }
        put_be16(b + 6, (uint16_t)(more | ((get_be16(b + 6) & 0x1fff) + (DATA + 8) / 8)));
    }
    for (unsigned i = 0; i < 3; i++)
        assert_null(fragments_add(&f, 1000, first[i]));
    for (unsigned i = 0; i < 3; i++)
        assert_null(fragments_add(&f, 1000, second[i]));
    assert_int_equal(f.reassembled, 0);
    assert_true(drops.n[WGT_DROP_IP_REASSEMBLY] > 0);
}

static void
rfc791_3_2_what_says_dont_fragment_is_not_cut(void **state)
{
    struct rte_mbuf *part[FRAGMENTS_OUT_MAX];

    (void)state;
    assert_int_equal(
        fragments_cut(pool, datagram(false, 1, IP_PROTO_UDP, true, DATA), MTU, 1, part), 0);
}

static void
without_buffers_nothing_is_cut_and_nothing_lost(void **state)
{
    struct rte_mbuf *part[FRAGMENTS_OUT_MAX], *hold[POOL],
        *m = datagram(false, 1, IP_PROTO_UDP, false, DATA);
    unsigned n = rte_mempool_avail_count(pool) - 1;

    (void)state;
    assert_int_equal(rte_pktmbuf_alloc_bulk(pool, hold, n), 0);
    assert_int_equal(fragments_cut(pool, m, MTU, 1, part), 0);
    rte_pktmbuf_free_bulk(hold, n);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(what_is_cut_is_put_together),
        T(the_order_of_parts_and_padding_behind_them_do_not_matter),
        T(rfc8200_4_5_the_identification_tells_datagrams_apart),
        T(a_part_that_comes_too_late_finds_nothing),
        T(a_part_that_comes_twice_spoils_no_other_datagram),
        T(who_sends_only_halves_takes_bounded_room),
        T(only_udp_is_put_together),
        T(a_fragment_header_without_data_is_dropped),
        T(parts_beyond_64_kb_are_dropped),
        T(a_datagram_larger_than_a_buffer_is_dropped),
        T(rfc791_3_2_what_says_dont_fragment_is_not_cut),
        T(without_buffers_nothing_is_cut_and_nothing_lost),
#undef T
    };

    pool = eal_rig_start("test_fragments", "128", POOL, ROOM + 128);
    if (pool == NULL)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
