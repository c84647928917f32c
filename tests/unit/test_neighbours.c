/* SPDX-License-Identifier: BSD-3-Clause */
/* Next hops, ARP and ND of a port, in virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wgtcpd/dataplane/neighbours.h>
#include <wgtcpd/wire/arp.h>

#include "eal_rig.h"

enum { FRAMES_MAX = 256, POOL = 511 };

static struct rte_mempool *pool;
static struct addresses addresses;
static struct neighbours n;
static struct wgt_drop_counters drops;
static struct rte_mbuf *frames[FRAMES_MAX];
static unsigned n_frames;

static const struct eth_addr our_eth = {{2, 0, 0, 0, 0, 1}};
static const struct eth_addr peer_eth = {{2, 0, 0, 0, 0, 9}};
static const struct eth_addr other_eth = {{2, 0, 0, 0, 0, 10}};

static struct ip_addr
v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    return ip_addr_v4((uint8_t[4]){a, b, c, d});
}

static struct ip_addr
v6(uint8_t net, uint8_t host)
{
    uint8_t bytes[16] = {0x20, 0x01, 0x0d, 0xb8, [7] = net, [15] = host};

    return ip_addr_v6(bytes);
}

static void
catch_frame(void *ctx, struct rte_mbuf *m)
{
    (void)ctx;
    assert_true(n_frames < FRAMES_MAX);
    frames[n_frames++] = m;
}

static void
forget_frames(void)
{
    for (unsigned i = 0; i < n_frames; i++)
        rte_pktmbuf_free(frames[i]);
    n_frames = 0;
}

static void
set_addresses(uint8_t len_v4)
{
    struct ip_addr gateways[] = {v4(192, 0, 2, 254), v6(0, 254)};

    addresses_init(&addresses);
    addresses_add_local(&addresses, &(struct ip_prefix){v4(192, 0, 2, 1), len_v4});
    addresses_add_local(&addresses, &(struct ip_prefix){v6(0, 1), 64});
    addresses_add_gateway(&addresses, &gateways[0]);
    addresses_add_gateway(&addresses, &gateways[1]);
}

static int
set_up(void **state)
{
    (void)state;
    memset(&drops, 0, sizeof(drops));
    set_addresses(24);
    n = (struct neighbours){
        .addresses = &addresses,
        .pool = pool,
        .eth = our_eth,
        .drops = &drops,
        .tx = catch_frame,
    };
    return neighbours_init(&n, "nb");
}

/* Every test ends with every packet back in the pool. */
static int
tear_down(void **state)
{
    (void)state;
    forget_frames();
    neighbours_fini(&n);
    assert_int_equal(rte_mempool_avail_count(pool), POOL);
    return 0;
}

static void
send_to(wgt_time now, struct ip_addr dst, uint8_t mark)
{
    struct ip_header h = {.src = addresses.locals[dst.family == IP_V4 ? 0 : 1].addr,
                          .dst = dst,
                          .protocol = IP_PROTO_UDP,
                          .ttl = 64,
                          .payload_len = 1};
    struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
    size_t len = ip_header_len(&dst);

    rte_pktmbuf_append(m, (uint16_t)(len + 1));
    ip_write(rte_pktmbuf_mtod(m, uint8_t *), &h);
    *rte_pktmbuf_mtod_offset(m, uint8_t *, len) = mark;
    neighbours_send(&n, now, m);
}

static struct eth_header
frame_header(unsigned i)
{
    struct eth_header h;

    assert_true(i < n_frames);
    assert_int_equal(
        eth_parse(rte_pktmbuf_mtod(frames[i], uint8_t *), rte_pktmbuf_data_len(frames[i]), &h),
        WGT_OK);
    assert_memory_equal(&h.src, &our_eth, 6);
    return h;
}

static void
assert_frame_to(unsigned i, const struct eth_addr *eth)
{
    struct eth_header h = frame_header(i);

    assert_memory_equal(&h.dst, eth, ETH_ADDR_LEN);
}

static struct arp_packet
frame_arp(unsigned i)
{
    struct arp_packet a;

    assert_int_equal(frame_header(i).type, ETH_ARP);
    assert_int_equal(arp_parse(rte_pktmbuf_mtod_offset(frames[i], uint8_t *, ETH_HEADER_LEN),
                               rte_pktmbuf_data_len(frames[i]) - ETH_HEADER_LEN, &a),
                     WGT_OK);
    return a;
}

static struct nd_message
frame_nd(unsigned i, struct ip_header *ip)
{
    const uint8_t *packet = rte_pktmbuf_mtod_offset(frames[i], const uint8_t *, ETH_HEADER_LEN);
    struct nd_message nd;

    assert_int_equal(frame_header(i).type, ETH_IPV6);
    assert_int_equal(ip_parse(packet, rte_pktmbuf_data_len(frames[i]) - ETH_HEADER_LEN, true, ip),
                     WGT_OK);
    assert_int_equal(nd_parse(packet, ip, &nd), WGT_OK);
    return nd;
}

static uint8_t
frame_mark(unsigned i)
{
    return *rte_pktmbuf_mtod_offset(frames[i], uint8_t *, rte_pktmbuf_data_len(frames[i]) - 1);
}

static void
hear_arp(wgt_time now, enum arp_operation op, struct ip_addr sender, struct eth_addr eth,
         struct ip_addr target)
{
    struct arp_packet a = {
        .operation = (uint16_t)op, .sender_eth = eth, .sender = sender, .target = target};
    struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

    arp_write((uint8_t *)rte_pktmbuf_append(m, ARP_LEN), &a);
    neighbours_rx_arp(&n, now, m);
}

static void
hear_nd(wgt_time now, uint8_t type, struct ip_addr src, struct ip_addr dst, struct ip_addr target,
        struct eth_addr eth)
{
    struct nd_message nd = {
        .type = type, .target = target, .has_link_addr = true, .link_addr = eth};
    struct ip_header ip = {.src = src, .dst = dst};

    neighbours_rx_nd(&n, now, &ip, &nd, rte_pktmbuf_alloc(pool));
}

static void
packet_waits_for_arp_and_leaves_with_the_answer(void **state)
{
    (void)state;
    send_to(0, v4(192, 0, 2, 9), 1);
    send_to(0, v4(192, 0, 2, 9), 2);
    assert_int_equal(n_frames, 1); /* one question for both */
    struct arp_packet a = frame_arp(0);
    struct ip_addr target = v4(192, 0, 2, 9);

    assert_int_equal(a.operation, ARP_REQUEST);
    assert_true(ip_addr_equal(&a.target, &target));
    assert_true(ip_addr_equal(&a.sender, &addresses.locals[0].addr));
    hear_arp(1, ARP_REPLY, target, peer_eth, addresses.locals[0].addr);
    assert_int_equal(n_frames, 3);
    assert_int_equal(frame_mark(1), 1); /* in order */
    assert_int_equal(frame_mark(2), 2);
    assert_frame_to(1, &peer_eth);
    send_to(2, target, 3);
    assert_int_equal(n_frames, 4);
    assert_int_equal(frame_header(3).type, ETH_IPV4);
}

static void
packet_waits_for_nd_and_leaves_with_the_answer(void **state)
{
    struct ip_addr target = v6(0, 9), group = nd_solicited_node(&target);
    struct eth_addr group_eth = eth_addr_of_multicast(&group);
    struct ip_header ip;

    (void)state;
    send_to(0, target, 1);
    assert_int_equal(n_frames, 1);
    struct nd_message nd = frame_nd(0, &ip);

    assert_int_equal(nd.type, ICMPV6_NEIGHBOUR_SOLICITATION);
    assert_true(ip_addr_equal(&nd.target, &target));
    assert_true(ip_addr_equal(&ip.dst, &group));
    assert_frame_to(0, &group_eth);
    assert_true(nd.has_link_addr);
    hear_nd(1, ICMPV6_NEIGHBOUR_ADVERTISEMENT, target, addresses.locals[1].addr, target, peer_eth);
    assert_int_equal(n_frames, 2);
    assert_frame_to(1, &peer_eth);
    assert_int_equal(frame_header(1).type, ETH_IPV6);
}

static void
off_link_destination_goes_to_the_gateway(void **state)
{
    (void)state;
    send_to(0, v4(198, 51, 100, 7), 1);
    send_to(0, v6(7, 7), 2);
    struct arp_packet a = frame_arp(0);
    struct ip_header ip;
    struct nd_message nd = frame_nd(1, &ip);

    struct ip_addr gateway_v4 = v4(192, 0, 2, 254), gateway_v6 = v6(0, 254);

    assert_true(ip_addr_equal(&a.target, &gateway_v4));
    assert_true(ip_addr_equal(&nd.target, &gateway_v6));
}

static void
no_gateway_no_route(void **state)
{
    (void)state;
    addresses_init(&addresses);
    addresses_add_local(&addresses, &(struct ip_prefix){v4(192, 0, 2, 1), 24});
    send_to(0, v4(198, 51, 100, 7), 1);
    assert_int_equal(n_frames, 0);
    assert_int_equal(drops.n[WGT_DROP_NO_ROUTE], 1);
}

static void
packets_to_one_destination_after_another_find_their_own_next_hops(void **state)
{
    (void)state;
    hear_arp(0, ARP_REQUEST, v4(192, 0, 2, 9), peer_eth, v4(192, 0, 2, 1));
    hear_arp(0, ARP_REQUEST, v4(192, 0, 2, 254), other_eth, v4(192, 0, 2, 1));
    forget_frames();
    for (unsigned i = 0; i < 4; i += 2) {
        send_to(1, v4(192, 0, 2, 9), 1);
        send_to(1, v4(198, 51, 100, 7), 2);
        assert_frame_to(i, &peer_eth);
        assert_frame_to(i + 1, &other_eth);
    }
}

static void
a_router_says_that_it_is_one(void **state)
{
    struct ip_header ip;

    (void)state;
    n.router = true;
    hear_nd(0, ICMPV6_NEIGHBOUR_SOLICITATION, v6(0, 9), v6(0, 1), v6(0, 1), peer_eth);
    assert_true(frame_nd(0, &ip).router);
    neighbours_announce(&n, 0);
    assert_true(frame_nd(2, &ip).router);
}

static void
silent_next_hop_is_asked_three_times_then_given_up(void **state)
{
    (void)state;
    send_to(0, v4(192, 0, 2, 9), 1);
    assert_int_equal(neighbours_deadline(&n), NEIGHBOUR_RETRY);
    for (wgt_time t = WGT_SEC; t <= 10 * WGT_SEC; t += WGT_SEC)
        neighbours_run(&n, t);
    assert_int_equal(n_frames, NEIGHBOUR_PROBES);
    assert_int_equal(drops.n[WGT_DROP_NEIGHBOUR_UNRESOLVED], 1);
    assert_int_equal(neighbours_deadline(&n), WGT_NEVER);
    send_to(11 * WGT_SEC, v4(192, 0, 2, 9), 2); /* and may be asked anew */
    assert_int_equal(n_frames, NEIGHBOUR_PROBES + 1);
}

static unsigned n_unreachable;

static void
catch_unreachable(void *owner, wgt_time now, struct rte_mbuf *m)
{
    assert_ptr_equal(owner, &n_unreachable);
    assert_true(now >= 3 * NEIGHBOUR_RETRY);
    rte_pktmbuf_free(m);
    n_unreachable++;
}

static void
what_waited_in_vain_goes_to_who_asked_for_it(void **state)
{
    (void)state;
    n_unreachable = 0;
    n.unreachable = catch_unreachable;
    n.owner = &n_unreachable;
    send_to(0, v4(192, 0, 2, 9), 1);
    send_to(0, v4(192, 0, 2, 9), 2);
    for (wgt_time t = WGT_SEC; t <= 5 * WGT_SEC; t += WGT_SEC)
        neighbours_run(&n, t);
    assert_int_equal(n_unreachable, 2);
    assert_int_equal(drops.n[WGT_DROP_NEIGHBOUR_UNRESOLVED], 0);
    assert_int_equal(n.n_waiting, 0);
}

static void
waiting_queue_is_bounded_and_keeps_the_newest(void **state)
{
    (void)state;
    for (int i = 0; i < NEIGHBOUR_QUEUE_MAX + 5; i++)
        send_to(0, v4(192, 0, 2, 9), (uint8_t)i);
    assert_int_equal(drops.n[WGT_DROP_NEIGHBOUR_QUEUE], 5);
    hear_arp(1, ARP_REPLY, v4(192, 0, 2, 9), peer_eth, addresses.locals[0].addr);
    assert_int_equal(n_frames, 1 + NEIGHBOUR_QUEUE_MAX);
    assert_int_equal(frame_mark(1), 5);
}

static void
arp_request_for_us_is_answered_and_teaches_the_asker(void **state)
{
    (void)state;
    hear_arp(0, ARP_REQUEST, v4(192, 0, 2, 9), peer_eth, v4(192, 0, 2, 1));
    assert_int_equal(n_frames, 1);
    struct arp_packet a = frame_arp(0);

    assert_int_equal(a.operation, ARP_REPLY);
    assert_memory_equal(&a.sender_eth, &our_eth, 6);
    assert_true(ip_addr_equal(&a.sender, &addresses.locals[0].addr));
    assert_frame_to(0, &peer_eth);
    send_to(1, v4(192, 0, 2, 9), 1); /* known: leaves at once */
    assert_int_equal(n_frames, 2);
    assert_frame_to(1, &peer_eth);
}

static void
arp_for_others_is_counted_and_teaches_nothing_new(void **state)
{
    (void)state;
    hear_arp(0, ARP_REQUEST, v4(192, 0, 2, 9), peer_eth, v4(192, 0, 2, 77));
    assert_int_equal(n_frames, 0);
    assert_int_equal(drops.n[WGT_DROP_ARP_NOT_FOR_US], 1);
    send_to(1, v4(192, 0, 2, 9), 1);
    assert_int_equal(frame_header(0).type, ETH_ARP); /* still has to be asked */
}

static void
our_own_address_in_an_arp_sender_teaches_nothing(void **state)
{
    (void)state;
    hear_arp(0, ARP_REQUEST, v4(192, 0, 2, 1), other_eth, v4(192, 0, 2, 1));
    forget_frames();
    send_to(1, v4(192, 0, 2, 1), 1);
    assert_int_equal(frame_header(0).type, ETH_ARP);
}

static void
solicitation_for_us_is_answered(void **state)
{
    struct ip_header ip;

    (void)state;
    hear_nd(0, ICMPV6_NEIGHBOUR_SOLICITATION, v6(0, 9), v6(0, 1), v6(0, 1), peer_eth);
    assert_int_equal(n_frames, 1);
    struct nd_message nd = frame_nd(0, &ip);
    struct ip_addr asker = v6(0, 9);

    assert_int_equal(nd.type, ICMPV6_NEIGHBOUR_ADVERTISEMENT);
    assert_true(nd.solicited && nd.override && !nd.router);
    assert_true(ip_addr_equal(&nd.target, &addresses.locals[1].addr));
    assert_true(ip_addr_equal(&ip.dst, &asker));
    assert_memory_equal(&nd.link_addr, &our_eth, 6);
}

static void
duplicate_address_detection_is_answered_to_all_nodes(void **state)
{
    struct ip_addr unspecified = {.family = IP_V6};
    struct ip_header ip;

    (void)state;
    hear_nd(0, ICMPV6_NEIGHBOUR_SOLICITATION, unspecified, v6(0, 1), v6(0, 1), peer_eth);
    struct nd_message nd = frame_nd(0, &ip);

    assert_false(nd.solicited);
    assert_int_equal(ip.dst.bytes[0], 0xff);
    assert_int_equal(ip.dst.bytes[15], 1);
}

static void
solicitation_for_others_is_counted(void **state)
{
    (void)state;
    hear_nd(0, ICMPV6_NEIGHBOUR_SOLICITATION, v6(0, 9), v6(0, 1), v6(0, 77), peer_eth);
    assert_int_equal(n_frames, 0);
    assert_int_equal(drops.n[WGT_DROP_ND_NOT_FOR_US], 1);
}

/* Of several workers one answers; all hear, and send at once. */
static void
a_silent_worker_learns_and_does_not_answer(void **state)
{
    struct ip_addr unspecified = {.family = IP_V6};

    (void)state;
    n.silent = true;
    hear_arp(0, ARP_REQUEST, v4(192, 0, 2, 9), peer_eth, v4(192, 0, 2, 1));
    hear_nd(0, ICMPV6_NEIGHBOUR_SOLICITATION, v6(0, 9), v6(0, 1), v6(0, 1), peer_eth);
    hear_nd(0, ICMPV6_NEIGHBOUR_SOLICITATION, unspecified, v6(0, 1), v6(0, 1), peer_eth);
    assert_int_equal(n_frames, 0);
    send_to(1, v4(192, 0, 2, 9), 1);
    send_to(1, v6(0, 9), 2);
    assert_int_equal(n_frames, 2);
    assert_frame_to(0, &peer_eth);
    assert_frame_to(1, &peer_eth);
    /* what is for nobody here is counted once, by who answers */
    hear_arp(2, ARP_REQUEST, v4(192, 0, 2, 9), peer_eth, v4(192, 0, 2, 77));
    hear_nd(2, ICMPV6_NEIGHBOUR_SOLICITATION, v6(0, 9), v6(0, 1), v6(0, 77), peer_eth);
    assert_int_equal(drops.n[WGT_DROP_ARP_NOT_FOR_US], 0);
    assert_int_equal(drops.n[WGT_DROP_ND_NOT_FOR_US], 0);
}

static void
stale_neighbour_is_used_while_it_is_asked_again(void **state)
{
    wgt_time later = 2 + NEIGHBOUR_REACHABLE_TIME;

    (void)state;
    hear_arp(1, ARP_REQUEST, v4(192, 0, 2, 9), peer_eth, v4(192, 0, 2, 1));
    forget_frames();
    send_to(later, v4(192, 0, 2, 9), 1);
    assert_int_equal(n_frames, 2);
    assert_int_equal(frame_arp(0).operation, ARP_REQUEST);
    assert_frame_to(1, &peer_eth);
    hear_arp(later + 1, ARP_REPLY, v4(192, 0, 2, 9), other_eth, v4(192, 0, 2, 1));
    send_to(later + 2, v4(192, 0, 2, 9), 2);
    assert_frame_to(2, &other_eth); /* it moved */
    assert_int_equal(n_frames, 3);
}

/* The neighbour's address is learnt, and nobody answers any more. */
static wgt_time
learn_and_lose(void)
{
    wgt_time t = 2 + NEIGHBOUR_REACHABLE_TIME;

    hear_arp(1, ARP_REQUEST, v4(192, 0, 2, 9), peer_eth, v4(192, 0, 2, 1));
    forget_frames();
    send_to(t, v4(192, 0, 2, 9), 1);
    for (unsigned i = 0; i < NEIGHBOUR_PROBES; i++) {
        t += NEIGHBOUR_RETRY;
        neighbours_run(&n, t);
    }
    assert_int_equal(n_frames, 1 + NEIGHBOUR_PROBES);
    assert_int_equal(neighbours_deadline(&n), WGT_NEVER);
    forget_frames();
    return t;
}

static void
neighbour_that_falls_silent_is_used_while_packets_ask_for_it(void **state)
{
    wgt_time t = learn_and_lose();

    (void)state;
    send_to(t, v4(192, 0, 2, 9), 2);
    assert_int_equal(n_frames, 2);
    assert_int_equal(frame_arp(0).operation, ARP_REQUEST);
    assert_frame_to(1, &peer_eth);
    send_to(t + 1, v4(192, 0, 2, 9), 3); /* no question for every packet */
    assert_int_equal(n_frames, 3);
    hear_arp(t + 2, ARP_REPLY, v4(192, 0, 2, 9), other_eth, v4(192, 0, 2, 1));
    send_to(t + 3, v4(192, 0, 2, 9), 4);
    assert_frame_to(3, &other_eth);
}

static void
neighbour_that_falls_silent_is_given_up_where_senders_want_to_know(void **state)
{
    wgt_time t;

    (void)state;
    n.unreachable = catch_unreachable;
    n.owner = &n_unreachable;
    n_unreachable = 0;
    t = learn_and_lose();
    send_to(t, v4(192, 0, 2, 9), 2);
    assert_int_equal(n_frames, 1);
    assert_int_equal(frame_arp(0).operation, ARP_REQUEST);
    for (unsigned i = 0; i < NEIGHBOUR_PROBES; i++) {
        t += NEIGHBOUR_RETRY;
        neighbours_run(&n, t);
    }
    assert_int_equal(n_unreachable, 1);
}

static void
full_table_gives_up_the_one_unused_longest(void **state)
{
    (void)state;
    set_addresses(8);
    hear_arp(0, ARP_REQUEST, v4(192, 9, 9, 9), peer_eth, v4(192, 0, 2, 1));
    for (unsigned i = 0; i < NEIGHBOURS_MAX; i++) {
        hear_arp(1 + i, ARP_REQUEST, v4(192, 1, (uint8_t)(i >> 8), (uint8_t)i), peer_eth,
                 v4(192, 0, 2, 1));
        forget_frames();
    }
    send_to(2000, v4(192, 1, 3, 255), 1); /* the newest is known */
    assert_int_equal(frame_header(0).type, ETH_IPV4);
    send_to(2001, v4(192, 9, 9, 9), 2); /* the oldest is not */
    assert_int_equal(frame_header(1).type, ETH_ARP);
}

static void
malformed_arp_is_counted(void **state)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

    (void)state;
    memset(rte_pktmbuf_append(m, 20), 0, 20);
    neighbours_rx_arp(&n, 0, m);
    assert_int_equal(drops.n[WGT_DROP_ARP_MALFORMED], 1);
}

static void
announce_tells_every_address(void **state)
{
    struct ip_header ip;

    (void)state;
    neighbours_announce(&n, 0);
    assert_int_equal(n_frames, 2);
    struct arp_packet a = frame_arp(0);
    struct nd_message nd = frame_nd(1, &ip);

    assert_true(ip_addr_equal(&a.sender, &a.target));
    assert_true(ip_addr_equal(&nd.target, &addresses.locals[1].addr));
}

static void
announcements_are_repeated_and_end(void **state)
{
    static const unsigned seconds[] = {1, 3, 7};

    (void)state;
    neighbours_announce(&n, 0);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(neighbours_deadline(&n), seconds[i] * WGT_SEC);
        neighbours_run(&n, seconds[i] * WGT_SEC);
        assert_int_equal(n_frames, 2 * (i + 2));
    }
    assert_int_equal(neighbours_deadline(&n), WGT_NEVER);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        T(packet_waits_for_arp_and_leaves_with_the_answer),
        T(packet_waits_for_nd_and_leaves_with_the_answer),
        T(off_link_destination_goes_to_the_gateway),
        T(no_gateway_no_route),
        T(packets_to_one_destination_after_another_find_their_own_next_hops),
        T(a_router_says_that_it_is_one),
        T(silent_next_hop_is_asked_three_times_then_given_up),
        T(what_waited_in_vain_goes_to_who_asked_for_it),
        T(waiting_queue_is_bounded_and_keeps_the_newest),
        T(arp_request_for_us_is_answered_and_teaches_the_asker),
        T(arp_for_others_is_counted_and_teaches_nothing_new),
        T(our_own_address_in_an_arp_sender_teaches_nothing),
        T(solicitation_for_us_is_answered),
        T(duplicate_address_detection_is_answered_to_all_nodes),
        T(solicitation_for_others_is_counted),
        T(a_silent_worker_learns_and_does_not_answer),
        T(stale_neighbour_is_used_while_it_is_asked_again),
        T(neighbour_that_falls_silent_is_used_while_packets_ask_for_it),
        T(neighbour_that_falls_silent_is_given_up_where_senders_want_to_know),
        T(full_table_gives_up_the_one_unused_longest),
        T(malformed_arp_is_counted),
        T(announce_tells_every_address),
        T(announcements_are_repeated_and_end),
#undef T
    };

    pool = eal_rig_start("test_neighbours", "64", POOL, 2048 + 128);
    if (pool == NULL)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
