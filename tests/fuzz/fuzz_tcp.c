/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A pair of connections, and an attacker who knows their sequence numbers: the input is a script of
 * small steps that send, read, close, let time pass, deliver or lose what the two say to each
 * other, mark it, and put forged segments and ICMP errors in between. What must hold whatever
 * happens: no deadline in the past, an end to every tcp_output loop, every chunk given back once, a
 * segment size within its bounds.
 */
#include <wgtcpd/tcp/tcp.h>

#include <stdlib.h>

#include "input.h"

enum { NODES = 256, NODE_BYTES = 4096, PIPE = 64 };

struct node {
    struct tcp_chunk chunk;
    bool lent;
    uint8_t bytes[NODE_BYTES];
};

struct pipe {
    struct tcp_segment seg[PIPE];
    uint8_t bytes[PIPE][NODE_BYTES];
    unsigned head, n;
};

static struct node nodes[NODES];
static struct pipe pipes[2]; /* pipes[i]: towards side i */
enum { RECORDS = 64 };

static struct tcp_conn conns[2];
static struct tcp_memory memory;
static struct tcp_tx tx[2];
static union tcp_record records[RECORDS];
static wgt_time now;

static struct node *
take_node(void)
{
    for (int i = 0; i < NODES; i++) {
        if (!nodes[i].lent)
            return &nodes[i];
    }
    return NULL;
}

static void
give_back(struct tcp_chunk *chunk)
{
    struct node *n = WGT_CONTAINER_OF(chunk, struct node, chunk);

    if (n < nodes || n >= nodes + NODES || !n->lent)
        abort();
    n->lent = false;
}

static void
transmit(int to, const struct tcp_out *out)
{
    struct pipe *p = &pipes[to];
    const struct tcp_chunk *chunk = out->chunk;
    uint32_t offset = out->offset, done = 0;
    unsigned at = (p->head + p->n) % PIPE;

    if (out->len > NODE_BYTES)
        abort();
    if (p->n == PIPE)
        return; /* lost */
    p->seg[at] = out->seg;
    while (done < out->len) {
        uint32_t n = chunk->len - offset < out->len - done ? chunk->len - offset : out->len - done;

        memcpy(p->bytes[at] + done, chunk->data + offset, n);
        done += n;
        offset = 0;
        chunk = chunk->next;
    }
    p->n++;
}

static void
check_mtu(const struct tcp_conn *c)
{
    if (c->state == TCP_CLOSED || c->state == TCP_SYN_SENT)
        return;
    if (c->mss == 0 || c->mss > c->mtu.candidate || c->mtu.candidate > c->mtu.ceiling ||
        tcp_mss(c) != c->mtu.candidate)
        abort();
}

static void
output(int side)
{
    struct tcp_chunk *chunk;
    struct tcp_out out;
    unsigned n = 0;

    while (tcp_output(&conns[side], now, &out)) {
        if (out.ect && (out.len == 0 || out.retransmission || !conns[side].options.ecn))
            abort();
        transmit(!side, &out);
        if (++n > 10000)
            abort();
    }
    if (tcp_deadline(&conns[side]) <= now)
        abort();
    check_mtu(&conns[side]);
    while ((chunk = tcp_reclaim(&conns[side])) != NULL)
        give_back(chunk);
}

static void
arrive(int side, struct tcp_segment *seg, const uint8_t *bytes)
{
    struct node *n = seg->payload.len > 0 ? take_node() : NULL;
    bool kept = false;

    if (n != NULL) {
        memcpy(n->bytes, bytes, seg->payload.len);
        seg->payload.data = n->bytes;
        n->lent = true;
    }
    (void)tcp_input(&conns[side], now, seg, n != NULL ? &n->chunk : NULL, &kept);
    if (n != NULL && !kept)
        n->lent = false;
}

static void
deliver(int side, bool lose, bool mark)
{
    struct pipe *p = &pipes[side];
    unsigned at = p->head;

    if (p->n == 0)
        return;
    p->head = (p->head + 1) % PIPE;
    p->n--;
    p->seg[at].ce = mark;
    if (!lose)
        arrive(side, &p->seg[at], p->bytes[at]);
}

static void
forge(int side, struct input *in)
{
    static const uint8_t zeros[NODE_BYTES];
    const struct tcp_conn *c = &conns[side];
    struct tcp_segment seg = {.src_port = 1, .dst_port = 2, .flags = next_byte(in)};
    uint8_t what = next_byte(in);

    seg.seq = c->rcv_nxt + (what & 1 ? next_u32(in) : (uint32_t)(int8_t)next_byte(in) * 16);
    seg.ack = c->snd_una + (what & 2 ? next_u32(in) : (uint32_t)(int8_t)next_byte(in) * 16);
    seg.window = (uint16_t)(next_byte(in) << (what & 4 ? 8 : 0));
    seg.payload.len = (size_t)next_byte(in) * (what & 8 ? 16 : 1);
    if (seg.flags & TCP_URG)
        seg.urgent = (uint16_t)(next_byte(in) * 16);
    seg.ce = seg.flags & TCP_ECE;
    seg.has_ts = what & 16;
    seg.ts_val = c->ts_recent + (uint32_t)(int8_t)next_byte(in);
    seg.ts_ecr = next_byte(in);
    if (seg.flags & TCP_SYN) {
        seg.has_mss = seg.has_wscale = what & 32;
        seg.has_sack_permitted = what & 64;
        seg.mss = (uint16_t)(next_byte(in) * 16);
        seg.wscale = next_byte(in) % 15;
    } else if (what & 128) {
        seg.n_sack = next_byte(in) % (TCP_SACK_MAX + 1);
        for (uint8_t i = 0; i < seg.n_sack; i++) {
            seg.sack[i].left = c->snd_una + (uint32_t)(int8_t)next_byte(in) * 32;
            seg.sack[i].right = seg.sack[i].left + (uint32_t)next_byte(in) * 64;
        }
    }
    arrive(side, &seg, zeros);
}

/* An ICMP error about something in flight, mostly. */
static void
forge_icmp(int side, struct input *in)
{
    const struct tcp_conn *c = &conns[side];
    uint8_t what = next_byte(in);
    struct icmp_error e = {
        .kind = what % 3,
        .src.addr.family = what & 128 ? IP_V6 : IP_V4,
        .dst.addr.family = what & 128 ? IP_V6 : IP_V4,
        .packet_len = next_byte(in) * 16u,
        .seq = c->snd_una + (what & 64 ? next_u32(in) : next_byte(in) * 64u),
    };

    if (e.kind == ICMP_ERROR_TOO_BIG)
        e.mtu = what & 32 ? next_u32(in) : next_byte(in) * 16u;
    (void)tcp_icmp(&conns[side], now, &e);
}

static void
send_some(int side, struct input *in)
{
    struct node *n = take_node();

    if (n == NULL)
        return;
    n->chunk = (struct tcp_chunk){.data = n->bytes, .len = (uint32_t)next_byte(in) * 16};
    n->lent = tcp_send(&conns[side], now, &n->chunk);
}

static void
read_some(int side, uint8_t n)
{
    struct tcp_chunk *chunk;

    while (n-- > 0 && (chunk = tcp_recv(&conns[side])) != NULL)
        give_back(chunk);
}

static void
pass_time(struct input *in)
{
    wgt_time next = wgt_time_min(tcp_deadline(&conns[0]), tcp_deadline(&conns[1]));
    uint8_t ms = next_byte(in);

    if (ms == 255 && next != WGT_NEVER)
        now = next > now ? next : now;
    else
        now += ms * WGT_MSEC;
}

static void
step(struct input *in)
{
    uint8_t op = next_byte(in);
    int side = op & 1;

    switch (op >> 1 & 15) {
    case 0:
    case 1:
    case 2:
        deliver(side, false, op & 128);
        break;
    case 3:
        deliver(side, true, false);
        break;
    case 4:
    case 5:
        forge(side, in);
        break;
    case 6:
    case 7:
        send_some(side, in);
        break;
    case 8:
        read_some(side, op >> 5);
        break;
    case 9:
        if (op >> 5 == 0)
            tcp_close(&conns[side], now);
        else if (op >> 5 == 1)
            tcp_abort(&conns[side], now);
        break;
    case 10:
        pass_time(in);
        break;
    case 11:
        forge_icmp(side, in);
        break;
    case 12:
        now += next_byte(in) * 10 * WGT_SEC; /* the search for a larger size, keepalive */
        break;
    default:
        output(side);
        break;
    }
}

static void
open_pair(struct input *in)
{
    struct tcp_segment syn = {.flags = TCP_SYN, .has_ts = true, .has_mss = true, .mss = 1000};

    for (int i = 0; i < 2; i++) {
        uint8_t shape = next_byte(in), how = next_byte(in);
        struct tcp_options o = {.memory = &memory,
                                .src_port = 1,
                                .dst_port = 2,
                                .mss_local = (uint16_t)(64 + (shape & 7) * 400),
                                .mss_default = 536,
                                .mss_base = how & 4 ? 1160 : 0,
                                .ecn = how & 1,
                                .keepalive = how & 2 ? 30 * WGT_SEC : 0,
                                .receive_buffer = 1000u << (shape >> 3 & 15),
                                .iss = shape & 128 ? 0u - 100 : next_u32(in),
                                .ts_offset = 0u - 50};

        if (shape & 1 && i == 1) {
            syn.seq = next_u32(in);
            syn.flags = TCP_SYN | (how & 8 ? TCP_ECE | TCP_CWR : 0);
            (void)tcp_open_passive(&conns[i], now, &o, &syn);
        } else {
            tcp_open_active(&conns[i], now, &o);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};

    now = 100 * WGT_SEC;
    pipes[0].n = pipes[1].n = 0;
    tcp_memory_init(&memory, records, RECORDS, tx, 2);
    open_pair(&in);
    while (in.left > 0)
        step(&in);
    for (int i = 0; i < 2; i++) {
        output(i);
        tcp_abort(&conns[i], now);
        output(i);
    }
    for (int i = 0; i < NODES; i++) {
        if (nodes[i].lent)
            abort();
    }
    if (memory.n_free != memory.n || memory.n_busy != 0)
        abort();
    return 0;
}
