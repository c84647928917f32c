/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One connection against segments made by hand. Sequence numbers are relative: of the peer, to its
 * initial one (its first byte is 1); of the connection, likewise. Both start near the wrap.
 */
#ifndef WGTCPD_TEST_TCP_SCRIPT_H
#define WGTCPD_TEST_TCP_SCRIPT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <wgtcpd/tcp/tcp.h>

enum {
    SCRIPT_PEER_ISS = -3000,
    SCRIPT_ISS = -2000,
    SCRIPT_MSS = 1460,
    SCRIPT_CHUNKS = 512,
    SCRIPT_RECORDS = 256
};

struct script {
    struct tcp_conn c;
    struct tcp_memory memory;
    struct tcp_tx tx_block;
    union tcp_record records[SCRIPT_RECORDS];
    wgt_time now;
    struct tcp_options options;
    wgt_time rtt;          /* of the handshake */
    bool ts, sack, wscale; /* what the peer's SYN offers */
    uint16_t peer_mss;
    uint16_t window;  /* of segments made */
    uint32_t peer_ts; /* timestamp of segments made */
    uint32_t echo;    /* timestamp they echo: that of our last segment */
    struct tcp_chunk rx[SCRIPT_CHUNKS], tx[SCRIPT_CHUNKS];
    bool rx_lent[SCRIPT_CHUNKS], tx_lent[SCRIPT_CHUNKS];
    size_t n_rx, n_tx;
    uint8_t bytes[1 << 16]; /* stream contents: bytes[i] is at relative sequence number i */
    struct tcp_out out;
};

static inline uint32_t
peer_seq(uint32_t rel)
{
    return (uint32_t)SCRIPT_PEER_ISS + rel;
}

static inline uint32_t
our_seq(uint32_t rel)
{
    return (uint32_t)SCRIPT_ISS + rel;
}

static inline struct tcp_segment
peer_segment(struct script *s, uint8_t flags, uint32_t seq, uint32_t ack, uint32_t len)
{
    struct tcp_segment seg = {.src_port = 2,
                              .dst_port = 1,
                              .seq = peer_seq(seq),
                              .flags = flags,
                              .window = s->window,
                              .has_ts = s->ts && !(flags & TCP_RST),
                              .ts_val = s->peer_ts,
                              .ts_ecr = s->echo,
                              .payload = {.data = s->bytes + (seq & 0xffff), .len = len}};

    if (flags & TCP_ACK)
        seg.ack = our_seq(ack);
    if (flags & TCP_SYN) {
        seg.has_mss = s->peer_mss != 0;
        seg.mss = s->peer_mss;
        seg.has_sack_permitted = s->sack;
        seg.has_wscale = s->wscale;
        seg.wscale = 4;
    }
    return seg;
}

static inline enum wgt_drop
feed_segment(struct script *s, const struct tcp_segment *seg)
{
    bool kept = false;
    enum wgt_drop drop;

    assert_true(s->n_rx < SCRIPT_CHUNKS);
    drop = tcp_input(&s->c, s->now, seg, seg->payload.len > 0 ? &s->rx[s->n_rx] : NULL, &kept);
    s->rx_lent[s->n_rx] = kept;
    s->n_rx += kept;
    return drop;
}

static inline enum wgt_drop
feed(struct script *s, uint8_t flags, uint32_t seq, uint32_t ack, uint32_t len)
{
    struct tcp_segment seg = peer_segment(s, flags, seq, ack, len);

    return feed_segment(s, &seg);
}

/* An ACK with one or two SACK blocks (relative; 0,0: none). */
static inline enum wgt_drop
feed_sack(struct script *s, uint32_t seq, uint32_t ack, uint32_t l1, uint32_t r1, uint32_t l2,
          uint32_t r2)
{
    struct tcp_segment seg = peer_segment(s, TCP_ACK, seq, ack, 0);

    seg.sack[seg.n_sack++] = (struct tcp_sack_block){our_seq(l1), our_seq(r1)};
    if (r2 != 0)
        seg.sack[seg.n_sack++] = (struct tcp_sack_block){our_seq(l2), our_seq(r2)};
    return feed_segment(s, &seg);
}

static inline bool
output(struct script *s)
{
    bool any = tcp_output(&s->c, s->now, &s->out);

    if (any && s->out.seg.has_ts)
        s->echo = s->out.seg.ts_val;
    if (!any)
        assert_true(tcp_deadline(&s->c) > s->now);
    return any;
}

static inline void
expect_nothing(struct script *s)
{
    assert_false(output(s));
}

/* The next segment has these flags (PSH aside), sequence numbers and length. */
static inline void
expect(struct script *s, uint8_t flags, uint32_t seq, uint32_t ack, uint32_t len)
{
    assert_true(output(s));
    assert_int_equal(s->out.seg.flags & ~TCP_PSH, flags);
    assert_int_equal(s->out.seg.seq - (uint32_t)SCRIPT_ISS, seq);
    if (flags & TCP_ACK)
        assert_int_equal(s->out.seg.ack - (uint32_t)SCRIPT_PEER_ISS, ack);
    assert_int_equal(s->out.len, len);
    assert_int_equal(s->out.seg.payload.len, len);
}

/* How many segments leave now; the last is in s->out. */
static inline int
count_output(struct script *s)
{
    struct tcp_out last = s->out;
    int n = 0;

    while (output(s)) {
        last = s->out;
        assert_true(++n < 1000);
    }
    s->out = last;
    return n;
}

static inline void
expect_block(const struct script *s, int i, uint32_t left, uint32_t right)
{
    assert_true(i < s->out.seg.n_sack);
    assert_int_equal(s->out.seg.sack[i].left - (uint32_t)SCRIPT_PEER_ISS, left);
    assert_int_equal(s->out.seg.sack[i].right - (uint32_t)SCRIPT_PEER_ISS, right);
}

static inline void
sleep_for(struct script *s, wgt_time t)
{
    s->now += t;
    s->peer_ts += (uint32_t)(t / WGT_MSEC);
}

/* Sleeps until the connection asks to be called. */
static inline wgt_time
sleep_to_deadline(struct script *s)
{
    wgt_time t = tcp_deadline(&s->c) - s->now;

    assert_true(tcp_deadline(&s->c) != WGT_NEVER);
    sleep_for(s, t);
    return t;
}

static inline bool
send_chunk(struct script *s, uint32_t len)
{
    bool taken;

    assert_true(s->n_tx < SCRIPT_CHUNKS);
    s->tx[s->n_tx] = (struct tcp_chunk){.data = s->bytes, .len = len};
    taken = tcp_send(&s->c, s->now, &s->tx[s->n_tx]);
    s->tx_lent[s->n_tx] = taken;
    s->n_tx += taken;
    return taken;
}

static inline void
send_chunks(struct script *s, int n, uint32_t len)
{
    while (n-- > 0)
        assert_true(send_chunk(s, len));
}

static inline void
give_back(struct script *s, struct tcp_chunk *chunk)
{
    bool is_rx = chunk >= s->rx && chunk < s->rx + SCRIPT_CHUNKS;
    bool *lent = is_rx ? &s->rx_lent[chunk - s->rx] : &s->tx_lent[chunk - s->tx];

    assert_true(*lent);
    *lent = false;
}

/* Reads all that is in order; checks the bytes; returns how many. */
static inline uint32_t
read_all(struct script *s)
{
    struct tcp_chunk *chunk;
    uint32_t n = 0;

    while ((chunk = tcp_recv(&s->c)) != NULL) {
        uint32_t rel = chunk->seq - (uint32_t)SCRIPT_PEER_ISS;

        assert_memory_equal(chunk->data, s->bytes + rel, chunk->len);
        n += chunk->len;
        give_back(s, chunk);
    }
    return n;
}

static inline size_t
reclaim_all(struct script *s)
{
    struct tcp_chunk *chunk;
    size_t n = 0;

    while ((chunk = tcp_reclaim(&s->c)) != NULL) {
        give_back(s, chunk);
        n++;
    }
    return n;
}

static inline void
expect_nothing_lent(struct script *s)
{
    reclaim_all(s);
    for (size_t i = 0; i < SCRIPT_CHUNKS; i++)
        assert_false(s->rx_lent[i] || s->tx_lent[i]);
    assert_int_equal(s->memory.n_free, s->memory.n);
    assert_int_equal(s->memory.n_busy, 0);
}

static inline struct script *
script_new(void)
{
    struct script *s = calloc(1, sizeof(*s));

    assert_non_null(s);
    s->now = 5000 * WGT_SEC;
    s->window = 60000;
    s->peer_mss = SCRIPT_MSS;
    s->peer_ts = 0xfffffff0u;
    tcp_memory_init(&s->memory, s->records, SCRIPT_RECORDS, &s->tx_block, 1);
    s->options = (struct tcp_options){.memory = &s->memory,
                                      .cc = &tcp_cc_cubic,
                                      .src_port = 1,
                                      .dst_port = 2,
                                      .mss_local = SCRIPT_MSS,
                                      .mss_default = 536,
                                      .receive_buffer = 60000,
                                      .iss = (uint32_t)SCRIPT_ISS,
                                      .ts_offset = 77};
    for (size_t i = 0; i < sizeof(s->bytes); i++)
        s->bytes[i] = (uint8_t)(i * 7 + (i >> 8));
    return s;
}

static inline void
open_passive(struct script *s)
{
    struct tcp_segment syn = peer_segment(s, TCP_SYN, 0, 0, 0);

    assert_int_equal(tcp_open_passive(&s->c, s->now, &s->options, &syn), WGT_OK);
    expect(s, TCP_SYN | TCP_ACK, 0, 1, 0);
    sleep_for(s, s->rtt);
    assert_int_equal(feed(s, TCP_ACK, 1, 1, 0), WGT_OK);
    assert_int_equal(tcp_state(&s->c), TCP_ESTABLISHED);
    expect_nothing(s);
}

static inline void
open_active(struct script *s)
{
    tcp_open_active(&s->c, s->now, &s->options);
    expect(s, TCP_SYN, 0, 0, 0);
    assert_int_equal(feed(s, TCP_SYN | TCP_ACK, 0, 1, 0), WGT_OK);
    assert_int_equal(tcp_state(&s->c), TCP_ESTABLISHED);
    expect(s, TCP_ACK, 1, 1, 0);
    expect_nothing(s);
}

/* A fresh established connection; the handshake took no time. */
static inline struct script *
script_established(bool ts, bool sack)
{
    struct script *s = script_new();

    s->ts = ts;
    s->sack = sack;
    open_passive(s);
    return s;
}

static inline void
script_free(struct script *s)
{
    tcp_abort(&s->c, s->now);
    expect_nothing_lent(s);
    free(s);
}

#endif
