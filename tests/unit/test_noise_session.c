/* SPDX-License-Identifier: BSD-3-Clause */
/* The three key slots: each rule of installing, promoting and forgetting. */
#include "test_noise_util.h"

static struct noise_keypair k[6];
static struct noise_session s;
static struct noise_retired retired;

static int
fresh(void **state)
{
    (void)state;
    memset(k, 0, sizeof(k));
    memset(&s, 0, sizeof(s));
    memset(&retired, 0xee, sizeof(retired)); /* each operation starts the list anew */
    return 0;
}

static void
install(unsigned n, bool initiator)
{
    k[n].initiator = initiator;
    noise_session_install(&s, &k[n], &retired);
}

static const struct noise_keypair *
slot(int n)
{
    return n < 0 ? NULL : &k[n];
}

/* -1: empty. */
static void
expect_slots(int previous, int current, int next)
{
    assert_ptr_equal(s.previous, slot(previous));
    assert_ptr_equal(s.current, slot(current));
    assert_ptr_equal(s.next, slot(next));
}

static void
expect_retired(unsigned n, int a, int b)
{
    assert_int_equal(retired.n, n);
    if (n > 0)
        assert_ptr_equal(retired.k[0], slot(a));
    if (n > 1)
        assert_ptr_equal(retired.k[1], slot(b));
}

static void
initiators_first_session_becomes_current(void **state)
{
    (void)state;
    install(0, true);
    expect_slots(-1, 0, -1);
    expect_retired(0, -1, -1);
}

static void
initiators_new_session_moves_current_to_previous(void **state)
{
    (void)state;
    install(0, true);
    install(1, true);
    expect_slots(0, 1, -1);
    expect_retired(0, -1, -1);
    install(2, true);
    expect_slots(1, 2, -1);
    expect_retired(1, 0, -1);
}

static void
initiators_new_session_with_next_keeps_next_as_previous(void **state)
{
    (void)state;
    install(0, true);
    install(1, true);  /* previous 0, current 1 */
    install(2, false); /* next 2; previous dropped */
    s.previous = &k[3];
    install(4, true);
    expect_slots(2, 4, -1);
    expect_retired(2, 3, 1);
}

static void
initiators_new_session_drops_a_next_that_was_not_proved_within_5_s(void **state)
{
    (void)state;
    install(0, true);
    install(1, false);
    k[1].birth = 100 * WGT_SEC;
    k[2].birth = k[1].birth + 5 * WGT_SEC;
    install(2, true);
    expect_slots(0, 2, -1);
    expect_retired(1, 1, -1);
}

static void
initiators_new_session_keeps_a_next_of_less_than_5_s(void **state)
{
    (void)state;
    install(0, true);
    install(1, false);
    k[1].birth = 100 * WGT_SEC;
    k[2].birth = k[1].birth + 5 * WGT_SEC - 1;
    install(2, true);
    expect_slots(1, 2, -1);
    expect_retired(1, 0, -1);
}

static void
initiators_new_session_with_next_only(void **state)
{
    (void)state;
    install(0, false);
    install(1, true);
    expect_slots(0, 1, -1);
    expect_retired(0, -1, -1);
}

static void
responders_first_session_waits_as_next(void **state)
{
    (void)state;
    install(0, false);
    expect_slots(-1, -1, 0);
    expect_retired(0, -1, -1);
}

static void
responders_new_session_keeps_current_and_drops_previous(void **state)
{
    (void)state;
    install(0, true);
    install(1, true);
    install(2, false);
    expect_slots(-1, 1, 2);
    expect_retired(1, 0, -1);
}

static void
responders_newer_session_drops_the_unconfirmed_one(void **state)
{
    (void)state;
    install(0, true);
    install(1, false);
    install(2, false);
    expect_slots(-1, 0, 2);
    expect_retired(1, 1, -1);
}

static void
responders_newer_session_drops_next_and_previous(void **state)
{
    (void)state;
    install(0, true);
    install(1, false);
    s.previous = &k[3];
    install(2, false);
    expect_slots(-1, 0, 2);
    expect_retired(2, 1, 3);
}

static void
first_message_under_next_promotes_it(void **state)
{
    (void)state;
    install(0, true);
    install(1, false);
    assert_true(noise_session_received(&s, &k[1], &retired));
    expect_slots(0, 1, -1);
    expect_retired(0, -1, -1);
    /* only the first one */
    assert_false(noise_session_received(&s, &k[1], &retired));
    expect_slots(0, 1, -1);
}

static void
promotion_drops_the_old_previous(void **state)
{
    (void)state;
    install(0, true);
    install(1, false);
    s.previous = &k[3];
    assert_true(noise_session_received(&s, &k[1], &retired));
    expect_slots(0, 1, -1);
    expect_retired(1, 3, -1);
}

static void
promotion_of_the_first_session(void **state)
{
    (void)state;
    install(0, false);
    assert_true(noise_session_received(&s, &k[0], &retired));
    expect_slots(-1, 0, -1);
    expect_retired(0, -1, -1);
}

static void
messages_under_current_and_previous_promote_nothing(void **state)
{
    (void)state;
    install(0, true);
    install(1, true);
    s.next = &k[2];
    assert_false(noise_session_received(&s, &k[0], &retired));
    assert_false(noise_session_received(&s, &k[1], &retired));
    assert_false(noise_session_received(&s, &k[5], &retired));
    assert_false(noise_session_received(&s, NULL, &retired));
    expect_slots(0, 1, 2);
    expect_retired(0, -1, -1);
}

static void
no_message_promotes_an_empty_next(void **state)
{
    (void)state;
    assert_false(noise_session_received(&s, NULL, &retired));
    expect_slots(-1, -1, -1);
}

/* Both sides initiate together, and each handshake completes: A is initiator of 0 and responder of
 * 1. Whatever arrives first, both sessions can be received under. */
static void
simultaneous_initiation_responder_part_first(void **state)
{
    (void)state;
    install(1, false); /* A answered B's initiation */
    install(0, true);  /* then B's response to its own arrived */
    expect_slots(1, 0, -1);
    expect_retired(0, -1, -1);
    /* B confirms 1 with data: nothing to promote any more, still accepted as previous */
    assert_false(noise_session_received(&s, &k[1], &retired));
    expect_slots(1, 0, -1);
}

static void
simultaneous_initiation_initiator_part_first(void **state)
{
    (void)state;
    install(0, true);
    install(1, false);
    expect_slots(-1, 0, 1);
    assert_true(noise_session_received(&s, &k[1], &retired));
    expect_slots(0, 1, -1);
    expect_retired(0, -1, -1);
}

/* The whole of it with real keys: what either side sends under its current key, the other opens in
 * one of its slots. */
static void
simultaneous_initiation_with_keys(void **state)
{
    struct party a, b, a2, b2;
    struct noise_keypair a0 = {0}, b0 = {0}, a1 = {0}, b1 = {0};
    struct noise_session sa = {0}, sb = {0};

    (void)state;
    complete_vector(&a, &b, &vector_handshakes[0], &a0, &b0);   /* A initiates */
    complete_vector(&b2, &a2, &vector_handshakes[1], &b1, &a1); /* B initiates */
    noise_session_install(&sa, &a1, &retired);
    noise_session_install(&sb, &b0, &retired);
    noise_session_install(&sa, &a0, &retired);
    noise_session_install(&sb, &b1, &retired);
    assert_ptr_equal(sa.current, &a0);
    assert_ptr_equal(sb.current, &b1);
    assert_int_equal(pass_keepalive(sa.current, sb.previous), WGT_OK);
    assert_int_equal(pass_keepalive(sb.current, sa.previous), WGT_OK);
}

static void
clear_retires_all_three(void **state)
{
    (void)state;
    s.previous = &k[0];
    s.current = &k[1];
    s.next = &k[2];
    noise_session_clear(&s, &retired);
    expect_slots(-1, -1, -1);
    expect_retired(3, 0, 1);
    assert_ptr_equal(retired.k[2], &k[2]);
    noise_session_clear(&s, &retired);
    expect_retired(0, -1, -1);
}

/* Whatever happens, a keypair is either in one slot or has been retired once. */
static void
no_keypair_is_lost_or_retired_twice(void **state)
{
    static struct noise_keypair many[2000];
    static unsigned times_retired[2000];
    uint64_t seed = 21;
    unsigned made = 0;

    (void)state;
    for (unsigned step = 0; step < 4000 && made < COUNT_OF(many); step++) {
        switch (random_u64(&seed) % 8) {
        case 0:
        case 1:
        case 2:
        case 3:
            many[made].initiator = random_u64(&seed) % 2 == 0;
            noise_session_install(&s, &many[made++], &retired);
            break;
        case 4:
            noise_session_clear(&s, &retired);
            break;
        default:
            noise_session_received(&s, s.next, &retired);
        }
        for (unsigned n = 0; n < retired.n; n++)
            times_retired[retired.k[n] - many]++;
        for (unsigned n = 0; n < made; n++) {
            const struct noise_keypair *p = &many[n];
            const int held = (s.previous == p) + (s.current == p) + (s.next == p);

            assert_int_equal(held + (int)times_retired[n], 1);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(initiators_first_session_becomes_current, fresh),
        cmocka_unit_test_setup(initiators_new_session_moves_current_to_previous, fresh),
        cmocka_unit_test_setup(initiators_new_session_with_next_keeps_next_as_previous, fresh),
        cmocka_unit_test_setup(initiators_new_session_drops_a_next_that_was_not_proved_within_5_s,
                               fresh),
        cmocka_unit_test_setup(initiators_new_session_keeps_a_next_of_less_than_5_s, fresh),
        cmocka_unit_test_setup(initiators_new_session_with_next_only, fresh),
        cmocka_unit_test_setup(responders_first_session_waits_as_next, fresh),
        cmocka_unit_test_setup(responders_new_session_keeps_current_and_drops_previous, fresh),
        cmocka_unit_test_setup(responders_newer_session_drops_the_unconfirmed_one, fresh),
        cmocka_unit_test_setup(responders_newer_session_drops_next_and_previous, fresh),
        cmocka_unit_test_setup(first_message_under_next_promotes_it, fresh),
        cmocka_unit_test_setup(promotion_drops_the_old_previous, fresh),
        cmocka_unit_test_setup(promotion_of_the_first_session, fresh),
        cmocka_unit_test_setup(messages_under_current_and_previous_promote_nothing, fresh),
        cmocka_unit_test_setup(no_message_promotes_an_empty_next, fresh),
        cmocka_unit_test_setup(simultaneous_initiation_responder_part_first, fresh),
        cmocka_unit_test_setup(simultaneous_initiation_initiator_part_first, fresh),
        cmocka_unit_test_setup(simultaneous_initiation_with_keys, fresh),
        cmocka_unit_test_setup(clear_retires_all_three, fresh),
        cmocka_unit_test_setup(no_keypair_is_lost_or_retired_twice, fresh),
    };

    return cmocka_run_group_tests(tests, load_crypto, NULL);
}
