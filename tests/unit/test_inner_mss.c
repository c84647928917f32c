/* SPDX-License-Identifier: BSD-3-Clause */
/* The MSS option of inner SYNs (RFC 9293 3.7.1), its checksum (RFC 1624), and the key of inner
 * flows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <wgtcpd/wire/checksum.h>
#include <wgtcpd/wire/inner.h>
#include <wgtcpd/wire/tcp.h>

static uint8_t packet[256];
static size_t len, tcp_at;

static struct ip_addr
address(bool v6, uint8_t host)
{
    uint8_t v4_bytes[4] = {10, 0, 0, host}, v6_bytes[16] = {0xfd, [15] = host};

    return v6 ? ip_addr_v6(v6_bytes) : ip_addr_v4(v4_bytes);
}

static void
set_checksum(bool v6)
{
    struct ip_addr src = address(v6, 1), dst = address(v6, 2);
    uint8_t *tcp = packet + tcp_at;

    put_be16(tcp + 16, 0);
    put_be16(tcp + 16, checksum_transport(&src, &dst, IP_PROTO_TCP, tcp, len - tcp_at));
}

static bool
checksum_is_right(bool v6)
{
    struct ip_addr src = address(v6, 1), dst = address(v6, 2);

    return checksum_transport(&src, &dst, IP_PROTO_TCP, packet + tcp_at, len - tcp_at) == 0;
}

/* A segment with these options, padded with zeros to words. between: bytes of an IPv6 extension
 * header of that type. */
static void
build(bool v6, uint8_t flags, const uint8_t *options, size_t n, int extension)
{
    size_t between = extension >= 0 ? 8 : 0;
    size_t header_len = TCP_HEADER_LEN + (n + 3) / 4 * 4;
    struct ip_header ip = {
        .src = address(v6, 1),
        .dst = address(v6, 2),
        .protocol = extension >= 0 ? (uint8_t)extension : IP_PROTO_TCP,
        .ttl = 64,
        .payload_len = (uint32_t)(between + header_len + 4),
    };

    memset(packet, 0, sizeof(packet));
    tcp_at = ip_header_len(&ip.dst) + between;
    len = tcp_at + header_len + 4;
    ip_write(packet, &ip);
    if (between > 0)
        packet[IPV6_HEADER_LEN] = IP_PROTO_TCP;
    put_be16(packet + tcp_at, 1234);
    put_be16(packet + tcp_at + 2, 80);
    packet[tcp_at + 12] = (uint8_t)(header_len / 4 << 4);
    packet[tcp_at + 13] = flags;
    memcpy(packet + tcp_at + TCP_HEADER_LEN, options, n);
    memcpy(packet + tcp_at + header_len, "data", 4);
    set_checksum(v6);
}

static uint16_t
mss_at(size_t offset)
{
    return get_be16(packet + tcp_at + TCP_HEADER_LEN + offset);
}

/* What is clamped may be a SYN, by the look that comes first on the data path. */
static bool
clamp(uint8_t *p, size_t n, size_t mtu)
{
    bool may_be_syn = inner_may_be_syn(p, n), clamped = inner_mss_clamp(p, n, mtu);

    assert_true(may_be_syn || !clamped);
    return clamped;
}

static const uint8_t mss_1460[] = {2, 4, 0x05, 0xb4, 4, 2, 1, 1};

static void
syn_and_syn_ack_are_clamped_to_the_mtu(void **state)
{
    static const uint8_t flags[] = {TCP_SYN, TCP_SYN | TCP_ACK, TCP_SYN | TCP_ECE | TCP_CWR};

    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        for (size_t i = 0; i < sizeof(flags); i++) {
            build(v6, flags[i], mss_1460, sizeof(mss_1460), -1);
            assert_true(clamp(packet, len, 1394));
            assert_int_equal(mss_at(2), v6 ? 1394 - 60 : 1394 - 40);
            assert_true(checksum_is_right(v6));
        }
    }
}

static void
one_that_fits_is_left_alone(void **state)
{
    uint8_t before[sizeof(packet)];

    (void)state;
    build(false, TCP_SYN, mss_1460, sizeof(mss_1460), -1);
    memcpy(before, packet, sizeof(before));
    assert_false(clamp(packet, len, 1500)); /* exactly 1460 */
    assert_memory_equal(before, packet, sizeof(before));
    assert_true(clamp(packet, len, 1499));
    assert_int_equal(mss_at(2), 1459);
}

static void
other_segments_are_left_alone(void **state)
{
    static const uint8_t flags[] = {0, TCP_ACK, TCP_FIN | TCP_ACK, TCP_RST, TCP_SYN | TCP_RST};
    uint8_t before[sizeof(packet)];

    (void)state;
    for (size_t i = 0; i < sizeof(flags); i++) {
        build(false, flags[i], mss_1460, sizeof(mss_1460), -1);
        memcpy(before, packet, sizeof(before));
        assert_false(clamp(packet, len, 1000));
        assert_memory_equal(before, packet, sizeof(before));
    }
    build(false, TCP_SYN, mss_1460, sizeof(mss_1460), -1);
    packet[9] = IP_PROTO_UDP;
    assert_false(clamp(packet, len, 1000));
}

/* RFC 1624 on a value that straddles two words of the sum. */
static void
rfc1624_an_option_at_an_odd_offset(void **state)
{
    static const uint8_t options[] = {1, 2, 4, 0x23, 0xb4, 1, 4, 2};

    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        for (size_t mtu = 100; mtu < 9000; mtu += 7) {
            build(v6, TCP_SYN, options, sizeof(options), -1);
            assert_true(clamp(packet, len, mtu));
            assert_int_equal(mss_at(3), v6 ? mtu - 60 : mtu - 40);
            assert_true(checksum_is_right(v6));
        }
    }
}

static void
most_packets_are_no_syn_at_first_sight(void **state)
{
    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        build(v6, TCP_ACK, mss_1460, sizeof(mss_1460), -1);
        assert_false(inner_may_be_syn(packet, len));
        packet[v6 ? 6 : 9] = IP_PROTO_UDP;
        packet[tcp_at + 13] = TCP_SYN;
        assert_false(inner_may_be_syn(packet, len));
    }
    build(true, TCP_SYN, mss_1460, sizeof(mss_1460), 60);
    assert_true(inner_may_be_syn(packet, len)); /* behind an extension: who knows */
}

static void
a_wrong_checksum_stays_wrong(void **state)
{
    (void)state;
    build(false, TCP_SYN, mss_1460, sizeof(mss_1460), -1);
    packet[tcp_at + 17] ^= 1;
    assert_true(clamp(packet, len, 1000));
    assert_false(checksum_is_right(false));
}

static void
behind_ipv6_extension_headers(void **state)
{
    static const uint8_t fragment = 44, walkable[] = {0, 43, 60};

    (void)state;
    for (size_t i = 0; i < sizeof(walkable); i++) {
        build(true, TCP_SYN, mss_1460, sizeof(mss_1460), walkable[i]);
        assert_true(clamp(packet, len, 1400));
        assert_int_equal(mss_at(2), 1340);
        assert_true(checksum_is_right(true));
    }
    build(true, TCP_SYN, mss_1460, sizeof(mss_1460), fragment);
    assert_false(clamp(packet, len, 1400));
    build(true, TCP_SYN, mss_1460, sizeof(mss_1460), 50);
    assert_false(clamp(packet, len, 1400));
    /* a header that says it is longer than the packet */
    build(true, TCP_SYN, mss_1460, sizeof(mss_1460), 60);
    packet[IPV6_HEADER_LEN + 1] = 200;
    assert_false(clamp(packet, len, 1400));
}

static void
behind_ipv4_options(void **state)
{
    (void)state;
    build(false, TCP_SYN, mss_1460, sizeof(mss_1460), -1);
    memmove(packet + 24, packet + 20, len - 20);
    packet[0] = 0x46;
    memset(packet + 20, 1, 4);
    len += 4;
    tcp_at += 4;
    assert_true(clamp(packet, len, 1400));
    assert_int_equal(mss_at(2), 1360);
    assert_true(checksum_is_right(false));
}

static void
fragments_are_left_alone(void **state)
{
    static const uint16_t fields[] = {0x2000, 0x2001, 0x0001, 0x1fff};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        build(false, TCP_SYN, mss_1460, sizeof(mss_1460), -1);
        put_be16(packet + 6, fields[i]);
        assert_false(clamp(packet, len, 1000));
    }
}

static void
malformed_options_stop_the_search(void **state)
{
    static const struct {
        uint8_t bytes[8];
        bool found;
    } cases[] = {
        {{0, 2, 4, 0x05, 0xb4}, false},            /* behind the end of the list */
        {{9, 0, 2, 4, 0x05, 0xb4}, false},         /* length 0 */
        {{9, 1, 2, 4, 0x05, 0xb4}, false},         /* length 1 */
        {{9, 40, 2, 4, 0x05, 0xb4}, false},        /* beyond the header */
        {{2, 3, 0x05, 2, 4, 0x05, 0xb4, 1}, true}, /* a wrong length, then a good one */
        {{1, 1, 1, 1, 1, 1, 2, 4}, false},         /* cut by the header's end */
        {{1, 1, 1, 1, 1, 1, 1, 2}, false},         /* its length, too */
        {{254, 4, 0, 0, 2, 4, 0x05, 0xb4}, true},  /* behind an unknown one */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        build(false, TCP_SYN, cases[i].bytes, 8, -1);
        assert_int_equal(clamp(packet, len, 1000), cases[i].found);
        assert_true(checksum_is_right(false));
    }
}

static void
headers_that_do_not_fit_are_left_alone(void **state)
{
    (void)state;
    build(false, TCP_SYN, mss_1460, sizeof(mss_1460), -1);
    assert_false(clamp(packet, tcp_at + 19, 1000));
    assert_false(clamp(packet, tcp_at + 27, 1000)); /* data offset says 28 */
    assert_false(clamp(packet, len, 40));           /* nothing is left for data */
    packet[tcp_at + 12] = 0xf0;
    assert_false(clamp(packet, len, 1000));
    packet[tcp_at + 12] = 0x40; /* shorter than a header */
    assert_false(clamp(packet, len, 1000));
    packet[0] = 0x4f; /* IP header longer than the packet */
    assert_false(clamp(packet, 40, 1000));
}

/* Copies on the heap, so that a sanitizer sees a read beyond the packet. */
static void
random_packets_are_read_within_their_bounds(void **state)
{
    uint32_t x = 1;

    (void)state;
    for (int i = 0; i < 200000; i++) {
        uint8_t key[INNER_FLOW_KEY_LEN], *copy;
        bool v6 = i & 1;
        size_t n;

        build(v6, TCP_SYN, mss_1460, sizeof(mss_1460), v6 ? 60 : -1);
        for (int k = 0; k < 6; k++) {
            x = x * 1664525 + 1013904223;
            packet[(x >> 16) % len] ^= (uint8_t)(x >> 8);
        }
        packet[0] = (uint8_t)(v6 ? 0x60 : 0x40 | (packet[0] & 15));
        n = (v6 ? 40u : 20u) + (x >> 12) % (len - (v6 ? 40 : 20) + 1);
        copy = malloc(n);
        memcpy(copy, packet, n);
        clamp(copy, n, 500);
        inner_flow_key(copy, n, key);
        inner_may_answer(copy, n);
        free(copy);
    }
}

static void
flow_keys_tell_flows_apart(void **state)
{
    uint8_t one[INNER_FLOW_KEY_LEN], two[INNER_FLOW_KEY_LEN];

    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        static const size_t ports[] = {0, 1, 2, 3};

        build(v6, TCP_ACK, mss_1460, sizeof(mss_1460), -1);
        inner_flow_key(packet, len, one);
        packet[tcp_at + 4]++; /* a sequence number says nothing */
        inner_flow_key(packet, len, two);
        assert_memory_equal(one, two, sizeof(one));
        for (size_t i = 0; i < 4; i++) {
            packet[tcp_at + ports[i]]++;
            inner_flow_key(packet, len, two);
            assert_memory_not_equal(one, two, sizeof(one));
            packet[tcp_at + ports[i]]--;
        }
        packet[v6 ? 6 : 9] = IP_PROTO_UDP;
        inner_flow_key(packet, len, two);
        assert_memory_not_equal(one, two, sizeof(one));
        packet[v6 ? 23 : 15]++;
        inner_flow_key(packet, len, one);
        assert_memory_not_equal(one, two, sizeof(one));
    }
}

static void
fragments_of_a_packet_are_one_flow(void **state)
{
    uint8_t first[INNER_FLOW_KEY_LEN], second[INNER_FLOW_KEY_LEN];

    (void)state;
    build(false, TCP_ACK, mss_1460, sizeof(mss_1460), -1);
    put_be16(packet + 6, 0x2000);
    inner_flow_key(packet, len, first);
    put_be16(packet + 6, 0x0010);
    memset(packet + tcp_at, 0xee, 8);
    inner_flow_key(packet, len, second);
    assert_memory_equal(first, second, sizeof(first));

    build(true, TCP_ACK, mss_1460, sizeof(mss_1460), 44);
    put_be16(packet + IPV6_HEADER_LEN + 2, 0x0001);
    inner_flow_key(packet, len, first);
    put_be16(packet + IPV6_HEADER_LEN + 2, 0x0100);
    memset(packet + tcp_at, 0xee, 8);
    inner_flow_key(packet, len, second);
    assert_memory_equal(first, second, sizeof(first));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(syn_and_syn_ack_are_clamped_to_the_mtu),
        cmocka_unit_test(one_that_fits_is_left_alone),
        cmocka_unit_test(other_segments_are_left_alone),
        cmocka_unit_test(rfc1624_an_option_at_an_odd_offset),
        cmocka_unit_test(most_packets_are_no_syn_at_first_sight),
        cmocka_unit_test(a_wrong_checksum_stays_wrong),
        cmocka_unit_test(behind_ipv6_extension_headers),
        cmocka_unit_test(behind_ipv4_options),
        cmocka_unit_test(fragments_are_left_alone),
        cmocka_unit_test(malformed_options_stop_the_search),
        cmocka_unit_test(headers_that_do_not_fit_are_left_alone),
        cmocka_unit_test(random_packets_are_read_within_their_bounds),
        cmocka_unit_test(flow_keys_tell_flows_apart),
        cmocka_unit_test(fragments_of_a_packet_are_one_flow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
