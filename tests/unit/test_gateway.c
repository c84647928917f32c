/* SPDX-License-Identifier: BSD-3-Clause */
/* The gateway's decisions: what goes to the link, into the tunnel, to itself, and what is refused.
 * The tunnel is a real one without peers: what enters it is counted as NO_PEER. Frames to the link
 * are looked at before they would leave. */
#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <rte_ring_elem.h>

#include <wgtcpd/control/config.h>
#include <wgtcpd/dataplane/gateway.h>
#include <wgtcpd/wire/arp.h>
#include <wgtcpd/wire/checksum.h>

#include "eal_rig.h"

enum { POOL = 1023, TUNNEL_MTU = 1392, LINK_MTU = 1300 };

static struct rte_mempool *pool;
static struct tunnel tunnel;
static struct eth_link lan;
static struct gateway g;
static struct allowedips ips;
static struct tunnel_peer other; /* of the allowed IPs, and not yet of the tunnel */
static wgt_time now;

static const struct eth_addr our_eth = {{2, 0, 0, 0, 0, 1}};
static const struct eth_addr host_eth = {{2, 0, 0, 0, 0, 4}};
static const struct eth_addr to_all = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

static struct ip_addr
addr(const char *text)
{
    struct ip_addr a;

    assert_true(ip_addr_parse(&a, text));
    return a;
}

static struct ip_prefix
prefix(const char *text)
{
    struct ip_prefix p;

    assert_true(ip_prefix_parse(&p, text));
    return p;
}

static void
entropy(void *ctx, void *buf, size_t len)
{
    (void)ctx;
    memset(buf, 0x42, len);
}

static void
no_tx(void *ctx, struct rte_mbuf *m)
{
    (void)ctx;
    rte_pktmbuf_free(m);
    fail_msg("a tunnel without peers sends nothing outside");
}

static void
from_tunnel(void *ctx, struct rte_mbuf *m, const struct inner_packet *inner)
{
    (void)ctx;
    gateway_rx_tunnel(&g, now, m, inner);
}

static void
tunnel_gives(struct rte_mbuf *m)
{
    struct inner_packet inner;

    assert_int_equal(inner_parse(rte_pktmbuf_mtod(m, const uint8_t *), m->pkt_len, &inner), WGT_OK);
    from_tunnel(NULL, m, &inner);
}

static void
start_tunnel(struct rte_ring *events, struct rte_ring *commands)
{
    struct outer outer = {.tx = no_tx, .entropy = entropy, .pool = pool, .mtu = 1500};
    struct tunnel_config config = {.name = "gw",
                                   .listen_port = 51820,
                                   .mtu = TUNNEL_MTU,
                                   .max_message = 2048,
                                   .max_peers = 4,
                                   .max_flows = 4};

    assert_int_equal(
        tunnel_init(&tunnel, now, &config, &outer, from_tunnel, &ips, events, commands), 0);
}

static void
start_link(void)
{
    struct ip_prefix locals[] = {prefix("10.1.0.1/24"), prefix("fd01::1/64")};
    struct ip_prefix behind = prefix("10.2.0.0/24");
    struct ip_addr router = addr("10.1.0.4"), gateway = addr("10.1.0.4");

    lan = (struct eth_link){.port = {.mtu = LINK_MTU, .eth = our_eth}};
    addresses_init(&lan.addresses);
    addresses_add_local(&lan.addresses, &locals[0]);
    addresses_add_local(&lan.addresses, &locals[1]);
    addresses_add_route(&lan.addresses, &behind, &router);
    addresses_add_gateway(&lan.addresses, &gateway);
    assert_int_equal(eth_link_init(&lan, "lan", pool, &tunnel.drops, true), 0);
}

static void
hear_host(const char *host)
{
    struct arp_packet a = {.operation = ARP_REQUEST,
                           .sender_eth = host_eth,
                           .sender = addr(host),
                           .target = addr("10.1.0.1")};
    struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

    arp_write((uint8_t *)rte_pktmbuf_append(m, ARP_LEN), &a);
    neighbours_rx_arp(&lan.neighbours, now, m);
}

static void
forget_frames(void)
{
    rte_pktmbuf_free_bulk(lan.tx_frames, lan.n_tx);
    lan.n_tx = 0;
}

static struct rte_ring *events, *commands;

static int
set_up(void **state)
{
    struct ip_prefix others[] = {prefix("10.9.0.3/32"), prefix("10.2.0.7/32")};

    (void)state;
    now = WGT_SEC;
    allowedips_init(&ips);
    memset(&other, 0, sizeof(other));
    assert_int_equal(allowedips_insert(&ips, &others[0], &other), 0);
    assert_int_equal(allowedips_insert(&ips, &others[1], &other), 0);
    events = rte_ring_create_elem("e", sizeof(struct tunnel_event), 64, SOCKET_ID_ANY, 0);
    commands = rte_ring_create_elem("c", sizeof(struct tunnel_command), 64, SOCKET_ID_ANY, 0);
    start_tunnel(events, commands);
    start_link();
    g = (struct gateway){.link = &lan,
                         .tunnel = &tunnel,
                         .pool = pool,
                         .locals = {prefix("10.9.0.1/24"), prefix("fd09::1/64")},
                         .n_locals = 2};
    gateway_init(&g);
    hear_host("10.1.0.4");
    forget_frames();
    return 0;
}

/* Every test ends with every packet back in the pool. */
static int
tear_down(void **state)
{
    (void)state;
    forget_frames();
    gateway_fini(&g);
    eth_link_fini(&lan);
    tunnel_fini(&tunnel);
    rte_ring_free(events);
    rte_ring_free(commands);
    allowedips_destroy(&ips);
    assert_int_equal(rte_mempool_avail_count(pool), POOL);
    return 0;
}

/* --- packets in --- */

static struct ip_header
header(const char *src, const char *dst)
{
    struct ip_header h = {.src = addr(src),
                          .dst = addr(dst),
                          .protocol = IP_PROTO_UDP,
                          .ttl = 64,
                          .payload_len = 100};

    return h;
}

static struct rte_mbuf *
packet(const struct ip_header *h)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
    size_t len = ip_header_len(&h->dst) + h->payload_len;
    uint8_t *p = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)len);

    assert(p != NULL);
    memset(p, 0x11, len);
    ip_write(p, h);
    return m;
}

static struct rte_mbuf *
echo_request(const char *src, const char *dst)
{
    struct ip_header h = header(src, dst);
    bool v4 = h.dst.family == IP_V4;
    struct rte_mbuf *m;
    uint8_t *icmp;

    h.protocol = v4 ? IP_PROTO_ICMP : IP_PROTO_ICMPV6;
    m = packet(&h);
    icmp = rte_pktmbuf_mtod_offset(m, uint8_t *, ip_header_len(&h.dst));
    icmp[0] = v4 ? ICMP_ECHO_REQUEST : ICMPV6_ECHO_REQUEST;
    icmp[1] = icmp[2] = icmp[3] = 0;
    put_be16(icmp + 2, v4 ? checksum_finish(checksum_add(0, icmp, 100))
                          : checksum_transport(&h.src, &h.dst, IP_PROTO_ICMPV6, icmp, 100));
    return m;
}

static void
link_gets(struct rte_mbuf *m, const struct eth_addr *to)
{
    bool v4 = ip_is_v4(rte_pktmbuf_mtod(m, uint8_t *));
    struct eth_header eth = {.dst = *to, .src = host_eth, .type = v4 ? ETH_IPV4 : ETH_IPV6};

    eth_write((uint8_t *)rte_pktmbuf_prepend(m, ETH_HEADER_LEN), &eth);
    gateway_rx_link(&g, now, m);
    tunnel_rx_inner_end(&tunnel, now);
}

static void
from_link(const char *src, const char *dst)
{
    struct ip_header h = header(src, dst);

    link_gets(packet(&h), &our_eth);
}

static void
from_peer(const char *src, const char *dst)
{
    struct ip_header h = header(src, dst);

    tunnel_gives(packet(&h));
}

/* --- what came of it --- */

static uint64_t
entered_tunnel(void)
{
    return tunnel.drops.n[WGT_DROP_NO_PEER];
}

/* The IP packet of frame i; its checksum is right. */
static uint8_t *
on_link(unsigned i, struct ip_header *ip)
{
    uint8_t *p;

    assert_true(i < lan.n_tx);
    p = rte_pktmbuf_mtod_offset(lan.tx_frames[i], uint8_t *, ETH_HEADER_LEN);
    assert_int_equal(ip_parse(p, rte_pktmbuf_data_len(lan.tx_frames[i]) - ETH_HEADER_LEN, true, ip),
                     WGT_OK);
    return p;
}

/* The packet that is to go back into the tunnel. */
static uint8_t *
turned(struct ip_header *ip)
{
    uint8_t *p;

    assert_int_equal(g.turned.count, 1);
    p = rte_pktmbuf_mtod(g.turned.head, uint8_t *);
    assert_int_equal(ip_parse(p, rte_pktmbuf_data_len(g.turned.head), true, ip), WGT_OK);
    return p;
}

static void
assert_from(const struct ip_header *ip, const char *src, const char *dst)
{
    struct ip_addr s = addr(src), d = addr(dst);

    assert_true(ip_addr_equal(&ip->src, &s));
    assert_true(ip_addr_equal(&ip->dst, &d));
}

/* --- tests --- */

static void
a_packet_from_the_link_goes_into_the_tunnel(void **state)
{
    (void)state;
    from_link("10.1.0.4", "10.9.0.2");
    from_link("fd01::4", "fd09::2");
    assert_int_equal(entered_tunnel(), 2);
    assert_int_equal(g.rx, 2);
}

static void
a_packet_from_the_tunnel_goes_to_its_network_with_one_hop_less(void **state)
{
    struct ip_header ip;

    (void)state;
    from_peer("10.9.0.2", "10.1.0.4");
    on_link(0, &ip);
    assert_int_equal(ip.ttl, 63);
    assert_from(&ip, "10.9.0.2", "10.1.0.4");
}

static void
routes_come_before_peers_and_peers_before_the_default_gateway(void **state)
{
    struct ip_header ip;

    (void)state;
    from_peer("10.9.0.2", "10.2.0.7"); /* by the Route, though a peer has it */
    on_link(0, &ip);
    from_peer("10.9.0.2", "10.9.0.3"); /* another peer's */
    turned(&ip);
    assert_from(&ip, "10.9.0.2", "10.9.0.3");
    from_peer("10.9.0.2", "198.51.100.1"); /* nobody's: the Gateway */
    assert_int_equal(lan.n_tx, 2);
    assert_int_equal(gateway_run(&g, now), 1);
    assert_int_equal(g.turned.count, 0);
}

static void
without_a_route_the_peer_is_told(void **state)
{
    struct ip_header ip;
    uint8_t *p;

    (void)state;
    from_peer("fd09::2", "fd77::1");
    p = turned(&ip);
    assert_from(&ip, "fd09::1", "fd09::2");
    assert_int_equal(p[40], ICMPV6_UNREACHABLE);
    assert_int_equal(p[41], 0);
    assert_int_equal(tunnel.drops.n[WGT_DROP_INNER_NO_ROUTE], 1);
}

static void
rfc1812_5_3_1_who_sent_too_few_hops_is_told_from_the_side_it_is_on(void **state)
{
    struct ip_header h = header("10.1.0.4", "10.9.0.2"), ip;
    uint8_t *p;

    (void)state;
    h.ttl = 1;
    link_gets(packet(&h), &our_eth);
    p = on_link(0, &ip);
    assert_from(&ip, "10.1.0.1", "10.1.0.4");
    assert_int_equal(p[20], 11);
    h = header("10.9.0.2", "10.1.0.4");
    h.ttl = 1;
    tunnel_gives(packet(&h));
    p = turned(&ip);
    assert_from(&ip, "10.9.0.1", "10.9.0.2");
    assert_int_equal(p[20], 11);
    assert_int_equal(tunnel.drops.n[WGT_DROP_IP_TTL], 2);
}

static void
rfc1812_4_3_2_8_errors_are_limited(void **state)
{
    struct ip_header h = header("10.9.0.2", "10.1.0.4");

    (void)state;
    h.ttl = 1;
    for (unsigned i = 0; i < 200; i++)
        tunnel_gives(packet(&h));
    assert_in_range(g.turned.count, 10, 60);
    assert_int_equal(tunnel.drops.n[WGT_DROP_IP_TTL], 200);
}

static void
echo_is_answered_on_every_address_from_both_sides(void **state)
{
    struct ip_header ip;

    (void)state;
    link_gets(echo_request("10.1.0.4", "10.1.0.1"), &our_eth);
    on_link(0, &ip);
    assert_from(&ip, "10.1.0.1", "10.1.0.4");
    link_gets(echo_request("10.1.0.4", "10.9.0.1"), &our_eth);
    on_link(1, &ip);
    assert_from(&ip, "10.9.0.1", "10.1.0.4");
    tunnel_gives(echo_request("10.9.0.2", "10.1.0.1"));
    turned(&ip);
    assert_from(&ip, "10.1.0.1", "10.9.0.2");
    gateway_run(&g, now);
    tunnel_gives(echo_request("fd09::2", "fd09::1"));
    turned(&ip);
    assert_from(&ip, "fd09::1", "fd09::2");
}

static void
what_is_for_us_and_no_echo_is_dropped(void **state)
{
    (void)state;
    from_link("10.1.0.4", "10.1.0.1");
    from_peer("10.9.0.2", "10.9.0.1");
    assert_int_equal(tunnel.drops.n[WGT_DROP_IP_PROTOCOL], 2);
    assert_int_equal(entered_tunnel() + lan.n_tx + g.turned.count, 0);
}

static void
rfc1812_5_3_4_what_came_to_all_is_not_forwarded(void **state)
{
    struct ip_header h = header("10.1.0.4", "10.9.0.2");

    (void)state;
    link_gets(packet(&h), &to_all);
    from_link("10.1.0.4", "255.255.255.255");
    from_link("10.1.0.4", "239.1.1.1");
    from_link("fe80::4", "fd09::2");
    assert_int_equal(tunnel.drops.n[WGT_DROP_IP_SCOPE], 4);
    from_link("fd01::4", "ff05::1");
    assert_int_equal(entered_tunnel() + lan.n_tx, 0);
}

static void
what_the_tunnel_refuses_is_told_from_the_links_address(void **state)
{
    struct ip_header ip;

    (void)state;
    from_link("10.1.0.4", "10.9.0.2");
    assert_int_equal(on_link(0, &ip)[20], 3);
    assert_from(&ip, "10.1.0.1", "10.1.0.4");
    assert_int_equal(entered_tunnel(), 1);
}

static void
our_own_address_is_no_source(void **state)
{
    (void)state;
    from_link("10.1.0.1", "10.9.0.2");
    from_link("10.9.0.1", "10.9.0.2");
    assert_int_equal(tunnel.drops.n[WGT_DROP_IP_SOURCE], 2);
    assert_int_equal(entered_tunnel(), 0);
}

static void
what_the_link_is_too_narrow_for_is_cut_or_refused(void **state)
{
    struct ip_header h = header("10.9.0.2", "10.1.0.4"), ip;
    uint8_t *p;

    (void)state;
    h.payload_len = LINK_MTU - 19;
    h.dont_fragment = true;
    tunnel_gives(packet(&h));
    p = turned(&ip);
    assert_from(&ip, "10.9.0.1", "10.9.0.2");
    assert_int_equal(get_be16(p + 20), 0x0304);
    assert_int_equal(get_be16(p + 26), LINK_MTU);
    assert_int_equal(lan.n_tx, 0);
    h.dont_fragment = false;
    tunnel_gives(packet(&h));
    assert_int_equal(lan.n_tx, 2);
    for (unsigned i = 0; i < 2; i++)
        assert_true(rte_pktmbuf_pkt_len(lan.tx_frames[i]) <= LINK_MTU + ETH_HEADER_LEN);
}

static void
what_the_tunnel_is_too_narrow_for_is_cut_when_its_sender_lets_us(void **state)
{
    struct ip_header h = header("10.1.0.4", "10.9.0.2");

    (void)state;
    h.payload_len = TUNNEL_MTU - 19;
    link_gets(packet(&h), &our_eth);
    assert_int_equal(entered_tunnel(), 2);
    h.payload_len = TUNNEL_MTU - 20;
    link_gets(packet(&h), &our_eth);
    assert_int_equal(entered_tunnel(), 3);
    h.payload_len = TUNNEL_MTU - 19;
    h.dont_fragment = true; /* the tunnel's to refuse, by the peer's path */
    link_gets(packet(&h), &our_eth);
    assert_int_equal(entered_tunnel(), 4);
}

static void
a_host_that_does_not_answer_is_told_of(void **state)
{
    struct ip_header ip;
    uint8_t *p;

    (void)state;
    from_peer("10.9.0.2", "10.1.0.99");
    for (unsigned i = 0; i < 4; i++) {
        now += NEIGHBOUR_RETRY;
        neighbours_run(&lan.neighbours, now);
    }
    p = turned(&ip);
    assert_from(&ip, "10.9.0.1", "10.9.0.2");
    assert_int_equal(get_be16(p + 20), 0x0301);
    assert_int_equal(tunnel.drops.n[WGT_DROP_NEIGHBOUR_UNRESOLVED], 1);
}

static void
garbage_is_counted(void **state)
{
    struct ip_header h = header("10.1.0.4", "10.9.0.2");
    struct rte_mbuf *m = packet(&h);

    (void)state;
    rte_pktmbuf_trim(m, 1);
    link_gets(m, &our_eth);
    assert_int_equal(tunnel.drops.n[WGT_DROP_INNER_LENGTH], 1);
    m = packet(&h);
    rte_pktmbuf_mtod(m, uint8_t *)[10] ^= 1;
    link_gets(m, &our_eth);
    assert_int_equal(tunnel.drops.n[WGT_DROP_IP_CHECKSUM], 1);
    m = packet(&h);
    link_gets(m, &host_eth);
    assert_int_equal(tunnel.drops.n[WGT_DROP_ETH_NOT_FOR_US], 1);
    assert_int_equal(entered_tunnel(), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        T(a_packet_from_the_link_goes_into_the_tunnel),
        T(a_packet_from_the_tunnel_goes_to_its_network_with_one_hop_less),
        T(routes_come_before_peers_and_peers_before_the_default_gateway),
        T(without_a_route_the_peer_is_told),
        T(rfc1812_5_3_1_who_sent_too_few_hops_is_told_from_the_side_it_is_on),
        T(rfc1812_4_3_2_8_errors_are_limited),
        T(echo_is_answered_on_every_address_from_both_sides),
        T(what_is_for_us_and_no_echo_is_dropped),
        T(rfc1812_5_3_4_what_came_to_all_is_not_forwarded),
        T(what_the_tunnel_refuses_is_told_from_the_links_address),
        T(our_own_address_is_no_source),
        T(what_the_link_is_too_narrow_for_is_cut_or_refused),
        T(what_the_tunnel_is_too_narrow_for_is_cut_when_its_sender_lets_us),
        T(a_host_that_does_not_answer_is_told_of),
        T(garbage_is_counted),
#undef T
    };

    pool = eal_rig_start("test_gateway", "192", POOL, 2048 + 128);
    if (pool == NULL)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
