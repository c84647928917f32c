/* SPDX-License-Identifier: BSD-3-Clause */
/* Each of the usual mistakes is told by its name, and nothing is found where nothing is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <wgtcpd/control/diagnose.h>

#include "snapshot_rig.h"

enum { UDP_PEER, TCP_PEER };

static json_t *answer;
static char *text; /* of the answer */

static int
setup(void **state)
{
    answer = NULL;
    text = NULL;
    return rig_setup(state);
}

static int
teardown(void **state)
{
    json_decref(answer);
    free(text);
    return rig_teardown(state);
}

static void
run(void)
{
    char error[DIAGNOSE_ERROR_MAX];

    answer = diagnose(&rig.s, &rig.ips, NULL, error);
    assert_non_null(answer);
    text = json_dumps(answer, 0);
}

static const char *
id_of(json_t *findings, size_t i)
{
    json_t *f = json_array_get(findings, i);

    return f != NULL ? json_string_value(json_object_get(f, "id")) : "(none)";
}

static json_t *
findings_of(unsigned peer)
{
    return json_object_get(json_array_get(json_object_get(answer, "peers"), peer), "findings");
}

/* The one finding about the peer, while the other one works. */
static void
expect_finding(unsigned peer, const char *id)
{
    run();
    assert_string_equal(id_of(findings_of(peer), 0), id);
    assert_int_equal(json_array_size(findings_of(peer)), 1);
    assert_string_equal(id_of(findings_of(1 - peer), 0), "working");
}

static void
expect_text(const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("there is no '%s' in: %s", part, text);
}

static void
no_handshake(unsigned peer)
{
    rig.peers[peer].handshaken = rig.peers[peer].session = false;
    rig.peers[peer].stats = (struct peer_stats){.tx_packets = 0};
    rig.peers[peer].initiations_sent = 3;
    rig.peers[peer].connected = false;
}

static void
set_trouble(unsigned peer, enum peer_trouble which, uint32_t n)
{
    rig.peers[peer].trouble[which] = rig_trouble(n, WGT_SEC);
}

static void
set_handshake_trouble(unsigned peer, enum handshake_trouble which, uint32_t n)
{
    rig.peers[peer].handshake_trouble[which] = rig_trouble(n, WGT_SEC);
}

/* --- nothing is wrong --- */

static void
a_peer_that_works(void **state)
{
    (void)state;
    expect_finding(UDP_PEER, "working");
    expect_text("latest handshake 12 s ago");
}

static void
a_peer_that_is_idle(void **state)
{
    (void)state;
    rig.peers[UDP_PEER].session = false;
    rig.peers[UDP_PEER].handshake_age = 400 * WGT_SEC;
    expect_finding(UDP_PEER, "idle");
}

static void
troubles_before_the_last_handshake_are_over(void **state)
{
    (void)state;
    for (unsigned i = 0; i < HANDSHAKE_TROUBLE_COUNT; i++)
        rig.peers[UDP_PEER].handshake_trouble[i] = rig_trouble(9, 13 * WGT_SEC);
    rig.peers[UDP_PEER].session = false;
    expect_finding(UDP_PEER, "idle");
}

static void
one_rekey_under_way_is_no_trouble(void **state)
{
    (void)state;
    set_trouble(UDP_PEER, PEER_TROUBLE_UNANSWERED, 1);
    expect_finding(UDP_PEER, "working");
}

/* --- no handshake --- */

static void
nothing_came_back(void **state)
{
    (void)state;
    no_handshake(UDP_PEER);
    set_trouble(UDP_PEER, PEER_TROUBLE_UNANSWERED, 4);
    rig.s.worker.outer_rx = 0;
    rig.s.data_drops.n[WGT_DROP_NEIGHBOUR_UNRESOLVED] = 2;
    expect_finding(UDP_PEER, "no_answer");
    expect_text("4 initiations sent");
    expect_text("nothing at all has arrived");
    expect_text("ARP");
}

static void
icmp_says_that_the_udp_port_is_closed(void **state)
{
    (void)state;
    no_handshake(UDP_PEER);
    set_trouble(UDP_PEER, PEER_TROUBLE_UNANSWERED, 4);
    set_trouble(UDP_PEER, PEER_TROUBLE_UDP_UNREACHABLE, 4);
    expect_finding(UDP_PEER, "udp_unreachable");
    json_decref(answer);
    free(text);
    set_trouble(UDP_PEER, PEER_TROUBLE_UDP_REFUSED, 1);
    expect_finding(UDP_PEER, "udp_refused");
    expect_text("192.0.2.1:51820");
}

static void
tcp_port_refused_silent_or_unreachable(void **state)
{
    static const struct {
        enum peer_trouble trouble;
        const char *id;
    } ends[] = {
        {PEER_TROUBLE_DIAL_REFUSED, "tcp_refused"},
        {PEER_TROUBLE_DIAL_UNANSWERED, "tcp_unanswered"},
        {PEER_TROUBLE_DIAL_UNREACHABLE, "tcp_unreachable"},
        {PEER_TROUBLE_DIAL_RESET, "tcp_reset"},
        {PEER_TROUBLE_DIAL_UNSENT, "tcp_unsent"},
    };

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        teardown(state);
        setup(state);
        no_handshake(TCP_PEER);
        rig.peers[TCP_PEER].path = TRANSPORT_NONE;
        for (unsigned j = PEER_TROUBLE_DIAL_REFUSED; j <= PEER_TROUBLE_DIAL_UNSENT; j++)
            rig.peers[TCP_PEER].trouble[j] = rig_trouble(1, 50 * WGT_SEC);
        set_trouble(TCP_PEER, ends[i].trouble, 2); /* the last one counts */
        expect_finding(TCP_PEER, ends[i].id);
    }
}

static void
a_first_syn_without_an_answer(void **state)
{
    (void)state;
    no_handshake(TCP_PEER);
    rig.peers[TCP_PEER].connected = true;
    rig.peers[TCP_PEER].connection.info.state = TCP_SYN_SENT;
    rig.peers[TCP_PEER].connection.info.rto = 2 * WGT_SEC;
    rig.peers[TCP_PEER].dials = 1;
    rig.peers[TCP_PEER].queue_delay = WGT_SEC; /* of what waits for a handshake */
    expect_finding(TCP_PEER, "tcp_unanswered");
}

static void
the_peer_has_a_wrong_key_of_ours(void **state)
{
    (void)state;
    no_handshake(UDP_PEER);
    rig.s.data_strangers.of[2] = (struct stranger){
        .from = rig_endpoint("192.0.2.1", 51820),
        .why = WGT_DROP_MAC1,
        .seen = rig_trouble(3, WGT_SEC),
    };
    set_trouble(UDP_PEER, PEER_TROUBLE_UNANSWERED, 4);
    expect_finding(UDP_PEER, "wrong_public_key_there");
    expect_text("PublicKey = qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo=");
}

static void
a_mistake_that_was_mended_does_not_hide_the_next(void **state)
{
    (void)state;
    no_handshake(UDP_PEER);
    rig.s.data_strangers.of[2] = (struct stranger){
        .from = rig_endpoint("192.0.2.1", 51820),
        .why = WGT_DROP_MAC1,
        .seen = rig_trouble(3, 5 * WGT_SEC),
    };
    set_trouble(UDP_PEER, PEER_TROUBLE_UNCONFIRMED, 2);
    expect_finding(UDP_PEER, "responses_unconfirmed");
}

static void
we_have_a_wrong_key_of_the_peer(void **state)
{
    (void)state;
    no_handshake(UDP_PEER);
    rig.s.handshake_strangers.of[0] = (struct stranger){
        .from = rig_endpoint("192.0.2.1", 9),
        .why = WGT_DROP_HANDSHAKE_UNKNOWN_PEER,
        .seen = rig_trouble(3, WGT_SEC),
    };
    expect_finding(UDP_PEER, "wrong_public_key_here");
    expect_text("PublicKey = AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
}

static void
a_stranger_from_elsewhere_is_not_the_peer(void **state)
{
    (void)state;
    no_handshake(UDP_PEER);
    set_trouble(UDP_PEER, PEER_TROUBLE_UNANSWERED, 4);
    rig.s.data_strangers.of[0] = (struct stranger){
        .from = rig_endpoint("198.51.100.1", 51820),
        .why = WGT_DROP_MAC1,
        .seen = rig_trouble(3, WGT_SEC),
    };
    expect_finding(UDP_PEER, "no_answer");
}

static void
wrong_preshared_key(void **state)
{
    (void)state;
    no_handshake(UDP_PEER);
    set_trouble(UDP_PEER, PEER_TROUBLE_UNANSWERED, 4);
    set_handshake_trouble(UDP_PEER, HANDSHAKE_TROUBLE_RESPONSE_TAG, 4);
    expect_finding(UDP_PEER, "wrong_preshared_key");
    expect_text("no PresharedKey");
}

static void
our_responses_are_not_confirmed(void **state)
{
    (void)state;
    no_handshake(UDP_PEER);
    set_trouble(UDP_PEER, PEER_TROUBLE_UNCONFIRMED, 2);
    expect_finding(UDP_PEER, "responses_unconfirmed");
}

static void
a_clock_was_set_back(void **state)
{
    (void)state;
    no_handshake(UDP_PEER);
    set_trouble(UDP_PEER, PEER_TROUBLE_UNANSWERED, 4);
    set_handshake_trouble(UDP_PEER, HANDSHAKE_TROUBLE_CLOCK_BACK, 1);
    expect_finding(UDP_PEER, "clock_here");
}

static void
its_clock_was_set_back(void **state)
{
    (void)state;
    no_handshake(UDP_PEER);
    set_handshake_trouble(UDP_PEER, HANDSHAKE_TROUBLE_INITIATION_REPLAY, 1);
    expect_finding(UDP_PEER, "clock_there");
}

static void
no_endpoint_and_a_name_without_address(void **state)
{
    static const char host[] = "vpn.example";
    struct device_name *name = calloc(1, sizeof(*name) + sizeof(host));

    (void)state;
    no_handshake(UDP_PEER);
    rig.peers[UDP_PEER].endpoint.addr.family = IP_NONE;
    set_trouble(UDP_PEER, PEER_TROUBLE_NO_ENDPOINT, 7);
    expect_finding(UDP_PEER, "no_endpoint");
    expect_text("7 packets");
    json_decref(answer);
    free(text);
    assert_non_null(name);
    memcpy(name->host, host, sizeof(host));
    rig.device[UDP_PEER].name = name;
    expect_finding(UDP_PEER, "name_unresolved");
    expect_text(host);
    free(name);
}

static void
nothing_was_sent_yet(void **state)
{
    (void)state;
    no_handshake(UDP_PEER);
    rig.peers[UDP_PEER].initiations_sent = 0;
    expect_finding(UDP_PEER, "never_tried");
    json_decref(answer);
    free(text);
    allowedips_remove_value(&rig.ips, &rig.tunnel[UDP_PEER]);
    expect_finding(UDP_PEER, "no_allowed_ips");
}

/* --- packets --- */

static void
an_inner_source_that_is_not_allowed(void **state)
{
    (void)state;
    set_trouble(UDP_PEER, PEER_TROUBLE_SOURCE_DENIED, 3);
    rig.peers[UDP_PEER].denied_source = rig_addr("10.9.0.77");
    expect_finding(UDP_PEER, "source_denied");
    expect_text("no peer here has that address");
    expect_text("add 10.9.0.77/32");
}

static void
an_inner_source_of_another_peer(void **state)
{
    (void)state;
    set_trouble(UDP_PEER, PEER_TROUBLE_SOURCE_DENIED, 3);
    rig.peers[UDP_PEER].denied_source = rig_addr("fd09::2");
    expect_finding(UDP_PEER, "source_denied");
    expect_text("belongs to the peer ERERERERERERERERERERERERERERERERERERERERERE=");
}

static void
a_narrow_path(void **state)
{
    (void)state;
    rig.peers[UDP_PEER].inner_mtu = 1280;
    set_trouble(UDP_PEER, PEER_TROUBLE_TOO_BIG, 2);
    expect_finding(UDP_PEER, "mtu");
    expect_text("MTU = 1280");
}

static void
two_devices_with_one_key(void **state)
{
    (void)state;
    set_trouble(UDP_PEER, PEER_TROUBLE_ENDPOINT_FLAP, 2);
    rig.peers[UDP_PEER].heard_before = rig_endpoint("192.0.2.99", 1);
    expect_finding(UDP_PEER, "working");
    json_decref(answer);
    free(text);
    set_trouble(UDP_PEER, PEER_TROUBLE_ENDPOINT_FLAP, 3);
    expect_finding(UDP_PEER, "two_devices");
    expect_text("192.0.2.99:1");
}

static void
packets_go_and_none_come(void **state)
{
    (void)state;
    rig.peers[UDP_PEER].stats.rx_packets = 0;
    expect_finding(UDP_PEER, "nothing_inside_comes_back");
}

static void
a_lossy_path_and_a_long_queue(void **state)
{
    (void)state;
    rig.peers[TCP_PEER].connection.info.bytes_acked = 2000000;
    rig.peers[TCP_PEER].connection.info.bytes_lost = 90000;
    expect_finding(TCP_PEER, "working");
    json_decref(answer);
    free(text);
    rig.peers[TCP_PEER].connection.info.bytes_lost = 200000;
    expect_finding(TCP_PEER, "loss");
    json_decref(answer);
    free(text);
    rig.peers[TCP_PEER].connection.info.bytes_lost = 0;
    rig.peers[TCP_PEER].queue_delay = 300 * WGT_MSEC;
    expect_finding(TCP_PEER, "queue");
}

/* --- the interface --- */

static void
packets_for_no_peer(void **state)
{
    (void)state;
    rig.s.unrouted = rig_trouble(2, WGT_SEC);
    rig.s.unrouted_to = rig_addr("10.9.0.77");
    expect_finding(UDP_PEER, "working");
    assert_string_equal(id_of(json_object_get(answer, "findings"), 0), "no_peer_for_destination");
    expect_text("10.9.0.77");
}

static void
an_interface_without_key_or_peers(void **state)
{
    (void)state;
    rig.s.has_private_key = false;
    rig.s.n_peers = 0;
    run();
    assert_string_equal(id_of(json_object_get(answer, "findings"), 0), "no_private_key");
    assert_string_equal(id_of(json_object_get(answer, "findings"), 1), "no_peers");
}

/* --- who is meant --- */

static const char *
key_of_only_peer(const char *who, char error[DIAGNOSE_ERROR_MAX])
{
    json_t *peers;

    json_decref(answer);
    answer = diagnose(&rig.s, &rig.ips, who, error);
    if (answer == NULL)
        return NULL;
    peers = json_object_get(answer, "peers");
    assert_int_equal(json_array_size(peers), 1);
    return json_string_value(json_object_get(json_array_get(peers, 0), "public_key"));
}

static void
a_peer_by_key_beginning_or_address(void **state)
{
    static const char first[] = "EBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBA=";
    char error[DIAGNOSE_ERROR_MAX];

    (void)state;
    assert_string_equal(key_of_only_peer(first, error), first);
    assert_string_equal(key_of_only_peer("EBAQ", error), first);
    assert_string_equal(key_of_only_peer("10.9.0.1", error), first);
    assert_null(key_of_only_peer("EBA", error)); /* too short */
    assert_null(key_of_only_peer("no such peer", error));
    assert_non_null(strstr(error, "has no peer"));
    assert_null(key_of_only_peer("10.9.0.9", error));
    assert_non_null(strstr(error, "no peer of wg0 has 10.9.0.9 in its AllowedIPs"));
    assert_null(key_of_only_peer("qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo=", error));
    assert_non_null(strstr(error, "own public key"));
    memcpy(rig.peers[1].public_key, rig.peers[0].public_key, 16);
    assert_null(key_of_only_peer("EBAQ", error));
    assert_non_null(strstr(error, "several"));
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_peer_that_works),
        T(a_peer_that_is_idle),
        T(troubles_before_the_last_handshake_are_over),
        T(one_rekey_under_way_is_no_trouble),
        T(nothing_came_back),
        T(icmp_says_that_the_udp_port_is_closed),
        T(tcp_port_refused_silent_or_unreachable),
        T(a_first_syn_without_an_answer),
        T(the_peer_has_a_wrong_key_of_ours),
        T(a_mistake_that_was_mended_does_not_hide_the_next),
        T(we_have_a_wrong_key_of_the_peer),
        T(a_stranger_from_elsewhere_is_not_the_peer),
        T(wrong_preshared_key),
        T(our_responses_are_not_confirmed),
        T(a_clock_was_set_back),
        T(its_clock_was_set_back),
        T(no_endpoint_and_a_name_without_address),
        T(nothing_was_sent_yet),
        T(an_inner_source_that_is_not_allowed),
        T(an_inner_source_of_another_peer),
        T(a_narrow_path),
        T(two_devices_with_one_key),
        T(packets_go_and_none_come),
        T(a_lossy_path_and_a_long_queue),
        T(packets_for_no_peer),
        T(an_interface_without_key_or_peers),
        T(a_peer_by_key_beginning_or_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
