/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/wire/eth.h>

enum wgt_drop
eth_parse(const uint8_t *frame, size_t len, struct eth_header *out)
{
    if (len < ETH_HEADER_LEN)
        return WGT_DROP_ETH_SHORT;
    memcpy(out->dst.bytes, frame, ETH_ADDR_LEN);
    memcpy(out->src.bytes, frame + 6, ETH_ADDR_LEN);
    out->type = get_be16(frame + 12);
    return WGT_OK;
}

void
eth_write(uint8_t *frame, const struct eth_header *h)
{
    memcpy(frame, h->dst.bytes, ETH_ADDR_LEN);
    memcpy(frame + 6, h->src.bytes, ETH_ADDR_LEN);
    put_be16(frame + 12, h->type);
}

bool
eth_addr_is_group(const struct eth_addr *a)
{
    return a->bytes[0] & 1;
}
