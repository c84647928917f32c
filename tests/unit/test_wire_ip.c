/* SPDX-License-Identifier: BSD-3-Clause */
/* IPv4 (RFC 791, RFC 1122), IPv6 (RFC 8200) and the inner packets of the tunnel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <wgtcpd/wire/checksum.h>
#include <wgtcpd/wire/ip.h>

enum { PACKET_MAX = 512 };

struct packet {
    uint8_t bytes[PACKET_MAX];
    size_t len;
};

/* Parses an exact copy on the heap, so that a sanitizer sees a read past its end. */
static enum wgt_drop
parse_len(const struct packet *p, size_t len, struct ip_header *out)
{
    uint8_t *copy = malloc(len + (len == 0));
    enum wgt_drop drop;

    assert_non_null(copy);
    memcpy(copy, p->bytes, len);
    drop = ip_parse(copy, len, true, out);
    free(copy);
    return drop;
}

static enum wgt_drop
parse(const struct packet *p, struct ip_header *out)
{
    return parse_len(p, p->len, out);
}

static enum wgt_drop
drop_of(const struct packet *p)
{
    struct ip_header h;

    return parse(p, &h);
}

static void
fix_v4_checksum(struct packet *p)
{
    size_t header_len = (size_t)(p->bytes[0] & 15) * 4;

    put_be16(p->bytes + 10, 0);
    put_be16(p->bytes + 10, checksum_finish(checksum_add(0, p->bytes, header_len)));
}

/* 192.0.2.1 > 198.51.100.7, UDP, DF, header words of options and payload bytes as asked. */
static struct packet
v4_packet(unsigned option_words, size_t payload_len)
{
    static const uint8_t fixed[] = {0x45, 0xb9, 0,   0, 0x12, 0x34, 0x40, 0,  61,  17,
                                    0,    0,    192, 0, 2,    1,    198,  51, 100, 7};
    struct packet p = {.len = 20 + option_words * 4 + payload_len};

    memcpy(p.bytes, fixed, sizeof(fixed));
    p.bytes[0] = (uint8_t)(0x40 | (5 + option_words));
    memset(p.bytes + 20, 1, option_words * 4);
    put_be16(p.bytes + 2, (uint16_t)p.len);
    fix_v4_checksum(&p);
    return p;
}

/* 2001:db8::1 > 2001:db8::2 with the next header and payload given. */
static struct packet
v6_packet(uint8_t next_header, const uint8_t *payload, size_t payload_len)
{
    static const uint8_t addrs[32] = {
        0x20, 0x01, 0x0d, 0xb8, [15] = 1, [16] = 0x20, 0x01, 0x0d, 0xb8, [31] = 2};
    struct packet p = {.len = 40 + payload_len};

    put_be32(p.bytes, 0x6b912345);
    put_be16(p.bytes + 4, (uint16_t)payload_len);
    p.bytes[6] = next_header;
    p.bytes[7] = 63;
    memcpy(p.bytes + 8, addrs, sizeof(addrs));
    memcpy(p.bytes + 40, payload, payload_len);
    return p;
}

static const uint8_t eight_bytes[8] = {1, 2, 3, 4, 5, 6, 7, 8};

static void
rfc791_3_1_header_fields(void **state)
{
    struct packet p = v4_packet(0, 8);
    struct ip_header h;

    (void)state;
    assert_int_equal(parse(&p, &h), WGT_OK);
    assert_int_equal(h.src.family, IP_V4);
    assert_int_equal(h.dst.family, IP_V4);
    assert_int_equal(get_be32(h.src.bytes), 0xc0000201);
    assert_int_equal(get_be32(h.dst.bytes), 0xc6336407);
    assert_int_equal(h.protocol, IP_PROTO_UDP);
    assert_int_equal(h.ttl, 61);
    assert_int_equal(h.traffic_class, 0xb9);
    assert_true(h.dont_fragment);
    assert_int_equal(h.id, 0x1234);
    assert_int_equal(h.header_len, 20);
    assert_int_equal(h.payload_len, 8);
}

static void
rfc791_3_1_dont_fragment_clear(void **state)
{
    struct packet p = v4_packet(0, 8);
    struct ip_header h;

    (void)state;
    p.bytes[6] = 0;
    fix_v4_checksum(&p);
    assert_int_equal(parse(&p, &h), WGT_OK);
    assert_false(h.dont_fragment);
}

static void
rfc791_3_1_options_are_skipped(void **state)
{
    (void)state;
    for (unsigned words = 0; words <= 10; words++) {
        struct packet p = v4_packet(words, 5);
        struct ip_header h;

        assert_int_equal(parse(&p, &h), WGT_OK);
        assert_int_equal(h.header_len, 20 + words * 4);
        assert_int_equal(h.payload_len, 5);
    }
}

static void
rfc894_ethernet_padding_is_not_payload(void **state)
{
    struct packet p = v4_packet(0, 3);
    struct ip_header h;

    (void)state;
    p.len = 46;
    assert_int_equal(parse(&p, &h), WGT_OK);
    assert_int_equal(h.payload_len, 3);
}

static void
ipv4_shorter_than_20_bytes_is_short(void **state)
{
    struct packet p = v4_packet(0, 8);
    struct ip_header h;

    (void)state;
    for (size_t len = 0; len < 20; len++)
        assert_int_equal(parse_len(&p, len, &h), WGT_DROP_IP_SHORT);
}

static void
rfc791_3_1_header_length_below_five_words(void **state)
{
    struct packet p = v4_packet(0, 8);

    (void)state;
    for (unsigned words = 0; words < 5; words++) {
        p.bytes[0] = (uint8_t)(0x40 | words);
        assert_int_equal(drop_of(&p), WGT_DROP_IP_HEADER_LENGTH);
    }
}

static void
ipv4_header_length_beyond_the_packet(void **state)
{
    struct packet p = v4_packet(10, 0);
    struct ip_header h;

    (void)state;
    for (size_t len = 20; len < 60; len++)
        assert_int_equal(parse_len(&p, len, &h), WGT_DROP_IP_HEADER_LENGTH);
    assert_int_equal(parse_len(&p, 60, &h), WGT_OK);
}

static void
ipv4_total_length_beyond_the_packet(void **state)
{
    struct packet p = v4_packet(0, 30);
    struct ip_header h;

    (void)state;
    for (size_t len = 20; len < 50; len++)
        assert_int_equal(parse_len(&p, len, &h), WGT_DROP_IP_TOTAL_LENGTH);
}

static void
ipv4_total_length_below_the_header(void **state)
{
    struct packet p = v4_packet(2, 30);

    (void)state;
    for (uint16_t total = 0; total < 28; total++) {
        put_be16(p.bytes + 2, total);
        fix_v4_checksum(&p);
        assert_int_equal(drop_of(&p), WGT_DROP_IP_TOTAL_LENGTH);
    }
    put_be16(p.bytes + 2, 28);
    fix_v4_checksum(&p);
    assert_int_equal(drop_of(&p), WGT_OK);
}

static void
rfc1122_3_2_1_2_checksum_is_verified(void **state)
{
    struct packet good = v4_packet(1, 8);

    (void)state;
    for (size_t at = 8; at < 24; at++) { /* bytes before these have checks of their own */
        struct packet p = good;

        p.bytes[at] ^= 0x10;
        assert_int_equal(drop_of(&p), WGT_DROP_IP_CHECKSUM);
    }
}

static void
checksum_is_left_to_hardware_when_asked(void **state)
{
    struct packet p = v4_packet(0, 8);
    struct ip_header h;

    (void)state;
    p.bytes[10] ^= 1;
    assert_int_equal(ip_parse(p.bytes, p.len, false, &h), WGT_OK);
    assert_int_equal(ip_parse(p.bytes, p.len, true, &h), WGT_DROP_IP_CHECKSUM);
}

static void
rfc791_2_3_fragments(void **state)
{
    static const uint16_t fragments[] = {0x2000, 0x0001, 0x1fff, 0x2001, 0x6000};

    (void)state;
    for (size_t i = 0; i < sizeof(fragments) / sizeof(fragments[0]); i++) {
        struct packet p = v4_packet(0, 8);

        put_be16(p.bytes + 6, fragments[i]);
        fix_v4_checksum(&p);
        assert_int_equal(drop_of(&p), WGT_DROP_IP_FRAGMENT);
    }
}

static void
rfc1122_3_2_1_3_source_is_no_group(void **state)
{
    struct packet p = v4_packet(0, 8);

    (void)state;
    for (unsigned first = 223; first < 256; first++) {
        p.bytes[12] = (uint8_t)first;
        fix_v4_checksum(&p);
        assert_int_equal(drop_of(&p), first == 223 ? WGT_OK : WGT_DROP_IP_SOURCE);
    }
}

static void
version_is_4_or_6(void **state)
{
    struct packet p = v4_packet(0, 60);

    (void)state;
    for (unsigned version = 0; version < 16; version++) {
        p.bytes[0] = (uint8_t)(version << 4 | 5);
        if (version != 4 && version != 6)
            assert_int_equal(drop_of(&p), WGT_DROP_IP_VERSION);
    }
}

static void
rfc8200_3_header_fields(void **state)
{
    struct packet p = v6_packet(IP_PROTO_TCP, eight_bytes, 8);
    struct ip_header h;

    (void)state;
    assert_int_equal(parse(&p, &h), WGT_OK);
    assert_int_equal(h.src.family, IP_V6);
    assert_int_equal(h.dst.family, IP_V6);
    assert_memory_equal(h.src.bytes, p.bytes + 8, 16);
    assert_memory_equal(h.dst.bytes, p.bytes + 24, 16);
    assert_int_equal(h.protocol, IP_PROTO_TCP);
    assert_int_equal(h.ttl, 63);
    assert_int_equal(h.traffic_class, 0xb9);
    assert_true(h.dont_fragment);
    assert_int_equal(h.header_len, 40);
    assert_int_equal(h.payload_len, 8);
}

static void
ipv6_shorter_than_40_bytes_is_short(void **state)
{
    struct packet p = v6_packet(IP_PROTO_TCP, eight_bytes, 8);
    struct ip_header h;

    (void)state;
    for (size_t len = 0; len < 40; len++)
        assert_int_equal(parse_len(&p, len, &h), WGT_DROP_IP_SHORT);
}

static void
ipv6_payload_length_beyond_the_packet(void **state)
{
    struct packet p = v6_packet(IP_PROTO_TCP, eight_bytes, 8);
    struct ip_header h;

    (void)state;
    for (size_t len = 40; len < 48; len++)
        assert_int_equal(parse_len(&p, len, &h), WGT_DROP_IP_TOTAL_LENGTH);
    p.len = 60;
    assert_int_equal(parse(&p, &h), WGT_OK);
    assert_int_equal(h.payload_len, 8);
}

static void
rfc2675_jumbogram_is_refused(void **state)
{
    static const uint8_t jumbo[16] = {IP_PROTO_UDP, 0, 0xc2, 4, 0, 1, 0, 0};
    struct packet p = v6_packet(0, jumbo, sizeof(jumbo));

    (void)state;
    put_be16(p.bytes + 4, 0);
    assert_int_equal(drop_of(&p), WGT_DROP_IP_TOTAL_LENGTH);
    put_be16(p.bytes + 4, sizeof(jumbo));
    assert_int_equal(drop_of(&p), WGT_DROP_IP_EXTENSION);
}

static void
rfc4291_2_7_source_is_not_multicast(void **state)
{
    struct packet p = v6_packet(IP_PROTO_TCP, eight_bytes, 8);

    (void)state;
    p.bytes[8] = 0xff;
    assert_int_equal(drop_of(&p), WGT_DROP_IP_SOURCE);
}

static void
rfc8200_4_option_headers_are_walked(void **state)
{
    static const uint8_t chain[] = {
        60, 0, 1, 4, 0, 0, 0, 0,                         /* hop-by-hop, PadN */
        60, 1, 5, 2, 0, 0, 0, 0, 0, 1, 4, 9, 9, 9, 9, 0, /* destination: alert, Pad1s, PadN */
        17, 0, 0, 0, 0, 0, 0, 0,                         /* destination, Pad1s */
        1,  2, 3, 4, 5, 6, 7, 8,
    };
    struct packet p = v6_packet(0, chain, sizeof(chain));
    struct ip_header h;

    (void)state;
    assert_int_equal(parse(&p, &h), WGT_OK);
    assert_int_equal(h.protocol, IP_PROTO_UDP);
    assert_int_equal(h.header_len, 72);
    assert_int_equal(h.payload_len, 8);
}

static void
rfc8200_4_2_empty_padn_may_end_its_header(void **state)
{
    static const uint8_t options[] = {17, 0, 1, 2, 0, 0, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8};
    struct packet p = v6_packet(60, options, sizeof(options));

    (void)state;
    assert_int_equal(drop_of(&p), WGT_OK);
}

static void
rfc8200_4_extension_header_may_end_the_packet(void **state)
{
    static const uint8_t alone[] = {59, 0, 1, 4, 0, 0, 0, 0};
    struct packet p = v6_packet(60, alone, sizeof(alone));
    struct ip_header h;

    (void)state;
    assert_int_equal(parse(&p, &h), WGT_OK);
    assert_int_equal(h.protocol, 59);
    assert_int_equal(h.header_len, 48);
    assert_int_equal(h.payload_len, 0);
}

static void
rfc8200_4_1_hop_by_hop_comes_first(void **state)
{
    static const uint8_t chain[] = {0, 0, 1, 4, 0, 0, 0, 0, 17, 0, 1, 4, 0, 0, 0, 0};
    struct packet p = v6_packet(60, chain, sizeof(chain));

    (void)state;
    assert_int_equal(drop_of(&p), WGT_DROP_IP_EXTENSION);
}

static void
rfc8200_4_2_option_that_may_not_be_skipped(void **state)
{
    (void)state;
    for (unsigned kind = 2; kind < 256; kind++) {
        const uint8_t options[] = {17, 0, (uint8_t)kind, 4, 0, 0, 0, 0};
        struct packet p = v6_packet(60, options, sizeof(options));

        assert_int_equal(drop_of(&p), kind < 64 ? WGT_OK : WGT_DROP_IP_EXTENSION);
    }
}

static void
rfc8200_4_2_option_beyond_its_header(void **state)
{
    static const uint8_t long_option[] = {17, 0, 1, 5, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8};
    static const uint8_t no_length[] = {17, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8};
    struct packet p = v6_packet(60, long_option, sizeof(long_option));

    (void)state;
    assert_int_equal(drop_of(&p), WGT_DROP_IP_EXTENSION);
    p = v6_packet(60, no_length, sizeof(no_length));
    assert_int_equal(drop_of(&p), WGT_DROP_IP_EXTENSION);
}

static void
ipv6_extension_header_beyond_the_payload(void **state)
{
    static const uint8_t chain[] = {17, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};

    (void)state;
    for (size_t len = 1; len <= sizeof(chain); len++) {
        struct packet p = v6_packet(60, chain, len);

        assert_int_equal(drop_of(&p), len < sizeof(chain) ? WGT_DROP_IP_EXTENSION : WGT_OK);
        /* Bytes behind the payload length are no part of the packet. */
        p.len = 40 + sizeof(chain);
        assert_int_equal(drop_of(&p), len < sizeof(chain) ? WGT_DROP_IP_EXTENSION : WGT_OK);
    }
}

static void
ipv6_chain_of_extension_headers_is_bounded(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 12; n++) {
        uint8_t chain[13 * 8] = {0};
        struct packet p;

        for (unsigned i = 0; i < n; i++)
            chain[i * 8] = i + 1 < n ? 60 : 17;
        p = v6_packet(60, chain, n * 8 + 8);
        assert_int_equal(drop_of(&p), n <= 8 ? WGT_OK : WGT_DROP_IP_EXTENSION);
    }
}

static void
rfc8200_4_5_fragments(void **state)
{
    static const uint8_t fragment[] = {17, 0, 0, 1, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8};
    struct packet p = v6_packet(44, fragment, sizeof(fragment));

    (void)state;
    assert_int_equal(drop_of(&p), WGT_DROP_IP_FRAGMENT);
    p.bytes[43] = 0; /* RFC 6946's atomic fragment: nobody should send it (RFC 8021) */
    assert_int_equal(drop_of(&p), WGT_DROP_IP_FRAGMENT);
}

static void
other_extension_headers_are_not_handled(void **state)
{
    static const uint8_t others[] = {43, 50, 51, 135, 139, 140, 253, 254};

    (void)state;
    for (size_t i = 0; i < sizeof(others); i++) {
        struct packet p = v6_packet(others[i], eight_bytes, 8);

        assert_int_equal(drop_of(&p), WGT_DROP_IP_EXTENSION);
    }
}

static void
drop_leaves_the_result_alone(void **state)
{
    struct packet p = v4_packet(0, 8);
    struct ip_header h, before;

    (void)state;
    memset(&h, 0x5a, sizeof(h));
    before = h;
    p.bytes[12] = 224;
    fix_v4_checksum(&p);
    assert_int_equal(parse(&p, &h), WGT_DROP_IP_SOURCE);
    assert_memory_equal(&h, &before, sizeof(h));
    p = v6_packet(43, eight_bytes, 8);
    assert_int_equal(parse(&p, &h), WGT_DROP_IP_EXTENSION);
    assert_memory_equal(&h, &before, sizeof(h));
}

static void
ipv4_write_gives_the_parsed_bytes(void **state)
{
    struct packet p = v4_packet(0, 8);
    struct ip_header h;
    uint8_t out[IP_HEADER_MAX];

    (void)state;
    for (unsigned df = 0; df < 2; df++) {
        p.bytes[6] = df ? 0x40 : 0;
        fix_v4_checksum(&p);
        assert_int_equal(parse(&p, &h), WGT_OK);
        memset(out, 0xee, sizeof(out));
        assert_int_equal(ip_header_len(&h.dst), 20);
        assert_int_equal(ip_write(out, &h), 20);
        assert_memory_equal(out, p.bytes, 20);
        assert_int_equal(out[20], 0xee);
    }
}

static void
ipv6_write_gives_the_parsed_bytes(void **state)
{
    struct packet p = v6_packet(IP_PROTO_TCP, eight_bytes, 8);
    struct ip_header h;
    uint8_t out[IP_HEADER_MAX];

    (void)state;
    put_be32(p.bytes, 0x6b900000); /* flow label 0 */
    assert_int_equal(parse(&p, &h), WGT_OK);
    memset(out, 0xee, sizeof(out));
    assert_int_equal(ip_header_len(&h.dst), 40);
    assert_int_equal(ip_write(out, &h), 40);
    assert_memory_equal(out, p.bytes, 40);
}

static enum wgt_drop
inner_len(const struct packet *p, size_t len, struct inner_packet *out)
{
    uint8_t *copy = malloc(len + (len == 0));
    enum wgt_drop drop;

    assert_non_null(copy);
    memcpy(copy, p->bytes, len);
    drop = inner_parse(copy, len, out);
    free(copy);
    return drop;
}

static void
inner_ipv4_is_trimmed_to_its_total_length(void **state)
{
    struct packet p = v4_packet(0, 13);
    struct inner_packet in;

    (void)state;
    p.len = 48; /* padded to a multiple of 16 */
    assert_int_equal(inner_len(&p, p.len, &in), WGT_OK);
    assert_int_equal(in.len, 33);
    assert_int_equal(in.src.family, IP_V4);
    assert_int_equal(get_be32(in.src.bytes), 0xc0000201);
    assert_int_equal(get_be32(in.dst.bytes), 0xc6336407);
}

static void
inner_ipv6_is_trimmed_to_its_payload_length(void **state)
{
    struct packet p = v6_packet(59, eight_bytes, 8);
    struct inner_packet in;

    (void)state;
    p.len = 64;
    assert_int_equal(inner_len(&p, p.len, &in), WGT_OK);
    assert_int_equal(in.len, 48);
    assert_int_equal(in.src.family, IP_V6);
    assert_memory_equal(in.src.bytes, p.bytes + 8, 16);
    assert_memory_equal(in.dst.bytes, p.bytes + 24, 16);
    put_be16(p.bytes + 4, 0);
    assert_int_equal(inner_len(&p, p.len, &in), WGT_OK);
    assert_int_equal(in.len, 40);
}

static void
inner_length_must_fit(void **state)
{
    struct packet p = v4_packet(0, 12);
    struct inner_packet in;

    (void)state;
    for (unsigned total = 0; total < 100; total++) {
        put_be16(p.bytes + 2, (uint16_t)total);
        assert_int_equal(inner_len(&p, 32, &in),
                         total < 20 || total > 32 ? WGT_DROP_INNER_LENGTH : WGT_OK);
    }
    p = v6_packet(59, eight_bytes, 8);
    for (unsigned payload = 0; payload < 100; payload++) {
        put_be16(p.bytes + 4, (uint16_t)payload);
        assert_int_equal(inner_len(&p, 48, &in), payload > 8 ? WGT_DROP_INNER_LENGTH : WGT_OK);
    }
}

static void
inner_version_or_header_missing(void **state)
{
    struct packet p = v4_packet(0, 60);
    struct inner_packet in;

    (void)state;
    for (size_t len = 0; len < 20; len++)
        assert_int_equal(inner_len(&p, len, &in), WGT_DROP_INNER_VERSION);
    for (unsigned version = 0; version < 16; version++) {
        p.bytes[0] = (uint8_t)(version << 4 | 5);
        if (version != 4 && version != 6)
            assert_int_equal(inner_len(&p, 80, &in), WGT_DROP_INNER_VERSION);
    }
    p = v6_packet(59, eight_bytes, 8);
    for (size_t len = 0; len < 40; len++)
        assert_int_equal(inner_len(&p, len, &in), WGT_DROP_INNER_VERSION);
}

/* What ip_parse_again says of a packet is what ip_parse says of it. */
static void
assert_again_agrees(const struct ip_header *before, const struct packet *p, size_t len, bool verify)
{
    struct ip_header parsed = {0}, again = *before;
    uint8_t *copy = malloc(len + (len == 0));
    bool alike;

    assert_non_null(copy);
    memcpy(copy, p->bytes, len);
    alike = ip_parse(copy, len, verify, &parsed) == WGT_OK &&
            parsed.header_len == (ip_is_v4(copy) ? IPV4_HEADER_LEN : IPV6_HEADER_LEN) &&
            parsed.protocol == before->protocol && ip_addr_equal(&parsed.src, &before->src) &&
            ip_addr_equal(&parsed.dst, &before->dst);
    assert_int_equal(ip_parse_again(copy, len, verify, &again), alike);
    assert_int_equal(again.ttl, alike ? parsed.ttl : before->ttl);
    assert_int_equal(again.traffic_class, alike ? parsed.traffic_class : before->traffic_class);
    assert_int_equal(again.dont_fragment, alike ? parsed.dont_fragment : before->dont_fragment);
    assert_int_equal(again.id, alike ? parsed.id : before->id);
    assert_int_equal(again.header_len, before->header_len);
    assert_int_equal(again.payload_len, alike ? parsed.payload_len : before->payload_len);
    assert_true(ip_addr_equal(&again.src, &before->src) && ip_addr_equal(&again.dst, &before->dst));
    free(copy);
}

static void
a_packet_like_the_one_before_is_parsed_alike(void **state)
{
    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        static const uint8_t payload[30];
        struct packet p = v6 ? v6_packet(17, payload, 30) : v4_packet(0, 30);
        struct ip_header h;

        assert_int_equal(parse(&p, &h), WGT_OK);
        for (size_t len = 1; len <= p.len; len++)
            assert_again_agrees(&h, &p, len, true);
        for (size_t at = 0; at < h.header_len; at++)
            for (unsigned value = 0; value < 256; value++) {
                struct packet changed = p;

                changed.bytes[at] = (uint8_t)value;
                assert_again_agrees(&h, &changed, p.len, false);
                assert_again_agrees(&h, &changed, p.len, true);
                if (!v6 && (changed.bytes[0] & 15) >= 5) {
                    fix_v4_checksum(&changed);
                    assert_again_agrees(&h, &changed, p.len, true);
                }
            }
    }
}

static void
behind_options_no_packet_is_like_the_one_before(void **state)
{
    struct packet p = v4_packet(1, 8);
    struct ip_header h;

    (void)state;
    assert_int_equal(parse(&p, &h), WGT_OK);
    assert_false(ip_parse_again(p.bytes, p.len, true, &h));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc791_3_1_header_fields),
        cmocka_unit_test(a_packet_like_the_one_before_is_parsed_alike),
        cmocka_unit_test(behind_options_no_packet_is_like_the_one_before),
        cmocka_unit_test(rfc791_3_1_dont_fragment_clear),
        cmocka_unit_test(rfc791_3_1_options_are_skipped),
        cmocka_unit_test(rfc894_ethernet_padding_is_not_payload),
        cmocka_unit_test(ipv4_shorter_than_20_bytes_is_short),
        cmocka_unit_test(rfc791_3_1_header_length_below_five_words),
        cmocka_unit_test(ipv4_header_length_beyond_the_packet),
        cmocka_unit_test(ipv4_total_length_beyond_the_packet),
        cmocka_unit_test(ipv4_total_length_below_the_header),
        cmocka_unit_test(rfc1122_3_2_1_2_checksum_is_verified),
        cmocka_unit_test(checksum_is_left_to_hardware_when_asked),
        cmocka_unit_test(rfc791_2_3_fragments),
        cmocka_unit_test(rfc1122_3_2_1_3_source_is_no_group),
        cmocka_unit_test(version_is_4_or_6),
        cmocka_unit_test(rfc8200_3_header_fields),
        cmocka_unit_test(ipv6_shorter_than_40_bytes_is_short),
        cmocka_unit_test(ipv6_payload_length_beyond_the_packet),
        cmocka_unit_test(rfc2675_jumbogram_is_refused),
        cmocka_unit_test(rfc4291_2_7_source_is_not_multicast),
        cmocka_unit_test(rfc8200_4_option_headers_are_walked),
        cmocka_unit_test(rfc8200_4_2_empty_padn_may_end_its_header),
        cmocka_unit_test(rfc8200_4_extension_header_may_end_the_packet),
        cmocka_unit_test(rfc8200_4_1_hop_by_hop_comes_first),
        cmocka_unit_test(rfc8200_4_2_option_that_may_not_be_skipped),
        cmocka_unit_test(rfc8200_4_2_option_beyond_its_header),
        cmocka_unit_test(ipv6_extension_header_beyond_the_payload),
        cmocka_unit_test(ipv6_chain_of_extension_headers_is_bounded),
        cmocka_unit_test(rfc8200_4_5_fragments),
        cmocka_unit_test(other_extension_headers_are_not_handled),
        cmocka_unit_test(drop_leaves_the_result_alone),
        cmocka_unit_test(ipv4_write_gives_the_parsed_bytes),
        cmocka_unit_test(ipv6_write_gives_the_parsed_bytes),
        cmocka_unit_test(inner_ipv4_is_trimmed_to_its_total_length),
        cmocka_unit_test(inner_ipv6_is_trimmed_to_its_payload_length),
        cmocka_unit_test(inner_length_must_fit),
        cmocka_unit_test(inner_version_or_header_missing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
