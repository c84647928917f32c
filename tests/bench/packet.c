/* SPDX-License-Identifier: BSD-3-Clause */
#include "packet.h"

#include <wgtcpd/wire/udp.h>

#include "bench.h"

enum { OFF_PAYLOAD = IPV4_HEADER_LEN + UDP_HEADER_LEN, NUMBER_LEN = 8, TTL = 64 };

struct ip_addr
peer_address(uint32_t peer)
{
    uint8_t a[4];

    put_be32(a, UINT32_C(0x0a000000) + peer); /* 10.0.0.0/8 */
    return ip_addr_v4(a);
}

struct ip_addr
host_address(void)
{
    return ip_addr_v4((const uint8_t[]){172, 16, 0, 2});
}

void
ledger_begin(struct ledger *l, enum way way, unsigned n, size_t len, uint32_t n_peers,
             uint64_t *chance)
{
    l->first += l->n; /* of the last round */
    l->way = way;
    l->len = len;
    l->n = n;
    l->arrived = 0;
    l->in_order = true;
    memset(l->seen, 0, sizeof(l->seen));
    for (unsigned i = 0; i < n; i++)
        l->peer[i] = bench_random_below(chance, n_peers);
}

/* Bytes that depend on the number. */
static void
pattern(uint8_t *out, size_t len, uint64_t number)
{
    put_be64(out, number);
    memset(out + NUMBER_LEN, (int)(number * 31 & 0xff), len - NUMBER_LEN);
}

void
ledger_write(const struct ledger *l, unsigned i, uint8_t *packet)
{
    struct ip_addr peer = peer_address(l->peer[i]), host = host_address();
    struct ip_header h = {
        .src = l->way == WAY_SEND ? host : peer,
        .dst = l->way == WAY_SEND ? peer : host,
        .protocol = IP_PROTO_UDP,
        .ttl = TTL,
        .payload_len = (uint32_t)(l->len - IPV4_HEADER_LEN),
    };

    ip_write(packet, &h);
    pattern(packet + OFF_PAYLOAD, l->len - OFF_PAYLOAD, l->first + i);
    udp_write(packet + IPV4_HEADER_LEN, &h.src, &h.dst, 5001, 5001, l->len - OFF_PAYLOAD, false);
}

void
ledger_take(struct ledger *l, const uint8_t *packet, size_t len, uint32_t peer)
{
    uint8_t wanted[PACKET_MAX];
    uint64_t i;

    if (len < l->len)
        bench_die("a packet of %zu bytes came as %zu", l->len, len);
    i = ((uint64_t)get_be32(packet + OFF_PAYLOAD) << 32 | get_be32(packet + OFF_PAYLOAD + 4)) -
        l->first;
    if (i >= l->n)
        bench_die("a packet came that was not sent");
    if (l->seen[i])
        bench_die("a packet came twice");
    ledger_write(l, (unsigned)i, wanted);
    /* The gateway took one off the TTL. */
    if (memcmp(packet + 12, wanted + 12, l->len - 12) != 0 || packet[8] != TTL - 1)
        bench_die("a packet came changed");
    if (peer != UINT32_MAX && peer != l->peer[i])
        bench_die("a packet came under another peer's key");
    l->in_order = l->in_order && i == l->arrived;
    l->seen[i] = true;
    l->arrived++;
}
