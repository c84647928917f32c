/* SPDX-License-Identifier: BSD-3-Clause */
/* The primitives and both AEAD backends against known answers, and against each other. */
#include "test_noise_util.h"
#include "vectors_crypto.h"

#include "../../src/noise/aead.h"
#include "../../src/noise/crypto.h"

static void
fill_counting(uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)i;
}

/* --- Curve25519 ------------------------------------------------------------------------------ */

static void
x25519_gives_rfc7748_answers(void **state)
{
    uint8_t scalar[32], u[32], out[32];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(vector_x25519); i++) {
        unhex_key(scalar, vector_x25519[i].scalar);
        unhex_key(u, vector_x25519[i].u);
        assert_true(noise_dh(out, scalar, u));
        assert_hex(out, sizeof(out), vector_x25519[i].out);
    }
}

static void
x25519_iterated_gives_rfc7748_answers(void **state)
{
    uint8_t k[32] = {9}, u[32] = {9}, out[32];

    (void)state;
    for (unsigned i = 1; i <= 1000; i++) {
        assert_true(noise_dh(out, k, u));
        memcpy(u, k, sizeof(u));
        memcpy(k, out, sizeof(k));
        if (i == 1)
            assert_hex(k, sizeof(k),
                       "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
    }
    assert_hex(k, sizeof(k), "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
}

static void
x25519_rejects_low_order_points(void **state)
{
    uint8_t scalar[32], u[32], out[32];

    (void)state;
    unhex_key(scalar, vector_x25519[0].scalar);
    for (size_t i = 0; i < 2 * COUNT_OF(vector_low_order); i++) {
        unhex_key(u, vector_low_order[i / 2]);
        u[31] |= i % 2 == 1 ? 0x80 : 0;
        memset(out, 0xee, sizeof(out));
        assert_false(noise_dh(out, scalar, u));
        assert_true(noise_is_zero(out, sizeof(out)));
    }
}

static void
private_keys_are_clamped(void **state)
{
    uint8_t key[32], public_key[32];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(vector_clamp); i++) {
        unhex_key(key, vector_clamp[i].input);
        noise_clamp(key);
        assert_hex(key, sizeof(key), vector_clamp[i].clamped);
        noise_public_key(public_key, key);
        assert_hex(public_key, sizeof(public_key), vector_clamp[i].public_key);
    }
}

/* --- BLAKE2s, HMAC, KDF ---------------------------------------------------------------------- */

static void
blake2s_gives_known_answers(void **state)
{
    uint8_t key[32], input[256], out[32];

    (void)state;
    fill_counting(key, sizeof(key));
    fill_counting(input, sizeof(input));
    for (size_t i = 0; i < COUNT_OF(vector_blake2s); i++) {
        noise_hash(out, input, vector_blake2s[i].len, NULL, 0);
        assert_hex(out, 32, vector_blake2s[i].hash);
        noise_mac(out, key, sizeof(key), input, vector_blake2s[i].len, NULL, 0);
        assert_hex(out, 16, vector_blake2s[i].mac);
    }
    for (size_t i = 0; i < COUNT_OF(vector_mac_key16); i++) {
        noise_mac(out, key, 16, input, vector_mac_key16[i].len, NULL, 0);
        assert_hex(out, 16, vector_mac_key16[i].mac);
    }
}

static void
blake2s_of_two_parts_is_that_of_the_whole(void **state)
{
    uint8_t input[200], whole[32], parts[32];

    (void)state;
    fill_counting(input, sizeof(input));
    noise_hash(whole, input, sizeof(input), NULL, 0);
    for (size_t cut = 0; cut <= sizeof(input); cut++) {
        noise_hash(parts, input, cut, input + cut, sizeof(input) - cut);
        assert_memory_equal(parts, whole, sizeof(whole));
    }
    noise_mac(whole, input, 32, input, sizeof(input), NULL, 0);
    for (size_t cut = 0; cut <= sizeof(input); cut++) {
        noise_mac(parts, input, 32, input, cut, input + cut, sizeof(input) - cut);
        assert_memory_equal(parts, whole, NOISE_MAC_LEN);
    }
}

static void
hmac_gives_known_answers(void **state)
{
    uint8_t key[80], data[64], out[32];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(vector_hmac); i++) {
        const size_t key_len = unhex(key, sizeof(key), vector_hmac[i].key);
        const size_t data_len = unhex(data, sizeof(data), vector_hmac[i].data);

        for (size_t cut = 0; cut <= data_len; cut++) {
            noise_hmac(out, key, key_len, data, cut, data + cut, data_len - cut);
            assert_hex(out, sizeof(out), vector_hmac[i].out);
        }
    }
}

static void
kdf_gives_known_answers(void **state)
{
    uint8_t key[64], input[64], t1[32], t2[32], t3[32];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(vector_kdf); i++) {
        const size_t key_len = unhex(key, sizeof(key), vector_kdf[i].key);
        const size_t input_len = unhex(input, sizeof(input), vector_kdf[i].input);

        noise_kdf(t1, t2, t3, key, key_len, input, input_len);
        assert_hex(t1, 32, vector_kdf[i].t1);
        assert_hex(t2, 32, vector_kdf[i].t2);
        assert_hex(t3, 32, vector_kdf[i].t3);
        memset(t1, 0, 32);
        memset(t2, 0, 32);
        noise_kdf(t1, t2, NULL, key, key_len, input, input_len);
        assert_hex(t1, 32, vector_kdf[i].t1);
        assert_hex(t2, 32, vector_kdf[i].t2);
        memset(t1, 0, 32);
        noise_kdf(t1, NULL, NULL, key, key_len, input, input_len);
        assert_hex(t1, 32, vector_kdf[i].t1);
    }
}

static void
kdf_may_write_over_its_key(void **state)
{
    uint8_t key[32], input[32], t1[32], t2[32];

    (void)state;
    fill_counting(key, sizeof(key));
    fill_counting(input, sizeof(input));
    noise_kdf(t1, t2, NULL, key, sizeof(key), input, sizeof(input));
    noise_kdf(key, input, NULL, key, sizeof(key), input, sizeof(input));
    assert_memory_equal(key, t1, sizeof(t1));
    assert_memory_equal(input, t2, sizeof(t2));
}

/* --- AEADs of the handshake ------------------------------------------------------------------ */

static void
handshake_aead_covers_text_tag_and_data(void **state)
{
    uint8_t key[32], plain[12], ad[32], sealed[28], opened[12];

    (void)state;
    fill_counting(key, sizeof(key));
    fill_counting(plain, sizeof(plain));
    fill_counting(ad, sizeof(ad));
    noise_aead_seal(sealed, key, plain, sizeof(plain), ad, sizeof(ad));
    assert_true(noise_aead_open(opened, key, sealed, sizeof(sealed), ad, sizeof(ad)));
    assert_memory_equal(opened, plain, sizeof(plain));
    for (size_t bit = 0; bit < 8 * sizeof(sealed); bit++) {
        sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(noise_aead_open(opened, key, sealed, sizeof(sealed), ad, sizeof(ad)));
        assert_true(noise_is_zero(opened, sizeof(opened)));
        sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    ad[31] ^= 1;
    assert_false(noise_aead_open(opened, key, sealed, sizeof(sealed), ad, sizeof(ad)));
}

static void
cookie_aead_gives_known_answer(void **state)
{
    uint8_t key[32], nonce[24], ad[16], plain[16], sealed[32], opened[16];

    (void)state;
    unhex_key(key, vector_xchacha20poly1305.key);
    unhex(nonce, sizeof(nonce), vector_xchacha20poly1305.nonce);
    unhex(ad, sizeof(ad), vector_xchacha20poly1305.ad);
    unhex(plain, sizeof(plain), vector_xchacha20poly1305.plain);
    noise_xaead_seal(sealed, key, nonce, plain, ad);
    assert_hex(sealed, sizeof(sealed), vector_xchacha20poly1305.sealed);
    assert_true(noise_xaead_open(opened, key, nonce, sealed, ad));
    assert_memory_equal(opened, plain, sizeof(plain));
    ad[0] ^= 1;
    assert_false(noise_xaead_open(opened, key, nonce, sealed, ad));
}

/* --- AEAD backends --------------------------------------------------------------------------- */

/* All that this build has: libsodium always, BoringSSL when it was found. */
static size_t
backends(const struct aead_backend *out[2])
{
    const char *path = aead_boringssl_path();

    out[0] = &aead_sodium;
    out[1] = path != NULL ? aead_boringssl_load(path) : NULL;
    return out[1] != NULL ? 2 : 1;
}

static void
backends_give_known_answers(void **state)
{
    const struct aead_backend *b[2];
    struct noise_aead a;
    uint8_t key[32], data[MESSAGE_TAG_LEN];

    (void)state;
    for (size_t n = backends(b); n-- > 0;) {
        for (size_t i = 0; i < COUNT_OF(vector_empty_message); i++) {
            unhex_key(key, vector_empty_message[i].key);
            b[n]->expand(&a, key);
            assert_true(b[n]->seal(&a, vector_empty_message[i].counter, data, 0));
            assert_hex(data, sizeof(data), vector_empty_message[i].sealed);
            assert_true(b[n]->open(&a, vector_empty_message[i].counter, data, 0));
            assert_false(b[n]->open(&a, vector_empty_message[i].counter ^ 1, data, 0));
            b[n]->wipe(&a);
        }
    }
}

/* What one sealed the other opens, byte for byte the same, for any size at any alignment. */
static void
backends_agree(void **state)
{
    const struct aead_backend *b[2];
    struct noise_aead a[2];
    static uint8_t plain[2000], buffer[2][2000 + MESSAGE_TAG_LEN + 64];
    uint64_t seed = 1;
    uint8_t key[32];

    (void)state;
    if (backends(b) < 2)
        skip();
    for (unsigned round = 0; round < 3000; round++) {
        /* each size once, then sizes and places at random */
        const size_t len = round <= 2000 ? round : random_u64(&seed) % 2001;
        const uint64_t counter = random_u64(&seed) >> (random_u64(&seed) % 64);
        uint8_t *p[2];

        random_fill(&seed, key, sizeof(key));
        random_fill(&seed, plain, len);
        for (unsigned i = 0; i < 2; i++) {
            p[i] = buffer[i] + random_u64(&seed) % 64;
            memcpy(p[i], plain, len);
            b[i]->expand(&a[i], key);
            assert_true(b[i]->seal(&a[i], counter, p[i], len));
        }
        assert_memory_equal(p[0], p[1], len + MESSAGE_TAG_LEN);
        for (unsigned i = 0; i < 2; i++) {
            assert_true(b[1 - i]->open(&a[1 - i], counter, p[i], len));
            assert_memory_equal(p[i], plain, len);
        }
    }
}

static void
backends_refuse_any_changed_bit_and_zero_the_text(void **state)
{
    const struct aead_backend *b[2];
    struct noise_aead a;
    uint8_t key[32] = {1}, sealed[32 + MESSAGE_TAG_LEN] = {0}, data[sizeof(sealed)];

    (void)state;
    for (size_t n = backends(b); n-- > 0;) {
        b[n]->expand(&a, key);
        memset(sealed, 7, 32);
        assert_true(b[n]->seal(&a, 5, sealed, 32));
        for (size_t bit = 0; bit < 8 * sizeof(sealed); bit++) {
            memcpy(data, sealed, sizeof(data));
            data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_false(b[n]->open(&a, 5, data, 32));
            assert_true(noise_is_zero(data, 32));
        }
        assert_true(b[n]->open(&a, 5, sealed, 32));
    }
}

static void
backends_write_nothing_outside_the_message(void **state)
{
    const struct aead_backend *b[2];
    struct noise_aead a;
    uint8_t key[32] = {2}, buffer[16 + 100 + MESSAGE_TAG_LEN + 16];

    (void)state;
    for (size_t n = backends(b); n-- > 0;) {
        b[n]->expand(&a, key);
        for (size_t len = 0; len <= 100; len++) {
            memset(buffer, 0xa5, sizeof(buffer));
            assert_true(b[n]->seal(&a, 5, buffer + 16, len));
            assert_true(b[n]->open(&a, 5, buffer + 16, len));
            for (size_t i = 0; i < sizeof(buffer); i++)
                if (i < 16 + len || i >= 16 + len + MESSAGE_TAG_LEN)
                    assert_int_equal(buffer[i], 0xa5);
        }
    }
}

static void
backends_wipe_their_state(void **state)
{
    const struct aead_backend *b[2];
    struct noise_aead a;
    uint8_t key[32];

    (void)state;
    memset(key, 0x77, sizeof(key));
    for (size_t n = backends(b); n-- > 0;) {
        b[n]->expand(&a, key);
        assert_false(noise_is_zero(&a, sizeof(a)));
        b[n]->wipe(&a);
        assert_true(noise_is_zero(&a, sizeof(a)));
        b[n]->wipe(&a); /* a state of zeros may be wiped too */
    }
}

static void
missing_boringssl_is_no_error(void **state)
{
    (void)state;
    assert_null(aead_boringssl_load("/nonexistent/libcrypto.so.0"));
    /* a library, but not BoringSSL */
    assert_null(aead_boringssl_load("libm.so.6"));
}

static void
selected_backend_has_its_name(void **state)
{
    const struct aead_backend *b[2];

    (void)state;
    assert_string_equal(noise_aead_name(), backends(b) == 2 ? "boringssl" : "libsodium");
    assert_string_equal(noise_aead_name(), aead_selected()->name);
}

/* --- small things ---------------------------------------------------------------------------- */

static void
init_may_be_repeated(void **state)
{
    const struct aead_backend *before = aead_selected();

    (void)state;
    assert_int_equal(noise_crypto_init(NULL, 0), 0);
    assert_ptr_equal(aead_selected(), before);
}

static void
comparison_sees_every_bit(void **state)
{
    uint8_t a[32] = {0}, b[32] = {0};

    (void)state;
    assert_true(noise_equal(a, b, sizeof(a)));
    assert_true(noise_is_zero(a, sizeof(a)));
    for (size_t bit = 0; bit < 8 * sizeof(a); bit++) {
        a[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(noise_equal(a, b, sizeof(a)));
        assert_false(noise_is_zero(a, sizeof(a)));
        a[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void
wipe_leaves_zeros_and_keeps_to_its_bounds(void **state)
{
    uint8_t a[34];

    (void)state;
    memset(a, 0xff, sizeof(a));
    noise_wipe(a + 1, 32);
    assert_true(noise_is_zero(a + 1, 32));
    assert_int_equal(a[0], 0xff);
    assert_int_equal(a[33], 0xff);
}

/* Of the SipHash paper's appendix A and its reference code's first vector. */
static void
siphash_gives_known_answers(void **state)
{
    uint8_t key[16], input[15];

    (void)state;
    fill_counting(key, sizeof(key));
    fill_counting(input, sizeof(input));
    assert_true(noise_siphash(key, input, sizeof(input)) == UINT64_C(0xa129ca6149be45e5));
    assert_true(noise_siphash(key, input, 0) == UINT64_C(0x726fdb47dd0e0e31));
}

static void
tai64n_gives_known_answers(void **state)
{
    uint8_t out[NOISE_TIMESTAMP_LEN];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(vector_tai64n); i++) {
        noise_tai64n(out, vector_tai64n[i].seconds, (uint32_t)vector_tai64n[i].nanoseconds);
        assert_hex(out, sizeof(out), vector_tai64n[i].tai64n);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(x25519_gives_rfc7748_answers),
        cmocka_unit_test(x25519_iterated_gives_rfc7748_answers),
        cmocka_unit_test(x25519_rejects_low_order_points),
        cmocka_unit_test(private_keys_are_clamped),
        cmocka_unit_test(blake2s_gives_known_answers),
        cmocka_unit_test(blake2s_of_two_parts_is_that_of_the_whole),
        cmocka_unit_test(hmac_gives_known_answers),
        cmocka_unit_test(kdf_gives_known_answers),
        cmocka_unit_test(kdf_may_write_over_its_key),
        cmocka_unit_test(handshake_aead_covers_text_tag_and_data),
        cmocka_unit_test(cookie_aead_gives_known_answer),
        cmocka_unit_test(backends_give_known_answers),
        cmocka_unit_test(backends_agree),
        cmocka_unit_test(backends_refuse_any_changed_bit_and_zero_the_text),
        cmocka_unit_test(backends_write_nothing_outside_the_message),
        cmocka_unit_test(backends_wipe_their_state),
        cmocka_unit_test(missing_boringssl_is_no_error),
        cmocka_unit_test(selected_backend_has_its_name),
        cmocka_unit_test(init_may_be_repeated),
        cmocka_unit_test(comparison_sees_every_bit),
        cmocka_unit_test(wipe_leaves_zeros_and_keeps_to_its_bounds),
        cmocka_unit_test(siphash_gives_known_answers),
        cmocka_unit_test(tai64n_gives_known_answers),
    };

    return cmocka_run_group_tests(tests, load_crypto, NULL);
}
