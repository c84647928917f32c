/* SPDX-License-Identifier: BSD-3-Clause */
/* Static keys: ours, the peer's, and what can be computed from them once. */
#include "identity.h"

#include "crypto.h"

static const char label_mac1[8] = "mac1----";
static const char label_cookie[8] = "cookie--";

void
mac1_key_of(uint8_t mac1_key[NOISE_KEY_LEN], const uint8_t public_key[NOISE_KEY_LEN])
{
    noise_hash(mac1_key, label_mac1, sizeof(label_mac1), public_key, NOISE_KEY_LEN);
}

void
cookie_key_of(uint8_t cookie_key[NOISE_KEY_LEN], const uint8_t public_key[NOISE_KEY_LEN])
{
    noise_hash(cookie_key, label_cookie, sizeof(label_cookie), public_key, NOISE_KEY_LEN);
}

void
noise_local_init(struct noise_local *l, const uint8_t private_key[NOISE_KEY_LEN])
{
    memset(l, 0, sizeof(*l));
    if (noise_is_zero(private_key, NOISE_KEY_LEN))
        return;
    memcpy(l->private_key, private_key, NOISE_KEY_LEN);
    noise_clamp(l->private_key);
    noise_public_key(l->public_key, l->private_key);
    mac1_key_of(l->mac1_key, l->public_key);
    cookie_key_of(l->cookie_key, l->public_key);
    l->has_identity = true;
}

void
noise_local_wipe(struct noise_local *l)
{
    noise_wipe(l, sizeof(*l));
}

/* RFC 7748 section 7: the points of order 1, 2, 4 and 8 on the curve and its twist, and the two
 * that are so modulo p. The top bit does not count. */
static bool
is_low_order(const uint8_t public_key[NOISE_KEY_LEN])
{
    static const uint8_t points[][NOISE_KEY_LEN] = {
        {0},
        {1},
        {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3,
         0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32,
         0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
        {0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1,
         0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c,
         0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57},
        {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, /* p - 1 */
        {0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, /* p */
        {0xee, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, /* p + 1 */
    };
    uint8_t u[NOISE_KEY_LEN];

    memcpy(u, public_key, sizeof(u));
    u[NOISE_KEY_LEN - 1] &= 0x7f;
    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++)
        if (memcmp(u, points[i], sizeof(u)) == 0)
            return true;
    return false;
}

bool
remote_static_static(struct noise_remote *r, const struct noise_local *l)
{
    if (!noise_is_zero(r->static_static, NOISE_KEY_LEN))
        return true;
    return l->has_identity && noise_dh(r->static_static, l->private_key, r->public_key);
}

enum wgt_drop
noise_remote_init(struct noise_remote *r, const uint8_t public_key[NOISE_KEY_LEN],
                  const uint8_t psk[NOISE_KEY_LEN])
{
    memset(r, 0, sizeof(*r));
    memcpy(r->public_key, public_key, NOISE_KEY_LEN);
    if (psk != NULL)
        memcpy(r->preshared_key, psk, NOISE_KEY_LEN);
    return is_low_order(public_key) ? WGT_DROP_HANDSHAKE_DH : WGT_OK;
}

void
noise_remote_rekeyed(struct noise_remote *r)
{
    noise_handshake_clear(r);
    noise_wipe(r->static_static, sizeof(r->static_static));
}

void
noise_remote_wipe(struct noise_remote *r)
{
    noise_wipe(r, sizeof(*r));
}

void
noise_handshake_clear(struct noise_remote *r)
{
    noise_wipe(&r->handshake, sizeof(r->handshake));
}
