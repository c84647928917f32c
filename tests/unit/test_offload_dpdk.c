/* SPDX-License-Identifier: BSD-3-Clause */
/* Our cutting and joining beside DPDK's, which know TCP over IPv4: the same packets come out. They
 * leave checksums to the hardware, and do not know CWR. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_gro.h>
#include <rte_gso.h>

#include <wgtcpd/offload/coalesce.h>
#include <wgtcpd/offload/segment.h>

#include "eal_rig.h"
#include "offload_rig.h"

enum { POOL = 1023, ROOM = 60000, MSS = 1000, PARTS_MAX = 64, HEADERS = 20 + 32 };

static struct rte_mempool *pool;

static struct rte_mbuf *
frame(const struct rig_packet *p)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
    uint8_t *bytes;

    assert_non_null(m);
    bytes = rte_pktmbuf_mtod(m, uint8_t *);
    memset(bytes, 0, RTE_ETHER_HDR_LEN);
    bytes[12] = 8; /* IPv4 */
    rte_pktmbuf_append(m, (uint16_t)(RTE_ETHER_HDR_LEN + rig_write(bytes + RTE_ETHER_HDR_LEN, p)));
    m->packet_type = RTE_PTYPE_L2_ETHER | RTE_PTYPE_L3_IPV4 | RTE_PTYPE_L4_TCP;
    m->l2_len = RTE_ETHER_HDR_LEN;
    m->l3_len = 20;
    m->l4_len = 32;
    return m;
}

/* The IP packet in m, which may be in parts, without its checksums. */
static size_t
plain_packet(struct rte_mbuf *m, uint8_t *out)
{
    size_t len = rte_pktmbuf_pkt_len(m) - RTE_ETHER_HDR_LEN;
    const void *at = rte_pktmbuf_read(m, RTE_ETHER_HDR_LEN, (uint32_t)len, out);

    assert_non_null(at);
    if (at != out)
        memcpy(out, at, len);
    put_be16(out + 10, 0);
    put_be16(out + 20 + 16, 0);
    return len;
}

static void
segments_are_those_of_rte_gso(void **state)
{
    static uint8_t super[RIG_PACKET_MAX], ours[2048], theirs[2048];
    struct rte_gso_ctx ctx = {
        .direct_pool = pool,
        .indirect_pool = pool,
        .gso_types = RTE_ETH_TX_OFFLOAD_TCP_TSO,
        .gso_size = RTE_ETHER_HDR_LEN + HEADERS + MSS,
    };

    (void)state;
    for (size_t payload = MSS + 1; payload < 40 * MSS; payload += 333) {
        struct rig_packet p = rig_tcp(UINT32_MAX - 5000, payload);
        struct rte_mbuf *m, *parts[PARTS_MAX];
        struct vnet_header h;
        struct segmenter s;
        size_t len;
        int n;

        p.id = UINT16_MAX - 3;
        p.flags |= TCP_PSH | TCP_FIN;
        m = frame(&p);
        m->ol_flags = RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_IPV4;
        n = rte_gso_segment(m, &ctx, parts, PARTS_MAX);
        assert_true(n > 1);
        h = rig_write_super(super, &p, MSS, &len);
        assert_int_equal(segment_begin(&s, &h, super, len), WGT_OK);
        for (int i = 0; i < n; i++) {
            assert_true(segment_is_left(&s));
            len = segment_next(&s, ours);
            put_be16(ours + 10, 0);
            put_be16(ours + 20 + 16, 0);
            assert_int_equal(plain_packet(parts[i], theirs), len);
            assert_memory_equal(ours, theirs, len);
        }
        assert_false(segment_is_left(&s));
        rte_pktmbuf_free_bulk(parts, (unsigned)n);
        rte_pktmbuf_free(m);
    }
}

static uint32_t seed = 1;

static uint32_t
any(uint32_t below)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % below;
}

/* Up to 30 segments of up to three flows, with a hole now and then. */
static unsigned
make_batch(struct rig_packet packets[PARTS_MAX])
{
    struct rig_packet flows[3];
    unsigned n = 1 + any(30);

    for (unsigned i = 0; i < 3; i++) {
        flows[i] = rig_tcp(any(UINT16_MAX) << 16, MSS);
        flows[i].src_port = (uint16_t)(40000 + i);
        flows[i].fragmentable = any(2);
    }
    for (unsigned i = 0; i < n; i++) {
        struct rig_packet *f = &flows[any(3)];

        if (any(10) == 0)
            f->seq += MSS;
        packets[i] = *f;
        f->seq += MSS;
        f->id++;
    }
    return n;
}

/* Flow, sequence number and length of each packet that they make; ours are to be found there. */
struct piece {
    uint16_t port;
    uint32_t seq;
    size_t len;
};

static struct piece
piece_of(const uint8_t *packet)
{
    return (struct piece){get_be16(packet + 20), get_be32(packet + 24), get_be16(packet + 2)};
}

static unsigned
join_theirs(const struct rig_packet *packets, unsigned n, struct piece *pieces)
{
    const struct rte_gro_param param = {
        .gro_types = RTE_GRO_TCP_IPV4, .max_flow_num = 8, .max_item_per_flow = 32};
    struct rte_mbuf *m[PARTS_MAX];
    unsigned left;

    for (unsigned i = 0; i < n; i++)
        m[i] = frame(&packets[i]);
    left = rte_gro_reassemble_burst(m, (uint16_t)n, &param);
    for (unsigned i = 0; i < left; i++)
        pieces[i] = piece_of(rte_pktmbuf_mtod_offset(m[i], const uint8_t *, RTE_ETHER_HDR_LEN));
    rte_pktmbuf_free_bulk(m, left);
    return left;
}

static unsigned
join_ours(const struct rig_packet *packets, unsigned n, struct piece *pieces)
{
    static struct coalescer c;
    static uint8_t bytes[PARTS_MAX][2048];
    uint8_t vnet[VNET_HEADER_LEN];

    coalesce_init(&c, true, true);
    for (unsigned i = 0; i < n; i++)
        coalesce_add(&c, bytes[i], rig_write(bytes[i], &packets[i]));
    for (unsigned i = 0; i < c.n_chains; i++) {
        coalesce_finish(&c, i, vnet);
        pieces[i] = piece_of(c.packets[c.chains[i].first].data);
    }
    return c.n_chains;
}

static void
super_packets_are_those_of_rte_gro(void **state)
{
    unsigned joined = 0;

    (void)state;
    for (unsigned round = 0; round < 500; round++) {
        struct rig_packet packets[PARTS_MAX];
        struct piece ours[PARTS_MAX], theirs[PARTS_MAX];
        unsigned n = make_batch(packets), left = join_theirs(packets, n, theirs);

        assert_int_equal(join_ours(packets, n, ours), left);
        for (unsigned i = 0; i < left; i++) {
            unsigned k = 0;

            while (k < left && (ours[i].port != theirs[k].port || ours[i].seq != theirs[k].seq))
                k++;
            assert_true(k < left);
            assert_int_equal(ours[i].len, theirs[k].len);
        }
        joined += n - left;
    }
    assert_true(joined > 1000);
    assert_int_equal(rte_mempool_avail_count(pool), POOL);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_are_those_of_rte_gso),
        cmocka_unit_test(super_packets_are_those_of_rte_gro),
    };

    (void)argc;
    pool = eal_rig_start(argv[0], "128", POOL, ROOM);
    if (pool == NULL)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
