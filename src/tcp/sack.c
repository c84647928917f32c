/* SPDX-License-Identifier: BSD-3-Clause */
/* SACK blocks that we send (RFC 2018, RFC 2883). */
#include "internal.h"

/* RFC 2883 4: bytes that arrived twice are reported once, in the next ACK. The first such range
 * since the last ACK stands. */
void
tcp_dsack_note(struct tcp_conn *c, uint32_t left, uint32_t right)
{
    if (!c->sack_ok || c->dsack_due || !seq_lt(left, right))
        return;
    c->dsack = (struct tcp_sack_block){.left = left, .right = right};
    c->dsack_due = true;
}

/* The run that changed last, among those that changed before `before` (counted back from now). */
static const struct tcp_rx_run *
next_recent(const struct tcp_conn *c, uint32_t age_above)
{
    const struct tcp_rx_run *best = NULL;

    for (const struct tcp_rx_run *run = c->run_head; run != NULL; run = run->next) {
        uint32_t age = c->run_stamp - run->touched;

        if (age_above != UINT32_MAX && age <= age_above)
            continue;
        if (best == NULL || age < c->run_stamp - best->touched)
            best = run;
    }
    return best;
}

/* RFC 2018 4: the block of the segment that caused this ACK first, then the most recent others.
 * Beside timestamps there is room for three. */
void
tcp_sack_fill(struct tcp_conn *c, struct tcp_segment *seg)
{
    uint8_t room = seg->has_ts ? TCP_SACK_MAX - 1 : TCP_SACK_MAX;
    uint32_t age = UINT32_MAX;

    seg->n_sack = 0;
    if (!c->sack_ok)
        return;
    if (c->dsack_due)
        seg->sack[seg->n_sack++] = c->dsack;
    c->dsack_due = false;
    while (seg->n_sack < room) {
        const struct tcp_rx_run *run = next_recent(c, age);

        if (run == NULL)
            break;
        age = c->run_stamp - run->touched;
        seg->sack[seg->n_sack++] = (struct tcp_sack_block){.left = run->left, .right = run->right};
    }
}
