/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules of WireGuard that show only between whole nodes (docs/protocol.md). Node 0 dials node 1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <rte_ring_elem.h>

#include <wgtcpd/wire/checksum.h>
#include <wgtcpd/wire/udp.h>

#include "pair.h"
#include "sim.h"

#define S  WGT_SEC
#define MS WGT_MSEC

static struct node *const dialler = &pair.node[0], *const listener = &pair.node[1];

/* --- words -------------------------------------------------------------------------------------
 */

static void
begin(uint64_t seed, enum transport_kind kind, wgt_time control_delay)
{
    struct node_config config[2];

    pair_configure(config, kind);
    config[1].control_delay = control_delay;
    pair_begin(seed, IP_V4, config, NULL);
}

static void
begin_with_session(uint64_t seed, enum transport_kind kind)
{
    struct node_config config[2];

    pair_configure(config, kind);
    config[1].dials = true;
    pair_begin_with_session(seed, config);
    assert_true(dialler->peer->session.current->initiator);
    assert_false(listener->peer->session.current->initiator);
}

static uint64_t
initiations(unsigned node)
{
    return pair.node[node].handshaker.initiations_sent;
}

/* --- limits of keys ------------------------------------------------------------------------------
 */

static void
windows(enum transport_kind kind)
{
    begin_with_session(701, kind);
    for (unsigned role = 0; role < 2; role++)
        assert_int_equal(pair.node[role].peer->session.current->replay.wide != NULL,
                         kind == TRANSPORT_TCP);
    pair_finish();
}

/* What is delivered from beyond a hole is a round trip ahead of what fills it. */
static void
a_session_over_tcp_has_a_wide_window(void **state)
{
    (void)state;
    pair_for_both(windows);
}

static void
many_messages(enum transport_kind kind)
{
    for (unsigned role = 0; role < 2; role++) {
        struct noise_keypair *k;
        uint64_t before;

        begin_with_session(700, kind);
        pair_run_to(10 * S); /* REKEY_TIMEOUT since the last handshake message */
        before = initiations(role);
        k = pair.node[role].peer->session.current;
        k->send_counter = NOISE_REKEY_AFTER_MESSAGES - 1;
        pair_offer(role, 0, 1);
        pair_run_for(100 * MS);
        assert_int_equal(initiations(role), before);
        pair_offer(role, 1, 1); /* the one that goes beyond */
        pair_run_for(100 * MS);
        assert_int_equal(initiations(role), before + 1);
        assert_int_equal(pair.node[role].peer->stats.handshakes, 2);
        assert_int_equal(pair.out[1 - role].n, 2);
        if (role == 0)
            pair_finish();
    }
}

/* Paper 6.2, keep_key_fresh: either role. */
static void
rekey_after_messages_holds_for_both_roles(void **state)
{
    (void)state;
    pair_for_both(many_messages);
}

static void
used_up(enum transport_kind kind)
{
    begin_with_session(701, kind);
    pair_run_to(10 * S);
    listener->peer->session.current->send_counter = NOISE_REJECT_AFTER_MESSAGES;
    pair_offer(1, 0, 1);
    assert_int_equal(listener->peer->staged.count, 1);
    assert_int_equal(listener->peer->session.current->send_counter, NOISE_REJECT_AFTER_MESSAGES);
    pair_run_for(100 * MS); /* a session of its own making */
    assert_int_equal(initiations(1), 1);
    assert_int_equal(pair.out[0].n, 1);
}

/* Paper 6.2: what a key may not send any more waits for the next. */
static void
reject_after_messages_stops_sending(void **state)
{
    (void)state;
    pair_for_both(used_up);
}

static void
old_key(enum transport_kind kind)
{
    uint64_t before;
    wgt_time birth;

    begin_with_session(702, kind);
    before = initiations(0);
    birth = listener->peer->session.current->birth - listener->clock_offset;
    pair_run_to(birth + 109 * S); /* the initiator's keepalive comes before its key is old */
    pair_offer(1, 0, 1);
    assert_int_equal(listener->peer->staged.count, 0);
    pair_run_to(birth + 180 * S + 10 * MS);
    assert_int_equal(initiations(0), before);
    assert_int_equal(initiations(1), 0); /* its age alone is no reason */
    assert_int_equal(pair.out[0].n, 1);
    pair_offer(1, 1, 1);
    assert_int_equal(listener->peer->staged.count, 1);
    pair_run_for(100 * MS);
    assert_int_equal(initiations(1), 1);
    assert_int_equal(pair.out[0].n, 2);
    assert_true(listener->peer->session.current->initiator);
}

/* Paper 6.2: a responder does not rekey; with data and a key of REJECT_AFTER_TIME it initiates. */
static void
a_responder_initiates_only_when_its_key_is_too_old_to_send(void **state)
{
    (void)state;
    pair_for_both(old_key);
}

/* A copy of the last data message of node 0. */
static uint8_t copy[NODE_MESSAGE_MAX];
static size_t copy_len;

static bool
copy_and_lose_data(unsigned from, uint8_t *packet, size_t len)
{
    if (from != 0 || packet[IPV4_HEADER_LEN + UDP_HEADER_LEN] != MESSAGE_DATA)
        return true;
    memcpy(copy, packet, len);
    copy_len = len;
    return false;
}

/* Paper 6.2: both directions. */
static void
reject_after_time_stops_receiving(void **state)
{
    (void)state;
    for (unsigned late = 0; late < 2; late++) {
        wgt_time birth;

        begin_with_session(703, TRANSPORT_UDP);
        pair.wire = copy_and_lose_data;
        copy_len = 0;
        pair_offer(0, 5, 1);
        assert_true(copy_len > 0);
        pair.wire = pair_nothing_passes; /* no other keys */
        birth = listener->peer->session.current->birth - listener->clock_offset;
        pair_run_to(birth + 180 * S - PAIR_DELAY - (late == 0 ? 1 : 0));
        pair.wire = NULL;
        pair_send(0, copy, copy_len);
        pair_run_for(PAIR_DELAY);
        assert_int_equal(pair.out[1].n, late == 0 ? 1 : 0);
        assert_int_equal(pair_drops(1, WGT_DROP_DATA_EXPIRED), late);
        pair_finish();
    }
}

/* --- under load ----------------------------------------------------------------------------------
 */

static struct {
    unsigned n;
    wgt_time at;
    bool mac2;
    uint8_t packet[256];
    size_t len;
} asked; /* node 0's initiations */

static bool
watch_initiations(unsigned from, uint8_t *packet, size_t len)
{
    static const uint8_t none[NOISE_MAC_LEN];
    const uint8_t *message = packet + IPV4_HEADER_LEN + UDP_HEADER_LEN;

    if (from == 0 && message[0] == MESSAGE_INITIATION) {
        asked.n++;
        asked.at = pair.now;
        asked.mac2 =
            memcmp(message + MESSAGE_INITIATION_LEN - NOISE_MAC_LEN, none, sizeof(none)) != 0;
        memcpy(asked.packet, packet, len);
        asked.len = len;
    }
    return true;
}

/* So many more events wait behind those that the node has. */
static void
load_node(const struct node *node, unsigned n)
{
    struct tunnel_event filler = {.type = TUNNEL_EVENT_HANDSHAKE}; /* no message: dropped */

    while (n-- > 0)
        assert_int_equal(rte_ring_enqueue_elem(node->events[0], &filler, sizeof(filler)), 0);
}

static void
load(unsigned n)
{
    load_node(listener, n);
}

static void
run_until_asked(unsigned n)
{
    while (asked.n < n || rte_ring_empty(listener->events[0]))
        pair_run_for(MS);
}

static void
begin_to_ask(uint64_t seed)
{
    begin(seed, TRANSPORT_UDP, 5 * MS);
    memset(&asked, 0, sizeof(asked));
    pair.wire = watch_initiations;
    pair_offer(0, 0, 1);
    run_until_asked(1);
    assert_false(asked.mac2);
}

/* Paper 5.3, 5.4.7; Linux's wg_receive_handshake_packet: loaded with an eighth of the queue in use.
 * A cookie instead of an answer; it is used by the next initiation and brings none of its own. */
static void
under_load_a_cookie_has_to_be_shown(void **state)
{
    (void)state;
    begin_to_ask(710);
    load(TUNNEL_RING_SIZE / 8);
    pair_run_for(100 * MS);
    assert_int_equal(pair.node[1].handshaker.drops.n[WGT_DROP_MAC2_UNDER_LOAD], 1);
    assert_int_equal(listener->handshaker.responses_sent, 0);
    assert_int_equal(listener->handshaker.cookies_sent, 1);
    assert_int_equal(dialler->handshaker.cookies_received, 1);
    pair_run_to(asked.at + 5 * S - MS);
    assert_int_equal(asked.n, 1);
    run_until_asked(2);
    assert_true(asked.mac2);
    load(TUNNEL_RING_SIZE / 8);
    pair_run_for(100 * MS);
    assert_int_equal(listener->handshaker.responses_sent, 1);
    assert_int_equal(listener->handshaker.cookies_sent, 1);
    assert_int_equal(pair.out[1].n, 1);
    pair_finish();
}

/* Node 0 has sent n initiations and has not looked at the answer. */
static void
run_until_answered(unsigned n)
{
    while (initiations(0) < n || rte_ring_empty(dialler->events[0]))
        pair_run_for(MS);
}

static void
under_load_a_response_has_to_show_a_cookie_too(void **state)
{
    static struct peer_history known;
    struct node_config config[2];

    (void)state;
    pair_configure(config, TRANSPORT_UDP);
    config[0].control_delay = 5 * MS;
    pair_begin(714, IP_V4, config, NULL);
    dialler->peer->history = &known; /* to ask for one would be an event, too */
    pair_offer(0, 0, 1);
    run_until_answered(1);
    load_node(dialler, TUNNEL_RING_SIZE / 8);
    pair_run_for(100 * MS);
    assert_int_equal(dialler->handshaker.drops.n[WGT_DROP_MAC2_UNDER_LOAD], 1);
    assert_int_equal(dialler->handshaker.cookies_sent, 1);
    assert_int_equal(listener->handshaker.cookies_received, 1);
    assert_null(dialler->peer->session.current);
    run_until_answered(2);
    load_node(dialler, TUNNEL_RING_SIZE / 8);
    pair_run_for(100 * MS);
    assert_int_equal(dialler->handshaker.cookies_sent, 1);
    assert_int_equal(dialler->handshaker.responses_received, 1);
    assert_int_equal(pair.out[1].n, 1);
    pair_finish();
}

/* The worker reads its clock at the start of a turn: what it takes over then from the other thread
 * may bear a later time, and is as new as can be, not as old. */
static void
a_key_from_a_clock_that_is_ahead(enum transport_kind kind)
{
    struct node_config config[2];

    pair_configure(config, kind);
    config[0].control_ahead = config[1].control_ahead = 50 * WGT_USEC;
    pair_begin(715, IP_V4, config, NULL);
    pair_offer(0, 0, 1);
    pair_run_for(100 * MS);
    assert_int_equal(pair.out[1].n, 1);
    pair_offer(1, 0, 1);
    pair_run_for(100 * MS);
    assert_int_equal(pair.out[0].n, 1);
}

static void
a_new_key_is_usable_at_once_whichever_clock_is_ahead(void **state)
{
    (void)state;
    pair_for_both(a_key_from_a_clock_that_is_ahead);
}

static void
a_queue_that_is_shorter_is_no_load(void **state)
{
    (void)state;
    begin_to_ask(711);
    load(TUNNEL_RING_SIZE / 8 - 2);
    pair_run_for(100 * MS);
    assert_int_equal(listener->handshaker.cookies_sent, 0);
    assert_int_equal(listener->handshaker.responses_sent, 1);
    pair_finish();
}

/* The load counts for a second after the last such moment. */
static void
load_lasts_a_second(void **state)
{
    (void)state;
    for (unsigned later = 0; later < 2; later++) {
        begin_to_ask(712);
        load(TUNNEL_RING_SIZE / 8);
        pair_run_for(5 * MS);
        assert_int_equal(listener->handshaker.cookies_sent, 1);
        pair_run_for(later == 0 ? 900 * MS : 1010 * MS);
        pair_send(0, asked.packet, asked.len);
        pair_run_for(10 * MS);
        assert_int_equal(listener->handshaker.cookies_sent, later == 0 ? 2 : 1);
        assert_int_equal(listener->handshaker.responses_sent, later);
        pair_finish();
    }
}

/* Linux's ratelimiter: who has shown a cookie may send 20 a second, 5 at once; and only under load
 * is it asked. */
static void
under_load_a_source_has_its_rate(void **state)
{
    (void)state;
    begin_to_ask(713);
    load(TUNNEL_RING_SIZE / 8);
    run_until_asked(2);
    load(TUNNEL_RING_SIZE / 8);
    for (unsigned i = 0; i < 7; i++)
        pair_send(0, asked.packet, asked.len);
    pair_run_for(200 * MS); /* the fillers are first; what was spent on the good one comes back */
    assert_int_equal(listener->handshaker.responses_sent, 1);
    assert_int_equal(listener->handshaker.drops.n[WGT_DROP_HANDSHAKE_REPLAY], 5);
    assert_int_equal(listener->handshaker.drops.n[WGT_DROP_RATE_LIMIT], 2);
    pair_run_for(2 * S);
    for (unsigned i = 0; i < 20; i++)
        pair_send(0, asked.packet, asked.len);
    pair_run_for(20 * MS);
    assert_int_equal(listener->handshaker.drops.n[WGT_DROP_HANDSHAKE_REPLAY], 25);
    assert_int_equal(listener->handshaker.drops.n[WGT_DROP_RATE_LIMIT], 2);
    pair_finish();
}

/* --- indices -------------------------------------------------------------------------------------
 */

static uint32_t drawn;

/* The first three draws of an index are the same. */
static void
draw_again(void *ctx, void *buf, size_t len)
{
    static const uint32_t indices[] = {77, 77, 77, 78};

    (void)ctx;
    memset(buf, 5, len);
    if (len == sizeof(uint32_t))
        memcpy(buf, &indices[drawn < 3 ? drawn++ : 3], len);
}

/* Linux's wg_index_hashtable_insert: unique among handshakes and sessions. */
static void
an_index_in_use_is_drawn_again(void **state)
{
    (void)state;
    begin(720, TRANSPORT_UDP, 0);
    drawn = 0;
    listener->handshaker.entropy = draw_again;
    pair_offer(0, 0, 1);
    pair_run_to(130 * S);
    assert_int_equal(listener->peer->session.current->local_index, 77);
    pair_offer(0, 1, 1);
    pair_run_for(S);
    assert_int_equal(listener->peer->stats.handshakes, 2);
    assert_int_equal(listener->peer->session.current->local_index, 78);
    assert_int_equal(listener->peer->session.previous->local_index, 77);
    pair_finish();
}

/* --- datagrams -----------------------------------------------------------------------------------
 */

static unsigned n_type[5];

static bool
check_datagram(unsigned from, uint8_t *packet, size_t len)
{
    const uint8_t *udp = packet + IPV4_HEADER_LEN;
    unsigned type = udp[UDP_HEADER_LEN];
    struct udp_header parsed;
    struct ip_header ip;

    (void)from;
    assert_int_equal(ip_parse(packet, len, true, &ip), WGT_OK);
    assert_int_equal(ip.protocol, IP_PROTO_UDP);
    assert_false(ip.dont_fragment);
    assert_int_not_equal(get_be16(udp + 6), 0);
    assert_int_equal(udp_parse(&ip, packet + ip.header_len, true, &parsed), WGT_OK);
    assert_in_range(type, MESSAGE_INITIATION, MESSAGE_DATA);
    n_type[type]++;
    assert_int_equal(ip.traffic_class,
                     type == MESSAGE_INITIATION || type == MESSAGE_RESPONSE ? 0x88 : 0);
    return true;
}

/* Linux's HANDSHAKE_DSCP; its data messages have the inner ECN and no DSCP
 * (rfc6040_ecn_through_udp), cookies and keepalives neither. Datagrams may be cut, and have a
 * checksum over IPv4, too. */
static void
handshakes_have_dscp_af41_and_all_else_has_none(void **state)
{
    (void)state;
    begin(730, TRANSPORT_UDP, 5 * MS);
    memset(&asked, 0, sizeof(asked));
    memset(n_type, 0, sizeof(n_type));
    pair.wire = check_datagram;
    pair_offer(0, 0, 1);
    while (rte_ring_empty(listener->events[0]))
        pair_run_for(MS);
    load(TUNNEL_RING_SIZE / 8);
    pair_run_to(30 * S);
    assert_int_equal(n_type[MESSAGE_INITIATION], 2);
    assert_int_equal(n_type[MESSAGE_RESPONSE], 1);
    assert_int_equal(n_type[MESSAGE_COOKIE_REPLY], 1);
    assert_int_equal(n_type[MESSAGE_DATA], 2); /* the packet, and a keepalive after 10 s */
    pair_finish();
}

/* --- what `wg` counts ----------------------------------------------------------------------------
 */

static void
pings(enum transport_kind kind)
{
    const struct peer_stats *s;
    uint8_t packet[84];

    begin(740, kind, 0);
    for (unsigned i = 0; i < 10; i++) {
        for (unsigned node = 0; node < 2; node++) {
            pair_packet(packet, node, 1 - node, IP_V4, 0, i, sizeof(packet));
            node_rx_inner(&pair.node[node], pair.now, packet, sizeof(packet));
            node_settle(&pair.node[node], pair.now);
            pair_run_for(100 * MS);
        }
    }
    s = &dialler->peer->stats;
    /* initiation and ten messages of 84 bytes, padded to 96; response and as many */
    assert_int_equal(s->tx_bytes, MESSAGE_INITIATION_LEN + 10 * 128);
    assert_int_equal(s->rx_bytes, MESSAGE_RESPONSE_LEN + 10 * 128);
}

static void
bytes_are_counted_as_whole_messages(void **state)
{
    (void)state;
    pair_for_both(pings);
}

int
main(void)
{
#define T(name) cmocka_unit_test_teardown(name, pair_clean_up)
    const struct CMUnitTest tests[] = {
        T(a_session_over_tcp_has_a_wide_window),
        T(rekey_after_messages_holds_for_both_roles),
        T(reject_after_messages_stops_sending),
        T(a_responder_initiates_only_when_its_key_is_too_old_to_send),
        T(reject_after_time_stops_receiving),
        T(under_load_a_cookie_has_to_be_shown),
        T(under_load_a_response_has_to_show_a_cookie_too),
        T(a_queue_that_is_shorter_is_no_load),
        T(a_new_key_is_usable_at_once_whichever_clock_is_ahead),
        T(load_lasts_a_second),
        T(under_load_a_source_has_its_rate),
        T(an_index_in_use_is_drawn_again),
        T(handshakes_have_dscp_af41_and_all_else_has_none),
        T(bytes_are_counted_as_whole_messages),
    };

    return cmocka_run_group_tests(tests, sim_group_setup, sim_group_teardown);
}
