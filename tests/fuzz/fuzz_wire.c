/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every parser of packets from outside: an Ethernet frame is taken apart as the outer port takes
 * it, and the same bytes are read as an inner packet and as a WireGuard message. What a parser
 * accepts must lie inside the packet, and what can be written again must parse to the same.
 */
#include <stdlib.h>

#include <wgtcpd/wire/arp.h>
#include <wgtcpd/wire/checksum.h>
#include <wgtcpd/wire/icmp.h>
#include <wgtcpd/wire/message.h>
#include <wgtcpd/wire/tcp.h>
#include <wgtcpd/wire/udp.h>

static void
require(bool holds)
{
    if (!holds)
        abort();
}

static void
require_inside(const struct span *inner, const uint8_t *data, size_t len)
{
    require(inner->data >= data && inner->len <= len);
    require((size_t)(inner->data - data) <= len - inner->len);
}

static void
same_tcp(const struct tcp_segment *a, const struct tcp_segment *b)
{
    require(a->src_port == b->src_port && a->dst_port == b->dst_port);
    require(a->seq == b->seq && a->ack == b->ack && a->flags == b->flags);
    require(a->has_mss == b->has_mss && (!a->has_mss || a->mss == b->mss));
    require(a->has_wscale == b->has_wscale && (!a->has_wscale || a->wscale == b->wscale));
    require(a->has_ts == b->has_ts && (!a->has_ts || a->ts_val == b->ts_val));
    require(a->payload.len == b->payload.len);
}

static void
try_tcp(const struct ip_header *ip, uint8_t *data)
{
    struct tcp_segment seg, again;

    tcp_parse(ip, data, true, &seg);
    if (tcp_parse(ip, data, false, &seg) != WGT_OK)
        return;
    require_inside(&seg.payload, data, ip->payload_len);
    require(seg.n_sack <= TCP_SACK_MAX && (!seg.has_wscale || seg.wscale <= 14));

    size_t header = tcp_header_len(&seg);
    require(header >= TCP_HEADER_LEN && header <= TCP_HEADER_MAX && header % 4 == 0);
    struct ip_header ip_again = *ip;
    ip_again.payload_len = (uint32_t)(header + seg.payload.len);
    uint8_t *copy = malloc(ip_again.payload_len);
    if (copy == NULL)
        abort();
    memcpy(copy + header, seg.payload.data, seg.payload.len);
    require(tcp_write(copy, &ip->src, &ip->dst, &seg, true) == header);
    require(tcp_parse(&ip_again, copy, true, &again) == WGT_OK);
    same_tcp(&seg, &again);
    free(copy);
}

static void
try_udp(const struct ip_header *ip, uint8_t *data)
{
    struct udp_header udp;

    udp_parse(ip, data, true, &udp);
    if (udp_parse(ip, data, false, &udp) == WGT_OK)
        require_inside(&udp.payload, data, ip->payload_len);
}

static void
try_icmp(uint8_t *packet, const struct ip_header *ip)
{
    struct nd_message nd;

    nd_parse(packet, ip, &nd);
    if (icmp_echo_reply(packet, ip) == WGT_OK) {
        struct ip_header reply;
        size_t len = (size_t)ip->header_len + ip->payload_len;
        require(ip_parse(packet, len, false, &reply) == WGT_OK);
        require(reply.payload_len == ip->payload_len);
    }
}

static void
try_ip(uint8_t *packet, size_t len)
{
    struct ip_header ip;

    ip_parse(packet, len, true, &ip);
    if (ip_parse(packet, len, false, &ip) != WGT_OK)
        return;
    require((size_t)ip.header_len + ip.payload_len <= len);
    uint8_t *upper = packet + ip.header_len;
    if (ip.protocol == IP_PROTO_TCP)
        try_tcp(&ip, upper);
    else if (ip.protocol == IP_PROTO_UDP)
        try_udp(&ip, upper);
    else
        try_icmp(packet, &ip);
}

static void
try_inner(const uint8_t *packet, size_t len)
{
    struct inner_packet inner;

    if (inner_parse(packet, len, &inner) == WGT_OK)
        require(inner.len <= len);
}

static void
try_message(const uint8_t *message, size_t len)
{
    enum message_type type;

    if (message_check(message, len, &type) != WGT_OK)
        return;
    require(len >= MESSAGE_MIN_LEN);
    if (type != MESSAGE_INITIATION)
        (void)message_receiver(message, type);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct eth_header eth;
    struct arp_packet arp;

    if (size == 0)
        return 0;
    uint8_t *frame = malloc(size);
    if (frame == NULL)
        abort();
    memcpy(frame, data, size);
    try_inner(frame, size);
    try_message(frame, size);
    if (eth_parse(frame, size, &eth) == WGT_OK) {
        arp_parse(frame + ETH_HEADER_LEN, size - ETH_HEADER_LEN, &arp);
        try_ip(frame + ETH_HEADER_LEN, size - ETH_HEADER_LEN);
    }
    free(frame);
    return 0;
}
