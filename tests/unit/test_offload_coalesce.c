/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets of a flow that follow each other leave as one super-packet, and only those: the rules of
 * the kernel's GRO. Cutting what was joined gives the same packets again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <wgtcpd/offload/coalesce.h>
#include <wgtcpd/offload/segment.h>

#include "offload_rig.h"

enum { MSS = 1340, ROOM = 1500 };

static struct coalescer c;
static uint8_t packets[COALESCE_BATCH][ROOM], originals[COALESCE_BATCH][ROOM];
static size_t lens[COALESCE_BATCH];

static int
set_up(void **state)
{
    (void)state;
    coalesce_init(&c, true, true);
    return 0;
}

static void
add_bytes(void)
{
    unsigned i = c.n_packets;

    memcpy(originals[i], packets[i], ROOM);
    coalesce_add(&c, packets[i], lens[i]);
}

static uint8_t *
write_next(const struct rig_packet *p)
{
    lens[c.n_packets] = rig_write(packets[c.n_packets], p);
    return packets[c.n_packets];
}

static void
add(const struct rig_packet *p)
{
    write_next(p);
    add_bytes();
}

/* The chain as the kernel would read it; its length. */
static size_t
gather(unsigned i, struct vnet_header *h, uint8_t *out)
{
    const struct coalesce_chain *chain = &c.chains[i];
    uint8_t vnet[VNET_HEADER_LEN];
    uint16_t at = chain->first;
    size_t len = 0;

    coalesce_finish(&c, i, vnet);
    vnet_read(h, vnet);
    for (unsigned n = 0; n < chain->n; n++) {
        const struct coalesce_packet *p = &c.packets[at];
        size_t skip = n == 0 ? 0 : p->header_len;

        memcpy(out + len, p->data + skip, p->len - skip);
        len += p->len - skip;
        at = p->next;
    }
    assert_int_equal(len, chain->len);
    return len;
}

/* RFC 6864 4.1: of a packet with DF nobody may look at the ID. */
static void
blank_atomic_id(uint8_t *packet)
{
    if (!ip_is_v4(packet) || (packet[6] & 0x40) == 0)
        return;
    put_be16(packet + 10, checksum_update(get_be16(packet + 10), get_be16(packet + 4), 0));
    put_be16(packet + 4, 0);
}

static void
expect_same(uint8_t *got, size_t len, uint16_t original)
{
    assert_int_equal(len, lens[original]);
    blank_atomic_id(got);
    blank_atomic_id(originals[original]);
    assert_memory_equal(got, originals[original], len);
}

/* Every chain gives its packets back; all packets are in one, in their order. */
static void
expect_reversible(void)
{
    static uint8_t whole[RIG_PACKET_MAX + 1], part[RIG_PACKET_MAX];
    unsigned seen = 0;

    for (unsigned i = 0; i < c.n_chains; i++) {
        uint16_t at = c.chains[i].first;
        struct vnet_header h;
        struct segmenter s;
        size_t len = gather(i, &h, whole);

        if (c.chains[i].n == 1) {
            assert_int_equal(h.gso, VNET_GSO_NONE);
            assert_false(h.needs_checksum);
            expect_same(whole, len, at);
            seen++;
            continue;
        }
        assert_int_equal(segment_begin(&s, &h, whole, len), WGT_OK);
        for (unsigned n = 0; n < c.chains[i].n; n++, seen++) {
            assert_true(segment_is_left(&s));
            expect_same(part, segment_next(&s, part), at);
            at = c.packets[at].next;
        }
        assert_false(segment_is_left(&s));
    }
    assert_int_equal(seen, c.n_packets);
}

static void
expect_chains(unsigned n)
{
    assert_int_equal(c.n_chains, n);
    expect_reversible();
    coalesce_clear(&c);
}

/* --- what is joined --- */

static void
add_run(struct rig_packet p, unsigned n)
{
    for (unsigned i = 0; i < n; i++, p.seq += (uint32_t)p.payload, p.id++)
        add(&p);
}

static void
segments_that_follow_each_other_become_one(void **state)
{
    struct rig_packet p = rig_tcp(UINT32_MAX - 2000, MSS);

    (void)state;
    for (int v6 = 0; v6 < 2; v6++)
        for (int plain = 0; plain < 2; plain++) {
            p.v6 = v6;
            p.plain = plain;
            add_run(p, 40);
            assert_int_equal(c.chains[0].n, 40);
            expect_chains(1);
        }
}

static void
the_header_says_how_to_cut(void **state)
{
    static uint8_t whole[RIG_PACKET_MAX];
    struct rig_packet p = rig_tcp(1, MSS);
    struct vnet_header h;

    (void)state;
    p.flags |= TCP_CWR;
    add_run(p, 1);
    p.flags = TCP_ACK;
    p.seq += MSS;
    add_run(p, 2);
    assert_int_equal(gather(0, &h, whole), 52 + 3 * MSS);
    assert_int_equal(h.gso, VNET_GSO_TCP_V4);
    assert_true(h.ecn);
    assert_true(h.needs_checksum);
    assert_int_equal(h.header_len, 52);
    assert_int_equal(h.gso_size, MSS);
    assert_int_equal(h.checksum_start, 20);
    assert_int_equal(h.checksum_offset, 16);
    assert_int_equal(checksum_finish(checksum_add(0, whole, 20)), 0);
}

static void
datagrams_of_one_size_become_one(void **state)
{
    struct rig_packet p = rig_udp(9, 1200);

    (void)state;
    for (int v6 = 0; v6 < 2; v6++) {
        p.v6 = v6;
        add_run(p, 30);
        expect_chains(1);
    }
}

static void
datagrams_are_not_joined_for_a_kernel_that_cannot_cut_them(void **state)
{
    (void)state;
    coalesce_init(&c, true, false);
    add_run(rig_udp(9, 1200), 3);
    expect_chains(3);
}

static void
nothing_is_joined_where_that_is_switched_off(void **state)
{
    (void)state;
    coalesce_init(&c, false, false);
    add_run(rig_tcp(1, MSS), 3);
    expect_chains(3);
}

static void
a_shorter_one_is_the_last(void **state)
{
    struct rig_packet p = rig_tcp(1, MSS);

    (void)state;
    add_run(p, 2);
    p.seq += 2 * MSS;
    p.payload = 100;
    add_run(p, 2);
    assert_int_equal(c.chains[0].n, 3);
    expect_chains(2);
}

static void
a_longer_one_begins_anew(void **state)
{
    struct rig_packet p = rig_tcp(1, 100);

    (void)state;
    add_run(p, 2);
    p.seq += 200;
    p.payload = 101;
    add_run(p, 1);
    assert_int_equal(c.chains[0].n, 2);
    expect_chains(2);
}

static void
psh_and_fin_end_a_super_packet(void **state)
{
    static const uint8_t flags[] = {TCP_PSH, TCP_FIN};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct rig_packet p = rig_tcp(1, MSS);

        add_run(p, 2);
        p.seq += 2 * MSS;
        p.flags |= flags[i];
        add_run(p, 1);
        p.seq += MSS;
        p.flags = TCP_ACK;
        add_run(p, 1);
        assert_int_equal(c.chains[0].n, 3);
        expect_chains(2);
    }
}

static void
a_super_packet_has_64_packets_and_64_kilobytes_at_most(void **state)
{
    (void)state;
    add_run(rig_tcp(1, 10), 65);
    assert_int_equal(c.chains[0].n, 64);
    expect_chains(2);
    add_run(rig_tcp(1, MSS), 60);
    assert_int_equal(c.chains[0].n, (65535 - 52) / MSS);
    expect_chains(2);
}

/* --- what is not --- */

/* A run of three whose second differs by the change: no two of them are joined that must not. */
#define APART(chains, change)                                                                      \
    do {                                                                                           \
        struct rig_packet p = rig_tcp(1, MSS);                                                     \
        add(&p);                                                                                   \
        p.seq += MSS;                                                                              \
        change;                                                                                    \
        add(&p);                                                                                   \
        expect_chains(chains);                                                                     \
    } while (0)

static void
segments_whose_headers_differ_stay_apart(void **state)
{
    (void)state;
    APART(1, (void)0);
    APART(2, p.src_port++);
    APART(2, p.seq++);
    APART(2, p.seq--);
    APART(2, p.ack++);
    APART(2, p.window++);
    APART(2, p.ts_val++);
    APART(2, p.plain = true);
    APART(2, p.ttl--);
    APART(2, p.traffic_class = IP_ECN_CE);
    APART(2, p.traffic_class = 0xb8);
    APART(2, (p.fragmentable = true, p.id++));
    APART(2, (p.udp = true, p.id++));
    APART(2, p.flags |= TCP_CWR);
    APART(2, p.flags |= TCP_ECE);
    APART(2, p.flags |= TCP_URG);
    APART(2, p.flags |= TCP_SYN);
    APART(2, p.flags |= TCP_RST);
    APART(2, p.flags = 0);
    APART(2, p.payload = 0);
    APART(2, p.v6 = true);
}

static void
ipv6_flow_labels_and_hop_limits_keep_apart(void **state)
{
    (void)state;
    for (unsigned at = 1; at <= 7; at += 6) {
        struct rig_packet p = rig_tcp(1, MSS);

        p.v6 = true;
        add(&p);
        p.seq += MSS;
        write_next(&p)[at] ^= 1;
        add_bytes();
        expect_chains(2);
    }
}

/* RFC 6864 4.2: these are told apart by their IDs when they are fragmented. */
static void
ids_of_packets_that_may_be_fragmented_go_on(void **state)
{
    struct rig_packet p = rig_tcp(1, MSS);

    (void)state;
    p.fragmentable = true;
    p.id = UINT16_MAX;
    add(&p);
    p.seq += MSS;
    p.id++;
    add(&p);
    p.seq += MSS;
    add(&p);
    assert_int_equal(c.chains[0].n, 2);
    expect_chains(2);
}

static void
rfc6864_4_1_ids_of_others_do_not_count(void **state)
{
    struct rig_packet p = rig_tcp(1, MSS);

    (void)state;
    p.id = 7;
    add(&p);
    p.seq += MSS;
    p.id = 3;
    add(&p);
    expect_chains(1);
}

/* The kernel is to find it wrong, and to count it. */
static void
a_wrong_checksum_is_not_hidden(void **state)
{
    (void)state;
    for (unsigned wrong = 0; wrong < 3; wrong++)
        for (int udp = 0; udp < 2; udp++) {
            struct rig_packet p = udp ? rig_udp(1, 1000) : rig_tcp(1, 1000);

            for (unsigned i = 0; i < 3; i++, p.seq += 1000) {
                write_next(&p)[700] ^= i == wrong;
                add_bytes();
            }
            for (unsigned i = 0; i < c.n_chains; i++)
                assert_true(c.chains[i].n == 1 || c.chains[i].first != wrong);
            expect_chains(wrong == 1 ? 3 : 2);
        }
}

static void
a_wrong_ip_checksum_is_not_hidden(void **state)
{
    struct rig_packet p = rig_tcp(1, MSS);

    (void)state;
    for (unsigned i = 0; i < 2; i++, p.seq += MSS) {
        write_next(&p)[11] ^= i == 1;
        add_bytes();
    }
    expect_chains(2);
}

static void
datagrams_without_a_checksum_stay_apart(void **state)
{
    struct rig_packet p = rig_udp(1, 1000);

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        uint8_t *packet = write_next(&p);
        struct vnet_header h;

        /* all adds up with a checksum of zero */
        put_be16(packet + 30, 0);
        h = rig_make_partial(packet, lens[c.n_packets]);
        put_be16(packet + 30, checksum_finish(checksum_add(0, packet + h.checksum_start,
                                                           lens[c.n_packets] - h.checksum_start)));
        put_be16(packet + 26, 0);
        add_bytes();
    }
    expect_chains(2);
}

/* RFC 768 has bytes behind the datagram possible; they are part of no other. */
static void
datagrams_shorter_than_their_packet_stay_apart(void **state)
{
    struct rig_packet p = rig_udp(1, 1000);

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        put_be16(write_next(&p) + 24, 1000);
        add_bytes();
    }
    expect_chains(2);
}

static void
packets_with_ip_options_stay_apart(void **state)
{
    struct rig_packet p = rig_tcp(1, MSS - 4);

    (void)state;
    for (unsigned i = 0; i < 2; i++, p.seq += MSS - 4) {
        uint8_t *packet = write_next(&p);

        memmove(packet + 24, packet + 20, lens[c.n_packets] - 20);
        memcpy(packet + 20, (uint8_t[]){1, 1, 1, 1}, 4);
        packet[0] = 0x46;
        lens[c.n_packets] += 4;
        put_be16(packet + 2, (uint16_t)lens[c.n_packets]);
        put_be16(packet + 10, 0);
        put_be16(packet + 10, checksum_finish(checksum_add(0, packet, 24)));
        add_bytes();
    }
    expect_chains(2);
}

/* --- order --- */

/* Only the newest super-packet of a flow grows, so nothing overtakes what cannot be joined. */
static void
a_segment_does_not_overtake_one_of_its_flow(void **state)
{
    struct rig_packet p = rig_tcp(1, MSS), ack;

    (void)state;
    add(&p);
    ack = p;
    ack.payload = 0;
    add(&ack);
    p.seq += MSS;
    add(&p);
    assert_int_equal(c.chains[1].first, 1);
    assert_int_equal(c.chains[2].first, 2);
    expect_chains(3);
}

static void
flows_do_not_part_each_other(void **state)
{
    struct rig_packet p = rig_tcp(1, 500);

    (void)state;
    for (unsigned i = 0; i < 10; i++, p.seq += 500)
        for (uint16_t port = 0; port < 10; port++) {
            p.src_port = (uint16_t)(40000 + port);
            add(&p);
        }
    expect_chains(10);
}

static void
nothing_overtakes_a_fragment(void **state)
{
    struct rig_packet p = rig_tcp(1, MSS);

    (void)state;
    add(&p);
    write_next(&p)[6] = 0x20;
    add_bytes();
    p.seq += MSS;
    add(&p);
    p.seq += MSS;
    add(&p);
    expect_chains(3);
}

static void
what_is_no_packet_is_passed_on_as_it_is(void **state)
{
    static const size_t cuts[] = {0, 1, 19, 20, 27, 39};

    (void)state;
    for (unsigned i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
        struct rig_packet p = rig_tcp(1, MSS);

        write_next(&p);
        lens[c.n_packets] = cuts[i];
        add_bytes();
    }
    expect_chains(sizeof(cuts) / sizeof(cuts[0]));
}

/* --- anything --- */

static uint32_t seed;

static uint32_t
any(uint32_t below)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % below;
}

/* A step of one of some flows: mostly the next packet, sometimes one with something else. */
static void
add_random(struct rig_packet *flow)
{
    struct rig_packet p = *flow;

    switch (any(24)) {
    case 0:
        p.payload = any(600);
        break;
    case 1:
        p.flags ^= (uint8_t)(1u << any(8));
        break;
    case 2:
        flow->traffic_class = p.traffic_class = (uint8_t)any(4);
        break;
    case 3:
        flow->ack++;
        break;
    case 4:
        p.seq += 600;
        break;
    case 5:
        p.id++;
        break;
    default:
        break;
    }
    write_next(&p);
    if (any(50) == 0)
        packets[c.n_packets][any((uint32_t)lens[c.n_packets])] ^= 1;
    add_bytes();
    flow->seq = p.seq + (uint32_t)p.payload;
    flow->id++;
}

static void
check_order(void)
{
    uint32_t last[2][8] = {{0}};

    for (unsigned i = 0; i < c.n_chains; i++) {
        uint16_t at = c.chains[i].first;

        for (unsigned n = 0; n < c.chains[i].n; n++, at = c.packets[at].next) {
            const uint8_t *p = originals[at];
            unsigned flow;

            if (c.packets[at].protocol != IP_PROTO_TCP)
                continue;
            flow = get_be16(p + c.packets[at].upper) & 7;
            assert_true(last[ip_is_v4(p)][flow] <= at);
            last[ip_is_v4(p)][flow] = at;
        }
    }
}

static void
cutting_what_was_joined_gives_it_back(void **state)
{
    unsigned joined = 0;

    (void)state;
    for (seed = 0; seed < 3000; seed = (seed & 0xffff) + 1) {
        struct rig_packet flows[4];
        uint32_t from = seed;

        for (unsigned i = 0; i < 4; i++) {
            flows[i] = any(3) == 0 ? rig_udp((uint16_t)any(9), 600) : rig_tcp(any(9999), 600);
            flows[i].v6 = any(2);
            flows[i].fragmentable = any(2);
            flows[i].src_port = (uint16_t)(40000 + i);
        }
        while (!coalesce_is_full(&c))
            add_random(&flows[any(4)]);
        joined += c.n_packets - c.n_chains;
        check_order();
        expect_reversible();
        coalesce_clear(&c);
        seed = from;
    }
    assert_true(joined > 3000 * COALESCE_BATCH / 4);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup(name, set_up)
    const struct CMUnitTest tests[] = {
        T(segments_that_follow_each_other_become_one),
        T(the_header_says_how_to_cut),
        T(datagrams_of_one_size_become_one),
        T(datagrams_are_not_joined_for_a_kernel_that_cannot_cut_them),
        T(nothing_is_joined_where_that_is_switched_off),
        T(a_shorter_one_is_the_last),
        T(a_longer_one_begins_anew),
        T(psh_and_fin_end_a_super_packet),
        T(a_super_packet_has_64_packets_and_64_kilobytes_at_most),
        T(segments_whose_headers_differ_stay_apart),
        T(ipv6_flow_labels_and_hop_limits_keep_apart),
        T(ids_of_packets_that_may_be_fragmented_go_on),
        T(rfc6864_4_1_ids_of_others_do_not_count),
        T(a_wrong_checksum_is_not_hidden),
        T(a_wrong_ip_checksum_is_not_hidden),
        T(datagrams_without_a_checksum_stay_apart),
        T(datagrams_shorter_than_their_packet_stay_apart),
        T(packets_with_ip_options_stay_apart),
        T(a_segment_does_not_overtake_one_of_its_flow),
        T(flows_do_not_part_each_other),
        T(nothing_overtakes_a_fragment),
        T(what_is_no_packet_is_passed_on_as_it_is),
        T(cutting_what_was_joined_gives_it_back),
    };
#undef T

    return cmocka_run_group_tests(tests, NULL, NULL);
}
