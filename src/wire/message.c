/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/wire/message.h>

/* Initiation, response and cookie reply have one length each. */
static size_t
fixed_len(uint32_t type)
{
    switch (type) {
    case MESSAGE_INITIATION:
        return MESSAGE_INITIATION_LEN;
    case MESSAGE_RESPONSE:
        return MESSAGE_RESPONSE_LEN;
    default:
        return MESSAGE_COOKIE_REPLY_LEN;
    }
}

enum wgt_drop
message_check_any(const uint8_t *message, size_t len, enum message_type *type)
{
    uint32_t word;

    if (len < 4)
        return WGT_DROP_MESSAGE_SHORT;
    word = get_le32(message);
    if (word < MESSAGE_INITIATION || word > MESSAGE_DATA)
        return WGT_DROP_MESSAGE_TYPE;
    if (word == MESSAGE_DATA && len < MESSAGE_DATA_OVERHEAD)
        return WGT_DROP_MESSAGE_SHORT;
    if (word != MESSAGE_DATA && len != fixed_len(word))
        return WGT_DROP_MESSAGE_LENGTH;
    *type = (enum message_type)word;
    return WGT_OK;
}
