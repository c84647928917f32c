/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Received bytes: `ready` in order, and beyond holes a sorted list of contiguous runs, each in a
 * record from tcp_memory. A run is also what a SACK block reports: what it spans is never given up,
 * though the reader may have taken bytes out of it (early.c). A newcomer is trimmed at both ends to
 * what is new, or replaces runs that it covers whole and of which nothing was taken.
 */
#include <wgtcpd/base/share.h>

#include "internal.h"

/* Chunks (not bytes) that may wait: a peer that sends tiny segments must not pin every buffer. */
static uint32_t
chunk_limit(const struct tcp_conn *c)
{
    return tcp_min(4 + c->options.receive_buffer / 256, 4096);
}

/* Of what all connections may let wait beyond holes. Who is not trusted with its whole window yet
 * finds half of it only: strangers may be many. */
static bool
share_spent(const struct tcp_conn *c)
{
    const struct tcp_memory *m = c->memory;
    bool stranger = c->options.receive_buffer < c->options.receive_buffer_max;
    uint32_t max;

    if (m == NULL || c->run_chunks >= chunk_limit(c))
        return true;
    max = stranger ? m->chunks_max / 2 : m->chunks_max;
    return !share_left(c->run_chunks, m->chunks, max);
}

void
tcp_rx_count_chunks(struct tcp_conn *c, uint32_t more, uint32_t fewer)
{
    c->run_chunks = (uint16_t)(c->run_chunks + more - fewer);
    c->memory->chunks += more - fewer;
}

static uint32_t
chunks_of(const struct tcp_rx_run *run)
{
    uint32_t n = 0;

    for (const struct tcp_chunk *chunk = run->head; chunk != NULL; chunk = chunk->next)
        n++;
    return n;
}

/* The list holds a run behind prev (NULL: its first). */
static void
unlink_run(struct tcp_conn *c, struct tcp_rx_run *prev, struct tcp_rx_run *run)
{
    if (prev != NULL)
        prev->next = run->next;
    else
        c->run_head = run->next;
    if (c->run_tail == run)
        c->run_tail = prev;
    c->n_runs--;
    tcp_record_put(c, WGT_CONTAINER_OF(run, union tcp_record, run));
}

static void
discard_run(struct tcp_conn *c, struct tcp_rx_run *prev, struct tcp_rx_run *run)
{
    tcp_rx_count_chunks(c, 0, chunks_of(run));
    tcp_give_back(c, run->head, run->tail);
    unlink_run(c, prev, run);
}

void
tcp_rx_discard_runs(struct tcp_conn *c)
{
    while (c->run_head != NULL)
        discard_run(c, NULL, c->run_head);
}

/* A place in the list: `run` is the first that ends at or behind a sequence number (NULL: none),
 * `prev` the one before it. */
struct place {
    struct tcp_rx_run *prev, *run;
};

/* Newcomers come mostly behind all others, or continue the last run: then prev is of no interest
 * and left NULL. */
static struct place
find_run(const struct tcp_conn *c, uint32_t seq)
{
    struct place at = {.run = c->run_tail};

    if (at.run == NULL)
        return at;
    if (seq_lt(at.run->right, seq))
        return (struct place){.prev = c->run_tail};
    if (seq_leq(at.run->left, seq))
        return at;
    for (at.run = c->run_head; seq_lt(at.run->right, seq); at.run = at.run->next)
        at.prev = at.run;
    return at;
}

/* Runs behind prev (NULL: all) that the chunk covers whole go; one that it reaches into cuts its
 * end, and so does one that bytes were taken from: they must not come back. What the chunk has
 * behind such a run is sent again. */
static void
clear_right(struct tcp_conn *c, struct tcp_rx_run *prev, struct tcp_chunk *chunk)
{
    for (;;) {
        struct tcp_rx_run *run = prev != NULL ? prev->next : c->run_head;
        uint32_t end = chunk->seq + chunk->len;

        if (run == NULL || !seq_lt(run->left, end))
            return;
        tcp_dsack_note(c, run->left, tcp_seq_min(run->right, end));
        if (seq_lt(end, run->right) || run->taken) {
            run->touched = ++c->run_stamp;
            chunk->len = run->left - chunk->seq;
            return;
        }
        discard_run(c, prev, run);
    }
}

/* The hole before the first run is filled: its bytes are in order now. */
static void
absorb_run(struct tcp_conn *c)
{
    struct tcp_rx_run *run = c->run_head;
    uint32_t n;

    if (run == NULL || run->left != c->rcv_nxt)
        return;
    n = chunks_of(run);
    tcp_rx_count_chunks(c, 0, n);
    c->ready_chunks = (uint16_t)(c->ready_chunks + n);
    c->ready_bytes += run->right - run->left;
    c->rcv_nxt = run->right;
    tcp_queue_splice(&c->ready, run->head, run->tail);
    unlink_run(c, NULL, run);
}

void
tcp_rx_take_next(struct tcp_conn *c, struct tcp_chunk *chunk)
{
    tcp_queue_push(&c->ready, chunk);
    c->ready_chunks++;
    c->ready_bytes += chunk->len;
    c->rcv_nxt += chunk->len;
}

static enum wgt_drop
take_in_order(struct tcp_conn *c, struct tcp_chunk *chunk, bool *kept)
{
    if (c->ready_chunks >= chunk_limit(c))
        return WGT_DROP_TCP_REASSEMBLY_FULL;
    clear_right(c, NULL, chunk);
    tcp_rx_take_next(c, chunk);
    *kept = true;
    absorb_run(c);
    return WGT_OK;
}

static void
prepend(struct tcp_rx_run *run, struct tcp_chunk *chunk)
{
    chunk->next = run->head;
    chunk->rx.prev = NULL;
    if (run->head != NULL)
        run->head->rx.prev = chunk;
    else
        run->tail = chunk;
    run->head = chunk;
    run->left = chunk->seq;
}

static void
append(struct tcp_rx_run *run, struct tcp_chunk *chunk)
{
    chunk->next = NULL;
    chunk->rx.prev = run->tail;
    if (run->tail != NULL)
        run->tail->next = chunk;
    else
        run->head = chunk;
    run->tail = chunk;
    run->right += chunk->len;
    if (run->resumable && run->resume_in == NULL)
        run->resume_in = chunk;
}

/* A run of its own behind at.prev. There is a record: runs_full said so, or clear_right has put one
 * back. */
static struct tcp_rx_run *
new_run(struct tcp_conn *c, struct place at, uint32_t seq)
{
    struct tcp_rx_run *run = &tcp_record_replace(c)->run;

    *run = (struct tcp_rx_run){.left = seq, .right = seq};
    if (at.prev != NULL) {
        run->next = at.prev->next;
        at.prev->next = run;
    } else {
        run->next = c->run_head;
        c->run_head = run;
    }
    if (run->next == NULL)
        c->run_tail = run;
    c->n_runs++;
    return run;
}

/* Makes a run of the chunk, or joins it to the run behind it when they touch. */
static void
insert_run(struct tcp_conn *c, struct place at, struct tcp_chunk *chunk)
{
    struct tcp_rx_run *run = at.prev != NULL ? at.prev->next : c->run_head;

    if (run != NULL && run->left == chunk->seq + chunk->len) {
        prepend(run, chunk);
    } else {
        run = new_run(c, at, chunk->seq);
        append(run, chunk);
    }
    run->touched = ++c->run_stamp;
}

/* The hole between a run and the next is gone: one run is left. */
static void
join_next(struct tcp_conn *c, struct tcp_rx_run *run)
{
    struct tcp_rx_run *next = run->next;

    if (next->head != NULL) {
        next->head->rx.prev = run->tail;
        if (run->tail != NULL)
            run->tail->next = next->head;
        else
            run->head = next->head;
        run->tail = next->tail;
    }
    run->right = next->right;
    run->taken |= next->taken;
    if (!run->resumable) {
        run->resumable = next->resumable;
        run->resume_known = next->resume_known;
        run->resume = next->resume;
        run->resume_in = next->resume_in;
    } else if (run->resume_in == NULL) {
        run->resume_in = next->head;
    }
    unlink_run(c, run, next);
}

static void
extend_run(struct tcp_conn *c, struct tcp_rx_run *run, struct tcp_chunk *chunk)
{
    append(run, chunk);
    run->touched = ++c->run_stamp;
    if (run->next != NULL && run->next->left == run->right)
        join_next(c, run);
}

/* No record left for one more run, and none would be freed or joined by the chunk. */
static bool
runs_full(const struct tcp_conn *c, const struct tcp_rx_run *run, const struct tcp_chunk *chunk)
{
    if (c->n_runs < TCP_RX_RUNS && tcp_record_available(c))
        return false;
    return run == NULL || seq_lt(chunk->seq + chunk->len, run->left);
}

static void
trim_front(struct tcp_chunk *chunk, uint32_t n)
{
    chunk->data += n;
    chunk->seq += n;
    chunk->len -= n;
}

static enum wgt_drop
take_out_of_order(struct tcp_conn *c, struct tcp_chunk *chunk, bool *kept)
{
    struct place at = find_run(c, chunk->seq);
    struct tcp_rx_run *run = at.run;
    bool behind = run != NULL && seq_leq(run->left, chunk->seq);

    if (behind && seq_leq(chunk->seq + chunk->len, run->right)) {
        run->touched = ++c->run_stamp;
        tcp_dsack_note(c, chunk->seq, chunk->seq + chunk->len);
        return WGT_DROP_TCP_DUPLICATE;
    }
    if (share_spent(c) || (!behind && runs_full(c, run, chunk)))
        return WGT_DROP_TCP_REASSEMBLY_FULL;

    if (behind && seq_lt(chunk->seq, run->right)) {
        tcp_dsack_note(c, chunk->seq, run->right);
        trim_front(chunk, run->right - chunk->seq);
    }
    clear_right(c, behind ? run : at.prev, chunk);
    if (behind)
        extend_run(c, run, chunk);
    else
        insert_run(c, at, chunk);
    tcp_rx_count_chunks(c, 1, 0);
    *kept = true;
    return WGT_OK;
}

enum wgt_drop
tcp_rx_take(struct tcp_conn *c, struct tcp_chunk *chunk, bool *kept)
{
    if (chunk->seq == c->rcv_nxt)
        return take_in_order(c, chunk, kept);
    return take_out_of_order(c, chunk, kept);
}

/* Sequence number of the next byte that nobody has read. */
static uint32_t
read_next(const struct tcp_conn *c)
{
    return c->rcv_nxt - c->fin_received - c->ready_bytes;
}

uint32_t
tcp_recv_taken(struct tcp_conn *c, uint32_t *end)
{
    uint32_t from, n;

    if (c->ready_bytes == 0)
        return 0;
    from = read_next(c);
    n = c->ready.head != NULL ? c->ready.head->seq - from : c->ready_bytes;
    c->ready_bytes -= n;
    *end = from + n;
    if (n > 0)
        c->window_opened = true;
    return n;
}

struct tcp_chunk *
tcp_recv(struct tcp_conn *c)
{
    struct tcp_chunk *chunk = tcp_queue_pop(&c->ready);
    uint32_t end;

    if (chunk == NULL) {
        (void)tcp_recv_taken(c, &end);
        return NULL;
    }
    c->ready_chunks--;
    /* With what was taken before it. */
    c->ready_bytes = c->rcv_nxt - c->fin_received - chunk->seq - chunk->len;
    c->window_opened = true;
    return chunk;
}
