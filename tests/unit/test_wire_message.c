/* SPDX-License-Identifier: BSD-3-Clause */
/* WireGuard messages (paper section 5.4) and the padding of inner packets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <wgtcpd/wire/message.h>

static enum wgt_drop
check(const uint8_t first[4], size_t len, enum message_type *type)
{
    uint8_t *message = calloc(1, len + (len == 0));
    enum wgt_drop drop;

    assert_non_null(message);
    memcpy(message, first, len < 4 ? len : 4);
    drop = message_check(message, len, type);
    free(message);
    return drop;
}

static void
each_type_has_its_length(void **state)
{
    static const struct {
        uint8_t type;
        size_t len;
    } cases[] = {{1, 148}, {2, 92}, {3, 64}};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        uint8_t first[4] = {cases[i].type};

        for (size_t len = 4; len < 300; len++) {
            enum message_type type = MESSAGE_DATA;
            enum wgt_drop drop = check(first, len, &type);

            assert_int_equal(drop, len == cases[i].len ? WGT_OK : WGT_DROP_MESSAGE_LENGTH);
            assert_int_equal(type, len == cases[i].len ? cases[i].type : MESSAGE_DATA);
        }
    }
}

static void
data_message_is_at_least_a_keepalive(void **state)
{
    static const uint8_t first[4] = {4};

    (void)state;
    for (size_t len = 4; len < 2000; len++) {
        enum message_type type = MESSAGE_INITIATION;

        assert_int_equal(check(first, len, &type), len < 32 ? WGT_DROP_MESSAGE_SHORT : WGT_OK);
        assert_int_equal(type, len < 32 ? MESSAGE_INITIATION : MESSAGE_DATA);
    }
}

static void
shorter_than_its_type_field_is_short(void **state)
{
    static const uint8_t first[4] = {1};
    enum message_type type;

    (void)state;
    for (size_t len = 0; len < 4; len++)
        assert_int_equal(check(first, len, &type), WGT_DROP_MESSAGE_SHORT);
}

static void
unknown_types_are_refused_at_any_length(void **state)
{
    enum message_type type;

    (void)state;
    for (unsigned t = 0; t < 256; t++) {
        const uint8_t first[4] = {(uint8_t)t};

        if (t >= 1 && t <= 4)
            continue;
        assert_int_equal(check(first, 148, &type), WGT_DROP_MESSAGE_TYPE);
        assert_int_equal(check(first, 4, &type), WGT_DROP_MESSAGE_TYPE);
    }
}

static void
reserved_bytes_are_part_of_the_type(void **state)
{
    static const size_t lens[] = {0, 148, 92, 64, 32};
    enum message_type type;

    (void)state;
    for (uint8_t t = 1; t <= 4; t++)
        for (size_t at = 1; at < 4; at++)
            for (unsigned bit = 0; bit < 8; bit++) {
                uint8_t first[4] = {t};

                first[at] = (uint8_t)(1u << bit);
                assert_int_equal(check(first, lens[t], &type), WGT_DROP_MESSAGE_TYPE);
            }
}

static void
receiver_index_lies_where_the_type_puts_it(void **state)
{
    uint8_t message[MESSAGE_RESPONSE_LEN] = {0};

    (void)state;
    put_le32(message + 4, 0x04030201);
    put_le32(message + 8, 0xa1b2c3d4);
    assert_int_equal(message_receiver(message, MESSAGE_RESPONSE), 0xa1b2c3d4);
    assert_int_equal(message_receiver(message, MESSAGE_COOKIE_REPLY), 0x04030201);
    assert_int_equal(message_receiver(message, MESSAGE_DATA), 0x04030201);
}

/* Padding bytes, as Linux and wireguard-go add them: a row an inner packet's length, a column an
 * mtu. */
enum { PADDING_COLUMNS = 7, PADDING_ROWS = 28 };
static const size_t padding_mtu[PADDING_COLUMNS] = {0, 1280, 1299, 1300, 1420, 1412, 65535};
static const struct {
    size_t len;
    uint8_t padding[PADDING_COLUMNS];
} padding_table[PADDING_ROWS] = {
    {0, {0, 0, 0, 0, 0, 0, 0}},           {1, {15, 15, 15, 15, 15, 15, 15}},
    {15, {1, 1, 1, 1, 1, 1, 1}},          {16, {0, 0, 0, 0, 0, 0, 0}},
    {17, {15, 15, 15, 15, 15, 15, 15}},   {20, {12, 12, 12, 12, 12, 12, 12}},
    {64, {0, 0, 0, 0, 0, 0, 0}},          {1268, {12, 12, 12, 12, 12, 12, 12}},
    {1279, {1, 1, 1, 1, 1, 1, 1}},        {1280, {0, 0, 0, 0, 0, 0, 0}},
    {1281, {15, 15, 15, 15, 15, 15, 15}}, {1295, {1, 1, 1, 1, 1, 1, 1}},
    {1296, {0, 0, 0, 0, 0, 0, 0}},        {1297, {15, 15, 2, 3, 15, 15, 15}},
    {1299, {13, 13, 0, 1, 13, 13, 13}},   {1300, {12, 12, 15, 0, 12, 12, 12}},
    {1301, {11, 11, 14, 15, 11, 11, 11}}, {1408, {0, 0, 3, 4, 0, 0, 0}},
    {1409, {15, 15, 2, 3, 11, 3, 15}},    {1412, {12, 12, 15, 0, 8, 0, 12}},
    {1413, {11, 11, 14, 15, 7, 15, 11}},  {1416, {8, 8, 11, 12, 4, 12, 8}},
    {1419, {5, 5, 8, 9, 1, 9, 5}},        {1420, {4, 4, 7, 8, 0, 8, 4}},
    {1421, {3, 3, 6, 7, 15, 7, 3}},       {1500, {4, 4, 7, 8, 0, 8, 4}},
    {2840, {8, 8, 14, 0, 0, 0, 8}},       {2841, {7, 7, 13, 15, 15, 15, 7}},
};

static void
padding_is_what_linux_adds(void **state)
{
    (void)state;
    for (size_t row = 0; row < PADDING_ROWS; row++)
        for (size_t column = 0; column < PADDING_COLUMNS; column++)
            assert_int_equal(message_padded_len(padding_table[row].len, padding_mtu[column]),
                             padding_table[row].len + padding_table[row].padding[column]);
}

static void
padding_of_a_packet_within_the_mtu_stays_within_it(void **state)
{
    (void)state;
    for (size_t mtu = 576; mtu <= 1500; mtu += 7)
        for (size_t len = 0; len <= mtu; len++) {
            size_t padded = message_padded_len(len, mtu);

            assert_in_range(padded, len, mtu);
            assert_true(padded - len < MESSAGE_PADDING);
            assert_true(padded % MESSAGE_PADDING == 0 || padded == mtu);
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_has_its_length),
        cmocka_unit_test(data_message_is_at_least_a_keepalive),
        cmocka_unit_test(shorter_than_its_type_field_is_short),
        cmocka_unit_test(unknown_types_are_refused_at_any_length),
        cmocka_unit_test(reserved_bytes_are_part_of_the_type),
        cmocka_unit_test(receiver_index_lies_where_the_type_puts_it),
        cmocka_unit_test(padding_is_what_linux_adds),
        cmocka_unit_test(padding_of_a_packet_within_the_mtu_stays_within_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
