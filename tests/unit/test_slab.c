/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <wgtcpd/base/pages.h>
#include <wgtcpd/base/sanitizer.h>
#include <wgtcpd/base/slab.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

enum { PIECES = 100000 };

static unsigned char *pieces[PIECES];
static struct slab slab;

static void
expect_byte(const unsigned char *p, size_t size, unsigned char byte)
{
    for (size_t i = 0; i < size; i++)
        assert_int_equal(p[i], byte);
}

static void
pieces_are_zero_and_do_not_overlap(void **state)
{
    static const size_t sizes[] = {8, 24, 64, 80, 640};

    (void)state;
    for (size_t k = 0; k < COUNT_OF(sizes); k++) {
        slab_init(&slab, sizes[k]);
        for (size_t i = 0; i < 1000; i++) {
            pieces[i] = slab_alloc(&slab);
            assert_non_null(pieces[i]);
            expect_byte(pieces[i], sizes[k], 0);
            memset(pieces[i], (int)(i & 0xff), sizes[k]);
        }
        for (size_t i = 0; i < 1000; i++) {
            expect_byte(pieces[i], sizes[k], i & 0xff);
            slab_free(&slab, pieces[i]);
        }
    }
}

static void
pieces_are_aligned_as_their_size_is(void **state)
{
    (void)state;
    for (size_t size = 8; size <= 640; size += 8) {
        size_t alignment = size & -size;

        slab_init(&slab, size);
        for (size_t i = 0; i < 100; i++) {
            pieces[i] = slab_alloc(&slab);
            assert_int_equal((uintptr_t)pieces[i] % (alignment < 64 ? alignment : 64), 0);
        }
        for (size_t i = 0; i < 100; i++)
            slab_free(&slab, pieces[i]);
    }
}

static void
what_comes_back_is_given_out_again_and_zero(void **state)
{
    (void)state;
    slab_init(&slab, 64);
    for (size_t i = 0; i < 3; i++)
        pieces[i] = slab_alloc(&slab);
    memset(pieces[1], 0xee, 64);
    slab_free(&slab, pieces[1]);
    pieces[3] = slab_alloc(&slab);
    if (!SANITIZED)
        assert_ptr_equal(pieces[3], pieces[1]);
    expect_byte(pieces[3], 64, 0);
    slab_free(&slab, pieces[0]);
    slab_free(&slab, pieces[2]);
    slab_free(&slab, pieces[3]);
    slab_free(&slab, NULL);
}

/* Which is what it is for. */
static void
many_pieces_take_their_size_and_little_more(void **state)
{
    uintptr_t least = UINTPTR_MAX, greatest = 0;
    size_t jumps = 0;

    (void)state;
    if (SANITIZED)
        skip();
    slab_init(&slab, 64);
    for (size_t i = 0; i < PIECES; i++) {
        pieces[i] = slab_alloc(&slab);
        least = (uintptr_t)pieces[i] < least ? (uintptr_t)pieces[i] : least;
        greatest = (uintptr_t)pieces[i] > greatest ? (uintptr_t)pieces[i] : greatest;
        jumps += i > 0 && pieces[i] != pieces[i - 1] + 64;
    }
    assert_in_range(jumps, 1, 16);
    assert_int_equal(slab.live, PIECES);
    assert_int_equal(slab.next_region, PAGES_HUGE);
    for (size_t i = 0; i < PIECES; i++)
        slab_free(&slab, pieces[i]);
}

static void
the_last_piece_takes_the_memory_with_it(void **state)
{
    (void)state;
    slab_init(&slab, 48);
    for (size_t i = 0; i < 1000; i++)
        pieces[i] = slab_alloc(&slab);
    for (size_t i = 0; i < 1000; i++) {
        if (!SANITIZED)
            assert_non_null(slab.regions);
        slab_free(&slab, pieces[i]);
    }
    assert_null(slab.regions);
    assert_null(slab.free);
    assert_int_equal(slab.live, 0);
    pieces[0] = slab_alloc(&slab); /* and it can be used on */
    assert_non_null(pieces[0]);
    slab_free(&slab, pieces[0]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_zero_and_do_not_overlap),
        cmocka_unit_test(pieces_are_aligned_as_their_size_is),
        cmocka_unit_test(what_comes_back_is_given_out_again_and_zero),
        cmocka_unit_test(many_pieces_take_their_size_and_little_more),
        cmocka_unit_test(the_last_piece_takes_the_memory_with_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
