/* SPDX-License-Identifier: BSD-3-Clause */
/* The queue of batches between a worker and those who seal and open for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pthread.h>

#include <wgtcpd/tunnel/crypto_queue.h>

#include "../../src/noise/aead.h"

enum { HANDS = 3, ROUNDS = 20000 };

static struct crypto_queue q;

static int
set_up(void **state)
{
    (void)state;
    return crypto_queue_init(&q, CRYPTO_SEAL);
}

static int
tear_down(void **state)
{
    (void)state;
    crypto_queue_fini(&q);
    return 0;
}

/* A batch without messages, marked. */
static bool
put(uintptr_t mark)
{
    struct crypto_batch *b = crypto_queue_next(&q);

    if (b == NULL)
        return false;
    b->of[0].m = (struct rte_mbuf *)mark;
    crypto_queue_submit(&q);
    return true;
}

static uintptr_t
mark_of(const struct crypto_batch *b)
{
    return (uintptr_t)b->of[0].m;
}

static void
batches_are_taken_oldest_first_and_once(void **state)
{
    (void)state;
    assert_null(crypto_queue_take(&q));
    for (uintptr_t i = 0; i < 5; i++)
        assert_true(put(i));
    assert_int_equal(crypto_queue_waiting(&q), 5);
    for (uintptr_t i = 0; i < 5; i++)
        assert_int_equal(mark_of(crypto_queue_take(&q)), i);
    assert_null(crypto_queue_take(&q));
    assert_int_equal(crypto_queue_waiting(&q), 0);
    assert_int_equal(crypto_queue_count(&q), 5);
}

static void
what_is_done_waits_for_what_is_older(void **state)
{
    struct crypto_batch *first, *second;

    (void)state;
    put(1);
    put(2);
    first = crypto_queue_take(&q);
    second = crypto_queue_take(&q);
    assert_null(crypto_queue_done(&q));
    crypto_batch_run(second);
    assert_null(crypto_queue_done(&q));
    crypto_batch_run(first);
    assert_ptr_equal(crypto_queue_done(&q), first);
    crypto_queue_reap(&q);
    assert_ptr_equal(crypto_queue_done(&q), second);
    crypto_queue_reap(&q);
    assert_null(crypto_queue_done(&q));
    assert_true(crypto_queue_is_empty(&q));
}

static void
a_full_queue_has_no_place(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CRYPTO_QUEUE_SIZE; i++)
        assert_true(put(i));
    assert_false(put(0));
    crypto_batch_run(crypto_queue_take(&q));
    assert_false(put(0)); /* done, but not seen to */
    crypto_queue_reap(&q);
    assert_true(put(0));
    assert_false(put(0));
}

static void
counts_may_wrap(void **state)
{
    (void)state;
    q.reaped = q.taken = q.submitted = UINT32_MAX - 2;
    for (uintptr_t i = 0; i < CRYPTO_QUEUE_SIZE; i++)
        assert_true(put(i));
    assert_false(put(0));
    assert_int_equal(crypto_queue_waiting(&q), CRYPTO_QUEUE_SIZE);
    for (uintptr_t i = 0; i < CRYPTO_QUEUE_SIZE; i++) {
        crypto_batch_run(crypto_queue_take(&q));
        assert_int_equal(mark_of(crypto_queue_done(&q)), i);
        crypto_queue_reap(&q);
    }
    assert_null(crypto_queue_take(&q));
}

/* --- several at a time ---------------------------------------------------------------------------
 */

static struct {
    struct noise_keypair k;
    uint8_t message[CRYPTO_QUEUE_SIZE][MESSAGE_MIN_LEN];
    uint64_t done[HANDS];
    bool quit;
} many;

static void *
hand(void *arg)
{
    uint64_t *done = arg;

    while (!__atomic_load_n(&many.quit, __ATOMIC_ACQUIRE)) {
        struct crypto_batch *b = crypto_queue_take(&q);

        if (b != NULL)
            *done += crypto_batch_run(b);
        else
            sched_yield();
    }
    return NULL;
}

static bool
put_keepalive(uint64_t number)
{
    struct crypto_batch *b = crypto_queue_next(&q);

    if (b == NULL)
        return false;
    assert_true(
        noise_seal_begin(&many.k, many.message[number % CRYPTO_QUEUE_SIZE], 0, &b->seal[0]));
    b->n = 1;
    crypto_queue_submit(&q);
    return true;
}

/* All come back, each sealed once (the tag is that of a keepalive sealed here), in order. */
static void
several_threads_share_the_work(void **state)
{
    const uint8_t key[NOISE_KEY_LEN] = {1};
    struct noise_keypair mirror;
    pthread_t threads[HANDS];
    uint64_t put_n = 0, back = 0, own = 0;

    (void)state;
    memset(&many, 0, sizeof(many));
    many.k.send_allowed = true;
    aead_selected()->expand(&many.k.send, key);
    mirror = many.k;
    for (unsigned i = 0; i < HANDS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hand, &many.done[i]), 0);
    while (back < ROUNDS) {
        struct crypto_batch *b;
        uint8_t expected[MESSAGE_MIN_LEN];

        while (put_n < ROUNDS && put_keepalive(put_n))
            put_n++;
        if (put_n % 3 == 0 && (b = crypto_queue_take(&q)) != NULL)
            own += crypto_batch_run(b);
        for (; (b = crypto_queue_done(&q)) != NULL; crypto_queue_reap(&q)) {
            assert_int_equal(b->seal[0].counter, back);
            assert_true(b->seal[0].sealed);
            assert_true(noise_seal(&mirror, expected, 0));
            assert_memory_equal(b->seal[0].message, expected, sizeof(expected));
            back++;
        }
    }
    __atomic_store_n(&many.quit, true, __ATOMIC_RELEASE);
    for (unsigned i = 0; i < HANDS; i++) {
        pthread_join(threads[i], NULL);
        own += many.done[i];
    }
    assert_int_equal(own, ROUNDS);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(batches_are_taken_oldest_first_and_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_done_waits_for_what_is_older, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_queue_has_no_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(counts_may_wrap, set_up, tear_down),
        cmocka_unit_test_setup_teardown(several_threads_share_the_work, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
