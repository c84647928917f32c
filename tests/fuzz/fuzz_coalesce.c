/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets out of the tunnel, whatever a peer puts into them. The input is a list of them, each
 * behind its length as two bytes; a length with the highest bit set repeats the packet before it,
 * with its sequence number moved on and its checksum mended, so that there is something to join.
 * Each packet must be in one chain, and a super-packet must come apart into what went in. Behind
 * Ethernet headers the same packets must make the same chains.
 */
#include <stdlib.h>

#include <wgtcpd/offload/coalesce.h>
#include <wgtcpd/offload/segment.h>
#include <wgtcpd/wire/checksum.h>
#include <wgtcpd/wire/eth.h>
#include <wgtcpd/wire/inner.h>

#include "input.h"

enum { ROOM = 512 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct coalescer c;
static uint8_t packets[COALESCE_BATCH][ROOM], originals[COALESCE_BATCH][ROOM];
static size_t lens[COALESCE_BATCH];

static struct coalescer framed;
static uint8_t frames[COALESCE_BATCH][ETH_HEADER_LEN + ROOM];

static void
require(bool holds)
{
    if (!holds)
        abort();
}

static void
mend(uint8_t *packet, size_t len, const struct inner_upper *u)
{
    size_t field = u->offset + (u->protocol == IP_PROTO_TCP ? 16 : 6);
    struct inner_packet inner;

    inner_parse(packet, len, &inner);
    if (ip_is_v4(packet)) {
        put_be16(packet + 10, 0);
        put_be16(packet + 10, checksum_finish(checksum_add(0, packet, (packet[0] & 15u) * 4)));
    }
    put_be16(packet + field, 0);
    put_be16(packet + field, checksum_transport(&inner.src, &inner.dst, u->protocol,
                                                packet + u->offset, len - u->offset));
}

/* Makes the packet the next one of its flow; its own checksum is mended either way. */
static void
move_on(uint8_t *packet, size_t len, bool next)
{
    struct inner_packet inner;
    struct inner_upper u;
    uint8_t *tcp;

    if (inner_parse(packet, len, &inner) != WGT_OK || inner.len != len)
        return;
    inner_find_upper(packet, len, &u);
    if ((u.protocol != IP_PROTO_TCP && u.protocol != IP_PROTO_UDP) || len - u.offset < 20)
        return;
    if (ip_is_v4(packet) && u.offset < 20)
        return;
    tcp = packet + u.offset;
    if (next && u.protocol == IP_PROTO_TCP)
        put_be32(tcp + 4, get_be32(tcp + 4) + (uint32_t)(len - u.offset) - (tcp[12] >> 4) * 4u);
    if (next && ip_is_v4(packet))
        put_be16(packet + 4, (uint16_t)(get_be16(packet + 4) + 1));
    mend(packet, len, &u);
}

static void
add_frame(unsigned i)
{
    memset(frames[i], 2, ETH_HEADER_LEN);
    put_be16(frames[i] + 12, lens[i] > 0 && ip_is_v4(packets[i]) ? ETH_IPV4 : ETH_IPV6);
    memcpy(frames[i] + ETH_HEADER_LEN, packets[i], lens[i]);
    coalesce_add_frame(&framed, frames[i], ETH_HEADER_LEN + lens[i], false);
}

static void
check_framed(unsigned i, const struct vnet_header *h)
{
    const struct coalesce_chain *a = &c.chains[i], *b = &framed.chains[i];
    uint8_t vnet[VNET_HEADER_LEN];
    struct vnet_header f;

    coalesce_finish(&framed, i, vnet);
    vnet_read(&f, vnet);
    require(a->first == b->first && a->last == b->last && a->n == b->n);
    require(f.gso == h->gso && f.gso_size == h->gso_size);
    if (a->n == 1)
        return;
    require(f.checksum_start == h->checksum_start + ETH_HEADER_LEN);
    require(memcmp(frames[a->first] + ETH_HEADER_LEN, packets[a->first], lens[a->first]) == 0);
}

static bool
add(struct input *in)
{
    unsigned i = c.n_packets;
    uint32_t head = (uint32_t)next_byte(in) << 8;

    head |= next_byte(in);
    if (in->left == 0 || coalesce_is_full(&c))
        return false;
    if (head & 0x8000 && i > 0) {
        lens[i] = lens[i - 1];
        memcpy(packets[i], originals[i - 1], lens[i]);
        if (lens[i] > 0)
            packets[i][head % lens[i]] ^= (uint8_t)(head >> 8 & 0x10);
        move_on(packets[i], lens[i], true);
    } else {
        lens[i] = head % ROOM < in->left ? head % ROOM : in->left;
        memcpy(packets[i], in->p, lens[i]);
        in->p += lens[i];
        in->left -= lens[i];
        if (head & 0x4000)
            move_on(packets[i], lens[i], false);
    }
    memcpy(originals[i], packets[i], lens[i]);
    coalesce_add(&c, packets[i], lens[i]);
    add_frame(i);
    return true;
}

static size_t
gather(const struct coalesce_chain *chain, uint8_t *out)
{
    uint16_t at = chain->first;
    size_t len = 0;

    for (unsigned n = 0; n < chain->n; n++, at = c.packets[at].next) {
        size_t skip = n == 0 ? 0 : c.packets[at].header_len;

        memcpy(out + len, packets[at] + skip, lens[at] - skip);
        len += lens[at] - skip;
    }
    return len;
}

/* IDs of IPv4 packets with DF, and with them header checksums, may have changed. */
static bool
is_same(const uint8_t *a, const uint8_t *b, size_t len)
{
    if (ip_is_v4(a) && a[6] & 0x40)
        return memcmp(a, b, 4) == 0 && memcmp(a + 6, b + 6, 4) == 0 &&
               memcmp(a + 12, b + 12, len - 12) == 0;
    return memcmp(a, b, len) == 0;
}

/* The one's complement has two zeros; ours is not always theirs. */
static void
check_super(const struct coalesce_chain *chain, const struct vnet_header *h)
{
    static uint8_t whole[COALESCE_BATCH * ROOM], part[ROOM];
    struct segmenter s;
    uint16_t at = chain->first;
    size_t len = gather(chain, whole);

    require(len == chain->len && chain->n <= COALESCE_CHAIN_MAX);
    require(segment_begin(&s, h, whole, len) == WGT_OK);
    for (unsigned n = 0; n < chain->n; n++, at = c.packets[at].next) {
        size_t field = s.upper + h->checksum_offset;

        require(segment_is_left(&s) && segment_next(&s, part) == lens[at]);
        if (get_be16(originals[at] + field) == UINT16_MAX && get_be16(part + field) == 0)
            put_be16(part + field, UINT16_MAX);
        if (ip_is_v4(part) && get_be16(originals[at] + 10) == UINT16_MAX)
            put_be16(part + 10, UINT16_MAX);
        require(is_same(part, originals[at], lens[at]));
    }
    require(!segment_is_left(&s));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    unsigned seen = 0;

    coalesce_init(&c, true, true);
    coalesce_init(&framed, true, true);
    while (add(&in))
        ;
    for (unsigned i = 0; i < c.n_chains; i++) {
        uint8_t vnet[VNET_HEADER_LEN];
        struct vnet_header h;

        coalesce_finish(&c, i, vnet);
        vnet_read(&h, vnet);
        seen += c.chains[i].n;
        check_framed(i, &h);
        if (c.chains[i].n > 1)
            check_super(&c.chains[i], &h);
        else
            require(memcmp(packets[c.chains[i].first], originals[c.chains[i].first],
                           lens[c.chains[i].first]) == 0);
    }
    require(seen == c.n_packets && framed.n_chains == c.n_chains);
    return 0;
}
