/* SPDX-License-Identifier: BSD-3-Clause */
/* The handshake: known answers step by step and whole, self-play, timestamps, wiping. */
#include "test_noise_util.h"

#include "../../src/noise/crypto.h"
#include "../../src/noise/symmetric.h"
#include "vectors_crypto.h"

#define FOR_EACH_VECTOR(v)                                                                         \
    for (const struct vector_handshake *v = vector_handshakes;                                     \
         v < vector_handshakes + COUNT_OF(vector_handshakes); v++)

/* --- known answers --------------------------------------------------------------------------- */

static void
initial_state_is_hash_of_construction_and_identifier(void **state)
{
    static const char construction[] = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";
    static const char identifier[] = "WireGuard v1 zx2c4 Jason@zx2c4.com";
    uint8_t ck[NOISE_HASH_LEN], h[NOISE_HASH_LEN], key[NOISE_KEY_LEN] = {3};
    struct symmetric s;

    (void)state;
    noise_hash(ck, construction, strlen(construction), NULL, 0);
    noise_hash(h, ck, sizeof(ck), identifier, strlen(identifier));
    noise_hash(h, h, sizeof(h), key, sizeof(key));
    symmetric_init(&s, key);
    assert_memory_equal(s.ck, ck, sizeof(ck));
    assert_memory_equal(s.h, h, sizeof(h));
}

static void
identities_match_vectors(void **state)
{
    uint8_t key[NOISE_KEY_LEN];

    (void)state;
    FOR_EACH_VECTOR(v)
    {
        struct party i, r;

        introduce_vector(&i, &r, v);
        assert_hex(i.local.public_key, 32, v->S_i);
        assert_hex(r.local.public_key, 32, v->S_r);
        assert_hex(i.local.mac1_key, 32, v->mac1_key_i);
        assert_hex(r.local.mac1_key, 32, v->mac1_key_r);
        assert_hex(i.local.cookie_key, 32, v->cookie_key_i);
        assert_hex(r.local.cookie_key, 32, v->cookie_key_r);
        mac1_key_of(key, i.remote.public_key);
        assert_hex(key, 32, v->mac1_key_r);
        cookie_key_of(key, i.remote.public_key);
        assert_hex(key, 32, v->cookie_key_r);
        assert_hex(i.remote.static_static, 32, v->i_ss);
        assert_hex(r.remote.static_static, 32, v->i_ss);
        assert_hex(i.remote.preshared_key, 32, v->psk);
    }
}

/* The steps of the first message; the test has the private keys of both. */
static void
initiation_steps(const struct vector_handshake *v, struct symmetric *s)
{
    uint8_t s_i[32], s_r[32], e_i[32], S_i[32], S_r[32], E_i[32], dh[32], t[12], out[64];

    unhex_key(s_i, v->s_i);
    unhex_key(s_r, v->s_r);
    unhex_key(e_i, v->e_i);
    unhex_key(S_i, v->S_i);
    unhex_key(S_r, v->S_r);
    unhex(t, sizeof(t), v->tai64n);
    noise_public_key(E_i, e_i);
    assert_hex(E_i, 32, v->E_i);

    symmetric_init(s, S_r);
    assert_hex(s->h, 32, v->i_h_s_r);
    symmetric_mix_ephemeral(s, E_i);
    assert_hex(s->h, 32, v->i_h_e);
    assert_hex(s->ck, 32, v->i_ck_e);
    assert_true(noise_dh(dh, s_r, E_i));
    assert_hex(dh, 32, v->i_es);
    assert_true(symmetric_mix_dh(s, e_i, S_r));
    assert_hex(s->ck, 32, v->i_ck_es);
    assert_hex(s->k, 32, v->i_k_es);
    symmetric_encrypt(s, out, S_i, sizeof(S_i));
    assert_hex(out, 48, v->i_enc_static);
    assert_hex(s->h, 32, v->i_h_s);
    assert_true(symmetric_mix_dh(s, s_i, S_r));
    assert_hex(s->ck, 32, v->i_ck_ss);
    assert_hex(s->k, 32, v->i_k_ss);
    symmetric_encrypt(s, out, t, sizeof(t));
    assert_hex(out, 28, v->i_enc_timestamp);
    assert_hex(s->h, 32, v->i_h_t);
}

static void
response_steps(const struct vector_handshake *v, struct symmetric *s)
{
    uint8_t s_i[32], e_i[32], e_r[32], E_r[32], E_i[32], S_i[32], psk[32], tau[32], dh[32], out[16];

    unhex_key(s_i, v->s_i);
    unhex_key(e_i, v->e_i);
    unhex_key(e_r, v->e_r);
    unhex_key(E_i, v->E_i);
    unhex_key(S_i, v->S_i);
    unhex_key(psk, v->psk);
    noise_public_key(E_r, e_r);
    assert_hex(E_r, 32, v->E_r);

    symmetric_mix_ephemeral(s, E_r);
    assert_hex(s->h, 32, v->r_h_e);
    assert_hex(s->ck, 32, v->r_ck_e);
    assert_true(noise_dh(dh, e_i, E_r));
    assert_hex(dh, 32, v->r_ee);
    assert_true(symmetric_mix_dh_only(s, e_r, E_i));
    assert_hex(s->ck, 32, v->r_ck_ee);
    assert_true(noise_dh(dh, s_i, E_r));
    assert_hex(dh, 32, v->r_se);
    assert_true(symmetric_mix_dh_only(s, e_r, S_i));
    assert_hex(s->ck, 32, v->r_ck_se);
    noise_kdf(dh, tau, NULL, s->ck, 32, psk, 32);
    assert_hex(tau, 32, v->r_tau);
    symmetric_mix_psk(s, psk);
    assert_hex(s->ck, 32, v->r_ck_psk);
    assert_hex(s->k, 32, v->r_k_psk);
    assert_hex(s->h, 32, v->r_h_tau);
    symmetric_encrypt(s, out, NULL, 0);
    assert_hex(out, 16, v->r_enc_nothing);
    assert_hex(s->h, 32, v->r_h);
}

static void
every_step_matches_vectors(void **state)
{
    (void)state;
    FOR_EACH_VECTOR(v)
    {
        uint8_t to_responder[32], to_initiator[32];
        struct symmetric s;

        initiation_steps(v, &s);
        response_steps(v, &s);
        noise_kdf(to_responder, to_initiator, NULL, s.ck, sizeof(s.ck), NULL, 0);
        assert_hex(to_responder, 32, v->key_to_responder);
        assert_hex(to_initiator, 32, v->key_to_initiator);
    }
}

static void
initiation_matches_vectors(void **state)
{
    (void)state;
    FOR_EACH_VECTOR(v)
    {
        struct party i, r;
        uint8_t message[MESSAGE_INITIATION_LEN];

        introduce_vector(&i, &r, v);
        initiate_vector(&i, v, message);
        assert_hex(message, sizeof(message), v->initiation);
        assert_int_equal(i.remote.handshake.state, NOISE_CREATED_INITIATION);
        assert_int_equal(i.remote.handshake.local_index, v->initiator_index);
        assert_hex(i.remote.handshake.ephemeral_private, 32, v->e_i);
        assert_hex(i.remote.handshake.hash, 32, v->i_h_t);
        assert_hex(i.remote.handshake.chaining_key, 32, v->i_ck_ss);
        assert_true(i.remote.have_sent_mac1);
        assert_hex(i.remote.last_mac1, 16, v->i_mac1);
        assert_true(noise_mac1_check(&r.local, message, sizeof(message)));
    }
}

static void
initiation_is_consumed_as_in_vectors(void **state)
{
    (void)state;
    FOR_EACH_VECTOR(v)
    {
        struct party i, r;
        struct noise_initiation in;
        uint8_t message[MESSAGE_INITIATION_LEN];

        introduce_vector(&i, &r, v);
        unhex(message, sizeof(message), v->initiation);
        assert_int_equal(noise_initiation_open(&r.local, message, &in), WGT_OK);
        assert_hex(in.static_public, 32, v->S_i);
        assert_hex(in.remote_ephemeral, 32, v->E_i);
        assert_hex(in.hash, 32, v->i_h_s);
        assert_hex(in.chaining_key, 32, v->i_ck_es);
        assert_hex(in.encrypted_timestamp, 28, v->i_enc_timestamp);
        assert_int_equal(in.sender_index, v->initiator_index);

        assert_int_equal(noise_initiation_accept(&r.remote, &r.local, start, &in), WGT_OK);
        assert_int_equal(r.remote.handshake.state, NOISE_CONSUMED_INITIATION);
        assert_int_equal(r.remote.handshake.remote_index, v->initiator_index);
        assert_hex(r.remote.handshake.remote_ephemeral, 32, v->E_i);
        assert_hex(r.remote.handshake.hash, 32, v->i_h_t);
        assert_hex(r.remote.handshake.chaining_key, 32, v->i_ck_ss);
        assert_hex(r.remote.latest_timestamp, 12, v->tai64n);
    }
}

static void
response_matches_vectors(void **state)
{
    (void)state;
    FOR_EACH_VECTOR(v)
    {
        struct party i, r;
        struct noise_keypair k_r = {0};
        uint8_t initiation[MESSAGE_INITIATION_LEN], response[MESSAGE_RESPONSE_LEN];

        introduce_vector(&i, &r, v);
        unhex(initiation, sizeof(initiation), v->initiation);
        assert_int_equal(consume_initiation(&r, start, initiation), WGT_OK);
        respond_vector(&r, v, response, &k_r);
        assert_hex(response, sizeof(response), v->response);
        assert_hex(r.remote.last_mac1, 16, v->r_mac1);
        assert_true(noise_mac1_check(&i.local, response, sizeof(response)));
        assert_false(k_r.initiator);
        assert_true(k_r.send_allowed);
        assert_int_equal(k_r.local_index, v->responder_index);
        assert_int_equal(k_r.remote_index, v->initiator_index);
        assert_true(k_r.birth == start);
        assert_true(k_r.send_counter == 0);
    }
}

static void
response_is_consumed_as_in_vectors(void **state)
{
    (void)state;
    FOR_EACH_VECTOR(v)
    {
        struct party i, r;
        struct noise_keypair k_i = {0};
        uint8_t initiation[MESSAGE_INITIATION_LEN], response[MESSAGE_RESPONSE_LEN];

        introduce_vector(&i, &r, v);
        initiate_vector(&i, v, initiation);
        unhex(response, sizeof(response), v->response);
        assert_int_equal(noise_response_consume(&i.remote, &i.local, start + 5, response, &k_i),
                         WGT_OK);
        assert_true(k_i.initiator);
        assert_true(k_i.send_allowed);
        assert_int_equal(k_i.local_index, v->initiator_index);
        assert_int_equal(k_i.remote_index, v->responder_index);
        assert_true(k_i.birth == start + 5);
        assert_true(k_i.send_counter == 0);
    }
}

static void
check_data(const struct vector_data *d, struct noise_keypair *from, struct noise_keypair *to)
{
    uint8_t message[16 + 1440 + 16], plain[1440] = {0};
    const size_t len = unhex(plain, sizeof(plain), d->plain) + d->padding;

    from->send_counter = d->counter;
    memcpy(message + MESSAGE_DATA_HEADER_LEN, plain, len);
    assert_true(noise_seal(from, message, len));
    assert_hex(message, len + MESSAGE_DATA_OVERHEAD, d->message);
    assert_true(from->send_counter == d->counter + 1);

    assert_int_equal(noise_open(to, message, len + MESSAGE_DATA_OVERHEAD), WGT_OK);
    if (len > 0)
        assert_memory_equal(message + MESSAGE_DATA_HEADER_LEN, plain, len);
}

/* The keys of both sides are those of the vectors: each direction seals the expected bytes. */
static void
data_messages_match_vectors_in_both_directions(void **state)
{
    (void)state;
    FOR_EACH_VECTOR(v)
    {
        struct party i, r;
        struct noise_keypair k_i = {0}, k_r = {0};

        complete_vector(&i, &r, v, &k_i, &k_r);
        for (size_t n = 0; n < COUNT_OF(v->data); n++) {
            const struct vector_data *d = &v->data[n];

            check_data(d, d->to_responder ? &k_i : &k_r, d->to_responder ? &k_r : &k_i);
        }
    }
}

/* --- self-play ------------------------------------------------------------------------------- */

static void
play_one(struct party *i, struct party *r, wgt_time now, uint64_t *seed)
{
    uint8_t e[NOISE_KEY_LEN], t[NOISE_TIMESTAMP_LEN];
    uint8_t initiation[MESSAGE_INITIATION_LEN], response[MESSAGE_RESPONSE_LEN];
    const uint32_t index_i = (uint32_t)random_u64(seed), index_r = (uint32_t)random_u64(seed);
    struct noise_keypair k_i = {0}, k_r = {0};

    noise_tai64n(t, now / WGT_SEC, (uint32_t)(now % WGT_SEC));
    random_fill(seed, e, sizeof(e));
    assert_int_equal(noise_initiation_create(&i->remote, &i->local, now, t, e, index_i, initiation),
                     WGT_OK);
    assert_true(noise_mac1_check(&r->local, initiation, sizeof(initiation)));
    assert_int_equal(consume_initiation(r, now, initiation), WGT_OK);
    random_fill(seed, e, sizeof(e));
    assert_int_equal(noise_response_create(&r->remote, &r->local, now, e, index_r, response, &k_r),
                     WGT_OK);
    assert_true(noise_mac1_check(&i->local, response, sizeof(response)));
    assert_int_equal(noise_response_consume(&i->remote, &i->local, now, response, &k_i), WGT_OK);

    assert_int_equal(k_i.local_index, index_i);
    assert_int_equal(k_i.remote_index, index_r);
    for (unsigned n = 0; n < 3; n++) {
        assert_int_equal(pass_keepalive(&k_i, &k_r), WGT_OK);
        assert_int_equal(pass_keepalive(&k_r, &k_i), WGT_OK);
    }
}

static void
a_thousand_random_handshakes_in_both_roles_succeed(void **state)
{
    uint64_t seed = 20240601;

    (void)state;
    for (unsigned pair = 0; pair < 100; pair++) {
        struct party a, b;
        wgt_time now = start;

        introduce_random(&a, &b, &seed);
        for (unsigned round = 0; round < 10; round++) {
            now += WGT_SEC;
            if (round % 2 == 0)
                play_one(&a, &b, now, &seed);
            else
                play_one(&b, &a, now, &seed);
        }
    }
}

static void
each_direction_has_its_own_key(void **state)
{
    struct party i, r;
    struct noise_keypair k_i = {0}, k_r = {0};
    uint8_t message[MESSAGE_MIN_LEN];

    (void)state;
    complete_vector(&i, &r, &vector_handshakes[0], &k_i, &k_r);
    assert_true(noise_seal(&k_i, message, 0));
    assert_int_equal(noise_open(&k_i, message, sizeof(message)), WGT_DROP_DATA_TAG);
}

/* Both sides have an initiation under way when the other's arrives: what was consumed last is
 * answered, and the response to one's own comes out of turn. */
static void
crossing_initiations_leave_two_responders(void **state)
{
    uint64_t seed = 7;
    struct party a, b;
    struct noise_keypair k_a = {0}, k_b = {0}, none;
    uint8_t t[NOISE_TIMESTAMP_LEN], e[NOISE_KEY_LEN];
    uint8_t from_a[MESSAGE_INITIATION_LEN], from_b[MESSAGE_INITIATION_LEN];
    uint8_t by_a[MESSAGE_RESPONSE_LEN], by_b[MESSAGE_RESPONSE_LEN];

    (void)state;
    introduce_random(&a, &b, &seed);
    noise_tai64n(t, 1000, 0);
    random_fill(&seed, e, sizeof(e));
    assert_int_equal(noise_initiation_create(&a.remote, &a.local, start, t, e, 1, from_a), WGT_OK);
    random_fill(&seed, e, sizeof(e));
    assert_int_equal(noise_initiation_create(&b.remote, &b.local, start, t, e, 2, from_b), WGT_OK);

    assert_int_equal(consume_initiation(&a, start, from_b), WGT_OK);
    /* its own index is still there to be taken out of the table */
    assert_int_equal(a.remote.handshake.local_index, 1);
    assert_true(noise_is_zero(a.remote.handshake.ephemeral_private, NOISE_KEY_LEN));
    assert_int_equal(consume_initiation(&b, start, from_a), WGT_OK);
    assert_int_equal(noise_response_create(&a.remote, &a.local, start, e, 3, by_a, &k_a), WGT_OK);
    assert_int_equal(noise_response_create(&b.remote, &b.local, start, e, 4, by_b, &k_b), WGT_OK);
    assert_int_equal(noise_response_consume(&a.remote, &a.local, start, by_b, &none),
                     WGT_DROP_HANDSHAKE_STATE);
    assert_int_equal(noise_response_consume(&b.remote, &b.local, start, by_a, &none),
                     WGT_DROP_HANDSHAKE_STATE);
}

/* --- rules ----------------------------------------------------------------------------------- */

static void
ephemeral_is_clamped_here(void **state)
{
    uint8_t e[NOISE_KEY_LEN], clamped[NOISE_KEY_LEN], t[NOISE_TIMESTAMP_LEN];
    uint8_t one[MESSAGE_INITIATION_LEN], other[MESSAGE_INITIATION_LEN];
    struct party i, r;

    (void)state;
    introduce_vector(&i, &r, &vector_handshakes[0]);
    memset(e, 0xff, sizeof(e));
    memcpy(clamped, e, sizeof(e));
    noise_clamp(clamped);
    noise_tai64n(t, 1, 0);
    assert_int_equal(noise_initiation_create(&i.remote, &i.local, start, t, e, 1, one), WGT_OK);
    assert_memory_equal(i.remote.handshake.ephemeral_private, clamped, sizeof(clamped));
    assert_int_equal(noise_initiation_create(&i.remote, &i.local, start, t, clamped, 1, other),
                     WGT_OK);
    assert_memory_equal(one, other, sizeof(one));
}

static void
static_private_key_is_kept_clamped(void **state)
{
    uint8_t key[NOISE_KEY_LEN];
    struct noise_local l;

    (void)state;
    memset(key, 0xff, sizeof(key));
    noise_local_init(&l, key);
    noise_clamp(key);
    assert_memory_equal(l.private_key, key, sizeof(key));
}

static void
without_identity_nothing_is_created_or_consumed(void **state)
{
    static const uint8_t zero[NOISE_KEY_LEN];
    const struct vector_handshake *v = &vector_handshakes[0];
    uint8_t key[NOISE_KEY_LEN], t[NOISE_TIMESTAMP_LEN] = {1}, initiation[MESSAGE_INITIATION_LEN];
    uint8_t response[MESSAGE_RESPONSE_LEN];
    struct noise_local nobody;
    struct noise_remote r, before;
    struct noise_initiation in;
    struct noise_keypair k = {0};

    (void)state;
    noise_local_init(&nobody, zero);
    assert_true(noise_is_zero(&nobody, sizeof(nobody)));
    unhex_key(key, v->S_r);
    assert_int_equal(noise_remote_init(&r, key, NULL), WGT_OK);
    assert_true(noise_is_zero(r.static_static, sizeof(r.static_static)));
    assert_true(noise_is_zero(r.preshared_key, sizeof(r.preshared_key)));
    before = r;

    unhex(initiation, sizeof(initiation), v->initiation);
    unhex(response, sizeof(response), v->response);
    noise_mac(initiation + 116, nobody.mac1_key, NOISE_KEY_LEN, initiation, 116, NULL, 0);
    assert_false(noise_mac1_check(&nobody, initiation, sizeof(initiation)));
    unhex(initiation, sizeof(initiation), v->initiation);
    assert_int_equal(noise_initiation_open(&nobody, initiation, &in), WGT_DROP_NO_IDENTITY);
    assert_int_equal(noise_response_create(&r, &nobody, start, key, 1, response, &k),
                     WGT_DROP_NO_IDENTITY);
    assert_int_equal(noise_response_consume(&r, &nobody, start, response, &k),
                     WGT_DROP_NO_IDENTITY);
    assert_int_equal(noise_initiation_create(&r, &nobody, start, t, key, 1, initiation),
                     WGT_DROP_NO_IDENTITY);
    assert_hex(initiation, sizeof(initiation), v->initiation);
    assert_memory_equal(&r, &before, sizeof(r));
}

static void
peer_of_low_order_key_never_completes_a_handshake(void **state)
{
    uint8_t private_key[NOISE_KEY_LEN] = {9}, one[NOISE_KEY_LEN] = {1};
    uint8_t t[NOISE_TIMESTAMP_LEN] = {1}, out[MESSAGE_INITIATION_LEN] = {0};
    struct noise_local l;
    struct noise_remote r, before;

    (void)state;
    noise_local_init(&l, private_key);
    assert_int_equal(noise_remote_init(&r, one, NULL), WGT_DROP_HANDSHAKE_DH);
    assert_memory_equal(r.public_key, one, sizeof(one));
    before = r;
    assert_int_equal(noise_initiation_create(&r, &l, start, t, private_key, 1, out),
                     WGT_DROP_HANDSHAKE_DH);
    assert_memory_equal(&r, &before, sizeof(r));
    assert_true(noise_is_zero(out, sizeof(out)));
}

static void
low_order_ephemeral_of_response_is_refused_and_state_kept(void **state)
{
    const struct vector_handshake *v = &vector_handshakes[0];
    struct party i, r;
    struct noise_remote before;
    struct noise_keypair k = {.local_index = 77}, untouched = k;
    uint8_t initiation[MESSAGE_INITIATION_LEN], response[MESSAGE_RESPONSE_LEN];

    (void)state;
    introduce_vector(&i, &r, v);
    initiate_vector(&i, v, initiation);
    before = i.remote;
    unhex(response, sizeof(response), v->response);
    memset(response + 12, 0, 32);
    assert_int_equal(noise_response_consume(&i.remote, &i.local, start, response, &k),
                     WGT_DROP_HANDSHAKE_DH);
    assert_memory_equal(&i.remote, &before, sizeof(before));
    assert_memory_equal(&k, &untouched, sizeof(k));
}

/* RFC 7748 section 7: what the remote says of a key is what X25519 says of it. */
static void
low_order_keys_are_known_without_x25519(void **state)
{
    uint8_t scalar[NOISE_KEY_LEN] = {9}, key[NOISE_KEY_LEN], shared[NOISE_KEY_LEN];
    struct noise_remote r;
    uint64_t seed = 7;

    (void)state;
    for (size_t i = 0; i < 2 * COUNT_OF(vector_low_order); i++) {
        unhex_key(key, vector_low_order[i / 2]);
        key[NOISE_KEY_LEN - 1] |= i % 2 == 1 ? 0x80 : 0;
        assert_int_equal(noise_remote_init(&r, key, NULL), WGT_DROP_HANDSHAKE_DH);
        /* Next to each is one of full order, unless that is another of them. */
        key[15] ^= 0x10;
        assert_true(noise_dh(shared, scalar, key));
        assert_int_equal(noise_remote_init(&r, key, NULL), WGT_OK);
    }
    for (unsigned i = 0; i < 100; i++) {
        random_fill(&seed, key, sizeof(key));
        assert_true(noise_dh(shared, scalar, key));
        assert_int_equal(noise_remote_init(&r, key, NULL), WGT_OK);
    }
}

static void
the_first_handshake_makes_static_static_in_either_role(void **state)
{
    const struct vector_handshake *v = &vector_handshakes[0];
    struct party i, r;
    uint8_t initiation[MESSAGE_INITIATION_LEN];

    (void)state;
    introduce_vector(&i, &r, v);
    memset(i.remote.static_static, 0, NOISE_KEY_LEN);
    memset(r.remote.static_static, 0, NOISE_KEY_LEN);
    initiate_vector(&i, v, initiation);
    assert_hex(initiation, sizeof(initiation), v->initiation);
    assert_hex(i.remote.static_static, NOISE_KEY_LEN, v->i_ss);
    assert_int_equal(consume_initiation(&r, start, initiation), WGT_OK);
    assert_hex(r.remote.static_static, NOISE_KEY_LEN, v->i_ss);
}

/* Who knows both public keys can have it made, once. */
static void
a_refused_initiation_costs_static_static_only_once(void **state)
{
    const struct vector_handshake *v = &vector_handshakes[0];
    struct party i, r;
    struct noise_initiation in;
    struct noise_remote before;
    uint8_t initiation[MESSAGE_INITIATION_LEN];

    (void)state;
    introduce_vector(&i, &r, v);
    initiate_vector(&i, v, initiation);
    assert_int_equal(noise_initiation_open(&r.local, initiation, &in), WGT_OK);
    in.encrypted_timestamp[0] ^= 1;
    before = r.remote;
    memset(r.remote.static_static, 0, NOISE_KEY_LEN);
    assert_int_equal(noise_initiation_accept(&r.remote, &r.local, start, &in),
                     WGT_DROP_HANDSHAKE_TIMESTAMP);
    assert_memory_equal(&r.remote, &before, sizeof(before));
}

static void
response_needs_a_consumed_initiation(void **state)
{
    struct party i, r;
    struct noise_remote before;
    struct noise_keypair k = {0};
    uint8_t e[NOISE_KEY_LEN] = {1}, initiation[MESSAGE_INITIATION_LEN];
    uint8_t response[MESSAGE_RESPONSE_LEN] = {0};

    (void)state;
    introduce_vector(&i, &r, &vector_handshakes[0]);
    before = r.remote;
    assert_int_equal(noise_response_create(&r.remote, &r.local, start, e, 1, response, &k),
                     WGT_DROP_HANDSHAKE_STATE);
    assert_memory_equal(&r.remote, &before, sizeof(before));
    initiate_vector(&i, &vector_handshakes[0], initiation);
    before = i.remote;
    assert_int_equal(noise_response_create(&i.remote, &i.local, start, e, 1, response, &k),
                     WGT_DROP_HANDSHAKE_STATE);
    assert_memory_equal(&i.remote, &before, sizeof(before));
    assert_true(noise_is_zero(response, sizeof(response)));
}

static void
one_answer_per_initiation(void **state)
{
    struct party i, r;
    struct noise_keypair k_i = {0}, k_r = {0};
    uint8_t e[NOISE_KEY_LEN] = {1}, response[MESSAGE_RESPONSE_LEN];

    (void)state;
    complete_vector(&i, &r, &vector_handshakes[0], &k_i, &k_r);
    assert_int_equal(noise_response_create(&r.remote, &r.local, start, e, 9, response, &k_r),
                     WGT_DROP_HANDSHAKE_STATE);
}

static void
new_initiation_replaces_the_old_one(void **state)
{
    const struct vector_handshake *v = &vector_handshakes[0];
    struct party i, r;
    struct noise_keypair k = {0};
    uint8_t t[NOISE_TIMESTAMP_LEN], e[NOISE_KEY_LEN] = {5};
    uint8_t old[MESSAGE_INITIATION_LEN], fresh[MESSAGE_INITIATION_LEN];
    uint8_t response[MESSAGE_RESPONSE_LEN];

    (void)state;
    introduce_vector(&i, &r, v);
    initiate_vector(&i, v, old);
    noise_tai64n(t, UINT64_C(1700000005), 0);
    assert_int_equal(noise_initiation_create(&i.remote, &i.local, start, t, e, 0x55, fresh),
                     WGT_OK);
    /* the answer to the old one finds its index gone */
    assert_int_equal(consume_initiation(&r, start, old), WGT_OK);
    respond_vector(&r, v, response, &k);
    assert_int_equal(noise_response_consume(&i.remote, &i.local, start, response, &k),
                     WGT_DROP_HANDSHAKE_INDEX);
    /* the answer to the new one works */
    assert_int_equal(consume_initiation(&r, start + WGT_SEC, fresh), WGT_OK);
    respond_vector(&r, v, response, &k);
    assert_int_equal(noise_response_consume(&i.remote, &i.local, start, response, &k), WGT_OK);
    assert_int_equal(k.local_index, 0x55);
}

static void
other_preshared_key_leaves_a_good_response_possible(void **state)
{
    const struct vector_handshake *v = &vector_handshakes[0];
    struct party i, r;
    struct noise_keypair k_i = {0}, k_r = {0};
    struct noise_remote before;
    uint8_t initiation[MESSAGE_INITIATION_LEN], good[MESSAGE_RESPONSE_LEN];
    uint8_t bad[MESSAGE_RESPONSE_LEN];

    (void)state;
    introduce_vector(&i, &r, v);
    initiate_vector(&i, v, initiation);
    before = i.remote;

    r.remote.preshared_key[0] ^= 1;
    assert_int_equal(consume_initiation(&r, start, initiation), WGT_OK);
    respond_vector(&r, v, bad, &k_r);
    assert_int_equal(noise_response_consume(&i.remote, &i.local, start, bad, &k_i),
                     WGT_DROP_HANDSHAKE_TAG);
    assert_memory_equal(&i.remote, &before, sizeof(before));
    assert_true(noise_is_zero(&k_i, sizeof(k_i)));

    unhex(good, sizeof(good), v->response);
    assert_int_equal(noise_response_consume(&i.remote, &i.local, start, good, &k_i), WGT_OK);
}

static void
initiation_of_another_peer_is_not_accepted_for_this_one(void **state)
{
    uint64_t seed = 3;
    struct party i, r, x, y;
    struct noise_initiation in;
    struct noise_remote before;
    uint8_t initiation[MESSAGE_INITIATION_LEN];

    (void)state;
    introduce_vector(&i, &r, &vector_handshakes[0]);
    introduce_random(&x, &y, &seed);
    assert_int_equal(noise_remote_init(&y.remote, x.local.public_key, NULL), WGT_OK);
    assert_true(remote_static_static(&y.remote, &r.local));
    initiate_vector(&i, &vector_handshakes[0], initiation);
    assert_int_equal(noise_initiation_open(&r.local, initiation, &in), WGT_OK);
    before = y.remote;
    assert_int_equal(noise_initiation_accept(&y.remote, &r.local, start, &in),
                     WGT_DROP_HANDSHAKE_TIMESTAMP);
    assert_memory_equal(&y.remote, &before, sizeof(before));
}

static void
keypair_owner_is_left_alone(void **state)
{
    struct party i, r;
    struct noise_keypair k_i = {.owner = &i}, k_r = {.owner = &r};

    (void)state;
    complete_vector(&i, &r, &vector_handshakes[0], &k_i, &k_r);
    assert_ptr_equal(k_i.owner, &i);
    assert_ptr_equal(k_r.owner, &r);
}

static void
changed_identity_gives_new_static_static_and_clears_the_handshake(void **state)
{
    const struct vector_handshake *v = &vector_handshakes[0];
    uint8_t other[NOISE_KEY_LEN] = {42}, expected[NOISE_KEY_LEN], zero[NOISE_KEY_LEN] = {0};
    struct party i, r;
    uint8_t initiation[MESSAGE_INITIATION_LEN];

    (void)state;
    introduce_vector(&i, &r, v);
    initiate_vector(&i, v, initiation);
    r.remote.latest_timestamp[0] = 1;
    i.remote.have_cookie = true;

    noise_local_init(&i.local, other);
    noise_remote_rekeyed(&i.remote);
    assert_true(noise_is_zero(i.remote.static_static, NOISE_KEY_LEN));
    assert_true(remote_static_static(&i.remote, &i.local));
    noise_clamp(other);
    assert_true(noise_dh(expected, other, r.local.public_key));
    assert_memory_equal(i.remote.static_static, expected, sizeof(expected));
    assert_true(noise_is_zero(&i.remote.handshake, sizeof(i.remote.handshake)));
    assert_true(i.remote.have_cookie);

    noise_local_init(&r.local, zero);
    noise_remote_rekeyed(&r.remote);
    assert_false(remote_static_static(&r.remote, &r.local));
    assert_true(noise_is_zero(r.remote.static_static, NOISE_KEY_LEN));
    assert_int_equal(r.remote.latest_timestamp[0], 1);
}

/* --- timestamps ------------------------------------------------------------------------------ */

/* One initiation of the pair with this timestamp, arriving now. */
static enum wgt_drop
try_timestamp(struct party *i, struct party *r, wgt_time now, const uint8_t t[NOISE_TIMESTAMP_LEN])
{
    uint8_t e[NOISE_KEY_LEN] = {8}, message[MESSAGE_INITIATION_LEN];
    struct noise_remote before = r->remote;
    enum wgt_drop rc;

    assert_int_equal(noise_initiation_create(&i->remote, &i->local, now, t, e, 1, message), WGT_OK);
    rc = consume_initiation(r, now, message);
    if (rc == WGT_OK)
        assert_memory_equal(r->remote.latest_timestamp, t, NOISE_TIMESTAMP_LEN);
    else
        assert_memory_equal(&r->remote, &before, sizeof(before));
    return rc;
}

static void
all_zero_timestamp_is_a_replay(void **state)
{
    uint8_t t[NOISE_TIMESTAMP_LEN] = {0};
    struct party i, r;

    (void)state;
    introduce_vector(&i, &r, &vector_handshakes[0]);
    assert_int_equal(try_timestamp(&i, &r, start, t), WGT_DROP_HANDSHAKE_REPLAY);
    t[11] = 1;
    assert_int_equal(try_timestamp(&i, &r, start, t), WGT_OK);
}

static void
timestamp_must_grow_by_a_nanosecond(void **state)
{
    uint8_t t[NOISE_TIMESTAMP_LEN];
    struct party i, r;

    (void)state;
    introduce_vector(&i, &r, &vector_handshakes[0]);
    noise_tai64n(t, 1700000000, 500000000);
    assert_int_equal(try_timestamp(&i, &r, start, t), WGT_OK);
    assert_int_equal(try_timestamp(&i, &r, start + WGT_SEC, t), WGT_DROP_HANDSHAKE_REPLAY);
    t[11]++;
    assert_int_equal(try_timestamp(&i, &r, start + WGT_SEC, t), WGT_OK);
    /* one second back, however late the nanoseconds */
    noise_tai64n(t, 1699999999, 999999999);
    assert_int_equal(try_timestamp(&i, &r, start + 2 * WGT_SEC, t), WGT_DROP_HANDSHAKE_REPLAY);
}

static void
timestamps_compare_as_unsigned(void **state)
{
    uint8_t t[NOISE_TIMESTAMP_LEN] = {0x7f};
    struct party i, r;

    (void)state;
    introduce_vector(&i, &r, &vector_handshakes[0]);
    assert_int_equal(try_timestamp(&i, &r, start, t), WGT_OK);
    t[0] = 0x80;
    assert_int_equal(try_timestamp(&i, &r, start + WGT_SEC, t), WGT_OK);
}

static void
greatest_timestamp_blocks_the_peer(void **state)
{
    uint8_t t[NOISE_TIMESTAMP_LEN];
    struct party i, r;

    (void)state;
    introduce_vector(&i, &r, &vector_handshakes[0]);
    memset(t, 0xff, sizeof(t));
    assert_int_equal(try_timestamp(&i, &r, start, t), WGT_OK);
    assert_int_equal(try_timestamp(&i, &r, start + WGT_SEC, t), WGT_DROP_HANDSHAKE_REPLAY);
    noise_tai64n(t, UINT64_C(1) << 40, 0);
    assert_int_equal(try_timestamp(&i, &r, start + 2 * WGT_SEC, t), WGT_DROP_HANDSHAKE_REPLAY);
}

static void
initiations_inside_one_whitened_slot_are_replays(void **state)
{
    uint8_t t[NOISE_TIMESTAMP_LEN];
    struct party i, r;

    (void)state;
    introduce_vector(&i, &r, &vector_handshakes[0]);
    noise_tai64n(t, 1700000000, 16777216);
    assert_int_equal(try_timestamp(&i, &r, start, t), WGT_OK);
    noise_tai64n(t, 1700000000, 33554431);
    assert_int_equal(try_timestamp(&i, &r, start + WGT_SEC, t), WGT_DROP_HANDSHAKE_REPLAY);
    noise_tai64n(t, 1700000000, 33554432);
    assert_int_equal(try_timestamp(&i, &r, start + WGT_SEC, t), WGT_OK);
}

static void
initiations_within_20_ms_are_a_flood(void **state)
{
    uint8_t t[NOISE_TIMESTAMP_LEN];
    struct party i, r;

    (void)state;
    introduce_vector(&i, &r, &vector_handshakes[0]);
    noise_tai64n(t, 1, 0);
    assert_int_equal(try_timestamp(&i, &r, 0, t), WGT_OK); /* the clock may start at 0 */
    noise_tai64n(t, 2, 0);
    assert_int_equal(try_timestamp(&i, &r, 0, t), WGT_DROP_HANDSHAKE_FLOOD);
    assert_int_equal(try_timestamp(&i, &r, 20 * WGT_MSEC - 1, t), WGT_DROP_HANDSHAKE_FLOOD);
    /* what was refused has not moved the clock */
    assert_int_equal(try_timestamp(&i, &r, 20 * WGT_MSEC, t), WGT_OK);
    noise_tai64n(t, 3, 0);
    assert_int_equal(try_timestamp(&i, &r, 40 * WGT_MSEC - 1, t), WGT_DROP_HANDSHAKE_FLOOD);
    assert_int_equal(try_timestamp(&i, &r, 40 * WGT_MSEC, t), WGT_OK);
}

/* --- wiping ---------------------------------------------------------------------------------- */

static void
finished_handshakes_leave_no_secret(void **state)
{
    struct party i, r;
    struct noise_keypair k_i = {0}, k_r = {0};

    (void)state;
    complete_vector(&i, &r, &vector_handshakes[0], &k_i, &k_r);
    assert_true(noise_is_zero(&i.remote.handshake, sizeof(i.remote.handshake)));
    assert_true(noise_is_zero(&r.remote.handshake, sizeof(r.remote.handshake)));
}

static void
refused_initiation_leaves_no_secret(void **state)
{
    struct party i, r;
    struct noise_initiation in;
    uint8_t message[MESSAGE_INITIATION_LEN];

    (void)state;
    introduce_vector(&i, &r, &vector_handshakes[0]);
    initiate_vector(&i, &vector_handshakes[0], message);
    message[50] ^= 1;
    memset(&in, 0xee, sizeof(in));
    assert_int_equal(noise_initiation_open(&r.local, message, &in), WGT_DROP_HANDSHAKE_STATIC);
    assert_true(noise_is_zero(&in, sizeof(in)));
    memset(message + 8, 0, 32);
    memset(&in, 0xee, sizeof(in));
    assert_int_equal(noise_initiation_open(&r.local, message, &in), WGT_DROP_HANDSHAKE_DH);
    assert_true(noise_is_zero(&in, sizeof(in)));
}

static void
wiped_parties_are_all_zero(void **state)
{
    struct party i, r;
    uint8_t message[MESSAGE_INITIATION_LEN];

    (void)state;
    introduce_vector(&i, &r, &vector_handshakes[0]);
    initiate_vector(&i, &vector_handshakes[0], message);
    noise_handshake_clear(&i.remote);
    assert_true(noise_is_zero(&i.remote.handshake, sizeof(i.remote.handshake)));
    assert_false(noise_is_zero(&i.remote, sizeof(i.remote)));
    noise_remote_wipe(&i.remote);
    noise_local_wipe(&i.local);
    assert_true(noise_is_zero(&i.remote, sizeof(i.remote)));
    assert_true(noise_is_zero(&i.local, sizeof(i.local)));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(initial_state_is_hash_of_construction_and_identifier),
        cmocka_unit_test(identities_match_vectors),
        cmocka_unit_test(every_step_matches_vectors),
        cmocka_unit_test(initiation_matches_vectors),
        cmocka_unit_test(initiation_is_consumed_as_in_vectors),
        cmocka_unit_test(response_matches_vectors),
        cmocka_unit_test(response_is_consumed_as_in_vectors),
        cmocka_unit_test(data_messages_match_vectors_in_both_directions),
        cmocka_unit_test(a_thousand_random_handshakes_in_both_roles_succeed),
        cmocka_unit_test(each_direction_has_its_own_key),
        cmocka_unit_test(crossing_initiations_leave_two_responders),
        cmocka_unit_test(ephemeral_is_clamped_here),
        cmocka_unit_test(static_private_key_is_kept_clamped),
        cmocka_unit_test(without_identity_nothing_is_created_or_consumed),
        cmocka_unit_test(peer_of_low_order_key_never_completes_a_handshake),
        cmocka_unit_test(low_order_ephemeral_of_response_is_refused_and_state_kept),
        cmocka_unit_test(low_order_keys_are_known_without_x25519),
        cmocka_unit_test(the_first_handshake_makes_static_static_in_either_role),
        cmocka_unit_test(a_refused_initiation_costs_static_static_only_once),
        cmocka_unit_test(response_needs_a_consumed_initiation),
        cmocka_unit_test(one_answer_per_initiation),
        cmocka_unit_test(new_initiation_replaces_the_old_one),
        cmocka_unit_test(other_preshared_key_leaves_a_good_response_possible),
        cmocka_unit_test(initiation_of_another_peer_is_not_accepted_for_this_one),
        cmocka_unit_test(keypair_owner_is_left_alone),
        cmocka_unit_test(changed_identity_gives_new_static_static_and_clears_the_handshake),
        cmocka_unit_test(all_zero_timestamp_is_a_replay),
        cmocka_unit_test(timestamp_must_grow_by_a_nanosecond),
        cmocka_unit_test(timestamps_compare_as_unsigned),
        cmocka_unit_test(greatest_timestamp_blocks_the_peer),
        cmocka_unit_test(initiations_inside_one_whitened_slot_are_replays),
        cmocka_unit_test(initiations_within_20_ms_are_a_flood),
        cmocka_unit_test(finished_handshakes_leave_no_secret),
        cmocka_unit_test(refused_initiation_leaves_no_secret),
        cmocka_unit_test(wiped_parties_are_all_zero),
    };

    return cmocka_run_group_tests(tests, load_crypto, NULL);
}
