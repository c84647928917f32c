/* SPDX-License-Identifier: BSD-3-Clause */
/* UDP (RFC 768, RFC 8200 8.1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wgtcpd/wire/checksum.h>
#include <wgtcpd/wire/udp.h>

enum { PAYLOAD_LEN = 5, DATAGRAM_LEN = UDP_HEADER_LEN + PAYLOAD_LEN };

static struct ip_header
header_of(enum ip_family family, uint32_t payload_len)
{
    static const uint8_t addrs[32] = {192, 0, 2, 1, [15] = 1, [16] = 198, 51, 100, 7, [31] = 2};
    struct ip_header ip = {.protocol = IP_PROTO_UDP, .payload_len = payload_len};

    ip.src = family == IP_V4 ? ip_addr_v4(addrs) : ip_addr_v6(addrs);
    ip.dst = family == IP_V4 ? ip_addr_v4(addrs + 16) : ip_addr_v6(addrs + 16);
    return ip;
}

static void
write_datagram(uint8_t *data, const struct ip_header *ip)
{
    memcpy(data + UDP_HEADER_LEN, "hello", PAYLOAD_LEN);
    udp_write(data, &ip->src, &ip->dst, 51820, 443, PAYLOAD_LEN, true);
}

static void
rfc768_written_datagram_is_read_back(void **state)
{
    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        struct ip_header ip = header_of(v6 ? IP_V6 : IP_V4, DATAGRAM_LEN);
        uint8_t data[DATAGRAM_LEN];
        struct udp_header h;

        write_datagram(data, &ip);
        assert_int_equal(udp_parse(&ip, data, true, &h), WGT_OK);
        assert_int_equal(h.src_port, 51820);
        assert_int_equal(h.dst_port, 443);
        assert_ptr_equal(h.payload.data, data + UDP_HEADER_LEN);
        assert_int_equal(h.payload.len, PAYLOAD_LEN);
        assert_memory_equal(h.payload.data, "hello", PAYLOAD_LEN);
    }
}

static void
rfc768_checksum_is_verified(void **state)
{
    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++)
        for (size_t at = 0; at < DATAGRAM_LEN; at++) {
            struct ip_header ip = header_of(v6 ? IP_V6 : IP_V4, DATAGRAM_LEN);
            uint8_t data[DATAGRAM_LEN];
            struct udp_header h;

            if (at == 4 || at == 5) /* the length field */
                continue;
            write_datagram(data, &ip);
            data[at] ^= 0x20;
            assert_int_equal(udp_parse(&ip, data, true, &h), WGT_DROP_UDP_CHECKSUM);
            assert_int_equal(udp_parse(&ip, data, false, &h), WGT_OK);
        }
}

static void
rfc768_zero_checksum_over_ipv4_means_none(void **state)
{
    struct ip_header ip = header_of(IP_V4, DATAGRAM_LEN);
    uint8_t data[DATAGRAM_LEN];
    struct udp_header h;

    (void)state;
    write_datagram(data, &ip);
    put_be16(data + 6, 0);
    assert_int_equal(udp_parse(&ip, data, true, &h), WGT_OK);
}

static void
rfc8200_8_1_zero_checksum_over_ipv6_is_refused(void **state)
{
    struct ip_header ip = header_of(IP_V6, DATAGRAM_LEN);
    uint8_t data[DATAGRAM_LEN];
    struct udp_header h;

    (void)state;
    write_datagram(data, &ip);
    put_be16(data + 6, 0);
    assert_int_equal(udp_parse(&ip, data, true, &h), WGT_DROP_UDP_CHECKSUM);
    assert_int_equal(udp_parse(&ip, data, false, &h), WGT_DROP_UDP_CHECKSUM);
}

static void
rfc768_computed_zero_is_sent_as_ffff(void **state)
{
    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        struct ip_header ip = header_of(v6 ? IP_V6 : IP_V4, UDP_HEADER_LEN + 2);
        uint8_t data[UDP_HEADER_LEN + 2] = {0};
        struct udp_header h;

        /* A payload equal to the checksum of the rest makes the sum come out as zero. */
        udp_write(data, &ip.src, &ip.dst, 1, 2, 2, true);
        memcpy(data + UDP_HEADER_LEN, data + 6, 2);
        udp_write(data, &ip.src, &ip.dst, 1, 2, 2, true);
        assert_int_equal(get_be16(data + 6), 0xffff);
        assert_int_equal(udp_parse(&ip, data, true, &h), WGT_OK);
    }
}

static void
hardware_gets_the_pseudo_header_sum(void **state)
{
    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        struct ip_header ip = header_of(v6 ? IP_V6 : IP_V4, DATAGRAM_LEN);
        uint8_t software[DATAGRAM_LEN], hardware[DATAGRAM_LEN];

        write_datagram(software, &ip);
        write_datagram(hardware, &ip);
        udp_write(hardware, &ip.src, &ip.dst, 51820, 443, PAYLOAD_LEN, false);
        assert_int_equal(get_be16(hardware + 6),
                         checksum_fold(checksum_pseudo(&ip.src, &ip.dst, 17, DATAGRAM_LEN)));
        /* What the hardware does: the sum over all the bytes, the field as it stands. */
        put_be16(hardware + 6, checksum_finish(checksum_add(0, hardware, DATAGRAM_LEN)));
        assert_memory_equal(hardware, software, DATAGRAM_LEN);
    }
}

/* What ip_write and udp_write put together header by header. */
static size_t
write_reference(uint8_t *packet, const struct ip_header *ip, size_t payload_len, bool software)
{
    size_t ip_len = ip_write(packet, ip);

    udp_write(packet + ip_len, &ip->src, &ip->dst, 51820, 443, payload_len, software);
    return ip_len + UDP_HEADER_LEN;
}

static void
a_template_writes_the_same_headers(void **state)
{
    enum { MAX = IP_HEADER_MAX + UDP_HEADER_LEN + 1500 };
    static const size_t payload_lens[] = {0, 1, 2, 31, 32, 148, 1420, 1500};
    static uint8_t expected[MAX], written[MAX];

    (void)state;
    for (unsigned i = 0; i < 2 * 8 * 256; i++) {
        size_t len = payload_lens[i / 2 % 8];
        struct ip_header ip = header_of(i % 2 ? IP_V6 : IP_V4, (uint32_t)(UDP_HEADER_LEN + len));
        struct udp_template t;
        size_t headers;

        ip.ttl = (uint8_t)(i + 3);
        ip.traffic_class = (uint8_t)(i >> 4);
        ip.id = i % 2 ? 0 : (uint16_t)(i * 2654435761u >> 8);
        memset(expected, (int)i, sizeof(expected));
        memset(written, (int)i, sizeof(written));
        headers = write_reference(expected, &ip, len, false);
        udp_template_make(&t, &ip.src, &ip.dst, 51820, 443, ip.ttl);
        assert_int_equal(t.ip_len + UDP_HEADER_LEN, headers);
        udp_template_write(&t, written, ip.traffic_class, ip.id, len);
        assert_memory_equal(written, expected, sizeof(written));
        write_reference(expected, &ip, len, true);
        udp_template_checksum(&t, written, len);
        assert_memory_equal(written, expected, sizeof(written));
    }
}

static void
rfc768_computed_zero_under_a_template(void **state)
{
    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        struct ip_header ip = header_of(v6 ? IP_V6 : IP_V4, UDP_HEADER_LEN + 2);
        uint8_t packet[IP_HEADER_MAX + UDP_HEADER_LEN + 2] = {0}, *udp;
        struct udp_template t;

        udp_template_make(&t, &ip.src, &ip.dst, 1, 2, 64);
        udp = packet + t.ip_len;
        udp_template_write(&t, packet, 0, 0, 2);
        udp_template_checksum(&t, packet, 2);
        memcpy(udp + UDP_HEADER_LEN, udp + 6, 2);
        udp_template_checksum(&t, packet, 2);
        assert_int_equal(get_be16(udp + 6), 0xffff);
    }
}

/* What of a packet the run looks at is what the parsers look at. */
static void
assert_run_agrees(const struct udp_run *r, const struct ip_header *first, uint8_t *packet,
                  size_t len)
{
    struct udp_header udp = {0};
    struct ip_header ip = {0};
    struct span payload;
    bool accepted = ip_parse(packet, len, false, &ip) == WGT_OK && ip.protocol == IP_PROTO_UDP &&
                    udp_parse(&ip, packet + ip.header_len, false, &udp) == WGT_OK;
    bool same = accepted && ip_addr_equal(&ip.src, &first->src) &&
                ip_addr_equal(&ip.dst, &first->dst) && ip.header_len == r->ip_len &&
                udp.src_port == 51820 && udp.dst_port == 443;

    assert_int_equal(udp_run_goes_on(r, packet, len, &payload), same);
    if (same) {
        assert_ptr_equal(payload.data, udp.payload.data);
        assert_int_equal(payload.len, udp.payload.len);
    }
}

static void
a_run_takes_what_the_parsers_take(void **state)
{
    enum { MAX = IP_HEADER_MAX + DATAGRAM_LEN + 4 };

    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        struct ip_header ip = header_of(v6 ? IP_V6 : IP_V4, DATAGRAM_LEN);
        uint8_t packet[MAX] = {0};
        size_t ip_len = ip_write(packet, &ip), headers = ip_len + UDP_HEADER_LEN;
        struct udp_run r;

        write_datagram(packet + ip_len, &ip);
        udp_run_begin(&r, packet, ip_len);
        for (size_t len = 1; len <= ip_len + DATAGRAM_LEN + 4; len++)
            assert_run_agrees(&r, &ip, packet, len);
        for (size_t at = 0; at < headers; at++)
            for (unsigned value = 0; value < 256; value++) {
                uint8_t before = packet[at];

                packet[at] = (uint8_t)value;
                assert_run_agrees(&r, &ip, packet, ip_len + DATAGRAM_LEN);
                packet[at] = before;
            }
        put_be16(packet + ip_len + 6, 0); /* no checksum */
        assert_run_agrees(&r, &ip, packet, ip_len + DATAGRAM_LEN);
    }
}

static void
a_header_with_options_begins_no_run(void **state)
{
    uint8_t packet[IPV6_HEADER_LEN + UDP_HEADER_LEN] = {0x46};
    struct udp_run r = {.ip_len = IPV4_HEADER_LEN};
    struct span payload;

    (void)state;
    udp_run_begin(&r, packet, IPV4_HEADER_LEN + 4);
    assert_int_equal(r.ip_len, 0);
    assert_false(udp_run_goes_on(&r, packet, sizeof(packet), &payload));
}

static void
datagram_shorter_than_its_header(void **state)
{
    uint8_t data[UDP_HEADER_LEN] = {0, 1, 0, 2, 0, 8, 0, 0};
    struct udp_header h;

    (void)state;
    for (uint32_t len = 0; len < UDP_HEADER_LEN; len++) {
        struct ip_header ip = header_of(IP_V4, len);

        assert_int_equal(udp_parse(&ip, data, true, &h), WGT_DROP_UDP_LENGTH);
    }
}

static void
rfc768_length_field_below_8_or_beyond_the_packet(void **state)
{
    struct ip_header ip = header_of(IP_V4, DATAGRAM_LEN);
    uint8_t data[DATAGRAM_LEN];
    struct udp_header h;

    (void)state;
    write_datagram(data, &ip);
    put_be16(data + 6, 0);
    for (uint16_t len = 0; len < 100; len++) {
        bool fits = len >= UDP_HEADER_LEN && len <= DATAGRAM_LEN;

        put_be16(data + 4, len);
        assert_int_equal(udp_parse(&ip, data, true, &h), fits ? WGT_OK : WGT_DROP_UDP_LENGTH);
        if (fits)
            assert_int_equal(h.payload.len, len - UDP_HEADER_LEN);
    }
    put_be16(data + 4, 0xffff);
    assert_int_equal(udp_parse(&ip, data, true, &h), WGT_DROP_UDP_LENGTH);
}

static void
bytes_behind_the_length_field_are_ignored(void **state)
{
    struct ip_header ip = header_of(IP_V6, DATAGRAM_LEN + 4);
    uint8_t data[DATAGRAM_LEN + 4];
    struct udp_header h;

    (void)state;
    memset(data, 0xaa, sizeof(data));
    write_datagram(data, &ip);
    assert_int_equal(udp_parse(&ip, data, true, &h), WGT_OK);
    assert_int_equal(h.payload.len, PAYLOAD_LEN);
}

static void
port_zero_is_refused(void **state)
{
    struct ip_header ip = header_of(IP_V4, UDP_HEADER_LEN);
    uint8_t data[UDP_HEADER_LEN];
    struct udp_header h;

    (void)state;
    udp_write(data, &ip.src, &ip.dst, 0, 443, 0, true);
    assert_int_equal(udp_parse(&ip, data, true, &h), WGT_DROP_UDP_PORT);
    udp_write(data, &ip.src, &ip.dst, 443, 0, 0, true);
    assert_int_equal(udp_parse(&ip, data, true, &h), WGT_DROP_UDP_PORT);
    udp_write(data, &ip.src, &ip.dst, 443, 1, 0, true);
    assert_int_equal(udp_parse(&ip, data, true, &h), WGT_OK);
    assert_int_equal(h.payload.len, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc768_written_datagram_is_read_back),
        cmocka_unit_test(rfc768_checksum_is_verified),
        cmocka_unit_test(rfc768_zero_checksum_over_ipv4_means_none),
        cmocka_unit_test(rfc8200_8_1_zero_checksum_over_ipv6_is_refused),
        cmocka_unit_test(rfc768_computed_zero_is_sent_as_ffff),
        cmocka_unit_test(hardware_gets_the_pseudo_header_sum),
        cmocka_unit_test(a_template_writes_the_same_headers),
        cmocka_unit_test(rfc768_computed_zero_under_a_template),
        cmocka_unit_test(a_run_takes_what_the_parsers_take),
        cmocka_unit_test(a_header_with_options_begins_no_run),
        cmocka_unit_test(datagram_shorter_than_its_header),
        cmocka_unit_test(rfc768_length_field_below_8_or_beyond_the_packet),
        cmocka_unit_test(bytes_behind_the_length_field_are_ignored),
        cmocka_unit_test(port_zero_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
