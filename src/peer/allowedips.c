/* SPDX-License-Identifier: BSD-3-Clause */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>

#include <wgtcpd/peer/allowedips.h>

#include "allowed_hosts.h"

/*
 * A path-compressed binary trie. A node without a value is a fork and has two children; so n
 * prefixes take at most 2n - 1 nodes.
 *
 * Readers follow root and child pointers and read values, all with acquire loads. A node's prefix
 * never changes, and each change to the trie is one release store: of a value, or of the pointer
 * that brings a finished subtree in or lets a node out. A node let out keeps its value and its
 * children, so a reader inside it goes on in the trie as it was.
 *
 * Prefixes of one address are in a hash table, too, which is asked first. Its changes come before
 * the trie's: who finds nothing there any more still finds the old value here.
 */
struct allowedips_node {
    uint64_t bits[2]; /* the address from its first bit on, zero after len bits */
    struct allowedips_node *child[2];
    void *value; /* NULL: a fork */
    /* The writer's: nodes with a value hang in a bucket of their value, retired ones in a list. */
    struct allowedips_node *next, *prev;
    uint8_t len;
    uint8_t family;
    bool kept; /* inserted (again) since allowedips_replace_begin */
};

/* Two of them are most of what a prefix takes. */
_Static_assert(sizeof(struct allowedips_node) == 64, "a node is a cache line");

struct allowedips_bucket {
    struct allowedips_node *first, *last;
};

enum { FIRST_BUCKETS = 16, PREFIXES_PER_BUCKET = 4 };

/* An address or prefix as the trie sees it. */
struct key {
    uint64_t bits[2];
    unsigned len;
    uint8_t family;
};

/* --- bits --- */

static uint64_t
load_be32_high(const uint8_t *p)
{
    return (uint64_t)get_be32(p) << 32;
}

static unsigned
bit_at(const uint64_t bits[2], unsigned at)
{
    return bits[at / 64] >> (63 - at % 64) & 1;
}

/* The first len bits of one word, 0..64. */
static uint64_t
high_bits(uint64_t word, unsigned len)
{
    return len == 0 ? 0 : word >> (64 - len) << (64 - len);
}

static void
mask_bits(uint64_t bits[2], unsigned len)
{
    bits[0] = high_bits(bits[0], len < 64 ? len : 64);
    bits[1] = high_bits(bits[1], len > 64 ? len - 64 : 0);
}

/* How many leading bits are the same, 0..128. */
static unsigned
common_bits(const uint64_t a[2], const uint64_t b[2])
{
    if (a[0] != b[0])
        return (unsigned)__builtin_clzll(a[0] ^ b[0]);
    return a[1] != b[1] ? 64 + (unsigned)__builtin_clzll(a[1] ^ b[1]) : 128;
}

static bool
key_of_prefix(struct key *key, const struct ip_prefix *p)
{
    if (p->addr.family == IP_V4 && p->len <= 32)
        *key = (struct key){.bits = {load_be32_high(p->addr.bytes), 0}};
    else if (p->addr.family == IP_V6 && p->len <= 128)
        *key = (struct key){.bits = {get_be64(p->addr.bytes), get_be64(p->addr.bytes + 8)}};
    else
        return false;
    key->len = p->len;
    key->family = p->addr.family;
    mask_bits(key->bits, key->len);
    return true;
}

/* --- what readers do --- */

static struct allowedips_node *
load_node(struct allowedips_node *const *slot)
{
    return __atomic_load_n(slot, __ATOMIC_ACQUIRE);
}

static const struct allowed_hosts *
load_hosts(struct allowed_hosts *const *slot)
{
    return __atomic_load_n(slot, __ATOMIC_ACQUIRE);
}

void *
allowedips_lookup_v4(const struct allowedips *t, const uint8_t addr[4])
{
    const uint64_t bits = load_be32_high(addr);
    const struct allowedips_node *node;
    void *best = allowed_hosts_find(load_hosts(&t->hosts_v4), (const uint64_t[2]){bits, 0}), *value;

    if (best != NULL)
        return best;
    node = load_node(&t->root_v4);
    /* The or keeps clz defined; it cannot change a common length of up to 32 bits. */
    while (node != NULL && (unsigned)__builtin_clzll((node->bits[0] ^ bits) | 1) >= node->len) {
        value = __atomic_load_n(&node->value, __ATOMIC_ACQUIRE);
        best = value != NULL ? value : best;
        if (node->len == 32)
            break;
        node = load_node(&node->child[bits >> (63 - node->len) & 1]);
    }
    return best;
}

void *
allowedips_lookup_v6(const struct allowedips *t, const uint8_t addr[16])
{
    const uint64_t bits[2] = {get_be64(addr), get_be64(addr + 8)};
    const struct allowedips_node *node;
    void *best = allowed_hosts_find(load_hosts(&t->hosts_v6), bits), *value;

    if (best != NULL)
        return best;
    node = load_node(&t->root_v6);
    while (node != NULL && common_bits(node->bits, bits) >= node->len) {
        value = __atomic_load_n(&node->value, __ATOMIC_ACQUIRE);
        best = value != NULL ? value : best;
        if (node->len == 128)
            break;
        node = load_node(&node->child[bit_at(bits, node->len)]);
    }
    return best;
}

void *
allowedips_lookup(const struct allowedips *t, const struct ip_addr *addr)
{
    switch (addr->family) {
    case IP_V4:
        return allowedips_lookup_v4(t, addr->bytes);
    case IP_V6:
        return allowedips_lookup_v6(t, addr->bytes);
    default:
        return NULL;
    }
}

/* --- what readers see of the writer --- */

static void
publish_node(struct allowedips_node **slot, struct allowedips_node *node)
{
    __atomic_store_n(slot, node, __ATOMIC_RELEASE);
}

static void
publish_value(struct allowedips_node *node, void *value)
{
    __atomic_store_n(&node->value, value, __ATOMIC_RELEASE);
}

/* --- prefixes of one address --- */

static void
publish_hosts(struct allowedips *t, struct allowed_hosts **slot, struct allowed_hosts *hosts)
{
    struct allowed_hosts *old = *slot;

    __atomic_store_n(slot, hosts, __ATOMIC_RELEASE);
    if (old != NULL) {
        old->next = t->retired.hosts;
        t->retired.hosts = old;
    }
}

static bool
is_host(const struct allowedips_node *node)
{
    return node->len == (node->family == IP_V4 ? 32 : 128);
}

static struct allowed_hosts **
hosts_of(struct allowedips *t, const struct allowedips_node *node)
{
    return node->family == IP_V4 ? &t->hosts_v4 : &t->hosts_v6;
}

static void
set_host(struct allowedips *t, const struct allowedips_node *node, void *value)
{
    struct allowed_hosts **slot = hosts_of(t, node), *larger;

    if (*slot == NULL || !allowed_hosts_has_room(*slot)) {
        larger = allowed_hosts_copy(*slot);
        if (larger != NULL)
            publish_hosts(t, slot, larger);
    }
    if (*slot != NULL &&
        (allowed_hosts_has_room(*slot) || allowed_hosts_find(*slot, node->bits) != NULL))
        allowed_hosts_set(*slot, node->bits, value);
}

/* A table without any is let go: then nobody asks it. */
static void
remove_host(struct allowedips *t, const struct allowedips_node *node)
{
    struct allowed_hosts **slot = hosts_of(t, node);

    if (*slot == NULL)
        return;
    allowed_hosts_set(*slot, node->bits, NULL);
    if ((*slot)->live == 0)
        publish_hosts(t, slot, NULL);
}

/* --- the writer's buckets: which prefixes has a value? --- */

static struct allowedips_bucket *
bucket_of(const struct allowedips *t, const void *value)
{
    uint64_t hash = (uintptr_t)value * UINT64_C(0x9e3779b97f4a7c15);

    return &t->buckets[(hash ^ hash >> 32) & (t->n_buckets - 1)];
}

static void
bucket_add(struct allowedips *t, struct allowedips_node *node, const void *value)
{
    struct allowedips_bucket *b = bucket_of(t, value);

    node->next = NULL;
    node->prev = b->last;
    if (b->last != NULL)
        b->last->next = node;
    else
        b->first = node;
    b->last = node;
}

static void
bucket_remove(struct allowedips *t, struct allowedips_node *node)
{
    struct allowedips_bucket *b = bucket_of(t, node->value);

    if (node->prev != NULL)
        node->prev->next = node->next;
    else
        b->first = node->next;
    if (node->next != NULL)
        node->next->prev = node->prev;
    else
        b->last = node->prev;
}

/* Twice the buckets. Each value's prefixes keep their order. Failing is no harm but to speed,
 * except for the first time. */
static bool
grow_buckets(struct allowedips *t)
{
    struct allowedips_bucket *old = t->buckets;
    size_t n_old = t->n_buckets, n = n_old != 0 ? 2 * n_old : FIRST_BUCKETS;
    struct allowedips_bucket *fresh = calloc(n, sizeof(*fresh));
    struct allowedips_node *node, *next;

    if (fresh == NULL)
        return false;
    t->buckets = fresh;
    t->n_buckets = n;
    for (size_t i = 0; i < n_old; i++)
        for (node = old[i].first; node != NULL; node = next) {
            next = node->next;
            bucket_add(t, node, node->value);
        }
    free(old);
    return true;
}

static bool
make_room(struct allowedips *t)
{
    if (t->count >= t->n_buckets * PREFIXES_PER_BUCKET)
        return grow_buckets(t) || t->n_buckets != 0;
    return true;
}

/* --- the writer's walks --- */

static struct allowedips_node **
root_of(struct allowedips *t, const struct key *key)
{
    return key->family == IP_V4 ? &t->root_v4 : &t->root_v6;
}

static struct allowedips_node *
take_spare(struct allowedips *t)
{
    struct allowedips_node *node = t->spare;

    t->spare = node->next;
    node->next = NULL;
    t->n_spare--;
    return node;
}

static struct allowedips_node *
new_node(struct allowedips *t, const struct key *key, unsigned len)
{
    struct allowedips_node *node = t->spare != NULL ? take_spare(t) : slab_alloc(&t->nodes);

    if (node == NULL)
        return NULL;
    memcpy(node->bits, key->bits, sizeof(node->bits));
    mask_bits(node->bits, len);
    node->len = (uint8_t)len;
    node->family = key->family;
    return node;
}

static void
set_value(struct allowedips *t, struct allowedips_node *node, void *value)
{
    node->kept = true;
    if (node->value == value)
        return;
    t->changes++;
    if (node->value != NULL)
        bucket_remove(t, node);
    else
        t->count++;
    bucket_add(t, node, value);
    if (is_host(node))
        set_host(t, node, value);
    publish_value(node, value);
}

/* Put a new leaf where the search ended: in an empty slot, above `below`, or beside it. */
static int
insert_leaf(struct allowedips *t, struct allowedips_node **slot, const struct key *key,
            unsigned common, void *value)
{
    struct allowedips_node *below = *slot, *leaf = new_node(t, key, key->len), *top = leaf;

    if (leaf == NULL)
        return -ENOMEM;
    if (below != NULL && common < key->len) {
        top = new_node(t, key, common);
        if (top == NULL) {
            slab_free(&t->nodes, leaf);
            return -ENOMEM;
        }
        top->child[bit_at(key->bits, common)] = leaf;
    }
    if (below != NULL)
        top->child[bit_at(below->bits, common)] = below;
    set_value(t, leaf, value);
    publish_node(slot, top);
    return 0;
}

int
allowedips_insert(struct allowedips *t, const struct ip_prefix *p, void *value)
{
    struct allowedips_node **slot, *node;
    struct key key;
    unsigned common = 0;

    if (value == NULL || !key_of_prefix(&key, p))
        return -EINVAL;
    if (!make_room(t))
        return -ENOMEM;

    for (slot = root_of(t, &key); (node = *slot) != NULL;
         slot = &node->child[bit_at(key.bits, common)]) {
        common = common_bits(node->bits, key.bits);
        common = common < key.len ? common : key.len;
        if (common < node->len)
            break;
        common = node->len;
        if (common == key.len) {
            set_value(t, node, value);
            return 0;
        }
    }
    return insert_leaf(t, slot, &key, common, value);
}

int
allowedips_reserve(struct allowedips *t, size_t n)
{
    if (n == 0)
        return 0;
    if (!make_room(t))
        return -ENOMEM;
    while (t->n_spare < 2 * n) { /* a leaf and a fork each */
        struct allowedips_node *node = slab_alloc(&t->nodes);

        if (node == NULL) {
            allowedips_unreserve(t);
            return -ENOMEM;
        }
        node->next = t->spare;
        t->spare = node;
        t->n_spare++;
    }
    return 0;
}

static void
free_nodes(struct allowedips *t, struct allowedips_node *node)
{
    struct allowedips_node *next;

    for (; node != NULL; node = next) {
        next = node->next;
        slab_free(&t->nodes, node);
    }
}

void
allowedips_unreserve(struct allowedips *t)
{
    free_nodes(t, t->spare);
    t->spare = NULL;
    t->n_spare = 0;
}

static void
retire(struct allowedips *t, struct allowedips_node *node)
{
    node->next = t->retired.nodes;
    t->retired.nodes = node;
}

/* Where a prefix is stored, and what hangs above it. */
struct place {
    struct allowedips_node **slot, **parent_slot; /* parent_slot NULL: the node is a root */
};

static struct allowedips_node *
find(struct allowedips_node **root, const struct key *key, struct place *at)
{
    struct allowedips_node *node;

    *at = (struct place){.slot = root};
    while ((node = *at->slot) != NULL && common_bits(node->bits, key->bits) >= node->len &&
           node->len <= key->len) {
        if (node->len == key->len)
            return node->value != NULL ? node : NULL;
        at->parent_slot = at->slot;
        at->slot = &node->child[bit_at(key->bits, node->len)];
    }
    return NULL;
}

/* Take the value out, and the nodes that are of no use without it. */
static void
remove_node(struct allowedips *t, const struct place *at)
{
    struct allowedips_node *node = *at->slot, *parent;
    struct allowedips_node *child = node->child[node->child[0] == NULL];

    if (is_host(node))
        remove_host(t, node);
    bucket_remove(t, node);
    t->count--;
    t->changes++;
    if (node->child[0] != NULL && node->child[1] != NULL) {
        publish_value(node, NULL);
        return;
    }
    parent = at->parent_slot != NULL ? *at->parent_slot : NULL;
    if (child == NULL && parent != NULL && parent->value == NULL) {
        /* The parent would be a fork with one child: the sibling takes its place. */
        publish_node(at->parent_slot, parent->child[at->slot == &parent->child[0]]);
        retire(t, parent);
    } else {
        publish_node(at->slot, child);
    }
    retire(t, node);
}

int
allowedips_remove(struct allowedips *t, const struct ip_prefix *p, const void *value)
{
    struct allowedips_node *node;
    struct place at;
    struct key key;

    if (!key_of_prefix(&key, p))
        return -ENOENT;
    node = find(root_of(t, &key), &key, &at);
    if (node == NULL || node->value != value)
        return -ENOENT;
    remove_node(t, &at);
    return 0;
}

static size_t
remove_of_value(struct allowedips *t, const void *value, bool kept_too)
{
    struct allowedips_node *node, *next;
    struct place at;
    size_t n = 0;

    if (t->n_buckets == 0)
        return 0;
    for (node = bucket_of(t, value)->first; node != NULL; node = next) {
        struct key key = {{node->bits[0], node->bits[1]}, node->len, node->family};

        next = node->next;
        if (node->value != value || (node->kept && !kept_too))
            continue;
        if (find(root_of(t, &key), &key, &at) == NULL)
            continue;
        remove_node(t, &at);
        n++;
    }
    return n;
}

size_t
allowedips_remove_value(struct allowedips *t, const void *value)
{
    return remove_of_value(t, value, true);
}

void
allowedips_replace_begin(struct allowedips *t, const void *value)
{
    if (t->n_buckets == 0)
        return;
    for (struct allowedips_node *node = bucket_of(t, value)->first; node != NULL; node = node->next)
        if (node->value == value)
            node->kept = false;
}

size_t
allowedips_replace_end(struct allowedips *t, const void *value)
{
    return remove_of_value(t, value, false);
}

/* --- init, destroy, walk --- */

void
allowedips_init(struct allowedips *t)
{
    *t = (struct allowedips){0};
    slab_init(&t->nodes, sizeof(struct allowedips_node));
}

/* A trie is at most 129 nodes deep, so recursion is fine. */
static void
free_trie(struct allowedips *t, struct allowedips_node *node)
{
    if (node == NULL)
        return;
    free_trie(t, node->child[0]);
    free_trie(t, node->child[1]);
    slab_free(&t->nodes, node);
}

void
allowedips_destroy(struct allowedips *t)
{
    free_trie(t, t->root_v4);
    free_trie(t, t->root_v6);
    allowed_hosts_free(t->hosts_v4);
    allowed_hosts_free(t->hosts_v6);
    allowedips_free_retired(t, t->retired);
    allowedips_unreserve(t);
    free(t->buckets);
    allowedips_init(t);
}

static struct ip_prefix
prefix_of(const struct allowedips_node *node)
{
    struct ip_prefix p = {.addr.family = node->family, .len = node->len};

    put_be32(p.addr.bytes, (uint32_t)(node->bits[0] >> 32));
    if (node->family == IP_V6) {
        put_be32(p.addr.bytes + 4, (uint32_t)node->bits[0]);
        put_be64(p.addr.bytes + 8, node->bits[1]);
    }
    return p;
}

struct visitor {
    bool (*visit)(void *ctx, const struct ip_prefix *p, void *value);
    void *ctx;
};

static bool
visit_node(const struct allowedips_node *node, const struct visitor *v)
{
    struct ip_prefix p = prefix_of(node);

    return v->visit(v->ctx, &p, node->value);
}

static bool
walk_trie(const struct allowedips_node *node, const struct visitor *v)
{
    if (node == NULL)
        return true;
    if (node->value != NULL && !visit_node(node, v))
        return false;
    return walk_trie(node->child[0], v) && walk_trie(node->child[1], v);
}

void
allowedips_walk(const struct allowedips *t,
                bool (*visit)(void *ctx, const struct ip_prefix *p, void *value), void *ctx)
{
    const struct visitor v = {visit, ctx};

    if (walk_trie(t->root_v4, &v))
        walk_trie(t->root_v6, &v);
}

void
allowedips_walk_value(const struct allowedips *t, const void *value,
                      bool (*visit)(void *ctx, const struct ip_prefix *p, void *value), void *ctx)
{
    const struct visitor v = {visit, ctx};
    const struct allowedips_node *node;

    if (t->n_buckets == 0)
        return;
    for (node = bucket_of(t, value)->first; node != NULL; node = node->next)
        if (node->value == value && !visit_node(node, &v))
            return;
}

struct allowedips_retired
allowedips_take_retired(struct allowedips *t)
{
    struct allowedips_retired retired = t->retired;

    t->retired = (struct allowedips_retired){0};
    return retired;
}

bool
allowedips_none_retired(const struct allowedips_retired *r)
{
    return r->nodes == NULL && r->hosts == NULL;
}

void
allowedips_free_retired(struct allowedips *t, struct allowedips_retired r)
{
    struct allowed_hosts *next;

    free_nodes(t, r.nodes);
    for (; r.hosts != NULL; r.hosts = next) {
        next = r.hosts->next;
        allowed_hosts_free(r.hosts);
    }
}
