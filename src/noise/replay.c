/* SPDX-License-Identifier: BSD-3-Clause */
/* The replay window, in the ring shape of RFC 6479: moving it clears whole words and shifts
 * nothing. A counter c is kept as c + 1, so that 0 can mean "none yet". */
#include <wgtcpd/noise/noise.h>

enum { WORD_BITS = 64, WORDS = NOISE_REPLAY_BITS / WORD_BITS };

_Static_assert((WORDS & (WORDS - 1)) == 0, "the ring's index is masked");
/* c + 1 + NOISE_REPLAY_WINDOW cannot wrap for any c below the limit. */
_Static_assert(NOISE_REJECT_AFTER_MESSAGES <= UINT64_MAX - NOISE_REPLAY_WINDOW, "no wrap");

static uint64_t *
word_of(struct noise_replay *r, uint64_t position)
{
    return &r->ring[(position / WORD_BITS) & (WORDS - 1)];
}

static uint64_t
bit_of(uint64_t position)
{
    return UINT64_C(1) << (position % WORD_BITS);
}

static bool
too_old(const struct noise_replay *r, uint64_t position)
{
    return position + NOISE_REPLAY_WINDOW < r->top;
}

static void
advance(struct noise_replay *r, uint64_t position)
{
    const uint64_t from = r->top / WORD_BITS, to = position / WORD_BITS;
    const uint64_t n = to - from < WORDS ? to - from : WORDS;

    for (uint64_t i = 1; i <= n; i++)
        r->ring[(from + i) & (WORDS - 1)] = 0;
    r->top = position;
}

bool
noise_replay_would_accept(const struct noise_replay *r, uint64_t counter)
{
    const uint64_t position = counter + 1;

    if (counter >= NOISE_REJECT_AFTER_MESSAGES || too_old(r, position))
        return false;
    if (position > r->top)
        return true;
    return (r->ring[(position / WORD_BITS) & (WORDS - 1)] & bit_of(position)) == 0;
}

bool
noise_replay_accept(struct noise_replay *r, uint64_t counter)
{
    const uint64_t position = counter + 1;

    if (!noise_replay_would_accept(r, counter))
        return false;
    if (position > r->top)
        advance(r, position);
    *word_of(r, position) |= bit_of(position);
    return true;
}
