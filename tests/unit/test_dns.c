/* SPDX-License-Identifier: BSD-3-Clause */
/* What resolvconf is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <wgtcpd/control/dns.h>

static void
expect(char **items, size_t n, const char *expected)
{
    struct config_strings dns = {items, n};
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);

    dns_format(&dns, f);
    fclose(f);
    assert_string_equal(text, expected);
    free(text);
}

static void
addresses_are_name_servers_and_the_rest_is_searched(void **state)
{
    char v4[] = "203.0.113.53", v6[] = "2001:db8::53", one[] = "corp.example",
         two[] = "lab.example";
    char *all[] = {one, v4, two, v6};

    (void)state;
    expect(all, 4,
           "nameserver 203.0.113.53\nnameserver 2001:db8::53\nsearch corp.example lab.example\n");
    expect(&all[1], 1, "nameserver 203.0.113.53\n");
    expect(&all[2], 1, "search lab.example\n");
    expect(NULL, 0, "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_name_servers_and_the_rest_is_searched),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
