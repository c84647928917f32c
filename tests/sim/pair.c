/* SPDX-License-Identifier: BSD-3-Clause */
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <rte_mempool.h>

#include <wgtcpd/wire/udp.h>

#include "traffic.h"

struct pair pair;

struct pair_flying {
    wgt_time due;
    unsigned to;
    size_t len;
    struct pair_flying *next;
    uint8_t bytes[];
};

/* --- the wire ------------------------------------------------------------------------------------
 */

void
pair_send(unsigned from, const uint8_t *packet, size_t len)
{
    struct pair_flying *f = malloc(sizeof(*f) + len);

    assert_non_null(f);
    *f = (struct pair_flying){.due = pair.now + PAIR_DELAY, .to = 1 - from, .len = len};
    memcpy(f->bytes, packet, len);
    if (pair.wire != NULL && !pair.wire(from, f->bytes, len)) {
        free(f);
        return;
    }
    *pair.last = f;
    pair.last = &f->next;
}

static void
land(void)
{
    struct pair_flying *f = pair.first;

    pair.first = f->next;
    if (pair.first == NULL)
        pair.last = &pair.first;
    if (f->to == 1 && pair.end != NULL)
        pair.end->rx(pair.now, f->bytes, f->len);
    else
        node_rx_outer(&pair.node[f->to], pair.now, f->bytes, f->len);
    free(f);
}

/* --- what nodes tell -----------------------------------------------------------------------------
 */

static void
on_outer(void *ctx, unsigned node, const uint8_t *packet, size_t len)
{
    (void)ctx;
    pair_send(node, packet, len);
}

static void
on_inner(void *ctx, unsigned node, const uint8_t *packet, size_t len)
{
    struct pair_out *o = &pair.out[node];
    struct ip_header ip;

    (void)ctx;
    assert_int_equal(ip_parse(packet, len, true, &ip), WGT_OK);
    assert_true(o->n < PAIR_OUT_MAX && len <= sizeof(o->last));
    o->number[o->n++] = get_be32(packet + ip.header_len + UDP_HEADER_LEN);
    memcpy(o->last, packet, len);
    o->last_len = len;
}

static void
on_broken(void *ctx, unsigned node, const char *what)
{
    (void)ctx;
    fail_msg("node %u: %s", node, what);
}

/* --- time --------------------------------------------------------------------------------------
 */

static void
settle(unsigned end)
{
    if (end == 1 && pair.end != NULL)
        pair.end->settle(pair.now);
    else
        node_settle(&pair.node[end], pair.now);
}

static wgt_time
deadline(unsigned end)
{
    return end == 1 && pair.end != NULL ? pair.end->deadline() : node_deadline(&pair.node[end]);
}

void
pair_run_to(wgt_time until)
{
    for (;;) {
        wgt_time due = pair.first != NULL ? pair.first->due : WGT_NEVER;

        for (unsigned i = 0; i < 2; i++)
            due = wgt_time_min(due, deadline(i));
        if (due > until)
            break;
        pair.now = due > pair.now ? due : pair.now;
        while (pair.first != NULL && pair.first->due <= pair.now)
            land();
        for (unsigned i = 0; i < 2; i++)
            settle(i);
    }
    pair.now = until;
}

void
pair_run_for(wgt_time time)
{
    pair_run_to(pair.now + time);
}

wgt_time
pair_clock(unsigned node)
{
    return pair.now + pair.node[node].clock_offset;
}

uint64_t
pair_drops(unsigned node, enum wgt_drop why)
{
    return pair.node[node].tunnel.drops.n[why];
}

/* --- life --------------------------------------------------------------------------------------
 */

bool
pair_nothing_passes(unsigned from, uint8_t *packet, size_t len)
{
    (void)from;
    (void)packet;
    (void)len;
    return false;
}

void
pair_configure(struct node_config config[2], enum transport_kind kind)
{
    for (unsigned i = 0; i < 2; i++)
        config[i] = (struct node_config){
            .kind = kind, .dials = i == 0, .listen_udp = true, .listen_tcp = true};
}

void
pair_begin(uint64_t seed, uint8_t family, const struct node_config config[2],
           const struct pair_end *end)
{
    struct node_host host = {NULL, on_outer, on_inner, on_broken};

    pair = (struct pair){
        .shared = {.seed = seed, .family = family, .mtu = 1392, .outer_mtu = 1500},
        .end = end,
        .begun = true,
    };
    pair.last = &pair.first;
    for (unsigned i = 0; i < 2; i++) {
        node_init(&pair.node[i], i, &config[i], &pair.shared, &host);
        if (i == 0 || end == NULL)
            node_start(&pair.node[i], 0);
    }
}

void
pair_begin_with_session(uint64_t seed, const struct node_config config[2])
{
    pair_begin(seed, IP_V4, config, NULL);
    pair_offer(0, 0, 1);
    pair_run_to(WGT_SEC);
    pair_offer(1, 0, 1);
    pair_run_to(2 * WGT_SEC);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(pair.out[i].n, 1);
    pair.out[0].n = pair.out[1].n = 0;
}

void
pair_for_both(void (*test)(enum transport_kind kind))
{
    for (enum transport_kind kind = TRANSPORT_UDP; kind <= TRANSPORT_TCP; kind++) {
        test(kind);
        pair_finish();
    }
}

static void
release(void)
{
    for (unsigned i = 0; i < 2; i++)
        node_crash(&pair.node[i]);
    while (pair.first != NULL) {
        struct pair_flying *f = pair.first;

        pair.first = f->next;
        free(f);
    }
    pair.begun = false;
}

void
pair_finish(void)
{
    release();
    for (unsigned i = 0; i < 2; i++)
        assert_null(node_leak(&pair.node[i]));
}

int
pair_clean_up(void **state)
{
    (void)state;
    if (pair.begun)
        release();
    return 0;
}

/* --- inner packets -------------------------------------------------------------------------------
 */

size_t
pair_packet(uint8_t *packet, unsigned from, unsigned to, uint8_t family, uint8_t traffic_class,
            uint32_t number, size_t len)
{
    struct ip_header ip = {.src = traffic_address(from, family),
                           .dst = traffic_address(to, family),
                           .protocol = IP_PROTO_UDP,
                           .ttl = 64,
                           .traffic_class = traffic_class};
    size_t headers = ip_header_len(&ip.dst) + UDP_HEADER_LEN;

    ip.payload_len = (uint32_t)(len - headers + UDP_HEADER_LEN);
    memset(packet, 0, len);
    put_be32(packet + headers, number);
    udp_write(packet + headers - UDP_HEADER_LEN, &ip.src, &ip.dst, 7, 7, len - headers, true);
    ip_write(packet, &ip);
    return len;
}

void
pair_offer(unsigned node, uint32_t first, unsigned n)
{
    uint8_t packet[PAIR_PACKET_LEN];

    for (unsigned i = 0; i < n; i++) {
        pair_packet(packet, node, 1 - node, IP_V4, 0, first + i, sizeof(packet));
        node_rx_inner(&pair.node[node], pair.now, packet, sizeof(packet));
    }
    node_settle(&pair.node[node], pair.now);
}
