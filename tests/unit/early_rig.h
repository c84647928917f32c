/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A TCP transport that has dialled, a peer made by hand that sends it any segments of one stream of
 * frames, and a tunnel of straw: its data messages "authenticate" when their bytes are those of
 * their counter. Both sequence spaces begin near the wrap. Define REQUIRE(x) before.
 */
#ifndef WGTCPD_TEST_EARLY_RIG_H
#define WGTCPD_TEST_EARLY_RIG_H

#include <stdlib.h>

#include <wgtcpd/noise/noise.h>
#include <wgtcpd/transport/tcp.h>

#include "eal_rig.h"

enum {
    RIG_POOL = 2047,
    RIG_MAX_MESSAGE = 2048,
    RIG_STREAM = 200000,
    RIG_FRAMES = 512,
    RIG_LOG = 1024,
    RIG_INDEX = 0x11223344,
    RIG_RTT_MS = 40,
};

/* What the tunnel of straw does with a message found early. */
enum rig_kind { RIG_AT_ONCE, RIG_WAITS, RIG_WITH_FLOW };

struct rig {
    struct outer outer;
    struct tcp_transport t;
    struct wgt_drop_counters drops;
    struct tcp_flow *f;
    wgt_time now;
    uint32_t peer_iss, our_iss;
    /* the stream as the peer means it */
    uint8_t stream[RIG_STREAM];
    uint32_t len;
    uint32_t n_frames;
    uint32_t at[RIG_FRAMES + 1]; /* frame k begins at at[k] */
    enum rig_kind kind[RIG_FRAMES];
    /* what arrived: counters of data messages, in order of delivery */
    bool seen[RIG_FRAMES];
    uint32_t log[RIG_LOG], n_log;
    unsigned handshakes, replays, forged, early_tried;
    /* what the connection said last */
    uint32_t ack; /* relative to the stream */
    uint8_t n_sack;
    struct tcp_sack_block sack[TCP_SACK_MAX];
    uint32_t right_edge;
    bool reset, fin, ended;
};

static struct rte_mempool *rig_pool;

static inline uint8_t
rig_byte(uint64_t counter, size_t i)
{
    return (uint8_t)(counter * 131 + i * 7 + (i >> 8) + 1);
}

/* The message proper, len bytes. */
static inline void
rig_message(uint8_t *p, size_t len, uint64_t counter)
{
    put_le32(p, MESSAGE_DATA);
    put_le32(p + 4, RIG_INDEX);
    put_le64(p + 8, counter);
    for (size_t i = MESSAGE_DATA_HEADER_LEN; i < len; i++)
        p[i] = rig_byte(counter, i);
}

static inline bool
rig_authentic(const uint8_t *p, size_t len, uint64_t *counter)
{
    if (len < MESSAGE_DATA_OVERHEAD || get_le32(p + 4) != RIG_INDEX)
        return false;
    *counter = get_le64(p + 8);
    if (*counter >= RIG_FRAMES)
        return false;
    for (size_t i = MESSAGE_DATA_HEADER_LEN; i < len; i++)
        if (p[i] != rig_byte(*counter, i))
            return false;
    return true;
}

/* --- the tunnel of straw ------------------------------------------------------------------------
 */

static inline void
rig_deliver(struct rig *r, uint64_t counter)
{
    REQUIRE(counter < RIG_FRAMES && r->n_log < RIG_LOG);
    r->log[r->n_log++] = (uint32_t)counter;
}

static inline void
rig_on_message(void *ctx, wgt_time now, const struct path *from, struct rte_mbuf *m)
{
    struct rig *r = ctx;
    const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
    size_t len = rte_pktmbuf_pkt_len(m);
    uint64_t counter = 0;

    (void)now;
    (void)from;
    if (get_le32(p) >= MESSAGE_INITIATION && get_le32(p) <= MESSAGE_COOKIE_REPLY) {
        r->handshakes++;
    } else if (get_le32(p) != MESSAGE_DATA || !rig_authentic(p, len, &counter)) {
        r->forged++;
    } else if (r->seen[counter]) {
        r->replays++;
    } else {
        r->seen[counter] = true;
        tcp_flow_authenticated(&r->t, r->f);
        rig_deliver(r, counter);
    }
    memset(m->buf_addr, 0xdd, m->buf_len); /* who still reads it is found out */
    rte_pktmbuf_free(m);
}

static inline bool
rig_on_wanted(void *ctx, wgt_time now, const struct path *from, uint32_t receiver, uint64_t counter)
{
    const struct rig *r = ctx;

    (void)now;
    REQUIRE(tcp_flow_of(from) == r->f);
    return receiver == RIG_INDEX && counter < RIG_FRAMES && !r->seen[counter];
}

static inline enum tcp_early_answer
rig_on_early(void *ctx, wgt_time now, const struct path *from, struct tcp_early_message *message)
{
    struct rig *r = ctx;
    uint8_t *p = rte_pktmbuf_mtod(message->packet, uint8_t *);
    uint64_t counter = 0;

    (void)now;
    (void)from;
    r->early_tried++;
    if (!rig_authentic(p, rte_pktmbuf_pkt_len(message->packet), &counter)) {
        rte_pktmbuf_free(message->packet);
        return TCP_EARLY_FAILED;
    }
    REQUIRE(!r->seen[counter]);
    r->seen[counter] = true;
    tcp_flow_authenticated(&r->t, r->f);
    message->inner_flow = 5;
    if (r->kind[counter] == RIG_WAITS ||
        (r->kind[counter] == RIG_WITH_FLOW && tcp_flow_holds(r->f, message->inner_flow)))
        return TCP_EARLY_HOLD;
    memset(p, 0xee, rte_pktmbuf_pkt_len(message->packet)); /* as decryption in place would */
    rte_pktmbuf_free(message->packet);
    rig_deliver(r, counter);
    return TCP_EARLY_DELIVERED;
}

static inline void
rig_on_released(void *ctx, wgt_time now, struct rte_mbuf *m)
{
    struct rig *r = ctx;
    uint64_t counter = 0;

    (void)now;
    REQUIRE(rig_authentic(rte_pktmbuf_mtod(m, const uint8_t *), rte_pktmbuf_pkt_len(m), &counter));
    rig_deliver(r, counter);
    rte_pktmbuf_free(m);
}

static inline void
rig_on_established(void *ctx, wgt_time now, struct tcp_flow *f)
{
    (void)ctx;
    (void)now;
    (void)f;
}

static inline void
rig_on_dial_ended(void *ctx, wgt_time now, void *dialer, struct tcp_flow *f, enum tcp_end why)
{
    (void)now;
    (void)dialer;
    (void)f;
    (void)why;
    ((struct rig *)ctx)->ended = true;
}

/* --- the network --------------------------------------------------------------------------------
 */

static inline void
rig_entropy(void *ctx, void *buf, size_t len)
{
    (void)ctx;
    memset(buf, 0xf7, len);
}

static inline void
rig_tx(void *ctx, struct rte_mbuf *m)
{
    struct rig *r = ctx;
    uint8_t *data = rte_pktmbuf_mtod(m, uint8_t *);
    struct tcp_segment seg;
    struct ip_header ip;
    uint32_t edge;

    REQUIRE(ip_parse(data, rte_pktmbuf_data_len(m), true, &ip) == WGT_OK);
    REQUIRE(tcp_parse(&ip, data + ip.header_len, true, &seg) == WGT_OK);
    if (seg.flags & TCP_SYN)
        r->our_iss = seg.seq;
    if (seg.flags & TCP_RST)
        r->reset = true;
    if (seg.flags & TCP_FIN)
        r->fin = true;
    if ((seg.flags & (TCP_ACK | TCP_SYN | TCP_RST)) == TCP_ACK) {
        r->ack = seg.ack - r->peer_iss - 1;
        edge = r->ack + ((uint32_t)seg.window << r->f->conn.rcv_shift);
        /* R6: what was offered stays offered, but for the rounding of the scale (RFC 7323 2.4) */
        REQUIRE(edge + (1u << r->f->conn.rcv_shift) > r->right_edge);
        r->right_edge = edge > r->right_edge ? edge : r->right_edge;
        r->n_sack = seg.n_sack;
        for (uint8_t i = 0; i < seg.n_sack; i++)
            r->sack[i] = (struct tcp_sack_block){seg.sack[i].left - r->peer_iss - 1,
                                                 seg.sack[i].right - r->peer_iss - 1};
    }
    rte_pktmbuf_free(m);
}

/* A segment of the peer, whatever it carries. */
static inline void
rig_segment(struct rig *r, struct tcp_segment *seg, const uint8_t *payload, size_t len)
{
    struct ip_header ip = {.src = ip_addr_v4((uint8_t[4]){192, 0, 2, 2}),
                           .dst = r->outer.locals[0].addr,
                           .protocol = IP_PROTO_TCP};
    struct rte_mbuf *m = rte_pktmbuf_alloc(rig_pool);
    size_t header = tcp_header_len(seg);
    uint8_t *p;

    REQUIRE(m != NULL);
    seg->src_port = 2;
    seg->dst_port = r->f->path.local.port;
    seg->payload.len = len;
    p = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)(header + len));
    REQUIRE(p != NULL);
    if (len > 0)
        memcpy(p + header, payload, len);
    tcp_write(p, &ip.src, &ip.dst, seg, false);
    ip.payload_len = (uint32_t)(header + len);
    tcp_transport_rx(&r->t, r->now, &ip, m, false);
    tcp_transport_rx_end(&r->t, r->now);
}

/* Bytes at a place of the stream that may be the peer's or somebody else's. */
static inline void
rig_inject(struct rig *r, uint32_t at, const uint8_t *bytes, size_t len, uint8_t flags)
{
    struct tcp_segment seg = {.seq = r->peer_iss + 1 + at,
                              .ack = r->our_iss + 1,
                              .flags = (uint8_t)(TCP_ACK | flags),
                              .window = 60000};

    if (r->ended)
        return;
    rig_segment(r, &seg, bytes, len);
}

/* Lets the connection answer what has arrived. */
static inline void
rig_run(struct rig *r)
{
    tcp_transport_run(&r->t, r->now);
}

/* The peer's bytes from..to of the stream, as one segment; and the answer. */
static inline void
rig_send(struct rig *r, uint32_t from, uint32_t to)
{
    REQUIRE(from < to && to <= r->len);
    rig_inject(r, from, r->stream + from, to - from, 0);
    rig_run(r);
}

/* Frames first..last, a segment each. */
static inline void
rig_send_frames(struct rig *r, uint32_t first, uint32_t last)
{
    for (uint32_t k = first; k <= last; k++)
        rig_send(r, r->at[k], r->at[k + 1]);
}

static inline void
rig_sleep(struct rig *r, wgt_time t)
{
    r->now += t;
    rig_run(r);
}

/* --- the stream ---------------------------------------------------------------------------------
 */

static inline uint8_t *
rig_add_bytes(struct rig *r, size_t len)
{
    uint8_t *p = r->stream + r->len;

    REQUIRE(r->len + len <= RIG_STREAM);
    r->len += (uint32_t)len;
    return p;
}

/* A frame with a data message of len bytes; its counter is its number. */
static inline void
rig_add(struct rig *r, size_t len)
{
    uint8_t *p = rig_add_bytes(r, FRAME_PREFIX_LEN + len);

    REQUIRE(r->n_frames < RIG_FRAMES);
    frame_write_prefix(p, len);
    rig_message(p + FRAME_PREFIX_LEN, len, r->n_frames);
    r->at[++r->n_frames] = r->len;
}

static inline void
rig_add_handshake(struct rig *r)
{
    uint8_t *p = rig_add_bytes(r, FRAME_PREFIX_LEN + MESSAGE_RESPONSE_LEN);

    frame_write_prefix(p, MESSAGE_RESPONSE_LEN);
    memset(p + FRAME_PREFIX_LEN, 0, MESSAGE_RESPONSE_LEN);
    p[FRAME_PREFIX_LEN] = MESSAGE_RESPONSE;
    r->at[++r->n_frames] = r->len; /* its counter never comes */
}

/* --- its life -----------------------------------------------------------------------------------
 */

static inline struct rig *
rig_new_at(bool in_order, wgt_time rtt)
{
    struct rig *r = calloc(1, sizeof(*r));
    struct tcp_transport_config config = {
        .max_flows = 8,
        .max_unauthenticated = 4,
        .max_message = RIG_MAX_MESSAGE,
        .receive_buffer = 1 << 18,
        .in_order = in_order,
    };
    struct tcp_transport_events events = {
        .ctx = r,
        .message = rig_on_message,
        .established = rig_on_established,
        .dial_ended = rig_on_dial_ended,
        .wanted = rig_on_wanted,
        .early = rig_on_early,
        .released = rig_on_released,
    };
    struct tcp_dial how = {
        .remote = {ip_addr_v4((uint8_t[4]){192, 0, 2, 2}), 2},
        .dialer = r,
    };

    REQUIRE(r != NULL);
    r->now = 100 * WGT_SEC;
    r->peer_iss = (uint32_t)-5000;
    r->outer = (struct outer){
        .ctx = r,
        .tx = rig_tx,
        .entropy = rig_entropy,
        .pool = rig_pool,
        .locals = {{ip_addr_v4((uint8_t[4]){192, 0, 2, 1}), 24}},
        .n_locals = 1,
        .mtu = 1500,
        .drops = &r->drops,
    };
    REQUIRE(tcp_transport_init(&r->t, r->now, &r->outer, &events, &config) == 0);
    r->f = tcp_transport_dial(&r->t, r->now, &how);
    REQUIRE(r->f != NULL);
    rig_run(r);
    rig_sleep(r, rtt);
    rig_segment(r,
                &(struct tcp_segment){.seq = r->peer_iss,
                                      .ack = r->our_iss + 1,
                                      .flags = TCP_SYN | TCP_ACK,
                                      .window = 60000,
                                      .has_mss = true,
                                      .mss = 1460,
                                      .has_sack_permitted = true,
                                      .has_wscale = true,
                                      .wscale = 3},
                NULL, 0);
    rig_run(r);
    REQUIRE(tcp_state(&r->f->conn) == TCP_ESTABLISHED);
    return r;
}

static inline struct rig *
rig_new(bool in_order)
{
    return rig_new_at(in_order, RIG_RTT_MS * WGT_MSEC);
}

/* Nothing that was lent may be missing at the end. */
static inline void
rig_free(struct rig *r)
{
    tcp_transport_fini(&r->t);
    REQUIRE(r->t.memory.chunks == 0 && r->t.memory.n_free == r->t.memory.n &&
            r->t.memory.n_busy == 0 && r->t.n_held == 0);
    REQUIRE(rte_mempool_avail_count(rig_pool) == RIG_POOL);
    free(r);
}

static inline bool
rig_start(const char *name)
{
    char error[128];

    if (noise_crypto_init(error, sizeof(error)) != 0)
        return false;
    rig_pool = eal_rig_start(name, "64", RIG_POOL, RTE_PKTMBUF_HEADROOM + RIG_MAX_MESSAGE + 64);
    return rig_pool != NULL;
}

#endif
