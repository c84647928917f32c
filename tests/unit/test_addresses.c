/* SPDX-License-Identifier: BSD-3-Clause */
/* A port's addresses and routes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wgtcpd/control/config.h>
#include <wgtcpd/dataplane/addresses.h>

static struct addresses a;

static struct ip_addr
addr(const char *text)
{
    struct ip_addr out = {.family = IP_NONE};

    assert_true(text[0] == '\0' || ip_addr_parse(&out, text));
    return out;
}

static struct ip_prefix
prefix(const char *text)
{
    struct ip_prefix out;

    assert_true(ip_prefix_parse(&out, text));
    return out;
}

static bool
add_local(const char *text)
{
    struct ip_prefix p = prefix(text);

    return addresses_add_local(&a, &p);
}

static bool
add_route(const char *to, const char *via)
{
    struct ip_prefix p = prefix(to);
    struct ip_addr hop = addr(via);

    return addresses_add_route(&a, &p, &hop);
}

static bool
add_gateway(const char *via)
{
    struct ip_addr hop = addr(via);

    return addresses_add_gateway(&a, &hop);
}

static int
set_up(void **state)
{
    (void)state;
    addresses_init(&a);
    assert_true(add_local("192.0.2.1/24"));
    assert_true(add_local("198.51.100.1/24"));
    assert_true(add_local("2001:db8::1/64"));
    return 0;
}

/* via "": on the link; via NULL: no route */
static void
assert_route(const char *dst, const char *via)
{
    struct ip_addr d = addr(dst), hop;
    const struct address_route *r = addresses_route(&a, &d);

    if (via == NULL) {
        assert_null(r);
        return;
    }
    assert_non_null(r);
    hop = addr(via);
    assert_true(ip_addr_equal(&r->via, &hop));
}

static void
assert_source(const char *remote, const char *want)
{
    struct ip_addr r = addr(remote), w = addr(want), source;

    assert_true(addresses_source(&a, &r, &source));
    assert_true(ip_addr_equal(&source, &w));
}

static void
own_networks_are_on_the_link(void **state)
{
    (void)state;
    assert_route("192.0.2.200", "");
    assert_route("198.51.100.9", "");
    assert_route("2001:db8::9", "");
    assert_route("fe80::9", "");
    assert_route("203.0.113.1", NULL);
    assert_route("2001:db8:1::9", NULL);
}

static void
the_longest_prefix_counts_in_whatever_order(void **state)
{
    (void)state;
    assert_true(add_gateway("192.0.2.254"));
    assert_true(add_route("203.0.113.0/25", "192.0.2.2"));
    assert_true(add_route("203.0.112.0/20", "192.0.2.3"));
    assert_true(add_route("203.0.113.7/32", "192.0.2.4"));
    assert_route("203.0.113.7", "192.0.2.4");
    assert_route("203.0.113.8", "192.0.2.2");
    assert_route("203.0.113.200", "192.0.2.3");
    assert_route("8.8.8.8", "192.0.2.254");
    assert_route("192.0.2.7", "");
    assert_route("2001:db8:1::9", NULL); /* the gateway is the other family's */
}

static void
of_two_equal_routes_the_first_counts(void **state)
{
    (void)state;
    assert_true(add_route("203.0.113.0/24", "192.0.2.2"));
    assert_true(add_route("203.0.113.0/24", "192.0.2.3"));
    assert_route("203.0.113.7", "192.0.2.2");
}

static void
the_source_is_of_the_network_that_leads_there(void **state)
{
    (void)state;
    assert_true(add_gateway("198.51.100.254"));
    assert_true(add_route("203.0.113.0/24", "192.0.2.2"));
    assert_source("192.0.2.9", "192.0.2.1");
    assert_source("198.51.100.9", "198.51.100.1");
    assert_source("203.0.113.9", "192.0.2.1");
    assert_source("8.8.8.8", "198.51.100.1");
    assert_source("2001:db8:1::9", "2001:db8::1"); /* no route: the first of the family */
}

static void
a_family_without_address_has_no_source(void **state)
{
    struct ip_addr remote = addr("2001:db8::9"), source;

    (void)state;
    addresses_init(&a);
    assert_true(add_local("192.0.2.1/24"));
    assert_false(addresses_source(&a, &remote, &source));
}

static void
what_is_local(void **state)
{
    struct ip_addr ours = addr("198.51.100.1"), other = addr("198.51.100.2");

    (void)state;
    assert_true(addresses_are_local(&a, &ours));
    assert_false(addresses_are_local(&a, &other));
}

static void
full_tables_take_no_more(void **state)
{
    char text[32];

    (void)state;
    for (unsigned i = a.n_locals; i < ADDRESSES_LOCAL_MAX; i++) {
        snprintf(text, sizeof(text), "10.0.%u.1/24", i);
        assert_true(add_local(text));
    }
    assert_false(add_local("10.1.0.1/24"));
    for (unsigned i = a.n_routes; i < ADDRESSES_ROUTES_MAX; i++) {
        snprintf(text, sizeof(text), "10.2.%u.0/24", i);
        assert_true(add_route(text, "192.0.2.9"));
    }
    assert_false(add_route("10.3.0.0/24", "192.0.2.9"));
    assert_int_equal(a.n_routes, ADDRESSES_ROUTES_MAX);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup(f, set_up)
        T(own_networks_are_on_the_link),
        T(the_longest_prefix_counts_in_whatever_order),
        T(of_two_equal_routes_the_first_counts),
        T(the_source_is_of_the_network_that_leads_there),
        T(a_family_without_address_has_no_source),
        T(what_is_local),
        T(full_tables_take_no_more),
#undef T
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
