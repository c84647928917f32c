/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <wgtcpd/control/config.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void
known_keys_are_read_and_written(void **state)
{
    static const struct {
        const char *text;
        uint8_t first, last;
    } cases[] = {
        {"yZKZxSUlIFijCaEu+vljnlzLhkp8lqM+9JyzE1MbB94=", 0xc9, 0xde},
        {"yZKZxSUlIFijCaEu+vljnlzLhkp8lqM+9JyzE1MbB9A=", 0xc9, 0xd0},
        {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", 0x00, 0x00},
        {"//////////////////////////////////////////8=", 0xff, 0xff},
    };
    uint8_t key[CONFIG_KEY_LEN];
    char text[45];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_true(config_key_parse(key, cases[i].text));
        assert_int_equal(key[0], cases[i].first);
        assert_int_equal(key[31], cases[i].last);
        config_key_format(text, key);
        assert_string_equal(text, cases[i].text);
    }
}

static void
what_is_no_key_is_refused_and_leaves_the_key_alone(void **state)
{
    static const char *const bad[] = {
        "",
        "=",
        "yZKZxSUlIFijCaEu+vljnlzLhkp8lqM+9JyzE1MbB94",   /* 43 characters */
        "yZKZxSUlIFijCaEu+vljnlzLhkp8lqM+9JyzE1MbB94==", /* 45 */
        "yZKZxSUlIFijCaEu+vljnlzLhkp8lqM+9JyzE1MbB94A",  /* no '=' */
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=",  /* unused bits not zero */
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAC=",
        "yZKZx-UlIFijCaEu+vljnlzLhkp8lqM+9JyzE1MbB94=", /* URL-safe alphabet */
        "yZKZx_UlIFijCaEu+vljnlzLhkp8lqM+9JyzE1MbB94=",
        "yZKZx UlIFijCaEu+vljnlzLhkp8lqM+9JyzE1MbB94=",
        "yZKZx=UlIFijCaEu+vljnlzLhkp8lqM+9JyzE1MbB94=",
    };
    uint8_t key[CONFIG_KEY_LEN], before[CONFIG_KEY_LEN];

    (void)state;
    memset(key, 0x5a, sizeof(key));
    memcpy(before, key, sizeof(key));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(config_key_parse(key, bad[i]));
        assert_memory_equal(key, before, sizeof(key));
    }
}

static void
every_byte_is_a_digit_of_the_alphabet_or_refused(void **state)
{
    char text[45] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    uint8_t key[CONFIG_KEY_LEN];

    (void)state;
    for (int c = 1; c < 256; c++) {
        const char *digit = strchr(alphabet, c);

        text[3] = (char)c;
        assert_int_equal(config_key_parse(key, text), digit != NULL);
        if (digit != NULL)
            assert_int_equal(key[2], digit - alphabet);
    }
}

static void
every_key_survives_its_text(void **state)
{
    uint8_t key[CONFIG_KEY_LEN], again[CONFIG_KEY_LEN];
    char text[45];
    uint32_t seed = 1;

    (void)state;
    for (int i = 0; i < 5000; i++) {
        for (int j = 0; j < CONFIG_KEY_LEN; j++) {
            seed = seed * 1664525 + 1013904223;
            key[j] = (uint8_t)(seed >> 24);
        }
        config_key_format(text, key);
        assert_int_equal(strlen(text), 44);
        assert_true(config_key_parse(again, text));
        assert_memory_equal(key, again, sizeof(key));
    }
}

static void
every_byte_is_a_hexadecimal_digit_or_refused(void **state)
{
    static const char digits[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";
    uint8_t key[CONFIG_KEY_LEN], before[CONFIG_KEY_LEN];
    char text[65], again[65];

    (void)state;
    memset(key, 0x5a, sizeof(key));
    config_key_format_hex(text, key);
    assert_string_equal(text, "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a");
    for (int c = 1; c < 256; c++) {
        const char *lower = strchr(digits, c), *digit = lower != NULL ? lower : strchr(upper, c);
        long value = lower != NULL ? lower - digits : digit != NULL ? digit - upper : 0;

        memcpy(before, key, sizeof(key));
        text[3] = (char)c;
        assert_int_equal(config_key_parse_hex(key, text), digit != NULL);
        if (digit == NULL) {
            assert_memory_equal(key, before, sizeof(key));
            continue;
        }
        assert_int_equal(key[1], 0x50 | value);
        config_key_format_hex(again, key);
        assert_int_equal(again[3], c >= 'A' && c <= 'F' ? c + 32 : c);
    }
    text[3] = '0';
    text[63] = '\0';
    assert_false(config_key_parse_hex(key, text));
    assert_false(config_key_parse_hex(key, ""));
}

static void
addresses_are_read_and_written(void **state)
{
    static const char *const canonical[] = {"0.0.0.0",     "192.0.2.1", "255.255.255.255", "::",
                                            "2001:db8::1", "fe80::1",   "::ffff:192.0.2.1"};
    struct ip_addr a;
    char text[IP_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(canonical) / sizeof(canonical[0]); i++) {
        assert_true(ip_addr_parse(&a, canonical[i]));
        assert_int_equal(a.family, strchr(canonical[i], ':') != NULL ? IP_V6 : IP_V4);
        assert_string_equal(ip_addr_format(text, &a), canonical[i]);
    }
    assert_true(ip_addr_parse(&a, "2001:DB8:0:0:0:0:0:1"));
    assert_string_equal(ip_addr_format(text, &a), "2001:db8::1");
    a = (struct ip_addr){0};
    assert_string_equal(ip_addr_format(text, &a), "none");
}

static void
an_ipv4_address_leaves_the_rest_zero(void **state)
{
    static const uint8_t zero[12];
    struct ip_addr a;

    (void)state;
    memset(&a, 0xff, sizeof(a));
    assert_true(ip_addr_parse(&a, "192.0.2.1"));
    assert_memory_equal(a.bytes + 4, zero, sizeof(zero));
}

static void
what_is_no_address_is_refused(void **state)
{
    static const char *const bad[] = {
        "",         "1",         "1.2.3",  "1.2.3.4.5", "256.1.1.1", "1.2.3.04",     " 1.2.3.4",
        "1.2.3.4 ", ":",         ":::",    "1::2::3",   "12345::",   "fe80::1%eth0", "[::1]",
        "g::",      "1.2.3.4/8", "0x7f.1", "localhost"};
    struct ip_addr a;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(ip_addr_parse(&a, bad[i]));
}

static void
prefixes_are_read_and_written(void **state)
{
    static const char *const texts[][2] = {
        {"192.0.2.1", "192.0.2.1/32"},        {"2001:db8::1", "2001:db8::1/128"},
        {"192.0.2.77/24", "192.0.2.77/24"}, /* host bits stay */
        {"0.0.0.0/0", "0.0.0.0/0"},           {"::/0", "::/0"},
        {"2001:db8::/128", "2001:db8::/128"},
    };
    struct ip_prefix p;
    char text[IP_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_true(ip_prefix_parse(&p, texts[i][0]));
        assert_string_equal(ip_prefix_format(text, &p), texts[i][1]);
    }
}

static void
what_is_no_prefix_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "/",
        "/8",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/08",
        "10.0.0.0/+8",
        "10.0.0.0/-1",
        "10.0.0.0/8 ",
        "10.0.0.0/8/8",
        "::/129",
        "::/1280",
        "::/00",
        "10.0.0.0/8a",
        "10.0.0.0/4294967304",
        "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc/1"};
    struct ip_prefix p = {.len = 77};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(ip_prefix_parse(&p, bad[i]));
    assert_int_equal(p.len, 77);
}

static void
endpoints_are_written_with_brackets_for_ipv6(void **state)
{
    struct ip_endpoint e = {.port = 51820};
    char text[IP_TEXT_MAX];

    (void)state;
    assert_true(ip_addr_parse(&e.addr, "192.0.2.1"));
    assert_string_equal(ip_endpoint_format(text, &e), "192.0.2.1:51820");
    assert_true(ip_addr_parse(&e.addr, "2001:db8::1"));
    assert_string_equal(ip_endpoint_format(text, &e), "[2001:db8::1]:51820");
    e.port = 65535;
    assert_true(ip_addr_parse(&e.addr, "1111:2222:3333:4444:5555:6666:7777:8888"));
    assert_string_equal(ip_endpoint_format(text, &e),
                        "[1111:2222:3333:4444:5555:6666:7777:8888]:65535");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_keys_are_read_and_written),
        cmocka_unit_test(what_is_no_key_is_refused_and_leaves_the_key_alone),
        cmocka_unit_test(every_byte_is_a_digit_of_the_alphabet_or_refused),
        cmocka_unit_test(every_key_survives_its_text),
        cmocka_unit_test(every_byte_is_a_hexadecimal_digit_or_refused),
        cmocka_unit_test(addresses_are_read_and_written),
        cmocka_unit_test(an_ipv4_address_leaves_the_rest_zero),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(prefixes_are_read_and_written),
        cmocka_unit_test(what_is_no_prefix_is_refused),
        cmocka_unit_test(endpoints_are_written_with_brackets_for_ipv6),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
