/* SPDX-License-Identifier: BSD-3-Clause */
#include "watch.h"

#include <stdlib.h>

#include <wgtcpd/wire/udp.h>

/* Counters seen under one key: who sends, and the receiver's index. */
struct watch_key {
    uint8_t node;
    uint32_t receiver;
    uint64_t *seen; /* a bit each */
    size_t words;
};

/* One direction of a TCP connection, from its SYN on. */
struct watch_stream {
    uint8_t node;
    struct ip_endpoint local, remote;
    uint32_t first; /* sequence number of the stream's first byte */
    uint8_t *bytes; /* the last of them: from `base` on */
    size_t base, n, room;
    size_t parsed; /* messages up to here were looked at */
    bool fin;
};

/* More is never outstanding, so older bytes need not be kept. */
enum { COUNTER_SANE = 1 << 24, STREAM_KEPT = 16 << 20 };

/* Room for one more element at the end of an array. */
static void *
grow(void *array, size_t n, size_t *room, size_t size)
{
    if (n < *room)
        return array;
    *room = *room > 0 ? 2 * *room : 64;
    array = realloc(array, *room * size);
    if (array == NULL)
        abort();
    return array;
}

void
watch_fini(struct watch *w)
{
    for (size_t i = 0; i < w->n_keys; i++)
        free(w->keys[i].seen);
    for (size_t i = 0; i < w->n_streams; i++)
        free(w->streams[i].bytes);
    free(w->keys);
    free(w->streams);
    free(w->messages);
    free(w->flags);
    *w = (struct watch){.n_keys = 0};
}

static struct watch_key *
key_of(struct watch *w, unsigned node, uint32_t receiver)
{
    /* The newest are the likeliest. */
    for (size_t i = w->n_keys; i-- > 0;)
        if (w->keys[i].node == node && w->keys[i].receiver == receiver)
            return &w->keys[i];
    w->keys = grow(w->keys, w->n_keys, &w->keys_room, sizeof(*w->keys));
    w->keys[w->n_keys] = (struct watch_key){.node = (uint8_t)node, .receiver = receiver};
    return &w->keys[w->n_keys++];
}

static const char *
mark_counter(struct watch_key *k, uint64_t counter)
{
    size_t word = counter / 64;
    uint64_t bit = UINT64_C(1) << counter % 64;

    if (counter >= COUNTER_SANE)
        return "nonce: a counter jumped";
    if (word >= k->words) {
        size_t words = 2 * word + 4;

        k->seen = realloc(k->seen, words * sizeof(*k->seen));
        if (k->seen == NULL)
            abort();
        memset(k->seen + k->words, 0, (words - k->words) * sizeof(*k->seen));
        k->words = words;
    }
    if (k->seen[word] & bit)
        return "nonce: a counter was used twice under one key";
    k->seen[word] |= bit;
    return NULL;
}

static const char *
watch_one_message(struct watch *w, wgt_time now, unsigned node, enum transport_kind kind,
                  const uint8_t *bytes, size_t len)
{
    struct watch_message m = {
        .time = now, .node = (uint8_t)node, .kind = kind, .len = (uint32_t)len};

    if (message_check(bytes, len, &m.type) != WGT_OK)
        return "wire: what left is no WireGuard message";
    if (m.type != MESSAGE_INITIATION)
        m.receiver = message_receiver(bytes, m.type);
    if (m.type == MESSAGE_DATA)
        m.counter = get_le64(bytes + 8);
    w->messages = grow(w->messages, w->n_messages, &w->messages_room, sizeof(*w->messages));
    w->messages[w->n_messages++] = m;
    if (m.type == MESSAGE_DATA)
        return mark_counter(key_of(w, node, m.receiver), m.counter);
    return NULL;
}

static struct watch_stream *
stream_of(struct watch *w, unsigned node, const struct ip_endpoint *local,
          const struct ip_endpoint *remote)
{
    for (size_t i = w->n_streams; i-- > 0;) {
        struct watch_stream *s = &w->streams[i];

        if (s->node == node && ip_endpoint_equal(&s->local, local) &&
            ip_endpoint_equal(&s->remote, remote))
            return s;
    }
    return NULL;
}

static const char *
parse_stream(struct watch *w, wgt_time now, struct watch_stream *s)
{
    const char *wrong = NULL;

    while (wrong == NULL && s->n - s->parsed >= 2) {
        const uint8_t *frame = s->bytes + (s->parsed - s->base);
        size_t len = get_be16(frame);

        if (s->n - s->parsed - 2 < len)
            break;
        wrong = watch_one_message(w, now, s->node, TRANSPORT_TCP, frame + 2, len);
        s->parsed += 2 + len;
    }
    return wrong;
}

static void
make_room(struct watch_stream *s, size_t len)
{
    size_t kept = s->n - s->base;

    if (kept + len > 2 * STREAM_KEPT) {
        memmove(s->bytes, s->bytes + kept - STREAM_KEPT, STREAM_KEPT);
        s->base += kept - STREAM_KEPT;
        kept = STREAM_KEPT;
    }
    if (kept + len <= s->room)
        return;
    s->room = 2 * (kept + len);
    s->bytes = realloc(s->bytes, s->room);
    if (s->bytes == NULL)
        abort();
}

static const char *
stream_bytes(struct watch *w, wgt_time now, struct watch_stream *s, const struct tcp_segment *seg)
{
    /* Where it lies in a stream longer than 4 GB is not asked for. */
    size_t at = (uint32_t)(seg->seq - s->first), len = seg->payload.len, old;

    if (at < s->base)
        return "tcp: a retransmission of bytes long gone";
    if (at > s->n)
        return "tcp: a segment left with a hole before it";
    old = s->n - at < len ? s->n - at : len;
    if (old > 0 && memcmp(s->bytes + (at - s->base), seg->payload.data, old) != 0)
        return "tcp: a retransmission carries other bytes";
    w->retransmitted[s->node] += old;
    if (s->fin && old < len)
        return "tcp: bytes left behind FIN";
    make_room(s, len);
    memcpy(s->bytes + (s->n - s->base), seg->payload.data + old, len - old);
    s->n += len - old;
    return parse_stream(w, now, s);
}

static void
stream_begins(struct watch *w, unsigned node, const struct ip_endpoint *local,
              const struct ip_endpoint *remote, uint32_t first)
{
    struct watch_stream *s = stream_of(w, node, local, remote);

    if (s != NULL && s->first == first)
        return;
    w->streams = grow(w->streams, w->n_streams, &w->streams_room, sizeof(*w->streams));
    w->streams[w->n_streams++] = (struct watch_stream){
        .node = (uint8_t)node, .local = *local, .remote = *remote, .first = first};
}

static const char *
watch_segment(struct watch *w, wgt_time now, unsigned node, const struct ip_header *ip,
              uint8_t *data)
{
    struct ip_endpoint local, remote;
    struct watch_stream *s;
    struct tcp_segment seg;
    const char *wrong = NULL;

    if (tcp_parse(ip, data, true, &seg) != WGT_OK)
        return "tcp: a malformed segment left";
    local = (struct ip_endpoint){ip->src, seg.src_port};
    remote = (struct ip_endpoint){ip->dst, seg.dst_port};
    if (seg.flags & (TCP_SYN | TCP_FIN | TCP_RST)) {
        w->flags = grow(w->flags, w->n_flags, &w->flags_room, sizeof(*w->flags));
        w->flags[w->n_flags++] = (struct watch_flag){.time = now,
                                                     .node = (uint8_t)node,
                                                     .flags = seg.flags,
                                                     .local = local,
                                                     .remote = remote};
    }
    if (seg.flags & TCP_SYN)
        stream_begins(w, node, &local, &remote, seg.seq + 1);
    if (seg.flags & TCP_RST)
        return NULL;
    s = stream_of(w, node, &local, &remote);
    if (s == NULL)
        return "tcp: a segment left without a SYN before it";
    if (seg.payload.len > 0)
        wrong = stream_bytes(w, now, s, &seg);
    if (wrong == NULL && seg.flags & TCP_FIN) {
        if (seg.seq + (uint32_t)seg.payload.len - s->first != s->n)
            wrong = "tcp: FIN does not lie at the end of the stream";
        s->fin = true;
    }
    return wrong;
}

const char *
watch_packet(struct watch *w, wgt_time now, unsigned node, const uint8_t *packet, size_t len)
{
    uint8_t *data = (uint8_t *)(uintptr_t)packet;
    struct udp_header udp;
    struct ip_header ip;

    w->packets[node]++;
    w->bytes[node] += len;
    if (ip_parse(packet, len, true, &ip) != WGT_OK || ip.header_len + ip.payload_len != len)
        return "wire: a malformed IP packet left";
    if (ip.protocol == IP_PROTO_TCP)
        return watch_segment(w, now, node, &ip, data + ip.header_len);
    if (ip.protocol != IP_PROTO_UDP || udp_parse(&ip, data + ip.header_len, true, &udp) != WGT_OK)
        return "wire: a packet left that is neither TCP nor right UDP";
    return watch_one_message(w, now, node, TRANSPORT_UDP, udp.payload.data, udp.payload.len);
}

size_t
watch_count(const struct watch *w, unsigned node, enum message_type type, uint32_t len,
            wgt_time from, wgt_time until)
{
    size_t n = 0;

    for (size_t i = 0; i < w->n_messages; i++) {
        const struct watch_message *m = &w->messages[i];

        n += m->node == node && m->type == type && (len == 0 || m->len == len) && m->time >= from &&
             m->time < until;
    }
    return n;
}

size_t
watch_count_flags(const struct watch *w, unsigned node, uint8_t flags, wgt_time from,
                  wgt_time until)
{
    size_t n = 0;

    for (size_t i = 0; i < w->n_flags; i++) {
        const struct watch_flag *f = &w->flags[i];

        n += f->node == node && (f->flags & flags) == flags && f->time >= from && f->time < until;
    }
    return n;
}
