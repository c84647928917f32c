/* SPDX-License-Identifier: BSD-3-Clause */
/* What a router checks and changes (RFC 1812 5, RFC 8200 3), and the errors it sends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wgtcpd/wire/checksum.h>
#include <wgtcpd/wire/forward.h>
#include <wgtcpd/wire/icmp.h>
#include <wgtcpd/wire/inner.h>

static uint8_t packet[128], before[128], out[INNER_ERROR_MAX];

static struct ip_addr
v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    return ip_addr_v4((uint8_t[4]){a, b, c, d});
}

static struct ip_addr
v6(uint8_t first, uint8_t second, uint8_t last)
{
    return ip_addr_v6((uint8_t[16]){first, second, [15] = last});
}

static size_t
build(struct ip_addr src, struct ip_addr dst, uint8_t ttl)
{
    struct ip_header ip = {
        .src = src, .dst = dst, .protocol = IP_PROTO_UDP, .ttl = ttl, .payload_len = 20};
    size_t len = ip_header_len(&dst) + 20;

    memset(packet, 0x5a, sizeof(packet));
    ip_write(packet, &ip);
    memcpy(before, packet, sizeof(before));
    return len;
}

static void
assert_forward(struct ip_addr src, struct ip_addr dst, enum wgt_drop want)
{
    size_t len = build(src, dst, 9);

    assert_int_equal(ip_forward(packet, len, true), want);
    if (want != WGT_OK)
        assert_memory_equal(packet, before, sizeof(packet));
}

static void
rfc1812_5_3_1_ttl_goes_down_by_one_and_the_checksum_with_it(void **state)
{
    (void)state;
    for (unsigned ttl = 2; ttl < 256; ttl++) {
        size_t len = build(v4(10, 0, 0, 1), v4(10, 9, 0, 2), (uint8_t)ttl);
        struct ip_header ip;

        assert_int_equal(ip_forward(packet, len, true), WGT_OK);
        assert_int_equal(ip_parse(packet, len, true, &ip), WGT_OK);
        assert_int_equal(ip.ttl, ttl - 1);
    }
}

static void
rfc8200_3_hop_limit_goes_down_by_one(void **state)
{
    size_t len = build(v6(0xfd, 0, 1), v6(0xfd, 9, 2), 2);

    (void)state;
    assert_int_equal(ip_forward(packet, len, true), WGT_OK);
    assert_int_equal(packet[7], 1);
    before[7] = 1;
    assert_memory_equal(packet, before, sizeof(packet));
}

static void
a_packet_at_its_end_stays_as_it_was(void **state)
{
    (void)state;
    for (uint8_t ttl = 0; ttl < 2; ttl++) {
        size_t len = build(v4(10, 0, 0, 1), v4(10, 9, 0, 2), ttl);

        assert_int_equal(ip_forward(packet, len, true), WGT_DROP_IP_TTL);
        assert_memory_equal(packet, before, sizeof(packet));
        len = build(v6(0xfd, 0, 1), v6(0xfd, 9, 2), ttl);
        assert_int_equal(ip_forward(packet, len, true), WGT_DROP_IP_TTL);
        assert_memory_equal(packet, before, sizeof(packet));
    }
}

static void
rfc1812_5_2_2_a_wrong_checksum_goes_no_further(void **state)
{
    size_t len = build(v4(10, 0, 0, 1), v4(10, 9, 0, 2), 64);

    (void)state;
    packet[10] ^= 1;
    assert_int_equal(ip_forward(packet, len, true), WGT_DROP_IP_CHECKSUM);
    assert_int_equal(ip_forward(packet, len, false), WGT_OK); /* hardware has looked */
}

static void
a_header_longer_than_the_packet_is_refused(void **state)
{
    size_t len = build(v4(10, 0, 0, 1), v4(10, 9, 0, 2), 64);

    (void)state;
    packet[0] = 0x4f;
    assert_int_equal(ip_forward(packet, len, false), WGT_DROP_IP_HEADER_LENGTH);
    packet[0] = 0x44;
    assert_int_equal(ip_forward(packet, len, false), WGT_DROP_IP_HEADER_LENGTH);
}

static void
rfc1812_5_3_7_sources_that_no_packet_comes_from(void **state)
{
    struct ip_addr to4 = v4(10, 9, 0, 2), to6 = v6(0xfd, 9, 2);

    (void)state;
    assert_forward(v4(127, 0, 0, 1), to4, WGT_DROP_IP_SOURCE);
    assert_forward(v4(0, 0, 0, 0), to4, WGT_DROP_IP_SOURCE);
    assert_forward(v4(224, 0, 0, 1), to4, WGT_DROP_IP_SOURCE);
    assert_forward(v4(255, 255, 255, 255), to4, WGT_DROP_IP_SOURCE);
    assert_forward(v6(0, 0, 0), to6, WGT_DROP_IP_SOURCE);
    assert_forward(v6(0, 0, 1), to6, WGT_DROP_IP_SOURCE);
    assert_forward(v6(0xff, 2, 1), to6, WGT_DROP_IP_SOURCE);
}

static void
rfc4291_2_5_6_link_local_and_groups_stay_on_their_link(void **state)
{
    struct ip_addr from4 = v4(10, 0, 0, 1), from6 = v6(0xfd, 0, 1);

    (void)state;
    assert_forward(v4(169, 254, 1, 1), v4(10, 9, 0, 2), WGT_DROP_IP_SCOPE);
    assert_forward(from4, v4(169, 254, 1, 1), WGT_DROP_IP_SCOPE);
    assert_forward(from4, v4(127, 0, 0, 1), WGT_DROP_IP_SCOPE);
    assert_forward(from4, v4(239, 1, 1, 1), WGT_DROP_IP_SCOPE);
    assert_forward(from4, v4(255, 255, 255, 255), WGT_DROP_IP_SCOPE);
    assert_forward(v6(0xfe, 0x80, 1), v6(0xfd, 9, 2), WGT_DROP_IP_SCOPE);
    assert_forward(from6, v6(0xfe, 0x80, 1), WGT_DROP_IP_SCOPE);
    assert_forward(from6, v6(0xff, 5, 1), WGT_DROP_IP_SCOPE);
    assert_forward(from6, v6(0, 0, 1), WGT_DROP_IP_SCOPE);
    assert_forward(from6, v6(0x20, 1, 1), WGT_OK);
}

/* type and code as the kind must have them */
static void
assert_error(size_t len, enum inner_error_kind kind, struct ip_addr from, uint8_t type,
             uint8_t code)
{
    struct inner_error e = {.kind = kind, .mtu = 1300, .from = from};
    size_t n = inner_error_write(out, packet, len, &e), header;
    bool is_v4 = ip_is_v4(packet);
    struct ip_header ip;

    assert_int_equal(ip_parse(out, n, true, &ip), WGT_OK);
    header = ip.header_len;
    assert_int_equal(out[header], type);
    assert_int_equal(out[header + 1], code);
    assert_int_equal(get_be32(out + header + 4), kind == INNER_ERROR_TOO_BIG ? 1300 : 0);
    assert_true(ip_addr_equal(&ip.src, &from));
    assert_int_equal(
        is_v4 ? checksum_finish(checksum_add(0, out + header, ip.payload_len))
              : checksum_transport(&ip.src, &ip.dst, IP_PROTO_ICMPV6, out + header, ip.payload_len),
        0);
    assert_memory_equal(out + header + 8, packet, len);
}

static void
errors_have_their_types_and_come_from_the_router(void **state)
{
    struct ip_addr router4 = v4(10, 0, 0, 254), router6 = v6(0xfd, 0, 254);
    size_t len = build(v4(10, 0, 0, 1), v4(10, 9, 0, 2), 1);

    (void)state;
    assert_error(len, INNER_ERROR_TOO_BIG, router4, 3, 4);
    assert_error(len, INNER_ERROR_TIME_EXCEEDED, router4, 11, 0);
    assert_error(len, INNER_ERROR_NO_ROUTE, router4, 3, 0);
    assert_error(len, INNER_ERROR_HOST, router4, 3, 1);
    len = build(v6(0xfd, 0, 1), v6(0xfd, 9, 2), 1);
    assert_error(len, INNER_ERROR_TOO_BIG, router6, 2, 0);
    assert_error(len, INNER_ERROR_TIME_EXCEEDED, router6, 3, 0);
    assert_error(len, INNER_ERROR_NO_ROUTE, router6, 1, 0);
    assert_error(len, INNER_ERROR_HOST, router6, 1, 3);
}

/* The last before and the first behind the networks that are not forwarded. */
static void
addresses_beside_special_networks_are_forwarded(void **state)
{
    static const uint8_t beside[][4] = {
        {1, 0, 0, 0},         {126, 255, 255, 255}, {128, 0, 0, 0},
        {169, 253, 255, 255}, {169, 255, 0, 0},     {223, 255, 255, 255},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++) {
        struct ip_addr a = ip_addr_v4(beside[i]);

        assert_forward(a, v4(10, 9, 0, 2), WGT_OK);
        assert_forward(v4(10, 0, 0, 1), a, WGT_OK);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc1812_5_3_1_ttl_goes_down_by_one_and_the_checksum_with_it),
        cmocka_unit_test(rfc8200_3_hop_limit_goes_down_by_one),
        cmocka_unit_test(a_packet_at_its_end_stays_as_it_was),
        cmocka_unit_test(rfc1812_5_2_2_a_wrong_checksum_goes_no_further),
        cmocka_unit_test(a_header_longer_than_the_packet_is_refused),
        cmocka_unit_test(rfc1812_5_3_7_sources_that_no_packet_comes_from),
        cmocka_unit_test(rfc4291_2_5_6_link_local_and_groups_stay_on_their_link),
        cmocka_unit_test(errors_have_their_types_and_come_from_the_router),
        cmocka_unit_test(addresses_beside_special_networks_are_forwarded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
