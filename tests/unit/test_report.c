/* SPDX-License-Identifier: BSD-3-Clause */
/* The report as JSON: names, units, and no secrets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <wgtcpd/control/report.h>

#include "snapshot_rig.h"

static json_t *
part(json_t *o, const char *name)
{
    json_t *p = json_object_get(o, name);

    if (p == NULL)
        fail_msg("there is no %s", name);
    return p;
}

static void
expect(json_t *o, const char *name, const char *want)
{
    char *got = json_dumps(part(o, name), JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(12));

    assert_string_equal(got, want);
    free(got);
}

static json_t *
peer_of(json_t *report, size_t i)
{
    json_t *peer = json_array_get(part(report, "peers"), i);

    assert_non_null(peer);
    return peer;
}

static void
the_interface(void **state)
{
    json_t *r;

    (void)state;
    rig.s.worker.inner_tx = 5;
    rig.s.tcp.dialled = 3;
    r = report_show(&rig.s, &rig.ips);
    expect(r, "interface", "\"wg0\"");
    expect(r, "public_key", "\"qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo=\"");
    expect(r, "listening_port", "51820");
    expect(r, "mtu_bytes", "1392");
    expect(r, "uptime_s", "999");
    expect(part(r, "packets"), "inner_sent", "5");
    expect(part(r, "tcp"), "dialled", "3");
    expect(r, "drops", "[]");
    expect(r, "strangers", "[]");
    assert_null(json_object_get(r, "unrouted"));
    assert_int_equal(json_array_size(part(r, "peers")), 2);
    json_decref(r);
}

static void
a_peer_over_udp(void **state)
{
    json_t *r, *p;

    (void)state;
    rig.device[0].keepalive = 25;
    r = report_show(&rig.s, &rig.ips);
    p = peer_of(r, 0);
    expect(p, "public_key", "\"EBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBA=\"");
    expect(p, "transport", "\"udp\"");
    expect(p, "configured_transport", "\"udp\"");
    expect(p, "endpoint", "\"192.0.2.1:51820\"");
    expect(p, "allowed_ips", "[\"10.9.0.1/32\"]");
    expect(p, "persistent_keepalive_s", "25");
    expect(p, "latest_handshake_s", "1700000000");
    expect(p, "handshake_age_ms", "12000.0");
    expect(p, "received_bytes", "1536");
    expect(p, "sent_bytes", "2048");
    expect(p, "trouble", "{}");
    assert_null(json_object_get(p, "connection"));
    json_decref(r);
}

static void
a_peer_over_tcp(void **state)
{
    json_t *r = report_show(&rig.s, &rig.ips), *c = part(peer_of(r, 1), "connection");

    (void)state;
    expect(c, "state", "\"ESTABLISHED\"");
    expect(c, "dialled", "true");
    expect(c, "local", "\"[2001:db8::1]:40000\"");
    expect(c, "rtt_ms", "3.6");
    expect(c, "cwnd_bytes", "15360");
    expect(c, "early_delivered", "7");
    assert_null(json_object_get(c, "min_rtt_ms")); /* not known */
    json_decref(r);
}

static void
a_peer_that_was_never_heard(void **state)
{
    json_t *r, *p;

    (void)state;
    rig.peers[0].handshaken = rig.peers[0].session = false;
    rig.peers[0].path = TRANSPORT_NONE;
    rig.peers[0].endpoint.addr.family = rig.device[0].endpoint.addr.family = IP_NONE;
    r = report_show(&rig.s, &rig.ips);
    p = peer_of(r, 0);
    expect(p, "transport", "\"none\"");
    assert_null(json_object_get(p, "endpoint"));
    assert_null(json_object_get(p, "latest_handshake_s"));
    assert_null(json_object_get(p, "handshake_age_ms"));
    json_decref(r);
}

static void
drops_have_their_reason_and_text(void **state)
{
    json_t *r, *d;

    (void)state;
    rig.s.data_drops.n[WGT_DROP_NO_PEER] = 2;
    rig.s.handshake_drops.n[WGT_DROP_HANDSHAKE_TAG] = 1;
    r = report_show(&rig.s, &rig.ips);
    d = part(r, "drops");
    assert_int_equal(json_array_size(d), 2);
    expect(json_array_get(d, 0), "where", "\"data\"");
    expect(json_array_get(d, 0), "reason", "\"no_peer\"");
    expect(json_array_get(d, 0), "count", "2");
    expect(json_array_get(d, 1), "where", "\"handshake\"");
    expect(json_array_get(d, 1), "reason", "\"handshake_tag\"");
    json_decref(r);
}

static void
troubles_have_a_count_and_an_age(void **state)
{
    json_t *r, *t;

    (void)state;
    rig.peers[0].trouble[PEER_TROUBLE_SOURCE_DENIED] = rig_trouble(3, 5 * WGT_SEC);
    rig.peers[0].denied_source = rig_addr("10.9.0.77");
    rig.peers[0].handshake_trouble[HANDSHAKE_TROUBLE_RESPONSE_TAG] = rig_trouble(1, WGT_SEC);
    r = report_show(&rig.s, &rig.ips);
    t = part(peer_of(r, 0), "trouble");
    assert_int_equal(json_object_size(t), 2);
    expect(part(t, "packets_source_denied"), "count", "3");
    expect(part(t, "packets_source_denied"), "age_ms", "5000.0");
    expect(part(t, "packets_source_denied"), "source", "\"10.9.0.77\"");
    expect(part(t, "responses_not_decrypted"), "count", "1");
    json_decref(r);
}

static void
every_trouble_has_a_name_of_its_own(void **state)
{
    const char *names[PEER_TROUBLE_COUNT + HANDSHAKE_TROUBLE_COUNT];

    (void)state;
    for (unsigned i = 0; i < PEER_TROUBLE_COUNT; i++)
        names[i] = report_peer_trouble_name(i);
    for (unsigned i = 0; i < HANDSHAKE_TROUBLE_COUNT; i++)
        names[PEER_TROUBLE_COUNT + i] = report_handshake_trouble_name(i);
    for (unsigned i = 0; i < PEER_TROUBLE_COUNT + HANDSHAKE_TROUBLE_COUNT; i++) {
        assert_non_null(names[i]);
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(names[i], names[j]);
    }
}

static void
strangers_and_packets_for_nobody(void **state)
{
    json_t *r, *s;

    (void)state;
    rig.s.handshake_strangers.of[3] = (struct stranger){
        .from = rig_endpoint("198.51.100.7", 9),
        .why = WGT_DROP_HANDSHAKE_UNKNOWN_PEER,
        .seen = rig_trouble(4, WGT_SEC),
    };
    rig.s.unrouted = rig_trouble(2, WGT_SEC);
    rig.s.unrouted_to = rig_addr("fd09::77");
    r = report_show(&rig.s, &rig.ips);
    s = json_array_get(part(r, "strangers"), 0);
    expect(s, "endpoint", "\"198.51.100.7:9\"");
    expect(s, "reason", "\"handshake_unknown_peer\"");
    expect(s, "public_key", "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"");
    expect(s, "count", "4");
    expect(part(r, "unrouted"), "destination", "\"fd09::77\"");
    json_decref(r);
}

static void
no_secret_is_shown(void **state)
{
    struct handshaker_peer secrets = {.has_index = false};
    char *text, psk[45];
    json_t *r;

    (void)state;
    memset(secrets.remote.preshared_key, 0x5c, CONFIG_KEY_LEN);
    config_key_format(psk, secrets.remote.preshared_key);
    rig.tunnel[0].handshaker_peer = &secrets;
    r = report_show(&rig.s, &rig.ips);
    expect(peer_of(r, 0), "has_preshared_key", "true");
    expect(peer_of(r, 1), "has_preshared_key", "false");
    text = json_dumps(r, 0);
    assert_null(strstr(text, psk));
    free(text);
    json_decref(r);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        T(the_interface),
        T(a_peer_over_udp),
        T(a_peer_over_tcp),
        T(a_peer_that_was_never_heard),
        T(drops_have_their_reason_and_text),
        T(troubles_have_a_count_and_an_age),
        T(every_trouble_has_a_name_of_its_own),
        T(strangers_and_packets_for_nobody),
        T(no_secret_is_shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
