/* SPDX-License-Identifier: BSD-3-Clause */
/* Echo (RFC 792, RFC 4443) and neighbour discovery (RFC 4861). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wgtcpd/wire/checksum.h>
#include <wgtcpd/wire/icmp.h>

enum { DATA_LEN = 11, ECHO_LEN = 8 + DATA_LEN, PACKET_MAX = 256 };

static const uint8_t host_v4[4] = {192, 0, 2, 1}, us_v4[4] = {192, 0, 2, 2};
static const uint8_t host_v6[16] = {0xfe, 0x80, [15] = 1};
static const uint8_t us_v6[16] = {0xfe, 0x80, [13] = 0x12, 0x34, 0x56};
static const struct eth_addr station = {{0x02, 0, 0, 0, 0, 9}};

struct packet {
    uint8_t bytes[PACKET_MAX];
    struct ip_header ip;
};

static uint8_t *
icmp_of(struct packet *p)
{
    return p->bytes + p->ip.header_len;
}

/* Reads the packet's header again, as after a change to it. */
static void
reparse(struct packet *p, size_t len)
{
    assert_int_equal(ip_parse(p->bytes, len, false, &p->ip), WGT_OK);
}

static void
fix_icmp_checksum(struct packet *p)
{
    uint8_t *icmp = icmp_of(p);

    put_be16(icmp + 2, 0);
    if (p->ip.dst.family == IP_V4)
        put_be16(icmp + 2, checksum_finish(checksum_add(0, icmp, p->ip.payload_len)));
    else
        put_be16(icmp + 2, checksum_transport(&p->ip.src, &p->ip.dst, IP_PROTO_ICMPV6, icmp,
                                              p->ip.payload_len));
}

static struct packet
ip_packet(const struct ip_addr *src, const struct ip_addr *dst, const uint8_t *icmp, size_t len)
{
    struct packet p = {.ip = {.src = *src,
                              .dst = *dst,
                              .protocol = dst->family == IP_V4 ? IP_PROTO_ICMP : IP_PROTO_ICMPV6,
                              .ttl = 255,
                              .id = 77,
                              .payload_len = (uint32_t)len}};
    size_t header_len = ip_write(p.bytes, &p.ip);

    memcpy(p.bytes + header_len, icmp, len);
    reparse(&p, header_len + len);
    fix_icmp_checksum(&p);
    return p;
}

static struct packet
echo_request(enum ip_family family)
{
    struct ip_addr src = family == IP_V4 ? ip_addr_v4(host_v4) : ip_addr_v6(host_v6);
    struct ip_addr dst = family == IP_V4 ? ip_addr_v4(us_v4) : ip_addr_v6(us_v6);
    uint8_t icmp[ECHO_LEN] = {8, 0, 0, 0, 0xbe, 0xef, 0, 1, 'p', 'i', 'n', 'g'};

    icmp[0] = family == IP_V4 ? ICMP_ECHO_REQUEST : ICMPV6_ECHO_REQUEST;
    return ip_packet(&src, &dst, icmp, sizeof(icmp));
}

/* The drop reason, after checking that the packet is untouched. */
static enum wgt_drop
refused(struct packet *p)
{
    struct packet before = *p;
    enum wgt_drop drop = icmp_echo_reply(p->bytes, &p->ip);

    assert_memory_equal(p->bytes, before.bytes, sizeof(before.bytes));
    return drop;
}

static void
check_reply(enum ip_family family, uint8_t type)
{
    struct packet p = echo_request(family);
    struct packet request = p;
    struct ip_header reply;
    size_t len = p.ip.header_len + p.ip.payload_len;

    assert_int_equal(icmp_echo_reply(p.bytes, &p.ip), WGT_OK);
    assert_int_equal(ip_parse(p.bytes, len, true, &reply), WGT_OK);
    assert_true(ip_addr_equal(&reply.src, &request.ip.dst));
    assert_true(ip_addr_equal(&reply.dst, &request.ip.src));
    assert_int_equal(reply.ttl, 64);
    assert_int_equal(reply.payload_len, ECHO_LEN);
    assert_int_equal(icmp_of(&p)[0], type);
    assert_int_equal(icmp_of(&p)[1], 0);
    assert_memory_equal(icmp_of(&p) + 4, icmp_of(&request) + 4, ECHO_LEN - 4);
    p.ip = reply;
    request = p;
    fix_icmp_checksum(&request);
    assert_memory_equal(icmp_of(&p), icmp_of(&request), 4);
}

static void
rfc792_echo_is_answered(void **state)
{
    (void)state;
    check_reply(IP_V4, ICMP_ECHO_REPLY);
}

static void
rfc4443_4_2_echo_is_answered(void **state)
{
    (void)state;
    check_reply(IP_V6, ICMPV6_ECHO_REPLY);
}

/* The reply consists of zeros but for its checksum, which must be ffff (RFC 1624 section 3). */
static void
echo_of_zeros_is_answered(void **state)
{
    static const uint8_t zeros[8] = {ICMP_ECHO_REQUEST};
    struct ip_addr src = ip_addr_v4(host_v4), dst = ip_addr_v4(us_v4);
    struct packet p = ip_packet(&src, &dst, zeros, sizeof(zeros));

    (void)state;
    assert_int_equal(icmp_echo_reply(p.bytes, &p.ip), WGT_OK);
    assert_int_equal(get_be16(icmp_of(&p) + 2), 0xffff);
    assert_int_equal(checksum_finish(checksum_add(0, icmp_of(&p), sizeof(zeros))), 0);
}

static void
echo_with_the_wrong_checksum(void **state)
{
    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++)
        for (size_t at = 0; at < ECHO_LEN; at++) {
            struct packet p = echo_request(v6 ? IP_V6 : IP_V4);

            icmp_of(&p)[at] ^= 0x04;
            assert_int_equal(refused(&p), WGT_DROP_ICMP_CHECKSUM);
        }
}

static void
echo_shorter_than_its_header_is_malformed(void **state)
{
    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++)
        for (uint32_t len = 0; len < 8; len++) {
            struct packet p = echo_request(v6 ? IP_V6 : IP_V4);

            p.ip.payload_len = len;
            assert_int_equal(refused(&p), WGT_DROP_ICMP_MALFORMED);
        }
}

static void
echo_with_a_code_is_malformed(void **state)
{
    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        struct packet p = echo_request(v6 ? IP_V6 : IP_V4);

        icmp_of(&p)[1] = 1;
        fix_icmp_checksum(&p);
        assert_int_equal(refused(&p), WGT_DROP_ICMP_MALFORMED);
    }
}

static void
only_echo_requests_are_answered(void **state)
{
    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++)
        for (unsigned type = 0; type < 256; type++) {
            struct packet p = echo_request(v6 ? IP_V6 : IP_V4);

            if (type == icmp_of(&p)[0])
                continue;
            icmp_of(&p)[0] = (uint8_t)type;
            fix_icmp_checksum(&p);
            assert_int_equal(refused(&p), WGT_DROP_ICMP_TYPE);
        }
}

static void
echo_of_the_other_ip_version_is_not_answered(void **state)
{
    struct packet v4 = echo_request(IP_V4), v6 = echo_request(IP_V6);

    (void)state;
    v4.ip.protocol = IP_PROTO_ICMPV6;
    assert_int_equal(refused(&v4), WGT_DROP_ICMP_TYPE);
    v6.ip.protocol = IP_PROTO_ICMP;
    assert_int_equal(refused(&v6), WGT_DROP_ICMP_TYPE);
}

static void
rfc1122_3_2_2_6_echo_to_a_group_is_not_answered(void **state)
{
    static const uint8_t groups[][4] = {{224, 0, 0, 1}, {239, 1, 2, 3}, {255, 255, 255, 255}};
    static const uint8_t all_nodes[16] = {0xff, 0x02, [15] = 1};
    struct packet p;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        p = echo_request(IP_V4);
        p.ip.dst = ip_addr_v4(groups[i]);
        ip_write(p.bytes, &p.ip);
        assert_int_equal(refused(&p), WGT_DROP_ICMP_TYPE);
    }
    p = echo_request(IP_V6);
    p.ip.dst = ip_addr_v6(all_nodes);
    fix_icmp_checksum(&p);
    assert_int_equal(refused(&p), WGT_DROP_ICMP_TYPE);
}

static void
echo_from_nobody_is_not_answered(void **state)
{
    static const uint8_t zero[16];
    struct packet p = echo_request(IP_V4);

    (void)state;
    p.ip.src = ip_addr_v4(zero);
    assert_int_equal(refused(&p), WGT_DROP_IP_SOURCE);
    p = echo_request(IP_V6);
    p.ip.src = ip_addr_v6(zero);
    fix_icmp_checksum(&p);
    assert_int_equal(refused(&p), WGT_DROP_IP_SOURCE);
}

/* RFC 7126 4.3: a loose source route of the sender must not lead the reply elsewhere. */
static void
echo_reply_carries_no_ipv4_options(void **state)
{
    static const uint8_t route[8] = {131, 7, 4, 203, 0, 113, 9, 0};
    struct packet p = echo_request(IP_V4);
    struct ip_header reply;

    (void)state;
    memmove(p.bytes + 28, p.bytes + 20, ECHO_LEN);
    memcpy(p.bytes + 20, route, sizeof(route));
    p.bytes[0] = 0x47;
    put_be16(p.bytes + 2, 28 + ECHO_LEN);
    reparse(&p, 28 + ECHO_LEN);
    assert_int_equal(p.ip.header_len, 28);
    assert_int_equal(icmp_echo_reply(p.bytes, &p.ip), WGT_OK);
    assert_int_equal(ip_parse(p.bytes, 28 + ECHO_LEN, true, &reply), WGT_OK);
    for (size_t at = 20; at < 28; at++)
        assert_int_equal(p.bytes[at], 1);
    assert_int_equal(p.bytes[28], ICMP_ECHO_REPLY);
}

static void
echo_behind_ipv6_options_is_answered(void **state)
{
    static const uint8_t padding[8] = {IP_PROTO_ICMPV6, 0, 1, 4};
    struct packet p = echo_request(IP_V6);

    (void)state;
    memmove(p.bytes + 48, p.bytes + 40, ECHO_LEN);
    memcpy(p.bytes + 40, padding, sizeof(padding));
    p.bytes[6] = 60;
    put_be16(p.bytes + 4, 8 + ECHO_LEN);
    reparse(&p, 48 + ECHO_LEN);
    assert_int_equal(p.ip.header_len, 48);
    assert_int_equal(icmp_echo_reply(p.bytes, &p.ip), WGT_OK);
    reparse(&p, 48 + ECHO_LEN);
    assert_int_equal(p.bytes[48], ICMPV6_ECHO_REPLY);
    assert_int_equal(
        checksum_transport(&p.ip.src, &p.ip.dst, IP_PROTO_ICMPV6, p.bytes + 48, ECHO_LEN), 0);
}

static struct packet
nd_packet(const struct ip_addr *src, const struct ip_addr *dst, const struct nd_message *m)
{
    struct packet p = {0};

    assert_int_equal(nd_write(p.bytes, src, dst, m), 40 + ND_LEN);
    reparse(&p, 40 + ND_LEN);
    return p;
}

/* The host asks the solicited-node group for our link-layer address. */
static struct packet
solicitation(void)
{
    struct ip_addr src = ip_addr_v6(host_v6), target = ip_addr_v6(us_v6);
    struct ip_addr dst = nd_solicited_node(&target);
    struct nd_message m = {.type = ICMPV6_NEIGHBOUR_SOLICITATION,
                           .target = target,
                           .has_link_addr = true,
                           .link_addr = station};

    return nd_packet(&src, &dst, &m);
}

static struct packet
advertisement(void)
{
    struct ip_addr src = ip_addr_v6(host_v6), dst = ip_addr_v6(us_v6);
    struct nd_message m = {.type = ICMPV6_NEIGHBOUR_ADVERTISEMENT,
                           .target = src,
                           .has_link_addr = true,
                           .link_addr = station,
                           .solicited = true,
                           .override = true};

    return nd_packet(&src, &dst, &m);
}

static enum wgt_drop
nd_drop(struct packet *p)
{
    struct nd_message m, before;
    enum wgt_drop drop;

    memset(&m, 0x5a, sizeof(m));
    before = m;
    drop = nd_parse(p->bytes, &p->ip, &m);
    if (drop != WGT_OK)
        assert_memory_equal(&m, &before, sizeof(m));
    return drop;
}

static enum wgt_drop
nd_drop_fixed(struct packet *p)
{
    fix_icmp_checksum(p);
    return nd_drop(p);
}

static void
rfc4861_4_3_solicitation_bytes(void **state)
{
    static const uint8_t body[ND_LEN] = {135,  0,    0, 0, 0,    0, 0, 0, 0xfe, 0x80, [21] = 0x12,
                                         0x34, 0x56, 1, 1, 0x02, 0, 0, 0, 0,    9};
    struct packet p = solicitation();

    (void)state;
    assert_int_equal(p.ip.ttl, 255);
    assert_int_equal(p.ip.protocol, IP_PROTO_ICMPV6);
    assert_int_equal(p.ip.payload_len, ND_LEN);
    put_be16(icmp_of(&p) + 2, 0);
    assert_memory_equal(icmp_of(&p), body, ND_LEN);
}

static void
rfc4861_4_3_solicitation_is_read(void **state)
{
    struct ip_addr target = ip_addr_v6(us_v6);
    struct packet p = solicitation();
    struct nd_message m;

    (void)state;
    assert_int_equal(nd_parse(p.bytes, &p.ip, &m), WGT_OK);
    assert_int_equal(m.type, ICMPV6_NEIGHBOUR_SOLICITATION);
    assert_true(ip_addr_equal(&m.target, &target));
    assert_true(m.has_link_addr);
    assert_memory_equal(&m.link_addr, &station, sizeof(station));
    assert_false(m.solicited || m.override || m.router);
}

static void
rfc4861_4_4_advertisement_flags(void **state)
{
    struct ip_addr src = ip_addr_v6(host_v6), dst = ip_addr_v6(us_v6);

    (void)state;
    for (unsigned flags = 0; flags < 8; flags++) {
        struct nd_message in = {.type = ICMPV6_NEIGHBOUR_ADVERTISEMENT,
                                .target = src,
                                .link_addr = station,
                                .router = flags & 4,
                                .solicited = flags & 2,
                                .override = flags & 1};
        struct packet p = nd_packet(&src, &dst, &in);
        struct nd_message m;

        assert_int_equal(icmp_of(&p)[4], flags << 5);
        assert_int_equal(icmp_of(&p)[24], 2); /* target link-layer address */
        assert_int_equal(nd_parse(p.bytes, &p.ip, &m), WGT_OK);
        assert_int_equal(m.type, ICMPV6_NEIGHBOUR_ADVERTISEMENT);
        assert_true(ip_addr_equal(&m.target, &src));
        assert_true(m.has_link_addr);
        assert_int_equal(m.router, in.router);
        assert_int_equal(m.solicited, in.solicited);
        assert_int_equal(m.override, in.override);
    }
}

static void
rfc4861_7_1_hop_limit_must_be_255(void **state)
{
    struct packet p = solicitation();

    (void)state;
    p.ip.ttl = 254;
    assert_int_equal(nd_drop(&p), WGT_DROP_ND_MALFORMED);
    p.ip.ttl = 255;
    assert_int_equal(nd_drop(&p), WGT_OK);
}

static void
rfc4861_7_1_checksum(void **state)
{
    struct packet good = solicitation();

    (void)state;
    for (size_t at = 2; at < ND_LEN; at++) {
        struct packet p = good;

        icmp_of(&p)[at] ^= 0x80;
        assert_int_equal(nd_drop(&p), WGT_DROP_ICMP_CHECKSUM);
    }
}

static void
rfc4861_7_1_code_must_be_0(void **state)
{
    struct packet p = advertisement();

    (void)state;
    icmp_of(&p)[1] = 1;
    assert_int_equal(nd_drop_fixed(&p), WGT_DROP_ND_MALFORMED);
}

static void
rfc4861_7_1_length_at_least_24(void **state)
{
    struct packet p = advertisement();

    (void)state;
    for (uint32_t len = 0; len < 24; len++) {
        p.ip.payload_len = len;
        assert_int_equal(nd_drop(&p), WGT_DROP_ND_MALFORMED);
    }
}

static void
rfc4861_7_1_target_must_not_be_multicast(void **state)
{
    struct packet p = advertisement();

    (void)state;
    icmp_of(&p)[8] = 0xff;
    assert_int_equal(nd_drop_fixed(&p), WGT_DROP_ND_MALFORMED);
}

static void
rfc4861_7_1_option_of_length_zero(void **state)
{
    struct packet p = advertisement();

    (void)state;
    icmp_of(&p)[25] = 0;
    assert_int_equal(nd_drop_fixed(&p), WGT_DROP_ND_MALFORMED);
}

static void
nd_option_beyond_the_message(void **state)
{
    struct packet p = advertisement();

    (void)state;
    icmp_of(&p)[24] = 200;
    icmp_of(&p)[25] = 2;
    assert_int_equal(nd_drop_fixed(&p), WGT_DROP_ND_MALFORMED);
    for (uint32_t len = 25; len < ND_LEN; len++) {
        p = advertisement();
        p.ip.payload_len = len;
        assert_int_equal(nd_drop_fixed(&p), WGT_DROP_ND_MALFORMED);
    }
}

static void
rfc4861_4_6_unknown_options_are_skipped(void **state)
{
    struct packet p = advertisement();
    struct nd_message m;

    (void)state;
    memmove(icmp_of(&p) + 40, icmp_of(&p) + 24, 8);
    memset(icmp_of(&p) + 24, 0, 16);
    icmp_of(&p)[24] = 14; /* nonce, two units */
    icmp_of(&p)[25] = 2;
    put_be16(p.bytes + 4, 48);
    reparse(&p, 88);
    fix_icmp_checksum(&p);
    assert_int_equal(nd_parse(p.bytes, &p.ip, &m), WGT_OK);
    assert_true(m.has_link_addr);
    assert_memory_equal(&m.link_addr, &station, sizeof(station));
}

static void
rfc4861_4_3_4_4_other_messages_option_is_not_this_ones(void **state)
{
    struct packet p = advertisement();
    struct nd_message m;

    (void)state;
    icmp_of(&p)[24] = 1;
    fix_icmp_checksum(&p);
    assert_int_equal(nd_parse(p.bytes, &p.ip, &m), WGT_OK);
    assert_false(m.has_link_addr);
}

static void
nd_without_options(void **state)
{
    struct packet p = advertisement();
    struct nd_message m;

    (void)state;
    put_be16(p.bytes + 4, 24);
    reparse(&p, 64);
    fix_icmp_checksum(&p);
    assert_int_equal(nd_parse(p.bytes, &p.ip, &m), WGT_OK);
    assert_false(m.has_link_addr);
}

static void
rfc4861_4_6_1_link_addr_of_another_length(void **state)
{
    struct packet p = advertisement();

    (void)state;
    icmp_of(&p)[25] = 2;
    put_be16(p.bytes + 4, 40);
    reparse(&p, 80);
    assert_int_equal(nd_drop_fixed(&p), WGT_DROP_ND_MALFORMED);
}

static void
nd_link_addr_must_not_be_a_group(void **state)
{
    struct packet p = advertisement();

    (void)state;
    icmp_of(&p)[26] |= 1;
    assert_int_equal(nd_drop_fixed(&p), WGT_DROP_ND_MALFORMED);
}

static void
rfc4861_7_1_1_duplicate_address_detection(void **state)
{
    static const uint8_t unspecified[16];
    struct packet p = solicitation();
    struct nd_message m;

    (void)state;
    p.ip.src = ip_addr_v6(unspecified);
    assert_int_equal(nd_drop_fixed(&p), WGT_DROP_ND_MALFORMED); /* has a link-layer address */
    p.ip.payload_len = 24;
    fix_icmp_checksum(&p);
    assert_int_equal(nd_parse(p.bytes, &p.ip, &m), WGT_OK);
    assert_false(m.has_link_addr);
    p.ip.dst = ip_addr_v6(us_v6); /* not the solicited-node group */
    assert_int_equal(nd_drop_fixed(&p), WGT_DROP_ND_MALFORMED);
}

static void
rfc4861_7_1_2_solicited_advertisement_to_a_group(void **state)
{
    static const uint8_t all_nodes[16] = {0xff, 0x02, [15] = 1};
    struct packet p = advertisement();

    (void)state;
    p.ip.dst = ip_addr_v6(all_nodes);
    assert_int_equal(nd_drop_fixed(&p), WGT_DROP_ND_MALFORMED);
    icmp_of(&p)[4] = 0x20;
    assert_int_equal(nd_drop_fixed(&p), WGT_OK);
}

static void
other_icmp_is_no_neighbour_discovery(void **state)
{
    struct packet p = echo_request(IP_V6);

    (void)state;
    assert_int_equal(nd_drop(&p), WGT_DROP_ICMP_TYPE);
    p = echo_request(IP_V4);
    assert_int_equal(nd_drop(&p), WGT_DROP_ICMP_TYPE);
    p = solicitation();
    p.ip.protocol = IP_PROTO_UDP;
    assert_int_equal(nd_drop(&p), WGT_DROP_ICMP_TYPE);
    for (unsigned type = 133; type <= 137; type++) {
        p = solicitation();
        icmp_of(&p)[0] = (uint8_t)type;
        assert_int_equal(nd_drop_fixed(&p),
                         type == 135 || type == 136 ? WGT_OK : WGT_DROP_ICMP_TYPE);
    }
}

static void
rfc4291_2_7_1_solicited_node_address(void **state)
{
    /* the example of the clause: 4037::01:800:200e:8c6c -> ff02::1:ff0e:8c6c */
    static const uint8_t target[16] = {0x40, 0x37, [9] = 0x01, 0x08, 0x00, 0x20, 0x0e, 0x8c, 0x6c};
    static const uint8_t group[16] = {0xff, 0x02, [11] = 0x01, 0xff, 0x0e, 0x8c, 0x6c};
    struct ip_addr a = ip_addr_v6(target), expect = ip_addr_v6(group);
    struct ip_addr got = nd_solicited_node(&a);

    (void)state;
    assert_true(ip_addr_equal(&got, &expect));
}

static void
rfc2464_7_multicast_mapping(void **state)
{
    static const uint8_t group[16] = {0xff, 0x02, [11] = 0x01, 0xff, 0x0e, 0x8c, 0x6c};
    static const struct eth_addr expect = {{0x33, 0x33, 0xff, 0x0e, 0x8c, 0x6c}};
    struct ip_addr a = ip_addr_v6(group);
    struct eth_addr got = eth_addr_of_multicast(&a);

    (void)state;
    assert_memory_equal(&got, &expect, sizeof(got));
    assert_true(eth_addr_is_group(&got));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc792_echo_is_answered),
        cmocka_unit_test(rfc4443_4_2_echo_is_answered),
        cmocka_unit_test(echo_of_zeros_is_answered),
        cmocka_unit_test(echo_with_the_wrong_checksum),
        cmocka_unit_test(echo_shorter_than_its_header_is_malformed),
        cmocka_unit_test(echo_with_a_code_is_malformed),
        cmocka_unit_test(only_echo_requests_are_answered),
        cmocka_unit_test(echo_of_the_other_ip_version_is_not_answered),
        cmocka_unit_test(rfc1122_3_2_2_6_echo_to_a_group_is_not_answered),
        cmocka_unit_test(echo_from_nobody_is_not_answered),
        cmocka_unit_test(echo_reply_carries_no_ipv4_options),
        cmocka_unit_test(echo_behind_ipv6_options_is_answered),
        cmocka_unit_test(rfc4861_4_3_solicitation_bytes),
        cmocka_unit_test(rfc4861_4_3_solicitation_is_read),
        cmocka_unit_test(rfc4861_4_4_advertisement_flags),
        cmocka_unit_test(rfc4861_7_1_hop_limit_must_be_255),
        cmocka_unit_test(rfc4861_7_1_checksum),
        cmocka_unit_test(rfc4861_7_1_code_must_be_0),
        cmocka_unit_test(rfc4861_7_1_length_at_least_24),
        cmocka_unit_test(rfc4861_7_1_target_must_not_be_multicast),
        cmocka_unit_test(rfc4861_7_1_option_of_length_zero),
        cmocka_unit_test(nd_option_beyond_the_message),
        cmocka_unit_test(rfc4861_4_6_unknown_options_are_skipped),
        cmocka_unit_test(rfc4861_4_3_4_4_other_messages_option_is_not_this_ones),
        cmocka_unit_test(nd_without_options),
        cmocka_unit_test(rfc4861_4_6_1_link_addr_of_another_length),
        cmocka_unit_test(nd_link_addr_must_not_be_a_group),
        cmocka_unit_test(rfc4861_7_1_1_duplicate_address_detection),
        cmocka_unit_test(rfc4861_7_1_2_solicited_advertisement_to_a_group),
        cmocka_unit_test(other_icmp_is_no_neighbour_discovery),
        cmocka_unit_test(rfc4291_2_7_1_solicited_node_address),
        cmocka_unit_test(rfc2464_7_multicast_mapping),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
