/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a kernel's TUN hands out: any vnet header before any packet; and the same from a TAP, behind
 * an Ethernet header, with checksums written or not. What is cut off must parse, with right
 * checksums where the packet's own pseudo header was right, and no byte of payload may be lost or
 * come twice.
 */
#include <stdlib.h>

#include <wgtcpd/offload/segment.h>
#include <wgtcpd/wire/eth.h>
#include <wgtcpd/wire/ip.h>

enum { PACKET_MAX = 4096, PARTS_MAX = 512 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool holds)
{
    if (!holds)
        abort();
}

static void
check_cut(struct segmenter *s)
{
    size_t payload = s->end - s->header_len, got = 0;

    for (unsigned i = 0; i < PARTS_MAX && segment_is_left(s); i++) {
        size_t max = segment_max(s), len;
        uint8_t *out = malloc(max); /* of exactly this size: a byte beyond is found */
        struct inner_packet inner;

        require(out != NULL);
        len = segment_next(s, out);
        require(len <= max && len > s->header_len);
        require(memcmp(out, s->packet, s->link_len) == 0);
        require(inner_parse(out + s->link_len, len - s->link_len, &inner) == WGT_OK);
        require(inner.len == len - s->link_len);
        require(memcmp(out + s->header_len, s->packet + s->header_len + got, len - s->header_len) ==
                0);
        got += len - s->header_len;
        free(out);
    }
    require(segment_is_left(s) || got == payload);
}

static void
check_frame(struct vnet_header h, const uint8_t *packet, size_t len)
{
    size_t link_len = ETH_HEADER_LEN;
    uint8_t *frame = malloc(link_len + len);
    struct segmenter s;

    require(frame != NULL);
    memset(frame, 2, link_len);
    put_be16(frame + 12, len > 0 && ip_is_v4(packet) ? ETH_IPV4 : ETH_IPV6);
    memcpy(frame + link_len, packet, len);
    h.checksum_start += (uint16_t)link_len;
    if (segment_begin_frame(&s, &h, frame, link_len + len, h.header_len & 1) == WGT_OK &&
        segment_max(&s) <= link_len + len)
        check_cut(&s);
    segment_is_vouched_for(&h, frame, link_len + len);
    segment_is_vouched_for(&h, packet, len);
    if (segment_begin_frame(&s, &h, packet, len, false) == WGT_OK && segment_max(&s) <= len)
        check_cut(&s);
    free(frame);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vnet_header h;
    struct segmenter s;
    uint8_t *packet;
    size_t len;

    if (size < VNET_HEADER_LEN || size > PACKET_MAX)
        return 0;
    vnet_read(&h, data);
    len = size - VNET_HEADER_LEN;
    packet = malloc(len + (len == 0));
    require(packet != NULL);
    memcpy(packet, data + VNET_HEADER_LEN, len);
    if (segment_begin(&s, &h, packet, len) == WGT_OK && segment_max(&s) <= len)
        check_cut(&s);
    check_frame(h, packet, len);
    segment_complete(&h, packet, len);
    free(packet);
    return 0;
}
