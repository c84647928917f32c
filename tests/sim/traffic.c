/* SPDX-License-Identifier: BSD-3-Clause */
#include "traffic.h"

#include <stdlib.h>

#include <wgtcpd/wire/checksum.h>
#include <wgtcpd/wire/udp.h>

/* Behind IP and UDP header: direction, packet number. Then bytes of chance. */
enum { MARK_LEN = 16, PORT = 7777 };

struct ip_addr
traffic_address(unsigned node, uint8_t family)
{
    uint8_t v4[4] = {10, 77, 0, (uint8_t)(1 + node)};
    uint8_t v6[16] = {0xfd, 0x77, [15] = (uint8_t)(1 + node)};

    return family == IP_V4 ? ip_addr_v4(v4) : ip_addr_v6(v6);
}

void
traffic_init(struct traffic *t, uint64_t seed, unsigned direction, size_t size_max,
             const struct traffic_stream streams[TRAFFIC_STREAMS])
{
    *t = (struct traffic){
        .seed = seed,
        .direction = direction,
        .size_max = size_max,
        .limit_v4 = size_max,
        .limit_v6 = size_max,
        .prng = prng_fork(seed, 't' + direction),
    };
    memcpy(t->streams, streams, sizeof(t->streams));
    for (unsigned i = 0; i < TRAFFIC_STREAMS; i++)
        t->next[i] = streams[i].interval > 0 ? streams[i].from : WGT_NEVER;
}

void
traffic_fini(struct traffic *t)
{
    free(t->records);
    t->records = NULL;
}

wgt_time
traffic_deadline(const struct traffic *t)
{
    wgt_time due = WGT_NEVER;

    for (unsigned i = 0; i < TRAFFIC_STREAMS; i++)
        due = wgt_time_min(due, t->next[i]);
    return due;
}

/* The packet of that number, whole. */
static size_t
make_packet(const struct traffic *t, uint64_t number, uint8_t *packet)
{
    const struct traffic_record *record = &t->records[number];
    struct prng r = prng_fork(t->seed, 1000000 * (t->direction + 1) + number);
    uint8_t family = prng_below(&r, 4) != 0 ? IP_V4 : IP_V6;
    struct ip_header ip = {
        .src = traffic_address(t->direction, family),
        .dst = traffic_address(1 - t->direction, family),
        .protocol = IP_PROTO_UDP,
        .ttl = 64,
        .id = (uint16_t)number,
        .dont_fragment = number % 2,
    };
    size_t headers = ip_header_len(&ip.dst) + UDP_HEADER_LEN, len;

    len = prng_below(&r, 3) == 0 ? t->size_max : prng_between(&r, headers + MARK_LEN, t->size_max);
    if (family == IP_V6 && len > record->limit_v6)
        len = record->limit_v6;
    if (family == IP_V4 && ip.dont_fragment && len > record->limit_v4)
        len = record->limit_v4;
    if (record->foreign)
        (prng_below(&r, 2) ? &ip.src : &ip.dst)->bytes[1] = 0x78;
    ip.payload_len = (uint32_t)(len - headers + UDP_HEADER_LEN);
    put_le64(packet + headers, t->direction);
    put_le64(packet + headers + 8, number);
    prng_fill(&r, packet + headers + MARK_LEN, len - headers - MARK_LEN);
    udp_write(packet + headers - UDP_HEADER_LEN, &ip.src, &ip.dst, PORT, PORT, len - headers, true);
    ip_write(packet, &ip);
    return len;
}

static struct traffic_record *
new_record(struct traffic *t)
{
    if (t->n == t->room) {
        t->room = t->room > 0 ? 2 * t->room : 256;
        t->records = realloc(t->records, t->room * sizeof(*t->records));
        if (t->records == NULL)
            abort();
    }
    return &t->records[t->n++];
}

size_t
traffic_offer(struct traffic *t, wgt_time now, uint8_t packet[TRAFFIC_PACKET_MAX])
{
    for (unsigned i = 0; i < TRAFFIC_STREAMS; i++) {
        const struct traffic_stream *s = &t->streams[i];
        uint64_t number = t->n;

        if (t->next[i] > now)
            continue;
        if (t->next[i] >= s->until) {
            t->next[i] = WGT_NEVER;
            continue;
        }
        *new_record(t) = (struct traffic_record){
            .offered = now,
            .counted = s->counted,
            .foreign = s->foreign,
            .limit_v4 = t->limit_v4,
            .limit_v6 = t->limit_v6,
        };
        /* Packets of a burst share an instant. */
        if (s->burst <= 1 || prng_below(&t->prng, s->burst) == 0 ||
            ++t->in_burst[i] >= 2 * s->burst) {
            t->in_burst[i] = 0;
            t->next[i] = now + s->interval / 2 + prng_below(&t->prng, s->interval + 1);
        }
        return make_packet(t, number, packet);
    }
    return 0;
}

const char *
traffic_deliver(struct traffic *t, wgt_time now, const uint8_t *packet, size_t len)
{
    uint8_t expected[TRAFFIC_PACKET_MAX];
    struct traffic_record *r;
    struct udp_header udp;
    struct ip_header ip;
    uint64_t number;

    if (ip_parse(packet, len, true, &ip) != WGT_OK || ip.header_len + ip.payload_len != len)
        return "an altered packet came out (IP header)";
    if (ip.protocol != IP_PROTO_UDP ||
        udp_parse(&ip, (uint8_t *)(uintptr_t)packet + ip.header_len, true, &udp) != WGT_OK ||
        udp.payload.len < MARK_LEN)
        return "an altered packet came out (UDP header)";
    if (get_le64(udp.payload.data) != t->direction)
        return "a packet came out on the wrong side";
    number = get_le64(udp.payload.data + 8);
    if (number >= t->n)
        return "a packet came out that nobody offered";
    r = &t->records[number];
    if (make_packet(t, number, expected) != len || memcmp(expected, packet, len) != 0)
        return "an altered packet came out";
    if (r->foreign)
        return "a packet outside the allowed IPs came out";
    if (r->is_delivered)
        return "a packet came out twice";
    r->is_delivered = true;
    r->delivered = t->last_delivered = now;
    t->n_delivered++;
    return NULL;
}

bool
traffic_refused(struct traffic *t, const uint8_t *packet, size_t len)
{
    uint8_t expected[TRAFFIC_PACKET_MAX];
    struct ip_header ip;
    const uint8_t *icmp, *quote;
    size_t quoted, offset, mtu;
    uint64_t number;
    bool v4, unreachable;

    if (ip_parse(packet, len, true, &ip) != WGT_OK)
        return false;
    v4 = ip.dst.family == IP_V4;
    offset = ip_header_len(&ip.dst) + UDP_HEADER_LEN;
    if (ip.protocol != (v4 ? IP_PROTO_ICMP : IP_PROTO_ICMPV6) ||
        ip.payload_len < 8 + offset + MARK_LEN)
        return false;
    icmp = packet + ip.header_len;
    quote = icmp + 8;
    quoted = ip.payload_len - 8;
    number = get_le64(quote + offset + 8);
    mtu = get_be32(icmp + 4);
    unreachable = icmp[0] == (v4 ? 3 : 1) && icmp[1] == (v4 ? 1 : 3);
    if (!unreachable && (icmp[0] != (v4 ? 3 : 2) || icmp[1] != (v4 ? 4 : 0)))
        return false;
    if (number >= t->n || get_le64(quote + offset) != t->direction)
        return false;
    if ((v4 ? checksum_finish(checksum_add(0, icmp, ip.payload_len))
            : checksum_transport(&ip.src, &ip.dst, IP_PROTO_ICMPV6, icmp, ip.payload_len)) != 0)
        return false;
    if (make_packet(t, number, expected) <= mtu && !unreachable)
        return false;
    if (memcmp(expected, quote, quoted) != 0)
        return false;
    if (unreachable)
        return true;
    t->records[number].refused = true;
    *(v4 ? &t->limit_v4 : &t->limit_v6) = mtu;
    return true;
}

size_t
traffic_missing(const struct traffic *t, wgt_time from, wgt_time until, bool counted_only)
{
    size_t n = 0;

    for (size_t i = 0; i < t->n; i++) {
        const struct traffic_record *r = &t->records[i];

        n += r->offered >= from && r->offered < until && !r->is_delivered && !r->foreign &&
             !r->refused && (r->counted || !counted_only);
    }
    return n;
}

size_t
traffic_offered(const struct traffic *t, wgt_time from, wgt_time until)
{
    size_t n = 0;

    for (size_t i = 0; i < t->n; i++)
        n += t->records[i].offered >= from && t->records[i].offered < until &&
             !t->records[i].foreign;
    return n;
}

size_t
traffic_delivered(const struct traffic *t, wgt_time from, wgt_time until)
{
    size_t n = 0;

    for (size_t i = 0; i < t->n; i++)
        n += t->records[i].is_delivered && t->records[i].delivered >= from &&
             t->records[i].delivered < until;
    return n;
}
