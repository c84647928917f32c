/* SPDX-License-Identifier: BSD-3-Clause */
/* Data messages under a session's keys:  type, receiver, counter, encrypted packet. */
#include <wgtcpd/noise/noise.h>

#include "aead.h"

enum { OFF_RECEIVER = 4, OFF_COUNTER = 8 };

void
noise_keypair_wipe(struct noise_keypair *k)
{
    const struct aead_backend *aead = aead_selected();

    aead->wipe(&k->send);
    aead->wipe(&k->receive);
    noise_wipe(k, sizeof(*k));
}

bool
noise_seal(struct noise_keypair *k, uint8_t *message, size_t plaintext_len)
{
    const uint64_t counter = k->send_counter;

    if (!k->send_allowed || counter >= NOISE_REJECT_AFTER_MESSAGES)
        return false;
    k->send_counter++;
    put_le32(message, MESSAGE_DATA);
    put_le32(message + OFF_RECEIVER, k->remote_index);
    put_le64(message + OFF_COUNTER, counter);
    return aead_selected()->seal(&k->send, counter, message + MESSAGE_DATA_HEADER_LEN,
                                 plaintext_len);
}

enum wgt_drop
noise_open(struct noise_keypair *k, uint8_t *message, size_t len)
{
    uint64_t counter;

    if (len < MESSAGE_DATA_OVERHEAD)
        return WGT_DROP_MESSAGE_SHORT;
    counter = get_le64(message + OFF_COUNTER);
    if (counter >= NOISE_REJECT_AFTER_MESSAGES || k->replay.top >= NOISE_REJECT_AFTER_MESSAGES)
        return WGT_DROP_DATA_EXPIRED;
    /* What would be refused anyway need not be decrypted; the window moves below only. */
    if (!noise_replay_would_accept(&k->replay, counter))
        return WGT_DROP_DATA_REPLAY;
    if (!aead_selected()->open(&k->receive, counter, message + MESSAGE_DATA_HEADER_LEN,
                               len - MESSAGE_DATA_OVERHEAD))
        return WGT_DROP_DATA_TAG;
    noise_replay_accept(&k->replay, counter);
    return WGT_OK;
}
