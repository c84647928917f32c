/* SPDX-License-Identifier: BSD-3-Clause */
#include "samples.h"

#include <stdlib.h>

void
samples_add(struct samples *s, wgt_time t)
{
    if (s->n == s->room) {
        s->room = s->room > 0 ? 2 * s->room : 256;
        s->v = realloc(s->v, s->room * sizeof(*s->v));
        if (s->v == NULL)
            abort();
    }
    s->v[s->n++] = t;
    s->sorted = false;
}

static int
by_time(const void *a, const void *b)
{
    wgt_time x = *(const wgt_time *)a, y = *(const wgt_time *)b;

    return (x > y) - (x < y);
}

wgt_time
samples_percentile(struct samples *s, unsigned per_mille)
{
    if (s->n == 0)
        return 0;
    if (!s->sorted)
        qsort(s->v, s->n, sizeof(*s->v), by_time);
    s->sorted = true;
    return s->v[(s->n - 1) * per_mille / 1000];
}

void
samples_free(struct samples *s)
{
    free(s->v);
    *s = (struct samples){.v = NULL};
}
