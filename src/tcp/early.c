/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading beyond a hole. Bytes taken there leave their run's chunks, and nothing remembers them but
 * the gap: a run spans left..right whatever its chunks still hold, so what was acknowledged
 * selectively stays so (RFC 2018 8). Where bytes leave the middle of a chunk, it says so itself.
 */
#include "internal.h"

static uint32_t
chunk_end(const struct tcp_chunk *chunk)
{
    return chunk->seq + chunk->len;
}

/* Moves the place over what is taken already, into the chunk that holds its byte. */
static void
settle(struct tcp_early *e)
{
    for (; e->chunk != NULL; e->chunk = e->chunk->next) {
        const struct tcp_chunk *chunk = e->chunk;
        uint32_t offset;

        if (seq_lt(e->seq, chunk->seq)) {
            e->seq = chunk->seq;
            e->known = true;
        }
        offset = e->seq - chunk->seq;
        if (offset - chunk->rx.taken_at < chunk->rx.taken_len) {
            e->seq = chunk->seq + chunk->rx.taken_at + chunk->rx.taken_len;
            e->known = true;
        }
        if (seq_lt(e->seq, chunk_end(chunk)))
            return;
    }
    if (seq_lt(e->seq, e->run->right)) {
        e->seq = e->run->right;
        e->known = true;
    }
}

bool
tcp_early_at(const struct tcp_conn *c, struct tcp_chunk *newcomer, struct tcp_early *e)
{
    struct tcp_rx_run *run = c->run_tail;
    const struct tcp_chunk *before = newcomer->rx.prev;

    if (run == NULL || seq_lt(newcomer->seq, c->rcv_nxt))
        return false;
    if (seq_lt(newcomer->seq, run->left))
        for (run = c->run_head; seq_leq(run->right, newcomer->seq);)
            run = run->next;
    *e = (struct tcp_early){.run = run, .chunk = newcomer, .seq = newcomer->seq};
    e->known = run->left != e->seq && (before == NULL || chunk_end(before) != e->seq);
    return true;
}

bool
tcp_early_resume(struct tcp_early *e)
{
    const struct tcp_rx_run *run = e->run;

    if (!run->resumable || !seq_lt(run->resume, e->seq))
        return false;
    e->seq = run->resume;
    e->chunk = run->resume_in;
    e->known = run->resume_known;
    settle(e);
    return true;
}

void
tcp_early_give_up(const struct tcp_early *e)
{
    if (e->run->resume == e->seq)
        e->run->resumable = false;
}

void
tcp_early_mark(const struct tcp_early *e)
{
    struct tcp_rx_run *run = e->run;

    if (run->resumable && seq_lt(e->seq, run->resume))
        return;
    run->resumable = true;
    run->resume_known = e->known;
    run->resume = e->seq;
    run->resume_in = e->chunk;
}

/* Bytes of the chunk from its offset on, up to what was taken out of its middle. */
static uint32_t
piece_from(const struct tcp_chunk *chunk, uint32_t offset)
{
    if (chunk->rx.taken_len > 0 && offset < chunk->rx.taken_at)
        return chunk->rx.taken_at - offset;
    return chunk->len - offset;
}

uint32_t
tcp_early_peek(const struct tcp_early *e, uint8_t *to, uint32_t len)
{
    uint32_t done = 0;

    for (const struct tcp_chunk *chunk = e->chunk; chunk != NULL && done < len;
         chunk = chunk->next) {
        uint32_t offset = e->seq + done - chunk->seq, n;

        if (offset >= chunk->len) /* a gap before it */
            break;
        n = tcp_min(piece_from(chunk, offset), len - done);
        if (to != NULL)
            memcpy(to + done, chunk->data + offset, n);
        done += n;
        if (offset + n < chunk->len)
            break;
    }
    return done;
}

void
tcp_early_step(struct tcp_early *e, uint32_t len)
{
    e->seq += len;
    e->known = false;
    settle(e);
}

bool
tcp_early_may_take(const struct tcp_early *e, uint32_t len)
{
    const struct tcp_chunk *chunk = e->chunk;
    uint32_t offset = e->seq - chunk->seq;

    /* From its middle a chunk gives one range only. */
    return chunk->rx.taken_len == 0 || offset == 0 || offset + len >= chunk->len ||
           offset == chunk->rx.taken_at + chunk->rx.taken_len || offset + len == chunk->rx.taken_at;
}

static void
remove_chunk(struct tcp_conn *c, struct tcp_rx_run *run, struct tcp_chunk *chunk)
{
    if (chunk->rx.prev != NULL)
        chunk->rx.prev->next = chunk->next;
    else
        run->head = chunk->next;
    if (chunk->next != NULL)
        chunk->next->rx.prev = chunk->rx.prev;
    else
        run->tail = chunk->rx.prev;
    if (run->resume_in == chunk)
        run->resume_in = chunk->next;
    tcp_rx_count_chunks(c, 0, 1);
    tcp_give_back(c, chunk, chunk);
}

static void
cut_front(struct tcp_chunk *chunk, uint32_t n)
{
    struct tcp_chunk_rx *rx = &chunk->rx;

    if (rx->taken_len > 0) {
        rx->taken_at -= n;
        if (rx->taken_at == 0) {
            n += rx->taken_len;
            rx->taken_len = 0;
        }
    }
    chunk->data += n;
    chunk->seq += n;
    chunk->len -= n;
}

static void
cut_back(struct tcp_chunk *chunk, uint32_t n)
{
    struct tcp_chunk_rx *rx = &chunk->rx;

    chunk->len -= n;
    if (rx->taken_len > 0 && rx->taken_at + rx->taken_len == chunk->len) {
        chunk->len = rx->taken_at;
        rx->taken_at = rx->taken_len = 0;
    }
}

/* n bytes at offset leave the chunk; one that is empty then leaves the run. */
static void
take_from_chunk(struct tcp_conn *c, struct tcp_rx_run *run, struct tcp_chunk *chunk,
                uint32_t offset, uint32_t n)
{
    struct tcp_chunk_rx *rx = &chunk->rx;

    if (offset == 0)
        cut_front(chunk, n);
    else if (offset + n == chunk->len)
        cut_back(chunk, n);
    else if (rx->taken_len > 0 && offset + n == rx->taken_at)
        *rx = (struct tcp_chunk_rx){rx->prev, offset, rx->taken_len + n};
    else if (rx->taken_len > 0)
        rx->taken_len += n;
    else
        *rx = (struct tcp_chunk_rx){rx->prev, offset, n};
    if (chunk->len == 0)
        remove_chunk(c, run, chunk);
}

void
tcp_early_take(struct tcp_conn *c, struct tcp_early *e, uint32_t len)
{
    struct tcp_rx_run *run = e->run;

    while (len > 0) {
        struct tcp_chunk *chunk = e->chunk, *next = chunk->next;
        uint32_t offset = e->seq - chunk->seq;
        uint32_t n = tcp_min(chunk->len - offset, len);
        bool to_its_end = offset + n == chunk->len;

        take_from_chunk(c, run, chunk, offset, n);
        e->seq += n;
        len -= n;
        if (to_its_end)
            e->chunk = next;
    }
    run->taken = true;
    e->known = true;
    settle(e);
    tcp_early_mark(e);
}
