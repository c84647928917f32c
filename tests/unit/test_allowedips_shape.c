/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The trie from inside: its shape after every change, what readers see after every single store of
 * a change, and what happens when memory runs out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <wgtcpd/base/pages.h>
#include <wgtcpd/base/slab.h>

static int allocations_left = -1; /* negative: no limit */

static void *
short_calloc(size_t n, size_t size)
{
    if (allocations_left == 0)
        return NULL;
    allocations_left -= allocations_left > 0;
    return (calloc)(n, size);
}

static void *
short_pages(size_t size)
{
    if (allocations_left == 0)
        return NULL;
    allocations_left -= allocations_left > 0;
    return pages_alloc(size);
}

static void *
short_slab(struct slab *s)
{
    if (allocations_left == 0)
        return NULL;
    allocations_left -= allocations_left > 0;
    return slab_alloc(s);
}

static void after_store(void);

#define calloc(n, size)               short_calloc(n, size)
#define __atomic_store_n(p, v, order) (*(p) = (v), after_store())
#define pages_alloc(size)             short_pages(size)
#define slab_alloc(s)                 short_slab(s)
#include "../../src/peer/allowed_hosts.c"
#include "../../src/peer/allowedips.c"
#undef calloc
#undef pages_alloc
#undef __atomic_store_n

static struct allowedips table;
static char values[8];
static uint64_t seed = 42;

static uint32_t
rnd(void)
{
    seed = seed * 6364136223846793005 + 1442695040888963407;
    return (uint32_t)(seed >> 33);
}

/* Few different bits: prefixes that nest and share branches. */
static struct ip_prefix
rnd_prefix(void)
{
    struct ip_prefix p = {.addr.family = rnd() % 2 ? IP_V4 : IP_V6};

    for (unsigned i = 0; i < ip_addr_len(&p.addr); i++)
        p.addr.bytes[i] = rnd() & 0x81;
    p.len = (uint8_t)(ip_addr_len(&p.addr) * 8);
    if (rnd() % 4 != 0)
        p.len = (uint8_t)(rnd() % (p.len + 1u));
    return p;
}

/* Without memory the table of hosts may lack some, but has none wrong. */
static bool hosts_may_lack;
static size_t hosts_seen;

static void
check_host(const struct allowedips_node *node)
{
    const struct allowed_hosts *hosts = node->family == IP_V4 ? table.hosts_v4 : table.hosts_v6;
    void *found = allowed_hosts_find(hosts, node->bits);

    if (found == NULL && hosts_may_lack)
        return;
    assert_ptr_equal(found, node->value);
    hosts_seen++;
}

static size_t
live_hosts(const struct allowed_hosts *hosts)
{
    if (hosts == NULL)
        return 0;
    assert_true(hosts->live > 0 && hosts->live <= hosts->used);
    assert_true(2 * hosts->used <= hosts->mask + 1);
    return hosts->live;
}

/* Returns how many values are below. */
static size_t
check_shape(const struct allowedips_node *node, const struct allowedips_node *parent, unsigned side)
{
    struct key masked;

    if (node == NULL)
        return 0;
    memcpy(masked.bits, node->bits, sizeof(masked.bits));
    mask_bits(masked.bits, node->len);
    assert_memory_equal(masked.bits, node->bits, sizeof(masked.bits));
    if (parent != NULL) {
        assert_true(node->len > parent->len);
        assert_true(common_bits(node->bits, parent->bits) >= parent->len);
        assert_int_equal(bit_at(node->bits, parent->len), side);
    }
    if (node->value == NULL) {
        assert_non_null(node->child[0]);
        assert_non_null(node->child[1]);
    } else if (is_host(node)) {
        check_host(node);
    }
    return (node->value != NULL) + check_shape(node->child[0], node, 0) +
           check_shape(node->child[1], node, 1);
}

static void
check_table(void)
{
    hosts_seen = 0;
    assert_int_equal(check_shape(table.root_v4, NULL, 0) + check_shape(table.root_v6, NULL, 0),
                     table.count);
    assert_int_equal(live_hosts(table.hosts_v4) + live_hosts(table.hosts_v6), hosts_seen);
}

static void
the_trie_keeps_its_shape_through_every_change(void **state)
{
    (void)state;
    allowedips_init(&table);
    for (int i = 0; i < 6000; i++) {
        struct ip_prefix p = rnd_prefix();
        void *value = &values[rnd() % 8];

        if (rnd() % 200 == 0)
            allowedips_remove_value(&table, value);
        else if (rnd() % 3 == 0)
            allowedips_remove(&table, &p, allowedips_lookup(&table, &p.addr));
        else
            assert_int_equal(allowedips_insert(&table, &p, value), 0);
        check_table();
    }
    allowedips_destroy(&table);
}

/* --- readers, stopped between two steps, and between two stores of the writer --- */

enum { SAMPLES = 64, MAX_PATH = 130 };

/* A reader that has come to a node and holds the best value above it. */
struct paused {
    const struct allowedips_node *node;
    void *best;
};

static struct sample {
    struct ip_addr addr;
    void *before, *after;
    struct paused path[MAX_PATH]; /* all its states before the change */
    unsigned n_path;
    void *seen[1024]; /* by a reader that ran after each store of the change */
    unsigned n_seen;
} samples[SAMPLES];

static bool sampling;

static void
after_store(void)
{
    if (!sampling)
        return;
    for (struct sample *s = samples; s < samples + SAMPLES; s++) {
        assert_true(s->n_seen < sizeof(s->seen) / sizeof(s->seen[0]));
        s->seen[s->n_seen++] = allowedips_lookup(&table, &s->addr);
    }
}

static uint64_t *
addr_bits(const struct ip_addr *a, uint64_t bits[2])
{
    struct ip_prefix host = {*a, (uint8_t)(ip_addr_len(a) * 8)};
    struct key key;

    assert_true(key_of_prefix(&key, &host));
    memcpy(bits, key.bits, sizeof(key.bits));
    return bits;
}

/* One step of a reader; false: it has arrived. */
static bool
step(struct paused *r, const uint64_t bits[2], unsigned max_len)
{
    if (r->node == NULL || common_bits(r->node->bits, bits) < r->node->len)
        return false;
    if (r->node->value != NULL)
        r->best = r->node->value;
    r->node = r->node->len < max_len ? r->node->child[bit_at(bits, r->node->len)] : NULL;
    return true;
}

static void
sample_before(void)
{
    uint64_t bits[2];

    for (struct sample *s = samples; s < samples + SAMPLES; s++) {
        struct paused r = {NULL, NULL};

        s->addr = rnd_prefix().addr;
        addr_bits(&s->addr, bits);
        r.node = s->addr.family == IP_V4 ? table.root_v4 : table.root_v6;
        s->n_path = 0;
        s->n_seen = 0;
        do
            s->path[s->n_path++] = r;
        while (step(&r, bits, ip_addr_len(&s->addr) * 8));
        s->before = r.best;
        assert_ptr_equal(s->before, allowedips_lookup(&table, &s->addr));
    }
    sampling = true;
}

static void
sample_after(void)
{
    uint64_t bits[2];

    sampling = false;
    for (struct sample *s = samples; s < samples + SAMPLES; s++) {
        s->after = allowedips_lookup(&table, &s->addr);
        for (unsigned i = 0; i < s->n_seen; i++)
            assert_true(s->seen[i] == s->before || s->seen[i] == s->after);
        addr_bits(&s->addr, bits);
        for (unsigned i = 0; i < s->n_path; i++) {
            struct paused r = s->path[i];

            while (step(&r, bits, ip_addr_len(&s->addr) * 8))
                ;
            assert_true(r.best == s->before || r.best == s->after);
        }
    }
}

static bool
take_one_in_eight(void *ctx, const struct ip_prefix *p, void *value)
{
    (void)value;
    *(struct ip_prefix *)ctx = *p;
    return rnd() % 8 != 0;
}

static void
change_one_prefix(void)
{
    struct ip_prefix p = rnd_prefix();

    if (rnd() % 128 > table.count) {
        assert_int_equal(allowedips_insert(&table, &p, &values[rnd() % 8]), 0);
        return;
    }
    allowedips_walk(&table, take_one_in_eight, &p);
    for (int i = 0; i < 8; i++)
        allowedips_remove(&table, &p, &values[i]);
}

static void
between_any_two_stores_a_lookup_gives_the_old_or_the_new_answer(void **state)
{
    unsigned stores = 0;

    (void)state;
    allowedips_init(&table);
    for (int i = 0; i < 10000; i++) {
        sample_before();
        change_one_prefix();
        sample_after();
        stores += samples[0].n_seen;
        allowedips_free_retired(&table, allowedips_take_retired(&table));
    }
    assert_true(stores > 8000);
    allowedips_destroy(&table);
}

static void
without_memory_nothing_changes(void **state)
{
    unsigned failures = 0;

    (void)state;
    allowedips_init(&table);
    for (int i = 0; i < 3000; i++) {
        struct ip_prefix p = rnd_prefix();
        void *before = allowedips_lookup(&table, &p.addr);
        size_t count = table.count;
        int rc;

        hosts_may_lack = true;
        allocations_left = (int)(rnd() % 3);
        rc = allowedips_insert(&table, &p, &values[0]);
        allocations_left = -1;
        check_table();
        if (rc == 0)
            continue;
        assert_int_equal(rc, -ENOMEM);
        assert_int_equal(table.count, count);
        assert_ptr_equal(allowedips_lookup(&table, &p.addr), before);
        failures++;
    }
    hosts_may_lack = false;
    assert_true(failures > 100);
    assert_true(table.count > 100);
    allowedips_destroy(&table);
}

static void
removing_needs_no_memory(void **state)
{
    (void)state;
    allowedips_init(&table);
    for (int i = 0; i < 500; i++) {
        struct ip_prefix p = rnd_prefix();

        assert_int_equal(allowedips_insert(&table, &p, &values[i % 8]), 0);
    }
    allocations_left = 0;
    for (int i = 0; i < 8; i++)
        assert_true(allowedips_remove_value(&table, &values[i]) > 0);
    allocations_left = -1;
    assert_null(table.root_v4);
    assert_null(table.root_v6);
    allowedips_destroy(&table);
}

/* --- changes of many prefixes -------------------------------------------------------------------
 */

static void
what_was_reserved_needs_no_memory(void **state)
{
    (void)state;
    allowedips_init(&table);
    for (int round = 0; round < 50; round++) {
        unsigned n = 1 + rnd() % 40;

        assert_int_equal(allowedips_reserve(&table, n), 0);
        hosts_may_lack = true;
        allocations_left = 0;
        for (unsigned i = 0; i < n; i++) {
            struct ip_prefix p = rnd_prefix();

            assert_int_equal(allowedips_insert(&table, &p, &values[rnd() % 8]), 0);
        }
        allocations_left = -1;
        allowedips_unreserve(&table);
        assert_null(table.spare);
        assert_int_equal(table.n_spare, 0);
        check_table();
    }
    hosts_may_lack = false;
    allowedips_destroy(&table);
}

static void
a_reservation_that_fails_keeps_nothing(void **state)
{
    (void)state;
    allowedips_init(&table);
    for (int n = 0; n < 20; n++) {
        allocations_left = n;
        assert_int_equal(allowedips_reserve(&table, 20), -ENOMEM);
        assert_null(table.spare);
        assert_int_equal(table.n_spare, 0);
    }
    allocations_left = -1;
    allowedips_destroy(&table);
}

/* A reader sees what a prefix of both sets is worth at any time, and no other value's prefixes go.
 */
static void
a_replaced_set_is_never_without_what_stays(void **state)
{
    struct ip_prefix stays = {.addr = {.family = IP_V4, .bytes = {10, 0, 0, 1}}, .len = 32};
    struct ip_prefix other = {.addr = {.family = IP_V4, .bytes = {10, 9, 9, 9}}, .len = 32};
    uint64_t changes;

    (void)state;
    allowedips_init(&table);
    assert_int_equal(allowedips_insert(&table, &stays, &values[0]), 0);
    assert_int_equal(allowedips_insert(&table, &other, &values[1]), 0);
    for (int round = 0; round < 200; round++) {
        for (struct sample *s = samples; s < samples + SAMPLES; s++) {
            s->addr = stays.addr;
            s->n_seen = 0;
        }
        allowedips_replace_begin(&table, &values[0]);
        sampling = true;
        for (int i = 0; i < 2; i++) {
            struct ip_prefix p = {.addr = stays.addr, .len = (uint8_t)(rnd() % 32)};

            p.addr.bytes[1 + rnd() % 3] = (uint8_t)rnd();
            assert_int_equal(allowedips_insert(&table, i ? &p : &stays, &values[0]), 0);
        }
        allowedips_replace_end(&table, &values[0]);
        sampling = false;
        for (unsigned i = 0; i < samples[0].n_seen; i++)
            assert_ptr_equal(samples[0].seen[i], &values[0]);
        assert_ptr_equal(allowedips_lookup(&table, &other.addr), &values[1]);
        assert_in_range(table.count, 2, 3);
        check_table();
        allowedips_free_retired(&table, allowedips_take_retired(&table));
    }
    /* the same set again is no change */
    changes = table.changes;
    allowedips_replace_begin(&table, &values[1]);
    assert_int_equal(allowedips_insert(&table, &other, &values[1]), 0);
    assert_int_equal(allowedips_replace_end(&table, &values[1]), 0);
    assert_int_equal(table.changes, changes);
    allowedips_destroy(&table);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_trie_keeps_its_shape_through_every_change),
        cmocka_unit_test(between_any_two_stores_a_lookup_gives_the_old_or_the_new_answer),
        cmocka_unit_test(without_memory_nothing_changes),
        cmocka_unit_test(removing_needs_no_memory),
        cmocka_unit_test(what_was_reserved_needs_no_memory),
        cmocka_unit_test(a_reservation_that_fails_keeps_nothing),
        cmocka_unit_test(a_replaced_set_is_never_without_what_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
