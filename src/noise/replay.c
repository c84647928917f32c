/* SPDX-License-Identifier: BSD-3-Clause */
/* The replay window, in the ring shape of RFC 6479: moving it clears whole words and shifts
 * nothing. A counter c is kept as c + 1, so that 0 can mean "none yet". */
#include <wgtcpd/noise/noise.h>

enum {
    WORD_BITS = 64,
    WORDS = NOISE_REPLAY_BITS / WORD_BITS,
    WIDE_WORDS = NOISE_REPLAY_WIDE_BITS / WORD_BITS,
};

_Static_assert((WORDS & (WORDS - 1)) == 0 && (WIDE_WORDS & (WIDE_WORDS - 1)) == 0,
               "a ring's index is masked");
/* c + 1 + the window cannot wrap for any c below the limit. */
_Static_assert(NOISE_REJECT_AFTER_MESSAGES <= UINT64_MAX - NOISE_REPLAY_WIDE_WINDOW, "no wrap");

void
noise_replay_init(struct noise_replay *r, uint64_t *ring)
{
    *r = (struct noise_replay){.wide = ring};
    if (ring != NULL)
        memset(ring, 0, NOISE_REPLAY_WIDE_BITS / 8);
}

/* The ring in use. */
struct ring {
    uint64_t *words;
    uint64_t mask; /* of a word's place */
};

static struct ring
ring_of(struct noise_replay *r)
{
    return r->wide != NULL ? (struct ring){r->wide, WIDE_WORDS - 1}
                           : (struct ring){r->ring, WORDS - 1};
}

static uint64_t
word_of(struct ring ring, uint64_t position)
{
    return (position / WORD_BITS) & ring.mask;
}

static uint64_t
bit_of(uint64_t position)
{
    return UINT64_C(1) << (position % WORD_BITS);
}

/* One word is always being filled: the window is all but that. */
static bool
is_new(const struct noise_replay *r, struct ring ring, uint64_t counter)
{
    const uint64_t position = counter + 1;

    if (counter >= NOISE_REJECT_AFTER_MESSAGES || position + ring.mask * WORD_BITS < r->top)
        return false;
    return position > r->top || (ring.words[word_of(ring, position)] & bit_of(position)) == 0;
}

static void
advance(struct noise_replay *r, struct ring ring, uint64_t position)
{
    const uint64_t from = r->top / WORD_BITS, to = position / WORD_BITS;
    const uint64_t n = to - from < ring.mask + 1 ? to - from : ring.mask + 1;

    for (uint64_t i = 1; i <= n; i++)
        ring.words[(from + i) & ring.mask] = 0;
    r->top = position;
}

bool
noise_replay_would_accept(const struct noise_replay *r, uint64_t counter)
{
    return is_new(r, ring_of((struct noise_replay *)(uintptr_t)r), counter); /* only reads */
}

bool
noise_replay_accept(struct noise_replay *r, uint64_t counter)
{
    const struct ring ring = ring_of(r);
    const uint64_t position = counter + 1;

    if (!is_new(r, ring, counter))
        return false;
    if (position > r->top)
        advance(r, ring, position);
    ring.words[word_of(ring, position)] |= bit_of(position);
    return true;
}
