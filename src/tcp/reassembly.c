/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Received bytes: `ready` in order, and beyond holes a sorted array of contiguous runs. A run is
 * also what a SACK block reports. Its chunks are never touched again once queued; a newcomer is
 * trimmed at both ends to what is new, or replaces runs that it covers whole.
 */
#include "internal.h"

/* Chunks (not bytes) that may wait: a peer that sends tiny segments must not pin every buffer. */
static uint32_t
chunk_limit(const struct tcp_conn *c)
{
    return tcp_min(4 + c->options.receive_buffer / 256, 4096);
}

static void
remove_run(struct tcp_conn *c, uint32_t i)
{
    c->n_runs--;
    memmove(&c->runs[i], &c->runs[i + 1], (c->n_runs - i) * sizeof(c->runs[0]));
}

static void
discard_run(struct tcp_conn *c, uint32_t i)
{
    for (struct tcp_chunk *chunk = c->runs[i].head; chunk != NULL; chunk = chunk->next)
        c->run_chunks--;
    tcp_queue_splice(&c->done, c->runs[i].head, c->runs[i].tail);
    remove_run(c, i);
}

void
tcp_rx_discard_runs(struct tcp_conn *c)
{
    while (c->n_runs > 0)
        discard_run(c, c->n_runs - 1);
}

/* Index of the first run that ends at or behind seq. */
static uint32_t
find_run(const struct tcp_conn *c, uint32_t seq)
{
    uint32_t low = 0, high = c->n_runs;

    while (low < high) {
        uint32_t mid = (low + high) / 2;

        if (seq_lt(c->runs[mid].right, seq))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Runs from i on that the chunk covers whole go; one that it reaches into cuts its end. */
static void
clear_right(struct tcp_conn *c, uint32_t i, struct tcp_chunk *chunk)
{
    while (i < c->n_runs && seq_lt(c->runs[i].left, chunk->seq + chunk->len)) {
        struct tcp_rx_run *run = &c->runs[i];
        uint32_t end = chunk->seq + chunk->len;

        tcp_dsack_note(c, run->left, tcp_seq_min(run->right, end));
        if (seq_lt(end, run->right)) {
            run->touched = ++c->run_stamp;
            chunk->len = run->left - chunk->seq;
            return;
        }
        discard_run(c, i);
    }
}

/* The hole before the first run is filled: its bytes are in order now. */
static void
absorb_run(struct tcp_conn *c)
{
    struct tcp_rx_run *run = &c->runs[0];

    if (c->n_runs == 0 || run->left != c->rcv_nxt)
        return;
    for (struct tcp_chunk *chunk = run->head; chunk != NULL; chunk = chunk->next) {
        c->run_chunks--;
        c->ready_chunks++;
    }
    c->ready_bytes += run->right - run->left;
    c->rcv_nxt = run->right;
    tcp_queue_splice(&c->ready, run->head, run->tail);
    remove_run(c, 0);
}

static enum wgt_drop
take_in_order(struct tcp_conn *c, struct tcp_chunk *chunk, bool *kept)
{
    if (c->ready_chunks >= chunk_limit(c))
        return WGT_DROP_TCP_REASSEMBLY_FULL;
    clear_right(c, 0, chunk);
    tcp_queue_push(&c->ready, chunk);
    c->ready_chunks++;
    c->ready_bytes += chunk->len;
    c->rcv_nxt += chunk->len;
    *kept = true;
    absorb_run(c);
    return WGT_OK;
}

/* Makes a run of the chunk at index i, or joins it to the run there when they touch. */
static void
insert_run(struct tcp_conn *c, uint32_t i, struct tcp_chunk *chunk)
{
    struct tcp_rx_run *run = &c->runs[i];

    if (i < c->n_runs && run->left == chunk->seq + chunk->len) {
        chunk->next = run->head;
        run->head = chunk;
        run->left = chunk->seq;
    } else {
        memmove(run + 1, run, (c->n_runs - i) * sizeof(*run));
        c->n_runs++;
        chunk->next = NULL;
        *run = (struct tcp_rx_run){
            .head = chunk, .tail = chunk, .left = chunk->seq, .right = chunk->seq + chunk->len};
    }
    run->touched = ++c->run_stamp;
}

/* Puts the chunk behind run i; joins the next run when the hole between them is gone. */
static void
extend_run(struct tcp_conn *c, uint32_t i, struct tcp_chunk *chunk)
{
    struct tcp_rx_run *run = &c->runs[i], *next = run + 1;

    chunk->next = NULL;
    run->tail->next = chunk;
    run->tail = chunk;
    run->right += chunk->len;
    run->touched = ++c->run_stamp;
    if (i + 1 < c->n_runs && next->left == run->right) {
        run->tail->next = next->head;
        run->tail = next->tail;
        run->right = next->right;
        remove_run(c, i + 1);
    }
}

/* No record left for one more run, and none would be freed or joined by the chunk. */
static bool
runs_full(const struct tcp_conn *c, uint32_t i, const struct tcp_chunk *chunk)
{
    uint32_t end = chunk->seq + chunk->len;

    if (c->n_runs < TCP_RX_RUNS)
        return false;
    return i == c->n_runs || seq_lt(end, c->runs[i].left);
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
    uint32_t i = find_run(c, chunk->seq);
    struct tcp_rx_run *run = &c->runs[i];
    bool behind = i < c->n_runs && seq_leq(run->left, chunk->seq);

    if (behind && seq_leq(chunk->seq + chunk->len, run->right)) {
        run->touched = ++c->run_stamp;
        tcp_dsack_note(c, chunk->seq, chunk->seq + chunk->len);
        return WGT_DROP_TCP_DUPLICATE;
    }
    if (c->run_chunks >= chunk_limit(c) || (!behind && runs_full(c, i, chunk)))
        return WGT_DROP_TCP_REASSEMBLY_FULL;

    if (behind && seq_lt(chunk->seq, run->right)) {
        tcp_dsack_note(c, chunk->seq, run->right);
        trim_front(chunk, run->right - chunk->seq);
    }
    clear_right(c, behind ? i + 1 : i, chunk);
    if (behind)
        extend_run(c, i, chunk);
    else
        insert_run(c, i, chunk);
    c->run_chunks++;
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

struct tcp_chunk *
tcp_recv(struct tcp_conn *c)
{
    struct tcp_chunk *chunk = tcp_queue_pop(&c->ready);

    if (chunk != NULL) {
        c->ready_chunks--;
        c->ready_bytes -= chunk->len;
        c->window_opened = true;
    }
    return chunk;
}
