/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A snapshot as Prometheus reads it: the whole text against metrics.txt beside this file, and what
 * HTTP clients may ask. `test_metrics --print` prints the text, `--print openmetrics` the other
 * form, `--golden` what metrics.txt should be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <wgtcpd/control/metrics_http.h>

enum { PEERS = 2 };

static struct snapshot_peer peers[PEERS];
static struct snapshot example = {
    .ifname = "wg0",
    .has_private_key = true,
    .public_key = {[0] = 0xc5, [31] = 0x38},
    .listen_port = 51820,
    .mtu = 1392,
    .aead = "boringssl",
    .uptime_s = 86400,
    .n_workers = 2,
    .workers = {{.turns = 7, .outer_rx = 600}, {.turns = 8, .outer_rx = 400}},
    .n_crypto = 1,
    .crypto = {{.batches = 70, .messages = 1100, .sleeps = 5}},
    .moves = 3,
    .worker = {.outer_rx = 1000, .outer_tx = 1001, .inner_rx = 1002, .inner_tx = 1003},
    .tcp = {.dialled = 4, .established = 3, .refused = 1, .segments_in = UINT64_MAX},
    .connections = 1,
    .initiations_sent = 17,
    .n_peers = PEERS,
    .peers = peers,
};

static void
fill_example(void)
{
    example.data_drops.n[WGT_DROP_DATA_REPLAY] = 5;
    example.handshake_drops.n[WGT_DROP_MAC1] = 6;
    peers[0] = (struct snapshot_peer){
        .public_key = {[0] = 1},
        .path = TRANSPORT_TCP,
        .stats = {.rx_bytes = 148, .tx_bytes = 92, .rx_packets = 3, .handshakes = 1},
        .handshaken = true,
        .handshake_seconds = 1700000000,
        .session = true,
        .queue_delay = 1500 * WGT_USEC,
        .trouble = {[PEER_TROUBLE_UNANSWERED] = {.n = 3},
                    [PEER_TROUBLE_UNCONFIRMED] = {.n = 2},
                    [PEER_TROUBLE_DIAL_UNSENT] = {.n = UINT32_MAX}},
        .handshake_trouble = {[HANDSHAKE_TROUBLE_RESPONSE_TAG] = {.n = 1},
                              [HANDSHAKE_TROUBLE_CLOCK_BACK] = {.n = 4}},
        .connected = true,
        .connection = {.info = {.srtt = 20 * WGT_MSEC + 1, .min_rtt = WGT_NEVER, .cwnd = 14280}},
    };
    peers[1] = (struct snapshot_peer){
        .public_key = {[0] = 2},
        .trouble = {[PEER_TROUBLE_GAVE_UP] = {.n = 7}},
    };
}

/* All of it, put together from pieces of that size. */
static char *
whole(enum metrics_format format, size_t piece)
{
    char *text = malloc(1 << 20);
    struct metrics_cursor c;
    size_t len = 0, n;

    metrics_begin(&c, format);
    while ((n = metrics_next(&c, &example, text + len, piece)) > 0) {
        assert_true(n <= piece);
        assert_int_equal(text[len + n - 1], '\n'); /* whole lines */
        len += n;
    }
    assert_int_equal(metrics_next(&c, &example, text + len, piece), 0);
    text[len] = '\0';
    return text;
}

/* Without what changes with every release or new reason to drop: the version, drops of zero. */
static char *
golden(void)
{
    char *text = whole(METRICS_PROMETHEUS, 65536), *out = calloc(1, 1 << 20), *save = NULL;

    for (char *l = strtok_r(text, "\n", &save); l != NULL; l = strtok_r(NULL, "\n", &save)) {
        bool zero = strcmp(l + strlen(l) - 2, " 0") == 0;

        if (strncmp(l, "wgtcpd_build_info{", 18) != 0 &&
            !(zero && strncmp(l, "wgtcpd_dropped_", 15) == 0))
            strcat(strcat(out, l), "\n");
    }
    free(text);
    return out;
}

static char *
read_file(const char *path)
{
    FILE *f = fopen(path, "r");
    char *text = malloc(1 << 20);
    size_t n;

    assert_non_null(f);
    n = fread(text, 1, (1 << 20) - 1, f);
    fclose(f);
    text[n] = '\0';
    return text;
}

static void
every_figure_as_prometheus_reads_it(void **state)
{
    char *got = golden();
    char *wanted = read_file(WGTCPD_SOURCE "/tests/unit/metrics.txt");

    (void)state;
    assert_string_equal(got, wanted);
    free(got);
    free(wanted);
}

static void
pieces_of_any_size_make_the_same_text(void **state)
{
    char *one = whole(METRICS_PROMETHEUS, 1 << 19);

    (void)state;
    for (size_t piece = METRICS_LINE_MAX; piece < 8192; piece += 97) {
        char *other = whole(METRICS_PROMETHEUS, piece);

        assert_string_equal(other, one);
        free(other);
    }
    free(one);
}

/* OpenMetrics 1.0: a counter's family has no _total, and the end is marked. */
static void
openmetrics_differs_in_headings_and_end(void **state)
{
    char *text = whole(METRICS_OPENMETRICS, 65536);
    size_t len = strlen(text);

    (void)state;
    assert_non_null(strstr(text, "# TYPE wgtcpd_peer_receive_bytes counter\n"));
    assert_non_null(strstr(text, "\nwgtcpd_peer_receive_bytes_total{interface=\"wg0\",peer="));
    assert_string_equal(text + len - 6, "# EOF\n");
    free(text);
}

static void
no_secret_is_in_it(void **state)
{
    char *text = whole(METRICS_PROMETHEUS, 65536);

    (void)state;
    assert_null(strstr(text, "private"));
    assert_null(strstr(text, "preshared"));
    free(text);
}

/* --- requests ----------------------------------------------------------------------------------
 */

static void
expect(const char *request, int status, bool head, bool chunked, enum metrics_format format)
{
    struct metrics_request r = metrics_request_parse(request);

    assert_int_equal(r.status, status);
    assert_int_equal(r.head, head);
    assert_int_equal(r.chunked, chunked);
    assert_int_equal(r.format, format);
}

static void
metrics_may_be_got(void **state)
{
    (void)state;
    expect("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 200, false, true, METRICS_PROMETHEUS);
    expect("GET /metrics HTTP/1.0\r\n\r\n", 200, false, false, METRICS_PROMETHEUS);
    expect("GET /metrics?a=b HTTP/1.1\r\n\r\n", 200, false, true, METRICS_PROMETHEUS);
    expect("HEAD /metrics HTTP/1.1\r\n\r\n", 200, true, true, METRICS_PROMETHEUS);
    expect("GET /metrics HTTP/1.1\r\nAccept: Application/OpenMetrics-text;version=1.0.0\r\n\r\n",
           200, false, true, METRICS_OPENMETRICS);
}

static void
nothing_else_may_be_got(void **state)
{
    static const struct {
        const char *text;
        int status;
    } cases[] = {
        {"GET / HTTP/1.1\r\n\r\n", 404},
        {"GET /metrics/ HTTP/1.1\r\n\r\n", 404},
        {"GET /metricsx HTTP/1.1\r\n\r\n", 404},
        {"GET metrics HTTP/1.1\r\n\r\n", 404},
        {"POST /metrics HTTP/1.1\r\n\r\n", 405},
        {"get /metrics HTTP/1.1\r\n\r\n", 405},
        {"GET /metrics HTTP/2.0\r\n\r\n", 505},
        {"GET /metrics HTTP/1.10\r\n\r\n", 505},
        {"GET /metrics\r\n\r\n", 400},
        {"GET  /metrics HTTP/1.1\r\n\r\n", 400},
        {"GET /metrics HTTP/1.1 x\r\n\r\n", 400},
        {"GET /metrics FTP/1.1\r\n\r\n", 400},
        {"GARBAGE\r\n\r\n", 400},
        {"\r\n\r\n", 400},
        {" \r\n\r\n", 400},
        {"", 400},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        /* a copy of just its size: reading beyond it shows */
        char *text = strdup(cases[i].text);

        assert_int_equal(metrics_request_parse(text).status, cases[i].status);
        free(text);
    }
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_figure_as_prometheus_reads_it),
        cmocka_unit_test(pieces_of_any_size_make_the_same_text),
        cmocka_unit_test(openmetrics_differs_in_headings_and_end),
        cmocka_unit_test(no_secret_is_in_it),
        cmocka_unit_test(metrics_may_be_got),
        cmocka_unit_test(nothing_else_may_be_got),
    };
    char *text;

    fill_example();
    if (argc > 1) {
        text = strcmp(argv[1], "--golden") == 0
                   ? golden()
                   : whole(argc > 2 ? METRICS_OPENMETRICS : METRICS_PROMETHEUS, 65536);
        fputs(text, stdout);
        free(text);
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
