/* SPDX-License-Identifier: BSD-3-Clause */
/* IP addresses, prefixes and endpoints, text form excluded (that is the control room's). */
#ifndef WGTCPD_BASE_ADDR_H
#define WGTCPD_BASE_ADDR_H

#include <wgtcpd/base/base.h>

enum ip_family { IP_NONE = 0, IP_V4 = 4, IP_V6 = 6 };

/* Network byte order. An IPv4 address fills the first 4 bytes and leaves the rest zero, so that two
 * addresses are equal exactly when all bytes of the struct are. */
struct ip_addr {
    uint8_t bytes[16];
    uint8_t family; /* enum ip_family */
};

struct ip_prefix {
    struct ip_addr addr; /* host bits are zero in an allowed IP, kept in an interface address */
    uint8_t len;         /* 0..32 or 0..128 */
};

struct ip_endpoint {
    struct ip_addr addr;
    uint16_t port; /* host byte order */
};

static inline unsigned
ip_addr_len(const struct ip_addr *a)
{
    return a->family == IP_V4 ? 4 : a->family == IP_V6 ? 16 : 0;
}

static inline bool
ip_addr_equal(const struct ip_addr *a, const struct ip_addr *b)
{
    return a->family == b->family && get_be64(a->bytes) == get_be64(b->bytes) &&
           get_be64(a->bytes + 8) == get_be64(b->bytes + 8);
}

static inline bool
ip_endpoint_equal(const struct ip_endpoint *a, const struct ip_endpoint *b)
{
    return a->port == b->port && ip_addr_equal(&a->addr, &b->addr);
}

static inline struct ip_addr
ip_addr_v4(const uint8_t bytes[4])
{
    struct ip_addr a = {.family = IP_V4};
    memcpy(a.bytes, bytes, 4);
    return a;
}

static inline struct ip_addr
ip_addr_v6(const uint8_t bytes[16])
{
    struct ip_addr a = {.family = IP_V6};
    memcpy(a.bytes, bytes, 16);
    return a;
}

/* Whether the address lies in the prefix (host bits of the prefix ignored). */
static inline bool
ip_prefix_contains(const struct ip_prefix *p, const struct ip_addr *a)
{
    uint64_t high = get_be64(p->addr.bytes) ^ get_be64(a->bytes);
    uint64_t low = get_be64(p->addr.bytes + 8) ^ get_be64(a->bytes + 8);

    if (p->addr.family != a->family)
        return false;
    if (p->len <= 64)
        return p->len == 0 || high >> (64 - p->len) == 0;
    return high == 0 && low >> (128 - p->len) == 0;
}

/* Makes the host bits zero. */
static inline void
ip_prefix_mask(struct ip_prefix *p)
{
    unsigned bytes = ip_addr_len(&p->addr);

    for (unsigned i = 0; i < bytes; i++) {
        unsigned kept = p->len > i * 8 ? p->len - i * 8 : 0;

        if (kept < 8)
            p->addr.bytes[i] &= (uint8_t)(0xff00 >> kept);
    }
}

#endif
