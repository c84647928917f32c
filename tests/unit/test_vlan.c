/* SPDX-License-Identifier: BSD-3-Clause */
/* IEEE 802.1Q tags, by software and as the hardware is asked. */
#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wgtcpd/wire/eth.h>

#include "../../src/dataplane/vlan.h"
#include "eal_rig.h"

enum { POOL = 63, VLAN = 0x123, PAYLOAD = 46 };

static struct rte_mempool *pool;
static struct wgt_drop_counters drops;
static const struct eth_header header = {
    .dst = {{2, 0, 0, 0, 0, 1}}, .src = {{2, 0, 0, 0, 0, 2}}, .type = ETH_IPV4};

static struct rte_mbuf *
plain(uint8_t mark)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
    uint8_t *p = (uint8_t *)rte_pktmbuf_append(m, ETH_HEADER_LEN + PAYLOAD);

    eth_write(p, &header);
    memset(p + ETH_HEADER_LEN, mark, PAYLOAD);
    return m;
}

static struct rte_mbuf *
tagged(uint16_t type, uint16_t tci, uint8_t mark)
{
    struct rte_mbuf *m = plain(mark);
    uint8_t *p = (uint8_t *)rte_pktmbuf_prepend(m, ETH_VLAN_TAG_LEN);

    assert(p != NULL);
    memmove(p, p + ETH_VLAN_TAG_LEN, 12);
    put_be16(p + 12, type);
    put_be16(p + 14, tci);
    return m;
}

static void
assert_plain(struct rte_mbuf *m, uint8_t mark)
{
    struct eth_header h;

    assert_int_equal(rte_pktmbuf_data_len(m), ETH_HEADER_LEN + PAYLOAD);
    assert_int_equal(eth_parse(rte_pktmbuf_mtod(m, uint8_t *), rte_pktmbuf_data_len(m), &h),
                     WGT_OK);
    assert_memory_equal(&h, &header, sizeof(h));
    assert_int_equal(*rte_pktmbuf_mtod_offset(m, uint8_t *, ETH_HEADER_LEN), mark);
}

static int
set_up(void **state)
{
    (void)state;
    memset(&drops, 0, sizeof(drops));
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    assert_int_equal(rte_mempool_avail_count(pool), POOL);
    return 0;
}

static void
our_tag_is_taken_off_whatever_its_priority(void **state)
{
    struct port p = {.vlan = VLAN};
    struct rte_mbuf *m[] = {tagged(ETH_VLAN, VLAN, 1), tagged(ETH_VLAN, 0xf000 | VLAN, 2)};

    (void)state;
    assert_int_equal(vlan_strip_burst(&p, &drops, m, 2), 2);
    assert_plain(m[0], 1);
    assert_plain(m[1], 2);
    rte_pktmbuf_free_bulk(m, 2);
}

static void
other_tags_and_none_are_dropped_and_counted(void **state)
{
    struct port p = {.vlan = VLAN};
    struct rte_mbuf *m[] = {tagged(ETH_VLAN, VLAN + 1, 1), tagged(ETH_VLAN, VLAN, 2), plain(3),
                            tagged(0x88a8, VLAN, 4), tagged(ETH_VLAN, VLAN, 5)};

    (void)state;
    assert_int_equal(vlan_strip_burst(&p, &drops, m, 5), 2);
    assert_plain(m[0], 2);
    assert_plain(m[1], 5);
    assert_int_equal(drops.n[WGT_DROP_ETH_VLAN], 3);
    rte_pktmbuf_free_bulk(m, 2);
}

static void
a_frame_cut_within_its_tag_is_dropped(void **state)
{
    struct port p = {.vlan = VLAN};
    struct rte_mbuf *m = tagged(ETH_VLAN, VLAN, 1);

    (void)state;
    rte_pktmbuf_trim(m, PAYLOAD + 1);
    assert_int_equal(vlan_strip_burst(&p, &drops, &m, 1), 0);
    assert_int_equal(drops.n[WGT_DROP_ETH_VLAN], 1);
}

static void
hardware_says_which_tag_it_took_off(void **state)
{
    struct port p = {.vlan = VLAN, .vlan_strip = true};
    struct rte_mbuf *m[] = {plain(1), plain(2), plain(3)};

    (void)state;
    m[0]->ol_flags = m[1]->ol_flags = RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
    m[0]->vlan_tci = VLAN + 1;
    m[1]->vlan_tci = 0x2000 | VLAN;
    m[2]->vlan_tci = VLAN; /* left from before: it had no tag */
    assert_int_equal(vlan_strip_burst(&p, &drops, m, 3), 1);
    assert_plain(m[0], 2);
    assert_int_equal(drops.n[WGT_DROP_ETH_VLAN], 2);
    rte_pktmbuf_free(m[0]);
}

static void
a_tag_put_on_comes_off_again(void **state)
{
    struct port p = {.vlan = VLAN};
    struct rte_mbuf *m = plain(1);
    uint8_t *frame;

    (void)state;
    assert_int_equal(vlan_insert_burst(&p, &drops, &m, 1), 1);
    frame = rte_pktmbuf_mtod(m, uint8_t *);
    assert_int_equal(rte_pktmbuf_data_len(m), ETH_HEADER_LEN + ETH_VLAN_TAG_LEN + PAYLOAD);
    assert_int_equal(get_be16(frame + 12), ETH_VLAN);
    assert_int_equal(get_be16(frame + 14), VLAN);
    assert_int_equal(get_be16(frame + 16), ETH_IPV4);
    assert_int_equal(vlan_strip_burst(&p, &drops, &m, 1), 1);
    assert_plain(m, 1);
    rte_pktmbuf_free(m);
}

static void
without_headroom_a_frame_is_dropped_and_the_rest_goes(void **state)
{
    struct port p = {.vlan = VLAN};
    struct rte_mbuf *m[] = {plain(1), plain(2)};

    (void)state;
    rte_pktmbuf_prepend(m[0], rte_pktmbuf_headroom(m[0]));
    assert_int_equal(vlan_insert_burst(&p, &drops, m, 2), 1);
    assert_int_equal(*rte_pktmbuf_mtod_offset(m[0], uint8_t *, 18), 2);
    assert_int_equal(drops.n[WGT_DROP_NO_BUFFER], 1);
    rte_pktmbuf_free(m[0]);
}

static void
hardware_is_told_which_tag_to_put_on(void **state)
{
    struct port p = {.vlan = VLAN, .vlan_insert = true};
    struct rte_mbuf *m = plain(1);

    (void)state;
    m->ol_flags = RTE_MBUF_F_TX_IPV4;
    assert_int_equal(vlan_insert_burst(&p, &drops, &m, 1), 1);
    assert_int_equal(m->vlan_tci, VLAN);
    assert_true(m->ol_flags == (RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_VLAN));
    assert_plain(m, 1);
    rte_pktmbuf_free(m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        T(our_tag_is_taken_off_whatever_its_priority),
        T(other_tags_and_none_are_dropped_and_counted),
        T(a_frame_cut_within_its_tag_is_dropped),
        T(hardware_says_which_tag_it_took_off),
        T(a_tag_put_on_comes_off_again),
        T(without_headroom_a_frame_is_dropped_and_the_rest_goes),
        T(hardware_is_told_which_tag_to_put_on),
#undef T
    };

    pool = eal_rig_start("test_vlan", "64", POOL, 2048 + 128);
    if (pool == NULL)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
