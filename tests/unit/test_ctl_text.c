/* SPDX-License-Identifier: BSD-3-Clause */
/* What wgtcpctl prints of an answer, to the letter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/ctl/ctl.h"

static const char report_json[] =
    "{'interface':'wg0','public_key':'OWN=','listening_port':51820,'fwmark':0,'mtu_bytes':1392,"
    "'uptime_s':3723,'packets':{'outer_received':100,'outer_sent':50},"
    "'drops':[{'where':'data','reason':'no_peer','count':12,'text':'no peer has it'},"
    "{'where':'handshake','reason':'mac1','count':1,'text':'mac1 wrong'}],"
    "'peers':[{'public_key':'FIRST=','configured_transport':'tcp','has_preshared_key':true,"
    "'persistent_keepalive_s':25,'transport':'tcp','endpoint':'192.0.2.1:51820',"
    "'endpoint_host':'vpn.example','allowed_ips':['10.9.0.1/32','fd09::1/128'],"
    "'handshake_age_ms':61900.5,'session':true,'received_bytes':1536,'sent_bytes':3145728,"
    "'dials':4,'dial_failures':1,'queue':{'packets':3,'bytes':4096,'delay_ms':2.25},"
    "'connection':{'state':'ESTABLISHED','dialled':true,'congestion_control':'bbr','rtt_ms':3.6,"
    "'min_rtt_ms':3.1,'cwnd_bytes':15360,'in_flight_bytes':0,'mss_bytes':1448,'ecn':true,"
    "'delivery_rate_bytes_per_s':2097152,'segments_retransmitted':12,'timeouts':1,"
    "'segments_sent_twice':2,'early_delivered':34,'recut':false},"
    "'trouble':{'packets_source_denied':{'count':3,'age_ms':5000.0,'source':'10.9.0.77'}}},"
    "{'public_key':'SECOND=','configured_transport':'udp','transport':'none','allowed_ips':[],"
    "'received_bytes':0,'sent_bytes':0,'queue':{'packets':0},'trouble':{}}]}";

/* JSON with single quotes, as it can be read in C. */
static json_t *
parse(const char *text)
{
    char *copy = strdup(text);
    json_error_t error;
    json_t *o;

    for (char *c = copy; *c != '\0'; c++)
        if (*c == '\'')
            *c = '"';
    o = json_loads(copy, 0, &error);
    if (o == NULL)
        fail_msg("%s at %d", error.text, error.position);
    free(copy);
    return o;
}

static char *
print(void (*printer)(const struct out *o, const json_t *report), const json_t *report, bool colour)
{
    struct out o = {.colour = colour};
    char *text = NULL;
    size_t size;

    o.to = open_memstream(&text, &size);
    printer(&o, report);
    fclose(o.to);
    return text;
}

static void
expect_print(void (*printer)(const struct out *o, const json_t *report), const char *json,
             const char *want)
{
    json_t *report = parse(json);
    char *got = print(printer, report, false);

    assert_string_equal(got, want);
    free(got);
    json_decref(report);
}

static void
show(void **state)
{
    (void)state;
    expect_print(
        show_print, report_json,
        "interface: wg0\n"
        "  public key: OWN=\n"
        "  private key: (hidden)\n"
        "  listening port: 51820\n"
        "  mtu: 1392\n"
        "\n"
        "peer: FIRST=\n"
        "  preshared key: (hidden)\n"
        "  endpoint: 192.0.2.1:51820 (vpn.example)\n"
        "  allowed ips: 10.9.0.1/32, fd09::1/128\n"
        "  latest handshake: 1 minute, 1 second ago\n"
        "  transfer: 1.50 KiB received, 3.00 MiB sent\n"
        "  persistent keepalive: every 25 seconds\n"
        "  transport: tcp, dialled, ESTABLISHED, bbr, 1 of 4 dials failed\n"
        "  path: rtt 3.6 ms (least 3.1 ms), cwnd 15.00 KiB, in flight 0 B, rate 2.00 "
        "MiB/s, mss 1448, ecn\n"
        "  losses: 12 segments sent again, 1 timeouts, 2 sent twice, 34 messages delivered "
        "early\n"
        "  queue: 3 packets, 4.00 KiB, waiting for 2.2 ms\n"
        "  trouble: packets source denied: 3, the last 5 seconds ago (from 10.9.0.77)\n"
        "\n"
        "peer: SECOND=\n"
        "  allowed ips: (none)\n"
        "  transport: udp (not in use)\n");
}

static void
show_without_a_key(void **state)
{
    (void)state;
    expect_print(show_print, "{'interface':'wg0','listening_port':7,'fwmark':51820,'mtu_bytes':1}",
                 "interface: wg0\n"
                 "  public key: (none)\n"
                 "  listening port: 7\n"
                 "  fwmark: 0xca6c\n"
                 "  mtu: 1\n");
}

static void
drops(void **state)
{
    (void)state;
    expect_print(drops_print, report_json,
                 "interface: wg0\n"
                 "  data      no_peer                          12  no peer has it\n"
                 "  handshake mac1                              1  mac1 wrong\n"
                 "peer: FIRST=\n"
                 "  peer      packets_source_denied             3\n");
    expect_print(drops_print, "{'interface':'wg0','drops':[],'peers':[]}",
                 "interface: wg0\n"
                 "  nothing was dropped\n");
}

static void
drops_as_json(void **state)
{
    json_t *report = parse(report_json), *o = drops_of(report);

    (void)state;
    assert_int_equal(json_object_size(o), 3);
    assert_int_equal(json_array_size(part_of(o, "drops")), 2);
    assert_int_equal(json_array_size(part_of(o, "peers")), 2);
    json_decref(o);
    json_decref(report);
}

static const char diagnosis_json[] =
    "{'interface':'wg0','findings':[],'peers':[{'public_key':'FIRST=','findings':[{'id':'no_answer'"
    ","
    "'severity':'error','text':'Nothing comes back.','evidence':['4 initiations sent'],"
    "'advice':['check Endpoint']}]}]}";

static void
print_diagnosis(const struct out *o, const json_t *diagnosis)
{
    diagnosis_print(o, diagnosis);
}

static void
diagnosis(void **state)
{
    json_t *o = parse(diagnosis_json);

    (void)state;
    expect_print(print_diagnosis, diagnosis_json,
                 "interface: wg0\n"
                 "peer: FIRST=\n"
                 "  error: Nothing comes back. [no_answer]\n"
                 "    seen: 4 initiations sent\n"
                 "    do:   check Endpoint\n");
    assert_true(diagnosis_has_error(o));
    json_decref(o);
    o = parse("{'findings':[{'severity':'warning'}],'peers':[{'findings':[{'severity':'ok'}]}]}");
    assert_false(diagnosis_has_error(o));
    json_decref(o);
}

static void
colours_are_taken_back(void **state)
{
    json_t *report = parse(report_json);
    char *text = print(show_print, report, true);

    (void)state;
    assert_non_null(strstr(text, "\033[1;33mpeer\033[0m: FIRST="));
    free(text);
    json_decref(report);
}

static void
print_frame_of_two_seconds(const struct out *o, const json_t *now)
{
    json_t *before = json_deep_copy(now);
    json_t *peer = json_array_get(part_of(before, "peers"), 0);

    json_object_set_new(part_of(before, "packets"), "outer_received", json_integer(40));
    json_object_set_new(json_array_get(part_of(before, "drops"), 0), "count", json_integer(10));
    json_object_set_new(peer, "received_bytes", json_integer(512));
    json_object_set_new(peer, "sent_bytes", json_integer(3145729)); /* it has begun anew */
    json_object_set_new(part_of(peer, "connection"), "early_delivered", json_integer(31));
    watch_frame(o, now, before, 2);
    json_decref(before);
}

static void
print_first_frame(const struct out *o, const json_t *now)
{
    watch_frame(o, now, NULL, 0);
}

static void
rates_come_from_differences(void **state)
{
    json_t *report = parse(report_json);
    char *first = print(print_first_frame, report, false);

    (void)state;
    expect_print(
        print_frame_of_two_seconds, report_json,
        "wg0  port 51820, up 1 hour, 2 minutes, 3 seconds\n"
        "  packets:  outer in 30/s  out 0/s  inner in 0/s  out 0/s  dropped 1.0/s (13 in "
        "all)\n"
        "FIRST=  tcp 192.0.2.1:51820 ESTABLISHED  handshake 62 s ago\n"
        "   in 512 B/s  out 0 B/s  rtt 3.6 ms  cwnd 15.00 KiB  flying 0 B  again 0/s  early "
        "1.5/s  queue 3, 2.2 ms\n"
        "SECOND=  none (no endpoint)\n"
        "   in 0 B/s  out 0 B/s  queue 0, 0.0 ms\n");
    assert_non_null(strstr(first, "outer in 0/s"));
    free(first);
    json_decref(report);
}

static void
durations(void **state)
{
    static const struct {
        uint64_t seconds;
        const char *text;
    } rows[] = {
        {0, "0 seconds"},
        {1, "1 second"},
        {60, "1 minute"},
        {3600 + 1, "1 hour, 1 second"},
        {86400 * 366 + 2 * 60, "1 year, 1 day, 2 minutes"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct out o = {.colour = false};
        char *text = NULL;
        size_t size;

        o.to = open_memstream(&text, &size);
        out_duration(&o, rows[i].seconds);
        fclose(o.to);
        assert_string_equal(text, rows[i].text);
        free(text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(show),
        cmocka_unit_test(show_without_a_key),
        cmocka_unit_test(drops),
        cmocka_unit_test(drops_as_json),
        cmocka_unit_test(diagnosis),
        cmocka_unit_test(colours_are_taken_back),
        cmocka_unit_test(rates_come_from_differences),
        cmocka_unit_test(durations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
