/* SPDX-License-Identifier: BSD-3-Clause */
/* Ethernet II and ARP (RFC 826). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <wgtcpd/wire/arp.h>

static const uint8_t request[ARP_LEN] = {
    0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x01,       /* Ethernet, IPv4, request */
    0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 192,  0,    2, 1, /* sender */
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 192,  0,    2, 2, /* target */
};

/* Parses an exact copy on the heap, so that a sanitizer sees a read past its end. */
static enum wgt_drop
parse_exact(const uint8_t *data, size_t len, struct arp_packet *out)
{
    uint8_t *copy = malloc(len);
    enum wgt_drop drop;

    assert_true(copy != NULL || len == 0);
    if (len > 0)
        memcpy(copy, data, len);
    drop = arp_parse(copy, len, out);
    free(copy);
    return drop;
}

static enum wgt_drop
parse_with_byte(size_t at, uint8_t value)
{
    uint8_t data[ARP_LEN];
    struct arp_packet p;

    memcpy(data, request, sizeof(data));
    data[at] = value;
    return parse_exact(data, sizeof(data), &p);
}

static void
eth_parse_and_write_are_inverse(void **state)
{
    static const uint8_t frame[] = {0x02, 1, 2, 3, 4, 5, 0x02, 6, 7, 8, 9, 10, 0x86, 0xdd};
    struct eth_header h;
    uint8_t out[ETH_HEADER_LEN];

    (void)state;
    assert_int_equal(eth_parse(frame, sizeof(frame), &h), WGT_OK);
    assert_memory_equal(h.dst.bytes, frame, 6);
    assert_memory_equal(h.src.bytes, frame + 6, 6);
    assert_int_equal(h.type, ETH_IPV6);
    eth_write(out, &h);
    assert_memory_equal(out, frame, sizeof(out));
}

static void
eth_frame_shorter_than_header_is_short(void **state)
{
    static const uint8_t frame[ETH_HEADER_LEN];
    struct eth_header h;

    (void)state;
    for (size_t len = 0; len < ETH_HEADER_LEN; len++)
        assert_int_equal(eth_parse(frame, len, &h), WGT_DROP_ETH_SHORT);
    assert_int_equal(eth_parse(frame, ETH_HEADER_LEN, &h), WGT_OK);
}

static void
eth_group_bit(void **state)
{
    static const struct eth_addr broadcast = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
    static const struct eth_addr multicast = {{0x33, 0x33, 0, 0, 0, 1}};
    static const struct eth_addr station = {{0x02, 0xff, 0xff, 0xff, 0xff, 0xff}};

    (void)state;
    assert_true(eth_addr_is_group(&broadcast));
    assert_true(eth_addr_is_group(&multicast));
    assert_false(eth_addr_is_group(&station));
}

static void
rfc826_request_is_read(void **state)
{
    struct arp_packet p;

    (void)state;
    assert_int_equal(parse_exact(request, sizeof(request), &p), WGT_OK);
    assert_int_equal(p.operation, ARP_REQUEST);
    assert_memory_equal(p.sender_eth.bytes, request + 8, 6);
    assert_memory_equal(p.target_eth.bytes, request + 18, 6);
    assert_int_equal(p.sender.family, IP_V4);
    assert_int_equal(p.target.family, IP_V4);
    assert_int_equal(get_be32(p.sender.bytes), 0xc0000201);
    assert_int_equal(get_be32(p.target.bytes), 0xc0000202);
}

static void
rfc826_write_gives_the_same_bytes(void **state)
{
    struct arp_packet p;
    uint8_t out[ARP_LEN];

    (void)state;
    assert_int_equal(arp_parse(request, sizeof(request), &p), WGT_OK);
    memset(out, 0xee, sizeof(out));
    arp_write(out, &p);
    assert_memory_equal(out, request, sizeof(out));
    p.operation = ARP_REPLY;
    arp_write(out, &p);
    assert_int_equal(out[7], ARP_REPLY);
    assert_int_equal(arp_parse(out, sizeof(out), &p), WGT_OK);
    assert_int_equal(p.operation, ARP_REPLY);
}

static void
arp_ethernet_padding_is_ignored(void **state)
{
    uint8_t padded[46] = {0};
    struct arp_packet p;

    (void)state;
    memcpy(padded, request, sizeof(request));
    memset(padded + sizeof(request), 0xff, sizeof(padded) - sizeof(request));
    assert_int_equal(parse_exact(padded, sizeof(padded), &p), WGT_OK);
}

static void
arp_short_is_malformed(void **state)
{
    struct arp_packet p;

    (void)state;
    for (size_t len = 0; len < ARP_LEN; len++)
        assert_int_equal(parse_exact(request, len, &p), WGT_DROP_ARP_MALFORMED);
}

static void
arp_other_hardware_or_protocol_is_malformed(void **state)
{
    (void)state;
    for (size_t at = 0; at < 6; at++)
        assert_int_equal(parse_with_byte(at, 0x77), WGT_DROP_ARP_MALFORMED);
}

static void
arp_other_operation_is_malformed(void **state)
{
    (void)state;
    assert_int_equal(parse_with_byte(7, 0), WGT_DROP_ARP_MALFORMED);
    assert_int_equal(parse_with_byte(7, 2), WGT_OK);
    assert_int_equal(parse_with_byte(7, 3), WGT_DROP_ARP_MALFORMED);
    assert_int_equal(parse_with_byte(6, 1), WGT_DROP_ARP_MALFORMED);
}

static void
arp_group_sender_is_malformed(void **state)
{
    (void)state;
    assert_int_equal(parse_with_byte(8, 0x01), WGT_DROP_ARP_MALFORMED);
    assert_int_equal(parse_with_byte(8, 0xff), WGT_DROP_ARP_MALFORMED);
}

static void
arp_malformed_leaves_the_result_alone(void **state)
{
    uint8_t data[ARP_LEN];
    struct arp_packet p, before;

    (void)state;
    memset(&p, 0x5a, sizeof(p));
    before = p;
    memcpy(data, request, sizeof(data));
    data[8] = 0x01;
    assert_int_equal(arp_parse(data, sizeof(data), &p), WGT_DROP_ARP_MALFORMED);
    assert_memory_equal(&p, &before, sizeof(p));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eth_parse_and_write_are_inverse),
        cmocka_unit_test(eth_frame_shorter_than_header_is_short),
        cmocka_unit_test(eth_group_bit),
        cmocka_unit_test(rfc826_request_is_read),
        cmocka_unit_test(rfc826_write_gives_the_same_bytes),
        cmocka_unit_test(arp_ethernet_padding_is_ignored),
        cmocka_unit_test(arp_short_is_malformed),
        cmocka_unit_test(arp_other_hardware_or_protocol_is_malformed),
        cmocka_unit_test(arp_other_operation_is_malformed),
        cmocka_unit_test(arp_group_sender_is_malformed),
        cmocka_unit_test(arp_malformed_leaves_the_result_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
