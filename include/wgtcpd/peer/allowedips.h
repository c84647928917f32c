/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Allowed IPs: a binary radix trie per family, longest prefix wins, one value a prefix. Prefixes of
 * one address (/32, /128) are found by a hash, however many there are.
 *
 * One writer (the control thread); any number of readers that may run beside it inside an RCU read
 * section of the caller's. What the writer takes out of the tries is put on a retired list; the
 * caller frees it after a grace period with allowedips_free_retired.
 *
 * A lookup that runs beside a change sees each prefix as it was before or after it, never anything
 * else, and changes of other prefixes not at all. Changes are not bundled: who removes one prefix
 * and inserts another that covers the same address must reckon with a lookup that sees neither.
 */
#ifndef WGTCPD_PEER_ALLOWEDIPS_H
#define WGTCPD_PEER_ALLOWEDIPS_H

#include <wgtcpd/base/addr.h>
#include <wgtcpd/base/slab.h>

struct allowedips_node;
struct allowedips_bucket;
struct allowed_hosts;

/* What readers may still be in. */
struct allowedips_retired {
    struct allowedips_node *nodes;
    struct allowed_hosts *hosts;
};

struct allowedips {
    /* Read with acquire loads. */
    struct allowed_hosts *hosts_v4, *hosts_v6; /* NULL: none */
    struct allowedips_node *root_v4, *root_v6;
    /* The writer's: */
    struct allowedips_retired retired;
    struct allowedips_bucket *buckets; /* the prefixes of each value */
    size_t n_buckets;                  /* a power of two, or 0 */
    size_t count;                      /* prefixes stored */
    uint64_t changes;                  /* prefixes added, moved and removed so far */
    struct allowedips_node *spare;     /* for inserts that may not fail */
    size_t n_spare;
    struct slab nodes;
};

void allowedips_init(struct allowedips *t);
/* No reader may be left. Frees everything, retired nodes too. */
void allowedips_destroy(struct allowedips *t);

/* Insert or move a prefix (host bits are masked) to `value`, which must not be NULL. 0, -EINVAL
 * (family, length or value), -ENOMEM (nothing changed). */
int allowedips_insert(struct allowedips *t, const struct ip_prefix *p, void *value);
/* The next n inserts will not want memory. 0 or -ENOMEM; undone, as to what was not used, by
 * allowedips_unreserve. */
int allowedips_reserve(struct allowedips *t, size_t n);
void allowedips_unreserve(struct allowedips *t);
/* Remove the prefix if it belongs to value. 0 or -ENOENT. */
int allowedips_remove(struct allowedips *t, const struct ip_prefix *p, const void *value);
/* Remove all prefixes of value; returns how many. Takes time in proportion to that number. */
size_t allowedips_remove_value(struct allowedips *t, const void *value);

/* A new set of prefixes for value: begin, insert them, end; end removes those of before that were
 * not inserted again, and returns how many. Readers never miss one that is in both sets. */
void allowedips_replace_begin(struct allowedips *t, const void *value);
size_t allowedips_replace_end(struct allowedips *t, const void *value);

/* Value of the longest prefix that holds addr, or NULL. For readers. */
void *allowedips_lookup(const struct allowedips *t, const struct ip_addr *addr);
/* Hot-path forms: 4 or 16 bytes in network order. */
void *allowedips_lookup_v4(const struct allowedips *t, const uint8_t addr[4]);
void *allowedips_lookup_v6(const struct allowedips *t, const uint8_t addr[16]);

/* Every prefix with its value, IPv4 first, in order of address and length; for the writer. visit
 * returns false to stop, and must not change the table. */
void allowedips_walk(const struct allowedips *t,
                     bool (*visit)(void *ctx, const struct ip_prefix *p, void *value), void *ctx);

/* The prefixes of one value, in the order in which it got them. Takes time in proportion to their
 * number. */
void allowedips_walk_value(const struct allowedips *t, const void *value,
                           bool (*visit)(void *ctx, const struct ip_prefix *p, void *value),
                           void *ctx);

/* Detach what is retired; free it after a grace period. */
struct allowedips_retired allowedips_take_retired(struct allowedips *t);
bool allowedips_none_retired(const struct allowedips_retired *r);
void allowedips_free_retired(struct allowedips *t, struct allowedips_retired r);

#endif
