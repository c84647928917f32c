/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The fast backend: BoringSSL's fused ChaCha20-Poly1305.
 *
 * BoringSSL's symbols carry no version and share their names with OpenSSL's, which a DPDK driver
 * may load into this process. So it is never linked: it is opened by path, its symbols are kept
 * local, and with DEEPBIND its own calls resolve inside itself.
 */
#include <dlfcn.h>

#include <openssl/aead.h>

#include "aead.h"
#include "crypto.h"

_Static_assert(sizeof(EVP_AEAD_CTX) <= NOISE_AEAD_STATE, "NOISE_AEAD_STATE holds the context");
_Static_assert(_Alignof(EVP_AEAD_CTX) <= 16, "struct noise_aead is aligned for the context");

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BUILT_WITH_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define BUILT_WITH_ASAN 1
#endif

static struct {
    __typeof__(&EVP_aead_chacha20_poly1305) chacha20_poly1305;
    __typeof__(&EVP_AEAD_CTX_init) init;
    __typeof__(&EVP_AEAD_CTX_cleanup) cleanup;
    __typeof__(&EVP_AEAD_CTX_seal_scatter) seal_scatter;
    __typeof__(&EVP_AEAD_CTX_open_gather) open_gather;
} lib;

static void
boringssl_expand(struct noise_aead *a, const uint8_t key[NOISE_KEY_LEN])
{
    memset(a, 0, sizeof(*a));
    /* Fails for a wrong key or tag length only: the self-test at start-up would have shown it. */
    (void)lib.init((EVP_AEAD_CTX *)a->state, lib.chacha20_poly1305(), key, NOISE_KEY_LEN,
                   MESSAGE_TAG_LEN, NULL);
}

static bool
boringssl_seal(const struct noise_aead *a, uint64_t counter, uint8_t *data, size_t len)
{
    uint8_t nonce[AEAD_NONCE_LEN];
    size_t tag_len;

    aead_nonce(nonce, counter);
    return lib.seal_scatter((const EVP_AEAD_CTX *)a->state, data, data + len, &tag_len,
                            MESSAGE_TAG_LEN, nonce, sizeof(nonce), data, len, NULL, 0, NULL,
                            0) == 1;
}

static bool
boringssl_open(const struct noise_aead *a, uint64_t counter, uint8_t *data, size_t len)
{
    uint8_t nonce[AEAD_NONCE_LEN];

    aead_nonce(nonce, counter);
    return lib.open_gather((const EVP_AEAD_CTX *)a->state, data, nonce, sizeof(nonce), data, len,
                           data + len, MESSAGE_TAG_LEN, NULL, 0) == 1;
}

static void
boringssl_wipe(struct noise_aead *a)
{
    lib.cleanup((EVP_AEAD_CTX *)a->state);
    noise_wipe(a, sizeof(*a));
}

static const struct aead_backend aead_boringssl = {
    .name = "boringssl",
    .expand = boringssl_expand,
    .seal = boringssl_seal,
    .open = boringssl_open,
    .wipe = boringssl_wipe,
};

static void *
open_library(const char *path)
{
#if defined(RTLD_DEEPBIND) && !defined(BUILT_WITH_ASAN)
    return dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
#else
    /* AddressSanitizer refuses DEEPBIND. Without it, a libcrypto that is already visible to all
     * would capture BoringSSL's own calls. */
    if (dlsym(RTLD_DEFAULT, "CRYPTO_memcmp") != NULL)
        return NULL;
    return dlopen(path, RTLD_NOW | RTLD_LOCAL);
#endif
}

const struct aead_backend *
aead_boringssl_load(const char *path)
{
    void *handle = open_library(path);

    if (handle == NULL)
        return NULL;
    /* OpenSSL's libcrypto under this path would lack these. */
    lib.chacha20_poly1305 =
        (__typeof__(lib.chacha20_poly1305))dlsym(handle, "EVP_aead_chacha20_poly1305");
    lib.init = (__typeof__(lib.init))dlsym(handle, "EVP_AEAD_CTX_init");
    lib.cleanup = (__typeof__(lib.cleanup))dlsym(handle, "EVP_AEAD_CTX_cleanup");
    lib.seal_scatter = (__typeof__(lib.seal_scatter))dlsym(handle, "EVP_AEAD_CTX_seal_scatter");
    lib.open_gather = (__typeof__(lib.open_gather))dlsym(handle, "EVP_AEAD_CTX_open_gather");
    if (lib.chacha20_poly1305 == NULL || lib.init == NULL || lib.cleanup == NULL ||
        lib.seal_scatter == NULL || lib.open_gather == NULL) {
        dlclose(handle);
        return NULL;
    }
    return &aead_boringssl;
}

const char *
aead_boringssl_path(void)
{
    return NOISE_BORINGSSL_LIBRARY;
}
