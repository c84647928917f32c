/* SPDX-License-Identifier: BSD-3-Clause */
/* ChaCha20-Poly1305 for data messages (no associated data), behind one narrow interface so that the
 * fastest implementation at hand can do it. */
#ifndef NOISE_AEAD_H
#define NOISE_AEAD_H

#include <wgtcpd/noise/noise.h>

/* The nonce is 4 zero bytes and the counter, little endian (RFC 8439 layout, paper section 5.4.6).
 */
enum { AEAD_NONCE_LEN = 12 };

struct aead_backend {
    const char *name;
    /* Make a state from a key. */
    void (*expand)(struct noise_aead *a, const uint8_t key[NOISE_KEY_LEN]);
    /* Encrypt len bytes in place; the tag goes right behind them. */
    bool (*seal)(const struct noise_aead *a, uint64_t counter, uint8_t *data, size_t len);
    /* Decrypt len bytes in place, checked against the tag behind them. On false the bytes are
     * zeroed. */
    bool (*open)(const struct noise_aead *a, uint64_t counter, uint8_t *data, size_t len);
    void (*wipe)(struct noise_aead *a);
};

extern const struct aead_backend aead_sodium;

/* Open BoringSSL's libcrypto at an absolute path. NULL when it cannot be had. */
const struct aead_backend *aead_boringssl_load(const char *path);

/* Where the build found BoringSSL; NULL when it was built without. */
const char *aead_boringssl_path(void);

/* The backend in use. */
const struct aead_backend *aead_selected(void);
/* For who measures what is beside the AEAD: keys that another backend expanded mean nothing to this
 * one. */
void aead_select(const struct aead_backend *b);

static inline void
aead_nonce(uint8_t nonce[AEAD_NONCE_LEN], uint64_t counter)
{
    put_le32(nonce, 0);
    put_le64(nonce + 4, counter);
}

#endif
