/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Allowed IPs against a plain list: the input is a program of inserts, removals and lookups. Few
 * address bytes are taken from the input, so that prefixes nest.
 */
#include <stdlib.h>

#include <wgtcpd/peer/allowedips.h>

enum { OP_LEN = 6, VALUES = 4, ENTRIES_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct entry {
    struct ip_prefix p;
    void *value;
};

static struct entry entries[ENTRIES_MAX];
static size_t n_entries;
static char values[VALUES];

static void
require(bool holds)
{
    if (!holds)
        abort();
}

/* bytes: family and length, then four that are spread over the address. */
static struct ip_prefix
prefix_of(const uint8_t b[5])
{
    struct ip_prefix p = {.addr.family = b[0] & 0x80 ? IP_V6 : IP_V4};
    unsigned step = p.addr.family == IP_V6 ? 4 : 1;

    for (unsigned i = 0; i < 4; i++)
        p.addr.bytes[i * step] = b[1 + i];
    p.len = (uint8_t)((b[0] & 0x7f) % (ip_addr_len(&p.addr) * 8 + 1));
    if ((b[0] & 0x7f) == 0x7f)
        p.len = (uint8_t)(ip_addr_len(&p.addr) * 8);
    return p;
}

static void
mask(struct ip_prefix *p)
{
    for (unsigned bit = p->len; bit < ip_addr_len(&p->addr) * 8; bit++)
        p->addr.bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
}

static struct entry *
find(const struct ip_prefix *p)
{
    for (size_t i = 0; i < n_entries; i++)
        if (entries[i].p.len == p->len && ip_addr_equal(&entries[i].p.addr, &p->addr))
            return &entries[i];
    return NULL;
}

static void *
lookup(const struct ip_addr *a)
{
    const struct entry *best = NULL;

    for (size_t i = 0; i < n_entries; i++)
        if (ip_prefix_contains(&entries[i].p, a) &&
            (best == NULL || entries[i].p.len > best->p.len))
            best = &entries[i];
    return best != NULL ? best->value : NULL;
}

static void
insert(struct allowedips *t, struct ip_prefix p, void *value)
{
    struct entry *e;

    if (n_entries == ENTRIES_MAX)
        return;
    require(allowedips_insert(t, &p, value) == 0);
    mask(&p);
    e = find(&p);
    if (e == NULL)
        e = &entries[n_entries++];
    *e = (struct entry){p, value};
}

static void
take_out(struct allowedips *t, struct ip_prefix p, const void *value)
{
    int rc = allowedips_remove(t, &p, value);
    struct entry *e;

    mask(&p);
    e = find(&p);
    require((rc == 0) == (e != NULL && e->value == value));
    if (rc == 0)
        *e = entries[--n_entries];
}

static void
take_out_value(struct allowedips *t, const void *value)
{
    size_t n = allowedips_remove_value(t, value);

    for (size_t i = 0; i < n_entries;) {
        if (entries[i].value == value) {
            entries[i] = entries[--n_entries];
            n--;
        } else {
            i++;
        }
    }
    require(n == 0);
}

static bool
check_visited(void *ctx, const struct ip_prefix *p, void *value)
{
    const struct entry *e = find(p);

    require(e != NULL && e->value == value);
    ++*(size_t *)ctx;
    return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct allowedips t;
    size_t visited = 0, listed = 0;

    allowedips_init(&t);
    n_entries = 0;
    for (; size >= OP_LEN; data += OP_LEN, size -= OP_LEN) {
        struct ip_prefix p = prefix_of(data + 1);
        void *value = &values[data[0] / 8 % VALUES];

        switch (data[0] % 8) {
        case 0:
            take_out(&t, p, value);
            break;
        case 1:
            take_out_value(&t, value);
            break;
        case 2:
            allowedips_free_retired(&t, allowedips_take_retired(&t));
            break;
        case 3:
        case 4:
            require(allowedips_lookup(&t, &p.addr) == lookup(&p.addr));
            break;
        default:
            insert(&t, p, value);
        }
        require(t.count == n_entries);
    }
    allowedips_walk(&t, check_visited, &visited);
    for (unsigned i = 0; i < VALUES; i++)
        allowedips_walk_value(&t, &values[i], check_visited, &listed);
    require(visited == n_entries && listed == n_entries);
    allowedips_destroy(&t);
    return 0;
}
