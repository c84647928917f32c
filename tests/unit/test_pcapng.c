/* SPDX-License-Identifier: BSD-3-Clause */
/* Blocks of capture files, byte by byte, on a machine of this byte order (little-endian here). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <wgtcpd/control/pcapng.h>

static uint8_t block[PCAPNG_BLOCK_MAX];

/* Section 3.1: type, length, body, and the length again; multiples of four. */
static void
expect(size_t len, const uint8_t *want, size_t want_len)
{
    uint32_t first, last;

    assert_int_equal(len, want_len);
    assert_memory_equal(block, want, want_len);
    memcpy(&first, block + 4, sizeof(first));
    memcpy(&last, block + len - 4, sizeof(last));
    assert_int_equal(first, len);
    assert_int_equal(last, len);
    assert_int_equal(len % 4, 0);
}

/* Section 4.1 */
static void
a_section(void **state)
{
    /* clang-format off */
    static const uint8_t want[] = {
        0x0a, 0x0d, 0x0d, 0x0a, 40, 0, 0, 0,
        0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        4, 0, 3, 0, 'a', 'b', 'c', 0, /* shb_userappl */
        0, 0, 0, 0,
        40, 0, 0, 0,
    };
    /* clang-format on */

    (void)state;
    expect(pcapng_section(block, "abc"), want, sizeof(want));
}

/* Section 4.2 */
static void
an_interface(void **state)
{
    /* clang-format off */
    static const uint8_t want[] = {
        1, 0, 0, 0, 52, 0, 0, 0,
        101, 0, 0, 0, 0, 8, 0, 0, /* LINKTYPE_RAW; SnapLen 2048 */
        2, 0, 3, 0, 'w', 'g', '0', 0,                    /* if_name */
        3, 0, 5, 0, 'i', 'n', 'n', 'e', 'r', 0, 0, 0,    /* if_description */
        9, 0, 1, 0, 9, 0, 0, 0,                          /* if_tsresol: 10^-9 s */
        0, 0, 0, 0,
        52, 0, 0, 0,
    };
    /* clang-format on */

    (void)state;
    expect(pcapng_interface(block, PCAPNG_RAW, 2048, "wg0", "inner"), want, sizeof(want));
}

/* Section 4.3 */
static void
a_packet(void **state)
{
    /* clang-format off */
    static const uint8_t want[] = {
        6, 0, 0, 0, 52, 0, 0, 0,
        1, 0, 0, 0,
        4, 3, 2, 1, 8, 7, 6, 5, /* the upper half of the time, then the lower */
        5, 0, 0, 0, 9, 0, 0, 0, /* captured, and how long it was */
        'd', 'a', 't', 'a', '!', 0, 0, 0,
        2, 0, 4, 0, 2, 0, 0, 0, /* epb_flags: outbound */
        0, 0, 0, 0,
        52, 0, 0, 0,
    };
    /* clang-format on */
    struct pcapng_packet p = {
        .interface = 1,
        .time_ns = UINT64_C(0x0102030405060708),
        .out = true,
        .len = 9,
        .captured = 5,
        .data = (const uint8_t *)"data!",
    };

    (void)state;
    expect(pcapng_packet(block, &p), want, sizeof(want));
    p.out = false;
    pcapng_packet(block, &p);
    assert_int_equal(block[40], 1); /* inbound */
}

/* Of every length the block has room in what the header promises. */
static void
overhead_of_a_packet(void **state)
{
    (void)state;
    for (uint32_t len = 0; len < 64; len++) {
        const struct pcapng_packet p = {.len = len, .captured = len, .data = block};
        uint8_t *out = malloc(PCAPNG_PACKET_OVERHEAD + len);

        assert_true(pcapng_packet(out, &p) <= PCAPNG_PACKET_OVERHEAD + len);
        free(out);
    }
}

/* Section 4.6 */
static void
statistics(void **state)
{
    /* clang-format off */
    static const uint8_t want[] = {
        5, 0, 0, 0, 40, 0, 0, 0,
        3, 0, 0, 0,
        0, 0, 0, 0, 1, 0, 0, 0,
        5, 0, 8, 0, 0xfe, 0, 0, 0, 0, 0, 0, 0, /* isb_ifdrop */
        0, 0, 0, 0,
        40, 0, 0, 0,
    };
    /* clang-format on */

    (void)state;
    expect(pcapng_statistics(block, 3, 1, 0xfe), want, sizeof(want));
}

static void
a_long_name_is_cut(void **state)
{
    char name[1000];
    size_t len;

    (void)state;
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    len = pcapng_interface(block, PCAPNG_ETHERNET, 0, name, name);
    assert_true(len <= sizeof(block));
    assert_true(len > (size_t)2 * PCAPNG_NAME_MAX);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_section),  cmocka_unit_test(an_interface),
        cmocka_unit_test(a_packet),   cmocka_unit_test(overhead_of_a_packet),
        cmocka_unit_test(statistics), cmocka_unit_test(a_long_name_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
