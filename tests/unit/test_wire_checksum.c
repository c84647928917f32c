/* SPDX-License-Identifier: BSD-3-Clause */
/* The Internet checksum: RFC 1071, RFC 1624 and the pseudo headers of RFC 9293 3.1, RFC 8200 8.1.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wgtcpd/wire/checksum.h>

enum { BUFFER_LEN = 2048 };

static uint32_t
next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

static void
fill_random(uint8_t *data, size_t len, uint32_t seed)
{
    for (size_t i = 0; i < len; i++)
        data[i] = (uint8_t)next_random(&seed);
}

/* RFC 1071 section 1, word by word. */
static uint16_t
plain_sum(const uint8_t *data, size_t len)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < len; i++) {
        sum += i % 2 == 0 ? (uint32_t)data[i] << 8 : data[i];
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)sum;
}

static void
rfc1071_3_numerical_example(void **state)
{
    static const uint8_t data[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};

    (void)state;
    assert_int_equal(checksum_fold(checksum_add(0, data, sizeof(data))), 0xddf2);
    assert_int_equal(checksum_finish(checksum_add(0, data, sizeof(data))), 0x220d);
}

static void
rfc1071_sum_of_nothing_is_zero(void **state)
{
    (void)state;
    assert_int_equal(checksum_add(0, NULL, 0), 0);
    assert_int_equal(checksum_add(77, NULL, 0), 77);
    assert_int_equal(checksum_finish(0), 0xffff);
}

static void
rfc1071_odd_length_is_padded_with_a_zero_byte(void **state)
{
    static const uint8_t data[] = {0x12, 0x34, 0x56};

    (void)state;
    assert_int_equal(checksum_fold(checksum_add(0, data, 3)), 0x1234 + 0x5600);
    assert_int_equal(checksum_fold(checksum_add(0, data + 2, 1)), 0x5600);
}

static void
rfc1071_every_length_and_alignment(void **state)
{
    static uint8_t data[BUFFER_LEN];

    (void)state;
    fill_random(data, sizeof(data), 1);
    for (size_t start = 0; start < 8; start++)
        for (size_t len = 0; len <= 300; len++)
            assert_int_equal(checksum_fold(checksum_add(0, data + start, len)),
                             plain_sum(data + start, len));
    for (size_t len = 1490; len <= 1510; len++)
        assert_int_equal(checksum_fold(checksum_add(0, data + 3, len)), plain_sum(data + 3, len));
}

static void
rfc1071_carries_are_not_lost(void **state)
{
    static uint8_t ones[65536];

    (void)state;
    memset(ones, 0xff, sizeof(ones));
    for (size_t len = 2; len <= sizeof(ones); len = len * 2 + 2)
        assert_int_equal(checksum_fold(checksum_add(0, ones, len)), 0xffff);
    assert_int_equal(checksum_fold(checksum_add(0, ones, sizeof(ones))), 0xffff);
    assert_int_equal(checksum_fold(UINT64_MAX), 0xffff);
    assert_int_equal(checksum_fold(UINT64_C(0xffff0001ffffffff)), 1);
    assert_int_equal(checksum_fold(UINT64_C(0x10000)), 1);
}

static void
rfc1071_2a_runs_add_up(void **state)
{
    static uint8_t data[BUFFER_LEN];

    (void)state;
    fill_random(data, sizeof(data), 2);
    for (size_t cut = 0; cut <= 1501; cut += 2) {
        uint64_t sum = checksum_add(0, data, cut);

        sum = checksum_add(sum, data + cut, 1501 - cut);
        assert_int_equal(checksum_fold(sum), plain_sum(data, 1501));
    }
}

static void
an_ipv4_header_sums_up_like_any_data(void **state)
{
    uint8_t header[60];

    (void)state;
    for (unsigned i = 0; i < 10000; i++) {
        size_t n = 20 + i % 11 * 4;

        for (size_t at = 0; at < n; at++)
            header[at] = (uint8_t)(i * 2654435761u >> (at * 7 % 24));
        if (i % 100 == 0)
            memset(header, i % 200 == 0 ? 0xff : 0, n);
        header[0] |= 0x40;
        assert_int_equal(checksum_ipv4_header(header, n),
                         checksum_finish(checksum_add(0, header, n)));
    }
}

static void
rfc1071_data_with_its_checksum_sums_to_zero(void **state)
{
    uint8_t data[40];

    (void)state;
    for (uint32_t seed = 0; seed < 1000; seed++) {
        fill_random(data, sizeof(data), seed);
        put_be16(data + 10, 0);
        put_be16(data + 10, checksum_finish(checksum_add(0, data, sizeof(data))));
        assert_int_equal(checksum_finish(checksum_add(0, data, sizeof(data))), 0);
        data[seed % 40] ^= (uint8_t)(1u << seed % 8);
        assert_int_not_equal(checksum_finish(checksum_add(0, data, sizeof(data))), 0);
    }
}

static void
rfc1624_3_equation_3(void **state)
{
    static const struct {
        uint16_t checksum, old_word, new_word, expect;
    } cases[] = {
        {0x07d4, 0xe44d, 0x5c0c, 0x9015}, {0xf22b, 0x2408, 0x3195, 0xe49e},
        {0x1150, 0x945d, 0x0016, 0xa597}, {0x97fa, 0x9b54, 0x118d, 0x21c2},
        {0x3f08, 0xb6dd, 0x8cf2, 0x68f3}, {0xa9ec, 0x38b3, 0xd60f, 0x0c90},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(checksum_update(cases[i].checksum, cases[i].old_word, cases[i].new_word),
                         cases[i].expect);
}

/* The equation of RFC 1141 gives ffff here. */
static void
rfc1624_4_example_gives_0000(void **state)
{
    (void)state;
    assert_int_equal(checksum_update(0xdd2f, 0x5555, 0x3285), 0x0000);
}

static void
rfc1624_update_equals_recomputation(void **state)
{
    uint8_t data[20];
    uint32_t random = 3;

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        size_t at = next_random(&random) % 9 * 2;
        uint16_t checksum, old_word, new_word = (uint16_t)next_random(&random);

        fill_random(data, sizeof(data), i);
        data[19] = 1; /* not all zero, whatever the new word is */
        checksum = checksum_finish(checksum_add(0, data, sizeof(data)));
        old_word = get_be16(data + at);
        put_be16(data + at, new_word);
        assert_int_equal(checksum_update(checksum, old_word, new_word),
                         checksum_finish(checksum_add(0, data, sizeof(data))));
    }
}

static void
rfc9293_3_1_ipv4_pseudo_header(void **state)
{
    static const uint8_t pseudo[] = {192, 0, 2, 1, 198, 51, 100, 7, 0, 6, 0x05, 0xdc};
    struct ip_addr src = ip_addr_v4(pseudo), dst = ip_addr_v4(pseudo + 4);

    (void)state;
    assert_int_equal(checksum_fold(checksum_pseudo(&src, &dst, 6, 1500)),
                     plain_sum(pseudo, sizeof(pseudo)));
}

static void
rfc8200_8_1_ipv6_pseudo_header(void **state)
{
    static const uint8_t pseudo[40] = {
        0x20, 0x01, 0x0d,     0xb8,     [15] = 1,    0x20,        0x01,        0x0d,      0xb8,
        0xff, 0xff, [31] = 2, [32] = 0, [33] = 0x12, [34] = 0x34, [35] = 0x56, [39] = 58,
    };
    struct ip_addr src = ip_addr_v6(pseudo), dst = ip_addr_v6(pseudo + 16);

    (void)state;
    assert_int_equal(checksum_fold(checksum_pseudo(&src, &dst, 58, 0x123456)),
                     plain_sum(pseudo, sizeof(pseudo)));
}

static void
checksum_transport_covers_pseudo_header_and_data(void **state)
{
    static const uint8_t addr[] = {192, 0, 2, 1, 198, 51, 100, 7};
    struct ip_addr src = ip_addr_v4(addr), dst = ip_addr_v4(addr + 4), other = dst;
    uint8_t data[] = {0x12, 0x34, 0x00, 0x00, 0x99};

    (void)state;
    put_be16(data + 2, checksum_transport(&src, &dst, 17, data, sizeof(data)));
    assert_int_equal(checksum_transport(&src, &dst, 17, data, sizeof(data)), 0);
    assert_int_not_equal(checksum_transport(&src, &dst, 6, data, sizeof(data)), 0);
    assert_int_not_equal(checksum_transport(&src, &dst, 17, data, sizeof(data) - 1), 0);
    other.bytes[3]++;
    assert_int_not_equal(checksum_transport(&src, &other, 17, data, sizeof(data)), 0);
    assert_int_not_equal(checksum_transport(&other, &dst, 17, data, sizeof(data)), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc1071_3_numerical_example),
        cmocka_unit_test(rfc1071_sum_of_nothing_is_zero),
        cmocka_unit_test(rfc1071_odd_length_is_padded_with_a_zero_byte),
        cmocka_unit_test(rfc1071_every_length_and_alignment),
        cmocka_unit_test(rfc1071_carries_are_not_lost),
        cmocka_unit_test(rfc1071_2a_runs_add_up),
        cmocka_unit_test(an_ipv4_header_sums_up_like_any_data),
        cmocka_unit_test(rfc1071_data_with_its_checksum_sums_to_zero),
        cmocka_unit_test(rfc1624_3_equation_3),
        cmocka_unit_test(rfc1624_4_example_gives_0000),
        cmocka_unit_test(rfc1624_update_equals_recomputation),
        cmocka_unit_test(rfc9293_3_1_ipv4_pseudo_header),
        cmocka_unit_test(rfc8200_8_1_ipv6_pseudo_header),
        cmocka_unit_test(checksum_transport_covers_pseudo_header_and_data),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
