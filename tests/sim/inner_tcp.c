/* SPDX-License-Identifier: BSD-3-Clause */
#include "inner_tcp.h"

#include <stdlib.h>

#include "inner_sender.h"
#include "traffic.h"

#define DELAYED_ACK (40 * WGT_MSEC)
#define SYN_RETRY   WGT_SEC
enum { TS_OPTION_LEN = 12, PATTERN_LEN = 4096, SACK_BLOCKS = 3, ACK_EVERY = 2 };

void
inner_tcp_init(struct inner_tcp *t, unsigned index, const struct inner_tcp_config *config,
               size_t mtu)
{
    size_t headers = (config->family == IP_V6 ? IPV6_HEADER_LEN : IPV4_HEADER_LEN) + TCP_HEADER_LEN;

    *t = (struct inner_tcp){
        .config = *config,
        .index = index,
        .mss = (uint16_t)(mtu - headers),
        .min_rtt = WGT_NEVER,
        .syn_at = config->from,
        .timer_at = WGT_NEVER,
        .reorder_at = WGT_NEVER,
        .ack_at = WGT_NEVER,
        .complete_at = WGT_NEVER,
    };
    t->sent = calloc(INNER_TCP_RING, sizeof(*t->sent));
    if (t->sent == NULL)
        abort();
    inner_cc_init(&t->cc, config->cc);
}

void
inner_tcp_fini(struct inner_tcp *t)
{
    for (unsigned i = 0; i < 2; i++) {
        free(t->end[i].records);
        t->end[i].records = NULL;
    }
    free(t->sent);
    t->sent = NULL;
}

uint64_t
inner_tcp_received(const struct inner_tcp *t)
{
    return t->rcv_nxt;
}

/* --- packets -------------------------------------------------------------------------------------
 */

/* Bytes of chance, the same in every run; a packet's payload begins somewhere in them. */
static const uint8_t *
pattern(uint32_t number)
{
    static uint8_t bytes[2 * PATTERN_LEN];
    static bool filled;

    if (!filled) {
        struct prng r = prng_fork(1, 'i');

        prng_fill(&r, bytes, sizeof(bytes));
        filled = true;
    }
    return bytes + number % PATTERN_LEN;
}

static uint64_t
hash(const uint8_t *p, size_t len)
{
    uint64_t h = len;

    for (; len >= 8; p += 8, len -= 8)
        h = (h ^ get_le64(p)) * UINT64_C(0x9e3779b97f4a7c15), h ^= h >> 29;
    for (; len > 0; p++, len--)
        h = (h ^ *p) * UINT64_C(0x9e3779b97f4a7c15);
    return h;
}

static struct inner_tcp_record *
new_record(struct inner_tcp_end *e)
{
    if (e->n == e->room) {
        e->room = e->room > 0 ? 2 * e->room : 1024;
        e->records = realloc(e->records, e->room * sizeof(*e->records));
        if (e->records == NULL)
            abort();
    }
    return &e->records[e->n++];
}

static uint16_t
port_of(const struct inner_tcp *t, unsigned node)
{
    uint16_t base = node == t->config.node ? INNER_TCP_SENDER_PORT : INNER_TCP_PORT;

    return (uint16_t)(base + t->index);
}

/* Writes the segment as the next packet of that end; payload_len bytes of the pattern. */
static size_t
make_packet(struct inner_tcp *t, wgt_time now, unsigned node, struct tcp_segment *seg,
            size_t payload_len, bool ect, uint8_t *packet)
{
    struct inner_tcp_end *e = &t->end[node];
    uint32_t number = (uint32_t)e->n + 1;
    struct ip_header ip = {
        .src = traffic_address(node, t->config.family),
        .dst = traffic_address(1 - node, t->config.family),
        .protocol = IP_PROTO_TCP,
        .ttl = 64,
        .traffic_class = ect ? IP_ECN_ECT0 : IP_ECN_NOT_ECT,
        .dont_fragment = true,
        .id = (uint16_t)number,
    };
    size_t ip_len = ip_header_len(&ip.dst), tcp_len;

    seg->src_port = port_of(t, node);
    seg->dst_port = port_of(t, 1 - node);
    seg->has_ts = true;
    seg->ts_val = number;
    seg->ts_ecr = e->ts_recent;
    seg->window = 0xffff;
    seg->payload.len = payload_len;
    tcp_len = tcp_header_len(seg);
    ip.payload_len = (uint32_t)(tcp_len + payload_len);
    memcpy(packet + ip_len + tcp_len, pattern(number), payload_len);
    tcp_write(packet + ip_len, &ip.src, &ip.dst, seg, true);
    ip_write(packet, &ip);
    *new_record(e) = (struct inner_tcp_record){
        .sent = now, .hash = hash(packet + ip_len, ip.payload_len), .syn = seg->flags & TCP_SYN};
    return ip_len + ip.payload_len;
}

/* --- the sender's packets ------------------------------------------------------------------------
 */

static size_t
offer_syn(struct inner_tcp *t, wgt_time now, uint8_t *packet)
{
    struct tcp_segment syn = {.flags = TCP_SYN, .has_mss = true, .mss = t->mss};

    if (t->syn_at > now || now >= t->config.until)
        return 0;
    if (t->config.ecn)
        syn.flags |= TCP_ECE | TCP_CWR;
    syn.has_wscale = true;
    syn.wscale = 10;
    syn.has_sack_permitted = true;
    t->started = true;
    t->syn_at = now + SYN_RETRY;
    return make_packet(t, now, t->config.node, &syn, 0, false, packet);
}

/* A packet of the segment, from that offset on. */
static size_t
offer_piece(struct inner_tcp *t, wgt_time now, uint32_t segment, uint32_t at, uint8_t flags,
            bool fresh, uint8_t *packet)
{
    struct tcp_segment seg = {
        .flags = flags, .ack = 1, .seq = INNER_TCP_FIRST_SEQ + segment * t->mss + at};
    uint32_t left = t->mss - at, len = left < t->piece ? left : t->piece;

    t->cut_segment = segment;
    t->cut_at = len < left ? at + len : 0;
    return make_packet(t, now, t->config.node, &seg, len, t->config.ecn && fresh, packet);
}

static size_t
offer_data(struct inner_tcp *t, wgt_time now, uint8_t *packet)
{
    uint8_t flags = TCP_ACK | TCP_PSH;
    uint32_t segment;
    bool again;
    size_t len;

    if (!t->established)
        return offer_syn(t, now, packet);
    if (t->config.bytes == 0 && now >= t->config.until)
        t->stopped = true;
    if (t->stopped) { /* what is outstanding is given up */
        t->look = false;
        t->timer_at = t->reorder_at = WGT_NEVER;
        return 0;
    }
    if (t->cut_at > 0)
        return offer_piece(t, now, t->cut_segment, t->cut_at, flags, false, packet);
    if (inner_sender_deadline(t) <= now)
        inner_sender_expire(t, now);
    if (!inner_sender_next(t, &segment)) {
        t->look = false;
        return 0;
    }
    again = segment != t->nxt;
    if (t->cwr_due && !again) {
        flags |= TCP_CWR;
        t->cwr_due = false;
    }
    len = offer_piece(t, now, segment, 0, flags, !again, packet);
    inner_sender_sent(t, now, segment, (uint32_t)t->end[t->config.node].n);
    return len;
}

/* --- the receiver --------------------------------------------------------------------------------
 */

static struct tcp_sack_block
block_of(const struct inner_tcp_run *run)
{
    return (struct tcp_sack_block){INNER_TCP_FIRST_SEQ + run->left,
                                   INNER_TCP_FIRST_SEQ + run->right};
}

static void
add_sack(struct inner_tcp *t, struct tcp_segment *ack)
{
    uint32_t below = UINT32_MAX;

    if (t->dup_due) {
        ack->sack[ack->n_sack++] = block_of(&t->dup);
        t->dup_due = false;
    }
    while (ack->n_sack < SACK_BLOCKS) {
        const struct inner_tcp_run *newest = NULL;

        for (unsigned i = 0; i < t->n_runs; i++)
            if (t->runs[i].stamp < below && (newest == NULL || t->runs[i].stamp > newest->stamp))
                newest = &t->runs[i];
        if (newest == NULL)
            return;
        below = newest->stamp;
        ack->sack[ack->n_sack++] = block_of(newest);
    }
}

static size_t
offer_ack(struct inner_tcp *t, wgt_time now, uint8_t *packet)
{
    struct tcp_segment seg = {.flags = TCP_ACK, .seq = 1};

    if (t->synack_due) {
        t->synack_due = false;
        seg.flags |= TCP_SYN | (t->config.ecn ? TCP_ECE : 0);
        seg.seq = 0;
        seg.ack = INNER_TCP_FIRST_SEQ;
        seg.has_mss = seg.has_wscale = seg.has_sack_permitted = true;
        seg.mss = t->peer_mss;
        seg.wscale = 10;
        return make_packet(t, now, 1 - t->config.node, &seg, 0, false, packet);
    }
    if (!t->ack_now && t->ack_at > now)
        return 0;
    t->ack_now = false;
    t->ack_at = WGT_NEVER;
    t->unacked = 0;
    if (t->ece)
        seg.flags |= TCP_ECE;
    seg.ack = INNER_TCP_FIRST_SEQ + t->rcv_nxt;
    t->last_ack = t->rcv_nxt;
    add_sack(t, &seg);
    return make_packet(t, now, 1 - t->config.node, &seg, 0, false, packet);
}

static void
remove_run(struct inner_tcp *t, unsigned i)
{
    t->runs[i] = t->runs[--t->n_runs];
}

/* Bytes beyond a hole: they join the runs they touch. */
static void
add_run(struct inner_tcp *t, uint32_t left, uint32_t right)
{
    struct inner_tcp_run run = {left, right, ++t->run_stamp};

    for (unsigned i = 0; i < t->n_runs;) {
        const struct inner_tcp_run *r = &t->runs[i];

        if (r->left <= left && right <= r->right) {
            t->dup = (struct inner_tcp_run){left, right, 0};
            t->dup_due = true;
        }
        if (r->left > run.right || r->right < run.left) {
            i++;
            continue;
        }
        run.left = r->left < run.left ? r->left : run.left;
        run.right = r->right > run.right ? r->right : run.right;
        remove_run(t, i);
    }
    if (t->n_runs < INNER_TCP_RUNS)
        t->runs[t->n_runs++] = run;
}

static void
absorb_runs(struct inner_tcp *t)
{
    for (unsigned i = 0; i < t->n_runs;) {
        if (t->runs[i].left > t->rcv_nxt) {
            i++;
            continue;
        }
        if (t->runs[i].right > t->rcv_nxt)
            t->rcv_nxt = t->runs[i].right;
        remove_run(t, i);
        i = 0;
    }
}

static void
take_data(struct inner_tcp *t, wgt_time now, const struct ip_header *ip,
          const struct tcp_segment *seg)
{
    uint32_t left = seg->seq - INNER_TCP_FIRST_SEQ, right = left + (uint32_t)seg->payload.len;
    bool hole = t->n_runs > 0;

    if (seg->flags & TCP_CWR)
        t->ece = false;
    if ((ip->traffic_class & 3) == IP_ECN_CE) {
        t->marked++;
        t->ece = true;
    }
    if (right <= t->rcv_nxt) {
        t->dup = (struct inner_tcp_run){left, right, 0};
        t->dup_due = true;
    } else if (left > t->rcv_nxt) {
        add_run(t, left, right);
    } else {
        t->rcv_nxt = right;
        absorb_runs(t);
    }
    if (hole || t->n_runs > 0 || t->dup_due || ++t->unacked >= ACK_EVERY)
        t->ack_now = true;
    else if (t->ack_at == WGT_NEVER)
        t->ack_at = now + DELAYED_ACK;
}

/* --- what comes out ------------------------------------------------------------------------------
 */

static const char *
check(struct inner_tcp *t, unsigned from, const struct ip_header *ip, const uint8_t *packet,
      const struct tcp_segment *seg)
{
    struct inner_tcp_end *e = &t->end[from];
    struct inner_tcp_record *r;

    if (!seg->has_ts || seg->ts_val == 0 || seg->ts_val > e->n)
        return "an inner segment came out that nobody sent";
    r = &e->records[seg->ts_val - 1];
    if (r->delivered)
        return "an inner segment came out twice";
    if (!r->syn && r->hash != hash(packet + ip->header_len, ip->payload_len))
        return "an altered inner segment came out";
    r->delivered = true;
    return NULL;
}

static void
take_syn(struct inner_tcp *t, unsigned node, const struct tcp_segment *seg)
{
    t->end[node].ts_recent = seg->ts_val;
    if (node != t->config.node) {
        /* The tunnel may have lowered it. */
        if (!t->syn_seen)
            t->peer_mss = seg->mss;
        t->syn_seen = t->synack_due = true;
    } else if (!t->established) {
        t->established = t->look = true;
        t->syn_at = WGT_NEVER;
        t->mss = (uint16_t)((seg->mss < t->mss ? seg->mss : t->mss) - TS_OPTION_LEN);
        t->piece = t->mss;
        t->limit =
            t->config.bytes > 0 ? (uint32_t)((t->config.bytes + t->mss - 1) / t->mss) : UINT32_MAX;
    }
}

const char *
inner_tcp_deliver(struct inner_tcp *t, wgt_time now, unsigned node, const struct ip_header *ip,
                  const uint8_t *packet)
{
    struct tcp_segment seg;
    const char *wrong;

    if (tcp_parse(ip, (uint8_t *)(uintptr_t)packet + ip->header_len, true, &seg) != WGT_OK)
        return "an altered inner segment came out (TCP header)";
    if (seg.src_port != port_of(t, 1 - node) || seg.dst_port != port_of(t, node))
        return "an inner segment came out on the wrong side";
    wrong = check(t, 1 - node, ip, packet, &seg);
    if (wrong != NULL)
        return wrong;
    if (seg.flags & TCP_SYN) {
        take_syn(t, node, &seg);
        return NULL;
    }
    if (node == t->config.node) {
        t->end[node].ts_recent = seg.ts_val;
        t->look = true;
        inner_sender_acked(t, now, &seg);
        return NULL;
    }
    /* RFC 7323 4.3: of delayed ACKs the first segment counts; an older one fills a hole. */
    if (seg.seq <= INNER_TCP_FIRST_SEQ + t->last_ack)
        t->end[node].ts_recent = seg.ts_val;
    take_data(t, now, ip, &seg);
    return NULL;
}

void
inner_tcp_too_big(struct inner_tcp *t, unsigned node, size_t mtu)
{
    size_t headers = (t->config.family == IP_V6 ? IPV6_HEADER_LEN : IPV4_HEADER_LEN) +
                     TCP_HEADER_LEN + TS_OPTION_LEN;

    t->too_big++;
    if (node != t->config.node || !t->established || mtu >= headers + t->piece || mtu <= headers)
        return;
    t->piece = (uint16_t)(mtu - headers);
    t->cut_at = 0;
    inner_sender_repeat(t);
    t->look = true;
}

bool
inner_tcp_owns(const struct inner_tcp *t, uint16_t src_port, uint16_t dst_port)
{
    uint16_t sender = (uint16_t)(INNER_TCP_SENDER_PORT + t->index);

    return t->config.until > 0 && (src_port == sender || dst_port == sender);
}

size_t
inner_tcp_offer(struct inner_tcp *t, wgt_time now, unsigned node, uint8_t *packet)
{
    if (t->config.until == 0)
        return 0;
    return node == t->config.node ? offer_data(t, now, packet) : offer_ack(t, now, packet);
}

wgt_time
inner_tcp_deadline(const struct inner_tcp *t)
{
    wgt_time due = wgt_time_min(t->ack_at, inner_sender_deadline(t));

    if (t->config.until == 0)
        return WGT_NEVER;
    if (t->ack_now || t->synack_due || t->look)
        return 0;
    if (!t->established)
        due = wgt_time_min(due, t->syn_at < t->config.until ? t->syn_at : WGT_NEVER);
    return due;
}
