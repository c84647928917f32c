/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One caller of a listener, who knows all sequence numbers: embryo, cookie, connection, TIME-WAIT.
 * The input is a script of segments and waits. What must hold: no deadline in the past, replies
 * that fit their embryo, a connection out of every embryo that has data, every chunk given back.
 */
#include <wgtcpd/tcp/knock.h>
#include <wgtcpd/tcp/time_wait.h>

#include <stdlib.h>

#include "input.h"

enum { RECORDS = 8, CHUNKS = 64, BYTES = 2048 };

enum life { NONE, EMBRYO, CONNECTION, TIME_WAIT };

struct node {
    struct tcp_chunk chunk;
    bool lent;
    uint8_t bytes[BYTES];
};

static enum life life;
static struct tcp_embryo embryo;
static struct tcp_conn conn;
static struct tcp_time_wait time_wait;
static struct tcp_cookies cookies;
static struct tcp_knock knock;
static struct tcp_memory memory;
static struct tcp_tx tx;
static union tcp_record records[RECORDS];
static struct node nodes[CHUNKS];
static struct tcp_options options;
static const uint8_t tuple[TCP_TUPLE_LEN] = {1, 2, 3};
static uint32_t cookie, cookie_ts;
static wgt_time now;

/* Stands in for SipHash. */
static uint64_t
hash(const uint8_t key[16], const void *data, size_t len)
{
    const uint8_t *p = data;
    uint64_t h = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < 16; i++)
        h = (h ^ key[i]) * UINT64_C(1099511628211);
    for (size_t i = 0; i < len; i++)
        h = (h ^ p[i]) * UINT64_C(1099511628211);
    return h ^ h >> 29;
}

static void
require(bool holds)
{
    if (!holds)
        abort();
}

static void
give_back(struct tcp_chunk *chunk)
{
    struct node *n = WGT_CONTAINER_OF(chunk, struct node, chunk);

    require(n >= nodes && n < nodes + CHUNKS && n->lent);
    n->lent = false;
}

static struct node *
take_node(void)
{
    for (int i = 0; i < CHUNKS; i++) {
        if (!nodes[i].lent)
            return &nodes[i];
    }
    return NULL;
}

static void
drain(void)
{
    struct tcp_chunk *chunk;
    struct tcp_out out;
    int n = 0;

    while (tcp_output(&conn, now, &out))
        require(++n < 1000);
    require(tcp_deadline(&conn) > now);
    while ((chunk = tcp_recv(&conn)) != NULL)
        give_back(chunk);
    while ((chunk = tcp_reclaim(&conn)) != NULL)
        give_back(chunk);
    if (tcp_state(&conn) == TCP_TIME_WAIT) {
        tcp_time_wait_enter(&time_wait, &conn);
        require(time_wait.until > now);
        tcp_abort(&conn, now);
        life = TIME_WAIT;
    } else if (tcp_state(&conn) == TCP_CLOSED) {
        life = NONE;
    }
}

static void
input_connection(struct tcp_segment *seg)
{
    struct node *n = seg->payload.len > 0 ? take_node() : NULL;
    bool kept = false;

    if (n != NULL) {
        seg->payload.data = n->bytes;
        n->lent = true;
    }
    (void)tcp_input(&conn, now, seg, n != NULL ? &n->chunk : NULL, &kept);
    if (n != NULL && !kept)
        n->lent = false;
    drain();
}

static void
check_reply(const struct tcp_segment *out)
{
    require(out->src_port == options.src_port && out->dst_port == options.dst_port);
    if (out->flags & TCP_SYN)
        require(out->seq == embryo.iss && out->ack == embryo.irs + 1);
    else if (out->flags == TCP_ACK)
        require(out->seq == embryo.iss + 1 && out->ack == embryo.irs + 1);
}

static void
input_embryo(struct tcp_segment *seg)
{
    struct tcp_segment out;
    enum wgt_drop why;

    switch (tcp_embryo_input(&embryo, now, &options, seg, &out, &why)) {
    case TCP_EMBRYO_WAIT:
        break;
    case TCP_EMBRYO_REPLY:
        check_reply(&out);
        break;
    case TCP_EMBRYO_DATA:
        require(embryo.established && why == WGT_OK && seg->payload.len > 0);
        require(tcp_open_embryo(&conn, &options, &embryo));
        require(conn.snd_nxt == embryo.iss + 1 && conn.rcv_nxt == embryo.irs + 1);
        require(conn.ts_ok == embryo.ts_ok && conn.ecn.ok == embryo.ecn_ok);
        life = CONNECTION;
        input_connection(seg);
        return;
    case TCP_EMBRYO_END:
        life = NONE;
        return;
    case TCP_EMBRYO_RESET:
        require(out.flags == (TCP_RST | TCP_ACK));
        life = NONE;
        return;
    }
    require(embryo.established == (tcp_embryo_deadline(&embryo) == WGT_NEVER));
}

static void
input_nothing(const struct tcp_segment *seg)
{
    static const uint8_t secret[16] = {7};
    struct tcp_segment out;

    (void)tcp_knock_check(&knock, now / WGT_SEC, tuple, seg);
    if (tcp_cookie_open(&cookies, now, &options, tuple, seg, &embryo)) {
        require(embryo.established && embryo.snd_shift <= 14 && embryo.mss >= 536);
        life = EMBRYO;
        return;
    }
    if (seg->urgent & 1) {
        if (tcp_cookies_stale(&cookies, now))
            tcp_cookies_renew(&cookies, now, secret);
        if (tcp_cookie_answer(&cookies, now, &options, tuple, seg, &out)) {
            cookie = out.seq;
            cookie_ts = out.ts_val;
        }
    } else if (tcp_embryo_open(&embryo, now, &options, seg, &out) == WGT_OK) {
        check_reply(&out);
        life = EMBRYO;
    }
}

static void
input_time_wait(const struct tcp_segment *seg)
{
    struct tcp_segment out;
    enum wgt_drop why;

    switch (tcp_time_wait_input(&time_wait, now, seg, &out, &why)) {
    case TCP_TIME_WAIT_STAY:
        break;
    case TCP_TIME_WAIT_REPLY:
        require(out.flags == TCP_ACK && out.seq == time_wait.snd_nxt);
        break;
    case TCP_TIME_WAIT_SYN:
        require(seq_lt(time_wait.snd_nxt, tcp_time_wait_iss(&time_wait, options.iss)));
        life = NONE;
        break;
    case TCP_TIME_WAIT_END:
        life = NONE;
        break;
    }
}

/* Around the numbers that matter now, or anywhere. */
static struct tcp_segment
make_segment(struct input *in)
{
    struct tcp_segment seg = {.src_port = 2, .dst_port = 1, .flags = next_byte(in)};
    uint8_t what = next_byte(in);
    uint32_t seq = life == EMBRYO       ? embryo.irs + 1
                   : life == CONNECTION ? conn.rcv_nxt
                   : life == TIME_WAIT  ? time_wait.rcv_nxt
                                        : 0u - 20;
    uint32_t ack = life == EMBRYO       ? embryo.iss + 1
                   : life == CONNECTION ? conn.snd_nxt
                   : life == TIME_WAIT  ? time_wait.snd_nxt
                                        : cookie + 1;

    seg.seq = seq + (what & 1 ? next_u32(in) : (uint32_t)(int8_t)next_byte(in));
    seg.ack = ack + (what & 2 ? next_u32(in) : 0);
    seg.window = (uint16_t)(next_byte(in) << (what & 4 ? 8 : 0));
    seg.payload.len = (size_t)next_byte(in) * (what & 8 ? 8 : 0);
    seg.has_ts = what & 16;
    seg.ts_val = embryo.ts_recent + (uint32_t)(int8_t)next_byte(in);
    seg.ts_ecr = what & 2 ? next_byte(in) : cookie_ts;
    seg.urgent = what & 32;
    seg.urgent >>= 5;
    if (seg.flags & TCP_SYN) {
        seg.has_mss = seg.has_wscale = what & 64;
        seg.has_sack_permitted = what & 128;
        seg.mss = (uint16_t)(next_byte(in) * 16);
        seg.wscale = next_byte(in) % 15;
    }
    return seg;
}

static void
arrive(struct input *in)
{
    struct tcp_segment seg = make_segment(in);

    switch (life) {
    case NONE:
        input_nothing(&seg);
        break;
    case EMBRYO:
        input_embryo(&seg);
        break;
    case CONNECTION:
        input_connection(&seg);
        break;
    case TIME_WAIT:
        input_time_wait(&seg);
        break;
    }
}

static void
pass_time(struct input *in)
{
    uint8_t ms = next_byte(in);
    struct tcp_segment out;

    now += ms == 255 ? 20 * WGT_SEC : ms * 20 * WGT_MSEC;
    if (life == CONNECTION)
        drain();
    if (life != EMBRYO)
        return;
    switch (tcp_embryo_expire(&embryo, now, &options, &out)) {
    case TCP_EMBRYO_REPLY:
        require(out.flags & TCP_SYN);
        check_reply(&out);
        break;
    case TCP_EMBRYO_END:
        require(!embryo.established);
        life = NONE;
        return;
    default:
        break;
    }
    require(tcp_embryo_deadline(&embryo) > now);
}

static void
step(struct input *in)
{
    switch (next_byte(in) & 7) {
    case 0:
        pass_time(in);
        break;
    case 1:
        if (life == CONNECTION) {
            tcp_close(&conn, now);
            drain();
        }
        break;
    default:
        arrive(in);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t key[16] = {9};
    struct input in = {data, size};
    uint8_t shape = next_byte(&in);

    now = 100 * WGT_SEC;
    life = NONE;
    cookie = cookie_ts = 0;
    memset(&embryo, 0, sizeof(embryo));
    tcp_memory_init(&memory, records, RECORDS, &tx, 1);
    tcp_cookies_init(&cookies, hash, key);
    tcp_knock_init(&knock, hash, key, key);
    options = (struct tcp_options){.memory = &memory,
                                   .ecn = shape & 1,
                                   .src_port = 1,
                                   .dst_port = 2,
                                   .mss_local = 1460,
                                   .mss_default = shape & 2 ? 1220 : 536,
                                   .receive_buffer = shape & 4 ? 1024 : 100000,
                                   .receive_buffer_max = shape & 8 ? 1 << 22 : 0,
                                   .iss = shape & 16 ? 0u - 2 : 12345,
                                   .ts_offset = 0u - 50};
    while (in.left > 0)
        step(&in);
    if (life == CONNECTION) {
        tcp_abort(&conn, now);
        drain();
    }
    for (int i = 0; i < CHUNKS; i++)
        require(!nodes[i].lent);
    require(memory.n_free == memory.n && memory.n_busy == 0);
    return 0;
}
