/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/offload/vnet.h>

enum { FLAG_NEEDS_CHECKSUM = 1, FLAG_DATA_VALID = 2, GSO_ECN = 0x80 };

void
vnet_read(struct vnet_header *h, const uint8_t in[VNET_HEADER_LEN])
{
    *h = (struct vnet_header){
        .needs_checksum = in[0] & FLAG_NEEDS_CHECKSUM,
        .checked = in[0] & FLAG_DATA_VALID,
        .ecn = in[1] & GSO_ECN,
        .gso = (uint8_t)(in[1] & ~GSO_ECN),
        .header_len = get_le16(in + 2),
        .gso_size = get_le16(in + 4),
        .checksum_start = get_le16(in + 6),
        .checksum_offset = get_le16(in + 8),
    };
}

void
vnet_write(uint8_t out[VNET_HEADER_LEN], const struct vnet_header *h)
{
    out[0] = h->needs_checksum ? FLAG_NEEDS_CHECKSUM : 0;
    out[1] = (uint8_t)(h->gso | (h->ecn ? GSO_ECN : 0));
    put_le16(out + 2, h->header_len);
    put_le16(out + 4, h->gso_size);
    put_le16(out + 6, h->checksum_start);
    put_le16(out + 8, h->checksum_offset);
}
