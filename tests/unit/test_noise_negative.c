/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages that went wrong on the way: each meets its reason, and leaves no trace unless it is one
 * of those that must be accepted. */
#include "test_noise_util.h"

#include "../../src/noise/macs.h"

static const struct vector_handshake *const v = &vector_handshakes[0];

/* What a node with one peer does with a handshake message (room for the longest behind it). */
static enum wgt_drop
receive_handshake(struct party *p, struct noise_keypair *k, const uint8_t *message, size_t len)
{
    enum message_type type;
    enum wgt_drop rc = message_check(message, len, &type);

    if (rc != WGT_OK)
        return rc;
    if (!noise_mac1_check(&p->local, message, len))
        return WGT_DROP_MAC1;
    if (type == MESSAGE_INITIATION)
        return consume_initiation(p, start, message);
    return noise_response_consume(&p->remote, &p->local, start, message, k);
}

static enum wgt_drop
receive_data(struct noise_keypair *k, uint8_t *message, size_t len)
{
    enum message_type type;
    enum wgt_drop rc = message_check(message, len, &type);

    if (rc != WGT_OK)
        return rc;
    if (message_receiver(message, type) != k->local_index)
        return WGT_DROP_DATA_INDEX;
    return noise_open(k, message, len);
}

static void
check_to_responder(const struct vector_negative *n)
{
    struct party i, r, before;
    uint8_t message[MESSAGE_INITIATION_LEN + 1];
    const size_t len = unhex(message, sizeof(message), n->message);

    introduce_vector(&i, &r, v);
    if (n->repeated)
        assert_int_equal(receive_handshake(&r, NULL, message, len), WGT_OK);
    before = r;
    assert_int_equal(receive_handshake(&r, NULL, message, len), n->expect);
    if (n->expect != WGT_OK) {
        assert_memory_equal(&r, &before, sizeof(r));
        return;
    }
    assert_int_equal(r.remote.handshake.state, NOISE_CONSUMED_INITIATION);
    assert_int_equal(r.remote.handshake.remote_index, get_le32(message + 4));
}

static void
check_to_initiator(const struct vector_negative *n)
{
    struct party i, r, before;
    struct noise_keypair k = {0}, k_before;
    uint8_t initiation[MESSAGE_INITIATION_LEN], good[MESSAGE_HANDSHAKE_MAX];
    uint8_t message[MESSAGE_HANDSHAKE_MAX];
    const size_t len = unhex(message, sizeof(message), n->message);

    memset(&k, 0, sizeof(k));
    introduce_vector(&i, &r, v);
    initiate_vector(&i, v, initiation);
    if (n->repeated)
        assert_int_equal(receive_handshake(&i, &k, message, len), WGT_OK);
    before = i;
    k_before = k;
    assert_int_equal(receive_handshake(&i, &k, message, len), n->expect);
    if (n->expect == WGT_OK) {
        assert_int_equal(k.remote_index, get_le32(message + 4));
        return;
    }
    assert_memory_equal(&i, &before, sizeof(i));
    assert_memory_equal(&k, &k_before, sizeof(k));
    /* and the good response still works */
    unhex(good, sizeof(good), v->response);
    assert_int_equal(receive_handshake(&i, &k, good, MESSAGE_RESPONSE_LEN),
                     n->repeated ? WGT_DROP_HANDSHAKE_STATE : WGT_OK);
}

static void
check_data(const struct vector_negative *n)
{
    struct party i, r;
    struct noise_keypair k_i = {0}, k_r = {0}, before;
    uint8_t message[256], again[256];
    const size_t len = unhex(message, sizeof(message), n->message);

    memset(&k_i, 0, sizeof(k_i));
    memset(&k_r, 0, sizeof(k_r));
    complete_vector(&i, &r, v, &k_i, &k_r);
    memcpy(again, message, len);
    if (n->repeated)
        assert_int_equal(receive_data(&k_r, again, len), WGT_OK);
    before = k_r;
    assert_int_equal(receive_data(&k_r, message, len), n->expect);
    if (n->expect != WGT_OK) {
        assert_memory_equal(&k_r, &before, sizeof(k_r)); /* the window, above all */
        return;
    }
    /* authentic: noise delivers; what is inside is for the tunnel to judge */
    assert_hex(message + MESSAGE_DATA_HEADER_LEN, len - MESSAGE_DATA_OVERHEAD, n->plain);
    assert_false(noise_replay_would_accept(&k_r.replay, get_le64(message + 8)));
}

static void
initiations_gone_wrong_meet_their_reason(void **state)
{
    (void)state;
    assert_int_equal(COUNT_OF(vector_negative_responder), 17);
    for (size_t n = 0; n < COUNT_OF(vector_negative_responder); n++) {
        print_message("  %s\n", vector_negative_responder[n].what);
        check_to_responder(&vector_negative_responder[n]);
    }
}

static void
responses_gone_wrong_meet_their_reason(void **state)
{
    (void)state;
    assert_int_equal(COUNT_OF(vector_negative_initiator), 6);
    for (size_t n = 0; n < COUNT_OF(vector_negative_initiator); n++) {
        print_message("  %s\n", vector_negative_initiator[n].what);
        check_to_initiator(&vector_negative_initiator[n]);
    }
}

static void
data_gone_wrong_meets_its_reason(void **state)
{
    (void)state;
    assert_int_equal(COUNT_OF(vector_negative_data), 11);
    for (size_t n = 0; n < COUNT_OF(vector_negative_data); n++) {
        print_message("  %s\n", vector_negative_data[n].what);
        check_data(&vector_negative_data[n]);
    }
}

/* --- every bit of a handshake message -------------------------------------------------------- */

/* mac1 as anybody who knows the receiver's public key can make it: through a remote of theirs. */
static void
repair_mac1(struct party *sender, uint8_t *message, size_t len)
{
    struct noise_remote scratch = sender->remote;

    macs_add(&scratch, start, message, len);
}

static void
mac1_covers_every_bit_before_it(void **state)
{
    struct party i, r;
    uint8_t message[MESSAGE_INITIATION_LEN];

    (void)state;
    introduce_vector(&i, &r, v);
    unhex(message, sizeof(message), v->initiation);
    for (size_t bit = 0; bit < 8 * sizeof(message); bit++) {
        message[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(noise_mac1_check(&r.local, message, sizeof(message)), bit >= 8 * 132);
        message[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void
noise_covers_every_bit_of_the_initiation_but_the_index(void **state)
{
    struct party i, r, before;
    uint8_t message[MESSAGE_INITIATION_LEN];

    (void)state;
    introduce_vector(&i, &r, v);
    before = r;
    for (size_t bit = 8 * 4; bit < 8 * 116; bit++) {
        unhex(message, sizeof(message), v->initiation);
        message[bit / 8] ^= (uint8_t)(1 << bit % 8);
        repair_mac1(&i, message, sizeof(message));
        if (bit < 8 * 8) {
            assert_int_equal(receive_handshake(&r, NULL, message, sizeof(message)), WGT_OK);
            r = before;
        } else {
            assert_int_not_equal(receive_handshake(&r, NULL, message, sizeof(message)), WGT_OK);
            assert_memory_equal(&r, &before, sizeof(r));
        }
    }
}

static void
noise_covers_every_bit_of_the_response_but_the_indices(void **state)
{
    struct party i, r, before;
    struct noise_keypair k = {0};
    uint8_t initiation[MESSAGE_INITIATION_LEN], message[MESSAGE_HANDSHAKE_MAX];

    (void)state;
    introduce_vector(&i, &r, v);
    initiate_vector(&i, v, initiation);
    before = i;
    for (size_t bit = 8 * 8; bit < 8 * 60; bit++) {
        unhex(message, sizeof(message), v->response);
        message[bit / 8] ^= (uint8_t)(1 << bit % 8);
        repair_mac1(&r, message, MESSAGE_RESPONSE_LEN);
        assert_int_equal(receive_handshake(&i, &k, message, MESSAGE_RESPONSE_LEN),
                         bit < 8 * 12 ? WGT_DROP_HANDSHAKE_INDEX : WGT_DROP_HANDSHAKE_TAG);
        assert_memory_equal(&i, &before, sizeof(i));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(initiations_gone_wrong_meet_their_reason),
        cmocka_unit_test(responses_gone_wrong_meet_their_reason),
        cmocka_unit_test(data_gone_wrong_meets_its_reason),
        cmocka_unit_test(mac1_covers_every_bit_before_it),
        cmocka_unit_test(noise_covers_every_bit_of_the_initiation_but_the_index),
        cmocka_unit_test(noise_covers_every_bit_of_the_response_but_the_indices),
    };

    return cmocka_run_group_tests(tests, load_crypto, NULL);
}
