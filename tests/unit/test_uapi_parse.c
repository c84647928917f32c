/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests of the configuration protocol: what `wg` sends, and everything that is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <wgtcpd/control/uapi.h>

#define K(digits)                                                                                  \
    digits digits digits digits digits digits digits digits digits digits digits digits digits     \
        digits digits digits
#define KEY_A K("aaaa")
#define KEY_B K("bb01")
#define ZEROS K("0000")
#define PEER  "set=1\npublic_key=" KEY_A "\n"

/* --- a change as text --- */

static void
put_key(FILE *f, const char *name, const uint8_t key[CONFIG_KEY_LEN])
{
    fprintf(f, " %s=%02x%02x..%02x", name, key[0], key[1], key[31]);
}

static void
put_peer(FILE *f, const struct change_peer *p)
{
    char text[IP_TEXT_MAX];

    put_key(f, "\npeer", p->public_key);
    fputs(p->remove ? " remove" : "", f);
    fputs(p->update_only ? " update_only" : "", f);
    if (p->has_psk)
        put_key(f, "psk", p->psk);
    if (p->has_endpoint)
        fprintf(f, " endpoint=%s", ip_endpoint_format(text, &p->endpoint));
    if (p->has_keepalive)
        fprintf(f, " keepalive=%u", p->keepalive);
    if (p->has_transport)
        fprintf(f, " transport=%d", p->transport);
    if (p->has_congestion)
        fprintf(f, " congestion=%d", p->congestion);
    if (p->has_knock)
        fprintf(f, " knock=%d", p->knock);
    fputs(p->replace_allowed_ips ? " replace" : "", f);
    for (size_t i = 0; i < p->n_allowed_ips; i++)
        fprintf(f, " %s%s", p->allowed_ips[i].remove ? "-" : "+",
                ip_prefix_format(text, &p->allowed_ips[i].prefix));
}

static void
put_change(FILE *f, const struct change *c)
{
    if (c->has_private_key)
        put_key(f, "private", c->private_key);
    if (c->has_listen_port)
        fprintf(f, " port=%u", c->listen_port);
    if (c->has_fwmark)
        fprintf(f, " fwmark=%u", c->fwmark);
    fputs(c->replace_peers ? " replace_peers" : "", f);
    for (const struct change_peer *p = c->peers; p != NULL; p = p->next)
        put_peer(f, p);
}

static void
put_operation(FILE *f, enum uapi_parsed parsed, const struct uapi_parser *p)
{
    if (parsed == UAPI_BROKEN) {
        fputs("broken;", f);
        return;
    }
    fputs(parsed == UAPI_GET ? "get" : "set", f);
    if (p->error != 0)
        fprintf(f, " %d", p->error);
    put_change(f, &p->change);
    fputc(';', f);
}

/* What comes of a text that arrives in pieces of a size, the first of another. */
static char *
read_in_pieces(const char *text, size_t len, size_t first, size_t size)
{
    struct uapi_parser *p = malloc(sizeof(*p));
    enum uapi_parsed parsed = UAPI_MORE;
    size_t at = 0, used, out_len, n = first;
    char *out = NULL;
    FILE *f = open_memstream(&out, &out_len);

    uapi_parser_init(p);
    while (at < len && parsed != UAPI_BROKEN) {
        n = n < len - at ? n : len - at;
        parsed = uapi_parse(p, text + at, n, &used);
        assert_true(used <= n);
        assert_true(parsed != UAPI_MORE || used == n);
        if (parsed != UAPI_MORE)
            put_operation(f, parsed, p);
        at += used;
        n = size;
    }
    fputs(parsed != UAPI_BROKEN && uapi_parser_midway(p) ? "midway" : "", f);
    fclose(f);
    uapi_parser_fini(p);
    free(p);
    return out;
}

static void
expect_bytes(const char *text, size_t len, const char *expected)
{
    char *whole = read_in_pieces(text, len, len, len), *split;

    assert_string_equal(whole, expected);
    for (size_t first = 1; first < len && len < 5000; first++) {
        split = read_in_pieces(text, len, first, len);
        assert_string_equal(split, whole);
        free(split);
    }
    split = read_in_pieces(text, len, 1, 1);
    assert_string_equal(split, whole);
    free(split);
    free(whole);
}

static void
expect(const char *text, const char *expected)
{
    expect_bytes(text, strlen(text), expected);
}

/* A line of the device or of a peer is refused; what comes after the operation is understood. */
static void
expect_line_error(const char *head, const char *line, int error)
{
    char *text, *expected;

    assert_true(asprintf(&text, "%s%s\nlisten_port=1\n\nget=1\n\n", head, line) > 0);
    assert_true(asprintf(&expected, "set %d;get;", error) > 0);
    expect(text, expected);
    free(text);
    free(expected);
}

static void
expect_device_error(const char *line, int error)
{
    expect_line_error("set=1\nfwmark=1\n", line, error);
}

static void
expect_peer_error(const char *line, int error)
{
    expect_line_error("set=1\nprivate_key=" KEY_B "\npublic_key=" KEY_A "\n"
                      "allowed_ip=10.0.0.0/8\n",
                      line, error);
}

/* --- what the commands of wg send --- */

static void
test_wg_show_sends_get(void **state)
{
    (void)state;
    expect("get=1\n\n", "get;");
}

static void
test_wg_set_names_only_what_was_given(void **state)
{
    (void)state;
    expect("set=1\nlisten_port=51821\n\n", "set port=51821;");
    expect("set=1\nprivate_key=" KEY_A "\nfwmark=51820\n\n", "set private=aaaa..aa fwmark=51820;");
    expect("set=1\nprivate_key=" ZEROS "\nfwmark=0\n\n", "set private=0000..00 fwmark=0;");
    expect(PEER "persistent_keepalive_interval=25\n\n", "set \npeer=aaaa..aa keepalive=25;");
}

static void
test_wg_set_peer_with_everything(void **state)
{
    (void)state;
    expect(PEER "preshared_key=" KEY_B "\nendpoint=192.0.2.1:51820\n"
                "persistent_keepalive_interval=25\nreplace_allowed_ips=true\n"
                "allowed_ip=10.0.0.0/8\nallowed_ip=fd00::/64\n\n",
           "set \npeer=aaaa..aa psk=bb01..01 endpoint=192.0.2.1:51820 keepalive=25 replace "
           "+10.0.0.0/8 +fd00::/64;");
}

static void
test_wg_set_peer_remove(void **state)
{
    (void)state;
    expect(PEER "remove=true\n\n", "set \npeer=aaaa..aa remove;");
}

static void
test_wg_set_plus_and_minus(void **state)
{
    (void)state;
    expect(PEER "allowed_ip=10.1.0.0/16\nallowed_ip=-10.2.0.0/16\n\n",
           "set \npeer=aaaa..aa +10.1.0.0/16 -10.2.0.0/16;");
}

static void
test_wg_setconf_replaces_peers(void **state)
{
    (void)state;
    expect("set=1\nprivate_key=" KEY_A "\nlisten_port=0\nfwmark=0\nreplace_peers=true\n"
           "public_key=" KEY_B "\nreplace_allowed_ips=true\nallowed_ip=0.0.0.0/0\n"
           "public_key=" KEY_A "\nreplace_allowed_ips=true\nallowed_ip=::/0\n\n",
           "set private=aaaa..aa port=0 fwmark=0 replace_peers"
           " \npeer=bb01..01 replace +0.0.0.0/0 \npeer=aaaa..aa replace +::/0;");
}

static void
test_wg_addconf_adds(void **state)
{
    (void)state;
    expect(PEER "replace_allowed_ips=true\nallowed_ip=10.0.0.0/8\n\n",
           "set \npeer=aaaa..aa replace +10.0.0.0/8;");
}

static void
test_wg_syncconf_gets_then_removes_and_sets(void **state)
{
    (void)state;
    expect("get=1\n\n"
           "set=1\nprivate_key=" KEY_A "\nlisten_port=51820\nfwmark=0\n"
           "public_key=" KEY_B "\nremove=true\npublic_key=" KEY_A
           "\nreplace_allowed_ips=true\nallowed_ip=10.0.0.1/32\n\n",
           "get;set private=aaaa..aa port=51820 fwmark=0 \npeer=bb01..01 remove"
           " \npeer=aaaa..aa replace +10.0.0.1/32;");
}

/* --- what else is allowed --- */

static void
test_a_set_without_lines_is_valid(void **state)
{
    (void)state;
    expect("set=1\n\n", "set;");
}

static void
test_several_operations_in_one_write(void **state)
{
    (void)state;
    expect("set=1\nfwmark=1\n\nset=1\nfwmark=2\n\nget=1\n\nget=1\n\n",
           "set fwmark=1;set fwmark=2;get;get;");
}

static void
test_of_a_repeated_key_the_last_wins(void **state)
{
    (void)state;
    expect("set=1\nfwmark=1\nfwmark=2\n\n", "set fwmark=2;");
    expect(PEER "persistent_keepalive_interval=1\npersistent_keepalive_interval=0\n\n",
           "set \npeer=aaaa..aa keepalive=0;");
}

static void
test_a_peer_may_come_twice(void **state)
{
    (void)state;
    expect(PEER "remove=true\npublic_key=" KEY_A "\nallowed_ip=10.0.0.0/8\n\n",
           "set \npeer=aaaa..aa remove \npeer=aaaa..aa +10.0.0.0/8;");
}

/* wireguard-go acts line by line: what came before is removed again, and was taken from others. */
static void
test_replace_allowed_ips_acts_where_it_stands(void **state)
{
    (void)state;
    expect(PEER "update_only=true\nallowed_ip=10.0.0.0/8\nreplace_allowed_ips=true\n"
                "allowed_ip=10.1.0.0/16\n\n",
           "set \npeer=aaaa..aa update_only +10.0.0.0/8"
           " \npeer=aaaa..aa update_only replace +10.1.0.0/16;");
}

static void
test_host_bits_are_masked(void **state)
{
    (void)state;
    expect(PEER "allowed_ip=10.1.2.3/15\nallowed_ip=fd00::ffff/112\nallowed_ip=1.2.3.4/0\n\n",
           "set \npeer=aaaa..aa +10.0.0.0/15 +fd00::/112 +0.0.0.0/0;");
}

static void
test_endpoints(void **state)
{
    (void)state;
    expect(PEER "endpoint=[2001:db8::1]:1\n\n", "set \npeer=aaaa..aa endpoint=[2001:db8::1]:1;");
    expect(PEER "endpoint=[fe80::1%eth0]:65535\n\n",
           "set \npeer=aaaa..aa endpoint=[fe80::1]:65535;");
}

static void
test_keys_of_our_own(void **state)
{
    (void)state;
    expect(PEER "transport=tcp\ncongestion_control=cubic\ntcp_knock=true\n\n",
           "set \npeer=aaaa..aa transport=1 congestion=1 knock=1;");
    expect(PEER "transport=udp\ncongestion_control=bbr\ntcp_knock=false\n\n",
           "set \npeer=aaaa..aa transport=0 congestion=0 knock=0;");
    expect(PEER "congestion_control=none\n\n", "set \npeer=aaaa..aa congestion=2;");
}

static void
test_hex_may_be_uppercase(void **state)
{
    (void)state;
    expect("set=1\nprivate_key=" K("ABcd") "\n\n", "set private=abcd..cd;");
}

static void
test_protocol_version_is_1(void **state)
{
    (void)state;
    expect(PEER "protocol_version=1\n\n", "set \npeer=aaaa..aa;");
    expect_peer_error("protocol_version=2", -EINVAL);
    expect_peer_error("protocol_version=", -EINVAL);
}

static void
test_65000_allowed_ips_in_one_set(void **state)
{
    struct uapi_parser *p = malloc(sizeof(*p));
    char line[64];
    size_t used;

    (void)state;
    uapi_parser_init(p);
    assert_int_equal(uapi_parse(p, PEER, strlen(PEER), &used), UAPI_MORE);
    for (int i = 0; i < 65000; i++) {
        snprintf(line, sizeof(line), "allowed_ip=10.%d.%d.0/24\n", i / 256, i % 256);
        assert_int_equal(uapi_parse(p, line, strlen(line), &used), UAPI_MORE);
    }
    assert_int_equal(uapi_parse(p, "\n", 1, &used), UAPI_SET);
    assert_int_equal(p->error, 0);
    assert_int_equal(p->change.peers->n_allowed_ips, 65000);
    uapi_parser_fini(p);
    free(p);
}

/* --- what is refused --- */

static void
test_unknown_first_line_breaks_the_connection(void **state)
{
    (void)state;
    expect("get=2\n\n", "broken;");
    expect("bogus\n\n", "broken;");
    expect("get=1\r\n\r\n", "broken;");
    expect("\n", "broken;");
    expect_bytes("get=1\0\n\n", 8, "broken;");
}

static void
test_get_takes_no_lines(void **state)
{
    (void)state;
    expect("get=1\nlisten_port=1\n\nget=1\n\n", "get -22;get;");
}

static void
test_unknown_keys(void **state)
{
    (void)state;
    expect_device_error("bogus=1", -EINVAL);
    expect_device_error("=1", -EINVAL);
    expect_device_error("Fwmark=1", -EINVAL);
    expect_peer_error("bogus=1", -EINVAL);
    expect_peer_error("last_handshake_time_sec=1", -EINVAL);
}

static void
test_a_line_without_equals_sign(void **state)
{
    (void)state;
    expect_device_error("fwmark", -EPROTO);
    expect_peer_error("remove", -EPROTO);
}

static void
test_keys_that_are_none(void **state)
{
    static const char *const wrong[] = {
        "",        "aa",       K("aaag"),
        KEY_A "a", KEY_A "aa", K("aa a"),
        " " KEY_A, K("aa:a"),  "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo="};
    char line[256];

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        snprintf(line, sizeof(line), "private_key=%s", wrong[i]);
        expect_device_error(line, -EINVAL);
        snprintf(line, sizeof(line), "public_key=%s", wrong[i]);
        expect_device_error(line, -EINVAL);
        snprintf(line, sizeof(line), "preshared_key=%s", wrong[i]);
        expect_peer_error(line, -EINVAL);
    }
}

static void
test_numbers_that_are_none(void **state)
{
    static const char *const ports[] = {
        "", "0x10", "-1", "+1", " 1", "1 ", "65536", "70000", "18446744073709551617"};
    static const char *const marks[] = {"", "0x10", "-1", "4294967296", "1.0"};
    char line[256];

    (void)state;
    for (size_t i = 0; i < sizeof(ports) / sizeof(*ports); i++) {
        snprintf(line, sizeof(line), "listen_port=%s", ports[i]);
        expect_device_error(line, -EINVAL);
        snprintf(line, sizeof(line), "persistent_keepalive_interval=%s", ports[i]);
        expect_peer_error(line, -EINVAL);
    }
    for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
        snprintf(line, sizeof(line), "fwmark=%s", marks[i]);
        expect_device_error(line, -EINVAL);
    }
    expect("set=1\nfwmark=4294967295\nlisten_port=65535\n\n", "set port=65535 fwmark=4294967295;");
}

static void
test_flags_are_true_only(void **state)
{
    (void)state;
    expect_device_error("replace_peers=false", -EINVAL);
    expect_peer_error("remove=false", -EINVAL);
    expect_peer_error("update_only=1", -EINVAL);
    expect_peer_error("replace_allowed_ips=", -EINVAL);
    expect_peer_error("tcp_knock=on", -EINVAL);
}

static void
test_device_keys_come_before_peers(void **state)
{
    (void)state;
    expect_peer_error("private_key=" KEY_A, -EINVAL);
    expect_peer_error("listen_port=1", -EINVAL);
    expect_peer_error("replace_peers=true", -EINVAL);
    expect_device_error("allowed_ip=10.0.0.0/8", -EINVAL);
    expect_device_error("remove=true", -EINVAL);
}

static void
test_endpoints_that_are_none(void **state)
{
    static const char *const wrong[] = {"",
                                        "192.0.2.1",
                                        "192.0.2.1:",
                                        "192.0.2.1:0",
                                        "192.0.2.1:65536",
                                        "name:1",
                                        "2001:db8::1:1",
                                        "[192.0.2.1]:1",
                                        "[2001:db8::1]",
                                        "[2001:db8::1]1",
                                        "[::1:1",
                                        "[]:1",
                                        "[%eth0]:1",
                                        "[fe80::1%]:1",
                                        "tcp://192.0.2.1:1",
                                        ":1",
                                        "[:1",
                                        "192.0.2.1:1 ",
                                        "01.2.3.4:1",
                                        "192.0.2.1:-1",
                                        "[fe80::1%0123456789012345678901234567890123]:1",
                                        "1.2.3.4%eth0:1",
                                        "::1]:1"};
    char line[256];

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        snprintf(line, sizeof(line), "endpoint=%s", wrong[i]);
        expect_peer_error(line, -EINVAL);
    }
    snprintf(line, sizeof(line), "endpoint=[%0200d]:1", 1);
    expect_peer_error(line, -EINVAL);
}

static void
test_allowed_ips_that_are_none(void **state)
{
    static const char *const wrong[] = {"",          "10.0.0.1",    "10.0.0.1/",    "10.0.0.1/33",
                                        "::/129",    "10.0.0/8",    "010.0.0.0/8",  "10.0.0.0/08",
                                        "-10.0.0.1", "+10.0.0.0/8", "--10.0.0.0/8", "fe80::%1/64",
                                        "/8",        "10.0.0.0/-1"};
    char line[64];

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        snprintf(line, sizeof(line), "allowed_ip=%s", wrong[i]);
        expect_peer_error(line, -EINVAL);
    }
}

static void
test_unknown_values_of_our_keys(void **state)
{
    (void)state;
    expect_peer_error("transport=sctp", -EINVAL);
    expect_peer_error("congestion_control=reno", -EINVAL);
}

static void
test_a_zero_byte_is_in_no_line(void **state)
{
    static const char text[] = "set=1\nfwmark=1\0\n\nget=1\n\n";

    (void)state;
    expect_bytes(text, sizeof(text) - 1, "set -22;get;");
}

static void
test_a_line_has_an_end(void **state)
{
    char text[UAPI_LINE_MAX + 64], line[UAPI_LINE_MAX + 2];

    (void)state;
    memset(line, '0', sizeof(line));
    memcpy(line, "fwmark=", 7);
    line[sizeof(line) - 2] = '\0'; /* as long as it may be: so many zeros are a number */
    snprintf(text, sizeof(text), "set=1\n%s\n\nget=1\n\n", line);
    expect(text, "set fwmark=0;get;");
    line[sizeof(line) - 2] = '0';
    line[sizeof(line) - 1] = '\0';
    snprintf(text, sizeof(text), "set=1\n%s\n\nget=1\n\n", line);
    expect(text, "set -22;get;");
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\n';
    expect_bytes(text, sizeof(text), "broken;");
}

static void
test_the_first_error_counts(void **state)
{
    (void)state;
    expect("set=1\nfwmark\nbogus=1\n\n", "set -71;");
}

static void
test_no_empty_line_no_operation(void **state)
{
    (void)state;
    expect("set=1\nfwmark=1\n", "midway");
    expect("set=1\n\nset=1", "set;midway");
    expect("set=1\n\n", "set;");
    expect("", "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wg_show_sends_get),
        cmocka_unit_test(test_wg_set_names_only_what_was_given),
        cmocka_unit_test(test_wg_set_peer_with_everything),
        cmocka_unit_test(test_wg_set_peer_remove),
        cmocka_unit_test(test_wg_set_plus_and_minus),
        cmocka_unit_test(test_wg_setconf_replaces_peers),
        cmocka_unit_test(test_wg_addconf_adds),
        cmocka_unit_test(test_wg_syncconf_gets_then_removes_and_sets),
        cmocka_unit_test(test_a_set_without_lines_is_valid),
        cmocka_unit_test(test_several_operations_in_one_write),
        cmocka_unit_test(test_of_a_repeated_key_the_last_wins),
        cmocka_unit_test(test_a_peer_may_come_twice),
        cmocka_unit_test(test_replace_allowed_ips_acts_where_it_stands),
        cmocka_unit_test(test_host_bits_are_masked),
        cmocka_unit_test(test_endpoints),
        cmocka_unit_test(test_keys_of_our_own),
        cmocka_unit_test(test_hex_may_be_uppercase),
        cmocka_unit_test(test_protocol_version_is_1),
        cmocka_unit_test(test_65000_allowed_ips_in_one_set),
        cmocka_unit_test(test_unknown_first_line_breaks_the_connection),
        cmocka_unit_test(test_get_takes_no_lines),
        cmocka_unit_test(test_unknown_keys),
        cmocka_unit_test(test_a_line_without_equals_sign),
        cmocka_unit_test(test_keys_that_are_none),
        cmocka_unit_test(test_numbers_that_are_none),
        cmocka_unit_test(test_flags_are_true_only),
        cmocka_unit_test(test_device_keys_come_before_peers),
        cmocka_unit_test(test_endpoints_that_are_none),
        cmocka_unit_test(test_allowed_ips_that_are_none),
        cmocka_unit_test(test_unknown_values_of_our_keys),
        cmocka_unit_test(test_a_zero_byte_is_in_no_line),
        cmocka_unit_test(test_a_line_has_an_end),
        cmocka_unit_test(test_the_first_error_counts),
        cmocka_unit_test(test_no_empty_line_no_operation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
