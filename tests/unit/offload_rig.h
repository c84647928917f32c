/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets and super-packets as a kernel makes them, for the tests of offloads. Written with the
 * wire room, which knows nothing of offloads. */
#ifndef WGTCPD_TEST_OFFLOAD_RIG_H
#define WGTCPD_TEST_OFFLOAD_RIG_H

#include <wgtcpd/offload/vnet.h>
#include <wgtcpd/wire/checksum.h>
#include <wgtcpd/wire/ip.h>
#include <wgtcpd/wire/tcp.h>
#include <wgtcpd/wire/udp.h>

enum { RIG_PACKET_MAX = VNET_PACKET_MAX };

struct rig_packet {
    bool v6, udp, plain; /* plain: TCP without timestamps */
    bool fragmentable;   /* IPv4 without DF */
    uint16_t src_port, id, window;
    uint8_t flags, ttl, traffic_class;
    uint32_t seq, ack, ts_val;
    size_t payload;
    uint32_t pattern; /* of payload byte 0, which stands at seq */
};

static inline uint8_t
rig_byte(uint32_t pattern, uint32_t seq)
{
    return (uint8_t)((seq + pattern) * 2654435761u >> 13);
}

static inline struct ip_addr
rig_addr(bool v6, uint8_t host)
{
    return v6 ? ip_addr_v6((uint8_t[16]){0xfd, [15] = host})
              : ip_addr_v4((uint8_t[4]){10, 9, 0, host});
}

static inline size_t
rig_upper_write(const struct rig_packet *p, const struct ip_header *ip, uint8_t *upper)
{
    struct tcp_segment s = {
        .src_port = p->src_port,
        .dst_port = 5201,
        .seq = p->seq,
        .ack = p->ack,
        .flags = p->flags,
        .window = p->window,
        .has_ts = !p->plain,
        .ts_val = p->ts_val,
        .ts_ecr = 77,
        .payload.len = p->payload,
    };
    size_t header_len = p->udp ? (size_t)UDP_HEADER_LEN : tcp_header_len(&s);

    for (size_t i = 0; i < p->payload; i++)
        upper[header_len + i] = rig_byte(p->pattern, p->seq + (uint32_t)i);
    if (p->udp)
        udp_write(upper, &ip->src, &ip->dst, p->src_port, 5201, p->payload, true);
    else
        tcp_write(upper, &ip->src, &ip->dst, &s, true);
    return header_len + p->payload;
}

/* Its length. */
static inline size_t
rig_write(uint8_t *out, const struct rig_packet *p)
{
    struct ip_header ip = {
        .src = rig_addr(p->v6, 1),
        .dst = rig_addr(p->v6, 2),
        .protocol = p->udp ? IP_PROTO_UDP : IP_PROTO_TCP,
        .ttl = p->ttl,
        .traffic_class = p->traffic_class,
        .dont_fragment = !p->fragmentable,
        .id = p->id,
    };
    size_t header_len = ip_header_len(&ip.dst);

    ip.payload_len = (uint32_t)rig_upper_write(p, &ip, out + header_len);
    ip_write(out, &ip);
    return header_len + ip.payload_len;
}

static inline struct rig_packet
rig_tcp(uint32_t seq, size_t payload)
{
    return (struct rig_packet){
        .src_port = 40000,
        .window = 500,
        .flags = TCP_ACK,
        .ttl = 64,
        .seq = seq,
        .ack = 1000,
        .ts_val = 5,
        .payload = payload,
    };
}

static inline struct rig_packet
rig_udp(uint16_t id, size_t payload)
{
    return (struct rig_packet){
        .udp = true, .src_port = 40000, .ttl = 64, .id = id, .seq = id * 9000u, .payload = payload};
}

/* Leaves the checksum to whoever takes the packet, as the kernel does. */
static inline struct vnet_header
rig_make_partial(uint8_t *packet, size_t len)
{
    bool v4 = ip_is_v4(packet);
    struct vnet_header h = {.needs_checksum = true,
                            .checksum_start = v4 ? IPV4_HEADER_LEN : IPV6_HEADER_LEN};
    uint8_t protocol = v4 ? packet[9] : packet[6];
    struct ip_addr src = v4 ? ip_addr_v4(packet + 12) : ip_addr_v6(packet + 8);
    struct ip_addr dst = v4 ? ip_addr_v4(packet + 16) : ip_addr_v6(packet + 24);
    uint64_t sum = checksum_pseudo(&src, &dst, protocol, (uint32_t)(len - h.checksum_start));

    h.checksum_offset = protocol == IP_PROTO_UDP ? 6 : 16;
    put_be16(packet + h.checksum_start + h.checksum_offset, checksum_fold(sum));
    return h;
}

/* A super-packet to be cut into pieces of gso_size; its length in *len. */
static inline struct vnet_header
rig_write_super(uint8_t *out, const struct rig_packet *p, uint16_t gso_size, size_t *len)
{
    struct vnet_header h;

    *len = rig_write(out, p);
    h = rig_make_partial(out, *len);
    h.gso = p->udp ? VNET_GSO_UDP : p->v6 ? VNET_GSO_TCP_V6 : VNET_GSO_TCP_V4;
    h.gso_size = gso_size;
    h.ecn = !p->udp && (p->flags & TCP_CWR);
    return h;
}

#endif
