/* SPDX-License-Identifier: BSD-3-Clause */
/* What becomes of packets, paths and keys in single moments, made by hand. Node 0 dials node 1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <rte_mempool.h>
#include <rte_ring_elem.h>

#include <wgtcpd/wire/ecn.h>
#include <wgtcpd/wire/tcp.h>
#include <wgtcpd/wire/udp.h>

#include "pair.h"
#include "sim.h"

#define S  WGT_SEC
#define MS WGT_MSEC

static struct node *const dialler = &pair.node[0];

/* A session, a packet each way. both: node 1 could dial, too. */
static void
begin_with_session(uint64_t seed, enum transport_kind kind, bool both)
{
    struct node_config config[2];

    pair_configure(config, kind);
    config[1].dials = both;
    pair_begin_with_session(seed, config);
}

static void
expect_numbers(unsigned node, uint32_t first, unsigned n)
{
    assert_int_equal(pair.out[node].n, n);
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(pair.out[node].number[i], first + i);
}

/* --- staged packets ------------------------------------------------------------------------------
 */

/* Paper 6.4 and Linux's MAX_STAGED_PACKETS: what waits for a session is bounded, and the newest
 * packets are kept. */
static void
the_newest_packets_are_kept_for_a_session(void **state)
{
    (void)state;
    for (enum transport_kind kind = TRANSPORT_UDP; kind <= TRANSPORT_TCP; kind++) {
        struct node_config config[2];

        pair_configure(config, kind);
        pair_begin(400, IP_V4, config, NULL);
        pair.wire = pair_nothing_passes;
        pair_offer(0, 0, TUNNEL_STAGED_MAX);
        pair_run_to(S);
        assert_int_equal(pair_drops(0, WGT_DROP_STAGED_FULL), 0);
        pair_offer(0, TUNNEL_STAGED_MAX, 50);
        assert_int_equal(dialler->peer->staged.count, TUNNEL_STAGED_MAX);
        assert_int_equal(pair_drops(0, WGT_DROP_STAGED_FULL), 50);
        pair.wire = NULL;
        pair_run_to(20 * S);
        expect_numbers(1, 50, TUNNEL_STAGED_MAX);
        pair_finish();
    }
}

static bool
only_resets_pass(unsigned from, uint8_t *packet, size_t len)
{
    (void)from;
    (void)len;
    return packet[9] == IP_PROTO_TCP && (packet[IPV4_HEADER_LEN + 13] & TCP_RST) != 0;
}

/* The peer resets the connection while packets wait for room on it, and the next SYN is lost. That
 * takes longer than any packet may stand in a queue that moves. */
static void
what_waits_when_a_connection_is_lost_goes_on_the_next(void **state)
{
    struct tcp_flow *f;
    unsigned waiting;

    (void)state;
    begin_with_session(401, TRANSPORT_TCP, false);
    f = tcp_flow_of(&pair.node[1].peer->path.path);
    assert_non_null(f);
    pair.wire = only_resets_pass;
    pair_offer(0, 0, 100);
    tcp_flow_reset(&pair.node[1].tunnel.tcp, pair_clock(1), f);
    node_settle(&pair.node[1], pair.now);
    waiting = dialler->peer->staged.count;
    assert_in_range(waiting, 10, 99);
    pair_run_for(5 * MS);
    assert_int_equal(dialler->peer->stats.dials, 2);
    assert_int_equal(dialler->peer->staged.count, waiting);
    pair_run_for(FQ_SOJOURN_MAX + 50 * MS);
    pair.wire = NULL;
    pair_run_for(5 * S);
    expect_numbers(1, 100 - waiting, waiting);
    assert_int_equal(pair_drops(0, WGT_DROP_QUEUE_STALE), 0);
    pair_finish();
}

/* The control thread lets packets for a peer in before the worker has heard of it. */
static void
a_peer_in_the_allowed_ips_before_it_is_added_gets_nothing(void **state)
{
    struct tunnel_peer *early = calloc(1, sizeof(*early));
    struct ip_prefix prefix = {ip_addr_v4((uint8_t[4]){10, 77, 0, 99}), 32};
    uint8_t packet[PAIR_PACKET_LEN];

    (void)state;
    assert_non_null(early);
    begin_with_session(402, TRANSPORT_UDP, false);
    early->public_key[0] = 9;
    early->has_endpoint = true;
    early->configured_kind = TRANSPORT_UDP;
    early->configured = (struct ip_endpoint){node_address(3, IP_V4), NODE_PORT};
    assert_int_equal(allowedips_insert(&dialler->ips, &prefix, early), 0);
    pair_packet(packet, 0, 98, IP_V4, 0, 0, sizeof(packet));
    node_rx_inner(dialler, pair.now, packet, sizeof(packet));
    tunnel_rx_inner_end(&dialler->tunnel, pair.now);
    assert_int_equal(pair_drops(0, WGT_DROP_NO_PEER), 1);

    assert_int_equal(handshaker_add_peer(&dialler->handshaker, early, NULL), 0);
    node_rx_inner(dialler, pair.now, packet, sizeof(packet));
    tunnel_rx_inner_end(&dialler->tunnel, pair.now);
    assert_int_equal(pair_drops(0, WGT_DROP_NO_PEER), 2);
    node_settle(dialler, pair.now);
    node_rx_inner(dialler, pair.now, packet, sizeof(packet));
    node_settle(dialler, pair.now);
    assert_int_equal(pair_drops(0, WGT_DROP_NO_PEER), 2);
    assert_int_equal(early->staged.count, 1);
    pair_finish();
    free(early);
}

/* --- requests that are lost ----------------------------------------------------------------------
 */

static unsigned n_initiations;

static bool
count_initiations(unsigned from, uint8_t *packet, size_t len)
{
    (void)len;
    n_initiations += from == 0 && packet[IPV4_HEADER_LEN + UDP_HEADER_LEN] == MESSAGE_INITIATION;
    return true;
}

static void
begin_to_ask(uint64_t seed)
{
    struct node_config config[2];
    uint8_t packet[PAIR_PACKET_LEN];

    pair_configure(config, TRANSPORT_UDP);
    pair_begin(seed, IP_V4, config, NULL);
    pair.wire = count_initiations;
    n_initiations = 0;
    pair_packet(packet, 0, 1, IP_V4, 0, 0, sizeof(packet));
    node_rx_inner(dialler, pair.now, packet, sizeof(packet));
}

/* T1: REKEY_TIMEOUT after the request that was lost. */
static void
expect_session_after_a_retry(void)
{
    pair_run_to(5 * S - 1);
    assert_int_equal(n_initiations, 0);
    pair_run_to(5 * S + 400 * MS);
    assert_int_equal(n_initiations, 1);
    expect_numbers(1, 0, 1);
    pair_finish();
}

static void
a_request_that_finds_the_event_ring_full_comes_again(void **state)
{
    struct tunnel_event filler = {.type = TUNNEL_EVENT_HANDSHAKE}; /* no message: dropped */

    (void)state;
    begin_to_ask(410);
    while (rte_ring_enqueue_elem(dialler->events[0], &filler, sizeof(filler)) == 0)
        ;
    tunnel_run(&dialler->tunnel, pair_clock(0));
    assert_int_equal(pair_drops(0, WGT_DROP_RING_FULL), 1);
    handshaker_run(&dialler->handshaker, pair_clock(0), &(struct wall_clock){.seconds = 1},
                   TUNNEL_RING_SIZE);
    expect_session_after_a_retry();
}

static void
an_initiation_that_finds_the_command_ring_full_comes_again(void **state)
{
    struct tunnel_command filler = {.type = TUNNEL_COMMAND_SEND}; /* to nobody: dropped */

    (void)state;
    begin_to_ask(411);
    tunnel_run(&dialler->tunnel, pair_clock(0));
    assert_int_equal(rte_ring_count(dialler->events[0]), 1);
    while (rte_ring_enqueue_elem(dialler->commands[0], &filler, sizeof(filler)) == 0)
        ;
    handshaker_run(&dialler->handshaker, pair_clock(0), &(struct wall_clock){.seconds = 1}, 1);
    assert_int_equal(dialler->handshaker.drops.n[WGT_DROP_RING_FULL], 1);
    while (!rte_ring_empty(dialler->commands[0]))
        tunnel_run(&dialler->tunnel, pair_clock(0));
    expect_session_after_a_retry();
}

/* --- dials that cross ----------------------------------------------------------------------------
 */

static uint16_t cut_port; /* of who dialled: nothing with a payload passes */

static bool
cut(unsigned from, uint8_t *packet, size_t len)
{
    struct tcp_segment seg;
    struct ip_header ip;

    (void)from;
    assert_int_equal(ip_parse(packet, len, true, &ip), WGT_OK);
    assert_int_equal(tcp_parse(&ip, packet + ip.header_len, true, &seg), WGT_OK);
    return seg.payload.len == 0 || (seg.src_port != cut_port && seg.dst_port != cut_port);
}

static void
lose_connection(unsigned node)
{
    struct tcp_flow *f = tcp_flow_of(&pair.node[node].peer->path.path);

    assert_non_null(f);
    tcp_flow_reset(&pair.node[node].tunnel.tcp, pair_clock(node), f);
    node_settle(&pair.node[node], pair.now);
}

/* Of two connections that both ends dialled at once that of the greater key stays, as in
 * test_crossed.c; but nothing gets through on it. */
static void
the_greater_keys_connection_is_left_when_it_stalls(void **state)
{
    (void)state;
    for (uint64_t seed = 415; seed < 419; seed++) {
        const struct tunnel_peer *peer;
        unsigned leader;

        begin_with_session(seed, TRANSPORT_TCP, true);
        leader = pair.node[0].peer->leads ? 0 : 1;
        assert_int_not_equal(pair.node[0].peer->leads, pair.node[1].peer->leads);
        peer = pair.node[leader].peer;
        for (unsigned i = 0; i < 2; i++)
            lose_connection(i);
        pair_run_for(PAIR_DELAY / 2); /* a tick of the timers' wheel */
        assert_non_null(peer->dialling);
        assert_non_null(pair.node[1 - leader].peer->dialling);
        cut_port = peer->dialling->path.local.port;
        pair.wire = cut;
        for (unsigned i = 0; i < 40; i++) {
            pair_offer(1 - leader, i, 1);
            pair_run_for(25 * MS);
        }
        expect_numbers(leader, 0, 40);
        assert_ptr_equal(tcp_flow_of(&peer->path.path)->dialer, NULL);
        pair_offer(leader, 0, 1);
        pair_run_for(25 * MS);
        expect_numbers(1 - leader, 0, 1);
        pair_finish();
    }
}

/* --- congestion marks through the tunnel over UDP ------------------------------------------------
 */

enum { DSCP = 0xb8 }; /* EF */

static uint8_t outer_seen, outer_set;

/* A router on the path of data messages: remembers what ECN it got and passes on another. */
static bool
remark(unsigned from, uint8_t *packet, size_t len)
{
    bool v4 = ip_is_v4(packet);
    struct ip_header ip;

    assert_int_equal(ip_parse(packet, len, true, &ip), WGT_OK);
    if (from != 0 || packet[ip.header_len + UDP_HEADER_LEN] != MESSAGE_DATA)
        return true;
    outer_seen = ip.traffic_class;
    if (v4) {
        ip.traffic_class = outer_set;
        ip_write(packet, &ip);
    } else {
        packet[1] = (uint8_t)((packet[1] & 0xcf) | outer_set << 4);
    }
    return true;
}

/* Returns what came out: the traffic class, or -1. */
static int
through(uint8_t family, uint8_t inner, uint8_t outer)
{
    uint8_t packet[PAIR_PACKET_LEN];
    unsigned before = pair.out[1].n;
    struct ip_header ip;

    outer_set = outer;
    pair_packet(packet, 0, 1, family, DSCP | inner, 0, sizeof(packet));
    node_rx_inner(dialler, pair.now, packet, sizeof(packet));
    node_settle(dialler, pair.now);
    pair_run_for(5 * MS);
    if (pair.out[1].n == before)
        return -1;
    assert_int_equal(ip_parse(pair.out[1].last, pair.out[1].last_len, true, &ip), WGT_OK);
    return ip.traffic_class;
}

/* RFC 6040 4.1, but CE by RFC 3168 9.1.1, as Linux's WireGuard does; DSCP stays inside. */
static const uint8_t encapsulated[4] = {
    [IP_ECN_NOT_ECT] = IP_ECN_NOT_ECT,
    [IP_ECN_ECT0] = IP_ECN_ECT0,
    [IP_ECN_ECT1] = IP_ECN_ECT1,
    [IP_ECN_CE] = IP_ECN_ECT0,
};

/* RFC 6040 4.2, figure 4, by inner and outer field; -1: dropped. */
static const int8_t decapsulated[4][4] = {
    [IP_ECN_NOT_ECT] = {[IP_ECN_NOT_ECT] = IP_ECN_NOT_ECT,
                        [IP_ECN_ECT0] = IP_ECN_NOT_ECT,
                        [IP_ECN_ECT1] = IP_ECN_NOT_ECT,
                        [IP_ECN_CE] = -1},
    [IP_ECN_ECT0] = {[IP_ECN_NOT_ECT] = IP_ECN_ECT0,
                     [IP_ECN_ECT0] = IP_ECN_ECT0,
                     [IP_ECN_ECT1] = IP_ECN_ECT1,
                     [IP_ECN_CE] = IP_ECN_CE},
    [IP_ECN_ECT1] = {[IP_ECN_NOT_ECT] = IP_ECN_ECT1,
                     [IP_ECN_ECT0] = IP_ECN_ECT1,
                     [IP_ECN_ECT1] = IP_ECN_ECT1,
                     [IP_ECN_CE] = IP_ECN_CE},
    [IP_ECN_CE] = {[IP_ECN_NOT_ECT] = IP_ECN_CE,
                   [IP_ECN_ECT0] = IP_ECN_CE,
                   [IP_ECN_ECT1] = IP_ECN_CE,
                   [IP_ECN_CE] = IP_ECN_CE},
};

static void
expect_ecn(uint8_t family, uint8_t inner, uint8_t outer)
{
    uint64_t dropped = pair_drops(1, WGT_DROP_INNER_CE);
    int expected = decapsulated[inner][outer];
    int came = through(family, inner, outer);

    if (outer_seen != encapsulated[inner])
        fail_msg("inner %u left as %u", inner, outer_seen);
    if (came != (expected < 0 ? -1 : DSCP | expected))
        fail_msg("inner %u, outer %u came out as %d", inner, outer, came);
    assert_int_equal(pair_drops(1, WGT_DROP_INNER_CE), dropped + (expected < 0 ? 1 : 0));
}

static void
rfc6040_ecn_through_udp(void **state)
{
    static const uint8_t families[2] = {IP_V4, IP_V6};

    (void)state;
    for (unsigned outside = 0; outside < 2; outside++) {
        struct node_config config[2];

        pair_configure(config, TRANSPORT_UDP);
        pair_begin(420, families[outside], config, NULL);
        pair_offer(0, 0, 1);
        pair_run_to(S);
        pair.wire = remark;
        for (unsigned inside = 0; inside < 2; inside++)
            for (unsigned inner = 0; inner < 4; inner++)
                for (unsigned outer = 0; outer < 4; outer++)
                    expect_ecn(families[inside], (uint8_t)inner, (uint8_t)outer);
        pair_finish();
    }
}

/* --- what has no way
 * ------------------------------------------------------------------------------
 */

static void
offer_to(unsigned node, unsigned to, uint8_t family, size_t len)
{
    uint8_t packet[PAIR_PACKET_LEN];

    pair_packet(packet, node, to, family, 0, 0, len);
    node_rx_inner(&pair.node[node], pair.now, packet, len);
    node_settle(&pair.node[node], pair.now);
}

/* An ICMP error of that kind about a packet of len bytes has come out last. */
static void
expect_icmp(unsigned node, uint8_t family, size_t len, uint8_t type, uint8_t code)
{
    const struct pair_out *o = &pair.out[node];
    struct ip_header ip;

    assert_int_equal(ip_parse(o->last, o->last_len, true, &ip), WGT_OK);
    assert_int_equal(ip.protocol, family == IP_V4 ? IP_PROTO_ICMP : IP_PROTO_ICMPV6);
    assert_int_equal(o->last[ip.header_len], type);
    assert_int_equal(o->last[ip.header_len + 1], code);
    assert_int_equal(ip.payload_len, 8 + len);
}

/* Linux's wg_xmit: no peer (ENOKEY) or no endpoint (EDESTADDRREQ) is told to the sender. */
static void
the_sender_hears_that_there_is_no_peer_or_no_endpoint(void **state)
{
    static const struct {
        unsigned node, to;
        enum wgt_drop why;
    } cases[] = {{0, 98, WGT_DROP_NO_PEER}, {1, 0, WGT_DROP_NO_ENDPOINT}};
    struct node_config config[2];

    (void)state;
    pair_configure(config, TRANSPORT_UDP);
    pair_begin(440, IP_V4, config, NULL);
    for (unsigned i = 0; i < 2; i++) {
        unsigned node = cases[i].node;

        offer_to(node, cases[i].to, IP_V4, 100);
        expect_icmp(node, IP_V4, 100, 3, 1);
        offer_to(node, cases[i].to, IP_V6, 100);
        expect_icmp(node, IP_V6, 100, 1, 3);
        assert_int_equal(pair.out[node].n, 2);
        assert_int_equal(pair_drops(node, cases[i].why), 2);
    }
    pair_finish();
}

/* A route that leads the outer packets into the tunnel: sealed again they would circle and grow.
 * What else comes from an outer address (here ICMP) is somebody's. Row 11 of the kernel's netns.sh.
 */
static void
packets_of_the_tunnel_itself_do_not_enter_it(void **state)
{
    static const uint8_t protocols[] = {IP_PROTO_UDP, IP_PROTO_TCP, IP_PROTO_ICMP};
    struct ip_addr ours = node_address(0, IP_V4);
    uint8_t packet[PAIR_PACKET_LEN];

    (void)state;
    begin_with_session(442, TRANSPORT_UDP, false);
    pair_packet(packet, 0, 1, IP_V4, 0, 0, sizeof(packet));
    memcpy(packet + 12, ours.bytes, 4); /* RFC 791 3.1: the source */
    for (unsigned i = 0; i < 3; i++) {
        uint64_t sent = dialler->tunnel.tx_messages;

        packet[9] = protocols[i];
        node_rx_inner(dialler, pair.now, packet, sizeof(packet));
        node_settle(dialler, pair.now);
        assert_int_equal(pair_drops(0, WGT_DROP_INNER_LOOP), i < 2 ? i + 1 : 2);
        assert_int_equal(dialler->tunnel.tx_messages - sent, i < 2 ? 0 : 1);
    }
    pair_finish();
}

/* RFC 1812 4.3.2.8: fifty at once, then a hundred a second. */
static void
unreachables_are_limited_in_rate(void **state)
{
    struct node_config config[2];

    (void)state;
    pair_configure(config, TRANSPORT_UDP);
    pair_begin(441, IP_V4, config, NULL);
    for (unsigned i = 0; i < 200; i++)
        offer_to(0, 98, IP_V4, 100);
    assert_in_range(pair.out[0].n, 50, 51);
    pair_run_for(100 * MS);
    pair.out[0].n = 0;
    for (unsigned i = 0; i < 200; i++)
        offer_to(0, 98, IP_V4, 100);
    assert_in_range(pair.out[0].n, 9, 11);
    assert_int_equal(pair_drops(0, WGT_DROP_NO_PEER), 400);
    pair_finish();
}

static unsigned n_from[2];

static bool
count_all(unsigned from, uint8_t *packet, size_t len)
{
    (void)packet;
    (void)len;
    n_from[from]++;
    return true;
}

/* RFC 7748 6.1: a public key with which every exchange gives zero. netns.sh: nothing is sent,
 * though there is an endpoint and a persistent keepalive. */
static void
nothing_is_sent_to_a_peer_with_a_low_order_key(void **state)
{
    (void)state;
    for (enum transport_kind kind = TRANSPORT_UDP; kind <= TRANSPORT_TCP; kind++) {
        struct tunnel_peer *odd = calloc(1, sizeof(*odd));
        struct ip_prefix prefix = {ip_addr_v4((uint8_t[4]){10, 77, 0, 99}), 32};
        struct node_config config[2];

        assert_non_null(odd);
        pair_configure(config, kind);
        pair_begin(442, IP_V4, config, NULL);
        pair.wire = count_all;
        memset(n_from, 0, sizeof(n_from));
        odd->public_key[0] = 1; /* u = 1 */
        odd->has_endpoint = true;
        odd->configured_kind = kind;
        odd->configured = (struct ip_endpoint){node_address(1, IP_V4), NODE_PORT};
        odd->persistent_keepalive = 1;
        assert_int_equal(allowedips_insert(&dialler->ips, &prefix, odd), 0);
        assert_int_equal(handshaker_add_peer(&dialler->handshaker, odd, NULL), 0);
        offer_to(0, 98, IP_V4, 100);
        pair_run_for(30 * S);
        assert_int_equal(n_from[0] + n_from[1], 0);
        assert_true(dialler->handshaker.drops.n[WGT_DROP_HANDSHAKE_DH] > 0);
        pair_finish();
        free(odd);
    }
}

/* --- what is older than a key --------------------------------------------------------------------
 */

static void
make_packets_wait(wgt_time until)
{
    pair_run_to(until);
    pair.wire = pair_nothing_passes;
    pair_offer(0, 0, 3);
}

/* Linux's wg_queued_expired_zero_key_material: T4 wipes keys only. What was staged a moment before,
 * for the next session, waits for it. */
static void
staged_packets_outlive_the_keys(void **state)
{
    (void)state;
    begin_with_session(443, TRANSPORT_UDP, false);
    make_packets_wait(538 * S);
    assert_int_equal(dialler->peer->staged.count, 3);
    assert_non_null(dialler->peer->session.current);
    pair_run_to(542 * S);
    assert_null(dialler->peer->session.current);
    assert_int_equal(dialler->peer->staged.count, 3);
    pair.wire = NULL;
    pair_run_to(560 * S);
    expect_numbers(1, 0, 3);
    pair_finish();
}

/* CLOCK_BOOTTIME counts a suspension: keys are as old as the peer thinks. Ten minutes later the
 * first packet makes a new session, and nothing is sent under the old one. */
static void
a_suspended_node_comes_back_with_a_new_session(void **state)
{
    (void)state;
    for (enum transport_kind kind = TRANSPORT_UDP; kind <= TRANSPORT_TCP; kind++) {
        for (unsigned sleeper = 0; sleeper < 2; sleeper++) {
            const struct noise_keypair *k;

            begin_with_session(444, kind, true);
            pair.node[sleeper].clock_offset += 600 * S;
            pair_run_for(10 * MS);
            k = pair.node[sleeper].peer->session.current;
            assert_true(k == NULL || k->birth >= pair_clock(sleeper) - 10 * MS);
            pair_offer(sleeper, 0, 5);
            pair_run_for(S);
            expect_numbers(1 - sleeper, 0, 5);
            pair_offer(1 - sleeper, 0, 5);
            pair_run_for(S);
            expect_numbers(sleeper, 0, 5);
            assert_int_equal(pair_drops(1 - sleeper, WGT_DROP_DATA_INDEX), 0);
            pair_finish();
        }
    }
}

/* --- wall clocks ---------------------------------------------------------------------------------
 */

static void
begin_with_wall_clocks(uint64_t seed, enum transport_kind kind, wgt_time wall0)
{
    struct node_config config[2];

    pair_configure(config, kind);
    pair_begin(seed, IP_V4, config, NULL);
    pair.node[0].wall_offset = wall0;
    pair_offer(0, 0, 1);
    pair_run_to(S);
    assert_int_equal(pair.out[1].n, 1);
    pair.out[1].n = 0;
}

/* Section 5.1: the timestamp must grow. A clock that is set back an hour does not touch the
 * session; the next handshake is refused as a replay, and told apart, until the clock has caught
 * up. */
static void
a_clock_set_back_stops_handshakes_until_it_has_caught_up(void **state)
{
    (void)state;
    for (enum transport_kind kind = TRANSPORT_UDP; kind <= TRANSPORT_TCP; kind++) {
        const struct handshaker_peer *hp;

        begin_with_wall_clocks(445, kind, 3600 * S);
        dialler->wall_offset = 0;
        pair_run_to(100 * S);
        pair_offer(0, 0, 2);
        pair_run_for(S);
        expect_numbers(1, 0, 2); /* the session works */
        pair_run_to(200 * S);
        pair_offer(0, 2, 1);
        pair_run_to(260 * S);
        expect_numbers(1, 0, 2);
        assert_true(pair.node[1].handshaker.drops.n[WGT_DROP_HANDSHAKE_REPLAY] > 0);
        hp = dialler->peer->handshaker_peer;
        assert_true(hp->trouble[HANDSHAKE_TROUBLE_CLOCK_BACK].n > 0);
        pair_run_to(3610 * S);
        pair_offer(0, 3, 1);
        pair_run_for(10 * S);
        assert_int_equal(pair.out[1].n, 3);
        assert_int_equal(pair.out[1].number[2], 3);
        pair_finish();
    }
}

/* There is no check against the local clock. */
static void
a_clock_set_forward_is_nobodys_business(void **state)
{
    (void)state;
    for (enum transport_kind kind = TRANSPORT_UDP; kind <= TRANSPORT_TCP; kind++) {
        begin_with_wall_clocks(446, kind, 0);
        dialler->wall_offset = 36000 * S;
        pair_run_to(300 * S);
        pair_offer(0, 0, 2);
        pair_run_for(S);
        expect_numbers(1, 0, 2);
        assert_int_equal(dialler->peer->stats.handshakes, 2);
        pair_finish();
    }
}

/* --- keys --------------------------------------------------------------------------------------
 */

static void
no_key_is_left_when_a_node_has_ended(void **state)
{
    const struct tunnel *t = &dialler->tunnel;
    const struct handshaker *h = &dialler->handshaker;

    (void)state;
    begin_with_session(430, TRANSPORT_TCP, false);
    memset(dialler->handshaker.cookie_secret.key, 1, sizeof(h->cookie_secret.key));
    assert_false(noise_is_zero(&t->flow_hash, sizeof(t->flow_hash)));
    assert_false(noise_is_zero(t->config.knock_key, sizeof(t->config.knock_key)));
    assert_false(noise_is_zero(h->ratelimit.key, sizeof(h->ratelimit.key)));
    pair_finish();
    assert_true(noise_is_zero(&t->flow_hash, sizeof(t->flow_hash)));
    assert_true(noise_is_zero(t->config.knock_key, sizeof(t->config.knock_key)));
    assert_true(noise_is_zero(t->tcp.isn_key, sizeof(t->tcp.isn_key)));
    assert_true(noise_is_zero(h->ratelimit.key, sizeof(h->ratelimit.key)));
    assert_true(noise_is_zero(&h->cookie_secret, sizeof(h->cookie_secret)));
    assert_true(noise_is_zero(&h->local, sizeof(h->local)));
}

int
main(void)
{
#define T(name) cmocka_unit_test_teardown(name, pair_clean_up)
    const struct CMUnitTest tests[] = {
        T(the_newest_packets_are_kept_for_a_session),
        T(what_waits_when_a_connection_is_lost_goes_on_the_next),
        T(a_peer_in_the_allowed_ips_before_it_is_added_gets_nothing),
        T(a_request_that_finds_the_event_ring_full_comes_again),
        T(an_initiation_that_finds_the_command_ring_full_comes_again),
        T(the_greater_keys_connection_is_left_when_it_stalls),
        T(rfc6040_ecn_through_udp),
        T(the_sender_hears_that_there_is_no_peer_or_no_endpoint),
        T(packets_of_the_tunnel_itself_do_not_enter_it),
        T(unreachables_are_limited_in_rate),
        T(nothing_is_sent_to_a_peer_with_a_low_order_key),
        T(staged_packets_outlive_the_keys),
        T(a_suspended_node_comes_back_with_a_new_session),
        T(a_clock_set_back_stops_handshakes_until_it_has_caught_up),
        T(a_clock_set_forward_is_nobodys_business),
        T(no_key_is_left_when_a_node_has_ended),
    };

    return cmocka_run_group_tests(tests, sim_group_setup, sim_group_teardown);
}
