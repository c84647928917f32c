/* SPDX-License-Identifier: BSD-3-Clause */
/* Super-packets are cut into the packets that the kernel would have sent; partial checksums are
 * completed; what makes no sense is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wgtcpd/offload/segment.h>

#include "offload_rig.h"

enum { MSS = 1340, PARTS_MAX = 64 };

static uint8_t super[RIG_PACKET_MAX], parts[PARTS_MAX][2048];
static size_t lens[PARTS_MAX];

static unsigned
cut(const struct vnet_header *h, const uint8_t *packet, size_t len)
{
    struct segmenter s;
    unsigned n = 0;

    assert_int_equal(segment_begin(&s, h, packet, len), WGT_OK);
    for (; segment_is_left(&s); n++) {
        assert_true(n < PARTS_MAX);
        lens[n] = segment_next(&s, parts[n]);
        assert_true(lens[n] <= segment_max(&s));
    }
    return n;
}

/* Each must be the packet that a sender without offloads would have made of its piece. */
static void
expect_same_as_written_one_by_one(struct rig_packet p, uint16_t size)
{
    static uint8_t expected[2048];
    size_t len, total = p.payload;
    struct vnet_header h = rig_write_super(super, &p, size, &len);
    unsigned n = cut(&h, super, len);
    uint8_t flags = p.flags;

    assert_int_equal(n, (total + size - 1) / size);
    for (unsigned i = 0; i < n; i++) {
        p.payload = i + 1 < n ? size : total - (size_t)size * i;
        p.flags = flags;
        if (i > 0)
            p.flags &= (uint8_t)~TCP_CWR;
        if (i + 1 < n)
            p.flags &= (uint8_t) ~(TCP_PSH | TCP_FIN);
        assert_int_equal(lens[i], rig_write(expected, &p));
        assert_memory_equal(parts[i], expected, lens[i]);
        p.seq += size;
        p.id++;
    }
}

static void
tcp_is_cut_as_if_sent_one_by_one(void **state)
{
    (void)state;
    for (int v6 = 0; v6 < 2; v6++)
        for (size_t payload = 1; payload <= 48 * MSS; payload += 977) {
            struct rig_packet p = rig_tcp(UINT32_MAX - 3 * MSS, payload);

            p.v6 = v6;
            p.id = UINT16_MAX - 5;
            expect_same_as_written_one_by_one(p, MSS);
        }
}

static void
udp_is_cut_as_if_sent_one_by_one(void **state)
{
    (void)state;
    for (int v6 = 0; v6 < 2; v6++)
        for (size_t payload = 1; payload <= 40 * 1200; payload += 613) {
            struct rig_packet p = rig_udp(7, payload);

            p.v6 = v6;
            p.fragmentable = true;
            expect_same_as_written_one_by_one(p, 1200);
        }
}

static void
rfc3168_6_1_2_cwr_is_on_the_first_only(void **state)
{
    struct rig_packet p = rig_tcp(1, 3 * MSS);

    (void)state;
    p.flags = TCP_ACK | TCP_CWR;
    expect_same_as_written_one_by_one(p, MSS);
    assert_true(parts[0][20 + 13] & TCP_CWR);
    assert_false(parts[1][20 + 13] & TCP_CWR);
}

static void
rfc9293_fin_and_psh_are_on_the_last_only(void **state)
{
    struct rig_packet p = rig_tcp(1, 3 * MSS - 1);

    (void)state;
    p.flags = TCP_ACK | TCP_PSH | TCP_FIN;
    expect_same_as_written_one_by_one(p, MSS);
    assert_false(parts[1][20 + 13] & (TCP_PSH | TCP_FIN));
    assert_int_equal(parts[2][20 + 13] & (TCP_PSH | TCP_FIN), TCP_PSH | TCP_FIN);
}

static void
ecn_dscp_and_ttl_are_copied(void **state)
{
    struct rig_packet p = rig_tcp(1, 2 * MSS);

    (void)state;
    p.traffic_class = 0xb8 | IP_ECN_CE;
    p.flags = TCP_ACK | TCP_ECE;
    p.ttl = 3;
    expect_same_as_written_one_by_one(p, MSS);
    p.v6 = true;
    expect_same_as_written_one_by_one(p, MSS);
}

/* Puts len bytes between the IP header and what follows it. */
static size_t
insert(uint8_t *packet, size_t packet_len, size_t at, const uint8_t *bytes, size_t len)
{
    memmove(packet + at + len, packet + at, packet_len - at);
    memcpy(packet + at, bytes, len);
    return packet_len + len;
}

static void
ipv4_options_are_copied(void **state)
{
    static const uint8_t router_alert[] = {0x94, 4, 0, 0};
    struct rig_packet p = rig_tcp(1, 3 * MSS);
    struct ip_header ip;
    struct tcp_segment s;
    struct vnet_header h;
    size_t len;

    (void)state;
    h = rig_write_super(super, &p, MSS, &len);
    len = insert(super, len, IPV4_HEADER_LEN, router_alert, sizeof(router_alert));
    super[0] = 0x46;
    put_be16(super + 2, (uint16_t)len);
    h.checksum_start += sizeof(router_alert);
    assert_int_equal(cut(&h, super, len), 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(ip_parse(parts[i], lens[i], true, &ip), WGT_OK);
        assert_int_equal(ip.header_len, 24);
        assert_memory_equal(parts[i] + 20, router_alert, sizeof(router_alert));
        assert_int_equal(tcp_parse(&ip, parts[i] + 24, true, &s), WGT_OK);
        assert_int_equal(s.seq, 1 + i * MSS);
        assert_int_equal(s.payload.len, MSS);
    }
}

static void
ipv6_extension_headers_are_copied(void **state)
{
    static const uint8_t options[] = {IP_PROTO_TCP, 0, 1, 4, 0, 0, 0, 0};
    struct rig_packet p = rig_tcp(1, 2 * MSS + 5);
    struct ip_header ip;
    struct tcp_segment s;
    struct vnet_header h;
    size_t len;

    (void)state;
    p.v6 = true;
    h = rig_write_super(super, &p, MSS, &len);
    len = insert(super, len, IPV6_HEADER_LEN, options, sizeof(options));
    super[6] = 60; /* destination options */
    put_be16(super + 4, (uint16_t)(len - IPV6_HEADER_LEN));
    h.checksum_start += sizeof(options);
    assert_int_equal(cut(&h, super, len), 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(ip_parse(parts[i], lens[i], true, &ip), WGT_OK);
        assert_int_equal(ip.header_len, 48);
        assert_int_equal(tcp_parse(&ip, parts[i] + 48, true, &s), WGT_OK);
        assert_int_equal(s.payload.len, i < 2 ? MSS : 5);
    }
}

/* RFC 8200 8.1: with a routing header, the pseudo header has the last destination. The kernel has
 * put that into the partial checksum. */
static void
rfc8200_8_1_checksum_is_of_the_last_destination(void **state)
{
    uint8_t routing[24] = {IP_PROTO_TCP, 2, 2, 1, [8] = 0xfd, [23] = 9};
    struct rig_packet p = rig_tcp(1, 2 * MSS);
    struct ip_addr src = rig_addr(true, 1), last = rig_addr(true, 9);
    struct vnet_header h;
    size_t len;

    (void)state;
    p.v6 = true;
    h = rig_write_super(super, &p, MSS, &len);
    put_be16(super + IPV6_HEADER_LEN + 16,
             checksum_fold(
                 checksum_pseudo(&src, &last, IP_PROTO_TCP, (uint32_t)(len - IPV6_HEADER_LEN))));
    len = insert(super, len, IPV6_HEADER_LEN, routing, sizeof(routing));
    super[6] = 43;
    put_be16(super + 4, (uint16_t)(len - IPV6_HEADER_LEN));
    h.checksum_start += sizeof(routing);
    assert_int_equal(cut(&h, super, len), 2);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(checksum_transport(&src, &last, IP_PROTO_TCP, parts[i] + 64, lens[i] - 64),
                         0);
}

static void
partial_checksums_are_completed(void **state)
{
    static uint8_t whole[2048], packet[2048];

    (void)state;
    for (int kind = 0; kind < 4; kind++)
        for (size_t payload = 0; payload < 1400; payload += 7) {
            struct rig_packet p = kind & 1 ? rig_udp(3, payload) : rig_tcp(9, payload);
            struct vnet_header h;
            size_t len;

            p.v6 = kind & 2;
            len = rig_write(whole, &p);
            memcpy(packet, whole, len);
            h = rig_make_partial(packet, len);
            assert_int_equal(segment_complete(&h, packet, len), WGT_OK);
            assert_memory_equal(packet, whole, len);
        }
}

static void
rfc768_a_checksum_of_zero_is_sent_as_ones(void **state)
{
    struct rig_packet p = rig_udp(0, 2);
    struct vnet_header h;
    uint8_t packet[64];
    size_t len = rig_write(packet, &p);
    uint16_t missing;

    (void)state;
    packet[28] = packet[29] = 0;
    h = rig_make_partial(packet, len);
    missing = checksum_finish(checksum_add(0, packet + 20, len - 20));
    put_be16(packet + 28, missing); /* now all adds up to ffff */
    assert_int_equal(segment_complete(&h, packet, len), WGT_OK);
    assert_int_equal(get_be16(packet + 26), 0xffff);
}

static void
a_packet_without_wishes_stays_as_it_is(void **state)
{
    static uint8_t packet[2048], before[2048];
    struct rig_packet p = rig_tcp(9, 100);
    size_t len = rig_write(packet, &p);
    struct vnet_header h = {.checksum_start = 20, .checksum_offset = 16};

    (void)state;
    packet[36] ^= 1; /* a wrong checksum stays wrong */
    memcpy(before, packet, len);
    assert_int_equal(segment_complete(&h, packet, len), WGT_OK);
    assert_memory_equal(packet, before, len);
}

static void
a_checksum_beyond_the_packet_is_refused(void **state)
{
    static uint8_t packet[2048];
    struct rig_packet p = rig_tcp(9, 0);
    size_t len = rig_write(packet, &p);
    struct vnet_header h = {.needs_checksum = true, .checksum_start = (uint16_t)(len - 1)};

    (void)state;
    assert_int_equal(segment_complete(&h, packet, len), WGT_DROP_INNER_OFFLOAD);
    h.checksum_start = UINT16_MAX;
    h.checksum_offset = UINT16_MAX;
    assert_int_equal(segment_complete(&h, packet, len), WGT_DROP_INNER_OFFLOAD);
    h.checksum_start = 20;
    h.checksum_offset = (uint16_t)(len - 20 - 2);
    assert_int_equal(segment_complete(&h, packet, len), WGT_OK);
    h.checksum_offset++;
    assert_int_equal(segment_complete(&h, packet, len), WGT_DROP_INNER_OFFLOAD);
}

static enum wgt_drop
begin(const struct vnet_header *h, size_t len)
{
    struct segmenter s;

    return segment_begin(&s, h, super, len);
}

static void
a_header_that_makes_no_sense_is_refused(void **state)
{
    struct rig_packet p = rig_tcp(1, 3 * MSS);
    struct vnet_header good, h;
    size_t len;

    (void)state;
    good = rig_write_super(super, &p, MSS, &len);
    assert_int_equal(begin(&good, len), WGT_OK);
#define REFUSED(change)                                                                            \
    do {                                                                                           \
        h = good;                                                                                  \
        change;                                                                                    \
        assert_int_equal(begin(&h, len), WGT_DROP_INNER_OFFLOAD);                                  \
    } while (0)
    REFUSED(h.gso_size = 0);
    REFUSED(h.gso = VNET_GSO_NONE);
    REFUSED(h.gso = VNET_GSO_TCP_V6);
    REFUSED(h.gso = VNET_GSO_UDP);
    REFUSED(h.gso = 3); /* UFO, which we did not ask for */
    REFUSED(h.needs_checksum = false);
    REFUSED(h.checksum_start = 21);
    REFUSED(h.checksum_offset = 6);
    REFUSED(h.checksum_start = UINT16_MAX);
#undef REFUSED
}

static void
a_packet_that_is_not_what_the_header_says_is_refused(void **state)
{
    struct rig_packet p = rig_tcp(1, 3 * MSS);
    struct vnet_header h;
    size_t len;

    (void)state;
#define REFUSED(change)                                                                            \
    do {                                                                                           \
        h = rig_write_super(super, &p, MSS, &len);                                                 \
        change;                                                                                    \
        assert_int_equal(begin(&h, len), WGT_DROP_INNER_OFFLOAD);                                  \
    } while (0)
    REFUSED(len--);                               /* cut on the way */
    REFUSED(len++);                               /* padded */
    REFUSED(super[0] = 0x65);                     /* IPv6 */
    REFUSED(super[9] = IP_PROTO_UDP);             /* not TCP */
    REFUSED(super[6] |= 0x20);                    /* a fragment */
    REFUSED(super[7] |= 1);                       /* a later one */
    REFUSED(super[20 + 12] = 0x40);               /* TCP header of 16 bytes */
    REFUSED(super[0] = 0x44);                     /* IPv4 header of 16 bytes */
    REFUSED((len = 52, put_be16(super + 2, 52))); /* no payload */
    REFUSED((len = 45, put_be16(super + 2, 45))); /* part of the header */
    REFUSED((len = 30, put_be16(super + 2, 30)));
    REFUSED((len = 20, put_be16(super + 2, 20)));
    REFUSED(len = 0);
#undef REFUSED
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tcp_is_cut_as_if_sent_one_by_one),
        cmocka_unit_test(udp_is_cut_as_if_sent_one_by_one),
        cmocka_unit_test(rfc3168_6_1_2_cwr_is_on_the_first_only),
        cmocka_unit_test(rfc9293_fin_and_psh_are_on_the_last_only),
        cmocka_unit_test(ecn_dscp_and_ttl_are_copied),
        cmocka_unit_test(ipv4_options_are_copied),
        cmocka_unit_test(ipv6_extension_headers_are_copied),
        cmocka_unit_test(rfc8200_8_1_checksum_is_of_the_last_destination),
        cmocka_unit_test(partial_checksums_are_completed),
        cmocka_unit_test(rfc768_a_checksum_of_zero_is_sent_as_ones),
        cmocka_unit_test(a_packet_without_wishes_stays_as_it_is),
        cmocka_unit_test(a_checksum_beyond_the_packet_is_refused),
        cmocka_unit_test(a_header_that_makes_no_sense_is_refused),
        cmocka_unit_test(a_packet_that_is_not_what_the_header_says_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
