/* SPDX-License-Identifier: BSD-3-Clause */
/* Noise's SymmetricState: chaining key, transcript hash and the key of the moment. */
#ifndef NOISE_SYMMETRIC_H
#define NOISE_SYMMETRIC_H

#include <wgtcpd/noise/noise.h>

struct symmetric {
    uint8_t ck[NOISE_HASH_LEN];
    uint8_t h[NOISE_HASH_LEN];
    uint8_t k[NOISE_KEY_LEN];
};

/* Initialize with the protocol's name and prologue, and the responder's static key premixed. */
void symmetric_init(struct symmetric *s, const uint8_t responder_static[NOISE_KEY_LEN]);
void symmetric_mix_hash(struct symmetric *s, const void *data, size_t len);
/* An ephemeral public key: into the hash and, as the protocol has a PSK, into the chaining key. */
void symmetric_mix_ephemeral(struct symmetric *s, const uint8_t ephemeral[NOISE_KEY_LEN]);
/* A DH result that nothing is encrypted under. */
void symmetric_mix_key_only(struct symmetric *s, const uint8_t input[NOISE_KEY_LEN]);
/* A DH result; a new k. */
void symmetric_mix_key(struct symmetric *s, const uint8_t input[NOISE_KEY_LEN]);
void symmetric_mix_psk(struct symmetric *s, const uint8_t psk[NOISE_KEY_LEN]);
/* The DH of our private with their public key, mixed the same two ways. false: low order. */
bool symmetric_mix_dh_only(struct symmetric *s, const uint8_t private_key[NOISE_KEY_LEN],
                           const uint8_t public_key[NOISE_KEY_LEN]);
bool symmetric_mix_dh(struct symmetric *s, const uint8_t private_key[NOISE_KEY_LEN],
                      const uint8_t public_key[NOISE_KEY_LEN]);
/* len + 16 bytes come out. */
void symmetric_encrypt(struct symmetric *s, uint8_t *out, const void *plain, size_t len);
/* len counts the tag. false: not authentic, and the state is of no more use. */
bool symmetric_decrypt(struct symmetric *s, uint8_t *out, const uint8_t *sealed, size_t len);
/* Derive the two transport keys into a keypair. */
void symmetric_split(const struct symmetric *s, bool initiator, struct noise_keypair *k);

#endif
