/* SPDX-License-Identifier: BSD-3-Clause */
/* "Packet too big" for senders inside the tunnel (RFC 1191, RFC 4443 3.2), and ECN through tunnels
 * (RFC 3168, RFC 6040). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wgtcpd/wire/checksum.h>
#include <wgtcpd/wire/ecn.h>
#include <wgtcpd/wire/inner.h>

enum { DF = 0x4000, MF = 0x2000 };

static uint8_t packet[2048], out[INNER_ERROR_MAX];

static size_t
build(bool v6, size_t len, bool df, uint8_t protocol)
{
    uint8_t a4[4] = {10, 0, 0, 1}, b4[4] = {10, 0, 0, 2};
    uint8_t a6[16] = {0xfd, [15] = 1}, b6[16] = {0xfd, [15] = 2};
    struct ip_header ip = {
        .src = v6 ? ip_addr_v6(a6) : ip_addr_v4(a4),
        .dst = v6 ? ip_addr_v6(b6) : ip_addr_v4(b4),
        .protocol = protocol,
        .ttl = 64,
        .dont_fragment = df,
    };

    for (size_t i = 0; i < sizeof(packet); i++)
        packet[i] = (uint8_t)(i * 7 + 1);
    ip.payload_len = (uint32_t)(len - ip_header_len(&ip.dst));
    ip_write(packet, &ip);
    return len;
}

static void
only_what_may_not_be_cut_exceeds(void **state)
{
    (void)state;
    assert_true(inner_exceeds(packet, build(false, 1401, true, IP_PROTO_UDP), 1400));
    assert_false(inner_exceeds(packet, build(false, 1400, true, IP_PROTO_UDP), 1400));
    assert_false(inner_exceeds(packet, build(false, 1401, false, IP_PROTO_UDP), 1400));
    assert_true(inner_exceeds(packet, build(true, 1401, false, IP_PROTO_UDP), 1400));
    assert_false(inner_exceeds(packet, build(true, 1400, false, IP_PROTO_UDP), 1400));
}

static void
rfc8200_5_what_every_link_carries_never_exceeds(void **state)
{
    (void)state;
    assert_false(inner_exceeds(packet, build(true, 1280, false, IP_PROTO_UDP), 1000));
    assert_true(inner_exceeds(packet, build(true, 1281, false, IP_PROTO_UDP), 1000));
    assert_false(inner_exceeds(packet, build(false, 576, true, IP_PROTO_UDP), 300));
    assert_true(inner_exceeds(packet, build(false, 577, true, IP_PROTO_UDP), 300));
}

static void
rfc1191_4_fragmentation_needed(void **state)
{
    size_t len = build(false, 1420, true, IP_PROTO_UDP), n;
    struct ip_header ip;

    (void)state;
    n = inner_too_big_write(out, packet, len, 1394);
    assert_int_equal(n, 576); /* RFC 1812 4.3.2.3 */
    assert_int_equal(ip_parse(out, n, true, &ip), WGT_OK);
    assert_int_equal(ip.header_len + ip.payload_len, n);
    assert_int_equal(ip.protocol, IP_PROTO_ICMP);
    assert_memory_equal(ip.src.bytes, packet + 16, 4);
    assert_memory_equal(ip.dst.bytes, packet + 12, 4);
    assert_int_equal(out[20], 3);
    assert_int_equal(out[21], 4);
    assert_int_equal(get_be16(out + 24), 0);
    assert_int_equal(get_be16(out + 26), 1394);
    assert_int_equal(checksum_finish(checksum_add(0, out + 20, n - 20)), 0);
    assert_memory_equal(out + 28, packet, n - 28);
}

static void
rfc4443_3_2_packet_too_big(void **state)
{
    size_t len = build(true, 1420, false, IP_PROTO_UDP), n;
    struct ip_header ip;

    (void)state;
    n = inner_too_big_write(out, packet, len, 1394);
    assert_int_equal(n, 1280); /* RFC 4443 2.4 (c) */
    assert_int_equal(ip_parse(out, n, true, &ip), WGT_OK);
    assert_int_equal(ip.protocol, IP_PROTO_ICMPV6);
    assert_memory_equal(ip.src.bytes, packet + 24, 16);
    assert_memory_equal(ip.dst.bytes, packet + 8, 16);
    assert_int_equal(out[40], 2);
    assert_int_equal(out[41], 0);
    assert_int_equal(get_be32(out + 44), 1394);
    assert_int_equal(
        checksum_transport(&ip.src, &ip.dst, IP_PROTO_ICMPV6, out + 40, ip.payload_len), 0);
    assert_memory_equal(out + 48, packet, n - 48);
}

static void
the_mtu_told_is_no_smaller_than_hosts_heed(void **state)
{
    (void)state;
    inner_too_big_write(out, packet, build(true, 1420, false, IP_PROTO_UDP), 900);
    assert_int_equal(get_be32(out + 44), 1280);
    inner_too_big_write(out, packet, build(false, 1420, true, IP_PROTO_UDP), 300);
    assert_int_equal(get_be16(out + 26), 576);
}

static void
it_is_written_around_the_packet_in_place(void **state)
{
    static uint8_t room[2048 + INNER_ERROR_HEADERS_MAX];

    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        size_t len = build(v6, 1420, true, IP_PROTO_UDP);
        size_t n = inner_too_big_write(out, packet, len, 1394);
        size_t headers = inner_error_headers(packet);

        memcpy(room + headers, packet, len);
        assert_int_equal(inner_too_big_write(room, room + headers, len, 1394), n);
        assert_memory_equal(room, out, n);
    }
}

static void
rfc1122_3_2_2_no_error_about_errors_groups_and_later_fragments(void **state)
{
    static const uint8_t errors[] = {3, 4, 5, 11, 12}, others[] = {0, 8, 13};
    size_t len;

    (void)state;
    len = build(false, 1000, true, IP_PROTO_UDP);
    assert_true(inner_may_answer(packet, len));
    put_be16(packet + 6, MF);
    assert_true(inner_may_answer(packet, len));
    put_be16(packet + 6, 1);
    assert_false(inner_may_answer(packet, len));
    for (size_t i = 0; i < sizeof(errors); i++) {
        len = build(false, 1000, true, IP_PROTO_ICMP);
        packet[20] = errors[i];
        assert_false(inner_may_answer(packet, len));
    }
    for (size_t i = 0; i < sizeof(others); i++) {
        packet[20] = others[i];
        assert_true(inner_may_answer(packet, len));
    }
    len = build(false, 1000, true, IP_PROTO_UDP);
    packet[16] = 224;
    assert_false(inner_may_answer(packet, len));
    packet[16] = 10;
    packet[12] = 255;
    assert_false(inner_may_answer(packet, len));
    packet[12] = 0;
    assert_false(inner_may_answer(packet, len));
    packet[12] = 127;
    assert_false(inner_may_answer(packet, len));
}

static void
rfc4443_2_4_e_no_error_about_icmpv6_errors_and_odd_sources(void **state)
{
    size_t len = build(true, 1000, true, IP_PROTO_ICMPV6);

    (void)state;
    packet[40] = 128;
    assert_true(inner_may_answer(packet, len));
    packet[40] = 127;
    assert_false(inner_may_answer(packet, len));
    packet[40] = 2;
    assert_false(inner_may_answer(packet, len));
    packet[40] = 137;
    assert_false(inner_may_answer(packet, len));
    len = build(true, 1000, true, IP_PROTO_UDP);
    assert_true(inner_may_answer(packet, len));
    packet[8] = 0xff;
    assert_false(inner_may_answer(packet, len));
    memset(packet + 8, 0, 16);
    assert_false(inner_may_answer(packet, len));
}

/* --- ECN -----------------------------------------------------------------------------------------
 */

static size_t
with_ecn(bool v6, uint8_t ecn)
{
    size_t len = build(v6, 100, true, IP_PROTO_UDP);

    if (v6)
        packet[1] = (uint8_t)(0x0f | ecn << 4); /* some of the flow label beside it */
    else
        packet[1] = (uint8_t)(0xb8 | ecn);
    put_be16(packet + 10, v6 ? get_be16(packet + 10) : 0);
    if (!v6)
        put_be16(packet + 10, checksum_finish(checksum_add(0, packet, 20)));
    return len;
}

static bool
header_is_right(bool v6)
{
    if (v6)
        return packet[0] == 0x60 && (packet[1] & 0xcf) == 0x0f;
    return checksum_finish(checksum_add(0, packet, 20)) == 0 && (packet[1] & 0xfc) == 0xb8;
}

static void
rfc3168_5_a_mark_replaces_ect_only(void **state)
{
    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        with_ecn(v6, IP_ECN_NOT_ECT);
        assert_false(ecn_mark(packet));
        assert_int_equal(ecn_of(packet), IP_ECN_NOT_ECT);
        for (uint8_t ecn = 1; ecn < 4; ecn++) {
            with_ecn(v6, ecn);
            assert_int_equal(ecn_of(packet), ecn);
            assert_true(ecn_mark(packet));
            assert_int_equal(ecn_of(packet), IP_ECN_CE);
            assert_true(header_is_right(v6));
        }
    }
}

static void
rfc3168_9_1_1_the_outer_header_says_ect0_for_ce(void **state)
{
    (void)state;
    assert_int_equal(ecn_encapsulate(IP_ECN_NOT_ECT), IP_ECN_NOT_ECT);
    assert_int_equal(ecn_encapsulate(IP_ECN_ECT0), IP_ECN_ECT0);
    assert_int_equal(ecn_encapsulate(IP_ECN_ECT1), IP_ECN_ECT1);
    assert_int_equal(ecn_encapsulate(IP_ECN_CE), IP_ECN_ECT0);
}

static void
rfc6040_4_2_decapsulation(void **state)
{
    enum { N = IP_ECN_NOT_ECT, E0 = IP_ECN_ECT0, E1 = IP_ECN_ECT1, CE = IP_ECN_CE, DROP = 9 };
    /* by inner, then by outer, both in the order of code points: Not-ECT, ECT(1), ECT(0), CE */
    static const uint8_t figure_4[4][4] = {
        {N, N, N, DROP},
        {E1, E1, E1, CE},
        {E0, E1, E0, CE},
        {CE, CE, CE, CE},
    };

    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        for (uint8_t inner = 0; inner < 4; inner++) {
            for (uint8_t outer = 0; outer < 4; outer++) {
                with_ecn(v6, inner);
                if (figure_4[inner][outer] == DROP) {
                    assert_false(ecn_decapsulate(packet, outer));
                    continue;
                }
                assert_true(ecn_decapsulate(packet, outer));
                assert_int_equal(ecn_of(packet), figure_4[inner][outer]);
                assert_true(header_is_right(v6));
            }
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_may_not_be_cut_exceeds),
        cmocka_unit_test(rfc8200_5_what_every_link_carries_never_exceeds),
        cmocka_unit_test(rfc1191_4_fragmentation_needed),
        cmocka_unit_test(rfc4443_3_2_packet_too_big),
        cmocka_unit_test(the_mtu_told_is_no_smaller_than_hosts_heed),
        cmocka_unit_test(it_is_written_around_the_packet_in_place),
        cmocka_unit_test(rfc1122_3_2_2_no_error_about_errors_groups_and_later_fragments),
        cmocka_unit_test(rfc4443_2_4_e_no_error_about_icmpv6_errors_and_odd_sources),
        cmocka_unit_test(rfc3168_5_a_mark_replaces_ect_only),
        cmocka_unit_test(rfc3168_9_1_1_the_outer_header_says_ect0_for_ce),
        cmocka_unit_test(rfc6040_4_2_decapsulation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
