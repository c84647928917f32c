/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every parser of packets from outside. The bytes are read as an Ethernet frame, as the outer port
 * reads it, and also from every layer above on, so that the upper layers do not wait for a header
 * that the fuzzer has to find first. What a parser accepts must lie inside the packet, and what can
 * be written again must parse to the same.
 */
#include <stdlib.h>

#include <wgtcpd/wire/arp.h>
#include <wgtcpd/wire/checksum.h>
#include <wgtcpd/wire/forward.h>
#include <wgtcpd/wire/icmp.h>
#include <wgtcpd/wire/inner.h>
#include <wgtcpd/wire/message.h>
#include <wgtcpd/wire/tcp.h>
#include <wgtcpd/wire/udp.h>

enum { PACKET_MAX = 4096, HEADERS_MAX = IP_HEADER_MAX + TCP_HEADER_MAX };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool holds)
{
    if (!holds)
        abort();
}

static void
check_same_sack(const struct tcp_segment *a, const struct tcp_segment *b)
{
    require(a->n_sack == b->n_sack && a->n_sack <= TCP_SACK_MAX);
    for (unsigned i = 0; i < a->n_sack; i++)
        require(a->sack[i].left == b->sack[i].left && a->sack[i].right == b->sack[i].right);
}

static void
check_same_segment(const struct tcp_segment *a, const struct tcp_segment *b)
{
    require(a->src_port == b->src_port && a->dst_port == b->dst_port);
    require(a->seq == b->seq && a->ack == b->ack && a->flags == b->flags);
    require(a->window == b->window && a->urgent == b->urgent);
    require(a->has_mss == b->has_mss && a->mss == b->mss);
    require(a->has_wscale == b->has_wscale && a->wscale == b->wscale && a->wscale <= 14);
    require(a->has_sack_permitted == b->has_sack_permitted);
    require(a->has_ts == b->has_ts && a->ts_val == b->ts_val && a->ts_ecr == b->ts_ecr);
    check_same_sack(a, b);
    require(a->payload.len == b->payload.len);
    require(memcmp(a->payload.data, b->payload.data, a->payload.len) == 0);
}

static void
fuzz_tcp(const struct ip_header *ip, uint8_t *data, bool verify)
{
    static uint8_t out[HEADERS_MAX + PACKET_MAX];
    struct ip_header out_ip = *ip;
    struct tcp_segment seg, again;
    size_t header_len;

    if (tcp_parse(ip, data, verify, &seg) != WGT_OK)
        return;
    require(seg.payload.data >= data &&
            seg.payload.data + seg.payload.len == data + ip->payload_len);
    header_len = tcp_header_len(&seg);
    require(header_len <= TCP_HEADER_MAX);
    memcpy(out + header_len, seg.payload.data, seg.payload.len);
    require(tcp_write(out, &ip->src, &ip->dst, &seg, true) == header_len);
    out_ip.payload_len = (uint32_t)(header_len + seg.payload.len);
    require(tcp_parse(&out_ip, out, true, &again) == WGT_OK);
    check_same_segment(&seg, &again);
}

static void
fuzz_udp(const struct ip_header *ip, uint8_t *data, bool verify)
{
    static uint8_t out[HEADERS_MAX + PACKET_MAX];
    struct ip_header out_ip = *ip;
    struct udp_header h, again;

    if (udp_parse(ip, data, verify, &h) != WGT_OK)
        return;
    require(h.payload.data == data + UDP_HEADER_LEN);
    require(h.payload.len + UDP_HEADER_LEN <= ip->payload_len);
    memcpy(out + UDP_HEADER_LEN, h.payload.data, h.payload.len);
    udp_write(out, &ip->src, &ip->dst, h.src_port, h.dst_port, h.payload.len, true);
    out_ip.payload_len = (uint32_t)(UDP_HEADER_LEN + h.payload.len);
    require(udp_parse(&out_ip, out, true, &again) == WGT_OK);
    require(again.src_port == h.src_port && again.dst_port == h.dst_port);
    require(again.payload.len == h.payload.len);
}

static void
fuzz_nd(const uint8_t *packet, const struct ip_header *ip)
{
    uint8_t out[IPV6_HEADER_LEN + ND_LEN];
    struct nd_message m, again;
    struct ip_header out_ip;

    if (nd_parse(packet, ip, &m) != WGT_OK || !m.has_link_addr)
        return;
    require(nd_write(out, &ip->src, &ip->dst, &m) == sizeof(out));
    require(ip_parse(out, sizeof(out), true, &out_ip) == WGT_OK);
    require(nd_parse(out, &out_ip, &again) == WGT_OK);
    require(ip_addr_equal(&m.target, &again.target) && again.has_link_addr);
    require(memcmp(&m.link_addr, &again.link_addr, sizeof(m.link_addr)) == 0);
    require(m.solicited == again.solicited && m.override == again.override);
}

static void
fuzz_icmp_error(const uint8_t *packet, const struct ip_header *ip)
{
    struct icmp_error e;

    if (icmp_error_parse(packet, ip, &e) != WGT_OK)
        return;
    require(ip_addr_equal(&e.src.addr, &ip->dst) && e.dst.addr.family == ip->dst.family);
    require(e.kind == ICMP_ERROR_TOO_BIG || e.mtu == 0);
}

static void
fuzz_icmp(uint8_t *packet, const struct ip_header *ip)
{
    size_t len = ip->header_len + (size_t)ip->payload_len;
    struct ip_header reply;

    fuzz_nd(packet, ip);
    fuzz_icmp_error(packet, ip);
    if (icmp_echo_reply(packet, ip) != WGT_OK)
        return;
    require(ip_parse(packet, len, true, &reply) == WGT_OK);
    require(ip_addr_equal(&reply.src, &ip->dst) && ip_addr_equal(&reply.dst, &ip->src));
    require(icmp_echo_reply(packet, &reply) == WGT_DROP_ICMP_TYPE); /* and its checksum is right */
}

static void
check_ip_write(const struct ip_header *h)
{
    uint8_t out[IP_HEADER_MAX + PACKET_MAX];
    struct ip_header again;
    size_t header_len = ip_write(out, h);

    require(header_len == ip_header_len(&h->dst));
    if (h->payload_len == 0 || h->payload_len > PACKET_MAX)
        return;
    memset(out + header_len, 0, h->payload_len);
    require(ip_parse(out, header_len + h->payload_len, true, &again) == WGT_OK);
    require(ip_addr_equal(&h->src, &again.src) && ip_addr_equal(&h->dst, &again.dst));
    require(h->protocol == again.protocol && h->ttl == again.ttl);
    require(h->traffic_class == again.traffic_class && h->payload_len == again.payload_len);
    require(h->dont_fragment == again.dont_fragment && h->id == again.id);
}

static void
fuzz_ip(uint8_t *packet, size_t len, bool verify)
{
    struct ip_header ip;
    uint8_t *data;

    if (ip_parse(packet, len, verify, &ip) != WGT_OK)
        return;
    require(ip.header_len + (size_t)ip.payload_len <= len);
    check_ip_write(&ip);
    data = packet + ip.header_len;
    if (ip.protocol == IP_PROTO_TCP)
        fuzz_tcp(&ip, data, verify);
    else if (ip.protocol == IP_PROTO_UDP)
        fuzz_udp(&ip, data, verify);
    else
        fuzz_icmp(packet, &ip);
}

static void
fuzz_arp(const uint8_t *data, size_t len)
{
    struct arp_packet p;
    uint8_t out[ARP_LEN];

    if (arp_parse(data, len, &p) != WGT_OK)
        return;
    arp_write(out, &p);
    require(memcmp(out, data, ARP_LEN) == 0);
}

static void
fuzz_eth(uint8_t *frame, size_t len, bool verify)
{
    struct eth_header h;

    if (eth_parse(frame, len, &h) != WGT_OK)
        return;
    if (h.type == ETH_ARP)
        fuzz_arp(frame + ETH_HEADER_LEN, len - ETH_HEADER_LEN);
    else
        fuzz_ip(frame + ETH_HEADER_LEN, len - ETH_HEADER_LEN, verify);
}

/* A right checksum where the fuzzer could hardly find one. */
static void
fix_icmp_checksum(uint8_t *icmp, const struct ip_header *ip)
{
    if (ip->payload_len < 4)
        return;
    put_be16(icmp + 2, 0);
    if (ip->dst.family == IP_V4)
        put_be16(icmp + 2, checksum_finish(checksum_add(0, icmp, ip->payload_len)));
    else
        put_be16(icmp + 2,
                 checksum_transport(&ip->src, &ip->dst, IP_PROTO_ICMPV6, icmp, ip->payload_len));
}

/* The bytes as an ICMP message behind an IP header of our own. */
static void
fuzz_icmp_behind(const struct ip_header *ip, const uint8_t *data, size_t len)
{
    uint8_t *packet = malloc(IP_HEADER_MAX + len);
    struct ip_header h = *ip;
    size_t header_len;

    require(packet != NULL);
    h.protocol = ip->dst.family == IP_V4 ? IP_PROTO_ICMP : IP_PROTO_ICMPV6;
    header_len = ip_write(packet, &h);
    memcpy(packet + header_len, data, len);
    h.header_len = (uint16_t)header_len;
    fix_icmp_checksum(packet + header_len, &h);
    fuzz_icmp(packet, &h);
    free(packet);
}

/* A packet that a router sends on is the same but for its TTL; an error about it is a packet. */
static void
fuzz_router(const uint8_t *data, size_t len, const struct ip_addr *src)
{
    static uint8_t packet[PACKET_MAX], out[INNER_ERROR_MAX];
    struct inner_error e = {.kind = (enum inner_error_kind)(data[1] % 4), .mtu = 1300};
    struct inner_packet in;
    struct ip_header ip;
    size_t n;

    memcpy(packet, data, len);
    if (ip_forward(packet, len, true) == WGT_OK) {
        require(inner_parse(packet, len, &in) == WGT_OK && in.len == len);
        require(ip_forward(packet, len, true) != WGT_DROP_IP_CHECKSUM);
    } else {
        require(memcmp(packet, data, len) == 0);
    }
    if (!inner_may_answer(data, len))
        return;
    n = inner_error_write(out, data, len, &e);
    require(n <= sizeof(out));
    require(ip_parse(out, n, true, &ip) == WGT_OK);
    require(ip_is_v4(data) ? memcmp(out + 16, src->bytes, 4) == 0
                           : memcmp(out + 24, src->bytes, 16) == 0);
}

static void
fuzz_inner(const uint8_t *data, size_t len)
{
    struct inner_packet in;

    if (inner_parse(data, len, &in) != WGT_OK)
        return;
    require(in.len >= IPV4_HEADER_LEN && in.len <= len);
    fuzz_router(data, in.len, &in.src);
}

static void
fuzz_message(const uint8_t *data, size_t len)
{
    enum message_type type;
    size_t padded;

    if (message_check(data, len, &type) == WGT_OK) {
        require(type >= MESSAGE_INITIATION && type <= MESSAGE_DATA && len >= MESSAGE_MIN_LEN);
        if (type != MESSAGE_INITIATION)
            (void)message_receiver(data, type);
    }
    if (len >= 4) {
        padded = message_padded_len(get_be16(data), get_be16(data + 2));
        require(padded >= get_be16(data) && padded < get_be16(data) + (size_t)MESSAGE_PADDING);
    }
}

static struct ip_header
header_for(enum ip_family family, size_t payload_len)
{
    static const uint8_t addrs[32] = {192, 0, 2, 1, [15] = 1, [16] = 198, 51, 100, 7, [31] = 2};
    struct ip_header ip = {.ttl = 255, .payload_len = (uint32_t)payload_len};

    ip.src = family == IP_V4 ? ip_addr_v4(addrs) : ip_addr_v6(addrs);
    ip.dst = family == IP_V4 ? ip_addr_v4(addrs + 16) : ip_addr_v6(addrs + 16);
    return ip;
}

/* The bytes as what an IP packet carries. */
static void
fuzz_upper(enum ip_family family, uint8_t *data, size_t len)
{
    struct ip_header ip = header_for(family, len);

    fuzz_tcp(&ip, data, true);
    fuzz_tcp(&ip, data, false);
    fuzz_udp(&ip, data, true);
    fuzz_udp(&ip, data, false);
    fuzz_icmp_behind(&ip, data, len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *packet;

    if (size == 0 || size > PACKET_MAX)
        return 0;
    packet = malloc(size); /* exactly: a sanitizer sees one byte too many */
    require(packet != NULL);
    memcpy(packet, data, size);
    fuzz_inner(packet, size);
    fuzz_message(packet, size);
    fuzz_upper(IP_V4, packet, size);
    fuzz_upper(IP_V6, packet, size);
    /* These may turn an echo request around in place. */
    for (unsigned i = 0; i < 4; i++) {
        memcpy(packet, data, size);
        if (i < 2)
            fuzz_ip(packet, size, i == 0);
        else
            fuzz_eth(packet, size, i == 2);
    }
    free(packet);
    return 0;
}
