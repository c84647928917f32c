/* SPDX-License-Identifier: BSD-3-Clause */
/* Replies of the configuration protocol, word for word. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <wgtcpd/control/snapshot.h>
#include <wgtcpd/control/uapi.h>
#include <wgtcpd/peer/allowedips.h>

#define HEX_ZERO "0000000000000000000000000000000000000000000000000000000000000000\n"
#define HEX_AA   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
#define HEX_BB   "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n"
#define HEX_0F   "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f\n"

static struct tunnel_peer tunnel_peers[2];
static struct handshaker_peer handshaker_peers[2];
static struct device_peer devices[2];
static struct snapshot_peer peers[2];
static struct snapshot snapshot;
static struct allowedips allowed_ips;

static void
allow(unsigned peer, const char *text)
{
    struct ip_prefix p;

    assert_true(ip_prefix_parse(&p, text));
    assert_int_equal(allowedips_insert(&allowed_ips, &p, &tunnel_peers[peer]), 0);
}

static int
set_up(void **state)
{
    (void)state;
    allowedips_init(&allowed_ips);
    memset(devices, 0, sizeof(devices));
    memset(handshaker_peers, 0, sizeof(handshaker_peers));
    memset(peers, 0, sizeof(peers));
    for (unsigned i = 0; i < 2; i++) {
        devices[i].tunnel = &tunnel_peers[i];
        tunnel_peers[i].handshaker_peer = &handshaker_peers[i];
        peers[i].device = &devices[i];
        memset(peers[i].public_key, i == 0 ? 0xaa : 0xbb, CONFIG_KEY_LEN);
    }
    snapshot = (struct snapshot){.listen_port = 51820, .fwmark = 7, .peers = peers};
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    allowedips_destroy(&allowed_ips);
    return 0;
}

static void
expect_reply(const uint8_t *private_key, const char *expected)
{
    struct uapi_text t = {0};

    uapi_format_device(&t, &snapshot, private_key);
    uapi_format_peers(&t, &snapshot, &allowed_ips);
    uapi_format_end(&t, UAPI_GET, 0);
    assert_false(t.failed);
    assert_int_equal(t.len, strlen(expected));
    assert_memory_equal(t.data, expected, t.len);
    uapi_text_clear(&t);
    assert_null(t.data);
}

static void
test_the_device_alone(void **state)
{
    uint8_t key[CONFIG_KEY_LEN];

    (void)state;
    memset(key, 0x0f, sizeof(key));
    expect_reply(key, "private_key=" HEX_0F "listen_port=51820\nfwmark=7\nerrno=0\n\n");
}

static void
test_what_is_not_set_is_left_out(void **state)
{
    (void)state;
    snapshot.listen_port = 0;
    snapshot.fwmark = 0;
    expect_reply(NULL, "errno=0\n\n");
}

static void
test_a_peer_that_was_never_heard(void **state)
{
    (void)state;
    snapshot.n_peers = 1;
    expect_reply(NULL, "listen_port=51820\nfwmark=7\n"
                       "public_key=" HEX_AA "preshared_key=" HEX_ZERO "protocol_version=1\n"
                       "last_handshake_time_sec=0\nlast_handshake_time_nsec=0\n"
                       "tx_bytes=0\nrx_bytes=0\npersistent_keepalive_interval=0\n"
                       "transport=udp\ncongestion_control=bbr\ntcp_knock=false\n"
                       "waiting_packets=0\nwaiting_bytes=0\nqueue_delay_usec=0\n"
                       "dials=0\ndial_failures=0\nerrno=0\n\n");
}

static void
connect_peer(struct snapshot_peer *p)
{
    p->connected = true;
    p->path = TRANSPORT_TCP;
    p->connection = (struct snapshot_connection){
        .dialled = true,
        .local = {.addr = ip_addr_v4((const uint8_t[]){192, 0, 2, 1}), .port = 40000},
        .early_delivered = 11,
        .info = {.state = TCP_ESTABLISHED,
                 .cc = "cubic",
                 .srtt = 20500 * WGT_USEC,
                 .rttvar = 300 * WGT_USEC,
                 .min_rtt = WGT_NEVER,
                 .rto = 200 * WGT_MSEC,
                 .cwnd = 14000,
                 .mss = 1400,
                 .flight = 2800,
                 .unsent = 5,
                 .delivery_rate = 125000,
                 .segments_retransmitted = 3,
                 .timeouts = 1},
    };
}

static void
fill_first_peer(void)
{
    memset(handshaker_peers[0].remote.preshared_key, 0x0f, CONFIG_KEY_LEN);
    devices[0].keepalive = 25;
    devices[0].transport = CONFIG_TCP;
    devices[0].congestion = CONFIG_CUBIC;
    devices[0].knock = true;
    peers[0].endpoint.addr = ip_addr_v6((const uint8_t[16]){0x20, 0x01, 0x0d, 0xb8, [15] = 1});
    peers[0].endpoint.port = 51821;
    peers[0].handshaken = true;
    peers[0].handshake_seconds = 1700000000;
    peers[0].handshake_nanoseconds = 5;
    peers[0].stats.tx_bytes = 1;
    peers[0].stats.rx_bytes = UINT64_MAX;
    peers[0].waiting = 2;
    peers[0].waiting_bytes = 2840;
    peers[0].queue_delay = 1500;
    peers[0].dials = 4;
    peers[0].dial_failures = 3;
    connect_peer(&peers[0]);
    allow(0, "10.9.0.2/32");
    allow(0, "fd09::2/128");
}

static void
test_everything_in_order(void **state)
{
    (void)state;
    fill_first_peer();
    allow(1, "0.0.0.0/0");
    snapshot.n_peers = 2;
    expect_reply(NULL, "listen_port=51820\nfwmark=7\n"
                       "public_key=" HEX_AA "preshared_key=" HEX_0F "protocol_version=1\n"
                       "endpoint=[2001:db8::1]:51821\nlast_handshake_time_sec=1700000000\n"
                       "last_handshake_time_nsec=5\ntx_bytes=1\nrx_bytes=18446744073709551615\n"
                       "persistent_keepalive_interval=25\n"
                       "allowed_ip=10.9.0.2/32\nallowed_ip=fd09::2/128\n"
                       "transport=tcp\ncongestion_control=cubic\ntcp_knock=true\npath=tcp\n"
                       "waiting_packets=2\nwaiting_bytes=2840\nqueue_delay_usec=1\n"
                       "dials=4\ndial_failures=3\n"
                       "tcp_state=ESTABLISHED\ntcp_dialled=true\ntcp_local=192.0.2.1:40000\n"
                       "tcp_congestion_control=cubic\ntcp_rtt_usec=20500\ntcp_rttvar_usec=300\n"
                       "tcp_rto_usec=200000\ntcp_cwnd_bytes=14000\ntcp_mss=1400\n"
                       "tcp_in_flight_bytes=2800\ntcp_unsent_bytes=5\n"
                       "tcp_delivery_rate=125000\ntcp_retransmitted=3\ntcp_timeouts=1\n"
                       "tcp_delivered_early=11\n"
                       "public_key=" HEX_BB "preshared_key=" HEX_ZERO "protocol_version=1\n"
                       "last_handshake_time_sec=0\nlast_handshake_time_nsec=0\n"
                       "tx_bytes=0\nrx_bytes=0\npersistent_keepalive_interval=0\n"
                       "allowed_ip=0.0.0.0/0\n"
                       "transport=udp\ncongestion_control=bbr\ntcp_knock=false\n"
                       "waiting_packets=0\nwaiting_bytes=0\nqueue_delay_usec=0\n"
                       "dials=0\ndial_failures=0\nerrno=0\n\n");
}

/* The reply outgrows its room many times, anywhere in a line. */
static void
test_a_reply_of_any_length(void **state)
{
    struct uapi_text t = {0};
    char prefix[32];
    size_t lines = 0;

    (void)state;
    for (unsigned i = 0; i < 65000; i++) {
        snprintf(prefix, sizeof(prefix), "10.%u.%u.%u/32", i >> 16, i >> 8 & 255, i & 255);
        allow(0, prefix);
    }
    snapshot.n_peers = 1;
    uapi_format_peers(&t, &snapshot, &allowed_ips);
    assert_false(t.failed);
    for (size_t at = 0; at < t.len; at += strcspn(t.data + at, "\n") + 1)
        if (strncmp(t.data + at, "allowed_ip=10.", 14) == 0)
            lines++;
    assert_int_equal(lines, 65000);
    uapi_text_clear(&t);
}

static void
expect_end(enum uapi_parsed operation, int error, const char *expected)
{
    struct uapi_text t = {0};

    uapi_format_end(&t, operation, error);
    assert_int_equal(t.len, strlen(expected));
    assert_memory_equal(t.data, expected, t.len);
    uapi_text_clear(&t);
}

static void
test_errno_has_the_sign_that_wg_understands(void **state)
{
    (void)state;
    expect_end(UAPI_SET, 0, "errno=0\n\n");
    expect_end(UAPI_GET, 0, "errno=0\n\n");
    expect_end(UAPI_SET, -EINVAL, "errno=-22\n\n");
    expect_end(UAPI_GET, -EINVAL, "errno=22\n\n");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_the_device_alone),
        TEST(test_what_is_not_set_is_left_out),
        TEST(test_a_peer_that_was_never_heard),
        TEST(test_everything_in_order),
        TEST(test_a_reply_of_any_length),
        TEST(test_errno_has_the_sign_that_wg_understands),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
