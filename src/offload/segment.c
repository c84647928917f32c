/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/offload/segment.h>

#include <wgtcpd/wire/checksum.h>
#include <wgtcpd/wire/eth.h>
#include <wgtcpd/wire/inner.h>
#include <wgtcpd/wire/tcp.h>
#include <wgtcpd/wire/udp.h>

#include "fields.h"

static bool
is_of_type(const uint8_t *packet, const struct inner_upper *u, uint8_t gso)
{
    switch (gso) {
    case VNET_GSO_TCP_V4:
        return ip_is_v4(packet) && u->protocol == IP_PROTO_TCP;
    case VNET_GSO_TCP_V6:
        return !ip_is_v4(packet) && u->protocol == IP_PROTO_TCP;
    case VNET_GSO_UDP:
        return u->protocol == IP_PROTO_UDP;
    default:
        return false;
    }
}

/* Of a TCP or UDP header of which `left` bytes are there; 0: it is not whole. */
static size_t
upper_header_len(const uint8_t *upper, size_t left, bool tcp)
{
    size_t len = UDP_HEADER_LEN;

    if (tcp) {
        if (left < TCP_HEADER_LEN)
            return 0;
        len = tcp_data_offset(upper);
        if (len < TCP_HEADER_LEN)
            return 0;
    }
    return len <= left ? len : 0;
}

/* link_len, upper: before the IP packet, and from there to the TCP or UDP header. */
static bool
checksum_is_where_it_should(const struct vnet_header *h, size_t link_len, size_t upper, bool tcp)
{
    return h->needs_checksum && h->checksum_start == link_len + upper &&
           h->checksum_offset == (tcp ? TCP_CHECKSUM_AT : UDP_CHECKSUM_AT);
}

/* The pseudo header's sum is the kernel's, so that a routing header's last destination is in it;
 * the length, taken off here, is to be that of each packet. */
static enum wgt_drop
begin(struct segmenter *s, const struct vnet_header *h, const uint8_t *packet, size_t len,
      size_t link_len)
{
    struct inner_packet inner;
    struct inner_upper u;
    size_t upper_len, field;
    bool tcp;

    if (len > VNET_PACKET_MAX || inner_parse(packet, len, &inner) != WGT_OK || inner.len != len)
        return WGT_DROP_INNER_OFFLOAD;
    inner_find_upper(packet, len, &u);
    tcp = u.protocol == IP_PROTO_TCP;
    upper_len = upper_header_len(packet + u.offset, len - u.offset, tcp);
    if (!is_of_type(packet, &u, h->gso) || u.fragment || upper_len == 0 || h->gso_size == 0 ||
        u.offset + upper_len == len || !checksum_is_where_it_should(h, link_len, u.offset, tcp))
        return WGT_DROP_INNER_OFFLOAD;
    field = u.offset + h->checksum_offset;
    *s = (struct segmenter){
        .packet = packet - link_len,
        .at = link_len + u.offset + upper_len,
        .end = link_len + len,
        .link_len = link_len,
        .upper = link_len + u.offset,
        .header_len = link_len + u.offset + upper_len,
        .pseudo = get_be16(packet + field) + (uint64_t)(uint16_t) ~(len - u.offset),
        .seq = tcp ? get_be32(packet + u.offset + TCP_SEQ_AT) : 0,
        .id = ip_is_v4(packet) ? get_be16(packet + IPV4_ID_AT) : 0,
        .size = h->gso_size,
        .v4 = ip_is_v4(packet),
        .tcp = tcp,
    };
    return WGT_OK;
}

enum wgt_drop
segment_begin(struct segmenter *s, const struct vnet_header *h, const uint8_t *packet, size_t len)
{
    return begin(s, h, packet, len, 0);
}

enum wgt_drop
segment_begin_frame(struct segmenter *s, const struct vnet_header *h, const uint8_t *frame,
                    size_t len, bool partial)
{
    size_t link_len = eth_ip_offset(frame, len);
    enum wgt_drop why;

    if (link_len == 0)
        return WGT_DROP_ETH_OFFLOAD;
    why = begin(s, h, frame + link_len, len - link_len, link_len);
    if (why != WGT_OK)
        return WGT_DROP_ETH_OFFLOAD;
    s->partial = partial;
    return WGT_OK;
}

/* RFC 6864 4.2: packets that may be fragmented have IDs of their own; as the kernel's GSO, we count
 * on for all. */
static void
write_ip(struct segmenter *s, uint8_t *out, size_t len)
{
    if (s->v4) {
        put_be16(out + IPV4_LENGTH_AT, (uint16_t)len);
        put_be16(out + IPV4_ID_AT, s->id++);
        put_be16(out + IPV4_CHECKSUM_AT, 0);
        put_be16(out + IPV4_CHECKSUM_AT, checksum_ipv4_header(out, ipv4_header_len(out)));
    } else {
        put_be16(out + IPV6_LENGTH_AT, (uint16_t)(len - IPV6_HEADER_LEN));
    }
}

/* RFC 768: zero says that there is no checksum. */
static uint16_t
never_zero(uint16_t checksum)
{
    return checksum != 0 ? checksum : UINT16_MAX;
}

static void
write_checksum(const struct segmenter *s, uint8_t *upper, size_t len, size_t field)
{
    uint16_t checksum;

    if (s->partial) {
        put_be16(upper + field, checksum_fold(s->pseudo + len));
        return;
    }
    put_be16(upper + field, 0);
    checksum = checksum_finish(checksum_add(s->pseudo + len, upper, len));
    put_be16(upper + field, s->tcp ? checksum : never_zero(checksum));
}

/* RFC 3168 6.1.2: CWR says that the window was reduced before this segment. RFC 9293 3.9.1: PSH and
 * FIN belong to the end of the data. */
static void
write_tcp(struct segmenter *s, uint8_t *tcp, size_t len, bool first, bool last)
{
    put_be32(tcp + TCP_SEQ_AT, s->seq);
    s->seq += s->size;
    if (!first)
        tcp[TCP_FLAGS_AT] &= (uint8_t)~TCP_CWR;
    if (!last)
        tcp[TCP_FLAGS_AT] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
    write_checksum(s, tcp, len, TCP_CHECKSUM_AT);
}

static void
write_udp(const struct segmenter *s, uint8_t *udp, size_t len)
{
    put_be16(udp + UDP_LENGTH_AT, (uint16_t)len);
    write_checksum(s, udp, len, UDP_CHECKSUM_AT);
}

size_t
segment_next(struct segmenter *s, uint8_t *out)
{
    bool first = s->at == s->header_len;
    size_t left = s->end - s->at, data = left < s->size ? left : s->size;
    size_t len = s->header_len + data;

    memcpy(out, s->packet, s->header_len);
    memcpy(out + s->header_len, s->packet + s->at, data);
    s->at += data;
    write_ip(s, out + s->link_len, len - s->link_len);
    if (s->tcp)
        write_tcp(s, out + s->upper, len - s->upper, first, !segment_is_left(s));
    else
        write_udp(s, out + s->upper, len - s->upper);
    return len;
}

enum wgt_drop
segment_complete(const struct vnet_header *h, uint8_t *packet, size_t len)
{
    size_t start = h->checksum_start, field = start + h->checksum_offset;

    if (h->gso != VNET_GSO_NONE)
        return WGT_DROP_INNER_OFFLOAD;
    if (!h->needs_checksum)
        return WGT_OK;
    if (field + 2 > len)
        return WGT_DROP_INNER_OFFLOAD;
    put_be16(packet + field,
             never_zero(checksum_finish(checksum_add(0, packet + start, len - start))));
    return WGT_OK;
}

bool
segment_is_vouched_for(const struct vnet_header *h, const uint8_t *frame, size_t len)
{
    size_t link_len = eth_ip_offset(frame, len);
    struct inner_packet inner;
    struct inner_upper u;

    if (!h->needs_checksum || link_len == 0)
        return h->checked;
    frame += link_len;
    len -= link_len;
    if (inner_parse(frame, len, &inner) != WGT_OK)
        return false;
    inner_find_upper(frame, inner.len, &u);
    return !u.fragment && (u.protocol == IP_PROTO_TCP || u.protocol == IP_PROTO_UDP) &&
           checksum_is_where_it_should(h, link_len, u.offset, u.protocol == IP_PROTO_TCP);
}
