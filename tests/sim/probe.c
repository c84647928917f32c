/* SPDX-License-Identifier: BSD-3-Clause */
#include "probe.h"

#include <stdlib.h>

#include <wgtcpd/wire/udp.h>

#include "traffic.h"

/* Behind the UDP header: number, whether it is an answer; then a pattern. */
enum { MARK_LEN = 9, PAYLOAD_LEN = 64 };

void
probe_init(struct probe *p, unsigned index, const struct probe_config *config)
{
    *p = (struct probe){
        .config = *config,
        .index = index,
        .family = IP_V4,
        .next = config->interval > 0 ? config->from : WGT_NEVER,
    };
}

void
probe_fini(struct probe *p)
{
    free(p->records);
    free(p->owed);
    *p = (struct probe){.next = WGT_NEVER};
}

wgt_time
probe_deadline(const struct probe *p)
{
    return p->n_owed > 0 ? 0 : p->next;
}

static void *
grow(void *array, size_t n, size_t *room, size_t size)
{
    if (n < *room)
        return array;
    *room = *room > 0 ? 2 * *room : 256;
    array = realloc(array, *room * size);
    if (array == NULL)
        abort();
    return array;
}

static size_t
make_packet(const struct probe *p, unsigned from, uint64_t number, bool answer, uint8_t *packet)
{
    struct ip_header ip = {
        .src = traffic_address(from, p->family),
        .dst = traffic_address(1 - from, p->family),
        .protocol = IP_PROTO_UDP,
        .ttl = 64,
        .payload_len = UDP_HEADER_LEN + PAYLOAD_LEN,
    };
    size_t ip_len = ip_header_len(&ip.dst);
    uint8_t *payload = packet + ip_len + UDP_HEADER_LEN;
    uint16_t port = (uint16_t)(PROBE_PORT + p->index);

    put_le64(payload, number);
    payload[8] = answer;
    for (unsigned i = MARK_LEN; i < PAYLOAD_LEN; i++)
        payload[i] = (uint8_t)(number + i);
    udp_write(packet + ip_len, &ip.src, &ip.dst, port, port, PAYLOAD_LEN, true);
    ip_write(packet, &ip);
    return ip_len + ip.payload_len;
}

size_t
probe_offer(struct probe *p, wgt_time now, unsigned node, uint8_t *packet)
{
    if (node != p->config.node)
        return p->n_owed > 0 ? make_packet(p, node, p->owed[--p->n_owed], true, packet) : 0;
    if (p->next > now)
        return 0;
    if (p->next >= p->config.until) {
        p->next = WGT_NEVER;
        return 0;
    }
    p->next += p->config.interval;
    p->records = grow(p->records, p->n, &p->room, sizeof(*p->records));
    p->records[p->n] = (struct probe_record){now, WGT_NEVER, WGT_NEVER};
    return make_packet(p, node, p->n++, false, packet);
}

static const char *
request_came(struct probe *p, wgt_time now, uint64_t number)
{
    struct probe_record *r = &p->records[number];

    if (r->arrived != WGT_NEVER)
        return "a probe came out twice";
    r->arrived = now;
    if (p->config.answered) {
        p->owed = grow(p->owed, p->n_owed, &p->owed_room, sizeof(*p->owed));
        p->owed[p->n_owed++] = number;
    }
    return NULL;
}

static const char *
answer_came(struct probe *p, wgt_time now, uint64_t number)
{
    struct probe_record *r = &p->records[number];

    if (r->arrived == WGT_NEVER)
        return "an answer came out that nobody gave";
    if (r->answered != WGT_NEVER)
        return "an answer came out twice";
    r->answered = now;
    return NULL;
}

const char *
probe_deliver(struct probe *p, wgt_time now, unsigned node, const struct ip_header *ip,
              const uint8_t *packet)
{
    const uint8_t *payload = packet + ip->header_len + UDP_HEADER_LEN;
    uint8_t expected[PROBE_PACKET_MAX];
    uint64_t number;
    bool answer;

    if (ip->payload_len != UDP_HEADER_LEN + PAYLOAD_LEN)
        return "an altered probe came out";
    number = get_le64(payload);
    answer = payload[8] != 0;
    if (number >= p->n || node != (answer ? p->config.node : 1 - p->config.node))
        return "a probe came out that nobody sent there";
    make_packet(p, 1 - node, number, answer, expected);
    if (memcmp(expected + ip->header_len, packet + ip->header_len, ip->payload_len) != 0)
        return "an altered probe came out";
    return answer ? answer_came(p, now, number) : request_came(p, now, number);
}

static wgt_time
completed(const struct probe *p, const struct probe_record *r)
{
    return p->config.answered ? r->answered : r->arrived;
}

size_t
probe_collect(const struct probe *p, wgt_time from, wgt_time until, bool one_way,
              struct samples *out)
{
    size_t lost = 0;

    for (size_t i = 0; i < p->n; i++) {
        const struct probe_record *r = &p->records[i];
        wgt_time end = one_way ? r->arrived : r->answered;

        if (r->sent < from || r->sent >= until)
            continue;
        if (end == WGT_NEVER)
            lost++;
        else
            samples_add(out, end - r->sent);
    }
    return lost;
}

wgt_time
probe_longest_silence(const struct probe *p, wgt_time from, wgt_time until)
{
    struct samples times = {.n = 0};
    wgt_time last = from, longest = 0;

    for (size_t i = 0; i < p->n; i++) {
        wgt_time t = completed(p, &p->records[i]);

        if (t != WGT_NEVER && t >= from && t < until)
            samples_add(&times, t);
    }
    samples_percentile(&times, 0); /* sorts */
    samples_add(&times, until);
    for (size_t i = 0; i < times.n; i++) {
        longest = times.v[i] - last > longest ? times.v[i] - last : longest;
        last = times.v[i];
    }
    samples_free(&times);
    return longest;
}

wgt_time
probe_first_after(const struct probe *p, wgt_time from)
{
    wgt_time first = WGT_NEVER;

    for (size_t i = 0; i < p->n; i++) {
        wgt_time t = completed(p, &p->records[i]);

        if (t != WGT_NEVER && t >= from)
            first = wgt_time_min(first, t);
    }
    return first;
}
