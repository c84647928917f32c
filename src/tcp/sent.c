/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sent segments. Each has one record, which lies in the chunk the segment starts in, or, for
 * further pieces of a cut chunk, in a tcp_record. The record is a member of
 *   - the list by sequence number (sent_head),
 *   - and either `flight` (in the network, by order of last transmission), or `lost` (to be sent
 *     again, by sequence number), or neither (SACKed).
 */
#include "internal.h"

static void
list_remove(struct tcp_sent *s)
{
    struct tcp_sent_list *l = s->list;

    if (l == NULL)
        return;
    if (s->prev != NULL)
        s->prev->after = s->after;
    else
        l->head = s->after;
    if (s->after != NULL)
        s->after->prev = s->prev;
    else
        l->tail = s->prev;
    l->bytes -= tcp_sent_seq_len(s);
    s->list = NULL;
    s->prev = s->after = NULL;
}

/* Inserts behind `at`; NULL: at the head. */
static void
list_insert(struct tcp_sent_list *l, struct tcp_sent *at, struct tcp_sent *s)
{
    s->list = l;
    s->prev = at;
    s->after = at != NULL ? at->after : l->head;
    if (s->prev != NULL)
        s->prev->after = s;
    else
        l->head = s;
    if (s->after != NULL)
        s->after->prev = s;
    else
        l->tail = s;
    l->bytes += tcp_sent_seq_len(s);
}

static struct tcp_sent *
find_record(struct tcp_conn *c, struct tcp_chunk *chunk)
{
    struct tcp_sent *s = chunk != NULL ? &chunk->sent : NULL;
    union tcp_record *record;

    if (s != NULL && !(s->flags & TCP_SENT_USED)) {
        s->flags = TCP_SENT_USED;
        return s;
    }
    record = tcp_record_get(c);
    if (record == NULL)
        return NULL;
    s = &record->sent;
    s->flags = TCP_SENT_USED | TCP_SENT_IS_RECORD;
    return s;
}

struct tcp_sent *
tcp_sent_new(struct tcp_conn *c, struct tcp_chunk *chunk)
{
    struct tcp_sent *s = tcp_tx_begin(c) ? find_record(c, chunk) : NULL;

    if (s == NULL)
        return NULL;
    /* The rest follows when it is transmitted. */
    s->next = NULL;
    s->list = NULL;
    s->chunk = chunk;
    s->offset = s->len = 0;
    s->seq = c->snd_nxt;
    if (c->tx->sent_tail != NULL)
        c->tx->sent_tail->next = s;
    else
        c->tx->sent_head = s;
    c->tx->sent_tail = s;
    return s;
}

static void
release_record(struct tcp_conn *c, struct tcp_sent *s)
{
    bool is_record = s->flags & TCP_SENT_IS_RECORD;

    s->flags = 0;
    if (is_record)
        tcp_record_put(c, (union tcp_record *)s);
}

void
tcp_sent_transmit(struct tcp_conn *c, wgt_time now, struct tcp_sent *s)
{
    list_remove(s);
    s->order = ++c->tx->order;
    s->time = now;
    tcp_rate_sent(c, now, s, tcp_pipe(c));
    list_insert(&c->tx->flight, c->tx->flight.tail, s);
}

/* Each goes behind the one before, for they mostly left in this order, and before most of what is
 * in flight. */
void
tcp_sent_find_all(struct tcp_conn *c)
{
    struct tcp_sent *at = NULL, *s, *next;

    while ((s = c->tx->lost.head) != NULL) {
        list_remove(s);
        if (at != NULL && at->order > s->order)
            at = NULL;
        while ((next = at != NULL ? at->after : c->tx->flight.head) != NULL &&
               next->order < s->order)
            at = next;
        list_insert(&c->tx->flight, at, s);
        at = s;
    }
}

/* Mostly in order of sequence numbers, or (a lost retransmission) before all others. */
void
tcp_sent_lose(struct tcp_conn *c, struct tcp_sent *s)
{
    struct tcp_sent *at = c->tx->lost.tail;

    list_remove(s);
    if (c->tx->lost.head != NULL && seq_lt(s->seq, c->tx->lost.head->seq))
        at = NULL;
    while (at != NULL && seq_lt(s->seq, at->seq))
        at = at->prev;
    list_insert(&c->tx->lost, at, s);
}

/* Whether an acknowledgment of s can be due to its last transmission. Of a segment sent more than
 * once an earlier copy may have arrived: the echoed timestamp tells, or else the time that passed
 * (RFC 8985 6.2 step 2). */
static bool
answers_last_transmission(const struct tcp_conn *c, const struct tcp_delivery *d,
                          const struct tcp_sent *s)
{
    if (!(s->flags & TCP_SENT_RETRANSMITTED))
        return true;
    if (c->ts_ok && d->seg->has_ts && seq_lt(d->seg->ts_ecr, tcp_ts_at(c, s->time)))
        return false;
    return d->now - s->time >= tcp_rtt_min(&c->rtt);
}

/* s has arrived whole; its last bytes of it for the first time. */
static void
note_delivered(struct tcp_conn *c, struct tcp_delivery *d, const struct tcp_sent *s, uint32_t bytes)
{
    bool last = answers_last_transmission(c, d, s);

    d->delivered += bytes;
    tcp_mtu_delivered(c, d->now, s);
    tcp_rate_delivered(c, d, bytes, last ? s : NULL);
    tcp_rack_delivered(c, d, s, last);
    if (!(s->flags & TCP_SENT_RETRANSMITTED) && s->order <= c->tx->undo.order)
        d->original = true;
}

/* Karn (RFC 6298 3): time is taken only from segments sent once. A SACKed one arrived earlier; one
 * given up for lost may have, with its ACK lost. */
static void
note_time(const struct tcp_conn *c, struct tcp_delivery *d, const struct tcp_sent *s)
{
    if ((s->flags & TCP_SENT_RETRANSMITTED) || s->list == &c->tx->lost) {
        d->ambiguous = true;
        d->last_sent = d->last_sent > s->time ? d->last_sent : s->time;
    } else if (!(s->flags & TCP_SENT_SACKED) && !d->timed) {
        d->first_sent = s->time;
        d->timed = true;
    }
}

static void
pop_head(struct tcp_conn *c)
{
    struct tcp_sent *s = c->tx->sent_head;

    if (s->flags & TCP_SENT_SACKED)
        c->tx->n_sacked--;
    list_remove(s);
    if (c->tx->sack_high == s)
        c->tx->sack_high = NULL;
    c->tx->sent_head = s->next;
    if (c->tx->sent_head == NULL)
        c->tx->sent_tail = NULL;
    release_record(c, s);
}

/* The head's record lies in a chunk that is acknowledged whole: it moves on to `to`. */
static void
move_head(struct tcp_conn *c, struct tcp_sent *to)
{
    struct tcp_sent *s = c->tx->sent_head;
    struct tcp_sent_list *l = s->list;

    *to = *s;
    s->flags = 0;
    c->tx->sent_head = to;
    if (c->tx->sent_tail == s)
        c->tx->sent_tail = to;
    if (c->tx->sack_high == s)
        c->tx->sack_high = to;
    if (l == NULL)
        return;
    if (to->prev != NULL)
        to->prev->after = to;
    else
        l->head = to;
    if (to->after != NULL)
        to->after->prev = to;
    else
        l->tail = to;
}

/* Only the FIN of the last segment is left, and its chunk goes: it needs a record. When there is
 * none it counts as never sent and leaves again. */
static void
move_fin(struct tcp_conn *c)
{
    union tcp_record *record = tcp_record_get(c);

    if (record != NULL) {
        move_head(c, &record->sent);
        record->sent.flags |= TCP_SENT_IS_RECORD;
        return;
    }
    c->snd_nxt = c->tx->sent_head->seq;
    c->fin_sent = false;
    pop_head(c);
}

/* The ACK ends inside the head segment: n bytes of its payload are done with. */
static void
trim_head(struct tcp_conn *c, uint32_t n)
{
    struct tcp_sent *s = c->tx->sent_head;
    struct tcp_chunk *chunk = s->chunk;

    if (s->list != NULL)
        s->list->bytes -= n;
    s->seq += n;
    s->len -= n;
    s->offset += n;
    if (s->len == 0) {
        /* Only its FIN is left; all chunks are acknowledged. */
        s->chunk = NULL;
        s->offset = 0;
        if (!(s->flags & TCP_SENT_IS_RECORD))
            move_fin(c);
        return;
    }
    while (s->offset >= chunk->len) {
        s->offset -= chunk->len;
        chunk = chunk->next;
    }
    if (chunk != s->chunk) {
        s->chunk = chunk;
        /* Further chunks are in the segment whole, so none starts in them: the record is free. */
        if (!(s->flags & TCP_SENT_IS_RECORD))
            move_head(c, &chunk->sent);
    }
}

static void
release_chunks(struct tcp_conn *c)
{
    while (c->tx->queue.head != NULL && c->tx->queue.head != c->tx->unsent &&
           seq_leq(c->tx->queue.head->seq + c->tx->queue.head->len, c->snd_una)) {
        struct tcp_chunk *chunk = tcp_queue_pop(&c->tx->queue);

        tcp_give_back(c, chunk, chunk);
    }
}

static bool
was_sent_once(const struct tcp_conn *c, const struct tcp_sent *s)
{
    return !(s->flags & (TCP_SENT_SACKED | TCP_SENT_RETRANSMITTED)) && s->list == &c->tx->flight;
}

/* Of segments that were sent once and arrive together, in order, the first tells the round-trip
 * time and the last what there is to know of rate and reordering: s is neither. */
static bool
is_between(const struct tcp_conn *c, const struct tcp_delivery *d, const struct tcp_sent *s,
           uint32_t ack)
{
    const struct tcp_sent *next = s->next;

    return d->timed && next != NULL && seq_leq(next->seq + tcp_sent_seq_len(next), ack) &&
           was_sent_once(c, s) && was_sent_once(c, next) && seq_leq(d->prior_fack, s->seq);
}

static void
count_delivered(struct tcp_conn *c, struct tcp_delivery *d, const struct tcp_sent *s)
{
    uint32_t len = tcp_sent_seq_len(s);

    d->delivered += len;
    c->rate.delivered += len;
    tcp_mtu_delivered(c, d->now, s);
}

/* SND.UNA moves to ack, which lies in (SND.UNA, SND.NXT]. */
void
tcp_sent_ack(struct tcp_conn *c, struct tcp_delivery *d, uint32_t ack)
{
    while (c->tx->sent_head != NULL) {
        struct tcp_sent *s = c->tx->sent_head;

        if (seq_leq(ack, s->seq))
            break;
        if (seq_lt(ack, s->seq + tcp_sent_seq_len(s))) {
            if (!(s->flags & TCP_SENT_SACKED)) {
                d->delivered += ack - s->seq;
                tcp_rate_delivered(c, d, ack - s->seq, NULL);
            }
            trim_head(c, ack - s->seq);
            break;
        }
        if (is_between(c, d, s, ack)) {
            count_delivered(c, d, s);
        } else {
            if (!(s->flags & TCP_SENT_SACKED))
                note_delivered(c, d, s, tcp_sent_seq_len(s));
            note_time(c, d, s);
        }
        pop_head(c);
    }
    c->snd_una = ack;
    release_chunks(c);
}

static void
mark_sacked(struct tcp_conn *c, struct tcp_delivery *d, struct tcp_sent *s)
{
    note_delivered(c, d, s, tcp_sent_seq_len(s));
    list_remove(s);
    s->flags |= TCP_SENT_SACKED;
    c->tx->n_sacked++;
    if (c->tx->sack_high == NULL || seq_lt(c->tx->sack_high->seq, s->seq))
        c->tx->sack_high = s;
}

static bool
block_seen(const struct tcp_conn *c, uint32_t left, uint32_t right)
{
    for (uint8_t i = 0; i < c->tx->n_sack_seen; i++) {
        if (seq_leq(c->tx->sack_seen[i].left, left) && seq_leq(right, c->tx->sack_seen[i].right))
            return true;
    }
    return false;
}

/* Marks what the block covers whole. A block mostly grows at the highest end: then the walk starts
 * there, so that an ACK costs what it brings and not the size of the window. */
static void
apply_block(struct tcp_conn *c, struct tcp_delivery *d, uint32_t left, uint32_t right)
{
    struct tcp_sent *s = c->tx->sent_head;

    if (c->tx->sack_high != NULL) {
        uint32_t high = c->tx->sack_high->seq + tcp_sent_seq_len(c->tx->sack_high);

        if (seq_leq(high, left) || (seq_lt(high, right) && block_seen(c, left, high)))
            s = c->tx->sack_high->next;
    }
    for (; s != NULL && seq_lt(s->seq, right); s = s->next) {
        if (!(s->flags & TCP_SENT_SACKED) && seq_leq(left, s->seq) &&
            seq_leq(s->seq + tcp_sent_seq_len(s), right))
            mark_sacked(c, d, s);
    }
}

/* RFC 2018 5. Blocks at or below SND.UNA are D-SACKs or old; beyond SND.NXT, forged. */
void
tcp_sent_sack(struct tcp_conn *c, struct tcp_delivery *d)
{
    struct tcp_sack_block seen[TCP_SACK_SEEN];
    uint8_t n = 0;

    for (uint8_t i = 0; i < d->seg->n_sack && i < TCP_SACK_MAX; i++) {
        uint32_t left = d->seg->sack[i].left, right = d->seg->sack[i].right;

        if (!seq_lt(left, right) || !seq_lt(c->snd_una, right) || !seq_leq(right, c->snd_nxt) ||
            seq_lt(left, c->snd_una))
            continue;
        if (!block_seen(c, left, right))
            apply_block(c, d, left, right);
        seen[n++] = (struct tcp_sack_block){.left = left, .right = right};
    }
    memcpy(c->tx->sack_seen, seen, n * sizeof(seen[0]));
    c->tx->n_sack_seen = n;
}

/* RFC 2018 8: the receiver went back on its SACKs; forget them all. */
void
tcp_sent_unsack(struct tcp_conn *c)
{
    for (struct tcp_sent *s = c->tx->sent_head; s != NULL; s = s->next) {
        if (!(s->flags & TCP_SENT_SACKED))
            continue;
        s->flags &= (uint8_t)~TCP_SENT_SACKED;
        tcp_sent_lose(c, s);
    }
    c->tx->n_sacked = 0;
    c->tx->sack_high = NULL;
    c->tx->n_sack_seen = 0;
}

/* Where byte n of the segment lies. */
static void
advance(const struct tcp_chunk **chunk, uint32_t *offset, uint32_t n)
{
    *offset += n;
    while (*offset >= (*chunk)->len) {
        *offset -= (*chunk)->len;
        *chunk = (*chunk)->next;
    }
}

bool
tcp_sent_split(struct tcp_conn *c, struct tcp_sent *s, uint32_t len)
{
    const struct tcp_chunk *chunk = s->chunk;
    uint32_t offset = s->offset;
    union tcp_record *record = tcp_record_get(c);
    struct tcp_sent *rest, *before = s->prev;
    struct tcp_sent_list *list = s->list;

    if (record == NULL)
        return false;
    advance(&chunk, &offset, len);
    rest = &record->sent;
    *rest = *s;
    rest->flags = (s->flags & (uint8_t)~TCP_SENT_IS_RECORD) | TCP_SENT_IS_RECORD;
    rest->chunk = (struct tcp_chunk *)(uintptr_t)chunk;
    rest->offset = offset;
    rest->seq = s->seq + len;
    rest->len = s->len - len;
    rest->list = NULL;
    rest->prev = rest->after = NULL;
    list_remove(s);
    s->len = len;
    s->flags &= (uint8_t) ~(TCP_SENT_FIN | TCP_SENT_PSH);
    s->next = rest;
    if (c->tx->sent_tail == s)
        c->tx->sent_tail = rest;
    if (list != NULL) {
        list_insert(list, before, s);
        list_insert(list, s, rest);
    }
    return true;
}

void
tcp_sent_forget(struct tcp_conn *c)
{
    while (c->tx->sent_head != NULL)
        pop_head(c);
}
