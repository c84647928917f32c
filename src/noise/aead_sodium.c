/* SPDX-License-Identifier: BSD-3-Clause */
/* The portable backend: libsodium. Its state is the bare key. */
#include <sodium.h>

#include "aead.h"

_Static_assert(crypto_aead_chacha20poly1305_ietf_ABYTES == MESSAGE_TAG_LEN, "tag length");
_Static_assert(crypto_aead_chacha20poly1305_ietf_NPUBBYTES == AEAD_NONCE_LEN, "nonce length");

static void
sodium_expand(struct noise_aead *a, const uint8_t key[NOISE_KEY_LEN])
{
    memcpy(a->state, key, NOISE_KEY_LEN);
}

static bool
sodium_seal(const struct noise_aead *a, uint64_t counter, uint8_t *data, size_t len)
{
    uint8_t nonce[AEAD_NONCE_LEN];

    aead_nonce(nonce, counter);
    return crypto_aead_chacha20poly1305_ietf_encrypt_detached(data, data + len, NULL, data, len,
                                                              NULL, 0, NULL, nonce, a->state) == 0;
}

static bool
sodium_open(const struct noise_aead *a, uint64_t counter, uint8_t *data, size_t len)
{
    uint8_t nonce[AEAD_NONCE_LEN];

    aead_nonce(nonce, counter);
    return crypto_aead_chacha20poly1305_ietf_decrypt_detached(data, NULL, data, len, data + len,
                                                              NULL, 0, nonce, a->state) == 0;
}

static void
sodium_wipe(struct noise_aead *a)
{
    sodium_memzero(a, sizeof(*a));
}

const struct aead_backend aead_sodium = {
    .name = "libsodium",
    .expand = sodium_expand,
    .seal = sodium_seal,
    .open = sodium_open,
    .wipe = sodium_wipe,
};
