/* SPDX-License-Identifier: BSD-3-Clause */
/* Static keys: ours, the peer's, and what can be computed from them once. */
#include "crypto.h"

static const char label_mac1[8] = "mac1----";
static const char label_cookie[8] = "cookie--";

static void
derive_mac_keys(uint8_t mac1_key[NOISE_KEY_LEN], uint8_t cookie_key[NOISE_KEY_LEN],
                const uint8_t public_key[NOISE_KEY_LEN])
{
    noise_hash(mac1_key, label_mac1, sizeof(label_mac1), public_key, NOISE_KEY_LEN);
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
    derive_mac_keys(l->mac1_key, l->cookie_key, l->public_key);
    l->has_identity = true;
}

void
noise_local_wipe(struct noise_local *l)
{
    noise_wipe(l, sizeof(*l));
}

static enum wgt_drop
precompute_static_static(struct noise_remote *r, const struct noise_local *l)
{
    static const uint8_t any_scalar[NOISE_KEY_LEN];
    bool ok =
        noise_dh(r->static_static, l->has_identity ? l->private_key : any_scalar, r->public_key);

    if (!ok || !l->has_identity)
        noise_wipe(r->static_static, sizeof(r->static_static));
    return ok ? WGT_OK : WGT_DROP_HANDSHAKE_DH;
}

enum wgt_drop
noise_remote_init(struct noise_remote *r, const struct noise_local *l,
                  const uint8_t public_key[NOISE_KEY_LEN], const uint8_t psk[NOISE_KEY_LEN])
{
    memset(r, 0, sizeof(*r));
    memcpy(r->public_key, public_key, NOISE_KEY_LEN);
    if (psk != NULL)
        memcpy(r->preshared_key, psk, NOISE_KEY_LEN);
    derive_mac_keys(r->mac1_key, r->cookie_key, r->public_key);
    return precompute_static_static(r, l);
}

enum wgt_drop
noise_remote_rekeyed(struct noise_remote *r, const struct noise_local *l)
{
    noise_handshake_clear(r);
    return precompute_static_static(r, l);
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
