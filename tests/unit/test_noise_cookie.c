/* SPDX-License-Identifier: BSD-3-Clause */
/* mac1, mac2 and cookies. */
#include "test_noise_util.h"

static const struct vector_handshake *const v = &vector_handshakes[0];
static const uint8_t no_entropy[NOISE_COOKIE_SECRET_LEN];

static struct ip_endpoint
endpoint_of(const char *ip, uint16_t port)
{
    uint8_t bytes[16];
    const size_t len = unhex(bytes, sizeof(bytes), ip);

    return (struct ip_endpoint){.addr = len == 4 ? ip_addr_v4(bytes) : ip_addr_v6(bytes),
                                .port = port};
}

/* The cookie reply of the vector, made by the side under load. */
static void
make_reply(const struct vector_cookie *c, struct noise_cookie_secret *s,
           const struct noise_local *loaded, const uint8_t *message, size_t len,
           uint8_t out[MESSAGE_COOKIE_REPLY_LEN])
{
    const struct ip_endpoint source = endpoint_of(c->source_ip, c->source_port);
    uint8_t secret[NOISE_COOKIE_SECRET_LEN], nonce[NOISE_COOKIE_NONCE_LEN];

    unhex(secret, sizeof(secret), c->secret);
    unhex(nonce, sizeof(nonce), c->nonce);
    memset(s, 0, sizeof(*s));
    noise_cookie_reply_create(s, loaded, start, secret, nonce, &source, message, len, out);
}

static void
cookie_replies_match_vectors(void **state)
{
    uint8_t initiation[MESSAGE_INITIATION_LEN], response[MESSAGE_RESPONSE_LEN];
    uint8_t reply[MESSAGE_COOKIE_REPLY_LEN];
    struct noise_cookie_secret s;
    struct party i, r;

    (void)state;
    introduce_vector(&i, &r, v);
    unhex(initiation, sizeof(initiation), v->initiation);
    unhex(response, sizeof(response), v->response);
    for (size_t n = 0; n < COUNT_OF(vector_cookies); n++) {
        const struct vector_cookie *c = &vector_cookies[n];

        if (c->to_response)
            make_reply(c, &s, &i.local, response, sizeof(response), reply);
        else
            make_reply(c, &s, &r.local, initiation, sizeof(initiation), reply);
        assert_hex(reply, sizeof(reply), c->reply);
        assert_true(s.valid);
        assert_true(s.birth == start);
    }
}

static void
cookie_replies_are_consumed_as_in_vectors(void **state)
{
    uint8_t message[MESSAGE_INITIATION_LEN], reply[MESSAGE_COOKIE_REPLY_LEN];
    struct noise_keypair k = {0};

    (void)state;
    for (size_t n = 0; n < COUNT_OF(vector_cookies); n++) {
        const struct vector_cookie *c = &vector_cookies[n];
        struct party i, r, *sender = c->to_response ? &r : &i;

        introduce_vector(&i, &r, v);
        initiate_vector(&i, v, message);
        if (c->to_response) {
            assert_int_equal(consume_initiation(&r, start, message), WGT_OK);
            respond_vector(&r, v, message, &k);
        }
        unhex(reply, sizeof(reply), c->reply);
        assert_int_equal(noise_cookie_reply_consume(&sender->remote, start + 1, reply), WGT_OK);
        assert_true(sender->remote.have_cookie);
        assert_true(sender->remote.cookie_birth == start + 1);
        assert_hex(sender->remote.cookie, 16, c->cookie);
        assert_false(sender->remote.have_sent_mac1);
    }
}

/* After the cookie reply of vector c, the next initiation, sent at `when`. */
static void
next_initiation(const struct vector_cookie *c, wgt_time when, struct party *i, struct party *r,
                uint8_t message[MESSAGE_INITIATION_LEN])
{
    uint8_t reply[MESSAGE_COOKIE_REPLY_LEN], e[NOISE_KEY_LEN], t[NOISE_TIMESTAMP_LEN];

    introduce_vector(i, r, v);
    initiate_vector(i, v, message);
    unhex(reply, sizeof(reply), c->reply);
    assert_int_equal(noise_cookie_reply_consume(&i->remote, start, reply), WGT_OK);
    unhex_key(e, v->e_i);
    unhex(t, sizeof(t), c->next_tai64n);
    assert_int_equal(
        noise_initiation_create(&i->remote, &i->local, when, t, e, v->initiator_index, message),
        WGT_OK);
}

static void
next_initiation_carries_mac2_as_in_vectors(void **state)
{
    uint8_t message[MESSAGE_INITIATION_LEN];
    struct party i, r;

    (void)state;
    for (size_t n = 0; n < COUNT_OF(vector_cookies); n++) {
        if (vector_cookies[n].next_initiation == NULL)
            continue;
        next_initiation(&vector_cookies[n], start, &i, &r, message);
        assert_hex(message, sizeof(message), vector_cookies[n].next_initiation);
    }
}

static void
cookie_is_used_for_115_seconds(void **state)
{
    uint8_t message[MESSAGE_INITIATION_LEN];
    struct party i, r;

    (void)state;
    next_initiation(&vector_cookies[0], start + 115 * WGT_SEC - 1, &i, &r, message);
    assert_false(noise_is_zero(message + 132, 16));
    next_initiation(&vector_cookies[0], start + 115 * WGT_SEC, &i, &r, message);
    assert_true(noise_is_zero(message + 132, 16));
    assert_true(noise_mac1_check(&r.local, message, sizeof(message)));
}

static void
response_carries_mac2_too(void **state)
{
    uint8_t initiation[MESSAGE_INITIATION_LEN], response[MESSAGE_RESPONSE_LEN];
    struct noise_cookie_secret s = {0};
    struct ip_endpoint source = endpoint_of("c0000221", 1);
    struct noise_keypair k = {0};
    struct party i, r;
    uint8_t reply[MESSAGE_COOKIE_REPLY_LEN];

    (void)state;
    introduce_vector(&i, &r, v);
    initiate_vector(&i, v, initiation);
    assert_int_equal(consume_initiation(&r, start, initiation), WGT_OK);
    respond_vector(&r, v, response, &k);
    assert_true(noise_is_zero(response + 76, 16));
    noise_cookie_reply_create(&s, &i.local, start, no_entropy, no_entropy, &source, response,
                              sizeof(response), reply);
    assert_int_equal(noise_cookie_reply_consume(&r.remote, start, reply), WGT_OK);

    r.remote.handshake.state = NOISE_CONSUMED_INITIATION;
    unhex_key(r.remote.handshake.remote_ephemeral, v->E_i);
    respond_vector(&r, v, response, &k);
    assert_true(noise_mac2_check(&s, start, no_entropy, &source, response, sizeof(response)));
}

static void
mac2_is_bound_to_address_and_port(void **state)
{
    const struct vector_cookie *c = &vector_cookies[0];
    struct ip_endpoint source = endpoint_of(c->source_ip, c->source_port), other = source;
    uint8_t message[MESSAGE_INITIATION_LEN], reply[MESSAGE_COOKIE_REPLY_LEN];
    struct noise_cookie_secret s;
    struct party i, r;

    (void)state;
    next_initiation(c, start, &i, &r, message);
    make_reply(c, &s, &r.local, message, sizeof(message), reply);
    assert_true(noise_mac2_check(&s, start, no_entropy, &source, message, sizeof(message)));
    other.port ^= 0x100;
    assert_false(noise_mac2_check(&s, start, no_entropy, &other, message, sizeof(message)));
    other = source;
    other.addr.bytes[3] ^= 1;
    assert_false(noise_mac2_check(&s, start, no_entropy, &other, message, sizeof(message)));
    /* an IPv6 address that begins with the same bytes */
    other = source;
    other.addr.family = IP_V6;
    assert_false(noise_mac2_check(&s, start, no_entropy, &other, message, sizeof(message)));
}

static void
mac2_covers_every_bit(void **state)
{
    const struct vector_cookie *c = &vector_cookies[1];
    const struct ip_endpoint source = endpoint_of(c->source_ip, c->source_port);
    uint8_t message[MESSAGE_INITIATION_LEN], reply[MESSAGE_COOKIE_REPLY_LEN];
    struct noise_cookie_secret s;
    struct party i, r;

    (void)state;
    next_initiation(c, start, &i, &r, message);
    make_reply(c, &s, &r.local, message, sizeof(message), reply);
    for (size_t bit = 0; bit < 8 * sizeof(message); bit++) {
        message[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(noise_mac2_check(&s, start, no_entropy, &source, message, sizeof(message)));
        message[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_true(noise_mac2_check(&s, start, no_entropy, &source, message, sizeof(message)));
    /* no cookie at all */
    memset(message + 132, 0, 16);
    assert_false(noise_mac2_check(&s, start, no_entropy, &source, message, sizeof(message)));
}

static void
macs_are_refused_at_other_lengths(void **state)
{
    const struct ip_endpoint source = endpoint_of("c0000221", 1);
    uint8_t message[256] = {0};
    struct noise_cookie_secret s = {0}, before = s;
    struct party i, r;

    (void)state;
    introduce_vector(&i, &r, v);
    for (size_t len = 0; len < sizeof(message); len++) {
        if (len == MESSAGE_INITIATION_LEN || len == MESSAGE_RESPONSE_LEN)
            continue;
        assert_false(noise_mac1_check(&r.local, message, len));
        assert_false(noise_mac2_check(&s, start, no_entropy, &source, message, len));
    }
    assert_memory_equal(&s, &before, sizeof(s));
}

static void
secret_is_drawn_at_first_use(void **state)
{
    const struct ip_endpoint source = endpoint_of("c0000221", 1);
    uint8_t message[MESSAGE_INITIATION_LEN] = {0}, fresh[NOISE_COOKIE_SECRET_LEN];
    struct noise_cookie_secret s = {0};

    (void)state;
    memset(fresh, 0x5a, sizeof(fresh));
    /* the clock may start at 0: a secret of zeros must never serve */
    assert_false(noise_mac2_check(&s, 0, fresh, &source, message, sizeof(message)));
    assert_true(s.valid);
    assert_memory_equal(s.key, fresh, sizeof(fresh));
}

static void
secret_is_replaced_after_120_seconds(void **state)
{
    const struct vector_cookie *c = &vector_cookies[0];
    const struct ip_endpoint source = endpoint_of(c->source_ip, c->source_port);
    uint8_t message[MESSAGE_INITIATION_LEN], reply[MESSAGE_COOKIE_REPLY_LEN];
    uint8_t fresh[NOISE_COOKIE_SECRET_LEN];
    struct noise_cookie_secret s, old;
    struct party i, r;

    (void)state;
    memset(fresh, 0x5a, sizeof(fresh));
    next_initiation(c, start, &i, &r, message);
    make_reply(c, &s, &r.local, message, sizeof(message), reply);
    old = s;
    assert_true(
        noise_mac2_check(&s, start + 120 * WGT_SEC - 1, fresh, &source, message, sizeof(message)));
    assert_memory_equal(&s, &old, sizeof(s));
    assert_false(
        noise_mac2_check(&s, start + 120 * WGT_SEC, fresh, &source, message, sizeof(message)));
    assert_memory_equal(s.key, fresh, sizeof(fresh));
    assert_true(s.birth == start + 120 * WGT_SEC);
}

static void
cookie_reply_nobody_asked_for_is_refused(void **state)
{
    uint8_t reply[MESSAGE_COOKIE_REPLY_LEN];
    struct party i, r;
    struct noise_remote before;

    (void)state;
    introduce_vector(&i, &r, v);
    unhex(reply, sizeof(reply), vector_cookies[0].reply);
    before = i.remote;
    assert_int_equal(noise_cookie_reply_consume(&i.remote, start, reply),
                     WGT_DROP_COOKIE_UNEXPECTED);
    assert_memory_equal(&i.remote, &before, sizeof(before));
}

static void
cookie_reply_is_taken_once_per_mac1(void **state)
{
    uint8_t message[MESSAGE_INITIATION_LEN], reply[MESSAGE_COOKIE_REPLY_LEN];
    struct party i, r;

    (void)state;
    introduce_vector(&i, &r, v);
    initiate_vector(&i, v, message);
    unhex(reply, sizeof(reply), vector_cookies[0].reply);
    assert_int_equal(noise_cookie_reply_consume(&i.remote, start, reply), WGT_OK);
    assert_int_equal(noise_cookie_reply_consume(&i.remote, start, reply),
                     WGT_DROP_COOKIE_UNEXPECTED);
}

static void
forged_cookie_reply_leaves_no_trace(void **state)
{
    uint8_t message[MESSAGE_INITIATION_LEN], reply[MESSAGE_COOKIE_REPLY_LEN];
    struct party i, r;
    struct noise_remote before;

    (void)state;
    introduce_vector(&i, &r, v);
    initiate_vector(&i, v, message);
    before = i.remote;
    for (size_t bit = 8 * 8; bit < 8 * sizeof(reply); bit++) {
        unhex(reply, sizeof(reply), vector_cookies[0].reply);
        reply[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(noise_cookie_reply_consume(&i.remote, start, reply), WGT_DROP_COOKIE_TAG);
        assert_memory_equal(&i.remote, &before, sizeof(before));
    }
    /* one for another message of ours: its mac1 does not fit */
    i.remote.last_mac1[0] ^= 1;
    unhex(reply, sizeof(reply), vector_cookies[0].reply);
    assert_int_equal(noise_cookie_reply_consume(&i.remote, start, reply), WGT_DROP_COOKIE_TAG);
    i.remote.last_mac1[0] ^= 1;
    assert_int_equal(noise_cookie_reply_consume(&i.remote, start, reply), WGT_OK);
}

static void
mac1_belongs_to_the_receiver(void **state)
{
    uint8_t message[MESSAGE_INITIATION_LEN];
    struct party i, r;

    (void)state;
    introduce_vector(&i, &r, v);
    initiate_vector(&i, v, message);
    assert_true(noise_mac1_check(&r.local, message, sizeof(message)));
    assert_false(noise_mac1_check(&i.local, message, sizeof(message)));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cookie_replies_match_vectors),
        cmocka_unit_test(cookie_replies_are_consumed_as_in_vectors),
        cmocka_unit_test(next_initiation_carries_mac2_as_in_vectors),
        cmocka_unit_test(cookie_is_used_for_115_seconds),
        cmocka_unit_test(response_carries_mac2_too),
        cmocka_unit_test(mac2_is_bound_to_address_and_port),
        cmocka_unit_test(mac2_covers_every_bit),
        cmocka_unit_test(macs_are_refused_at_other_lengths),
        cmocka_unit_test(secret_is_drawn_at_first_use),
        cmocka_unit_test(secret_is_replaced_after_120_seconds),
        cmocka_unit_test(cookie_reply_nobody_asked_for_is_refused),
        cmocka_unit_test(cookie_reply_is_taken_once_per_mac1),
        cmocka_unit_test(forged_cookie_reply_leaves_no_trace),
        cmocka_unit_test(mac1_belongs_to_the_receiver),
    };

    return cmocka_run_group_tests(tests, load_crypto, NULL);
}
