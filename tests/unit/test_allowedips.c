/* SPDX-License-Identifier: BSD-3-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <wgtcpd/peer/allowedips.h>

static struct allowedips table;

static struct ip_addr
addr(const char *text)
{
    struct ip_addr a = {.family = strchr(text, ':') != NULL ? IP_V6 : IP_V4};

    assert_int_equal(inet_pton(a.family == IP_V6 ? AF_INET6 : AF_INET, text, a.bytes), 1);
    return a;
}

static struct ip_prefix
prefix(const char *text)
{
    char copy[64];
    char *slash;
    struct ip_prefix p;

    snprintf(copy, sizeof(copy), "%s", text);
    slash = strchr(copy, '/');
    assert_non_null(slash);
    *slash = '\0';
    p.addr = addr(copy);
    p.len = (uint8_t)atoi(slash + 1);
    return p;
}

static void *
lookup(const char *text)
{
    struct ip_addr a = addr(text);

    return allowedips_lookup(&table, &a);
}

static int
insert(const char *text, void *value)
{
    struct ip_prefix p = prefix(text);

    return allowedips_insert(&table, &p, value);
}

static int
take_out(const char *text, void *value)
{
    struct ip_prefix p = prefix(text);

    return allowedips_remove(&table, &p, value);
}

static int
fresh(void **state)
{
    (void)state;
    allowedips_init(&table);
    return 0;
}

static int
destroy(void **state)
{
    (void)state;
    allowedips_destroy(&table);
    assert_null(table.root_v4);
    assert_null(table.root_v6);
    assert_null(table.hosts_v4);
    assert_null(table.hosts_v6);
    return 0;
}

/* --- scripts --- */

enum op { INSERT, REMOVE, REMOVE_PEER, LOOKUP, LIST };

struct step {
    enum op op;
    const char *what; /* prefix, address, or list of prefixes */
    const char *peer;
};

/* nested and neighbouring prefixes of eight peers */
static const struct step script_0[] = {
    {INSERT, "192.168.4.0/24", "a"},
    {INSERT, "192.168.4.4/32", "b"},
    {INSERT, "192.168.0.0/16", "c"},
    {INSERT, "192.95.5.64/27", "d"},
    {INSERT, "192.95.5.65/27", "c"},
    {INSERT, "2607:5300:6000:6b00::c05f:543/128", "d"},
    {INSERT, "2607:5300:6000:6b00::/64", "c"},
    {INSERT, "0.0.0.0/0", "e"},
    {INSERT, "::/0", "e"},
    {INSERT, "::/0", "f"},
    {INSERT, "2404:6800::/32", "g"},
    {INSERT, "2404:6800:4004:800:dead:beef:dead:beef/64", "h"},
    {INSERT, "2404:6800:4004:800:dead:beef:dead:beef/128", "a"},
    {INSERT, "2444:6800:40e4:800:deae:beef:def:beef/128", "c"},
    {INSERT, "2444:6800:f0e4:800:eeae:beef::/98", "b"},
    {INSERT, "64.15.112.0/20", "g"},
    {INSERT, "64.15.123.211/25", "h"},
    {INSERT, "10.0.0.0/25", "a"},
    {INSERT, "10.0.0.128/25", "b"},
    {INSERT, "10.1.0.0/30", "a"},
    {INSERT, "10.1.0.4/30", "b"},
    {INSERT, "10.1.0.8/29", "c"},
    {INSERT, "10.1.0.16/29", "d"},
    {LOOKUP, "192.168.4.20", "a"},
    {LOOKUP, "192.168.4.0", "a"},
    {LOOKUP, "192.168.4.4", "b"},
    {LOOKUP, "192.168.200.182", "c"},
    {LOOKUP, "192.95.5.68", "c"},
    {LOOKUP, "192.95.5.96", "e"},
    {LOOKUP, "2607:5300:6000:6b00::c05f:543", "d"},
    {LOOKUP, "2607:5300:6000:6b00::c02e:1ee", "c"},
    {LOOKUP, "2607:5300:6000:6b01::", "f"},
    {LOOKUP, "2404:6800:4004:806::1006", "g"},
    {LOOKUP, "2404:6800:4004:806:0:1234:0:5678", "g"},
    {LOOKUP, "2404:67ff:4004:806:0:1234:0:5678", "f"},
    {LOOKUP, "2404:6801:4004:806:0:1234:0:5678", "f"},
    {LOOKUP, "2404:6800:4004:800:0:1234:0:5678", "h"},
    {LOOKUP, "2404:6800:4004:800::", "h"},
    {LOOKUP, "2404:6800:4004:800:1010:1010:1010:1010", "h"},
    {LOOKUP, "2404:6800:4004:800:dead:beef:dead:beef", "a"},
    {LOOKUP, "64.15.116.26", "g"},
    {LOOKUP, "64.15.127.3", "g"},
    {LOOKUP, "64.15.123.1", "g"},
    {LOOKUP, "64.15.123.128", "h"},
    {LOOKUP, "64.15.123.129", "h"},
    {LOOKUP, "10.0.0.52", "a"},
    {LOOKUP, "10.0.0.220", "b"},
    {LOOKUP, "10.1.0.2", "a"},
    {LOOKUP, "10.1.0.6", "b"},
    {LOOKUP, "10.1.0.10", "c"},
    {LOOKUP, "10.1.0.20", "d"},
    {INSERT, "1.0.0.0/32", "a"},
    {INSERT, "64.0.0.0/32", "a"},
    {INSERT, "128.0.0.0/32", "a"},
    {INSERT, "192.0.0.0/32", "a"},
    {INSERT, "255.0.0.0/32", "a"},
    {REMOVE_PEER, NULL, "a"},
    {LOOKUP, "1.0.0.0", "e"},
    {LOOKUP, "64.0.0.0", "e"},
    {LOOKUP, "128.0.0.0", "e"},
    {LOOKUP, "192.0.0.0", "e"},
    {LOOKUP, "255.0.0.0", "e"},
};

/* nested prefixes of one peer removed together */
static const struct step script_1[] = {
    {INSERT, "192.168.0.0/16", "a"},
    {INSERT, "192.168.0.0/24", "a"},
    {REMOVE_PEER, NULL, "a"},
    {LOOKUP, "192.168.0.1", NULL},
};

/* a listing shows masked prefixes, in the order of insertion */
static const struct step script_2[] = {
    {INSERT, "192.95.5.93/27", "a"},
    {INSERT, "2607:5300:6000:6b00::c05f:543/128", "a"},
    {INSERT, "10.1.0.20/29", "a"},
    {INSERT, "2607:5300:6d8a:6bf8:dab1:f1df:c05f:1523/83", "a"},
    {INSERT, "2607:5300:6d8a:6bf8:dab1:f1df:c05f:1523/21", "a"},
    {LIST,
     "192.95.5.64/27 2607:5300:6000:6b00::c05f:543/128 10.1.0.16/29 "
     "2607:5300:6d8a:6bf8:dab1:e000::/83 2607:5000::/21",
     "a"},
};

/* re-assigning a prefix steals it from the old peer; removal by value only for the owner */
static const struct step script_3[] = {
    {INSERT, "10.0.0.0/8", "a"}, {INSERT, "10.0.0.0/8", "b"},
    {LOOKUP, "10.1.1.1", "b"},   {LIST, "", "a"},
    {REMOVE, "10.0.0.0/8", "a"}, {LOOKUP, "10.1.1.1", "b"},
    {REMOVE, "10.0.0.0/8", "b"}, {LOOKUP, "10.1.1.1", NULL},
};

static char peers['z' + 1];

static void *
peer(const char *name)
{
    return name == NULL ? NULL : &peers[(unsigned char)name[0]];
}

static void
append_prefix(char *text, const struct ip_prefix *p)
{
    char a[INET6_ADDRSTRLEN];

    inet_ntop(p->addr.family == IP_V6 ? AF_INET6 : AF_INET, p->addr.bytes, a, sizeof(a));
    sprintf(text + strlen(text), "%s%s/%u", text[0] != '\0' ? " " : "", a, p->len);
}

static bool
list_prefix(void *ctx, const struct ip_prefix *p, void *value)
{
    (void)value;
    append_prefix(ctx, p);
    return true;
}

static void
run_step(const struct step *s)
{
    char text[1024] = "";

    switch (s->op) {
    case INSERT:
        assert_int_equal(insert(s->what, peer(s->peer)), 0);
        break;
    case REMOVE:
        take_out(s->what, peer(s->peer));
        break;
    case REMOVE_PEER:
        allowedips_remove_value(&table, peer(s->peer));
        break;
    case LOOKUP:
        assert_ptr_equal(lookup(s->what), peer(s->peer));
        break;
    case LIST:
        allowedips_walk_value(&table, peer(s->peer), list_prefix, text);
        assert_string_equal(text, s->what);
        break;
    }
}

#define RUN(script)                                                                                \
    for (size_t i = 0; i < sizeof(script) / sizeof(script[0]); i++)                                \
    run_step(&script[i])

static void
the_longest_prefix_wins(void **state)
{
    (void)state;
    RUN(script_0);
}

static void
nested_prefixes_of_a_peer_go_together(void **state)
{
    (void)state;
    RUN(script_1);
    assert_int_equal(table.count, 0);
    assert_null(table.root_v4);
}

static void
listings_show_masked_prefixes(void **state)
{
    (void)state;
    RUN(script_2);
}

static void
a_prefix_belongs_to_the_last_peer_that_got_it(void **state)
{
    (void)state;
    RUN(script_3);
}

/* --- the contract, rule by rule --- */

static char a, b, c;

static void
an_empty_table_has_no_match(void **state)
{
    struct ip_addr none = {0};

    (void)state;
    assert_null(lookup("0.0.0.0"));
    assert_null(lookup("::"));
    assert_null(allowedips_lookup(&table, &none));
    assert_int_equal(allowedips_remove_value(&table, &a), 0);
    assert_int_equal(take_out("10.0.0.0/8", &a), -ENOENT);
    allowedips_walk(&table, list_prefix, NULL);
    allowedips_walk_value(&table, &a, list_prefix, NULL);
    assert_true(allowedips_none_retired(&table.retired));
}

static void
what_is_no_prefix_is_refused(void **state)
{
    struct ip_prefix p = prefix("10.0.0.0/8");

    (void)state;
    assert_int_equal(allowedips_insert(&table, &p, NULL), -EINVAL);
    p.len = 33;
    assert_int_equal(allowedips_insert(&table, &p, &a), -EINVAL);
    assert_int_equal(allowedips_remove(&table, &p, &a), -ENOENT);
    p = prefix("::/0");
    p.len = 129;
    assert_int_equal(allowedips_insert(&table, &p, &a), -EINVAL);
    p = (struct ip_prefix){0};
    assert_int_equal(allowedips_insert(&table, &p, &a), -EINVAL);
    assert_int_equal(table.count, 0);
}

static void
the_families_are_apart(void **state)
{
    (void)state;
    insert("0.0.0.0/0", &a);
    assert_null(lookup("::"));
    assert_null(lookup("::ffff:1.2.3.4"));
    insert("::/0", &b);
    assert_ptr_equal(lookup("1.2.3.4"), &a);
    assert_ptr_equal(lookup("::ffff:1.2.3.4"), &b);
    assert_int_equal(take_out("0.0.0.0/0", &a), 0);
    assert_ptr_equal(lookup("::"), &b);
    assert_null(lookup("1.2.3.4"));
}

static void
host_routes_match_their_host_only(void **state)
{
    (void)state;
    insert("10.0.0.7/32", &a);
    insert("2001:db8::7/128", &b);
    assert_ptr_equal(lookup("10.0.0.7"), &a);
    assert_null(lookup("10.0.0.6"));
    assert_null(lookup("138.0.0.7"));
    assert_ptr_equal(lookup("2001:db8::7"), &b);
    assert_null(lookup("2001:db8::6"));
    assert_null(lookup("2001:db8:0:0:8000::7"));
    assert_null(lookup("a001:db8::7"));
}

static void
prefixes_split_at_the_64_bit_boundary(void **state)
{
    (void)state;
    insert("2001:db8:1:1::/64", &a);
    insert("2001:db8:1:1:8000::/65", &b);
    insert("2001:db8:1::/63", &c);
    assert_ptr_equal(lookup("2001:db8:1:1:7fff::1"), &a);
    assert_ptr_equal(lookup("2001:db8:1:1:8000::1"), &b);
    assert_ptr_equal(lookup("2001:db8:1:0:8000::1"), &c);
    assert_null(lookup("2001:db8:1:2::1"));
    assert_int_equal(take_out("2001:db8:1:1::/64", &a), 0);
    assert_ptr_equal(lookup("2001:db8:1:1:7fff::1"), &c);
    assert_ptr_equal(lookup("2001:db8:1:1:8000::1"), &b);
}

static void
every_prefix_length_works(void **state)
{
    static char value[129];
    struct ip_prefix p = prefix("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128");

    (void)state;
    for (p.len = 0; p.len <= 128; p.len++)
        assert_int_equal(allowedips_insert(&table, &p, &value[p.len]), 0);
    for (unsigned bit = 0; bit < 128; bit++) {
        struct ip_addr x = p.addr;

        x.bytes[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
        assert_ptr_equal(allowedips_lookup(&table, &x), &value[bit]);
    }
    assert_ptr_equal(allowedips_lookup(&table, &p.addr), &value[128]);
    /* and going away one by one, every second first */
    for (unsigned step = 0; step < 2; step++)
        for (unsigned len = step; len <= 128; len += 2) {
            p.len = (uint8_t)len;
            assert_int_equal(allowedips_remove(&table, &p, &value[len]), 0);
        }
    assert_null(table.root_v6);
}

static void
only_the_owner_removes_a_prefix(void **state)
{
    (void)state;
    insert("10.0.0.0/8", &a);
    assert_int_equal(take_out("10.0.0.0/8", &b), -ENOENT);
    assert_int_equal(take_out("10.0.0.0/9", &a), -ENOENT);
    assert_int_equal(take_out("10.0.0.0/7", &a), -ENOENT);
    assert_int_equal(take_out("10.255.0.0/8", &a), 0); /* host bits don't count */
    assert_int_equal(take_out("10.0.0.0/8", &a), -ENOENT);
}

static void
a_fork_is_no_prefix(void **state)
{
    (void)state;
    insert("10.0.0.0/24", &a);
    insert("10.0.1.0/24", &b); /* fork at 10.0.0.0/23 */
    assert_int_equal(take_out("10.0.0.0/23", &a), -ENOENT);
    assert_int_equal(take_out("10.0.0.0/23", NULL), -ENOENT);
    assert_int_equal(allowedips_remove_value(&table, NULL), 0);
    assert_int_equal(table.count, 2);
    insert("10.0.0.0/23", &c);
    assert_int_equal(table.count, 3);
    assert_int_equal(take_out("10.0.0.0/23", &c), 0);
    assert_ptr_equal(lookup("10.0.0.1"), &a);
    assert_ptr_equal(lookup("10.0.1.1"), &b);
}

static void
removing_a_value_leaves_no_residue(void **state)
{
    (void)state;
    insert("10.0.0.0/24", &a);
    insert("10.0.1.0/24", &a);
    insert("10.0.0.0/16", &b);
    insert("2001:db8::/32", &a);
    assert_int_equal(allowedips_remove_value(&table, &a), 3);
    assert_int_equal(table.count, 1);
    assert_int_equal(allowedips_remove_value(&table, &a), 0);
    assert_ptr_equal(lookup("10.0.1.1"), &b);
    assert_int_equal(allowedips_remove_value(&table, &b), 1);
    assert_null(table.root_v4);
    assert_null(table.root_v6);
}

static void
inserting_again_changes_nothing(void **state)
{
    char text[256] = "";

    (void)state;
    insert("10.0.0.0/8", &a);
    insert("11.0.0.0/8", &a);
    insert("10.0.0.0/8", &a);
    assert_int_equal(table.count, 2);
    allowedips_walk_value(&table, &a, list_prefix, text);
    assert_string_equal(text, "10.0.0.0/8 11.0.0.0/8");
    assert_true(allowedips_none_retired(&table.retired));
}

static bool
stop_after_two(void *ctx, const struct ip_prefix *p, void *value)
{
    unsigned *n = ctx;

    (void)p;
    (void)value;
    return ++*n < 2;
}

static void
the_walk_is_ordered_and_can_be_stopped(void **state)
{
    char text[256] = "";
    unsigned n = 0;

    (void)state;
    insert("::/0", &a);
    insert("11.0.0.0/8", &b);
    insert("10.0.0.0/8", &a);
    insert("10.0.0.0/7", &c);
    allowedips_walk(&table, list_prefix, text);
    assert_string_equal(text, "10.0.0.0/7 10.0.0.0/8 11.0.0.0/8 ::/0");
    allowedips_walk(&table, stop_after_two, &n);
    assert_int_equal(n, 2);
    insert("2001:db8::/32", &a);
    n = 0;
    allowedips_walk_value(&table, &a, stop_after_two, &n);
    assert_int_equal(n, 2);
}

static void
what_is_removed_waits_on_the_retired_list(void **state)
{
    struct allowedips_retired retired;

    (void)state;
    insert("10.0.0.0/24", &a);
    insert("10.0.1.0/24", &b);
    assert_true(allowedips_none_retired(&table.retired)); /* inserting retires nothing */
    take_out("10.0.0.0/24", &a);
    assert_false(allowedips_none_retired(&table.retired));
    retired = allowedips_take_retired(&table);
    assert_non_null(retired.nodes);
    assert_true(allowedips_none_retired(&table.retired));
    allowedips_free_retired(&table, retired);
    assert_ptr_equal(lookup("10.0.1.1"), &b);
    take_out("10.0.1.0/24", &b);
    /* what is left on the list is freed with the table */
}

static void
many_hosts_come_move_and_go(void **state)
{
    enum { HOSTS = 5000 };
    static char value[3];
    struct ip_prefix p = {.addr.family = IP_V6, .addr.bytes = {0xfd}, .len = 128};

    (void)state;
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < HOSTS; i++) {
            put_be32(p.addr.bytes + 12, i * 3);
            assert_int_equal(allowedips_insert(&table, &p, &value[i % 2]), 0);
        }
        for (unsigned i = 0; i < HOSTS; i += 2) {
            put_be32(p.addr.bytes + 12, i * 3);
            assert_int_equal(allowedips_insert(&table, &p, &value[2]), 0);
        }
        for (unsigned i = 0; i < 3 * HOSTS; i++) {
            put_be32(p.addr.bytes + 12, i);
            assert_ptr_equal(allowedips_lookup(&table, &p.addr), i % 3 != 0       ? NULL
                                                                 : i / 3 % 2 == 0 ? &value[2]
                                                                                  : &value[1]);
        }
        assert_int_equal(allowedips_remove_value(&table, &value[2]), HOSTS / 2);
        for (unsigned i = 0; i < HOSTS; i++) {
            put_be32(p.addr.bytes + 12, i * 3);
            assert_ptr_equal(allowedips_lookup(&table, &p.addr), i % 2 == 0 ? NULL : &value[1]);
        }
        assert_int_equal(allowedips_remove_value(&table, &value[1]), HOSTS / 2);
        assert_null(table.hosts_v6);
        allowedips_free_retired(&table, allowedips_take_retired(&table));
    }
}

/* --- random runs against a plain list --- */

struct entry {
    struct ip_prefix p;
    void *value;
};

struct model {
    struct entry *entries;
    size_t n;
    uint64_t seed;
};

static uint64_t
rnd(struct model *m)
{
    m->seed ^= m->seed << 13;
    m->seed ^= m->seed >> 7;
    m->seed ^= m->seed << 17;
    return m->seed;
}

/* Addresses with few different bits, so that prefixes nest and addresses hit. */
static struct ip_addr
rnd_addr(struct model *m, uint64_t keep)
{
    struct ip_addr x = {.family = rnd(m) % 2 ? IP_V4 : IP_V6};
    uint64_t hi = rnd(m) & keep, lo = rnd(m) & keep;

    put_be64(x.bytes, hi);
    if (x.family == IP_V6)
        put_be64(x.bytes + 8, lo);
    else
        memset(x.bytes + 4, 0, 12);
    return x;
}

static struct ip_prefix
rnd_prefix(struct model *m, uint64_t keep)
{
    struct ip_prefix p = {.addr = rnd_addr(m, keep)};

    p.len = (uint8_t)(ip_addr_len(&p.addr) * 8);
    if (rnd(m) % 4 != 0)
        p.len = (uint8_t)(rnd(m) % (p.len + 1u));
    for (unsigned bit = p.len; bit < ip_addr_len(&p.addr) * 8; bit++)
        p.addr.bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
    return p;
}

static struct entry *
model_find(struct model *m, const struct ip_prefix *p)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->entries[i].p.len == p->len && ip_addr_equal(&m->entries[i].p.addr, &p->addr))
            return &m->entries[i];
    return NULL;
}

static void
model_insert(struct model *m, const struct ip_prefix *p, void *value)
{
    struct entry *e = model_find(m, p);

    if (e == NULL)
        e = &m->entries[m->n++];
    *e = (struct entry){*p, value};
}

static void *
model_lookup(struct model *m, const struct ip_addr *x)
{
    const struct entry *best = NULL;

    for (size_t i = 0; i < m->n; i++)
        if (ip_prefix_contains(&m->entries[i].p, x) &&
            (best == NULL || m->entries[i].p.len > best->p.len))
            best = &m->entries[i];
    return best != NULL ? best->value : NULL;
}

static void
model_remove(struct model *m, struct entry *e)
{
    *e = m->entries[--m->n];
}

static size_t
model_remove_value(struct model *m, const void *value)
{
    size_t removed = 0;

    for (size_t i = 0; i < m->n;)
        if (m->entries[i].value == value) {
            model_remove(m, &m->entries[i]);
            removed++;
        } else {
            i++;
        }
    return removed;
}

struct walk_check {
    struct model *m;
    size_t n;
};

static bool
check_visited(void *ctx, const struct ip_prefix *p, void *value)
{
    struct walk_check *w = ctx;
    struct entry *e = model_find(w->m, p);

    assert_non_null(e);
    assert_ptr_equal(e->value, value);
    w->n++;
    return true;
}

static void
check_against_model(struct model *m, uint64_t keep)
{
    struct walk_check w = {m, 0};

    assert_int_equal(table.count, m->n);
    allowedips_walk(&table, check_visited, &w);
    assert_int_equal(w.n, m->n);
    for (int i = 0; i < 200; i++) {
        struct ip_addr x = rnd_addr(m, keep);

        assert_ptr_equal(allowedips_lookup(&table, &x), model_lookup(m, &x));
    }
}

enum { CHURN_VALUES = 30, CHURN_ENTRIES = 400 };

static void
churn_step(struct model *m, uint64_t keep, char *values)
{
    char *value = &values[rnd(m) % CHURN_VALUES];
    struct ip_prefix p = rnd_prefix(m, keep);
    struct entry *e = model_find(m, &p);
    uint64_t what = rnd(m) % 100;

    if (what < 60 && m->n < CHURN_ENTRIES) {
        assert_int_equal(allowedips_insert(&table, &p, value), 0);
        model_insert(m, &p, value);
    } else if (what < 97) {
        if (m->n > 0 && what < 95)
            e = &m->entries[rnd(m) % m->n];
        if (e != NULL)
            p = e->p;
        assert_int_equal(
            allowedips_remove(&table, &p, e != NULL && what % 2 ? e->value : (void *)value),
            e != NULL && (what % 2 || e->value == value) ? 0 : -ENOENT);
        if (e != NULL && (what % 2 || e->value == value))
            model_remove(m, e);
    } else {
        assert_int_equal(allowedips_remove_value(&table, value), model_remove_value(m, value));
    }
}

static void
random_churn_agrees_with_a_plain_list(void **state)
{
    static const uint64_t keeps[] = {0x0101010101010101, 0x8000000180000001, 0x0f000000f0000f0f,
                                     UINT64_MAX};
    static struct entry entries[CHURN_ENTRIES];
    static char values[CHURN_VALUES];
    struct model m = {.entries = entries, .seed = 0x9e3779b97f4a7c15};

    (void)state;
    for (size_t k = 0; k < sizeof(keeps) / sizeof(keeps[0]); k++) {
        for (int step = 0; step < 4000; step++) {
            churn_step(&m, keeps[k], values);
            if (step % 400 == 0) {
                check_against_model(&m, keeps[k]);
                allowedips_free_retired(&table, allowedips_take_retired(&table));
            }
        }
        for (int i = 0; i < CHURN_VALUES; i++)
            assert_int_equal(allowedips_remove_value(&table, &values[i]),
                             model_remove_value(&m, &values[i]));
        assert_int_equal(table.count, 0);
        assert_null(table.root_v4);
        assert_null(table.root_v6);
    }
}

enum { BIG_PEERS = 2000, BIG_EACH = 40, BIG = BIG_PEERS * BIG_EACH };

/* The i-th of many different prefixes: pairs of one within the other, apart from all other pairs
 * in their first 22 bits. */
static struct ip_prefix
big_prefix(struct model *m, uint32_t i)
{
    uint32_t pair = i / 2, spread = pair * 2654435761u << 10;
    struct ip_prefix p = {.addr.family = pair % 2 ? IP_V4 : IP_V6, .len = 22};

    put_be32(p.addr.bytes, spread);
    if (i % 2 == 1) {
        p.addr.bytes[2] |= rnd(m) & 3;
        p.addr.bytes[3] = (uint8_t)rnd(m);
        p.len = (uint8_t)(23 + rnd(m) % (ip_addr_len(&p.addr) * 8 - 22));
    }
    return p;
}

static bool
is_gone(const struct entry *e, const char *values)
{
    return ((const char *)e->value - values) % 2 == 0;
}

static void
many_peers_agree_with_a_plain_list(void **state)
{
    static struct entry entries[BIG];
    static char values[BIG_PEERS];
    struct model m = {.entries = entries, .seed = 88172645463325252};

    (void)state;
    for (uint32_t i = 0; i < BIG; i++) {
        entries[i] = (struct entry){big_prefix(&m, i), &values[rnd(&m) % BIG_PEERS]};
        assert_int_equal(allowedips_insert(&table, &entries[i].p, entries[i].value), 0);
    }
    assert_int_equal(table.count, BIG);
    for (size_t i = 0; i < BIG; i++)
        if (!is_gone(&entries[i], values))
            entries[m.n++] = entries[i];
    for (int i = 0; i < BIG_PEERS; i += 2)
        allowedips_remove_value(&table, &values[i]);
    assert_int_equal(table.count, m.n);

    for (int i = 0; i < 300; i++) {
        struct ip_addr x = entries[rnd(&m) % m.n].p.addr;

        x.bytes[2] ^= rnd(&m) & 3;
        x.bytes[3] = (uint8_t)rnd(&m);
        assert_ptr_equal(allowedips_lookup(&table, &x), model_lookup(&m, &x));
    }
}

/* --- readers beside the writer --- */

enum { READERS = 2, TOGGLED = 256, NETS = 16, GRACE_EVERY = 200, GRACES = 100 };

/* What is looked up: each value knows its prefix, so that a reader can judge an answer. */
struct toggled {
    struct ip_prefix p;
    bool in;
};

static struct {
    struct ip_prefix stable[2 * NETS]; /* /16s, never touched */
    struct toggled toggled[TOGGLED];   /* come and go, inside and around the stable ones */
    unsigned turn[READERS];            /* odd: in a read section */
    bool done;
} race;

static struct ip_addr
race_addr(struct model *m)
{
    struct ip_addr x = {.family = rnd(m) % 2 ? IP_V4 : IP_V6, .bytes = {10}};

    x.bytes[1] = (uint8_t)(rnd(m) % NETS * 16);
    x.bytes[2] = rnd(m) & 0xc1;
    x.bytes[3] = rnd(m) & 0x81;
    return x;
}

static void
race_setup(struct model *m)
{
    memset(&race, 0, sizeof(race));
    for (unsigned i = 0; i < 2 * NETS; i++) {
        struct ip_prefix *p = &race.stable[i];

        p->addr = (struct ip_addr){.family = i < NETS ? IP_V4 : IP_V6, .bytes = {10}};
        p->addr.bytes[1] = (uint8_t)(i % NETS * 16);
        p->len = 16;
        assert_int_equal(allowedips_insert(&table, p, p), 0);
    }
    for (unsigned i = 0; i < TOGGLED; i++) {
        struct ip_prefix *p = &race.toggled[i].p;
        unsigned span;

        p->addr = race_addr(m);
        span = p->addr.family == IP_V4 ? 33 : 60;
        do
            p->len = (uint8_t)(rnd(m) % span);
        while (p->len == 16);
        if (i % 2 == 0) /* with them the table of hosts grows, is replaced and goes */
            p->len = (uint8_t)(ip_addr_len(&p->addr) * 8);
    }
}

/* The answer must hold the address and be at least as long as the stable /16 that always does. */
static bool
right_answer(const struct ip_prefix *answer, const struct ip_addr *x)
{
    return answer != NULL && answer->len >= 16 && ip_prefix_contains(answer, x);
}

static void *
reader(void *arg)
{
    unsigned *turn = arg;
    struct model m = {.seed = 77 + (uint64_t)(turn - race.turn)};
    uintptr_t wrong = 0;

    while (!__atomic_load_n(&race.done, __ATOMIC_ACQUIRE)) {
        __atomic_fetch_add(turn, 1, __ATOMIC_SEQ_CST);
        for (int i = 0; i < 32; i++) {
            struct ip_addr x = race_addr(&m);

            wrong += !right_answer(allowedips_lookup(&table, &x), &x);
        }
        __atomic_fetch_add(turn, 1, __ATOMIC_SEQ_CST);
    }
    return (void *)wrong;
}

/* A grace period: every reader leaves its section; and enters one, so that it does race. */
static void
wait_for_readers(void)
{
    for (int i = 0; i < READERS; i++) {
        unsigned seen = __atomic_load_n(&race.turn[i], __ATOMIC_SEQ_CST);

        while (__atomic_load_n(&race.turn[i], __ATOMIC_SEQ_CST) - seen < 1 + seen % 2)
            sched_yield();
    }
}

static void
toggle(struct toggled *t)
{
    /* Two of these may have the same prefix: then the later one takes it over. */
    if (t->in)
        allowedips_remove(&table, &t->p, &t->p);
    else
        assert_int_equal(allowedips_insert(&table, &t->p, &t->p), 0);
    t->in = !t->in;
}

static void
change(struct model *m)
{
    struct toggled *t = &race.toggled[rnd(m) % TOGGLED];

    if (rnd(m) % 100 == 0) {
        t->in = false;
        allowedips_remove_value(&table, &t->p);
    } else {
        toggle(t);
    }
}

static void
readers_beside_the_writer_never_see_a_wrong_match_or_a_miss(void **state)
{
    struct model m = {.seed = 4711};
    struct allowedips_retired retired;
    pthread_t threads[READERS];
    uintptr_t wrong = 0;
    void *result;

    (void)state;
    race_setup(&m);
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, reader, &race.turn[i]), 0);
    for (int grace = 0; grace < GRACES; grace++) {
        for (int i = 0; i < GRACE_EVERY; i++)
            change(&m);
        retired = allowedips_take_retired(&table);
        wait_for_readers();
        allowedips_free_retired(&table, retired);
    }
    __atomic_store_n(&race.done, true, __ATOMIC_RELEASE);
    for (int i = 0; i < READERS; i++) {
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_true(race.turn[i] > 0);
        wrong += (uintptr_t)result;
    }
    assert_int_equal(wrong, 0);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fresh, destroy)
    const struct CMUnitTest tests[] = {
        T(the_longest_prefix_wins),
        T(nested_prefixes_of_a_peer_go_together),
        T(listings_show_masked_prefixes),
        T(a_prefix_belongs_to_the_last_peer_that_got_it),
        T(an_empty_table_has_no_match),
        T(what_is_no_prefix_is_refused),
        T(the_families_are_apart),
        T(host_routes_match_their_host_only),
        T(prefixes_split_at_the_64_bit_boundary),
        T(every_prefix_length_works),
        T(only_the_owner_removes_a_prefix),
        T(a_fork_is_no_prefix),
        T(removing_a_value_leaves_no_residue),
        T(inserting_again_changes_nothing),
        T(the_walk_is_ordered_and_can_be_stopped),
        T(what_is_removed_waits_on_the_retired_list),
        T(many_hosts_come_move_and_go),
        T(random_churn_agrees_with_a_plain_list),
        T(many_peers_agree_with_a_plain_list),
        T(readers_beside_the_writer_never_see_a_wrong_match_or_a_miss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
