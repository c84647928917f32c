/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP errors about our packets (RFC 792, RFC 1191, RFC 4443). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wgtcpd/wire/checksum.h>
#include <wgtcpd/wire/icmp.h>

enum { PACKET_MAX = 256, QUOTED_LEN = 1500, OUR_PORT = 51820, PEER_PORT = 443 };
static const uint32_t QUOTED_SEQ = 0xfffffff0;

static const uint8_t router_v4[4] = {203, 0, 113, 9}, us_v4[4] = {192, 0, 2, 2};
static const uint8_t peer_v4[4] = {198, 51, 100, 7};
static const uint8_t router_v6[16] = {0x20, 0x01, 0xd, 0xb8, [15] = 9};
static const uint8_t us_v6[16] = {0x20, 0x01, 0xd, 0xb8, [15] = 2};
static const uint8_t peer_v6[16] = {0x20, 0x01, 0xd, 0xb8, [15] = 7};

struct error {
    enum ip_family family;
    uint8_t type, code;
    uint32_t field; /* bytes 4..7 of the ICMP header */
    uint8_t bytes[PACKET_MAX];
    struct ip_header ip;
    size_t quote; /* where the quoted packet starts */
};

static void
fix_checksum(struct error *e)
{
    uint8_t *icmp = e->bytes + e->ip.header_len;

    put_be16(icmp + 2, 0);
    if (e->family == IP_V4)
        put_be16(icmp + 2, checksum_finish(checksum_add(0, icmp, e->ip.payload_len)));
    else
        put_be16(icmp + 2, checksum_transport(&e->ip.src, &e->ip.dst, IP_PROTO_ICMPV6, icmp,
                                              e->ip.payload_len));
}

/* A router's word about a segment of QUOTED_LEN bytes of ours; the quote holds 8 bytes of TCP. */
static void
make(struct error *e)
{
    bool v4 = e->family == IP_V4;
    struct ip_header quoted = {
        .src = v4 ? ip_addr_v4(us_v4) : ip_addr_v6(us_v6),
        .dst = v4 ? ip_addr_v4(peer_v4) : ip_addr_v6(peer_v6),
        .protocol = IP_PROTO_TCP,
        .ttl = 3,
        .dont_fragment = true,
        .payload_len = QUOTED_LEN - (v4 ? IPV4_HEADER_LEN : IPV6_HEADER_LEN),
    };
    uint8_t *p;

    e->ip = (struct ip_header){
        .src = v4 ? ip_addr_v4(router_v4) : ip_addr_v6(router_v6),
        .dst = quoted.src,
        .protocol = v4 ? IP_PROTO_ICMP : IP_PROTO_ICMPV6,
        .ttl = 60,
        .payload_len = 8 + (v4 ? IPV4_HEADER_LEN : IPV6_HEADER_LEN) + 8,
    };
    e->ip.header_len = (uint16_t)ip_write(e->bytes, &e->ip);
    p = e->bytes + e->ip.header_len;
    p[0] = e->type;
    p[1] = e->code;
    put_be32(p + 4, e->field);
    e->quote = e->ip.header_len + 8u;
    p = e->bytes + e->quote;
    p += ip_write(p, &quoted);
    put_be16(p, OUR_PORT);
    put_be16(p + 2, PEER_PORT);
    put_be32(p + 4, QUOTED_SEQ);
    fix_checksum(e);
}

static enum wgt_drop
parse(struct error *e, struct icmp_error *out)
{
    uint8_t *exact = test_malloc(e->ip.header_len + (size_t)e->ip.payload_len);
    enum wgt_drop drop;

    /* No byte beyond the packet may be looked at. */
    memcpy(exact, e->bytes, e->ip.header_len + (size_t)e->ip.payload_len);
    memset(out, 0x5a, sizeof(*out));
    drop = icmp_error_parse(exact, &e->ip, out);
    test_free(exact);
    return drop;
}

static void
check_segment(const struct error *e, const struct icmp_error *out)
{
    struct ip_addr us = e->family == IP_V4 ? ip_addr_v4(us_v4) : ip_addr_v6(us_v6);
    struct ip_addr peer = e->family == IP_V4 ? ip_addr_v4(peer_v4) : ip_addr_v6(peer_v6);

    assert_true(ip_addr_equal(&out->src.addr, &us));
    assert_true(ip_addr_equal(&out->dst.addr, &peer));
    assert_int_equal(out->src.port, OUR_PORT);
    assert_int_equal(out->dst.port, PEER_PORT);
    assert_int_equal(out->protocol, IP_PROTO_TCP);
    assert_int_equal(out->seq, QUOTED_SEQ);
    assert_int_equal(out->packet_len, QUOTED_LEN);
}

/* kinds[code]: -1 for a code that is not handled. */
static void
check_codes(enum ip_family family, uint8_t type, const int *kinds, size_t n)
{
    for (size_t code = 0; code < 256; code++) {
        struct error e = {.family = family, .type = type, .code = (uint8_t)code, .field = 1400};
        struct icmp_error out;
        int kind = code < n ? kinds[code] : -1;

        make(&e);
        assert_int_equal(parse(&e, &out), kind < 0 ? WGT_DROP_ICMP_TYPE : WGT_OK);
        if (kind < 0)
            continue;
        assert_int_equal(out.kind, kind);
        check_segment(&e, &out);
        assert_int_equal(out.mtu, kind == ICMP_ERROR_TOO_BIG ? 1400 : 0);
    }
}

static void
rfc1122_3_2_2_1_codes_of_unreachable(void **state)
{
    enum { U = ICMP_ERROR_UNREACHABLE, R = ICMP_ERROR_REFUSED, B = ICMP_ERROR_TOO_BIG };
    static const int kinds[] = {U, U, R, R, B, U, U, U, U, R, R, U, U, R};

    (void)state;
    check_codes(IP_V4, ICMP_UNREACHABLE, kinds, sizeof(kinds) / sizeof(kinds[0]));
}

static void
rfc4443_3_1_codes_of_unreachable(void **state)
{
    enum { U = ICMP_ERROR_UNREACHABLE, R = ICMP_ERROR_REFUSED };
    static const int kinds[] = {U, R, U, U, R, R, R};

    (void)state;
    check_codes(IP_V6, ICMPV6_UNREACHABLE, kinds, sizeof(kinds) / sizeof(kinds[0]));
}

static void
rfc4443_3_2_packet_too_big_whatever_its_code(void **state)
{
    (void)state;
    for (unsigned code = 0; code < 2; code++) {
        struct error e = {
            .family = IP_V6, .type = ICMPV6_TOO_BIG, .code = (uint8_t)code, .field = 0x10005};
        struct icmp_error out;

        make(&e);
        assert_int_equal(parse(&e, &out), WGT_OK);
        assert_int_equal(out.kind, ICMP_ERROR_TOO_BIG);
        assert_int_equal(out.mtu, 0x10005); /* 32 bits */
        check_segment(&e, &out);
    }
}

static void
rfc1191_4_mtu_of_the_next_hop(void **state)
{
    struct error e = {.family = IP_V4, .type = ICMP_UNREACHABLE, .code = 4, .field = 0xabcd0238};
    struct icmp_error out;

    (void)state;
    make(&e);
    assert_int_equal(parse(&e, &out), WGT_OK);
    assert_int_equal(out.mtu, 0x238); /* the upper half is unused */
}

static void
rfc1191_5_router_without_mtu_means_the_plateau_below(void **state)
{
    static const struct {
        uint16_t len, mtu;
    } cases[] = {{65535, 32000}, {9000, 8166}, {1500, 1492}, {1492, 1006},
                 {1006, 508},    {297, 296},   {296, 68},    {60, 68}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct error e = {.family = IP_V4, .type = ICMP_UNREACHABLE, .code = 4};
        struct icmp_error out;

        make(&e);
        put_be16(e.bytes + e.quote + 2, cases[i].len);
        fix_checksum(&e);
        assert_int_equal(parse(&e, &out), WGT_OK);
        assert_int_equal(out.mtu, cases[i].mtu);
    }
}

static void
other_messages_are_not_errors(void **state)
{
    (void)state;
    for (unsigned type = 0; type < 256; type++) {
        struct error v4 = {.family = IP_V4, .type = (uint8_t)type};
        struct error v6 = {.family = IP_V6, .type = (uint8_t)type};
        struct icmp_error out;

        make(&v4);
        make(&v6);
        /* RFC 6633: source quench (4) among them */
        if (type != ICMP_UNREACHABLE)
            assert_int_equal(parse(&v4, &out), WGT_DROP_ICMP_TYPE);
        if (type != ICMPV6_UNREACHABLE && type != ICMPV6_TOO_BIG)
            assert_int_equal(parse(&v6, &out), WGT_DROP_ICMP_TYPE);
    }
}

static void
error_of_the_other_ip_version(void **state)
{
    struct error e = {.family = IP_V4, .type = ICMP_UNREACHABLE};
    struct icmp_error out;

    (void)state;
    make(&e);
    e.ip.protocol = IP_PROTO_ICMPV6;
    assert_int_equal(parse(&e, &out), WGT_DROP_ICMP_TYPE);
}

static void
error_with_the_wrong_checksum(void **state)
{
    enum ip_family families[] = {IP_V4, IP_V6};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct error e = {.family = families[i], .type = families[i] == IP_V4 ? 3 : 1};
        struct icmp_error out;

        make(&e);
        e.bytes[e.ip.header_len + 3] ^= 1;
        assert_int_equal(parse(&e, &out), WGT_DROP_ICMP_CHECKSUM);
    }
}

/* Cut anywhere: never a read beyond, and only the whole quote counts. */
static void
error_cut_short(void **state)
{
    enum ip_family families[] = {IP_V4, IP_V6};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct error e = {.family = families[i], .type = families[i] == IP_V4 ? 3 : 1};
        uint32_t whole;
        struct icmp_error out;

        make(&e);
        whole = e.ip.payload_len;
        for (uint32_t len = 0; len <= whole; len++) {
            enum wgt_drop want = len < 8 ? WGT_DROP_ICMP_MALFORMED : WGT_DROP_ICMP_QUOTE;

            e.ip.payload_len = len;
            if (len >= 4)
                fix_checksum(&e);
            assert_int_equal(parse(&e, &out), len == whole ? WGT_OK : want);
        }
    }
}

/* The quote must be a packet that we could have sent. */
static void
quote_of_something_else(void **state)
{
    static const struct {
        enum ip_family family;
        size_t at; /* in the quote */
        uint8_t value;
    } cases[] = {
        {IP_V4, 0, 0x65},            /* version */
        {IP_V4, 0, 0x44},            /* header length */
        {IP_V4, 0, 0x4f},            /* a header longer than the quote */
        {IP_V4, 9, IP_PROTO_ICMP},   /* protocol */
        {IP_V4, 7, 1},               /* not the first fragment */
        {IP_V4, 15, 99},             /* not from us */
        {IP_V6, 0, 0x40},            /* version */
        {IP_V6, 6, IP_PROTO_ICMPV6}, /* protocol */
        {IP_V6, 6, 44},              /* a fragment header */
        {IP_V6, 23, 99},             /* not from us */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct error e = {.family = cases[i].family, .type = cases[i].family == IP_V4 ? 3 : 1};
        struct icmp_error out;

        make(&e);
        e.bytes[e.quote + cases[i].at] = cases[i].value;
        fix_checksum(&e);
        assert_int_equal(parse(&e, &out), WGT_DROP_ICMP_QUOTE);
    }
}

/* A datagram of ours: the message in it tells whether we have sent it. */
static void
quote_of_a_data_message(void **state)
{
    static const uint8_t head[8] = {4, 0, 0, 0, 0x78, 0x56, 0x34, 0x12};

    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        struct error e = {.family = v6 ? IP_V6 : IP_V4, .type = v6 ? 2 : 3, .code = v6 ? 0 : 4};
        struct icmp_error out;
        size_t upper;

        e.field = 1400;
        make(&e);
        upper = e.quote + (v6 ? IPV6_HEADER_LEN : IPV4_HEADER_LEN);
        e.bytes[e.quote + (v6 ? 6 : 9)] = IP_PROTO_UDP;
        memcpy(e.bytes + upper + 8, head, sizeof(head));
        for (uint32_t more = 0; more <= sizeof(head); more++) {
            e.ip.payload_len = (uint32_t)(upper + 8 + more - e.ip.header_len);
            fix_checksum(&e);
            assert_int_equal(parse(&e, &out), more == sizeof(head) ? WGT_OK : WGT_DROP_ICMP_QUOTE);
        }
        assert_int_equal(out.protocol, IP_PROTO_UDP);
        assert_int_equal(out.receiver, 0x12345678);
        assert_int_equal(out.src.port, OUR_PORT);
        assert_int_equal(out.dst.port, PEER_PORT);
        assert_int_equal(out.mtu, 1400);
        for (size_t i = 0; i < 4; i++) { /* another message, or none */
            e.bytes[upper + 8 + i] ^= 1;
            fix_checksum(&e);
            assert_int_equal(parse(&e, &out), WGT_DROP_ICMP_QUOTE);
            e.bytes[upper + 8 + i] ^= 1;
        }
    }
}

/* Of an error that does no more than tell: its ports are enough, whatever the message. */
static void
quote_of_an_initiation(void **state)
{
    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        struct error e = {.family = v6 ? IP_V6 : IP_V4, .type = v6 ? 1 : 3, .code = v6 ? 4 : 3};
        struct icmp_error out;
        size_t upper;

        make(&e);
        upper = e.quote + (v6 ? IPV6_HEADER_LEN : IPV4_HEADER_LEN);
        e.bytes[e.quote + (v6 ? 6 : 9)] = IP_PROTO_UDP;
        for (uint32_t len = 7; len <= 8; len++) {
            e.ip.payload_len = (uint32_t)(upper + len - e.ip.header_len);
            fix_checksum(&e);
            assert_int_equal(parse(&e, &out), len == 8 ? WGT_OK : WGT_DROP_ICMP_QUOTE);
        }
        assert_int_equal(out.kind, ICMP_ERROR_REFUSED);
        assert_int_equal(out.protocol, IP_PROTO_UDP);
        assert_int_equal(out.src.port, OUR_PORT);
        assert_int_equal(out.dst.port, PEER_PORT);
    }
}

/* Options that a router put in, as for a record of the route. */
static void
quote_with_ipv4_options(void **state)
{
    struct error e = {.family = IP_V4, .type = ICMP_UNREACHABLE, .code = 3};
    struct icmp_error out;
    uint8_t *ports;

    (void)state;
    make(&e);
    ports = e.bytes + e.quote + IPV4_HEADER_LEN;
    memmove(ports + 4, ports, 8);
    memset(ports, 1, 4);
    e.bytes[e.quote] = 0x46;
    e.ip.payload_len += 4;
    fix_checksum(&e);
    assert_int_equal(parse(&e, &out), WGT_OK);
    check_segment(&e, &out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc1122_3_2_2_1_codes_of_unreachable),
        cmocka_unit_test(rfc4443_3_1_codes_of_unreachable),
        cmocka_unit_test(rfc4443_3_2_packet_too_big_whatever_its_code),
        cmocka_unit_test(rfc1191_4_mtu_of_the_next_hop),
        cmocka_unit_test(rfc1191_5_router_without_mtu_means_the_plateau_below),
        cmocka_unit_test(other_messages_are_not_errors),
        cmocka_unit_test(error_of_the_other_ip_version),
        cmocka_unit_test(error_with_the_wrong_checksum),
        cmocka_unit_test(error_cut_short),
        cmocka_unit_test(quote_of_something_else),
        cmocka_unit_test(quote_of_a_data_message),
        cmocka_unit_test(quote_of_an_initiation),
        cmocka_unit_test(quote_with_ipv4_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
