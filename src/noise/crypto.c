/* SPDX-License-Identifier: BSD-3-Clause */
/* The crypto libraries: libsodium, libb2, and the AEAD backend of the data path. Nothing else in
 * the tree calls them. HMAC and KDF are ours, over libb2's BLAKE2s. */
#include "crypto.h"

#include <blake2.h>
#include <sodium.h>

#include "aead.h"

static const struct aead_backend *backend = &aead_sodium;

const struct aead_backend *
aead_selected(void)
{
    return backend;
}

void
aead_select(const struct aead_backend *b)
{
    backend = b;
}

const char *
noise_aead_name(void)
{
    return backend->name;
}

/* --- small things ---------------------------------------------------------------------------- */

bool
noise_equal(const void *a, const void *b, size_t len)
{
    return sodium_memcmp(a, b, len) == 0;
}

bool
noise_is_zero(const void *a, size_t len)
{
    return sodium_is_zero(a, len) == 1;
}

void
noise_wipe(void *p, size_t len)
{
    sodium_memzero(p, len);
}

uint64_t
noise_siphash(const uint8_t key[16], const void *data, size_t len)
{
    uint8_t out[crypto_shorthash_siphash24_BYTES];

    crypto_shorthash_siphash24(out, data, len, key);
    return get_le64(out);
}

/* --- Curve25519 ------------------------------------------------------------------------------ */

void
noise_clamp(uint8_t private_key[NOISE_KEY_LEN])
{
    private_key[0] &= 248;
    private_key[31] = (uint8_t)((private_key[31] & 127) | 64);
}

void
noise_public_key(uint8_t public_key[NOISE_KEY_LEN], const uint8_t private_key[NOISE_KEY_LEN])
{
    /* The base point has prime order: this cannot fail. */
    (void)crypto_scalarmult_curve25519_base(public_key, private_key);
}

bool
noise_dh(uint8_t out[NOISE_KEY_LEN], const uint8_t private_key[NOISE_KEY_LEN],
         const uint8_t public_key[NOISE_KEY_LEN])
{
    if (crypto_scalarmult_curve25519(out, private_key, public_key) == 0)
        return true;
    sodium_memzero(out, NOISE_KEY_LEN);
    return false;
}

/* --- BLAKE2s, HMAC, KDF ---------------------------------------------------------------------- */

static void
update(blake2s_state *s, const void *data, size_t len)
{
    if (len > 0)
        blake2s_update(s, data, len);
}

void
noise_hash(uint8_t out[NOISE_HASH_LEN], const void *a, size_t a_len, const void *b, size_t b_len)
{
    _Alignas(64) blake2s_state s;

    blake2s_init(&s, NOISE_HASH_LEN);
    update(&s, a, a_len);
    update(&s, b, b_len);
    blake2s_final(&s, out, NOISE_HASH_LEN);
    sodium_memzero(&s, sizeof(s));
}

void
noise_mac(uint8_t out[NOISE_MAC_LEN], const void *key, size_t key_len, const void *a, size_t a_len,
          const void *b, size_t b_len)
{
    _Alignas(64) blake2s_state s;

    blake2s_init_key(&s, NOISE_MAC_LEN, key, key_len);
    update(&s, a, a_len);
    update(&s, b, b_len);
    blake2s_final(&s, out, NOISE_MAC_LEN);
    sodium_memzero(&s, sizeof(s));
}

void
noise_hmac(uint8_t out[NOISE_HASH_LEN], const void *key, size_t key_len, const void *a,
           size_t a_len, const void *b, size_t b_len)
{
    uint8_t pad[BLAKE2S_BLOCKBYTES] = {0}, inner[NOISE_HASH_LEN];
    _Alignas(64) blake2s_state s;

    if (key_len > sizeof(pad))
        noise_hash(pad, key, key_len, NULL, 0);
    else if (key_len > 0)
        memcpy(pad, key, key_len);
    for (size_t i = 0; i < sizeof(pad); i++)
        pad[i] ^= 0x36;
    blake2s_init(&s, NOISE_HASH_LEN);
    update(&s, pad, sizeof(pad));
    update(&s, a, a_len);
    update(&s, b, b_len);
    blake2s_final(&s, inner, sizeof(inner));

    for (size_t i = 0; i < sizeof(pad); i++)
        pad[i] ^= 0x36 ^ 0x5c;
    noise_hash(out, pad, sizeof(pad), inner, sizeof(inner));

    sodium_memzero(&s, sizeof(s));
    sodium_memzero(pad, sizeof(pad));
    sodium_memzero(inner, sizeof(inner));
}

void
noise_kdf(uint8_t t1[NOISE_HASH_LEN], uint8_t t2[NOISE_HASH_LEN], uint8_t t3[NOISE_HASH_LEN],
          const void *key, size_t key_len, const void *input, size_t input_len)
{
    uint8_t prk[NOISE_HASH_LEN], t[NOISE_HASH_LEN];
    uint8_t *const out[] = {t1, t2, t3};

    noise_hmac(prk, key, key_len, input, input_len, NULL, 0);
    for (uint8_t i = 0; i < 3 && out[i] != NULL; i++) {
        const uint8_t count = (uint8_t)(i + 1);

        noise_hmac(t, prk, sizeof(prk), t, i == 0 ? 0 : sizeof(t), &count, 1);
        memcpy(out[i], t, sizeof(t));
    }
    sodium_memzero(prk, sizeof(prk));
    sodium_memzero(t, sizeof(t));
}

/* --- AEADs of the handshake ------------------------------------------------------------------ */

static const uint8_t zero_nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];

void
noise_aead_seal(uint8_t *out, const uint8_t key[NOISE_KEY_LEN], const void *plain, size_t len,
                const void *ad, size_t ad_len)
{
    crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, plain, len, ad, ad_len, NULL, zero_nonce,
                                              key);
}

bool
noise_aead_open(uint8_t *out, const uint8_t key[NOISE_KEY_LEN], const uint8_t *sealed, size_t len,
                const void *ad, size_t ad_len)
{
    return crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed, len, ad, ad_len,
                                                     zero_nonce, key) == 0;
}

_Static_assert(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES == NOISE_COOKIE_NONCE_LEN, "nonce");

void
noise_xaead_seal(uint8_t out[NOISE_MAC_LEN + MESSAGE_TAG_LEN], const uint8_t key[NOISE_KEY_LEN],
                 const uint8_t nonce[NOISE_COOKIE_NONCE_LEN], const uint8_t cookie[NOISE_MAC_LEN],
                 const uint8_t ad[NOISE_MAC_LEN])
{
    crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL, cookie, NOISE_MAC_LEN, ad, NOISE_MAC_LEN,
                                               NULL, nonce, key);
}

bool
noise_xaead_open(uint8_t cookie[NOISE_MAC_LEN], const uint8_t key[NOISE_KEY_LEN],
                 const uint8_t nonce[NOISE_COOKIE_NONCE_LEN],
                 const uint8_t sealed[NOISE_MAC_LEN + MESSAGE_TAG_LEN],
                 const uint8_t ad[NOISE_MAC_LEN])
{
    return crypto_aead_xchacha20poly1305_ietf_decrypt(cookie, NULL, NULL, sealed,
                                                      NOISE_MAC_LEN + MESSAGE_TAG_LEN, ad,
                                                      NOISE_MAC_LEN, nonce, key) == 0;
}

/* --- start-up -------------------------------------------------------------------------------- */

/* RFC 7748 section 6.1: Bob's public key from Alice's view, the shared secret. */
static bool
x25519_works(void)
{
    static const uint8_t private_key[NOISE_KEY_LEN] = {
        0x77, 0x07, 0x6d, 0x0a, 0x73, 0x18, 0xa5, 0x7d, 0x3c, 0x16, 0xc1,
        0x72, 0x51, 0xb2, 0x66, 0x45, 0xdf, 0x4c, 0x2f, 0x87, 0xeb, 0xc0,
        0x99, 0x2a, 0xb1, 0x77, 0xfb, 0xa5, 0x1d, 0xb9, 0x2c, 0x2a,
    };
    static const uint8_t public_key[NOISE_KEY_LEN] = {
        0xde, 0x9e, 0xdb, 0x7d, 0x7b, 0x7d, 0xc1, 0xb4, 0xd3, 0x5b, 0x61,
        0xc2, 0xec, 0xe4, 0x35, 0x37, 0x3f, 0x83, 0x43, 0xc8, 0x5b, 0x78,
        0x67, 0x4d, 0xad, 0xfc, 0x7e, 0x14, 0x6f, 0x88, 0x2b, 0x4f,
    };
    static const uint8_t shared[NOISE_KEY_LEN] = {
        0x4a, 0x5d, 0x9d, 0x5b, 0xa4, 0xce, 0x2d, 0xe1, 0x72, 0x8e, 0x3b,
        0xf4, 0x80, 0x35, 0x0f, 0x25, 0xe0, 0x7e, 0x21, 0xc9, 0x47, 0xd1,
        0x9e, 0x33, 0x76, 0xf0, 0x9b, 0x3c, 0x1e, 0x16, 0x17, 0x42,
    };
    uint8_t out[NOISE_KEY_LEN];

    return noise_dh(out, private_key, public_key) && memcmp(out, shared, sizeof(out)) == 0;
}

/* RFC 7693 appendix B. */
static bool
blake2s_works(void)
{
    static const uint8_t abc[NOISE_HASH_LEN] = {
        0x50, 0x8c, 0x5e, 0x8c, 0x32, 0x7c, 0x14, 0xe2, 0xe1, 0xa7, 0x2b,
        0xa3, 0x4e, 0xeb, 0x45, 0x2f, 0x37, 0x45, 0x8b, 0x20, 0x9e, 0xd6,
        0x3a, 0x29, 0x4d, 0x99, 0x9b, 0x4c, 0x86, 0x67, 0x59, 0x82,
    };
    uint8_t out[NOISE_HASH_LEN];

    noise_hash(out, "a", 1, "bc", 2);
    return memcmp(out, abc, sizeof(out)) == 0;
}

/* A keepalive with counter 1 under RFC 8439's example key, then the way back. */
static bool
aead_works(const struct aead_backend *b)
{
    static const uint8_t tag[MESSAGE_TAG_LEN] = {
        0x2c, 0x8b, 0xcc, 0x02, 0x34, 0x98, 0xfb, 0x47,
        0x95, 0xf0, 0x09, 0xbc, 0x2b, 0x0b, 0xd4, 0x9a,
    };
    uint8_t key[NOISE_KEY_LEN], data[MESSAGE_TAG_LEN];
    struct noise_aead a;
    bool ok;

    for (unsigned i = 0; i < sizeof(key); i++)
        key[i] = (uint8_t)(0x80 + i);
    b->expand(&a, key);
    ok = b->seal(&a, 1, data, 0) && memcmp(data, tag, sizeof(tag)) == 0 && b->open(&a, 1, data, 0);
    data[0] ^= 1;
    ok = ok && !b->open(&a, 1, data, 0);
    b->wipe(&a);
    return ok;
}

static int
fail(char *error, size_t error_len, const char *why)
{
    size_t len = strlen(why);

    if (error != NULL && error_len > 0) {
        if (len >= error_len)
            len = error_len - 1;
        memcpy(error, why, len);
        error[len] = '\0';
    }
    return -1;
}

static void
select_backend(void)
{
    const char *path = aead_boringssl_path();
    const struct aead_backend *fast = path != NULL ? aead_boringssl_load(path) : NULL;

    backend = fast != NULL ? fast : &aead_sodium;
}

int
noise_crypto_init(char *error, size_t error_len)
{
    static bool ready;

    if (ready) /* keys expanded by a backend must stay with it */
        return 0;
    if (sodium_init() < 0)
        return fail(error, error_len, "libsodium could not be initialised");
    select_backend();
    if (!x25519_works())
        return fail(error, error_len, "X25519 gives a wrong answer; refusing to start");
    if (!blake2s_works())
        return fail(error, error_len, "BLAKE2s gives a wrong answer; refusing to start");
    if (!aead_works(backend))
        return fail(error, error_len, "ChaCha20-Poly1305 gives a wrong answer; refusing to start");
    ready = true;
    return 0;
}
