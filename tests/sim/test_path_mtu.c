/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What routers say of datagrams that are too big (RFC 1191, RFC 8201), and what is believed of it.
 * Node 0 dials node 1 over UDP, one way takes 10 ms.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <wgtcpd/wire/udp.h>

#include "scenario.h"

enum { OUTER_V6 = IPV6_HEADER_LEN + UDP_HEADER_LEN + MESSAGE_DATA_OVERHEAD };
enum { OUTER_V4 = IPV4_HEADER_LEN + UDP_HEADER_LEN + MESSAGE_DATA_OVERHEAD };

static struct sim_config
over_udp(uint8_t family, wgt_time duration)
{
    struct sim_config c = scenario(301, TRANSPORT_UDP);

    c.duration = duration;
    c.shared.family = family;
    c.shared.mtu = 1420;
    steady(&c, 0);
    return c;
}

static uint64_t
dropped(enum wgt_drop why)
{
    return world.node[0].tunnel.drops.n[why];
}

static const struct tunnel_peer *
peer(void)
{
    return world.node[0].peer;
}

/* Whether node 0 would send an inner packet of this length, which may not be cut. Nobody may be
 * told otherwise, nor take it: it comes from a loopback address. */
static bool
passes(size_t len)
{
    struct ip_header ip = {.src = ip_addr_v4((uint8_t[4]){127, 0, 0, 1}),
                           .dst = traffic_address(1, IP_V4),
                           .protocol = IP_PROTO_UDP,
                           .ttl = 64,
                           .dont_fragment = true,
                           .payload_len = (uint32_t)(len - IPV4_HEADER_LEN)};
    uint8_t packet[TRAFFIC_PACKET_MAX] = {0};
    uint64_t before = dropped(WGT_DROP_INNER_TOO_BIG);

    ip_write(packet, &ip);
    node_rx_inner(&world.node[0], world.now, packet, len);
    node_settle(&world.node[0], world.now);
    return dropped(WGT_DROP_INNER_TOO_BIG) == before;
}

/* A router's word about the largest datagram of node 0's session. */
static struct icmp_error
word(uint32_t mtu)
{
    const struct path *p = &peer()->path.path;

    return (struct icmp_error){.kind = ICMP_ERROR_TOO_BIG,
                               .protocol = IP_PROTO_UDP,
                               .mtu = mtu,
                               .src = p->local,
                               .dst = p->remote,
                               .packet_len = 1500,
                               .receiver = peer()->session.current->remote_index};
}

static void
say(const struct icmp_error *e)
{
    const struct node *n = &world.node[0];

    tunnel_rx_icmp_error(&world.node[0].tunnel, world.now + n->clock_offset, e);
}

/* --- the path ----------------------------------------------------------------------------------
 */

/* From 10 s on the path takes 1300 bytes. IPv4 datagrams may be cut, of which routers say nothing.
 */
static void
rfc8201_4_a_routers_word_makes_inner_packets_smaller(void **state)
{
    struct sim_config c = over_udp(IP_V6, 40 * S);
    uint64_t before;

    (void)state;
    c.bulks[0] = (struct inner_tcp_config){
        .from = 2 * S, .until = c.duration - 2 * S, .family = IP_V4, .cc = INNER_CUBIC};
    fault(&c, 10 * S, WGT_NEVER - 1, (struct network_impairment){.mtu = 1300});
    begin(&c);
    run_to(12 * S);
    assert_true(world.network.stats.too_big > 0);
    assert_int_equal(peer()->path_mtu.mtu, 1300);
    assert_int_equal(peer()->stats.path_mtu_lowered, 1);
    assert_true(world.bulk[0].too_big > 0); /* its sender was told */
    assert_true(passes(1300 - OUTER_V6));
    assert_false(passes(1301 - OUTER_V6));
    before = inner_tcp_received(&world.bulk[0]);
    run_to(38 * S);
    assert_true(inner_tcp_received(&world.bulk[0]) - before > 1000000);
    finish();
}

static void
rfc8201_4_larger_packets_are_tried_again_after_ten_minutes(void **state)
{
    struct sim_config c = over_udp(IP_V6, 640 * S);
    struct icmp_error e;

    (void)state;
    begin(&c);
    run_to(10 * S);
    e = word(1300);
    say(&e);
    assert_false(passes(1420));
    run_to(609 * S);
    assert_false(passes(1420));
    run_to(611 * S);
    assert_true(passes(1420));
    finish();
}

static void
the_smallest_word_counts_and_is_no_smaller_than_paths_are(void **state)
{
    static const struct {
        uint8_t family;
        uint32_t first, then;
        size_t inner;
    } cases[] = {
        {IP_V6, 1400, 1280, 1280 - OUTER_V6},
        {IP_V6, 1280, 1400, 1280 - OUTER_V6},
        {IP_V6, 1279, 1279, 1420},
        {IP_V6, 68, 0, 1420},
        {IP_V4, 1400, 1006, 1006 - OUTER_V4},
        {IP_V4, 68, 0, 576}, /* of the inner side */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sim_config c = over_udp(cases[i].family, 10 * S);
        struct icmp_error e;

        begin(&c);
        run_to(5 * S);
        e = word(cases[i].first);
        say(&e);
        e = word(cases[i].then);
        say(&e);
        assert_true(passes(cases[i].inner));
        assert_false(passes(cases[i].inner + 1) && cases[i].inner < 1420);
        finish();
    }
}

/* Who has roamed takes another way. */
static void
a_word_is_about_one_endpoint(void **state)
{
    struct sim_config c = over_udp(IP_V6, 10 * S);
    struct icmp_error e;

    (void)state;
    begin(&c);
    run_to(5 * S);
    e = word(1300);
    say(&e);
    assert_false(passes(1420));
    world.node[0].peer->path.path.remote.port++;
    assert_true(passes(1420));
    world.node[0].peer->path.path.remote.port--;
    assert_false(passes(1420));
    finish();
}

/* --- attackers -----------------------------------------------------------------------------------
 */

/* RFC 5927 4.1: who has not seen our datagrams does not know what to quote. */
static void
rfc5927_4_1_what_does_not_fit_our_datagrams_is_not_believed(void **state)
{
    struct sim_config c = over_udp(IP_V6, 10 * S);
    struct icmp_error good, e;
    uint64_t quote, mtu;

    (void)state;
    begin(&c);
    run_to(5 * S);
    good = word(1300);
    quote = dropped(WGT_DROP_ICMP_QUOTE);
    mtu = dropped(WGT_DROP_ICMP_MTU);
#define REFUSED(change, counter)                                                                   \
    e = good;                                                                                      \
    e.change;                                                                                      \
    say(&e);                                                                                       \
    assert_int_equal(dropped(counter), ++*(counter == WGT_DROP_ICMP_QUOTE ? &quote : &mtu));       \
    assert_true(passes(1420))
    REFUSED(receiver ^= 1, WGT_DROP_ICMP_QUOTE);
    REFUSED(receiver = peer()->session.current->local_index, WGT_DROP_ICMP_QUOTE);
    REFUSED(src.port++, WGT_DROP_ICMP_QUOTE);
    REFUSED(dst.port++, WGT_DROP_ICMP_QUOTE);
    REFUSED(dst.addr.bytes[15]++, WGT_DROP_ICMP_QUOTE);
    REFUSED(packet_len = 1300, WGT_DROP_ICMP_MTU);
    REFUSED(mtu = 1500, WGT_DROP_ICMP_MTU);
    REFUSED(mtu = UINT32_MAX, WGT_DROP_ICMP_MTU);
#undef REFUSED
    e = good;
    e.kind = ICMP_ERROR_UNREACHABLE;
    say(&e);
    assert_true(passes(1420));
    say(&good);
    assert_false(passes(1420));
    finish();
}

static void
words_are_few(void **state)
{
    struct sim_config c = over_udp(IP_V6, 10 * S);
    struct icmp_error e;

    (void)state;
    begin(&c);
    run_to(5 * S);
    e = word(1300);
    e.receiver ^= 1;
    for (unsigned i = 0; i < 1000; i++)
        say(&e);
    assert_in_range(dropped(WGT_DROP_ICMP_RATE), 900, 990);
    e = word(1300);
    say(&e);
    assert_true(passes(1420));
    run_to(5 * S + 100 * MS);
    e = word(1300);
    say(&e);
    assert_false(passes(1420));
    finish();
}

int
main(void)
{
#define T(name) cmocka_unit_test_teardown(name, clean_up)
    const struct CMUnitTest tests[] = {
        T(rfc8201_4_a_routers_word_makes_inner_packets_smaller),
        T(rfc8201_4_larger_packets_are_tried_again_after_ten_minutes),
        T(the_smallest_word_counts_and_is_no_smaller_than_paths_are),
        T(a_word_is_about_one_endpoint),
        T(rfc5927_4_1_what_does_not_fit_our_datagrams_is_not_believed),
        T(words_are_few),
    };

    return cmocka_run_group_tests(tests, sim_group_setup, sim_group_teardown);
}
