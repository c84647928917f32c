/* SPDX-License-Identifier: BSD-3-Clause */
#include "macs.h"

#include "crypto.h"
#include "identity.h"

/* A secret lives 120 s; a cookie is not used in its last 5 s, in which it may expire under way. */
static const wgt_time cookie_usable = (120 - 5) * WGT_SEC;

static bool
cookie_fresh(const struct noise_remote *r, wgt_time now)
{
    return r->have_cookie && now - r->cookie_birth < cookie_usable;
}

void
macs_add(struct noise_remote *r, wgt_time now, uint8_t *message, size_t len)
{
    uint8_t *mac1 = message + len - MACS_LEN, *mac2 = message + len - NOISE_MAC_LEN;
    uint8_t mac1_key[NOISE_KEY_LEN];

    mac1_key_of(mac1_key, r->public_key);
    noise_mac(mac1, mac1_key, sizeof(mac1_key), message, len - MACS_LEN, NULL, 0);
    memcpy(r->last_mac1, mac1, NOISE_MAC_LEN);
    r->have_sent_mac1 = true;

    if (cookie_fresh(r, now))
        noise_mac(mac2, r->cookie, sizeof(r->cookie), message, len - NOISE_MAC_LEN, NULL, 0);
    else
        memset(mac2, 0, NOISE_MAC_LEN);
}

bool
noise_mac1_check(const struct noise_local *l, const uint8_t *message, size_t len)
{
    uint8_t mac1[NOISE_MAC_LEN];

    if (!l->has_identity || !macs_present(len))
        return false;
    noise_mac(mac1, l->mac1_key, sizeof(l->mac1_key), message, len - MACS_LEN, NULL, 0);
    return noise_equal(mac1, macs_mac1(message, len), sizeof(mac1));
}
