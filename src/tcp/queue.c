/* SPDX-License-Identifier: BSD-3-Clause */
#include "internal.h"

void
tcp_queue_push(struct tcp_chunk_queue *q, struct tcp_chunk *chunk)
{
    chunk->next = NULL;
    tcp_queue_splice(q, chunk, chunk);
}

void
tcp_give_back(struct tcp_conn *c, struct tcp_chunk *head, struct tcp_chunk *tail)
{
    if (head == NULL)
        return;
    tail->next = c->done;
    c->done = head;
}

struct tcp_chunk *
tcp_queue_pop(struct tcp_chunk_queue *q)
{
    struct tcp_chunk *chunk = q->head;

    if (chunk == NULL)
        return NULL;
    q->head = chunk->next;
    if (q->head == NULL)
        q->tail = NULL;
    chunk->next = NULL;
    return chunk;
}

void
tcp_queue_splice(struct tcp_chunk_queue *q, struct tcp_chunk *head, struct tcp_chunk *tail)
{
    if (head == NULL)
        return;
    if (q->tail != NULL)
        q->tail->next = head;
    else
        q->head = head;
    q->tail = tail;
}
