/* SPDX-License-Identifier: BSD-3-Clause */
#include "symmetric.h"

#include "aead.h"
#include "crypto.h"

/* HASH("Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s") */
static const uint8_t initial_chaining_key[NOISE_HASH_LEN] = {
    0x60, 0xe2, 0x6d, 0xae, 0xf3, 0x27, 0xef, 0xc0, 0x2e, 0xc3, 0x35, 0xe2, 0xa0, 0x25, 0xd2, 0xd0,
    0x16, 0xeb, 0x42, 0x06, 0xf8, 0x72, 0x77, 0xf5, 0x2d, 0x38, 0xd1, 0x98, 0x8b, 0x78, 0xcd, 0x36,
};
/* HASH(initial_chaining_key || "WireGuard v1 zx2c4 Jason@zx2c4.com") */
static const uint8_t initial_hash[NOISE_HASH_LEN] = {
    0x22, 0x11, 0xb3, 0x61, 0x08, 0x1a, 0xc5, 0x66, 0x69, 0x12, 0x43, 0xdb, 0x45, 0x8a, 0xd5, 0x32,
    0x2d, 0x9c, 0x6c, 0x66, 0x22, 0x93, 0xe8, 0xb7, 0x0e, 0xe1, 0x9c, 0x65, 0xba, 0x07, 0x9e, 0xf3,
};

void
symmetric_init(struct symmetric *s, const uint8_t responder_static[NOISE_KEY_LEN])
{
    memcpy(s->ck, initial_chaining_key, sizeof(s->ck));
    memcpy(s->h, initial_hash, sizeof(s->h));
    memset(s->k, 0, sizeof(s->k));
    symmetric_mix_hash(s, responder_static, NOISE_KEY_LEN);
}

void
symmetric_mix_hash(struct symmetric *s, const void *data, size_t len)
{
    noise_hash(s->h, s->h, sizeof(s->h), data, len);
}

void
symmetric_mix_ephemeral(struct symmetric *s, const uint8_t ephemeral[NOISE_KEY_LEN])
{
    symmetric_mix_hash(s, ephemeral, NOISE_KEY_LEN);
    symmetric_mix_key_only(s, ephemeral);
}

void
symmetric_mix_key_only(struct symmetric *s, const uint8_t input[NOISE_KEY_LEN])
{
    noise_kdf(s->ck, NULL, NULL, s->ck, sizeof(s->ck), input, NOISE_KEY_LEN);
}

void
symmetric_mix_key(struct symmetric *s, const uint8_t input[NOISE_KEY_LEN])
{
    noise_kdf(s->ck, s->k, NULL, s->ck, sizeof(s->ck), input, NOISE_KEY_LEN);
}

void
symmetric_mix_psk(struct symmetric *s, const uint8_t psk[NOISE_KEY_LEN])
{
    uint8_t tau[NOISE_HASH_LEN];

    noise_kdf(s->ck, tau, s->k, s->ck, sizeof(s->ck), psk, NOISE_KEY_LEN);
    symmetric_mix_hash(s, tau, sizeof(tau));
    noise_wipe(tau, sizeof(tau));
}

bool
symmetric_mix_dh_only(struct symmetric *s, const uint8_t private_key[NOISE_KEY_LEN],
                      const uint8_t public_key[NOISE_KEY_LEN])
{
    uint8_t dh[NOISE_KEY_LEN];

    if (!noise_dh(dh, private_key, public_key))
        return false;
    symmetric_mix_key_only(s, dh);
    noise_wipe(dh, sizeof(dh));
    return true;
}

bool
symmetric_mix_dh(struct symmetric *s, const uint8_t private_key[NOISE_KEY_LEN],
                 const uint8_t public_key[NOISE_KEY_LEN])
{
    uint8_t dh[NOISE_KEY_LEN];

    if (!noise_dh(dh, private_key, public_key))
        return false;
    symmetric_mix_key(s, dh);
    noise_wipe(dh, sizeof(dh));
    return true;
}

void
symmetric_encrypt(struct symmetric *s, uint8_t *out, const void *plain, size_t len)
{
    noise_aead_seal(out, s->k, plain, len, s->h, sizeof(s->h));
    symmetric_mix_hash(s, out, len + MESSAGE_TAG_LEN);
}

bool
symmetric_decrypt(struct symmetric *s, uint8_t *out, const uint8_t *sealed, size_t len)
{
    if (!noise_aead_open(out, s->k, sealed, len, s->h, sizeof(s->h)))
        return false;
    symmetric_mix_hash(s, sealed, len);
    return true;
}

void
symmetric_split(const struct symmetric *s, bool initiator, struct noise_keypair *k)
{
    const struct aead_backend *aead = aead_selected();
    uint8_t to_responder[NOISE_KEY_LEN], to_initiator[NOISE_KEY_LEN];

    noise_kdf(to_responder, to_initiator, NULL, s->ck, sizeof(s->ck), NULL, 0);
    aead->expand(&k->send, initiator ? to_responder : to_initiator);
    aead->expand(&k->receive, initiator ? to_initiator : to_responder);
    noise_wipe(to_responder, sizeof(to_responder));
    noise_wipe(to_initiator, sizeof(to_initiator));
}
