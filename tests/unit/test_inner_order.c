/* SPDX-License-Identifier: BSD-3-Clause */
/* R10: whom to make wait for the hole before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wgtcpd/wire/tcp.h>

#include "../../src/tunnel/inner_order.h"

static uint8_t packet[1500];

/* An IPv4 packet of so many bytes; TCP header with `options` bytes of options. */
static void
v4(uint8_t protocol, size_t len, uint8_t flags, size_t options)
{
    memset(packet, 0, sizeof(packet));
    packet[0] = 0x45;
    put_be16(packet + 2, (uint16_t)len);
    packet[9] = protocol;
    packet[20 + 12] = (uint8_t)((20 + options) / 4 << 4);
    packet[20 + 13] = flags;
}

static void
v6(uint8_t protocol, size_t len)
{
    memset(packet, 0, sizeof(packet));
    packet[0] = 0x60;
    put_be16(packet + 4, (uint16_t)(len - 40));
    packet[6] = protocol;
    packet[40 + 12] = 0x50;
    packet[40 + 13] = TCP_ACK;
}

static void
expect(size_t len, enum inner_order order)
{
    assert_int_equal(inner_order_of(packet, len), order);
}

static void
large_tcp_data_waits(void **state)
{
    (void)state;
    v4(IP_PROTO_TCP, 1392, TCP_ACK, 12);
    expect(1392, INNER_WAITS);
    v4(IP_PROTO_TCP, 1000, TCP_ACK, 12);
    expect(1000, INNER_WAITS);
    v6(IP_PROTO_TCP, 1280);
    expect(1280, INNER_WAITS);
}

static void
little_tcp_data_stays_behind_its_flow(void **state)
{
    (void)state;
    v4(IP_PROTO_TCP, 999, TCP_ACK, 12);
    expect(999, INNER_WITH_FLOW);
    v4(IP_PROTO_TCP, 53, TCP_ACK, 12);
    expect(53, INNER_WITH_FLOW);
    v4(IP_PROTO_TCP, 52, TCP_ACK | TCP_FIN, 12);
    expect(52, INNER_WITH_FLOW);
    v4(IP_PROTO_TCP, 40, TCP_RST, 0);
    expect(40, INNER_WITH_FLOW);
}

static void
all_else_goes_at_once(void **state)
{
    (void)state;
    v4(IP_PROTO_TCP, 52, TCP_ACK, 12);
    expect(52, INNER_AT_ONCE);
    v4(IP_PROTO_TCP, 60, TCP_SYN, 20);
    expect(60, INNER_AT_ONCE);
    v4(IP_PROTO_UDP, 1392, 0, 0);
    expect(1392, INNER_AT_ONCE);
    v4(IP_PROTO_ICMP, 1392, 0, 0);
    expect(1392, INNER_AT_ONCE);
    v6(IP_PROTO_UDP, 1392);
    expect(1392, INNER_AT_ONCE);
    v4(IP_PROTO_TCP, 1392, TCP_ACK, 12);
    put_be16(packet + 6, 0x2000); /* more fragments */
    expect(1392, INNER_AT_ONCE);
    v4(IP_PROTO_TCP, 39, TCP_ACK, 0); /* no whole header */
    expect(39, INNER_AT_ONCE);
    v4(IP_PROTO_TCP, 20, 0, 0);
    expect(20, INNER_AT_ONCE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_tcp_data_waits),
        cmocka_unit_test(little_tcp_data_stays_behind_its_flow),
        cmocka_unit_test(all_else_goes_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
