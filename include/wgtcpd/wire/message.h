/* SPDX-License-Identifier: BSD-3-Clause */
/* WireGuard messages: types, lengths, field offsets (paper section 5.4). */
#ifndef WGTCPD_WIRE_MESSAGE_H
#define WGTCPD_WIRE_MESSAGE_H

#include <wgtcpd/base/base.h>
#include <wgtcpd/base/drop.h>

enum message_type {
    MESSAGE_INITIATION = 1,
    MESSAGE_RESPONSE = 2,
    MESSAGE_COOKIE_REPLY = 3,
    MESSAGE_DATA = 4,
};

enum {
    MESSAGE_INITIATION_LEN = 148,
    MESSAGE_RESPONSE_LEN = 92,
    MESSAGE_COOKIE_REPLY_LEN = 64,
    MESSAGE_DATA_HEADER_LEN = 16,
    MESSAGE_TAG_LEN = 16,
    MESSAGE_DATA_OVERHEAD = MESSAGE_DATA_HEADER_LEN + MESSAGE_TAG_LEN,
    MESSAGE_MIN_LEN = 32, /* a keepalive, the shortest message there is */
    MESSAGE_PADDING = 16,
    MESSAGE_HANDSHAKE_MAX = MESSAGE_INITIATION_LEN,
};

/* Type and length agree, reserved bytes are zero. WGT_OK, MESSAGE_SHORT (< 4 bytes or data < 32),
 * MESSAGE_TYPE, MESSAGE_LENGTH. On WGT_OK *type is set. */
enum wgt_drop message_check_any(const uint8_t *message, size_t len, enum message_type *type);

static inline enum wgt_drop
message_check(const uint8_t *message, size_t len, enum message_type *type)
{
    /* Nearly all are data. One comparison covers the type and the three zero bytes behind it. */
    if (len < MESSAGE_DATA_OVERHEAD || get_le32(message) != MESSAGE_DATA)
        return message_check_any(message, len, type);
    *type = MESSAGE_DATA;
    return WGT_OK;
}

/* Receiver index of a checked response, cookie reply or data message. */
static inline uint32_t
message_receiver(const uint8_t *message, enum message_type type)
{
    return get_le32(message + (type == MESSAGE_RESPONSE ? 8 : 4));
}

/* A receiver index has in its highest bits the number of the worker whose peer had it first. */
enum { MESSAGE_INDEX_WORKER_SHIFT = 28, MESSAGE_WORKERS_MAX = 16 };

static inline unsigned
message_index_worker(uint32_t index)
{
    return index >> MESSAGE_INDEX_WORKER_SHIFT;
}

/* Padded length of an inner packet: up to a multiple of 16, not above mtu (0: unknown), by the rule
 * of Linux's calculate_skb_padding, packets longer than mtu included. */
static inline size_t
message_padded_len(size_t len, size_t mtu)
{
    size_t last_unit = len, padded;

    /* A packet longer than the mtu will be cut into units of mtu bytes: pad the last of them. */
    if (mtu != 0 && last_unit > mtu)
        last_unit %= mtu;
    padded = (last_unit + MESSAGE_PADDING - 1) / MESSAGE_PADDING * MESSAGE_PADDING;
    return len - last_unit + (mtu == 0 || padded < mtu ? padded : mtu);
}

#endif
