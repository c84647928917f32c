/* SPDX-License-Identifier: BSD-3-Clause */
/* The replay window: the sequences of the kernel's self-test, and a set as a model. */
#include "test_noise_util.h"

/* Every rule holds for both windows: main runs each test with either. */
static uint64_t W = NOISE_REPLAY_WINDOW;
#define L (W + 1)
#define R NOISE_REJECT_AFTER_MESSAGES

struct step {
    uint64_t counter;
    bool accept;
};

static struct noise_replay window;
static uint64_t wide_ring[NOISE_REPLAY_WIDE_BITS / 64];

static int
empty(void **state)
{
    (void)state;
    W = NOISE_REPLAY_WINDOW;
    noise_replay_init(&window, NULL);
    return 0;
}

static int
empty_wide(void **state)
{
    (void)state;
    W = NOISE_REPLAY_WIDE_WINDOW;
    noise_replay_init(&window, wide_ring);
    return 0;
}

static void
expect(uint64_t counter, bool accept)
{
    struct noise_replay before = window;

    assert_int_equal(noise_replay_would_accept(&window, counter), accept);
    assert_memory_equal(&window, &before, sizeof(before));
    assert_int_equal(noise_replay_accept(&window, counter), accept);
    if (!accept)
        assert_memory_equal(&window, &before, sizeof(before));
}

/* The same without looking at the whole window: for walks through all of it. */
static void
expect_quick(uint64_t counter, bool accept)
{
    assert_int_equal(noise_replay_would_accept(&window, counter), accept);
    assert_int_equal(noise_replay_accept(&window, counter), accept);
}

static void
run(const struct step *steps, size_t n)
{
    for (size_t i = 0; i < n; i++)
        expect(steps[i].counter, steps[i].accept);
}

static void
size_is_8192_bits_of_which_8128_are_usable(void **state)
{
    (void)state;
    assert_int_equal(sizeof(window.ring) * 8, 8192);
    assert_int_equal(NOISE_REPLAY_WINDOW, 8128);
}

static void
wide_size_is_65536_bits_of_which_65472_are_usable(void **state)
{
    (void)state;
    assert_int_equal(sizeof(wide_ring) * 8, 65536);
    assert_int_equal(NOISE_REPLAY_WIDE_WINDOW, 65472);
}

/* Nor do two that are in use know of each other. */
static void
a_wide_window_begins_empty(void **state)
{
    struct noise_replay other;

    (void)state;
    noise_replay_init(&other, NULL);
    expect(7, true);
    assert_true(noise_replay_would_accept(&other, 7));
    noise_replay_init(&window, wide_ring);
    expect(7, true);
}

static void
kernel_sequence(void **state)
{
    const struct step steps[] = {
        {0, 1},
        {1, 1},
        {1, 0},
        {9, 1},
        {8, 1},
        {7, 1},
        {7, 0},
        {L, 1},
        {L - 1, 1},
        {L - 1, 0},
        {L - 2, 1},
        {2, 1},
        {2, 0},
        {L + 16, 1},
        {3, 0},
        {L + 16, 0},
        {L * 4, 1},
        {L * 4 - (L - 1), 1},
        {10, 0},
        {L * 4 - L, 0},
        {L * 4 - (L + 1), 0},
        {L * 4 - (L - 2), 1},
        {L * 4 + 1 - L, 0},
        {0, 0},
        {R, 0},
        {R - 1, 1},
        {R, 0},
        {R - 1, 0},
        {R - 2, 1},
        {R + 1, 0},
        {R + 2, 0},
        {R - 2, 0},
        {R - 3, 1},
        {0, 0},
    };

    (void)state;
    run(steps, COUNT_OF(steps));
}

static void
ascending_then_zero_is_accepted_once(void **state)
{
    (void)state;
    for (uint64_t c = 1; c <= W; c++)
        expect_quick(c, true);
    expect(0, true);
    expect(0, false);
}

static void
ascending_one_further_leaves_zero_too_old(void **state)
{
    (void)state;
    for (uint64_t c = 2; c <= W + 1; c++)
        expect_quick(c, true);
    expect(1, true);
    expect(0, false);
}

static void
descending_is_accepted_whole(void **state)
{
    (void)state;
    for (uint64_t c = W + 1; c-- > 0;)
        expect_quick(c, true);
}

static void
descending_one_further_leaves_zero_too_old(void **state)
{
    (void)state;
    for (uint64_t c = W + 2; --c > 0;)
        expect_quick(c, true);
    expect(0, false);
}

static void
descending_then_one_up_leaves_zero_too_old(void **state)
{
    (void)state;
    for (uint64_t c = W + 1; --c > 0;)
        expect_quick(c, true);
    expect(W + 1, true);
    expect(0, false);
}

static void
descending_then_zero_then_one_up(void **state)
{
    (void)state;
    for (uint64_t c = W + 1; --c > 0;)
        expect_quick(c, true);
    expect(0, true);
    expect(W + 1, true);
}

static void
jump_clears_the_ring(void **state)
{
    const struct step steps[] = {
        {5, 1},          {800000, 1},     {5, 0},      {800000 - W + 1, 1},
        {800000 - W, 1}, {800000 - L, 0}, {799999, 1}, {799999, 0},
    };

    (void)state;
    run(steps, COUNT_OF(steps));
}

static void
window_edge_after_70000(void **state)
{
    (void)state;
    expect(70000, true);
    expect(70000 - W, true);
    expect(70000 - W - 1, false);
}

static void
first_counter_may_be_any(void **state)
{
    static const struct step steps[] = {
        {123456789, 1}, {123456788, 1}, {123456790, 1}, {123456789, 0}};

    (void)state;
    run(steps, COUNT_OF(steps));
}

static void
greatest_counters_do_not_wrap(void **state)
{
    (void)state;
    expect(UINT64_MAX, false);
    expect(UINT64_MAX - 1, false);
    expect(R - 1, true);
    expect(UINT64_MAX, false);
    expect(R - 1 - W, true);
    expect(R - 2 - W, false);
}

/* Every counter the model accepted lies in a bitmap relative to the walk's base. */
enum { MODEL_SPAN = 1 << 20 };

struct model {
    bool seen[MODEL_SPAN];
    uint64_t base, greatest;
    bool any;
};

static bool
model_accept(struct model *m, uint64_t counter)
{
    const uint64_t at = counter - m->base;

    if (counter >= R || (m->any && counter + W < m->greatest) || m->seen[at])
        return false;
    m->seen[at] = true;
    if (!m->any || counter > m->greatest)
        m->greatest = counter;
    m->any = true;
    return true;
}

static uint64_t
stride(uint64_t *seed)
{
    const uint64_t strides[] = {1, 1, 1, 2, 63, 64, 65, W - 1, W, W + 1, W + 2, 65535, 65536};

    return strides[random_u64(seed) % COUNT_OF(strides)];
}

static void
random_walks_agree_with_a_set(void **state)
{
    static struct model m;
    static const uint64_t bases[] = {0, UINT64_C(1) << 32, (UINT64_C(1) << 32) - 5000, R - 400000};
    uint64_t seed = 99;

    (void)state;
    for (unsigned round = 0; round < 40; round++) {
        memset(&m, 0, sizeof(m));
        noise_replay_init(&window, window.wide);
        m.base = bases[round % COUNT_OF(bases)];
        m.greatest = m.base;
        for (unsigned n = 0; n < 3000; n++) {
            const uint64_t step =
                random_u64(&seed) % 64 == 0 ? stride(&seed) : random_u64(&seed) % 3;
            const uint64_t back = random_u64(&seed) % 3 == 0 ? random_u64(&seed) % (W + 5) : 0;
            uint64_t counter = m.greatest + step;

            counter = counter - m.base >= back ? counter - back : m.base;
            if (counter - m.base >= MODEL_SPAN)
                break;
            assert_int_equal(noise_replay_accept(&window, counter), model_accept(&m, counter));
        }
    }
}

/* A jump may be of any length, and everything behind the window is refused after it. */
static void
random_jumps_forget_exactly_what_fell_out(void **state)
{
    uint64_t seed = 4, top = 0;

    (void)state;
    for (unsigned n = 0; n < 20000; n++) {
        const uint64_t jump = 1 + (random_u64(&seed) >> (24 + random_u64(&seed) % 40));

        if (jump >= R - top)
            break;
        top += jump;
        expect_quick(top, true);
        expect_quick(top, false);
        if (top > W) {
            const bool fresh = jump > W;

            expect_quick(top - W - 1, false);
            if (fresh)
                expect_quick(top - W, true);
        }
    }
}

int
main(void)
{
#define T(name)                                                                                    \
    {#name, name, empty, NULL, NULL},                                                              \
    {                                                                                              \
#name "_wide", name, empty_wide, NULL, NULL                                                \
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(size_is_8192_bits_of_which_8128_are_usable),
        cmocka_unit_test(wide_size_is_65536_bits_of_which_65472_are_usable),
        cmocka_unit_test_setup(a_wide_window_begins_empty, empty_wide),
        T(kernel_sequence),
        T(ascending_then_zero_is_accepted_once),
        T(ascending_one_further_leaves_zero_too_old),
        T(descending_is_accepted_whole),
        T(descending_one_further_leaves_zero_too_old),
        T(descending_then_one_up_leaves_zero_too_old),
        T(descending_then_zero_then_one_up),
        T(jump_clears_the_ring),
        T(window_edge_after_70000),
        T(first_counter_may_be_any),
        T(greatest_counters_do_not_wrap),
        T(random_walks_agree_with_a_set),
        T(random_jumps_forget_exactly_what_fell_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
