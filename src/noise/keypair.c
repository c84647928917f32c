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
noise_seal_begin(struct noise_keypair *k, uint8_t *message, size_t plaintext_len,
                 struct noise_sealing *s)
{
    const uint64_t counter = k->send_counter;

    if (!k->send_allowed || counter >= NOISE_REJECT_AFTER_MESSAGES)
        return false;
    k->send_counter++;
    put_le32(message, MESSAGE_DATA);
    put_le32(message + OFF_RECEIVER, k->remote_index);
    put_le64(message + OFF_COUNTER, counter);
    *s = (struct noise_sealing){k, counter, message, plaintext_len, false};
    return true;
}

void
noise_seal_many(struct noise_sealing *s, unsigned n)
{
    const struct aead_backend *aead = aead_selected();

    for (unsigned i = 0; i < n; i++)
        s[i].sealed = aead->seal(&s[i].keypair->send, s[i].counter,
                                 s[i].message + MESSAGE_DATA_HEADER_LEN, s[i].plaintext_len);
}

bool
noise_seal(struct noise_keypair *k, uint8_t *message, size_t plaintext_len)
{
    struct noise_sealing s;

    if (!noise_seal_begin(k, message, plaintext_len, &s))
        return false;
    noise_seal_many(&s, 1);
    return s.sealed;
}

void
noise_seal_prefetch(const struct noise_keypair *k)
{
    /* An expanded key is used at its beginning and at its end. */
    __builtin_prefetch(k, 1);
    __builtin_prefetch(&k->send.state[64]);
    __builtin_prefetch(&k->send.state[NOISE_AEAD_STATE - 64]);
}

void
noise_open_begin(struct noise_keypair *k, uint8_t *message, size_t len, struct noise_opening *o)
{
    *o = (struct noise_opening){.keypair = k, .message = message, .len = len, .why = WGT_OK};
    if (len < MESSAGE_DATA_OVERHEAD) {
        o->why = WGT_DROP_MESSAGE_SHORT;
        return;
    }
    o->counter = get_le64(message + OFF_COUNTER);
    if (o->counter >= NOISE_REJECT_AFTER_MESSAGES || k->replay.top >= NOISE_REJECT_AFTER_MESSAGES)
        o->why = WGT_DROP_DATA_EXPIRED;
    /* What would be refused anyway need not be decrypted; the window moves below only. */
    else if (!noise_replay_would_accept(&k->replay, o->counter))
        o->why = WGT_DROP_DATA_REPLAY;
}

static bool
decrypt(const struct aead_backend *aead, const struct noise_opening *o)
{
    return aead->open(&o->keypair->receive, o->counter, o->message + MESSAGE_DATA_HEADER_LEN,
                      o->len - MESSAGE_DATA_OVERHEAD);
}

static void
finish_open(const struct aead_backend *aead, struct noise_opening *o)
{
    if (!decrypt(aead, o))
        o->why = WGT_DROP_DATA_TAG;
    else if (!noise_replay_accept(&o->keypair->replay, o->counter))
        o->why = WGT_DROP_DATA_REPLAY;
}

void
noise_open_many(struct noise_opening *o, unsigned n)
{
    const struct aead_backend *aead = aead_selected();

    for (unsigned i = 0; i < n; i++)
        if (o[i].why == WGT_OK)
            finish_open(aead, &o[i]);
}

void
noise_open_aead(struct noise_opening *o, unsigned n)
{
    const struct aead_backend *aead = aead_selected();

    for (unsigned i = 0; i < n; i++)
        if (o[i].why == WGT_OK && !decrypt(aead, &o[i]))
            o[i].why = WGT_DROP_DATA_TAG;
}

void
noise_open_accept(struct noise_opening *o)
{
    if (o->why == WGT_OK && !noise_replay_accept(&o->keypair->replay, o->counter))
        o->why = WGT_DROP_DATA_REPLAY;
}

enum wgt_drop
noise_open(struct noise_keypair *k, uint8_t *message, size_t len)
{
    struct noise_opening o;

    noise_open_begin(k, message, len, &o);
    noise_open_many(&o, 1);
    return o.why;
}

void
noise_open_prefetch(const struct noise_keypair *k)
{
    __builtin_prefetch(k);
    __builtin_prefetch(&k->receive);
    __builtin_prefetch(&k->receive.state[NOISE_AEAD_STATE - 64]);
    __builtin_prefetch(&k->replay, 1);
    __builtin_prefetch(&k->owner);
}
