/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One TCP connection against a peer that sends whatever the input says: segments near the windows,
 * options, acknowledgments of anything, in any order, with any pause between them.
 *
 * Held throughout: the bytes that leave at a sequence number are always the same; what is received
 * is in order, without gap or repetition; a deadline lies ahead; a connection falls silent; every
 * chunk lent comes back.
 */
#include <stdlib.h>

#include <wgtcpd/tcp/tcp.h>

enum { MSS = 1400, SEGMENTS_AT_ONCE = 20000, PAYLOAD_MAX = 2048 };

struct item {
    struct tcp_chunk chunk; /* first */
    uint8_t bytes[PAYLOAD_MAX];
};

struct input {
    const uint8_t *data;
    size_t len;
};

struct bench {
    struct tcp_conn conn;
    struct tcp_options options;
    wgt_time now;
    long lent;          /* chunks that the connection has */
    uint32_t queued;    /* bytes given to tcp_send */
    uint32_t delivered; /* bytes taken from tcp_recv */
    uint32_t peer_iss;
    uint32_t ack_seen; /* the last acknowledgment that left */
    uint32_t seq_top;  /* the highest sequence number that left, plus its length */
    uint32_t ts_seen;  /* the last timestamp that left */
    uint32_t ts_peer;
};

static void
require(bool holds)
{
    if (!holds)
        abort();
}

static uint8_t
next_byte(struct input *in)
{
    if (in->len == 0)
        return 0;
    in->len--;
    return *in->data++;
}

static int32_t
next_offset(struct input *in)
{
    static const int32_t scale[4] = {1, MSS, 1 << 16, 1 << 24};
    uint8_t b = next_byte(in);

    return ((int32_t)(b >> 2) - 16) * scale[b & 3];
}

/* The byte at a place of either stream. */
static uint8_t
pattern(uint32_t place)
{
    return (uint8_t)(place * 167 + (place >> 8) * 13);
}

static struct item *
new_item(struct bench *b, uint32_t place, uint32_t len)
{
    struct item *it = calloc(1, sizeof *it);

    if (it == NULL)
        abort();
    for (uint32_t i = 0; i < len; i++)
        it->bytes[i] = pattern(place + i);
    it->chunk.data = it->bytes;
    it->chunk.len = len;
    b->lent++;
    return it;
}

static void
free_item(struct bench *b, struct tcp_chunk *chunk)
{
    b->lent--;
    free((struct item *)(void *)chunk);
}

/* Whether a segment carries the bytes that belong at its sequence number. */
static void
check_payload(const struct bench *b, const struct tcp_out *out)
{
    const struct tcp_chunk *chunk = out->chunk;
    uint32_t place = out->seg.seq - (b->options.iss + 1), offset = out->offset;

    for (uint32_t i = 0; i < out->len; i++) {
        while (offset == chunk->len) {
            chunk = chunk->next;
            require(chunk != NULL);
            offset = 0;
        }
        require(chunk->data[offset++] == pattern(place + i));
    }
}

static void
check_out(struct bench *b, const struct tcp_out *out)
{
    uint32_t end = out->seg.seq + tcp_segment_seq_len(&out->seg);

    require(out->seg.payload.len == out->len && out->len <= MSS);
    require(tcp_header_len(&out->seg) <= TCP_HEADER_MAX);
    if (out->seg.flags & TCP_RST)
        require(out->len == 0);
    if (out->len > 0)
        check_payload(b, out);
    if (seq_lt(b->seq_top, end) && !(out->seg.flags & TCP_RST))
        b->seq_top = end;
    if (out->seg.flags & TCP_ACK)
        b->ack_seen = out->seg.ack;
    if (out->seg.has_ts)
        b->ts_seen = out->seg.ts_val;
}

static void
drain(struct bench *b)
{
    struct tcp_out out;
    unsigned n = 0;

    while (tcp_output(&b->conn, b->now, &out)) {
        check_out(b, &out);
        require(++n < SEGMENTS_AT_ONCE);
    }
    require(tcp_deadline(&b->conn) > b->now);
}

static void
take_received(struct bench *b)
{
    struct tcp_chunk *chunk;

    while ((chunk = tcp_recv(&b->conn)) != NULL) {
        for (uint32_t i = 0; i < chunk->len; i++)
            require(chunk->data[i] == pattern(b->delivered + i));
        b->delivered += chunk->len;
        free_item(b, chunk);
    }
}

static void
take_reclaimed(struct bench *b)
{
    struct tcp_chunk *chunk;

    while ((chunk = tcp_reclaim(&b->conn)) != NULL)
        free_item(b, chunk);
}

static void
read_options(struct bench *b, struct input *in, struct tcp_segment *seg)
{
    uint8_t which = next_byte(in);

    b->ts_peer += which & 3;
    seg->has_ts = which & 4;
    seg->ts_val = b->ts_peer - ((which & 8) ? 5 : 0);
    seg->ts_ecr = (which & 16) ? b->ts_seen : b->ts_seen - 1000;
    if (seg->flags & TCP_SYN) {
        seg->has_mss = which & 32;
        seg->mss = (uint16_t)(next_byte(in) * 8);
        seg->has_wscale = which & 64;
        seg->wscale = which & 7;
        seg->has_sack_permitted = which & 128;
        return;
    }
    seg->n_sack = which >> 6;
    for (unsigned i = 0; i < seg->n_sack; i++) {
        seg->sack[i].right = b->seq_top + (uint32_t)next_offset(in);
        seg->sack[i].left = seg->sack[i].right - (uint32_t)next_offset(in);
    }
}

/* A segment from the peer, somewhere near what the connection expects. */
static struct tcp_segment
read_segment(struct bench *b, struct input *in)
{
    struct tcp_segment seg = {.src_port = b->options.dst_port, .dst_port = b->options.src_port};
    uint8_t shape = next_byte(in);

    seg.flags = next_byte(in);
    if (shape & 1)
        seg.flags = TCP_ACK;
    seg.seq = b->ack_seen;
    if (tcp_state(&b->conn) == TCP_SYN_SENT)
        seg.seq = b->peer_iss; /* a peer starts its stream once */
    else if (shape & 2)
        seg.seq += (uint32_t)next_offset(in);
    seg.ack = b->seq_top;
    if (shape & 4)
        seg.ack += (uint32_t)next_offset(in);
    seg.window = (uint16_t)(next_byte(in) << 8);
    if (shape & 8)
        seg.payload.len = (size_t)next_byte(in) * 8;
    if (shape & 16)
        read_options(b, in, &seg);
    return seg;
}

static void
give_segment(struct bench *b, struct input *in)
{
    struct tcp_segment seg = read_segment(b, in);
    struct item *it = NULL;
    bool kept = false;

    if (seg.payload.len > 0) {
        uint32_t first = seg.seq + ((seg.flags & TCP_SYN) ? 1 : 0);
        it = new_item(b, first - (b->peer_iss + 1), (uint32_t)seg.payload.len);
        seg.payload.data = it->bytes;
    }
    tcp_input(&b->conn, b->now, &seg, it != NULL ? &it->chunk : NULL, &kept);
    if (it != NULL && !kept)
        free_item(b, &it->chunk);
    if (it == NULL)
        require(!kept);
}

static void
give_chunk(struct bench *b, struct input *in)
{
    struct item *it = new_item(b, b->queued, 1 + (uint32_t)next_byte(in) * 8);

    if (tcp_send(&b->conn, b->now, &it->chunk))
        b->queued += it->chunk.len;
    else
        free_item(b, &it->chunk);
}

static void
let_time_pass(struct bench *b, struct input *in)
{
    uint8_t how = next_byte(in);
    wgt_time deadline = tcp_deadline(&b->conn);

    if ((how & 1) && deadline != WGT_NEVER)
        b->now = deadline;
    else
        b->now += (wgt_time)(how >> 1) * WGT_MSEC;
}

static void
step(struct bench *b, struct input *in)
{
    uint8_t op = next_byte(in);

    switch (op & 15) {
    case 0:
    case 1:
    case 2:
        give_chunk(b, in);
        break;
    case 3:
    case 4:
        let_time_pass(b, in);
        break;
    case 5:
        take_received(b);
        break;
    case 6:
        if (op == 0xf6)
            tcp_abort(&b->conn, b->now);
        else if (op >= 0xc0)
            tcp_close(&b->conn, b->now);
        break;
    default:
        give_segment(b, in);
        break;
    }
    if (!(op & 0x10)) /* else: a burst goes on */
        drain(b);
    take_reclaimed(b);
}

static bool
open_connection(struct bench *b, struct input *in)
{
    uint8_t how = next_byte(in);
    struct tcp_segment syn = {.src_port = 40000, .dst_port = 51820, .flags = TCP_SYN};

    b->now = 5 * WGT_SEC;
    b->options = (struct tcp_options){
        .src_port = 51820,
        .dst_port = 40000,
        .mss_local = MSS,
        .mss_default = 536,
        .receive_buffer = 1U << (12 + (how & 7)),
        .iss = (how & 8) ? UINT32_MAX - 3000 : 1000,
        .ts_offset = how,
        .user_timeout = (how & 16) ? 12 * WGT_SEC : 0,
    };
    b->seq_top = b->options.iss;
    b->peer_iss = (how & 32) ? UINT32_MAX - 500 : 7000;
    b->ack_seen = b->peer_iss;
    if (how & 64) {
        tcp_open_active(&b->conn, b->now, &b->options);
        return true;
    }
    read_options(b, in, &syn);
    syn.seq = b->peer_iss;
    syn.window = 64240;
    return tcp_open_passive(&b->conn, b->now, &b->options, &syn) == WGT_OK;
}

/* Whatever was going on: after an abort nothing is left, and nothing more is said. */
static void
finish(struct bench *b)
{
    take_received(b);
    tcp_abort(&b->conn, b->now);
    drain(b);
    require(tcp_state(&b->conn) == TCP_CLOSED);
    require(tcp_deadline(&b->conn) == WGT_NEVER);
    take_received(b);
    take_reclaimed(b);
    require(b->lent == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    struct bench b = {0};

    if (!open_connection(&b, &in))
        return 0;
    drain(&b);
    for (unsigned steps = 0; in.len > 0 && steps < 2000; steps++)
        step(&b, &in);
    finish(&b);
    return 0;
}
