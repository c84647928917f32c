/* SPDX-License-Identifier: BSD-3-Clause */
/* Data messages: counters and their limits, alignment, wiping. */
#include "test_noise_util.h"

struct pair {
    struct party i, r;
    struct noise_keypair k_i, k_r;
};

static int
derive(void **state)
{
    static struct pair p;

    memset(&p, 0, sizeof(p));
    complete_vector(&p.i, &p.r, &vector_handshakes[0], &p.k_i, &p.k_r);
    *state = &p;
    return 0;
}

static void
counters_start_at_zero_and_never_repeat(void **state)
{
    struct pair *p = *state;
    uint8_t message[MESSAGE_MIN_LEN];

    for (uint64_t n = 0; n < 1000; n++) {
        assert_true(noise_seal(&p->k_i, message, 0));
        assert_true(get_le64(message + 8) == n);
    }
}

static void
limits_are_those_of_the_paper_and_the_window(void **state)
{
    (void)state;
    assert_true(NOISE_REKEY_AFTER_MESSAGES == UINT64_C(1152921504606846976));
    /* 2^64 - window - 2, as the kernel's is with a smaller one */
    assert_true(NOISE_REJECT_AFTER_MESSAGES == UINT64_C(18446744073709486142));
}

static void
sealing_ends_at_reject_after_messages(void **state)
{
    struct pair *p = *state;
    uint8_t message[MESSAGE_MIN_LEN], untouched[MESSAGE_MIN_LEN];

    p->k_i.send_counter = NOISE_REJECT_AFTER_MESSAGES - 1;
    assert_true(noise_seal(&p->k_i, message, 0));
    assert_true(get_le64(message + 8) == NOISE_REJECT_AFTER_MESSAGES - 1);
    memset(message, 0xaa, sizeof(message));
    memcpy(untouched, message, sizeof(message));
    for (unsigned n = 0; n < 3; n++) {
        assert_false(noise_seal(&p->k_i, message, 0));
        assert_true(p->k_i.send_counter == NOISE_REJECT_AFTER_MESSAGES);
    }
    p->k_i.send_counter = UINT64_MAX; /* must not wrap to 0 either */
    assert_false(noise_seal(&p->k_i, message, 0));
    assert_memory_equal(message, untouched, sizeof(message));
}

static void
sealing_passes_rekey_after_messages(void **state)
{
    struct pair *p = *state;

    p->k_i.send_counter = NOISE_REKEY_AFTER_MESSAGES - 1;
    for (unsigned n = 0; n < 3; n++)
        assert_int_equal(pass_keepalive(&p->k_i, &p->k_r), WGT_OK);
}

static void
opening_ends_at_reject_after_messages(void **state)
{
    struct pair *p = *state;
    struct noise_keypair before;
    uint8_t message[MESSAGE_MIN_LEN], early[MESSAGE_MIN_LEN];

    assert_true(noise_seal(&p->k_i, early, 0));
    p->k_i.send_counter = NOISE_REJECT_AFTER_MESSAGES - 1;
    assert_true(noise_seal(&p->k_i, message, 0));
    before = p->k_r;
    put_le64(message + 8, NOISE_REJECT_AFTER_MESSAGES);
    assert_int_equal(noise_open(&p->k_r, message, sizeof(message)), WGT_DROP_DATA_EXPIRED);
    put_le64(message + 8, UINT64_MAX);
    assert_int_equal(noise_open(&p->k_r, message, sizeof(message)), WGT_DROP_DATA_EXPIRED);
    assert_memory_equal(&p->k_r, &before, sizeof(before));

    /* the last one goes through; after it the key is spent, for counters in the window too */
    put_le64(message + 8, NOISE_REJECT_AFTER_MESSAGES - 1);
    assert_int_equal(noise_open(&p->k_r, message, sizeof(message)), WGT_OK);
    p->k_i.send_counter = NOISE_REJECT_AFTER_MESSAGES - 2;
    assert_true(noise_seal(&p->k_i, message, 0));
    assert_int_equal(noise_open(&p->k_r, message, sizeof(message)), WGT_DROP_DATA_EXPIRED);
    assert_int_equal(noise_open(&p->k_r, early, sizeof(early)), WGT_DROP_DATA_EXPIRED);
}

static void
nothing_is_sealed_when_sending_is_not_allowed(void **state)
{
    struct pair *p = *state;
    uint8_t message[MESSAGE_MIN_LEN] = {0};

    p->k_i.send_allowed = false;
    assert_false(noise_seal(&p->k_i, message, 0));
    assert_true(noise_is_zero(message, sizeof(message)));
    assert_true(p->k_i.send_counter == 0);
    /* receiving still works */
    assert_int_equal(pass_keepalive(&p->k_r, &p->k_i), WGT_OK);
}

static void
short_message_is_refused(void **state)
{
    struct pair *p = *state;
    uint8_t message[MESSAGE_MIN_LEN];

    assert_true(noise_seal(&p->k_i, message, 0));
    for (size_t len = 0; len < MESSAGE_MIN_LEN; len++)
        assert_int_equal(noise_open(&p->k_r, message, len), WGT_DROP_MESSAGE_SHORT);
    assert_int_equal(noise_open(&p->k_r, message, sizeof(message)), WGT_OK);
}

static void
failed_tag_moves_nothing_and_the_good_one_still_counts(void **state)
{
    struct pair *p = *state;
    struct noise_keypair before;
    uint8_t message[MESSAGE_DATA_OVERHEAD + 64] = {0}, copy[sizeof(message)];

    assert_true(noise_seal(&p->k_i, message, 64));
    before = p->k_r;
    for (size_t bit = 8 * 8; bit < 8 * sizeof(message); bit++) {
        memcpy(copy, message, sizeof(copy));
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_not_equal(noise_open(&p->k_r, copy, sizeof(copy)), WGT_OK);
        assert_memory_equal(&p->k_r, &before, sizeof(before));
    }
    assert_int_equal(noise_open(&p->k_r, message, sizeof(message)), WGT_OK);
}

static void
replay_is_refused_with_the_message_untouched(void **state)
{
    struct pair *p = *state;
    struct noise_keypair before;
    uint8_t message[MESSAGE_DATA_OVERHEAD + 64] = {0}, copy[sizeof(message)];
    uint8_t later[MESSAGE_MIN_LEN];

    assert_true(noise_seal(&p->k_i, message, 64));
    memcpy(copy, message, sizeof(copy));
    assert_int_equal(noise_open(&p->k_r, copy, sizeof(copy)), WGT_OK);
    before = p->k_r;
    memcpy(copy, message, sizeof(copy));
    assert_int_equal(noise_open(&p->k_r, copy, sizeof(copy)), WGT_DROP_DATA_REPLAY);
    assert_memory_equal(copy, message, sizeof(copy));
    assert_memory_equal(&p->k_r, &before, sizeof(before));

    /* too old is a replay too */
    p->k_i.send_counter = 3;
    assert_true(noise_seal(&p->k_i, later, 0));
    p->k_i.send_counter = 3 + NOISE_REPLAY_WINDOW + 1;
    assert_int_equal(pass_keepalive(&p->k_i, &p->k_r), WGT_OK);
    assert_int_equal(noise_open(&p->k_r, later, sizeof(later)), WGT_DROP_DATA_REPLAY);
}

static void
messages_may_come_in_any_order(void **state)
{
    struct pair *p = *state;
    uint8_t message[64][MESSAGE_MIN_LEN];

    for (unsigned n = 0; n < 64; n++)
        assert_true(noise_seal(&p->k_i, message[n], 0));
    for (unsigned n = 0; n < 64; n++)
        assert_int_equal(noise_open(&p->k_r, message[n * 37 % 64], MESSAGE_MIN_LEN), WGT_OK);
}

static void
messages_may_lie_at_any_address(void **state)
{
    struct pair *p = *state;
    static uint8_t buffer[MESSAGE_DATA_OVERHEAD + 1500 + 64], plain[1500];
    uint64_t seed = 5;

    for (unsigned n = 0; n < 500; n++) {
        const size_t len = random_u64(&seed) % (sizeof(plain) + 1);
        uint8_t *message = buffer + n % 64;

        random_fill(&seed, plain, len);
        memcpy(message + MESSAGE_DATA_HEADER_LEN, plain, len);
        assert_true(noise_seal(&p->k_r, message, len));
        assert_int_equal(noise_open(&p->k_i, message, len + MESSAGE_DATA_OVERHEAD), WGT_OK);
        if (len > 0)
            assert_memory_equal(message + MESSAGE_DATA_HEADER_LEN, plain, len);
    }
}

static void
reserved_bytes_and_index_are_written_little_endian(void **state)
{
    struct pair *p = *state;
    uint8_t message[MESSAGE_MIN_LEN];

    memset(message, 0xff, sizeof(message));
    assert_true(noise_seal(&p->k_i, message, 0));
    assert_hex(message, 16, "04000000d4c3b2a10000000000000000");
}

static void
wiped_keypair_is_all_zero(void **state)
{
    struct pair *p = *state;

    p->k_i.owner = p;
    assert_int_equal(pass_keepalive(&p->k_i, &p->k_r), WGT_OK);
    noise_keypair_wipe(&p->k_i);
    noise_keypair_wipe(&p->k_r);
    assert_true(noise_is_zero(&p->k_i, sizeof(p->k_i)));
    assert_true(noise_is_zero(&p->k_r, sizeof(p->k_r)));
    noise_keypair_wipe(&p->k_i); /* and may be wiped once more */
}

static void
wiped_keypair_seals_nothing(void **state)
{
    struct pair *p = *state;
    uint8_t message[MESSAGE_MIN_LEN];

    noise_keypair_wipe(&p->k_i);
    assert_false(noise_seal(&p->k_i, message, 0));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(counters_start_at_zero_and_never_repeat, derive),
        cmocka_unit_test(limits_are_those_of_the_paper_and_the_window),
        cmocka_unit_test_setup(sealing_ends_at_reject_after_messages, derive),
        cmocka_unit_test_setup(sealing_passes_rekey_after_messages, derive),
        cmocka_unit_test_setup(opening_ends_at_reject_after_messages, derive),
        cmocka_unit_test_setup(nothing_is_sealed_when_sending_is_not_allowed, derive),
        cmocka_unit_test_setup(short_message_is_refused, derive),
        cmocka_unit_test_setup(failed_tag_moves_nothing_and_the_good_one_still_counts, derive),
        cmocka_unit_test_setup(replay_is_refused_with_the_message_untouched, derive),
        cmocka_unit_test_setup(messages_may_come_in_any_order, derive),
        cmocka_unit_test_setup(messages_may_lie_at_any_address, derive),
        cmocka_unit_test_setup(reserved_bytes_and_index_are_written_little_endian, derive),
        cmocka_unit_test_setup(wiped_keypair_is_all_zero, derive),
        cmocka_unit_test_setup(wiped_keypair_seals_nothing, derive),
    };

    return cmocka_run_group_tests(tests, load_crypto, NULL);
}
