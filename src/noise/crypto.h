/* SPDX-License-Identifier: BSD-3-Clause */
/* The primitives of the paper's section 5.4, named as there. Private to noise and its tests. */
#ifndef NOISE_CRYPTO_H
#define NOISE_CRYPTO_H

#include <wgtcpd/noise/noise.h>

/* DH(private, public). false: the result is all zero (low-order point); out is zeroed. */
bool noise_dh(uint8_t out[NOISE_KEY_LEN], const uint8_t private_key[NOISE_KEY_LEN],
              const uint8_t public_key[NOISE_KEY_LEN]);

/* HASH(a || b): BLAKE2s-256. b may be NULL when b_len is 0. */
void noise_hash(uint8_t out[NOISE_HASH_LEN], const void *a, size_t a_len, const void *b,
                size_t b_len);

/* MAC(key, a || b): keyed BLAKE2s, 16-byte result. key_len is 16 or 32. */
void noise_mac(uint8_t out[NOISE_MAC_LEN], const void *key, size_t key_len, const void *a,
               size_t a_len, const void *b, size_t b_len);

/* HMAC-BLAKE2s-256 of a || b. */
void noise_hmac(uint8_t out[NOISE_HASH_LEN], const void *key, size_t key_len, const void *a,
                size_t a_len, const void *b, size_t b_len);

/* KDF1..KDF3: t2 and t3 may be NULL (t2 only together with t3). Outputs may overlap key. */
void noise_kdf(uint8_t t1[NOISE_HASH_LEN], uint8_t t2[NOISE_HASH_LEN], uint8_t t3[NOISE_HASH_LEN],
               const void *key, size_t key_len, const void *input, size_t input_len);

/* AEAD(key, 0, plain, ad): len + 16 bytes go to out. */
void noise_aead_seal(uint8_t *out, const uint8_t key[NOISE_KEY_LEN], const void *plain, size_t len,
                     const void *ad, size_t ad_len);
/* The reverse; len counts the tag and is at least 16. false: not authentic; out is zeroed. */
bool noise_aead_open(uint8_t *out, const uint8_t key[NOISE_KEY_LEN], const uint8_t *sealed,
                     size_t len, const void *ad, size_t ad_len);

/* XAEAD of a cookie: 16 bytes and a tag, ad is the mac1 that triggered it. */
void noise_xaead_seal(uint8_t out[NOISE_MAC_LEN + MESSAGE_TAG_LEN],
                      const uint8_t key[NOISE_KEY_LEN], const uint8_t nonce[NOISE_COOKIE_NONCE_LEN],
                      const uint8_t cookie[NOISE_MAC_LEN], const uint8_t ad[NOISE_MAC_LEN]);
bool noise_xaead_open(uint8_t cookie[NOISE_MAC_LEN], const uint8_t key[NOISE_KEY_LEN],
                      const uint8_t nonce[NOISE_COOKIE_NONCE_LEN],
                      const uint8_t sealed[NOISE_MAC_LEN + MESSAGE_TAG_LEN],
                      const uint8_t ad[NOISE_MAC_LEN]);

#endif
