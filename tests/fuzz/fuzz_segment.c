/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a kernel's TUN hands out: any vnet header before any packet. What is cut off must parse,
 * with right checksums where the packet's own pseudo header was right, and no byte of payload may
 * be lost or come twice.
 */
#include <stdlib.h>

#include <wgtcpd/offload/segment.h>
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
        require(inner_parse(out, len, &inner) == WGT_OK && inner.len == len);
        require(memcmp(out + s->header_len, s->packet + s->header_len + got, len - s->header_len) ==
                0);
        got += len - s->header_len;
        free(out);
    }
    require(segment_is_left(s) || got == payload);
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
    segment_complete(&h, packet, len);
    free(packet);
    return 0;
}
